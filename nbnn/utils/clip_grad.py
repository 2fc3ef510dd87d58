"""Clipping gradients: by the norm of all together, or each element by its value."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterable
from typing import Any

from nbnn.autograd import no_grad
from nbnn.dtypes import float64
from nbnn.functional.clip import clamp_, norm_value, scale_
from nbnn.functional.creation import tensor as _tensor
from nbnn.functional.rounding import isfinite
from nbnn.tensor import Tensor


def get_total_norm(
    tensors: Iterable[Tensor] | Tensor,
    norm_type: float = 2.0,
    error_if_nonfinite: bool = False,
    foreach: bool | None = None,
) -> Tensor:
    r"""The norm of Tensors taken together as one vector, :math:`(\sum_i |x_i|^p)^{1/p}`.

    Parameters
    ----------
    tensors : iterable of Tensor
        Usually gradients.
    norm_type : float
        p; may be ``inf``, the largest absolute value.
    error_if_nonfinite : bool
        Raise instead of returning a norm that is NaN or infinite.
    foreach : bool, optional
        Accepted for compatibility: all Tensors are read in one launch.

    Returns
    -------
    Tensor of shape ()

    Raises
    ------
    RuntimeError
        If the norm is not finite and `error_if_nonfinite` is set, or a gradient is sparse.
    TypeError
        If a Tensor is not of a floating-point type, or `norm_type` is not a number.

    Examples
    --------
    >>> import nbnn
    >>> nbnn.utils.get_total_norm([nbnn.tensor([3.0]), nbnn.tensor([[4.0]])])
    tensor(5.)
    """
    given = [tensors] if isinstance(tensors, Tensor) else list(tensors)
    order = _number("get_total_norm", "norm_type", norm_type)
    _refuse_sparse("get_total_norm", given)
    if not given:
        return _tensor(0.0)
    norm = norm_value(given, order)
    if error_if_nonfinite and not math.isfinite(norm):
        _refuse_nonfinite("get_total_norm", order, norm, {f"`tensors`[{i}]": t for i, t in enumerate(given)})
    return _result(norm, given[0])


def clip_grads_with_norm_(
    parameters: Iterable[Tensor] | Tensor, max_norm: float, total_norm: Tensor, foreach: bool | None = None
) -> None:
    r"""Scale gradients in place by :math:`\min(1, \text{max\_norm} / (\text{total\_norm} + 10^{-6}))`.

    Parameters
    ----------
    parameters : Tensor or iterable of Tensor
        Those without a gradient are passed over.
    max_norm : float
        The norm they may have.
    total_norm : Tensor
        The norm they have: what `get_total_norm` returned.
    foreach : bool, optional
        Accepted for compatibility: all gradients are scaled in one launch.

    Raises
    ------
    ValueError
        If `max_norm` is negative.
    TypeError
        If `max_norm` is not a number.

    Examples
    --------
    >>> import nbnn
    >>> p = nbnn.zeros(2, requires_grad=True)
    >>> p.grad = nbnn.tensor([3.0, 4.0])
    >>> nbnn.utils.clip_grads_with_norm_(p, 2.5, nbnn.tensor(5.0))
    >>> p.grad
    tensor([1.5000, 2.0000])
    """
    op = "clip_grads_with_norm_"
    _scale(op, parameters, _limit(op, max_norm), _number(op, "total_norm", total_norm))


def clip_grad_norm_(
    parameters: Iterable[Tensor] | Tensor,
    max_norm: float,
    norm_type: float = 2.0,
    error_if_nonfinite: bool = False,
    foreach: bool | None = None,
) -> Tensor:
    r"""Scale the gradients of `parameters` in place so that their norm is at most `max_norm`.

    All gradients count as one vector :math:`g`; with its norm :math:`n = (\sum_i |g_i|^p)^{1/p}` they are multiplied by
    :math:`\min(1, \text{max\_norm} / (n + 10^{-6}))`.

    Parameters
    ----------
    parameters : Tensor or iterable of Tensor
        Those without a gradient are passed over. May also be pairs of name and Tensor, as ``named_parameters()``
        gives, for the error to name them.
    max_norm : float
        The norm they may have.
    norm_type : float
        p; may be ``inf``, the largest absolute value.
    error_if_nonfinite : bool
        Raise, and change nothing, where the norm is NaN or infinite; the error says of which parameter.
    foreach : bool, optional
        Accepted for compatibility: all gradients are read in one launch and scaled in one.

    Returns
    -------
    Tensor of shape ()
        The norm before.

    Raises
    ------
    RuntimeError
        If the norm is not finite and `error_if_nonfinite` is set, or a gradient is sparse.
    ValueError
        If `max_norm` is negative, which would turn the gradients round.
    TypeError
        If `max_norm` or `norm_type` is not a number.

    Examples
    --------
    >>> import nbnn
    >>> p = nbnn.zeros(2, requires_grad=True)
    >>> p.grad = nbnn.tensor([3.0, 4.0])
    >>> nbnn.utils.clip_grad_norm_([p], 1.0)
    tensor(5.)
    >>> p.grad
    tensor([0.6000, 0.8000])
    """
    op = "clip_grad_norm_"
    owners = _named(parameters)
    limit, order = _limit(op, max_norm), _number(op, "norm_type", norm_type)
    grads = {name: p._grad for name, p in owners.items() if p._grad is not None}
    if not grads:
        return _tensor(0.0)
    _refuse_sparse(op, grads.values())
    norm = norm_value(list(grads.values()), order)
    if error_if_nonfinite and not math.isfinite(norm):
        _refuse_nonfinite(op, order, norm, {f"the gradient of {name}": g for name, g in grads.items()})
    _scale(op, owners.values(), limit, norm)
    return _result(norm, next(iter(grads.values())))


def clip_grad_norm(
    parameters: Iterable[Tensor] | Tensor,
    max_norm: float,
    norm_type: float = 2.0,
    error_if_nonfinite: bool = False,
    foreach: bool | None = None,
) -> Tensor:
    """The old name of `clip_grad_norm_`.

    Examples
    --------
    >>> import warnings
    >>> import nbnn
    >>> with warnings.catch_warnings():
    ...     warnings.simplefilter("ignore")
    ...     nbnn.utils.clip_grad_norm([], 1.0)
    tensor(0.)
    """
    warnings.warn("clip_grad_norm: use clip_grad_norm_", FutureWarning, stacklevel=2)
    return clip_grad_norm_(parameters, max_norm, norm_type, error_if_nonfinite, foreach)


def clip_grad_value_(parameters: Iterable[Tensor] | Tensor, clip_value: float, foreach: bool | None = None) -> None:
    """Bring every element of the gradients of `parameters` into [-clip_value, clip_value], in place; a NaN stays.

    Parameters
    ----------
    parameters : Tensor or iterable of Tensor
        Those without a gradient are passed over.
    clip_value : float
        The largest absolute value.
    foreach : bool, optional
        Accepted for compatibility: all gradients are clipped in one launch.

    Raises
    ------
    ValueError
        If `clip_value` is negative.
    TypeError
        If `clip_value` is not a number.

    Examples
    --------
    >>> import nbnn
    >>> p = nbnn.zeros(3, requires_grad=True)
    >>> p.grad = nbnn.tensor([-3.0, 0.5, 2.0])
    >>> nbnn.utils.clip_grad_value_(p, 1.0)
    >>> p.grad
    tensor([-1.0000,  0.5000,  1.0000])
    """
    limit = _limit("clip_grad_value_", clip_value, "clip_value")
    with no_grad():
        clamp_(_gradients("clip_grad_value_", parameters), -limit, limit)


def _gradients(op: str, parameters: Iterable[Tensor] | Tensor) -> list[Tensor]:
    owners = [parameters] if isinstance(parameters, Tensor) else parameters
    grads = [p._grad for p in owners if p._grad is not None]
    _refuse_sparse(op, grads)
    return grads


def _refuse_sparse(op: str, grads: Iterable[Any]) -> None:
    for g in grads:
        if getattr(g, "is_sparse", False):
            raise RuntimeError(f"{op}: gradients must be dense; got a sparse one of shape {g._shape}: use sparse=False")


def _named(parameters: Any) -> dict[str, Tensor]:
    """Parameters by what an error calls them: their names, or their places."""
    given = [parameters] if isinstance(parameters, Tensor) else list(parameters)
    return dict((repr(p[0]), p[1]) if isinstance(p, tuple) else (f"`parameters`[{i}]", p) for i, p in enumerate(given))


def _result(norm: float, first: Tensor) -> Tensor:
    return _tensor(norm, dtype=float64).to(first.device, first.dtype)


def _refuse_nonfinite(op: str, order: float, norm: float, tensors: dict[str, Tensor]) -> None:
    bad = [f"{name} of shape {t._shape}" for name, t in tensors.items() if not isfinite(t).all()]
    found = ", ".join(bad[:3]) + (f" and {len(bad) - 3} more" if len(bad) > 3 else "")
    reason = f"not finite: {found}" if bad else "all elements are finite, but too large"
    raise RuntimeError(
        f"{op}: the norm of order {order} is {norm} ({reason}); error_if_nonfinite=False uses it as it is"
    )


def _scale(op: str, parameters: Iterable[Tensor] | Tensor, limit: float, norm: float) -> None:
    factor = limit / (norm + 1e-6)
    if not factor >= 1.0:  # a NaN reaches the gradients
        with no_grad():
            scale_(_gradients(op, parameters), factor)


def _limit(op: str, value: Any, name: str = "max_norm") -> float:
    limit = _number(op, name, value)
    if not limit >= 0.0:
        raise ValueError(f"{op}: `{name}` (={value}) must be at least 0")
    return limit


def _number(op: str, name: str, value: Any) -> float:
    if isinstance(value, Tensor):
        return float(value.item())
    try:
        return float(value)  # also the string "inf", as for torch
    except (TypeError, ValueError):
        raise TypeError(f"{op}: `{name}` (={value!r}) must be a number; got {type(value).__name__}") from None
