"""Cases of the losses of numbers against numbers, but for mse_loss, which stands with the losses of classes."""

import itertools
import math

import numpy as np

import nbnn
from tests.cases.loss import REDUCTIONS, pair, reduced
from tests.engine import Bad, Case

SHAPES = [(), (5,), (2, 1, 3)]


def absolute(x, t):
    return np.abs(x - t)


def smooth(x, t, beta):
    d = np.abs(x - t)
    return np.where(d < beta, d**2 / (2 * beta) if beta else 0.0, d - beta / 2)


def huber(x, t, delta):
    d = np.abs(x - t)
    return np.where(d <= delta, d**2 / 2, delta * (d - delta / 2))


def binary(x, t, w=None):
    losses = -(t * np.maximum(np.log(x), -100) + (1 - t) * np.maximum(np.log1p(-x), -100))
    return losses if w is None else losses * w


def logits(x, t, w=None, p=None):
    p = 1.0 if p is None else p
    losses = p * t * np.logaddexp(0, -x) + (1 - t) * np.logaddexp(0, x)
    return losses if w is None else losses * w


def divergence(x, t, log_target):
    if log_target:
        return np.exp(t) * (t - x)
    return np.where(t == 0, 0, t * np.log(np.where(t == 0, 1, t))) - t * x


def family(name, oracle, module, pairs, *options, shapes=SHAPES):
    """Each shape and reduction of a loss; options follow the two tensors."""

    def call(F, x, t, reduction, *more):
        return getattr(F, name)(x, t, reduction=reduction, **dict(zip(NAMES[name], more, strict=True)))

    def built(nn, x, t, reduction, *more):
        return getattr(nn, module)(reduction=reduction, **dict(zip(NAMES[name], more, strict=True))), (x, t)

    def wanted(x, t, reduction, *more):
        return reduced(oracle(x, t, *more), reduction)

    def warning(reduction):
        return UserWarning if (name, reduction) == ("kl_div", "mean") else None

    label = "_".join(map(str, options))
    for shape, reduction in itertools.product(shapes, REDUCTIONS):
        yield Case(
            f"{name}-{shape}_{reduction}_{label}".replace(" ", ""),
            call,
            pairs(shape, reduction, *options),
            wanted,
            grad=(0, 1),
            module=built,
            warns=warning(reduction),
        )
    for reduction in ("mean", "none"):
        yield Case(
            f"{name}-large_{reduction}_{label}",
            call,
            pairs((9,), reduction, *options),
            wanted,
            grad=(0, 1),
            large=pairs((33, 2049), reduction, *options),
            empty=(pairs((0,), reduction, *options), pairs((3, 0), "mean" if warning(reduction) else "sum", *options)),
            warns=warning(reduction),
        )
    for n in (255, 256, 257, 16383, 16385):
        yield Case(
            f"{name}-{n}_{label}",
            call,
            pairs((n,), "sum", *options),
            wanted,
            grad=(0, 1),
            second=False,
            halves=False,
            cuda=False,
            arrays=False,
        )


NAMES = {"l1_loss": (), "smooth_l1_loss": ("beta",), "huber_loss": ("delta",), "binary_cross_entropy": (),
         "binary_cross_entropy_with_logits": (), "kl_div": ("log_target",)}  # fmt: skip


def numbers(shape, *rest):
    return pair(shape, shape, *rest)


def probabilities(shape, *rest):
    """Probabilities against targets between 0 and 1."""
    return lambda r: (np.asarray(r.uniform(0.1, 0.9, shape)), np.asarray(r.uniform(0.05, 0.95, shape)), *rest)


def scores(shape, *rest):
    return lambda r: (np.asarray(r.normal(size=shape)), np.asarray(r.uniform(0, 1, shape)), *rest)


def spread(*shapes):
    """Scores, targets, and weights of the other shapes."""
    return lambda r: (
        r.normal(size=shapes[0]),
        r.uniform(0, 1, shapes[0]),
        *(None if s is None else r.uniform(0.5, 2, s) for s in shapes[1:]),
    )


def with_weights(F, x, t, w, p):
    return F.binary_cross_entropy_with_logits(x, t, w, reduction="sum", pos_weight=p)


def with_weights_module(nn, x, t, w, p):
    return nn.BCEWithLogitsLoss(w, reduction="sum", pos_weight=p), (x, t)


def weighted(name, oracle, *more):
    return Case(
        f"{name}-weight",
        lambda F, x, t, w: getattr(F, name)(x, t, weight=w),
        lambda r: (r.normal(size=(2, 3)), r.normal(size=(2, 3)), r.uniform(0.5, 2, (2, 3))),
        lambda x, t, w: (oracle(x, t, *more) * w).sum() / (w.size if name == "huber_loss" else w.sum()),
        grad=(0, 1, 2),
    )


