"""Cases of dropout, whose oracle draws the mask with a Philox written here."""

import math

import numpy as np

import nbnn
from tests.cases import normal, one
from tests.engine import Bad, Case

SEED = 11  # the engine seeds every call so


def philox(counter, key):
    """Philox 4x32-10 as in Salmon et al., 2011, on Python's integers."""
    (a, b, c, d), (k, m), word = counter, key, 0xFFFFFFFF
    for _ in range(10):
        p, q = 0xD2511F53 * a, 0xCD9E8D57 * c
        a, b, c, d = (q >> 32) ^ b ^ k, q & word, (p >> 32) ^ d ^ m, p & word
        k, m = (k + 0x9E3779B9) & word, (m + 0xBB67AE85) & word
    return a, b, c, d


def kept(size, p, offset=0):
    words = [w for g in range(-(-size // 4)) for w in philox((g, 0, offset, 0), (SEED, 0))]
    return np.array(words[:size], np.float64) >= p * 2.0**32


def dropout(x, p):
    if p in (0, 1):
        return x * (1 - p)
    return np.where(kept(x.size, p).reshape(x.shape), x / (1 - p), 0)


def drop(F, x, p):
    return F.dropout(x, p)


def to_module(nn, x, p):
    return nn.Dropout(p), (x,)


def in_evaluation(nn, x):
    return nn.Dropout(0.7).eval(), (x,)


SHAPES = [(), (1,), (3,), (4,), (5,), (3, 7), (2, 3, 4)]
CASES = [
    Case("dropout", drop, one((5, 8), 0.5), dropout, module=to_module, torch=False, large=one((300, 400), 0.5),
         empty=(one((0,), 0.5), one((3, 0, 2), 0.5))),
    *(Case(f"dropout-{shape}".replace(" ", ""), drop, one(shape, 0.3), dropout, torch=False) for shape in SHAPES),
    Case("dropout-rare", drop, one((9, 9), 0.01), dropout, torch=False),
    Case("dropout-often", drop, one((9, 9), 0.99), dropout, torch=False),
    Case("dropout-p0", drop, one((3, 4), 0.0), dropout, module=to_module),
    Case("dropout-p1", drop, one((3, 4), 1.0), lambda x, p: np.zeros_like(x), module=to_module),
    Case("dropout-int_p", drop, one((3, 4), 0), dropout),
    Case("dropout-default", lambda F, x: F.dropout(x), normal((4, 4)), lambda x: dropout(x, 0.5), torch=False),
    Case("dropout-eval", lambda F, x: F.dropout(x, 0.7, training=False), normal((3, 4)), lambda x: x,
         module=in_evaluation, fresh=False),
    Case("dropout-inplace", lambda F, x: F.dropout(x * 1.0, 0.5, inplace=True), normal((4, 4)),
         lambda x: dropout(x, 0.5),
         torch=False, arrays=False),
    Case("dropout-twice", lambda F, x: F.dropout(F.dropout(x, 0.25), 0.5), normal((4, 4)),
         lambda x: np.where(kept(16, 0.5, 1).reshape(4, 4), dropout(x, 0.25) * 2, 0), torch=False),
]  # fmt: skip

X = nbnn.ones(2, 3)


def rate(p):
    return lambda F: F.dropout(X, p)


ERRORS = [
    Bad("dropout-negative", rate(-0.1), ValueError, r"^dropout: `p` \(=-0.1\) must be between 0 and 1"),
    Bad("dropout-above_1", rate(1.5), ValueError, r"^dropout: `p` \(=1.5\) must be between 0 and 1"),
    Bad("dropout-nan", rate(math.nan), ValueError, r"^dropout: `p` \(=nan\) must be between 0 and 1"),
    Bad("dropout-inf", rate(math.inf), ValueError, r"^dropout: `p` \(=inf\) must be between 0 and 1"),
    Bad("dropout-string", rate("0.5"), TypeError, r"^dropout: `p` \(='0.5'\) must be a number; got str"),
    Bad("dropout-none", rate(None), TypeError, r"^dropout: `p` \(=None\) must be a number; got NoneType"),
    Bad("dropout-eval_checks_p", lambda F: F.dropout(X, 2.0, training=False), ValueError, r"^dropout: `p` \(=2.0\)"),
    Bad("dropout-integers", lambda F: F.dropout(X.long()), TypeError,
        r"^dropout: `input` must have a floating-point dtype; got nbnn.int64"),
    Bad("dropout-list", lambda F: F.dropout([1.0]), TypeError, r"^dropout: `input` must be a Tensor; got list"),
    Bad("dropout-input_none", lambda F: F.dropout(None), TypeError,
        r"^dropout: `input` must be a Tensor; got NoneType"),
    Bad("dropout-inplace_leaf", lambda F: F.dropout(F.ones(3, requires_grad=True), inplace=True), RuntimeError,
        r"^dropout_: a leaf"),
]  # fmt: skip
