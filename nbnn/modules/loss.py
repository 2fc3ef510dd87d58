"""Modules of the losses."""

from __future__ import annotations

from nbnn import functional as F
from nbnn.functional import _check
from nbnn.modules.module import Module
from nbnn.tensor import Tensor


class _Loss(Module):
    """A reduction, also from the old arguments `size_average` and `reduce`."""

    def __init__(self, size_average: bool | None = None, reduce: bool | None = None, reduction: str = "mean") -> None:
        super().__init__()
        self.reduction = _check.reduction(type(self).__name__, reduction, size_average, reduce)


class _WeightedLoss(_Loss):
    """A loss with a weight for each class, which is a buffer."""

    weight: Tensor | None

    def __init__(
        self,
        weight: Tensor | None = None,
        size_average: bool | None = None,
        reduce: bool | None = None,
        reduction: str = "mean",
    ) -> None:
        super().__init__(size_average, reduce, reduction)
        self.register_buffer("weight", weight)


class NLLLoss(_WeightedLoss):
    r"""The negative log likelihood of the target classes.

    .. math:: \ell_n = -w_{t_n} x_{n, t_n}, \qquad
        \text{mean: } \sum_n \ell_n / \sum_n w_{t_n}, \quad \text{sum: } \sum_n \ell_n

    Parameters
    ----------
    weight : Tensor (C,), optional
        Weight :math:`w` of each class; ones unless given.
    ignore_index : int
        A target that does not count, neither in the sum nor in the mean.
    reduction : "mean", "sum" or "none"
    size_average, reduce : bool, optional
        Older spellings of `reduction`; they warn.

    Shape
    -----
    input : (N, C), (C,) or (N, C, d1, ..., dK), log probabilities
    target : (N,), () or (N, d1, ..., dK), classes in [0, C)
    output : () or, without reduction, that of `target`

    Raises
    ------
    ValueError, TypeError
        If the shapes do not belong together or `reduction` is none of the three.
    IndexError
        If a target is outside [0, C) and not `ignore_index`.

    Examples
    --------
    >>> import nbnn, nbnn.nn as nn
    >>> nn.NLLLoss()(nbnn.tensor([[-0.5, -1.0], [-2.0, -0.25]]), nbnn.tensor([0, 1]))
    tensor(0.3750)
    """

    def __init__(
        self,
        weight: Tensor | None = None,
        size_average: bool | None = None,
        ignore_index: int = -100,
        reduce: bool | None = None,
        reduction: str = "mean",
    ) -> None:
        super().__init__(weight, size_average, reduce, reduction)
        self.ignore_index = _check.integer(type(self).__name__, "ignore_index", ignore_index)

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return F.nll_loss(input, target, self.weight, ignore_index=self.ignore_index, reduction=self.reduction)


class CrossEntropyLoss(_WeightedLoss):
    r"""The cross entropy between the softmax of the input and the target.

    .. math:: \ell_n = -\sum_c w_c \log \frac{e^{x_{n,c}}}{\sum_j e^{x_{n,j}}} \; q_{n,c}

    where :math:`q` is one at the target class, or the target itself where it holds probabilities. The mean is over the
    weights of the target classes, and over N where the target holds probabilities.

    Parameters
    ----------
    weight : Tensor (C,), optional
        Weight :math:`w` of each class; ones unless given.
    ignore_index : int
        A target class that does not count, neither in the sum nor in the mean.
    reduction : "mean", "sum" or "none"
    label_smoothing : float
        How much of :math:`q` is spread evenly over all classes.
    size_average, reduce : bool, optional
        Older spellings of `reduction`; they warn.

    Shape
    -----
    input : (N, C), (C,) or (N, C, d1, ..., dK), unnormalised scores
    target : (N,), () or (N, d1, ..., dK) classes in [0, C), or probabilities of the input's shape
    output : () or, without reduction, that of a target of classes

    Raises
    ------
    ValueError, TypeError
        If the shapes do not belong together or an argument breaks these rules.
    IndexError
        If a target is outside [0, C) and not `ignore_index`.

    References
    ----------
    C. Szegedy et al., "Rethinking the Inception Architecture for Computer Vision", CVPR 2016 (label smoothing).

    Examples
    --------
    >>> import nbnn, nbnn.nn as nn
    >>> nn.CrossEntropyLoss()(nbnn.zeros(3, 2), nbnn.tensor([0, 1, 1]))
    tensor(0.6931)
    """

    def __init__(
        self,
        weight: Tensor | None = None,
        size_average: bool | None = None,
        ignore_index: int = -100,
        reduce: bool | None = None,
        reduction: str = "mean",
        label_smoothing: float = 0.0,
    ) -> None:
        super().__init__(weight, size_average, reduce, reduction)
        self.ignore_index = _check.integer(type(self).__name__, "ignore_index", ignore_index)
        self.label_smoothing = _check.probability(type(self).__name__, "label_smoothing", label_smoothing)

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return F.cross_entropy(
            input,
            target,
            self.weight,
            ignore_index=self.ignore_index,
            reduction=self.reduction,
            label_smoothing=self.label_smoothing,
        )


class MSELoss(_Loss):
    r"""The mean squared error, :math:`\ell_n = (x_n - y_n)^2`.

    Parameters
    ----------
    reduction : "mean", "sum" or "none"
    size_average, reduce : bool, optional
        Older spellings of `reduction`; they warn.

    Shape
    -----
    input, target : (\*), any shape
    output : () or, without reduction, that of `input`

    Raises
    ------
    ValueError
        If `reduction` is none of the three.

    Examples
    --------
    >>> import nbnn, nbnn.nn as nn
    >>> nn.MSELoss()(nbnn.tensor([1.0, 2.0]), nbnn.tensor([1.0, 4.0]))
    tensor(2.)
    """

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return F.mse_loss(input, target, reduction=self.reduction)
