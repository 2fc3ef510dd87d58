"""The family `recurrent`: every check of the engine on every case of its table, every refusal, and the Modules."""

import warnings

import numpy as np
import pytest

import nbnn
import nbnn.nn as nn
from nbnn.nn.utils.rnn import (
    PackedSequence,
    invert_permutation,
    pack_padded_sequence,
    pack_sequence,
    pad_packed_sequence,
    pad_sequence,
    unpack_sequence,
    unpad_sequence,
)
from tests import engine
from tests.cases.recurrent import CASES, ERRORS


@pytest.mark.parametrize(("check", "case"), engine.params(CASES))
def test_case(check, case):
    check(case)


@pytest.mark.parametrize("bad", ERRORS, ids=str)
def test_refuses(bad):
    bad.check()


MODULES = [nn.LSTM, nn.GRU, nn.RNN]


@pytest.mark.parametrize("cls", MODULES)
def test_one_sequence_is_a_batch_of_one(cls):
    layer = cls(3, 4, 2, bidirectional=True)
    x = nbnn.randn(5, 3)
    y, state = layer(x)
    wanted, states = layer(x.unsqueeze(1))
    engine.same_bits(y.detach().numpy(), wanted.squeeze(1).detach().numpy(), "output")
    last = state[0] if isinstance(state, tuple) else state
    assert tuple(last.shape) == (4, 4)
    again, _ = layer(x, state)
    assert again.shape == y.shape
    assert tuple((states[0] if isinstance(states, tuple) else states).shape) == (4, 1, 4)


@pytest.mark.parametrize("cls", MODULES)
def test_packed_sequences_are_single_ones(cls):
    layer = cls(3, 4, 2, bidirectional=True).double()
    sequences = [nbnn.randn(n, 3, dtype=nbnn.float64) for n in (2, 5, 3)]
    packed = pack_sequence(sequences, enforce_sorted=False)
    y, state = layer(packed)
    padded, lengths = pad_packed_sequence(y, batch_first=True)
    assert lengths.tolist() == [2, 5, 3]
    for n, x in enumerate(sequences):
        alone, own = layer(x)
        np.testing.assert_allclose(padded[n, : len(x)].detach().numpy(), alone.detach().numpy(), rtol=1e-12, atol=1e-14)
        last, single = (s[0] if isinstance(s, tuple) else s for s in (state, own))
        np.testing.assert_allclose(last[:, n].detach().numpy(), single.detach().numpy(), rtol=1e-12, atol=1e-14)


def test_packed_gradient_reaches_the_sequences():
    layer = nn.LSTM(2, 3)
    x = nbnn.randn(4, 3, 2).requires_grad_()
    y, _ = layer(pack_padded_sequence(x, [4, 2, 1]))
    y.data.sum().backward()
    grad = x.grad.numpy()
    assert np.abs(grad[0]).min() > 0
    assert not grad[2:, 1].any() and not grad[1:, 2].any()


def test_dropout_between_layers():
    layer = nn.LSTM(3, 8, 2, dropout=0.5)
    x = nbnn.randn(4, 2, 3)
    nbnn.manual_seed(3)
    a, _ = layer(x)
    nbnn.manual_seed(3)
    b, _ = layer(x)
    c, _ = layer(x)
    engine.same_bits(a.detach().numpy(), b.detach().numpy(), "same seed")
    assert (a.detach().numpy() != c.detach().numpy()).any()
    layer.eval()
    engine.same_bits(layer(x)[0].detach().numpy(), layer(x)[0].detach().numpy(), "evaluation")
    with pytest.warns(UserWarning, match="LSTM: `dropout`"):
        nn.LSTM(3, 4, dropout=0.5)


def test_a_batch_of_none():
    layer = nn.LSTM(3, 4)
    y, (h, c) = layer(nbnn.ones(5, 0, 3).requires_grad_())
    assert tuple(y.shape) == (5, 0, 4) and tuple(h.shape) == tuple(c.shape) == (1, 0, 4)
    y.sum().backward()
    assert not layer.weight_hh_l0.grad.numpy().any()


