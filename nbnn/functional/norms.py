"""Norms of vectors and matrices (`nbnn.linalg`)."""

from __future__ import annotations

import math
from typing import Any

from nbnn import dtypes
from nbnn.dtypes import as_dtype
from nbnn.functional import _check
from nbnn.functional.arithmetic import div, mul
from nbnn.functional.array import sum as total
from nbnn.functional.comparison import gt
from nbnn.functional.conversion import cast
from nbnn.functional.decomposition import svdvals
from nbnn.functional.extreme import amax, amin
from nbnn.functional.logic import logical_and, logical_not
from nbnn.functional.masking import masked_fill
from nbnn.functional.reduction import axes_of
from nbnn.functional.rounding import isfinite
from nbnn.functional.shape import reshape
from nbnn.functional.statistics import ABS, p_norm
from nbnn.functional.views import movedim
from nbnn.op import apply, takes_arrays
from nbnn.tensor import Tensor


def _prepared(op: str, value: Any, dtype: Any) -> Tensor:
    x = _check.tensor(op, "x" if op == "vector_norm" else "A", value)
    x = x if dtype is None else cast(x, as_dtype(dtype, op))
    _check.floating(op, "x" if op == "vector_norm" else "A", x)
    return x


@takes_arrays
def vector_norm(x: Tensor, ord: float = 2, dim: Any = None, keepdim: bool = False, *, dtype: Any = None) -> Tensor:
    r"""The p-norm :math:`(\sum |x_i|^p)^{1/p}` over axes taken together; the largest |x| for p = inf, the smallest for
    -inf, the number of elements other than 0 for p = 0. Where the norm is 0 its gradient is 0.

    Parameters
    ----------
    x : Tensor
    ord : float
        p.
    dim : int or tuple of int, optional
        All axes without it.
    keepdim : bool
        Keep these axes with size 1.
    dtype : dtype, optional
        Convert to this type first.

    Raises
    ------
    TypeError
        If the elements are not floating-point numbers.
    IndexError
        If an axis does not exist.

    Examples
    --------
    >>> import nbnn
    >>> nbnn.linalg.vector_norm(nbnn.tensor([3.0, 4.0]))
    tensor(5.)
    """
    return _over(
        "vector_norm", _prepared("vector_norm", x, dtype), _check.number("vector_norm", "ord", ord), dim, keepdim
    )


def _over(op: str, x: Tensor, p: float, dim: Any, keepdim: bool) -> Tensor:
    """The p-norm, scaled by the largest element so that no power overflows."""
    axes, shape = axes_of(op, x._shape, dim, keepdim)
    kind = x._dtype
    x = cast(x, dtypes.float32) if kind.is_half else x
    if p in (0.0, 1.0) or not math.isfinite(p) or 0 in x._shape:
        return cast(p_norm(op, x, p, axes, shape), kind)
    size = apply(ABS, x.detach())
    top = amax(size, axes, True) if axes else size
    top = masked_fill(top, logical_not(logical_and(gt(top, 0), isfinite(top))), 1)
    return cast(mul(p_norm(op, div(x, top), p, axes, shape), reshape(top, shape)), kind)


@takes_arrays
def matrix_norm(
    A: Tensor, ord: Any = "fro", dim: Any = (-2, -1), keepdim: bool = False, *, dtype: Any = None
) -> Tensor:
    """A norm of matrices: of all elements (``"fro"``), or by sums of columns (1, -1), of rows (inf, -inf) or singular
    values (2, -2, ``"nuc"``), the largest for the positive number and the smallest for the negative one.

    Parameters
    ----------
    A : Tensor of shape (..., m, n)
    ord : {"fro", "nuc", 1, -1, 2, -2, inf, -inf}
    dim : two ints
        The axes of rows and of columns.
    keepdim : bool
        Keep these axes with size 1.
    dtype : dtype, optional
        Convert to this type first.

    Raises
    ------
    ValueError
        If `ord` is none of these, or `dim` does not name two axes.

    Examples
    --------
    >>> import nbnn
    >>> nbnn.linalg.matrix_norm(nbnn.tensor([[3.0, 0.0], [4.0, 0.0]]), 1)
    tensor(7.)
    """
    op = "matrix_norm"
    x = _prepared(op, A, dtype)
    if ord not in ("fro", "nuc", 1, -1, 2, -2, math.inf, -math.inf):
        raise ValueError(f"{op}: `ord` (={ord!r}) must be 'fro', 'nuc', 1, -1, 2, -2, inf or -inf")
    if not isinstance(dim, (tuple, list)) or len(dim) != 2 or x.dim() < 2:
        raise ValueError(f"{op}: `dim` (={dim}) must name two axes; got shape {x._shape}")
    axes = _check.dims(op, tuple(dim), x.dim())
    matrices = movedim(x, axes, (-2, -1))
    if ord == "fro":
        out = _over(op, matrices, 2.0, (-2, -1), False)
    else:
        if ord in ("nuc", 2, -2):
            values = svdvals(matrices)
        else:
            values = _over(op, matrices, 1.0, -2 if abs(ord) == 1 else -1, False)
        if ord == "nuc" or (ord > 0 and values._shape[-1] == 0):  # of nothing: 0
            out = total(values, -1)
        elif values._shape[-1] == 0:
            raise ValueError(f"{op}: `ord` (={ord}) needs elements along the axes {dim}; got shape {x._shape}")
        else:
            out = (amax if ord > 0 else amin)(values, -1)
    return reshape(out, tuple(1 if k in axes else n for k, n in enumerate(x._shape))) if keepdim else out


@takes_arrays
def norm(A: Tensor, ord: Any = None, dim: Any = None, keepdim: bool = False, *, dtype: Any = None) -> Tensor:
    """`vector_norm` over one axis or all, `matrix_norm` over two axes, or of a matrix where `ord` is given.

    Parameters
    ----------
    A : Tensor or array
    ord : number or {"fro", "nuc"}, optional
        The order; 2, or "fro" of matrices, unless given.
    dim : int or pair of int, optional
    keepdim : bool
        Leave axes of size 1 in the place of those reduced.
    dtype : dtype, optional
        Type to compute in, and of the result.

    Raises
    ------
    ValueError
        If `ord` is given without `dim` for a Tensor of neither 1 nor 2 axes.

    Examples
    --------
    >>> import nbnn
    >>> nbnn.linalg.norm(nbnn.tensor([[3.0, 0.0], [0.0, 4.0]]))
    tensor(5.)
    """
    x = _prepared("norm", A, dtype)
    pair = isinstance(dim, (tuple, list)) and len(dim) == 2
    if dim is None and ord is not None:
        if x.dim() not in (1, 2):
            raise ValueError(f"norm: `ord` (={ord!r}) without `dim` needs a vector or a matrix; got shape {x._shape}")
        pair, dim = x.dim() == 2, (-2, -1) if x.dim() == 2 else None
    if pair and ord is not None:
        return matrix_norm(x, ord, dim, keepdim)
    return _over("norm", x, 2.0 if ord is None else _check.number("norm", "ord", ord), dim, keepdim)
