"""Fractional max pooling of (planes, D, H, W): windows whose places come from one random number an axis."""

from __future__ import annotations

import math

from nbnn import _jit
from nbnn.kernels._cpu import over_outputs


@_jit.jit
def _start(o, sample, size, outputs, kernel):
    """Where window `o` of an axis starts: floor((o + u) alpha) - floor(u alpha), the last one at the end.

    The result is held within the axis whatever the sample is.
    """
    last = size - kernel
    if o == outputs - 1:
        return last
    kind = type(sample)
    alpha = kind(last) / kind(outputs - 1)
    start = int((kind(o) + sample) * alpha) - int(sample * alpha)
    return min(max(start, 0), last)


@over_outputs(2)
def fractional_max_pool3d(i, x, samples, d, h, w, od, oh, ow, kd, kh, kw):
    """The largest element of a window and its place in the plane; a NaN is larger than all."""
    oz, oy, ox = i // (oh * ow) % od, i // ow % oh, i % ow
    plane = i // (od * oh * ow)
    z0 = _start(oz, samples[plane * 3], d, od, kd)
    y0 = _start(oy, samples[plane * 3 + 1], h, oh, kh)
    x0 = _start(ox, samples[plane * 3 + 2], w, ow, kw)
    base = plane * d * h * w
    best = type(x[0])(-math.inf)
    place = (z0 * h + y0) * w + x0
    for z in range(z0, z0 + kd):
        for y in range(y0, y0 + kh):
            for c in range(x0, x0 + kw):
                v = x[base + (z * h + y) * w + c]
                if v > best or v != v:
                    best = v
                    place = (z * h + y) * w + c
    return best, place
