"""The family `division`: every check of the engine on every case of its table, and every refusal."""

import numpy as np
import pytest

import nbnn
from tests import engine
from tests.cases.division import CASES, ERRORS


@pytest.mark.parametrize(("check", "case"), engine.params(CASES))
def test_case(check, case):
    check(case)


@pytest.mark.parametrize("bad", ERRORS, ids=str)
def test_refuses(bad):
    bad.check()


def test_fmod_is_exact_for_quotients_of_all_sizes():
    bits = np.random.default_rng(0).integers(0, 1 << 32, (2, 1 << 16), dtype=np.int64).astype(np.uint32)
    a, b = bits.view(np.float32)
    with np.errstate(all="ignore"):
        expected = np.fmod(a, b)
    found = nbnn.fmod(nbnn.tensor(a), nbnn.tensor(b)).numpy()
    assert np.array_equal(found, expected, equal_nan=True)
    numbers = ~np.isnan(expected)
    assert np.array_equal(np.signbit(found)[numbers], np.signbit(expected)[numbers])
