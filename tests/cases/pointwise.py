"""Cases of exp, log, sqrt, erf and their kin."""

import math

import numpy as np

from tests.cases import arrays, normal, uniform
from tests.cases.elements import SPECIAL, refusals, several
from tests.engine import Case


def _by_number(function):
    return lambda x: np.vectorize(function, otypes=[float])(x)


ORACLES = {
    "exp": np.exp,
    "exp2": np.exp2,
    "expm1": np.expm1,
    "log": np.log,
    "log2": np.log2,
    "log10": np.log10,
    "log1p": np.log1p,
    "sqrt": np.sqrt,
    "rsqrt": lambda x: 1 / np.sqrt(x),
    "erf": _by_number(math.erf),
    "erfc": _by_number(math.erfc),
}
POSITIVE = ("log", "log2", "log10", "log1p", "sqrt", "rsqrt", "reciprocal", "lgamma", "digamma")


def _digamma(x):
    """By the recurrence up to 40, and two terms there."""
    far = x + 40 - np.floor(x)
    total = np.log(far) - 1 / (2 * far) - 1 / (12 * far**2) + 1 / (120 * far**4)
    return total - sum(1 / (x + k) for k in range(40 - math.floor(x)))


def _lgamma(x):
    return math.inf if abs(x) == math.inf or (x <= 0 and x == math.floor(x)) else math.lgamma(x)


ORACLES |= {
    "square": np.square,
    "reciprocal": lambda x: 1 / x,
    "lgamma": _by_number(_lgamma),
    "digamma": _by_number(_digamma),
}
MODERATE = [math.nan, math.inf, -math.inf, 0.0, -0.0, 1e-15, -3e18]
# Where the derivatives of gamma grow steep the oracles lose digits.
GAMMA = [-3.5, -0.5, -1e-3, 1e-3, 1.0, 2.0, 7.9, 8.1, 30.0]


def positive(*shapes):
    return uniform(0.2, 3.0, *shapes)


CASES = [
    *several("digamma", ORACLES, inputs=positive, large=positive, special=GAMMA),
    Case("digamma-edges", lambda F, x: F.digamma(x), arrays([0.0, -0.0, -1.0, math.inf, -math.inf, math.nan]),
         lambda x: np.array([-math.inf, math.inf, math.nan, math.inf, math.nan, math.nan]), grad=()),
    Case("lgamma-negative", lambda F, x: F.lgamma(x), arrays([[-0.5, -1.5, -2.25], [-7.75, -20.5, -0.1]]),
         ORACLES["lgamma"]),
    Case("digamma-negative", lambda F, x: F.digamma(x), arrays([[-0.5, -1.5, -2.25], [-7.75, -8.25, -0.5]]),
         ORACLES["digamma"]),
    *(case for name in ORACLES if name != "digamma"
      for case in several(name, ORACLES, special=MODERATE if name == "square" else SPECIAL,
                          inputs=positive if name in POSITIVE else normal,
                          large=positive if name in POSITIVE else normal)),
    *(Case(f"{name}-method", lambda F, x, name=name: getattr(x, name)(), positive((5,)), ORACLES[name], arrays=False,
           cuda=False) for name in ORACLES),
    *(Case(f"{name}-inplace_method", lambda F, x, name=name: getattr(x * 1.0, f"{name}_")(), positive((5,)),
           ORACLES[name], arrays=False, cuda=False) for name in ORACLES),
    *(Case(f"{name}-integers", lambda F, x, name=name: getattr(F, name)(x), lambda r: (r.integers(1, 5, (2, 3)),),
           ORACLES[name], grad=(), out=None if name == "square" else "float32", cuda=False)
      for name in ORACLES),
    Case("square-bools", lambda F, x: F.square(x), arrays(np.array([True, False])), lambda x: x.astype(np.int64),
         grad=()),
]  # fmt: skip
ERRORS = [bad for name in ORACLES for bad in refusals(name)]
