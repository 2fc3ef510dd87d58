"""Losses that ask for a margin: between a score and 0, between two scores, between a class and the others."""

from __future__ import annotations

from typing import Any

from nbnn import dtypes
from nbnn.autograd import Node
from nbnn.functional import _check
from nbnn.functional._elementwise import from_integers, numbers
from nbnn.functional.activation import sigmoid
from nbnn.functional.array import cast, div, mean, mul, neg, ones, sub, sum
from nbnn.functional.elementwise_loss import as_input, make_loss, pair, reduced, spread
from nbnn.functional.probability_loss import LOGITS
from nbnn.functional.promotion import result_type
from nbnn.functional.shape import unsqueeze
from nbnn.kernels import elementwise_loss as E
from nbnn.kernels import margin_loss as K
from nbnn.op import Op, apply, takes_arrays
from nbnn.tensor import Tensor

# -- second derivatives ----------------------------------------------------------------------------------------------


def _straight(x: Tensor, t: Tensor, p: Any, a: float) -> tuple:
    return (None, None, None)


def _ranking(x: Tensor, t: Tensor, p: Any, a: float) -> tuple:
    return (None, neg(cast(sub(a, mul(t, x)).detach() >= 0, x._dtype)), None)


def _soft_margin(x: Tensor, t: Tensor, p: Any, a: float) -> tuple:
    z = mul(t, x)
    s = sigmoid(neg(z))
    bend = mul(s, sub(1.0, s))
    return (mul(mul(t, t), bend), sub(mul(z, bend), s), mul(mul(x, x), bend))


HINGE = make_loss("hinge_embedding_loss", E.HINGE, _straight)
RANKING = make_loss("margin_ranking_loss", E.RANKING, _ranking)
SOFT_MARGIN = make_loss("soft_margin_loss", E.SOFT_MARGIN, _soft_margin)
FAST = tuple(op for loss in (HINGE, RANKING, SOFT_MARGIN) for op in loss.ops)

# -- classes: an op of rows (N, C) for each loss, whose gradient is an op too ----------------------------------------
# params: p, margin, C (of several classes: C); of the gradients: ..., whether g is one for each row


def _classes(params: tuple, x: tuple, *_: Any) -> tuple:
    return (x[:-1],)


def _like_scores(params: tuple, g: Any, x: tuple, *_: Any) -> tuple:
    return (x,)


def _rows(params: tuple, g: Any, x: tuple, *_: Any) -> int:
    return x[0]


def _unit(g: Tensor) -> Tensor:
    return ones((1,), dtype=g._dtype, device=g.device)


def _multi_grad(node: Node, g: Tensor) -> tuple:
    return (apply(MULTI_BACKWARD, g, *node.saved, None, params=(*node.params, 1)), None, None)


def _multi_backward_grad(node: Node, gg: Tensor) -> tuple:
    """Linear in g; twice differentiable in x for p = 2, where the gradient by x is linear in gg."""
    g, x, target, weight, v = node.saved
    geometry = node.params[:-1]
    by_g = by_x = by_v = None
    if node.needs[0]:
        unit = apply(MULTI_BACKWARD, _unit(g), x, target, weight, v, params=(*geometry, 0))
        by_g = sum(mul(gg, unit), 1)
    if v is None and geometry[0] == 2 and node.needs[1]:
        by_x = apply(MULTI_BACKWARD, g, x, target, weight, gg, params=node.params)
    if v is not None and node.needs[4]:
        by_v = apply(MULTI_BACKWARD, g, x, target, weight, gg, params=node.params)
    return (by_g, by_x, None, None, by_v)


def _several_grad(node: Node, g: Tensor) -> tuple:
    return (apply(SEVERAL_BACKWARD, g, *node.saved, params=(*node.params, 1)), None)


def _several_backward_grad(node: Node, gg: Tensor) -> tuple:
    g, x, target = node.saved
    unit = apply(SEVERAL_BACKWARD, _unit(g), x, target, params=(*node.params[:-1], 0))
    return (sum(mul(gg, unit), 1), None, None)


