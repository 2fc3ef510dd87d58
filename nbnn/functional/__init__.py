"""The public functions: torch.nn.functional's names, on Tensors, NumPy arrays and CUDA memory."""

from nbnn.functional import _methods as _methods
from nbnn.functional.activation import exp, log, log_softmax, relu, sigmoid, softmax, tanh
from nbnn.functional.convolution import conv1d, conv2d, conv3d
from nbnn.functional.dropout import dropout
from nbnn.functional.linear import linear, matmul
from nbnn.functional.loss import cross_entropy, mse_loss, nll_loss
from nbnn.functional.normalization import batch_norm
from nbnn.functional.pooling import max_pool1d, max_pool2d, max_pool3d


def relu_(input):  # type: ignore[no-untyped-def]
    """`relu` in place.

    Examples
    --------
    >>> import nbnn
    >>> import nbnn.nn.functional as F
    >>> F.relu_(nbnn.tensor([-1.0, 2.0]))
    tensor([0., 2.])
    """
    return relu(input, inplace=True)


__all__ = [
    "batch_norm",
    "conv1d",
    "conv2d",
    "conv3d",
    "cross_entropy",
    "dropout",
    "exp",
    "linear",
    "log",
    "log_softmax",
    "matmul",
    "max_pool1d",
    "max_pool2d",
    "max_pool3d",
    "mse_loss",
    "nll_loss",
    "relu",
    "relu_",
    "sigmoid",
    "softmax",
    "tanh",
]
