"""Issues of PyTorch (the numbers in the names) about recurrent layers, interpolation, memory layouts, determinism."""

import itertools
import math

import numpy as np
import pytest

import nbnn
import nbnn.nn as nn
import nbnn.nn.functional as F
from nbnn.nn.utils import rnn

KINDS = (nn.RNN, nn.GRU, nn.LSTM)


def leaf(*shape):
    return nbnn.randn(*shape, dtype=nbnn.float64, requires_grad=True)


def last(output):
    """The state h of the last step."""
    return output[1][0] if isinstance(output[1], tuple) else output[1]


# -- recurrent layers ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_3584_8026_lengths_in_any_order_give_what_each_sequence_gives_alone(kind):
    layer = kind(3, 4, dtype=nbnn.float64)
    lengths = [2, 5, 1, 5]
    x = leaf(5, 4, 3)
    packed = rnn.pack_padded_sequence(x, nbnn.tensor(lengths), enforce_sorted=False)
    y, _ = rnn.pad_packed_sequence(layer(packed)[0])
    for k, n in enumerate(lengths):
        alone, *_ = layer(x[:n, k : k + 1])
        np.testing.assert_allclose(y[:n, k].detach(), alone[:, 0].detach(), rtol=1e-12)
        assert not y[n:, k].detach().numpy().any()


def test_8026_lengths_that_are_not_sorted_are_refused_where_they_must_be():
    with pytest.raises((ValueError, RuntimeError), match="sorted|decreas"):
        rnn.pack_padded_sequence(nbnn.ones(5, 2, 3), nbnn.tensor([2, 5]))


@pytest.mark.parametrize("kind", KINDS)
def test_5878_15788_37965_gradients_in_evaluation(kind):
    layer = kind(3, 4, 2, dropout=0.5, dtype=nbnn.float64).eval()
    x = leaf(5, 2, 3)
    layer(x)[0].sum().backward()
    assert x.grad.numpy().any()
    assert all(p.grad is not None for p in layer.parameters())


@pytest.mark.parametrize("kind", KINDS)
def test_25315_9229_5261_second_gradients(kind):
    layer = kind(2, 3, dtype=nbnn.float64)
    x = leaf(3, 2, 2)
    assert nbnn.autograd.gradgradcheck(lambda v: last(layer(v)), (x,))


@pytest.mark.parametrize("kind", KINDS)
def test_776_frozen_weights_and_an_input_that_wants_a_gradient(kind):
    layer = kind(3, 4, dtype=nbnn.float64)
    x = leaf(5, 2, 3)
    (wanted,) = nbnn.autograd.grad(layer(x)[0].sum(), x)
    for p in layer.parameters():
        p.requires_grad_(False)
    layer(x)[0].sum().backward()
    np.testing.assert_array_equal(x.grad.numpy(), wanted.numpy())
    assert all(p.grad is None for p in layer.parameters())


# -- interpolation -------------------------------------------------------------------------------------------------

SMOOTH = (("linear", 1), ("bilinear", 2), ("bicubic", 2), ("trilinear", 3))
MODES = (*SMOOTH, *(("nearest", n) for n in (1, 2, 3)), *(("nearest-exact", n) for n in (1, 2, 3)), ("area", 2))


@pytest.mark.parametrize(("mode", "n"), MODES)
def test_22312_the_same_size_gives_the_input_from_any_layout(mode, n):
    x = nbnn.randn(2, 3, *range(4, 4 + n)).transpose(0, 1)
    np.testing.assert_array_equal(F.interpolate(x, tuple(x.shape[2:]), mode=mode).numpy(), x.numpy())


@pytest.mark.parametrize(("mode", "n"), MODES)
def test_30565_61166_one_pixel_and_shrinking(mode, n):
    one = nbnn.full((1, 1, *(1,) * n), 3.0)
    np.testing.assert_allclose(F.interpolate(one, (4,) * n, mode=mode).numpy(), np.full((1, 1, *(4,) * n), 3.0))
    x = nbnn.ones(1, 2, *(5,) * n)
    y = F.interpolate(x, scale_factor=0.5, mode=mode)
    assert y.shape == (1, 2, *(2,) * n)
    np.testing.assert_allclose(y.numpy(), np.ones(y.shape), rtol=1e-6)
    with pytest.raises(ValueError, match="^interpolate: .*(scale_factor|size)"):
        F.interpolate(x, scale_factor=0.1, mode=mode)


