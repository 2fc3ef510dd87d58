"""Where the elements of a Tensor lie: merging axes, and copying between any two layouts of one shape."""

from __future__ import annotations

import functools
import math
from typing import Any, NamedTuple

import numpy as np

import nbnn.device as _device
from nbnn.kernels import _cpu, _strided, _wide

Sizes = tuple[int, ...]

_TILED_FROM = 4  # elements of an axis that is worth tiles
# Elements move as numbers of their width: one compile for float32, int32 and uint32. 16 bytes are complex numbers.
WORDS: dict[int, Any] = {
    1: np.dtype(np.uint8),
    2: np.dtype(np.uint16),
    4: np.dtype(np.uint32),
    8: np.dtype(np.uint64),
    16: np.dtype(np.complex128),
}


@functools.lru_cache(maxsize=4096)
def row_major(shape: Sizes) -> Sizes:
    """The strides, in elements, of a contiguous array of this shape."""
    strides = []
    step = 1
    for size in reversed(shape):
        strides.append(step)
        step *= max(size, 1)
    return tuple(reversed(strides))


@functools.lru_cache(maxsize=4096)
def is_row_major(shape: Sizes, strides: Sizes) -> bool:
    """Whether an array of these strides lies in row-major order without gaps."""
    return 0 in shape or all(n == 1 or s == w for n, s, w in zip(shape, strides, row_major(shape), strict=True))


@functools.lru_cache(maxsize=4096)
def repeated(shape: Sizes, own: Sizes, strides: Sizes) -> Sizes:
    """The strides with which an array of shape `own` is read as if it had `shape`: 0 where it repeats."""
    lead = len(shape) - len(own)
    return (0,) * lead + tuple([0 if n == 1 != m else s for n, m, s in zip(own, shape[lead:], strides, strict=True)])


@functools.lru_cache(maxsize=4096)
def spread(axes: Sizes, shape: Sizes, own: Sizes, strides: Sizes) -> Sizes:
    """The strides with which an array that lacks `axes`, or has them with size 1, is read as if it had `shape`."""
    steps = iter([s for n, s in zip(own, strides, strict=True) if n != 1])
    return tuple([0 if k in axes or n == 1 else next(steps) for k, n in enumerate(shape)])


def words(storage: Any) -> Any:
    """The elements as unsigned integers of their width."""
    return storage.view(WORDS[storage.dtype.itemsize])


def merge(shape: Sizes, a: Sizes, b: Sizes) -> list[tuple[int, int, int]]:
    """The fewest axes (size, stride of a, stride of b) that walk the same elements of two arrays in the same order."""
    axes: list[tuple[int, int, int]] = []
    for n, s, t in zip(shape, a, b, strict=True):
        if n == 1:
            continue
        if axes and axes[-1][1] == n * s and axes[-1][2] == n * t:
            axes[-1] = (axes[-1][0] * n, s, t)
        else:
            axes.append((n, s, t))
    return axes


class _Copy(NamedTuple):
    """One launch of a copy: the six axes, and of each side their strides and how far it is from the offset."""

    tiled: bool
    plain: bool  # one run on both sides
    sizes: Sizes
    strides: Sizes
    away: int
    x_strides: Sizes
    x_away: int
    total: int


@functools.lru_cache(maxsize=1024)  # 8 microseconds of planning against half of one
def _plan_copy(shape: Sizes, strides: Sizes, x_strides: Sizes) -> tuple[_Copy, ...]:
    if 0 in shape:
        return ()
    order = sorted(range(len(shape)), key=strides.__getitem__, reverse=True)  # the output in the order of its memory
    axes = merge(*[tuple([sizes[k] for k in order]) for sizes in (shape, strides, x_strides)])
    tiled = _turn(axes)
    lead = max(0, len(axes) - 6)
    ones = [(1, 0, 0)] * (6 - len(axes))
    sizes, steps, x_steps = zip(*ones, *axes[lead:], strict=True)
    launches = []
    total = math.prod(sizes)
    plain = total == 1 or (sizes[5] == total and steps[5] == x_steps[5] == 1)
    for index in np.ndindex(*[n for n, _, _ in axes[:lead]]):
        away = sum(i * t for i, (_, t, _) in zip(index, axes, strict=False))
        x_away = sum(i * s for i, (_, _, s) in zip(index, axes, strict=False))
        launches.append(_Copy(tiled, plain, sizes, steps, away, x_steps, x_away, total))
    return tuple(launches)


def _turn(axes: list[tuple[int, int, int]]) -> bool:
    """Whether the source runs along another long axis than the output; that axis comes to stand next to the last."""
    if len(axes) < 2:
        return False
    n, t, s = axes[-1]
    if t != 1 or s <= 1 or n < _TILED_FROM:
        return False
    for k, (m, _, step) in enumerate(axes[:-1]):
        if step == 1 and m >= _TILED_FROM:
            axes.insert(len(axes) - 2, axes.pop(k))
            return True
    return False


