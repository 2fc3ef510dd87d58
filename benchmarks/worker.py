"""One process of a benchmark: one library, one number of threads. Started by `python -m benchmarks`."""

from __future__ import annotations

import argparse
import gc
import importlib
import json
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.cases import Case, Run, all_cases

KEPT = 1 << 18  # numbers of one output that are kept for the comparison


def measure(run: Run, sample_seconds: float, samples: int) -> float:
    """Seconds of one call: the least disturbed of several samples that each last about `sample_seconds`."""
    start = time.perf_counter()
    run()
    once = max(time.perf_counter() - start, 1e-7)
    for _ in range(min(3, int(sample_seconds / once))):  # the second call still warms caches
        start = time.perf_counter()
        run()
        once = max(time.perf_counter() - start, 1e-7)
    calls = max(1, round(sample_seconds / once))
    times = []
    gc.collect()
    gc.disable()
    for _ in range(samples):
        start = time.perf_counter()
        for _ in range(calls):
            run()
        times.append((time.perf_counter() - start) / calls)
    gc.enable()
    return min(times)


def as_array(tensor: Any) -> np.ndarray:
    """A result as a flat NumPy array, thinned out when it is very long."""
    flat = tensor.detach().numpy().reshape(-1)
    return flat[:: 1 + flat.size // KEPT].copy()


def time_case(case: Case, library: str, options: argparse.Namespace, outputs: dict[str, np.ndarray]) -> dict[str, Any]:
    """Build and time one case; JIT seconds are what its first call spent in Numba's compiler."""
    T = importlib.import_module(library)
    F = importlib.import_module(f"{library}.nn.functional")
    stats = importlib.import_module("nbnn._jit").stats if library == "nbnn" else None
    compiled = stats.seconds if stats else 0.0
    run = case.build(T, F)
    start = time.perf_counter()
    results = run()
    first = time.perf_counter() - start
    if case.compare:
        outputs.update({f"{case.name}|{i}": as_array(tensor) for i, tensor in enumerate(results)})
    seconds = measure(run, options.sample_seconds, options.samples)
    jit = stats.seconds - compiled if stats else 0.0
    return {"seconds": seconds, "first": first, "jit": jit, **work(case, results)}


def work(case: Case, results: list[Any]) -> dict[str, float]:
    """The bytes that a case has to read and write at least, and its floating-point operations (0: not counted)."""
    sizes = [result.numel() * result.element_size() for result in results]
    moved = case.reads + sum(sizes) + (sizes[0] if case.backward else 0)  # the gradient of the result is read too
    flops = 2 * case.depth * results[0].numel() * (3 if case.backward else 1)
    return {"bytes": moved if case.reads else 0, "flops": flops}


def main() -> None:
    """Time the cases named on the command line and leave a JSON file, with the outputs beside it."""
    parser = argparse.ArgumentParser()
    parser.add_argument("library", choices=("nbnn", "torch"))
    parser.add_argument("--threads", type=int, required=True)
    parser.add_argument("--sample-seconds", type=float, required=True)
    parser.add_argument("--samples", type=int, required=True)
    parser.add_argument("--write", type=Path, required=True)
    options = parser.parse_args()
    wanted = set(json.load(sys.stdin))
    importlib.import_module(f"{options.library}.nn")
    importlib.import_module(options.library).set_num_threads(options.threads)
    outputs: dict[str, np.ndarray] = {}
    timed: dict[str, dict[str, Any]] = {}
    for case in all_cases():
        if case.name in wanted:
            try:
                timed[case.name] = time_case(case, options.library, options, outputs)
            except Exception as error:  # the table shows the failure, the other cases go on
                timed[case.name] = {"error": f"{type(error).__name__}: {error}".splitlines()[0]}
    np.savez(options.write.with_suffix(".npz"), **outputs)
    options.write.write_text(json.dumps(timed))


if __name__ == "__main__":
    main()
