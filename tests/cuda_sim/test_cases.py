"""The cases of every family on CUDA, or in its simulator: values and gradients are those of the CPU.

The simulator runs every Python statement of a kernel: four cases of each function, spread over its table, take it two
minutes, all of them (NBNN_ALL_CUDA_CASES=1) ten. A GPU runs all.
"""

import os

import pytest

from nbnn import _jit
from tests import engine, report

ALL = not _jit.simulated() or os.environ.get("NBNN_ALL_CUDA_CASES") == "1"
CASES = report.cuda_cases(None if ALL else 4)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_case(case):
    engine.cuda(case)
