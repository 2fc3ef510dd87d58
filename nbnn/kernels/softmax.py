"""softmax and log_softmax along an axis, with their gradients."""

from __future__ import annotations

import numpy as np

from nbnn import _jit
from nbnn.kernels import _vecmath as vm
from nbnn.kernels._cpu import full_width, inner_ranges, over_rows
from nbnn.kernels._cuda_rows import fold_max, fold_sum, rows_grid
from nbnn.kernels._reduce import dot_range, max_range, sum_range
from nbnn.kernels._tiles import THREADS, cuda, tiled
from nbnn.kernels._vecmath import natural

# softmax and its kin see an array as (outer, length, inner); row r = o * inner + k begins at o * length * inner + k and
# its elements are `inner` apart.


@over_rows
def softmax(row, y, x, length, inner):
    """y_j = exp(x_j - max x) / sum_k exp(x_k - max x) along the axis; all -inf or any NaN gives NaN, as in torch."""
    start = row // inner * length * inner + row % inner
    peak = max_range(x, start, length, inner)
    if inner == 1:  # a loop of its own, so that LLVM sees unit steps and vectorises exp
        for k in range(start, start + length):
            j = natural(k)
            y[j] = vm.exp_down(x[j] - peak)
    else:
        for j in range(length):
            y[start + j * inner] = vm.exp_down(x[start + j * inner] - peak)
    scale = type(peak)(1) / sum_range(y, start, length, inner)
    if inner == 1:
        for k in range(start, start + length):
            j = natural(k)
            y[j] *= scale
    else:
        for j in range(length):
            y[start + j * inner] *= scale


@over_rows
def log_softmax(row, y, x, length, inner):
    """y_j = x_j - max x - log(sum_k exp(x_k - max x)) along the axis; y is scratch space in between."""
    start = row // inner * length * inner + row % inner
    peak = max_range(x, start, length, inner)
    if inner == 1:
        for k in range(start, start + length):
            j = natural(k)
            y[j] = vm.exp_down(x[j] - peak)
    else:
        for j in range(length):
            y[start + j * inner] = vm.exp_down(x[start + j * inner] - peak)
    rest = vm.log(sum_range(y, start, length, inner))
    if inner == 1:
        for k in range(start, start + length):
            j = natural(k)
            y[j] = (x[j] - peak) - rest
    else:
        for j in range(length):
            y[start + j * inner] = (x[start + j * inner] - peak) - rest


@over_rows
def softmax_backward(row, dx, grad, y, length, inner):
    """dx_j = y_j * (grad_j - sum_k grad_k * y_k), with y = softmax(x)."""
    start = row // inner * length * inner + row % inner
    dot = dot_range(grad, start, y, start, length, inner, type(grad[0])(0))
    if inner == 1:
        for k in range(start, start + length):
            j = natural(k)
            dx[j] = y[j] * (grad[j] - dot)
    else:
        for j in range(start, start + length * inner, inner):
            dx[j] = y[j] * (grad[j] - dot)


@over_rows
def log_softmax_backward(row, dx, grad, y, length, inner):
    """dx_j = grad_j - exp(y_j) * sum_k grad_k, with y = log_softmax(x)."""
    start = row // inner * length * inner + row % inner
    total = sum_range(grad, start, length, inner)
    if inner == 1:
        for k in range(start, start + length):
            j = natural(k)
            dx[j] = grad[j] - vm.exp_down(y[j]) * total
    else:
        for j in range(start, start + length * inner, inner):
            dx[j] = grad[j] - vm.exp_down(y[j]) * total


# On CUDA rows of neighbours belong to a block; columns are neighbours of each other, and keep one thread each.

logarithm = False  # which of the two an entry below is compiled for


