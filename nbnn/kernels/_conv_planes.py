"""Where a convolution finds its numbers: jobs, and the padded planes that they read.

A *plane* is a channel copied with its padding and with its positions dealt out by their remainder modulo the stride
(its *phases*), so that under one tap of the kernel the pixels of an output row lie side by side, at

    plane + offset(tap) + q(pixel),   q(z, y, x) = (z * q_y + y) * q_x + x.

A *job* is one convolution over planes. The forward product is one job. The transposed convolution with a stride is one
job of stride 1 for each remainder of the output position modulo the stride, each with the taps that reach it: no zeros
are put between the pixels, and no multiplication is done twice.
"""

from __future__ import annotations

from typing import NamedTuple

from nbnn import _jit
from nbnn.kernels._conv_simd import evens, load_window, odds
from nbnn.kernels._cpu import inner_ranges
from nbnn.kernels._simd import gather, lanes, load_every, store_part, zero


class Job(NamedTuple):
    """Geometry of one convolution, three ints (z, y, x) for each property."""

    size_z: int  # of the source
    size_y: int
    size_x: int
    pad_z: int  # positions in front of the source
    pad_y: int
    pad_x: int
    mod_z: int  # stride between output pixels: phases that positions are dealt out to
    mod_y: int
    mod_x: int
    kept_z: int  # phases that some tap reads
    kept_y: int
    kept_x: int
    first_z: int  # position of the first tap, for output pixel 0
    first_y: int
    first_x: int
    step_z: int  # positions between taps
    step_y: int
    step_x: int
    taps_z: int
    taps_y: int
    taps_x: int
    out_z: int  # output pixels
    out_y: int
    out_x: int
    q_z: int  # positions of one phase of a plane
    q_y: int
    q_x: int
    plane: int  # numbers from one plane to the next


class Place(NamedTuple):
    """Which taps of the weight and which pixels of the output a job works on: of each axis the first and the step."""

    tap_z: int
    tap_y: int
    tap_x: int
    turn_z: int  # step between taps, negative where the kernel is reversed
    turn_y: int
    turn_x: int
    kernel_y: int
    kernel_x: int
    kernel: int  # taps of the whole kernel
    at_z: int
    at_y: int
    at_x: int
    by_z: int
    by_y: int
    by_x: int
    full_z: int
    full_y: int
    full_x: int


@_jit.shared
def _extent(out, mod, first, taps, step):  # type: ignore[no-untyped-def]
    """Positions of one phase that `out` pixels see."""
    return (max(out - 1, 0) * mod + first + max(taps - 1, 0) * step) // mod + 1


@_jit.shared
def forward_job(d, h, w, kd, kh, kw, od, oh, ow, sd, sh, sw, pd, ph, pw, dd, dh, dw):  # type: ignore[no-untyped-def]
    """The convolution itself."""
    fd, fh, fw = min(sd, (kd - 1) * dd + 1), min(sh, (kh - 1) * dh + 1), min(sw, (kw - 1) * dw + 1)
    qd, qh, qw = _extent(od, sd, 0, kd, dd), _extent(oh, sh, 0, kh, dh), _extent(ow, sw, 0, kw, dw)
    plane = fd * fh * fw * qd * qh * qw
    return Job(d, h, w, pd, ph, pw, sd, sh, sw, fd, fh, fw, 0, 0, 0, dd, dh, dw, kd, kh, kw, od, oh, ow, qd, qh, qw,
               plane)  # fmt: skip


@_jit.shared
def forward_place(kd, kh, kw, od, oh, ow):  # type: ignore[no-untyped-def]
    """All taps in order, all pixels in order."""
    return Place(0, 0, 0, 1, 1, 1, kh, kw, kd * kh * kw, 0, 0, 0, 1, 1, 1, od, oh, ow)


