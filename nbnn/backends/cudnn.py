"""cuDNN's switches: kept and without effect, since nbnn's convolutions are its own and always deterministic."""

__all__ = ["allow_tf32", "benchmark", "deterministic", "enabled", "is_available"]

allow_tf32 = False
benchmark = False
deterministic = True
enabled = False


def is_available() -> bool:
    """False: nothing in nbnn calls cuDNN."""
    return False
