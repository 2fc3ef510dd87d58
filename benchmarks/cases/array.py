"""Arithmetic, sums and movement of what a Tensor holds."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from benchmarks.cases.case import Case, op

FAMILY = "array"
BIG, SMALL = (1024, 1024), (64, 256)
IMAGES = (32, 64, 56, 56)


def cases() -> Iterator[Case]:
    """Arithmetic, sums and movement."""
    yield from arithmetic()
    yield from reductions()
    yield from movement()


def arithmetic() -> Iterator[Case]:
    """Operators on equal shapes, on shapes that broadcast, and on numbers."""
    yield from op("add 1024x1024", FAMILY, lambda T, F, a, b: a + b, BIG, BIG)
    yield from op("add 1024x1024 + 1024", FAMILY, lambda T, F, a, b: a + b, BIG, (1024,))
    yield from op("sub 1024x1024", FAMILY, lambda T, F, a, b: a - b, BIG, BIG)
    yield from op("mul 1024x1024", FAMILY, lambda T, F, a, b: a * b, BIG, BIG)
    yield from op("div 1024x1024", FAMILY, lambda T, F, a, b: a / b, BIG, BIG)
    yield from op("mul 1024x1024 + column", FAMILY, lambda T, F, a, b: a * b, BIG, (1024, 1))
    yield from op("add 32x64x56x56 + 1x64x1x1", FAMILY, lambda T, F, a, b: a + b, IMAGES, (1, 64, 1, 1))
    yield from op("mul 1024x1024 by a number", FAMILY, lambda T, F, a: a * 2.0, BIG)
    yield from op("a * b + c 1024x1024", FAMILY, lambda T, F, a, b, c: a * b + c, BIG, BIG, BIG)
    yield from op("relu(a) + b 1024x1024", FAMILY, lambda T, F, a, b: F.relu(a) + b, BIG, BIG)
    yield from op("add 1024x1024 + transposed", FAMILY, lambda T, F, a, b: a + b.transpose(0, 1), BIG, BIG)
    yield from op("less 1024x1024", FAMILY, lambda T, F, a, b: a < b, BIG, BIG, backward=False)
    yield from op("add 64x256", FAMILY, lambda T, F, a, b: a + b, SMALL, SMALL)
    yield from op("mul 64x256 + 256", FAMILY, lambda T, F, a, b: a * b, SMALL, (256,))
    yield from op("add_ 1024x1024", FAMILY, lambda T, F, a, b: a.add_(b), BIG, BIG, backward=False, compare=False)
    yield from op("mul_ 1024x1024 by a number", FAMILY, lambda T, F, a: a.mul_(1.0), BIG, backward=False)
    yield from op("copy_ 1024x1024", FAMILY, lambda T, F, a, b: a.copy_(b), BIG, BIG, backward=False)
    yield from op("zero_ 1024x1024", FAMILY, lambda T, F, a: a.zero_(), BIG, backward=False)


def reductions() -> Iterator[Case]:
    """Sums and means over every kind of axis."""
    yield from op("sum 1024x1024", FAMILY, lambda T, F, a: a.sum(), BIG)
    yield from op("sum 1024x1024 dim 0", FAMILY, lambda T, F, a: a.sum(0), BIG)
    yield from op("sum 1024x1024 dim 1", FAMILY, lambda T, F, a: a.sum(1), BIG)
    yield from op("sum 64x128x128 dim 1", FAMILY, lambda T, F, a: a.sum(1), (64, 128, 128))
    yield from op("sum 32x64x56x56 dims 0 2 3", FAMILY, lambda T, F, a: a.sum((0, 2, 3)), IMAGES)
    yield from op("sum 64x256 dim 1", FAMILY, lambda T, F, a: a.sum(1), SMALL)
    yield from op("mean 1024x1024", FAMILY, lambda T, F, a: a.mean(), BIG)
    yield from op("argmax 1024x1024 dim 1", FAMILY, lambda T, F, a: a.argmax(1), BIG, backward=False)


def movement() -> Iterator[Case]:
    """Copies of views, joins and picked rows."""
    rows = np.random.default_rng(4).integers(0, 1024, 1024)
    yield from op("transpose 1024x1024, copied", FAMILY, lambda T, F, a: a.transpose(0, 1).contiguous(), BIG)
    yield from op("transpose 64x256, copied", FAMILY, lambda T, F, a: a.transpose(0, 1).contiguous(), SMALL)
    yield from op("reshape 1024x1024 of a transpose", FAMILY, lambda T, F, a: a.transpose(0, 1).reshape(-1), BIG)
    yield from op("permute 32x64x56x56 to NHWC", FAMILY, lambda T, F, a: a.permute(0, 2, 3, 1).contiguous(), IMAGES)
    yield from op("slice [:, ::2] 1024x1024, copied", FAMILY, lambda T, F, a: a[:, ::2].contiguous(), BIG)
    yield from op("slice [:, 8:1000] 1024x1024, copied", FAMILY, lambda T, F, a: a[:, 8:1000].contiguous(), BIG)
    yield from op("cat 2 x 1024x1024 dim 0", FAMILY, lambda T, F, a, b: T.cat((a, b), 0), BIG, BIG)
    yield from op("cat 2 x 1024x1024 dim 1", FAMILY, lambda T, F, a, b: T.cat((a, b), 1), BIG, BIG)
    yield from op("rows 1024x1024 by index", FAMILY, lambda T, F, a, i: a[i], BIG, rows)
    yield from op("flatten 32x512x7x7", FAMILY, lambda T, F, a: T.flatten(a, 1), (32, 512, 7, 7))
