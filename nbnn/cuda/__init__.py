"""Questions about the GPU, under torch's names."""

from __future__ import annotations

from typing import Any

from nbnn.cuda import amp as amp
from nbnn.device import cuda_device_count as device_count
from nbnn.device import cuda_is_available as is_available
from nbnn.device import cuda_synchronize as synchronize
from nbnn.generator import manual_seed

__all__ = ["amp", "device_count", "is_available", "manual_seed", "manual_seed_all", "synchronize"]


def manual_seed_all(seed: int) -> Any:
    """`manual_seed`: one generator serves every device."""
    return manual_seed(seed)
