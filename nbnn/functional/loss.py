"""Losses of classes: nll_loss and cross_entropy. Those of numbers stand in `elementwise_loss`."""

from __future__ import annotations

import math
from typing import Any

import nbnn.device as _device
from nbnn import dtypes
from nbnn.autograd import Node
from nbnn.functional import _check
from nbnn.functional._rules import cross_entropy_rule
from nbnn.functional.array import cast, div, eq, mul, neg, sub, sum
from nbnn.functional.promotion import result_type
from nbnn.functional.shape import RESHAPE
from nbnn.functional.softmax import LOG_SOFTMAX, LOG_SOFTMAX_BACKWARD, SOFTMAX, SOFTMAX_BACKWARD
from nbnn.functional.statistics import all as every
from nbnn.kernels import loss as K
from nbnn.op import Launch, Op, apply, takes_arrays
from nbnn.tensor import Tensor, flat, make

_REDUCTION = {"none": K.NONE, "sum": K.SUM, "mean": K.MEAN}

# The kernels, and the measured paths beside them; the recorded ops below run them.
_NLL, _NLL_BACKWARD = (
    Op("nll_loss", K.nll_loss, fast=K.nll_loss_fast),
    Op("nll_loss_backward", K.nll_loss_backward, fast=K.nll_loss_backward_fast),
)
_HARD, _HARD_BACKWARD = (
    Op("cross_entropy", K.cross_entropy, fast=K.cross_entropy_fast),
    Op("cross_entropy_backward", K.cross_entropy_backward, fast=K.cross_entropy_backward_fast),
)
_SOFT = Op("cross_entropy", K.soft_cross_entropy, fast=K.soft_cross_entropy_fast)


def _reshaped(t: Tensor, shape: tuple) -> Tensor:
    return t if t._shape == shape else apply(RESHAPE, t, params=(shape,))


def _empty_like(t: Tensor, shape: tuple) -> Tensor:
    return make(_device.empty(math.prod(shape), t._dtype.storage, t.device), shape, t._dtype)


def _without_rows(x: Tensor, shape: tuple, reduction: int, divisor: float) -> tuple[Tensor]:
    """The loss where there are no scores: zeros, their sum, or their mean."""
    value = math.nan if reduction == K.MEAN and divisor == 0 else 0.0
    shape = shape if reduction == K.NONE else ()
    return (make(_device.full(math.prod(shape), x._dtype.storage, x.device, value), shape, x._dtype),)


def _launch(op: Op, rows: int, stats: int, params: tuple, work: int, scratch: int = 0) -> Launch | None:
    """The measured path of a loss that is reduced: the loss and, hidden, the losses and the statistics."""
    if op.fast is None or params[-1] == K.NONE:
        return None
    return Launch(op.fast, ((), (rows,), (stats,)), params, rows * work, scratch)


def _run(op: Op, x: Tensor, ins: tuple, stats: Any, shape: tuple, params: tuple, scratch: int, work: int) -> Tensor:
    """Launch the kernel of a loss and reduce the losses; the reduction stands last in `params`."""
    reduction = params[-1]
    rows = math.prod(shape)
    losses = _device.empty(rows, x._dtype.storage, x.device)
    if reduction == K.NONE:
        out = make(losses, shape, x._dtype)
    else:
        out = make(_device.empty(1, x._dtype.storage, x.device), (), x._dtype)
    if not _device.launch_fast(op.fast, (out._data, losses, stats), ins, params, rows * work, scratch):
        _device.launch(op.kernel, (losses, stats), ins, params[:-1], rows, work)
        at = stats.size - 1 - rows
        _device.launch(K.reduce_losses, (out._data, stats), (losses,), (rows, at, reduction), 1)
    return out


# -- negative log-likelihood ---------------------------------------------------------------------------------------
# params: classes, spatial, ignore_index, reduction; `stats` holds the weights of the targets and their sum


def _nll_plan(params: tuple, x: Any, target: tuple, weight: Any) -> Launch | None:
    rows = math.prod(target)
    return _launch(_NLL, rows, rows + 1, params, 1)


def _nll_forward(x: Tensor, target: Tensor, weight: Any, params: tuple) -> tuple:
    stats = _stats(x, target.numel() + 1)
    if x.numel() == 0:
        return (*_without_rows(x, target._shape, params[-1], 0), stats, stats)
    ins = (flat(x), flat(target), None if weight is None else flat(weight))
    return (_run(_NLL, x, ins, stats._data, target._shape, params, 0, 1), stats, stats)


