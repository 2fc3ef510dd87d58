"""Elementwise loops beyond `_cpu`'s: over operands that broadcast, and over an array that is also the result.

They take the bodies of `over_elements` kernels, compiled on first use: `wide(kernel)` and `in_place(kernel)`. On CUDA
operands are expanded first, and an array may be its own result in any elementwise loop.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from nbnn import _jit
from nbnn.kernels._cpu import Kernel, _fan_out, _natural
from nbnn.kernels._strided import SEGMENT, row_offset

# The templates. Their global `body` is bound by `_bound`.
body: Any = None


def _wide_2(y, a, b, params, geometry, a_at, b_at, start, stop, grain, pool):  # type: ignore[no-untyped-def]
    """y[i] = body(a[...], b[...], *params), where an item is a row of y, or a segment of a long one.

    `geometry` holds the sizes of axes 1 to 5, then the six strides of a, and those of b; the last of each is 0 or 1.
    """
    if pool != 0 and stop - start > grain:
        _fan_out((y, a, b, params, geometry, a_at, b_at), start, stop, grain, pool)
    else:
        d1, d2, d3, d4, n, s0, s1, s2, s3, s4, s5, t0, t1, t2, t3, t4, t5 = geometry
        segments = (n + SEGMENT - 1) // SEGMENT
        item = start
        while item < stop:
            row = item // segments
            first = (item - row * segments) * SEGMENT
            count = min(SEGMENT, n - first)
            run = 1 if segments > 1 else min(d4 - row % d4, stop - item)  # rows between two divisions
            to = row * n + first
            i = a_at + row_offset(row, d1, d2, d3, d4, s0, s1, s2, s3, s4) + first * s5
            k = b_at + row_offset(row, d1, d2, d3, d4, t0, t1, t2, t3, t4) + first * t5
            for _ in range(run):
                if s5 == 1 and t5 == 1:  # loops of their own, so that LLVM sees the steps and vectorises
                    for j in range(count):
                        y[_natural(to + j)] = body(a[_natural(i + j)], b[_natural(k + j)], *params)
                elif s5 == 1:
                    value = b[_natural(k)]
                    for j in range(count):
                        y[_natural(to + j)] = body(a[_natural(i + j)], value, *params)
                elif t5 == 1:
                    value = a[_natural(i)]
                    for j in range(count):
                        y[_natural(to + j)] = body(value, b[_natural(k + j)], *params)
                else:
                    value = body(a[_natural(i)], b[_natural(k)], *params)
                    for j in range(count):
                        y[_natural(to + j)] = value
                to += count
                i += s4
                k += t4
            item += run


def _again_1(y, params, start, stop, grain, pool):  # type: ignore[no-untyped-def]
    """y[i] = body(y[i], *params)"""
    if pool != 0 and stop - start > grain:
        _fan_out((y, params), start, stop, grain, pool)
    else:
        for k in range(start, stop):
            i = _natural(k)
            y[i] = body(y[i], *params)


def _again_2(y, b, params, start, stop, grain, pool):  # type: ignore[no-untyped-def]
    """y[i] = body(y[i], b[i], *params)"""
    if pool != 0 and stop - start > grain:
        _fan_out((y, b, params), start, stop, grain, pool)
    else:
        for k in range(start, stop):
            i = _natural(k)
            y[i] = body(y[i], b[i], *params)


_compiled: dict[tuple[Kernel, str], Any] = {}


def _bound(kernel: Kernel, template: Callable) -> Any:
    key = (kernel, template.__name__)
    if key not in _compiled:
        tag = f"{kernel.body.py_func.__module__}.{kernel.name}.{template.__name__}"
        _compiled[key] = _jit.jit(_jit.bind(template, kernel.name, body=kernel.body), tag)
    return _compiled[key]


def wide(kernel: Kernel) -> Any:
    """The loop of a kernel of two inputs, over operands that broadcast."""
    return _bound(kernel, _wide_2)


def in_place(kernel: Kernel) -> Any:
    """The loop of a kernel whose first input is also its result.

    A loop of its own: of two arrays that turn out to be one LLVM must expect that they overlap anyhow, and it takes
    the elements one by one.
    """
    return _bound(kernel, _again_1 if kernel.arity == 1 else _again_2)
