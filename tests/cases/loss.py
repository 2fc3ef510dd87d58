"""Cases of the losses."""

import itertools
import math

import numpy as np

import nbnn
from tests.cases import normal
from tests.cases.softmax import log_softmax
from tests.engine import Bad, Case

REDUCTIONS = ("mean", "sum", "none")


def reduced(losses, reduction, divisor=None):
    """The reduction of an array of losses; the mean is over `divisor`."""
    if reduction == "none":
        return losses
    return losses.sum() if reduction == "sum" else np.divide(losses.sum(), losses.size if divisor is None else divisor)


def nll(x, target, weight, ignore, reduction):
    """Loss by loss, in loops."""
    shape = target.shape
    losses, total = np.zeros(shape), 0.0
    for index in np.ndindex(shape):
        t = int(target[index])
        if t == ignore:
            continue
        w = 1.0 if weight is None else weight[t]
        losses[index] = -w * x[(t,) if x.ndim == 1 else (index[0], t, *index[1:])]
        total += w
    return reduced(losses, reduction, total)


def cross_entropy(x, target, weight, ignore, reduction, smoothing):
    axis = min(1, x.ndim - 1)
    logp = log_softmax(x, axis)
    classes = x.shape[axis]
    w = np.ones(classes) if weight is None else weight
    w = w.reshape((-1, *(1,) * (x.ndim - 1 - axis)))
    if target.dtype.kind == "f":
        mixed = target * (1 - smoothing) + smoothing / classes
        losses = -(w * mixed * logp).sum(axis)
        return reduced(losses, reduction)
    hard = nll(logp, target, weight, ignore, "none")
    soft = np.where(target == ignore, 0, -(w * logp).sum(axis))
    used = target[target != ignore]
    total = float(len(used)) if weight is None else sum(weight[t] for t in used.ravel())
    return reduced((1 - smoothing) * hard + smoothing / classes * soft, reduction, total)


SHAPES = {
    "2d": ((4, 3), (4,)),
    "1d": ((3,), ()),
    "3d": ((2, 3, 4), (2, 4)),
    "4d": ((2, 3, 2, 2), (2, 2, 2)),
    "5d": ((1, 2, 2, 1, 3), (1, 2, 1, 3)),
}


def classes(shape):
    return shape[min(1, len(shape) - 1)]


def index_targets(shape, target_shape, weighted, ignore, *rest, log=False):
    """A maker of scores, class indices (one of them ignored, where there is room), weights, and the rest."""

    def make(r):
        x = np.asarray(r.normal(size=shape))
        x = log_softmax(x, min(1, x.ndim - 1)) if log else x
        target = np.asarray(r.integers(0, classes(shape), target_shape))
        if ignore is not None and target.size > 1:
            target.reshape(-1)[1] = ignore
        return (
            x,
            target,
            r.uniform(0.5, 2, classes(shape)) if weighted else None,
            -100 if ignore is None else ignore,
            *rest,
        )

    return make


def _label(function, *parts):
    return f"{function}-" + "_".join(str(p) for p in parts if p is not None and p is not False)


def nll_call(F, x, target, weight, ignore, reduction):
    return F.nll_loss(x, target, weight, ignore_index=ignore, reduction=reduction)


def nll_module(nn, x, target, weight, ignore, reduction):
    return nn.NLLLoss(weight=weight, ignore_index=ignore, reduction=reduction), (x, target)


