"""Convolution of (N, C, D, H, W) with (O, C / groups, KD, KH, KW): the readable bodies and their twins on the CPU.

One and two dimensions enter with axes of length 1. All kernels share their parameters, all ints:
``n, c, d, h, w, o, kd, kh, kw, od, oh, ow, sd, sh, sw, pd, ph, pw, dd, dh, dw, groups``: the sizes of input, kernel and
output, then stride, (symmetric) padding and dilation.

The fast twins work on *planes*: a channel copied with its padding and with its columns dealt out by their remainder
modulo the stride, so that under one tap of the kernel the pixels of an output row always lie side by side, at

    plane + offset(tap) + q(pixel),   q(od, oh, ow) = (od * qh + oh) * qw + ow.

The forward product packs its panels straight from there, a run of pixels at a time (no im2col matrix is made); the
gradient to the input is the same product with the kernel reversed and `stride - 1` zeros between the pixels of the
output's gradient; the gradient to the weight is a dot product of two planes for each weight.
"""

from __future__ import annotations

from nbnn import _jit
from nbnn.kernels._cpu import inner_ranges, over_outputs
from nbnn.kernels._gemm import KC, MR, multiply_panels, pack_panel, round_up
from nbnn.kernels._simd import (
    LANES,
    fma,
    lanes,
    load,
    load_part,
    splat,
    store,
    store_part,
    tile_dot,
    tile_totals,
    tile_zero,
    zero,
)

_BLOCK = 1 << 20  # numbers of padded planes in work at once (or one image)
_GRAD_BLOCK = 1 << 19  # the same for the weight gradient, which reads them again for every tile
_CHUNKS = 64  # of a block of images, each with one panel of scratch
_GRAIN = 1 << 18  # multiply-adds of one chunk
_FEW = 2  # output channels of a group that do not fill a tile of the product: vectors of pixels instead
_TILE = 4 if LANES == 16 else 2  # output channels x 4 taps of one tile of the weight gradient


# The bodies.


@over_outputs(1)
def conv(i, x, weight, bias, n, c, d, h, w, o, kd, kh, kw, od, oh, ow, sd, sh, sw, pd, ph, pw, dd, dh, dw, groups):  # type: ignore[no-untyped-def]
    """Output element i: the bias of its channel (or None) plus the sum over the channels of its group and the taps."""
    px, py, pz = i % ow, i // ow % oh, i // (ow * oh) % od
    channel, image = i // (ow * oh * od) % o, i // (ow * oh * od * o)
    depth = c // groups
    first = channel // (o // groups) * depth
    value = type(x[0])(0)
    if bias is not None:
        value = bias[channel]
    for k in range(depth):
        for a in range(kd):
            z = pz * sd - pd + a * dd
            for b in range(kh):
                y = py * sh - ph + b * dh
                if 0 <= z < d and 0 <= y < h:
                    row = (((image * c + first + k) * d + z) * h + y) * w
                    tap = (((channel * depth + k) * kd + a) * kh + b) * kw
                    for e in range(kw):
                        at = px * sw - pw + e * dw
                        if 0 <= at < w:
                            value += x[row + at] * weight[tap + e]
    return value


