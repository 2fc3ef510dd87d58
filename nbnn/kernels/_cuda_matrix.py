"""Products of matrices on CUDA: tiles in shared memory, EACH x EACH outputs a thread.

A block computes TILE x TILE outputs and walks the inner axis in steps of DEPTH: its threads copy a slice of both
factors to shared memory, wait, and add DEPTH products to each of their OWN sums, so that each number that is loaded is
used TILE times. A thread owns rows ty + i * SIDE and columns tx + j * SIDE: neighbours read neighbours of shared memory
and write neighbours of the result. Both factors come with steps, so that a transpose costs no copy; the faster step
decides which way the threads walk when they copy. Sums run over the inner axis in its order.
"""

from __future__ import annotations

from nbnn import _jit
from nbnn.kernels._tiles import EACH, SIDE, THREADS, cuda, part

TILE = EACH * SIDE
DEPTH = SIDE
PITCH = TILE + 1  # of a row in shared memory: one more, so that a column lies in different banks
SLICE = DEPTH * PITCH
COPIES = TILE * DEPTH // THREADS  # numbers of a slice that a thread copies
DEEPEST = 16 if _jit.simulated() else 1 << 62  # a step takes the simulator milliseconds
OWN = EACH * EACH  # sums of a thread


def blocks_of(rows: int, columns: int) -> int:
    """How many tiles cover a matrix."""
    return ((rows + TILE - 1) // TILE) * ((columns + TILE - 1) // TILE)


def share(depth: int, slices: int) -> int:
    """How much of an axis one of `slices` takes: whole steps of DEPTH."""
    return ((depth + DEPTH - 1) // DEPTH + slices - 1) // slices * DEPTH


share_of = _jit.jit(share)
tiles_of = _jit.jit(blocks_of)  # for the device


def tiles_pay(m: int, k: int, n: int) -> bool:
    """Whether half a tile is filled both ways, and one slice in depth; else most of a block's threads would idle."""
    return min(m, n) >= TILE // 2 and DEPTH <= k <= DEEPEST


@part
def copy_slice(to, a, start, row, step, rows, depth, row_step, depth_step):
    """to[d, r] = a[start + (row + r) * row_step + (step + d) * depth_step], 0 outside of (rows, depth)."""
    t = cuda.threadIdx.x
    for j in range(COPIES):
        q = t + j * THREADS
        if depth_step == 1:
            r, d = q // DEPTH, q % DEPTH
        else:
            r, d = q % TILE, q // TILE
        value = a.dtype.type(0)
        if row + r < rows and step + d < depth:
            value = a[start + (row + r) * row_step + (step + d) * depth_step]
        to[d * PITCH + r] = value


@part
def multiply_slices(total, left, right):
    """Add the products of two slices to the sums of this thread."""
    tx, ty = cuda.threadIdx.x % SIDE, cuda.threadIdx.x // SIDE
    for d in range(DEPTH):
        at = d * PITCH + ty
        to = d * PITCH + tx
        for i in range(EACH):
            a = left[at + i * SIDE]
            for j in range(EACH):
                total[i * EACH + j] += a * right[to + j * SIDE]


@part
def product_tile(out, start, a, a_at, b, b_at, bias, m, first, last, n, a_row, a_col, b_row, b_col, tile, left, right):
    """Tile number `tile` of C (m, n) = A @ B + bias (n, or None), summed over [first, last); C begins at out[start]."""
    columns = (n + TILE - 1) // TILE
    row, column = tile // columns * TILE, tile % columns * TILE
    tx, ty = cuda.threadIdx.x % SIDE, cuda.threadIdx.x // SIDE
    total = cuda.local.array(OWN, a.dtype)
    for i in range(OWN):
        total[i] = 0
    for step in range(first, last, DEPTH):
        copy_slice(left, a, a_at, row, step, m, last, a_row, a_col)
        copy_slice(right, b, b_at, column, step, n, last, b_col, b_row)
        cuda.syncthreads()
        multiply_slices(total, left, right)
        cuda.syncthreads()
    for i in range(EACH):
        r = row + ty + i * SIDE
        for j in range(EACH):
            c = column + tx + j * SIDE
            if r < m and c < n:
                value = total[i * EACH + j]
                if bias is not None:
                    value += bias[c]
                out[start + r * n + c] = value


@part
def column_sums(out, x, rows, columns, strip, shared):
    """out[c] = sum of x (rows, columns) over its rows, for strip number `strip` of SIDE columns."""
    tx, ty = cuda.threadIdx.x % SIDE, cuda.threadIdx.x // SIDE
    column = strip * SIDE + tx
    value = x.dtype.type(0)
    if column < columns:
        for r in range(ty, rows, SIDE):
            value += x[r * columns + column]
    shared[cuda.threadIdx.x] = value
    cuda.syncthreads()
    half = SIDE // 2
    while half > 0:
        if ty < half:
            shared[cuda.threadIdx.x] += shared[cuda.threadIdx.x + half * SIDE]
        cuda.syncthreads()
        half //= 2
    if ty == 0 and column < columns:
        out[column] = shared[tx]
    cuda.syncthreads()
