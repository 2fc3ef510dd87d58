"""The family `attention`: every check of the engine on every case of its table, every refusal, and dropout."""

import numpy as np
import pytest

import nbnn
import nbnn.nn.functional as F
from tests import engine
from tests.cases.attention import CASES, ERRORS, attention


@pytest.mark.parametrize(("check", "case"), engine.params(CASES))
def test_case(check, case):
    check(case)


@pytest.mark.parametrize("bad", ERRORS, ids=str)
def test_refuses(bad):
    bad.check()


def test_dropout_follows_the_seed_and_keeps_the_mean():
    q, k = nbnn.randn(2, 20, 4), nbnn.randn(2, 30, 4)
    v = nbnn.ones(2, 30, 3)
    nbnn.manual_seed(5)
    a = F.scaled_dot_product_attention(q, k, v, dropout_p=0.5)
    nbnn.manual_seed(5)
    engine.same_bits(F.scaled_dot_product_attention(q, k, v, dropout_p=0.5).numpy(), a.numpy(), "same seed")
    assert (a.numpy() != 1).any()
    assert abs(float(a.mean()) - 1) < 0.1
    assert not F.scaled_dot_product_attention(q, k, v, dropout_p=1.0).numpy().any()


def test_dropout_under_a_mask():
    q = nbnn.randn(1, 4, 4, requires_grad=True)
    mask = nbnn.tensor([[True], [False], [True], [True]])
    y = F.scaled_dot_product_attention(q, q, q, mask, dropout_p=0.3)
    assert not y[0, 1].detach().numpy().any()
    y.sum().backward()
    assert np.isfinite(q.grad.numpy()).all()


def test_a_query_that_sees_nothing_gives_zeros():
    x = nbnn.randn(2, 3, 4, requires_grad=True)
    y = F.scaled_dot_product_attention(x, x, x, nbnn.zeros(3, 3).bool())
    assert not y.detach().numpy().any()
    y.sum().backward()
    assert not x.grad.numpy().any()


def test_a_mask_of_the_lowest_number_shares_evenly():
    """Beside -1e30 every score is lost, and so would be the logarithm of a sum."""
    q, k, v = (nbnn.randn(n, 4, requires_grad=True) for n in (3, 8, 8))
    y = F.scaled_dot_product_attention(q, k, v, nbnn.full((3, 8), -1e30))
    y.sum().backward()
    np.testing.assert_allclose(y[0].detach().numpy(), v.detach().numpy().mean(0), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(v.grad.numpy(), 3 / 8, rtol=1e-5)


def test_scores_are_not_in_memory():
    """A million keys for a thousand queries would be 4 GB of scores; here 2000 by 20000 of 160 MB, in small memory."""
    random = np.random.default_rng(0)
    q, k, v = (random.normal(size=(n, 8)).astype(np.float32) for n in (2000, 20000, 20000))
    rows = F.scaled_dot_product_attention(q, k, v)[::500]
    np.testing.assert_allclose(rows, attention(q[::500].astype(float), k.astype(float), v.astype(float)), atol=1e-5)


def test_third_gradients_are_refused():
    q = nbnn.randn(3, 2, requires_grad=True)
    y = F.scaled_dot_product_attention(q, q, q)
    (g,) = nbnn.autograd.grad((y * y).sum(), q, create_graph=True)
    with pytest.raises(RuntimeError, match="higher order than the second"):
        nbnn.autograd.grad((g * g).sum(), q, create_graph=True)
