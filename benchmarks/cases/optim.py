"""Steps of the optimizers over all parameters of a model, and clipping of the gradients."""

from __future__ import annotations

from collections.abc import Iterator
from types import ModuleType
from typing import Any

import numpy as np

from benchmarks.cases.case import Case, Run

OPTIMIZERS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("SGD", {"lr": 1e-3, "momentum": 0.9}),
    ("Adam", {}),
    ("AdamW", {}),
    ("RMSprop", {}),
    ("Adagrad", {}),
)


def cases() -> Iterator[Case]:
    """A step of each optimizer, and clip_grad_norm_, on many small and on many large parameters."""
    for label, shapes in (("MLP", mlp_shapes()), ("ResNet-18", resnet_shapes())):
        count, size = len(shapes), sum(int(np.prod(s)) for s in shapes)
        suffix = f"{label}, {count} tensors, {size / 1e6:.3g} M"
        for name, options in OPTIMIZERS:
            yield Case(f"{name} step, {suffix}", "optim", step(shapes, name, options))
        yield Case(f"clip_grad_norm_, {suffix}", "optim", clip(shapes))


def mlp_shapes() -> list[tuple[int, ...]]:
    """The parameters of the network 8-64-64-4."""
    return [(64, 8), (64,), (64, 64), (64,), (4, 64), (4,)]


def resnet_shapes() -> list[tuple[int, ...]]:
    """The parameters of ResNet-18 for 1000 classes."""
    shapes: list[tuple[int, ...]] = [(64, 3, 7, 7), (64,), (64,)]
    before = 64
    for width in (64, 128, 256, 512):
        for block in range(2):
            shapes += [(width, before if block == 0 else width, 3, 3), (width,), (width,)]
            shapes += [(width, width, 3, 3), (width,), (width,)]
            if block == 0 and before != width:
                shapes += [(width, before, 1, 1), (width,), (width,)]
        before = width
    return [*shapes, (1000, 512), (1000,)]


def parameters(T: ModuleType, shapes: list[tuple[int, ...]]) -> list[Any]:
    """Parameters with gradients, the same for both libraries."""
    rng = np.random.default_rng(0)
    made = [T.nn.Parameter(T.tensor(rng.standard_normal(shape, dtype=np.float32))) for shape in shapes]
    for parameter in made:
        parameter.grad = T.tensor(rng.standard_normal(tuple(parameter.shape), dtype=np.float32))
    return made


def step(shapes: list[tuple[int, ...]], name: str, options: dict[str, Any]) -> Any:
    """The case of one optimizer."""

    def build(T: ModuleType, F: ModuleType) -> Run:
        made = parameters(T, shapes)
        optimizer = getattr(T.optim, name)(made, **options)

        def run() -> list[Any]:
            optimizer.step()
            return made[:1]

        return run

    return build


def clip(shapes: list[tuple[int, ...]]) -> Any:
    """The case of clip_grad_norm_ where it does scale."""

    def build(T: ModuleType, F: ModuleType) -> Run:
        made = parameters(T, shapes)
        limits = [1.0, 1.0]

        def run() -> list[Any]:
            limits[0] *= 0.999  # always below the norm, so that the gradients are scaled each time
            return [T.nn.utils.clip_grad_norm_(made, limits[0])]

        return run

    return build
