"""Gathering and scattering along an axis: single elements, or whole slices."""

from __future__ import annotations

import math
from typing import Any

import nbnn.device as _device
from nbnn import _layout, dtypes
from nbnn.functional import _check
from nbnn.functional.arithmetic import add, mul
from nbnn.functional.comparison import ne
from nbnn.functional.conversion import cast, clone
from nbnn.functional.creation import arange, full
from nbnn.functional.indexing import INDEX, SLICE, add_up, checked, put
from nbnn.functional.inplace import copy_, in_place
from nbnn.functional.masking import filler, masked_fill
from nbnn.functional.promotion import scale
from nbnn.functional.shape import RESHAPE, broadcast_to, reshape
from nbnn.kernels import indexing as K
from nbnn.op import Op, apply, takes_arrays
from nbnn.tensor import Tensor, flat, from_array, make

# -- ops: params (axis,); index and source have the shape of x but for that axis ---------------------------------------


def _around(shape: tuple[int, ...], axis: int) -> tuple[int, int]:
    return math.prod(shape[:axis]), math.prod(shape[axis + 1 :])


def _gather_forward(x: Tensor, index: Tensor, params: tuple) -> tuple[Tensor]:
    (axis,) = params
    outer, inner = _around(x._shape, axis)
    count = index._shape[axis]
    out = _device.empty(index.numel(), x._dtype.storage, x.device)
    if out.size:
        ins = (_layout.words(flat(x)), flat(index))
        params = (x._shape[axis], count, inner)
        _device.launch(K.gather, (_layout.words(out),), ins, params, outer * count, 4 * inner)
    return (make(out, index._shape, x._dtype),)


def _gather_grad(node: Any, grad: Tensor) -> tuple:
    (index,) = node.saved
    kind = grad._dtype
    wide = cast(grad, dtypes.float32) if kind.is_half else grad  # elements that are picked twice are summed
    zeros = full(node.input_shapes[0], 0, dtype=wide._dtype, device=grad.device)
    return (cast(apply(SCATTER_ADD, zeros, wide, index, params=node.params), kind), None)


def _scattered(kernel: Any, x: Tensor, source: Any, index: Tensor, axis: int) -> None:
    """Run a kernel that changes the memory of `x`, which lies row by row."""
    outer, inner = _around(x._shape, axis)
    count = index._shape[axis]
    if index.numel():
        params = (x._shape[axis], count, inner)
        data = _layout.words(x._data) if kernel is K.scatter else x._data
        _device.launch(kernel, (data,), (source, flat(index)), params, outer * inner, 4 * count)


def _scatter_forward(x: Tensor, source: Tensor, index: Tensor, params: tuple) -> tuple[Tensor]:
    out = clone(x.detach())
    _scattered(K.scatter, out, _layout.words(flat(source)), index, *params)
    return (out,)


def _scatter_grad(node: Any, grad: Tensor) -> tuple:
    (index,) = node.saved
    need_x, need_source, _ = node.needs
    dx = dsource = None
    if need_x:
        hole = full(index._shape, 0, dtype=grad._dtype, device=grad.device)
        dx = apply(SCATTER, grad, hole, index, params=node.params)
    if need_source:
        picked = apply(GATHER, grad, index, params=node.params)
        dsource = masked_fill(picked, _overwritten(index, node.params[0], grad._shape), 0)
    return dx, dsource, None


def _overwritten(index: Tensor, axis: int, shape: tuple[int, ...]) -> Tensor:
    """Where a later element of the source went to the same place."""
    turns = arange(index._shape[axis], device=index.device)
    order = broadcast_to(turns.reshape(-1, *(1,) * (len(shape) - axis - 1)), index._shape)
    last = apply(SCATTER, full(shape, 0, dtype=dtypes.int64, device=index.device), order, index, params=(axis,))
    return ne(apply(GATHER, last, index, params=(axis,)), order)


def _scatter_add_forward(x: Tensor, source: Tensor, index: Tensor, params: tuple) -> tuple[Tensor]:
    out = clone(x.detach())
    _scattered(K.scatter_add, out, flat(source), index, *params)
    return (out,)


def _scatter_add_grad(node: Any, grad: Tensor) -> tuple:
    (index,) = node.saved
    return grad, apply(GATHER, grad, index, params=node.params), None


