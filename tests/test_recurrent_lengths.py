"""Recurrent layers with `lengths`: each sequence as if it were alone, empty ones too, and packed ones alike."""

import warnings

import numpy as np
import pytest

import nbnn
import nbnn.nn as nn
from nbnn.nn.utils.rnn import pack_padded_sequence, pack_sequence, pad_packed_sequence, unpack_sequence
from tests import engine

LENGTHS = [3, 0, 5, 2]
LAYERS = [
    (nn.LSTM, {"num_layers": 2, "bidirectional": True}),
    (nn.LSTM, {"proj_size": 2, "bidirectional": True, "batch_first": True}),
    (nn.GRU, {"bidirectional": True, "bias": False}),
    (nn.RNN, {"num_layers": 2, "batch_first": True}),
    (nn.RNN, {"num_layers": 2, "bidirectional": True, "cell": nn.LSTMCell}),
    (nn.RNN, {"batch_first": True, "bidirectional": True, "cell": nn.GRUCell}),
]


def _id(value):
    if isinstance(value, dict):
        return "-".join(getattr(v, "__name__", k) for k, v in value.items())
    return getattr(value, "__name__", None)


def states_of(layer, count):
    """Random first states, and those of a sequence alone."""
    single = layer(nbnn.ones(1, layer.input_size, dtype=nbnn.float64))[1]
    parts = single if isinstance(single, tuple) else (single,)
    given = [nbnn.randn(s.shape[0], count, *s.shape[1:], dtype=nbnn.float64).requires_grad_() for s in parts]
    return given, (lambda each: tuple(each) if isinstance(single, tuple) else each[0])


def tuple_of(states):
    return states if isinstance(states, tuple) else (states,)


def loss_of(output, states):
    return sum((t * t * (k + 1)).sum() for k, t in enumerate((output, *tuple_of(states))))