@over_outputs(1)
def conv_grad_input(
    i, grad, weight, n, c, d, h, w, o, kd, kh, kw, od, oh, ow, sd, sh, sw, pd, ph, pw, dd, dh, dw, groups
):  # type: ignore[no-untyped-def]
    """Input element i gathers the outputs it took part in; as a function of `grad`, the transposed convolution."""
    x, y, z = i % w, i // w % h, i // (w * h) % d
    channel, image = i // (w * h * d) % c, i // (w * h * d * c)
    depth, width = c // groups, o // groups
    group, k = channel // depth, channel % depth
    value = type(grad[0])(0)
    for j in range(group * width, group * width + width):
        for a in range(kd):
            z_at = z + pd - a * dd
            for b in range(kh):
                y_at = y + ph - b * dh
                if (
                    z_at >= 0
                    and z_at % sd == 0
                    and z_at // sd < od
                    and y_at >= 0
                    and y_at % sh == 0
                    and y_at // sh < oh
                ):
                    row = (((image * o + j) * od + z_at // sd) * oh + y_at // sh) * ow
                    tap = (((j * depth + k) * kd + a) * kh + b) * kw
                    for e in range(kw):
                        x_at = x + pw - e * dw
                        if x_at >= 0 and x_at % sw == 0 and x_at // sw < ow:
                            value += grad[row + x_at // sw] * weight[tap + e]
    return value


@over_outputs(1)
def conv_grad_weight(i, grad, x, n, c, d, h, w, o, kd, kh, kw, od, oh, ow, sd, sh, sw, pd, ph, pw, dd, dh, dw, groups):  # type: ignore[no-untyped-def]
    """Weight element i: over images and rows of the output, the sum of each row's sum of gradient times input."""
    e, b, a = i % kw, i // kw % kh, i // (kw * kh) % kd
    depth = c // groups
    k, channel = i // (kw * kh * kd) % depth, i // (kw * kh * kd * depth)
    source = channel // (o // groups) * depth + k
    total = type(x[0])(0)
    for image in range(n):
        for pz in range(od):
            z = pz * sd - pd + a * dd
            for py in range(oh):
                y = py * sh - ph + b * dh
                if 0 <= z < d and 0 <= y < h:
                    row = (((image * c + source) * d + z) * h + y) * w
                    out = (((image * o + channel) * od + pz) * oh + py) * ow
                    value = type(x[0])(0)
                    for px in range(ow):
                        at = px * sw - pw + e * dw
                        if 0 <= at < w:
                            value += grad[out + px] * x[row + at]
                    total += value
    return total


@over_outputs(1)
def conv_grad_bias(i, grad, n, c, d, h, w, o, kd, kh, kw, od, oh, ow, sd, sh, sw, pd, ph, pw, dd, dh, dw, groups):  # type: ignore[no-untyped-def]
    """Bias element i: the sum of the gradient over images and pixels; rows, then images, so that no sum is long."""
    total = type(grad[0])(0)
    for image in range(n):
        plane = type(grad[0])(0)
        for row in range(od * oh):
            at = ((image * o + i) * od * oh + row) * ow
            value = type(grad[0])(0)
            for px in range(ow):
                value += grad[at + px]
            plane += value
        total += plane
    return total


# Geometry of planes, one flat tuple of 24 ints: sizes of the source, spacing of its pixels, padding, stride, dilation,
# kernel, output, and sizes (qd, qh, qw) of one phase of a plane; three numbers each.


@_jit.shared
def _phase(out, kernel, stride, dilation):  # type: ignore[no-untyped-def]
    """Positions of one phase of a padded axis."""
    return (max(out - 1, 0) * stride + (kernel - 1) * dilation) // stride + 1


@_jit.shared
def _forward_geometry(d, h, w, kd, kh, kw, od, oh, ow, sd, sh, sw, pd, ph, pw, dd, dh, dw):  # type: ignore[no-untyped-def]
    q = (_phase(od, kd, sd, dd), _phase(oh, kh, sh, dh), _phase(ow, kw, sw, dw))
    return (d, h, w, 1, 1, 1, pd, ph, pw, sd, sh, sw, dd, dh, dw, kd, kh, kw, od, oh, ow, q[0], q[1], q[2])


@_jit.shared
def _backward_geometry(d, h, w, kd, kh, kw, od, oh, ow, sd, sh, sw, pd, ph, pw, dd, dh, dw):  # type: ignore[no-untyped-def]
    """The output's gradient, spread by the stride, under the reversed kernel; the padding may be negative (a cut)."""
    q = (_phase(d, kd, 1, dd), _phase(h, kh, 1, dh), _phase(w, kw, 1, dw))
    pads = (dd * (kd - 1) - pd, dh * (kh - 1) - ph, dw * (kw - 1) - pw)
    spread = (od, oh, ow, sd, sh, sw, pads[0], pads[1], pads[2])
    return (*spread, 1, 1, 1, dd, dh, dw, kd, kh, kw, d, h, w, q[0], q[1], q[2])


@_jit.shared
def _gradient_geometry(g):  # type: ignore[no-untyped-def]
    """Planes of the output's gradient in the pitch of the planes of geometry g: pixel (od, oh, ow) at q(od, oh, ow)."""
    return (g[18], g[19], g[20], 1, 1, 1, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1, 1, g[18], g[19], g[20], g[18], g[22], g[23])


@_jit.shared
def _plane_size(g):  # type: ignore[no-untyped-def]
    """Numbers of one plane: all phases, rounded up, and one vector of zeros that reading past the end falls on."""
    return round_up(g[9] * g[10] * g[11] * g[21] * g[22] * g[23], LANES) + LANES


@_jit.shared
def _tap_offset(g, a, b, e):  # type: ignore[no-untyped-def]
    """Where in a plane tap (a, b, e) sees the first pixel."""
    z, y, x = a * g[12], b * g[13], e * g[14]
    phase = (z % g[9] * g[10] + y % g[10]) * g[11] + x % g[11]
    return ((phase * g[21] + z // g[9]) * g[22] + y // g[10]) * g[23] + x // g[11]


def _padded_row(w, at, count, x, x_at, width, pad, spread, stride, phase):  # type: ignore[no-untyped-def]
    """One padded row of one phase: position j is pixel (j * stride + phase - pad) / spread, or 0."""
    step = lanes(w)
    for j in range(0, count, step):
        store_part(w, at + j, zero(w), count - j)
    if spread == 1 and stride == 1:
        first = max(0, -pad)
        length = min(width, count - pad) - first
        for j in range(0, length, step):
            store_part(w, at + pad + first + j, load_part(x, x_at + first + j, length - j), length - j)
    elif spread == 1:
        for j in range(max(0, (pad - phase + stride - 1) // stride), count):
            source = j * stride + phase - pad
            if source < width:
                w[at + j] = x[x_at + source]
    else:
        for source in range(width):
            j = source * spread + pad
            if 0 <= j < count:
                w[at + j] = x[x_at + source]


_copy_row = _jit.jit(_padded_row, inner=True)


@inner_ranges
def _make_planes(start, stop, grain, w, w_at, x, x_at, g):  # type: ignore[no-untyped-def]
    """Item = a channel of an image."""
    size = _plane_size(g)
    for item in range(start, stop):
        at, x_from = w_at + item * size, x_at + item * g[0] * g[1] * g[2]
        for row in range(g[9] * g[10] * g[11] * g[21] * g[22]):
            phase, y = row // (g[21] * g[22]), row % g[22]
            z = row // g[22] % g[21] * g[9] + phase // (g[10] * g[11]) - g[6]
            y = y * g[10] + phase // g[11] % g[10] - g[7]
            inside = z >= 0 and z % g[3] == 0 and z // g[3] < g[0] and y >= 0 and y % g[4] == 0 and y // g[4] < g[1]
            source = x_from + (z // g[3] * g[1] + y // g[4]) * g[2]
            _copy_row(w, at, g[23], x, source, g[2] if inside else 0, g[8], g[5], g[11], phase % g[11])
            at += g[23]
        for j in range(at, w_at + (item + 1) * size, lanes(w)):
            store_part(w, j, zero(w), w_at + (item + 1) * size - j)


def _taps_of_run(w, w_at, count, x, q, plane, channels, g):  # type: ignore[no-untyped-def]
    """Write `count` neighbouring pixels of a row into a panel, under every tap of `channels` planes.

    Phase and position of a tap are carried along: dividing for each tap cost more than the product.
    """
    step, phase = lanes(w), g[21] * g[22] * g[23]
    jump = (g[12] // g[9], g[12] % g[9], g[13] // g[10], g[13] % g[10], g[14] // g[11], g[14] % g[11])
    for _ in range(channels):
        z, fz = 0, 0
        for _ in range(g[15]):
            y, fy = 0, 0
            for _ in range(g[16]):
                source, fx = q + (fz * g[10] + fy) * g[11] * phase + (z * g[22] + y) * g[23], 0
                for _ in range(g[17]):
                    store_part(w, w_at, load_part(x, source, count), count)
                    if count > step:
                        store_part(w, w_at + step, load_part(x, source + step, count - step), count - step)
                    w_at += 2 * step
                    source, fx = source + jump[4] + jump[5] * phase, fx + jump[5]
                    if fx >= g[11]:
                        source, fx = source + 1 - g[11] * phase, fx - g[11]
                y, fy = y + jump[2], fy + jump[3]
                if fy >= g[10]:
                    y, fy = y + 1, fy - g[10]
            z, fz = z + jump[0], fz + jump[1]
            if fz >= g[9]:
                z, fz = z + 1, fz - g[9]
        q += plane


_pack_run = _jit.jit(_taps_of_run, inner=True)


def _runs_of_panel(w, w_at, columns, x, x_at, pixel, plane, channels, g):  # type: ignore[no-untyped-def]
    """A panel of `columns` output pixels from `pixel` on, run by run of pixels in one row."""
    done = 0
    while done < columns:
        row, px = (pixel + done) // g[20], (pixel + done) % g[20]
        count = min(g[20] - px, columns - done)
        q = (row // g[19] * g[22] + row % g[19]) * g[23] + px
        _pack_run(w, w_at + done, count, x, x_at + q, plane, channels, g)
        done += count


_pack_pixels = _jit.jit(_runs_of_panel, inner=True)


@inner_ranges
def _pack_weight(start, stop, grain, w, weight, bias, lead, groups, cs, m, taps, flipped):  # type: ignore[no-untyped-def]
    """Item = (group, panel of MR output channels): a step for the bias, then cs * taps steps."""
    panels = (m + MR - 1) // MR
    for item in range(start, stop):
        group, r = item // panels, item % panels * MR
        at = item * (lead + cs * taps) * MR
        if lead:
            store(w, at, load_part(bias, group * m + r, m - r, MR))
        at += lead * MR
        for k in range(cs):
            if flipped:
                source, across, along = ((group * cs + k) * m + r) * taps + taps - 1, taps, -1
            else:
                source, across, along = ((group * m + r) * cs + k) * taps, cs * taps, 1
            pack_panel(w, at, MR, weight, source, across, along, m - r, taps)
            at += taps * MR


@inner_ranges
def _multiply(start, stop, grain, out, out_at, w, x_at, scratch, scratch_size, lead, groups, cs, m, g):  # type: ignore[no-untyped-def]
    """Item = (image, group, panel of output pixels): pack its patches, multiply by all rows of the weight."""
    width, taps, pixels, plane = 2 * lanes(w), g[15] * g[16] * g[17], g[18] * g[19] * g[20], _plane_size(g)
    panels = (pixels + width - 1) // width
    block = max(1, KC // taps)  # channels
    panel_at = scratch + start // grain * scratch_size
    for item in range(start, stop):
        group, pixel = item // panels, item % panels * width  # groups of all images in one row
        columns = min(width, pixels - pixel)
        for k in range(0, max(cs, 1), block):
            channels, more = min(block, cs - k), lead if k == 0 else 0
            if more:
                store(w, panel_at, splat(type(w[0])(1)))
                store(w, panel_at + lanes(w), splat(type(w[0])(1)))
            source = x_at + (group * cs + k) * plane
            _pack_pixels(w, panel_at + more * width, columns, w, source, pixel, plane, channels, g)
            a_at = (group % groups * round_up(m, MR) * (lead + cs * taps)) + (lead - more + k * taps) * MR
            steps = more + channels * taps
            for r in range(0, m, MR):
                c_at = out_at + (group * m + r) * pixels + pixel
                rows = min(MR, m - r)
                multiply_panels(out, c_at, pixels, w, a_at, w, panel_at, steps, rows, columns, k == 0)
                a_at += (lead + cs * taps) * MR


@inner_ranges
def _few_planes(start, stop, grain, out, out_at, w, x_at, weight, bias, lead, groups, cs, m, flipped, g):  # type: ignore[no-untyped-def]
    """Item = (image, output plane, row): vectors of pixels, read in place; for a group with few outputs (depthwise)."""
    step, plane, taps = lanes(w), _plane_size(g), g[15] * g[16] * g[17]
    rows, phase, turn = g[18] * g[19], g[21] * g[22] * g[23], -1 if flipped else 1
    jump, rest = g[14] // g[11], g[14] % g[11]
    for item in range(start, stop):
        output, row = item // rows, item % rows  # groups * m outputs for each image
        group, r = output // m, output % m
        first = group % groups * m * cs * taps
        x_from = x_at + group * cs * plane + (row // g[19] * g[22] + row % g[19]) * g[23]
        for px in range(0, g[20], 2 * step):
            low = zero(w)
            if lead:
                low = splat(bias[output % (groups * m)])
            high = low
            for k in range(cs):
                factor = first + ((k * m + r) * taps + taps - 1 if flipped else (r * cs + k) * taps)
                for a in range(g[15]):
                    for b in range(g[16]):
                        source, fx = x_from + k * plane + px + _tap_offset(g, a, b, 0), 0
                        for _ in range(g[17]):
                            number = splat(weight[factor])
                            low = fma(number, load(w, source), low)
                            high = fma(number, load(w, source + step), high)
                            factor += turn
                            source, fx = source + jump + rest * phase, fx + rest  # as in _taps_of_run
                            if fx >= g[11]:
                                source, fx = source + 1 - g[11] * phase, fx - g[11]
            at = out_at + item * g[20] + px
            store_part(out, at, low, g[20] - px)
            store_part(out, at + step, high, g[20] - px - step)


@_jit.shared
def _images(n, channels, g, limit):  # type: ignore[no-untyped-def]
    """Images whose planes are in work at once."""
    return min(max(1, limit // max(1, channels * _plane_size(g))), n)


@_jit.shared
def _panel_size(cs, g):  # type: ignore[no-untyped-def]
    taps = g[15] * g[16] * g[17]
    return (1 + min(cs, max(1, KC // taps)) * taps) * 2 * LANES


@_jit.shared
def _weight_size(lead, groups, cs, m, g):  # type: ignore[no-untyped-def]
    return groups * round_up(m, MR) * (lead + cs * g[15] * g[16] * g[17])


@_jit.shared
def _size(n, groups, cs, m, g):  # type: ignore[no-untyped-def]
    """Workspace of `_convolve`: the packed weight, the planes of a block of images, and a panel for each chunk."""
    planes = _images(n, groups * cs, g, _BLOCK) * groups * cs * _plane_size(g)
    return _weight_size(1, groups, cs, m, g) + planes + 4 * LANES + _CHUNKS * _panel_size(cs, g)


_run_planes, _run_weight = _make_planes.cpu, _pack_weight.cpu
_run_multiply, _run_few = _multiply.cpu, _few_planes.cpu


def _engine(out, x, weight, bias, w, n, groups, cs, m, flipped, g, pool):  # type: ignore[no-untyped-def]
    """Convolve the planes of x, cs for each group, into m planes of `out` for each group."""
    taps, pixels = g[15] * g[16] * g[17], g[18] * g[19] * g[20]
    lead, added = 0, weight  # an array in any case: the kernels compile once for with and without bias
    if bias is not None:
        lead, added = 1, bias
    steps = lead + cs * taps
    planes_at = _weight_size(lead, groups, cs, m, g)
    together = _images(n, groups * cs, g, _BLOCK)
    scratch = planes_at + together * groups * cs * _plane_size(g) + 4 * LANES
    if m > _FEW:
        args = (w, weight, added, lead, groups, cs, m, taps, flipped)
        _run_weight(args, 0, groups * ((m + MR - 1) // MR), max(1, _GRAIN // (max(1, steps) * MR * 8)), pool)
    for first in range(0, n, max(1, together)):
        images = min(together, n - first)
        args = (w, planes_at, x, first * groups * cs * g[0] * g[1] * g[2], g)
        _run_planes(args, 0, images * groups * cs, max(1, _GRAIN // (8 * _plane_size(g))), pool)
        out_at = first * groups * m * pixels
        if m <= _FEW:
            args = (out, out_at, w, planes_at, weight, added, lead, groups, cs, m, flipped, g)
            items = images * groups * m * g[18] * g[19]
            _run_few(args, 0, items, max(1, _GRAIN // max(1, steps * g[20])), pool)
        else:
            items = images * groups * ((pixels + 2 * lanes(w) - 1) // (2 * lanes(w)))
            grain = max((items + _CHUNKS - 1) // _CHUNKS, _GRAIN // max(1, steps * (m + 8) * 2 * lanes(w)), 1)
            args = (out, out_at, w, planes_at, scratch, _panel_size(cs, g), lead, groups, cs, m, g)
            _run_multiply(args, 0, items, grain, pool)


_convolve = _jit.jit(_engine, inner=True)


@_jit.shared
def conv_workspace(n, c, d, h, w, o, kd, kh, kw, od, oh, ow, sd, sh, sw, pd, ph, pw, dd, dh, dw, groups):  # type: ignore[no-untyped-def]
    """Numbers of scratch space of `conv_fast`."""
    g = _forward_geometry(d, h, w, kd, kh, kw, od, oh, ow, sd, sh, sw, pd, ph, pw, dd, dh, dw)
    return _size(n, groups, c // groups, o // groups, g)


@_jit.jit
def conv_fast(
    out,
    x,
    weight,
    bias,
    workspace,
    n,
    c,
    d,
    h,
    w,
    o,
    kd,
    kh,
    kw,
    od,
    oh,
    ow,
    sd,
    sh,
    sw,
    pd,
    ph,
    pw,
    dd,
    dh,
    dw,
    groups,
    pool,
):  # type: ignore[no-untyped-def]
    """`conv` as a product of panels packed straight from the padded image."""
    g = _forward_geometry(d, h, w, kd, kh, kw, od, oh, ow, sd, sh, sw, pd, ph, pw, dd, dh, dw)
    _convolve(out, x, weight, bias, workspace, n, groups, c // groups, o // groups, False, g, pool)


@_jit.shared
def conv_grad_input_workspace(n, c, d, h, w, o, kd, kh, kw, od, oh, ow, sd, sh, sw, pd, ph, pw, dd, dh, dw, groups):  # type: ignore[no-untyped-def]
    """Numbers of scratch space of `conv_grad_input_fast`."""
    g = _backward_geometry(d, h, w, kd, kh, kw, od, oh, ow, sd, sh, sw, pd, ph, pw, dd, dh, dw)
    return _size(n, groups, o // groups, c // groups, g)


@_jit.jit
def conv_grad_input_fast(
    dx,
    grad,
    weight,
    workspace,
    n,
    c,
    d,
    h,
    w,
    o,
    kd,
    kh,
    kw,
    od,
    oh,
    ow,
    sd,
    sh,
    sw,
    pd,
    ph,
    pw,
    dd,
    dh,
    dw,
    groups,
    pool,
):  # type: ignore[no-untyped-def]
    """`conv_grad_input` as a convolution of the spread gradient with the reversed kernel."""
    g = _backward_geometry(d, h, w, kd, kh, kw, od, oh, ow, sd, sh, sw, pd, ph, pw, dd, dh, dw)
    _convolve(dx, grad, weight, None, workspace, n, groups, o // groups, c // groups, True, g, pool)


# The gradient to the weight.


@_jit.shared
def _weight_offset(g, k):  # type: ignore[no-untyped-def]
    """Where in the planes of a group weight k, a (channel, tap), sees the first pixel."""
    taps = g[15] * g[16] * g[17]
    tap = k % taps
    return k // taps * _plane_size(g) + _tap_offset(g, tap // (g[16] * g[17]), tap // g[17] % g[16], tap % g[17])


@inner_ranges
def _weight_tiles(start, stop, grain, out, w, grad_at, x_at, images, groups, cs, m, g, pitch):  # type: ignore[no-untyped-def]
    """Item = (group, _TILE output channels, 4 taps): out += dot products of planes of the gradient and of the input."""
    taps, plane, step = g[15] * g[16] * g[17], _plane_size(g), lanes(w)
    tiles, across = (cs * taps + 3) // 4, (m + _TILE - 1) // _TILE
    length = ((g[18] - 1) * g[22] + g[19] - 1) * g[23] + g[20]
    for item in range(start, stop):
        group, r, k = item // (tiles * across), item // tiles % across * _TILE, item % tiles * 4
        k0, k1, k2, k3 = k, min(k + 1, cs * taps - 1), min(k + 2, cs * taps - 1), min(k + 3, cs * taps - 1)
        offsets = (_weight_offset(g, k0), _weight_offset(g, k1), _weight_offset(g, k2), _weight_offset(g, k3))
        tile = tile_zero(w, _TILE, 4)
        for image in range(images):
            a_at = grad_at + ((image * groups + group) * m + r) * pitch
            b_at = x_at + (image * groups + group) * cs * plane
            for q in range(0, length, step):
                tile = tile_dot(tile, w, a_at + q, pitch, w, b_at + q, offsets)
        totals = tile_totals(tile)
        for i in range(min(_TILE, m - r)):
            for j in range(min(4, cs * taps - k)):
                out[(group * m + r + i) * cs * taps + k + j] += totals[i * 4 + j]


_run_weight_tiles = _weight_tiles.cpu


@_jit.shared
def _images_of_gradient(n, c, o, g):  # type: ignore[no-untyped-def]
    planes = c * _plane_size(g) + o * _plane_size(_gradient_geometry(g))
    return min(max(1, _GRAD_BLOCK // max(1, planes)), n)


@_jit.shared
def conv_grad_weight_workspace(n, c, d, h, w, o, kd, kh, kw, od, oh, ow, sd, sh, sw, pd, ph, pw, dd, dh, dw, groups):  # type: ignore[no-untyped-def]
    """Numbers of scratch space of `conv_grad_weight_fast`: the planes of a block of images."""
    g = _forward_geometry(d, h, w, kd, kh, kw, od, oh, ow, sd, sh, sw, pd, ph, pw, dd, dh, dw)
    images = _images_of_gradient(n, c, o, g)
    return (images * o + 4) * _plane_size(_gradient_geometry(g)) + images * c * _plane_size(g) + 2 * LANES


@_jit.jit
def conv_grad_weight_fast(
    out, grad, x, workspace, n, c, d, h, w, o, kd, kh, kw, od, oh, ow, sd, sh, sw, pd, ph, pw, dd, dh, dw, groups, pool
):  # type: ignore[no-untyped-def]
    """`conv_grad_weight` as dot products of planes, block after block of images.

    A plane of the gradient holds zeros between its rows; they meet pixels of the input that belong to no output, so
    an infinity or a NaN in the input may spread to more weights than in the body.
    """
    g = _forward_geometry(d, h, w, kd, kh, kw, od, oh, ow, sd, sh, sw, pd, ph, pw, dd, dh, dw)
    g_out = _gradient_geometry(g)
    cs, m, pitch = c // groups, o // groups, _plane_size(g_out)
    for i in range(o * cs * kd * kh * kw):
        out[i] = 0
    if od * oh * ow == 0:
        return
    together = _images_of_gradient(n, c, o, g)
    x_at = (together * o + 4) * pitch  # a tile may read 3 planes too many
    items = groups * ((m + _TILE - 1) // _TILE) * ((cs * kd * kh * kw + 3) // 4)
    for first in range(0, n, max(1, together)):
        images = min(together, n - first)
        args = (workspace, 0, grad, first * o * od * oh * ow, g_out)
        _run_planes(args, 0, images * o, max(1, _GRAIN // (8 * pitch)), pool)
        args = (workspace, x_at, x, first * c * d * h * w, g)
        _run_planes(args, 0, images * c, max(1, _GRAIN // (8 * _plane_size(g))), pool)
        args = (out, workspace, 0, x_at, images, groups, cs, m, g, pitch)
        _run_weight_tiles(args, 0, items, max(1, _GRAIN // (images * pitch * 4 * _TILE)), pool)
