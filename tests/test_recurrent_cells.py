"""`nn.RNN(cell=...)`: layers of nbnn's cells and of one's own."""

import copy
import pickle

import numpy as np
import pytest

import nbnn
import nbnn.nn as nn
from nbnn.kernels._cpu import over_elements
from nbnn.nn.utils.rnn import pack_sequence, unpack_sequence
from nbnn.op import Op, apply
from tests import engine


class LayerNormLSTMCell(nn.Module):
    """An LSTM whose gates and cell state are layer-normalised."""

    def __init__(self, input_size, hidden_size, dtype=None):
        super().__init__()
        self.hidden_size = hidden_size
        self.by_x = nn.Linear(input_size, 4 * hidden_size, bias=False, dtype=dtype)
        self.by_h = nn.Linear(hidden_size, 4 * hidden_size, bias=False, dtype=dtype)
        self.norm_x = nn.LayerNorm(4 * hidden_size, dtype=dtype)
        self.norm_h = nn.LayerNorm(4 * hidden_size, dtype=dtype)
        self.norm_c = nn.LayerNorm(hidden_size, dtype=dtype)

    def forward(self, x, state):
        if state is None:
            h = c = nbnn.zeros(len(x), self.hidden_size, dtype=x.dtype)
        else:
            h, c = state
        gates = self.norm_x(self.by_x(x)) + self.norm_h(self.by_h(h))
        i, f, g, o = gates.chunk(4, 1)
        c = f.sigmoid() * c + i.sigmoid() * g.tanh()
        return o.sigmoid() * self.norm_c(c).tanh(), c


class VariationalCell(nn.Module):
    """A GRU cell that drops the same elements of h at each step: the mask is drawn once and travels with the state."""

    def __init__(self, input_size, hidden_size, p=0.5):
        super().__init__()
        self.cell, self.p = nn.GRUCell(input_size, hidden_size), p

    def forward(self, x, state):
        if state is None:
            ones = nbnn.ones(len(x), self.cell.hidden_size, dtype=x.dtype)
            state = ones * 0, nn.functional.dropout(ones, self.p, self.training)
        h, mask = state
        return self.cell(x, h) * mask, mask


@over_elements(3)
def blend(gate, new, old):
    return gate * new + (type(gate)(1) - gate) * old


@over_elements(3)
def blend_by_gate(grad, new, old):
    return grad * (new - old)


@over_elements(2)
def scaled(grad, gate):
    return grad * gate


@over_elements(2)
def scaled_by_rest(grad, gate):
    return grad * (type(gate)(1) - gate)


BY_GATE, SCALED, BY_REST = Op("by_gate", blend_by_gate), Op("scaled", scaled), Op("by_rest", scaled_by_rest)


def _blend_grad(node, grad):
    gate, new, old = node.saved
    return apply(BY_GATE, grad, new, old), apply(SCALED, grad, gate), apply(BY_REST, grad, gate)


BLEND = Op("blend", blend, saves_inputs=(0, 1, 2), grad=_blend_grad)


class MinimalCell(nn.Module):
    """A minimal gated unit whose state is made by compiled bodies of its own."""

    def __init__(self, input_size, hidden_size):
        super().__init__()
        self.gate, self.new = (nn.Linear(input_size + hidden_size, hidden_size) for _ in range(2))

    def forward(self, x, h):
        h = nbnn.zeros(len(x), self.gate.out_features, dtype=x.dtype) if h is None else h
        gate = self.gate(nbnn.cat([x, h], 1)).sigmoid()
        return apply(BLEND, gate, self.new(nbnn.cat([x, gate * h], 1)).tanh(), h)


CELLS = {"LSTMCell": nn.LSTM, "GRUCell": nn.GRU, "RNNCell": nn.RNN}
OPTIONS = [
    {},
    {"num_layers": 2, "bidirectional": True},
    {"num_layers": 2, "batch_first": True, "bias": False},
]


def tuple_of(states):
    return states if isinstance(states, tuple) else (states,)


def same(a, b):
    np.testing.assert_allclose(a.detach().numpy(), b.detach().numpy(), rtol=1e-11, atol=1e-13)


