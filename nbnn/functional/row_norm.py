"""Layer, group, instance and RMS normalisation."""

from __future__ import annotations

import math
from typing import Any

from nbnn.autograd import Node
from nbnn.dtypes import float32, promote_types
from nbnn.functional import _check
from nbnn.functional.array import cast, mean, sum
from nbnn.functional.creation import zeros
from nbnn.functional.normalization import (
    batch_norm,
    batch_statistics,
    check_channels,
    check_eps,
    in_float32,
    update_running,
)
from nbnn.functional.shape import RESHAPE
from nbnn.kernels import row_norm as K
from nbnn.op import Op, apply, takes_arrays
from nbnn.tensor import Tensor

# Layer, group, instance and RMS normalisation: params are groups, channels of a row, elements of a channel, (eps,) and
# 1 where the mean is taken off.


def _row_shape(params: tuple, x: tuple, *_: Any) -> tuple:
    rows = (_rows(x, params[1] * params[2]),)
    return (x, rows, rows)


def _rows(shape: tuple, length: int) -> int:
    return math.prod(shape) // length if length else 0


def _row_grad(backward: Op, node: Node, g: Tensor) -> tuple:
    x, weight, row_mean, rstd = node.saved
    groups, channels, spatial, _, centred = node.params
    if x.numel() == 0:
        return (zeros(x._shape, dtype=x._dtype, device=x.device), *_no_gradients(node, x, groups * channels))
    params = (rstd.numel(), groups, channels, spatial, centred)
    dx, dweight, dbias = apply(backward, g, x, row_mean, rstd, weight, params=params)
    return dx, dweight, dbias


def _no_gradients(node: Node, x: Tensor, count: int) -> tuple:
    return tuple(zeros(count, dtype=x._dtype, device=x.device) if needed else None for needed in node.needs[1:])


def _row_backward_shape(params: tuple, grad: tuple, *_: Any) -> tuple:
    count = (params[1] * params[2],)
    return (grad, count, count)


