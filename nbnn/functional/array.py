"""Sums and means; and what else Tensor needs, under one name."""

from __future__ import annotations

import math
from typing import Any

from nbnn import dtypes
from nbnn.dtypes import as_dtype
from nbnn.functional import _check
from nbnn.functional.arithmetic import DIV_SCALAR, add, div, mul, neg, sub
from nbnn.functional.comparison import eq, ge, gt, le, lt, ne
from nbnn.functional.conversion import CLONE, cast, clone, to
from nbnn.functional.creation import as_tensor, empty, fill_, full, legacy_tensor, ones, tensor, zeros
from nbnn.functional.promotion import operands, promoted
from nbnn.functional.reduction import axes_of, sum_over
from nbnn.op import apply_unary, takes_arrays
from nbnn.tensor import Tensor

__all__ = [
    "CLONE", "add", "as_tensor", "cast", "clone", "div", "empty", "eq", "fill_", "full", "ge",
    "gt", "le", "legacy_tensor", "lt", "matmul", "mean", "mul", "ne", "neg", "ones", "operands", "promoted", "sub",
    "sum", "tensor", "to", "zeros",
]  # fmt: skip


def matmul(input: Any, other: Any) -> Tensor:
    """The product of matrices, batches of matrices and vectors: see `nbnn.functional.linear.matmul`."""
    from nbnn.functional.linear import matmul as product

    return product(input, other)


# -- reductions ----------------------------------------------------------------------------------------------------


@takes_arrays
def sum(input: Tensor, dim: Any = None, keepdim: bool = False, *, dtype: Any = None) -> Tensor:
    """The sum of all elements, or along the axes `dim`.

    Blocks of a fixed length are summed in a fixed tree, so the result is the same, to the last bit, on any number of
    threads, and its rounding error grows with the logarithm of the length.

    Parameters
    ----------
    input : Tensor
        Integers and bools are summed in int64.
    dim : int or tuple, optional
    keepdim : bool
        Keep the summed axes with size 1.
    dtype : dtype, optional
        Convert to this type first.

    Raises
    ------
    IndexError
        If an axis does not exist.

    Examples
    --------
    >>> import nbnn
    >>> nbnn.ones(2, 3).sum(1)
    tensor([3., 3.])
    """
    x = _check.tensor("sum", "input", input)
    axes, shape = axes_of("sum", x._shape, dim, keepdim)
    kind = as_dtype(dtype, "sum") if dtype is not None else x._dtype if x._dtype.is_differentiable else dtypes.int64
    if kind is dtypes.bool_:
        return ne(sum_over(cast(cast(x, kind), dtypes.int64), axes, shape), 0)
    return sum_over(cast(x, kind), axes, shape)


@takes_arrays
def mean(input: Tensor, dim: Any = None, keepdim: bool = False, *, dtype: Any = None) -> Tensor:
    """The mean of all elements, or along the axes `dim`: the sum over the count; NaN for an empty axis.

    Parameters
    ----------
    input : Tensor or array
    dim : int or tuple of int, optional
        All axes unless given.
    keepdim : bool
        Leave axes of size 1 in the place of those reduced.
    dtype : dtype, optional
        Type to compute in, and of the result.

    Raises
    ------
    TypeError
        If the elements are neither floating-point nor complex numbers.
    IndexError
        If an axis does not exist.

    Examples
    --------
    >>> import nbnn
    >>> nbnn.tensor([[1.0, 2.0], [3.0, 4.0]]).mean(0)
    tensor([2., 3.])
    """
    x = _check.tensor("mean", "input", input)
    if dtype is not None:
        x = cast(x, as_dtype(dtype, "mean"))
    _check.inexact("mean", "input", x)
    axes, shape = axes_of("mean", x._shape, dim, keepdim)
    count = math.prod([x._shape[k] for k in axes])
    return apply_unary(DIV_SCALAR, sum_over(x, axes, shape), (float(count),))
