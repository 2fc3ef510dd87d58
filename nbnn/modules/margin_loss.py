"""Modules of the losses that ask for a margin."""

from __future__ import annotations

from nbnn import functional as F
from nbnn.functional import _check
from nbnn.modules.module import Module
from nbnn.tensor import Tensor


class _MarginLoss(Module):
    """A reduction, also from the old arguments `size_average` and `reduce`."""

    def __init__(self, size_average: bool | None = None, reduce: bool | None = None, reduction: str = "mean") -> None:
        super().__init__()
        self.reduction = _check.reduction(type(self).__name__, reduction, size_average, reduce)


class _WithMargin(_MarginLoss):
    """A margin too."""

    def __init__(
        self,
        margin: float = 0.0,
        size_average: bool | None = None,
        reduce: bool | None = None,
        reduction: str = "mean",
    ) -> None:
        super().__init__(size_average, reduce, reduction)
        self.margin = margin


class HingeEmbeddingLoss(_WithMargin):
    r"""The distance x of a pair that belongs together (t = 1), else :math:`\max(0, m - x)` (t = -1).

    Parameters
    ----------
    margin : float
        The margin m.
    reduction : "mean", "sum" or "none"
    size_average, reduce : bool, optional
        Older spellings of `reduction`; they warn.

    Shape
    -----
    input, target : (\*), any shape; targets are 1 or -1
    output : () or, without reduction, that of `input`

    Raises
    ------
    ValueError
        If `reduction` is none of the three.

    Examples
    --------
    >>> import nbnn, nbnn.nn as nn
    >>> nn.HingeEmbeddingLoss()(nbnn.tensor([0.25, 0.25]), nbnn.tensor([1, -1]))
    tensor(0.5000)
    """

    def __init__(
        self,
        margin: float = 1.0,
        size_average: bool | None = None,
        reduce: bool | None = None,
        reduction: str = "mean",
    ) -> None:
        super().__init__(margin, size_average, reduce, reduction)

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return F.hinge_embedding_loss(input, target, margin=self.margin, reduction=self.reduction)


class MarginRankingLoss(_WithMargin):
    r"""How far two scores are from the order asked for, :math:`\max(0, m - t (x_1 - x_2))`.

    Parameters
    ----------
    margin : float
        The margin m.
    reduction : "mean", "sum" or "none"
    size_average, reduce : bool, optional
        Older spellings of `reduction`; they warn.

    Shape
    -----
    input1, input2, target : (\*), any shape; targets are 1 or -1
    output : () or, without reduction, that of the inputs

    Raises
    ------
    ValueError
        If `reduction` is none of the three.

    Examples
    --------
    >>> import nbnn, nbnn.nn as nn
    >>> nn.MarginRankingLoss()(nbnn.tensor([1.0, 2.0]), nbnn.tensor([3.0, 0.0]), nbnn.tensor([1.0, 1.0]))
    tensor(1.)
    """

    def forward(self, input1: Tensor, input2: Tensor, target: Tensor) -> Tensor:
        return F.margin_ranking_loss(input1, input2, target, margin=self.margin, reduction=self.reduction)


class CosineEmbeddingLoss(_WithMargin):
    r"""Of a pair that belongs together :math:`1 - \cos(x_1, x_2)`, else :math:`\max(0, \cos(x_1, x_2) - m)`.

    Parameters
    ----------
    margin : float
        The margin m.
    reduction : "mean", "sum" or "none"
    size_average, reduce : bool, optional
        Older spellings of `reduction`; they warn.

    Shape
    -----
    input1, input2 : (N, D) or (D,)
    target : (N,) or (), 1 or -1
    output : () or, without reduction, that of `target`

    Raises
    ------
    ValueError
        If `reduction` is none of the three.

    Examples
    --------
    >>> import nbnn, nbnn.nn as nn
    >>> nn.CosineEmbeddingLoss()(nbnn.tensor([[3.0, 4.0]]), nbnn.tensor([[4.0, 3.0]]), nbnn.tensor([1]))
    tensor(0.0400)
    """

    def forward(self, input1: Tensor, input2: Tensor, target: Tensor) -> Tensor:
        return F.cosine_embedding_loss(input1, input2, target, margin=self.margin, reduction=self.reduction)


class SoftMarginLoss(_MarginLoss):
    r"""The logistic loss, :math:`\ln(1 + e^{-t x})`, of scores against targets of 1 or -1.

    Parameters
    ----------
    reduction : "mean", "sum" or "none"
    size_average, reduce : bool, optional
        Older spellings of `reduction`; they warn.

    Shape
    -----
    input, target : (\*), any shape; targets are 1 or -1
    output : () or, without reduction, that of `input`

    Raises
    ------
    ValueError
        If `reduction` is none of the three.

    Examples
    --------
    >>> import nbnn, nbnn.nn as nn
    >>> nn.SoftMarginLoss()(nbnn.tensor([0.0]), nbnn.tensor([1.0]))
    tensor(0.6931)
    """

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return F.soft_margin_loss(input, target, reduction=self.reduction)


