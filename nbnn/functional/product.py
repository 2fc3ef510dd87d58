"""Products of matrices and vectors of given rank, and such products added to something."""

from __future__ import annotations

from typing import Any

from nbnn.functional import _check
from nbnn.functional.arithmetic import add, mul
from nbnn.functional.linear import matmul
from nbnn.functional.promotion import scale
from nbnn.functional.shape import permute, reshape, unsqueeze
from nbnn.op import takes_arrays
from nbnn.tensor import Tensor


def _check_factors(op: str, first: tuple[str, Any, int], second: tuple[str, Any, int]) -> None:
    """Two operands (name, Tensor, axes) must have one dtype, exactly so many axes, and sizes that fit."""
    for name, t, axes in (first, second):
        if _check.tensor(op, name, t).dim() != axes:
            raise ValueError(f"{op}: `{name}` must have {axes} {'axes' if axes > 1 else 'axis'}; got shape {t._shape}")
        _check.numeric(op, t)
    (name, a, _), (other, b, _) = first, second
    _check.same_dtype(op, **{name: a, other: b})
    inner, depth = a._shape[-1], b._shape[0 if b.dim() == 1 else -2]
    if inner != depth:
        raise ValueError(
            f"{op}: the last size of `{name}` (={inner}) must equal the size of `{other}` that it is summed with "
            f"(={depth}); got shapes {a._shape} and {b._shape}"
        )
    if a.dim() == 3 and a._shape[0] != b._shape[0]:
        raise ValueError(f"{op}: `{name}` and `{other}` must hold as many matrices; got {a._shape} and {b._shape}")


def _product(op: str, first: tuple[str, Any, int], second: tuple[str, Any, int]) -> Tensor:
    """The product of two operands that fit."""
    _check_factors(op, first, second)
    return matmul(first[1], second[1])


def _plus(op: str, input: Any, product: Tensor, beta: Any, alpha: Any) -> Tensor:
    """``beta * input + alpha * product``; with `beta` 0 what `input` holds is ignored."""
    x, kind, shape = _check.tensor(op, "input", input), product._dtype, product._shape
    if x._dtype is not kind:
        raise TypeError(f"{op}: all operands must have one dtype; got `input` {x._dtype!r} and {kind!r}")
    if len(x._shape) > len(shape) or _check.broadcast_shapes(op, x._shape, shape) != shape:
        raise ValueError(f"{op}: `input` of shape {x._shape} does not broadcast to {shape}")
    beta, alpha = scale(op, "beta", beta, kind), scale(op, "alpha", alpha, kind)
    if beta == 0:
        return product if alpha == 1 else mul(product, alpha)
    return add(x if beta == 1 else mul(x, beta), product, alpha=alpha)


@takes_arrays
def mm(input: Tensor, mat2: Tensor) -> Tensor:
    """The product of two matrices.

    Parameters
    ----------
    input : Tensor of shape (n, m)
    mat2 : Tensor of shape (m, p)

    Returns
    -------
    Tensor of shape (n, p)

    Raises
    ------
    ValueError
        If an operand is no matrix, or the sizes do not fit.
    TypeError
        If an operand is no Tensor or array, holds bools, or the dtypes differ.

    Examples
    --------
    >>> import nbnn
    >>> nbnn.mm(nbnn.tensor([[1.0, 2.0]]), nbnn.tensor([[3.0], [4.0]]))
    tensor([[11.]])
    """
    return _product("mm", ("input", input, 2), ("mat2", mat2, 2))


@takes_arrays
def mv(input: Tensor, vec: Tensor) -> Tensor:
    """The product of a matrix (n, m) and a vector (m,), of shape (n,); raises as `mm` does.

    Parameters
    ----------
    input : Tensor of shape (n, m)
    vec : Tensor of shape (m,)

    Examples
    --------
    >>> import nbnn
    >>> nbnn.mv(nbnn.tensor([[1.0, 2.0], [3.0, 4.0]]), nbnn.tensor([1.0, 10.0]))
    tensor([21., 43.])
    """
    return _product("mv", ("input", input, 2), ("vec", vec, 1))


@takes_arrays
def bmm(input: Tensor, mat2: Tensor) -> Tensor:
    """The products of a batch of matrices (b, n, m) with one (b, m, p), of shape (b, n, p); raises as `mm` does.

    Parameters
    ----------
    input : Tensor of shape (b, n, m)
    mat2 : Tensor of shape (b, m, p)

    Examples
    --------
    >>> import nbnn
    >>> nbnn.bmm(nbnn.ones(2, 1, 3), nbnn.ones(2, 3, 1)).shape
    nbnn.Size([2, 1, 1])
    """
    return _product("bmm", ("input", input, 3), ("mat2", mat2, 3))


@takes_arrays
def dot(input: Tensor, tensor: Tensor) -> Tensor:
    """The sum of the products of two vectors of one length; raises as `mm` does.

    Parameters
    ----------
    input, tensor : Tensor of shape (n,)

    Examples
    --------
    >>> import nbnn
    >>> nbnn.dot(nbnn.tensor([1.0, 2.0]), nbnn.tensor([3.0, 4.0]))
    tensor(11.)
    """
    return _product("dot", ("input", input, 1), ("tensor", tensor, 1))


