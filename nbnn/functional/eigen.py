"""Eigenvalues of symmetric matrices, pseudo-inverses, and what is made of products and solutions."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from nbnn.functional import _check
from nbnn.functional.arithmetic import add, div, mul, neg, sub
from nbnn.functional.array import sum as total
from nbnn.functional.choice import where
from nbnn.functional.comparison import gt, lt
from nbnn.functional.creation import eye, zeros_like
from nbnn.functional.decomposition import _back, _host, _matrices, inv, slogdet, solve, svdvals
from nbnn.functional.decomposition import qr as _qr
from nbnn.functional.decomposition import svd as _svd
from nbnn.functional.extreme import amax
from nbnn.functional.linear import matmul
from nbnn.functional.masking import masked_fill
from nbnn.functional.rearrange import diag_embed, tril, triu
from nbnn.functional.shape import broadcast_to, reshape, unsqueeze
from nbnn.functional.views import matrix_transpose
from nbnn.op import Op, apply, takes_arrays
from nbnn.tensor import Tensor


class Eigen(NamedTuple):
    """The eigenvalues of symmetric matrices and, as columns, the vectors."""

    eigenvalues: Tensor
    eigenvectors: Tensor


class LeastSquares(NamedTuple):
    """A solution of least squares; the sums of squares that are left."""

    solution: Tensor
    residuals: Tensor


def _eigh_forward(a: Tensor, params: tuple) -> tuple[Tensor, ...]:
    return tuple(_back(part, a) for part in np.linalg.eigh(_host(a), *params))


def _eigh_grad(node: Any, gl: Tensor, gv: Tensor) -> tuple:
    """V (diag(gL) + (V^T gV) / E) V^T with E_ij = L_j - L_i off the diagonal."""
    values, vectors = node.saved
    turned = matrix_transpose(vectors)
    apart = sub(unsqueeze(values, -2), unsqueeze(values, -1))
    own = eye(values._shape[-1], device=values.device).bool()
    inner = masked_fill(div(matmul(turned, gv), masked_fill(apart, own, 1)), own, 0)
    return (matmul(matmul(vectors, add(diag_embed(gl), inner)), turned),)


def _pinv_forward(a: Tensor, params: tuple) -> tuple[Tensor]:
    return (_back(np.linalg.pinv(_host(a), params[0]), a),)


def _pinv_grad(node: Any, g: Tensor) -> tuple:
    """The adjoint of Golub and Pereyra's differential (1973)."""
    a, p = node.saved
    pt, gt_ = matrix_transpose(p), matrix_transpose(g)
    left = sub(eye(a._shape[-2], dtype=a._dtype, device=a.device), matmul(a, p))
    right = sub(eye(a._shape[-1], dtype=a._dtype, device=a.device), matmul(p, a))
    beside = add(matmul(matmul(matmul(left, gt_), p), pt), matmul(matmul(matmul(pt, p), gt_), right))
    return (add(neg(matmul(matmul(pt, g), pt)), beside),)


EIGH = Op("eigh", forward=_eigh_forward, grad=_eigh_grad, saves_outputs=(0, 1))
PINV = Op("pinv", forward=_pinv_forward, grad=_pinv_grad, saves_inputs=(0,), saves_outputs=(0,))


@takes_arrays
def eigh(A: Tensor, UPLO: str = "L") -> Eigen:
    """The eigenvalues of symmetric matrices in rising order, and their vectors: A = V diag(L) V^T.

    Gradients of the vectors need eigenvalues that differ.

    Parameters
    ----------
    A : Tensor of shape (..., n, n)
        float32 or float64.
    UPLO : {"L", "U"}
        Which triangle is read.

    Returns
    -------
    named tuple ``(eigenvalues, eigenvectors)``

    Raises
    ------
    ValueError
        If the matrices are not square, or `UPLO` is another.
    TypeError
        If the type is another.

    Examples
    --------
    >>> import nbnn
    >>> nbnn.linalg.eigh(nbnn.tensor([[0.0, 2.0], [2.0, 0.0]])).eigenvalues
    tensor([-2.,  2.])
    """
    _check.one_of("eigh", "UPLO", UPLO, ("L", "U"))
    return Eigen(*apply(EIGH, _matrices("eigh", "A", A, True), params=(UPLO,)))


@takes_arrays
def eigvalsh(A: Tensor, UPLO: str = "L") -> Tensor:
    """The eigenvalues of symmetric matrices in rising order: see `eigh`.

    Raises
    ------
    ValueError
        If the matrices are not square, or `UPLO` is another.
    TypeError
        If the type is another.

    Examples
    --------
    >>> import nbnn
    >>> nbnn.linalg.eigvalsh(nbnn.tensor([[0.0, 2.0], [2.0, 0.0]]))
    tensor([-2.,  2.])
    """
    _check.one_of("eigvalsh", "UPLO", UPLO, ("L", "U"))
    return apply(EIGH, _matrices("eigvalsh", "A", A, True), params=(UPLO,))[0]


