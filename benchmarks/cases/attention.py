"""Scaled dot-product attention."""

from __future__ import annotations

from collections.abc import Iterator
from types import ModuleType
from typing import Any

from benchmarks.cases.case import Case, op


def cases() -> Iterator[Case]:
    """As in a BERT of 12 heads, and causal as in small GPTs."""
    for shape, call in (((8, 12, 128, 64), attention), ((4, 4, 256, 32), causal), ((8, 4, 64, 32), causal)):
        label = "x".join(map(str, shape)) + (", causal" if call is causal else "")
        keys = shape[2] / 2 if call is causal else shape[2]  # each meets the query once, and once the values
        yield from op(f"attention {label}", "attention", call, shape, shape, shape, depth=2 * keys)


def attention(T: ModuleType, F: ModuleType, q: Any, k: Any, v: Any) -> Any:
    """Every query sees every key."""
    return F.scaled_dot_product_attention(q, k, v)


def causal(T: ModuleType, F: ModuleType, q: Any, k: Any, v: Any) -> Any:
    """A query sees the keys before it."""
    return F.scaled_dot_product_attention(q, k, v, is_causal=True)
