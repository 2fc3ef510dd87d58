"""Members without a shape, lazy Modules, and the Modules whose outputs are more than a function's."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest

import nbnn
import nbnn.nn as nn
from tests.engine import load_torch

LAZY = [
    ("LazyLinear", (3,), {}, (2, 5)),
    ("LazyConv1d", (4, 3), {"bias": False}, (2, 5, 7)),
    ("LazyConv2d", (4, 3), {"groups": 2, "padding": "same"}, (4, 7, 6)),
    ("LazyConv3d", (4, 2), {}, (1, 3, 3, 4, 5)),
    ("LazyConvTranspose1d", (4, 3, 2), {"output_padding": 1}, (2, 5, 7)),
    ("LazyConvTranspose2d", (4, 2), {"groups": 2}, (2, 4, 3, 3)),
    ("LazyConvTranspose3d", (2, 2), {}, (1, 3, 2, 2, 2)),
    ("LazyBatchNorm1d", (), {}, (4, 6)),
    ("LazyBatchNorm2d", (), {"affine": False}, (4, 3, 2, 2)),
    ("LazyBatchNorm3d", (), {"track_running_stats": False}, (4, 3, 2, 2, 2)),
    ("LazyInstanceNorm1d", (), {"bias": False}, (4, 3, 5)),
    ("LazyInstanceNorm2d", (), {}, (4, 3, 5, 2)),
    ("LazyInstanceNorm3d", (), {}, (2, 3, 5, 2, 2)),
]
LABELS = [case[0] for case in LAZY]


def inputs(shape):
    return np.random.default_rng(0).normal(size=shape).astype(np.float32)


@pytest.mark.parametrize(("name", "args", "kwargs", "shape"), LAZY, ids=LABELS)
def test_first_call(name, args, kwargs, shape):
    layer = getattr(nn, name)(*args, **kwargs)
    parameters, x = dict(layer.named_parameters()), nbnn.tensor(inputs(shape))
    seen = []
    layer.register_forward_pre_hook(lambda module, args: seen.append(type(module).__name__))
    assert layer(x).shape[0] == shape[0]
    assert seen == [type(layer).__name__] == [name.removeprefix("Lazy")]  # hooks see the ordinary module
    assert type(layer) is getattr(nn, name.removeprefix("Lazy"))
    for key, parameter in layer.named_parameters():
        assert parameter is parameters[key] and type(parameter) is nn.Parameter


@pytest.mark.parametrize(("name", "args", "kwargs", "shape"), LAZY, ids=LABELS)
def test_copies_and_states_before_the_first_call(name, args, kwargs, shape):
    layer, x = getattr(nn, name)(*args, **kwargs).double(), nbnn.tensor(inputs(shape)).double()
    twin = pickle.loads(pickle.dumps(copy.deepcopy(layer)))
    twin.load_state_dict(layer.state_dict())
    assert repr(twin) == repr(layer)
    wanted = layer(x)
    twin.load_state_dict(layer.state_dict())
    assert type(twin).__name__ == name
    again = getattr(nn, name)(*args, **kwargs)
    again.load_state_dict(layer.state_dict(), assign=True)
    if "BatchNorm" not in name:
        for other in (twin, again):
            np.testing.assert_array_equal(other.eval()(x).detach().numpy(), layer.eval()(x).detach().numpy())
    assert wanted.dtype is nbnn.float64
    if layer.state_dict():
        with pytest.raises(RuntimeError, match="no shape yet in the state_dict"):
            layer.load_state_dict(getattr(nn, name)(*args, **kwargs).state_dict())


@pytest.mark.parity
@pytest.mark.parametrize(("name", "args", "kwargs", "shape"), LAZY, ids=LABELS)
def test_is_torchs_twin(name, args, kwargs, shape):
    torch = load_torch()
    ours, theirs = getattr(nn, name)(*args, **kwargs), getattr(torch.nn, name)(*args, **kwargs)
    assert repr(ours) == repr(theirs) and list(ours.state_dict()) == list(theirs.state_dict())
    assert repr(next(iter(ours.state_dict().values()), None)) == repr(next(iter(theirs.state_dict().values()), None))
    x = inputs(shape)
    theirs(torch.tensor(x))
    ours.load_state_dict(theirs.state_dict())
    np.testing.assert_allclose(
        ours.eval()(nbnn.tensor(x)).detach().numpy(), theirs.eval()(torch.tensor(x)).detach().numpy(), atol=2e-5
    )
    assert repr(ours) == repr(theirs)


def test_refusals():
    layer = nn.LazyLinear(3)
    for use in (lambda w: w.shape, lambda w: w + 1, lambda w: w.numel()):
        with pytest.raises(RuntimeError, match="it has no shape and no values yet"):
            use(layer.weight)
    assert "not yet of a shape" in layer._repr_html_()
    with pytest.raises(ValueError, match="LazyLinear: `input` must have at least 1 axis"):
        layer(nbnn.tensor(1.0))
    with pytest.raises(ValueError, match="LazyConv2d: `input` must have 3 or 4 axes"):
        nn.LazyConv2d(3, 2)(nbnn.ones(2, 2))
    with pytest.raises(ValueError, match="channels of `input` .=3. must be divisible by `groups`"):
        nn.LazyConv1d(4, 2, groups=2)(nbnn.ones(1, 3, 4))
    with pytest.raises(ValueError, match="LazyBatchNorm2d: `input` must have shape"):
        nn.LazyBatchNorm2d()(nbnn.ones(2, 3))
    layer.load_state_dict(nn.Linear(5, 3).state_dict())
    with pytest.raises(ValueError, match=r"`weight` was loaded with shape \(3, 5\); an input with 4 needs \(3, 4\)"):
        layer(nbnn.ones(2, 4))
    with pytest.raises(TypeError, match="Unflatten: `unflattened_size`"):
        nn.Unflatten(1, 3)
    with pytest.raises(ValueError, match="SyncBatchNorm: `input` must have shape"):
        nn.SyncBatchNorm(3)(nbnn.ones(3))


def test_a_partial_load_keeps_what_it_loaded():
    layer, full = nn.LazyLinear(3), nn.Linear(5, 3)
    layer.load_state_dict({"weight": full.weight}, strict=False)
    layer(nbnn.ones(5))
    assert nbnn.equal(layer.weight, full.weight) and layer.bias.shape == (3,)


def test_buffers():
    module = nn.Module()
    module.a, module.b = nn.Buffer(nbnn.ones(2)), nn.Buffer(nbnn.ones(2), persistent=False)
    assert list(module.state_dict()) == ["a"] and [n for n, _ in module.named_buffers()] == ["a", "b"]
    assert copy.deepcopy(module).b.persistent is False and pickle.loads(pickle.dumps(module.b)).persistent is False
    assert module.compile() is None


def test_conversion_shares_the_members():
    model = nn.Sequential(nn.BatchNorm1d(3), nn.Sequential(nn.BatchNorm2d(2), nn.ReLU())).eval()
    weight, mean = model[0].weight, model[0].running_mean
    made = nn.SyncBatchNorm.convert_sync_batchnorm(model)
    assert made is model and type(made[1][0]) is nn.SyncBatchNorm and not made[0].training
    assert made[0].weight is weight and made[0].running_mean is mean


@pytest.mark.parity
def test_adaptive_softmax():
    torch = load_torch()
    theirs = torch.nn.AdaptiveLogSoftmaxWithLoss(16, 20, [4, 10], div_value=2.0, head_bias=True)
    ours = nn.AdaptiveLogSoftmaxWithLoss(16, 20, [4, 10], div_value=2.0, head_bias=True)
    assert repr(ours) == repr(theirs) and list(ours.state_dict()) == list(theirs.state_dict())
    ours.load_state_dict(theirs.state_dict())
    x = inputs((7, 16)) * 3
    for target in ([0, 3, 5, 9, 10, 19, 19], [1, 1, 2, 0, 0, 3, 3]):
        sides = []
        for library, layer in ((nbnn, ours), (torch, theirs)):
            layer.zero_grad()
            out = layer(library.tensor(x), library.tensor(target))
            out.loss.backward()
            grads = [0.0 if p.grad is None else p.grad.numpy() for p in layer.parameters()]
            sides.append([out.output.detach().numpy(), out.loss.detach().numpy(), *grads])
            sides[-1] += [layer.log_prob(library.tensor(x)).detach().numpy(), layer.predict(library.tensor(x)).numpy()]
        for a, b in zip(*sides, strict=True):
            np.testing.assert_allclose(a, b, atol=1e-5)
    output, loss = ours(nbnn.tensor(x[0]), nbnn.tensor(12))
    assert output.shape == () and output.item() == -loss.item()


def test_the_classes_of_a_cluster_without_features_are_equally_probable():
    layer = nn.AdaptiveLogSoftmaxWithLoss(8, 20, [4, 10])  # 8 // 16 features for the classes from 10 on
    assert layer.tail[1][0].weight.shape == (0, 8)
    log_prob = layer.log_prob(nbnn.randn(3, 8))
    np.testing.assert_allclose(log_prob.exp().sum(1).tolist(), [1, 1, 1], rtol=1e-6)
    assert (log_prob[:, 10:] == log_prob[:, 10:11]).all()
    layer(nbnn.randn(3, 8), nbnn.tensor([0, 12, 19])).loss.backward()


def test_adaptive_softmax_refuses():
    for cutoffs in ([], [4, 4], [5, 4], [0], [20]):
        with pytest.raises(ValueError, match="`cutoffs`"):
            nn.AdaptiveLogSoftmaxWithLoss(16, 20, cutoffs)
    for div_value in (0.0, -2.0, float("nan")):
        with pytest.raises(ValueError, match="AdaptiveLogSoftmaxWithLoss: `div_value`"):
            nn.AdaptiveLogSoftmaxWithLoss(8, 20, [4, 10], div_value)
    layer = nn.AdaptiveLogSoftmaxWithLoss(16, 20, [4])
    with pytest.raises(IndexError, match=r"`target`\[1\] \(=20\)"):
        layer(nbnn.ones(2, 16), nbnn.tensor([0, 20]))
    with pytest.raises(ValueError, match="`target` must have shape"):
        layer(nbnn.ones(2, 16), nbnn.tensor([0]))
    with pytest.raises(ValueError, match="`input` must have shape"):
        layer.predict(nbnn.ones(16))


@pytest.mark.parity
@pytest.mark.parametrize("chunk", [None, 2])
@pytest.mark.parametrize(
    "kwargs",
    [{}, {"bias": True, "label_smoothing": 0.1, "weight": True}, {"ignore_index": 2, "reduction": "sum"},
     {"out_features": (2,), "bias": True}, {"reduction": "none"}, {"ignore_index": 1, "weight": True}],
    ids=str,
)  # fmt: skip
def test_linear_cross_entropy(kwargs, chunk):
    torch = load_torch()
    sides, state = [], None
    x, target = inputs((5, 4)), np.random.default_rng(1).integers(0, 3, (5, *kwargs.get("out_features", ())))
    for library in (torch, nbnn):
        given = {**kwargs, "weight": library.tensor([1.0, 2.0, 0.5])} if "weight" in kwargs else dict(kwargs)
        if chunk and library is nbnn:
            given["options"] = nn.LinearCrossEntropyOptions(batch_chunk_size=chunk)
        layer = library.nn.LinearCrossEntropyLoss(4, 3, **given)
        state = state or layer.state_dict()
        layer.load_state_dict(state)
        inputs_ = library.tensor(x, requires_grad=True)
        out = layer(inputs_, library.tensor(target))
        out.sum().backward()
        sides.append([out.detach().numpy(), inputs_.grad.numpy(), *(p.grad.numpy() for p in layer.parameters())])
    for a, b in zip(*sides, strict=True):
        np.testing.assert_allclose(b, a, atol=2e-6)


def test_options_refuse():
    for bad, match in (({"acc_policy": "x"}, "acc_policy"), ({"chunking_method": "x"}, "chunking_method"),
                       ({"batch_chunk_size": 0}, "batch_chunk_size"),
                       ({"acc_dtype": nbnn.int64}, "acc_dtype")):  # fmt: skip
        with pytest.raises(ValueError, match=match):
            nn.LinearCrossEntropyOptions(**bad)
    loss = nn.LinearCrossEntropyLoss(4, 3, options=nn.LinearCrossEntropyOptions(batch_chunk_size=2))
    x = nbnn.ones(5, 4).requires_grad_()
    first = nbnn.autograd.grad(loss(x, nbnn.zeros(5, dtype=nbnn.int64)), x, create_graph=True)[0]
    with pytest.raises(RuntimeError, match="does not require a gradient"):
        first.sum().backward()
