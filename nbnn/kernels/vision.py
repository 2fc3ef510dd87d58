"""Resampling of (planes, D, H, W) and rearrangement of pixels; fewer axes enter with axes of length 1.

Every interpolation is separable: on each axis output o is a sum of a few *taps*, elements `index[k, o]` with weights
`weight[k, o]`. The taps of the three axes stand one after another in `index` and `weight`. Backward finds the outputs
that an element reaches by `span`: for each axis the first output of each element, then one more than the last.
"""

from __future__ import annotations

import math

import numpy as np

from nbnn import _jit
from nbnn.kernels._cpu import over_outputs, over_ranges, over_rows
from nbnn.kernels._vecmath import natural

NEAREST, NEAREST_EXACT, LINEAR, CUBIC, SMOOTH_LINEAR, SMOOTH_CUBIC = 0, 1, 2, 3, 4, 5
TAPS = (1, 1, 2, 4, 2, 4)  # the smooth ones so many for each element of a step: `support`


@_jit.jit
def _cubic(d):
    """The cubic convolution kernel of Keys, 1981, with a = -0.75, at distance d >= 0."""
    if d <= 1.0:
        return ((1.25 * d - 2.25) * d) * d + 1.0
    return ((-0.75 * d + 3.75) * d - 6.0) * d + 3.0 if d < 2.0 else 0.0


@_jit.jit
def _nearest(o, size, scale, kind):
    """The element nearest to output `o`, in float32 as PyTorch has it."""
    place = np.float32(o) if kind == NEAREST else np.float32(o) + np.float32(0.5)
    return min(int(math.floor(place * np.float32(scale))), size - 1)


@_jit.shared
def support(scale, kind):
    """How far the taps of a smoothing mode reach on either side: half their number for each element of a step."""
    return 0.5 * TAPS[kind] * max(scale, 1.0)


@_jit.jit
def _smooth_share(k, first, centre, scale, kind):
    """The weight, not yet normalised, of element first + k: the filter as wide as one step of the output."""
    away = abs(k + first - centre + 0.5) / max(scale, 1.0)
    if kind == SMOOTH_LINEAR:
        return max(0.0, 1.0 - away)
    if away < 1.0:  # Keys, 1981, with a = -0.5
        return ((1.5 * away - 2.5) * away) * away + 1.0
    return ((-0.5 * away + 2.5) * away - 4.0) * away + 2.0 if away < 2.0 else 0.0


@_jit.jit
def _smooth_taps(o, index, weight, at, size, outputs, scale, kind, taps):
    """The taps of a smoothing mode, with a sum of 1.

    Where the axis has fewer elements than there are taps, the last one stands in the rest too and its weight is split
    among them: a weight of 0 would make NaN of an infinity.
    """
    reach = support(scale, kind)
    centre = scale * (o + 0.5)
    first = min(max(int(centre - reach + 0.5), 0), size - 1)
    count = max(min(min(int(centre + reach + 0.5), size) - first, taps), 1)
    total = 0.0
    for k in range(count):
        total += _smooth_share(k, first, centre, scale, kind)
    for k in range(taps):
        share = _smooth_share(min(k, count - 1), first, centre, scale, kind) / total
        index[at + k * outputs + o] = first + min(k, count - 1)
        weight[at + k * outputs + o] = type(weight[0])(share if k < count - 1 else share / (taps - count + 1))


@over_rows
def make_taps(o, index, weight, at, size, outputs, scale, aligned, kind, taps):
    """The taps of output `o` of one axis, which begin at `at` in `index` and `weight`."""
    one = type(weight[0])(1)
    if kind == NEAREST or kind == NEAREST_EXACT:
        index[at + o] = _nearest(o, size, scale, kind)
        weight[at + o] = one
    elif kind >= SMOOTH_LINEAR:
        _smooth_taps(o, index, weight, at, size, outputs, scale, kind, taps)
    else:
        place = o * scale if aligned else (o + 0.5) * scale - 0.5
        if kind == LINEAR:
            place = max(place, 0.0)
            first = min(int(place), size - 1)
            part = min(max(place - first, 0.0), 1.0)
            index[at + o] = first
            index[at + outputs + o] = min(first + 1, size - 1)
            weight[at + o] = type(one)(1.0 - part)
            weight[at + outputs + o] = type(one)(part)
        else:
            below = int(math.floor(place))
            for k in range(4):
                index[at + k * outputs + o] = min(max(below - 1 + k, 0), size - 1)
                weight[at + k * outputs + o] = type(one)(_cubic(abs(place - (below - 1 + k))))


