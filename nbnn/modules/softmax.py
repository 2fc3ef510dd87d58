"""Modules of softmax and its kin."""

from __future__ import annotations

from nbnn import functional as F
from nbnn.modules.module import Module
from nbnn.tensor import Tensor


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


class Softmin(_AlongDim):
    r"""The softmin along an axis, :math:`y_i = e^{-x_i} / \sum_j e^{-x_j}`.

    Parameters
    ----------
    dim : int, optional
        The axis; left out as for Softmax.

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
    >>> nn.Softmin(dim=1)(nbnn.zeros(1, 2))
    tensor([[0.5000, 0.5000]])
    """

    def forward(self, input: Tensor) -> Tensor:
        return F.softmin(input, self.dim, _stacklevel=5)


class Softmax2d(Module):
    r"""The softmax over the channels at each place of an image.

    Shape
    -----
    input, output : (N, C, H, W) or (C, H, W)

    Raises
    ------
    ValueError
        If the input has another number of axes.

    Examples
    --------
    >>> import nbnn, nbnn.nn as nn
    >>> nn.Softmax2d()(nbnn.zeros(2, 1, 1)).flatten()
    tensor([0.5000, 0.5000])
    """

    def forward(self, input: Tensor) -> Tensor:
        if input.dim() not in (3, 4):
            raise ValueError(f"Softmax2d: `input` must have 3 or 4 axes; got {tuple(input.shape)}")
        return F.softmax(input, -3)
