"""Cases of powers."""

import math

import numpy as np

import nbnn
from tests.cases import arrays, normal, uniform
from tests.engine import Bad, Case

INF, NAN = math.inf, math.nan
VALUES = [0.0, -0.0, 1.0, -1.0, 2.0, -2.0, 0.5, -0.5, 3.0, -3.0, INF, -INF, NAN]
EXPONENTS = (2, 3, 0.5, -1, 0, 1, -2, 2.5, -0.5, 4)


def positive(*shapes):
    return uniform(0.3, 2.5, *shapes)


def call(F, a, b):
    return F.pow(a, b)


def integers(low, high, *shapes):
    return lambda r: tuple(r.integers(low, high, s) for s in shapes)


CASES = [
    Case("pow-same", call, positive((3, 4), (3, 4)), np.power, grad=(0, 1), large=positive((70000,), (70000,))),
    Case("pow-broadcast", call, positive((3, 1), (4,)), np.power, grad=(0, 1), empty=(normal((0, 3), (3,)),)),
    Case("pow-negative_base", call, lambda r: (r.uniform(-2, -0.5, (5,)), r.integers(-3, 4, (5,))), np.power),
    Case("pow-special", call, arrays([[v] for v in VALUES], VALUES), np.power, grad=()),
    *(Case(f"pow-exponent_{p}", lambda F, a, p=p: F.pow(a, p), positive((2, 5)), lambda a, p=p: np.power(a, p),
           large=positive((70000,)) if p in (2, 2.5) else None, cuda=p in (3, 0.5, 0, 2.5)) for p in EXPONENTS),
    # torch takes the square root of -inf and of -0
    *(Case(f"pow-special_{p}", lambda F, a, p=p: F.pow(a, p), arrays(VALUES), lambda a, p=p: np.power(a, float(p)),
           grad=(), torch=p != 0.5, cuda=False) for p in EXPONENTS),
    *(Case(f"pow-base_{a}", lambda F, b, a=a: a**b, uniform(-2, 2, (2, 3)), lambda b, a=a: np.power(float(a), b),
           arrays=False, cuda=False) for a in (2, 0.5, 1)),
    Case("pow-numpy_number", lambda F, a: F.pow(a, np.float64(1.5)), positive((3,)), lambda a: a**1.5),
    Case("pow-operator", lambda F, a, b: a**b, positive((3,), (3,)), np.power, grad=(0, 1),
         arrays=False),
    Case("pow-method", lambda F, a, b: a.pow(b), positive((3,), (3,)), np.power, grad=(0, 1), arrays=False,
         cuda=False),
    Case("pow-in_place", lambda F, a, b: (a * 1.0).pow_(b), positive((2, 3), (3,)), np.power, grad=(0, 1),
         arrays=False),
    Case("pow-in_place_number", lambda F, a: (a * 1.0).pow_(3), positive((2, 3)), lambda a: a**3, arrays=False),
    Case("pow-integers", lambda F, a, b: F.pow(a, b), lambda r: (r.integers(-5, 6, (2, 4)), r.integers(0, 6, (4,))),
         np.power, grad=()),
    Case("pow-integers_negative", call, arrays(np.array([1, -1, 2, -1, 5]), np.array([-3, -3, -1, -2, -4])),
         lambda a, b: np.array([1, -1, 0, 1, 0]), grad=()),
    Case("pow-integers_number", lambda F, a: F.pow(a, 3), integers(-5, 6, (2, 4)), lambda a: a**3, grad=()),
    Case("pow-number_integers", lambda F, b: 3**b, integers(0, 6, (2, 4)), lambda b: 3**b, grad=(), arrays=False),
    Case("pow-integers_float", lambda F, a: F.pow(a, 0.5), integers(0, 6, (2, 4)), lambda a: np.sqrt(a), grad=(),
         out="float32"),
    Case("pow-bools_number", lambda F, a: F.pow(a, 2), arrays(np.array([True, False])), lambda a: a.astype(np.int64),
         grad=()),
    Case("pow-float_integers", call, lambda r: (r.uniform(0.5, 2, (2, 3)), r.integers(-2, 4, (3,))), np.power),
]  # fmt: skip
ERRORS = [
    Bad("pow-shapes", lambda F: F.pow(nbnn.ones(2), nbnn.ones(3)), ValueError, "^pow: .*broadcast"),
    Bad("pow-text", lambda F: F.pow(nbnn.ones(2), "x"), TypeError, "^pow: .*got str"),
    Bad("pow-none", lambda F: F.pow(nbnn.ones(2), None), TypeError, "^pow: .*NoneType"),
    Bad("pow-negative", lambda F: nbnn.tensor([1, 2]) ** -1, ValueError, r"^pow: `exponent` \(=-1\).*int64"),
    Bad("pow-bools", lambda F: F.pow(nbnn.ones(2) > 0, nbnn.ones(2) > 0), TypeError, "^pow: .*bools"),
    Bad("pow-in_place", lambda F: nbnn.tensor([1, 2]).pow_(0.5), RuntimeError, "^pow_: .*float32"),
    Bad("pow-leaf", lambda F: nbnn.ones(2, requires_grad=True).pow_(2), RuntimeError, "^pow_: a leaf"),
]
