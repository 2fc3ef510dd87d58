"""Matrix products of float32 numbers rounded to bfloat16: the twins of `linear`'s fast paths for `terms` = 1 and 3."""

from __future__ import annotations

from nbnn import _jit
from nbnn.kernels._bfloat import available as available
from nbnn.kernels._bfloat import gemm_bf16, workspace_bf16
from nbnn.kernels._cpu import inner_ranges
from nbnn.kernels.linear import linear_sums

SMALLEST = 32  # a product with a smaller size is mostly padding
terms = 1  # bound anew for each of the entries below

_BIG = 1 << 24  # multiply-adds of one matrix above which it is split over threads, rather than the batch
_CHUNKS = 8  # of a batch, each with a workspace of its own
_CHUNK_WORK = 1 << 21


@_jit.shared
def _batch_grain(batch, m, k, n):  # type: ignore[no-untyped-def]
    """Matrices in one chunk: all of them where one alone is big."""
    if m * k * n >= _BIG:
        return max(1, batch)
    return max((batch + _CHUNKS - 1) // _CHUNKS, min(batch, _CHUNK_WORK // max(1, m * k * n)), 1)


@inner_ranges
def _matrices(
    start, stop, grain, out, a, b, w, size, m, k, n, a_batch, a_row, a_col, b_batch, b_row, b_col, count, pool
):  # type: ignore[no-untyped-def]
    at = start // grain * size
    for i in range(start, stop):
        a_at, b_at, row = i * a_batch, i * b_batch, i * m * n
        gemm_bf16(out, row, a, a_at, b, b_at, None, 0, m, n, k, a_row, a_col, b_row, b_col, n, w, at, pool, count)


_run_matrices = _matrices.cpu


def _matmul(out, a, b, workspace, batch, m, k, n, a_batch, a_row, a_col, b_batch, b_row, b_col, pool):  # type: ignore[no-untyped-def]
    """`matmul`: threads share the batch, or where it makes one chunk each matrix."""
    size, grain = workspace_bf16(m, n, k, terms), _batch_grain(batch, m, k, n)
    inside = pool if grain >= batch else pool * 0  # nested parallel regions would oversubscribe the machine
    args = (out, a, b, workspace, size, m, k, n, a_batch, a_row, a_col, b_batch, b_row, b_col, terms, inside)
    _run_matrices(args, 0, batch, grain, pool)


def _linear(out, x, w, bias, workspace, n, k, m, pool):  # type: ignore[no-untyped-def]
    """`linear`."""
    gemm_bf16(out, 0, x, 0, w, 0, bias, 0, n, m, k, k, 1, 1, k, m, workspace, 0, pool, terms)


def _linear_backward(dx, dw, db, grad, x, w, workspace, n, k, m, need_x, need_w, need_b, pool):  # type: ignore[no-untyped-def]
    """`linear_backward`; the bias's gradient is a sum, in float32."""
    if need_x:
        gemm_bf16(dx, 0, grad, 0, w, 0, None, 0, n, k, m, m, 1, k, 1, k, workspace, 0, pool, terms)
    if need_w:
        gemm_bf16(dw, 0, grad, 0, x, 0, None, 0, m, k, n, 1, m, k, 1, k, workspace, 0, pool, terms)
    if need_b:
        linear_sums(db, grad, n, m, pool)


def matmul_workspace(batch, m, k, n, *steps):  # type: ignore[no-untyped-def]
    """Numbers of scratch space of `matmul_bf16_fast`, for either number of terms."""
    grain = _batch_grain(batch, m, k, n)
    return workspace_bf16(m, n, k, 3) * ((batch + grain - 1) // grain)


def linear_workspace(n, k, m):  # type: ignore[no-untyped-def]
    """Numbers of scratch space of `linear_bf16_fast`."""
    return workspace_bf16(n, m, k, 3)


def linear_backward_workspace(n, k, m, need_x, need_w, need_b):  # type: ignore[no-untyped-def]
    """Numbers of scratch space of `linear_backward_bf16_fast`."""
    return max(need_x * workspace_bf16(n, k, m, 3), need_w * workspace_bf16(m, k, n, 3))


def _entries(template):  # type: ignore[no-untyped-def]
    """The compiled function by its number of terms."""
    names = {count: f"{template.__name__[1:]}_bf16x{count}" for count in (1, 3)}
    return {count: _jit.jit(_jit.bind(template, name, terms=count), name) for count, name in names.items()}


matmul_bf16_fast = _entries(_matmul)
linear_bf16_fast = _entries(_linear)
linear_backward_bf16_fast = _entries(_linear_backward)
