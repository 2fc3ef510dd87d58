"""Recurrent layers, one direction of one layer at a time: LSTM, GRU and the plain RNN.

Rows are the (sequence, step) pairs in the order of a packed sequence: step t has the `sizes[t]` longest sequences,
whose rows follow those of step t - 1. A layer is one product of all rows with the weight of the input, then a loop over
the steps in which the product with the state and the gates of `GATES` are computed:

    LSTM  i, f, o = sigmoid, g = tanh of x W^T + h U^T + b;   c = f c + i g;   h = o tanh(c)
    GRU   r, z = sigmoid(x W^T + h U^T + b);  n = tanh(x W_n^T + b_n + r (h U_n^T + d_n));  h = (1 - z) n + z h
    RNN   h = tanh or relu of x W^T + h U^T + b

Every kernel here serves all of them by `mode`. What the gradient needs is kept: `gates` after their functions, and
`extra`, which is the cell c of the LSTM and the inner sum h U_n^T + d_n of the GRU.
"""

from __future__ import annotations

from nbnn import _jit
from nbnn.kernels._cpu import full_width, inner_ranges, over_rows
from nbnn.kernels._gemm import MR, gemm, pack_panel, round_up, workspace_size
from nbnn.kernels._simd import (
    LANES,
    fma,
    lanes,
    less,
    load,
    load_part,
    maximum,
    select,
    splat,
    store,
    store_part,
    tile_load,
    tile_load_part,
    tile_outer,
    tile_store,
    tile_store_columns,
    tile_zero,
    zero,
)
from nbnn.kernels._vecmath import natural, sigmoid, tanh

LSTM, GRU, TANH, RELU = 0, 1, 2, 3
GATES = (4, 3, 1, 1)  # of each mode


# -- the bodies: one step ------------------------------------------------------------------------------------------
# An item is one unit of one sequence. `gates` holds x W^T + b of all rows when the step begins (the GRU's b is that of
# the input, `bias` that of the state); `at` is the first row of the step, and the states are (sequences, units).


@_jit.jit
def _inner_product(h, r, w, row, units):  # type: ignore[no-untyped-def]
    total = type(h[0])(0)
    for k in range(units):
        total += h[r * units + k] * w[row * units + k]
    return total


@over_rows
def step(item, y, gates, extra, h, c, old_h, w, bias, mode, at, units):  # type: ignore[no-untyped-def]
    """One step of one unit: its gates, the new state in `y`, `h` and `c`."""
    r = item // units
    j = item % units
    row = at + r
    place = row * units + j
    one = type(h[0])(1)
    if mode == LSTM:
        first = row * 4 * units + j
        i = sigmoid(gates[first] + _inner_product(old_h, r, w, j, units))
        f = sigmoid(gates[first + units] + _inner_product(old_h, r, w, units + j, units))
        g = tanh(gates[first + 2 * units] + _inner_product(old_h, r, w, 2 * units + j, units))
        o = sigmoid(gates[first + 3 * units] + _inner_product(old_h, r, w, 3 * units + j, units))
        gates[first], gates[first + units], gates[first + 2 * units], gates[first + 3 * units] = i, f, g, o
        cell = f * c[item] + i * g
        c[item] = cell
        extra[place] = cell
        new = o * tanh(cell)
    elif mode == GRU:
        first = row * 3 * units + j
        reset = gates[first] + _inner_product(old_h, r, w, j, units)
        update = gates[first + units] + _inner_product(old_h, r, w, units + j, units)
        inner = _inner_product(old_h, r, w, 2 * units + j, units)
        if bias is not None:
            reset, update, inner = reset + bias[j], update + bias[units + j], inner + bias[2 * units + j]
        reset, update = sigmoid(reset), sigmoid(update)
        n = tanh(gates[first + 2 * units] + reset * inner)
        gates[first], gates[first + units], gates[first + 2 * units] = reset, update, n
        extra[place] = inner
        new = (one - update) * n + update * old_h[item]
    else:
        new = gates[place] + _inner_product(old_h, r, w, j, units)
        if mode == TANH:
            new = tanh(new)
        elif new < 0:
            new = type(new)(0)
    y[place] = new
    h[item] = new


