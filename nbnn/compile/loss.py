"""cross_entropy in compiled code."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import types
from numba.extending import overload

import nbnn.functional as F
from nbnn import _jit
from nbnn.compile._arguments import (
    CROSS_ENTROPY,
    IGNORE_INDEX,
    ShapesError,
    axes,
    check_integer,
    compiles,
    constant,
    flat,
    floating_arrays,
    integer_type,
    known,
    raised,
    shape_of,
    shaped,
    stand_in,
)
from nbnn.compile._link import linked, nopython
from nbnn.functional import _check
from nbnn.functional._rules import cross_entropy_rule
from nbnn.kernels import activation, array
from nbnn.kernels import loss as K
from nbnn.kernels._reduce import BLOCK, sum_blocks

_rule = _jit.shared(cross_entropy_rule)
_log_softmax, _nll, _find_bad = linked(activation.log_softmax), linked(K.nll_loss), linked(K.find_bad_index)
_sum_rows, _div, _mul, _add = (linked(k) for k in (sum_blocks, array.div, array.mul, array.add))
_mul_scalar, _add_scalar, _div_scalar = (linked(k) for k in (array.mul_scalar, array.add_scalar, array.div_scalar))


class _ShapesError(ShapesError):
    family = "cross_entropy"
    names = ("input", "target", "weight", "wanted", "classes")


class _TargetError(IndexError):
    """A class index out of range."""

    def __new__(cls, position: int, value: int, classes: int, shape: tuple) -> Any:
        at = ", ".join(map(str, _check.unravel(position, shape)))
        return IndexError(f"cross_entropy: `target`[{at}] (={value}) must be in [0, {classes - 1}]")


class _ProbabilitiesError(ValueError):
    """Probabilities of another shape than the scores."""

    def __new__(cls, input: tuple, target: tuple) -> Any:
        rule = "`target` of probabilities must have the shape of `input`"
        return ValueError(f"cross_entropy: {rule}; got input {input}, target {target}")


class _WeightError(ValueError):
    """Class weights of another shape than (C,)."""

    def __new__(cls, classes: int, weight: tuple) -> Any:
        return ValueError(f"cross_entropy: `weight` must have shape (C,) = ({classes},); got {weight}")


class _SmoothingError(ValueError):
    """A label smoothing outside [0, 1]."""

    def __new__(cls, value: float) -> Any:
        return raised(_check.probability, "cross_entropy", "label_smoothing", value)


# The kernels of the eager path, on flat arrays.


@nopython
def _scaled(x, factor):  # type: ignore[no-untyped-def]
    y = np.empty(x.size, x.dtype)
    _mul_scalar((y, x, (factor,), 0, x.size, 1, 0))
    return y


@nopython
def _times(a, b):  # type: ignore[no-untyped-def]
    y = np.empty(a.size, a.dtype)
    _mul((y, a, b, (), 0, a.size, 1, 0))
    return y


@nopython
def _sum_axis(x, outer, length, inner):  # type: ignore[no-untyped-def]
    """Sums over the middle axis, in the fixed tree."""
    if x.size == 0:
        return np.zeros(outer * inner, x.dtype)
    while True:
        blocks = (length + BLOCK - 1) // BLOCK
        y = np.empty(outer * blocks * inner, x.dtype)
        _sum_rows(((y, x, length, inner), 0, y.size, 1, 0))
        if blocks == 1:
            return y
        x, length = y, blocks


@nopython
def _log_probabilities(x, n, c, s):  # type: ignore[no-untyped-def]
    y = np.empty(x.size, x.dtype)
    if c > 0:
        _log_softmax(((y, x, c, s), 0, n * s, 1, 0))
    return y


def _weigh(x, weight, n, c, s):  # type: ignore[no-untyped-def]
    """`x` (N, C, S) times the class weights, if there are any."""
    raise NotImplementedError  # compiled code only


@overload(_weigh)
def _weigh_compiled(x, weight, n, c, s):  # type: ignore[no-untyped-def]
    if isinstance(weight, types.NoneType):
        return lambda x, weight, n, c, s: x

    def impl(x, weight, n, c, s):  # type: ignore[no-untyped-def]
        wide, w = np.empty(x.size, x.dtype), flat(weight)
        for i in range(x.size):
            wide[i] = w[i // s % c]
        return _times(x, wide)

    return impl


def _int64(target):  # type: ignore[no-untyped-def]
    """Class indices as the kernels take them."""
    raise NotImplementedError  # compiled code only


@overload(_int64)
def _int64_compiled(target):  # type: ignore[no-untyped-def]
    if target.dtype == types.int64:
        return lambda target: flat(target)
    return lambda target: flat(target.astype(np.int64))


@_jit.shared
def _geometry(x):  # type: ignore[no-untyped-def]
    """(N, C, S) of scores (C,) or (N, C, ...), and the shape that class indices must have."""
    if x.ndim == 1:
        return 1, x.shape[0], 1, ()
    spatial = 1
    for axis in range(2, x.ndim):
        spatial *= x.shape[axis]
    return x.shape[0], x.shape[1], spatial, x.shape[:1] + x.shape[2:]


@_jit.shared
def _check_smoothing(smoothing):  # type: ignore[no-untyped-def]
    if smoothing is not None:  # noqa: SIM102  (Numba leaves out a branch on None alone)
        if not 0.0 <= smoothing <= 1.0:
            raise _SmoothingError(smoothing)


@_jit.shared
def _check_classes(x, target, weight):  # type: ignore[no-untyped-def]
    _, c, _, wanted = _geometry(x)
    weight_shape = shape_of(weight)
    if x.ndim == 1:  # the rule cannot look into a shape without axes here
        refusal = _rule((1, x.shape[0]), (1,), weight_shape)[0]
    else:
        refusal = _rule(x.shape, target.shape, weight_shape)[0]
    if refusal != 0:
        raise _ShapesError(CROSS_ENTROPY, refusal, x.shape, target.shape, weight_shape, wanted, c)


@nopython
def _check_indices(index, c, ignore_index, shape):  # type: ignore[no-untyped-def]
    if index.size > 0:
        found = np.empty(1, np.int64)
        _find_bad(((found, index, 0, c, ignore_index), 0, index.size, index.size, 0))
        if found[0] >= 0:
            raise _TargetError(found[0], index[found[0]], c, shape)


@nopython
def _smooth(losses, logp, index, weight, n, c, s, ignore_index, smoothing):  # type: ignore[no-untyped-def]
    """The losses mixed with those of the uniform distribution."""
    mask = np.empty(n * s, logp.dtype)
    for i in range(n * s):
        mask[i] = index[i] != ignore_index
    uniform = _scaled(_times(_sum_axis(_weigh(logp, weight, n, c, s), n, c, s), mask), -1.0)
    mixed = np.empty(n * s, logp.dtype)
    _add((mixed, _scaled(losses, 1.0 - smoothing), _scaled(uniform, smoothing / c), (1,), 0, n * s, 1, 0))
    return mixed


def _mix(losses, logp, index, weight, n, c, s, ignore_index, smoothing):  # type: ignore[no-untyped-def]
    """The losses, smoothed if that is asked for."""
    raise NotImplementedError  # compiled code only


@overload(_mix)
def _mix_compiled(losses, logp, index, weight, n, c, s, ignore_index, smoothing):  # type: ignore[no-untyped-def]
    if isinstance(smoothing, types.NoneType):
        return lambda losses, logp, index, weight, n, c, s, ignore_index, smoothing: losses

    def impl(losses, logp, index, weight, n, c, s, ignore_index, smoothing):  # type: ignore[no-untyped-def]
        if smoothing == 0.0:
            return losses
        return _smooth(losses, logp, index, weight, n, c, s, ignore_index, smoothing)

    return impl


@nopython
def _class_losses(x, target, weight, ignore_index, smoothing):  # type: ignore[no-untyped-def]
    """The loss and the weight of each class index, flat."""
    _check_smoothing(smoothing)
    _check_classes(x, target, weight)
    check_integer(CROSS_ENTROPY, IGNORE_INDEX, ignore_index, 1 - (1 << 31))
    n, c, s, _ = _geometry(x)
    index = _int64(target)
    _check_indices(index, c, ignore_index, target.shape)
    logp = _log_probabilities(flat(x), n, c, s)
    losses, weights = np.empty(n * s, x.dtype), np.empty(n * s, x.dtype)
    _nll((losses, weights, (logp, index, flat(weight), c, s, ignore_index), 0, n * s, 1, 0))
    return _mix(losses, logp, index, weight, n, c, s, ignore_index, smoothing), weights


def _blend(p, c, smoothing):  # type: ignore[no-untyped-def]
    """The probabilities, mixed with the uniform distribution if that is asked for."""
    raise NotImplementedError  # compiled code only


@overload(_blend)
def _blend_compiled(p, c, smoothing):  # type: ignore[no-untyped-def]
    if isinstance(smoothing, types.NoneType):
        return lambda p, c, smoothing: p

    def impl(p, c, smoothing):  # type: ignore[no-untyped-def]
        if smoothing > 0.0:
            mixed = np.empty(p.size, p.dtype)
            _add_scalar((mixed, _scaled(p, 1.0 - smoothing), (smoothing / c,), 0, p.size, 1, 0))
            return mixed
        return p

    return impl


@nopython
def _soft_losses(x, target, weight, smoothing):  # type: ignore[no-untyped-def]
    """The loss of each distribution, flat."""
    _check_smoothing(smoothing)
    if x.shape != target.shape:
        raise _ProbabilitiesError(x.shape, target.shape)
    n, c, s, _ = _geometry(x)
    if weight is not None:  # noqa: SIM102
        if weight.shape[0] != c:
            raise _WeightError(c, weight.shape)
    p = _blend(flat(target), c, smoothing)
    terms = _weigh(_times(p, _log_probabilities(flat(x), n, c, s)), weight, n, c, s)
    return _scaled(_sum_axis(terms, n, c, s), -1.0)


@_jit.shared
def _total(losses, ndim):  # type: ignore[no-untyped-def]
    """The sum of all; itself for one loss without axes, as eagerly (a sum would lose the sign of -0)."""
    return losses if ndim == 1 else _sum_axis(losses, 1, losses.size, 1)


# What the compiled calls run, by reduction: class indices, then probabilities.


@linked
@nopython
def _class_none(x, target, weight, ignore_index, smoothing):  # type: ignore[no-untyped-def]
    return shaped(_class_losses(x, target, weight, ignore_index, smoothing)[0], target.shape)


@linked
@nopython
def _class_sum(x, target, weight, ignore_index, smoothing):  # type: ignore[no-untyped-def]
    return _total(_class_losses(x, target, weight, ignore_index, smoothing)[0], x.ndim)[0]


@linked
@nopython
def _class_mean(x, target, weight, ignore_index, smoothing):  # type: ignore[no-untyped-def]
    losses, weights = _class_losses(x, target, weight, ignore_index, smoothing)
    mean = np.empty(1, x.dtype)
    _div((mean, _total(losses, x.ndim), _total(weights, x.ndim), (), 0, 1, 1, 0))
    return mean[0]


@linked
@nopython
def _soft_none(x, target, weight, ignore_index, smoothing):  # type: ignore[no-untyped-def]
    return shaped(_soft_losses(x, target, weight, smoothing), _geometry(x)[3])


@linked
@nopython
def _soft_sum(x, target, weight, ignore_index, smoothing):  # type: ignore[no-untyped-def]
    return _total(_soft_losses(x, target, weight, smoothing), x.ndim)[0]


@linked
@nopython
def _soft_mean(x, target, weight, ignore_index, smoothing):  # type: ignore[no-untyped-def]
    losses = _soft_losses(x, target, weight, smoothing)
    mean = np.empty(1, x.dtype)
    _div_scalar((mean, _total(losses, x.ndim), (float(losses.size),), 0, 1, 1, 0))
    return mean[0]


_RUNS = {
    "class": {"none": _class_none, "sum": _class_sum, "mean": _class_mean},
    "soft": {"none": _soft_none, "sum": _soft_sum, "mean": _soft_mean},
}


@_jit.shared
def _nothing(smoothing):  # type: ignore[no-untyped-def]
    return None


@_jit.shared
def _float(smoothing):  # type: ignore[no-untyped-def]
    return float(smoothing)


def _kind_of_target(input: Any, target: Any, weight: Any) -> str:
    """Whether the target is "class" or "soft", when all types fit."""
    op = "cross_entropy"
    floating_arrays(op, input, weight=weight)
    t = stand_in(op, "target", target)
    if input.ndim < 1:
        raise ValueError(f"{op}: `input` must have at least 1 axis, (C,) or (N, C, ...); got shape ()")
    if constant(weight) is not None:
        axes(op, "weight", weight, (1,), "shape (C,)")
    if t._dtype.is_floating_point:
        _check.same_dtype(op, input=stand_in(op, "input", input), target=t)
        axes(op, "target", target, (input.ndim,), "(probabilities) the shape of `input`")
        return "soft"
    if t._dtype.name == "bool":
        raise TypeError(f"{op}: `target` must hold integers (class indices); got {t._dtype!r}")
    axes(op, "target", target, (input.ndim - 1,), "the shape of `input` without its class axis")
    return "class"


@compiles(F.cross_entropy)
def cross_entropy(
    input: Any,
    target: Any,
    weight: Any = None,
    size_average: Any = None,
    ignore_index: Any = -100,
    reduce: Any = None,
    reduction: Any = "mean",
    label_smoothing: Any = 0.0,
) -> Any:
    """F.cross_entropy, on scores of float32 or float64; a result without axes is a scalar."""
    op = "cross_entropy"
    average = known(op, "size_average", size_average, (bool, type(None)))
    reduced = known(op, "reduce", reduce, (bool, type(None)))
    chosen = _check.reduction(op, known(op, "reduction", reduction, (str,)), average, reduced)
    run = _RUNS[_kind_of_target(input, target, weight)][chosen]
    integer_type(op, "ignore_index", ignore_index)
    if not isinstance(constant(label_smoothing), (int, float, types.Integer, types.Float)):
        raise TypeError(f"{op}: `label_smoothing` must be a number; got {label_smoothing}")

    number = _nothing if constant(label_smoothing) == 0.0 else _float

    def impl(  # type: ignore[no-untyped-def]
        input,
        target,
        weight=None,
        size_average=None,
        ignore_index=-100,
        reduce=None,
        reduction="mean",
        label_smoothing=0.0,
    ):
        return run((input, target, weight, np.int64(ignore_index), number(label_smoothing)))

    return impl
