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


def test_places_of_what_names_none():
    cpu = nbnn.device("cpu")
    assert nbnn.get_default_device() == cpu
    with nbnn.device("cuda") as place:
        assert nbnn.get_default_device() is place
        with cpu:
            assert nbnn.zeros(1).device == cpu
    nbnn.set_default_device("cuda:0")
    assert nbnn.get_default_device() == nbnn.device("cuda")
    nbnn.set_default_device(None)
    assert nbnn.get_default_device() == cpu
    with pytest.raises(ValueError, match="device: `type`"):
        nbnn.set_default_device("tpu")


def test_settings_that_change_little():
    nbnn.use_deterministic_algorithms(True, warn_only=True)
    nbnn.set_num_interop_threads(3)
    assert nbnn.are_deterministic_algorithms_enabled() and nbnn.get_num_interop_threads() == 1
    assert not nbnn.is_autocast_enabled() and not nbnn.is_autocast_enabled("cpu")
    nbnn.set_default_tensor_type("torch.DoubleTensor")
    assert nbnn.zeros(1).dtype is nbnn.float64
    nbnn.set_default_tensor_type(nbnn.FloatTensor)
    assert nbnn.zeros(1).dtype is nbnn.float32
    for bad in ("torch.StrangeTensor", nbnn.float32):
        with pytest.raises(TypeError, match="set_default_tensor_type: `t`"):
            nbnn.set_default_tensor_type(bad)
    x = nbnn.ones(1, 2, 3, 3).to(memory_format=nbnn.channels_last)
    assert (
        x.contiguous(memory_format=nbnn.contiguous_format) is x and repr(nbnn.preserve_format) == "nbnn.preserve_format"
    )
    assert x.clone(memory_format=nbnn.preserve_format).shape == x.shape


def test_how_tensors_are_printed():
    try:
        nbnn.set_printoptions(precision=2, threshold=4, edgeitems=1)
        assert repr(nbnn.tensor([0.125, 2.0])) == "tensor([0.12, 2.00])"
        assert repr(nbnn.arange(5)) == "tensor([0,  ..., 4])"
        nbnn.set_printoptions(profile="short", sci_mode=True)
        assert repr(nbnn.tensor([0.125])) == "tensor([1.25e-01])"
        with pytest.raises(ValueError, match="set_printoptions: `profile`"):
            nbnn.set_printoptions(profile="wide")
    finally:
        nbnn.set_printoptions(profile="default")
    assert repr(nbnn.tensor([0.125, 2.0])) == "tensor([0.1250, 2.0000])"


def test_other_shapes_of_a_tensor_itself():
    x = nbnn.arange(6.0).reshape(1, 2, 3)
    assert x.squeeze_(0).shape == (2, 3) and x.t_().shape == (3, 2) and x.unsqueeze_(1).shape == (3, 1, 2)
    assert x.transpose_(0, 2).shape == (2, 1, 3) and x.swapaxes_(0, 2).tolist()[2] == [[2.0, 5.0]]
    leaf = nbnn.arange(4.0, requires_grad=True)
    y = leaf * leaf
    y.unsqueeze_(0).mul_(2).transpose_(0, 1)
    assert y.shape == (4, 1)
    y.sum().backward()
    assert leaf.grad.tolist() == [0.0, 4.0, 8.0, 12.0]
    with pytest.raises(RuntimeError, match="unsqueeze_: a leaf"):
        leaf.unsqueeze_(0)
    saved = nbnn.ones(2, 3, requires_grad=True) * 1
    product = (saved * saved).sum()
    saved.t_()
    with pytest.raises(RuntimeError, match="changed in place"):
        product.backward()
    tall = nbnn.zeros(5, 2)
    assert tall.fill_diagonal_(1.0).tolist() == np.eye(5, 2).tolist()
    expected = np.zeros((5, 2))
    np.fill_diagonal(expected, 2.0, wrap=True)
    assert tall.zero_().fill_diagonal_(2, wrap=True).tolist() == expected.tolist()
    with pytest.raises(ValueError, match="fill_diagonal_: `input` must have 2 axes"):
        nbnn.zeros(2).fill_diagonal_(1)


