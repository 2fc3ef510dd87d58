"""Linear algebra of batches of matrices: decompositions by NumPy, gradients by ops of this library."""

from __future__ import annotations

from typing import Any

import numpy as np

from nbnn import dtypes
from nbnn.functional import _check
from nbnn.functional.arithmetic import add, div, mul, neg, sub
from nbnn.functional.array import sum as total
from nbnn.functional.creation import empty, eye
from nbnn.functional.indexing import narrow
from nbnn.functional.joining import cat
from nbnn.functional.linear import matmul
from nbnn.functional.rearrange import diag_embed, tril
from nbnn.functional.shape import broadcast_to, reshape, unsqueeze
from nbnn.functional.views import matrix_transpose
from nbnn.op import Op, apply, takes_arrays
from nbnn.tensor import Tensor, from_array, host_view


def _host(x: Tensor) -> np.ndarray:
    return host_view(x.detach())


def _back(values: Any, x: Tensor) -> Tensor:
    """A result of NumPy where `x` lies."""
    return from_array(np.array(values, order="C")).to(x.device)


def _matrices(op: str, name: str, value: Any, square: bool) -> Tensor:
    x = _check.tensor(op, name, value)
    if x._dtype not in (dtypes.float32, dtypes.float64):
        raise TypeError(f"{op}: `{name}` must have dtype float32 or float64; got {x._dtype!r}")
    if x.dim() < 2 or (square and x._shape[-1] != x._shape[-2]):
        shape = "(..., n, n)" if square else "(..., m, n)"
        raise ValueError(f"{op}: `{name}` must have shape {shape}; got {x._shape}")
    return x


def _solved(op: str, function: Any, *args: np.ndarray) -> Any:
    try:
        return function(*args)
    except np.linalg.LinAlgError:
        rule = "positive definite" if op == "cholesky" else "invertible"
        raise ValueError(f"{op}: every matrix of `A` must be {rule}; got one that is not") from None


# -- inverse, solution, determinant --------------------------------------------------------------------------------


def _inv_forward(a: Tensor, params: tuple) -> tuple[Tensor]:
    return (_back(_solved("inv", np.linalg.inv, _host(a)), a),)


def _inv_grad(node: Any, g: Tensor) -> tuple:
    turned = matrix_transpose(node.saved[0])
    return (neg(matmul(matmul(turned, g), turned)),)


def _solve_forward(a: Tensor, b: Tensor, params: tuple) -> tuple[Tensor]:
    return (_back(_solved("solve", np.linalg.solve, _host(a), _host(b)), a),)


def _solve_grad(node: Any, g: Tensor) -> tuple:
    a, x = node.saved
    db = apply(SOLVE, matrix_transpose(a), g)
    return neg(matmul(db, matrix_transpose(x))) if node.needs[0] else None, db


def _det_forward(a: Tensor, params: tuple) -> tuple[Tensor]:
    return (_back(np.linalg.det(_host(a)), a),)


def _det_grad(node: Any, g: Tensor) -> tuple:
    return (mul(_corners(g), matrix_transpose(apply(ADJUGATE, node.saved[0]))),)


def _adjugate_forward(a: Tensor, params: tuple) -> tuple[Tensor]:
    """det(A) A^-1 from singular values, each multiplied by none of its own: exact for singular matrices too."""
    values = _host(a)
    if not np.isfinite(values).all():
        return (_back(np.full_like(values, np.nan), a),)
    u, s, vh = np.linalg.svd(values)
    ones = np.ones_like(s[..., :1])
    before = np.cumprod(np.concatenate([ones, s[..., :-1]], -1)[..., : s.shape[-1]], -1)
    after = np.cumprod(np.concatenate([ones, s[..., :0:-1]], -1)[..., : s.shape[-1]], -1)[..., ::-1]
    sign = np.sign(np.linalg.det(u) * np.linalg.det(vh))[..., None]
    rows = np.swapaxes(vh, -1, -2) * (before * after * sign)[..., None, :]
    return (_back((rows @ np.swapaxes(u, -1, -2)).astype(values.dtype), a),)


