"""CUDA as a library: `nbnn.cuda` says what is there at run time."""

from types import SimpleNamespace

from nbnn.device import cuda_is_available as is_built

__all__ = ["is_built", "matmul"]

matmul = SimpleNamespace(allow_tf32=False)  # kept: nbnn multiplies in the type of its operands
