"""Joining Tensors: along an axis they have, or along a new one."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

import nbnn.device as _device
from nbnn import _layout, dtypes
from nbnn.functional import _check
from nbnn.functional.conversion import cast
from nbnn.functional.indexing import narrow
from nbnn.functional.shape import reshape, unsqueeze
from nbnn.op import Op, apply, to_numpy
from nbnn.tensor import Tensor, from_array, make


def _cat_forward(*inputs: Any) -> tuple[Tensor]:
    *tensors, params = inputs
    (axis,) = params
    first = tensors[0]
    total = sum(x._shape[axis] for x in tensors)
    shape = (*first._shape[:axis], total, *first._shape[axis + 1 :])
    out = make(_device.empty(math.prod(shape), first._dtype.storage, first.device), shape, first._dtype)
    at, steps = 0, _layout.row_major(shape)
    for x in tensors:
        n = x._shape[axis]
        _layout.copy(x._shape, out._data, steps, at * steps[axis], x._data, x.stride(), x._offset)
        at += n
    return (out,)


def _cat_grad(node: Any, grad: Tensor) -> tuple:
    (axis,) = node.params
    grads, at = [], 0
    for shape, needed in zip(node.input_shapes, node.needs, strict=True):
        grads.append(narrow(grad, axis, at, shape[axis]) if needed else None)
        at += shape[axis]
    return tuple(grads)


CAT = Op("cat", forward=_cat_forward, grad=_cat_grad, takes_complex=True)


def _sequence(op: str, tensors: Any) -> tuple:
    if not isinstance(tensors, (tuple, list)):
        raise TypeError(f"{op}: `tensors` must be a list or tuple of Tensors; got {type(tensors).__name__}")
    return tuple(tensors)


def as_tensors(op: str, tensors: Any) -> tuple[tuple, bool]:
    """The Tensors of a sequence, and whether all were arrays."""
    xs = _sequence(op, tensors)
    if not xs:
        raise ValueError(f"{op}: `tensors` must hold at least one Tensor")
    as_numpy = all(isinstance(x, np.ndarray) for x in xs)
    xs = tuple(from_array(x, op) if isinstance(x, np.ndarray) else x for x in xs)
    for k, x in enumerate(xs):
        _check.tensor(op, f"tensors[{k}]", x)
    return xs, as_numpy


def _joined(op: str, xs: tuple, dim: Any) -> Tensor:
    """`cat` for the op that was called."""
    kind = xs[0]._dtype
    full = [x for x in xs if x._shape != (0,)]
    if full and len(full) < len(xs) and full[0].dim() > 1:  # vectors of nothing are no part of it, but for their type
        for x in xs:
            kind = dtypes.promote_types(kind, x._dtype)
        xs = tuple(full)
    shape = xs[0]._shape
    axis = _check.dim(op, dim, len(shape))
    before, after = shape[:axis], shape[axis + 1 :]
    for k, x in enumerate(xs):
        if x._dtype is not kind:
            kind = dtypes.promote_types(kind, x._dtype)
        if x._shape != shape and (
            len(x._shape) != len(shape) or x._shape[:axis] != before or x._shape[axis + 1 :] != after
        ):
            raise ValueError(
                f"{op}: `tensors`[{k}] must have the first shape {shape} but for axis {axis}; got {x._shape}"
            )
    if not shape:
        raise ValueError(f"{op}: `tensors` must have at least one axis; use stack for 0-d Tensors")
    return apply(CAT, *(cast(x, kind) for x in xs), params=(axis,))


def cat(tensors: Any, dim: int = 0, *, axis: int | None = None) -> Tensor:
    """Join Tensors along an existing axis.

    Parameters
    ----------
    tensors : sequence of Tensor
        Equal in shape but for axis `dim`; Tensors of shape (0,) are passed over.
    dim : int
        Also called `axis`.

    Raises
    ------
    ValueError
        If there are none, or shapes differ on another axis.

    Examples
    --------
    >>> import nbnn
    >>> nbnn.cat([nbnn.zeros(1, 2), nbnn.ones(2, 2)]).shape
    nbnn.Size([3, 2])
    """
    xs, as_numpy = as_tensors("cat", tensors)
    out = _joined("cat", xs, dim if axis is None else axis)
    return to_numpy(out) if as_numpy else out


def concat(tensors: Any, dim: int = 0, *, axis: int | None = None) -> Tensor:
    """`cat` under another name.

    Parameters
    ----------
    tensors : sequence of Tensor
    dim : int

    Examples
    --------
    >>> import nbnn
    >>> nbnn.concat([nbnn.zeros(1, 2), nbnn.ones(2, 2)]).shape
    nbnn.Size([3, 2])
    """
    return cat(tensors, dim, axis=axis)


def concatenate(tensors: Any, dim: int = 0, *, axis: int | None = None) -> Tensor:
    """`cat` under NumPy's name.

    Parameters
    ----------
    tensors : sequence of Tensor
    dim : int

    Examples
    --------
    >>> import nbnn
    >>> nbnn.concatenate([nbnn.zeros(1, 2), nbnn.ones(2, 2)]).shape
    nbnn.Size([3, 2])
    """
    return cat(tensors, dim, axis=axis)


def stack(tensors: Any, dim: int = 0, *, axis: int | None = None) -> Tensor:
    """Join Tensors of one shape along a new axis.

    Parameters
    ----------
    tensors : sequence of Tensor
    dim : int
        The place of the new axis.

    Examples
    --------
    >>> import nbnn
    >>> nbnn.stack([nbnn.zeros(2), nbnn.ones(2)]).shape
    nbnn.Size([2, 2])
    """
    dim = dim if axis is None else axis
    xs, as_numpy = as_tensors("stack", tensors)
    if any(x._shape != xs[0]._shape for x in xs):
        raise ValueError(f"stack: `tensors` must have one shape; got {', '.join(str(x._shape) for x in xs)}")
    out = _joined("stack", tuple(unsqueeze(x, dim) for x in xs), dim)
    return to_numpy(out) if as_numpy else out


def _at_least(x: Tensor, axes: int) -> Tensor:
    """With axes of size 1 added: a vector as a row, a matrix as the front of a block."""
    shape = x._shape
    if len(shape) < axes:
        shape = {0: (1, 1, 1), 1: (1, *shape, 1), 2: (*shape, 1)}[len(shape)]
        shape = shape[:axes]
    return x if shape == x._shape else reshape(x, shape)


def _stacked(op: str, tensors: Any, axes: int, axis: int) -> Tensor:
    xs, as_numpy = as_tensors(op, tensors)
    xs = tuple(_at_least(x, axes) for x in xs)
    out = _joined(op, xs, 0 if axis == 1 and xs[0].dim() == 1 else axis)
    return to_numpy(out) if as_numpy else out


def hstack(tensors: Any) -> Tensor:
    """Join Tensors column by column: along the second axis, vectors along their only one.

    Parameters
    ----------
    tensors : sequence of Tensor

    Raises
    ------
    ValueError
        If shapes differ on another axis.

    Examples
    --------
    >>> import nbnn
    >>> nbnn.hstack([nbnn.zeros(2, 1), nbnn.ones(2, 2)]).shape
    nbnn.Size([2, 3])
    """
    return _stacked("hstack", tensors, 1, 1)


def vstack(tensors: Any) -> Tensor:
    """Join Tensors row by row: along the first axis; vectors count as rows.

    Parameters
    ----------
    tensors : sequence of Tensor

    Raises
    ------
    ValueError
        If shapes differ on another axis.

    Examples
    --------
    >>> import nbnn
    >>> nbnn.vstack([nbnn.zeros(3), nbnn.ones(2, 3)]).shape
    nbnn.Size([3, 3])
    """
    return _stacked("vstack", tensors, 2, 0)


def dstack(tensors: Any) -> Tensor:
    """Join Tensors in depth: along the third axis, which vectors and matrices get.

    Parameters
    ----------
    tensors : sequence of Tensor

    Raises
    ------
    ValueError
        If shapes differ on another axis.

    Examples
    --------
    >>> import nbnn
    >>> nbnn.dstack([nbnn.zeros(2, 3), nbnn.ones(2, 3)]).shape
    nbnn.Size([2, 3, 2])
    """
    return _stacked("dstack", tensors, 3, 2)
