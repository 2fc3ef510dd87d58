"""Convolution."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from benchmarks.cases.case import Case, op

# Name, input, weight, stride, padding, groups: the layers of ResNet, MobileNet and the digits example.
CONVOLUTIONS = [
    ("7x7 s2 4x3x224x224 to 64", (4, 3, 224, 224), (64, 3, 7, 7), 2, 3, 1),
    ("3x3 8x64x56x56 to 64", (8, 64, 56, 56), (64, 64, 3, 3), 1, 1, 1),
    ("3x3 s2 8x64x56x56 to 128", (8, 64, 56, 56), (128, 64, 3, 3), 2, 1, 1),
    ("3x3 8x128x28x28 to 128", (8, 128, 28, 28), (128, 128, 3, 3), 1, 1, 1),
    ("3x3 8x256x14x14 to 256", (8, 256, 14, 14), (256, 256, 3, 3), 1, 1, 1),
    ("3x3 8x512x7x7 to 512", (8, 512, 7, 7), (512, 512, 3, 3), 1, 1, 1),
    ("1x1 8x256x56x56 to 64", (8, 256, 56, 56), (64, 256, 1, 1), 1, 0, 1),
    ("3x3 depthwise 8x144x56x56", (8, 144, 56, 56), (144, 1, 3, 3), 1, 1, 144),
    ("3x3 32x1x28x28 to 16", (32, 1, 28, 28), (16, 1, 3, 3), 1, 1, 1),
    ("3x3 32x16x14x14 to 32", (32, 16, 14, 14), (32, 16, 3, 3), 1, 1, 1),
]


def cases() -> Iterator[Case]:
    """Layers of known networks."""
    for name, image, weight, stride, padding, groups in CONVOLUTIONS:

        def conv(T: Any, F: Any, x: Any, w: Any, b: Any, s: int = stride, p: int = padding, g: int = groups) -> Any:
            return F.conv2d(x, w, b, stride=s, padding=p, groups=g)

        yield from op(f"conv2d {name}", "convolution", conv, image, weight, weight[:1])
