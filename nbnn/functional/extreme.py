"""The largest and the smallest: max, min, amax, amin, aminmax, argmax, argmin. NaN wins, and of equals the first."""

from __future__ import annotations

import builtins
from typing import Any, NamedTuple

import nbnn.device as _device
from nbnn import _layout, dtypes
from nbnn.autograd import Node
from nbnn.functional import _check
from nbnn.functional._binary import Binary
from nbnn.functional.arithmetic import div, mul
from nbnn.functional.conversion import cast
from nbnn.functional.reduction import axes_of, lines, neighbours, reduced, sum_over
from nbnn.functional.shape import reshape
from nbnn.kernels import extreme as K
from nbnn.op import Launch, Op, apply, takes_arrays
from nbnn.tensor import Tensor, flat, make


class Found(NamedTuple):
    """What an axis was reduced to, and where it stood."""

    values: Tensor
    indices: Tensor


class Range(NamedTuple):
    """The smallest and the largest."""

    min: Tensor
    max: Tensor


# -- picking along an axis, and its gradient -----------------------------------------------------------------------


def _around(shape: tuple[int, ...], axis: int) -> tuple[int, int]:
    """How many elements the axes before and behind `axis` have."""
    before, behind = 1, 1
    for k, n in enumerate(shape):
        before, behind = (before * n, behind) if k < axis else (before, behind * n if k > axis else behind)
    return before, behind


def _take_forward(x: Tensor, index: Tensor, params: tuple) -> tuple[Tensor]:
    (axis,) = params
    _, inner = _around(x._shape, axis)
    n = index.numel()
    out = _device.empty(n, x._dtype.storage, x.device)
    word = _layout.WORDS[out.itemsize]
    ins = (flat(x).view(word), flat(index))
    _device.launch(K.take, (out.view(word),), ins, (x._shape[axis], index._shape[axis], inner), n)
    return (make(out, index._shape, x._dtype),)


def _take_grad(node: Node, g: Tensor) -> tuple:
    (axis,) = node.params
    return apply(PUT, g, node.saved[0], params=(axis, node.input_shapes[0])), None


def _put_forward(g: Tensor, index: Tensor, params: tuple) -> tuple[Tensor]:
    axis, shape = params
    outer, inner = _around(shape, axis)
    length, picks = shape[axis], index._shape[axis]
    out = _device.empty(outer * length * inner, g._dtype.storage, g.device)
    rows, work = (outer, length + picks) if inner == 1 else (outer * length, inner)
    if out.size:
        word = _layout.WORDS[out.itemsize]
        ins = (flat(g).view(word), flat(index))
        _device.launch(K.put, (out.view(word),), ins, (length, picks, inner), rows, work)
    return (make(out, shape, g._dtype),)


def _put_grad(node: Node, g: Tensor) -> tuple:
    return apply(TAKE, g, node.saved[0], params=node.params[:1]), None


TAKE = Op("take", forward=_take_forward, grad=_take_grad, saves_inputs=(1,))
PUT = Op("put", forward=_put_forward, grad=_put_grad, saves_inputs=(1,))


# -- the operations ------------------------------------------------------------------------------------------------


