"""Optimizers: against a float64 oracle written from the formulas, against PyTorch, and their bookkeeping."""

from __future__ import annotations

import copy

import numpy as np
import pytest

import nbnn
from nbnn.functional.optim import adagrad_step_, adam_step_, rmsprop_step_, sgd_step_
from nbnn.optim import SGD, Adagrad, Adam, AdamW, RMSprop

STEPS = 50

SGD_CASES = [
    {"lr": 0.1},
    {"lr": 0.1, "weight_decay": 0.05},
    {"lr": 0.05, "momentum": 0.9},
    {"lr": 0.05, "momentum": 0.9, "dampening": 0.3, "weight_decay": 0.01},
    {"lr": 0.05, "momentum": 0.8, "nesterov": True, "weight_decay": 0.01},
    {"lr": 0.01, "momentum": 0.5, "maximize": True, "weight_decay": 0.1},
]
ADAM_CASES = [
    {},
    {"lr": 0.05, "betas": (0.8, 0.95), "eps": 1e-6},
    {"lr": 0.01, "weight_decay": 0.1},
    {"lr": 0.01, "amsgrad": True, "weight_decay": 0.1},
    {"lr": 0.01, "maximize": True, "weight_decay": 0.1},
    {"lr": 0.01, "weight_decay": 0.1, "decoupled_weight_decay": True},
    {"lr": 0.01, "betas": (0.0, 0.0)},
    {"lr": 0.01, "betas": (0.3, 0.9), "amsgrad": True},
]
ADAMW_CASES = [
    {},
    {"lr": 0.05, "weight_decay": 0.2, "amsgrad": True},
    {"lr": 0.05, "weight_decay": 0.0, "maximize": True},
]
RMSPROP_CASES = [
    {},
    {"lr": 0.01, "alpha": 0.9, "eps": 1e-6, "weight_decay": 0.1},
    {"lr": 0.01, "momentum": 0.8},
    {"lr": 0.01, "centered": True, "maximize": True},
    {"lr": 0.01, "centered": True, "momentum": 0.5, "weight_decay": 0.01},
]
ADAGRAD_CASES = [
    {},
    {"lr": 0.1, "lr_decay": 0.02, "weight_decay": 0.1, "initial_accumulator_value": 0.5, "eps": 1e-6},
    {"lr": 0.05, "maximize": True},
]
CASES = (
    [("SGD", case) for case in SGD_CASES]
    + [("Adam", case) for case in ADAM_CASES]
    + [("AdamW", case) for case in ADAMW_CASES]
    + [("RMSprop", case) for case in RMSPROP_CASES]
    + [("Adagrad", case) for case in ADAGRAD_CASES]
)


def gradient(step: int, p: np.ndarray) -> np.ndarray:
    """A gradient that depends on the parameter and changes its sign and its size from step to step."""
    wave = np.sin(1.7 * step + np.arange(p.size)).reshape(p.shape)
    return 0.2 * p + wave * (1.0 + step % 5)


def start() -> np.ndarray:
    return np.random.default_rng(3).normal(size=(7, 5)).astype(np.float32)


def oracle_sgd(p, *, lr, momentum=0.0, dampening=0.0, weight_decay=0.0, nesterov=False, maximize=False):
    b = None
    for step in range(STEPS):
        g = gradient(step, p) * (-1 if maximize else 1) + weight_decay * p
        if momentum:
            b = g if b is None else momentum * b + (1 - dampening) * g
            g = g + momentum * b if nesterov else b
        p = p - lr * g
    return p


def oracle_adam(
    p, *, lr=0.001, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0, amsgrad=False, maximize=False,
    decoupled_weight_decay=False,
):  # fmt: skip
    m = v = largest = np.zeros_like(p)
    for step in range(1, STEPS + 1):
        g = gradient(step - 1, p) * (-1 if maximize else 1)
        if decoupled_weight_decay:
            p = p * (1 - lr * weight_decay)
        else:
            g = g + weight_decay * p
        m = betas[0] * m + (1 - betas[0]) * g
        v = betas[1] * v + (1 - betas[1]) * g * g
        largest = np.maximum(largest, v)
        corrected = (largest if amsgrad else v) / (1 - betas[1] ** step)
        p = p - lr * (m / (1 - betas[0] ** step)) / (np.sqrt(corrected) + eps)
    return p


