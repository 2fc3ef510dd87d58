"""Cases of max, min, amax, amin, aminmax, argmax and argmin."""

import math
from dataclasses import replace

import numpy as np

import nbnn
from tests.cases import arrays, normal, spread
from tests.cases.reductions import dim_refusals, integers
from tests.engine import Bad, Case

INF, NAN = math.inf, math.nan
TIES = [[1.0, 3.0, 3.0, -2.0], [5.0, 5.0, 5.0, 5.0], [-0.0, 0.0, -1.0, 0.0]]
SPECIAL = [[1.0, NAN, 3.0, NAN], [-INF, -INF, -INF, -INF], [INF, 2.0, INF, NAN], [-INF, INF, 0.0, -1.0]]


def place(x, dim, least):
    """argmax or argmin, one number after another."""
    lines = np.moveaxis(x, dim, -1) if x.ndim else x.reshape(1)
    out = np.zeros(lines.shape[:-1], np.int64)
    for at in np.ndindex(out.shape):
        best = 0
        for j, v in enumerate(lines[at]):
            kept = lines[at][best]
            if not np.isnan(kept) and (np.isnan(v) or (v < kept if least else v > kept)):
                best = j
        out[at] = best
    return out


def found(x, dim, least):
    where = place(x, dim, least)
    values = np.take_along_axis(x, np.expand_dims(where, dim), dim).squeeze(dim) if x.ndim else x
    return values, where


DIMS = [((5,), 0), ((3, 4), 0), ((3, 4), -1), ((2, 3, 4), 1), ((2, 3, 2, 2), -3), ((), 0), ((), -1), ((3, 1), 1)]


def places(name, least):
    """The cases of argmax, or of argmin."""

    def arg(F, x, dim):
        return getattr(F, f"arg{name}")(x, dim)

    def with_dim(maker, dim):
        return lambda r: (*maker(r), dim)

    return [
        Case(f"arg{name}-all", lambda F, x: getattr(F, f"arg{name}")(x), spread((3, 400)),
             lambda x: place(x.reshape(-1), 0, least), grad=(), large=spread((90, 1000))),
        Case(f"arg{name}-keepdim", lambda F, x: getattr(F, f"arg{name}")(x, 0, True), spread((3, 4)),
             lambda x: place(x, 0, least)[None], grad=()),
        Case(f"arg{name}-ties", arg, arrays(TIES, 1), lambda x, d: place(x, d, least), grad=()),
        Case(f"arg{name}-special", arg, arrays(SPECIAL, -1), lambda x, d: place(x, d, least), grad=()),
        Case(f"arg{name}-integers", arg, with_dim(integers((3, 70)), 0), lambda x, d: place(x, d, least), grad=()),
    ]  # fmt: skip


