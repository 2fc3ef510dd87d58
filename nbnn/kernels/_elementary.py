"""exp, expm1, exp2, log, log1p, log2, log10, sinh, cosh, tanh, sigmoid, softplus, sqrt and rsqrt: see `_vecmath`."""

from __future__ import annotations

import math

import numpy as np

from nbnn.kernels._twin import as_bits32, as_bits64, as_float32, as_float64, elementary, inline

# Plain Python: exact types, no exceptions, no warnings.


def exp(x):
    """e**x."""
    with np.errstate(all="ignore"):
        return type(x)(np.exp(x))


def exp_down(x):
    """e**x for x up to 64, as of differences from a peak: a quarter fewer operations than `exp`."""
    return exp(x)


def expm1(x):
    """e**x - 1, exact to the last bits near 0."""
    with np.errstate(all="ignore"):
        return type(x)(np.expm1(x))


def log(x):
    """Natural logarithm; -inf at 0, NaN below."""
    with np.errstate(all="ignore"):
        return type(x)(np.log(x))


def log1p(x):
    """ln(1 + x), exact to the last bits near 0."""
    with np.errstate(all="ignore"):
        return type(x)(np.log1p(x))


def tanh(x):
    """Hyperbolic tangent."""
    return type(x)(np.tanh(x))


def sqrt(x):
    """Square root; NaN below 0."""
    with np.errstate(all="ignore"):
        return type(x)(np.sqrt(x))


def sigmoid(x):
    """1 / (1 + e**-x), by e**-|x|, so that neither tail overflows."""
    e = exp(-abs(x))
    return (e if x < 0 else type(x)(1)) / (type(x)(1) + e)


def exp2(x):
    """2**x."""
    with np.errstate(all="ignore"):
        return type(x)(np.exp2(x))


def log2(x):
    """Logarithm to base 2, exact at powers of 2; -inf at 0, NaN below."""
    with np.errstate(all="ignore"):
        return type(x)(np.log2(x))


def log10(x):
    """Logarithm to base 10; -inf at 0, NaN below."""
    with np.errstate(all="ignore"):
        return type(x)(np.log10(x))


def sinh(x):
    """Hyperbolic sine."""
    with np.errstate(all="ignore"):
        return type(x)(np.sinh(x))


def cosh(x):
    """Hyperbolic cosine."""
    with np.errstate(all="ignore"):
        return type(x)(np.cosh(x))


def rsqrt(x):
    """1 / sqrt(x); infinite at 0, NaN below."""
    with np.errstate(all="ignore"):
        return type(x)(type(x)(1) / np.sqrt(x))


def softplus(x):
    """ln(1 + e**x), as max(x, 0) + ln(1 + e**-|x|): no tail overflows or vanishes."""
    return (type(x)(0) if x < 0 else x) + log1p(exp(-abs(x)))


# Adding 1.5 * 2**23 (2**52) rounds to the nearest integer, which then stands in the lowest bits: no conversion needed.
_I, _F = np.int32, np.float32
ROUND32, ROUND64 = _F(12582912.0), 6755399441055744.0
ROUND32_BITS, ROUND64_BITS = 0x4B400000, 0x4338000000000000
LOG2E32, LOG2E64 = _F(1.4426950408889634), 1.4426950408889634
# ln 2 in two parts; a small integer times the first part is exact.
LN2_HI32, LN2_LO32 = _F(0.693359375), _F(-2.12194440e-4)
LN2_HI64, LN2_LO64 = 6.93147180369123816490e-01, 1.90821492927058770002e-10
ONE32, TWO32, HALF32, INF32, NAN32 = _F(1), _F(2), _F(0.5), _F(np.inf), _F(np.nan)
INF64, NAN64 = np.inf, np.nan

# (e**r - 1 - r) / r**2 on |r| <= ln(2) / 2: minimax (Remez) for the relative error of e**r - 1, 2e-10 and 2e-17.
_E0, _E1, _E2 = _F(0.500000004652), _F(0.166666668173), _F(0.0416663541665)
_E3, _E4, _E5 = _F(0.00833327299029), _F(0.00139410499252), _F(0.000199142044903)
_D0, _D1, _D2 = 0.5000000000000005572, 0.16666666666666686056, 0.041666666666573329538
_D3, _D4, _D5 = 0.0083333333333145488761, 0.0013888888932482477194, 0.00019841269903138123294
_D6, _D7, _D8 = 0.000024801504314099290807, 2.7557227842618302878e-6, 2.762638150757270927e-7
_D9 = 2.5114513292015087236e-8


