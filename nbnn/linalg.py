"""Linear algebra, under torch's names."""

from nbnn.functional.decomposition import cholesky, det, inv, qr, slogdet, solve, svd, svdvals
from nbnn.functional.matrix_function import householder_product, matrix_exp
from nbnn.functional.norms import matrix_norm, norm, vector_norm

__all__ = [
    "cholesky", "det", "householder_product", "inv", "matrix_exp", "matrix_norm", "norm", "qr", "slogdet", "solve",
    "svd", "svdvals", "vector_norm",
]  # fmt: skip