NLL = [
    *(Case(_label("nll_loss", label, reduction, weighted and "weight", ignore), nll_call,
           index_targets(*SHAPES[label], weighted, ignore, reduction), nll, module=nll_module)
      for label, reduction, weighted, ignore in itertools.product(("2d", "3d"), REDUCTIONS, (False, True),
                                                                  (None, -100, 1))),
    *(Case(f"nll_loss-{label}_{reduction}", nll_call, index_targets(*SHAPES[label], True, None, reduction), nll,
           module=nll_module)
      for label, reduction in itertools.product(("1d", "4d", "5d"), REDUCTIONS)),
    Case("nll_loss-large", nll_call, index_targets((5, 4), (5,), True, -100, "mean"), nll,
         large=index_targets((4000, 30), (4000,), True, -100, "mean")),
    Case("nll_loss-large_planes", nll_call, index_targets((2, 4, 3), (2, 3), True, -100, "none"), nll,
         large=index_targets((4, 20, 3000), (4, 3000), True, -100, "none"),
         empty=(index_targets((0, 3), (0,), False, None, "none"), index_targets((0, 3), (0,), True, None, "sum"),
                index_targets((2, 3, 0), (2, 0), True, None, "none"),
                index_targets((0, 3), (0,), False, None, "mean"))),
    Case("nll_loss-all_ignored", nll_call, lambda r: (r.normal(size=(3, 2)), np.full(3, -100), None, -100, "mean"),
         nll, grad=()),
    Case("nll_loss-all_ignored_sum", nll_call, lambda r: (r.normal(size=(3, 2)), np.full(3, -100), None, -100, "sum"),
         nll),
    Case("nll_loss-infinite", nll_call, lambda r: (np.array([[-math.inf, 0.0], [0.0, -math.inf], [math.nan, -1.0]]),
                                                  np.array([1, 1, 1]), None, -100, "none"), nll, grad=()),
    Case("nll_loss-zero_weight", nll_call, lambda r: (r.normal(size=(3, 2)), np.array([0, 1, 0]),
                                                      np.array([0.0, 1.0]), -100, "mean"), nll),
]  # fmt: skip


def ce_call(F, x, target, weight, ignore, reduction, smoothing):
    return F.cross_entropy(x, target, weight, ignore_index=ignore, reduction=reduction, label_smoothing=smoothing)


def ce_module(nn, x, target, weight, ignore, reduction, smoothing):
    loss = nn.CrossEntropyLoss(weight=weight, ignore_index=ignore, reduction=reduction, label_smoothing=smoothing)
    return loss, (x, target)


def probability_targets(shape, weighted, reduction, smoothing):
    def make(r):
        x, t = np.asarray(r.normal(size=shape)), np.asarray(r.uniform(0.1, 1, shape))
        t = t / t.sum(min(1, t.ndim - 1), keepdims=True)
        return x, t, r.uniform(0.5, 2, classes(shape)) if weighted else None, -100, reduction, smoothing

    return make


CROSS_ENTROPY = [
    *(Case(_label("cross_entropy", label, reduction, weighted and "weight", ignore, smoothing or None), ce_call,
           index_targets(*SHAPES[label], weighted, ignore, reduction, smoothing), cross_entropy, module=ce_module)
      for label, reduction, weighted, ignore, smoothing in
      itertools.product(("2d", "3d"), REDUCTIONS, (False, True), (None, -100, 1), (0.0, 0.2))),
    *(Case(_label("cross_entropy", label, reduction, weighted and "weight", smoothing or None), ce_call,
           index_targets(*SHAPES[label], weighted, None, reduction, smoothing), cross_entropy, module=ce_module)
      for label, reduction, weighted, smoothing in itertools.product(("1d", "4d"), REDUCTIONS, (False, True),
                                                                     (0.0, 0.2))),
    *(Case(_label("cross_entropy", "probabilities", label, reduction, weighted and "weight", smoothing or None),
           ce_call,
           probability_targets(SHAPES[label][0], weighted, reduction, smoothing), cross_entropy, grad=(0, 1),
           module=ce_module)
      for label, reduction, weighted, smoothing in itertools.product(("1d", "2d", "4d"), REDUCTIONS, (False, True),
                                                                     (0.0, 0.2))),
    *(Case(f"cross_entropy-{shape}".replace(" ", ""), ce_call,
           index_targets(shape, (shape[0], *shape[2:]), True, -100, "mean", 0.1), cross_entropy, second=False,
           halves=False, cuda=False, arrays=False)  # around the lanes and strips of the measured paths
      for shape in ((3, 255), (2, 256), (2, 257), (2, 513), (2, 3, 255), (1, 2, 256), (2, 3, 257), (1, 2, 513))),
    Case("cross_entropy-large_classes", ce_call, index_targets((3, 20), (3,), False, None, "none", 0.0), cross_entropy,
         large=index_targets((70, 1100), (70,), False, None, "none", 0.0)),
    Case("cross_entropy-large_planes", ce_call, index_targets((2, 3, 5), (2, 5), True, 1, "sum", 0.0), cross_entropy,
         large=index_targets((3, 7, 20, 77), (3, 20, 77), True, 1, "sum", 0.0)),
    Case("cross_entropy-smoothing_1", ce_call, index_targets((4, 3), (4,), True, -100, "mean", 1.0), cross_entropy),
    Case("cross_entropy-one_class", ce_call, index_targets((4, 1), (4,), False, None, "mean", 0.1), cross_entropy),
    Case("cross_entropy-large", ce_call, index_targets((5, 4), (5,), True, -100, "mean", 0.1), cross_entropy,
         large=index_targets((2000, 50), (2000,), True, -100, "mean", 0.1)),
    Case("cross_entropy-large_probabilities", ce_call, probability_targets((5, 4), True, "mean", 0.1), cross_entropy,
         grad=(0, 1),
         large=probability_targets((2000, 50), True, "mean", 0.1)),
    Case("cross_entropy-empty", ce_call, index_targets((5, 4), (5,), True, None, "none", 0.1), cross_entropy,
         empty=(index_targets((0, 3), (0,), False, None, "none", 0.0),
                index_targets((0, 3), (0,), False, None, "sum", 0.1),
                index_targets((0, 3), (0,), False, None, "mean", 0.0))),
    Case("cross_entropy-all_ignored", ce_call, lambda r: (r.normal(size=(3, 2)), np.full(3, 7), None, 7, "mean", 0.0),
         cross_entropy, grad=()),
    Case("cross_entropy-extreme", ce_call, lambda r: (np.array([[1e4, -1e4], [-1e4, 1e4]]), np.array([1, 1]), None,
                                                      -100, "none", 0.0),
         cross_entropy),
    Case("cross_entropy-infinite", ce_call,
         lambda r: (np.array([[-math.inf, 0.0], [0.0, -math.inf], [math.nan, 0.0], [0.0, math.inf]]),
                                                       np.array([1, 1, 1, 0]), None, -100, "none", 0.0),
         cross_entropy, grad=()),
    Case("cross_entropy-bytes", lambda F, x, t: F.cross_entropy(x, t, reduction="elementwise_mean"),
         lambda r: (r.normal(size=(3, 2)), np.array([0, 1, 1], np.uint8)),
         lambda x, t: cross_entropy(x, t, None, -100, "mean", 0.0), warns=UserWarning),
]  # fmt: skip


