"""Show versions, the CPU and its vectors, threads, the cache of compiled kernels, the GPU."""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import os
import platform
from pathlib import Path
from typing import Any

from nbnn import _jit
from nbnn._version import __version__
from nbnn.device import cuda_device_count
from nbnn.functional._precision import get_float32_matmul_precision
from nbnn.kernels import _cpu, _simd

# Those that change what nbnn does; the full list of a modern CPU has a hundred.
_TELLING = ("avx2", "fma", "avx512f", "avx512_bf16", "amx-tile", "amx-bf16", "neon", "sve")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of the command."""
    parser.add_argument("--json", action="store_true", help="as JSON, for programs and reports of bugs")


def run(args: argparse.Namespace) -> int:
    """Print the facts."""
    found = facts()
    if args.json:
        print(json.dumps(found, indent=2))
    else:
        width = max(map(len, found))
        for name, value in found.items():
            print(f"{name:<{width}}  {value}")
    return 0


def facts() -> dict[str, Any]:
    """What there is to say, by name."""
    _cpu.pool.start()
    known = set(_simd.get_host_cpu_features().split(","))
    return {
        "nbnn": __version__,
        "python": f"{platform.python_version()} ({platform.python_implementation()})",
        **{name: _version(name) for name in ("numba", "llvmlite", "numpy", "numba-cuda")},
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "cpu features": " ".join(f for f in _TELLING if f"+{f}" in known or f"+{f.replace('_', '')}" in known) or "-",
        "vector lanes": f"{_simd.LANES} float32, {_simd.LANES // 2} float64",
        "threads": f"{_cpu.pool.threads} of {_cpu.pool.available}",
        "threading layer": _cpu.pool.layer or "none: kernels run on the calling thread",
        "matmul precision": get_float32_matmul_precision(),
        **_cache(),
        "gpu": _gpu(),
    }


def _version(name: str) -> str:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return "not installed"


def _cache() -> dict[str, str]:
    """Where compiled kernels are kept, and how much there is of this build and of others."""
    here = _jit._cache_dir()
    if here is None:
        why = "NBNN_CACHE=0" if os.environ.get("NBNN_CACHE") == "0" else f"{_jit._cache_root()} cannot be used"
        return {"kernel cache": f"none: {why}"}
    count, size = _content(here)
    _, everything = _content(here.parent)
    return {
        "kernel cache": str(here),
        "cache holds": f"{count} kernels, {size / 1e6:.1f} MB; {everything / 1e6:.1f} MB with those of other builds",
    }


def _content(folder: Path) -> tuple[int, int]:
    """How many kernels lie in a folder and below, and their bytes; files may vanish meanwhile."""
    count = size = 0
    for path in folder.rglob("*.nbc"):
        try:
            size += path.stat().st_size
        except OSError:
            continue
        count += 1
    return count, size


def _gpu() -> str:
    count = cuda_device_count()
    if not count:
        return "none"
    if _jit.simulated():
        return "simulated (NUMBA_ENABLE_CUDASIM=1)"
    name = _jit.cuda().get_current_device().name
    return (name.decode() if isinstance(name, bytes) else str(name)) + (f", the first of {count}" if count > 1 else "")
