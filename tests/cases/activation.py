"""Cases of the activations."""

import math

import numpy as np

import nbnn
from tests.cases import arrays, normal, spread, uniform
from tests.engine import Bad, Case

INF, NAN = math.inf, math.nan
SPECIAL = [NAN, INF, -INF, 0.0, -0.0, 1e-30, -1e-30, 1e30, -1e30, 88.0, -88.0]


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


def _log(v):
    return NAN if v < 0 or v != v else -INF if v == 0 else math.log(v)


def _sigmoid(v):
    return 1 / (1 + _exp(-v)) if v >= 0 or v != v else _exp(v) / (1 + _exp(v))


def _relu(v):
    return v if v > 0 or v != v else 0.0


def softmax(x, dim):
    if x.ndim == 0:
        return np.exp(x - x)
    y = np.moveaxis(x, dim, -1)
    out = np.empty_like(y)
    for index in np.ndindex(y.shape[:-1]):
        row = y[index].astype(np.longdouble)
        e = np.exp(row - max(row, default=0))
        out[index] = e / e.sum()
    return np.moveaxis(out, -1, dim)


def log_softmax(x, dim):
    if x.ndim == 0:
        return x - x
    y = np.moveaxis(x, dim, -1)
    out = np.empty_like(y)
    for index in np.ndindex(y.shape[:-1]):
        row = y[index].astype(np.longdouble)
        out[index] = row - max(row, default=0) - np.log(np.exp(row - max(row, default=0)).sum())
    return np.moveaxis(out, -1, dim)


EMPTY = (normal((0,)), normal((3, 0, 2)))


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
    return lambda nn, x: (getattr(nn, name)(), (x,))


RELU = [
    *unary("relu", _relu, spread, _module("ReLU")),
    Case("relu-inplace", lambda F, x: F.relu(x * 1.0, inplace=True), spread((3, 4)), elementwise(_relu), arrays=False),
    Case(
        "relu-integers",
        lambda F, x: F.relu(x),
        lambda r: (r.integers(-4, 4, (3, 5)),),
        lambda x: np.maximum(x, 0),
        grad=(),
    ),
    Case("relu_", lambda F, x: F.relu_(x * 1.0), spread((3, 4)), elementwise(_relu), arrays=False),
    Case("relu-at_zero", lambda F, x: F.relu(x).sum(), arrays([1.0, 2.0]), lambda x: np.array(3.0), arrays=False),
]

INTEGER_INPUTS = [
    Case(f"{name}-integers", lambda F, x, name=name: getattr(F, name)(x), lambda r: (r.integers(1, 5, (2, 3)),),
         elementwise(function), grad=(), out="float32")
    for name, function in (("tanh", math.tanh), ("sigmoid", _sigmoid), ("exp", _exp), ("log", _log))
]  # fmt: skip

SHAPES = [((5,), 0), ((3, 4), 1), ((3, 4), -2), ((2, 3, 4), 1), ((2, 3, 4), -1), ((2, 3, 2, 2), 1), ((), 0), ((), -1)]


def rows(name, oracle, module_name):
    """The cases of softmax and of its logarithm."""

    def call(F, x, dim):
        return getattr(F, name)(x, dim)

    def make(shape, dim, scale=2.0):
        return lambda r: (np.asarray(r.normal(size=shape) * scale), dim)

    def guessed(F, x):
        return getattr(F, name)(x)

    def to_module(nn, x, dim):
        return getattr(nn, module_name)(dim), (x,)

    def to_float32(F, x, dim):
        return getattr(F, name)(x, dim, dtype=F.float32)

    special = [
        [NAN, 1.0, 2.0],
        [INF, 1.0, 2.0],
        [-INF, 1.0, 2.0],
        [-INF, -INF, -INF],
        [1e30, 1e30, -1e30],
        [-1e4, 0.0, 1e4],
    ]
    cases = [
        Case(f"{name}-{shape}_{dim}".replace(" ", ""), call, make(shape, dim), oracle, module=to_module)
        for shape, dim in SHAPES
    ]
    cases += [
        Case(f"{name}-large_rows", call, make((3, 100), 1), oracle, large=make((40, 1000), 1),
             empty=(make((0, 3), 1), make((3, 0), 1), make((3, 0), 0), make((0,), 0))),
        Case(f"{name}-large_columns", call, make((100, 3), 0), oracle, large=make((300, 200), 0)),
        Case(f"{name}-shifted", call, lambda r: (r.normal(size=(3, 4)) + 1e4, 1), oracle, tolerance=100),
        Case(f"{name}-special", call, arrays(special, 1), oracle, grad=()),
        Case(f"{name}-dtype", to_float32, make((2, 3), 1), oracle, grad=(), out="float32"),
        *(Case(f"{name}-guess_{len(shape)}d", guessed, normal(shape),
               lambda x: oracle(x, 0 if x.ndim in (0, 1, 3) else 1), warns=UserWarning, second=False)
          for shape in ((4,), (2, 3), (2, 3, 2), (2, 3, 1, 2))),
    ]  # fmt: skip
    return cases


