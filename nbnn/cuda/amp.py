"""`nbnn.amp` under its older path."""

from nbnn.amp import GradScaler, autocast

__all__ = ["GradScaler", "autocast"]
