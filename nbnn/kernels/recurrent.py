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
    load_part,
    maximum,
    select,
    splat,
    store_part,
    tile_load,
    tile_load_part,
    tile_outer,
    tile_store,
    tile_store_columns,
    tile_store_part,
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
_LOW = 4  # rows of the tile for what is left over after tiles of MR rows (20 rows: 8 + 8 + 4)


@_jit.shared
def _groups(units, width):  # type: ignore[no-untyped-def]
    return (units + width - 1) // width


def _interleave_rows(w, to, at, rows, k):  # type: ignore[no-untyped-def]
    """Rows of k numbers from w[at:] in panels of MR rows: step s of a product reads MR numbers that lie together.

    Addresses of MR rows far apart cost a product a tenth: their arithmetic takes ports of the multiply-adds.
    """
    for i in range(0, rows, MR):
        for c in range(0, k, lanes(w)):
            tile = tile_load_part(w, at + i * k + c, k, MR, 1, MR, k - c)
            tile_store_columns(tile, w, to + i * k + c * MR, MR)


_interleave = _jit.jit(_interleave_rows, inner=True)


def _multiply_rows(c, c_at, ldc, a, a_at, b, b_at, k, rows, columns, fresh):  # type: ignore[no-untyped-def]
    """`rows` x `columns` numbers of C = (0 if `fresh` else C) + A times a packed panel; A is interleaved."""
    width = 2 * lanes(c)
    i = 0
    while i < rows:
        left, at, x, p = rows - i, c_at + i * ldc, a_at + i * k, b_at
        if left > _LOW and MR > _LOW:
            full = left >= MR and columns == width
            if fresh:
                tile = tile_zero(c, MR, 2)
            elif full:
                tile = tile_load(c, at, ldc, MR, 2)
            else:
                tile = tile_load_part(c, at, ldc, MR, 2, left, columns)
            for _ in range(k):
                tile = tile_outer(tile, a, x, 1, b, p)
                x += MR
                p += width
            if full:
                tile_store(tile, c, at, ldc)
            else:
                tile_store_part(tile, c, at, ldc, left, columns)
            i += MR
        else:
            low = tile_zero(c, _LOW, 2) if fresh else tile_load_part(c, at, ldc, _LOW, 2, left, columns)
            for _ in range(k):
                low = tile_outer(low, a, x, 1, b, p)
                x += MR
                p += width
            tile_store_part(low, c, at, ldc, left, columns)
            i += _LOW


_multiply = _jit.jit(_multiply_rows, inner=True)


@inner_ranges
def _pack_forward(start, stop, grain, w, w_at, u, gates, units):  # type: ignore[no-untyped-def]
    """Item = one gate of one group: the columns of U^T that give it."""
    width = 2 * lanes(w)
    for item in range(start, stop):
        j = item // gates * width
        source = (item % gates * units + j) * units
        pack_panel(w, w_at + item * width * units, width, u, source, units, 1, units - j, units)


@inner_ranges
def _pack_backward(start, stop, grain, w, w_at, u, gates, units):  # type: ignore[no-untyped-def]
    """Item = one group of columns of U."""
    width = 2 * lanes(w)
    for item in range(start, stop):
        j = item * width
        pack_panel(w, w_at + j * gates * units, width, u, j, 1, units, units - j, gates * units)


def _sigmoid_block(x, at, ldx, rows, n):  # type: ignore[no-untyped-def]
    full_width()
    for r in range(rows):
        start = at + r * ldx
        for i in range(start, start + n):
            x[natural(i)] = sigmoid(x[natural(i)])


def _tanh_block(x, at, ldx, rows, n):  # type: ignore[no-untyped-def]
    full_width()
    for r in range(rows):
        start = at + r * ldx
        for i in range(start, start + n):
            x[natural(i)] = tanh(x[natural(i)])


# Two small loops of one array each: LLVM vectorises them, which it does not do for a loop over nine arrays.
_sigmoid, _tanh = _jit.jit(_sigmoid_block, inner=True), _jit.jit(_tanh_block, inner=True)


