"""conv2d in compiled code."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import types

import nbnn.functional as F
from nbnn import _jit
from nbnn.compile._arguments import (
    CONV2D,
    DILATION,
    GROUPS,
    PADDING,
    STRIDE,
    ShapesError,
    axes,
    check_integer,
    check_pair,
    compiles,
    constant,
    flat,
    floating_arrays,
    integer_type,
    pair_of,
    raised,
    shape_of,
    shaped,
)
from nbnn.compile._link import linked, nopython
from nbnn.functional._rules import conv_rule, window_count
from nbnn.functional.convolution import _same_padding
from nbnn.kernels import convolution as K

_rule, _ = _jit.shared(conv_rule), _jit.shared(window_count)
_conv_fast = linked(_jit.jit(K.conv_fast))


class _ShapesError(ShapesError):
    family = "conv"
    names = ("input", "weight", "bias", "groups", "padding", "dilation")


class _StrideError(ValueError):
    """A stride with padding "same"."""

    def __new__(cls, stride: tuple) -> Any:
        return raised(_same_padding, "conv2d", (1, 1), stride, (1, 1))


@_jit.shared
def _check_steps(stride, dilation, groups):  # type: ignore[no-untyped-def]
    check_pair(CONV2D, STRIDE, stride, 1)
    check_pair(CONV2D, DILATION, dilation, 1)
    check_integer(CONV2D, GROUPS, groups, 1)


@nopython
def _convolve(x, size, weight, bias, stride, padding, dilation, groups, shape):  # type: ignore[no-untyped-def]
    """Convolve the flat images x, of sizes (N, C, 1, H, W), for an `input` of `shape`."""
    n, c, d, h, w = size
    o, _, kh, kw = weight.shape
    window = (o, weight.shape[1], 1, kh, kw)
    (sh, sw), (ph, pw), (dh, dw) = stride, padding, dilation
    bias_shape = shape_of(bias)
    refusal, od, oh, ow = _rule(size, window, bias_shape, (1, sh, sw), (0, ph, pw), (1, dh, dw), groups)
    if refusal != 0:
        raise _ShapesError(CONV2D, refusal, shape, weight.shape, bias_shape, groups, padding, dilation)
    out = np.empty(n * o * oh * ow, x.dtype)
    room = K.conv_workspace(n, c, d, h, w, o, 1, kh, kw, od, oh, ow, 1, sh, sw, 0, ph, pw, 1, dh, dw, groups)
    workspace = np.empty(room, x.dtype)
    arrays = (out, x, flat(weight), flat(bias), workspace)
    sizes = (n, c, d, h, w, o, 1, kh, kw, od, oh, ow, 1, sh, sw, 0, ph, pw, 1, dh, dw, groups, 0)
    _conv_fast(arrays + sizes)
    return shaped(out, shape[:-3] + (o, oh, ow))


@_jit.shared
def _sizes(x):  # type: ignore[no-untyped-def]
    """The shape of a batch of images as (N, C, D, H, W)."""
    if x.ndim == 3:
        return (1, x.shape[0], 1, x.shape[1], x.shape[2])
    return (x.shape[0], x.shape[1], 1, x.shape[2], x.shape[3])


@linked
@nopython
def _conv2d(x, weight, bias, stride, padding, dilation, groups):  # type: ignore[no-untyped-def]
    _check_steps(stride, dilation, groups)
    check_pair(CONV2D, PADDING, padding, 0)
    return _convolve(flat(x), _sizes(x), weight, bias, stride, padding, dilation, groups, x.shape)


@nopython
def _padded(images, planes, h, w, before, down, right):  # type: ignore[no-untyped-def]
    """The images with `down` more rows and `right` more columns of zeros, those of `before` in front."""
    width = w + right
    out = np.zeros(planes * (h + down) * width, images.dtype)
    for plane in range(planes):
        for y in range(h):
            at = (plane * (h + down) + before[0] + y) * width + before[1]
            for i in range(w):
                out[at + i] = images[(plane * h + y) * w + i]
    return out


@linked
@nopython
def _conv2d_same(x, weight, bias, stride, dilation, groups):  # type: ignore[no-untyped-def]
    """Padding that keeps the sizes; where it is odd, the images are padded apart and the odd zero goes behind."""
    _check_steps(stride, dilation, groups)
    if stride[0] != 1 or stride[1] != 1:
        raise _StrideError(stride)
    n, c, d, h, w = _sizes(x)
    down, right = dilation[0] * (weight.shape[2] - 1), dilation[1] * (weight.shape[3] - 1)
    padding = (down // 2, right // 2)
    images = flat(x)
    if (down % 2 == 1 or right % 2 == 1) and down >= 0 and right >= 0:
        images = _padded(images, n * c, h, w, padding, down, right)
        h, w, padding = h + down, w + right, (0, 0)
    return _convolve(images, (n, c, d, h, w), weight, bias, stride, padding, dilation, groups, x.shape)


@compiles(F.conv2d)
def conv2d(
    input: Any, weight: Any, bias: Any = None, stride: Any = 1, padding: Any = 0, dilation: Any = 1, groups: Any = 1
) -> Any:
    """F.conv2d, on arrays of float32 or float64."""
    floating_arrays("conv2d", input, weight=weight, bias=bias)
    axes("conv2d", "weight", weight, (4,), "4 axes")
    axes("conv2d", "input", input, (3, 4), "3 axes, or 4 with a batch")
    if constant(bias) is not None:
        axes("conv2d", "bias", bias, (1,), "shape (out_channels,)")
    steps, gaps = pair_of("conv2d", "stride", stride), pair_of("conv2d", "dilation", dilation)
    integer_type("conv2d", "groups", groups)
    mode = constant(padding)
    if isinstance(mode, types.UnicodeType):
        raise TypeError("conv2d: `padding` must be a constant in compiled code where it is a string")
    if isinstance(mode, str) and mode not in ("valid", "same"):
        raise ValueError(f"conv2d: `padding` (={mode!r}) must be 'valid', 'same', an int or 2 ints")
    if mode == "same":

        def impl(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):  # type: ignore[no-untyped-def]
            return _conv2d_same((input, weight, bias, steps(stride), gaps(dilation), np.int64(groups)))

    elif mode == "valid":

        def impl(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):  # type: ignore[no-untyped-def]
            return _conv2d((input, weight, bias, steps(stride), (0, 0), gaps(dilation), np.int64(groups)))

    else:
        pads = pair_of("conv2d", "padding", padding)

        def impl(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):  # type: ignore[no-untyped-def]
            return _conv2d((input, weight, bias, steps(stride), pads(padding), gaps(dilation), np.int64(groups)))

    return impl
