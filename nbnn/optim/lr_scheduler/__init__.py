"""Schedulers: what changes learning rates as training goes on."""

from nbnn.optim.lr_scheduler.combined import ChainedScheduler, SequentialLR
from nbnn.optim.lr_scheduler.cosine import CosineAnnealingLR, CosineAnnealingWarmRestarts
from nbnn.optim.lr_scheduler.cycle import CyclicLR, OneCycleLR
from nbnn.optim.lr_scheduler.decay import (
    ConstantLR,
    ExponentialLR,
    LambdaLR,
    LinearLR,
    MultiplicativeLR,
    MultiStepLR,
    PolynomialLR,
    StepLR,
)
from nbnn.optim.lr_scheduler.plateau import ReduceLROnPlateau
from nbnn.optim.lr_scheduler.scheduler import LRScheduler

_LRScheduler = LRScheduler  # the older name, which programs derive from

__all__ = [
    "ChainedScheduler",
    "ConstantLR",
    "CosineAnnealingLR",
    "CosineAnnealingWarmRestarts",
    "CyclicLR",
    "ExponentialLR",
    "LRScheduler",
    "LambdaLR",
    "LinearLR",
    "MultiStepLR",
    "MultiplicativeLR",
    "OneCycleLR",
    "PolynomialLR",
    "ReduceLROnPlateau",
    "SequentialLR",
    "StepLR",
]
