"""Matrix product of float32 numbers rounded to bfloat16, on the CPUs that have AMX.

A bfloat16 is the upper half of a float32. `tdpbf16ps` takes *pairs*, two neighbours along the steps of the product: a
tile of 16 rows of 16 pairs times a tile of 16 pairs of 16 columns, added in float32. Both operands are packed into such
tiles of 1 KB; a pair takes the place of one float32 of the workspace. Rounding is to nearest even, NaN stays NaN, and
subnormal numbers count as 0.

With `terms` = 3 each number is split into a bfloat16 and the rest, rounded too: x = high + low, and the product is
high * low + high * high + low * high, whose error is 2^-16 of the sum of the |a| |b|, not 2^-8.

The other instruction for pairs, `vdpbf16ps` of AVX512-BF16, did not pay where it was measured: 105 GFLOP/s on one
core, 35 with three terms, against 145 to 160 of the float32 product and 600 to 800 (280 to 420) of the tiles.

An element of C is summed in a fixed order, whoever computes it; the path depends on sizes alone.
"""

from __future__ import annotations

import ctypes
import functools
import platform
import sys
from collections.abc import Set
from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.core.codegen import get_host_cpu_features
from numba.extending import intrinsic

from nbnn import _jit
from nbnn.kernels._cpu import address_of, inner_ranges
from nbnn.kernels._gemm import BIAS_OF_COLUMNS, BIAS_OF_ROWS, NO_BIAS
from nbnn.kernels._simd import (
    _I8,
    _I32,
    _I64,
    LANES,
    Vector,
    _call,
    _load,
    _pointer,
    _store,
    gather,
    load,
    load_part,
    splat,
    store,
    store_part,
    zero,
)

_ARCH_REQ_XCOMP_PERM, _XFEATURE_TILE_DATA, _SYS_ARCH_PRCTL = 0x1023, 18, 158


def detected(features: Set[str]) -> bool:
    """Whether these features of a CPU are enough: from what LLVM compiles for, never from the name of the CPU."""
    return LANES == 16 and {"+avx512f", "+avx512bf16", "+amx-tile", "+amx-bf16"} <= features


@functools.cache
def available() -> bool:
    """Whether `gemm_bf16` runs here: the CPU has the instructions, and the system lends this process the registers."""
    if not detected(set(get_host_cpu_features().split(","))):
        return False
    if sys.platform != "linux" or platform.machine() != "x86_64":
        return False
    try:
        call = ctypes.CDLL(None).syscall
    except (OSError, AttributeError):
        return False
    call.restype, call.argtypes = ctypes.c_long, [ctypes.c_long] * 3
    return bool(call(_SYS_ARCH_PRCTL, _ARCH_REQ_XCOMP_PERM, _XFEATURE_TILE_DATA) == 0)


class _BFloat(ir.types._BaseFloatType):  # type: ignore[misc]
    """LLVM's bfloat, which llvmlite does not know."""

    null = "0.0"
    intrinsic_name = "bf16"

    def __str__(self) -> str:
        return "bfloat"


_BFloat._create_instance()
_F32X16 = ir.VectorType(ir.FloatType(), 16)
_I16X32 = ir.VectorType(ir.IntType(16), 32)
_I32X16 = ir.VectorType(_I32, 16)
_BF16X32 = ir.VectorType(_BFloat(), 32)
_PAIRS = Vector(types.float32, 16)

_SIDE = 16  # rows, pairs and columns of a tile
_TILE = _SIDE * _SIDE
_DEPTH = 1024  # steps per block: a packed panel of B is 64 KB
_ROWS = 1024  # rows of A packed at once, the second cache: of 2048 rows 600 GFLOP/s, in blocks of 512 rows 490
_CHUNKS = 32  # of one block of C, each with a packed panel of B and a tile of C of its own
_GRAIN = 1 << 20  # multiply-adds of one chunk


# Intrinsics: conversion.


@intrinsic
def round_run(typingctx, low, high):  # type: ignore[no-untyped-def]
    """32 numbers, those of `low` and then those of `high`, as 16 pairs of neighbours."""

    def codegen(context, builder, sig, args):  # type: ignore[no-untyped-def]
        wide = _call(builder, "llvm.x86.avx512bf16.cvtne2ps2bf16.512", _BF16X32, [args[1], args[0]])
        return builder.bitcast(wide, _F32X16)

    return _PAIRS(low, high), codegen


