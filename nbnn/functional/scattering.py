"""Scattering with a choice of what meets in one place: sum, product, mean, the largest, the smallest; and by masks."""

from __future__ import annotations

from typing import Any

import numpy as np

from nbnn import dtypes
from nbnn.autograd import Node
from nbnn.functional import _check
from nbnn.functional.arithmetic import div, mul
from nbnn.functional.array import sum as total
from nbnn.functional.choice import where
from nbnn.functional.comparison import eq, maximum, minimum, ne
from nbnn.functional.conversion import cast, clone
from nbnn.functional.creation import arange, full, full_like, ones_like, zeros_like
from nbnn.functional.division import floor_divide
from nbnn.functional.gathering import SCATTER_MULTIPLY, _along, _line, _slices, gather, scatter, scatter_add
from nbnn.functional.indexing import INDEX
from nbnn.functional.inplace import in_place, setitem
from nbnn.functional.ordering import argsort
from nbnn.functional.shape import broadcast_to, reshape
from nbnn.op import Op, apply, takes_arrays
from nbnn.tensor import Tensor

_KINDS = ("sum", "prod", "mean", "amax", "amin")


def _leader(x: Tensor, axis: int, index: Tensor, source: Tensor, kind: str, include: bool) -> Tensor:
    """The largest or smallest that meet: of the elements written in their order the last one stays."""
    least = kind == "amin"
    order = argsort(source, axis, descending=least, stable=True)
    found = scatter(x, axis, gather(index, axis, order), gather(source, axis, order))
    return (minimum if least else maximum)(x, found) if include else found


def _product(x: Tensor, axis: int, index: Tensor, source: Tensor, include: bool) -> Tensor:
    start = x if include else scatter(x, axis, index, 1)
    return apply(SCATTER_MULTIPLY, start, source, index, params=(axis,))


def _reduce_forward(x: Tensor, source: Tensor, index: Tensor, params: tuple) -> tuple[Tensor]:
    axis, kind, include = params
    x, source, index = x.detach(), source.detach(), index.detach()
    if kind == "prod":
        return (_product(x, axis, index, source, include),)
    return (_leader(x, axis, index, source, kind, include),)


def _reduce_grad(node: Node, g: Tensor) -> tuple:
    x, source, index, y = node.saved
    axis, kind, include = node.params
    at = gather(y, axis, index)
    if kind == "prod":
        by_x = _of_others(x, _product(x, axis, index, source, include), x, axis, index, source, include, False)
        by_source = _of_others(source, at, x, axis, index, source, include, True)
        own = mul(g, by_x) if include else scatter(g, axis, index, 0)
        return own, mul(gather(g, axis, index), by_source), None
    mine, theirs = cast(eq(x, y), g._dtype), cast(eq(source, at), g._dtype)
    if not include:
        mine = scatter(mine, axis, index, 0)
    share = scatter_add(mine, axis, index, theirs)
    untouched = scatter(ones_like(g), axis, index, 0)  # where nothing was scattered the gradient goes through
    part = div(g, where(eq(share, 0), 1.0, share))
    own = where(ne(untouched, 0), g, mul(part, mine))
    return own, mul(gather(part, axis, index), theirs), None


def _of_others(
    factor: Tensor, whole: Tensor, x: Tensor, axis: int, index: Tensor, source: Tensor, include: bool, inside: bool
) -> Tensor:
    """The product of all factors that meet but this one: also where factors are 0."""
    none, zero = eq(x, 0), eq(source, 0)
    filled = _product(where(none, 1.0, x), axis, index, where(zero, 1.0, source), include)
    counted = cast(none, factor._dtype) if include else zeros_like(x)
    zeros = scatter_add(counted, axis, index, cast(zero, factor._dtype))
    if inside:
        filled, zeros = gather(filled, axis, index), gather(zeros, axis, index)
    alone = where(eq(zeros, 1), filled, 0.0)
    return where(eq(factor, 0), alone, div(whole, where(eq(factor, 0), 1.0, factor)))


REDUCE = Op("scatter_reduce", forward=_reduce_forward, grad=_reduce_grad, saves_inputs=(0, 1, 2), saves_outputs=(0,))


