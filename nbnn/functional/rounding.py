"""Sizes, signs and whole parts of numbers, and what kind of number each is."""

from __future__ import annotations

import builtins
from typing import Any

from nbnn import dtypes
from nbnn.autograd import Node
from nbnn.functional import _check
from nbnn.functional.array import clone, full, mul
from nbnn.functional.complexes import modulus
from nbnn.kernels import rounding as K
from nbnn.op import Op, apply, apply_unary, takes_arrays
from nbnn.tensor import Tensor


def _flat(node: Node, g: Tensor) -> tuple:
    """The derivative of a function of steps is zero."""
    return (full(g._shape, 0, dtype=g._dtype, device=g.device),)


ABS = Op("abs", K.absolute, saves_inputs=(0,), grad=lambda node, g: (mul(g, sign(node.saved[0])),))
SIGN = Op("sign", K.sign, grad=_flat)
FLOOR = Op("floor", K.floor, grad=_flat)
CEIL = Op("ceil", K.ceil, grad=_flat)
TRUNC = Op("trunc", K.trunc, grad=_flat)
FRAC = Op("frac", K.frac, grad=lambda node, g: (g,))
ROUND = Op("round", K.nearest, grad=_flat)
ROUND_TO = Op("round", K.round_to, grad=_flat)
ISNAN = Op("isnan", K.isnan, dtypes=(dtypes.bool_,))
ISINF = Op("isinf", K.isinf, dtypes=(dtypes.bool_,))
ISFINITE = Op("isfinite", K.isfinite, dtypes=(dtypes.bool_,))


def _numbers(op: str, input: Any) -> Tensor:
    """`input`, which must be a Tensor of numbers."""
    if _check.tensor(op, "input", input)._dtype is dtypes.bool_:
        raise TypeError(f"{op}: `input` must hold numbers; got {input._dtype!r}")
    return input


def _whole(op: Op, input: Any) -> Tensor:
    """`input` rounded by `op`; integers are whole numbers."""
    x = _check.real(op.name, "input", _numbers(op.name, input))
    return apply_unary(op, x) if x._dtype.is_floating_point else clone(x)


@takes_arrays
def abs(input: Tensor) -> Tensor:
    """The size of each number, :math:`y = |x|`; its derivative at 0 is chosen to be 0.

    Parameters
    ----------
    input : Tensor or array of any shape

    Returns
    -------
    Tensor of the shape of `input`

    Raises
    ------
    TypeError
        If `input` is no Tensor or array, or holds bools.

    Examples
    --------
    >>> import nbnn
    >>> nbnn.abs(nbnn.tensor([-1.5, 2.0]))
    tensor([1.5000, 2.0000])
    """
    x = _numbers("abs", input)
    if x._dtype.is_complex:
        return modulus(x)
    return clone(x) if x._dtype is dtypes.uint8 else apply_unary(ABS, x)


@takes_arrays
def sign(input: Tensor) -> Tensor:
    """1 above 0, -1 below, and 0 at 0 and for NaN; the derivative is 0.

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
    >>> nbnn.sign(nbnn.tensor([-1.5, 0.0, 2.0]))
    tensor([-1.,  0.,  1.])
    """
    x = _check.tensor("sign", "input", input)
    return clone(x) if x._dtype is dtypes.bool_ else apply_unary(SIGN, x)


@takes_arrays
def floor(input: Tensor) -> Tensor:
    """The largest integer that is not above each number; the derivative is 0.

    Parameters
    ----------
    input : Tensor or array of any shape

    Returns
    -------
    Tensor of the shape of `input`

    Raises
    ------
    TypeError
        If `input` is no Tensor or array, or holds bools.

    Examples
    --------
    >>> import nbnn
    >>> nbnn.floor(nbnn.tensor([-1.5, 1.5]))
    tensor([-2.,  1.])
    """
    return _whole(FLOOR, input)


@takes_arrays
def ceil(input: Tensor) -> Tensor:
    """The smallest integer that is not below each number; the derivative is 0.

    Parameters
    ----------
    input : Tensor or array of any shape

    Returns
    -------
    Tensor of the shape of `input`

    Raises
    ------
    TypeError
        If `input` is no Tensor or array, or holds bools.

    Examples
    --------
    >>> import nbnn
    >>> nbnn.ceil(nbnn.tensor([-1.5, 1.5]))
    tensor([-1.,  2.])
    """
    return _whole(CEIL, input)


