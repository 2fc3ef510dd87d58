"""Cases of lerp, addcmul and addcdiv."""

import numpy as np

import nbnn
from tests.cases import arrays, normal
from tests.cases.operands import INF, NAN, away, called, integers, method, once_on_cuda
from tests.engine import Bad, Case


def lerp(a, b, weight):
    return a * (1 - weight) + b * weight


SHAPES = {"same": ((3, 4),) * 3, "rows": ((3, 1), (4,), (3, 4)), "0d": ((), (3,), ()), "third": ((1, 4), (4,), (3, 1))}
NONE = ((0,), (0,), (1,))
CASES = once_on_cuda([
    *(Case(f"lerp-{label}", called("lerp"), normal(*shapes), lerp, grad=(0, 1, 2), empty=(normal(*NONE),),
           large=normal((70000,), (70000,), (70000,)) if label == "same" else None)
      for label, shapes in SHAPES.items()),
    *(Case(f"lerp-number_{w}", called("lerp", w), normal((3, 4), (4,)), lambda a, b, w=w: lerp(a, b, w), grad=(0, 1),
           empty=(normal((0,), (0,)),)) for w in (0.25, 1, -0.5, 2.5)),
    Case("lerp-special", called("lerp", 0.25), arrays([INF, NAN, 1.0, 0.0], [1.0, 1.0, -INF, NAN]),
         lambda a, b: lerp(a, b, 0.25), grad=()),
    Case("lerp-ends", called("lerp"), arrays([0.1, 0.1], [1e30, 1e30], [0.0, 1.0]),
         lambda a, b, w: np.array([0.1, 1e30]), grad=()),
    Case("lerp-method", method("lerp"), normal((3,), (3,), (3,)), lerp, grad=(0, 1, 2), arrays=False),
    Case("lerp_-in_place", method("lerp_", 0.25), normal((2, 3), (3,)), lambda a, b: lerp(a, b, 0.25), grad=(0, 1),
         arrays=False),
    Case("lerp_-in_place_tensor", method("lerp_"), normal((2, 3), (3,), (3,)), lerp, grad=(0, 1, 2), arrays=False),
    *(Case(f"{name}-{label}", called(name), away(*shapes), oracle, grad=(0, 1, 2), empty=(away(*NONE),),
           large=away((70000,), (70000,), (70000,)) if label == "same" else None)
      for name, oracle in (("addcmul", lambda a, b, c: a + b * c), ("addcdiv", lambda a, b, c: a + b / c))
      for label, shapes in SHAPES.items()),
    *(Case(f"{name}-value", called(name, value=-2.5), away((3, 4), (4,), (3, 1)), oracle, grad=(0, 1, 2))
      for name, oracle in (("addcmul", lambda a, b, c: a - 2.5 * b * c), ("addcdiv", lambda a, b, c: a - 2.5 * b / c))),
    *(Case(f"{name}_-in_place", method(f"{name}_", value=2), away((3, 4), (4,), (3, 1)), oracle, grad=(0, 1, 2),
           arrays=False)
      for name, oracle in (("addcmul", lambda a, b, c: a + 2 * b * c), ("addcdiv", lambda a, b, c: a + 2 * b / c))),
    Case("addcmul-integers", called("addcmul", value=3), integers(-9, 9, (3, 4), (4,), (4,)),
         lambda a, b, c: a + 3 * b * c, grad=()),
    Case("addcmul-mixed", called("addcmul"), lambda r: (r.integers(0, 9, 3), r.normal(size=3), r.integers(0, 9, 3)),
         lambda a, b, c: a + b * c, grad=(1,)),
    Case("addcdiv-special", called("addcdiv"), arrays([1.0, 1.0, 0.0], [1.0, 0.0, INF], [0.0, 0.0, INF]),
         lambda a, b, c: a + b / c, grad=()),
])  # fmt: skip

_X, _I = nbnn.ones(2, 3), nbnn.ones(2, 3, dtype=nbnn.int64)
ERRORS = [
    *(Bad(f"{name}-shapes", lambda F, name=name: getattr(F, name)(_X, F.ones(2), _X), ValueError,
          rf"^{name}: the shapes") for name in ("lerp", "addcmul", "addcdiv")),
    *(Bad(f"{name}-number", lambda F, name=name: getattr(F, name)(_X, 1.0, _X), TypeError,
          rf"^{name}: `(end|tensor1)` must be a Tensor; got float") for name in ("lerp", "addcmul", "addcdiv")),
    *(Bad(f"{name}-value", lambda F, name=name: getattr(F, name)(_X, _X, _X, value="a"), TypeError,
          rf"^{name}: `value` \(='a'\) must be a number") for name in ("addcmul", "addcdiv")),
    Bad("lerp-integers", lambda F: F.lerp(_I, _I, 1), TypeError, r"^lerp: `input` must have a floating-point dtype"),
    Bad("lerp-types", lambda F: F.lerp(_X, _X.double(), 1), TypeError, r"^lerp: all inputs must have one dtype"),
    Bad("lerp-weight", lambda F: F.lerp(_X, _X, "a"), TypeError, r"^lerp: `weight` must be a Tensor; got str"),
    Bad("addcmul-int_value", lambda F: F.addcmul(_I, _I, _I, value=2.5), TypeError,
        r"^addcmul: `value` \(=2.5\) must be an int"),
    Bad("addcmul-bools", lambda F: F.addcmul(_X > 0, _X > 0, _X > 0), TypeError, r"^addcmul: .* nbnn.bool"),
    Bad("addcdiv-integers", lambda F: F.addcdiv(_I, _I, _I), TypeError, r"^addcdiv: .*floating-point.*nbnn.int64"),
]  # fmt: skip
