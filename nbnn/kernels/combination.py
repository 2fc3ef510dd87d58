"""Three operands in one pass: linear interpolation, and a product or a quotient added to something."""

from __future__ import annotations

from nbnn import _jit
from nbnn.kernels._cpu import over_elements


@_jit.jit
def _between(a, b, weight):
    """a + weight (b - a), from the nearer end, so that weights 0 and 1 give exactly a and b."""
    if abs(weight) < type(weight)(0.5):
        return a + weight * (b - a)
    return b - (b - a) * (type(weight)(1) - weight)


@over_elements(3)
def lerp(a, b, weight):
    """y = a + weight (b - a)"""
    return _between(a, b, weight)


@over_elements(2)
def lerp_scalar(a, b, weight):
    """y = a + weight (b - a)"""
    return _between(a, b, type(a)(weight))


@over_elements(3)
def addcmul(a, b, c, value):
    """y = a + value b c"""
    return a + type(a)(value) * b * c


@over_elements(3)
def addcdiv(a, b, c, value):
    """y = a + value b / c"""
    return a + type(a)(value) * (b / c)
