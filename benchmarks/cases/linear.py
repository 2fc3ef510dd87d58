"""Matrix products and linear layers."""

from __future__ import annotations

from collections.abc import Iterator
from types import ModuleType
from typing import Any

from benchmarks.cases.case import Case, op


def cases() -> Iterator[Case]:
    """Matrix products and linear layers."""
    family = "matmul"
    for n in (64, 128, 256, 512, 1024, 2048):
        yield from op(f"matmul {n}", family, lambda T, F, a, b: T.matmul(a, b), (n, n), (n, n), depth=n)
    yield from op(
        "matmul 32x128x64 @ 32x64x128", family, lambda T, F, a, b: a @ b, (32, 128, 64), (32, 64, 128), depth=64
    )
    yield from op("matmul 64x64x64 @ 64x64x64", family, lambda T, F, a, b: a @ b, (64, 64, 64), (64, 64, 64), depth=64)
    for n in (512, 1024, 2048):
        yield from op(f"matmul {n}, medium", family, medium, (n, n), (n, n), compare=False, backward=False, depth=n)
    yield from op("linear 64x784 to 256", family, linear, (64, 784), (256, 784), (256,), depth=784)
    yield from op("linear 1x64 to 64", family, linear, (1, 64), (64, 64), (64,), depth=64)
    yield from op("linear 128x1024 to 1024", family, linear, (128, 1024), (1024, 1024), (1024,), depth=1024)
    yield from op("linear 32x512 to 10", family, linear, (32, 512), (10, 512), (10,), depth=512)


def linear(T: ModuleType, F: ModuleType, x: Any, weight: Any, bias: Any) -> Any:
    """F.linear on either side."""
    return F.linear(x, weight, bias)


def medium(T: ModuleType, F: ModuleType, a: Any, b: Any) -> Any:
    """The product of numbers rounded to bfloat16, which the two sides sum in different orders."""
    T.set_float32_matmul_precision("medium")
    out = T.matmul(a, b)
    T.set_float32_matmul_precision("highest")
    return out
