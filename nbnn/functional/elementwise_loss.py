"""Losses of numbers against numbers: squared, absolute and Huber's; those of probabilities build on it."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from typing import Any, NamedTuple

import nbnn.device as _device
from nbnn import dtypes
from nbnn.autograd import Node
from nbnn.functional import _check
from nbnn.functional.array import cast, div, le, lt, mean, mul, neg, operands, sub, sum
from nbnn.functional.rounding import abs as absolute
from nbnn.functional.shape import broadcast_to
from nbnn.kernels import elementwise_loss as K
from nbnn.op import Op, apply, takes_arrays
from nbnn.tensor import Tensor, flat, make

# Inputs of every op here: input, target, weight of each loss or None, weight of positive targets or None.
# params: the loss's own number, whether losses are summed, what the sum is divided by.


class _Loss(NamedTuple):
    """One loss: the recorded op, and what runs its kernels."""

    name: str
    op: Op
    values: Op
    total: Op
    ops: tuple  # those with a measured path


def _storages(tensors: tuple) -> tuple:
    return tuple(None if t is None else flat(t) for t in tensors)


def make_loss(name: str, kernels: K.Loss, second: Callable) -> _Loss:
    """The ops of a loss; ``second(x, t, p, a)`` gives f_xx, f_xt and f_tt as Tensors or numbers (None: 0)."""
    by_input = _slope_op(f"{name}_backward", kernels.by_input, second, 0)
    by_target = None if kernels.by_target is None else _slope_op(f"{name}_backward", kernels.by_target, second, 1)

    def grad(node: Node, g: Tensor) -> tuple:
        a, summed, divisor = node.params
        params = (a, int(not summed), 1.0 / divisor if divisor else math.nan)
        need_x, need_t = node.needs[:2]
        by_x = by_t = None
        if need_x or (need_t and by_target is None):
            by_x = apply(by_input, g, *node.saved, params=params)
        if need_t:
            by_t = neg(by_x) if by_target is None else apply(by_target, g, *node.saved, params=params)
        return (by_x if need_x else None, by_t, None, None)

    def forward(x: Tensor, t: Tensor, w: Any, p: Any, params: tuple) -> tuple[Tensor]:
        return (_run(loss, x, (x, t, w, p), *params),)

    op = Op(name, forward=forward, saves_inputs=(0, 1, 2, 3), grad=grad)
    total = Op(name, kernels.lanes, fast=kernels.total)
    slopes = (by_input,) if by_target is None else (by_input, by_target)
    loss = _Loss(name, op, Op(name, kernels.values, work=_work), total, (total, *slopes))
    return loss


def _work(*_: Any) -> int:
    return 8


def _run(loss: _Loss, x: Tensor, inputs: tuple, a: float, summed: bool, divisor: float) -> Tensor:
    ins = _storages(inputs)
    n = ins[0].size
    kind, where = x._dtype, x.device
    if not summed:
        out = make(_device.empty(n, kind.storage, where), x._shape, kind)
        _device.launch(loss.values.kernel, (out._data,), ins, (a,), n, 8)
        return out
    if n == 0:
        return make(_device.full(1, kind.storage, where, 0.0 if divisor else math.nan), (), kind)
    lanes = _device.empty(-(-n // K.BLOCK) * K.LANES, kind.storage, where)
    out = make(_device.empty(1, kind.storage, where), (), kind)
    if _device.launch_fast(loss.total.fast, (out._data, lanes), ins, (a, divisor), n * 8):
        return out
    _device.launch(loss.total.kernel, (lanes,), ins, (a,), lanes.size, 8 + 8 * min(n, K.BLOCK) // K.LANES)
    return div(sum(make(lanes, (lanes.size,), kind)), divisor)


def _slope_op(name: str, kernels: K.Slope, second: Callable, which: int) -> Op:
    """The gradient by the input (0) or the target (1) as an op: inputs g, x, t, w, p; params a, step, scale."""

    def grad(node: Node, gg: Tensor) -> tuple:
        g, x, t, w, p = node.saved
        a, step, scale = node.params
        along = None
        if node.needs[0]:
            along = apply(op, gg, x, t, w, p, params=(a, 1, scale))
            along = along if step else sum(along)
        factor = mul(mul(gg, g), scale)
        factor = factor if w is None else mul(factor, w)
        found = []
        for curvature, needed in zip(second(x, t, p, a)[which : which + 2], node.needs[1:3], strict=True):
            found.append(mul(factor, curvature) if needed and curvature is not None else None)
        return (along, *found, None, None)

    op = Op(
        name,
        kernels.kernel,
        shape=lambda params, g, x, *_: (x,),
        work=_work,
        fast=kernels.fast,
        saves_inputs=(0, 1, 2, 3, 4),
        grad=grad,
    )
    return op


# -- second derivatives, made of ops so that they can be differentiated again ---------------------------------------


def _none(x: Tensor, t: Tensor, p: Any, a: float) -> tuple:
    return (None, None, None)


def _squared(x: Tensor, t: Tensor, p: Any, a: float) -> tuple:
    return (2.0, -2.0, None)


def _inside(x: Tensor, t: Tensor, a: float, compare: Callable, height: float) -> tuple:
    """`height` where |x - t| is below a, else 0."""
    d = sub(x.detach(), t.detach())
    inner = mul(cast(compare(mul(d, d), a * a), x._dtype), height)
    return (inner, neg(inner), None)


def _smooth(x: Tensor, t: Tensor, p: Any, a: float) -> tuple:
    return _inside(x, t, a, lt, 1.0 / a if a > 0 else 0.0)


def _huber(x: Tensor, t: Tensor, p: Any, a: float) -> tuple:
    return _inside(x, t, a, le, 1.0)


MSE = make_loss("mse_loss", K.MSE, _squared)
L1 = make_loss("l1_loss", K.L1, _none)
SMOOTH_L1 = make_loss("smooth_l1_loss", K.SMOOTH_L1, _smooth)
HUBER = make_loss("huber_loss", K.HUBER, _huber)

# The measured paths, where the tests find them.
FAST = tuple(op for loss in (MSE, L1, SMOOTH_L1, HUBER) for op in loss.ops)

# -- what all of them check ----------------------------------------------------------------------------------------


def pair(
    op: str, input: Any, target: Any, warn: bool, names: tuple[str, str] = ("input", "target")
) -> tuple[Tensor, Tensor]:
    """Input and target of one type and shape; shapes that broadcast are broadcast, with a warning.

    One of the two may hold integers.
    """
    first, second = names
    _check.real(op, first, input)
    _check.real(op, second, target)
    if not target._dtype.is_floating_point:
        _check.floating(op, first, input)
    if input._shape != target._shape:
        _check.broadcast_shapes(op, input._shape, target._shape)
        if warn:
            warnings.warn(
                f"{op}: `{second}` has shape {target._shape} and `{first}` {input._shape}: they are broadcast, "
                "which is seldom meant; give both the same shape",
                UserWarning,
                stacklevel=4,
            )
    elif input._dtype is target._dtype:
        return input, target
    input, target = operands(op, input, target)
    return input, target


def as_input(op: str, input: Any, target: Any) -> Tensor:
    """The target in the type of the input, which is then that of the result."""
    _check.floating(op, "input", input)
    return cast(_check.tensor(op, "target", target), input._dtype)


def spread(op: str, name: str, weight: Any, x: Tensor) -> Tensor | None:
    """A weight as a constant of the losses' type and shape."""
    if weight is None:
        return None
    weight = cast(_check.real(op, name, weight), x._dtype)
    shape = weight._shape
    if _check.broadcast_shapes(op, shape, x._shape) != x._shape:
        raise ValueError(f"{op}: `{name}` of shape {shape} must broadcast to the losses' {x._shape}")
    weight = weight.detach()
    return weight if shape == x._shape else broadcast_to(weight, x._shape)


