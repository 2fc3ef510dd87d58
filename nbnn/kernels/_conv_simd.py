"""Vectors for tiles of pixels: windows of a padded row, and four vectors dealt out by their remainder modulo four."""

from __future__ import annotations

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from nbnn.kernels._simd import _I32, Tile, _first, _load_masked, _store_masked, _vector_of


@intrinsic
def load_window(typingctx, array, row, offset, width):  # type: ignore[no-untyped-def]
    """The vector at ``array[row + offset:]`` of which only ``array[row : row + width]`` is read, else 0."""
    vector = _vector_of(array.dtype, None)

    def codegen(context, builder, sig, args):  # type: ignore[no-untyped-def]
        data = context.make_array(sig.args[0])(context, builder, args[0]).data
        pointer = builder.gep(data, [builder.add(args[1], args[2])])
        mask = _between(builder, builder.neg(args[2]), builder.sub(args[3], args[2]), vector.lanes)
        return _load_masked(builder, pointer, mask, vector)

    return vector(array, types.intp, types.intp, types.intp), codegen


@intrinsic
def load_pair(typingctx, array, first, count, second, more):  # type: ignore[no-untyped-def]
    """`count` numbers from ``array[first:]``, then `more` from ``array[second:]``; nothing else is read."""
    vector = _vector_of(array.dtype, None)

    def codegen(context, builder, sig, args):  # type: ignore[no-untyped-def]
        data, (count, more) = context.make_array(sig.args[0])(context, builder, args[0]).data, (args[2], args[4])
        low = _first(builder, count, vector.lanes)
        high = _between(builder, count, builder.add(count, more), vector.lanes)
        left = _load_masked(builder, builder.gep(data, [args[1]]), low, vector)
        right = _load_masked(builder, builder.gep(data, [builder.sub(args[3], count)]), high, vector)
        return builder.select(low, left, right)

    return vector(array, *(types.intp,) * 4), codegen


@intrinsic
def store_window(typingctx, array, index, value, first, stop):  # type: ignore[no-untyped-def]
    """Write lanes `first` to `stop` of a vector to ``array[index + first : index + stop]``; `index` may lie outside."""

    def codegen(context, builder, sig, args):  # type: ignore[no-untyped-def]
        data = context.make_array(sig.args[0])(context, builder, args[0]).data
        mask = _between(builder, args[3], args[4], value.lanes)
        _store_masked(builder, args[2], builder.gep(data, [args[1]]), mask, value)
        return context.get_dummy_value()

    return types.void(array, types.intp, value, types.intp, types.intp), codegen


