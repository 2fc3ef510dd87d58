"""Powers of floating-point numbers and of integers."""

from __future__ import annotations

import math

from nbnn.kernels import _vecmath as vm
from nbnn.kernels._cpu import over_elements


@over_elements(2)
def power(a, b):
    """y = a**b"""
    return vm.pow(a, b)


@over_elements(1)
def power_scalar(a, exponent):
    """y = a**p"""
    return vm.pow(a, type(a)(exponent))


@over_elements(1)
def cube(a):
    """y = a**3"""
    return a * a * a


@over_elements(1)
def root(a):
    """y = a**(1/2): the square root, but for -0 and -inf, where a power is positive."""
    return type(a)(math.inf) if a == -math.inf else vm.sqrt(a + type(a)(0))


@over_elements(2)
def power_slope(a, b):
    """y = b a**(b - 1), the derivative by a: 0 where b is 0, whatever a is."""
    return b * vm.pow(a, b - type(b)(1)) if b != 0 else type(b)(0)


@over_elements(2)
def power_log(a, b, times):
    """y = a**b (ln a)**times, derivatives by b: 0 where a**b is that of 0 and no pole."""
    y = vm.pow(a, b)
    log = vm.log(a)
    for _ in range(times):
        y *= log
    return type(a)(0) if (a == 0) & (b >= 0) else y


@over_elements(2)
def integer_power(a, b):
    """y = a**b of integers, by squaring; of a negative exponent the integer part (0, or 1 and -1 of these)."""
    y = type(a)(1)
    base, left = a, b
    if left < 0:
        left = -left if (a == 1) | (a == -1) else type(b)(0)
        y = y if (a == 1) | (a == -1) else type(a)(0)
    while left > 0:
        if left & 1:
            y = type(a)(y * base)
        base = type(a)(base * base)
        left = type(b)(left >> 1)
    return y
