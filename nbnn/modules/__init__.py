"""Every Module class of nbnn."""

from nbnn.modules._state import LoadReport
from nbnn.modules.activation import LogSoftmax, ReLU, Sigmoid, Softmax, Tanh
from nbnn.modules.array import Flatten
from nbnn.modules.container import ModuleDict, ModuleList, ParameterDict, ParameterList, Sequential
from nbnn.modules.convolution import Conv1d, Conv2d, Conv3d
from nbnn.modules.dropout import Dropout
from nbnn.modules.linear import Identity, Linear
from nbnn.modules.loss import CrossEntropyLoss, MSELoss, NLLLoss
from nbnn.modules.module import Module
from nbnn.modules.normalization import BatchNorm1d, BatchNorm2d, BatchNorm3d
from nbnn.modules.pooling import MaxPool1d, MaxPool2d, MaxPool3d

__all__ = [
    "BatchNorm1d",
    "BatchNorm2d",
    "BatchNorm3d",
    "Conv1d",
    "Conv2d",
    "Conv3d",
    "CrossEntropyLoss",
    "Dropout",
    "Flatten",
    "Identity",
    "Linear",
    "LoadReport",
    "LogSoftmax",
    "MSELoss",
    "MaxPool1d",
    "MaxPool2d",
    "MaxPool3d",
    "Module",
    "ModuleDict",
    "ModuleList",
    "NLLLoss",
    "ParameterDict",
    "ParameterList",
    "ReLU",
    "Sequential",
    "Sigmoid",
    "Softmax",
    "Tanh",
]
