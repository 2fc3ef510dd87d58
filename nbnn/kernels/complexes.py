"""Bodies for complex numbers, where those for real ones do not do: they run on the CPU alone.

Sums and products need none: the bodies of `array`, `linear` and `convolution` are compiled for complex numbers as they
are.
"""

from __future__ import annotations

import cmath

from nbnn import _jit
from nbnn.kernels._cpu import over_elements


@over_elements(1)
def conj(x):
    """y = Re x - i Im x"""
    return x.conjugate()


@over_elements(1)
def modulus(x):
    """y = |x|, by hypot: no overflow on the way."""
    return abs(x)


@_jit.jit
def _quotient(a, b):  # type: ignore[no-untyped-def]
    """a / b by Smith's rule: scaled by the larger part of b. Numba's own division raises where b is 0."""
    c, d = b.real, b.imag
    if c == 0 and d == 0:
        size = abs(c)  # 0, and not -0
        return complex(a.real / size, a.imag / size)
    if abs(c) >= abs(d):
        ratio = d / c
        below = c + d * ratio
        return complex((a.real + a.imag * ratio) / below, (a.imag - a.real * ratio) / below)
    ratio = c / d
    below = c * ratio + d
    return complex((a.real * ratio + a.imag) / below, (a.imag * ratio - a.real) / below)


@over_elements(2)
def div(a, b):
    """y = a / b"""
    return _quotient(a, b)


@over_elements(1)
def exp(x):
    """y = e^x"""
    return cmath.exp(x)


@over_elements(1)
def tanh(x):
    """y = tanh x"""
    return type(x)(cmath.tanh(x))


@over_elements(1)
def sigmoid(x):
    """y = 1 / (1 + e^-x), by the exponential that cannot overflow."""
    one = type(x)(1)
    if x.real >= 0:
        return _quotient(one, one + cmath.exp(-x))
    e = cmath.exp(x)
    return _quotient(e, one + e)
