"""Convolution as a matrix product whose right side is packed straight from the planes: no matrix of patches is made.

Columns are the output pixels of all images of a block, rows the output channels of a group, steps the taps of its
input channels. A column panel is packed once for each block of steps and multiplied by all rows.
"""

from __future__ import annotations

from nbnn import _jit
from nbnn.kernels._conv_planes import (
    fan_grain,
    forward_job,
    forward_place,
    in_place,
    run_planes,
    transposed_job,
)
from nbnn.kernels._conv_simd import prefetch
from nbnn.kernels._cpu import inner_ranges
from nbnn.kernels._gemm import KC, MR, multiply_panels, pack_panel, round_up
from nbnn.kernels._simd import (
    LANES,
    lanes,
    load_part,
    splat,
    store,
    store_part,
    tile_outer,
    tile_store,
    tile_zero,
)

PLANES = 1 << 21  # numbers of planes in work at once (or one image): 8 MB of float32
_CHUNKS = 64  # of a block of images, each with scratch space of its own
_GRAIN = 1 << 18  # multiply-adds of one chunk
_MOST = 512  # most output channels of an item
_FEW_ROWS = 64  # output channels up to which a panel is not worth packing
_ROWS = 64  # least output channels of an item where few columns are split further


@inner_ranges
def _pack_weight(start, stop, grain, w, w_at, weight, bias, lead, groups, cs, m, flipped, g, place):  # type: ignore[no-untyped-def]
    """Item = (group, panel of MR output channels): a step for the bias, then the taps of cs channels."""
    panels, taps = (m + MR - 1) // MR, g.taps_z * g.taps_y * g.taps_x
    across, along = (place.kernel, m * place.kernel) if flipped else (cs * place.kernel, place.kernel)
    whole = taps == place.kernel  # in order, or all reversed
    runs = (cs if flipped else 1) if whole else cs * g.taps_z * g.taps_y
    length = (taps if flipped else cs * taps) if whole else g.taps_x
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
            pack_panel(w, at, MR, weight, source, across, place.turn_x, m - r, length)
            at += length * MR


def _taps_of_run(w, w_at, count, x, q, channels, g):  # type: ignore[no-untyped-def]
    """Write `count` neighbouring pixels of a row into a panel, under every tap of `channels` planes.

    Phase and position of a tap are carried along: dividing for each tap cost more than the product.
    """
    step, phase = lanes(w), g.q_z * g.q_y * g.q_x
    jump_z, rest_z, jump_y = g.step_z // g.mod_z, g.step_z % g.mod_z, g.step_y // g.mod_y
    rest_y, jump_x, rest_x = g.step_y % g.mod_y, g.step_x // g.mod_x, g.step_x % g.mod_x
    q += (g.first_z * g.q_y + g.first_y) * g.q_x + g.first_x  # first positions are 0 where there are phases
    for _ in range(channels):
        z, fz = 0, 0
        for _ in range(g.taps_z):
            y, fy = 0, 0
            for _ in range(g.taps_y):
                source, fx = q + (fz * g.kept_y + fy) * g.kept_x * phase + (z * g.q_y + y) * g.q_x, 0
                for _ in range(g.taps_x):
                    prefetch(x, source + 2 * step)  # of the next panel: channels lie pages apart, unseen by the machine
                    store_part(w, w_at, load_part(x, source, count), count)
                    if count > step:
                        store_part(w, w_at + step, load_part(x, source + step, count - step), count - step)
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
        q += g.plane


_pack_run = _jit.jit(_taps_of_run, inner=True)


@_jit.shared
def run_length(g):  # type: ignore[no-untyped-def]
    """Output pixels that lie side by side in a plane: a row, or all of them where rows follow each other."""
    return g.out_z * g.out_y * g.out_x if g.q_x == g.out_x and g.q_y == g.out_y else g.out_x