@inline
def exp_rest32(r):
    """e**r - 1 for |r| <= ln(2) / 2."""
    p = ((((_E5 * r + _E4) * r + _E3) * r + _E2) * r + _E1) * r + _E0
    return p * (r * r) + r


@inline
def exp_rest64(r):
    """e**r - 1 for |r| <= ln(2) / 2."""
    p = ((((_D9 * r + _D8) * r + _D7) * r + _D6) * r + _D5) * r + _D4
    p = (((p * r + _D3) * r + _D2) * r + _D1) * r + _D0
    return p * (r * r) + r


@inline
def power32(n):
    """2**n for the exponents of normal numbers."""
    return as_float32(_I(_I(n + 127) << _I(23)))


@inline
def power64(n):
    """2**n for the exponents of normal numbers."""
    return as_float64((n + 1023) << 52)


# Where a bound is applied as `bound if x < bound else x`, NaN passes.
_EXP_LOW32, _EXP_HIGH32 = _F(-104.0), _F(89.0)


@inline
def exp32(x):
    x = _EXP_LOW32 if x < _EXP_LOW32 else x
    x = _EXP_HIGH32 if x > _EXP_HIGH32 else x
    t = x * LOG2E32 + ROUND32
    k = t - ROUND32
    y = exp_rest32((x - k * LN2_HI32) - k * LN2_LO32) + ONE32
    n = _I(as_bits32(t) - ROUND32_BITS)
    half = _I(n >> _I(1))  # two factors: n reaches from -150 to 128, and the last product rounds a subnormal once
    return y * power32(half) * power32(_I(n - half))


@inline
def exp64(x):
    x = -746.0 if x < -746.0 else x
    x = 710.0 if x > 710.0 else x
    t = x * LOG2E64 + ROUND64
    k = t - ROUND64
    y = exp_rest64((x - k * LN2_HI64) - k * LN2_LO64) + 1.0
    n = as_bits64(t) - ROUND64_BITS
    half = n >> 1
    return y * power64(half) * power64(n - half)


_DOWN32 = _F(2.0**-24)


@inline
def exp_down32(x):
    """e**x for x <= 64: 2**(n + 24) is a normal number wherever the result is not 0."""
    x = _EXP_LOW32 if x < _EXP_LOW32 else x
    t = x * LOG2E32 + ROUND32
    k = t - ROUND32
    y = exp_rest32((x - k * LN2_HI32) - k * LN2_LO32) + ONE32
    return y * power32(_I(as_bits32(t) - (ROUND32_BITS - 24))) * _DOWN32


@inline
def exp_down64(x):
    x = -746.0 if x < -746.0 else x
    t = x * LOG2E64 + ROUND64
    k = t - ROUND64
    y = exp_rest64((x - k * LN2_HI64) - k * LN2_LO64) + 1.0
    return y * power64(as_bits64(t) - (ROUND64_BITS - 55)) * 2.0**-55


_EXPM1_LOW32, _EXPM1_TINY32 = _F(-18.0), _F(1e-10)


@inline
def _expm1_bounded32(x):
    """e**x - 1 for -87 < x < 89: 2 * (rest * 2**(n - 1) + (2**(n - 1) - 1 / 2)), so that n = 128 does not overflow."""
    t = x * LOG2E32 + ROUND32
    k = t - ROUND32
    scale = power32(_I(as_bits32(t) - (ROUND32_BITS + 1)))
    return TWO32 * (exp_rest32((x - k * LN2_HI32) - k * LN2_LO32) * scale + (scale - HALF32))


@inline
def _expm1_bounded64(x):
    """e**x - 1 for -708 < x < 710, as `_expm1_bounded32`."""
    t = x * LOG2E64 + ROUND64
    k = t - ROUND64
    scale = power64(as_bits64(t) - (ROUND64_BITS + 1))
    return 2.0 * (exp_rest64((x - k * LN2_HI64) - k * LN2_LO64) * scale + (scale - 0.5))


