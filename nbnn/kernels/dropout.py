"""Dropout: which elements stay follows from (seed, offset, position) alone, so the gradient draws the same mask."""

from __future__ import annotations

from nbnn.kernels._cpu import over_outputs
from nbnn.kernels._random import word


@over_outputs(1)
def dropout(i, x, p, seed, offset):  # type: ignore[no-untyped-def]
    """y = x / (1 - p) with probability 1 - p, else 0; applied to grad with the same seed and offset it is the gradient."""
    v = x[i]
    keep = word(seed, offset, i) >= p * 4294967296.0  # p = 1 keeps nothing: the largest word is 2**32 - 1
    return v * type(v)(1.0 / (1.0 - p)) if keep else type(v)(0)
