"""Distances and norms along an axis, and what is made of them: cosine similarity and normalisation."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from nbnn import dtypes
from nbnn.autograd import Node, is_grad_enabled
from nbnn.functional import _check
from nbnn.functional._elementwise import from_integers
from nbnn.functional.array import add, as_tensor, cast, div, eq, ge, mul, neg, operands, sub, sum
from nbnn.functional.indexing import getitem
from nbnn.functional.inplace import copy_
from nbnn.functional.reduction import reduced
from nbnn.functional.shape import broadcast_to, unsqueeze
from nbnn.functional.statistics import ABS, SIGNED_POWER, p_norm
from nbnn.kernels import distance as K
from nbnn.op import Op, apply, takes_arrays
from nbnn.tensor import Tensor

# a bound below: the gradient passes as if there were none, or only where it does not bind
FLOOR = Op("at_least", K.at_least, grad=lambda node, g: (g,))
BOUNDED = Op(
    "at_least",
    K.at_least,
    saves_inputs=(0,),
    grad=lambda node, g: (mul(g, cast(ge(node.saved[0].detach(), node.params[0]), g._dtype)),),
)


def norm_along(op: str, x: Tensor, p: float, axes: tuple[int, ...], keepdim: bool) -> Tensor:
    """The p-norm over `axes`, with a gradient of 0 where it is 0."""
    return p_norm(op, x, p, axes, reduced(x._shape, axes, keepdim))


def _widened(*tensors: Tensor) -> tuple[Tensor, ...]:
    return tuple(cast(t, dtypes.float32) if t._dtype.is_half else t for t in tensors)


def _order(op: str, p: Any, minimum: float = -math.inf) -> float:
    order = _check.number(op, "p", p)
    if math.isnan(order) or order < minimum:
        raise ValueError(f"{op}: `p` (={p}) must be a number" + (f" of at least {minimum:g}" if minimum == 0 else ""))
    return order


def _vectors(op: str, names: tuple[str, str], x1: Any, x2: Any) -> tuple[Tensor, Tensor]:
    """Two Tensors of one floating type and of the shape that they broadcast to; one of them may hold integers."""
    for name, x in zip(names, (x1, x2), strict=True):
        _check.tensor(op, name, x)
    if not x2._dtype.is_floating_point:
        _check.floating(op, names[0], x1)
    a, b = operands(op, x1, x2)
    return a, b


@takes_arrays
def pairwise_distance(x1: Tensor, x2: Tensor, p: float = 2.0, eps: float = 1e-6, keepdim: bool = False) -> Tensor:
    r"""The distance of vectors, :math:`\lVert x_1 - x_2 + \epsilon \rVert_p` along the last axis.

    The derivative at distance 0 is chosen to be 0.

    Parameters
    ----------
    x1, x2 : Tensor of shape (N, D) or (D,)
        Shapes that broadcast; further axes may stand before.
    p : float
        The order of the norm, which may be infinite.
    eps : float
        Added to each component of the difference.
    keepdim : bool
        Keep the last axis with size 1.

    Returns
    -------
    Tensor of shape (N,) or (); (N, 1) or (1,) with `keepdim`

    Raises
    ------
    ValueError
        If the shapes do not broadcast or have no axis, or `p` is NaN.
    TypeError
        If an input is no Tensor or array of floating-point numbers.

    Examples
    --------
    >>> import nbnn
    >>> import nbnn.nn.functional as F
    >>> F.pairwise_distance(nbnn.tensor([[3.0, 4.0]]), nbnn.zeros(1, 2))
    tensor([5.0000])
    """
    op = "pairwise_distance"
    order, shift = _order(op, p), _check.number(op, "eps", eps)
    keepdim = _check.flag(op, "keepdim", keepdim)
    for name, x in (("x1", x1), ("x2", x2)):
        _check.numeric(op, _check.tensor(op, name, x))
    if not x2._dtype.is_floating_point:
        x1 = from_integers(x1)
    a, b = _vectors(op, ("x1", "x2"), x1, x2)
    if not a._shape:
        raise ValueError(f"{op}: `x1` must have at least 1 axis; got shape ()")
    (wide_a, wide_b) = _widened(a, b)
    d = add(sub(wide_a, wide_b), shift)
    return cast(norm_along(op, d, order, (d.dim() - 1,), keepdim), a._dtype)


@takes_arrays
def cosine_similarity(x1: Tensor, x2: Tensor, dim: int = 1, eps: float = 1e-8) -> Tensor:
    r"""The cosine of the angle between vectors, :math:`x_1 \cdot x_2 / (\max(|x_1|, \epsilon) \max(|x_2|, \epsilon))`.

    The derivative is that without the bound :math:`\epsilon`, 0 for a norm of 0, as PyTorch chooses it.

    Parameters
    ----------
    x1, x2 : Tensor
        Shapes that broadcast.
    dim : int
        The axis of the vectors.
    eps : float
        The least that is divided by.

    Returns
    -------
    Tensor of the broadcast shape without `dim`

    Raises
    ------
    ValueError
        If the shapes do not broadcast.
    IndexError
        If `dim` does not exist.
    TypeError
        If an input is no Tensor or array of floating-point numbers.

    Examples
    --------
    >>> import nbnn
    >>> import nbnn.nn.functional as F
    >>> F.cosine_similarity(nbnn.tensor([[3.0, 4.0]]), nbnn.tensor([[4.0, 3.0]]))
    tensor([0.9600])
    """
    op = "cosine_similarity"
    low = _check.number(op, "eps", eps)
    a, b = _vectors(op, ("x1", "x2"), x1, x2)
    axis = (_check.dim(op, dim, a.dim()),) if a._shape else ()
    if not axis:
        _check.dim(op, dim, 0)
    wide = _widened(a, b)
    units = [div(x, apply(FLOOR, norm_along(op, x, 2.0, axis, True), params=(low,))) for x in wide]
    return cast(sum(mul(*units), axis) if axis else mul(*units), a._dtype)


@takes_arrays
def normalize(input: Tensor, p: float = 2.0, dim: Any = 1, eps: float = 1e-12, out: Tensor | None = None) -> Tensor:
    r"""Vectors of norm 1, :math:`x / \max(\lVert x \rVert_p, \epsilon)`.

    Parameters
    ----------
    input : Tensor
    p : float
        The order of the norm, which may be infinite.
    dim : int or tuple of int
        The axes of a vector.
    eps : float
        The least that is divided by.
    out : Tensor, optional
        Of the shape and dtype of `input`; takes the result.

    Returns
    -------
    Tensor of the shape of `input`

    Raises
    ------
    IndexError
        If an axis does not exist.
    ValueError
        If `out` has another shape or `p` is NaN.
    TypeError
        If `input` is no Tensor or array of floating-point numbers, or `out` has another dtype.

    Examples
    --------
    >>> import nbnn
    >>> import nbnn.nn.functional as F
    >>> F.normalize(nbnn.tensor([[3.0, 4.0]]))
    tensor([[0.6000, 0.8000]])
    """
    op = "normalize"
    order, low = _order(op, p), _check.number(op, "eps", eps)
    _check.floating(op, "input", input)
    axes = _check.dims(op, dim, input.dim())
    if not input._shape:
        axes = ()
    (x,) = _widened(input)
    y = cast(div(x, apply(BOUNDED, norm_along(op, x, order, axes, True), params=(low,))), input._dtype)
    if out is None:
        return y
    _check.same_dtype(op, input=input, out=out)
    if out._shape != input._shape:
        raise ValueError(f"{op}: `out` must have the shape of `input` {input._shape}; got {out._shape}")
    return copy_(out, y)


# -- all pairs of rows -------------------------------------------------------------------------------------------------
# params: rows of the first and of the second, their length, p


def _cdist_grad(node: Node, g: Tensor) -> tuple:
    a, b, distances = node.saved
    rows, others, length, p = node.params
    if is_grad_enabled():
        return _pair_gradients(g, a, b, distances, p)
    by_a = by_b = None
    if node.needs[0]:
        by_a = apply(CDIST_BACKWARD, g, a, b, distances, params=(rows, others, length, p, others, 1))
    if node.needs[1]:
        by_b = apply(CDIST_BACKWARD, g, b, a, distances, params=(others, rows, length, p, 1, others))
    return (by_a, by_b)


def _pair_gradients(g: Tensor, a: Tensor, b: Tensor, distances: Tensor, p: float) -> tuple:
    """The gradients made of ops, so that they can be differentiated again: (N, R, O, D) numbers of memory."""
    d = sub(unsqueeze(a, 2), unsqueeze(b, 1))
    if p == 0.0:
        return (mul(a, 0.0), mul(b, 0.0))
    if math.isinf(p):
        most = cast(eq(apply(ABS, d.detach()), unsqueeze(distances.detach(), 3)), g._dtype)
        each = mul(mul(unsqueeze(g, 3), most), apply(SIGNED_POWER, d.detach(), params=(0.0,)))
    else:
        factor = mul(g, apply(SIGNED_POWER, distances, params=(1.0 - p,)))
        each = mul(unsqueeze(factor, 3), apply(SIGNED_POWER, d, params=(p - 1.0,)))
    return (sum(each, 2), neg(sum(each, 1)))


CDIST = Op(
    "cdist",
    K.cdist,
    shape=lambda params, a, b: ((a[0], a[1], b[1]),),
    work=lambda params, *_: 4 * params[2] + 1,
    saves_inputs=(0, 1),
    saves_outputs=(0,),
    grad=_cdist_grad,
)
CDIST_BACKWARD = Op(
    "cdist_backward",
    K.cdist_backward,
    shape=lambda params, g, a, b, distances: (a,),
    dtypes=(None,),
    count=lambda params, g, a, *_: a[0] * a[1],
    work=lambda params, *_: 8 * params[1] * params[2] + 1,
)
_MODES = ("use_mm_for_euclid_dist_if_necessary", "use_mm_for_euclid_dist", "donot_use_mm_for_euclid_dist")


@takes_arrays
def cdist(x1: Tensor, x2: Tensor, p: float = 2.0, compute_mode: str = _MODES[0]) -> Tensor:
    r"""The distances of all pairs of vectors, :math:`d_{ij} = \lVert x_{1,i} - x_{2,j} \rVert_p`.

    Every distance is summed over the differences themselves, so that near vectors lose no digits.

    Parameters
    ----------
    x1, x2 : Tensor of shape (\*, P, D) and (\*, R, D)
        The axes before may broadcast.
    p : float
        The order of the norm, at least 0; it may be infinite.
    compute_mode : str
        PyTorch's names of its ways; all give the same here.

    Returns
    -------
    Tensor of shape (\*, P, R)

    Raises
    ------
    ValueError
        If shapes do not fit, or `p` or `compute_mode` is out of range.
    TypeError
        If an input is no Tensor or array of floating-point numbers, or their dtypes differ.

    Examples
    --------
    >>> import nbnn
    >>> nbnn.cdist(nbnn.tensor([[0.0, 0.0], [3.0, 4.0]]), nbnn.zeros(1, 2))
    tensor([[0.],
            [5.]])
    """
    op = "cdist"
    order = _order(op, p, 0.0)
    if compute_mode not in _MODES:
        raise ValueError(f"{op}: `compute_mode` (={compute_mode!r}) must be one of {', '.join(map(repr, _MODES))}")
    for name, x in (("x1", x1), ("x2", x2)):
        _check.floating(op, name, x)
        if x.dim() < 2:
            raise ValueError(f"{op}: `{name}` must have at least 2 axes, (*, P, D); got shape {x._shape}")
    _check.same_dtype(op, x1=x1, x2=x2)
    (*_, rows, length), (*_, others, width) = x1._shape, x2._shape
    if length != width:
        raise ValueError(f"{op}: the vectors must have one length; got x1 {x1._shape}, x2 {x2._shape}")
    lead = _check.broadcast_shapes(op, x1._shape[:-2], x2._shape[:-2])
    count = math.prod(lead)
    a, b = _widened(x1, x2)
    a = broadcast_to(a, (*lead, rows, length)).reshape(count, rows, length)
    b = broadcast_to(b, (*lead, others, length)).reshape(count, others, length)
    found = apply(CDIST, a, b, params=(rows, others, length, order))
    return cast(found.reshape(*lead, rows, others), x1._dtype)


@takes_arrays
def pdist(input: Tensor, p: float = 2) -> Tensor:
    r"""The distances of all pairs of rows, :math:`\lVert x_i - x_j \rVert_p` for i < j, row by row.

    Parameters
    ----------
    input : Tensor of shape (N, D)
    p : float
        The order of the norm, at least 0; it may be infinite.

    Returns
    -------
    Tensor of shape (N (N - 1) / 2,)

    Raises
    ------
    ValueError
        If `input` has not 2 axes or `p` is out of range.
    TypeError
        If `input` is no Tensor or array of floating-point numbers.

    Examples
    --------
    >>> import nbnn
    >>> import nbnn.nn.functional as F
    >>> F.pdist(nbnn.tensor([[0.0], [1.0], [3.0]]))
    tensor([1., 3., 2.])
    """
    op = "pdist"
    order = _order(op, p, 0.0)
    _check.floating(op, "input", input)
    if input.dim() != 2:
        raise ValueError(f"{op}: `input` must have shape (N, D); got {input._shape}")
    n = input._shape[0]
    first, second = np.triu_indices(n, 1)
    at = as_tensor(first * n + second, device=input.device)
    return getitem(cdist(input, input, order).reshape(n * n), at)