def _nll_grad(node: Node, g: Tensor) -> tuple:
    target, weight, stats = node.saved
    *geometry, reduction = node.params
    divisor = stats[-1:] if reduction == K.MEAN else None
    params = (*geometry, int(reduction == K.NONE), node.input_shapes[0])
    return (apply(NLL_BACKWARD, g, target, weight, divisor, params=params), None, None)


def _nll_backward_forward(g: Tensor, target: Tensor, weight: Any, divisor: Any, params: tuple) -> tuple[Tensor]:
    *geometry, shape = params
    out = _empty_like(g, shape)
    n = out._data.size
    ins = (flat(g), flat(target), *(None if t is None else flat(t) for t in (weight, divisor)))
    _device.launch(K.nll_loss_backward, (out._data,), ins, tuple(geometry), n, 1, _NLL_BACKWARD.fast)
    return (out,)


def _nll_backward_grad(node: Node, gg: Tensor) -> tuple:
    target, weight, divisor = node.saved
    *geometry, step, _ = node.params
    reduction = K.NONE if step else K.SUM
    by_g = apply(NLL, gg, target, weight, params=(*geometry, reduction))
    return (by_g if divisor is None else div(by_g, _reshaped(divisor, ())), None, None, None)


NLL = Op(
    "nll_loss", forward=_nll_forward, plan=_nll_plan, hidden=2, saves_inputs=(1, 2), saves_outputs=(2,), grad=_nll_grad
)
NLL_BACKWARD = Op("nll_loss_backward", forward=_nll_backward_forward, saves_inputs=(1, 2, 3), grad=_nll_backward_grad)

# -- cross entropy with class indices ------------------------------------------------------------------------------
# params: classes, spatial, ignore_index, smoothing, reduction; of the gradient: ..., whether g is one for each target,
# whether it is that of the mean


def _hard_plan(params: tuple, x: Any, target: tuple, weight: Any) -> Launch | None:
    rows, (c, s) = math.prod(target), params[:2]
    return _launch(_HARD, rows, 4 * rows + 1, params, 16 * c, K.row_scratch(rows, c, s))


def _hard_forward(x: Tensor, target: Tensor, weight: Any, params: tuple) -> tuple:
    stats = _stats(x, 4 * target.numel() + 1)
    if x.numel() == 0:
        return (*_without_rows(x, target._shape, params[-1], 0), stats, stats)
    c, s = params[:2]
    ins = (flat(x), flat(target), None if weight is None else flat(weight))
    rows = math.prod(target._shape)
    loss = _run(_HARD, x, ins, stats._data, target._shape, params, K.row_scratch(rows, c, s), 16 * c)
    return (loss, stats, stats)


def _hard_grad(node: Node, g: Tensor) -> tuple:
    *geometry, reduction = node.params
    params = (*geometry, int(reduction == K.NONE), reduction == K.MEAN)
    return (apply(HARD_BACKWARD, g, *node.saved, params=params), None, None)


def _hard_backward_plan(params: tuple, g: Any, x: tuple, target: tuple, weight: Any, stats: Any) -> Launch | None:
    if _HARD_BACKWARD.fast is None:
        return None
    scratch = K.strip_scratch(math.prod(target), params[0], params[1])
    return Launch(_HARD_BACKWARD.fast, (x,), params, 8 * math.prod(x), scratch)


def _hard_backward_forward(
    g: Tensor, x: Tensor, target: Tensor, weight: Any, stats: Tensor, params: tuple
) -> tuple[Tensor]:
    out = _empty_like(x, x._shape)
    ins = (flat(g), flat(x), flat(target), None if weight is None else flat(weight), flat(stats))
    scratch = K.strip_scratch(target.numel(), params[0], params[1])
    n = out._data.size
    _device.launch(K.cross_entropy_backward, (out._data,), ins, params, n, 8, _HARD_BACKWARD.fast, scratch)
    return (out,)


