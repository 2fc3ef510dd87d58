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
