"""The family `softmax`: every check of the engine on every case of its table, and every refusal."""

import pytest

import nbnn
import nbnn.nn.functional as F
from tests import engine
from tests.cases.softmax import CASES, ERRORS


@pytest.mark.parametrize(("check", "case"), engine.params(CASES))
def test_case(check, case):
    check(case)


@pytest.mark.parametrize("bad", ERRORS, ids=str)
def test_refuses(bad):
    bad.check()


def sampled(x, hard):
    nbnn.manual_seed(5)
    return F.gumbel_softmax(x, 0.7, hard)


def test_gumbel_softmax_draws_the_classes_with_their_probabilities():
    x = nbnn.tensor([0.0, 1.0, -1.0]).expand(20000, 3)
    share = sampled(x, True).mean(0)
    assert share.tolist() == pytest.approx(F.softmax(x[0], 0).tolist(), abs=0.02)


def test_gumbel_softmax_has_a_gradient_through_the_choice():
    x = nbnn.randn(4, 3, dtype=nbnn.float64, requires_grad=True)
    assert nbnn.autograd.gradcheck(lambda v: sampled(v, False), (x,))
    assert nbnn.autograd.gradgradcheck(lambda v: sampled(v, False), (x,))
    seed = nbnn.randn(4, 3, dtype=nbnn.float64)
    (soft,), (hard,) = (nbnn.autograd.grad(sampled(x, way), x, seed) for way in (False, True))
    assert soft.tolist() == hard.tolist()
    assert sampled(x, True).sum(1).tolist() == [1.0] * 4
