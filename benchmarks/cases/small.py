"""What a call costs when there is next to nothing to compute."""

from __future__ import annotations

from collections.abc import Iterator
from types import ModuleType

import numpy as np

from benchmarks.cases.case import Case, Run, call_on, classes, op, same_weights, training_step


def cases() -> Iterator[Case]:
    """What a call costs when there is next to nothing to compute."""
    yield Case("relu on 8 elements", "small", lambda T, F: call_on(F.relu, T.tensor(np.ones(8, np.float32))))
    yield Case(
        "relu on 8 elements, recorded",
        "small",
        lambda T, F: call_on(F.relu, T.tensor(np.ones(8, np.float32), requires_grad=True)),
    )
    yield from list(op("relu on 8 elements", "small", lambda T, F, x: F.relu(x), (8,)))[1:]
    yield Case("ReLU() on 8 elements", "small", lambda T, F: call_on(T.nn.ReLU(), T.tensor(np.ones(8, np.float32))))
    yield Case("Linear(64, 64) on 1x64, recorded", "small", linear_module)
    yield from op("linear on 1x64", "small", lambda T, F, x, w, b: F.linear(x, w, b), (1, 64), (64, 64), (64,))
    yield Case("training step 8-64-64-4, batch 32", "step", mlp_step)
    yield Case("training step of the digits example, 32x1x8x8", "step", lambda T, F: digits_step(T, F, 8), False)
    yield Case("training step of the digits example, 32x1x28x28", "step", lambda T, F: digits_step(T, F, 28), False)


def linear_module(T: ModuleType, F: ModuleType) -> Run:
    """A Module's call."""
    return call_on(same_weights(T, T.nn.Linear(64, 64)), T.tensor(np.ones((1, 64), np.float32)))


def mlp_step(T: ModuleType, F: ModuleType) -> Run:
    """Forward, backward and Adam of a small network."""
    nn = T.nn
    model = nn.Sequential(nn.Linear(8, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 4))
    x = np.random.default_rng(0).standard_normal((32, 8), dtype=np.float32)
    return training_step(T, F, same_weights(T, model), x, classes(32, 4))


def digits_step(T: ModuleType, F: ModuleType, side: int) -> Run:
    """One step of examples/digits.py."""
    nn = T.nn
    model = nn.Sequential(
        *(nn.Conv2d(1, 16, 3, padding=1), nn.BatchNorm2d(16), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Conv2d(16, 32, 3, padding=1), nn.BatchNorm2d(32), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Flatten(), nn.Dropout(0.25), nn.Linear(32 * (side // 4) ** 2, 10)),
    )
    x = np.random.default_rng(0).standard_normal((32, 1, side, side), dtype=np.float32)
    return training_step(T, F, model, x, classes(32, 10))
