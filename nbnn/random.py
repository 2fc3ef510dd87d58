"""The state of the random numbers, under torch's path ``torch.random``."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

from nbnn.generator import get_rng_state, initial_seed, manual_seed, seed, set_rng_state

__all__ = ["fork_rng", "get_rng_state", "initial_seed", "manual_seed", "seed", "set_rng_state"]


@contextlib.contextmanager
def fork_rng(devices: Any = None, enabled: bool = True, **options: Any) -> Iterator[None]:
    """A block after which the random numbers go on as if it had drawn none.

    Parameters
    ----------
    devices
        Accepted: one state serves every device.
    enabled : bool
        False makes it do nothing.

    Examples
    --------
    >>> import nbnn
    >>> generator = nbnn.manual_seed(3)
    >>> with nbnn.random.fork_rng():
    ...     a = nbnn.rand(1)
    >>> bool(a == nbnn.rand(1))
    True
    """
    before = get_rng_state()
    try:
        yield
    finally:
        if enabled:
            set_rng_state(before)
