"""Sizes, signs and whole parts of numbers, and what kind of number each is."""

from __future__ import annotations

from nbnn.kernels import _vecmath as vm
from nbnn.kernels._cpu import over_elements


@over_elements(1)
def absolute(x):
    """y = |x|"""
    return abs(x)


@over_elements(1)
def sign(x):
    """y = 1 above 0, -1 below, else 0 (NaN too)."""
    return type(x)(1) if x > 0 else type(x)(-1) if x < 0 else type(x)(0)


@over_elements(1)
def floor(x):
    """y = the largest integer that is not above x."""
    return vm.floor(x)


@over_elements(1)
def ceil(x):
    """y = the smallest integer that is not below x."""
    return vm.ceil(x)


@over_elements(1)
def trunc(x):
    """y = x without its fraction."""
    return vm.trunc(x)


@over_elements(1)
def frac(x):
    """y = the fraction of x, with its sign."""
    return x - vm.trunc(x)


@over_elements(1)
def nearest(x):
    """y = the nearest integer, the even one of two."""
    return vm.rint(x)


@over_elements(1)
def round_to(x, scale, fine):
    """y = the nearest multiple of 1 / scale where `fine`, else of scale; the even one of two."""
    s = type(x)(scale)
    return vm.rint(x * s) / s if fine != 0.0 else vm.rint(x / s) * s


@over_elements(1)
def isnan(x):
    """y = whether x is not a number."""
    return x != x


@over_elements(1)
def isinf(x):
    """y = whether x is infinite: then x - x is NaN."""
    return (x == x) & (x - x != x - x)


@over_elements(1)
def isfinite(x):
    """y = whether x is a finite number."""
    return x - x == 0
