"""The exponential of matrices and products of reflections, from products and solutions."""

from __future__ import annotations

import math
from typing import Any

from nbnn.functional import _check
from nbnn.functional.arithmetic import add, mul, sub
from nbnn.functional.creation import eye
from nbnn.functional.decomposition import _matrices, solve
from nbnn.functional.linear import matmul
from nbnn.functional.norms import matrix_norm
from nbnn.functional.rearrange import tril, triu
from nbnn.functional.shape import unsqueeze
from nbnn.functional.views import matrix_transpose
from nbnn.op import takes_arrays
from nbnn.tensor import Tensor, host_view

# The Pade approximant of exp of degree (13, 13), accurate to float64 for norms up to 5.37 (Higham 2005).
_PADE = [math.factorial(26 - k) * math.factorial(13) // (math.factorial(k) * math.factorial(13 - k)) for k in range(14)]
_REACH = 5.371920351148152


@takes_arrays
def matrix_exp(A: Tensor) -> Tensor:
    r"""The exponential of matrices, :math:`\sum_k A^k / k!`.

    Parameters
    ----------
    A : Tensor of shape (..., n, n)
        float32 or float64.

    Raises
    ------
    ValueError
        If the matrices are not square.
    TypeError
        If the type is another.

    References
    ----------
    N. Higham, "The scaling and squaring method for the matrix exponential revisited", 2005.

    Examples
    --------
    >>> import nbnn
    >>> nbnn.linalg.matrix_exp(nbnn.zeros(2, 2))
    tensor([[1., 0.],
            [0., 1.]])
    """
    x = _matrices("matrix_exp", "A", A, True)
    if x.numel() == 0:
        return mul(x, 1.0)
    size = float(host_view(matrix_norm(x.detach(), 1)).max())
    squarings = max(0, math.ceil(math.log2(size / _REACH))) if math.isfinite(size) and size > 0 else 0
    x = mul(x, 0.5**squarings)
    scale = float(_PADE[0])
    c = [value / scale for value in _PADE]
    one = eye(x.shape[-1], dtype=x.dtype, device=x.device)
    x2 = matmul(x, x)
    x4 = matmul(x2, x2)
    x6 = matmul(x2, x4)

    def part(k: int) -> Tensor:
        """The odd (k = 1) or even (k = 0) powers, divided by x where odd."""
        high = add(add(mul(x6, c[12 + k]), mul(x4, c[10 + k])), mul(x2, c[8 + k]))
        low = add(add(mul(x6, c[6 + k]), mul(x4, c[4 + k])), add(mul(x2, c[2 + k]), mul(one, c[k])))
        return add(matmul(x6, high), low)

    odd, even = matmul(x, part(1)), part(0)
    found = solve(sub(even, odd), add(even, odd))
    for _ in range(squarings):
        found = matmul(found, found)
    return found


@takes_arrays
def householder_product(input: Tensor, tau: Tensor) -> Tensor:
    r"""The first columns of the product of reflections :math:`H_i = I - \tau_i v_i v_i^T`.

    :math:`v_i` is column i of `input` below the diagonal, with 1 on it and 0 above. All reflections are applied at
    once: :math:`\prod H_i = I - V (I + D S)^{-1} D V^T` with D the diagonal matrix of `tau` and S the part of
    :math:`V^T V` above its diagonal.

    Parameters
    ----------
    input : Tensor of shape (..., m, n), m >= n
        float32 or float64.
    tau : Tensor of shape (..., k), k <= n

    Raises
    ------
    ValueError
        If the shapes do not belong together.
    TypeError
        If the types do not.

    References
    ----------
    T. Joffrain et al., "Accumulating Householder transformations, revisited", 2006.

    Examples
    --------
    >>> import nbnn
    >>> nbnn.linalg.householder_product(nbnn.zeros(2, 1), nbnn.tensor([2.0]))
    tensor([[-1.],
            [ 0.]])
    """
    op = "householder_product"
    x = _matrices(op, "input", input, False)
    _check.tensor(op, "tau", tau)
    _check.same_dtype(op, input=x, tau=tau)
    m, n = x.shape[-2:]
    count = tau.shape[-1] if tau.dim() else 0
    if m < n or count > n or tau.shape != (*x.shape[:-2], count):
        raise ValueError(
            f"{op}: `input` must have shape (..., m, n) with m >= n, and `tau` (..., k) with k <= n; "
            f"got {tuple(x.shape)} and {tuple(tau.shape)}"
        )
    place: dict[str, Any] = {"dtype": x.dtype, "device": x.device}
    start = eye(m, n, **place)
    v = add(tril(x, -1), start)[..., :count]
    turned = matrix_transpose(v)
    rows = unsqueeze(tau, -1)
    inner = add(mul(rows, triu(matmul(turned, v), 1)), eye(count, **place))
    return sub(start, matmul(v, solve(inner, mul(rows, turned[..., :n]))))
