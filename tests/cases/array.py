"""Cases of arithmetic, comparison, reductions, shapes and indexing."""

import math

import numpy as np

import nbnn
from tests.cases import arrays, away, normal, one, uniform
from tests.engine import Bad, Case

INF, NAN = math.inf, math.nan
SPECIAL = [NAN, INF, -INF, 0.0, -0.0, 1.5, -2.0]


# -- arithmetic ----------------------------------------------------------------------------------------------------

OPERATORS = {
    "add": lambda a, b: a + b,
    "sub": lambda a, b: a - b,
    "mul": lambda a, b: a * b,
    "div": lambda a, b: a / b,
}
PAIRS = {
    "same": ((3, 4), (3, 4)),
    "row": ((3, 4), (4,)),
    "column": ((3, 1), (1, 4)),
    "left": ((4,), (2, 3, 4)),
    "0d": ((), ()),
    "0d_left": ((), (3,)),
    "ones": ((1, 1), (2, 1, 3)),
    "6d": ((2, 1, 2, 1, 2, 1), (1, 3, 1, 2, 1, 2)),
    "7d": ((2, 1, 2, 1, 2, 1, 2), (1, 2, 1, 2, 1, 2, 2)),
}
EMPTY = (normal((0,), (0,)), normal((0, 3), (3,)), normal((1,), (0,)), normal((2, 0, 1), (1, 4)))


def binary(name, sign):
    def call(F, a, b):
        return getattr(F, name)(a, b)

    cases = [
        Case(f"{name}-{label}", call, away(*shapes), sign, grad=(0, 1),
             large=away((300, 200), (200,)) if label == "row" else None,
             empty=EMPTY if label == "same" else ())
        for label, shapes in PAIRS.items()
    ]  # fmt: skip
    cases.append(Case(f"{name}-large", call, away((40,), (40,)), sign, grad=(0, 1), large=away((70000,), (70000,))))
    cases.append(Case(f"{name}-special", call, arrays([[v] for v in SPECIAL], SPECIAL), sign, grad=()))
    for label, value in (("float", 2.5), ("int", 3), ("bool", True), ("numpy", np.float64(1.5)), ("negative", -1)):
        if (name, label) == ("sub", "bool"):  # refused
            continue
        cases += [
            Case(f"{name}-right_{label}", lambda F, a, v=value: getattr(F, name)(a, v), away((2, 3)),
                 lambda a, v=value: sign(a, v)),
            Case(f"{name}-operator_right_{label}", lambda F, a, v=value: sign(a, v), away((3,)),
                 lambda a, v=value: sign(a, v),
                 arrays=False),
            Case(f"{name}-operator_left_{label}", lambda F, a, v=value: sign(v, a), away((3,)),
                 lambda a, v=value: sign(v, a),
                 arrays=False, torch=label != "numpy"),
        ]  # fmt: skip
    cases += [
        Case(f"{name}-method", lambda F, a, b: getattr(a, name)(b), away((3,), (3,)), sign, grad=(0, 1), arrays=False),
        Case(f"{name}-same_tensor", lambda F, a: sign(a, a), away((3,)), lambda a: sign(a, a), arrays=False),
        Case(f"{name}-in_place", lambda F, a, b: getattr(a * 1.0, f"{name}_")(b), away((2, 3), (3,)), sign, grad=(0, 1),
             arrays=False),
    ]  # fmt: skip
    return cases


def integers(low, high, *shapes):
    return lambda r: tuple(r.integers(low, high, s) for s in shapes)


def mixed(name, sign, out=None):
    """Promotion: integers with floats, with bools and with numbers."""

    def call(F, a, b):
        return getattr(F, name)(a, b)

    def bools(r):
        return r.integers(0, 2, (2, 3)).astype(bool)

    makers = {
        "int_int": lambda r: (r.integers(1, 9, (2, 3)), r.integers(1, 9, (3,))),
        "int_bool": lambda r: (r.integers(1, 9, (2, 3)), r.integers(1, 2, (2, 3)).astype(bool)),
        "bool_int": lambda r: (bools(r), r.integers(1, 9, (2, 3))),
        "int_scalar": lambda r: (r.integers(1, 9, (2, 3)), 2),
        "int_0d": lambda r: (r.integers(1, 9, (2, 3)), np.array(3)),
    }
    cases = [
        Case(f"{name}-{label}", call, maker, sign, grad=(), out=out)
        for label, maker in makers.items()
        if name != "sub" or "bool" not in label
    ]
    cases += [
        Case(f"{name}-int_float_scalar", call, lambda r: (r.integers(1, 9, (2, 3)), 2.5), sign, grad=(), out="float32"),
        Case(f"{name}-float_int", call, lambda r: (r.uniform(1, 2, (2, 3)), r.integers(1, 9, (2, 3))), sign),
        Case(f"{name}-int_float_0d", call, lambda r: (r.integers(1, 9, (2, 3)), np.array(2.5)), sign, grad=()),
        Case(f"{name}-float_0d_int", call, lambda r: (np.array(2.5), r.integers(1, 9, (2, 3))), sign, grad=()),
    ]  # fmt: skip
    return cases


