"""The remainder of division: see `_vecmath`."""

from __future__ import annotations

import math

import numpy as np
from numba import types

from nbnn.kernels._twin import fma, inline, twin

_TWO52 = 4503599627370496.0


def fmod(x, y):
    """What is left of x after subtracting y as often as it goes, with the sign of x; exact. NaN where y is 0."""
    with np.errstate(all="ignore"):
        return type(x)(np.fmod(x, y))


@inline
def _fmod64(x, y):
    """By the quotient while it is exact but for its last bit; else by the C library."""
    a, b = abs(x), abs(y)
    quotient = a / b
    if quotient < _TWO52:  # not so for infinity and NaN, which a division by 0 gives
        rest = fma(
            -np.float64(np.int64(quotient)), b, a
        )  # exact: a multiple of the last bit of b, and no larger than b
        rest = rest + b if rest < 0.0 else rest
        rest = rest - b if rest >= b else rest
        rest = a if a < b else rest
    else:
        rest = a % b
    return math.copysign(rest, x)


def _fmod_cpu(x, y):
    if x == y == types.float32:
        return lambda x, y: np.float32(_fmod64(np.float64(x), np.float64(y)))
    return (lambda x, y: _fmod64(x, y)) if x == y == types.float64 else None


def _fmod_cuda(x, y):
    """libdevice's function: frem is inexact there where the quotient is large."""
    return (lambda x, y: math.fmod(x, y)) if x == y and isinstance(x, types.Float) else None


twin(fmod, _fmod_cpu, _fmod_cuda)
