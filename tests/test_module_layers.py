"""What the layers have as Modules: arguments, values, text and names like torch's."""

from __future__ import annotations

from collections import OrderedDict

import numpy as np
import pytest

import nbnn
import nbnn.nn as nn


def values(t):
    return t.detach().numpy()


BAD_ARGUMENTS = [
    (lambda: nn.Conv2d(3, 4, 3, groups=2), ValueError, r"`in_channels` \(=3\) must be divisible by `groups` \(=2\)"),
    (lambda: nn.Conv2d(4, 3, 3, groups=2), ValueError, r"Conv2d: `out_channels` \(=3\) must be divisible"),
    (lambda: nn.Conv1d(4, 3, 3, groups=0), ValueError, r"Conv1d: `groups` \(=0\) must be at least 1"),
    (lambda: nn.Conv1d(4, 3, 0), ValueError, r"`kernel_size` \(=0\) must be at least 1"),
    (lambda: nn.Conv3d(4, 3, (1, 2)), ValueError, r"`kernel_size` \(=\(1, 2\)\) must be an int or 3 ints"),
    (lambda: nn.Conv2d(4, 3, 3, stride=0), ValueError, r"`stride` \(=0\) must be at least 1"),
    (lambda: nn.Conv2d(4, 3, 3, padding=-1), ValueError, r"`padding` \(=-1\) must be at least 0"),
    (lambda: nn.Conv2d(4, 3, 3, padding="full"), ValueError, r"`padding` \(='full'\) must be ints, 'same' or 'valid'"),
    (lambda: nn.Conv2d(4, 3, 3, padding="same", stride=2), ValueError, r"needs a `stride` of 1, or .*; got \(2, 2\)"),
    (lambda: nn.Conv2d(4, 3, 3, padding_mode="mirror"), ValueError, r"`padding_mode` \(='mirror'\) must be one of"),
    (lambda: nn.Conv2d(2.0, 3, 3), TypeError, r"`in_channels` \(=2.0\) must be an int; got float"),
    (lambda: nn.Linear(-1, 3), ValueError, r"Linear: `in_features` \(=-1\) must be at least 0"),
    (lambda: nn.Linear(True, 3), TypeError, r"`in_features` \(=True\) must be an int; got bool"),
    (lambda: nn.BatchNorm1d("3"), TypeError, r"BatchNorm1d: `num_features` \(='3'\) must be an int"),
    (lambda: nn.BatchNorm2d(3)(nbnn.ones(2, 3)), ValueError, r"must have shape \(N, C, H, W\); got input \(2, 3\)"),
    (lambda: nn.MaxPool2d(0), ValueError, r"MaxPool2d: `kernel_size` \(=0\) must be at least 1"),
    (lambda: nn.MaxPool2d(2, stride=(1, 2, 3)), ValueError, r"`stride` \(=\(1, 2, 3\)\) must be an int or 2 ints"),
    (lambda: nn.Dropout(1.5), ValueError, r"Dropout: `p` \(=1.5\) must be between 0 and 1"),
    (lambda: nn.Dropout(float("nan")), ValueError, r"`p` \(=nan\)"),
    (lambda: nn.Flatten("x"), TypeError, r"Flatten: `start_dim` \(='x'\) must be an int"),
    (lambda: nn.MSELoss(reduction="total"), ValueError, r"MSELoss: `reduction` \(='total'\) must be one of"),
    (lambda: nn.NLLLoss(weight=[1.0]), TypeError, r"must be a Tensor or None; got list"),
    (lambda: nn.CrossEntropyLoss(label_smoothing=2), ValueError, r"`label_smoothing` \(=2\) must be between 0 and 1"),
]  # fmt: skip


@pytest.mark.parametrize("case", range(len(BAD_ARGUMENTS)))
def test_constructors_refuse_bad_arguments(case):
    make, error, message = BAD_ARGUMENTS[case]
    with pytest.raises(error, match=message):
        make()


def test_old_spellings_of_reductions():
    for words, reduction in (
        ({"size_average": False}, "sum"),
        ({"reduce": False}, "none"),
        ({"size_average": True}, "mean"),
    ):
        with pytest.warns(DeprecationWarning, match=f"reduction='{reduction}'"):
            assert nn.MSELoss(**words).reduction == reduction


