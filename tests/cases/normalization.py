"""Cases of batch_norm; the running statistics it changes are results too."""

import itertools
import math

import numpy as np

import nbnn
from tests.cases import loaded
from tests.engine import Bad, Case


def batch_norm(x, mean, var, weight, bias, training, momentum, eps):
    """Channel by channel: y, and the running statistics after it."""
    y = np.empty_like(x)
    mean, var = (None if s is None else s.copy() for s in (mean, var))
    for c in range(x.shape[1]):
        v = x[:, c]
        m, s2 = (
            (v.mean() if v.size else 0.0, ((v - v.mean()) ** 2).mean() if v.size else 0.0)
            if training
            else (mean[c], var[c])
        )
        scale, shift = 1.0 if weight is None else weight[c], 0.0 if bias is None else bias[c]
        y[:, c] = (v - m) / math.sqrt(s2 + eps) * scale + shift if s2 + eps > 0 else (v - m) * math.nan
        if training and mean is not None and v.size:
            mean[c] = (1 - momentum) * mean[c] + momentum * m
            var[c] = (1 - momentum) * var[c] + momentum * s2 * v.size / (v.size - 1)
    return (y,) if mean is None else (y, mean, var)


def call(F, x, mean, var, weight, bias, training, momentum, eps):
    if mean is None:
        return F.batch_norm(x, None, None, weight, bias, training, momentum, eps)
    mean, var = mean * 1.0, var * 1.0
    y = F.batch_norm(x, mean, var, weight, bias, training, momentum, eps)
    return y, mean, var


def only_y(F, *args):
    return call(F, *args)[0] if args[1] is not None else call(F, *args)


def make(shape, running, weight, bias, training, momentum=0.1, eps=1e-5, scale=1.0, shift=0.0):
    def maker(r):
        c = shape[1]
        x = r.normal(size=shape) * scale + shift
        stats = (r.normal(size=c), r.uniform(0.5, 2, c)) if running else (None, None)
        return (
            x,
            *stats,
            r.uniform(0.5, 2, c) if weight else None,
            r.normal(size=c) if bias else None,
            training,
            momentum,
            eps,
        )

    return maker


def to_module(nn, x, mean, var, weight, bias, training, momentum, eps):
    kind = {2: nn.BatchNorm1d, 3: nn.BatchNorm1d, 4: nn.BatchNorm2d, 5: nn.BatchNorm3d}[x.dim()]
    module = kind(
        x.shape[1],
        eps,
        momentum,
        affine=weight is not None,
        track_running_stats=mean is not None,
        bias=bias is not None,
    )
    loaded(module, running_mean=mean, running_var=var, weight=weight, bias=bias)
    module.train(training)
    return lambda x: (module(x), module.running_mean, module.running_var) if mean is not None else module(x), (x,)


def differentiable(weight, bias):
    return (0, *((3,) if weight else ()), *((4,) if bias else ()))


SHAPES = {"2d": (4, 3), "3d": (3, 2, 4), "4d": (2, 3, 2, 3), "5d": (2, 2, 2, 1, 3)}
GRID = itertools.product(SHAPES, (True, False), (True, False), (True, False))
CASES = [
    *(Case("_".join(filter(None, (f"batch_norm-{label}", running and "running", affine and "affine",
                                  "train" if training else "eval"))),
           call if running else only_y, make(SHAPES[label], running, affine, affine, training), batch_norm,
           grad=differentiable(affine, affine), module=to_module, arrays=False, tolerance=3)
      for label, running, affine, training in GRID if running or training),
    Case("batch_norm-weight_only", call, make((4, 3), True, True, False, True), batch_norm, grad=(0, 3), arrays=False,
         tolerance=3),
    Case("batch_norm-bias_only", call, make((4, 3), True, False, True, True), batch_norm, grad=(0, 4), arrays=False,
         tolerance=3),
    Case("batch_norm-arrays", only_y, make((4, 3), False, True, True, True), batch_norm, grad=(0, 3, 4), tolerance=3),
    *(Case(f"batch_norm-momentum_{m}", call, make((4, 3), True, False, False, True, m), batch_norm, arrays=False,
           tolerance=3) for m in (0.0, 0.5, 1.0)),
    Case("batch_norm-eps", call, make((4, 3), True, False, False, True, 0.1, 0.5), batch_norm, arrays=False),
    Case("batch_norm-eps_0", call, make((4, 3), True, False, False, True, 0.1, 0.0), batch_norm, arrays=False,
         tolerance=3, torch=False),
    Case("batch_norm-shifted", call, make((9, 3), True, True, True, True, shift=1e3), batch_norm, grad=(3, 4),
         arrays=False, tolerance=100),
    Case("batch_norm-constant", call, lambda r: (np.ones((3, 2)), np.zeros(2), np.ones(2), None, None, True, 0.1,
                                                 1e-5), batch_norm,
         grad=(), arrays=False),
    Case("batch_norm-one_image", call, make((1, 2, 5), True, True, True, True), batch_norm, grad=(0, 3, 4),
         arrays=False, tolerance=3),
    Case("batch_norm-special", only_y, lambda r: (np.array([[1.0, math.nan], [2.0, 1.0], [4.0, 0.0]]), None, None,
                                                  None, None, True, 0.1, 1e-5),
         batch_norm, grad=(), arrays=False),
    Case("batch_norm-large_train", call, make((3, 2, 5), True, True, True, True), batch_norm, grad=(0, 3, 4),
         arrays=False, tolerance=3,
         large=make((20, 16, 30, 20), True, True, True, True),
         empty=(make((0, 3), True, True, True, True), make((0, 3, 2), True, True, True, True),
                make((2, 3, 0), True, True, True, True),
                make((2, 0), True, True, True, True))),
    Case("batch_norm-large_eval", call, make((3, 2, 5), True, True, True, False), batch_norm, grad=(0, 3, 4),
         arrays=False, tolerance=3,
         large=make((20, 16, 30, 20), True, True, True, False), empty=(make((0, 3, 2), True, True, True, False),)),
    Case("batch_norm-large_features", call, make((9, 3), True, True, True, True), batch_norm, grad=(0, 3, 4),
         arrays=False, tolerance=3,
         large=make((500, 200), True, True, True, True)),
]  # fmt: skip

