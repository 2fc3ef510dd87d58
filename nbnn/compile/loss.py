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
from nbnn.kernels import loss as K

_rule = _jit.shared(cross_entropy_rule)
_row_scratch = K.row_scratch
_hard, _soft, _first_bad = (linked(f) for f in (K.cross_entropy_fast, K.soft_cross_entropy_fast, K.first_bad_index))
_NONE, _SUM, _MEAN = np.int64(K.NONE), np.int64(K.SUM), np.int64(K.MEAN)


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
        found = _first_bad((index, 0, index.size, c, ignore_index))
        if found >= 0:
            raise _TargetError(found, index[found], c, shape)


@_jit.shared
def _without_scores(losses, out, reduction, divisor):  # type: ignore[no-untyped-def]
    """The losses and their reduction where there are no scores: zeros, and for the mean of nothing NaN."""
    losses[:] = 0
    out[0] = np.nan if reduction == _MEAN and divisor == 0 else 0.0


@nopython
def _class_losses(x, target, weight, ignore_index, smoothing, reduction):  # type: ignore[no-untyped-def]
    """The loss of each class index, flat, and their reduction."""
    _check_smoothing(smoothing)
    _check_classes(x, target, weight)
    check_integer(CROSS_ENTROPY, IGNORE_INDEX, ignore_index, 1 - (1 << 31))
    n, c, s, _ = _geometry(x)
    index = _int64(target)
    _check_indices(index, c, ignore_index, target.shape)
    losses, out = np.empty(n * s, x.dtype), np.empty(1, x.dtype)
    if x.size == 0:
        _without_scores(losses, out, reduction, 0)
    else:
        stats = np.empty(4 * n * s + 1, x.dtype)
        scratch = np.empty(_row_scratch(n * s, c, s), x.dtype)
        _hard((out, losses, stats, flat(x), index, flat(weight), scratch, c, s, ignore_index, smoothing, reduction, 0))
    return losses, out


@nopython
def _soft_losses(x, target, weight, smoothing, reduction):  # type: ignore[no-untyped-def]
    """The loss of each distribution, flat, and their reduction."""
    _check_smoothing(smoothing)
    if x.shape != target.shape:
        raise _ProbabilitiesError(x.shape, target.shape)
    n, c, s, _ = _geometry(x)
    if weight is not None:  # noqa: SIM102
        if weight.shape[0] != c:
            raise _WeightError(c, weight.shape)
    losses, out = np.empty(n * s, x.dtype), np.empty(1, x.dtype)
    if x.size == 0:
        _without_scores(losses, out, reduction, n * s)
    else:
        stats = np.empty(4 * n * s + 1, x.dtype)
        nothing = np.empty(0, x.dtype)
        _soft((out, losses, stats, flat(x), flat(target), flat(weight), nothing, c, s, smoothing, reduction, 0))
    return losses, out


# What the compiled calls run, by reduction: class indices, then probabilities.


@linked
@nopython
def _class_none(x, target, weight, ignore_index, smoothing):  # type: ignore[no-untyped-def]
    return shaped(_class_losses(x, target, weight, ignore_index, smoothing, _NONE)[0], target.shape)


@linked
@nopython
def _class_sum(x, target, weight, ignore_index, smoothing):  # type: ignore[no-untyped-def]
    return _class_losses(x, target, weight, ignore_index, smoothing, _SUM)[1][0]


@linked
@nopython
def _class_mean(x, target, weight, ignore_index, smoothing):  # type: ignore[no-untyped-def]
    return _class_losses(x, target, weight, ignore_index, smoothing, _MEAN)[1][0]


@linked
@nopython
def _soft_none(x, target, weight, ignore_index, smoothing):  # type: ignore[no-untyped-def]
    return shaped(_soft_losses(x, target, weight, smoothing, _NONE)[0], _geometry(x)[3])


@linked
@nopython
def _soft_sum(x, target, weight, ignore_index, smoothing):  # type: ignore[no-untyped-def]
    return _soft_losses(x, target, weight, smoothing, _SUM)[1][0]


@linked
@nopython
def _soft_mean(x, target, weight, ignore_index, smoothing):  # type: ignore[no-untyped-def]
    return _soft_losses(x, target, weight, smoothing, _MEAN)[1][0]


_RUNS = {
    "class": {"none": _class_none, "sum": _class_sum, "mean": _class_mean},
    "soft": {"none": _soft_none, "sum": _soft_sum, "mean": _soft_mean},
}


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
        return run((input, target, weight, np.int64(ignore_index), float(label_smoothing)))

    return impl
