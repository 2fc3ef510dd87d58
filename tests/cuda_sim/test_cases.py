"""Every case of every family on CUDA, or in its simulator: values and gradients are those of the CPU."""

import pytest

from tests import engine, report

CASES = [case for table in report.tables() for case in table.CASES if case.cuda]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_case(case):
    engine.cuda(case)
