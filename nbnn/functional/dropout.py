"""Dropout of elements and of whole channels, with zeros or with what keeps mean and variance."""

from __future__ import annotations

import math
import warnings

import nbnn.device as _device
from nbnn import dtypes
from nbnn.autograd import Node
from nbnn.functional import _check
from nbnn.functional.activation import _in_place
from nbnn.functional.array import add, cast, mul
from nbnn.generator import default_generator
from nbnn.kernels import dropout as K
from nbnn.op import Op, apply, takes_arrays
from nbnn.tensor import Tensor, make


def _dropout_grad(node: Node, g: Tensor) -> tuple:
    """The mask is a function of seed and counter: the same op on the gradient drops the same elements."""
    return (apply(DROPOUT, g, params=node.params),)


DROPOUT = Op("dropout", K.dropout, grad=_dropout_grad, work=lambda *_: 4, fast=K.dropout_fast)


def _arguments(op: str, input: Tensor, p: float, training: bool) -> tuple[float, bool]:
    """The rate, and whether the input comes back as it is. Integers can be kept or dropped, but not scaled."""
    _check.real(op, "input", input)
    rate, active = _check.probability(op, "p", p), _check.flag(op, "training", training)
    if active and 0.0 < rate < 1.0 and input.numel():
        _check.floating(op, "input", input)
    return rate, not active or (rate == 0.0 and not input._dtype.is_floating_point)


