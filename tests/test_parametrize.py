"""Computed attributes: parametrizations, weight and spectral norm in both spellings, pruning, fusion."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest

import nbnn
import nbnn.nn as nn
from nbnn.nn.utils import parametrize, prune
from tests.engine import load_torch


def by(path, *args, **kwargs):
    """``utils.path(module, *args)`` of either library."""

    def change(library, module):
        if path.startswith("prune"):
            __import__(f"{library.__name__}.nn.utils.prune")
        function = library.nn.utils
        for part in path.split("."):
            function = getattr(function, part)
        return function(module, *args, **kwargs)

    return change


CHANGES = {
    "weight_norm": by("weight_norm"),
    "weight_norm-1": by("weight_norm", dim=1),
    "weight_norm-None": by("weight_norm", dim=None),
    "spectral_norm": by("spectral_norm"),
    "new_weight_norm": by("parametrizations.weight_norm"),
    "new_spectral_norm": by("parametrizations.spectral_norm", n_power_iterations=3),
    "new_spectral_norm-bias": by("parametrizations.spectral_norm", "bias", dim=0),
    "l1_unstructured": by("prune.l1_unstructured", "weight", 5),
    "ln_structured": by("prune.ln_structured", "weight", 0.5, 1, 0),
}
ORTHOGONAL = {
    "orthogonal": by("parametrizations.orthogonal"),
    "cayley": by("parametrizations.orthogonal", orthogonal_map="cayley"),
    "exp": by("parametrizations.orthogonal", orthogonal_map="matrix_exp", use_trivialization=False),
    "reflections": by("parametrizations.orthogonal", orthogonal_map="householder", use_trivialization=False),
}
LAYERS = {"Linear": ((4, 4), (3, 4)), "Conv2d": ((3, 4, 3), (2, 3, 5, 5)), "ConvTranspose1d": ((3, 4, 2), (2, 3, 5))}
FLAT = {"square": ("Linear", (4, 4), (3, 4)), "wide": ("Linear", (6, 4), (3, 6)), "tall": ("Linear", (4, 6), (3, 4))}
CASES = [(n, c, layer, *LAYERS[layer]) for n, c in CHANGES.items() for layer in LAYERS]
CASES += [(f"{n}-{k}", c, *FLAT[k]) for n, c in ORTHOGONAL.items() for k in FLAT]
IDS = [f"{c[0]}-{c[2]}" for c in CASES]


@pytest.mark.parity
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("name", "change", "layer", "args", "shape"), CASES, ids=IDS)
def test_is_torchs_twin(name, change, layer, args, shape):
    torch = load_torch()
    ours, theirs = (change(library, getattr(library.nn, layer)(*args)) for library in (nbnn, torch))
    assert repr(ours) == repr(theirs) and list(ours.state_dict()) == list(theirs.state_dict())
    assert [n for n, _ in ours.named_parameters()] == [n for n, _ in theirs.named_parameters()]
    ours.load_state_dict(theirs.state_dict())
    x = np.random.default_rng(0).normal(size=shape).astype(np.float32)
    for training in (True, True, False):
        sides = []
        for library, module in ((nbnn, ours), (torch, theirs)):
            module.train(training).zero_grad()
            out = module(library.tensor(x))
            (out * out).sum().backward()
            sides.append([out.detach().numpy(), *(p.grad.numpy() for p in module.parameters())])
            sides[-1] += [v.numpy() for v in module.state_dict().values()]
        for a, b in zip(*sides, strict=True):
            np.testing.assert_allclose(a, b, rtol=2e-4, atol=2e-5 * max(1.0, float(np.abs(b).max())))


@pytest.mark.parametrize(("name", "change", "layer", "args", "shape"), CASES, ids=IDS)
def test_copies_are_independent(name, change, layer, args, shape):
    module = change(nbnn, getattr(nn, layer)(*args)).eval()
    x = nbnn.ones(*shape)
    before = module(x).detach().clone()
    twins = [copy.deepcopy(module), pickle.loads(pickle.dumps(module)), change(nbnn, getattr(nn, layer)(*args)).eval()]
    if "trivial" not in name and name.split("-")[0] not in ("orthogonal", "cayley"):
        twins[2].load_state_dict(module.state_dict())
    else:
        twins.pop()
    with nbnn.no_grad():
        for p in module.parameters():
            p.fill_(0.25)
    for twin in twins:
        assert type(twin) is type(module) and repr(twin) == repr(module)
        np.testing.assert_array_equal(twin(x).detach().numpy(), before.numpy())


def test_a_weight_is_never_stale():
    for change in (nn.utils.weight_norm, nn.utils.parametrizations.weight_norm):
        layer = change(nn.Linear(3, 2))
        before = layer.weight.detach().clone()
        optimizer = nbnn.optim.SGD(layer.parameters(), lr=0.5)
        layer(nbnn.ones(1, 3)).sum().backward()
        optimizer.step()
        assert not nbnn.equal(layer.weight, before)
        layer.weight = before
        np.testing.assert_allclose(layer.weight.detach().numpy(), before.numpy(), rtol=1e-6)


def test_old_spectral_norm_reads_without_a_change_and_goes_away():
    layer = nn.utils.spectral_norm(nn.Linear(5, 4))
    u = layer.weight_u.clone()
    assert nbnn.equal(layer.weight, layer.weight) and nbnn.equal(u, layer.weight_u)
    losses = [layer(nbnn.ones(2, 5)).sum() for _ in range(2)]  # two calls before one backward
    assert not nbnn.equal(u, layer.weight_u)
    (losses[0] + losses[1]).backward()
    value = layer.weight.detach().clone()
    nn.utils.remove_spectral_norm(layer)
    assert type(layer) is nn.Linear and nbnn.equal(layer.weight, value) and not layer._hooks["forward_pre"]
    with pytest.raises(ValueError, match="has no spectral_norm"):
        nn.utils.remove_spectral_norm(layer)


def test_old_keys_load_into_the_new_spelling():
    old, new = nn.utils.weight_norm(nn.Linear(3, 2)), nn.utils.parametrizations.weight_norm(nn.Linear(3, 2))
    new.load_state_dict(old.state_dict())
    assert nbnn.equal(new.weight, old.weight)
    nn.utils.remove_weight_norm(old)
    assert list(old.state_dict()) == ["bias", "weight"] and nbnn.equal(new.weight, old.weight)


def test_empty_weights():
    layer = nn.utils.weight_norm(nn.Linear(0, 3))
    assert layer.weight.shape == (3, 0) and layer(nbnn.ones(2, 0)).shape == (2, 3)
    with pytest.raises(ValueError, match="spectral_norm: the weight must not be empty"):
        nn.utils.spectral_norm(nn.Linear(0, 3))


class Double(nn.Module):
    calls = 0

    def forward(self, x):
        Double.calls += 1
        return x * 2

    def right_inverse(self, x):
        return x / 2


def test_register_chain_cache_and_remove():
    layer = nn.Linear(2, 2)
    weight, original = layer.weight.detach().clone(), layer.weight
    parametrize.register_parametrization(layer, "weight", Double())
    parametrize.register_parametrization(layer, "weight", Double())
    assert layer.parametrizations.weight.original is original
    np.testing.assert_allclose(layer.weight.detach().numpy(), 2 * weight.numpy())
    layer.weight = weight
    np.testing.assert_allclose(layer.parametrizations.weight.original.detach().numpy(), weight.numpy() / 4)
    Double.calls = 0
    with parametrize.cached():
        assert layer.weight is layer.weight and Double.calls == 2
        with nbnn.no_grad():
            original.fill_(1.0)
            assert layer.weight.tolist() == [[4.0, 4.0], [4.0, 4.0]]
    twin = copy.deepcopy(layer)
    parametrize.remove_parametrizations(layer, "weight")
    assert layer.weight is original and layer.weight.tolist() == [[4.0, 4.0], [4.0, 4.0]] and type(layer) is nn.Linear
    assert parametrize.is_parametrized(twin, "weight") and not parametrize.is_parametrized(layer)
    parametrize.remove_parametrizations(twin, "weight", leave_parametrized=False)
    assert twin.weight.tolist() == [[1.0, 1.0], [1.0, 1.0]]


def test_transfer_shares():
    a, b = nn.utils.parametrizations.weight_norm(nn.Linear(3, 2)), nn.Linear(3, 2)
    parametrize.transfer_parametrizations_and_params(a, b)
    assert b.parametrizations.weight.original0 is a.parametrizations.weight.original0
    assert nbnn.equal(a.weight, b.weight)


@pytest.mark.parametrize("map_", ["matrix_exp", "cayley", "householder"])
@pytest.mark.parametrize("sizes", [(4, 4), (3, 5), (5, 3)])
def test_orthogonal_starts_and_is_assigned(map_, sizes):
    layer = nn.utils.parametrizations.orthogonal(nn.Linear(*sizes), orthogonal_map=map_)
    wanted = nn.init.orthogonal_(nbnn.empty(*layer.weight.shape))
    layer.weight = wanted
    np.testing.assert_allclose(layer.weight.detach().numpy(), wanted.numpy(), atol=2e-6)


class Shorter(nn.Module):
    def forward(self, x):
        return x[1:]


REFUSED = [
    (lambda: parametrize.register_parametrization(nn.Linear(2, 2), "w", Double()), ValueError, "has no such parameter"),
    (lambda: parametrize.register_parametrization(nn.Linear(2, 2), "weight", 3), TypeError, "must be a Module"),
    (lambda: parametrize.register_parametrization(nn.Linear(2, 2), "weight", Shorter()), ValueError, "keep the shape"),
    (lambda: parametrize.remove_parametrizations(nn.Linear(2, 2), "weight"), ValueError, "no parametrization"),
    (lambda: nn.utils.parametrizations.orthogonal(nn.Linear(2, 2), "bias"), ValueError, "at least 2 axes"),
    (lambda: nn.utils.parametrizations.orthogonal(nn.Linear(2, 2), "weight", "x"), ValueError, "orthogonal_map"),
    (lambda: nn.utils.weight_norm(nn.utils.weight_norm(nn.Linear(2, 2))), ValueError, "is computed already"),
    (lambda: nn.utils.weight_norm(nn.Linear(2, 2), "w"), ValueError, "`name` .='w'."),
    (lambda: nn.utils.weight_norm(nn.Linear(2, 2), dim=2), IndexError, "`dim`"),
    (lambda: prune.l1_unstructured(nn.Linear(2, 2), "weight", 5), ValueError, "`amount` .=5. must be at most"),
    (lambda: prune.l1_unstructured(nn.Linear(2, 2), "weight", 1.5), ValueError, "`amount`"),
    (lambda: prune.ln_structured(nn.Linear(2, 2), "bias", 1, 2, 0), ValueError, "at least 2 axes"),
    (lambda: prune.remove(nn.Linear(2, 2), "weight"), ValueError, "is not pruned"),
    (lambda: prune.custom_from_mask(nn.Linear(2, 2), "weight", nbnn.ones(2)), ValueError, "`mask` must have shape"),
    (lambda: prune.global_unstructured([(nn.Linear(2, 2), "weight")], prune.RandomStructured, amount=1), TypeError,
     "must be unstructured"),
    (lambda: nn.utils.fuse_linear_bn_eval(nn.Linear(2, 2), nn.BatchNorm1d(2)), RuntimeError, "evaluation mode"),
    (lambda: nn.utils.fuse_linear_bn_eval(nn.Linear(2, 3).eval(), nn.BatchNorm1d(2).eval()), ValueError, "`bn_rm`"),
    (lambda: nn.utils.vector_to_parameters(nbnn.ones(2), [nbnn.ones(3)]), ValueError, "`vec` must have shape"),
    (lambda: nn.utils.parameters_to_vector([]), ValueError, "must not be empty"),
    (lambda: nn.utils.skip_init(nn.ReLU), TypeError, "must take the argument `device`"),
]  # fmt: skip


@pytest.mark.parametrize(("call", "error", "match"), REFUSED, ids=[r[2] for r in REFUSED])
def test_refuses(call, error, match):
    with pytest.raises(error, match=match):
        call()


@pytest.mark.parity
def test_pruning_again_is_torchs():
    torch = load_torch()
    import torch.nn.utils.prune as theirs_prune

    ours, theirs = nn.Linear(6, 8), torch.nn.Linear(6, 8)
    ours.load_state_dict(theirs.state_dict())
    for p, module, mask in ((prune, ours, nbnn.eye), (theirs_prune, theirs, torch.eye)):
        p.l1_unstructured(module, "weight", 0.3)
        p.ln_structured(module, "weight", 2, 2, 0)
        p.l1_unstructured(module, "weight", 4)
        p.custom_from_mask(module, "weight", 1 - mask(8, 6))
        p.global_unstructured([(module, "weight"), (module, "bias")], p.L1Unstructured, amount=3)
        assert p.is_pruned(module)
    for key in ("weight_mask", "bias_mask", "weight_orig"):
        np.testing.assert_array_equal(ours.state_dict()[key].numpy(), theirs.state_dict()[key].numpy())
    weight = ours.weight.detach().clone()
    prune.remove(ours, "weight")
    prune.remove(ours, "bias")
    assert type(ours) is nn.Linear and nbnn.equal(ours.weight, weight) and not prune.is_pruned(ours)


@pytest.mark.parametrize(("layer", "args", "transpose"), [
    ("Conv1d", (4, 6, 2), False), ("ConvTranspose1d", (4, 6, 2), True), ("Linear", (4, 6), None),
])  # fmt: skip
@pytest.mark.parametrize("groups", [1, 2])
def test_fusion(layer, args, transpose, groups):
    more = {} if transpose is None else {"groups": groups}
    first, bn = getattr(nn, layer)(*args, **more).eval(), nn.BatchNorm1d(6).eval()
    bn.load_state_dict({"weight": nbnn.rand(6) + 1, "bias": nbnn.rand(6), "running_mean": nbnn.rand(6),
                        "running_var": nbnn.rand(6) + 1, "num_batches_tracked": nbnn.tensor(3)})  # fmt: skip
    x = nbnn.randn(3, 4) if transpose is None else nbnn.randn(3, 4, 5)
    fuse = nn.utils.fuse_linear_bn_eval if transpose is None else nn.utils.fuse_conv_bn_eval
    fused = fuse(first, bn) if not transpose else fuse(first, bn, True)
    np.testing.assert_allclose(fused(x).detach().numpy(), bn(first(x)).detach().numpy(), atol=2e-6)


def test_vectors_and_skipping():
    layer = nn.Linear(2, 3)
    vector = nn.utils.parameters_to_vector(layer.parameters())
    nn.utils.vector_to_parameters(vector.detach() * 2, layer.parameters())
    np.testing.assert_allclose(nn.utils.parameters_to_vector(layer.parameters()).tolist(), (vector * 2).tolist())
    nbnn.manual_seed(0)
    nn.utils.skip_init(nn.Linear, 5, 7)
    drawn = nbnn.rand(2).tolist()
    nbnn.manual_seed(0)
    assert nbnn.rand(2).tolist() == drawn
