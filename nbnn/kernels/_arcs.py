"""asin, acos, atan and atan2: see `_vecmath`."""

from __future__ import annotations

import math

import numpy as np
from numba import types

from nbnn.kernels._elementary import HALF32, INF32, INF64, ONE32, TWO32
from nbnn.kernels._twin import as_bits32, as_bits64, elementary, inline, twin

_F = np.float32


def asin(x):
    """The angle in [-pi / 2, pi / 2] with this sine; NaN beyond 1."""
    with np.errstate(all="ignore"):
        return type(x)(np.arcsin(x))


def acos(x):
    """The angle in [0, pi] with this cosine; NaN beyond 1."""
    with np.errstate(all="ignore"):
        return type(x)(np.arccos(x))


def atan(x):
    """The angle in [-pi / 2, pi / 2] with this tangent."""
    return type(x)(np.arctan(x))


def atan2(y, x):
    """The angle in [-pi, pi] of the point (x, y), by the signs of both also where they are 0."""
    return type(y)(np.arctan2(y, x))


# (asin(s) - s) / s**3 on [0, 1/2] and (atan(t) - t) / t**3 on [0, tan(pi / 8)] as polynomials of the square: minimax,
# errors 5e-9 and 2e-17, 2e-8 and 1e-18.
_A0, _A1, _A2 = _F(0.166667538841), _F(0.0749524321915), _F(0.0454769814736)
_A3, _A4 = _F(0.0241479230323), _F(0.0422183468439)
_B0, _B1, _B2 = 0.16666666666665386793, 0.075000000003421339089, 0.044642856824239433298
_B3, _B4, _B5 = 0.030381959299968101705, 0.02237175426688706447, 0.017359760112004898012
_B6, _B7, _B8 = 0.013884703959760417109, 0.012172611624113429968, 0.0065136208924232598306
_B9, _B10, _B11 = 0.019566679045384893314, -0.016283286987279622138, 0.03195195003851783041
_C0, _C1, _C2 = _F(-0.333329553345), _F(0.199779236947), _F(-0.138797868009)
_C3 = _F(0.0806002481582)
_D0, _D1, _D2 = -0.33333333333333198957, 0.19999999999954038102, -0.14285714280243967745
_D3, _D4, _D5 = 0.11111110785903767046, -0.090908978295074443485, 0.076920615099134871035
_D6, _D7, _D8 = -0.066631188968979658552, 0.058479978103785611651, -0.050397942440294935847
_D9, _D10 = 0.038076988854722244986, -0.017920789795468714255

_HALF_PI_HI32, _HALF_PI_LO32 = _F(1.5707963267948966), _F(-4.371139000186241e-08)
_HALF_PI_HI64, _HALF_PI_LO64 = 1.5707963267948966, 6.123233995736766e-17
# pi / 4 in two parts; the first has few bits, so that a small integer times it is exact.
_QUARTER_PI_HI32, _QUARTER_PI_LO32 = _F(0.78515625), _F(0.00024191339744830963)
_QUARTER_PI_HI64, _QUARTER_PI_LO64 = 0.7853981629014015, 4.960467898402702e-10


@inline
def _arc32(x):
    """(whether |x| is at most 1/2; asin(|x|) then, else asin(sqrt((1 - |x|) / 2)), which is acos(|x|) / 2)."""
    a = abs(x)
    low = a <= HALF32
    z = x * x if low else HALF32 * (ONE32 - a)
    s = a if low else np.sqrt(z)
    return low, ((((_A4 * z + _A3) * z + _A2) * z + _A1) * z + _A0) * (z * s) + s


@inline
def _arc64(x):
    a = abs(x)
    low = a <= 0.5
    z = x * x if low else 0.5 * (1.0 - a)
    s = a if low else np.sqrt(z)
    p = (((((_B11 * z + _B10) * z + _B9) * z + _B8) * z + _B7) * z + _B6) * z + _B5
    return low, (((((p * z + _B4) * z + _B3) * z + _B2) * z + _B1) * z + _B0) * (z * s) + s


@inline
def _asin32(x):
    low, p = _arc32(x)
    y = p if low else (_HALF_PI_HI32 - TWO32 * p) + _HALF_PI_LO32
    return -y if as_bits32(x) < 0 else y


@inline
def _asin64(x):
    low, p = _arc64(x)
    y = p if low else _HALF_PI_HI64 - (2.0 * p - _HALF_PI_LO64)
    return -y if as_bits64(x) < 0 else y


