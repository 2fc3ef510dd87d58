"""Dropout: which elements stay follows from (seed, offset, position) alone, so the gradient draws the same mask."""

from __future__ import annotations

import numpy as np

from nbnn import _jit
from nbnn.kernels._cpu import over_outputs, over_ranges
from nbnn.kernels._random import word, words
from nbnn.kernels._vecmath import inlined, natural


@inlined
def _kept(v, w, threshold, scale):
    return v * scale if w >= threshold else type(v)(0)


@over_outputs(1)
def dropout(i, x, p, seed, offset):
    """y = x / (1 - p) with probability 1 - p, else 0; applied to grad with the same seed and offset it is the gradient.

    Word i is compared with p * 2**32: p = 1 keeps nothing, for no word reaches 2**32.
    """
    v = x[i]
    return _kept(v, word(seed, offset, i), np.uint64(p * 4294967296.0), type(v)(1.0 / (1.0 - p)))


@over_ranges
def _dropout_groups(start, stop, grain, y, x, p, seed, offset):
    whole = min(stop, y.size >> 2)
    threshold = np.uint64(p * 4294967296.0)
    scale = type(x[0])(1.0 / (1.0 - p))
    for g in range(start, whole):
        a, b, c, d = words(seed, offset, g)
        j = g * 4
        y[natural(j)] = _kept(x[natural(j)], a, threshold, scale)
        y[natural(j + 1)] = _kept(x[natural(j + 1)], b, threshold, scale)
        y[natural(j + 2)] = _kept(x[natural(j + 2)], c, threshold, scale)
        y[natural(j + 3)] = _kept(x[natural(j + 3)], d, threshold, scale)
    for i in range(max(start, whole) * 4, min(stop * 4, y.size)):
        y[i] = _kept(x[i], word(seed, offset, i), threshold, scale)


_groups_cpu = _dropout_groups.cpu


@_jit.jit
def dropout_fast(y, x, workspace, p, seed, offset, pool):
    """`dropout` on the CPU, four elements for each call of Philox (see `_random`)."""
    _groups_cpu((y, x, p, seed, offset), 0, (y.size + 3) >> 2, 4096, pool)
