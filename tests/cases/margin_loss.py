"""Cases of the margin losses, of the likelihoods of counts and of normal numbers, and of the losses of distances."""

import itertools
import math

import numpy as np

import nbnn
from tests.cases.loss import REDUCTIONS, reduced
from tests.engine import Bad, Case

SHAPES = [(), (2, 1, 3)]
SIGNS = (1.0, -1.0)


def hinge(x, t, margin):
    return np.where(t == -1, np.maximum(0, margin - x), np.where(t == 1, x, x + np.maximum(0, margin - x)))


def ranking(a, b, t, margin):
    return np.maximum(0, margin - t * (a - b))


def soft(x, t):
    return np.logaddexp(0, -t * x)


def multi(x, t, p, margin, w=None):
    rows, targets = np.atleast_2d(x), np.atleast_1d(t)
    losses = []
    for row, c in zip(rows, targets, strict=True):
        others = np.delete(margin - row[c] + row, c)
        losses.append((1 if w is None else w[c]) * (np.maximum(0, others) ** p).sum() / len(row))
    return np.array(losses).reshape(np.shape(t))


def several(x, t):
    rows, targets = np.atleast_2d(x), np.atleast_2d(t)
    losses = []
    for row, line in zip(rows, targets, strict=True):
        classes = list(itertools.takewhile(lambda c: c >= 0, line.tolist()))
        others = [c for c in range(len(row)) if c not in classes]
        losses.append(sum(max(0.0, 1 - row[c] + row[o]) for c in classes for o in others) / len(row))
    return np.array(losses).reshape(x.shape[:-1])


def soft_several(x, t, w=None):
    losses = t * np.logaddexp(0, -x) + (1 - t) * np.logaddexp(0, x)
    return (losses * (1 if w is None else w)).mean(-1)


def poisson(x, t, log_input, full, eps=1e-8):
    losses = np.exp(x) - t * x if log_input else x - t * np.log(x + eps)
    large = np.where(t > 1, t, 1)
    stirling = large * np.log(large) - large + 0.5 * np.log(2 * np.pi * large)
    return losses + np.where(t > 1, stirling, 0) if full else losses


def gaussian(x, t, v, full, eps=1e-6):
    v = v[..., None] if np.ndim(v) == x.ndim - 1 and np.ndim(v) else v
    v = np.maximum(v, eps)
    return 0.5 * (np.log(v) + (x - t) ** 2 / v) + (0.5 * math.log(2 * math.pi) if full else 0)


def cosine(a, b, t, margin):
    c = (a * b).sum(-1) / np.sqrt(((a * a).sum(-1) + 1e-12) * ((b * b).sum(-1) + 1e-12))
    return np.where(t == 1, 1 - c, np.where(t == -1, np.maximum(0, c - margin), 0))


def norm(d, p):
    return np.abs(d).max(-1) if p == math.inf else (np.abs(d) ** p).sum(-1) ** (1 / p)


def triplet(a, b, c, margin, p, swap, eps=1e-6):
    near, far = norm(a - b + eps, p), norm(a - c + eps, p)
    far = np.minimum(far, norm(b - c + eps, p)) if swap else far
    return np.maximum(0, margin + near - far)


TURNS = itertools.cycle(REDUCTIONS)

# -- makers: a function and its Module from the options; inputs from a generator --------------------------------------


def table(name, module, oracle, inputs, options, count, *, grad, label="", warns=None, empty=(), large=None):
    """A case for each reduction, or for one after the other where there are options to go through with them.

    `count` inputs are Tensors, the options are passed by name.
    """
    for reduction in REDUCTIONS if not options else [next(TURNS)]:
        extra = {**options, "reduction": reduction}
        tensors = {k: i for k, i in options.items() if isinstance(i, int) and k == "weight"}

        def named(values, extra=extra, tensors=tensors):
            return {**extra, **{k: values[i] for k, i in tensors.items()}}

        yield Case(
            f"{name}-{label}_{reduction}".replace(" ", ""),
            lambda F, *v, named=named: getattr(F, name)(*v[:count], **named(v)),
            inputs,
            lambda *v, reduction=reduction: reduced(np.asarray(oracle(*v)), reduction),
            grad=grad,
            module=None if warns else lambda nn, *v, named=named: (getattr(nn, module)(**named(v)), v[:count]),
            warns=warns,
            empty=empty if reduction != "mean" else (),
            large=large if reduction == "sum" else None,
            halves=reduction == "mean",
            arrays=reduction != "sum",
        )


