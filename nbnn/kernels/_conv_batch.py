"""Convolution of many small images: a vector holds one pixel of as many images.

Pixels, channels and images are turned so that the images of a pixel lie side by side. Each pixel of the result is then
a product of its own, of the weight under the taps that meet the image: nothing is multiplied by padding (a quarter of
the product for a kernel of 4 x 4 on images of 4 x 4), no row ends inside a vector, and no patch is copied. Forward and
transposed convolution differ only in which taps a pixel meets, the taps of an axis being packed in that order.
"""

from __future__ import annotations

from nbnn import _jit
from nbnn.kernels._conv_planes import fan_grain
from nbnn.kernels._conv_simd import tile_turned
from nbnn.kernels._cpu import address_of, inner_ranges
from nbnn.kernels._gemm import MR, pack_panel, round_up
from nbnn.kernels._simd import (
    LANES,
    lanes,
    load_part,
    splat,
    store,
    tile_load,
    tile_load_part,
    tile_outer,
    tile_store,
    tile_store_part,
    tile_zero,
)

_WIDTH = 2 * LANES  # images of a block, of float32
_MOST = 1 << 21  # numbers of a block of turned images: 8 MB
_TOGETHER = 1 << 21  # numbers of all turned images in work at once
_ROWS = 64  # output channels of one item
_RESULTS = 1 << 16  # numbers of the turned result of one item: 256 KB
_CHUNKS = 16
_ITEMS = 8  # that there are at least, where there are so many rows of pixels
_GRAIN = 1 << 18  # multiply-adds of one chunk


@_jit.shared
def batch_pays(n, groups, cs, m, flipped, sizes):  # type: ignore[no-untyped-def]
    """Whether images are small, and enough to fill vectors; the turning is repaid by several taps."""
    pixels = sizes[6] * sizes[7] * sizes[8] if flipped else sizes[0] * sizes[1] * sizes[2]
    taps, images = sizes[3] * sizes[4] * sizes[5], round_up(n, _WIDTH)
    least = 64 if m <= 2 else 16  # vectors along the pixels would not waste rows of a tile
    filled = n * m * pixels > 0 and images * 7 <= n * 8 and pixels * cs * _WIDTH <= _MOST
    return groups == 1 and filled and taps > 1 and cs * taps >= least


