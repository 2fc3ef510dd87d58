"""Largest error, in units in the last place, of every function of `nbnn.kernels._vecmath`.

    python benchmarks/ulp.py [step] [samples] [name ...]

float32 is compared with NumPy's float64 on every `step`-th of the 2**32 inputs (step 1, the default, takes about a
minute a function); float64 with NumPy's long double on `samples` random bit patterns (default 4 million). Functions
of two arguments are measured on random pairs of bit patterns and on pairs whose results are spread over all
exponents, `samples` of each. Names choose functions.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable

import numpy as np

from nbnn import _jit
from nbnn.kernels import _vecmath as vm
from nbnn.kernels._cpu import Kernel, over_elements, run
from nbnn.kernels.pointwise import erf, erfc, exp, exp2, expm1, log, log1p, log2, log10, rsqrt, sqrt
from nbnn.kernels.trigonometry import acos, asin, atan, atan2, cos, cosh, sin, sinh, tan


@over_elements(1)
def tanh(x):
    return vm.tanh(x)


@over_elements(1)
def sigmoid(x):
    return vm.sigmoid(x)


@over_elements(1)
def softplus(x):
    return vm.softplus(x)


@over_elements(2)
def pow(x, y):
    return vm.pow(x, y)


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
    log10: np.log10,
    tanh: np.tanh,
    sigmoid: _sigmoid,
    softplus: _softplus,
    erf: _by_c(erf, math.erf),
    erfc: _by_c(erfc, math.erfc),
    sin: np.sin,
    cos: np.cos,
    tan: np.tan,
    asin: np.arcsin,
    acos: np.arccos,
    atan: np.arctan,
    sinh: np.sinh,
    cosh: np.cosh,
    sqrt: np.sqrt,
    rsqrt: _rsqrt,
}
PAIRS = {pow: np.power, atan2: np.arctan2}  # functions of two arguments


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


@_jit.jit
def _worst(got: np.ndarray, want: np.ndarray, bits: np.ndarray, units: np.ndarray) -> int:
    """Where float32 `got` is farthest from float64 `want`, if it is finite there; else the first such place.

    One loop for the 2**32 inputs: `errors` takes 30 times as long. `bits` are those of `want` in float32.
    """
    at, most = 0, -1.0
    for i in range(got.size):
        distance = abs(np.float64(got[i]) - want[i]) / units[(bits[i] >> np.uint32(23)) & np.uint32(255)]
        if distance > most:
            at, most = i, distance
        elif distance != distance and not (got[i] == np.float32(want[i]) or (got[i] != got[i] and want[i] != want[i])):
            return i
    return at


_UNITS = np.exp2(np.maximum(np.arange(256), 1) - 150.0)  # of float32, by the bits of the exponent


def _farthest(got: np.ndarray, want: np.ndarray) -> int:
    """The index of the largest of `errors`."""
    if got.dtype != np.float32 or want.dtype != np.float64:
        return int(np.argmax(errors(got, want)))
    at = _worst(got, want, want.astype(np.float32).view(np.uint32), _UNITS)
    if np.isfinite(errors(got[at : at + 1], want[at : at + 1])[0]) and np.isfinite(got[at]) and np.isfinite(want[at]):
        return at
    return int(np.argmax(errors(got, want)))


def measure(inputs: tuple[np.ndarray, ...], wide: type, functions: dict, worst: dict) -> None:
    """Raise worst[name, dtype] = (error, inputs) by these inputs."""
    with np.errstate(all="ignore"):
        for kernel, reference in functions.items():
            y = np.empty_like(inputs[0])
            run(kernel, (y,), inputs, (), y.size)
            want = reference(*(x.astype(wide) for x in inputs))
            at = _farthest(y, want)
            error = float(errors(y[at : at + 1], want[at : at + 1])[0])
            key = kernel.name, y.dtype.name
            if error > worst.get(key, (-1.0,))[0]:
                worst[key] = (error, *(float(x[at]) for x in inputs))


def _pairs(dtype: type, samples: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """Random pairs; pairs with x**y over all exponents; pairs of like size."""
    rng = np.random.default_rng(1)
    bits = np.uint32 if dtype is np.float32 else np.uint64
    everywhere = [rng.integers(0, np.iinfo(bits).max, samples, dtype=bits, endpoint=True).view(dtype) for _ in "xy"]
    top = np.log2(float(np.finfo(dtype).max))
    x = np.exp2(np.concatenate([rng.uniform(-top, top, samples // 2), rng.uniform(-1, 1, samples - samples // 2)]))
    x = x.astype(dtype)
    with np.errstate(all="ignore"):
        y = (rng.uniform(-1.05 * top, 1.05 * top, samples) / np.log2(x.astype(np.float64))).astype(dtype)
    like = (rng.uniform(-4, 4, samples).astype(dtype), rng.uniform(-4, 4, samples).astype(dtype))
    return [(everywhere[0], everywhere[1]), (x, y), like]


def main(step: int, samples: int, names: list[str]) -> None:
    worst: dict = {}
    one, two = ({k: f for k, f in d.items() if not names or k.name in names} for d in (KERNELS, PAIRS))
    block = 1 << 20
    for start in range(0, 1 << 32 if one else 0, block * step):
        bits = np.arange(start, min(start + block * step, 1 << 32), step, dtype=np.uint64).astype(np.uint32)
        measure((bits.view(np.float32),), np.float64, one, worst)
    rng = np.random.default_rng(0)
    for x in (
        rng.integers(0, 1 << 64, samples, dtype=np.uint64).view(np.float64),
        rng.uniform(-800, 800, samples),
        rng.uniform(-3, 3, samples),
        rng.uniform(0.5, 2, samples) - 1e-16,
    ):
        measure((x,), np.longdouble, one, worst)
    for dtype, wide in ((np.float32, np.float64), (np.float64, np.longdouble)):
        for pair in _pairs(dtype, samples):
            measure(pair, wide, two, worst)
    for (name, dtype), (error, *at) in sorted(worst.items()):
        print(f"{name:8} {dtype} {error:8.3f} ULP at {', '.join(map(repr, at))}")


if __name__ == "__main__":
    numbers = [int(v) for v in sys.argv[1:3]]
    main(*numbers, *(1, 4_000_000)[len(numbers) :], sys.argv[3:])