def test_questions_about_tensors():
    x = nbnn.ones(2, 3, dtype=nbnn.float64)
    assert x.is_cpu and not x.is_quantized and not x.is_meta and x.get_device() == -1 and not x.is_pinned()
    assert nbnn.is_nonzero(nbnn.tensor(2)) and nbnn.asarray([1]).tolist() == [1] and nbnn.scalar_tensor(2.0).shape == ()
    assert x.permute(dims=(1, 0)).shape == (3, 2) and nbnn.flip(x, dims=(0,)).shape == (2, 3)
    assert nbnn.cat([x, x], axis=1).shape == (2, 6) and nbnn.stack((x, x), axis=-1).shape == (2, 3, 2)
    assert x.type("torch.LongTensor").dtype is nbnn.int64 and x.type(nbnn.Tensor).dtype is nbnn.float32
    assert x.pin_memory() is x and x.is_same_size(nbnn.zeros(2, 3)) and not x.is_same_size(x.t())
    assert x.new(4, 5).shape == (4, 5) and x.new([1, 2]).dtype is nbnn.float64 and x.new(x).tolist() == x.tolist()
    assert nbnn.broadcast_shapes((2, 1), (3,), 1) == (2, 3) and nbnn.tensor([3]).is_nonzero()
    with pytest.raises(ValueError, match="broadcast_shapes: the shapes must broadcast"):
        nbnn.broadcast_shapes((2,), (3,))
    assert x.mH.shape == x.H.shape == (3, 2)


def test_modules_as_functions():
    layer = nbnn.nn.Sequential(nbnn.nn.Linear(2, 2), nbnn.nn.BatchNorm1d(2))
    own, x = layer[0].weight, nbnn.arange(6.0).reshape(3, 2)
    given = {"0.weight": nbnn.eye(2).requires_grad_(), "1.running_mean": nbnn.zeros(2)}
    out = nbnn.func.functional_call(layer, given, (x,))
    out.square().sum().backward()
    assert layer[0].weight is own and own.grad is None and given["0.weight"].grad is not None
    with pytest.raises(KeyError, match="no parameter or buffer '0.scale'"):
        nbnn.func.functional_call(layer, ({"0.weight": own}, {"0.scale": own}), (x,))
    assert layer[0].weight is own


def test_whole_derivatives():
    A = nbnn.autograd.functional
    a, b = nbnn.tensor([1.0, 2.0]), nbnn.tensor([3.0, 4.0])
    by_a, by_b = A.jacobian(lambda x, y: x * y, (a, b))
    assert by_a.tolist() == [[3.0, 0.0], [0.0, 4.0]] and by_b.tolist() == [[1.0, 0.0], [0.0, 2.0]]
    assert A.jacobian(lambda x: (x.sum(), b), a)[1].tolist() == [[0.0, 0.0], [0.0, 0.0]]
    second = A.hessian(lambda x, y: (x * x * y).sum(), (a, b))
    assert second[0][0].tolist() == [[6.0, 0.0], [0.0, 8.0]] and second[0][1].tolist() == [[2.0, 0.0], [0.0, 4.0]]
    value, products = A.vjp(lambda x: x * x, a, b)
    assert value.tolist() == [1.0, 4.0] and products.tolist() == [6.0, 16.0] and not value.requires_grad
    assert A.hvp(lambda x: (x**3).sum(), a, b)[1].tolist() == [18.0, 48.0]
    leaf = a.clone().requires_grad_()
    A.jacobian(lambda x: x**3, leaf, create_graph=True).sum().backward()
    assert leaf.grad.tolist() == [6.0, 12.0]


def test_one_process():
    dist = nbnn.distributed
    assert not dist.is_available() and not dist.is_initialized() and dist.get_rank() == 0 and dist.get_world_size() == 1
    dist.barrier()
    dist.destroy_process_group()
    with pytest.raises(RuntimeError, match="one process"):
        dist.init_process_group("gloo", rank=0, world_size=2)
    inner = nbnn.nn.Linear(2, 1)
    model = nbnn.nn.parallel.DistributedDataParallel(inner, device_ids=None, find_unused_parameters=True)
    assert list(model.state_dict()) == ["module.weight", "module.bias"]
    with model.no_sync():
        assert nbnn.equal(model(nbnn.ones(1, 2)), inner(nbnn.ones(1, 2)))
    with pytest.raises(TypeError, match="`module` must be a Module"):
        nbnn.nn.parallel.DistributedDataParallel(3)