@_jit.shared
def _axis(flipped, at, size, k, s, p, d):  # type: ignore[no-untyped-def]
    """(first tap, taps, source position of the first, step of positions) that pixel `at` meets, in packed order."""
    start, count, source, step = 0, k, at * s - p, d
    if flipped:
        period, a = _period(s, d), 0
        while a < period and (at + p - a * d) % s != 0:
            a += 1
        start = a * (k // period) + min(a, k % period)
        count = 0 if a >= min(k, period) else (k - 1 - a) // period + 1
        source, step = (at + p - (a + (count - 1) * period) * d) // s, period * d // s
    low = max(0, (step - 1 - source) // step)
    return start + low, max(0, min(count, (size - 1 - source) // step + 1) - low), source + low * step, step


@_jit.shared
def _period(s, d):  # type: ignore[no-untyped-def]
    """Taps from one that meets a pixel of the transposed convolution to the next."""
    period, shared = s, d % s
    while shared != 0:  # the greatest common divisor of stride and dilation
        period, shared = shared, period % shared
    return s // period


@_jit.shared
def _packed(flipped, a, k, s, d):  # type: ignore[no-untyped-def]
    """Where tap a stands: transposed, taps that meet the same pixels follow each other, backwards."""
    if not flipped:
        return a
    period = _period(s, d)
    first = a % period
    return first * (k // period) + min(first, k % period) + (k - 1 - first) // period - a // period


@_jit.shared
def _source(flipped, sizes):  # type: ignore[no-untyped-def]
    """Sizes of the source."""
    return (sizes[6], sizes[7], sizes[8]) if flipped else (sizes[0], sizes[1], sizes[2])


@_jit.shared
def _result(flipped, sizes):  # type: ignore[no-untyped-def]
    """Sizes of the result."""
    return (sizes[0], sizes[1], sizes[2]) if flipped else (sizes[6], sizes[7], sizes[8])


@_jit.shared
def _pixel_step(width, cs):  # type: ignore[no-untyped-def]
    """Numbers from one turned pixel to the next: pages apart, all would fall on the same cache sets."""
    return (cs + 1) * width if cs % 32 == 0 else cs * width


@inner_ranges
def _pack_weight(start, stop, grain, w, w_at, weight, bias, lead, cs, m, flipped, sizes):  # type: ignore[no-untyped-def]
    """Item = a panel of MR output channels: the bias, then tap after tap the input channels."""
    kernel = sizes[3] * sizes[4] * sizes[5]
    across, along = (kernel, m * kernel) if flipped else (cs * kernel, kernel)
    for item in range(start, stop):
        r = item * MR
        at = w_at + item * (lead + cs * kernel) * MR
        if lead:
            store(w, at, load_part(bias, r, m - r, MR))
        for tap in range(kernel):
            a, b, c = tap // (sizes[4] * sizes[5]), tap // sizes[5] % sizes[4], tap % sizes[5]
            to = _packed(flipped, a, sizes[3], sizes[9], sizes[15])
            to = to * sizes[4] + _packed(flipped, b, sizes[4], sizes[10], sizes[16])
            to = to * sizes[5] + _packed(flipped, c, sizes[5], sizes[11], sizes[17])
            pack_panel(w, at + (lead + to * cs) * MR, MR, weight, r * across + tap, across, along, m - r, cs)


@inner_ranges
def _turn(start, stop, grain, w, w_at, size, x, x_at, images, cs, pixels):  # type: ignore[no-untyped-def]
    """Item = (block of images, channel): pixels outside, images inside."""
    width = 2 * lanes(w)
    step = _pixel_step(width, cs)
    for item in range(start, stop):
        first, c = item // cs * width, item % cs
        for r in range(0, width, LANES):
            left, image = images - first - r, first + r
            for p in range(0, pixels, lanes(w)):
                source = x_at + (image * cs + c) * pixels + p
                to = w_at + item // cs * size + p * step + c * width + r
                if left >= LANES and p + lanes(w) <= pixels:
                    tile_store(tile_turned(tile_load(x, source, cs * pixels, LANES, 1)), w, to, step)
                else:
                    part = tile_load_part(x, source, cs * pixels, LANES, 1, left, pixels - p)
                    tile_store(tile_turned(part), w, to, step)


def _taps(tile, w, a_at, b_at, z, y, x, cs, size_y, size_x, kernel_y, kernel_x, step):  # type: ignore[no-untyped-def]
    """Add the products of the taps that one pixel meets."""
    width = 2 * lanes(w)
    runs, length = x[1], cs
    if x[3] == 1 and step == cs * width:  # neighbouring taps follow each other in weight and source
        runs, length = 1, x[1] * cs
    for i in range(z[1]):
        for j in range(y[1]):
            a = a_at + (((z[0] + i) * kernel_y + y[0] + j) * kernel_x + x[0]) * cs * MR
            row = b_at + (((z[2] + i * z[3]) * size_y + y[2] + j * y[3]) * size_x + x[2]) * step
            for _ in range(runs):
                b = row
                for _ in range(length):
                    tile = tile_outer(tile, w, a, 1, w, b)
                    a += MR
                    b += width
                row += x[3] * step
    return tile


_add_taps = _jit.jit(_taps, inner=True)


def _pixel(tile, w, c_at, a_at, lead, ones, b_at, z, y, x, cs, size_y, size_x, kernel_y, kernel_x, step):  # type: ignore[no-untyped-def]
    """Write one tile of the turned result: the bias, and the taps that a pixel meets."""
    if lead:
        tile = tile_outer(tile, w, a_at, 1, w, ones)
    tile = _add_taps(tile, w, a_at + lead * MR, b_at, z, y, x, cs, size_y, size_x, kernel_y, kernel_x, step)
    tile_store(tile, w, c_at, 2 * lanes(w))


_store_pixel = _jit.jit(_pixel, inner=True)


def _turned_back(out, out_at, image_step, w, c_at, step, pixels, images):  # type: ignore[no-untyped-def]
    """Write one output channel of a block: from images inside to pixels inside."""
    for r in range(0, min(images, 2 * lanes(w)), lanes(w)):
        for p in range(0, pixels, LANES):
            tile = tile_turned(tile_load(w, c_at + p * step + r, step, LANES, 1))
            if images - r >= lanes(w) and p + LANES <= pixels:
                tile_store(tile, out, out_at + r * image_step + p, image_step)
            else:
                tile_store_part(tile, out, out_at + r * image_step + p, image_step, images - r, pixels - p)


_turn_back = _jit.jit(_turned_back, inner=True)


@inner_ranges
def _multiply(
    start, stop, grain, out, out_at, w, x_at, x_size, ones, a_at, scratch, size, images, lead, cs, m, band, flipped,
    sizes,
):  # type: ignore[no-untyped-def]  # fmt: skip
    """Item = (block of images, block of output channels, band of rows of pixels): pixel after pixel."""
    width, step = 2 * lanes(w), _pixel_step(2 * lanes(w), cs)
    (source_z, source_y, source_x), (full_z, full_y, full_x) = _source(flipped, sizes), _result(flipped, sizes)
    bands, parts = (full_z * full_y + band - 1) // band, (m + _ROWS - 1) // _ROWS
    c_at, panel = scratch + start // grain * size, (lead + cs * sizes[3] * sizes[4] * sizes[5]) * MR
    c_step, turns = (round_up(min(m, _ROWS), MR) + 1) * width, min(sizes[11], full_x) if flipped else 1
    for item in range(start, stop):
        block, first = item // (bands * parts), item // bands % parts * _ROWS
        row, last = item % bands * band, min(m, first + _ROWS)
        rows = min(band, full_z * full_y - row)
        for line in range(row, row + rows):
            z = _axis(flipped, line // full_y, source_z, sizes[3], sizes[9], sizes[12], sizes[15])
            y = _axis(flipped, line % full_y, source_y, sizes[4], sizes[10], sizes[13], sizes[16])
            for turn in range(turns):  # pixels that meet the same taps, one after the other
                for px in range(turn, full_x, turns):
                    x = _axis(flipped, px, source_x, sizes[5], sizes[11], sizes[14], sizes[17])
                    at = c_at + ((line - row) * full_x + px) * c_step
                    args = (block * x_size + x_at, z, y, x, cs, source_y, source_x, sizes[4], sizes[5], step)
                    for r in range(first, last, MR):
                        a, c = a_at + r // MR * panel, at + (r - first) * width
                        if m <= 2:
                            _store_pixel(tile_zero(w, 2, 2), w, c, a, lead, ones, *args)
                        else:
                            _store_pixel(tile_zero(w, MR, 2), w, c, a, lead, ones, *args)
        image = full_z * full_y * full_x
        for r in range(first, last):
            to = out_at + (block * width * m + r) * image + row * full_x
            left = images - block * width
            _turn_back(out, to, m * image, w, c_at + (r - first) * width, c_step, rows * full_x, left)


_run_weight, _run_turn, _run_multiply = _pack_weight.cpu, _turn.cpu, _multiply.cpu


@_jit.shared
def _plan(width, images, cs, m, flipped, sizes):  # type: ignore[no-untyped-def]
    """(rows of pixels of an item, items, items of a chunk, numbers of scratch space of a chunk)."""
    (z, y, x), parts, rows = _result(flipped, sizes), (m + _ROWS - 1) // _ROWS, round_up(min(m, _ROWS), MR)
    blocks, lines = (images + width - 1) // width, z * y
    band = max(1, min(_RESULTS // max(1, rows * width * x), lines * blocks * parts // _ITEMS))
    items = blocks * parts * ((lines + band - 1) // band)
    work = cs * sizes[3] * sizes[4] * sizes[5] * rows * width * band * x
    grain = max(1, (items + _CHUNKS - 1) // _CHUNKS, _GRAIN // max(1, work))
    return band, items, grain, (band * x + LANES) * (rows + 1) * width


@_jit.shared
def _block_size(width, cs, flipped, sizes):  # type: ignore[no-untyped-def]
    """Numbers of a block of turned images; whole vectors of pixels are turned, also the last."""
    z, y, x = _source(flipped, sizes)
    return round_up(z * y * x, LANES) * _pixel_step(width, cs)


@_jit.shared
def _together(n, width, cs, flipped, sizes):  # type: ignore[no-untyped-def]
    """Images turned at once."""
    return min(round_up(n, width), max(1, _TOGETHER // _block_size(width, cs, flipped, sizes)) * width)


@_jit.shared
def batch_workspace(n, cs, m, flipped, sizes):  # type: ignore[no-untyped-def]
    """Numbers of scratch space of `batch_convolve`: turned images, a row of ones, the packed weight, results."""
    most = 0
    for width in (LANES, 2 * LANES):  # float64, float32
        images = _together(n, width, cs, flipped, sizes)
        _, items, grain, size = _plan(width, images, cs, m, flipped, sizes)
        turned = images // width * _block_size(width, cs, flipped, sizes)
        most = max(most, turned + width + (items + grain - 1) // grain * size)
    return 16 + most + round_up(m, MR) * (1 + cs * sizes[3] * sizes[4] * sizes[5])  # 16: to begin at a cache line


def _engine(out, x, weight, added, lead, w, n, cs, m, flipped, sizes, pool):  # type: ignore[no-untyped-def]
    """As `gemm_convolve`, for one group."""
    width, (z, y, column) = 2 * lanes(w), _source(flipped, sizes)
    full_z, full_y, full_x = _result(flipped, sizes)
    pixels, full, kernel = z * y * column, full_z * full_y * full_x, sizes[3] * sizes[4] * sizes[5]
    together, x_size = _together(n, width, cs, flipped, sizes), _block_size(width, cs, flipped, sizes)
    x_at = -(address_of(w) // w.itemsize) % (64 // w.itemsize)  # vectors that lie across two cache lines cost more
    ones = x_at + together // width * x_size
    a_at, panels = ones + width, (m + MR - 1) // MR
    scratch = a_at + round_up(m, MR) * (lead + cs * kernel)
    for r in range(0, width, lanes(w)):
        store(w, ones + r, splat(type(w[0])(1)))
    args = (w, a_at, weight, added, lead, cs, m, flipped, sizes)
    _run_weight(args, 0, panels, fan_grain(panels, MR * cs * kernel), pool)
    band, _, grain, size = _plan(width, together, cs, m, flipped, sizes)
    for first in range(0, n, together):
        images = min(together, n - first)
        blocks = (images + width - 1) // width
        args = (w, x_at, x_size, x, first * cs * pixels, images, cs, pixels)
        _run_turn(args, 0, blocks * cs, fan_grain(blocks * cs, pixels * width), pool)
        args = (
            out,
            first * m * full,
            w,
            x_at,
            x_size,
            ones,
            a_at,
            scratch,
            size,
            images,
            lead,
            cs,
            m,
            band,
            flipped,
            sizes,
        )
        items = blocks * ((m + _ROWS - 1) // _ROWS) * ((full_z * full_y + band - 1) // band)
        _run_multiply(args, 0, items, grain, pool)


batch_convolve = _jit.jit(_engine)