def reduced(
    loss: _Loss, x: Tensor, t: Tensor, reduction: str, a: float = 0.0, w: Any = None, p: Any = None, count: Any = None
) -> Tensor:
    """The losses or their reduction; `count` is what the mean divides by instead of the number of elements."""
    if x._dtype.is_half:
        x32, t32 = cast(x, dtypes.float32), cast(t, dtypes.float32)
        w, p = (None if v is None else cast(v, dtypes.float32) for v in (w, p))
        return cast(reduced(loss, x32, t32, reduction, a, w, p, count), x._dtype)
    divisor = 1.0
    if reduction == "mean":
        divisor = float(x.numel()) if count is None else count
    return apply(loss.op, x, t, w, p, params=(a, reduction != "none", divisor))


def _weighted(loss: _Loss, shape: tuple, x: Tensor, t: Tensor, reduction: str, a: float, weight: Any) -> Tensor:
    """`reduced` with a weight of each loss, of the input's shape, that is differentiated too."""
    if weight is None:
        return reduced(loss, x, t, reduction, a)
    if _check.tensor(loss.name, "weight", weight)._shape != shape:
        raise ValueError(f"{loss.name}: `weight` must have the shape of `input`, {shape}; got {weight._shape}")
    losses = mul(reduced(loss, x, t, "none", a), weight)
    if reduction == "none":
        return losses
    if reduction == "sum":
        return sum(losses)
    return mean(losses) if loss is HUBER else div(sum(losses), sum(weight))


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
        Multiplies each squared error, of the shape of `input`; the mean is then over the sum of the weights.
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
    reduction = _check.reduction(op, reduction, size_average, reduce, weight is None)
    x, t = pair(op, input, target, True)
    return _weighted(MSE, input._shape, x, t, reduction, 0.0, weight)


