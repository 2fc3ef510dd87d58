"""Padding."""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks.cases.case import Case, op


def cases() -> Iterator[Case]:
    """Padding of an image by one pixel."""
    image, around = (8, 64, 56, 56), (1, 1, 1, 1)
    yield from op("pad constant 8x64x56x56", "padding", lambda T, F, x: F.pad(x, around), image)
    yield from op("pad reflect 8x64x56x56", "padding", lambda T, F, x: F.pad(x, around, mode="reflect"), image)