def _scatter_multiply_forward(x: Tensor, source: Tensor, index: Tensor, params: tuple) -> tuple[Tensor]:
    out = clone(x.detach())
    _scattered(K.scatter_multiply, out, flat(source), index, *params)
    return (out,)


def _scatter_multiply_grad(node: Any, grad: Tensor) -> tuple:
    raise RuntimeError("scatter: reduce='multiply' has no gradient")


GATHER = Op("gather", forward=_gather_forward, grad=_gather_grad, saves_inputs=(1,))
SCATTER = Op("scatter", forward=_scatter_forward, grad=_scatter_grad, saves_inputs=(2,))
SCATTER_MULTIPLY = Op("scatter", forward=_scatter_multiply_forward, grad=_scatter_multiply_grad)
SCATTER_ADD = Op("scatter_add", forward=_scatter_add_forward, grad=_scatter_add_grad, saves_inputs=(2,))

# -- checks --------------------------------------------------------------------------------------------------------


def _integers(op: str, name: str, value: Any) -> Tensor:
    """A Tensor of integers as int64."""
    t = _check.tensor(op, name, value)
    if t._dtype.is_floating_point or t._dtype is dtypes.bool_:
        raise TypeError(f"{op}: `{name}` must hold integers; got {t._dtype!r}")
    return cast(t, dtypes.int64)


def _along(op: str, input: Any, dim: Any, index: Any) -> tuple[Tensor, int, Tensor]:
    """The input, the axis and the index of a gather or scatter; 0-d ones count as vectors of one element."""
    x, where = _check.tensor(op, "input", input), _integers(op, "index", index)
    axis = _check.dim(op, dim, x.dim())
    if x._shape == ():
        x = x.reshape(1)
    if where._shape == ():
        where = where.reshape(1)
    if where.dim() != x.dim():
        raise ValueError(f"{op}: `index` must have as many axes as `input`; got {where._shape} for {x._shape}")
    if where.numel():
        for k, (n, m) in enumerate(zip(where._shape, x._shape, strict=True)):
            if k != axis and n > m:
                raise ValueError(
                    f"{op}: `index` must not be longer than `input` but along axis {axis}; "
                    f"got {where._shape} for {x._shape}"
                )
        where = _check.indices(op, "index", where, x._shape[axis], along=axis)
    return x, axis, where


def _corner(x: Tensor, shape: tuple[int, ...]) -> Tensor:
    """The first elements along each axis, as a view of this shape."""
    return x if x._shape == shape else apply(SLICE, x, params=(tuple((0, n, 1) for n in shape),))


def _beside(x: Tensor, shape: tuple[int, ...], axis: int) -> tuple[int, ...]:
    """A shape but along `axis`, where it is that of `x`."""
    return (*shape[:axis], x._shape[axis], *shape[axis + 1 :])


def _line(op: str, input: Any, dim: Any, index: Any, wraps: bool = False) -> tuple[Tensor, int, Tensor]:
    """The input, the axis, and a vector of checked positions on it."""
    x, where = _check.tensor(op, "input", input), _integers(op, "index", index)
    axis = _check.dim(op, dim, x.dim())
    if where.dim() > 1:
        raise ValueError(f"{op}: `index` must have one axis; got shape {where._shape}")
    where = where.reshape(-1)
    size = x._shape[axis] if x._shape else 1
    if wraps:
        where = _from_the_end(op, where, size, axis)
    else:
        where = _check.indices(op, "index", where, size, along=axis)
    return x.reshape(1) if x._shape == () else x, axis, where


# -- gather and scatter --------------------------------------------------------------------------------------------


@takes_arrays
def gather(input: Tensor, dim: int, index: Tensor, *, sparse_grad: bool = False) -> Tensor:
    r"""Elements picked along an axis, each by its own position: for axis 1 of three, :math:`y_{ijk} = x_{i,t_{ijk},k}`.

    The gradient of an element that is picked several times is summed in the order of the positions: the same bits on
    any number of threads.

    Parameters
    ----------
    input : Tensor
    dim : int
    index : Tensor of integers
        Positions in [0, n) on the axis; of any length along it, and elsewhere at most as long as `input`.
    sparse_grad : bool
        Has no effect: gradients are dense.

    Returns
    -------
    Tensor of the shape of `index`

    Raises
    ------
    IndexError
        If a position is out of range: names where it stands, its value and the axis.
    ValueError
        If the shapes do not fit.
    TypeError
        If `index` holds no integers.

    Examples
    --------
    >>> import nbnn
    >>> nbnn.gather(nbnn.tensor([[1, 2], [3, 4]]), 1, nbnn.tensor([[0, 0], [1, 0]]))
    tensor([[1, 1],
            [4, 3]])
    """
    shape = getattr(index, "_shape", ())
    x, axis, where = _along("gather", input, dim, index)
    if not where.numel():  # of any other sizes, which `input` need not have
        return apply(INDEX, reshape(x, (-1,)), where, params=(0, 1)).reshape(shape)
    x = _corner(x, _beside(x, where._shape, axis))
    if x.dim() == 1:
        return apply(INDEX, x, where, params=(0, 1)).reshape(shape)
    return apply(GATHER, x, where, params=(axis,))


