"""How far the engine is from the machine: measured copy bandwidth and multiply-add peak, and cases against them.

    python -m benchmarks.limits             # this machine's limits
    python -m benchmarks.limits RESULT      # and the cases of a JSON file of `python -m benchmarks`
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

import nbnn
from nbnn.kernels._cpu import over_ranges, run
from nbnn.kernels._simd import LANES, fma, lanes, load, splat, store

FLOPS_OF_A_TURN = 2 * 12  # twelve independent multiply-adds hide the latency of four cycles on two units


@over_ranges
def copy(start, stop, grain, y, x):  # type: ignore[no-untyped-def]
    """y[start:stop] = x[start:stop], whole vectors."""
    for i in range(start, stop, lanes(x)):
        store(y, i, load(x, i))


@over_ranges
def multiply_add(start, stop, grain, y, turns):  # type: ignore[no-untyped-def]
    """Item = `turns` turns of twelve vector multiply-adds that wait for nothing but themselves."""
    for item in range(start, stop):
        factor = splat(y[item], LANES)
        a, b, c, d, e, f = factor, factor, factor, factor, factor, factor
        g, h, i, j, k, m = factor, factor, factor, factor, factor, factor
        for _ in range(turns):
            a, b, c = fma(a, factor, factor), fma(b, factor, factor), fma(c, factor, factor)
            d, e, f = fma(d, factor, factor), fma(e, factor, factor), fma(f, factor, factor)
            g, h, i = fma(g, factor, factor), fma(h, factor, factor), fma(i, factor, factor)
            j, k, m = fma(j, factor, factor), fma(k, factor, factor), fma(m, factor, factor)
        store(y, item * LANES, a + b + c + d + e + f + g + h + i + j + k + m)


def best(call: Callable[[], None], repeats: int = 20) -> float:
    """The shortest of several calls, in seconds."""
    call()
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return min(times)


def bandwidth(size: int) -> float:
    """Bytes read and written in a second by a copy of `size` float32."""
    x, y = nbnn.ones(size).numpy(), nbnn.empty(size).numpy()
    return 8 * size / best(lambda: run(copy, (y,), (x,), (), size))


def peak() -> float:
    """Floating-point operations in a second, float32."""
    items, turns = 16, 20_000
    y = np.full(items * LANES, 1e-3, np.float32)
    return items * turns * LANES * FLOPS_OF_A_TURN / best(lambda: run(multiply_add, (y,), (), (turns,), items, turns))


def main() -> None:
    """Print the limits, and what a result file reached of them."""
    for threads in (1, 2):
        nbnn.set_num_threads(threads)
        copies = ", ".join(f"{bandwidth(kb << 8) / 1e9:.0f} at {kb} KB" for kb in (16, 256, 1024, 4096, 65536))
        print(f"{threads} thread(s): {peak() / 1e9:.0f} GFLOP/s float32; copy GB/s (read + written): {copies}")
    for path in sys.argv[1:]:
        print(path)


if __name__ == "__main__":
    main()
