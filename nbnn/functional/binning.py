"""Numbers into bins: bincount, searchsorted, bucketize, histc; and isin."""

from __future__ import annotations

import math
from typing import Any

import nbnn.device as _device
from nbnn import dtypes
from nbnn.functional import _check
from nbnn.functional.arithmetic import mul, sub
from nbnn.functional.choice import clamp
from nbnn.functional.comparison import eq, ge, le
from nbnn.functional.conversion import cast
from nbnn.functional.creation import full
from nbnn.functional.extreme import comparable, extreme_of
from nbnn.functional.logic import logical_and, logical_not
from nbnn.functional.ordering import sort
from nbnn.functional.promotion import promoted
from nbnn.functional.shape import reshape
from nbnn.kernels import ordering as K
from nbnn.op import takes_arrays
from nbnn.tensor import Tensor, flat, make


@takes_arrays
def bincount(input: Tensor, weights: Tensor | None = None, minlength: int = 0) -> Tensor:
    """How often each of the numbers 0, 1, 2, ... occurs; or the sum of the weights where it does.

    Weights are added in the order of the input. There is no gradient.

    Parameters
    ----------
    input : Tensor
        Non-negative integers along one axis.
    weights : Tensor, optional
        Of the input's shape. The result is of their type, if they are float32, else in float64.
    minlength : int
        The least number of bins.

    Raises
    ------
    ValueError
        If there is a negative number, or the shapes are others.
    TypeError
        If the numbers are no integers.

    Examples
    --------
    >>> import nbnn
    >>> nbnn.tensor([0, 2, 2]).bincount()
    tensor([1, 0, 2])
    """
    x = _check.tensor("bincount", "input", input)
    if x._dtype.is_floating_point or x._dtype is dtypes.bool_:
        raise TypeError(f"bincount: `input` must have an integer dtype; got {x._dtype!r}")
    if x.dim() != 1:
        raise ValueError(f"bincount: `input` must have one axis; got shape {x._shape}")
    least = _check.integer("bincount", "minlength", minlength, 0)
    kind = dtypes.int64
    if weights is not None:
        if _check.tensor("bincount", "weights", weights)._shape != x._shape:
            raise ValueError(f"bincount: `weights` must have the shape {x._shape} of `input`; got {weights._shape}")
        kind = dtypes.float32 if weights._dtype is dtypes.float32 else dtypes.float64
    wide = cast(x, dtypes.int64)
    size = least
    if x.numel():
        low, high = (int(extreme_of("bincount", wide, None, False, side).item()) for side in (True, False))
        if low < 0:
            raise ValueError(f"bincount: `input` must hold no negative numbers; got {low}")
        size = max(size, *_check.sizes("bincount", "input", high + 1))
    numbers = _device.to_host(flat(wide))
    out = _device.empty(size, kind.storage, _device.CPU)
    factors = out if weights is None else _device.to_host(flat(cast(weights.detach(), kind)))
    if size:
        _device.launch(K.bin_weights, (out,), (numbers, factors), (int(weights is not None),), 1)
    return make(_device.from_host(out, x.device), (size,), kind)


@takes_arrays
def searchsorted(
    sorted_sequence: Tensor, input: Any, *, out_int32: bool = False, right: bool = False, side: str | None = None
) -> Tensor:
    """Where a number would be put into a sorted sequence: how many of its elements are less than it.

    Parameters
    ----------
    sorted_sequence : Tensor
        Ascending along its last axis: one axis, or all axes but the last as in `input`.
    input : Tensor or number
    out_int32 : bool
        Return int32 in place of int64.
    right : bool
        Count the elements that are equal too.
    side : str, optional
        "left" or "right", for `right`.

    Raises
    ------
    ValueError
        If the shapes do not fit together, or `side` is another.
    TypeError
        If the types differ.

    Examples
    --------
    >>> import nbnn
    >>> nbnn.searchsorted(nbnn.tensor([1.0, 3.0, 5.0]), nbnn.tensor([3.0, 6.0]))
    tensor([1, 3])
    """
    return _search("searchsorted", "sorted_sequence", sorted_sequence, input, out_int32, right, side)


@takes_arrays
def bucketize(input: Any, boundaries: Tensor, *, out_int32: bool = False, right: bool = False) -> Tensor:
    """The bucket of each number between ascending boundaries: `searchsorted` with the arguments turned round.

    Parameters
    ----------
    input : Tensor, array or number
    boundaries : Tensor of shape (K,)
        In ascending order.
    out_int32 : bool
        Places in int32 instead of int64.
    right : bool
        Whether a number equal to a boundary lies in the bucket above it.

    Raises
    ------
    ValueError
        If the boundaries have not one axis.

    Examples
    --------
    >>> import nbnn
    >>> nbnn.bucketize(nbnn.tensor([3.0, 6.0]), nbnn.tensor([1.0, 3.0, 5.0]))
    tensor([1, 3])
    """
    if _check.tensor("bucketize", "boundaries", boundaries).dim() != 1:
        raise ValueError(f"bucketize: `boundaries` must have one axis; got shape {boundaries._shape}")
    return _search("bucketize", "boundaries", boundaries, input, out_int32, right, None)