def oracle_rmsprop(p, *, lr=0.01, alpha=0.99, eps=1e-8, weight_decay=0.0, momentum=0.0, centered=False, maximize=False):
    v = m = b = np.zeros_like(p)
    for step in range(STEPS):
        g = gradient(step, p) * (-1 if maximize else 1) + weight_decay * p
        v = alpha * v + (1 - alpha) * g * g
        m = alpha * m + (1 - alpha) * g
        b = momentum * b + g / (np.sqrt(v - m * m if centered else v) + eps)
        p = p - lr * b
    return p


def oracle_adagrad(
    p, *, lr=0.01, lr_decay=0.0, weight_decay=0.0, initial_accumulator_value=0.0, eps=1e-10, maximize=False
):
    s = np.full_like(p, initial_accumulator_value)
    for step in range(STEPS):
        g = gradient(step, p) * (-1 if maximize else 1) + weight_decay * p
        s = s + g * g
        p = p - lr / (1 + step * lr_decay) * g / (np.sqrt(s) + eps)
    return p


def oracle(name, p, options):
    if name == "RMSprop":
        return oracle_rmsprop(p, **options)
    if name == "Adagrad":
        return oracle_adagrad(p, **options)
    if name == "SGD":
        return oracle_sgd(p, **options)
    if name == "AdamW":
        options = {"weight_decay": 0.01, **options, "decoupled_weight_decay": True}
    return oracle_adam(p, **options)


def run(name, options, dtype=nbnn.float32, wrap=lambda t: t):
    p = wrap(nbnn.tensor(start(), dtype=dtype)).requires_grad_()
    optimizer = getattr(nbnn.optim, name)([p], **options)
    for step in range(STEPS):
        p.grad = nbnn.tensor(gradient(step, p.detach().numpy().astype(np.float64)), dtype=dtype)
        optimizer.step()
    return p, optimizer


@pytest.mark.parametrize(("name", "options"), CASES)
def test_fifty_steps_follow_the_formula(name, options):
    p, _ = run(name, options, nbnn.float64)
    np.testing.assert_allclose(
        p.detach().numpy(), oracle(name, start().astype(np.float64), options), rtol=1e-9, atol=1e-10
    )


@pytest.mark.parametrize(("name", "options"), CASES)
def test_float32_stays_float32_and_close(name, options):
    p, optimizer = run(name, options)
    assert p.dtype is nbnn.float32
    for entry in optimizer.state[p].values():
        assert isinstance(entry, int) or entry.dtype is nbnn.float32
    np.testing.assert_allclose(
        p.detach().numpy(), oracle(name, start().astype(np.float64), options), rtol=2e-5, atol=2e-5
    )


@pytest.mark.parity
@pytest.mark.parametrize(("name", "options"), CASES)
def test_fifty_steps_match_torch(name, options):
    torch = pytest.importorskip("torch")
    theirs = torch.nn.Parameter(torch.tensor(start()))
    reference = getattr(torch.optim, name)([theirs], foreach=False, **options)
    p = nbnn.tensor(start()).requires_grad_()
    optimizer = getattr(nbnn.optim, name)([p], **options)
    for step in range(STEPS):
        grad = gradient(step, theirs.detach().numpy()).astype(np.float32)
        theirs.grad = torch.tensor(grad)
        p.grad = nbnn.tensor(grad)
        reference.step()
        optimizer.step()
    np.testing.assert_allclose(p.detach().numpy(), theirs.detach().numpy(), rtol=5e-6, atol=1e-6)


TRAVELLERS = [
    ("SGD", SGD_CASES[4]), ("Adam", ADAM_CASES[3]), ("AdamW", {}), ("RMSprop", RMSPROP_CASES[4]), ("Adagrad", {}),
]  # fmt: skip


