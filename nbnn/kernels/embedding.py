"""Embedding: rows of a table by number, the gradient that gathers them back, and the bounding of row norms.

The gradient walks the rows of the table, not the ids: `bucket_rows` sorts the positions by id first, so that each row
adds up its own gradients in the order of their positions. No atomics, and the same bits on any number of threads.
"""

from __future__ import annotations

import math

from nbnn import _jit
from nbnn.kernels._cpu import over_outputs, over_rows
from nbnn.kernels._vecmath import natural


@over_outputs(1)
def embedding(i, weight, index, scale, length, padding):
    """y[k, j] = weight[index[k], j], times scale[index[k]] if there is a scale; 0 where index[k] is `padding`."""
    row = index[i // length]
    v = weight[row * length + i % length]
    if row == padding:
        return type(v)(0)
    return v if scale is None else v * scale[row]


@over_rows
def _embedding_row(row, y, weight, index, scale, length, padding):
    """`embedding` for one id: a copy without divisions."""
    source = index[natural(row)]
    at = row * length
    base = source * length
    if source == padding:
        for j in range(length):
            y[natural(at + j)] = 0
    elif scale is None:
        for j in range(length):
            y[natural(at + j)] = weight[natural(base + j)]
    else:
        factor = scale[natural(source)]
        for j in range(length):
            y[natural(at + j)] = weight[natural(base + j)] * factor


_row_cpu = _embedding_row.cpu


@_jit.jit
def embedding_fast(y, weight, index, scale, workspace, length, padding, pool):
    """`embedding` on the CPU: whole rows, so that no position is divided by the length."""
    _row_cpu((y, weight, index, scale, length, padding), 0, index.size, 1 + 65536 // length, pool)


@_jit.jit
def embedding_rows(y, weight, index, workspace, length, pool):
    """`embedding_fast` without a scale and without padding."""
    embedding_fast(y, weight, index, None, workspace, length, -1, pool)


@over_rows
def bucket_rows(row, ends, order, index, size, padding):
    """Sort positions by id: order[ends[v - 1] : ends[v]] are the positions of id v, ascending; those of `padding` last.

    One row does it all, in host memory and on one thread.
    """
    for v in range(size):
        ends[natural(v)] = 0
    for k in range(index.size):
        if index[natural(k)] != padding:
            ends[natural(index[natural(k)])] += 1
    total = row
    for v in range(size):
        count = ends[natural(v)]
        ends[natural(v)] = total
        total += count
    for k in range(index.size):
        v = index[natural(k)]
        if v == padding:
            order[natural(total)] = k
            total += 1
        else:
            order[natural(ends[natural(v)])] = k
            ends[natural(v)] += 1


@over_rows
def inverse_counts(row, scale, ends):
    """1 / (how often id `row` occurs); 1 where it does not."""
    count = ends[row] - (ends[row - 1] if row > 0 else 0)
    scale[row] = type(scale[row])(1) / type(scale[row])(count if count > 1 else 1)


@over_outputs(1)
def embedding_backward(i, grad, ends, order, scale, length):
    """dw[v, j] = sum of grad[k, j] over the positions k of id v, ascending, times scale[v] if there is a scale."""
    row = i // length
    first = ends[row - 1] if row > 0 else 0
    total = type(grad[0])(0)
    for k in range(first, ends[row]):
        total += grad[order[k] * length + i % length]
    return total if scale is None else total * scale[row]


@over_rows
def _embedding_backward_row(row, dw, grad, ends, order, scale, length):
    """`embedding_backward` for one row of the table."""
    first = ends[natural(row - 1)] if row > 0 else 0
    stop = ends[natural(row)]
    at = row * length
    if first == stop:
        for j in range(length):
            dw[natural(at + j)] = 0
    else:
        base = order[natural(first)] * length
        for j in range(length):
            dw[natural(at + j)] = grad[natural(base + j)]
        for k in range(first + 1, stop):
            base = order[natural(k)] * length
            for j in range(length):
                dw[natural(at + j)] += grad[natural(base + j)]
        if scale is not None:
            factor = scale[natural(row)]
            for j in range(length):
                dw[natural(at + j)] *= factor


_backward_cpu = _embedding_backward_row.cpu


@_jit.jit
def embedding_backward_fast(dw, grad, ends, order, scale, workspace, length, pool):
    """`embedding_backward` on the CPU."""
    each = length * (1 + order.size // ends.size)
    _backward_cpu((dw, grad, ends, order, scale, length), 0, ends.size, max(1, 16384 // each), pool)


@over_rows
def bound_norm(row, weight, rows, length, max_norm, p):
    """Scale weight[rows[row]] in place so that its p-norm is at most `max_norm`; p may be infinity."""
    base = rows[row] * length
    zero = type(weight[0])(0)
    total = zero
    for j in range(length):
        v = abs(weight[base + j])
        if p == math.inf:
            total = v if v > total or v != v else total
        elif p == 1.0:
            total += v
        elif p == 2.0:
            total += v * v
        else:
            total += v ** type(v)(p)
    norm = total
    if p == 2.0:
        norm = type(total)(math.sqrt(total))
    elif p != 1.0 and p != math.inf:
        norm = total ** type(total)(1.0 / p)
    if norm > type(norm)(max_norm):
        factor = type(norm)(max_norm) / (norm + type(norm)(1e-7))
        for j in range(length):
            weight[base + j] *= factor


@over_outputs(1)
def one_hot(i, index, classes):
    """y[k, c] = 1 if index[k] = c, else 0"""
    return 1 if index[i // classes] == i % classes else 0
