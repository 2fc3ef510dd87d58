"""Copies from one strided array into another.

Both walk one index space of six axes (d0, ..., d4, n); each has an offset and six strides, 0 where it repeats. Whoever
calls has dropped axes of size 1, put those with the longest strides of the output first and merged what can be walked
as one axis (`nbnn._layout`), so that few of the six are longer than 1.

On the CPU a copy runs row by row, and where the source has its neighbours along another axis than the output, in square
tiles that are turned in registers: 1024 x 1024 float32 transposed in 0.40 ms, where a loop over elements takes 7.3 ms
and a plain copy 0.30 ms.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from nbnn import _jit
from nbnn.kernels._cpu import inner_ranges, over_rows
from nbnn.kernels._simd import LANES
from nbnn.kernels._vecmath import natural

_I32, _I64 = ir.IntType(32), ir.IntType(64)

SEGMENT = 4096  # elements of a long row that are one item of work
CHUNK = 16384  # elements that are worth a thread
BLOCK = 64  # rows and columns of a block of tiles; 32 to 256 measured the same, whole bands of tiles 3 times slower

# Blocks are walked in bands of so many blocks of output rows, 2 KB of each row of the source at a time: a source of
# more pages than the processor remembers is looked up page by page (2048 x 2048 float32: 5.7 ms instead of 7.6).
BAND = 8


@_jit.jit
def row_offset(row, d1, d2, d3, d4, t0, t1, t2, t3, t4):
    """Where row `row` of a strided array starts, its outer axes being (d0, d1, d2, d3, d4) with strides t0..t4."""
    i4 = row % d4
    row //= d4
    i3 = row % d3
    row //= d3
    i2 = row % d2
    row //= d2
    i1 = row % d1
    return (row // d1) * t0 + i1 * t1 + i2 * t2 + i3 * t3 + i4 * t4


@over_rows
def move(row, out, x, d1, d2, d3, d4, n, out_at, t0, t1, t2, t3, t4, t5, x_at, s0, s1, s2, s3, s4, s5):
    """out[out_at + ... + j t5] = x[x_at + ... + j s5], row by row of the last axis."""
    to = out_at + row_offset(row, d1, d2, d3, d4, t0, t1, t2, t3, t4)
    source = x_at + row_offset(row, d1, d2, d3, d4, s0, s1, s2, s3, s4)
    for j in range(n):
        out[natural(to + j * t5)] = x[natural(source + j * s5)]


@inner_ranges
def _move_rows(start, stop, grain, out, x, sizes, out_at, strides, x_at, x_strides):
    """`move`, where an item is a row, or a segment of a long one."""
    _, d1, d2, d3, d4, n = sizes
    t0, t1, t2, t3, t4, t5 = strides
    s0, s1, s2, s3, s4, s5 = x_strides
    segments = (n + SEGMENT - 1) // SEGMENT
    item = start
    while item < stop:
        row = item // segments
        first = (item - row * segments) * SEGMENT
        count = min(SEGMENT, n - first)
        run = 1 if segments > 1 else min(d4 - row % d4, stop - item)  # rows between two divisions
        to = out_at + row_offset(row, d1, d2, d3, d4, t0, t1, t2, t3, t4) + first * t5
        source = x_at + row_offset(row, d1, d2, d3, d4, s0, s1, s2, s3, s4) + first * s5
        for _ in range(run):
            if t5 == 1 and s5 == 1:  # loops of their own, so that LLVM sees the steps and vectorises
                for j in range(count):
                    out[natural(to + j)] = x[natural(source + j)]
            elif t5 == 1 and s5 == 0:
                value = x[natural(source)]
                for j in range(count):
                    out[natural(to + j)] = value
            else:
                for j in range(count):
                    out[natural(to + j * t5)] = x[natural(source + j * s5)]
            to += t4
            source += s4
        item += run


def _turned(builder: Any, rows: list) -> list:
    """The transpose of a square of vectors: log2(n) times, halves of pairs of rows change places."""
    n = len(rows)
    indices = ir.VectorType(_I32, n)
    half = 1
    while half < n:
        low = ir.Constant(indices, [n + c - half if c & half else c for c in range(n)])
        high = ir.Constant(indices, [n + c if c & half else c + half for c in range(n)])
        for i in range(n):
            if not i & half:
                a, b = rows[i], rows[i | half]
                rows[i], rows[i | half] = builder.shuffle_vector(a, b, low), builder.shuffle_vector(a, b, high)
        half *= 2
    return rows


def _side(dtype: Any) -> int:
    """Rows of a tile: the elements of one register, at most 16."""
    return min(16, 4 * LANES // (getattr(dtype, "bitwidth", 8) // 8))


@intrinsic
def tile_side(typingctx, x):  # type: ignore[no-untyped-def]
    side = _side(x.dtype)
    return types.intp(x), lambda context, builder, sig, args: _I64(side)


@intrinsic
def tile_turn(typingctx, out, to, out_step, x, source, x_step):  # type: ignore[no-untyped-def]
    """out[to + i * out_step + j] = x[source + i + j * x_step] for the i and j of a tile."""
    n = _side(x.dtype)

    def pointers(context, builder, kind, array, at, step):  # type: ignore[no-untyped-def]
        data = builder.gep(context.make_array(kind)(context, builder, array).data, [at])
        vector = ir.VectorType(data.type.pointee, n).as_pointer()
        return [builder.bitcast(builder.gep(data, [builder.mul(step, _I64(r))]), vector) for r in range(n)]

    def codegen(context, builder, sig, args):  # type: ignore[no-untyped-def]
        align = getattr(x.dtype, "bitwidth", 8) // 8
        rows = [builder.load(p, align=align) for p in pointers(context, builder, sig.args[3], *args[3:])]
        targets = pointers(context, builder, sig.args[0], *args[:3])
        for value, pointer in zip(_turned(builder, rows), targets, strict=True):
            builder.store(value, pointer, align=align)
        return context.get_dummy_value()

    return types.void(out, types.intp, types.intp, x, types.intp, types.intp), codegen


@inner_ranges
def _move_tiles(start, stop, grain, out, x, sizes, out_at, strides, x_at, x_strides):
    """`move` for s4 = t5 = 1: planes of m x n elements, where an item is a block of a plane."""
    _, d1, d2, d3, m, n = sizes
    t0, t1, t2, t3, t4, _ = strides
    s0, s1, s2, s3, _, s5 = x_strides
    side = tile_side(x)
    rows, columns = (m + BLOCK - 1) // BLOCK, (n + BLOCK - 1) // BLOCK
    for item in range(start, stop):
        plane = item // (rows * columns)
        block = item - plane * (rows * columns)
        band = block // (BAND * columns)
        block -= band * BAND * columns
        height = min(BAND, rows - band * BAND)
        low, left = (band * BAND + block % height) * BLOCK, block // height * BLOCK
        high, right = min(m, low + BLOCK), min(n, left + BLOCK)
        to = out_at + row_offset(plane, d1, d2, d3, 1, t0, t1, t2, t3, 0)
        source = x_at + row_offset(plane, d1, d2, d3, 1, s0, s1, s2, s3, 0)
        if m < side or n < side:
            for i in range(low, high):
                for j in range(left, right):
                    out[natural(to + i * t4 + j)] = x[natural(source + i + j * s5)]
            continue
        for i in range(low, high, side):
            i = min(i, m - side)  # the last tile overlaps with the one before it
            for j in range(left, right, side):
                j = min(j, n - side)
                tile_turn(out, to + i * t4 + j, t4, x, source + i + j * s5, s5)


_rows_cpu, _tiles_cpu = _move_rows.cpu, _move_tiles.cpu


@_jit.jit
def move_rows_fast(out, x, sizes, out_at, strides, x_at, x_strides, pool):
    """`move` on the CPU: the sizes of the six axes, and of each side its offset and six strides."""
    n = sizes[5]
    items = sizes[0] * sizes[1] * sizes[2] * sizes[3] * sizes[4] * ((n + SEGMENT - 1) // SEGMENT)
    grain = 1 + CHUNK // min(n, SEGMENT)
    _rows_cpu((out, x, sizes, out_at, strides, x_at, x_strides), 0, items, grain, pool)


@_jit.jit
def move_tiles_fast(out, x, sizes, out_at, strides, x_at, x_strides, pool):
    """`move_rows_fast` where the output runs along axis 5 and the source along axis 4."""
    blocks = ((sizes[4] + BLOCK - 1) // BLOCK) * ((sizes[5] + BLOCK - 1) // BLOCK)
    items = sizes[0] * sizes[1] * sizes[2] * sizes[3] * blocks
    grain = CHUNK // (BLOCK * BLOCK)
    _tiles_cpu((out, x, sizes, out_at, strides, x_at, x_strides), 0, items, grain, pool)