def batch_mean(F, x, t):
    return F.kl_div(x, t, reduction="batchmean")


SPECIAL = np.array([math.nan, math.inf, -math.inf, 1e4, 0.0, -0.0])

CASES = [
    *family("l1_loss", absolute, "L1Loss", numbers),
    *family("smooth_l1_loss", smooth, "SmoothL1Loss", numbers, 1.0),
    *family("smooth_l1_loss", smooth, "SmoothL1Loss", numbers, 0.3, shapes=[(7,)]),
    Case("smooth_l1_loss-absolute", lambda F, x, t: F.smooth_l1_loss(x, t, beta=0), pair((7,), (7,)),
         lambda x, t: absolute(x, t).mean(), grad=(0, 1)),
    *family("huber_loss", huber, "HuberLoss", numbers, 1.0),
    *family("huber_loss", huber, "HuberLoss", numbers, 0.3, shapes=[(7,)]),
    weighted("l1_loss", absolute), weighted("huber_loss", huber, 1.0),
    Case("huber_loss-weight_none", lambda F, x, t, w: F.huber_loss(x, t, "none", weight=w),
         lambda r: (r.normal(size=(2, 3)), r.normal(size=(2, 3)), r.uniform(0.5, 2, (2, 3))),
         lambda x, t, w: huber(x, t, 1.0) * w, grad=(0, 1, 2)),
    *(Case(f"{name}-{label}", lambda F, x, t, name=name: getattr(F, name)(x, t, reduction="sum"), make,
           lambda x, t, oracle=oracle: np.asarray(oracle(x, t).sum(), np.result_type(x, t)), grad=())
      for name, oracle in (("l1_loss", absolute), ("mse_loss", lambda x, t: (x - t) ** 2))
      for label, make in (("mixed", lambda r: (r.integers(-3, 3, 4), r.normal(size=4))),
                          ("integers", lambda r: (r.integers(-3, 3, 4), r.integers(-3, 3, 4))))
      if name == "l1_loss" or label == "mixed"),
    Case("l1_loss-special", lambda F, x, t: F.l1_loss(x, t, reduction="none"), lambda r: (SPECIAL,
               np.zeros(6)), absolute,
         grad=()),
    Case("smooth_l1_loss-special", lambda F, x, t: F.smooth_l1_loss(x, t, reduction="none"),
         lambda r: (SPECIAL, np.zeros(6)), lambda x, t: smooth(x, t, 1.0), grad=()),
    Case("l1_loss-equal", lambda F, x: F.l1_loss(x, x.detach(), reduction="none"), lambda r: (r.normal(size=4),),
         lambda x: x * 0, grad=(), arrays=False),
    *(Case(f"{name}-broadcast", lambda F, x, t, name=name: getattr(F, name)(x, t), pair((4,), (4, 1)),
           lambda x, t, f=f: f(x, t).mean(), grad=(0, 1), warns=UserWarning)
      for name, f in (("l1_loss", absolute), ("smooth_l1_loss", lambda x, t: smooth(x, t, 1.0)),
                      ("huber_loss", lambda x, t: huber(x, t, 1.0)))),
    *family("binary_cross_entropy", binary, "BCELoss", probabilities),
    Case("binary_cross_entropy-weight", lambda F, x, t, w: F.binary_cross_entropy(x, t, w),
         lambda r: (*probabilities((2, 3))(r), r.uniform(0.5, 2, (2, 3))), lambda x, t, w: binary(x, t, w).mean(),
         grad=(0, 1), module=lambda nn, x, t, w: (nn.BCELoss(w), (x, t))),
    Case("binary_cross_entropy-weight_of_columns", lambda F, x, t, w: F.binary_cross_entropy(x, t, w, reduction="none"),
         lambda r: (*probabilities((2, 3))(r), r.uniform(0.5, 2, 3)), binary, grad=(0, 1)),
    Case("binary_cross_entropy-certain", lambda F, x, t: F.binary_cross_entropy(x, t, reduction="none"),
         lambda r: (np.array([0.0, 1.0, 0.0, 1.0]), np.array([0.0, 1.0, 1.0, 0.0])), binary, grad=()),
    *family("binary_cross_entropy_with_logits", logits, "BCEWithLogitsLoss", scores),
    *(Case(f"binary_cross_entropy_with_logits-{label}", with_weights, spread((2, 3), *shapes),
           lambda x, t, w, p: logits(x, t, w, p).sum(), grad=(0, 1), module=with_weights_module)
      for label, shapes in (("weight", ((2, 3), None)), ("pos_weight", (None, (3,))), ("both", ((2, 1), (2, 3))))),
    Case("binary_cross_entropy_with_logits-large_weights", with_weights, spread((5, 4), (4,), (4,)),
         lambda x, t, w, p: logits(x, t, w, p).sum(), grad=(0, 1), large=spread((500, 90), (90,), (90,))),
    Case("binary_cross_entropy_with_logits-extreme",
         lambda F, x, t: F.binary_cross_entropy_with_logits(x, t, reduction="none"),
         lambda r: (np.array([1e4, -1e4, 1e4, -1e4, 0.0]), np.array([1.0, 0.0, 0.0, 1.0, 0.5])), logits, grad=()),
    *family("kl_div", divergence, "KLDivLoss", probabilities, False),
    *family("kl_div", divergence, "KLDivLoss", numbers, True),
    Case("kl_div-batchmean", batch_mean, probabilities((4, 3)), lambda x, t: divergence(x, t, False).sum() / 4,
         grad=(0, 1), module=lambda nn, x, t: (nn.KLDivLoss(reduction="batchmean"), (x, t))),
    Case("kl_div-batchmean_0d", batch_mean, probabilities(()), lambda x, t: divergence(x, t, False), grad=(0, 1)),
    Case("kl_div-zero", lambda F, x, t: F.kl_div(x, t, reduction="sum"),
         lambda r: (r.normal(size=4), np.array([0.0, 1.0, 0.0, 0.3])), lambda x, t: divergence(x, t, False).sum(),
         grad=(0,)),
]  # fmt: skip

