"""Sampling of images at places of a grid.

Each axis of a place gives a few *taps*, elements of the image with weights: 1 (nearest), 2 (linear) or 4 (cubic). With
x the image, g a gradient and w the weights of the axes, all of sampling is one multilinear form

    T = sum over n, c, p and the taps a, b, e of   g[n, c, p] wz[n, p, a] wy[n, p, b] wx[n, p, e] x[n, c, tap(a, b, e)]

and the three kernels are its derivatives by g (the samples), by x, and by the weights of one axis. The gradient of
each is again one of them, to any order. Images of two axes enter with D = 1 and without taps in z (nz = 0).
"""

from __future__ import annotations

import math

from nbnn import _jit
from nbnn.kernels._cpu import over_outputs, over_rows
from nbnn.kernels._vecmath import fmod

NEAREST, LINEAR, CUBIC = 0, 1, 2
TAPS = (1, 2, 4)
ZEROS, BORDER, REFLECTION = 0, 1, 2


@_jit.jit
def _folded(place, size, aligned):
    """(place reflected into the axis, the sign of its slope): between the outer centres if aligned, else the edges."""
    kind = type(place)
    low = kind(0) if aligned else kind(-0.5)
    span = kind(size - 1) if aligned else kind(size)
    if span == kind(0):
        return kind(0), kind(0)
    away = place - low
    slope = kind(1)
    if away < kind(0):
        away = -away
        slope = -slope
    away = fmod(away, kind(2) * span)  # exact: places far away are as right as near ones
    if away < span:
        return low + away, slope
    return low + (kind(2) * span - away), -slope


@_jit.jit
def _held(place, size):
    """(place, held between the outer centres, its slope)"""
    kind = type(place)
    if place <= kind(0):
        return kind(0), kind(0)
    if place >= kind(size - 1):
        return kind(size - 1), kind(0)
    return place, kind(1)


@_jit.jit
def _padded(place, size, padding, aligned):
    """(where the padding takes its values from, the slope of that)"""
    kind = type(place)
    if padding == ZEROS:
        return place, kind(1)
    if padding == BORDER:
        return _held(place, size)
    inner, sign = _folded(place, size, aligned)
    inner, slope = _held(inner, size)
    return inner, sign * slope


@_jit.jit
def _polynomial(a, b, c, d, x, order):
    """The derivative of an order of a x^3 + b x^2 + c x + d."""
    kind = type(x)
    if order == 0:
        return ((kind(a) * x + kind(b)) * x + kind(c)) * x + kind(d)
    if order == 1:
        return (kind(3 * a) * x + kind(2 * b)) * x + kind(c)
    if order == 2:
        return kind(6 * a) * x + kind(2 * b)
    return kind(6 * a) if order == 3 else kind(0)


@_jit.jit
def _share(t, k, mode, order):
    """The weight of tap `k`, differentiated `order` times by `t`, the distance from the element below."""
    one = type(t)(1)
    if mode == NEAREST:
        return one if order == 0 else one - one
    if mode == LINEAR:
        if order == 0:
            return t if k == 1 else one - t
        if order > 1:
            return one - one
        return one if k == 1 else -one
    # Keys, 1981, with a = -0.75; the right half is the left one mirrored
    x = t if k < 2 else one - t
    if k == 0 or k == 3:
        value = _polynomial(-0.75, 3.75, -6.0, 3.0, x + one, order)
    else:
        value = _polynomial(1.25, -2.25, 0.0, 1.0, x, order)
    return -value if k > 1 and order % 2 == 1 else value


@_jit.jit
def _rounded(place):
    """The nearest whole number; of two the even one."""
    kind = type(place)
    down = kind(math.floor(place))
    rest = place - down
    half = kind(0.5)
    if rest < half or (rest == half and kind(math.floor(down * half)) * kind(2) == down):
        return down
    return down + kind(1)


