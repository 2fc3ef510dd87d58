"""What users of torch.nn reported for years, each as a test named by its number in pytorch/pytorch."""

import copy
import functools
import pickle
import sys

import numpy as np
import pytest

import nbnn
import nbnn.nn as nn
import nbnn.nn.functional as F
from nbnn.autograd import grad
from nbnn.nn.utils.rnn import pack_padded_sequence, pack_sequence, pad_packed_sequence, unpack_sequence

LAYERS = [nn.LSTM, nn.GRU, nn.RNN]
CELLS = [nn.LSTMCell, nn.GRUCell, nn.RNNCell]


def numbers(t):
    return t.detach().numpy()


def first(states):
    return states[0] if isinstance(states, tuple) else states


# -- recurrent layers ---------------------------------------------------------------------------------------------


def test_3584_sequences_are_sorted_inside():
    xs = [nbnn.randn(n, 3) for n in (2, 5, 1)]
    packed = pack_sequence(xs, enforce_sorted=False)
    for got, want in zip(unpack_sequence(packed), xs, strict=True):
        np.testing.assert_array_equal(got.numpy(), want.numpy())
    _, states = nn.GRU(3, 4)(packed)
    assert tuple(states.shape) == (1, 3, 4)


def test_8026_a_layer_takes_lengths_in_any_order():
    layer = nn.LSTM(3, 4)
    output, _ = layer(nbnn.randn(5, 3, 3), lengths=[2, 5, 1])
    assert [int((output[:, n].abs().sum(1) > 0).sum()) for n in range(3)] == [2, 5, 1]


def test_15567_and_23079_the_refusal_names_the_way_out():
    with pytest.raises(ValueError, match="`lengths` must not grow unless enforce_sorted=False; got"):
        pack_padded_sequence(nbnn.ones(5, 2, 3), [2, 5])


def test_33602_the_order_comes_back():
    packed = pack_padded_sequence(nbnn.arange(10.0).reshape(5, 2), [2, 5], enforce_sorted=False)
    assert packed.sorted_indices.tolist() == [1, 0] and packed.unsorted_indices.tolist() == [1, 0]
    padded, lengths = pad_packed_sequence(packed)
    assert lengths.tolist() == [2, 5] and padded[:, 0].tolist() == [0.0, 2.0, 0.0, 0.0, 0.0]


def test_11514_and_80605_empty_sequences():
    x = nbnn.tensor([[0.0, 0, 0, 0], [1, 2, 3, 0], [4, 5, 0, 0]])
    packed = pack_padded_sequence(x, [0, 3, 2], batch_first=True, enforce_sorted=False)
    assert packed.data.tolist() == [1, 4, 2, 5, 3] and packed.batch_sizes.tolist() == [2, 2, 1]
    padded, lengths = pad_packed_sequence(packed, batch_first=True, total_length=4)
    assert padded.tolist() == x.tolist() and lengths.tolist() == [0, 3, 2]


@pytest.mark.parametrize("cls", LAYERS)
def test_5878_15788_and_37965_gradients_in_evaluation(cls):
    layer = cls(3, 4, 2, dropout=0.5, bidirectional=True)
    x = nbnn.randn(5, 2, 3).requires_grad_()
    layer.eval()(x)[0].sum().backward()
    assert all(np.isfinite(numbers(p.grad)).all() and numbers(p.grad).any() for p in (x, *layer.parameters()))
    with_rate = [numbers(p.grad).copy() for p in layer.parameters()]
    layer.zero_grad()
    layer.dropout = 0.0
    layer.train()(x)[0].sum().backward()
    for p, wanted in zip(layer.parameters(), with_rate, strict=True):
        np.testing.assert_array_equal(numbers(p.grad), wanted)


@pytest.mark.parametrize(
    "make", [*LAYERS, functools.partial(nn.RNN, cell=nn.LSTMCell)], ids=["LSTM", "GRU", "RNN", "cell"]
)
def test_5261_25315_and_9229_double_backward(make):
    nbnn.manual_seed(0)
    layer = make(2, 3, 2, bidirectional=True).double()
    x = nbnn.randn(4, 3, 2, dtype=nbnn.float64).requires_grad_()
    lengths = [4, 0, 2]

    def slope(t):
        return grad((layer(t, lengths=lengths)[0] ** 2).sum(), t, create_graph=True)[0]

    v = nbnn.randn(4, 3, 2, dtype=nbnn.float64)
    (found,) = grad((slope(x) * v).sum(), x)
    step = 1e-5
    ahead, behind = (numbers(slope((x.detach() + v * s).requires_grad_())) for s in (step, -step))
    np.testing.assert_allclose(numbers(found), (ahead - behind) / (2 * step), rtol=1e-5, atol=1e-7)
    penalty = (slope(x).norm() - 1) ** 2
    penalty.backward()
    assert all(numbers(p.grad).any() for p in layer.parameters())