@pytest.mark.parity
@pytest.mark.parametrize(("name", "options"), TRAVELLERS)
def test_state_dicts_travel_to_and_from_torch(name, options):
    torch = pytest.importorskip("torch")

    def torch_step(p, optimizer, step):
        p.grad = torch.tensor(gradient(step, p.detach().numpy()).astype(np.float32))
        optimizer.step()

    def our_step(p, optimizer, step):
        p.grad = nbnn.tensor(gradient(step, p.detach().numpy()).astype(np.float32))
        optimizer.step()

    theirs = torch.nn.Parameter(torch.tensor(start()))
    reference = getattr(torch.optim, name)([theirs], **options)
    for step in range(3):
        torch_step(theirs, reference, step)
    ours = nbnn.tensor(theirs.detach().numpy()).requires_grad_()
    optimizer = getattr(nbnn.optim, name)([ours])
    optimizer.load_state_dict(reference.state_dict())
    saved = optimizer.state_dict()
    assert saved["param_groups"][0].keys() == reference.state_dict()["param_groups"][0].keys()
    assert saved["state"][0].keys() == reference.state_dict()["state"][0].keys()

    back = torch.nn.Parameter(theirs.detach().clone())
    state = {
        i: {k: torch.tensor(float(v)) if k == "step" else torch.tensor(v.numpy()) for k, v in entry.items()}
        for i, entry in saved["state"].items()
    }
    continued = getattr(torch.optim, name)([back])
    continued.load_state_dict({**saved, "state": copy.deepcopy(state)})
    for step in range(3, 6):
        torch_step(theirs, reference, step)
        our_step(ours, optimizer, step)
        torch_step(back, continued, step)
    np.testing.assert_allclose(ours.detach().numpy(), theirs.detach().numpy(), rtol=5e-6, atol=1e-6)
    np.testing.assert_allclose(back.detach().numpy(), theirs.detach().numpy(), rtol=5e-6, atol=1e-6)


@pytest.mark.parametrize(
    ("name", "options"),
    [("SGD", SGD_CASES[4]), ("Adam", ADAM_CASES[3]), ("RMSprop", RMSPROP_CASES[4]), ("Adagrad", {})],
)
def test_layout_of_the_parameter_does_not_matter(name, options):
    plain, _ = run(name, options)
    transposed, _ = run(name, options, wrap=lambda t: t.t().clone().t())
    assert not transposed.is_contiguous()
    np.testing.assert_array_equal(transposed.detach().numpy(), plain.detach().numpy())


@pytest.mark.parametrize(
    ("name", "options"),
    [("SGD", SGD_CASES[4]), ("Adam", ADAM_CASES[3]), ("RMSprop", RMSPROP_CASES[4]), ("Adagrad", {})],
)
def test_bits_do_not_depend_on_the_threads(name, options):
    def once(threads):
        before = nbnn.get_num_threads()
        nbnn.set_num_threads(threads)
        try:
            p = nbnn.tensor(np.linspace(-1, 1, 100_003, dtype=np.float32)).requires_grad_()
            optimizer = getattr(nbnn.optim, name)([p], **options)
            for step in range(3):
                p.grad = nbnn.tensor(np.cos(p.detach().numpy() * step))
                optimizer.step()
            return p.detach().numpy()
        finally:
            nbnn.set_num_threads(before)

    np.testing.assert_array_equal(once(1), once(2))


@pytest.mark.parametrize("kind", ["float16", "bfloat16"])
def test_halves_are_stepped_in_float32(kind):
    kind = getattr(nbnn, kind)
    p = nbnn.ones(4).to(kind).requires_grad_()
    p.grad = nbnn.ones(4).to(kind)
    SGD([p], lr=0.25, momentum=0.5).step()
    assert p.dtype is kind
    assert p.tolist() == [0.75] * 4


def test_step_functions_take_arrays():
    p, g = np.array([1.0, 2.0], np.float32), np.ones(2, np.float32)
    assert sgd_step_(p, g, lr=0.5) is p
    np.testing.assert_array_equal(p, [0.5, 1.5])
    m, v = np.zeros(2, np.float32), np.zeros(2, np.float32)
    adam_step_(p, g, m, v, step=1, lr=0.5)
    np.testing.assert_allclose(p, [0.0, 1.0], atol=1e-6)
    np.testing.assert_allclose(m, [0.1, 0.1], rtol=1e-6)


