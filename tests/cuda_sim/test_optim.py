"""Optimizers and clipping on CUDA: what the CPU gives, by the same bodies."""

import numpy as np
import pytest

import nbnn
import nbnn.nn as nn

CASES = [
    ("SGD", {"lr": 0.1, "momentum": 0.9, "nesterov": True, "weight_decay": 0.1}),
    ("Adam", {"lr": 0.1, "amsgrad": True, "weight_decay": 0.1}),
    ("AdamW", {"lr": 0.1}),
    ("RMSprop", {"lr": 0.1, "momentum": 0.5, "centered": True}),
    ("RMSprop", {"lr": 0.1, "momentum": 0.5}),
    ("RMSprop", {"lr": 0.1, "centered": True}),
    ("RMSprop", {"lr": 0.1}),
    ("Adagrad", {"lr": 0.1, "lr_decay": 0.1}),
    ("Adadelta", {}),
    ("Adamax", {"lr": 0.1}),
    ("NAdam", {"lr": 0.1, "weight_decay": 0.1}),
    ("RAdam", {"lr": 0.1}),
    ("RAdam", {"lr": 0.1, "betas": (0.9, 0.6)}),
    ("Rprop", {"lr": 0.1}),
    ("ASGD", {"lr": 0.1, "t0": 1}),
]


def trained(device, name, options):
    params = [nbnn.tensor(x, device=device).requires_grad_() for x in (np.arange(5.0, dtype=np.float32), [[1.5]])]
    optimizer = getattr(nbnn.optim, name)(params, **options)
    for step in range(3):
        for p in params:
            p.grad = nbnn.tensor(np.cos(p.detach().cpu().numpy() + step), device=device)
        optimizer.step()
    return [p.detach().cpu().numpy() for p in params]


@pytest.mark.parametrize(("name", "options"), CASES)
def test_steps(name, options):
    for ours, reference in zip(trained("cuda", name, options), trained("cpu", name, options), strict=True):
        np.testing.assert_allclose(ours, reference, rtol=2e-6, atol=1e-6)


def test_clipping():
    p = nbnn.zeros(3, device="cuda").requires_grad_()
    p.grad = nbnn.tensor([3.0, 0.0, 4.0], device="cuda")
    norm = nn.utils.clip_grad_norm_([p], 2.5)
    assert norm.is_cuda and norm.item() == 5.0
    np.testing.assert_allclose(p.grad.cpu().numpy(), [1.5, 0.0, 2.0], rtol=1e-6)
    nn.utils.clip_grad_value_([p], 1.75)
    np.testing.assert_allclose(p.grad.cpu().numpy(), [1.5, 0.0, 1.75], rtol=1e-6)
