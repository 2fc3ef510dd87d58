"""Issues of PyTorch (the numbers in the names) that must not be issues here: what was asked for, and what crashed.

Attention's stand in test_multi_head.py, those of ctc_loss in cases/ctc.py, of recurrent layers in
test_torch_issues_2.py, of empty batches in test_empty_batch.py.
"""

import itertools
import math

import numpy as np
import pytest

import nbnn
import nbnn.nn as nn
import nbnn.nn.functional as F

INF, NAN = math.inf, math.nan


def leaf(*shape):
    return nbnn.randn(*shape, dtype=nbnn.float64, requires_grad=True)


# -- losses --------------------------------------------------------------------------------------------------------


def losses_of_classes(x, target, weight, ignored, reduction, smoothing):
    """The definition, element by element."""
    c = x.shape[1]
    x, target = np.moveaxis(x, 1, -1).reshape(-1, c), target.reshape(-1)
    each, weights = [], []
    for row, t in zip(x, target, strict=True):
        if t == ignored:
            each.append(0.0)
            weights.append(0.0)
            continue
        logs = row - np.log(np.exp(row).sum())
        each.append(-(1 - smoothing) * weight[t] * logs[t] - smoothing / c * (weight * logs).sum())
        weights.append(weight[t])
    if reduction == "none":
        return np.array(each)
    return sum(each) / (sum(weights) if reduction == "mean" else 1.0)


COMBINATIONS = list(itertools.product(((5, 3), (2, 3, 4)), (False, True), (-100, 1, 7), (0.0, 0.2), ("mean", "none")))


@pytest.mark.parametrize(("shape", "weighted", "ignored", "smoothing", "reduction"), COMBINATIONS)
def test_69339_72056_73205_91383_cross_entropy_in_every_combination(shape, weighted, ignored, smoothing, reduction):
    random = np.random.default_rng(1)
    x, weight = random.normal(size=shape), random.uniform(0.5, 2, 3)
    target = random.integers(0, 3, (shape[0], *shape[2:]))
    target[0] = ignored  # inside [0, C), above and below
    wanted = losses_of_classes(x, target, weight if weighted else np.ones(3), ignored, reduction, smoothing)
    got = F.cross_entropy(
        x, target, weight if weighted else None, ignore_index=ignored, reduction=reduction, label_smoothing=smoothing
    )
    np.testing.assert_allclose(np.ravel(got), np.ravel(wanted), rtol=1e-9)


@pytest.mark.parametrize("smoothing", [0.0, 0.3])
def test_73205_a_one_hot_target_of_probabilities_is_the_class(smoothing):
    x, target = leaf(4, 3), nbnn.tensor([0, 2, 1, 1])
    weight = nbnn.tensor([0.5, 2.0, 1.0], dtype=nbnn.float64)
    hard = F.cross_entropy(x, target, weight, reduction="sum", label_smoothing=smoothing)
    soft = F.cross_entropy(x, F.one_hot(target, 3).double(), weight, reduction="sum", label_smoothing=smoothing)
    assert hard.item() == pytest.approx(soft.item(), rel=1e-12)


@pytest.mark.parametrize("loss", [F.cross_entropy, F.nll_loss])
def test_91383_all_targets_ignored(loss):
    x, target = leaf(2, 3), nbnn.tensor([-100, -100])
    assert math.isnan(loss(x, target).item())
    zero = loss(x, target, all_ignored="zero")
    zero.backward()
    assert zero.item() == 0
    assert x.grad.tolist() == [[0.0] * 3] * 2
    half = nbnn.tensor([-100, 1])
    assert loss(x, half, all_ignored="zero").item() == loss(x, half).item()
    assert loss(x.detach().half(), target, all_ignored="zero").item() == 0
    with pytest.raises(ValueError, match="`all_ignored` \\(='0'\\) must be one of 'nan', 'zero'"):
        loss(x, target, all_ignored="0")


