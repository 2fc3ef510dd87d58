"""Distributions: against SciPy-free formulas, PyTorch, their own draws and central differences."""

from __future__ import annotations

import math

import numpy as np
import pytest

import nbnn
from nbnn import distributions as D
from nbnn.autograd import gradcheck, gradgradcheck

rng = np.random.default_rng(3)
WEIGHTS = rng.uniform(0.1, 1, (4, 3))
WEIGHTS[1, 2] = 0.0
LOGITS, LOC = rng.normal(size=(4, 3)), rng.normal(size=(4, 1))
CHANCES, SCALE = rng.uniform(0.05, 0.95, (4, 3)), rng.uniform(0.5, 2, 3)

# name: class, its arguments, values to ask about
CASES = {
    "categorical probs": ("Categorical", {"probs": WEIGHTS}, np.array([[0, 1, 1, 2], [1, 0, 2, 2]])),
    "categorical logits": ("Categorical", {"logits": LOGITS}, np.array([0, 2, 1, 1])),
    "categorical one value": ("Categorical", {"probs": WEIGHTS}, np.array(1)),
    "bernoulli probs": ("Bernoulli", {"probs": CHANCES}, np.array([0.0, 1.0, 1.0])),
    "bernoulli logits": ("Bernoulli", {"logits": LOGITS}, np.array([1.0, 1.0, 0.0])),
    "normal": ("Normal", {"loc": LOC, "scale": SCALE}, rng.normal(size=(2, 4, 3))),
}


def made(library, name):
    kind, arguments, value = CASES[name]
    tensors = {k: library.tensor(v, dtype=library.float64) for k, v in arguments.items()}
    return getattr(library.distributions, kind)(**tensors), library.tensor(value)


@pytest.mark.parity
@pytest.mark.parametrize("name", CASES)
def test_as_in_torch(name):
    torch = pytest.importorskip("torch")
    (ours, value), (theirs, their_value) = made(nbnn, name), made(torch, name)
    pairs = [(ours.log_prob(value), theirs.log_prob(their_value)), (ours.entropy(), theirs.entropy())]
    pairs += [(getattr(ours, k), getattr(theirs, k)) for k in ("probs", "logits", "loc", "scale") if hasattr(ours, k)]
    if "categorical" not in name:
        pairs += [(getattr(ours, k), getattr(theirs, k)) for k in ("mean", "variance", "stddev")]
    if name == "normal":
        pairs += [(ours.cdf(value), theirs.cdf(their_value)), (ours.mode, theirs.mode)]
    for a, b in pairs:
        np.testing.assert_allclose(a.numpy(), b.numpy(), rtol=1e-12, atol=1e-12)
    assert tuple(ours.batch_shape) == tuple(theirs.batch_shape) and ours.event_shape == ()
    assert ours.sample((2, 5)).shape == tuple(theirs.sample((2, 5)).shape)
    other = {k: v * 0.5 + 0.2 for k, v in CASES[name][1].items()}
    divergences = []
    for library, p in ((nbnn, ours), (torch, theirs)):
        q = type(p)(**{k: library.tensor(v, dtype=library.float64) for k, v in other.items()})
        divergences += [library.distributions.kl_divergence(p, q).numpy()]
    np.testing.assert_allclose(*divergences, rtol=1e-10, atol=1e-12)


def test_formulas():
    c = D.Categorical(nbnn.tensor([1.0, 3.0]))
    np.testing.assert_allclose(c.log_prob(nbnn.tensor([0, 1])).numpy(), np.log([0.25, 0.75]), rtol=1e-6)
    np.testing.assert_allclose(c.entropy().item(), -0.25 * math.log(0.25) - 0.75 * math.log(0.75), rtol=1e-6)
    assert c.mode.item() == 1
    n = D.Normal(1.0, 2.0)
    np.testing.assert_allclose(n.log_prob(3.0).item(), -0.5 - math.log(2 * math.sqrt(2 * math.pi)), rtol=1e-6)
    np.testing.assert_allclose(n.cdf(1.0).item(), 0.5)
    p, q = D.Bernoulli(nbnn.tensor([1.0, 0.0, 1.0])), D.Bernoulli(nbnn.tensor([0.5, 0.5, 0.0]))
    np.testing.assert_allclose(D.kl_divergence(p, q).numpy(), [math.log(2), math.log(2), np.inf], rtol=1e-5)
    assert repr(n) == "Normal(batch_shape=(), event_shape=())"


@pytest.mark.parametrize("name", CASES)
def test_gradients(name):
    kind, arguments, value = CASES[name]
    inputs = [nbnn.tensor(np.where(v == 0, 0.3, v), requires_grad=True) for v in arguments.values()]

    def asked(*given):
        found = getattr(D, kind)(**dict(zip(arguments, given, strict=True)), validate_args=False)
        return found.log_prob(nbnn.tensor(value)), found.entropy()

    assert gradcheck(asked, inputs) and gradgradcheck(asked, inputs)


