"""Deterministic sums (first, simple form)."""

from __future__ import annotations

from nbnn import _jit
from nbnn.kernels._cpu import over_rows

BLOCK = 1024


@_jit.jit
def sum_range(x, start, length, step):  # type: ignore[no-untyped-def]
    """Sum of x[start + j * step] for j in range(length)."""
    total = type(x[0])(0)
    for j in range(0, length, 32):
        part = type(x[0])(0)
        for k in range(j, min(j + 32, length)):
            part += x[start + k * step]
        total += part
    return total


@_jit.jit
def dot_range(a, a_start, b, b_start, length, step):  # type: ignore[no-untyped-def]
    """Sum of a[a_start + j * step] * b[b_start + j * step]."""
    total = type(a[0])(0)
    for j in range(0, length, 32):
        part = type(a[0])(0)
        for k in range(j, min(j + 32, length)):
            part += a[a_start + k * step] * b[b_start + k * step]
        total += part
    return total


@_jit.jit
def max_range(x, start, length, step):  # type: ignore[no-untyped-def]
    """Largest of x[start + j * step]; NaN is passed over, -inf where nothing is left."""
    best = x[start]
    for j in range(length):
        v = x[start + j * step]
        best = v if not (best >= v) else best
    return best


@over_rows
def sum_blocks(row, out, x, length, inner):  # type: ignore[no-untyped-def]
    """out[o, b, k] = sum of x[o, BLOCK * b : BLOCK * (b + 1), k]; rows are outer * blocks * inner."""
    blocks = (length + BLOCK - 1) // BLOCK
    k = row % inner
    b = row // inner % blocks
    o = row // (inner * blocks)
    first = b * BLOCK
    out[row] = sum_range(x, (o * length + first) * inner + k, min(BLOCK, length - first), inner)


@_jit.jit
def squares_range(x, start, length, step, shift):  # type: ignore[no-untyped-def]
    """Sum of (x[start + j * step] - shift)**2."""
    total = type(x[0])(0)
    for j in range(0, length, 32):
        part = type(x[0])(0)
        for k in range(j, min(j + 32, length)):
            v = x[start + k * step] - shift
            part += v * v
        total += part
    return total


@_jit.jit
def dot_shifted_range(a, b, start, length, step, shift):  # type: ignore[no-untyped-def]
    """Sum of a[start + j * step] * (b[start + j * step] - shift)."""
    total = type(a[0])(0)
    for j in range(0, length, 32):
        part = type(a[0])(0)
        for k in range(j, min(j + 32, length)):
            part += a[start + k * step] * (b[start + k * step] - shift)
        total += part
    return total
