"""Intel's GPUs, which nbnn does not use."""

__all__ = ["device_count", "is_available", "is_built"]


def is_available() -> bool:
    """False: nbnn runs on the CPU and on CUDA."""
    return False


def is_built() -> bool:
    """False: nbnn has no kernels for it."""
    return False


def device_count() -> int:
    """0."""
    return 0
