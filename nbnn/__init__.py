"""nbnn: the torch.nn surface, every number computed by a Numba kernel you can read.

Examples
--------
>>> import nbnn
>>> x = nbnn.tensor([1.0, 2.0], requires_grad=True)
>>> (x * x).sum().backward()
>>> x.grad
tensor([2., 4.])
"""

from math import e, inf, nan, pi
from typing import TYPE_CHECKING

from nbnn import (
    accelerator,
    amp,
    autograd,
    backends,
    compile,
    cuda,
    functional,
    linalg,
    modules,
    optim,
    parallel,
    utils,
)
from nbnn import init as init
from nbnn._format import set_printoptions
from nbnn._version import __version__ as __version__
from nbnn.amp import autocast
from nbnn.autograd import (
    enable_grad,
    inference_mode,
    is_grad_enabled,
    no_grad,
    set_grad_enabled,
)
from nbnn.backends import mps, xpu
from nbnn.device import device, empty_cache, get_default_device, get_num_threads, set_default_device, set_num_threads
from nbnn.dtypes import (
    bfloat16,
    can_cast,
    complex64,
    complex128,
    dtype,
    finfo,
    float16,
    float32,
    float64,
    get_default_dtype,
    iinfo,
    int8,
    int16,
    int32,
    int64,
    promote_types,
    set_default_dtype,
    uint8,
)
from nbnn.dtypes import bool_ as bool
from nbnn.functional import (
    adaptive_avg_pool1d,
    adaptive_max_pool1d,
    alpha_dropout,
    avg_pool1d,
    bilinear,
    binary_cross_entropy_with_logits,
    celu,
    celu_,
    channel_shuffle,
    conv1d,
    conv2d,
    conv3d,
    conv_transpose1d,
    conv_transpose2d,
    conv_transpose3d,
    cosine_embedding_loss,
    cosine_similarity,
    ctc_loss,
    dropout,
    erf,
    erfc,
    exp,
    exp2,
    expm1,
    feature_alpha_dropout,
    group_norm,
    hardshrink,
    hinge_embedding_loss,
    kl_div,
    layer_norm,
    log,
    log1p,
    log2,
    log_softmax,
    margin_ranking_loss,
    matmul,
    max_pool1d,
    max_pool2d,
    max_pool3d,
    pairwise_distance,
    pdist,
    pixel_shuffle,
    pixel_unshuffle,
    prelu,
    relu,
    relu_,
    rms_norm,
    rrelu,
    rsqrt,
    selu,
    selu_,
    sigmoid,
    softmax,
    sqrt,
    tanh,
    threshold,
    threshold_,
    triplet_margin_loss,
)
from nbnn.functional._precision import get_float32_matmul_precision, set_float32_matmul_precision
from nbnn.functional.arithmetic import rsub, true_divide
from nbnn.functional.arrangement import (
    adjoint,
    as_strided,
    atleast_1d,
    atleast_2d,
    atleast_3d,
    block_diag,
    broadcast_shapes,
    broadcast_tensors,
    column_stack,
    combinations,
    diagflat,
    fliplr,
    flipud,
    hsplit,
    ravel,
    renorm,
    tensor_split,
    vsplit,
)
from nbnn.functional.array import add, clone, div, eq, ge, gt, le, lt, mean, mul, ne, neg, sub, sum
from nbnn.functional.binning import bincount, bucketize, histc, isin, searchsorted
from nbnn.functional.choice import clamp, clamp_max, clamp_min, clip, where
from nbnn.functional.combination import addcdiv, addcmul, lerp
from nbnn.functional.comparison import allclose, equal, isclose, maximum, minimum
from nbnn.functional.complexes import angle, complex, conj, imag, is_complex, real
from nbnn.functional.contraction import einsum, kron, tensordot
from nbnn.functional.creation import (
    arange,
    as_tensor,
    empty,
    empty_like,
    eye,
    from_dlpack,
    from_numpy,
    full,
    full_like,
    ones,
    ones_like,
    rand,
    randint,
    randn,
    randperm,
    tensor,
    zeros,
    zeros_like,
)
from nbnn.functional.cumulative import cumprod, cumsum
from nbnn.functional.decomposition import cholesky, det, slogdet
from nbnn.functional.differences import (
    corrcoef,
    cov,
    cross,
    diff,
    dist,
    inner,
    nanmean,
    nansum,
    trace,
    trapezoid,
    trapz,
)
from nbnn.functional.distance import cdist
from nbnn.functional.division import floor_divide, fmod, remainder
from nbnn.functional.eigen import inverse, logdet, matrix_power, pinverse, qr, svd
from nbnn.functional.extreme import amax, amin, aminmax, argmax, argmin, max, min
from nbnn.functional.gathering import (
    gather,
    index_add,
    index_copy,
    index_fill,
    index_select,
    scatter,
    scatter_add,
    take,
    take_along_dim,
)
from nbnn.functional.grid import cartesian_prod, linspace, logspace, meshgrid
from nbnn.functional.indexing import narrow
from nbnn.functional.joining import cat, concat, concatenate, dstack, hstack, stack, vstack
from nbnn.functional.logic import (
    bitwise_and,
    bitwise_left_shift,
    bitwise_not,
    bitwise_or,
    bitwise_right_shift,
    bitwise_xor,
    logical_and,
    logical_not,
    logical_or,
    logical_xor,
)
from nbnn.functional.masking import masked_fill, masked_select, nonzero
from nbnn.functional.matrix_function import matrix_exp
from nbnn.functional.ordering import argsort, kthvalue, median, quantile, sort, topk, unique, unique_consecutive
from nbnn.functional.pairs import view_as_complex, view_as_real
from nbnn.functional.pointwise import digamma, lgamma, log10, reciprocal, square
from nbnn.functional.power import pow
from nbnn.functional.product import addbmm, addmm, addmv, baddbmm, bmm, dot, mm, mv, outer
from nbnn.functional.promotion import result_type
from nbnn.functional.questions import is_floating_point, is_nonzero, is_tensor, numel
from nbnn.functional.rearrange import (
    diag,
    diag_embed,
    flip,
    repeat_interleave,
    roll,
    rot90,
    tile,
    tril,
    tril_indices,
    triu,
    triu_indices,
)
from nbnn.functional.recurrent import gru, lstm, rnn_relu, rnn_tanh
from nbnn.functional.recurrent_cell import gru_cell, lstm_cell, rnn_relu_cell, rnn_tanh_cell
from nbnn.functional.rounding import (
    abs,
    absolute,
    ceil,
    fix,
    floor,
    frac,
    isfinite,
    isinf,
    isnan,
    positive,
    round,
    sign,
    trunc,
)
from nbnn.functional.running import cummax, cummin, logcumsumexp, mode
from nbnn.functional.sampling import bernoulli, multinomial, normal, rand_like, randint_like, randn_like
from nbnn.functional.scattering import index_put, index_reduce, masked_scatter, put, scatter_reduce
from nbnn.functional.shape import flatten, permute, reshape, squeeze, t, transpose, unsqueeze
from nbnn.functional.special import (
    acosh,
    arccosh,
    arcsinh,
    arctanh,
    asinh,
    atanh,
    deg2rad,
    erfinv,
    float_power,
    hypot,
    isneginf,
    isposinf,
    logaddexp,
    logit,
    nan_to_num,
    polar,
    rad2deg,
    sinc,
    xlogy,
)
from nbnn.functional.statistics import all, any, count_nonzero, logsumexp, norm, prod, std, std_mean, var, var_mean
from nbnn.functional.trigonometry import (
    acos,
    arccos,
    arcsin,
    arctan,
    arctan2,
    asin,
    atan,
    atan2,
    cos,
    cosh,
    sin,
    sinh,
    tan,
)
from nbnn.functional.typed import (
    BFloat16Tensor,
    BoolTensor,
    ByteTensor,
    CharTensor,
    DoubleTensor,
    FloatTensor,
    HalfTensor,
    IntTensor,
    LongTensor,
    ShortTensor,
)
from nbnn.functional.views import (
    broadcast_to,
    chunk,
    diagonal,
    moveaxis,
    movedim,
    select,
    split,
    swapaxes,
    unbind,
    unflatten,
)
from nbnn.generator import Generator, get_rng_state, initial_seed, manual_seed, seed, set_rng_state
from nbnn.modules import *
from nbnn.serialization import load, save
from nbnn.settings import (
    _assert,
    are_deterministic_algorithms_enabled,
    channels_last,
    channels_last_3d,
    contiguous_format,
    get_num_interop_threads,
    is_autocast_enabled,
    memory_format,
    preserve_format,
    set_default_tensor_type,
    set_num_interop_threads,
    use_deterministic_algorithms,
)
from nbnn.tensor import Parameter, Size, Tensor

