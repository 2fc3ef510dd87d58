"""Matrix products: the readable bodies, which run everywhere, and their twins on the blocked product of the CPU.

A matrix is given by its flat array and the steps between its rows and its columns, so that the gradients of a product
are products again, with other steps: for C = A @ B, dA = dC @ B^T and dB = A^T @ dC.
"""

from __future__ import annotations

from nbnn import _jit
from nbnn.kernels._cpu import inner_ranges, over_outputs, over_rows
from nbnn.kernels._cuda_matrix import DEPTH, SLICE, blocks_of, column_sums, product_tile, share_of, tiles_of, tiles_pay
from nbnn.kernels._gemm import gemm, in_place, workspace_size
from nbnn.kernels._simd import lanes, load_part, store_part, zero
from nbnn.kernels._tiles import SIDE, THREADS, cuda, slices_for, tiled

_BIG = 1 << 21  # multiply-adds of one matrix above which it is split over threads, rather than the batch
_CHUNKS = 8  # of a batch, each with a workspace of its own
_CHUNK_WORK = 1 << 19


@over_outputs(1)
def matmul(i, a, b, batch, m, k, n, a_batch, a_row, a_col, b_batch, b_row, b_col):  # type: ignore[no-untyped-def]
    """Element i of C (batch, m, n) = A @ B, where A is (batch, m, k) and B (batch, k, n) with the given steps."""
    matrix, cell = i // (m * n), i % (m * n)
    a_at = matrix * a_batch + cell // n * a_row
    b_at = matrix * b_batch + cell % n * b_col
    value = a.dtype.type(0)
    for step in range(k):
        value += a[a_at + step * a_col] * b[b_at + step * b_row]
    return value


@over_outputs(1)
def linear(i, x, w, bias, n, k, m):  # type: ignore[no-untyped-def]
    """Element i of y (n, m) = x (n, k) @ w (m, k)^T + bias (m numbers, or None)."""
    row, column = i // m, i % m
    value = x.dtype.type(0)
    if bias is not None:
        value = bias[column]
    for step in range(k):
        value += x[row * k + step] * w[column * k + step]
    return value


