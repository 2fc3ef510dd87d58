"""From measured rows to a table, a JSON file and the block in README.md."""

from __future__ import annotations

import datetime
import importlib.metadata
import json
import math
import os
import platform
import re
from pathlib import Path
from typing import Any

import nbnn

TOLERANCE = 1e-4  # of the largest number of an output: sums of float32 in another order
BEGIN, END = "<!-- benchmarks: begin -->", "<!-- benchmarks: end -->"


def failed(row: dict[str, Any]) -> bool:
    """Whether a case raised, or the libraries disagree."""
    return "errors" in row or not row.get("difference", 0.0) <= TOLERANCE


def ratio(row: dict[str, Any], threads: str) -> float | None:
    """PyTorch's time over nbnn's: above 1, nbnn is faster."""
    theirs, ours = (row["seconds"].get(library, {}).get(threads) for library in ("torch", "nbnn"))
    return theirs / ours if theirs and ours else None


def geometric_mean(numbers: list[float]) -> float | None:
    """The mean that ratios have."""
    return math.exp(sum(map(math.log, numbers)) / len(numbers)) if numbers else None


def cpu_name() -> str:
    """The processor's own name where the system tells it."""
    try:
        found = re.search(r"model name\s*:\s*(.+)", Path("/proc/cpuinfo").read_text())
    except OSError:
        found = None
    return found[1].strip() if found else platform.processor() or platform.machine()


def version(package: str) -> str | None:
    """The version of an installed package."""
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def summarise(
    rows: list[dict[str, Any]], imports: dict[str, float], threads: list[str], repeats: int
) -> dict[str, Any]:
    """Everything that is known about a run, as JSON holds it."""
    families = list(dict.fromkeys(row["family"] for row in rows))
    groups = {family: [row for row in rows if row["family"] == family] for family in families}
    groups["all"] = rows
    return {
        "date": datetime.date.today().isoformat(),
        "cpu": cpu_name(),
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "versions": {"nbnn": nbnn.__version__, **{name: version(name) for name in ("numba", "numpy", "torch")}},
        "threads": threads,
        "repeats": repeats,
        "import_seconds": imports,
        "geometric_means": {
            name: {t: geometric_mean([r for row in group if (r := ratio(row, t))]) for t in threads}
            for name, group in groups.items()
        },
        "first_call_seconds": {
            name: {state: sum(row.get(f"first_{state}") or 0.0 for row in group) for state in ("cold", "warm")}
            for name, group in groups.items()
        },
        "jit_cold_seconds": sum(row["jit_cold"] or 0.0 for row in rows),
        "jit_warm_seconds": sum(row["jit_warm"] or 0.0 for row in rows),
        "cases": rows,
    }


def duration(seconds: float | None) -> str:
    """Seconds as a person reads them."""
    if seconds is None:
        return "-"
    for unit, scale in (("s ", 1.0), ("ms", 1e-3), ("us", 1e-6)):
        if seconds >= scale:
            return f"{seconds / scale:.3g} {unit}"
    return f"{seconds / 1e-9:.3g} ns"


def factor(number: float | None) -> str:
    """A ratio as a person reads it."""
    return "-" if number is None else f"{number:.2f}"


def text(result: dict[str, Any]) -> str:
    """The tables of a run."""
    threads = result["threads"]
    versions = ", ".join(f"{name} {number}" for name, number in result["versions"].items() if number)
    lines = [f"{result['date']}, {result['cpu']}, {result['cores']} cores, {versions}", ""]
    width = max(len(row["name"]) for row in result["cases"]) + 2
    head = "".join(f"{'nbnn x' + t:>11}{'torch x' + t:>11}{'ratio':>8}" for t in threads)
    lines.append(f"{'case':<{width}}{head}{'JIT cold':>10}{'warm':>8}  difference")
    for row in result["cases"]:
        cells = ""
        for t in threads:
            ours, theirs = (row["seconds"].get(library, {}).get(t) for library in ("nbnn", "torch"))
            cells += f"{duration(ours):>11}{duration(theirs):>11}{factor(ratio(row, t)):>8}"
        jit = "".join(
            f"{'-' if s is None else format(s, '.2f'):>{w}}" for s, w in ((row["jit_cold"], 10), (row["jit_warm"], 8))
        )
        verdict = f"{row['difference']:.1e}" if "difference" in row else "-"
        verdict += "  DIFFERS" if not row.get("difference", 0.0) <= TOLERANCE else ""
        verdict += "".join(f"  {library}: {error}" for library, error in row.get("errors", {}).items())
        lines.append(f"{row['name']:<{width}}{cells}{jit}  {verdict}")
    lines += ["", "PyTorch's time / nbnn's, geometric mean (above 1: nbnn is faster)"]
    for name, means in result["geometric_means"].items():
        lines.append(f"{name:<16}" + "".join(f"  x{t} {factor(means[t]):>6}" for t in threads))
    lines += ["", "First calls of a family's cases, seconds: nothing compiled before / loaded from the cache"]
    for name, seconds in result["first_call_seconds"].items():
        lines.append(f"{name:<16}  {seconds['cold']:7.2f} / {seconds['warm']:.2f}")
    imports = ", ".join(f"{library} {duration(s).strip()}" for library, s in result["import_seconds"].items())
    lines += ["", f"import: {imports}"]
    lines += [
        f"JIT: {result['jit_cold_seconds']:.1f} s cold, {result['jit_warm_seconds']:.1f} s warm (every case above)"
    ]
    return "\n".join(lines)


def write(result: dict[str, Any], folder: Path) -> Path:
    """Write the JSON file, named by date and processor."""
    folder.mkdir(parents=True, exist_ok=True)
    cpu = re.sub(r"[^a-z0-9]+", "-", result["cpu"].lower()).strip("-")
    path = folder / f"{result['date']}-{cpu}.json"
    path.write_text(json.dumps(result, indent=1) + "\n")
    return path


def rewrite_readme(readme: Path, result: dict[str, Any]) -> None:
    """Put this run's table between the two marks in README.md."""
    content = readme.read_text()
    before, rest = content.split(BEGIN)
    _, after = rest.split(END)
    readme.write_text(f"{before}{BEGIN}\n{markdown(result)}\n{END}{after}")


def markdown(result: dict[str, Any]) -> str:
    """A short table by family: the means, and the worst and the best case."""
    threads, versions = result["threads"], result["versions"]
    lines = [
        f"Measured {result['date']} on {result['cpu']}, {result['cores']} cores: nbnn {versions['nbnn']}, "
        f"PyTorch {versions['torch']}, float32. PyTorch's time divided by nbnn's: **above 1, nbnn is faster**.",
        "",
        "| family | cases |"
        + "".join(f" {t} thread{'s' * (t != '1')} |" for t in threads)
        + " slowest case | fastest case |",
        "|---|---|" + "---|" * len(threads) + "---|---|",
    ]
    for name, means in result["geometric_means"].items():
        rows = [row for row in result["cases"] if name in (row["family"], "all")]
        ranked = sorted((r, row["name"]) for row in rows if (r := ratio(row, threads[0])))
        ends = [f"{case} ({factor(r)})" for r, case in (ranked[0], ranked[-1])] if ranked else ["-", "-"]
        cells = [name, str(len(rows)), *(factor(means[t]) for t in threads), *ends]
        lines.append("| " + " | ".join(cells) + " |")
    imports = ", ".join(f"{library} {s:.2f} s" for library, s in result["import_seconds"].items())
    lines += ["", f"Import: {imports}. Compiling every kernel of this table: {result['jit_cold_seconds']:.0f} s, once."]
    return "\n".join(lines)
