"""LLVM vectors as ordinary Numba variables, for the CPU kernels that outrun the auto-vectoriser.

Three types live in registers and never in Python:

* a *vector* of `lanes` float32 or float64: ``v = load(a, i)``, ``v = splat(x)``; ``+ - * /`` work between two vectors;
* a *mask*, the result of `less`, for `select`;
* a *tile*, rows x columns of vectors: the accumulators of a matrix product, ``tile = tile_outer(tile, a, i, 1, b, j)``.

Every function that makes a vector takes an optional literal `lanes`; without it the vector is as wide as this machine
(`LANES` float32 or half as many float64). A sum whose bits must not depend on the machine uses `lanes` = 16 everywhere:
LLVM splits what the machine does not have. Addresses are computed by GEP from the array: integer pointers can be
miscompiled by LLVM 22.
"""

from __future__ import annotations

import operator
import os
from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.core.codegen import get_host_cpu_features
from numba.core.datamodel import models
from numba.core.typing.templates import AbstractTemplate, infer_global, signature
from numba.extending import intrinsic, lower_builtin, register_model

_I1, _I8, _I32, _I64 = (ir.IntType(bits) for bits in (1, 8, 32, 64))


def _detect_lanes() -> int:
    """float32 lanes of one register: from the features LLVM compiles for, never from the name of the CPU."""
    if forced := os.environ.get("NBNN_SIMD_LANES"):
        return int(forced)
    features = get_host_cpu_features().split(",")
    if "+avx512f" in features:
        return 16
    return 8 if "+avx2" in features and "+fma" in features else 4


LANES = _detect_lanes()


class Vector(types.Type):
    """`lanes` numbers of type `dtype` in a register."""

    def __init__(self, dtype: types.Float, lanes: int) -> None:
        self.dtype = dtype
        self.lanes = lanes
        super().__init__(name=f"vector({dtype} x {lanes})")

    @property
    def llvm(self) -> ir.VectorType:
        return ir.VectorType(ir.FloatType() if self.dtype == types.float32 else ir.DoubleType(), self.lanes)

    @property
    def suffix(self) -> str:
        """How LLVM's intrinsics spell this type."""
        return f"v{self.lanes}f{self.dtype.bitwidth}"


class Mask(types.Type):
    """`lanes` booleans in a register."""

    def __init__(self, lanes: int) -> None:
        self.lanes = lanes
        super().__init__(name=f"mask({lanes})")

    @property
    def llvm(self) -> ir.VectorType:
        return ir.VectorType(_I1, self.lanes)


class Tile(types.Type):
    """`rows` x `columns` vectors, kept in registers as long as they fit."""

    def __init__(self, vector: Vector, rows: int, columns: int) -> None:
        self.vector = vector
        self.rows = rows
        self.columns = columns
        super().__init__(name=f"tile({vector.name}, {rows}, {columns})")

    @property
    def llvm(self) -> ir.ArrayType:
        return ir.ArrayType(self.vector.llvm, self.rows * self.columns)


@register_model(Vector)
@register_model(Mask)
@register_model(Tile)
class _RegisterModel(models.PrimitiveModel):
    def __init__(self, dmm: Any, fe_type: Any) -> None:
        super().__init__(dmm, fe_type, fe_type.llvm)


# Code generation shared by the intrinsics below; `builder` is the IR builder at the place of the call.


def _vector_of(dtype: Any, lanes: Any) -> Vector | None:
    """The vector type of a float dtype, as wide as the literal `lanes` or as the machine."""
    if not isinstance(dtype, types.Float) or dtype.bitwidth < 32:
        return None
    wide = lanes.literal_value if isinstance(lanes, types.IntegerLiteral) else LANES * 32 // dtype.bitwidth
    return Vector(dtype, wide)


def _pointer(context: Any, builder: Any, array_type: Any, array: Any, index: Any) -> Any:
    data = context.make_array(array_type)(context, builder, array).data
    return builder.gep(data, [index], inbounds=True)


