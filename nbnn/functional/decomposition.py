"""Linear algebra of batches of matrices: decompositions by NumPy, gradients by ops of this library."""

from __future__ import annotations

from typing import Any

import numpy as np

from nbnn import dtypes
from nbnn.functional import _check
from nbnn.functional.arithmetic import add, div, mul, neg, sub
from nbnn.functional.creation import eye
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
    a, value = node.saved
    return (mul(_corners(mul(g, value)), matrix_transpose(apply(INV, a))),)


def _slogdet_forward(a: Tensor, params: tuple) -> tuple[Tensor, ...]:
    return tuple(_back(part, a) for part in np.linalg.slogdet(_host(a)))


def _slogdet_grad(node: Any, sign: Tensor, g: Tensor) -> tuple:
    return (mul(_corners(g), matrix_transpose(apply(INV, node.saved[0]))),)


def _corners(g: Tensor) -> Tensor:
    """One number for each matrix, to be multiplied with all of it."""
    return unsqueeze(unsqueeze(g, -1), -1)


INV = Op("inv", forward=_inv_forward, grad=_inv_grad, saves_outputs=(0,))
SOLVE = Op("solve", forward=_solve_forward, grad=_solve_grad, saves_inputs=(0,), saves_outputs=(0,))
DET = Op("det", forward=_det_forward, grad=_det_grad, saves_inputs=(0,), saves_outputs=(0,))
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
    """The determinant of square matrices; it can be differentiated where it is not 0.

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
        raise ValueError(f"qr: only the reduced mode of tall matrices has a gradient; got Q {q._shape}, R {r._shape}")
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
    mode : {"reduced", "complete"}
        Whether Q has min(m, n) columns or m. Only the first, for m >= n, has a gradient.

    Raises
    ------
    ValueError
        If `mode` is neither.

    Examples
    --------
    >>> import nbnn
    >>> q, r = nbnn.linalg.qr(nbnn.ones(3, 2))
    >>> q.shape, r.shape
    (nbnn.Size([3, 2]), nbnn.Size([2, 2]))
    """
    if mode not in ("reduced", "complete"):
        raise ValueError(f"qr: `mode` (={mode!r}) must be 'reduced' or 'complete'")
    return apply(QR, _matrices("qr", "A", A, False), params=(mode,))


def _svd_forward(a: Tensor, params: tuple) -> tuple[Tensor, ...]:
    return tuple(_back(part, a) for part in np.linalg.svd(_host(a), full_matrices=params[0]))


def _svd_grad(node: Any, gu: Tensor, gs: Tensor, gvh: Tensor) -> tuple:
    """The gradients of U and V turn within the spans of each other, and to what is orthogonal to both."""
    u, s, vh = node.saved
    if node.params[0] and u._shape[-1] != vh._shape[-1]:
        raise ValueError("svd: with full_matrices=True only square matrices have a gradient")
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

    Gradients need singular values that differ, and ``full_matrices=False`` unless the matrices are square.

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
