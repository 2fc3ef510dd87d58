"""Optimizers: what changes parameters along their gradients."""

from nbnn.optim.adagrad import Adagrad
from nbnn.optim.adam import Adam, AdamW
from nbnn.optim.optimizer import Optimizer
from nbnn.optim.rmsprop import RMSprop
from nbnn.optim.sgd import SGD

__all__ = ["SGD", "Adagrad", "Adam", "AdamW", "Optimizer", "RMSprop"]
