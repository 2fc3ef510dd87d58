"""What surrounds training: data, clipping of gradients, sequences of different lengths."""

from nbnn.utils import data, rnn
from nbnn.utils.clip_grad import (
    clip_grad_norm,
    clip_grad_norm_,
    clip_grad_value_,
    clip_grads_with_norm_,
    get_total_norm,
)

__all__ = [
    "clip_grad_norm",
    "clip_grad_norm_",
    "clip_grad_value_",
    "clip_grads_with_norm_",
    "data",
    "get_total_norm",
    "rnn",
]