@takes_arrays
def scatter_reduce(
    input: Tensor, dim: int, index: Tensor, src: Tensor, reduce: str, *, include_self: bool = True
) -> Tensor:
    r"""A copy of `input` in which elements of `src` meet along an axis: for axis 1 of 3, in :math:`y_{i,t_{ijk},k}`.

    Parameters
    ----------
    input : Tensor
    dim : int
    index : Tensor of integers
        Positions in [0, n) on the axis; elsewhere as long as `input`, and nowhere longer than `src`.
    src : Tensor
        Of the dtype of `input`.
    reduce : {"sum", "prod", "mean", "amax", "amin"}
        What becomes of those that meet; the gradient of the largest and the smallest is shared by equal ones.
    include_self : bool
        Whether the element of `input` is one of them.

    Raises
    ------
    IndexError
        If a position is out of range.
    ValueError
        If the shapes do not fit, or `reduce` is none of these.
    TypeError
        If `index` holds no integers or `src` has another dtype.

    Examples
    --------
    >>> import nbnn
    >>> nbnn.scatter_reduce(nbnn.zeros(2), 0, nbnn.tensor([0, 0, 1]), nbnn.tensor([1.0, 5.0, -2.0]), "amax")
    tensor([5., 0.])
    """
    op = "scatter_reduce"
    _check.one_of(op, "reduce", reduce, _KINDS)
    include = _check.flag(op, "include_self", include_self)
    x, axis, where_to = _along(op, _check.real(op, "input", input), dim, index)
    source = _check.tensor(op, "src", src)
    source = source.reshape(1) if source._shape == () else source
    _check.same_dtype(op, input=x, src=source)
    if source.dim() != x.dim() or any(n > m for n, m in zip(where_to._shape, source._shape, strict=True)):
        raise ValueError(f"{op}: `index` must not be longer than `src`; got {where_to._shape} for {source._shape}")
    source = source[tuple(slice(0, n) for n in where_to._shape)]
    if not where_to.numel():
        return clone(input)
    rest = (*where_to._shape[:axis], x._shape[axis], *where_to._shape[axis + 1 :])
    if rest != x._shape:
        whole = clone(x)
        corner = tuple(slice(0, n) for n in rest)
        setitem(whole, corner, _reduced(x[corner], axis, where_to, source, reduce, include))
        return whole
    return reshape(_reduced(x, axis, where_to, source, reduce, include), input._shape)


def _reduced(x: Tensor, axis: int, index: Tensor, source: Tensor, kind: str, include: bool) -> Tensor:
    if kind in ("sum", "mean"):
        start = x if include else scatter(x, axis, index, 0)
        y = scatter_add(start, axis, index, source)
        if kind == "sum":
            return y
        ones = full_like(x, 1) if include else scatter(full_like(x, 1), axis, index, 0)
        count = scatter_add(ones, axis, index, full_like(source, 1))
        count = where(eq(count, 0), full((), 1, dtype=x._dtype, device=x.device), count)
        return div(y, count) if x._dtype.is_floating_point else floor_divide(y, count)
    wide = cast(x, dtypes.float32) if x._dtype.is_half else x
    return cast(apply(REDUCE, wide, cast(source, wide._dtype), index, params=(axis, kind, include)), x._dtype)


@takes_arrays
def index_reduce(
    input: Tensor, dim: int, index: Tensor, source: Tensor, reduce: str, *, include_self: bool = True
) -> Tensor:
    """A copy of `input` in which slices of `source` meet in the slices that `index` names: see `scatter_reduce`.

    Parameters
    ----------
    input : Tensor
    dim : int
    index : Tensor of integers
        A vector: for each slice of `source` its position on the axis.
    source : Tensor
        Of the dtype of `input`.
    reduce : {"prod", "mean", "amax", "amin"}
    include_self : bool

    Raises
    ------
    IndexError
        If a position is out of range.
    ValueError
        If `source` has not the shape of the slices, or `reduce` is none of these.

    Examples
    --------
    >>> import nbnn
    >>> nbnn.index_reduce(nbnn.ones(2), 0, nbnn.tensor([0, 0]), nbnn.tensor([2.0, 3.0]), "prod")
    tensor([6., 1.])
    """
    op = "index_reduce"
    _check.one_of(op, "reduce", reduce, _KINDS[1:])
    include = _check.flag(op, "include_self", include_self)
    x, axis, line = _line(op, _check.real(op, "input", input), dim, index)
    slices = _slices(op, x, axis, line, source)
    if not slices.numel():
        return clone(input)
    line = broadcast_to(reshape(line, (-1, *(1,) * (x.dim() - axis - 1))), slices._shape)
    return reshape(_reduced(x, axis, line, slices, reduce, include), input._shape)