def _adjugate_grad(node: Any, g: Tensor) -> tuple:
    """(<g, adj> - adj^T g) A^-T, where there is an inverse."""
    a, adjugate = node.saved
    inverse = matrix_transpose(apply(INV, a))
    inner = _corners(total(total(mul(g, adjugate), -1), -1))
    return (sub(mul(inner, inverse), matmul(matmul(matrix_transpose(adjugate), g), inverse)),)


def _slogdet_forward(a: Tensor, params: tuple) -> tuple[Tensor, ...]:
    return tuple(_back(part, a) for part in np.linalg.slogdet(_host(a)))


def _slogdet_grad(node: Any, sign: Tensor, g: Tensor) -> tuple:
    return (mul(_corners(g), matrix_transpose(apply(INV, node.saved[0]))),)


def _corners(g: Tensor) -> Tensor:
    """One number for each matrix, to be multiplied with all of it."""
    return unsqueeze(unsqueeze(g, -1), -1)


INV = Op("inv", forward=_inv_forward, grad=_inv_grad, saves_outputs=(0,))
SOLVE = Op("solve", forward=_solve_forward, grad=_solve_grad, saves_inputs=(0,), saves_outputs=(0,))
DET = Op("det", forward=_det_forward, grad=_det_grad, saves_inputs=(0,))
ADJUGATE = Op("adjugate", forward=_adjugate_forward, grad=_adjugate_grad, saves_inputs=(0,), saves_outputs=(0,))
SLOGDET = Op("slogdet", forward=_slogdet_forward, grad=_slogdet_grad, saves_inputs=(0,))


@takes_arrays
def inv(A: Tensor) -> Tensor:
    """The inverse of square matrices.

    Parameters
    ----------
    A : Tensor of shape (..., n, n)

    Raises
    ------
    ValueError
        If a matrix has no inverse.

    Examples
    --------
    >>> import nbnn
    >>> nbnn.linalg.inv(nbnn.tensor([[2.0, 0.0], [0.0, 4.0]]))
    tensor([[0.5000, 0.0000],
            [0.0000, 0.2500]])
    """
    return apply(INV, _matrices("inv", "A", A, True))


@takes_arrays
def solve(A: Tensor, B: Tensor, *, left: bool = True) -> Tensor:
    """The X with A X = B (with X A = B for ``left=False``).

    Parameters
    ----------
    A : Tensor of shape (..., n, n)
    B : Tensor of shape (..., n, k), or (..., n)
        A batch of vectors where it has the shape of `A` without the last axis, or one axis.
    left : bool

    Raises
    ------
    ValueError
        If a matrix is singular, or the shapes do not fit.

    Examples
    --------
    >>> import nbnn
    >>> nbnn.linalg.solve(nbnn.tensor([[2.0, 0.0], [0.0, 4.0]]), nbnn.tensor([2.0, 2.0]))
    tensor([1.0000, 0.5000])
    """
    a, b = _matrices("solve", "A", A, True), _check.tensor("solve", "B", B)
    _check.same_dtype("solve", A=a, B=b)
    vector = b.dim() == 1 or (b.dim() == a.dim() - 1 and b._shape == a._shape[:-1])
    if not left and not vector:
        return matrix_transpose(solve(matrix_transpose(a), matrix_transpose(_matrices("solve", "B", b, False))))
    if not left:
        raise ValueError(f"solve: `B` must hold matrices for left=False; got vectors {b._shape}")
    columns = unsqueeze(b, -1) if vector else b
    if columns._shape[-2] != a._shape[-1]:
        raise ValueError(f"solve: `B` must have {a._shape[-1]} rows like `A`; got {b._shape} for {a._shape}")
    batch = _check.broadcast_shapes("solve", a._shape[:-2], columns._shape[:-2])
    a, columns = (broadcast_to(t, (*batch, *t._shape[-2:])) for t in (a, columns))
    out = apply(SOLVE, a, columns)
    return reshape(out, out._shape[:-1]) if vector else out


@takes_arrays
def det(A: Tensor) -> Tensor:
    """The determinant of square matrices. Its second derivatives need matrices that have an inverse.

    Parameters
    ----------
    A : Tensor of shape (..., n, n)

    Raises
    ------
    ValueError
        If the matrices are not square.

    Examples
    --------
    >>> import nbnn
    >>> nbnn.linalg.det(nbnn.tensor([[2.0, 1.0], [0.0, 4.0]]))
    tensor(8.)
    """
    return apply(DET, _matrices("det", "A", A, True))


