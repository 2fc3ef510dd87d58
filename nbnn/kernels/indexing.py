"""Bodies of gathering and scattering. Those that only move elements see them as unsigned integers of their width."""

from __future__ import annotations

from nbnn.kernels._cpu import over_outputs, over_rows
from nbnn.kernels._vecmath import natural

# -- whole rows of (outer, size, length), picked by one list of positions ----------------------------------------------


@over_rows
def index_rows(row, out, x, index, size, count, length):
    """out[o, k, :] = x[o, index[k], :]"""
    o = row // count
    at = row * length
    base = (o * size + index[natural(row - o * count)]) * length
    for j in range(length):
        out[natural(at + j)] = x[natural(base + j)]


@over_rows
def put_rows(row, out, source, index, size, count, length):
    """out[o, index[k], :] = source[o, k, :] for positions that all differ, so that rows may run in any order"""
    o = row // count
    at = row * length
    base = (o * size + index[natural(row - o * count)]) * length
    for j in range(length):
        out[natural(base + j)] = source[natural(at + j)]


@over_rows
def bucket_rows(row, ends, order, index, size):
    """Sort positions by the row they pick: order[ends[v - 1] : ends[v]] are those with index[k] == v, ascending.

    One row does it all, in host memory.
    """
    for v in range(size):
        ends[natural(v)] = 0
    for k in range(index.size):
        ends[natural(index[natural(k)])] += 1
    total = row
    for v in range(size):
        count = ends[natural(v)]
        ends[natural(v)] = total
        total += count
    for k in range(index.size):
        v = index[natural(k)]
        order[natural(ends[natural(v)])] = k
        ends[natural(v)] += 1


@over_rows
def index_rows_backward(row, out, grad, ends, order, size, count, length):
    """out[o, v, :] = sum of grad[o, k, :] over the k that picked v, in the order of k"""
    o = row // size
    v = row - o * size
    first = ends[natural(v - 1)] if v > 0 else 0
    last = ends[natural(v)]
    at = row * length
    if first == last:
        for j in range(length):
            out[natural(at + j)] = 0
    else:
        base = (o * count + order[natural(first)]) * length
        for j in range(length):
            out[natural(at + j)] = grad[natural(base + j)]
        for p in range(first + 1, last):
            base = (o * count + order[natural(p)]) * length
            for j in range(length):
                out[natural(at + j)] += grad[natural(base + j)]


# -- single elements of (outer, size, inner), each picked by a position of its own -------------------------------------


@over_rows
def gather(row, out, x, index, size, count, inner):
    """out[o, k, i] = x[o, index[o, k, i], i]"""
    at = row * inner
    base = (row // count) * size * inner
    for i in range(inner):
        out[natural(at + i)] = x[natural(base + index[natural(at + i)] * inner + i)]


@over_rows
def scatter(row, out, source, index, size, count, inner):
    """out[o, index[o, k, i], i] = source[o, k, i], in the order of k: the last one stays. A row is one (o, i)."""
    o = row // inner
    i = row - o * inner
    base = o * size * inner + i
    at = o * count * inner + i
    for _ in range(count):
        out[natural(base + index[natural(at)] * inner)] = source[natural(at)]
        at += inner


@over_rows
def scatter_add(row, out, source, index, size, count, inner):
    """out[o, index[o, k, i], i] += source[o, k, i], in the order of k. A row is one (o, i): no two meet."""
    o = row // inner
    i = row - o * inner
    base = o * size * inner + i
    at = o * count * inner + i
    for _ in range(count):
        out[natural(base + index[natural(at)] * inner)] += source[natural(at)]
        at += inner


@over_rows
def scatter_multiply(row, out, source, index, size, count, inner):
    """out[o, index[o, k, i], i] *= source[o, k, i], in the order of k. A row is one (o, i)."""
    o = row // inner
    i = row - o * inner
    base = o * size * inner + i
    at = o * count * inner + i
    for _ in range(count):
        out[natural(base + index[natural(at)] * inner)] *= source[natural(at)]
        at += inner


# -- elements that are kept or replaced where they stand ---------------------------------------------------------------


@over_outputs(1)
def masked_fill(i, x, mask, value):
    """y_i = value if mask_i, else x_i"""
    return value[0] if mask[i] else x[i]


@over_outputs(1)
def triangle(i, x, rows, columns, diagonal, sign):
    """y_rc = x_rc on and below the diagonal c = r + diagonal (sign 1), or on and above it (sign -1); elsewhere 0"""
    above = i % columns - (i // columns) % rows - diagonal
    return x[i] if above * sign <= 0 else type(x[i])(0)
