"""CUDA without a GPU: the simulator in a process of its own, PTX compiled and read; and, where there is one, the GPU.

``python -m pytest -m gpu`` runs what needs one: the whole table of cases, in a process of its own.
"""

import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from numba import types

from nbnn import _jit
from nbnn.kernels._cpu import over_elements, over_outputs, over_ranges, over_rows

_cuda = pytest.importorskip("nbnn.kernels._cuda")
pytest.importorskip("numba_cuda")
TESTS = Path(__file__).parent
# A float parameter is loaded as float64 and cast once; any other instruction on float64 is arithmetic that widened.
FLOAT64_ARITHMETIC = r"^\s*(?!ld\.param|cvt\.rn\.f32\.f64|mov)\w\S*\.f64.*$"


@over_elements(1)
def leaky_relu(x, slope):
    return x if x > 0 else type(x)(slope) * x


@over_elements(2)
def relu_backward(grad, x):
    return grad if x > 0 else type(grad)(0)


@over_elements(3)
def lerp(a, b, t):
    return a + (b - a) * t


@_jit.jit
def clamp(k, size):
    return min(max(k, 0), size - 1)


@over_outputs(1)
def shift(i, x, bias, size, by):
    y = x[clamp(i + by, size)]
    if bias is not None:
        y += bias[i]
    return y


@over_outputs(2)
def window_max(i, x, size):
    best, where = x[i], i
    for k in range(i + 1, i + size):
        if x[k] > best:
            best, where = x[k], k
    return best, where


@over_rows
def row_sum(row, y, x, size):
    total = type(x[0])(0)
    for k in range(size):
        total += x[row * size + k]
    y[row] = total


@over_outputs(1)
def fill_ignoring(i, ignored, value):
    return value


@over_ranges
def only_cpu(start, stop, grain, y):
    for i in range(start, stop):
        y[i] = 0


def _signatures(real):
    array, index, none = real[::1], types.int64, types.none
    return {
        leaky_relu: (array, array, types.float64),
        relu_backward: (array, array, array),
        lerp: (array, array, array, array),
        shift: (array, array, none, index, index),
        window_max: (array, types.int64[::1], array, index),
        row_sum: (array, array, index),
    }


def _pytest_on(folder, timeout=600, **environment):
    """Run pytest on `folder` in a fresh process; fail with its output."""
    root = TESTS.parent
    path = os.pathsep.join(filter(None, [str(root), os.environ.get("PYTHONPATH")]))
    # The cache of compiled kernels is shared: its files are named by what they hold, and the simulator compiles none.
    done = subprocess.run(
        [sys.executable, "-m", "pytest", str(TESTS / folder), "-q", "-n", "0", "-p", "no:cacheprovider"],
        cwd=root,
        env={**os.environ, "PYTHONPATH": path, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=timeout,
    )
    assert done.returncode == 0, f"pytest on {folder} with {environment} failed:\n{done.stdout}"


def _needs_toolkit():
    """Skip where the CUDA toolkit's compilers are not installed (`pip install numba-cuda[cu13]`)."""
    if _jit.simulated():
        pytest.skip("the simulator compiles nothing")
    pathfinder = pytest.importorskip("cuda.pathfinder")
    for library in ("nvvm", "nvrtc"):
        try:
            pathfinder.load_nvidia_dynamic_lib(library)
        except pathfinder.DynamicLibNotFoundError:
            pytest.skip(f"the CUDA toolkit's {library} is not installed")


def test_simulator():
    _pytest_on("cuda_sim", NUMBA_ENABLE_CUDASIM="1")


def test_every_kernel_of_the_library_compiles_to_ptx():
    _needs_toolkit()
    _pytest_on("cuda_ptx", timeout=3600, NBNN_TEST_PTX="1")


@pytest.mark.parametrize("real", [types.float32, types.float64], ids=str)
@pytest.mark.parametrize("kernel", _signatures(types.float32), ids=lambda kernel: kernel.name)
def test_compiles_to_ptx(kernel, real):
    _needs_toolkit()
    ptx = _cuda.compile_ptx(kernel, _signatures(real)[kernel])
    assert ".target sm_90" in ptx and ".visible .entry" in ptx
    width = "f32" if real is types.float32 else "f64"
    assert re.search(rf"st\.global\.{width}", ptx)


@pytest.mark.parametrize("kernel", _signatures(types.float32), ids=lambda kernel: kernel.name)
def test_float32_stays_float32(kernel):
    _needs_toolkit()
    ptx = _cuda.compile_ptx(kernel, _signatures(types.float32)[kernel])
    assert not re.findall(FLOAT64_ARITHMETIC, ptx, re.MULTILINE)


def test_float64_arithmetic_would_be_seen():
    _needs_toolkit()

    @over_elements(1)
    def leak(x):
        return 0.1 * x

    ptx = _cuda.compile_ptx(leak, (types.float32[::1], types.float32[::1]))
    assert re.search(FLOAT64_ARITHMETIC, ptx, re.MULTILINE)


def test_none_is_one_unused_word():
    """What `_NoneArgument` relies on: an argument None takes the place of one 64-bit parameter."""
    _needs_toolkit()
    array, index = types.float32[::1], types.int64
    words = {}
    for bias in (types.none, types.int64):
        ptx = _cuda.compile_ptx(fill_ignoring, (array, bias, index))
        words[bias] = re.findall(r"\.param \.([a-z]\d+)", ptx)
    assert words[types.none] == words[types.int64]


def test_no_gpu_is_one_clear_error():
    if _jit.has_cuda():
        pytest.skip("there is a GPU")
    assert _cuda.device_count() == 0
    for attempt in (
        lambda: _cuda.empty(3, np.dtype(np.float32)),
        lambda: _cuda.to_device(np.zeros(3)),
        lambda: _cuda.bind(leaky_relu),
        _cuda.synchronize,
    ):
        with pytest.raises(RuntimeError, match="device: 'cuda' needs an NVIDIA GPU"):
            attempt()


def test_ranges_are_for_the_cpu():
    with pytest.raises(RuntimeError, match="device: kernel `only_cpu` over ranges runs on the CPU only"):
        _cuda.compile_ptx(only_cpu, (types.float32[::1],))


@pytest.mark.gpu
def test_gpu():
    if _jit.simulated() or not _jit.has_cuda():
        pytest.skip("no GPU")
    _pytest_on(
        "cuda_sim", timeout=3 * 3600, NBNN_TEST_GPU="1"
    )  # the whole table, each kernel compiled for the first time


@pytest.mark.gpu
def test_gpu_memory_is_shared_through_the_array_interface():
    if _jit.simulated() or not _jit.has_cuda():
        pytest.skip("no GPU")
    buffer = _cuda.to_device(np.arange(5, dtype=np.float32))
    view = _jit.cuda().as_cuda_array(buffer)
    assert _cuda.address(view) == _cuda.address(buffer) != 0
    np.testing.assert_array_equal(_cuda.to_host(view), np.arange(5))