def family(name, least):
    """The cases of max and its kin, or of min and its kin."""
    whole = np.min if least else np.max

    def call(F, x, dim):
        return getattr(F, name)(x, dim)

    def a(F, x, dim):
        return getattr(F, f"a{name}")(x, dim)

    def arg(F, x, dim):
        return getattr(F, f"arg{name}")(x, dim)

    def both(x, dim):
        return found(x, dim, least)

    def with_dim(maker, dim):
        return lambda r: (*maker(r), dim)

    cases = []
    for shape, dim in DIMS:
        label = f"{shape}_{dim}".replace(" ", "")
        cases += [
            Case(f"{name}-{label}", call, with_dim(spread(shape), dim), both),
            Case(f"arg{name}-{label}", arg, with_dim(spread(shape), dim), lambda x, d: place(x, d, least), grad=()),
            Case(f"a{name}-{label}", a, with_dim(spread(shape), dim), lambda x, d: whole(x, d) if x.ndim else x),
        ]
    cases += [
        Case(f"{name}-rows", call, with_dim(spread((2, 200)), 1), both, large=with_dim(spread((20, 9000)), 1),
             empty=(with_dim(normal((0, 3)), 1), with_dim(normal((3, 0)), 0), with_dim(normal((2, 0, 1)), 0))),
        Case(f"{name}-columns", call, with_dim(spread((9, 70)), 0), both, large=with_dim(spread((9000, 20)), 0)),
        Case(f"{name}-ties", call, arrays(TIES, 1), both, grad=()),
        Case(f"{name}-ties_columns", call, arrays(TIES, 0), both, grad=()),
        Case(f"{name}-special", call, arrays(SPECIAL, 1), both, grad=()),
        Case(f"{name}-special_columns", call, arrays(SPECIAL, 0), both, grad=()),
        Case(f"{name}-special_long", call, lambda r: (np.array([[1.0] * 90 + [NAN] + [2.0] * 80 + [NAN]]), 1), both,
             grad=()),
        Case(f"{name}-keepdim", lambda F, x: getattr(F, name)(x, 1, True), spread((2, 3)),
             lambda x: tuple(v[:, None] for v in found(x, 1, least))),
        Case(f"{name}-all", lambda F, x: getattr(F, name)(x), spread((3, 4)), whole, large=spread((300, 400))),
        Case(f"{name}-all_0d", lambda F, x: getattr(F, name)(x), normal(()), whole),
        Case(f"{name}-all_special", lambda F, x: getattr(F, name)(x), arrays([1.0, NAN, INF]), lambda x: np.array(NAN),
             grad=()),
        Case(f"{name}-integers", call, with_dim(integers((3, 7)), 1), both, grad=()),
        Case(f"{name}-integer_limits", call, arrays([[-(2**63), 2**63 - 1, 0, -1] * 20], 1), both, grad=()),
        Case(f"{name}-bools", call, lambda r: (r.integers(0, 2, (3, 4)).astype(bool), 0), both, grad=()),
        Case(f"{name}-method", lambda F, x: getattr(x, name)(-1).values, spread((2, 3)), lambda x: whole(x, -1),
             arrays=False),
        Case(f"a{name}-several", lambda F, x: getattr(F, f"a{name}")(x, (0, -1), True), spread((3, 2, 4)),
             lambda x: whole(x, (0, 2), keepdims=True)),
        Case(f"a{name}-neighbours", lambda F, x: getattr(F, f"a{name}")(x, (1, 0)), spread((3, 2, 4)),
             lambda x: whole(x, (0, 1))),
        Case(f"a{name}-no_axes", lambda F, x: getattr(F, f"a{name}")(x, ()), spread((3, 4)), whole),
        Case(f"a{name}-special", a, arrays(SPECIAL, 1), lambda x, d: whole(x, d), grad=()),
        Case(f"a{name}-strips", a, with_dim(spread((3, 300)), 0), lambda x, d: whole(x, d),
             empty=(with_dim(normal((3, 0)), 0),)),
    ]  # fmt: skip
    return cases + places(name, least)


CASES = [
    *family("max", False),
    *(replace(c, cuda="special" in c.name or "rows" in c.name) for c in family("min", True)),  # one kernel with max
    Case("aminmax-all", lambda F, x: F.aminmax(x), spread((3, 4)), lambda x: (x.min(), x.max())),
    Case("aminmax-dim", lambda F, x: F.aminmax(x, dim=-2, keepdim=True), spread((3, 4)),
         lambda x: (x.min(0, keepdims=True), x.max(0, keepdims=True)), empty=(normal((3, 0)),)),
    Case("aminmax-integers", lambda F, x: F.aminmax(x, dim=1), integers((3, 4)), lambda x: (x.min(1), x.max(1)),
         grad=()),
]  # fmt: skip

_NAMES = ("max", "min", "amax", "amin", "argmax", "argmin")
ERRORS = [
    *(bad for name in _NAMES for bad in dim_refusals(name)),
    *(Bad(f"{name}-empty", lambda F, name=name: getattr(F, name)(F.ones(2, 0), 1), ValueError,
          rf"^{name}: `input` must not be empty along the axis; got shape \(2, 0\)") for name in _NAMES),
    *(Bad(f"{name}-empty_all", lambda F, name=name: getattr(F, name)(F.ones(0)), ValueError,
          rf"^{name}: `input` must not be empty") for name in _NAMES),
    Bad("amax-twice", lambda F: F.amax(nbnn.ones(2, 3), (1, -1)), ValueError, r"^amax: `dim` \(=\(1, -1\)\)"),
    Bad("max-dims", lambda F: F.max(nbnn.ones(2, 3), (0, 1)), TypeError, r"^max: `dim` \(=\(0, 1\)\) must be an int"),
    Bad("aminmax-empty", lambda F: F.aminmax(F.ones(0, 2), dim=0), ValueError, r"^aminmax: `input` must not be empty"),
    Bad("aminmax-dim", lambda F: F.aminmax(F.ones(2), dim=1), IndexError, r"^aminmax: `dim` \(=1\)"),
]  # fmt: skip