X, T = nbnn.ones(4, 3), nbnn.zeros(4, 3)


def refusals(name):
    def call(*args, **options):
        return lambda F: getattr(F, name)(*args, **options)

    return [
        Bad(f"{name}-shapes", call(X, nbnn.ones(2)), ValueError, rf"^{name}: .*\(4, 3\).*\(2,\)"),
        Bad(f"{name}-target_none", call(X, None), TypeError, rf"^{name}: `target` must be a Tensor; got NoneType"),
        Bad(f"{name}-integers", call(X.long(), X.long()), TypeError, rf"^{name}: `input` must have a floating-point"),
        Bad(f"{name}-reduction", call(X, T, reduction="avg"), ValueError, rf"^{name}: `reduction` \(='avg'\)"),
    ]


def weight_refusals(name, option):
    def call(weight):
        return lambda F: getattr(F, name)(X, T, **{option: weight})

    return [
        Bad(
            f"{name}-{option}_shape", call(nbnn.ones(2, 4, 3)), ValueError, rf"^{name}: `{option}` (of shape|must have)"
        ),
        Bad(
            f"{name}-{option}_broadcast", call(nbnn.ones(2)), ValueError, rf"^{name}: .*(broadcast|must have the shape)"
        ),
        Bad(f"{name}-{option}_list", call([1.0]), TypeError, rf"^{name}: `{option}` must be a Tensor; got list"),
    ]


ERRORS = [
    *(bad for name in NAMES for bad in refusals(name)),
    *weight_refusals("l1_loss", "weight"), *weight_refusals("huber_loss", "weight"),
    *weight_refusals("binary_cross_entropy", "weight"),
    *weight_refusals("binary_cross_entropy_with_logits", "weight"),
    *weight_refusals("binary_cross_entropy_with_logits", "pos_weight"),
    Bad("smooth_l1_loss-beta", lambda F: F.smooth_l1_loss(X, T, beta=-1.0), ValueError,
        r"^smooth_l1_loss: `beta` \(=-1.0\) must be at least 0"),
    Bad("smooth_l1_loss-beta_nan", lambda F: F.smooth_l1_loss(X, T, beta=math.nan), ValueError, r"`beta` \(=nan\)"),
    Bad("huber_loss-delta", lambda F: F.huber_loss(X, T, delta=0), ValueError,
        r"^huber_loss: `delta` \(=0\) must be above 0"),
    *(Bad(f"binary_cross_entropy-range_{value}_{reduction}", lambda F, value=value, reduction=reduction:
          F.binary_cross_entropy(nbnn.tensor([[0.5, value]]), nbnn.tensor([[1.0, 0.0]]), reduction=reduction),
          ValueError, r"^binary_cross_entropy: `input`\[0, 1\] \(=.*\) must be between 0 and 1")
      for value in (-0.5, 1.5, math.nan, math.inf) for reduction in REDUCTIONS),
    Bad("kl_div-log_target", lambda F: F.kl_div(X, T, log_target=1), TypeError, r"`log_target` \(=1\) must be a bool"),
    Bad("kl_div-target_integers", lambda F: F.kl_div(X, T.long()), TypeError, r"`target` must have a floating"),
    *(Bad(f"binary_cross_entropy-target_{v}", lambda F, v=v: F.binary_cross_entropy(T, T + v), ValueError,
          r"^binary_cross_entropy: `target`\[0, 0\] \(=.*\) must be between 0 and 1") for v in (-1.0, 2.0, math.nan)),
    Bad("binary_cross_entropy-dtypes", lambda F: F.binary_cross_entropy(X, T.double()), TypeError, r"one dtype"),
]  # fmt: skip
