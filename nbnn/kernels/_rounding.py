"""floor, ceil, trunc and round to the nearest integer, as floats: see `_vecmath`."""

from __future__ import annotations

import math

import numpy as np

from nbnn.kernels._twin import elementary


def floor(x):
    """The largest integer that is not above x."""
    return type(x)(np.floor(x))


def ceil(x):
    """The smallest integer that is not below x."""
    return type(x)(np.ceil(x))


def trunc(x):
    """The integer part of x."""
    return type(x)(np.trunc(x))


def rint(x):
    """The integer nearest to x, the even one of two."""
    return type(x)(np.rint(x))


# In CUDA code `math.floor` gives an int64, which large numbers do not fit in; from 2**52 on all numbers are integers.


def _trunc_cuda(x):
    return math.copysign(type(x)(int(x)), x) if abs(x) < 4503599627370496.0 else x


def _floor_cuda(x):
    y = type(x)(int(x)) if abs(x) < 4503599627370496.0 else x
    return math.copysign(y - type(x)(1), x) if y > x else math.copysign(y, x)


def _ceil_cuda(x):
    y = type(x)(int(x)) if abs(x) < 4503599627370496.0 else x
    return math.copysign(y + type(x)(1), x) if y < x else math.copysign(y, x)


def _rint_cuda(x):
    y = type(x)(int(x)) if abs(x) < 4503599627370496.0 else x
    gap = abs(x - y)
    away = gap > type(x)(0.5) or (gap == type(x)(0.5) and y % type(x)(2) != 0)
    return math.copysign(abs(y) + type(x)(1 if away else 0), x)


elementary(floor, lambda x: np.floor(x), lambda x: np.floor(x), _floor_cuda)
elementary(ceil, lambda x: np.ceil(x), lambda x: np.ceil(x), _ceil_cuda)
elementary(trunc, lambda x: np.trunc(x), lambda x: np.trunc(x), _trunc_cuda)
elementary(rint, lambda x: np.rint(x), lambda x: np.rint(x), _rint_cuda)
