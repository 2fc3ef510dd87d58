"""What the tables of the functions of two operands share: shapes, special values, mixed types, refusals."""

import math
from dataclasses import replace

import numpy as np

import nbnn
from tests.cases import arrays, normal
from tests.engine import Bad, Case

INF, NAN = math.inf, math.nan
SPECIAL = [NAN, INF, -INF, 0.0, -0.0, 1.5, -2.0]
PAIRS = {"same": ((3, 4), (3, 4)), "row": ((3, 4), (4,)), "column": ((3, 1), (1, 4)), "0d": ((), (3,))}
EMPTY = (normal((0,), (0,)), normal((0, 3), (3,)), normal((1,), (0,)))
_X = nbnn.ones(2, 3)


def integers(low, high, *shapes):
    """A maker of int64 arrays."""
    return lambda r: tuple(r.integers(low, high, s) for s in shapes)


def bools(*shapes):
    """A maker of bool arrays."""
    return lambda r: tuple(r.integers(0, 2, s) > 0 for s in shapes)


def called(name, *args, **kwargs):
    """A call of the function `name` with these arguments after its Tensors."""
    return lambda F, *tensors: getattr(F, name)(*tensors, *args, **kwargs)


def method(name, *args, **kwargs):
    """A call of the method `name` of a new Tensor, which an in-place one may change."""
    return lambda F, x, *rest: getattr(x * 1, name)(*rest, *args, **kwargs)


def broadcasting(name, oracle, maker, grad=(0, 1), special=True, **more):
    """A function of two floating-point operands: shapes, special values, method."""
    cases = [
        Case(f"{name}-{label}", called(name), maker(*shapes), oracle, grad=grad,
             large=maker((300, 200), (200,)) if label == "row" else None, empty=EMPTY if label == "same" else (),
             **more)
        for label, shapes in PAIRS.items()
    ]  # fmt: skip
    if special:
        cases.append(
            Case(f"{name}-special", called(name), arrays([[v] for v in SPECIAL], SPECIAL), oracle, grad=(), **more)
        )
    return [
        *cases,
        Case(f"{name}-transposed", lambda F, a, b: getattr(F, name)(F.transpose(a, 0, 1), b), maker((4, 3), (3, 4)),
             lambda a, b: oracle(a.T, b), grad=grad, **more),
        Case(f"{name}-method", method(name), maker((3,), (3,)), oracle, grad=grad, arrays=False, **more),
    ]  # fmt: skip


def operators(name, sign, maker, grad=(0,), value=2, left_torch=True, **more):
    """An operator of Python between Tensors, and with a number on either side; `left_torch` as in Case."""
    return [
        Case(f"{name}-operator", lambda F, a, b: sign(a, b), maker((3,), (3,)), sign, grad=grad and (0, 1),
             arrays=False, **more),
        Case(f"{name}-operator_right", lambda F, a: sign(a, value), maker((3,)), lambda a: sign(a, value), grad=grad,
             arrays=False, **more),
        Case(f"{name}-operator_left", lambda F, a: sign(value, a), maker((3,)), lambda a: sign(value, a), grad=grad,
             arrays=False, torch=left_torch, **more),
    ]  # fmt: skip


def once_on_cuda(cases):
    """The cases, of which those run on CUDA that differ there: methods and operators are Python above the same ops."""
    above = ("operator", "method", "in-place", "transposed", "column", "number")
    return [replace(case, cuda=not any(word in case.name for word in above)) for case in cases]


TAKE_COMPLEX = ("rsub", "logical_and", "logical_or", "logical_xor")


def refusals(name, *more):
    """What every function of two operands refuses."""

    def call(a, b):
        return lambda F: getattr(F, name)(a, b, *more)

    found = [
        Bad(f"{name}-shapes", call(_X, nbnn.ones(2)), ValueError, rf"^{name}: the shapes.*\(2, 3\) and \(2,\)"),
        Bad(f"{name}-string", call(_X, "1"), TypeError, rf"^{name}: .*got str"),
        Bad(f"{name}-none", call(_X, None), TypeError, rf"^{name}: .*got NoneType"),
        Bad(f"{name}-list", call(_X, [1.0]), TypeError, rf"^{name}: .*got list"),
    ]
    number = Bad(f"{name}-complex", call(_X, 1j), TypeError, rf"^{name}: .*complex")
    return found if name in TAKE_COMPLEX else [*found, number]


def away(*shapes):
    """Numbers between 0.5 and 2 of either sign: nothing to divide by zero."""
    return lambda r: tuple(np.asarray(r.uniform(0.5, 2, s) * r.choice([-1.0, 1.0], s)) for s in shapes)
