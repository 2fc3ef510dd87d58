"""NumPy arrays where Tensors are expected: how they come in, and how results go back."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from nbnn.tensor import Tensor, from_array


def to_tensors(op_name: str, values: tuple) -> tuple[tuple, bool]:
    """The values with NumPy arrays as Tensors, and whether there were arrays and no Tensor (so arrays go back)."""
    if values[0] is None:
        raise TypeError(f"{op_name}: `input` must be a Tensor or a NumPy array; got NoneType")
    converted = []
    arrays = tensors = 0
    for v in values:
        if isinstance(v, np.ndarray):
            arrays += 1
            converted.append(from_array(v, op_name))
        else:
            tensors += isinstance(v, Tensor)
            converted.append(v)
    for v in converted:
        if v is not None and not isinstance(v, Tensor):
            raise TypeError(f"{op_name}: inputs must be Tensors or NumPy arrays; got {type(v).__name__}")
    return tuple(converted), arrays > 0 and tensors == 0


def to_numpy(value: Any) -> Any:
    """A Tensor, or the Tensors in a tuple, as NumPy arrays."""
    if isinstance(value, tuple):
        return value._make(map(to_numpy, value)) if hasattr(value, "_make") else tuple(map(to_numpy, value))
    return value.numpy() if isinstance(value, Tensor) else value


_OTHER_NAMES = {"axis": "dim", "keepdims": "keepdim"}


def takes_arrays(function: Callable) -> Callable:
    """Let a public function that is written for Tensors take NumPy arrays and give arrays back.

    Arrays stand among the arguments, or in lists and tuples among them. What the function changes in place is changed
    in the array that was given, also where a copy had to stand in for it.
    """
    code = function.__code__
    takes_dim = "dim" in code.co_varnames[: code.co_argcount]
    rest = code.co_varnames[code.co_argcount + code.co_kwonlyargcount] if code.co_flags & inspect.CO_VARARGS else None

    @functools.wraps(function)
    def public(*args: Any, **kwargs: Any) -> Any:
        if kwargs and takes_dim and ("axis" in kwargs or "keepdims" in kwargs):  # NumPy's names
            kwargs = {_OTHER_NAMES.get(name, name): value for name, value in kwargs.items()}
        if kwargs and rest in kwargs:  # ``permute(dims=(1, 0))``
            args = (*args, kwargs.pop(rest))
        # the first argument decides, so that calls on Tensors pay for one type check
        if args and isinstance(args[0], Tensor):
            return function(*args, **kwargs)
        names = tuple(kwargs)
        values = (*args, *kwargs.values())
        given = [v for v in _members(values) if isinstance(v, np.ndarray)]
        if not given:
            return function(*args, **kwargs)
        as_numpy = not any(isinstance(v, Tensor) for v in _members(values))
        made: dict[int, Tensor] = {id(a): _from_argument(function, args, kwargs, a) for a in given}
        converted = [_exchanged(v, made) for v in values]
        result = function(*converted[: len(args)], **dict(zip(names, converted[len(args) :], strict=True)))
        for a in given:
            if made[id(a)]._version[0]:
                _write_back(function.__name__, a, made[id(a)])
        return to_numpy(result) if as_numpy else result

    return public


def _from_argument(function: Callable, args: tuple, kwargs: dict, array: np.ndarray) -> Tensor:
    """The array as a Tensor; where its type is none of ours, the refusal names the argument."""
    try:
        return from_array(array)
    except TypeError:
        bound = inspect.signature(function).bind_partial(*args, **kwargs).arguments
        name = next(n for n, v in bound.items() if any(m is array for m in _members((v,))) or v is array)
        message = f"{function.__name__}: `{name}` must have a dtype of numbers or bools; got {array.dtype}"
        raise TypeError(message) from None


def _members(values: tuple) -> Iterator[Any]:
    """The values, and those in the lists and tuples among them."""
    for v in values:
        if isinstance(v, (list, tuple)):
            yield from v
        else:
            yield v


def _exchanged(value: Any, made: dict[int, Tensor]) -> Any:
    """The Tensor that stands for an array; a list with such Tensors in it; anything else as it is."""
    if isinstance(value, np.ndarray):
        return made[id(value)]
    if isinstance(value, (list, tuple)) and any(isinstance(v, np.ndarray) for v in value):
        return [made.get(id(v), v) for v in value]
    return value


def _write_back(name: str, array: np.ndarray, changed: Tensor) -> None:
    """Put what was changed in place into the array, where a copy of it was changed."""
    data = changed.numpy()
    if not array.flags.writeable:
        raise ValueError(f"{name}: an array that is changed in place must be writable; got a read-only one")
    if not np.shares_memory(array, data):
        np.copyto(array, data)
