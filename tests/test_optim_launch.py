"""Steps of optimizers over all parameters in one launch: what single steps give, wherever the parameters lie."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest

import nbnn
from nbnn.optim import SGD, Adam, RMSprop
from tests.test_optim import ADAGRAD_CASES, ADAM_CASES, RMSPROP_CASES, SGD_CASES, gradient

SHAPES = [(), (1,), (7, 5), (16384,), (16385,), (0,), (3, 50000), (64,)]
LAUNCHED = [
    ("SGD", {"lr": 0.1}), ("SGD", SGD_CASES[4]), ("Adam", {}), ("Adam", ADAM_CASES[3]), ("AdamW", {}),
    *[("RMSprop", case) for case in RMSPROP_CASES[1:]], ("Adagrad", ADAGRAD_CASES[1]),
]  # fmt: skip


def parameters(kind=nbnn.float32):
    rng = np.random.default_rng(5)
    return [nbnn.tensor(rng.normal(size=shape), dtype=kind).requires_grad_() for shape in SHAPES]


def set_gradients(params, step):
    for p in params:
        p.grad = nbnn.tensor(gradient(step, p.detach().numpy()), dtype=p.dtype)


@pytest.mark.parametrize("kind", [nbnn.float32, nbnn.float64])
@pytest.mark.parametrize(("name", "options"), LAUNCHED)
def test_one_launch_is_what_single_steps_are(name, options, kind):
    together, alone = parameters(kind), parameters(kind)
    optimizer = getattr(nbnn.optim, name)(together, **options)
    singles = [getattr(nbnn.optim, name)([p], **options) for p in alone]
    for step in range(3):
        set_gradients(together, step)
        set_gradients(alone, step)
        optimizer.step()
        for p, single in zip(alone, singles, strict=True):
            # seen through strides, every Tensor is stepped by itself
            p.grad = nbnn.stack([p.grad, p.grad], -1)[..., 0] if p.dim() else p.grad
            single.step()
    assert optimizer._plans[0].table is not None
    for a, b in zip(together, alone, strict=True):
        np.testing.assert_array_equal(a.detach().numpy(), b.detach().numpy())


def test_the_memory_of_parameters_may_change_between_steps():
    params, reference = parameters(), parameters()
    ours, theirs = Adam(params, lr=0.1), Adam(reference, lr=0.1)
    for step in range(4):
        if step == 1:  # new memory, the same values
            params[2].data = params[2].detach().clone()
        if step == 2:  # new state, the same values
            ours.load_state_dict(copy.deepcopy(ours.state_dict()))
        if step == 3:  # strided memory
            params[2].data = params[2].detach().t().clone().t()
        set_gradients(params, step)
        set_gradients(reference, step)
        ours.step()
        theirs.step()
        for a, b in zip(params, reference, strict=True):
            np.testing.assert_array_equal(a.detach().numpy(), b.detach().numpy())


def test_copies_of_an_optimizer_step_their_own_parameters():
    for duplicate in (copy.deepcopy, lambda o: pickle.loads(pickle.dumps(o))):
        params = parameters()
        optimizer = Adam(params, lr=0.1)
        set_gradients(params, 0)
        optimizer.step()
        twin = duplicate(optimizer)
        before = [p.detach().numpy().copy() for p in params]
        set_gradients(twin.param_groups[0]["params"], 1)
        twin.step()
        for p, value in zip(params, before, strict=True):
            np.testing.assert_array_equal(p.detach().numpy(), value)
        set_gradients(params, 1)
        optimizer.step()
        for a, b in zip(params, twin.param_groups[0]["params"], strict=True):
            np.testing.assert_array_equal(a.detach().numpy(), b.detach().numpy())


def test_parameters_without_a_gradient_fall_behind_in_their_count():
    a, b = nbnn.ones(3).requires_grad_(), nbnn.ones(3).requires_grad_()
    alone = nbnn.ones(3).requires_grad_()
    optimizer, single = Adam([a, b], lr=0.1), Adam([alone], lr=0.1)
    for step in range(4):
        a.grad = nbnn.full((3,), 1.0 + step)
        b.grad = alone.grad = nbnn.full((3,), 1.0 + step) if step % 2 else None
        optimizer.step()
        single.step()
    assert (optimizer.state[a]["step"], optimizer.state[b]["step"]) == (4, 2)
    np.testing.assert_array_equal(b.detach().numpy(), alone.detach().numpy())


def test_parameters_that_share_memory_are_stepped_one_after_the_other():
    memory = nbnn.ones(40000)
    a, b = memory.numpy()[:30000], memory.numpy()[10000:]
    params = [nbnn.from_numpy(x).requires_grad_() for x in (a, b)]
    for p in params:
        p.grad = nbnn.ones(30000)
    optimizer = SGD(params, lr=0.25)
    optimizer.step()
    expected = np.full(40000, 0.75, np.float32)
    expected[10000:30000] = 0.5
    np.testing.assert_array_equal(memory.numpy(), expected)


def test_mixed_dtypes_in_one_group():
    params = [nbnn.ones(4, dtype=kind).requires_grad_() for kind in (nbnn.float32, nbnn.float64, nbnn.float16)]
    for p in params:
        p.grad = nbnn.ones(4).to(p.dtype)
    RMSprop(params, lr=0.5, alpha=0.75).step()
    np.testing.assert_allclose([p.tolist() for p in params], np.zeros((3, 4)), atol=1e-7)


def test_an_optimizer_of_a_user_needs_update_only():
    class Signs(SGD):
        def update(self, param, grad, state, group):
            param.sub_(nbnn.tensor(np.sign(grad.numpy())) * group["lr"])

        update_group = nbnn.optim.Optimizer.update_group

    p = nbnn.ones(2).requires_grad_()
    p.grad = nbnn.tensor([3.0, -4.0])
    Signs([p], lr=0.5).step()
    assert p.tolist() == [0.5, 1.5]
