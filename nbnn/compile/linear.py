"""linear in compiled code."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import types
from numba.extending import overload

import nbnn.functional as F
from nbnn import _jit
from nbnn.compile._arguments import (
    LINEAR,
    ShapesError,
    axes,
    compiles,
    constant,
    flat,
    floating_arrays,
    shape_of,
    shaped,
)
from nbnn.compile._link import linked, nopython
from nbnn.functional._rules import linear_rule
from nbnn.kernels import linear as K

_rule = _jit.shared(linear_rule)
_linear_fast = linked(K.linear_fast)


class _ShapesError(ShapesError):
    family = "linear"
    names = ("input", "weight", "bias")


def _spread(bias, m):  # type: ignore[no-untyped-def]
    """The flat bias of m outputs; one element serves them all."""
    raise NotImplementedError  # compiled code only


@overload(_spread)
def _spread_compiled(bias, m):  # type: ignore[no-untyped-def]
    if isinstance(bias, types.NoneType):
        return lambda bias, m: None
    return lambda bias, m: flat(bias) if bias.size == m else np.full(m, flat(bias)[0])


@linked
@nopython
def _linear(x, weight, bias):  # type: ignore[no-untyped-def]
    if weight.ndim == 1:
        weight_shape = (1, weight.shape[0])
    else:
        weight_shape = weight.shape
    refusal = _rule(x.shape, weight_shape, shape_of(bias))
    if refusal != 0:
        raise _ShapesError(LINEAR, refusal, x.shape, weight_shape, shape_of(bias))
    m, k = weight_shape
    rows = 1
    for axis in range(x.ndim - 1):
        rows *= x.shape[axis]
    out = np.empty(rows * m, x.dtype)
    workspace = np.empty(K.linear_workspace(rows, k, m), x.dtype)
    _linear_fast((out, flat(x), flat(weight), _spread(bias, m), workspace, rows, k, m, 0))
    if weight.ndim == 1:
        return shaped(out, x.shape[:-1])
    return shaped(out, x.shape[:-1] + (m,))


@compiles(F.linear)
def linear(input: Any, weight: Any, bias: Any = None) -> Any:
    """F.linear, on arrays of float32 or float64."""
    floating_arrays("linear", input, weight=weight, bias=bias)
    axes("linear", "weight", weight, (1, 2), "1 or 2 axes and `input` at least 1")
    if input.ndim < 1:
        raise ValueError("linear: `weight` must have 1 or 2 axes and `input` at least 1; got an input of 0 axes")
    if constant(bias) is not None:
        axes("linear", "bias", bias, (0, 1), "shape (out_features,)")
    return lambda input, weight, bias=None: _linear((input, weight, bias))