def scores(shape, *signs):
    """Normal numbers of a shape, and signs for each further shape."""
    return lambda r: (r.normal(size=shape), *(r.choice(SIGNS, s) for s in signs))


def normals(*shapes):
    return lambda r: tuple(r.normal(size=s) for s in shapes)


def signed(shape, target):
    return lambda r: (r.normal(size=shape), r.normal(size=shape), r.choice(SIGNS, target))


def classes(shape, target, weighted=False):
    return lambda r: (r.normal(size=shape), r.integers(0, shape[-1], target),
                      *((r.uniform(0.5, 2, shape[-1]),) if weighted else ()))  # fmt: skip


def lists(shape):
    """Rows of distinct classes, some of which end before the last."""

    def make(r):
        t = np.argsort(r.normal(size=shape), -1)
        return r.normal(size=shape), np.where(np.arange(shape[-1]) < r.integers(0, shape[-1] + 1, (*shape[:-1], 1)), t,
                                              -1)  # fmt: skip

    return make


def counts(shape, positive):
    return lambda r: (r.uniform(0.5, 2, shape) if positive else r.normal(size=shape), r.uniform(0, 4, shape))


def variances(shape, var):
    return lambda r: (r.normal(size=shape), r.normal(size=shape), r.uniform(0.5, 2, var))


def elementwise():
    for shape in SHAPES:
        label = str(shape)
        yield from table("hinge_embedding_loss", "HingeEmbeddingLoss", lambda x, t: hinge(x, t, 1.0),
                         scores(shape, shape), {}, 2, grad=(0,), label=label, empty=(scores((0,), (0,)),),
                         large=scores((33, 600), (33, 600)))  # fmt: skip
        yield from table("soft_margin_loss", "SoftMarginLoss", soft, scores(shape, shape), {}, 2, grad=(0,),
                         label=label, empty=(scores((2, 0), (2, 0)),), large=scores((33, 600), (33, 600)))  # fmt: skip
        yield from table("margin_ranking_loss", "MarginRankingLoss", lambda a, b, t: ranking(a, b, t, 0.0),
                         signed(shape, shape), {}, 3, grad=(0, 1, 2), label=label,
                         empty=(signed((0,), (0,)),))  # fmt: skip
        for log_input, full in itertools.product((True, False), (True, False)):
            options = {"log_input": log_input, "full": full}
            yield from table("poisson_nll_loss", "PoissonNLLLoss",
                             lambda x, t, o=tuple(options.values()): poisson(x, t, *o),
                             counts(shape, not log_input), options, 2, grad=(0, 1),
                             label=f"{label}_{log_input}_{full}", empty=(counts((0, 2), False),))  # fmt: skip
    yield from table("hinge_embedding_loss", "HingeEmbeddingLoss", lambda x, t: hinge(x, t, 0.3),
                     lambda r: (r.normal(size=6), r.integers(-1, 2, 6)), {"margin": 0.3}, 2, grad=(0,),
                     label="integers")  # fmt: skip
    yield from table("margin_ranking_loss", "MarginRankingLoss", lambda a, b, t: ranking(a, b, t, 0.7),
                     signed((7,), (7,)), {"margin": 0.7}, 3, grad=(0, 1, 2), label="margin")  # fmt: skip
    for shape, var in (((3, 4), (3, 4)), ((3, 4), (3,)), ((2, 2, 2), (2, 2, 1))):
        for full in (True, False):
            yield from table("gaussian_nll_loss", "GaussianNLLLoss", lambda x, t, v, full=full: gaussian(x, t, v, full),
                             variances(shape, var), {"full": full}, 3, grad=(0, 1, 2), label=f"{shape}_{var}_{full}",
                             empty=(variances((0, 2), (0, 2)),))  # fmt: skip


