"""Arithmetic, sums and movement of what a Tensor holds."""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks.cases.case import Case, op


def cases() -> Iterator[Case]:
    """Arithmetic, sums and movement."""
    big, family = (1024, 1024), "array"
    yield from op("add 1024x1024", family, lambda T, F, a, b: a + b, big, big)
    yield from op("add 1024x1024 + 1024", family, lambda T, F, a, b: a + b, big, (1024,))
    yield from op("sub 1024x1024", family, lambda T, F, a, b: a - b, big, big)
    yield from op("mul 1024x1024", family, lambda T, F, a, b: a * b, big, big)
    yield from op("div 1024x1024", family, lambda T, F, a, b: a / b, big, big)
    yield from op("sum 1024x1024", family, lambda T, F, a: a.sum(), big)
    yield from op("sum 1024x1024 dim 0", family, lambda T, F, a: a.sum(0), big)
    yield from op("sum 1024x1024 dim 1", family, lambda T, F, a: a.sum(1), big)
    yield from op("mean 1024x1024", family, lambda T, F, a: a.mean(), big)
    yield from op("transpose 1024x1024, copied", family, lambda T, F, a: a.transpose(0, 1).contiguous(), big)
    yield from op("reshape 1024x1024 of a transpose", family, lambda T, F, a: a.transpose(0, 1).reshape(-1), big)
    yield from op("slice [:, ::2] 1024x1024, copied", family, lambda T, F, a: a[:, ::2].contiguous(), big)
    yield from op("cat 2 x 1024x1024 dim 1", family, lambda T, F, a, b: T.cat((a, b), 1), big, big)
    yield from op("flatten 32x512x7x7", family, lambda T, F, a: T.flatten(a, 1), (32, 512, 7, 7))