@pytest.mark.parametrize("cls", CELLS)
def test_20449_double_backward_of_a_cell(cls):
    cell = cls(2, 3).double()
    x = nbnn.randn(4, 2, dtype=nbnn.float64).requires_grad_()
    (slope,) = grad((first(cell(x)) ** 2).sum(), x, create_graph=True)
    (curve,) = grad((slope**2).sum(), x)
    assert np.isfinite(numbers(curve)).all() and numbers(curve).any()


@pytest.mark.parametrize("lengths", [None, [4, 1, 3, 2, 4]], ids=["full", "lengths"])
@pytest.mark.parametrize("cls", LAYERS)
def test_776_frozen_weights_pass_the_gradient_on(cls, lengths):
    layer = cls(2, 3, bidirectional=True)
    x = nbnn.ones(4, 5, 2).requires_grad_()
    layer(x, lengths=lengths)[0].sum().backward()
    wanted = numbers(x.grad).copy()
    x.grad = None
    layer.requires_grad_(False).zero_grad()
    layer(x, lengths=lengths)[0].sum().backward()
    np.testing.assert_array_equal(numbers(x.grad), wanted)
    assert all(p.grad is None for p in layer.parameters())


def test_777_gradients_add_up():
    layer = nn.LSTM(2, 3, bidirectional=True)
    output, _ = layer(nbnn.ones(4, 5, 2))
    output.sum().backward(retain_graph=True)
    once = [numbers(p.grad).copy() for p in layer.parameters()]
    output.sum().backward()
    for p, g in zip(layer.parameters(), once, strict=True):
        np.testing.assert_array_equal(numbers(p.grad), 2 * g)


def test_12167_and_7032_normalisation_inside_a_recurrent_layer():
    class Cell(nn.Module):
        def __init__(self, input_size, hidden_size):
            super().__init__()
            self.by_x = nn.Linear(input_size, hidden_size, bias=False)
            self.by_h = nn.Linear(hidden_size, hidden_size, bias=False)
            self.norm = nn.LayerNorm(hidden_size)

        def forward(self, x, h):
            return self.norm(self.by_x(x) if h is None else self.by_x(x) + self.by_h(h)).tanh()

    layer = nn.RNN(3, 4, 2, bidirectional=True, cell=Cell)
    output, h = layer(nbnn.randn(6, 2, 3), lengths=[6, 2])
    output.sum().backward()
    assert tuple(output.shape) == (6, 2, 8) and tuple(h.shape) == (4, 2, 4)
    assert all(numbers(p.grad).any() for p in layer.parameters())


# -- clipping -----------------------------------------------------------------------------------------------------


def gradients(*values):
    params = [nbnn.zeros(len(v)).requires_grad_() for v in values]
    for p, v in zip(params, values, strict=True):
        p.grad = nbnn.tensor(v)
    return params


def test_46849_squares_do_not_overflow():
    (p,) = gradients([1e20] * 100)
    assert nn.utils.clip_grad_norm_(p, 1.0).item() == pytest.approx(1e21, rel=1e-6)
    np.testing.assert_allclose(p.grad.numpy(), 0.1, rtol=1e-6)
    half = nbnn.zeros(100).half().requires_grad_()
    half.grad = nbnn.full((100,), 10000.0).half()
    assert nn.utils.clip_grad_norm_(half, 1.0).isinf()  # 1e5, which float16 does not hold
    np.testing.assert_allclose(half.grad.float().numpy(), 0.1, rtol=1e-3)


def test_53843_and_46849_the_error_names_the_parameters():
    params = gradients([1.0, 2.0], [np.nan, 1.0], [3.0], [np.inf])
    text = (
        r"clip_grad_norm_: the norm of order 2.0 is nan \(not finite: the gradient of `parameters`\[1\] of shape \(2,\)"
    )
    with pytest.raises(RuntimeError, match=text + r", the gradient of `parameters`\[3\] of shape \(1,\)\); error_if"):
        nn.utils.clip_grad_norm_(params, 1.0, error_if_nonfinite=True)
    np.testing.assert_array_equal(params[0].grad.numpy(), [1.0, 2.0])
    net = nn.Sequential(nn.Linear(2, 3), nn.Linear(3, 1))
    net(nbnn.ones(1, 2)).sum().backward()
    net[1].weight.grad[0, 1] = float("inf")
    with pytest.raises(RuntimeError, match=r"the gradient of '1.weight' of shape \(1, 3\)"):
        nn.utils.clip_grad_norm_(net.named_parameters(), 1.0, error_if_nonfinite=True)
    assert nn.utils.clip_grad_norm_(net.named_parameters(), 1.0).isinf()
    with pytest.raises(RuntimeError, match=r"get_total_norm: .*`tensors`\[1\] of shape \(2,\)"):
        nn.utils.get_total_norm([p.grad for p in gradients([1.0], [np.nan, 1.0])], error_if_nonfinite=True)
    (large,) = gradients([3e38, 3e38])
    assert nn.utils.clip_grad_norm_(large, 1.0, error_if_nonfinite=True).isinf()  # as float32; the gradient is right
    np.testing.assert_allclose(large.grad.numpy(), 0.5**0.5, rtol=1e-6)


