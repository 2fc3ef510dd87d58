"""Sums, differences, products and quotients of Tensors, on shapes that broadcast."""

from __future__ import annotations

from typing import Any

from nbnn import dtypes
from nbnn.device import to_host
from nbnn.functional import _check
from nbnn.functional._binary import Binary
from nbnn.functional.creation import full
from nbnn.functional.promotion import as_number, pair, scale
from nbnn.kernels import array as K
from nbnn.kernels import complexes, division
from nbnn.op import Op, apply, apply_unary, takes_arrays
from nbnn.tensor import Tensor, flat

ADD = Binary("add", K.add, (lambda p, g: g, lambda p, g: g if p[0] == 1 else mul(g, p[0])), takes_complex=True)
MUL: Binary = Binary(
    "mul", K.mul, (lambda p, g, a, b: MUL(g, b), lambda p, g, a, b: MUL(g, a)), saves_inputs=(0, 1), takes_complex=True
)
DIV: Binary = Binary(
    "div",
    K.div,
    (lambda p, g, b, y: DIV(g, b), lambda p, g, b, y: _quotient_grad(g, b, y)),
    (1,),
    (0,),
    takes_complex=complexes.div,
)
OR = Binary("add", K.logical_or)
AND = Binary("mul", K.logical_and)
ADD_SCALAR = Op("add", K.add_scalar, grad=lambda node, g: (g,))
MUL_SCALAR: Op = Op("mul", K.mul_scalar, grad=lambda node, g: (apply(MUL_SCALAR, g, params=node.params),))
DIV_SCALAR: Op = Op(
    "div", K.div_scalar, grad=lambda node, g: (apply(DIV_SCALAR, g, params=node.params),), takes_complex=True
)
RDIV_SCALAR: Op = Op(
    "div", K.rdiv_scalar, saves_inputs=(0,), saves_outputs=(0,), grad=lambda node, g: (_quotient_grad(g, *node.saved),)
)


def _quotient_grad(g: Tensor, b: Tensor, y: Tensor) -> Tensor:
    """d(a / b)/db = -y / b"""
    return neg(div(mul(g, y), b))


@takes_arrays
def add(input: Any, other: Any, *, alpha: float = 1) -> Tensor:
    """``input + alpha * other``, broadcasting.

    Parameters
    ----------
    input, other : Tensor, array or number
        Shapes that broadcast: sizes equal or 1 on each axis from the end.
    alpha : number

    Returns
    -------
    Tensor of the broadcast shape and the promoted type.

    Raises
    ------
    ValueError
        If the shapes do not broadcast.
    TypeError
        If an operand is no number, array or Tensor.

    Examples
    --------
    >>> import nbnn
    >>> nbnn.add(nbnn.tensor([1.0, 2.0]), 10)
    tensor([11., 12.])
    """
    if (number := as_number(input, other)) is not None:
        return apply_unary(ADD_SCALAR, input, (number * scale("add", "alpha", alpha, input._dtype),))
    a, b = pair("add", input, other)
    alpha = scale("add", "alpha", alpha, a._dtype)
    if a._dtype is dtypes.bool_:
        return OR(a, b) if alpha else OR(a, a)
    return ADD(a, b, (alpha,))


@takes_arrays
def sub(input: Any, other: Any, *, alpha: float = 1) -> Tensor:
    """``input - alpha * other``, broadcasting; raises as `add` does, and TypeError for bools.

    Parameters
    ----------
    input, other : Tensor, array or number
        Shapes that broadcast.
    alpha : number
        Factor of `other`.

    Examples
    --------
    >>> import nbnn
    >>> nbnn.sub(nbnn.tensor([1.0, 2.0]), 1)
    tensor([0., 1.])
    """
    return _difference("sub", input, other, alpha)


def _difference(op: str, input: Any, other: Any, alpha: Any) -> Tensor:
    if type(other) is bool or type(input) is bool or dtypes.bool_ in (_kind(input), _kind(other)):
        raise TypeError(f"{op}: bools cannot be subtracted; use ^ for the exclusive or, ~ to invert a mask")
    if (number := as_number(input, other)) is not None:
        return apply_unary(ADD_SCALAR, input, (-number * scale(op, "alpha", alpha, input._dtype),))
    a, b = pair(op, input, other)
    return ADD(a, b, (-scale(op, "alpha", alpha, a._dtype),))


def _kind(value: Any) -> dtypes.dtype | None:
    return value._dtype if isinstance(value, Tensor) else None


@takes_arrays
def rsub(input: Any, other: Any, *, alpha: float = 1) -> Tensor:
    """``other - alpha * input``, broadcasting; raises as `sub` does.

    Parameters
    ----------
    input, other : Tensor, array or number
        Shapes that broadcast.
    alpha : number
        Factor of `input`.

    Examples
    --------
    >>> import nbnn
    >>> nbnn.rsub(nbnn.tensor([1.0, 2.0]), 5)
    tensor([4., 3.])
    """
    return _difference("rsub", other, input, alpha)


