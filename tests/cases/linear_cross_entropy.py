"""Cases of linear_cross_entropy."""

import numpy as np

import nbnn
from tests.engine import Bad, Case


def oracle(x, w, b, target):
    scores = x @ w.T + b
    scores = scores - scores.max(-1, keepdims=True)
    logs = scores - np.log(np.exp(scores).sum(-1, keepdims=True))
    return -np.take_along_axis(logs, np.asarray(target)[:, None], 1).mean()


TARGET = [2, 0, 1, 1]
CASES = [
    Case("linear_cross_entropy-mean",
         lambda F, x, w, b: F.linear_cross_entropy(x, w, F.tensor(TARGET), linear_bias=b),
         lambda r: (r.normal(size=(4, 3)), r.normal(size=(5, 3)), r.normal(size=5)),
         lambda x, w, b: oracle(x, w, b, TARGET), grad=(0, 1, 2), arrays=False, torch=False, halves=False, tolerance=5),
]  # fmt: skip
_X, _W, _T = nbnn.ones(4, 3), nbnn.ones(5, 3), nbnn.tensor(TARGET)
ERRORS = [
    Bad("linear_cross_entropy-shapes", lambda F: F.linear_cross_entropy(_X, nbnn.ones(5, 2), _T), ValueError,
        r"^linear_cross_entropy: `input` \(N, in_features\)"),
    Bad("linear_cross_entropy-bias", lambda F: F.linear_cross_entropy(_X, _W, _T, linear_bias=nbnn.ones(4)), ValueError,
        "^linear_cross_entropy: `linear_bias` must have shape"),
    Bad("linear_cross_entropy-options", lambda F: F.linear_cross_entropy(_X, _W, _T, options=3), TypeError,
        "^linear_cross_entropy: `options` must be"),
]  # fmt: skip
