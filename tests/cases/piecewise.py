"""Cases of the activations made of straight pieces."""

import numpy as np

import nbnn
from tests.cases.elements import FINITE, INF, inplace, integers, refusals, several, underscore, with_arguments
from tests.engine import Bad, Case


def _module(name):
    return lambda nn, x, *args: (getattr(nn, name)(*args), (x,))


ORACLES = {
    "hardtanh": lambda x, low=-1.0, high=1.0: np.clip(x, low, high),
    "relu6": lambda x: np.clip(x, 0, 6),
    "hardsigmoid": lambda x: np.clip(x + 3, 0, 6) / 6,
    "hardswish": lambda x: x * np.clip(x + 3, 0, 6) / 6,
    "hardshrink": lambda x, bound=0.5: np.where(np.abs(x) <= bound, 0, x),
    "softshrink": lambda x, bound=0.5: np.where(np.isnan(x), x, np.sign(x) * np.maximum(np.abs(x) - bound, 0)),
    "threshold": lambda x, bound, value: np.where(x <= bound, value, x),
}
wide = lambda *shapes: lambda r: tuple(r.permutation(np.prod(s, dtype=int)).reshape(s) * 0.7 - 5.05 for s in shapes)  # noqa: E731
CASES = [
    *several("hardtanh", ORACLES, _module("Hardtanh")),
    *with_arguments("hardtanh", ORACLES, -0.3, 0.2, module=_module("Hardtanh")),
    inplace("hardtanh", ORACLES, -0.5, 0.5),
    underscore("hardtanh", ORACLES, -0.5, 0.5),
    *several("relu6", ORACLES, _module("ReLU6"), inputs=wide),
    inplace("relu6", ORACLES),
    *several("hardsigmoid", ORACLES, _module("Hardsigmoid"), inputs=wide),
    inplace("hardsigmoid", ORACLES),
    *several("hardswish", ORACLES, _module("Hardswish"), inputs=wide, special=[*FINITE, INF]),
    inplace("hardswish", ORACLES),
    *several("hardshrink", ORACLES, _module("Hardshrink")),
    *with_arguments("hardshrink", ORACLES, 0.3, module=_module("Hardshrink")),
    *several("softshrink", ORACLES, _module("Softshrink")),
    *with_arguments("softshrink", ORACLES, 0.3, module=_module("Softshrink")),
    *with_arguments("threshold", ORACLES, 0.2, 7.0, module=_module("Threshold")),
    *(
        Case(
            f"{name}-integers",
            lambda F, x, name=name, args=args: getattr(F, name)(x, *args),
            lambda r: (r.integers(-9, 9, (3, 4)),),
            lambda x, name=name, args=args: ORACLES[name](x, *args).astype(int),
            grad=(),
        )
        for name, args in (("relu6", ()), ("hardtanh", (-2, 3)), ("threshold", (1, 7)))
    ),
    inplace("threshold", ORACLES, 0.2, 7.0),
    underscore("threshold", ORACLES, 0.2, 7.0),
]

X = nbnn.ones(2, 3)
PLAIN = ("hardtanh", "relu6", "hardsigmoid", "hardswish", "hardshrink", "softshrink")
ERRORS = [
    *(bad for name in PLAIN for bad in refusals(name)),
    *(integers(name) for name in PLAIN if name not in ("hardtanh", "relu6")),
    *(bad for name in ("threshold", "threshold_") for bad in refusals(name, 0.0, 1.0)),
    *refusals("hardtanh_"),
    Bad("relu6-bools", lambda F: F.relu6(X > 0), TypeError, r"^relu6: operands must be numbers; got nbnn.bool"),
    Bad(
        "hardtanh-unsigned",
        lambda F: F.hardtanh(X.to(nbnn.uint8)),
        ValueError,
        r"^hardtanh: `min_val` \(=-1.0\) must be within",
    ),
    Bad(
        "hardtanh-order",
        lambda F: F.hardtanh(X, 1.0, 0.0),
        ValueError,
        r"^hardtanh: `min_val` \(=1.0\) must be",
    ),
    Bad("hardtanh-string", lambda F: F.hardtanh(X, "a"), TypeError, r"^hardtanh: `min_val` \(='a'\) must be a number"),
    Bad("hardtanh-module", lambda F: nbnn.nn.Hardtanh(1, 1), ValueError, r"^Hardtanh: `min_val` \(=1\) must be below"),
    Bad(
        "softshrink-bound",
        lambda F: F.softshrink(X, -1),
        ValueError,
        r"^softshrink: `lambd` \(=-1\) must be at",
    ),
    Bad("softshrink-nan", lambda F: F.softshrink(X, np.nan), ValueError, r"^softshrink: `lambd` \(=nan\) must be"),
    Bad("hardshrink-string", lambda F: F.hardshrink(X, "1"), TypeError, r"^hardshrink: `lambd` \(='1'\) must be"),
    Bad("threshold-none", lambda F: F.threshold(X, None, 1), TypeError, r"^threshold: `threshold` \(=None\) must be"),
    Bad("threshold-value", lambda F: F.threshold(X, 1, "0"), TypeError, r"^threshold: `value` \(='0'\) must be"),
]
