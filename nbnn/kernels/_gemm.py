"""Matrix product on the CPU: C = A @ B (+ bias), blocked, packed, the same bits for any number of threads.

The scheme is that of Goto and van de Geijn ("Anatomy of high-performance matrix multiplication", 2008). A is cut into
panels of `MR` rows and B into panels of two vectors of columns; each panel is copied so that step k of a product
reads consecutive numbers, and `multiply_panels` keeps one MR x 2-vector tile of C in registers over `KC` steps.

An element of C is its bias, then + a[0] * b[0], then + a[1] * b[1], ... whoever computes it; only a product of few rows
by columns that lie along memory sums lanes first and then a fixed tree. The path depends on sizes and strides alone.
"""

from __future__ import annotations

from nbnn import _jit
from nbnn.kernels._cpu import over_ranges
from nbnn.kernels._simd import (
    LANES,
    fma,
    lanes,
    load,
    load_part,
    splat,
    store,
    store_part,
    tile_load,
    tile_load_part,
    tile_outer,
    tile_store,
    tile_store_part,
    tile_zero,
    total,
    zero,
)

# 16 registers of 64 bytes hold 8 x 2 accumulators beside the operands only where there are 32 (AVX-512).
MR = 8 if LANES == 16 else 4
KC = 256  # steps per block: a panel of B is 32 KB and stays near the core
MC = 128  # rows of A that share one visit of a panel of B
MS = 1024  # rows of A packed at once
NS = 1024  # columns of B packed at once
_SMALL = 32768  # multiply-adds below which packing does not pay
_FEW_ROWS = 4  # a packed panel of B must serve more rows than this to be worth its copy
_GRAIN = 1 << 19  # multiply-adds of one chunk: 10 microseconds


@_jit.shared
def round_up(n, step):  # type: ignore[no-untyped-def]
    """The smallest multiple of `step` that is at least n."""
    return (n + step - 1) // step * step


@_jit.shared
def workspace_size(m, n, k):  # type: ignore[no-untyped-def]
    """Numbers of scratch space that `gemm` needs: never more than 257 * 2048 (2.1 MB of float32)."""
    depth = min(k, KC) + 1  # one more step holds the bias
    return depth * (round_up(min(m, MS), MR) + round_up(min(n, NS), 2 * LANES))


@_jit.jit
def multiply_panels(c, c_at, ldc, a, a_at, b, b_at, k, rows, columns, fresh):  # type: ignore[no-untyped-def]
    """One tile of C: (0 if `fresh` else C) + a panel of A times a panel of B, of which `rows` x `columns` are stored."""
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


@_jit.jit
def pack_a_panel(w, w_at, a, a_at, a_row, a_col, rows, k):  # type: ignore[no-untyped-def]
    """w[step, r] = A[r, step] for the MR rows of a panel, zeros where the matrix has ended."""
    if a_row == 1 and rows == MR:
        for step in range(k):
            store(w, w_at + step * MR, load(a, a_at + step * a_col, MR))
        return
    for r in range(MR):
        if r < rows:
            for step in range(k):
                w[w_at + step * MR + r] = a[a_at + r * a_row + step * a_col]
        else:
            for step in range(k):
                w[w_at + step * MR + r] = 0


@_jit.jit
def _pack_b_panel(w, w_at, b, b_at, b_row, b_col, columns, k):  # type: ignore[no-untyped-def]
    """w[step, j] = B[step, j] for the columns of a panel, zeros where the matrix has ended."""
    width = 2 * lanes(w)
    if b_col == 1 and columns == width:
        for step in range(k):
            at = b_at + step * b_row
            store(w, w_at + step * width, load(b, at))
            store(w, w_at + step * width + lanes(w), load(b, at + lanes(w)))
        return
    for j in range(width):
        if j < columns:
            for step in range(k):
                w[w_at + step * width + j] = b[b_at + step * b_row + j * b_col]
        else:
            for step in range(k):
                w[w_at + step * width + j] = 0


