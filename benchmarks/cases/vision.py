"""Resampling of images, and pixels that change places."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from benchmarks.cases.case import Case, op


def cases() -> Iterator[Case]:
    """Images of twice the size, and pixel_shuffle."""
    for mode in ("nearest", "bilinear", "bicubic"):

        def twice(T: Any, F: Any, x: Any, mode: str = mode) -> Any:
            return F.interpolate(x, scale_factor=2, mode=mode)

        yield from op(f"interpolate {mode} x2 8x64x28x28", "vision", twice, (8, 64, 28, 28))
    yield from op("pixel_shuffle 2 8x64x56x56", "vision", lambda T, F, x: F.pixel_shuffle(x, 2), (8, 64, 56, 56))
