"""The family `extreme`: every check of the engine on every case of its table, and every refusal."""

import numpy as np
import pytest

import nbnn
from tests import engine
from tests.cases.extreme import CASES, ERRORS


@pytest.mark.parametrize(("check", "case"), engine.params(CASES))
def test_case(check, case):
    check(case)


@pytest.mark.parametrize("bad", ERRORS, ids=str)
def test_refuses(bad):
    bad.check()


def test_names_of_the_results():
    """Kept by arrays too."""
    for x in (nbnn.tensor([[1.0, 3.0, 2.0]]), np.array([[1.0, 3.0, 2.0]])):
        values, indices = nbnn.max(x, 1)
        assert values[0] == 3 and indices[0] == 1
        assert nbnn.max(x, 1).indices[0] == 1 and nbnn.aminmax(x, dim=1).min[0] == 1