def _runs_of_panel(w, w_at, columns, x, x_at, pixel, image_step, channels, g):  # type: ignore[no-untyped-def]
    """A panel of `columns` output pixels from `pixel` on, run by run."""
    pixels, length, done = g.out_z * g.out_y * g.out_x, run_length(g), 0
    while done < columns:
        image, at = (pixel + done) // pixels, (pixel + done) % pixels
        row, px = at // g.out_x, at % g.out_x
        count = min(length - at % length, columns - done)
        q = (row // g.out_y * g.q_y + row % g.out_y) * g.q_x + px
        _pack_run(w, w_at + done, count, x, x_at + image * image_step + q, channels, g)
        done += count


_pack_pixels = _jit.jit(_runs_of_panel, inner=True)


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
            else:
                for j in range(useful):
                    out[target + j * place.by_x] = w[source + j]
            source += 2 * step
            target += full
        done += count


_unload = _jit.jit(_copy_out, inner=True)


@_jit.shared
def _row_blocks(panels, m):  # type: ignore[no-untyped-def]
    """Blocks that the rows are cut into, so that also few columns give eight items."""
    return max(1, min((7 + panels) // max(1, panels), m // _ROWS))


@inner_ranges
def _multiply(
    start, stop, grain, out, out_at, x, x_at, w, w_at, scratch, size, blocks, images, lead, groups, cs, m, g, place
):  # type: ignore[no-untyped-def]
    """Item = (group, panel of output pixels, block of rows): pack its patches, multiply by the rows of the weight."""
    width, taps, pixels = 2 * lanes(w), g.taps_z * g.taps_y * g.taps_x, g.out_z * g.out_y * g.out_x
    full, steps = place.full_z * place.full_y * place.full_x, lead + cs * taps
    panels, depth = (images * pixels + width - 1) // width, max(1, KC // max(1, taps))
    rows = round_up((m + blocks - 1) // blocks, MR)
    panel_at = scratch + start // grain * size
    tile_at = panel_at + size - rows * width
    for item in range(start, stop):
        group, pixel = item // (panels * blocks), item // blocks % panels * width
        first = item % blocks * rows
        columns, last = min(width, images * pixels - pixel), min(m, first + rows)
        inside = pixel % pixels + columns <= pixels and full == pixels
        out_from = out_at + (group * m + first) * full
        tiles, c_at, ldc = w, tile_at, width
        if inside:
            tiles, c_at, ldc = out, out_from + pixel // pixels * groups * m * full + pixel % pixels, pixels
        for k in range(0, max(cs, 1), depth):
            channels, more = min(depth, cs - k), lead if k == 0 else 0
            if more:
                store(w, panel_at, splat(type(w[0])(1)))
                store(w, panel_at + lanes(w), splat(type(w[0])(1)))
            source = x_at + (group * cs + k) * g.plane
            _pack_pixels(w, panel_at + more * width, columns, x, source, pixel, groups * cs * g.plane, channels, g)
            a_at = w_at + group * round_up(m, MR) * steps + first * steps + (lead - more + k * taps) * MR
            for r in range(first, last, MR):
                height, wide = (min(MR, m - r), columns) if inside else (MR, width)
                multiply_panels(
                    tiles, c_at + (r - first) * ldc, ldc, w, a_at, w, panel_at, more + channels * taps, height, wide,
                    k == 0,
                )  # fmt: skip
                a_at += steps * MR
        if not inside:
            _unload(
                out, out_from, groups * m * full, w, tile_at, last - first, columns, pixel, pixels, g.out_y, g.out_x, g,
                place,
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


_add_taps = _jit.jit(_tile_of_taps, inner=True)


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
def _scratch_size(cs, m, kernel):  # type: ignore[no-untyped-def]
    """Scratch space of one chunk: a panel of pixels, and a column of tiles that are not written in place."""
    return (1 + min(cs * kernel, max(KC, kernel)) + round_up(min(m, _MOST), MR)) * 2 * LANES


@_jit.shared
def _weight_size(lead, groups, cs, m, phases, kernel):  # type: ignore[no-untyped-def]
    """The packed weight of all jobs: every tap belongs to one of them."""
    return groups * round_up(m, MR) * (lead * phases + cs * kernel)


@_jit.shared
def gemm_workspace(n, groups, cs, m, flipped, sizes):  # type: ignore[no-untyped-def]
    """Numbers of scratch space of `gemm_convolve`: the packed weight, the planes of a block of images, 64 panels."""
    g, _ = phase_job(flipped, 0, sizes)
    kernel = sizes[3] * sizes[4] * sizes[5]
    weight = _weight_size(1, groups, cs, m, phase_count(flipped, sizes), kernel)
    planes = 0 if in_place(g) else image_block(n, groups * cs, g) * groups * cs * g.plane
    return weight + planes + _CHUNKS * _scratch_size(cs, m, kernel)


_run_weight, _run_multiply, _run_unpacked = _pack_weight.cpu, _multiply.cpu, _multiply_unpacked.cpu


def _one_job(out, out_at, x, x_at, own, w, scratch, weight_at, lead, images, groups, cs, m, kernel, g, place, pool):  # type: ignore[no-untyped-def]
    """Multiply the planes of a block of images by the packed weight of one job."""
    width, steps = 2 * lanes(w), lead + cs * g.taps_z * g.taps_y * g.taps_x
    panels = (images * g.out_z * g.out_y * g.out_x + width - 1) // width
    blocks = max(_row_blocks(panels * groups, m), (m + _MOST - 1) // _MOST)
    items = groups * panels * blocks
    size, panels = _scratch_size(cs, m, kernel), (_span(g) + width - 1) // width
    if items > 0 and own and m <= _FEW_ROWS and 3 * g.out_x >= 2 * g.q_x:
        items = images * groups * panels
        grain = max((items + _CHUNKS - 1) // _CHUNKS, _GRAIN // max(1, steps * (m + 8) * width), 1)
        args = (out, out_at, w, weight_at, scratch, size, lead, groups, cs, m, g, place)
        _run_unpacked(args, 0, items, grain, pool)
    elif items > 0:
        grain = max((items + _CHUNKS - 1) // _CHUNKS, _GRAIN * blocks // max(1, steps * (m + 8) * width), 1)
        args = (out, out_at, x, x_at, w, weight_at, scratch, size, blocks, images, lead, groups, cs, m, g, place)
        _run_multiply(args, 0, items, grain, pool)


_run_job = _jit.jit(_one_job, inner=True)


def _engine(out, x, weight, added, lead, w, n, groups, cs, m, flipped, sizes, pool):  # type: ignore[no-untyped-def]
    """Convolve x, cs channels for each group, into m channels of `out` for each; `added` is the bias if `lead`."""
    kernel, phases = sizes[3] * sizes[4] * sizes[5], phase_count(flipped, sizes)
    g, place = phase_job(flipped, 0, sizes)
    direct, together = in_place(g), image_block(n, groups * cs, g)
    image, full = groups * cs * g.size_z * g.size_y * g.size_x, place.full_z * place.full_y * place.full_x
    scratch = 0 if direct else together * groups * cs * g.plane
    first_weight = scratch + _CHUNKS * _scratch_size(cs, m, kernel)
    at = first_weight
    for phase in range(phases):
        g, place = phase_job(flipped, phase, sizes)
        steps = lead + cs * g.taps_z * g.taps_y * g.taps_x
        args = (w, at, weight, added, lead, groups, cs, m, flipped, g, place)
        _run_weight(args, 0, groups * ((m + MR - 1) // MR), max(1, _GRAIN // (max(1, steps) * MR * 8)), pool)
        at += groups * round_up(m, MR) * steps
    for first in range(0, n, max(1, together)):
        images = min(together, n - first)
        if not direct:
            args = (w, 0, x, first * image, g)
            run_planes(args, 0, images * groups * cs, fan_grain(images * groups * cs, 2 * g.plane), pool)
        at = first_weight
        for phase in range(phases):
            g, place = phase_job(flipped, phase, sizes)
            planes, start = (x, first * image) if direct else (w, 0)
            _run_job(out, first * groups * m * full, planes, start, not direct, w, scratch, at, lead, images, groups,
                     cs, m, kernel, g, place, pool)  # fmt: skip
            at += groups * round_up(m, MR) * (lead + cs * g.taps_z * g.taps_y * g.taps_x)


gemm_convolve = _jit.jit(_engine)
