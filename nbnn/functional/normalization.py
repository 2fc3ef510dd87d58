"""Batch normalisation."""

from __future__ import annotations

import math
from typing import Any

import nbnn.device as _device
from nbnn.autograd import Node
from nbnn.dtypes import float32
from nbnn.functional import _check
from nbnn.functional.array import cast
from nbnn.functional.creation import fill_
from nbnn.kernels import normalization as K
from nbnn.op import Launch, Op, apply, takes_arrays
from nbnn.tensor import Tensor, flat, make, store

# params of the ops of batch_norm: N, C, S (elements of a channel in one image), and 1 for statistics of the batch, 0
# for given ones


def _like(t: Tensor) -> Tensor:
    return make(_device.empty(t.numel(), t._dtype.storage, t.device), t._shape, t._dtype)


def _channels(x: Tensor, count: int) -> Tensor:
    return make(_device.empty(count, x._dtype.storage, x.device), (count,), x._dtype)


def _flat(t: Tensor | None) -> Any:
    return None if t is None else flat(t)


def _plan(params: tuple, x: tuple, *_: Any) -> Launch:
    n, c, s, _training = params
    fast = K.batch_norm_vectors_fast if s == 1 else K.batch_norm_planes_fast  # each takes a second to compile
    return Launch(fast, (x,), (c, s), n * c * s)


def _forward(x: Tensor, mean: Tensor, rstd: Tensor, weight: Any, bias: Any, params: tuple) -> tuple[Tensor]:
    n, c, s, _ = params
    y = _like(x)
    ins = (flat(x), flat(mean), flat(rstd), _flat(weight), _flat(bias))
    _device.launch(K.batch_norm, (y._data,), ins, (c, s), n * c if s else 0, s)
    return (y,)


def _grad(node: Node, g: Tensor) -> tuple:
    dx, dweight, dbias = apply(BATCH_NORM_BACKWARD, g, *node.saved, params=node.params)
    return (dx, None, None, dweight, dbias)


def _backward_plan(params: tuple, g: tuple, *_: Any) -> Launch:
    n, c, s, _training = params
    fast = K.batch_norm_backward_vectors_fast if s == 1 else K.batch_norm_backward_planes_fast
    return Launch(fast, (g, (c,), (c,)), params, c * (4 * n * s + 1))


def _backward_forward(g: Tensor, x: Tensor, mean: Tensor, rstd: Tensor, weight: Any, params: tuple) -> tuple:
    n, c, s, training = params
    dx, dweight, dbias = _like(x), _channels(x, c), _channels(x, c)
    if n * s == 0:  # nothing that the kernel could take its type from
        return dx, fill_(dweight, 0), fill_(dbias, 0)
    ins = (flat(g), flat(x), flat(mean), flat(rstd), _flat(weight))
    outs = (dx._data, dweight._data, dbias._data)
    _device.launch(K.batch_norm_backward, outs, ins, (n, c, s, training), c, 4 * n * s + 1)
    return dx, dweight, dbias


def _backward_grad(node: Node, v: Tensor, vw: Tensor, vb: Tensor) -> tuple:
    g, x, mean, rstd, weight = node.saved
    dg, dx, dweight = apply(BATCH_NORM_BACKWARD_2, v, vw, vb, g, x, mean, rstd, weight, params=node.params)
    return (dg, dx, None, None, dweight)


def _backward_2_forward(*inputs: Any) -> tuple:
    *tensors, params = inputs
    x = tensors[4]
    n, c, s, _ = params
    dg, dx, dweight = _like(x), _like(x), _channels(x, c)
    ins = tuple(map(_flat, tensors))
    _device.launch(K.batch_norm_backward_backward, (dg._data, dx._data, dweight._data), ins, params, c, 8 * n * s + 1)
    return dg, dx, dweight


BATCH_NORM = Op("batch_norm", forward=_forward, plan=_plan, grad=_grad, saves_inputs=(0, 1, 2, 3))
BATCH_NORM_BACKWARD = Op(
    "batch_norm_backward",
    forward=_backward_forward,
    plan=_backward_plan,
    grad=_backward_grad,
    saves_inputs=(0, 1, 2, 3, 4),
)
BATCH_NORM_BACKWARD_2 = Op("batch_norm_backward_backward", forward=_backward_2_forward)