def of_classes():
    for shape, target in (((4, 3), (4,)), ((3,), ()), ((2, 1), (2,))):
        for p, margin, weighted in itertools.product((1, 2), (1.0, 0.4), (False, True)):
            options = {"p": p, "margin": margin, **({"weight": 2} if weighted else {})}
            yield from table("multi_margin_loss", "MultiMarginLoss",
                             lambda x, t, w=None, p=p, margin=margin: multi(x, t, p, margin, w),
                             classes(shape, target, weighted), options, 2, grad=(0,),
                             label=f"{shape}_{p}_{margin}_{weighted}",
                             empty=(classes((0, 3), (0,), weighted),))  # fmt: skip
    for shape in ((4, 5), (5,), (1, 1)):
        yield from table("multilabel_margin_loss", "MultiLabelMarginLoss", several, lists(shape), {}, 2, grad=(0,),
                         label=str(shape), empty=(lists((0, 3)),), large=lists((900, 12)))  # fmt: skip
    for shape in ((4, 3), (3,), (2, 2, 3)):
        for weighted in (False, True):
            yield from table("multilabel_soft_margin_loss", "MultiLabelSoftMarginLoss", soft_several,
                             lambda r, s=shape, w=weighted: (r.normal(size=s), r.uniform(0, 1, s),
                                                             *((r.uniform(0.5, 2, s[-1]),) if w else ())),
                             {"weight": 2} if weighted else {}, 2, grad=(0, 1), label=f"{shape}_{weighted}",
                             empty=(lambda r, w=weighted: (np.zeros((0, 3)), np.zeros((0, 3)),
                                                           *((np.ones(3),) if w else ())),))  # fmt: skip


def of_distances():
    for shape in ((4, 3), (3,)):
        for margin in (0.0, 0.2):
            yield from table("cosine_embedding_loss", "CosineEmbeddingLoss",
                             lambda a, b, t, m=margin: cosine(a, b, t, m), signed(shape, shape[:-1]),
                             {"margin": margin}, 3, grad=(0, 1), label=f"{shape}_{margin}",
                             empty=(signed((0, 3), (0,)),))  # fmt: skip
        for p, swap, margin in ((2, False, 1.0), (2, True, 5.0), (1, True, 1.0), (3.5, False, 5.0)):
            options = {"p": p, "swap": swap, "margin": margin}
            yield from table("triplet_margin_loss", "TripletMarginLoss",
                             lambda a, b, c, p=p, swap=swap, margin=margin: triplet(a, b, c, margin, p, swap),
                             normals(shape, shape, shape), options, 3, grad=(0, 1, 2),
                             label=f"{shape}_{p}_{swap}_{margin}",
                             empty=(normals((0, 3), (0, 3), (0, 3)),))  # fmt: skip
    for swap in (False, True):
        yield from table("triplet_margin_with_distance_loss", "TripletMarginWithDistanceLoss",
                         lambda a, b, c, swap=swap: triplet(a, b, c, 1.0, 2, swap), normals((4, 3), (4, 3), (4, 3)),
                         {"swap": swap}, 3, grad=(0, 1, 2), label=str(swap))  # fmt: skip


def squared(x, y):
    return ((x - y) * (x - y)).sum(-1)


SPECIAL = np.array([math.nan, math.inf, -math.inf, 1e4, -1e4, 0.0])


def broadcasts():
    """#4938, #19699: what broadcasts in PyTorch does so here, with a warning that names both shapes."""
    for name, oracle in (("hinge_embedding_loss", lambda x, t: hinge(x, t, 1.0)), ("soft_margin_loss", soft),
                         ("poisson_nll_loss", lambda x, t: poisson(x, t, True, False))):  # fmt: skip
        yield Case(f"{name}-broadcast_4938_19699", lambda F, x, t, name=name: getattr(F, name)(x, t),
                   scores((3, 4), (4,)), lambda x, t, f=oracle: f(x, t).mean(), warns=UserWarning)  # fmt: skip
    yield Case("margin_ranking_loss-broadcast_4938", lambda F, a, b, t: F.margin_ranking_loss(a, b, t),
               lambda r: (r.normal(size=(4, 1)), r.normal(size=(1, 3)), r.choice(SIGNS, (4, 3))),
               lambda a, b, t: ranking(a, b, t, 0.0).mean(), grad=(0, 1, 2), warns=UserWarning)  # fmt: skip


def old_spellings():
    """`size_average` and `reduce` still reduce, and warn."""
    for name, inputs, oracle in (
        ("hinge_embedding_loss", scores((4,), (4,)), lambda x, t: hinge(x, t, 1.0)),
        ("soft_margin_loss", scores((4,), (4,)), soft),
        ("margin_ranking_loss", signed((4,), (4,)), lambda a, b, t: ranking(a, b, t, 0.0)),
        ("multi_margin_loss", classes((4, 3), (4,)), lambda x, t: multi(x, t, 1, 1.0)),
        ("multilabel_margin_loss", lists((4, 3)), several),
        ("multilabel_soft_margin_loss", normals((4, 3), (4, 3)), soft_several),
        ("poisson_nll_loss", normals((4,), (4,)), lambda x, t: poisson(x, t, True, False)),
        ("cosine_embedding_loss", signed((4, 3), (4,)), lambda a, b, t: cosine(a, b, t, 0.0)),
        ("triplet_margin_loss", normals((4, 3), (4, 3), (4, 3)), lambda a, b, c: triplet(a, b, c, 1.0, 2, False)),
    ):  # fmt: skip
        yield Case(f"{name}-size_average", lambda F, *v, name=name: getattr(F, name)(*v, size_average=False), inputs,
                   lambda *v, f=oracle: f(*v).sum(), second=False, halves=False, warns=DeprecationWarning)  # fmt: skip


