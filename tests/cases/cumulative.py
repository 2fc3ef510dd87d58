"""Cases of cumsum and cumprod."""

import math

import numpy as np

from tests.cases import arrays, normal, uniform
from tests.cases.reductions import X, dim_refusals, integers
from tests.engine import Bad, Case

INF, NAN = math.inf, math.nan
DIMS = [((5,), 0), ((3, 4), 0), ((3, 4), -1), ((2, 3, 4), 1), ((9, 2), 1), ((), 0), ((1, 3), 0)]


def along(function):
    return lambda x, dim: function(x, dim) if x.ndim else x


def family(name, oracle, long):
    def call(F, x, dim):
        return getattr(F, name)(x, dim)

    def with_dim(maker, dim):
        return lambda r: (*maker(r), dim)

    return [
        *(Case(f"{name}-{shape}_{dim}".replace(" ", ""), call, with_dim(normal(shape), dim), along(oracle))
          for shape, dim in DIMS),
        Case(f"{name}-rows", call, with_dim(long((5, 70)), 1), oracle, large=with_dim(long((60, 1000)), 1), tolerance=4,
             empty=(with_dim(normal((0, 3)), 1), with_dim(normal((3, 0)), 1), with_dim(normal((3, 0)), 0))),
        Case(f"{name}-columns", call, with_dim(long((7, 150)), 0), oracle, large=with_dim(long((1000, 300)), 0),
             tolerance=4),
        Case(f"{name}-zeros", call, arrays([[0.0, 2.0, 3.0], [2.0, 0.0, 0.0], [1.0, 0.0, -3.0]], 1), oracle),
        Case(f"{name}-special", call, arrays([[1.0, NAN, 2.0], [INF, 1.0, 2.0], [INF, -INF, 0.0]], 1), oracle, grad=()),
        Case(f"{name}-integers", call, with_dim(integers((3, 4)), 1), oracle, grad=()),
        Case(f"{name}-bools", call, lambda r: (r.integers(0, 2, (3, 4)).astype(bool), 0),
             lambda x, dim: oracle(x.astype(np.int64), dim), grad=()),
        Case(f"{name}-dtype", lambda F, x: getattr(F, name)(x, 0, dtype=F.float64), integers((3, 4)),
             lambda x: oracle(x * 1.0, 0), grad=(), out="float64"),
        Case(f"{name}-method", lambda F, x: getattr(x, name)(-1), normal((2, 3)), lambda x: oracle(x, -1),
             arrays=False),
    ]  # fmt: skip


CASES = [
    *family("cumsum", np.cumsum, normal),
    *family("cumprod", np.cumprod, lambda shape: uniform(0.98, 1.02, shape)),
]
ERRORS = [
    *(bad for name in ("cumsum", "cumprod") for bad in dim_refusals(name)),
    *(Bad(f"{name}-dims", lambda F, name=name: getattr(F, name)(X, (0, 1)), TypeError, rf"^{name}: `dim`")
      for name in ("cumsum", "cumprod")),
    *(Bad(f"{name}-dtype", lambda F, name=name: getattr(F, name)(X, 0, dtype="x"), TypeError, rf"^{name}: `dtype`")
      for name in ("cumsum", "cumprod")),
]  # fmt: skip