@takes_arrays
def outer(input: Tensor, vec2: Tensor) -> Tensor:
    """The products of each element of a vector (n,) with each of another (m,), of shape (n, m).

    Parameters
    ----------
    input : Tensor of shape (n,)
    vec2 : Tensor of shape (m,)

    Raises
    ------
    ValueError
        If an operand is no vector.
    TypeError
        If an operand is no Tensor or array.

    Examples
    --------
    >>> import nbnn
    >>> nbnn.outer(nbnn.tensor([1, 2]), nbnn.tensor([3, 4]))
    tensor([[3, 4],
            [6, 8]])
    """
    for name, t in (("input", input), ("vec2", vec2)):
        if _check.tensor("outer", name, t).dim() != 1:
            raise ValueError(f"outer: `{name}` must have 1 axis; got shape {t._shape}")
    return mul(unsqueeze(input, 1), vec2)


@takes_arrays
def addmm(input: Tensor, mat1: Tensor, mat2: Tensor, *, beta: float = 1, alpha: float = 1) -> Tensor:
    """``beta * input + alpha * (mat1 @ mat2)``.

    Parameters
    ----------
    input : Tensor that broadcasts to (n, p)
        Ignored where `beta` is 0.
    mat1 : Tensor of shape (n, m)
    mat2 : Tensor of shape (m, p)
    beta, alpha : number
        Ints where the operands hold integers.

    Returns
    -------
    Tensor of shape (n, p)

    Raises
    ------
    ValueError
        If an operand has another number of axes, or the sizes do not fit.
    TypeError
        If an operand is no Tensor or array, holds bools, or the dtypes differ.

    Examples
    --------
    >>> import nbnn
    >>> nbnn.addmm(nbnn.ones(1), nbnn.tensor([[1.0, 2.0]]), nbnn.tensor([[3.0], [4.0]]), alpha=2)
    tensor([[23.]])
    """
    return _plus("addmm", input, _product("addmm", ("mat1", mat1, 2), ("mat2", mat2, 2)), beta, alpha)


@takes_arrays
def addmv(input: Tensor, mat: Tensor, vec: Tensor, *, beta: float = 1, alpha: float = 1) -> Tensor:
    """``beta * input + alpha * (mat @ vec)`` with `mat` (n, m), `vec` (m,), of shape (n,); see `addmm`.

    Parameters
    ----------
    input : Tensor
        It broadcasts to (n,).
    mat : Tensor of shape (n, m)
    vec : Tensor of shape (m,)
    beta, alpha : number

    Examples
    --------
    >>> import nbnn
    >>> nbnn.addmv(nbnn.ones(2), nbnn.tensor([[1.0, 2.0], [3.0, 4.0]]), nbnn.tensor([1.0, 10.0]))
    tensor([22., 44.])
    """
    return _plus("addmv", input, _product("addmv", ("mat", mat, 2), ("vec", vec, 1)), beta, alpha)


@takes_arrays
def baddbmm(input: Tensor, batch1: Tensor, batch2: Tensor, *, beta: float = 1, alpha: float = 1) -> Tensor:
    """``beta * input + alpha * (batch1 @ batch2)`` for batches (b, n, m) and (b, m, p), of shape (b, n, p).

    See `addmm` for the arguments and errors.

    Parameters
    ----------
    input : Tensor
        It broadcasts to (b, n, p).
    batch1 : Tensor of shape (b, n, m)
    batch2 : Tensor of shape (b, m, p)
    beta, alpha : number

    Examples
    --------
    >>> import nbnn
    >>> nbnn.baddbmm(nbnn.zeros(1), nbnn.ones(2, 1, 3), nbnn.ones(2, 3, 1)).flatten()
    tensor([3., 3.])
    """
    product = _product("baddbmm", ("batch1", batch1, 3), ("batch2", batch2, 3))
    return _plus("baddbmm", input, product, beta, alpha)


@takes_arrays
def addbmm(input: Tensor, batch1: Tensor, batch2: Tensor, *, beta: float = 1, alpha: float = 1) -> Tensor:
    """``beta * input + alpha *`` the sum over the batch of ``batch1 @ batch2``, of shape (n, p).

    The matrices (b, n, m) side by side, times those of (b, m, p) below each other: one product does it. See `addmm`
    for the arguments and errors.

    Parameters
    ----------
    input : Tensor
        It broadcasts to (n, p).
    batch1 : Tensor of shape (b, n, m)
    batch2 : Tensor of shape (b, m, p)
    beta, alpha : number

    Examples
    --------
    >>> import nbnn
    >>> nbnn.addbmm(nbnn.zeros(1), nbnn.ones(2, 1, 3), nbnn.ones(2, 3, 1))
    tensor([[6.]])
    """
    _check_factors("addbmm", ("batch1", batch1, 3), ("batch2", batch2, 3))
    (b, n, m), p = batch1._shape, batch2._shape[2]
    product = matmul(reshape(permute(batch1, (1, 0, 2)), (n, b * m)), reshape(batch2, (b * m, p)))
    return _plus("addbmm", input, product, beta, alpha)
