"""Cases of the functions of one or two elements that are made of others."""

import math

import numpy as np

import nbnn
from tests.cases import arrays, normal, spread, uniform
from tests.cases.elements import EMPTY, refusals
from tests.engine import Bad, Case

INF, NAN = math.inf, math.nan


def inverse_of_erf(x):
    """By bisection: erf is monotonous."""
    erf = np.vectorize(math.erf, otypes=[float])
    low, high = np.full(x.shape, -6.0), np.full(x.shape, 6.0)
    for _ in range(80):
        middle = (low + high) / 2
        below = erf(middle) < x
        low, high = np.where(below, middle, low), np.where(below, high, middle)
    return np.where(~(np.abs(x) <= 1), NAN, np.where(np.abs(x) == 1, x * INF, (low + high) / 2))


def one(name, oracle, inputs, special, **more):
    """A function of one element: its values, and those at special places."""
    return [
        Case(f"{name}-plain", lambda F, x: getattr(F, name)(x), inputs, oracle, empty=EMPTY, **more),
        Case(f"{name}-special", lambda F, x: getattr(F, name)(x), arrays(special), oracle, grad=()),
    ]  # fmt: skip


def replaced(x, nan=0.0, high=None, low=None):
    most = np.finfo(x.dtype).max
    x = np.where(np.isnan(x), nan, x)
    return np.where(x == INF, most if high is None else high, np.where(x == -INF, -most if low is None else low, x))


def xlogy(x, y):
    return np.where((x == 0) & ~np.isnan(y), 0.0, x * np.log(y))


def logit(z):
    return np.log(z / (1 - z))


_SMALL = [0.0, 1e-5, -1e-5, 1e-20, NAN]
CASES = [
    *(case for other in ("", "arc") for case in one(
        f"{other or 'a'}sinh", np.arcsinh, normal((3, 6)), [*_SMALL, 1e30, -1e30, INF, -INF])),
    *(case for other in ("", "arc") for case in one(
        f"{other or 'a'}cosh", np.arccosh, uniform(1.1, 9, (3, 6)), [NAN, 0.5, 1.0, 1.0001, 1e30, INF, -INF])),
    *(case for other in ("", "arc") for case in one(
        f"{other or 'a'}tanh", np.arctanh, uniform(-0.9, 0.9, (3, 6)), [*_SMALL, 1.0, -1.0, 1.5, -INF, INF])),
    *one("erfinv", inverse_of_erf, uniform(-0.9, 0.9, (3, 6)), [0.0, 1e-5, NAN, 1.0, -1.0, 2.0, 0.999, -0.7]),
    *one("logit", logit, uniform(0.05, 0.95, (3, 6)), [0.0, 1.0, NAN, 1e-5, 2.0, -1.0], tolerance=3),
    Case("logit-eps", lambda F, x: F.logit(x, eps=0.2), uniform(0.0, 1.0, (20,)),
         lambda x: logit(np.clip(x, 0.2, 0.8)), tolerance=3),
    *one("sinc", np.sinc, spread((3, 6)), [0.0, 1e-5, NAN, 0.5, 1e-20]),
    *one("deg2rad", np.deg2rad, normal((3, 6)), [0.0, NAN, INF, 180.0]),
    *one("rad2deg", np.rad2deg, normal((3, 6)), [0.0, NAN, INF, 3.0]),
    *one("isposinf", np.isposinf, normal((3, 6)), [INF, -INF, NAN, 0.0])[1:],
    *one("isneginf", np.isneginf, normal((3, 6)), [INF, -INF, NAN, 0.0])[1:],
    Case("nan_to_num-plain", lambda F, x: F.nan_to_num(x), normal((3, 6)), lambda x: x, empty=EMPTY),
    Case("nan_to_num-given", lambda F, x: F.nan_to_num(x, 1.0, 2.0, -3), arrays([NAN, INF, -INF, 0.5]),
         lambda x: replaced(x, 1.0, 2.0, -3.0), grad=()),
    Case("nan_to_num-integers", lambda F, x: F.nan_to_num(x), lambda r: (r.integers(-5, 5, 7),), lambda x: x, grad=()),
    Case("nan_to_num-method", lambda F, x: (x * 1.0).nan_to_num_(posinf=5.0), arrays([NAN, INF, 1.0]),
         lambda x: replaced(x, high=5.0), grad=(), arrays=False),
    Case("xlogy-plain", lambda F, x, y: F.xlogy(x, y), uniform(0.5, 3, (3, 1), (4,)), xlogy, grad=(0, 1)),
    Case("xlogy-special", lambda F, x, y: F.xlogy(x, y), arrays([[0.0], [1.0], [NAN]], [0.0, -1.0, 2.0, NAN, INF]),
         xlogy, grad=()),
    Case("xlogy-number", lambda F, x: F.xlogy(2, x), uniform(0.5, 3, (4,)), lambda x: 2 * np.log(x)),
    Case("hypot-plain", lambda F, a, b: F.hypot(a, b), normal((3, 1), (4,)), np.hypot, grad=(0, 1)),
    Case("hypot-special", lambda F, a, b: F.hypot(a, b), arrays([[0.0], [INF], [1e30], [NAN]], [0.0, 1e30, 2.0]),
         np.hypot, grad=()),
    Case("float_power-plain", lambda F, a, b: F.float_power(a, b), uniform(0.5, 2, (3, 1), (4,)), np.power,
         grad=(0, 1), out="float64"),
    Case("logaddexp-plain", lambda F, a, b: F.logaddexp(a, b), normal((3, 1), (4,)), np.logaddexp, grad=(0, 1)),
    Case("logaddexp-special", lambda F, a, b: F.logaddexp(a, b),
         arrays([[0.0], [INF], [-INF], [NAN]], [1e3, -INF, INF, NAN]), np.logaddexp, grad=()),
]  # fmt: skip

_ONE = ("asinh", "acosh", "atanh", "arcsinh", "arccosh", "arctanh", "erfinv", "logit", "sinc", "deg2rad", "rad2deg",
        "isposinf", "isneginf", "nan_to_num")  # fmt: skip
ERRORS = [
    *(bad if not bad.function.startswith("arc") else Bad(bad.name, bad.call, bad.error, r"^a(sin|cos|tan)h: `input`")
      for name in _ONE for bad in refusals(name)),
    *(Bad(f"{name}-{label}", lambda F, name=name, other=other: getattr(F, name)(nbnn.ones(2), other), error,
          rf"^{name}: .*{label}")
      for name in ("xlogy", "logaddexp", "hypot", "float_power")
      for label, other, error in (("shapes", nbnn.ones(3), ValueError), ("list", [1], TypeError))),
    Bad("logit-eps", lambda F: F.logit(nbnn.ones(1), eps="a"), TypeError, r"^logit: `eps` \(='a'\)"),
    Bad("nan_to_num-nan", lambda F: F.nan_to_num(nbnn.ones(1), "a"), TypeError, r"^nan_to_num: `nan` \(='a'\)"),
]  # fmt: skip