@inline
def _expm1_32(x):
    low = _EXPM1_LOW32 if x < _EXPM1_LOW32 else x
    y = _expm1_bounded32(_EXP_HIGH32 if low > _EXP_HIGH32 else low)
    return x if abs(x) < _EXPM1_TINY32 else y  # -0.0 and subnormals pass


@inline
def _expm1_64(x):
    low = -40.0 if x < -40.0 else x
    y = _expm1_bounded64(710.0 if low > 710.0 else low)
    return x if abs(x) < 1e-20 else y


# ln(1 + f) = f - f**2 / 2 + s * (f**2 / 2 + R(s**2)), s = f / (2 + f), for sqrt(1/2) <= 1 + f < sqrt(2): the method and
# coefficients of FreeBSD's msun (Sun Microsystems, 1993).
SQRT_HALF32, SQRT_HALF64 = 0x3F3504F3, 0x3FE6A09E667F3BCD
_NORMAL32, _NORMAL64 = _F(1.17549435e-38), 2.2250738585072014e-308
# float32 has (ln(1 + f) - f + f**2 / 2) / f**3 as a minimax polynomial instead, relative error 7e-10: without
# the division log1p takes 0.46 instead of 0.51 ns an element.
_G0, _G1, _G2 = _F(0.33333310594), _F(-0.249999865702), _F(0.200022183429)
_G3, _G4, _G5 = _F(-0.166692475897), _F(0.142187977577), _F(-0.123844689607)
_G6, _G7, _G8 = _F(0.118721741918), _F(-0.117888853711), _F(0.0691595029616)
_MSUN_HI32, _MSUN_LO32 = _F(6.9313812256e-01), _F(9.0580006145e-06)
_TWO25, _SHIFT25, _TWO54 = _F(33554432.0), _F(25.0), 18014398509481984.0
_L0, _L1, _L2 = 6.666666666666735130e-01, 3.999999999940941908e-01, 2.857142874366239149e-01
_L3, _L4, _L5 = 2.222219843214978396e-01, 1.818357216161805012e-01, 1.531383769920937332e-01
_L6 = 1.479819860510658591e-01


@inline
def log_sum32(f, k, c):
    """k * ln(2) + ln(1 + f) + c, c being a small correction."""
    square = f * f
    p = (((_G8 * f + _G7) * f + _G6) * f + _G5) * f + _G4
    p = (((p * f + _G3) * f + _G2) * f + _G1) * f + _G0
    return ((p * f) * square + (k * _MSUN_LO32 + c) - HALF32 * square) + f + k * _MSUN_HI32


@inline
def log_sum64(f, k, c):
    """k * ln(2) + ln(1 + f) + c, c being a small correction."""
    s = f / (2.0 + f)
    z = s * s
    square = 0.5 * f * f
    rest = (((_L6 * z + _L5) * z + _L4) * z + _L3) * z
    rest = (((rest + _L2) * z + _L1) * z + _L0) * z
    return (s * (square + rest) + (k * LN2_LO64 + c) - square) + f + k * LN2_HI64


@inline
def log32(x):
    tiny = x < _NORMAL32
    bits = _I(as_bits32(x * _TWO25 if tiny else x) - SQRT_HALF32)
    k = _I(bits >> _I(23))
    f = as_float32(_I(_I(bits - _I(k << _I(23))) + SQRT_HALF32)) - ONE32
    y = log_sum32(f, _F(k) - (_SHIFT25 if tiny else _F(0)), _F(0))
    y = y if x < INF32 else x
    special = -INF32 if x == _F(0) else NAN32
    return special if x <= _F(0) else y


@inline
def log64(x):
    tiny = x < _NORMAL64
    bits = as_bits64(x * _TWO54 if tiny else x) - SQRT_HALF64
    k = bits >> 52
    f = as_float64(bits - (k << 52) + SQRT_HALF64) - 1.0
    y = log_sum64(f, small_float(k) - (54.0 if tiny else 0.0), 0.0)
    y = y if x < INF64 else x
    special = -INF64 if x == 0.0 else NAN64
    return special if x <= 0.0 else y


@inline
def small_float(k):
    """float64 of |k| < 2**51 without the conversion of int64, which AVX2 has not."""
    return as_float64(k + ROUND64_BITS) - ROUND64


