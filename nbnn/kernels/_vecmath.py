"""Elementary functions for bodies: exp, expm1, log, log1p, tanh, sigmoid, sqrt.

Each name resolves to three things. In compiled CPU code it is a polynomial without branches and calls, which LLVM
vectorises inside the drivers' loops (a call of the C library costs 2 to 18 ns an element and keeps the loop scalar). In
CUDA code it is libdevice's function. In plain Python, which is how the simulator of CUDA runs bodies, it is NumPy's.

Every function holds to 4 ULP over its whole range (benchmarks/ulp.py measures below 2.5) and is right at zeros of both
signs, infinities, NaN and subnormal numbers.

`twin` is how a function gets its forms; `_reduce` uses it too.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable
from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic, overload, register_jitable

# 'contract' alone lets LLVM vectorise these (see `_jit`). A caller's own flags must not reach them: with 'reassoc' the
# rounding tricks below would be simplified away. forceinline: a call left in a loop would keep it scalar.
_OPTIONS: dict[str, Any] = {"fastmath": {"contract"}, "error_model": "numpy", "forceinline": True}
_inline = register_jitable(**_OPTIONS)

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


def _math(plain: Callable, float32: Callable, float64: Callable, cuda: Callable) -> None:
    """A twin of one floating-point argument: its two CPU forms by type, and the device function."""
    cpu = {types.float32: float32, types.float64: float64}
    twin(plain, cpu.get, lambda x: cuda if isinstance(x, types.Float) else None)


# Plain Python: exact types, no exceptions, no warnings.


def exp(x):
    """e**x."""
    with np.errstate(all="ignore"):
        return type(x)(np.exp(x))


def expm1(x):
    """e**x - 1, exact to the last bits near 0."""
    with np.errstate(all="ignore"):
        return type(x)(np.expm1(x))


def log(x):
    """Natural logarithm; -inf at 0, NaN below."""
    with np.errstate(all="ignore"):
        return type(x)(np.log(x))


def log1p(x):
    """ln(1 + x), exact to the last bits near 0."""
    with np.errstate(all="ignore"):
        return type(x)(np.log1p(x))


def tanh(x):
    """Hyperbolic tangent."""
    return type(x)(np.tanh(x))


def sqrt(x):
    """Square root; NaN below 0."""
    with np.errstate(all="ignore"):
        return type(x)(np.sqrt(x))


def sigmoid(x):
    """1 / (1 + e**-x), by e**-|x|, so that neither tail overflows."""
    e = exp(-abs(x))
    return (e if x < 0 else type(x)(1)) / (type(x)(1) + e)


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
def _bits32(typingctx, x):
    return _bitcast(types.float32, types.int32, ir.IntType(32)) if x == types.float32 else None


@intrinsic
def _float32(typingctx, n):
    return _bitcast(types.int32, types.float32, ir.FloatType()) if n == types.int32 else None


@intrinsic
def _bits64(typingctx, x):
    return _bitcast(types.float64, types.int64, ir.IntType(64)) if x == types.float64 else None


@intrinsic
def _float64(typingctx, n):
    return _bitcast(types.int64, types.float64, ir.DoubleType()) if n == types.int64 else None


# Adding 1.5 * 2**23 (2**52) rounds to the nearest integer, which then stands in the lowest bits: no conversion needed.
_I, _F = np.int32, np.float32
_ROUND32, _ROUND64 = _F(12582912.0), 6755399441055744.0
_ROUND32_BITS, _ROUND64_BITS = 0x4B400000, 0x4338000000000000
_LOG2E32, _LOG2E64 = _F(1.4426950408889634), 1.4426950408889634
# ln 2 in two parts; a small integer times the first part is exact.
_LN2_HI32, _LN2_LO32 = _F(0.693359375), _F(-2.12194440e-4)
_LN2_HI64, _LN2_LO64 = 6.93147180369123816490e-01, 1.90821492927058770002e-10
_ONE32, _TWO32, _HALF32, _INF32, _NAN32 = _F(1), _F(2), _F(0.5), _F(np.inf), _F(np.nan)
_INF64, _NAN64 = np.inf, np.nan

# (e**r - 1 - r) / r**2 on |r| <= ln(2) / 2: minimax (Remez) for the relative error of e**r - 1, 2e-10 and 2e-17.
_E0, _E1, _E2 = _F(0.500000004652), _F(0.166666668173), _F(0.0416663541665)
_E3, _E4, _E5 = _F(0.00833327299029), _F(0.00139410499252), _F(0.000199142044903)
_D0, _D1, _D2 = 0.5000000000000005572, 0.16666666666666686056, 0.041666666666573329538
_D3, _D4, _D5 = 0.0083333333333145488761, 0.0013888888932482477194, 0.00019841269903138123294
_D6, _D7, _D8 = 0.000024801504314099290807, 2.7557227842618302878e-6, 2.762638150757270927e-7
_D9 = 2.5114513292015087236e-8


@_inline
def _exp_rest32(r):
    """e**r - 1 for |r| <= ln(2) / 2."""
    p = ((((_E5 * r + _E4) * r + _E3) * r + _E2) * r + _E1) * r + _E0
    return p * (r * r) + r


@_inline
def _exp_rest64(r):
    """e**r - 1 for |r| <= ln(2) / 2."""
    p = ((((_D9 * r + _D8) * r + _D7) * r + _D6) * r + _D5) * r + _D4
    p = (((p * r + _D3) * r + _D2) * r + _D1) * r + _D0
    return p * (r * r) + r


@_inline
def _power32(n):
    """2**n for the exponents of normal numbers."""
    return _float32(_I(_I(n + 127) << _I(23)))


@_inline
def _power64(n):
    """2**n for the exponents of normal numbers."""
    return _float64((n + 1023) << 52)


# Where a bound is applied as `bound if x < bound else x`, NaN passes.
_EXP_LOW32, _EXP_HIGH32 = _F(-104.0), _F(89.0)


@_inline
def _exp32(x):
    x = _EXP_LOW32 if x < _EXP_LOW32 else x
    x = _EXP_HIGH32 if x > _EXP_HIGH32 else x
    t = x * _LOG2E32 + _ROUND32
    k = t - _ROUND32
    y = _exp_rest32((x - k * _LN2_HI32) - k * _LN2_LO32) + _ONE32
    n = _I(_bits32(t) - _ROUND32_BITS)
    half = _I(n >> _I(1))  # two factors: n reaches from -150 to 128, and the last product rounds a subnormal once
    return y * _power32(half) * _power32(_I(n - half))


@_inline
def _exp64(x):
    x = -746.0 if x < -746.0 else x
    x = 710.0 if x > 710.0 else x
    t = x * _LOG2E64 + _ROUND64
    k = t - _ROUND64
    y = _exp_rest64((x - k * _LN2_HI64) - k * _LN2_LO64) + 1.0
    n = _bits64(t) - _ROUND64_BITS
    half = n >> 1
    return y * _power64(half) * _power64(n - half)


_EXPM1_LOW32, _EXPM1_TINY32 = _F(-18.0), _F(1e-10)


@_inline
def _expm1_bounded32(x):
    """e**x - 1 for -87 < x < 89: 2 * (rest * 2**(n - 1) + (2**(n - 1) - 1 / 2)), so that n = 128 does not overflow."""
    t = x * _LOG2E32 + _ROUND32
    k = t - _ROUND32
    scale = _power32(_I(_bits32(t) - (_ROUND32_BITS + 1)))
    return _TWO32 * (_exp_rest32((x - k * _LN2_HI32) - k * _LN2_LO32) * scale + (scale - _HALF32))


@_inline
def _expm1_bounded64(x):
    """e**x - 1 for -708 < x < 710, as `_expm1_bounded32`."""
    t = x * _LOG2E64 + _ROUND64
    k = t - _ROUND64
    scale = _power64(_bits64(t) - (_ROUND64_BITS + 1))
    return 2.0 * (_exp_rest64((x - k * _LN2_HI64) - k * _LN2_LO64) * scale + (scale - 0.5))


@_inline
def _expm1_32(x):
    low = _EXPM1_LOW32 if x < _EXPM1_LOW32 else x
    y = _expm1_bounded32(_EXP_HIGH32 if low > _EXP_HIGH32 else low)
    return x if abs(x) < _EXPM1_TINY32 else y  # -0.0 and subnormals pass


@_inline
def _expm1_64(x):
    low = -40.0 if x < -40.0 else x
    y = _expm1_bounded64(710.0 if low > 710.0 else low)
    return x if abs(x) < 1e-20 else y


# ln(1 + f) = f - f**2 / 2 + s * (f**2 / 2 + R(s**2)), s = f / (2 + f), for sqrt(1/2) <= 1 + f < sqrt(2): the method and
# coefficients of FreeBSD's msun (Sun Microsystems, 1993).
_SQRT_HALF32, _SQRT_HALF64 = 0x3F3504F3, 0x3FE6A09E667F3BCD
_NORMAL32, _NORMAL64 = _F(1.17549435e-38), 2.2250738585072014e-308
_G0, _G1, _G2, _G3 = _F(0.66666662693), _F(0.40000972152), _F(0.28498786688), _F(0.24279078841)
_MSUN_HI32, _MSUN_LO32 = _F(6.9313812256e-01), _F(9.0580006145e-06)
_TWO25, _SHIFT25, _TWO54 = _F(33554432.0), _F(25.0), 18014398509481984.0
_L0, _L1, _L2 = 6.666666666666735130e-01, 3.999999999940941908e-01, 2.857142874366239149e-01
_L3, _L4, _L5 = 2.222219843214978396e-01, 1.818357216161805012e-01, 1.531383769920937332e-01
_L6 = 1.479819860510658591e-01


@_inline
def _log_sum32(f, k, c):
    """k * ln(2) + ln(1 + f) + c, c being a small correction."""
    s = f / (_TWO32 + f)
    z = s * s
    square = _HALF32 * f * f
    rest = (((_G3 * z + _G2) * z + _G1) * z + _G0) * z
    return (s * (square + rest) + (k * _MSUN_LO32 + c) - square) + f + k * _MSUN_HI32


@_inline
def _log_sum64(f, k, c):
    """k * ln(2) + ln(1 + f) + c, c being a small correction."""
    s = f / (2.0 + f)
    z = s * s
    square = 0.5 * f * f
    rest = (((_L6 * z + _L5) * z + _L4) * z + _L3) * z
    rest = (((rest + _L2) * z + _L1) * z + _L0) * z
    return (s * (square + rest) + (k * _LN2_LO64 + c) - square) + f + k * _LN2_HI64


@_inline
def _log32(x):
    tiny = x < _NORMAL32
    bits = _I(_bits32(x * _TWO25 if tiny else x) - _SQRT_HALF32)
    k = _I(bits >> _I(23))
    f = _float32(_I(_I(bits - _I(k << _I(23))) + _SQRT_HALF32)) - _ONE32
    y = _log_sum32(f, _F(k) - (_SHIFT25 if tiny else _F(0)), _F(0))
    y = y if x < _INF32 else x
    special = -_INF32 if x == _F(0) else _NAN32
    return special if x <= _F(0) else y


@_inline
def _log64(x):
    tiny = x < _NORMAL64
    bits = _bits64(x * _TWO54 if tiny else x) - _SQRT_HALF64
    k = bits >> 52
    f = _float64(bits - (k << 52) + _SQRT_HALF64) - 1.0
    y = _log_sum64(f, _small_float(k) - (54.0 if tiny else 0.0), 0.0)
    y = y if x < _INF64 else x
    special = -_INF64 if x == 0.0 else _NAN64
    return special if x <= 0.0 else y


@_inline
def _small_float(k):
    """float64 of |k| < 2**51 without the conversion of int64, which AVX2 has not."""
    return _float64(k + _ROUND64_BITS) - _ROUND64


@_inline
def _log1p_32(x):
    u = _ONE32 + x
    bits = _I(_bits32(u) - _SQRT_HALF32)
    n = _I(bits >> _I(23))
    m = _float32(_I(_I(bits - _I(n << _I(23))) + _SQRT_HALF32)) - _ONE32
    small = n == 0  # then u's rounding would show: x itself is f
    c = ((_ONE32 - (u - x)) if n > 1 else (x - (u - _ONE32))) / u  # what rounding 1 + x lost
    y = _log_sum32(x if small else m, _F(n), _F(0) if small or n > 25 else c)
    y = y if x < _INF32 else x
    y = x if abs(x) < _EXPM1_TINY32 else y
    special = -_INF32 if u == _F(0) else _NAN32
    return special if u <= _F(0) else y


@_inline
def _log1p_64(x):
    u = 1.0 + x
    bits = _bits64(u) - _SQRT_HALF64
    n = bits >> 52
    m = _float64(bits - (n << 52) + _SQRT_HALF64) - 1.0
    small = n == 0
    c = ((1.0 - (u - x)) if n > 1 else (x - (u - 1.0))) / u
    y = _log_sum64(x if small else m, _small_float(n), 0.0 if small or n > 54 else c)
    y = y if x < _INF64 else x
    y = x if abs(x) < 1e-20 else y
    special = -_INF64 if u == 0.0 else _NAN64
    return special if u <= 0.0 else y


_TANH_LOW32 = _F(-20.0)


@_inline
def _tanh32(x):
    a = -_TWO32 * abs(x)
    t = _expm1_bounded32(_TANH_LOW32 if a < _TANH_LOW32 else a)
    y = -t / (t + _TWO32)
    y = -y if x < _F(0) else y
    return x if abs(x) < _EXPM1_TINY32 else y


@_inline
def _tanh64(x):
    a = -2.0 * abs(x)
    t = _expm1_bounded64(-40.0 if a < -40.0 else a)
    y = -t / (t + 2.0)
    y = -y if x < 0.0 else y
    return x if abs(x) < 1e-20 else y


@_inline
def _sigmoid32(x):
    e = _exp32(-abs(x))
    return (e if x < _F(0) else _ONE32) / (_ONE32 + e)


@_inline
def _sigmoid64(x):
    e = _exp64(-abs(x))
    return (e if x < 0.0 else 1.0) / (1.0 + e)


def _sqrt(x):
    return math.sqrt(x)  # one instruction, on vectors too


def _sigmoid_cuda(x):
    e = math.exp(-abs(x))
    return (e if x < 0 else type(x)(1)) / (type(x)(1) + e)


_math(exp, lambda x: _exp32(x), lambda x: _exp64(x), lambda x: math.exp(x))
_math(expm1, lambda x: _expm1_32(x), lambda x: _expm1_64(x), lambda x: math.expm1(x))
_math(log, lambda x: _log32(x), lambda x: _log64(x), lambda x: math.log(x))
_math(log1p, lambda x: _log1p_32(x), lambda x: _log1p_64(x), lambda x: math.log1p(x))
_math(tanh, lambda x: _tanh32(x), lambda x: _tanh64(x), lambda x: math.tanh(x))
_math(sqrt, _sqrt, _sqrt, _sqrt)
_math(sigmoid, lambda x: _sigmoid32(x), lambda x: _sigmoid64(x), _sigmoid_cuda)
