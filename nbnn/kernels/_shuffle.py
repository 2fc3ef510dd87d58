"""Rarer operations on the vectors of `_simd`: shuffles, comparisons with NaN, positions, and stores past the caches."""

from __future__ import annotations

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from nbnn.kernels._simd import _I1, _I8, _I32, _I64, Mask, _call, _first, _pointer, _splat


@intrinsic
def wins(typingctx, a, b):  # type: ignore[no-untyped-def]
    """The mask of ``a > b``; True where `a` is NaN."""

    def codegen(context, builder, sig, args):  # type: ignore[no-untyped-def]
        return builder.or_(builder.fcmp_ordered(">", *args), builder.fcmp_unordered("uno", args[0], args[0]))

    return Mask(a.lanes)(a, a), codegen


@intrinsic
def stream(typingctx, array, index, value):  # type: ignore[no-untyped-def]
    """`store` past the caches, for results that they cannot hold; the address: a multiple of the vector's size."""

    def codegen(context, builder, sig, args):  # type: ignore[no-untyped-def]
        pointer = builder.bitcast(_pointer(context, builder, sig.args[0], args[0], args[1]), value.llvm.as_pointer())
        written = builder.store(args[2], pointer, align=value.lanes * value.dtype.bitwidth // 8)
        written.set_metadata("nontemporal", builder.module.add_metadata([_I32(1)]))
        return context.get_dummy_value()

    return types.void(array, types.intp, value), codegen


@intrinsic
def starts_line(typingctx, array):  # type: ignore[no-untyped-def]
    """Whether the array begins at a multiple of 64 bytes, a cache line."""

    def codegen(context, builder, sig, args):  # type: ignore[no-untyped-def]
        address = builder.ptrtoint(context.make_array(array)(context, builder, args[0]).data, _I64)
        return builder.icmp_unsigned("==", builder.and_(address, _I64(63)), _I64(0))

    return types.boolean(array), codegen


@intrinsic
def first_lanes(typingctx, value, count):  # type: ignore[no-untyped-def]
    """The first `count` lanes; the others are 0."""

    def codegen(context, builder, sig, args):  # type: ignore[no-untyped-def]
        mask = _first(builder, args[1], value.lanes)
        return builder.select(mask, args[0], ir.Constant(value.llvm, None))

    return value(value, types.intp), codegen


@intrinsic
def every_second(typingctx, a, b):  # type: ignore[no-untyped-def]
    """Lanes 0, 2, 4, ... of `a`, then those of `b`."""
    numbers = ir.Constant(ir.VectorType(_I32, a.lanes), list(range(0, 2 * a.lanes, 2)))
    return a(a, a), lambda context, builder, sig, args: builder.shuffle_vector(*args, numbers)


@intrinsic
def interleave(typingctx, a, b):  # type: ignore[no-untyped-def]
    """a[0], b[0], a[1], b[1], ... as two vectors."""
    both = types.UniTuple(a, 2)

    def codegen(context, builder, sig, args):  # type: ignore[no-untyped-def]
        halves = []
        for start in (0, a.lanes // 2):
            numbers = [start + k // 2 + k % 2 * a.lanes for k in range(a.lanes)]
            halves.append(builder.shuffle_vector(*args, ir.Constant(ir.VectorType(_I32, a.lanes), numbers)))
        return context.make_tuple(builder, both, halves)

    return both(a, a), codegen


@intrinsic
def store_positions(typingctx, array, index, value, step, count):  # type: ignore[no-untyped-def]
    """Write ``value + lane * step`` to ``array[index:]``, int64, for the first `count` lanes of whole numbers."""

    def codegen(context, builder, sig, args):  # type: ignore[no-untyped-def]
        wide = ir.VectorType(_I64, value.lanes)
        steps = builder.mul(ir.Constant(wide, list(range(value.lanes))), _splat(builder, args[3], wide))
        numbers = builder.add(builder.fptosi(args[2], wide), steps)
        pointer = builder.bitcast(_pointer(context, builder, sig.args[0], args[0], args[1]), _I8.as_pointer())
        mask = _first(builder, args[4], value.lanes)
        _call(builder, f"llvm.masked.store.v{value.lanes}i64.p0", ir.VoidType(), [numbers, pointer, _I32(8), mask])
        return context.get_dummy_value()

    return types.void(array, types.intp, value, types.intp, types.intp), codegen


@intrinsic
def load_else(typingctx, array, index, count, other):  # type: ignore[no-untyped-def]
    """The vector at ``array[index:]`` of which only the first `count` lanes are read, the others from `other`."""

    def codegen(context, builder, sig, args):  # type: ignore[no-untyped-def]
        pointer = builder.bitcast(_pointer(context, builder, sig.args[0], args[0], args[1]), _I8.as_pointer())
        mask = _first(builder, args[2], other.lanes)
        given = [pointer, _I32(other.dtype.bitwidth // 8), mask, args[3]]
        return _call(builder, f"llvm.masked.load.{other.suffix}.p0", other.llvm, given)

    return other(array, types.intp, types.intp, other), codegen


@intrinsic
def largest(typingctx, value):  # type: ignore[no-untyped-def]
    """The largest lane; NaN if there is one."""

    def codegen(context, builder, sig, args):  # type: ignore[no-untyped-def]
        best, wide = args[0], value.lanes
        while wide > 1:
            wide //= 2
            kind = ir.VectorType(_I32, wide)
            low = builder.shuffle_vector(best, best, ir.Constant(kind, list(range(wide))))
            high = builder.shuffle_vector(best, best, ir.Constant(kind, list(range(wide, 2 * wide))))
            higher = builder.fcmp_ordered(">", high, low)
            best = builder.select(builder.or_(higher, builder.fcmp_unordered("uno", high, high)), high, low)
        return builder.extract_element(best, _I32(0))

    return value.dtype(value), codegen


@intrinsic
def first_equal(typingctx, a, b):  # type: ignore[no-untyped-def]
    """The first lane in which a == b, or a number from `lanes` on if there is none."""

    def codegen(context, builder, sig, args):  # type: ignore[no-untyped-def]
        same = builder.fcmp_ordered("==", *args)
        bits = builder.zext(builder.bitcast(same, ir.IntType(a.lanes)), _I64)
        return _call(builder, "llvm.cttz.i64", _I64, [bits, _I1(0)])

    return types.int64(a, a), codegen
