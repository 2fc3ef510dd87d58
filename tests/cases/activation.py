"""Cases of the activations."""

import math

import numpy as np

import nbnn
from tests.cases import arrays, normal, one, spread
from tests.cases.elements import EMPTY, FINITE, INF, SPECIAL, inplace, integers, refusals, several, with_arguments
from tests.engine import Bad, Case


def elementwise(function):
    """An oracle from a function of one Python number."""

    def oracle(x, *rest, **kwargs):
        return np.array([function(v) for v in x.ravel().tolist()]).reshape(x.shape)

    return oracle


def _exp(v):
    try:
        return math.exp(v)
    except OverflowError:
        return INF


def _sigmoid(v):
    return 1 / (1 + _exp(-v)) if v >= 0 or v != v else _exp(v) / (1 + _exp(v))


def _relu(v):
    return v if v > 0 or v != v else 0.0


def unary(name, function, inputs, module=None, special=SPECIAL):
    """The cases of a function of one element."""
    oracle = elementwise(function)

    def call(F, x):
        return getattr(F, name)(x)

    return [
        Case(name, call, inputs((3, 4)), oracle, module=module, large=inputs((70000,)), empty=EMPTY),
        Case(f"{name}-0d", call, inputs(()), oracle, module=module),
        Case(f"{name}-5d", call, inputs((2, 1, 3, 2, 2)), oracle),
        Case(f"{name}-special", call, arrays(special), oracle, grad=()),
        Case(f"{name}-method", lambda F, x: getattr(x, name)(), inputs((5,)), oracle, arrays=False),
    ]


def _module(name):
    return lambda nn, x, *args: (getattr(nn, name)(*args), (x,))


RELU = [
    *unary("relu", _relu, spread, _module("ReLU")),
    Case("relu-inplace", lambda F, x: F.relu(x * 1.0, inplace=True), spread((3, 4)), elementwise(_relu)),
    Case(
        "relu-integers",
        lambda F, x: F.relu(x),
        lambda r: (r.integers(-4, 4, (3, 5)),),
        lambda x: np.maximum(x, 0),
        grad=(),
    ),
    Case("relu_", lambda F, x: F.relu_(x * 1.0), spread((3, 4)), elementwise(_relu)),
    Case("relu-at_zero", lambda F, x: F.relu(x).sum(), arrays([1.0, 2.0]), lambda x: np.array(3.0), arrays=False),
]

_erf = np.frompyfunc(math.erf, 1, 1)


def _gelu(x, approximate="none"):
    if approximate == "tanh":
        return x / 2 * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)))
    return x / 2 * (1 + _erf(x / math.sqrt(2)).astype(np.float64))


def _softplus(x, beta=1, threshold=20):
    return np.where(x * beta > threshold, x, np.logaddexp(0, x * beta) / beta)


ORACLES = {
    "gelu": _gelu,
    "silu": lambda x, *_: x / (1 + np.exp(-x)),
    "mish": lambda x, *_: x * np.tanh(np.logaddexp(0, x)),
    "softplus": _softplus,
    "logsigmoid": lambda x: -np.logaddexp(0, -x),
    "softsign": lambda x: x / (1 + np.abs(x)),
    "tanhshrink": lambda x: x - np.tanh(x),
}
SMOOTH_NAMES = tuple(ORACLES)
SMOOTH = [
    *several("gelu", ORACLES, _module("GELU"), special=FINITE),
    Case("gelu-tanh", lambda F, x: F.gelu(x, approximate="tanh"), spread((3, 6)), lambda x: _gelu(x, "tanh"),
         module=lambda nn, x: (nn.GELU("tanh"), (x,)), large=normal((70000,)), empty=EMPTY),
    Case("gelu-tanh_special", lambda F, x: F.gelu(x, approximate="tanh"), arrays(FINITE),
         lambda x: np.asarray(_gelu(x, "tanh"), float), grad=()),
    *several("silu", ORACLES, _module("SiLU")),
    inplace("silu", ORACLES),
    *several("mish", ORACLES, _module("Mish")),
    inplace("mish", ORACLES),
    *several("softplus", ORACLES, _module("Softplus")),
    *with_arguments("softplus", ORACLES, 2.0, 1.0, module=_module("Softplus")),
    *several("logsigmoid", ORACLES, _module("LogSigmoid")),
    *several("softsign", ORACLES, _module("Softsign")),
    *several("tanhshrink", ORACLES, _module("Tanhshrink")),
    *(Case(f"{name}-{label}", lambda F, x, name=name: getattr(F, name)(x), spread(shape), ORACLES[name])
      for name in ("logsigmoid", "softsign", "tanhshrink", "mish", "silu")
      for label, shape in (("0d", ()), ("tail", (37,)), ("5d", (2, 1, 3, 2, 2)))),
]  # fmt: skip


