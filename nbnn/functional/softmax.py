"""softmax, log_softmax and softmin."""

from __future__ import annotations

import math
import warnings
from typing import Any

from nbnn.autograd import Node
from nbnn.dtypes import as_dtype, float32
from nbnn.functional import _check
from nbnn.functional.array import add, cast, div, eq, mul, neg, sub, sum
from nbnn.functional.creation import arange, rand
from nbnn.functional.extreme import argmax
from nbnn.functional.pointwise import exp, log
from nbnn.functional.shape import broadcast_to
from nbnn.kernels import softmax as K
from nbnn.op import Op, apply, takes_arrays
from nbnn.tensor import Tensor


def _rows(params: tuple, *shapes: Any) -> int:
    """Rows of an array seen as (outer, length, inner); none where it is empty."""
    length, _ = params
    return math.prod(shapes[0]) // length if length else 0


def _row_work(params: tuple, *shapes: Any) -> int:
    return 16 * params[0]


def _softmax_grad(node: Node, g: Tensor) -> tuple:
    return (apply(SOFTMAX_BACKWARD, g, *node.saved, params=node.params),)


def _along(node: Node, t: Tensor) -> Tensor:
    """The sum of `t` along the axis of a softmax, repeated along it."""
    length, inner = node.params
    shape = t._shape
    seen = t.reshape(math.prod(shape) // max(length * inner, 1), length, inner)
    return broadcast_to(sum(seen, 1, True), seen._shape).reshape(shape)


def _softmax_backward_grad(node: Node, gg: Tensor) -> tuple:
    """For dx = y (g - s), s = sum(g y): d/dg = y (gg - sum(gg y)); d/dy = gg (g - s) - g sum(gg y)."""
    g, y = node.saved
    by_y = None
    if node.needs[1]:
        by_y = sub(mul(gg, sub(g, _along(node, mul(g, y)))), mul(g, _along(node, mul(gg, y))))
    return (apply(SOFTMAX_BACKWARD, gg, y, params=node.params), by_y)


def _log_softmax_grad(node: Node, g: Tensor) -> tuple:
    return (apply(LOG_SOFTMAX_BACKWARD, g, *node.saved, params=node.params),)


def _log_softmax_backward_grad(node: Node, gg: Tensor) -> tuple:
    """For dx = g - e^y s, s = sum(g): d/dg = gg - sum(gg e^y); d/dy = -gg e^y s."""
    g, y = node.saved
    p = exp(y)
    by_g = sub(gg, _along(node, mul(gg, p)))
    return (by_g, mul(mul(mul(gg, p), _along(node, g)), -1.0) if node.needs[1] else None)


SOFTMAX = Op(
    "softmax",
    K.softmax,
    saves_outputs=(0,),
    count=_rows,
    work=_row_work,
    grad=_softmax_grad,
    fast=K.softmax_fast,
)
SOFTMAX_BACKWARD = Op(
    "softmax_backward",
    K.softmax_backward,
    saves_inputs=(0, 1),
    count=_rows,
    work=_row_work,
    grad=_softmax_backward_grad,
    fast=K.softmax_backward_fast,
)
LOG_SOFTMAX = Op(
    "log_softmax",
    K.log_softmax,
    saves_outputs=(0,),
    count=_rows,
    work=_row_work,
    grad=_log_softmax_grad,
    fast=K.log_softmax_fast,
)
LOG_SOFTMAX_BACKWARD = Op(
    "log_softmax_backward",
    K.log_softmax_backward,
    saves_inputs=(0, 1),
    count=_rows,
    work=_row_work,
    grad=_log_softmax_backward_grad,
    fast=K.log_softmax_backward_fast,
)


def _softmax_along(op: Op, input: Tensor, dim: int | None, stacklevel: int, dtype: Any, name: str = "") -> Tensor:
    name = name or op.name
    x = _check.tensor(name, "input", input)
    if dim is None:
        dim = 0 if x.dim() in (0, 1, 3) else 1
        message = f"{name}: `dim` was left out; taking dim={dim}, as old programs expect. Pass it explicitly."
        warnings.warn(message, UserWarning, stacklevel=stacklevel)
    if dtype is not None:
        x = cast(x, as_dtype(dtype, name))
    _check.floating(name, "input", x)
    axis = _check.dim(name, dim, x.dim())
    if name == "softmin":
        x = neg(x)
    if not x._shape:
        return apply(op, x, params=(1, 1))
    return apply(op, x, params=(x._shape[axis], math.prod(x._shape[axis + 1 :])))


@takes_arrays
def softmax(input: Tensor, dim: int | None = None, _stacklevel: int = 3, dtype: Any = None) -> Tensor:
    r"""Softmax along an axis, :math:`y_j = e^{x_j} / \sum_k e^{x_k}`.

    The largest element is subtracted first, so nothing overflows. A row of -inf only gives NaN.

    Parameters
    ----------
    input : Tensor or array of any shape
    dim : int
        The axis along which the results sum to 1. Left out (with a warning), it is 0 for 0, 1 and 3 axes, else 1.
    dtype : dtype, optional
        Convert to this type first.

    Returns
    -------
    Tensor of the shape of `input`

    Raises
    ------
    TypeError
        If `input` is not of a floating-point type.
    IndexError
        If the axis does not exist.

    Examples
    --------
    >>> import nbnn
    >>> import nbnn.nn.functional as F
    >>> F.softmax(nbnn.tensor([0.0, 1.0]), dim=0)
    tensor([0.2689, 0.7311])
    """
    return _softmax_along(SOFTMAX, input, dim, _stacklevel + 1, dtype)


@takes_arrays
def log_softmax(input: Tensor, dim: int | None = None, _stacklevel: int = 3, dtype: Any = None) -> Tensor:
    r"""Logarithm of the softmax along an axis, :math:`y_j = x_j - \ln \sum_k e^{x_k}`, exact where softmax underflows.

    Parameters
    ----------
    input : Tensor or array of any shape
    dim : int
        The axis along which the exponentials of the results sum to 1; left out as for `softmax`.
    dtype : dtype, optional
        Convert to this type first.

    Returns
    -------
    Tensor of the shape of `input`

    Raises
    ------
    TypeError
        If `input` is not of a floating-point type.
    IndexError
        If the axis does not exist.

    Examples
    --------
    >>> import nbnn
    >>> import nbnn.nn.functional as F
    >>> F.log_softmax(nbnn.tensor([0.0, 1.0]), dim=0)
    tensor([-1.3133, -0.3133])
    """
    return _softmax_along(LOG_SOFTMAX, input, dim, _stacklevel + 1, dtype)


@takes_arrays
def softmin(input: Tensor, dim: int | None = None, _stacklevel: int = 3, dtype: Any = None) -> Tensor:
    r"""Softmin along an axis, :math:`y_j = e^{-x_j} / \sum_k e^{-x_k}`: the softmax of -x.

    Parameters
    ----------
    input : Tensor or array of any shape
    dim : int
        The axis along which the results sum to 1; left out as for `softmax`.
    dtype : dtype, optional
        Convert to this type first.

    Returns
    -------
    Tensor of the shape of `input`

    Raises
    ------
    TypeError
        If `input` is not of a floating-point type.
    IndexError
        If the axis does not exist.

    Examples
    --------
    >>> import nbnn
    >>> import nbnn.nn.functional as F
    >>> F.softmin(nbnn.tensor([0.0, 1.0]), dim=0)
    tensor([0.7311, 0.2689])
    """
    return _softmax_along(SOFTMAX, input, dim, _stacklevel + 1, dtype, "softmin")


def _choice_forward(y: Tensor, params: tuple) -> tuple[Tensor]:
    """1 at the largest number along an axis, else 0."""
    (axis,) = params
    best = argmax(y.detach(), axis, True)
    places = arange(y._shape[axis], device=y.device).reshape(-1, *(1,) * (y.dim() - 1 - axis))
    return (cast(eq(best, places), y._dtype),)


# the gradient passes as if the choice were the probabilities it is made from
CHOICE = Op("gumbel_softmax", forward=_choice_forward, grad=lambda node, g: (g,))


@takes_arrays
def gumbel_softmax(logits: Tensor, tau: float = 1, hard: bool = False, eps: float = 1e-10, dim: int = -1) -> Tensor:
    r"""A sample of a class that can be differentiated, :math:`\mathrm{softmax}((x + g) / \tau)`.

    :math:`g = -\ln(-\ln u)` for u uniform in [0, 1) from the counter-based generator.

    Parameters
    ----------
    logits : Tensor of shape (\*, C)
        Unnormalised scores.
    tau : float
        Above 0; the smaller, the nearer to one class.
    hard : bool
        Give exactly 1 for the class and 0 for the others; the gradient is that of the probabilities.
    eps : float
        Without effect; it warns where it is set.
    dim : int
        The axis of the classes.

    Returns
    -------
    Tensor of the shape of `logits`

    Raises
    ------
    ValueError
        If `tau` is not above 0.
    IndexError
        If `dim` does not exist.
    TypeError
        If `logits` is no Tensor or array of floating-point numbers.

    References
    ----------
    Jang et al., "Categorical Reparameterization with Gumbel-Softmax", 2017.

    Examples
    --------
    >>> import nbnn
    >>> import nbnn.nn.functional as F
    >>> F.gumbel_softmax(nbnn.zeros(5, 3), hard=True).sum(1)
    tensor([1., 1., 1., 1., 1.])
    """
    op = "gumbel_softmax"
    _check.floating(op, "logits", logits)
    heat = _check.number(op, "tau", tau)
    if not heat > 0:
        raise ValueError(f"{op}: `tau` (={tau}) must be above 0")
    axis = _check.dim(op, dim, logits.dim())
    if eps != 1e-10:
        warnings.warn(f"{op}: `eps` is an old argument without effect", UserWarning, stacklevel=3)
    kind = float32 if logits._dtype.is_half else logits._dtype
    noise = neg(log(neg(log(rand(*logits._shape, dtype=kind, device=logits.device)))))
    y = softmax(div(add(cast(logits, kind), noise), heat), axis)
    if hard and logits._shape and y.numel():
        y = apply(CHOICE, y, params=(axis,))
    return cast(y, logits._dtype)
