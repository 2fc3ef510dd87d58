"""What is timed, as data, a file for each family: each case is built once and runs on nbnn and on PyTorch alike."""

from __future__ import annotations

import importlib

from benchmarks.cases.case import Case, Run

# The order of the table; `tables` are the cases of the tests' own tables.
FAMILIES = (
    *("small", "array", "reduction", "linear", "activation", "dropout", "embedding", "convolution", "pooling"),
    *("padding", "vision", "normalization", "loss"),
    *("recurrent", "attention"),
    "optim",
    *("models", "tables"),
)


def all_cases() -> list[Case]:
    """Every case, in the order of the table."""
    modules = [importlib.import_module(f"benchmarks.cases.{family}") for family in FAMILIES]
    return [case for module in modules for case in module.cases()]


__all__ = ["FAMILIES", "Case", "Run", "all_cases"]