ARITHMETIC = [
    *(case for name, sign in OPERATORS.items() for case in binary(name, sign)),
    *mixed("add", lambda a, b: a + b),
    *mixed("sub", lambda a, b: a - (b * 1)),
    *mixed("mul", lambda a, b: a * b),
    *mixed("div", lambda a, b: a / b, out="float32"),
    Case("add-alpha", lambda F, a, b: F.add(a, b, alpha=2.5), away((2, 3), (3,)), lambda a, b: a + 2.5 * b,
         grad=(0, 1)),
    Case("sub-alpha", lambda F, a, b: F.sub(a, b, alpha=3), away((2, 3), (3,)), lambda a, b: a - 3 * b, grad=(0, 1)),
    Case("add-alpha_scalar", lambda F, a: F.add(a, 2, alpha=3), away((2, 3)), lambda a: a + 6),
    Case("sub-alpha_scalar", lambda F, a: F.sub(a, 2, alpha=3), away((2, 3)), lambda a: a - 6),
    Case("add-alpha_integers", lambda F, a, b: F.add(a, b, alpha=2), integers(0, 9, (3,), (3,)),
         lambda a, b: a + 2 * b, grad=()),
    Case("sub-left_number", lambda F, a: F.sub(2.0, a), away((3,)), lambda a: 2.0 - a, torch=lambda F, a: 2.0 - a),
    Case("div-left_number", lambda F, a: F.div(2.0, a), away((3,)), lambda a: 2.0 / a, torch=lambda F, a: 2.0 / a),
    Case("add-bools", lambda F, a, b: F.add(a, b), integers(0, 2, (9,), (9,)), lambda a, b: (a + b), grad=()),
    Case("add-big_integers", lambda F, a: F.add(a, 1), lambda r: (np.array([2**62, -(2**62), 2**53 + 1]),),
         lambda a: a + 1, grad=()),
    Case("mul-big_integers", lambda F, a: F.mul(a, 3), lambda r: (np.array([2**53 + 1, -(2**54) - 1]),),
         lambda a: a * 3, grad=()),
    Case("add-transposed", lambda F, a, b: F.add(a, F.transpose(b, 0, 1)), normal((3, 5), (5, 3)), lambda a, b: a + b.T,
         grad=(0, 1), large=normal((300, 200), (200, 300))),
    Case("mul-columns_of_a_transpose", lambda F, a, b: F.mul(F.transpose(a, 0, 1), b), normal((3, 5), (5, 1)),
         lambda a, b: a.T * b, grad=(0, 1)),
    Case("neg", lambda F, a: F.neg(a), normal((2, 3)), lambda a: -a, empty=(normal((0, 2)),)),
    Case("neg-operator", lambda F, a: -a, normal((3,)), lambda a: -a, arrays=False),
    Case("neg-integers", lambda F, a: F.neg(a), integers(-5, 5, (2, 3)), lambda a: -a, grad=()),
    Case("neg-special", lambda F, a: F.neg(a), arrays(SPECIAL), lambda a: -a, grad=()),
]  # fmt: skip


def bool_cases(name, sign):
    def make(r):
        return r.integers(0, 2, (3, 4)).astype(bool), r.integers(0, 2, (4,)).astype(bool)

    return [
        Case(f"{name}-bool_bool", lambda F, a, b: getattr(F, name)(a, b), make, sign, grad=()),
    ]


LOGIC = [
    *bool_cases("add", np.logical_or),
    *bool_cases("mul", np.logical_and),
    Case("mul-and", lambda F, a, b: (a > 0) & (b > 0), normal((9,), (9,)), lambda a, b: (a > 0) & (b > 0), grad=(),
         arrays=False),
    Case("add-or", lambda F, a, b: (a > 0) | (b > 0), normal((9,), (9,)), lambda a, b: (a > 0) | (b > 0), grad=(),
         arrays=False),
    Case("eq-invert", lambda F, a: ~(a > 0), normal((9,)), lambda a: ~(a > 0), grad=(), arrays=False),
]  # fmt: skip

SIGNS = {
    "eq": np.equal,
    "ne": np.not_equal,
    "lt": np.less,
    "le": np.less_equal,
    "gt": np.greater,
    "ge": np.greater_equal,
}


def comparisons(name, sign):
    def call(F, a, b):
        return getattr(F, name)(a, b)

    return [
        Case(name, call, lambda r: (r.integers(0, 3, (4, 5)) * 1.0, r.integers(0, 3, (5,)) * 1.0), sign, grad=(),
             empty=(normal((0,), (0,)),), large=normal((70000,), (70000,))),
        Case(f"{name}-special", call, arrays([[v] for v in SPECIAL], SPECIAL), sign, grad=()),
        Case(f"{name}-integers", call, integers(0, 3, (4, 5), (5,)), sign, grad=()),
        Case(f"{name}-scalar", call, lambda r: (r.integers(0, 3, (9,)), 1), sign, grad=()),
        Case(f"{name}-mixed", call, lambda r: (r.integers(0, 3, (9,)), r.integers(0, 3, (9,)) * 1.0), sign, grad=()),
        Case(f"{name}-bools", call, lambda r: (r.integers(0, 2, 9) > 0, r.integers(0, 2, 9) > 0), sign, grad=()),
    ]  # fmt: skip


# -- reductions ----------------------------------------------------------------------------------------------------


