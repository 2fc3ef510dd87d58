"""erf, erfc and the normal distribution: see `_vecmath`."""

from __future__ import annotations

import math

import numpy as np

from nbnn.kernels._elementary import (
    LN2_HI32,
    LN2_HI64,
    LN2_LO32,
    LN2_LO64,
    LOG2E32,
    LOG2E64,
    ONE32,
    ROUND32,
    ROUND32_BITS,
    ROUND64,
    ROUND64_BITS,
    exp,
    exp32,
    exp64,
    exp_rest32,
    exp_rest64,
    power32,
    power64,
)
from nbnn.kernels._twin import as_bits32, as_bits64, as_float64, elementary, inline

_I, _F = np.int32, np.float32
_SQRT_HALF, _DENSITY = 0.7071067811865476, 0.3989422804014327  # 1 / sqrt(2), 1 / sqrt(2 pi)


def erf(x):
    """2 / sqrt(pi) times the integral of e**(-t**2) from 0 to x."""
    return type(x)(math.erf(x))


def erfc(x):
    """1 - erf(x), exact to the last bits also where erf rounds to 1."""
    return type(x)(math.erfc(x))


def normal_cdf(x):
    """The probability that a normal number is below x, also in the far tail."""
    return erfc(-x * type(x)(_SQRT_HALF)) * type(x)(0.5)


def normal_density(x):
    """e**(-x**2 / 2) / sqrt(2 pi)."""
    z = abs(x) * type(x)(_SQRT_HALF)
    return exp(-(z * z)) * type(x)(_DENSITY)


# e**(z**2) * erfc(z) * (z + c) as a polynomial of (z - c) / (z + c), z >= 0: after Shepherd and Laframboise, "Chebyshev
# approximation of (1 + 2x) exp(x^2) erfc x", 1981. Minimax, relative error 2e-9 with c = 3 and 2e-17 with c = 4.
_C0, _C1, _C2, _C3 = _F(1.07400690777), _F(-0.883394486451), _F(0.590228298486), _F(-0.310466008422)
_C4, _C5, _C6 = _F(0.119529068653), _F(-0.0268398266201), _F(-0.0012264319084)
_C7, _C8, _C9 = _F(0.00308032802051), _F(-0.000483175133891), _F(-0.000325332340379)
_THREE32, _ZERO32 = _F(3), _F(0)

_B0, _B1, _B2 = 1.095995661000491109308, -0.9765487290808824006819, 0.7732087022652408308028
_B3, _B4, _B5 = -0.5408538313131906567892, 0.3308515878777892536964, -0.1740109372413937938575
_B6, _B7, _B8 = 0.07638151491427766755512, -0.0263700533177843711044, 0.006112055601096502149788
_B9, _B10, _B11 = -0.0002809590622460748774065, -0.0004550523498942955296434, 0.0001768138788685549941925
_B12, _B13, _B14 = -0.000003636366151238137150839, -0.00001886455293428188857955, 0.000004696876913553560901111
_B15, _B16, _B17 = 0.000001432344236271938771595, -8.487572965876024128832e-7, -8.678067603477164404149e-8
_B18, _B19, _B20 = 1.245689344591127055525e-7, 9.628102148543219798708e-9, -1.392849774614374247918e-8
_B21 = -2.799195783892749752524e-9


@inline
def _tail32(z):
    """e**(z**2) * erfc(z) for z >= 0."""
    t = ONE32 / (z + _THREE32)
    q = (z - _THREE32) * t
    p = ((((_C9 * q + _C8) * q + _C7) * q + _C6) * q + _C5) * q + _C4
    return ((((p * q + _C3) * q + _C2) * q + _C1) * q + _C0) * t


@inline
def _tail_polynomial64(q):
    p = ((((_B21 * q + _B20) * q + _B19) * q + _B18) * q + _B17) * q + _B16
    p = ((((p * q + _B15) * q + _B14) * q + _B13) * q + _B12) * q + _B11
    p = ((((p * q + _B10) * q + _B9) * q + _B8) * q + _B7) * q + _B6
    return (((((p * q + _B5) * q + _B4) * q + _B3) * q + _B2) * q + _B1) * q + _B0


