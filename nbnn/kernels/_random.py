"""Counter-based random numbers: Philox 4x32-10 (Salmon, Moraes, Dror and Shaw, SC 2011).

Element i of a draw is a pure function of (seed, offset, i): no state, the same on any number of threads and on CUDA.
"""

from __future__ import annotations

import numpy as np

from nbnn import _jit
from nbnn.kernels import _vecmath as vm
from nbnn.kernels._cpu import over_outputs, over_ranges
from nbnn.kernels._vecmath import inlined, natural

_MASK = np.uint64(0xFFFFFFFF)
_SHIFT = np.uint64(32)
_M0 = np.uint64(0xD2511F53)
_M1 = np.uint64(0xCD9E8D57)
_W0 = np.uint64(0x9E3779B9)
_W1 = np.uint64(0xBB67AE85)


@inlined
def philox(c0, c1, c2, c3, k0, k1):
    """Ten rounds of Philox on uint64 values below 2**32: four words."""
    for _ in range(10):
        p0 = _M0 * c0
        p1 = _M1 * c2
        c0 = (p1 >> _SHIFT) ^ c1 ^ k0
        c1 = p1 & _MASK
        c2 = (p0 >> _SHIFT) ^ c3 ^ k1
        c3 = p0 & _MASK
        k0 = (k0 + _W0) & _MASK
        k1 = (k1 + _W1) & _MASK
    return c0, c1, c2, c3


@inlined
def _low(n):
    return np.uint64(n & 0xFFFFFFFF)


@inlined
def words(seed, offset, group):
    """The four words of counter (group, offset) under key seed."""
    return philox(_low(group), _low(group >> 32), _low(offset), _low(offset >> 32), _low(seed), _low(seed >> 32))


@inlined
def word(seed, offset, i):
    """Random word i of 32 bits, as uint64: word i % 4 of counter i // 4."""
    a, b, c, d = words(seed, offset, i >> 2)
    low = b if i & 1 else a
    high = d if i & 1 else c
    return high if i & 2 else low


@inlined
def _unit32(w):
    """24 bits of a word as float32 in [0, 1); by way of int32, whose conversion every vector unit has."""
    return np.float32(np.int32(w >> np.uint64(8))) * np.float32(5.9604644775390625e-08)


@inlined
def _unit64(high, low):
    """53 bits of two words as float64 in [0, 1)."""
    return np.float64(np.int64((high << np.uint64(21)) | (low >> np.uint64(11)))) * 1.1102230246251565e-16


@inlined
def uniform32(seed, offset, i):
    """Uniform float32 in [0, 1): 24 bits of word i."""
    return _unit32(word(seed, offset, i))


@inlined
def uniform64(seed, offset, i):
    """Uniform float64 in [0, 1): 53 bits of words 2 i and 2 i + 1."""
    a, b, c, d = words(seed, offset, i >> 1)
    return _unit64(c if i & 1 else a, d if i & 1 else b)


_F = np.float32
_HALF_PI32, _HALF_PI64 = _F(1.5707963267948966), 1.5707963267948966
# sin and cos on |t| <= pi / 4: the coefficients of Cephes (Moshier)
_S1, _S2, _S3 = _F(-1.6666654611e-1), _F(8.3321608736e-3), _F(-1.9515295891e-4)
_C1, _C2, _C3 = _F(4.166664568298827e-2), _F(-1.388731625493765e-3), _F(2.443315711809948e-5)
_DS = (
    -1.66666666666666307295e-1,
    8.33333333332211858878e-3,
    -1.98412698295895385996e-4,
    2.75573136213857245213e-6,
    -2.50507477628578072866e-8,
    1.58962301576546568060e-10,
)
_DC = (
    4.16666666666665929218e-2,
    -1.38888888888730564116e-3,
    2.48015872888517045348e-5,
    -2.75573141792967388112e-7,
    2.08757008419747316778e-9,
    -1.13585365213876817300e-11,
)


