"""x**y: see `_vecmath`."""

from __future__ import annotations

import math

import numpy as np
from numba import types

from nbnn.kernels._elementary import (
    INF64,
    LN2_HI64,
    LN2_LO64,
    LOG2E64,
    NAN64,
    ROUND64,
    ROUND64_BITS,
    SQRT_HALF64,
    exp_rest64,
    log_sum64,
    power64,
    small_float,
)
from nbnn.kernels._twin import as_bits64, as_float64, fma, inline, twin


def pow(x, y):
    """x**y as IEEE 754 has it: 1 where x is 1 or y is 0, NaN for a negative x with a fraction in y."""
    with np.errstate(all="ignore"):
        return type(x)(np.power(x, y))


_TWO54, _NORMAL64, _TWO52 = 18014398509481984.0, 2.2250738585072014e-308, 4503599627370496.0
_THIRD, _THIRD_REST = 0.3333333333333333, 1.850371707708594e-17  # 1 / 3 in two parts


@inline
def _split(a):
    """(k, f) with a = 2**k * (1 + f) and sqrt(1/2) <= 1 + f < sqrt(2)."""
    tiny = a < _NORMAL64
    bits = as_bits64(a * _TWO54 if tiny else a) - SQRT_HALF64
    k = bits >> 52
    return small_float(k) - (54.0 if tiny else 0.0), as_float64(bits - (k << 52) + SQRT_HALF64) - 1.0


@inline
def _log_pair(a):
    """ln(a) in two parts, to 2**-64 of it: 2 s (1 + s**2 / 3 + s**4 / 5 + ...), s = f / (2 + f)."""
    k, f = _split(a)
    t = 2.0 + f
    s = f / t
    s_rest = (fma(-s, t, f) - s * (f - (t - 2.0))) / t
    z = fma(s, s, 0.0)
    z_rest = fma(s, s, -z) + 2.0 * s * s_rest
    p = (((z * 0.043478260869565216 + 0.047619047619047616) * z + 0.05263157894736842) * z + 0.058823529411764705) * z
    p = (((p + 0.06666666666666667) * z + 0.07692307692307693) * z + 0.09090909090909091) * z + 0.1111111111111111
    p = ((p * z + 0.14285714285714285) * z + 0.2) * (z * z)
    w = fma(z, _THIRD, 0.0)
    w_rest = fma(z, _THIRD, -w) + (z * _THIRD_REST + z_rest * _THIRD) + p
    u = w + w_rest  # s**2 / 3 + s**4 / 5 + ...
    u_rest = w_rest - (u - w)
    v = fma(s, u, 0.0)
    v_rest = fma(s, u, -v) + (s * u_rest + s_rest * u)
    high = 2.0 * (s + v)
    low = 2.0 * ((v - (0.5 * high - s)) + (v_rest + s_rest))
    base = fma(k, LN2_HI64, 0.0)
    total = base + high
    rest = (high - (total - base)) + low if k != 0.0 else low
    rest = fma(k, LN2_LO64, rest)
    whole = total + rest
    return whole, rest - (whole - total)


@inline
def _exp_pair(high, low):
    """e**(high + low)"""
    low = low if abs(high) < 750.0 else 0.0
    high = -750.0 if high < -750.0 else high
    high = 711.0 if high > 711.0 else high
    t = high * LOG2E64 + ROUND64
    k = t - ROUND64
    y = exp_rest64(fma(k, -LN2_LO64, fma(k, -LN2_HI64, high)) + low) + 1.0
    n = as_bits64(t) - ROUND64_BITS
    half = n >> 1
    return y * power64(half) * power64(n - half)


@inline
def _signed(x, y, size):
    """`size`, which is |x|**y, with the sign of x**y, and the special values."""
    whole = abs(y)
    shifted = whole + _TWO52
    integer = (shifted - _TWO52 == whole) | (whole >= _TWO52)
    odd = ((as_bits64(whole if whole >= _TWO52 else shifted) & 1) != 0) & integer & (whole < 2.0 * _TWO52)
    z = 1.0 if abs(x) == 1.0 else size
    z = -z if odd & (as_bits64(x) < 0) else z
    z = NAN64 if (x < 0.0) & (x > -INF64) & (not integer) else z
    z = NAN64 if (x != x) | (y != y) else z
    return 1.0 if (x == 1.0) | (y == 0.0) else z


@inline
def _pow64(x, y):
    a = abs(x)
    high, low = _log_pair(a)
    high = -INF64 if a == 0.0 else high
    high = high if a < INF64 else INF64
    product = fma(y, high, 0.0)
    size = _exp_pair(product, fma(y, high, -product) + y * low)
    return _signed(x, y, size)


@inline
def _pow32(x, y):
    """In float64, whose rounding does not show after the multiplication by y."""
    x, y = np.float64(x), np.float64(y)
    a = abs(x)
    k, f = _split(a)
    log = log_sum64(f, k, 0.0)
    log = -INF64 if a == 0.0 else log
    log = log if a < INF64 else INF64
    return np.float32(_signed(x, y, _exp_pair(y * log, 0.0)))


def _pow_cpu(x, y):
    if x == y == types.float32:
        return lambda x, y: _pow32(x, y)
    return (lambda x, y: _pow64(x, y)) if x == y == types.float64 else None


def _pow_cuda(x, y):
    return (lambda x, y: math.pow(x, y)) if x == y and isinstance(x, types.Float) else None


twin(pow, _pow_cpu, _pow_cuda)