RECIPROCAL_STD = Op("reciprocal_std", K.reciprocal_std)


def _train_plan(params: tuple, x: tuple, *_: Any) -> Launch:
    n, c, s, _eps = params
    fast = K.batch_norm_train_vectors_fast if s == 1 else K.batch_norm_train_fast
    return Launch(fast, (x, (c,), (c,), (c,)), params, 4 * n * c * s)


def _train_forward(x: Tensor, weight: Any, bias: Any, params: tuple) -> tuple[Tensor, ...]:
    """y, and mean, biased variance and 1 / sqrt(variance + eps) of each channel."""
    n, c, s, eps = params
    if n * s == 0:
        stats = batch_statistics(x, n, c, s, eps)
        return (*_forward(x, stats[0], stats[2], weight, bias, (n, c, s, 1)), *stats)
    outs = (_like(x), _channels(x, c), _channels(x, c), _channels(x, c))
    data = tuple(t._data for t in outs)
    ins = (flat(x), _flat(weight), _flat(bias))
    _device.launch(K.batch_norm_train, data, ins, params, c, 4 * n * s)
    return outs


def _train_grad(node: Node, g: Tensor, *_: Any) -> tuple:
    x, weight, channel_mean, _, rstd = node.saved
    params = (*node.params[:3], 1)
    dx, dweight, dbias = apply(BATCH_NORM_BACKWARD, g, x, channel_mean, rstd, weight, params=params)
    return (dx, dweight, dbias)


BATCH_NORM_TRAIN = Op(
    "batch_norm",
    forward=_train_forward,
    plan=_train_plan,
    grad=_train_grad,
    saves_inputs=(0, 1),
    saves_outputs=(1, 2, 3),
)


def batch_statistics(x: Tensor, n: int, c: int, s: int, eps: float) -> tuple[Tensor, Tensor, Tensor]:
    """Mean, biased variance and 1 / sqrt(variance + eps) of each channel."""
    mean, var, rstd = _channels(x, c), _channels(x, c), _channels(x, c)
    if n * s == 0:  # nothing to normalise: numbers that keep the gradients of weight and bias at zero
        for t, value in ((mean, 0), (var, 0), (rstd, 1)):
            t._data = _device.full(c, x._dtype.storage, x.device, value)
        return mean, var, rstd
    outs = (mean._data, var._data, rstd._data)
    fast = K.batch_norm_stats_fast if s == 1 else None
    _device.launch(K.batch_norm_stats, outs, (flat(x),), (n, c, s, eps), c, 2 * n * s + 1, fast)
    return mean, var, rstd


def update_running(running: Tensor, value: Tensor, momentum: float, factor: float) -> None:
    """running = (1 - momentum) running + momentum value factor, in place."""
    data = flat(running)
    row_major = running._strides is None  # then `data` is its memory
    out = data if row_major else _like(running)._data
    _device.launch(K.running_stat, (out,), (data, flat(value)), (momentum, factor), running.numel())
    if not row_major:
        store(running, out)
    running._version[0] += 1


def check_channels(op: str, x: Tensor, c: int, **tensors: Tensor | None) -> None:
    """The Tensors given must have one number for each of `c` channels."""
    for name, t in tensors.items():
        if t is not None:
            _check.tensor(op, name, t)
            if t._shape != (c,):
                raise ValueError(f"{op}: `{name}` must have shape (C,) = ({c},); got {t._shape} for input {x._shape}")


def check_eps(op: str, eps: Any) -> float:
    """`eps` as a float that is not negative."""
    eps = _check.number(op, "eps", eps)
    if not eps >= 0:
        raise ValueError(f"{op}: `eps` (={eps}) must be at least 0")
    return eps


def in_float32(norm: Any, x: Tensor, mean: Any, var: Any, weight: Any, bias: Any, *rest: Any) -> Tensor:
    """Halves: computed in float32; the running statistics are written back."""
    wide = [None if t is None else cast(t, float32) for t in (mean, var, weight, bias)]
    y = norm(cast(x, float32), *wide, *rest)
    for running, new in zip((mean, var) if rest[0] else (), wide, strict=False):
        if running is not None and new is not None and new is not running:
            store(running, flat(cast(new, running._dtype)))
            running._version[0] += 1
    return cast(y, x._dtype)


