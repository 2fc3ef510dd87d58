"""sin, cos and tan: see `_vecmath`.

|x| = k * pi / 2 + r, |r| <= pi / 4, then a polynomial of r chosen by k. Where pi / 2 in parts (Cody and Waite) is not
enough, |x| * 2 / pi is formed from those bits of 2 / pi that matter at this exponent (Payne and Hanek): a table.

`sin` and its kin pay for both reductions at every element. `sin_near` and its kin have the first alone, and are right
up to `NEAR32` (`NEAR64`) and for NaN; a loop takes `sin` for those blocks only in which `is_near` fails somewhere.
"""

from __future__ import annotations

import math

import numpy as np

from nbnn.kernels._elementary import INF32, INF64, NAN32, NAN64, ONE32, ROUND64
from nbnn.kernels._twin import as_bits32, as_bits64, as_float32, as_float64, elementary, fma, inline


def sin(x):
    """Sine of an angle in radians; NaN at infinity."""
    with np.errstate(all="ignore"):
        return type(x)(np.sin(x))


def cos(x):
    """Cosine of an angle in radians; NaN at infinity."""
    with np.errstate(all="ignore"):
        return type(x)(np.cos(x))


def tan(x):
    """Tangent of an angle in radians; NaN at infinity."""
    with np.errstate(all="ignore"):
        return type(x)(np.tan(x))


def sin_near(x):
    """`sin` of an angle that is not large."""
    return sin(x)


def cos_near(x):
    """`cos` of an angle that is not large."""
    return cos(x)


def tan_near(x):
    """`tan` of an angle that is not large."""
    return tan(x)


_I, _F = np.int32, np.float32
_TWO_OVER_PI = 0.6366197723675814
_HALF_PI1, _HALF_PI2, _HALF_PI3 = 1.5707963267948966, 6.123233995736766e-17, -1.4973849048591698e-33
NEAR32, NEAR64 = _F(134217728.0), 1048576.0

_BITS = 1280  # of 2 / pi
_TWO_OVER_PI_BITS = int(
    "a2f9836e4e441529fc2757d1f534ddc0db6295993c439041fe5163abdebbc561b7246e3a424dd2e006492eea09d1921c"
    "fe1deb1cb129a73ee88235f52ebb4484e99c7026b45f7e413991d639835339f49c845f8bbdf9283b1ff897ffde05980f"
    "ef2f118b5a0a6d1f6d367ecf27cb09b74f463f669e5fea2d7527bac7ebe5f17b3d0739f78a5292ea6bfb5fb11f8d5d08"
    "56033046fc7b6babf0cfbc209af4361d",
    16,
)


def _windows(exponents: int, mantissa: int, lengths: tuple[int, ...]) -> list[np.ndarray]:
    """For every exponent, 2 / pi * 2**exponent without multiples of 4 / 2**mantissa, in parts of so many bits."""
    parts = [np.zeros(exponents) for _ in lengths]
    for exponent in range(exponents):
        at = exponent - mantissa - 2  # how many leading bits make only whole turns
        before = _TWO_OVER_PI_BITS >> (_BITS - at)
        for part, length in zip(parts, lengths, strict=True):
            at += length
            upto = ((_TWO_OVER_PI_BITS >> (_BITS - at - 1)) + 1) >> 1  # rounded: the parts after it are small
            part[exponent] = math.ldexp(upto - (before << length), exponent - at)
            before = upto
    return parts


# A product of 24 bits with 28 is exact in float64.
_U1, _U2, _U3 = _windows(128, 23, (28, 28, 53))
_V1, _V2, _V3, _V4 = _windows(1024, 52, (52, 53, 53, 53))
_TURNS = 216172782113783808.0  # 1.5 * 2**57: adding it rounds to a multiple of 32

_SIN1, _SIN2, _SIN3 = _F(-1.6666654611e-1), _F(8.3321608736e-3), _F(-1.9515295891e-4)
_COS1, _COS2, _COS3 = _F(4.166664568298827e-2), _F(-1.388731625493765e-3), _F(2.443315711809948e-5)
_TAN1, _TAN2, _TAN3 = _F(3.33331568548e-1), _F(1.33387994085e-1), _F(5.34112807005e-2)
_TAN4, _TAN5, _TAN6 = _F(2.44301354525e-2), _F(3.11992232697e-3), _F(9.38540185543e-3)
_HALF32 = _F(0.5)


@inline
def _near32(a):
    """(r, bits of k) with a = k * pi / 2 + r, for 0 <= a <= NEAR32, in float64."""
    x = np.float64(a)
    t = fma(x, _TWO_OVER_PI, ROUND64)
    k = t - ROUND64
    return _F(fma(k, -_HALF_PI2, fma(k, -_HALF_PI1, x))), _I(as_bits64(t))