def total(x, dim=None, keepdim=False):
    """A sum in extended precision."""
    y = np.sum(x.astype(np.longdouble) if x.dtype.kind == "f" else x.astype(np.int64), axis=dim, keepdims=keepdim)
    return y.astype(np.float64) if x.dtype.kind == "f" else y


def average(x, dim=None, keepdim=False):
    count = x.size if dim is None else math.prod(x.shape[k] for k in np.atleast_1d(dim)) if x.ndim else 1
    return total(x, dim, keepdim) / np.float64(count)


DIMS = [
    ((5,), None, False), ((), None, False), ((5,), 0, True), ((3, 4), 1, False), ((3, 4), 0, True),
    ((2, 3, 4), -2, False),
    ((2, 3, 4), (0, 2), False), ((2, 3, 4), (1, 2), True), ((2, 3, 4, 2), (1, 3), False), ((2, 3, 4), None, True),
    ((2, 3, 4), (-1, 0), True), ((200,), None, False), ((1, 1), (0, 1), False),
]  # fmt: skip
NO_ELEMENTS = (one((0, 3), 0, False), one((3, 0), 0, False), one((0,), None, False), one((2, 0), (0, 1), True))


def reductions(name, oracle):
    def call(F, x, dim, keepdim):
        return getattr(F, name)(x, dim, keepdim)

    def as_torch(F, x, dim, keepdim):
        return getattr(F, name)(x, tuple(range(x.dim())) if dim is None else dim, keepdim)

    cases = [
        Case(f"{name}-{shape}_{dim}_{keepdim}".replace(" ", ""), call, one(shape, dim, keepdim), oracle, torch=as_torch)
        for shape, dim, keepdim in DIMS
    ]
    return [
        *cases,
        Case(f"{name}-all", lambda F, x: getattr(F, name)(x), normal((3, 4)), oracle, large=normal((300, 400))),
        Case(f"{name}-rows", call, one((7, 9), 1, False), oracle, large=one((300, 400), 1, False), empty=NO_ELEMENTS),
        Case(f"{name}-columns", call, one((9, 7), 0, False), oracle, large=one((400, 300), 0, False)),
        Case(f"{name}-middle", call, one((3, 5, 4), 1, False), oracle, large=one((10, 100, 90), 1, False)),
        Case(f"{name}-scattered", call, one((3, 5, 4), (0, 2), False), oracle, large=one((100, 10, 90), (0, 2), False)),
        Case(f"{name}-method", lambda F, x: getattr(x, name)(dim=1, keepdim=True), normal((2, 3)),
             lambda x: oracle(x, 1, True), arrays=False),
        Case(f"{name}-dtype", lambda F, x: getattr(F, name)(x, 0, dtype=F.float32), normal((5, 2)),
             lambda x: oracle(x, 0),
             grad=(), out="float32"),
        Case(f"{name}-special", call, arrays([[NAN, 1.0], [INF, 1.0], [INF, -INF], [-INF, 2.0]], 1, False), oracle,
             grad=()),
        Case(f"{name}-accuracy", lambda F, x: getattr(F, name)(x), uniform(0, 1, (100000,)), oracle, second=False),
    ]  # fmt: skip


def argmax(x, dim=None, keepdim=False):
    if dim is None:
        return np.array(np.argmax(x)).reshape((1,) * x.ndim if keepdim else ())
    return np.argmax(x, axis=dim, keepdims=keepdim) if x.ndim else np.array(0)


REDUCTIONS = [
    *reductions("sum", total),
    *reductions("mean", average),
    Case("sum-permuted", lambda F, x: F.sum(F.permute(x, (2, 0, 1)), (0, 2)), normal((3, 4, 5)),
         lambda x: total(x, (1, 2)), large=normal((30, 40, 50))),
    Case("sum-permuted_rest", lambda F, x: F.sum(F.permute(x, (2, 0, 3, 1)), 1), normal((3, 4, 5, 2)),
         lambda x: total(x.transpose(2, 0, 3, 1), 1)),
    Case("sum-integers", lambda F, x: F.sum(x, 1), integers(-9, 9, (3, 4)), lambda x: total(x, 1), grad=()),
    Case("sum-bools", lambda F, x: F.sum(x), lambda r: (r.integers(0, 2, (3, 4)) > 0,), total, grad=()),
    Case("sum-int_as_float", lambda F, x: F.sum(x, dtype=F.float32), integers(0, 9, (3, 4)), lambda x: total(x) * 1.0,
         grad=(),
         out="float32"),
    Case("mean-int_as_float", lambda F, x: F.mean(x, dtype=F.float32), integers(0, 9, (3, 4)), average, grad=(),
         out="float32"),
    *(Case(f"argmax-{shape}_{dim}_{keep}".replace(" ", ""), lambda F, x, dim, keep: F.argmax(x, dim, keep),
           lambda r, shape=shape, dim=dim, keep=keep: (r.integers(0, 4, shape) * 1.0, dim, keep), argmax, grad=())
      for shape, dim, keep in (((5,), None, False), ((3, 4), None, True), ((3, 4), 1, False), ((3, 4), 0, True),
                               ((2, 3, 4), -2, False), ((), None, False), ((3, 9), 1, True))),
    Case("argmax-nan", lambda F, x: F.argmax(x, 1),
         arrays([[1.0, NAN, 3.0, NAN], [-INF, -INF, -INF, -INF], [2.0, INF, INF, 1.0]]),
         lambda x: np.array([1, 0, 1]), grad=()),
    Case("argmax-integers", lambda F, x: F.argmax(x, 1), integers(0, 5, (3, 6)), lambda x: np.argmax(x, 1), grad=()),
    Case("argmax-large", lambda F, x: F.argmax(x, 1), normal((3, 6)), lambda x: np.argmax(x, 1), grad=(),
         large=normal((500, 300))),
    Case("argmax-empty", lambda F, x: F.argmax(x, 1), normal((3, 6)), lambda x: np.argmax(x, 1), grad=(),
         empty=(normal((0, 2)),)),
]  # fmt: skip

