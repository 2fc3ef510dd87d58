"""Points between two ends, and grids of points."""

from __future__ import annotations

import math
from typing import Any

from nbnn.device import launch
from nbnn.functional import _check
from nbnn.functional.creation import empty
from nbnn.functional.joining import as_tensors, stack
from nbnn.functional.shape import broadcast_to, reshape
from nbnn.functional.views import swapaxes
from nbnn.kernels import creation as K
from nbnn.op import to_numpy
from nbnn.tensor import Tensor


def _points(op: str, kernel: Any, ends: tuple[Any, Any], steps: Any, extra: tuple, dtype: Any, device: Any) -> Tensor:
    start, end = _check.number(op, "start", ends[0]), _check.number(op, "end", ends[1])
    for name, value in (("start", start), ("end", end)):
        if not math.isfinite(value):
            raise ValueError(f"{op}: `{name}` (={value}) must be finite")
    count = _check.integer(op, "steps", steps, 0)
    out = empty(count, dtype=dtype, device=device)
    if out._dtype.is_half:
        wide = empty(count, device=device)
        return _filled(kernel, wide, start, end, extra).to(out._dtype)
    return _filled(kernel, out, start, end, extra)


def _filled(kernel: Any, out: Tensor, start: float, end: float, extra: tuple) -> Tensor:
    count = out.numel()
    if count == 1:
        end = start
    launch(kernel, (out._data,), (), (start, end, (end - start) / max(count - 1, 1), count, *extra), count, 4)
    return out


def linspace(
    start: float, end: float, steps: int, *, dtype: Any = None, device: Any = None, requires_grad: bool = False
) -> Tensor:
    """`steps` numbers at equal distances from `start` to `end`, both included exactly.

    Parameters
    ----------
    start, end : float
    steps : int
    dtype : dtype, optional
        The default floating-point type unless given.
    device : str or device, optional
    requires_grad : bool

    Raises
    ------
    ValueError
        If `steps` is negative or an end is not finite.

    Examples
    --------
    >>> import nbnn
    >>> nbnn.linspace(0, 1, 5)
    tensor([0.0000, 0.2500, 0.5000, 0.7500, 1.0000])
    """
    return _points("linspace", K.linspace, (start, end), steps, (), dtype, device).requires_grad_(requires_grad)


def logspace(
    start: float,
    end: float,
    steps: int,
    base: float = 10.0,
    *,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """Powers of `base` whose exponents lie at equal distances from `start` to `end`.

    Parameters
    ----------
    start, end : float
    steps : int
    base : float
    dtype : dtype, optional
        The default floating-point type unless given.
    device : str or device, optional
    requires_grad : bool

    Raises
    ------
    ValueError
        If `steps` is negative or an end is not finite.

    Examples
    --------
    >>> import nbnn
    >>> nbnn.logspace(0, 2, 3)
    tensor([  1.,  10., 100.])
    """
    power = (_check.number("logspace", "base", base),)
    return _points("logspace", K.logspace, (start, end), steps, power, dtype, device).requires_grad_(requires_grad)


def meshgrid(*tensors: Any, indexing: str = "ij") -> tuple[Tensor, ...]:
    """The coordinates of a grid: Tensor k of the result varies along axis k alone, with the elements of vector k.

    Parameters
    ----------
    tensors : Tensors of at most one axis
    indexing : {"ij", "xy"}
        "xy" exchanges the first two axes.

    Returns
    -------
    tuple of Tensor
        Views that repeat their vectors.

    Raises
    ------
    ValueError
        If `indexing` is neither, or a Tensor has more than one axis.

    Examples
    --------
    >>> import nbnn
    >>> nbnn.meshgrid(nbnn.tensor([1, 2]), nbnn.tensor([3, 4, 5]))[0]
    tensor([[1, 1, 1],
            [2, 2, 2]])
    """
    if indexing not in ("ij", "xy"):
        raise ValueError(f"meshgrid: `indexing` (={indexing!r}) must be 'ij' or 'xy'")
    given = tensors[0] if len(tensors) == 1 and isinstance(tensors[0], (tuple, list)) else tensors
    xs, as_numpy = as_tensors("meshgrid", given)
    shape = tuple(x.numel() for x in xs)
    grids = []
    for k, x in enumerate(xs):
        if x.dim() > 1:
            raise ValueError(f"meshgrid: `tensors`[{k}] must have at most one axis; got shape {x._shape}")
        line = reshape(x, (*(1,) * k, x.numel(), *(1,) * (len(xs) - k - 1)))
        grid = broadcast_to(line, shape)
        grids.append(swapaxes(grid, 0, 1) if indexing == "xy" and len(xs) > 1 else grid)
    return to_numpy(tuple(grids)) if as_numpy else tuple(grids)


def cartesian_prod(*tensors: Any) -> Tensor:
    """All combinations of the elements of vectors, one a row, the last vector varying fastest.

    Parameters
    ----------
    *tensors : Tensor of shape (N,)

    Returns
    -------
    Tensor of shape (N, number of vectors); of one vector, that vector

    Raises
    ------
    ValueError
        If there is none, or one has not one axis.

    Examples
    --------
    >>> import nbnn
    >>> nbnn.cartesian_prod(nbnn.tensor([1, 2]), nbnn.tensor([3, 4]))
    tensor([[1, 3],
            [1, 4],
            [2, 3],
            [2, 4]])
    """
    xs, as_numpy = as_tensors("cartesian_prod", tensors)
    for k, x in enumerate(xs):
        if x.dim() != 1:
            raise ValueError(f"cartesian_prod: `tensors`[{k}] must have one axis; got shape {x._shape}")
    out = xs[0] if len(xs) == 1 else stack([reshape(g, -1) for g in meshgrid(*xs)], 1)
    return to_numpy(out) if as_numpy else out
