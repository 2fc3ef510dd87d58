"""Max pooling in one, two and three dimensions."""

from __future__ import annotations

import math
from typing import Any

import nbnn.device as _device
from nbnn import dtypes
from nbnn.autograd import Node
from nbnn.functional import _check
from nbnn.functional._rules import max_pool_rule
from nbnn.functional.shape import RESHAPE
from nbnn.kernels import pooling as K
from nbnn.op import Op, apply, takes_arrays
from nbnn.tensor import Tensor, flat, make

# params of every op here: D, H, W, OD, OH, OW, then kernel, stride, padding, dilation (three each)


def _pooled_shape(params: tuple, x: tuple) -> tuple:
    shape = (*x[:2], *params[3:6])
    return (shape, shape)


def _window_work(params: tuple, *shapes: Any) -> int:
    return 4 * params[6] * params[7] * params[8]


def _max_pool_grad(node: Node, g: Tensor, _: Any) -> tuple:
    (index,) = node.saved
    return (apply(MAX_POOL_BACKWARD, g, index, params=node.params),)


def _max_pool_backward_grad(node: Node, gg: Tensor) -> tuple:
    (index,) = node.saved
    return (apply(GATHER_PLANES, gg, index, params=node.params), None)


def _gather_forward(x: Tensor, index: Tensor, params: tuple) -> tuple[Tensor]:
    n = index.numel()
    out = make(_device.empty(n, x._dtype.storage, x.device), index._shape, x._dtype)
    sizes = (math.prod(params[:3]), math.prod(params[3:6]))
    _device.launch(K.gather_planes, (out._data,), (flat(x), flat(index)), sizes, n)
    return (out,)


def _gather_grad(node: Node, g: Tensor) -> tuple:
    (index,) = node.saved
    return (apply(MAX_POOL_BACKWARD, g, index, params=node.params), None)


MAX_POOL = Op(
    "max_pool",
    K.max_pool3d,
    shape=_pooled_shape,
    dtypes=(None, dtypes.int64),
    work=_window_work,
    saves_outputs=(1,),
    grad=_max_pool_grad,
    fast=K.max_pool3d_fast,
)
MAX_POOL_BACKWARD = Op(
    "max_pool_backward",
    K.max_pool3d_backward,
    shape=lambda params, g, index: ((*g[:2], *params[:3]),),
    work=_window_work,
    saves_inputs=(1,),
    grad=_max_pool_backward_grad,
    fast=K.max_pool3d_backward_fast,
)
GATHER_PLANES = Op("max_pool_gather", forward=_gather_forward, saves_inputs=(1,), grad=_gather_grad)


def _max_pool(
    op: str, n: int, input: Tensor, kernel_size: Any, stride: Any, padding: Any, dilation: Any, ceil_mode: bool
) -> tuple[Tensor, Tensor]:
    """Pool the last n axes, as the last n of three; returns values and positions."""
    _check.floating(op, "input", input)
    shape = input._shape
    if len(shape) not in (n + 1, n + 2):
        raise ValueError(f"{op}: `input` must have {n + 1} axes, or {n + 2} with a batch; got shape {shape}")
    kernel = _check.ntuple(op, "kernel_size", kernel_size, n, 1)
    steps = kernel if stride is None or stride == () else _check.ntuple(op, "stride", stride, n, 1)
    pads = _check.ntuple(op, "padding", padding, n, 0)
    gaps = _check.ntuple(op, "dilation", dilation, n, 1)
    batch = shape[0] if len(shape) == n + 2 else 1
    lead = (1,) * (3 - n)
    size = (batch, shape[-n - 1], *lead, *shape[-n:])
    kernel3, steps3, pads3, gaps3 = (*lead, *kernel), (*lead, *steps), (0,) * (3 - n) + pads, (*lead, *gaps)
    refusal, od, oh, ow = max_pool_rule(size, kernel3, steps3, pads3, gaps3, ceil_mode)
    _check.rule(op, "max_pool", refusal, input=shape, kernel_size=kernel, padding=pads, dilation=gaps)
    x = apply(RESHAPE, input, params=(size,)) if size != shape else input
    values, index = apply(MAX_POOL, x, params=(*size[2:], od, oh, ow, *kernel3, *steps3, *pads3, *gaps3))
    out = (*shape[:-n], *(od, oh, ow)[3 - n :])
    if values._shape == out:
        return values, index
    return apply(RESHAPE, values, params=(out,)), apply(RESHAPE, index, params=(out,))


_DOC = """Largest value of each window over the last {n} {axes}.

    :math:`y_{{o}} = \\max_{{k}} x_{{o \\cdot stride + k \\cdot dilation - padding}}`. The first of equal values wins,
    NaN wins over everything, and padding never does. The gradient goes to the element that was chosen.

    Parameters
    ----------
    input : Tensor or array of shape (N, C, {size}) or (C, {size})
    kernel_size : int or tuple
        Size of the window.
    stride : int or tuple, optional
        Step between windows; by default `kernel_size`.
    padding : int or tuple
        Positions added on both sides of each axis, at most half of `kernel_size`.
    dilation : int or tuple
        Step inside a window.
    ceil_mode : bool
        Round the number of windows up, so that the last one may stick out.
    return_indices : bool
        Return the positions of the chosen elements too: int64, flat in the pooled axes of the input.

    Returns
    -------
    Tensor of shape (N, C, {out}) or (C, {out}), and the indices of the same shape if asked for, with
    ``out = floor((size + 2 * padding - dilation * (kernel_size - 1) - 1) / stride) + 1``

    Raises
    ------
    ValueError
        If sizes, padding or the number of axes do not fit.
    TypeError
        If `input` is not of a floating-point type, or a size is not an int.

    Examples
    --------
    >>> import nbnn
    >>> import nbnn.nn.functional as F
    >>> F.max_pool{n}d(nbnn.arange(4.0).reshape({example}), {kernel}).flatten()
    tensor([{result}])
    """

_DOCS = {
    1: _DOC.format(n=1, axes="axis", size="L", out="OL", example="1, 4", kernel="2", result="1., 3."),
    2: _DOC.format(n=2, axes="axes", size="H, W", out="OH, OW", example="1, 2, 2", kernel="2", result="3."),
    3: _DOC.format(n=3, axes="axes", size="D, H, W", out="OD, OH, OW", example="1, 1, 2, 2", kernel="(1, 2, 1)",
                   result="2., 3."),
}  # fmt: skip


@takes_arrays
def max_pool1d(  # noqa: D103  (see _DOC)
    input: Tensor,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    dilation: Any = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Any:
    values, index = _max_pool("max_pool1d", 1, input, kernel_size, stride, padding, dilation, ceil_mode)
    return (values, index) if return_indices else values


@takes_arrays
def max_pool2d(  # noqa: D103  (see _DOC)
    input: Tensor,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    dilation: Any = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Any:
    values, index = _max_pool("max_pool2d", 2, input, kernel_size, stride, padding, dilation, ceil_mode)
    return (values, index) if return_indices else values


@takes_arrays
def max_pool3d(  # noqa: D103  (see _DOC)
    input: Tensor,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    dilation: Any = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Any:
    values, index = _max_pool("max_pool3d", 3, input, kernel_size, stride, padding, dilation, ceil_mode)
    return (values, index) if return_indices else values


max_pool1d.__doc__, max_pool2d.__doc__, max_pool3d.__doc__ = _DOCS[1], _DOCS[2], _DOCS[3]
