"""Random numbers: their laws, and that a seed fixes them on any number of threads."""

import numpy as np
import pytest

import nbnn


@pytest.fixture(autouse=True)
def seed():
    nbnn.manual_seed(5)


def test_multinomial_with_replacement_follows_the_weights():
    weights = np.array([[1.0, 2.0, 0.0, 7.0], [0.0, 5.0, 5.0, 0.0]])
    drawn = nbnn.multinomial(nbnn.tensor(weights), 100000, replacement=True).numpy()
    for row, w in zip(drawn, weights, strict=True):
        np.testing.assert_allclose(np.bincount(row, minlength=4) / 100000, w / w.sum(), atol=0.006)


def test_multinomial_without_replacement_draws_each_once():
    weights = nbnn.tensor([1.0, 0.0, 2.0, 7.0]).expand(4000, 4)
    drawn = nbnn.multinomial(weights, 3).numpy()
    assert (np.sort(drawn, 1) == [0, 2, 3]).all()
    np.testing.assert_allclose(np.bincount(drawn[:, 0], minlength=4) / 4000, [0.1, 0.0, 0.2, 0.7], atol=0.03)


@pytest.mark.parametrize("dtype", [nbnn.float32, nbnn.float64, nbnn.int64, nbnn.bool])
def test_bernoulli_in_place(dtype):
    x = nbnn.zeros(20000, dtype=dtype)
    assert x.bernoulli_(0.3) is x
    assert abs(float(x.double().mean()) - 0.3) < 0.02
    assert x._version[0] > 0


def test_bernoulli_of_a_tensor_of_probabilities():
    p = nbnn.tensor([0.0, 0.25, 1.0]).expand(20000, 3)
    np.testing.assert_allclose(nbnn.bernoulli(p).mean(0).numpy(), [0, 0.25, 1], atol=0.02)
    np.testing.assert_allclose(nbnn.zeros(20000, 3).bernoulli_(p[0]).mean(0).numpy(), [0, 0.25, 1], atol=0.02)


def test_exponential_and_normal():
    x = nbnn.zeros(100000, dtype=nbnn.float64).exponential_(2.0).numpy()
    assert (x >= 0).all()
    assert abs(x.mean() - 0.5) < 0.01
    y = nbnn.normal(nbnn.full((100000,), 3.0), 2.0).numpy()
    assert abs(y.mean() - 3) < 0.03
    assert abs(y.std() - 2) < 0.03


def test_like_another():
    x = nbnn.zeros(3, 4, dtype=nbnn.float64)
    for made in (nbnn.rand_like(x), nbnn.randn_like(x), nbnn.randint_like(x, 2, 9)):
        assert made.shape == x.shape
        assert made.dtype is x.dtype
        assert len(set(made.flatten().tolist())) > 2
    assert nbnn.randint_like(x, 5, dtype=nbnn.int64).dtype is nbnn.int64


@pytest.mark.parametrize(
    "draw",
    [
        lambda g: nbnn.bernoulli(nbnn.full((50000,), 0.5), generator=g),
        lambda g: nbnn.normal(0.0, 1.0, (50000,), generator=g),
        lambda g: nbnn.multinomial(nbnn.ones(500, 9), 50, True, generator=g),
        lambda g: nbnn.zeros(50000).exponential_(generator=g),
        lambda g: nbnn.rand_like(nbnn.zeros(50000), generator=g),
    ],
)
def test_a_generator_fixes_the_draw(draw):
    before = nbnn.get_num_threads()
    drawn = []
    try:
        for threads in (1, 2):
            nbnn.set_num_threads(threads)
            drawn.append(draw(nbnn.Generator().manual_seed(3)).tolist())
    finally:
        nbnn.set_num_threads(before)
    assert drawn[0] == drawn[1]


def test_integers_in_place():
    x = nbnn.zeros(20000)
    assert x.random_(5) is x
    assert set(x.tolist()) == {0, 1, 2, 3, 4}
    assert set(nbnn.zeros(5000, dtype=nbnn.int8).random_(-2, 1).tolist()) == {-2, -1, 0}
    assert max(nbnn.zeros(4000, dtype=nbnn.uint8).random_().tolist()) > 250
    assert set(nbnn.zeros(100, dtype=nbnn.bool).random_().tolist()) == {False, True}
    assert (nbnn.zeros(1000).random_() <= 2**24).all()
    assert nbnn.zeros(3, 4).T.random_(7).shape == (4, 3)
    with pytest.raises(ValueError, match=r"random_: `low` \(=3\) must be less than `high` \(=3\)"):
        x.random_(3, 3)


@pytest.mark.parametrize(
    "name", ["Float", "Double", "Half", "BFloat16", "Long", "Int", "Short", "Char", "Byte", "Bool"]
)
def test_constructors_by_type(name):
    kind = getattr(nbnn, f"{name}Tensor")
    made = kind([[1, 0], [1, 1]])
    assert made.dtype is kind.dtype and made.tolist() == [[1, 0], [1, 1]] and isinstance(made, kind)
    assert kind(2, 3).shape == (2, 3) and kind(made).tolist() == made.tolist() and kind().shape == (0,)
    assert nbnn.ones(2).type(kind).dtype is kind.dtype
    assert not isinstance(made, nbnn.IntTensor if name == "Long" else nbnn.LongTensor)
    assert repr(kind) == f"<class 'nbnn.{name}Tensor'>"
