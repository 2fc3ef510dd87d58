"""Cases of maximum and minimum, bounds, choices, closeness. (The signs == to >= stand in the table of arrays.)"""

import numpy as np

import nbnn
from tests.cases import arrays, distinct, normal, spread
from tests.cases.operands import (
    EMPTY,
    INF,
    NAN,
    SPECIAL,
    bools,
    broadcasting,
    called,
    integers,
    method,
    once_on_cuda,
    refusals,
)
from tests.engine import Bad, Case


def ties(*shapes):
    """Small whole numbers, many of them equal."""
    return lambda r: tuple(np.asarray(r.integers(0, 3, s) * 1.0) for s in shapes)


EXTREMES = [
    *(case for name, oracle in (("maximum", np.maximum), ("minimum", np.minimum))
      for case in broadcasting(name, oracle, normal)),
    *(Case(f"{name}-integers", called(name), integers(-9, 9, (4, 5), (5,)), oracle, grad=())
      for name, oracle in (("maximum", np.maximum), ("minimum", np.minimum))),
    *(Case(f"{name}-bools", called(name), bools((9,), (9,)), oracle, grad=())
      for name, oracle in (("maximum", np.maximum), ("minimum", np.minimum))),
    *(Case(f"{name}-mixed", called(name), lambda r: (r.normal(size=9), r.integers(-2, 2, 9)), oracle, grad=())
      for name, oracle in (("maximum", np.maximum), ("minimum", np.minimum))),
]  # fmt: skip
NUMBERS = [
    Case(f"{name}-number", called(name, 0.5), spread((3, 6)), lambda x, oracle=oracle: oracle(x, 0.5), grad=())
    for name, oracle in (("eq", np.equal), ("ne", np.not_equal), ("lt", np.less), ("le", np.less_equal),
                         ("gt", np.greater), ("ge", np.greater_equal))
]  # fmt: skip
# at a tie a central difference sees the mean of both sides, which is the half that each operand gets
TIES = [
    Case(f"{name}-ties", called(name), ties((4, 5), (5,)), oracle, grad=(0, 1), second=False)
    for name, oracle in (("maximum", np.maximum), ("minimum", np.minimum))
]


def bound(x, low, high):
    y = x if low is None else np.maximum(x, low)
    return y if high is None else np.minimum(y, high)


def bounds(name, label, low, high):
    """One way to give the bounds, by position or name."""
    args = (v for v in (low, high) if v is not None) if name in ("clamp_min", "clamp_max") else (low, high)
    args = tuple(args)
    return [
        Case(f"{name}-{label}", called(name, *args), spread((3, 6)), lambda x: bound(x, low, high),
             empty=(normal((0,)),), large=normal((70000,)) if label == "both" else None),
        Case(f"{name}-{label}_special", called(name, *args), arrays(SPECIAL), lambda x: bound(x, low, high), grad=()),
        Case(f"{name}_-{label}", method(f"{name}_", *args), spread((3, 6)), lambda x: bound(x, low, high),
             arrays=False),
        Case(f"{name}-{label}_integers", called(name, *args), integers(-9, 9, (9,)),
             lambda x: bound(x, low, high), grad=()) if isinstance(low, int) or isinstance(high, int) else None,
    ]  # fmt: skip


def apart(*shapes):
    """Arrays of which no two share a number: nothing lies on a bound."""
    return lambda r: tuple(distinct(r, s) + 0.02 * k for k, s in enumerate(shapes))


