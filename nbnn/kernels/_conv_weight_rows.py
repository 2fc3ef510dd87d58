"""The gradient to the weight where few channels meet: dot products of rows, three taps by eight output channels.

The outer products of `_conv_weight` want a panel full of output channels and of taps; here the pixels of a row fill the
lanes instead, and neither operand is turned.
"""

from __future__ import annotations

from nbnn import _jit
from nbnn.kernels._conv_gemm import image_block
from nbnn.kernels._conv_planes import fan_grain, forward_job, in_place, run_planes, tap_offset
from nbnn.kernels._cpu import inner_ranges
from nbnn.kernels._gemm import round_up
from nbnn.kernels._simd import (
    LANES,
    lanes,
    tile_add,
    tile_dot,
    tile_dot_part,
    tile_load,
    tile_store,
    tile_totals,
    tile_zero,
)
from nbnn.kernels._tile import row_offsets

_TAPS = 3  # of one tile, neighbours in a row of the kernel
_ACROSS = 8 if LANES == 16 else 4  # output channels of one tile
_MOST = 16  # output channels of a group
_GRAIN = 1 << 18  # multiply-adds of one chunk


@_jit.shared
def rows_pay(cs, m, sizes):  # type: ignore[no-untyped-def]
    """Whether rows fill the lanes better than channels fill the panels of outer products."""
    if sizes[11] != 1 or sizes[5] < _TAPS or m < 4 or m > _MOST:
        return False
    ours = round_up(m, _ACROSS) * cs * sizes[3] * sizes[4] * round_up(sizes[5], _TAPS) * round_up(sizes[8], LANES)
    theirs = round_up(m, 2 * LANES) * round_up(cs * sizes[3] * sizes[4] * sizes[5], 8) * sizes[8]
    return m <= 8 or 5 * ours < 4 * theirs


@_jit.shared
def _groups_of_taps(sizes):  # type: ignore[no-untyped-def]
    return sizes[3] * sizes[4] * ((sizes[5] + _TAPS - 1) // _TAPS)


@_jit.shared
def rows_workspace(n, groups, cs, m, sizes):  # type: ignore[no-untyped-def]
    """Numbers of scratch space of `rows_gradient`: planes of a block of images, and the lanes of all sums."""
    g = forward_job(*sizes)
    planes = 0 if in_place(g) else image_block(n, groups * cs, g) * groups * cs * g.plane
    return planes + groups * cs * round_up(m, _ACROSS) * _groups_of_taps(sizes) * _TAPS * LANES


def _dots(tile, p, p_at, q_step, grad, at, offsets, g):  # type: ignore[no-untyped-def]
    """Add the dot products of all rows of one image."""
    step = lanes(p)
    for row in range(g.out_z * g.out_y):
        left = p_at + (row // g.out_y * g.q_y + row % g.out_y) * g.q_x
        for px in range(0, g.out_x, step):
            if px + step <= g.out_x:
                tile = tile_dot(tile, p, left + px, q_step, grad, at + px, offsets)
            else:
                tile = tile_dot_part(tile, p, left + px, q_step, grad, at + px, offsets, g.out_x - px)
        at += g.out_x
    return tile


_add_dots = _jit.jit(_dots, inner=True)


@inner_ranges
def _sums(start, stop, grain, out, grad, grad_at, p, p_at, w, sums_at, fresh, last, images, groups, cs, m, g):  # type: ignore[no-untyped-def]
    """Item = (group, block of output channels, input channel): image after image, all taps."""
    blocks, across = (m + _ACROSS - 1) // _ACROSS, (g.taps_x + _TAPS - 1) // _TAPS
    pixels, size, many = g.out_z * g.out_y * g.out_x, _TAPS * _ACROSS * lanes(w), g.taps_z * g.taps_y * across
    for item in range(start, stop):
        group, first, k = item // (blocks * cs), item // cs % blocks * _ACROSS, item % cs
        offsets = row_offsets(pixels, min(_ACROSS, m - first), _ACROSS)
        for image in range(images):
            plane = p_at + ((image * groups + group) * cs + k) * g.plane
            at = grad_at + ((image * groups + group) * m + first) * pixels
            for t in range(many):
                z, y, x = t // (across * g.taps_y), t // across % g.taps_y, min(t % across * _TAPS, g.taps_x - _TAPS)
                tile = tile_zero(w, _TAPS, _ACROSS)
                tile = _add_dots(tile, p, plane + tap_offset(g, z, y, x), g.step_x, grad, at, offsets, g)
                to = sums_at + (item * many + t) * size
                if image > 0 or not fresh:  # sums of images, so that no sum is long
                    tile = tile_add(tile, tile_load(w, to, _ACROSS * lanes(w), _TAPS, _ACROSS))
                tile_store(tile, w, to, _ACROSS * lanes(w))
        for t in range(many if last else 0):
            row, x = t // across * g.taps_x, min(t % across * _TAPS, g.taps_x - _TAPS)
            tile = tile_load(w, sums_at + (item * many + t) * size, _ACROSS * lanes(w), _TAPS, _ACROSS)
            totals = tile_totals(tile)
            for c in range(min(_ACROSS, m - first)):
                to = ((group * m + first + c) * cs + k) * g.taps_z * g.taps_y * g.taps_x + row + x
                for r in range(_TAPS):
                    out[to + r] = totals[r * _ACROSS + c]


_run_sums = _sums.cpu


def _engine(out, grad, x, w, n, groups, cs, m, sizes, pool):  # type: ignore[no-untyped-def]
    """out[o, c, tap] = the sum over images and pixels of the gradient of the output times what the tap sees."""
    g = forward_job(*sizes)
    together, pixels = image_block(n, groups * cs, g), g.out_z * g.out_y * g.out_x
    image, sums_at = g.size_z * g.size_y * g.size_x, 0 if in_place(g) else together * groups * cs * g.plane
    items = groups * ((m + _ACROSS - 1) // _ACROSS) * cs
    for first in range(0, n, together):
        images = min(together, n - first)
        planes, start = x, first * groups * cs * image
        if not in_place(g):
            args = (w, 0, x, start, g)
            run_planes(args, 0, images * groups * cs, fan_grain(images * groups * cs, 2 * g.plane), pool)
            planes, start = w, 0
        work = images * pixels * _groups_of_taps(sizes) * _TAPS * _ACROSS
        args = (out, grad, first * groups * m * pixels, planes, start, w, sums_at, first == 0, first + images == n,
                images, groups, cs, m, g)  # fmt: skip
        _run_sums(args, 0, items, max(1, _GRAIN // max(1, work)), pool)


rows_gradient = _jit.jit(_engine)
