"""nbnn.init: what the values are drawn from, what is refused, and that a seed decides."""

from __future__ import annotations

import math

import numpy as np
import pytest

import nbnn
import nbnn.nn as nn
from nbnn import init

SHAPE = (200, 300)


def values(t):
    return t.detach().numpy()


# name -> (fill, what its standard deviation must be, what its largest size must be)
RANDOM = {
    "uniform_": (lambda t, g: init.uniform_(t, -1, 1, generator=g), 1 / math.sqrt(3), 1),
    "normal_": (lambda t, g: init.normal_(t, std=0.5, generator=g), 0.5, None),
    "trunc_normal_": (lambda t, g: init.trunc_normal_(t, std=0.5, a=-9, b=9, generator=g), 0.5, 9),
    "xavier_uniform_": (
        lambda t, g: init.xavier_uniform_(t, 2, generator=g), 2 * math.sqrt(2 / 500), 2 * math.sqrt(6 / 500),
    ),
    "xavier_normal_": (lambda t, g: init.xavier_normal_(t, generator=g), math.sqrt(2 / 500), None),
    "kaiming_uniform_": (
        lambda t, g: init.kaiming_uniform_(t, nonlinearity="relu", generator=g), math.sqrt(2 / 300), math.sqrt(6 / 300),
    ),
    "kaiming_normal_": (
        lambda t, g: init.kaiming_normal_(t, a=1, mode="fan_out", generator=g), math.sqrt(1 / 200), None,
    ),
    "orthogonal_": (lambda t, g: init.orthogonal_(t, generator=g), math.sqrt(1 / 300), None),
    "sparse_": (lambda t, g: init.sparse_(t, 0.0, std=0.1, generator=g), 0.1, None),
}  # fmt: skip


@pytest.mark.parametrize("name", RANDOM)
def test_random_values(name):
    fill, deviation, bound = RANDOM[name]
    t = nbnn.empty(*SHAPE)
    assert fill(t, nbnn.Generator().manual_seed(3)) is t
    assert abs(values(t).mean()) < 5 * deviation / math.sqrt(t.numel())
    assert values(t).std() == pytest.approx(deviation, rel=0.02)
    if bound is not None:
        assert np.abs(values(t)).max() <= bound
    again = fill(nbnn.empty(*SHAPE), nbnn.Generator().manual_seed(3))
    other = fill(nbnn.empty(*SHAPE), nbnn.Generator().manual_seed(4))
    assert (values(t) == values(again)).all() and (values(t) != values(other)).any()


@pytest.mark.parametrize("name", RANDOM)
def test_default_generator_types_and_gradients(name):
    fill, deviation, _ = RANDOM[name]
    for kind in (nbnn.float64, nbnn.float16, nbnn.bfloat16):
        nbnn.manual_seed(1)
        t = nn.Parameter(nbnn.empty(*SHAPE, dtype=kind))
        fill(t, None)
        assert t.requires_grad and t.is_leaf and t.dtype is kind
        assert values(t.float()).std() == pytest.approx(deviation, rel=0.05)


@pytest.mark.parametrize(
    ("mean", "std", "a", "b"),
    [(0, 1, -2, 2), (0, 1, 1, 1.5), (3, 2, 0, 1), (0, 1, 6, 9), (0, 1, -9, -6), (0, 1, 50, 60)],
)
def test_truncated_normal_stays_inside_and_follows_the_curve(mean, std, a, b):
    x = values(
        init.trunc_normal_(nbnn.empty(20000, dtype=nbnn.float64), mean, std, a, b, nbnn.Generator().manual_seed(0))
    )
    assert x.min() >= a and x.max() <= b
    if b < 50:
        grid = np.linspace(a, b, 20001)
        density = np.exp(-0.5 * ((grid - mean) / std) ** 2 + 0.5 * (min(abs(a - mean), abs(b - mean)) / std) ** 2)
        expected = (grid * density).sum() / density.sum()
        assert x.mean() == pytest.approx(expected, abs=5 * x.std() / math.sqrt(x.size))


def test_constants():
    assert values(init.constant_(nbnn.empty(2, 2), 3.5)).tolist() == [[3.5, 3.5], [3.5, 3.5]]
    assert values(init.ones_(nbnn.empty(2))).tolist() == [1, 1]
    assert values(init.zeros_(nbnn.empty(2))).tolist() == [0, 0]
    assert (values(init.eye_(nbnn.empty(3, 5))) == np.eye(3, 5)).all()