@inline
def _tail64(z):
    """e**(z**2) * erfc(z) for z >= 0."""
    return _tail_polynomial64((z - 4.0) / (z + 4.0)) / (z + 4.0)


# Beyond these, erfc is 0. The upper bits of z have an exact square: else e**(-z**2) would lose what z**2 has lost.
_ERFC_END32, _UPPER64 = _F(10.5), -(1 << 27)


@inline
def _erfc_positive64(a):
    """erfc(a) for 0 <= a <= 27.5: `_tail64` with fewer roundings, times the exponential."""
    s = a + 4.0
    q = (a - 4.0) / s
    upper = as_float64(as_bits64(a) & _UPPER64)
    high, low = -(upper * upper), (upper - a) * (upper + a) - (a - (s - 4.0)) / s  # and what rounding s has lost
    t = high * LOG2E64 + ROUND64
    k = t - ROUND64
    rest = exp_rest64(((high - k * LN2_HI64) - k * LN2_LO64) + low)
    n = as_bits64(t) - ROUND64_BITS
    half = n >> 1
    y = _tail_polynomial64(q) / s
    return (y + y * rest) * power64(half) * power64(n - half)


# (erf(x) - x) / x as a polynomial of x**2 on [0, 0.93] (0.66 for float64); ln(erfc(x)) as one of x on [0.93, 4], where
# erf of float32 becomes 1. Minimax, relative error of erf 2e-8 (5e-20) and 2e-9.
_S0, _S1, _S2 = _F(0.128379147691), _F(-0.376124811009), _F(0.112816825419)
_S3, _S4, _S5 = _F(-0.0267617197852), _F(0.00498594040914), _F(-0.000595374060479)
_T0, _T1, _T2, _T3 = _F(-0.000211316510939), _F(-1.12761119211), _F(-0.63729044902), _F(-0.103836880372)
_T4, _T5, _T6 = _F(0.0221813724569), _F(-0.0030318161838), _F(0.000194777278476)
_ERF_CUT32, _ERF_END32 = _F(0.93), _F(4)
_U0, _U1, _U2 = 0.128379167095512573841, -0.3761263890318374942933, 0.1128379167095484908828
_U3, _U4, _U5 = -0.02686617064503268491806, 0.005223977623638211293008, -0.0008548326830522751884791
_U6, _U7, _U8 = 0.0001205532009425151529135, -0.00001492509607578695753769, 0.000001644673902675940318157
_U9, _U10 = -1.609902434927663505761e-7, 1.214314236542223023365e-8


@inline
def _erf_small32(x):
    s = x * x
    return (((((_S5 * s + _S4) * s + _S3) * s + _S2) * s + _S1) * s + _S0) * x + x


@inline
def _erf_small64(x):
    s = x * x
    p = ((((_U10 * s + _U9) * s + _U8) * s + _U7) * s + _U6) * s + _U5
    return (((((p * s + _U4) * s + _U3) * s + _U2) * s + _U1) * s + _U0) * x + x


@inline
def _erf32(x):
    a = abs(x)
    small = _erf_small32(x)
    a = _ERF_END32 if a > _ERF_END32 else a
    r = (((((_T6 * a + _T5) * a + _T4) * a + _T3) * a + _T2) * a + _T1) * a + _T0
    t = r * LOG2E32 + ROUND32
    k = t - ROUND32
    e = (exp_rest32((r - k * LN2_HI32) - k * LN2_LO32) + ONE32) * power32(_I(as_bits32(t) - ROUND32_BITS))
    large = ONE32 - e
    large = -large if x < _ZERO32 else large
    return small if a < _ERF_CUT32 else large


@inline
def _erf64(x):
    a = abs(x)
    small = _erf_small64(x)
    large = 1.0 - _erfc_positive64(6.5 if a > 6.5 else a)
    large = -large if x < 0.0 else large
    return small if a < 0.66 else large


