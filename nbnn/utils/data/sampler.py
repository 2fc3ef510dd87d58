"""Samplers: in which order the samples of a dataset are visited."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence, Sized
from itertools import islice
from typing import Any

import numpy as np

from nbnn.functional import _check
from nbnn.functional.creation import rand, randint, randperm
from nbnn.generator import Generator
from nbnn.tensor import Tensor


class Sampler:
    """An order of indices: define ``__iter__()``, and ``__len__()`` where the number is known.

    Examples
    --------
    >>> import nbnn
    >>> class Backwards(nbnn.utils.data.Sampler):
    ...     def __iter__(self):
    ...         return iter([2, 1, 0])
    >>> [batch for batch in nbnn.utils.data.DataLoader("abc", batch_size=2, sampler=Backwards())]
    [['c', 'b'], ['a']]
    """

    def __iter__(self) -> Iterator[Any]:
        raise NotImplementedError(f"{type(self).__name__}: must define __iter__")


class SequentialSampler(Sampler):
    """The indices in their order.

    Parameters
    ----------
    data_source : Dataset

    Examples
    --------
    >>> import nbnn
    >>> list(nbnn.utils.data.SequentialSampler("abc"))
    [0, 1, 2]
    """

    def __init__(self, data_source: Sized) -> None:
        self.data_source = data_source

    def __iter__(self) -> Iterator[int]:
        return iter(range(len(self.data_source)))

    def __len__(self) -> int:
        return len(self.data_source)


class RandomSampler(Sampler):
    """The indices in random order; the same after the same `nbnn.manual_seed`.

    Parameters
    ----------
    data_source : Dataset
    replacement : bool
        Draw each index independently, so that some come often and some never.
    num_samples : int, optional
        How many indices; by default ``len(data_source)``. Without replacement a larger number starts another order.
    generator : Generator, optional
        Source of the order; by default the one that `nbnn.manual_seed` seeds.

    Raises
    ------
    ValueError
        If `num_samples` is less than 1.
    TypeError
        If `replacement` is no bool or `num_samples` no int.

    Examples
    --------
    >>> import nbnn
    >>> sorted(nbnn.utils.data.RandomSampler("abcd"))
    [0, 1, 2, 3]
    """

    def __init__(
        self,
        data_source: Sized,
        replacement: bool = False,
        num_samples: int | None = None,
        generator: Generator | None = None,
    ) -> None:
        if not isinstance(replacement, bool):
            raise TypeError(f"RandomSampler: `replacement` (={replacement!r}) must be a bool")
        if num_samples is not None:
            num_samples = _check.integer("RandomSampler", "num_samples", num_samples, 1)
        self.data_source = data_source
        self.replacement = replacement
        self.generator = generator
        self._num_samples = num_samples

    @property
    def num_samples(self) -> int:
        """How many indices one pass gives."""
        return len(self.data_source) if self._num_samples is None else self._num_samples

    def __iter__(self) -> Iterator[int]:
        n, wanted = len(self.data_source), self.num_samples
        if self.replacement:
            yield from randint(0, max(n, 1), (wanted if n else 0,), generator=self.generator).tolist()
            return
        while n and wanted > 0:
            order = randperm(n, generator=self.generator).tolist()
            yield from order[:wanted]
            wanted -= n

    def __len__(self) -> int:
        return self.num_samples


class SubsetRandomSampler(Sampler):
    """Some indices, in random order.

    Parameters
    ----------
    indices : sequence
        What to visit.
    generator : Generator, optional
        Source of the order; by default the one that `nbnn.manual_seed` seeds.

    Examples
    --------
    >>> import nbnn
    >>> sorted(nbnn.utils.data.SubsetRandomSampler([5, 1, 3]))
    [1, 3, 5]
    """

    def __init__(self, indices: Sequence[Any], generator: Generator | None = None) -> None:
        self.indices = indices
        self.generator = generator

    def __iter__(self) -> Iterator[Any]:
        for i in randperm(len(self.indices), generator=self.generator).tolist():
            yield self.indices[i]

    def __len__(self) -> int:
        return len(self.indices)


class WeightedRandomSampler(Sampler):
    """Indices drawn at random, each in proportion to its weight.

    Parameters
    ----------
    weights : sequence of float
        One weight for each index; they need not have the sum 1.
    num_samples : int
        How many indices to draw.
    replacement : bool
        Whether an index may come again; without, index i comes first in place of the others left with probability
        w_i / sum(w), as the smallest of -log(u_i) / w_i with uniform u [1]_.
    generator : Generator, optional
        Source of the numbers; by default the one that `nbnn.manual_seed` seeds.

    Raises
    ------
    ValueError
        If weights are negative, not finite or all 0, `num_samples` is less than 1, or more samples are wanted without
        replacement than there are weights above 0.
    TypeError
        If `num_samples` is no int.

    References
    ----------
    .. [1] P. S. Efraimidis, P. G. Spirakis, "Weighted random sampling with a reservoir", Information Processing Letters
       97, 2006.

    Examples
    --------
    >>> import nbnn
    >>> list(nbnn.utils.data.WeightedRandomSampler([0.0, 1.0], 3))
    [1, 1, 1]
    """

    def __init__(
        self,
        weights: Sequence[float],
        num_samples: int,
        replacement: bool = True,
        generator: Generator | None = None,
    ) -> None:
        op = "WeightedRandomSampler"
        if not isinstance(replacement, bool):
            raise TypeError(f"{op}: `replacement` (={replacement!r}) must be a bool")
        values = np.asarray(weights.tolist() if isinstance(weights, Tensor) else weights, np.float64)
        if values.ndim != 1 or not np.isfinite(values).all() or (values < 0).any() or not (values > 0).any():
            raise ValueError(f"{op}: `weights` must be one axis of numbers of at least 0, one of them above 0")
        self.num_samples = _check.integer(op, "num_samples", num_samples, 1)
        if not replacement and self.num_samples > (positive := int((values > 0).sum())):
            raise ValueError(f"{op}: `num_samples` (={num_samples}) must be at most {positive}, the weights above 0")
        self.weights = values
        self.replacement = replacement
        self.generator = generator

    def __iter__(self) -> Iterator[int]:
        if self.replacement:
            steps = np.cumsum(self.weights)
            drawn = np.searchsorted(steps, self._uniform(self.num_samples) * steps[-1], side="right")
            yield from np.minimum(drawn, np.flatnonzero(self.weights)[-1]).tolist()
            return
        candidates = np.flatnonzero(self.weights)
        times = -np.log1p(-self._uniform(candidates.size)) / self.weights[candidates]
        yield from candidates[np.argsort(times, kind="stable")[: self.num_samples]].tolist()

    def _uniform(self, n: int) -> np.ndarray:
        """Uniform numbers in [0, 1)."""
        return rand(n, generator=self.generator, dtype=np.float64).numpy()

    def __len__(self) -> int:
        return self.num_samples


class BatchSampler(Sampler):
    """Lists of the indices of another sampler.

    Parameters
    ----------
    sampler : Sampler or iterable
    batch_size : int
    drop_last : bool
        Whether to leave out a last batch that is not full.

    Raises
    ------
    ValueError
        If `batch_size` is less than 1.
    TypeError
        If `batch_size` is no int or `drop_last` no bool.

    Examples
    --------
    >>> import nbnn
    >>> list(nbnn.utils.data.BatchSampler(range(5), batch_size=2, drop_last=False))
    [[0, 1], [2, 3], [4]]
    """

    def __init__(self, sampler: Iterable[Any], batch_size: int, drop_last: bool) -> None:
        self.batch_size = _check.integer("BatchSampler", "batch_size", batch_size, 1)
        if not isinstance(drop_last, bool):
            raise TypeError(f"BatchSampler: `drop_last` (={drop_last!r}) must be a bool")
        self.sampler = sampler
        self.drop_last = drop_last

    def __iter__(self) -> Iterator[list[Any]]:
        indices = iter(self.sampler)
        while batch := list(islice(indices, self.batch_size)):
            if len(batch) == self.batch_size or not self.drop_last:
                yield batch

    def __len__(self) -> int:
        batches = len(self.sampler) / self.batch_size  # type: ignore[arg-type]
        return math.floor(batches) if self.drop_last else math.ceil(batches)
