"""Quotients that are rounded to integers, and the remainders that belong to them.

Each exists for floating-point numbers and, as `int_...`, for integers: their divisor is not 0, and dividing by -1 is
spelled out, because the quotient of the smallest integer by -1 does not fit and stops the process on many CPUs.
"""

from __future__ import annotations

from nbnn import _jit
from nbnn.kernels import _vecmath as vm
from nbnn.kernels._cpu import over_elements


@over_elements(2)
def truncated_quotient(a, b):
    """y = a / b, rounded towards 0."""
    return vm.trunc(a / b)


@over_elements(2)
def floored_quotient(a, b):
    """y = the largest integer that is at most a / b, from the exact remainder: a / b alone may round up to it."""
    rest = vm.fmod(a, b)
    quotient = (a - rest) / b
    quotient = quotient - type(a)(1) if (rest != 0) & ((rest < 0) != (b < 0)) else quotient
    near = vm.floor(quotient) + type(a)(0)  # no zero with a sign
    near = near + type(a)(1) if quotient - near > type(a)(0.5) else near
    return a / b if b == 0 else near


@over_elements(2)
def fmod(a, b):
    """y = a - b trunc(a / b): the sign of a."""
    return vm.fmod(a, b)


@over_elements(2)
def remainder(a, b):
    """y = a - b floor(a / b): the sign of b."""
    rest = vm.fmod(a, b)
    return rest + b if (rest != 0) & ((rest < 0) != (b < 0)) else rest


@_jit.jit
def _int_truncated(a, b):
    """The quotient rounded towards 0; b is neither 0 nor -1."""
    quotient = a // b
    return quotient + type(a)(1) if quotient < 0 and quotient * b != a else quotient


@over_elements(2)
def int_truncated_quotient(a, b):
    """y = a / b, rounded towards 0."""
    return -a if b == -1 else _int_truncated(a, b)


@over_elements(2)
def int_floored_quotient(a, b):
    """y = the largest integer that is at most a / b."""
    return -a if b == -1 else a // b


@over_elements(2)
def int_fmod(a, b):
    """y = a - b trunc(a / b): the sign of a."""
    return a - a if b == -1 else a - _int_truncated(a, b) * b


@over_elements(2)
def int_remainder(a, b):
    """y = a - b floor(a / b): the sign of b."""
    return a - a if b == -1 else a % b