def _row_backward_grad(node: Node, v: Tensor, vw: Tensor, vb: Tensor) -> tuple:
    g, x, row_mean, rstd, weight = node.saved
    rows, groups, channels, spatial, _ = node.params
    dg, dx, product = apply(ROW_NORM_BACKWARD_2, v, vw, vb, g, x, row_mean, rstd, weight, params=node.params[1:])
    if weight is None:
        return dg, dx, None, None, None
    split = apply(RESHAPE, product, params=((rows // groups, groups * channels, spatial),))
    return dg, dx, None, None, sum(split, (0, 2))


def _row_workspace(rows: int, groups: int, channels: int, spatial: int, centred: int) -> int:
    blocks, _ = K.row_norm_blocks(rows // groups, groups * channels, spatial)
    return 2 * blocks * groups * channels


def _row_ops(name: str) -> tuple[Op, Op]:
    """A normalisation of rows and its gradient, under the public name."""
    backward = Op(
        f"{name}_backward",
        K.row_norm_backward,
        shape=_row_backward_shape,
        dtypes=(None,) * 3,
        count=lambda params, *_: params[0] + params[1] * params[2],
        work=lambda params, *_: 8 * params[2] * params[3],
        grad=_row_backward_grad,
        saves_inputs=(0, 1, 2, 3, 4),
        fast=K.row_norm_backward_fast,
        workspace=_row_workspace,
    )
    forward = Op(
        name,
        K.row_norm,
        shape=_row_shape,
        dtypes=(None,) * 3,
        count=lambda params, x, *_: _rows(x, params[1] * params[2]),
        work=lambda params, *_: 4 * params[1] * params[2],
        grad=lambda node, g, *_: _row_grad(backward, node, g),
        saves_inputs=(0, 1),
        saves_outputs=(1, 2),
        fast=K.row_norm_fast,
    )
    return forward, backward


LAYER_NORM, LAYER_NORM_BACKWARD = _row_ops("layer_norm")
RMS_NORM, RMS_NORM_BACKWARD = _row_ops("rms_norm")
GROUP_NORM, GROUP_NORM_BACKWARD = _row_ops("group_norm")
INSTANCE_NORM, INSTANCE_NORM_BACKWARD = _row_ops("instance_norm")
ROW_NORM_BACKWARD_2 = Op(
    "row_norm_backward_backward",
    K.row_norm_backward_backward,
    shape=lambda params, v, vw, vb, g, *_: (g, g, g),
    dtypes=(None,) * 3,
    count=lambda params, v, *_: _rows(v, params[1] * params[2]),
    work=lambda params, *_: 32 * params[1] * params[2],
)


def _row_norm(op: Op, x: Tensor, weight: Tensor | None, bias: Tensor | None, params: tuple) -> Tensor:
    if x._dtype.is_half:  # the statistics, too, are kept in float32
        w, b = (None if t is None else cast(t, float32) for t in (weight, bias))
        return cast(_row_norm(op, cast(x, float32), w, b, params), x._dtype)
    return apply(op, x, weight, bias, params=params)[0]


def _last_axes(op: str, x: Tensor, normalized_shape: Any, **tensors: Tensor | None) -> list[Tensor | None]:
    """The Tensors with one axis, if `normalized_shape` is the end of the input's shape and all have that shape."""
    _check.floating(op, "input", x)
    if not isinstance(normalized_shape, (tuple, list)):
        raise TypeError(f"{op}: `normalized_shape` (={normalized_shape!r}) must be a tuple of ints")
    shape = _check.sizes(op, "normalized_shape", normalized_shape)
    if not shape:
        raise ValueError(f"{op}: `normalized_shape` (=()) must have at least 1 axis")
    if x._shape[-len(shape) :] != shape:
        raise ValueError(f"{op}: `normalized_shape` (={shape}) must be the last sizes of `input`; got {x._shape}")
    for name, t in tensors.items():
        if t is not None and _check.tensor(op, name, t)._shape != shape:
            raise ValueError(f"{op}: `{name}` must have shape `normalized_shape` (={shape}); got {t._shape}")
    if op == "layer_norm":
        _check.mixed_dtype(op, x, **tensors)
    if len(shape) == 1:
        return list(tensors.values())
    length = math.prod(shape)
    return [None if t is None else apply(RESHAPE, t, params=((length,),)) for t in tensors.values()]


@takes_arrays
def layer_norm(
    input: Tensor,
    normalized_shape: Any,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    eps: float = 1e-05,
) -> Tensor:
    r"""Normalise over the last axes, :math:`y = \frac{x - \mu}{\sqrt{\sigma^2 + \epsilon}} \gamma + \beta`.

    :math:`\mu` and the biased variance :math:`\sigma^2` are those of the elements in the axes `normalized_shape`.

    Parameters
    ----------
    input : Tensor or array of shape (..., *normalized_shape)
    normalized_shape : tuple of int
        The sizes of the axes that are normalised together.
    weight, bias : Tensor of shape normalized_shape, optional
        :math:`\gamma` and :math:`\beta`; 1 and 0 where left out.
    eps : float
        :math:`\epsilon`, keeps the divisor from zero.

    Returns
    -------
    Tensor of the shape of `input`

    Raises
    ------
    ValueError
        If a shape does not end in `normalized_shape`, or `eps` is negative.
    TypeError
        If the types differ or are not floating-point.

    References
    ----------
    Ba, Kiros and Hinton, "Layer Normalization", 2016.

    Examples
    --------
    >>> import nbnn
    >>> import nbnn.nn.functional as F
    >>> F.layer_norm(nbnn.tensor([[1.0, 3.0], [4.0, 0.0]]), (2,))
    tensor([[-1.0000,  1.0000],
            [ 1.0000, -1.0000]])
    """
    weight, bias = _last_axes("layer_norm", input, normalized_shape, weight=weight, bias=bias)
    shape = _check.sizes("layer_norm", "normalized_shape", normalized_shape)
    return _row_norm(LAYER_NORM, input, weight, bias, (1, math.prod(shape), 1, check_eps("layer_norm", eps), 1))


@takes_arrays
def rms_norm(input: Tensor, normalized_shape: Any, weight: Tensor | None = None, eps: float | None = None) -> Tensor:
    r"""Divide by the root of the mean square over the last axes.

    .. math:: y = \frac{x}{\sqrt{\mathrm{mean}(x^2) + \epsilon}} \gamma

    Parameters
    ----------
    input : Tensor or array of shape (..., *normalized_shape)
    normalized_shape : tuple of int
        The sizes of the axes that are normalised together.
    weight : Tensor of shape normalized_shape, optional
        :math:`\gamma`; 1 where left out.
    eps : float, optional
        :math:`\epsilon`; by default the distance from 1 to the next number of the type of `input`.

    Returns
    -------
    Tensor of the shape of `input`

    Raises
    ------
    ValueError
        If a shape does not end in `normalized_shape`, or `eps` is negative.
    TypeError
        If the types differ or are not floating-point.

    References
    ----------
    Zhang and Sennrich, "Root Mean Square Layer Normalization", 2019.

    Examples
    --------
    >>> import nbnn
    >>> import nbnn.nn.functional as F
    >>> F.rms_norm(nbnn.tensor([3.0, -3.0]), (2,))
    tensor([ 1., -1.])
    """
    (weight,) = _last_axes("rms_norm", input, normalized_shape, weight=weight)
    shape = _check.sizes("rms_norm", "normalized_shape", normalized_shape)
    # halves are computed in float32, and so is their default
    smallest = 2.0 ** (-52 if input._dtype.itemsize == 8 else -23)
    eps = smallest if eps is None else check_eps("rms_norm", eps)
    if weight is not None and weight._dtype is not input._dtype:
        wide = promote_types(float32, promote_types(input._dtype, weight._dtype))
        params = (1, math.prod(shape), 1, eps, 0)
        return cast(_row_norm(RMS_NORM, cast(input, wide), cast(weight, wide), None, params), input._dtype)
    return _row_norm(RMS_NORM, input, weight, None, (1, math.prod(shape), 1, eps, 0))


@takes_arrays
def group_norm(
    input: Tensor,
    num_groups: int,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    eps: float = 1e-05,
) -> Tensor:
    r"""Normalise groups of neighbouring channels of each image.

    .. math:: y = \frac{x - \mu}{\sqrt{\sigma^2 + \epsilon}} \gamma + \beta

    with :math:`\mu` and the biased variance :math:`\sigma^2` of all elements of C / num_groups channels.

    Parameters
    ----------
    input : Tensor or array of shape (N, C, ...)
    num_groups : int
        Must divide C.
    weight, bias : Tensor of shape (C,), optional
        :math:`\gamma` and :math:`\beta`; 1 and 0 where left out.
    eps : float
        :math:`\epsilon`, keeps the divisor from zero.

    Returns
    -------
    Tensor of the shape of `input`

    Raises
    ------
    ValueError
        If `num_groups` does not divide C, shapes do not fit, `eps` is negative, or the input has a single element.
    TypeError
        If the types differ or are not floating-point.

    References
    ----------
    Wu and He, "Group Normalization", 2018.

    Examples
    --------
    >>> import nbnn
    >>> import nbnn.nn.functional as F
    >>> F.group_norm(nbnn.tensor([[1.0, 3.0, 4.0, 0.0]]), 2)
    tensor([[-1.0000,  1.0000,  1.0000, -1.0000]])
    """
    op = "group_norm"
    _check.floating(op, "input", input)
    shape = input._shape
    if len(shape) < 2:
        raise ValueError(f"{op}: `input` must have at least 2 axes (N, C, ...); got shape {shape}")
    groups = _check.integer(op, "num_groups", num_groups, 1)
    if shape[1] % groups:
        raise ValueError(f"{op}: `num_groups` (={groups}) must divide the channels; got input {shape}")
    check_channels(op, input, shape[1], weight=weight, bias=bias)
    _check.mixed_dtype(op, input, weight=weight, bias=bias)
    spatial = math.prod(shape[2:])
    if shape[0] * (shape[1] // groups) * spatial == 1:
        raise ValueError(f"{op}: a group needs more than one element; got input {shape}, `num_groups` (={groups})")
    return _row_norm(GROUP_NORM, input, weight, bias, (groups, shape[1] // groups, spatial, check_eps(op, eps), 1))


def _update_from_images(x: Tensor, running_mean: Any, running_var: Any, momentum: float) -> None:
    """Move the running statistics towards the means, over the batch, of the images' means and unbiased variances."""
    n, c, s = x._shape[0], x._shape[1], math.prod(x._shape[2:])
    if n == 0:
        return
    row_mean, row_var, _ = batch_statistics(x.detach(), 1, n * c, s, 0.0)
    for running, rows, factor in ((running_mean, row_mean, 1.0), (running_var, row_var, s / (s - 1))):
        if running is not None:
            update_running(running, mean(apply(RESHAPE, rows, params=((n, c),)), 0), momentum, factor)


@takes_arrays
def instance_norm(
    input: Tensor,
    running_mean: Tensor | None = None,
    running_var: Tensor | None = None,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    use_input_stats: bool = True,
    momentum: float = 0.1,
    eps: float = 1e-05,
) -> Tensor:
    r"""Normalise each channel of each image by itself.

    .. math:: y = \frac{x - \mu}{\sqrt{\sigma^2 + \epsilon}} \gamma + \beta

    With `use_input_stats`, :math:`\mu` and the biased variance :math:`\sigma^2` are those of the elements of one
    channel of one image, and the running statistics move in place towards the mean of :math:`\mu` and of the unbiased
    variance over the batch. Without it the running statistics are used.

    Parameters
    ----------
    input : Tensor or array of shape (N, C, ...)
    running_mean, running_var : Tensor of shape (C,), optional
    weight, bias : Tensor of shape (C,), optional
        :math:`\gamma` and :math:`\beta`; 1 and 0 where left out.
    use_input_stats : bool
    momentum : float
        Share of the batch in the running statistics.
    eps : float
        :math:`\epsilon`, keeps the divisor from zero.

    Returns
    -------
    Tensor of the shape of `input`

    Raises
    ------
    ValueError
        If shapes do not fit, running statistics are missing, or a channel of an image is a single element.
    TypeError
        If the types differ or are not floating-point.

    References
    ----------
    Ulyanov, Vedaldi and Lempitsky, "Instance Normalization: The Missing Ingredient for Fast Stylization", 2016.

    Examples
    --------
    >>> import nbnn
    >>> import nbnn.nn.functional as F
    >>> F.instance_norm(nbnn.tensor([[[1.0, 3.0], [4.0, 0.0]]]))
    tensor([[[-1.0000,  1.0000],
             [ 1.0000, -1.0000]]])
    """
    op = "instance_norm"
    _check.floating(op, "input", input)
    shape = input._shape
    if len(shape) < 2:
        raise ValueError(f"{op}: `input` must have at least 2 axes (N, C, ...); got shape {shape}")
    stats = {"running_mean": running_mean, "running_var": running_var}
    check_channels(op, input, shape[1], **stats, weight=weight, bias=bias)
    _check.mixed_dtype(op, input, weight=weight, bias=bias, **stats)
    use_input_stats = _check.flag(op, "use_input_stats", use_input_stats)
    eps, momentum = check_eps(op, eps), _check.number(op, "momentum", momentum)
    if input._dtype.is_half:
        return in_float32(instance_norm, input, *stats.values(), weight, bias, use_input_stats, momentum, eps)
    if not use_input_stats:
        if running_mean is None or running_var is None:
            raise ValueError(f"{op}: `running_mean` and `running_var` must be given without `use_input_stats`")
        return batch_norm(input, running_mean, running_var, weight, bias, False, momentum, eps)
    spatial = math.prod(shape[2:])
    if spatial == 1:
        raise ValueError(f"{op}: a channel of an image needs more than one element; got input {shape}")
    if running_mean is not None or running_var is not None:
        _update_from_images(input, running_mean, running_var, momentum)
    return _row_norm(INSTANCE_NORM, input, weight, bias, (shape[1], 1, spatial, eps, 1))
