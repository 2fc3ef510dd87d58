"""The gradient of a convolution to its weight.

Many output channels: an outer product for each pixel. The pixels under 8 taps are read where they lie in the planes,
the gradient of the output is turned so that the channels of one pixel lie side by side; nothing is unfolded. Few output
channels: dot products of rows for four taps at a time. Only what meets a pixel of the output is read, so that
an infinity reaches the same weights as in the body.
"""

from __future__ import annotations

from nbnn import _jit
from nbnn.kernels._conv_few import band_rows
from nbnn.kernels._conv_gemm import PLANES, run_length
from nbnn.kernels._conv_planes import band_job, fan_grain, forward_job, in_place, make_plane, run_planes, tap_offset
from nbnn.kernels._conv_weight_rows import rows_gradient, rows_pay, rows_workspace
from nbnn.kernels._cpu import inner_ranges
from nbnn.kernels._gemm import pack_panel, round_up
from nbnn.kernels._simd import (
    LANES,
    gather,
    lanes,
    load,
    load_part,
    store_part,
    tile_add,
    tile_dot,
    tile_dot_part,
    tile_load,
    tile_outer_at,
    tile_store,
    tile_store_columns,
    tile_totals,
    tile_zero,
    total,
    zero,
)

_FEW = 8  # output channels of a group for which dot products are faster
ROWS = 8  # taps of one tile
COLUMNS = 1 if LANES == 8 else 2  # vectors of output channels of one tile; together at least MR, see `pack_panel`
_TILES = 8  # most of one item
_SEGMENT = 4096  # pixels whose gradients (512 KB) stay near the core for all tiles of an item
_CHUNKS = 64


@_jit.shared
def _weight_offset(g, k):  # type: ignore[no-untyped-def]
    """Where in the planes of a group weight k, a (channel, tap), sees the first pixel."""
    taps = g.taps_z * g.taps_y * g.taps_x
    tap = k % taps
    return k // taps * g.plane + tap_offset(g, tap // (g.taps_y * g.taps_x), tap // g.taps_x % g.taps_y, tap % g.taps_x)


