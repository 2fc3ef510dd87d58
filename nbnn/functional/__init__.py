"""The public functions: torch.nn.functional's names, on Tensors, NumPy arrays and CUDA memory."""

from nbnn.functional import _methods as _methods
from nbnn.functional.activation import (
    gelu,
    glu,
    logsigmoid,
    mish,
    relu,
    sigmoid,
    silu,
    softplus,
    softsign,
    tanh,
    tanhshrink,
)
from nbnn.functional.attention import scaled_dot_product_attention
from nbnn.functional.convolution import (
    conv1d,
    conv2d,
    conv3d,
    conv_tbc,
    conv_transpose1d,
    conv_transpose2d,
    conv_transpose3d,
)
from nbnn.functional.ctc import ctc_loss
from nbnn.functional.distance import cosine_similarity, normalize, pairwise_distance, pdist
from nbnn.functional.distance_loss import cosine_embedding_loss, triplet_margin_loss, triplet_margin_with_distance_loss
from nbnn.functional.dropout import (
    alpha_dropout,
    dropout,
    dropout1d,
    dropout2d,
    dropout3d,
    feature_alpha_dropout,
)
from nbnn.functional.elementwise_loss import huber_loss, l1_loss, mse_loss, smooth_l1_loss
from nbnn.functional.embedding import embedding, one_hot
from nbnn.functional.embedding_bag import embedding_bag
from nbnn.functional.folding import fold, unfold
from nbnn.functional.fractional_pooling import fractional_max_pool2d, fractional_max_pool3d
from nbnn.functional.linear import bilinear, linear, matmul
from nbnn.functional.linear_cross_entropy import linear_cross_entropy
from nbnn.functional.loss import cross_entropy, nll_loss
from nbnn.functional.margin_loss import (
    hinge_embedding_loss,
    margin_ranking_loss,
    multi_margin_loss,
    multilabel_margin_loss,
    multilabel_soft_margin_loss,
    soft_margin_loss,
)
from nbnn.functional.multi_head import multi_head_attention_forward
from nbnn.functional.normalization import batch_norm
from nbnn.functional.padding import pad
from nbnn.functional.piecewise import (
    hardshrink,
    hardsigmoid,
    hardswish,
    hardtanh,
    hardtanh_,
    relu6,
    softshrink,
    threshold,
    threshold_,
)
from nbnn.functional.pointwise import erf, erfc, exp, exp2, expm1, log, log1p, log2, rsqrt, sqrt
from nbnn.functional.pooling import (
    adaptive_avg_pool1d,
    adaptive_avg_pool2d,
    adaptive_avg_pool3d,
    adaptive_max_pool1d,
    adaptive_max_pool2d,
    adaptive_max_pool3d,
    avg_pool1d,
    avg_pool2d,
    avg_pool3d,
    lp_pool1d,
    lp_pool2d,
    lp_pool3d,
    max_pool1d,
    max_pool2d,
    max_pool3d,
)
from nbnn.functional.probability_loss import (
    binary_cross_entropy,
    binary_cross_entropy_with_logits,
    gaussian_nll_loss,
    kl_div,
    poisson_nll_loss,
)
from nbnn.functional.rectifier import celu, celu_, elu, elu_, leaky_relu, leaky_relu_, prelu, rrelu, rrelu_, selu, selu_
from nbnn.functional.response_norm import local_response_norm
from nbnn.functional.row_norm import group_norm, instance_norm, layer_norm, rms_norm
from nbnn.functional.sampling_grid import affine_grid, grid_sample
from nbnn.functional.softmax import gumbel_softmax, log_softmax, softmax, softmin
from nbnn.functional.unpooling import max_unpool1d, max_unpool2d, max_unpool3d
from nbnn.functional.vision import (
    channel_shuffle,
    interpolate,
    pixel_shuffle,
    pixel_unshuffle,
    upsample,
    upsample_bilinear,
    upsample_nearest,
)


def relu_(input):  # type: ignore[no-untyped-def]
    """`relu` in place.

    Examples
    --------
    >>> import nbnn
    >>> import nbnn.nn.functional as F
    >>> F.relu_(nbnn.tensor([-1.0, 2.0]))
    tensor([0., 2.])
    """
    return relu(input, inplace=True)


__all__ = [
    "adaptive_avg_pool1d",
    "adaptive_avg_pool2d",
    "adaptive_avg_pool3d",
    "adaptive_max_pool1d",
    "adaptive_max_pool2d",
    "adaptive_max_pool3d",
    "affine_grid",
    "alpha_dropout",
    "avg_pool1d",
    "avg_pool2d",
    "avg_pool3d",
    "batch_norm",
    "bilinear",
    "binary_cross_entropy",
    "binary_cross_entropy_with_logits",
    "celu",
    "celu_",
    "channel_shuffle",
    "conv1d",
    "conv2d",
    "conv3d",
    "conv_tbc",
    "conv_transpose1d",
    "conv_transpose2d",
    "conv_transpose3d",
    "cosine_embedding_loss",
    "cosine_similarity",
    "cross_entropy",
    "ctc_loss",
    "dropout",
    "dropout1d",
    "dropout2d",
    "dropout3d",
    "elu",
    "elu_",
    "embedding",
    "embedding_bag",
    "erf",
    "erfc",
    "exp",
    "exp2",
    "expm1",
    "feature_alpha_dropout",
    "fold",
    "fractional_max_pool2d",
    "fractional_max_pool3d",
    "gaussian_nll_loss",
    "gelu",
    "glu",
    "grid_sample",
    "group_norm",
    "gumbel_softmax",
    "hardshrink",
    "hardsigmoid",
    "hardswish",
    "hardtanh",
    "hardtanh_",
    "hinge_embedding_loss",
    "huber_loss",
    "instance_norm",
    "interpolate",
    "kl_div",
    "l1_loss",
    "layer_norm",
    "leaky_relu",
    "leaky_relu_",
    "linear",
    "linear_cross_entropy",
    "local_response_norm",
    "log",
    "log1p",
    "log2",
    "log_softmax",
    "logsigmoid",
    "lp_pool1d",
    "lp_pool2d",
    "lp_pool3d",
    "margin_ranking_loss",
    "matmul",
    "max_pool1d",
    "max_pool2d",
    "max_pool3d",
    "max_unpool1d",
    "max_unpool2d",
    "max_unpool3d",
    "mish",
    "mse_loss",
    "multi_head_attention_forward",
    "multi_margin_loss",
    "multilabel_margin_loss",
    "multilabel_soft_margin_loss",
    "nll_loss",
    "normalize",
    "one_hot",
    "pad",
    "pairwise_distance",
    "pdist",
    "pixel_shuffle",
    "pixel_unshuffle",
    "poisson_nll_loss",
    "prelu",
    "relu",
    "relu6",
    "relu_",
    "rms_norm",
    "rrelu",
    "rrelu_",
    "rsqrt",
    "scaled_dot_product_attention",
    "selu",
    "selu_",
    "sigmoid",
    "silu",
    "smooth_l1_loss",
    "soft_margin_loss",
    "softmax",
    "softmin",
    "softplus",
    "softshrink",
    "softsign",
    "sqrt",
    "tanh",
    "tanhshrink",
    "threshold",
    "threshold_",
    "triplet_margin_loss",
    "triplet_margin_with_distance_loss",
    "unfold",
    "upsample",
    "upsample_bilinear",
    "upsample_nearest",
]
