"""How far the engine is from the machine: measured copy bandwidth and multiply-add peak, and cases against them.

python -m benchmarks.limits             # this machine's limits
python -m benchmarks.limits RESULT      # and the cases of a JSON file of `python -m benchmarks`
"""

from __future__ import annotations

import json
import math
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

import nbnn
from benchmarks.report import factor, geometric_mean
from nbnn.kernels._cpu import over_ranges, run
from nbnn.kernels._simd import LANES, fma, lanes, load, splat, store

SIZES = tuple(1 << power for power in range(16, 29, 2))  # bytes read and written: 64 KB to 256 MB
SMALL = 1 << 16  # bytes below which a case is bound by the cost of a call
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


def compare(result: dict[str, Any], threads: str, copies: dict[int, float], flops: float) -> None:
    """Print for each family how much of the limit nbnn and PyTorch reach, over the cases that the machine bounds.

    The limit of a case is the larger of its bytes over the copy bandwidth at its size and its operations over the peak.
    """
    shares: dict[str, list[tuple[float, float | None, str]]] = {}
    for row in result["cases"]:
        seconds = {library: times.get(threads) for library, times in row["seconds"].items()}
        if row.get("bytes", 0) < SMALL or not seconds.get("nbnn"):
            continue
        speed = copies[min(copies, key=lambda size: abs(math.log(size / row["bytes"])))]
        limit = max(row["bytes"] / speed, row["flops"] / flops)
        theirs = seconds.get("torch")
        shares.setdefault(row["family"], []).append((limit / seconds["nbnn"], theirs and limit / theirs, row["name"]))
    print(
        f"{'family':<16}{'cases':>6}{'nbnn':>8}{'torch':>8}  share of the limit, {threads} thread(s); farthest from it"
    )
    for family, rows in shares.items():
        ours, theirs = (geometric_mean([row[i] for row in rows if row[i]]) for i in (0, 1))
        share, _, name = min(rows)
        print(f"{family:<16}{len(rows):>6}{ours:>8.2f}{factor(theirs):>8}  {share:.2f} {name}")


def main() -> None:
    """Print the limits, and what result files reached of them."""
    results = [json.loads(Path(path).read_text()) for path in sys.argv[1:]]
    for threads in (1, 2):
        nbnn.set_num_threads(threads)
        copies, flops = {size: bandwidth(size // 8) for size in SIZES}, peak()
        speeds = ", ".join(f"{speed / 1e9:.0f} at {size >> 10} KB" for size, speed in copies.items())
        print(f"{threads} thread(s): {flops / 1e9:.0f} GFLOP/s float32; copies, GB/s read and written: {speeds}")
        for result in results:
            compare(result, str(threads), copies, flops)


if __name__ == "__main__":
    main()
