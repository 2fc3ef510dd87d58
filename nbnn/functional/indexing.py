"""Indexing: slices as views, rows picked by number or truth value, and cat, which is made of slices."""

from __future__ import annotations

import math
import operator
from typing import Any

import numpy as np

import nbnn.device as _device
from nbnn import _layout, dtypes
from nbnn.functional import _check
from nbnn.functional.conversion import cast
from nbnn.functional.shape import unsqueeze
from nbnn.kernels import array as K
from nbnn.op import Op, apply, takes_arrays
from nbnn.tensor import Tensor, flat, from_array, make, transfer, view

# -- slices --------------------------------------------------------------------------------------------------------
# A slice is given, relative to a contiguous array of the input's shape, by (shape, strides, offset).


def _slice_forward(x: Tensor, params: tuple) -> tuple[Tensor]:
    key = params[0]
    strides = x.stride()
    shape, steps = [], []
    offset = x._offset
    for n, s, item in zip(x._shape, strides, key, strict=True):
        if isinstance(item, int):
            offset += item * s
        else:
            start, stop, step = item
            shape.append(max(0, -(-(stop - start) // step)))
            steps.append(s * step)
            offset += start * s if shape[-1] else 0
        _ = n
    return (view(x, tuple(shape), tuple(steps), offset),)


def _slice_grad(node: Any, grad: Tensor) -> tuple:
    return (apply(SLICE_BACKWARD, grad, params=(node.params[0], node.input_shapes[0])),)


def _slice_backward_forward(grad: Tensor, params: tuple) -> tuple[Tensor]:
    key, shape = params
    out = make(_device.full(math.prod(shape), grad._dtype.storage, grad.device, 0), shape, grad._dtype)
    transfer(_slice_forward(out, (key,))[0], grad)
    return (out,)


def _slice_backward_grad(node: Any, grad: Tensor) -> tuple:
    return (apply(SLICE, grad, params=(node.params[0],)),)


SLICE = Op("slice", forward=_slice_forward, grad=_slice_grad)
SLICE_BACKWARD = Op("slice_backward", forward=_slice_backward_forward, grad=_slice_backward_grad)


def _index_rows_shape(params: tuple, x: tuple, index: tuple) -> tuple:
    return ((index[0], *x[1:]),)


def _index_rows_grad(node: Any, grad: Tensor) -> tuple:
    (index,) = node.saved
    kind = grad._dtype
    wide = cast(grad, dtypes.float32) if kind.is_half else grad  # rows that are picked twice are summed
    return (cast(apply(INDEX_ROWS_BACKWARD, wide, index, params=(node.input_shapes[0],)), kind), None)


def _index_rows_backward_forward(grad: Tensor, index: Tensor, params: tuple) -> tuple[Tensor]:
    (shape,) = params
    length = math.prod(shape[1:])
    if index.numel() == 0:
        return (make(_device.full(math.prod(shape), grad._dtype.storage, grad.device, 0), shape, grad._dtype),)
    out = make(_device.empty(math.prod(shape), grad._dtype.storage, grad.device), shape, grad._dtype)
    rows, numbers = _device.to_host(flat(index)), dtypes.int64.storage
    ends, order = (_device.empty(n, numbers, _device.CPU) for n in (shape[0], rows.size))
    _device.launch(K.bucket_rows, (ends, order), (rows,), (shape[0],), 1)
    ins = (flat(grad), _device.from_host(ends, grad.device), _device.from_host(order, grad.device))
    work = (1 + rows.size // shape[0]) * length
    _device.launch(K.index_rows_backward, (out._data,), ins, (length,), shape[0], work)
    return (out,)


def _index_rows_backward_grad(node: Any, grad: Tensor) -> tuple:
    (index,) = node.saved
    return (apply(INDEX_ROWS, grad, index, params=(math.prod(grad._shape[1:]),)), None)


INDEX_ROWS = Op(
    "index",
    K.index_rows,
    shape=_index_rows_shape,
    count=lambda params, x, index: index[0],
    work=lambda params, x, index: params[0],
    grad=_index_rows_grad,
    saves_inputs=(1,),
)
INDEX_ROWS_BACKWARD = Op(
    "index_backward", forward=_index_rows_backward_forward, grad=_index_rows_backward_grad, saves_inputs=(1,)
)


def _basic_key(x: Tensor, key: tuple) -> tuple[tuple, tuple[int, ...]]:
    """An int or (start, stop, step) for each axis, and where None asks for new axes in the result."""
    used = sum(k is not None and k is not Ellipsis for k in key)
    ellipses = [k for k, item in enumerate(key) if item is Ellipsis]  # not key.count: == on a Tensor compares elements
    if used > x.dim() or len(ellipses) > 1:
        raise IndexError(f"index: {used} indices for a Tensor of shape {x._shape}")
    fill = (slice(None),) * (x.dim() - used)
    at = ellipses[0] if ellipses else len(key)
    full = (*key[:at], *fill, *key[at + 1 :])
    items: list[Any] = []
    new_axes: list[int] = []
    kept = 0
    for item in full:
        if item is None:
            new_axes.append(kept + len(new_axes))
            continue
        n = x._shape[len(items)]
        if isinstance(item, slice):
            items.append(_bounds(item, n))
            kept += 1
        else:
            items.append(_position(item, n, len(items)))
    return tuple(items), tuple(new_axes)


def _bounds(item: slice, n: int) -> tuple[int, int, int]:
    start, stop, step = item.indices(n)
    if step < 0:
        raise ValueError(f"index: a slice's step (={step}) must be positive")
    return start, max(start, stop), step


def _position(item: Any, n: int, axis: int) -> int:
    try:
        i = operator.index(item)
    except TypeError:
        raise TypeError(f"index: an index must be an int, a slice, None, ... or integers; got {item!r}") from None
    if not -n <= i < n:
        raise IndexError(f"index: {i} is out of range for axis {axis} of size {n}")
    return i % n


def _row_index(x: Tensor, key: Any) -> Tensor | None:
    """A key that picks rows by number or by truth value, as int64 positions; None for any other key."""
    if isinstance(key, Tensor) and key.dim() == 0 and key._dtype is not dtypes.bool_:
        return None
    if not isinstance(key, (Tensor, np.ndarray, list)):
        return None
    values = np.asarray(key.tolist() if isinstance(key, Tensor) and key.is_cuda else key)
    if isinstance(key, list) and not key:
        values = values.astype(np.int64)
    n = x._shape[0] if x._shape else 0
    if values.dtype == np.bool_:
        if values.shape != (n,):
            raise IndexError(f"index: a mask must have the shape ({n},) of the first axis; got {values.shape}")
        values = np.flatnonzero(values)
    if values.dtype.kind not in "iu" or values.ndim > 1:
        raise TypeError(
            f"index: rows are picked by a 1-d array of integers or bools; got {values.dtype} of shape {values.shape}"
        )
    bad = (values < -n) | (values >= n)
    if bad.any():
        at = int(bad.argmax())
        raise IndexError(f"index: position {at} is {values[at]}, out of range for axis 0 of size {n}")
    rows = from_array(np.where(values < 0, values + n, values).astype(np.int64))
    return rows.to(x.device)


def getitem(input: Tensor, key: Any) -> Tensor:
    """``input[key]``: a view for ints, slices, None and ...; a copy for integers or bools that pick rows.

    Raises
    ------
    IndexError
        If an index is out of range or there are too many.
    TypeError
        If an index is none of these.

    Examples
    --------
    >>> import nbnn
    >>> x = nbnn.arange(6).reshape(2, 3)
    >>> x[:, 1:]
    tensor([[1, 2],
            [4, 5]])
    >>> x[[1, 0, 1], :1].flatten()
    tensor([3, 0, 3])
    """
    keys = key if isinstance(key, tuple) else (key,)
    if keys and (rows := _row_index(input, keys[0])) is not None:
        picked = apply(INDEX_ROWS, input, rows, params=(math.prod(input._shape[1:]),))
        return getitem(picked, (slice(None), *keys[1:])) if len(keys) > 1 else picked
    items, new_axes = _basic_key(input, keys)
    out = apply(SLICE, input, params=(items,))
    for axis in new_axes:
        out = unsqueeze(out, axis)
    return out


@takes_arrays
def narrow(input: Tensor, dim: int, start: int, length: int) -> Tensor:
    """The view of `length` positions from `start` along an axis.

    Raises
    ------
    ValueError
        If they leave the axis.

    Examples
    --------
    >>> import nbnn
    >>> nbnn.arange(5).narrow(0, 1, 3)
    tensor([1, 2, 3])
    """
    x = _check.tensor("narrow", "input", input)
    axis = _check.dim("narrow", dim, x.dim())
    n = x._shape[axis] if x._shape else 0
    start, length = _check.integer("narrow", "start", start), _check.integer("narrow", "length", length)
    start = start + n if start < 0 else start
    if not 0 <= start <= start + length <= n:
        raise ValueError(
            f"narrow: `start` (={start}) and `length` (={length}) must stay within size {n} of axis {axis}"
        )
    key = tuple((start, start + length, 1) if k == axis else (0, m, 1) for k, m in enumerate(x._shape))
    return apply(SLICE, x, params=(key,))


# -- cat -----------------------------------------------------------------------------------------------------------


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


CAT = Op("cat", forward=_cat_forward, grad=_cat_grad)


def _sequence(op: str, tensors: Any) -> tuple:
    if not isinstance(tensors, (tuple, list)):
        raise TypeError(f"{op}: `tensors` must be a list or tuple of Tensors; got {type(tensors).__name__}")
    return tuple(tensors)


def cat(tensors: Any, dim: int = 0) -> Tensor:
    """Join Tensors along an existing axis.

    Parameters
    ----------
    tensors : sequence of Tensor
        Equal in shape but for axis `dim`.
    dim : int

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
    xs = _sequence("cat", tensors)
    if not xs:
        raise ValueError("cat: `tensors` must hold at least one Tensor")
    if all(isinstance(x, np.ndarray) for x in xs):
        return cat([from_array(x) for x in xs], dim).numpy()  # type: ignore[return-value]
    xs = tuple(from_array(x) if isinstance(x, np.ndarray) else x for x in xs)
    for k, x in enumerate(xs):
        _check.tensor("cat", f"tensors[{k}]", x)
    shape, kind = xs[0]._shape, xs[0]._dtype
    axis = _check.dim("cat", dim, len(shape))
    before, after = shape[:axis], shape[axis + 1 :]
    for k, x in enumerate(xs):
        if x._dtype is not kind:
            kind = dtypes.promote_types(kind, x._dtype)
        if x._shape != shape and (
            len(x._shape) != len(shape) or x._shape[:axis] != before or x._shape[axis + 1 :] != after
        ):
            raise ValueError(
                f"cat: `tensors`[{k}] must have the first shape {shape} but for axis {axis}; got {x._shape}"
            )
    if not shape:
        raise ValueError("cat: `tensors` must have at least one axis; use stack for 0-d Tensors")
    return apply(CAT, *(cast(x, kind) for x in xs), params=(axis,))


def stack(tensors: Any, dim: int = 0) -> Tensor:
    """Join Tensors of one shape along a new axis.

    Examples
    --------
    >>> import nbnn
    >>> nbnn.stack([nbnn.zeros(2), nbnn.ones(2)]).shape
    nbnn.Size([2, 2])
    """
    xs = _sequence("stack", tensors)
    if not xs:
        raise ValueError("stack: `tensors` must hold at least one Tensor")
    if all(isinstance(x, np.ndarray) for x in xs):
        return stack([from_array(x) for x in xs], dim).numpy()  # type: ignore[return-value]
    xs = tuple(from_array(x) if isinstance(x, np.ndarray) else x for x in xs)
    for k, x in enumerate(xs):
        _check.tensor("stack", f"tensors[{k}]", x)
    if any(x._shape != xs[0]._shape for x in xs):
        raise ValueError(f"stack: `tensors` must have one shape; got {', '.join(str(x._shape) for x in xs)}")
    return cat([unsqueeze(x, dim) for x in xs], dim)
