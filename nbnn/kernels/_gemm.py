"""Matrix product on the CPU: C = A @ B (+ bias), blocked, packed, the same bits for any number of threads.

The scheme is that of Goto and van de Geijn ("Anatomy of high-performance matrix multiplication", 2008). A is cut into
panels of `MR` rows and B into panels of two vectors of columns; each panel is copied so that step k of a product
reads consecutive numbers, and `multiply_panels` keeps one MR x 2-vector tile of C in registers over `KC` steps.

An element of C is its bias, then + a[0] * b[0], then + a[1] * b[1], ... whoever computes it; only a product of few rows
by columns that lie along memory sums lanes first and then a fixed tree. The path depends on sizes and strides alone.
"""

from __future__ import annotations

from nbnn import _jit
from nbnn.kernels._cpu import inner_ranges
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

    Only vector code: loops over scalars cost four times as much to compile, being vectorised behind alias checks.
    """
    for r in range(0, width, MR):
        left = count - r
        target, source = w_at + r, x_at + r * across
        for _ in range(steps):
            if left <= 0:
                store(w, target, zero(w, MR))
            elif across == 1:
                store(w, target, load_part(x, source, left, MR))
            else:
                store(w, target, gather(x, source, across, left, MR))
            target += width
            source += along


pack_panel = _jit.jit(_pack_panel, inner=True)

NO_BIAS, ONES, BIAS = 0, 1, 2  # what a panel holds in the step before its first: the bias enters as bias * 1


@inner_ranges
def _pack(start, stop, grain, w, w_at, width, x, x_at, across, along, n, k, bias, bias_at, lead):  # type: ignore[no-untyped-def]
    """Item = a panel of `width` rows of A or columns of B."""
    for panel in range(start, stop):
        r = panel * width
        target = w_at + r * k
        if lead != NO_BIAS:
            target += r
            for j in range(0, width, MR):
                ones = splat(type(w[0])(1), MR)
                store(w, target + j, load_part(bias, bias_at + r + j, n - r - j, MR) if lead == BIAS else ones)
            target += width
        pack_panel(w, target, width, x, x_at + r * across, across, along, n - r, k)


@inner_ranges
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


def _dot(a, a_at, b, b_at, k):  # type: ignore[no-untyped-def]
    """Sum of a[i] * b[i] over two runs of k numbers: lanes in order, then a fixed tree."""
    low, high = zero(a), zero(a)
    step = lanes(a)
    i = 0
    while i + 2 * step <= k:
        low = fma(load(a, a_at + i), load(b, b_at + i), low)
        high = fma(load(a, a_at + i + step), load(b, b_at + i + step), high)
        i += 2 * step
    while i < k:
        low = fma(load_part(a, a_at + i, k - i), load_part(b, b_at + i, k - i), low)
        i += step
    return total(low + high)


dot = _jit.jit(_dot, inner=True)


@inner_ranges
def _unpacked(
    start, stop, grain, c, c_at, ldc, a, a_at, a_row, a_col, b, b_at, b_row, b_col, bias, lead, by_row, m, n, k
):  # type: ignore[no-untyped-def]
    """Item = four vectors of columns of C; A and B are read where they lie."""
    step = lanes(c)
    for j in range(start * 4 * step, min(n, stop * 4 * step), 4 * step):
        columns = min(4 * step, n - j)
        for i in range(m):
            at, a_i, b_j = c_at + i * ldc + j, a_at + i * a_row, b_at + j * b_col
            for r in range(0, columns, step):
                row = zero(c)
                if lead != NO_BIAS:
                    row = splat(bias[i]) if by_row else load_part(bias, j + r, columns - r)
                store_part(c, at + r, row, columns - r)
            if b_col == 1 and columns == 4 * step:
                tile = tile_load(c, at, 0, 1, 4)
                for s in range(k):
                    tile = tile_outer(tile, a, a_i + s * a_col, 0, b, b_j + s * b_row)
                tile_store(tile, c, at, 0)
            elif a_col == 1 and b_row == 1:
                for r in range(columns):
                    c[at + r] += dot(a, a_i, b, b_j + r * b_col, k)
            else:
                for r in range(columns):
                    value = c[at + r]
                    for s in range(k):
                        value += a[a_i + s * a_col] * b[b_j + r * b_col + s * b_row]
                    c[at + r] = value


# The compiled drivers, as globals that nopython code can call.
_run_unpacked, _run_pack, _run_tiles = _unpacked.cpu, _pack.cpu, _tiles.cpu


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
    lead, added = NO_BIAS, c  # an array in any case: the kernels compile once for with and without bias
    if bias is not None:
        lead, added = BIAS, bias
    if m * n * k <= _SMALL or m < _FEW_ROWS:
        items = (n + 2 * width - 1) // (2 * width)
        args = (c, c_at, ldc, a, a_at, a_row, a_col, b, b_at, b_row, b_col, added, lead, by_row, m, n, k)
        _run_unpacked(args, 0, items, max(1, _GRAIN // max(1, m * k * 2 * width)), pool)
        return
    for i in range(0, m, MS):
        rows = min(MS, m - i)
        for p in range(0, k, KC):
            depth = min(KC, k - p)
            steps, lead_a, lead_b = depth, NO_BIAS, NO_BIAS
            if lead == BIAS and p == 0:
                steps, lead_a, lead_b = depth + 1, BIAS if by_row else ONES, ONES if by_row else BIAS
            at = a_at + i * a_row + p * a_col
            args = (workspace, w_at, MR, a, at, a_row, a_col, rows, depth, added, i, lead_a)
            _run_pack(args, 0, (rows + MR - 1) // MR, max(1, _GRAIN // (steps * MR * 8)), pool)
            b_panels = w_at + round_up(rows, MR) * steps
            for j in range(0, n, NS):
                columns = min(NS, n - j)
                panels = (columns + width - 1) // width
                at = b_at + p * b_row + j * b_col
                args = (workspace, b_panels, width, b, at, b_col, b_row, columns, depth, added, j, lead_b)
                _run_pack(args, 0, panels, max(1, _GRAIN // (steps * width * 8)), pool)
                args = (c, c_at + i * ldc + j, ldc, workspace, w_at, b_panels, rows, columns, steps, p == 0)
                grain = max(1, _GRAIN // (steps * width * min(rows, MC)))
                _run_tiles(args, 0, panels * ((rows + MC - 1) // MC), grain, pool)
