"""Reductions on CUDA: a block of threads works on one row of neighbouring numbers.

Threads take every ``blockDim.x``-th number, so that a warp reads neighbours, and their parts are combined in shared
memory by halves: a fixed tree for each length. Rows are handed out in steps of the grid. A row of one thread would read
numbers a whole row apart from those of the next thread, one transaction each.
"""

from __future__ import annotations

from nbnn import _jit
from nbnn.kernels._reduce import BLOCK, sum_blocks
from nbnn.kernels._tiles import MOST_BLOCKS, SIDE, THREADS, cuda, part, tiled

MOST_ROWS = 4 if _jit.simulated() else 1 << 62  # each takes the simulator milliseconds
LEAST = 2 * SIDE  # numbers of a row for which a block is worth it: a warp, on a GPU


def threads_for(length: int) -> int:
    """Threads for rows of `length` numbers: a power of two, about four numbers for each."""
    threads = LEAST
    while threads < THREADS and threads * 4 < length:
        threads *= 2
    return min(threads, THREADS)


def rows_grid(rows: int, length: int) -> tuple[int, int] | None:
    """Blocks, and threads of each, for rows of `length` neighbours; None where they are short."""
    if length < LEAST or rows > MOST_ROWS:
        return None
    return min(rows, MOST_BLOCKS), threads_for(length)


@part
def fold_sum(shared, value):
    """The sum of the values of all threads, for all of them."""
    t = cuda.threadIdx.x
    shared[t] = value
    cuda.syncthreads()
    half = cuda.blockDim.x // 2
    while half > 0:
        if t < half:
            shared[t] += shared[t + half]
        cuda.syncthreads()
        half //= 2
    total = shared[0]
    cuda.syncthreads()  # before `shared` is used again
    return total


@part
def fold_max(shared, value):
    """The largest of the values of all threads, for all of them; NaN is passed over."""
    t = cuda.threadIdx.x
    shared[t] = value
    cuda.syncthreads()
    half = cuda.blockDim.x // 2
    while half > 0:
        if t < half and shared[t + half] > shared[t]:
            shared[t] = shared[t + half]
        cuda.syncthreads()
        half //= 2
    best = shared[0]
    cuda.syncthreads()
    return best


def _sum_tiles(out, x, length, inner):
    """`sum_blocks` of neighbours: BLOCK numbers are one row. A sum of n takes log(n) / log(BLOCK) launches."""
    shared = cuda.shared.array(THREADS, x.dtype)
    blocks = (length + BLOCK - 1) // BLOCK
    for row in range(cuda.blockIdx.x, out.size, cuda.gridDim.x):
        first = row % blocks * BLOCK
        at, stop = row // blocks * length + first, row // blocks * length + min(length, first + BLOCK)
        value = x.dtype.type(0)
        for j in range(at + cuda.threadIdx.x, stop, cuda.blockDim.x):
            value += x[j]
        value = fold_sum(shared, value)
        if cuda.threadIdx.x == 0:
            out[row] = value


def _sum_plan(rows: int, length: int, inner: int) -> tuple[int, int] | None:
    return rows_grid(rows, min(length, BLOCK)) if inner == 1 else None


sum_blocks.cuda = tiled(_sum_tiles, _sum_plan)
