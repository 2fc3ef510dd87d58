"""Changes made in place: memory, version counter and history together."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

import nbnn.device as _device
from nbnn import dtypes
from nbnn.autograd import Node
from nbnn.autograd._tape import recording, wants_grad
from nbnn.functional import _check
from nbnn.functional.arithmetic import add, div, mul, sub
from nbnn.functional.choice import clamp, clip, simple_bounds
from nbnn.functional.conversion import CLONE, cast, clone, to
from nbnn.functional.creation import as_tensor, empty_like, fill_, full, zeros_like
from nbnn.functional.indexing import PUT, getitem, locate, put_into, unrepeated
from nbnn.functional.promotion import as_number
from nbnn.functional.shape import broadcast_to
from nbnn.kernels import _cpu, _wide, piecewise
from nbnn.kernels import array as K
from nbnn.op import Op, apply
from nbnn.tensor import Tensor, flat, make, transfer, view


def write(op: str, target: Tensor, value: Tensor) -> Tensor:
    """Give `target` the elements of `value`, in place: memory, version and history.

    Raises
    ------
    RuntimeError
        If `target` is a leaf that requires a gradient, a view that shows an element more than once, or of a type that
        cannot hold the result.
    """
    if recording.enabled and target._leaf_requires_grad:
        raise RuntimeError(
            f"{op}: a leaf that requires a gradient cannot be changed in place; use no_grad() or .detach()"
        )
    if recording.enabled and target._base is not None and target._base._leaf_requires_grad:
        raise RuntimeError(f"{op}: a view of a leaf that requires a gradient cannot be changed in place")
    if value._shape != target._shape:
        raise ValueError(f"{op}: the result has shape {value._shape}, which does not fit in {target._shape} in place")
    if any(s == 0 and n > 1 for n, s in zip(target._shape, target.stride(), strict=True)):
        raise RuntimeError(
            f"{op}: this view of shape {target._shape} shows elements more than once; use .clone() first"
        )
    if not dtypes.can_cast(value._dtype, target._dtype):
        raise RuntimeError(f"{op}: a result of type {value._dtype!r} cannot be kept in place in {target._dtype!r}")
    value = cast(value, target._dtype)
    shares = value._data is target._data  # x[1:] = x[:-1] must read all before it writes
    transfer(target, clone(value.detach()) if shares else value)
    target._version[0] += 1
    if recording.enabled and (value.requires_grad or target.requires_grad or _base_requires_grad(target)):
        _rewrite_history(target, value)
    return target


def _base_requires_grad(t: Tensor) -> bool:
    return t._base is not None and t._base.requires_grad


def _rewrite_history(target: Tensor, value: Tensor) -> None:
    base = target._base
    if base is None:
        if value.requires_grad:
            history = apply(CLONE, value) if value.is_leaf else value
            target._node, target._slot = history._node, history._slot
        else:
            old = make(target._data, target._shape, target._dtype)
            old._node, old._slot = target._node, target._slot
            Node.record(OVERWRITTEN, (old,), (target,), ())
        target._generation += 1
        return
    _same_numbers(target, base)
    if base._strides is not None:
        raise RuntimeError("in place: the base of this view shares the memory of a strided array; use .clone() first")
    before = make(base._data, base._shape, base._dtype)
    before._node, before._slot = base._node, base._slot
    geometry = (target._shape, target.stride(), target._offset)
    Node.record(COPY_INTO, (before, value), (base,), geometry)
    base._generation += 1
    refresh_view(target)


def _same_numbers(t: Tensor, base: Tensor) -> None:
    """A view and its base must count in the same elements: the parts of complex numbers do not."""
    if t._dtype is not base._dtype:
        raise RuntimeError(f"in place: this view shows a {base._dtype!r} Tensor as {t._dtype!r}; use .clone() first")


def refresh_view(t: Tensor) -> None:
    """Make a view of a base whose history was rewritten stem from that new history."""
    base = t._base
    assert base is not None
    t._generation = base._generation
    if base.requires_grad:
        _same_numbers(t, base)
        Node.record(AS_STRIDED, (base,), (t,), (t._shape, t.stride(), t._offset))


def _copy_into_grad(node: Node, g: Tensor) -> tuple:
    """`before` was overwritten where the view lies: its gradient is zero there; `value` gets what lies there."""
    whole = apply(CUT_OUT, g, params=node.params) if node.needs[0] else None
    return whole, apply(AS_STRIDED, clone(g), params=node.params) if node.needs[1] else None


def _cut_out_forward(g: Tensor, params: tuple) -> tuple[Tensor]:
    """A copy with zeros where a view lies."""
    whole = clone(g.detach())
    hole = view(whole, *params)
    fill_(hole, 0)
    return (whole,)


CUT_OUT: Op = Op(
    "cut_out",
    forward=_cut_out_forward,
    grad=lambda node, g: (apply(CUT_OUT, g, params=node.params),),
    takes_complex=True,
)


def _as_strided_forward(x: Tensor, params: tuple) -> tuple[Tensor]:
    return (view(x, *params),)


def _as_strided_grad(node: Node, g: Tensor) -> tuple:
    return (apply(AS_STRIDED_BACKWARD, g, params=(*node.params, node.input_shapes[0])),)


def _as_strided_backward_forward(g: Tensor, params: tuple) -> tuple[Tensor]:
    shape, strides, offset, whole = params
    out = full(whole, 0, dtype=g._dtype, device=g.device)
    transfer(view(out, shape, strides, offset), g)
    return (out,)


AS_STRIDED = Op("as_strided", forward=_as_strided_forward, grad=_as_strided_grad, takes_complex=True)
AS_STRIDED_BACKWARD = Op(
    "as_strided_backward",
    forward=_as_strided_backward_forward,
    grad=lambda node, g: (apply(AS_STRIDED, g, params=node.params[:3]),),
    takes_complex=True,
)
OVERWRITTEN = Op("overwritten", forward=lambda *_: (), grad=lambda node, g: (zeros_like(g),), takes_complex=True)
COPY_INTO = Op("copy_into", forward=lambda *_: (), grad=_copy_into_grad)


def before(target: Tensor, *others: Any) -> Tensor:
    """`target` for an op whose result will overwrite it: a copy where backward may need what it holds now."""
    tracked = recording.enabled and wants_grad(t for t in (target, *others) if isinstance(t, Tensor))
    return clone(target) if tracked else target


def in_place(function: Callable, name: str) -> Callable:
    """The in-place form of a function of Tensors: its result written back into the first argument."""

    def changed(self: Tensor, *args: Any, **kwargs: Any) -> Tensor:
        return write(name, self, function(before(self, *args, *kwargs.values()), *args, **kwargs))

    changed.__name__ = changed.__qualname__ = name
    changed.__doc__ = f"`{function.__name__}` in place."
    return changed


def drawn(function: Callable) -> Callable:
    """A method that fills a Tensor with random numbers, which have no history."""
    name = function.__name__

    @functools.wraps(function)
    def changed(self: Tensor, *args: Any, **kwargs: Any) -> Tensor:
        if self._strides is None and _untracked(self):
            return function(self, *args, **kwargs)
        return write(name, self, function(empty_like(self), *args, **kwargs))

    return changed


def _plain(t: Tensor) -> Any:
    """The storage of exactly the elements of `t` in row-major order, or None."""
    if t._strides is None:
        return t._data
    return flat(t) if t.is_contiguous() else None


def _untracked(target: Tensor, *others: Tensor) -> bool:
    """Whether a change of `target` concerns memory alone: nothing is recorded and nothing refused."""
    return not recording.enabled or not (wants_grad((target, *others)) or _base_requires_grad(target))


def _update(target: Tensor, kernel: Any, others: tuple, params: tuple) -> Tensor:
    """Set each element of `target`, which lies row by row, to ``body(element, *others, *params)``."""
    data, n = _plain(target), target.numel()
    if n == 0:
        return target
    if isinstance(data, np.ndarray):
        _cpu.enter(_wide.in_place(kernel), (data, *others, params), n, _cpu.CHUNK_WORK)
    else:
        _device.launch(kernel, (data,), (data, *others), params, n)
    target._version[0] += 1
    return target


def _arithmetic(name: str, function: Callable, kernel: Any, by_number: Any, terms: Callable) -> Callable:
    """The in-place form of an operator: on the memory itself wherever autograd does not need its old values.

    `terms` gives, from `alpha` and the number (or None), the params of `kernel` and the number for `by_number`.
    """

    def changed(self: Tensor, other: Any, alpha: float = 1) -> Tensor:
        given = {} if alpha == 1 else {"alpha": alpha}
        if self._dtype.is_floating_point and not self._dtype.is_half and (data := _plain(self)) is not None:
            if (number := as_number(self, other)) is not None:
                if _untracked(self):
                    return _update(self, by_number, (), (terms(alpha, number)[1],))
            elif isinstance(other, Tensor) and other._shape == self._shape and other._dtype is self._dtype:
                term = _plain(other)
                if term is not None and _untracked(self, other) and _apart(data, term):
                    return _update(self, kernel, (term,), terms(alpha, None)[0])
        return write(name, self, function(before(self, other), other, **given))

    changed.__name__ = changed.__qualname__ = name
    changed.__doc__ = f"`{function.__name__}` in place."
    return changed


def _apart(a: Any, b: Any) -> bool:
    """Whether two storages lie on one device and share no memory."""
    if isinstance(a, np.ndarray) and isinstance(b, np.ndarray):
        return not np.may_share_memory(a, b)
    return False


add_ = _arithmetic("add_", add, K.add, K.add_scalar, lambda alpha, v: ((alpha,), None if v is None else v * alpha))
sub_ = _arithmetic("sub_", sub, K.add, K.add_scalar, lambda alpha, v: ((-alpha,), None if v is None else -v * alpha))
mul_ = _arithmetic("mul_", mul, K.mul, K.mul_scalar, lambda alpha, v: ((), v))
true_divide_ = _arithmetic("div_", div, K.div, K.div_scalar, lambda alpha, v: ((), v))


def div_(input: Tensor, other: Any, *, rounding_mode: str | None = None) -> Tensor:
    """`div` in place."""
    if rounding_mode is None:
        return true_divide_(input, other)
    return write("div_", input, div(before(input, other), other, rounding_mode=rounding_mode))


def _clamping(name: str, function: Callable) -> Callable:
    """`clamp` or `clip` in place: on the memory itself wherever autograd does not need its old values."""

    def changed(self: Tensor, min: Any = None, max: Any = None) -> Tensor:
        plain = not self._dtype.is_half and _untracked(self) and _plain(self) is not None
        if plain and (bounds := simple_bounds(self, min, max)) is not None:
            return _update(self, piecewise.hardtanh, (), bounds)
        return write(name, self, function(before(self, min, max), min, max))

    changed.__name__ = changed.__qualname__ = name
    changed.__doc__ = f"`{function.__name__}` in place."
    return changed


clamp_ = _clamping("clamp_", clamp)
clip_ = _clamping("clip_", clip)


def copy_(input: Tensor, src: Any, non_blocking: bool = False) -> Tensor:
    """Take over the elements of `src`, which must broadcast to this shape.

    Raises
    ------
    ValueError
        If it does not.
    """
    source = as_tensor(src)
    if source.device.type != input.device.type:
        source = to(source, input.device)
    source = cast(source, input._dtype)
    shape = _check.broadcast_shapes("copy_", source._shape, input._shape)
    if shape != input._shape:
        raise ValueError(f"copy_: `src` of shape {source._shape} does not broadcast to {input._shape}")
    return write("copy_", input, broadcast_to(source, shape))


def setitem(input: Tensor, key: Any, value: Any) -> None:
    """``input[key] = value`` for every key that `getitem` takes.

    `value` is cast to the type of `input` and broadcast to the shape of ``input[key]``. Where arrays pick a place
    twice, the last value stays, and it alone gets a gradient.

    Raises
    ------
    IndexError
        If an index is out of range.
    ValueError
        If `value` does not broadcast.
    """
    if isinstance(value, (bool, int, float)):
        source = full((), value, dtype=input._dtype, device=input.device)
    else:
        source = as_tensor(value, dtype=input._dtype if not isinstance(value, Tensor) else None, device=input.device)
    place = locate(input, key)
    if place is None:
        target = getitem(input, key)
        copy_(target, _without_ones(source, target.dim()))
        return
    source = _fitted(source, place.shape, input)
    x, run = place.view, (place.axis, place.width)
    index = place.positions
    if not place.distinct:
        source, index = unrepeated(source, index, place.axis)
    if _untracked(x, source) and x.is_contiguous():
        put_into(x, source, index, *run)
        x._version[0] += 1
    else:
        write("index_put_", x, apply(PUT, before(x, source), source, index, params=run))


def _without_ones(source: Tensor, axes: int) -> Tensor:
    """The value of an assignment without leading axes of size 1 that its place does not have."""
    extra = source.dim() - axes
    return source.reshape(source._shape[extra:]) if extra > 0 and set(source._shape[:extra]) == {1} else source


def _fitted(source: Tensor, shape: tuple[int, ...], input: Tensor) -> Tensor:
    """The value of an assignment as what it is to be stored as: of this shape, of the type and device of `input`."""
    source = _without_ones(source, len(shape))
    if _check.broadcast_shapes("index_put_", source._shape, shape) != shape:
        raise ValueError(f"index_put_: a value of shape {source._shape} does not broadcast to {shape}")
    shares = source._data is input._data
    source = cast(to(source, input.device) if source.device.type != input.device.type else source, input._dtype)
    return broadcast_to(clone(source) if shares else source, shape)


def zero_(input: Tensor) -> Tensor:
    """Set every element to zero."""
    return _set_all("zero_", input, 0)


def set_all_(input: Tensor, value: float | Tensor) -> Tensor:
    """Set every element to `value`: a number, or a Tensor without axes, which gets the sum of the gradient."""
    if isinstance(value, Tensor):
        if value.dim():
            raise ValueError(f"fill_: `value` must be a number, or a Tensor without axes; got shape {value._shape}")
        return copy_(input, value)
    return _set_all("fill_", input, value)


def _set_all(name: str, t: Tensor, value: Any) -> Tensor:
    fits = type(value) is int or (type(value) is float and t._dtype.is_differentiable)
    if fits and _untracked(t) and _plain(t) is not None:
        return fill_(t, value)
    return write(name, t, full(t._shape, value, dtype=t._dtype, device=t.device))
