"""Convolution with kernels of 3 x 3 by tiles of 4 x 4 outputs: 36 multiplications instead of 144.

Winograd's minimal filtering F(4 x 4, 3 x 3) (Lavin and Gray, "Fast algorithms for convolutional neural networks"):
Y = A' [(G g G') * (B' d B)] A, where * is, summed over the channels, a matrix product for each of 36 places. Tiles of a
row lie in the lanes.

The transforms add and subtract multiples of the numbers of a tile: against the direct sum, errors in float32 grow to
5e-6 of the largest result, with 512 channels to 2e-5 (the direct sum: 5e-7, 3e-6), and an infinity or a NaN would
reach its whole tile. Where any result is not finite, the caller computes the convolution directly.
"""

from __future__ import annotations

from nbnn import _jit
from nbnn.kernels._conv_simd import collect, deal, load_window, next_lane, store_window
from nbnn.kernels._cpu import inner_ranges
from nbnn.kernels._gemm import KC, MR, multiply_panels, round_up
from nbnn.kernels._simd import (
    LANES,
    fma,
    gather,
    lanes,
    load,
    load_part,
    splat,
    store,
    store_part,
    tile_load,
    tile_outer,
    tile_store,
    tile_zero,
    total,
    zero,
)

_PLACES = 36
_MOST_WEIGHTS = 1 << 24  # numbers of the transformed weight (64 MB) above which reading it costs more than is saved
_BLOCK = 1 << 20  # numbers of transformed tiles, in and out, in work at once (4 MB)
_CHUNKS = 64
_SCRATCH = 24 * LANES  # of one chunk: six rows of four vectors


@_jit.shared
def _apart(numbers):  # type: ignore[no-untyped-def]
    """From one place to the next: an odd number of cache lines, for 36 places that must not share cache sets."""
    return round_up(numbers, 16) | 16


