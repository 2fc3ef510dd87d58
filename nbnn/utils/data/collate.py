"""How samples become a batch."""

from __future__ import annotations

import numbers
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from nbnn.functional.creation import as_tensor, from_numpy, tensor
from nbnn.functional.joining import stack
from nbnn.tensor import Tensor


def default_collate(batch: Sequence[Any]) -> Any:
    """Turn a list of samples into one sample whose Tensors have a leading batch axis.

    Tensors and arrays of equal shape are stacked; numbers become one Tensor (int64, float64 or bool); strings and bytes
    stay a list; tuples, lists, named tuples and mappings are collated entry by entry (a tuple becomes a list).

    Parameters
    ----------
    batch : sequence
        The samples, all of one structure.

    Raises
    ------
    TypeError
        If a sample holds anything else, or samples are of different structure.
    ValueError
        If shapes or lengths differ, or `batch` is empty.

    Examples
    --------
    >>> import nbnn
    >>> nbnn.utils.data.default_collate([{"x": 1, "name": "a"}, {"x": 2, "name": "b"}])
    {'x': tensor([1, 2]), 'name': ['a', 'b']}
    """
    if len(batch) == 0:
        raise ValueError("default_collate: `batch` must not be empty")
    return _collate(batch, "")


def _collate(batch: Sequence[Any], where: str) -> Any:
    """Collate the entries found at `where`, such as ``[1]['image']``, of each sample."""
    first = batch[0]
    if isinstance(first, Tensor):
        return _stack_tensors(batch, where)
    if isinstance(first, (np.ndarray, np.generic)):
        return from_numpy(_stack_arrays(batch, where))
    if isinstance(first, numbers.Real):
        return _numbers(batch, where)
    if isinstance(first, (str, bytes)):
        return list(batch)
    if isinstance(first, Mapping):
        return _mapping(batch, where)
    if isinstance(first, Sequence):
        return _sequence(batch, where)
    raise TypeError(
        f"default_collate: samples{where} must be Tensors, arrays, numbers, strings, sequences or mappings; "
        f"got {type(first).__name__}; give DataLoader a `collate_fn`"
    )


def _require_shapes(values: Sequence[Any], where: str) -> None:
    for i, value in enumerate(values):
        if tuple(value.shape) != tuple(values[0].shape):
            raise ValueError(
                f"default_collate: samples{where} must have one shape; got {tuple(values[0].shape)} for sample 0 and "
                f"{tuple(value.shape)} for sample {i}; give DataLoader a `collate_fn` that pads or crops"
            )


def _require_type(batch: Sequence[Any], kind: type | tuple[type, ...], where: str) -> None:
    for i, value in enumerate(batch):
        if not isinstance(value, kind):
            raise TypeError(
                f"default_collate: samples{where} must be of one kind; got {type(batch[0]).__name__} for sample 0 and "
                f"{type(value).__name__} for sample {i}"
            )


def _stack_tensors(batch: Sequence[Any], where: str) -> Tensor:
    _require_type(batch, Tensor, where)
    _require_shapes(batch, where)
    if any(t.is_cuda or t.requires_grad or t.dtype.numpy is None for t in batch):
        return stack(list(batch))
    return from_numpy(np.stack([t.numpy() for t in batch]))  # no kernel to compile in a worker process


def _stack_arrays(batch: Sequence[Any], where: str) -> np.ndarray:
    _require_type(batch, (np.ndarray, np.generic), where)
    _require_shapes(batch, where)
    stacked = np.stack([np.asarray(value) for value in batch])
    if stacked.dtype.kind not in "biuf":
        raise TypeError(
            f"default_collate: arrays{where} must hold numbers; got dtype {stacked.dtype}; "
            "give DataLoader a `collate_fn`"
        )
    return stacked


def _numbers(batch: Sequence[Any], where: str) -> Tensor:
    _require_type(batch, numbers.Real, where)
    if any(isinstance(value, float) for value in batch):
        return tensor(list(batch), dtype=np.float64)
    return tensor(list(batch))


def _mapping(batch: Sequence[Any], where: str) -> Any:
    _require_type(batch, Mapping, where)
    first = batch[0]
    for i, sample in enumerate(batch):
        if sample.keys() != first.keys():
            raise TypeError(
                f"default_collate: samples{where} must have the same keys; got {list(first)} for sample 0 and "
                f"{list(sample)} for sample {i}"
            )
    entries = {key: _collate([sample[key] for sample in batch], f"{where}[{key!r}]") for key in first}
    try:
        return type(first)(entries)  # type: ignore[call-arg]
    except TypeError:  # a mapping with a constructor of its own
        return entries


def _sequence(batch: Sequence[Any], where: str) -> Any:
    _require_type(batch, Sequence, where)
    first = batch[0]
    for i, sample in enumerate(batch):
        if len(sample) != len(first):
            raise ValueError(
                f"default_collate: samples{where} must have one length; got {len(first)} for sample 0 and "
                f"{len(sample)} for sample {i}; give DataLoader a `collate_fn`"
            )
    entries = [_collate(column, f"{where}[{i}]") for i, column in enumerate(zip(*batch, strict=True))]
    if isinstance(first, tuple) and hasattr(first, "_fields"):
        return type(first)(*entries)
    return entries


def default_convert(data: Any) -> Any:
    """Turn the arrays in a sample into Tensors and leave the rest: what DataLoader does without a batch size.

    Examples
    --------
    >>> import nbnn, numpy
    >>> nbnn.utils.data.default_convert([numpy.ones(2), "a"])
    [tensor([1., 1.], dtype=nbnn.float64), 'a']
    """
    if isinstance(data, np.ndarray) and data.dtype.kind in "biuf":
        return from_numpy(data)
    if isinstance(data, np.generic) and data.dtype.kind in "biuf":
        return as_tensor(np.asarray(data))
    if isinstance(data, Mapping):
        entries = {key: default_convert(value) for key, value in data.items()}
        try:
            return type(data)(entries)  # type: ignore[call-arg]
        except TypeError:  # a mapping with a constructor of its own
            return entries
    if isinstance(data, tuple) and hasattr(data, "_fields"):
        return type(data)(*map(default_convert, data))
    if isinstance(data, Sequence) and not isinstance(data, (str, bytes)):
        return [default_convert(value) for value in data]
    return data
