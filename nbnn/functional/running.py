"""The largest, the smallest and the sum of exponentials so far, along an axis: log2(n) steps of whole Tensors."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from nbnn.functional import _check
from nbnn.functional.arithmetic import sub
from nbnn.functional.choice import where
from nbnn.functional.comparison import ge, le, ne
from nbnn.functional.conversion import clone
from nbnn.functional.creation import arange, zeros_like
from nbnn.functional.extreme import Found, argmax
from nbnn.functional.gathering import gather
from nbnn.functional.indexing import narrow
from nbnn.functional.joining import cat
from nbnn.functional.logic import logical_or
from nbnn.functional.ordering import sort
from nbnn.functional.rounding import isnan
from nbnn.functional.shape import broadcast_to, reshape, squeeze
from nbnn.functional.special import logaddexp
from nbnn.op import takes_arrays
from nbnn.tensor import Tensor


def _doubling(axis: int, length: int, parts: tuple[Tensor, ...], combine: Callable) -> tuple[Tensor, ...]:
    """What an associative function makes of the first one, two, three, ... elements (Hillis and Steele 1986)."""
    reach = 1
    while reach < length:
        rest = length - reach
        later = [narrow(p, axis, reach, rest) for p in parts]
        found = combine([narrow(p, axis, 0, rest) for p in parts], later)
        parts = tuple(cat([narrow(p, axis, 0, reach), f], axis) for p, f in zip(parts, found, strict=True))
        reach *= 2
    return parts


def _places(x: Tensor, axis: int) -> Tensor:
    """0, 1, 2, ... along an axis, with axes of size 1 behind it."""
    length = x._shape[axis]
    return reshape(arange(length, device=x.device), (length, *(1,) * (x.dim() - axis - 1)))


def _leaders(op: str, input: Tensor, dim: int, at_least: Callable) -> Found:
    x = _check.real(op, "input", input)
    axis = _check.dim(op, dim, x.dim())
    if not x._shape or not x.numel():
        return Found(clone(x), zeros_like(x, dtype="int64"))
    values, length = x.detach(), x._shape[axis]
    places = broadcast_to(_places(x, axis), x._shape)

    def combine(before: list, later: list) -> tuple:
        (a, i), (b, j) = before, later
        wins = at_least(b, a)
        if x._dtype.is_floating_point:
            wins = logical_or(wins, isnan(b))
        return where(wins, b, a), where(wins, j, i)

    _, indices = _doubling(axis, length, (values, places), combine)
    return Found(gather(x, axis, indices), indices)


@takes_arrays
def cummax(input: Tensor, dim: int) -> Any:
    """The largest of the first one, two, three, ... elements along an axis, and where it stands.

    Of equal ones that is the last; NaN is larger than every number.

    Returns
    -------
    named tuple ``(values, indices)``

    Raises
    ------
    IndexError
        If the axis does not exist.

    Examples
    --------
    >>> import nbnn
    >>> nbnn.cummax(nbnn.tensor([1.0, 3.0, 2.0]), 0)
    Found(values=tensor([1., 3., 3.]), indices=tensor([0, 1, 1]))
    """
    return _leaders("cummax", input, dim, ge)


@takes_arrays
def cummin(input: Tensor, dim: int) -> Any:
    """The smallest of the first one, two, three, ... elements along an axis, and where it stands: see `cummax`.

    Raises
    ------
    IndexError
        If the axis does not exist.

    Examples
    --------
    >>> import nbnn
    >>> nbnn.cummin(nbnn.tensor([2.0, 3.0, 1.0]), 0).values
    tensor([2., 2., 1.])
    """
    return _leaders("cummin", input, dim, le)


@takes_arrays
def mode(input: Tensor, dim: int = -1, keepdim: bool = False) -> Any:
    """The element that is most frequent along an axis, the smallest of several, and where it stands last.

    Returns
    -------
    named tuple ``(values, indices)``

    Raises
    ------
    IndexError
        If the axis does not exist.
    ValueError
        If there is nothing to choose from.

    Examples
    --------
    >>> import nbnn
    >>> nbnn.mode(nbnn.tensor([2, 3, 2, 1])).values
    tensor(2)
    """
    x = _check.real("mode", "input", input)
    axis = _check.dim("mode", dim, x.dim())
    if not x._shape:
        return Found(clone(x), zeros_like(x, dtype="int64"))
    length = x._shape[axis]
    if not length:
        raise ValueError(f"mode: `input` must not be empty along the axis; got shape {x._shape}")
    ordered, order = sort(x.detach(), axis, stable=True)
    places = _places(x, axis)
    new = ne(narrow(ordered, axis, 1, length - 1), narrow(ordered, axis, 0, length - 1))
    later = where(new, narrow(places, 0, 1, length - 1), 0)
    begins = _leaders("mode", cat([zeros_like(narrow(order, axis, 0, 1)), later], axis), axis, ge).values
    best = argmax(sub(places, begins), axis, True)
    indices = gather(order, axis, best)
    values = gather(x, axis, indices)
    return Found(values, indices) if keepdim else Found(squeeze(values, axis), squeeze(indices, axis))


@takes_arrays
def logcumsumexp(input: Tensor, dim: int) -> Tensor:
    r"""The logarithm of the sums of exponentials so far: :math:`y_j = \log(e^{x_0} + ... + e^{x_j})`.

    Raises
    ------
    IndexError
        If the axis does not exist.
    TypeError
        If `input` holds no floating-point numbers.

    Examples
    --------
    >>> import nbnn
    >>> nbnn.logcumsumexp(nbnn.zeros(3), 0)
    tensor([0.0000, 0.6931, 1.0986])
    """
    _check.floating("logcumsumexp", "input", input)
    axis = _check.dim("logcumsumexp", dim, input.dim())
    if not input._shape:
        return clone(input)
    combine = lambda before, later: (logaddexp(before[0], later[0]),)  # noqa: E731
    (y,) = _doubling(axis, input._shape[axis], (input,), combine)
    return clone(y) if y is input else y
