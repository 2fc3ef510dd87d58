"""``python -m tests.report``: how many cases, checks and refusals every function has."""

from __future__ import annotations

import importlib
from collections import Counter
from pathlib import Path

from tests import engine


def tables() -> list:
    """The modules that hold the tables."""
    stems = sorted(path.stem for path in (Path(__file__).parent / "cases").glob("[!_]*.py"))
    modules = [importlib.import_module(f"tests.cases.{stem}") for stem in stems]
    return [module for module in modules if hasattr(module, "CASES")]


def cuda_cases(most: int | None = None) -> list:
    """The cases that run on CUDA; of each function no more than `most`, spread over its table."""
    found: dict[str, list] = {}
    for table in tables():
        for case in table.CASES:
            if case.cuda:
                found.setdefault(case.function, []).append(case)
    if most is None:
        return [case for cases in found.values() for case in cases]
    return [cases[k] for cases in found.values() for k in sorted({i * len(cases) // most for i in range(most)})]


def count() -> dict[str, tuple[int, int, int]]:
    """Cases, derived checks (the one on CUDA among them) and refusals of every function."""
    cases, checks, refusals = Counter(), Counter(), Counter()
    for table in tables():
        for case in table.CASES:
            cases[case.function] += 1
            checks[case.function] += len(engine.checks(case)) + case.cuda
        refusals.update(bad.function for bad in table.ERRORS)
    names = sorted(set(cases) | set(refusals))
    return {name: (cases[name], checks[name], refusals[name]) for name in names}


def main() -> None:
    counts = count()
    width = max(map(len, counts))
    print(f"{'function':{width}}  cases  checks  refusals")
    for name, (cases, checks, refusals) in counts.items():
        print(f"{name:{width}}  {cases:5}  {checks:6}  {refusals:8}")
    total = [sum(column) for column in zip(*counts.values(), strict=True)]
    print(f"{'all':{width}}  {total[0]:5}  {total[1]:6}  {total[2]:8}")


if __name__ == "__main__":
    main()