@takes_arrays
def pinv(A: Tensor, rcond: float = 1e-15) -> Tensor:
    """The pseudo-inverses of matrices (Moore, Penrose).

    Parameters
    ----------
    A : Tensor of shape (..., m, n)
        float32 or float64.
    rcond : float
        Singular values less than this times the largest count as 0.

    Raises
    ------
    ValueError
        If `A` has fewer than two axes.
    TypeError
        If the type is another.

    Examples
    --------
    >>> import nbnn
    >>> nbnn.linalg.pinv(nbnn.tensor([[2.0, 0.0], [0.0, 0.0]]))
    tensor([[0.5000, 0.0000],
            [0.0000, 0.0000]])
    """
    x = _matrices("pinv", "A", A, False)
    return apply(PINV, x, params=(_check.number("pinv", "rcond", rcond),))


@takes_arrays
def lstsq(A: Tensor, B: Tensor) -> LeastSquares:
    r"""The X of least norm among those that minimise :math:`\|A X - B\|`.

    Parameters
    ----------
    A : Tensor of shape (..., m, n)
    B : Tensor of shape (..., m, k) or (m,)

    Returns
    -------
    named tuple ``(solution, residuals)``

    Raises
    ------
    ValueError
        If the shapes do not fit.
    TypeError
        If a type is another than float32 or float64.

    Examples
    --------
    >>> import nbnn
    >>> nbnn.linalg.lstsq(nbnn.tensor([[1.0], [1.0]]), nbnn.tensor([[1.0], [3.5]])).solution
    tensor([[2.2500]])
    """
    a, b = _matrices("lstsq", "A", A, False), _check.tensor("lstsq", "B", B)
    _check.same_dtype("lstsq", A=a, B=b)
    line = b.dim() == 1
    if not b._shape or b._shape[0 if line else -2] != a._shape[-2]:
        raise ValueError(f"lstsq: `B` must have the {a._shape[-2]} rows of `A`; got shapes {a._shape} and {b._shape}")
    right = unsqueeze(b, -1) if line else b
    found = matmul(pinv(a, 1e-7 if a._dtype.itemsize == 4 else 1e-15), right)
    off = sub(matmul(a, found), right)
    return LeastSquares(reshape(found, found._shape[:-1]) if line else found, total(mul(off, off), -2))


@takes_arrays
def matrix_power(A: Tensor, n: int) -> Tensor:
    """Matrices multiplied by themselves: `n` factors, inverses where `n` is negative.

    Raises
    ------
    ValueError
        If the matrices are not square, or not invertible where that is needed.
    TypeError
        If `n` is no int, or the type another than float32 or float64.

    Examples
    --------
    >>> import nbnn
    >>> nbnn.linalg.matrix_power(nbnn.tensor([[1.0, 1.0], [0.0, 1.0]]), 3)
    tensor([[1., 3.],
            [0., 1.]])
    """
    x, times = _matrices("matrix_power", "A", A, True), _check.integer("matrix_power", "n", n)
    factor, found = (inv(x) if times < 0 else x), None
    times = abs(times)
    while times:
        if times & 1:
            found = factor if found is None else matmul(found, factor)
        times >>= 1
        factor = matmul(factor, factor) if times else factor
    one = eye(x._shape[-1], dtype=x._dtype, device=x.device)
    return broadcast_to(one, x._shape).clone() if found is None else found.clone() if found is x else found


@takes_arrays
def matrix_rank(A: Tensor, *, tol: float | None = None) -> Tensor:
    """The number of singular values above `tol`: by default the largest, times max(m, n), times the type's resolution.

    Raises
    ------
    ValueError
        If `A` has fewer than two axes.
    TypeError
        If the type is another than float32 or float64.

    Examples
    --------
    >>> import nbnn
    >>> nbnn.linalg.matrix_rank(nbnn.ones(3, 3))
    tensor(1)
    """
    x = _matrices("matrix_rank", "A", A, False).detach()
    values = svdvals(x)
    if tol is not None:
        limit: Any = _check.number("matrix_rank", "tol", tol)
    else:
        limit = mul(amax(values, -1, True), max(x._shape[-2:]) * float(np.finfo(x._dtype.numpy).eps))
    return total(gt(values, limit), -1)


@takes_arrays
def multi_dot(tensors: Any) -> Tensor:
    """The product of two or more matrices; the first and the last may be vectors.

    Raises
    ------
    ValueError
        If there are fewer than two, or the shapes do not fit.

    Examples
    --------
    >>> import nbnn
    >>> nbnn.linalg.multi_dot([nbnn.ones(2, 3), nbnn.ones(3, 4), nbnn.ones(4)])
    tensor([12., 12.])
    """
    given = [_check.tensor("multi_dot", "tensors", x) for x in tensors]
    if len(given) < 2:
        raise ValueError(f"multi_dot: `tensors` must be two or more; got {len(given)}")
    while len(given) > 1:  # the pair whose common axis is longest first: greedy, not always the cheapest
        at = max(range(len(given) - 1), key=lambda k: given[k]._shape[-1])
        given[at : at + 2] = [matmul(given[at], given[at + 1])]
    return given[0]


