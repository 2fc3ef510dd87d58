"""Sums and recurrences along an axis, every partial result of which is kept."""

from __future__ import annotations

from nbnn.kernels._cpu import over_rows
from nbnn.kernels._vecmath import natural

LINES = 4  # summed side by side: one addition after another takes 4 cycles each
STRIP = 128  # columns side by side


@over_rows
def cumsum(row, out, totals, x, outer, length, inner, zero, reverse):
    """out[o, j, k] = sum of x[o, i, k] for i up to j (from j on, if `reverse`).

    Sums are in the type of `zero` and of the scratch `totals`: in float64 for floats. A row is LINES of o for
    inner = 1, else (o, strip of columns k).
    """
    step = -inner if reverse != 0 else inner
    far = (length - 1) * inner if reverse != 0 else 0
    if inner == 1:
        first = row * LINES
        for o in range(first if first + LINES > outer else outer, outer):  # fewer lines than stand side by side
            a = zero
            for j in range(length):
                at = o * length + far + j * step
                a += x[natural(at)]
                out[natural(at)] = a
        if first + LINES > outer:
            return
        p = first * length + far
        q = p + length
        r = p + 2 * length
        s = p + 3 * length
        a = b = c = d = zero
        for j in range(length):
            at = j * step
            a += x[natural(p + at)]
            b += x[natural(q + at)]
            c += x[natural(r + at)]
            d += x[natural(s + at)]
            out[natural(p + at)] = a
            out[natural(q + at)] = b
            out[natural(r + at)] = c
            out[natural(s + at)] = d
        return
    strips = (inner + STRIP - 1) // STRIP
    left = row % strips * STRIP
    width = min(inner - left, STRIP)
    o = row // strips
    to = o * inner + left
    for k in range(width):
        totals[natural(to + k)] = zero
    for j in range(length):
        at = o * length * inner + far + j * step + left
        for k in range(width):
            total = totals[natural(to + k)] + x[natural(at + k)]
            totals[natural(to + k)] = total
            out[natural(at + k)] = total


@over_rows
def recur(row, y, c, b, length, inner, start, plus, reverse):
    """y_j = b_j + c_j y_(j-1) with y_(-1) = start; from the far end, y_j = b_j + c_(j+1) y_(j+1), if `reverse`.

    Without `plus`, b is 0 and not read. A row is (o, strip of columns).
    """
    step = -inner if reverse != 0 else inner
    strips = (inner + STRIP - 1) // STRIP
    left = row % strips * STRIP
    width = min(inner - left, STRIP)
    at = row // strips * length * inner + left + ((length - 1) * inner if reverse != 0 else 0)
    for k in range(width):
        v = type(c[0])(0) if reverse != 0 else c[natural(at + k)] * type(c[0])(start)
        y[natural(at + k)] = v + b[natural(at + k)] if plus != 0 else v
    if inner == 1:  # the last one stays in a register
        y_before = y[natural(at)]
        for _ in range(1, length):
            before = at
            at += step
            y_before *= c[natural(before if reverse != 0 else at)]
            if plus != 0:
                y_before += b[natural(at)]
            y[natural(at)] = y_before
        return
    for _ in range(1, length):
        before = at
        at += step
        by = before if reverse != 0 else at
        for k in range(width):
            v = c[natural(by + k)] * y[natural(before + k)]
            y[natural(at + k)] = v + b[natural(at + k)] if plus != 0 else v
