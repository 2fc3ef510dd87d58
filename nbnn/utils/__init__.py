"""What surrounds training: data, clipping of gradients, sequences of different lengths, computed weights."""

from nbnn.utils import checkpoint, data, model_zoo, parametrizations, parametrize, prune, rnn
from nbnn.utils.clip_grad import (
    clip_grad_norm,
    clip_grad_norm_,
    clip_grad_value_,
    clip_grads_with_norm_,
    get_total_norm,
)
from nbnn.utils.fusion import fuse_conv_bn_eval, fuse_conv_bn_weights, fuse_linear_bn_eval, fuse_linear_bn_weights
from nbnn.utils.reparametrize import remove_spectral_norm, remove_weight_norm, spectral_norm, weight_norm
from nbnn.utils.skipping import skip_init
from nbnn.utils.vector import parameters_to_vector, vector_to_parameters

__all__ = [
    "checkpoint",
    "clip_grad_norm",
    "clip_grad_norm_",
    "clip_grad_value_",
    "clip_grads_with_norm_",
    "data",
    "fuse_conv_bn_eval",
    "fuse_conv_bn_weights",
    "fuse_linear_bn_eval",
    "fuse_linear_bn_weights",
    "get_total_norm",
    "model_zoo",
    "parameters_to_vector",
    "parametrizations",
    "parametrize",
    "prune",
    "remove_spectral_norm",
    "remove_weight_norm",
    "rnn",
    "skip_init",
    "spectral_norm",
    "vector_to_parameters",
    "weight_norm",
]
