"""Cases of the normalisations; the running statistics they change are results too."""

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
    Case("batch_norm-eps_0", call, make((4, 3), True, False, False, False, 0.1, 0.0), batch_norm, arrays=False,
         tolerance=3),
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


def normalized(x, axes, weight, bias, eps, centred=True):
    """Over `axes`, by the definition."""
    m = x.mean(axes, keepdims=True) if centred and x.size else 0.0
    v = ((x - m) ** 2).mean(axes, keepdims=True) if x.size else 1.0
    y = (x - m) / np.sqrt(v + eps)
    return y * (1.0 if weight is None else weight) + (0.0 if bias is None else bias)


def last(x, shape):
    return tuple(range(x.ndim - (1 if isinstance(shape, int) else len(shape)), x.ndim))


def layer_norm(x, shape, weight=None, bias=None, eps=1e-5):
    return normalized(x, last(x, shape), weight, bias, eps)


def rms_norm(x, shape, weight=None, eps=1e-6):
    return normalized(x, last(x, shape), weight, None, eps, False)


def by_channel(weight, x):
    return None if weight is None else weight.reshape(-1, *(1,) * (x.ndim - 2))


def group_norm(x, groups, weight=None, bias=None, eps=1e-5):
    split = x.reshape(x.shape[0], groups, -1) if x.size else x
    y = normalized(split, -1, None, None, eps).reshape(x.shape) if x.size else x
    return y * (1.0 if weight is None else by_channel(weight, x)) + (0.0 if bias is None else by_channel(bias, x))


def instance_norm(x, mean, var, weight, bias, own, momentum, eps):
    if not own:
        return batch_norm(x, mean, var, weight, bias, False, momentum, eps)
    y = normalized(x, tuple(range(2, x.ndim)), by_channel(weight, x), by_channel(bias, x), eps)
    if mean is None:
        return y
    flat = x.reshape(*x.shape[:2], -1)
    means, unbiased = flat.mean(-1).mean(0), flat.var(-1, ddof=1).mean(0)
    return y, (1 - momentum) * mean + momentum * means, (1 - momentum) * var + momentum * unbiased


def call_instance(F, x, mean, var, *rest):
    if mean is None:
        return F.instance_norm(x, None, None, *rest)
    mean, var = mean * 1.0, var * 1.0
    return F.instance_norm(x, mean, var, *rest), mean, var


def affine(shape, over, weight, bias, *more, count=None, scale=1.0, shift=0.0):
    """x, what is normalised, weight and bias of shape `count`, and the rest."""

    def maker(r):
        size = over if count is None else count
        return (
            r.normal(size=shape) * scale + shift,
            over,
            r.uniform(0.5, 2, size) if weight else None,
            *((r.normal(size=size) if bias else None,) if bias is not None else ()),
            *more,
        )

    return maker


def layer_module(nn, x, shape, weight, bias=None, eps=1e-5):
    module = nn.LayerNorm(shape, eps, weight is not None, bias is not None, dtype=x.dtype)
    return loaded(module, weight=weight, bias=bias), (x,)


def rms_module(nn, x, shape, weight, eps=None):
    return loaded(nn.RMSNorm(shape, eps, weight is not None, dtype=x.dtype), weight=weight), (x,)


def group_module(nn, x, groups, weight, bias, eps=1e-5):
    module = nn.GroupNorm(groups, x.shape[1], eps, weight is not None, dtype=x.dtype, bias=bias is not None)
    return loaded(module, weight=weight, bias=bias), (x,)


def instance_module(nn, x, mean, var, weight, bias, own, momentum, eps):
    kind = {3: nn.InstanceNorm1d, 4: nn.InstanceNorm2d, 5: nn.InstanceNorm3d}[x.dim()]
    module = kind(x.shape[1], eps, momentum, weight is not None, mean is not None, dtype=x.dtype)
    loaded(module, running_mean=mean, running_var=var, weight=weight, bias=bias)
    module.train(own)
    return lambda x: (module(x), module.running_mean, module.running_var) if mean is not None else module(x), (x,)


def spoilt(shape, *rest):
    """Rows with a NaN, with an infinity, and all equal."""

    def maker(r):
        x = r.normal(size=shape)
        rows = x.reshape(4, -1)
        rows[0, 1], rows[1, -1], rows[2] = math.nan, math.inf, 2.5
        return (x, *rest)

    return maker