@takes_arrays
def dropout(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    r"""Zero each element with probability p and divide the others by 1 - p.

    :math:`y_i = m_i x_i / (1 - p)` with :math:`m_i` from the counter-based generator: the same seed drops the same
    elements on any number of threads and on CUDA.

    Parameters
    ----------
    input : Tensor or array of any shape
    p : float
        In [0, 1]; with 1 everything is zero.
    training : bool
        Without it the input comes back as it is.
    inplace : bool
        Overwrite `input` with the result.

    Returns
    -------
    Tensor of the shape of `input`

    Raises
    ------
    ValueError
        If `p` is outside [0, 1].
    TypeError
        If elements are to be scaled and `input` is not of a floating-point type.

    References
    ----------
    Srivastava et al., "Dropout: A Simple Way to Prevent Neural Networks from Overfitting", 2014.

    Examples
    --------
    >>> import nbnn
    >>> import nbnn.nn.functional as F
    >>> F.dropout(nbnn.ones(3), p=1.0)
    tensor([0., 0., 0.])
    """
    rate, idle = _arguments("dropout", input, p, training)
    if idle:
        return input
    if inplace:
        return _in_place("dropout", lambda x: dropout(x, p, training), input)
    if not input._dtype.is_floating_point:
        return mul(input, 0)
    if rate == 0.0:
        return apply(DROPOUT, input, params=(0.0, 0, 0))
    return apply(DROPOUT, input, params=(rate, default_generator.initial_seed(), default_generator.next_offset(1)))


def _mask(shape: tuple, like: Tensor, rate: float) -> Tensor:
    """1 / (1 - rate) where something stays and 0 where it goes."""
    full = make(_device.full(math.prod(shape), _wide(like).storage, like.device, 1), shape, _wide(like))
    offset = default_generator.next_offset(1) if rate else 0
    return cast(apply(DROPOUT, full, params=(rate, default_generator.initial_seed(), offset)), like._dtype)


def _scaled_forward(x: Tensor, factor: Tensor, shift: Tensor | None, params: tuple) -> tuple[Tensor]:
    y = mul(x.detach(), factor)
    return (y if shift is None else add(y, shift),)


def _scaled_grad(node: Node, g: Tensor) -> tuple:
    return (mul(g, node.saved[0]), None, None)


# x factor + shift of factors that are constants: only they are kept, so that x may be overwritten.
SCALED = Op("dropout", forward=_scaled_forward, saves_inputs=(1,), grad=_scaled_grad)


def _wide(x: Tensor) -> dtypes.dtype:
    return dtypes.float32 if x._dtype.is_half else x._dtype


def _nothing(op: str, input: Tensor, inplace: bool) -> Tensor:
    """0 times the input."""
    return _in_place(op, lambda x: mul(x, 0), input) if inplace else mul(input, 0)


def _channels(op: str, x: Tensor, axes: tuple[int, ...]) -> tuple[int, ...]:
    """The shape of one number for each channel; `axes` are the numbers of axes with a batch and without."""
    shape = x._shape
    if len(shape) not in axes:
        message = f"{op}: `input` must have {axes[0]} axes, or {axes[1]} without a batch; got shape {shape}"
        lead = 2 if axes[0] == 4 else 1  # what PyTorch makes of such an input
        if axes[0] == 3 or len(shape) < lead:
            raise ValueError(message)
        warnings.warn(message + f". The channels are taken to be axis {lead - 1}.", UserWarning, stacklevel=5)
    else:
        lead = 2 if len(shape) == axes[0] else 1
    return shape[:lead] + (1,) * (len(shape) - lead)


def _drop_channels(op: str, input: Tensor, p: float, training: bool, inplace: bool, axes: tuple[int, ...]) -> Tensor:
    rate, idle = _arguments(op, input, p, training)
    if idle and len(input._shape) < 2:
        return input
    shape = _channels(op, input, axes)
    if idle:
        return input
    if rate == 1.0:
        return _nothing(op, input, inplace)
    if inplace:
        return _in_place(op, lambda x: apply(SCALED, x, _mask(shape, x, rate), None), input)
    return apply(SCALED, input, _mask(shape, input, rate), None)


_DROPPED = -1.7580993408473766  # the limit of SELU far below 0


def _drop_alpha(op: str, input: Tensor, p: float, training: bool, inplace: bool, shape: tuple) -> Tensor:
    rate, idle = _arguments(op, input, p, training)
    if idle or rate == 0.0:
        return input
    if rate == 1.0:
        return _nothing(op, input, inplace)
    if inplace:
        return _in_place(op, lambda x: _drop_alpha(op, x, p, True, False, shape), input)
    scale = 1.0 / math.sqrt((1.0 - rate) * (1.0 + rate * _DROPPED**2))
    mask = _mask(shape, input, rate)
    kept = mul(mask, (1.0 - rate) * scale)
    rest = add(mul(mask, -(1.0 - rate) * scale * _DROPPED), scale * _DROPPED * (1.0 - rate))
    return apply(SCALED, input, kept, rest)


@takes_arrays
def dropout1d(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    r"""Zero each channel with probability p and divide the others by 1 - p.

    Parameters
    ----------
    input : Tensor of shape (N, C, L) or (C, L)
    p : float
        In [0, 1]; with 1 everything is zero.
    training : bool
        Without it the input comes back as it is.
    inplace : bool
        Overwrite `input` with the result.

    Returns
    -------
    Tensor of the shape of `input`

    Raises
    ------
    ValueError
        If `p` is outside [0, 1] or the number of axes does not fit.
    TypeError
        If elements are to be scaled and `input` is not of a floating-point type.

    References
    ----------
    Tompson et al., "Efficient Object Localization Using Convolutional Networks", 2015.

    Examples
    --------
    >>> import nbnn
    >>> import nbnn.nn.functional as F
    >>> F.dropout1d(nbnn.ones(1, 1, 1), p=1.0).item()
    0.0
    """
    return _drop_channels("dropout1d", input, p, training, inplace, (3, 2))


@takes_arrays
def dropout2d(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    r"""Zero each channel with probability p and divide the others by 1 - p.

    Three axes are taken as (N, C, L), as PyTorch does.

    Parameters
    ----------
    input : Tensor of shape (N, C, H, W), (C, H, W) or (N, C, L)
    p : float
        In [0, 1]; with 1 everything is zero.
    training : bool
        Without it the input comes back as it is.
    inplace : bool
        Overwrite `input` with the result.

    Returns
    -------
    Tensor of the shape of `input`

    Raises
    ------
    ValueError
        If `p` is outside [0, 1] or the number of axes does not fit.
    TypeError
        If elements are to be scaled and `input` is not of a floating-point type.

    References
    ----------
    Tompson et al., "Efficient Object Localization Using Convolutional Networks", 2015.

    Examples
    --------
    >>> import nbnn
    >>> import nbnn.nn.functional as F
    >>> F.dropout2d(nbnn.ones(1, 1, 1, 1), p=1.0).item()
    0.0
    """
    axes = (3, 3) if isinstance(input, Tensor) and input.dim() == 3 else (4, 3)
    return _drop_channels("dropout2d", input, p, training, inplace, axes)


@takes_arrays
def dropout3d(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    r"""Zero each channel with probability p and divide the others by 1 - p.

    Parameters
    ----------
    input : Tensor of shape (N, C, D, H, W) or (C, D, H, W)
    p : float
        In [0, 1]; with 1 everything is zero.
    training : bool
        Without it the input comes back as it is.
    inplace : bool
        Overwrite `input` with the result.

    Returns
    -------
    Tensor of the shape of `input`

    Raises
    ------
    ValueError
        If `p` is outside [0, 1] or the number of axes does not fit.
    TypeError
        If elements are to be scaled and `input` is not of a floating-point type.

    References
    ----------
    Tompson et al., "Efficient Object Localization Using Convolutional Networks", 2015.

    Examples
    --------
    >>> import nbnn
    >>> import nbnn.nn.functional as F
    >>> F.dropout3d(nbnn.ones(1, 1, 1, 1, 1), p=1.0).item()
    0.0
    """
    return _drop_channels("dropout3d", input, p, training, inplace, (5, 4))


@takes_arrays
def alpha_dropout(input: Tensor, p: float = 0.5, training: bool = False, inplace: bool = False) -> Tensor:
    r"""Set each element to the limit of SELU with probability p, then restore mean 0 and variance 1.

    :math:`y = a (m x + (1 - m) \alpha') + b`, m being 0 with probability p, :math:`\alpha' = -1.7581`,
    :math:`a = 1 / \sqrt{(1 - p) (1 + p \alpha'^2)}` and :math:`b = -a p \alpha'`.

    Parameters
    ----------
    input : Tensor of shape any shape
    p : float
        In [0, 1]; with 1 everything is zero.
    training : bool
        Without it the input comes back as it is.
    inplace : bool
        Overwrite `input` with the result.

    Returns
    -------
    Tensor of the shape of `input`

    Raises
    ------
    ValueError
        If `p` is outside [0, 1].
    TypeError
        If elements are to be scaled and `input` is not of a floating-point type.

    References
    ----------
    Klambauer et al., "Self-Normalizing Neural Networks", 2017.

    Examples
    --------
    >>> import nbnn
    >>> import nbnn.nn.functional as F
    >>> F.alpha_dropout(nbnn.ones(2, 1), p=1.0, training=True).flatten()
    tensor([0., 0.])
    """
    _check.tensor("alpha_dropout", "input", input)
    return _drop_alpha("alpha_dropout", input, p, training, inplace, input._shape)


@takes_arrays
def feature_alpha_dropout(input: Tensor, p: float = 0.5, training: bool = False, inplace: bool = False) -> Tensor:
    r"""Set each channel to the limit of SELU with probability p, then restore mean 0 and variance 1.

    :math:`y = a (m x + (1 - m) \alpha') + b`, m being 0 with probability p, :math:`\alpha' = -1.7581`,
    :math:`a = 1 / \sqrt{(1 - p) (1 + p \alpha'^2)}` and :math:`b = -a p \alpha'`.

    Parameters
    ----------
    input : Tensor of shape (N, C, ...)
    p : float
        In [0, 1]; with 1 everything is zero.
    training : bool
        Without it the input comes back as it is.
    inplace : bool
        Overwrite `input` with the result.

    Returns
    -------
    Tensor of the shape of `input`

    Raises
    ------
    ValueError
        If `p` is outside [0, 1] or there are fewer than 2 axes.
    TypeError
        If elements are to be scaled and `input` is not of a floating-point type.

    References
    ----------
    Klambauer et al., "Self-Normalizing Neural Networks", 2017.

    Examples
    --------
    >>> import nbnn
    >>> import nbnn.nn.functional as F
    >>> F.feature_alpha_dropout(nbnn.ones(2, 1), p=1.0, training=True).flatten()
    tensor([0., 0.])
    """
    op = "feature_alpha_dropout"
    shape = _check.tensor(op, "input", input)._shape
    if len(shape) < 2 and _check.flag(op, "training", training) and _check.probability(op, "p", p) not in (0.0, 1.0):
        raise ValueError(f"{op}: `input` must have at least 2 axes, (N, C, ...); got shape {shape}")
    return _drop_alpha(op, input, p, training, inplace, shape[:2] + (1,) * (len(shape) - 2))