MULTI = Op(
    "multi_margin_loss",
    K.multi_margin_loss,
    shape=_classes,
    work=lambda params, *_: params[2],
    saves_inputs=(0, 1, 2),
    grad=_multi_grad,
)
MULTI_BACKWARD = Op(
    "multi_margin_loss_backward",
    K.multi_margin_loss_backward,
    shape=_like_scores,
    count=_rows,
    work=lambda params, *_: params[2],
    saves_inputs=(0, 1, 2, 3, 4),
    grad=_multi_backward_grad,
)
SEVERAL = Op(
    "multilabel_margin_loss",
    K.multilabel_margin_loss,
    shape=_classes,
    work=lambda params, *_: params[0] ** 2,
    saves_inputs=(0, 1),
    grad=_several_grad,
)
SEVERAL_BACKWARD = Op(
    "multilabel_margin_loss_backward",
    K.multilabel_margin_loss_backward,
    shape=_like_scores,
    count=_rows,
    work=lambda params, *_: params[0] ** 2,
    saves_inputs=(0, 1, 2),
    grad=_several_backward_grad,
)


def _reduced(losses: Tensor, reduction: str, single: bool) -> Tensor:
    """The losses of rows, or their reduction; the one loss of a single row has no axis."""
    if reduction == "none":
        return losses.reshape(()) if single else losses
    return mean(losses) if reduction == "mean" else sum(losses)


def _scores(op: str, input: Any, target: Any) -> Tensor:
    """The scores as (N, C)."""
    _check.floating(op, "input", input)
    _check.index_dtype(op, "target", target, dtypes.int64)
    if input.dim() not in (1, 2) or input._shape[-1] == 0:
        raise ValueError(f"{op}: `input` must have shape (N, C) or (C,), with C above 0; got {input._shape}")
    return input if input.dim() == 2 else unsqueeze(input, 0)


# -- public ------------------------------------------------------------------------------------------------------------