def _softmax_tiles(y, x, length, inner):
    shared = cuda.shared.array(THREADS, x.dtype)
    t, threads = cuda.threadIdx.x, cuda.blockDim.x
    for row in range(cuda.blockIdx.x, x.size // length, cuda.gridDim.x):
        first, stop = row * length, row * length + length
        peak = type(x[0])(-np.inf)
        for j in range(first + t, stop, threads):
            peak = x[j] if x[j] > peak else peak
        peak = fold_max(shared, peak)
        total = type(x[0])(0)
        for j in range(first + t, stop, threads):
            e = vm.exp(x[j] - peak)
            total += e
            if not logarithm:
                y[j] = e
        total = fold_sum(shared, total)
        rest = vm.log(total)
        scale = type(x[0])(1) / total
        for j in range(first + t, stop, threads):
            if logarithm:
                y[j] = (x[j] - peak) - rest
            else:
                y[j] *= scale


def _softmax_backward_tiles(dx, grad, y, length, inner):
    shared = cuda.shared.array(THREADS, y.dtype)
    t, threads = cuda.threadIdx.x, cuda.blockDim.x
    for row in range(cuda.blockIdx.x, y.size // length, cuda.gridDim.x):
        first, stop = row * length, row * length + length
        value = type(y[0])(0)
        for j in range(first + t, stop, threads):
            value += grad[j] if logarithm else grad[j] * y[j]
        total = fold_sum(shared, value)
        for j in range(first + t, stop, threads):
            if logarithm:
                dx[j] = grad[j] - vm.exp(y[j]) * total
            else:
                dx[j] = y[j] * (grad[j] - total)


def _rows_plan(rows, length, inner):
    return rows_grid(rows, length) if inner == 1 else None


softmax.cuda = tiled(_softmax_tiles, _rows_plan, logarithm=False)
log_softmax.cuda = tiled(_softmax_tiles, _rows_plan, logarithm=True)
softmax_backward.cuda = tiled(_softmax_backward_tiles, _rows_plan, logarithm=False)
log_softmax_backward.cuda = tiled(_softmax_backward_tiles, _rows_plan, logarithm=True)

# On the CPU. Rows of neighbours (inner = 1) are worked on in pieces that stay in the first cache. Columns are worked on
# in strips, row by row: what a strip must remember of its columns stands in rows of the output that are written last.
# 1024 x 1024 float32 along axis 0, one thread: 32 ms by the body, 1.3 ms so.

PIECE = 1024
_STRIP = 131072  # elements of a strip: 1 MB of float32 with the output beside it, for a second cache of 2 MB


@inner_ranges
def _softmax_rows(start, stop, grain, y, x, length, logarithm):
    full_width()
    for row in range(start, stop):
        first, last = row * length, row * length + length
        peak = max_range(x, first, length, 1)
        total = type(peak)(0)
        for piece in range(first, last, PIECE):
            some = PIECE if last - piece > PIECE else last - piece
            to = first if logarithm else piece
            for k in range(some):
                y[natural(to + k)] = vm.exp_down(x[natural(piece + k)] - peak)
            total += sum_range(y, to, some, 1)
        if logarithm:
            rest = vm.log(total)
            for k in range(first, last):
                y[natural(k)] = (x[natural(k)] - peak) - rest
        else:
            scale = type(peak)(1) / total
            for k in range(first, last):
                y[natural(k)] *= scale


@inner_ranges
def _softmax_columns(start, stop, grain, y, x, length, inner, width, logarithm):
    """A strip is (outer, `width` columns). Rows 0 and 1 of the output hold the peaks and the totals until the end."""
    full_width()
    strips = (inner + width - 1) // width
    for strip in range(start, stop):
        outer = strip // strips
        left = (strip - outer * strips) * width
        columns = width if inner - left > width else inner - left
        top = outer * length * inner + left
        low = top + inner  # of row 1
        end = top + length * inner
        for c in range(columns):
            y[natural(top + c)] = x[natural(top + c)]
        for at in range(low, end, inner):
            for c in range(columns):
                v, peak = x[natural(at + c)], y[natural(top + c)]
                y[natural(top + c)] = v if v > peak else peak
        for c in range(columns):
            peak = y[natural(top + c)]
            y[natural(low + c)] = vm.exp_down(x[natural(top + c)] - peak) + vm.exp_down(x[natural(low + c)] - peak)
        for at in range(low + inner, end, inner):
            for c in range(columns):
                e = vm.exp_down(x[natural(at + c)] - y[natural(top + c)])
                y[natural(low + c)] += e
                if not logarithm:
                    y[natural(at + c)] = e
        if logarithm:
            for c in range(columns):
                y[natural(low + c)] = vm.log(y[natural(low + c)])
            for at in range(low + inner, end, inner):
                for c in range(columns):
                    y[natural(at + c)] = (x[natural(at + c)] - y[natural(top + c)]) - y[natural(low + c)]
            for c in range(columns):
                peak, rest = y[natural(top + c)], y[natural(low + c)]
                y[natural(top + c)] = (x[natural(top + c)] - peak) - rest
                y[natural(low + c)] = (x[natural(low + c)] - peak) - rest
        else:
            for c in range(columns):
                y[natural(low + c)] = type(x[0])(1) / y[natural(low + c)]
            for at in range(low + inner, end, inner):
                for c in range(columns):
                    y[natural(at + c)] *= y[natural(low + c)]
            for c in range(columns):
                peak, scale = y[natural(top + c)], y[natural(low + c)]
                y[natural(top + c)] = vm.exp_down(x[natural(top + c)] - peak) * scale
                y[natural(low + c)] = vm.exp_down(x[natural(low + c)] - peak) * scale


@inner_ranges
def _softmax_backward_rows(start, stop, grain, dx, grad, y, length, logarithm):
    full_width()
    zero = type(grad[0])(0)
    for row in range(start, stop):
        first, last = row * length, row * length + length
        if logarithm:
            total = sum_range(grad, first, length, 1)
            for k in range(first, last):
                dx[natural(k)] = grad[natural(k)] - vm.exp_down(y[natural(k)]) * total
        else:
            dot = dot_range(grad, first, y, first, length, 1, zero)
            for k in range(first, last):
                dx[natural(k)] = y[natural(k)] * (grad[natural(k)] - dot)


@inner_ranges
def _softmax_backward_columns(start, stop, grain, dx, grad, y, length, inner, width, logarithm):
    """Strips as in `_softmax_columns`; row 0 of the output holds the sums until the end."""
    full_width()
    strips = (inner + width - 1) // width
    for strip in range(start, stop):
        outer = strip // strips
        left = (strip - outer * strips) * width
        columns = width if inner - left > width else inner - left
        top = outer * length * inner + left
        end = top + length * inner
        if logarithm:
            for c in range(columns):
                dx[natural(top + c)] = grad[natural(top + c)]
            for at in range(top + inner, end, inner):
                for c in range(columns):
                    dx[natural(top + c)] += grad[natural(at + c)]
            for at in range(top + inner, end, inner):
                for c in range(columns):
                    dx[natural(at + c)] = grad[natural(at + c)] - vm.exp_down(y[natural(at + c)]) * dx[natural(top + c)]
            for c in range(columns):
                dx[natural(top + c)] = grad[natural(top + c)] - vm.exp_down(y[natural(top + c)]) * dx[natural(top + c)]
        else:
            for c in range(columns):
                dx[natural(top + c)] = grad[natural(top + c)] * y[natural(top + c)]
            for at in range(top + inner, end, inner):
                for c in range(columns):
                    dx[natural(top + c)] += grad[natural(at + c)] * y[natural(at + c)]
            for at in range(top + inner, end, inner):
                for c in range(columns):
                    dx[natural(at + c)] = y[natural(at + c)] * (grad[natural(at + c)] - dx[natural(top + c)])
            for c in range(columns):
                dx[natural(top + c)] = y[natural(top + c)] * (grad[natural(top + c)] - dx[natural(top + c)])


_rows_cpu, _columns_cpu = _softmax_rows.cpu, _softmax_columns.cpu
_backward_rows_cpu, _backward_columns_cpu = _softmax_backward_rows.cpu, _softmax_backward_columns.cpu


@_jit.jit
def _strip_width(length, inner):
    """How many columns a strip has: at most 1024, at least 64, all if there are no more."""
    width = _STRIP // length // 64 * 64
    width = 1024 if width > 1024 else 64 if width < 64 else width
    return inner if inner < width else width


@_jit.jit
def _forward(y, x, length, inner, logarithm, pool):
    if inner == 1 or length < 2:  # a row of one element may lie anywhere
        rows = x.size // length
        _rows_cpu((y, x, length, logarithm), 0, rows, 1 + 8192 // length, pool)
    else:
        width = _strip_width(length, inner)
        strips = (inner + width - 1) // width * (x.size // (length * inner))
        _columns_cpu((y, x, length, inner, width, logarithm), 0, strips, 1 + 8192 // (length * width), pool)


@_jit.jit
def _backward(dx, grad, y, length, inner, logarithm, pool):
    if inner == 1 or length < 2:
        rows = y.size // length
        _backward_rows_cpu((dx, grad, y, length, logarithm), 0, rows, 1 + 16384 // length, pool)
    else:
        width = _strip_width(length, inner)
        strips = (inner + width - 1) // width * (y.size // (length * inner))
        args = (dx, grad, y, length, inner, width, logarithm)
        _backward_columns_cpu(args, 0, strips, 1 + 16384 // (length * width), pool)


@_jit.jit
def softmax_fast(y, x, workspace, length, inner, pool):
    """`softmax` on the CPU."""
    _forward(y, x, length, inner, False, pool)


@_jit.jit
def log_softmax_fast(y, x, workspace, length, inner, pool):
    """`log_softmax` on the CPU."""
    _forward(y, x, length, inner, True, pool)


@_jit.jit
def softmax_backward_fast(dx, grad, y, workspace, length, inner, pool):
    """`softmax_backward` on the CPU."""
    _backward(dx, grad, y, length, inner, False, pool)


@_jit.jit
def log_softmax_backward_fast(dx, grad, y, workspace, length, inner, pool):
    """`log_softmax_backward` on the CPU."""
    _backward(dx, grad, y, length, inner, True, pool)