# -- shapes --------------------------------------------------------------------------------------------------------


def shaped(name, call, make, oracle, **more):
    return Case(name, call, make, oracle, fresh=False, **more)


RESHAPES = [
    ("flat", (2, 3, 4), (-1,)), ("merge", (2, 3, 4), (6, 4)), ("split", (6, 4), (2, 3, 4)), ("same", (2, 3), (2, 3)),
    ("to_0d", (1,), ()), ("ones", (2, 3), (1, 2, 1, 3, 1)), ("infer", (2, 3, 4), (2, -1, 2)),
]  # fmt: skip
SHAPES = [
    *(shaped(f"reshape-{label}", lambda F, x, to: F.reshape(x, to), one(shape, to), lambda x, to: x.reshape(to))
      for label, shape, to in RESHAPES),
    *(shaped(f"reshape-of_transpose_{label}", lambda F, x, to: F.reshape(F.transpose(x, 0, -1), to), one(shape, to),
             lambda x, to: np.swapaxes(x, 0, -1).reshape(to))
      for label, shape, to in RESHAPES),
    shaped("reshape-empty", lambda F, x: F.reshape(x, (x.shape[0], 6)), normal((2, 3, 2)), lambda x: x.reshape(-1, 6),
           empty=(normal((0, 3, 2)),)),
    shaped("reshape-ints", lambda F, x: x.reshape(3, 2), normal((2, 3)), lambda x: x.reshape(3, 2), arrays=False),
    shaped("reshape-view", lambda F, x: x.view(3, 2), normal((2, 3)), lambda x: x.reshape(3, 2), arrays=False,
           rows_only=True),
    shaped("reshape-integers", lambda F, x: F.reshape(x, (3, 2)), integers(0, 9, (2, 3)), lambda x: x.reshape(3, 2),
           grad=()),
    *(shaped(f"transpose-{a}_{b}", lambda F, x, a, b: F.transpose(x, a, b), one((2, 3, 4), a, b),
             lambda x, a, b: np.swapaxes(x, a, b), empty=(one((2, 0, 4), a, b),))
      for a, b in ((0, 1), (0, 2), (-1, 1), (1, 1))),
    shaped("transpose-0d", lambda F, x: F.transpose(x, 0, -1), normal(()), lambda x: x),
    *(shaped(f"permute-{order}".replace(" ", ""), lambda F, x, order: F.permute(x, order), one((2, 3, 4), order),
             lambda x, order: np.transpose(x, order)) for order in ((2, 0, 1), (0, 1, 2), (-1, 0, 1))),
    shaped("t", lambda F, x: F.t(x), normal((2, 3)), np.transpose),
    shaped("t-1d", lambda F, x: F.t(x), normal((3,)), lambda x: x),
    shaped("t-property", lambda F, x: x.T, normal((2, 3)), np.transpose, arrays=False),
    *(shaped(f"flatten-{shape}_{a}_{b}".replace(" ", ""), lambda F, x, a, b: F.flatten(x, a, b), one(shape, a, b),
             lambda x, a, b: x.reshape((*x.shape[:a], -1, *x.shape[b % x.ndim + 1 :]) if x.ndim else (1,)),
             module=lambda nn, x, a, b: (nn.Flatten(a, b), (x,)))
      for shape, a, b in (((2, 3, 4), 0, -1), ((2, 3, 4), 1, -1), ((2, 3, 4, 2), 1, 2), ((5,), 0, -1), ((), 0, -1),
                          ((2, 3), 1, 1))),
    shaped("flatten-empty", lambda F, x: F.flatten(x, 1), normal((2, 3, 2)),
           lambda x: x.reshape(len(x), -1) if len(x) else
           np.zeros((0, 6)), empty=(normal((0, 3, 2)),)),
    shaped("flatten-of_transpose", lambda F, x: F.flatten(F.transpose(x, 0, 2), 1), normal((2, 3, 4)),
           lambda x: np.swapaxes(x, 0, 2).reshape(4, 6)),
    shaped("squeeze", lambda F, x: F.squeeze(x), normal((1, 3, 1, 2)), np.squeeze),
    shaped("squeeze-dim", lambda F, x: F.squeeze(x, 0), normal((1, 3, 1)), lambda x: x[0]),
    shaped("squeeze-not_1", lambda F, x: F.squeeze(x, 1), normal((1, 3, 1)), lambda x: x),
    shaped("unsqueeze-0", lambda F, x: F.unsqueeze(x, 0), normal((2, 3)), lambda x: x[None]),
    shaped("unsqueeze-last", lambda F, x: F.unsqueeze(x, -1), normal((2, 3)), lambda x: x[..., None]),
    shaped("unsqueeze-0d", lambda F, x: F.unsqueeze(x, 0), normal(()), lambda x: x[None]),
    shaped("expand", lambda F, x: x.expand(4, 2, 3), normal((2, 1)), lambda x: np.broadcast_to(x, (4, 2, 3)),
           arrays=False),
    shaped("expand-keep", lambda F, x: x.expand(-1, 3), normal((2, 1)), lambda x: np.broadcast_to(x, (2, 3)),
           arrays=False),
    shaped("expand-none", lambda F, x: x.expand(0, 3), normal((1, 3)), lambda x: x[:0], arrays=False),
    shaped("narrow", lambda F, x: F.narrow(x, 1, 1, 2), normal((2, 4)), lambda x: x[:, 1:3]),
    shaped("narrow-negative", lambda F, x: F.narrow(x, 0, -2, 1), normal((4, 2)), lambda x: x[-2:-1]),
    Case("clone", lambda F, x: F.clone(x), normal((2, 3)), lambda x: x, empty=(normal((0, 2)),)),
    Case("clone-transposed", lambda F, x: F.clone(x.T), normal((2, 3)), lambda x: x.T, arrays=False),
    Case("clone-contiguous", lambda F, x: x.T.contiguous(), normal((2, 3)), lambda x: x.T, arrays=False),
]  # fmt: skip

