"""Division with a remainder: floor_divide, fmod, remainder."""

from __future__ import annotations

from typing import Any

from nbnn.functional._binary import Binary
from nbnn.functional.arithmetic import ROUNDED, divisible, mul, neg, rounded_quotient
from nbnn.kernels import division as K
from nbnn.op import takes_arrays
from nbnn.tensor import Tensor


def _remainder(name: str, kernel: Any, mode: str) -> Binary:
    """The op of a - b q where q is the quotient rounded as `mode` says: d/da = 1, d/db = -q."""
    quotient = ROUNDED[mode][0]
    return Binary(name, kernel, (lambda p, g, a, b: g, lambda p, g, a, b: neg(mul(g, quotient(a, b)))), (0, 1))


FMOD, INT_FMOD = _remainder("fmod", K.fmod, "trunc"), Binary("fmod", K.int_fmod)
REMAINDER, INT_REMAINDER = _remainder("remainder", K.remainder, "floor"), Binary("remainder", K.int_remainder)


@takes_arrays
def floor_divide(input: Any, other: Any) -> Tensor:
    """``input // other``: the largest integer that is at most the quotient, in the promoted type of the operands.

    Parameters
    ----------
    input, other : Tensor, array or number
        Of shapes that broadcast. Floating-point division by zero gives infinity or NaN. The gradient is 0.

    Raises
    ------
    ValueError
        If the shapes do not broadcast.
    TypeError
        If an operand is no number, array or Tensor, or both hold bools.
    ZeroDivisionError
        If integers are divided by zero.

    Examples
    --------
    >>> import nbnn
    >>> nbnn.floor_divide(nbnn.tensor([7, -7]), 2)
    tensor([ 3, -4])
    """
    return rounded_quotient("floor_divide", input, other, "floor")


@takes_arrays
def fmod(input: Any, other: Any) -> Tensor:
    r"""The remainder of division towards zero, :math:`y = a - b \operatorname{trunc}(a / b)`, with the sign of `input`.

    It is exact, also where the quotient is large. For floating-point numbers the remainder by 0 is NaN. The derivative
    by `other` is that of the formula with the rounded quotient held fixed. Raises as `floor_divide` does.

    Parameters
    ----------
    input, other : Tensor, array or number
        Shapes that broadcast.

    Examples
    --------
    >>> import nbnn
    >>> nbnn.fmod(nbnn.tensor([7.0, -7.0]), 4)
    tensor([ 3., -3.])
    """
    a, b = divisible("fmod", input, other)
    return (FMOD if a._dtype.is_floating_point else INT_FMOD)(a, b)


@takes_arrays
def remainder(input: Any, other: Any) -> Tensor:
    r"""The remainder of division downwards, :math:`y = a - b \lfloor a / b \rfloor`, with the sign of `other`.

    What ``%`` is in Python. Exactness, derivatives and errors are those of `fmod`.

    Parameters
    ----------
    input, other : Tensor, array or number
        Shapes that broadcast.

    Examples
    --------
    >>> import nbnn
    >>> nbnn.remainder(nbnn.tensor([7.0, -7.0]), 4)
    tensor([3., 1.])
    """
    a, b = divisible("remainder", input, other)
    return (REMAINDER if a._dtype.is_floating_point else INT_REMAINDER)(a, b)
