"""Clipping of gradients: against NumPy, against PyTorch, and what is refused."""

from __future__ import annotations

import math
import warnings

import numpy as np
import pytest

import nbnn
import nbnn.nn as nn
from tests.engine import load_torch

SHAPES = [(3,), (100, 7), (16384,), (16385,), (40001,), (), (0,), (1,), (63,), (64,), (65,)]
ORDERS = [2.0, 1.0, 3.0, 0.5, 0.0, -1.0, math.inf, -math.inf]


def gradients(kind=np.float32):
    rng = np.random.default_rng(0)
    return [np.asarray(rng.normal(size=shape) * 3, kind) for shape in SHAPES]


def parameters(grads):
    params = [nbnn.zeros(*g.shape, dtype=nbnn.as_tensor(g).dtype).requires_grad_() for g in grads]
    for p, g in zip(params, grads, strict=True):
        p.grad = nbnn.tensor(g)
    return [*params, nbnn.zeros(2).requires_grad_()]  # one without a gradient


def norm(grads, order):
    x = np.abs(np.concatenate([g.reshape(-1) for g in grads]).astype(np.float64))
    if order == 0:
        return float(sum(bool(np.any(g)) for g in grads))
    if math.isinf(order):
        return float(x.max() if order > 0 else x.min())
    return float(np.sum(x**order) ** (1 / order))


@pytest.mark.parametrize("kind", [np.float32, np.float64])
@pytest.mark.parametrize("order", ORDERS)
def test_norm_and_scaling(order, kind):
    grads = gradients(kind)
    params = parameters(grads)
    expected = norm(grads, order)
    found = nn.utils.clip_grad_norm_(params, 0.5 * expected, order)
    assert found.shape == () and found.dtype is params[0].dtype
    tolerance = 1e-6 if kind is np.float32 else 1e-12
    np.testing.assert_allclose(found.item(), expected, rtol=tolerance)
    factor = 0.5 * expected / (found.item() + 1e-6)
    for p, g in zip(params, grads, strict=False):
        np.testing.assert_allclose(p.grad.numpy(), g * kind(factor), rtol=2 * tolerance)


def test_small_norms_change_nothing():
    grads = gradients()
    params = parameters(grads)
    nn.utils.clip_grad_norm_(params, 1e9)
    for p, g in zip(params, grads, strict=False):
        np.testing.assert_array_equal(p.grad.numpy(), g)


def test_squares_that_overflow_float32():
    p = nbnn.zeros(3).requires_grad_()
    p.grad = nbnn.tensor([3e30, 4e30, 0.0])
    np.testing.assert_allclose(nn.utils.clip_grad_norm_(p, 1.0).item(), 5e30, rtol=1e-6)
    np.testing.assert_allclose(p.grad.numpy(), [0.6, 0.8, 0.0], rtol=1e-6)


@pytest.mark.parametrize("order", [2.0, 1.0, 3.0, math.inf])
@pytest.mark.parametrize(("bad", "result"), [(math.nan, math.nan), (math.inf, math.inf), (-math.inf, math.inf)])
@pytest.mark.parametrize("position", [0, 63, 64, 129])
def test_nonfinite_gradients(order, bad, result, position):
    values = np.ones(130, np.float32)
    values[position] = bad
    p = nbnn.zeros(130).requires_grad_()
    p.grad = nbnn.tensor(values)
    with pytest.raises(RuntimeError, match=f"the norm of order {order}"):
        nn.utils.clip_grad_norm_([p], 1.0, order, error_if_nonfinite=True)
    np.testing.assert_array_equal(p.grad.numpy(), values)
    found = nn.utils.clip_grad_norm_([p], 1.0, order)
    np.testing.assert_array_equal(found.item(), result)
    clipped = p.grad.numpy()
    assert np.isnan(clipped[position])
    assert np.isnan(clipped).all() if math.isnan(bad) else (np.delete(clipped, position) == 0).all()


def test_bits_do_not_depend_on_the_threads():
    def once(threads):
        before = nbnn.get_num_threads()
        nbnn.set_num_threads(threads)
        try:
            rng = np.random.default_rng(1)
            params = parameters([rng.normal(size=n).astype(np.float32) for n in (100_003, 5, 70_000)])
            found = [nn.utils.get_total_norm([p.grad for p in params[:-1]], order).item() for order in ORDERS]
            nn.utils.clip_grad_norm_(params, 1.0)
            return np.array(found), [p.grad.numpy() for p in params[:-1]]
        finally:
            nbnn.set_num_threads(before)

    (one, clipped), (two, also) = once(1), once(2)
    np.testing.assert_array_equal(one, two)
    for a, b in zip(clipped, also, strict=True):
        np.testing.assert_array_equal(a, b)


