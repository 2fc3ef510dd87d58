"""Every Module beside torch's: the same text, names, state and numbers, in training and in evaluation."""

from __future__ import annotations

import numpy as np
import pytest

import nbnn

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.parity

MODES = ("reflect", "replicate", "circular")

# class, positional arguments, keyword arguments, shapes of the inputs
LAYERS: list[tuple[str, tuple, dict, tuple]] = [
    *(
        (f"Conv{d}d", (4, 6, 3), {"padding": 1, "padding_mode": mode}, ((2, 4, 5, 6, 7)[: d + 2],))
        for d in (1, 2, 3)
        for mode in MODES
    ),
    ("Conv1d", (4, 6, 2), {"padding": "same", "padding_mode": "reflect", "bias": False}, ((2, 4, 9),)),
    (
        "Conv2d",
        (4, 6, (3, 2)),
        {"padding": "same", "dilation": 2, "groups": 2, "padding_mode": "circular"},
        ((2, 4, 8, 9),),
    ),
    ("Conv2d", (3, 5, 3, 2), {}, ((3, 9, 8),)),
    ("Conv3d", (2, 4, (1, 2, 3), (2, 1, 1)), {"padding": (0, 1, 2), "groups": 2}, ((1, 2, 4, 5, 6),)),
    ("ConvTranspose1d", (4, 6, 3, 2), {"output_padding": 1, "groups": 2}, ((2, 4, 7),)),
    ("ConvTranspose2d", (3, 5, 4, 2, 1), {"bias": False}, ((2, 3, 5, 6),)),
    ("ConvTranspose3d", (2, 3, 2, 2), {}, ((1, 2, 3, 3, 4),)),
    ("Linear", (5, 3), {"bias": False}, ((2, 4, 5),)),
    ("Linear", (5, 3), {}, ((5,),)),
    ("BatchNorm1d", (4,), {}, ((6, 4),)),
    ("BatchNorm1d", (4, 1e-3, None), {}, ((6, 4, 5),)),
    ("BatchNorm2d", (4,), {"affine": False}, ((3, 4, 5, 2),)),
    ("BatchNorm3d", (4,), {"track_running_stats": False}, ((2, 4, 3, 2, 2),)),
    ("BatchNorm2d", (4,), {"bias": False, "momentum": 0.3}, ((3, 4, 5, 2),)),
    ("InstanceNorm1d", (4,), {}, ((3, 4, 6),)),
    ("InstanceNorm2d", (4,), {"affine": True, "track_running_stats": True}, ((3, 4, 5, 6),)),
    ("InstanceNorm3d", (4,), {"affine": True, "bias": False}, ((2, 4, 3, 2, 4),)),
    ("LayerNorm", ((3, 5),), {}, ((4, 3, 5),)),
    ("LayerNorm", (5,), {"bias": False, "eps": 1e-3}, ((4, 3, 5),)),
    ("LayerNorm", (5,), {"elementwise_affine": False}, ((5,),)),
    ("RMSNorm", ((3, 5),), {}, ((4, 3, 5),)),
    ("RMSNorm", (5,), {"eps": 1e-2, "elementwise_affine": False}, ((4, 3, 5),)),
    ("GroupNorm", (2, 6), {}, ((3, 6, 4, 2),)),
    ("GroupNorm", (3, 6), {"affine": False}, ((3, 6),)),
    *(
        (name, (), {}, ((3, 7),))
        for name in (
            "CELU",
            "ELU",
            "GELU",
            "Hardshrink",
            "Hardsigmoid",
            "Hardswish",
            "Hardtanh",
            "LeakyReLU",
            "LogSigmoid",
            "Mish",
            "PReLU",
            "ReLU",
            "ReLU6",
            "SELU",
            "SiLU",
            "Sigmoid",
            "Softplus",
            "Softshrink",
            "Softsign",
            "Tanh",
            "Tanhshrink",
        )
    ),
    ("CELU", (0.5,), {}, ((3, 7),)),
    ("ELU", (0.7, True), {}, ((3, 7),)),
    ("GELU", ("tanh",), {}, ((3, 7),)),
    ("Hardtanh", (-0.5, 0.3), {}, ((3, 7),)),
    ("LeakyReLU", (0.2,), {}, ((3, 7),)),
    ("PReLU", (4, 0.1), {}, ((3, 4, 2),)),
    ("Softplus", (2.0, 1.0), {}, ((3, 7),)),
    ("Threshold", (0.1, 20), {}, ((3, 7),)),
    ("GLU", (), {}, ((3, 8),)),
    ("GLU", (1,), {}, ((3, 4, 2),)),
    ("Softmax", (1,), {}, ((3, 4, 2),)),
    ("LogSoftmax", (-1,), {}, ((3, 4, 2),)),
    ("Softmin", (0,), {}, ((3, 4),)),
    ("Softmax2d", (), {}, ((3, 4, 2, 2),)),
    *((f"MaxPool{d}d", (2,), {"padding": 1, "ceil_mode": True}, ((2, 3, 7, 6, 5)[: d + 2],)) for d in (1, 2, 3)),
    *(
        (f"AvgPool{d}d", (3, 2), {"padding": 1, "count_include_pad": False}, ((2, 3, 7, 6, 5)[: d + 2],))
        for d in (1, 2, 3)
    ),
    *((f"LPPool{d}d", (2.0, 2), {}, ((2, 3, 6, 6, 5)[: d + 2],)) for d in (1, 2, 3)),
    *((f"AdaptiveAvgPool{d}d", (3,), {}, ((2, 3, 7, 6, 5)[: d + 2],)) for d in (1, 2, 3)),
    *((f"AdaptiveMaxPool{d}d", (2,), {}, ((2, 3, 7, 6, 5)[: d + 2],)) for d in (1, 2, 3)),
    ("AdaptiveAvgPool2d", ((None, 2),), {}, ((2, 3, 5, 6),)),
    *(
        (f"{kind}Pad{d}d", (1,), {}, ((2, 3, 4, 5, 6)[: d + 2],))
        for kind in ("Reflection", "Replication", "Circular", "Zero")
        for d in (1, 2, 3)
    ),
    *((f"ConstantPad{d}d", (2, 1.5), {}, ((2, 3, 4, 5, 6)[: d + 2],)) for d in (1, 2, 3)),
    ("ZeroPad2d", ((1, 2, -1, 0),), {}, ((2, 3, 4, 5),)),
    ("PixelShuffle", (2,), {}, ((2, 8, 3, 4),)),
    ("PixelUnshuffle", (2,), {}, ((2, 3, 4, 6),)),
    ("ChannelShuffle", (2,), {}, ((2, 6, 3, 4),)),
    ("Flatten", (), {}, ((2, 3, 4),)),
    ("Unflatten", (1, (2, -1)), {}, ((2, 6, 3),)),
    ("SyncBatchNorm", (4,), {"momentum": 0.3}, ((3, 4, 5, 2),)),
    ("Identity", (3,), {"a": 1}, ((2, 3),)),
    ("Upsample", (), {"scale_factor": 2}, ((2, 3, 4, 5),)),
    ("Upsample", ((7, 6),), {"mode": "bilinear"}, ((2, 3, 4, 5),)),
    ("Upsample", (), {"scale_factor": 1.5, "mode": "bicubic", "align_corners": True}, ((2, 3, 4, 5),)),
    ("UpsamplingNearest2d", (), {"scale_factor": 3}, ((2, 3, 4, 5),)),
    ("UpsamplingBilinear2d", (6,), {}, ((2, 3, 4, 5),)),
    *((name, (), {}, ((4, 3), (4, 3))) for name in ("MSELoss", "L1Loss", "SmoothL1Loss", "HuberLoss")),
    ("SmoothL1Loss", (), {"beta": 0.3, "reduction": "sum"}, ((4, 3), (4, 3))),
    ("HuberLoss", ("none", 0.5), {}, ((4, 3), (4, 3))),
    ("Dropout", (0.0,), {}, ((4, 3),)),
    ("Dropout2d", (0.0,), {}, ((4, 3, 2, 2),)),
    ("AlphaDropout", (0.0,), {}, ((4, 3),)),
    *(
        (name, (5, 4), {"bias": bias}, ((3, 5),))
        for name in ("RNNCell", "LSTMCell", "GRUCell")
        for bias in (True, False)
    ),
    *((name, (5, 4, 2), {"bidirectional": True}, ((6, 3, 5),)) for name in ("RNN", "LSTM", "GRU")),
    *((name, (5, 4), {"batch_first": True, "bias": False}, ((3, 6, 5),)) for name in ("RNN", "LSTM", "GRU")),
    ("RNN", (5, 4), {"nonlinearity": "relu"}, ((6, 5),)),
    ("LSTM", (5, 4, 2), {"proj_size": 3}, ((6, 3, 5),)),
    ("MultiheadAttention", (8, 2), {}, ((3, 2, 8), (5, 2, 8), (5, 2, 8))),
    ("MultiheadAttention", (8, 4), {"bias": False, "add_bias_kv": True}, ((3, 8), (5, 8), (5, 8))),
    (
        "MultiheadAttention",
        (8, 2),
        {"add_zero_attn": True, "kdim": 3, "vdim": 5, "batch_first": True},
        ((2, 3, 8), (2, 4, 3), (2, 4, 5)),
    ),
    ("TransformerEncoderLayer", (8, 2, 12, 0.0), {}, ((5, 3, 8),)),
    ("TransformerEncoderLayer", (8, 2, 12, 0.0, "gelu"), {"norm_first": True, "batch_first": True}, ((3, 5, 8),)),
    ("TransformerEncoderLayer", (8, 4, 12, 0.0), {"bias": False, "layer_norm_eps": 1e-2}, ((5, 8),)),
    ("TransformerDecoderLayer", (8, 2, 12, 0.0), {}, ((4, 3, 8), (5, 3, 8))),
    ("TransformerDecoderLayer", (8, 2, 12, 0.0, "gelu"), {"norm_first": True}, ((4, 3, 8), (5, 3, 8))),
    ("TransformerDecoderLayer", (8, 2, 12, 0.0), {"bias": False, "batch_first": True}, ((3, 4, 8), (3, 5, 8))),
    ("Transformer", (8, 2, 1, 2, 12, 0.0), {}, ((5, 3, 8), (4, 3, 8))),
    ("Transformer", (8, 2, 2, 1, 12, 0.0), {"norm_first": True, "batch_first": True}, ((3, 5, 8), (3, 4, 8))),
    ("Transformer", (8, 2, 1, 1, 12, 0.0), {"bias": False}, ((5, 8), (4, 8))),
]


