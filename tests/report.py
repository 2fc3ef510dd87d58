"""``python -m tests.report``: how many cases, checks and refusals every function has."""

from __future__ import annotations

import importlib
from collections import Counter
from pathlib import Path

from tests import engine

# Functions that are no op on Tensors: tests of their own stand in the files named.
OTHERWISE = {
    "test_tensor.py": {"arange", "as_tensor", "empty", "empty_like", "eye", "from_dlpack", "from_numpy",
                       "full", "ones", "ones_like",
                       "rand", "randint", "randn", "randperm", "tensor", "zeros", "zeros_like", "manual_seed",
                       "initial_seed",
                       "get_default_dtype", "set_default_dtype"},
    "test_torch_names.py": {"are_deterministic_algorithms_enabled", "broadcast_shapes", "get_default_device",
                            "get_num_interop_threads", "is_autocast_enabled", "is_floating_point", "is_nonzero",
                            "is_tensor", "asarray", "scalar_tensor",
                            "numel", "polar", "seed", "set_default_device", "set_default_tensor_type",
                            "set_num_interop_threads", "set_printoptions", "use_deterministic_algorithms"},
    "test_host_memory.py": {"empty_cache"},
    "test_sampling.py": {"rand_like", "randint_like", "randn_like"},
    "test_jit.py": {"get_num_threads", "set_num_threads"},
    "test_promotion.py": {"allclose", "can_cast", "equal", "promote_types", "result_type"},
    "test_matmul_precision.py": {"get_float32_matmul_precision", "set_float32_matmul_precision"},
    "test_autograd.py": {"is_grad_enabled"},
    "test_serialization.py": {"load", "save"},
    "test_summary.py": {"summary"},
    "test_compile.py": {"compile"},
    "test_programs.py": {"as_torch"},
    "test_distributions.py": {"get_rng_state", "set_rng_state"},
    "test_complexes.py": {"angle", "complex", "conj", "imag", "is_complex", "real", "view_as_complex", "view_as_real"},
}  # fmt: skip


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
