"""What the functions of one element have in common: their ops, made of a function, its slope and its curvature."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from nbnn.autograd import Node
from nbnn.dtypes import bool_, float64, get_default_dtype, int64
from nbnn.functional import _check
from nbnn.functional.array import cast, mul
from nbnn.kernels._cpu import Kernel
from nbnn.op import Op, apply
from nbnn.tensor import Tensor


def elementwise(name: str, function: Kernel, slope: Kernel, curvature: Kernel | None = None, work: int = 16) -> Op:
    """The op of ``function(x, *params)`` with ``slope(grad, x, *params)`` and ``curvature(x, *params)``.

    The gradient of the slope by `x` is grad * curvature; without a curvature it is zero everywhere.
    """
    bend = None if curvature is None else Op(f"{name}_curvature", curvature, work=lambda *_: work)

    def slope_grad(node: Node, gg: Tensor) -> tuple:
        g, x = node.saved
        by_x = mul(mul(gg, g), apply(bend, x, params=node.params)) if bend is not None and node.needs[1] else None
        return apply(backward, gg, x, params=node.params), by_x

    def grad(node: Node, g: Tensor) -> tuple:
        return (apply(backward, g, node.saved[0], params=node.params),)

    backward = Op(f"{name}_backward", slope, saves_inputs=(0, 1), grad=slope_grad, work=lambda *_: work)
    return Op(name, function, saves_inputs=(0,), grad=grad, work=lambda *_: work)


def overwritten(name: str, function: Callable, input: Any, *args: Any) -> Tensor:
    """`input`, overwritten with ``function(input, *args)``."""
    from nbnn.functional.inplace import before, write

    x = _check.tensor(name, "input", input)
    return write(f"{name}_", x, function(before(x), *args))


def floating(op: str, input: Any) -> Tensor:
    """`input`, which must be a floating-point Tensor (arrays have become Tensors before)."""
    _check.floating(op, "input", input)
    return input


def bound(op: str, name: str, value: Any, input: Any) -> float:
    """A number to compare the elements of `input` with: without its fraction, and in range, where they are integers."""
    number = _check.number(op, name, value)
    if not isinstance(input, Tensor) or input._dtype.is_differentiable or input._dtype is bool_:
        return number
    limits = np.iinfo(input._dtype.storage)
    if not limits.min <= number <= limits.max:
        raise ValueError(f"{op}: `{name}` (={value}) must be within {input._dtype!r}, the type of `input`")
    return float(int(number))


def numbers(op: str, input: Any, function: Callable) -> Tensor | None:
    """``function(input)`` through float64 in the type of `input`, if it holds integers; None for floating Tensors."""
    if _check.real(op, "input", input)._dtype.is_floating_point:
        return None
    _check.numeric(op, input)
    return cast(function(cast(input, float64)), input._dtype)


def whole(op: str, function: Callable, **tensors: Tensor | None) -> Tensor | None:
    """``function(*tensors)`` through float64 in their type, if the first holds integers; else None.

    float64 holds all integers up to 2**53.
    """
    first = next(iter(tensors.values()))
    if not isinstance(first, Tensor) or first._dtype.is_differentiable:
        return None
    _check.same_dtype(op, **tensors)
    _check.numeric(op, first)
    return cast(
        cast(function(*[None if t is None else cast(t, float64) for t in tensors.values()]), int64), first._dtype
    )


def from_integers(input: Any) -> Any:
    """Integers become the default floating type; arrays, floating and complex Tensors pass."""
    if isinstance(input, Tensor) and not input._dtype.is_differentiable:
        return cast(input, get_default_dtype())
    return input
