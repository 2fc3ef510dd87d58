"""Cases of softmax, log_softmax and softmin."""

import math

import numpy as np

import nbnn
from tests.cases import arrays, normal
from tests.engine import Bad, Case

INF, NAN = math.inf, math.nan


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


def softmin(x, dim):
    return softmax(-x, dim)


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


def choice(x, dim):
    """Where one score is far above the others, the sample is that class."""
    return (x == x.max(dim, keepdims=True)).astype(float)


def far_apart(shape, dim):
    return lambda r: (1e4 * np.argsort(r.normal(size=shape), dim).astype(float),)


def gumbels():
    for shape, dim in (((4, 3), -1), ((3,), 0), ((2, 3, 2), 1)):
        for hard in (False, True):
            yield Case(f"gumbel_softmax-{shape}_{hard}".replace(" ", ""),
                       lambda F, x, dim=dim, hard=hard: F.gumbel_softmax(x, 0.5, hard, dim=dim), far_apart(shape, dim),
                       lambda x, dim=dim: choice(x, dim), grad=(), empty=(normal((0, *shape[1:])),) if dim else (),
                       halves=False)  # fmt: skip
    yield Case("gumbel_softmax-total", lambda F, x: F.gumbel_softmax(x).sum(-1), normal((5, 4)),
               lambda x: np.ones(5), grad=())  # fmt: skip
    yield Case("gumbel_softmax-eps", lambda F, x: F.gumbel_softmax(x, hard=True, eps=1e-3).sum(-1), normal((5, 4)),
               lambda x: np.ones(5), grad=(), warns=UserWarning)  # fmt: skip


CASES = [
    *gumbels(),
    *rows("softmax", softmax, "Softmax"),
    *rows("log_softmax", log_softmax, "LogSoftmax"),
    *rows("softmin", softmin, "Softmin"),
    *(
        Case(f"softmax-columns_{columns}_{length}", lambda F, x: F.softmax(x, 1), normal((2, length, columns)),
             lambda x: softmax(x, 1))
        for columns in (2, 15, 16, 17, 31, 33, 64, 65) for length in (1, 5)
    ),
    *(
        Case(f"{name}-row_{length}", lambda F, x, name=name: getattr(F, name)(x, 1), normal((2, length)),
             lambda x, oracle=oracle: oracle(x, 1))
        for name, oracle in (("softmax", softmax), ("log_softmax", log_softmax))
        for length in (1, 7, 8, 9, 15, 16, 17, 63, 64, 65, 129)
    ),
    Case("softmax-channels", lambda F, x: F.softmax(x, -3), normal((2, 3, 2, 2)), lambda x: softmax(x, -3),
         module=lambda nn, x: (nn.Softmax2d(), (x,))),
]  # fmt: skip


def _row_refusals(name):
    def call(x, *args, **kwargs):
        return lambda F: getattr(F, name)(x, *args, **kwargs)

    x = nbnn.ones(2, 3)
    return [
        Bad(f"{name}-dim", call(x, 2), IndexError, rf"^{name}: `dim` \(=2\).*"),
        Bad(f"{name}-dim_negative", call(x, -3), IndexError, rf"^{name}: `dim` \(=-3\).*"),
        Bad(f"{name}-dim_0d", call(nbnn.ones(()), 1), IndexError, rf"^{name}: `dim` \(=1\).*"),
        Bad(f"{name}-dim_huge", call(x, 2**55), IndexError, rf"^{name}: `dim` \(=36028797018963968\).*"),
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
        Bad(f"{name}-complex", call(np.ones(2, complex), 0), TypeError, rf"^{name}: .*complex128"),
    ]


ERRORS = [
    Bad("gumbel_softmax-tau", lambda F: F.gumbel_softmax(nbnn.ones(3), 0), ValueError, r"`tau` \(=0\) must be above 0"),
    Bad("gumbel_softmax-dim", lambda F: F.gumbel_softmax(nbnn.ones(3), dim=1), IndexError, r"^gumbel_softmax: `dim`"),
    Bad(
        "gumbel_softmax-integers", lambda F: F.gumbel_softmax(nbnn.ones(3).long()), TypeError, r"^gumbel_softmax: `log"
    ),
    *_row_refusals("softmax"),
    *_row_refusals("log_softmax"),
    *_row_refusals("softmin"),
    Bad(
        "softmax-2d",
        lambda F: nbnn.nn.Softmax2d()(nbnn.ones(2)),
        ValueError,
        r"^Softmax2d: `input` must have 3 or 4 axes; got \(2,\)",
    ),
]
