"""Sequences of different lengths as the rows of one Tensor: how they are packed, padded and walked step by step.

The rows of a packed batch are the first elements of all sequences, the longest sequence first, then the second
elements, and so on; `sizes` holds how many sequences have each step. Empty sequences have no rows.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from nbnn.functional import _check
from nbnn.functional.creation import full
from nbnn.functional.dropout import dropout
from nbnn.functional.indexing import narrow
from nbnn.functional.joining import cat, stack
from nbnn.functional.shape import reshape
from nbnn.tensor import Tensor, from_array

Step = Callable[[Tensor, Any], tuple[Tensor, Sequence[Tensor]]]


def check_lengths(op: str, lengths: Any, count: int, most: int) -> np.ndarray:
    """Lengths as int64, one for each of `count` sequences, between 0 and the `most` steps there are."""
    values = np.asarray(lengths.tolist() if isinstance(lengths, Tensor) else lengths)
    if values.ndim != 1 or (values.size and values.dtype.kind not in "iu"):
        raise TypeError(f"{op}: `lengths` must hold ints, one for each sequence; got {values.tolist()}")
    if values.size != count:
        raise ValueError(f"{op}: `lengths` must have one number for each of the {count} sequences; got {values.size}")
    if count and (values.min() < 0 or values.max() > most):
        raise ValueError(f"{op}: `lengths` must be between 0 and the {most} steps of `input`; got {values.tolist()}")
    return values.astype(np.int64)


def check_rows(op: str, x: Any, batch_sizes: Any, inputs: int) -> None:
    """The input of a recurrent layer: (T, N, I), or (rows, I) where `batch_sizes` is given."""
    _check.floating(op, "input", x)
    axes = 3 if batch_sizes is None else 2
    if x.dim() != axes:
        shape = "(T, N, I) or, with `batch_first`, (N, T, I)" if axes == 3 else "(rows, I) for a packed sequence"
        raise ValueError(f"{op}: `input` must have shape {shape}; got {x._shape}")
    if x._shape[-1] != inputs:
        raise ValueError(
            f"{op}: the last size of `input` must be the input size {inputs} of the weights; got {x._shape}"
        )


def sizes_of(op: str, x: Tensor, batch_sizes: Any) -> np.ndarray:
    """How many sequences each step of (T, N, I) or, with `batch_sizes`, of (rows, I) has; one step of none at least."""
    if batch_sizes is None:
        if x._shape[0] == 0:
            raise ValueError(f"{op}: `input` must have at least one step; got shape {x._shape}")
        return np.full(x._shape[0], x._shape[1], np.int64)
    sizes = np.asarray(batch_sizes.tolist() if isinstance(batch_sizes, Tensor) else batch_sizes)
    if sizes.shape == (0,) and x._shape[0] == 0:
        return np.zeros(1, np.int64)
    falling = sizes.ndim == 1 and sizes.size and sizes.dtype.kind in "iu" and bool((sizes[1:] <= sizes[:-1]).all())
    if not falling or sizes[-1] < 1 or sizes.sum() != x._shape[0]:
        raise ValueError(
            f"{op}: `batch_sizes` (={sizes.tolist()}) must be positive ints that never grow and add up to the "
            f"{x._shape[0]} rows of `input`"
        )
    return sizes.astype(np.int64)


def longest_first(lengths: np.ndarray) -> np.ndarray:
    """The order of sequences by falling length; equal ones stay in theirs."""
    return np.argsort(-lengths, kind="stable")


def lengths_of(sizes: np.ndarray) -> np.ndarray:
    """The length of each sequence that is not empty."""
    return (sizes[None, :] > np.arange(sizes.max(initial=0))[:, None]).sum(1)


def packed(x: Tensor, lengths: np.ndarray, columns: np.ndarray) -> tuple[Tensor, np.ndarray]:
    """Rows and sizes of x (T, N, ...): the sequence in ``columns[k]`` has length ``lengths[k]``, which fall."""
    steps, count = x._shape[:2]
    present = np.arange(lengths.max(initial=0))[:, None] < lengths
    rows = (np.arange(len(present))[:, None] * count + columns)[present]
    return reshape(x, (steps * count, *x._shape[2:]))[from_array(rows)], present.sum(1).astype(np.int64)


def padded(data: Tensor, sizes: np.ndarray, columns: np.ndarray, steps: int, value: float = 0.0) -> Tensor:
    """(T, N, ...) of packed rows: sequence k goes to ``columns[k]``, and `value` stands after its end."""
    count = len(columns)
    every = np.zeros(steps, np.int64)
    every[: len(sizes)] = sizes
    places = np.arange(count)
    rows = np.empty((steps, count), np.int64)  # the row after the last one is the padding
    inside = places < every[:, None]
    rows[:, columns] = np.where(inside, (np.cumsum(every) - every)[:, None] + places, data._shape[0])
    rest = data._shape[1:]
    padding = full((1, *rest), value, dtype=data.dtype, device=data.device)
    return reshape(cat([data, padding])[from_array(rows.reshape(-1))], (steps, count, *rest))


def backwards(sizes: np.ndarray) -> np.ndarray:
    """The row that each row changes places with where every sequence is read from its end."""
    starts = np.cumsum(sizes) - sizes
    sequence = np.arange(sizes.sum()) - np.repeat(starts, sizes)
    step = np.repeat(np.arange(len(sizes)), sizes)
    return starts[lengths_of(sizes)[sequence] - 1 - step] + sequence


def walk(step: Step, rows: Tensor, states: Any, sizes: np.ndarray, reverse: int) -> tuple[Tensor, tuple[Tensor, ...]]:
    """The rows that ``step(x, states)`` gives, and each sequence's last states.

    `states` are Tensors with a row for each sequence, or None; `step` gets the rows of one step and the states of the
    sequences that have it, and returns rows and states.
    """
    turn = from_array(backwards(sizes)) if reverse and len(sizes) > 1 else None
    rows = rows if turn is None else rows[turn]
    outs: list[Tensor] = []
    ended: list[Sequence[Tensor]] = []
    start, active = 0, int(sizes[0])
    for size in sizes.tolist():
        if size < active:
            ended.append([narrow(s, 0, size, active - size) for s in states])
            states = tuple(narrow(s, 0, 0, size) for s in states)
        out, states = step(narrow(rows, 0, start, size), states)
        outs.append(out)
        start, active = start + size, size
    ended.append(states)
    last = tuple(parts[0] if len(parts) == 1 else cat(parts[::-1]) for parts in zip(*ended, strict=True))
    y = cat(outs)
    return (y if turn is None else y[turn]), last


def _as_step(op: str, cell: Any) -> Step:
    """A user's ``cell(x, state)`` as a step of `walk`; a state of one Tensor is handed over as that Tensor."""
    name = type(cell).__name__

    def step(x: Tensor, states: Any) -> tuple[Tensor, Sequence[Tensor]]:
        found = cell(x, states[0] if states is not None and len(states) == 1 else states)
        parts = tuple(found) if isinstance(found, (tuple, list)) else (found,)
        for t in parts:
            if not isinstance(t, Tensor) or t._shape[:1] != x._shape[:1]:
                got = t._shape if isinstance(t, Tensor) else type(t).__name__
                raise ValueError(
                    f"{op}: `cell` must return a state, or a tuple of them, with one row for each of {x._shape[0]} "
                    f"inputs; {name} returned {got}"
                )
        if not parts or (states is not None and len(states) != len(parts)):
            raise ValueError(f"{op}: `cell` must return as many states as it gets; {name} returned {len(parts)}")
        return parts[0], parts

    return step


