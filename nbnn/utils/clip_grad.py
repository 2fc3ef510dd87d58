"""Clipping gradients: by the norm of all together, or each element by its value."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterable
from typing import Any

from nbnn.autograd import no_grad
from nbnn.functional.clip import clamp_, scale_, total_norm
from nbnn.functional.creation import tensor as _tensor
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
        If the norm is not finite and `error_if_nonfinite` is set.
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
    if not given:
        return _tensor(0.0)
    norm = total_norm(given, order)
    if error_if_nonfinite and not math.isfinite(norm.item()):
        raise RuntimeError(
            f"get_total_norm: the norm of order {order} is {norm.item()}; error_if_nonfinite=False uses it as it is"
        )
    return norm


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
    limit = _number("clip_grads_with_norm_", "max_norm", max_norm)
    factor = limit / (_number("clip_grads_with_norm_", "total_norm", total_norm) + 1e-6)
    if not factor >= 1.0:  # a NaN reaches the gradients
        with no_grad():
            scale_(_gradients(parameters), factor)


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
        Those without a gradient are passed over.
    max_norm : float
        The norm they may have.
    norm_type : float
        p; may be ``inf``, the largest absolute value.
    error_if_nonfinite : bool
        Raise, and change nothing, where the norm is NaN or infinite.
    foreach : bool, optional
        Accepted for compatibility: all gradients are read in one launch and scaled in one.

    Returns
    -------
    Tensor of shape ()
        The norm before.

    Raises
    ------
    RuntimeError
        If the norm is not finite and `error_if_nonfinite` is set.
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
    owners = [parameters] if isinstance(parameters, Tensor) else list(parameters)
    norm = get_total_norm(_gradients(owners), norm_type, error_if_nonfinite, foreach)
    clip_grads_with_norm_(owners, max_norm, norm, foreach)
    return norm


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
    limit = _number("clip_grad_value_", "clip_value", clip_value)
    with no_grad():
        clamp_(_gradients(parameters), -limit, limit)


def _gradients(parameters: Iterable[Tensor] | Tensor) -> list[Tensor]:
    owners = [parameters] if isinstance(parameters, Tensor) else parameters
    return [p._grad for p in owners if p._grad is not None]


def _number(op: str, name: str, value: Any) -> float:
    if isinstance(value, Tensor):
        return float(value.item())
    try:
        return float(value)  # also the string "inf", as for torch
    except (TypeError, ValueError):
        raise TypeError(f"{op}: `{name}` (={value!r}) must be a number; got {type(value).__name__}") from None
