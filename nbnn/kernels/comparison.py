"""The larger and the smaller of two numbers, choices between two, and what is close to what."""

from __future__ import annotations

import math

from nbnn.kernels._cpu import over_elements


@over_elements(2)
def maximum(a, b):
    """y = the larger of a and b; NaN if either is."""
    return a if (a >= b) | (a != a) else b


@over_elements(2)
def minimum(a, b):
    """y = the smaller of a and b; NaN if either is."""
    return a if (a <= b) | (a != a) else b


@over_elements(3)
def share_of_larger(grad, a, b):
    """da of max(a, b), which is db of min(b, a): grad where a is larger, half of it at a tie, 0 where it is smaller."""
    tied = grad * type(grad)(0.5) if a == b else grad
    return type(grad)(0) if a < b else tied


@over_elements(2)
def clamp_backward(grad, x, low, high):
    """dx = grad where low <= x <= high, else 0."""
    return grad if (x >= type(x)(low)) & (x <= type(x)(high)) else type(grad)(0)


@over_elements(3)
def where(a, b, condition):
    """y = a where the condition holds, else b"""
    return a if condition else b


@over_elements(2)
def kept(a, condition, wanted, value):
    """y = a where the condition is as wanted, else the number `value`"""
    return a if condition == wanted else type(a)(value)


# Comparisons with a number: 1.1 microseconds for 8 elements, where reading it as an operand that broadcasts takes 6.


@over_elements(1)
def eq_number(x, number):
    """y = (x == number)"""
    return x == type(x)(number)


@over_elements(1)
def ne_number(x, number):
    """y = (x != number)"""
    return x != type(x)(number)


@over_elements(1)
def lt_number(x, number):
    """y = (x < number)"""
    return x < type(x)(number)


@over_elements(1)
def le_number(x, number):
    """y = (x <= number)"""
    return x <= type(x)(number)


@over_elements(1)
def gt_number(x, number):
    """y = (x > number)"""
    return x > type(x)(number)


@over_elements(1)
def ge_number(x, number):
    """y = (x >= number)"""
    return x >= type(x)(number)


@over_elements(2)
def isclose(a, b, rtol, atol, equal_nan):
    """y = whether |a - b| <= atol + rtol |b|; infinities are close to themselves, and NaN to NaN if asked for."""
    gap = abs(a - b)
    near = (gap <= type(a)(atol) + abs(type(a)(rtol) * b)) & (gap < math.inf)
    return (a == b) | near | ((equal_nan != 0) & (a != a) & (b != b))
