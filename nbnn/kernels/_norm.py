"""What the normalisations share on the CPU: the sums over a plane, and the passes that write its results."""

from __future__ import annotations

import numpy as np

from nbnn import _jit
from nbnn.kernels._shuffle import starts_line, stream
from nbnn.kernels._simd import fma, lanes, load, load_part, splat, store, store_part, total, zero

# Results of STREAMED elements or more go past the caches, which would first read the memory they are to overwrite:
# 12 MB take 0.9 ms so, and 1.6 ms otherwise (1 MB: no difference).

STREAMED = 1 << 20


@_jit.jit
def streams(y, length):
    """Whether rows of `length` elements of the result `y` are written past the caches."""
    return y.size >= STREAMED and length % 16 == 0 and starts_line(y)


@_jit.jit
def write_affine(y, x, at, length, m, factor, offset, past):
    """y = (x - m) * factor + offset for `length` elements from `at` on."""
    wide = lanes(x)
    middle, scale, shift = splat(m), splat(factor), splat(offset)
    full = at + length - length % wide
    if past:
        for j in range(at, full, wide):
            stream(y, j, (load(x, j) - middle) * scale + shift)
    else:
        for j in range(at, full, wide):
            store(y, j, (load(x, j) - middle) * scale + shift)
    if full < at + length:
        some = at + length - full
        store_part(y, full, (load_part(x, full, some) - middle) * scale + shift, some)


@_jit.jit
def write_gradient(dx, grad, x, at, length, m, factor, share, slope, past):
    """dx = grad * factor - share - (x - m) * slope for `length` elements from `at` on."""
    wide = lanes(x)
    middle, scale, a, b = splat(m), splat(factor), splat(share), splat(slope)
    full = at + length - length % wide
    if past:
        for j in range(at, full, wide):
            stream(dx, j, load(grad, j) * scale - a - (load(x, j) - middle) * b)
    else:
        for j in range(at, full, wide):
            store(dx, j, load(grad, j) * scale - a - (load(x, j) - middle) * b)
    if full < at + length:
        some = at + length - full
        value = load_part(grad, full, some) * scale - a - (load_part(x, full, some) - middle) * b
        store_part(dx, full, value, some)


@_jit.jit
def plane_sums(grad, x, at, length, m):
    """Sums of grad and of grad * (x - m) over a plane, by blocks of 4096 that are added in float64."""
    wide = lanes(x)
    middle = splat(m)
    whole = np.float64(0)
    dot = np.float64(0)
    stop = at + length
    while at < stop:
        end = min(stop, at + 4096)
        one = other = dot_one = dot_other = zero(x)
        while at + 2 * wide <= end:
            g, h = load(grad, at), load(grad, at + wide)
            one += g
            other += h
            dot_one = fma(g, load(x, at) - middle, dot_one)
            dot_other = fma(h, load(x, at + wide) - middle, dot_other)
            at += 2 * wide
        while at < end:
            g = load_part(grad, at, end - at)
            one += g
            dot_one = fma(g, load_part(x, at, end - at) - middle, dot_one)
            at += wide
        at = end
        whole += total(one + other)
        dot += total(dot_one + dot_other)
    return whole, dot