@inlined
def _circle(sine, cosine, quadrant):
    """(cos, sin) turned by `quadrant` quarters."""
    odd = (quadrant & 1) != 0
    c = sine if odd else cosine
    s = cosine if odd else sine
    return -c if ((quadrant + 1) & 2) != 0 else c, -s if (quadrant & 2) != 0 else s


@inlined
def _box_muller32(a, b):
    """Two standard normals of two words: sqrt(-2 ln u) * (cos 2 pi v, sin 2 pi v), u in (0, 1], v in [0, 1)."""
    radius = vm.sqrt(_F(-2) * vm.log(_F(1) - _unit32(a)))
    v = _unit32(b) * _F(4)
    quadrant = np.int32(v + _F(0.5))
    t = (v - _F(quadrant)) * _HALF_PI32
    z = t * t
    sine = t + t * z * ((_S3 * z + _S2) * z + _S1)
    cosine = _F(1) - _F(0.5) * z + z * z * ((_C3 * z + _C2) * z + _C1)
    c, s = _circle(sine, cosine, quadrant)
    return radius * c, radius * s


@inlined
def _box_muller64(u, v):
    """Two standard normals of two uniforms in [0, 1)."""
    radius = vm.sqrt(-2.0 * vm.log(1.0 - u))
    v = v * 4.0
    quadrant = np.int32(v + 0.5)
    t = (v - quadrant) * _HALF_PI64
    z = t * t
    p = ((((_DS[5] * z + _DS[4]) * z + _DS[3]) * z + _DS[2]) * z + _DS[1]) * z + _DS[0]
    q = ((((_DC[5] * z + _DC[4]) * z + _DC[3]) * z + _DC[2]) * z + _DC[1]) * z + _DC[0]
    c, s = _circle(t + t * z * p, 1.0 - 0.5 * z + z * z * q, quadrant)
    return radius * c, radius * s


@inlined
def normal32(seed, offset, i):
    """Standard normal float32 (Box and Muller, 1958): the pair of words i and i + 1 for even i."""
    a, b, c, d = words(seed, offset, i >> 2)
    x, y = _box_muller32(c if i & 2 else a, d if i & 2 else b)
    return y if i & 1 else x


@inlined
def normal64(seed, offset, i):
    """Standard normal float64: a pair of the four words of counter i // 2."""
    a, b, c, d = words(seed, offset, i >> 1)
    x, y = _box_muller64(_unit64(a, b), _unit64(c, d))
    return y if i & 1 else x


@inlined
def _between(low, high, u):
    """low + (high - low) * u, never `high` itself, which rounding could give."""
    v = low + (high - low) * u
    return v if v < high else low


@over_outputs(1)
def fill_uniform32(i, low, high, seed, offset):
    """float32 in [low, high): low + (high - low) * u."""
    return _between(np.float32(low), np.float32(high), uniform32(seed, offset, i))


@over_outputs(1)
def fill_uniform64(i, low, high, seed, offset):
    """float64 in [low, high): low + (high - low) * u."""
    return _between(np.float64(low), np.float64(high), uniform64(seed, offset, i))


@over_outputs(1)
def fill_normal32(i, mean, std, seed, offset):
    """float32: mean + std * z."""
    return np.float32(mean) + np.float32(std) * normal32(seed, offset, i)


@over_outputs(1)
def fill_normal64(i, mean, std, seed, offset):
    """float64: mean + std * z."""
    return np.float64(mean) + np.float64(std) * normal64(seed, offset, i)


@over_outputs(1)
def fill_randint(i, low, high, seed, offset):
    """int64 in [low, high): 64 random bits modulo the width, whose bias is below width / 2**64."""
    a, b, c, d = words(seed, offset, i >> 1)
    bits = (d << np.uint64(32) | c) if i & 1 else (b << np.uint64(32) | a)
    return low + np.int64(bits % np.uint64(high - low))


@over_outputs(1)
def fill_bernoulli(i, p, seed, offset):
    """1 with probability p, else 0, from word i."""
    return 1 if word(seed, offset, i) < np.uint64(p * 4294967296.0) else 0


