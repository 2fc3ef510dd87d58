"""Cases of operations on bits and truth values."""

import numpy as np

import nbnn
from tests.cases import arrays, normal
from tests.cases.operands import INF, NAN, bools, called, integers, method, once_on_cuda, operators, refusals
from tests.engine import Bad, Case

BITWISE = {"bitwise_and": np.bitwise_and, "bitwise_or": np.bitwise_or, "bitwise_xor": np.bitwise_xor}
LOGICAL = {"logical_and": np.logical_and, "logical_or": np.logical_or, "logical_xor": np.logical_xor}


def left(a, b):
    return np.where((b >= 0) & (b < 64), np.left_shift(a, np.clip(b, 0, 63)), 0)


def right(a, b):
    return np.right_shift(a, np.where((b >= 0) & (b < 64), b, 63))


SHIFTS = {"bitwise_left_shift": left, "bitwise_right_shift": right}


def shifts(r):
    return r.integers(-1000, 1000, (7, 9)), np.array([0, 1, 5, 31, 62, 63, 64, -1, 200])


def marked(*shapes):
    return lambda r: tuple(r.integers(0, 2, s) * r.normal(size=s) for s in shapes)


def four(n):
    """Integers of a narrow type."""
    return lambda r: (r.integers(0, 100, 9).astype(n), r.integers(0, 100, 9).astype(n))


CASES = once_on_cuda([
    *(Case(f"{name}-integers", called(name), integers(-100, 100, (4, 5), (5,)), oracle, grad=(),
           large=integers(-100, 100, (70000,), (70000,)), empty=(integers(0, 2, (0,), (1,)),))
      for name, oracle in BITWISE.items()),
    *(Case(f"{name}-bools", called(name), bools((4, 5), (5,)), oracle, grad=())
      for name, oracle in (BITWISE | LOGICAL).items()),
    *(Case(f"{name}-uint8", called(name), four(np.uint8), oracle, grad=()) for name, oracle in BITWISE.items()),
    *(Case(f"{name}-bool_int", called(name), lambda r: (r.integers(0, 2, 9) > 0, r.integers(0, 9, 9)), oracle, grad=())
      for name, oracle in BITWISE.items()),
    *(Case(f"{name}-number", called(name, 6), integers(-9, 9, (9,)), lambda a, o=oracle: o(a, 6), grad=())
      for name, oracle in BITWISE.items()),
    *(Case(f"{name}_-in_place", method(f"{name}_"), integers(-9, 9, (2, 9), (9,)), oracle, grad=(), arrays=False)
      for name, oracle in (BITWISE | SHIFTS).items()),
    *operators("bitwise_and", lambda a, b: a & b, lambda *s: integers(0, 9, *s), grad=(), value=5),
    *operators("bitwise_or", lambda a, b: a | b, lambda *s: integers(0, 9, *s), grad=(), value=5),
    *operators("bitwise_xor", lambda a, b: a ^ b, lambda *s: integers(0, 9, *s), grad=(), value=5),
    *operators("bitwise_left_shift", lambda a, b: a << b, lambda *s: integers(0, 9, *s), grad=()),
    *operators("bitwise_right_shift", lambda a, b: a >> b, lambda *s: integers(0, 9, *s), grad=()),
    Case("bitwise_not-integers", called("bitwise_not"), integers(-9, 9, (3, 4)), np.invert, grad=(),
         empty=(integers(0, 2, (0,)),)),
    Case("bitwise_not-bools", lambda F, a: ~a, bools((9,)), np.logical_not, grad=()),
    Case("bitwise_not-operator", lambda F, a: ~a, integers(-9, 9, (9,)), np.invert, grad=(), arrays=False),
    *(Case(name, called(name), shifts, oracle, grad=()) for name, oracle in SHIFTS.items()),
    Case("bitwise_left_shift-int8", called("bitwise_left_shift"),
         lambda r: (np.array([1, 1, -128, 3], np.int8), np.array([7, 8, -1, 6], np.int8)),
         lambda a, b: np.array([-128, 0, 0, -64], np.int8), grad=()),
    Case("bitwise_right_shift-int8", called("bitwise_right_shift"),
         lambda r: (np.array([1, -128, -128, -1], np.int8), np.array([7, 7, 8, -1], np.int8)),
         lambda a, b: np.array([0, -1, -1, -1], np.int8), grad=()),
    Case("bitwise_right_shift-uint8", called("bitwise_right_shift"),
         lambda r: (np.array([255, 255, 255], np.uint8), np.array([7, 8, 9], np.uint8)),
         lambda a, b: np.array([1, 0, 0], np.uint8), grad=()),
    *(Case(f"{name}-floats", called(name), marked((4, 5), (5,)), oracle, grad=(), large=marked((70000,), (70000,)),
           empty=(normal((0,), (0,)),)) for name, oracle in LOGICAL.items()),
    *(Case(f"{name}-special", called(name), arrays([[0.0], [-0.0], [NAN], [INF]], [NAN, 0.0, 1e-300]), oracle,
           grad=(), halves=False) for name, oracle in LOGICAL.items()),
    *(Case(f"{name}-mixed", called(name), lambda r: (r.integers(0, 2, 9), r.integers(0, 2, 9) * 0.5), oracle, grad=())
      for name, oracle in LOGICAL.items()),
    *(Case(f"{name}_-in_place", method(f"{name}_"), marked((2, 3), (3,)), lambda a, b, o=oracle: o(a, b) * 1.0,
           grad=(), arrays=False) for name, oracle in LOGICAL.items()),
    Case("logical_not", called("logical_not"), marked((3, 4)), np.logical_not, grad=(), empty=(normal((0,)),)),
    Case("logical_not-special", called("logical_not"), arrays([0.0, -0.0, NAN, INF]), np.logical_not, grad=()),
    Case("logical_not-integers", called("logical_not"), integers(0, 2, (9,)), np.logical_not, grad=()),
    Case("logical_not_-in_place", method("logical_not_"), marked((9,)), lambda a: np.logical_not(a) * 1.0, grad=(),
         arrays=False),
])  # fmt: skip

