"""Modules of local response normalisation."""

from __future__ import annotations

from nbnn import functional as F
from nbnn.functional import _check
from nbnn.functional.response_norm import cross_map_lrn2d
from nbnn.modules.module import Module
from nbnn.tensor import Tensor


class _ResponseNorm(Module):
    """A number of channels, and how their energy counts."""

    def __init__(self, size: int, alpha: float = 0.0001, beta: float = 0.75, k: float = 1.0) -> None:
        super().__init__()
        self.size = _check.integer(type(self).__name__, "size", size, 1)
        self.alpha = alpha
        self.beta = beta
        self.k = k

    def extra_repr(self) -> str:
        return f"{self.size}, alpha={self.alpha}, beta={self.beta}, k={self.k}"


class LocalResponseNorm(_ResponseNorm):
    r"""Each number divided by the energy of `size` channels around it, :math:`x_c / (k + \frac{\alpha}{n} s_c)^\beta`.

    Parameters
    ----------
    size : int
        How many channels n count.
    alpha, beta, k : float

    Shape
    -----
    input, output : (N, C, d1, ...)

    Raises
    ------
    ValueError
        If `size` is below 1 or the input has fewer than 3 axes.

    References
    ----------
    Krizhevsky et al., "ImageNet Classification with Deep Convolutional Neural Networks", 2012.

    Examples
    --------
    >>> import nbnn, nbnn.nn as nn
    >>> nn.LocalResponseNorm(2, alpha=2.0, beta=1.0)(nbnn.ones(1, 2, 1)).flatten()
    tensor([0.5000, 0.3333])
    """

    def forward(self, input: Tensor) -> Tensor:
        return F.local_response_norm(input, self.size, self.alpha, self.beta, self.k)


class CrossMapLRN2d(_ResponseNorm):
    r"""`LocalResponseNorm` as Caffe counts channels: :math:`\lfloor (n - 1) / 2 \rfloor` on either side.

    Parameters
    ----------
    size : int
        How many channels n count.
    alpha, beta, k : float

    Shape
    -----
    input, output : (N, C, H, W)

    Raises
    ------
    ValueError
        If `size` is below 1 or the input has not 4 axes.

    Examples
    --------
    >>> import nbnn, nbnn.nn as nn
    >>> nn.CrossMapLRN2d(2, alpha=2.0, beta=1.0)(nbnn.ones(1, 2, 1, 1)).flatten()
    tensor([0.5000, 0.5000])
    """

    def __init__(self, size: int, alpha: float = 0.0001, beta: float = 0.75, k: float = 1) -> None:
        super().__init__(size, alpha, beta, k)

    def forward(self, input: Tensor) -> Tensor:
        return cross_map_lrn2d(input, self.size, self.alpha, self.beta, self.k)
