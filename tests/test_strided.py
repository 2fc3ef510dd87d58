"""Copies between any two layouts, operands that broadcast, changes in place: against NumPy, at the edges of blocks."""

import itertools

import numpy as np
import pytest

import nbnn
from nbnn import _layout
from nbnn.kernels import _strided, _wide
from nbnn.kernels import array as K

TYPES = (np.float32, np.float64, np.int64, np.bool_, np.float16)
K_move = _strided.move.body.py_func
EDGES = (1, 3, 4, 7, 8, 9, 15, 16, 17, 63, 64, 65, 130)


def numbers(shape, dtype, seed=0):
    return np.asarray(np.random.default_rng(seed).random(shape) * 100, dtype)


def permuted(v, order):
    return v.permute(order) if isinstance(v, nbnn.Tensor) else v.transpose(order)


def check(a, view):
    """A view of `a` made contiguous, and values written through it, as NumPy has them."""
    t = nbnn.from_numpy(a.copy())
    np.testing.assert_array_equal(view(t).contiguous().numpy(), view(a))
    values = (np.arange(view(a).size).reshape(view(a).shape) % 97).astype(a.dtype)
    expected = a.copy()
    view(expected)[...] = values
    view(t).copy_(nbnn.from_numpy(values))
    np.testing.assert_array_equal(t.numpy(), expected)


@pytest.mark.parametrize("dtype", TYPES)
def test_transposes_at_the_edges_of_tiles(dtype):
    for m, n in itertools.product(EDGES, (1, 3, 8, 15, 16, 17, 64, 65)):
        check(numbers((m, n), dtype), lambda v: permuted(v, (1, 0)))


@pytest.mark.parametrize("dtype", TYPES)
def test_slices_and_permutations(dtype):
    a = numbers((37, 50), dtype)
    for view in (lambda v: v[:, ::2], lambda v: v[1::3], lambda v: v[5:9, 3:4], lambda v: v[2:2]):
        check(a, view)
    for shape in ((2, 3, 4, 5), (3, 16, 20, 24), (1, 3, 33, 2)):
        a = numbers(shape, dtype)
        for order in itertools.permutations(range(4)):
            check(a, lambda v, order=order: permuted(v, order))
            check(a, lambda v, order=order: permuted(v, order)[1:, ::2])


def test_more_axes_than_a_kernel_has():
    check(numbers((2, 3, 2, 3, 2, 3, 2, 3), np.float32), lambda v: permuted(v, (7, 2, 5, 0, 3, 6, 1, 4)))


@pytest.mark.parametrize("shape", [(300, 1), (1, 700), (1, 1)])
def test_repeated_elements(shape):
    t = nbnn.from_numpy(numbers(shape, np.float32)).expand(300, 700)
    np.testing.assert_array_equal(t.contiguous().numpy(), t.numpy())
    np.testing.assert_array_equal(t.T.contiguous().numpy(), t.numpy().T)


LARGE = [((600, 500), (1, 0)), ((8, 64, 28, 28), (0, 2, 3, 1)), ((8, 28, 28, 64), (0, 3, 1, 2)), ((100000, 3), (1, 0))]


@pytest.mark.parametrize(("shape", "order"), LARGE)
def test_threads_copy_the_same(shape, order):
    before = nbnn.get_num_threads()
    try:
        for count in (1, 2):
            nbnn.set_num_threads(count)
            check(numbers(shape, np.float32), lambda v: permuted(v, order))
    finally:
        nbnn.set_num_threads(before)


def test_bits_are_moved_as_they_are():
    bits = np.array([0x7F800001, 0xFFC12345, 0x80000000, 1] * 80, np.uint32)
    t = nbnn.from_numpy(bits.view(np.float32).copy()).reshape(16, 20)
    np.testing.assert_array_equal(t.T.contiguous().numpy().view(np.uint32), bits.reshape(16, 20).T)


def test_the_fast_copy_is_the_body():
    x = numbers((4 * 70 * 70,), np.float32)
    for sizes, steps, x_steps, fast in (
        ((1, 1, 1, 4, 70, 70), (0, 0, 0, 4900, 70, 1), (0, 0, 0, 4900, 1, 70), _strided.move_tiles_fast),
        ((1, 1, 1, 4, 70, 35), (0, 0, 0, 4900, 70, 2), (0, 0, 0, 4900, 70, 1), _strided.move_rows_fast),
        ((1, 1, 1, 1, 1, 9001), (0, 0, 0, 0, 0, 1), (0, 0, 0, 0, 0, 0), _strided.move_rows_fast),
    ):
        got, want = np.zeros_like(x), np.zeros_like(x)
        fast(got, x, sizes, 0, steps, 0, x_steps, 0)
        for row in range(int(np.prod(sizes[:5]))):
            K_move(row, want, x, *sizes[1:], 0, *steps, 0, *x_steps)
        np.testing.assert_array_equal(got, want)


SHAPES = [
    ((5, 7), (7,)), ((5, 7), (5, 1)), ((5, 1), (1, 7)), ((2, 3, 4, 4), (1, 3, 1, 1)), ((6,), ()), ((1, 1), (1,)),
    ((300, 257), (257,)), ((300, 257), (300, 1)), ((9001,), (1,)), ((4, 16, 65, 9), (16, 1, 1)), ((3, 1, 5), (1, 4, 1)),
]  # fmt: skip


