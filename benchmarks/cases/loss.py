"""Losses."""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks.cases.case import Case, classes, op


def cases() -> Iterator[Case]:
    """Losses."""
    size, family = (4096, 1000), "loss"
    targets = classes(4096, 1000)
    yield from op("cross_entropy 4096x1000", family, lambda T, F, x, t: F.cross_entropy(x, t), size, targets)
    yield from op("nll_loss 4096x1000", family, lambda T, F, x, t: F.nll_loss(x, t), size, targets)
    yield from op("cross_entropy 32x10", family, lambda T, F, x, t: F.cross_entropy(x, t), (32, 10), classes(32, 10))
    yield from op("mse_loss 1024x1024", family, lambda T, F, x, y: F.mse_loss(x, y), (1024, 1024), (1024, 1024))