@_jit.shared
def _block_of_taps(k_all, panels):  # type: ignore[no-untyped-def]
    """Weights of one item, so that there are eight items where there can be."""
    return max(1, min(_TILES, (k_all + ROWS - 1) // ROWS * panels // 8)) * ROWS


@inner_ranges
def _turn(start, stop, grain, w, w_at, grad, grad_at, groups, m, pixels, images):  # type: ignore[no-untyped-def]
    """Item = (group, panel of output channels, image): pixels outside, channels inside."""
    width = COLUMNS * lanes(w)
    panels = (m + width - 1) // width
    for item in range(start, stop):
        group, r, image = item // (panels * images), item // images % panels * width, item % images
        source = grad_at + ((image * groups + group) * m + r) * pixels
        pack_panel(w, w_at + item * pixels * width, width, grad, source, pixels, 1, m - r, pixels)


def _segment(tile, p, p_at, offsets, w, w_at, first, last, length, g):  # type: ignore[no-untyped-def]
    """Add the outer products of runs `first` to `last` of one image."""
    width = COLUMNS * lanes(w)
    for run in range(first, last):
        at = p_at + (run // g.out_y * g.q_y + run % g.out_y) * g.q_x
        for px in range(at, at + length):
            tile = tile_outer_at(tile, p, px, offsets, w, w_at)
            w_at += width
    return tile


_add_segment = _jit.jit(_segment, inner=True)


@inner_ranges
def _tiles(start, stop, grain, w, sums_at, grad_at, p, p_at, fresh, images, groups, cs, m, g):  # type: ignore[no-untyped-def]
    """Item = (group, panel of output channels, block of tiles of taps), summed over the images of a block."""
    width, k_all = COLUMNS * lanes(w), cs * g.taps_z * g.taps_y * g.taps_x
    panels = (m + width - 1) // width
    taps = _block_of_taps(k_all, groups * panels)
    blocks = (k_all + taps - 1) // taps
    pixels, length = g.out_z * g.out_y * g.out_x, run_length(g)
    runs, part = pixels // length, max(1, _SEGMENT // length)
    segments, several = (runs + part - 1) // part, max(1, _SEGMENT // pixels)  # several small images, or parts of one
    for item in range(start, stop):
        group, panel, first = item // (panels * blocks), item // blocks % panels, item % blocks * taps
        for s in range((images + several - 1) // several * segments):
            image, run = s // segments * several, s % segments * part
            for k in range(first, min(k_all, first + taps), ROWS):
                end = k_all - 1
                offsets = (
                    _weight_offset(g, k),
                    _weight_offset(g, min(k + 1, end)),
                    _weight_offset(g, min(k + 2, end)),
                    _weight_offset(g, min(k + 3, end)),
                    _weight_offset(g, min(k + 4, end)),
                    _weight_offset(g, min(k + 5, end)),
                    _weight_offset(g, min(k + 6, end)),
                    _weight_offset(g, min(k + 7, end)),
                )
                tile = tile_zero(w, ROWS, COLUMNS)
                for i in range(image, min(images, image + several)):
                    b_at = grad_at + (((group * panels + panel) * images + i) * pixels + run * length) * width
                    a_at = p_at + (i * groups + group) * cs * g.plane
                    tile = _add_segment(tile, p, a_at, offsets, w, b_at, run, min(runs, run + part), length, g)
                at = sums_at + ((group * panels + panel) * round_up(k_all, ROWS) + k) * width
                if s > 0 or not fresh:  # sums of segments, so that no sum is long
                    tile = tile_add(tile, tile_load(w, at, width, ROWS, COLUMNS))
                tile_store(tile, w, at, width)


@inner_ranges
def _turn_back(start, stop, grain, out, w, sums_at, k_all, m):  # type: ignore[no-untyped-def]
    """Item = a vector of output channels: their weights from the sums, where channels lie inside."""
    width, step = COLUMNS * lanes(w), lanes(w)
    panels, blocks = (m + width - 1) // width, (m + step - 1) // step
    for item in range(start, stop):
        group, r, k = item // blocks, item % blocks * step, 0
        at = sums_at + (group * panels + r // width) * round_up(k_all, ROWS) * width + r % width
        to = (group * m + r) * k_all
        while r + step <= m and k + ROWS <= k_all:
            tile_store_columns(tile_load(w, at + k * width, width, ROWS, 1), out, to + k, k_all)
            k += ROWS
        for c in range(min(step, m - r)):
            for j in range(k, k_all, step):
                store_part(out, to + c * k_all + j, gather(w, at + c + j * width, width, k_all - j), k_all - j)


@inner_ranges
def _few_weights(start, stop, grain, out, grad, x, w, size, rows, n, groups, cs, m, g):  # type: ignore[no-untyped-def]
    """Item = (output channel, input channel of its group): bands of planes, dot products for four taps at a time."""
    step, taps, plane = lanes(w), g.taps_z * g.taps_y * g.taps_x, start // grain * size
    bands, image_size = (g.out_y + rows - 1) // rows, g.size_z * g.size_y * g.size_x
    for item in range(start, stop):
        output, k = item // cs, item % cs
        channel = output // m * cs + k
        for tap in range(taps):
            out[item * taps + tap] = 0
        for part in range(n * g.out_z * bands):
            image, z, y = part // (bands * g.out_z), part // bands % g.out_z, part % bands * rows
            band = band_job(g, z, y, min(rows, g.out_y - y))
            make_plane(w, plane, x, (image * groups * cs + channel) * image_size, band)
            source = (((image * groups * m + output) * g.out_z + z) * g.out_y + y) * g.out_x
            for tap in range(0, taps, 4):
                end = taps - 1
                offsets = (
                    _weight_offset(band, tap),
                    _weight_offset(band, min(tap + 1, end)),
                    _weight_offset(band, min(tap + 2, end)),
                    _weight_offset(band, min(tap + 3, end)),
                )
                tile = tile_zero(w, 1, 4)
                for row in range(band.out_y):
                    a_at, b_at = source + row * g.out_x, plane + row * g.q_x
                    for px in range(0, g.out_x, step):
                        if px + step <= g.out_x:
                            tile = tile_dot(tile, grad, a_at + px, 0, w, b_at + px, offsets)
                        else:
                            tile = tile_dot_part(tile, grad, a_at + px, 0, w, b_at + px, offsets, g.out_x - px)
                totals = tile_totals(tile)
                for j in range(min(4, taps - tap)):
                    out[item * taps + tap + j] += totals[j]


@inner_ranges
def _sums(start, stop, grain, out, grad, n, channels, size):  # type: ignore[no-untyped-def]
    """Item = a channel: lanes over its numbers in an image, then a fixed tree, then images."""
    step = lanes(grad)
    for item in range(start, stop):
        value = grad.dtype.type(0)
        for image in range(n):
            at, low, high = (image * channels + item) * size, zero(grad), zero(grad)
            j = 0
            while j + 2 * step <= size:
                low, high = low + load(grad, at + j), high + load(grad, at + j + step)
                j += 2 * step
            while j < size:
                low = low + load_part(grad, at + j, size - j)
                j += step
            value += total(low + high)
        out[item] = value


_run_turn, _run_tiles, run_turn_back = _turn.cpu, _tiles.cpu, _turn_back.cpu
_run_few, run_sums = _few_weights.cpu, _sums.cpu


@_jit.shared
def _block(n, groups, cs, m, g):  # type: ignore[no-untyped-def]
    """Images in work at once."""
    planes = 0 if in_place(g) else groups * cs * g.plane
    grads = groups * round_up(m, COLUMNS * LANES) * g.out_z * g.out_y * g.out_x
    return min(n, max(1, PLANES // max(1, planes + grads)))


@_jit.shared
def weight_workspace(n, groups, cs, m, sizes):  # type: ignore[no-untyped-def]
    """Numbers of scratch space of `weight_gradient`: planes and turned gradients of a block of images, and the sums."""
    g = forward_job(*sizes)
    if rows_pay(cs, m, sizes):
        return rows_workspace(n, groups, cs, m, sizes)
    if m <= _FEW:
        return _CHUNKS * (band_job(g, 0, 0, band_rows(g)).plane + 2 * LANES)
    images, width = _block(n, groups, cs, m, g), COLUMNS * LANES
    planes = 0 if in_place(g) else images * groups * cs * g.plane
    sums = groups * round_up(m, width) * round_up(cs * g.taps_z * g.taps_y * g.taps_x, ROWS)
    return planes + images * groups * round_up(m, width) * g.out_z * g.out_y * g.out_x + sums


def _many(out, grad, x, w, n, groups, cs, m, sizes, pool):  # type: ignore[no-untyped-def]
    """Outer products, block after block of images."""
    g = forward_job(*sizes)
    width, k_all = COLUMNS * lanes(w), cs * g.taps_z * g.taps_y * g.taps_x
    panels = (m + width - 1) // width
    taps = _block_of_taps(k_all, groups * panels)
    blocks = (k_all + taps - 1) // taps
    pixels, image, together = g.out_z * g.out_y * g.out_x, g.size_z * g.size_y * g.size_x, _block(n, groups, cs, m, g)
    sums_at = 0
    grad_at = groups * panels * width * round_up(k_all, ROWS)
    planes_at = grad_at + together * groups * panels * width * pixels
    for first in range(0, n, max(1, together)):
        images = min(together, n - first)
        args = (w, grad_at, grad, first * groups * m * pixels, groups, m, pixels, images)
        _run_turn(args, 0, groups * panels * images, fan_grain(groups * panels * images, width * pixels), pool)
        planes, start = x, first * groups * cs * image
        if not in_place(g):
            args = (w, planes_at, x, first * groups * cs * image, g)
            run_planes(args, 0, images * groups * cs, fan_grain(images * groups * cs, 2 * g.plane), pool)
            planes, start = w, planes_at
        args = (w, sums_at, grad_at, planes, start, first == 0, images, groups, cs, m, g)
        _run_tiles(args, 0, groups * panels * blocks, 1, pool)
    args = (out, w, sums_at, k_all, m)
    items = groups * ((m + lanes(w) - 1) // lanes(w))
    run_turn_back(args, 0, items, fan_grain(items, k_all * lanes(w)), pool)


_many_outputs = _jit.jit(_many)


def _few(out, grad, x, w, n, groups, cs, m, sizes, pool):  # type: ignore[no-untyped-def]
    """Dot products."""
    g = forward_job(*sizes)
    rows, taps = band_rows(g), g.taps_z * g.taps_y * g.taps_x
    size = band_job(g, 0, 0, rows).plane + 2 * LANES
    items, work = groups * m * cs, n * g.out_z * g.out_y * g.out_x * (taps + 2)
    grain = max((items + _CHUNKS - 1) // _CHUNKS, (1 << 18) // max(1, work), 1)
    _run_few((out, grad, x, w, size, rows, n, groups, cs, m, g), 0, items, grain, pool)


_few_outputs = _jit.jit(_few)


@_jit.shared
def weight_gradient(out, grad, x, w, n, groups, cs, m, sizes, pool):  # type: ignore[no-untyped-def]
    """out[o, c, tap] = the sum over images and pixels of the gradient of the output times what the tap sees."""
    if n == 0 or sizes[6] * sizes[7] * sizes[8] == 0:
        out[:] = 0
    elif rows_pay(cs, m, sizes):
        rows_gradient(out, grad, x, w, n, groups, cs, m, sizes, pool)
    elif m <= _FEW:
        _few_outputs(out, grad, x, w, n, groups, cs, m, sizes, pool)
    else:
        _many_outputs(out, grad, x, w, n, groups, cs, m, sizes, pool)