def _search(op: str, name: str, edges: Any, input: Any, out_int32: bool, right: bool, side: str | None) -> Tensor:
    edges = _check.real(op, name, edges).detach()
    if side not in (None, "left", "right"):
        raise ValueError(f'{op}: `side` (={side!r}) must be "left" or "right"')
    if side == "left" and right:
        raise ValueError(f'{op}: `side` (="left") contradicts `right` (={right})')
    if not isinstance(input, Tensor):
        _check.number(op, "input", input)
    elif input.numel() and input._dtype is not edges._dtype and op == "searchsorted":
        raise TypeError(f"{op}: `input` and `{name}` must have one dtype; got {input._dtype!r} and {edges._dtype!r}")
    edges, x = (t.detach() for t in promoted(op, edges, input))
    if not edges._shape or (edges.dim() > 1 and edges._shape[:-1] != x._shape[:-1]):
        raise ValueError(f"{op}: `{name}` must have one axis, or those of `input` before the last; "
                         f"got {edges._shape} and {x._shape}")  # fmt: skip
    n, length = x.numel(), edges._shape[-1]
    out = _device.empty(n, dtypes.int64.storage, x.device)
    rows = math.prod(x._shape[-1:]) if edges.dim() > 1 else 0
    params = (length, rows, int(right or side == "right"))
    _device.launch(K.search, (out,), (flat(comparable(x)), flat(comparable(edges))), params, n, 16)
    found = make(out, x._shape, dtypes.int64)
    return cast(found, dtypes.int32) if out_int32 else found


@takes_arrays
def isin(elements: Any, test_elements: Any, *, assume_unique: bool = False, invert: bool = False) -> Tensor:
    """Which elements occur among others, as bools.

    Parameters
    ----------
    elements : Tensor or number
    test_elements : Tensor or number
        Of any shape. NaN is none of them.
    assume_unique : bool
        Accepted: it changes nothing.
    invert : bool
        Tell which do not occur.

    Raises
    ------
    TypeError
        If one is no Tensor, array or number, or both are numbers.

    Examples
    --------
    >>> import nbnn
    >>> nbnn.isin(nbnn.tensor([1, 2, 3]), nbnn.tensor([3, 1]))
    tensor([ True, False,  True])
    """
    if not isinstance(elements, Tensor) and not isinstance(test_elements, Tensor):
        raise TypeError("isin: `elements` or `test_elements` must be a Tensor")
    x, others = (_check.real("isin", "elements", v).detach() for v in promoted("isin", elements, test_elements))
    ordered = sort(comparable(reshape(others, (-1,))), 0).values
    if ordered.numel():
        at = clamp(_search("isin", "test_elements", ordered, comparable(x), False, False, None), 0, ordered.numel() - 1)
        found = eq(ordered[at], comparable(x))
    else:
        found = full(x._shape, False, dtype=dtypes.bool_, device=x.device)
    return logical_not(found) if _check.flag("isin", "invert", invert) else found


@takes_arrays
def histc(input: Tensor, bins: int = 100, min: float = 0, max: float = 0) -> Tensor:
    """How many elements fall into each of `bins` intervals of one size between `min` and `max`.

    Parameters
    ----------
    input : Tensor
    bins : int
    min, max : float
        The ends, both of which belong to the range: the least and the largest element where they are equal. What lies
        beyond is not counted.

    Raises
    ------
    ValueError
        If `bins` is less than 1, or `max` less than `min`.
    TypeError
        If `input` holds no floating-point numbers.

    Examples
    --------
    >>> import nbnn
    >>> nbnn.histc(nbnn.tensor([0.0, 0.4, 1.0]), bins=2)
    tensor([2., 1.])
    """
    _check.floating("histc", "input", input)
    x, count = reshape(input.detach(), (-1,)), _check.integer("histc", "bins", bins, 1)
    low, high = _check.number("histc", "min", min), _check.number("histc", "max", max)
    if high < low:
        raise ValueError(f"histc: `max` (={max}) must be at least `min` (={min})")
    if low == high and x.numel():
        low, high = (float(extreme_of("histc", x, None, False, least).item()) for least in (True, False))
    if low == high:
        low, high = low - 1, high + 1
    inside = x[logical_and(ge(x, low), le(x, high))]
    at = clamp(cast(mul(sub(inside, low), count / (high - low)), dtypes.int64), 0, count - 1)
    return cast(bincount(at, minlength=count), x._dtype)