def copy(shape: Sizes, out: Any, strides: Sizes, offset: int, x: Any, x_strides: Sizes, x_offset: int) -> None:
    """Set the elements of a strided array in storage `out` to those of one in storage `x`."""
    for c in _plan_copy(shape, strides, x_strides):
        to, source = offset + c.away, x_offset + c.x_away
        if isinstance(out, np.ndarray):
            if c.plain and c.total <= _SMALL:
                out[to : to + c.total] = x[source : source + c.total]
                continue
            word = WORDS[out.itemsize]
            # no register turns pairs of numbers: those of 16 bytes move row by row
            fast = _strided.move_tiles_fast if c.tiled and out.itemsize < 16 else _strided.move_rows_fast
            args = (out.view(word), x.view(word), c.sizes, to, c.strides, source, c.x_strides)
            entry = _moves.get((c.tiled, word))
            _cpu.enter_fast(entry or fast, args, c.total)
            if entry is None:
                _moves[c.tiled, word] = _cpu.entry_point(fast, (*args, 0))
        else:
            params = (*c.sizes[1:], to, *c.strides, source, *c.x_strides)
            _device.launch(_strided.move, (out,), (x,), params, c.total // c.sizes[5], c.sizes[5])


_SMALL = 32768  # elements of one run that are not worth the threads: 0.2 microseconds instead of 1.2
_moves: dict[tuple[bool, Any], Any] = {}  # compiled code behind its dispatcher, which looks at every argument


class Joint(NamedTuple):
    """How two operands that broadcast are read: `copied` are to be laid out row by row first."""

    shape: Sizes
    numel: int
    copied: tuple[bool, bool]
    repeated: tuple[Sizes, Sizes]  # the strides of each, as if it had the shape
    geometry: Sizes | None  # for `_wide`; None where both operands have to be written out in full
    items: int
    grain: int


@functools.lru_cache(maxsize=1024)
def join(shape: Sizes, a_shape: Sizes, a_strides: Sizes | None, b_shape: Sizes, b_strides: Sizes | None) -> Joint:
    """Plan an elementwise operation on two operands that broadcast to `shape`; strides None are row-major."""
    (s, s_copied), (t, t_copied) = _operand(shape, a_shape, a_strides), _operand(shape, b_shape, b_strides)
    numel, copied = math.prod(shape), (s_copied, t_copied)
    axes = merge(shape, s, t)
    if len(axes) > 6 or (axes and (axes[-1][1] > 1 or axes[-1][2] > 1)) or numel == 0:
        return Joint(shape, numel, copied, (s, t), None, 0, 0)
    sizes, a_steps, b_steps = zip(*[(1, 0, 0)] * (6 - len(axes)), *axes, strict=True)
    n = sizes[5]
    items = numel // n * -(-n // _strided.SEGMENT)
    grain = 1 + _strided.CHUNK // min(n, _strided.SEGMENT)
    return Joint(shape, numel, copied, (s, t), (*sizes[1:], *a_steps, *b_steps), items, grain)


def _operand(shape: Sizes, own: Sizes, strides: Sizes | None) -> tuple[Sizes, bool]:
    """The strides with which an operand is read as if it had `shape`, 0 where it repeats, and whether to copy it."""
    steps = row_major(own) if strides is None else strides
    last = next((s for n, s in zip(reversed(own), reversed(steps), strict=True) if n != 1), 1)
    copied = last > 1  # no neighbours along the last axis: a copy is turned in tiles
    if copied:
        steps = row_major(own)
    return repeated(shape, own, steps), copied


def combine(plan: Joint, kernel: _cpu.Kernel, out: Any, a: Any, a_at: int, b: Any, b_at: int, params: tuple) -> None:
    """Set the row-major array `out` to ``body(a, b, *params)`` as planned by `join`, on the CPU."""
    args = (out, a, b, params, plan.geometry, a_at, b_at)
    key = (kernel, out.dtype.char, a.dtype.char, *map(type, params))
    entry = _entries.get(key)
    if entry is not None and params in _PLAIN:
        _cpu.enter(entry, args, plan.items, plan.grain)
        return
    compiled = _wide.wide(kernel)
    _cpu.enter(compiled, args, plan.items, plan.grain)
    if params in _PLAIN:
        _entries[key] = _cpu.entry_point(compiled, (*args, 0, plan.items, plan.grain, 0))


_PLAIN = ((), (1,), (-1,))  # params whose types say all about the compiled code that takes them
_entries: dict[tuple, Any] = {}  # compiled code behind its dispatcher, which looks at every argument for 0.7 us
