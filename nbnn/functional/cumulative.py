"""Sums and products along an axis, every partial result of which is kept: cumsum, cumprod."""

from __future__ import annotations

from typing import Any

import nbnn.device as _device
from nbnn import dtypes
from nbnn.autograd import Node
from nbnn.dtypes import as_dtype
from nbnn.functional import _check
from nbnn.functional.arithmetic import mul
from nbnn.functional.conversion import cast
from nbnn.functional.creation import full
from nbnn.functional.indexing import narrow
from nbnn.functional.joining import cat
from nbnn.functional.reduction import lines, neighbours
from nbnn.kernels import cumulative as K
from nbnn.op import Launch, Op, apply, takes_arrays
from nbnn.tensor import Tensor, flat, make


def _cumsum_forward(x: Tensor, params: tuple) -> tuple[Tensor]:
    axis, reverse = params
    data, outer, length, inner = lines(x, (axis,))
    out = _device.empty(x.numel(), x._dtype.storage, x.device)
    wide = dtypes.float64 if x._dtype.is_floating_point else dtypes.int64
    totals = _device.empty(outer * inner if inner > 1 else 1, wide.storage, x.device)
    zero = 0.0 if x._dtype.is_floating_point else 0
    rows, work = (-(-outer // K.LINES), K.LINES * length)
    if inner > 1:
        rows, work = outer * -(-inner // K.STRIP), min(inner, K.STRIP) * length
    if out.size:
        _device.launch(K.cumsum, (out, totals), (data,), (outer, length, inner, zero, int(reverse)), rows, work)
    return (make(out, x._shape, x._dtype),)


def _cumsum_plan(params: tuple, shape: tuple[int, ...]) -> Launch | None:
    axis, reverse = params
    middle = neighbours(shape, (axis,))
    if middle is None:
        return None
    outer, length, inner = middle
    rows, work = -(-outer // K.LINES), K.LINES * length
    if inner > 1:
        rows, work = outer * -(-inner // K.STRIP), min(inner, K.STRIP) * length
    totals = ((outer * inner if inner > 1 else 1, dtypes.float64.storage),)
    return Launch(K.cumsum, (shape,), (*middle, 0.0, int(reverse)), work, items=rows, scratch=totals)


def _cumsum_grad(node: Node, g: Tensor) -> tuple:
    axis, reverse = node.params
    return (apply(CUMSUM, g, params=(axis, not reverse)),)


def _recur_forward(c: Tensor, b: Tensor | None, params: tuple) -> tuple[Tensor]:
    axis, start, reverse = params
    data, outer, length, inner = lines(c, (axis,))
    out = _device.empty(c.numel(), c._dtype.storage, c.device)
    rows, work = outer * -(-inner // K.STRIP), 4 * min(inner, K.STRIP) * length
    if out.size:
        ins = (data, data if b is None else flat(b))
        params = (length, inner, start, int(b is not None), int(reverse))
        _device.launch(K.recur, (out,), ins, params, rows, work)
    return (make(out, c._shape, c._dtype),)


def _recur_grad(node: Node, g: Tensor) -> tuple:
    """The recurrence backwards is its own adjoint: for y_j = b_j + c_j y_(j-1), dL/db = the other one of g."""
    c, y = node.saved
    axis, start, reverse = node.params
    by_b = apply(RECUR, c, g, params=(axis, 0, not reverse))
    by_c = None
    if node.needs[0]:
        by_c = mul(before(by_b, axis, 0), y) if reverse else mul(by_b, before(y, axis, start))
    return by_c, by_b


CUMSUM = Op("cumsum", forward=_cumsum_forward, plan=_cumsum_plan, strided=True, grad=_cumsum_grad)
# y_j = b_j + c_j y_(j-1) of (c, b), or the same from the far end: no division, so that zeros are no exception
RECUR = Op("cumprod", forward=_recur_forward, grad=_recur_grad, saves_inputs=(0,), saves_outputs=(0,))


def before(x: Tensor, axis: int, start: float) -> Tensor:
    """`x` moved on by one position along the axis, `start` at the first."""
    if x._shape[axis] == 0:
        return x
    shape = (*x._shape[:axis], 1, *x._shape[axis + 1 :])
    head = full(shape, start, dtype=x._dtype, device=x.device)
    return cat([head, narrow(x, axis, 0, x._shape[axis] - 1)], axis)


def products_of_others(x: Tensor, axis: int) -> Tensor:
    """For each element the product of all others along the axis."""
    if x._shape[axis] == 0:
        return x
    last = narrow(x, axis, x._shape[axis] - 1, 1).detach()
    ends = cat([full((*x._shape[:axis], x._shape[axis] - 1, *x._shape[axis + 1 :]), 0, dtype=x._dtype, device=x.device),
                full(last._shape, 1, dtype=x._dtype, device=x.device)], axis)  # fmt: skip
    behind = apply(RECUR, x, ends, params=(axis, 0, True))
    return mul(before(apply(RECUR, x, None, params=(axis, 1, False)), axis, 1), behind)


def summands(op: str, input: Any, dtype: Any) -> tuple[Tensor, dtypes.dtype]:
    """The numbers in the type in which they are added or multiplied up, and the type of the result.

    Integers and bools become int64, halves are computed in float32.
    """
    x = _check.real(op, "input", input)
    kind = as_dtype(dtype, op) if dtype is not None else x._dtype if x._dtype.is_floating_point else dtypes.int64
    wide = dtypes.float32 if kind.is_half else kind if kind.is_floating_point else dtypes.int64
    return cast(cast(x, kind), wide), kind


def _along(op: str, input: Tensor, dim: int, dtype: Any) -> tuple[Tensor, int, dtypes.dtype]:
    x, kind = summands(op, input, dtype)
    axis = _check.dim(op, dim, x.dim())
    return x, axis, kind


@takes_arrays
def cumsum(input: Tensor, dim: int, *, dtype: Any = None) -> Tensor:
    """The sums of the first one, two, three, ... elements along an axis: :math:`y_j = x_0 + ... + x_j`.

    Floats are added up in float64, one after another: the bits do not depend on the number of threads.

    Parameters
    ----------
    input : Tensor
        Integers and bools are summed in int64.
    dim : int
        The axis.
    dtype : dtype, optional
        Convert to this type first.

    Raises
    ------
    IndexError
        If the axis does not exist.

    Examples
    --------
    >>> import nbnn
    >>> nbnn.tensor([1.0, 2.0, 3.0]).cumsum(0)
    tensor([1., 3., 6.])
    """
    x, axis, kind = _along("cumsum", input, dim, dtype)
    return cast(apply(CUMSUM, x, params=(axis, False)), kind) if x._shape else cast(x.clone(), kind)


@takes_arrays
def cumprod(input: Tensor, dim: int, *, dtype: Any = None) -> Tensor:
    r"""The products of the first one, two, three, ... elements along an axis: :math:`y_j = x_0 \cdots x_j`.

    The gradient is a recurrence without divisions, and so right also where elements are 0.

    Parameters
    ----------
    input : Tensor
        Integers and bools are multiplied in int64.
    dim : int
        The axis.
    dtype : dtype, optional
        Convert to this type first.

    Raises
    ------
    IndexError
        If the axis does not exist.

    Examples
    --------
    >>> import nbnn
    >>> nbnn.tensor([1.0, 2.0, 3.0]).cumprod(0)
    tensor([1., 2., 6.])
    """
    x, axis, kind = _along("cumprod", input, dim, dtype)
    return cast(apply(RECUR, x, None, params=(axis, 1, False)), kind) if x._shape else cast(x.clone(), kind)
