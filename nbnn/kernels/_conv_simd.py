"""Vectors for tiles of pixels: windows of a padded row, and four vectors dealt out by their remainder modulo four."""

from __future__ import annotations

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from nbnn.kernels._simd import _I32, _first, _load_masked, _store_masked, _vector_of


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
def store_window(typingctx, array, index, value, first, stop):  # type: ignore[no-untyped-def]
    """Write lanes `first` to `stop` of a vector to ``array[index + first : index + stop]``; `index` may lie outside."""

    def codegen(context, builder, sig, args):  # type: ignore[no-untyped-def]
        data = context.make_array(sig.args[0])(context, builder, args[0]).data
        mask = _between(builder, args[3], args[4], value.lanes)
        _store_masked(builder, args[2], builder.gep(data, [args[1]]), mask, value)
        return context.get_dummy_value()

    return types.void(array, types.intp, value, types.intp, types.intp), codegen


def _between(builder, first, stop, lanes):  # type: ignore[no-untyped-def]
    """Mask of the lanes from `first` on and below `stop`."""
    return builder.and_(builder.not_(_first(builder, first, lanes)), _first(builder, stop, lanes))


def _mask(numbers: list[int]) -> ir.Constant:
    return ir.Constant(ir.VectorType(_I32, len(numbers)), numbers)


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
