"""relu in compiled code."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import types

import nbnn.functional as F
from nbnn.compile._arguments import compiles, flat, shaped, stand_in
from nbnn.compile._link import linked, nopython
from nbnn.kernels import activation as K

_relu_cpu = linked(K.relu)


@linked
@nopython
def _relu(x):  # type: ignore[no-untyped-def]
    out = np.empty(x.size, x.dtype)
    _relu_cpu((out, flat(x), (), 0, x.size, x.size, 0))
    return shaped(out, x.shape)


@compiles(F.relu)
def relu(input: Any, inplace: Any = False) -> Any:
    """F.relu, on arrays of numbers."""
    if isinstance(input, types.Array):
        stand_in("relu", "input", input)
    else:
        raise TypeError(f"relu: `input` must be an array; got {input}")

    def impl(input, inplace=False):  # type: ignore[no-untyped-def]
        if inplace:  # `input` may have a layout that the result, which is always a new array, has not
            raise TypeError("relu: `inplace` (=True) must be False in compiled code")
        return _relu((input,))

    return impl