def test_91383_all_targets_ignored_in_modules():
    x, target = nbnn.zeros(2, 3), nbnn.tensor([1, 1])
    for kind in (nn.CrossEntropyLoss, nn.NLLLoss):
        assert kind(ignore_index=1, all_ignored="zero")(x, target).item() == 0


BROADCASTING = {
    "mse_loss": F.mse_loss, "l1_loss": F.l1_loss, "smooth_l1_loss": F.smooth_l1_loss, "huber_loss": F.huber_loss,
    "hinge_embedding_loss": F.hinge_embedding_loss,
    "poisson_nll_loss": F.poisson_nll_loss, "kl_div": lambda x, t, reduction: F.kl_div(x, t, reduction=reduction),
}  # fmt: skip


@pytest.mark.parametrize("name", BROADCASTING)
def test_4938_18349_19699_78867_shapes_that_broadcast_warn_and_name_both(name):
    x, target = leaf(3, 1), nbnn.ones(4, dtype=nbnn.float64)
    message = rf"^{name}: `target` has shape \(4,\) and `input` \(3, 1\): they are broadcast, .*give both the same"
    with pytest.warns(UserWarning, match=message):
        loss = BROADCASTING[name](x, target, reduction="none")
    assert loss.shape == (3, 4)
    loss.sum().backward()
    assert x.grad.shape == (3, 1)


@pytest.mark.parametrize("name", ["binary_cross_entropy", "binary_cross_entropy_with_logits"])
def test_19699_probabilities_must_have_the_shape_of_the_target(name):
    with pytest.raises(ValueError, match=rf"^{name}: .*\(3, 1\).*\(3,\)|^{name}: .*\(3,\).*\(3, 1\)"):
        getattr(F, name)(nbnn.full((3, 1), 0.5), nbnn.ones(3))


def test_138810_batchmean_divides_by_the_batch_that_is_computed():
    x, target = leaf(1, 3), nbnn.full((4, 3), 1 / 3, dtype=nbnn.float64)
    with pytest.warns(UserWarning, match="are broadcast"):
        got = F.kl_div(x, target, reduction="batchmean")
    wanted = F.kl_div(x.expand(4, 3), target, reduction="batchmean")
    assert got.item() == pytest.approx(wanted.item(), rel=1e-12)


def test_2259_6622_the_mean_of_a_divergence_warns():
    x = nbnn.full((2, 3), -1.0)
    with pytest.warns(UserWarning, match="^kl_div: `reduction` 'mean' divides by the number of elements"):
        F.kl_div(x, -x)


# -- pooling -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("value", [-INF, INF, NAN])
@pytest.mark.parametrize("n", [1, 2, 3])
def test_1197_1465_20465_40131_7336_positions_are_valid_whatever_a_window_holds(value, n):
    for kind in (nbnn.float32, nbnn.float64):
        x = nbnn.full((1, 2, *(4,) * n), value, dtype=kind)
        y, index = getattr(F, f"max_pool{n}d")(x, 3, 1, 1, return_indices=True)
        assert index.dtype is nbnn.int64
        assert index.min().item() >= 0 and index.max().item() < 4**n
        np.testing.assert_array_equal(y.numpy(), np.full(y.shape, value))
        back = getattr(F, f"max_unpool{n}d")(*getattr(F, f"max_pool{n}d")(x, 2, return_indices=True), 2)
        assert back.shape == x.shape


def test_20465_23161_nan_is_the_largest_and_the_first_of_equals_wins():
    y, index = F.max_pool1d(nbnn.tensor([[1.0, NAN, 5.0, 2.0, 2.0, 2.0]]), 3, return_indices=True)
    assert math.isnan(y[0, 0].item())
    assert index.tolist() == [[1, 3]]


