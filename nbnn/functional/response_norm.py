"""Local response normalisation: each number divided by the energy of the channels beside its own."""

from __future__ import annotations

import math

from nbnn import dtypes
from nbnn.functional import _check
from nbnn.functional.array import add, cast, clone, div, mul
from nbnn.functional.padding import pad
from nbnn.functional.pooling import avg_pool2d
from nbnn.functional.power import pow
from nbnn.op import takes_arrays
from nbnn.tensor import Tensor


def _normalized(x: Tensor, before: int, after: int, scale: float, beta: float, k: float) -> Tensor:
    """x / (k + scale * the mean of x**2 over channels c - before .. c + after)**beta"""
    n, channels = x._shape[:2]
    inner = math.prod(x._shape[2:])
    wide = cast(x, dtypes.float32) if x._dtype.is_half else x
    squares = pad(mul(wide, wide).reshape(n, 1, channels, inner), (0, 0, before, after))
    energy = avg_pool2d(squares, (before + after + 1, 1), stride=1).reshape(x._shape)
    return cast(div(wide, pow(add(mul(energy, scale), k), beta)), x._dtype)


def _numbers(op: str, size: int, alpha: float, beta: float, k: float) -> tuple[int, float, float, float]:
    rest = (_check.number(op, "alpha", alpha), _check.number(op, "beta", beta), _check.number(op, "k", k))
    return _check.integer(op, "size", size, 1), *rest


@takes_arrays
def local_response_norm(input: Tensor, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0) -> Tensor:
    r"""Each number divided by the energy of `size` channels around it, :math:`x_c / (k + \frac{\alpha}{n} s_c)^\beta`.

    :math:`s_c` is the sum of :math:`x_j^2` over the channels j from :math:`c - \lfloor n / 2 \rfloor` to
    :math:`c + \lfloor (n - 1) / 2 \rfloor`, those outside counting as 0.

    Parameters
    ----------
    input : Tensor of shape (N, C, d1, ...)
    size : int
        n, at least 1.
    alpha, beta, k : float

    Returns
    -------
    Tensor of the shape of `input`

    Raises
    ------
    ValueError
        If `input` has fewer than 3 axes or `size` is below 1.
    TypeError
        If `input` is no Tensor or array of floating-point numbers.

    References
    ----------
    Krizhevsky et al., "ImageNet Classification with Deep Convolutional Neural Networks", 2012.

    Examples
    --------
    >>> import nbnn
    >>> import nbnn.nn.functional as F
    >>> F.local_response_norm(nbnn.ones(1, 2, 1), 2, alpha=2.0, beta=1.0).flatten()
    tensor([0.5000, 0.3333])
    """
    op = "local_response_norm"
    _check.floating(op, "input", input)
    n, scale, power, shift = _numbers(op, size, alpha, beta, k)
    if input.dim() < 3:
        raise ValueError(f"{op}: `input` must have at least 3 axes, (N, C, d1, ...); got shape {input._shape}")
    if input.numel() == 0:
        return clone(input)
    return _normalized(input, n // 2, (n - 1) // 2, scale, power, shift)


@takes_arrays
def cross_map_lrn2d(input: Tensor, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1) -> Tensor:
    r"""`local_response_norm` as Caffe counts channels: :math:`\lfloor (n - 1) / 2 \rfloor` on either side.

    For an odd `size` both are the same; for an even one this takes a channel less, and divides by `size` all the same.
    PyTorch's sums keep the square of the first channel to the last; these do not.

    Parameters
    ----------
    input : Tensor of shape (N, C, H, W)
    size : int
        n, at least 1.
    alpha, beta, k : float

    Returns
    -------
    Tensor of the shape of `input`

    Raises
    ------
    ValueError
        If `input` has not 4 axes or `size` is below 1.
    TypeError
        If `input` is no Tensor or array of floating-point numbers.

    Examples
    --------
    >>> import nbnn
    >>> from nbnn.functional.response_norm import cross_map_lrn2d
    >>> cross_map_lrn2d(nbnn.ones(1, 2, 1, 1), 2, alpha=2.0, beta=1.0).flatten()
    tensor([0.5000, 0.5000])
    """
    op = "cross_map_lrn2d"
    _check.floating(op, "input", input)
    n, scale, power, shift = _numbers(op, size, alpha, beta, k)
    if input.dim() != 4:
        raise ValueError(f"{op}: `input` must have 4 axes, (N, C, H, W); got shape {input._shape}")
    if input.numel() == 0:
        return clone(input)
    side = (n - 1) // 2
    return _normalized(input, side, side, scale * (2 * side + 1) / n, power, shift)
