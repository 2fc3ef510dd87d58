"""Questions about the GPU, under torch's names."""

from __future__ import annotations

from typing import Any

from nbnn.cuda import amp as amp
from nbnn.device import as_device, empty_cache
from nbnn.device import cuda_device_count as device_count
from nbnn.device import cuda_is_available as is_available
from nbnn.device import cuda_synchronize as synchronize
from nbnn.generator import manual_seed

__all__ = [
    "amp",
    "current_device",
    "device_count",
    "empty_cache",
    "get_device_name",
    "is_available",
    "is_bf16_supported",
    "is_initialized",
    "manual_seed",
    "manual_seed_all",
    "memory_allocated",
    "set_device",
    "synchronize",
]


def manual_seed_all(seed: int) -> Any:
    """`manual_seed`: one generator serves every device."""
    return manual_seed(seed)


def is_initialized() -> bool:
    """Whether there is a GPU: what needs it sets it up by itself."""
    return is_available()


def is_bf16_supported(including_emulation: bool = True) -> bool:
    """Whether Tensors of bfloat16 can lie on the GPU: where there is one."""
    return is_available()


def current_device() -> int:
    """0: nbnn uses one GPU of a process.

    Raises
    ------
    RuntimeError
        If there is none.
    """
    _needed("current_device")
    return 0


def set_device(device: Any) -> None:
    """Accepted for the first GPU, the one that nbnn uses.

    Raises
    ------
    RuntimeError
        If there is none.
    ValueError
        For another one.
    """
    _needed("set_device")
    if as_device(device).index or 0:
        raise ValueError(f"set_device: `device` (={device!r}) must be the first GPU, the one that nbnn uses")


def get_device_name(device: Any = None) -> str:
    """What the GPU is called.

    Raises
    ------
    RuntimeError
        If there is none.
    """
    _needed("get_device_name")
    from nbnn import _jit

    name = _jit.cuda().get_current_device().name
    return name.decode() if isinstance(name, bytes) else str(name)


def _needed(op: str) -> None:
    if not is_available():
        raise RuntimeError(f"{op}: there is no GPU that nbnn can use")


def memory_allocated(device: Any = None) -> int:
    """The bytes of the GPU's memory in use, by this program and others; 0 where there is no GPU."""
    if not is_available():
        return 0
    from nbnn import _jit

    free, total = _jit.cuda().current_context().get_memory_info()
    return int(total - free)
