"""Data sets: where samples come from."""

from __future__ import annotations

import bisect
import math
import operator
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from nbnn.functional.creation import as_tensor, from_numpy, randperm
from nbnn.generator import Generator
from nbnn.op import add_frame
from nbnn.tensor import Tensor


class Dataset:
    """Samples that are fetched by index: define ``__getitem__(index)`` and ``__len__()``.

    A dataset may also define ``__getitems__(indices)``, which returns the list of samples of a batch at once.

    Examples
    --------
    >>> import nbnn
    >>> class Squares(nbnn.utils.data.Dataset):
    ...     def __len__(self):
    ...         return 3
    ...     def __getitem__(self, index):
    ...         return index * index
    >>> [batch.tolist() for batch in nbnn.utils.data.DataLoader(Squares(), batch_size=2)]
    [[0, 1], [4]]
    """

    def __getitem__(self, index: Any) -> Any:
        raise NotImplementedError(f"{type(self).__name__}: must define __getitem__")

    def __add__(self, other: Any) -> Dataset:
        return ConcatDataset([self, other])


class IterableDataset(Dataset):
    """Samples that come as a stream: define ``__iter__()``.

    With worker processes each of them iterates over a copy; `get_worker_info` tells them apart.

    Examples
    --------
    >>> import nbnn
    >>> class Countdown(nbnn.utils.data.IterableDataset):
    ...     def __iter__(self):
    ...         return iter([3, 2, 1])
    >>> [batch.tolist() for batch in nbnn.utils.data.DataLoader(Countdown(), batch_size=2)]
    [[3, 2], [1]]
    """

    def __iter__(self) -> Iterator[Any]:
        raise NotImplementedError(f"{type(self).__name__}: must define __iter__")

    def __add__(self, other: Any) -> Dataset:
        return ChainDataset([self, other])


class TensorDataset(Dataset):
    """Samples that are the rows of Tensors: ``dataset[i]`` is ``(tensors[0][i], tensors[1][i], ...)``.

    A `DataLoader` takes all rows of a batch at once.

    Parameters
    ----------
    *tensors : Tensor or array
        With the same first size.

    Raises
    ------
    ValueError
        If there is none, one has no axes, or the first sizes differ.

    Examples
    --------
    >>> import nbnn
    >>> dataset = nbnn.utils.data.TensorDataset(nbnn.tensor([[1.0], [2.0]]), nbnn.tensor([0, 1]))
    >>> dataset[1]
    (tensor([2.]), tensor(1))
    """

    tensors: tuple[Tensor, ...]

    def __init__(self, *tensors: Any) -> None:
        self.tensors = tuple(as_tensor(t) for t in tensors)
        shapes = [tuple(t.shape) for t in self.tensors]
        if not shapes or not all(shapes) or len({shape[0] for shape in shapes}) > 1:
            raise ValueError(f"TensorDataset: `tensors` must have the same first size; got shapes {shapes}")

    def __getitem__(self, index: Any) -> tuple[Tensor, ...]:
        return tuple(t[index] for t in self.tensors)

    def __len__(self) -> int:
        return len(self.tensors[0])


class ConcatDataset(Dataset):
    """Several datasets, one after the other.

    Parameters
    ----------
    datasets : iterable of Dataset

    Raises
    ------
    ValueError
        If there is none.
    TypeError
        If one is an IterableDataset, which has no length.

    Examples
    --------
    >>> import nbnn
    >>> both = nbnn.utils.data.ConcatDataset([[1, 2], [3]])
    >>> len(both), both[2]
    (3, 3)
    """

    datasets: list[Any]
    cumulative_sizes: list[int]

    def __init__(self, datasets: Iterable[Any]) -> None:
        self.datasets = list(datasets)
        if not self.datasets:
            raise ValueError("ConcatDataset: `datasets` must not be empty")
        self.cumulative_sizes = []
        for i, dataset in enumerate(self.datasets):
            if isinstance(dataset, IterableDataset):
                raise TypeError(f"ConcatDataset: datasets[{i}] is an IterableDataset, which cannot be indexed")
            self.cumulative_sizes.append(len(self) + len(dataset))

    def __len__(self) -> int:
        return self.cumulative_sizes[-1] if self.cumulative_sizes else 0

    def __getitem__(self, index: Any) -> Any:
        i = operator.index(index)
        if not -len(self) <= i < len(self):
            raise IndexError(f"ConcatDataset: index {i} is out of range for {len(self)} samples")
        i %= len(self)
        which = bisect.bisect_right(self.cumulative_sizes, i)
        return self.datasets[which][i - (self.cumulative_sizes[which - 1] if which else 0)]