@takes_arrays
def index_put(input: Tensor, indices: Any, values: Tensor, accumulate: bool = False) -> Tensor:
    """A copy of `input` with ``copy[indices] = values``, or, with `accumulate`, with them added there.

    Parameters
    ----------
    input : Tensor
    indices : tuple of Tensor
        Integers or bools, as for ``input[indices]``.
    values : Tensor
        Broadcast to the shape of ``input[indices]``.
    accumulate : bool
        Add; what meets in one place is summed.

    Raises
    ------
    IndexError
        If an index is out of range.
    ValueError
        If `values` does not broadcast.
    TypeError
        If `values` is no Tensor.

    Examples
    --------
    >>> import nbnn
    >>> nbnn.index_put(nbnn.zeros(3), (nbnn.tensor([1, 1]),), nbnn.tensor(2.0), accumulate=True)
    tensor([0., 4., 0.])
    """
    op = "index_put"
    x, value = _check.tensor(op, "input", input), _check.tensor(op, "values", values)
    key = tuple(indices)
    for index in key:
        if not isinstance(index, (Tensor, np.ndarray)):
            raise TypeError(f"{op}: `indices` must be Tensors; got {type(index).__name__}")
    y = clone(x)
    if not _check.flag(op, "accumulate", accumulate):
        setitem(y, key, value)
        return y
    places = reshape(arange(x.numel()), x._shape)[key]
    if _check.broadcast_shapes(op, places._shape, value._shape) != places._shape:
        raise ValueError(f"{op}: `values` of shape {value._shape} does not broadcast to {places._shape}")
    spread = reshape(broadcast_to(cast(value, x._dtype), places._shape), (-1,))
    return reshape(scatter_add(reshape(y, (-1,)), 0, reshape(places, (-1,)).to(x.device), spread), x._shape)


@takes_arrays
def masked_scatter(input: Tensor, mask: Tensor, source: Tensor) -> Tensor:
    """A copy of `input` whose elements under `mask` are the first ones of `source`, one after the other.

    Parameters
    ----------
    input : Tensor
    mask : Tensor of bool
        Of a shape that broadcasts with that of `input`.
    source : Tensor
        Of the dtype of `input`, with as many elements as the mask has truths, or more.

    Raises
    ------
    ValueError
        If the shapes do not broadcast, or `source` has too few elements.
    TypeError
        If `mask` is not of type bool, or the dtypes differ.

    Examples
    --------
    >>> import nbnn
    >>> nbnn.masked_scatter(nbnn.zeros(3), nbnn.tensor([True, False, True]), nbnn.tensor([1.0, 2.0]))
    tensor([1., 0., 2.])
    """
    op = "masked_scatter"
    x, m = _check.tensor(op, "input", input), _check.tensor(op, "mask", mask)
    if m._dtype is not dtypes.bool_:
        raise TypeError(f"{op}: `mask` must be a bool Tensor; got {m._dtype!r}")
    _check.same_dtype(op, input=x, source=_check.tensor(op, "source", source))
    shape = _check.broadcast_shapes(op, x._shape, m._shape)
    x, m = broadcast_to(x, shape), broadcast_to(m, shape)
    wanted = int(total(m).item())
    if wanted > source.numel():
        raise ValueError(f"{op}: `source` must have {wanted} elements for the truths of `mask`; got {source.numel()}")
    if not wanted:
        return clone(x)
    turn = (cast(reshape(m, (-1,)), dtypes.int64).cumsum(0) - 1).clamp_min(0)
    picked = apply(INDEX, reshape(source, (-1,)), turn, params=(0, 1))
    return where(m, reshape(picked, shape), x)


@takes_arrays
def put(input: Tensor, index: Tensor, source: Tensor, accumulate: bool = False) -> Tensor:
    """A copy of `input` in which elements, counted in row-major order, are those of `source`, or are added to.

    Parameters
    ----------
    input : Tensor
    index : Tensor of integers
        From the end where negative.
    source : Tensor
        As many elements, of the dtype of `input`.
    accumulate : bool
        Add.

    Raises
    ------
    IndexError
        If a position is out of range.
    ValueError
        If `index` and `source` have different numbers of elements.
    TypeError
        If the dtypes differ.

    Examples
    --------
    >>> import nbnn
    >>> nbnn.put(nbnn.zeros(2, 2), nbnn.tensor([3]), nbnn.ones(1))
    tensor([[0., 0.],
            [0., 1.]])
    """
    x, where_to = _check.tensor("put", "input", input), _check.tensor("put", "index", index)
    _check.same_dtype("put", input=x, source=_check.tensor("put", "source", source))
    if where_to.numel() != source.numel():
        raise ValueError(f"put: `index` and `source` must have one size; got {where_to._shape} and {source._shape}")
    line = index_put(reshape(x, (-1,)), (reshape(where_to, (-1,)),), reshape(source, (-1,)), accumulate)
    return reshape(line, x._shape)


IN_PLACE = {
    f"{function.__name__}_": in_place(function, f"{function.__name__}_")
    for function in (scatter_reduce, index_reduce, index_put, masked_scatter, put)
}
