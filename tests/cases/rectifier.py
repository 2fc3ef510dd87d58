"""Cases of the rectifiers with another branch below 0."""

import math

import numpy as np

import nbnn
from tests.cases import one, spread
from tests.cases.dropout import SEED, philox
from tests.cases.elements import inplace, integers, refusals, several, underscore, with_arguments
from tests.engine import Bad, Case

SCALE, ALPHA = 1.0507009873554805, 1.6732632423543772


def _module(name):
    return lambda nn, x, *args: (getattr(nn, name)(*args), (x,))


def _elu(x, alpha=1.0):
    return np.where(x > 0, x, alpha * np.expm1(np.minimum(x, 0)))


ORACLES = {
    "leaky_relu": lambda x, slope=0.01: np.where(x > 0, x, slope * x),
    "elu": _elu,
    "selu": lambda x: SCALE * _elu(x, ALPHA),
    "celu": lambda x, alpha=1.0: np.where(x > 0, x, alpha * np.expm1(np.minimum(x, 0) / alpha)),
}


def _prelu(x, weight):
    shape = (1, -1, *(1,) * (x.ndim - 2)) if weight.size > 1 else (1,) * x.ndim
    return np.where(x > 0, x, weight.reshape(shape) * x)


def slopes(shape, count):
    """An input without a kink in reach, and `count` slopes."""

    def make(r):
        x = spread(shape)(r)[0] if math.prod(shape) else np.zeros(shape)
        return x, r.uniform(-0.5, 0.5, count)

    return make


def to_prelu(nn, x, weight):
    module = nn.PReLU(weight.numel(), dtype=weight.dtype)
    with nbnn.no_grad():
        module.weight.copy_(weight)
    return module, (x,)


PRELU_SHAPES = [
    ((3, 4), 4),
    ((3, 4), 1),
    ((2, 3, 4), 3),
    ((2, 3, 2, 2), 3),
    ((2, 17, 1), 17),
    ((5,), 1),
    ((2, 2, 9), 1),
]
PRELU = [
    Case(f"prelu-{shape}_{count}".replace(" ", ""), lambda F, x, w: F.prelu(x, w), slopes(shape, count), _prelu,
         grad=(0, 1), module=to_prelu)
    for shape, count in PRELU_SHAPES
] + [
    Case("prelu-large", lambda F, x, w: F.prelu(x, w), slopes((2, 3), 3), _prelu, grad=(0, 1),
         large=slopes((8, 16, 700), 16), empty=(slopes((0, 3), 3), slopes((2, 3, 0), 3), slopes((0,), 1))),
    Case("prelu-0d", lambda F, x, w: F.prelu(x, w), lambda r: (np.array(-0.7), np.array(0.3)),
         lambda x, w: np.where(x > 0, x, w * x), grad=(0, 1)),
    Case("prelu-method", lambda F, x, w: x.prelu(w), slopes((3, 4), 4), _prelu, grad=(0, 1), arrays=False),
]  # fmt: skip