def as_shape(shape):
    """torch's functions take no int."""
    return (shape,) if isinstance(shape, int) else shape


def lay(F, x, shape, *args):
    return F.layer_norm(x, as_shape(shape), *args)


def rms(F, x, shape, *args):
    return F.rms_norm(x, as_shape(shape), *args)


def group(F, *args):
    return F.group_norm(*args)


WB = {"grad": (0, 2, 3), "tolerance": 3}
LENGTHS = (1, 2, 15, 16, 17, 63, 65)  # around the lanes of the machine
CASES += [
    Case("layer_norm", lay, affine((4, 6), 6, True, True), layer_norm, module=layer_module, **WB,
         large=affine((300, 250), 250, True, True),
         empty=(affine((0, 6), 6, True, True), affine((3, 0), 0, True, True))),
    Case("layer_norm-list", lambda F, *args: F.layer_norm(*args), affine((2, 5), [5], True, True), layer_norm, **WB,
         torch=False),
    Case("layer_norm-plain", lay, affine((2, 3, 5), (5,), False, False), layer_norm, tolerance=3, module=layer_module,
         large=affine((1100, 65), 65, False, False)),
    Case("layer_norm-weight", lay, affine((2, 3, 5), (3, 5), True, None), layer_norm, grad=(0, 2), tolerance=3,
         module=layer_module),
    Case("layer_norm-bias", lay, affine((3, 5), 5, False, True, 0.25), layer_norm, grad=(0, 3), tolerance=3),
    Case("layer_norm-two_axes", lay, affine((3, 2, 4), (2, 4), True, True, 0.1), layer_norm, **WB, module=layer_module),
    Case("layer_norm-whole", lay, affine((3, 4), (3, 4), True, True), layer_norm, **WB),
    Case("layer_norm-vector", lay, affine((6,), 6, True, True), layer_norm, **WB),
    *(Case(f"layer_norm-length_{n}", lay, affine((3, n), n, True, True, 1e-2), layer_norm, **WB,
           large=affine((20000 // n, n), n, True, True, 1e-2)) for n in LENGTHS),
    *(Case(f"layer_norm-rows_{n}", lay, affine((n, 3), 3, True, True), layer_norm, **WB) for n in (31, 33, 129)),
    Case("layer_norm-shifted", lay, affine((5, 40), 40, True, True, shift=1e3), layer_norm, grad=(), tolerance=100,
         halves=False),
    Case("layer_norm-special", lay, spoilt((4, 5), 5), layer_norm, grad=()),
    Case("layer_norm-keywords",
         lambda F, x, w, b: F.layer_norm(input=x, normalized_shape=[4], weight=w, bias=b, eps=1.0),
         lambda r: (r.normal(size=(3, 4)), r.normal(size=4), r.normal(size=4)),
         lambda x, w, b: layer_norm(x, 4, w, b, 1.0), grad=(0, 1, 2)),
    Case("rms_norm", rms, affine((4, 6), 6, True, None, 1e-6), rms_norm, grad=(0, 2), tolerance=3, module=rms_module,
         large=affine((300, 250), 250, True, None, 1e-6), empty=(affine((0, 6), 6, True, None, 1e-6),)),
    Case("rms_norm-plain", rms, affine((2, 3, 5), (3, 5), False, None, 0.1), rms_norm, tolerance=3, module=rms_module),
    Case("rms_norm-default", rms, lambda r: (r.normal(size=(3, 7)), (7,)), lambda x, n: rms_norm(x, n, None, 1e-9),
         tolerance=3),
    Case("rms_norm-special", rms, spoilt((4, 5), 5, None, 1e-6), rms_norm, grad=()),
    Case("group_norm", group, affine((2, 4, 3, 2), 2, True, True, count=4), group_norm, module=group_module, **WB,
         large=affine((20, 16, 30, 10), 4, True, True, count=16),
         empty=(affine((0, 4, 3), 2, True, True, count=4), affine((2, 4, 0), 2, True, True, count=4))),
    Case("group_norm-one", group, affine((2, 6, 3), 1, True, True, 0.1, count=6), group_norm, **WB,
         large=affine((5, 6, 4000), 1, True, True, 0.1, count=6)),
    Case("group_norm-each", group, affine((2, 3, 2, 1, 3), 3, True, True, count=3), group_norm, **WB),
    Case("group_norm-vectors", group, affine((5, 6), 2, True, True, count=6), group_norm, module=group_module, **WB,
         large=affine((700, 96), 4, True, True, count=96)),
    Case("group_norm-plain", group, affine((3, 4, 5), 2, False, False, count=4), group_norm, tolerance=3,
         module=group_module),
    Case("group_norm-weight", group, affine((3, 4, 5), 2, True, None, count=4), group_norm, grad=(0, 2), tolerance=3),
    *(Case(f"group_norm-pixels_{n}", group, affine((2, 4, n), 2, True, True, count=4), group_norm, **WB,
           large=affine((30, 20, n), 5, True, True, count=20)) for n in LENGTHS[1:]),
    Case("group_norm-shifted", group, affine((2, 4, 9, 5), 2, True, True, count=4, shift=1e3), group_norm, grad=(),
         tolerance=100, halves=False),
    Case("group_norm-special", group, spoilt((2, 4, 3), 2), group_norm, grad=()),
    *(Case(f"instance_norm-{label}", call_instance, make(SHAPES[label], running, wb, wb, True), instance_norm,
           grad=differentiable(wb, wb), module=instance_module, arrays=False, tolerance=3)
      for label in ("3d", "4d", "5d") for running, wb in ((False, False), (False, True), (True, True))
      if (label, running) != ("3d", True)),
    Case("instance_norm-running_plain", call_instance, make((3, 2, 4), True, False, False, True, 0.3), instance_norm,
         module=instance_module, arrays=False, tolerance=3),
    Case("instance_norm-large", call_instance, make((3, 2, 4), False, True, True, True), instance_norm, grad=(0, 3, 4),
         tolerance=3, large=make((20, 16, 30, 10), False, True, True, True),
         empty=(make((0, 2, 3), False, True, True, True), make((2, 2, 0), False, True, True, True))),
    Case("instance_norm-given", lambda F, *a: call_instance(F, *a), make((3, 2, 4), True, True, True, False),
         instance_norm, grad=(0, 3, 4), module=instance_module, arrays=False, tolerance=3),
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
    bad("eps_0", r"`eps` \(=0.0\) must be above 0 in training", eps=0),
    bad("eps_nan", r"`eps` \(=nan\) must be at least 0", eps=math.nan),
    bad("momentum_string", r"`momentum` \(='a'\) must be a number", TypeError, mean=nbnn.ones(3), var=nbnn.ones(3),
        momentum="a"),
    bad("momentum_none", r"`momentum` \(=None\) must be a number", TypeError, mean=nbnn.ones(3), var=nbnn.ones(3),
        momentum=None),
]  # fmt: skip


def norm_bad(name, match, *args, error=ValueError, **more):
    op = name.split("-")[0]
    return Bad(name, lambda F: getattr(F, op)(*args, **more), error, rf"^{op}: " + match)


X3 = nbnn.ones(2, 4, 3)
ERRORS += [
    *(norm_bad(f"{op}-{label}", match, *args, error=error, **more)
      for op in ("layer_norm", "rms_norm")
      for label, match, args, error, more in (
          ("shape", r"`normalized_shape` \(=\(4,\)\) must be the last sizes of `input`; got \(4, 3\)", (X, (4,)),
           ValueError, {}),
          ("shape_long", r"`normalized_shape` \(=\(2, 4, 3\)\) must be the last sizes", (X, (2, 4, 3)), ValueError, {}),
          ("shape_empty", r"`normalized_shape` \(=\(\)\) must have at least 1 axis", (X, ()), ValueError, {}),
          ("shape_float", r"`normalized_shape` must hold ints; got 3.0", (X, (3.0,)), TypeError, {}),
          ("shape_none", r"`normalized_shape` \(=None\) must be a tuple of ints", (X, None), TypeError, {}),
          ("shape_int", r"`normalized_shape` \(=3\) must be a tuple of ints", (X, 3), TypeError, {}),
          ("shape_negative", r"`normalized_shape` \(=\(-3,\)\) must not hold negative", (X, (-3,)), ValueError, {}),
          ("weight_shape", r"`weight` must have shape `normalized_shape` \(=\(3,\)\); got \(4,\)",
           (X, (3,), nbnn.ones(4)), ValueError, {}),
          ("weight_list", r"`weight` must be a Tensor; got list", (X, (3,), [1.0] * 3), TypeError, {}),
          ("integers", r"`input` must have a floating-point dtype", (X.long(), (3,)), TypeError, {}),
          ("list", r"`input` must be a Tensor; got list", ([1.0], (1,)), TypeError, {}),
          ("scalar", r"`normalized_shape` \(=\(3,\)\) must be the last sizes", (nbnn.ones(()), (3,)), ValueError, {}),
          ("eps_negative", r"`eps` \(=-1.0\) must be at least 0", (X, (3,)), ValueError, {"eps": -1}),
          ("eps_string", r"`eps` \(='a'\) must be a number", (X, (3,)), TypeError, {"eps": "a"}),
      )),
    norm_bad("layer_norm-weight_dtype", r"all inputs must have one dtype.*`weight` nbnn.float64", X, (3,),
             nbnn.ones(3).double(), error=TypeError),
    norm_bad("layer_norm-bias_shape", r"`bias` must have shape `normalized_shape`", X, (3,), None, nbnn.ones(1)),
    norm_bad("layer_norm-eps_none", r"`eps` \(=None\) must be a number", X, (3,), eps=None, error=TypeError),
    norm_bad("group_norm-input_1d", r"`input` must have at least 2 axes", nbnn.ones(3), 1),
    norm_bad("group_norm-groups", r"`num_groups` \(=3\) must divide the channels; got input \(2, 4, 3\)", X3, 3),
    norm_bad("group_norm-groups_0", r"`num_groups` \(=0\) must be at least 1", X3, 0),
    norm_bad("group_norm-groups_float", r"`num_groups` \(=2.0\) must be an int", X3, 2.0, error=TypeError),
    norm_bad("group_norm-weight", r"`weight` must have shape \(C,\) = \(4,\); got \(2,\)", X3, 2, nbnn.ones(2)),
    norm_bad("group_norm-bias", r"`bias` must have shape \(C,\) = \(4,\); got \(2,\)", X3, 2, None, nbnn.ones(2)),
    norm_bad("group_norm-dtype", r"all inputs must have one dtype", X3, 2, nbnn.ones(4).double(), error=TypeError),
    norm_bad("group_norm-single", r"a group needs more than one element", nbnn.ones(1, 3), 3),
    norm_bad("group_norm-eps", r"`eps` \(=-1.0\) must be at least 0", X3, 2, eps=-1),
    norm_bad("group_norm-integers", r"`input` must have a floating-point dtype", X3.long(), 2, error=TypeError),
    norm_bad("instance_norm-input_1d", r"`input` must have at least 2 axes", nbnn.ones(3)),
    norm_bad("instance_norm-single", r"a channel of an image needs more than one element; got input \(4, 3\)", X),
    norm_bad("instance_norm-mean", r"`running_mean` must have shape \(C,\) = \(4,\)", X3, nbnn.ones(3), nbnn.ones(4)),
    norm_bad("instance_norm-weight", r"`weight` must have shape \(C,\) = \(4,\)", X3, weight=nbnn.ones(3)),
    norm_bad("instance_norm-missing", r"`running_mean` and `running_var` must be given", X3, use_input_stats=False),
    norm_bad("instance_norm-momentum", r"`momentum` \(='a'\) must be a number", X3, nbnn.ones(4), nbnn.ones(4),
             momentum="a", error=TypeError),
    norm_bad("instance_norm-eps", r"`eps` \(=nan\) must be at least 0", X3, eps=math.nan),
    norm_bad("instance_norm-dtype", r"all inputs must have one dtype", X3, weight=nbnn.ones(4).double(),
             error=TypeError),
    norm_bad("instance_norm-stats", r"`use_input_stats` \(=1\) must be a bool", X3, use_input_stats=1, error=TypeError),
    norm_bad("instance_norm-integers", r"`input` must have a floating-point dtype", X3.long(), error=TypeError),
]  # fmt: skip
