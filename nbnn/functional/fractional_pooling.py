"""Fractional max pooling in two and three dimensions."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

import nbnn.device as _device
from nbnn import dtypes
from nbnn.autograd import Node
from nbnn.functional import _check
from nbnn.functional.array import cast
from nbnn.functional.creation import rand
from nbnn.functional.pooling import planes
from nbnn.functional.shape import RESHAPE
from nbnn.functional.unpooling import UNPOOL
from nbnn.kernels import fractional_pooling as K
from nbnn.op import Op, apply, takes_arrays
from nbnn.tensor import Tensor, flat, make


def _pool_grad(node: Node, g: Tensor, _: Any) -> tuple:
    """What a position got, added up in the order of the windows (`max_unpool` with sums)."""
    (index,) = node.saved
    volume, outputs = math.prod(node.params[:3]), math.prod(node.params[3:6])
    lead = index._shape[:2]
    g, index = (apply(RESHAPE, t, params=((*lead, outputs),)) for t in (g, index))
    dx = apply(UNPOOL, g, index, params=(outputs, volume, 1))
    return (apply(RESHAPE, dx, params=((*lead, *node.params[:3]),)), None)


def _pooled(params: tuple, x: tuple, samples: tuple) -> tuple:
    shape = (*x[:2], *params[3:6])
    return (shape, shape)


# params: D, H, W, OD, OH, OW, KD, KH, KW; inputs: (N, C, D, H, W) and the samples (N, C, 3)
POOL = Op(
    "fractional_max_pool",
    K.fractional_max_pool3d,
    shape=_pooled,
    dtypes=(None, dtypes.int64),
    work=lambda params, *_: 10 + 2 * math.prod(params[6:]),
    saves_outputs=(1,),
    grad=_pool_grad,
)


def checked_ratios(op: str, output_ratio: Any, n: int) -> tuple[float, ...]:
    """A ratio for each of n axes, strictly between 0 and 1."""
    given = output_ratio if isinstance(output_ratio, (tuple, list)) else (output_ratio,) * n
    if len(given) == 1:
        given = tuple(given) * n
    if len(given) != n:
        raise ValueError(f"{op}: `output_ratio` (={tuple(given)}) must be a number or {n} numbers")
    ratios = tuple(_check.number(op, "output_ratio", r) for r in given)
    if not all(0.0 < r < 1.0 for r in ratios):
        raise ValueError(f"{op}: `output_ratio` (={output_ratio}) must be between 0 and 1")
    return ratios


def _sizes(op: str, n: int, size: tuple, output_size: Any, output_ratio: Any) -> tuple[int, ...]:
    """The sizes of the result."""
    if output_size is None and output_ratio is None:
        raise ValueError(f"{op}: `output_size` or `output_ratio` must be given")
    if output_size is not None:
        return _check.ntuple(op, "output_size", output_size, n, 1)
    ratios = checked_ratios(op, output_ratio, n)
    outs = tuple(int(s * r) for s, r in zip(size, ratios, strict=True))
    if min(outs) < 1:
        raise ValueError(f"{op}: `output_ratio` (={output_ratio}) leaves no output; got sizes {tuple(size)}")
    return outs


def _places(op: str, n: int, input: Tensor, given: Any, lead: tuple) -> Tensor:
    """The samples as (N, C, 3) in the order D, H, W; in two dimensions they are given as (W, H)."""
    kind = dtypes.float32 if input._dtype.is_half else input._dtype
    if given is None:
        values = _device.to_host(flat(rand(*lead, n, dtype=kind))).reshape(-1, n)
    else:
        _check.same_dtype(op, input=input, _random_samples=given)
        if given._shape != (*lead, n):
            raise ValueError(f"{op}: `_random_samples` must have shape {(*lead, n)}; got {given._shape}")
        values = _device.to_host(flat(cast(given.detach(), kind))).reshape(-1, n)
        bad = np.flatnonzero(~((values >= 0.0) & (values <= 1.0)))
        if bad.size:
            at = _check.unravel(int(bad[0]), (*lead, n))
            raise ValueError(f"{op}: `_random_samples`{list(at)} (={values.flat[bad[0]]}) must be between 0 and 1")
    samples = np.zeros((len(values), 3), kind.storage)
    samples[:, 3 - n :] = values[:, ::-1] if n == 2 else values
    return make(_device.from_host(samples.reshape(-1), input.device), (*lead, 3), kind)


def _fractional(
    op: str, n: int, input: Tensor, kernel_size: Any, output_size: Any, output_ratio: Any, indices: bool, samples: Any
) -> Any:
    x, size = planes(op, n, input)
    if min(size[1:]) < 1:
        raise ValueError(f"{op}: `input` must have no empty axis behind the batch; got shape {input._shape}")
    kernel = _check.ntuple(op, "kernel_size", kernel_size, n, 1)
    outs = _sizes(op, n, size[-n:], output_size, output_ratio)
    if any(o + k - 1 + (n == 3) > s for o, k, s in zip(outs, kernel, size[-n:], strict=True)):
        less = "" if n == 3 else " - 1"
        raise ValueError(
            f"{op}: `kernel_size` (={kernel}) and the output {outs} must fit: output + kernel{less} is at most the "
            f"size of the input; got {size[-n:]}"
        )
    one = (1,) * (3 - n)
    params = (*size[2:], *one, *outs, *one, *kernel)
    y, index = apply(POOL, x, _places(op, n, input, samples, size[:2]), params=params)
    shape = (*input._shape[:-n], *outs)
    y = apply(RESHAPE, y, params=(shape,))
    return (y, apply(RESHAPE, index, params=(shape,))) if indices else y


_DOC = """The largest element of windows that lie at pseudo-random places, so that any size of output is possible.

    On each axis window o of O starts at ``floor((o + u) alpha) - floor(u alpha)``, with
    ``alpha = (size - kernel) / (O - 1)`` and one random u for each channel and axis; the last window ends the axis.
    The u come from the generator's seed and counter: the same on any number of threads and on CUDA.

    Parameters
    ----------
    input : Tensor or array of shape (N, C, {size}) or (C, {size})
    kernel_size : int or tuple
        Sizes of the windows.
    output_size : int or tuple, optional
        Sizes of the result.
    output_ratio : float or tuple, optional
        Without `output_size`: what the sizes are multiplied by, between 0 and 1.
    return_indices : bool
        Return the positions in the plane too, as `max_unpool{n}d` takes them.
    _random_samples : Tensor of shape (N, C, {n}), optional
        The u, from 0 to 1{order}; N is 1 for an input without a batch.

    Returns
    -------
    Tensor of shape (N, C, {out}) or (C, {out})
        With `return_indices` a tuple of that and the positions, int64.

    Raises
    ------
    ValueError
        If neither `output_size` nor `output_ratio` is given, the windows do not fit, or a sample is out
        of range.
    TypeError
        If `input` is not of a floating-point type, or an argument of the wrong type.

    References
    ----------
    Graham, "Fractional Max-Pooling", 2014.

    Examples
    --------
    >>> import nbnn
    >>> import nbnn.nn.functional as F
    >>> F.fractional_max_pool{n}d(nbnn.arange({count}).reshape({example}), {kernel}, output_size={outs}).flatten()
    tensor([{result}])
    """


@takes_arrays
def fractional_max_pool2d(  # noqa: D103  (see _DOC)
    input: Tensor,
    kernel_size: Any,
    output_size: Any = None,
    output_ratio: Any = None,
    return_indices: bool = False,
    _random_samples: Tensor | None = None,
) -> Any:
    name = "fractional_max_pool2d"
    return _fractional(name, 2, input, kernel_size, output_size, output_ratio, return_indices, _random_samples)


@takes_arrays
def fractional_max_pool3d(  # noqa: D103  (see _DOC)
    input: Tensor,
    kernel_size: Any,
    output_size: Any = None,
    output_ratio: Any = None,
    return_indices: bool = False,
    _random_samples: Tensor | None = None,
) -> Any:
    name = "fractional_max_pool3d"
    return _fractional(name, 3, input, kernel_size, output_size, output_ratio, return_indices, _random_samples)


fractional_max_pool2d.__doc__ = _DOC.format(
    n=2, size="H, W", out="OH, OW", order=", for W first and then for H", count="16.0", example="1, 4, 4", kernel=2,
    outs="(1, 2)", result="13., 15.",
)  # fmt: skip
fractional_max_pool3d.__doc__ = _DOC.format(
    n=3, size="D, H, W", out="OD, OH, OW", order=", for D, H and W", count="32.0", example="1, 2, 4, 4",
    kernel="(1, 2, 2)", outs="(1, 1, 2)", result="29., 31.",
)  # fmt: skip
