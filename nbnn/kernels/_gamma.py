"""ln |gamma| and its derivatives: see `_vecmath`.

Stirling's series in 1 / z from z = 8 on; below, the recurrence from z to z + 8; for x < 0 the reflection to 1 - x.
All in float64, whose rounding does not show in float32. The relative errors are below 1e-15 for positive numbers and
below 1e-13 for negative ones, away from the zeros of each function.
"""

from __future__ import annotations

import math

import numpy as np

from nbnn.kernels._elementary import log
from nbnn.kernels._rounding import rint
from nbnn.kernels._trigonometry import cos_near, sin_near
from nbnn.kernels._twin import inlined

_PI, _INF = math.pi, math.inf
_STIRLING = 0.9189385332046727 - 0.5  # ln(2 pi) / 2 - 1 / 2


@inlined
def _reflected(x):
    """(1 - x for x < 0, else x; that at least 8, by steps of 1; how far x is from an integer)."""
    z = 1.0 - x if x < 0.0 else x
    return z, z + 8.0 if z < 8.0 else z, x - rint(x)


@inlined
def _product(z):
    """z (z + 1) ... (z + 7) and its derivative."""
    product, slope = z, 1.0
    slope = slope * (z + 1.0) + product
    product *= z + 1.0
    slope = slope * (z + 2.0) + product
    product *= z + 2.0
    slope = slope * (z + 3.0) + product
    product *= z + 3.0
    slope = slope * (z + 4.0) + product
    product *= z + 4.0
    slope = slope * (z + 5.0) + product
    product *= z + 5.0
    slope = slope * (z + 6.0) + product
    product *= z + 6.0
    slope = slope * (z + 7.0) + product
    product *= z + 7.0
    return product, slope


@inlined
def _lgamma(x):
    z, far, r = _reflected(x)
    product, _ = _product(z)
    product = product if z < 8.0 else 1.0
    w = 1.0 / far
    s = w * w
    p = ((s * -0.029550653594771242 + 0.00641025641025641) * s - 0.0019175269175269176) * s + 0.0008417508417508417
    p = (((p * s - 0.0005952380952380953) * s + 0.0007936507936507937) * s - 0.002777777777777778) * s
    stirling = (far - 0.5) * (log(far) - 1.0) + ((p + 0.08333333333333333) * w + _STIRLING)
    part = abs(sin_near(_PI * r)) / _PI if x < 0.0 else 1.0
    y = stirling + log(part / product)
    y = -y if x < 0.0 else y
    pole = (x <= 0.0) & (r == 0.0)
    return _INF if pole | (abs(x) == _INF) else y


@inlined
def lgamma(x):
    """ln |gamma(x)|; infinite at 0 and the negative integers."""
    return type(x)(_lgamma(np.float64(x)))


@inlined
def digamma(x):
    """The derivative of ln gamma(x); infinite at 0, NaN at the negative integers."""
    v = np.float64(x)
    z, far, r = _reflected(v)
    product, slope = _product(z)
    step = slope / product if z < 8.0 else 0.0
    w = 1.0 / far
    s = w * w
    p = ((s * 3.0539543302701198 - 0.4432598039215686) * s + 0.08333333333333333) * s - 0.021092796092796094
    p = (((p * s + 0.007575757575757576) * s - 0.004166666666666667) * s + 0.003968253968253968) * s
    y = log(far) - (0.5 * w + ((p - 0.008333333333333333) * s + 0.08333333333333333) * s) - step
    angle = _PI * r
    y -= _PI * cos_near(angle) / sin_near(angle) if v < 0.0 else 0.0
    return type(x)(math.nan if (v < 0.0) & (r == 0.0) else y)


@inlined
def trigamma(x):
    """The derivative of `digamma`; infinite at 0 and the negative integers."""
    v = np.float64(x)
    z, far, r = _reflected(v)
    total = 0.0
    for k in range(8):
        u = 1.0 / (z + k)
        total += u * u
    w = 1.0 / far
    s = w * w
    p = ((s * 54.971177944862156 - 7.092156862745098) * s + 1.1666666666666667) * s - 0.2531135531135531
    p = (((p * s + 0.07575757575757576) * s - 0.03333333333333333) * s + 0.023809523809523808) * s
    y = w + s * (0.5 + w * ((p - 0.03333333333333333) * s + 0.16666666666666666)) + (total if z < 8.0 else 0.0)
    turn = _PI / sin_near(_PI * r)
    return type(x)(turn * turn - y if v < 0.0 else y)


@inlined
def tetragamma(x):
    """The derivative of `trigamma`; infinite at 0, NaN at the negative integers."""
    v = np.float64(x)
    z, far, r = _reflected(v)
    total = 0.0
    for k in range(8):
        u = 1.0 / (z + k)
        total += 2.0 * u * u * u
    w = 1.0 / far
    s = w * w
    p = ((s * 1044.452380952381 - 120.56666666666666) * s + 17.5) * s - 3.2904761904761903
    p = (((p * s + 0.8333333333333334) * s - 0.3) * s + 0.16666666666666666) * s
    y = -s * (1.0 + w + s * ((p - 0.16666666666666666) * s + 0.5)) - (total if z < 8.0 else 0.0)
    angle = _PI * r
    turn = _PI / sin_near(angle)
    y -= 2.0 * turn * turn * turn * cos_near(angle) if v < 0.0 else 0.0
    return type(x)(math.nan if (v < 0.0) & (r == 0.0) else y)
