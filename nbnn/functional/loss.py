"""Losses: nll_loss, cross_entropy, mse_loss."""

from __future__ import annotations

import math
import warnings
from typing import Any

import nbnn.device as _device
from nbnn import dtypes
from nbnn.autograd import Node
from nbnn.functional import _check
from nbnn.functional._rules import cross_entropy_rule
from nbnn.functional.activation import log_softmax
from nbnn.functional.array import add, cast, div, mean, mul, ne, neg, operands, sum
from nbnn.functional.shape import RESHAPE, broadcast_to
from nbnn.kernels import loss as K
from nbnn.op import Op, apply, takes_arrays
from nbnn.tensor import Tensor, flat, make

# -- negative log-likelihood ---------------------------------------------------------------------------------------
# params: classes, spatial, ignore_index

_SMALL = 4096  # elements of the input up to which the body is as fast as the path that spares divisions


def _nll_grad(node: Node, g: Tensor, _: Tensor) -> tuple:
    target, weight = node.saved
    return (apply(NLL_BACKWARD, g, target, weight, params=(*node.params, node.input_shapes[0])), None, None)


def _nll_backward_grad(node: Node, gg: Tensor) -> tuple:
    target, weight = node.saved
    return (apply(NLL, gg, target, weight, params=node.params[:3])[0], None, None)


def _nll_backward_forward(g: Tensor, target: Tensor, weight: Any, params: tuple) -> tuple[Tensor]:
    *geometry, shape = params
    n = math.prod(shape)
    out = make(_device.empty(n, g._dtype.storage, g.device), shape, g._dtype)
    ins = (flat(g), flat(target), None if weight is None else flat(weight))
    fast = K.nll_loss_backward_fast if n > _SMALL else None
    _device.launch(K.nll_loss_backward, (out._data,), ins, tuple(geometry), n, 1, fast)
    return (out,)


NLL = Op(
    "nll_loss",
    K.nll_loss,
    shape=lambda params, x, target, weight: (target, target),
    dtypes=(None, None),
    saves_inputs=(1, 2),
    grad=_nll_grad,
)
NLL_BACKWARD = Op("nll_loss_backward", forward=_nll_backward_forward, saves_inputs=(1, 2), grad=_nll_backward_grad)


def _class_targets(op: str, input: Tensor, target: Tensor, weight: Tensor | None, ignore_index: int) -> tuple:
    """Checked class targets in int64, and the (N, C, S) in which `input` is seen."""
    _check.floating(op, "input", input)
    _check.tensor(op, "target", target)
    if weight is not None:
        _check.same_dtype(op, input=input, weight=weight)
    if target._dtype.is_floating_point or target._dtype is dtypes.bool_:
        raise TypeError(f"{op}: `target` must hold integers (class indices); got {target._dtype!r}")
    shape = input._shape
    weight_shape = None if weight is None else weight._shape
    refusal, n, c, s = cross_entropy_rule(shape, target._shape, weight_shape)
    wanted = () if len(shape) == 1 else shape[:1] + shape[2:]
    classes = shape[min(1, len(shape) - 1)] if shape else 0
    _check.rule(
        op,
        "cross_entropy",
        refusal,
        input=shape,
        target=target._shape,
        weight=weight_shape,
        wanted=wanted,
        classes=classes,
    )
    ignored = _check.integer(op, "ignore_index", ignore_index)
    index = cast(target, dtypes.int64)
    _check.indices(op, "target", index, c, ignored)
    return index, n, c, s, ignored


def _nll(op: str, logp: Tensor, target: Tensor, weight: Any, ignore_index: int) -> tuple[Tensor, Tensor, Tensor]:
    """The loss of each target, its weight (0 where ignored), and the checked targets."""
    index, n, c, s, ignored = _class_targets(op, logp, target, weight, ignore_index)
    x = apply(RESHAPE, logp, params=((n, c, s),))
    losses, weights = apply(NLL, x, index, weight, params=(c, s, ignored))
    return losses, weights.detach(), index


def _is_half(x: Any) -> bool:
    return isinstance(x, Tensor) and x._dtype.is_half


def _widened(op: str, input: Tensor, weight: Tensor | None) -> tuple[Tensor, Tensor | None]:
    """A half input and its weight in float32, in which the loss is computed."""
    _check.same_dtype(op, input=input, weight=weight)
    return cast(input, dtypes.float32), None if weight is None else cast(weight, dtypes.float32)


def _reduce(losses: Tensor, weights: Tensor, reduction: str) -> Tensor:
    if reduction == "none":
        return losses
    total = sum(losses)
    return total if reduction == "sum" else div(total, sum(weights))


