"""Cases of prod, any, all, count_nonzero, var, std, norm and logsumexp."""

import math

import numpy as np

import nbnn
from tests.cases import arrays, away, normal, uniform
from tests.cases.reductions import X, dim_refusals, integers
from tests.engine import Bad, Case

INF, NAN = math.inf, math.nan
DIMS = [((5,), 0), ((3, 4), 0), ((3, 4), -1), ((2, 3, 4), 1), ((2, 3, 4), (0, 2)), ((2, 3, 4), (1, 2)), ((), 0)]


def moments(x, dim=None, correction=1):
    """(variance, mean) about an exact mean."""
    axes = tuple(range(x.ndim)) if dim is None else dim
    if not x.ndim:
        return np.asarray(x * 0 / (1 - correction) if correction != 1 else NAN), np.asarray(x)
    wide = x.astype(np.longdouble)
    mean = wide.mean(axes, keepdims=True)
    count = np.prod([x.shape[a] for a in np.atleast_1d(axes)])
    squared = ((wide - mean) ** 2).sum(axes) / max(count - correction, 0)
    return tuple(np.asarray(v, np.float64) for v in (squared, mean.squeeze(axes)))


def along(function):
    """`function` on arrays without axes too."""
    return lambda x, dim: function(x, dim) if x.ndim else function(x.reshape(1), 0)


def norm(p):
    def oracle(x, dim=None):
        dim = tuple(range(x.ndim)) if dim is None else dim
        a = np.abs(x)
        if p == INF:
            return a.max(dim)
        if p == -INF:
            return a.min(dim)
        if p == 0:
            return (a != 0).sum(dim) * 1.0
        return np.asarray((a**p).sum(dim) ** (1 / p))

    return oracle


def logsumexp(x, dim):
    most = x.max(dim, keepdims=True)
    most = np.where(np.isinf(most), 0, most)
    return np.asarray(np.log(np.exp(x - most).sum(dim)) + most.squeeze(dim))


def by_dims(name, oracle, maker=normal, several=True, **options):
    def call(F, x, dim):
        return getattr(F, name)(x, dim)

    return [
        Case(f"{name}-{shape}_{dim}".replace(" ", ""), call, lambda r, shape=shape, dim=dim: (*maker(shape)(r), dim),
             oracle, **options)
        for shape, dim in DIMS if several or isinstance(dim, int)
    ]  # fmt: skip


def bools(shape):
    return lambda r: (r.integers(0, 2, shape).astype(bool),)


def with_dim(maker, dim):
    return lambda r: (*maker(r), dim)


def variances(name, power):
    def call(F, x):
        return getattr(F, name)(x, 1)

    def oracle(x, *args):
        return moments(x, *args)[0] ** power

    return [
        *(case for case in by_dims(name, lambda x, dim: oracle(x, dim), tolerance=4) if "()" not in case.name),
        Case(f"{name}-0d", lambda F, x: getattr(F, name)(x), normal(()), lambda x: np.array(NAN), grad=()),
        Case(f"{name}-rows", call, normal((3, 70)), lambda x: oracle(x, 1), tolerance=4,
             large=normal((40, 3000)), empty=(normal((0, 3)), normal((2, 0)))),
        Case(f"{name}-columns", lambda F, x: getattr(F, name)(x, 0), normal((11, 70)), lambda x: oracle(x, 0),
             tolerance=4, large=normal((3000, 40))),
        Case(f"{name}-all", lambda F, x: getattr(F, name)(x), normal((3, 4)), oracle, tolerance=4,
             large=normal((300, 400))),
        Case(f"{name}-biased", lambda F, x: getattr(F, name)(x, False), normal((3, 4)), lambda x: oracle(x, None, 0),
             tolerance=4),
        Case(f"{name}-biased_dim", lambda F, x: getattr(F, name)(x, 1, False, True), normal((3, 4)),
             lambda x: oracle(x, 1, 0)[:, None], tolerance=4),
        Case(f"{name}-correction", lambda F, x: getattr(F, name)(x, 1, correction=2), normal((3, 4)),
             lambda x: oracle(x, 1, 2), tolerance=4),
        Case(f"{name}-no_freedom", lambda F, x: getattr(F, name)(x, 1, correction=4), normal((3, 4)),
             lambda x: oracle(x, 1, 4), grad=(), tolerance=4),
        Case(f"{name}-shifted", call, lambda r: (r.normal(size=(3, 50)) + 1000,), lambda x: oracle(x, 1), grad=(),
             tolerance=100, halves=False),
        Case(f"{name}-special", call, arrays([[1.0, NAN], [INF, 1.0], [-INF, INF]]), lambda x: oracle(x, 1), grad=()),
        Case(f"{name}-method", lambda F, x: getattr(x, name)(dim=1, keepdim=True), normal((2, 3)),
             lambda x: oracle(x, 1)[:, None], arrays=False, tolerance=4),
        Case(f"{name}_mean", lambda F, x: getattr(F, f"{name}_mean")(x, 1), normal((3, 4)),
             lambda x: (oracle(x, 1), x.mean(1)), tolerance=4),
        Case(f"{name}_mean-all", lambda F, x: getattr(F, f"{name}_mean")(x, correction=0), normal((3, 4)),
             lambda x: (oracle(x, None, 0), x.mean()), tolerance=4),
    ]  # fmt: skip