@takes_arrays
def solve_triangular(A: Tensor, B: Tensor, *, upper: bool, left: bool = True, unitriangular: bool = False) -> Tensor:
    """The X with A X = B (or X A = B) for triangular matrices, of which one triangle is read.

    Parameters
    ----------
    A : Tensor of shape (..., n, n)
    B : Tensor of shape (..., n, k)
    upper : bool
        Which triangle.
    left : bool
        On which side of X the matrix stands.
    unitriangular : bool
        Take ones for the diagonal.

    Raises
    ------
    ValueError
        If the shapes do not fit, or a matrix is not invertible.
    TypeError
        If a type is another than float32 or float64.

    Examples
    --------
    >>> import nbnn
    >>> nbnn.linalg.solve_triangular(nbnn.tensor([[2.0, 9.0], [1.0, 1.0]]), nbnn.ones(2, 1), upper=False)
    tensor([[0.5000],
            [0.5000]])
    """
    op = "solve_triangular"
    x = _matrices(op, "A", A, True)
    if _check.flag(op, "unitriangular", unitriangular):
        part = triu(x, 1) if upper else tril(x, -1)
        x = add(part, eye(x._shape[-1], dtype=x._dtype, device=x.device))
    else:
        x = triu(x) if _check.flag(op, "upper", upper) else tril(x)
    return solve(x, _matrices(op, "B", B, False), left=_check.flag(op, "left", left))


@takes_arrays
def logdet(input: Tensor) -> Tensor:
    """The logarithm of the determinants of matrices: NaN where one is negative.

    Raises
    ------
    ValueError
        If the matrices are not square.

    Examples
    --------
    >>> import nbnn
    >>> nbnn.logdet(nbnn.eye(2) * 2)
    tensor(1.3863)
    """
    sign, value = slogdet(_matrices("logdet", "input", input, True))
    return where(lt(sign, 0), float("nan"), value)


@takes_arrays
def inverse(input: Tensor) -> Tensor:
    """`linalg.inv`: the inverses of matrices.

    Raises
    ------
    ValueError
        If one is not square, or not invertible.

    Examples
    --------
    >>> import nbnn
    >>> nbnn.inverse(nbnn.tensor([[2.0]]))
    tensor([[0.5000]])
    """
    return inv(_matrices("inverse", "input", input, True))


@takes_arrays
def pinverse(input: Tensor, rcond: float = 1e-15) -> Tensor:
    """`linalg.pinv`: the pseudo-inverses of matrices.

    Raises
    ------
    ValueError
        If `input` has fewer than two axes.

    Examples
    --------
    >>> import nbnn
    >>> nbnn.pinverse(nbnn.tensor([[2.0]]))
    tensor([[0.5000]])
    """
    return pinv(_matrices("pinverse", "input", input, False), rcond)


@takes_arrays
def svd(input: Tensor, some: bool = True, compute_uv: bool = True) -> tuple[Tensor, Tensor, Tensor]:
    """The U, S and V with U diag(S) V^T = A, as old programs call it; `linalg.svd` gives V^T.

    Parameters
    ----------
    input : Tensor of shape (..., m, n)
    some : bool
        Whether U and V have min(m, n) columns.
    compute_uv : bool
        False leaves zeros in the place of U and V.

    Raises
    ------
    ValueError
        If `input` has fewer than two axes.

    Examples
    --------
    >>> import nbnn
    >>> nbnn.svd(nbnn.tensor([[0.0, 2.0], [1.0, 0.0]]))[1]
    tensor([2., 1.])
    """
    u, s, vh = _svd(_matrices("svd", "input", input, False), full_matrices=not _check.flag("svd", "some", some))
    v = matrix_transpose(vh)
    return (u, s, v) if _check.flag("svd", "compute_uv", compute_uv) else (zeros_like(u), s, zeros_like(v))


@takes_arrays
def qr(input: Tensor, some: bool = True) -> tuple[Tensor, Tensor]:
    """`linalg.qr` as old programs call it: with `some` False, in the complete mode.

    Raises
    ------
    ValueError
        If `input` has fewer than two axes.

    Examples
    --------
    >>> import nbnn
    >>> nbnn.qr(nbnn.ones(3, 2))[1].shape
    nbnn.Size([2, 2])
    """
    mode = "reduced" if _check.flag("qr", "some", some) else "complete"
    return _qr(_matrices("qr", "input", input, False), mode)
