"""Connectionist temporal classification: the loss of a sequence whose alignment with its target is unknown."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

import nbnn.device as _device
from nbnn import dtypes
from nbnn.autograd import Node
from nbnn.functional import _check
from nbnn.functional.array import as_tensor, cast, div, mean, mul, ones, sum, to
from nbnn.kernels import ctc as K
from nbnn.op import Op, apply, takes_arrays
from nbnn.tensor import Tensor, flat

# Inputs: log-probabilities, targets, `meta` (see the kernels).
# params: batch, steps, classes, plane, blank, whether infinite losses become 0


def _work(params: tuple, *_: Any) -> int:
    return params[1] * params[3] * 64


def _samples(params: tuple, *_: Any) -> int:
    return params[0]


def _states(params: tuple) -> int:
    batch, steps, _, plane = params[:4]
    return batch * steps * 2 * plane


def _grad(node: Node, g: Tensor) -> tuple:
    return (apply(CTC_BACKWARD, g, *node.saved, params=node.params), None, None)


def _backward_grad(node: Node, gg: Tensor) -> tuple:
    g, lp, *rest = node.saved
    by_g = by_lp = None
    if node.needs[0]:
        unit = apply(CTC_BACKWARD, ones(g._shape, dtype=g._dtype, device=g.device), lp, *rest, params=node.params)
        by_g = sum(mul(gg, unit), (0, 2))
    if node.needs[1]:
        by_lp = apply(CTC_CURVATURE, g, gg, lp, *rest, params=node.params)
    return (by_g, by_lp, None, None, None)


CTC = Op(
    "ctc_loss",
    K.ctc_loss,
    shape=lambda params, *_: ((params[0],), (_states(params),)),
    dtypes=(None, dtypes.float64),
    count=_samples,
    work=_work,
    hidden=1,
    saves_inputs=(0, 1, 2),
    saves_outputs=(1,),
    grad=_grad,
)
CTC_BACKWARD = Op(
    "ctc_loss_backward",
    K.ctc_loss_backward,
    shape=lambda params, g, lp, *_: (lp, (params[0] * 2 * params[3],)),
    dtypes=(None, dtypes.float64),
    count=_samples,
    work=_work,
    hidden=1,
    saves_inputs=(0, 1, 2, 3, 4),
    grad=_backward_grad,
)
CTC_CURVATURE = Op(
    "ctc_loss_curvature",
    K.ctc_loss_curvature,
    shape=lambda params, g, v, lp, *_: (lp, (_states(params),), (params[0] * 4 * params[3],)),
    dtypes=(None, dtypes.float64, dtypes.float64),
    count=_samples,
    work=_work,
    hidden=2,
)


def _lengths(name: str, value: Any, batch: int, most: int, what: str) -> list[int]:
    """The lengths of the samples, each in [0, most]."""
    op = "ctc_loss"
    if isinstance(value, Tensor):
        if value._dtype.is_floating_point or value._dtype is dtypes.bool_:
            raise TypeError(f"{op}: `{name}` must hold integers; got {value._dtype!r}")
        value = value.tolist()
    values = list(value) if isinstance(value, (list, tuple)) else [value]
    if len(values) != batch:
        raise ValueError(f"{op}: `{name}` must hold a length for each of {batch} samples; got {len(values)}")
    found = []
    for i, v in enumerate(values):
        try:
            found.append(operator.index(v.item() if isinstance(v, Tensor) else v))
        except TypeError:
            raise TypeError(f"{op}: `{name}` must hold ints; got {v!r} ({type(v).__name__})") from None
        if not 0 <= found[-1] <= most:
            raise ValueError(f"{op}: `{name}`[{i}] (={found[-1]}) must be in [0, {most}], {what}")
    return found


def _starts(targets: Tensor, lengths: Any, batch: int) -> tuple[list[int], list[int]]:
    """The targets' lengths, and where each begins in the flattened `targets`."""
    op, shape = "ctc_loss", targets._shape
    if len(shape) == 2:
        if shape[0] != batch:
            raise ValueError(f"{op}: `targets` must have shape (N, S) with N = {batch}; got {shape}")
        found = _lengths("target_lengths", lengths, batch, shape[1], "the width of `targets`")
        return found, [n * shape[1] for n in range(batch)]
    if len(shape) != 1:
        raise ValueError(
            f"{op}: `targets` must have shape (N, S) or, one after another, (sum of lengths,); got {shape}"
        )
    found = _lengths("target_lengths", lengths, batch, shape[0], "the size of `targets`")
    starts = [0]
    for n in found:
        starts.append(starts[-1] + n)
    if starts[-1] != shape[0]:
        raise ValueError(
            f"{op}: `target_lengths` of targets one after another must add up to their number {shape[0]}; "
            f"got a sum of {starts[-1]}"
        )
    return found, starts[:-1]