def test_76487_70559_the_scale_that_was_given_is_the_scale_that_is_used():
    x = nbnn.arange(5.0, dtype=nbnn.float64).reshape(1, 1, 5)
    given = F.interpolate(x, scale_factor=1.5, mode="linear")  # 7 points, 1.5 apart and not 7 / 5
    again = F.interpolate(x, scale_factor=1.5, mode="linear", recompute_scale_factor=True)
    np.testing.assert_allclose(given[0, 0], np.clip((np.arange(7) + 0.5) / 1.5 - 0.5, 0, 4), rtol=1e-12)
    np.testing.assert_allclose(again[0, 0], np.clip((np.arange(7) + 0.5) * 5 / 7 - 0.5, 0, 4), rtol=1e-12)
    corners = F.interpolate(x, scale_factor=2, mode="linear", align_corners=True)
    np.testing.assert_allclose(corners[0, 0], np.linspace(0, 4, 10), rtol=1e-12)


def test_71188_101403_bytes_are_refused_or_exact():
    x = nbnn.tensor([[[[0, 255], [255, 1]]]], dtype=nbnn.uint8)
    try:
        y = F.interpolate(x, scale_factor=2, mode="nearest")
    except TypeError as error:
        assert "interpolate: `input` must have a floating-point dtype" in str(error)
    else:
        assert y.tolist() == [[[[0, 0, 255, 255]] * 2 + [[255, 255, 1, 1]] * 2]]


# -- layouts and gradients -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(2, 3), (2, 1, 4), (), (2, 3, 0), (0,)])
def test_145070_a_gradient_of_another_shape_is_refused(shape):
    x = leaf(2, 3, 4)
    for y in (F.max_pool1d(x, 2, 1), F.relu(x), F.softmax(x, -1), F.layer_norm(x, (4,))):
        with pytest.raises((ValueError, RuntimeError), match="shape"):
            y.backward(nbnn.ones(shape, dtype=nbnn.float64))
        with pytest.raises((ValueError, RuntimeError), match="shape"):
            nbnn.autograd.grad(y, x, nbnn.ones(shape, dtype=nbnn.float64))


CALLS = {
    "67432 conv2d": lambda x: F.conv2d(x, nbnn.ones(2, 3, 2, 2, dtype=x.dtype)),
    "67470 max_pool2d": lambda x: F.max_pool2d(x, 2),
    "67512 batch_norm": lambda x: F.batch_norm(x, None, None, training=True),
    "67513 prelu": lambda x: F.prelu(x, nbnn.full((3,), 0.3, dtype=x.dtype)),
    "67517 glu": lambda x: F.glu(x, -1),
    "67434 softmax": lambda x: F.softmax(x, 1),
    "132857 pad": lambda x: F.pad(x, (1, 1, 1, 1), "reflect"),
}


@pytest.mark.parametrize("name", CALLS)
def test_67432_67470_67512_67513_67517_132857_views_in_and_gradients_that_repeat(name):
    base = leaf(4, 4, 3, 2)
    x = base.permute(3, 2, 1, 0)
    copy = x.detach().clone().requires_grad_()
    y, wanted = CALLS[name](x), CALLS[name](copy)
    np.testing.assert_array_equal(y.detach().numpy(), wanted.detach().numpy())
    seed = nbnn.full((1,) * y.dim(), 0.7, dtype=y.dtype).expand(*y.shape)  # strides of 0
    y.backward(seed)
    wanted.backward(seed.clone())
    np.testing.assert_allclose(base.grad.permute(3, 2, 1, 0).numpy(), copy.grad.numpy(), rtol=1e-12, atol=1e-15)
    repeated = nbnn.randn(1, 3, 1, 4, dtype=nbnn.float64).expand(2, 3, 4, 4)
    np.testing.assert_array_equal(CALLS[name](repeated).numpy(), CALLS[name](repeated.clone()).numpy())


# -- sizes ---------------------------------------------------------------------------------------------------------

HUGE = 2**55