def test_layers_compute():
    x = nbnn.tensor([[-1.0, 0.0, 2.0]])
    assert nn.ReLU()(x).tolist() == [[0, 0, 2]]
    np.testing.assert_allclose(values(nn.Tanh()(x)), np.tanh(values(x)), rtol=1e-6)
    np.testing.assert_allclose(values(nn.Sigmoid()(x)), 1 / (1 + np.exp(-values(x))), rtol=1e-6)
    np.testing.assert_allclose(values(nn.Softmax(1)(x)).sum(), 1, rtol=1e-6)
    np.testing.assert_allclose(values(nn.LogSoftmax(1)(x)), np.log(values(nn.Softmax(1)(x))), rtol=1e-5)
    assert nn.Flatten()(nbnn.ones(2, 3, 4)).shape == (2, 12)
    assert nn.Flatten(0, 1)(nbnn.ones(2, 3, 4)).shape == (6, 4)
    layer = nn.Linear(3, 2)
    np.testing.assert_allclose(values(layer(x)), values(x) @ values(layer.weight).T + values(layer.bias), rtol=1e-5)
    assert nn.Linear(3, 2, bias=False).bias is None
    assert nn.Conv1d(2, 4, 3, groups=2)(nbnn.ones(1, 2, 5)).shape == (1, 4, 3)
    assert nn.Conv2d(2, 4, 3, padding="same")(nbnn.ones(1, 2, 5, 6)).shape == (1, 4, 5, 6)
    assert nn.Conv3d(1, 2, 2, stride=2)(nbnn.ones(1, 1, 4, 4, 4)).shape == (1, 2, 2, 2, 2)
    assert nn.MaxPool1d(2)(nbnn.ones(1, 1, 4)).shape == (1, 1, 2)
    out, where = nn.MaxPool2d(2, return_indices=True)(nbnn.ones(1, 1, 4, 4))
    assert out.shape == where.shape == (1, 1, 2, 2) and where.dtype is nbnn.int64
    assert nn.MaxPool3d(3, 1, 1)(nbnn.ones(1, 1, 2, 2, 2)).shape == (1, 1, 2, 2, 2)
    assert nn.MSELoss(reduction="sum")(x, x + 1).item() == 3
    target = nbnn.tensor([2])
    logs = nn.LogSoftmax(1)(x)
    np.testing.assert_allclose(nn.NLLLoss()(logs, target).item(), -logs.tolist()[0][2], rtol=1e-6)
    np.testing.assert_allclose(nn.CrossEntropyLoss()(x, target).item(), -logs.tolist()[0][2], rtol=1e-6)


def test_batch_norm_tracks():
    x = nbnn.tensor([[0.0, 1.0], [2.0, 5.0]])
    norm = nn.BatchNorm1d(2)
    norm(x)
    np.testing.assert_allclose(values(norm.running_mean), [0.1, 0.3], rtol=1e-6)
    np.testing.assert_allclose(values(norm.running_var), [0.9 + 0.1 * 2, 0.9 + 0.1 * 8], rtol=1e-6)
    assert norm.num_batches_tracked.item() == 1
    average = nn.BatchNorm1d(2, momentum=None)
    average(x)
    average(x + 3)
    np.testing.assert_allclose(values(average.running_mean), [2.5, 4.5], rtol=1e-6)
    average.eval()(x)
    assert average.num_batches_tracked.item() == 2
    average.reset_running_stats()
    assert values(average.running_mean).tolist() == [0, 0] and average.num_batches_tracked.item() == 0
    plain = nn.BatchNorm1d(2, affine=False, track_running_stats=False).eval()
    np.testing.assert_allclose(values(plain(x)), [[-1, -1], [1, 1]], rtol=1e-4)
    assert nn.BatchNorm1d(2, bias=False).bias is None
    assert nn.BatchNorm2d(2)(nbnn.ones(1, 2, 2, 2)).shape == (1, 2, 2, 2)
    assert nn.BatchNorm3d(2)(nbnn.ones(1, 2, 2, 2, 2)).shape == (1, 2, 2, 2, 2)


def test_dropout_follows_the_mode():
    nbnn.manual_seed(0)
    layer = nn.Dropout(0.5)
    x = nbnn.ones(1000)
    dropped = values(layer(x))
    assert set(np.unique(dropped)) == {0, 2} and 400 < (dropped == 0).sum() < 600
    assert (values(layer.eval()(x)) == 1).all()


# -- text, and agreement with torch --------------------------------------------------------------------------------