# -- slices, rows, cat ---------------------------------------------------------------------------------------------

KEYS = {
    "int": 1, "negative": -1, "slice": slice(1, 3), "step": slice(None, None, 2), "tail": slice(-2, None),
    "tuple": (1, 2),
    "column": (slice(None), 1), "ellipsis": (..., 0), "new_axis": (None, 1, None),
    "mixed": (slice(0, 3, 2), None, 1, slice(1, None)),
    "all": (), "empty": slice(2, 2), "past_end": slice(1, 99), "from_both_ends": (0, ..., slice(1, 2)),
}  # fmt: skip
ROWS = {
    "list": [2, 0, 2],
    "negative": [-1, 0],
    "mask": [True, False, True, False],
    "none": [],
    "then_slice": ([1, 1], slice(0, 2)),
}


def picked(x, key):
    return x[tuple(np.array(k, bool if k and k[0] is True else int) if isinstance(k, list) else k
                   for k in (key if isinstance(key, tuple) else (key,)))]  # fmt: skip


INDEXING = [
    *(Case(f"getitem-{label}", lambda F, x, key=key: x[key], normal((4, 3, 2)), lambda x, key=key: x[key],
           arrays=False, fresh=False)
      for label, key in KEYS.items()),
    *(Case(f"getitem-rows_{label}", lambda F, x, key=key: x[key], normal((4, 3, 2)), lambda x, key=key: picked(x, key),
           arrays=False) for label, key in ROWS.items()),
    Case("getitem-rows_tensor", lambda F, x, i: x[i], lambda r: (r.normal(size=(4, 3)), np.array([3, 0, 3])),
         lambda x, i: x[i], arrays=False),
    Case("getitem-rows_array", lambda F, x: x[np.array([3, 0, 3])], normal((4, 3)), lambda x: x[[3, 0, 3]],
         arrays=False),
    Case("getitem-rows_large", lambda F, x, i: x[i], lambda r: (r.normal(size=(9, 4)), r.integers(0, 9, 5)),
         lambda x, i: x[i],
         arrays=False, large=lambda r: (r.normal(size=(400, 64)), r.integers(0, 400, 900))),
    Case("getitem-mask_tensor", lambda F, x: x[x > 0], arrays([1.0, -1.0, 2.0, -3.0]), lambda x: x[x > 0],
         arrays=False),
    Case("getitem-0d_tensor", lambda F, x, i: x[i], lambda r: (r.normal(size=(4, 3)), np.array(2)), lambda x, i: x[2],
         arrays=False,
         fresh=False),
    Case("setitem-slice", lambda F, x, v: _set(x * 1.0, (slice(1, 3), 0), v), normal((4, 3), (2,)),
         lambda x, v: _set(x.copy(), (slice(1, 3), 0), v), grad=(0, 1), arrays=False),
    Case("setitem-number", lambda F, x: _set(x * 1.0, (..., 1), 5.0), normal((4, 3)),
         lambda x: _set(x.copy(), (..., 1), 5.0),
         arrays=False),
    Case("setitem-broadcast", lambda F, x, v: _set(x * 1.0, slice(0, 3, 2), v), normal((4, 3), (3,)),
         lambda x, v: _set(x.copy(), slice(0, 3, 2), v), grad=(0, 1), arrays=False),
    Case("copy_", lambda F, x, v: (x * 1.0).copy_(v), normal((4, 3), (3,)), lambda x, v: np.broadcast_to(v, x.shape),
         grad=(0, 1),
         arrays=False),
]  # fmt: skip


def _set(x, key, value):
    x[key] = value
    return x


def cat_call(dim):
    return lambda F, *xs: F.cat(xs, dim)


