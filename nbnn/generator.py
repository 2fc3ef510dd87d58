"""The state of the random numbers: a seed, and how many of its numbers are used up."""

from __future__ import annotations

import contextlib
import operator
import threading
from collections.abc import Iterator
from typing import Any

import numpy as np

from nbnn.device import as_device


class Generator:
    """State of the counter-based random numbers (Philox 4x32-10): a seed, and how many counters are used up.

    Parameters
    ----------
    device : str or device
        Accepted for compatibility: the numbers are the same on every device.

    Examples
    --------
    >>> import nbnn
    >>> g = nbnn.Generator().manual_seed(7)
    >>> g.initial_seed()
    7
    """

    def __init__(self, device: Any = "cpu") -> None:
        self.device = as_device(device)
        self._seed = 0
        self._offset = 0

    def manual_seed(self, seed: int) -> Generator:
        """Restart the stream that belongs to `seed` (any integer, taken modulo 2**63)."""
        self._seed = operator.index(seed) % (1 << 63)
        self._offset = 0
        return self

    def seed(self) -> int:
        """Take a seed from the operating system and return it."""
        import secrets

        self.manual_seed(secrets.randbits(63))
        return self._seed

    def initial_seed(self) -> int:
        """The seed of the stream."""
        return self._seed

    def next_offset(self, n: int) -> int:
        """Reserve n counters and return the first of them."""
        offset = self._offset
        self._offset += n
        return offset

    def get_state(self) -> tuple[int, int]:
        """The seed and the counter: enough to continue the stream elsewhere."""
        return self._seed, self._offset

    def set_state(self, state: tuple[int, int]) -> Generator:
        """Continue from a state that `get_state` returned."""
        self._seed, self._offset = int(state[0]), int(state[1])
        return self


_own = threading.local()


class _Default(Generator):
    """The generator that `manual_seed` seeds; inside `draw_from`, on that thread, the one given there."""

    def initial_seed(self) -> int:
        own = getattr(_own, "generator", None)
        return self._seed if own is None else own._seed

    def next_offset(self, n: int) -> int:
        own = getattr(_own, "generator", None)
        return super().next_offset(n) if own is None else own.next_offset(n)


default_generator = _Default()


def seed() -> int:
    """Seed the random numbers from the operating system and return the seed.

    Examples
    --------
    >>> import nbnn
    >>> nbnn.seed() == nbnn.initial_seed()
    True
    """
    return default_generator.seed()


def get_rng_state() -> tuple[int, int]:
    """What `set_rng_state` needs to continue the random numbers from here.

    Examples
    --------
    >>> import nbnn
    >>> _ = nbnn.manual_seed(3)
    >>> before = nbnn.get_rng_state()
    >>> _ = nbnn.rand(2)
    >>> nbnn.get_rng_state() == before
    False
    """
    return default_generator.get_state()


def set_rng_state(new_state: tuple[int, int]) -> None:
    """Continue the random numbers from a state that `get_rng_state` returned.

    Examples
    --------
    >>> import nbnn
    >>> state = nbnn.get_rng_state()
    >>> first = nbnn.rand(2)
    >>> nbnn.set_rng_state(state)
    >>> nbnn.equal(first, nbnn.rand(2))
    True
    """
    default_generator.set_state(new_state)


def fork_generators(count: int) -> list[Generator]:
    """Streams for threads that draw at the same time: the same ones after the same `manual_seed`."""
    entropy = [default_generator.initial_seed(), default_generator.next_offset(1)]
    seeds = np.random.SeedSequence(entropy).generate_state(count, np.uint64)
    return [Generator().manual_seed(int(seed)) for seed in seeds]


@contextlib.contextmanager
def draw_from(generator: Generator) -> Iterator[None]:
    """Let `generator` stand for the default one on this thread."""
    before = getattr(_own, "generator", None)
    _own.generator = generator
    try:
        yield
    finally:
        _own.generator = before


def manual_seed(seed: int) -> Generator:
    """Seed the random numbers of dropout, of initialisation and of data order.

    The same seed gives the same numbers on any thread count and on CUDA.

    Examples
    --------
    >>> import nbnn
    >>> _ = nbnn.manual_seed(3)
    >>> x = nbnn.rand(2)
    >>> _ = nbnn.manual_seed(3)
    >>> bool((nbnn.rand(2) == x).all())
    True
    """
    return default_generator.manual_seed(seed)


def initial_seed() -> int:
    """The seed of the default generator.

    Examples
    --------
    >>> import nbnn
    >>> _ = nbnn.manual_seed(3)
    >>> nbnn.initial_seed()
    3
    """
    return default_generator.initial_seed()
