"""The GPU, whatever its kind: CUDA is the one that nbnn knows."""

from __future__ import annotations

from nbnn.device import cuda_device_count as device_count
from nbnn.device import cuda_is_available as is_available
from nbnn.device import cuda_synchronize as synchronize
from nbnn.device import device

__all__ = ["current_accelerator", "device_count", "is_available", "synchronize"]


def current_accelerator(check_available: bool = False) -> device | None:
    """The device to compute on, None where there is only the CPU (with or without `check_available`).

    Examples
    --------
    >>> import nbnn
    >>> found = nbnn.accelerator.current_accelerator()
    >>> found is None or found.type == "cuda"
    True
    """
    return device("cuda") if is_available() else None