@_jit.shared
def _phase_axis(remainder, size, k, s, p, d):  # type: ignore[no-untyped-def]
    """(first tap, step of taps, taps, position of the first, step of positions, pixels) of one phase of an axis.

    Pixel remainder + i * s of the result meets under tap a the source pixel i + (remainder + p - a * d) / s, where that
    is whole. Taps are taken from the last on, so that positions grow.
    """
    period, shared = s, d % s
    while shared != 0:  # the greatest common divisor of stride and dilation
        period, shared = shared, period % shared
    period = s // period
    lead = max(0, -((p - (k - 1) * d) // s))
    count = max(0, (size - remainder + s - 1) // s)
    for a in range(k - 1, max(-1, k - 1 - period), -1):
        if (remainder + p - a * d) % s == 0:
            return a, -period, a // period + 1, (remainder + p - a * d) // s + lead, period * d // s, count
    return 0, 1, 0, 0, 1, count


@_jit.shared
def transposed_job(phase, d, h, w, kd, kh, kw, od, oh, ow, sd, sh, sw, pd, ph, pw, dd, dh, dw):  # type: ignore[no-untyped-def]
    """(job, place) of one phase of the transposed convolution of (od, oh, ow) into (d, h, w); sd * sh * sw phases."""
    rz, ry, rx = phase // (sh * sw), phase // sw % sh, phase % sw
    az, tz, nz, fz, jz, cz = _phase_axis(rz, d, kd, sd, pd, dd)
    ay, ty, ny, fy, jy, cy = _phase_axis(ry, h, kh, sh, ph, dh)
    ax, tx, nx, fx, jx, cx = _phase_axis(rx, w, kw, sw, pw, dw)
    lz, ly, lx = max(0, -((pd - (kd - 1) * dd) // sd)), max(0, -((ph - (kh - 1) * dh) // sh)), 0
    lx = max(0, -((pw - (kw - 1) * dw) // sw))
    qz, qy, qx = (max(d, 1) - 1 + pd) // sd + lz + 1, (max(h, 1) - 1 + ph) // sh + ly + 1, 0
    qx = (max(w, 1) - 1 + pw) // sw + lx + 1
    job = Job(od, oh, ow, lz, ly, lx, 1, 1, 1, 1, 1, 1, fz, fy, fx, jz, jy, jx, nz, ny, nx, cz, cy, cx, qz, qy, qx,
              qz * qy * qx)  # fmt: skip
    place = Place(az, ay, ax, tz, ty, tx, kh, kw, kd * kh * kw, rz, ry, rx, sd, sh, sw, d, h, w)
    return job, place


@_jit.shared
def band_job(g, z, y, rows):  # type: ignore[no-untyped-def]
    """The part of a job that makes `rows` output rows of layer z from row y on."""
    q_z, q_y = _extent(1, g.mod_z, g.first_z, g.taps_z, g.step_z), _extent(rows, g.mod_y, g.first_y, g.taps_y, g.step_y)
    plane = g.kept_z * g.kept_y * g.kept_x * q_z * q_y * g.q_x
    return Job(
        g.size_z, g.size_y, g.size_x, g.pad_z - z * g.mod_z, g.pad_y - y * g.mod_y, g.pad_x, g.mod_z, g.mod_y, g.mod_x,
        g.kept_z, g.kept_y, g.kept_x, g.first_z, g.first_y, g.first_x, g.step_z, g.step_y, g.step_x,
        g.taps_z, g.taps_y, g.taps_x, 1, rows, g.out_x, q_z, q_y, g.q_x, plane,
    )  # fmt: skip


@_jit.shared
def in_place(g):  # type: ignore[no-untyped-def]
    """Whether the planes are the source as it lies: no padding, one phase, nothing cut off."""
    padded = g.pad_z != 0 or g.pad_y != 0 or g.pad_x != 0
    whole = g.q_z == g.size_z and g.q_y == g.size_y and g.q_x == g.size_x
    return whole and not padded and g.mod_z == 1 and g.mod_y == 1 and g.mod_x == 1


@_jit.shared
def tap_offset(g, z, y, x):  # type: ignore[no-untyped-def]
    """Where in a plane tap (z, y, x) sees the first pixel."""
    pz, py, px = g.first_z + z * g.step_z, g.first_y + y * g.step_y, g.first_x + x * g.step_x
    if g.mod_z * g.mod_y * g.mod_x == 1:  # divisions cost as much as many steps of a product
        return (pz * g.q_y + py) * g.q_x + px
    phase = (pz % g.mod_z * g.kept_y + py % g.mod_y) * g.kept_x + px % g.mod_x
    return ((phase * g.q_z + pz // g.mod_z) * g.q_y + py // g.mod_y) * g.q_x + px // g.mod_x


@_jit.shared
def fan_grain(items, work):  # type: ignore[no-untyped-def]
    """Items in one chunk, of `work` numbers each: 32 k numbers, and 64 chunks at most."""
    return max(1, (items + 63) // 64, 32768 // max(1, work))


def _padded_row(w, at, count, x, x_at, width, pad, mod, phase):  # type: ignore[no-untyped-def]
    """One row of one phase: position j is source pixel j * mod + phase - pad, or 0 outside 0..width."""
    step = lanes(w)
    if mod <= 2:  # no loops for the padding, no divisions: depthwise 8x144x56x56 in 3.0 instead of 3.2 ms
        for j in range(0, count, step):
            at_j = j * mod + phase - pad
            if mod == 1:
                store_part(w, at + j, load_window(x, x_at, at_j, width), count - j)
            else:
                pair = load_window(x, x_at, at_j, width), load_window(x, x_at, at_j + step, width)
                store_part(w, at + j, evens(pair[0], pair[1]), count - j)
        return
    first = min(count, max(0, (pad - phase + mod - 1) // mod))
    last = max(first, min(count, (width - 1 + pad - phase) // mod + 1)) if width > 0 else first
    for j in range(0, first, step):
        store_part(w, at + j, zero(w), first - j)
    source = x_at + first * mod + phase - pad
    for j in range(first, last, step):
        if mod == 4:
            store_part(w, at + j, load_every(x, source, 4, last - j), last - j)
        else:
            store_part(w, at + j, gather(x, source, mod, last - j), last - j)
        source += step * mod
    for j in range(last, count, step):
        store_part(w, at + j, zero(w), count - j)


_copy_row = _jit.jit(_padded_row, inner=True)


def _row_of_two(w, at, apart, count, x, x_at, width, pad):  # type: ignore[no-untyped-def]
    """One row of both phases of a stride of 2, `apart` from each other: each number is read once."""
    step = lanes(w)
    for j in range(0, count, step):
        low, high = load_window(x, x_at, 2 * j - pad, width), load_window(x, x_at, 2 * j - pad + step, width)
        store_part(w, at + j, evens(low, high), count - j)
        store_part(w, at + apart + j, odds(low, high), count - j)


_deal_row = _jit.jit(_row_of_two, inner=True)


def _plane_of(w, at, x, x_at, g):  # type: ignore[no-untyped-def]
    """Copy one channel into its plane."""
    apart = g.q_z * g.q_y * g.q_x
    for phase in range(g.kept_z * g.kept_y):
        phase_z, phase_y = phase // g.kept_y, phase % g.kept_y
        for i in range(g.q_z):
            z = i * g.mod_z + phase_z - g.pad_z
            for j in range(g.q_y):
                y = j * g.mod_y + phase_y - g.pad_y
                inside = z >= 0 and z < g.size_z and y >= 0 and y < g.size_y
                source, width = x_at + (z * g.size_y + y) * g.size_x, g.size_x if inside else 0
                if g.kept_x == 2 and g.mod_x == 2:
                    _deal_row(w, at, apart, g.q_x, x, source, width, g.pad_x)
                else:
                    for phase_x in range(g.kept_x):
                        _copy_row(w, at + phase_x * apart, g.q_x, x, source, width, g.pad_x, g.mod_x, phase_x)
                at += g.q_x
        at += (g.kept_x - 1) * apart


make_plane = _jit.jit(_plane_of, inner=True)


@inner_ranges
def _make_planes(start, stop, grain, w, w_at, x, x_at, g):  # type: ignore[no-untyped-def]
    """Item = a channel of an image."""
    for item in range(start, stop):
        make_plane(w, w_at + item * g.plane, x, x_at + item * g.size_z * g.size_y * g.size_x, g)


run_planes = _make_planes.cpu
