"""Scaled dot-product attention, softmax(scale Q K^T + mask) V, without the matrix of scores.

Q is (heads, L, E), K (heads / repeats, S, E) and V (heads / repeats, S, F): `repeats` neighbouring heads of Q share one
of K and V. `mask` holds numbers to add (-inf forbids) and `mask_at` where each head's begin; a step of 0 repeats a row
or a column. With `causal`, query i sees the keys 0 to i. The probability of a key is exp(score - shift) * rate, and
`norms` holds shift, the largest score, and rate, 1 over the sum of the exponentials, of each query. (Their logarithm in
one number would lose the sum beside a shift of -1e30.) A query that may see nothing gives 0; its shift and rate are 0.

On the CPU (Dao et al., "FlashAttention", 2022) a block of queries meets one block of keys after another, with a running
maximum and sum. The scores of two blocks are kept transposed, keys by queries: softmax then works on vectors of queries
without sums across lanes, and every product reads its factors in the order in which they lie.
"""

from __future__ import annotations

import numpy as np

from nbnn import _jit
from nbnn.kernels._cpu import full_width, inner_ranges, over_elements, over_rows
from nbnn.kernels._gemm import round_up
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
    tile_store_part,
    tile_zero,
    total,
    zero,
)
from nbnn.kernels._vecmath import exp, natural

# -- the bodies ----------------------------------------------------------------------------------------------------


