"""Activations: relu, tanh, sigmoid, exp, log, softmax, log_softmax."""

from __future__ import annotations

import math
import warnings
from typing import Any

from nbnn.autograd import Node
from nbnn.dtypes import as_dtype, get_default_dtype
from nbnn.functional import _check
from nbnn.functional.array import cast, div, mul, sub, sum
from nbnn.functional.shape import broadcast_to
from nbnn.kernels import activation as K
from nbnn.op import Op, apply, apply_unary, takes_arrays
from nbnn.tensor import Tensor


def _relu_grad(node: Node, g: Tensor) -> tuple:
    return (apply(RELU_BACKWARD, g, *node.saved),)


def _relu_backward_grad(node: Node, gg: Tensor) -> tuple:
    return (apply(RELU_BACKWARD, gg, *node.saved), None)


def _tanh_grad(node: Node, g: Tensor) -> tuple:
    return (apply(TANH_BACKWARD, g, *node.saved),)


def _tanh_backward_grad(node: Node, gg: Tensor) -> tuple:
    """d/dg of g (1 - y^2) is the same map; d/dy is -2 g y."""
    g, y = node.saved
    return (apply(TANH_BACKWARD, gg, y), mul(mul(mul(gg, g), y), -2.0) if node.needs[1] else None)


def _sigmoid_grad(node: Node, g: Tensor) -> tuple:
    return (apply(SIGMOID_BACKWARD, g, *node.saved),)


def _sigmoid_backward_grad(node: Node, gg: Tensor) -> tuple:
    """d/dg of g y (1 - y) is the same map; d/dy is g (1 - 2 y)."""
    g, y = node.saved
    return (apply(SIGMOID_BACKWARD, gg, y), mul(mul(gg, g), sub(1.0, mul(y, 2.0))) if node.needs[1] else None)


RELU = Op("relu", K.relu, saves_outputs=(0,), grad=_relu_grad)
RELU_BACKWARD = Op("relu_backward", K.relu_backward, saves_inputs=(1,), grad=_relu_backward_grad)
TANH = Op("tanh", K.tanh, saves_outputs=(0,), grad=_tanh_grad, work=lambda *_: 16)
TANH_BACKWARD = Op("tanh_backward", K.tanh_backward, saves_inputs=(0, 1), grad=_tanh_backward_grad)
SIGMOID = Op("sigmoid", K.sigmoid, saves_outputs=(0,), grad=_sigmoid_grad, work=lambda *_: 16)
SIGMOID_BACKWARD = Op("sigmoid_backward", K.sigmoid_backward, saves_inputs=(0, 1), grad=_sigmoid_backward_grad)
EXP = Op("exp", K.exp, saves_outputs=(0,), grad=lambda node, g: (mul(g, node.saved[0]),), work=lambda *_: 16)
LOG = Op("log", K.log, saves_inputs=(0,), grad=lambda node, g: (div(g, node.saved[0]),), work=lambda *_: 16)


def relu(input: Tensor, inplace: bool = False) -> Tensor:
    r"""Rectified linear unit, :math:`y = \max(x, 0)`; NaN stays NaN.

    The derivative at 0 is chosen to be 0.

    Parameters
    ----------
    input : Tensor or array of any shape
    inplace : bool
        Overwrite `input` with the result.

    Returns
    -------
    Tensor of the shape of `input`

    Raises
    ------
    TypeError
        If `input` is no Tensor or array.

    References
    ----------
    Nair and Hinton, "Rectified Linear Units Improve Restricted Boltzmann Machines", 2010.

    Examples
    --------
    >>> import nbnn
    >>> import nbnn.nn.functional as F
    >>> F.relu(nbnn.tensor([-1.0, 0.0, 2.0]))
    tensor([0., 0., 2.])
    """
    if inplace:
        return _in_place("relu", relu, input)
    return apply_unary(RELU, input)


def _in_place(name: str, function: Any, input: Tensor) -> Tensor:
    from nbnn.functional.inplace import write

    return write(f"{name}_", _check.tensor(name, "input", input), function(input))


