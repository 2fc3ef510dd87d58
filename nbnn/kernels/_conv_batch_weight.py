"""The gradient to the weight for many small images: a product for each tap, whose steps are pixels and images.

Channels are turned inside, images next, so that the steps of neighbouring pixels follow each other in both operands.
Only pixels that a tap meets are multiplied; padding is nowhere.
"""

from __future__ import annotations

from nbnn import _jit
from nbnn.kernels._conv_planes import fan_grain
from nbnn.kernels._conv_simd import tile_turned
from nbnn.kernels._conv_weight import COLUMNS, ROWS, run_turn_back
from nbnn.kernels._cpu import address_of, inner_ranges
from nbnn.kernels._gemm import round_up
from nbnn.kernels._simd import (
    LANES,
    lanes,
    tile_add,
    tile_load,
    tile_load_part,
    tile_outer,
    tile_store,
    tile_store_part,
    tile_zero,
)

_UNIT = 2 * LANES  # channels that lie together
_SEGMENT = 1024  # steps of one sum: 128 KB of each operand
_TOGETHER = 1 << 21  # numbers of turned images in work at once
_LEAST = 16  # images, so that runs of steps are not short
_ITEMS = 8


@_jit.shared
def _image_size(cs, m, sizes):  # type: ignore[no-untyped-def]
    """Numbers of one turned image and its gradient."""
    grads, pixels = sizes[6] * sizes[7] * sizes[8], sizes[0] * sizes[1] * sizes[2]
    return round_up(m, _UNIT) * grads + round_up(cs, _UNIT) * pixels


