"""What torch's programs ask about training in several processes: nbnn runs in one."""

from __future__ import annotations

from typing import Any

__all__ = [
    "barrier",
    "destroy_process_group",
    "get_rank",
    "get_world_size",
    "init_process_group",
    "is_available",
    "is_initialized",
]


def is_available() -> bool:
    """False: there are no process groups."""
    return False


def is_initialized() -> bool:
    """False: there is no process group."""
    return False


def get_rank(group: Any = None) -> int:
    """0: the number of the only process."""
    return 0


def get_world_size(group: Any = None) -> int:
    """1: there is one process."""
    return 1


def barrier(group: Any = None) -> None:
    """Nothing: there is nobody to wait for."""


def destroy_process_group(group: Any = None) -> None:
    """Nothing: there is none."""


def init_process_group(*args: Any, **kwargs: Any) -> None:
    """Refused: nbnn trains in one process, on all its cores.

    Raises
    ------
    RuntimeError
    """
    raise RuntimeError("init_process_group: nbnn runs in one process; it uses all cores of the machine there")
