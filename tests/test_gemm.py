"""The blocked product, the fast twins of matmul and linear, against float64 NumPy."""

import itertools

import numpy as np
import pytest

from nbnn.kernels import _cpu
from nbnn.kernels import linear as L
from nbnn.kernels._gemm import KC, MR, MS, NONE, RELU, gemm, gemm_activated, workspace_size
from nbnn.kernels._simd import LANES

DTYPES = (np.float32, np.float64)
two_threads = pytest.mark.skipif(_cpu.pool.available < 2, reason="one core")


def numbers(dtype, shape, seed=0):
    return np.random.default_rng([seed, *shape]).standard_normal(shape).astype(dtype)


def empty(n, dtype):
    return np.full(n, np.nan, dtype)


def run(fast, *args, threads=1):
    """Call a fast twin as the library does: with the parallel driver, or without."""
    before = _cpu.pool.threads
    _cpu.pool.threads = threads
    try:
        _cpu.enter_fast(fast, args, 1 << 40)
    finally:
        _cpu.pool.threads = before


def product(m, n, k, dtype=np.float32, ta=False, tb=False, bias=None, threads=1, activation=None):
    """Our product and NumPy's, in float64, of the same random matrices; `bias` is None, 0 (columns) or 1 (rows)."""
    a, b = numbers(dtype, (m, k)), numbers(dtype, (k, n), 1)
    left, right = (a.T if ta else a).ravel(), (b.T if tb else b).ravel()
    added = None if bias is None else numbers(dtype, (m if bias else n,), 2)
    c, w = empty(m * n + 2, dtype), empty(workspace_size(m, n, k), dtype)
    a_row, a_col = (1, m) if ta else (k, 1)
    b_row, b_col = (1, k) if tb else (n, 1)
    args = (c, 1, left, 0, right, 0, added, bias or 0, m, n, k, a_row, a_col, b_row, b_col, n, w, 0)
    if activation is None:
        run(gemm, *args, threads=threads)
    else:
        gemm_activated(*args, 0, activation)
    assert np.isnan(c[0])
    assert np.isnan(c[-1])
    want = a.astype(float) @ b.astype(float)
    if bias is not None:
        want += added[:, None] if bias else added
    if activation == RELU:
        want = np.maximum(want, 0)
    return c[1:-1].reshape(m, n), want


def close(got, want, k):
    eps = np.finfo(got.dtype).eps
    assert np.abs(got - want).max(initial=0) <= 4 * eps * (k + 4)


EDGES = (0, 1, MR - 1, MR, MR + 1, 2 * LANES - 1, 2 * LANES, 2 * LANES + 1, 4 * LANES + 3)


@pytest.mark.parametrize("dtype", DTYPES)
def test_sizes_and_transposes(dtype):
    for m, n, k in itertools.product((1, MR - 1, MR, 2 * MR + 1), EDGES, (0, 1, 17, 64)):
        for ta, tb in itertools.product((False, True), repeat=2):
            close(*product(m, n, k, dtype, ta, tb), k)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("bias", [None, 0, 1])
@pytest.mark.parametrize(
    "m, n, k", [(5, 70, 300), (133, 65, KC + 1), (40, 1030, 33), (1030, 40, 2 * KC), (2, 3, 5), (3, 0, 4)]
)
def test_blocks_and_bias(dtype, bias, m, n, k):
    close(*product(m, n, k, dtype, bias=bias), k)
    close(*product(m, n, k, dtype, True, True, bias=bias), k)


@pytest.mark.parametrize("bias", [None, 0, 1])
@pytest.mark.parametrize("m, n, k", [(5, 40, 700), (MR + 1, 33, 17), (9, 2, 64), (1, 9, 33), (70, 300, 600)])
def test_activation(bias, m, n, k):
    for activation, ta, tb in itertools.product((NONE, RELU), (False, True), (False, True)):
        close(*product(m, n, k, ta=ta, tb=tb, bias=bias, activation=activation), k)


@pytest.mark.parametrize("m, n, k", [(9, 40, 700), (9, 2, 64), (1, 9, 33), (70, 300, 600)])
def test_not_a_number_stays_in_its_row(m, n, k):
    for ta, tb in itertools.product((False, True), repeat=2):
        a, b = np.ones((m, k), np.float32), np.ones((k, n), np.float32)
        a[-1, -1], a[0, 0] = np.nan, np.inf
        c, w = empty(m * n, np.float32), empty(workspace_size(m, n, k), np.float32)
        a_steps, b_steps = (1, m) if ta else (k, 1), (1, k) if tb else (n, 1)
        left, right = (a.T if ta else a).ravel(), (b.T if tb else b).ravel()
        gemm_activated(c, 0, left, 0, right, 0, None, 0, m, n, k, *a_steps, *b_steps, n, w, 0, 0, RELU)
        with np.errstate(invalid="ignore"):
            want = a @ b
        np.testing.assert_array_equal(c.reshape(m, n), want)