def _splat(builder: Any, value: Any, vector: ir.VectorType) -> Any:
    undefined = ir.Constant(vector, ir.Undefined)
    one = builder.insert_element(undefined, value, ir.Constant(_I32, 0))
    return builder.shuffle_vector(one, undefined, ir.Constant(ir.VectorType(_I32, vector.count), [0] * vector.count))


def _load(builder: Any, pointer: Any, vector: Vector) -> Any:
    return builder.load(builder.bitcast(pointer, vector.llvm.as_pointer()), align=vector.dtype.bitwidth // 8)


def _store(builder: Any, value: Any, pointer: Any, vector: Vector) -> None:
    builder.store(value, builder.bitcast(pointer, vector.llvm.as_pointer()), align=vector.dtype.bitwidth // 8)


def _call(builder: Any, name: str, result: Any, args: list) -> Any:
    kind = ir.FunctionType(result, [a.type for a in args])
    return builder.call(cgutils.get_or_insert_function(builder.module, kind, name), args)


def _fma(builder: Any, a: Any, b: Any, c: Any, vector: Vector) -> Any:
    # fmuladd and not fma: where the machine has no fused instruction, llvm.fma is a library call for every lane
    return _call(builder, f"llvm.fmuladd.{vector.suffix}", vector.llvm, [a, b, c])


def _first(builder: Any, count: Any, lanes: int, start: int = 0) -> Any:
    """Mask of the lanes whose number, counted from `start`, is below `count`."""
    wide = ir.VectorType(_I64, lanes)
    return builder.icmp_signed("<", ir.Constant(wide, list(range(start, start + lanes))), _splat(builder, count, wide))


def _load_masked(builder: Any, pointer: Any, mask: Any, vector: Vector) -> Any:
    args = [builder.bitcast(pointer, _I8.as_pointer()), _I32(vector.dtype.bitwidth // 8), mask]
    return _call(builder, f"llvm.masked.load.{vector.suffix}.p0", vector.llvm, [*args, ir.Constant(vector.llvm, None)])


def _store_masked(builder: Any, value: Any, pointer: Any, mask: Any, vector: Vector) -> None:
    args = [value, builder.bitcast(pointer, _I8.as_pointer()), _I32(vector.dtype.bitwidth // 8), mask]
    _call(builder, f"llvm.masked.store.{vector.suffix}.p0", ir.VoidType(), args)


def _total(builder: Any, value: Any, vector: Vector) -> Any:
    """Sum of the lanes by halves: lane i with lane i + lanes/2, and so on; the same tree on every machine."""
    wide = vector.lanes
    while wide > 1:
        wide //= 2
        numbers = ir.VectorType(_I32, wide)
        low = builder.shuffle_vector(value, value, ir.Constant(numbers, list(range(wide))))
        high = builder.shuffle_vector(value, value, ir.Constant(numbers, list(range(wide, 2 * wide))))
        value = builder.fadd(low, high)
    return builder.extract_element(value, _I32(0))


# Vectors.


@intrinsic
def lanes(typingctx, array):  # type: ignore[no-untyped-def]
    """How many numbers of this array's dtype one vector of this machine holds; a constant to the compiler."""
    wide = _vector_of(array.dtype, None).lanes
    return types.intp(array), lambda context, builder, sig, args: _I64(wide)


@intrinsic(prefer_literal=True)
def load(typingctx, array, index, lanes=None):  # type: ignore[no-untyped-def]
    """The vector at ``array[index:]``."""
    vector = _vector_of(array.dtype, lanes)

    def codegen(context, builder, sig, args):  # type: ignore[no-untyped-def]
        return _load(builder, _pointer(context, builder, sig.args[0], args[0], args[1]), vector)

    return signature(vector, array, types.intp, *_given(lanes)), codegen


@intrinsic(prefer_literal=True)
def load_part(typingctx, array, index, count, lanes=None):  # type: ignore[no-untyped-def]
    """The vector at ``array[index:]`` of which only the first `count` lanes are read; the others are 0."""
    vector = _vector_of(array.dtype, lanes)

    def codegen(context, builder, sig, args):  # type: ignore[no-untyped-def]
        pointer = _pointer(context, builder, sig.args[0], args[0], args[1])
        return _load_masked(builder, pointer, _first(builder, args[2], vector.lanes), vector)

    return signature(vector, array, types.intp, types.intp, *_given(lanes)), codegen


@intrinsic(prefer_literal=True)
def gather(typingctx, array, index, step, count, lanes=None):  # type: ignore[no-untyped-def]
    """Lane r is ``array[index + r * step]`` for the first `count` lanes (1 or more); the others are 0 and not read."""
    vector = _vector_of(array.dtype, lanes)

    def codegen(context, builder, sig, args):  # type: ignore[no-untyped-def]
        start = _pointer(context, builder, sig.args[0], args[0], args[1])
        zeros = ir.Constant(vector.llvm, None)
        value = zeros
        for r in range(vector.lanes):  # lanes beyond the count read lane 0 again: no branch
            offset = builder.mul(args[2], _I64(r))
            offset = builder.select(builder.icmp_signed("<", _I64(r), args[3]), offset, _I64(0))
            number = builder.load(builder.gep(start, [offset], inbounds=True))
            value = builder.insert_element(value, number, _I32(r))
        return builder.select(_first(builder, args[3], vector.lanes), value, zeros)

    return signature(vector, array, *(types.intp,) * 3, *_given(lanes)), codegen


@intrinsic(prefer_literal=True)
def load_every(typingctx, array, index, step, count):  # type: ignore[no-untyped-def]
    """Lane r is ``array[index + r * step]`` for the first `count` lanes (1 or more); `step`: a literal power of two.

    Vector loads and shuffles, several times faster than `gather`; lanes from `count` on are 0 or numbers in between.
    """
    vector = _vector_of(array.dtype, None)
    parts = step.literal_value

    def codegen(context, builder, sig, args):  # type: ignore[no-untyped-def]
        start = _pointer(context, builder, sig.args[0], args[0], args[1])
        length = builder.add(builder.mul(builder.sub(args[3], _I64(1)), _I64(parts)), _I64(1))
        values = []
        for p in range(parts):
            pointer = builder.gep(start, [_I64(p * vector.lanes)], inbounds=True)
            mask = _first(builder, length, vector.lanes, p * vector.lanes)
            values.append(_load_masked(builder, pointer, mask, vector))
        even = ir.Constant(ir.VectorType(_I32, vector.lanes), list(range(0, 2 * vector.lanes, 2)))
        while len(values) > 1:
            values = [builder.shuffle_vector(a, b, even) for a, b in zip(values[::2], values[1::2], strict=True)]
        return values[0]

    return vector(array, types.intp, step, types.intp), codegen


@intrinsic
def store(typingctx, array, index, value):  # type: ignore[no-untyped-def]
    """Write a vector to ``array[index:]``."""
    if array.dtype != value.dtype:
        return None

    def codegen(context, builder, sig, args):  # type: ignore[no-untyped-def]
        _store(builder, args[2], _pointer(context, builder, sig.args[0], args[0], args[1]), value)
        return context.get_dummy_value()

    return types.void(array, types.intp, value), codegen


@intrinsic
def store_part(typingctx, array, index, value, count):  # type: ignore[no-untyped-def]
    """Write the first `count` lanes of a vector to ``array[index:]``."""
    if array.dtype != value.dtype:
        return None

    def codegen(context, builder, sig, args):  # type: ignore[no-untyped-def]
        pointer = _pointer(context, builder, sig.args[0], args[0], args[1])
        _store_masked(builder, args[2], pointer, _first(builder, args[3], value.lanes), value)
        return context.get_dummy_value()

    return types.void(array, types.intp, value, types.intp), codegen


@intrinsic(prefer_literal=True)
def splat(typingctx, number, lanes=None):  # type: ignore[no-untyped-def]
    """A vector with `number` in every lane; its dtype is the number's."""
    vector = _vector_of(number, lanes)
    if vector is None:
        return None
    return signature(vector, number, *_given(lanes)), lambda c, builder, s, args: _splat(builder, args[0], vector.llvm)


@intrinsic(prefer_literal=True)
def zero(typingctx, array, lanes=None):  # type: ignore[no-untyped-def]
    """A vector of zeros of this array's dtype."""
    vector = _vector_of(array.dtype, lanes)
    return signature(vector, array, *_given(lanes)), lambda c, b, s, args: ir.Constant(vector.llvm, None)


@intrinsic
def fma(typingctx, a, b, c):  # type: ignore[no-untyped-def]
    """``a * b + c``, rounded once where the machine has fused multiply-add."""
    return a(a, a, a), lambda context, builder, sig, args: _fma(builder, *args, a)


@intrinsic
def maximum(typingctx, a, b):  # type: ignore[no-untyped-def]
    """``a if a > b else b`` in each lane: where either is NaN the result is `b`."""
    return a(a, a), lambda c, builder, s, args: builder.select(builder.fcmp_ordered(">", *args), *args)


@intrinsic
def minimum(typingctx, a, b):  # type: ignore[no-untyped-def]
    """``a if a < b else b`` in each lane: where either is NaN the result is `b`."""
    return a(a, a), lambda c, builder, s, args: builder.select(builder.fcmp_ordered("<", *args), *args)


@intrinsic
def less(typingctx, a, b):  # type: ignore[no-untyped-def]
    """The mask of ``a < b``; False where either is NaN."""
    return Mask(a.lanes)(a, a), lambda c, builder, s, args: builder.fcmp_ordered("<", *args)


@intrinsic
def select(typingctx, mask, a, b):  # type: ignore[no-untyped-def]
    """``a`` where the mask is set, elsewhere ``b``."""
    return a(mask, a, a), lambda context, builder, sig, args: builder.select(*args)


@intrinsic
def total(typingctx, value):  # type: ignore[no-untyped-def]
    """The sum of the lanes, by a fixed tree of halves."""
    return value.dtype(value), lambda context, builder, sig, args: _total(builder, args[0], value)


def _given(optional: Any) -> tuple:
    """The type of an optional last argument, also where the caller left it out."""
    return (types.none if optional is None else optional,)


class _BetweenVectors(AbstractTemplate):
    def generic(self, args, kws):  # type: ignore[no-untyped-def]
        if len(args) == 2 and isinstance(args[0], Vector) and args[0] == args[1]:
            return signature(args[0], *args)
        return None


def _register_operator(plain: Any, in_place: Any, method: str) -> None:
    def lower(context, builder, sig, args):  # type: ignore[no-untyped-def]
        return getattr(builder, method)(*args)

    for symbol in (plain, in_place):
        infer_global(symbol)(type(f"_Vector{method}", (_BetweenVectors,), {}))
        lower_builtin(symbol, Vector, Vector)(lower)


# Templates and not @overload: an overload is one more function to compile at each use.
_register_operator(operator.add, operator.iadd, "fadd")
_register_operator(operator.sub, operator.isub, "fsub")
_register_operator(operator.mul, operator.imul, "fmul")
_register_operator(operator.truediv, operator.itruediv, "fdiv")


# Tiles. `rows` and `columns` are literals; a column is one vector wide.


def _tile_of(array: Any, rows: Any, columns: Any) -> Tile:
    return Tile(_vector_of(array.dtype, None), rows.literal_value, columns.literal_value)


def _cells(tile: Tile) -> list[tuple[int, int, int]]:
    """(number, row, column) of each vector."""
    return [(r * tile.columns + c, r, c) for r in range(tile.rows) for c in range(tile.columns)]


def _cell_pointer(builder: Any, start: Any, stride: Any, tile: Tile, r: int, c: int) -> Any:
    at = builder.add(builder.mul(stride, _I64(r)), _I64(c * tile.vector.lanes))
    return builder.gep(start, [at], inbounds=True)


def _cell_mask(builder: Any, rows: Any, columns: Any, tile: Tile, r: int, c: int) -> Any:
    """Lanes of cell (r, c) that lie inside the first `rows` rows and `columns` numbers of a row."""
    count = builder.select(builder.icmp_signed("<", _I64(r), rows), columns, _I64(0))
    return _first(builder, count, tile.vector.lanes, c * tile.vector.lanes)


@intrinsic(prefer_literal=True)
def tile_zero(typingctx, array, rows, columns):  # type: ignore[no-untyped-def]
    """A tile of zeros of this array's dtype."""
    tile = _tile_of(array, rows, columns)
    return tile(array, rows, columns), lambda context, builder, sig, args: ir.Constant(tile.llvm, None)


@intrinsic(prefer_literal=True)
def tile_load(typingctx, array, index, stride, rows, columns):  # type: ignore[no-untyped-def]
    """The tile whose row r begins at ``array[index + r * stride]``."""
    tile = _tile_of(array, rows, columns)

    def codegen(context, builder, sig, args):  # type: ignore[no-untyped-def]
        start = _pointer(context, builder, sig.args[0], args[0], args[1])
        value = ir.Constant(tile.llvm, ir.Undefined)
        for i, r, c in _cells(tile):
            cell = _load(builder, _cell_pointer(builder, start, args[2], tile, r, c), tile.vector)
            value = builder.insert_value(value, cell, i)
        return value

    return tile(array, types.intp, types.intp, rows, columns), codegen


@intrinsic(prefer_literal=True)
def tile_load_part(typingctx, array, index, stride, rows, columns, height, width):  # type: ignore[no-untyped-def]
    """`tile_load` of the first `height` rows and `width` numbers of each; the others are 0 and not read."""
    tile = _tile_of(array, rows, columns)

    def codegen(context, builder, sig, args):  # type: ignore[no-untyped-def]
        start = _pointer(context, builder, sig.args[0], args[0], args[1])
        value = ir.Constant(tile.llvm, ir.Undefined)
        for i, r, c in _cells(tile):
            pointer = _cell_pointer(builder, start, args[2], tile, r, c)
            mask = _cell_mask(builder, args[5], args[6], tile, r, c)
            value = builder.insert_value(value, _load_masked(builder, pointer, mask, tile.vector), i)
        return value

    return tile(array, types.intp, types.intp, rows, columns, types.intp, types.intp), codegen


@intrinsic
def tile_store(typingctx, tile, array, index, stride):  # type: ignore[no-untyped-def]
    """Write row r of the tile to ``array[index + r * stride:]``."""

    def codegen(context, builder, sig, args):  # type: ignore[no-untyped-def]
        start = _pointer(context, builder, sig.args[1], args[1], args[2])
        for i, r, c in _cells(tile):
            pointer = _cell_pointer(builder, start, args[3], tile, r, c)
            _store(builder, builder.extract_value(args[0], i), pointer, tile.vector)
        return context.get_dummy_value()

    return types.void(tile, array, types.intp, types.intp), codegen


@intrinsic
def tile_store_part(typingctx, tile, array, index, stride, height, width):  # type: ignore[no-untyped-def]
    """`tile_store` of the first `height` rows and `width` numbers of each."""

    def codegen(context, builder, sig, args):  # type: ignore[no-untyped-def]
        start = _pointer(context, builder, sig.args[1], args[1], args[2])
        for i, r, c in _cells(tile):
            pointer = _cell_pointer(builder, start, args[3], tile, r, c)
            mask = _cell_mask(builder, args[4], args[5], tile, r, c)
            _store_masked(builder, builder.extract_value(args[0], i), pointer, mask, tile.vector)
        return context.get_dummy_value()

    return types.void(tile, array, types.intp, types.intp, types.intp, types.intp), codegen


@intrinsic
def tile_outer(typingctx, tile, a, a_index, a_step, b, b_index):  # type: ignore[no-untyped-def]
    """``tile[r, :] += a[a_index + r * a_step] * b[b_index:]``: one step of a matrix product."""
    vector = tile.vector

    def codegen(context, builder, sig, args):  # type: ignore[no-untyped-def]
        value, a_value, a_at, step, b_value, b_at = args
        left = _pointer(context, builder, sig.args[1], a_value, a_at)
        right = _pointer(context, builder, sig.args[4], b_value, b_at)
        row = [_load(builder, _cell_pointer(builder, right, _I64(0), tile, 0, c), vector) for c in range(tile.columns)]
        for r in range(tile.rows):
            number = builder.load(builder.gep(left, [builder.mul(step, _I64(r))], inbounds=True))
            factor = _splat(builder, number, vector.llvm)
            for c in range(tile.columns):
                i = r * tile.columns + c
                cell = _fma(builder, factor, row[c], builder.extract_value(value, i), vector)
                value = builder.insert_value(value, cell, i)
        return value

    return tile(tile, a, types.intp, types.intp, b, types.intp), codegen


@intrinsic
def tile_outer_at(typingctx, tile, a, a_index, a_offsets, b, b_index):  # type: ignore[no-untyped-def]
    """``tile[r, :] += a[a_index + a_offsets[r]] * b[b_index:]``: `tile_outer` with rows that lie anywhere."""
    vector = tile.vector

    def codegen(context, builder, sig, args):  # type: ignore[no-untyped-def]
        value, a_value, a_at, offsets, b_value, b_at = args
        left = _pointer(context, builder, sig.args[1], a_value, a_at)
        right = _pointer(context, builder, sig.args[4], b_value, b_at)
        row = [_load(builder, _cell_pointer(builder, right, _I64(0), tile, 0, c), vector) for c in range(tile.columns)]
        for r, offset in enumerate(cgutils.unpack_tuple(builder, offsets, tile.rows)):
            factor = _splat(builder, builder.load(builder.gep(left, [offset], inbounds=True)), vector.llvm)
            for c in range(tile.columns):
                i = r * tile.columns + c
                cell = _fma(builder, factor, row[c], builder.extract_value(value, i), vector)
                value = builder.insert_value(value, cell, i)
        return value

    many = types.UniTuple(types.intp, tile.rows)
    return tile(tile, a, types.intp, many, b, types.intp), codegen


@intrinsic
def tile_add(typingctx, a, b):  # type: ignore[no-untyped-def]
    """The sum of two tiles."""

    def codegen(context, builder, sig, args):  # type: ignore[no-untyped-def]
        value = args[0]
        for i, _, _ in _cells(a):
            cell = builder.fadd(builder.extract_value(args[0], i), builder.extract_value(args[1], i))
            value = builder.insert_value(value, cell, i)
        return value

    return a(a, a), codegen


def _dot_step(context, builder, sig, args, load):  # type: ignore[no-untyped-def]
    """`tile_dot`, with `load(pointer)` for how vectors are read."""
    tile = sig.args[0]
    value, a_value, a_at, step, b_value, b_at, offsets = args[:7]
    left = _pointer(context, builder, sig.args[1], a_value, a_at)
    right = _pointer(context, builder, sig.args[4], b_value, b_at)
    offsets = cgutils.unpack_tuple(builder, offsets, tile.columns)
    columns = [load(builder.gep(right, [offset], inbounds=True)) for offset in offsets]
    for r in range(tile.rows):
        row = load(builder.gep(left, [builder.mul(step, _I64(r))], inbounds=True))
        for c in range(tile.columns):
            i = r * tile.columns + c
            cell = _fma(builder, row, columns[c], builder.extract_value(value, i), tile.vector)
            value = builder.insert_value(value, cell, i)
    return value


@intrinsic
def tile_dot(typingctx, tile, a, a_index, a_step, b, b_index, b_offsets):  # type: ignore[no-untyped-def]
    """``tile[r, c] += a[a_index + r * a_step:] * b[b_index + b_offsets[c]:]``, lane by lane: dot products."""
    vector = tile.vector

    def codegen(context, builder, sig, args):  # type: ignore[no-untyped-def]
        return _dot_step(context, builder, sig, args, lambda pointer: _load(builder, pointer, vector))

    many = types.UniTuple(types.intp, tile.columns)
    return tile(tile, a, types.intp, types.intp, b, types.intp, many), codegen


@intrinsic
def tile_dot_part(typingctx, tile, a, a_index, a_step, b, b_index, b_offsets, count):  # type: ignore[no-untyped-def]
    """`tile_dot` of the first `count` lanes; the others are not read."""
    vector = tile.vector

    def codegen(context, builder, sig, args):  # type: ignore[no-untyped-def]
        mask = _first(builder, args[7], vector.lanes)
        return _dot_step(context, builder, sig, args, lambda pointer: _load_masked(builder, pointer, mask, vector))

    many = types.UniTuple(types.intp, tile.columns)
    return tile(tile, a, types.intp, types.intp, b, types.intp, many, types.intp), codegen


@intrinsic
def tile_totals(typingctx, tile):  # type: ignore[no-untyped-def]
    """The sums of the lanes of each vector of the tile, row by row, as a tuple."""
    many = types.UniTuple(tile.vector.dtype, tile.rows * tile.columns)

    def codegen(context, builder, sig, args):  # type: ignore[no-untyped-def]
        cells = [builder.extract_value(args[0], i) for i, _, _ in _cells(tile)]
        return context.make_tuple(builder, many, [_total(builder, cell, tile.vector) for cell in cells])

    return many(tile), codegen


@intrinsic
def tile_store_columns(typingctx, tile, array, index, stride):  # type: ignore[no-untyped-def]
    """Write a tile of one column of vectors transposed: lane c of all rows to ``array[index + c * stride:]``."""
    if tile.columns != 1 or tile.rows & (tile.rows - 1):
        return None

    def weave(builder, rows):  # type: ignore[no-untyped-def]
        """Lane 0 of every row, lane 1 of every row, ...: by halves, each a shuffle of two vectors."""
        if len(rows) == 1:
            return rows[0]
        even, odd = weave(builder, rows[0::2]), weave(builder, rows[1::2])
        n = even.type.count
        order = [k // 2 + (k % 2) * n for k in range(2 * n)]
        return builder.shuffle_vector(even, odd, ir.Constant(ir.VectorType(_I32, 2 * n), order))

    def codegen(context, builder, sig, args):  # type: ignore[no-untyped-def]
        start = _pointer(context, builder, sig.args[1], args[1], args[2])
        rows, dtype = tile.rows, tile.vector.dtype
        woven = weave(builder, [builder.extract_value(args[0], r) for r in range(rows)])
        for c in range(tile.vector.lanes):
            numbers = ir.Constant(ir.VectorType(_I32, rows), list(range(c * rows, (c + 1) * rows)))
            pointer = builder.gep(start, [builder.mul(args[3], _I64(c))], inbounds=True)
            _store(builder, builder.shuffle_vector(woven, woven, numbers), pointer, Vector(dtype, rows))
        return context.get_dummy_value()

    return types.void(tile, array, types.intp, types.intp), codegen