ORDERS = {"1": 1, "2": 2, "3": 3, "half": 0.5, "negative": -1.5, "0": 0, "inf": INF, "minus_inf": -INF}


def norms():
    cases = []
    for label, p in ORDERS.items():

        def call(F, x, dim, p=p):
            return F.norm(x, p, dim)

        grad = () if p == 0 else (0,)
        cases += [
            Case(f"norm-{label}", call, with_dim(away((3, 4)), 1), norm(p), grad=grad, tolerance=4),
            Case(f"norm-{label}_all", lambda F, x, p=p: F.norm(x, p), away((3, 4)), norm(p), grad=grad, tolerance=4),
            Case(f"norm-{label}_zeros", call, arrays([[0.0, 2.0], [0.0, 0.0]], 1), norm(p), grad=()),
            Case(f"norm-{label}_special", call, arrays([[NAN, 2.0], [INF, 2.0], [-INF, INF]], 1), norm(p), grad=()),
        ]  # fmt: skip
    return cases


CASES = [
    *by_dims("prod", along(np.prod), several=False),
    Case("prod-all", lambda F, x: F.prod(x), normal((3, 4)), np.prod, large=uniform(0.99, 1.01, (50, 60)), tolerance=4),
    Case("prod-rows", lambda F, x: F.prod(x, 1), uniform(0.9, 1.1, (3, 70)), lambda x: x.prod(1), tolerance=4,
         large=uniform(0.99, 1.01, (100, 1500)), empty=(normal((0, 3)), normal((3, 0)))),
    Case("prod-columns", lambda F, x: F.prod(x, 0, True), uniform(0.9, 1.1, (11, 70)),
         lambda x: x.prod(0, keepdims=True), tolerance=4, large=uniform(0.99, 1.01, (1500, 300))),
    Case("prod-zeros", lambda F, x: F.prod(x, 1), arrays([[0.0, 2.0, 3.0], [0.0, 0.0, 2.0], [1.0, 2.0, -3.0]]),
         lambda x: x.prod(1)),
    Case("prod-zeros_all", lambda F, x: F.prod(x), arrays([[0.0, 2.0, 3.0], [1.0, 2.0, -3.0]]), np.prod),
    Case("prod-integers", lambda F, x: F.prod(x, 0), integers((3, 4)), lambda x: x.prod(0), grad=()),
    Case("prod-bools", lambda F, x: F.prod(x), bools((3,)), lambda x: x.astype(np.int64).prod(), grad=()),
    Case("prod-dtype", lambda F, x: F.prod(x, dtype=F.float64), integers((3,)), lambda x: x.prod() * 1.0, grad=(),
         out="float64"),
    Case("prod-special", lambda F, x: F.prod(x, 1), arrays([[0.0, INF], [NAN, 1.0], [-INF, 2.0]]),
         lambda x: x.prod(1), grad=()),
    *(case for name, oracle in (("any", np.any), ("all", np.all)) for case in (
        *by_dims(name, along(oracle), maker=bools, grad=()),
        Case(f"{name}-whole", lambda F, x, name=name: getattr(F, name)(x), bools((3, 4)), oracle, grad=()),
        Case(f"{name}-floats", lambda F, x, name=name: getattr(F, name)(x, 1, True),
             arrays([[0.0, NAN], [-0.0, 0.0], [1.0, -2.0]]), lambda x, f=oracle: f(x, 1, keepdims=True), grad=(),
             empty=(normal((3, 0)), normal((0, 2)))),
        Case(f"{name}-integers", lambda F, x, name=name: getattr(F, name)(x, 0), integers((2, 70), low=0, high=2),
             lambda x, f=oracle: f(x, 0), grad=()),
        Case(f"{name}-method", lambda F, x, name=name: getattr(x, name)(), bools((3,)), oracle, grad=(), arrays=False),
    )),
    Case("count_nonzero-all", lambda F, x: F.count_nonzero(x), arrays([[0.0, NAN, 1.0], [-0.0, INF, 2.0]]),
         np.count_nonzero, grad=()),
    Case("count_nonzero-dims", lambda F, x: F.count_nonzero(x, (0, 2)), integers((3, 4, 5), low=0, high=2),
         lambda x: np.count_nonzero(x, (0, 2)), grad=()),
    Case("count_nonzero-large", lambda F, x: F.count_nonzero(x, 0), bools((30, 4)), lambda x: x.sum(0), grad=(),
         large=bools((3000, 40))),
    *variances("var", 1.0),
    *variances("std", 0.5),
    *norms(),
    Case("norm-default", lambda F, x: F.norm(x), normal((3, 4)), norm(2), large=normal((300, 400))),
    Case("norm-fro", lambda F, x: F.norm(x, "fro", (0, 1), True), normal((3, 4)), lambda x: norm(2)(x)[None, None]),
    Case("norm-columns", lambda F, x: F.norm(x, 2, 0), normal((13, 70)), lambda x: norm(2)(x, 0), tolerance=4,
         empty=(normal((0, 3)),)),
    Case("norm-dtype", lambda F, x: F.norm(x, dtype=F.float64), integers((3,)), norm(2), grad=(), out="float64",
         torch=False),
    Case("norm-method", lambda F, x: x.norm(1, -1), away((2, 3)), lambda x: norm(1)(x, -1), arrays=False),
    *by_dims("logsumexp", along(logsumexp)),
    Case("logsumexp-shifted", lambda F, x: F.logsumexp(x, 1, True), lambda r: (r.normal(size=(3, 4)) + 1e4,),
         lambda x: logsumexp(x, 1)[:, None], tolerance=100, halves=False),
    Case("logsumexp-special", lambda F, x: F.logsumexp(x, 1),
         arrays([[NAN, 1.0], [INF, 1.0], [-INF, 1.0], [-INF, -INF], [INF, -INF]]), lambda x: logsumexp(x, 1), grad=()),
    Case("logsumexp-integers", lambda F, x: F.logsumexp(x, 0), integers((3, 4)), lambda x: logsumexp(x * 1.0, 0),
         grad=(), out="float32"),
    Case("logsumexp-large", lambda F, x: F.logsumexp(x, (0, 1)), normal((3, 4)), lambda x: logsumexp(x, (0, 1)),
         large=normal((200, 300))),
]  # fmt: skip