BOUNDS = [
    *(case for args in (("clamp", "both", -0.42, 0.31), ("clamp", "ints", -1, 1),
                        ("clamp", "low", 0, None), ("clamp", "high", None, 0), ("clamp", "crossed", 0.31, -0.42),
                        ("clamp", "infinite", -INF, INF), ("clamp_min", "one", 0, None), ("clamp_max", "one", None, 0))
      for case in bounds(*args) if case is not None),
    Case("clip-plain", lambda F, x: nbnn.clip(x, -0.42, 0.31), spread((3, 6)), lambda x: np.clip(x, -0.42, 0.31),
         torch=lambda F, x: F.clip(x, -0.42, 0.31)),
    Case("clip-method", method("clip", -0.42, 0.31), spread((3, 6)), lambda x: np.clip(x, -0.42, 0.31), arrays=False),
    Case("clamp_-untracked", method("clamp_", -1, 0.31), spread((3, 6)), lambda x: np.clip(x, -1, 0.31), grad=(),
         arrays=False),
    Case("clamp_-untracked_special", method("clamp_", -1, 0.31), arrays(SPECIAL), lambda x: bound(x, -1, 0.31), grad=(),
         arrays=False),
    Case("clip_-method", method("clip_", max=0.31), spread((3, 6)), lambda x: np.minimum(x, 0.31), arrays=False),
    Case("clamp-tensors", called("clamp"), apart((3, 5), (3, 5), (3, 5)), bound, grad=(0, 1, 2)),
    Case("clamp-tensor_rows", called("clamp"), apart((3, 4), (4,), (3, 1)), bound, grad=(0, 1, 2)),
    Case("clamp-tensor_and_number", called("clamp", 0.42), apart((3, 4), (4,)), lambda x, low: bound(x, low, 0.42),
         grad=(0, 1), torch=False),
    Case("clamp_min-tensor", called("clamp_min"), apart((3, 4), (4,)), np.maximum, grad=(0, 1)),
    Case("clamp_max-tensor", called("clamp_max"), apart((3, 4), (4,)), np.minimum, grad=(0, 1)),
    Case("clamp-0d_bound", lambda F, x, low: F.clamp(x, low), apart((3, 4), ()), np.maximum, grad=(0, 1)),
    Case("clamp-nan_bound", called("clamp", NAN, 1.0), normal((3,)), lambda x: x * NAN, grad=()),
    Case("clamp-method_by_name", method("clamp", max=0.3), normal((3, 4)), lambda x: np.minimum(x, 0.3), arrays=False),
    Case("clamp-int_float", called("clamp", 0.5), integers(-3, 3, (9,)), lambda x: np.maximum(x, 0.5), grad=(),
         out="float32"),
    Case("clamp-int_tensors", called("clamp"), integers(-9, 9, (9,), (9,), (9,)), bound, grad=()),
    Case("clamp-bool_ints", called("clamp", 0, 5), bools((9,)), lambda x: np.clip(x * 1, 0, 5), grad=()),
    Case("clamp-on_the_bounds", called("clamp", -1.0, 1.0), arrays([-1.0, 1.0, 0.0, -2.0, 2.0]),
         lambda x: np.clip(x, -1, 1), grad=(), torch=True),
]  # fmt: skip


def chosen(*shapes):
    return lambda r: (r.integers(0, 2, shapes[0]) > 0, *(np.asarray(r.normal(size=s)) for s in shapes[1:]))


CHOICES = [
    *(Case(f"where-{label}", called("where"), chosen(*shapes), np.where, grad=(1, 2))
      for label, shapes in (("same", ((3, 4),) * 3), ("rows", ((3, 1), (4,), (3, 4))), ("0d", ((), (3,), ())),
                            ("condition", ((2, 3, 4), (4,), ())))),
    Case("where-large", called("where"), chosen((9,), (9,), (9,)), np.where, grad=(1, 2),
         large=chosen((300, 200), (300, 200), (200,)), empty=(chosen((0,), (0,), (1,)), chosen((2, 0), (1,), (2, 1)))),
    Case("where-number", lambda F, x: F.where(x > 0, x, 0), normal((9,)), lambda x: np.where(x > 0, x, 0),
         arrays=False),
    Case("where-number_left", lambda F, x: F.where(x > 0, 2.5, x), normal((9,)), lambda x: np.where(x > 0, 2.5, x),
         arrays=False),
    Case("where-numbers", called("where", 1, 2), bools((9,)), lambda c: np.where(c, 1, 2), grad=()),
    Case("where-float_numbers", called("where", 1, 2.5), bools((9,)), lambda c: np.where(c, 1, 2.5), grad=(),
         out="float32"),
    Case("where-mixed", called("where"), lambda r: (r.normal(size=9) > 0, r.integers(0, 9, 9), r.normal(size=9)),
         np.where, grad=(2,)),
    Case("where-nan_not_chosen", lambda F, x: F.where(x > 0, F.sqrt(x), x), arrays([4.0, -1.0]),
         lambda x: np.array([2.0, -1.0]), grad=(), arrays=False),
    Case("where-method", lambda F, c, a, b: a.where(c, b), chosen((3,), (3,), (3,)), np.where, grad=(1, 2),
         arrays=False),
]  # fmt: skip


def close(a, b, rtol=1e-5, atol=1e-8, equal_nan=False):
    return np.isclose(a, b, rtol=rtol, atol=atol, equal_nan=equal_nan)


