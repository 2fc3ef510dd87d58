"""Convolution as a matrix product whose right side is packed straight from the planes: no matrix of patches is made.

Columns are the output pixels of all images of a block, rows the output channels of a group, steps the taps of its
input channels. A column panel is packed once for each block of steps and multiplied by all rows.
"""

from __future__ import annotations

from typing import NamedTuple

from nbnn import _jit
from nbnn.kernels._conv_planes import (
    fan_grain,
    forward_job,
    forward_place,
    in_place,
    run_planes,
    transposed_job,
)
from nbnn.kernels._conv_simd import load_pair, prefetch, store_every_second
from nbnn.kernels._cpu import address_of, inner_ranges
from nbnn.kernels._gemm import KC, MR, pack_panel, round_up
from nbnn.kernels._simd import (
    LANES,
    lanes,
    load,
    load_part,
    splat,
    store,
    store_part,
    tile_load,
    tile_load_part,
    tile_outer,
    tile_outer_at,
    tile_store,
    tile_store_part,
    tile_zero,
)
from nbnn.kernels._tile import row_offsets, tile_of_rows, tile_prefetch

PLANES = 1 << 21  # numbers of planes in work at once (or one image): 8 MB of float32
_CHUNKS = 64  # of a block of images, each with scratch space of its own
_GRAIN = 1 << 18  # multiply-adds of one chunk
_MOST = 512  # most output channels of an item
_BIG = 1 << 18  # numbers of a weight (1 MB) that is read block of steps by block of steps for all panels of a chunk
_RAW_PIXELS = 256  # output pixels up to which the weight is not worth packing
_BIG_CHUNKS, _BIG_PANELS = 6, 8  # chunks to have then, and most panels of one
_SOME = 64  # steps of a tile between requests for lines of the next panel
_FEW_ROWS = 32  # output channels up to which a panel is not worth packing
_NEAR_ROWS, _NEAR = 128, 6144  # the same, where what a row of the output sees (24 KB) stays in the first cache
_ROWS = 64  # least output channels of an item where few columns are split further


@inner_ranges
def _pack_weight(start, stop, grain, w, w_at, weight, bias, lead, groups, cs, m, flipped, g, place):  # type: ignore[no-untyped-def]
    """Item = (group, panel of MR output channels): a step for the bias, then the taps of cs channels."""
    panels, taps = (m + MR - 1) // MR, g.taps_z * g.taps_y * g.taps_x
    across, along = (place.kernel, m * place.kernel) if flipped else (cs * place.kernel, place.kernel)
    whole = taps == place.kernel  # in order, or all reversed
    runs = (cs if flipped else 1) if whole else cs * g.taps_z * g.taps_y
    length, turn = (taps if flipped else cs * taps) if whole else g.taps_x, place.turn_x
    if whole:
        turn = -1 if flipped else 1
    for item in range(start, stop):
        group, r = item // panels, item % panels * MR
        at = w_at + item * (lead + cs * taps) * MR
        if lead:
            store(w, at, load_part(bias, group * m + r, m - r, MR))
            at += MR
        first = group * cs * m * place.kernel + r * across
        for run in range(runs):
            k, a, b = run // (g.taps_z * g.taps_y), run // g.taps_y % g.taps_z, run % g.taps_y
            if whole:
                k, a, b = run, 0, 0
            tap = (place.tap_z + a * place.turn_z) * place.kernel_y + place.tap_y + b * place.turn_y
            source = first + k * along + tap * place.kernel_x + place.tap_x
            pack_panel(w, at, MR, weight, source, across, turn, m - r, length)
            at += length * MR