@pytest.mark.parametrize("options", OPTIONS, ids=str)
@pytest.mark.parametrize("name", CELLS)
def test_layers_of_a_cell_are_the_layer(name, options):
    wanted = CELLS[name](3, 4, **options).double()
    layer = nn.RNN(3, 4, **options, cell=getattr(nn, name)).double()
    assert len(layer.cells) == len(wanted.all_weights)
    for cell, weights in zip(layer.cells, wanted.all_weights, strict=True):
        for p, w in zip(cell.parameters(), weights, strict=True):
            p.data.copy_(w.data)
    x = nbnn.randn(5, 4, 3, dtype=nbnn.float64)
    sequences = [nbnn.randn(n, 3, dtype=nbnn.float64) for n in (2, 0, 4)]
    for given in (x, x[0]):
        y, states = layer(given)
        expected, last = wanted(given)
        for a, b in zip((y, *tuple_of(states)), (expected, *tuple_of(last)), strict=True):
            same(a, b)
        for a, b in zip((y, *tuple_of(layer(given, states)[1])), (y, *tuple_of(wanted(given, last)[1])), strict=True):
            same(a, b)
    packed, states = layer(pack_sequence(sequences, enforce_sorted=False))
    expected, last = wanted(pack_sequence(sequences, enforce_sorted=False))
    for a, b in zip(unpack_sequence(packed), unpack_sequence(expected), strict=True):
        same(a, b)
    for a, b in zip(tuple_of(states), tuple_of(last), strict=True):
        same(a, b)
    given = x.requires_grad_()
    found = nbnn.autograd.grad((layer(given)[0] ** 2).sum(), given)
    same(found[0], nbnn.autograd.grad((wanted(given)[0] ** 2).sum(), given)[0])


@pytest.mark.parametrize("cell", [LayerNormLSTMCell, MinimalCell, VariationalCell])
def test_gradients(cell):
    nbnn.manual_seed(2)
    layer = nn.RNN(2, 3, 2, bidirectional=True, cell=cell).double().eval()
    x = nbnn.randn(3, 2, 2, dtype=nbnn.float64).requires_grad_()
    weights = [p.detach().requires_grad_() for p in layer.parameters()]
    names = [name for name, _ in layer.named_parameters()]

    def run(x, *values):
        for name, value in zip(names, values, strict=True):
            module, _, last = name.rpartition(".")
            layer.get_submodule(module).__dict__[last] = value
        output, states = layer(x, lengths=[3, 1])
        return output, tuple_of(states)[0]

    assert nbnn.autograd.gradcheck(run, (x, *weights))


def test_layer_normalised_lstm_by_hand():
    nbnn.manual_seed(0)
    layer = nn.RNN(3, 4, cell=LayerNormLSTMCell).double()
    x = nbnn.randn(5, 2, 3, dtype=nbnn.float64)
    output, (h, c) = layer(x)
    by_x, by_h = (p.detach().numpy() for p in (layer.cells[0].by_x.weight, layer.cells[0].by_h.weight))

    def norm(v):
        return (v - v.mean(1, keepdims=True)) / np.sqrt(v.var(1, keepdims=True) + 1e-5)

    def logistic(v):
        return 1 / (1 + np.exp(-v))

    a, b = np.zeros((2, 4)), np.zeros((2, 4))
    for t in range(5):
        i, f, g, o = np.split(norm(x[t].numpy() @ by_x.T) + norm(a @ by_h.T), 4, 1)
        b = logistic(f) * b + logistic(i) * np.tanh(g)
        a = logistic(o) * np.tanh(norm(b))
        np.testing.assert_allclose(output[t].detach().numpy(), a, rtol=1e-10)
    np.testing.assert_allclose(h[0].detach().numpy(), a, rtol=1e-10)
    np.testing.assert_allclose(c[0].detach().numpy(), b, rtol=1e-10)


