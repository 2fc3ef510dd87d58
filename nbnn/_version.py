"""The version of nbnn; part of the key under which compiled kernels are cached."""

__version__ = "0.1.0"