@pytest.mark.parametrize("with_states", [False, True], ids=["zeros", "hx"])
@pytest.mark.parametrize(("cls", "options"), LAYERS, ids=_id)
def test_each_sequence_is_as_if_alone(cls, options, with_states):
    nbnn.manual_seed(0)
    layer = cls(3, 4, **options).double()
    first = 1 if layer.batch_first else 0
    x = nbnn.randn(4, 6, 3, dtype=nbnn.float64).requires_grad_()
    padded = x if first else x.transpose(0, 1)
    given, joined = states_of(layer, 4)
    hx = joined(given) if with_states else None
    output, states = layer(padded, hx, lengths=LENGTHS)
    loss_of(output, states).backward()
    leaves = [x, *(given if with_states else []), *layer.parameters()]
    found = [t.grad for t in leaves]
    for t in leaves:
        t.grad = None
    rows = output if first else output.transpose(0, 1)
    assert tuple(rows.shape[:2]) == (4, 6)
    total = 0
    for n, length in enumerate(LENGTHS):
        assert not rows[n, length:].detach().numpy().any()
        start = joined([g[:, n] for g in given]) if with_states else None
        last = [s[:, n] for s in tuple_of(states)]
        if length == 0:
            wanted = tuple_of(start) if with_states else [(t * 0).detach() for t in last]
            for a, b in zip(last, wanted, strict=True):
                engine.same_bits(a.detach().numpy(), b.detach().numpy(), "states of an empty sequence")
            total = total + sum((t * t * (k + 2)).sum() for k, t in enumerate(wanted))
            continue
        alone, own = layer(x[n, :length], start)
        for a, b in zip((rows[n, :length], *last), (alone, *tuple_of(own)), strict=True):
            np.testing.assert_allclose(a.detach().numpy(), b.detach().numpy(), rtol=1e-11, atol=1e-13)
        total = total + loss_of(alone, own)
    total.backward()
    for a, t in zip(found, leaves, strict=True):
        np.testing.assert_allclose(a.numpy(), t.grad.numpy(), rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize(("cls", "options"), LAYERS, ids=_id)
def test_lengths_are_what_packing_gives(cls, options):
    layer = cls(3, 4, **options)
    x = nbnn.randn(*((4, 6, 3) if layer.batch_first else (6, 4, 3)))
    output, states = layer(x, lengths=nbnn.tensor(LENGTHS))
    packed = pack_padded_sequence(x, LENGTHS, layer.batch_first, enforce_sorted=False)
    assert packed.data.shape[0] == sum(LENGTHS) and packed.batch_sizes.tolist() == [3, 3, 2, 1, 1]
    result, last = layer(packed)
    wanted, lengths = pad_packed_sequence(result, layer.batch_first, total_length=6)
    assert lengths.tolist() == LENGTHS
    for a, b in zip((output, *tuple_of(states)), (wanted, *tuple_of(last)), strict=True):
        engine.same_bits(a.detach().numpy(), b.detach().numpy(), "output")
    single, _ = layer(x[0] if layer.batch_first else x[:, 0], lengths=3)
    assert tuple(single.shape) == (6, output.shape[-1]) and not single[3:].detach().numpy().any()
    full, _ = layer(x, lengths=[6] * 4)
    engine.same_bits(full.detach().numpy(), layer(x)[0].detach().numpy(), "full lengths")


@pytest.mark.parametrize(("cls", "options"), LAYERS, ids=_id)
def test_nothing_but_empty_sequences(cls, options):
    layer = cls(3, 4, **options).double()
    given, joined = states_of(layer, 2)
    x = nbnn.randn(*((2, 3, 3) if layer.batch_first else (3, 2, 3)), dtype=nbnn.float64).requires_grad_()
    for hx in (None, joined(given)):
        output, states = layer(x, hx, lengths=[0, 0])
        assert tuple(output.shape)[:2] == tuple(x.shape[:2]) and not output.detach().numpy().any()
        for a, b in zip(tuple_of(states), given, strict=True):
            assert tuple(a.shape) == tuple(b.shape)
            np.testing.assert_array_equal(a.detach().numpy(), 0 if hx is None else b.detach().numpy())
    loss_of(output, states).backward()
    assert x.grad is None or not x.grad.numpy().any()
    nothing = x[:, :0] if layer.batch_first else x[:0]
    assert 0 in layer(nothing, lengths=[0, 0])[0].shape


def test_empty_sequences_are_packed_and_come_back():
    xs = [nbnn.ones(2, 3), nbnn.zeros(0, 3), nbnn.full((1, 3), 2.0), nbnn.zeros(0, 3)]
    packed = pack_sequence(xs, enforce_sorted=False)
    assert packed.batch_sizes.tolist() == [2, 1] and packed.sorted_indices.tolist() == [0, 2, 1, 3]
    for got, want in zip(unpack_sequence(packed), xs, strict=True):
        assert got.tolist() == want.tolist()
    ordered = pack_padded_sequence(nbnn.ones(3, 2), [2, 0])
    assert ordered.sorted_indices.tolist() == [0, 1] and ordered.batch_sizes.tolist() == [1, 1]
    none = pack_padded_sequence(nbnn.ones(3, 2), [0, 0])
    padded, lengths = pad_packed_sequence(none, total_length=2, padding_value=7.0)
    assert padded.tolist() == [[7.0, 7.0]] * 2 and lengths.tolist() == [0, 0]
    assert tuple(pad_packed_sequence(none)[0].shape) == (0, 2)
    assert pack_padded_sequence(nbnn.ones(3, 0), []).batch_sizes.tolist() == []


@pytest.mark.parity
@pytest.mark.parametrize("name", ["LSTM", "GRU", "RNN"])
def test_lengths_are_torchs_packing(name):
    torch = engine.load_torch()
    ours, theirs = (getattr(library.nn, name)(3, 4, 2, bidirectional=True) for library in (nbnn, torch))
    ours.load_state_dict(theirs.state_dict())
    x, lengths = np.random.default_rng(0).standard_normal((6, 4, 3)).astype(np.float32), [2, 5, 1, 4]
    a, b = nbnn.tensor(x).requires_grad_(), torch.tensor(x).requires_grad_()
    packing = torch.nn.utils.rnn
    wanted, last = theirs(packing.pack_padded_sequence(b, lengths, enforce_sorted=False))
    wanted, _ = packing.pad_packed_sequence(wanted, total_length=6)
    output, states = ours(a, lengths=lengths)
    for found, expected in zip((output, *tuple_of(states)), (wanted, *tuple_of(last)), strict=True):
        np.testing.assert_allclose(found.detach().numpy(), expected.detach().numpy(), rtol=1e-5, atol=1e-6)
    loss_of(output, states).backward()
    loss_of(wanted, last).backward()
    for p, q in zip((a, *ours.parameters()), (b, *theirs.parameters()), strict=True):
        np.testing.assert_allclose(p.grad.numpy(), q.grad.numpy(), rtol=1e-4, atol=1e-5)


def test_dropout_acts_on_what_is_there():
    layer = nn.LSTM(3, 8, 2, dropout=0.5)
    nbnn.manual_seed(1)
    output, _ = layer(nbnn.randn(4, 3, 3), lengths=[4, 1, 2])
    assert np.isfinite(output.detach().numpy()).all() and not output[1:, 1].detach().numpy().any()


@pytest.mark.parametrize(
    ("lengths", "error", "match"),
    [
        ([1, 2], ValueError, "LSTM: `lengths` must have one number for each of the 3 sequences; got 2"),
        ([1, 2, 6], ValueError, "LSTM: `lengths` must be between 0 and the 5 steps of `input`; got"),
        ([1, 2, -1], ValueError, "`lengths` must be between 0"),
        ([1, 2, -5570080269274466818], ValueError, "`lengths` must be between 0"),
        ([1, 2, 1 << 70], TypeError, "`lengths` must hold ints"),
        ([1.0, 2.0, 3.0], TypeError, "`lengths` must hold ints"),
        ([True, False, True], TypeError, "`lengths` must hold ints"),
        ("abc", TypeError, "`lengths` must hold ints"),
        (3, TypeError, "`lengths` must hold ints, one for each sequence; got 3"),
        ([[1, 2, 3]], TypeError, "`lengths` must hold ints"),
    ],
)
def test_refuses_lengths(lengths, error, match):
    with pytest.raises(error, match=match):
        nn.LSTM(2, 4)(nbnn.ones(5, 3, 2), lengths=lengths)


def test_refuses_states_and_packed_lengths():
    layer = nn.GRU(2, 4)
    with pytest.raises(ValueError, match="`hx` must have the states of 3 sequences on its axis 1; got shape"):
        layer(nbnn.ones(5, 3, 2), nbnn.zeros(1, 4, 4), lengths=[1, 2, 3])
    with pytest.raises(ValueError, match="GRU: `lengths` is for a padded `input`"):
        layer(pack_sequence([nbnn.ones(2, 2)]), lengths=[2])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        layer(nbnn.ones(5, 3, 2), lengths=np.array([1, 2, 3], np.int32))
