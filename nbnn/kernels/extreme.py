"""The largest and the smallest number of an axis, and where it stands.

NaN comes before every number, and of equal ones the first counts. `least` is 1 for the smallest, 0 for the largest.
"""

from __future__ import annotations

from nbnn import _jit
from nbnn.kernels._cpu import over_elements, over_outputs, over_rows
from nbnn.kernels._cuda_rows import rows_grid
from nbnn.kernels._reduce import (
    fold_leading,
    lane_count,
    lanes_find,
    lanes_leading,
    lanes_load,
    lanes_of,
    lanes_some,
    turned,
)
from nbnn.kernels._tiles import THREADS, cuda, part, tiled
from nbnn.kernels._vecmath import inlined, natural, twin

BLOCK = 4096  # numbers of an axis that one item looks at
STRIP = 256  # columns side by side: their leaders stay in the first-level cache


@inlined
def _leads(v, best, least):
    """Whether `v` takes the place of `best`, which only a number can lose."""
    return (not (best <= v if least != 0 else best >= v)) & (best == best)


@inlined
def _better(best, v, least):
    """`v` where it takes the place of `best`."""
    return v if _leads(v, best, least) else best


def leader(x, start, length, least):
    """The leader of x[start : start + length]."""
    best = x[natural(start)]
    for j in range(1, length):
        best = _better(best, x[natural(start + j)], least)
    return best


def position(x, start, length, value):
    """The first j at which x[start + j] is `value`, which may be NaN."""
    for j in range(length):
        v = x[natural(start + j)]
        if v == value or (v != v and value != value):
            return j
    return 0


_leader_plain, _position_plain = _jit.jit(leader), _jit.jit(position)


def _leader_lanes(x, start, length, least):
    if length < 8:
        return _leader_plain(x, start, length, least)
    width, one = lane_count(x), lanes_of(x, x[natural(start)])
    lanes = turned(one, least)
    at, stop = start, start + length
    while at + width <= stop:
        lanes = lanes_leading(lanes, turned(lanes_load(x, at), least))
        at += width
    if at < stop:
        lanes = lanes_leading(lanes, turned(lanes_some(x, at, stop - at, one), least))
    return turned(fold_leading(lanes), least)


def _position_lanes(x, start, length, value):
    width, wanted = lane_count(x), lanes_of(x, value)
    at, stop = start, start + length
    while at + width <= stop:
        lane = lanes_find(lanes_load(x, at), wanted)
        if lane < 64:
            return at - start + lane
        at += width
    return at - start + _position_plain(x, at, stop - at, value)


twin(leader, lambda *_: _leader_lanes, lambda *_: leader)
twin(position, lambda *_: _position_lanes, lambda *_: position)


@over_rows
def extreme(row, values, index, x, length, inner, least, seek):
    """values[o, b, k] leads x[o, BLOCK * b : BLOCK * (b + 1), k]; index, where `seek` is 1, is its place on the axis.

    A row is (o, b, strip of columns k).
    """
    blocks = (length + BLOCK - 1) // BLOCK
    strips = (inner + STRIP - 1) // STRIP
    left = row % strips * STRIP
    right = min(inner, left + STRIP)
    block = row // strips
    first = block % blocks * BLOCK
    last = min(length, first + BLOCK)
    at = block // blocks * length * inner
    to = block * inner
    if inner == 1:
        values[to] = leader(x, at + first, last - first, least)
        if seek != 0:
            index[to] = first + position(x, at + first, last - first, values[to])
        return
    for k in range(left, right):
        values[natural(to + k)] = x[natural(at + first * inner + k)]
    if seek != 0:
        for k in range(left, right):
            index[natural(to + k)] = first
        for r in range(first + 1, last):
            source = at + r * inner
            for k in range(left, right):
                v, best = x[natural(source + k)], values[natural(to + k)]
                takes = _leads(v, best, least)
                values[natural(to + k)] = v if takes else best
                index[natural(to + k)] = r if takes else index[natural(to + k)]
    else:
        rest = (last - first - 1) % 4
        for r in range(first + 1, first + 1 + rest):
            source = at + r * inner
            for k in range(left, right):
                values[natural(to + k)] = _better(values[natural(to + k)], x[natural(source + k)], least)
        for r in range(first + 1 + rest, last, 4):  # four at a time: the leaders are read and written less often
            p = at + r * inner
            q = p + inner
            for k in range(left, right):
                low = _better(x[natural(p + k)], x[natural(q + k)], least)
                high = _better(x[natural(p + 2 * inner + k)], x[natural(q + 2 * inner + k)], least)
                values[natural(to + k)] = _better(values[natural(to + k)], _better(low, high, least), least)


@part
def _fold_leader(numbers, places, best, at, least):  # type: ignore[no-untyped-def]
    """Leave the leader of all threads, and the first of its places, in numbers[0] and places[0]."""
    t = cuda.threadIdx.x
    numbers[t] = best
    places[t] = at
    cuda.syncthreads()
    half = cuda.blockDim.x // 2
    while half > 0:
        if t < half:
            other, mine = numbers[t + half], numbers[t]
            leads = _leads(other, mine, least)
            if leads or (places[t + half] < places[t] and not _leads(mine, other, least)):
                numbers[t] = other
                places[t] = places[t + half]
        cuda.syncthreads()
        half //= 2


def _extreme_tiles(values, index, x, length, inner, least, seek):  # type: ignore[no-untyped-def]
    """`extreme` of neighbours: a block for each BLOCK of them."""
    numbers = cuda.shared.array(THREADS, x.dtype)
    places = cuda.shared.array(THREADS, index.dtype)
    blocks = (length + BLOCK - 1) // BLOCK
    for row in range(cuda.blockIdx.x, values.size, cuda.gridDim.x):
        start, first = row // blocks * length, row % blocks * BLOCK
        best, at = x[start + first], first
        for j in range(first + cuda.threadIdx.x, min(length, first + BLOCK), cuda.blockDim.x):
            if _leads(x[start + j], best, least):
                best, at = x[start + j], j
        _fold_leader(numbers, places, best, at, least)
        if cuda.threadIdx.x == 0:
            values[row] = numbers[0]
            if seek != 0:
                index[row] = places[0]
        cuda.syncthreads()


def _extreme_plan(rows, length, inner, least, seek):  # type: ignore[no-untyped-def]
    return rows_grid(rows, min(length, BLOCK)) if inner == 1 else None


extreme.cuda = tiled(_extreme_tiles, _extreme_plan)


@over_elements(2)
def ties(x, leader):
    """y = 1 where x equals the leader of its axis, else 0"""
    return type(x)(1) if x == leader or (x != x and leader != leader) else type(x)(0)


@over_outputs(1)
def take(i, x, index, length, picks, inner):
    """y[o, p, k] = x[o, index[o, p, k], k]"""
    return x[natural((i // (picks * inner) * length + index[i]) * inner + i % inner)]


@over_rows
def put(row, out, grad, index, length, picks, inner):
    """out[o, index[o, p, k], k] = grad[o, p, k], and 0 elsewhere; no place is named twice.

    For inner = 1 a row is o. Else picks = 1, and a row is (o, place on the axis).
    """
    if inner == 1:
        for j in range(length):
            out[natural(row * length + j)] = 0
        for p in range(picks):
            out[natural(row * length + index[natural(row * picks + p)])] = grad[natural(row * picks + p)]
    else:
        at, r = row // length * inner, row % length
        for k in range(inner):
            here = index[natural(at + k)] == r
            out[natural(row * inner + k)] = grad[natural(at + k)] if here else 0