class ChainDataset(IterableDataset):
    """Several streams, one after the other; ``first + second`` makes one too.

    Parameters
    ----------
    datasets : iterable of IterableDataset

    Raises
    ------
    TypeError
        On iterating, if one is no IterableDataset.

    Examples
    --------
    >>> import nbnn
    >>> class Countdown(nbnn.utils.data.IterableDataset):
    ...     def __iter__(self):
    ...         return iter([3, 2, 1])
    >>> list(nbnn.utils.data.ChainDataset([Countdown(), Countdown()]))
    [3, 2, 1, 3, 2, 1]
    """

    def __init__(self, datasets: Iterable[Any]) -> None:
        self.datasets = datasets

    def _streams(self) -> Iterator[Any]:
        for i, dataset in enumerate(self.datasets):
            if not isinstance(dataset, IterableDataset):
                raise TypeError(f"ChainDataset: datasets[{i}] must be an IterableDataset; got {type(dataset).__name__}")
            yield dataset

    def __iter__(self) -> Iterator[Any]:
        for dataset in self._streams():
            yield from dataset

    def __len__(self) -> int:
        return sum(map(len, self._streams()))


class StackDataset(Dataset):
    """Several datasets side by side: sample i holds sample i of each, in a tuple or under their names.

    Parameters
    ----------
    *args, **kwargs : Dataset
        Of one length: either some without names, which give tuples, or some with names, which give dicts.

    Raises
    ------
    ValueError
        If there is none, lengths differ, or there are both kinds.

    Examples
    --------
    >>> import nbnn
    >>> nbnn.utils.data.StackDataset(image="ab", label=[0, 1])[1]
    {'image': 'b', 'label': 1}
    """

    datasets: Any

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        if bool(args) == bool(kwargs):
            raise ValueError("StackDataset: needs datasets, either all without names or all with names")
        self.datasets = args or kwargs
        sizes = [len(dataset) for dataset in (args or kwargs.values())]
        if len(set(sizes)) > 1:
            raise ValueError(f"StackDataset: all datasets must have one length; got {', '.join(map(str, sizes))}")

    def _like(self, each: Sequence[Any]) -> Any:
        return tuple(each) if isinstance(self.datasets, tuple) else dict(zip(self.datasets, each, strict=True))

    def _each(self) -> Sequence[Any]:
        return self.datasets if isinstance(self.datasets, tuple) else list(self.datasets.values())

    def __getitem__(self, index: Any) -> Any:
        return self._like([dataset[index] for dataset in self._each()])

    def __getitems__(self, indices: list[int]) -> list[Any]:
        columns = [fetch_all(dataset, indices) for dataset in self._each()]
        return [self._like(row) for row in zip(*columns, strict=True)]

    def __len__(self) -> int:
        return len(self._each()[0])


def fetch_one(dataset: Any, index: Any) -> Any:
    """The sample at `index`; an error names it."""
    try:
        return dataset[index]
    except Exception as error:
        raise add_frame(error, type(dataset).__name__, (index,), "while fetching")  # noqa: B904  (the same exception)


