"""How the steps of optimizers reach their kernels: checks, and one launch over all parameters of a list."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from nbnn.device import Table, launch
from nbnn.functional import _check
from nbnn.functional.pairs import view_as_real
from nbnn.tensor import Tensor, flat, from_array, store


class Plan:
    """What a list of parameters has in common with the list of the step before: where its elements lie."""

    __slots__ = ("kind", "shapes", "table")

    def __init__(self) -> None:
        self.table: Table | None = None
        self.shapes: list[tuple[int, ...]] = []
        self.kind: Any = None


def first_is_one(op: str, step: int) -> None:
    """Refuse a number of a step that is not counted from 1."""
    if step < 1:
        raise ValueError(f"{op}: `step` (={step}) must be at least 1")


def for_each(op: str, param: Any, numbers: Callable[..., tuple], **given: Any) -> Any:
    """The numbers of a step: one tuple for all parameters, or one for each where what is given as lists differs."""
    if not any(isinstance(value, list) for value in given.values()):
        return numbers(*given.values())
    columns = []
    for name, value in given.items():
        if not isinstance(value, list):
            value = [value] * len(param)
        elif not isinstance(param, (list, tuple)) or len(value) != len(param):
            raise ValueError(f"{op}: `{name}` may be a list as long as the list `param` only; got {len(value)} numbers")
        columns.append(value)
    rows = list(zip(*columns, strict=True))
    known = {row: numbers(*row) for row in set(rows)}
    return known[rows[0]] if len(known) == 1 else [known[row] for row in rows]


def update(op: str, kernel: Any, written: dict, grad: Any, numbers: Any, work: int, plan: Plan | None) -> None:
    """Launch `kernel` on one parameter, or once on all of a list; `numbers` is a tuple, or one for each parameter."""
    first = written["param"]
    if not isinstance(first, (list, tuple)):
        _step(op, kernel, written, grad, numbers, work)
        return
    for name, column in (*written.items(), ("grad", grad)):
        if not isinstance(column, (list, tuple)) or len(column) != len(first):
            raise ValueError(f"{op}: `{name}` must be a list as long as `param` (={len(first)})")
    if not first:
        return
    columns = list(written.values())
    if plan is None:
        plan = Plan()
        for t in (*itertools.chain(*columns), *grad):
            _check.tensor(op, "param", t)
    if _fits(plan, columns, grad):
        assert plan.table is not None
        shared = isinstance(numbers, tuple)
        values = numbers if shared else list(itertools.chain(*numbers))
        plan.table.launch(kernel, [g._data for g in grad], values, len(numbers if shared else numbers[0]))
        for column in columns:
            for t in column:
                t._version[0] += 1
        return
    for row in range(len(first)):
        each = {name: column[row] for name, column in written.items()}
        _step(op, kernel, each, grad[row], numbers if isinstance(numbers, tuple) else numbers[row], work)


def _fits(plan: Plan, columns: list[Sequence[Tensor]], grads: Sequence[Tensor]) -> bool:
    """Whether one launch can update all: whole, separate storages of one floating-point type on the CPU, all of the
    shape of their parameter; makes the plan's table where it is not the one of these storages.
    """
    tensors = list(itertools.chain(*columns))
    if any(t._strides is not None for t in itertools.chain(tensors, grads)):
        return False
    storages = [t._data for t in tensors]
    shapes = [t._shape for t in columns[0]]
    if plan.table is None or plan.shapes != shapes or not plan.table.holds(storages):
        plan.table, plan.kind, plan.shapes = None, tensors[0]._dtype, shapes
        if plan.kind.is_half or not plan.kind.is_floating_point:
            return False
        if any(type(s) is not np.ndarray for s in storages) or any(t._dtype is not plan.kind for t in tensors):
            return False
        if any(t._shape != shape for column in columns for t, shape in zip(column, shapes, strict=True)):
            return False
        plan.table = Table(tuple(map(math.prod, shapes)), storages)
    kind = plan.kind
    return (
        plan.table.disjoint
        and [g._shape for g in grads] == shapes
        and all(g._dtype is kind and type(g._data) is np.ndarray for g in grads)
    )


def _step(op: str, kernel: Any, written: dict[str, Any], grad: Any, params: tuple, work: int) -> None:
    """Check that everything matches the parameter, then launch `kernel`, which changes what is `written`."""
    targets = [_target(op, name, value) for name, value in written.items()]
    param = targets[0]
    source = from_array(grad) if isinstance(grad, np.ndarray) else _check.tensor(op, "grad", grad)
    shape, kind, place = param._shape, param._dtype, type(param._data)
    _check.inexact(op, "param", param)
    for name, t in zip((*list(written)[1:], "grad"), (*targets[1:], source), strict=True):
        if t._shape != shape:
            raise ValueError(f"{op}: `{name}` must have the shape of `param` {shape}; got {t._shape}")
        if t._dtype is not kind:
            raise TypeError(f"{op}: `{name}` must have the dtype of `param` {kind!r}; got {t._dtype!r}")
        if type(t._data) is not place:
            raise RuntimeError(f"{op}: `{name}` must lie on the device of `param` {param.device}; got {t.device}")
    if kind.is_complex:  # the parts are updated as numbers of their own
        pairs = {name: view_as_real(t.detach()) for name, t in zip(written, targets, strict=True)}
        _step(op, kernel, pairs, view_as_real(source.detach()), params, work)
        return
    if kind.is_half:
        wide = {name: t.detach().float() for name, t in zip(written, targets, strict=True)}
        _step(op, kernel, wide, source.detach().float(), params, work)
        for t, w in zip(targets, wide.values(), strict=True):
            t.detach().copy_(w)
        return
    storages = tuple(map(flat, targets))
    launch(kernel, storages, (flat(source),), params, math.prod(shape), work)
    for t, values in zip(targets, storages, strict=True):
        if not t.is_contiguous():
            store(t, values)
        t._version[0] += 1


def _target(op: str, name: str, value: Any) -> Tensor:
    """`value` as a Tensor over memory that can be changed in place, element by element."""
    if isinstance(value, np.ndarray):
        t = from_array(value)
        if not np.may_share_memory(t._data, value):
            raise ValueError(f"{op}: `{name}` must be a writable, aligned array without negative strides")
        return t
    t = _check.tensor(op, name, value)
    if t._strides is not None and any(s == 0 and n > 1 for s, n in zip(t._strides, t._shape, strict=True)):
        raise ValueError(f"{op}: `{name}` must not be an expanded view, whose elements share memory; use .clone()")
    return t
