"""Three operands in one pass: lerp, addcmul, addcdiv."""

from __future__ import annotations

from typing import Any

from nbnn.autograd import Node
from nbnn.functional import _check
from nbnn.functional.arithmetic import div, mul, neg, rsub, sub
from nbnn.functional.promotion import Number, operands, scale
from nbnn.kernels import combination as K
from nbnn.op import Op, apply, takes_arrays
from nbnn.tensor import Tensor


def _lerp_grad(node: Node, g: Tensor) -> tuple:
    a, b, weight = node.saved
    return (
        mul(g, rsub(weight, 1.0)) if node.needs[0] else None,
        mul(g, weight) if node.needs[1] else None,
        mul(g, sub(b, a)) if node.needs[2] else None,
    )


def _addcmul_grad(node: Node, g: Tensor) -> tuple:
    (b, c), (value,) = node.saved, node.params
    step = g if value == 1 else mul(g, value)
    return g, mul(step, c) if node.needs[1] else None, mul(step, b) if node.needs[2] else None


def _addcdiv_grad(node: Node, g: Tensor) -> tuple:
    (b, c), (value,) = node.saved, node.params
    step = div(g if value == 1 else mul(g, value), c)
    return g, step, neg(mul(step, div(b, c))) if node.needs[2] else None


LERP = Op("lerp", K.lerp, saves_inputs=(0, 1, 2), grad=_lerp_grad)
LERP_SCALAR = Op("lerp", K.lerp_scalar, grad=lambda node, g: (mul(g, 1.0 - node.params[0]), mul(g, node.params[0])))
ADDCMUL = Op("addcmul", K.addcmul, saves_inputs=(1, 2), grad=_addcmul_grad)
ADDCDIV = Op("addcdiv", K.addcdiv, saves_inputs=(1, 2), grad=_addcdiv_grad)


@takes_arrays
def lerp(input: Tensor, end: Tensor, weight: Any) -> Tensor:
    """Linear interpolation, ``input + weight * (end - input)``; exactly `input` at weight 0 and `end` at 1.

    Parameters
    ----------
    input, end : Tensor or array of floating-point numbers of one dtype
    weight : number, Tensor or array
        Of the same dtype, or without axes; the three shapes broadcast.

    Raises
    ------
    ValueError
        If the shapes do not broadcast.
    TypeError
        If an operand is no Tensor or array of floating-point numbers, or the dtypes differ.

    Examples
    --------
    >>> import nbnn
    >>> nbnn.lerp(nbnn.tensor([0.0, 10.0]), nbnn.tensor([4.0, 20.0]), 0.25)
    tensor([ 1.0000, 12.5000])
    """
    tensors = {"input": input, "end": end}
    if isinstance(weight, Number):
        _check.floating("lerp", "input", input)
    elif _check.tensor("lerp", "weight", weight)._shape:
        tensors["weight"] = weight
    _check.same_dtype("lerp", **tensors)
    if isinstance(weight, Number):
        return apply(LERP_SCALAR, *operands("lerp", input, end), params=(float(weight),))
    made = operands("lerp", input, end, weight)
    _check.floating("lerp", "input", made[0])
    return apply(LERP, *made)


def _three(op: str, input: Any, first: Any, second: Any, value: Any) -> tuple[tuple[Tensor, ...], tuple]:
    """The three operands, in one type and one shape, and the factor."""
    for name, t in (("input", input), ("tensor1", first), ("tensor2", second)):
        _check.tensor(op, name, t)
    made = operands(op, input, first, second)
    _check.numeric(op, made[0])
    return made, (scale(op, "value", value, made[0]._dtype),)


@takes_arrays
def addcmul(input: Tensor, tensor1: Tensor, tensor2: Tensor, *, value: float = 1) -> Tensor:
    """``input + value * tensor1 * tensor2``, in one pass.

    Parameters
    ----------
    input, tensor1, tensor2 : Tensor or array
        Of shapes that broadcast.
    value : number
        An int where the operands hold integers.

    Raises
    ------
    ValueError
        If the shapes do not broadcast.
    TypeError
        If an operand is no Tensor or array, all hold bools, or `value` is a float for integers.

    Examples
    --------
    >>> import nbnn
    >>> nbnn.addcmul(nbnn.ones(2), nbnn.tensor([2.0, 3.0]), nbnn.tensor([4.0, 5.0]), value=0.5)
    tensor([5.0000, 8.5000])
    """
    made, params = _three("addcmul", input, tensor1, tensor2, value)
    return apply(ADDCMUL, *made, params=params)


@takes_arrays
def addcdiv(input: Tensor, tensor1: Tensor, tensor2: Tensor, *, value: float = 1) -> Tensor:
    """``input + value * tensor1 / tensor2``, in one pass; raises as `addcmul` does, and TypeError for integers.

    Parameters
    ----------
    input, tensor1, tensor2 : Tensor
        Of floating-point types, of shapes that broadcast.
    value : number
        Factor of the quotient.

    Examples
    --------
    >>> import nbnn
    >>> nbnn.addcdiv(nbnn.ones(2), nbnn.tensor([2.0, 3.0]), nbnn.tensor([4.0, 5.0]), value=2)
    tensor([2.0000, 2.2000])
    """
    made, params = _three("addcdiv", input, tensor1, tensor2, value)
    if not made[0]._dtype.is_floating_point:
        raise TypeError(f"addcdiv: operands must be floating-point numbers; got {made[0]._dtype!r}")
    return apply(ADDCDIV, *made, params=params)