@takes_arrays
def slogdet(A: Tensor) -> tuple[Tensor, Tensor]:
    """The sign of the determinant, and the logarithm of its size.

    Parameters
    ----------
    A : Tensor of shape (..., n, n)

    Raises
    ------
    ValueError
        If the matrices are not square.

    Examples
    --------
    >>> import nbnn
    >>> nbnn.linalg.slogdet(nbnn.tensor([[1.0, 0.0], [0.0, -1.0]]))
    (tensor(-1.), tensor(0.))
    """
    return apply(SLOGDET, _matrices("slogdet", "A", A, True))


# -- decompositions ------------------------------------------------------------------------------------------------


def _cholesky_forward(a: Tensor, params: tuple) -> tuple[Tensor]:
    return (_back(_solved("cholesky", np.linalg.cholesky, _host(a)), a),)


def _cholesky_grad(node: Any, g: Tensor) -> tuple:
    """L^-T P(L^T g) L^-1, symmetric, where P keeps the lower triangle and half the diagonal."""
    (low,) = node.saved
    turned = matrix_transpose(low)
    inner = matmul(turned, g)
    half = mul(add(tril(inner), tril(inner, -1)), 0.5)
    left = apply(SOLVE, turned, half)
    both = matrix_transpose(apply(SOLVE, turned, matrix_transpose(left)))
    return (mul(add(both, matrix_transpose(both)), 0.5),)


CHOLESKY = Op("cholesky", forward=_cholesky_forward, grad=_cholesky_grad, saves_outputs=(0,))


@takes_arrays
def cholesky(A: Tensor, *, upper: bool = False) -> Tensor:
    """The triangular L with L L^T = A, of symmetric positive definite matrices; their lower triangle is read.

    Parameters
    ----------
    A : Tensor of shape (..., n, n)
    upper : bool
        Return the transpose.

    Raises
    ------
    ValueError
        If a matrix is not positive definite.

    Examples
    --------
    >>> import nbnn
    >>> nbnn.linalg.cholesky(nbnn.tensor([[4.0, 2.0], [2.0, 2.0]]))
    tensor([[2., 0.],
            [1., 1.]])
    """
    low = apply(CHOLESKY, _matrices("cholesky", "A", A, True))
    return matrix_transpose(low) if upper else low


def _qr_forward(a: Tensor, params: tuple) -> tuple[Tensor, ...]:
    return tuple(_back(part, a) for part in np.linalg.qr(_host(a), params[0]))


def _qr_grad(node: Any, gq: Tensor, gr: Tensor) -> tuple:
    """(gQ + Q M) R^-T with M = R gR^T - gQ^T Q, its lower triangle mirrored."""
    q, r = node.saved
    if r._shape[-2] != r._shape[-1] or q._shape[-1] != r._shape[-1]:
        raise ValueError(f"qr: the complete mode has no gradient for m > n; got Q {q._shape}, R {r._shape}")
    inner = sub(matmul(r, matrix_transpose(gr)), matmul(matrix_transpose(gq), q))
    mirrored = add(tril(inner), matrix_transpose(tril(inner, -1)))
    total = add(gq, matmul(q, mirrored))
    return (matrix_transpose(apply(SOLVE, r, matrix_transpose(total))),)


QR = Op("qr", forward=_qr_forward, grad=_qr_grad, saves_outputs=(0, 1))


@takes_arrays
def qr(A: Tensor, mode: str = "reduced") -> tuple[Tensor, Tensor]:
    """Matrices as the product of Q with orthonormal columns and an upper triangular R.

    Parameters
    ----------
    A : Tensor of shape (..., m, n)
    mode : {"reduced", "complete", "r"}
        Whether Q has min(m, n) columns, or m (for m > n without a gradient), or is left out, an empty Tensor.

    Raises
    ------
    ValueError
        If `mode` is none of these.

    Examples
    --------
    >>> import nbnn
    >>> q, r = nbnn.linalg.qr(nbnn.ones(3, 2))
    >>> q.shape, r.shape
    (nbnn.Size([3, 2]), nbnn.Size([2, 2]))
    """
    if mode not in ("reduced", "complete", "r"):
        raise ValueError(f"qr: `mode` (={mode!r}) must be 'reduced', 'complete' or 'r'")
    x = _matrices("qr", "A", A, False)
    m, n = x._shape[-2:]
    if m < n:  # the first m columns, which give Q, and the others in its basis
        q, r = apply(QR, narrow(x, -1, 0, m), params=("reduced",))
        r = cat([r, matmul(matrix_transpose(q), narrow(x, -1, m, n - m))], -1)
    else:
        q, r = apply(QR, x, params=("complete" if mode == "complete" else "reduced",))
    return (empty(0, dtype=x._dtype, device=x.device) if mode == "r" else q), r