@pytest.mark.parametrize("axes", [1, 2, 3])
@pytest.mark.parametrize("groups", [1, 2])
def test_dirac_passes_inputs_through(axes, groups):
    weight = init.dirac_(nbnn.empty(6, 3, *(3,) * axes), groups)
    want = np.zeros((6, 3, *(3,) * axes))
    for out in range(6):
        channel = out % (6 // groups)
        if channel < 3:
            want[(out, channel, *(1,) * axes)] = 1
    assert (values(weight) == want).all()


@pytest.mark.parametrize("shape", [(5, 3), (3, 5), (4, 2, 3), (2, 3, 2, 2)])
def test_orthogonal(shape):
    q = values(init.orthogonal_(nbnn.empty(*shape, dtype=nbnn.float64), gain=2)).reshape(shape[0], -1)
    small = q @ q.T if q.shape[0] <= q.shape[1] else q.T @ q
    np.testing.assert_allclose(small, 4 * np.eye(len(small)), atol=1e-12)


def test_sparse_columns():
    w = values(init.sparse_(nbnn.empty(10, 7), 0.25))
    assert ((w == 0).sum(axis=0) == 3).all()
    assert (values(init.sparse_(nbnn.empty(4, 2), 1.0)) == 0).all()


@pytest.mark.parametrize("shape", [(0, 3), (3, 0), (2, 3, 0)])
def test_nothing_to_fill(shape):
    for fill in (init.xavier_uniform_, init.kaiming_normal_, init.orthogonal_, init.normal_, init.trunc_normal_):
        assert fill(nbnn.empty(*shape)).shape == shape
    assert nn.Linear(0, 3).weight.shape == (3, 0)


def test_a_view_that_is_not_contiguous_is_filled():
    base = nbnn.zeros(4, 6)
    for fill in (init.ones_, init.orthogonal_, init.eye_, init.xavier_normal_):
        fill(base.t())
        assert values(base).any()
        base.zero_()


def test_gains():
    assert (
        init.calculate_gain("linear") == init.calculate_gain("conv_transpose3d") == init.calculate_gain("sigmoid") == 1
    )
    assert init.calculate_gain("tanh") == 5 / 3
    assert init.calculate_gain("relu") == math.sqrt(2)
    assert init.calculate_gain("selu") == 0.75
    assert init.calculate_gain("leaky_relu") == math.sqrt(2 / (1 + 0.01**2))
    assert init.calculate_gain("leaky_relu", 0.2) == math.sqrt(2 / 1.04)


def test_gains_are_those_of_torch():
    torch = pytest.importorskip("torch")
    for name in (*init._GAINS, "leaky_relu"):
        assert init.calculate_gain(name) == pytest.approx(torch.nn.init.calculate_gain(name))


@pytest.mark.parametrize("make", ["Linear(40, 50)", "Conv2d(4, 50, 3)", "Conv1d(8, 30, 5, groups=2)"])
def test_layers_start_like_those_of_torch(make):
    torch = pytest.importorskip("torch")
    ours, theirs = (eval(f"nn.{make}", {"nn": library}) for library in (nn, torch.nn))
    for a, b in zip(ours.parameters(), theirs.parameters(), strict=True):
        bound = 1 / math.sqrt(math.prod(ours.weight.shape[1:]))
        assert tuple(a.shape) == tuple(b.shape)
        assert np.abs(values(a)).max() <= bound * (1 + 1e-6) and np.abs(values(a)).max() > 0.8 * bound
        assert float(b.detach().abs().max()) <= bound * (1 + 1e-6)


BAD = [
    (lambda: init.calculate_gain("gelu"), ValueError, r"`nonlinearity` \(='gelu'\) must be one of"),
    (lambda: init.calculate_gain("leaky_relu", True), TypeError, r"`param` \(=True\)"),
    (lambda: init.calculate_gain("leaky_relu", "x"), TypeError, r"`param` \(='x'\)"),
    (lambda: init.xavier_uniform_(nbnn.empty(3)), ValueError, r"xavier_uniform_: `tensor` must have at least 2 axes"),
    (lambda: init.kaiming_normal_(nbnn.empty(())), ValueError, r"kaiming_normal_: .* got shape \(\)"),
    (lambda: init.kaiming_uniform_(nbnn.empty(2, 2), mode="x"), ValueError, r"`mode` \(='x'\) must be 'fan_in' or"),
    (lambda: init.orthogonal_(nbnn.empty(3)), ValueError, r"orthogonal_: `tensor` must have at least 2 axes"),
    (lambda: init.eye_(nbnn.empty(3)), ValueError, r"eye_: `tensor` must have 2 axes; got shape \(3,\)"),
    (lambda: init.dirac_(nbnn.empty(3, 3)), ValueError, r"must have 3 or 4 or 5 axes"),
    (lambda: init.dirac_(nbnn.empty(3, 3, 3), 2), ValueError, r"`groups` \(=2\) must divide"),
    (lambda: init.sparse_(nbnn.empty(3, 3, 3), 0.1), ValueError, r"sparse_: `tensor` must have 2 axes"),
    (lambda: init.sparse_(nbnn.empty(3, 3), 1.1), ValueError, r"`sparsity` \(=1.1\) must be between 0 and 1"),
    (lambda: init.uniform_(nbnn.empty(3), 2, 1), ValueError, r"`a` \(=2\) must be at most `b` \(=1\)"),
    (lambda: init.normal_(nbnn.empty(3), 0, -1), ValueError, r"`std` \(=-1\)"),
    (lambda: init.trunc_normal_(nbnn.empty(3), std=0), ValueError, r"`std` \(=0\) must be positive"),
    (lambda: init.trunc_normal_(nbnn.empty(3), a=2, b=1), ValueError, r"`a` \(=2\) must be at most"),
    (lambda: init.ones_([1.0]), TypeError, r"`tensor` must be a Tensor; got list"),
]  # fmt: skip


@pytest.mark.parametrize("case", range(len(BAD)))
def test_bad_arguments_are_refused(case):
    act, error, message = BAD[case]
    with pytest.raises(error, match=message):
        act()


def test_older_spellings_warn():
    calls = {
        "constant": (2.0,), "dirac": (), "eye": (), "kaiming_normal": (), "kaiming_uniform": (), "normal": (),
        "orthogonal": (), "sparse": (0.5,), "uniform": (), "xavier_normal": (), "xavier_uniform": (),
    }  # fmt: skip
    for name, args in calls.items():
        t = nbnn.empty(2, 2, 3) if name == "dirac" else nbnn.empty(2, 2)
        with pytest.warns(DeprecationWarning, match=rf"init\.{name} is the old spelling of init\.{name}_"):
            assert getattr(init, name)(t, *args) is t
