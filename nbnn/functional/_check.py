"""The wording of every user error: op, argument in backticks with its value, rule, what was given.

A check raises a builtin exception: ValueError for shapes and values, TypeError for types and dtypes, IndexError for
indices. Nothing unchecked reaches a kernel, which has no bounds checks of its own.
"""

from __future__ import annotations

import math
import operator
import warnings
from collections.abc import Iterable
from typing import Any

import numpy as np

from nbnn import device, dtypes
from nbnn.functional._rules import REFUSALS
from nbnn.kernels._cpu import CHUNK_WORK
from nbnn.kernels.loss import find_bad_index, first_bad_index
from nbnn.tensor import Tensor, flat, make


class Accepted(dict):
    """What a check worked out for arguments that passed it, by all that it looks at: shapes, dtypes, plain numbers.

    Nothing that was refused stands here.
    """

    def add(self, key: tuple, value: Any) -> Any:
        """Keep `value`, and no more than 1024 of them at a time; returns it."""
        if len(self) == 1024:
            self.clear()
        self[key] = value
        return value


def shapes_and_types(*tensors: Any) -> tuple:
    """A key for `Accepted`."""
    return tuple([(t._shape, t._dtype) if isinstance(t, Tensor) else type(t) for t in tensors])


def tensor(op: str, name: str, value: Any) -> Tensor:
    """`value`, which must be a Tensor."""
    if not isinstance(value, Tensor):
        raise TypeError(f"{op}: `{name}` must be a Tensor; got {type(value).__name__}")
    return value


def real(op: str, name: str, value: Any) -> Tensor:
    """`value`, which must be a Tensor of numbers that have an order: no complex ones."""
    if tensor(op, name, value)._dtype.is_complex:
        raise TypeError(f"{op}: `{name}` must be real; got {value._dtype!r}; take .real, .imag or abs()")
    return value


def complex_numbers(op: str, value: Any) -> Tensor:
    """`value`, the input, which must be a Tensor of complex numbers."""
    if not tensor(op, "input", value)._dtype.is_complex:
        raise TypeError(f"{op}: `input` must be complex; got {value._dtype!r}")
    return value


def matrices(op: str, value: Any) -> Tensor:
    """`value`, the input, which must be a Tensor of two axes or more."""
    if tensor(op, "input", value).dim() < 2:
        raise ValueError(f"{op}: `input` must have at least 2 axes; got shape {value._shape}")
    return value


def floating(op: str, name: str, t: Tensor) -> None:
    """`t` must be a Tensor of floating-point numbers."""
    tensor(op, name, t)
    if not t._dtype.is_floating_point:
        raise TypeError(f"{op}: `{name}` must have a floating-point dtype; got {t._dtype!r}")


def inexact(op: str, name: str, t: Tensor) -> None:
    """`t` must be a Tensor of floating-point or complex numbers."""
    tensor(op, name, t)
    if not t._dtype.is_differentiable:
        raise TypeError(f"{op}: `{name}` must have a floating-point dtype, or a complex one; got {t._dtype!r}")


def numeric(op: str, t: Tensor) -> None:
    """`t` must not hold bools."""
    if t._dtype is dtypes.bool_:
        raise TypeError(f"{op}: operands must be numbers; got nbnn.bool")


def index_dtype(op: str, name: str, t: Any, *kinds: dtypes.dtype) -> None:
    """`t` must be a Tensor of one of these types of integers."""
    if tensor(op, name, t)._dtype not in kinds:
        allowed = " or ".join(map(repr, kinds))
        raise TypeError(f"{op}: `{name}` must hold integers of type {allowed}; got {t._dtype!r}")


def same_dtype(op: str, **tensors: Tensor | None) -> None:
    """All Tensors given must have one dtype."""
    kinds = {tensor(op, name, t)._dtype for name, t in tensors.items() if t is not None}
    if len(kinds) > 1:
        got = ", ".join(f"`{name}` {t._dtype!r}" for name, t in tensors.items() if t is not None)
        raise TypeError(f"{op}: all inputs must have one dtype; got {got}")


_INT_LIMIT = 1 << 31


