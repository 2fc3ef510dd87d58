"""Sorting rows of keys, and what sorted rows tell.

A key is an integer that orders like the number it stands for, NaN last. Sorting gives the places of the numbers and
leaves equal ones in their order.
"""

from __future__ import annotations

from nbnn import _jit
from nbnn.kernels._cpu import over_elements, over_outputs, over_ranges, over_rows
from nbnn.kernels._vecmath import natural

SHORT = 40  # rows up to here are sorted by insertion
DIGITS = 256  # values of one digit of a key
CHUNKS = 32  # at most so many chunks of rows, each with scratch of its own: it stays in the cache


@over_elements(1)
def float_key(bits, infinity, most, flip):
    """The key of a float, from its bits: -0 is 0, all NaN are the largest; in reversed order where `flip` is -1."""
    size = int(bits) & most
    key = most if size > infinity else 0 if size == 0 else int(bits) if int(bits) >= 0 else int(bits) ^ most
    return key ^ flip


@over_elements(1)
def flipped(x):
    """y = -1 - x: integers in reversed order"""
    return ~x


@_jit.jit
def _insert(keys, at, order, length):
    for j in range(length):
        key = keys[natural(at + j)]
        p = j
        while p > 0 and keys[natural(at + order[natural(at + p - 1)])] > key:
            order[natural(at + p)] = order[natural(at + p - 1)]
            p -= 1
        order[natural(at + p)] = j


@_jit.jit
def _count_digits(keys, at, length, counts, to, digits):
    for d in range(digits * DIGITS):
        counts[natural(to + d)] = 0
    for j in range(length):
        key = keys[natural(at + j)]
        for d in range(digits):
            counts[natural(to + d * DIGITS + ((key >> (8 * d)) & 255))] += 1


@_jit.jit
def _radix(keys, at, order, spare, spare_at, moved, moved_at, length, counts, to, digits):
    """Sort by one digit after another, from the last; digits that all keys share are passed over.

    Keys and places move between (order, moved[0]) and (spare, moved[1]).
    """
    _count_digits(keys, at, length, counts, to, digits)
    for j in range(length):
        order[natural(at + j)] = j
        moved[natural(moved_at + j)] = keys[natural(at + j)]
    swapped = False
    for d in range(digits):
        base = to + d * DIGITS
        shift = 8 * d
        if counts[natural(base + ((moved[natural(moved_at)] >> shift) & 255))] == length:
            continue
        total = 0
        turn = 128 if d == digits - 1 else 0  # the first digit has the sign: negative keys come first
        for v in range(DIGITS):
            at_v = natural(base + (v ^ turn))
            count = counts[at_v]
            counts[at_v] = total
            total += count
        a, b = (moved_at + length, moved_at) if swapped else (moved_at, moved_at + length)
        for j in range(length):
            key = moved[natural(a + j)]
            at_v = natural(base + ((key >> shift) & 255))
            p = counts[at_v]
            counts[at_v] = p + 1
            moved[natural(b + p)] = key
            if swapped:
                order[natural(at + p)] = spare[natural(spare_at + j)]
            else:
                spare[natural(spare_at + p)] = order[natural(at + j)]
        swapped = not swapped
    if swapped:
        for j in range(length):
            order[natural(at + j)] = spare[natural(spare_at + j)]


@over_ranges
def _sort_chunk(start, stop, grain, order, keys, spare, moved, counts, length, digits):
    chunk = start // grain
    for row in range(start, stop):
        if length <= SHORT:
            _insert(keys, row * length, order, length)
        else:
            at = chunk * length
            _radix(keys, row * length, order, spare, at, moved, 2 * at, length, counts, chunk * digits * DIGITS, digits)


_sort_chunk_cpu = _sort_chunk.cpu


@_jit.jit
def sort_rows_fast(order, keys, spare, moved, counts, rows, length, digits, grain, pool):
    """`sort_rows` on the CPU, by digits; the scratch has a part for each chunk of `grain` rows."""
    _sort_chunk_cpu((order, keys, spare, moved, counts, length, digits), 0, rows, grain, pool)


