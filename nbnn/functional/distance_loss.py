"""Losses of distances: of pairs by their cosine, of triplets by any distance."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from nbnn import dtypes
from nbnn.functional import _check
from nbnn.functional._elementwise import from_integers
from nbnn.functional.array import add, cast, div, mul, ones, sub, sum
from nbnn.functional.comparison import minimum
from nbnn.functional.distance import norm_along, pairwise_distance
from nbnn.functional.elementwise_loss import make_loss, reduced
from nbnn.functional.margin_loss import RANKING
from nbnn.functional.pointwise import sqrt
from nbnn.functional.promotion import promoted
from nbnn.functional.shape import broadcast_to
from nbnn.kernels import elementwise_loss as K
from nbnn.op import takes_arrays
from nbnn.tensor import Tensor


def _straight(x: Tensor, t: Tensor, p: Any, a: float) -> tuple:
    return (None, None, None)


COSINE = make_loss("cosine_embedding_loss", K.COSINE, _straight)
FAST = COSINE.ops
_TINY = 1e-12  # added to the squared lengths, as PyTorch does


@takes_arrays
def cosine_embedding_loss(
    input1: Tensor,
    input2: Tensor,
    target: Tensor,
    margin: float = 0,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    r"""Of a pair that belongs together (t = 1) :math:`1 - \cos(x_1, x_2)`, else :math:`\max(0, \cos(x_1, x_2) - m)`.

    Parameters
    ----------
    input1, input2 : Tensor of shape (N, D) or (D,)
    target : Tensor of shape (N,) or ()
        1 or -1.
    margin : float
        m, between -1 and 1.
    reduction : {"mean", "sum", "none"}
    size_average, reduce : bool, optional
        Old spellings of `reduction`.

    Returns
    -------
    Tensor of shape () or, without reduction, of the shape of `target`

    Raises
    ------
    ValueError
        If shapes do not fit or `reduction` is unknown.
    TypeError
        If an input is no Tensor or array of floating-point numbers.

    Examples
    --------
    >>> import nbnn
    >>> import nbnn.nn.functional as F
    >>> a, b = nbnn.tensor([[3.0, 4.0], [3.0, 4.0]]), nbnn.tensor([[4.0, 3.0], [4.0, 3.0]])
    >>> F.cosine_embedding_loss(a, b, nbnn.tensor([1, -1]), reduction="none")
    tensor([0.0400, 0.9600])
    """
    op = "cosine_embedding_loss"
    reduction = _check.reduction(op, reduction, size_average, reduce)
    low = _check.number(op, "margin", margin)
    for name, t in (("input1", input1), ("input2", input2), ("target", target)):
        _check.tensor(op, name, t)
    input1, input2 = from_integers(input1), from_integers(input2)
    axes = target.dim()
    if axes > 1 or input1.dim() != axes + 1 or input2.dim() != axes + 1:
        raise ValueError(
            f"{op}: shapes must be (N, D), (N, D), (N,) or (D,), (D,), (); "
            f"got {input1._shape}, {input2._shape}, {target._shape}"
        )
    _check.broadcast_shapes(op, input1._shape, input2._shape)
    kind = dtypes.promote_types(input1._dtype, input2._dtype)
    wide = dtypes.float32 if kind.is_half else kind
    a, b = cast(input1, wide), cast(input2, wide)
    lengths = mul(add(sum(mul(a, a), -1), _TINY), add(sum(mul(b, b), -1), _TINY))
    cosine = div(sum(mul(a, b), -1), sqrt(lengths))
    shape = _check.broadcast_shapes(op, cosine._shape, target._shape)
    x, t = broadcast_to(cosine, shape), broadcast_to(cast(target.detach(), wide), shape)
    return cast(reduced(COSINE, x, t, reduction, low), kind)


def _triplets(op: str, swap: bool, margin: float, reduction: str, distances: tuple) -> Tensor:
    """The loss of the distances anchor-positive, anchor-negative and, with `swap`, positive-negative."""
    near, far, *other = distances
    if swap:
        far = minimum(far, other[0])
    d = sub(far, near)
    return reduced(RANKING, d, broadcast_to(ones((), dtype=d._dtype, device=d.device), d._shape), reduction, margin)


def _check_triplet(op: str, anchor: Any, positive: Any, negative: Any) -> None:
    for name, x in (("anchor", anchor), ("positive", positive), ("negative", negative)):
        _check.numeric(op, _check.tensor(op, name, x))
    shapes = (anchor._shape, positive._shape, negative._shape)
    if len(set(map(len, shapes))) > 1:
        raise ValueError(
            f"{op}: `anchor`, `positive` and `negative` must have one number of axes; got {', '.join(map(str, shapes))}"
        )
    _check.broadcast_shapes(op, *shapes)


@takes_arrays
def triplet_margin_loss(
    anchor: Tensor,
    positive: Tensor,
    negative: Tensor,
    margin: float = 1.0,
    p: float = 2,
    eps: float = 1e-6,
    swap: bool = False,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    r"""How much nearer than the negative the positive fails to be, :math:`\max(0, m + d(a, p) - d(a, n))`.

    :math:`d(x, y) = \lVert x - y + \epsilon \rVert_p`; the derivative at distance 0 is chosen to be 0.

    Parameters
    ----------
    anchor, positive, negative : Tensor of shape (N, D) or (D,)
        Shapes that broadcast.
    margin : float
        m, above 0.
    p : float
        The order of the norm.
    eps : float
        Added to each component of a difference.
    swap : bool
        Take the smaller of :math:`d(a, n)` and :math:`d(p, n)`.
    reduction : {"mean", "sum", "none"}
    size_average, reduce : bool, optional
        Old spellings of `reduction`.

    Returns
    -------
    Tensor of shape () or, without reduction, (N,)

    Raises
    ------
    ValueError
        If the shapes do not fit, `margin` is not above 0 or `reduction` is unknown.
    TypeError
        If an input is no Tensor or array of floating-point numbers, or dtypes differ.

    References
    ----------
    Balntas et al., "Learning Local Feature Descriptors with Triplets and Shallow Convolutional Neural Networks", 2016.

    Examples
    --------
    >>> import nbnn
    >>> import nbnn.nn.functional as F
    >>> anchor, positive, negative = nbnn.zeros(1, 1), nbnn.ones(1, 1), nbnn.full((1, 1), 1.5)
    >>> F.triplet_margin_loss(anchor, positive, negative)
    tensor(0.5000)
    """
    op = "triplet_margin_loss"
    reduction = _check.reduction(op, reduction, size_average, reduce)
    low, order, shift = _check.number(op, "margin", margin), _check.number(op, "p", p), _check.number(op, "eps", eps)
    if not low > 0:
        raise ValueError(f"{op}: `margin` (={margin}) must be above 0")
    if order != order:
        raise ValueError(f"{op}: `p` (={p}) must be a number")
    swap = _check.flag(op, "swap", swap)
    _check_triplet(op, anchor, positive, negative)
    if not anchor._shape:
        raise ValueError(f"{op}: `anchor` must have at least 1 axis, (N, D) or (D,); got shape ()")
    anchor, positive, negative = promoted(op, anchor, positive, negative)
    kind = from_integers(anchor)._dtype
    a, b, c = (cast(x, dtypes.float32 if kind.is_half else kind) for x in (anchor, positive, negative))

    def distance(x: Tensor, y: Tensor) -> Tensor:
        return norm_along(op, add(sub(x, y), shift), order, (x.dim() - 1,), False)

    found = (distance(a, b), distance(a, c), *((distance(b, c),) if swap else ()))
    shape = _check.broadcast_shapes(op, *(d._shape for d in found))
    return cast(_triplets(op, swap, low, reduction, tuple(broadcast_to(d, shape) for d in found)), kind)


@takes_arrays
def triplet_margin_with_distance_loss(
    anchor: Tensor,
    positive: Tensor,
    negative: Tensor,
    *,
    distance_function: Callable[[Tensor, Tensor], Tensor] | None = None,
    margin: float = 1.0,
    swap: bool = False,
    reduction: str = "mean",
) -> Tensor:
    r"""`triplet_margin_loss` of any distance, :math:`\max(0, m + d(a, p) - d(a, n))`.

    Parameters
    ----------
    anchor, positive, negative : Tensor of shape (N, D)
        Or whatever `distance_function` takes.
    distance_function : callable, optional
        ``d(x, y)`` gives the distances, (N,); by default `pairwise_distance`.
    margin : float
        m, above 0.
    swap : bool
        Take the smaller of :math:`d(a, n)` and :math:`d(p, n)`.
    reduction : {"mean", "sum", "none"}

    Returns
    -------
    Tensor of shape () or, without reduction, of the shape of the distances

    Raises
    ------
    ValueError
        If the shapes do not fit, `margin` is not above 0 or `reduction` is unknown.
    TypeError
        If an input is no Tensor or array of floating-point numbers, or dtypes differ.

    Examples
    --------
    >>> import nbnn
    >>> import nbnn.nn.functional as F
    >>> anchor, positive, negative = nbnn.zeros(1, 1), nbnn.ones(1, 1), nbnn.full((1, 1), 1.5)
    >>> F.triplet_margin_with_distance_loss(anchor, positive, negative, distance_function=F.l1_loss)
    tensor(0.5000)
    """
    op = "triplet_margin_with_distance_loss"
    reduction = _check.reduction(op, reduction, old=False)
    low = _check.number(op, "margin", margin)
    if not low > 0:
        raise ValueError(f"{op}: `margin` (={margin}) must be above 0")
    if distance_function is not None and not callable(distance_function):
        raise TypeError(f"{op}: `distance_function` must be callable; got {type(distance_function).__name__}")
    _check_triplet(op, anchor, positive, negative)
    measure = pairwise_distance if distance_function is None else distance_function
    pairs = [(anchor, positive), (anchor, negative), *([(positive, negative)] if swap else [])]
    found = [_check.tensor(op, "distance_function", measure(x, y)) for x, y in pairs]
    shape = _check.broadcast_shapes(op, *(d._shape for d in found))
    return _triplets(op, swap, low, reduction, tuple(broadcast_to(d, shape) for d in found))
