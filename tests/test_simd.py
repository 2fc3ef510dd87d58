"""Vectors, masks and tiles as Numba variables, each operation against NumPy."""

import numpy as np
import pytest

from nbnn import _jit
from nbnn.kernels import _simd as S
from nbnn.kernels._simd import LANES

DTYPES = (np.float32, np.float64)


def width(dtype):
    return LANES * 4 // np.dtype(dtype).itemsize


def numbers(dtype, n, seed=0):
    return np.random.default_rng(seed).standard_normal(n).astype(dtype)


@_jit.jit
def arithmetic(y, a, b, c):
    u, v, w = S.load(a, 0), S.load(b, 0), S.load(c, 0)
    step = S.lanes(y)
    S.store(y, 0, u + v)
    S.store(y, step, u - v)
    S.store(y, 2 * step, u * v)
    S.store(y, 3 * step, u / v)
    S.store(y, 4 * step, S.fma(u, v, w))
    S.store(y, 5 * step, S.maximum(u, v))
    S.store(y, 6 * step, S.minimum(u, v))
    S.store(y, 7 * step, S.select(S.less(u, v), v, w))
    S.store(y, 8 * step, S.splat(a[0]))
    S.store(y, 9 * step, S.zero(y))
    u += v
    u *= v
    S.store(y, 10 * step, u)


@pytest.mark.parametrize("dtype", DTYPES)
def test_arithmetic(dtype):
    n = width(dtype)
    a, b, c = (numbers(dtype, n, seed) for seed in range(3))
    y = np.full(11 * n, np.nan, dtype)
    arithmetic(y, a, b, c)
    fused = (a.astype(np.longdouble) * b + c).astype(dtype)
    want = [a + b, a - b, a * b, a / b, fused, np.maximum(a, b), np.minimum(a, b), np.where(a < b, b, c)]
    want += [np.full(n, a[0]), np.zeros(n), (a + b) * b]
    np.testing.assert_allclose(y.reshape(11, n), want, rtol=4 * np.finfo(dtype).eps, atol=np.finfo(dtype).eps)


def test_maximum_and_less_with_nan():
    n = width(np.float32)
    a, b = np.full(n, np.nan, np.float32), np.ones(n, np.float32)
    y = np.zeros(11 * n, np.float32)
    arithmetic(y, a, b, b * 3)
    assert (y[5 * n : 7 * n] == 1).all()
    assert (y[7 * n : 8 * n] == 3).all()


@_jit.jit
def parts(y, x, count):
    S.store_part(y, 1, S.load_part(x, 1, count, 16), count)


@_jit.jit
def gathered(y, x, step, count):
    S.store(y, 0, S.gather(x, 0, step, count, 16))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("count", [-1, 0, 1, 7, 15, 16, 20])
def test_parts_touch_nothing_else(dtype, count):
    x = numbers(dtype, 18)
    y = np.full(18, np.nan, dtype)
    parts(y, x, count)
    inside = min(max(count, 0), 16)
    assert (y[1 : 1 + inside] == x[1 : 1 + inside]).all()
    assert np.isnan(y[0])
    assert np.isnan(y[1 + inside :]).all()


@pytest.mark.parametrize("step", [-1, 1, 3])
@pytest.mark.parametrize("count", [1, 5, 16])
def test_gather(step, count):
    x = numbers(np.float32, 64)
    y = np.full(16, np.nan, np.float32)
    source = x if step > 0 else x[::-1].copy()
    gathered(y, source, abs(step), count)
    assert (y[:count] == source[: count * abs(step) : abs(step)]).all()
    assert (y[count:] == 0).all()


@_jit.jit
def sixteen(x):
    return S.total(S.load(x, 0, 16))


@pytest.mark.parametrize("dtype", DTYPES)
def test_total_is_the_tree_of_halves(dtype):
    x = numbers(dtype, 16)
    tree = x
    while tree.size > 1:
        tree = tree[: tree.size // 2] + tree[tree.size // 2 :]
    assert sixteen(x) == tree[0]


@_jit.jit
def tiles(c, d, t, a, b, k, height, columns):
    step = S.lanes(c)
    tile = S.tile_load(c, 0, 2 * step, 3, 2)
    for i in range(k):
        tile = S.tile_outer(tile, a, i, k, b, i * 2 * step)
    S.tile_store(tile, c, 0, 2 * step)
    S.tile_store_part(S.tile_load_part(c, 0, 2 * step, 3, 2, height, columns), d, 0, 2 * step, height, columns)
    dots = S.tile_dot(S.tile_zero(c, 2, 2), b, 0, step, b, 0, (0, step))
    totals = S.tile_totals(dots)
    for i in range(4):
        t[i] = totals[i]


@pytest.mark.parametrize("dtype", DTYPES)
def test_tiles(dtype):
    n, k = 2 * width(dtype), 5
    a, b, c = numbers(dtype, 3 * k), numbers(dtype, n * k, 1), numbers(dtype, 3 * n, 2)
    want = c.reshape(3, n) + a.reshape(3, k).astype(float) @ b.reshape(k, n)
    d, t = np.full(3 * n, np.nan, dtype), np.empty(4, dtype)
    tiles(c, d, t, a, b, k, 2, n - 3)
    np.testing.assert_allclose(c.reshape(3, n), want, rtol=1e-5, atol=1e-5)
    d = d.reshape(3, n)
    assert (d[:2, : n - 3] == c.reshape(3, n)[:2, : n - 3]).all()
    assert np.isnan(d[2:]).all()
    assert np.isnan(d[:, n - 3 :]).all()
    rows = b[:n].reshape(2, n // 2).astype(float)
    np.testing.assert_allclose(t.reshape(2, 2), rows @ rows.T, rtol=1e-5, atol=1e-6)


def test_a_vector_cannot_leave_nopython_code():
    with pytest.raises(TypeError):
        _jit.jit(lambda x: S.load(x, 0))(np.zeros(16, np.float32))