@intrinsic
def round_pairs(typingctx, first, second):  # type: ignore[no-untyped-def]
    """Lane i is the pair of lane i of `first` and lane i of `second`."""

    def codegen(context, builder, sig, args):  # type: ignore[no-untyped-def]
        wide = _call(builder, "llvm.x86.avx512bf16.cvtne2ps2bf16.512", _BF16X32, [args[1], args[0]])
        wide = builder.bitcast(wide, _I16X32)
        order = ir.Constant(ir.VectorType(_I32, 32), [i // 2 + i % 2 * 16 for i in range(32)])
        return builder.bitcast(builder.shuffle_vector(wide, wide, order), _F32X16)

    return _PAIRS(first, second), codegen


@intrinsic
def rest(typingctx, x):  # type: ignore[no-untyped-def]
    """What rounding to bfloat16 takes from each number."""

    def codegen(context, builder, sig, args):  # type: ignore[no-untyped-def]
        wide = _call(builder, "llvm.x86.avx512bf16.cvtne2ps2bf16.512", _BF16X32, [args[0], args[0]])
        half = builder.bitcast(wide, _I16X32)
        half = builder.shuffle_vector(half, half, ir.Constant(_I32X16, list(range(16))))
        bits = builder.shl(builder.zext(half, _I32X16), ir.Constant(_I32X16, [16] * 16))
        return builder.fsub(args[0], builder.bitcast(bits, _F32X16))

    return _PAIRS(x), codegen


@intrinsic
def turn(typingctx, array, index):  # type: ignore[no-untyped-def]
    """Transpose the 16 x 16 tile at ``array[index:]`` in place."""

    def codegen(context, builder, sig, args):  # type: ignore[no-untyped-def]
        start = _pointer(context, builder, sig.args[0], args[0], args[1])
        at = [builder.gep(start, [_I64(r * _SIDE)], inbounds=True) for r in range(_SIDE)]
        rows = [_load(builder, p, _PAIRS) for p in at]
        half = _SIDE // 2
        while half:  # swap the off-diagonal blocks of half x half
            upper = [i + (0 if i & half == 0 else _SIDE - half) for i in range(_SIDE)]
            lower = [i + half if i & half == 0 else i + _SIDE for i in range(_SIDE)]
            for r in range(_SIDE):
                if r & half == 0:
                    a, b = rows[r], rows[r + half]
                    rows[r] = builder.shuffle_vector(a, b, ir.Constant(_I32X16, upper))
                    rows[r + half] = builder.shuffle_vector(a, b, ir.Constant(_I32X16, lower))
            half //= 2
        for p, row in zip(at, rows, strict=True):
            _store(builder, row, p, _PAIRS)
        return context.get_dummy_value()

    return types.void(array, types.intp), codegen


# Intrinsics: products.


def _amx(builder: Any, name: str, *args: Any) -> None:
    _call(builder, f"llvm.x86.{name}", ir.VoidType(), list(args))


def _amx_load(builder: Any, register: int, pointer: Any, stride: Any) -> None:
    _amx(builder, "tileloadd64", _I8(register), builder.bitcast(pointer, _I8.as_pointer()), stride)


def _amx_products(builder: Any) -> None:
    """Registers 0 to 3, the accumulators, += registers 4, 5 (rows) times 6, 7 (columns)."""
    for r in range(2):
        for c in range(2):
            _amx(builder, "tdpbf16ps", _I8(2 * r + c), _I8(4 + r), _I8(6 + c))


def _amx_operands(builder: Any, first: int, start: Any, apart: Any) -> None:
    for i in range(2):
        at = builder.gep(start, [builder.mul(apart, _I64(i))], inbounds=True)
        _amx_load(builder, first + i, at, _I64(64))


@intrinsic
def amx_begin(typingctx, array):  # type: ignore[no-untyped-def]
    """Configure all eight registers as 16 rows of 64 bytes."""

    def codegen(context, builder, sig, args):  # type: ignore[no-untyped-def]
        data = [1] + [0] * 15 + [64, 0] * 8 + [0] * 16 + [16] * 8 + [0] * 8
        shape = ir.Constant(ir.ArrayType(_I8, 64), data)
        table = cgutils.global_constant(builder.module, "nbnn_amx_shape", shape)
        _amx(builder, "ldtilecfg", builder.bitcast(table, _I8.as_pointer()))
        return context.get_dummy_value()

    return types.void(array), codegen


@intrinsic
def amx_end(typingctx, array):  # type: ignore[no-untyped-def]
    """Give the registers back: a thread that holds them pays for them at every switch."""

    def codegen(context, builder, sig, args):  # type: ignore[no-untyped-def]
        _amx(builder, "tilerelease")
        return context.get_dummy_value()

    return types.void(array), codegen


@intrinsic
def amx_zero(typingctx, array):  # type: ignore[no-untyped-def]
    """Clear the accumulators."""

    def codegen(context, builder, sig, args):  # type: ignore[no-untyped-def]
        for register in range(4):
            _amx(builder, "tilezero", _I8(register))
        return context.get_dummy_value()

    return types.void(array), codegen


def _accumulators(name: str) -> Any:
    def typing(typingctx, array, index, stride):  # type: ignore[no-untyped-def]
        def codegen(context, builder, sig, args):  # type: ignore[no-untyped-def]
            start = _pointer(context, builder, sig.args[0], args[0], args[1])
            size = builder.mul(args[2], _I64(4))
            for r in range(2):
                for c in range(2):
                    offset = builder.add(builder.mul(args[2], _I64(r * _SIDE)), _I64(c * _SIDE))
                    at = builder.bitcast(builder.gep(start, [offset], inbounds=True), _I8.as_pointer())
                    _amx(builder, name, _I8(2 * r + c), at, size)
            return context.get_dummy_value()

        return types.void(array, types.intp, types.intp), codegen

    return intrinsic(typing)


amx_load = _accumulators("tileloadd64")  # (array, index, stride): the accumulators, two by two
amx_store = _accumulators("tilestored64")


@intrinsic
def amx_step(typingctx, a, a_index, a_apart, b, b_index):  # type: ignore[no-untyped-def]
    """Add two tiles of A (`a_apart` numbers from each other) times two tiles of B."""

    def codegen(context, builder, sig, args):  # type: ignore[no-untyped-def]
        _amx_operands(builder, 4, _pointer(context, builder, sig.args[0], args[0], args[1]), args[2])
        _amx_operands(builder, 6, _pointer(context, builder, sig.args[3], args[3], args[4]), _I64(_TILE))
        _amx_products(builder)
        return context.get_dummy_value()

    return types.void(a, types.intp, types.intp, b, types.intp), codegen


@intrinsic
def amx_split_step(typingctx, a, a_index, a_apart, a_low, b, b_index, b_low):  # type: ignore[no-untyped-def]
    """`amx_step` for split operands, whose low terms lie `a_low` and `b_low` numbers behind the high ones."""

    def codegen(context, builder, sig, args):  # type: ignore[no-untyped-def]
        a_high = _pointer(context, builder, sig.args[0], args[0], args[1])
        b_high = _pointer(context, builder, sig.args[4], args[4], args[5])
        _amx_operands(builder, 4, a_high, args[2])
        _amx_operands(builder, 6, builder.gep(b_high, [args[6]], inbounds=True), _I64(_TILE))
        _amx_products(builder)
        _amx_operands(builder, 6, b_high, _I64(_TILE))
        _amx_products(builder)
        _amx_operands(builder, 4, builder.gep(a_high, [args[3]], inbounds=True), args[2])
        _amx_products(builder)
        return context.get_dummy_value()

    return types.void(a, *(types.intp,) * 3, b, *(types.intp,) * 2), codegen


# Packing.


def _run(x, at, step, count):  # type: ignore[no-untyped-def]
    """16 numbers `step` apart from which `count` exist; the others are 0."""
    if count <= 0:
        return zero(x)
    if step == 1:
        if count >= 16:
            return load(x, at)
        return load_part(x, at, count)
    return gather(x, at, step, min(count, 16))


_load_run = _jit.jit(_run, inner=True)


def _pack_tile(w, w_at, low, x, x_at, across, along, count, steps, by_step, split):  # type: ignore[no-untyped-def]
    """One tile: pairs along the steps of `count` rows, by row, or where `by_step` transposed; zeros beyond the edge.

    Rows are read along their steps, or where they lie side by side step by step; then the tile may need a turn.
    """
    beside = across == 1 and along != 1
    for i in range(16):
        if beside:
            first = _load_run(x, x_at + 2 * i * along, 1, count if 2 * i < steps else 0)
            second = _load_run(x, x_at + (2 * i + 1) * along, 1, count if 2 * i + 1 < steps else 0)
            store(w, w_at + 16 * i, round_pairs(first, second))
            if split:
                store(w, w_at + low + 16 * i, round_pairs(rest(first), rest(second)))
        else:
            first = _load_run(x, x_at + i * across, along, steps if i < count else 0)
            second = _load_run(x, x_at + i * across + 16 * along, along, steps - 16 if i < count else 0)
            store(w, w_at + 16 * i, round_run(first, second))
            if split:
                store(w, w_at + low + 16 * i, round_run(rest(first), rest(second)))
    if beside != (by_step != 0):
        turn(w, w_at)
        if split:
            turn(w, w_at + low)


pack_tile = _jit.jit(_pack_tile, inner=True)


@inner_ranges
def _pack_rows(start, stop, grain, w, w_at, low, a, a_at, a_row, a_col, m, k, split):  # type: ignore[no-untyped-def]
    """Item = 16 rows of A."""
    tiles = (k + 31) // 32
    for group in range(start, stop):
        for t in range(tiles):
            at = w_at + (group * tiles + t) * 256
            source = a_at + group * 16 * a_row + t * 32 * a_col
            pack_tile(w, at, low, a, source, a_row, a_col, m - group * 16, k - t * 32, 0, split)


# One panel of C: the products.


def _edge(c, c_at, ldc, w, w_at, rows, columns, fresh):  # type: ignore[no-untyped-def]
    """Add the part of a tile of 32 x 32 numbers in the workspace that lies inside C."""
    for r in range(rows):
        for j in range(0, columns, 16):
            value = load(w, w_at + 32 * r + j)
            at = c_at + r * ldc + j
            if not fresh:
                value += load_part(c, at, columns - j)
            store_part(c, at, value, columns - j)


_add_edge = _jit.jit(_edge, inner=True)


def _by_tiles(c, c_at, ldc, a, a_at, a_low, b, b_at, b_low, tiles, rows, columns, fresh, split, w, w_at):  # type: ignore[no-untyped-def]
    """Rows of a panel of C (+)= packed A times a packed panel of B, on AMX."""
    amx_begin(c)
    for i in range(0, rows, 32):
        high, at = min(32, rows - i), c_at + i * ldc
        full = high == 32 and columns == 32
        if full and not fresh:
            amx_load(c, at, ldc)
        else:
            amx_zero(c)
        left, right = a_at + i * tiles * 16, b_at
        for _ in range(tiles):
            if split:
                amx_split_step(a, left, tiles * 256, a_low, b, right, b_low)
            else:
                amx_step(a, left, tiles * 256, b, right)
            left += 256
            right += 512
        if full:
            amx_store(c, at, ldc)
        else:
            amx_store(w, w_at, 32)
            _add_edge(c, at, ldc, w, w_at, high, columns, fresh)
    amx_end(c)


_multiply = _jit.jit(_by_tiles, inner=True)


def _bias_rows(c, c_at, ldc, rows, columns, bias, bias_at, step):  # type: ignore[no-untyped-def]
    """Rows of a panel of C become the bias: one number for each row (`step` = 1), or one vector (0)."""
    for i in range(rows):
        for j in range(0, columns, 16):
            value = splat(bias[bias_at + i]) if step else load_part(bias, bias_at + j, columns - j)
            store_part(c, c_at + i * ldc + j, value, columns - j)


_fill_bias = _jit.jit(_bias_rows, inner=True)


@_jit.shared
def _row_blocks(m, panels):  # type: ignore[no-untyped-def]
    """Blocks that the rows are cut into, so that also few panels of columns give several items."""
    return max(1, min(8 // max(1, panels), m // 64))


@_jit.shared
def _item_grain(m, n, depth):  # type: ignore[no-untyped-def]
    """Items (block of rows, panel of columns) in one chunk."""
    panels = (n + 31) // 32
    blocks = _row_blocks(m, panels)
    work = max(1, (m + blocks - 1) // blocks * 32 * depth)
    return max(1, _GRAIN // work, (panels * blocks + _CHUNKS - 1) // _CHUNKS)


@_jit.shared
def _depth(k):  # type: ignore[no-untyped-def]
    """Steps of one block, a multiple of 32."""
    blocks = max(1, (k + _DEPTH - 1) // _DEPTH)
    return ((k + blocks - 1) // blocks + 31) // 32 * 32


@_jit.shared
def workspace_bf16(m, n, k, terms):  # type: ignore[no-untyped-def]
    """Numbers of scratch space that `gemm_bf16` needs: at most 2.2 million."""
    depth, rows = _depth(k), min(m, _ROWS)
    panels = (n + 31) // 32
    items, grain = panels * _row_blocks(rows, panels), _item_grain(rows, n, depth)
    chunks = (items + grain - 1) // grain
    parts = 1 if terms == 1 else 2
    return parts * depth // 2 * ((rows + 31) // 32 * 32 + 32 * chunks) + 1024 * chunks + 16


@inner_ranges
def _panels(
    start, stop, grain, c, c_at, ldc, a, a_at, a_low, b, b_at, b_row, b_col, w, w_at, m, n, k, bias, bias_at, lead,
    fresh, split
):  # type: ignore[no-untyped-def]  # fmt: skip
    """Item = (panel of columns, block of rows): pack the panel of B, and multiply."""
    tiles = (k + 31) // 32
    blocks = _row_blocks(m, (n + 31) // 32)
    rows = ((m + blocks - 1) // blocks + 31) // 32 * 32
    w_at += start // grain * (1024 + tiles * 512 * (2 if split else 1))
    b_low, right, last = tiles * 512, w_at + 1024, -1
    for item in range(start, stop):
        panel, first = item // blocks, item % blocks * rows
        j = panel * 32
        columns, high = min(32, n - j), min(m - first, rows)
        if panel != last:
            for t in range(2 * tiles):
                half, step = t % 2 * 16, t // 2 * 32
                source = b_at + (j + half) * b_col + step * b_row
                pack_tile(w, right + t * 256, b_low, b, source, b_col, b_row, columns - half, k - step, 1, split)
            last = panel
        if high <= 0:
            continue
        at = c_at + first * ldc + j
        if lead == BIAS_OF_ROWS:
            _fill_bias(c, at, ldc, high, columns, bias, bias_at + first, 1)
        elif lead == BIAS_OF_COLUMNS:
            _fill_bias(c, at, ldc, high, columns, bias, j, 0)
        new = fresh and lead == NO_BIAS
        left = a_at + first * tiles * 16
        _multiply(c, at, ldc, a, left, a_low, w, right, b_low, tiles, high, columns, new, split, w, w_at)


_run_pack, _run_panels = _pack_rows.cpu, _panels.cpu


@_jit.jit
def gemm_bf16(
    c, c_at, a, a_at, b, b_at, bias, by_row, m, n, k, a_row, a_col, b_row, b_col, ldc, workspace, w_at, pool, terms
):  # type: ignore[no-untyped-def]
    """C = A @ B + bias on numbers rounded to bfloat16: the arguments of `gemm`, for float32 arrays alone.

    `terms` is 1, or 3 for numbers split in two; `workspace` has ``workspace_bf16(m, n, k, terms)`` numbers.
    """
    lead, added, split = NO_BIAS, c, terms != 1
    if bias is not None:
        lead, added = BIAS_OF_ROWS if by_row else BIAS_OF_COLUMNS, bias
    w = workspace
    w_at += -(address_of(w) // w.itemsize + w_at) % (64 // w.itemsize)  # a tile begins at a cache line
    panels, deep = (n + 31) // 32, _depth(k)
    for i in range(0, m, _ROWS):
        rows = min(_ROWS, m - i)
        groups = (rows + 31) // 32 * 2
        items, grain = panels * _row_blocks(rows, panels), _item_grain(rows, n, deep)
        p = 0
        while p == 0 or p < k:
            depth = min(deep, k - p)
            low = groups * 16 * ((depth + 31) // 32 * 16)
            args = (w, w_at, low, a, a_at + i * a_row + p * a_col, a_row, a_col, rows, depth, split)
            _run_pack(args, 0, groups, max(1, 65536 // max(1, depth * 16)), pool)
            first = lead
            if p > 0:
                first = NO_BIAS
            behind = w_at + low * (2 if split else 1)
            args = (c, c_at + i * ldc, ldc, w, w_at, low, b, b_at + p * b_row, b_row, b_col, w, behind,
                    rows, n, depth, added, i, first, p == 0, split)  # fmt: skip
            _run_panels(args, 0, items, grain, pool)
            p += max(1, deep)