@takes_arrays
def trunc(input: Tensor) -> Tensor:
    """Each number without its fraction; the derivative is 0.

    Parameters
    ----------
    input : Tensor or array of any shape

    Returns
    -------
    Tensor of the shape of `input`

    Raises
    ------
    TypeError
        If `input` is no Tensor or array, or holds bools.

    Examples
    --------
    >>> import nbnn
    >>> nbnn.trunc(nbnn.tensor([-1.5, 1.5]))
    tensor([-1.,  1.])
    """
    return _whole(TRUNC, input)


@takes_arrays
def frac(input: Tensor) -> Tensor:
    r"""The fraction of each number, with its sign: :math:`y = x - \mathrm{trunc}(x)`; the derivative is 1.

    Parameters
    ----------
    input : Tensor or array of any shape

    Returns
    -------
    Tensor of the shape of `input`

    Raises
    ------
    TypeError
        If `input` is not of a floating-point type.

    Examples
    --------
    >>> import nbnn
    >>> nbnn.frac(nbnn.tensor([-1.5, 1.25]))
    tensor([-0.5000,  0.2500])
    """
    _check.floating("frac", "input", input)
    return apply_unary(FRAC, input)


@takes_arrays
def round(input: Tensor, *, decimals: int = 0) -> Tensor:
    """The nearest integer, the even one of two, or the nearest multiple of 10**-decimals; the derivative is 0.

    Parameters
    ----------
    input : Tensor or array of any shape
    decimals : int
        How many decimal places stay; negative ones stand before the point.

    Returns
    -------
    Tensor of the shape of `input`

    Raises
    ------
    TypeError
        If `input` is no Tensor or array, or holds bools, or integers with `decimals` other than 0.

    Examples
    --------
    >>> import nbnn
    >>> nbnn.round(nbnn.tensor([0.5, 1.5, 2.4]))
    tensor([0., 2., 2.])
    """
    places = _check.integer("round", "decimals", decimals)
    if places == 0:
        return _whole(ROUND, input)
    x = _numbers("round", input)
    if x._dtype.is_floating_point:
        return apply(ROUND_TO, x, params=(10.0 ** min(builtins.abs(places), 308), 1.0 if places >= 0 else 0.0))
    raise TypeError(f"round: `decimals` (={decimals}) needs floating-point numbers; got {x._dtype!r}")


@takes_arrays
def isnan(input: Tensor) -> Tensor:
    """Whether each element is not a number.

    Parameters
    ----------
    input : Tensor or array of any shape

    Returns
    -------
    Tensor of bools of the shape of `input`

    Raises
    ------
    TypeError
        If `input` is no Tensor or array.

    Examples
    --------
    >>> import nbnn
    >>> nbnn.isnan(nbnn.tensor([1.0, float('nan')]))
    tensor([False,  True])
    """
    return apply(ISNAN, _check.tensor("isnan", "input", input))


@takes_arrays
def isinf(input: Tensor) -> Tensor:
    """Whether each element is infinite.

    Parameters
    ----------
    input : Tensor or array of any shape

    Returns
    -------
    Tensor of bools of the shape of `input`

    Raises
    ------
    TypeError
        If `input` is no Tensor or array.

    Examples
    --------
    >>> import nbnn
    >>> nbnn.isinf(nbnn.tensor([1.0, -float('inf')]))
    tensor([False,  True])
    """
    return apply(ISINF, _check.tensor("isinf", "input", input))


@takes_arrays
def isfinite(input: Tensor) -> Tensor:
    """Whether each element is neither infinite nor NaN.

    Parameters
    ----------
    input : Tensor or array of any shape

    Returns
    -------
    Tensor of bools of the shape of `input`

    Raises
    ------
    TypeError
        If `input` is no Tensor or array.

    Examples
    --------
    >>> import nbnn
    >>> nbnn.isfinite(nbnn.tensor([1.0, float('nan'), float('inf')]))
    tensor([ True, False, False])
    """
    return apply(ISFINITE, _check.tensor("isfinite", "input", input))


@takes_arrays
def positive(input: Tensor) -> Tensor:
    """`input` itself, as ``+input``.

    Parameters
    ----------
    input : Tensor or array of any shape

    Returns
    -------
    Tensor, `input`

    Raises
    ------
    TypeError
        If `input` is no Tensor or array, or holds bools.

    Examples
    --------
    >>> import nbnn
    >>> nbnn.positive(nbnn.tensor([-1.0]))
    tensor([-1.])
    """
    return _numbers("positive", input)


absolute, fix = abs, trunc