@inline
def _reduce32(a):
    """`_near32` for every a >= 0."""
    near, n = _near32(a)
    bits = _I(as_bits32(a))
    exponent = np.uint32(_I(_I(bits >> _I(23)) & _I(255))) - np.uint32(127)
    exponent = np.uint32(127) if exponent > np.uint32(127) else exponent
    m = np.float64(as_float32(_I(_I(bits & _I(0x007FFFFF)) | _I(0x3F800000))))
    first = m * _U1[exponent]
    turned = first + ROUND64
    rest = fma(m, _U2[exponent], first - (turned - ROUND64))
    again = rest + ROUND64
    far = fma(m, _U3[exponent], rest - (again - ROUND64)) * _HALF_PI1
    large = a > NEAR32
    return _F(far) if large else near, _I(as_bits64(turned) + as_bits64(again)) if large else n


@inline
def _turned32(r, k):
    """sin(r + k * pi / 2): the coefficients of float32 are those of Cephes (Moshier)."""
    z = r * r
    sine = ((_SIN3 * z + _SIN2) * z + _SIN1) * (z * r) + r
    cosine = ((_COS3 * z + _COS2) * z + _COS1) * (z * z) + (ONE32 - _HALF32 * z)
    y = cosine if _I(k & _I(1)) != 0 else sine
    return -y if _I(k & _I(2)) != 0 else y


@inline
def _sin_of32(x, a, r, k):
    y = _turned32(r, k)
    y = -y if _I(as_bits32(x)) < 0 else y
    return y if a < INF32 else NAN32


@inline
def _cos_of32(x, a, r, k):
    y = _turned32(r, _I(k + _I(1)))
    return y if a < INF32 else NAN32


@inline
def _tan_of32(x, a, r, k):
    """By a polynomial of its own: the quotient of sine and cosine came to 3.5 ULP."""
    z = r * r
    p = (((((_TAN6 * z + _TAN5) * z + _TAN4) * z + _TAN3) * z + _TAN2) * z + _TAN1) * (z * r) + r
    odd = _I(k & _I(1)) != 0
    y = (-ONE32 if odd else p) / (p if odd else ONE32)
    y = -y if _I(as_bits32(x)) < 0 else y
    return y if a < INF32 else NAN32


@inline
def _sin32(x):
    a = abs(x)
    r, k = _reduce32(a)
    return _sin_of32(x, a, r, k)


@inline
def _cos32(x):
    a = abs(x)
    r, k = _reduce32(a)
    return _cos_of32(x, a, r, k)


@inline
def _tan32(x):
    a = abs(x)
    r, k = _reduce32(a)
    return _tan_of32(x, a, r, k)


@inline
def _sin_near32(x):
    a = abs(x)
    r, k = _near32(a)
    return _sin_of32(x, a, r, k)


@inline
def _cos_near32(x):
    a = abs(x)
    r, k = _near32(a)
    return _cos_of32(x, a, r, k)


@inline
def _tan_near32(x):
    a = abs(x)
    r, k = _near32(a)
    return _tan_of32(x, a, r, k)


@inline
def _far64(a):
    """(r, its rest, bits of k) for a >= 2**52: the sum of |x| * (parts of 2 / pi), exact to 2**-150."""
    bits = as_bits64(a)
    exponent = np.uint64(bits >> 52) - np.uint64(1023)
    exponent = np.uint64(1023) if exponent > np.uint64(1023) else exponent
    m = as_float64((bits & 0x000FFFFFFFFFFFFF) | 0x3FF0000000000000)
    v1, v2, v3 = _V1[exponent], _V2[exponent], _V3[exponent]
    high1, high2, high3 = fma(m, v1, 0.0), fma(m, v2, 0.0), fma(m, v3, 0.0)
    low1, low2, low3 = fma(m, v1, -high1), fma(m, v2, -high2), fma(m, v3, -high3)
    whole = high1 - ((high1 + _TURNS) - _TURNS)
    t = (whole + (low1 + high2)) + ROUND64
    first = (whole - (t - ROUND64)) + low1
    a1, a2 = _two_sum(first, high2)
    b1, b2 = _two_sum(low2, high3)
    c1, c2 = _two_sum(a1, b1)
    rest = fma(m, _V4[exponent], low3) + b2 + a2 + c2
    f = c1 + rest
    g = rest - (f - c1)
    r = fma(f, _HALF_PI1, 0.0)
    return r, fma(f, _HALF_PI1, -r) + fma(f, _HALF_PI2, g * _HALF_PI1), as_bits64(t)


@inline
def _two_sum(a, b):
    s = a + b
    t = s - a
    return s, (a - (s - t)) + (b - t)


