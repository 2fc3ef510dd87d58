"""Sums over axes of any layout, and the spreading that is their gradient."""

from __future__ import annotations

import functools
import math
from typing import Any

import nbnn.device as _device
from nbnn import _layout, dtypes
from nbnn.autograd import Node
from nbnn.functional import _check
from nbnn.functional.conversion import cast, clone
from nbnn.functional.creation import full
from nbnn.functional.pairs import view_as_complex, view_as_real
from nbnn.kernels import _reduce
from nbnn.kernels import array as K
from nbnn.op import Launch, Op, apply
from nbnn.tensor import Tensor, flat, make, view


def _sum_forward(x: Tensor, params: tuple) -> tuple[Tensor]:
    axes, out_shape = params
    kind, shape = x._dtype, x._shape
    if x._strides is None and (middle := neighbours(shape, axes)) is not None:
        return (make(sum_middle(x._data, *middle, kind), out_shape, kind),)
    axes = tuple(k for k in axes if shape[k] != 1)
    if not axes:
        return (clone(x.detach()).reshape(out_shape),)  # a result never shares its input's memory
    if 0 in shape:
        return (full(out_shape, 0, dtype=kind, device=x.device),)
    return (make(_sum_strided(x, axes), out_shape, kind),)


@functools.lru_cache(maxsize=1024)
def neighbours(shape: tuple[int, ...], axes: tuple[int, ...]) -> tuple[int, int, int] | None:
    """The elements as (outer, length, inner) with the axes in the middle; None where they are scattered, or empty."""
    if not axes or 0 in shape or max(axes) - min(axes) + 1 != len(axes):
        return None
    first, last = min(axes), max(axes)
    return math.prod(shape[:first]), math.prod(shape[first : last + 1]), math.prod(shape[last + 1 :])


def _sum_strided(x: Tensor, axes: tuple[int, ...]) -> Any:
    """The sum over axes of any strides, in row-major order of the axes that are left."""
    strides = x.stride()
    repeats = [k for k in axes if strides[k] == 0]
    if repeats:  # the same numbers again and again, as in a gradient that was spread out
        kept = [k for k in range(x.dim()) if k not in repeats]
        once = view(x, tuple(x._shape[k] for k in kept), tuple(strides[k] for k in kept), x._offset)
        summed = tuple(kept.index(k) for k in axes if k in kept)
        count = math.prod(x._shape[k] for k in range(x.dim()) if k not in axes)
        part = _sum_strided(once, summed) if summed else flat(once)
        times: float = math.prod(x._shape[k] for k in repeats)
        times = float(times) if x._dtype.is_floating_point else times
        out = _device.empty(count, x._dtype.storage, x.device)
        _device.launch(K.mul_scalar, (out,), (part,), (times,), count)
        return out
    data, shape, order = _dense(x, strides)
    data = _sum_axes(data, [(n, k in axes) for n, k in zip(shape, order, strict=True)], x._dtype)
    left = [k for k in order if k not in axes]
    if left == sorted(left):
        return data
    steps = dict(zip(left, _layout.row_major(tuple(x._shape[k] for k in left)), strict=True))
    sizes = tuple(x._shape[k] for k in sorted(left))
    return flat(view(make(data, (data.size,), x._dtype), sizes, tuple(steps[k] for k in sorted(left)), 0))


def _dense(x: Tensor, strides: tuple[int, ...]) -> tuple[Any, tuple[int, ...], list[int]]:
    """The elements as a row-major storage of the axes in some order: without a copy wherever one order has no gaps."""
    order = sorted(range(x.dim()), key=strides.__getitem__, reverse=True)
    turned = view(x, tuple(x._shape[k] for k in order), tuple(strides[k] for k in order), x._offset)
    if turned.is_contiguous():
        return flat(turned), turned._shape, order
    return flat(x), x._shape, list(range(x.dim()))


def _sum_axes(data: Any, axes: list[tuple[int, bool]], kind: dtypes.dtype) -> Any:
    """Sum a row-major storage over the axes that are marked, from the last run of neighbours to the first."""
    while any(summed for _, summed in axes):
        last = max(k for k, (_, summed) in enumerate(axes) if summed)
        first = last
        while first > 0 and axes[first - 1][1]:
            first -= 1
        outer, inner = (math.prod(n for n, _ in part) for part in (axes[:first], axes[last + 1 :]))
        data = sum_middle(data, outer, math.prod(n for n, _ in axes[first : last + 1]), inner, kind)
        axes = [*axes[:first], *axes[last + 1 :]]
    return data


