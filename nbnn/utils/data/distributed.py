"""Each of several processes visits a part of the samples of its own."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sized

from nbnn.functional import _check
from nbnn.functional.creation import randperm
from nbnn.generator import Generator
from nbnn.utils.data.sampler import Sampler


class DistributedSampler(Sampler):
    """The indices that belong to one of several processes: every `num_replicas`-th, all parts of one size.

    Parameters
    ----------
    dataset : Dataset
    num_replicas : int, optional
        How many processes there are; by default the environment's WORLD_SIZE.
    rank : int, optional
        Which of them this one is; by default the environment's RANK.
    shuffle : bool
        Visit the samples in an order that depends on `seed` and the epoch, the same in all processes.
    seed : int
        The same number in all processes.
    drop_last : bool
        Leave out the samples that do not divide evenly; without, the first ones come again to fill the parts up.

    Raises
    ------
    ValueError
        If `num_replicas` or `rank` is known from nowhere, or `rank` is not below `num_replicas`.
    TypeError
        If a number is no int.

    Examples
    --------
    >>> import nbnn
    >>> list(nbnn.utils.data.DistributedSampler(range(7), num_replicas=2, rank=1, shuffle=False))
    [1, 3, 5, 0]
    """

    def __init__(
        self,
        dataset: Sized,
        num_replicas: int | None = None,
        rank: int | None = None,
        shuffle: bool = True,
        seed: int = 0,
        drop_last: bool = False,
    ) -> None:
        op = "DistributedSampler"
        self.num_replicas = _known(op, "num_replicas", num_replicas, "WORLD_SIZE", 1)
        self.rank = _known(op, "rank", rank, "RANK", 0)
        if self.rank >= self.num_replicas:
            raise ValueError(f"{op}: `rank` (={self.rank}) must be below `num_replicas` (={self.num_replicas})")
        self.dataset = dataset
        self.shuffle = shuffle
        self.seed = _check.integer(op, "seed", seed)
        self.drop_last = drop_last
        self.epoch = 0

    @property
    def num_samples(self) -> int:
        """How many indices one part has."""
        n = len(self.dataset)
        return n // self.num_replicas if self.drop_last else -(-n // self.num_replicas)

    @property
    def total_size(self) -> int:
        """How many indices all parts have."""
        return self.num_samples * self.num_replicas

    def __iter__(self) -> Iterator[int]:
        n = len(self.dataset)
        order = list(range(n))
        if self.shuffle:
            order = randperm(n, generator=Generator().manual_seed(self.seed + self.epoch)).tolist()
        # beyond the last sample the order begins again, as often as a small dataset needs
        return (order[i % n] for i in range(self.rank, self.total_size, self.num_replicas))

    def __len__(self) -> int:
        return self.num_samples

    def set_epoch(self, epoch: int) -> None:
        """Say which epoch comes, in all processes, so that each has an order of its own."""
        self.epoch = _check.integer("set_epoch", "epoch", epoch, 0)


def _known(op: str, name: str, value: int | None, variable: str, minimum: int) -> int:
    if value is None and variable not in os.environ:
        raise ValueError(f"{op}: `{name}` must be given: the environment has no {variable}")
    return _check.integer(op, name, int(os.environ[variable]) if value is None else value, minimum)
