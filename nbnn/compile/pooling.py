"""max_pool2d in compiled code."""

from __future__ import annotations

from typing import Any

import numpy as np

import nbnn.functional as F
from nbnn import _jit
from nbnn.compile._arguments import (
    DILATION,
    KERNEL_SIZE,
    MAX_POOL2D,
    PADDING,
    STRIDE,
    ShapesError,
    axes,
    check_pair,
    compiles,
    constant,
    flat,
    floating_arrays,
    known,
    pair_of,
    shaped,
)
from nbnn.compile._link import linked, nopython
from nbnn.functional._rules import max_pool_rule, pooled_count
from nbnn.kernels import pooling as K

_rule, _ = _jit.shared(max_pool_rule), _jit.shared(pooled_count)
_pool_fast = linked(K.max_pool3d_fast)


class _ShapesError(ShapesError):
    family = "max_pool"
    names = ("input", "kernel_size", "padding", "dilation")


@_jit.shared
def _pool(x, kernel, stride, padding, dilation, ceil_mode):  # type: ignore[no-untyped-def]
    """Values and positions."""
    check_pair(MAX_POOL2D, KERNEL_SIZE, kernel, 1)
    check_pair(MAX_POOL2D, STRIDE, stride, 1)
    check_pair(MAX_POOL2D, PADDING, padding, 0)
    check_pair(MAX_POOL2D, DILATION, dilation, 1)
    (kh, kw), (sh, sw), (ph, pw), (dh, dw) = kernel, stride, padding, dilation
    if x.ndim == 3:
        n, c, h, w = 1, x.shape[0], x.shape[1], x.shape[2]
    else:
        n, c, h, w = x.shape
    size = (n, c, 1, h, w)
    refusal, od, oh, ow = _rule(size, (1, kh, kw), (1, sh, sw), (0, ph, pw), (1, dh, dw), ceil_mode)
    if refusal != 0:
        raise _ShapesError(MAX_POOL2D, refusal, x.shape, kernel, padding, dilation)
    values = np.empty(n * c * oh * ow, x.dtype)
    index = np.empty(values.size, np.int64)
    workspace = np.empty(0, x.dtype)
    windows = (1, kh, kw, 1, sh, sw, 0, ph, pw, 1, dh, dw)
    _pool_fast((values, index, flat(x), workspace, 1, h, w, od, oh, ow) + windows + (0,))
    shape = x.shape[:-2] + (oh, ow)
    return shaped(values, shape), shaped(index, shape)


@linked
@nopython
def _values(x, kernel, stride, padding, dilation, ceil_mode):  # type: ignore[no-untyped-def]
    return _pool(x, kernel, stride, padding, dilation, ceil_mode)[0]


@linked
@nopython
def _values_and_index(x, kernel, stride, padding, dilation, ceil_mode):  # type: ignore[no-untyped-def]
    return _pool(x, kernel, stride, padding, dilation, ceil_mode)


@compiles(F.max_pool2d)
def max_pool2d(
    input: Any,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    dilation: Any = 1,
    ceil_mode: Any = False,
    return_indices: Any = False,
) -> Any:
    """F.max_pool2d, on arrays of float32 or float64."""
    op = "max_pool2d"
    floating_arrays(op, input)
    axes(op, "input", input, (3, 4), "3 axes, or 4 with a batch")
    kernel, pads, gaps = (
        pair_of(op, name, kind)
        for name, kind in (("kernel_size", kernel_size), ("padding", padding), ("dilation", dilation))
    )
    run = _values_and_index if known(op, "return_indices", return_indices, (bool,)) else _values
    given = constant(stride)
    if given is None or (hasattr(given, "types") and len(given.types) == 0):  # None or ()

        def impl(input, kernel_size, stride=None, padding=0, dilation=1, ceil_mode=False, return_indices=False):  # type: ignore[no-untyped-def]
            size = kernel(kernel_size)
            return run((input, size, size, pads(padding), gaps(dilation), bool(ceil_mode)))

    else:
        steps = pair_of(op, "stride", stride)

        def impl(input, kernel_size, stride=None, padding=0, dilation=1, ceil_mode=False, return_indices=False):  # type: ignore[no-untyped-def]
            size = kernel(kernel_size)
            return run((input, size, steps(stride), pads(padding), gaps(dilation), bool(ceil_mode)))

    return impl