_X, _I, _B = nbnn.ones(2, 3), nbnn.ones(2, 3, dtype=nbnn.int64), nbnn.ones(2, 3) > 0
ERRORS = [
    *(bad for name in (*BITWISE, *LOGICAL, *SHIFTS) for bad in refusals(name)),
    *(Bad(f"{name}-floats", lambda F, name=name: getattr(F, name)(_X, _I), TypeError,
          rf"^{name}: operands must be integers.*got nbnn.float32") for name in (*BITWISE, *SHIFTS)),
    *(Bad(f"{name}-float_number", lambda F, name=name: getattr(F, name)(_I, 0.5), TypeError,
          rf"^{name}: operands must be integers.*got nbnn.float32") for name in (*BITWISE, *SHIFTS)),
    *(Bad(f"{name}-bools", lambda F, name=name: getattr(F, name)(_B, _B), TypeError,
          rf"^{name}: operands must be integers; got nbnn.bool") for name in SHIFTS),
    *(Bad(f"{name}-list", lambda F, name=name: getattr(F, name)([1]), TypeError,
          rf"^{name}: `input` must be a Tensor; got list") for name in ("bitwise_not", "logical_not")),
    Bad("bitwise_not-floats", lambda F: ~_X, TypeError, r"^bitwise_not: operands must be integers or bools"),
    Bad("bitwise_and-huge", lambda F: _I & 2**70, ValueError, r"^bitwise_and: the number 1180591620717411303424"),
    Bad("bitwise_and-in_place", lambda F: (_X > 0).bitwise_and_(1), RuntimeError,
        r"^bitwise_and_: .*nbnn.int64 cannot be kept in place in nbnn.bool"),
]  # fmt: skip
