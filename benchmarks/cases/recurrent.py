"""Recurrent layers."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import numpy as np

from benchmarks.cases.case import Case, Run, same_weights


def cases() -> Iterator[Case]:
    """Two layers of 256 on 35 steps of 20 sequences, as in language models; one small layer."""
    for name, gates in (("LSTM", 4), ("GRU", 3), ("RNN", 1)):
        for label, size in (("35x20x128 to 2x256", (35, 20, 128, 256, 2)), ("8x4x16 to 32", (8, 4, 16, 32, 1))):
            depth = gates * (size[2] + (2 * size[4] - 1) * size[3])
            for backward in (False, True):
                build = functools.partial(layer_run, name, size, backward)
                label_of = f"{name} {label}{', backward' if backward else ''}"
                yield Case(label_of, "recurrent", build, depth=depth, backward=backward)


def layer_run(name: str, size: tuple[int, ...], backward: bool, T: ModuleType, F: ModuleType) -> Run:
    """The outputs of a layer, and with `backward` all gradients."""
    steps, batch, inputs, units, layers = size
    rng = np.random.default_rng(0)
    layer = same_weights(T, getattr(T.nn, name)(inputs, units, layers))
    x = T.tensor(rng.standard_normal((steps, batch, inputs), dtype=np.float32), requires_grad=backward)
    seed = T.tensor(rng.standard_normal((steps, batch, units), dtype=np.float32))
    leaves = [x, *layer.parameters()]

    def forward() -> list[Any]:
        with T.no_grad():
            return [layer(x)[0]]

    def with_gradient() -> list[Any]:
        for leaf in leaves:
            leaf.grad = None
        y, _ = layer(x)
        y.backward(seed)
        return [y, *(leaf.grad for leaf in leaves)]

    return with_gradient if backward else forward
