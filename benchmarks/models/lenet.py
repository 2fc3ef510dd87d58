"""LeNet-5 with rectifiers and max pooling (LeCun et al., "Gradient-based learning applied to document recognition")."""

from __future__ import annotations

from types import ModuleType
from typing import Any


def lenet(T: ModuleType) -> Any:
    """Ten classes from images of 1 x 28 x 28."""
    nn = T.nn
    return nn.Sequential(
        *(nn.Conv2d(1, 6, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Conv2d(6, 16, 5), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten()),
        *(nn.Linear(400, 120), nn.ReLU(), nn.Linear(120, 84), nn.ReLU(), nn.Linear(84, 10)),
    )