def _flat(outputs):
    """The Tensors of what a Module returns."""
    if not isinstance(outputs, tuple):
        return [outputs]
    return [t for part in outputs for t in _flat(part)]


def _label(case):
    name, args, kwargs, _ = case
    return f"{name}({', '.join([*map(repr, args), *(f'{k}={v!r}' for k, v in kwargs.items())])})"


def _state(module):
    return {name: tuple(value.shape) for name, value in module.state_dict().items()}


@pytest.mark.filterwarnings("ignore:LSTM with projections")  # torch says which of its paths it takes
@pytest.mark.filterwarnings("ignore:enable_nested_tensor")
@pytest.mark.parametrize("case", LAYERS, ids=map(_label, LAYERS))
def test_module_is_torchs_twin(case):
    name, args, kwargs, shapes = case
    torch.manual_seed(1)
    theirs, ours = getattr(torch.nn, name)(*args, **kwargs), getattr(nbnn.nn, name)(*args, **kwargs)
    assert repr(ours) == repr(theirs)
    assert _state(ours) == _state(theirs) and list(_state(ours)) == list(_state(theirs))
    assert [n for n, _ in ours.named_parameters()] == [n for n, _ in theirs.named_parameters()]
    ours.load_state_dict(theirs.state_dict())
    rng = np.random.default_rng(0)
    arrays = [rng.standard_normal(shape).astype(np.float32) for shape in shapes]
    for training in (True, False):
        sides = []
        for library, module in ((nbnn, ours), (torch, theirs)):
            module.train(training).zero_grad()
            inputs = [library.from_numpy(a.copy()).requires_grad_() for a in arrays]
            inplace = getattr(module, "inplace", False)
            outs = _flat(module(*[x * 1 for x in inputs] if inplace else inputs))
            sum((o * o).sum() * (k + 1) for k, o in enumerate(outs)).backward()
            grads = [x.grad for x in inputs] + [p.grad for p in module.parameters()]
            sides.append([t.detach().numpy() for t in (*outs, *grads)])
        for k, (mine, wanted) in enumerate(zip(*sides, strict=True)):
            assert mine.shape == wanted.shape and mine.dtype == wanted.dtype
            scale = max(1.0, float(np.abs(wanted).max()))
            np.testing.assert_allclose(
                mine, wanted, rtol=2e-4, atol=2e-5 * scale, err_msg=f"number {k}, training={training}"
            )
    for key, value in ours.state_dict().items():  # running statistics
        np.testing.assert_allclose(value.numpy(), theirs.state_dict()[key].numpy(), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", ["Linear", "Conv2d", "BatchNorm1d", "LSTM", "GRUCell", "LayerNorm"])
def test_state_goes_over_and_back_in_float64(name):
    """Not by way of float32, which torch's Tensors once took as objects with numbers in them."""
    args = {"Conv2d": (3, 4, 2), "BatchNorm1d": (4,), "LayerNorm": (4,)}.get(name, (3, 4))
    theirs = getattr(torch.nn, name)(*args, dtype=torch.float64)
    ours = getattr(nbnn.nn, name)(*args, dtype=nbnn.float64)
    with torch.no_grad():
        for t in theirs.state_dict().values():
            t.copy_(torch.rand(t.shape, dtype=torch.float64) * 3)
    for assign in (False, True):
        ours.load_state_dict(theirs.state_dict(), assign=assign)
        for key, value in ours.state_dict().items():
            assert value.dtype is (nbnn.int64 if key == "num_batches_tracked" else nbnn.float64)
            np.testing.assert_array_equal(value.numpy(), theirs.state_dict()[key].numpy())
    again = getattr(torch.nn, name)(*args, dtype=torch.float64)
    again.load_state_dict({key: torch.from_numpy(value.numpy()) for key, value in ours.state_dict().items()})
    for key, value in again.state_dict().items():
        assert torch.equal(value, theirs.state_dict()[key])


def _normed(library, path, module, **options):
    space = library.nn.utils
    for part in path.split("."):
        space = getattr(space, part)
    return space(module, **options)


@pytest.mark.filterwarnings("ignore:`torch.nn.utils.weight_norm`")
@pytest.mark.filterwarnings("ignore:torch.nn.utils.weight_norm")
@pytest.mark.parametrize("options", [{}, {"dim": 1}], ids=["usual", "dim"])
@pytest.mark.parametrize("layer", [("Linear", (5, 4)), ("Conv1d", (5, 4, 3)), ("ConvTranspose1d", (5, 4, 3))])
@pytest.mark.parametrize(
    "path", ["weight_norm", "spectral_norm", "parametrizations.weight_norm", "parametrizations.spectral_norm"]
)
def test_normed_layers_train_alike(path, layer, options):
    """Names, outputs and gradients; and the singular vectors of spectral norm after steps of training."""
    name, args = layer
    theirs, ours = (_normed(lib, path, getattr(lib.nn, name)(*args), **options) for lib in (torch, nbnn))
    assert _state(ours) == _state(theirs) and list(_state(ours)) == list(_state(theirs))
    assert repr(ours) == repr(theirs)
    ours.load_state_dict(theirs.state_dict())
    x = np.random.default_rng(0).standard_normal((3, 5) if name == "Linear" else (3, 5, 6)).astype(np.float32)
    for training in (True, True, False):
        sides = []
        for library, module in ((nbnn, ours), (torch, theirs)):
            module.train(training).zero_grad()
            out = module(library.from_numpy(x.copy()))
            (out * out).sum().backward()
            sides.append([t.detach().numpy() for t in (out, *(p.grad for p in module.parameters()))])
        for mine, wanted in zip(*sides, strict=True):
            np.testing.assert_allclose(mine, wanted, rtol=2e-4, atol=2e-5 * max(1.0, float(np.abs(wanted).max())))
    for key, value in ours.state_dict().items():
        np.testing.assert_allclose(value.numpy(), theirs.state_dict()[key].numpy(), rtol=1e-4, atol=1e-5, err_msg=key)
