"""Sums and differences made of others: diff, trace, cross, inner, dist, nansum, trapezoid."""

from __future__ import annotations

from typing import Any

from nbnn import dtypes
from nbnn.functional import _check
from nbnn.functional.arithmetic import div, mul, sub
from nbnn.functional.array import sum as total
from nbnn.functional.choice import clamp, clamp_min, where
from nbnn.functional.comparison import ne
from nbnn.functional.contraction import tensordot
from nbnn.functional.conversion import cast
from nbnn.functional.creation import full
from nbnn.functional.indexing import narrow
from nbnn.functional.joining import cat
from nbnn.functional.linear import matmul
from nbnn.functional.pointwise import sqrt
from nbnn.functional.promotion import promoted
from nbnn.functional.rearrange import roll
from nbnn.functional.reduction import axes_of
from nbnn.functional.rounding import isnan
from nbnn.functional.shape import broadcast_to, reshape, unsqueeze
from nbnn.functional.statistics import norm
from nbnn.functional.views import diagonal, movedim
from nbnn.op import takes_arrays
from nbnn.tensor import Tensor


@takes_arrays
def diff(
    input: Tensor, n: int = 1, dim: int = -1, prepend: Tensor | None = None, append: Tensor | None = None
) -> Tensor:
    """Differences of neighbours along an axis, :math:`y_j = x_{j+1} - x_j`, `n` times over.

    Of bools: whether neighbours differ.

    Parameters
    ----------
    input : Tensor
    n : int
    dim : int
    prepend, append : Tensor, optional
        Put before and behind `input` along the axis first.

    Raises
    ------
    IndexError
        If the axis does not exist.
    ValueError
        If `n` is negative, or `prepend` or `append` does not fit.

    Examples
    --------
    >>> import nbnn
    >>> nbnn.diff(nbnn.tensor([1, 4, 9, 16]))
    tensor([3, 5, 7])
    """
    x = _check.tensor("diff", "input", input)
    if not x._shape:
        raise ValueError("diff: `input` must have at least one axis; got shape ()")
    axis, times = _check.dim("diff", dim, x.dim()), _check.integer("diff", "n", n, 0)
    if prepend is not None or append is not None:
        parts = [prepend, x, append]
        x = cat([_check.tensor("diff", "prepend and append", p) for p in parts if p is not None], axis)
    less = ne if x._dtype is dtypes.bool_ else sub
    for _ in range(min(times, x._shape[axis])):
        length = max(x._shape[axis] - 1, 0)
        x = less(narrow(x, axis, x._shape[axis] - length, length), narrow(x, axis, 0, length))
    return x.clone() if times == 0 else x


@takes_arrays
def trace(input: Tensor) -> Tensor:
    r"""The sum of the diagonal of a matrix, :math:`\sum_i x_{ii}`.

    Raises
    ------
    ValueError
        If `input` is no matrix.

    Examples
    --------
    >>> import nbnn
    >>> nbnn.trace(nbnn.tensor([[1.0, 2.0], [3.0, 4.0]]))
    tensor(5.)
    """
    x = _check.tensor("trace", "input", input)
    if x.dim() != 2:
        raise ValueError(f"trace: `input` must have 2 axes; got shape {x._shape}")
    return total(diagonal(x))


@takes_arrays
def cross(input: Tensor, other: Tensor, dim: int | None = None) -> Tensor:
    r"""The cross product of vectors of three along an axis, :math:`y_i = a_{i+1} b_{i+2} - a_{i+2} b_{i+1}`.

    Parameters
    ----------
    input, other : Tensor
        Of shapes that broadcast.
    dim : int, optional
        The first axis of size 3 by default.

    Raises
    ------
    ValueError
        If the shapes do not broadcast, or the axis has another size than 3.
    TypeError
        If an operand is no Tensor or array.

    Examples
    --------
    >>> import nbnn
    >>> nbnn.cross(nbnn.tensor([1.0, 0.0, 0.0]), nbnn.tensor([0.0, 1.0, 0.0]))
    tensor([0., 0., 1.])
    """
    a, b = promoted("cross", _check.tensor("cross", "input", input), _check.tensor("cross", "other", other))
    shape = _check.broadcast_shapes("cross", a._shape, b._shape)
    if dim is None:
        axis = shape.index(3) if 3 in shape else -1
    else:
        axis = _check.dim("cross", dim, len(shape))
    if not shape or shape[axis] != 3:
        raise ValueError(f"cross: an axis must have size 3; got shapes {a._shape} and {b._shape} with `dim` (={dim})")
    a, b = broadcast_to(a, shape), broadcast_to(b, shape)
    return sub(mul(roll(a, -1, axis), roll(b, -2, axis)), mul(roll(a, -2, axis), roll(b, -1, axis)))