@pytest.mark.parametrize("shapes", SHAPES, ids=str)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_operands_that_broadcast(shapes, dtype):
    a, b = (numbers(s, dtype, k) for k, s in enumerate(shapes))
    before = nbnn.get_num_threads()
    try:
        for count, (x, y) in itertools.product((1, 2), ((a, b), (b, a))):
            nbnn.set_num_threads(count)
            s, t = nbnn.from_numpy(x), nbnn.from_numpy(y)
            np.testing.assert_array_equal((s + t).numpy(), x + y)
            np.testing.assert_array_equal((s - t).numpy(), x - y)
            np.testing.assert_array_equal((s * t).numpy(), x * y)
            np.testing.assert_array_equal((s < t).numpy(), x < y)
    finally:
        nbnn.set_num_threads(before)


def test_operands_of_any_layout():
    a, b = numbers((6, 20, 33), np.float32), numbers((6, 20, 33), np.float32, 1)
    s, t = nbnn.from_numpy(a), nbnn.from_numpy(b)
    for x, y, u, v in (
        (a[:, ::2], b[:, 1::2], s[:, ::2], t[:, 1::2]),
        (a[..., ::2], b[..., 1:18], s[..., ::2], t[..., 1:18]),
        (a.transpose(2, 0, 1), b.transpose(2, 0, 1)[:1], s.permute(2, 0, 1), t.permute(2, 0, 1)[:1]),
        (a[0].T, b[0, :, 3], s[0].T, t[0, :, 3]),
        (a[0], np.broadcast_to(b[0, :1], (20, 33)), s[0], t[0, :1].expand(20, 33)),
    ):
        np.testing.assert_array_equal((u + v).numpy(), x + y)
        np.testing.assert_array_equal((v * u).numpy(), x * y)


def test_more_axes_that_broadcast_than_a_loop_has():
    shapes = (2, 1, 2, 1, 2, 1, 2, 1), (1, 3, 1, 3, 1, 3, 1, 3)
    a, b = (numbers(s, np.float32, k) for k, s in enumerate(shapes))
    plan = _layout.join(tuple(np.broadcast_shapes(*shapes)), shapes[0], None, shapes[1], None)
    assert plan.geometry is None
    np.testing.assert_array_equal((nbnn.from_numpy(a) - nbnn.from_numpy(b)).numpy(), a - b)


@pytest.mark.parametrize("size", [1, 15, 16, 17, 70000])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_in_place_is_the_plain_result(size, dtype):
    a, b = numbers(size, dtype), 1 + numbers(size, dtype, 1)
    for name, expected in (("add_", a + b), ("sub_", a - b), ("mul_", a * b), ("div_", a / b)):
        t = nbnn.from_numpy(a.copy())
        assert getattr(t, name)(nbnn.from_numpy(b)) is t and t._version[0] == 1
        np.testing.assert_array_equal(t.numpy(), expected)
    three = dtype(3)
    for name, expected in (("add_", a + three), ("sub_", a - three), ("mul_", a * three), ("div_", a / three)):
        t = nbnn.from_numpy(a.copy())
        getattr(t, name)(3.0)
        np.testing.assert_array_equal(t.numpy(), expected)


def test_in_place_on_views_and_shared_memory():
    a = numbers((6, 8), np.float32)
    t = nbnn.from_numpy(a.copy())
    t[2:4].mul_(2.0)
    t[:, 1].add_(1.0)
    t.add_(t)
    t[0].sub_(nbnn.ones(8), alpha=3)
    t[1:].add_(t[:-1])
    want = a.copy()
    want[2:4] *= 2
    want[:, 1] += 1
    want += want
    want[0] -= 3
    want[1:] += want[:-1].copy()
    np.testing.assert_allclose(t.numpy(), want, rtol=1e-6)
    t.T[3].zero_()
    t[0].fill_(7)
    want[:, 3] = 0
    want[0] = 7
    np.testing.assert_allclose(t.numpy(), want, rtol=1e-6)


def test_in_place_reads_what_overlaps_before_it_writes():
    room = numbers(100, np.float32)
    a, b = nbnn.from_numpy(room[:60]), nbnn.from_numpy(room[20:80])
    want = room[:60] + room[20:80]
    a.add_(b)
    np.testing.assert_array_equal(a.numpy(), want)


@pytest.mark.parametrize("axes", [(0,), (1,), (0, 1), (0, 2), (1, 3), (0, 2, 3), (0, 1, 2, 3)])
@pytest.mark.parametrize("order", [(0, 1, 2, 3), (3, 2, 1, 0), (0, 2, 3, 1)])
def test_sums_of_permuted_axes(axes, order):
    a = numbers((9, 8, 17, 70), np.float64)
    want = a.transpose(order).astype(np.longdouble).sum(axes)
    np.testing.assert_allclose(permuted(nbnn.from_numpy(a), order).sum(axes).numpy(), want.astype(float), rtol=1e-13)


def test_sums_of_repeated_elements():
    t = nbnn.from_numpy(numbers((4, 1, 6), np.float64)).expand(4, 5, 6)
    for axes in ((0,), (1,), (0, 1), (1, 2), (0, 1, 2)):
        np.testing.assert_allclose(t.sum(axes).numpy(), t.numpy().sum(axes), rtol=1e-13)


def test_wide_loops_are_bound_once():
    assert _wide.wide(K.add) is _wide.wide(K.add) and _wide.wide(K.add) is not _wide.in_place(K.add)