def _glu(x, dim=-1):
    a, b = np.split(x, 2, axis=dim)
    return a / (1 + np.exp(-b))


GLU = [
    Case(f"glu-{shape}_{dim}".replace(" ", ""), lambda F, x, dim: F.glu(x, dim), one(shape, dim), _glu,
         module=lambda nn, x, dim: (nn.GLU(dim), (x,)))
    for shape, dim in (((6,), 0), ((3, 4), 1), ((4, 3), -2), ((2, 6, 3), 1), ((2, 1, 34), -1))
] + [
    Case("glu-default", lambda F, x: F.glu(x), normal((3, 8)), _glu, large=normal((16, 10000)),
         empty=(normal((0, 2)), normal((3, 0)))),
]  # fmt: skip

INTEGER_INPUTS = [
    Case(f"{name}-integers", lambda F, x, name=name: getattr(F, name)(x), lambda r: (r.integers(1, 5, (2, 3)),),
         elementwise(function), grad=(), out="float32")
    for name, function in (("tanh", math.tanh), ("sigmoid", _sigmoid))
]  # fmt: skip

CASES = [
    *RELU,
    *unary("tanh", math.tanh, normal, _module("Tanh")),
    *unary("sigmoid", _sigmoid, normal, _module("Sigmoid")),
    *INTEGER_INPUTS,
    *SMOOTH,
    *GLU,
]


ERRORS = [
    *(bad for name in ("relu", "tanh", "sigmoid") for bad in refusals(name)),
    *(bad for name in SMOOTH_NAMES for bad in refusals(name)),
    *(integers(name) for name in SMOOTH_NAMES if name not in ("softsign", "tanhshrink")),
    *refusals("glu"),
    Bad("gelu-approximate", lambda F: F.gelu(nbnn.ones(2), "erf"), ValueError, r"^gelu: `approximate` \(='erf'\) must"),
    Bad("softplus-beta", lambda F: F.softplus(nbnn.ones(2), 0), ValueError, r"^softplus: `beta` \(=0\) must not be 0"),
    Bad("softplus-string", lambda F: F.softplus(nbnn.ones(2), "1"), TypeError, r"^softplus: `beta` \(='1'\) must be"),
    Bad("softplus-bound", lambda F: F.softplus(nbnn.ones(2), 1, "1"), TypeError, r"^softplus: `threshold` \(='1'\)"),
    Bad("glu-odd", lambda F: F.glu(nbnn.ones(2, 3)), ValueError, r"^glu: `input` must have an even size along `dim`"),
    Bad("glu-dim", lambda F: F.glu(nbnn.ones(2, 3), 2), IndexError, r"^glu: `dim` \(=2\)"),
    Bad("glu-0d", lambda F: F.glu(nbnn.ones(())), ValueError, r"^glu: `input` must have at least one axis"),
    Bad("glu-integers", lambda F: F.glu(nbnn.ones(2, dtype=nbnn.int64)), TypeError, r"^glu: `input`.*floating.*int64"),
    Bad("relu-inplace_leaf", lambda F: F.relu_(F.ones(2, requires_grad=True)), RuntimeError, r"^relu_: a leaf"),
    Bad(
        "relu-inplace_array",
        lambda F: F.relu([1.0], inplace=True),
        TypeError,
        r"^relu: `input` must be a Tensor; got list",
    ),
]
