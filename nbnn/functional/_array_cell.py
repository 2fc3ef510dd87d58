"""A recurrent cell that its user compiled: a function of arrays, beside another one for its gradient."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from nbnn.autograd import Function, once_differentiable
from nbnn.tensor import Tensor, from_array


class ArrayCell(Function):
    """``forward(x, h, *weights)`` on the memory of Tensors, and ``backward(grad, y, x, h, *weights)``."""

    @staticmethod
    def forward(ctx: Any, functions: tuple[Callable, Callable | None], *tensors: Tensor) -> Tensor:  # type: ignore[override]
        """One step: the next state of each sequence."""
        tensors = tuple(t.detach().contiguous() for t in tensors)  # one layout: one compile
        y = _checked("forward", functions[0](*[t.numpy() for t in tensors]), tensors[1])
        ctx.functions = functions
        ctx.save_for_backward(y, *tensors)
        return y

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple:  # type: ignore[override]
        """The gradients of the input, the state and the weights."""
        function = ctx.functions[1]
        if function is None:
            raise RuntimeError("RNN: this `cell` has no gradient; pass cell=(forward, backward) to train it")
        y, *tensors = ctx.saved_tensors
        found = function(*[t.detach().contiguous().numpy() for t in (grad, y, *tensors)])
        if not isinstance(found, tuple) or len(found) != len(tensors):
            raise ValueError(f"RNN: `cell`'s backward must return a tuple of {len(tensors)} gradients; got {found!r}")
        return (None, *[_checked("backward", g, t) for g, t in zip(found, tensors, strict=True)])


def _checked(which: str, array: Any, like: Tensor) -> Tensor:
    """What a user's function returned, which must be an array of the shape of `like`, in its type."""
    if not isinstance(array, np.ndarray) or array.dtype.kind not in "fiu" or array.shape != like._shape:
        got = f"{array.shape} of {array.dtype}" if isinstance(array, np.ndarray) else type(array).__name__
        raise ValueError(
            f"RNN: `cell`'s {which} must return an array of real numbers of shape {like._shape}; got {got}"
        )
    return from_array(array.astype(like._dtype.numpy, copy=False))  # Numba makes float32 and a literal into float64
