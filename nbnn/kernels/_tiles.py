"""Kernels of CUDA whose threads share memory: a second entry beside a body, launched where its plan says that it pays.

A *tiled* entry is a plain function ``function(*outputs, *inputs, *params)`` that every thread of every block runs.
It names `cuda`, which the driver (`_cuda`) binds before it compiles, and may call bodies' helpers and *parts*:
functions of a whole block, whose threads may wait for each other. A kernel carries it beside its body:

    softmax.cuda = tiled(_softmax_tiles, _rows_plan)

``plan(n, *params)`` gives (blocks, threads of a block), or None where one thread for each of the n items does better;
it sees the params and no memory. Blocks may be a pair (tiles, slices): a kernel of one output whose long sums are split
so writes slice ``cuda.blockIdx.y`` of as many results, one behind the other, which the driver adds up in their order.
The order of every sum follows from the shapes alone, and there are no atomics. Nothing here was timed on a GPU: the
sizes follow from what a block may hold, the thresholds from counting loads.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from nbnn import _jit

cuda: Any = None  # what parts and tiled entries call; bound by the driver

# The simulator runs a thread in 0.1 to 1 ms: it gets the same code with smaller blocks.
SIDE = 2 if _jit.simulated() else 16  # a block is SIDE x SIDE threads
THREADS = SIDE * SIDE
EACH = 2 if _jit.simulated() else 4  # a tile is EACH x EACH numbers for each thread
MOST_BLOCKS = 2 if _jit.simulated() else 4096  # of entries that loop over their items
LONG = 2 if _jit.simulated() else 8  # steps of the shortest slice of a sum that is split
WANTED = 4 if _jit.simulated() else 512  # blocks that fill a GPU: with fewer tiles, long sums are split


def slices_for(tiles: int, steps: int) -> int:
    """Into how many slices to split the sums of so many tiles and steps: none shorter than LONG steps."""
    return max(1, min(WANTED // max(1, tiles), steps // LONG, 64))


class Tiled:
    """What a kernel keeps about CUDA: the launchable forms, made on first use, and the tiled entry, if it has one."""

    __slots__ = ("function", "names", "plain", "plan", "shared")

    def __init__(self, function: Callable | None, plan: Callable | None, names: dict[str, Any]) -> None:
        self.function = function
        self.plan = plan
        self.names = names
        self.plain: Any = None
        self.shared: Any = None


def tiled(function: Callable, plan: Callable, **names: Any) -> Tiled:
    """The CUDA form of a kernel; `names` are constants that the function is compiled with."""
    return Tiled(function, plan, names)


class Part:
    """A function of a whole block: called by all its threads, with `cuda` bound when a tiled entry is compiled."""

    def __init__(self, function: Callable) -> None:
        self.function = function
        self.device: Any = None  # made by the driver


def part(function: Callable) -> Any:
    """Mark a helper of tiled entries that names `cuda`."""
    return Part(function)