@inline
def _erfc32(x):
    """In float64: in float32 the roundings add up to 5.7 ULP."""
    a = abs(x)
    z = np.float64(_ERFC_END32 if a > _ERFC_END32 else a)
    y = exp64(-(z * z)) * _tail32(z)
    return _F(2.0 - y if x < _ZERO32 else y)


@inline
def _erfc64(x):
    a = abs(x)
    y = _erfc_positive64(27.5 if a > 27.5 else a)
    y = 2.0 - y if x < 0.0 else y
    return 1.0 - _erf_small64(x) if a < 0.66 else y


_SQRT_HALF_32, _DENSITY32 = _F(_SQRT_HALF), _F(_DENSITY)


# log2(2 * P(normal < -a)) as a polynomial of a on [0, 5.75]: minimax for an absolute error of the probability, 3e-8.
# Half the time of `_tail32` times an exponential (gelu: 0.79 -> 0.46 ns an element); float32 has no digits left beyond.
_N0, _N1, _N2, _N3 = _F(3.86521063617e-8), _F(-1.15110672894), _F(-0.459195969372), _F(-0.052532056701)
_N4, _N5, _N6 = _F(0.00710899880394), _F(-0.00015981239996), _F(-0.000187594813331)
_N7, _N8, _N9 = _F(4.49609759914e-5), _F(-4.71404641167e-6), _F(1.96650258831e-7)
_NORMAL_END32 = _F(5.75)
# (2**f - 1) / f on |f| <= 1/2: minimax, relative error of 2**f 2e-9.
_M0, _M1, _M2 = _F(0.693147202855), _F(0.240226479136), _F(0.055503324711)
_M3, _M4, _M5 = _F(0.00961843735782), _F(0.00133988744224), _F(0.000153533618883)


@inline
def _normal_cdf32(x):
    a = abs(x)
    b = _NORMAL_END32 if a > _NORMAL_END32 else a
    p = ((((_N9 * b + _N8) * b + _N7) * b + _N6) * b + _N5) * b + _N4
    p = (((p * b + _N3) * b + _N2) * b + _N1) * b + _N0
    t = p + ROUND32
    f = p - (t - ROUND32)
    y = (((((_M5 * f + _M4) * f + _M3) * f + _M2) * f + _M1) * f + _M0) * f + ONE32
    y = y * power32(_I(as_bits32(t) - (ROUND32_BITS + 1)))
    y = _ZERO32 if a > _NORMAL_END32 else y
    return y if x < _ZERO32 else ONE32 - y


@inline
def _normal_cdf64(x):
    z = abs(x) * _SQRT_HALF
    y = exp64(-(z * z)) * 0.5 * _tail64(27.5 if z > 27.5 else z)
    return y if x < 0.0 else 1.0 - y


@inline
def _normal_density32(x):
    z = x * _SQRT_HALF_32
    return exp32(-(z * z)) * _DENSITY32


@inline
def _normal_density64(x):
    z = abs(x) * _SQRT_HALF  # as in `_normal_cdf64`: where both are asked for, the exponential is computed once
    return exp64(-(z * z)) * _DENSITY


def _normal_cdf_cuda(x):
    return math.erfc(-x * type(x)(_SQRT_HALF)) * type(x)(0.5)


def _normal_density_cuda(x):
    return math.exp(x * x * type(x)(-0.5)) * type(x)(_DENSITY)


elementary(erf, lambda x: _erf32(x), lambda x: _erf64(x), lambda x: math.erf(x))
elementary(erfc, lambda x: _erfc32(x), lambda x: _erfc64(x), lambda x: math.erfc(x))
elementary(normal_cdf, lambda x: _normal_cdf32(x), lambda x: _normal_cdf64(x), _normal_cdf_cuda)
elementary(normal_density, lambda x: _normal_density32(x), lambda x: _normal_density64(x), _normal_density_cuda)
