"""Arithmetic, comparison, reductions and conversion of Tensors."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

import nbnn.device as _device
from nbnn import dtypes
from nbnn.autograd import Node
from nbnn.device import as_device
from nbnn.dtypes import as_dtype, result_type, result_type_scalar
from nbnn.functional import _check
from nbnn.functional.creation import as_tensor, empty, fill_, full, legacy_tensor, ones, tensor, zeros
from nbnn.functional.shape import RESHAPE, broadcast_to
from nbnn.kernels import _reduce
from nbnn.kernels import array as K
from nbnn.op import Op, apply, takes_arrays
from nbnn.tensor import Tensor, flat, from_array, make, view

__all__ = [
    "add", "argmax", "as_tensor", "cast", "clone", "div", "empty", "eq", "fill_", "full", "ge", "gt", "le",
    "legacy_tensor", "lt", "matmul", "mean", "mul", "ne", "neg", "ones", "operands", "promoted", "sub", "sum",
    "tensor", "to", "zeros",
]  # fmt: skip

Number = (bool, int, float, np.number, np.bool_)

# -- conversion ----------------------------------------------------------------------------------------------------


def _cast_forward(x: Tensor, params: tuple) -> tuple[Tensor]:
    kind: dtypes.dtype = params[0]
    data, source = flat(x), x._dtype
    n = x.numel()
    where = x.device
    if source.is_half:
        wide = _device.empty(n, np.dtype(np.uint32), where)
        _device.launch(K.half_to_float if source is dtypes.float16 else K.bfloat_to_float, (wide,), (data,), (), n)
        data, source = wide.view(np.float32), dtypes.float32
    if kind.is_half:
        if source is not dtypes.float32:
            data = _cast_storage(data, n, dtypes.float32, where)
        out = _device.empty(n, kind.storage, where)
        to_half = K.float_to_half if kind is dtypes.float16 else K.float_to_bfloat
        _device.launch(to_half, (out,), (data.view(np.uint32),), (), n)
    elif source is kind and x._dtype.is_half:
        out = data
    else:
        out = _cast_storage(data, n, kind, where)
    return (make(out, x._shape, kind),)


def _cast_storage(data: Any, n: int, kind: dtypes.dtype, where: Any) -> Any:
    out = _device.empty(n, kind.storage, where)
    _device.launch(K.truth if kind is dtypes.bool_ else K.cast, (out,), (data,), (), n)
    return out


CAST = Op("cast", forward=_cast_forward, grad=lambda node, g: (cast(g, node.params[1]),))


def cast(x: Tensor, kind: dtypes.dtype) -> Tensor:
    """`x` with elements of another type; itself where it has that type."""
    return x if x._dtype is kind else apply(CAST, x, params=(kind, x._dtype))


def _clone_forward(x: Tensor, params: tuple) -> tuple[Tensor]:
    if not x.is_contiguous():
        return (make(flat(x), x._shape, x._dtype),)  # making it contiguous is the copy
    n = x.numel()
    out = make(_device.empty(n, x._dtype.storage, x.device), x._shape, x._dtype)
    _device.launch(K.cast, (out._data,), (flat(x),), (), n)
    return (out,)


CLONE = Op("clone", forward=_clone_forward, grad=lambda node, g: (g,))


def clone(input: Tensor) -> Tensor:
    """A copy of the memory that stays in the graph.

    Examples
    --------
    >>> import nbnn
    >>> nbnn.ones(2).clone()
    tensor([1., 1.])
    """
    return apply(CLONE, _check.tensor("clone", "input", input))


def _move_forward(x: Tensor, params: tuple) -> tuple[Tensor]:
    data = _device.from_host(_device.to_host(flat(x)), params[0])
    return (make(data, x._shape, x._dtype),)


MOVE: Op = Op("to", forward=_move_forward, grad=lambda node, g: (apply(MOVE, g, params=node.params[::-1]),))


def to(input: Tensor, *args: Any, device: Any = None, dtype: Any = None, copy: bool = False, **_: Any) -> Tensor:
    """`input` on another device or of another type; itself where nothing changes.

    ``x.to(nbnn.float64)``, ``x.to("cuda")``, ``x.to("cuda", nbnn.float16)`` or ``x.to(other)`` for the type and
    device of another Tensor.

    Raises
    ------
    TypeError
        If an argument names neither a device nor a dtype.

    Examples
    --------
    >>> import nbnn
    >>> nbnn.ones(2).to(nbnn.int64)
    tensor([1, 1])
    """
    for a in args:
        if isinstance(a, Tensor):
            device, dtype = a.device, a._dtype
        elif isinstance(a, (dtypes.dtype, type, np.dtype)):
            dtype = a
        elif isinstance(a, bool) or a is None:
            continue
        else:
            device = a
    kind = input._dtype if dtype is None else as_dtype(dtype, "to")
    out = cast(input, kind)
    where = input.device if device is None else as_device(device)
    if where.type != input.device.type:
        out = apply(MOVE, out, params=(where, input.device))
    return clone(out) if copy and out is input else out


# -- arithmetic ----------------------------------------------------------------------------------------------------


def promoted(op: str, a: Any, b: Any) -> tuple[Tensor, Tensor]:
    """Two operands as Tensors of one type."""
    a = a if isinstance(a, Tensor) else _operand(op, a, b)
    b = b if isinstance(b, Tensor) else _operand(op, b, a)
    if a._dtype is not b._dtype:
        kind = _mixed_type(a, b)
        a, b = cast(a, kind), cast(b, kind)
    return a, b


def operands(op: str, a: Any, b: Any) -> tuple[Tensor, Tensor]:
    """Two operands as Tensors of one type and one shape."""
    a, b = promoted(op, a, b)
    if a._shape != b._shape:
        shape = _check.broadcast_shapes(op, a._shape, b._shape)
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


def _scalar(x: Any, value: Any) -> Any:
    """`value` as a Python number, if it is a number and combines with Tensor `x` without changing its type."""
    if not isinstance(x, Tensor) or not isinstance(value, Number):
        return None
    number = value.item() if isinstance(value, np.generic) else value
    return float(number) if x._dtype.is_floating_point and abs(number) < 1 << 53 else None


ADD = Op("add", K.add, grad=lambda node, g: (g, g if node.params[0] == 1 else mul(g, node.params[0])))
ADD_SCALAR = Op("add", K.add_scalar, grad=lambda node, g: (g,))
MUL = Op("mul", K.mul, saves_inputs=(0, 1), grad=lambda node, g: _mul_grad(node, g))
MUL_SCALAR: Op = Op("mul", K.mul_scalar, grad=lambda node, g: (apply(MUL_SCALAR, g, params=node.params),))
DIV = Op("div", K.div, saves_inputs=(1,), saves_outputs=(0,), grad=lambda node, g: _div_grad(node, g))
DIV_SCALAR: Op = Op("div", K.div_scalar, grad=lambda node, g: (apply(DIV_SCALAR, g, params=node.params),))
RDIV_SCALAR: Op = Op(
    "div", K.rdiv_scalar, saves_inputs=(0,), saves_outputs=(0,), grad=lambda node, g: (_quotient_grad(g, *node.saved),)
)
OR = Op("add", K.logical_or)
AND = Op("mul", K.logical_and)


def _mul_grad(node: Node, g: Tensor) -> tuple:
    a, b = node.saved
    return (apply(MUL, g, b) if node.needs[0] else None, apply(MUL, g, a) if node.needs[1] else None)


def _quotient_grad(g: Tensor, b: Tensor, y: Tensor) -> Tensor:
    """d(a / b)/db = -y / b"""
    return neg(div(mul(g, y), b))


def _div_grad(node: Node, g: Tensor) -> tuple:
    b, y = node.saved
    return (apply(DIV, g, b) if node.needs[0] else None, _quotient_grad(g, b, y) if node.needs[1] else None)


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
    if (number := _scalar(input, other)) is not None:
        return apply(ADD_SCALAR, input, params=(number * alpha,))
    a, b = operands("add", input, other)
    if a._dtype is dtypes.bool_:
        return apply(OR, a, b)
    return apply(ADD, a, b, params=(alpha,))


@takes_arrays
def sub(input: Any, other: Any, *, alpha: float = 1) -> Tensor:
    """``input - alpha * other``, broadcasting; raises as `add` does, and TypeError for two bools.

    Examples
    --------
    >>> import nbnn
    >>> nbnn.sub(nbnn.tensor([1.0, 2.0]), 1)
    tensor([0., 1.])
    """
    if (number := _scalar(input, other)) is not None:
        return apply(ADD_SCALAR, input, params=(-number * alpha,))
    a, b = operands("sub", input, other)
    if a._dtype is dtypes.bool_:
        raise TypeError("sub: bool Tensors cannot be subtracted; use != for the exclusive or")
    return apply(ADD, a, b, params=(-alpha,))


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
    if (number := _scalar(input, other)) is not None:
        return apply(MUL_SCALAR, input, params=(number,))
    a, b = operands("mul", input, other)
    return apply(AND if a._dtype is dtypes.bool_ else MUL, a, b)


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
    if (number := _scalar(input, other)) is not None:
        return apply(DIV_SCALAR, input, params=(number,))
    if (number := _scalar(other, input)) is not None:
        return apply(RDIV_SCALAR, other, params=(number,))
    a, b = operands("div", input, other)
    if not a._dtype.is_floating_point:
        kind = dtypes.get_default_dtype()
        a, b = cast(a, kind), cast(b, kind)
    return apply(DIV, a, b)


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


def matmul(input: Any, other: Any) -> Tensor:
    """The product of matrices, batches of matrices and vectors: see `nbnn.functional.linear.matmul`."""
    from nbnn.functional.linear import matmul as product

    return product(input, other)


# -- comparison ----------------------------------------------------------------------------------------------------


def _comparison(name: str, kernel: Any, swap: bool, doc: str) -> Callable:
    op = Op(name, kernel, dtypes=(dtypes.bool_,))

    def compare(input: Any, other: Any) -> Tensor:
        a, b = operands(name, input, other)
        return apply(op, b, a) if swap else apply(op, a, b)

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

# -- reductions ----------------------------------------------------------------------------------------------------


def _axes_last(x: Tensor, axes: tuple[int, ...]) -> tuple[Any, int, int, int]:
    """The elements as (outer, length, inner) with `axes` in the middle, moved to the end where they are scattered."""
    shape = x._shape
    first, last = min(axes), max(axes)
    if last - first + 1 != len(axes):
        order = [k for k in range(len(shape)) if k not in axes] + list(axes)
        strides = x.stride()
        x = view(x, tuple(shape[k] for k in order), tuple(strides[k] for k in order), x._offset)
        length = math.prod(shape[k] for k in axes)
        return flat(x), math.prod(shape) // max(length, 1), length, 1
    return flat(x), math.prod(shape[:first]), math.prod(shape[first : last + 1]), math.prod(shape[last + 1 :])


def _sum_forward(x: Tensor, params: tuple) -> tuple[Tensor]:
    axes, out_shape = params
    kind = x._dtype
    if 0 in x._shape or not axes:
        if axes:
            return (full(out_shape, 0, dtype=kind, device=x.device),)
        return (make(_clone_forward(x, ())[0]._data, out_shape, kind),)  # a result never shares its input's memory
    data, outer, length, inner = _axes_last(x, axes)
    while True:
        blocks = -(-length // _reduce.BLOCK)
        out = _device.empty(outer * blocks * inner, kind.storage, x.device)
        rows = outer * blocks * inner
        work, fast = min(length, _reduce.BLOCK), _reduce.sum_blocks_fast
        _device.launch(_reduce.sum_blocks, (out,), (data,), (length, inner), rows, work, fast)
        data, length = out, blocks
        if blocks == 1:
            return (make(data, out_shape, kind),)


def _sum_grad(node: Node, g: Tensor) -> tuple:
    axes = node.params[0]
    shape = node.input_shapes[0]
    kept = tuple(1 if k in axes else n for k, n in enumerate(shape))
    return (broadcast_to(apply(RESHAPE, g, params=(kept,)), shape),)


SUM = Op("sum", forward=_sum_forward, grad=_sum_grad)


def _reduced(shape: tuple[int, ...], axes: tuple[int, ...], keepdim: bool) -> tuple[int, ...]:
    return tuple(1 if k in axes else n for k, n in enumerate(shape) if keepdim or k not in axes)


@takes_arrays
def sum(input: Tensor, dim: Any = None, keepdim: bool = False, *, dtype: Any = None) -> Tensor:
    """The sum of all elements, or along the axes `dim`.

    Blocks of a fixed length are summed in a fixed tree, so the result is the same, to the last bit, on any number of
    threads, and its rounding error grows with the logarithm of the length.

    Parameters
    ----------
    input : Tensor
        Integers and bools are summed in int64.
    dim : int or tuple, optional
    keepdim : bool
        Keep the summed axes with size 1.
    dtype : dtype, optional
        Convert to this type first.

    Raises
    ------
    IndexError
        If an axis does not exist.

    Examples
    --------
    >>> import nbnn
    >>> nbnn.ones(2, 3).sum(1)
    tensor([3., 3.])
    """
    x = _check.tensor("sum", "input", input)
    axes = _check.dims("sum", dim, x.dim())
    kind = as_dtype(dtype, "sum") if dtype is not None else x._dtype if x._dtype.is_floating_point else dtypes.int64
    x = cast(x, kind)
    if kind.is_half:
        return cast(sum(cast(x, dtypes.float32), dim, keepdim), kind)
    axes = axes if x._shape else ()
    return apply(SUM, x, params=(axes, _reduced(x._shape, axes, keepdim)))


@takes_arrays
def mean(input: Tensor, dim: Any = None, keepdim: bool = False, *, dtype: Any = None) -> Tensor:
    """The mean of all elements, or along the axes `dim`: the sum over the count; NaN for an empty axis.

    Raises
    ------
    TypeError
        If the elements are not floating-point numbers.
    IndexError
        If an axis does not exist.

    Examples
    --------
    >>> import nbnn
    >>> nbnn.tensor([[1.0, 2.0], [3.0, 4.0]]).mean(0)
    tensor([2., 3.])
    """
    x = _check.tensor("mean", "input", input)
    if dtype is not None:
        x = cast(x, as_dtype(dtype, "mean"))
    _check.floating("mean", "input", x)
    axes = _check.dims("mean", dim, x.dim())
    count = math.prod(x._shape[k] for k in axes) if x._shape else 1
    return div(sum(x, dim, keepdim), float(count))


@takes_arrays
def argmax(input: Tensor, dim: int | None = None, keepdim: bool = False) -> Tensor:
    """Where the largest value stands: in the flattened Tensor, or along an axis. The first one wins; NaN is largest.

    Raises
    ------
    ValueError
        If there is nothing to choose from.
    IndexError
        If the axis does not exist.

    Examples
    --------
    >>> import nbnn
    >>> nbnn.tensor([[1.0, 5.0], [7.0, 2.0]]).argmax(1)
    tensor([1, 0])
    """
    x = _check.tensor("argmax", "input", input)
    axes = tuple(range(x.dim())) if dim is None else (_check.dim("argmax", dim, x.dim()),)
    axes = axes if x._shape else ()
    if any(x._shape[k] == 0 for k in axes):
        raise ValueError(f"argmax: `input` must not be empty along the axis; got shape {x._shape}")
    x = cast(x, dtypes.float32) if x._dtype.is_half else x
    data, outer, length, inner = _axes_last(x, axes) if axes else (flat(x), 1, 1, 1)
    out = _device.empty(outer * inner, dtypes.int64.storage, x.device)
    _device.launch(K.argmax, (out,), (data,), (length, inner), outer * inner, length)
    return make(out, _reduced(x._shape, axes, keepdim), dtypes.int64)