@_jit.shared
def _together(n, cs, m, sizes):  # type: ignore[no-untyped-def]
    """Images turned at once."""
    return min(n, max(_LEAST, _TOGETHER // max(1, _image_size(cs, m, sizes))))


@_jit.shared
def batch_weight_pays(n, groups, cs, m, sizes):  # type: ignore[no-untyped-def]
    """Whether images are small and many, and channels fill the tiles."""
    filled = round_up(m, COLUMNS * LANES) * round_up(cs, ROWS) * 4 <= m * cs * 5
    several = sizes[3] * sizes[4] * sizes[5] > 1 and m * cs * sizes[6] * sizes[7] * sizes[8] > 0
    return groups == 1 and filled and several and n >= _LEAST and _image_size(cs, m, sizes) * _LEAST <= 2 * _TOGETHER


@_jit.shared
def batch_weight_workspace(n, cs, m, sizes):  # type: ignore[no-untyped-def]
    """Numbers of scratch space of `batch_weight_gradient`: the sums, turned gradients and images."""
    sums = round_up(m, COLUMNS * LANES) * round_up(cs * sizes[3] * sizes[4] * sizes[5], ROWS)
    return 16 + sums + _together(n, cs, m, sizes) * _image_size(cs, m, sizes)  # 16: to begin at a cache line


@inner_ranges
def _turn(start, stop, grain, w, w_at, x, x_at, images, channels, pixels):  # type: ignore[no-untyped-def]
    """Item = (unit of channels, image): from pixels inside to channels inside, between them the images."""
    step = images * _UNIT
    for item in range(start, stop):
        unit, image = item // images, item % images
        for r in range(0, _UNIT, LANES):
            channel = unit * _UNIT + r
            for p in range(0, pixels, lanes(w)):
                source = x_at + (image * channels + channel) * pixels + p
                to = w_at + (unit * pixels + p) * step + image * _UNIT + r
                if channel + LANES <= channels and p + lanes(w) <= pixels:
                    tile_store(tile_turned(tile_load(x, source, pixels, LANES, 1)), w, to, step)
                else:
                    part = tile_load_part(x, source, pixels, LANES, 1, channels - channel, pixels - p)
                    tile_store_part(tile_turned(part), w, to, step, pixels - p, LANES)


def _lines(tile, w, a_at, b_at, line, end, az, ay, ax, images, sizes):  # type: ignore[no-untyped-def]
    """Add the products of the pixels of some rows of the gradient with what one tap sees."""
    step, stride, full, shift = images * _UNIT, sizes[11], sizes[8], ax * sizes[17] - sizes[14]
    low = max(0, (stride - 1 - shift) // stride)
    count = min(full, (sizes[2] - 1 - shift) // stride + 1) - low
    runs, length = count, images
    if stride == 1:
        runs, length = 1, count * images
    for i in range(line, end if count > 0 else line):
        z = i // sizes[7] * sizes[9] - sizes[12] + az * sizes[15]
        y = i % sizes[7] * sizes[10] - sizes[13] + ay * sizes[16]
        if z >= 0 and z < sizes[0] and y >= 0 and y < sizes[1]:
            row, b = (
                a_at + ((z * sizes[1] + y) * sizes[2] + low * stride + shift) * step,
                b_at + (i * full + low) * step,
            )
            for _ in range(runs):
                a = row
                for _ in range(length):
                    tile = tile_outer(tile, w, a, 1, w, b)
                    a += _UNIT
                    b += _UNIT
                row += stride * step
    return tile


_add_lines = _jit.jit(_lines, inner=True)


@_jit.shared
def _block(tiles, panels):  # type: ignore[no-untyped-def]
    """Tiles of one item."""
    return max(1, tiles * panels // _ITEMS if panels < _ITEMS else tiles)


@inner_ranges
def _tiles(start, stop, grain, w, sums_at, grad_at, x_at, fresh, images, cs, m, sizes):  # type: ignore[no-untyped-def]
    """Item = (panel of output channels, block of tiles of one tap), summed over the images."""
    width, taps, step = COLUMNS * lanes(w), sizes[3] * sizes[4] * sizes[5], images * _UNIT
    tiles, panels, lines = (cs + ROWS - 1) // ROWS * taps, (m + width - 1) // width, sizes[6] * sizes[7]
    many, part = max(1, _SEGMENT // (images * sizes[8])), _block(tiles, panels)
    blocks = (tiles + part - 1) // part
    for item in range(start, stop):
        panel, first = item // blocks, item % blocks * part
        b_at = grad_at + panel * width // _UNIT * lines * sizes[8] * step + panel * width % _UNIT
        for line in range(0, lines, many):
            for t in range(first, min(tiles, first + part)):
                c, tap = t // taps * ROWS, t % taps
                a_at = x_at + c // _UNIT * sizes[0] * sizes[1] * sizes[2] * step + c % _UNIT
                az, ay, ax = tap // (sizes[4] * sizes[5]), tap // sizes[5] % sizes[4], tap % sizes[5]
                end, tile = min(lines, line + many), tile_zero(w, ROWS, COLUMNS)
                tile = _add_lines(tile, w, a_at, b_at, line, end, az, ay, ax, images, sizes)
                at, high = sums_at + (panel * round_up(cs * taps, ROWS) + c * taps + tap) * width, min(ROWS, cs - c)
                if line > 0 or not fresh:  # sums of segments, so that no sum is long
                    tile = tile_add(tile, tile_load_part(w, at, taps * width, ROWS, COLUMNS, high, width))
                tile_store_part(tile, w, at, taps * width, high, width)


_run_turn, _run_tiles = _turn.cpu, _tiles.cpu


def _engine(out, grad, x, w, n, cs, m, sizes, pool):  # type: ignore[no-untyped-def]
    """out[o, c, tap] = the sum over images and pixels of the gradient of the output times what the tap sees."""
    width, k_all = COLUMNS * lanes(w), cs * sizes[3] * sizes[4] * sizes[5]
    grads, pixels = sizes[6] * sizes[7] * sizes[8], sizes[0] * sizes[1] * sizes[2]
    panels, together = (m + width - 1) // width, _together(n, cs, m, sizes)
    tiles = (cs + ROWS - 1) // ROWS * sizes[3] * sizes[4] * sizes[5]
    sums_at = -(address_of(w) // w.itemsize) % (64 // w.itemsize)  # vectors that lie across two cache lines cost more
    grad_at = sums_at + panels * width * round_up(k_all, ROWS)
    x_at = grad_at + together * round_up(m, _UNIT) * grads
    for first in range(0, n, together):
        images = min(together, n - first)
        items = (m + _UNIT - 1) // _UNIT * images
        args = (w, grad_at, grad, first * m * grads, images, m, grads)
        _run_turn(args, 0, items, fan_grain(items, grads * _UNIT), pool)
        items = (cs + _UNIT - 1) // _UNIT * images
        args = (w, x_at, x, first * cs * pixels, images, cs, pixels)
        _run_turn(args, 0, items, fan_grain(items, pixels * _UNIT), pool)
        part = _block(tiles, panels)
        args = (w, sums_at, grad_at, x_at, first == 0, images, cs, m, sizes)
        _run_tiles(args, 0, panels * ((tiles + part - 1) // part), 1, pool)
    args = (out, w, sums_at, k_all, m)
    items = (m + lanes(w) - 1) // lanes(w)
    run_turn_back(args, 0, items, fan_grain(items, k_all * lanes(w)), pool)


batch_weight_gradient = _jit.jit(_engine)