def fetch_all(dataset: Any, indices: Sequence[int]) -> list[Any]:
    """The samples at `indices`, by the dataset's own ``__getitems__`` where it has one."""
    fetch = getattr(dataset, "__getitems__", None)
    if fetch is None:
        return [fetch_one(dataset, i) for i in indices]
    found = list(fetch(indices))
    if len(found) != len(indices):
        raise ValueError(f"{type(dataset).__name__}: __getitems__ gave {len(found)} samples for {len(indices)} indices")
    return found


class Subset(Dataset):
    """Some samples of a dataset.

    Parameters
    ----------
    dataset : Dataset
    indices : sequence of int
        Which samples, and in which order.

    Examples
    --------
    >>> import nbnn
    >>> list(nbnn.utils.data.Subset("abcd", [3, 0]))
    ['d', 'a']
    """

    def __init__(self, dataset: Any, indices: Sequence[int]) -> None:
        self.dataset = dataset
        self.indices = indices

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, list):
            return self.dataset[[self.indices[i] for i in index]]
        return self.dataset[self.indices[index]]

    def __getitems__(self, indices: list[int]) -> list[Any]:
        return fetch_all(self.dataset, [self.indices[i] for i in indices])

    def __len__(self) -> int:
        return len(self.indices)


def rows_reader(dataset: Any) -> Callable[[list[int]], list[Tensor]] | None:
    """What fetches a whole batch from Tensors, collated already; None where samples have to be fetched one by one."""
    read = type(dataset).__getitem__ if isinstance(dataset, Dataset) else None
    if read is TensorDataset.__getitem__:
        return lambda indices: [_rows(t, np.asarray(indices, np.int64)) for t in dataset.tensors]
    if read is Subset.__getitem__ and type(dataset).__getitems__ is Subset.__getitems__:
        inner = rows_reader(dataset.dataset)
        return inner and (lambda indices: inner([dataset.indices[i] for i in indices]))
    return None


def _rows(t: Tensor, indices: np.ndarray) -> Tensor:
    """The rows of `t` at `indices`, copied by NumPy where it can: no kernel to compile in a worker process."""
    if t.is_cuda or t.requires_grad or t.dtype.numpy is None:
        return t[indices]
    return from_numpy(t.numpy()[indices])


def random_split(dataset: Any, lengths: Sequence[float], generator: Generator | None = None) -> list[Subset]:
    """Split a dataset at random into parts without common samples.

    Parameters
    ----------
    dataset : Dataset
    lengths : sequence of int or of float
        The sizes of the parts, with the sum ``len(dataset)``; or fractions with the sum 1. Sizes of fractions are
        rounded down, and what is left over goes to the parts in turn, one sample each.
    generator : Generator, optional
        Source of the order; by default the one that `nbnn.manual_seed` seeds.

    Returns
    -------
    list of Subset

    Raises
    ------
    ValueError
        If a length is negative, or the sum is neither of the two.

    Examples
    --------
    >>> import nbnn
    >>> train, test = nbnn.utils.data.random_split(range(10), [0.7, 0.3])
    >>> len(train), len(test), sorted([*train, *test]) == list(range(10))
    (7, 3, True)
    """
    n = len(dataset)
    sizes = list(lengths)
    if any(size < 0 for size in sizes):
        raise ValueError(f"random_split: `lengths` (={sizes}) must not be negative")
    if math.isclose(sum(sizes), 1.0) and any(isinstance(size, float) for size in sizes):
        counts = [math.floor(n * size) for size in sizes]
        for i in range(n - sum(counts)):
            counts[i % len(counts)] += 1
    elif sum(sizes) == n and all(int(size) == size for size in sizes):
        counts = [int(size) for size in sizes]
    else:
        raise ValueError(f"random_split: `lengths` (={sizes}) must have the sum 1 or {n}, the size of the dataset")
    order = randperm(n, generator=generator).tolist()
    starts = [sum(counts[:i]) for i in range(len(counts))]
    return [Subset(dataset, order[start : start + count]) for start, count in zip(starts, counts, strict=True)]
