"""Cases of division with rounding, of remainders, and of rsub."""

import numpy as np

import nbnn
from tests.cases import arrays
from tests.cases.operands import away, broadcasting, called, integers, method, once_on_cuda, operators, refusals
from tests.engine import Bad, Case


def truncated(a, b):
    return np.trunc(np.divide(a, b)) if np.result_type(a, b).kind == "f" else (np.sign(a) * np.sign(b)) * (
        np.abs(a) // np.abs(b)
    )  # fmt: skip


def wide(*shapes):
    """Dividends of several times the divisors."""

    def make(r):
        first, *rest = shapes
        return (np.asarray(r.uniform(-9, 9, first)), *away(*rest)(r)) if rest else away(first)(r)

    return make


def signs(r):
    return np.arange(-9, 10), r.choice([-4, -3, -1, 1, 2, 5], (3, 19))


ORACLES = {"floor_divide": np.floor_divide, "fmod": np.fmod, "remainder": np.remainder}
OF_ZERO = ([1.0, -1.0, 0.0, 5.0], [0.0, 0.0, 0.0, -0.0])
LARGE = ([1e30, -1e30, 16777217.0, 7e8], [3.0, 7.0, 0.1, 1e-3])  # quotients past the last whole number of a float32
CASES = once_on_cuda([
    *(case for name in ("fmod", "remainder") for case in broadcasting(name, ORACLES[name], wide)),
    *broadcasting("floor_divide", np.floor_divide, wide, grad=()),
    *(Case(f"{name}-{label}", called(name), arrays(*values), oracle, grad=())
      for name, oracle in ORACLES.items() for label, values in (("of_zero", OF_ZERO),)),
    *(Case(f"{name}-large_quotient", called(name), arrays(*(np.float32(v).astype(float) for v in LARGE)),
           ORACLES[name], grad=(), halves=False) for name in ("fmod", "remainder")),
    *(Case(f"{name}-integers", called(name), signs, oracle, grad=()) for name, oracle in ORACLES.items()),
    # in torch fmod and div ends the process here (SIGFPE)
    *(Case(f"{name}-smallest_integer", called(name, -1), lambda r: (np.array([-(2**63), 5]),),
           lambda a, name=name: np.array([-(2**63), -5] if name == "floor_divide" else [0, 0]), grad=(), torch=False)
      for name in ORACLES),
    *(Case(f"{name}-int_float", called(name, 2.5), integers(-9, 9, (5,)), lambda a, o=oracle: o(a, 2.5), grad=(),
           out="float32") for name, oracle in ORACLES.items()),
    *(Case(f"{name}-bool_int", called(name, 2), lambda r: (np.array([True, False]),), lambda a, o=oracle: o(a, 2),
           grad=()) for name, oracle in ORACLES.items()),
    *(Case(f"{name}_-in_place", method(f"{name}_"), wide((2, 3), (3,)), oracle, arrays=False,
           grad=() if name == "floor_divide" else (0, 1)) for name, oracle in ORACLES.items()),
    # torch does not differentiate ``number % tensor``
    *operators("remainder", lambda a, b: a % b, wide, left_torch=lambda F, a: F.full_like(a, 2.0) % a),
    *operators("floor_divide", lambda a, b: a // b, wide, grad=()),
    *(Case(f"div-{mode}", called("div", rounding_mode=mode), wide((3, 4), (4,)), oracle, grad=(0, 1),
           large=wide((300, 200), (200,))) for mode, oracle in (("floor", np.floor_divide), ("trunc", truncated))),
    *(Case(f"div-{mode}_integers", called("div", rounding_mode=mode), signs, oracle, grad=())
      for mode, oracle in (("floor", np.floor_divide), ("trunc", truncated))),
    *(Case(f"div-{mode}_of_zero", called("div", rounding_mode=mode), arrays(*OF_ZERO), oracle, grad=())
      for mode, oracle in (("floor", np.floor_divide), ("trunc", truncated))),
    Case("div-trunc_smallest_integer", called("div", -1, rounding_mode="trunc"),
         lambda r: (np.array([-(2**63), 5]),), lambda a: np.array([-(2**63), -5]), grad=(), torch=False),
    Case("div-in_place_rounded", method("div_", rounding_mode="floor"), wide((2, 3), (3,)), np.floor_divide,
         grad=(0, 1), arrays=False),
    Case("rsub", called("rsub"), away((3, 4), (4,)), lambda a, b: b - a, grad=(0, 1)),
    Case("rsub-alpha", called("rsub", 2, alpha=3), away((3, 4)), lambda a: 2 - 3 * a),
    *broadcasting("true_divide", np.divide, away),
    Case("true_divide_-in_place", method("true_divide_"), away((2, 3), (3,)), np.divide, grad=(0, 1), arrays=False),
    Case("true_divide-integers", called("true_divide"), signs, np.divide, grad=(), out="float32"),
])  # fmt: skip

_I = nbnn.tensor([1, 2])
_B = nbnn.tensor([True, False])
ERRORS = [
    *(bad for name in ORACLES for bad in refusals(name)),
    *(Bad(f"{name}-zero", lambda F, name=name, zero=zero: getattr(F, name)(_I, zero), ZeroDivisionError,
          rf"^{name}: integers of type nbnn.int64 cannot be divided by zero")
      for name in ORACLES for zero in (0, nbnn.tensor([1, 0]))),
    *(Bad(f"{name}-bools", lambda F, name=name: getattr(F, name)(_B, _B), TypeError, rf"^{name}: .* nbnn.bool")
      for name in ORACLES),
    Bad("div-zero", lambda F: F.div(_I, 0, rounding_mode="trunc"), ZeroDivisionError, "^div: integers .* by zero"),
    Bad("div-rounding_mode", lambda F: F.div(_I, 1, rounding_mode="up"), ValueError,
        r"^div: `rounding_mode` \(='up'\) must be None, 'trunc' or 'floor'"),
    *(bad for bad in refusals("rsub") if bad.name != "rsub-shapes"),
    Bad("rsub-shapes", lambda F: F.rsub(F.ones(2, 3), F.ones(2)), ValueError,
        r"^rsub: the shapes.*\(2,\) and \(2, 3\)"),
    Bad("rsub-bools", lambda F: F.rsub(_B, _B), TypeError, "^rsub: bool"),
    Bad("true_divide-string", lambda F: F.true_divide(_I, "1"), TypeError, "^div: .*got str"),
    Bad("floor_divide-operator", lambda F: _I // 0, ZeroDivisionError, "^floor_divide: "),
    Bad("remainder-operator", lambda F: 5 % nbnn.tensor([0]), ZeroDivisionError, "^remainder: "),
]  # fmt: skip
