"""Pooling."""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks.cases.case import Case, op


def cases() -> Iterator[Case]:
    """Pooling."""
    pool = "pooling"
    yield from op("max_pool2d 2 32x64x56x56", pool, lambda T, F, x: F.max_pool2d(x, 2), (32, 64, 56, 56))
    yield from op("max_pool2d 3 s2 8x64x112x112", pool, lambda T, F, x: F.max_pool2d(x, 3, 2, 1), (8, 64, 112, 112))
    yield from op(
        "max_pool2d 2 32x64x56x56, indices",
        pool,
        lambda T, F, x: F.max_pool2d(x, 2, return_indices=True),
        (32, 64, 56, 56),
    )
    yield from op("avg_pool2d 2 32x64x56x56", pool, lambda T, F, x: F.avg_pool2d(x, 2), (32, 64, 56, 56))
    yield from op("avg_pool2d 3 s2 8x64x112x112", pool, lambda T, F, x: F.avg_pool2d(x, 3, 2, 1), (8, 64, 112, 112))
    yield from op("adaptive_avg_pool2d 1 8x512x7x7", pool, lambda T, F, x: F.adaptive_avg_pool2d(x, 1), (8, 512, 7, 7))
    yield from op(
        "adaptive_avg_pool2d 7 8x64x56x56", pool, lambda T, F, x: F.adaptive_avg_pool2d(x, 7), (8, 64, 56, 56)
    )
    yield from op(
        "adaptive_max_pool2d 7 8x64x56x56", pool, lambda T, F, x: F.adaptive_max_pool2d(x, 7), (8, 64, 56, 56)
    )