def test_names_that_change_nothing():
    @nbnn.jit.script
    def double(x):
        return x * 2

    model = nbnn.nn.Sequential(nbnn.nn.Linear(2, 2), nbnn.nn.ReLU())
    assert nbnn.jit.script(model) is model and nbnn.jit.trace(model, nbnn.ones(1, 2)) is model
    assert nbnn.jit.ignore(double) is double and nbnn.jit.ignore(drop=True)(double) is double
    assert nbnn.jit._overload_method(double) is double
    nbnn._assert(True, "never said")
    with pytest.raises(AssertionError, match="said"):
        nbnn._assert(nbnn.tensor(False), "said")
    assert nbnn.jit.annotate(int, 3) == 3 and not nbnn.jit.is_scripting() and not nbnn.jit.is_tracing()
    x = nbnn.ones(1, 2, requires_grad=True)
    for result in (
        nbnn.utils.checkpoint.checkpoint(model, x, use_reentrant=False, preserve_rng_state=True),
        nbnn.utils.checkpoint.checkpoint_sequential(model, 2, x, use_reentrant=False),
    ):
        assert nbnn.equal(result, model(x)) and result.requires_grad
    with nbnn.nn.attention.sdpa_kernel([nbnn.nn.attention.SDPBackend.MATH]):
        assert double(x).tolist() == [[2.0, 2.0]]
    assert nbnn.version.cuda is None
    if not nbnn.cuda.is_available():
        assert nbnn.cuda.memory_allocated() == 0
        with pytest.raises(RuntimeError, match="set_device: there is no GPU"):
            nbnn.cuda.set_device(0)
    state = nbnn.get_rng_state()
    with nbnn.random.fork_rng():
        nbnn.rand(3)
    assert nbnn.get_rng_state() == state
    assert nbnn.special.expit(nbnn.zeros(1)).tolist() == [0.5]


def test_paths_to_base_classes():
    with nbnn.as_torch():
        from torch.nn.modules.batchnorm import _BatchNorm
        from torch.nn.modules.conv import _ConvNd
        from torch.nn.modules.instancenorm import _InstanceNorm
        from torch.nn.modules.utils import _pair, _triple
        from torch.optim.optimizer import required

    assert isinstance(nbnn.nn.BatchNorm2d(3), _BatchNorm) and isinstance(nbnn.nn.Conv1d(1, 1, 1), _ConvNd)
    assert isinstance(nbnn.nn.InstanceNorm1d(3), _InstanceNorm)
    assert _pair(3) == (3, 3) and _triple([1, 2, 3]) == (1, 2, 3) and repr(required) == "<required parameter>"


def test_arguments_of_grad_and_empty_groups():
    x, y = nbnn.ones(2, requires_grad=True), nbnn.ones(2, requires_grad=True)
    assert nbnn.autograd.grad((x * 3).sum(), [x, y], None, None, False, True, None, False, True)[1].tolist() == [
        0.0,
        0.0,
    ]
    with pytest.raises(ValueError, match="grad: `only_inputs`"):
        nbnn.autograd.grad((x * 3).sum(), x, only_inputs=False)
    for make in (nbnn.optim.SGD, nbnn.optim.AdamW):
        optimizer = make([{"params": [], "weight_decay": 0.0}, {"params": [x]}], lr=0.1)
        (x * x).sum().backward()
        optimizer.step()
        optimizer.load_state_dict(optimizer.state_dict())
        optimizer.zero_grad()
    assert float(x.detach().max()) < 1 and nbnn.optim.lr_scheduler._LRScheduler is nbnn.optim.lr_scheduler.LRScheduler


def test_polar_coordinates():
    size, angle = nbnn.tensor([[2.0], [0.5]], requires_grad=True), nbnn.tensor([0.0, 1.0, -2.0], requires_grad=True)
    z = nbnn.polar(size, angle)
    np.testing.assert_allclose(z.detach().numpy(), size.detach().numpy() * np.exp(1j * angle.detach().numpy()), 1e-6)
    nbnn.view_as_real(z).sum().backward()
    slope = np.cos(angle.detach().numpy()) + np.sin(angle.detach().numpy())
    np.testing.assert_allclose(size.grad.numpy().ravel(), [slope.sum()] * 2, 1e-6)
    with pytest.raises(TypeError, match="polar: all inputs must have one dtype"):
        nbnn.polar(size, angle.double())
    with pytest.raises(ValueError, match="polar: the shapes must broadcast"):
        nbnn.polar(nbnn.ones(2), angle)


def test_the_op_that_makes_a_nan_on_the_way_back_is_named():
    x = nbnn.zeros(2, requires_grad=True)
    made = (nbnn.sqrt(x) * 0.0).sum()
    with nbnn.autograd.detect_anomaly(), pytest.raises(RuntimeError, match="^sqrt: its gradient of input 0"):
        made.backward(retain_graph=True)
    with nbnn.autograd.set_detect_anomaly(True):
        (x * 2.0).sum().backward()
        with nbnn.autograd.set_detect_anomaly(False):
            made.backward(retain_graph=True)
        with pytest.raises(RuntimeError, match="holds NaN"):
            nbnn.autograd.grad(made, x, retain_graph=True)
    made.backward()
    assert x.grad.isnan().all()