@takes_arrays
def inner(input: Tensor, other: Tensor) -> Tensor:
    r"""Sums of products along the last axes: :math:`y_{...}{}_{,...} = \sum_k a_{...,k} b_{...,k}`.

    Raises
    ------
    ValueError
        If the last axes have different sizes.
    TypeError
        If an operand is no Tensor or array.

    Examples
    --------
    >>> import nbnn
    >>> nbnn.inner(nbnn.tensor([1.0, 2.0]), nbnn.tensor([[3.0, 4.0], [5.0, 6.0]]))
    tensor([11., 17.])
    """
    a, b = _check.tensor("inner", "input", input), _check.tensor("inner", "other", other)
    if not a._shape or not b._shape:
        return mul(a, b)
    if a._shape[-1] != b._shape[-1]:
        raise ValueError(f"inner: the last axes must have one size; got shapes {a._shape} and {b._shape}")
    return tensordot(a, b, ([-1], [-1]))


@takes_arrays
def dist(input: Tensor, other: Tensor, p: float = 2) -> Tensor:
    r"""The p-norm of a difference, :math:`\|a - b\|_p`.

    Raises
    ------
    ValueError
        If the shapes do not broadcast.
    TypeError
        If an operand is no Tensor or array.

    Examples
    --------
    >>> import nbnn
    >>> nbnn.dist(nbnn.tensor([3.0, 0.0]), nbnn.tensor([0.0, 4.0]))
    tensor(5.)
    """
    a, b = _check.tensor("dist", "input", input), _check.tensor("dist", "other", other)
    _check.broadcast_shapes("dist", a._shape, b._shape)
    return norm(sub(a, b), _check.number("dist", "p", p))


@takes_arrays
def nansum(input: Tensor, dim: Any = None, keepdim: bool = False, *, dtype: Any = None) -> Tensor:
    """The sum of the elements that are not NaN, of all or along axes.

    Raises
    ------
    IndexError
        If an axis does not exist.

    Examples
    --------
    >>> import nbnn
    >>> nbnn.nansum(nbnn.tensor([1.0, nbnn.nan, 2.0]))
    tensor(3.)
    """
    x = _check.real("nansum", "input", input)
    axes_of("nansum", x._shape, dim, keepdim)
    return total(where(isnan(x), 0.0, x) if x._dtype.is_floating_point else x, dim, keepdim, dtype=dtype)


@takes_arrays
def nanmean(input: Tensor, dim: Any = None, keepdim: bool = False, *, dtype: Any = None) -> Tensor:
    """The mean of the elements that are not NaN, of all or along axes; NaN where there is none.

    Raises
    ------
    IndexError
        If an axis does not exist.
    TypeError
        If `input` holds no floating-point numbers.

    Examples
    --------
    >>> import nbnn
    >>> nbnn.nanmean(nbnn.tensor([1.0, nbnn.nan, 2.0]))
    tensor(1.5000)
    """
    x = input
    _check.floating("nanmean", "input", x)
    axes_of("nanmean", x._shape, dim, keepdim)
    gone = isnan(x)
    return div(total(where(gone, 0.0, x), dim, keepdim, dtype=dtype), total(ne(gone, True), dim, keepdim))


