"""Matrix product on the CPU: C = A @ B (+ bias), blocked, the same bits for any number of threads.

The scheme is that of Goto and van de Geijn ("Anatomy of high-performance matrix multiplication", 2008), with packing
only where it pays. `_tile_product` keeps one tile of C, MR rows by two vectors of columns, in registers over a block of
steps. It broadcasts numbers of A from wherever they lie and reads vectors of B; so A is packed (into panels of MR rows,
step by step) only where it is big or would fall on the same cache sets again and again, and B is packed by whoever is
about to multiply by it, a panel of two vectors of columns that stays in the first cache, unless it serves few rows.
Products of few rows or columns whose operands lie along the steps are dot products (`_dots`).

An element of C is its bias, then + a[0] * b[0], then + a[1] * b[1], ... whoever computes it; only dot products sum
lanes first and then a fixed tree. The path depends on sizes and strides alone.
"""

from __future__ import annotations

from nbnn import _jit
from nbnn.kernels._cpu import address_of, inner_ranges
from nbnn.kernels._simd import (
    LANES,
    gather,
    lanes,
    load,
    load_part,
    splat,
    store,
    store_part,
    tile_dot,
    tile_dot_part,
    tile_load,
    tile_load_part,
    tile_outer,
    tile_outer_at,
    tile_store,
    tile_store_part,
    tile_totals,
    tile_zero,
    zero,
)
from nbnn.kernels._tile import row_offsets, tile_outer_part, tile_prefetch, tile_rectified, tile_store_fours

# 16 registers of 64 bytes hold 8 x 2 accumulators beside the operands only where there are 32 (AVX-512).
MR = 8 if LANES == 16 else 4
KC = 256  # steps per block: a panel of B is 32 KB and stays in the first cache
_ROWS = 12 if LANES == 16 else 4  # of the tile where A is packed: 12 x 2 runs at 208 GFLOP/s where 8 x 2 runs at 185
_SOME = 4  # steps of one row of panels that are packed together, 3 cache lines of each
_ONE_BLOCK = 320  # up to so many steps make one block
MS = 516  # rows of A packed at once: 0.5 MB of float32, inside the second cache
_CHUNKS = 32  # of one block of C, each with a packed panel of B of its own
_GRAIN = 1 << 18  # multiply-adds of one chunk: 4 microseconds
_ITEMS = 8  # into which C is cut where there are not as many panels
_ITEM_ROWS = 64  # but no fewer rows than these

NO_BIAS, BIAS_OF_COLUMNS, BIAS_OF_ROWS = 0, 1, 2
NONE, RELU = 0, 1  # activations


@_jit.shared
def round_up(n, step):  # type: ignore[no-untyped-def]
    """The smallest multiple of `step` that is at least n."""
    return (n + step - 1) // step * step


@_jit.shared
def _block_depth(k):  # type: ignore[no-untyped-def]
    """Steps of one block: equal blocks, so that no short one is left over."""
    blocks = 1 if k <= _ONE_BLOCK else (k + KC - 1) // KC
    return (k + blocks - 1) // blocks


@_jit.shared
def _first_row(panel, m, height):  # type: ignore[no-untyped-def]
    """The row at which a panel of A begins: `height` apart, but a last panel of few rows takes some of the one before.

    Two tiles of MR rows then do what one of `height` rows and one that is nearly empty did (64 rows: 5 % faster).
    """
    left = m % height
    if height > MR and m > height and panel == m // height and 0 < left <= 2 * MR - height:
        return panel * height - (height - MR)
    return panel * height