class MultiLabelMarginLoss(_MarginLoss):
    r"""The hinge loss of each class of a row against each other one.

    Parameters
    ----------
    reduction : "mean", "sum" or "none"
    size_average, reduce : bool, optional
        Older spellings of `reduction`; they warn.

    Shape
    -----
    input : (N, C) or (C,), scores
    target : that shape; the classes of a row, which end with its first -1
    output : () or, without reduction, (N,)

    Raises
    ------
    ValueError
        If `reduction` is none of the three.

    Examples
    --------
    >>> import nbnn, nbnn.nn as nn
    >>> nn.MultiLabelMarginLoss()(nbnn.tensor([[0.1, 0.2, 0.4, 0.8]]), nbnn.tensor([[3, 0, -1, 1]]))
    tensor(0.8500)
    """

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return F.multilabel_margin_loss(input, target, reduction=self.reduction)


class MultiLabelSoftMarginLoss(_MarginLoss):
    r"""The mean over the classes of the binary cross entropy of their scores.

    Parameters
    ----------
    weight : Tensor, optional
        Weight of each class; it broadcasts to the shape of the input.
    reduction : "mean", "sum" or "none"
    size_average, reduce : bool, optional
        Older spellings of `reduction`; they warn.

    Shape
    -----
    input, target : (\*, C); targets are mostly 0 or 1
    output : () or, without reduction, (\*,)

    Raises
    ------
    ValueError
        If `reduction` is none of the three.

    Examples
    --------
    >>> import nbnn, nbnn.nn as nn
    >>> nn.MultiLabelSoftMarginLoss()(nbnn.tensor([[0.0, 2.0]]), nbnn.tensor([[1.0, 1.0]]))
    tensor(0.4100)
    """

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

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return F.multilabel_soft_margin_loss(input, target, self.weight, reduction=self.reduction)


class MultiMarginLoss(_MarginLoss):
    r"""The hinge loss of classes, :math:`w_t \sum_{c \ne t} \max(0, m - x_t + x_c)^p / C`.

    Parameters
    ----------
    p : 1 or 2
    margin : float
        The margin m.
    weight : Tensor (C,), optional
        Weight w of each class.
    reduction : "mean", "sum" or "none"
    size_average, reduce : bool, optional
        Older spellings of `reduction`; they warn.

    Shape
    -----
    input : (N, C) or (C,), scores
    target : (N,) or (), classes in [0, C)
    output : () or, without reduction, that of `target`

    Raises
    ------
    ValueError
        If `p` is neither 1 nor 2, `weight` has not 1 axis, or `reduction` is none of the three.

    Examples
    --------
    >>> import nbnn, nbnn.nn as nn
    >>> nn.MultiMarginLoss()(nbnn.tensor([[0.5, 1.0, 0.0, 0.0]]), nbnn.tensor([1]))
    tensor(0.1250)
    """

    weight: Tensor | None

    def __init__(
        self,
        p: int = 1,
        margin: float = 1.0,
        weight: Tensor | None = None,
        size_average: bool | None = None,
        reduce: bool | None = None,
        reduction: str = "mean",
    ) -> None:
        super().__init__(size_average, reduce, reduction)
        if isinstance(p, bool) or p not in (1, 2):
            raise ValueError(f"MultiMarginLoss: `p` (={p!r}) must be 1 or 2")
        if weight is not None and weight.dim() != 1:
            raise ValueError(f"MultiMarginLoss: `weight` must have shape (C,); got {tuple(weight.shape)}")
        self.p = p
        self.margin = margin
        self.register_buffer("weight", weight)

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return F.multi_margin_loss(input, target, self.p, self.margin, self.weight, reduction=self.reduction)


class TripletMarginLoss(_WithMargin):
    r"""How much nearer than the negative the positive fails to be, :math:`\max(0, m + d(a, p) - d(a, n))`.

    Parameters
    ----------
    margin : float
        The margin m, above 0.
    p : float
        The order of the norm.
    eps : float
        Added to each component of a difference.
    swap : bool
        Whether to take the smaller of :math:`d(a, n)` and :math:`d(p, n)`.
    reduction : "mean", "sum" or "none"
    size_average, reduce : bool, optional
        Older spellings of `reduction`; they warn.

    Shape
    -----
    anchor, positive, negative : (N, D) or (D,)
    output : () or, without reduction, (N,)

    Raises
    ------
    ValueError
        If `margin` is not above 0 or `reduction` is none of the three.

    References
    ----------
    Balntas et al., "Learning Local Feature Descriptors with Triplets and Shallow Convolutional Neural Networks", 2016.

    Examples
    --------
    >>> import nbnn, nbnn.nn as nn
    >>> nn.TripletMarginLoss()(nbnn.zeros(1, 1), nbnn.ones(1, 1), nbnn.full((1, 1), 1.5))
    tensor(0.5000)
    """

    def __init__(
        self,
        margin: float = 1.0,
        p: float = 2.0,
        eps: float = 1e-06,
        swap: bool = False,
        size_average: bool | None = None,
        reduce: bool | None = None,
        reduction: str = "mean",
    ) -> None:
        super().__init__(margin, size_average, reduce, reduction)
        if not margin > 0:
            raise ValueError(f"TripletMarginLoss: `margin` (={margin}) must be above 0")
        self.p = p
        self.eps = eps
        self.swap = swap

    def forward(self, anchor: Tensor, positive: Tensor, negative: Tensor) -> Tensor:
        return F.triplet_margin_loss(
            anchor,
            positive,
            negative,
            margin=self.margin,
            p=self.p,
            eps=self.eps,
            swap=self.swap,
            reduction=self.reduction,
        )