def test_step_functions_refuse_what_a_kernel_could_not_bear():
    p, g = nbnn.ones(2), nbnn.ones(2)
    with pytest.raises(ValueError, match=r"`grad` must have the shape of `param` \(2,\); got \(3,\)"):
        sgd_step_(p, nbnn.ones(3), lr=0.1)
    with pytest.raises(TypeError, match="`momentum_buffer` must have the dtype of `param`"):
        sgd_step_(p, g, nbnn.ones(2, dtype=nbnn.float64), lr=0.1, momentum=0.9)
    with pytest.raises(TypeError, match="`param` must have a floating-point dtype"):
        sgd_step_(nbnn.ones(2, dtype=nbnn.int64), nbnn.ones(2, dtype=nbnn.int64), lr=0.1)
    with pytest.raises(TypeError, match="`grad` must be a Tensor"):
        sgd_step_(p, [1.0, 1.0], lr=0.1)
    with pytest.raises(ValueError, match="need `momentum_buffer`"):
        sgd_step_(p, g, lr=0.1, momentum=0.9)
    with pytest.raises(ValueError, match="expanded view"):
        sgd_step_(nbnn.ones(1).expand(2), g, lr=0.1)
    with pytest.raises(ValueError, match="writable"):
        sgd_step_(np.ones(2, np.float32)[::-1], np.ones(2, np.float32), lr=0.1)
    with pytest.raises(ValueError, match=r"`step` \(=0\)"):
        adam_step_(p, g, nbnn.zeros(2), nbnn.zeros(2), step=0)
    with pytest.raises(ValueError, match="`exp_avg_sq` must have the shape"):
        adam_step_(p, g, nbnn.zeros(2), nbnn.zeros(1), step=1)
    with pytest.raises(ValueError, match="`momentum` .* needs `momentum_buffer`"):
        rmsprop_step_(p, g, nbnn.zeros(2), momentum=0.5)
    with pytest.raises(ValueError, match=r"`step` \(=0\)"):
        adagrad_step_(p, g, nbnn.zeros(2), step=0)
    with pytest.raises(ValueError, match=r"`grad` must be a list as long as `param` \(=1\)"):
        sgd_step_([p], g, lr=0.1)
    with pytest.raises(ValueError, match=r"`grad` must be a list as long"):
        sgd_step_([p], [g, g], lr=0.1)
    with pytest.raises(ValueError, match=r"`grad` must have the shape of `param` \(2,\); got \(3,\)"):
        sgd_step_([p, p.clone()], [g, nbnn.ones(3)], lr=0.1)
    with pytest.raises(TypeError, match="must be a Tensor"):
        sgd_step_([p], [g.numpy()], lr=0.1)


def test_infinite_parameters_and_nan_gradients_stay_what_they_are():
    p = nbnn.tensor([np.inf, 1.0, 1.0])
    sgd_step_(p, nbnn.tensor([1.0, np.nan, 0.0]), lr=0.1)
    np.testing.assert_array_equal(p.numpy(), np.array([np.inf, np.nan, 1.0], np.float32))
    largest = nbnn.zeros(1)
    adam_step_(nbnn.ones(1), nbnn.tensor([np.nan]), nbnn.zeros(1), nbnn.zeros(1), largest, step=1)
    assert np.isnan(largest.item())


def test_a_step_is_noticed_by_autograd():
    p = nbnn.ones(3).requires_grad_()
    loss = (p * p).sum()
    optimizer = SGD([p], lr=0.1)
    p.grad = nbnn.ones(3)
    optimizer.step()
    assert p.is_leaf
    assert p.requires_grad
    with pytest.raises(RuntimeError):
        loss.backward()


def test_training_reduces_the_loss():
    x, target = nbnn.tensor(start()), nbnn.tensor(start()[:, :1])
    w = nbnn.zeros(5, 1, requires_grad=True)
    optimizer = Adam([w], lr=0.1)
    losses = []

    def closure():
        optimizer.zero_grad()
        error = x @ w - target
        loss = (error * error).mean()
        loss.backward()
        losses.append(loss.item())
        return loss

    with nbnn.no_grad():
        for _ in range(100):
            assert optimizer.step(closure).item() == losses[-1]
    assert losses[-1] < 0.01 * losses[0]


def test_zero_grad():
    p = nbnn.ones(2).requires_grad_()
    p.grad = nbnn.ones(2)
    kept = p.grad
    optimizer = SGD([p])
    optimizer.zero_grad(set_to_none=False)
    assert kept.tolist() == [0.0, 0.0]
    optimizer.zero_grad()
    assert p.grad is None
    optimizer.step()
    assert p.tolist() == [1.0, 1.0]