@over_rows
def linear_backward(item, dx, dw, db, grad, x, w, n, k, m, need_x, need_w, need_b):  # type: ignore[no-untyped-def]
    """dx = grad w, dw = grad^T x, db = the sum of the rows of grad (n, m), of those needed.

    Item = an element of dx (n, k), then of dw (m, k), then of db (m).
    """
    value, first, last = grad.dtype.type(0), need_x * n * k, need_x * n * k + need_w * m * k
    if item < first:
        for step in range(m):
            value += grad[item // k * m + step] * w[step * k + item % k]
        dx[item] = value
    elif item < last:
        row, column = (item - first) // k, (item - first) % k
        for step in range(n):
            value += grad[step * m + row] * x[step * k + column]
        dw[item - first] = value
    elif need_b:
        for step in range(n):
            value += grad[step * m + item - last]
        db[item - last] = value


# The same on CUDA, in tiles of shared memory; a block is a tile of a matrix.


def _matmul_tiles(out, a, b, batch, m, k, n, a_batch, a_row, a_col, b_batch, b_row, b_col):  # type: ignore[no-untyped-def]
    left = cuda.shared.array(SLICE, a.dtype)
    right = cuda.shared.array(SLICE, a.dtype)
    tiles = tiles_of(m, n)
    matrix, tile = cuda.blockIdx.x // tiles, cuda.blockIdx.x % tiles
    a_at, b_at, at = matrix * a_batch, matrix * b_batch, (cuda.blockIdx.y * batch + matrix) * m * n
    some = share_of(k, cuda.gridDim.y)
    first = cuda.blockIdx.y * some
    last = min(k, first + some)
    product_tile(out, at, a, a_at, b, b_at, None, m, first, last, n, a_row, a_col, b_row, b_col, tile, left, right)


def _matmul_plan(items, batch, m, k, n, *steps):  # type: ignore[no-untyped-def]
    tiles = batch * blocks_of(m, n)
    return ((tiles, slices_for(tiles, k // DEPTH)), THREADS) if tiles_pay(m, k, n) else None


def _linear_tiles(out, x, w, bias, n, k, m):  # type: ignore[no-untyped-def]
    left = cuda.shared.array(SLICE, x.dtype)
    right = cuda.shared.array(SLICE, x.dtype)
    product_tile(out, 0, x, 0, w, 0, bias, n, 0, k, m, k, 1, 1, k, cuda.blockIdx.x, left, right)


def _linear_plan(items, n, k, m):  # type: ignore[no-untyped-def]
    return (blocks_of(n, m), THREADS) if tiles_pay(n, k, m) else None


def _linear_backward_tiles(dx, dw, db, grad, x, w, n, k, m, need_x, need_w, need_b):  # type: ignore[no-untyped-def]
    """Blocks for the tiles of dx, then for those of dw, then for the columns of db."""
    left = cuda.shared.array(SLICE, x.dtype)
    right = cuda.shared.array(SLICE, x.dtype)
    first, block = need_x * tiles_of(n, k), cuda.blockIdx.x
    last = first + need_w * tiles_of(m, k)
    if block < first:
        product_tile(dx, 0, grad, 0, w, 0, None, n, 0, m, k, m, 1, k, 1, block, left, right)
    elif block < last:
        product_tile(dw, 0, grad, 0, x, 0, None, m, 0, n, k, 1, m, k, 1, block - first, left, right)
    else:
        column_sums(db, grad, n, m, block - last, left)


def _linear_backward_plan(items, n, k, m, need_x, need_w, need_b):  # type: ignore[no-untyped-def]
    blocks = need_x * blocks_of(n, k) + need_w * blocks_of(m, k) + need_b * -(-m // SIDE)
    return (blocks, THREADS) if tiles_pay(n, m, k) else None


matmul.cuda = tiled(_matmul_tiles, _matmul_plan)
linear.cuda = tiled(_linear_tiles, _linear_plan)
linear_backward.cuda = tiled(_linear_backward_tiles, _linear_backward_plan)


@_jit.shared
def _batch_grain(batch, m, k, n):  # type: ignore[no-untyped-def]
    """Matrices in one chunk: all of them where one alone is big."""
    if m * k * n >= _BIG:
        return max(1, batch)
    return max((batch + _CHUNKS - 1) // _CHUNKS, min(batch, _CHUNK_WORK // max(1, m * k * n)), 1)


@_jit.shared
def matmul_workspace(batch, m, k, n, a_batch, a_row, a_col, b_batch, b_row, b_col):  # type: ignore[no-untyped-def]
    """Numbers of scratch space of `matmul_fast`: at most 8 times that of one product."""
    if in_place(m, k, b_row, b_col):
        return 0
    grain = _batch_grain(batch, m, k, n)
    return workspace_size(m, n, k) * ((batch + grain - 1) // grain)


@_jit.shared
def linear_workspace(n, k, m):  # type: ignore[no-untyped-def]
    """Numbers of scratch space of `linear_fast`."""
    return workspace_size(n, m, k)


@inner_ranges
def _matrices(start, stop, grain, out, a, b, w, size, m, k, n, a_batch, a_row, a_col, b_batch, b_row, b_col, pool):  # type: ignore[no-untyped-def]
    at = start // grain * size
    for i in range(start, stop):
        a_at, b_at = i * a_batch, i * b_batch
        gemm(out, i * m * n, a, a_at, b, b_at, None, 0, m, n, k, a_row, a_col, b_row, b_col, n, w, at, pool)


_run_matrices = _matrices.cpu


@_jit.jit
def matmul_fast(out, a, b, workspace, batch, m, k, n, a_batch, a_row, a_col, b_batch, b_row, b_col, pool):  # type: ignore[no-untyped-def]
    """`matmul` on the blocked product: threads share the batch, or where it makes one chunk each matrix."""
    size, grain = workspace_size(m, n, k), _batch_grain(batch, m, k, n)
    inside = pool if grain >= batch else pool * 0  # nested parallel regions would oversubscribe the machine
    args = (out, a, b, workspace, size, m, k, n, a_batch, a_row, a_col, b_batch, b_row, b_col, inside)
    _run_matrices(args, 0, batch, grain, pool)


@_jit.jit
def linear_fast(out, x, w, bias, workspace, n, k, m, pool):  # type: ignore[no-untyped-def]
    """`linear` on the blocked product."""
    gemm(out, 0, x, 0, w, 0, bias, 0, n, m, k, k, 1, 1, k, m, workspace, 0, pool)


_SUM_ROWS = 64  # rows summed apart, so that rounding errors do not grow with the number of rows
_SUM_GRAIN = 1 << 16  # numbers summed by one chunk


@inner_ranges
def _column_sums(start, stop, grain, out, grad, n, m):  # type: ignore[no-untyped-def]
    """Item = a vector of columns of grad (n, m)."""
    step = lanes(out)
    for j in range(start * step, min(m, stop * step), step):
        whole = zero(out)
        for block in range(0, n, _SUM_ROWS):
            part = zero(out)
            for i in range(block, min(n, block + _SUM_ROWS)):
                part += load_part(grad, i * m + j, m - j)
            whole += part
        store_part(out, j, whole, m - j)


_run_column_sums = _column_sums.cpu


@_jit.shared
def linear_sums(db, grad, n, m, pool):  # type: ignore[no-untyped-def]
    """The sums of the columns of grad (n, m)."""
    step = lanes(db)
    _run_column_sums((db, grad, n, m), 0, (m + step - 1) // step, max(1, _SUM_GRAIN // max(1, n * step)), pool)


@_jit.shared
def linear_backward_workspace(n, k, m, need_x, need_w, need_b):  # type: ignore[no-untyped-def]
    """Numbers of scratch space of `linear_backward_fast`."""
    return max(need_x * workspace_size(n, k, m), need_w * workspace_size(m, k, n))


@_jit.jit
def linear_backward_fast(dx, dw, db, grad, x, w, workspace, n, k, m, need_x, need_w, need_b, pool):  # type: ignore[no-untyped-def]
    """`linear_backward` on the blocked product, one launch for all that is needed."""
    if need_x:
        gemm(dx, 0, grad, 0, w, 0, None, 0, n, k, m, m, 1, k, 1, k, workspace, 0, pool)
    if need_w:
        gemm(dw, 0, grad, 0, x, 0, None, 0, m, k, n, 1, m, k, 1, k, workspace, 0, pool)
    if need_b:
        linear_sums(db, grad, n, m, pool)
