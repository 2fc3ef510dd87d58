"""Sums, means and the place of the largest element; and what else Tensor needs, under one name."""

from __future__ import annotations

import functools
import math
from typing import Any

import nbnn.device as _device
from nbnn import dtypes
from nbnn.dtypes import as_dtype
from nbnn.functional import _check
from nbnn.functional.arithmetic import add, div, mul, neg, sub
from nbnn.functional.comparison import eq, ge, gt, le, lt, ne
from nbnn.functional.conversion import CLONE, cast, clone, to
from nbnn.functional.creation import as_tensor, empty, fill_, full, legacy_tensor, ones, tensor, zeros
from nbnn.functional.promotion import operands, promoted
from nbnn.functional.reduction import sum_over
from nbnn.kernels import array as K
from nbnn.op import takes_arrays
from nbnn.tensor import Tensor, flat, make, view

__all__ = [
    "CLONE", "add", "argmax", "as_tensor", "cast", "clone", "div", "empty", "eq", "fill_", "full", "ge",
    "gt", "le", "legacy_tensor", "lt", "matmul", "mean", "mul", "ne", "neg", "ones", "operands", "promoted", "sub",
    "sum", "tensor", "to", "zeros",
]  # fmt: skip


def matmul(input: Any, other: Any) -> Tensor:
    """The product of matrices, batches of matrices and vectors: see `nbnn.functional.linear.matmul`."""
    from nbnn.functional.linear import matmul as product

    return product(input, other)


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


def _reduced(shape: tuple[int, ...], axes: tuple[int, ...], keepdim: bool) -> tuple[int, ...]:
    return tuple([1 if k in axes else n for k, n in enumerate(shape) if keepdim or k not in axes])


def _axes(op: str, shape: tuple[int, ...], dim: Any, keepdim: bool) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """The axes that `dim` names (none of a 0-d Tensor), and the shape without them."""
    axes = _check.dims(op, dim, len(shape))
    axes = axes if shape else ()
    return axes, _reduced(shape, axes, keepdim)


_known_axes = functools.lru_cache(maxsize=1024)(_axes)


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
    plain = type(dim) is int or dim is None  # what can be looked up: a bool or a float would pass for an int
    axes, shape = (_known_axes if plain else _axes)("sum", x._shape, dim, keepdim)
    kind = as_dtype(dtype, "sum") if dtype is not None else x._dtype if x._dtype.is_floating_point else dtypes.int64
    return sum_over(cast(x, kind), axes, shape)


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
    axes, shape = _axes("mean", x._shape, dim, keepdim)
    count = math.prod([x._shape[k] for k in axes])
    return div(sum_over(x, axes, shape), float(count))


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