@pytest.mark.parametrize("bad", [-1, 64, 2**40, -(2**63), 2**63 - 1])
def test_91555_152804_152913_144836_unpooling_refuses_positions_outside(bad):
    for n in (1, 2, 3):
        index = nbnn.zeros(1, 1, *(2,) * n, dtype=nbnn.int64)
        index[(0,) * (n + 2)] = bad
        with pytest.raises(
            IndexError, match=rf"^max_unpool{n}d: `indices`\[0.* \(={bad}\) must be in \[0, {4**n - 1}\]"
        ):
            getattr(F, f"max_unpool{n}d")(nbnn.ones(1, 1, *(2,) * n), index, 2)


def test_67551_17953_tf_rule_gives_ceil_of_the_size_for_any_stride():
    random = np.random.default_rng(0)
    for n, kernel, stride, dilation in itertools.product((5, 8), (1, 2, 3, 4), (1, 2, 3), (1, 2)):
        x, w = random.normal(size=(2, 3, n)), random.normal(size=(4, 3, kernel))
        y = F.conv1d(x, w, stride=stride, padding="same", dilation=dilation, same_rule="tf")
        total = max((-(-n // stride) - 1) * stride + dilation * (kernel - 1) + 1 - n, 0)
        padded = np.pad(x, ((0, 0), (0, 0), (total // 2, total - total // 2)))
        assert y.shape == (2, 4, -(-n // stride))
        np.testing.assert_allclose(y, F.conv1d(padded, w, stride=stride, dilation=dilation), rtol=1e-12)


def test_67551_same_with_a_stride_says_what_to_do():
    message = r"^conv2d: `padding` \(='same'\) needs stride 1, or `same_rule` 'tf'; got `stride` \(=\(2, 1\)\)"
    with pytest.raises(ValueError, match=message):
        F.conv2d(nbnn.ones(1, 1, 5, 5), nbnn.ones(1, 1, 3, 3), stride=(2, 1), padding="same")
    with pytest.raises(ValueError, match=r"^conv2d: `same_rule` \(='valid'\) must be one of 'torch', 'tf'"):
        F.conv2d(nbnn.ones(1, 1, 5, 5), nbnn.ones(1, 1, 3, 3), padding="same", same_rule="valid")
    with pytest.raises(ValueError, match="^Conv2d: `padding` .* or `same_rule` 'tf'"):
        nn.Conv2d(1, 1, 3, 2, "same")


@pytest.mark.parametrize("mode", ["zeros", "reflect", "circular"])
def test_3867_1021_a_layer_with_the_tf_rule(mode):
    x = nbnn.randn(1, 2, 7, 6)
    layer = nn.Conv2d(2, 3, (3, 2), (2, 3), "same", padding_mode=mode, same_rule="tf")
    y = layer(x)
    assert y.shape == (1, 3, 4, 2)
    # 7 rows, step 2, kernel 3: one row before and after; 6 columns, step 3, kernel 2: none
    inside = F.pad(x, (0, 0, 1, 1), "constant" if mode == "zeros" else mode)
    np.testing.assert_allclose(y.detach(), F.conv2d(inside, layer.weight, layer.bias, (2, 3)).detach(), rtol=1e-5)


@pytest.mark.parametrize(("kernel", "groups", "dilation"), [(2, 1, 1), (4, 2, 1), (2, 2, 3), (3, 4, 2), (5, 1, 2)])
def test_3867_7549_65510_same_keeps_the_size_of_even_dilated_grouped_kernels(kernel, groups, dilation):
    x, w = leaf(2, 4, 9), leaf(4, 4 // groups, kernel)
    total = dilation * (kernel - 1)
    y = F.conv1d(x, w, padding="same", dilation=dilation, groups=groups)
    apart = F.conv1d(F.pad(x, (total // 2, total - total // 2)), w, dilation=dilation, groups=groups)
    assert y.shape == x.shape
    np.testing.assert_allclose(y.detach(), apart.detach(), rtol=1e-12)
    seed = nbnn.randn(*y.shape, dtype=y.dtype)
    for ours, theirs in zip(nbnn.autograd.grad(y, (x, w), seed), nbnn.autograd.grad(apart, (x, w), seed), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-10, atol=1e-12)


# -- messages ------------------------------------------------------------------------------------------------------

X4 = nbnn.ones(1, 3, 4, 4)
MESSAGES = {
    "15446 small input": (
        lambda: F.conv2d(nbnn.ones(1, 3, 2, 2), nbnn.ones(4, 3, 5, 5)),
        ValueError,
        "conv2d: the dilated kernel must not be larger than the padded input; got input (1, 3, 2, 2), "
        "weight (4, 3, 5, 5), `padding` (=(0, 0)), `dilation` (=(1, 1))",
    ),
    "17247 negative padding": (
        lambda: F.conv2d(X4, nbnn.ones(4, 3, 3, 3), padding=-1),
        ValueError,
        "conv2d: `padding` (=-1) must be at least 0",
    ),
    "4884 channels": (
        lambda: F.conv2d(X4, nbnn.ones(4, 2, 3, 3)),
        ValueError,
        "conv2d: the channels of `input` must be `groups` (=1) times the second size of `weight`; "
        "got input (1, 3, 4, 4), weight (4, 2, 3, 3)",
    ),
    "4884 features": (
        lambda: F.linear(nbnn.ones(2, 3), nbnn.ones(4, 5)),
        ValueError,
        "linear: the last size of `input` must equal `in_features`, the last size of `weight`; got input (2, 3), "
        "weight (4, 5)",
    ),
    "4884 pooling": (
        lambda: F.max_pool2d(X4, 3, padding=2),
        ValueError,
        "max_pool2d: `padding` (=(2, 2)) must be at most half of `kernel_size` (=(3, 3)); got input (1, 3, 4, 4)",
    ),
    "16027 19120 21825 class": (
        lambda: F.cross_entropy(nbnn.ones(2, 3), nbnn.tensor([0, 5])),
        IndexError,
        "cross_entropy: `target`[1] (=5) must be in [0, 2]",
    ),
    "16027 19120 21825 id": (
        lambda: F.embedding(nbnn.tensor([[0, 1], [-2, 0]]), nbnn.ones(4, 2)),
        IndexError,
        "embedding: `input`[1, 0] (=-2) must be in [0, 3]",
    ),
    "99221 offsets": (
        lambda: F.embedding_bag(nbnn.tensor([0, 1, 2]), nbnn.ones(4, 2), nbnn.tensor([0, 7])),
        ValueError,
        "embedding_bag: `offsets`[1] (=7) must be at most 3, the number of ids",
    ),
    "69339 shapes": (
        lambda: F.cross_entropy(nbnn.ones(2, 3, 4), nbnn.zeros(2, 5, dtype=nbnn.int64)),
        ValueError,
        "cross_entropy: `target` must have the shape of `input` without its class axis, (2, 4); got input (2, 3, 4), "
        "target (2, 5)",
    ),
    "4884 types": (
        lambda: F.linear(nbnn.ones(2, 3), nbnn.ones(4, 3).double()),
        TypeError,
        "linear: all inputs must have one dtype; got `input` nbnn.float32, `weight` nbnn.float64",
    ),
    "4884 batch norm": (
        lambda: F.batch_norm(nbnn.ones(1, 3), None, None, training=True),
        ValueError,
        "batch_norm: training needs more than one element in a channel; got input (1, 3)",
    ),
    "38115 attention": (
        lambda: F.scaled_dot_product_attention(nbnn.ones(2, 4), nbnn.ones(2, 3), nbnn.ones(2, 3)),
        ValueError,
        "scaled_dot_product_attention: `query` and `key` must have the same last size; got (2, 4) and (2, 3)",
    ),
}


@pytest.mark.parametrize("name", MESSAGES)
def test_4884_15446_99221_messages_word_for_word(name):
    call, error, message = MESSAGES[name]
    with pytest.raises(error) as caught:
        call()
    assert str(caught.value) == message
