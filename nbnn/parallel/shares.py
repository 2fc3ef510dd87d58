"""Cutting inputs into shares of the batch, and putting outputs together again."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from nbnn.functional.array import clone
from nbnn.functional.indexing import narrow
from nbnn.functional.joining import cat, stack
from nbnn.tensor import Tensor


def scatter(inputs: Any, target_gpus: Sequence[Any], dim: int = 0) -> list[Any]:
    """Cut every Tensor in nested tuples, lists and mappings into shares along an axis; anything else goes to each.

    Parameters
    ----------
    inputs : object
        Tensors and arrays of at least one axis are cut, into pieces of one size (the last may be smaller) that are
        copies, so that a replica may write into its own. All must give the same number of shares.
    target_gpus : sequence
        The devices, "cpu" any number of times: their number is that of the shares. A batch that is too small gives
        fewer.
    dim : int
        The axis of the batch.

    Returns
    -------
    list
        The shares, each of the structure of `inputs`.

    Raises
    ------
    ValueError
        If Tensors disagree on how many shares there are.
    IndexError
        If a Tensor has no axis `dim`.

    Examples
    --------
    >>> import nbnn
    >>> from nbnn.parallel import scatter
    >>> [x.tolist() for x, _ in scatter((nbnn.arange(5), "all"), ["cpu", "cpu"])]
    [[0, 1, 2], [3, 4]]
    """
    sizes: dict[int, Any] = {}
    _measure(inputs, len(target_gpus), dim, sizes)
    if len(sizes) > 1:
        shapes = ", ".join(str(tuple(t.shape)) for t in sizes.values())
        raise ValueError(
            f"scatter: all Tensors must give one number of shares along `dim` (={dim}) on {len(target_gpus)} devices; "
            f"shapes {shapes} give {', '.join(map(str, sizes))}"
        )
    count = next(iter(sizes), len(target_gpus))
    return [_share(inputs, k, len(target_gpus), dim) for k in range(count)]


def _is_cut(value: Any) -> bool:
    return isinstance(value, (Tensor, np.ndarray)) and len(value.shape) > 0


def _step(value: Any, pieces: int, dim: int) -> int:
    """How many positions of the axis one share has."""
    if not -len(value.shape) <= dim < len(value.shape):
        raise IndexError(f"scatter: `dim` (={dim}) is no axis of a Tensor of shape {tuple(value.shape)}")
    return max(1, -(-value.shape[dim] // pieces))


def _measure(value: Any, pieces: int, dim: int, sizes: dict[int, Any]) -> None:
    """Note one Tensor for each number of shares that occurs."""
    if _is_cut(value):
        step = _step(value, pieces, dim)
        sizes.setdefault(max(1, -(-value.shape[dim] // step)), value)
    elif isinstance(value, (tuple, list, Mapping)):
        if hasattr(value, "batch_sizes"):
            raise TypeError("scatter: a PackedSequence cannot be cut into shares: pass padded sequences and lengths")
        for item in value.values() if isinstance(value, Mapping) else value:
            _measure(item, pieces, dim, sizes)


def _share(value: Any, k: int, pieces: int, dim: int) -> Any:
    if not _is_cut(value):
        return _rebuilt(value, [value], lambda columns: _share(columns[0], k, pieces, dim))
    step = _step(value, pieces, dim)
    start = k * step
    length = min(step, value.shape[dim] - start)
    if isinstance(value, Tensor):
        return clone(narrow(value, dim, start, length))
    return value[(slice(None),) * (dim % value.ndim) + (slice(start, start + length),)].copy()


def _rebuilt(like: Any, values: list[Any], make: Callable[[list[Any]], Any]) -> Any:
    """A tuple, list or mapping like the first, made entry by entry from those of all; anything else as it is."""
    if isinstance(like, Mapping):
        return type(like)((key, make([v[key] for v in values])) for key in like)  # type: ignore[call-arg]
    if isinstance(like, (tuple, list)):
        entries = [make(list(column)) for column in zip(*values, strict=True)]
        return type(like)(*entries) if hasattr(like, "_fields") else type(like)(entries)
    return like


def gather(outputs: Sequence[Any], target_device: Any, dim: int = 0) -> Any:
    """Put the outputs of the replicas together along an axis, in the order of the shares.

    Parameters
    ----------
    outputs : sequence
        One for each replica, all of one structure: Tensors, and tuples, lists and mappings of them. Tensors without
        axes become one of one axis; None stays None.
    target_device : device
        Where the result lies.
    dim : int
        The axis of the batch.

    Raises
    ------
    TypeError
        If an output is something else.
    ValueError
        If the outputs are of different structure.

    Examples
    --------
    >>> import nbnn
    >>> nbnn.parallel.gather([{"y": nbnn.ones(2)}, {"y": nbnn.zeros(1)}], "cpu")
    {'y': tensor([1., 1., 0.])}
    """
    first = outputs[0]
    if any(type(o) is not type(first) for o in outputs) or _keys(outputs) > 1:
        kinds = ", ".join(sorted({type(o).__name__ for o in outputs}))
        raise ValueError(f"gather: the outputs of all replicas must have one structure; got {kinds} of other entries")
    if isinstance(first, Tensor):
        if first.dim() == 0:
            warnings.warn("gather: outputs without axes become a Tensor of one axis, an element for each replica")
            return stack(list(outputs)).to(target_device)
        return cat(list(outputs), dim).to(target_device)
    if first is None:
        return None
    if not isinstance(first, (tuple, list, Mapping)):
        raise TypeError(
            f"gather: outputs must be Tensors, or tuples, lists and mappings of them; got {type(first).__name__}"
        )
    return _rebuilt(first, list(outputs), lambda column: gather(column, target_device, dim))


def _keys(outputs: Sequence[Any]) -> int:
    """How many different sets of entries there are."""
    if isinstance(outputs[0], Mapping):
        return len({frozenset(o) for o in outputs})
    return len({len(o) for o in outputs}) if isinstance(outputs[0], (tuple, list)) else 1
