"""What undoes maximum pooling in one, two and three dimensions."""

from __future__ import annotations

import math
from typing import Any

import nbnn.device as _device
from nbnn import dtypes
from nbnn.functional import _check
from nbnn.functional.pooling import planes
from nbnn.functional.shape import RESHAPE
from nbnn.kernels import pooling as K
from nbnn.op import Op, apply, takes_arrays
from nbnn.tensor import Tensor, flat, make


def _pick_forward(x: Tensor, index: Tensor, params: tuple) -> tuple[Tensor]:
    n = index.numel()
    out = make(_device.empty(n, x._dtype.storage, x.device), index._shape, x._dtype)
    _device.launch(K.gather_planes, (out._data,), (flat(x), flat(index)), (params[1], params[0]), n)
    return (out,)


# params: elements of a plane of the input and of the output, and 1 where equal indices add up
UNPOOL: Op = Op(
    "max_unpool",
    K.scatter_planes,
    shape=lambda params, x, index: ((*x[:2], params[1]),),
    count=lambda params, x, index: math.prod(x[:2]),
    work=lambda params, *_: params[0] + params[1],
    saves_inputs=(1,),
    grad=lambda node, g: (apply(PICK, g, *node.saved, params=node.params), None),
)
PICK: Op = Op(
    "max_unpool_backward",
    forward=_pick_forward,
    saves_inputs=(1,),
    grad=lambda node, g: (apply(UNPOOL, g, *node.saved, params=(*node.params[:2], 1)), None),
)


def _unpooled_sizes(
    op: str, n: int, input: Tensor, kernel: tuple, steps: tuple, pads: tuple, output_size: Any
) -> tuple:
    sizes = tuple((s - 1) * t - 2 * p + k for s, k, t, p in zip(input._shape[-n:], kernel, steps, pads, strict=True))
    if output_size is not None:
        given = _check.sizes(op, "output_size", output_size)
        given = given[2:] if len(given) == n + 2 else given
        if len(given) != n:
            raise ValueError(f"{op}: `output_size` (={given}) must have {n} or {n + 2} sizes")
        if any(abs(g - s) >= t for g, s, t in zip(given, sizes, steps, strict=True)):
            raise ValueError(f"{op}: `output_size` (={given}) must be within `stride` (={steps}) of {sizes}")
        sizes = given
    if min(sizes) < 1:
        raise ValueError(f"{op}: the output must not be empty; got sizes {sizes} for input {input._shape}")
    return sizes


def _max_unpool(
    op: str, n: int, input: Tensor, indices: Tensor, kernel_size: Any, stride: Any, padding: Any, output_size: Any
) -> Tensor:
    _, size = planes(op, n, input)
    _check.tensor(op, "indices", indices)
    if indices._dtype is not dtypes.int64:
        raise TypeError(f"{op}: `indices` must have dtype int64; got {indices._dtype!r}")
    if indices._shape != input._shape:
        raise ValueError(f"{op}: `indices` must have the shape of `input`; got {indices._shape} and {input._shape}")
    kernel = _check.ntuple(op, "kernel_size", kernel_size, n, 1)
    steps = kernel if stride is None or stride == () else _check.ntuple(op, "stride", stride, n, 1)
    pads = _check.ntuple(op, "padding", padding, n, 0)
    if 0 in input._shape[1:]:
        raise ValueError(f"{op}: `input` must have no empty axis behind the first; got shape {input._shape}")
    sizes = _unpooled_sizes(op, n, input, kernel, steps, pads, output_size)
    indices = _check.indices(op, "indices", indices, math.prod(sizes))
    flat_size = (*size[:2], math.prod(size[2:]))
    x, index = (apply(RESHAPE, t, params=(flat_size,)) for t in (input, indices))
    y = apply(UNPOOL, x, index, params=(flat_size[2], math.prod(sizes), 0))
    return apply(RESHAPE, y, params=((*input._shape[:-n], *sizes),))


_DOC = """Put the values of a maximum pooling back to their positions; zeros elsewhere.

    Parameters
    ----------
    input : Tensor or array of shape (N, C, {size}) or (C, {size})
    indices : Tensor of the shape of `input`, int64
        Positions as `max_pool{n}d` returns them; where one occurs twice in a channel, the last value stays.
    kernel_size, stride, padding : int or tuple
        Those of the pooling.
    output_size : tuple of int, optional
        The sizes of the pooled input; by default ``(size - 1) * stride - 2 * padding + kernel_size``.

    Returns
    -------
    Tensor of shape (N, C, {out}) or (C, {out})

    Raises
    ------
    IndexError
        If an index lies outside the output.
    ValueError
        If sizes or the number of axes do not fit.
    TypeError
        If `input` is not of a floating-point type, `indices` not int64, or a size is not an int.

    Examples
    --------
    >>> import nbnn
    >>> import nbnn.nn.functional as F
    >>> x = nbnn.arange(4.0).reshape({example})
    >>> y, indices = F.max_pool{n}d(x, {kernel}, return_indices=True)
    >>> F.max_unpool{n}d(y, indices, {kernel}).flatten()
    tensor([{result}])
    """


@takes_arrays
def max_unpool1d(  # noqa: D103  (see _DOC)
    input: Tensor,
    indices: Tensor,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    output_size: Any = None,
) -> Tensor:
    return _max_unpool("max_unpool1d", 1, input, indices, kernel_size, stride, padding, output_size)


@takes_arrays
def max_unpool2d(  # noqa: D103  (see _DOC)
    input: Tensor,
    indices: Tensor,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    output_size: Any = None,
) -> Tensor:
    return _max_unpool("max_unpool2d", 2, input, indices, kernel_size, stride, padding, output_size)


@takes_arrays
def max_unpool3d(  # noqa: D103  (see _DOC)
    input: Tensor,
    indices: Tensor,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    output_size: Any = None,
) -> Tensor:
    return _max_unpool("max_unpool3d", 3, input, indices, kernel_size, stride, padding, output_size)


for _function, _n, _words in (
    (max_unpool1d, 1, {"size": "L", "out": "OL", "example": "1, 4", "kernel": "2", "result": "0., 1., 0., 3."}),
    (max_unpool2d, 2, {"size": "H, W", "out": "OH, OW", "example": "1, 2, 2", "kernel": "2",
                       "result": "0., 0., 0., 3."}),
    (max_unpool3d, 3, {"size": "D, H, W", "out": "OD, OH, OW", "example": "1, 1, 2, 2", "kernel": "(1, 2, 1)",
                       "result": "0., 0., 2., 3."}),
):  # fmt: skip
    _function.__doc__ = _DOC.format(n=_n, **_words)