@takes_arrays
def l1_loss(
    input: Tensor,
    target: Tensor,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    weight: Tensor | None = None,
) -> Tensor:
    r"""Absolute error, :math:`l = |x - t|`, and its mean or sum. The derivative at 0 is chosen to be 0.

    Parameters
    ----------
    input, target : Tensor of one shape
        Shapes that differ but broadcast are broadcast, with a warning.
    reduction : {"mean", "sum", "none"}
    weight : Tensor, optional
        Multiplies each error, of the shape of `input`; the mean is then over the sum of the weights.
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
    >>> F.l1_loss(nbnn.tensor([1.0, 2.0]), nbnn.tensor([0.0, 0.0]))
    tensor(1.5000)
    """
    op = "l1_loss"
    reduction = _check.reduction(op, reduction, size_average, reduce, weight is None)
    for name, value in (("input", input), ("target", target)):
        _check.numeric(op, _check.tensor(op, name, value))
    if reduction != "mean" and weight is None and not (input.is_floating_point() or target.is_floating_point()):
        whole = absolute(sub(input, target))
        return whole if reduction == "none" else sum(whole)
    x, t = pair(op, input, target, True)
    return _weighted(L1, input._shape, x, t, reduction, 0.0, weight)


@takes_arrays
def smooth_l1_loss(
    input: Tensor,
    target: Tensor,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    beta: float = 1.0,
) -> Tensor:
    r"""Squared error near 0 and absolute error beyond, :math:`l = (x - t)^2 / (2 \beta)` if :math:`|x - t| < \beta`.

    Elsewhere :math:`l = |x - t| - \beta / 2`; with :math:`\beta = 0` it is `l1_loss`.

    Parameters
    ----------
    input, target : Tensor of one shape
        Shapes that differ but broadcast are broadcast, with a warning.
    reduction : {"mean", "sum", "none"}
    beta : float
        Where the two forms meet, at least 0.
    size_average, reduce : bool, optional
        Old spellings of `reduction`.

    Returns
    -------
    Tensor of shape () or, without reduction, of the broadcast shape

    Raises
    ------
    ValueError
        If the shapes do not broadcast, `beta` is negative or `reduction` is unknown.
    TypeError
        If an input is no Tensor or array of floating-point numbers.

    References
    ----------
    Girshick, "Fast R-CNN", 2015.

    Examples
    --------
    >>> import nbnn
    >>> import nbnn.nn.functional as F
    >>> F.smooth_l1_loss(nbnn.tensor([0.5, 3.0]), nbnn.tensor([0.0, 0.0]), reduction="none")
    tensor([0.1250, 2.5000])
    """
    op = "smooth_l1_loss"
    reduction = _check.reduction(op, reduction, size_average, reduce)
    width = _check.number(op, "beta", beta)
    if not width >= 0.0:
        raise ValueError(f"{op}: `beta` (={beta}) must be at least 0")
    x, t = pair(op, input, target, True)
    return reduced(SMOOTH_L1, x, t, reduction, width)


@takes_arrays
def huber_loss(
    input: Tensor,
    target: Tensor,
    reduction: str = "mean",
    delta: float = 1.0,
    weight: Tensor | None = None,
) -> Tensor:
    r"""Huber loss, :math:`l = (x - t)^2 / 2` if :math:`|x - t| \le \delta`, else :math:`\delta (|x - t| - \delta / 2)`.

    Parameters
    ----------
    input, target : Tensor of one shape
        Shapes that differ but broadcast are broadcast, with a warning.
    reduction : {"mean", "sum", "none"}
    delta : float
        Where the two forms meet, above 0.
    weight : Tensor, optional
        Multiplies each loss, of the shape of `input`; the mean is over their number all the same.

    Returns
    -------
    Tensor of shape () or, without reduction, of the broadcast shape

    Raises
    ------
    ValueError
        If the shapes do not broadcast, `delta` is not above 0 or `reduction` is unknown.
    TypeError
        If an input is no Tensor or array of floating-point numbers.

    References
    ----------
    Huber, "Robust Estimation of a Location Parameter", 1964.

    Examples
    --------
    >>> import nbnn
    >>> import nbnn.nn.functional as F
    >>> F.huber_loss(nbnn.tensor([0.5, 3.0]), nbnn.tensor([0.0, 0.0]), reduction="none", delta=2.0)
    tensor([0.1250, 4.0000])
    """
    op = "huber_loss"
    reduction = _check.reduction(op, reduction, old=weight is None)
    width = _check.number(op, "delta", delta)
    if not width > 0.0:
        raise ValueError(f"{op}: `delta` (={delta}) must be above 0")
    x, t = pair(op, input, as_input(op, input, target), True)
    return _weighted(HUBER, input._shape, x, t, reduction, width, weight)