def models(nn):
    """Models of either library."""
    return [
        nn.Sequential(
            nn.Conv2d(3, 8, 3, padding=1, bias=False), nn.BatchNorm2d(8), nn.ReLU(inplace=True), nn.MaxPool2d(2)
        ),
        nn.Sequential(OrderedDict(flat=nn.Flatten(), out=nn.Linear(4, 2, bias=False), soft=nn.LogSoftmax(dim=1))),
        nn.ModuleList([nn.Linear(2, 2), nn.Linear(2, 2), nn.Dropout(0.1), nn.ModuleList(), nn.Sequential()]),
        nn.ModuleList([nn.Sequential(nn.Linear(2, 2), nn.ReLU()) for _ in range(3)]),
        nn.ModuleDict({"a": nn.Tanh(), "b": nn.ModuleDict({"c": nn.Sigmoid(), "d": nn.Softmax(1)})}),
        nn.Conv1d(4, 8, (3,), stride=2, padding=1, dilation=2, groups=2),
        nn.Conv2d(4, 8, (3, 5), padding="same"),
        nn.Conv3d(4, 8, 3, padding="valid"),
        nn.Sequential(nn.MaxPool1d(3, 2, 1, 1, True, True), nn.MaxPool2d((2, 3)), nn.MaxPool3d(2, dilation=2)),
        nn.Sequential(nn.BatchNorm1d(3, affine=False, momentum=None), nn.BatchNorm3d(3, track_running_stats=False)),
        nn.Sequential(nn.BatchNorm1d(3, bias=False), nn.Identity(3, a=1), nn.Softmax()),
        nn.ModuleList([nn.NLLLoss(), nn.CrossEntropyLoss(label_smoothing=0.1), nn.MSELoss(reduction="sum")]),
        nn.Module(),
        nn.ParameterList([3]),
        nn.ParameterList([3, "x"]),
        nn.ParameterDict({"b": 4, "c": nn.ParameterList([2])}),
    ]


@pytest.mark.parametrize("case", range(16))
def test_text_and_names_are_those_of_torch(case):
    torch = pytest.importorskip("torch")
    ours, theirs = models(nn)[case], models(torch.nn)[case]
    assert repr(ours) == repr(theirs)
    assert list(ours.state_dict()) == list(theirs.state_dict())
    for walk in ("named_parameters", "named_buffers", "named_modules", "named_children"):
        assert [n for n, _ in getattr(ours, walk)()] == [n for n, _ in getattr(theirs, walk)()]
    assert [tuple(p.shape) for p in ours.parameters()] == [tuple(p.shape) for p in theirs.parameters()]
    assert len(models(nn)) == 16


def test_text_of_parameter_containers():
    torch = pytest.importorskip("torch")
    ours = nn.ParameterList([nbnn.zeros(2, 3), nbnn.zeros(())])
    theirs = torch.nn.ParameterList([torch.zeros(2, 3), torch.zeros(())])
    assert repr(ours) == repr(theirs).replace("torch.", "nbnn.")


def test_a_state_dict_of_torch_loads():
    torch = pytest.importorskip("torch")
    theirs = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.BatchNorm1d(4))
    ours = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4))
    ours.load_state_dict(theirs.state_dict())
    assert (values(ours[0].weight) == theirs[0].weight.detach().numpy()).all()


def test_html_folds_and_escapes():
    class Odd(nn.Module):
        def extra_repr(self):
            return "<b>"

    net = nn.Sequential(nn.Linear(2, 3), nn.Sequential(Odd()))
    net[0].bias.requires_grad_(False)
    net.add_module("none", None)
    page = net._repr_html_()
    assert page.count("<details") == page.count("</details>") == 2
    assert "9 parameters, 3 frozen" in page and "&lt;b&gt;" in page and "(none): None" in page


def test_dir_lists_members_that_can_be_typed():
    names = dir(nn.Sequential(nn.ReLU()))
    assert "0" not in names and "forward" in names
    assert {"weight", "bias"} <= set(dir(nn.Linear(1, 1)))


def test_a_call_costs_little():
    import timeit

    class Nothing(nn.Module):
        def forward(self, x):
            return x

    layer = Nothing()
    call = min(timeit.repeat(lambda: layer(1), number=20000, repeat=5)) / 20000
    forward = min(timeit.repeat(lambda: layer.forward(1), number=20000, repeat=5)) / 20000
    assert call - forward < 2e-6  # 0.15 us when measured alone