def test_variational_dropout():
    """pytorch/pytorch#37731: one mask for all steps of a sequence."""
    layer = nn.RNN(3, 16, cell=VariationalCell)
    x = nbnn.randn(6, 4, 3)
    output, (_, mask) = layer(x, lengths=[6, 3, 1, 6])
    dropped = mask[0].detach().numpy() == 0
    assert dropped.any() and not dropped.all()
    for n, length in enumerate((6, 3, 1, 6)):
        zero = output[:length, n].detach().numpy() == 0
        np.testing.assert_array_equal(zero, np.broadcast_to(dropped[n], zero.shape))
    layer.eval()
    engine.same_bits(layer(x)[0].detach().numpy(), layer(x)[0].detach().numpy(), "evaluation")


def test_it_is_an_ordinary_module():
    layer = nn.RNN(3, 4, 2, bidirectional=True, dropout=0.25, dtype=nbnn.float64, cell=LayerNormLSTMCell)
    assert [c.by_x.in_features for c in layer.cells] == [3, 3, 8, 8]
    assert layer.cells[0].by_x.weight.dtype is nbnn.float64
    assert repr(layer).startswith(
        "RNN(\n  3, 4, num_layers=2, dropout=0.25, bidirectional=True\n  (cells): ModuleList("
    )
    x = nbnn.randn(4, 2, 3, dtype=nbnn.float64)
    for twin in (copy.deepcopy(layer), pickle.loads(pickle.dumps(layer))):
        engine.same_bits(twin.eval()(x)[0].detach().numpy(), layer.eval()(x)[0].detach().numpy(), "copy")
    other = nn.RNN(3, 4, 2, bidirectional=True, dropout=0.25, dtype=nbnn.float64, cell=LayerNormLSTMCell)
    other.load_state_dict(layer.state_dict())
    engine.same_bits(other.eval()(x)[0].detach().numpy(), layer(x)[0].detach().numpy(), "state_dict")
    layer.train()
    nbnn.manual_seed(5)
    first = layer(x)[0].detach().numpy()
    assert (first != layer(x)[0].detach().numpy()).any()
    relu = nn.RNN(3, 4, nonlinearity="relu", bias=False, cell=nn.RNNCell)
    assert relu.cells[0].nonlinearity == "relu" and relu.cells[0].bias_ih is None
    before = relu.cells[0].weight_hh.detach().numpy().copy()
    relu.reset_parameters()
    assert (relu.cells[0].weight_hh.detach().numpy() != before).any()
    layer.reset_parameters()  # its cells have no such method, their layers keep what they have
    assert tuple(relu(nbnn.ones(5, 0, 3))[0].shape) == (5, 0, 4)


class Compiled:
    """Stands for what `numba.njit` returns, without a compile; the example of RNN runs the real one."""

    def __init__(self, function):
        self.py_func = function

    def __call__(self, *arrays):
        assert all(type(a) is np.ndarray and a.flags.c_contiguous for a in arrays)
        return self.py_func(*arrays)


@Compiled
def plain(x, h, w, u, b, d):
    return np.tanh(x @ w.T + b + h @ u.T + d)


@Compiled
def plain_backward(grad, y, x, h, w, u, b, d):
    g = grad * (1 - y**2)
    return g @ w, g @ u, g.T @ x, g.T @ h, g.sum(0), g.sum(0)


def test_a_compiled_function_is_a_cell():
    options = {"num_layers": 2, "bidirectional": True, "dtype": nbnn.float64}
    wanted, layer = nn.RNN(3, 4, **options), nn.RNN(3, 4, **options, cell=(plain, plain_backward))
    for cell, weights in zip(layer.cells, wanted.all_weights, strict=True):
        assert list(dict(cell.named_parameters())) == ["weight_ih", "weight_hh", "bias_ih", "bias_hh"]
        for p, w in zip(cell.parameters(), weights, strict=True):
            p.detach().copy_(w.detach())
    x, hx = nbnn.randn(3, 5, 3, dtype=nbnn.float64).transpose(0, 1), nbnn.randn(4, 3, 4, dtype=nbnn.float64)
    for net in (wanted, layer):
        y, h = net(x, hx, lengths=[5, 0, 3])
        (y.square().sum() + h.sum()).backward()
    np.testing.assert_allclose(y.detach().numpy(), wanted(x, hx, lengths=[5, 0, 3])[0].detach().numpy(), rtol=1e-12)
    theirs = [w.grad for weights in wanted.all_weights for w in weights]
    for p, w in zip(layer.parameters(), theirs, strict=True):
        np.testing.assert_allclose(p.grad.numpy(), w.numpy(), rtol=1e-9, atol=1e-12)
    assert "2 x plain(3, 4)" in repr(layer)