def _scatter(op: str, input: Any, dim: Any, index: Any, src: Any, reduce: str | None) -> Tensor:
    x, axis, where = _along(op, input, dim, index)
    if isinstance(src, Tensor):
        if src._dtype is not x._dtype:
            raise TypeError(f"{op}: `src` must have the dtype {x._dtype!r} of `input`; got {src._dtype!r}")
        source = src.reshape(1) if src._shape == () else src
        if source.dim() != where.dim() or any(n > m for n, m in zip(where._shape, source._shape, strict=True)):
            raise ValueError(f"{op}: `index` must not be longer than `src`; got {where._shape} for {source._shape}")
        source = _corner(source, where._shape)
    else:
        source = full(where._shape, _check.number(op, "src", src), dtype=x._dtype, device=x.device)
    if not where.numel():
        return clone(_check.tensor(op, "input", input))
    beside = _beside(x, where._shape, axis)
    if beside == x._shape:
        return _placed(x, axis, where, source, reduce).reshape(input._shape)
    whole = clone(x)
    copy_(_corner(whole, beside), _placed(_corner(x, beside), axis, where, source, reduce))
    return whole


def _placed(x: Tensor, axis: int, where: Tensor, source: Tensor, reduce: str | None) -> Tensor:
    """`source` written over `x`, added to it or multiplied with it; the shapes fit but along the axis."""
    if reduce is None and x.dim() == 1:
        return put(x, source, where, 0, 1)
    if reduce is None:
        return apply(SCATTER, x, source, where, params=(axis,))
    if reduce == "add" and x.dim() == 1:  # one column would be one thread's work
        return add(x, add_up(source, where, 0, 1, x._shape))
    kind = x._dtype
    if kind.is_half:
        x, source = cast(x, dtypes.float32), cast(source, dtypes.float32)
    return cast(apply(SCATTER_ADD if reduce == "add" else SCATTER_MULTIPLY, x, source, where, params=(axis,)), kind)


@takes_arrays
def scatter(
    input: Tensor, dim: int, index: Tensor, src: Any = None, *, value: float | None = None, reduce: str | None = None
) -> Tensor:
    r"""A copy with elements replaced along an axis: for axis 1 of three, :math:`y_{i,t_{ijk},k} = s_{ijk}`.

    Where several elements go to one place the last one stays, and it alone gets a gradient.

    Parameters
    ----------
    input : Tensor
    dim : int
    index : Tensor of integers
        Positions in [0, n) on the axis; elsewhere at most as long as `input`, and nowhere longer than `src`.
    src : Tensor or number
        What is written, of the dtype of `input`.
    value : number, optional
        Another name for a number as `src`.
    reduce : {None, "add", "multiply"}
        "add" adds instead: see `scatter_add`; "multiply" multiplies, and has no gradient.

    Raises
    ------
    IndexError
        If a position is out of range: names where it stands, its value and the axis.
    ValueError
        If the shapes do not fit, or `reduce` is none of these.
    TypeError
        If `index` holds no integers, `src` has another dtype or there is none.

    Examples
    --------
    >>> import nbnn
    >>> nbnn.scatter(nbnn.zeros(2, 3), 1, nbnn.tensor([[2], [0]]), 7)
    tensor([[0., 0., 7.],
            [7., 0., 0.]])
    """
    if (src is None) is (value is None):
        raise TypeError("scatter: needs either `src` or `value`")
    if reduce not in (None, "add", "multiply"):
        raise ValueError(f"scatter: `reduce` (={reduce!r}) must be None, 'add' or 'multiply'")
    return _scatter("scatter", input, dim, index, value if src is None else src, reduce)