def _lstm_block(y, c, gates, extra, h, to, row, units, j, rows, count):  # type: ignore[no-untyped-def]
    for q in range(4):
        if q == 2:
            _tanh(gates, (row * 4 + q) * units + j, 4 * units, rows, count)
        else:
            _sigmoid(gates, (row * 4 + q) * units + j, 4 * units, rows, count)
    for r in range(rows):
        for k in range(j, j + count, lanes(y)):
            left, at, state, place = j + count - k, (row + r) * 4 * units + k, r * units + k, (row + r) * units + k
            new = load_part(gates, at, left) * load_part(gates, at + 2 * units, left)
            new = fma(load_part(gates, at + units, left), load_part(c, state, left), new)
            store_part(c, state, new, left)
            store_part(extra, place, new, left)
            store_part(y, place, new, left)
    _tanh(y, row * units + j, units, rows, count)
    for r in range(rows):
        for k in range(j, j + count, lanes(y)):
            left, place = j + count - k, (row + r) * units + k
            new = load_part(gates, (row + r) * 4 * units + 3 * units + k, left) * load_part(y, place, left)
            store_part(y, place, new, left)
            store_part(h, to + r * units + k, new, left)


def _gru_block(y, gates, extra, h, to, bias, row, units, j, rows, count):  # type: ignore[no-untyped-def]
    for r in range(rows):
        for k in range(j, j + count, lanes(y)):
            left, at, place = j + count - k, (row + r) * 3 * units + k, (row + r) * units + k
            store_part(gates, at, load_part(gates, at, left) + load_part(bias, k, left), left)
            store_part(gates, at + units, load_part(gates, at + units, left) + load_part(bias, units + k, left), left)
            store_part(extra, place, load_part(extra, place, left) + load_part(bias, 2 * units + k, left), left)
    _sigmoid(gates, row * 3 * units + j, 3 * units, rows, count)
    _sigmoid(gates, (row * 3 + 1) * units + j, 3 * units, rows, count)
    for r in range(rows):
        for k in range(j, j + count, lanes(y)):
            left, at, place = j + count - k, (row + r) * 3 * units + k, (row + r) * units + k
            inner = load_part(gates, at, left) * load_part(extra, place, left)
            store_part(gates, at + 2 * units, inner + load_part(gates, at + 2 * units, left), left)
    _tanh(gates, (row * 3 + 2) * units + j, 3 * units, rows, count)
    one = splat(type(y[0])(1))
    for r in range(rows):
        for k in range(j, j + count, lanes(y)):
            left, at, state = j + count - k, (row + r) * 3 * units + k, r * units + k
            update, n = load_part(gates, at + units, left), load_part(gates, at + 2 * units, left)
            new = fma(update, load_part(h, to + state, left), (one - update) * n)
            store_part(y, (row + r) * units + k, new, left)
            store_part(h, to + state, new, left)


def _rnn_block(y, gates, h, to, mode, row, units, j, rows, count):  # type: ignore[no-untyped-def]
    if mode == TANH:
        _tanh(gates, row * units + j, units, rows, count)
    for r in range(rows):
        for k in range(j, j + count, lanes(y)):
            left, place = j + count - k, (row + r) * units + k
            new = load_part(gates, place, left)
            if mode == RELU:
                new = maximum(zero(y), new)
            store_part(y, place, new, left)
            store_part(h, to + r * units + k, new, left)


_lstm_gates = _jit.jit(_lstm_block, inner=True)
_gru_gates = _jit.jit(_gru_block, inner=True)
_rnn_gates = _jit.jit(_rnn_block, inner=True)


@inner_ranges
def _step_groups(start, stop, grain, y, c, gates, extra, bias, w, state, to, mode, many, row, units, rows):  # type: ignore[no-untyped-def]
    """`step` for the groups of units: the packed weights lie at the beginning of `w`.

    From `state` on stands the state before, interleaved; it is replaced in the rows from `to` on.
    """
    width = 2 * lanes(y)
    for group in range(start, stop):
        j = group * width
        count = min(width, units - j)
        for q in range(many):
            at = (group * many + q) * width * units
            if mode == GRU and q == 2:
                _multiply(extra, row * units + j, units, w, state, w, at, units, rows, count, True)
            else:
                place = (row * many + q) * units + j
                _multiply(gates, place, many * units, w, state, w, at, units, rows, count, False)
        if mode == LSTM:
            _lstm_gates(y, c, gates, extra, w, to, row, units, j, rows, count)
        elif mode == GRU:
            _gru_gates(y, gates, extra, w, to, bias, row, units, j, rows, count)
        else:
            _rnn_gates(y, gates, w, to, mode, row, units, j, rows, count)


