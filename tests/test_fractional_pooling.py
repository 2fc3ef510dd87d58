"""The family `fractional_pooling`: every check of the engine on every case, every refusal, and what is drawn."""

import numpy as np
import pytest

import nbnn
import nbnn.nn.functional as F
from tests import engine
from tests.cases.fractional_pooling import CASES, ERRORS


@pytest.mark.parametrize(("check", "case"), engine.params(CASES))
def test_case(check, case):
    check(case)


@pytest.mark.parametrize("bad", ERRORS, ids=str)
def test_refuses(bad):
    bad.check()


def test_windows_follow_the_seed():
    x = nbnn.randn(2, 3, 20, 20)
    results = []
    for seed in (3, 3, 4):
        nbnn.manual_seed(seed)
        results.append(F.fractional_max_pool2d(x, 2, output_ratio=0.7).numpy())
    assert (results[0] == results[1]).all()
    assert (results[0] != results[2]).any()


def test_indices_are_those_of_max_unpool():
    x = nbnn.randn(2, 3, 9, 9)
    y, indices = nbnn.nn.FractionalMaxPool2d(2, output_size=4, return_indices=True)(x)
    np.testing.assert_array_equal(x.flatten(2).gather(2, indices.flatten(2)).numpy(), y.flatten(2).numpy())
    assert F.max_unpool2d(y, indices, 2, output_size=(9, 9)).shape == x.shape


@pytest.mark.parametrize("sizes", [{}, {"output_size": 2, "output_ratio": 0.5}])
def test_the_module_takes_one_size(sizes):
    with pytest.raises(ValueError, match=r"^FractionalMaxPool2d: give one of `output_size`"):
        nbnn.nn.FractionalMaxPool2d(2, **sizes)


@pytest.mark.parametrize("ratio", [0.0, 1.0, 1.5, (0.5, 0.5, 0.5)])
def test_a_module_refuses_a_bad_ratio_when_it_is_made(ratio):
    with pytest.raises(ValueError, match=r"^FractionalMaxPool2d: `output_ratio`"):
        nbnn.nn.FractionalMaxPool2d(2, output_ratio=ratio)