def _lead(data: Any, outer: int, length: int, inner: int, least: bool, seek: bool) -> tuple[Any, Any]:
    """The leaders of (outer, length, inner) along the middle axis, and where they stand: blocks, until one is left."""
    where, found = _device.of(data), None
    strips = -(-inner // K.STRIP)
    while True:
        blocks = -(-length // K.BLOCK)
        count = outer * blocks * inner
        values = _device.empty(count, data.dtype, where)
        index = _device.empty(count if seek else 1, dtypes.int64.storage, where)
        work = builtins.min(length, K.BLOCK) * builtins.min(inner, K.STRIP)
        params = (length, inner, int(least), int(seek))
        _device.launch(K.extreme, (values, index), (data,), params, outer * blocks * strips, work)
        if found is not None and seek:
            inside = _device.empty(count, dtypes.int64.storage, where)
            word = _layout.WORDS[inside.itemsize]
            _device.launch(K.take, (inside.view(word),), (found.view(word), index), (length, blocks, inner), count)
            index = inside
        if blocks == 1:
            return values, index
        data, length, found = values, blocks, index


def _extreme_forward(x: Tensor, params: tuple) -> tuple[Tensor, ...]:
    axes, shape, least, seek = params
    values, index = _lead(*lines(x, axes), least, seek)
    out = make(values, shape, x._dtype)
    return (out, make(index, shape, dtypes.int64)) if seek else (out,)


def _extreme_plan(params: tuple, shape: tuple[int, ...]) -> Launch | None:
    """The leaders along neighbouring axes that are no longer than a block, in one launch."""
    axes, out_shape, least, seek = params
    middle = neighbours(shape, axes)
    if middle is None or middle[1] > K.BLOCK:
        return None
    outer, length, inner = middle
    return Launch(
        K.extreme,
        (out_shape, out_shape) if seek else (out_shape,),
        (length, inner, int(least), int(seek)),
        length * builtins.min(inner, K.STRIP),
        items=outer * -(-inner // K.STRIP),
        kinds=(None, dtypes.int64) if seek else (),
        scratch=() if seek else ((1, dtypes.int64.storage),),
    )


def _picked_grad(node: Node, g: Tensor, _: Any) -> tuple:
    """The gradient of max along an axis goes to the place that was found."""
    (index,) = node.saved
    axes, shape = node.params[0], node.input_shapes[0]
    if not axes:
        return (g,)
    kept = reduced(shape, axes, True)
    return (apply(PUT, reshape(g, kept), reshape(index, kept), params=(axes[0], shape)),)


def _shared_grad(node: Node, g: Tensor) -> tuple:
    """The gradient of amax is shared evenly by all that equal it."""
    x, y = node.saved
    axes = node.params[0]
    kept = reduced(x._shape, axes, True)
    share = TIES(x, reshape(y, kept))
    return (mul(share, reshape(div(reshape(g, kept), sum_over(share, axes, kept)), kept)),)


TIES = Binary("ties", K.ties)
EXTREME = Op("max", forward=_extreme_forward, plan=_extreme_plan, strided=True, grad=_picked_grad, saves_outputs=(1,))
AMAX = Op(
    "amax",
    forward=_extreme_forward,
    plan=_extreme_plan,
    strided=True,
    grad=_shared_grad,
    saves_inputs=(0,),
    saves_outputs=(0,),
)


def comparable(x: Tensor) -> Tensor:
    """Halves as float32, integers and bools as int64: what the kernels of order compare."""
    kind = x._dtype
    if kind.is_floating_point:
        return cast(x, dtypes.float32) if kind.is_half else x
    return cast(x, dtypes.int64)


def _refuse_empty(op: str, x: Tensor, axes: tuple[int, ...]) -> None:
    if any(x._shape[k] == 0 for k in axes) or (not axes and x.numel() == 0):
        raise ValueError(f"{op}: `input` must not be empty along the axis; got shape {x._shape}")


def extreme_of(op: str, input: Tensor, dim: Any, keepdim: bool, least: bool) -> Tensor:
    """amax or amin."""
    x = _check.real(op, "input", input)
    axes, shape = axes_of(op, x._shape, dim, keepdim)
    _refuse_empty(op, x, axes)
    return cast(apply(AMAX, comparable(x), params=(axes, shape, least, False)), x._dtype)


def _found(op: str, input: Tensor, dim: int, keepdim: bool, least: bool) -> tuple[Tensor, Tensor]:
    """Values and indices along one axis."""
    x = _check.real(op, "input", input)
    axis = _check.dim(op, dim, x.dim())
    axes = (axis,) if x._shape else ()
    _refuse_empty(op, x, axes)
    params = (axes, reduced(x._shape, axes, keepdim), least, True)
    values, indices = apply(EXTREME, comparable(x), params=params)
    return cast(values, x._dtype), indices


def _max_or_min(op: str, input: Tensor, dim: Any, keepdim: bool, other: Any, least: bool) -> Any:
    if isinstance(dim, Tensor) or other is not None:
        from nbnn.functional.comparison import maximum, minimum

        return (minimum if least else maximum)(input, dim if other is None else other)
    if dim is None:
        return extreme_of(op, input, None, keepdim, least)
    return Found(*_found(op, input, dim, keepdim, least))


@takes_arrays
def max(input: Tensor, dim: Any = None, keepdim: bool = False, *, other: Any = None) -> Any:
    """The largest element; or along an axis, with where it stands; or of two Tensors, element by element.

    NaN is larger than every number, and of equal ones the first is found.

    Parameters
    ----------
    input : Tensor
    dim : int or Tensor, optional
        The axis. Without it the largest of all elements is returned; a Tensor here stands for `other`.
    keepdim : bool
        Keep the axis with size 1.
    other : Tensor, optional
        `maximum` of the two is returned.

    Returns
    -------
    Tensor, or for an axis the named tuple ``(values, indices)``
        The gradient along an axis goes to the element found; that of the largest of all is shared by those equal to it.

    Raises
    ------
    ValueError
        If there is nothing to choose from.
    IndexError
        If the axis does not exist.

    Examples
    --------
    >>> import nbnn
    >>> x = nbnn.tensor([[1.0, 5.0], [7.0, 2.0]])
    >>> x.max()
    tensor(7.)
    >>> x.max(1).indices
    tensor([1, 0])
    """
    return _max_or_min("max", input, dim, keepdim, other, False)


@takes_arrays
def min(input: Tensor, dim: Any = None, keepdim: bool = False, *, other: Any = None) -> Any:
    """The smallest element; or along an axis, with where it stands; or of two Tensors: as `max`.

    NaN is smaller than every number here.

    Parameters
    ----------
    input : Tensor or array
    dim : int, optional
        The axis; or, by position, another Tensor to compare with.
    keepdim : bool
        Leave an axis of size 1 in the place of the one reduced.
    other : Tensor, optional

    Raises
    ------
    ValueError
        If there is nothing to choose from.
    IndexError
        If the axis does not exist.

    Examples
    --------
    >>> import nbnn
    >>> nbnn.tensor([[1.0, 5.0], [7.0, 2.0]]).min(0).values
    tensor([1., 2.])
    """
    return _max_or_min("min", input, dim, keepdim, other, True)


@takes_arrays
def amax(input: Tensor, dim: Any = (), keepdim: bool = False) -> Tensor:
    """The largest element along one or several axes (all of them by default); NaN wins.

    The gradient is shared evenly by the elements that equal the result.

    Parameters
    ----------
    input : Tensor or array
    dim : int or tuple of int, optional
        All axes unless given.
    keepdim : bool
        Leave axes of size 1 in the place of those reduced.

    Raises
    ------
    ValueError
        If there is nothing to choose from, or an axis is named twice.
    IndexError
        If an axis does not exist.

    Examples
    --------
    >>> import nbnn
    >>> nbnn.tensor([[1.0, 5.0], [7.0, 2.0]]).amax(1)
    tensor([5., 7.])
    """
    return extreme_of("amax", input, dim, keepdim, False)


@takes_arrays
def amin(input: Tensor, dim: Any = (), keepdim: bool = False) -> Tensor:
    """The smallest element along one or several axes (all of them by default); NaN wins. See `amax`.

    Parameters
    ----------
    input : Tensor or array
    dim : int or tuple of int, optional
        All axes unless given.
    keepdim : bool
        Leave axes of size 1 in the place of those reduced.

    Raises
    ------
    ValueError
        If there is nothing to choose from, or an axis is named twice.
    IndexError
        If an axis does not exist.

    Examples
    --------
    >>> import nbnn
    >>> nbnn.tensor([[1.0, 5.0], [7.0, 2.0]]).amin((0, 1))
    tensor(1.)
    """
    return extreme_of("amin", input, dim, keepdim, True)


@takes_arrays
def aminmax(input: Tensor, *, dim: int | None = None, keepdim: bool = False) -> Range:
    """The smallest and the largest element, of all or along an axis, as the named tuple ``(min, max)``.

    Parameters
    ----------
    input : Tensor or array
    dim : int, optional
        All axes unless given.
    keepdim : bool
        Leave an axis of size 1 in the place of the one reduced.

    Raises
    ------
    ValueError
        If there is nothing to choose from.
    IndexError
        If the axis does not exist.

    Examples
    --------
    >>> import nbnn
    >>> nbnn.tensor([3.0, 1.0, 2.0]).aminmax().min
    tensor(1.)
    """
    x = _check.real("aminmax", "input", input)
    axis = None if dim is None else _check.dim("aminmax", dim, x.dim())
    return Range(*(extreme_of("aminmax", x, axis, keepdim, least) for least in (True, False)))


def _where(op: str, input: Tensor, dim: int | None, keepdim: bool, least: bool) -> Tensor:
    """argmax or argmin."""
    x = _check.real(op, "input", input).detach()
    axes = tuple(range(x.dim())) if dim is None else (_check.dim(op, dim, x.dim()),)
    axes = axes if x._shape else ()
    _refuse_empty(op, x, axes)
    _, indices = apply(EXTREME, comparable(x), params=(axes, reduced(x._shape, axes, keepdim), least, True))
    return indices


@takes_arrays
def argmax(input: Tensor, dim: int | None = None, keepdim: bool = False) -> Tensor:
    """Where the largest value stands: in the flattened Tensor, or along an axis. The first one wins; NaN is largest.

    Parameters
    ----------
    input : Tensor or array
    dim : int, optional
        All axes unless given.
    keepdim : bool
        Leave an axis of size 1 in the place of the one reduced.

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
    return _where("argmax", input, dim, keepdim, False)


@takes_arrays
def argmin(input: Tensor, dim: int | None = None, keepdim: bool = False) -> Tensor:
    """Where the smallest value stands: in the flattened Tensor, or along an axis. The first one wins, NaN before all.

    Parameters
    ----------
    input : Tensor or array
    dim : int, optional
        All axes unless given.
    keepdim : bool
        Leave an axis of size 1 in the place of the one reduced.

    Raises
    ------
    ValueError
        If there is nothing to choose from.
    IndexError
        If the axis does not exist.

    Examples
    --------
    >>> import nbnn
    >>> nbnn.tensor([[1.0, 5.0], [7.0, 2.0]]).argmin(1)
    tensor([0, 1])
    """
    return _where("argmin", input, dim, keepdim, True)