@inline
def _log1p_32(x):
    u = ONE32 + x
    bits = _I(as_bits32(u) - SQRT_HALF32)
    n = _I(bits >> _I(23))
    m = as_float32(_I(_I(bits - _I(n << _I(23))) + SQRT_HALF32)) - ONE32
    small = n == 0  # then u's rounding would show: x itself is f
    c = ((ONE32 - (u - x)) if n > 1 else (x - (u - ONE32))) / u  # what rounding 1 + x lost
    y = log_sum32(x if small else m, _F(n), _F(0) if small or n > 25 else c)
    y = y if x < INF32 else x
    y = x if abs(x) < _EXPM1_TINY32 else y
    special = -INF32 if u == _F(0) else NAN32
    return special if u <= _F(0) else y


@inline
def log1p_64(x):
    u = 1.0 + x
    bits = as_bits64(u) - SQRT_HALF64
    n = bits >> 52
    m = as_float64(bits - (n << 52) + SQRT_HALF64) - 1.0
    small = n == 0
    c = ((1.0 - (u - x)) if n > 1 else (x - (u - 1.0))) / u
    y = log_sum64(x if small else m, small_float(n), 0.0 if small or n > 54 else c)
    y = y if x < INF64 else x
    y = x if abs(x) < 1e-20 else y
    special = -INF64 if u == 0.0 else NAN64
    return special if u <= 0.0 else y


_TANH_LOW32 = _F(-20.0)


@inline
def _tanh32(x):
    a = -TWO32 * abs(x)
    t = _expm1_bounded32(_TANH_LOW32 if a < _TANH_LOW32 else a)
    y = -t / (t + TWO32)
    y = -y if x < _F(0) else y
    return x if abs(x) < _EXPM1_TINY32 else y


@inline
def _tanh64(x):
    a = -2.0 * abs(x)
    t = _expm1_bounded64(-40.0 if a < -40.0 else a)
    y = -t / (t + 2.0)
    y = -y if x < 0.0 else y
    return x if abs(x) < 1e-20 else y


_SIGMOID_HIGH32 = _F(18.0)  # where it is 1


@inline
def sigmoid32(x):
    """2**n / (2**n + e**-r) for x = n ln 2 + r, by 2**(n + 24), which is normal: 0.37 -> 0.32 ns an element."""
    x = _EXP_LOW32 if x < _EXP_LOW32 else x
    x = _SIGMOID_HIGH32 if x > _SIGMOID_HIGH32 else x
    t = x * LOG2E32 + ROUND32
    k = t - ROUND32
    y = (exp_rest32((k * LN2_HI32 - x) + k * LN2_LO32)) + ONE32
    scale = power32(_I(as_bits32(t) - (ROUND32_BITS - 24)))
    return scale / (y + scale * _DOWN32) * _DOWN32


@inline
def sigmoid64(x):
    x = -746.0 if x < -746.0 else x
    x = 40.0 if x > 40.0 else x
    t = x * LOG2E64 + ROUND64
    k = t - ROUND64
    y = exp_rest64((k * LN2_HI64 - x) + k * LN2_LO64) + 1.0
    scale = power64(as_bits64(t) - (ROUND64_BITS - 55))
    return scale / (y + scale * 2.0**-55) * 2.0**-55


_EXP2_LOW32, _EXP2_HIGH32, _LN2_32, _LN2_64 = _F(-155.0), _F(129.0), _F(0.6931471805599453), 0.6931471805599453


@inline
def _exp2_32(x):
    x = _EXP2_LOW32 if x < _EXP2_LOW32 else x
    x = _EXP2_HIGH32 if x > _EXP2_HIGH32 else x
    t = x + ROUND32
    y = exp_rest32((x - (t - ROUND32)) * _LN2_32) + ONE32
    n = _I(as_bits32(t) - ROUND32_BITS)
    half = _I(n >> _I(1))
    return y * power32(half) * power32(_I(n - half))


@inline
def _exp2_64(x):
    x = -1080.0 if x < -1080.0 else x
    x = 1025.0 if x > 1025.0 else x
    t = x + ROUND64
    y = exp_rest64((x - (t - ROUND64)) * _LN2_64) + 1.0
    n = as_bits64(t) - ROUND64_BITS
    half = n >> 1
    return y * power64(half) * power64(n - half)