CASES = [
    *RELU,
    *unary("tanh", math.tanh, normal, _module("Tanh")),
    *unary("sigmoid", _sigmoid, normal, _module("Sigmoid")),
    *unary("exp", _exp, normal),
    *unary("log", _log, lambda *shapes: uniform(0.2, 3.0, *shapes)),
    *INTEGER_INPUTS,
    *rows("softmax", softmax, "Softmax"),
    *rows("log_softmax", log_softmax, "LogSoftmax"),
]


def _refusals(name):
    """What every activation refuses."""
    return [
        Bad(f"{name}-{label}", lambda F, v=v: getattr(F, name)(v), TypeError, rf"^{name}: .*(got|must) .*")
        for label, v in (("none", None), ("list", [1.0]), ("string", "x"), ("number", 1.0))
    ]


def _row_refusals(name):
    def call(x, *args, **kwargs):
        return lambda F: getattr(F, name)(x, *args, **kwargs)

    x = nbnn.ones(2, 3)
    return [
        Bad(f"{name}-dim", call(x, 2), IndexError, rf"^{name}: `dim` \(=2\).*"),
        Bad(f"{name}-dim_negative", call(x, -3), IndexError, rf"^{name}: `dim` \(=-3\).*"),
        Bad(f"{name}-dim_0d", call(nbnn.ones(()), 1), IndexError, rf"^{name}: `dim` \(=1\).*"),
        Bad(f"{name}-dim_huge", call(x, 2**55), ValueError, rf"^{name}: `dim` \(=36028797018963968\).*"),
        Bad(f"{name}-dim_float", call(x, 1.0), TypeError, rf"^{name}: `dim` \(=1.0\) must be an int; got float"),
        Bad(f"{name}-dim_string", call(x, "1"), TypeError, rf"^{name}: `dim` \(='1'\) must be an int; got str"),
        Bad(f"{name}-dim_bool", call(x, True), TypeError, rf"^{name}: `dim` \(=True\) must be an int; got bool"),
        Bad(f"{name}-dim_nan", call(x, math.nan), TypeError, rf"^{name}: `dim` \(=nan\) must be an int"),
        Bad(
            f"{name}-integers",
            call(nbnn.ones(2, dtype=nbnn.int64), 0),
            TypeError,
            rf"^{name}: `input`.*floating.*int64",
        ),
        Bad(f"{name}-bools", call(nbnn.ones(2, dtype=nbnn.bool), 0), TypeError, rf"^{name}: `input`.*floating.*bool"),
        Bad(f"{name}-dtype", call(x, 0, dtype="float8"), TypeError, rf"^{name}: `dtype` \(='float8'\) must be one of"),
        Bad(f"{name}-none", call(None, 0), TypeError, rf"^{name}: `input` must be a Tensor; got NoneType"),
        Bad(f"{name}-complex", call(np.ones(2, complex), 0), TypeError, r"complex128"),
    ]


ERRORS = [
    *(bad for name in ("relu", "tanh", "sigmoid", "exp", "log") for bad in _refusals(name)),
    *_row_refusals("softmax"),
    *_row_refusals("log_softmax"),
    Bad("relu-inplace_leaf", lambda F: F.relu_(F.ones(2, requires_grad=True)), RuntimeError, r"^relu_: a leaf"),
    Bad(
        "relu-inplace_array",
        lambda F: F.relu([1.0], inplace=True),
        TypeError,
        r"^relu: `input` must be a Tensor; got list",
    ),
]
