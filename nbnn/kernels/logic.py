"""Operations on the bits of integers, and on bools."""

from __future__ import annotations

from nbnn.kernels._cpu import over_elements


@over_elements(2)
def bitwise_and(a, b):
    """y = the bits set in both"""
    return a & b


@over_elements(2)
def bitwise_or(a, b):
    """y = the bits set in either"""
    return a | b


@over_elements(2)
def bitwise_xor(a, b):
    """y = the bits set in one of the two"""
    return a ^ b


@over_elements(1)
def bitwise_not(a):
    """y = all bits turned over"""
    return ~a


@over_elements(1)
def opposite(a):
    """y = the other truth value"""
    return not a


@over_elements(2)
def left_shift(a, b, width):
    """y = a 2**b; 0 where b is not in [0, width)"""
    return a << b if (b >= 0) & (b < width) else a - a


@over_elements(2)
def right_shift(a, b, width, most):
    """y = floor(a / 2**b); a shift that is not in [0, width) is one by `most`, which leaves the sign"""
    return a >> b if (b >= 0) & (b < width) else a >> most