def _floating(op: str, input: Any) -> Any:
    """Integers become the default floating type; arrays and floating Tensors pass."""
    if isinstance(input, Tensor) and not input._dtype.is_floating_point:
        return cast(input, get_default_dtype())
    return input


@takes_arrays
def tanh(input: Tensor) -> Tensor:
    r"""Hyperbolic tangent, :math:`y = \frac{e^x - e^{-x}}{e^x + e^{-x}}`.

    Parameters
    ----------
    input : Tensor or array of any shape

    Returns
    -------
    Tensor of the shape of `input`

    Raises
    ------
    TypeError
        If `input` is no Tensor or array.

    Examples
    --------
    >>> import nbnn
    >>> nbnn.tanh(nbnn.tensor([0.0, 1.0]))
    tensor([0.0000, 0.7616])
    """
    return apply_unary(TANH, _floating("tanh", input))


@takes_arrays
def sigmoid(input: Tensor) -> Tensor:
    r"""Logistic sigmoid, :math:`y = \frac{1}{1 + e^{-x}}`.

    Parameters
    ----------
    input : Tensor or array of any shape

    Returns
    -------
    Tensor of the shape of `input`

    Raises
    ------
    TypeError
        If `input` is no Tensor or array.

    Examples
    --------
    >>> import nbnn
    >>> nbnn.sigmoid(nbnn.tensor([0.0, 2.0]))
    tensor([0.5000, 0.8808])
    """
    return apply_unary(SIGMOID, _floating("sigmoid", input))


@takes_arrays
def exp(input: Tensor) -> Tensor:
    """Exponential function, :math:`y = e^x`.

    Parameters
    ----------
    input : Tensor or array of any shape

    Returns
    -------
    Tensor of the shape of `input`

    Raises
    ------
    TypeError
        If `input` is no Tensor or array.

    Examples
    --------
    >>> import nbnn
    >>> nbnn.exp(nbnn.tensor([0.0, 1.0]))
    tensor([1.0000, 2.7183])
    """
    return apply_unary(EXP, _floating("exp", input))


@takes_arrays
def log(input: Tensor) -> Tensor:
    r"""Natural logarithm, :math:`y = \ln x`: -inf at 0, NaN below.

    Parameters
    ----------
    input : Tensor or array of any shape

    Returns
    -------
    Tensor of the shape of `input`

    Raises
    ------
    TypeError
        If `input` is no Tensor or array.

    Examples
    --------
    >>> import nbnn
    >>> nbnn.log(nbnn.tensor([1.0, 2.0]))
    tensor([0.0000, 0.6931])
    """
    return apply_unary(LOG, _floating("log", input))


# -- softmax -------------------------------------------------------------------------------------------------------


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


SOFTMAX = Op("softmax", K.softmax, saves_outputs=(0,), count=_rows, work=_row_work, grad=_softmax_grad)
SOFTMAX_BACKWARD = Op(
    "softmax_backward",
    K.softmax_backward,
    saves_inputs=(0, 1),
    count=_rows,
    work=_row_work,
    grad=_softmax_backward_grad,
)
LOG_SOFTMAX = Op("log_softmax", K.log_softmax, saves_outputs=(0,), count=_rows, work=_row_work, grad=_log_softmax_grad)
LOG_SOFTMAX_BACKWARD = Op(
    "log_softmax_backward",
    K.log_softmax_backward,
    saves_inputs=(0, 1),
    count=_rows,
    work=_row_work,
    grad=_log_softmax_backward_grad,
)


def _softmax_along(op: Op, input: Tensor, dim: int | None, stacklevel: int, dtype: Any) -> Tensor:
    x = _check.tensor(op.name, "input", input)
    if dim is None:
        dim = 0 if x.dim() in (0, 1, 3) else 1
        message = f"{op.name}: `dim` was left out; taking dim={dim}, as old programs expect. Pass it explicitly."
        warnings.warn(message, UserWarning, stacklevel=stacklevel)
    if dtype is not None:
        x = cast(x, as_dtype(dtype, op.name))
    _check.floating(op.name, "input", x)
    axis = _check.dim(op.name, dim, x.dim())
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
