"""A batch normalisation in evaluation as part of the layer before it."""

from __future__ import annotations

import copy
from typing import Any

from nbnn.autograd import no_grad
from nbnn.functional.creation import ones_like, zeros_like
from nbnn.functional.pointwise import rsqrt
from nbnn.modules import Module
from nbnn.tensor import Parameter, Tensor


def _scale_and_shift(bias: Tensor | None, mean: Tensor, var: Tensor, eps: float, w: Any, b: Any) -> tuple:
    """The factor of each output, and the bias after it."""
    scale = (ones_like(mean) if w is None else w) * rsqrt(var + eps)
    shift = (zeros_like(mean) if bias is None else bias) - mean
    return scale, shift * scale + (zeros_like(mean) if b is None else b)


def _parameters(weight: Tensor, like: Tensor, bias: Tensor, bias_like: Tensor | None) -> tuple[Parameter, Parameter]:
    wanted = like.requires_grad if bias_like is None else bias_like.requires_grad
    return Parameter(weight.to(dtype=like.dtype), like.requires_grad), Parameter(bias.to(dtype=like.dtype), wanted)


def fuse_conv_bn_weights(
    conv_w: Tensor,
    conv_b: Tensor | None,
    bn_rm: Tensor,
    bn_rv: Tensor,
    bn_eps: float,
    bn_w: Tensor | None,
    bn_b: Tensor | None,
    transpose: bool = False,
) -> tuple[Parameter, Parameter]:
    """Weight and bias of the one convolution that is a convolution and the batch normalisation after it.

    Parameters
    ----------
    conv_w : Tensor
        Its weight.
    conv_b : Tensor, optional
        Its bias.
    bn_rm, bn_rv : Tensor of shape (C,)
        Running mean and variance.
    bn_eps : float
    bn_w, bn_b : Tensor of shape (C,), optional
        Weight and bias of the normalisation.
    transpose : bool
        Whether the convolution is a transposed one, of one group or more.

    Returns
    -------
    tuple of Parameter
        Weight and bias.

    Raises
    ------
    ValueError
        If the convolution has not C outputs.

    Examples
    --------
    >>> import nbnn, nbnn.nn as nn
    >>> conv, bn = nn.Conv1d(2, 3, 1), nn.BatchNorm1d(3)
    >>> w, b = nn.utils.fuse_conv_bn_weights(
    ...     conv.weight, conv.bias, bn.running_mean, bn.running_var, bn.eps, bn.weight, bn.bias
    ... )
    >>> w.shape, b.shape
    (nbnn.Size([3, 2, 1]), nbnn.Size([3]))
    """
    c, axis = bn_rm.shape[0], 1 if transpose else 0
    outputs = conv_w.shape[axis]
    fits = outputs > 0 and c % outputs == 0 and conv_w.shape[0] % (c // outputs) == 0 if transpose else outputs == c
    if not fits:
        raise ValueError(
            f"fuse_conv_bn_weights: `bn_rm` {tuple(bn_rm.shape)} must have one number for each output of `conv_w` "
            f"{tuple(conv_w.shape)}"
        )
    with no_grad():
        scale, bias = _scale_and_shift(conv_b, bn_rm, bn_rv, bn_eps, bn_w, bn_b)
        ones = (1,) * (conv_w.dim() - 2)
        if transpose:
            groups = c // outputs
            inside = conv_w.reshape(groups, conv_w.shape[0] // groups, *conv_w.shape[1:])
            weight = (inside * scale.reshape(groups, 1, outputs, *ones)).reshape(conv_w.shape)
        else:
            weight = conv_w * scale.reshape(c, 1, *ones)
    return _parameters(weight, conv_w, bias, conv_b)


def fuse_linear_bn_weights(
    linear_w: Tensor,
    linear_b: Tensor | None,
    bn_rm: Tensor,
    bn_rv: Tensor,
    bn_eps: float,
    bn_w: Tensor | None,
    bn_b: Tensor | None,
) -> tuple[Parameter, Parameter]:
    """Weight and bias of the one linear map that is a linear map and the batch normalisation after it.

    The arguments are those of `fuse_conv_bn_weights`; the statistics may also be of one channel.

    Raises
    ------
    ValueError
        If the linear map has not C outputs and C is not 1.

    Examples
    --------
    >>> import nbnn, nbnn.nn as nn
    >>> layer, bn = nn.Linear(2, 3), nn.BatchNorm1d(3)
    >>> w, b = nn.utils.fuse_linear_bn_weights(
    ...     layer.weight, layer.bias, bn.running_mean, bn.running_var, bn.eps, bn.weight, bn.bias
    ... )
    >>> w.shape, b.shape
    (nbnn.Size([3, 2]), nbnn.Size([3]))
    """
    if bn_rm.shape[0] not in (1, linear_w.shape[0]):
        raise ValueError(
            f"fuse_linear_bn_weights: `bn_rm` {tuple(bn_rm.shape)} must have one number for each output of `linear_w` "
            f"{tuple(linear_w.shape)}, or one"
        )
    with no_grad():
        start = zeros_like(linear_w[:, 0]) if linear_b is None else linear_b
        scale, bias = _scale_and_shift(start, bn_rm, bn_rv, bn_eps, bn_w, bn_b)
        weight = linear_w * scale.unsqueeze(-1)
    return _parameters(weight, linear_w, bias, linear_b)


def _fused(op: str, layer: Module, bn: Any, function: Any, *more: Any) -> Any:
    if layer.training or bn.training:
        raise RuntimeError(f"{op}: both modules must be in evaluation mode; call .eval() first")
    if bn.running_mean is None or bn.running_var is None:
        raise ValueError(f"{op}: `bn` must have running statistics; it was made with track_running_stats=False")
    made: Any = copy.deepcopy(layer)
    made.weight, made.bias = function(
        made.weight, made.bias, bn.running_mean, bn.running_var, bn.eps, bn.weight, bn.bias, *more
    )
    return made


def fuse_conv_bn_eval(conv: Module, bn: Module, transpose: bool = False) -> Module:
    """A convolution and the batch normalisation after it as one convolution; both stay as they are.

    Parameters
    ----------
    conv : Module
        A convolution in evaluation mode.
    bn : Module
        A batch normalisation in evaluation mode, with running statistics.
    transpose : bool
        Whether the convolution is a transposed one.

    Returns
    -------
    Module
        A copy of `conv` with other weight and bias.

    Raises
    ------
    RuntimeError
        If one of them is in training mode.
    ValueError
        If they do not fit, or there are no running statistics.

    Examples
    --------
    >>> import nbnn, nbnn.nn as nn
    >>> nn.utils.fuse_conv_bn_eval(nn.Conv1d(2, 3, 1).eval(), nn.BatchNorm1d(3).eval())
    Conv1d(2, 3, kernel_size=(1,), stride=(1,))
    """
    return _fused("fuse_conv_bn_eval", conv, bn, fuse_conv_bn_weights, transpose)


def fuse_linear_bn_eval(linear: Module, bn: Module) -> Module:
    """A linear map and the batch normalisation after it as one linear map; both stay as they are.

    Raises
    ------
    RuntimeError
        If one of them is in training mode.
    ValueError
        If they do not fit, or there are no running statistics.

    Examples
    --------
    >>> import nbnn, nbnn.nn as nn
    >>> nn.utils.fuse_linear_bn_eval(nn.Linear(2, 3).eval(), nn.BatchNorm1d(3).eval())
    Linear(in_features=2, out_features=3, bias=True)
    """
    return _fused("fuse_linear_bn_eval", linear, bn, fuse_linear_bn_weights)