def mse(x, y, reduction):
    return reduced((x - y) ** 2, reduction)


def mse_call(F, x, y, reduction):
    return F.mse_loss(x, y, reduction=reduction)


def mse_module(nn, x, y, reduction):
    return nn.MSELoss(reduction=reduction), (x, y)


def pair(a, b, *rest):
    return lambda r: (np.asarray(r.normal(size=a)), np.asarray(r.normal(size=b)), *rest)


def weighted_mse(F, x, y, w):
    return F.mse_loss(x, y, weight=w)


MSE = [
    *(Case(f"mse_loss-{shape}_{reduction}".replace(" ", ""), mse_call, pair(shape, shape, reduction), mse,
           grad=(0, 1), module=mse_module)
      for shape, reduction in itertools.product(((), (5,), (2, 3), (2, 1, 3)), REDUCTIONS)),
    *(Case(f"mse_loss-broadcast_{a}_{b}_{reduction}".replace(" ", ""), mse_call, pair(a, b, reduction), mse,
           grad=(0, 1),
           warns=UserWarning, module=mse_module)
      for (a, b), reduction in itertools.product((((4,), (4, 1)), ((2, 3), (3,)), ((), (2,))), REDUCTIONS)),
    Case("mse_loss-large", mse_call, pair((9,), (9,), "mean"), mse, grad=(0, 1), large=pair((70000,), (70000,), "mean"),
         empty=(pair((0,), (0,), "mean"), pair((0, 2), (0, 2), "sum"), pair((0,), (0,), "none"))),
    Case("mse_loss-large_none", mse_call, pair((9,), (9,), "none"), mse, grad=(0, 1),
         large=pair((70000,), (70000,), "none")),
    Case("mse_loss-special", mse_call, lambda r: (np.array([math.nan, math.inf, math.inf, 1e10]),
                                                  np.array([0.0, 0.0, math.inf, 0.0]), "none"),
         mse, grad=()),
    Case("mse_loss-weight", weighted_mse, lambda r: (*normal((2, 3), (2, 3))(r), r.uniform(0.5, 2, (2, 3))),
         lambda x, y, w: (w * (x - y) ** 2).sum() / w.sum(), grad=(0, 1)),
]  # fmt: skip

OLD = [
    (None, False, "none"), (True, None, "mean"), (False, None, "sum"), (True, True, "mean"), (False, True, "sum"),
    (False, False, "none"),
]  # fmt: skip