@over_rows
def grid_taps(p, weight, index, coordinate, size, mode, padding, aligned, taps, order):
    """The taps of one axis at coordinate p of [-1, 1]: elements (-1: outside), and weights or their derivatives.

    A coordinate that is NaN (or infinite, where it is to be reflected) has weights of NaN.
    """
    v = coordinate[p]
    kind = type(v)
    one = kind(1)
    slope = kind(size - 1 if aligned else size) * kind(0.5)
    place = (v + one) * slope if aligned else (v + one) * slope - kind(0.5)
    if place != place or (padding == REFLECTION and place - place != kind(0)):
        for k in range(taps):
            index[p * taps + k] = 0
            weight[p * taps + k] = kind(math.nan)
    else:
        if mode != CUBIC:
            place, held = _padded(place, size, padding, aligned)
            slope *= held
        first = _rounded(place) if mode == NEAREST else kind(math.floor(place))
        t = place - first
        if t != t:  # infinitely far away
            t = one - one
        factor = one
        for _ in range(order):
            factor *= slope
        for k in range(taps):
            at = first + kind(k - 1) if mode == CUBIC else first + kind(k)
            if mode == CUBIC:
                at, _ = _padded(at, size, padding, aligned)
            inside = at >= kind(0) and at <= kind(size - 1)
            index[p * taps + k] = min(max(int(at), 0), size - 1) if inside else -1
            weight[p * taps + k] = _share(t, k, mode, order) * factor


@over_outputs(1)
def grid_sample(i, x, wz, wy, wx, iz, iy, ix, channels, d, h, w, points, nz, n):
    """y[n, c, p] = sum of wz wy wx x[n, c, tap] over the taps within the image: the derivative of T by g."""
    p, plane = i % points, i // points
    q = plane // channels * points + p
    zero = x.dtype.type(0)
    total = zero
    for a in range(max(nz, 1)):
        z = iz[q * nz + a] if nz > 0 else 0
        if z >= 0:
            layer = zero
            for b in range(n):
                y = iy[q * n + b]
                if y >= 0:
                    base = ((plane * d + z) * h + y) * w
                    part = zero
                    for e in range(n):
                        c = ix[q * n + e]
                        if c >= 0:
                            part += wx[q * n + e] * x[base + c]
                    layer += wy[q * n + b] * part
            total += layer * wz[q * nz + a] if nz > 0 else layer
    return total


@over_rows
def grid_scatter(plane, dx, g, wz, wy, wx, iz, iy, ix, channels, d, h, w, points, nz, n):
    """dx[n, c, tap] += wz wy wx g[n, c, p], point after point: the derivative of T by x."""
    zero = g.dtype.type(0)
    for j in range(plane * d * h * w, (plane + 1) * d * h * w):
        dx[j] = zero
    for p in range(points):
        q = plane // channels * points + p
        v = g[plane * points + p]
        for a in range(max(nz, 1)):
            z = iz[q * nz + a] if nz > 0 else 0
            if z >= 0:
                in_z = v * wz[q * nz + a] if nz > 0 else v
                for b in range(n):
                    y = iy[q * n + b]
                    if y >= 0:
                        in_y = in_z * wy[q * n + b]
                        base = ((plane * d + z) * h + y) * w
                        for e in range(n):
                            c = ix[q * n + e]
                            if c >= 0:
                                dx[base + c] += in_y * wx[q * n + e]


@over_outputs(1)
def grid_weigh(i, g, x, wz, wy, wx, iz, iy, ix, axis, channels, d, h, w, points, nz, n):
    """dw[n, p, k] for the taps of one axis (0: z, 1: y, 2: x), summed over channels and the other taps."""
    q, k = i // n, i % n
    p, image = q % points, q // points
    one = g.dtype.type(1)
    total = one - one
    for a in range(max(nz, 1)):
        z = iz[q * nz + a] if nz > 0 else 0
        if z >= 0 and (axis != 0 or a == k):
            in_z = wz[q * nz + a] if nz > 0 and axis != 0 else one
            for b in range(n):
                y = iy[q * n + b]
                if y >= 0 and (axis != 1 or b == k):
                    in_y = in_z * wy[q * n + b] if axis != 1 else in_z
                    for e in range(n):
                        c = ix[q * n + e]
                        if c >= 0 and (axis != 2 or e == k):
                            part = one - one
                            for channel in range(image * channels, (image + 1) * channels):
                                part += g[channel * points + p] * x[((channel * d + z) * h + y) * w + c]
                            total += part * in_y * wx[q * n + e] if axis != 2 else part * in_y
    return total
