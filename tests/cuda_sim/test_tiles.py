"""Kernels whose threads share memory, against NumPy: shapes that fill no tile, one tile, and several.

In the simulator a tile is 4 x 4 and a block has 4 threads; the code is that of a GPU, where all sizes are S times
these.
"""

import numpy as np
import pytest

from nbnn.kernels import _cuda, _reduce, convolution, extreme, linear, row_norm, softmax
from nbnn.kernels._tiles import SIDE

REALS = [np.float32, np.float64]
S = 1 if SIDE == 2 else SIDE


def numbers(*shape, dtype=np.float32, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype(dtype)


def launch(kernel, outs, ins, params, n):
    """The outputs, after a launch that must take the tiled entry."""
    assert _cuda.tiling(kernel, n, params) is not None
    buffers = tuple(_cuda.to_device(y.ravel()) for y in outs)
    held = tuple(None if x is None else _cuda.to_device(np.ascontiguousarray(x).ravel()) for x in ins)
    _cuda.run(kernel, buffers, held, params, n)
    return [_cuda.to_host(b).reshape(y.shape) for b, y in zip(buffers, outs, strict=True)]


def unset(*shape, dtype=np.float32):
    return np.full(shape, np.nan, dtype)


def close(got, wanted):
    np.testing.assert_allclose(got, wanted, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("dtype", REALS)
@pytest.mark.parametrize(("m", "k", "n"), [(2 * S, 2 * S, 3 * S), (5 * S, 3 * S, 4 * S)])
def test_matmul_of_every_layout(m, k, n, dtype):
    a, b = numbers(2, m, k, dtype=dtype), numbers(2, k, n, dtype=dtype, seed=1)
    for turned_a, turned_b in ((False, False), (True, True)):
        steps = (m * k, *((1, m) if turned_a else (k, 1)), k * n, *((1, k) if turned_b else (n, 1)))
        ins = [x.transpose(0, 2, 1) if turned else x for x, turned in ((a, turned_a), (b, turned_b))]
        (got,) = launch(linear.matmul, [unset(2, m, n, dtype=dtype)], ins, (2, m, k, n, *steps), 2 * m * n)
        close(got, a @ b)


def test_deep_products_are_split_and_added_in_order():
    m, k, n = 3 * S, 16 * S, 2 * S
    a, b = numbers(m, k), numbers(k, n, seed=1)
    params = (1, m, k, n, m * k, k, 1, k * n, n, 1)
    assert _cuda.tiling(linear.matmul, m * n, params)[0][1] > 1
    found = [launch(linear.matmul, [unset(m, n)], [a, b], params, m * n)[0] for _ in range(2)]
    np.testing.assert_allclose(found[0], a @ b, rtol=1e-4, atol=1e-4)
    np.testing.assert_array_equal(*found)


@pytest.mark.parametrize("bias", [True, False])
def test_linear(bias):
    n, k, m = 3 * S, 5 * S, 6 * S
    x, w, c = numbers(n, k), numbers(m, k, seed=1), numbers(m, seed=2) if bias else None
    (got,) = launch(linear.linear, [unset(n, m)], [x, w, c], (n, k, m), n * m)
    close(got, x @ w.T + (0 if c is None else c))


@pytest.mark.parametrize("need", [(1, 1, 1), (0, 1, 1), (1, 0, 0)])
def test_linear_backward(need):
    n, k, m = 3 * S, 2 * S, 5 * S
    g, x, w = numbers(n, m), numbers(n, k, seed=1), numbers(m, k, seed=2)
    wanted = [value if wants else np.empty(0) for value, wants in zip((g @ w, g.T @ x, g.sum(0)), need, strict=True)]
    outs = [unset(*value.shape) for value in wanted]
    for got, want in zip(launch(linear.linear_backward, outs, [g, x, w], (n, k, m, *need), 1), wanted, strict=True):
        close(got, want)


# (sizes of input and kernel, stride, padding, dilation, groups): N, C, (D, H, W), O, (KD, KH, KW)
CONVOLUTIONS = [
    (S, 2 * S, (1, 3, 3), 2 * S, (1, 2, 2), (1, 1, 1), (0, 0, 0), (1, 1, 1), 1),
    (S, 4 * S, (1, 3, 2), 4 * S, (1, 2, 2), (1, 2, 1), (0, 1, 0), (1, 1, 1), 2),
    (S, 2 * S, (2, 1, 4), 3 * S, (2, 1, 2), (1, 1, 2), (0, 0, 1), (1, 1, 2), 1),
]


def geometry(case):
    n, c, size, o, kernel, stride, padding, dilation, groups = case
    out = tuple(
        (s + 2 * p - d * (k - 1) - 1) // t + 1
        for s, k, t, p, d in zip(size, kernel, stride, padding, dilation, strict=True)
    )
    return (n, c, *size, o, *kernel, *out, *stride, *padding, *dilation, groups), out


def terms(case):
    """(output, input, weight) indices of each product of a convolution."""
    n, c, size, o, kernel, stride, padding, dilation, groups = case
    _, out = geometry(case)
    depth, width = c // groups, o // groups
    for image, channel, k, *rest in np.ndindex(n, o, depth, *out, *kernel):
        at, tap = rest[:3], rest[3:]
        where = tuple(a * t - p + u * d for a, t, p, u, d in zip(at, stride, padding, tap, dilation, strict=True))
        if all(0 <= w < s for w, s in zip(where, size, strict=True)):
            yield (image, channel, *at), (image, channel // width * depth + k, *where), (channel, k, *tap)


@pytest.mark.parametrize("case", CONVOLUTIONS)
def test_convolution_and_its_gradients(case):
    n, c, size, o, kernel, *_, groups = case
    params, out = geometry(case)
    x, w, b = numbers(n, c, *size), numbers(o, c // groups, *kernel, seed=1), numbers(o, seed=2)
    g, extra = numbers(n, o, *out, seed=3), numbers(c, seed=4)
    y, dx, dw = np.zeros(g.shape), np.zeros(x.shape), np.zeros(w.shape)
    for to, source, tap in terms(case):
        y[to] += x[source] * w[tap]
        dx[source] += g[to] * w[tap]
        dw[tap] += g[to] * x[source]
    around = (1, -1, 1, 1, 1)
    close(launch(convolution.conv, [unset(*g.shape)], [x, w, b], params, g.size)[0], y + b.reshape(around))
    got = launch(convolution.conv_transpose, [unset(*x.shape)], [g, w, extra], params, x.size)[0]
    close(got, dx + extra.reshape(around))
    close(launch(convolution.conv_grad_weight, [unset(*w.shape)], [g, x], params, w.size)[0], dw)


def test_the_gradient_of_a_bias():
    g = numbers(2 * S, 3, 2, 2 * S)
    close(launch(convolution.conv_grad_bias, [unset(3)], [g], (2 * S, 3, 2, 2 * S), 3)[0], g.sum((0, 2, 3)))


@pytest.mark.parametrize("dtype", REALS)
@pytest.mark.parametrize("length", [4 * S, 5 * S, 23 * S])
def test_sums(length, dtype):
    x = numbers(3, length, dtype=dtype)
    close(launch(_reduce.sum_blocks, [unset(3, dtype=dtype)], [x], (length, 1), 3)[0], x.sum(1))


def test_sums_of_several_blocks_keep_their_order():
    x = numbers(2, 1030)
    found = [launch(_reduce.sum_blocks, [unset(2, 2)], [x], (1030, 1), 4)[0] for _ in range(2)]
    close(found[0], [[row[:1024].sum(), row[1024:].sum()] for row in x])
    np.testing.assert_array_equal(*found)


def test_sums_of_integers():
    x = np.arange(12 * S).reshape(2, 6 * S)
    np.testing.assert_array_equal(launch(_reduce.sum_blocks, [np.zeros(2, np.int64)], [x], (6 * S, 1), 2)[0], x.sum(1))


@pytest.mark.parametrize("least", [0, 1])
def test_extremes_count_nan_first_and_of_equals_the_first(least):
    x = np.array([[3, 1, 4, 1, 5, 4, 5, 1, 5], [0, np.nan, 2, np.nan, 1, 0, 0, 0, 9], [7] * 9], np.float32)
    x = np.tile(x, S)
    values, index = launch(extreme.extreme, [unset(3), np.full(3, -1)], [x], (9 * S, 1, least, 1), 3)
    np.testing.assert_array_equal(values, [(x.min if least else x.max)(1)[k] for k in range(3)])
    np.testing.assert_array_equal(index, [1 if least else 4, 1, 0])


@pytest.mark.parametrize("length", [4 * S, 9 * S])
def test_softmax(length):
    x = 3 * numbers(3, length)
    x[1, :2] = -np.inf
    e = np.exp(x - x.max(1, keepdims=True))
    y = e / e.sum(1, keepdims=True)
    with np.errstate(divide="ignore"):
        wide = np.log(y.astype(np.float64))
    params = (length, 1)
    close(launch(softmax.softmax, [unset(3, length)], [x], params, 3)[0], y)
    close(launch(softmax.log_softmax, [unset(3, length)], [x], params, 3)[0], wide)
    g = numbers(3, length, seed=1)
    got = launch(softmax.softmax_backward, [unset(3, length)], [g, y], params, 3)[0]
    close(got, y * (g - (g * y).sum(1, keepdims=True)))
    got = launch(softmax.log_softmax_backward, [unset(3, length)], [g, wide.astype(np.float32)], params, 3)[0]
    close(got, g - y * g.sum(1, keepdims=True))


def test_softmax_of_nothing_but_minus_infinity_is_nan():
    x = np.full((1, 5 * S), -np.inf, np.float32)
    assert np.isnan(launch(softmax.softmax, [unset(1, 5 * S)], [x], (5 * S, 1), 1)[0]).all()


@pytest.mark.parametrize("centred", [0, 1])
@pytest.mark.parametrize(("groups", "channels", "spatial"), [(1, 5 * S, 1), (2, 2 * S, 3)])
def test_row_norm(groups, channels, spatial, centred):
    rows, length = 2 * groups, channels * spatial
    x = 100 * centred + numbers(rows, length)
    weight, bias = numbers(groups * channels, seed=1), numbers(groups * channels, seed=2)
    w, b = (np.tile(np.repeat(v, spatial).reshape(groups, length), (2, 1)) for v in (weight, bias))
    wide = x.astype(np.float64)
    m = wide.mean(1, keepdims=True) * centred
    r = 1 / np.sqrt(((wide - m) ** 2).mean(1, keepdims=True) + 1e-5)
    h = (wide - m) * r
    sizes = (groups, channels, spatial)
    outs = [unset(rows, length), unset(rows), unset(rows)]
    y, mean, rstd = launch(row_norm.row_norm, outs, [x, weight, bias], (*sizes, 1e-5, centred), rows)
    np.testing.assert_allclose(y, h * w + b, rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(rstd, r[:, 0], rtol=1e-4)
    g = numbers(rows, length, seed=3)
    a = g * w
    dx = r * (a - a.mean(1, keepdims=True) * centred - h * (a * h).mean(1, keepdims=True))
    outs = [unset(rows, length), unset(groups * channels), unset(groups * channels)]
    params = (rows, *sizes, centred)
    found = launch(row_norm.row_norm_backward, outs, [g, x, mean, rstd, weight], params, rows + groups * channels)
    by_channel = [v.reshape(2, groups, channels, spatial).sum((0, 3)).ravel() for v in (g * h, g)]
    for got, want in zip(found, (dx, *by_channel), strict=True):
        np.testing.assert_allclose(got, want, rtol=1e-3, atol=1e-3)
