"""Arithmetic and comparison of Tensors, on shapes that broadcast."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import nbnn.device as _device
from nbnn import _layout, dtypes
from nbnn.autograd import Node
from nbnn.dtypes import result_type, result_type_scalar
from nbnn.functional import _check
from nbnn.functional.conversion import cast
from nbnn.functional.creation import full
from nbnn.functional.reduction import sum_to
from nbnn.functional.shape import broadcast_to
from nbnn.kernels import array as K
from nbnn.op import Op, apply, apply_binary, apply_unary, takes_arrays
from nbnn.tensor import Tensor, flat, from_array, make

Number = (bool, int, float, np.number, np.bool_)

# -- operands ------------------------------------------------------------------------------------------------------


def promoted(op: str, a: Any, b: Any) -> tuple[Tensor, Tensor]:
    """Two operands as Tensors of one type."""
    a = a if isinstance(a, Tensor) else _operand(op, a, b)
    b = b if isinstance(b, Tensor) else _operand(op, b, a)
    if a._dtype is not b._dtype:
        kind = _mixed_type(a, b)
        a, b = cast(a, kind), cast(b, kind)
    return a, b


def joint_shape(op: str, a: tuple[int, ...], b: tuple[int, ...]) -> tuple[int, ...]:
    """The shape that two shapes broadcast to."""
    if a == b or a[len(a) - len(b) :] == b:
        return a
    return _check.broadcast_shapes(op, a, b)


def _pair(op: str, a: Any, b: Any) -> tuple[Tensor, Tensor]:
    """Two operands as Tensors of one type, of shapes that broadcast."""
    a, b = promoted(op, a, b)
    if a._shape != b._shape:
        joint_shape(op, a._shape, b._shape)
    return a, b


def operands(op: str, a: Any, b: Any) -> tuple[Tensor, Tensor]:
    """Two operands as Tensors of one type and one shape."""
    a, b = promoted(op, a, b)
    if a._shape != b._shape:
        shape = joint_shape(op, a._shape, b._shape)
        a, b = broadcast_to(a, shape), broadcast_to(b, shape)
    return a, b


def _mixed_type(a: Tensor, b: Tensor) -> dtypes.dtype:
    """A 0-d operand gives way to one with axes, unless it is of a higher category (float over integer over bool)."""
    if bool(a._shape) != bool(b._shape):
        big, small = (a, b) if a._shape else (b, a)
        if category(big._dtype) >= category(small._dtype):
            return big._dtype
        return small._dtype
    return result_type(a._dtype, b._dtype)


def category(kind: dtypes.dtype) -> int:
    """0 for bool, 1 for integers, 2 for floating-point numbers."""
    return 2 if kind.is_floating_point else 0 if kind is dtypes.bool_ else 1


def _operand(op: str, value: Any, other: Any) -> Tensor:
    if isinstance(value, np.ndarray):
        return from_array(value)
    if isinstance(value, Number):
        kind = result_type_scalar(other._dtype, value.item() if isinstance(value, np.generic) else value)
        return full((), value.item() if isinstance(value, np.generic) else value, dtype=kind, device=other.device)
    raise TypeError(f"{op}: operands must be Tensors, arrays or numbers; got {type(value).__name__}")


def as_number(x: Any, value: Any) -> Any:
    """`value` as a Python number, if it is a number and combines with Tensor `x` without changing its type."""
    if isinstance(value, Tensor) or not isinstance(x, Tensor) or not isinstance(value, Number):
        return None
    number = value.item() if isinstance(value, np.generic) else value
    return float(number) if x._dtype.is_floating_point and abs(number) < 1 << 53 else None


# -- the operations ------------------------------------------------------------------------------------------------
# Each stands twice: an Op over operands of one shape that lie row by row in memory, and its `wide` form, which reads
# operands of other shapes and layouts where they are; its gradients are summed over what was repeated.


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
    ) -> None:
        self.name = name
        self.kernel = kernel
        self.slopes = slopes
        saves: Any = {"saves_inputs": saves_inputs, "saves_outputs": saves_outputs}
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
        data = _device.empty(plan.numel, self._kind(kind).storage, where)
        if plan.geometry is None or where.type != "cpu":
            whole = (flat(broadcast_to(a.detach(), shape)), flat(broadcast_to(b.detach(), shape)))
            _device.launch(self.kernel, (data,), whole, params, plan.numel)
        else:
            x, x_at = (flat(a), 0) if plan.copied[0] else (a._data, a._offset)
            y, y_at = (flat(b), 0) if plan.copied[1] else (b._data, b._offset)
            _layout.combine(plan, self.kernel, data, x, x_at, y, y_at, params)
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


ADD = Binary("add", K.add, (lambda p, g: g, lambda p, g: g if p[0] == 1 else mul(g, p[0])))
MUL: Binary = Binary("mul", K.mul, (lambda p, g, a, b: MUL(g, b), lambda p, g, a, b: MUL(g, a)), saves_inputs=(0, 1))
DIV: Binary = Binary(
    "div", K.div, (lambda p, g, b, y: DIV(g, b), lambda p, g, b, y: _quotient_grad(g, b, y)), (1,), (0,)
)
OR = Binary("add", K.logical_or)
AND = Binary("mul", K.logical_and)
ADD_SCALAR = Op("add", K.add_scalar, grad=lambda node, g: (g,))
MUL_SCALAR: Op = Op("mul", K.mul_scalar, grad=lambda node, g: (apply(MUL_SCALAR, g, params=node.params),))
DIV_SCALAR: Op = Op("div", K.div_scalar, grad=lambda node, g: (apply(DIV_SCALAR, g, params=node.params),))
RDIV_SCALAR: Op = Op(
    "div", K.rdiv_scalar, saves_inputs=(0,), saves_outputs=(0,), grad=lambda node, g: (_quotient_grad(g, *node.saved),)
)


def _quotient_grad(g: Tensor, b: Tensor, y: Tensor) -> Tensor:
    """d(a / b)/db = -y / b"""
    return neg(div(mul(g, y), b))


def _factor(op: str, kind: dtypes.dtype, alpha: Any) -> Any:
    """`alpha` as a float for floating-point operands, as an int for integers."""
    if kind.is_floating_point:
        return float(alpha)
    if not hasattr(alpha, "__index__"):
        raise TypeError(f"{op}: `alpha` (={alpha!r}) must be an int for integer operands; got {type(alpha).__name__}")
    return int(alpha)


@takes_arrays
def add(input: Any, other: Any, *, alpha: float = 1) -> Tensor:
    """``input + alpha * other``, broadcasting.

    Parameters
    ----------
    input, other : Tensor, array or number
        Shapes that broadcast: sizes equal or 1 on each axis from the end.
    alpha : number

    Returns
    -------
    Tensor of the broadcast shape and the promoted type.

    Raises
    ------
    ValueError
        If the shapes do not broadcast.
    TypeError
        If an operand is no number, array or Tensor.

    Examples
    --------
    >>> import nbnn
    >>> nbnn.add(nbnn.tensor([1.0, 2.0]), 10)
    tensor([11., 12.])
    """
    if (number := as_number(input, other)) is not None:
        return apply_unary(ADD_SCALAR, input, (number * alpha,))
    a, b = _pair("add", input, other)
    if a._dtype is dtypes.bool_:
        return OR(a, b)
    return ADD(a, b, (_factor("add", a._dtype, alpha),))


@takes_arrays
def sub(input: Any, other: Any, *, alpha: float = 1) -> Tensor:
    """``input - alpha * other``, broadcasting; raises as `add` does, and TypeError for two bools.

    Examples
    --------
    >>> import nbnn
    >>> nbnn.sub(nbnn.tensor([1.0, 2.0]), 1)
    tensor([0., 1.])
    """
    if (number := as_number(input, other)) is not None:
        return apply_unary(ADD_SCALAR, input, (-number * alpha,))
    a, b = _pair("sub", input, other)
    if a._dtype is dtypes.bool_:
        raise TypeError("sub: bool Tensors cannot be subtracted; use != for the exclusive or")
    return ADD(a, b, (-_factor("sub", a._dtype, alpha),))


@takes_arrays
def mul(input: Any, other: Any) -> Tensor:
    """``input * other``, broadcasting; raises as `add` does.

    Examples
    --------
    >>> import nbnn
    >>> nbnn.mul(nbnn.tensor([1.0, 2.0]), nbnn.tensor([[2.0], [3.0]]))
    tensor([[2., 4.],
            [3., 6.]])
    """
    if (number := as_number(input, other)) is not None:
        return apply_unary(MUL_SCALAR, input, (number,))
    a, b = _pair("mul", input, other)
    return AND(a, b) if a._dtype is dtypes.bool_ else MUL(a, b)


@takes_arrays
def div(input: Any, other: Any) -> Tensor:
    """``input / other``, broadcasting; integers give the default floating type. Raises as `add` does.

    Division by zero gives infinity or NaN.

    Examples
    --------
    >>> import nbnn
    >>> nbnn.div(nbnn.tensor([1.0, 2.0]), 4)
    tensor([0.2500, 0.5000])
    """
    if (number := as_number(input, other)) is not None:
        return apply_unary(DIV_SCALAR, input, (number,))
    if (number := as_number(other, input)) is not None:
        return apply_unary(RDIV_SCALAR, other, (number,))
    a, b = _pair("div", input, other)
    if not a._dtype.is_floating_point:
        kind = dtypes.get_default_dtype()
        a, b = cast(a, kind), cast(b, kind)
    return DIV(a, b)


@takes_arrays
def neg(input: Tensor) -> Tensor:
    """``-input``.

    Examples
    --------
    >>> import nbnn
    >>> nbnn.neg(nbnn.tensor([1.0, -2.0]))
    tensor([-1.,  2.])
    """
    return mul(_check.tensor("neg", "input", input), -1)


# -- comparison ----------------------------------------------------------------------------------------------------


def _comparison(name: str, kernel: Any, swap: bool, doc: str) -> Callable:
    op = Binary(name, kernel, kinds=(dtypes.bool_,))

    def compare(input: Any, other: Any) -> Tensor:
        a, b = _pair(name, input, other)
        return op(b, a) if swap else op(a, b)

    compare.__name__ = compare.__qualname__ = name
    compare.__doc__ = doc
    return takes_arrays(compare)


_COMPARE = """``input {sign} other`` element by element, broadcasting, as bools; raises as `add` does.

    Examples
    --------
    >>> import nbnn
    >>> nbnn.{name}(nbnn.tensor([1, 2, 3]), 2)
    tensor({result})
    """

eq = _comparison("eq", K.eq, False, _COMPARE.format(sign="==", name="eq", result="[False,  True, False]"))
ne = _comparison("ne", K.ne, False, _COMPARE.format(sign="!=", name="ne", result="[ True, False,  True]"))
lt = _comparison("lt", K.lt, False, _COMPARE.format(sign="<", name="lt", result="[ True, False, False]"))
le = _comparison("le", K.le, False, _COMPARE.format(sign="<=", name="le", result="[ True,  True, False]"))
gt = _comparison("gt", K.lt, True, _COMPARE.format(sign=">", name="gt", result="[False, False,  True]"))
ge = _comparison("ge", K.le, True, _COMPARE.format(sign=">=", name="ge", result="[False,  True,  True]"))