@takes_arrays
def nll_loss(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: bool | None = None,
    ignore_index: int = -100,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    r"""Negative log-likelihood of class indices, :math:`l_n = -w_{t_n} x_{n, t_n}` for log-probabilities x.

    The mean is weighted: :math:`\sum_n l_n / \sum_n w_{t_n}` over the targets that are not ignored (NaN if all are).

    Parameters
    ----------
    input : Tensor of shape (N, C), (N, C, d1, ...) or (C,)
    target : Tensor of int64, of shape (N,), (N, d1, ...) or ()
        Class indices in [0, C).
    weight : Tensor of shape (C,), optional
    ignore_index : int
        Targets of this value count for nothing; it need not be in [0, C).
    reduction : {"mean", "sum", "none"}
    size_average, reduce : bool, optional
        Old spellings of `reduction`.

    Returns
    -------
    Tensor of shape () or, without reduction, of the shape of `target`

    Raises
    ------
    IndexError
        If a target is outside [0, C): names the position and the value.
    ValueError
        If shapes do not fit or `reduction` is unknown.
    TypeError
        If `target` holds no integers or `input` no floating-point numbers.

    Examples
    --------
    >>> import nbnn
    >>> import nbnn.nn.functional as F
    >>> F.nll_loss(nbnn.tensor([[-0.5, -1.0]]), nbnn.tensor([1]))
    tensor(1.)
    """
    reduction = _check.reduction("nll_loss", reduction, size_average, reduce)
    if _is_half(input):
        x, w = _widened("nll_loss", input, weight)
        return cast(nll_loss(x, target, w, ignore_index=ignore_index, reduction=reduction), input._dtype)
    losses, weights, _ = _nll("nll_loss", input, target, weight, ignore_index)
    return _reduce(losses, weights, reduction)


def _class_weights(weight: Tensor, ndim: int) -> Tensor:
    """Weights of shape (C,) that broadcast against (N, C, d1, ...) or (C,)."""
    return apply(RESHAPE, weight, params=((weight._shape[0], *(1,) * max(0, ndim - 2)),))


def _probability_loss(logp: Tensor, target: Tensor, weight: Any, smoothing: float, reduction: str) -> Tensor:
    """Targets that are probabilities: -sum_c w_c t_c logp_c, with t mixed with the uniform distribution."""
    axis = 0 if logp.dim() == 1 else 1
    classes = logp._shape[axis]
    if weight is not None and weight._shape != (classes,):
        raise ValueError(f"cross_entropy: `weight` must have shape (C,) = ({classes},); got {weight._shape}")
    if smoothing > 0:
        target = add(mul(target, 1.0 - smoothing), smoothing / max(classes, 1))
    terms = mul(target, logp)
    if weight is not None:
        terms = mul(terms, _class_weights(weight, logp.dim()))
    losses = neg(sum(terms, axis))
    if reduction == "none":
        return losses
    total = sum(losses)
    return total if reduction == "sum" else div(total, float(losses.numel()))


def _smooth_loss(logp: Tensor, index: Tensor, weight: Any, ignore_index: int) -> Tensor:
    """-sum_c w_c logp_c for each target that is not ignored, else 0."""
    axis = 0 if logp.dim() == 1 else 1
    terms = logp if weight is None else mul(logp, _class_weights(weight, logp.dim()))
    return neg(mul(sum(terms, axis), cast(ne(index, ignore_index), logp._dtype)))


@takes_arrays
def cross_entropy(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: bool | None = None,
    ignore_index: int = -100,
    reduce: bool | None = None,
    reduction: str = "mean",
    label_smoothing: float = 0.0,
) -> Tensor:
    r"""Cross entropy of unnormalised scores, :math:`l_n = -w_{t_n} \ln \mathrm{softmax}(x_n)_{t_n}`.

    With probabilities p as targets :math:`l_n = -\sum_c w_c p_{n,c} \ln \mathrm{softmax}(x_n)_c`. Label smoothing
    mixes the target with the uniform distribution: :math:`(1 - \epsilon) t + \epsilon / C`.

    Parameters
    ----------
    input : Tensor of shape (N, C), (N, C, d1, ...) or (C,)
    target : Tensor
        Class indices (integers) of shape (N,), (N, d1, ...) or (), or probabilities of the shape of `input`.
    weight : Tensor of shape (C,), optional
    ignore_index : int
        Class indices of this value count for nothing.
    reduction : {"mean", "sum", "none"}
        The mean over class indices is weighted by `weight`; that over probabilities is over N d1 ...
    label_smoothing : float
        In [0, 1].
    size_average, reduce : bool, optional
        Old spellings of `reduction`.

    Returns
    -------
    Tensor of shape () or, without reduction, of the shape of the class indices

    Raises
    ------
    IndexError
        If a target is outside [0, C): names the position and the value.
    ValueError
        If shapes do not fit, or `reduction` or `label_smoothing` is out of range.
    TypeError
        If `input` is not of a floating-point type.

    References
    ----------
    Szegedy et al., "Rethinking the Inception Architecture for Computer Vision", 2016 (label smoothing).

    Examples
    --------
    >>> import nbnn
    >>> import nbnn.nn.functional as F
    >>> F.cross_entropy(nbnn.tensor([[1.0, 2.0]]), nbnn.tensor([1]))
    tensor(0.3133)
    """
    op = "cross_entropy"
    reduction = _check.reduction(op, reduction, size_average, reduce)
    smoothing = _check.probability(op, "label_smoothing", label_smoothing)
    _check.floating(op, "input", input)
    _check.tensor(op, "target", target)
    if _is_half(input):
        if target._dtype.is_floating_point:
            _check.same_dtype(op, input=input, target=target)
            target = cast(target, dtypes.float32)
        x, w = _widened(op, input, weight)
        loss = cross_entropy(x, target, w, None, ignore_index, None, reduction, label_smoothing)
        return cast(loss, input._dtype)
    if not input._shape:
        raise ValueError(f"{op}: `input` must have at least 1 axis, (C,) or (N, C, ...); got shape ()")
    axis = 0 if input.dim() == 1 else 1
    if target._dtype.is_floating_point:
        _check.same_dtype(op, input=input, target=target, weight=weight)
        if target._shape != input._shape:
            raise ValueError(
                f"{op}: `target` of probabilities must have the shape of `input`; got input {input._shape}, "
                f"target {target._shape}"
            )
        return _probability_loss(log_softmax(input, axis), target, weight, smoothing, reduction)
    logp = log_softmax(input, axis)
    losses, weights, index = _nll(op, logp, target, weight, ignore_index)
    if smoothing == 0.0:
        return _reduce(losses, weights, reduction)
    smooth = _smooth_loss(logp, index, weight, ignore_index)
    share = smoothing / max(input._shape[axis], 1)  # without classes there are no targets either
    mixed = add(mul(losses, 1.0 - smoothing), mul(smooth, share))
    return _reduce(mixed, weights, reduction)


# -- mean squared error --------------------------------------------------------------------------------------------


def _mse_grad(node: Node, g: Tensor) -> tuple:
    by_a = apply(MSE_BACKWARD, g, *node.saved)
    return (by_a if node.needs[0] else None, neg(by_a) if node.needs[1] else None)


def _mse_backward_grad(node: Node, gg: Tensor) -> tuple:
    """For 2 (a - b) g: d/dg = 2 (a - b), d/da = 2 g, d/db = -2 g."""
    g, a, b = node.saved
    twice = mul(mul(gg, g), 2.0)
    return (apply(MSE_BACKWARD, gg, a, b), twice, neg(twice))


MSE = Op("mse_loss", K.mse, saves_inputs=(0, 1), grad=_mse_grad)
MSE_BACKWARD = Op("mse_loss_backward", K.mse_backward, saves_inputs=(0, 1, 2), grad=_mse_backward_grad)


@takes_arrays
def mse_loss(
    input: Tensor,
    target: Tensor,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    weight: Tensor | None = None,
) -> Tensor:
    r"""Squared error, :math:`l = (x - t)^2`, and its mean or sum.

    Parameters
    ----------
    input, target : Tensor of one shape
        Shapes that differ but broadcast are broadcast, with a warning.
    reduction : {"mean", "sum", "none"}
    weight : Tensor, optional
        Multiplies each squared error; the mean is then over the sum of the weights.
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
        If an input is no Tensor or array of floating-point numbers.

    Examples
    --------
    >>> import nbnn
    >>> import nbnn.nn.functional as F
    >>> F.mse_loss(nbnn.tensor([1.0, 2.0]), nbnn.tensor([0.0, 0.0]))
    tensor(2.5000)
    """
    op = "mse_loss"
    reduction = _check.reduction(op, reduction, size_average, reduce)
    _check.floating(op, "input", input)
    _check.tensor(op, "target", target)
    if input._shape != target._shape:
        _check.broadcast_shapes(op, input._shape, target._shape)
        warnings.warn(
            f"{op}: `target` has shape {target._shape} and `input` {input._shape}: they are broadcast, "
            "which is seldom meant; give both the same shape",
            UserWarning,
            stacklevel=3,
        )
    a, b = operands(op, input, target)
    losses = apply(MSE, a, b)
    if weight is not None:
        _check.same_dtype(op, input=input, weight=weight)
        if _check.broadcast_shapes(op, weight._shape, losses._shape) != losses._shape:
            raise ValueError(f"{op}: `weight` of shape {weight._shape} must broadcast to the losses' {losses._shape}")
        weights = broadcast_to(weight, losses._shape)
        losses = mul(losses, weights)
        if reduction == "mean":
            return div(sum(losses), sum(weights))
    return losses if reduction == "none" else sum(losses) if reduction == "sum" else mean(losses)
