"""Cases of angles, their inverses and the hyperbolic functions."""

import math

import numpy as np

import nbnn
from tests.cases import arrays, normal, uniform
from tests.cases.elements import refusals, several
from tests.engine import Bad, Case

INF, NAN = math.inf, math.nan
ORACLES = {
    "sin": np.sin,
    "cos": np.cos,
    "tan": np.tan,
    "asin": np.arcsin,
    "acos": np.arccos,
    "atan": np.arctan,
    "sinh": np.sinh,
    "cosh": np.cosh,
}
ALIASES = {"arcsin": "asin", "arccos": "acos", "arctan": "atan"}
SPECIAL = [NAN, INF, -INF, 0.0, -0.0, 1.0, -1.0, 1.5, -1e-30, 88.5, -80.0]
SIGNED = [0.0, -0.0, 1.0, -1.0, INF, -INF, NAN]


def inner(*shapes):
    return uniform(-0.9, 0.9, *shapes)


def large(*shapes):
    """Numbers of which every fifth thousand needs the reduction of large angles."""

    def make(r):
        (x,) = normal(*shapes)(r)
        x[::5000] *= 1e12
        return (x,)

    return make


def away(*shapes):
    return uniform(0.3, 2.0, *shapes)


def call(F, y, x):
    return F.atan2(y, x)


ATAN2 = [
    Case("atan2-same", call, away((3, 4), (3, 4)), np.arctan2, grad=(0, 1), large=away((70000,), (70000,))),
    Case("atan2-broadcast", call, away((3, 1), (4,)), np.arctan2, grad=(0, 1), empty=(normal((0, 3), (3,)),)),
    Case("atan2-special", call, arrays([[v] for v in SIGNED], SIGNED), np.arctan2, grad=()),
    Case("atan2-number", lambda F, y: F.atan2(y, -2.0), away((3,)), lambda y: np.arctan2(y, -2.0),
         torch=False),
    Case("atan2-integers", call, lambda r: (r.integers(-4, 5, (2, 3)), r.integers(1, 5, (3,))), np.arctan2,
         grad=(), out="float32"),
    Case("atan2-method", lambda F, y, x: y.atan2(x), away((3,), (3,)), np.arctan2, grad=(0, 1),
         arrays=False),
    Case("atan2-inplace_method", lambda F, y, x: (y * 1.0).atan2_(x), away((2, 3), (3,)), np.arctan2,
         grad=(0, 1), arrays=False),
]  # fmt: skip

CASES = [
    *(case for name in ORACLES
      for case in several(name, ORACLES, inputs=inner, special=SPECIAL,
                          large=large if name in ("sin", "cos", "tan") else inner)),
    *(Case(f"{name}-method", lambda F, x, name=name: getattr(x, name)(), inner((5,)), ORACLES[name], arrays=False,
           cuda=False) for name in ORACLES),
    *(Case(f"{name}-inplace_method", lambda F, x, name=name: getattr(x * 1.0, f"{name}_")(), inner((5,)),
           ORACLES[name], arrays=False, cuda=False) for name in ORACLES),
    *(Case(f"{name}-integers", lambda F, x, name=name: getattr(F, name)(x), lambda r: (r.integers(-1, 2, (2, 3)),),
           ORACLES[name], grad=(), out="float32", cuda=False) for name in ORACLES),
    *(Case(f"{alias}-plain", lambda F, x, alias=alias: getattr(F, alias)(x), inner((2, 3)), ORACLES[name], cuda=False)
      for alias, name in ALIASES.items()),
    *(Case(f"{alias}-inplace_method", lambda F, x, alias=alias: getattr(x * 1.0, f"{alias}_")(), inner((5,)),
           ORACLES[name], arrays=False, cuda=False) for alias, name in ALIASES.items()),
    *ATAN2,
    Case("arctan2-plain", lambda F, y, x: F.arctan2(y, x), away((3,), (3,)), np.arctan2, grad=(0, 1), cuda=False),
    Case("arctan2-inplace_method", lambda F, y, x: (y * 1.0).arctan2_(x), away((3,), (3,)), np.arctan2, grad=(0, 1),
         arrays=False, cuda=False),
]  # fmt: skip
ERRORS = [
    *(bad for name in ORACLES for bad in refusals(name)),
    *(Bad(f"{alias}-none", lambda F, alias=alias: getattr(F, alias)(None), TypeError, f"^{name}: ")
      for alias, name in ALIASES.items()),
    *(bad for name in ("atan2", "arctan2") for bad in (
        Bad(f"{name}-shapes", lambda F, name=name: getattr(F, name)(nbnn.ones(2), nbnn.ones(3)), ValueError,
            r"^atan2: .*broadcast"),
        Bad(f"{name}-text", lambda F, name=name: getattr(F, name)(nbnn.ones(2), "x"), TypeError, r"^atan2: .*got str"),
    )),
]  # fmt: skip
