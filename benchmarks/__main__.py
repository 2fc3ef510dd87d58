"""Time nbnn against PyTorch: processes alternate (A B A B), so that a busy machine slows both.

python -m benchmarks                          # everything, 1 and 2 threads
python -m benchmarks --only conv2d --quick    # a look at one family
python -m benchmarks --readme                 # also rewrite the table in README.md
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import report
from benchmarks.cases import Case, all_cases

ROOT = Path(__file__).resolve().parent.parent
IMPORTS = {"numba": "import numba", "nbnn": "import nbnn", "torch": "import torch"}


def parse_args(argv: list[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", metavar="PATTERN", default="", help="regular expression of case names and families")
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--repeats", type=int, default=5, help="processes for each library and number of threads")
    parser.add_argument("--quick", action="store_true", help="one short process each: a look, not a measurement")
    parser.add_argument("--no-torch", action="store_true", help="time nbnn alone")
    parser.add_argument("--cache", type=Path, help="folder of compiled kernels to use; by default an empty one")
    parser.add_argument("--readme", action="store_true", help="rewrite the table in README.md")
    parser.add_argument(
        "--results", type=Path, default=ROOT / "benchmarks" / "results", help="folder for the JSON file"
    )
    options = parser.parse_args(argv)
    if options.repeats < 1 or min(options.threads) < 1:
        parser.error("--repeats and --threads must be at least 1")
    if options.quick:
        options.repeats = 1
    if not options.no_torch and importlib.util.find_spec("torch") is None:
        parser.error("PyTorch is not installed; give --no-torch to time nbnn alone")
    return options


def run_worker(library: str, threads: int, cases: list[Case], options: argparse.Namespace, scratch: Path) -> Path:
    """Run the cases in one fresh process; the file it wrote."""
    write = scratch / f"{library}-{threads}.json"
    command = [sys.executable, "-m", "benchmarks.worker", library, "--threads", str(threads), "--write", str(write)]
    command += ["--sample-seconds", "0.001" if options.quick else "0.01", "--samples", "3" if options.quick else "7"]
    names = json.dumps([case.name for case in cases])
    subprocess.run(command, input=names, text=True, check=True, cwd=ROOT, env=environment(scratch, options.cache))
    return write


def environment(scratch: Path, cache: Path | None = None) -> dict[str, str]:
    """The workers' environment: this checkout, and unless given a cache of kernels that is empty at the start."""
    ours = {
        "PYTHONPATH": str(ROOT),
        "NBNN_CACHE_DIR": str(cache.resolve() if cache else scratch / "cache"),
        "PYTHONPYCACHEPREFIX": str(scratch / "pyc"),
        "PYTHONDONTWRITEBYTECODE": "",  # an installed package has its byte code
    }
    return {**os.environ, **ours}


def largest_difference(ours: Path, theirs: Path) -> dict[str, float]:
    """For each case, the largest difference of an output, relative to the largest number of that output.

    An output that is a thousand times smaller than another of its case is held against that one: a gradient that is 0
    but for rounding has no scale of its own.
    """
    worst: dict[str, float] = {}
    with np.load(ours.with_suffix(".npz")) as a, np.load(theirs.with_suffix(".npz")) as b:
        shared = [key for key in a.files if key in b.files]
        sizes = {key: float(np.max(np.abs(b[key]), initial=0.0)) for key in shared}
        largest: dict[str, float] = {}
        for key, size in sizes.items():
            name = key.rpartition("|")[0]
            largest[name] = max(largest.get(name, 0.0), size)
        for key in shared:
            name = key.rpartition("|")[0]
            scale = max(sizes[key], largest[name] / 1000, 1e-30)
            difference = float(np.max(np.abs(a[key].astype(np.float64) - b[key]), initial=0.0)) / scale
            worst[name] = max(worst.get(name, 0.0), difference)
    return worst


def time_imports(scratch: Path, libraries: list[str], repeats: int) -> dict[str, float]:
    """Seconds of each library's import in a fresh process: the median, the libraries taking turns."""
    script = "import time; start = time.perf_counter(); {}; print(time.perf_counter() - start)"
    times: dict[str, list[float]] = {library: [] for library in libraries}
    for _ in range(repeats + 1):
        for library in libraries:
            command = [sys.executable, "-c", script.format(IMPORTS[library])]
            done = subprocess.run(
                command, capture_output=True, text=True, check=True, cwd=ROOT, env=environment(scratch)
            )
            times[library].append(float(done.stdout))
    return {library: statistics.median(samples[1:]) for library, samples in times.items()}  # the first warms the disk


def collect(cases: list[Case], options: argparse.Namespace, scratch: Path) -> list[dict[str, Any]]:
    """Alternate the processes and put their times together, one row for each case."""
    libraries = ["nbnn"] if options.no_torch else ["nbnn", "torch"]
    rows = {
        case.name: {"name": case.name, "family": case.family, "seconds": {}, "jit_cold": None, "jit_warm": None}
        for case in cases
    }
    for repeat in range(options.repeats):
        for threads in options.threads:
            written = {}
            for library in libraries:
                print(f"process {repeat + 1} of {options.repeats}: {library}, {threads} thread(s)", file=sys.stderr)
                written[library] = run_worker(library, threads, cases, options, scratch)
                for name, timed in json.loads(written[library].read_text()).items():
                    add(rows[name], library, threads, timed)
            if not options.no_torch:
                for name, difference in largest_difference(written["nbnn"], written["torch"]).items():
                    rows[name]["difference"] = max(difference, rows[name].get("difference", 0.0))
    for row in rows.values():
        for times in row["seconds"].values():
            times.update({threads: statistics.median(samples) for threads, samples in times.items()})
    return list(rows.values())


def add(row: dict[str, Any], library: str, threads: int, timed: dict[str, Any]) -> None:
    """Enter what one process measured of one case."""
    if "error" in timed:
        row.setdefault("errors", {})[library] = timed["error"]
        return
    row["seconds"].setdefault(library, {}).setdefault(str(threads), []).append(timed["seconds"])
    row["bytes"], row["flops"] = timed["bytes"], timed["flops"]
    if library == "nbnn":
        state = "warm" if row["jit_cold"] is not None else "cold"
        row[f"jit_{state}"], row[f"first_{state}"] = timed["jit"], timed["first"]


def main(argv: list[str] | None = None) -> int:
    """Run, print, write; 1 where a case failed or the two libraries disagree."""
    options = parse_args(argv)
    cases = [case for case in all_cases() if re.search(options.only, f"{case.family} {case.name}")]
    if not cases:
        print(f"benchmarks: no case matches --only {options.only}", file=sys.stderr)
        return 2
    if hasattr(os, "getloadavg") and os.getloadavg()[0] > 0.5:
        print("benchmarks: other processes are running; threads that wait for each other suffer most", file=sys.stderr)
    with tempfile.TemporaryDirectory() as folder:
        libraries = ["numba", "nbnn"] + ["torch"] * (not options.no_torch)
        imports = time_imports(Path(folder), libraries, 1 if options.quick else 9)
        rows = collect(cases, options, Path(folder))
    result = report.summarise(rows, imports, [str(threads) for threads in options.threads], options.repeats)
    print(report.text(result))
    path = report.write(result, options.results)
    print(f"written: {path}")
    if options.readme:
        report.rewrite_readme(ROOT / "README.md", result)
    return 1 if any(report.failed(row) for row in rows) else 0


if __name__ == "__main__":
    sys.exit(main())
