"""Largest error, in units in the last place, of every function of `nbnn.kernels._vecmath`.

    python benchmarks/ulp.py [step] [samples]

float32 is compared with NumPy's float64 on every `step`-th of the 2**32 inputs (step 1, the default, takes some
minutes); float64 with NumPy's long double on `samples` random bit patterns (default 4 million).
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable

import numpy as np

from nbnn.kernels import _vecmath as vm
from nbnn.kernels._cpu import Kernel, over_elements, run


@over_elements(1)
def exp(x):
    return vm.exp(x)


@over_elements(1)
def exp2(x):
    return vm.exp2(x)


@over_elements(1)
def expm1(x):
    return vm.expm1(x)


@over_elements(1)
def log(x):
    return vm.log(x)


@over_elements(1)
def log1p(x):
    return vm.log1p(x)


@over_elements(1)
def log2(x):
    return vm.log2(x)


@over_elements(1)
def tanh(x):
    return vm.tanh(x)


@over_elements(1)
def sigmoid(x):
    return vm.sigmoid(x)


@over_elements(1)
def softplus(x):
    return vm.softplus(x)


@over_elements(1)
def erf(x):
    return vm.erf(x)


@over_elements(1)
def erfc(x):
    return vm.erfc(x)


@over_elements(1)
def sin(x):
    return vm.sin(x)


@over_elements(1)
def cos(x):
    return vm.cos(x)


@over_elements(2)
def pow(x, y):
    return vm.pow(x, y)


@over_elements(1)
def sqrt(x):
    return vm.sqrt(x)


@over_elements(1)
def rsqrt(x):
    return vm.rsqrt(x)


def _sigmoid(x: np.ndarray) -> np.ndarray:
    e = np.exp(-np.abs(x))
    return np.where(x < 0, e, 1) / (1 + e)


def _softplus(x: np.ndarray) -> np.ndarray:
    return np.logaddexp(x, 0)


def _rsqrt(x: np.ndarray) -> np.ndarray:
    return 1 / np.sqrt(x)


def _by_c(kernel: Kernel, function: Callable[[float], float]) -> Callable[[np.ndarray], np.ndarray]:
    """The C library's float64 function, which NumPy has not; for millions of float32 our own, which is tested by it."""
    slow = np.frompyfunc(function, 1, 1)

    def reference(x: np.ndarray) -> np.ndarray:
        if x.dtype == np.float64 and x.size >= 1 << 20:
            y = np.empty_like(x)
            run(kernel, (y,), (x,), (), x.size)
            return y
        return slow(x.astype(np.float64)).astype(x.dtype)

    return reference


KERNELS = {
    exp: np.exp,
    exp2: np.exp2,
    expm1: np.expm1,
    log: np.log,
    log1p: np.log1p,
    log2: np.log2,
    tanh: np.tanh,
    sigmoid: _sigmoid,
    softplus: _softplus,
    erf: _by_c(erf, math.erf),
    erfc: _by_c(erfc, math.erfc),
    sin: np.sin,
    cos: np.cos,
    sqrt: np.sqrt,
    rsqrt: _rsqrt,
}


def errors(got: np.ndarray, want: np.ndarray) -> np.ndarray:
    """Distance in units in the last place of got's type; infinite where only one is NaN or infinite."""
    rounded = want.astype(got.dtype)
    unit = np.spacing(np.abs(rounded)).astype(want.dtype)
    distance = np.abs(got.astype(want.dtype) - want) / unit
    same = (got == rounded) | (np.isnan(got) & np.isnan(rounded))
    finite = np.isfinite(got) & np.isfinite(rounded)
    # overflow to infinity just above the largest number is one rounding, not an infinite error
    edge = np.isfinite(rounded) != np.isfinite(got)
    close = edge & (np.maximum(np.abs(got), np.abs(rounded)) == np.inf)
    close &= np.minimum(np.abs(got), np.abs(rounded)) >= np.finfo(got.dtype).max * (1 - 4 * np.finfo(got.dtype).eps)
    return np.where(same, np.where(finite, distance, 0), np.where(close, 1, np.where(finite, distance, np.inf)))


def measure(x: np.ndarray, wide: type, worst: dict) -> None:
    """Raise worst[name, dtype] = (error, input) by the inputs `x`."""
    with np.errstate(all="ignore"):
        for kernel, reference in KERNELS.items():
            y = np.empty_like(x)
            run(kernel, (y,), (x,), (), x.size)
            e = errors(y, reference(x.astype(wide)))
            at = int(np.argmax(e))
            key = kernel.name, x.dtype.name
            if e[at] > worst.get(key, (-1.0, 0.0))[0]:
                worst[key] = float(e[at]), float(x[at])


def main(step: int, samples: int) -> None:
    worst: dict = {}
    block = 1 << 22
    for start in range(0, 1 << 32, block * step):
        bits = np.arange(start, min(start + block * step, 1 << 32), step, dtype=np.uint64).astype(np.uint32)
        measure(bits.view(np.float32), np.float64, worst)
    rng = np.random.default_rng(0)
    for x in (
        rng.integers(0, 1 << 64, samples, dtype=np.uint64).view(np.float64),
        rng.uniform(-800, 800, samples),
        rng.uniform(-3, 3, samples),
        rng.uniform(0.5, 2, samples) - 1e-16,
    ):
        measure(x, np.longdouble, worst)
    for (name, dtype), (error, x) in sorted(worst.items()):
        print(f"{name:8} {dtype} {error:8.3f} ULP at {x!r}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1, int(sys.argv[2]) if len(sys.argv) > 2 else 4_000_000)