@inline
def _log2_32(x):
    tiny = x < _NORMAL32
    bits = _I(as_bits32(x * _TWO25 if tiny else x) - SQRT_HALF32)
    k = _I(bits >> _I(23))
    f = as_float32(_I(_I(bits - _I(k << _I(23))) + SQRT_HALF32)) - ONE32
    y = log_sum32(f, _F(0), _F(0)) * LOG2E32 + (_F(k) - (_SHIFT25 if tiny else _F(0)))
    y = y if x < INF32 else x
    special = -INF32 if x == _F(0) else NAN32
    return special if x <= _F(0) else y


@inline
def _log2_64(x):
    tiny = x < _NORMAL64
    bits = as_bits64(x * _TWO54 if tiny else x) - SQRT_HALF64
    k = bits >> 52
    f = as_float64(bits - (k << 52) + SQRT_HALF64) - 1.0
    y = log_sum64(f, 0.0, 0.0) * LOG2E64 + (small_float(k) - (54.0 if tiny else 0.0))
    y = y if x < INF64 else x
    special = -INF64 if x == 0.0 else NAN64
    return special if x <= 0.0 else y


# log10(2) in two parts; the exponents times the first are exact.
_LG2_HI32, _LG2_LO32, _LG_E32 = _F(0.301025390625), _F(4.605038981195214e-06), _F(0.4342944819032518)
_LG2_HI64, _LG2_LO64, _LG_E64 = 0.30102999566361177, 3.694239077158931e-13, 0.4342944819032518


@inline
def _log10_32(x):
    tiny = x < _NORMAL32
    bits = _I(as_bits32(x * _TWO25 if tiny else x) - SQRT_HALF32)
    k = _I(bits >> _I(23))
    f = as_float32(_I(_I(bits - _I(k << _I(23))) + SQRT_HALF32)) - ONE32
    e = _F(k) - (_SHIFT25 if tiny else _F(0))
    y = (log_sum32(f, _F(0), _F(0)) * _LG_E32 + e * _LG2_LO32) + e * _LG2_HI32
    y = y if x < INF32 else x
    special = -INF32 if x == _F(0) else NAN32
    return special if x <= _F(0) else y


@inline
def _log10_64(x):
    tiny = x < _NORMAL64
    bits = as_bits64(x * _TWO54 if tiny else x) - SQRT_HALF64
    k = bits >> 52
    f = as_float64(bits - (k << 52) + SQRT_HALF64) - 1.0
    e = small_float(k) - (54.0 if tiny else 0.0)
    y = (log_sum64(f, 0.0, 0.0) * _LG_E64 + e * _LG2_LO64) + e * _LG2_HI64
    y = y if x < INF64 else x
    special = -INF64 if x == 0.0 else NAN64
    return special if x <= 0.0 else y


# Beyond these both are infinite, and 2**n / 4 would be.
_HYPERBOLIC32, _FOUR32, _QUARTER32, _SIXTEENTH32 = _F(89.5), _F(4), _F(0.25), _F(0.0625)


@inline
def _sinh32(x):
    """t / 2 + t / (t + 1) / 2 with t = e**|x| - 1, by t / 4, which does not overflow before the result does."""
    a = abs(x)
    b = _HYPERBOLIC32 if a > _HYPERBOLIC32 else a
    t = b * LOG2E32 + ROUND32
    k = t - ROUND32
    scale = power32(_I(as_bits32(t) - (ROUND32_BITS + 2)))
    q = exp_rest32((b - k * LN2_HI32) - k * LN2_LO32) * scale + (scale - _QUARTER32)
    y = TWO32 * (q + q / (_FOUR32 * q + ONE32))
    y = -y if x < _F(0) else y
    return x if a < _EXPM1_TINY32 else y


@inline
def _sinh64(x):
    a = abs(x)
    b = 710.6 if a > 710.6 else a
    t = b * LOG2E64 + ROUND64
    k = t - ROUND64
    scale = power64(as_bits64(t) - (ROUND64_BITS + 2))
    q = exp_rest64((b - k * LN2_HI64) - k * LN2_LO64) * scale + (scale - 0.25)
    y = 2.0 * (q + q / (4.0 * q + 1.0))
    y = -y if x < 0.0 else y
    return x if a < 1e-20 else y


