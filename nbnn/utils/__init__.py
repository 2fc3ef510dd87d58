"""What surrounds training: data."""

from nbnn.utils import data

__all__ = ["data"]
