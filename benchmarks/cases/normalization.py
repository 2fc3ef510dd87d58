"""Normalisation."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from benchmarks.cases.case import Case, op


def cases() -> Iterator[Case]:
    """Normalisation."""
    for mode, training in (("train", True), ("eval", False)):

        def norm(T: Any, F: Any, x: Any, weight: Any, bias: Any, training: bool = training) -> Any:
            return F.batch_norm(x, T.zeros(64), T.ones(64), weight, bias, training)

        yield from op(f"batch_norm {mode} 32x64x56x56", "normalization", norm, (32, 64, 56, 56), (64,), (64,))