def _check_classes(targets: Tensor, lengths: list[int], starts: list[int], classes: int, blank: int) -> None:
    """Each class that a target uses must be in [0, classes) and not `blank`."""
    host = _device.to_host(flat(targets))
    used = np.zeros(host.size + 1, np.int64)  # how many targets have begun, less those that have ended
    first, count = np.array([starts, lengths], np.int64)
    np.add.at(used, first, 1)
    np.add.at(used, first + count, -1)
    bad = (np.cumsum(used)[:-1] > 0) & ((host < 0) | (host >= classes) | (host == blank))
    if not bad.any():
        return
    position = int(bad.argmax())
    at = ", ".join(map(str, _check.unravel(position, targets._shape)))
    if host[position] == blank:
        raise ValueError(f"ctc_loss: `targets`[{at}] (={blank}) must not be the `blank`")
    raise IndexError(f"ctc_loss: `targets`[{at}] (={host[position]}) must be in [0, {classes - 1}]")


@takes_arrays
def ctc_loss(
    log_probs: Tensor,
    targets: Tensor,
    input_lengths: Any,
    target_lengths: Any,
    blank: int = 0,
    reduction: str = "mean",
    zero_infinity: bool = False,
) -> Tensor:
    r"""Connectionist temporal classification, :math:`l = -\ln \sum_\pi \prod_t p_t(\pi_t)`.

    The sum is over all sequences of classes :math:`\pi` that become the target when repeats are merged and then blanks
    removed. It is taken in float64 logarithms, whatever the dtype. A sample that nobody uses (its loss is multiplied by
    0), or whose infinite loss was made 0, has a gradient of 0.

    The gradient is that of the formula for any `log_probs`; PyTorch's differs by what `log_softmax` before it removes.

    Parameters
    ----------
    log_probs : Tensor of shape (T, N, C) or (T, C)
        Logarithms of the probabilities of C classes at T steps, as `log_softmax` gives them.
    targets : Tensor of integers, of shape (N, S) or (sum of lengths,)
        Classes other than `blank`; in the second form one target stands after another.
    input_lengths, target_lengths : Tensor, tuple or list of N ints
        How many steps and how many classes of each sample count. An int for a single sample.
    blank : int
        The class that stands for nothing.
    reduction : {"mean", "sum", "none"}
        The mean is over the samples, each loss being divided by the length of its target (by 1 if that is 0).
    zero_infinity : bool
        Make infinite losses (a target too long for its steps) and their gradients 0.

    Returns
    -------
    Tensor of shape () or, without reduction, (N,)

    Raises
    ------
    ValueError
        If shapes do not fit, a length or `blank` is out of range, a target holds `blank`, or `reduction` is unknown.
    IndexError
        If a target is outside [0, C): names the position and the value.
    TypeError
        If `targets` or the lengths hold no integers or `log_probs` no floating-point numbers.

    References
    ----------
    Graves et al., "Connectionist Temporal Classification", ICML 2006.

    Examples
    --------
    >>> import nbnn
    >>> import nbnn.nn.functional as F
    >>> lp = F.log_softmax(nbnn.zeros(3, 1, 2), -1)
    >>> F.ctc_loss(lp, nbnn.tensor([[1]]), (3,), (1,))  # 6 of the 8 sequences: -ln(6 / 8)
    tensor(0.2877)
    """
    op = "ctc_loss"
    reduction, zero = _check.reduction(op, reduction), int(_check.flag(op, "zero_infinity", zero_infinity))
    _check.floating(op, "log_probs", log_probs)
    _check.tensor(op, "targets", targets)
    if targets._dtype.is_floating_point or targets._dtype is dtypes.bool_:
        raise TypeError(f"{op}: `targets` must hold integers (classes); got {targets._dtype!r}")
    shape = log_probs._shape
    if len(shape) not in (2, 3) or 0 in (shape[0], shape[-1]):
        raise ValueError(f"{op}: `log_probs` must have shape (T, N, C) or (T, C), with T and C above 0; got {shape}")
    x = log_probs if len(shape) == 3 else log_probs.unsqueeze(1)
    steps, batch, classes = x._shape
    empty = _check.integer(op, "blank", blank)
    if not 0 <= empty < classes:
        raise ValueError(f"{op}: `blank` (={blank}) must be in [0, {classes - 1}]")
    counts = _lengths("input_lengths", input_lengths, batch, steps, "the number of steps")
    lengths, starts = _starts(targets, target_lengths, batch)
    index = cast(targets, dtypes.int64)
    _check_classes(index, lengths, starts, classes, empty)
    meta = to(as_tensor(np.array([counts, lengths, starts], np.int64).T.reshape(-1)), x.device)
    params = (batch, steps, classes, max(lengths, default=0) + 1, empty, zero)
    losses = apply(CTC, x, index, meta, params=params)
    if reduction == "mean":
        wide = losses if not losses._dtype.is_half else cast(losses, dtypes.float32)
        weights = as_tensor(np.maximum(lengths, 1), dtype=wide._dtype, device=x.device)
        return cast(mean(div(wide, weights)), x._dtype)
    return sum(losses) if reduction == "sum" else losses.reshape(shape[1:-1])