@inline
def _cosh32(x):
    """2 * (q + 1 / (16 q)) with q = e**|x| / 4."""
    a = abs(x)
    a = _HYPERBOLIC32 if a > _HYPERBOLIC32 else a
    t = a * LOG2E32 + ROUND32
    k = t - ROUND32
    q = (exp_rest32((a - k * LN2_HI32) - k * LN2_LO32) + ONE32) * power32(_I(as_bits32(t) - (ROUND32_BITS + 2)))
    return TWO32 * (q + _SIXTEENTH32 / q)


@inline
def _cosh64(x):
    a = abs(x)
    a = 710.6 if a > 710.6 else a
    t = a * LOG2E64 + ROUND64
    k = t - ROUND64
    q = (exp_rest64((a - k * LN2_HI64) - k * LN2_LO64) + 1.0) * power64(as_bits64(t) - (ROUND64_BITS + 2))
    return 2.0 * (q + 0.0625 / q)


# (ln(1 + e) - e) / e**2 on [0, 1]: minimax, relative error 5e-9 of ln(1 + e). On [0, 1] it
# needs neither the exponent nor the special values that `log1p` has to look at.
_P0, _P1, _P2 = _F(-0.499999024249), _F(0.333299624577), _F(-0.249541340165)
_P3, _P4, _P5 = _F(0.196759408725), _F(-0.153055966131), _F(0.10603660767)
_P6, _P7, _P8 = _F(-0.0569595834931), _F(0.0198514841646), _F(-0.00324402909243)


@inline
def _softplus32(x):
    e = exp32(-abs(x))
    p = (((_P8 * e + _P7) * e + _P6) * e + _P5) * e + _P4
    p = (((p * e + _P3) * e + _P2) * e + _P1) * e + _P0
    return (_F(0) if x < _F(0) else x) + (p * (e * e) + e)


@inline
def _softplus64(x):
    e = exp64(-abs(x))
    return (0.0 if x < 0.0 else x) + log1p_64(e)


def _sqrt(x):
    return math.sqrt(x)  # one instruction, on vectors too


def _rsqrt(x):
    return type(x)(1) / math.sqrt(x)


def _softplus_cuda(x):
    return (type(x)(0) if x < 0 else x) + math.log1p(math.exp(-abs(x)))


def _sigmoid_cuda(x):
    e = math.exp(-abs(x))
    return (e if x < 0 else type(x)(1)) / (type(x)(1) + e)


elementary(exp, lambda x: exp32(x), lambda x: exp64(x), lambda x: math.exp(x))
elementary(exp_down, lambda x: exp_down32(x), lambda x: exp_down64(x), lambda x: math.exp(x))
elementary(expm1, lambda x: _expm1_32(x), lambda x: _expm1_64(x), lambda x: math.expm1(x))
elementary(log, lambda x: log32(x), lambda x: log64(x), lambda x: math.log(x))
elementary(log1p, lambda x: _log1p_32(x), lambda x: log1p_64(x), lambda x: math.log1p(x))
elementary(tanh, lambda x: _tanh32(x), lambda x: _tanh64(x), lambda x: math.tanh(x))
elementary(sqrt, _sqrt, _sqrt, _sqrt)
elementary(sigmoid, lambda x: sigmoid32(x), lambda x: sigmoid64(x), _sigmoid_cuda)
elementary(exp2, lambda x: _exp2_32(x), lambda x: _exp2_64(x), lambda x: type(x)(2) ** x)
elementary(log2, lambda x: _log2_32(x), lambda x: _log2_64(x), lambda x: math.log2(x))
elementary(log10, lambda x: _log10_32(x), lambda x: _log10_64(x), lambda x: math.log10(x))
elementary(sinh, lambda x: _sinh32(x), lambda x: _sinh64(x), lambda x: math.sinh(x))
elementary(cosh, lambda x: _cosh32(x), lambda x: _cosh64(x), lambda x: math.cosh(x))
elementary(rsqrt, _rsqrt, _rsqrt, _rsqrt)
elementary(softplus, lambda x: _softplus32(x), lambda x: _softplus64(x), _softplus_cuda)