def old_spelling(average, reduce, reduction):
    """The old arguments give what the new one gives, and a warning."""
    more = {"size_average": average, "reduce": reduce}
    name = f"{average}_{reduce}"
    return [
        Case(f"mse_loss-old_{name}", lambda F, x, y: F.mse_loss(x, y, **more), pair((2, 3), (2, 3)),
             lambda x, y: mse(x, y, reduction),
             grad=(0, 1), warns=DeprecationWarning),
        Case(f"nll_loss-old_{name}", lambda F, x, t: F.nll_loss(x, t, **more),
             lambda r: (r.normal(size=(3, 2)), np.array([0, 1, 1])),
             lambda x, t: nll(x, t, None, -100, reduction), warns=DeprecationWarning),
        Case(f"cross_entropy-old_{name}", lambda F, x, t: F.cross_entropy(x, t, **more),
             lambda r: (r.normal(size=(3, 2)), np.array([0, 1, 1])),
             lambda x, t: cross_entropy(x, t, None, -100, reduction, 0.0),
             warns=DeprecationWarning),
    ]  # fmt: skip


CASES = [*NLL, *CROSS_ENTROPY, *MSE, *(case for old in OLD for case in old_spelling(*old))]

X = nbnn.ones(4, 3)
T = nbnn.tensor([0, 1, 2, 0])


def _class_refusals(name):
    def call(x=X, t=T, *args, **kwargs):
        return lambda F: getattr(F, name)(x, t, *args, **kwargs)

    def target(*values):
        return nbnn.tensor(values)

    low = -(2**63)
    return [
        Bad(f"{name}-target_high", call(t=target(0, 3, 1, 0)), IndexError,
            rf"^{name}: `target`\[1\] \(=3\) must be in \[0, 2\]"),
        Bad(f"{name}-target_negative", call(t=target(0, 1, -1, 0)), IndexError,
            rf"^{name}: `target`\[2\] \(=-1\) must be in \[0, 2\]"),
        Bad(f"{name}-target_min", call(t=target(low, 1, 1, 0)), IndexError,
            rf"^{name}: `target`\[0\] \(=-9223372036854775808\)"),
        Bad(f"{name}-target_max", call(t=target(2**63 - 1, 1, 1, 0)), IndexError,
            rf"^{name}: `target`\[0\] \(=9223372036854775807\)"),
        Bad(f"{name}-target_spatial", call(nbnn.ones(1, 2, 2, 2), nbnn.tensor([[[0, 1], [2, 0]]])), IndexError,
            rf"^{name}: `target`\[0, 1, 0\] \(=2\) must be in \[0, 1\]"),
        Bad(f"{name}-ignored_is_not_others", call(t=target(0, -100, 1, 0), ignore_index=-1), IndexError,
            rf"^{name}: `target`\[1\] \(=-100\)"),
        Bad(f"{name}-no_classes", call(nbnn.ones(4, 0)), IndexError, rf"^{name}: `target`\[0\]"),
        Bad(f"{name}-target_length", call(t=target(0, 1)), ValueError,
            rf"^{name}: `target` must have .*\(4, 3\), target \(2,\)"),
        Bad(f"{name}-target_rank", call(t=nbnn.zeros(4, 1, dtype=nbnn.int64)), ValueError,
            rf"^{name}: `target` must have .*target \(4, 1\)"),
        Bad(f"{name}-input_0d", call(nbnn.ones(()), nbnn.tensor(0)), ValueError,
            rf"^{name}: `input` must have at least 1 axis"),
        Bad(f"{name}-target_bool", call(t=T > 0), TypeError, rf"^{name}: `target` must hold integers.*nbnn.bool"),
        Bad(f"{name}-target_list", call(t=[0, 1, 2, 0]), TypeError, rf"^{name}: `target` must be a Tensor; got list"),
        Bad(f"{name}-target_none", call(t=None), TypeError, rf"^{name}: `target` must be a Tensor; got NoneType"),
        Bad(f"{name}-input_integers", call(X.long()), TypeError, rf"^{name}: `input` must have a floating-point dtype"),
        Bad(f"{name}-weight_length", call(X, T, nbnn.ones(2)), ValueError,
            rf"^{name}: `weight` must have shape \(C,\) = \(3,\); got weight \(2,\)"),
        Bad(f"{name}-weight_rank", call(X, T, nbnn.ones(1, 3)), ValueError, rf"^{name}: `weight` must have shape"),
        Bad(f"{name}-weight_dtype", call(X, T, nbnn.ones(3).double()), TypeError,
            rf"^{name}: .*one dtype.*`weight` nbnn.float64"),
        Bad(f"{name}-weight_list", call(X, T, [1.0, 1.0, 1.0]), TypeError,
            rf"^{name}: `weight` must be a Tensor; got list"),
        Bad(f"{name}-reduction", call(reduction="max"), ValueError,
            rf"^{name}: `reduction` \(='max'\) must be one of 'none', 'mean', 'sum'"),
        Bad(f"{name}-reduction_none", call(reduction=None), ValueError,
            rf"^{name}: `reduction` \(=None\) must be one of"),
        Bad(f"{name}-reduction_list", call(reduction=["mean"]), ValueError,
            rf"^{name}: `reduction` \(=\['mean'\]\) must be one of"),
        Bad(f"{name}-ignore_index", call(ignore_index=1.5), TypeError,
            rf"^{name}: `ignore_index` \(=1.5\) must be an int"),
    ]  # fmt: skip