def _svd_forward(a: Tensor, params: tuple) -> tuple[Tensor, ...]:
    return tuple(_back(part, a) for part in np.linalg.svd(_host(a), full_matrices=params[0]))


def _svd_grad(node: Any, gu: Tensor, gs: Tensor, gvh: Tensor) -> tuple:
    """The gradients of U and V turn within the spans of each other, and to what is orthogonal to both."""
    u, s, vh = node.saved
    count = s._shape[-1]  # what full matrices have beyond is any basis: it has no derivative
    u, gu, vh, gvh = (
        narrow(u, -1, 0, count),
        narrow(gu, -1, 0, count),
        narrow(vh, -2, 0, count),
        narrow(gvh, -2, 0, count),
    )
    v, gv = matrix_transpose(vh), matrix_transpose(gvh)
    squares, one = mul(s, s), eye(s._shape[-1], dtype=s._dtype, device=s.device)
    gaps = add(sub(unsqueeze(squares, -2), unsqueeze(squares, -1)), one)  # s_j^2 - s_i^2, and 1 on the diagonal
    turn_u, turn_v = (_skew(matmul(matrix_transpose(b), g)) for b, g in ((u, gu), (v, gv)))
    row, column = unsqueeze(s, -2), unsqueeze(s, -1)
    inner = add(mul(div(turn_u, gaps), row), mul(column, div(turn_v, gaps)))
    total = matmul(matmul(u, add(inner, diag_embed(gs))), vh)
    if u._shape[-2] > u._shape[-1]:
        total = add(total, matmul(div(_outside(u, gu), row), vh))
    if v._shape[-2] > v._shape[-1]:
        total = add(total, matmul(u, matrix_transpose(div(_outside(v, gv), row))))
    return (total,)


def _skew(x: Tensor) -> Tensor:
    return sub(x, matrix_transpose(x))


def _outside(basis: Tensor, g: Tensor) -> Tensor:
    """The part of the columns of `g` that is orthogonal to those of `basis`."""
    return sub(g, matmul(basis, matmul(matrix_transpose(basis), g)))


SVD = Op("svd", forward=_svd_forward, grad=_svd_grad, saves_outputs=(0, 1, 2))


@takes_arrays
def svd(A: Tensor, full_matrices: bool = True) -> tuple[Tensor, Tensor, Tensor]:
    """The U, S and V^T with U diag(S) V^T = A, the singular values S in falling order.

    Gradients need singular values that differ; vectors beyond the first min(m, n) have none.

    Parameters
    ----------
    A : Tensor of shape (..., m, n)
    full_matrices : bool
        Whether U and V are square, or have min(m, n) columns.

    Raises
    ------
    TypeError
        If `A` is not of float32 or float64.

    Examples
    --------
    >>> import nbnn
    >>> nbnn.linalg.svd(nbnn.tensor([[0.0, 2.0], [1.0, 0.0]]))[1]
    tensor([2., 1.])
    """
    return apply(SVD, _matrices("svd", "A", A, False), params=(bool(full_matrices),))


@takes_arrays
def svdvals(A: Tensor) -> Tensor:
    """The singular values of matrices, in falling order.

    Parameters
    ----------
    A : Tensor of shape (..., m, n)

    Raises
    ------
    TypeError
        If `A` is not of float32 or float64.

    Examples
    --------
    >>> import nbnn
    >>> nbnn.linalg.svdvals(nbnn.tensor([[0.0, 2.0], [1.0, 0.0]]))
    tensor([2., 1.])
    """
    return apply(SVD, _matrices("svdvals", "A", A, False), params=(False,))[1]
