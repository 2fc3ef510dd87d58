"""Distances: powers of absolute values, and the distances of all pairs of rows."""

from __future__ import annotations

import math

from nbnn.kernels import _vecmath as vm
from nbnn.kernels._cpu import over_elements, over_outputs, over_rows
from nbnn.kernels._p_norm import power
from nbnn.kernels._vecmath import inlined, natural


@over_elements(1)
def at_least(x, low):
    """x, or `low` where it is less; NaN stays"""
    return type(x)(low) if x < type(x)(low) else x


@inlined
def _distance(a, at, b, bt, length, p):
    """The p-norm of a row of `a` less one of `b`."""
    total = a.dtype.type(0)
    if p == 2:  # four sums: one alone waits for each of its additions
        whole, u, v, w = length // 4 * 4, total, total, total
        for k in range(0, whole, 4):
            d, e = a[natural(at + k)] - b[natural(bt + k)], a[natural(at + k + 1)] - b[natural(bt + k + 1)]
            f, g = a[natural(at + k + 2)] - b[natural(bt + k + 2)], a[natural(at + k + 3)] - b[natural(bt + k + 3)]
            total += d * d
            u += e * e
            v += f * f
            w += g * g
        for k in range(whole, length):
            d = a[natural(at + k)] - b[natural(bt + k)]
            total += d * d
        return vm.sqrt((total + u) + (v + w))
    if p == math.inf:
        for k in range(length):
            d = abs(a[natural(at + k)] - b[natural(bt + k)])
            total = d if d > total or d != d else total
        return total
    for k in range(length):
        d = abs(a[natural(at + k)] - b[natural(bt + k)])
        total += (type(d)(0) if d == 0 else type(d)(1) if d == d else d) if p == 0 else power(d, p)
    return total if p == 0 or p == 1 else vm.pow(total, type(total)(1.0 / p))


@over_outputs(1)
def cdist(i, a, b, rows, others, length, p):
    """y[n, r, o] = the p-norm of a[n, r] - b[n, o]"""
    row = i // others
    return _distance(a, row * length, b, (row // rows * others + i % others) * length, length, p)


@inlined
def _slope(d, distance, p):
    """The derivative of the p-norm by one component d, 0 at distance 0."""
    sign = type(d)(1) if d > 0 else (type(d)(-1) if d < 0 else d)
    if distance == 0 or d == 0 or p == 0:
        return type(d)(0) if distance == distance else distance
    if p == 1:
        return sign
    if p == 2:
        return d / distance
    if p == math.inf:
        return sign if abs(d) == distance else type(d)(0)
    return sign * vm.pow(abs(d) / distance, type(d)(p - 1))


@over_rows
def cdist_backward(row, da, g, a, b, distances, rows, others, length, p, step, stride):
    """da[n, r] = sum over o of g d|a - b|/da; g[n, r, o] stands at n rows others + r step + o stride."""
    n, at = row // rows, row * length
    for k in range(length):
        da[natural(at + k)] = 0
    for o in range(others):
        j = n * rows * others + row % rows * step + o * stride
        bt = (n * others + o) * length
        factor, distance = g[j], distances[j]
        if factor != 0:
            for k in range(length):
                d = a[natural(at + k)] - b[natural(bt + k)]
                da[natural(at + k)] += factor * _slope(d, distance, p)
