"""The operands of an operation: numbers, arrays and Tensors of several types made Tensors of one type.

The rule itself stands in `nbnn.dtypes`; every function of two or more operands gets them from here.
"""

from __future__ import annotations

import functools
import math
from typing import Any

import numpy as np

from nbnn import dtypes
from nbnn.functional import _check
from nbnn.functional.conversion import cast
from nbnn.functional.creation import LARGEST, full
from nbnn.functional.shape import broadcast_to
from nbnn.tensor import Tensor, from_array

Number = (bool, int, float, np.integer, np.floating, np.bool_)  # the real ones


def result_type(*tensors: Any) -> dtypes.dtype:
    """The dtype of an arithmetic operation on these operands.

    Tensors with axes decide; a Tensor without axes, and after it a Python number, has a say only where its category
    (bool < integers < floats < complex numbers) is higher than theirs. A Python float stands for the default floating
    type, and a complex number for the complex type with such parts; it leaves the width of floating-point Tensors.

    Parameters
    ----------
    *tensors : Tensor, array or number

    Raises
    ------
    TypeError
        If an operand is none of these.

    Examples
    --------
    >>> import nbnn
    >>> nbnn.result_type(nbnn.tensor([1, 2], dtype=nbnn.int8), 5), nbnn.result_type(nbnn.tensor([1, 2]), 0.5)
    (nbnn.int8, nbnn.float32)
    """
    return _joint_type([_as_operand("result_type", v) for v in tensors])


def _joint_type(values: list) -> dtypes.dtype:
    """The type of a result of Tensors and Python numbers."""
    groups: list[dtypes.dtype | None] = [None, None, None]
    for v in values:
        where, kind = (0 if v._shape else 1, v._dtype) if isinstance(v, Tensor) else (2, dtypes.of_number(v))
        known = groups[where]
        groups[where] = kind if known is None else dtypes.promote_types(known, kind)
    return dtypes.combined(*groups)


def _as_operand(op: str, value: Any) -> Any:
    """A Tensor, or a Python number."""
    if isinstance(value, Tensor):
        return value
    if isinstance(value, np.ndarray):
        return from_array(value, op)
    if isinstance(value, (*Number, complex, np.complexfloating)):
        number = value.item() if isinstance(value, np.generic) else value
        if isinstance(number, (int, float, complex)):
            return number
    raise TypeError(f"{op}: operands must be Tensors, arrays or numbers; got {type(value).__name__}")


def promoted(op: str, *values: Any, real: bool = False) -> tuple[Tensor, ...]:
    """Operands as Tensors of one type: with `real`, of the default floating type where it would be an integer one."""
    made = [v if isinstance(v, Tensor) else _as_operand(op, v) for v in values]
    first = made[0]
    for v in made:
        if not isinstance(v, Tensor) or v._dtype is not first._dtype or (real and not v._dtype.is_differentiable):
            break
    else:
        return tuple(made)
    tensors = [v for v in made if isinstance(v, Tensor)]
    kind, where = _joint_type(made), tensors[0].device if tensors else None
    if real and not kind.is_differentiable:  # at once: -3 beside uint8 is no uint8
        kind = dtypes.get_default_dtype()
    return tuple([cast(v, kind) if isinstance(v, Tensor) else _filled(op, v, kind, where) for v in made])


def _filled(op: str, number: Any, kind: dtypes.dtype, where: Any) -> Tensor:
    if kind.is_complex:
        return full((), number, dtype=kind, device=where)
    if kind.is_floating_point:
        value = float(number)
        beyond = abs(value) > LARGEST.get(kind, math.inf)
        value = math.copysign(math.inf, value) if beyond else value
        if where is None or where.type == "cpu":
            return _constant(value, math.copysign(1.0, value), kind, ())
        return full((), value, dtype=kind, device=where)
    if kind is dtypes.bool_:
        return full((), number, dtype=kind, device=where)
    if not -(1 << 63) <= number < 1 << 63:
        raise ValueError(f"{op}: the number {number} does not fit in 64 bits")
    bits = 8 * kind.itemsize  # as sums and products of integers do, a number too large for the type wraps around
    wrapped = int(number) % (1 << bits)
    wrapped -= (1 << bits) * (kind.is_signed and wrapped >> (bits - 1))
    if where is None or where.type == "cpu":
        return _constant(wrapped, 1.0, kind, ())
    return full((), wrapped, dtype=kind, device=where)


