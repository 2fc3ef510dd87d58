"""Powers: of Tensors, of numbers, by numbers."""

from __future__ import annotations

from typing import Any

import numpy as np

from nbnn import dtypes
from nbnn.autograd import Node
from nbnn.functional._binary import Binary
from nbnn.functional.arithmetic import add, mul, sub
from nbnn.functional.conversion import cast, clone
from nbnn.functional.creation import full
from nbnn.functional.logic import logical_or
from nbnn.functional.pointwise import RECIPROCAL, SQUARE
from nbnn.functional.promotion import Number, operands, promoted, result_type
from nbnn.kernels import power as K
from nbnn.op import Op, apply, apply_unary, takes_arrays
from nbnn.tensor import Tensor


def _slope(a: Tensor, b: Tensor) -> Tensor:
    """b a^(b - 1)"""
    return apply(POW_SLOPE, *operands("pow", a, b))


def _by_log(a: Tensor, b: Tensor, times: int) -> Tensor:
    """a^b (ln a)^times"""
    return pow(a, b) if times == 0 else apply(POW_LOG, *operands("pow", a, b), params=(times,))


def _slope_grad(node: Node, g: Tensor) -> tuple:
    """By a: b (b - 1) a^(b - 2); by b: a^(b - 1) (1 + b ln a)."""
    a, b = node.saved
    c = sub(b, 1.0)
    by_a = mul(g, mul(b, _slope(a, c))) if node.needs[0] else None
    return by_a, mul(g, add(pow(a, c), mul(b, _by_log(a, c, 1)))) if node.needs[1] else None


def _log_grad(node: Node, g: Tensor) -> tuple:
    """By a: a^(b - 1) (b ln a + n) (ln a)^(n - 1); by b: one more logarithm."""
    (a, b), (n,) = node.saved, node.params
    by_a = None
    if node.needs[0]:
        c = sub(b, 1.0)
        by_a = mul(g, add(mul(b, _by_log(a, c, n)), mul(_by_log(a, c, n - 1), float(n))))
    return by_a, mul(g, _by_log(a, b, n + 1)) if node.needs[1] else None


def _by_number(name: str, kernel: Any, work: int) -> Op:
    """An op of one input whose exponent is its parameter."""

    def grad(node: Node, g: Tensor) -> tuple:
        (exponent,) = node.params
        if exponent == 0.0:
            return (full(g._shape, 0, dtype=g._dtype, device=g.device),)
        return (mul(g, mul(_to_number(node.saved[0], exponent - 1.0), exponent)),)

    return Op(name, kernel, saves_inputs=(0,), grad=grad, work=lambda *_: work)


POW_SLOPE = Op("pow_slope", K.power_slope, saves_inputs=(0, 1), grad=_slope_grad, work=lambda *_: 32)
POW_LOG = Op("pow_log", K.power_log, saves_inputs=(0, 1), grad=_log_grad, work=lambda *_: 48)
POW = Binary(
    "pow",
    K.power,
    (lambda p, g, a, b: mul(g, _slope(a, b)), lambda p, g, a, b: mul(g, _by_log(a, b, 1))),
    saves_inputs=(0, 1),
)
POW_INTEGERS = Binary("pow", K.integer_power)
POW_SCALAR = _by_number("pow", K.power_scalar, 32)
CUBE = Op("pow", K.cube, saves_inputs=(0,), grad=lambda node, g: (mul(g, mul(_to_number(node.saved[0], 2.0), 3.0)),))
ROOT = Op(
    "pow",
    K.root,
    saves_inputs=(0,),
    grad=lambda node, g: (mul(g, mul(_to_number(node.saved[0], -0.5), 0.5)),),
    work=lambda *_: 4,
)
# Exponents that have a shorter way to a result at least as near (pow of float32: 1.3 ns an element, the square 0.1).
_SHORT = {2.0: SQUARE, 3.0: CUBE, 0.5: ROOT, -1.0: RECIPROCAL}


def _to_number(x: Tensor, exponent: float) -> Tensor:
    """x^exponent of floating-point numbers."""
    if exponent == 1.0:
        return clone(x)
    short = _SHORT.get(exponent)
    return apply(POW_SCALAR, x, params=(exponent,)) if short is None else apply_unary(short, x)


@takes_arrays
def pow(input: Any, exponent: Any) -> Tensor:
    r"""Power, :math:`y = a^b`, broadcasting.

    Of floating-point numbers as IEEE 754 has it: 1 where a is 1 or b is 0, NaN for a negative a with a fraction in b.
    A power of integers is an integer, and wraps around where it does not fit; where a negative exponent stands in a
    Tensor of integers, the power is cut to its integer part. The derivative by a is 0 where b is 0, that by b is 0
    where a is 0 and b is not negative.

    Parameters
    ----------
    input, exponent : Tensor, array or number
        a and b, at least one of them a Tensor or array, of shapes that broadcast: sizes equal or 1 on each axis from
        the end.

    Returns
    -------
    Tensor of the broadcast shape and the promoted type.

    Raises
    ------
    ValueError
        If the shapes do not broadcast, or for integers to a negative number.
    TypeError
        If an operand is no number, array or Tensor, or both are Tensors of bools.

    Examples
    --------
    >>> import nbnn
    >>> nbnn.pow(nbnn.tensor([1.0, 2.0, 3.0]), 2)
    tensor([1., 4., 9.])
    >>> 2 ** nbnn.tensor([1, 2, 3])
    tensor([2, 4, 8])
    """
    if isinstance(input, Tensor) and isinstance(exponent, Number) and not isinstance(exponent, Tensor):
        number = exponent.item() if isinstance(exponent, np.generic) else exponent
        kind = result_type(input, number)
        if kind.is_floating_point:
            return _to_number(cast(input, kind), float(number))
        if kind is dtypes.bool_:
            return logical_or(input, not number)
        if number < 0:
            raise ValueError(f"pow: `exponent` (={number}) must not be negative for integers; got {input._dtype!r}")
    a, b = promoted("pow", input, exponent)
    if a._dtype is dtypes.bool_:
        raise TypeError("pow: `input` and `exponent` must not both hold bools")
    return POW(a, b) if a._dtype.is_floating_point else POW_INTEGERS(a, b)