@over_rows
def sort_rows(row, order, spare, keys, length):
    """keys[row, order[row, :]] ascends, by merging runs of 1, 2, 4, ... between `order` and `spare`."""
    at = row * length
    for j in range(length):
        order[natural(at + j)] = j
    width = 1
    while width < length:
        for low in range(0, length, 2 * width):
            middle, high = min(low + width, length), min(low + 2 * width, length)
            i, j = low, middle
            for p in range(low, high):
                left = i < middle
                if left and j < high:
                    left = keys[natural(at + order[natural(at + i)])] <= keys[natural(at + order[natural(at + j)])]
                if left:
                    spare[natural(at + p)] = order[natural(at + i)]
                    i += 1
                else:
                    spare[natural(at + p)] = order[natural(at + j)]
                    j += 1
        for j in range(length):
            order[natural(at + j)] = spare[natural(at + j)]
        width *= 2


@over_rows
def first_rows(row, order, keys, length, count):
    """order[row, :] are the places of the `count` smallest keys, ascending; of equal ones the first."""
    at, to = row * length, row * count
    filled = 0
    worst = keys[at]
    for j in range(length):
        key = keys[natural(at + j)]
        if filled < count or key < worst:
            p = filled if filled < count else count - 1
            while p > 0 and keys[natural(at + order[natural(to + p - 1)])] > key:
                order[natural(to + p)] = order[natural(to + p - 1)]
                p -= 1
            order[natural(to + p)] = j
            filled = min(filled + 1, count)
            worst = keys[natural(at + order[natural(to + filled - 1)])]


@over_outputs(1)
def rank(i, order, x, length, position, spoiled):
    """The place of the number that is `position`-th in its sorted row.

    Where `spoiled` is 1 and the row has a NaN: the place of the first one.
    """
    at = i * length
    p = at + position
    last = x[natural(at + order[natural(at + length - 1)])]
    if spoiled != 0 and last != last:
        p = at + length - 1
        while p > at:
            before = x[natural(at + order[natural(p - 1)])]
            if before == before:
                break
            p -= 1
    return order[natural(p)]


@over_elements(2)
def spoil(x, last):
    """y = x, and NaN where `last` is"""
    return x if last == last else last


@over_rows
def mark_groups(row, heads, group, order, x, width):
    """Number the runs of equal rows of x[order, :]: group[order[j]] for each j, and where run g begins in heads[g].

    Behind the last run stands the number of rows, and in heads[-1] that of runs. One item does it all, in host memory.
    """
    n = order.size
    g = row - 1
    for j in range(n):
        here = order[natural(j)]
        fresh = j == 0
        if not fresh:
            before = order[natural(j - 1)]
            for k in range(width):
                if x[natural(here * width + k)] != x[natural(before * width + k)]:
                    fresh = True
                    break
        if fresh:
            g += 1
            heads[natural(g)] = j
        group[natural(here)] = g
    heads[natural(g + 1)] = n
    heads[natural(n + 1)] = g + 1


@over_rows
def bin_weights(row, out, x, weights, weighted):
    """out[v] = sum of weights[j], or of 1, over the j with x[j] = v. One item does it all, in host memory."""
    for v in range(row, out.size):
        out[natural(v)] = 0
    for j in range(x.size):
        out[natural(x[natural(j)])] += weights[natural(j)] if weighted != 0 else 1


@over_outputs(1)
def search(i, values, edges, length, rows, right):
    """How many of a sorted row of edges are less than the value (not larger, if `right`).

    `rows` values belong to each row of edges; 0: all to the only one.
    """
    at = i // rows * length if rows > 0 else 0
    value = values[natural(i)]
    low, high = 0, length
    while low < high:
        middle = (low + high) // 2
        edge = edges[natural(at + middle)]
        passes = not (edge > value) if right != 0 else not (edge >= value)
        if passes:
            low = middle + 1
        else:
            high = middle
    return low
