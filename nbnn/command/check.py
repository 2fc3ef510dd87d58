"""Test this installation: operations against NumPy, gradients, the same bits on any threads, the cache.

Prints a line for each test and exits with 0 if all passed, with 1 otherwise. The first run compiles its kernels.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

import nbnn
from nbnn import _jit
from nbnn import functional as F
from nbnn.autograd import gradcheck
from nbnn.kernels import _cpu

Outcome = str | None  # what is wrong, or None


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of the command."""
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu", help="where operations run")


def run(args: argparse.Namespace) -> int:
    """Run the tests and print what came of them."""
    failed = 0
    for name, test in tests(args.device):
        start = time.perf_counter()
        try:
            wrong = test()
        except Exception as error:
            wrong = f"{type(error).__name__}: {error}"
        failed += wrong is not None
        seconds = time.perf_counter() - start
        print(
            f"{'ok  ' if wrong is None else 'FAIL'}  {name:<34} {seconds:6.2f} s{'' if wrong is None else '  ' + wrong}"
        )
    print("all tests passed" if not failed else f"{failed} failed")
    return 1 if failed else 0


def tests(device: str) -> list[tuple[str, Callable[[], Outcome]]]:
    """The tests by name."""
    found: list[tuple[str, Callable[[], Outcome]]] = [
        *((f"{name} against NumPy", partial(_values, *case, device)) for name, case in OPERATIONS.items()),
        *((f"gradient of {name}", partial(_gradient, *case, device)) for name, case in GRADIENTS.items()),
    ]
    if device == "cpu":
        found.append(("the same bits on 1 thread and all", _same_bits))
    return [*found, ("the kernel cache", _cache)]


def _arrays(shapes: tuple) -> list[np.ndarray]:
    rng = np.random.default_rng(0)
    return [rng.standard_normal(shape) for shape in shapes]


def _convolved(x: np.ndarray, w: np.ndarray) -> np.ndarray:
    windows = np.lib.stride_tricks.sliding_window_view(x, w.shape[2:], (2, 3))
    return np.einsum("nchwij,ocij->nohw", windows, w)


def _log_softmax(x: np.ndarray) -> np.ndarray:
    return x - x.max(-1, keepdims=True) - np.log(np.exp(x - x.max(-1, keepdims=True)).sum(-1, keepdims=True))


# Each in float32 against the same in float64.
OPERATIONS: dict[str, tuple[Callable, Callable, tuple]] = {
    "relu": (F.relu, lambda x: np.maximum(x, 0), ((3, 50),)),
    "exp": (F.exp, np.exp, ((3, 50),)),
    "sum": (lambda x: x.sum(0), lambda x: x.sum(0), ((300, 70),)),
    "linear": (F.linear, lambda x, w, b: x @ w.T + b, ((40, 30), (20, 30), (20,))),
    "conv2d": (F.conv2d, _convolved, ((2, 3, 12, 12), (4, 3, 3, 3))),
    "log_softmax": (lambda x: F.log_softmax(x, -1), _log_softmax, ((20, 30),)),
}
GRADIENTS: dict[str, tuple[Callable, tuple]] = {
    "linear": (F.linear, ((4, 3), (5, 3), (5,))),
    "conv2d": (F.conv2d, ((1, 2, 5, 5), (2, 2, 3, 3))),
    "log_softmax": (lambda x: F.log_softmax(x, -1), ((3, 4),)),
}


def _values(ours: Callable, theirs: Callable, shapes: tuple, device: str) -> Outcome:
    inputs = _arrays(shapes)
    got = ours(*(nbnn.tensor(x, dtype=nbnn.float32, device=device) for x in inputs)).cpu().numpy()
    wanted = theirs(*inputs)
    error = float(np.max(np.abs(got - wanted)) / max(1.0, float(np.max(np.abs(wanted)))))
    return None if error < 1e-5 else f"differs by {error:.1e} of the largest result"


def _gradient(function: Callable, shapes: tuple, device: str) -> Outcome:
    inputs = [nbnn.tensor(x, dtype=nbnn.float64, device=device, requires_grad=True) for x in _arrays(shapes)]
    return None if gradcheck(function, tuple(inputs)) else "differs from central differences"


def _same_bits() -> Outcome:
    """One training step of a small network, large enough to be shared out."""
    before = nbnn.get_num_threads()
    runs = []
    try:
        for threads in (1, _cpu.pool.available):
            nbnn.set_num_threads(threads)
            x, w = (nbnn.tensor(a, dtype=nbnn.float32, requires_grad=True) for a in _arrays(((400, 300), (200, 300))))
            y = F.relu(F.linear(x, w))
            y.sum().backward()
            runs.append([_bytes(t) for t in (y, x.grad, w.grad)])
    finally:
        nbnn.set_num_threads(before)
    return None if runs[0] == runs[1] else f"1 and {_cpu.pool.available} threads gave different bits"


def _bytes(t: Any) -> bytes:
    return t.detach().numpy().tobytes()


def _cache() -> Outcome:
    folder = _jit._cache_dir()
    if folder is None:
        return f"{_jit._cache_root()} cannot be used: every program compiles anew (NBNN_CACHE_DIR names another folder)"
    probe = folder / ".probe"
    try:
        probe.write_bytes(b"nbnn")
        probe.unlink()
    except OSError as error:
        return f"cannot write: {error}"
    return None
