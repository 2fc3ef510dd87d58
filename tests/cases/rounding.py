"""Cases of sizes, signs, whole parts and the kinds of numbers."""

import math

import numpy as np

import nbnn
from tests.cases import arrays, spread
from tests.cases.elements import refusals, several
from tests.engine import Bad, Case

INF, NAN = math.inf, math.nan
SPECIAL = [NAN, INF, -INF, 0.0, -0.0, 0.5, -0.5, 1.5, 2.5, -2.5, 1e30, -1e30, 8388609.0, 4503599627370497.0, 1e-30]


def _sign(x):
    return np.where(np.isnan(x), 0, np.sign(x))


ORACLES = {
    "abs": np.abs,
    "sign": _sign,
    "floor": np.floor,
    "ceil": np.ceil,
    "trunc": np.trunc,
    "round": np.round,
}
FRAC = {"frac": lambda x: x - np.trunc(x)}
KINDS = {"isnan": np.isnan, "isinf": np.isinf, "isfinite": np.isfinite}
ALIASES = {"absolute": "abs", "fix": "trunc"}
BOTH = {**ORACLES, **FRAC}


def decimals(places):
    def oracle(x):
        scale = 10.0 ** abs(places)
        return np.round(x * scale) / scale if places >= 0 else np.round(x / scale) * scale

    return Case(f"round-decimals_{places}", lambda F, x: F.round(x, decimals=places),
                lambda r: (np.asarray(r.integers(-9999, 9999, (4, 5)) * 10.0 ** (-places - 2)),), oracle)  # fmt: skip


CASES = [
    *(case for name in BOTH for case in several(name, BOTH, special=SPECIAL)),
    *(Case(f"{name}-method", lambda F, x, name=name: getattr(x, name)(), spread((5,)), BOTH[name], arrays=False,
           cuda=False) for name in BOTH),
    *(Case(f"{name}-inplace_method", lambda F, x, name=name: getattr(x * 1.0, f"{name}_")(), spread((5,)),
           BOTH[name], arrays=False, cuda=False) for name in BOTH),
    *(Case(f"{alias}-plain", lambda F, x, alias=alias: getattr(F, alias)(x), spread((2, 3)), BOTH[name], cuda=False)
      for alias, name in ALIASES.items()),
    *(Case(f"{alias}-inplace_method", lambda F, x, alias=alias: getattr(x * 1.0, f"{alias}_")(), spread((5,)),
           BOTH[name], arrays=False, cuda=False) for alias, name in ALIASES.items()),
    *(Case(f"{name}-integers", lambda F, x, name=name: getattr(F, name)(x), lambda r: (r.integers(-4, 5, (2, 3)),),
           lambda x, name=name: BOTH[name](x).astype(x.dtype), grad=(), cuda=name in ("abs", "sign"))
      for name in ORACLES),
    *(Case(f"{name}-unsigned", lambda F, x, name=name: getattr(F, name)(x),
           lambda r: (r.integers(0, 255, (2, 3)).astype(np.uint8),),
           lambda x, name=name: BOTH[name](x).astype(x.dtype), grad=()) for name in ("abs", "sign", "floor")),
    *(Case(f"{name}-plain", lambda F, x, name=name: getattr(F, name)(x), arrays(SPECIAL), KINDS[name], grad=(),
           empty=(arrays(np.zeros((0, 3))),)) for name in KINDS),
    *(Case(f"{name}-method", lambda F, x, name=name: getattr(x, name)(), arrays(SPECIAL), KINDS[name], grad=(),
           arrays=False) for name in KINDS),
    *(Case(f"{name}-integers", lambda F, x, name=name: getattr(F, name)(x), lambda r: (r.integers(-4, 5, (2, 3)),),
           KINDS[name], grad=()) for name in KINDS),
    decimals(1), decimals(3), decimals(-2),
    Case("positive-plain", lambda F, x: F.positive(x), spread((2, 3)), lambda x: x, fresh=False),
    Case("positive-operator", lambda F, x: +x, spread((2, 3)), lambda x: x, fresh=False),
    Case("abs-operator", lambda F, x: abs(x), spread((2, 3)), np.abs),
    Case("negative-plain", lambda F, x: F.negative(x), spread((2, 3)), lambda x: -x),
    Case("negative-method", lambda F, x: (x * 1.0).negative_(), spread((2, 3)), lambda x: -x, arrays=False),
    Case("sign-bools", lambda F, x: F.sign(x), arrays(np.array([True, False])), lambda x: x, grad=()),
]  # fmt: skip


def _bools(name, error=TypeError):
    own = ALIASES.get(name, name)
    return Bad(f"{name}-bools", lambda F: getattr(F, name)(nbnn.ones(2) > 0), error, rf"^{own}: `input`.*bool")


ERRORS = [
    *(bad for name in (*BOTH, *KINDS, "positive") for bad in refusals(name)),
    *(_bools(name) for name in ("abs", "absolute", "floor", "ceil", "trunc", "fix", "round", "positive", "frac")),
    *(Bad(f"{alias}-none", lambda F, alias=alias: getattr(F, alias)(None), TypeError, f"^{name}: ")
      for alias, name in ALIASES.items()),
    Bad("negative-none", lambda F: F.negative(None), TypeError, "^neg: `input`.*NoneType"),
    Bad("frac-integers", lambda F: F.frac(nbnn.tensor([1])), TypeError, "^frac: `input`.*int64"),
    Bad("round-decimals", lambda F: F.round(nbnn.ones(2), decimals=1.5), TypeError, "^round: `decimals`"),
    Bad("round-integers", lambda F: F.round(nbnn.tensor([1]), decimals=1), TypeError, "^round: `decimals` .*int64"),
    Bad("abs_-leaf", lambda F: nbnn.ones(2, requires_grad=True).abs_(), RuntimeError, "^abs_: a leaf"),
]  # fmt: skip
