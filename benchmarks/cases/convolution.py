"""Convolution."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from benchmarks.cases.case import Case, op

# Name, input, weight, stride, padding, groups: layers of ResNet, MobileNet, LeNet and the digits example, of a speech
# model and of a volume.
CONVOLUTIONS = [
    ("7x7 s2 4x3x224x224 to 64", (4, 3, 224, 224), (64, 3, 7, 7), 2, 3, 1),
    ("7x7 s2 1x3x224x224 to 64", (1, 3, 224, 224), (64, 3, 7, 7), 2, 3, 1),
    ("3x3 8x64x56x56 to 64", (8, 64, 56, 56), (64, 64, 3, 3), 1, 1, 1),
    ("3x3 1x64x56x56 to 64", (1, 64, 56, 56), (64, 64, 3, 3), 1, 1, 1),
    ("3x3 s2 8x64x56x56 to 128", (8, 64, 56, 56), (128, 64, 3, 3), 2, 1, 1),
    ("3x3 8x128x28x28 to 128", (8, 128, 28, 28), (128, 128, 3, 3), 1, 1, 1),
    ("3x3 1x128x28x28 to 128", (1, 128, 28, 28), (128, 128, 3, 3), 1, 1, 1),
    ("3x3 8x256x14x14 to 256", (8, 256, 14, 14), (256, 256, 3, 3), 1, 1, 1),
    ("3x3 1x256x14x14 to 256", (1, 256, 14, 14), (256, 256, 3, 3), 1, 1, 1),
    ("3x3 8x512x7x7 to 512", (8, 512, 7, 7), (512, 512, 3, 3), 1, 1, 1),
    ("3x3 1x512x7x7 to 512", (1, 512, 7, 7), (512, 512, 3, 3), 1, 1, 1),
    ("1x1 8x256x56x56 to 64", (8, 256, 56, 56), (64, 256, 1, 1), 1, 0, 1),
    ("1x1 8x64x56x56 to 256", (8, 64, 56, 56), (256, 64, 1, 1), 1, 0, 1),
    ("1x1 1x64x56x56 to 256", (1, 64, 56, 56), (256, 64, 1, 1), 1, 0, 1),
    ("1x1 s2 8x256x56x56 to 512", (8, 256, 56, 56), (512, 256, 1, 1), 2, 0, 1),
    ("3x3 depthwise 8x144x56x56", (8, 144, 56, 56), (144, 1, 3, 3), 1, 1, 144),
    ("3x3 32x1x28x28 to 16", (32, 1, 28, 28), (16, 1, 3, 3), 1, 1, 1),
    ("3x3 32x16x14x14 to 32", (32, 16, 14, 14), (32, 16, 3, 3), 1, 1, 1),
    ("5x5 64x1x28x28 to 6", (64, 1, 28, 28), (6, 1, 5, 5), 1, 0, 1),
    ("5x5 64x6x14x14 to 16", (64, 6, 14, 14), (16, 6, 5, 5), 1, 0, 1),
    ("5 8x80x400 to 256", (8, 80, 400), (256, 80, 5), 1, 2, 1),
    ("3x3x3 2x16x16x32x32 to 32", (2, 16, 16, 32, 32), (32, 16, 3, 3, 3), 1, 1, 1),
]

# Name, input, weight, stride, padding: the layers of DCGAN's generator.
TRANSPOSED = [
    ("4x4 64x100x1x1 to 512", (64, 100, 1, 1), (100, 512, 4, 4), 1, 0),
    ("4x4 s2 64x512x4x4 to 256", (64, 512, 4, 4), (512, 256, 4, 4), 2, 1),
    ("4x4 s2 64x128x16x16 to 64", (64, 128, 16, 16), (128, 64, 4, 4), 2, 1),
]


def cases() -> Iterator[Case]:
    """Layers of known networks."""
    for name, image, weight, stride, padding, groups in CONVOLUTIONS:
        function = f"conv{len(image) - 2}d"

        def conv(
            T: Any,
            F: Any,
            x: Any,
            w: Any,
            b: Any,
            f: str = function,
            s: int = stride,
            p: int = padding,
            g: int = groups,
        ) -> Any:
            return getattr(F, f)(x, w, b, stride=s, padding=p, groups=g)

        depth = math.prod(weight[1:])  # input channels of a group times taps
        yield from op(f"{function} {name}", "convolution", conv, image, weight, weight[:1], depth=depth)
    for name, image, weight, stride, padding in TRANSPOSED:

        def conv_transpose(T: Any, F: Any, x: Any, w: Any, b: Any, s: int = stride, p: int = padding) -> Any:
            return F.conv_transpose2d(x, w, b, stride=s, padding=p)

        steps = weight[0] * math.prod(weight[2:]) / stride**2  # of an output pixel, but where the image is one pixel
        depth = steps if image[2] > 1 else weight[0]
        yield from op(
            f"conv_transpose2d {name}", "convolution", conv_transpose, image, weight, weight[1:2], depth=depth
        )