# CPU: four numbers at a time, which is what one Philox call gives, without a choice among them: LLVM vectorises the ten
# rounds over groups (0.5 ns a number against 15). Groups that y only has a part of go through the body.


@over_ranges
def _uniform32_groups(start, stop, grain, y, low, high, seed, offset):
    whole = min(stop, y.size >> 2)
    lo = np.float32(low)
    hi = np.float32(high)
    for g in range(start, whole):
        a, b, c, d = words(seed, offset, g)
        j = g * 4
        y[natural(j)] = _between(lo, hi, _unit32(a))
        y[natural(j + 1)] = _between(lo, hi, _unit32(b))
        y[natural(j + 2)] = _between(lo, hi, _unit32(c))
        y[natural(j + 3)] = _between(lo, hi, _unit32(d))
    for i in range(max(start, whole) * 4, min(stop * 4, y.size)):
        y[i] = _between(lo, hi, uniform32(seed, offset, i))


@over_ranges
def _uniform64_groups(start, stop, grain, y, low, high, seed, offset):
    whole = min(stop, y.size >> 1)
    lo = np.float64(low)
    hi = np.float64(high)
    for g in range(start, whole):
        a, b, c, d = words(seed, offset, g)
        y[natural(g * 2)] = _between(lo, hi, _unit64(a, b))
        y[natural(g * 2 + 1)] = _between(lo, hi, _unit64(c, d))
    for i in range(max(start, whole) * 2, min(stop * 2, y.size)):
        y[i] = _between(lo, hi, uniform64(seed, offset, i))


@over_ranges
def _normal32_groups(start, stop, grain, y, mean, std, seed, offset):
    whole = min(stop, y.size >> 2)
    m = np.float32(mean)
    s = np.float32(std)
    for g in range(start, whole):
        a, b, c, d = words(seed, offset, g)
        e, f = _box_muller32(a, b)
        k, n = _box_muller32(c, d)
        j = g * 4
        y[natural(j)] = m + s * e
        y[natural(j + 1)] = m + s * f
        y[natural(j + 2)] = m + s * k
        y[natural(j + 3)] = m + s * n
    for i in range(max(start, whole) * 4, min(stop * 4, y.size)):
        y[i] = m + s * normal32(seed, offset, i)


@over_ranges
def _normal64_groups(start, stop, grain, y, mean, std, seed, offset):
    whole = min(stop, y.size >> 1)
    m = np.float64(mean)
    s = np.float64(std)
    for g in range(start, whole):
        a, b, c, d = words(seed, offset, g)
        e, f = _box_muller64(_unit64(a, b), _unit64(c, d))
        y[natural(g * 2)] = m + s * e
        y[natural(g * 2 + 1)] = m + s * f
    for i in range(max(start, whole) * 2, min(stop * 2, y.size)):
        y[i] = m + s * normal64(seed, offset, i)


_u32, _u64, _n32, _n64 = _uniform32_groups.cpu, _uniform64_groups.cpu, _normal32_groups.cpu, _normal64_groups.cpu


@_jit.jit
def fill_uniform32_fast(y, workspace, low, high, seed, offset, pool):
    """`fill_uniform32` on the CPU."""
    _u32((y, low, high, seed, offset), 0, (y.size + 3) >> 2, 4096, pool)


@_jit.jit
def fill_uniform64_fast(y, workspace, low, high, seed, offset, pool):
    """`fill_uniform64` on the CPU."""
    _u64((y, low, high, seed, offset), 0, (y.size + 1) >> 1, 4096, pool)


@_jit.jit
def fill_normal32_fast(y, workspace, mean, std, seed, offset, pool):
    """`fill_normal32` on the CPU."""
    _n32((y, mean, std, seed, offset), 0, (y.size + 3) >> 2, 2048, pool)


@_jit.jit
def fill_normal64_fast(y, workspace, mean, std, seed, offset, pool):
    """`fill_normal64` on the CPU."""
    _n64((y, mean, std, seed, offset), 0, (y.size + 1) >> 1, 2048, pool)
