"""linear in compiled code."""

from __future__ import annotations

from typing import Any

import numpy as np

import nbnn.functional as F
from nbnn import _jit
from nbnn.compile._arguments import LINEAR, BadShapes, axes, compiles, constant, flat, floating_arrays, shaped
from nbnn.functional._rules import linear_rule
from nbnn.kernels import linear as K

_rule = _jit.shared(linear_rule)


class _BadShapes(BadShapes):
    family = "linear"
    names = ("input", "weight", "bias")


def _spread(bias, m):  # type: ignore[no-untyped-def]
    """The flat bias of m outputs: one element serves them all."""
    raise NotImplementedError  # compiled code only


@overload(_spread)
def _spread_compiled(bias, m):  # type: ignore[no-untyped-def]
    if isinstance(bias, types.NoneType):
        return lambda bias, m: None
    return lambda bias, m: flat(bias) if bias.size == m else np.full(m, flat(bias)[0])


@_jit.jit
def _linear(x, weight, bias, weight_shape, bias_shape):  # type: ignore[no-untyped-def]
    refusal = _rule(x.shape, weight_shape, bias_shape)
    if refusal != 0:
        raise _BadShapes(LINEAR, refusal, x.shape, weight_shape, bias_shape)
    m, k = weight_shape
    rows = 1
    for axis in range(x.ndim - 1):
        rows *= x.shape[axis]
    out = np.empty(rows * m, x.dtype)
    workspace = np.empty(K.linear_workspace(rows, k, m), x.dtype)
    K.linear_fast(out, flat(x), flat(weight), _spread(bias, m), workspace, rows, k, m, 0)
    if weight.ndim == 1:
        return shaped(out, x.shape[:-1])
    return shaped(out, x.shape[:-1] + (m,))


def _shape_of(x):  # type: ignore[no-untyped-def]
    """The shape for a rule: None of None, and one axis for an array of none."""
    raise NotImplementedError  # compiled code only


@compiles(F.linear)
def linear(input: Any, weight: Any, bias: Any = None) -> Any:
    """F.linear, on arrays of float32 or float64."""
    floating_arrays("linear", input, weight=weight, bias=bias)
    axes("linear", "weight", weight, (1, 2), "1 or 2 axes and `input` at least 1")
    if input.ndim < 1:
        raise ValueError("linear: `weight` must have 1 or 2 axes and `input` at least 1; got an input of 0 axes")
    if constant(bias) is not None:
        axes("linear", "bias", bias, (0, 1), "shape (out_features,)")
    return lambda input, weight, bias=None: _linear(input, weight, bias)