@intrinsic
def store_every_second(typingctx, array, index, value, count):  # type: ignore[no-untyped-def]
    """Write lane k of a vector to ``array[index + 2 * k]`` for k < count; what lies between is not touched."""
    lanes = value.lanes

    def codegen(context, builder, sig, args):  # type: ignore[no-untyped-def]
        data = context.make_array(sig.args[0])(context, builder, args[0]).data
        even = ir.Constant(ir.VectorType(ir.IntType(1), lanes), [k % 2 == 0 for k in range(lanes)])
        stop = builder.add(args[3], args[3])
        for half in range(2):
            twice = builder.shuffle_vector(args[2], args[2], _mask([half * lanes // 2 + k // 2 for k in range(lanes)]))
            pointer = builder.gep(data, [builder.add(args[1], args[1].type(half * lanes))])
            mask = builder.and_(even, _first(builder, stop, lanes, half * lanes))
            _store_masked(builder, twice, pointer, mask, value)
        return context.get_dummy_value()

    return types.void(array, types.intp, value, types.intp), codegen


def _between(builder, first, stop, lanes):  # type: ignore[no-untyped-def]
    """Mask of the lanes from `first` on and below `stop`."""
    return builder.and_(builder.not_(_first(builder, first, lanes)), _first(builder, stop, lanes))


def _mask(numbers: list[int]) -> ir.Constant:
    return ir.Constant(ir.VectorType(_I32, len(numbers)), numbers)


@intrinsic
def evens(typingctx, a, b):  # type: ignore[no-untyped-def]
    """Numbers 0, 2, 4, ... of two vectors in a row."""
    return a(a, a), lambda context, builder, sig, args: builder.shuffle_vector(
        args[0], args[1], _mask(list(range(0, 2 * a.lanes, 2)))
    )


@intrinsic
def odds(typingctx, a, b):  # type: ignore[no-untyped-def]
    """Numbers 1, 3, 5, ... of two vectors in a row."""
    return a(a, a), lambda context, builder, sig, args: builder.shuffle_vector(
        args[0], args[1], _mask(list(range(1, 2 * a.lanes, 2)))
    )


@intrinsic
def deal(typingctx, a, b, c, d):  # type: ignore[no-untyped-def]
    """Numbers 0, 4, 8, ... of four vectors in a row, then numbers 1, 5, 9, ..., and so on: four vectors."""
    many, lanes = types.UniTuple(a, 4), a.lanes

    def codegen(context, builder, sig, args):  # type: ignore[no-untyped-def]
        even, odd = _mask(list(range(0, 2 * lanes, 2))), _mask(list(range(1, 2 * lanes, 2)))
        evens = [builder.shuffle_vector(args[k], args[k + 1], even) for k in (0, 2)]
        odds = [builder.shuffle_vector(args[k], args[k + 1], odd) for k in (0, 2)]
        dealt = [builder.shuffle_vector(*pair, half) for half in (even, odd) for pair in (evens, odds)]
        return context.make_tuple(builder, many, dealt)

    return many(a, a, a, a), codegen


@intrinsic
def collect(typingctx, a, b, c, d):  # type: ignore[no-untyped-def]
    """The inverse of `deal`."""
    many, lanes = types.UniTuple(a, 4), a.lanes

    def codegen(context, builder, sig, args):  # type: ignore[no-untyped-def]
        low = _mask([k // 2 + lanes * (k % 2) for k in range(lanes)])
        high = _mask([(k + lanes) // 2 + lanes * (k % 2) for k in range(lanes)])
        evens = [builder.shuffle_vector(args[0], args[2], half) for half in (low, high)]
        odds = [builder.shuffle_vector(args[1], args[3], half) for half in (low, high)]
        pairs = zip(evens, odds, strict=True)
        merged = [builder.shuffle_vector(*pair, half) for pair in pairs for half in (low, high)]
        return context.make_tuple(builder, many, merged)

    return many(a, a, a, a), codegen


@intrinsic
def next_lane(typingctx, a):  # type: ignore[no-untyped-def]
    """Lane r is lane r + 1 of `a`; the last is the first."""
    return a(a), lambda context, builder, sig, args: builder.shuffle_vector(
        args[0], args[0], _mask([(k + 1) % a.lanes for k in range(a.lanes)])
    )


@intrinsic
def prefetch(typingctx, array, index):  # type: ignore[no-untyped-def]
    """Ask for the cache line of ``array[index]``, which need not exist."""

    def codegen(context, builder, sig, args):  # type: ignore[no-untyped-def]
        data = context.make_array(sig.args[0])(context, builder, args[0]).data
        pointer = builder.bitcast(builder.gep(data, [args[1]]), ir.IntType(8).as_pointer())
        kind = ir.FunctionType(ir.VoidType(), [pointer.type, _I32, _I32, _I32])
        function = cgutils.get_or_insert_function(builder.module, kind, "llvm.prefetch.p0")
        builder.call(function, [pointer, _I32(0), _I32(2), _I32(1)])
        return context.get_dummy_value()

    return types.void(array, types.intp), codegen


@intrinsic
def tile_turned(typingctx, tile):  # type: ignore[no-untyped-def]
    """A tile of one column of vectors, transposed: row r holds lane r of all rows."""
    lanes = tile.vector.lanes
    if tile.columns != 1 or tile.rows % lanes:
        return None
    turned = Tile(tile.vector, lanes, tile.rows // lanes)

    def square(builder, rows):  # type: ignore[no-untyped-def]
        """`lanes` rows, by halves: what differs in one bit of row and lane changes places."""
        bit = 1
        while bit < lanes:
            low = _mask([k if k & bit == 0 else lanes + k - bit for k in range(lanes)])
            high = _mask([k + bit if k & bit == 0 else lanes + k for k in range(lanes)])
            rows = [
                builder.shuffle_vector(row, rows[r + bit], low)
                if r & bit == 0
                else builder.shuffle_vector(rows[r - bit], row, high)
                for r, row in enumerate(rows)
            ]
            bit *= 2
        return rows

    def codegen(context, builder, sig, args):  # type: ignore[no-untyped-def]
        cells, value = [builder.extract_value(args[0], r) for r in range(tile.rows)], ir.Constant(turned.llvm, None)
        for c in range(turned.columns):
            for r, row in enumerate(square(builder, cells[c * lanes : (c + 1) * lanes])):
                value = builder.insert_value(value, row, r * turned.columns + c)
        return value

    return turned(tile), codegen
