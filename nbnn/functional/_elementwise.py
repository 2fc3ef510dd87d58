"""What the functions of one element have in common: their ops, made of a function, its slope and its curvature."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from nbnn.autograd import Node
from nbnn.dtypes import get_default_dtype
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


def from_integers(input: Any) -> Any:
    """Integers become the default floating type; arrays and floating Tensors pass."""
    if isinstance(input, Tensor) and not input._dtype.is_floating_point:
        return cast(input, get_default_dtype())
    return input
