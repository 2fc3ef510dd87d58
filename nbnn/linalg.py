"""Linear algebra, under torch's names."""

from nbnn.functional.decomposition import cholesky, det, inv, qr, slogdet, solve, svd, svdvals
from nbnn.functional.differences import cross
from nbnn.functional.eigen import (
    eigh,
    eigvalsh,
    lstsq,
    matrix_power,
    matrix_rank,
    multi_dot,
    pinv,
    solve_triangular,
)
from nbnn.functional.linear import matmul
from nbnn.functional.matrix_function import householder_product, matrix_exp
from nbnn.functional.norms import matrix_norm, norm, vector_norm

__all__ = [
    "cholesky", "cross", "det", "eigh", "eigvalsh", "householder_product", "inv", "lstsq", "matmul", "matrix_exp",
    "matrix_norm", "matrix_power", "matrix_rank", "multi_dot", "norm", "pinv", "qr", "slogdet", "solve",
    "solve_triangular", "svd", "svdvals", "vector_norm",
]  # fmt: skip