def _taps_of_pixels(w, w_at, count, more, x, q, second, channels, g):  # type: ignore[no-untyped-def]
    """Write `count` neighbouring pixels of a row into a panel, under every tap of `channels` planes.

    Two vectors, one, or less than one, with the first `more` pixels of the row that begins `second` further on. Phase
    and position of a tap are carried along: dividing for each tap cost more than the product. Channels go innermost, in
    loops so short that many of their loads, pages apart, are under way at once.
    """
    step, phase, taps = lanes(w), g.q_z * g.q_y * g.q_x, g.taps_z * g.taps_y * g.taps_x
    jump_z, rest_z, jump_y = g.step_z // g.mod_z, g.step_z % g.mod_z, g.step_y // g.mod_y
    rest_y, jump_x, rest_x = g.step_y % g.mod_y, g.step_x // g.mod_x, g.step_x % g.mod_x
    q += (g.first_z * g.q_y + g.first_y) * g.q_x + g.first_x  # first positions are 0 where there are phases
    z, fz = 0, 0
    for _ in range(g.taps_z):
        y, fy = 0, 0
        for _ in range(g.taps_y):
            source, fx = q + (fz * g.kept_y + fy) * g.kept_x * phase + (z * g.q_y + y) * g.q_x, 0
            for _ in range(g.taps_x):
                at, to = source, w_at
                if count == 2 * step:
                    for _ in range(channels):
                        store(w, to, load(x, at))
                        store(w, to + step, load(x, at + step))
                        at += g.plane
                        to += taps * 2 * step
                elif count == step:
                    for _ in range(channels):
                        store(w, to, load(x, at))
                        at += g.plane
                        to += taps * 2 * step
                else:
                    for _ in range(channels):
                        store_part(w, to, load_pair(x, at, count, at + second, more), count + more)
                        at += g.plane
                        to += taps * 2 * step
                w_at += 2 * step
                source, fx = source + jump_x + rest_x * phase, fx + rest_x
                if fx >= g.mod_x:
                    source, fx = source + 1 - g.mod_x * phase, fx - g.mod_x
            y, fy = y + jump_y, fy + rest_y
            if fy >= g.mod_y:
                y, fy = y + 1, fy - g.mod_y
        z, fz = z + jump_z, fz + rest_z
        if fz >= g.mod_z:
            z, fz = z + 1, fz - g.mod_z


_pack_taps = _jit.jit(_taps_of_pixels, inner=True)


@_jit.shared
def run_length(g):  # type: ignore[no-untyped-def]
    """Output pixels that lie side by side in a plane: a row, or all of them where rows follow each other."""
    return g.out_z * g.out_y * g.out_x if g.q_x == g.out_x and g.q_y == g.out_y else g.out_x


