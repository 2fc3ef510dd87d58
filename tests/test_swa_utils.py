"""Averaged models and the statistics of their batch normalizations; SWALR stands in test_lr_scheduler.py."""

from __future__ import annotations

import numpy as np
import pytest

import nbnn
from nbnn.optim.swa_utils import (
    AveragedModel,
    get_ema_avg_fn,
    get_ema_multi_avg_fn,
    get_swa_avg_fn,
    get_swa_multi_avg_fn,
    update_bn,
)

PATH = [np.array([[v, -v]], np.float32) for v in (1.0, 3.0, 8.0)]


def averaged(**options):
    model = nbnn.nn.Linear(2, 1, bias=False)
    twin = AveragedModel(model, **options)
    for value in PATH:
        model.weight.data = nbnn.tensor(value)
        twin.update_parameters(model)
    return model, twin


@pytest.mark.parametrize(
    "options", [{}, {"avg_fn": get_swa_avg_fn()}, {"multi_avg_fn": get_swa_multi_avg_fn()}, {"use_buffers": True}]
)
def test_the_mean_of_models(options):
    model, twin = averaged(**options)
    np.testing.assert_allclose(twin.module.weight.detach().numpy(), [[4.0, -4.0]], rtol=1e-6)
    assert twin.n_averaged.item() == 3
    assert twin.n_averaged.dtype is nbnn.int64
    assert model.weight.tolist() == [[8.0, -8.0]]
    assert twin(nbnn.tensor([1.0, 0.0])).item() == pytest.approx(4.0)


@pytest.mark.parametrize("options", [{"avg_fn": get_ema_avg_fn(0.5)}, {"multi_avg_fn": get_ema_multi_avg_fn(0.5)}])
def test_the_exponential_mean_of_models(options):
    _, twin = averaged(**options)
    np.testing.assert_allclose(twin.module.weight.detach().numpy(), [[5.0, -5.0]], rtol=1e-6)


def test_state_dicts_continue():
    _, twin = averaged()
    model = nbnn.nn.Linear(2, 1, bias=False)
    other = AveragedModel(model)
    other.load_state_dict(twin.state_dict())
    assert set(twin.state_dict()) == {"n_averaged", "module.weight"}
    model.weight.data = nbnn.zeros(1, 2)
    other.update_parameters(model)
    np.testing.assert_allclose(other.module.weight.detach().numpy(), [[3.0, -3.0]], rtol=1e-6)


def test_buffers_are_copied_or_averaged():
    model = nbnn.nn.BatchNorm1d(1)
    copied, mean = AveragedModel(model), AveragedModel(model, use_buffers=True)
    for value in (1.0, 2.0, 6.0):
        model.running_mean = nbnn.tensor([value])
        copied.update_parameters(model)
        mean.update_parameters(model)
    assert copied.module.running_mean.tolist() == [6.0]
    assert mean.module.running_mean.tolist() == [3.0]


def test_update_bn_takes_the_mean_over_all_batches():
    model = nbnn.nn.Sequential(nbnn.nn.BatchNorm1d(2), nbnn.nn.Dropout())
    model.eval()
    model[1].train()
    rng = np.random.default_rng(0)
    batches = [rng.normal(size=(8, 2)).astype(np.float32) for _ in range(3)]
    model(nbnn.tensor(batches[0] + 5.0))
    update_bn([(nbnn.tensor(b), None) for b in batches], model, device="cpu")
    np.testing.assert_allclose(model[0].running_mean.numpy(), np.mean([b.mean(0) for b in batches], 0), rtol=1e-5)
    np.testing.assert_allclose(model[0].running_var.numpy(), np.mean([b.var(0, ddof=1) for b in batches], 0), rtol=1e-5)
    assert (model[0].momentum, model[0].training, model[1].training) == (0.1, False, True)
    update_bn(iter(()), nbnn.nn.Linear(1, 1))


def test_what_is_refused():
    for make in (get_ema_avg_fn, get_ema_multi_avg_fn):
        with pytest.raises(ValueError, match=r"`decay` \(=1.5\) must be between 0 and 1"):
            make(1.5)
    with pytest.raises(ValueError, match="AveragedModel: give `avg_fn` or `multi_avg_fn`, not both"):
        AveragedModel(nbnn.nn.Linear(1, 1), avg_fn=get_swa_avg_fn(), multi_avg_fn=get_swa_multi_avg_fn())
    model = AveragedModel(nbnn.nn.Linear(1, 1))
    with pytest.raises(ValueError):
        model.update_parameters(nbnn.nn.Linear(1, 1, bias=False))


@pytest.mark.parity
def test_averages_are_torchs():
    torch = pytest.importorskip("torch")
    found = []
    for lib in (torch, nbnn):
        model = lib.nn.Sequential(lib.nn.Linear(3, 2), lib.nn.BatchNorm1d(2))
        twin = lib.optim.swa_utils.AveragedModel(model, multi_avg_fn=lib.optim.swa_utils.get_ema_multi_avg_fn(0.9))
        rng = np.random.default_rng(1)
        for _ in range(4):
            for p in model.parameters():
                p.data = lib.tensor(rng.normal(size=tuple(p.shape)).astype(np.float32))
            twin.update_parameters(model)
        batches = [lib.tensor(rng.normal(size=(6, 3)).astype(np.float32)) for _ in range(3)]
        lib.optim.swa_utils.update_bn(batches, twin)
        found.append({k: v.detach().numpy() for k, v in twin.state_dict().items()})
    assert found[0].keys() == found[1].keys()
    for key, value in found[0].items():
        np.testing.assert_allclose(found[1][key], value, rtol=1e-5, atol=1e-6)