X = nbnn.ones(4, 3)


def bad(name, match, error=ValueError, x=X, mean=None, var=None, **more):
    more.setdefault("training", True)
    return Bad(f"batch_norm-{name}", lambda F: F.batch_norm(x, mean, var, **more), error, r"^batch_norm: " + match)


ERRORS = [
    bad("input_1d", r"`input` must have at least 2 axes \(N, C, ...\); got shape \(3,\)", x=nbnn.ones(3)),
    bad("input_0d", r"`input` must have at least 2 axes", x=nbnn.ones(())),
    bad("one_element", r"training needs more than one element in a channel; got input \(1, 3\)", x=nbnn.ones(1, 3)),
    bad("one_pixel", r"training needs more than one element in a channel", x=nbnn.ones(1, 3, 1, 1)),
    bad("mean_shape", r"`running_mean` must have shape \(C,\) = \(3,\); got \(2,\)", mean=nbnn.ones(2),
        var=nbnn.ones(3)),
    bad("var_shape", r"`running_var` must have shape \(C,\) = \(3,\); got \(1, 3\)", mean=nbnn.ones(3),
        var=nbnn.ones(1, 3)),
    bad("weight_shape", r"`weight` must have shape \(C,\) = \(3,\); got \(4,\)", weight=nbnn.ones(4)),
    bad("bias_shape", r"`bias` must have shape \(C,\) = \(3,\); got \(\)", bias=nbnn.ones(())),
    bad("eval_without_statistics", r"`running_mean` and `running_var` must be given", training=False),
    bad("eval_without_var", r"`running_mean` and `running_var` must be given", training=False, mean=nbnn.ones(3)),
    bad("weight_dtype", r"all inputs must have one dtype.*`weight` nbnn.float64", TypeError,
        weight=nbnn.ones(3).double()),
    bad("mean_dtype", r"all inputs must have one dtype.*`running_mean` nbnn.float64", TypeError,
        mean=nbnn.ones(3).double(),
        var=nbnn.ones(3).double()),
    bad("integers", r"`input` must have a floating-point dtype; got nbnn.int64", TypeError, x=X.long()),
    bad("list", r"`input` must be a Tensor; got list", TypeError, x=[[1.0]]),
    bad("weight_list", r"`weight` must be a Tensor; got list", TypeError, weight=[1.0, 1.0, 1.0]),
    bad("eps_string", r"`eps` \(='a'\) must be a number", TypeError, eps="a"),
    bad("eps_none", r"`eps` \(=None\) must be a number", TypeError, eps=None),
    bad("eps_negative", r"`eps` \(=-1.0\) must be at least 0", eps=-1.0),
    bad("eps_nan", r"`eps` \(=nan\) must be at least 0", eps=math.nan),
    bad("momentum_string", r"`momentum` \(='a'\) must be a number", TypeError, mean=nbnn.ones(3), var=nbnn.ones(3),
        momentum="a"),
    bad("momentum_none", r"`momentum` \(=None\) must be a number", TypeError, mean=nbnn.ones(3), var=nbnn.ones(3),
        momentum=None),
]  # fmt: skip
