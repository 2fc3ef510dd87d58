"""Modules of the activation functions."""

from __future__ import annotations

from nbnn import functional as F
from nbnn.modules.module import Module
from nbnn.tensor import Tensor


class ReLU(Module):
    r"""The rectified linear unit, :math:`y = \max(x, 0)`.

    Parameters
    ----------
    inplace : bool
        Whether the input's memory takes the result.

    Shape
    -----
    input, output : (\*), any shape

    References
    ----------
    V. Nair, G. E. Hinton, "Rectified Linear Units Improve Restricted Boltzmann Machines", ICML 2010.

    Examples
    --------
    >>> import nbnn, nbnn.nn as nn
    >>> nn.ReLU()(nbnn.tensor([-1.0, 2.0]))
    tensor([0., 2.])
    """

    def __init__(self, inplace: bool = False) -> None:
        super().__init__()
        self.inplace = inplace

    def forward(self, input: Tensor) -> Tensor:
        return F.relu(input, self.inplace)

    def extra_repr(self) -> str:
        return "inplace=True" if self.inplace else ""


class Tanh(Module):
    r"""The hyperbolic tangent, :math:`y = \tanh(x)`.

    Shape
    -----
    input, output : (\*), any shape

    Examples
    --------
    >>> import nbnn, nbnn.nn as nn
    >>> nn.Tanh()(nbnn.zeros(2))
    tensor([0., 0.])
    """

    def forward(self, input: Tensor) -> Tensor:
        return F.tanh(input)


class Sigmoid(Module):
    r"""The logistic function, :math:`y = 1 / (1 + e^{-x})`.

    Shape
    -----
    input, output : (\*), any shape

    Examples
    --------
    >>> import nbnn, nbnn.nn as nn
    >>> nn.Sigmoid()(nbnn.zeros(2))
    tensor([0.5000, 0.5000])
    """

    def forward(self, input: Tensor) -> Tensor:
        return F.sigmoid(input)


class _AlongDim(Module):
    """A function over the slices along one axis."""

    def __init__(self, dim: int | None = None) -> None:
        super().__init__()
        self.dim = dim

    def extra_repr(self) -> str:
        return f"dim={self.dim}"


class Softmax(_AlongDim):
    r"""The softmax along an axis, :math:`y_i = e^{x_i} / \sum_j e^{x_j}`.

    Parameters
    ----------
    dim : int, optional
        The axis whose slices sum to 1. Left out, the old implicit choice is made (0 for 0-d, 1-d and 3-d input,
        else 1), with a warning.

    Shape
    -----
    input, output : (\*), any shape

    Raises
    ------
    IndexError
        If the input has no such axis.

    Examples
    --------
    >>> import nbnn, nbnn.nn as nn
    >>> nn.Softmax(dim=1)(nbnn.zeros(1, 2))
    tensor([[0.5000, 0.5000]])
    """

    def forward(self, input: Tensor) -> Tensor:
        return F.softmax(input, self.dim, _stacklevel=5)


class LogSoftmax(_AlongDim):
    r"""The logarithm of the softmax along an axis, :math:`y_i = x_i - \log \sum_j e^{x_j}`.

    Parameters
    ----------
    dim : int, optional
        The axis. Left out, the old implicit choice is made (0 for 0-d, 1-d and 3-d input, else 1), with a warning.

    Shape
    -----
    input, output : (\*), any shape

    Raises
    ------
    IndexError
        If the input has no such axis.

    Examples
    --------
    >>> import nbnn, nbnn.nn as nn
    >>> nn.LogSoftmax(dim=1)(nbnn.zeros(1, 2))
    tensor([[-0.6931, -0.6931]])
    """

    def forward(self, input: Tensor) -> Tensor:
        return F.log_softmax(input, self.dim, _stacklevel=5)