@functools.lru_cache(maxsize=256)
def _constant(number: Any, sign: float, kind: dtypes.dtype, shape: tuple[int, ...]) -> Tensor:
    """A number as an operand, which nobody writes into; the sign tells 0.0 and -0.0 apart, which are equal keys."""
    return full(shape, number, dtype=kind)


_REPEATED = 1024  # elements up to which a number is written out: 1.5 microseconds less than an operand that broadcasts


def _beside(number: float, x: Tensor) -> Tensor:
    """A number as the operand beside `x`, of its type."""
    if type(x._data) is not np.ndarray:
        return full((), number, dtype=x._dtype, device=x.device)
    small = x._strides is None and x._data.size <= _REPEATED
    return _constant(number, math.copysign(1.0, number), x._dtype, x._shape if small else ())


def joint_shape(op: str, a: tuple[int, ...], b: tuple[int, ...]) -> tuple[int, ...]:
    """The shape that two shapes broadcast to."""
    if a == b or a[len(a) - len(b) :] == b:
        return a
    return _check.broadcast_shapes(op, a, b)


def pair(op: str, a: Any, b: Any, real: bool = False) -> tuple[Tensor, Tensor]:
    """Two operands as Tensors of one type (as `promoted` makes it), of shapes that broadcast."""
    if not (isinstance(a, Tensor) and isinstance(b, Tensor) and a._dtype is b._dtype):
        if (number := as_number(a, b)) is not None:
            return a, _beside(number, a)
        if (number := as_number(b, a)) is not None:
            return _beside(number, b), b
        a, b = promoted(op, a, b, real=real)
    elif real and not a._dtype.is_differentiable:
        a, b = promoted(op, a, b, real=real)
    if a._shape != b._shape:
        joint_shape(op, a._shape, b._shape)
    return a, b


def operands(op: str, *values: Any) -> tuple[Tensor, ...]:
    """Operands as Tensors of one type and one shape."""
    first = values[0]
    if isinstance(first, Tensor):
        for v in values:
            if not isinstance(v, Tensor) or v._dtype is not first._dtype or v._shape != first._shape:
                break
        else:
            return values
    made = promoted(op, *values)
    shape = made[0]._shape
    for t in made:
        if t._shape != shape:
            shape = _check.broadcast_shapes(op, *[t._shape for t in made])
            return tuple([broadcast_to(t, shape) for t in made])
    return made


def as_number(x: Any, value: Any) -> Any:
    """`value` as a Python number, if it is a number and combines with Tensor `x` without changing its type."""
    if isinstance(value, Tensor) or not isinstance(x, Tensor) or not isinstance(value, Number):
        return None
    number = value.item() if isinstance(value, np.generic) else value
    if number == 0 and math.copysign(1.0, number) < 0:  # a plan is looked up by its params, and 0.0 == -0.0
        return None
    return float(number) if x._dtype.is_floating_point and abs(number) < 1 << 53 else None


def scale(op: str, name: str, value: Any, kind: dtypes.dtype) -> Any:
    """A factor such as `alpha` for Tensors of type `kind`: a float for inexact ones, an int for integers."""
    if type(value) is int:
        return float(value) if kind.is_differentiable else value
    number = value.item() if isinstance(value, (np.generic, Tensor)) else value
    if not isinstance(number, (bool, int, float)):
        raise TypeError(f"{op}: `{name}` (={value!r}) must be a number; got {type(value).__name__}")
    if isinstance(number, bool) and name == "alpha" and kind is not dtypes.bool_:
        raise TypeError(f"{op}: `{name}` (={number}) must be a number for operands of type {kind!r}; got bool")
    if kind.is_differentiable:
        return float(number)
    if isinstance(number, float):
        raise TypeError(f"{op}: `{name}` (={number}) must be an int for operands of type {kind!r}")
    return int(number)
