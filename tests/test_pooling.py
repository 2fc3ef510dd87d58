"""The family `pooling`: every check of the engine on every case of its table, and every refusal."""

import pytest

import nbnn
import nbnn.nn.functional as F
from tests import engine
from tests.cases.pooling import CASES, ERRORS


@pytest.mark.parametrize(("check", "case"), engine.params(CASES))
def test_case(check, case):
    check(case)


@pytest.mark.parametrize("bad", ERRORS, ids=str)
def test_refuses(bad):
    bad.check()


def test_average_of_a_ramp():
    assert F.avg_pool1d(nbnn.arange(1.0, 8.0).reshape(1, 1, 7), 3, 2).tolist() == [[[2.0, 4.0, 6.0]]]


def test_unpooling_a_ramp_puts_the_largest_back_in_place():
    ramp = nbnn.arange(1.0, 17.0).reshape(1, 1, 4, 4)
    y, index = F.max_pool2d(ramp, 2, return_indices=True)
    assert y.flatten().tolist() == [6.0, 8.0, 14.0, 16.0]
    back = F.max_unpool2d(y, index, 2)[0, 0].tolist()
    assert back == [[0, 0, 0, 0], [0, 6, 0, 8], [0, 0, 0, 0], [0, 14, 0, 16]]
