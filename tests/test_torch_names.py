"""What torch's programs ask for around the mathematics: devices that are not there, limits of types, scaled losses."""

from __future__ import annotations

import numpy as np
import pytest

import nbnn


def test_devices_that_are_not_there():
    for place in (nbnn.mps, nbnn.xpu, nbnn.backends.mps):
        assert not place.is_available() and not place.is_built() and place.device_count() == 0
    assert not nbnn.backends.cudnn.is_available()
    nbnn.backends.cudnn.benchmark = False
    nbnn.backends.cuda.matmul.allow_tf32 = False
    assert nbnn.backends.cuda.is_built() is nbnn.cuda.is_available() is nbnn.accelerator.is_available()
    found = nbnn.accelerator.current_accelerator()
    assert (found is None) is (nbnn.accelerator.device_count() == 0)


def test_limits_of_types():
    for name in ("float16", "float32", "float64"):
        ours, numpys = nbnn.finfo(getattr(nbnn, name)), np.finfo(name)
        for key in ("bits", "eps", "max", "min", "tiny", "smallest_normal"):
            assert getattr(ours, key) == float(getattr(numpys, key)), (name, key)
    for name in ("uint8", "int8", "int16", "int32", "int64"):
        ours, numpys = nbnn.iinfo(getattr(nbnn, name)), np.iinfo(name)
        assert (ours.bits, ours.max, ours.min, ours.dtype) == (numpys.bits, numpys.max, numpys.min, name)
    assert nbnn.finfo().dtype == "float32" and nbnn.finfo(nbnn.bfloat16).max == 2.0**128 - 2.0**120
    assert repr(nbnn.iinfo(nbnn.int8)) == "iinfo(dtype=int8, min=-128, max=127)"
    assert repr(nbnn.finfo(nbnn.float16)).startswith("finfo(dtype=float16, eps=0.000976562")
    with pytest.raises(TypeError, match="finfo: `type` .* must be a floating-point dtype"):
        nbnn.finfo(nbnn.int8)
    with pytest.raises(TypeError, match="iinfo: `type` .* must be an integer dtype"):
        nbnn.iinfo(nbnn.bool)


def test_questions_and_constructors():
    x = nbnn.ones(2, 3, dtype=nbnn.float64)
    assert nbnn.is_tensor(x) and not nbnn.is_tensor(3) and nbnn.numel(x) == 6 and x.ndimension() == 2
    assert nbnn.is_floating_point(x) and not nbnn.is_complex(x)
    with pytest.raises(TypeError, match="numel: `input` must be a Tensor; got int"):
        nbnn.numel(3)
    for made in (x.new_zeros(2), x.new_ones((2,)), x.new_full((2,), 3), x.new_empty(2), x.new_tensor([1, 2])):
        assert made.dtype is nbnn.float64 and made.shape == (2,) and not made.requires_grad
    assert x.new_zeros(1, dtype=nbnn.int64, requires_grad=False).dtype is nbnn.int64
    assert x.new_ones(1, requires_grad=True).requires_grad
    assert nbnn.tensor([1]).type_as(x).dtype is nbnn.float64 and x.type_as(x) is x
    assert [getattr(x, k)().dtype for k in ("short", "char", "byte")] == [nbnn.int16, nbnn.int8, nbnn.uint8]
    assert nbnn.inf == float("inf") and nbnn.nan != nbnn.nan and nbnn.pi > nbnn.e and nbnn.newaxis is None
    assert nbnn.randint(3, size=(4,)).shape == (4,) and nbnn.randint(3, (4,)).max().item() < 3
    assert nbnn.equal(x[range(1)], x[:1]) and x[range(0)].shape == (0, 3)
    assert nbnn.seed() == nbnn.initial_seed()


def test_compile_gives_the_model():
    model = nbnn.nn.Linear(2, 1)
    assert nbnn.compile(model, mode="max-autotune") is model and nbnn.compile(dynamic=True)(model) is model


def test_autocast_changes_nothing():
    @nbnn.autocast("cpu", dtype=nbnn.bfloat16)
    def product(x):
        return x @ x

    with nbnn.cuda.amp.autocast(enabled=True), nbnn.amp.autocast(False):
        assert product(nbnn.ones(2, 2)).dtype is nbnn.float32
    with pytest.raises(TypeError, match="autocast: `device_type`"):
        nbnn.autocast(3)


def test_scaler():
    w = nbnn.ones(2, requires_grad=True)
    optimizer = nbnn.optim.SGD([w], lr=1.0)
    scaler = nbnn.amp.GradScaler(init_scale=4.0, growth_interval=2)

    def step(factor):
        optimizer.zero_grad()
        scaler.scale([(w * factor).sum()])[0].backward()
        scaler.step(optimizer)
        scaler.update()
        return w.detach().tolist(), scaler.get_scale()

    assert step(0.5) == ([0.5, 0.5], 4.0)
    assert step(0.25) == ([0.25, 0.25], 8.0)  # two good steps: the scale grows
    assert step(nbnn.tensor([nbnn.inf, 1.0])) == ([0.25, 0.25], 4.0)  # left out, and the scale shrinks
    scaler.unscale_(optimizer)
    with pytest.raises(RuntimeError, match="unscaled already"):
        scaler.unscale_(optimizer)
    scaler.update(new_scale=2.0)
    other = nbnn.amp.GradScaler()
    other.load_state_dict(scaler.state_dict())
    assert other.get_scale() == 2.0 and other.is_enabled()
    off = nbnn.amp.GradScaler(enabled=False)
    loss = w.sum()
    assert off.scale(loss) is loss and off.get_scale() == 1.0
    off.unscale_(optimizer)
    with pytest.raises(ValueError, match="`growth_factor` above 1"):
        nbnn.amp.GradScaler(growth_factor=1.0)


def test_weights_from_a_url(tmp_path):
    file = tmp_path / "model.safetensors"
    nbnn.save({"bias": nbnn.arange(2)}, file)
    for _ in range(2):  # the second time from the folder
        found = nbnn.hub.load_state_dict_from_url(file.as_uri(), model_dir=tmp_path / "kept", map_location="cpu")
        assert found["bias"].tolist() == [0, 1]
        (tmp_path / "kept" / "model.safetensors").exists()
    bad = tmp_path / "bad.pth"
    bad.write_bytes(b"\x80\x02}q\x00.                ")
    with pytest.raises(ValueError, match="is a pickle"):
        nbnn.hub.load_state_dict_from_url(bad.as_uri(), model_dir=tmp_path / "kept")
    assert not (tmp_path / "kept" / "bad.pth").exists()
