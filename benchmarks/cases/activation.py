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
    yield from op("log_softmax 1024x1024 dim 0", family, lambda T, F, x: F.log_softmax(x, dim=0), big)
    yield from op("softmax 8x21x64x64 dim 1", family, lambda T, F, x: F.softmax(x, dim=1), (8, 21, 64, 64))
    yield from op("softmax 4096x64", family, lambda T, F, x: F.softmax(x, dim=-1), (4096, 64))
    yield from op("gelu 1024x1024", family, lambda T, F, x: F.gelu(x), big)
    yield from op("gelu tanh 1024x1024", family, lambda T, F, x: F.gelu(x, approximate="tanh"), big)
    yield from op("silu 1024x1024", family, lambda T, F, x: F.silu(x), big)
    yield from op("mish 1024x1024", family, lambda T, F, x: F.mish(x), big)
    yield from op("softplus 1024x1024", family, lambda T, F, x: F.softplus(x), big)
    yield from op("elu 1024x1024", family, lambda T, F, x: F.elu(x), big)
    yield from op("leaky_relu 1024x1024", family, lambda T, F, x: F.leaky_relu(x), big)
    yield from op("hardswish 1024x1024", family, lambda T, F, x: F.hardswish(x), big)
    yield from op("glu 1024x1024", family, lambda T, F, x: F.glu(x), big)
    slopes = np.full(64, 0.25, np.float32)
    yield from op("prelu 16x64x32x32", family, lambda T, F, x, w: F.prelu(x, w), (16, 64, 32, 32), slopes)
    yield from op("erf 1024x1024", family, lambda T, F, x: T.erf(x), big)
    yield from op("sqrt 1024x1024", family, lambda T, F, x: T.sqrt(x), positive)
