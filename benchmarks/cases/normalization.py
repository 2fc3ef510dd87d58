"""Normalisation."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from benchmarks.cases.case import Case, op


def cases() -> Iterator[Case]:
    """Normalisation."""
    norm = "normalization"
    for mode, training in (("train", True), ("eval", False)):
        for shape in ((32, 64, 56, 56), (128, 512)):
            c = shape[1]

            def batch_norm(
                T: Any, F: Any, x: Any, weight: Any, bias: Any, training: bool = training, c: int = c
            ) -> Any:
                return F.batch_norm(x, T.zeros(c), T.ones(c), weight, bias, training)

            yield from op(f"batch_norm {mode} {'x'.join(map(str, shape))}", norm, batch_norm, shape, (c,), (c,))
    yield from op("layer_norm 4096x768", norm, _layer_norm, (4096, 768), (768,), (768,))
    yield from op("layer_norm 32x128x128", norm, _layer_norm, (32, 128, 128), (128,), (128,))
    yield from op("rms_norm 4096x768", norm, lambda T, F, x, weight: F.rms_norm(x, (768,), weight), (4096, 768), (768,))
    yield from op(
        "group_norm 8x64x56x56 in 8 groups",
        norm,
        lambda T, F, x, weight, bias: F.group_norm(x, 8, weight, bias),
        *((8, 64, 56, 56), (64,), (64,)),
    )
    yield from op("instance_norm 8x64x56x56", norm, lambda T, F, x: F.instance_norm(x), (8, 64, 56, 56))


def _layer_norm(T: Any, F: Any, x: Any, weight: Any, bias: Any) -> Any:
    return F.layer_norm(x, weight.shape, weight, bias)
