"""Norms of vectors and matrices (`nbnn.linalg`)."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from nbnn.dtypes import as_dtype
from nbnn.functional import _check
from nbnn.functional.arithmetic import div, mul
from nbnn.functional.array import neg
from nbnn.functional.array import sum as total
from nbnn.functional.comparison import eq
from nbnn.functional.conversion import cast
from nbnn.functional.decomposition import svdvals
from nbnn.functional.extreme import argmax
from nbnn.functional.gathering import gather
from nbnn.functional.masking import masked_fill
from nbnn.functional.pointwise import exp, log
from nbnn.functional.shape import reshape, unsqueeze
from nbnn.functional.views import movedim
from nbnn.op import Op, apply, takes_arrays
from nbnn.tensor import Tensor, from_array, host_view


def _norm_forward(x: Tensor, params: tuple) -> tuple[Tensor]:
    """Over the last axis, scaled by the largest element so that no power overflows."""
    (p,) = params
    size = np.abs(host_view(x.detach()))
    top = size.max(-1, keepdims=True, initial=0)
    scale = np.where((top > 0) & np.isfinite(top), top, 1).astype(size.dtype)
    with np.errstate(all="ignore"):
        found = ((size / scale) ** p).sum(-1) ** (1 / p) * scale[..., 0]
    return (from_array(np.array(found, size.dtype)).to(x.device),)


def _norm_grad(node: Any, g: Tensor) -> tuple:
    """g sign(x) (|x| / n)^(p - 1), and 0 where the norm is 0, which is a choice."""
    x, n = node.saved
    (p,) = node.params
    n = unsqueeze(masked_fill(n, eq(n, 0), 1), -1)
    part = div(x, n)
    if p != 2:
        square = mul(part, part)
        part = mul(part, exp(mul(log(masked_fill(square, eq(square, 0), 1)), (p - 2) / 2)))
    return (mul(unsqueeze(g, -1), part),)


NORM = Op("vector_norm", forward=_norm_forward, grad=_norm_grad, saves_inputs=(0,), saves_outputs=(0,))


def _size(x: Tensor) -> Tensor:
    """The absolute value; at 0 its derivative is 0."""
    return mul(x, from_array(np.array(np.sign(host_view(x.detach())), order="C")).to(x.device))


def _last(x: Tensor, p: float) -> Tensor:
    """The p-norm over the last axis."""
    if p == 0:
        return cast(total(cast(x, as_dtype("bool", "vector_norm")), -1), x._dtype)
    if math.isinf(p):
        if x._shape[-1] == 0:
            raise ValueError(f"vector_norm: `ord` (={p}) needs elements along the axis; got shape {x._shape}")
        size = _size(x)
        where = argmax(size.detach() if p > 0 else neg(size.detach()), -1, True)
        return gather(size, -1, where).reshape(x._shape[:-1])
    return apply(NORM, x, params=(p,))


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
    return _over(_prepared("vector_norm", x, dtype), _check.number("vector_norm", "ord", ord), dim, keepdim)


def _over(x: Tensor, p: float, dim: Any, keepdim: bool) -> Tensor:
    axes = _check.dims("vector_norm", dim, x.dim()) if x._shape else ()
    if x._dtype.is_half:
        return cast(_over(x.float(), p, dim, keepdim), x._dtype)
    rest = [k for k in range(x.dim()) if k not in axes]
    moved = movedim(x, tuple(rest), tuple(range(len(rest))))
    shape = tuple(x._shape[k] for k in rest)
    out = _last(reshape(moved, (*shape, math.prod(x._shape[k] for k in axes))), p)
    return reshape(out, tuple(1 if k in axes else n for k, n in enumerate(x._shape))) if keepdim else out


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
        out = _over(matrices, 2.0, (-2, -1), False)
    elif ord in ("nuc", 2, -2):
        values = svdvals(matrices)
        out = total(values, -1) if ord == "nuc" else values[..., 0 if ord == 2 else -1]
    else:
        sums = total(_size(matrices), -2 if abs(ord) == 1 else -1)
        out = _last(sums, math.copysign(math.inf, ord))
    return reshape(out, tuple(1 if k in axes else n for k, n in enumerate(x._shape))) if keepdim else out


@takes_arrays
def norm(A: Tensor, ord: Any = None, dim: Any = None, keepdim: bool = False, *, dtype: Any = None) -> Tensor:
    """`vector_norm` over one axis or all, `matrix_norm` over two axes, or of a matrix where `ord` is given.

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
    return _over(x, 2.0 if ord is None else _check.number("norm", "ord", ord), dim, keepdim)
