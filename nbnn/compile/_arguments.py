"""What a call inside compiled code is checked for: types while it compiles, values while it runs, worded by `_check`.

A check of values cannot format a message in nopython mode cheaply (an f-string of a shape costs seconds to compile), so
the compiled code raises one of the classes below with the bare numbers, and the class words the refusal in Python when
the exception leaves the compiled code: it runs the eager check again and gives back what that raises.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any

import numpy as np
from numba import types
from numba.core.errors import TypingError
from numba.extending import overload
from numba.np.numpy_support import as_dtype

from nbnn import _jit
from nbnn.compile._link import nopython
from nbnn.functional import _check
from nbnn.tensor import Tensor, from_array

# -- refusals while compiling --------------------------------------------------------------------------------------


def compiles(function: Callable) -> Callable[[Callable], Callable]:
    """Register what `function` is in compiled code: decorates a function that gets types and returns an implementation.

    The builtin exceptions of its checks become Numba's TypingError, which shows the line of the user's call.
    """

    def register(choose: Callable) -> Callable:
        @functools.wraps(choose)
        def checked(*args: Any, **kwargs: Any) -> Any:
            try:
                return choose(*args, **kwargs)
            except (TypeError, ValueError) as error:
                raise TypingError(str(error)) from error

        # Numba compares the signature with the implementation's, which has no annotations
        names = [p.replace(annotation=p.empty) for p in inspect.signature(choose).parameters.values()]
        checked.__signature__ = inspect.Signature(names)  # type: ignore[attr-defined]
        # constants keep their values: `return_indices` and `reduction` decide the type of the result
        overload(function, prefer_literal=True, target="cpu")(checked)
        return choose

    return register


def constant(value: Any) -> Any:
    """The value of an argument left out or written as a constant, else its type."""
    if isinstance(value, types.Omitted):
        return value.value
    if isinstance(value, types.Literal):
        return value.literal_value
    return None if isinstance(value, types.NoneType) else value


def known(op: str, name: str, value: Any, kinds: tuple[type, ...]) -> Any:
    """The constant `value`, on which the type of the result depends."""
    found = constant(value)
    if not isinstance(found, kinds):
        raise TypeError(f"{op}: `{name}` must be a constant in compiled code, where it decides the type of the result")
    return found


def stand_in(op: str, name: str, kind: Any) -> Tensor:
    """An empty Tensor of the dtype and the number of axes of an array type, for the eager checks of types."""
    if not isinstance(kind, types.Array):
        raise TypeError(f"{op}: `{name}` must be an array; got {kind}")
    t = from_array(np.empty((0,) * kind.ndim, as_dtype(kind.dtype)))
    if t._dtype.is_half:
        raise TypeError(f"{op}: `{name}` of {t._dtype!r} must be converted to float32: Numba cannot compute with it")
    return t


def floating_arrays(op: str, input: Any, **others: Any) -> None:
    """`input` must be an array of float32 or float64, and the others, where not None, of the same."""
    tensors = {name: stand_in(op, name, kind) for name, kind in others.items() if constant(kind) is not None}
    _check.floating(op, "input", first := stand_in(op, "input", input))
    _check.same_dtype(op, input=first, **tensors)


def axes(op: str, name: str, kind: Any, allowed: tuple[int, ...], rule: str) -> None:
    """The array must have one of the `allowed` numbers of axes."""
    if kind.ndim not in allowed:
        raise ValueError(f"{op}: `{name}` must have {rule}; got an array of {kind.ndim} axes")


def pair_of(op: str, name: str, kind: Any) -> Callable:
    """The nopython function that makes two ints of an argument of this type: an int, or a tuple of one or two."""
    value = constant(kind)
    items = value.types if isinstance(value, types.BaseTuple) else value
    if not isinstance(items, tuple):
        integer_type(op, name, kind)
        return _both
    if len(items) not in (1, 2):
        raise ValueError(f"{op}: `{name}` must be an int or 2 ints; got {len(items)} ints")
    for item in items:
        integer_type(op, name, item)
    return _single if len(items) == 1 else _pair


def integer_type(op: str, name: str, kind: Any) -> None:
    """The argument must be an int; a bool is none."""
    value = constant(kind)
    if isinstance(value, (bool, float, str)):
        _check.integer(op, name, value)
    if not isinstance(value, (int, types.Integer)):
        raise TypeError(f"{op}: `{name}` must be an int; got {kind}")


@_jit.shared
def _both(value):  # type: ignore[no-untyped-def]
    return np.int64(value), np.int64(value)


@_jit.shared
def _single(value):  # type: ignore[no-untyped-def]
    return np.int64(value[0]), np.int64(value[0])


@_jit.shared
def _pair(value):  # type: ignore[no-untyped-def]
    return np.int64(value[0]), np.int64(value[1])


# -- refusals while running ----------------------------------------------------------------------------------------

OPS = ("linear", "conv2d", "max_pool2d", "cross_entropy")
LINEAR, CONV2D, MAX_POOL2D, CROSS_ENTROPY = range(4)
ARGUMENTS = ("kernel_size", "stride", "padding", "dilation", "groups", "ignore_index")
KERNEL_SIZE, STRIDE, PADDING, DILATION, GROUPS, IGNORE_INDEX = range(6)


def raised(check: Callable, *args: Any, **kwargs: Any) -> Exception:
    """What the eager check raises."""
    try:
        check(*args, **kwargs)
    except (ValueError, TypeError, IndexError) as error:
        return error.with_traceback(None)
    return RuntimeError(f"{check.__name__}{args} passes")


class ShapesError(ValueError):
    """The refusal of a geometry rule; `values` are those that its wording names."""

    names: tuple[str, ...] = ()
    family = ""

    def __new__(cls, op: int, refusal: int, *values: Any) -> Any:
        named = dict(zip(cls.names, values, strict=True))
        return raised(_check.rule, OPS[op], cls.family, refusal, **named)


class IntegerError(ValueError):
    """An int that is too small or too large."""

    def __new__(cls, op: int, argument: int, value: int, minimum: int) -> Any:
        return raised(_check.integer, OPS[op], ARGUMENTS[argument], value, minimum)


@nopython
def check_integer(op, argument, value, minimum):  # type: ignore[no-untyped-def]
    """Refuse what `_check.integer` refuses."""
    if value < minimum or value >= 1 << 31:
        raise IntegerError(op, argument, value, minimum)


@nopython
def check_pair(op, argument, values, minimum):  # type: ignore[no-untyped-def]
    """Refuse what `_check.ntuple` refuses."""
    check_integer(op, argument, values[0], minimum)
    check_integer(op, argument, values[1], minimum)


# -- arrays --------------------------------------------------------------------------------------------------------


def flat(x):  # type: ignore[no-untyped-def]
    """The elements of an array as kernels take them: in one axis, next to each other, writable in type."""
    raise NotImplementedError  # compiled code only


@overload(flat)
def _flat(x):  # type: ignore[no-untyped-def]
    if isinstance(x, types.NoneType):
        return lambda x: None
    if x.layout != "C":
        return lambda x: np.ascontiguousarray(x).reshape(x.size)
    if not x.mutable or not x.aligned:
        return lambda x: x.copy().reshape(x.size)
    return lambda x: x.reshape(x.size)


def shape_of(x):  # type: ignore[no-untyped-def]
    """The shape of an array as a rule takes it: None of None, and one axis where there is none."""
    raise NotImplementedError  # compiled code only


@overload(shape_of)
def _shape_of(x):  # type: ignore[no-untyped-def]
    if isinstance(x, types.NoneType):
        return lambda x: None
    return (lambda x: x.shape) if x.ndim else (lambda x: (1,))


def shaped(values, shape):  # type: ignore[no-untyped-def]
    """Flat `values` in a shape; a scalar where that has no axes."""
    raise NotImplementedError  # compiled code only


@overload(shaped)
def _shaped(values, shape):  # type: ignore[no-untyped-def]
    if len(shape) == 0:
        return lambda values, shape: values[0]
    return lambda values, shape: values.reshape(shape)
