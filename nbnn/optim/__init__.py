"""Optimizers: what changes parameters along their gradients."""

from nbnn.optim import lr_scheduler, swa_utils
from nbnn.optim.adadelta import Adadelta
from nbnn.optim.adafactor import Adafactor
from nbnn.optim.adagrad import Adagrad
from nbnn.optim.adam import Adam, AdamW
from nbnn.optim.adamax import Adamax
from nbnn.optim.asgd import ASGD
from nbnn.optim.lbfgs import LBFGS
from nbnn.optim.muon import Muon
from nbnn.optim.nadam import NAdam
from nbnn.optim.optimizer import Optimizer
from nbnn.optim.radam import RAdam
from nbnn.optim.rmsprop import RMSprop
from nbnn.optim.rprop import Rprop
from nbnn.optim.sgd import SGD
from nbnn.optim.sparse_adam import SparseAdam

__all__ = [
    "ASGD",
    "LBFGS",
    "SGD",
    "Adadelta",
    "Adafactor",
    "Adagrad",
    "Adam",
    "AdamW",
    "Adamax",
    "Muon",
    "NAdam",
    "Optimizer",
    "RAdam",
    "RMSprop",
    "Rprop",
    "SparseAdam",
    "lr_scheduler",
    "swa_utils",
]
