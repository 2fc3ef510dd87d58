"""DataParallel: the same numbers as the module, the same bits whatever the timing, and torch's habits."""

from __future__ import annotations

import os
import threading
import time

import numpy as np
import pytest

import nbnn
import nbnn.nn as nn
from nbnn.parallel import gather, parallel_apply, scatter
from tests.case import load_torch

TWO = ["cpu", "cpu"]


def net():
    nbnn.manual_seed(3)
    return nn.Sequential(nn.Linear(6, 8), nn.Tanh(), nn.LayerNorm(8), nn.Linear(8, 3))


def grads(model):
    return [p.grad.numpy().copy() for p in model.parameters()]


@pytest.mark.parametrize("shares,batch", [(1, 5), (2, 8), (3, 8), (4, 2), (5, 1), (2, 0)])
def test_outputs_and_gradients_are_the_modules(shares, batch):
    model = net()
    x = nbnn.randn(batch, 6)
    own = x.clone().requires_grad_()
    model(own).square().sum().backward()
    wanted, wanted_x = grads(model), own.grad.numpy()
    model.zero_grad()
    wrapped = nn.DataParallel(model, ["cpu"] * shares)
    own = x.clone().requires_grad_()
    out = wrapped(own)
    out.square().sum().backward()
    np.testing.assert_allclose(out.detach().numpy(), model(x).detach().numpy(), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(own.grad.numpy(), wanted_x, rtol=1e-4, atol=1e-5)
    for got, want in zip(grads(model), wanted, strict=True):
        np.testing.assert_allclose(got, want, rtol=1e-4, atol=1e-5)


def test_the_same_bits_whatever_the_timing_and_the_threads():
    class Slow(nn.Module):
        def __init__(self, delays):
            super().__init__()
            self.delays, self.dropout, self.layer = delays, nn.Dropout(0.4), nn.Linear(6, 6)

        def forward(self, x, which):
            time.sleep(self.delays[int(which[0].item())])
            return self.layer(self.dropout(self.layer(x)))

    runs = []
    for delays, threads in (([0, 0, 0.02], 1), ([0.02, 0.01, 0], 2), ([0, 0, 0], 2)):
        nbnn.set_num_threads(threads)
        nbnn.manual_seed(5)
        model = nn.DataParallel(Slow(delays), ["cpu"] * 3)
        out = model(nbnn.randn(6, 6), nbnn.tensor([0, 0, 1, 1, 2, 2]))
        out.square().sum().backward()
        runs.append(
            [out.detach().numpy().tobytes(), *(g.tobytes() for g in grads(model)), nbnn.rand(2).numpy().tobytes()]
        )
        assert nbnn.get_num_threads() == threads
    assert runs[0] == runs[1] == runs[2]


def test_second_gradients_pass_through():
    model = nn.DataParallel(nn.Sequential(nn.Linear(3, 3).double(), nn.Tanh()), TWO)
    x = nbnn.randn(4, 3, dtype=nbnn.float64, requires_grad=True)
    assert nbnn.autograd.gradgradcheck(
        lambda x, w: model(x * w.sum()), (x, nbnn.ones(2, dtype=nbnn.float64, requires_grad=True))
    )


def test_it_is_the_module_without_a_gpu_and_without_places():
    model = nn.BatchNorm1d(3)
    wrapped = nn.DataParallel(model)
    x = nbnn.randn(2, 3)
    if not nbnn.cuda.is_available():
        assert wrapped.device_ids == [] and wrapped.output_device is None
        assert nbnn.equal(wrapped(x), nn.BatchNorm1d(3)(x))
    assert list(wrapped.state_dict()) == [f"module.{name}" for name in model.state_dict()]
    model.load_state_dict({name.removeprefix("module."): t for name, t in wrapped.state_dict().items()})


@pytest.mark.parametrize(
    "options,error,match",
    [
        ({"module": len}, TypeError, "`module` must be a Module"),
        ({"device_ids": 2}, TypeError, "`device_ids` .=2. must be a list"),
        ({"device_ids": ["cpu", "cuda:7"]}, ValueError, "names cuda:7, not on this machine; there are cpu"),
        ({"device_ids": [0, 7, 8]}, ValueError, "cuda:7, cuda:8"),
        ({"device_ids": TWO, "output_device": 9}, ValueError, "`output_device` names cuda:9"),
        ({"dim": 0.5}, TypeError, "`dim`"),
    ],
)
def test_bad_arguments(options, error, match):
    with pytest.raises(error, match=match):
        nn.DataParallel(**{"module": nn.ReLU(), **options})


def test_replicas_run_at_the_same_time():
    class Meet(nn.Module):
        def forward(self, x):
            barrier.wait(timeout=30)
            return x

    barrier = threading.Barrier(3)
    assert nn.DataParallel(Meet(), ["cpu"] * 3)(nbnn.arange(6)).tolist() == list(range(6))


def test_lazy_modules_need_their_shapes_first():
    model = nn.DataParallel(nn.LazyLinear(2), TWO)
    with pytest.raises(RuntimeError, match="'weight' has no shape yet"):
        model(nbnn.ones(4, 3))
    model.module(nbnn.ones(1, 3))
    assert model(nbnn.ones(4, 3)).shape == (4, 2)


class Echo(nn.Module):
    """What the replicas are called with."""

    def __init__(self):
        super().__init__()
        self.calls = []

    def forward(self, *args, **kwargs):
        self.calls.append((threading.current_thread().name, args, kwargs))
        return {"args": [a for a in args if isinstance(a, nbnn.Tensor)], "more": (kwargs["x"], None)}


def test_structures_are_cut_and_put_together():
    model = nn.DataParallel(Echo(), TWO)
    a, b = nbnn.arange(5), nbnn.arange(10).reshape(5, 2)
    out = model(a, "text", x=b)
    assert out["args"][0].tolist() == a.tolist() and out["more"][0].tolist() == b.tolist() and out["more"][1] is None
    calls = sorted(model.module.calls, key=lambda call: -len(call[1][0]))
    assert [len(args[0]) for _, args, _ in calls] == [3, 2] and all(args[1] == "text" for _, args, _ in calls)
    assert len({name for name, _, _ in calls}) == 2


def test_shares_along_another_axis_and_of_arrays():
    x = nbnn.arange(12).reshape(2, 6)
    assert [s.tolist() for s in scatter(x, ["cpu"] * 3, 1)] == [[[0, 1], [6, 7]], [[2, 3], [8, 9]], [[4, 5], [10, 11]]]
    assert [s["a"].tolist() for s in scatter({"a": np.arange(3), "n": 1}, TWO)] == [[0, 1], [2]]
    assert len(scatter(nbnn.arange(4), ["cpu"] * 3)) == 2  # as torch.chunk has it
    assert gather(scatter((x, [x, None]), TWO, -1), "cpu", -1)[1][0].tolist() == x.tolist()
    with pytest.warns(UserWarning, match="without axes"):
        assert gather([nbnn.tensor(1.0), nbnn.tensor(2.0)], "cpu").tolist() == [1.0, 2.0]
    source = nbnn.ones(4)
    scatter(source, TWO)[0].zero_()
    assert source.tolist() == [1.0] * 4


def test_what_cannot_be_cut_or_put_together():
    with pytest.raises(ValueError, match=r"number of shares along `dim`.*\(4, 2\), \(2,\) give 4, 2"):
        scatter((nbnn.ones(4, 2), nbnn.ones(2)), ["cpu"] * 4)
    with pytest.raises(IndexError, match=r"`dim` \(=1\) is no axis"):
        scatter(nbnn.ones(4), TWO, 1)
    with pytest.raises(TypeError, match="PackedSequence"):
        scatter(nn.utils.rnn.pack_sequence([nbnn.ones(3, 2)]), TWO)
    with pytest.raises(TypeError, match="got float"):
        gather([1.5, 2.5], "cpu")
    with pytest.raises(ValueError, match="one structure"):
        gather([{"a": nbnn.ones(1)}, {"b": nbnn.ones(1)}], "cpu")


def test_an_exception_names_its_replica():
    class Picky(nn.Module):
        def forward(self, x):
            if x[0].item() > 2:
                raise KeyError("no such row")
            return x

    with pytest.raises(KeyError) as caught:
        nn.DataParallel(Picky(), TWO)(nbnn.arange(4) + 1)
    said = " ".join([str(caught.value), *getattr(caught.value, "__notes__", [])])
    assert "no such row" in said and "replica 1 on cpu, Picky((2,) int64)" in said
    with pytest.raises(ValueError, match="got 2 modules, 1 `inputs`"):
        parallel_apply([nn.ReLU(), nn.ReLU()], [nbnn.ones(1)])


def test_buffers_follow_the_first_share_and_evaluation_mode_has_no_shares_of_its_own():
    model = nn.DataParallel(nn.BatchNorm1d(2), TWO)
    x = nbnn.randn(6, 2)
    model(x)
    alone = nn.BatchNorm1d(2)
    alone(x[:3])
    assert nbnn.equal(model.module.running_mean, alone.running_mean) and model.module.num_batches_tracked.item() == 1
    model.eval()
    alone.eval()
    assert not model.module.training and nbnn.equal(model(x), alone(x))
    with nbnn.no_grad():
        assert not model(x).requires_grad


def test_hooks_shared_layers_frozen_parameters_and_nesting():
    layer = nn.Linear(4, 4)
    seen = []
    layer.register_forward_hook(lambda *_: seen.append(1))
    layer.bias.requires_grad_(False)
    model = nn.DataParallel(nn.DataParallel(nn.Sequential(layer, nn.ReLU(), layer), TWO), TWO)
    out = model(nbnn.randn(8, 4))
    out.sum().backward()
    assert out.shape == (8, 4) and len(seen) == 8 and layer.weight.grad is not None and layer.bias.grad is None


def test_recurrent_transformer_and_parametrized_modules():
    for module, inputs in (
        (nn.LSTM(3, 4, batch_first=True), (nbnn.randn(4, 5, 3),)),
        (nn.TransformerEncoderLayer(8, 2, 16, 0.0, batch_first=True), (nbnn.randn(4, 5, 8),)),
        (nn.utils.parametrizations.weight_norm(nn.Linear(3, 2)), (nbnn.randn(4, 3),)),
    ):
        place = lambda out: out[0] if isinstance(out, tuple) else out  # noqa: E731
        wrapped = nn.DataParallel(module, TWO)
        if isinstance(module, nn.LSTM):
            wrapped.gather = lambda outs, device: nbnn.cat([o[0] for o in outs])  # states have the batch on axis 1
        got = place(wrapped(*inputs))
        np.testing.assert_allclose(got.detach().numpy(), place(module(*inputs)).detach().numpy(), rtol=1e-4, atol=1e-5)
        got.sum().backward()
        assert all(p.grad is not None for p in module.parameters())


def test_a_training_step_learns_the_same():
    """fairseq#34, pytorch#3917: a batch over replicas trains like the batch."""
    losses = []
    for places in ([], TWO):
        model = nn.DataParallel(net(), places)
        optimizer = nbnn.optim.SGD(model.parameters(), lr=0.1)
        x, y = nbnn.randn(16, 6), nbnn.randint(0, 3, (16,))
        for _ in range(5):
            loss = nn.functional.cross_entropy(model(x), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        losses.append(loss.item())
    assert losses[0] == pytest.approx(losses[1], rel=1e-5)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
@pytest.mark.filterwarnings("ignore:.*use of fork.*:DeprecationWarning")
def test_a_forked_child_has_replicas_of_its_own():
    model = nn.DataParallel(nn.Tanh(), TWO)
    x = nbnn.randn(6)
    wanted = model(x).tolist()
    child = os.fork()
    if child == 0:
        os._exit(0 if model(x).tolist() == wanted else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_scattering_costs_little():
    """pytorch#17209: shares are one copy of the batch each, made without touching the parameters."""
    x = nbnn.ones(512, 1024)
    best = float("inf")
    for _ in range(10):
        start = time.thread_time()  # of this thread alone: the machine may be busy
        scatter(x, TWO)
        best = min(best, time.thread_time() - start)
    assert best < 0.02


@pytest.mark.parity
def test_scatter_cuts_where_torch_does():
    torch = load_torch()
    for n in range(1, 9):
        for pieces in range(1, 6):
            wanted = [len(c) for c in torch.arange(n).chunk(pieces)]
            assert [len(s) for s in scatter(nbnn.arange(n), ["cpu"] * pieces)] == wanted