@_jit.shared
def _tile_rows(n, oh):  # type: ignore[no-untyped-def]
    return n * ((oh + 3) // 4)


@_jit.shared
def winograd_pays(n, groups, cs, m, flipped, sizes, batch):  # type: ignore[no-untyped-def]
    """Whether kernel and stride allow it and it is faster, by an estimate of the cycles of transforms and products.

    Where `batch` stands for the direct product, that one multiplies nothing by padding and fills its vectors.
    """
    oh, ow = (sizes[1], sizes[2]) if flipped else (sizes[7], sizes[8])
    if groups != 1 or sizes[0] != 1 or sizes[3] != 1 or sizes[4] != 3 or sizes[5] != 3 or sizes[12] != 0:
        return False
    for k in range(3):
        if sizes[9 + k] != 1 or sizes[15 + k] != 1:
            return False
    if _PLACES * m * cs > _MOST_WEIGHTS or m < 16 or cs < 16:
        return False
    rows, across = _tile_rows(n, oh), (ow + 3) // 4
    parts, tiles = (across + 14) // 15, round_up(rows * across, LANES)
    ours = rows * 10 * parts * (280 * cs + 190 * m) + (12 * tiles + 250) * m * cs
    return 5 * ours < (3 if batch else 5) * (12 * n * oh * ow * m * cs * 9 // 32)


def _weight_column(a, b, c, quarter, minus_sixth, twelfth, last):  # type: ignore[no-untyped-def]
    """G times a column: a / 4, -(a + b + c) / 6, -(a - b + c) / 6, a / 24 + c / 6 +- b / 12, c."""
    low, high = minus_sixth * (a + c), minus_sixth * b
    more, less = last * a - minus_sixth * c, twelfth * b
    return quarter * a, low + high, low - high, more + less, more - less, c


def _tile_column(a, b, c, d, e, f, four, five):  # type: ignore[no-untyped-def]
    """B' times a column."""
    low, high, more, less = e - four * c, d - four * b, e - c, d - b
    less = less + less
    return fma(four, a, e - five * c), low + high, low - high, more + less, more - less, fma(four, b, f - five * d)


def _sum_column(a, b, c, d, e, f, two, four, eight):  # type: ignore[no-untyped-def]
    """A' times a column."""
    low, high, more, less = b + c, b - c, d + e, d - e
    return a + low + more, fma(two, less, high), fma(four, more, low), fma(eight, less, high) + f


_of_weight, _of_tile = _jit.jit(_weight_column, inner=True), _jit.jit(_tile_column, inner=True)
_of_sum = _jit.jit(_sum_column, inner=True)


@inner_ranges
def _weights(start, stop, grain, w, scratch, weight, cs, m, flipped):  # type: ignore[no-untyped-def]
    """Item = a panel of MR output channels: place, channel, row."""
    one = type(w[0])(1)
    quarter, sixth = splat(one / type(one)(4), MR), splat(-one / type(one)(6), MR)
    twelfth, last = splat(one / type(one)(12), MR), splat(one / type(one)(24), MR)
    across, along = (9, m * 9) if flipped else (cs * 9, 9)
    places = _apart(round_up(m, MR) * cs)
    at = scratch + start // grain * _SCRATCH
    for item in range(start, stop):
        for k in range(cs):
            source, count = item * MR * across + k * along, m - item * MR
            for j in range(3):
                t0, t1, t2 = (8 - j, 5 - j, 2 - j) if flipped else (j, 3 + j, 6 + j)
                a = gather(weight, source + t0, across, count, MR)
                b = gather(weight, source + t1, across, count, MR)
                c = gather(weight, source + t2, across, count, MR)
                column = _of_weight(a, b, c, quarter, sixth, twelfth, last)
                for i in range(6):
                    store(w, at + (i * 3 + j) * MR, column[i])
            to = (item * cs + k) * MR
            for i in range(6):
                row = at + i * 3 * MR
                a, b, c = load(w, row, MR), load(w, row + MR, MR), load(w, row + 2 * MR, MR)
                column = _of_weight(a, b, c, quarter, sixth, twelfth, last)
                for j in range(6):
                    store(w, to + (i * 6 + j) * places, column[j])


def _rows_of_tile(w, at, x, plane, y, px, h, width):  # type: ignore[no-untyped-def]
    """B' times one vector of six padded rows from row y on; row i of the result four vectors after row i - 1."""
    step, line = lanes(w), plane + y * width
    a, b, c, d, e, f = zero(w), zero(w), zero(w), zero(w), zero(w), zero(w)
    if px < width and px + step > 0:
        if y >= 0 and y < h:
            a = load_window(x, line, px, width)
        if y + 1 >= 0 and y + 1 < h:
            b = load_window(x, line + width, px, width)
        if y + 2 >= 0 and y + 2 < h:
            c = load_window(x, line + 2 * width, px, width)
        if y + 3 >= 0 and y + 3 < h:
            d = load_window(x, line + 3 * width, px, width)
        if y + 4 >= 0 and y + 4 < h:
            e = load_window(x, line + 4 * width, px, width)
        if y + 5 >= 0 and y + 5 < h:
            f = load_window(x, line + 5 * width, px, width)
    column = _of_tile(a, b, c, d, e, f, splat(type(w[0])(4)), splat(type(w[0])(5)))
    for i in range(6):
        store(w, at + i * 4 * step, column[i])


_edge_column = _jit.jit(_rows_of_tile, inner=True)


@inner_ranges
def _tiles(start, stop, grain, w, tiles_at, scratch, x, first, rows, cs, size, h, width, oh, ow, ph, pw):  # type: ignore[no-untyped-def]
    """Item = (channel, row of tiles): the transformed tiles, as panels of the product: place, panel, channel, tile."""
    step, high, across = lanes(w), (oh + 3) // 4, (ow + 3) // 4
    four, five = splat(type(w[0])(4)), splat(type(w[0])(5))
    at, panel = scratch + start // grain * _SCRATCH, 2 * step
    places = _apart(size * cs)
    for item in range(start, stop):
        k, row = item // rows, item % rows
        image, y = (first + row) // high, (first + row) % high * 4 - ph
        plane = (image * cs + k) * h * width
        for tile in range(0, across, step - 1):
            for v in range(4):
                _edge_column(w, at + v * step, x, plane, y, tile * 4 - pw + v * step, h, width)
            index, count = row * across + tile, min(step - 1, across - tile)
            left = min(count, panel - index % panel)
            to = tiles_at + (index // panel * cs + k) * panel + index % panel
            behind = tiles_at + ((index // panel + 1) * cs + k) * panel - left
            for i in range(6):
                line = at + i * 4 * step
                p = deal(load(w, line), load(w, line + step), load(w, line + 2 * step), load(w, line + 3 * step))
                column = _of_tile(p[0], p[1], p[2], p[3], next_lane(p[0]), next_lane(p[1]), four, five)
                for j in range(6):
                    place = (i * 6 + j) * places
                    store_part(w, to + place, column[j], left)
                    if left < count:  # the rest opens the next panel
                        store_window(w, behind + place, column[j], left, count)


def _one_vector(c, c_at, ldc, a, a_at, b, b_at, k, fresh):  # type: ignore[no-untyped-def]
    """`multiply_panels` for the first vector of columns alone: where few tiles are left, half of the work."""
    tile = tile_zero(c, MR, 1)
    if not fresh:
        tile = tile_load(c, c_at, ldc, MR, 1)
    for _ in range(k):
        tile = tile_outer(tile, a, a_at, 1, b, b_at)
        a_at += MR
        b_at += 2 * lanes(c)
    tile_store(tile, c, c_at, ldc)


_multiply_narrow = _jit.jit(_one_vector, inner=True)


@inner_ranges
def _products(start, stop, grain, w, tiles_at, sums_at, cs, m, size, tiles):  # type: ignore[no-untyped-def]
    """Item = (place, panel of tiles)."""
    width = 2 * lanes(w)
    panels = (tiles + width - 1) // width
    for item in range(start, stop):
        place, panel = item // panels, item % panels
        narrow = tiles - panel * width <= lanes(w)
        for k in range(0, cs, KC):
            depth = min(KC, cs - k)
            b_at = tiles_at + place * _apart(size * cs) + (panel * cs + k) * width
            for r in range(0, m, MR):
                a_at = place * _apart(round_up(m, MR) * cs) + r * cs + k * MR
                c_at = sums_at + place * _apart(round_up(m, MR) * size) + r * size + panel * width
                if narrow:
                    _multiply_narrow(w, c_at, size, w, a_at, w, b_at, depth, k == 0)
                else:
                    multiply_panels(w, c_at, size, w, a_at, w, b_at, depth, MR, width, k == 0)


@inner_ranges
def _outputs(start, stop, grain, out, w, sums_at, scratch, flags, bias, lead, first, rows, m, size, oh, ow):  # type: ignore[no-untyped-def]
    """Item = (output channel, row of tiles): four rows of pixels, and whether any is not finite."""
    step, high, across = lanes(w), (oh + 3) // 4, (ow + 3) // 4
    two, four, eight = splat(type(w[0])(2)), splat(type(w[0])(4)), splat(type(w[0])(8))
    at, places, nothing = scratch + start // grain * _SCRATCH, _apart(round_up(m, MR) * size), splat(type(w[0])(0))
    for item in range(start, stop):
        r, row = item // rows, item % rows
        image, y = (first + row) // high, (first + row) % high * 4
        start_at = zero(w)
        if lead:
            start_at = splat(bias[r])
        odd = zero(w)
        for tile in range(0, across, step):
            count = min(step, across - tile)
            source = sums_at + r * size + row * across + tile
            for j in range(6):
                s = source + j * places
                column = _of_sum(
                    load_part(w, s, count), load_part(w, s + 6 * places, count), load_part(w, s + 12 * places, count),
                    load_part(w, s + 18 * places, count), load_part(w, s + 24 * places, count),
                    load_part(w, s + 30 * places, count), two, four, eight,
                )  # fmt: skip
                for i in range(4):
                    store(w, at + (i * 6 + j) * step, column[i])
            for i in range(min(4, oh - y)):
                s = at + i * 6 * step
                p = _of_sum(
                    load(w, s), load(w, s + step), load(w, s + 2 * step), load(w, s + 3 * step), load(w, s + 4 * step),
                    load(w, s + 5 * step), two, four, eight,
                )  # fmt: skip
                odd = fma(p[0] + p[1], nothing, fma(p[2] + p[3], nothing, odd))
                line = collect(p[0] + start_at, p[1] + start_at, p[2] + start_at, p[3] + start_at)
                to = ((image * m + r) * oh + y + i) * ow + tile * 4
                for v in range(4):
                    store_part(out, to + v * step, line[v], ow - tile * 4 - v * step)
        w[flags + item] = total(odd)


_run_weights, _run_tiles, _run_products, _run_outputs = _weights.cpu, _tiles.cpu, _products.cpu, _outputs.cpu


@_jit.shared
def _rows_at_once(n, cs, m, oh, ow):  # type: ignore[no-untyped-def]
    """Rows of tiles of one block: as many numbers as the weight has, if that is more, and panels without a gap."""
    across = (ow + 3) // 4
    tiles = max(_BLOCK // (_PLACES * (cs + m)), m * cs // (m + cs)) // (2 * LANES) * 2 * LANES
    return max(1, min(_tile_rows(n, oh), max(2 * LANES, tiles) // across))


@_jit.shared
def winograd_workspace(n, cs, m, flipped, sizes):  # type: ignore[no-untyped-def]
    """Numbers of scratch space of `winograd_convolve`: the transformed weight, a block of tiles, their products."""
    oh, ow = (sizes[1], sizes[2]) if flipped else (sizes[7], sizes[8])
    rows = _rows_at_once(n, cs, m, oh, ow)
    size = round_up(rows * ((ow + 3) // 4), 2 * LANES)
    high = round_up(m, MR)
    places = _PLACES * (_apart(high * cs) + _apart(size * cs) + _apart(size * high))
    return places + m * rows + (_CHUNKS + 1) * _SCRATCH


def _engine(out, x, weight, added, lead, w, n, cs, m, flipped, sizes, pool):  # type: ignore[no-untyped-def]
    """As `gemm_convolve` of one group; False where a result is not finite and must be computed directly."""
    h, width, oh, ow = sizes[1], sizes[2], sizes[7], sizes[8]
    ph, pw = sizes[13], sizes[14]
    if flipped:
        h, width, oh, ow, ph, pw = oh, ow, h, width, 2 - ph, 2 - pw
    rows = _rows_at_once(n, cs, m, oh, ow)
    size = round_up(rows * ((ow + 3) // 4), 2 * lanes(w))
    tiles_at = _PLACES * _apart(round_up(m, MR) * cs)
    sums_at = tiles_at + _PLACES * _apart(size * cs)
    scratch = sums_at + _PLACES * _apart(size * round_up(m, MR))
    flags = scratch + (_CHUNKS + 1) * _SCRATCH
    panels = (m + MR - 1) // MR
    _run_weights((w, scratch, weight, cs, m, flipped), 0, panels, max(1, (panels + 63) // 64, 1000 // cs), pool)
    finite = True
    for first in range(0, _tile_rows(n, oh), rows):
        now = min(rows, _tile_rows(n, oh) - first)
        args = (w, tiles_at, scratch, x, first, now, cs, size, h, width, oh, ow, ph, pw)
        _run_tiles(args, 0, cs * now, max(8, (cs * now + 63) // 64), pool)
        grain = max(1, (1 << 18) // (2 * lanes(w) * m * cs))
        tiles = now * ((ow + 3) // 4)
        panels = (tiles + 2 * lanes(w) - 1) // (2 * lanes(w))
        _run_products((w, tiles_at, sums_at, cs, m, size, tiles), 0, _PLACES * panels, grain, pool)
        args = (out, w, sums_at, scratch, flags, added, lead, first, now, m, size, oh, ow)
        _run_outputs(args, 0, m * now, max(8, (m * now + 63) // 64), pool)
        for i in range(flags, flags + m * now):
            if w[i] != 0:
                finite = False
    return finite


winograd_convolve = _jit.jit(_engine)
