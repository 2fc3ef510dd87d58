"""The CUDA drivers and buffers, in the simulator or on a GPU: what holds in one holds in the other."""

import numpy as np
import pytest

from nbnn import _jit
from nbnn.kernels import _cuda
from nbnn.kernels._cpu import over_elements, over_outputs, over_ranges, over_rows

SIZES = [1, 7, 16, 17, 100]  # the simulator's grid has at most 16 threads
DTYPES = [np.float32, np.float64]


@over_elements(1)
def scale(x, slope):
    return type(x)(slope) * x


@over_elements(2)
def relu_backward(grad, x):
    return grad if x > 0 else type(grad)(0)


@over_elements(3)
def lerp(a, b, t):
    return a + (b - a) * t


@over_elements(1)
def reciprocal(x):
    return type(x)(1) / x


@over_elements(1)
def cast(x):
    return x


@_jit.jit
def square(x):
    return x * x


@_jit.jit
def power(x, n):
    if n == 0:
        return type(x)(1)
    half = power(x, n // 2)
    return square(half) if n % 2 == 0 else x * square(half)


@over_elements(1)
def power_of(x, n):
    return power(x, n)


@over_outputs(1)
def gather(i, source, stride):
    return source[i * stride]


@over_outputs(1)
def affine(i, x, weight, bias, size):
    y = x[i] * weight[i % size]
    if bias is not None:
        y += bias[i % size]
    return y


@over_outputs(1)
def fill(i, value):
    return value


@over_outputs(2)
def window_max(i, x, size):
    best, where = x[i], i
    for k in range(i + 1, i + size):
        if x[k] > best:
            best, where = x[k], k
    return best, where


@_jit.jit
def dot(a, b, start, size):
    total = type(a[0])(0)
    for k in range(start, start + size):
        total += a[k] * b[k]
    return total


@over_rows
def row_dot(row, y, a, b, size):
    y[row] = dot(a, b, row * size, size)


@over_ranges
def only_cpu(start, stop, grain, y):
    for i in range(start, stop):
        y[i] = 0


def numbers(size, dtype=np.float32, seed=0):
    return np.random.default_rng(seed).normal(size=size).astype(dtype)


def launch(kernel, outs, ins, params, n):
    """Run on device copies; give the outputs back as NumPy arrays."""
    buffers = [_cuda.to_device(y) for y in outs]
    held = tuple(None if x is None else _cuda.to_device(x) for x in ins)
    _cuda.run(kernel, tuple(buffers), held, params, n)
    return [_cuda.to_host(b) for b in buffers]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("n", SIZES)
def test_elements(n, dtype):
    a, b, t = (numbers(n, dtype, seed) for seed in range(3))
    y = np.empty(n, dtype)
    tol = {"rtol": 1e-5, "atol": 1e-6}
    np.testing.assert_array_equal(launch(scale, [y], [a], (0.5,), n)[0], dtype(0.5) * a)
    np.testing.assert_array_equal(launch(relu_backward, [y], [a, b], (), n)[0], np.where(b > 0, a, 0))
    np.testing.assert_allclose(launch(lerp, [y], [a, b, t], (), n)[0], a + (b - a) * t, **tol)


@pytest.mark.parametrize("n", SIZES)
def test_outputs(n):
    x = numbers(3 * n)
    np.testing.assert_array_equal(launch(gather, [np.empty(n, np.float32)], [x], (3,), n)[0], x[::3])
    y, where = launch(window_max, [np.empty(n, np.float32), np.empty(n, np.int64)], [x], (3,), n)
    windows = np.lib.stride_tricks.sliding_window_view(x, 3)[:n]
    np.testing.assert_array_equal(y, windows.max(1))
    np.testing.assert_array_equal(where, windows.argmax(1) + np.arange(n))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("n", SIZES)
def test_rows_call_helpers(n, dtype):
    a, b = numbers(n * 5, dtype), numbers(n * 5, dtype, 1)
    got = launch(row_dot, [np.empty(n, dtype)], [a, b], (5,), n)[0]
    np.testing.assert_allclose(got, (a * b).reshape(n, 5).sum(1), rtol=1e-5, atol=1e-5)


def test_none_among_inputs():
    x, w, b = numbers(12), numbers(4, seed=1), numbers(4, seed=2)
    y = np.empty(12, np.float32)
    expected = x * np.tile(w, 3)
    np.testing.assert_array_equal(launch(affine, [y], [x, w, None], (4,), 12)[0], expected)
    with_bias = launch(affine, [y], [x, w, b], (4,), 12)[0]
    np.testing.assert_allclose(with_bias, expected + np.tile(b, 3), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("value", [2.5, 3, True])
def test_no_inputs(value):
    dtype = np.result_type(type(value))
    np.testing.assert_array_equal(launch(fill, [np.empty(20, dtype)], [], (value,), 20)[0], np.full(20, value))


def test_recursive_helper():
    x = np.arange(5, dtype=np.float64)
    np.testing.assert_array_equal(launch(power_of, [np.empty(5)], [x], (5,), 5)[0], x**5)


@pytest.mark.filterwarnings("error")
def test_numpy_warnings_are_silent():
    narrow = launch(cast, [np.empty(2, np.float32)], [np.array([1e300, 3.0])], (), 2)[0]
    np.testing.assert_array_equal(narrow, [np.inf, 3])
    got = launch(reciprocal, [np.empty(2, np.float32)], [np.array([0.0, -0.0], np.float32)], (), 2)[0]
    np.testing.assert_array_equal(got, [np.inf, -np.inf])


def test_only_the_range_is_written():
    x, y = numbers(40), np.full(40, -1, np.float32)
    got = launch(scale, [y], [x], (2.0,), 25)[0]
    np.testing.assert_array_equal(got[:25], 2 * x[:25])
    np.testing.assert_array_equal(got[25:], -1)


def test_other_dtype_out():
    x = np.array([0.5, 1.5, -2.5], np.float32)
    np.testing.assert_array_equal(launch(cast, [np.empty(3, np.int64)], [x], (), 3)[0], [0, 1, -2])


def test_zero_size():
    nothing = np.empty(0, np.float32)
    assert launch(scale, [nothing], [nothing], (1.0,), 0)[0].shape == (0,)
    buffer = _cuda.empty(0, np.dtype(np.int64))
    assert buffer.size == 0 and _cuda.address(buffer) == 0
    assert _cuda.to_host(buffer).dtype == np.int64
    assert _cuda.copy(buffer).size == 0


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int64, np.int32, np.uint16, np.uint8, np.bool_])
def test_memory(dtype):
    host = np.arange(10).astype(dtype)
    buffer = _cuda.to_device(host)
    host[:] = 0  # the device has a copy
    kept = _cuda.copy(buffer)
    assert kept.dtype == dtype and kept.shape == (10,)
    np.testing.assert_array_equal(_cuda.to_host(kept), np.arange(10).astype(dtype))
    assert _cuda.address(kept) not in (0, _cuda.address(buffer))
    read_only = np.arange(10).astype(dtype)
    read_only.flags.writeable = False
    np.testing.assert_array_equal(_cuda.to_host(_cuda.to_device(read_only)), read_only)
    _cuda.synchronize()


def test_bound_once():
    assert _cuda.bind(scale) is _cuda.bind(scale) is scale.cuda.plain


def test_ranges_are_for_the_cpu():
    with pytest.raises(RuntimeError, match="device: kernel `only_cpu` over ranges"):
        _cuda.bind(only_cpu)


def test_device_count():
    assert _cuda.device_count() >= 1 and _jit.has_cuda()
