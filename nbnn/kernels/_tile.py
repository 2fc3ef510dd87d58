"""Tiles for products that read their operands where they lie: rows at any place, columns cut at the edge.

Beside `_simd`, whose helpers it uses: what only `_gemm` needs.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from nbnn.kernels._simd import (
    _I32,
    _I64,
    Vector,
    _call,
    _cell_pointer,
    _cells,
    _first,
    _fma,
    _load_masked,
    _pointer,
    _splat,
    _store,
    _tile_of,
)


@intrinsic(prefer_literal=True)
def row_offsets(typingctx, step, count, rows):  # type: ignore[no-untyped-def]
    """``(0, step, 2 * step, ...)``: `rows` (a literal) of them; from `count` on the last one again.

    A tile always works on all its rows: those beyond the edge read the last row once more and are not stored.
    """
    many = rows.literal_value

    def codegen(context, builder, sig, args):  # type: ignore[no-untyped-def]
        last = builder.sub(args[1], _I64(1))
        offsets = []
        for r in range(many):
            row = builder.select(builder.icmp_signed("<", _I64(r), last), _I64(r), last)
            offsets.append(builder.mul(row, args[0]))
        return context.make_tuple(builder, sig.return_type, offsets)

    return types.UniTuple(types.intp, many)(types.intp, types.intp, rows), codegen


@intrinsic(prefer_literal=True)
def tile_of_rows(typingctx, array, index, offsets, columns):  # type: ignore[no-untyped-def]
    """The tile of `columns` vectors whose row r is ``array[index + offsets[r]]`` in every lane."""
    tile = _tile_of(array, types.literal(len(offsets)), columns)

    def codegen(context, builder, sig, args):  # type: ignore[no-untyped-def]
        start = _pointer(context, builder, sig.args[0], args[0], args[1])
        value = ir.Constant(tile.llvm, ir.Undefined)
        for i, r, _ in _cells(tile):
            number = builder.load(builder.gep(start, [builder.extract_value(args[2], r)], inbounds=True))
            value = builder.insert_value(value, _splat(builder, number, tile.vector.llvm), i)
        return value

    return tile(array, types.intp, offsets, columns), codegen


@intrinsic
def tile_outer_part(typingctx, tile, a, a_index, a_offsets, b, b_index, count):  # type: ignore[no-untyped-def]
    """`tile_outer_at` of which only the first `count` numbers of the row of B are read; the others are 0."""
    vector = tile.vector

    def codegen(context, builder, sig, args):  # type: ignore[no-untyped-def]
        value, a_value, a_at, offsets, b_value, b_at, width = args
        left = _pointer(context, builder, sig.args[1], a_value, a_at)
        right = _pointer(context, builder, sig.args[4], b_value, b_at)
        row = []
        for c in range(tile.columns):
            mask = _first(builder, width, vector.lanes, c * vector.lanes)
            row.append(_load_masked(builder, _cell_pointer(builder, right, _I64(0), tile, 0, c), mask, vector))
        for r in range(tile.rows):
            number = builder.load(builder.gep(left, [builder.extract_value(offsets, r)], inbounds=True))
            factor = _splat(builder, number, vector.llvm)
            for c in range(tile.columns):
                i = r * tile.columns + c
                cell = _fma(builder, factor, row[c], builder.extract_value(value, i), vector)
                value = builder.insert_value(value, cell, i)
        return value

    many = types.UniTuple(types.intp, tile.rows)
    return tile(tile, a, types.intp, many, b, types.intp, types.intp), codegen


@intrinsic
def tile_rectified(typingctx, tile):  # type: ignore[no-untyped-def]
    """Each number, or 0 where it is 0 or below; NaN stays."""

    def codegen(context, builder, sig, args):  # type: ignore[no-untyped-def]
        value, zeros = args[0], ir.Constant(tile.vector.llvm, None)
        for i, _, _ in _cells(tile):
            cell = builder.extract_value(value, i)
            cell = builder.select(builder.fcmp_ordered("<=", cell, zeros), zeros, cell)
            value = builder.insert_value(value, cell, i)
        return value

    return tile(tile), codegen


@intrinsic
def tile_prefetch(typingctx, tile, array, index, stride):  # type: ignore[no-untyped-def]
    """Ask for the cache lines of the tile whose row r begins at ``array[index + r * stride]``, which need not exist."""

    def codegen(context, builder, sig, args):  # type: ignore[no-untyped-def]
        data = context.make_array(sig.args[1])(context, builder, args[1]).data
        for _, r, c in _cells(tile):
            at = builder.add(builder.mul(args[3], _I64(r)), _I64(c * tile.vector.lanes))
            line: Any = builder.bitcast(builder.gep(data, [builder.add(args[2], at)]), ir.IntType(8).as_pointer())
            _call(builder, "llvm.prefetch.p0", ir.VoidType(), [line, _I32(1), _I32(3), _I32(1)])
        return context.get_dummy_value()

    return types.void(tile, array, types.intp, types.intp), codegen


@intrinsic
def tile_store_fours(typingctx, tile, array, index, stride):  # type: ignore[no-untyped-def]
    """Write a tile of four rows and one vector transposed: lane c of the rows to ``array[index + c * stride:]``.

    Shuffles that stay within groups of four lanes: half the time of `tile_store_columns`, whose go across the vector.
    """
    if tile.rows != 4 or tile.columns != 1 or tile.vector.lanes < 2:
        return None
    wide = tile.vector.lanes

    def mix(builder, a, b, order):  # type: ignore[no-untyped-def]
        """In each group of lanes: those of `order`, which counts through the group in `a`, then in `b`."""
        group = len(order)
        numbers = [g + k % group + k // group * wide for g in range(0, wide, group) for k in order]
        return builder.shuffle_vector(a, b, ir.Constant(ir.VectorType(_I32, len(numbers)), numbers))

    def codegen(context, builder, sig, args):  # type: ignore[no-untyped-def]
        start = _pointer(context, builder, sig.args[1], args[1], args[2])
        rows = [builder.extract_value(args[0], r) for r in range(4)]
        if wide == 2:
            pairs = [(mix(builder, a, b, (0, 2)), mix(builder, a, b, (1, 3))) for a, b in (rows[:2], rows[2:])]
            numbers = ir.Constant(ir.VectorType(_I32, 4), [0, 1, 2, 3])
            columns = [builder.shuffle_vector(pairs[0][c], pairs[1][c], numbers) for c in range(2)]
        else:
            low = [mix(builder, rows[r], rows[r + 1], (0, 4, 1, 5)) for r in (0, 2)]
            high = [mix(builder, rows[r], rows[r + 1], (2, 6, 3, 7)) for r in (0, 2)]
            columns = [mix(builder, *half, order) for half in (low, high) for order in ((0, 1, 4, 5), (2, 3, 6, 7))]
        for c in range(wide):
            numbers = ir.Constant(ir.VectorType(_I32, 4), list(range(c // 4 * 4, c // 4 * 4 + 4)))
            column = columns[c % 4]
            pointer = builder.gep(start, [builder.mul(args[3], _I64(c))], inbounds=True)
            _store(builder, builder.shuffle_vector(column, column, numbers), pointer, Vector(tile.vector.dtype, 4))
        return context.get_dummy_value()

    return types.void(tile, array, types.intp, types.intp), codegen