def test_values():
    values = np.array([-3.0, -0.5, 0.5, 3.0, np.nan, np.inf, -np.inf], np.float32)
    p = nbnn.zeros(7).requires_grad_()
    p.grad = nbnn.tensor(values)
    nn.utils.clip_grad_value_([p], 0.75)
    np.testing.assert_array_equal(p.grad.numpy(), np.clip(values, np.float32(-0.75), np.float32(0.75)))


@pytest.mark.parametrize("kind", ["float16", "bfloat16", "float64"])
def test_other_types_and_layouts(kind):
    kind = getattr(nbnn, kind)
    p, q, r = (nbnn.ones(4, 3).to(k).requires_grad_() for k in (kind, nbnn.float32, kind))
    p.grad = nbnn.full((4, 3), 2.0).to(kind)
    q.grad = nbnn.full((3, 4), 2.0).t()
    r.grad = p.grad  # one Tensor twice is scaled twice, as two would be
    found = nn.utils.clip_grad_norm_([p, q, r], 6.0)
    assert found.item() == 12.0
    assert found.dtype is kind
    np.testing.assert_allclose(q.grad.numpy(), np.full((4, 3), 1.0), rtol=1e-6)
    np.testing.assert_allclose(p.grad.float().numpy(), np.full((4, 3), 0.5), rtol=1e-2)
    nn.utils.clip_grad_value_([p, q], 0.25)
    assert p.grad.float().tolist() == q.grad.tolist() == [[0.25] * 3] * 4


def test_a_change_is_noticed_by_autograd():
    p = nbnn.ones(2).requires_grad_()
    p.grad = nbnn.full((2,), 3.0)
    w = nbnn.ones(2).requires_grad_()
    loss = (w * p.grad).sum()
    nn.utils.clip_grad_norm_([p], 1.0)
    with pytest.raises(RuntimeError, match="changed in place"):
        loss.backward()


def test_corners():
    assert nn.utils.clip_grad_norm_([], 1.0).item() == 0.0
    assert nn.utils.clip_grad_norm_([nbnn.zeros(2).requires_grad_()], 1.0).item() == 0.0
    nn.utils.clip_grad_value_([], 1.0)
    p = nbnn.zeros(2).requires_grad_()
    p.grad = nbnn.tensor([3.0, 4.0])
    assert nn.utils.clip_grad_norm_(iter([p]), 1e9, norm_type="inf").item() == 4.0
    with pytest.warns(FutureWarning, match="clip_grad_norm_"):
        nn.utils.clip_grad_norm([p], 10.0)
    with pytest.raises(TypeError, match=r"clip_grad_norm_: `norm_type` \(='two'\) must be a number"):
        nn.utils.clip_grad_norm_([p], 1.0, "two")
    with pytest.raises(TypeError, match="clip_grad_value_: `clip_value`"):
        nn.utils.clip_grad_value_([p], None)
    with pytest.raises(TypeError, match="floating-point type; got"):
        nn.utils.get_total_norm([nbnn.ones(2, dtype=nbnn.int64)])
    with pytest.raises(TypeError, match="floating-point type; got 'int'"):
        nn.utils.get_total_norm([1])


@pytest.mark.parity
@pytest.mark.parametrize("order", ORDERS)
def test_matches_torch(order):
    torch = load_torch()
    grads = [g for g in gradients() if g.size]
    params = parameters(grads)
    theirs = [torch.nn.Parameter(torch.zeros(g.shape)) for g in grads]
    for p, g in zip(theirs, grads, strict=True):
        p.grad = torch.tensor(g)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = torch.nn.utils.clip_grad_norm_(theirs, 1.5, order)
    found = nn.utils.clip_grad_norm_(params, 1.5, order)
    np.testing.assert_allclose(found.item(), expected.item(), rtol=5e-6)
    for p, t in zip(params, theirs, strict=False):
        np.testing.assert_allclose(p.grad.numpy(), t.grad.numpy(), rtol=1e-5)
