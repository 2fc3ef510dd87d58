"""Logic: operations on truth values, and on the bits of integers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from nbnn import dtypes
from nbnn.functional import _check
from nbnn.functional._binary import Binary
from nbnn.functional.conversion import cast
from nbnn.functional.promotion import pair
from nbnn.kernels import logic as K
from nbnn.op import Op, apply, takes_arrays
from nbnn.tensor import Tensor


def _bits(op: str, t: Tensor, bools: bool = True) -> Tensor:
    """`t`, which must hold integers, or bools where they are allowed."""
    if t._dtype.is_floating_point or (t._dtype is dtypes.bool_ and not bools):
        raise TypeError(f"{op}: operands must be integers{' or bools' if bools else ''}; got {t._dtype!r}")
    return t


def _described(function: Callable, name: str, doc: str) -> Callable:
    function.__name__ = function.__qualname__ = name
    function.__doc__ = doc
    return takes_arrays(function)


_BITWISE = """``input {sign} other``: the bits of two integers, or two bools, combined one by one; broadcasting.

    Parameters
    ----------
    input, other : Tensor, array or number
        Integers or bools, of shapes that broadcast.

    Raises
    ------
    ValueError
        If the shapes do not broadcast.
    TypeError
        If an operand is no number, array or Tensor, or a floating-point number.

    Examples
    --------
    >>> import nbnn
    >>> nbnn.{name}(nbnn.tensor([6, 7]), 3)
    tensor({result})
    """


def _bitwise(name: str, sign: str, kernel: Any, result: str) -> Callable:
    op = Binary(name, kernel)

    def combine(input: Any, other: Any) -> Tensor:
        a, b = pair(name, input, other)
        return op(_bits(name, a), b)

    return _described(combine, name, _BITWISE.format(sign=sign, name=name, result=result))


bitwise_and = _bitwise("bitwise_and", "&", K.bitwise_and, "[2, 3]")
bitwise_or = _bitwise("bitwise_or", "|", K.bitwise_or, "[7, 7]")
bitwise_xor = _bitwise("bitwise_xor", "^", K.bitwise_xor, "[5, 4]")
NOT = Op("bitwise_not", K.bitwise_not)
LEFT_SHIFT, RIGHT_SHIFT = Binary("bitwise_left_shift", K.left_shift), Binary("bitwise_right_shift", K.right_shift)


@takes_arrays
def bitwise_not(input: Tensor) -> Tensor:
    """``~input``: every bit of integers turned over, the opposite of bools.

    Parameters
    ----------
    input : Tensor or array of integers or bools

    Raises
    ------
    TypeError
        If `input` is no Tensor or array, or of floating-point numbers.

    Examples
    --------
    >>> import nbnn
    >>> nbnn.bitwise_not(nbnn.tensor([0, 5]))
    tensor([-1, -6])
    """
    x = _bits("bitwise_not", _check.tensor("bitwise_not", "input", input))
    return logical_not(x) if x._dtype is dtypes.bool_ else apply(NOT, x)


def _shiftable(op: str, input: Any, other: Any) -> tuple[Tensor, Tensor, int]:
    a, b = pair(op, input, other)
    return _bits(op, a, bools=False), b, 8 * a._dtype.itemsize


@takes_arrays
def bitwise_left_shift(input: Any, other: Any) -> Tensor:
    """``input << other``: the bits of integers moved up, which multiplies by a power of two.

    A shift that is negative, or not less than the number of bits, gives 0. Raises as `bitwise_and` does, and TypeError
    for two bools.

    Parameters
    ----------
    input, other : Tensor, array or number
        Integers, of shapes that broadcast.

    Examples
    --------
    >>> import nbnn
    >>> nbnn.bitwise_left_shift(nbnn.tensor([1, 3]), 4)
    tensor([16, 48])
    """
    a, b, width = _shiftable("bitwise_left_shift", input, other)
    return LEFT_SHIFT(a, b, (width,))


@takes_arrays
def bitwise_right_shift(input: Any, other: Any) -> Tensor:
    """``input >> other``: the bits of integers moved down, which divides by a power of two, rounding downwards.

    A shift that is negative, or not less than the number of bits, leaves the sign alone: 0, or -1 for negative
    numbers. Raises as `bitwise_and` does, and TypeError for two bools.

    Parameters
    ----------
    input, other : Tensor, array or number
        Integers, of shapes that broadcast.

    Examples
    --------
    >>> import nbnn
    >>> nbnn.bitwise_right_shift(nbnn.tensor([17, -17]), 4)
    tensor([ 1, -2])
    """
    a, b, width = _shiftable("bitwise_right_shift", input, other)
    return RIGHT_SHIFT(a, b, (width, width - 1 if a._dtype.is_signed else width))


_LOGICAL = """Whether {rule} different from zero, element by element, as bools; operands of any type, broadcasting.

    Parameters
    ----------
    input, other : Tensor, array or number
        Shapes that broadcast.

    Raises
    ------
    ValueError
        If the shapes do not broadcast.
    TypeError
        If an operand is no number, array or Tensor.

    Examples
    --------
    >>> import nbnn
    >>> nbnn.{name}(nbnn.tensor([0, 1, 2]), nbnn.tensor([0.0, 0.0, 0.5]))
    tensor({result})
    """


def _logical(name: str, kernel: Any, rule: str, result: str) -> Callable:
    op = Binary(name, kernel)

    def combine(input: Any, other: Any) -> Tensor:
        a, b = pair(name, input, other)
        return op(cast(a, dtypes.bool_), cast(b, dtypes.bool_))

    return _described(combine, name, _LOGICAL.format(rule=rule, name=name, result=result))


logical_and = _logical("logical_and", K.bitwise_and, "both are", "[False, False,  True]")
logical_or = _logical("logical_or", K.bitwise_or, "any of the two is", "[False,  True,  True]")
logical_xor = _logical("logical_xor", K.bitwise_xor, "exactly one of the two is", "[False,  True, False]")
LOGICAL_NOT = Op("logical_not", K.opposite)


@takes_arrays
def logical_not(input: Tensor) -> Tensor:
    """Whether `input` is zero, element by element, as bools.

    Parameters
    ----------
    input : Tensor or array

    Raises
    ------
    TypeError
        If `input` is no Tensor or array.

    Examples
    --------
    >>> import nbnn
    >>> nbnn.logical_not(nbnn.tensor([0.0, 0.5]))
    tensor([ True, False])
    """
    return apply(LOGICAL_NOT, cast(_check.tensor("logical_not", "input", input), dtypes.bool_))