def sum_middle(data: Any, outer: int, length: int, inner: int, kind: dtypes.dtype) -> Any:
    """Sum (outer, length, inner) over its middle axis: sums of blocks, until one is left."""
    while True:
        blocks = -(-length // _reduce.BLOCK)
        rows = outer * blocks * inner
        out = _device.empty(rows, kind.storage, _device.of(data))
        work, fast = min(length, _reduce.BLOCK), _reduce.sum_blocks_fast
        _device.launch(_reduce.sum_blocks, (out,), (data,), (length, inner), rows, work, fast)
        data, length = out, blocks
        if blocks == 1:
            return data


def _sum_grad(node: Node, g: Tensor) -> tuple:
    return (apply(SPREAD, g, params=(node.params[0], node.input_shapes[0])),)


def _spread_forward(g: Tensor, params: tuple) -> tuple[Tensor]:
    axes, shape = params
    return (view(g, shape, _layout.spread(axes, shape, g._shape, g.stride()), g._offset),)


def _spread_grad(node: Node, g: Tensor) -> tuple:
    return (sum_over(g, node.params[0], node.input_shapes[0]),)


def _sum_plan(params: tuple, shape: tuple[int, ...]) -> Launch | None:
    """The sum over neighbouring axes in one launch: 1.9 microseconds for 8 numbers, and not 3.4."""
    axes, out_shape = params
    middle = neighbours(shape, axes)
    if middle is None:
        return None
    return Launch(_reduce.sum_fast, (out_shape,), middle, math.prod(shape), _reduce.sum_scratch(*middle))


SUM = Op("sum", forward=_sum_forward, plan=_sum_plan, strided=True, grad=_sum_grad)
SPREAD = Op("spread", forward=_spread_forward, grad=_spread_grad, takes_complex=True)


def sum_over(x: Tensor, axes: tuple[int, ...], shape: tuple[int, ...]) -> Tensor:
    """The sum over `axes` with the given shape, which may keep them with size 1; halves are summed in float32."""
    if x._dtype.is_complex:
        return view_as_complex(sum_over(view_as_real(x), axes, (*shape, 2)))
    if x._dtype.is_half:
        return cast(apply(SUM, cast(x, dtypes.float32), params=(axes, shape)), x._dtype)
    return apply(SUM, x, params=(axes, shape))


def sum_to(grad: Tensor, shape: tuple[int, ...]) -> Tensor:
    """The sum of `grad` over the axes along which `shape` was broadcast."""
    if grad._shape == shape:
        return grad
    lead = len(grad._shape) - len(shape)
    repeats = [lead + k for k, n in enumerate(shape) if n == 1 and grad._shape[lead + k] != 1]
    return sum_over(grad, (*range(lead), *repeats), shape)


# -- axes -------------------------------------------------------------------------------------------------------------


def lines(x: Tensor, axes: tuple[int, ...]) -> tuple[Any, int, int, int]:
    """The elements as (outer, length, inner) with `axes` in the middle, moved to the end where they are scattered."""
    shape = x._shape
    if not axes:
        return flat(x), 1, 1, 1
    first, last = min(axes), max(axes)
    if last - first + 1 != len(axes):
        order = [k for k in range(len(shape)) if k not in axes] + list(axes)
        strides = x.stride()
        x = view(x, tuple(shape[k] for k in order), tuple(strides[k] for k in order), x._offset)
        outer, length = (math.prod(n for k, n in enumerate(shape) if (k in axes) is inside) for inside in (False, True))
        return flat(x), outer, length, 1
    return flat(x), math.prod(shape[:first]), math.prod(shape[first : last + 1]), math.prod(shape[last + 1 :])


def reduced(shape: tuple[int, ...], axes: tuple[int, ...], keepdim: bool) -> tuple[int, ...]:
    """The shape without the axes, or with size 1 there."""
    return tuple([1 if k in axes else n for k, n in enumerate(shape) if keepdim or k not in axes])


def axes_of(op: str, shape: tuple[int, ...], dim: Any, keepdim: bool) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """The axes that `dim` names (none of a 0-d Tensor), and the shape without them."""
    # what can be looked up: a bool or a float would pass for an int
    plain = dim is None or type(dim) is int or (type(dim) is tuple and all(type(k) is int for k in dim))
    return (_known_axes if plain else _axes_of)(op, shape, dim, keepdim)


def _axes_of(op: str, shape: tuple[int, ...], dim: Any, keepdim: bool) -> tuple[tuple[int, ...], tuple[int, ...]]:
    axes = _check.dims(op, dim, len(shape))
    axes = axes if shape else ()
    return axes, reduced(shape, axes, keepdim)


_known_axes = functools.lru_cache(maxsize=1024)(_axes_of)