JOINS = [
    Case("cat-rows", cat_call(0), normal((2, 3), (1, 3), (4, 3)), lambda *xs: np.concatenate(xs), grad=(0, 1, 2)),
    Case("cat-columns", cat_call(1), normal((2, 3), (2, 1)), lambda *xs: np.concatenate(xs, 1), grad=(0, 1),
         empty=(normal((0, 3), (0, 2)), normal((2, 0), (2, 3)))),
    Case("cat-last", cat_call(-1), normal((2, 3, 2), (2, 3, 1)), lambda *xs: np.concatenate(xs, -1), grad=(0, 1)),
    Case("cat-one", cat_call(0), normal((2, 3)), lambda x: x),
    Case("cat-twice_the_same", lambda F, x: F.cat([x, x], 0), normal((2, 3)), lambda x: np.concatenate([x, x])),
    Case("cat-large", cat_call(1), normal((2, 3), (2, 2)), lambda *xs: np.concatenate(xs, 1), grad=(0, 1),
         large=normal((300, 200), (300, 100))),
    Case("cat-mixed_types", cat_call(0), lambda r: (r.normal(size=3), r.integers(0, 9, 2)),
         lambda *xs: np.concatenate(xs)),
    Case("stack", lambda F, a, b: F.stack([a, b], 1), normal((2, 3), (2, 3)), lambda a, b: np.stack([a, b], 1),
         grad=(0, 1)),
    Case("stack-0d", lambda F, a, b: F.stack([a, b]), normal((), ()), lambda a, b: np.stack([a, b]), grad=(0, 1)),
]  # fmt: skip

CASTS = [
    Case("to-float32", lambda F, x: x.to(F.float32), normal((2, 3)), lambda x: x, arrays=False, second=False,
         out="float32",
         grad=(), fresh=False),
    Case("to-float64", lambda F, x: x.double(), normal((2, 3)), lambda x: x, arrays=False, out="float64",
         tolerance=1e5, grad=(),
         fresh=False),
    Case("to-int64", lambda F, x: x.long(), uniform(-9, 9, (9,)), lambda x: x.astype(np.int64), grad=(), arrays=False),
    Case("to-bool", lambda F, x: x.bool(), arrays([0.0, -0.0, NAN, 0.3, INF]), lambda x: x != 0, grad=(), arrays=False),
    Case("to-from_int", lambda F, x: x.to(F.float32), integers(-9, 9, (9,)), lambda x: x * 1.0, grad=(), arrays=False,
         out="float32"),
    Case("to-round_trip", lambda F, x: x.half().float(), arrays([1.0, 0.5, -2.25]), lambda x: x, grad=(),
         arrays=False, out="float32"),
]  # fmt: skip

CASES = [
    *ARITHMETIC,
    *LOGIC,
    *(case for name, sign in SIGNS.items() for case in comparisons(name, sign)),
    *REDUCTIONS,
    *SHAPES,
    *INDEXING,
    *JOINS,
    *CASTS,
]

_X = nbnn.ones(2, 3)
_I = nbnn.ones(2, 3, dtype=nbnn.int64)


def _binary_refusals(name):
    def call(a, b):
        return lambda F: getattr(F, name)(a, b)

    return [
        Bad(f"{name}-shapes", call(_X, nbnn.ones(2)), ValueError, rf"^{name}: the shapes.*\(2, 3\) and \(2,\)"),
        Bad(f"{name}-shapes_empty", call(_X, nbnn.ones(0)), ValueError, rf"^{name}: the shapes.*\(2, 3\) and \(0,\)"),
        Bad(f"{name}-string", call(_X, "1"), TypeError, rf"^{name}: .*got str"),
        Bad(f"{name}-none", call(_X, None), TypeError, rf"^{name}: .*got NoneType"),
        Bad(f"{name}-list", call(_X, [1.0]), TypeError, rf"^{name}: .*got list"),
        Bad(f"{name}-left", call("1", _X), TypeError, rf"^{name}: .*got str"),
        Bad(f"{name}-no_tensor", call(None, None), TypeError, rf"^{name}: .*got NoneType"),
    ]


def _dim_refusals(name):
    def call(x, dim):
        return lambda F: getattr(F, name)(x, dim)

    return [
        Bad(f"{name}-dim", call(_X, 2), IndexError, rf"^{name}: `dim` \(=2\)"),
        Bad(f"{name}-dim_negative", call(_X, -3), IndexError, rf"^{name}: `dim` \(=-3\)"),
        Bad(f"{name}-dim_string", call(_X, "a"), TypeError, rf"^{name}: `dim` \(='a'\) must be an int"),
        Bad(f"{name}-dim_float", call(_X, 1.0), TypeError, rf"^{name}: `dim` \(=1.0\) must be an int"),
        Bad(f"{name}-dim_bool", call(_X, True), TypeError, rf"^{name}: `dim` \(=True\) must be an int"),
        Bad(f"{name}-dim_huge", call(_X, 2**55), IndexError, rf"^{name}: `dim` \(=36028797018963968\)"),
        Bad(
            f"{name}-list",
            lambda F: getattr(F, name)([1.0]),
            TypeError,
            rf"^{name}: `input` must be a Tensor; got list",
        ),
        Bad(
            f"{name}-none",
            lambda F: getattr(F, name)(None),
            TypeError,
            rf"^{name}: `input` must be a Tensor; got NoneType",
        ),
    ]


