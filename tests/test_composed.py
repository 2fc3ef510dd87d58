"""Functions made of others: every check of the engine on every case of their table, and every refusal."""

import pytest

from tests import engine
from tests.cases.composed import CASES, ERRORS


@pytest.mark.parametrize(("check", "case"), engine.params(CASES))
def test_case(check, case):
    check(case)


@pytest.mark.parametrize("bad", ERRORS, ids=str)
def test_refuses(bad):
    bad.check()