def _place_of_pixel(pixel, pixels, image_step, g):  # type: ignore[no-untyped-def]
    """Where the first tap sees a pixel, counted through all images."""
    image, row, px = pixel // pixels, pixel % pixels // g.out_x, pixel % g.out_x
    return image * image_step + (row // g.out_y * g.q_y + row % g.out_y) * g.q_x + px


_place_of = _jit.jit(_place_of_pixel, inner=True)


def _panel(w, w_at, columns, x, x_at, pixel, image_step, channels, g):  # type: ignore[no-untyped-def]
    """A panel of `columns` output pixels from `pixel` on, vector by vector; one that two rows share in one go."""
    pixels, length, step, done = g.out_z * g.out_y * g.out_x, run_length(g), lanes(w), 0
    while done < columns:
        at, more, second = pixel + done, 0, 0
        q, left = _place_of(at, pixels, image_step, g), min(length - at % length, columns - done)
        count = min(step, left)
        if left >= 2 * step:
            count = 2 * step
        elif left < step and done + left < columns:
            more = min(length, columns - done - left, step - left)
            second = _place_of(at + left, pixels, image_step, g) - q
        _pack_taps(w, w_at + done, count, more, x, x_at + q, second, channels, g)
        done += count + more


_pack_pixels = _jit.jit(_panel, inner=True)


def _copy_out(out, out_at, image_step, w, w_at, rows, columns, first, pixels, down, across, g, place):  # type: ignore[no-untyped-def]
    """Spread a block of `rows` x `columns` numbers over the pixels that a job works on.

    Column j is pixel first + j, counted in images of `pixels`, layers of `down` rows, rows of `across`; a pixel outside
    the output is left out.
    """
    full, step, done = place.full_z * place.full_y * place.full_x, lanes(w), 0
    while done < columns:
        image, at = (first + done) // pixels, (first + done) % pixels
        row, px = at // across, at % across
        count = min(across - px, columns - done)
        useful = min(g.out_x - px, count) if row % down < g.out_y else 0
        z, y = place.at_z + row // down * place.by_z, place.at_y + row % down * place.by_y
        target = out_at + image * image_step + (z * place.full_y + y) * place.full_x + place.at_x + px * place.by_x
        source = w_at + done
        for _ in range(rows if useful > 0 else 0):
            if place.by_x == 1:
                for j in range(0, useful, step):
                    store_part(out, target + j, load_part(w, source + j, useful - j), useful - j)
            elif place.by_x == 2:
                for j in range(0, useful, step):
                    store_every_second(out, target + 2 * j, load_part(w, source + j, useful - j), useful - j)
            else:
                for j in range(useful):
                    out[target + j * place.by_x] = w[source + j]
            source += 2 * step
            target += full
        done += count


_unload = _jit.jit(_copy_out, inner=True)


class Rows(NamedTuple):
    """Where the left side of the product lies: the packed weight, or the weight itself."""

    at: int  # the first number
    group: int  # from one group to the next, and so on
    row: int
    channel: int
    across: int  # rows of one tile
    step: int  # taps


@_jit.shared
def _rows_of(packed, at, groups, cs, m, flipped, taps, kernel):  # type: ignore[no-untyped-def]
    if packed:
        return Rows(at, round_up(m, MR) * cs * taps, cs * taps, taps * MR, 1, MR)
    if flipped:
        return Rows(kernel - 1, cs * m * kernel, kernel, m * kernel, kernel, -1)
    return Rows(0, m * cs * kernel, cs * kernel, kernel, cs * kernel, 1)


def _add_steps(
    c, c_at, ldc, a, a_at, across, step, jump, channels, taps, b, b_at, rows, columns, fresh, bias, bias_at, lead, x,
    ahead, apart, some,
):  # type: ignore[no-untyped-def]  # fmt: skip
    """`multiply_panels` whose rows are read from a weight: `step` between taps, `jump` more between channels."""
    full = rows == MR and columns == 2 * lanes(c)
    if fresh and lead:
        tile = tile_of_rows(bias, bias_at, row_offsets(1, rows, MR), 2)
    elif fresh:
        tile = tile_zero(c, MR, 2)
    elif full:
        tile = tile_load(c, c_at, ldc, MR, 2)
    else:
        tile = tile_load_part(c, c_at, ldc, MR, 2, rows, columns)
    tile_prefetch(tile, c, c_at + MR * ldc, ldc)
    if step == MR and rows == MR:
        for _ in range(channels * taps // _SOME):
            for _ in range(some):
                prefetch(x, ahead)
                prefetch(x, ahead + lanes(c))
                ahead += apart
            for _ in range(_SOME):
                tile = tile_outer(tile, a, a_at, 1, b, b_at)
                a_at += MR
                b_at += 2 * lanes(c)
        for _ in range(channels * taps % _SOME):
            tile = tile_outer(tile, a, a_at, 1, b, b_at)
            a_at += MR
            b_at += 2 * lanes(c)
    else:
        offsets = row_offsets(across, rows, MR)
        for _ in range(channels):
            for _ in range(taps):
                tile = tile_outer_at(tile, a, a_at, offsets, b, b_at)
                a_at += step
                b_at += 2 * lanes(c)
            a_at += jump
    if full:
        tile_store(tile, c, c_at, ldc)
    else:
        tile_store_part(tile, c, c_at, ldc, rows, columns)


_multiply_steps = _jit.jit(_add_steps, inner=True)


@inner_ranges
def _multiply(
    start, stop, grain, out, out_at, x, x_at, a, w, scratch, size, blocks, images, bias, lead, groups, cs, m, from_, g,
    place,
):  # type: ignore[no-untyped-def]  # fmt: skip
    """Item = (group, block of rows, panel of output pixels): pack its patches, multiply by the rows of the weight.

    A weight that the second cache cannot hold is read once for all items of a chunk: block of steps after block.
    """
    width, taps, pixels = 2 * lanes(w), g.taps_z * g.taps_y * g.taps_x, g.out_z * g.out_y * g.out_x
    full, depth = place.full_z * place.full_y * place.full_x, max(1, KC // max(1, taps))
    panels = (images * pixels + width - 1) // width
    rows, jump = round_up((m + blocks - 1) // blocks, MR), from_.channel - taps * from_.step
    panel_at, phase = scratch + start // grain * size, max(1, g.q_z * g.q_y * g.q_x)
    bottom = ((g.taps_z - 1) * g.step_z // g.mod_z * g.q_y + (g.taps_y - 1) * g.step_y // g.mod_y) * g.q_x
    for k in range(0, max(cs, 1), depth):
        channels = min(depth, cs - k)
        parts, requests = max(1, channels * taps // _SOME), channels * (g.plane // phase)
        for item in range(start, stop):
            group, pixel = item // (panels * blocks), item % panels * width
            first = item // panels % blocks * rows
            columns, last = min(width, images * pixels - pixel), min(m, first + rows)
            inside = pixel % pixels + columns <= pixels and full == pixels
            out_from = out_at + (group * m + first) * full
            slot = item - start if depth < cs else 0
            tiles, c_at, ldc = w, panel_at + (depth * taps + slot * rows) * width, width
            tile_at = c_at
            if inside:
                tiles, c_at, ldc = out, out_from + pixel // pixels * groups * m * full + pixel % pixels, pixels
            source = x_at + (group * cs + k) * g.plane
            _pack_pixels(w, panel_at, columns, x, source, pixel, groups * cs * g.plane, channels, g)
            ahead = (
                source + bottom + _place_of(min(pixel + width, images * pixels - 1), pixels, groups * cs * g.plane, g)
            )
            some, left = (requests + 8 * parts - 1) // (8 * parts), requests
            for r in range(first, last, MR):
                high, wide, at = min(MR, m - r), columns if inside else width, c_at + (r - first) * ldc
                a_at = from_.at + group * from_.group + r * from_.row + k * from_.channel
                _multiply_steps(
                    tiles, at, ldc, a, a_at, from_.across, from_.step, jump, channels, taps, w, panel_at, high, wide,
                    k == 0, bias, group * m + r, lead, x, ahead, phase, some,
                )  # fmt: skip
                ahead, left = ahead + parts * some * phase, left - parts * some
                if left <= 0:
                    some = 0
            if not inside and k + depth >= cs:
                _unload(
                    out, out_from, groups * m * full, w, tile_at, last - first, columns, pixel, pixels, g.out_y,
                    g.out_x, g, place,
                )  # fmt: skip


def _tile_of_taps(tile, w, a_at, x, q, channels, g):  # type: ignore[no-untyped-def]
    """Add the outer products of all taps of `channels` planes, read where they lie; positions as in `_taps_of_run`."""
    phase = g.q_z * g.q_y * g.q_x
    jump_z, rest_z, jump_y = g.step_z // g.mod_z, g.step_z % g.mod_z, g.step_y // g.mod_y
    rest_y, jump_x, rest_x = g.step_y % g.mod_y, g.step_x // g.mod_x, g.step_x % g.mod_x
    q += (g.first_z * g.q_y + g.first_y) * g.q_x + g.first_x
    for _ in range(channels):
        z, fz = 0, 0
        for _ in range(g.taps_z):
            y, fy = 0, 0
            for _ in range(g.taps_y):
                source, fx = q + (fz * g.kept_y + fy) * g.kept_x * phase + (z * g.q_y + y) * g.q_x, 0
                for _ in range(g.taps_x):
                    tile = tile_outer(tile, w, a_at, 1, x, source)
                    a_at += MR
                    source, fx = source + jump_x + rest_x * phase, fx + rest_x
                    if fx >= g.mod_x:
                        source, fx = source + 1 - g.mod_x * phase, fx - g.mod_x
                y, fy = y + jump_y, fy + rest_y
                if fy >= g.mod_y:
                    y, fy = y + 1, fy - g.mod_y
            z, fz = z + jump_z, fz + rest_z
            if fz >= g.mod_z:
                z, fz = z + 1, fz - g.mod_z
        q += g.plane
    return tile


# Inlined, the tile stays in registers: 32x1x28x28 to 16 channels, 3 x 3, takes 0.15 instead of 0.21 ms.
_add_taps = _jit.jit(_tile_of_taps, inner=True, inline=True)


@_jit.shared
def _span(g):  # type: ignore[no-untyped-def]
    """Positions of a plane from the first output pixel to the last."""
    return ((g.out_z - 1) * g.q_y + g.out_y - 1) * g.q_x + g.out_x


@inner_ranges
def _multiply_unpacked(start, stop, grain, out, out_at, w, w_at, scratch, size, lead, groups, cs, m, g, place):  # type: ignore[no-untyped-def]
    """Item = (image and group, panel of positions of a plane): where few rows would not repay packing a panel.

    The planes stand at the beginning of w; positions between the rows of the output are computed and left out.
    """
    width, steps, span = 2 * lanes(w), lead + cs * g.taps_z * g.taps_y * g.taps_x, _span(g)
    panels, ones = (span + width - 1) // width, scratch + start // grain * size
    tile_at = ones + width
    store(w, ones, splat(type(w[0])(1)))
    store(w, ones + lanes(w), splat(type(w[0])(1)))
    for item in range(start, stop):
        group, q = item // panels, item % panels * width
        for r in range(0, m, MR):
            a_at = w_at + (group % groups * round_up(m, MR) + r) * steps
            tile = tile_zero(w, MR, 2)
            if lead:
                tile = tile_outer(tile, w, a_at, 1, w, ones)
            tile = _add_taps(tile, w, a_at + lead * MR, w, group * cs * g.plane + q, cs, g)
            tile_store(tile, w, tile_at + r * width, width)
        full = place.full_z * place.full_y * place.full_x
        columns = min(width, span - q)
        _unload(out, out_at + group * m * full, 0, w, tile_at, m, columns, q, span, g.q_y, g.q_x, g, place)


@inner_ranges
def _multiply_rows(start, stop, grain, out, out_at, w, w_at, scratch, size, lead, groups, cs, m, g, place):  # type: ignore[no-untyped-def]
    """Item = (image and group, output row): as `_multiply_unpacked`, from the planes straight into the output."""
    width, steps, full = 2 * lanes(w), lead + cs * g.taps_z * g.taps_y * g.taps_x, place.full_z * place.full_y
    full, ones = full * place.full_x, scratch + start // grain * size
    store(w, ones, splat(type(w[0])(1)))
    store(w, ones + lanes(w), splat(type(w[0])(1)))
    for item in range(start, stop):
        group, z, y = item // (g.out_z * g.out_y), item // g.out_y % g.out_z, item % g.out_y
        q = group * cs * g.plane + (z * g.q_y + y) * g.q_x
        to = out_at + group * m * full + (place.at_z + z * place.by_z) * place.full_y * place.full_x
        to += (place.at_y + y * place.by_y) * place.full_x + place.at_x
        for r in range(0, m, MR):
            a_at = w_at + (group % groups * round_up(m, MR) + r) * steps
            for px in range(0, g.out_x, width):
                if g.out_x - px > lanes(w):
                    tile = tile_zero(w, MR, 2)
                    if lead:
                        tile = tile_outer(tile, w, a_at, 1, w, ones)
                    tile = _add_taps(tile, w, a_at + lead * MR, w, q + px, cs, g)
                    if m - r >= MR and g.out_x - px >= width:
                        tile_store(tile, out, to + r * full + px, full)
                    else:
                        tile_store_part(tile, out, to + r * full + px, full, min(MR, m - r), min(width, g.out_x - px))
                else:
                    half = tile_zero(w, MR, 1)
                    if lead:
                        half = tile_outer(half, w, a_at, 1, w, ones)
                    half = _add_taps(half, w, a_at + lead * MR, w, q + px, cs, g)
                    tile_store_part(half, out, to + r * full + px, full, min(MR, m - r), g.out_x - px)


@_jit.shared
def _fills_rows(g):  # type: ignore[no-untyped-def]
    """Whether panels that begin with each row of the output compute little more than panels of a whole plane."""
    return 20 * round_up(g.out_x, LANES) * g.out_y * g.out_z <= 23 * _span(g)


@_jit.shared
def image_block(n, channels, g):  # type: ignore[no-untyped-def]
    """Images whose planes are in work at once."""
    return min(max(1, PLANES // max(1, channels * g.plane)), n)


@_jit.shared
def phase_count(flipped, sizes):  # type: ignore[no-untyped-def]
    """Jobs of a convolution: one, or (transposed) one for each remainder of the output position by the stride."""
    if not flipped:
        return 1
    return min(sizes[9], sizes[0]) * min(sizes[10], sizes[1]) * min(sizes[11], sizes[2])


@_jit.shared
def phase_job(flipped, phase, sizes):  # type: ignore[no-untyped-def]
    """(job, place) number `phase` for the sizes d, h, w, kd, kh, kw, od, oh, ow, strides, pads, dilations."""
    if not flipped:
        return forward_job(*sizes), forward_place(sizes[3], sizes[4], sizes[5], sizes[6], sizes[7], sizes[8])
    count_y, count_x = min(sizes[10], sizes[1]), min(sizes[11], sizes[2])
    z, y, x = phase // (count_y * count_x), phase // count_x % count_y, phase % count_x
    return transposed_job((z * sizes[10] + y) * sizes[11] + x, *sizes)


@_jit.shared
def _few_rows(cs, m, g):  # type: ignore[no-untyped-def]
    """Whether packing a panel would not be repaid: few rows, and not many positions between those of the output."""
    near = m <= _NEAR_ROWS and cs * g.taps_z * g.taps_y * g.kept_x * g.q_x <= _NEAR and _fills_rows(g)
    return (m <= _FEW_ROWS and (cs > 1 or _fills_rows(g)) or near) and 6 * g.out_x >= 5 * g.q_x


@_jit.shared
def _reads_source(cs, m, g):  # type: ignore[no-untyped-def]
    """Whether no planes are made."""
    return in_place(g) and not (_few_rows(cs, m, g) and g.taps_z * g.taps_y * g.taps_x > 1)


@_jit.shared
def _reads_weight(direct, n, groups, cs, m, flipped, phases, kernel, g):  # type: ignore[no-untyped-def]
    """Whether the weight is read as it lies: it serves few panels, and its rows do not fall on the same cache sets."""
    few = n * g.out_z * g.out_y * g.out_x <= _RAW_PIXELS and (direct or not _few_rows(cs, m, g))
    whole = phases == 1 and g.taps_z * g.taps_y * g.taps_x == kernel
    return whole and few and (flipped or cs * kernel % 1024 != 0)


@_jit.shared
def _plan(width, images, groups, cs, m, g):  # type: ignore[no-untyped-def]
    """(blocks of rows, items, items of a chunk, numbers of scratch space of a chunk) of `_multiply`."""
    taps, pixels = g.taps_z * g.taps_y * g.taps_x, images * g.out_z * g.out_y * g.out_x
    panels, depth = (pixels + width - 1) // width, max(1, KC // max(1, taps))
    blocks = max(1, min((7 + panels * groups) // max(1, panels * groups), m // _ROWS), (m + _MOST - 1) // _MOST)
    rows, items = round_up((m + blocks - 1) // blocks, MR), groups * panels * blocks
    grain = max((items + _CHUNKS - 1) // _CHUNKS, _GRAIN // max(1, cs * taps * (rows + 8) * width), 1)
    if m * cs * taps > _BIG:
        grain = max(grain, min(_BIG_PANELS, (panels + _BIG_CHUNKS - 1) // _BIG_CHUNKS))
    slots = grain if depth < cs else 1
    return blocks, items, grain, (depth * taps + slots * rows) * width


@_jit.shared
def _weight_size(lead, groups, cs, m, phases, kernel):  # type: ignore[no-untyped-def]
    """The packed weight of all jobs: every tap belongs to one of them."""
    return groups * round_up(m, MR) * (lead * phases + cs * kernel)


@_jit.shared
def gemm_workspace(n, groups, cs, m, flipped, sizes):  # type: ignore[no-untyped-def]
    """Numbers of scratch space of `gemm_convolve`: the planes of a block of images, 64 chunks, the packed weight."""
    g, _ = phase_job(flipped, 0, sizes)
    kernel, phases, images = sizes[3] * sizes[4] * sizes[5], phase_count(flipped, sizes), image_block(n, groups * cs, g)
    planes = 0 if _reads_source(cs, m, g) else images * groups * cs * g.plane
    weight = _weight_size(1, groups, cs, m, phases, kernel)
    return planes + 16 + _scratch_size(images, groups, cs, m, flipped, sizes) + weight  # 16: to begin at a cache line


@_jit.shared
def _scratch_size(images, groups, cs, m, flipped, sizes):  # type: ignore[no-untyped-def]
    """Scratch space of all chunks: a panel of pixels each, and the tiles that are not written in place."""
    most, (first, _) = 0, phase_job(flipped, 0, sizes)
    for phase in range(phase_count(flipped, sizes)):
        g, _ = phase_job(flipped, phase, sizes)
        if not _reads_source(cs, m, first) and _few_rows(cs, m, g):
            most = max(most, _CHUNKS * (1 + round_up(m, MR)) * 2 * LANES)
        else:
            for width in (LANES, 2 * LANES):  # float64, float32
                _, items, grain, size = _plan(width, images, groups, cs, m, g)
                most = max(most, (items + grain - 1) // grain * size)
    return most


_run_weight, _run_multiply = _pack_weight.cpu, _multiply.cpu
_run_unpacked, _run_rows = _multiply_unpacked.cpu, _multiply_rows.cpu


def _one_job(
    out, out_at, x, x_at, a, bias, w, scratch, together, images, lead, direct, groups, cs, m, from_, g, place, pool
):  # type: ignore[no-untyped-def]
    """Multiply the planes of a block of images by the weight of one job."""
    width, taps = 2 * lanes(w), g.taps_z * g.taps_y * g.taps_x
    if images * groups * g.out_z * g.out_y * g.out_x * m == 0:
        return
    if not direct and _few_rows(cs, m, g):
        rows = place.by_x == 1 and _fills_rows(g)
        steps, items = lead + cs * taps, images * groups * ((_span(g) + width - 1) // width)
        if rows:
            items, width = images * groups * g.out_z * g.out_y, round_up(g.out_x, width)
        grain = max((items + _CHUNKS - 1) // _CHUNKS, _GRAIN // max(1, steps * (m + 8) * width), 1)
        size = (1 + round_up(m, MR)) * 2 * LANES if pool != 0 else 0
        args = (out, out_at, w, from_.at, scratch, size, lead, groups, cs, m, g, place)
        if rows:
            _run_rows(args, 0, items, grain, pool)
        else:
            _run_unpacked(args, 0, items, grain, pool)
    else:
        blocks, _, grain, size = _plan(width, together, groups, cs, m, g)
        if pool == 0:  # one scratch space for all chunks, which stays in the nearer caches: about 2 %
            size = 0
        items = groups * blocks * ((images * g.out_z * g.out_y * g.out_x + width - 1) // width)
        args = (out, out_at, x, x_at, a, w, scratch, size, blocks, images, bias, lead, groups, cs, m, from_, g, place)
        _run_multiply(args, 0, items, grain, pool)


_run_job = _jit.jit(_one_job, inner=True)


def _engine(out, x, weight, added, lead, w, n, groups, cs, m, flipped, sizes, pool):  # type: ignore[no-untyped-def]
    """Convolve x, cs channels for each group, into m channels of `out` for each; `added` is the bias if `lead`."""
    kernel, phases = sizes[3] * sizes[4] * sizes[5], phase_count(flipped, sizes)
    g, place = phase_job(flipped, 0, sizes)
    direct, together = _reads_source(cs, m, g), image_block(n, groups * cs, g)
    packed = not _reads_weight(direct, n, groups, cs, m, flipped, phases, kernel, g)
    image, full = groups * cs * g.size_z * g.size_y * g.size_x, place.full_z * place.full_y * place.full_x
    scratch = 0 if direct else together * groups * cs * g.plane
    scratch += -(address_of(w) // w.itemsize + scratch) % (64 // w.itemsize)  # vectors across two cache lines cost more
    first_weight = scratch + _scratch_size(together, groups, cs, m, flipped, sizes)
    at = first_weight
    for phase in range(phases if packed else 0):
        g, place = phase_job(flipped, phase, sizes)
        before = lead if not direct and _few_rows(cs, m, g) else 0
        steps = before + cs * g.taps_z * g.taps_y * g.taps_x
        args = (w, at, weight, added, before, groups, cs, m, flipped, g, place)
        _run_weight(args, 0, groups * ((m + MR - 1) // MR), max(1, _GRAIN // (max(1, steps) * MR * 8)), pool)
        at += groups * round_up(m, MR) * steps
    for first in range(0, n, max(1, together)):
        images = min(together, n - first)
        g, place = phase_job(flipped, 0, sizes)
        planes, start = (x, first * image) if direct else (w, 0)
        if not direct:
            args = (w, 0, x, first * image, g)
            run_planes(args, 0, images * groups * cs, fan_grain(images * groups * cs, 2 * g.plane), pool)
        at = first_weight
        for phase in range(phases):
            g, place = phase_job(flipped, phase, sizes)
            taps = g.taps_z * g.taps_y * g.taps_x
            rows = _rows_of(packed, at, groups, cs, m, flipped, taps, kernel)
            _run_job(out, first * groups * m * full, planes, start, w if packed else weight, added, w, scratch,
                     together, images, lead, direct, groups, cs, m, rows, g, place, pool)  # fmt: skip
            at += groups * round_up(m, MR) * ((lead if not direct and _few_rows(cs, m, g) else 0) + cs * taps)


gemm_convolve = _jit.jit(_engine)
