"""Choices between Tensors: bounds, and one or the other by a condition."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from nbnn import dtypes
from nbnn.autograd import Node
from nbnn.functional import _check
from nbnn.functional.comparison import MAXIMUM, MINIMUM, ge, gt, le, lt
from nbnn.functional.conversion import cast
from nbnn.functional.logic import logical_and, logical_or
from nbnn.functional.promotion import Number, as_number, operands, promoted, result_type
from nbnn.functional.shape import broadcast_to
from nbnn.kernels import comparison as K
from nbnn.kernels import piecewise
from nbnn.op import Op, apply, apply_unary, takes_arrays
from nbnn.tensor import Tensor

# -- one or the other ----------------------------------------------------------------------------------------------


def kept(g: Tensor, condition: Tensor, wanted: int = 1) -> Tensor:
    """`g` where the condition is as wanted, else 0."""
    return apply(KEPT, g, condition, params=(wanted, 0.0))


def chosen(op: Op, x: Any, condition: Tensor, wanted: int, value: Any) -> Tensor | None:
    """By `op`, `x` where the condition is as wanted, else the number `value`; None where `value` is no such number."""
    number = as_number(x, value)
    if number is None or x._dtype.is_half or type(x._data) is not type(condition._data):
        return None
    shape = _check.broadcast_shapes(op.name, x._shape, condition._shape) if x._shape != condition._shape else x._shape
    return apply(op, broadcast_to(x, shape), broadcast_to(condition, shape), params=(wanted, number))


def _where_grad(node: Node, g: Tensor) -> tuple:
    (condition,) = node.saved
    return (
        kept(g, condition, 1) if node.needs[0] else None,
        kept(g, condition, 0) if node.needs[1] else None,
        None,
    )


def _kept_grad(node: Node, g: Tensor) -> tuple:
    return kept(g, node.saved[0], node.params[0]), None


KEPT, WHERE_NUMBER, FILL_NUMBER = (
    Op(name, K.kept, saves_inputs=(1,), grad=_kept_grad) for name in ("kept", "where", "masked_fill")
)
WHERE = Op("where", K.where, saves_inputs=(2,), grad=_where_grad)


@takes_arrays
def where(condition: Tensor, input: Any = None, other: Any = None) -> Any:
    """`input` where `condition` holds, else `other`, element by element; of a condition alone, where it holds.

    The gradient of what was not chosen is 0, whatever its value.

    Parameters
    ----------
    condition : Tensor or array of bools
    input, other : Tensor, array or number
        The three shapes broadcast.

    Returns
    -------
    Tensor of the broadcast shape and the promoted type of `input` and `other`
        With `condition` alone, which may then be of any type, ``nonzero(condition, as_tuple=True)``.

    Raises
    ------
    ValueError
        If the shapes do not broadcast.
    TypeError
        If `condition` does not hold bools, an operand is no number, array or Tensor, or only one is given.

    Examples
    --------
    >>> import nbnn
    >>> x = nbnn.tensor([1.0, -2.0])
    >>> nbnn.where(x > 0, x, 0)
    tensor([1., 0.])
    """
    mask = _check.tensor("where", "condition", condition)
    if input is None and other is None:
        from nbnn.functional.masking import nonzero  # which fills by the ops of this file

        return nonzero(mask, as_tuple=True)
    if mask._dtype is dtypes.uint8:  # the masks of old programs
        mask = cast(mask, dtypes.bool_)
    if mask._dtype is not dtypes.bool_:
        raise TypeError(f"where: `condition` must hold bools; got {mask._dtype!r}")
    if not isinstance(other, Tensor) and (picked := chosen(WHERE_NUMBER, input, mask, 1, other)) is not None:
        return picked
    if not isinstance(input, Tensor) and (picked := chosen(WHERE_NUMBER, other, mask, 0, input)) is not None:
        return picked
    a, b = [t if t._shape else t.to(mask.device) for t in promoted("where", input, other)]
    shape = _check.broadcast_shapes("where", mask._shape, a._shape, b._shape)
    return apply(WHERE, broadcast_to(a, shape), broadcast_to(b, shape), broadcast_to(mask, shape))


# -- bounds --------------------------------------------------------------------------------------------------------


def _clamp_grad(node: Node, g: Tensor) -> tuple:
    return (apply(CLAMP_BACKWARD, g, *node.saved, params=node.params),)


CLAMP = Op("clamp", piecewise.hardtanh, saves_inputs=(0,), grad=_clamp_grad)
CLAMP_BACKWARD: Op = Op(
    "clamp_backward",
    K.clamp_backward,
    saves_inputs=(1,),
    grad=lambda node, gg: (apply(CLAMP_BACKWARD, gg, *node.saved, params=node.params), None),
)


def _between_forward(x: Tensor, low: Tensor | None, high: Tensor | None, params: tuple) -> tuple[Tensor]:
    y = x.detach()
    y = y if low is None else MAXIMUM(y, low.detach())
    return (y if high is None else MINIMUM(y, high.detach()),)


def _between_grad(node: Node, g: Tensor) -> tuple:
    """To `input` within the bounds and on them, beyond them to the bound; to the upper one where they are crossed."""
    x, low, high = node.saved
    inside = below = above = None
    if low is not None:
        inside, below = ge(x, low), lt(x, low)
    if high is not None:
        inside, above = le(x, high) if inside is None else logical_and(inside, le(x, high)), gt(x, high)
    if low is not None and high is not None:
        below, above = logical_and(below, lt(low, high)), logical_or(above, lt(high, low))
    return tuple([None if mask is None else kept(g, mask) for mask in (inside, below, above)])


BETWEEN = Op("clamp", forward=_between_forward, saves_inputs=(0, 1, 2), grad=_between_grad)


def _clamped(op: str, input: Any, low: Any, high: Any) -> Tensor:
    """`input` within bounds that are numbers, Tensors or None."""
    x = _check.real(op, "input", input)
    given = [v for v in (low, high) if v is not None]
    if not given:
        raise ValueError(f"{op}: at least one of `min` and `max` must be given")
    if (bounds := simple_bounds(x, low, high)) is not None:
        return apply_unary(CLAMP, x, bounds)
    kind = result_type(x, *given) if _known(op, given) else x._dtype
    if any(isinstance(v, Tensor) or v != v for v in given):  # a NaN among the numbers makes everything NaN
        ts = iter(operands(op, x, *given))
        return apply(BETWEEN, next(ts), *[None if v is None else next(ts) for v in (low, high)])
    x = cast(x, kind)
    _check.numeric(op, x)
    return apply_unary(CLAMP, x, _bounds(op, kind, low, high))


def _known(op: str, given: list) -> bool:
    for v in given:
        if not isinstance(v, (Tensor, *Number)):
            raise TypeError(f"{op}: a bound must be a number, array or Tensor; got {type(v).__name__}")
    return True


def simple_bounds(x: Tensor, low: Any, high: Any) -> tuple | None:
    """Both bounds of a floating-point Tensor as floats, where they are plain numbers; else None."""
    given = [v for v in (low, high) if v is not None]
    if not given or not x._dtype.is_floating_point or any(type(v) not in (int, float) or v != v for v in given):
        return None
    return _bounds("clamp", x._dtype, low, high)


def _bounds(op: str, kind: dtypes.dtype, low: Any, high: Any) -> tuple:
    """Both bounds as numbers of the type, the missing one at its end."""
    if kind.is_floating_point:
        return float(-math.inf if low is None else low), float(math.inf if high is None else high)
    ends = np.iinfo(kind.storage)
    least, most = int(ends.min), int(ends.max)
    low, high = least if low is None else int(low), most if high is None else int(high)
    if low > most or high < least:
        raise ValueError(f"{op}: `min` (={low}) and `max` (={high}) leave no value of type {kind!r}")
    return max(low, least), min(high, most)


@takes_arrays
def clamp(input: Tensor, min: Any = None, max: Any = None) -> Tensor:
    r"""Each element, at least `min` and at most `max`: :math:`y = \min(\max(x, \mathrm{min}), \mathrm{max})`.

    NaN stays NaN. Where the bounds are crossed the result is `max`. The gradient passes within the bounds and on them;
    beyond them it goes to the bound, if that is a Tensor.

    Parameters
    ----------
    input : Tensor or array
    min, max : number, Tensor or array, optional
        At least one of them. Tensors broadcast with `input`.

    Raises
    ------
    ValueError
        If neither bound is given, the shapes do not broadcast, or no integer of the type lies within the bounds.
    TypeError
        If `input` is no Tensor or array, a bound is no number, or all of them are bools and the bounds no Tensors.

    Examples
    --------
    >>> import nbnn
    >>> nbnn.clamp(nbnn.tensor([-2.0, 0.5, 2.0]), -1, 1)
    tensor([-1.0000,  0.5000,  1.0000])
    """
    return _clamped("clamp", input, min, max)


@takes_arrays
def clip(input: Tensor, min: Any = None, max: Any = None) -> Tensor:
    """Another name for `clamp`.

    Parameters
    ----------
    input : Tensor or array
    min, max : number or Tensor, optional
        Bounds, at least one of them; Tensors broadcast.

    Examples
    --------
    >>> import nbnn
    >>> nbnn.clip(nbnn.tensor([-2, 0, 2]), max=1)
    tensor([-2,  0,  1])
    """
    return _clamped("clip", input, min, max)


@takes_arrays
def clamp_min(input: Tensor, min: Any) -> Tensor:
    """Each element, at least `min`: see `clamp`.

    Parameters
    ----------
    input : Tensor or array
    min : number or Tensor

    Examples
    --------
    >>> import nbnn
    >>> nbnn.clamp_min(nbnn.tensor([-2.0, 2.0]), 0)
    tensor([0., 2.])
    """
    return _clamped("clamp_min", input, min, None)


@takes_arrays
def clamp_max(input: Tensor, max: Any) -> Tensor:
    """Each element, at most `max`: see `clamp`.

    Parameters
    ----------
    input : Tensor or array
    max : number or Tensor

    Examples
    --------
    >>> import nbnn
    >>> nbnn.clamp_max(nbnn.tensor([-2.0, 2.0]), 0)
    tensor([-2.,  0.])
    """
    return _clamped("clamp_max", input, None, max)