@_jit.shared
def _row_blocks(m, panels):  # type: ignore[no-untyped-def]
    """Blocks that the rows are cut into, so that also few panels of columns give several items."""
    return max(1, min(_ITEMS // max(1, panels), m // _ITEM_ROWS))


@_jit.shared
def _item_grain(m, n, depth, width):  # type: ignore[no-untyped-def]
    """Items (block of rows, panel of columns) in one chunk."""
    panels = (n + width - 1) // width
    blocks = _row_blocks(m, panels)
    work = max(1, (m + blocks - 1) // blocks * width * depth)
    return max(1, _GRAIN // work, (panels * blocks + _CHUNKS - 1) // _CHUNKS)


@_jit.shared
def workspace_size(m, n, k):  # type: ignore[no-untyped-def]
    """Numbers of scratch space that `gemm` needs: never more than 320 * 1540 + 16 (2 MB of float32)."""
    depth, rows = _block_depth(k), min(m, MS)
    items, chunks = 0, 0
    for width in (LANES, 2 * LANES):  # float64, float32
        panels = (n + width - 1) // width
        items = panels * _row_blocks(rows, panels)
        grain = _item_grain(rows, n, depth, width)
        chunks = max(chunks, (items + grain - 1) // grain)
    return depth * (round_up(rows, _ROWS) + chunks * 2 * LANES) + 16  # to begin at a cache line


def _multiply_panels(c, c_at, ldc, a, a_at, b, b_at, k, rows, columns, fresh):  # type: ignore[no-untyped-def]
    """One tile of C: (0 if `fresh` else C) + panel of A times panel of B, of which `rows` x `columns` are stored."""
    full = rows == MR and columns == 2 * lanes(c)
    if fresh:
        tile = tile_zero(c, MR, 2)
    elif full:
        tile = tile_load(c, c_at, ldc, MR, 2)
    else:
        tile = tile_load_part(c, c_at, ldc, MR, 2, rows, columns)
    for _ in range(k):
        tile = tile_outer(tile, a, a_at, 1, b, b_at)
        a_at += MR
        b_at += 2 * lanes(c)
    if full:
        tile_store(tile, c, c_at, ldc)
    else:
        tile_store_part(tile, c, c_at, ldc, rows, columns)


multiply_panels = _jit.jit(_multiply_panels, inner=True)


def _pack_panel(w, w_at, width, x, x_at, across, along, count, steps):  # type: ignore[no-untyped-def]
    """w[s, r] = x[s * along + r * across] for r < count, zeros up to `width`: what step s reads lies together.

    Rows are stored by MR at a time: `width` must be a multiple of it, or a panel reaches into the next. Only vector
    code: loops over scalars cost four times as much to compile, being vectorised behind alias checks.
    """
    vector = lanes(w)
    if across == 1 and width == 2 * vector:
        if count >= width:
            for _ in range(steps):
                store(w, w_at, load(x, x_at))
                store(w, w_at + vector, load(x, x_at + vector))
                w_at += width
                x_at += along
            return
        for _ in range(steps):
            store(w, w_at, load_part(x, x_at, count))
            store(w, w_at + vector, load_part(x, x_at + vector, count - vector))
            w_at += width
            x_at += along
        return
    for r in range(0, width, MR):
        left = count - r
        target, source = w_at + r, x_at + r * across
        done = 0
        if along == 1 and left > 0:
            while done + vector <= steps:
                for q in range(0, MR, 4):
                    if left >= q + 4:
                        four = tile_load(x, source + q * across, across, 4, 1)
                    else:
                        four = tile_load_part(x, source + q * across, across, 4, 1, left - q, vector)
                    tile_store_fours(four, w, target + q, width)
                target += vector * width
                source += vector
                done += vector
        for _ in range(done, steps):
            if left <= 0:
                store(w, target, zero(w, MR))
            elif across == 1:
                store(w, target, load_part(x, source, left, MR))
            else:
                store(w, target, gather(x, source, across, left, MR))
            target += width
            source += along


pack_panel = _jit.jit(_pack_panel, inner=True)


@inner_ranges
def _pack(start, stop, grain, w, w_at, x, x_at, across, along, n, k):  # type: ignore[no-untyped-def]
    """Item = a panel of `_ROWS` rows of A: step s of the product reads `_ROWS` numbers that lie together."""
    vector = lanes(w)
    if across == 1:  # a few steps of all panels at a time: down one panel, rows a power of two apart share few sets
        for some in range(0, k, _SOME):
            for panel in range(start, stop):
                first = _first_row(panel, n, _ROWS)
                for s in range(some, min(k, some + _SOME)):
                    target, source = w_at + (panel * k + s) * _ROWS, x_at + first + s * along
                    if n - first >= _ROWS:
                        store(w, target, load(x, source, _ROWS))
                    else:
                        store(w, target, load_part(x, source, n - first, _ROWS))
        return
    for panel in range(start, stop):
        first = _first_row(panel, n, _ROWS)
        target, source, left = w_at + panel * _ROWS * k, x_at + first * across, n - first
        done = 0
        while along == 1 and done + vector <= k:
            for r in range(0, _ROWS, 4):
                if left >= r + 4:
                    four = tile_load(x, source + r * across, across, 4, 1)
                else:
                    four = tile_load_part(x, source + r * across, across, 4, 1, left - r, vector)
                tile_store_fours(four, w, target + r, _ROWS)
            target += vector * _ROWS
            source += vector
            done += vector
        for _ in range(done, k):
            store(w, target, gather(x, source, across, left, _ROWS))
            target += _ROWS
            source += along


def _fill(c, c_at, ldc, rows, columns, bias, bias_at):  # type: ignore[no-untyped-def]
    """Row i of a tile of C becomes bias[i]."""
    step = lanes(c)
    for i in range(rows):
        row = splat(bias[bias_at + i])
        store_part(c, c_at + i * ldc, row, columns)
        store_part(c, c_at + i * ldc + step, row, columns - step)


_fill_rows = _jit.jit(_fill, inner=True)


def _repeat(c, c_at, ldc, rows, columns, bias, bias_at):  # type: ignore[no-untyped-def]
    """Each row of a tile of C becomes the bias."""
    step = lanes(c)
    left, right = load_part(bias, bias_at, columns), load_part(bias, bias_at + step, columns - step)
    for i in range(rows):
        store_part(c, c_at + i * ldc, left, columns)
        store_part(c, c_at + i * ldc + step, right, columns - step)


_fill_columns = _jit.jit(_repeat, inner=True)


def _tile(c, c_at, ldc, a, a_at, a_row, a_col, b, b_at, b_row, whole, k, rows, columns, fresh, relu):  # type: ignore[no-untyped-def]
    """One tile of C: (0 if `fresh` else C) + A times B, of which `rows` x `columns` are stored.

    Where `whole`, B can be read as far as the tile reaches.
    """
    full = rows == MR and columns == 2 * lanes(c)
    if fresh:
        tile = tile_zero(c, MR, 2)
    elif full:
        tile = tile_load(c, c_at, ldc, MR, 2)
    else:
        tile = tile_load_part(c, c_at, ldc, MR, 2, rows, columns)
    tile_prefetch(tile, c, c_at + MR * ldc, ldc)  # the next tile: from memory, C would stop the product for 100 ns
    offsets = row_offsets(a_row, rows, MR)
    if whole or full:
        for _ in range(k):
            tile = tile_outer_at(tile, a, a_at, offsets, b, b_at)
            a_at += a_col
            b_at += b_row
    else:
        for _ in range(k):
            tile = tile_outer_part(tile, a, a_at, offsets, b, b_at, columns)
            a_at += a_col
            b_at += b_row
    if relu:
        tile = tile_rectified(tile)
    if full:
        tile_store(tile, c, c_at, ldc)
    else:
        tile_store_part(tile, c, c_at, ldc, rows, columns)


_tile_product = _jit.jit(_tile, inner=True)


def _tall(c, c_at, ldc, a, a_at, b, b_at, b_row, k, rows, columns, fresh, relu):  # type: ignore[no-untyped-def]
    """`_tile` of `_ROWS` rows where A is packed and B can be read as far as the tile reaches."""
    full = rows == _ROWS and columns == 2 * lanes(c)
    if fresh:
        tile = tile_zero(c, _ROWS, 2)
    elif full:
        tile = tile_load(c, c_at, ldc, _ROWS, 2)
    else:
        tile = tile_load_part(c, c_at, ldc, _ROWS, 2, rows, columns)
    tile_prefetch(tile, c, c_at + _ROWS * ldc, ldc)  # the next tile: from memory, C would stop the product for 100 ns
    for _ in range(k):
        tile = tile_outer(tile, a, a_at, 1, b, b_at)
        a_at += _ROWS
        b_at += b_row
    if relu:
        tile = tile_rectified(tile)
    if full:
        tile_store(tile, c, c_at, ldc)
    else:
        tile_store_part(tile, c, c_at, ldc, rows, columns)


_tall_product = _jit.jit(_tall, inner=True)


@inner_ranges
def _tiles(
    start, stop, grain, c, c_at, ldc, a, a_at, a_panel, a_row, a_col, b, b_at, b_row, b_col, w, w_at, m, n, k, bias,
    bias_at, lead, fresh, relu, packed, near
):  # type: ignore[no-untyped-def]  # fmt: skip
    """Item = (panel of columns, block of rows): pack the panel of B unless it is read where it lies, and multiply."""
    width = 2 * lanes(c)
    blocks = _row_blocks(m, (n + width - 1) // width)
    height = _ROWS if packed else MR
    rows = ((m + blocks - 1) // blocks + height - 1) // height
    panels = (m + height - 1) // height
    w_at += start // grain * k * width
    last = -1
    for item in range(start, stop):
        panel, first = item // blocks, item % blocks * rows
        j = panel * width
        columns = min(width, n - j)
        if panel != last and not near:
            pack_panel(w, w_at, width, b, b_at + j * b_col, b_col, b_row, columns, k)
            last = panel
        right, right_at, b_step = w, w_at, width
        if near:
            right, right_at, b_step = b, b_at + j, b_row
        for p in range(first, min(panels, first + rows)):
            i = _first_row(p, m, height)
            high = (m if p + 1 == panels else _first_row(p + 1, m, height)) - i
            at, left = c_at + i * ldc + j, a_at + p * a_panel
            if lead == BIAS_OF_ROWS:
                _fill_rows(c, at, ldc, high, columns, bias, bias_at + i)
            elif lead == BIAS_OF_COLUMNS:
                _fill_columns(c, at, ldc, high, columns, bias, j)
            new = fresh and lead == NO_BIAS
            if packed and (high > MR or _ROWS == MR):
                _tall_product(c, at, ldc, a, left, right, right_at, b_step, k, high, columns, new, relu)
            else:
                _tile_product(
                    c, at, ldc, a, left, a_row, a_col, right, right_at, b_step, not near or columns == width, k, high,
                    columns, new, relu,
                )  # fmt: skip


@inner_ranges
def _dots(start, stop, grain, c, c_at, c_row, c_col, a, a_at, a_row, b, b_at, b_col, m, n, k, bias, lead, relu):  # type: ignore[no-untyped-def]
    """Item = eight columns of C, whose elements are dot products of runs of k numbers."""
    step = lanes(c)
    whole = k - k % step
    none = c.dtype.type(0)
    for j in range(start * 8, min(n, stop * 8), 8):
        columns = min(8, n - j)
        i = 0
        while i < m:
            left, wide = a_at + i * a_row, 4 if i + 4 <= m else 8
            for part in range(0, columns, wide):
                right = b_at + (j + part) * b_col
                if wide == 4:
                    many = row_offsets(b_col, columns - part, 4)
                    tile = tile_zero(c, 4, 4)
                    for s in range(0, whole, step):
                        tile = tile_dot(tile, a, left + s, a_row, b, right + s, many)
                    if whole < k:
                        tile = tile_dot_part(tile, a, left + whole, a_row, b, right + whole, many, k - whole)
                    sums = tile_totals(tile)
                    for r in range(16):
                        y, x = i + r // 4, j + part + r % 4
                        if x < n:
                            value = sums[r]
                            if lead != NO_BIAS:
                                value += bias[y if lead == BIAS_OF_ROWS else x]
                            c[c_at + y * c_row + x * c_col] = none if relu and value <= none else value
                else:
                    eight = row_offsets(b_col, columns, 8)
                    row = tile_zero(c, 1, 8)
                    for s in range(0, whole, step):
                        row = tile_dot(row, a, left + s, 0, b, right + s, eight)
                    if whole < k:
                        row = tile_dot_part(row, a, left + whole, 0, b, right + whole, eight, k - whole)
                    totals = tile_totals(row)
                    for x in range(columns):
                        value = totals[x]
                        if lead != NO_BIAS:
                            value += bias[i if lead == BIAS_OF_ROWS else j + x]
                        c[c_at + i * c_row + (j + x) * c_col] = none if relu and value <= none else value
            i += 4 if wide == 4 else 1


# The compiled drivers, as globals that nopython code can call.
_run_pack, _run_tiles, _run_dots = _pack.cpu, _tiles.cpu, _dots.cpu


@_jit.shared
def _prefers_dots(m, n, k, step):  # type: ignore[no-untyped-def]
    """Whether dot products cost less cycles than tiles, where A and B both lie along the steps."""
    products = ((m + 3) // 4) * ((n + 3) // 4) * ((k + step - 1) // step * 11 + 60)
    if m < 4:
        products = m * ((n + 7) // 8) * ((k + step - 1) // step * 5 + 40)
    panels = (n + 2 * step - 1) // (2 * step)
    tiles = panels * ((m + _ROWS - 1) // _ROWS) * (_ROWS * k + 40) + n * k // 3
    return products < tiles


@_jit.shared
def _packs_rows(m, n, k, pool):  # type: ignore[no-untyped-def]
    """Whether A is copied first; threads would wait longer for a small copy than the higher tile gains."""
    return n > 64 and m >= 4 * _ROWS and (pool == 0 or m * k > 65536)


@_jit.shared
def in_place(m, k, b_row, b_col):  # type: ignore[no-untyped-def]
    """Whether B, and then A, is read where it lies: it serves few rows, or all of it stays in the nearer caches.

    Such a product needs no workspace, whose allocation costs one of 64 x 64 a tenth.
    """
    return b_col == 1 and (m <= 2 * _ROWS or (k * b_row <= 16384 and m <= 128))


def _blocks(c, c_at, ldc, a, a_at, a_row, a_col, b, b_at, b_row, b_col, m, n, k, bias, lead, relu, w, w_at, pool):  # type: ignore[no-untyped-def]
    """C block of rows by block of rows and, within, block of steps by block of steps."""
    width = 2 * lanes(c)
    # packed panels begin at a cache line: vectors that lie across two cost a tenth
    w_at += -(address_of(w) // w.itemsize + w_at) % (64 // w.itemsize)
    panels, deep = (n + width - 1) // width, _block_depth(k)
    near = in_place(m, k, b_row, b_col)
    packs = not near and _packs_rows(m, n, k, pool)
    for i in range(0, m, MS):
        rows = min(MS, m - i)
        blocks, b_panels = _row_blocks(rows, panels), w_at + round_up(rows, _ROWS) * deep
        p = 0
        while p == 0 or p < k:
            depth, at, first = min(deep, k - p), a_at + i * a_row + p * a_col, NO_BIAS
            if p == 0:
                first = lead
            ends = relu and p + deep >= k
            args = (c, c_at + i * ldc, ldc, a, at, MR * a_row, a_row, a_col, b, b_at + p * b_row, b_row, b_col, w,
                    b_panels, rows, n, depth, bias, i, first, p == 0, ends, packs, near)  # fmt: skip
            grain = _item_grain(rows, n, deep, width)
            if packs:
                work = (w, w_at, a, at, a_row, a_col, rows, depth)
                _run_pack(work, 0, (rows + _ROWS - 1) // _ROWS, max(1, _GRAIN // (max(1, depth) * _ROWS * 8)), pool)
                args = (c, c_at + i * ldc, ldc, w, w_at, _ROWS * depth, 1, _ROWS, b, b_at + p * b_row, b_row, b_col, w,
                        b_panels, rows, n, depth, bias, i, first, p == 0, ends, packs, near)  # fmt: skip
            _run_tiles(args, 0, panels * blocks, grain, pool)
            p += max(1, deep)


_run_blocks = _jit.jit(_blocks, inner=True)


@_jit.jit
def gemm(c, c_at, a, a_at, b, b_at, bias, by_row, m, n, k, a_row, a_col, b_row, b_col, ldc, workspace, w_at, pool):  # type: ignore[no-untyped-def]
    """C = A @ B + bias: `gemm_activated` without an activation."""
    gemm_activated(
        c, c_at, a, a_at, b, b_at, bias, by_row, m, n, k, a_row, a_col, b_row, b_col, ldc, workspace, w_at, pool, NONE
    )


@_jit.jit
def gemm_activated(
    c, c_at, a, a_at, b, b_at, bias, by_row, m, n, k, a_row, a_col, b_row, b_col, ldc, workspace, w_at, pool, relu
):  # type: ignore[no-untyped-def]
    """C = activation(A @ B + bias): C (m, n) row-major with rows `ldc` apart, A (m, k) and B (k, n) with any strides.

    Parameters
    ----------
    c, a, b, bias, workspace : 1-D arrays of one float dtype
        `bias` is None, or n numbers for the columns of C, or m for its rows where `by_row` is not 0. `workspace` has
        `workspace_size(m, n, k)` numbers from `w_at` on. C is written, never read before.
    c_at, a_at, b_at, w_at : int
        Where each begins in its array.
    a_row, a_col, b_row, b_col : int
        Steps between neighbouring rows and columns: swapped, they transpose.
    pool : int
        Address of the parallel driver; 0 runs on the calling thread.
    relu : int
        `RELU`, or `NONE` for no activation.
    """
    lead, added = NO_BIAS, c  # an array in any case: the kernels compile once for with and without bias
    if bias is not None:
        lead, added = BIAS_OF_ROWS if by_row else BIAS_OF_COLUMNS, bias
    if a_col == 1 and b_row == 1 and n < 4 and m > n:  # the transpose of C, whose columns are the rows of A
        turned = NO_BIAS if lead == NO_BIAS else BIAS_OF_ROWS + BIAS_OF_COLUMNS - lead
        args = (c, c_at, 1, ldc, b, b_at, b_col, a, a_at, a_row, n, m, k, added, turned, relu)
        _run_dots(args, 0, (m + 7) // 8, max(1, _GRAIN // max(1, 8 * n * k)), pool)
    elif a_col == 1 and b_row == 1 and _prefers_dots(m, n, k, lanes(c)):
        args = (c, c_at, ldc, 1, a, a_at, a_row, b, b_at, b_col, m, n, k, added, lead, relu)
        _run_dots(args, 0, (n + 7) // 8, max(1, _GRAIN // max(1, 8 * m * k)), pool)
    elif m > 0 and n > 0:
        _run_blocks(c, c_at, ldc, a, a_at, a_row, a_col, b, b_at, b_row, b_col, m, n, k, added, lead, relu,
                    workspace, w_at, pool)  # fmt: skip
