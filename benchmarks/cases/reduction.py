"""Reductions, sums that are kept and sorting, along the last and along the first axis."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from benchmarks.cases.case import Case, op

FAMILY = "reduction"
BIG = (1000, 1000)


def cases() -> Iterator[Case]:
    """Reductions, cumulative sums, sorting."""
    # No two numbers are equal: PyTorch's sort does not keep the order of equal ones, and the gradient tells.
    distinct = np.random.default_rng(0).permutation(np.linspace(-3, 3, 10**6, dtype=np.float32)).reshape(BIG)
    for axis, place in ((1, "rows"), (0, "columns")):
        yield from op(f"max of {place} 1000x1000", FAMILY, lambda T, F, x, d=axis: x.max(d).values, BIG)
        yield from op(f"amax of {place} 1000x1000", FAMILY, lambda T, F, x, d=axis: x.amax(d), BIG, backward=False)
        yield from op(f"var of {place} 1000x1000", FAMILY, lambda T, F, x, d=axis: x.var(d), BIG)
        yield from op(f"norm of {place} 1000x1000", FAMILY, lambda T, F, x, d=axis: x.norm(2, d), BIG)
        yield from op(f"logsumexp of {place} 1000x1000", FAMILY, lambda T, F, x, d=axis: x.logsumexp(d), BIG)
        yield from op(f"cumsum of {place} 1000x1000", FAMILY, lambda T, F, x, d=axis: x.cumsum(d), BIG)
        yield from op(f"sort of {place} 1000x1000", FAMILY, lambda T, F, x, d=axis: x.sort(d).values, distinct)
        yield from op(f"topk of {place} 1000x1000", FAMILY, lambda T, F, x, d=axis: x.topk(10, d).values, BIG)
    yield from op("max of all 1000x1000", FAMILY, lambda T, F, x: x.max(), BIG, backward=False)
    yield from op("median of all 1000x1000", FAMILY, lambda T, F, x: x.median(), BIG, backward=False)