@over_rows
def step_backward(item, dx, hidden, before, dh, dc, grad, y, gates, extra, h0, c0, mode, at, units, old_at, old_rows):  # type: ignore[no-untyped-def]
    """The gradient of `step` for one unit: by its gates (`dx` on the input's side, `hidden` on the state's) and c.

    `hidden` and `dx` differ in the GRU alone. The state before the step goes into `before`: for the first `old_rows`
    sequences it is that of the rows from `old_at` on, for the others the initial one. dh becomes the part of its
    gradient that passes no gate.
    """
    r = item // units
    j = item % units
    place = (at + r) * units + j
    old = (old_at + r) * units + j
    h = y[old] if r < old_rows else h0[item]
    before[place] = h
    one = type(h)(1)
    g = dh[item] + grad[place]
    rest = type(h)(0)
    if mode == LSTM:
        first = (at + r) * 4 * units + j
        a, b, new, o = gates[first], gates[first + units], gates[first + 2 * units], gates[first + 3 * units]
        t = tanh(extra[place])
        cell = dc[item] + g * o * (one - t * t)
        dx[first] = cell * new * a * (one - a)
        dx[first + units] = cell * (extra[old] if r < old_rows else c0[item]) * b * (one - b)
        dx[first + 2 * units] = cell * a * (one - new * new)
        dx[first + 3 * units] = g * t * o * (one - o)
        dc[item] = cell * b
    elif mode == GRU:
        first = (at + r) * 3 * units + j
        reset, update, n = gates[first], gates[first + units], gates[first + 2 * units]
        dn = g * (one - update) * (one - n * n)
        dx[first] = dn * extra[place] * reset * (one - reset)
        dx[first + units] = g * (h - n) * update * (one - update)
        dx[first + 2 * units] = dn
        hidden[first], hidden[first + units] = dx[first], dx[first + units]
        hidden[first + 2 * units] = dn * reset
        rest = g * update
    elif mode == TANH:
        dx[place] = g * (one - y[place] * y[place])
    else:
        dx[place] = g if y[place] > 0 else rest
    dh[item] = rest


@over_rows
def step_product(item, dh, hidden, w, at, units, gates):  # type: ignore[no-untyped-def]
    """dh += the gradients by the gates times U, for one unit of one sequence."""
    r = item // units
    j = item % units
    total = dh[item]
    for k in range(gates * units):
        total += hidden[(at + r) * gates * units + k] * w[k * units + j]
    dh[item] = total


# -- the CPU: products on packed weights ---------------------------------------------------------------------------
# A group is two vectors of units. All work of a step on one group (its columns of the product, its gates) is one item,
# so that a step enters the threads once. What a step both reads whole and writes, a state or the gradients by gates, is
# read from an interleaved copy.

_GRAIN = 1 << 18  # multiply-adds of one chunk
_NEAR = 1 << 19  # numbers of W and U that lie near enough to be read in each step
_LOW = 4  # rows of the tile for what is left over after tiles of MR rows (20 rows: 8 + 8 + 4)


@_jit.shared
def _groups(units, width):  # type: ignore[no-untyped-def]
    return (units + width - 1) // width


def _interleave_rows(w, to, at, rows, k, x, x_at, deep):  # type: ignore[no-untyped-def]
    """Rows of `deep` numbers from x[x_at:], each continued by k from w[at:], in panels of MR rows.

    Step s of a product then reads MR numbers that lie together. Addresses of MR rows far apart cost a product a tenth:
    their arithmetic takes ports of the multiply-adds.
    """
    for i in range(0, rows, MR):
        target = to + i * (deep + k)
        for c in range(0, deep, lanes(w)):
            tile = tile_load_part(x, x_at + i * deep + c, deep, MR, 1, rows - i, deep - c)
            tile_store_columns(tile, w, target + c * MR, MR)
        target += deep * MR
        for c in range(0, k, lanes(w)):
            tile = tile_load_part(w, at + i * k + c, k, MR, 1, MR, k - c)
            tile_store_columns(tile, w, target + c * MR, MR)