@takes_arrays
def scatter_add(input: Tensor, dim: int, index: Tensor, src: Tensor) -> Tensor:
    r"""A copy with elements added along an axis: for axis 1 of three, :math:`y_{i,t_{ijk},k} \mathrel{+}= s_{ijk}`.

    What meets in one place is added in the order of `src` along the axis: the same bits on any number of threads.

    Parameters
    ----------
    input : Tensor
    dim : int
    index : Tensor of integers
        Positions in [0, n) on the axis; elsewhere at most as long as `input`, and nowhere longer than `src`.
    src : Tensor
        Of the dtype of `input`.

    Raises
    ------
    IndexError
        If a position is out of range: names where it stands, its value and the axis.
    ValueError
        If the shapes do not fit.
    TypeError
        If `index` holds no integers or `src` has another dtype.

    Examples
    --------
    >>> import nbnn
    >>> nbnn.scatter_add(nbnn.zeros(3), 0, nbnn.tensor([0, 2, 0]), nbnn.ones(3))
    tensor([2., 0., 1.])
    """
    _check.tensor("scatter_add", "src", src)
    return _scatter("scatter_add", input, dim, index, src, "add")


@takes_arrays
def take_along_dim(input: Tensor, indices: Tensor, dim: int | None = None) -> Tensor:
    """`gather` with shapes that broadcast but along the axis; without `dim`, from the flattened Tensors.

    Negative positions count from the end.

    Parameters
    ----------
    input : Tensor or array
    indices : Tensor of int64
        Positions on the axis.
    dim : int, optional

    Raises
    ------
    IndexError
        If a position is out of range.
    ValueError
        If the shapes do not fit.
    TypeError
        If `indices` holds no integers.

    Examples
    --------
    >>> import nbnn
    >>> nbnn.take_along_dim(nbnn.tensor([[1, 2], [3, 4]]), nbnn.tensor([[1]]), 1)
    tensor([[2],
            [4]])
    """
    op = "take_along_dim"
    x, where = _check.tensor(op, "input", input), _integers(op, "indices", indices)
    if dim is None:
        return take(x, where.reshape(-1))
    if x.dim() != where.dim() or not x._shape:
        raise ValueError(f"{op}: `indices` must have the axes of `input`; got {where._shape} for {x._shape}")
    axis = _check.dim(op, dim, x.dim())
    rest = _check.broadcast_shapes(op, _beside(where, x._shape, axis), where._shape)
    x, where = broadcast_to(x, _beside(x, rest, axis)), broadcast_to(where, rest)
    return apply(GATHER, x, _from_the_end(op, where, x._shape[axis], axis), params=(axis,))


def _from_the_end(op: str, index: Tensor, size: int, axis: int) -> Tensor:
    """Positions in [-n, n) as positions in [0, n)."""
    places = checked(op, _device.to_host(flat(index)).reshape(index._shape), size, axis)
    return from_array(places).to(index.device)


@takes_arrays
def take(input: Tensor, index: Tensor) -> Tensor:
    """Elements of the flattened Tensor, by position; negative ones count from the end.

    Parameters
    ----------
    input : Tensor or array
    index : Tensor of int64, of any shape

    Returns
    -------
    Tensor of the shape of `index`

    Raises
    ------
    IndexError
        If a position is out of range.
    TypeError
        If `index` holds no integers.

    Examples
    --------
    >>> import nbnn
    >>> nbnn.take(nbnn.tensor([[1, 2], [3, 4]]), nbnn.tensor([0, -1]))
    tensor([1, 4])
    """
    x, where = _check.tensor("take", "input", input), _integers("take", "index", index)
    line = apply(RESHAPE, x, params=((x.numel(),),))
    return apply(INDEX, line, _from_the_end("take", where, x.numel(), 0), params=(0, 1))


# -- whole slices by number ----------------------------------------------------------------------------------------


@takes_arrays
def index_select(input: Tensor, dim: int, index: Tensor) -> Tensor:
    """The slices of an axis that a vector of positions names, in its order.

    Parameters
    ----------
    input : Tensor or array
    dim : int
    index : Tensor of int32 or int64, of shape (K,)
        Positions on that axis.

    Raises
    ------
    IndexError
        If a position is out of range: names where it stands, its value and the axis.
    ValueError
        If `index` has more than one axis.
    TypeError
        If it holds no integers.

    Examples
    --------
    >>> import nbnn
    >>> nbnn.index_select(nbnn.arange(6).reshape(2, 3), 1, nbnn.tensor([2, 0]))
    tensor([[2, 0],
            [5, 3]])
    """
    x, axis, where = _line("index_select", input, dim, index)
    out = apply(INDEX, x, where, params=(axis, 1))
    return out.reshape(()) if input._shape == () else out


