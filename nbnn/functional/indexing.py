"""Indexing: slices as views; elements picked, and set, by arrays of positions or truth values."""

from __future__ import annotations

import math
import operator
from typing import Any, NamedTuple

import numpy as np

import nbnn.device as _device
from nbnn import _layout, dtypes
from nbnn.functional import _check
from nbnn.functional.conversion import cast, clone
from nbnn.functional.creation import full
from nbnn.functional.shape import PERMUTE, unsqueeze
from nbnn.kernels import indexing as K
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


SLICE = Op("slice", forward=_slice_forward, grad=_slice_grad, takes_complex=True)
SLICE_BACKWARD = Op("slice_backward", forward=_slice_backward_forward, grad=_slice_backward_grad, takes_complex=True)


# -- positions on one run of axes ----------------------------------------------------------------------------------
# params (axis, width): the axes axis, ..., axis + width - 1 of x count as one, and `index` holds positions on it.


def _around(shape: tuple[int, ...], axis: int, width: int) -> tuple[int, int, int]:
    """The shape as (outer, size, length) with the axes that are indexed in the middle."""
    return math.prod(shape[:axis]), math.prod(shape[axis : axis + width]), math.prod(shape[axis + width :])


def _index_forward(x: Tensor, index: Tensor, params: tuple) -> tuple[Tensor]:
    axis, width = params
    outer, size, length = _around(x._shape, axis, width)
    count = index.numel()
    shape = (*x._shape[:axis], *index._shape, *x._shape[axis + width :])
    out = _device.empty(math.prod(shape), x._dtype.storage, x.device)
    if out.size:
        ins = (_layout.words(flat(x)), flat(index))
        _device.launch(K.index_rows, (_layout.words(out),), ins, (size, count, length), outer * count, length)
    return (make(out, shape, x._dtype),)


def _index_grad(node: Any, grad: Tensor) -> tuple:
    (index,) = node.saved
    axis, width = node.params
    return (add_up(grad, index, axis, width, node.input_shapes[0]), None)


def add_up(grad: Tensor, index: Tensor, axis: int, width: int, shape: tuple[int, ...]) -> Tensor:
    """The opposite of picking: what was picked from one position is added up, in the order of `index`."""
    kind = grad._dtype
    wide = cast(grad, dtypes.float32) if kind.is_half else grad
    return cast(apply(INDEX_BACKWARD, wide, index, params=(axis, width, shape)), kind)


