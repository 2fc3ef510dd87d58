"""What takes sorting: sort, argsort, topk, kthvalue, median, quantile, unique."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

import nbnn.device as _device
from nbnn import dtypes
from nbnn.autograd import Node
from nbnn.functional import _check
from nbnn.functional._binary import Binary
from nbnn.functional.arithmetic import add, div, mul, sub
from nbnn.functional.array import mean
from nbnn.functional.conversion import cast
from nbnn.functional.creation import empty
from nbnn.functional.extreme import TAKE, TIES, Found, comparable
from nbnn.functional.indexing import narrow
from nbnn.functional.joining import stack
from nbnn.functional.reduction import sum_over
from nbnn.functional.shape import permute, reshape
from nbnn.kernels import _cpu
from nbnn.kernels import array as K_array
from nbnn.kernels import ordering as K
from nbnn.op import Op, apply, takes_arrays
from nbnn.tensor import Tensor, flat, make

# -- rows in order -------------------------------------------------------------------------------------------------

_FEW = 32  # up to so many of a row are found in one pass, without sorting it
_FLOATS: Any = {np.dtype(np.float32): (np.int32, 0x7F800000, 0x7FFFFFFF),
                np.dtype(np.float64): (np.int64, 0x7FF0000000000000, 0x7FFFFFFFFFFFFFFF)}  # fmt: skip


def _keys(x: Tensor, descending: bool) -> Any:
    """Integers (int32 or int64) that order like the elements, NaN last; in reversed order if `descending`."""
    x = cast(x, dtypes.float32) if x._dtype.is_half else x
    if not x._dtype.is_floating_point and x._dtype is not dtypes.int64:
        x = cast(x, dtypes.int32)
    data, n, flip = flat(x), x.numel(), -1 if descending else 0
    if x._dtype.is_floating_point:
        kind, infinity, most = _FLOATS[data.dtype]
        out = _device.empty(n, np.dtype(kind), x.device)
        _device.launch(K.float_key, (out,), (data.view(kind),), (infinity, most, flip), n)
        return out
    if not descending:
        return data
    out = _device.empty(n, data.dtype, x.device)
    _device.launch(K.flipped, (out,), (data,), (), n)
    return out


def _sorted_places(keys: Any, length: int) -> Any:
    """For each row of `length` keys their places, in the order of size; equal ones stay in their order."""
    rows, where, number = keys.size // max(length, 1), _device.of(keys), dtypes.int64.storage
    order = _device.empty(keys.size, number, where)
    if keys.size == 0:
        return order
    if not isinstance(keys, np.ndarray):
        spare = _device.empty(keys.size, number, where)
        _device.launch(K.sort_rows, (order, spare), (keys,), (length,), rows)
        return order
    grain = -(-rows // K.CHUNKS)
    chunks = -(-rows // grain) if length > K.SHORT else 0
    spare, moved = np.empty(chunks * length, number), np.empty(2 * chunks * length, keys.dtype)
    counts = np.empty(chunks * keys.itemsize * K.DIGITS, number)
    args = (order, keys, spare, moved, counts, rows, length, keys.itemsize, grain)
    _cpu.enter_fast(K.sort_rows_fast, args, 16 * keys.size)
    return order


def _first_places(keys: Any, length: int, count: int) -> Any:
    """For each row the places of its `count` smallest keys, ascending."""
    rows = keys.size // length
    if count > _FEW or 4 * count > length:
        shape = (rows, length)
        return flat(narrow(make(_sorted_places(keys, length), shape, dtypes.int64), 1, 0, count))
    order = _device.empty(rows * count, dtypes.int64.storage, _device.of(keys))
    _device.launch(K.first_rows, (order,), (keys,), (length, count), rows, 4 * length)
    return order


def _last(op: str, input: Any, dim: Any) -> tuple[Tensor, int, int]:
    """The Tensor with the axis moved to the end (one of size 1 where there are none), the axis, and its size."""
    x = _check.real(op, "input", input)
    axis = _check.dim(op, dim, x.dim())
    if not x._shape:
        return reshape(x, (1,)), -1, 1
    moved = x if axis == x.dim() - 1 else permute(x, _to_end(x.dim(), axis))
    return moved, axis, x._shape[axis]


def _to_end(ndim: int, axis: int) -> tuple[int, ...]:
    return (*(k for k in range(ndim) if k != axis), axis)


def _back(t: Tensor, axis: int) -> Tensor:
    """The last axis at the place from which `_last` took it."""
    if axis == -1:
        return reshape(t, ())
    if axis == t.dim() - 1:
        return t
    return permute(t, (*range(axis), t.dim() - 1, *range(axis, t.dim() - 1)))


def _picked(x: Tensor, places: Any, count: int, axis: int) -> tuple[Tensor, Tensor]:
    """The elements at `count` places of each row, and the places, with the axis where it belongs."""
    index = make(places, (*x._shape[:-1], count), dtypes.int64)
    return _back(apply(TAKE, x, index, params=(x.dim() - 1,)), axis), _back(index, axis)


# -- sort and topk -------------------------------------------------------------------------------------------------


@takes_arrays
def sort(input: Tensor, dim: int = -1, descending: bool = False, stable: bool = False) -> Found:
    """The elements in the order of size along an axis, and where they stood.

    Equal elements always stay in their order; NaN is larger than every number. Rows are sorted by the digits of integer
    keys, and the bits of the result do not depend on the number of threads.

    Parameters
    ----------
    input : Tensor
    dim : int
        The axis.
    descending : bool
        The largest first.
    stable : bool
        Promise what holds in any case.

    Returns
    -------
    named tuple ``(values, indices)``

    Raises
    ------
    IndexError
        If the axis does not exist.

    Examples
    --------
    >>> import nbnn
    >>> nbnn.tensor([3.0, 1.0, 2.0]).sort().values
    tensor([1., 2., 3.])
    """
    x, axis, length = _last("sort", input, dim)
    places = _sorted_places(_keys(x.detach(), _flag("sort", "descending", descending)), length)
    return Found(*_picked(x, places, length, axis))


def _flag(op: str, name: str, value: Any) -> bool:
    if not isinstance(value, (bool, np.bool_)):
        raise TypeError(f"{op}: `{name}` (={value!r}) must be a bool; got {type(value).__name__}")
    return bool(value)


@takes_arrays
def argsort(input: Tensor, dim: int = -1, descending: bool = False, stable: bool = False) -> Tensor:
    """Where the elements stand that `sort` gives.

    Parameters
    ----------
    input : Tensor or array
    dim : int
    descending : bool
    stable : bool
        Equal elements stay in their order in any case.

    Raises
    ------
    IndexError
        If the axis does not exist.

    Examples
    --------
    >>> import nbnn
    >>> nbnn.tensor([3.0, 1.0, 2.0]).argsort()
    tensor([1, 2, 0])
    """
    x, axis, length = _last("argsort", input, dim)
    places = _sorted_places(_keys(x.detach(), _flag("argsort", "descending", descending)), length)
    return _back(make(places, x._shape, dtypes.int64), axis)


@takes_arrays
def topk(input: Tensor, k: int, dim: int = -1, largest: bool = True, sorted: bool = True) -> Found:
    """The `k` largest elements along an axis, the largest first, and where they stand; of equal ones the first.

    Parameters
    ----------
    input : Tensor
    k : int
        At most the size of the axis.
    dim : int
        The axis.
    largest : bool
        False: the smallest.
    sorted : bool
        Ask for an order, in which they are in any case.

    Returns
    -------
    named tuple ``(values, indices)``

    Raises
    ------
    ValueError
        If `k` is negative or larger than the axis.
    IndexError
        If the axis does not exist.

    Examples
    --------
    >>> import nbnn
    >>> nbnn.tensor([3.0, 1.0, 2.0]).topk(2).values
    tensor([3., 2.])
    """
    count = _check.integer("topk", "k", k, 0)
    x, axis, length = _last("topk", input, dim)
    if count > length:
        raise ValueError(f"topk: `k` (={k}) must be at most the size of the axis, {length}; got {input._shape}")
    if not input._shape and count == 0:
        return Found(*(narrow(reshape(t, (1,)), 0, 0, 0) for t in sort(input)))
    keys = _keys(x.detach(), _flag("topk", "largest", largest))
    places = _first_places(keys, length, count) if count else _device.empty(0, dtypes.int64.storage, x.device)
    return Found(*_picked(x, places, count, axis))


# -- one position of the order -------------------------------------------------------------------------------------


def _ranked(op: str, x: Tensor, length: int, axis: int, position: int, keepdim: bool, spoiled: bool) -> Found:
    """The element at one position of each sorted row; or the first NaN of a row that has one, if `spoiled`."""
    order = _sorted_places(_keys(x.detach(), False), length)
    rows = x.numel() // length
    out = _device.empty(rows, dtypes.int64.storage, x.device)
    data = flat(comparable(x.detach()))
    _device.launch(K.rank, (out,), (order, data), (length, position, int(spoiled)), rows)
    values, indices = _picked(x, out, 1, axis)
    if keepdim or axis == -1:
        return Found(values, indices)
    shape = tuple(n for k, n in enumerate(values._shape) if k != axis)
    return Found(reshape(values, shape), reshape(indices, shape))


@takes_arrays
def kthvalue(input: Tensor, k: int, dim: int = -1, keepdim: bool = False) -> Found:
    """The `k`-th smallest element along an axis, and where it stands; of equal ones in their order.

    Parameters
    ----------
    input : Tensor
    k : int
        From 1 to the size of the axis.
    dim : int
        The axis.
    keepdim : bool
        Keep the axis with size 1.

    Raises
    ------
    ValueError
        If there is no such element.
    IndexError
        If the axis does not exist.

    Examples
    --------
    >>> import nbnn
    >>> nbnn.tensor([3.0, 1.0, 2.0]).kthvalue(2).values
    tensor(2.)
    """
    count = _check.integer("kthvalue", "k", k, 1)
    x, axis, length = _last("kthvalue", input, dim)
    if count > length:
        raise ValueError(f"kthvalue: `k` (={k}) must be at most the size of the axis, {length}; got {input._shape}")
    return _ranked("kthvalue", x, length, axis, count - 1, keepdim, False)


def _one_of_grad(node: Node, g: Tensor) -> tuple:
    x, y = node.saved
    share = TIES(x, y)
    return mul(share, div(g, sum_over(share, tuple(range(x.dim())), ()))), None


# The value of one element, whose gradient is shared by all that equal it.
ONE_OF = Op("median", forward=lambda x, value, params: (value,), grad=_one_of_grad, saves_inputs=(0, 1))


@takes_arrays
def median(input: Tensor, dim: int | None = None, keepdim: bool = False) -> Any:
    """The middle element by size, the lower of two: of all; or along an axis, with where it stands. NaN wins.

    Parameters
    ----------
    input : Tensor
    dim : int, optional
        The axis.
    keepdim : bool
        Keep the axis with size 1.

    Returns
    -------
    Tensor, or for an axis the named tuple ``(values, indices)``
        The gradient along an axis goes to the element found; that of all is shared by those equal to it.

    Raises
    ------
    ValueError
        If there is nothing to choose from along the axis, or no number at all of a type without NaN.
    IndexError
        If the axis does not exist.

    Examples
    --------
    >>> import nbnn
    >>> nbnn.tensor([4.0, 1.0, 3.0, 2.0]).median()
    tensor(2.)
    """
    whole = dim is None
    x, axis, length = _last("median", reshape(_check.tensor("median", "input", input), (-1,)) if whole else input,
                            0 if whole else dim)  # fmt: skip
    if length == 0 and whole and x._dtype.is_floating_point:
        return mean(input)  # NaN
    if length == 0:
        raise ValueError(f"median: `input` must not be empty along the axis; got shape {input._shape}")
    if not whole:
        return _ranked("median", x, length, axis, (length - 1) // 2, keepdim, True)
    value = _ranked("median", x.detach(), length, axis, (length - 1) // 2, False, True).values
    return apply(ONE_OF, input, value)


SPOIL = Binary("quantile", K.spoil, (lambda p, g: g, lambda p, g: mul(g, 0.0)))
_INTERPOLATIONS = ("linear", "lower", "higher", "midpoint", "nearest")


def _at_quantile(values: Tensor, q: float, interpolation: str) -> Tensor:
    """The quantile of sorted rows: between the two neighbours of position q (n - 1)."""
    length = values._shape[-1]
    exact = q * (length - 1)
    below = min(int(exact), length - 1)
    part = exact - below
    if interpolation == "nearest":
        below, part = round(exact), 0.0
    elif interpolation == "higher":
        below, part = math.ceil(exact), 0.0
    elif interpolation == "lower":
        part = 0.0
    elif interpolation == "midpoint" and part:
        part = 0.5
    last = values.dim() - 1
    low = narrow(values, last, below, 1)
    if part:
        low = add(low, mul(sub(narrow(values, last, below + 1, 1), low), part))
    return SPOIL(low, narrow(values, last, length - 1, 1))


@takes_arrays
def quantile(
    input: Tensor, q: Any, dim: int | None = None, keepdim: bool = False, *, interpolation: str = "linear"
) -> Tensor:
    """The value below which a part `q` of the elements lies: at position ``q * (n - 1)`` of their order. NaN wins.

    Parameters
    ----------
    input : Tensor
    q : float or Tensor
        Between 0 and 1; a Tensor of one axis puts its quantiles along a new first axis.
    dim : int, optional
        The axis; all elements without it.
    keepdim : bool
        Keep the axis with size 1.
    interpolation : str
        "linear", "lower", "higher", "midpoint" or "nearest": what stands between two elements.

    Raises
    ------
    ValueError
        If `q` is not between 0 and 1, there is nothing to choose from, or the interpolation is another.
    TypeError
        If the elements are not floating-point numbers.
    IndexError
        If the axis does not exist.

    Examples
    --------
    >>> import nbnn
    >>> nbnn.tensor([1.0, 2.0, 3.0, 4.0]).quantile(0.5)
    tensor(2.5000)
    """
    _check.floating("quantile", "input", _check.tensor("quantile", "input", input))
    if interpolation not in _INTERPOLATIONS:
        names = ", ".join(map(repr, _INTERPOLATIONS))
        raise ValueError(f"quantile: `interpolation` (={interpolation!r}) must be one of {names}")
    if isinstance(q, Tensor) and q.dim() > 1:
        raise ValueError(f"quantile: `q` must be a number or have one axis; got shape {q._shape}")
    many = isinstance(q, Tensor) and q.dim() == 1
    qs = [_check.probability("quantile", "q", v) for v in (q.tolist() if many else [q])]
    whole = dim is None
    shape = input._shape
    x, axis, length = _last("quantile", reshape(input, (-1,)) if whole else input, 0 if whole else dim)
    if length == 0:
        raise ValueError(f"quantile: `input` must not be empty along the axis; got shape {shape}")
    x = cast(x, dtypes.float32) if x._dtype.is_half else x
    values, _ = _picked(x, _sorted_places(_keys(x.detach(), False), length), length, x.dim() - 1)
    kept = (1,) * len(shape) if whole else tuple(1 if k == axis else n for k, n in enumerate(shape))
    out_shape = kept if keepdim else () if whole else tuple(n for k, n in enumerate(shape) if k != axis)
    found = [cast(_at_quantile(values, v, interpolation), input._dtype) for v in qs]
    laid = [reshape(_back(f, axis) if not whole else f, out_shape) for f in found]
    if not many:
        return laid[0]
    return stack(laid) if laid else empty(0, *out_shape, dtype=input._dtype, device=input.device)


# -- groups of equals ----------------------------------------------------------------------------------------------


def _lexical_order(x: Tensor) -> Any:
    """The rows of a matrix in lexical order: sorted by each column, from the last to the first."""
    n, width = x._shape
    order = None
    for k in reversed(range(width)):
        column = reshape(narrow(x, 1, k, 1), (n,))
        if order is None:
            order = make(_sorted_places(_keys(column, False), n), (n,), dtypes.int64)
        else:
            again = _sorted_places(_keys(apply(TAKE, column, order, params=(0,)), False), n)
            order = apply(TAKE, order, make(again, (n,), dtypes.int64), params=(0,))
    return order


def _groups(x: Tensor, dim: int | None, in_order: bool) -> tuple[Tensor, Tensor, Tensor]:
    """The distinct elements (rows along `dim`), the group of each, and how many each group has.

    Sorted, or else the runs of neighbours that are equal.
    """
    if dim is not None and not x.numel() and (x._shape[dim] or x._shape.count(0) > 1):
        raise ValueError(f"unique: `input` must have no empty axis beside `dim` (={dim}); got shape {x._shape}")
    seen = reshape(x, (-1,)) if dim is None else permute(x, (dim, *(k for k in range(x.dim()) if k != dim)))
    n = seen._shape[0]
    rows = reshape(seen.detach().cpu(), (n, -1 if seen.numel() else 0))
    wide = comparable(rows)
    order = _lexical_order(wide) if in_order and wide._shape[1] else None
    if order is None:
        data = _device.empty(n, dtypes.int64.storage, _device.CPU)
        _device.launch(K_array.arange, (data,), (), (0, 1), n)
        order = make(data, (n,), dtypes.int64)
    heads, group = (_device.empty(size, dtypes.int64.storage, _device.CPU) for size in (n + 2, n))
    _device.launch(K.mark_groups, (heads, group), (flat(order), flat(wide)), (wide._shape[1],), 1)
    count = int(heads[n + 1])
    starts = make(heads, (n + 2,), dtypes.int64)
    first = narrow(starts, 0, 0, count)
    index = apply(TAKE, order, first, params=(0,))
    if seen.dim() > 1:
        index = index.reshape(count, *(1,) * (seen.dim() - 1)).expand(count, *seen._shape[1:])
    values = apply(TAKE, seen.detach().cpu(), index, params=(0,))
    if dim is not None:
        values = permute(values, (*range(1, dim + 1), 0, *range(dim + 1, x.dim())))
    sizes = sub(narrow(starts, 0, 1, count), first)
    inverse = make(group, x._shape if dim is None else (n,), dtypes.int64)
    return values.to(x.device), inverse.to(x.device), sizes.to(x.device)


def _chosen(found: tuple, return_inverse: bool, return_counts: bool) -> Any:
    kept = tuple(f for f, wanted in zip(found, (True, return_inverse, return_counts), strict=True) if wanted)
    return kept if len(kept) > 1 else kept[0]


@takes_arrays
def unique(
    input: Tensor,
    sorted: bool = True,
    return_inverse: bool = False,
    return_counts: bool = False,
    dim: int | None = None,
) -> Any:
    """The distinct elements in ascending order, or the distinct slices along an axis in lexical order.

    No NaN equals another one.

    Parameters
    ----------
    input : Tensor
    sorted : bool
        Ask for the order, which is kept in any case.
    return_inverse : bool
        Also return, for each element, which of the distinct ones it is.
    return_counts : bool
        Also return how often each occurs.
    dim : int, optional
        The axis.

    Returns
    -------
    Tensor, or a tuple of (output, inverse, counts)

    Raises
    ------
    IndexError
        If the axis does not exist.

    Examples
    --------
    >>> import nbnn
    >>> nbnn.tensor([3, 1, 3]).unique(return_counts=True)
    (tensor([1, 3]), tensor([1, 2]))
    """
    x = _check.real("unique", "input", input)
    axis = None if dim is None or not x._shape else _check.dim("unique", dim, x.dim())
    return _chosen(_groups(x, axis, True), return_inverse, return_counts)


@takes_arrays
def unique_consecutive(
    input: Tensor, return_inverse: bool = False, return_counts: bool = False, dim: int | None = None
) -> Any:
    """The first of each run of equal elements, or of equal slices along an axis. See `unique`.

    Parameters
    ----------
    input : Tensor or array
    return_inverse : bool
        Give the group of each element too.
    return_counts : bool
        Give the length of each run too.
    dim : int, optional

    Raises
    ------
    IndexError
        If the axis does not exist.

    Examples
    --------
    >>> import nbnn
    >>> nbnn.tensor([3, 3, 1, 3]).unique_consecutive()
    tensor([3, 1, 3])
    """
    x = _check.real("unique_consecutive", "input", input)
    axis = None if dim is None or not x._shape else _check.dim("unique_consecutive", dim, x.dim())
    return _chosen(_groups(x, axis, False), return_inverse, return_counts)
