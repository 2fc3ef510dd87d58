"""Views: reshape, transpose, expand."""

from __future__ import annotations

import math
from typing import Any

from nbnn import _layout, dtypes
from nbnn.functional import _check
from nbnn.functional.reduction import sum_to
from nbnn.op import Op, apply, takes_arrays
from nbnn.tensor import Tensor, flat, make, view

# -- reshape -------------------------------------------------------------------------------------------------------


def _view_strides(t: Tensor, shape: tuple[int, ...]) -> tuple[int, ...] | None:
    """Strides that show `t` with another shape without a copy, or None where there are none."""
    if t.is_contiguous():
        return _layout.row_major(shape)
    old = [(n, s) for n, s in zip(t._shape, t.stride(), strict=True) if n != 1]
    strides: list[int] = []
    k = len(old)
    block = step = left = 1  # the run of old axes, from the last, that is being cut into new axes
    for n in reversed(shape):
        if n == 1:
            strides.append(step * block // left if left else step)
            continue
        while left < n or left == 1:
            if k == 0:
                return None
            k -= 1
            size, stride = old[k]
            if left == 1:
                block, step, left = size, stride, size
            elif stride == step * block:
                block, left = block * size, left * size
            else:
                return None
        if left % n:
            return None
        strides.append(step * block // left)
        left //= n
    return tuple(reversed(strides))


def sizes_of(op: str, name: str, shape: tuple, numel: int) -> tuple[int, ...]:
    """A shape with the one -1 in it filled in."""
    wanted = tuple([_check.integer(op, name, n) for n in shape])
    if math.prod(wanted) == numel and (not wanted or min(wanted) >= 0):
        return wanted
    if any(n < -1 for n in wanted) or wanted.count(-1) > 1:
        raise ValueError(f"{op}: `{name}` (={wanted}) must hold sizes, and -1 at most once")
    known = math.prod(n for n in wanted if n != -1)
    if -1 in wanted:
        if known == 0 or numel % known:
            raise ValueError(f"{op}: `{name}` (={wanted}) does not divide the {numel} elements of the input")
        return tuple(numel // known if n == -1 else n for n in wanted)
    if known != numel:
        raise ValueError(f"{op}: `{name}` (={wanted}) has {known} elements; the input has {numel}")
    return wanted


def _reshape_forward(x: Tensor, params: tuple) -> tuple[Tensor]:
    (shape,) = params
    if -1 in shape or math.prod(shape) != x.numel():  # sizes_of has filled in what a user gave
        raise ValueError(f"reshape: `shape` (={shape}) must hold the {x.numel()} elements of the input, and no -1")
    if x._strides is None:
        return (view(x, shape, None, 0),)
    strides = _view_strides(x, shape)
    if strides is None:
        return (make(flat(x), shape, x._dtype),)
    return (view(x, shape, strides, x._offset),)


def _reshape_grad(node: Any, grad: Tensor) -> tuple:
    return (apply(RESHAPE, grad, params=(node.input_shapes[0],)),)


RESHAPE = Op("reshape", forward=_reshape_forward, grad=_reshape_grad, takes_complex=True)


def _sizes(size: tuple) -> tuple:
    return tuple(size[0]) if len(size) == 1 and isinstance(size[0], (tuple, list)) else size


@takes_arrays
def reshape(input: Tensor, *shape: Any) -> Tensor:
    """The same elements in row-major order with another shape; a view where the strides allow it, else a copy.

    Parameters
    ----------
    shape : int ... or tuple
        One size may be -1: it is inferred.

    Raises
    ------
    ValueError
        If the number of elements differs.

    Examples
    --------
    >>> import nbnn
    >>> nbnn.arange(4).reshape(2, -1)
    tensor([[0, 1],
            [2, 3]])
    """
    x = _check.tensor("reshape", "input", input)
    return apply(RESHAPE, x, params=(sizes_of("reshape", "shape", _sizes(shape), x.numel()),))


def view_(input: Tensor, *shape: Any) -> Tensor:
    """`reshape` that never copies (`Tensor.view`); with a dtype of the same width it reinterprets the bits.

    Raises
    ------
    RuntimeError
        If the strides do not allow a view.
    """
    if len(shape) == 1 and isinstance(shape[0], dtypes.dtype):
        return _view_dtype(input, shape[0])
    wanted = sizes_of("view", "shape", _sizes(shape), input.numel())
    if _view_strides(input, wanted) is None:
        raise RuntimeError(
            f"view: shape {input._shape} with strides {input.stride()} cannot be seen as {wanted} without a copy; "
            "use .reshape()"
        )
    return apply(RESHAPE, input, params=(wanted,))


def _view_dtype(t: Tensor, kind: dtypes.dtype) -> Tensor:
    if kind.itemsize != t._dtype.itemsize:
        raise ValueError(f"view: `dtype` (={kind!r}) must be as wide as {t._dtype!r}")
    out = view(t.detach(), t._shape, t._strides, t._offset)
    out._data, out._dtype = t._data.view(kind.storage), kind
    return out


@takes_arrays
def flatten(input: Tensor, start_dim: int = 0, end_dim: int = -1) -> Tensor:
    """Merge the axes from `start_dim` to `end_dim` into one.

    Parameters
    ----------
    input : Tensor of shape (d_0, ..., d_n)
    start_dim, end_dim : int
        The first and the last axis to merge; negative ones count from the end.

    Returns
    -------
    Tensor of shape (d_0, ..., d_start * ... * d_end, ..., d_n); a 0-d input gives shape (1,).

    Raises
    ------
    IndexError
        If an axis does not exist.
    ValueError
        If `start_dim` comes after `end_dim`.

    Examples
    --------
    >>> import nbnn
    >>> nbnn.flatten(nbnn.zeros(2, 3, 4), 1).shape
    nbnn.Size([2, 12])
    """
    x = _check.tensor("flatten", "input", input)
    n = x.dim()
    first = _check.dim("flatten", start_dim, n, "start_dim")
    last = _check.dim("flatten", end_dim, n, "end_dim")
    if first > last:
        raise ValueError(f"flatten: `start_dim` (={start_dim}) must not come after `end_dim` (={end_dim})")
    if n == 0:
        return apply(RESHAPE, x, params=((1,),))
    shape = x._shape
    return apply(RESHAPE, x, params=((*shape[:first], math.prod(shape[first : last + 1]), *shape[last + 1 :]),))


@takes_arrays
def squeeze(input: Tensor, dim: Any = None) -> Tensor:
    """Drop the axes of size 1: all of them, or those named.

    Parameters
    ----------
    input : Tensor or array
    dim : int or tuple of int, optional

    Examples
    --------
    >>> import nbnn
    >>> nbnn.zeros(1, 3, 1).squeeze(0).shape
    nbnn.Size([3, 1])
    """
    x = _check.tensor("squeeze", "input", input)
    axes = () if dim in ((), []) else _check.dims("squeeze", dim, x.dim())
    shape = tuple(n for k, n in enumerate(x._shape) if not (k in axes and n == 1))
    return apply(RESHAPE, x, params=(shape,))


@takes_arrays
def unsqueeze(input: Tensor, dim: int) -> Tensor:
    """Insert an axis of size 1 before axis `dim`.

    Parameters
    ----------
    input : Tensor or array
    dim : int

    Examples
    --------
    >>> import nbnn
    >>> nbnn.zeros(3).unsqueeze(0).shape
    nbnn.Size([1, 3])
    """
    x = _check.tensor("unsqueeze", "input", input)
    at = _check.dim("unsqueeze", dim, x.dim() + 1)
    return apply(RESHAPE, x, params=((*x._shape[:at], 1, *x._shape[at:]),))


# -- transpose -----------------------------------------------------------------------------------------------------


def _permute_forward(x: Tensor, params: tuple) -> tuple[Tensor]:
    (order,) = params
    strides = x.stride()
    return (view(x, tuple(x._shape[k] for k in order), tuple(strides[k] for k in order), x._offset),)


def _permute_grad(node: Any, grad: Tensor) -> tuple:
    order = node.params[0]
    inverse = tuple(sorted(range(len(order)), key=order.__getitem__))
    return (apply(PERMUTE, grad, params=(inverse,)),)


PERMUTE = Op("permute", forward=_permute_forward, grad=_permute_grad, takes_complex=True)


@takes_arrays
def permute(input: Tensor, *dims: Any) -> Tensor:
    """A view with the axes in another order.

    Parameters
    ----------
    input : Tensor or array
    *dims : int, or one sequence of them

    Raises
    ------
    ValueError
        If `dims` does not name every axis once.

    Examples
    --------
    >>> import nbnn
    >>> nbnn.zeros(2, 3, 4).permute(2, 0, 1).shape
    nbnn.Size([4, 2, 3])
    """
    x = _check.tensor("permute", "input", input)
    order = tuple(_check.dim("permute", d, x.dim(), "dims") for d in _sizes(dims))
    if sorted(order) != list(range(x.dim())):
        raise ValueError(f"permute: `dims` (={_sizes(dims)}) must name each of the {x.dim()} axes once")
    return apply(PERMUTE, x, params=(order,))


@takes_arrays
def transpose(input: Tensor, dim0: int, dim1: int) -> Tensor:
    """A view with two axes exchanged.

    Parameters
    ----------
    input : Tensor or array
    dim0, dim1 : int

    Examples
    --------
    >>> import nbnn
    >>> nbnn.zeros(2, 3).transpose(0, 1).shape
    nbnn.Size([3, 2])
    """
    x = _check.tensor("transpose", "input", input)
    a = _check.dim("transpose", dim0, x.dim(), "dim0")
    b = _check.dim("transpose", dim1, x.dim(), "dim1")
    order = list(range(x.dim()))
    if order:
        order[a], order[b] = b, a
    return apply(PERMUTE, x, params=(tuple(order),))


@takes_arrays
def t(input: Tensor) -> Tensor:
    """The transpose of a matrix; Tensors of fewer axes come back as they are.

    Parameters
    ----------
    input : Tensor or array

    Examples
    --------
    >>> import nbnn
    >>> nbnn.zeros(2, 3).t().shape
    nbnn.Size([3, 2])
    """
    x = _check.tensor("t", "input", input)
    if x.dim() > 2:
        raise ValueError(f"t: `input` must have at most 2 axes; got shape {x._shape}")
    return apply(PERMUTE, x, params=(tuple(reversed(range(x.dim()))),))


# -- expand and its gradient ---------------------------------------------------------------------------------------


def _expand_forward(x: Tensor, params: tuple) -> tuple[Tensor]:
    (shape,) = params
    return (view(x, shape, _layout.repeated(shape, x._shape, x.stride()), x._offset),)


def _expand_grad(node: Any, grad: Tensor) -> tuple:
    return (sum_to(grad, node.input_shapes[0]),)


EXPAND = Op("expand", forward=_expand_forward, grad=_expand_grad, takes_complex=True)


@takes_arrays
def expand(input: Tensor, *size: Any) -> Tensor:
    """A view in which axes of size 1 repeat; -1 keeps a size.

    Parameters
    ----------
    input : Tensor or array
    *size : int, or one sequence of them

    Raises
    ------
    ValueError
        If a size other than 1 would have to change.

    Examples
    --------
    >>> import nbnn
    >>> nbnn.ones(1, 2).expand(3, -1).shape
    nbnn.Size([3, 2])
    """
    return expanded("expand", _check.tensor("expand", "input", input), _sizes(size))


def expanded(op: str, x: Tensor, size: tuple) -> Tensor:
    """`expand` for the op that was called."""
    wanted = tuple(_check.integer(op, "size", n, -1) for n in size)
    lead = len(wanted) - x.dim()
    old = (-2,) * lead + x._shape
    if lead < 0 or any(
        n != m and not (n == 1 or (n == -2 and m >= 0)) for n, m in zip(old, wanted, strict=True) if m != -1 or n == -2
    ):
        raise ValueError(
            f"{op}: `size` (={wanted}) cannot be reached from shape {x._shape} by repeating axes of size 1"
        )
    return apply(EXPAND, x, params=(tuple(n if m == -1 else m for n, m in zip(old, wanted, strict=True)),))


def broadcast_to(x: Tensor, shape: tuple[int, ...]) -> Tensor:
    """`x` itself where it has this shape, else expanded."""
    return x if x._shape == shape else apply(EXPAND, x, params=(shape,))