def _index_backward_forward(grad: Tensor, index: Tensor, params: tuple) -> tuple[Tensor]:
    axis, width, shape = params
    outer, size, length = _around(shape, axis, width)
    n = math.prod(shape)
    if index.numel() == 0 or n == 0:
        return (make(_device.full(n, grad._dtype.storage, grad.device, 0), shape, grad._dtype),)
    out = make(_device.empty(n, grad._dtype.storage, grad.device), shape, grad._dtype)
    rows, numbers = _device.to_host(flat(index)), dtypes.int64.storage
    ends, order = (_device.empty(k, numbers, _device.CPU) for k in (size, rows.size))
    _device.launch(K.bucket_rows, (ends, order), (rows,), (size,), 1)
    ins = (flat(grad), _device.from_host(ends, grad.device), _device.from_host(order, grad.device))
    work = (1 + rows.size // size) * length
    _device.launch(K.index_rows_backward, (out._data,), ins, (size, rows.size, length), outer * size, work)
    return (out,)


def _index_backward_grad(node: Any, grad: Tensor) -> tuple:
    (index,) = node.saved
    return (apply(INDEX, grad, index, params=node.params[:2]), None)


def _put_forward(x: Tensor, value: Tensor, index: Tensor, params: tuple) -> tuple[Tensor]:
    out = clone(x.detach())
    put_into(out, value, index, *params)
    return (out,)


def put_into(x: Tensor, value: Tensor, index: Tensor, axis: int, width: int) -> None:
    """Set in the memory of `x`, which lies row by row, the positions `index`, all different, to `value`."""
    outer, size, length = _around(x._shape, axis, width)
    if value.numel():
        ins = (_layout.words(flat(value)), flat(index))
        rows = outer * index.numel()
        params = (size, index.numel(), length)
        _device.launch(K.put_rows, (_layout.words(flat(x)),), ins, params, rows, length)


def _put_grad(node: Any, grad: Tensor) -> tuple:
    (index,) = node.saved
    need_x, need_value, _ = node.needs
    hole = full(node.input_shapes[1], 0, dtype=grad._dtype, device=grad.device) if need_x else None
    return (
        apply(PUT, grad, hole, index, params=node.params) if need_x else None,
        apply(INDEX, grad, index, params=node.params) if need_value else None,
        None,
    )


INDEX = Op("index", forward=_index_forward, grad=_index_grad, saves_inputs=(1,), takes_complex=True)
INDEX_BACKWARD = Op(
    "index_backward", forward=_index_backward_forward, grad=_index_backward_grad, saves_inputs=(1,), takes_complex=True
)
PUT = Op("index_put", forward=_put_forward, grad=_put_grad, saves_inputs=(2,), takes_complex=True)


def put(x: Tensor, value: Tensor, index: Tensor, axis: int, width: int) -> Tensor:
    """A copy of `x` with the positions `index` set to `value`; of a position that occurs twice the last one stays."""
    return apply(PUT, x, *unrepeated(value, index, axis), params=(axis, width))


def unrepeated(value: Tensor, index: Tensor, axis: int) -> tuple[Tensor, Tensor]:
    """The values and positions without those that a later one overwrites, so that they may be written in any order."""
    places = _device.to_host(flat(index))
    distinct, last = np.unique(places[::-1], return_index=True)
    if distinct.size == places.size:
        return value, index
    kept = from_array(places.size - 1 - last).to(value.device)
    return apply(INDEX, value, kept, params=(axis, index.dim())), from_array(distinct).to(value.device)


# -- keys ----------------------------------------------------------------------------------------------------------


def _full_key(x: Tensor, key: Any) -> tuple:
    """The key with one item for each axis of `x` (a mask for several) and one for each new axis."""
    used = sum(_width(k) if isinstance(k, np.ndarray) else k is not None and k is not Ellipsis for k in key)
    ellipses = [k for k, item in enumerate(key) if item is Ellipsis]  # not key.count: == on a Tensor compares elements
    if used > x.dim() or len(ellipses) > 1:
        raise IndexError(f"index: {used} indices for a Tensor of shape {x._shape}")
    fill = (slice(None),) * (x.dim() - used)
    at = ellipses[0] if ellipses else len(key)
    return (*key[:at], *fill, *key[at + 1 :])


def _basic_key(x: Tensor, key: tuple) -> tuple[tuple, tuple[int, ...]]:
    """An int or (start, stop, step) for each axis, and where None asks for new axes in the result."""
    items: list[Any] = []
    new_axes: list[int] = []
    kept = 0
    for item in _full_key(x, key):
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


def _is_array(item: Any) -> bool:
    """Whether an item of a key picks elements by number or truth value, and is not a number itself."""
    if isinstance(item, Tensor):
        return bool(item._shape) or item._dtype is dtypes.bool_
    return isinstance(item, (np.ndarray, list, range, bool, np.bool_))


def _host_index(item: Any) -> np.ndarray:
    """An array of a key in host memory: int64 or bool."""
    values = np.asarray(item.detach().cpu().numpy() if isinstance(item, Tensor) else item)
    if values.size == 0 and isinstance(item, (list, range)):
        values = values.astype(np.int64)
    if values.dtype == np.bool_:
        return values
    if values.dtype.kind not in "iu":
        raise TypeError(
            f"index: rows are picked by arrays of integers or bools; got {values.dtype} of shape {values.shape}"
        )
    return values.astype(np.int64, copy=False)


class Place(NamedTuple):
    """Where a key with arrays in it points: positions on a run of axes of a view."""

    view: Tensor
    positions: Tensor
    axis: int
    width: int
    distinct: bool  # whether no position can occur twice

    @property
    def shape(self) -> tuple[int, ...]:
        """Of what is picked."""
        before, after = self.view._shape[: self.axis], self.view._shape[self.axis + self.width :]
        return (*before, *self.positions._shape, *after)


def locate(x: Tensor, key: Any) -> Place | None:
    """Where a key with arrays points; None for a key without. Ints, slices and None are applied first."""
    keys = key if isinstance(key, tuple) else (key,)
    if not any(map(_is_array, keys)):
        return None
    items = [_host_index(k) if _is_array(k) else k for k in keys]
    basic: list[Any] = []
    arrays: list[tuple[int, np.ndarray]] = []  # the axis of the view, and what picks from it
    axis = 0
    for item in _full_key(x, items):
        if not isinstance(item, np.ndarray):
            basic.append(item)
            axis += item is None or isinstance(item, slice)
            continue
        if item.dtype == np.bool_ and item.ndim == 0:  # x[True] is x[None], x[False] none of it
            basic.append(None)
            arrays.append((axis, np.zeros(int(item), np.int64)))
            axis += 1
            continue
        width = _width(item)
        basic += [slice(None)] * width
        arrays.append((axis, item))
        axis += width
    plain = all(isinstance(k, slice) and k == slice(None) for k in basic)
    return _place(x if plain else _basic(x, tuple(basic)), arrays)


def _width(item: np.ndarray) -> int:
    """How many axes an array of a key stands for: a mask for its own."""
    return item.ndim if item.dtype == np.bool_ else 1


def _place(x: Tensor, arrays: list[tuple[int, np.ndarray]]) -> Place:
    for axis, item in arrays:
        wanted = x._shape[axis : axis + _width(item)]
        if item.dtype == np.bool_ and item.shape != wanted:
            which = "the first axis" if (axis, len(wanted)) == (0, 1) else f"the axes from {axis}"
            raise IndexError(f"index: a mask must have the shape {wanted} of {which}; got {item.shape}")
    if len(arrays) == 1 and arrays[0][1].dtype == np.bool_:
        axis, mask = arrays[0]
        return Place(x, from_array(np.flatnonzero(mask)).to(x.device), axis, mask.ndim, True)
    single: list[tuple[int, np.ndarray]] = []
    for axis, item in arrays:
        parts = np.nonzero(item) if item.dtype == np.bool_ else (item,)
        single += [(axis + k, part) for k, part in enumerate(parts)]
    axes = [axis for axis, _ in single]
    if axes != list(range(axes[0], axes[0] + len(axes))):  # scattered axes come first
        order = (*axes, *(k for k in range(x.dim()) if k not in axes))
        x, single, axes = (
            apply(PERMUTE, x, params=(order,)),
            [(k, part) for k, (_, part) in enumerate(single)],
            [*range(len(axes))],
        )
    return Place(x, from_array(_positions(x, single)).to(x.device), axes[0], len(axes), False)


def _positions(x: Tensor, single: list[tuple[int, np.ndarray]]) -> np.ndarray:
    """Positions on the run of axes that are indexed, counted as one; each index checked against its axis."""
    shapes = [part.shape for _, part in single]
    try:
        joint = np.broadcast_shapes(*shapes)
    except ValueError:
        raise IndexError(f"index: arrays of indices must broadcast; got shapes {', '.join(map(str, shapes))}") from None
    total: Any = 0
    for axis, part in single:
        n = x._shape[axis]
        total = total * n + checked("index", part, n, axis)
    return np.ascontiguousarray(np.broadcast_to(total, joint))


def checked(op: str, values: np.ndarray, n: int, axis: int) -> np.ndarray:
    """Indices in [-n, n) as positions in [0, n)."""
    if values.size == 0:
        return values
    lowest, highest = values.min(), values.max()
    if lowest < -n or highest >= n:
        at = np.unravel_index(int(((values < -n) | (values >= n)).argmax()), values.shape)
        where = at[0] if len(at) == 1 else tuple(map(int, at))
        raise IndexError(
            f"{op}: position {where} is {values[at]}, out of range for axis {axis} of size {n}: [{-n}, {n - 1}]"
        )
    return values if lowest >= 0 else np.where(values < 0, values + n, values)


def _basic(x: Tensor, keys: tuple) -> Tensor:
    items, new_axes = _basic_key(x, keys)
    out = apply(SLICE, x, params=(items,))
    for axis in new_axes:
        out = unsqueeze(out, axis)
    return out


def getitem(input: Tensor, key: Any) -> Tensor:
    """``input[key]``: a view for ints, slices, None and ...; a copy for arrays of integers or bools that pick elements.

    Arrays of integers broadcast with each other; a bool array of r axes stands for r axes, as the arrays of positions
    where it is True. What they pick comes in the place of their axes if these are neighbours, else first.

    Parameters
    ----------
    input : Tensor
    key : int, slice, None, Ellipsis, bool, list, array or Tensor, or a tuple of them

    Raises
    ------
    IndexError
        If an index is out of range or there are too many, or arrays do not broadcast.
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
    >>> x[[0, 1], [2, 0]]
    tensor([2, 3])
    """
    place = locate(input, key)
    if place is None:
        return _basic(input, key if isinstance(key, tuple) else (key,))
    return apply(INDEX, place.view, place.positions, params=(place.axis, place.width))


@takes_arrays
def narrow(input: Tensor, dim: int, start: int, length: int) -> Tensor:
    """The view of `length` positions from `start` along an axis.

    Parameters
    ----------
    input : Tensor or array
    dim : int
    start : int
        Counted from the end if negative.
    length : int

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
