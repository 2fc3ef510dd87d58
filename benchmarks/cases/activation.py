"""Functions of one number at a time, and softmax."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from benchmarks.cases.case import Case, op


def cases() -> Iterator[Case]:
    """One number at a time, and rows."""
    big, family = (1024, 1024), "activation"
    yield from op("relu 1024x1024", family, lambda T, F, x: F.relu(x), big)
    yield from op("tanh 1024x1024", family, lambda T, F, x: T.tanh(x), big)
    yield from op("sigmoid 1024x1024", family, lambda T, F, x: T.sigmoid(x), big)
    yield from op("exp 1024x1024", family, lambda T, F, x: T.exp(x), big)
    positive = np.random.default_rng(0).uniform(0.1, 3, big).astype(np.float32)
    yield from op("log 1024x1024", family, lambda T, F, x: T.log(x), positive)
    yield from op("softmax 1024x1024", family, lambda T, F, x: F.softmax(x, dim=1), big)
    yield from op("softmax 32x50000", family, lambda T, F, x: F.softmax(x, dim=-1), (32, 50000))
    yield from op("softmax 1024x1024 dim 0", family, lambda T, F, x: F.softmax(x, dim=0), big)
    yield from op("log_softmax 1024x1024", family, lambda T, F, x: F.log_softmax(x, dim=1), big)