@takes_arrays
def hinge_embedding_loss(
    input: Tensor,
    target: Tensor,
    margin: float = 1.0,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    r"""The distance x of a pair that belongs together (t = 1), :math:`\max(0, m - x)` of one that does not (t = -1).

    Parameters
    ----------
    input, target : Tensor of one shape
        Shapes that differ but broadcast are broadcast, with a warning. Targets are 1 or -1.
    margin : float
        m.
    reduction : {"mean", "sum", "none"}
    size_average, reduce : bool, optional
        Old spellings of `reduction`.

    Returns
    -------
    Tensor of shape () or, without reduction, of the broadcast shape

    Raises
    ------
    ValueError
        If the shapes do not broadcast or `reduction` is unknown.
    TypeError
        If `input` is no Tensor or array of floating-point numbers, or of integers without a mean.

    Examples
    --------
    >>> import nbnn
    >>> import nbnn.nn.functional as F
    >>> F.hinge_embedding_loss(nbnn.tensor([0.25, 0.25]), nbnn.tensor([1, -1]), reduction="none")
    tensor([0.2500, 0.7500])
    """
    op = "hinge_embedding_loss"
    reduction = _check.reduction(op, reduction, size_average, reduce)
    if reduction != "mean" and isinstance(input, Tensor) and not input._dtype.is_differentiable:
        wide = cast(_check.tensor(op, "target", target), dtypes.float64)
        losses: Any = numbers(op, input, lambda x: hinge_embedding_loss(x, wide, margin, reduction="none"))
        return losses if reduction == "none" else sum(losses)
    x, t = pair(op, input, as_input(op, input, target), True)
    return reduced(HINGE, x, t.detach(), reduction, _check.number(op, "margin", margin))


@takes_arrays
def margin_ranking_loss(
    input1: Tensor,
    input2: Tensor,
    target: Tensor,
    margin: float = 0,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    r"""How far two scores are from the order asked for, :math:`\max(0, m - t (x_1 - x_2))`.

    Parameters
    ----------
    input1, input2, target : Tensor of one shape
        With t = 1 the first should be larger, with t = -1 the second. Shapes that differ but broadcast are broadcast,
        with a warning.
    margin : float
        m.
    reduction : {"mean", "sum", "none"}
    size_average, reduce : bool, optional
        Old spellings of `reduction`.

    Returns
    -------
    Tensor of shape () or, without reduction, of the broadcast shape

    Raises
    ------
    ValueError
        If the shapes have different numbers of axes or do not broadcast, or `reduction` is unknown.
    TypeError
        If an input is no Tensor or array of floating-point numbers.

    Examples
    --------
    >>> import nbnn
    >>> import nbnn.nn.functional as F
    >>> F.margin_ranking_loss(nbnn.tensor([1.0, 2.0]), nbnn.tensor([3.0, 0.0]), nbnn.tensor([1.0, 1.0]))
    tensor(1.)
    """
    op = "margin_ranking_loss"
    reduction = _check.reduction(op, reduction, size_average, reduce)
    low = _check.number(op, "margin", margin)
    shapes = tuple(
        _check.tensor(op, name, t)._shape for name, t in (("input1", input1), ("input2", input2), ("target", target))
    )
    if len(set(map(len, shapes))) > 1:
        raise ValueError(f"{op}: the inputs must have one number of axes; got {', '.join(map(str, shapes))}")
    _check.broadcast_shapes(op, *shapes)
    for t in (input1, input2, target):
        _check.numeric(op, t)
    if not any(t.is_floating_point() for t in (input1, input2, target)):
        target = from_integers(target)
    if input1.is_floating_point() or input2.is_floating_point():
        input1, input2 = pair(op, input1, input2, True, ("input1", "input2"))
    d, t = pair(op, sub(input1, input2), target, True, ("input1 - input2", "target"))
    return reduced(RANKING, d, t, reduction, low)


@takes_arrays
def soft_margin_loss(
    input: Tensor,
    target: Tensor,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    r"""The logistic loss, :math:`\ln(1 + e^{-t x})`, of scores against targets of 1 or -1.

    Parameters
    ----------
    input, target : Tensor of one shape
        Shapes that differ but broadcast are broadcast, with a warning.
    reduction : {"mean", "sum", "none"}
    size_average, reduce : bool, optional
        Old spellings of `reduction`.

    Returns
    -------
    Tensor of shape () or, without reduction, of the broadcast shape

    Raises
    ------
    ValueError
        If the shapes do not broadcast or `reduction` is unknown.
    TypeError
        If `input` is no Tensor or array of floating-point numbers.

    Examples
    --------
    >>> import nbnn
    >>> import nbnn.nn.functional as F
    >>> F.soft_margin_loss(nbnn.tensor([0.0, 2.0]), nbnn.tensor([1.0, -1.0]), reduction="none")
    tensor([0.6931, 2.1269])
    """
    op = "soft_margin_loss"
    reduction = _check.reduction(op, reduction, size_average, reduce)
    t = as_input(op, input, target)
    if _check.broadcast_shapes(op, input._shape, t._shape) != input._shape:
        raise ValueError(f"{op}: `target` must broadcast to the shape of `input`; got {target._shape}, {input._shape}")
    x, t = pair(op, input, t, True)
    return reduced(SOFT_MARGIN, x, t, reduction)


@takes_arrays
def multi_margin_loss(
    input: Tensor,
    target: Tensor,
    p: int = 1,
    margin: float = 1.0,
    weight: Tensor | None = None,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    r"""The hinge loss of classes, :math:`w_t \sum_{c \ne t} \max(0, m - x_t + x_c)^p / C`.

    Parameters
    ----------
    input : Tensor of shape (N, C) or (C,)
        Scores.
    target : Tensor of integers, of shape (N,) or ()
        Classes in [0, C).
    p : 1 or 2
    margin : float
        m.
    weight : Tensor of shape (C,), optional
        w; the mean is over N all the same.
    reduction : {"mean", "sum", "none"}
    size_average, reduce : bool, optional
        Old spellings of `reduction`.

    Returns
    -------
    Tensor of shape () or, without reduction, of the shape of `target`

    Raises
    ------
    ValueError
        If shapes do not fit, `p` is neither 1 nor 2, or `reduction` is unknown.
    IndexError
        If a target is outside [0, C): names the position and the value.
    TypeError
        If `target` holds no integers or `input` no floating-point numbers.

    References
    ----------
    Crammer and Singer, "On the Algorithmic Implementation of Multiclass Kernel-based Vector Machines", 2001.

    Examples
    --------
    >>> import nbnn
    >>> import nbnn.nn.functional as F
    >>> F.multi_margin_loss(nbnn.tensor([[0.5, 1.0, 0.0, 0.0]]), nbnn.tensor([1]))
    tensor(0.1250)
    """
    op = "multi_margin_loss"
    reduction = _check.reduction(op, reduction, size_average, reduce)
    low = _check.number(op, "margin", margin)
    if isinstance(p, bool) or p not in (1, 2):
        raise ValueError(f"{op}: `p` (={p!r}) must be 1 or 2")
    x = _scores(op, input, target)
    n, c = x._shape
    if target._shape not in (((), (1,)) if n == 1 else (input._shape[:-1],)):
        raise ValueError(f"{op}: `target` must have shape {input._shape[:-1]}, one class a row; got {target._shape}")
    if weight is not None:
        _check.same_dtype(op, input=input, weight=weight)
        if weight._shape != (c,):
            raise ValueError(f"{op}: `weight` must have shape (C,) = ({c},); got {weight._shape}")
        weight = weight.detach()
    index = cast(target, dtypes.int64)
    index = _check.indices(op, "target", index, c)
    losses = apply(MULTI, x, index.reshape(n), weight, params=(int(p), low, c))
    return _reduced(losses, reduction, not target._shape)


@takes_arrays
def multilabel_margin_loss(
    input: Tensor,
    target: Tensor,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    r"""The hinge loss of each class of a row against each other one, :math:`\sum_{t, c} \max(0, 1 - x_t + x_c) / C`.

    Parameters
    ----------
    input : Tensor of shape (N, C) or (C,)
        Scores.
    target : Tensor of integers, of that shape
        The classes of each row, which end with its first -1.
    reduction : {"mean", "sum", "none"}
    size_average, reduce : bool, optional
        Old spellings of `reduction`.

    Returns
    -------
    Tensor of shape () or, without reduction, (N,) or ()

    Raises
    ------
    ValueError
        If shapes do not fit or `reduction` is unknown.
    IndexError
        If a target is neither -1 nor in [0, C): names the position and the value.
    TypeError
        If `target` holds no integers or `input` no floating-point numbers.

    Examples
    --------
    >>> import nbnn
    >>> import nbnn.nn.functional as F
    >>> F.multilabel_margin_loss(nbnn.tensor([[0.1, 0.2, 0.4, 0.8]]), nbnn.tensor([[3, 0, -1, 1]]))
    tensor(0.8500)
    """
    op = "multilabel_margin_loss"
    reduction = _check.reduction(op, reduction, size_average, reduce)
    x = _scores(op, input, target)
    if target._shape != input._shape:
        raise ValueError(
            f"{op}: `target` must have the shape of `input`; got input {input._shape}, target {target._shape}"
        )
    c = x._shape[1]
    index = cast(target, dtypes.int64)
    index = _check.indices(op, "target", index, c, -1)
    losses = apply(SEVERAL, x, index.reshape(x._shape), params=(c,))
    return _reduced(losses, reduction, input.dim() == 1)


@takes_arrays
def multilabel_soft_margin_loss(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    r"""The mean over C classes of :math:`-w_c (t_c \ln \sigma(x_c) + (1 - t_c) \ln(1 - \sigma(x_c)))`.

    Parameters
    ----------
    input : Tensor of shape (\*, C)
        Scores.
    target : Tensor of that shape
        Mostly 0 or 1. Shapes that differ but broadcast are broadcast, with a warning.
    weight : Tensor, optional
        w; it broadcasts to the shape of `input`.
    reduction : {"mean", "sum", "none"}
    size_average, reduce : bool, optional
        Old spellings of `reduction`.

    Returns
    -------
    Tensor of shape () or, without reduction, (\*,)

    Raises
    ------
    ValueError
        If shapes do not fit or `reduction` is unknown.
    TypeError
        If `input` is no Tensor or array of floating-point numbers.

    Examples
    --------
    >>> import nbnn
    >>> import nbnn.nn.functional as F
    >>> F.multilabel_soft_margin_loss(nbnn.tensor([[0.0, 2.0]]), nbnn.tensor([[1.0, 1.0]]))
    tensor(0.4100)
    """
    op = "multilabel_soft_margin_loss"
    reduction = _check.reduction(op, reduction, size_average, reduce, old=False)
    _check.floating(op, "input", input)
    _check.numeric(op, _check.tensor(op, "target", target))
    if not input._shape:
        raise ValueError(f"{op}: `input` must have at least 1 axis, (*, C); got shape ()")
    x, t = pair(op, input, target, True)
    if weight is not None:
        kind = result_type(x, _check.tensor(op, "weight", weight))
        x, t = cast(x, kind), cast(t, kind)
    losses = reduced(LOGITS, x, t, "none", 0.0, spread(op, "weight", weight, x))
    return _reduced(div(sum(losses, input.dim() - 1), input._shape[-1]), reduction, False)