CASES = [
    *old_spellings(),
    *elementwise(), *of_classes(), *of_distances(), *broadcasts(),
    Case("soft_margin_loss-target", lambda F, x, t: F.soft_margin_loss(x, t, reduction="none"), normals((5,), (5,)),
         soft, grad=(0, 1), torch=False),
    Case("hinge_embedding_loss-special", lambda F, x, t: F.hinge_embedding_loss(x, t, reduction="none"),
         lambda r: (np.repeat(SPECIAL, 2), np.tile(SIGNS, 6)), lambda x, t: hinge(x, t, 1.0), grad=()),
    Case("soft_margin_loss-special", lambda F, x: F.soft_margin_loss(x, x * 0 + 1, reduction="none"),
         lambda r: (np.array([1e4, -1e4, 0.0]),), lambda x: soft(x, 1), grad=()),
    Case("margin_ranking_loss-tie", lambda F, x: F.margin_ranking_loss(x, x.detach(), x.detach() * 0 + 1),
         lambda r: (r.normal(size=4),), lambda x: 0.0, grad=(), arrays=False),
    Case("multi_margin_loss-nan", lambda F, x, t: F.multi_margin_loss(x, t, reduction="none"),
         lambda r: (np.array([[math.nan, 0, 0], [0, 1, 2]]), np.array([1, 2])),
         lambda x, t: np.array([math.nan, 0.0]), grad=(), torch=False),
    Case("poisson_nll_loss-zero_rate", lambda F, x, t: F.poisson_nll_loss(x, t, log_input=False, reduction="none"),
         lambda r: (np.zeros(3), np.array([0.0, 1.0, 2.0])), lambda x, t: poisson(x, t, False, False), grad=()),
    Case("gaussian_nll_loss-small_variance", lambda F, x, t, v: F.gaussian_nll_loss(x, t, v, eps=1e-2, reduction="sum"),
         lambda r: (r.normal(size=4), r.normal(size=4), np.array([0.0, 1e-3, 0.5, 1.0])),
         lambda x, t, v: gaussian(x, t, v, False, 1e-2).sum(), grad=(0, 1)),
    Case("gaussian_nll_loss-number", lambda F, x, t: F.gaussian_nll_loss(x, t, 0.5), normals((4,), (4,)),
         lambda x, t: gaussian(x, t, 0.5, False).mean(), grad=(0, 1)),
    Case("cosine_embedding_loss-zero", lambda F, a, b, t: F.cosine_embedding_loss(a, b, t, reduction="none"),
         lambda r: (np.zeros((3, 2)), r.normal(size=(3, 2)), np.array([1, -1, 0])),
         lambda a, b, t: cosine(a, b, t, 0), grad=(1,), second=False),
    Case("triplet_margin_loss-equal", lambda F, a, b: F.triplet_margin_loss(a, a.detach(), b, eps=0.0),
         normals((3, 2), (3, 2)), lambda a, b: triplet(a, a, b, 1.0, 2, False, 0.0).mean(), grad=(1,), arrays=False),
    Case("triplet_margin_with_distance_loss-function",
         lambda F, a, b, c: F.triplet_margin_with_distance_loss(a, b, c, distance_function=squared, reduction="none"),
         normals((4, 3), (4, 3), (4, 3)),
         lambda a, b, c: np.maximum(0, 1 + squared(a, b) - squared(a, c)), grad=(0, 1, 2)),
]  # fmt: skip

X, T = nbnn.ones(4, 3), nbnn.zeros(4, 3)
LINE, INDEX = nbnn.ones(4), nbnn.tensor([0, 1, 2, 0])
BASE = {
    "hinge_embedding_loss": (X, T), "soft_margin_loss": (X, T), "margin_ranking_loss": (X, T, T),
    "poisson_nll_loss": (X, T), "gaussian_nll_loss": (X, T, X), "multi_margin_loss": (X, INDEX),
    "multilabel_margin_loss": (X, T.long()), "multilabel_soft_margin_loss": (X, T),
    "cosine_embedding_loss": (X, T, LINE), "triplet_margin_loss": (X, T, T),
    "triplet_margin_with_distance_loss": (X, T, T),
}  # fmt: skip