def _hard_backward_grad(node: Node, gg: Tensor) -> tuple:
    """For dx = g (p m - q): d/dg = sum(gg (p m - q)); d/dx = g m p (gg - sum(gg p))."""
    g, x, target, weight, stats = node.saved
    c, s, ignored, smoothing, _, mean = node.params
    seen = (target.numel() // s if s else 0, c, s)
    by_g = by_x = None
    if node.needs[0]:
        one = make(_device.full(1, g._dtype.storage, g.device, 1), (), g._dtype)
        unit = apply(HARD_BACKWARD, one, x, target, weight, stats, params=(c, s, ignored, smoothing, 0, mean))
        by_g = _row_sums(mul(gg, unit), g, seen)
    if node.needs[1]:
        p = apply(SOFTMAX, _reshaped(x, seen), params=(c, s))
        inner = apply(SOFTMAX_BACKWARD, _reshaped(gg, seen), p, params=(c, s))
        by_x = _reshaped(mul(inner, mul(_per_row(g, seen), _scaled_mass(stats, seen, mean))), x._shape)
    return (by_g, by_x, None, None, None)


def _row_sums(terms: Tensor, g: Tensor, seen: tuple) -> Tensor:
    """The sums that belong to each number of g: over the classes, or over all."""
    return _reshaped(sum(_reshaped(terms, seen), 1), g._shape) if g._shape else sum(terms)


def _per_row(g: Tensor, seen: tuple) -> Tensor:
    """g as (N, 1, S), or as the one number it is."""
    return _reshaped(g, (seen[0], 1, seen[2])) if g._shape else g


def _scaled_mass(stats: Tensor, seen: tuple, mean: bool) -> Tensor:
    """The mass of each row, (N, 1, S), divided for the mean."""
    mass = _reshaped(stats[: seen[0] * seen[2]], (seen[0], 1, seen[2]))
    return div(mass, _reshaped(stats[-1:], ())) if mean else mass


HARD = Op(
    "cross_entropy",
    forward=_hard_forward,
    plan=_hard_plan,
    hidden=2,
    saves_inputs=(0, 1, 2),
    saves_outputs=(2,),
    grad=_hard_grad,
)
HARD_BACKWARD = Op(
    "cross_entropy_backward",
    forward=_hard_backward_forward,
    plan=_hard_backward_plan,
    saves_inputs=(0, 1, 2, 3, 4),
    grad=_hard_backward_grad,
)

# -- cross entropy with probabilities ------------------------------------------------------------------------------
# params: classes, spatial, smoothing, reduction; of the gradients: rows, classes, spatial, smoothing, whether g is one
# for each row, whether it is that of the mean


def _soft_forward(x: Tensor, target: Tensor, weight: Any, stats: Tensor, params: tuple) -> tuple[Tensor]:
    c = params[0]
    shape = () if len(x._shape) == 1 else x._shape[:1] + x._shape[2:]
    if x.numel() == 0:
        return _without_rows(x, shape, params[-1], math.prod(shape))
    ins = (flat(x), flat(target), None if weight is None else flat(weight))
    return (_run(_SOFT, x, ins, stats._data, shape, params, 0, 16 * c),)


def _soft_grad(node: Node, g: Tensor) -> tuple:
    c, s, smoothing, reduction = node.params
    rows = (node.saved[3].numel() - 1) // 4
    params = (rows, c, s, smoothing, int(reduction == K.NONE), reduction == K.MEAN)
    by_x = apply(SOFT_BACKWARD, g, *node.saved, params=params) if node.needs[0] else None
    by_t = apply(SOFT_TARGET, g, *node.saved, params=params) if node.needs[1] else None
    return (by_x, by_t, None, None)


def _second_parts(node: Node, gg: Tensor) -> tuple:
    """What both second gradients use, seen as (N, C, S): x, gg, g / divisor, and dq / dt."""
    g, x, _, weight, stats = node.saved
    rows, c, s, smoothing, _, mean = node.params
    seen = (rows // s if s else 0, c, s)
    scaled = div(g, _reshaped(stats[-1:], ())) if mean else g
    share = make(_device.full(1, g._dtype.storage, g.device, 1.0 - smoothing), (), g._dtype)
    share = share if weight is None else mul(_reshaped(weight, (c, 1)), share)
    return _reshaped(x, seen), _reshaped(gg, seen), _per_row(scaled, seen), share


def _soft_backward_grad(node: Node, gg: Tensor) -> tuple:
    """For dx = g (p m - q): d/dg = sum(gg (p m - q)); d/dx = g m p (gg - sum(gg p)); d/dt = g a (sum(gg p) - gg)."""
    g, x, target, weight, stats = node.saved
    rows, c, s, smoothing, _, mean = node.params
    seen_x, seen, scaled, share = _second_parts(node, gg)
    one = make(_device.full(1, g._dtype.storage, g.device, 1), (), g._dtype)
    unit = apply(SOFT_BACKWARD, one, x, target, weight, stats, params=(rows, c, s, smoothing, 0, mean))
    by_g = _row_sums(mul(gg, unit), g, seen._shape)
    p = apply(SOFTMAX, seen_x, params=(c, s))
    mixed = mul(_reshaped(target, seen._shape), share)
    spread = smoothing / max(c, 1)
    even = mul(share, spread / (1.0 - smoothing)) if smoothing < 1.0 else None
    if even is None:
        even = make(_device.full(1, g._dtype.storage, g.device, spread), (), g._dtype)
        even = even if weight is None else mul(_reshaped(weight, (c, 1)), even)
    mass = sum(mixed + even, 1, True)
    by_x = mul(apply(SOFTMAX_BACKWARD, seen, p, params=(c, s)), mul(scaled, mass))
    by_t = mul(mul(sub(sum(mul(seen, p), 1, True), seen), share), scaled)
    return (by_g, _reshaped(by_x, x._shape), _reshaped(by_t, x._shape), None, None)


def _soft_target_grad(node: Node, gg: Tensor) -> tuple:
    """For dt = -g a ln p: d/dg = -sum(gg a ln p); d/dx = -(the gradient of ln p at g a gg)."""
    g, x, target, weight, stats = node.saved
    rows, c, s, smoothing, _, mean = node.params
    seen_x, seen, scaled, share = _second_parts(node, gg)
    one = make(_device.full(1, g._dtype.storage, g.device, 1), (), g._dtype)
    unit = apply(SOFT_TARGET, one, x, target, weight, stats, params=(rows, c, s, smoothing, 0, mean))
    by_g = _row_sums(mul(gg, unit), g, seen._shape)
    logp = apply(LOG_SOFTMAX, seen_x, params=(c, s))
    by_x = neg(apply(LOG_SOFTMAX_BACKWARD, mul(mul(seen, share), scaled), logp, params=(c, s)))
    return (by_g, _reshaped(by_x, x._shape), None, None, None)


SOFT = Op("cross_entropy", forward=_soft_forward, saves_inputs=(0, 1, 2, 3), grad=_soft_grad)
SOFT_BACKWARD = Op(
    "cross_entropy_backward",
    K.soft_cross_entropy_backward,
    shape=lambda params, g, x, *_: (x,),
    work=lambda *_: 16,
    saves_inputs=(0, 1, 2, 3, 4),
    grad=_soft_backward_grad,
)
SOFT_TARGET = Op(
    "cross_entropy_backward",
    K.soft_cross_entropy_target,
    shape=lambda params, g, x, *_: (x,),
    work=lambda *_: 16,
    saves_inputs=(0, 1, 2, 3, 4),
    grad=_soft_target_grad,
)

# -- public --------------------------------------------------------------------------------------------------------


def _class_targets(op: str, input: Tensor, target: Tensor, weight: Tensor | None, ignore_index: int) -> tuple:
    """Checked class targets in int64, the classes C, the product S of the axes after them, and `ignore_index`."""
    if isinstance(target, Tensor) and target._shape == (1,) and input.dim() == 1:
        target = _reshaped(target, ())
    key = _check.shapes_and_types(input, target, weight)
    found = _ACCEPTED.get(key)
    c, s = _ACCEPTED.add(key, _class_geometry(op, input, target, weight)) if found is None else found
    ignored = _check.integer(op, "ignore_index", ignore_index)
    index = _check.indices(op, "target", cast(target, dtypes.int64), c, ignored)
    return index, c, s, ignored


_ACCEPTED = _check.Accepted()  # classes and spatial size of class targets


def _class_geometry(op: str, input: Tensor, target: Tensor, weight: Tensor | None) -> tuple[int, int]:
    """The classes C, and the product S of the axes after them."""
    _check.floating(op, "input", input)
    rows = isinstance(input, Tensor) and input.dim() < 3
    _check.index_dtype(op, "target", target, dtypes.int64, *((dtypes.uint8,) if rows else ()))
    if weight is not None:
        _check.same_dtype(op, input=input, weight=weight)
    shape = input._shape
    weight_shape = None if weight is None else weight._shape
    refusal, _, c, s = cross_entropy_rule(shape, target._shape, weight_shape)
    if refusal:
        wanted = () if len(shape) == 1 else shape[:1] + shape[2:]
        classes = shape[min(1, len(shape) - 1)] if shape else 0
        shapes = {"input": shape, "target": target._shape, "weight": weight_shape}
        _check.rule(op, "cross_entropy", refusal, **shapes, wanted=wanted, classes=classes)
    return c, s


def _stats(x: Tensor, count: int) -> Tensor:
    """Memory for what the forward kernels leave to the gradient."""
    return make(_device.empty(count, x._dtype.storage, x.device), (count,), x._dtype)


def _is_half(x: Any) -> bool:
    return isinstance(x, Tensor) and x._dtype.is_half


def _widened(op: str, input: Tensor, weight: Tensor | None) -> tuple[Tensor, Tensor | None]:
    """A half input and its weight in float32, in which the loss is computed."""
    _check.same_dtype(op, input=input, weight=weight)
    return cast(input, dtypes.float32), None if weight is None else cast(weight, dtypes.float32)


@takes_arrays
def nll_loss(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: bool | None = None,
    ignore_index: int = -100,
    reduce: bool | None = None,
    reduction: str = "mean",
    *,
    all_ignored: str = "nan",
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
    all_ignored : {"nan", "zero"}
        The mean where every class index is ignored, or there is none; the gradient of "zero" is zero too.

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
    _check.one_of("nll_loss", "all_ignored", all_ignored, ("nan", "zero"))
    if _is_half(input):
        x, w = _widened("nll_loss", input, weight)
        more = {"ignore_index": ignore_index, "reduction": reduction, "all_ignored": all_ignored}
        return cast(nll_loss(x, target, w, **more), input._dtype)
    index, c, s, ignored = _class_targets("nll_loss", input, target, weight, ignore_index)
    reduction = _without_mean(index, ignored, reduction, all_ignored)
    return apply(NLL, input, index, _constant(weight), params=(c, s, ignored, _REDUCTION[reduction]))


def _without_mean(index: Tensor, ignored: int, reduction: str, all_ignored: str) -> str:
    """The reduction; the sum, which is 0, where the mean is over nothing and `all_ignored` asks for zero."""
    zero = all_ignored != "nan" and reduction == "mean"
    return "sum" if zero and bool(every(eq(index, ignored))) else reduction


def _constant(weight: Tensor | None) -> Tensor | None:
    return weight if weight is None or not weight.requires_grad else weight.detach()


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
    *,
    all_ignored: str = "nan",
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
    all_ignored : {"nan", "zero"}
        The mean where every class index is ignored, or there is none; the gradient of "zero" is zero too.

    Returns
    -------
    Tensor of shape () or, without reduction, of the shape of the class indices

    Raises
    ------
    IndexError
        If a target is outside [0, C): names the position and the value.
    ValueError
        If shapes do not fit, `reduction` or `label_smoothing` is out of range, or probabilities come with an
        `ignore_index` from 0 up.
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
    _check.one_of(op, "all_ignored", all_ignored, ("nan", "zero"))
    smoothing = _check.probability(op, "label_smoothing", label_smoothing)
    _check.floating(op, "input", input)
    _check.tensor(op, "target", target)
    if target._dtype.is_floating_point:
        input, target, weight = _of_one_type(op, input, target, weight)
    if _is_half(input):
        if target._dtype.is_floating_point:
            target = cast(target, dtypes.float32)
        x, w = _widened(op, input, weight)
        more = (None, ignore_index, None, reduction, label_smoothing)
        loss = cross_entropy(x, target, w, *more, all_ignored=all_ignored)
        return cast(loss, input._dtype)
    if target._dtype.is_floating_point and input._shape:
        if _check.integer(op, "ignore_index", ignore_index) >= 0:
            raise ValueError(
                f"{op}: `ignore_index` (={ignore_index}) is for class indices; `target` holds probabilities"
            )
        return _soft_cross_entropy(input, target, weight, smoothing, _REDUCTION[reduction])
    index, c, s, ignored = _class_targets(op, input, target, weight, ignore_index)
    reduction = _without_mean(index, ignored, reduction, all_ignored)
    params = (c, s, ignored, smoothing, _REDUCTION[reduction])
    return apply(HARD, input, index, _constant(weight), params=params)


def _of_one_type(op: str, input: Tensor, target: Tensor, weight: Tensor | None) -> tuple:
    """Scores, probabilities and weights, which have no order of rank among their types."""
    given = (input, target) if weight is None else (input, target, _check.real(op, "weight", weight))
    kind = result_type(*given)
    return (cast(input, kind), cast(target, kind), None if weight is None else cast(weight, kind))


def _soft_cross_entropy(input: Tensor, target: Tensor, weight: Any, smoothing: float, reduction: int) -> Tensor:
    op = "cross_entropy"
    shape = input._shape
    if target._shape != shape:
        raise ValueError(
            f"{op}: `target` of probabilities must have the shape of `input`; got input {shape}, target {target._shape}"
        )
    c = shape[min(1, len(shape) - 1)]
    if weight is not None and weight._shape != (c,):
        raise ValueError(f"{op}: `weight` must have shape (C,) = ({c},); got {weight._shape}")
    s = math.prod(shape[2:])
    rows = s * (shape[0] if len(shape) > 1 else 1)
    params = (c, s, smoothing, reduction)
    return apply(SOFT, input, target, _constant(weight), _stats(input, 4 * rows + 1), params=params)