ERRORS = [
    *(bad for name in (*OPERATORS, *SIGNS) for bad in _binary_refusals(name)),
    *(bad for name in ("sum", "mean", "argmax") for bad in _dim_refusals(name)),
    Bad("sum-dim_twice", lambda F: F.sum(_X, (0, 0)), ValueError, r"^sum: `dim` \(=\(0, 0\)\)"),
    Bad("sum-dim_twice_negative", lambda F: F.sum(_X, (1, -1)), ValueError, r"^sum: `dim` \(=\(1, -1\)\)"),
    Bad("sum-dtype", lambda F: F.sum(_X, dtype="x"), TypeError, r"^sum: `dtype` \(='x'\)"),
    Bad("mean-integers", lambda F: F.mean(_I), TypeError,
        r"^mean: `input` must have a floating-point dtype, or a complex one; got nbnn.int64"),
    Bad("argmax-empty", lambda F: F.argmax(F.ones(2, 0), 1), ValueError,
        r"^argmax: `input` must not be empty.*\(2, 0\)"),
    Bad("argmax-empty_all", lambda F: F.argmax(F.ones(0)), ValueError, r"^argmax: `input` must not be empty.*\(0,\)"),
    Bad("sub-bools", lambda F: F.sub(_X > 0, _X > 0), TypeError, r"^sub: bool"),
    Bad("neg-none", lambda F: F.neg(None), TypeError, r"^neg: `input` must be a Tensor"),
    Bad("reshape-count", lambda F: F.reshape(_X, (4,)), ValueError,
        r"^reshape: `shape` \(=\(4,\)\) has 4 elements; the input has 6"),
    Bad("reshape-infer", lambda F: F.reshape(_X, (4, -1)), ValueError,
        r"^reshape: `shape` \(=\(4, -1\)\) does not divide"),
    Bad("reshape-two_unknown", lambda F: F.reshape(_X, (-1, -1)), ValueError, r"^reshape: `shape` \(=\(-1, -1\)\)"),
    Bad("reshape-negative", lambda F: F.reshape(_X, (-2, -3)), ValueError, r"^reshape: `shape` \(=\(-2, -3\)\)"),
    Bad("reshape-infer_empty", lambda F: F.reshape(F.ones(0), (0, -1)), ValueError,
        r"^reshape: `shape` \(=\(0, -1\)\)"),
    Bad("reshape-float", lambda F: F.reshape(_X, (6.0,)), TypeError, r"^reshape: `shape` \(=6.0\) must be an int"),
    Bad("reshape-huge", lambda F: F.reshape(_X, (2**40, 2**40)), ValueError, r"^reshape: `shape`"),
    Bad("reshape-view", lambda F: _X.T.view(6), RuntimeError, r"^view: shape \(3, 2\) with strides"),
    Bad("transpose-dim0", lambda F: F.transpose(_X, 2, 0), IndexError, r"^transpose: `dim0` \(=2\)"),
    Bad("transpose-dim1", lambda F: F.transpose(_X, 0, -3), IndexError, r"^transpose: `dim1` \(=-3\)"),
    Bad("permute-twice", lambda F: F.permute(_X, (0, 0)), ValueError, r"^permute: `dims` \(=\(0, 0\)\) must name each"),
    Bad("permute-few", lambda F: F.permute(_X, (0,)), ValueError,
        r"^permute: `dims` \(=\(0,\)\) must name each of the 2"),
    Bad("permute-dim", lambda F: F.permute(_X, (0, 2)), IndexError, r"^permute: `dims` \(=2\)"),
    Bad("t-3d", lambda F: F.t(F.ones(1, 1, 1)), ValueError,
        r"^t: `input` must have at most 2 axes; got shape \(1, 1, 1\)"),
    Bad("flatten-order", lambda F: F.flatten(_X, 1, 0), ValueError,
        r"^flatten: `start_dim` \(=1\) must not come after"),
    Bad("flatten-start", lambda F: F.flatten(_X, 2), IndexError, r"^flatten: `start_dim` \(=2\)"),
    Bad("flatten-end", lambda F: F.flatten(_X, 0, 2), IndexError, r"^flatten: `end_dim` \(=2\)"),
    Bad("squeeze-dim", lambda F: F.squeeze(_X, 2), IndexError, r"^squeeze: `dim` \(=2\)"),
    Bad("unsqueeze-dim", lambda F: F.unsqueeze(_X, 3), IndexError, r"^unsqueeze: `dim` \(=3\)"),
    Bad("expand-size", lambda F: _X.expand(4, 3), ValueError,
        r"^expand: `size` \(=\(4, 3\)\) cannot be reached from shape \(2, 3\)"),
    Bad("expand-few", lambda F: _X.expand(3), ValueError, r"^expand: `size` \(=\(3,\)\)"),
    Bad("expand-negative", lambda F: _X.expand(-2, 3), ValueError, r"^expand: `size` \(=-2\) must be at least -1"),
    Bad("expand-new_unknown", lambda F: _X.expand(-1, 2, 3), ValueError, r"^expand: `size` \(=\(-1, 2, 3\)\)"),
    Bad("narrow-past", lambda F: F.narrow(_X, 1, 2, 2), ValueError,
        r"^narrow: `start` \(=2\) and `length` \(=2\) must stay within size 3"),
    Bad("narrow-negative", lambda F: F.narrow(_X, 1, 0, -1), ValueError, r"^narrow: .*`length` \(=-1\)"),
    Bad("narrow-start", lambda F: F.narrow(_X, 1, -4, 1), ValueError, r"^narrow: `start`"),
    Bad("narrow-float", lambda F: F.narrow(_X, 1, 0.5, 1), TypeError, r"^narrow: `start` \(=0.5\) must be an int"),
    Bad("narrow-length_string", lambda F: F.narrow(_X, 1, 0, "1"), TypeError,
        r"^narrow: `length` \(='1'\) must be an int"),
    Bad("getitem-range", lambda F: _X[2], IndexError, r"^index: 2 is out of range for axis 0 of size 2"),
    Bad("getitem-range_negative", lambda F: _X[0, -4], IndexError, r"^index: -4 is out of range for axis 1 of size 3"),
    Bad("getitem-huge", lambda F: _X[2**70], IndexError, r"^index: .* is out of range"),
    Bad("getitem-many", lambda F: _X[0, 0, 0], IndexError, r"^index: 3 indices for a Tensor of shape \(2, 3\)"),
    Bad("getitem-0d", lambda F: F.ones(())[0], IndexError, r"^index: 1 indices for a Tensor of shape \(\)"),
    Bad("getitem-ellipses", lambda F: _X[..., ...], IndexError, r"^index: "),
    Bad("getitem-float", lambda F: _X[1.0], TypeError, r"^index: an index must be an int.*got 1.0"),
    Bad("getitem-string", lambda F: _X["a"], TypeError, r"^index: an index must be an int.*got 'a'"),
    Bad("getitem-step", lambda F: _X[::-1], ValueError, r"^index: a slice's step \(=-1\) must be positive"),
    Bad("getitem-rows", lambda F: _X[[0, 2]], IndexError,
        r"^index: position 1 is 2, out of range for axis 0 of size 2"),
    Bad("getitem-rows_min", lambda F: _X[F.tensor([-(2**63)])], IndexError,
        r"^index: position 0 is -9223372036854775808"),
    Bad("getitem-rows_float", lambda F: _X[F.tensor([0.0])], TypeError,
        r"^index: rows are picked by .* integers or bools"),
    Bad("getitem-mask", lambda F: _X[F.tensor([True])], IndexError,
        r"^index: a mask must have the shape \(2,\).*got \(1,\)"),
    Bad("getitem-rows_of_0d", lambda F: F.ones(())[[0]], IndexError, r"^index: "),
    Bad("setitem-shape", lambda F: _set(F.ones(2, 3), 0, F.ones(2)), ValueError, r"^copy_: "),
    Bad("setitem-leaf", lambda F: _set(F.ones(2, requires_grad=True), 0, 1.0), RuntimeError,
        r"^copy_: a view of a leaf"),
    Bad("copy_-shape", lambda F: F.ones(2).copy_(F.ones(3)), ValueError, r"^copy_: "),
    Bad("add-in_place_shape", lambda F: F.ones(3).add_(F.ones(2, 3)), ValueError,
        r"^add_: the result has shape \(2, 3\)"),
    Bad("add-in_place_type", lambda F: F.ones(3, dtype=F.int64).add_(0.5), RuntimeError,
        r"^add_: .*cannot be kept in place"),
    Bad("add-in_place_expanded", lambda F: F.ones(1).expand(3).add_(1.0), RuntimeError, r"^add_: .* more than once"),
    Bad("cat-none", lambda F: F.cat([]), ValueError, r"^cat: `tensors` must hold at least one Tensor"),
    Bad("cat-shapes", lambda F: F.cat([_X, F.ones(2, 2)]), ValueError,
        r"^cat: `tensors`\[1\] must have .*\(2, 3\).*got \(2, 2\)"),
    Bad("cat-ranks", lambda F: F.cat([_X, F.ones(3)]), ValueError,
        r"^cat: `tensors`\[1\] must have .*\(2, 3\).*got \(3,\)"),
    Bad("cat-0d", lambda F: F.cat([F.ones(()), F.ones(())]), ValueError,
        r"^cat: `tensors` must have at least one axis"),
    Bad("cat-dim", lambda F: F.cat([_X], 2), IndexError, r"^cat: `dim` \(=2\)"),
    Bad("cat-lists", lambda F: F.cat([[1.0]]), TypeError, r"^cat: `tensors\[0\]` must be a Tensor; got list"),
    Bad("cat-no_sequence", lambda F: F.cat(None), TypeError, r"^cat: `tensors`"),
    Bad("stack-shapes", lambda F: F.stack([_X, F.ones(2)]), ValueError, r"^stack: `tensors` must have one shape"),
    Bad("stack-lists", lambda F: F.stack([[1.0]]), TypeError, r"^stack: `tensors\[0\]` must be a Tensor; got list"),
    Bad("stack-none", lambda F: F.stack([]), ValueError, r"^stack: `tensors` must hold at least one Tensor"),
    Bad("to-dtype", lambda F: _X.to("float8"), (ValueError), r"float8"),
    Bad("to-type", lambda F: _X.to(3.5), TypeError, r"device: `type` \(=3.5\)"),
    Bad("clone-none", lambda F: F.clone(None), TypeError, r"^clone: `input` must be a Tensor"),
]  # fmt: skip