def _slices(op: str, x: Tensor, axis: int, where: Tensor, source: Any) -> Tensor:
    """The source of an operation on slices: a Tensor of their shape and the dtype of `x`."""
    wanted = (*x._shape[:axis], where.numel(), *x._shape[axis + 1 :])
    s = _check.tensor(op, "source", source)
    s = s.reshape(1) if s._shape == () else s
    if s._shape != wanted:
        raise ValueError(f"{op}: `source` must have the shape {wanted}; got {s._shape}")
    if s._dtype is not x._dtype:
        raise TypeError(f"{op}: `source` must have the dtype {x._dtype!r} of `input`; got {s._dtype!r}")
    return s


@takes_arrays
def index_add(input: Tensor, dim: int, index: Tensor, source: Tensor, *, alpha: float = 1) -> Tensor:
    """A copy of `input` with `alpha` times slices of `source` added to the slices that `index` names.

    Parameters
    ----------
    input : Tensor or array
    dim : int
    index : Tensor of int32 or int64, of shape (K,)
        Positions on that axis.
    source : Tensor
        Of the shape of `input` but for the axis, of size K.
    alpha : number
        Factor of `source`.

    Raises
    ------
    IndexError
        If a position is out of range.
    ValueError
        If `source` has not the shape of the slices.
    TypeError
        If its dtype is another, or `index` holds no integers.

    Examples
    --------
    >>> import nbnn
    >>> nbnn.index_add(nbnn.zeros(3), 0, nbnn.tensor([0, 2, 0]), nbnn.ones(3))
    tensor([2., 0., 1.])
    """
    x, axis, where = _line("index_add", input, dim, index)
    s = _slices("index_add", x, axis, where, source)
    total = add_up(s, where, axis, 1, x._shape)
    if alpha != 1:
        total = cast(mul(total, scale("index_add", "alpha", alpha, x._dtype)), x._dtype)
    return add(x, total).reshape(input._shape)


@takes_arrays
def index_copy(input: Tensor, dim: int, index: Tensor, source: Tensor) -> Tensor:
    """A copy of `input` in which the slices that `index` names are those of `source`; of two for one, the last stays.

    Parameters
    ----------
    input : Tensor or array
    dim : int
    index : Tensor of int32 or int64, of shape (K,)
        Positions on that axis.
    source : Tensor
        Of the shape of `input` but for the axis, of size K.

    Raises
    ------
    IndexError
        If a position is out of range.
    ValueError
        If `source` has not the shape of the slices.
    TypeError
        If its dtype is another, or `index` holds no integers.

    Examples
    --------
    >>> import nbnn
    >>> nbnn.index_copy(nbnn.zeros(3), 0, nbnn.tensor([2]), nbnn.ones(1))
    tensor([0., 0., 1.])
    """
    x, axis, where = _line("index_copy", input, dim, index)
    return put(x, _slices("index_copy", x, axis, where, source), where, axis, 1).reshape(input._shape)


@takes_arrays
def index_fill(input: Tensor, dim: int, index: Tensor, value: Any) -> Tensor:
    """A copy of `input` in which the slices that `index` names, counted from the end if negative, are a number.

    Parameters
    ----------
    input : Tensor or array
    dim : int
    index : Tensor of int32 or int64, of shape (K,)
        Positions on that axis.
    value : number or Tensor without axes

    Raises
    ------
    IndexError
        If a position is out of range.
    TypeError
        If `value` is no number, or `index` holds no integers.

    Examples
    --------
    >>> import nbnn
    >>> nbnn.index_fill(nbnn.zeros(3), 0, nbnn.tensor([0, 2]), 5)
    tensor([5., 0., 5.])
    """
    x, axis, where = _line("index_fill", input, dim, index, True)
    shape = (*x._shape[:axis], where.numel(), *x._shape[axis + 1 :])
    return put(x, broadcast_to(filler("index_fill", x, value), shape), where, axis, 1).reshape(input._shape)


IN_PLACE = {
    f"{function.__name__}_": in_place(function, f"{function.__name__}_")
    for function in (scatter, scatter_add, index_add, index_copy, index_fill, masked_fill)
}
