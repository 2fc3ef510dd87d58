"""Elementwise operations of two operands whose shapes broadcast.

Each stands twice: an Op over operands of one shape that lie row by row in memory, and its `wide` form, which reads
operands of other shapes and layouts where they are; its gradients are summed over what was repeated.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import nbnn.device as _device
from nbnn import _layout, dtypes
from nbnn.autograd import Node
from nbnn.functional.conversion import cast
from nbnn.functional.promotion import joint_shape
from nbnn.functional.reduction import sum_to
from nbnn.functional.shape import broadcast_to
from nbnn.kernels._cpu import Kernel
from nbnn.op import Op, apply, apply_binary
from nbnn.tensor import Tensor, flat, make


class Binary:
    """An elementwise operation of two operands: `same` for equal shapes, `wide` for those that broadcast.

    `slopes` gives the gradient of the first input and that of the second, from (params, grad, *saved).
    """

    def __init__(
        self,
        name: str,
        kernel: Any,
        slopes: tuple[Callable, Callable] | None = None,
        saves_inputs: tuple[int, ...] = (),
        saves_outputs: tuple[int, ...] = (),
        kinds: tuple | None = None,
        takes_complex: Any = False,
    ) -> None:
        self.name = name
        self.kernel = kernel
        self.complex_kernel = takes_complex if isinstance(takes_complex, Kernel) else kernel
        self.slopes = slopes
        saves: Any = {"saves_inputs": saves_inputs, "saves_outputs": saves_outputs, "takes_complex": takes_complex}
        grad = None if slopes is None else self._grad
        self.same = Op(name, kernel, grad=grad, dtypes=kinds, **saves)
        self.wide = Op(name, forward=self._wide_forward, grad=grad, dtypes=kinds, **saves)

    def __call__(self, a: Tensor, b: Tensor, params: tuple = ()) -> Tensor:
        if a._strides is None is b._strides and a._shape == b._shape:
            return apply_binary(self.same, a, b, params)
        return apply(self.wide, a, b, params=params)

    def _wide_forward(self, a: Tensor, b: Tensor, params: tuple) -> tuple[Tensor]:
        kind = a._dtype
        if isinstance(a._data, np.ndarray) is not isinstance(b._data, np.ndarray):
            raise RuntimeError(f"{self.name}: all Tensors must lie on one device; got {a.device}, {b.device}")
        if kind.is_half:
            (out,) = self._wide_forward(cast(a, dtypes.float32), cast(b, dtypes.float32), params)
            return (cast(out, self._kind(kind)),)
        shape = joint_shape(self.name, a._shape, b._shape)
        plan = _layout.join(shape, a._shape, a._strides, b._shape, b._strides)
        where = a.device
        kernel = self.complex_kernel if kind.is_complex else self.kernel
        data = _device.empty(plan.numel, self._kind(kind).storage, where)
        if plan.geometry is None or where.type != "cpu":
            whole = (flat(broadcast_to(a.detach(), shape)), flat(broadcast_to(b.detach(), shape)))
            _device.launch(kernel, (data,), whole, params, plan.numel)
        else:
            x, x_at = (flat(a), 0) if plan.copied[0] else (a._data, a._offset)
            y, y_at = (flat(b), 0) if plan.copied[1] else (b._data, b._offset)
            _layout.combine(plan, kernel, data, x, x_at, y, y_at, params)
        return (make(data, shape, self._kind(kind)),)

    def _kind(self, kind: dtypes.dtype) -> dtypes.dtype:
        return kind if self.wide.dtypes is None else self.wide.dtypes[0]

    def _grad(self, node: Node, g: Tensor) -> tuple:
        assert self.slopes is not None
        saved = node.saved if node.op.saves_inputs else ()
        (first, second), (a, b), params = self.slopes, node.input_shapes, node.params
        return (
            None if node.edges[0] is None else sum_to(first(params, g, *saved), a),
            None if node.edges[1] is None else sum_to(second(params, g, *saved), b),
        )
