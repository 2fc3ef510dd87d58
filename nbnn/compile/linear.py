"""linear in compiled code."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba.extending import register_jitable

from nbnn import _jit
from nbnn.compile._arguments import LINEAR, BadShapes, axes, compiles, constant, flat, floating_arrays, shaped
from nbnn.functional import linear as F
from nbnn.functional._rules import linear_rule
from nbnn.kernels import linear as K

_rule = register_jitable(linear_rule)


class _BadShapes(BadShapes):
    family = "linear"
    names = ("input", "weight", "bias")


@_jit.jit
def _product(x, weight, bias, m):  # type: ignore[no-untyped-def]
    """The flat result of a `weight` of m rows; a bias of one element serves them all."""
    k = x.shape[x.ndim - 1]
    rows = 1
    for axis in range(x.ndim - 1):
        rows *= x.shape[axis]
    if bias is None:
        b = None
    else:
        b = flat(bias)
        if b.size != m:
            b = np.full(m, b[0])
    out = np.empty(rows * m, x.dtype)
    workspace = np.empty(K.linear_workspace(rows, k, m), x.dtype)
    K.linear_fast(out, flat(x), flat(weight), b, workspace, rows, k, m, 0)
    return out
