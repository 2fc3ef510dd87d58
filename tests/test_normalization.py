"""The family `normalization`: every check of the engine on every case of its table, and every refusal."""

import numpy as np
import pytest

import nbnn
from tests import engine
from tests.cases.normalization import CASES, ERRORS


@pytest.mark.parametrize(("check", "case"), engine.params(CASES))
def test_case(check, case):
    check(case)


@pytest.mark.parametrize("bad", ERRORS, ids=str)
def test_refuses(bad):
    bad.check()


def mixed(space, name, half):
    """Norms of halves whose parameters and running statistics are float32."""
    x = space.tensor([[[1.0, 2.5], [-3.0, 0.5]], [[0.25, -1.0], [2.0, 4.0]]], dtype=space.float32).to(half)
    x.requires_grad_()
    w, b = (space.tensor(v, dtype=space.float32, requires_grad=True) for v in ([1.5, -0.5], [0.25, 1.0]))
    mean, var = space.zeros(2), space.ones(2)
    call = getattr(space.nn.functional, name.partition("-")[0])
    args = {
        "batch_norm": (x, mean, var, w, b, True), "batch_norm-eval": (x, mean, var, w, b),
        "instance_norm": (x, mean, var, w, b), "group_norm": (x, 1, w, b), "layer_norm": (x, (2,), w, b),
        "rms_norm": (x, (2,), w),
    }[name]  # fmt: skip
    y = call(*args)
    y.float().square().sum().backward()
    return [(str(t.dtype).rpartition(".")[2], t.detach().float().numpy()) for t in (y, x.grad, w.grad, mean, var)]


@pytest.mark.parity
@pytest.mark.filterwarnings("ignore:Mismatch dtype")
@pytest.mark.parametrize("half", ["float16", "bfloat16"])
@pytest.mark.parametrize(
    "name", ["batch_norm", "batch_norm-eval", "instance_norm", "group_norm", "layer_norm", "rms_norm"]
)
def test_halves_beside_float32_parameters(name, half):
    torch = engine.load_torch()
    got, wanted = mixed(nbnn, name, getattr(nbnn, half)), mixed(torch, name, getattr(torch, half))
    for (kind, value), (their_kind, theirs) in zip(got, wanted, strict=True):
        assert kind == their_kind
        np.testing.assert_allclose(value, theirs, rtol=0.02, atol=0.05)


def test_how_many_channels_matters_to_instance_norm_only_where_it_keeps_a_number_for_each():
    x = nbnn.randn(2, 5, 3, 4)
    assert (nbnn.nn.InstanceNorm2d(3)(x) == nbnn.nn.InstanceNorm2d(5)(x)).all()
    for options in ({"affine": True}, {"track_running_stats": True}):
        with pytest.raises(ValueError, match="InstanceNorm2d: `input` must have shape .* with C = 3"):
            nbnn.nn.InstanceNorm2d(3, **options)(x)