_interleave = _jit.jit(_interleave_rows, inner=True)


def _multiply_rows(w, to, first, first_at, ld, a_at, a_row, b_at, k, rows, columns, fresh):  # type: ignore[no-untyped-def]
    """`rows` rows of two vectors at w[to:]: (0 if `fresh` else first) + A times a packed panel; A is interleaved.

    The rows of `first` are `ld` apart, 0 for one that serves all; rows of whole tiles are written.
    """
    width = 2 * lanes(w)
    i = 0
    while i < rows:
        left, at, x, p = rows - i, first_at + i * ld, a_at + i * a_row, b_at
        height = MR if ld == 0 else left
        if left > _LOW and MR > _LOW:
            if fresh:
                tile = tile_zero(w, MR, 2)
            elif height >= MR and columns == width:
                tile = tile_load(first, at, ld, MR, 2)
            else:
                tile = tile_load_part(first, at, ld, MR, 2, height, columns)
            for _ in range(k):
                tile = tile_outer(tile, w, x, 1, w, p)
                x += MR
                p += width
            tile_store(tile, w, to + i * width, width)
            i += MR
        else:
            low = tile_zero(w, _LOW, 2) if fresh else tile_load_part(first, at, ld, _LOW, 2, height, columns)
            for _ in range(k):
                low = tile_outer(low, w, x, 1, w, p)
                x += MR
                p += width
            tile_store(low, w, to + i * width, width)
            i += _LOW


_multiply = _jit.jit(_multiply_rows, inner=True)


@inner_ranges
def _pack_forward(start, stop, grain, w, w_ih, w_hh, gates, units, deep):  # type: ignore[no-untyped-def]
    """Item = one gate of one group: the columns of W^T (where the steps multiply by it) over those of U^T."""
    width = 2 * lanes(w)
    for item in range(start, stop):
        j = item // gates * width
        row, target = item % gates * units + j, item * width * (deep + units)
        pack_panel(w, target, width, w_ih, row * deep, deep, 1, units - j, deep)
        pack_panel(w, target + width * deep, width, w_hh, row * units, units, 1, units - j, units)


@inner_ranges
def _pack_backward(start, stop, grain, w, w_at, u, gates, units):  # type: ignore[no-untyped-def]
    """Item = one group of columns of U."""
    width = 2 * lanes(w)
    for item in range(start, stop):
        j = item * width
        pack_panel(w, w_at + j * gates * units, width, u, j, 1, units, units - j, gates * units)


def _sigmoid_run(x, at, n):  # type: ignore[no-untyped-def]
    full_width()
    for i in range(at, at + n):
        x[natural(i)] = sigmoid(x[natural(i)])


def _tanh_run(x, at, n):  # type: ignore[no-untyped-def]
    full_width()
    for i in range(at, at + n):
        x[natural(i)] = tanh(x[natural(i)])


# Two small loops of one array each: LLVM vectorises them, which it does not do for a loop over nine arrays.
_sigmoid, _tanh = _jit.jit(_sigmoid_run, inner=True), _jit.jit(_tanh_run, inner=True)


# The gates of a group begin as sums at w[at:], rows of two vectors, those of the next gate `area` further. What comes
# of them is written where it stays when it is final: rows of `gates` may lie 4 KB apart, one set of the first cache.


def _lstm_block(y, c, gates, extra, w, at, area, to, keep, row, units, j, rows, count):  # type: ignore[no-untyped-def]
    width = 2 * lanes(y)
    size = rows * width
    _sigmoid(w, at, size)
    _sigmoid(w, at + area, size)
    _tanh(w, at + 2 * area, size)
    _sigmoid(w, at + 3 * area, size)
    for r in range(rows):
        for k in range(0, count, lanes(y)):
            left, p, place = count - k, at + r * width + k, (row + r) * units + j + k
            state, target = r * units + j + k, (row + r) * 4 * units + j + k
            by_i, by_f, by_g, by_o = load(w, p), load(w, p + area), load(w, p + 2 * area), load(w, p + 3 * area)
            new = fma(by_f, load_part(c, state, left), by_i * by_g)
            store(w, p + 4 * area, new)
            store_part(c, state, new, left)
            if keep:
                store_part(extra, place, new, left)
                store_part(gates, target, by_i, left)
                store_part(gates, target + units, by_f, left)
                store_part(gates, target + 2 * units, by_g, left)
                store_part(gates, target + 3 * units, by_o, left)
    _tanh(w, at + 4 * area, size)
    for r in range(rows):
        for k in range(0, count, lanes(y)):
            left, p = count - k, at + r * width + k
            new = load(w, p + 3 * area) * load(w, p + 4 * area)
            store_part(y, (row + r) * units + j + k, new, left)
            store_part(w, to + r * units + j + k, new, left)