def test_groups_have_their_own_options():
    a, b = nbnn.ones(1).requires_grad_(), nbnn.ones(1).requires_grad_()
    optimizer = SGD([{"params": [a]}, {"params": b, "lr": 0.5}], lr=0.25)
    a.grad = b.grad = nbnn.ones(1)
    optimizer.step()
    assert (a.item(), b.item()) == (0.75, 0.5)
    optimizer.param_groups[0]["lr"] = 0.75
    optimizer.step()
    assert (a.item(), b.item()) == (0.0, 0.0)
    c = nbnn.ones(1).requires_grad_()
    optimizer.add_param_group({"params": [c], "momentum": 0.9})
    assert [g["momentum"] for g in optimizer.param_groups] == [0, 0, 0.9]


def test_named_parameters():
    a, b = nbnn.ones(1), nbnn.ones(2)
    optimizer = SGD([("a", a), ("b", b)], lr=0.1)
    assert optimizer.param_groups[0]["param_names"] == ["a", "b"]
    assert optimizer.state_dict()["param_groups"][0]["param_names"] == ["a", "b"]
    with pytest.raises(ValueError, match="name the parameters of all groups or of none"):
        optimizer.add_param_group({"params": [nbnn.ones(3)]})
    with pytest.raises(ValueError, match="name all parameters of a group or none"):
        SGD([("a", a), b])


def test_what_cannot_be_optimized_is_refused():
    p = nbnn.ones(1).requires_grad_()
    for params, error, match in [
        ([], ValueError, "must not be empty"),
        (p, TypeError, "iterable of Tensors or dicts"),
        ({p}, TypeError, "must have an order"),
        ([1.0], TypeError, "can optimize Tensors only; got float"),
        ([p, p], ValueError, "parameter 1 of shape .* is given twice"),
        ([{"params": [p]}, {"params": [p]}], ValueError, "given twice"),
        ([p * 2], ValueError, "must be a leaf"),
        ([{"lr": 1.0}], ValueError, "must have the key 'params'"),
    ]:
        with pytest.raises(error, match="^SGD: .*" + match):
            SGD(params)


@pytest.mark.parametrize(
    ("name", "options", "match"),
    [
        ("SGD", {"lr": -1}, r"SGD: `lr` \(=-1\) must be at least 0"),
        ("SGD", {"lr": float("nan")}, r"SGD: `lr` \(=nan\)"),
        ("SGD", {"momentum": -0.1}, r"SGD: `momentum` \(=-0.1\)"),
        ("SGD", {"weight_decay": -1}, r"SGD: `weight_decay` \(=-1\)"),
        ("SGD", {"nesterov": True}, r"SGD: nesterov=True needs `momentum` \(=0\) above 0"),
        ("SGD", {"nesterov": True, "momentum": 0.9, "dampening": 0.1}, r"`dampening` \(=0.1\) 0"),
        ("Adam", {"lr": -1}, r"Adam: `lr` \(=-1\)"),
        ("Adam", {"eps": -1}, r"Adam: `eps` \(=-1\)"),
        ("Adam", {"betas": (1.0, 0.9)}, r"Adam: `betas` \(=\(1.0, 0.9\)\) must be two numbers in \[0, 1\)"),
        ("AdamW", {"betas": (0.9,)}, r"AdamW: `betas`"),
        ("AdamW", {"weight_decay": -0.1}, r"AdamW: `weight_decay`"),
        ("RMSprop", {"alpha": -1}, r"RMSprop: `alpha` \(=-1\) must be at least 0"),
        ("RMSprop", {"momentum": -1}, r"RMSprop: `momentum`"),
        ("Adagrad", {"lr_decay": -1}, r"Adagrad: `lr_decay` \(=-1\)"),
        ("Adagrad", {"initial_accumulator_value": -1}, r"Adagrad: `initial_accumulator_value`"),
    ],
)
def test_bad_options_are_refused(name, options, match):
    with pytest.raises(ValueError, match=match):
        getattr(nbnn.optim, name)([nbnn.ones(1)], **options)
    with pytest.raises(ValueError, match=match):
        getattr(nbnn.optim, name)([{"params": [nbnn.ones(1)], **options}])


def test_compatibility_arguments():
    p = nbnn.ones(1)
    assert SGD([p], foreach=True, fused=True).defaults["foreach"] is True
    assert Adam([p], foreach=False, fused=False, capturable=True).defaults["capturable"] is True
    for cls in (SGD, Adam, AdamW, RMSprop, Adagrad):
        with pytest.raises(NotImplementedError, match="differentiable=True"):
            cls([p], differentiable=True)


