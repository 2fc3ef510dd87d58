"""Modules of the dropout functions."""

from __future__ import annotations

from nbnn import functional as F
from nbnn.functional import _check
from nbnn.modules.module import Module
from nbnn.tensor import Tensor


class _Dropout(Module):
    """A probability, and whether the input's memory takes the result."""

    def __init__(self, p: float = 0.5, inplace: bool = False) -> None:
        super().__init__()
        _check.probability(type(self).__name__, "p", p)
        self.p = p
        self.inplace = inplace

    def extra_repr(self) -> str:
        return f"p={self.p}, inplace={self.inplace}"


class Dropout(_Dropout):
    r"""In training, each element set to zero with probability `p`, and the others divided by :math:`1 - p`.

    In evaluation the input passes unchanged. The same seed gives the same zeros on any number of threads.

    Parameters
    ----------
    p : float
        Probability of an element to become zero.
    inplace : bool
        Whether the input's memory takes the result.

    Shape
    -----
    input, output : (\*), any shape

    Raises
    ------
    ValueError
        If `p` is not between 0 and 1.

    References
    ----------
    G. E. Hinton et al., "Improving neural networks by preventing co-adaptation of feature detectors",
    arXiv:1207.0580, 2012.

    Examples
    --------
    >>> import nbnn, nbnn.nn as nn
    >>> nn.Dropout(p=0.2).eval()(nbnn.ones(3))
    tensor([1., 1., 1.])
    """

    def forward(self, input: Tensor) -> Tensor:
        return F.dropout(input, self.p, self.training, self.inplace)


class Dropout1d(_Dropout):
    r"""In training, each channel set to zero with probability `p`, and the others divided by :math:`1 - p`.

    In evaluation the input passes unchanged.

    Parameters
    ----------
    p : float
        Probability of being dropped.
    inplace : bool
        Whether the input's memory takes the result.

    Shape
    -----
    input, output : (N, C, L) or (C, L)

    Raises
    ------
    ValueError
        If `p` is not between 0 and 1.

    References
    ----------
    J. Tompson et al., "Efficient Object Localization Using Convolutional Networks", CVPR 2015.

    Examples
    --------
    >>> import nbnn, nbnn.nn as nn
    >>> nn.Dropout1d().eval()(nbnn.ones(1, 1, 1)).item()
    1.0
    """

    def forward(self, input: Tensor) -> Tensor:
        return F.dropout1d(input, self.p, self.training, self.inplace)


class Dropout2d(_Dropout):
    r"""In training, each channel set to zero with probability `p`, and the others divided by :math:`1 - p`.

    In evaluation the input passes unchanged.

    Parameters
    ----------
    p : float
        Probability of being dropped.
    inplace : bool
        Whether the input's memory takes the result.

    Shape
    -----
    input, output : (N, C, H, W), (C, H, W) or (N, C, L)

    Raises
    ------
    ValueError
        If `p` is not between 0 and 1.

    References
    ----------
    J. Tompson et al., "Efficient Object Localization Using Convolutional Networks", CVPR 2015.

    Examples
    --------
    >>> import nbnn, nbnn.nn as nn
    >>> nn.Dropout2d().eval()(nbnn.ones(1, 1, 1, 1)).item()
    1.0
    """

    def forward(self, input: Tensor) -> Tensor:
        return F.dropout2d(input, self.p, self.training, self.inplace)


class Dropout3d(_Dropout):
    r"""In training, each channel set to zero with probability `p`, and the others divided by :math:`1 - p`.

    In evaluation the input passes unchanged.

    Parameters
    ----------
    p : float
        Probability of being dropped.
    inplace : bool
        Whether the input's memory takes the result.

    Shape
    -----
    input, output : (N, C, D, H, W) or (C, D, H, W)

    Raises
    ------
    ValueError
        If `p` is not between 0 and 1.

    References
    ----------
    J. Tompson et al., "Efficient Object Localization Using Convolutional Networks", CVPR 2015.

    Examples
    --------
    >>> import nbnn, nbnn.nn as nn
    >>> nn.Dropout3d().eval()(nbnn.ones(1, 1, 1, 1, 1)).item()
    1.0
    """

    def forward(self, input: Tensor) -> Tensor:
        return F.dropout3d(input, self.p, self.training, self.inplace)


class AlphaDropout(_Dropout):
    r"""In training, each element set to the limit of SELU with probability `p`, and mean and variance restored.

    In evaluation the input passes unchanged.

    Parameters
    ----------
    p : float
        Probability of being dropped.
    inplace : bool
        Whether the input's memory takes the result.

    Shape
    -----
    input, output : (\*), any shape

    Raises
    ------
    ValueError
        If `p` is not between 0 and 1.

    References
    ----------
    G. Klambauer et al., "Self-Normalizing Neural Networks", NeurIPS 2017.

    Examples
    --------
    >>> import nbnn, nbnn.nn as nn
    >>> nn.AlphaDropout().eval()(nbnn.ones(2))
    tensor([1., 1.])
    """

    def forward(self, input: Tensor) -> Tensor:
        return F.alpha_dropout(input, self.p, self.training, self.inplace)


class FeatureAlphaDropout(_Dropout):
    r"""In training, each channel set to the limit of SELU with probability `p`, and mean and variance restored.

    In evaluation the input passes unchanged.

    Parameters
    ----------
    p : float
        Probability of being dropped.
    inplace : bool
        Whether the input's memory takes the result.

    Shape
    -----
    input, output : (N, C, ...)

    Raises
    ------
    ValueError
        If `p` is not between 0 and 1.

    References
    ----------
    G. Klambauer et al., "Self-Normalizing Neural Networks", NeurIPS 2017.

    Examples
    --------
    >>> import nbnn, nbnn.nn as nn
    >>> nn.FeatureAlphaDropout().eval()(nbnn.ones(1, 2))
    tensor([[1., 1.]])
    """

    def forward(self, input: Tensor) -> Tensor:
        return F.feature_alpha_dropout(input, self.p, self.training, self.inplace)