@over_rows
def make_spans(j, span, index, at, to, size, outputs, taps):
    """The first output that has element `j` among its taps and one more than the last, at `to` and `to + size`."""
    first, last = outputs, 0
    for o in range(outputs):
        for k in range(taps):
            if index[at + k * outputs + o] == j:
                first = min(first, o)
                last = o + 1
    span[to + j] = first
    span[to + size + j] = last


@over_outputs(1)
def resample(i, x, index, weight, d, h, w, od, oh, ow, nd, nh, nw):
    """y[p, oz, oy, ox] = the sum over the taps of wz wy wx x[p, z, y, x]."""
    oz, oy, ox = i // (oh * ow) % od, i // ow % oh, i % ow
    plane = i // (od * oh * ow) * d
    at_y, at_x = nd * od, nd * od + nh * oh
    total = type(x[0])(0)
    for c in range(nw):
        column = index[at_x + c * ow + ox]
        part = type(x[0])(0)
        for a in range(nd):
            z = plane + index[a * od + oz]
            for b in range(nh):
                y = index[at_y + b * oh + oy]
                part += weight[a * od + oz] * weight[at_y + b * oh + oy] * x[(z * h + y) * w + column]
        total += weight[at_x + c * ow + ox] * part
    return total


@over_rows
def _resample_nearest(line, out, x, index, doubled, d, h, w, od, oh, ow):
    """`resample` with one tap an axis for one line (p, oz, oy): elements picked by number, or each of them twice."""
    z = line // (oh * od) * d + index[natural(line // oh % od)]
    base = (z * h + index[natural(od + line % oh)]) * w
    at, taps = line * ow, od + oh
    if doubled:
        for j in range(w):
            v = x[natural(base + j)]
            out[natural(at + 2 * j)] = v
            out[natural(at + 2 * j + 1)] = v
    else:
        for o in range(ow):
            out[natural(at + o)] = x[natural(base + index[natural(taps + o)])]


@over_ranges
def _resample_lines(start, stop, grain, out, x, index, weight, scratch, d, h, w, od, oh, ow, nd, nh, nw):
    """`resample` for lines (p, oz, oy): the rows a line needs are mixed first, then the columns of that mixture."""
    own = start // grain * w
    at_y, at_x = nd * od, nd * od + nh * oh
    for line in range(start, stop):
        oy = line % oh
        oz = line // oh % od
        plane = line // (oh * od) * d
        fresh = True
        for a in range(nd):
            for b in range(nh):
                factor = weight[natural(a * od + oz)] * weight[natural(at_y + b * oh + oy)]
                row = ((plane + index[natural(a * od + oz)]) * h + index[natural(at_y + b * oh + oy)]) * w
                if fresh:
                    for j in range(w):
                        scratch[natural(own + j)] = factor * x[natural(row + j)]
                else:
                    for j in range(w):
                        scratch[natural(own + j)] += factor * x[natural(row + j)]
                fresh = False
        at = line * ow
        if nw == 2:
            for o in range(ow):
                left = scratch[natural(own + index[natural(at_x + o)])]
                right = scratch[natural(own + index[natural(at_x + ow + o)])]
                out[natural(at + o)] = weight[natural(at_x + o)] * left + weight[natural(at_x + ow + o)] * right
        else:
            for o in range(ow):
                total = type(x[0])(0)
                for c in range(nw):
                    k = at_x + c * ow + o
                    total += weight[natural(k)] * scratch[natural(own + index[natural(k)])]
                out[natural(at + o)] = total


_nearest_cpu, _lines_cpu = _resample_nearest.cpu, _resample_lines.cpu