_I = nbnn.ones(2, 3, dtype=nbnn.int64)
ERRORS = [
    *(bad for name in ("prod", "any", "all", "count_nonzero", "var", "std", "var_mean", "std_mean", "logsumexp")
      for bad in dim_refusals(name)),
    *(Bad(f"{name}-twice", lambda F, name=name: getattr(F, name)(X, (0, 0)), ValueError, rf"^{name}: `dim`")
      for name in ("any", "all", "var", "std", "logsumexp")),
    *(Bad(f"{name}-integers", lambda F, name=name: getattr(F, name)(_I), TypeError,
          rf"^{name}: `input` must have a floating-point dtype; got nbnn.int64")
      for name in ("var", "std", "var_mean", "std_mean", "norm")),
    Bad("var-unbiased", lambda F: F.var(X, 0, 1), TypeError, r"^var: `unbiased` \(=1\) must be a bool"),
    Bad("var-both", lambda F: F.var(X, 0, True, correction=0), ValueError, r"^var: `unbiased` .* exclude"),
    Bad("var-correction", lambda F: F.var(X, correction="a"), TypeError, r"^var: `correction` \(='a'\)"),
    Bad("prod-dims", lambda F: F.prod(X, (0, 1)), TypeError, r"^prod: `dim` \(=\(0, 1\)\) must be an int"),
    Bad("prod-dtype", lambda F: F.prod(X, dtype="x"), TypeError, r"^prod: `dtype` \(='x'\)"),
    Bad("norm-p", lambda F: F.norm(X, "two"), ValueError, r"^norm: `p` \(='two'\) must be a number"),
    Bad("norm-dim", lambda F: F.norm(X, 2, 2), IndexError, r"^norm: `dim` \(=2\)"),
    Bad("norm-none", lambda F: F.norm(None), TypeError, r"^norm: `input` must be a Tensor"),
    Bad("norm-empty", lambda F: F.norm(F.ones(2, 0), -math.inf, 1), ValueError, "^norm: a norm of order -inf needs at"),
]  # fmt: skip