def _gru_block(y, gates, extra, w, at, area, to, keep, bias, row, units, j, rows, count):  # type: ignore[no-untyped-def]
    width = 2 * lanes(y)
    size = rows * width
    for k in range(0, count, lanes(y)):
        left = count - k
        by_r, by_z = load_part(bias, j + k, left), load_part(bias, units + j + k, left)
        by_n = load_part(bias, 2 * units + j + k, left)
        for r in range(rows):
            p = at + r * width + k
            store(w, p, load(w, p) + by_r)
            store(w, p + area, load(w, p + area) + by_z)
            store(w, p + 3 * area, load(w, p + 3 * area) + by_n)
    _sigmoid(w, at, size)
    _sigmoid(w, at + area, size)
    for p in range(at, at + size, lanes(y)):
        store(w, p + 2 * area, load(w, p) * load(w, p + 3 * area) + load(w, p + 2 * area))
    _tanh(w, at + 2 * area, size)
    one = splat(type(y[0])(1))
    for r in range(rows):
        for k in range(0, count, lanes(y)):
            left, p, place = count - k, at + r * width + k, (row + r) * units + j + k
            state, target = to + r * units + j + k, (row + r) * 3 * units + j + k
            update, n = load(w, p + area), load(w, p + 2 * area)
            if keep:
                store_part(gates, target, load(w, p), left)
                store_part(gates, target + units, update, left)
                store_part(gates, target + 2 * units, n, left)
                store_part(extra, place, load(w, p + 3 * area), left)
            new = fma(update, load_part(w, state, left), (one - update) * n)
            store_part(y, place, new, left)
            store_part(w, state, new, left)


def _rnn_block(y, w, at, to, mode, row, units, j, rows, count):  # type: ignore[no-untyped-def]
    width = 2 * lanes(y)
    if mode == TANH:
        _tanh(w, at, rows * width)
    for r in range(rows):
        for k in range(0, count, lanes(y)):
            left, new = count - k, load(w, at + r * width + k)
            if mode == RELU:
                new = maximum(zero(y), new)
            store_part(y, (row + r) * units + j + k, new, left)
            store_part(w, to + r * units + j + k, new, left)


_lstm_gates = _jit.jit(_lstm_block, inner=True)
_gru_gates = _jit.jit(_gru_block, inner=True)
_rnn_gates = _jit.jit(_rnn_block, inner=True)


@inner_ranges
def _step_groups(
    start, stop, grain, y, c, gates, extra, first, by_step, bias, w, a_at, to, scratch, area, mode, many, row, units,
    deep, rows, keep,
):  # type: ignore[no-untyped-def]  # fmt: skip
    """`step` for the groups of units: the packed weights lie at the beginning of `w`.

    From `a_at` on stand the inputs (if the steps multiply them) and the states before, interleaved; the states are
    replaced in the rows from `to` on. The sums of the gates begin with the rows of `first`, `by_step` apart.
    """
    width = 2 * lanes(y)
    k = deep + units
    at = scratch + start // grain * (many + 1) * area
    for group in range(start, stop):
        j = group * width
        count = min(width, units - j)
        for q in range(many):
            b_at, left = (group * many + q) * width * k, row * by_step + q * units + j
            steps = deep if mode == GRU and q == 2 else k
            _multiply(w, at + q * area, first, left, by_step, a_at, k, b_at, steps, rows, count, False)
            if mode == GRU and q == 2:
                inner, u_at = at + 3 * area, b_at + deep * width
                _multiply(w, inner, first, left, by_step, a_at + deep * MR, k, u_at, units, rows, count, True)
        if mode == LSTM:
            _lstm_gates(y, c, gates, extra, w, at, area, to, keep, row, units, j, rows, count)
        elif mode == GRU:
            _gru_gates(y, gates, extra, w, at, area, to, keep, bias, row, units, j, rows, count)
        else:
            _rnn_gates(y, w, at, to, mode, row, units, j, rows, count)