@pytest.mark.parametrize("bad", [-1.0, -0.1, float("nan"), -float("inf")])
def test_31367_a_negative_norm_is_refused(bad):
    (p,) = gradients([3.0, 4.0])
    for clip in (
        lambda: nn.utils.clip_grad_norm_(p, bad),
        lambda: nn.utils.clip_grads_with_norm_(p, bad, nbnn.tensor(5.0)),
    ):
        with pytest.raises(ValueError, match=r"`max_norm` \(=.*\) must be at least 0"):
            clip()
    with pytest.raises(ValueError, match=r"clip_grad_value_: `clip_value` \(=.*\) must be at least 0"):
        nn.utils.clip_grad_value_(p, bad)
    assert p.grad.tolist() == [3.0, 4.0]
    nn.utils.clip_grad_norm_(p, 0.0)
    assert p.grad.tolist() == [0.0, 0.0]


# -- weight norm and spectral norm --------------------------------------------------------------------------------

U = nn.utils
COMPUTED = [U.weight_norm, U.spectral_norm, U.parametrizations.weight_norm, U.parametrizations.spectral_norm]


@pytest.mark.parametrize("computed", COMPUTED, ids=lambda f: f"{f.__module__.rpartition('.')[2]}.{f.__name__}")
def test_28594_and_102981_copies(computed):
    net = nn.Sequential(computed(nn.Linear(4, 3)), nn.Linear(3, 2))
    x = nbnn.randn(5, 4)
    net(x).sum().backward()  # torch's copies fail after a forward
    wanted = numbers(net.eval()(x))
    fresh = nn.Sequential(computed(nn.Linear(4, 3)), nn.Linear(3, 2)).eval()
    fresh.load_state_dict(net.state_dict())
    for twin in (copy.deepcopy(net), pickle.loads(pickle.dumps(net)), fresh):
        np.testing.assert_array_equal(numbers(twin(x)), wanted)
    twin = copy.deepcopy(net)
    with nbnn.no_grad():
        for p in twin[0].parameters():
            p.mul_(2.0)
    np.testing.assert_array_equal(numbers(net(x)), wanted)
    assert (numbers(twin(x)) != wanted).any()
    assert "weight" not in dict(net[0].named_buffers()) and "weight" not in net[0].state_dict()


@pytest.mark.parametrize("norm", COMPUTED[1::2], ids=["old", "new"])
def test_51800_spectral_norm_before_any_training_call(norm):
    nbnn.manual_seed(0)
    layer = norm(nn.Linear(64, 64)).eval()
    weight = numbers(layer.weight)
    assert 0.9 < np.linalg.norm(weight, 2) < 1.2
    x = nbnn.randn(10, 64)
    assert float(layer(x).norm()) < 2 * float(x.norm())


