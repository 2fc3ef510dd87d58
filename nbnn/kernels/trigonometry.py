"""Functions of angles and their inverses, and the hyperbolic ones."""

from __future__ import annotations

from typing import Any

from nbnn import _jit
from nbnn.kernels import _vecmath as vm
from nbnn.kernels._cpu import Kernel, full_width, over_elements, over_ranges
from nbnn.kernels._vecmath import natural


@over_elements(1)
def sin(x):
    """y = sin x: NaN at infinity."""
    return vm.sin(x)


@over_elements(1)
def cos(x):
    """y = cos x: NaN at infinity."""
    return vm.cos(x)


@over_elements(1)
def tan(x):
    """y = tan x: NaN at infinity."""
    return vm.tan(x)


# The globals `near` and `far` of this template are bound by `_blocks`.
near: Any = None
far: Any = None
_BLOCK = 1024  # numbers that the first level of the cache holds beside their results


def _turning(start, stop, grain, y, x):  # type: ignore[no-untyped-def]
    """The reduction of large angles at every element cost most of the time: it runs in blocks that hold one.

    One thread, ns an element of float32 (float64) up to 10 in size: sin 2.01 -> 0.63 (3.75 -> 1.31), cos 2.00 -> 0.62
    (3.67 -> 1.28), tan 2.16 -> 0.58 (3.89 -> 1.38); where every block holds a large one nothing changes. Computing the
    near form first, and the far one over it, spares a pass that only looks.
    """
    full_width()
    for first in range(start, stop, _BLOCK):
        last = min(first + _BLOCK, stop)
        large = 0
        for i in range(first, last):
            v = x[natural(i)]
            y[natural(i)] = near(v)
            large |= 0 if vm.is_near(v) else 1
        if large != 0:
            for i in range(first, last):
                y[natural(i)] = far(x[natural(i)])


def _blocks(kernel: Kernel, body_near: Any, body_far: Any) -> Any:
    return over_ranges(_jit.bind(_turning, f"{kernel.name}_blocks", near=body_near, far=body_far)).cpu


_sin_cpu, _cos_cpu = _blocks(sin, vm.sin_near, vm.sin), _blocks(cos, vm.cos_near, vm.cos)
_tan_cpu = _blocks(tan, vm.tan_near, vm.tan)


@_jit.jit
def sin_fast(y, x, workspace, pool):
    """`sin` on the CPU."""
    _sin_cpu((y, x), 0, x.size, 8192, pool)


@_jit.jit
def cos_fast(y, x, workspace, pool):
    """`cos` on the CPU."""
    _cos_cpu((y, x), 0, x.size, 8192, pool)


@_jit.jit
def tan_fast(y, x, workspace, pool):
    """`tan` on the CPU."""
    _tan_cpu((y, x), 0, x.size, 8192, pool)


@over_elements(1)
def asin(x):
    """y in [-pi / 2, pi / 2] with sin y = x: NaN beyond 1."""
    return vm.asin(x)


@over_elements(1)
def acos(x):
    """y in [0, pi] with cos y = x: NaN beyond 1."""
    return vm.acos(x)


@over_elements(1)
def atan(x):
    """y in [-pi / 2, pi / 2] with tan y = x."""
    return vm.atan(x)


@over_elements(2)
def atan2(y, x):
    """The angle of the point (x, y)."""
    return vm.atan2(y, x)


@over_elements(1)
def sinh(x):
    """y = (e**x - e**-x) / 2."""
    return vm.sinh(x)


@over_elements(1)
def cosh(x):
    """y = (e**x + e**-x) / 2."""
    return vm.cosh(x)
