"""Every kernel of the library, in all its CUDA forms, compiles to PTX for float32."""

import importlib
import pkgutil
import re

import pytest
from numba import types

import nbnn.kernels
from nbnn import _jit
from nbnn.kernels import _cuda
from nbnn.kernels._cpu import Kernel
from tests.cuda_ptx import notes

LAUNCHED = notes.library()
FORMS = [(kernel, tiles) for kernel in LAUNCHED for tiles in (False, True)[: 2 if kernel.cuda else 1]]


def kernels():
    """Every kernel that CUDA has: not those over ranges, private ones on vectors of the CPU, or complex numbers."""
    found = {}
    for info in pkgutil.iter_modules(nbnn.kernels.__path__):
        if info.name == "complexes":
            continue
        for name, member in vars(importlib.import_module(f"nbnn.kernels.{info.name}")).items():
            if isinstance(member, Kernel) and member.kind != "ranges" and not member.name.startswith("_"):
                found[member] = f"{info.name}.{name}"
    return found


def test_the_tables_launch_every_kernel():
    missing = {name for kernel, name in kernels().items() if kernel not in LAUNCHED}
    assert missing == set()


@pytest.mark.parametrize(("kernel", "tiles"), FORMS, ids=lambda v: v.name if isinstance(v, Kernel) else "")
def test_compiles(kernel, tiles):
    ptx = _cuda.compile_ptx(kernel, LAUNCHED[kernel], tiles=tiles)
    assert ".visible .entry" in ptx
    if tiles:
        assert ".shared" in ptx and "bar.sync" in ptx


def test_the_check_of_indices_compiles():
    function = _jit.bind(_cuda._watch, "watch_indices", cuda=_jit.cuda())
    array, index = types.int64[::1], types.int64
    ptx, _ = _jit.cuda().compile_ptx(function, (array, array, index, array, index, index, index), cc=(9, 0))
    assert re.search(r"atom\.\S*min\.s64", ptx)
