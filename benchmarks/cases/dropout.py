"""Dropout."""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks.cases.case import Case, op


def cases() -> Iterator[Case]:
    """Dropout."""
    yield from op("dropout 1024x1024", "dropout", lambda T, F, x: F.dropout(x, 0.5), (1024, 1024), compare=False)