def test_frozen_weights_pass_the_gradient_on():
    layer = nn.GRU(3, 4)
    for p in layer.parameters():
        p.requires_grad_(False)
    x = nbnn.randn(2, 2, 3).requires_grad_()
    layer(x)[0].sum().backward()
    assert x.grad is not None and layer.weight_ih_l0.grad is None


def test_third_gradients_are_refused():
    layer = nn.RNN(2, 2)
    x = nbnn.randn(2, 1, 2).requires_grad_()
    y, _ = layer(x)
    (g,) = nbnn.autograd.grad((y * y).sum(), x, create_graph=True)
    with pytest.raises(RuntimeError, match="higher order than the second"):
        nbnn.autograd.grad((g * g).sum(), x, create_graph=True)


@pytest.mark.parametrize(
    ("make", "error", "match"),
    [
        (lambda: nn.LSTM(3, 0), ValueError, "LSTM: `hidden_size` \\(=0\\) must be at least 1"),
        (lambda: nn.GRU(3, 4, 0), ValueError, "GRU: `num_layers`"),
        (lambda: nn.LSTM(3, 4, bias=1), TypeError, "LSTM: `bias` \\(=1\\) must be a bool"),
        (lambda: nn.GRU(3, 4, dropout=True), ValueError, "GRU: `dropout` \\(=True\\) must be a number"),
        (lambda: nn.LSTM(3, 4, proj_size=4), ValueError, "LSTM: `proj_size` \\(=4\\) must be less than"),
        (lambda: nn.RNN(3, 4, nonlinearity="cube"), ValueError, "RNN: `nonlinearity` \\(='cube'\\)"),
        (lambda: nn.RNNCell(3, 4, nonlinearity="cube"), ValueError, "RNNCell: `nonlinearity`"),
        (lambda: nn.RNNBase("QRNN", 3, 4), ValueError, "RNNBase: `mode` \\(='QRNN'\\) must be one of"),
        (lambda: nn.RNNBase("GRU", 3, 4, proj_size=2), ValueError, "`proj_size` \\(=2\\) is for LSTM only"),
        (lambda: nn.LSTM(3, 4)(nbnn.ones(3)), ValueError, "LSTM: `input` must have 3 axes"),
        (lambda: nn.LSTM(3, 4)([1.0]), TypeError, "LSTM: `input` must be a Tensor; got list"),
        (lambda: pack_padded_sequence(nbnn.ones(3, 2), [1, 2]), ValueError, "`lengths` must not grow unless"),
        (lambda: pack_padded_sequence(nbnn.ones(3, 2), [4, 2]), ValueError, "between 0 and the 3 steps"),
        (lambda: pack_padded_sequence(nbnn.ones(3, 2), [1, -1]), ValueError, "`lengths` must be between"),
        (lambda: pack_padded_sequence(nbnn.ones(3, 2), [1]), ValueError, "each of the 2 sequences; got 1"),
        (lambda: pack_padded_sequence(nbnn.ones(3, 2), [1.0, 2.0]), TypeError, "`lengths` must hold ints"),
        (lambda: pack_padded_sequence(nbnn.ones(3), [1]), ValueError, "at least 2 axes"),
        (lambda: pad_packed_sequence(nbnn.ones(3)), TypeError, "must be a PackedSequence"),
        (
            lambda: pad_packed_sequence(pack_sequence([nbnn.ones(3)]), total_length=2),
            ValueError,
            "`total_length` \\(=2",
        ),
        (lambda: pad_sequence([]), TypeError, "must be a list of Tensors"),
        (lambda: pad_sequence([nbnn.ones(2), nbnn.ones(2, 2)]), ValueError, "sequences\\[1\\] must have shape"),
        (lambda: pad_sequence([nbnn.ones(2)], padding_side="top"), ValueError, "`padding_side`"),
        (lambda: invert_permutation(nbnn.tensor([0, 0])), ValueError, "must hold 0 to 1 once"),
    ],
)
def test_modules_and_packing_refuse(make, error, match):
    with pytest.raises(error, match=match):
        make()