@_jit.shared
def step_depth(many, steps, rows, inputs, units):  # type: ignore[no-untyped-def]
    """Numbers of an input row that the steps multiply by W, all of them or none: then one product of all rows does.

    Together with U, a W that stays in the nearer caches comes at the speed of the multiply-adds, and the sums of the
    gates stay out of memory; few sequences would fill the tiles worse than all rows do.
    """
    return inputs if many * units * (inputs + units) <= _NEAR and rows >= 16 * steps else 0


@_jit.shared
def recurrent_workspace(mode, many, steps, batch, rows, inputs, units, reverse, keep):  # type: ignore[no-untyped-def]
    """Numbers of scratch space of `recurrent_fast`."""
    deep, height, wide = step_depth(many, steps, rows, inputs, units), round_up(batch, MR), round_up(units, 2 * LANES)
    operands = height * (deep + 2 * units) + LANES * MR + 16
    product = 0 if deep else workspace_size(rows, many * units, inputs)
    return wide * many * (deep + units) + operands + height * wide * (many + 1) + product


@_jit.jit
def recurrent_fast(
    y, hn, cn, gates, extra, x, h0, c0, w_ih, w_hh, b_ih, b_hh, sizes, workspace,
    mode, many, steps, batch, rows, inputs, units, reverse, keep, pool,
):  # type: ignore[no-untyped-def]  # fmt: skip
    """All steps of one direction of one layer on the CPU; what a mode has no use for may be any array.

    `gates` and `extra` are what the gradient needs: without `keep` they are empty, where `step_depth` is not 0.
    """
    width = 2 * lanes(y)
    items, height, n = _groups(units, width), round_up(batch, MR), many * units
    deep = step_depth(many, steps, rows, inputs, units)
    pack_grain = max(1, _GRAIN // ((deep + units) * width * 8))
    _run_pack_forward((workspace, w_ih, w_hh, many, units, deep), 0, items * many, pack_grain, pool)
    states = items * width * many * (deep + units)
    for i in range(height * units):
        workspace[natural(states + i)] = h0[natural(i)] if i < batch * units else type(y[0])(0)
    if mode == LSTM:
        for i in range(batch * units):
            cn[natural(i)] = c0[natural(i)]
    packed, area = states + height * units, height * width
    scratch = round_up(packed + height * (deep + units) + LANES * MR, 16)
    first, by_step = b_ih, 0
    if deep == 0:
        free = scratch + items * area * (many + 1)
        gemm(gates, 0, x, 0, w_ih, 0, b_ih, 0, rows, n, inputs, inputs, 1, 1, inputs, n, workspace, free, pool)
        first, by_step = gates, n
    row = rows - sizes[steps - 1] if reverse else 0
    for s in range(steps):
        t = steps - 1 - s if reverse else s
        active = sizes[t]
        grain = max(1, _GRAIN // max(1, active * (deep + units) * width * many))
        _interleave(workspace, packed, states, active, units, x, row * deep, deep)
        args = (y, cn, gates, extra, first, by_step, b_hh, workspace, packed, states, scratch, area,
                mode, many, row, units, deep, active, keep)  # fmt: skip
        _run_steps(args, 0, items, grain, pool)
        following = 0 if s == steps - 1 else sizes[t - 1] if reverse else sizes[t + 1]
        for i in range(min(following, active) * units, active * units):  # sequences that end here
            hn[natural(i)] = y[natural(row * units + i)]
        row += -following if reverse else active


def _lstm_block_backward(
    dx, before, dh, dc, grad, y, gates, extra, h0, c0, w, to, scratch, row, units, old, olds, j, rows, count
):  # type: ignore[no-untyped-def]
    first, width = row * 4 * units, 2 * lanes(y)
    for r in range(rows):
        for k in range(0, count, lanes(y)):
            store(w, scratch + r * width + k, load_part(extra, (row + r) * units + j + k, count - k))
    _tanh(w, scratch, rows * width)
    one = splat(type(y[0])(1))
    for r in range(rows):
        for k in range(j, j + count, lanes(y)):
            left, at, state, place = j + count - k, first + r * 4 * units + k, r * units + k, (row + r) * units + k
            h, c = load_part(h0, state, left), load_part(c0, state, left)
            if r < olds:
                h, c = load_part(y, (old + r) * units + k, left), load_part(extra, (old + r) * units + k, left)
            store_part(before, place, h, left)
            a, b = load_part(gates, at, left), load_part(gates, at + units, left)
            new, o = load_part(gates, at + 2 * units, left), load_part(gates, at + 3 * units, left)
            t = load(w, scratch + r * width + k - j)
            g = load_part(dh, state, left) + load_part(grad, place, left)
            cell = fma(g * o, one - t * t, load_part(dc, state, left))
            by_i, by_f = cell * new * a * (one - a), cell * c * b * (one - b)
            by_g, by_o = cell * a * (one - new * new), g * t * o * (one - o)
            store_part(dc, state, cell * b, left)
            at_w = to + r * 4 * units + k
            for array, p in ((dx, at), (w, at_w)):
                store_part(array, p, by_i, left)
                store_part(array, p + units, by_f, left)
                store_part(array, p + 2 * units, by_g, left)
                store_part(array, p + 3 * units, by_o, left)


def _gru_block_backward(
    dx, hidden, before, dh, grad, y, gates, extra, h0, w, to, row, units, old, olds, j, rows, count
):  # type: ignore[no-untyped-def]
    one = splat(type(y[0])(1))
    for r in range(rows):
        for k in range(j, j + count, lanes(y)):
            left, at, state, place = j + count - k, (row + r) * 3 * units + k, r * units + k, (row + r) * units + k
            h = load_part(h0, state, left)
            if r < olds:
                h = load_part(y, (old + r) * units + k, left)
            store_part(before, place, h, left)
            reset, update = load_part(gates, at, left), load_part(gates, at + units, left)
            n = load_part(gates, at + 2 * units, left)
            g = load_part(dh, state, left) + load_part(grad, place, left)
            by_n = g * (one - update) * (one - n * n)
            by_r = by_n * load_part(extra, place, left) * reset * (one - reset)
            by_z = g * (h - n) * update * (one - update)
            store_part(dh, state, g * update, left)
            store_part(dx, at + 2 * units, by_n, left)
            store_part(dx, at, by_r, left)
            store_part(dx, at + units, by_z, left)
            at_w = to + r * 3 * units + k
            for array, p in ((hidden, at), (w, at_w)):
                store_part(array, p, by_r, left)
                store_part(array, p + units, by_z, left)
                store_part(array, p + 2 * units, by_n * reset, left)


def _rnn_block_backward(dx, before, dh, grad, y, h0, w, to, mode, row, units, old, olds, j, rows, count):  # type: ignore[no-untyped-def]
    one = splat(type(y[0])(1))
    for r in range(rows):
        for k in range(j, j + count, lanes(y)):
            left, state, place = j + count - k, r * units + k, (row + r) * units + k
            h = load_part(h0, state, left)
            if r < olds:
                h = load_part(y, (old + r) * units + k, left)
            store_part(before, place, h, left)
            g, new = load_part(dh, state, left) + load_part(grad, place, left), load_part(y, place, left)
            by = g * (one - new * new) if mode == TANH else select(less(zero(y), new), g, zero(y))
            store_part(dx, place, by, left)
            store_part(w, to + state, by, left)


_lstm_gates_backward = _jit.jit(_lstm_block_backward, inner=True)
_gru_gates_backward = _jit.jit(_gru_block_backward, inner=True)
_rnn_gates_backward = _jit.jit(_rnn_block_backward, inner=True)


@inner_ranges
def _step_groups_backward(
    start, stop, grain, dx, hidden, before, dh, dc, grad, y, gates, extra, h0, c0, w, from_w, to,
    scratch, area, mode, many, units, row, rows, old, olds, done,
):  # type: ignore[no-untyped-def]  # fmt: skip
    """`step_product` of the step done before, then `step_backward`; the packed weights lie at the beginning of `w`.

    From `from_w` on stand the `done` rows of gradients of that step, interleaved; this step's go to the rows at `to`.
    """
    width = 2 * lanes(y)
    at = scratch + start // grain * area
    for group in range(start, stop):
        j = group * width
        count, k = min(width, units - j), many * units
        _multiply(w, at, dh, j, units, from_w, k, j * k, k, done, count, mode != GRU)
        for r in range(done):
            for p in range(0, count, lanes(y)):
                store_part(dh, r * units + j + p, load(w, at + r * width + p), count - p)
        if mode == LSTM:
            _lstm_gates_backward(
                dx, before, dh, dc, grad, y, gates, extra, h0, c0, w, to, at, row, units, old, olds, j, rows, count
            )
        elif mode == GRU:
            _gru_gates_backward(
                dx, hidden, before, dh, grad, y, gates, extra, h0, w, to, row, units, old, olds, j, rows, count
            )
        else:
            _rnn_gates_backward(dx, before, dh, grad, y, h0, w, to, mode, row, units, old, olds, j, rows, count)


_run_pack_forward, _run_pack_backward = _pack_forward.cpu, _pack_backward.cpu
_run_steps, _run_steps_backward = _step_groups.cpu, _step_groups_backward.cpu


@_jit.shared
def recurrent_backward_workspace(mode, many, steps, batch, rows, inputs, units, reverse):  # type: ignore[no-untyped-def]
    """Numbers of scratch space of `recurrent_backward_fast`."""
    wide, height = round_up(units, 2 * LANES), round_up(batch, MR)
    return (wide * units + 2 * height * units) * many + LANES * MR + 16 + height * wide


@_jit.jit
def recurrent_backward_fast(
    dx, hidden, before, dh, dc, grad, dhn, dcn, y, gates, extra, h0, c0, w_hh, sizes, workspace,
    mode, many, steps, batch, rows, inputs, units, reverse, pool,
):  # type: ignore[no-untyped-def]  # fmt: skip
    """The gradients by the gates of all steps, in the reverse order of `recurrent_fast`, and by the initial states."""
    width = 2 * lanes(y)
    items = _groups(units, width)
    slopes = items * width * units * many
    slope = round_up(batch, MR) * units * many
    grain = max(1, _GRAIN // (units * many * width * 2))
    _run_pack_backward((workspace, 0, w_hh, many, units), 0, items, grain, pool)
    for i in range(slope):
        workspace[natural(slopes + i)] = 0
    packed, area = slopes + slope, round_up(batch, MR) * width
    scratch = round_up(packed + slope + LANES * MR, 16)
    for i in range(batch * units):
        dh[natural(i)] = dhn[natural(i)]
    if mode == LSTM:
        for i in range(batch * units):
            dc[natural(i)] = dcn[natural(i)]
    row = 0 if reverse else rows - sizes[steps - 1]
    done = 0
    for s in range(steps + 1):  # the last turn is the product alone
        t = s if reverse else steps - 1 - s
        active = sizes[t] if s < steps else 0
        olds = 0 if s >= steps - 1 else sizes[t + 1] if reverse else sizes[t - 1]
        old = row + active if reverse else row - olds
        _interleave(workspace, packed, slopes, done, many * units, dh, 0, 0)
        grain = max(1, _GRAIN // max(1, max(active, done) * units * width * many))
        args = (
            dx, hidden, before, dh, dc, grad, y, gates, extra, h0, c0, workspace, packed, slopes,
            scratch, area, mode, many, units, row, active, old, olds, done,
        )  # fmt: skip
        _run_steps_backward(args, 0, items, grain, pool)
        row = old
        done = active
