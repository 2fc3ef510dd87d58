"""Deterministic sums: accuracy, block edges, NaN and infinity, the same bits on every thread count."""

import numpy as np
import pytest

from nbnn import _jit
from nbnn.kernels import _cpu
from nbnn.kernels import _reduce as R

NONE = np.empty(0)


@_jit.jit
def call_sum(x, start, length, step):
    return R.sum_range(x, start, length, step)


@_jit.jit
def call_dot(a, a_start, b, b_start, length, step, shift):
    return R.dot_range(a, a_start, b, b_start, length, step, shift)


@_jit.jit
def call_squares(x, start, length, step, shift):
    return R.squares_range(x, start, length, step, shift)


@_jit.jit
def call_max(x, start, length, step):
    return R.max_range(x, start, length, step)


def sum_axis(x, pool=0, fast=True):
    """Sum over axis 1 of a 3-D array, as the machine does it: block sums until one is left."""
    outer, length, inner = x.shape
    data = x.reshape(-1)
    while True:
        blocks = -(-length // R.BLOCK)
        out = np.empty(outer * blocks * inner, x.dtype)
        if fast:
            R.sum_blocks_fast(out, data, NONE, length, inner, pool)
        else:
            _cpu.run(R.sum_blocks, (out,), (data,), (length, inner), out.size, min(length, R.BLOCK))
        data, length = out, blocks
        if blocks == 1:
            return data.reshape(outer, inner)


SHAPES = [(1, n, 1) for n in (1, 2, 7, 8, 9, 31, 63, 64, 65, 1023, 1024, 1025, 5000)] + [
    (3, 1025, 2), (2, 33, 63), (2, 32, 64), (2, 100, 65), (5, 1, 7), (1, 2500, 130), (100, 3, 1)
]  # fmt: skip


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("fast", [True, False])
def test_sum_over_an_axis(shape, dtype, fast):
    x = np.random.default_rng(1).standard_normal(shape).astype(dtype)
    want = x.astype(np.longdouble).sum(1)
    bound = 40 * np.finfo(dtype).eps * np.abs(x).astype(np.float64).sum(1)
    assert np.all(np.abs(sum_axis(x, fast=fast) - want) <= bound)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_long_sums_stay_accurate(dtype):
    x = np.random.default_rng(2).random(1 << 20).astype(dtype)
    want = x.astype(np.longdouble).sum()
    for got in (call_sum(x, 0, x.size, 1), sum_axis(x.reshape(1, -1, 1))[0, 0]):
        assert abs(got - want) <= 2 * np.finfo(dtype).eps * want
    assert (
        abs(call_squares(x, 0, x.size, 1, dtype(0)) - (x.astype(np.longdouble) ** 2).sum())
        <= np.finfo(dtype).eps * want
    )


@pytest.mark.parametrize("length", [0, 1, 7, 8, 9, 63, 64, 65, 200, 1024, 1100, 3000])
@pytest.mark.parametrize("step", [1, 3])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_ranges(length, step, dtype):
    rng = np.random.default_rng(length)
    a = rng.standard_normal(length * step + 20).astype(dtype)
    b = rng.standard_normal(length * step + 20).astype(dtype)
    x = a[5 : 5 + length * step : step].astype(np.longdouble)
    z = b[2 : 2 + length * step : step].astype(np.longdouble)
    shift = dtype(0.5)
    near = {"rtol": 0, "atol": 10 * np.finfo(dtype).eps * (length + 1)}
    np.testing.assert_allclose(call_sum(a, 5, length, step), x.sum(), **near)
    np.testing.assert_allclose(call_dot(a, 5, b, 2, length, step, shift), (x * (z - shift)).sum(), **near)
    np.testing.assert_allclose(call_squares(a, 5, length, step, shift), ((x - shift) ** 2).sum(), **near)
    assert call_max(a, 5, length, step) == (x.max() if length else -np.inf)
    # the plain forms, which the simulator of CUDA runs
    np.testing.assert_allclose(R.sum_range(a, 5, length, step), x.sum(), **near)
    np.testing.assert_allclose(R.dot_range(a, 5, b, 2, length, step, shift), (x * (z - shift)).sum(), **near)
    np.testing.assert_allclose(R.squares_range(a, 5, length, step, shift), ((x - shift) ** 2).sum(), **near)
    assert R.max_range(a, 5, length, step) == (x.max() if length else -np.inf)


def test_nothing_outside_the_range_is_read():
    x = np.full(300, np.nan, np.float32)
    x[70:171] = 1
    assert call_sum(x, 70, 101, 1) == 101
    assert call_squares(x, 70, 101, 1, np.float32(0)) == 101
    assert call_max(x, 70, 101, 1) == 1
    assert np.array_equal(sum_axis(x[70:171].reshape(1, 1, 101)), np.ones((1, 101)))


@pytest.mark.parametrize("length", [5, 100, 3000])
def test_nan_and_infinity(length):
    x = np.ones(length, np.float32)
    x[length // 2] = np.inf
    assert call_sum(x, 0, length, 1) == np.inf and call_max(x, 0, length, 1) == np.inf
    x[0] = -np.inf
    assert np.isnan(call_sum(x, 0, length, 1))
    x[:] = 1
    x[-1] = np.nan
    assert np.isnan(call_sum(x, 0, length, 1)) and call_max(x, 0, length, 1) == 1
    x[:] = -np.inf
    assert call_sum(x, 0, length, 1) == -np.inf and call_max(x, 0, length, 1) == -np.inf


@pytest.mark.parametrize("shape", [(1, 300_000, 1), (500, 700, 1), (4, 3000, 100)], ids=str)
def test_threads_do_not_matter(shape):
    _cpu.pool.start()
    x = np.random.default_rng(3).standard_normal(shape).astype(np.float32)
    assert np.array_equal(sum_axis(x), sum_axis(x, _cpu.pool.address))
