"""Bodies of new Tensors: points between two ends, categories drawn by weight."""

from __future__ import annotations

from nbnn.kernels._cpu import over_outputs, over_rows
from nbnn.kernels._vecmath import natural


@over_outputs(1)
def linspace(i, start, end, step, count):
    """y_i = start + i step, counted from the nearer end, so that both ends are exact"""
    return start + step * i if 2 * i < count else end - step * (count - 1 - i)


@over_outputs(1)
def logspace(i, start, end, step, count, base):
    """y_i = base ** (start + i step)"""
    return base ** (start + step * i if 2 * i < count else end - step * (count - 1 - i))


@over_rows
def multinomial(row, out, weights, uniform, size, count, replacement):
    """Draw `count` categories of a row with these weights (float64, overwritten) by as many numbers in [0, 1)."""
    base = row * size
    if replacement:
        total = 0.0
        last = 0
        for c in range(size):
            weight = weights[natural(base + c)]
            last = c if weight > 0 else last
            total += weight
            weights[natural(base + c)] = total
        for s in range(count):
            goal = uniform[natural(row * count + s)] * total
            low, high = 0, last  # the first category whose sum is above the goal
            while low < high:
                middle = (low + high) // 2
                if weights[natural(base + middle)] > goal:
                    high = middle
                else:
                    low = middle + 1
            out[natural(row * count + s)] = low
    else:
        for s in range(count):
            total = 0.0
            for c in range(size):
                total += weights[natural(base + c)]
            goal = uniform[natural(row * count + s)] * total
            chosen = 0
            passed = 0.0
            for c in range(size):
                weight = weights[natural(base + c)]
                if weight > 0 and passed <= goal:
                    chosen = c
                passed += weight
            out[natural(row * count + s)] = chosen
            weights[natural(base + chosen)] = 0.0