def test_workspace_is_bounded():
    assert KC * MS < workspace_size(10**6, 10**6, 10**6) <= KC * (MS + 1024) + 16  # fewer lanes need less


@two_threads
@pytest.mark.parametrize("m, n, k", [(300, 300, 300), (1, 3000, 500), (40, 2000, 600)])
def test_same_bits_for_any_number_of_threads(m, n, k):
    one, want = product(m, n, k, bias=0)
    two, _ = product(m, n, k, bias=0, threads=2)
    close(one, want, k)
    assert (one == two).all()


@two_threads
@pytest.mark.parametrize(
    "batch, m, k, n", [(1, 150, 140, 130), (3, 40, 30, 50), (20, 33, 65, 17), (0, 3, 4, 5), (2, 3, 0, 5)]
)
def test_matmul(batch, m, k, n):
    a, b = numbers(np.float32, (batch, m, k)), numbers(np.float32, (batch, k, n), 1)
    for ta, tb, shared in itertools.product((False, True), repeat=3):
        left = (a.swapaxes(1, 2) if ta else a).ravel()
        right = (b.swapaxes(1, 2) if tb else b).ravel()
        steps = (m * k, 1, m) if ta else (m * k, k, 1)
        steps += (0 if shared else k * n, *((1, k) if tb else (n, 1)))
        params = (batch, m, k, n, *steps)
        one, two, body = (empty(batch * m * n, np.float32) for _ in range(3))
        w = empty(L.matmul_workspace(*params), np.float32)
        run(L.matmul_fast, one, left, right, w, *params)
        run(L.matmul_fast, two, left, right, w, *params, threads=2)
        L.matmul.cpu(body, (left, right, *params), 0, body.size, 100, 0)
        want = a.astype(float) @ (b[:1] if shared else b)
        close(one.reshape(want.shape), want, k)
        close(body.reshape(want.shape), want, k)
        assert (one == two).all()


@pytest.mark.parametrize("n, k, m", [(1, 64, 64), (32, 64, 10), (70, 300, 33), (0, 3, 4), (3, 0, 4)])
@pytest.mark.parametrize("biased", [False, True])
def test_linear(n, k, m, biased):
    x, weight = numbers(np.float32, (n, k)), numbers(np.float32, (m, k), 1)
    bias = numbers(np.float32, (m,), 2) if biased else None
    want = x.astype(float) @ weight.T + (bias if biased else 0)
    fast, body = empty(n * m, np.float32), empty(n * m, np.float32)
    w = empty(L.linear_workspace(n, k, m), np.float32)
    run(L.linear_fast, fast, x.ravel(), weight.ravel(), bias, w, n, k, m)
    L.linear.cpu(body, (x.ravel(), weight.ravel(), bias, n, k, m), 0, body.size, 100, 0)
    close(fast.reshape(n, m), want, k)
    close(body.reshape(n, m), want, k)


@pytest.mark.parametrize("n, k, m", [(1, 64, 64), (32, 64, 10), (130, 300, 33), (0, 3, 4), (3, 0, 4), (200, 160, 170)])
def test_linear_backward(n, k, m):
    g, x, weight = (numbers(np.float32, s, i) for i, s in enumerate(((n, m), (n, k), (m, k))))
    flat = (g.ravel(), x.ravel(), weight.ravel())
    wide = g.astype(float)
    for needs in itertools.product((0, 1), repeat=3):
        sizes = [size * need for size, need in zip((n * k, m * k, m), needs)]
        params = (n, k, m, *needs)
        one, two, body = ([empty(size, np.float32) for size in sizes] for _ in range(3))
        w = empty(L.linear_backward_workspace(*params), np.float32)
        run(L.linear_backward_fast, *one, *flat, w, *params)
        run(L.linear_backward_fast, *two, *flat, w, *params, threads=2)
        L.linear_backward.cpu((*body, *flat, *params), 0, sum(sizes), 100, 0)
        for i, (want, depth) in enumerate([(wide @ weight, m), (wide.T @ x, n), (wide.sum(0), n)]):
            if needs[i]:
                close(one[i].reshape(want.shape), want, depth)
                close(body[i].reshape(want.shape), want, depth)
                assert (one[i] == two[i]).all()