NEAR = arrays([1.0, 1.0, 0.0, NAN, INF, INF, -1e9, 3.0], [1.0 + 4e-6, 1.1, 3e-3, NAN, INF, -INF, 1e9, NAN])
CLOSE = [
    Case("isclose", called("isclose"), NEAR, close, grad=(), halves=False, large=normal((70000,), (70000,))),
    Case("isclose-nan", called("isclose", equal_nan=True), NEAR, lambda a, b: close(a, b, equal_nan=True), grad=(),
         halves=False),
    Case("isclose-tolerances", called("isclose", 0.2, 0.01), NEAR, lambda a, b: close(a, b, 0.2, 0.01), grad=(),
         halves=False),
    Case("isclose-broadcast", called("isclose", 1.0), normal((3, 1), (4,)), lambda a, b: close(a, b, 1.0), grad=(),
         empty=EMPTY),
    Case("isclose-integers", called("isclose", atol=1), integers(0, 4, (9,), (9,)), lambda a, b: close(a, b, atol=1),
         grad=()),
    Case("isclose-bools", called("isclose"), bools((9,), (9,)), lambda a, b: a == b, grad=()),
    Case("isclose-method", method("isclose"), normal((3,), (3,)), close, grad=(), arrays=False),
    *(Case(f"{name}_-in_place", method(f"{name}_"), ties((9,), (9,)), lambda a, b, o=oracle: o(a, b) * 1.0, grad=(),
           arrays=False)
      for name, oracle in (("eq", np.equal), ("ne", np.not_equal), ("lt", np.less), ("ge", np.greater_equal))),
]  # fmt: skip

CASES = NUMBERS + once_on_cuda([*EXTREMES, *TIES, *BOUNDS, *CHOICES, *CLOSE])

_X, _I = nbnn.ones(2, 3), nbnn.ones(2, 3, dtype=nbnn.int64)
_U = nbnn.ones(2, dtype=nbnn.uint8)
_B = _X > 0
ERRORS = [
    *(bad for name in ("maximum", "minimum", "isclose", "allclose") for bad in refusals(name)),
    *(Bad(f"{name}-none_given", lambda F, name=name: getattr(F, name)(_X), ValueError,
          rf"^{name}: at least one of `min` and `max`") for name in ("clamp",)),
    *(Bad(f"{name}-string", lambda F, name=name: getattr(F, name)(_X, "a"), TypeError,
          rf"^{name}: a bound must be a number.*got str") for name in ("clamp", "clamp_min", "clamp_max")),
    Bad("clip-none_given", lambda F: nbnn.clip(_X), ValueError, r"^clip: at least one of `min` and `max`"),
    Bad("clamp-list", lambda F: F.clamp([1.0], 0), TypeError, r"^clamp: `input` must be a Tensor; got list"),
    Bad("clamp-shapes", lambda F: F.clamp(_X, F.ones(2)), ValueError, r"^clamp: the shapes"),
    Bad("clamp-bools", lambda F: F.clamp(_B, False, True), TypeError, r"^clamp: .* nbnn.bool"),
    Bad("clamp-no_value", lambda F: F.clamp(_U, 256), ValueError, r"^clamp: .*no value of type nbnn.uint8"),
    Bad("clamp-in_place_type", lambda F: F.ones(2, dtype=F.int64).clamp_(0.5), RuntimeError,
        r"^clamp_: .*nbnn.float32 cannot be kept in place in nbnn.int64"),
    Bad("where-condition", lambda F: F.where(_I, _X, _X), TypeError,
        r"^where: `condition` must hold bools; got nbnn.int"),
    Bad("where-condition_list", lambda F: F.where([True], _X, _X), TypeError, r"^where: `condition` must be a Tensor"),
    Bad("where-shapes", lambda F: F.where(_B, F.ones(2), 0), ValueError, r"^where: the shapes"),
    Bad("where-string", lambda F: F.where(_B, "a", _X), TypeError, r"^where: operands .*got str"),
    Bad("isclose-types", lambda F: F.isclose(_X, _I), TypeError, r"^isclose: all inputs must have one dtype"),
    Bad("isclose-rtol", lambda F: F.isclose(_X, _X, -1), ValueError, r"^isclose: `rtol` \(=-1.0\) must be at least 0"),
    Bad("isclose-atol", lambda F: F.isclose(_X, _X, atol=NAN), ValueError, r"^isclose: `atol` \(=nan\)"),
    Bad("equal-list", lambda F: F.equal(_X, [1.0]), TypeError, r"^equal: `other` must be a Tensor; got list"),
    Bad("equal-none", lambda F: F.equal(None, _X), TypeError, r"^equal: `input` must be a Tensor; got NoneType"),
]  # fmt: skip