@pytest.mark.parametrize("norm", COMPUTED[1::2], ids=["old", "new"])
def test_12737_spectral_norm_in_evaluation_has_the_whole_gradient(norm):
    layer = norm(nn.Linear(3, 2)).double().eval()
    x = nbnn.randn(4, 3, dtype=nbnn.float64)
    original = next(p for name, p in layer.named_parameters() if "orig" in name)
    (found,) = grad((layer(x) ** 2).sum(), original)
    step, wanted = 1e-6, np.zeros((2, 3))
    for at in np.ndindex(2, 3):
        for sign in (1, -1):
            with nbnn.no_grad():
                original[at] += sign * step
                wanted[at] += sign * float((layer(x) ** 2).sum()) / (2 * step)
                original[at] -= sign * step
    np.testing.assert_allclose(numbers(found), wanted, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("norm", COMPUTED[1::2], ids=["old", "new"])
def test_8208_spectral_norm_in_evaluation_does_not_move(norm):
    layer = norm(nn.Linear(5, 4))
    x = nbnn.randn(3, 5)
    layer(x)
    loaded = norm(nn.Linear(5, 4)).eval()
    loaded.load_state_dict(layer.state_dict())
    outputs = [numbers(m(x)) for m in (layer.eval(), layer, loaded, loaded)]
    for other in outputs[1:]:
        np.testing.assert_array_equal(other, outputs[0])


@pytest.mark.parametrize("norm", COMPUTED[::2], ids=["old", "new"])
def test_30754_and_94759_the_weight_is_never_stale(norm):
    layer = norm(nn.Linear(3, 2, bias=False))
    lengths = next(p for p in layer.parameters() if p.numel() == 2)
    layer(nbnn.ones(1, 3))
    with nbnn.no_grad():
        lengths.zero_()
    assert not numbers(layer.weight).any()
    optimizer = nbnn.optim.SGD(layer.parameters(), lr=0.5)
    before = numbers(layer.weight).copy()
    layer(nbnn.ones(1, 3)).sum().backward()
    optimizer.step()
    assert (numbers(layer.weight) != before).any()
    layer.load_state_dict(norm(nn.Linear(3, 2, bias=False)).state_dict())
    np.testing.assert_allclose(numbers(layer(nbnn.ones(1, 3)))[0], numbers(layer.weight).sum(1), rtol=1e-5)


# -- Module -------------------------------------------------------------------------------------------------------


def test_8282_a_state_dict_is_never_broadcast():
    one, many = nn.Conv2d(64, 1, 3), nn.Conv2d(64, 32, 3)
    before = numbers(many.weight).copy()
    for strict in (True, False, "shapes"):
        with pytest.raises(
            RuntimeError, match=r"mismatched 'weight': the module has shape \(32, 64, 3, 3\), the state"
        ):
            many.load_state_dict(one.state_dict(), strict=strict)
    report = many.load_state_dict(one.state_dict(), strict="report")
    assert report.mismatched[0] == ("weight", (32, 64, 3, 3), (1, 64, 3, 3))
    np.testing.assert_array_equal(numbers(many.weight), before)
    scalar = nn.BatchNorm1d(3)
    with pytest.raises(RuntimeError, match=r"mismatched 'running_mean'"):
        scalar.load_state_dict({**scalar.state_dict(), "running_mean": nbnn.tensor(0.0)})


def test_40859_and_154597_a_new_head_on_an_old_body():
    old = nn.Sequential(nn.Linear(4, 8), nn.Linear(8, 3), nn.PReLU())
    new = nn.Sequential(nn.Linear(4, 8), nn.Linear(8, 5))
    head = numbers(new[1].weight).copy()
    report = new.load_state_dict(old.state_dict(), strict="report")
    assert not report.missing_keys and report.unexpected_keys == ["2.weight"]
    assert [m.key for m in report.mismatched] == ["1.weight", "1.bias"]
    assert (report.mismatched[1].expected, report.mismatched[1].got) == ((5,), (3,))
    np.testing.assert_array_equal(numbers(new[0].weight), numbers(old[0].weight))
    np.testing.assert_array_equal(numbers(new[1].weight), head)
    with pytest.raises(RuntimeError, match="nothing was changed"):
        new.load_state_dict(old.state_dict(), strict="shapes")
    part = new.load_state_dict({"0.bias": nbnn.zeros(8), "x": nbnn.zeros(1)}, strict="shapes")
    assert part.unexpected_keys == ["x"] and len(part.missing_keys) == 3 and not part.mismatched


def test_50431_a_module_adds_two_frames_to_its_function():
    layer, x = nn.Linear(3, 2), nbnn.ones(1, 3)

    def frames(call):
        found = []
        call()
        sys.setprofile(lambda frame, event, _: found.append(event == "call"))
        try:
            call()
        finally:
            sys.setprofile(None)
        return sum(found)

    assert frames(lambda: layer(x)) - frames(lambda: F.linear(x, layer.weight, layer.bias)) <= 2


def test_assigning_to_modules_that_are_shared_and_tied():
    """What was replaced first was freed, and its id came again: a later weight got the value of another."""
    tied = nn.Linear(3, 3)
    net = nn.Sequential(*[nn.Linear(2 + i, 3 + i) for i in range(9)], tied, nn.BatchNorm1d(3), tied)
    state = {key: value.double() for key, value in net.state_dict().items()}
    net.load_state_dict(state, assign=True)
    for key, value in net.state_dict().items():
        assert value.shape == state[key].shape and (value == state[key]).all(), key


def test_a_state_dict_without_the_count_of_batches_is_whole():
    norm = nn.BatchNorm1d(2)
    state = norm.state_dict()
    del state["num_batches_tracked"]
    assert not norm.load_state_dict(state).missing_keys