ERRORS = [
    *_class_refusals("nll_loss"),
    *_class_refusals("cross_entropy"),
    Bad("nll_loss-target_int32", lambda F: F.nll_loss(X, T.int()), TypeError, r"of type nbnn.int64 or nbnn.uint8; got"),
    Bad("nll_loss-target_float", lambda F: F.nll_loss(X, T.float()), TypeError,
        r"^nll_loss: `target` must hold integers.*nbnn.float32"),
    Bad("cross_entropy-target_shape", lambda F: F.cross_entropy(X, F.ones(4)), ValueError,
        r"^cross_entropy: `target` of probabilities must have the shape.*\(4, 3\), target \(4,\)"),
    Bad("cross_entropy-probability_weight", lambda F: F.cross_entropy(X, X, F.ones(2)), ValueError,
        r"^cross_entropy: `weight` must have shape"),
    Bad("cross_entropy-probability_ignored", lambda F: F.cross_entropy(X, X, ignore_index=1), ValueError,
        r"^cross_entropy: `ignore_index` \(=1\) is for class indices"),
    Bad("cross_entropy-smoothing_high", lambda F: F.cross_entropy(X, T, label_smoothing=1.5), ValueError,
        r"^cross_entropy: `label_smoothing` \(=1.5\)"),
    Bad("cross_entropy-smoothing_low", lambda F: F.cross_entropy(X, T, label_smoothing=-0.1), ValueError,
        r"^cross_entropy: `label_smoothing` \(=-0.1\)"),
    Bad("cross_entropy-smoothing_nan", lambda F: F.cross_entropy(X, T, label_smoothing=math.nan), ValueError,
        r"^cross_entropy: `label_smoothing` \(=nan\)"),
    Bad("cross_entropy-smoothing_string", lambda F: F.cross_entropy(X, T, label_smoothing="a"), TypeError,
        r"^cross_entropy: `label_smoothing` \(='a'\)"),
    Bad("mse_loss-shapes", lambda F: F.mse_loss(X, F.ones(2)), ValueError,
        r"^mse_loss: the shapes must broadcast.*\(4, 3\) and \(2,\)"),
    Bad("mse_loss-target_none", lambda F: F.mse_loss(X, None), TypeError,
        r"^mse_loss: `target` must be a Tensor; got NoneType"),
    Bad("mse_loss-target_number", lambda F: F.mse_loss(X, 1.0), TypeError,
        r"^mse_loss: `target` must be a Tensor; got float"),
    Bad("mse_loss-integers", lambda F: F.mse_loss(X.long(), X.long()), TypeError,
        r"^mse_loss: `input` must have a floating-point dtype"),
    Bad("mse_loss-reduction", lambda F: F.mse_loss(X, X, reduction="avg"), ValueError,
        r"^mse_loss: `reduction` \(='avg'\) must be one of"),
    Bad("mse_loss-weight_shape", lambda F: F.mse_loss(X, X, weight=F.ones(2, 4, 3)), ValueError,
        r"^mse_loss: `weight` must have the shape of `input`"),
    Bad("mse_loss-weight_list", lambda F: F.mse_loss(X, X, weight=[1.0]), TypeError,
        r"^mse_loss: `weight` must be a Tensor; got list"),
]  # fmt: skip