@pytest.mark.parametrize("axis", [HUGE, -HUGE, 2**63 - 1, -(2**63), 2**64])
def test_141450_axes_that_do_not_exist(axis):
    x = nbnn.ones(2, 3)
    for call in (
        lambda: F.softmax(x, axis), lambda: nbnn.sum(x, axis), lambda: nbnn.cat([x, x], axis),
        lambda: x.transpose(0, axis), lambda: nbnn.sort(x, axis), lambda: nbnn.cumsum(x, axis),
        lambda: x.unsqueeze(axis), lambda: F.glu(x, axis), lambda: nbnn.argmax(x, axis),
        lambda: F.cosine_similarity(x, x, axis), lambda: x.flatten(axis),
    ):  # fmt: skip
        with pytest.raises(IndexError, match=str(axis)):
            call()


def test_136709_145066_axes_of_size_0_in_every_position_up_to_rank_20():
    for rank, position in itertools.product((1, 4, 20), (0, -1)):
        shape = [2] * min(rank, 4) + [1] * max(rank - 4, 0)
        shape[position] = 0
        x = nbnn.zeros(*shape, requires_grad=True)
        for y in (F.relu(x), x + 1, x.sum(), F.softmax(x, -1), x.transpose(0, -1), x.reshape(0), x * x):
            assert nbnn.autograd.grad(y.sum(), x)[0].shape == x.shape
        with pytest.raises((ValueError, RuntimeError), match="item"):
            x.detach().item()
    layer = nn.Linear(0, 3)
    assert nn.utils.parametrizations.weight_norm(layer, dim=0)(nbnn.ones(2, 0)).shape == (2, 3)


@pytest.mark.parametrize("size", [2**31, 2**40, 2**62, 2**63])
def test_19599_products_of_sizes_that_overflow_are_refused(size):
    x = nbnn.ones(1, 1, 3, 3)
    for call in (
        lambda: F.interpolate(x, (size, size)), lambda: F.pad(x, (size, size)), lambda: F.adaptive_avg_pool2d(x, size),
        lambda: nbnn.zeros(size, size), lambda: F.one_hot(nbnn.tensor([0]), size),
    ):  # fmt: skip
        with pytest.raises((ValueError, TypeError, MemoryError, OverflowError)):
            call()


# -- the same bits -------------------------------------------------------------------------------------------------


def trained(threads, seed=0):
    """The parameters after three steps of a small network that uses most families."""
    nbnn.set_num_threads(threads)
    nbnn.manual_seed(seed)
    model = nn.Sequential(
        nn.Conv2d(3, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(), nn.MaxPool2d(2), nn.Dropout(0.2), nn.Flatten(),
        nn.Linear(8 * 64, 32), nn.LayerNorm(32), nn.GELU(), nn.Linear(32, 10),
    )  # fmt: skip
    x, target = nbnn.randn(16, 3, 16, 16), nbnn.randint(0, 10, (16,))
    optimizer = nbnn.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    for _ in range(3):
        optimizer.zero_grad()
        F.cross_entropy(model(x), target).backward()
        optimizer.step()
    return b"".join(p.detach().numpy().tobytes() for p in model.state_dict().values())


def test_15359_50469_2831_training_gives_the_same_bits_in_every_run_and_on_any_threads():
    first = trained(1)
    assert trained(1) == first
    assert trained(2) == first
    assert trained(1, seed=1) != first


def test_2831_scattered_sums_do_not_depend_on_the_order_of_threads():
    index = nbnn.randint(0, 7, (50000,))
    source = nbnn.randn(50000)
    results = set()
    for threads in (1, 2, 2):
        nbnn.set_num_threads(threads)
        results.add(nbnn.zeros(7).index_add(0, index, source).numpy().tobytes())
    assert len(results) == 1


# -- attention -----------------------------------------------------------------------------------------------------


def test_27968_41508_63271_fully_masked_rows_give_zeros_in_output_and_gradients():
    q, k, v = leaf(2, 3, 4), leaf(2, 5, 4), leaf(2, 5, 4)
    mask = nbnn.ones(3, 5).bool()
    mask[1] = False  # True: takes part
    low = nbnn.zeros(3, 5, dtype=nbnn.float64)
    low[1] = -math.inf
    for m in (mask, low):
        y = F.scaled_dot_product_attention(q, k, v, m)
        assert not y[:, 1].detach().numpy().any()
        gs = nbnn.autograd.grad(y.sum(), (q, k, v))
        assert all(np.isfinite(g.numpy()).all() for g in gs)
        assert not gs[0][:, 1].numpy().any()