@_jit.shared
def line_grain(w, ow, nd, nh):
    """How many lines make a chunk."""
    return 1 + 8192 // (nd * nh * w + 4 * ow)


@_jit.jit
def resample_fast(out, x, index, weight, workspace, d, h, w, od, oh, ow, nd, nh, nw, pool):
    """`resample` on the CPU; the workspace has W elements for each chunk of lines."""
    lines = out.size // ow
    if nd * nh * nw == 1:
        doubled = ow == 2 * w
        for o in range(ow if doubled else 0):
            doubled = doubled and index[od + oh + o] == o // 2
        _nearest_cpu((out, x, index, doubled, d, h, w, od, oh, ow), 0, lines, 1 + 16384 // ow, pool)
    else:
        args = (out, x, index, weight, workspace, d, h, w, od, oh, ow, nd, nh, nw)
        _lines_cpu(args, 0, lines, line_grain(w, ow, nd, nh), pool)


@_jit.jit
def _share(index, weight, at, outputs, taps, o, j):
    """The weight with which element `j` enters output `o`."""
    total = type(weight[0])(0)
    for k in range(taps):
        if index[at + k * outputs + o] == j:
            total += weight[at + k * outputs + o]
    return total


@over_outputs(1)
def resample_backward(i, grad, index, weight, span, d, h, w, od, oh, ow, nd, nh, nw):
    """dx[p, z, y, x] = the sum of grad over the outputs that the element reaches, times its weight there."""
    z, y, c = i // (h * w) % d, i // w % h, i % w
    plane = i // (d * h * w) * od
    at_y, at_x = nd * od, nd * od + nh * oh
    to_y, to_x = 2 * d, 2 * d + 2 * h
    total = type(grad[0])(0)
    for oz in range(span[z], span[d + z]):
        wz = _share(index, weight, 0, od, nd, oz, z)
        for oy in range(span[to_y + y], span[to_y + h + y]):
            wy = wz * _share(index, weight, at_y, oh, nh, oy, y)
            for ox in range(span[to_x + c], span[to_x + w + c]):
                wx = _share(index, weight, at_x, ow, nw, ox, c)
                total += wy * wx * grad[((plane + oz) * oh + oy) * ow + ox]
    return total


@over_ranges
def _backward_planes(start, stop, grain, dx, grad, index, weight, scratch, d, h, w, od, oh, ow, nd, nh, nw):
    """`resample_backward` for whole planes: each line of grad is gathered into columns, then added to its rows."""
    own = start // grain * w
    at_y, at_x = nd * od, nd * od + nh * oh
    for plane in range(start, stop):
        for j in range(plane * d * h * w, (plane + 1) * d * h * w):
            dx[natural(j)] = 0
        for line in range(od * oh):
            oz = line // oh
            oy = line - oz * oh
            at = (plane * od * oh + line) * ow
            for j in range(w):
                scratch[natural(own + j)] = 0
            for c in range(nw):
                k = at_x + c * ow
                for o in range(ow):
                    j = own + index[natural(k + o)]
                    scratch[natural(j)] += weight[natural(k + o)] * grad[natural(at + o)]
            for a in range(nd):
                for b in range(nh):
                    factor = weight[natural(a * od + oz)] * weight[natural(at_y + b * oh + oy)]
                    z = plane * d + index[natural(a * od + oz)]
                    row = (z * h + index[natural(at_y + b * oh + oy)]) * w
                    for j in range(w):
                        dx[natural(row + j)] += factor * scratch[natural(own + j)]


_planes_cpu = _backward_planes.cpu


@_jit.shared
def plane_grain(volume):
    """How many planes of so many outputs make a chunk."""
    return 1 + 8192 // volume


@_jit.jit
def resample_backward_fast(dx, grad, index, weight, span, workspace, d, h, w, od, oh, ow, nd, nh, nw, pool):
    """`resample_backward` on the CPU; the workspace has W elements for each chunk of planes."""
    args = (dx, grad, index, weight, workspace, d, h, w, od, oh, ow, nd, nh, nw)
    _planes_cpu(args, 0, dx.size // (d * h * w), plane_grain(od * oh * ow), pool)


# -- rearranged pixels ---------------------------------------------------------------------------------------------
# Coarse (B, C r r, H, W) and fine (B, C, H r, W r); and channels (B, G, K, S) that change places.


@over_outputs(1)
def pixel_shuffle(i, x, r, h, w):
    """fine[c, y r + a, x r + b] = coarse[c r r + a r + b, y, x]"""
    column, line = i % (w * r), i // (w * r) % (h * r)
    channel = i // (w * r) // (h * r)
    part = line % r * r + column % r
    return x[((channel * r * r + part) * h + line // r) * w + column // r]


@over_outputs(1)
def pixel_unshuffle(i, x, r, h, w):
    """coarse[c r r + a r + b, y, x] = fine[c, y r + a, x r + b]"""
    column, line = i % w, i // w % h
    part = i // (w * h) % (r * r)
    channel = i // (w * h) // (r * r)
    return x[((channel * h + line) * r + part // r) * w * r + column * r + part % r]


@over_rows
def _shuffle_line(row, fine, coarse, r, h, w):
    """`pixel_shuffle` for one line of the fine image; r = 2 apart, so that LLVM interleaves two vectors."""
    line = row % (h * r)
    part = line % r * r
    base = ((row // (h * r) * r * r + part) * h + line // r) * w
    at = row * w * r
    if r == 2:
        for j in range(w):
            fine[natural(at + 2 * j)] = coarse[natural(base + j)]
            fine[natural(at + 2 * j + 1)] = coarse[natural(base + h * w + j)]
    else:
        for b in range(r):
            for j in range(w):
                fine[natural(at + j * r + b)] = coarse[natural(base + b * h * w + j)]


@over_rows
def _unshuffle_line(row, coarse, fine, r, h, w):
    """`pixel_unshuffle` for one line of the fine image."""
    line = row % (h * r)
    part = line % r * r
    base = ((row // (h * r) * r * r + part) * h + line // r) * w
    at = row * w * r
    if r == 2:
        for j in range(w):
            coarse[natural(base + j)] = fine[natural(at + 2 * j)]
            coarse[natural(base + h * w + j)] = fine[natural(at + 2 * j + 1)]
    else:
        for b in range(r):
            for j in range(w):
                coarse[natural(base + b * h * w + j)] = fine[natural(at + j * r + b)]


_shuffle_cpu, _unshuffle_cpu = _shuffle_line.cpu, _unshuffle_line.cpu


@_jit.jit
def pixel_shuffle_fast(fine, coarse, workspace, r, h, w, pool):
    """`pixel_shuffle` on the CPU."""
    _shuffle_cpu((fine, coarse, r, h, w), 0, fine.size // (w * r), 1 + 16384 // (w * r), pool)


@_jit.jit
def pixel_unshuffle_fast(coarse, fine, workspace, r, h, w, pool):
    """`pixel_unshuffle` on the CPU."""
    _unshuffle_cpu((coarse, fine, r, h, w), 0, fine.size // (w * r), 1 + 16384 // (w * r), pool)


@over_outputs(1)
def channel_shuffle(i, x, groups, kept, inner):
    """y[b, k, g, s] = x[b, g, k, s]"""
    g = i // inner % groups
    k = i // (inner * groups) % kept
    b = i // (inner * groups * kept)
    return x[((b * groups + g) * kept + k) * inner + i % inner]


@over_rows
def _shuffle_channel(row, y, x, groups, kept, inner):
    """`channel_shuffle` for one channel."""
    g = row % groups
    k = row // groups % kept
    base = ((row // (groups * kept) * groups + g) * kept + k) * inner
    for j in range(inner):
        y[natural(row * inner + j)] = x[natural(base + j)]


_channel_cpu = _shuffle_channel.cpu


@_jit.jit
def channel_shuffle_fast(y, x, workspace, groups, kept, inner, pool):
    """`channel_shuffle` on the CPU."""
    _channel_cpu((y, x, groups, kept, inner), 0, y.size // inner, 1 + 16384 // inner, pool)
