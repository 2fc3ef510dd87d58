"""The cases of the tests' own tables."""

from __future__ import annotations

import functools
import importlib.util
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import numpy as np

from benchmarks.cases.case import Case, Run, as_list


def cases() -> Iterator[Case]:
    """The cases of the tests' own tables that have inputs of some size, on the same inputs in float32."""
    if importlib.util.find_spec("pytest") is None:  # the tables stand on pytest; everything else here does not
        return
    for family in ("activation", "array", "convolution", "linear", "loss", "normalization", "pooling"):
        for case in importlib.import_module(f"tests.cases.{family}").CASES:
            if case.large is not None and case.torch is not False:
                yield Case(f"test {case.name}", "tables", functools.partial(table_run, case))


def table_run(case: Any, T: ModuleType, F: ModuleType) -> Run:
    """A test case forward and, where it is differentiable, backward."""
    names = importlib.import_module("tests.case").Names(F, T)
    call = case.torch if callable(case.torch) and T.__name__ == "torch" else case.call
    values = []
    for position, value in enumerate(case.large(np.random.default_rng(7))):
        if isinstance(value, np.ndarray) and value.dtype.kind == "f":
            tensor = T.tensor(value.astype(np.float32))
            values.append(tensor.requires_grad_() if position in case.grad else tensor)
        else:
            values.append(T.tensor(value) if isinstance(value, np.ndarray) else value)
    leaves = [values[position] for position in case.grad if hasattr(values[position], "grad")]
    shape = tuple(as_list(call(names, *values))[0].shape)
    seed = T.tensor(np.asarray(np.random.default_rng(1).standard_normal(shape), dtype=np.float32))

    def run() -> list[Any]:
        for leaf in leaves:
            leaf.grad = None
        results = as_list(call(names, *values))
        if results[0].requires_grad:
            results[0].backward(seed)
        return [results[0], *(leaf.grad for leaf in leaves if leaf.grad is not None)]

    return run
