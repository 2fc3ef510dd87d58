"""Images: interpolation, and pixels and channels that change places."""

from __future__ import annotations

import functools
import math
import warnings
from typing import Any

import nbnn.device as _device
from nbnn import dtypes
from nbnn.autograd import Node
from nbnn.functional import _check
from nbnn.functional.pooling import adaptive_avg_pool1d, adaptive_avg_pool2d, adaptive_avg_pool3d
from nbnn.functional.rounding import floor
from nbnn.functional.shape import RESHAPE
from nbnn.kernels import vision as K
from nbnn.op import Op, apply, takes_arrays
from nbnn.tensor import Tensor, flat, make

# -- interpolation -------------------------------------------------------------------------------------------------
# params: D, H, W, OD, OH, OW, taps of each axis; inputs: (planes, D, H, W), taps, their weights, spans

_RESAMPLE = Op("interpolate", K.resample, fast=K.resample_fast)
_RESAMPLE_BACKWARD = Op("interpolate_backward", K.resample_backward, fast=K.resample_backward_fast)


def _resample_forward(x: Tensor, index: Tensor, weight: Tensor, span: Tensor, params: tuple) -> tuple[Tensor]:
    _, _, w, od, oh, ow, nd, nh, _ = params
    planes = x._shape[0]
    shape = (planes, od, oh, ow)
    out = make(_device.empty(math.prod(shape), x._dtype.storage, x.device), shape, x._dtype)
    scratch = w * -(-planes * od * oh // K.line_grain(w, ow, nd, nh))
    ins = (flat(x), index._data, weight._data)
    work = 2 * math.prod(params[6:])
    _device.launch(K.resample, (out._data,), ins, params, out._data.size, work, _RESAMPLE.fast, scratch)
    return (out,)


def _resample_backward_forward(g: Tensor, index: Tensor, weight: Tensor, span: Tensor, params: tuple) -> tuple[Tensor]:
    d, h, w, od, oh, ow = params[:6]
    planes = g._shape[0]
    out = make(_device.empty(planes * d * h * w, g._dtype.storage, g.device), (planes, d, h, w), g._dtype)
    scratch = w * -(-planes // K.plane_grain(od * oh * ow))
    ins = (flat(g), index._data, weight._data, span._data)
    _device.launch(K.resample_backward, (out._data,), ins, params, out._data.size, 8, _RESAMPLE_BACKWARD.fast, scratch)
    return (out,)


def _resample_grad(node: Node, g: Tensor) -> tuple:
    return (_adjoint(RESAMPLE_BACKWARD, g, node), None, None, None)


def _resample_backward_grad(node: Node, gg: Tensor) -> tuple:
    return (_adjoint(RESAMPLE, gg, node), None, None, None)


def _adjoint(op: Op, g: Tensor, node: Node) -> Tensor:
    kind = g._dtype
    wide = g.float() if kind.is_half else g
    return apply(op, wide, *node.saved, params=node.params).to(kind)


RESAMPLE = Op("interpolate", forward=_resample_forward, saves_inputs=(1, 2, 3), grad=_resample_grad)
RESAMPLE_BACKWARD = Op(
    "interpolate_backward",
    forward=_resample_backward_forward,
    saves_inputs=(1, 2, 3),
    grad=_resample_backward_grad,
)


def _taps(kind: int, scale: float) -> int:
    """How many elements an output is a sum of."""
    return K.TAPS[kind] if kind < K.SMOOTH_LINEAR else 2 * math.ceil(K.support(scale, kind)) + 1


@functools.lru_cache(maxsize=256)
def _tables(sizes: tuple, outs: tuple, scales: tuple, aligned: bool, kinds: tuple, kind: Any, place: str) -> tuple:
    """Taps, weights and spans of three axes: they follow from sizes alone, and most programs use few."""
    where = _device.as_device(place)
    taps = tuple(map(_taps, kinds, scales))
    counts = [t * n for t, n in zip(taps, outs, strict=True)]
    index = _device.empty(sum(counts), dtypes.int64.storage, where)
    weight = _device.empty(sum(counts), kind.storage, where)
    span = _device.empty(2 * sum(sizes), dtypes.int64.storage, where)
    at = to = 0
    for size, out, scale, mode, reach in zip(sizes, outs, scales, kinds, taps, strict=True):
        _device.launch(K.make_taps, (index, weight), (), (at, size, out, scale, aligned, mode, reach), out)
        _device.launch(K.make_spans, (span,), (index,), (at, to, size, out, reach), size)
        at, to = at + reach * out, to + 2 * size
    return tuple(make(t, (t.size,), k) for t, k in ((index, dtypes.int64), (weight, kind), (span, dtypes.int64)))


_MODES = {"nearest": K.NEAREST, "nearest-exact": K.NEAREST_EXACT, "linear": K.LINEAR, "bilinear": K.LINEAR,
          "bicubic": K.CUBIC, "trilinear": K.LINEAR, "area": -1}  # fmt: skip
_SMOOTH = {"bilinear": K.SMOOTH_LINEAR, "bicubic": K.SMOOTH_CUBIC}
_AXES = {"linear": 1, "bilinear": 2, "bicubic": 2, "trilinear": 3}


def _numbers(op: str, name: str, value: Any, axes: int) -> tuple:
    """One number for each axis; one stands for all."""
    if isinstance(value, (tuple, list)):
        if len(value) != axes:
            raise ValueError(f"{op}: `{name}` (={tuple(value)}) must be a number or {axes} numbers")
        return tuple(value)
    return (value,) * axes


def _output_sizes(op: str, shape: tuple, size: Any, scale_factor: Any) -> tuple[tuple[int, ...], tuple | None]:
    """The sizes of the result, and the scale factors where those were given."""
    axes = len(shape) - 2
    if (size is None) == (scale_factor is None):
        raise ValueError(f"{op}: give one of `size` (={size}) and `scale_factor` (={scale_factor})")
    if size is not None:
        return tuple(_check.integer(op, "size", n, 1) for n in _numbers(op, "size", size, axes)), None
    factors = tuple(_check.number(op, "scale_factor", f) for f in _numbers(op, "scale_factor", scale_factor, axes))
    outs = []
    for n, f in zip(shape[2:], factors, strict=True):
        if not (0.0 < f < math.inf) or n * f >= 1 << 31:
            raise ValueError(f"{op}: `scale_factor` (={scale_factor}) must be above 0 and finite")
        outs.append(math.floor(n * f))
    if min(outs) < 1:
        raise ValueError(f"{op}: `scale_factor` (={scale_factor}) leaves no output; got input {shape}")
    return tuple(outs), factors


def _scale(size: int, out: int, factor: float | None, aligned: bool) -> float:
    """How many elements one step of the output is."""
    if aligned:
        return (size - 1) / (out - 1) if out > 1 else 0.0
    return 1.0 / factor if factor else size / out


def _even(sizes: tuple, outs: tuple, scales: tuple, mode: str, antialias: bool) -> tuple[float, ...]:
    """The scales, where PyTorch's rules make a size that stays, or doubles, do so evenly for any scale factor."""
    stays = antialias or mode in ("linear", "bilinear", "trilinear")
    doubles = mode == "nearest" and len(sizes) == 2
    if not stays and not doubles:
        return scales
    return tuple(
        [n / o if o == n or (doubles and o == 2 * n) else s for n, o, s in zip(sizes, outs, scales, strict=True)]
    )


_OF_BYTES = ("nearest", "nearest-exact", "bilinear", "bicubic")  # computed in float64 and rounded


def _check_image(op: str, input: Tensor, mode: Any, align_corners: Any, antialias: Any) -> None:
    _check.floating(op, "input", input)
    if not isinstance(mode, str) or mode not in _MODES:
        raise ValueError(f"{op}: `mode` (={mode!r}) must be one of {', '.join(map(repr, _MODES))}")
    shape = input._shape
    if len(shape) not in (3, 4, 5) or len(shape) - 2 != _AXES.get(mode, len(shape) - 2):
        wanted = f"{_AXES[mode] + 2} axes" if mode in _AXES else "3, 4 or 5 axes"
        raise ValueError(f"{op}: `input` must have {wanted} for mode {mode!r}: (N, C, ...); got shape {shape}")
    if min(shape[1:]) < 1:
        raise ValueError(f"{op}: `input` must have no empty axis behind the batch; got shape {shape}")
    if align_corners is not None and mode not in _AXES:
        raise ValueError(f"{op}: `align_corners` (={align_corners}) must be None for mode {mode!r}")
    if antialias and (mode not in _SMOOTH or len(shape) != 4):
        raise ValueError(
            f"{op}: `antialias` (={antialias}) is for the modes {', '.join(map(repr, _SMOOTH))}; got {mode!r}"
        )


@takes_arrays
def interpolate(
    input: Tensor,
    size: Any = None,
    scale_factor: Any = None,
    mode: str = "nearest",
    align_corners: bool | None = None,
    recompute_scale_factor: bool | None = None,
    antialias: bool = False,
) -> Tensor:
    r"""Resample to another size: :math:`y_o = \sum_k w_{o,k} x_{i_{o,k}}` on each axis after the channels.

    Output o lies at :math:`(o + 1/2)\, s - 1/2` of the input, s being the step (one over the scale factor, or the ratio
    of the sizes), or with `align_corners` at :math:`o\, (L - 1) / (O - 1)`. Linear modes weigh the two neighbours,
    "bicubic" four by cubic convolution with a = -0.75, "area" is adaptive average pooling, "nearest" takes element
    :math:`\lfloor o s \rfloor` and "nearest-exact" :math:`\lfloor (o + 1/2) s \rfloor`.

    Parameters
    ----------
    input : Tensor of shape (N, C, L), (N, C, H, W) or (N, C, D, H, W)
    size : int or tuple, optional
        The sizes of the result.
    scale_factor : float or tuple, optional
        Instead of `size`: what the sizes are multiplied by.
    mode : {"nearest", "nearest-exact", "linear", "bilinear", "bicubic", "trilinear", "area"}
    align_corners : bool, optional
        Whether the first and last elements keep their places; for linear and cubic modes only.
    recompute_scale_factor : bool, optional
        Take the step from the rounded sizes instead of from `scale_factor`.
    antialias : bool
        Make the filter as wide as one step of the output where that is larger than an element, so that nothing is
        left out when an image shrinks; for "bilinear" and "bicubic" (then with a = -0.5).

    Returns
    -------
    Tensor of shape (N, C, ...)

    Raises
    ------
    ValueError
        If the shape does not fit the mode, or an argument is out of range.
    TypeError
        If `input` is not of a floating-point type (the nearest modes, "bilinear" and "bicubic" take uint8 too), or an
        argument is of the wrong type.

    References
    ----------
    Keys, "Cubic Convolution Interpolation for Digital Image Processing", 1981.

    Examples
    --------
    >>> import nbnn
    >>> import nbnn.nn.functional as F
    >>> F.interpolate(nbnn.tensor([[[0.0, 2.0]]]), scale_factor=2, mode="linear")
    tensor([[[0.0000, 0.5000, 1.5000, 2.0000]]])
    """
    op = "interpolate"
    of_bytes = isinstance(input, Tensor) and input._dtype is dtypes.uint8 and mode in _OF_BYTES
    _check_image(op, input.to(dtypes.float64) if of_bytes else input, mode, align_corners, antialias)
    shape = input._shape
    outs, factors = _output_sizes(op, shape, size, scale_factor)
    if recompute_scale_factor:
        if factors is None:
            raise ValueError(f"{op}: `recompute_scale_factor` (={recompute_scale_factor}) needs a `scale_factor`")
        factors = None
    if of_bytes and mode in _SMOOTH:
        return _bytes(input, outs, factors, mode, align_corners, antialias)
    if of_bytes:
        return interpolate(input.to(dtypes.float64), None if factors else outs, factors, mode).to(dtypes.uint8)
    axes = len(outs)
    if mode == "area":
        return (adaptive_avg_pool1d, adaptive_avg_pool2d, adaptive_avg_pool3d)[axes - 1](input, outs)
    aligned = bool(align_corners)
    lead = 3 - axes
    scales = tuple(map(_scale, shape[2:], outs, factors or (None,) * axes, (aligned,) * axes))
    scales = _even(shape[2:], outs, scales, mode, antialias)
    sizes3, outs3, scales3 = (1,) * lead + shape[2:], (1,) * lead + outs, (1.0,) * lead + scales
    kinds = (K.NEAREST,) * lead + ((_SMOOTH if antialias else _MODES)[mode],) * axes
    kind = dtypes.float32 if input._dtype.is_half else input._dtype
    tables = _tables(sizes3, outs3, scales3, aligned, kinds, kind, input.device.type)
    x = apply(RESHAPE, input.to(kind), params=((shape[0] * shape[1], *sizes3),))
    y = apply(RESAMPLE, x, *tables, params=(*sizes3, *outs3, *map(_taps, kinds, scales3)))
    return apply(RESHAPE, y.to(input._dtype), params=((*shape[:2], *outs),))


def _bytes(x: Tensor, outs: tuple, factors: Any, mode: str, align_corners: bool | None, antialias: bool) -> Tensor:
    """Images of bytes: first the rows are resampled and rounded, then the columns, as PyTorch does."""
    for size, place in (((x._shape[2], outs[1]), 1), (outs, 0)):
        scale = None if factors is None else tuple(factors[k] if k == place else 1.0 for k in range(2))
        given = size if scale is None else None
        y = interpolate(x.to(dtypes.float64), given, scale, mode, align_corners, None, antialias)
        x = floor(y + 0.5).clamp(0, 255).to(dtypes.uint8)
    return x


def _old(name: str, instead: str) -> None:
    warnings.warn(f"{name}: an old spelling; use {instead}", UserWarning, stacklevel=4)


@takes_arrays
def upsample(
    input: Tensor, size: Any = None, scale_factor: Any = None, mode: str = "nearest", align_corners: bool | None = None
) -> Tensor:
    """`interpolate` by its old name, with a warning.

    Parameters
    ----------
    input : Tensor of shape (N, C, ...)
    size, scale_factor : optional
    mode : str
    align_corners : bool, optional
        As in `interpolate`.

    Raises
    ------
    ValueError, TypeError
        As `interpolate`.

    Examples
    --------
    >>> import warnings
    >>> import nbnn
    >>> import nbnn.nn.functional as F
    >>> with warnings.catch_warnings():
    ...     warnings.simplefilter("ignore")
    ...     y = F.upsample(nbnn.tensor([[[0.0, 2.0]]]), scale_factor=2)
    >>> y
    tensor([[[0., 0., 2., 2.]]])
    """
    _old("upsample", "interpolate")
    return interpolate(input, size, scale_factor, mode, align_corners)


@takes_arrays
def upsample_nearest(input: Tensor, size: Any = None, scale_factor: Any = None) -> Tensor:
    """`interpolate` with mode "nearest" by an old name, with a warning.

    Parameters
    ----------
    input : Tensor of shape (N, C, ...)
    size, scale_factor : optional
        As in `interpolate`.

    Raises
    ------
    ValueError, TypeError
        As `interpolate`.

    Examples
    --------
    >>> import warnings
    >>> import nbnn
    >>> import nbnn.nn.functional as F
    >>> with warnings.catch_warnings():
    ...     warnings.simplefilter("ignore")
    ...     y = F.upsample_nearest(nbnn.tensor([[[0.0, 2.0]]]), size=3)
    >>> y
    tensor([[[0., 0., 2.]]])
    """
    _old("upsample_nearest", "interpolate")
    return interpolate(input, size, scale_factor, "nearest")


@takes_arrays
def upsample_bilinear(input: Tensor, size: Any = None, scale_factor: Any = None) -> Tensor:
    """`interpolate` with mode "bilinear" and aligned corners by an old name, with a warning.

    Parameters
    ----------
    input : Tensor of shape (N, C, H, W)
    size, scale_factor : optional
        As in `interpolate`.

    Raises
    ------
    ValueError, TypeError
        As `interpolate`.

    Examples
    --------
    >>> import warnings
    >>> import nbnn
    >>> import nbnn.nn.functional as F
    >>> with warnings.catch_warnings():
    ...     warnings.simplefilter("ignore")
    ...     y = F.upsample_bilinear(nbnn.tensor([[[[0.0, 2.0]]]]), size=(1, 3))
    >>> y
    tensor([[[[0., 1., 2.]]]])
    """
    _old("upsample_bilinear", "interpolate")
    return interpolate(input, size, scale_factor, "bilinear", True)


# -- pixels and channels that change places ------------------------------------------------------------------------
# params: upscale factor, H and W of the coarse image


def _fine(params: tuple, x: tuple) -> tuple:
    r, h, w = params
    return ((x[0], x[1] // (r * r), h * r, w * r),)


def _coarse(params: tuple, x: tuple) -> tuple:
    r, h, w = params
    return ((x[0], x[1] * r * r, h, w),)


PIXEL_SHUFFLE: Op = Op(
    "pixel_shuffle",
    K.pixel_shuffle,
    shape=_fine,
    fast=K.pixel_shuffle_fast,
    grad=lambda node, g: (apply(PIXEL_UNSHUFFLE, g, params=node.params),),
)
PIXEL_UNSHUFFLE: Op = Op(
    "pixel_unshuffle",
    K.pixel_unshuffle,
    shape=_coarse,
    fast=K.pixel_unshuffle_fast,
    grad=lambda node, g: (apply(PIXEL_SHUFFLE, g, params=node.params),),
)
CHANNEL_SHUFFLE: Op = Op(
    "channel_shuffle",
    K.channel_shuffle,
    fast=K.channel_shuffle_fast,
    grad=lambda node, g: (apply(CHANNEL_SHUFFLE, g, params=(node.params[1], node.params[0], node.params[2])),),
)


def _moved(op: Op, x: Tensor, channels: int, size: tuple, params: tuple) -> Tensor:
    """Run an op on (B, C, H, W) for an input (*, C, H, W)."""
    lead = x._shape[:-3]
    return apply(RESHAPE, apply(op, apply(RESHAPE, x, params=((math.prod(lead), *x._shape[-3:]),)), params=params),
                 params=((*lead, channels, *size),))  # fmt: skip


def _image(op: str, input: Any) -> tuple[int, ...]:
    shape = _check.tensor(op, "input", input)._shape
    if len(shape) < 3:
        raise ValueError(f"{op}: `input` must have at least 3 axes, (*, C, H, W); got shape {shape}")
    return shape


@takes_arrays
def pixel_shuffle(input: Tensor, upscale_factor: int) -> Tensor:
    r"""Channels spread over a finer image, :math:`y_{c,\, h r + i,\, w r + j} = x_{c r^2 + i r + j,\, h,\, w}`.

    Parameters
    ----------
    input : Tensor of shape (\*, C r^2, H, W)
    upscale_factor : int
        r.

    Returns
    -------
    Tensor of shape (\*, C, H r, W r)

    Raises
    ------
    ValueError
        If the channels are not a multiple of :math:`r^2`, or r is not at least 1.
    TypeError
        If `upscale_factor` is not an int.

    References
    ----------
    Shi et al., "Real-Time Single Image and Video Super-Resolution Using an Efficient Sub-Pixel CNN", 2016.

    Examples
    --------
    >>> import nbnn
    >>> import nbnn.nn.functional as F
    >>> F.pixel_shuffle(nbnn.arange(4.0).reshape(4, 1, 1), 2)
    tensor([[[0., 1.],
             [2., 3.]]])
    """
    op = "pixel_shuffle"
    *_, c, h, w = _image(op, input)
    r = _check.integer(op, "upscale_factor", upscale_factor, 1)
    if c % (r * r):
        raise ValueError(f"{op}: the channels of `input` must be a multiple of `upscale_factor`**2 (={r * r}); got {c}")
    return _moved(PIXEL_SHUFFLE, input, c // (r * r), (h * r, w * r), (r, h, w))


@takes_arrays
def pixel_unshuffle(input: Tensor, downscale_factor: int) -> Tensor:
    r"""The inverse of `pixel_shuffle`, :math:`y_{c r^2 + i r + j,\, h,\, w} = x_{c,\, h r + i,\, w r + j}`.

    Parameters
    ----------
    input : Tensor of shape (\*, C, H r, W r)
    downscale_factor : int
        r.

    Returns
    -------
    Tensor of shape (\*, C r^2, H, W)

    Raises
    ------
    ValueError
        If height or width is not a multiple of r, or r is not at least 1.
    TypeError
        If `downscale_factor` is not an int.

    Examples
    --------
    >>> import nbnn
    >>> import nbnn.nn.functional as F
    >>> F.pixel_unshuffle(nbnn.arange(4.0).reshape(1, 2, 2), 2).flatten()
    tensor([0., 1., 2., 3.])
    """
    op = "pixel_unshuffle"
    *_, c, h, w = _image(op, input)
    r = _check.integer(op, "downscale_factor", downscale_factor, 1)
    if h % r or w % r:
        raise ValueError(f"{op}: height and width must be multiples of `downscale_factor` (={r}); got ({h}, {w})")
    return _moved(PIXEL_UNSHUFFLE, input, c * r * r, (h // r, w // r), (r, h // r, w // r))


@takes_arrays
def channel_shuffle(input: Tensor, groups: int) -> Tensor:
    """Mix the channels of groups: channel (g, k) of `groups` by C / groups becomes channel (k, g).

    Parameters
    ----------
    input : Tensor of shape (N, C, ...)
    groups : int
        A divisor of C.

    Returns
    -------
    Tensor of the shape of `input`

    Raises
    ------
    ValueError
        If `groups` does not divide the channels, or there are fewer than 3 axes.
    TypeError
        If `groups` is not an int.

    References
    ----------
    Zhang et al., "ShuffleNet: An Extremely Efficient Convolutional Neural Network for Mobile Devices", 2018.

    Examples
    --------
    >>> import nbnn
    >>> import nbnn.nn.functional as F
    >>> F.channel_shuffle(nbnn.arange(4.0).reshape(1, 4, 1), 2).flatten()
    tensor([0., 2., 1., 3.])
    """
    op = "channel_shuffle"
    shape = _image(op, input)
    count = _check.integer(op, "groups", groups, 1)
    if shape[1] % count:
        raise ValueError(f"{op}: `groups` (={count}) must divide the channels of `input`; got shape {shape}")
    return apply(CHANNEL_SHUFFLE, input, params=(count, shape[1] // count, math.prod(shape[2:])))