@_jit.jit
def _score(q, k, mask, mask_at, head, i, j, queries, keys, width, repeats, row, column, scale, causal):  # type: ignore[no-untyped-def]
    """scale * q_i . k_j + mask, or -inf where query i may not see key j."""
    kind = type(q[0])
    if causal and j > i:
        return kind(-np.inf)
    value = kind(0)
    for e in range(width):
        value += q[(head * queries + i) * width + e] * k[(head // repeats * keys + j) * width + e]
    value *= kind(scale)
    if mask is not None:
        value += mask[mask_at[head] + i * row + j * column]
    return value


@over_rows
def attention(
    item, out, norms, q, k, v, mask, mask_at, heads, queries, keys, width, wide, repeats, row, column, scale, causal
):  # type: ignore[no-untyped-def]
    """One query: its output of `wide` numbers and its norms."""
    head = item // queries
    i = item % queries
    kind = type(q[0])
    top = kind(-np.inf)
    for j in range(keys):
        s = _score(q, k, mask, mask_at, head, i, j, queries, keys, width, repeats, row, column, scale, causal)
        top = s if s > top or s != s else top
    shift = top if top > kind(-np.inf) or top != top else kind(0)
    amount = kind(0)
    for f in range(wide):
        out[item * wide + f] = kind(0)
    for j in range(keys):
        s = _score(q, k, mask, mask_at, head, i, j, queries, keys, width, repeats, row, column, scale, causal)
        p = exp(s - shift)
        amount += p
        for f in range(wide):
            out[item * wide + f] += p * v[(head // repeats * keys + j) * wide + f]
    rate = kind(1) / amount if amount != kind(0) else kind(0)
    for f in range(wide):
        out[item * wide + f] = out[item * wide + f] * rate if amount != kind(0) else kind(0)
    norms[2 * item], norms[2 * item + 1] = shift, rate


@_jit.jit
def _slope(
    q, k, v, mask, mask_at, norms, g, out, head, i, j, queries, keys, width, wide, repeats, row, column, scale, causal
):  # type: ignore[no-untyped-def]
    """The probability of key j for query i, and the gradient by their score."""
    s = _score(q, k, mask, mask_at, head, i, j, queries, keys, width, repeats, row, column, scale, causal)
    at = head * queries + i
    p = exp(s - norms[2 * at]) * norms[2 * at + 1]
    along = type(s)(0)
    for f in range(wide):
        along += g[at * wide + f] * (v[(head // repeats * keys + j) * wide + f] - out[at * wide + f])
    return p, p * along * type(s)(scale)


@over_rows
def attention_backward_query(
    item, dq, g, q, k, v, mask, mask_at, out, norms,
    heads, queries, keys, width, wide, repeats, row, column, scale, causal,
):  # type: ignore[no-untyped-def]  # fmt: skip
    """The gradient by one query."""
    head = item // queries
    i = item % queries
    for e in range(width):
        dq[item * width + e] = type(q[0])(0)
    for j in range(keys):
        _, d = _slope(
            q, k, v, mask, mask_at, norms, g, out, head, i, j, queries, keys, width, wide, repeats, row, column, scale,
            causal,
        )  # fmt: skip
        for e in range(width):
            dq[item * width + e] += d * k[(head // repeats * keys + j) * width + e]


@over_rows
def attention_backward_key(
    item, dk, dv, g, q, k, v, mask, mask_at, out, norms,
    heads, queries, keys, width, wide, repeats, row, column, scale, causal,
):  # type: ignore[no-untyped-def]  # fmt: skip
    """The gradients by one key and its value."""
    j = item % keys
    for e in range(width):
        dk[item * width + e] = type(q[0])(0)
    for f in range(wide):
        dv[item * wide + f] = type(q[0])(0)
    for head in range(item // keys * repeats, (item // keys + 1) * repeats):
        for i in range(queries):
            p, d = _slope(
                q, k, v, mask, mask_at, norms, g, out, head, i, j, queries, keys, width, wide, repeats, row, column,
                scale, causal,
            )  # fmt: skip
            at = head * queries + i
            for e in range(width):
                dk[item * width + e] += d * q[at * width + e]
            for f in range(wide):
                dv[item * wide + f] += p * g[at * wide + f]


@over_elements(1)
def at_least(x, low):  # type: ignore[no-untyped-def]
    """x, but nothing below `low`."""
    return type(x)(low) if x < low else x


# -- the CPU: blocks -----------------------------------------------------------------------------------------------

_QUERIES = 64  # of a block; a constant, so that steps between rows of scores are known to the compiler
_KEYS = 128  # of a block: its scores take 32 KB
_ROWS = 8  # of a tile
_CHUNKS = 16


def _transpose_block(w, at, ldw, x, x_at, ldx, rows, columns, room):  # type: ignore[no-untyped-def]
    """w[c, r] = x[r, c] with rows of w `ldw` apart; zeros for r from `rows` to `room`. Writes whole vectors of c."""
    for r in range(0, room, _ROWS):
        for c in range(0, columns, lanes(w)):
            if rows - r >= _ROWS and columns - c >= lanes(w):
                tile = tile_load(x, x_at + r * ldx + c, ldx, _ROWS, 1)
            else:
                tile = tile_load_part(x, x_at + r * ldx + c, ldx, _ROWS, 1, rows - r, columns - c)
            tile_store_columns(tile, w, at + c * ldw + r, ldw)


def _pad_block(w, at, x, x_at, rows, columns, room):  # type: ignore[no-untyped-def]
    """w[r, c] = x[r, c], zeros for c from `columns` to `room`, a multiple of the vector."""
    for r in range(rows):
        for c in range(0, room, lanes(w)):
            store(w, at + r * room + c, load_part(x, x_at + r * columns + c, columns - c))


def _product_block(c, c_at, ldc, a, a_at, turned, b, b_at, ldb, m, n, k, along, fresh, bound):  # type: ignore[no-untyped-def]
    """C (m, n) = (0 if `fresh` else C) + A B; A is padded to whole tiles.

    A[i, s] is at i + s * along, or where `turned` at i * _QUERIES + s. With `bound` >= 0 A[i, s] is zero for
    s > bound + i (where `turned`, for i > bound + s), and steps that have nothing else are left out.
    """
    width = 2 * lanes(c)
    for j in range(0, n, width):
        for i in range(0, m, _ROWS):
            rows, columns, at = m - i, n - j, c_at + i * ldc + j
            full = rows >= _ROWS and columns >= width
            if fresh:
                tile = tile_zero(c, _ROWS, 2)
            elif full:
                tile = tile_load(c, at, ldc, _ROWS, 2)
            else:
                tile = tile_load_part(c, at, ldc, _ROWS, 2, rows, columns)
            y = b_at + j
            if turned:
                skipped = max(0, i - bound) if bound >= 0 else 0
                x = a_at + i * _QUERIES + skipped
                y += skipped * ldb
                for _ in range(skipped, k):
                    tile = tile_outer(tile, a, x, _QUERIES, b, y)
                    x += 1
                    y += ldb
            else:
                x = a_at + i
                for _ in range(k if bound < 0 else min(k, bound + i + _ROWS)):
                    tile = tile_outer(tile, a, x, 1, b, y)
                    x += along
                    y += ldb
            if full:
                tile_store(tile, c, at, ldc)
            else:
                tile_store_part(tile, c, at, ldc, rows, columns)


def _exp_block(x, at, n):  # type: ignore[no-untyped-def]
    full_width()
    for i in range(at, at + n):
        x[natural(i)] = exp(x[natural(i)])


_transpose, _pad = _jit.jit(_transpose_block, inner=True), _jit.jit(_pad_block, inner=True)
_product, _exp = _jit.jit(_product_block, inner=True), _jit.jit(_exp_block, inner=True)


def _masked_block(w, s_at, mask, at, row, column, i0, j0, queries, keys, causal):  # type: ignore[no-untyped-def]
    """Add the mask to a block of transposed scores; -inf after the diagonal and for queries that are padding."""
    low = splat(type(w[0])(-np.inf))
    for j in range(keys):
        if mask is not None:
            for i in range(queries):
                w[natural(s_at + j * _QUERIES + i)] += mask[at + (i0 + i) * row + (j0 + j) * column]
        if causal:
            hidden = min(_QUERIES, j0 + j - i0)
            for i in range(0, hidden, lanes(w)):
                store_part(w, s_at + j * _QUERIES + i, low, hidden - i)


_masked = _jit.jit(_masked_block, inner=True)


def _exp_rows(w, s_at, shift, amount, rate, keys, n):  # type: ignore[no-untyped-def]
    """Scores to p = exp(score - shift) * rate, and the sums of p over the keys to `amount`.

    Below e**-87 they are 0, and exp never sees less: subnormal numbers, which it meets on the way to exp(-inf) = 0,
    cost a hundred cycles each (a causal block of 64 x 64: 12 microseconds more than without).
    """
    least, tiny = splat(type(w[0])(-87)), splat(type(w[0])(2e-38))
    for i in range(0, n, lanes(w)):
        by = load(w, shift + i)
        for j in range(keys):
            at = s_at + j * _QUERIES + i
            store(w, at, maximum(least, load(w, at) - by))
    if n == _QUERIES:
        _exp(w, s_at, keys * _QUERIES)
    else:
        for j in range(keys):
            _exp(w, s_at + j * _QUERIES, n)
    for i in range(0, n, lanes(w)):
        value, times = load(w, amount + i), load(w, rate + i)
        for j in range(keys):
            at = s_at + j * _QUERIES + i
            p = load(w, at)
            p = select(less(p, tiny), zero(w), p) * times
            store(w, at, p)
            value += p
        store(w, amount + i, value)


_exp_scores = _jit.jit(_exp_rows, inner=True)


def _softmax_block(w, s_at, top, keys, n):  # type: ignore[no-untyped-def]
    """Scores to exp(score - maximum).

    From `top` on: the running maximum, sum, shift, factor of earlier sums, and ones.
    """
    low = splat(type(w[0])(-np.inf))
    amount, shift, factor = top + _QUERIES, top + 2 * _QUERIES, top + 3 * _QUERIES
    for i in range(0, n, lanes(w)):
        best = load(w, top + i)
        for j in range(keys):
            best = maximum(load(w, s_at + j * _QUERIES + i), best)
        by = select(less(low, best), best, zero(w))  # where nothing is allowed, exp is to give 0 and not NaN
        store(w, shift + i, by)
        store(w, factor + i, maximum(splat(type(w[0])(-87)), load(w, top + i) - by))
        store(w, top + i, best)
    _exp(w, factor, n)
    for i in range(0, n, lanes(w)):
        store(w, amount + i, load(w, amount + i) * load(w, factor + i))
    _exp_scores(w, s_at, shift, amount, top + 4 * _QUERIES, keys, n)


_softmax = _jit.jit(_softmax_block, inner=True)


def _finish_rows(out, at, wide, norms, n_at, w, shift, amount, rows):  # type: ignore[no-untyped-def]
    """Divide by the sums; queries that see nothing give 0."""
    kind = type(w[0])
    for i in range(rows):
        much = w[amount + i]
        nothing = much == kind(0)
        rate = kind(0) if nothing else kind(1) / much
        inverse = splat(rate)
        for f in range(0, wide, lanes(w)):
            left = wide - f
            value = zero(w) if nothing else load_part(out, at + i * wide + f, left) * inverse
            store_part(out, at + i * wide + f, value, left)
        norms[n_at + 2 * i] = w[shift + i]
        norms[n_at + 2 * i + 1] = rate


def _rescale_rows(out, at, wide, w, factor, rows):  # type: ignore[no-untyped-def]
    for i in range(rows):
        scale = splat(w[factor + i])
        for f in range(0, wide, lanes(w)):
            store_part(out, at + i * wide + f, load_part(out, at + i * wide + f, wide - f) * scale, wide - f)


_finish, _rescale = _jit.jit(_finish_rows, inner=True), _jit.jit(_rescale_rows, inner=True)


def _queries_block(w, qt, q, at, rows, width, scale):  # type: ignore[no-untyped-def]
    """The transpose of a block of queries, times the scale."""
    _transpose(w, qt, _QUERIES, q, at, width, rows, width, _QUERIES)
    factor = splat(type(w[0])(scale))
    for i in range(qt, qt + width * _QUERIES, lanes(w)):
        store(w, i, load(w, i) * factor)


def _scores_block(w, to, a, along, b, block, n, k, bound):  # type: ignore[no-untyped-def]
    """Products of `block` keys with n queries, transposed; without those that `bound` >= 0 puts after the diagonal."""
    width = 2 * lanes(w)
    for j in range(0, n, width):
        m = block if bound < 0 else min(block, bound + j + width)
        _product(w, to + j, _QUERIES, w, a, False, w, b + j, _QUERIES, m, width, k, along, True, -1)


_load_queries, _scores = _jit.jit(_queries_block, inner=True), _jit.jit(_scores_block, inner=True)


def _attend_block(
    out, norms, q, k, v, mask, m_at, w, kt, vs, v_at, ldv, head, i0, queries, keys, width, wide, row, column, scale,
    causal,
):  # type: ignore[no-untyped-def]  # fmt: skip
    """One block of queries of one head against all its keys."""
    rows = min(_QUERIES, queries - i0)
    limit = min(keys, i0 + rows) if causal else keys
    n = min(_QUERIES, round_up(rows, 2 * lanes(w)))
    ldk = round_up(keys, _ROWS)
    top = kt + round_up(width, lanes(w)) * ldk
    amount = top + _QUERIES
    qt = top + 5 * _QUERIES
    scores = qt + round_up(width, lanes(w)) * _QUERIES
    at = head * queries + i0
    for i in range(_QUERIES):
        w[natural(top + i)] = -np.inf
        w[natural(amount + i)] = 0
        w[natural(top + 4 * _QUERIES + i)] = 1
    _load_queries(w, qt, q, at * width, rows, width, scale)
    for j0 in range(0, limit, _KEYS):
        block = min(_KEYS, limit - j0)
        bound = i0 - j0 if causal else -1
        _scores(w, scores, kt + j0, ldk, qt, block, n, width, bound)
        _masked(w, scores, mask, m_at, row, column, i0, j0, rows, block, causal)
        _softmax(w, scores, top, block, n)
        if j0 > 0:
            _rescale(out, at * wide, wide, w, top + 3 * _QUERIES, rows)
        _product(
            out, at * wide, wide, w, scores, False, vs, v_at + j0 * ldv, ldv, rows, wide, block, _QUERIES, j0 == 0,
            bound,
        )  # fmt: skip
    _finish(out, at * wide, wide, norms, 2 * at, w, top + 2 * _QUERIES, amount, rows)


_attend_queries = _jit.jit(_attend_block, inner=True)


@inner_ranges
def _attend_heads(
    start, stop, grain, out, norms, q, k, v, mask, mask_at, w, size, parts,
    heads, queries, keys, width, wide, repeats, row, column, scale, causal,
):  # type: ignore[no-untyped-def]  # fmt: skip
    """Item = one of the `parts` of the queries of one head."""
    base = start // grain * size
    room = round_up(wide, 2 * lanes(w))
    kt = base + (keys * room if room != wide else 0)
    blocks = (queries + _QUERIES - 1) // _QUERIES
    share = (blocks + parts - 1) // parts * _QUERIES
    known = -1
    for item in range(start, stop):
        head, first = item // parts, item % parts * share
        group = head // repeats
        if group != known:
            known = group
            _transpose(w, kt, round_up(keys, _ROWS), k, group * keys * width, width, keys, width, round_up(keys, _ROWS))
            if room != wide:
                _pad(w, base, v, group * keys * wide, keys, wide, room)
        m_at = mask_at[head] if mask is not None else 0
        for i0 in range(first, min(queries, first + share), _QUERIES):
            if room != wide:
                _attend_queries(
                    out, norms, q, k, v, mask, m_at, w, kt, w, base, room, head, i0, queries, keys, width, wide, row,
                    column, scale, causal,
                )  # fmt: skip
            else:
                _attend_queries(
                    out, norms, q, k, v, mask, m_at, w, kt, v, group * keys * wide, wide, head, i0, queries, keys,
                    width, wide, row, column, scale, causal,
                )  # fmt: skip


_run_heads = _attend_heads.cpu


@_jit.shared
def _parts(heads, queries):  # type: ignore[no-untyped-def]
    """Into how many parts the queries of a head are split: so many that there are 8 items."""
    return max(1, min((queries + _QUERIES - 1) // _QUERIES, (8 + heads - 1) // max(1, heads)))


@_jit.shared
def _item_grain(items):  # type: ignore[no-untyped-def]
    return max(1, (items + _CHUNKS - 1) // _CHUNKS)


@_jit.shared
def _forward_size(queries, keys, width, wide):  # type: ignore[no-untyped-def]
    room, deep = round_up(wide, 2 * LANES), round_up(width, LANES)
    return keys * room + deep * (round_up(keys, _ROWS) + _QUERIES) + (_KEYS + 5) * _QUERIES


@_jit.shared
def attention_workspace(heads, queries, keys, width, wide, repeats, row, column, scale, causal):  # type: ignore[no-untyped-def]
    """Numbers of scratch space of `attention_fast`."""
    items = heads * _parts(heads, queries)
    grain = _item_grain(items)
    return (items + grain - 1) // grain * _forward_size(queries, keys, width, wide)


@_jit.jit
def attention_fast(
    out, norms, q, k, v, mask, mask_at, workspace,
    heads, queries, keys, width, wide, repeats, row, column, scale, causal, pool,
):  # type: ignore[no-untyped-def]  # fmt: skip
    """`attention` on the CPU."""
    parts = _parts(heads, queries)
    items = heads * parts
    args = (
        out, norms, q, k, v, mask, mask_at, workspace, _forward_size(queries, keys, width, wide), parts,
        heads, queries, keys, width, wide, repeats, row, column, scale, causal,
    )  # fmt: skip
    _run_heads(args, 0, items, _item_grain(items), pool)


# -- the CPU: gradients --------------------------------------------------------------------------------------------


def _slopes_block(w, s_at, d_at, along, scale, keys, n):  # type: ignore[no-untyped-def]
    """d = p (d - along) scale, for transposed blocks of probabilities p and of products d of gradients and values."""
    factor = splat(type(w[0])(scale))
    for i in range(0, n, lanes(w)):
        less_by = load(w, along + i)
        for j in range(keys):
            at = j * _QUERIES + i
            store(w, d_at + at, load(w, s_at + at) * (load(w, d_at + at) - less_by) * factor)


_slopes = _jit.jit(_slopes_block, inner=True)


def _row_sums(w, at, by, norms, g, out, first, rows, wide):  # type: ignore[no-untyped-def]
    """For a block of queries: gradient times output into w[at:], shift and rate into w[by:]; 0 for the padding."""
    for i in range(_QUERIES):
        value = zero(w)
        if i < rows:
            for f in range(0, wide, lanes(w)):
                place, left = (first + i) * wide + f, wide - f
                value = fma(load_part(g, place, left), load_part(out, place, left), value)
        w[natural(at + i)] = total(value)
        w[natural(by + i)] = norms[2 * (first + i)] if i < rows else type(w[0])(0)
        w[natural(by + _QUERIES + i)] = norms[2 * (first + i) + 1] if i < rows else type(w[0])(0)
        w[natural(by + 2 * _QUERIES + i)] = 0


_sums = _jit.jit(_row_sums, inner=True)


def _backward_block(
    dq, dk, dv, g, q, k, v, mask, m_at, out, norms, w, kt, vt, ks, rows_at, head, group, i0,
    queries, keys, width, wide, row, column, scale, causal,
):  # type: ignore[no-untyped-def]  # fmt: skip
    """One block of queries of one head against all its keys: `ks` are the padded rows of K, `rows_at` free space."""
    rows = min(_QUERIES, queries - i0)
    limit = min(keys, i0 + rows) if causal else keys
    n = min(_QUERIES, round_up(rows, 2 * lanes(w)))
    ldk, deep, far = round_up(keys, _ROWS), round_up(width, lanes(w)), round_up(wide, lanes(w))
    ldq, ldg = round_up(width, 2 * lanes(w)), round_up(wide, 2 * lanes(w))
    gs = rows_at + _QUERIES * ldq
    qt = gs + _QUERIES * ldg
    gt = qt + deep * _QUERIES
    along = gt + far * _QUERIES
    by = along + _QUERIES
    unused = by + 2 * _QUERIES  # sums of probabilities, which are known to be 1
    scores = unused + _QUERIES
    slopes = scores + _KEYS * _QUERIES
    at = head * queries + i0
    _load_queries(w, qt, q, at * width, rows, width, scale)
    _transpose(w, gt, _QUERIES, g, at * wide, wide, rows, wide, _QUERIES)
    _pad(w, rows_at, q, at * width, rows, width, ldq)
    _pad(w, gs, g, at * wide, rows, wide, ldg)
    _sums(w, along, by, norms, g, out, at, rows, wide)
    for j0 in range(0, limit, _KEYS):
        block = min(_KEYS, limit - j0)
        key = group * keys + j0
        bound = i0 - j0 if causal else -1
        _scores(w, scores, kt + j0, ldk, qt, block, n, width, bound)
        _masked(w, scores, mask, m_at, row, column, i0, j0, rows, block, causal)
        _exp_scores(w, scores, by, unused, by + _QUERIES, block, n)
        _scores(w, slopes, vt + j0, ldk, gt, block, n, wide, -1)
        _slopes(w, scores, slopes, along, scale, block, n)
        _product(dv, key * wide, wide, w, scores, True, w, gs, ldg, block, wide, rows, 1, False, bound)
        _product(dk, key * width, width, w, slopes, True, w, rows_at, ldq, block, width, rows, 1, False, bound)
        _product(
            dq, at * width, width, w, slopes, False, w, ks + j0 * ldq, ldq, rows, width, block, _QUERIES, j0 == 0,
            bound,
        )  # fmt: skip


_backward_queries = _jit.jit(_backward_block, inner=True)


@inner_ranges
def _backward_heads(
    start, stop, grain, dq, dk, dv, g, q, k, v, mask, mask_at, out, norms, w, size,
    heads, queries, keys, width, wide, repeats, row, column, scale, causal,
):  # type: ignore[no-untyped-def]  # fmt: skip
    """Item = one head of K and V, with all heads of Q that share it: so nobody else adds to their gradients."""
    ldk, deep, far = round_up(keys, _ROWS), round_up(width, lanes(w)), round_up(wide, lanes(w))
    kt = start // grain * size
    vt = kt + deep * ldk
    ks = vt + far * ldk
    rows_at = ks + keys * round_up(width, 2 * lanes(w))
    for group in range(start, stop):
        _transpose(w, kt, ldk, k, group * keys * width, width, keys, width, ldk)
        _transpose(w, vt, ldk, v, group * keys * wide, wide, keys, wide, ldk)
        _pad(w, ks, k, group * keys * width, keys, width, round_up(width, 2 * lanes(w)))
        for i in range(group * keys * width, (group + 1) * keys * width):
            dk[natural(i)] = 0
        for i in range(group * keys * wide, (group + 1) * keys * wide):
            dv[natural(i)] = 0
        for head in range(group * repeats, (group + 1) * repeats):
            m_at = mask_at[head] if mask is not None else 0
            for i0 in range(0, queries, _QUERIES):
                _backward_queries(
                    dq, dk, dv, g, q, k, v, mask, m_at, out, norms, w, kt, vt, ks, rows_at, head, group, i0,
                    queries, keys, width, wide, row, column, scale, causal,
                )  # fmt: skip


_run_backward = _backward_heads.cpu


@_jit.shared
def _backward_size(queries, keys, width, wide):  # type: ignore[no-untyped-def]
    deep, far = round_up(width, 2 * LANES), round_up(wide, 2 * LANES)
    by_keys = (deep + far) * round_up(keys, _ROWS) + keys * deep
    return by_keys + 2 * (deep + far) * _QUERIES + (2 * _KEYS + 4) * _QUERIES


@_jit.shared
def attention_backward_workspace(heads, queries, keys, width, wide, repeats, row, column, scale, causal):  # type: ignore[no-untyped-def]
    """Numbers of scratch space of `attention_backward_fast`."""
    items = heads // repeats
    grain = _item_grain(items)
    return (items + grain - 1) // grain * _backward_size(queries, keys, width, wide)


@_jit.jit
def attention_backward_fast(
    dq, dk, dv, g, q, k, v, mask, mask_at, out, norms, workspace,
    heads, queries, keys, width, wide, repeats, row, column, scale, causal, pool,
):  # type: ignore[no-untyped-def]  # fmt: skip
    """`attention_backward_query` and `attention_backward_key` on the CPU."""
    args = (
        dq, dk, dv, g, q, k, v, mask, mask_at, out, norms, workspace, _backward_size(queries, keys, width, wide),
        heads, queries, keys, width, wide, repeats, row, column, scale, causal,
    )  # fmt: skip
    items = heads // repeats
    _run_backward(args, 0, items, _item_grain(items), pool)
