"""The remainder of division: see `_vecmath`."""

from __future__ import annotations

import math

import numpy as np
from numba import types

from nbnn.kernels._twin import as_bits32, as_float32, fma, inline, twin

_TWO52 = 4503599627370496.0
_SIGN32 = np.int32(-2147483648)


def fmod(x, y):
    """What is left of x after subtracting y as often as it goes, with the sign of x; exact. NaN where y is 0."""
    with np.errstate(all="ignore"):
        return type(x)(np.fmod(x, y))


@inline
def _nearest(r, b, inverse):
    """r less the multiple of b nearest to it, or, where the quotient has more than 51 bits, less its leading part.

    Of float32 numbers in float64, exact: what is left is a multiple of the last bit of the product, 2**26 times that at
    most.
    """
    return fma(-np.rint(r * inverse), b, r)


@inline
def _fmod32(x, y):
    """Six steps reach every quotient (below 2**278, 51 bits a step), and without a branch they run on vectors.

    1.0 ns an element of float32 on one thread; with a loop for large quotients, which keeps them scalar, it was 6.3.
    """
    a, b = np.float64(abs(x)), np.float64(abs(y))
    inverse = 1.0 / b  # infinite or 0 for a divisor of 0 or infinity: NaN, which only an infinite divisor does not mean
    r = _nearest(_nearest(_nearest(a, b, inverse), b, inverse), b, inverse)
    r = _nearest(_nearest(_nearest(r, b, inverse), b, inverse), b, inverse)
    r = r + b if r < 0.0 else r
    rest = np.float32(a if a < b else r)
    return as_float32(np.int32(as_bits32(rest) | np.int32(as_bits32(x) & _SIGN32)))


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
        return lambda x, y: _fmod32(x, y)
    return (lambda x, y: _fmod64(x, y)) if x == y == types.float64 else None


def _fmod_cuda(x, y):
    """libdevice's function: frem is inexact there where the quotient is large."""
    return (lambda x, y: math.fmod(x, y)) if x == y and isinstance(x, types.Float) else None


twin(fmod, _fmod_cpu, _fmod_cuda)