def integer(op: str, name: str, value: Any, minimum: int | None = None) -> int:
    """`value` as an int of at least `minimum`; a bool is not an int here."""
    if type(value) is int and -_INT_LIMIT < value < _INT_LIMIT and (minimum is None or value >= minimum):
        return value
    if isinstance(value, bool):
        raise TypeError(f"{op}: `{name}` (={value}) must be an int; got bool")
    try:
        number = operator.index(value)
    except TypeError:
        raise TypeError(f"{op}: `{name}` (={value!r}) must be an int; got {type(value).__name__}") from None
    if abs(number) >= _INT_LIMIT:
        raise ValueError(f"{op}: `{name}` (={number}) must be less than 2**31 in size")
    if minimum is not None and number < minimum:
        raise ValueError(f"{op}: `{name}` (={number}) must be at least {minimum}")
    return number


def number(op: str, name: str, value: Any) -> float:
    """`value` as a float."""
    if type(value) is float:
        return value
    if isinstance(value, Tensor) and value.numel() == 1:
        value = value.item()
    if isinstance(value, (str, bytes)) or not hasattr(value, "__float__"):
        raise TypeError(f"{op}: `{name}` (={value!r}) must be a number; got {type(value).__name__}")
    try:
        return float(value)
    except TypeError:  # an array of several elements
        raise TypeError(f"{op}: `{name}` must be a number; got {type(value).__name__}") from None


def flag(op: str, name: str, value: Any) -> bool:
    """`value`, which must be True or False."""
    if value is True or value is False:
        return value
    if isinstance(value, np.bool_):
        return bool(value)
    raise TypeError(f"{op}: `{name}` (={value!r}) must be a bool; got {type(value).__name__}")


def probability(op: str, name: str, value: Any) -> float:
    """`value` as a float in [0, 1]."""
    p = number(op, name, value)
    if not 0.0 <= p <= 1.0:
        raise ValueError(f"{op}: `{name}` (={value}) must be between 0 and 1")
    return p


def ntuple(op: str, name: str, value: Any, n: int, minimum: int) -> tuple[int, ...]:
    """`value` as n ints of at least `minimum`: one int stands for all axes."""
    if isinstance(value, Iterable) and not isinstance(value, (str, bytes, Tensor)):
        values = tuple(value)
        if len(values) == 1:
            values = values * n
        if len(values) != n:
            raise ValueError(f"{op}: `{name}` (={tuple(values)}) must be an int or {n} ints")
    else:
        values = (value,) * n
    return tuple(integer(op, name, v, minimum) for v in values)


def dim(op: str, value: Any, ndim: int, name: str = "dim") -> int:
    """`value` as an axis in [0, ndim); negative ones count from the end."""
    span = max(ndim, 1)
    try:
        axis = integer(op, name, value)
    except ValueError:  # far beyond every axis, which is the same mistake as just beyond
        axis = span
    if not -span <= axis < span:
        raise IndexError(f"{op}: `{name}` (={value}) must be in [{-span}, {span - 1}] for a Tensor of {ndim} axes")
    return axis % span


def dims(op: str, value: Any, ndim: int, name: str = "dim") -> tuple[int, ...]:
    """`value` as distinct axes; None is all of them."""
    if value is None:
        return tuple(range(ndim))
    if isinstance(value, (tuple, list)):
        axes = tuple(dim(op, v, ndim, name) for v in value)
        if len(set(axes)) != len(axes):
            raise ValueError(f"{op}: `{name}` (={tuple(value)}) must not name an axis twice")
        return axes if axes else tuple(range(ndim))
    return (dim(op, value, ndim, name),)


def sizes(op: str, name: str, value: Any) -> tuple[int, ...]:
    """`value` as the sizes of a shape: non-negative, with a product that memory could hold."""
    if not isinstance(value, Iterable) or isinstance(value, (str, bytes)):
        value = (value,)
    shape = []
    for v in value:
        if isinstance(v, bool):
            raise TypeError(f"{op}: `{name}` (={v}) must hold ints; got bool")
        try:
            shape.append(operator.index(v))
        except TypeError:
            raise TypeError(f"{op}: `{name}` must hold ints; got {v!r} ({type(v).__name__})") from None
        if shape[-1] < 0:
            raise ValueError(f"{op}: `{name}` (={tuple(shape)}) must not hold negative sizes")
    if math.prod(shape) >= 1 << 60:
        raise ValueError(f"{op}: `{name}` (={tuple(shape)}) has more elements than memory can hold")
    return tuple(shape)


