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


def channels(x, p, batched):
    """Whole channels at once."""
    lead = x.shape[: 1 + batched]
    mask = kept(math.prod(lead), p) if 0 < p < 1 else np.full(math.prod(lead), p == 0)
    return x * (mask / (1 - p if p < 1 else 1)).reshape(*lead, *(1,) * (x.ndim - len(lead)))


def alpha(x, p, lead):
    if p in (0, 1):
        return x * (1 - p)
    low = -1.7580993408473766
    mask = kept(math.prod(x.shape[:lead]), p).reshape(*x.shape[:lead], *(1,) * (x.ndim - lead))
    a = ((1 - p) * (1 + p * low**2)) ** -0.5
    return a * np.where(mask, x, low) - a * p * low


def of_channels():
    for n, shapes in ((1, [(3, 2, 4), (3, 4)]), (2, [(2, 3, 2, 2), (3, 2, 4)]), (3, [(2, 3, 1, 2, 2), (3, 1, 2, 2)])):
        name = f"dropout{n}d"
        for shape in shapes:
            batched = len(shape) == n + 2 or n == 2
            for p in (0.5, 0.0, 1.0):
                yield Case(
                    f"{name}-{shape}_{p}".replace(" ", ""),
                    lambda F, x, p, name=name: getattr(F, name)(x, p),
                    one(shape, p),
                    lambda x, p, batched=batched: channels(x, p, batched),
                    module=lambda nn, x, p, n=n: (getattr(nn, f"Dropout{n}d")(p), (x,)),
                    torch=p in (0, 1),
                )
        yield Case(
            f"{name}-eval",
            lambda F, x, name=name: getattr(F, name)(x, training=False),
            one(shapes[0]),
            lambda x: x,
            fresh=False,
        )
        yield Case(
            f"{name}-inplace",
            lambda F, x, name=name: getattr(F, name)(x * 1.0, 0.5, inplace=True),
            one(shapes[0]),
            lambda x: channels(x, 0.5, True),
            torch=False,
            arrays=False,
        )


def of_alpha():
    for name, module, shape, lead in (
        ("alpha_dropout", "AlphaDropout", (3, 4), 2),
        ("feature_alpha_dropout", "FeatureAlphaDropout", (2, 3, 4), 2),
    ):
        for p in (0.3, 0.0, 1.0):
            yield Case(
                f"{name}-{p}",
                lambda F, x, p, name=name: getattr(F, name)(x, p, training=True),
                one(shape, p),
                lambda x, p, lead=lead: alpha(x, p, lead),
                fresh=p != 0,
                torch=p in (0, 1),
                module=lambda nn, x, p, module=module: (getattr(nn, module)(p), (x,)),
            )
        yield Case(f"{name}-eval", lambda F, x, name=name: getattr(F, name)(x), one(shape), lambda x: x, fresh=False)
        yield Case(
            f"{name}-inplace",
            lambda F, x, name=name: getattr(F, name)(x * 1.0, 0.5, True, inplace=True),
            one(shape),
            lambda x, lead=lead: alpha(x, 0.5, lead),
            torch=False,
            arrays=False,
        )


SHAPES = [(), (1,), (3,), (4,), (5,), (3, 7), (2, 3, 4)]
CASES = [
    Case("dropout", drop, one((5, 8), 0.5), dropout, module=to_module, torch=False, large=one((300, 400), 0.5),
         empty=(one((0,), 0.5), one((3, 0, 2), 0.5))),
    *(Case(f"dropout-{shape}".replace(" ", ""), drop, one(shape, 0.3), dropout, torch=False) for shape in SHAPES),
    Case("dropout-rare", drop, one((9, 9), 0.01), dropout, torch=False),
    Case("dropout-often", drop, one((9, 9), 0.99), dropout, torch=False),
    Case("dropout-p0", drop, one((3, 4), 0.0), dropout, module=to_module),
    Case("dropout-p1", drop, one((3, 4), 1.0), lambda x, p: np.zeros_like(x), module=to_module),
    *(Case(f"{name}-integers_{label}", lambda F, x, name=name, o=o: getattr(F, name)(x, **o),
           lambda r: (r.integers(-9, 9, (2, 3)),), lambda x, o=o: x * (not o["training"]), grad=(), fresh=False)
      for name in ("dropout", "alpha_dropout")
      for label, o in (("p1", {"p": 1, "training": True}), ("eval", {"training": False}))),
    *(Case(f"dropout{n}d-other_axes", lambda F, x, n=n: getattr(F, f"dropout{n}d")(x, 1.0), normal((4, 3)),
           np.zeros_like, warns=UserWarning) for n in (2, 3)),
    Case("dropout-int_p", drop, one((3, 4), 0), dropout),
    Case("dropout-default", lambda F, x: F.dropout(x), normal((4, 4)), lambda x: dropout(x, 0.5), torch=False),
    Case("dropout-eval", lambda F, x: F.dropout(x, 0.7, training=False), normal((3, 4)), lambda x: x,
         module=in_evaluation, fresh=False),
    Case("dropout-inplace", lambda F, x: F.dropout(x * 1.0, 0.5, inplace=True), normal((4, 4)),
         lambda x: dropout(x, 0.5),
         torch=False, arrays=False),
    Case("dropout-twice", lambda F, x: F.dropout(F.dropout(x, 0.25), 0.5), normal((4, 4)),
         lambda x: np.where(kept(16, 0.5, 1).reshape(4, 4), dropout(x, 0.25) * 2, 0), torch=False),
    *of_channels(), *of_alpha(),
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
    *(Bad(f"{name}-p", lambda F, name=name: getattr(F, name)(X, 1.5), ValueError,
          rf"^{name}: `p` \(=1.5\) must be between")
      for name in ("alpha_dropout", "feature_alpha_dropout", "dropout1d")),
    Bad("dropout1d-rank", lambda F: F.dropout1d(F.ones(3)), ValueError,
        r"^dropout1d: `input` must have 3 axes, or 2 without a batch; got shape \(3,\)"),
    Bad("dropout3d-rank", lambda F: F.dropout3d(F.ones(())), ValueError, r"^dropout3d: `input` must have 5 axes, or 4"),
    Bad("dropout2d-rank", lambda F: F.dropout2d(F.ones(3)), ValueError, r"^dropout2d: `input` must have 4 axes, or 3"),
    Bad("dropout-training", lambda F: F.dropout(X, training=1), TypeError, r"`training` \(=1\) must be a bool"),
    Bad("feature_alpha_dropout-rank", lambda F: F.feature_alpha_dropout(F.ones(3), training=True), ValueError,
        r"^feature_alpha_dropout: `input` must have at least 2 axes"),
]  # fmt: skip
