"""What the tables of the functions of one element share: their cases and refusals."""

import math

import numpy as np

import nbnn
from tests.cases import arrays, normal, spread
from tests.engine import Bad, Case

INF, NAN = math.inf, math.nan
FINITE = [NAN, 0.0, -0.0, 1e-30, -1e-30, 1e30, -1e30, 88.0, -88.0]
SPECIAL = [*FINITE, INF, -INF]
EMPTY = (normal((0,)), normal((3, 0, 2)))


def several(name, oracles, module=None, args=(), special=SPECIAL, inputs=spread, label="plain", large=normal):
    """The cases of a function of one element, called with `args` after the input."""
    oracle = oracles[name]

    def call(F, x):
        return getattr(F, name)(x, *args)

    def to_module(nn, x):
        return module(nn, x, *args)

    def expected(x):
        return np.asarray(oracle(x, *args), x.dtype)

    return [
        Case(f"{name}-{label}", call, inputs((3, 6)), expected, module=module and to_module, large=large((70000,)),
             empty=EMPTY),
        Case(f"{name}-{label}_special", call, arrays(special), expected, grad=()),
    ]  # fmt: skip


def with_arguments(name, oracles, *args, module=None):
    """One case of a function of one element with arguments."""
    return several(name, oracles, module, args, label="_".join(map(str, args)), special=FINITE)


def inplace(name, oracles, *args):
    """The case of ``inplace=True``, with a gradient through what was overwritten."""
    return Case(f"{name}-inplace", lambda F, x: getattr(F, name)(x * 1.0, *args, inplace=True), spread((3, 4)),
                lambda x: oracles[name](x, *args))  # fmt: skip


def underscore(name, oracles, *args):
    """The case of the in-place form of a function."""
    return Case(f"{name}_", lambda F, x: getattr(F, f"{name}_")(x * 1.0, *args), spread((3, 4)),
                lambda x: oracles[name](x, *args))  # fmt: skip


def refusals(name, *args):
    """What every function of one element refuses."""
    base = name.rstrip("_")
    return [
        Bad(f"{name}-{label}", lambda F, v=v: getattr(F, name)(v, *args), TypeError, rf"^{base}: .*(got|must) .*")
        for label, v in (("none", None), ("list", [1.0]), ("string", "x"), ("number", 1.0))
    ]


def integers(name, *args):
    """The refusal of integers."""
    x = nbnn.ones(2, dtype=nbnn.int64)
    return Bad(
        f"{name}-integers", lambda F: getattr(F, name)(x, *args), TypeError, rf"^{name}: `input`.*floating.*int64"
    )
