"""Deterministic sums: over a range inside a row body, and over one axis of an array.

The order of additions follows from the length alone, never from the number of threads, and is that of a shallow
tree, so that the error grows like that of pairwise summation. On the CPU a range of neighbours is added up in lanes:
256 bytes of partial sums (64 float32, 32 float64), which LLVM cuts to the machine's registers; the result does not
depend on how. In plain Python and on CUDA the same functions are plain loops, whose last bits differ from the CPU's.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.core.datamodel import models
from numba.extending import intrinsic, register_model

from nbnn import _jit
from nbnn.kernels._cpu import over_rows
from nbnn.kernels._vecmath import natural, twin

BLOCK = 1024  # elements of one partial sum in `sum_blocks`
STRIP = 8  # lanes side by side in `_sum_columns`
_RUN = 32  # elements added one after another before they join the total

# Lanes: an LLVM vector of 256 bytes as a Numba variable. 4 registers of AVX-512 hide the latency of the addition.


class _Lanes(types.Type):
    def __init__(self, dtype: types.Type) -> None:
        self.dtype = dtype
        self.count = 2048 // dtype.bitwidth
        super().__init__(f"lanes({dtype})")


@register_model(_Lanes)
class _LanesModel(models.PrimitiveModel):
    def __init__(self, manager: Any, lanes: Any) -> None:
        super().__init__(manager, lanes, ir.VectorType(manager.lookup(lanes.dtype).get_value_type(), lanes.count))


def _lane_name(lanes: _Lanes) -> str:
    """LLVM's short name of the vector, such as v64f32."""
    return f"v{lanes.count}{'i' if isinstance(lanes.dtype, types.Integer) else 'f'}{lanes.dtype.bitwidth}"


def _splat_value(builder: Any, value: Any, lanes: Any) -> Any:
    vector = ir.VectorType(value.type, lanes.count)
    first = builder.insert_element(ir.Constant(vector, ir.Undefined), value, ir.Constant(ir.IntType(32), 0))
    mask = ir.Constant(ir.VectorType(ir.IntType(32), lanes.count), [0] * lanes.count)
    return builder.shuffle_vector(first, first, mask)


def _lane_mask(builder: Any, count: Any, lanes: Any) -> Any:
    """<n x i1>: lane < count."""
    number = ir.VectorType(ir.IntType(32), lanes.count)
    most = _splat_value(builder, builder.trunc(count, ir.IntType(32)), lanes)
    return builder.icmp_signed("<", ir.Constant(number, list(range(lanes.count))), most)


def _address(context: Any, builder: Any, array: Any, value: Any, at: Any, lanes: Any) -> Any:
    data = context.make_array(array)(context, builder, value).data
    vector = ir.VectorType(data.type.pointee, lanes.count)
    return builder.bitcast(builder.gep(data, [at]), vector.as_pointer()), vector


@intrinsic
def lane_count(typingctx, x):
    def codegen(context, builder, signature, args):
        return ir.Constant(ir.IntType(64), _Lanes(x.dtype).count)

    return types.int64(x), codegen


@intrinsic
def lanes_of(typingctx, x, value):
    """Every lane `value`, as the type of array `x`."""
    lanes = _Lanes(x.dtype)

    def codegen(context, builder, signature, args):
        return _splat_value(builder, context.cast(builder, args[1], value, x.dtype), lanes)

    return lanes(x, value), codegen


