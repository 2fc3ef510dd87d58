"""Views by name: axes moved and split, parts along an axis, diagonals, windows; they share the input's memory."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

import nbnn.device as _device
from nbnn.functional import _check
from nbnn.functional.indexing import SLICE, add_up
from nbnn.functional.joining import CAT
from nbnn.functional.shape import PERMUTE, RESHAPE, expand, expanded, reshape, sizes_of, view_
from nbnn.op import Op, apply, takes_arrays
from nbnn.tensor import Tensor, from_array, make, transfer, view

# -- axes ----------------------------------------------------------------------------------------------------------


@takes_arrays
def movedim(input: Tensor, source: Any, destination: Any) -> Tensor:
    """A view with the axes `source` at the places `destination`; the others keep their order.

    Parameters
    ----------
    input : Tensor or array
    source, destination : int or tuple of int

    Raises
    ------
    ValueError
        If the two name different numbers of axes, or one twice.
    IndexError
        If an axis does not exist.

    Examples
    --------
    >>> import nbnn
    >>> nbnn.movedim(nbnn.zeros(2, 3, 4), 0, -1).shape
    nbnn.Size([3, 4, 2])
    """
    x = _check.tensor("movedim", "input", input)
    moved = _axes("movedim", "source", source, x.dim())
    places = _axes("movedim", "destination", destination, x.dim())
    if len(moved) != len(places):
        raise ValueError(f"movedim: `source` (={source}) and `destination` (={destination}) must name as many axes")
    if not x._shape:
        return x
    rest = iter([k for k in range(x.dim()) if k not in moved])
    at = dict(zip(places, moved, strict=True))
    return apply(PERMUTE, x, params=(tuple([at[k] if k in at else next(rest) for k in range(x.dim())]),))


def _axes(op: str, name: str, value: Any, ndim: int) -> tuple[int, ...]:
    """One axis or several, all different; an empty sequence is none."""
    return () if isinstance(value, (tuple, list)) and not value else _check.dims(op, value, ndim, name)


@takes_arrays
def moveaxis(input: Tensor, source: Any, destination: Any) -> Tensor:
    """`movedim` under NumPy's name.

    Parameters
    ----------
    input : Tensor or array
    source, destination : int or tuple of int

    Examples
    --------
    >>> import nbnn
    >>> nbnn.moveaxis(nbnn.zeros(2, 3, 4), (0, 1), (1, 0)).shape
    nbnn.Size([3, 2, 4])
    """
    return movedim(input, source, destination)


def _swapped(op: str, x: Any, first: int, second: int) -> Tensor:
    t = _check.tensor(op, "input", x)
    order = list(range(t.dim()))
    if order:
        order[first], order[second] = order[second], order[first]
    return apply(PERMUTE, t, params=(tuple(order),))


@takes_arrays
def swapaxes(input: Tensor, axis0: int, axis1: int) -> Tensor:
    """A view with two axes exchanged: `transpose` under NumPy's name.

    Parameters
    ----------
    input : Tensor or array
    axis0, axis1 : int

    Raises
    ------
    IndexError
        If an axis does not exist.

    Examples
    --------
    >>> import nbnn
    >>> nbnn.swapaxes(nbnn.zeros(2, 3, 4), 0, 2).shape
    nbnn.Size([4, 3, 2])
    """
    n = _check.tensor("swapaxes", "input", input).dim()
    first, second = _check.dim("swapaxes", axis0, n, "axis0"), _check.dim("swapaxes", axis1, n, "axis1")
    return _swapped("swapaxes", input, first, second)


def matrix_transpose(input: Tensor) -> Tensor:
    """The last two axes exchanged (`Tensor.mT`).

    Raises
    ------
    ValueError
        If there are fewer than two axes.
    """
    if input.dim() < 2:
        raise ValueError(f"mT: needs a Tensor of at least 2 axes; got shape {input._shape}")
    return _swapped("mT", input, input.dim() - 2, input.dim() - 1)


def reversed_axes(input: Tensor) -> Tensor:
    """The axes in reverse order (`Tensor.T`)."""
    return apply(PERMUTE, input, params=(tuple(reversed(range(input.dim()))),))


@takes_arrays
def unflatten(input: Tensor, dim: int, sizes: Any) -> Tensor:
    """Axis `dim` as several axes of the given sizes, one of which may be -1; the opposite of `flatten`.

    Parameters
    ----------
    input : Tensor or array
    dim : int
    sizes : sequence of int

    Raises
    ------
    ValueError
        If the sizes do not multiply to that of the axis.
    IndexError
        If the axis does not exist.

    Examples
    --------
    >>> import nbnn
    >>> nbnn.unflatten(nbnn.zeros(2, 12), 1, (3, -1)).shape
    nbnn.Size([2, 3, 4])
    """
    x = _check.tensor("unflatten", "input", input)
    axis = _check.dim("unflatten", dim, x.dim())
    if not x._shape:
        raise IndexError(f"unflatten: `dim` (={dim}) does not exist: `input` has no axes")
    if not isinstance(sizes, (tuple, list)):
        raise TypeError(f"unflatten: `sizes` (={sizes!r}) must be a tuple of ints; got {type(sizes).__name__}")
    inner = sizes_of("unflatten", "sizes", tuple(sizes), x._shape[axis])
    return apply(RESHAPE, x, params=((*x._shape[:axis], *inner, *x._shape[axis + 1 :]),))


@takes_arrays
def broadcast_to(input: Tensor, size: Any) -> Tensor:
    """A view of shape `size` in which axes of size 1 repeat.

    Parameters
    ----------
    input : Tensor or array
    size : sequence of int

    Raises
    ------
    ValueError
        If a size other than 1 would have to change.

    Examples
    --------
    >>> import nbnn
    >>> nbnn.broadcast_to(nbnn.ones(2, 1), (4, 2, 3)).shape
    nbnn.Size([4, 2, 3])
    """
    x = _check.tensor("broadcast_to", "input", input)
    return expanded("broadcast_to", x, tuple(size) if isinstance(size, (tuple, list)) else (size,))


def _shape_of(op: str, other: Any) -> tuple[int, ...]:
    return _check.tensor(op, "other", other)._shape


def expand_as(input: Tensor, other: Tensor) -> Tensor:
    """Expanded to the shape of another Tensor."""
    return expand(input, _shape_of("expand_as", other))


def view_as(input: Tensor, other: Tensor) -> Tensor:
    """Viewed with the shape of another Tensor."""
    return view_(input, _shape_of("view_as", other))


def reshape_as(input: Tensor, other: Tensor) -> Tensor:
    """Reshaped to the shape of another Tensor."""
    return reshape(input, _shape_of("reshape_as", other))


# -- parts along an axis -------------------------------------------------------------------------------------------


def _axis(op: str, x: Tensor, dim: Any) -> int:
    axis = _check.dim(op, dim, x.dim())
    if not x._shape:
        raise IndexError(f"{op}: `dim` (={dim}) does not exist: `input` has no axes")
    return axis


@takes_arrays
def select(input: Tensor, dim: int, index: int) -> Tensor:
    """The view at one position of an axis, without that axis.

    Parameters
    ----------
    input : Tensor or array
    dim : int
    index : int
        Counted from the end if negative.

    Raises
    ------
    IndexError
        If the axis or the position does not exist.

    Examples
    --------
    >>> import nbnn
    >>> nbnn.select(nbnn.arange(6).reshape(2, 3), 1, -1)
    tensor([2, 5])
    """
    x = _check.tensor("select", "input", input)
    axis = _axis("select", x, dim)
    n, at = x._shape[axis], _check.integer("select", "index", index)
    if not -n <= at < n:
        raise IndexError(f"select: `index` (={index}) must be in [{-n}, {n - 1}] for axis {axis} of shape {x._shape}")
    key = tuple(at % n if k == axis else (0, m, 1) for k, m in enumerate(x._shape))
    return apply(SLICE, x, params=(key,))


def _split_forward(x: Tensor, params: tuple) -> tuple[Tensor, ...]:
    axis, sizes = params
    strides, parts, at = x.stride(), [], x._offset
    for n in sizes:
        shape = (*x._shape[:axis], n, *x._shape[axis + 1 :])
        parts.append(view(x, shape, strides, at if math.prod(shape) else x._offset))
        at += n * strides[axis]
    return tuple(parts)


def _split_grad(node: Any, *grads: Tensor) -> tuple:
    return (apply(CAT, *grads, params=node.params[:1]),)


SPLIT = Op("split", forward=_split_forward, grad=_split_grad, takes_complex=True)


def _parts(x: Tensor, axis: int, sizes: tuple[int, ...]) -> tuple[Tensor, ...]:
    """Views of these sizes, one after the other along the axis; their gradients come together in one copy."""
    found = apply(SPLIT, x, params=(axis, sizes))
    return found if isinstance(found, tuple) else (found,)


@takes_arrays
def split(tensor: Tensor, split_size_or_sections: Any, dim: int = 0) -> tuple[Tensor, ...]:
    """Views of `tensor`, one after the other along an axis.

    Parameters
    ----------
    tensor : Tensor
    split_size_or_sections : int or list of int
        The size of each part (the last may be smaller), or all the sizes.
    dim : int

    Raises
    ------
    ValueError
        If the sizes do not add up to that of the axis.
    IndexError
        If the axis does not exist.

    Examples
    --------
    >>> import nbnn
    >>> nbnn.split(nbnn.arange(5), 2)
    (tensor([0, 1]), tensor([2, 3]), tensor([4]))
    >>> nbnn.split(nbnn.arange(5), [1, 4])
    (tensor([0]), tensor([1, 2, 3, 4]))
    """
    x = _check.tensor("split", "tensor", tensor)
    axis = _axis("split", x, dim)
    n = x._shape[axis]
    if isinstance(split_size_or_sections, (tuple, list)):
        sizes = _check.sizes("split", "split_size_or_sections", split_size_or_sections)
        if sum(sizes) != n or not sizes:
            raise ValueError(f"split: `split_size_or_sections` (={sizes}) must add up to the size {n} of axis {axis}")
        return _parts(x, axis, sizes)
    size = _check.integer("split", "split_size_or_sections", split_size_or_sections, 0)
    if size == 0 and n:
        raise ValueError(f"split: `split_size_or_sections` (=0) must be at least 1 for size {n} of axis {axis}")
    return _equal_parts(x, axis, size)


def _equal_parts(x: Tensor, axis: int, size: int) -> tuple[Tensor, ...]:
    n = x._shape[axis]
    count = max(1, -(-n // max(size, 1)))
    return _parts(x, axis, (*(size,) * (count - 1), n - size * (count - 1)))


@takes_arrays
def chunk(input: Tensor, chunks: int, dim: int = 0) -> tuple[Tensor, ...]:
    """At most `chunks` views of one size (the last may be smaller), one after the other along an axis.

    Parameters
    ----------
    input : Tensor or array
    chunks : int
    dim : int

    Raises
    ------
    ValueError
        If `chunks` is less than 1.
    IndexError
        If the axis does not exist.

    Examples
    --------
    >>> import nbnn
    >>> nbnn.chunk(nbnn.arange(5), 2)
    (tensor([0, 1, 2]), tensor([3, 4]))
    """
    x = _check.tensor("chunk", "input", input)
    count = _check.integer("chunk", "chunks", chunks, 1)
    axis = _axis("chunk", x, dim)
    if not x._shape[axis]:
        return _parts(x, axis, (0,) * count)
    return _equal_parts(x, axis, -(-x._shape[axis] // count))


@takes_arrays
def unbind(input: Tensor, dim: int = 0) -> tuple[Tensor, ...]:
    """The views at every position of an axis, without that axis.

    Parameters
    ----------
    input : Tensor or array
    dim : int

    Raises
    ------
    IndexError
        If the axis does not exist.

    Examples
    --------
    >>> import nbnn
    >>> nbnn.unbind(nbnn.arange(6).reshape(2, 3), 1)
    (tensor([0, 3]), tensor([1, 4]), tensor([2, 5]))
    """
    x = _check.tensor("unbind", "input", input)
    axis = _axis("unbind", x, dim)
    shape = (*x._shape[:axis], *x._shape[axis + 1 :])
    if not x._shape[axis]:
        return ()
    return tuple([apply(RESHAPE, part, params=(shape,)) for part in _parts(x, axis, (1,) * x._shape[axis])])


# -- diagonals and windows -----------------------------------------------------------------------------------------


def _diagonal_forward(x: Tensor, params: tuple) -> tuple[Tensor]:
    offset, a, b = params
    strides = x.stride()
    length = max(0, min(x._shape[a] + min(offset, 0), x._shape[b] - max(offset, 0)))
    at = x._offset + (max(offset, 0) * strides[b] - min(offset, 0) * strides[a] if length else 0)
    kept = [k for k in range(x.dim()) if k not in (a, b)]
    shape = (*[x._shape[k] for k in kept], length)
    return (view(x, shape, (*[strides[k] for k in kept], strides[a] + strides[b]), at),)


def _diagonal_grad(node: Any, grad: Tensor) -> tuple:
    return (apply(DIAGONAL_BACKWARD, grad, params=(*node.params, node.input_shapes[0])),)


def _diagonal_backward_forward(grad: Tensor, params: tuple) -> tuple[Tensor]:
    *place, shape = params
    out = make(_device.full(math.prod(shape), grad._dtype.storage, grad.device, 0), shape, grad._dtype)
    transfer(_diagonal_forward(out, tuple(place))[0], grad)
    return (out,)


DIAGONAL = Op("diagonal", forward=_diagonal_forward, grad=_diagonal_grad, takes_complex=True)
DIAGONAL_BACKWARD = Op(
    "diagonal_backward",
    forward=_diagonal_backward_forward,
    grad=lambda node, g: (apply(DIAGONAL, g, params=node.params[:3]),),
    takes_complex=True,
)


@takes_arrays
def diagonal(input: Tensor, offset: int = 0, dim1: int = 0, dim2: int = 1) -> Tensor:
    """The view of the elements with :math:`i_{dim2} - i_{dim1} = offset`, on a last axis in place of the two.

    Parameters
    ----------
    input : Tensor or array
    offset : int
    dim1, dim2 : int

    Raises
    ------
    ValueError
        If `dim1` and `dim2` are the same axis.
    IndexError
        If an axis does not exist.

    Examples
    --------
    >>> import nbnn
    >>> nbnn.diagonal(nbnn.arange(9).reshape(3, 3), 1)
    tensor([1, 5])
    """
    x = _check.matrices("diagonal", input)
    a, b = _check.dim("diagonal", dim1, x.dim(), "dim1"), _check.dim("diagonal", dim2, x.dim(), "dim2")
    if a == b:
        raise ValueError(f"diagonal: `dim1` (={dim1}) and `dim2` (={dim2}) must be different axes")
    return apply(DIAGONAL, x, params=(_check.integer("diagonal", "offset", offset), a, b))


def _windows_forward(x: Tensor, params: tuple) -> tuple[Tensor]:
    axis, size, step = params
    strides = x.stride()
    count = (x._shape[axis] - size) // step + 1
    shape = (*x._shape[:axis], count, *x._shape[axis + 1 :], size)
    steps = (*strides[:axis], strides[axis] * step, *strides[axis + 1 :], strides[axis])
    return (view(x, shape, steps, x._offset),)


def _windows_grad(node: Any, grad: Tensor) -> tuple:
    """Each element gets the sum over the windows that show it."""
    axis, size, step = node.params
    count = grad._shape[axis]
    rows = movedim(grad, -1, axis + 1)  # (..., windows, size, ...): positions on the axis are step w + k
    index = np.add.outer(np.arange(count) * step, np.arange(size)).astype(np.int64)
    where = from_array(index).to(grad.device)
    return (add_up(rows, where, axis, 1, node.input_shapes[0]),)


WINDOWS = Op("unfold", forward=_windows_forward, grad=_windows_grad)


def unfold(input: Tensor, dimension: int, size: int, step: int) -> Tensor:
    """The view of all windows of `size` elements, `step` apart, along an axis (`Tensor.unfold`).

    Parameters
    ----------
    input : Tensor of shape (..., n, ...)
    dimension, size, step : int

    Returns
    -------
    Tensor of shape (..., (n - size) // step + 1, ..., size)

    Raises
    ------
    ValueError
        If a window is longer than the axis, or `step` is less than 1.
    IndexError
        If the axis does not exist.

    Examples
    --------
    >>> import nbnn
    >>> nbnn.arange(5).unfold(0, 3, 2)
    tensor([[0, 1, 2],
            [2, 3, 4]])
    """
    axis = _check.dim("unfold", dimension, input.dim(), "dimension")
    length, apart = _check.integer("unfold", "size", size, 0), _check.integer("unfold", "step", step, 1)
    x = input if input._shape else reshape(input, 1)
    if length > x._shape[axis]:
        raise ValueError(f"unfold: `size` (={size}) must be at most the size {x._shape[axis]} of axis {axis}")
    windows = apply(WINDOWS, x, params=(axis, length, apart))
    return windows if input._shape else select(windows, 0, 0)