@takes_arrays
def mul(input: Any, other: Any) -> Tensor:
    """``input * other``, broadcasting; raises as `add` does.

    Parameters
    ----------
    input, other : Tensor, array or number
        Shapes that broadcast.

    Examples
    --------
    >>> import nbnn
    >>> nbnn.mul(nbnn.tensor([1.0, 2.0]), nbnn.tensor([[2.0], [3.0]]))
    tensor([[2., 4.],
            [3., 6.]])
    """
    if (number := as_number(input, other)) is not None:
        return apply_unary(MUL_SCALAR, input, (number,))
    a, b = pair("mul", input, other)
    return AND(a, b) if a._dtype is dtypes.bool_ else MUL(a, b)


def _no_slope(params: tuple, g: Tensor) -> Tensor:
    """The gradient of what is rounded: zero wherever there is one."""
    return full(g._shape, 0, dtype=g._dtype, device=g.device)


# By `rounding_mode`: the op of floating-point numbers, and that of integers.
ROUNDED = {
    "floor": (
        Binary("div", division.floored_quotient, (_no_slope, _no_slope)),
        Binary("div", division.int_floored_quotient),
    ),
    "trunc": (
        Binary("div", division.truncated_quotient, (_no_slope, _no_slope)),
        Binary("div", division.int_truncated_quotient),
    ),
}


@takes_arrays
def div(input: Any, other: Any, *, rounding_mode: str | None = None) -> Tensor:
    """``input / other``, broadcasting.

    Parameters
    ----------
    input, other : Tensor, array or number
    rounding_mode : None, "trunc" or "floor"
        None is the true quotient, in the default floating type for integers; division by zero gives infinity or NaN.
        With "trunc" it is rounded towards zero, with "floor" downwards: integers stay integers, and the gradient is 0.

    Raises
    ------
    ValueError
        If the shapes do not broadcast, or `rounding_mode` is none of these.
    TypeError
        If an operand is no number, array or Tensor, or bools are to be divided with rounding.
    ZeroDivisionError
        If integers are divided by zero with rounding.

    Examples
    --------
    >>> import nbnn
    >>> nbnn.div(nbnn.tensor([1.0, 2.0]), 4)
    tensor([0.2500, 0.5000])
    >>> nbnn.div(nbnn.tensor([7, -7]), 2, rounding_mode="floor")
    tensor([ 3, -4])
    """
    if rounding_mode is not None:
        if rounding_mode not in ("trunc", "floor"):
            raise ValueError(f"div: `rounding_mode` (={rounding_mode!r}) must be None, 'trunc' or 'floor'")
        return rounded_quotient("div", input, other, rounding_mode)
    if (number := as_number(input, other)) is not None:
        return apply_unary(DIV_SCALAR, input, (number,))
    if (number := as_number(other, input)) is not None:
        return apply_unary(RDIV_SCALAR, other, (number,))
    return DIV(*pair("div", input, other, real=True))


def rounded_quotient(op: str, input: Any, other: Any, mode: str) -> Tensor:
    """The quotient rounded as `mode` says."""
    a, b = divisible(op, input, other)
    real, whole = ROUNDED[mode]
    return (real if a._dtype.is_floating_point else whole)(a, b)


def divisible(op: str, a: Any, b: Any) -> tuple[Tensor, Tensor]:
    """Two operands as Tensors of one type that can be divided with rounding: no bools, no integers by 0."""
    a, b = pair(op, a, b)
    _check.numeric(op, _check.real(op, "input", a))
    if not a._dtype.is_floating_point and a.numel() and b.numel() and not to_host(flat(b)).all():
        raise ZeroDivisionError(f"{op}: integers of type {a._dtype!r} cannot be divided by zero; `other` has a 0")
    return a, b


@takes_arrays
def true_divide(input: Any, other: Any) -> Tensor:
    """``input / other``: another name for `div`, which it raises as.

    Parameters
    ----------
    input, other : Tensor, array or number
        Shapes that broadcast.

    Examples
    --------
    >>> import nbnn
    >>> nbnn.true_divide(nbnn.tensor([1, 2]), 4)
    tensor([0.2500, 0.5000])
    """
    return div(input, other)


@takes_arrays
def neg(input: Tensor) -> Tensor:
    """``-input``.

    Parameters
    ----------
    input : Tensor or array

    Raises
    ------
    TypeError
        If `input` holds bools.

    Examples
    --------
    >>> import nbnn
    >>> nbnn.neg(nbnn.tensor([1.0, -2.0]))
    tensor([-1.,  2.])
    """
    _check.numeric("neg", _check.tensor("neg", "input", input))
    return mul(input, -1)