@over_ranges
def _pack_a(start, stop, grain, w, w_at, a, a_at, a_row, a_col, m, k, bias, bias_at, by_row, lead):  # type: ignore[no-untyped-def]
    for panel in range(start, stop):
        i = panel * MR
        rows = min(MR, m - i)
        at = w_at + i * (k + lead)
        if bias is not None:
            if lead:  # the bias is one step more: bias[i] * 1, or 1 * bias[j]
                for r in range(rows):
                    w[at + r] = bias[bias_at + i + r] if by_row else 1
                for r in range(rows, MR):
                    w[at + r] = 0
        pack_a_panel(w, at + lead * MR, a, a_at + i * a_row, a_row, a_col, rows, k)


@over_ranges
def _pack_b(start, stop, grain, w, w_at, b, b_at, b_row, b_col, n, k, bias, bias_at, by_row, lead):  # type: ignore[no-untyped-def]
    width = 2 * lanes(w)
    for panel in range(start, stop):
        j = panel * width
        columns = min(width, n - j)
        at = w_at + j * (k + lead)
        if bias is not None:
            if lead:
                for r in range(columns):
                    w[at + r] = 1 if by_row else bias[bias_at + j + r]
                for r in range(columns, width):
                    w[at + r] = 0
        _pack_b_panel(w, at + lead * width, b, b_at + j * b_col, b_row, b_col, columns, k)


@over_ranges
def _tiles(start, stop, grain, c, c_at, ldc, w, a_at, b_at, m, n, k, fresh):  # type: ignore[no-untyped-def]
    """Item = (block of MC rows, panel of B), panels first."""
    width = 2 * lanes(c)
    panels = (n + width - 1) // width
    for item in range(start, stop):
        block = item // panels
        j = (item - block * panels) * width
        for i in range(block * MC, min(m, block * MC + MC), MR):
            rows, columns = min(MR, m - i), min(width, n - j)
            multiply_panels(c, c_at + i * ldc + j, ldc, w, a_at + i * k, w, b_at + j * k, k, rows, columns, fresh)


@_jit.jit
def dot(a, a_at, b, b_at, k, start):  # type: ignore[no-untyped-def]
    """start + sum of a[i] * b[i] over two runs of k numbers: lanes, then a fixed tree, then the tail."""
    low, high = zero(a), zero(a)
    step = lanes(a)
    i = 0
    while i + 2 * step <= k:
        low = fma(load(a, a_at + i), load(b, b_at + i), low)
        high = fma(load(a, a_at + i + step), load(b, b_at + i + step), high)
        i += 2 * step
    if i + step <= k:
        low = fma(load(a, a_at + i), load(b, b_at + i), low)
        i += step
    if i < k:
        high = fma(load_part(a, a_at + i, k - i), load_part(b, b_at + i, k - i), high)
    return start + total(low + high)


@_jit.jit
def _add_row(c, c_at, a, a_at, a_col, b, b_at, b_row, n, k):  # type: ignore[no-untyped-def]
    """c[j] += sum over k of a[k] * B[k, j] for n columns, at most four vectors of them, that lie along memory."""
    step = lanes(c)
    if n == 4 * step:
        tile = tile_load(c, c_at, 0, 1, 4)
        for _ in range(k):
            tile = tile_outer(tile, a, a_at, 0, b, b_at)
            a_at += a_col
            b_at += b_row
        tile_store(tile, c, c_at, 0)
        return
    for j in range(0, n, step):
        count = min(step, n - j)
        row = load_part(c, c_at + j, count)
        for i in range(k):
            row = fma(splat(a[a_at + i * a_col]), load_part(b, b_at + i * b_row + j, count), row)
        store_part(c, c_at + j, row, count)


