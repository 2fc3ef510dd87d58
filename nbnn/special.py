"""Special functions, under torch's names ``torch.special``."""

from nbnn.functional import erf, erfc, exp2, expm1, log1p, log_softmax, softmax
from nbnn.functional import sigmoid as expit
from nbnn.functional.pointwise import digamma
from nbnn.functional.pointwise import digamma as psi
from nbnn.functional.pointwise import lgamma as gammaln
from nbnn.functional.rounding import round
from nbnn.functional.special import erfinv, logit, sinc, xlogy
from nbnn.functional.statistics import logsumexp

__all__ = [
    "digamma", "erf", "erfc", "erfinv", "exp2", "expit", "expm1", "gammaln", "log1p", "log_softmax", "logit",
    "logsumexp", "psi", "round", "sinc", "softmax", "xlogy",
]  # fmt: skip
