"""Matrix products: the readable bodies, which run everywhere, and their twins on the blocked product of the CPU.

A matrix is given by its flat array and the steps between its rows and its columns, so that the gradients of a product
are products again, with other steps: for C = A @ B, dA = dC @ B^T and dB = A^T @ dC.
"""

from __future__ import annotations

from nbnn import _jit
from nbnn.kernels._cpu import inner_ranges, over_outputs
from nbnn.kernels._gemm import gemm, workspace_size

_BIG = 1 << 21  # multiply-adds of one matrix above which it is split over threads, rather than the batch
_CHUNKS = 8  # of a batch, each with a workspace of its own
_CHUNK_WORK = 1 << 19


@over_outputs(1)
def matmul(i, a, b, batch, m, k, n, a_batch, a_row, a_col, b_batch, b_row, b_col):  # type: ignore[no-untyped-def]
    """Element i of C (batch, m, n) = A @ B, where A is (batch, m, k) and B (batch, k, n) with the given steps."""
    matrix, cell = i // (m * n), i % (m * n)
    a_at = matrix * a_batch + cell // n * a_row
    b_at = matrix * b_batch + cell % n * b_col
    value = type(a[0])(0)
    for step in range(k):
        value += a[a_at + step * a_col] * b[b_at + step * b_row]
    return value


@over_outputs(1)
def linear(i, x, w, bias, n, k, m):  # type: ignore[no-untyped-def]
    """Element i of y (n, m) = x (n, k) @ w (m, k)^T + bias (m numbers, or None)."""
    row, column = i // m, i % m
    value = type(x[0])(0)
    if bias is not None:
        value = bias[column]
    for step in range(k):
        value += x[row * k + step] * w[column * k + step]
    return value


@_jit.shared
def _batch_grain(batch, m, k, n):  # type: ignore[no-untyped-def]
    """Matrices in one chunk: all of them where one alone is big."""
    if m * k * n >= _BIG:
        return max(1, batch)
    return max((batch + _CHUNKS - 1) // _CHUNKS, min(batch, _CHUNK_WORK // max(1, m * k * n)), 1)


@_jit.shared
def matmul_workspace(batch, m, k, n, a_batch, a_row, a_col, b_batch, b_row, b_col):  # type: ignore[no-untyped-def]
    """Numbers of scratch space of `matmul_fast`: at most 8 times that of one product."""
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