@takes_arrays
def trapezoid(y: Tensor, x: Tensor | None = None, *, dx: float | None = None, dim: int = -1) -> Tensor:
    r"""The integral by trapezoids along an axis, :math:`\sum_j \frac{y_j + y_{j+1}}{2} (x_{j+1} - x_j)`.

    Parameters
    ----------
    y : Tensor
    x : Tensor, optional
        Where the samples were taken: one axis, or the shape of `y`.
    dx : float, optional
        How far they are apart without `x`, 1 by default.
    dim : int

    Raises
    ------
    ValueError
        If both `x` and `dx` are given, or `x` has another size than the axis.
    IndexError
        If the axis does not exist.

    Examples
    --------
    >>> import nbnn
    >>> nbnn.trapezoid(nbnn.tensor([0.0, 1.0, 4.0]))
    tensor(3.)
    """
    samples = _check.tensor("trapezoid", "y", y)
    if x is not None and dx is not None:
        raise ValueError(f"trapezoid: `x` and `dx` (={dx}) exclude each other")
    samples = movedim(samples, _check.dim("trapezoid", dim, samples.dim()), -1)
    length = samples._shape[-1]
    step: Any = 1.0 if dx is None else _check.number("trapezoid", "dx", dx)
    if x is not None:
        where_at = _check.tensor("trapezoid", "x", x)
        where_at = movedim(where_at, dim, -1) if where_at.dim() > 1 else where_at
        if where_at._shape[-1:] != (length,):
            raise ValueError(f"trapezoid: `x` of shape {x._shape} must have the size {length} of the axis")
        step = diff(where_at)
    pairs = max(length - 1, 0)
    both = narrow(samples, -1, 0, pairs) + narrow(samples, -1, length - pairs, pairs)
    return div(total(mul(both, step), -1), 2.0)


def _observations(op: str, input: Tensor) -> None:
    _check.floating(op, "input", input)
    if input.dim() > 2:
        raise ValueError(f"{op}: `input` must have at most 2 axes; got shape {input._shape}")


@takes_arrays
def cov(
    input: Tensor, *, correction: int = 1, fweights: Tensor | None = None, aweights: Tensor | None = None
) -> Tensor:
    r"""The covariances of variables, each a row of observations.

    .. math:: C = \frac{\sum_j w_j (x_j - \mu)(x_j - \mu)^T}{\sum_j w_j - c \sum_j w_j a_j / \sum_j w_j}

    Parameters
    ----------
    input : Tensor of shape (variables, observations) or (observations,)
    correction : int
        The c of the formula: 1 gives the unbiased estimate.
    fweights, aweights : Tensor, optional
        How often each observation occurred, and how much it weighs (the a of the formula); w is their product.

    Raises
    ------
    ValueError
        If `input` has more than two axes.
    TypeError
        If it holds no floating-point numbers.

    Examples
    --------
    >>> import nbnn
    >>> nbnn.cov(nbnn.tensor([[0.0, 1.0, 2.0], [2.0, 1.0, 0.0]]))
    tensor([[ 1., -1.],
            [-1.,  1.]])
    """
    _observations("cov", input)
    c = _check.integer("cov", "correction", correction)
    x = reshape(input, (1, -1)) if input.dim() < 2 else input
    w = full((x._shape[1],), 1, dtype=x._dtype, device=x.device)
    for name, given in (("fweights", fweights), ("aweights", aweights)):
        w = w if given is None else mul(w, cast(_check.tensor("cov", name, given), x._dtype))
    whole = total(w)
    off = sub(x, div(total(mul(x, w), 1, True), whole))
    lost = c if aweights is None else mul(div(total(mul(w, cast(aweights, x._dtype))), whole), c)
    found = div(matmul(mul(off, w), off.t()), clamp_min(sub(whole, lost), 0))
    return reshape(found, ()) if input.dim() < 2 else found


@takes_arrays
def corrcoef(input: Tensor) -> Tensor:
    r"""The correlations of variables, :math:`C_{ij} / \sqrt{C_{ii} C_{jj}}` of their covariances, within [-1, 1].

    Raises
    ------
    ValueError
        If `input` has more than two axes.
    TypeError
        If it holds no floating-point numbers.

    Examples
    --------
    >>> import nbnn
    >>> nbnn.corrcoef(nbnn.tensor([[0.0, 1.0, 2.0], [2.0, 1.0, 0.0]]))
    tensor([[ 1., -1.],
            [-1.,  1.]])
    """
    _observations("corrcoef", input)
    c = cov(input)
    if not c._shape:
        return div(c, c)
    deviation = sqrt(diagonal(c))
    return clamp(div(div(c, unsqueeze(deviation, 1)), deviation), -1, 1)


trapz = trapezoid