def through_cells(
    op: str, cells: Sequence[Any], rows: Tensor, hx: Any, sizes: np.ndarray, directions: int, rate: float
) -> tuple[Tensor, Any]:
    """A stack of users' cells, one for each layer and direction: the rows of the last layer, and all last states.

    `hx` is None, a Tensor (layers * directions, N, ...) or a tuple of such; so are the last states.
    """
    given = hx if hx is None or isinstance(hx, (tuple, list)) else (hx,)
    for t in given or ():
        wanted = (len(cells), int(sizes[0]))
        if _check.tensor(op, "hx", t)._shape[:2] != wanted:
            raise ValueError(f"{op}: `hx` must have shape {(*wanted, '...')}; got {t._shape}")
    last = []
    for k in range(0, len(cells), directions):
        if rate > 0 and k > 0:
            rows = dropout(rows, rate)
        sides = []
        for d in range(directions):
            states = None if given is None else tuple(t[k + d] for t in given)
            y, ends = walk(_as_step(op, cells[k + d]), rows, states, sizes, d)
            sides.append(y)
            last.append(ends)
        rows = sides[0] if directions == 1 else cat(sides, 1)
    ends = tuple(stack(parts) for parts in zip(*last, strict=True))
    return rows, ends[0] if len(ends) == 1 else ends