def test_state_dict_round_trip_continues_exactly():
    p, optimizer = run("Adam", ADAM_CASES[3])
    q = p.detach().clone().requires_grad_()
    other = Adam([q])
    other.load_state_dict(copy.deepcopy(optimizer.state_dict()))
    assert other.param_groups[0]["amsgrad"] is True
    assert other.state[q]["step"] == STEPS
    assert other.state[q]["exp_avg"] is not optimizer.state[p]["exp_avg"]
    for t, o in ((p, optimizer), (q, other)):
        t.grad = nbnn.tensor(gradient(0, start()), dtype=nbnn.float32)
        o.step()
    np.testing.assert_array_equal(p.detach().numpy(), q.detach().numpy())


def test_state_dict_that_does_not_fit_changes_nothing():
    p, optimizer = run("SGD", SGD_CASES[2])
    before = optimizer.state[p]["momentum_buffer"]
    good = optimizer.state_dict()
    bad_state = {**good, "state": {0: {"momentum_buffer": np.zeros(3, np.float32)}}}
    bad_count = {**good, "param_groups": [{**good["param_groups"][0], "params": [0, 1]}]}
    bad_value = {**good, "param_groups": [{**good["param_groups"][0], "momentum": -1}]}
    for state, match in [
        (bad_state, r"'momentum_buffer' of parameter 0 must have the parameter's shape \(7, 5\); got \(3,\)"),
        (bad_count, r"groups of \[1\] parameters; got \[2\]"),
        (bad_value, r"`momentum` \(=-1\)"),
        ({"state": {}}, "must have the keys"),
    ]:
        with pytest.raises(ValueError, match=match):
            optimizer.load_state_dict(state)
        assert optimizer.state[p]["momentum_buffer"] is before
        assert optimizer.param_groups[0]["lr"] == 0.05


def test_deepcopy_keeps_parameters_and_state_together():
    p, optimizer = run("Adam", {})
    twin_p, twin = copy.deepcopy((p, optimizer))
    assert twin.param_groups[0]["params"][0] is twin_p
    assert twin.state[twin_p]["step"] == STEPS


def test_a_group_may_be_empty():
    decayed, others = [nbnn.ones(1).requires_grad_()], []
    optimizer = SGD([{"params": decayed, "weight_decay": 0.1}, {"params": others}], lr=0.5)
    decayed[0].grad = nbnn.ones(1)
    optimizer.step()
    optimizer.load_state_dict(optimizer.state_dict())
    assert [len(group["params"]) for group in optimizer.param_groups] == [1, 0]
    named = SGD([{"params": [("a", decayed[0])]}, {"params": []}, {"params": [("b", nbnn.ones(1))]}])
    assert [group.get("param_names") for group in named.param_groups] == [["a"], None, ["b"]]


def test_a_rate_that_a_scheduler_left_below_zero_is_loaded():
    optimizer = SGD([nbnn.ones(1).requires_grad_()], lr=0.5)
    state = optimizer.state_dict()
    state["param_groups"][0]["lr"] = -8.9e-19  # what PyTorch's LinearLR(end_factor=0.0) ends with
    optimizer.load_state_dict(state)
    assert optimizer.param_groups[0]["lr"] == -8.9e-19
    state["param_groups"][0]["momentum"] = -1
    with pytest.raises(ValueError, match="`momentum`"):
        optimizer.load_state_dict(state)


@pytest.mark.parametrize("name", ["SGD", "Adam", "NAdam", "Rprop", "Adafactor", "Muon", "LBFGS"])
def test_options_that_are_no_numbers_are_named(name):
    make = getattr(nbnn.optim, name)
    for key, value in make([nbnn.ones(2, 2)]).defaults.items():
        if isinstance(value, (float, tuple)):
            for wrong in ("x", None, [], {}, ("x", "y")):
                with pytest.raises((TypeError, ValueError), match=f"^{name}: `{key}`"):
                    make([nbnn.ones(2, 2)], **{key: wrong})


def test_repr_lists_the_options():
    text = repr(SGD([{"params": [nbnn.ones(1)]}, {"params": [nbnn.ones(1)]}]))
    assert "    weight_decay: 0\n\nParameter Group 1\n    dampening: 0\n" in text
    text = repr(SGD([nbnn.ones(1)], lr=0.5))
    assert text.startswith("SGD (\nParameter Group 0\n    dampening: 0\n")
    assert "    lr: 0.5\n" in text
    assert text.endswith("    weight_decay: 0\n)")
