"""Intel's GPUs, which nbnn does not use."""

from nbnn.backends._absent import device_count, is_available, is_built

__all__ = ["device_count", "is_available", "is_built"]
