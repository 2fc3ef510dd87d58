"""Embedding."""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks.cases.case import Case, classes, op


def cases() -> Iterator[Case]:
    """Embedding."""
    many, few = classes(64 * 128, 10000).reshape(64, 128), classes(32 * 20, 65).reshape(32, 20)
    family = "embedding"
    yield from op("embedding 64x128 in 10000x256", family, lambda T, F, w, i: F.embedding(i, w), (10000, 256), many)
    yield from op("embedding 32x20 in 65x64", family, lambda T, F, w, i: F.embedding(i, w), (65, 64), few)
