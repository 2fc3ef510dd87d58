"""Optimizers: what changes parameters along their gradients."""

from nbnn.optim.adam import Adam, AdamW
from nbnn.optim.optimizer import Optimizer
from nbnn.optim.sgd import SGD

__all__ = ["SGD", "Adam", "AdamW", "Optimizer"]
