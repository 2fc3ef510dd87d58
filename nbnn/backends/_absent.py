"""The answers for a kind of GPU that nbnn does not use."""


def is_available() -> bool:
    """False: nbnn runs on the CPU and on CUDA."""
    return False


def is_built() -> bool:
    """False: nbnn has no kernels for it."""
    return False


def device_count() -> int:
    """0."""
    return 0
