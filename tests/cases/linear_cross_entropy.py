"""Cases of linear_cross_entropy."""

import numpy as np

import nbnn
from tests.engine import Bad, Case


def oracle(x, w, target, b=None, ignored=-100, reduction="mean", smoothing=0.0):
    """The loss of each row by its formula; the weights of the classes are all one."""
    scores = x @ w.T + (0 if b is None else b)
    scores = scores - scores.max(-1, keepdims=True)
    logs = scores - np.log(np.exp(scores).sum(-1, keepdims=True))
    kept = target != ignored
    chosen = np.take_along_axis(logs, np.where(kept, target, 0)[:, None], 1)[:, 0]
    each = -np.where(kept, (1 - smoothing) * chosen + smoothing * logs.mean(-1), 0.0)
    return {"none": each, "sum": each.sum(), "mean": each.sum() / max(kept.sum(), 1)}[reduction]


def rows(n, features, classes, bias=True):
    def make(r):
        made = (r.normal(size=(n, features)), r.normal(size=(classes, features)), r.integers(0, classes, n))
        return (*made, r.normal(size=classes)) if bias else made

    return make


def case(label, maker, large=None, **options):
    """A case whose last input is the bias, if there are four."""

    def call(F, x, w, t, b=None):
        return F.linear_cross_entropy(x, w, t, linear_bias=b, **options)

    def expected(x, w, t, b=None):
        return oracle(x, w, t, b, options.get("ignore_index", -100), options.get("reduction", "mean"),
                      options.get("label_smoothing", 0.0))  # fmt: skip

    grad = (0, 1, 3) if len(maker(np.random.default_rng(0))) == 4 else (0, 1)
    return Case(f"linear_cross_entropy-{label}", call, maker, expected, grad=grad, torch=False, halves=False,
                tolerance=5, large=large)  # fmt: skip


CASES = [
    *(case(reduction, rows(4, 3, 5), reduction=reduction) for reduction in ("mean", "sum", "none")),
    case("no_bias", rows(4, 3, 5, False)),
    case("ignored", rows(6, 3, 5), ignore_index=2),
    case("smoothing", rows(4, 3, 5), label_smoothing=0.2),
    case("one_row", rows(1, 1, 2)),
    case("one_class", rows(3, 2, 1, False)),
    case("large", rows(4, 3, 5), large=rows(300, 40, 70)),
]
TARGET = [2, 0, 1, 1]
_X, _W, _T = nbnn.ones(4, 3), nbnn.ones(5, 3), nbnn.tensor(TARGET)
ERRORS = [
    Bad("linear_cross_entropy-shapes", lambda F: F.linear_cross_entropy(_X, nbnn.ones(5, 2), _T), ValueError,
        r"^linear_cross_entropy: `input` \(N, in_features\)"),
    Bad("linear_cross_entropy-bias", lambda F: F.linear_cross_entropy(_X, _W, _T, linear_bias=nbnn.ones(4)), ValueError,
        "^linear_cross_entropy: `linear_bias` must have shape"),
    Bad("linear_cross_entropy-options", lambda F: F.linear_cross_entropy(_X, _W, _T, options=3), TypeError,
        "^linear_cross_entropy: `options` must be"),
]  # fmt: skip
