"""Bags of rows of a table: sums with weights, and maxima.

With g a gradient, W the table and s the weights of the positions, sums are one multilinear form

    T = sum over positions k and columns j of   s[k] g[bag(k), j] W[id(k), j]

and `bag_sum`, `bag_table` and `bag_dot` are its derivatives by g, W and s. The gradient of each is again one of them.
A position whose id is `padding` does not count.
"""

from __future__ import annotations

from nbnn.kernels._cpu import over_outputs, over_rows
from nbnn.kernels._vecmath import natural


@over_rows
def bag_sum(b, y, weight, scale, index, starts, length, padding):
    """y[b, j] = sum of scale[k] weight[index[k], j] over the positions k of bag b."""
    at = b * length
    for j in range(length):
        y[natural(at + j)] = 0
    for k in range(starts[natural(b)], starts[natural(b + 1)]):
        row = index[natural(k)]
        if row != padding:
            factor = scale[natural(k)]
            base = row * length
            for j in range(length):
                y[natural(at + j)] += factor * weight[natural(base + j)]


@over_rows
def bag_table(v, dw, grad, scale, bag, ends, order, length):
    """dw[v, j] = sum of scale[k] grad[bag[k], j] over the positions k of id v, ascending."""
    at = v * length
    for j in range(length):
        dw[natural(at + j)] = 0
    for o in range(ends[v - 1] if v > 0 else 0, ends[natural(v)]):
        k = order[natural(o)]
        factor = scale[natural(k)]
        base = bag[natural(k)] * length
        for j in range(length):
            dw[natural(at + j)] += factor * grad[natural(base + j)]


@over_outputs(1)
def bag_dot(k, grad, weight, index, bag, length, padding):
    """ds[k] = sum over j of grad[bag[k], j] weight[index[k], j]"""
    total = grad.dtype.type(0)
    if index[k] != padding:
        for j in range(length):
            total += grad[bag[k] * length + j] * weight[index[k] * length + j]
    return total


@over_outputs(2)
def bag_max(i, weight, index, starts, length, padding):
    """The largest of weight[index[k], j] over the positions k of a bag, and its k; (0, -1) for a bag without any."""
    b, j = i // length, i % length
    best = weight.dtype.type(0)
    place = -1
    for k in range(starts[b], starts[b + 1]):
        if index[k] != padding:
            v = weight[index[k] * length + j]
            if place < 0 or v > best or (v != v and best == best):
                best = v
                place = k
    return best, place


@over_outputs(1)
def bag_pick(i, weight, place, index, length):
    """y[b, j] = weight[index[place[b, j]], j], 0 where there is no place."""
    k = place[i]
    return weight[index[k] * length + i % length] if k >= 0 else weight.dtype.type(0)


@over_rows
def bag_put(v, dw, grad, place, bag, ends, order, length):
    """dw[v, j] = sum of grad[b, j] over the bags whose place at j holds id v: the adjoint of `bag_pick`."""
    at = v * length
    for j in range(length):
        dw[natural(at + j)] = 0
    for o in range(ends[v - 1] if v > 0 else 0, ends[natural(v)]):
        k = order[natural(o)]
        base = bag[natural(k)] * length
        for j in range(length):
            if place[natural(base + j)] == k:
                dw[natural(at + j)] += grad[natural(base + j)]