def test_compiled_functions_of_which_too_little_is_known():
    x = nbnn.ones(2, 1, 3)
    forward_only = nn.RNN(3, 4, cell=plain)
    with nbnn.no_grad():
        assert forward_only(x)[0].shape == (2, 1, 4)
    with pytest.raises(RuntimeError, match=r"RNN: this `cell` has no gradient; pass cell=\(forward, backward\)"):
        forward_only(x)[0].sum().backward()
    y, _ = nn.RNN(3, 4, cell=(plain, plain_backward))(x.requires_grad_())
    (grad,) = nbnn.autograd.grad(y.sum(), x, create_graph=True)
    with pytest.raises(RuntimeError):
        grad.sum().backward()
    for result, got in [
        (lambda *a: a[0], r"shape \(1, 4\); got \(1, 3\)"),
        (lambda *a: 1.0, r"shape \(1, 4\); got float"),
    ]:
        with pytest.raises(ValueError, match="RNN: `cell`'s forward must return an array of real numbers of " + got):
            nn.RNN(3, 4, cell=Compiled(result))(x)
    with pytest.raises(ValueError, match="backward must return a tuple of 6 gradients; got 1"):
        nn.RNN(3, 4, cell=(plain, Compiled(lambda *a: 1)))(x)[0].sum().backward()
    with pytest.raises(TypeError, match="or one or two functions compiled by numba.njit; got"):
        nn.RNN(3, 4, cell=(plain, len))


class Wrong(nn.Module):
    """A cell that returns something else."""

    def __init__(self, input_size, hidden_size, result):
        super().__init__()
        self.result = result

    def forward(self, x, state):
        return self.result(x)


def wrong(result):
    return nn.RNN(3, 4, cell=lambda i, h: Wrong(i, h, result))


@pytest.mark.parametrize(
    ("make", "error", "match"),
    [
        (lambda: nn.RNN(3, 4, cell=nn.LSTMCell(3, 4)), TypeError, "RNN: `cell` must be a class or function"),
        (lambda: nn.RNN(3, 4, cell="LSTM"), TypeError, "RNN: `cell` must be a class or function"),
        (lambda: nn.RNN(3, 4, cell=lambda i, h: None), TypeError, "`cell` must make a Module; got NoneType"),
        (lambda: nn.RNN(3, 0, cell=nn.LSTMCell), ValueError, "RNN: `hidden_size` \\(=0\\)"),
        (lambda: wrong(lambda x: 1.0)(nbnn.ones(2, 1, 3)), ValueError, "`cell` must return a state.*returned float"),
        (lambda: wrong(lambda x: nbnn.ones(3))(nbnn.ones(2, 1, 3)), ValueError, "one row for each of 1 inputs"),
        (lambda: wrong(lambda x: ())(nbnn.ones(2, 1, 3)), ValueError, "as many states as it gets"),
        (
            lambda: nn.RNN(3, 4, cell=nn.GRUCell)(nbnn.ones(2, 1, 3), nbnn.ones(1, 2, 4)),
            ValueError,
            "RNN: `hx` must have shape \\(1, 1, '...'\\)",
        ),
        (lambda: nn.RNN(3, 4, cell=nn.GRUCell)(nbnn.ones(2, 1, 5)), ValueError, "RNN: the last size of `input`"),
        (lambda: nn.RNN(3, 4, cell=nn.GRUCell)(nbnn.ones(0, 1, 3)), ValueError, "at least one step"),
    ],
)
def test_refuses(make, error, match):
    with pytest.raises(error, match=match):
        make()