def broadcast_shapes(op: str, *shapes: tuple[int, ...]) -> tuple[int, ...]:
    """The shape that all `shapes` broadcast to: axes aligned at the end, sizes equal or 1."""
    if shapes and shapes.count(shapes[0]) == len(shapes):
        return shapes[0]
    out: list[int] = []
    for k in range(1, max(map(len, shapes), default=0) + 1):
        present = {s[-k] for s in shapes if len(s) >= k} - {1}
        if len(present) > 1:
            got = " and ".join(map(str, shapes))
            raise ValueError(f"{op}: the shapes must broadcast: sizes equal or 1 on each axis from the end; got {got}")
        out.append(present.pop() if present else 1)
    return tuple(reversed(out))


REDUCTIONS = ("none", "mean", "sum")


def one_of(op: str, name: str, value: Any, allowed: tuple[str, ...]) -> None:
    """A word among `allowed`."""
    if value not in allowed:
        raise ValueError(f"{op}: `{name}` (={value!r}) must be one of {', '.join(map(repr, allowed))}")


def mixed_dtype(op: str, input: Tensor, **tensors: Tensor | None) -> None:
    """The Tensors given must have the dtype of `input`; beside a half they may all be float32."""
    given = [t for t in tensors.values() if t is not None]
    if input._dtype.is_half and given and all(t._dtype is dtypes.float32 for t in given):
        return
    same_dtype(op, input=input, **tensors)


def reduction(
    op: str, reduction: str, size_average: bool | None = None, reduce: bool | None = None, old: bool = True
) -> str:
    """The reduction, also from the old arguments `size_average` and `reduce` and (`old`) by its old name."""
    if size_average is not None or reduce is not None:
        average = True if size_average is None else size_average
        chosen = "none" if reduce is not None and not reduce else "mean" if average else "sum"
        message = f"{op}: `size_average` and `reduce` are old spellings; use reduction={chosen!r}"
        warnings.warn(message, DeprecationWarning, stacklevel=4)
        return chosen
    if old and reduction == "elementwise_mean":
        warnings.warn(f"{op}: reduction='elementwise_mean' is an old spelling; use 'mean'", UserWarning, stacklevel=4)
        return "mean"
    if reduction not in REDUCTIONS:
        raise ValueError(f"{op}: `reduction` (={reduction!r}) must be one of {', '.join(map(repr, REDUCTIONS))}")
    return reduction


def rule(op: str, family: str, refusal: int, **values: Any) -> None:
    """Raise the refusal of a geometry rule, with the values that its wording names."""
    if refusal:
        raise ValueError(f"{op}: {REFUSALS[family][refusal].format(**values)}")


def indices(
    op: str, name: str, index: Tensor, size: int, ignore_index: int | None = None, along: int | None = None
) -> Tensor:
    """The integers of `index` (int64) must lie in [0, size) or be `ignore_index`; `along` is the axis they stand for.

    Returns the index to work with. On the CPU that is `index`, and what is out of range is refused here. A GPU is not
    waited for: there it is a copy with 0 in the place of what is out of range, refused when the host next waits.

    Raises
    ------
    IndexError
        Naming the first position that does not.
    """
    ignored = ignore_index if ignore_index is not None else 0  # where 0 is a good index, ignoring it changes nothing
    storage, where = flat(index), (op, name, index._shape, size, along)
    safe = device.watch_indices(storage, size, ignored, _out_of_range, where) if size > 0 else None
    if safe is not None:
        return make(safe, index._shape, index._dtype)
    host = device.to_host(storage)
    n = host.size
    if n == 0:
        return index
    if ignore_index is None and size == 0:
        position = 0
    elif n <= CHUNK_WORK:
        position = first_bad_index(host, 0, n, size, ignored)
    else:
        found = device.empty(-(-n // CHUNK_WORK), dtypes.int64.storage, device.CPU)
        device.launch(find_bad_index, (found,), (host,), (size, ignored), n)
        position = next((p for p in found.tolist() if p >= 0), -1)
    if position >= 0:
        raise _out_of_range(*where, position, host[position])
    return index


def _out_of_range(
    op: str, name: str, shape: tuple[int, ...], size: int, along: int | None, position: int, value: int
) -> IndexError:
    at = ", ".join(map(str, unravel(position, shape)))
    of_axis = "" if along is None else f" for axis {along}"
    return IndexError(f"{op}: `{name}`[{at}] (={value}) must be in [0, {size - 1}]{of_axis}")


def unravel(position: int, shape: tuple[int, ...]) -> tuple[int, ...]:
    """The index of a flat position."""
    at = []
    for n in reversed(shape):
        at.append(position % n)
        position //= n
    return tuple(reversed(at))
