"""Parts of variances, norms, products and counts: of blocks of an axis, or of single numbers."""

from __future__ import annotations

from nbnn import _jit
from nbnn.kernels._cpu import over_elements, over_rows
from nbnn.kernels._p_norm import power
from nbnn.kernels._reduce import (
    BLOCK,
    fold_product,
    lane_count,
    lanes_load,
    lanes_multiply,
    lanes_of,
    lanes_some,
    squares_range,
)
from nbnn.kernels._vecmath import inlined, natural, twin

STRIP = 256  # columns side by side: their totals stay in the first-level cache


def product_range(x, start, length):
    """The product of x[start : start + length]."""
    total = type(x[0])(1)
    for j in range(length):
        total *= x[natural(start + j)]
    return total


_product_plain = _jit.jit(product_range)


def _product_lanes(x, start, length):
    if length < 8:
        return _product_plain(x, start, length)
    width, ones = lane_count(x), lanes_of(x, 1)
    lanes = ones
    at, stop = start, start + length
    while at + width <= stop:
        lanes = lanes_multiply(lanes, lanes_load(x, at))
        at += width
    if at < stop:
        lanes = lanes_multiply(lanes, lanes_some(x, at, stop - at, ones))
    return fold_product(lanes)


twin(product_range, lambda *_: _product_lanes, lambda *_: product_range)


@inlined
def _square(x, i, c):
    d = x[natural(i)] - c
    return d * d


@over_rows
def squares(row, out, x, center, length, inner):
    """out[o, b, k] = sum of (x - center[o, k])**2 over x[o, BLOCK * b : BLOCK * (b + 1), k].

    A row is (o, block b, strip of columns k).
    """
    blocks = (length + BLOCK - 1) // BLOCK
    strips = (inner + STRIP - 1) // STRIP
    left = row % strips * STRIP
    right = min(inner, left + STRIP)
    block = row // strips
    o = block // blocks
    first = block % blocks * BLOCK
    rows = min(BLOCK, length - first)
    at = (o * length + first) * inner
    if inner == 1:
        out[block] = squares_range(x, at, rows, 1, center[o])
        return
    to, mid = block * inner, o * inner
    for k in range(left, right):
        out[natural(to + k)] = 0
    whole = rows - rows % 4
    for r in range(0, whole, 4):
        i = at + r * inner
        for k in range(left, right):
            c = center[natural(mid + k)]
            low = _square(x, i + k, c) + _square(x, i + inner + k, c)
            high = _square(x, i + 2 * inner + k, c) + _square(x, i + 3 * inner + k, c)
            out[natural(to + k)] += low + high
    for r in range(whole, rows):
        i = at + r * inner
        for k in range(left, right):
            out[natural(to + k)] += _square(x, i + k, center[natural(mid + k)])


@over_rows
def products(row, out, x, length, inner):
    """out[o, b, k] = product of x[o, BLOCK * b : BLOCK * (b + 1), k]; a row is (o, block b, strip of columns k)."""
    blocks = (length + BLOCK - 1) // BLOCK
    strips = (inner + STRIP - 1) // STRIP
    left = row % strips * STRIP
    right = min(inner, left + STRIP)
    block = row // strips
    first = block % blocks * BLOCK
    rows = min(BLOCK, length - first)
    at = (block // blocks * length + first) * inner
    if inner == 1:
        out[block] = product_range(x, at, rows)
        return
    to = block * inner
    for k in range(left, right):
        out[natural(to + k)] = x[natural(at + k)]
    rest = (rows - 1) % 2
    if rest != 0:
        for k in range(left, right):
            out[natural(to + k)] *= x[natural(at + inner + k)]
    for r in range(1 + rest, rows, 2):
        i = at + r * inner
        for k in range(left, right):
            out[natural(to + k)] *= x[natural(i + k)] * x[natural(i + inner + k)]


@over_rows
def counts(row, out, x, length, inner):
    """out[o, b, k] = how many of x[o, BLOCK * b : BLOCK * (b + 1), k] are not 0; a row is as in `products`."""
    blocks = (length + BLOCK - 1) // BLOCK
    strips = (inner + STRIP - 1) // STRIP
    left = row % strips * STRIP
    right = min(inner, left + STRIP)
    block = row // strips
    first = block % blocks * BLOCK
    rows = min(BLOCK, length - first)
    at = (block // blocks * length + first) * inner
    if inner == 1:
        total = 0
        for r in range(rows):
            total += 1 if x[natural(at + r)] != 0 else 0
        out[block] = total
        return
    to = block * inner
    for k in range(left, right):
        out[natural(to + k)] = 0
    for r in range(rows):
        for k in range(left, right):
            out[natural(to + k)] += 1 if x[natural(at + r * inner + k)] != 0 else 0


@over_elements(1)
def absolute(x):
    """y = |x|"""
    return abs(x)


@over_elements(1)
def sign(x):
    """y = x / |x|, 0 at 0 and NaN"""
    return type(x)(1) if x > 0 else type(x)(-1) if x < 0 else type(x)(0)


@over_elements(1)
def abs_power(x, q, at_zero):
    """y = |x|^q, and `at_zero` at 0"""
    return power(abs(x), q) if x != 0 else type(x)(at_zero)


@over_elements(1)
def signed_power(x, q):
    """y = x / |x| |x|^q, and 0 at 0 for every q: so the derivatives of norms are chosen there"""
    y = type(x)(1) if q == 0 else power(abs(x), q)
    return y + x if x != x else type(x)(0) if x == 0 else (y if x > 0 else -y)


@over_elements(1)
def finite(x):
    """y = x, and 0 where x is infinite"""
    return type(x)(0) if abs(x) == type(x)(float("inf")) else x


@over_elements(2)
def finite_backward(grad, x):
    """dy/dx of `finite`"""
    return type(grad)(0) if abs(x) == type(x)(float("inf")) else grad