_ACCEPTED = _check.Accepted()  # (N, C, S) of the inputs of batch_norm


def _geometry(input: Tensor, running_mean: Any, running_var: Any, weight: Any, bias: Any) -> tuple[int, int, int]:
    _check.floating("batch_norm", "input", input)
    shape = input._shape
    if len(shape) < 2:
        raise ValueError(f"batch_norm: `input` must have at least 2 axes (N, C, ...); got shape {shape}")
    n, c, s = shape[0], shape[1], math.prod(shape[2:])
    check_channels("batch_norm", input, c, running_mean=running_mean, running_var=running_var, weight=weight, bias=bias)
    _check.mixed_dtype(
        "batch_norm", input, weight=weight, bias=bias, running_mean=running_mean, running_var=running_var
    )
    return n, c, s


@takes_arrays
def batch_norm(
    input: Tensor,
    running_mean: Tensor | None,
    running_var: Tensor | None,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    training: bool = False,
    momentum: float = 0.1,
    eps: float = 1e-05,
) -> Tensor:
    r"""Normalise each channel, :math:`y = \frac{x - \mu}{\sqrt{\sigma^2 + \epsilon}} \gamma + \beta`.

    In training, :math:`\mu` and the biased :math:`\sigma^2` are those of the batch, and the running statistics (with
    the unbiased variance) move towards them in place; otherwise the running statistics are used.

    Parameters
    ----------
    input : Tensor or array of shape (N, C, ...)
    running_mean, running_var : Tensor of shape (C,), optional
        May be None in training.
    weight, bias : Tensor of shape (C,), optional
        :math:`\gamma` and :math:`\beta`; 1 and 0 where left out.
    training : bool
    momentum : float
        Share of the batch in the running statistics.
    eps : float
        :math:`\epsilon`, keeps the divisor from zero; above 0 in training.

    Returns
    -------
    Tensor of the shape of `input`

    Raises
    ------
    ValueError
        If shapes do not fit, statistics are missing, or training has a single element in a channel.
    TypeError
        If the types differ or are not floating-point.

    References
    ----------
    Ioffe and Szegedy, "Batch Normalization: Accelerating Deep Network Training by Reducing Internal Covariate Shift",
    2015.

    Examples
    --------
    >>> import nbnn
    >>> import nbnn.nn.functional as F
    >>> F.batch_norm(nbnn.tensor([[1.0], [3.0]]), None, None, training=True)
    tensor([[-1.0000],
            [ 1.0000]])
    """
    key = _check.shapes_and_types(input, running_mean, running_var, weight, bias)
    found = _ACCEPTED.get(key)
    if found is None:
        found = _ACCEPTED.add(key, _geometry(input, running_mean, running_var, weight, bias))
    n, c, s = found
    training, eps = _check.flag("batch_norm", "training", training), check_eps("batch_norm", eps)
    if training and eps == 0:
        raise ValueError(f"batch_norm: `eps` (={eps}) must be above 0 in training")
    momentum = _check.number("batch_norm", "momentum", momentum)
    if input._dtype.is_half:
        return in_float32(batch_norm, input, running_mean, running_var, weight, bias, training, momentum, eps)
    if training and n * s == 1:
        raise ValueError(f"batch_norm: training needs more than one element in a channel; got input {input._shape}")
    if not training:
        if running_mean is None or running_var is None:
            raise ValueError("batch_norm: `running_mean` and `running_var` must be given when not training")
        rstd = apply(RECIPROCAL_STD, running_var, params=(eps,))
        return apply(BATCH_NORM, input, running_mean.detach(), rstd, weight, bias, params=(n, c, s, 0))
    y, batch_mean, batch_var, _ = apply(BATCH_NORM_TRAIN, input, weight, bias, params=(n, c, s, eps))
    if n * s > 0:
        if running_mean is not None:
            update_running(running_mean, batch_mean, momentum, 1.0)
        if running_var is not None:
            update_running(running_var, batch_var, momentum, n * s / (n * s - 1))
    return y
