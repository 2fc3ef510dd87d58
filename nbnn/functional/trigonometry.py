"""Functions of angles and their inverses, and the hyperbolic ones."""

from __future__ import annotations

from typing import Any

from nbnn.functional import _check
from nbnn.functional._binary import Binary
from nbnn.functional._elementwise import from_integers
from nbnn.functional.arithmetic import add, div, mul, neg, sub
from nbnn.functional.comparison import eq
from nbnn.functional.conversion import cast
from nbnn.functional.pointwise import rsqrt
from nbnn.functional.promotion import promoted
from nbnn.kernels import trigonometry as K
from nbnn.op import Op, apply, apply_unary, takes_arrays
from nbnn.tensor import Tensor


def _op(name: str, kernel: Any, slope: Any, fast: Any = None) -> Op:
    """An op whose gradient is its gradient times ``slope(input)``."""
    return Op(
        name,
        kernel,
        fast=fast,
        saves_inputs=(0,),
        grad=lambda node, g: (mul(g, slope(node.saved[0])),),
        work=lambda *_: 16,
    )


def _arc(x: Tensor) -> Tensor:
    """1 / sqrt(1 - x**2)"""
    return rsqrt(sub(1.0, mul(x, x)))


def _square_sum(y: Tensor, x: Tensor) -> Tensor:
    """y**2 + x**2 as a divisor: 1 in the origin, where the slopes of atan2 are chosen to be 0."""
    total = add(mul(y, y), mul(x, x))
    return add(total, cast(eq(total.detach(), 0.0), total._dtype))


SIN = _op("sin", K.sin, lambda x: cos(x), K.sin_fast)
COS = _op("cos", K.cos, lambda x: neg(sin(x)), K.cos_fast)
TAN = Op(
    "tan",
    K.tan,
    fast=K.tan_fast,
    saves_outputs=(0,),
    grad=lambda node, g: (mul(g, add(mul(node.saved[0], node.saved[0]), 1.0)),),
    work=lambda *_: 16,
)
ASIN = _op("asin", K.asin, _arc)
ACOS = _op("acos", K.acos, lambda x: neg(_arc(x)))
ATAN = _op("atan", K.atan, lambda x: div(1.0, add(mul(x, x), 1.0)))
SINH = _op("sinh", K.sinh, lambda x: cosh(x))
COSH = _op("cosh", K.cosh, lambda x: sinh(x))
ATAN2 = Binary(
    "atan2",
    K.atan2,
    (
        lambda p, g, y, x: mul(g, div(x, _square_sum(y, x))),
        lambda p, g, y, x: neg(mul(g, div(y, _square_sum(y, x)))),
    ),
    saves_inputs=(0, 1),
)


@takes_arrays
def sin(input: Tensor) -> Tensor:
    """Sine of an angle in radians; NaN at infinity.

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
    >>> nbnn.sin(nbnn.tensor([0.0, 1.0]))
    tensor([0.0000, 0.8415])
    """
    return apply(SIN, from_integers(_check.tensor("sin", "input", input)))


@takes_arrays
def cos(input: Tensor) -> Tensor:
    """Cosine of an angle in radians; NaN at infinity.

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
    >>> nbnn.cos(nbnn.tensor([0.0, 1.0]))
    tensor([1.0000, 0.5403])
    """
    return apply(COS, from_integers(_check.tensor("cos", "input", input)))


@takes_arrays
def tan(input: Tensor) -> Tensor:
    """Tangent of an angle in radians; NaN at infinity.

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
    >>> nbnn.tan(nbnn.tensor([0.0, 1.0]))
    tensor([0.0000, 1.5574])
    """
    return apply(TAN, from_integers(_check.tensor("tan", "input", input)))


@takes_arrays
def asin(input: Tensor) -> Tensor:
    r"""The angle in :math:`[-\pi/2, \pi/2]` whose sine is `input`; NaN beyond -1 and 1.

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
    >>> nbnn.asin(nbnn.tensor([0.0, 1.0]))
    tensor([0.0000, 1.5708])
    """
    return apply_unary(ASIN, from_integers(_check.tensor("asin", "input", input)))


@takes_arrays
def acos(input: Tensor) -> Tensor:
    r"""The angle in :math:`[0, \pi]` whose cosine is `input`; NaN beyond -1 and 1.

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
    >>> nbnn.acos(nbnn.tensor([0.0, 1.0]))
    tensor([1.5708, 0.0000])
    """
    return apply_unary(ACOS, from_integers(_check.tensor("acos", "input", input)))


@takes_arrays
def atan(input: Tensor) -> Tensor:
    r"""The angle in :math:`[-\pi/2, \pi/2]` whose tangent is `input`.

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
    >>> nbnn.atan(nbnn.tensor([0.0, 1.0]))
    tensor([0.0000, 0.7854])
    """
    return apply_unary(ATAN, from_integers(_check.tensor("atan", "input", input)))


@takes_arrays
def sinh(input: Tensor) -> Tensor:
    """Hyperbolic sine, :math:`y = (e^x - e^{-x}) / 2`, exact to the last bits near 0.

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
    >>> nbnn.sinh(nbnn.tensor([0.0, 1.0]))
    tensor([0.0000, 1.1752])
    """
    return apply_unary(SINH, from_integers(_check.tensor("sinh", "input", input)))


@takes_arrays
def cosh(input: Tensor) -> Tensor:
    """Hyperbolic cosine, :math:`y = (e^x + e^{-x}) / 2`.

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
    >>> nbnn.cosh(nbnn.tensor([0.0, 1.0]))
    tensor([1.0000, 1.5431])
    """
    return apply_unary(COSH, from_integers(_check.tensor("cosh", "input", input)))


@takes_arrays
def atan2(input: Any, other: Any) -> Tensor:
    r"""The angle in :math:`[-\pi, \pi]` of the point (x, y) = (`other`, `input`), broadcasting.

    The signs of zeros count: the angle of (-1, -0) is :math:`-\pi`. The derivatives at the origin are NaN.

    Parameters
    ----------
    input, other : Tensor, array or number
        Shapes that broadcast: sizes equal or 1 on each axis from the end.

    Returns
    -------
    Tensor of the broadcast shape and the promoted type, of the default floating type for integers.

    Raises
    ------
    ValueError
        If the shapes do not broadcast.
    TypeError
        If an operand is no number, array or Tensor.

    Examples
    --------
    >>> import nbnn
    >>> nbnn.atan2(nbnn.tensor([0.0, 1.0]), nbnn.tensor([-1.0, 1.0]))
    tensor([3.1416, 0.7854])
    """
    y, x = promoted("atan2", input, other, real=True)
    return ATAN2(y, x)


arcsin, arccos, arctan, arctan2 = asin, acos, atan, atan2