@inline
def _acos32(x):
    low, p = _arc32(x)
    negative = x < _F(0)
    p = -p if negative & low else p
    middle = _HALF_PI_HI32 - (p - _HALF_PI_LO32)
    far = TWO32 * _HALF_PI_HI32 - TWO32 * (p - _HALF_PI_LO32)
    return middle if low else far if negative else TWO32 * p


@inline
def _acos64(x):
    low, p = _arc64(x)
    negative = x < 0.0
    p = -p if negative & low else p
    middle = _HALF_PI_HI64 - (p - _HALF_PI_LO64)
    far = 2.0 * _HALF_PI_HI64 - 2.0 * (p - _HALF_PI_LO64)
    return middle if low else far if negative else 2.0 * p


@inline
def _angle32(y, x, west):
    """The angle of (x, y) for x, y >= 0, or that of (-x, y) where `west`: k * pi / 4 + or - atan(t)."""
    steep = y > x
    num, den = (x, y) if steep else (y, x)
    diagonal = num > _TAN_EIGHTH32 * den
    t = (num - den if diagonal else num) / (num + den if diagonal else den)
    z = t * t
    t = (((_C3 * z + _C2) * z + _C1) * z + _C0) * (z * t) + t
    k = _F(1) if diagonal else _F(2) if steep else _F(0)
    t = -t if steep else t
    k = _F(4) - k if west else k
    return (k * _QUARTER_PI_LO32 + (-t if west else t)) + k * _QUARTER_PI_HI32


@inline
def _angle64(y, x, west):
    steep = y > x
    num, den = (x, y) if steep else (y, x)
    diagonal = num > _TAN_EIGHTH64 * den
    t = (num - den if diagonal else num) / (num + den if diagonal else den)
    z = t * t
    p = (((((_D10 * z + _D9) * z + _D8) * z + _D7) * z + _D6) * z + _D5) * z + _D4
    t = ((((p * z + _D3) * z + _D2) * z + _D1) * z + _D0) * (z * t) + t
    k = 1.0 if diagonal else 2.0 if steep else 0.0
    t = -t if steep else t
    k = 4.0 - k if west else k
    return (k * _QUARTER_PI_LO64 + (-t if west else t)) + k * _QUARTER_PI_HI64


_TAN_EIGHTH32, _TAN_EIGHTH64 = _F(0.41421356), 0.4142135623730951


@inline
def _atan32(x):
    y = _angle32(abs(x), ONE32, False)
    return -y if as_bits32(x) < 0 else y


@inline
def _atan64(x):
    y = _angle64(abs(x), 1.0, False)
    return -y if as_bits64(x) < 0 else y


_HUGE32, _QUARTER32 = _F(1e37), _F(0.25)


@inline
def _atan2_32(y, x):
    a, b = abs(y), abs(x)
    both = (a == INF32) & (b == INF32)
    b = ONE32 if both | ((a == _F(0)) & (b == _F(0))) else b
    a = ONE32 if both else a
    scale = _QUARTER32 if (a > _HUGE32) | (b > _HUGE32) else ONE32  # their sum must not overflow
    angle = _angle32(a * scale, b * scale, as_bits32(x) < 0)
    return -angle if as_bits32(y) < 0 else angle


@inline
def _atan2_64(y, x):
    a, b = abs(y), abs(x)
    both = (a == INF64) & (b == INF64)
    b = 1.0 if both | ((a == 0.0) & (b == 0.0)) else b
    a = 1.0 if both else a
    scale = 0.25 if (a > 1e307) | (b > 1e307) else 1.0
    angle = _angle64(a * scale, b * scale, as_bits64(x) < 0)
    return -angle if as_bits64(y) < 0 else angle


def _atan2_cpu(y, x):
    if x == y == types.float32:
        return lambda y, x: _atan2_32(y, x)
    return (lambda y, x: _atan2_64(y, x)) if x == y == types.float64 else None


def _atan2_cuda(y, x):
    return (lambda y, x: math.atan2(y, x)) if x == y and isinstance(x, types.Float) else None


elementary(asin, lambda x: _asin32(x), lambda x: _asin64(x), lambda x: math.asin(x))
elementary(acos, lambda x: _acos32(x), lambda x: _acos64(x), lambda x: math.acos(x))
elementary(atan, lambda x: _atan32(x), lambda x: _atan64(x), lambda x: math.atan(x))
twin(atan2, _atan2_cpu, _atan2_cuda)