def random_slopes(x, lower, upper, training=True):
    """rrelu in training draws word i of Philox for element i; in evaluation the slope is the middle."""
    words = [w for g in range(-(-x.size // 4)) for w in philox((g, 0, 0, 0), (SEED, 0))]
    drawn = np.array([w >> 8 for w in words[: x.size]], np.float64).reshape(x.shape) * 2.0**-24
    slope = lower + (upper - lower) * drawn if training else (lower + upper) / 2
    return np.where(x > 0, x, slope * x)


def rrelu(F, x, *args):
    return F.rrelu(x, *args)


def to_rrelu(nn, x, lower, upper, training=True):
    return nn.RReLU(lower, upper).train(training), (x,)


RRELU = [
    Case("rrelu-training", rrelu, lambda r: (*spread((3, 6))(r), 0.1, 0.9, True), random_slopes, torch=False,
         module=to_rrelu, large=one((70000,), 0.1, 0.9, True), empty=(one((0,), 0.1, 0.9, True),)),
    Case("rrelu-evaluation", rrelu, lambda r: (*spread((3, 6))(r), 0.1, 0.9, False), random_slopes, module=to_rrelu),
    Case("rrelu-one_slope", rrelu, lambda r: (*spread((3, 6))(r), 0.25, 0.25, True), random_slopes, module=to_rrelu),
    Case("rrelu-inplace", lambda F, x: F.rrelu(x * 1.0, 0.1, 0.9, True, inplace=True), spread((3, 4)),
         lambda x: random_slopes(x, 0.1, 0.9), torch=False),
    Case("rrelu_-training", lambda F, x: F.rrelu_(x * 1.0, 0.1, 0.9, True), spread((3, 4)),
         lambda x: random_slopes(x, 0.1, 0.9), torch=False),
    Case("rrelu-special", rrelu, lambda r: (np.array([math.nan, math.inf, -math.inf, 0.0, -0.0]), 0.1, 0.9, True),
         random_slopes, grad=(), torch=False),
]  # fmt: skip

CASES = [
    *RRELU,
    *several("leaky_relu", ORACLES, _module("LeakyReLU")),
    *with_arguments("leaky_relu", ORACLES, 0.3, module=_module("LeakyReLU")),
    inplace("leaky_relu", ORACLES, 0.3),
    underscore("leaky_relu", ORACLES, 0.3),
    *several("elu", ORACLES, _module("ELU")),
    *with_arguments("elu", ORACLES, 2.0, module=_module("ELU")),
    inplace("elu", ORACLES, 2.0),
    underscore("elu", ORACLES),
    *several("selu", ORACLES, _module("SELU")),
    inplace("selu", ORACLES),
    underscore("selu", ORACLES),
    *several("celu", ORACLES, _module("CELU")),
    *with_arguments("celu", ORACLES, 2.0, module=_module("CELU")),
    inplace("celu", ORACLES, 2.0),
    underscore("celu", ORACLES),
    *PRELU,
]

X = nbnn.ones(2, 3)
ERRORS = [
    *refusals("rrelu"),
    *refusals("rrelu_"),
    integers("rrelu"),
    *(
        Bad(
            f"{name}-bounds_{low}_{high}",
            lambda F, name=name, low=low, high=high: getattr(F, name)(nbnn.ones(2), low, high),
            ValueError,
            r"^rrelu: `lower` .* must be at most `upper`",
        )
        for name, low, high in (
            ("rrelu", 0.5, 0.2),
            ("rrelu_", 0.5, 0.2),
            ("rrelu", math.nan, 1.0),
            ("rrelu", 0.0, math.inf),
        )
    ),
    *(bad for name in ORACLES for bad in (*refusals(name), integers(name))),
    *(bad for name in ("leaky_relu_", "elu_", "selu_", "celu_") for bad in refusals(name)),
    *refusals("prelu", nbnn.ones(1)),
    Bad("leaky_relu-slope", lambda F: F.leaky_relu(X, "1"), TypeError, r"^leaky_relu: `negative_slope` \(='1'\) must"),
    Bad("elu-alpha", lambda F: F.elu(X, None), TypeError, r"^elu: `alpha` \(=None\) must be a number"),
    Bad("celu-zero", lambda F: F.celu(X, 0.0), ValueError, r"^celu: `alpha` \(=0.0\) must not be 0"),
    Bad("celu-alpha", lambda F: F.celu(X, "1"), TypeError, r"^celu: `alpha` \(='1'\) must be a number"),
    Bad("prelu-count", lambda F: F.prelu(X, nbnn.ones(2)), ValueError, r"^prelu: `weight` must have one slope.*\(2,\)"),
    Bad("prelu-axes", lambda F: F.prelu(X, nbnn.ones(1, 3)), ValueError, r"^prelu: `weight` must have one axis"),
    Bad("prelu-empty", lambda F: F.prelu(X, nbnn.ones(0)), ValueError, r"^prelu: `weight` must have one axis"),
    Bad("prelu-1d", lambda F: F.prelu(nbnn.ones(3), nbnn.ones(3)), ValueError, r"^prelu: `weight` must have one slope"),
    Bad("prelu-dtype", lambda F: F.prelu(X, nbnn.ones(3).double()), TypeError, r"^prelu: all inputs must have one"),
    Bad("prelu-integers", lambda F: F.prelu(X.long(), nbnn.ones(3)), TypeError, r"^prelu: `input`.*floating"),
    Bad("prelu-no_weight", lambda F: F.prelu(X, None), TypeError, r"^prelu: `weight` must be a Tensor; got NoneType"),
    Bad("prelu-parameters", lambda F: nbnn.nn.PReLU(0), ValueError, r"^PReLU: `num_parameters` \(=0\) must be at"),
]
