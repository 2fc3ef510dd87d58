"""Counter-based random numbers: Philox 4x32-10 (Salmon, Moraes, Dror and Shaw, SC 2011).

Element i of a draw is a pure function of (seed, offset, i): no state, the same on any number of threads and on CUDA.
"""

from __future__ import annotations

import math

import numpy as np

from nbnn import _jit
from nbnn.kernels import _vecmath as vm
from nbnn.kernels._cpu import over_outputs

_MASK = np.uint64(0xFFFFFFFF)
_SHIFT = np.uint64(32)
_M0 = np.uint64(0xD2511F53)
_M1 = np.uint64(0xCD9E8D57)
_W0 = np.uint64(0x9E3779B9)
_W1 = np.uint64(0xBB67AE85)


@_jit.jit
def philox(c0, c1, c2, c3, k0, k1):  # type: ignore[no-untyped-def]
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


@_jit.jit
def _low(n):  # type: ignore[no-untyped-def]
    return np.uint64(n & 0xFFFFFFFF)


@_jit.jit
def words(seed, offset, group):  # type: ignore[no-untyped-def]
    """The four words of counter (group, offset) under key seed."""
    return philox(_low(group), _low(group >> 32), _low(offset), _low(offset >> 32), _low(seed), _low(seed >> 32))


@_jit.jit
def word(seed, offset, i):  # type: ignore[no-untyped-def]
    """Random word i of 32 bits, as uint64: word i % 4 of counter i // 4."""
    a, b, c, d = words(seed, offset, i >> 2)
    low = b if i & 1 else a
    high = d if i & 1 else c
    return high if i & 2 else low


@_jit.jit
def uniform32(seed, offset, i):  # type: ignore[no-untyped-def]
    """Uniform float32 in [0, 1): 24 bits of word i."""
    return np.float32(word(seed, offset, i) >> np.uint64(8)) * np.float32(5.9604644775390625e-08)


@_jit.jit
def uniform64(seed, offset, i):  # type: ignore[no-untyped-def]
    """Uniform float64 in [0, 1): 53 bits of words 2 i and 2 i + 1."""
    a, b, c, d = words(seed, offset, i >> 1)
    high = c if i & 1 else a
    low = d if i & 1 else b
    return np.float64((high << np.uint64(21)) | (low >> np.uint64(11))) * 1.1102230246251565e-16


@_jit.jit
def normal32(seed, offset, i):  # type: ignore[no-untyped-def]
    """Standard normal float32 (Box and Muller): cosine for even i, sine for odd i, of words 2 (i // 2) and 2 (i // 2) + 1."""
    a, b, c, d = words(seed, offset, i >> 2)
    u = np.float32((c if i & 2 else a) >> np.uint64(8)) + np.float32(1)
    t = np.float32((d if i & 2 else b) >> np.uint64(8)) * np.float32(2 * math.pi / 16777216)
    radius = vm.sqrt(np.float32(-2) * vm.log(u * np.float32(5.9604644775390625e-08)))
    return radius * np.float32(math.sin(t) if i & 1 else math.cos(t))


@_jit.jit
def normal64(seed, offset, i):  # type: ignore[no-untyped-def]
    """Standard normal float64 (Box and Muller), of uniforms 2 (i // 2) and 2 (i // 2) + 1."""
    u = 1.0 - uniform64(seed, offset, i >> 1 << 1)
    t = uniform64(seed, offset, i | 1) * (2 * math.pi)
    radius = vm.sqrt(-2.0 * vm.log(u))
    return radius * (math.sin(t) if i & 1 else math.cos(t))


@over_outputs(1)
def fill_uniform32(i, low, high, seed, offset):  # type: ignore[no-untyped-def]
    """float32: low + (high - low) * u, always below high."""
    lo = np.float32(low)
    hi = np.float32(high)
    v = lo + (hi - lo) * uniform32(seed, offset, i)
    return v if v < hi else lo


@over_outputs(1)
def fill_uniform64(i, low, high, seed, offset):  # type: ignore[no-untyped-def]
    """float64: low + (high - low) * u, always below high."""
    v = low + (high - low) * uniform64(seed, offset, i)
    return v if v < high else np.float64(low)


@over_outputs(1)
def fill_normal32(i, mean, std, seed, offset):  # type: ignore[no-untyped-def]
    """float32: mean + std * z."""
    return np.float32(mean) + np.float32(std) * normal32(seed, offset, i)


@over_outputs(1)
def fill_normal64(i, mean, std, seed, offset):  # type: ignore[no-untyped-def]
    """float64: mean + std * z."""
    return mean + std * normal64(seed, offset, i)


@over_outputs(1)
def fill_randint(i, low, high, seed, offset):  # type: ignore[no-untyped-def]
    """int64 in [low, high): 64 random bits modulo the width (bias below width / 2**64)."""
    a, b, c, d = words(seed, offset, i >> 1)
    bits = (d << np.uint64(32) | c) if i & 1 else (b << np.uint64(32) | a)
    return low + np.int64(bits % np.uint64(high - low))


@over_outputs(1)
def fill_bernoulli(i, p, seed, offset):  # type: ignore[no-untyped-def]
    """1 with probability p, else 0, from word i."""
    return 1 if word(seed, offset, i) < p * 4294967296.0 else 0