@inline
def _near64(a):
    """(r, its rest, bits of k) with a = k * pi / 2 + r + rest, for 0 <= a <= NEAR64."""
    t = fma(a, _TWO_OVER_PI, ROUND64)
    k = t - ROUND64
    first = fma(k, -_HALF_PI1, a)
    product = fma(k, _HALF_PI2, 0.0)
    near = first - product
    return near, ((first - near) - product) - fma(k, _HALF_PI3, fma(k, _HALF_PI2, -product)), as_bits64(t)


@inline
def _reduce64(a):
    """`_near64` for every a >= 0."""
    near, lost, k = _near64(a)
    far, rest, n = _far64(a)
    large = a > NEAR64
    return far if large else near, rest if large else lost, n if large else k


# The method and coefficients of FreeBSD's msun (Sun Microsystems, 1993).
_S1, _S2, _S3 = -1.66666666666666324348e-01, 8.33333333332248946124e-03, -1.98412698298579493134e-04
_S4, _S5, _S6 = 2.75573137070700676789e-06, -2.50507602534068634195e-08, 1.58969099521155010221e-10
_C1, _C2, _C3 = 4.16666666666666019037e-02, -1.38888888888741095749e-03, 2.48015872894767294178e-05
_C4, _C5, _C6 = -2.75573143513906633035e-07, 2.08757232129817482790e-09, -1.13596475577881948265e-11


@inline
def _parts64(r, rest):
    """sin(r + rest) and cos(r + rest)"""
    z = r * r
    p = (((_S6 * z + _S5) * z + _S4) * z + _S3) * z + _S2
    cube = z * r
    sine = r - ((z * (0.5 * rest - cube * p) - rest) - cube * _S1)
    p = ((((_C6 * z + _C5) * z + _C4) * z + _C3) * z + _C2) * z + _C1
    half = 0.5 * z
    w = 1.0 - half
    return sine, w + (((1.0 - w) - half) + (z * (z * p) - r * rest))


@inline
def _turned64(r, rest, k):
    """sin(r + rest + k * pi / 2)"""
    sine, cosine = _parts64(r, rest)
    y = cosine if (k & 1) != 0 else sine
    return -y if (k & 2) != 0 else y


@inline
def _sin_of64(x, a, r, rest, k):
    y = _turned64(r, rest, k)
    y = -y if as_bits64(x) < 0 else y
    return y if a < INF64 else NAN64


@inline
def _cos_of64(x, a, r, rest, k):
    y = _turned64(r, rest, k + 1)
    return y if a < INF64 else NAN64


@inline
def _tan_of64(x, a, r, rest, k):
    sine, cosine = _parts64(r, rest)
    odd = (k & 1) != 0
    y = (-cosine if odd else sine) / (sine if odd else cosine)
    y = -y if as_bits64(x) < 0 else y
    return y if a < INF64 else NAN64


@inline
def _sin64(x):
    a = abs(x)
    r, rest, k = _reduce64(a)
    return _sin_of64(x, a, r, rest, k)


@inline
def _cos64(x):
    a = abs(x)
    r, rest, k = _reduce64(a)
    return _cos_of64(x, a, r, rest, k)


@inline
def _tan64(x):
    a = abs(x)
    r, rest, k = _reduce64(a)
    return _tan_of64(x, a, r, rest, k)


@inline
def _sin_near64(x):
    a = abs(x)
    r, rest, k = _near64(a)
    return _sin_of64(x, a, r, rest, k)


@inline
def _cos_near64(x):
    a = abs(x)
    r, rest, k = _near64(a)
    return _cos_of64(x, a, r, rest, k)


@inline
def _tan_near64(x):
    a = abs(x)
    r, rest, k = _near64(a)
    return _tan_of64(x, a, r, rest, k)


elementary(sin, lambda x: _sin32(x), lambda x: _sin64(x), lambda x: math.sin(x))
elementary(cos, lambda x: _cos32(x), lambda x: _cos64(x), lambda x: math.cos(x))
elementary(tan, lambda x: _tan32(x), lambda x: _tan64(x), lambda x: math.tan(x))
elementary(sin_near, lambda x: _sin_near32(x), lambda x: _sin_near64(x), lambda x: math.sin(x))
elementary(cos_near, lambda x: _cos_near32(x), lambda x: _cos_near64(x), lambda x: math.cos(x))
elementary(tan_near, lambda x: _tan_near32(x), lambda x: _tan_near64(x), lambda x: math.tan(x))


def is_near(x):
    """Whether the forms for angles that are not large take x; NaN they take."""
    return not abs(x) > (NEAR32 if type(x) is np.float32 else NEAR64)


elementary(is_near, lambda x: not abs(x) > NEAR32, lambda x: not abs(x) > NEAR64, lambda x: True)