def test_padding_and_packing():
    xs = [nbnn.arange(6.0).reshape(3, 2), nbnn.ones(1, 2), nbnn.zeros(2, 2)]
    padded = pad_sequence(xs, batch_first=True, padding_value=9.0)
    assert padded[1].tolist() == [[1, 1], [9, 9], [9, 9]]
    assert pad_sequence(xs, padding_side="left")[:, 1].tolist() == [[0, 0], [0, 0], [1, 1]]
    for got, want in zip(unpad_sequence(padded, [3, 1, 2], batch_first=True), xs, strict=True):
        assert got.tolist() == want.tolist()
    packed = pack_sequence(xs, enforce_sorted=False)
    assert packed.batch_sizes.tolist() == [3, 2, 1]
    assert packed.sorted_indices.tolist() == [0, 2, 1]
    for got, want in zip(unpack_sequence(packed), xs, strict=True):
        assert got.tolist() == want.tolist()
    again, lengths = pad_packed_sequence(packed, padding_value=-1.0, total_length=4)
    assert tuple(again.shape) == (4, 3, 2) and lengths.tolist() == [3, 1, 2]
    assert again[3].tolist() == [[-1, -1]] * 3
    assert isinstance(packed.double(), PackedSequence) and packed.double().data.dtype is nbnn.float64
    assert not packed.cpu().is_cuda and packed.to(nbnn.float64).float().data.dtype is nbnn.float32


@pytest.mark.parity
@pytest.mark.parametrize("name", ["LSTM", "GRU", "RNN"])
def test_modules_are_torchs(name):
    torch = engine.load_torch()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for options in (
            {},
            {"num_layers": 2, "bidirectional": True, "dropout": 0.5},
            {"bias": False, "batch_first": True},
        ):
            ours, theirs = getattr(nn, name)(3, 4, **options), getattr(torch.nn, name)(3, 4, **options)
            assert repr(ours) == repr(theirs)
            state = {k: tuple(v.shape) for k, v in theirs.state_dict().items()}
            assert {k: tuple(v.shape) for k, v in ours.state_dict().items()} == state
            assert list(ours.state_dict()) == list(theirs.state_dict())
            bound = 0.5
            assert all(abs(float(v.detach().numpy().max())) <= bound for v in ours.parameters())
    cell = getattr(nn, name + "Cell")(3, 4, bias=False)
    theirs = getattr(torch.nn, name + "Cell")(3, 4, bias=False)
    assert repr(cell) == repr(theirs)
    assert list(cell.state_dict()) == list(theirs.state_dict())


@pytest.mark.parametrize("cls", MODULES)
def test_many_sequences_in_near_weights(cls):
    """16 sequences and more: the steps multiply by W too, and keep nothing where no gradient is asked for."""
    layer = cls(5, 19, bidirectional=True)
    exact = cls(5, 19, bidirectional=True).double()
    exact.load_state_dict(layer.state_dict())
    x = nbnn.randn(3, 17, 5)
    packed = pack_padded_sequence(x, nbnn.tensor([3] * 16 + [1]))
    own, wanted = x.clone().requires_grad_(), x.double().requires_grad_()
    y, _ = layer(own)
    y.sum().backward()
    exact(wanted)[0].sum().backward()
    np.testing.assert_allclose(own.grad.numpy(), wanted.grad.numpy(), rtol=1e-4, atol=1e-5)
    for given in (x, packed):
        kept = layer(given)[0]
        with nbnn.no_grad():
            free = layer(given)[0]
        pairs = (kept.data, free.data) if given is packed else (kept, free)
        engine.same_bits(*(t.detach().numpy() for t in pairs), "output without a gradient")
    single = layer(x[:, :1])[0]
    np.testing.assert_allclose(y[:, :1].detach().numpy(), single.detach().numpy(), rtol=1e-5, atol=1e-6)
