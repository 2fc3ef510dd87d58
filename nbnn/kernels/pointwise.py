"""Functions of one number: exp, log, sqrt, erf and their kin."""

from __future__ import annotations

from nbnn.kernels import _vecmath as vm
from nbnn.kernels._cpu import over_elements


@over_elements(1)
def exp(x):
    """y = e**x."""
    return vm.exp(x)


@over_elements(1)
def exp2(x):
    """y = 2**x."""
    return vm.exp2(x)


@over_elements(1)
def expm1(x):
    """y = e**x - 1, exact near 0."""
    return vm.expm1(x)


@over_elements(1)
def log(x):
    """y = ln x: -inf at 0, NaN below."""
    return vm.log(x)


@over_elements(1)
def log2(x):
    """y = the logarithm to base 2."""
    return vm.log2(x)


@over_elements(1)
def log10(x):
    """y = the logarithm to base 10."""
    return vm.log10(x)


@over_elements(1)
def log1p(x):
    """y = ln(1 + x), exact near 0."""
    return vm.log1p(x)


@over_elements(1)
def sqrt(x):
    """y = the square root: NaN below 0."""
    return vm.sqrt(x)


@over_elements(1)
def rsqrt(x):
    """y = 1 / sqrt(x)."""
    return vm.rsqrt(x)


@over_elements(1)
def erf(x):
    """y = 2 / sqrt(pi) times the integral of e**(-t**2) from 0 to x."""
    return vm.erf(x)


@over_elements(1)
def erfc(x):
    """y = 1 - erf(x), exact where erf is 1."""
    return vm.erfc(x)


@over_elements(2)
def erf_backward(grad, x):
    """dx = grad * 2 / sqrt(pi) * e**(-x**2)."""
    return grad * (type(x)(1.1283791670955126) * vm.exp(-(x * x)))


@over_elements(1)
def square(x):
    """y = x**2."""
    return x * x


@over_elements(1)
def reciprocal(x):
    """y = 1 / x."""
    return type(x)(1) / x


@over_elements(1)
def lgamma(x):
    """y = ln |gamma(x)|."""
    return vm.lgamma(x)


@over_elements(1)
def digamma(x):
    """y = the derivative of lgamma."""
    return vm.digamma(x)


@over_elements(1)
def trigamma(x):
    """y = the derivative of digamma."""
    return vm.trigamma(x)


@over_elements(1)
def tetragamma(x):
    """y = the derivative of trigamma."""
    return vm.tetragamma(x)