@_jit.shared
def recurrent_workspace(mode, many, steps, batch, rows, inputs, units, reverse):  # type: ignore[no-untyped-def]
    """Numbers of scratch space of `recurrent_fast`."""
    states = 2 * round_up(batch, MR) * units + LANES * MR
    return round_up(units, 2 * LANES) * units * many + states + workspace_size(rows, many * units, inputs)


@_jit.jit
def recurrent_fast(
    y, hn, cn, gates, extra, x, h0, c0, w_ih, w_hh, b_ih, b_hh, sizes, workspace,
    mode, many, steps, batch, rows, inputs, units, reverse, pool,
):  # type: ignore[no-untyped-def]  # fmt: skip
    """All steps of one direction of one layer on the CPU; what a mode has no use for may be any array."""
    width = 2 * lanes(y)
    items = _groups(units, width)
    states = items * width * units * many
    state = round_up(batch, MR) * units
    _run_pack_forward((workspace, 0, w_hh, many, units), 0, items * many, max(1, _GRAIN // (units * width * 8)), pool)
    for i in range(state):
        workspace[natural(states + i)] = h0[natural(i)] if i < batch * units else type(y[0])(0)
    if mode == LSTM:
        for i in range(batch * units):
            cn[natural(i)] = c0[natural(i)]
    n = many * units
    packed = states + state
    free = packed + state + LANES * MR
    gemm(gates, 0, x, 0, w_ih, 0, b_ih, 0, rows, n, inputs, inputs, 1, 1, inputs, n, workspace, free, pool)
    row = rows - sizes[steps - 1] if reverse else 0
    for s in range(steps):
        t = steps - 1 - s if reverse else s
        active = sizes[t]
        grain = max(1, _GRAIN // max(1, active * units * width * many))
        _interleave(workspace, packed, states, active, units)
        args = (y, cn, gates, extra, b_hh, workspace, packed, states, mode, many, row, units, active)
        _run_steps(args, 0, items, grain, pool)
        following = 0 if s == steps - 1 else sizes[t - 1] if reverse else sizes[t + 1]
        for i in range(min(following, active) * units, active * units):  # sequences that end here
            hn[natural(i)] = y[natural(row * units + i)]
        row += -following if reverse else active


def _lstm_block_backward(
    dx, before, dh, dc, grad, y, gates, extra, h0, c0, w, to, row, units, old, olds, j, rows, count
):  # type: ignore[no-untyped-def]
    first = row * 4 * units
    for r in range(rows):
        for k in range(j, j + count, lanes(y)):
            left = j + count - k
            cell = load_part(extra, (row + r) * units + k, left)
            store_part(dx, first + r * 4 * units + k, cell, left)
    _tanh(dx, first + j, 4 * units, rows, count)
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
            t = load_part(dx, at, left)
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
    mode, many, units, row, rows, old, olds, done,
):  # type: ignore[no-untyped-def]  # fmt: skip
    """`step_product` of the step done before, then `step_backward`; the packed weights lie at the beginning of `w`.

    From `from_w` on stand the `done` rows of gradients of that step, interleaved; this step's go to the rows at `to`.
    """
    width = 2 * lanes(y)
    for group in range(start, stop):
        j = group * width
        count, k = min(width, units - j), many * units
        _multiply(dh, j, units, w, from_w, w, j * k, k, done, count, mode != GRU)
        if mode == LSTM:
            _lstm_gates_backward(
                dx, before, dh, dc, grad, y, gates, extra, h0, c0, w, to, row, units, old, olds, j, rows, count
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
    return (round_up(units, 2 * LANES) * units + 2 * round_up(batch, MR) * units) * many + LANES * MR


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
    packed = slopes + slope
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
        _interleave(workspace, packed, slopes, done, many * units)
        grain = max(1, _GRAIN // max(1, max(active, done) * units * width * many))
        args = (
            dx, hidden, before, dh, dc, grad, y, gates, extra, h0, c0, workspace, packed, slopes,
            mode, many, units, row, active, old, olds, done,
        )  # fmt: skip
        _run_steps_backward(args, 0, items, grain, pool)
        row = old
        done = active