@over_ranges
def _unpacked(start, stop, grain, c, c_at, ldc, a, a_at, a_row, a_col, b, b_at, b_row, b_col, bias, by_row, m, n, k):  # type: ignore[no-untyped-def]
    """Item = four vectors of columns of C, read in place."""
    width = 4 * lanes(c)
    for j in range(start * width, min(n, stop * width), width):
        columns = min(width, n - j)
        for i in range(m):
            at = c_at + i * ldc + j
            for r in range(columns):
                c[at + r] = 0
                if bias is not None:
                    c[at + r] = bias[i] if by_row else bias[j + r]
            if b_col == 1:
                _add_row(c, at, a, a_at + i * a_row, a_col, b, b_at + j, b_row, columns, k)
            elif b_row == 1 and a_col == 1:
                for r in range(columns):
                    c[at + r] = dot(a, a_at + i * a_row, b, b_at + (j + r) * b_col, k, c[at + r])
            else:
                for r in range(columns):
                    value = c[at + r]
                    for step in range(k):
                        value += a[a_at + i * a_row + step * a_col] * b[b_at + step * b_row + (j + r) * b_col]
                    c[at + r] = value


# The compiled drivers, as globals that nopython code can call.
_run_unpacked, _run_pack_a, _run_pack_b, _run_tiles = _unpacked.cpu, _pack_a.cpu, _pack_b.cpu, _tiles.cpu


@_jit.jit
def _packed_rows(c, c_at, a, a_at, b, b_at, bias, i, by_row, m, n, k, a_row, a_col, b_row, b_col, ldc, w, w_at, pool):  # type: ignore[no-untyped-def]
    """`gemm` for at most MS rows, of which the first is row i of the whole: pack, then multiply, block by block."""
    width = 2 * lanes(c)
    for p in range(0, k, KC):
        depth = min(KC, k - p)
        lead = 0
        if bias is not None:
            lead = 1 if p == 0 else 0
        steps = depth + lead
        packed_b = w_at + round_up(m, MR) * steps
        args_a = (w, w_at, a, a_at + p * a_col, a_row, a_col, m, depth, bias, i, by_row, lead)
        _run_pack_a(args_a, 0, (m + MR - 1) // MR, max(1, _GRAIN // (steps * MR * 8)), pool)
        for j in range(0, n, NS):
            columns = min(NS, n - j)
            panels = (columns + width - 1) // width
            args_b = (w, packed_b, b, b_at + p * b_row + j * b_col, b_row, b_col, columns, depth, bias, j, by_row, lead)
            _run_pack_b(args_b, 0, panels, max(1, _GRAIN // (steps * width * 8)), pool)
            args_c = (c, c_at + j, ldc, w, w_at, packed_b, m, columns, steps, p == 0)
            items = panels * ((m + MC - 1) // MC)
            _run_tiles(args_c, 0, items, max(1, _GRAIN // (steps * width * min(m, MC))), pool)


@_jit.jit
def gemm(c, c_at, a, a_at, b, b_at, bias, by_row, m, n, k, a_row, a_col, b_row, b_col, ldc, workspace, w_at, pool):  # type: ignore[no-untyped-def]
    """C = A @ B + bias: C (m, n) row-major with rows `ldc` apart, A (m, k) and B (k, n) with any strides.

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
    """
    width = 2 * lanes(c)
    if m * n * k <= _SMALL or m < _FEW_ROWS:
        items = (n + 2 * width - 1) // (2 * width)
        grain = max(1, _GRAIN // max(1, m * k * 2 * width))
        args = (c, c_at, ldc, a, a_at, a_row, a_col, b, b_at, b_row, b_col, bias, by_row, m, n, k)
        _run_unpacked(args, 0, items, grain, pool)
        return
    for i in range(0, m, MS):
        rows = min(MS, m - i)
        c_i, a_i = c_at + i * ldc, a_at + i * a_row
        _packed_rows(c, c_i, a, a_i, b, b_at, bias, i, by_row, rows, n, k, a_row, a_col, b_row, b_col, ldc, workspace, w_at, pool)
