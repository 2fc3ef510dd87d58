"""One name, three forms: how a helper of the bodies is told apart in compiled CPU code, CUDA code and plain Python.

`twin` registers the compiled forms of a plain function; `elementary` does so for a function of floats, by type.
`natural` and the bit casts stand here because every room of vector maths needs them.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic, overload, register_jitable

# 'contract' alone lets LLVM vectorise these (see `_jit`). A caller's own flags must not reach them: with 'reassoc' the
# rounding tricks below would be simplified away. forceinline: a call left in a loop would keep it scalar.
_OPTIONS: dict[str, Any] = {"fastmath": {"contract"}, "error_model": "numpy", "forceinline": True}
inline = register_jitable(**_OPTIONS)

_on_cuda: list[tuple[Callable, Callable]] = []


def twin(plain: Callable, cpu: Callable, cuda: Callable) -> None:
    """Let compiled CPU code see ``cpu(*types)`` and CUDA code ``cuda(*types)`` where a body calls `plain`.

    Both get the types of the arguments and return the implementation (with the argument names of `plain`) or None.
    """
    overload(plain, jit_options=_OPTIONS, target="cpu")(_choice(plain, cpu))
    _on_cuda.append((plain, _choice(plain, cuda)))


def _choice(plain: Callable, choose: Callable) -> Callable:
    """`choose` under the signature of `plain`, by which Numba binds the arguments."""

    def overloaded(*args: types.Type) -> Any:
        return choose(*args)

    overloaded.__signature__ = inspect.signature(plain)
    return overloaded


def inlined(func: Callable) -> Callable:
    """A plain helper that is inlined into compiled code wherever it is called; for loops that must vectorise."""
    twin(func, lambda *_: func, lambda *_: func)
    return func


def register_cuda() -> None:
    """Register the CUDA forms of all twins; called once, before the first CUDA kernel is compiled."""
    from numba.cuda import extending

    while _on_cuda:
        plain, choice = _on_cuda.pop()
        extending.overload(plain)(choice)


def elementary(plain: Callable, float32: Callable, float64: Callable, cuda: Callable) -> None:
    """A twin of one floating-point argument: its two CPU forms by type, and the device function."""
    cpu = {types.float32: float32, types.float64: float64}
    twin(plain, cpu.get, lambda x: cuda if isinstance(x, types.Float) else None)


def natural(i):
    """`i` as an index that is known to be at least 0, for use in brackets only: ``x[natural(i)]``.

    Numba lets a negative index count from the end. Unless LLVM can see that an index is not negative, that test stays
    in the loop, and every load and store of a vectorised loop becomes a gather or scatter (exp: 1.36 against 0.34 ns
    an element). An unsigned index has no such test; promising the sign by llvm.assume was lost on inlining.
    """
    return i


twin(natural, lambda i: lambda i: np.uint64(i), lambda i: lambda i: i)

# Bits of a float as an integer and back.


def _bitcast(source: types.Type, target: types.Type, llvm: ir.Type) -> Any:
    def codegen(context, builder, signature, args):
        return builder.bitcast(args[0], llvm)

    return target(source), codegen


@intrinsic
def as_bits32(typingctx, x):
    return _bitcast(types.float32, types.int32, ir.IntType(32)) if x == types.float32 else None


@intrinsic
def as_float32(typingctx, n):
    return _bitcast(types.int32, types.float32, ir.FloatType()) if n == types.int32 else None


@intrinsic
def as_bits64(typingctx, x):
    return _bitcast(types.float64, types.int64, ir.IntType(64)) if x == types.float64 else None


@intrinsic
def as_float64(typingctx, n):
    return _bitcast(types.int64, types.float64, ir.DoubleType()) if n == types.int64 else None


@intrinsic
def fma(typingctx, a, b, c):
    """a * b + c of float64 with one rounding, also where the rest of the formula relies on that."""

    def codegen(context, builder, signature, args):
        return builder.fma(*args)

    double = types.float64
    return (double(double, double, double), codegen) if (a, b, c) == (double, double, double) else None


@intrinsic
def _multiply_add(typingctx, a, b, c):
    def codegen(context, builder, signature, args):
        kind = args[0].type
        function = builder.module.declare_intrinsic("llvm.fmuladd", [kind], ir.FunctionType(kind, [kind] * 3))
        return builder.call(function, args)

    return (a(a, a, a), codegen) if isinstance(a, types.Float) and a == b == c else None


def multiply_add(a, b, c):
    """a b + c, of all products in a sum the one that is fused into it.

    In ``a * b + c * d`` LLVM may fuse either product and round the other one, and it chooses by what lies around: the
    last bits of a step of Adam were others in a loop with Numba's bounds check. This names the one.
    """
    return a * b + c


def _on_the_cpu(a: types.Type, b: types.Type, c: types.Type) -> Callable:
    return lambda a, b, c: _multiply_add(a, b, c)


twin(multiply_add, _on_the_cpu, lambda a, b, c: multiply_add)