@intrinsic
def lanes_load(typingctx, x, at):
    """x[at], x[at + 1], ..."""
    lanes = _Lanes(x.dtype)

    def codegen(context, builder, signature, args):
        pointer, _ = _address(context, builder, x, args[0], args[1], lanes)
        return builder.load(pointer, align=x.dtype.bitwidth // 8)

    return lanes(x, at), codegen


@intrinsic
def lanes_some(typingctx, x, at, count, other):
    """The first `count` lanes from x[at] on, the rest from the lanes `other`; reads nothing beyond."""
    lanes = _Lanes(x.dtype)

    def codegen(context, builder, signature, args):
        pointer, vector = _address(context, builder, x, args[0], args[1], lanes)
        mask = _lane_mask(builder, args[2], lanes)
        name = f"llvm.masked.load.{_lane_name(lanes)}.p0"
        function_type = ir.FunctionType(vector, [pointer.type, ir.IntType(32), mask.type, vector])
        function = cgutils.get_or_insert_function(builder.module, function_type, name)
        align = ir.Constant(ir.IntType(32), x.dtype.bitwidth // 8)
        return builder.call(function, [pointer, align, mask, args[3]])

    return lanes(x, at, types.int64, lanes), codegen


@intrinsic
def lanes_store(typingctx, x, at, count, value):
    """x[at + lane] = value for the first `count` lanes."""
    lanes = _Lanes(x.dtype)

    def codegen(context, builder, signature, args):
        pointer, vector = _address(context, builder, x, args[0], args[1], lanes)
        mask = _lane_mask(builder, args[2], lanes)
        name = f"llvm.masked.store.{_lane_name(lanes)}.p0"
        function_type = ir.FunctionType(ir.VoidType(), [vector, pointer.type, ir.IntType(32), mask.type])
        function = cgutils.get_or_insert_function(builder.module, function_type, name)
        align = ir.Constant(ir.IntType(32), x.dtype.bitwidth // 8)
        builder.call(function, [args[3], pointer, align, mask])
        return context.get_dummy_value()

    return types.void(x, at, types.int64, lanes), codegen


def _is_integer(value: Any) -> bool:
    kind = getattr(value.type, "element", value.type)
    return isinstance(kind, ir.IntType)


def _maximum(builder: Any, a: Any, b: Any) -> Any:
    larger = builder.icmp_signed(">", b, a) if _is_integer(a) else builder.fcmp_ordered(">", b, a)
    return builder.select(larger, b, a)  # a NaN in b is passed over


def _sum(builder: Any, a: Any, b: Any) -> Any:
    return builder.add(a, b) if _is_integer(a) else builder.fadd(a, b, flags=("contract",))


def _product(builder: Any, a: Any, b: Any) -> Any:
    return builder.mul(a, b) if _is_integer(a) else builder.fmul(a, b, flags=("contract",))


def _difference(builder: Any, a: Any, b: Any) -> Any:
    return builder.sub(a, b) if _is_integer(a) else builder.fsub(a, b)


def _leading(builder: Any, a: Any, b: Any) -> Any:
    """The larger; NaN before all numbers."""
    if _is_integer(a):
        return builder.select(builder.icmp_signed(">=", a, b), a, b)
    stays = builder.or_(builder.fcmp_ordered(">=", a, b), builder.fcmp_unordered("uno", a, a))
    return builder.select(stays, a, b)


_LANE_OPS = {"add": _sum, "subtract": _difference, "multiply": _product, "maximum": _maximum, "leading": _leading}


def _lane_op(name: str) -> Any:
    def codegen(context, builder, signature, args):
        return _LANE_OPS[name](builder, *args)

    def typing(typingctx, a, b):
        return a(a, b), codegen

    return intrinsic(typing)


lanes_add, lanes_subtract, lanes_multiply, lanes_larger, lanes_leading = (
    _lane_op(name) for name in ("add", "subtract", "multiply", "maximum", "leading")
)


@intrinsic
def turned(typingctx, value, turn):
    """Numbers (lanes, or one) in reversed order of size where `turn` is 1, as they are where it is 0: -x or ~x."""
    kind = getattr(value, "dtype", value)

    def codegen(context, builder, signature, args):
        bits = ir.IntType(kind.bitwidth)
        mask = builder.trunc(args[1], bits) if kind.bitwidth < 64 else args[1]
        if isinstance(kind, types.Integer):
            mask = builder.neg(mask)
        else:
            mask = builder.shl(mask, ir.Constant(bits, kind.bitwidth - 1))
        if isinstance(value, _Lanes):
            mask = _splat_value(builder, mask, value)
        return builder.bitcast(builder.xor(builder.bitcast(args[0], mask.type), mask), args[0].type)

    return value(value, types.int64), codegen


@intrinsic
def lanes_find(typingctx, lanes, wanted):
    """The first lane that equals its lane of `wanted` (NaN equals NaN); 64 where there is none."""

    def codegen(context, builder, signature, args):
        a, b = args
        if _is_integer(a):
            same = builder.icmp_signed("==", a, b)
        else:
            both = builder.and_(builder.fcmp_unordered("uno", a, a), builder.fcmp_unordered("uno", b, b))
            same = builder.or_(builder.fcmp_ordered("==", a, b), both)
        bits = builder.bitcast(same, ir.IntType(lanes.count))
        if lanes.count < 64:
            bits = builder.zext(bits, ir.IntType(64))
        return builder.cttz(bits, ir.Constant(ir.IntType(1), 0))

    return types.int64(lanes, lanes), codegen


def _fold(name: str) -> Any:
    """Combine the lanes to one number in a tree: lane i with lane i + n / 2, and so on."""

    def typing(typingctx, lanes):
        def codegen(context, builder, signature, args):
            value, count = args[0], lanes.count
            while count > 1:
                count //= 2
                index = ir.VectorType(ir.IntType(32), count)
                low = builder.shuffle_vector(value, value, ir.Constant(index, list(range(count))))
                high = builder.shuffle_vector(value, value, ir.Constant(index, list(range(count, 2 * count))))
                value = _LANE_OPS[name](builder, low, high)
            return builder.extract_element(value, ir.Constant(ir.IntType(32), 0))

        return lanes.dtype(lanes), codegen

    return intrinsic(typing)


_fold_sum, _fold_max = _fold("add"), _fold("maximum")
fold_product, fold_leading = _fold("multiply"), _fold("leading")


# Plain forms: the maths, and what the simulator and CUDA run. On the CPU they take strided and very short ranges.


def sum_range(x, start, length, step):
    """Sum of x[start + j * step] for j in range(length)."""
    total = type(x[0])(0)
    part = type(x[0])(0)
    for j in range(length):
        part += x[natural(start + j * step)]
        if j % _RUN == _RUN - 1:
            total += part
            part = type(x[0])(0)
    return total + part


def dot_range(a, a_start, b, b_start, length, step, shift):
    """Sum of a[a_start + j * step] * (b[b_start + j * step] - shift) for j in range(length)."""
    total = type(a[0])(0)
    part = type(a[0])(0)
    for j in range(length):
        part += a[natural(a_start + j * step)] * (b[natural(b_start + j * step)] - shift)
        if j % _RUN == _RUN - 1:
            total += part
            part = type(a[0])(0)
    return total + part


def squares_range(x, start, length, step, shift):
    """Sum of (x[start + j * step] - shift)**2 for j in range(length)."""
    total = type(x[0])(0)
    part = type(x[0])(0)
    for j in range(length):
        v = x[natural(start + j * step)] - shift
        part += v * v
        if j % _RUN == _RUN - 1:
            total += part
            part = type(x[0])(0)
    return total + part


def max_range(x, start, length, step):
    """Largest of x[start + j * step]; NaN is passed over; -inf where nothing is left."""
    best = type(x[0])(-np.inf)
    for j in range(length):
        v = x[natural(start + j * step)]
        best = v if v > best else best
    return best


# CPU forms for step 1. A range longer than BLOCK is a sum of blocks, whose rounding errors (Knuth's two-sum) are
# carried along: a million elements cost no more accuracy than a thousand. Written out in each: a helper costs 30 ms to
# compile.

_sum_plain, _dot_plain = _jit.jit(sum_range), _jit.jit(dot_range)
_squares_plain, _max_plain = _jit.jit(squares_range), _jit.jit(max_range)


def _sum_lanes(x, start, length, step):
    if step != 1 or length < 8:
        return _sum_plain(x, start, length, step)
    total = error = type(x[0])(0)
    width, zero = lane_count(x), lanes_of(x, 0)
    at, stop = start, start + length
    while at < stop:
        end = at + BLOCK if stop - at > BLOCK else stop
        lanes = zero
        while at + width <= end:
            lanes = lanes_add(lanes, lanes_load(x, at))
            at += width
        if at < end:
            lanes = lanes_add(lanes, lanes_some(x, at, end - at, zero))
            at = end
        part = _fold_sum(lanes)
        s = total + part
        t = s - total
        lost = (total - (s - t)) + (part - t)
        error += lost if lost == lost else type(part)(0)  # infinity - infinity is no error of rounding
        total = s
    return total + error


def _dot_lanes(a, a_start, b, b_start, length, step, shift):
    if step != 1 or length < 8:
        return _dot_plain(a, a_start, b, b_start, length, step, shift)
    total = error = type(a[0])(0)
    width, zero, shifts = lane_count(a), lanes_of(a, 0), lanes_of(a, shift)
    at, stop = a_start, a_start + length
    away = b_start - a_start
    while at < stop:
        end = at + BLOCK if stop - at > BLOCK else stop
        lanes = zero
        while at + width <= end:
            lanes = lanes_add(
                lanes, lanes_multiply(lanes_load(a, at), lanes_subtract(lanes_load(b, at + away), shifts))
            )
            at += width
        if at < end:
            some = lanes_subtract(lanes_some(b, at + away, end - at, shifts), shifts)
            lanes = lanes_add(lanes, lanes_multiply(lanes_some(a, at, end - at, zero), some))
            at = end
        part = _fold_sum(lanes)
        s = total + part
        t = s - total
        lost = (total - (s - t)) + (part - t)
        error += lost if lost == lost else type(part)(0)
        total = s
    return total + error


def _squares_lanes(x, start, length, step, shift):
    if step != 1 or length < 8:
        return _squares_plain(x, start, length, step, shift)
    total = error = type(x[0])(0)
    width, zero, shifts = lane_count(x), lanes_of(x, 0), lanes_of(x, shift)
    at, stop = start, start + length
    while at < stop:
        end = at + BLOCK if stop - at > BLOCK else stop
        lanes = zero
        while at + width <= end:
            some = lanes_subtract(lanes_load(x, at), shifts)
            lanes = lanes_add(lanes, lanes_multiply(some, some))
            at += width
        if at < end:
            some = lanes_subtract(lanes_some(x, at, end - at, shifts), shifts)
            lanes = lanes_add(lanes, lanes_multiply(some, some))
            at = end
        part = _fold_sum(lanes)
        s = total + part
        t = s - total
        lost = (total - (s - t)) + (part - t)
        error += lost if lost == lost else type(part)(0)
        total = s
    return total + error


def _max_lanes(x, start, length, step):
    if step != 1 or length < 8:
        return _max_plain(x, start, length, step)
    at, stop = start, start + length
    width, lowest = lane_count(x), lanes_of(x, -np.inf)
    lanes = lowest
    while at + width <= stop:
        lanes = lanes_larger(lanes, lanes_load(x, at))
        at += width
    if at < stop:
        lanes = lanes_larger(lanes, lanes_some(x, at, stop - at, lowest))
    return _fold_max(lanes)


twin(sum_range, lambda *_: _sum_lanes, lambda *_: sum_range)
twin(dot_range, lambda *_: _dot_lanes, lambda *_: dot_range)
twin(squares_range, lambda *_: _squares_lanes, lambda *_: squares_range)
twin(max_range, lambda *_: _max_lanes, lambda *_: max_range)


@over_rows
def sum_blocks(row, out, x, length, inner):
    """out[o, b, k] = sum of x[o, BLOCK * b : BLOCK * (b + 1), k]; rows are outer * ceil(length / BLOCK) * inner.

    Applied again with length = blocks until one block is left, it is the sum over the axis.
    """
    blocks = (length + BLOCK - 1) // BLOCK
    k = row % inner if inner > 1 else 0
    block = row // inner if inner > 1 else row
    o = block // blocks if blocks > 1 else block
    first = (block - o * blocks) * BLOCK
    some = BLOCK if length - first > BLOCK else length - first
    out[row] = sum_range(x, (o * length + first) * inner + k, some, inner)


@over_rows
def _sum_columns(row, out, x, length, inner):
    """`sum_blocks` for inner > 1, all lanes at once: a row is (o, b, strip of columns).

    A strip is as wide as the lanes where the columns are few, else STRIP times as wide: rows are then read in runs of
    2 KB, 8 at a time, and the totals wait in the output (1024 x 1024 float32: 270 microseconds in strips of 256 bytes).
    """
    width = lane_count(x)
    wide = width * STRIP
    blocks = (length + BLOCK - 1) // BLOCK
    strips = (inner + wide - 1) // wide
    left = row % strips * wide
    right = min(inner, left + wide)
    block = row // strips
    first = block % blocks * BLOCK
    at = (block // blocks * length + first) * inner
    to = block * inner
    zero = lanes_of(x, 0)
    rows = min(BLOCK, length - first)
    for r in range(0, rows, 8):
        source = at + r * inner
        for k in range(left, right, width):
            some = min(width, right - k)
            i = source + k
            if some == width and r + 8 <= rows:
                a = lanes_add(lanes_load(x, i), lanes_load(x, i + inner))
                b = lanes_add(lanes_load(x, i + 2 * inner), lanes_load(x, i + 3 * inner))
                c = lanes_add(lanes_load(x, i + 4 * inner), lanes_load(x, i + 5 * inner))
                d = lanes_add(lanes_load(x, i + 6 * inner), lanes_load(x, i + 7 * inner))
                part = lanes_add(lanes_add(a, b), lanes_add(c, d))
            else:
                part = lanes_some(x, i, some, zero)
                for j in range(1, min(8, rows - r)):
                    part = lanes_add(part, lanes_some(x, i + j * inner, some, zero))
            if r > 0:
                part = lanes_add(lanes_some(out, to + k, some, zero), part)
            lanes_store(out, to + k, some, part)


_blocks_cpu, _columns_cpu = sum_blocks.cpu, _sum_columns.cpu


@_jit.jit
def sum_blocks_fast(out, x, workspace, length, inner, pool):
    """`sum_blocks` on the CPU, for any inner."""
    work = BLOCK if length > BLOCK else length
    if inner == 1:
        _blocks_cpu((out, x, length, inner), 0, out.size, 32768 // work, pool)
    else:
        wide = lane_count(x) * STRIP
        strips = (inner + wide - 1) // wide
        grain = 1 + 65536 // (work * min(inner, wide))
        _columns_cpu((out, x, length, inner), 0, out.size // inner * strips, grain, pool)


def sum_scratch(outer, length, inner):
    """How many elements `sum_fast` keeps between its passes."""
    scratch = 0
    while length > BLOCK:
        length = (length + BLOCK - 1) // BLOCK
        scratch += outer * length * inner
    return scratch


@_jit.jit
def sum_fast(out, x, workspace, outer, length, inner, pool):
    """(outer, length, inner) summed over its middle axis: `sum_blocks` until one block is left, in one call."""
    source, at = x, 0
    while length > BLOCK:
        blocks = (length + BLOCK - 1) // BLOCK
        target = workspace[at : at + outer * blocks * inner]
        sum_blocks_fast(target, source, workspace, length, inner, pool)
        source, at, length = target, at + target.size, blocks
    sum_blocks_fast(out, source, workspace, length, inner, pool)
