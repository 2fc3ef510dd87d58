"""Sliding blocks of images as columns, and back: `unfold` and `fold`, each the gradient of the other."""

from __future__ import annotations

import math
from typing import Any

from nbnn.dtypes import bool_, float32
from nbnn.functional import _check
from nbnn.functional._rules import window_count
from nbnn.functional.array import cast
from nbnn.functional.shape import RESHAPE
from nbnn.kernels import folding as K
from nbnn.op import Op, apply, takes_arrays
from nbnn.tensor import Tensor

# params: H, W, OH, OW, then kernel, dilation, padding and stride (two each); images (planes, H, W), columns
# (planes, KH KW, OH OW)

UNFOLD: Op = Op(
    "unfold",
    K.unfold,
    shape=lambda params, x: ((x[0], params[4] * params[5], params[2] * params[3]),),
    count=lambda params, x: x[0] * params[4] * params[5],
    work=lambda params, *_: params[2] * params[3],
    grad=lambda node, g: (apply(FOLD, g, params=node.params),),
)
FOLD: Op = Op(
    "fold",
    K.fold,
    shape=lambda params, x: ((x[0], *params[:2]),),
    count=lambda params, x: x[0] * params[0],
    work=lambda params, *_: params[1] * (1 + params[4] * params[5] // params[-2]),
    grad=lambda node, g: (apply(UNFOLD, g, params=node.params),),
)


def _windows(op: str, kernel_size: Any, dilation: Any, padding: Any, stride: Any) -> tuple[tuple[int, int], ...]:
    """Kernel, dilation, padding and stride of both axes."""
    given = (("kernel_size", kernel_size, 1), ("dilation", dilation, 1), ("padding", padding, 0), ("stride", stride, 1))
    return tuple(_pair(op, name, value, least) for name, value, least in given)  # type: ignore[misc]


def _pair(op: str, name: str, value: Any, least: int) -> tuple[int, ...]:
    """An int or two of them; one in a sequence is not taken for both, here as in PyTorch."""
    if isinstance(value, (tuple, list)) and len(value) == 1:
        raise ValueError(f"{op}: `{name}` (={value}) must be an int or 2 ints")
    return _check.ntuple(op, name, value, 2, least)


def _blocks(op: str, size: tuple, windows: tuple) -> tuple[int, int]:
    """How many blocks fit on each axis of an image of this size; at least one."""
    kernel, dilation, padding, stride = windows
    counts = tuple(map(window_count, size, kernel, stride, padding, dilation))
    if min(counts) < 1:
        raise ValueError(
            f"{op}: the blocks must fit into the padded image; got size {size}, `kernel_size` (={kernel}), "
            f"`dilation` (={dilation}), `padding` (={padding}), `stride` (={stride}), which make {counts} blocks"
        )
    return counts  # type: ignore[return-value]


@takes_arrays
def unfold(input: Tensor, kernel_size: Any, dilation: Any = 1, padding: Any = 0, stride: Any = 1) -> Tensor:
    r"""The sliding blocks of an image as columns (im2col), :math:`y_{n,\, (c, a, b),\, (o, p)} = x_{n,\, c,\, h,\, w}`.

    Here :math:`h = o\, s_h - p_h + a\, d_h` and :math:`w = p\, s_w - p_w + b\, d_w`, with 0 in the padding.

    Parameters
    ----------
    input : Tensor or array of shape (N, C, H, W) or (C, H, W)
        Floating-point numbers, or the bools of a mask.
    kernel_size, dilation, padding, stride : int or (int, int)
        Of the blocks, as in a convolution.

    Returns
    -------
    Tensor of shape (N, C KH KW, L) or (C KH KW, L)
        L = OH OW is the number of blocks.

    Raises
    ------
    ValueError
        If `input` has another number of axes, an empty one behind the batch, or no block fits.
    TypeError
        If `input` holds integers or complex numbers, or a size is not an int.

    References
    ----------
    Chellapilla, Puri and Simard, "High Performance Convolutional Neural Networks for Document Processing", 2006.

    Examples
    --------
    >>> import nbnn
    >>> import nbnn.nn.functional as F
    >>> F.unfold(nbnn.arange(6.0).reshape(1, 2, 3), (2, 2))
    tensor([[0., 1.],
            [1., 2.],
            [3., 4.],
            [4., 5.]])
    """
    op = "unfold"
    if _check.tensor(op, "input", input)._dtype is bool_:
        return cast(unfold(cast(input, float32), kernel_size, dilation, padding, stride), bool_)
    _check.floating(op, "input", input)
    shape = input._shape
    if len(shape) not in (3, 4):
        raise ValueError(f"{op}: `input` must have shape (N, C, H, W) or (C, H, W); got {shape}")
    if min(shape[-3:]) < 1:
        raise ValueError(f"{op}: `input` must have no empty axis behind the batch; got shape {shape}")
    windows = _windows(op, kernel_size, dilation, padding, stride)
    counts = _blocks(op, shape[-2:], windows)
    x = apply(RESHAPE, input, params=((math.prod(shape[:-2]), *shape[-2:]),))
    y = apply(UNFOLD, x, params=(*shape[-2:], *counts, *sum(windows, ())))
    return apply(RESHAPE, y, params=((*shape[:-3], shape[-3] * math.prod(windows[0]), math.prod(counts)),))


@takes_arrays
def fold(
    input: Tensor, output_size: Any, kernel_size: Any, dilation: Any = 1, padding: Any = 0, stride: Any = 1
) -> Tensor:
    r"""Columns of blocks added up to an image (col2im): the adjoint of `unfold`.

    Each block is added where `unfold` took it from, in a fixed order, so that overlapping blocks sum up.

    Parameters
    ----------
    input : Tensor or array of shape (N, C KH KW, L) or (C KH KW, L)
        Floating-point numbers, or the bools of a mask, whose sum is "or".
    output_size : int or (int, int)
        H and W of the image.
    kernel_size, dilation, padding, stride : int or (int, int)
        Of the blocks, as in a convolution.

    Returns
    -------
    Tensor of shape (N, C, H, W) or (C, H, W)

    Raises
    ------
    ValueError
        If L is not the number of blocks, or the rows are not a multiple of KH KW.
    TypeError
        If `input` holds integers or complex numbers, or a size is not an int.

    Examples
    --------
    >>> import nbnn
    >>> import nbnn.nn.functional as F
    >>> F.fold(nbnn.ones(4, 2), (2, 3), (2, 2))
    tensor([[[1., 2., 1.],
             [1., 2., 1.]]])
    """
    op = "fold"
    if _check.tensor(op, "input", input)._dtype is bool_:
        return cast(fold(cast(input, float32), output_size, kernel_size, dilation, padding, stride), bool_)
    _check.floating(op, "input", input)
    shape = input._shape
    if len(shape) not in (2, 3):
        raise ValueError(f"{op}: `input` must have shape (N, C KH KW, L) or (C KH KW, L); got {shape}")
    if min(shape[-2:]) < 1:
        raise ValueError(f"{op}: `input` must have no empty axis behind the batch; got shape {shape}")
    size = _pair(op, "output_size", output_size, 1)
    windows = _windows(op, kernel_size, dilation, padding, stride)
    area = math.prod(windows[0])
    if shape[-2] % area:
        raise ValueError(f"{op}: the rows of `input` must be a multiple of {area}, the product of `kernel_size` "
                         f"(={windows[0]}); got {shape[-2]}")  # fmt: skip
    counts = _blocks(op, size, windows)
    if shape[-1] != math.prod(counts):
        kernel, dilations, pads, steps = windows
        raise ValueError(
            f"{op}: `input` must have as many columns as there are blocks, {counts[0]} * {counts[1]} = "
            f"{math.prod(counts)} for `output_size` (={size}), `kernel_size` (={kernel}), `dilation` (={dilations}), "
            f"`padding` (={pads}), `stride` (={steps}); got {shape[-1]}"
        )
    lead = (*shape[:-2], shape[-2] // area)
    x = apply(RESHAPE, input, params=((math.prod(lead), area, shape[-1]),))
    y = apply(FOLD, x, params=(*size, *counts, *sum(windows, ())))
    return apply(RESHAPE, y, params=((*lead, *size),))
