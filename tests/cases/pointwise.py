"""Cases of exp, log, sqrt, erf and their kin."""

import math

import numpy as np

from tests.cases import normal, uniform
from tests.cases.elements import refusals, several
from tests.engine import Case


def _by_number(function):
    return lambda x: np.vectorize(function, otypes=[float])(x)


ORACLES = {
    "exp": np.exp,
    "exp2": np.exp2,
    "expm1": np.expm1,
    "log": np.log,
    "log2": np.log2,
    "log1p": np.log1p,
    "sqrt": np.sqrt,
    "rsqrt": lambda x: 1 / np.sqrt(x),
    "erf": _by_number(math.erf),
    "erfc": _by_number(math.erfc),
}
POSITIVE = ("log", "log2", "log1p", "sqrt", "rsqrt")


def positive(*shapes):
    return uniform(0.2, 3.0, *shapes)


CASES = [
    *(case for name in ORACLES
      for case in several(name, ORACLES, inputs=positive if name in POSITIVE else normal,
                          large=positive if name in POSITIVE else normal)),
    *(Case(f"{name}-method", lambda F, x, name=name: getattr(x, name)(), positive((5,)), ORACLES[name], arrays=False)
      for name in ORACLES),
    *(Case(f"{name}-inplace_method", lambda F, x, name=name: getattr(x * 1.0, f"{name}_")(), positive((5,)),
           ORACLES[name], arrays=False) for name in ORACLES),
    *(Case(f"{name}-integers", lambda F, x, name=name: getattr(F, name)(x), lambda r: (r.integers(1, 5, (2, 3)),),
           ORACLES[name], grad=(), out="float32") for name in ORACLES),
]  # fmt: skip
ERRORS = [bad for name in ORACLES for bad in refusals(name)]