newaxis = None
negative, multiply, subtract, divide = neg, mul, sub, div
asarray, scalar_tensor = as_tensor, tensor
not_equal, greater, greater_equal, less, less_equal = ne, gt, ge, lt, le
swapdims, row_stack, argwhere, ger = swapaxes, vstack, nonzero, outer
half = float16
float = float32
double = float64
cfloat = complex64
cdouble = complex128
short = int16
int = int32
long = int64

from nbnn import nn as nn  # noqa: E402  (an alias face of all the above)

if TYPE_CHECKING:
    from nbnn import distributed as distributed
    from nbnn import distributions as distributions
    from nbnn import func as func
    from nbnn import hub as hub
    from nbnn import jit as jit
    from nbnn import random as random
    from nbnn import special as special
    from nbnn import version as version
    from nbnn._as_torch import as_torch as as_torch
    from nbnn.utils._summary import summary as summary

_LATE = {
    "as_torch": "nbnn._as_torch",
    "distributed": None,
    "distributions": None,
    "func": None,
    "hub": None,  # urllib and ssl: 13 ms
    "jit": None,
    "random": None,
    "special": None,
    "summary": "nbnn.utils._summary",
    "version": None,
}  # imported on first use, most programs never ask: what this module holds, or (None) a module of that name


def __getattr__(name: str) -> object:
    if name in _LATE:
        import importlib

        place = _LATE[name]
        found = importlib.import_module(place or f"nbnn.{name}")
        globals()[name] = found = getattr(found, name) if place else found
        return found
    raise AttributeError(f"module 'nbnn' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *_LATE})
