"""Losses."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from benchmarks.cases.case import Case, classes, op


def cases() -> Iterator[Case]:
    """Losses."""
    size, family = (4096, 1000), "loss"
    targets = classes(4096, 1000)
    pixels = classes(8 * 64 * 64, 21).reshape(8, 64, 64)
    yield from op("cross_entropy 4096x1000", family, lambda T, F, x, t: F.cross_entropy(x, t), size, targets)
    yield from op("nll_loss 4096x1000", family, lambda T, F, x, t: F.nll_loss(x, t), size, targets)
    yield from op("cross_entropy 32x10", family, lambda T, F, x, t: F.cross_entropy(x, t), (32, 10), classes(32, 10))
    yield from op("cross_entropy 8x21x64x64", family, lambda T, F, x, t: F.cross_entropy(x, t), (8, 21, 64, 64), pixels)
    square = (1024, 1024)
    yield from op("mse_loss 1024x1024", family, lambda T, F, x, y: F.mse_loss(x, y), square, square)
    yield from op("mse_loss 32x10", family, lambda T, F, x, y: F.mse_loss(x, y), (32, 10), (32, 10))
    yield from op("smooth_l1_loss 1024x1024", family, lambda T, F, x, y: F.smooth_l1_loss(x, y), square, square)
    truth = np.random.default_rng(4).integers(0, 2, square)
    yield from op(
        "binary_cross_entropy_with_logits 1024x1024",
        family,
        lambda T, F, x, y: F.binary_cross_entropy_with_logits(x, y.float()),
        square,
        truth,
    )