OF_INTEGERS = ("margin_ranking_loss", "poisson_nll_loss", "gaussian_nll_loss", "cosine_embedding_loss",
               "triplet_margin_loss", "triplet_margin_with_distance_loss")  # fmt: skip


def general():
    """What all of them refuse."""
    for name, args in BASE.items():

        def call(*given, name=name, **options):
            return lambda F: getattr(F, name)(*given, **options)

        yield Bad(f"{name}-reduction", call(*args, reduction="avg"), ValueError, rf"^{name}: `reduction` \(='avg'\)")
        if name not in OF_INTEGERS:
            yield Bad(f"{name}-integers", call(X.long(), *args[1:]), TypeError, rf"^{name}: `\w+` must have a floating")
        yield Bad(f"{name}-none", call(args[0], None, *args[2:]), TypeError, rf"^{name}: `\w+` must be a Tensor")
        yield Bad(f"{name}-shapes", call(args[0], args[1][:1, :2] if args[1].dim() == 2 else args[1][:2], *args[2:]),
                  ValueError, rf"^{name}: ")  # fmt: skip


def bad(name, error, match, *args, **options):
    label = "_".join(f"{k}_{v}" for k, v in options.items()).replace(" ", "") or match[:20]
    return Bad(f"{name}-{label}", lambda F: getattr(F, name)(*args, **options), error, match)


ERRORS = [
    *general(),
    bad("margin_ranking_loss", ValueError, r"one number of axes; got \(4, 3\), \(4, 3\), \(4,\)", X, X, LINE),
    bad("multi_margin_loss", ValueError, r"`p` \(=3\) must be 1 or 2", X, INDEX, p=3),
    bad("multi_margin_loss", ValueError, r"`p` \(=True\) must be 1 or 2", X, INDEX, p=True),
    bad("multi_margin_loss", IndexError, r"`target`\[3\] \(=9\) must be in \[0, 2\]", X, nbnn.tensor([0, 1, 2, 9])),
    bad("multi_margin_loss", ValueError, r"`weight` must have shape \(C,\) = \(3,\)", X, INDEX, weight=nbnn.ones(2)),
    bad("multi_margin_loss", TypeError, r"one dtype", X, INDEX, weight=nbnn.ones(3).double()),
    bad("multi_margin_loss", TypeError, r"`target` must hold integers", X, LINE),
    bad("multi_margin_loss", ValueError, r"`input` must have shape \(N, C\) or \(C,\)", nbnn.ones(2, 0), INDEX[:2]),
    bad("multilabel_margin_loss", IndexError, r"`target`\[0, 1\] \(=-2\)", X[:1], nbnn.tensor([[0, -2, 1]])),
    bad("multilabel_margin_loss", TypeError, r"`target` must hold integers", X, T),
    bad("multilabel_soft_margin_loss", ValueError, r"at least 1 axis", nbnn.tensor(1.0), nbnn.tensor(1.0)),
    bad("multilabel_soft_margin_loss", ValueError, r"must broadcast", X, T, weight=nbnn.ones(2)),
    bad("gaussian_nll_loss", ValueError, r"`var` must have the shape", X, T, nbnn.ones(3)),
    bad("gaussian_nll_loss", ValueError, r"`var` must not hold negative", X, T, -X),
    bad("gaussian_nll_loss", ValueError, r"`var` \(=-1.0\) must not be negative", X, T, -1.0),
    bad("gaussian_nll_loss", TypeError, r"`var` \(=2\) must be a Tensor or a float", X, T, 2),
    bad("soft_margin_loss", ValueError, r"`target` must broadcast to the shape of `input`", X[:1], X),
    bad("cosine_embedding_loss", ValueError, r"shapes must be \(N, D\)", X, X, X),
    bad("triplet_margin_loss", ValueError, r"`margin` \(=0\) must be above 0", X, X, X, margin=0),
    bad("triplet_margin_loss", ValueError, r"`p` \(=nan\)", X, X, X, p=math.nan),
    bad("triplet_margin_loss", ValueError, r"one number of axes", X, X, LINE),
    bad("triplet_margin_loss", TypeError, r"must be numbers; got nbnn.bool", X, X > 0, X),
    bad("triplet_margin_with_distance_loss", ValueError, r"`margin` \(=-1\)", X, X, X, margin=-1),
    bad("triplet_margin_with_distance_loss", TypeError, r"must be callable; got int", X, X, X, distance_function=3),
]  # fmt: skip
