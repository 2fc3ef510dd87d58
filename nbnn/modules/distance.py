"""Modules of distances, and of the loss of any of them."""

from __future__ import annotations

from collections.abc import Callable

from nbnn import functional as F
from nbnn.functional import _check
from nbnn.modules.module import Module
from nbnn.tensor import Tensor


class PairwiseDistance(Module):
    r"""The distance of vectors, :math:`\lVert x_1 - x_2 + \epsilon \rVert_p` along the last axis.

    Parameters
    ----------
    p : float
        The order of the norm, which may be infinite.
    eps : float
        Added to each component of the difference.
    keepdim : bool
        Whether the last axis stays with size 1.

    Shape
    -----
    x1, x2 : (N, D) or (D,)
    output : (N,) or (); (N, 1) or (1,) with `keepdim`

    Examples
    --------
    >>> import nbnn, nbnn.nn as nn
    >>> nn.PairwiseDistance()(nbnn.tensor([[3.0, 4.0]]), nbnn.zeros(1, 2))
    tensor([5.0000])
    """

    def __init__(self, p: float = 2.0, eps: float = 1e-06, keepdim: bool = False) -> None:
        super().__init__()
        self.norm = p
        self.eps = eps
        self.keepdim = keepdim

    def forward(self, x1: Tensor, x2: Tensor) -> Tensor:
        return F.pairwise_distance(x1, x2, self.norm, self.eps, self.keepdim)


class CosineSimilarity(Module):
    r"""The cosine of the angle between vectors, :math:`x_1 \cdot x_2 / (|x_1| |x_2|)`.

    Parameters
    ----------
    dim : int
        The axis of the vectors.
    eps : float
        The least norm that is divided by.

    Shape
    -----
    x1, x2 : (\*), shapes that broadcast
    output : that shape without `dim`

    Examples
    --------
    >>> import nbnn, nbnn.nn as nn
    >>> nn.CosineSimilarity()(nbnn.tensor([[3.0, 4.0]]), nbnn.tensor([[4.0, 3.0]]))
    tensor([0.9600])
    """

    def __init__(self, dim: int = 1, eps: float = 1e-08) -> None:
        super().__init__()
        self.dim = dim
        self.eps = eps

    def forward(self, x1: Tensor, x2: Tensor) -> Tensor:
        return F.cosine_similarity(x1, x2, self.dim, self.eps)


class TripletMarginWithDistanceLoss(Module):
    r"""`TripletMarginLoss` of any distance.

    Parameters
    ----------
    distance_function : callable, optional
        ``d(x, y)`` gives the distances, (N,); by default `PairwiseDistance`.
    margin : float
        The margin m, above 0.
    swap : bool
        Whether to take the smaller of :math:`d(a, n)` and :math:`d(p, n)`.
    reduction : "mean", "sum" or "none"

    Shape
    -----
    anchor, positive, negative : (N, D) or (D,)
    output : () or, without reduction, (N,)

    Raises
    ------
    ValueError
        If `margin` is not above 0 or `reduction` is none of the three.

    Examples
    --------
    >>> import nbnn, nbnn.nn as nn
    >>> loss = nn.TripletMarginWithDistanceLoss(distance_function=nn.L1Loss())
    >>> loss(nbnn.zeros(1, 1), nbnn.ones(1, 1), nbnn.full((1, 1), 1.5))
    tensor(0.5000)
    """

    def __init__(
        self,
        *,
        distance_function: Callable[[Tensor, Tensor], Tensor] | None = None,
        margin: float = 1.0,
        swap: bool = False,
        reduction: str = "mean",
    ) -> None:
        super().__init__()
        self.reduction = _check.reduction("TripletMarginWithDistanceLoss", reduction)
        if not margin > 0:
            raise ValueError(f"TripletMarginWithDistanceLoss: `margin` (={margin}) must be above 0")
        self.distance_function = PairwiseDistance() if distance_function is None else distance_function
        self.margin = margin
        self.swap = swap

    def forward(self, anchor: Tensor, positive: Tensor, negative: Tensor) -> Tensor:
        return F.triplet_margin_with_distance_loss(
            anchor,
            positive,
            negative,
            distance_function=self.distance_function,
            margin=self.margin,
            swap=self.swap,
            reduction=self.reduction,
        )