def test_draws():
    nbnn.manual_seed(0)
    c = D.Categorical(nbnn.tensor([[0.2, 0.8, 0.0], [0.5, 0.0, 0.5]])).sample((4000,))
    assert c.dtype is nbnn.int64 and c.shape == (4000, 2)
    shares = np.stack([np.bincount(column, minlength=3) for column in c.numpy().T]) / 4000
    np.testing.assert_allclose(shares, [[0.2, 0.8, 0], [0.5, 0, 0.5]], atol=0.03)
    assert (shares[[0, 1], [2, 1]] == 0).all()
    b = D.Bernoulli(nbnn.tensor([0.0, 0.3, 1.0])).sample((4000,)).numpy()
    np.testing.assert_allclose(b.mean(0), [0, 0.3, 1], atol=0.03)
    loc, scale = nbnn.tensor([1.0, -2.0], requires_grad=True), nbnn.tensor(0.5, requires_grad=True)
    n = D.Normal(loc, scale)
    drawn = n.rsample((4000,))
    np.testing.assert_allclose(drawn.detach().numpy().mean(0), [1, -2], atol=0.03)
    np.testing.assert_allclose(drawn.detach().numpy().std(0), 0.5, atol=0.03)
    drawn.sum().backward()
    np.testing.assert_allclose(loc.grad.numpy(), 4000)
    assert not n.sample().requires_grad and D.Categorical(nbnn.ones(0, 3)).sample((2,)).shape == (2, 0)
    state = nbnn.get_rng_state()
    first = n.sample((3,))
    nbnn.set_rng_state(state)
    assert nbnn.equal(first, n.sample((3,)))


REFUSED = {
    r"Categorical: needs either `probs` or `logits`, not none": lambda: D.Categorical(),
    r"Categorical: needs either `probs` or `logits`, not both": lambda: D.Categorical(nbnn.ones(2), nbnn.ones(2)),
    r"Categorical: `probs` must hold finite weights of at least 0; got -1": lambda: D.Categorical(
        nbnn.tensor([1.0, -1.0])
    ),
    r"Categorical: `probs` must hold finite weights of at least 0; got nan": lambda: D.Categorical(
        nbnn.tensor([1.0, math.nan])
    ),
    r"Categorical: `probs` must have a weight above 0 in each row": lambda: D.Categorical(nbnn.zeros(2, 2)),
    r"Categorical: `probs` must have shape \(\*, K\)": lambda: D.Categorical(nbnn.tensor(1.0)),
    r"Categorical: `logits` must hold numbers below infinity": lambda: D.Categorical(
        logits=nbnn.tensor([math.nan, 1.0])
    ),
    r"Categorical.log_prob: `value` must hold integers in \[0, 2\); got 2": lambda: D.Categorical(
        nbnn.ones(2)
    ).log_prob(nbnn.tensor(2)),
    r"Categorical.log_prob: `value` must hold integers in \[0, 2\); got 0.5": lambda: D.Categorical(
        nbnn.ones(2)
    ).log_prob(nbnn.tensor(0.5)),
    r"Categorical.log_prob: the shapes must broadcast": lambda: D.Categorical(nbnn.ones(3, 2)).log_prob(nbnn.zeros(2)),
    r"Bernoulli: `probs` must be between 0 and 1; got 1.5": lambda: D.Bernoulli(1.5),
    r"Bernoulli: `logits` must be a number; got nan": lambda: D.Bernoulli(logits=math.nan),
    r"Bernoulli.log_prob: `value` must be 0 or 1; got 0.5": lambda: D.Bernoulli(0.5).log_prob(0.5),
    r"Normal: `scale` must be above 0; got 0": lambda: D.Normal(0.0, 0.0),
    r"Normal: the shapes must broadcast": lambda: D.Normal(nbnn.zeros(2), nbnn.ones(3)),
    r"Normal: `sample_shape` \(=\(-1,\)\) must not": lambda: D.Normal(0.0, 1.0).sample((-1,)),
    r"Categorical: `probs` must have a floating-point dtype": lambda: D.Categorical(nbnn.tensor([1, 2])),
    r"Normal: `loc` \(='a'\) must be a number": lambda: D.Normal("a", 1.0),
    r"kl_divergence: no rule for Normal and Bernoulli": lambda: D.kl_divergence(D.Normal(0.0, 1.0), D.Bernoulli(0.5)),
    r"Bernoulli: draws have no gradient": lambda: D.Bernoulli(0.5).rsample(),
    r"Categorical has no `mean`": lambda: D.Categorical(nbnn.ones(2)).mean,
    r"Distribution has no `entropy`": lambda: D.Distribution(()).entropy(),
}


@pytest.mark.parametrize("message", REFUSED)
def test_refusals(message):
    with pytest.raises((ValueError, TypeError, NotImplementedError), match=message):
        REFUSED[message]()
