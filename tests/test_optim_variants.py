"""The rarer optimizers: against a float64 oracle written from the formulas, against PyTorch, and what they refuse."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest

import nbnn
from nbnn.functional.optim import adam_step_
from nbnn.functional.optim_variants import asgd_step_, nadam_step_, rprop_step_
from tests.test_optim import STEPS, gradient, start

CASES = [
    ("Adamax", {}),
    ("Adamax", {"lr": 0.05, "betas": (0.8, 0.95), "eps": 1e-6, "weight_decay": 0.1, "maximize": True}),
    ("NAdam", {}),
    ("NAdam", {"lr": 0.05, "betas": (0.8, 0.95), "weight_decay": 0.1, "momentum_decay": 0.1}),
    ("NAdam", {"lr": 0.01, "weight_decay": 0.1, "decoupled_weight_decay": True, "maximize": True}),
    ("RAdam", {}),
    ("RAdam", {"lr": 0.05, "betas": (0.8, 0.95), "eps": 1e-6, "weight_decay": 0.1, "maximize": True}),
    ("RAdam", {"lr": 0.05, "betas": (0.5, 0.5), "weight_decay": 0.1, "decoupled_weight_decay": True}),
    ("Adadelta", {}),
    ("Adadelta", {"lr": 0.5, "rho": 0.7, "eps": 1e-3, "weight_decay": 0.1, "maximize": True}),
    ("Rprop", {}),
    ("Rprop", {"lr": 0.1, "etas": (0.4, 1.5), "step_sizes": (0.01, 0.2), "maximize": True}),
    ("ASGD", {}),
    ("ASGD", {"lr": 0.05, "lambd": 0.1, "alpha": 0.5, "t0": 10, "weight_decay": 0.1, "maximize": True}),
    ("Adafactor", {}),
    ("Adafactor", {"lr": 0.05, "beta2_decay": -0.5, "eps": (1e-6, 0.1), "d": 2.0, "weight_decay": 0.1}),
    ("Adafactor", {"lr": 0.05, "maximize": True}),
    ("Muon", {}),
    ("Muon", {"lr": 0.02, "nesterov": False, "momentum": 0.5, "adjust_lr_fn": "match_rms_adamw"}),
]
LAUNCHED = {"Adamax", "NAdam", "RAdam", "Adadelta", "Rprop", "ASGD"}


def signed(g, options):
    return -g if options.get("maximize") else g


def penalized(g, p, options):
    return signed(g, options) + (0 if options.get("decoupled_weight_decay") else options.get("weight_decay", 0.0)) * p


def shrunk(p, lr, options):
    return p * (1 - lr * options.get("weight_decay", 0.0)) if options.get("decoupled_weight_decay") else p


def oracle_adamax(p, s, t, g, options):
    (b1, b2), g = options.get("betas", (0.9, 0.999)), penalized(g, p, options)
    s["m"] = b1 * s.get("m", 0.0) + (1 - b1) * g
    s["u"] = np.maximum(b2 * s.get("u", 0.0), abs(g) + options.get("eps", 1e-8))
    return p - options.get("lr", 0.002) / (1 - b1**t) * s["m"] / s["u"]


def oracle_nadam(p, s, t, g, options):
    (b1, b2), g = options.get("betas", (0.9, 0.999)), penalized(g, p, options)
    lr, decay = options.get("lr", 0.002), options.get("momentum_decay", 0.004)
    mu, ahead = (b1 * (1 - 0.5 * 0.96 ** (k * decay)) for k in (t, t + 1))
    s["product"] = s.get("product", 1.0) * mu
    s["m"] = b1 * s.get("m", 0.0) + (1 - b1) * g
    s["v"] = b2 * s.get("v", 0.0) + (1 - b2) * g * g
    move = (1 - mu) / (1 - s["product"]) * g + ahead / (1 - s["product"] * ahead) * s["m"]
    return shrunk(p, lr, options) - lr * move / (np.sqrt(s["v"] / (1 - b2**t)) + options.get("eps", 1e-8))


def oracle_radam(p, s, t, g, options):
    (b1, b2), g, lr = options.get("betas", (0.9, 0.999)), penalized(g, p, options), options.get("lr", 0.001)
    s["m"] = b1 * s.get("m", 0.0) + (1 - b1) * g
    s["v"] = b2 * s.get("v", 0.0) + (1 - b2) * g * g
    far = 2 / (1 - b2) - 1
    rho = far - 2 * t * b2**t / (1 - b2**t)
    scale = 1.0
    if rho > 5:
        trust = np.sqrt((rho - 4) * (rho - 2) * far / ((far - 4) * (far - 2) * rho))
        scale = trust * np.sqrt(1 - b2**t) / (np.sqrt(s["v"]) + options.get("eps", 1e-8))
    return shrunk(p, lr, options) - lr * s["m"] / (1 - b1**t) * scale


def oracle_adadelta(p, s, t, g, options):
    rho, eps, g = options.get("rho", 0.9), options.get("eps", 1e-6), penalized(g, p, options)
    s["v"] = rho * s.get("v", 0.0) + (1 - rho) * g * g
    d = np.sqrt(s.get("u", 0.0) + eps) / np.sqrt(s["v"] + eps) * g
    s["u"] = rho * s.get("u", 0.0) + (1 - rho) * d * d
    return p - options.get("lr", 1.0) * d


def oracle_rprop(p, s, t, g, options):
    (down, up), (low, high) = options.get("etas", (0.5, 1.2)), options.get("step_sizes", (1e-6, 50))
    g = signed(g, options)
    agree = np.sign(g) * np.sign(s.get("before", 0 * g))
    size = s.get("size", np.full_like(p, options.get("lr", 0.01)))
    s["size"] = np.clip(size * np.where(agree > 0, up, np.where(agree < 0, down, 1.0)), low, high)
    s["before"] = np.where(agree < 0, 0.0, g)
    return p - np.sign(s["before"]) * s["size"]


def oracle_asgd(p, s, t, g, options):
    lr, lambd = options.get("lr", 0.01), options.get("lambd", 1e-4)
    eta = lr / (1 + lambd * lr * (t - 1)) ** options.get("alpha", 0.75)
    return p * (1 - lambd * eta) - eta * penalized(g, p, options)


def oracle_adafactor(p, s, t, g, options):
    g, lr, (low, least) = signed(g, options), options.get("lr", 0.01), options.get("eps", (None, 1e-3))
    low = 2.0**-52 if low is None else low
    new = t ** options.get("beta2_decay", -0.8)
    step = max(least, np.sqrt((p * p).mean())) * min(lr, 1 / np.sqrt(t))
    p = p * (1 - lr * options.get("weight_decay", 0.0))
    s["r"] = (1 - new) * s.get("r", 0.0) + new * (g * g).mean(1, keepdims=True)
    s["c"] = (1 - new) * s.get("c", 0.0) + new * (g * g).mean(0, keepdims=True)
    u = g / np.sqrt(np.maximum(s["r"] @ s["c"] / max(s["r"].mean(), low), low * low))
    return p - step * u / max(1.0, np.sqrt((u * u).mean()) / options.get("d", 1.0))


def oracle_muon(p, s, t, g, options):
    lr, mu = options.get("lr", 0.001), options.get("momentum", 0.95)
    s["b"] = mu * s.get("b", 0.0) + (1 - mu) * g
    x = (mu * s["b"] + (1 - mu) * g if options.get("nesterov", True) else s["b"]).T
    x = x / np.linalg.norm(x)
    for _ in range(5):
        gram = x @ x.T
        x = 3.4445 * x + (-4.775 * gram + 2.0315 * gram @ gram) @ x
    rows, columns = p.shape
    factor = 0.2 * np.sqrt(max(rows, columns)) if "adjust_lr_fn" in options else np.sqrt(max(1, rows / columns))
    return p * (1 - lr * 0.1) - lr * factor * x.T


def run(name, options, kind=nbnn.float32, steps=STEPS, begin=start):
    p = nbnn.tensor(begin(), dtype=kind).requires_grad_()
    optimizer = getattr(nbnn.optim, name)([p], **options)
    for step in range(steps):
        p.grad = nbnn.tensor(gradient(step, p.detach().numpy().astype(np.float64)), dtype=kind)
        optimizer.step()
    return p, optimizer


@pytest.mark.parametrize(("kind", "rtol"), [("float64", 1e-9), ("float32", 3e-5)])
@pytest.mark.parametrize(("name", "options"), CASES)
def test_fifty_steps_follow_the_formula(name, options, kind, rtol):
    if kind == "float32" and name == "Adafactor":
        options = {**options, "eps": (2.0**-52, 1e-3)} if "eps" not in options else options
    p, optimizer = run(name, options, getattr(nbnn, kind))
    expected, state = start().astype(np.float64), {}
    for step in range(STEPS):
        oracle = globals()[f"oracle_{name.lower()}"]
        expected = oracle(expected, state, step + 1, gradient(step, expected), options)
    np.testing.assert_allclose(p.detach().numpy(), expected, rtol=rtol, atol=rtol)
    for entry in optimizer.state[p].values():
        assert isinstance(entry, (int, float)) or entry.dtype is p.dtype


def test_asgd_keeps_the_mean_of_the_last_steps():
    p = nbnn.tensor([4.0]).requires_grad_()
    optimizer = nbnn.optim.ASGD([p], lr=1.0, lambd=0.0, t0=2)
    for expected in (3.0, 2.0, 1.0, 0.0, -0.5):  # the mean begins with step 4
        p.grad = nbnn.ones(1)
        optimizer.step()
        assert optimizer.state[p]["ax"].tolist() == [expected]
    assert p.tolist() == [-1.0]


@pytest.mark.parity
@pytest.mark.parametrize(
    "begin", [start, lambda: start()[0], lambda: start()[:, :4].reshape(7, 2, 2)], ids=["matrix", "vector", "cube"]
)
@pytest.mark.parametrize(("name", "options"), CASES)
def test_fifty_steps_match_torch(name, options, begin):
    torch = pytest.importorskip("torch")
    if name == "Muon":
        pytest.skip("torch iterates in bfloat16: see the oracle")
    theirs = torch.nn.Parameter(torch.tensor(begin()))
    reference = getattr(torch.optim, name)([theirs], foreach=False, **options)
    p = nbnn.tensor(begin()).requires_grad_()
    optimizer = getattr(nbnn.optim, name)([p], **options)
    for step in range(STEPS):
        if step == 20:  # in the middle: there and back
            state = reference.state_dict()
            p = nbnn.tensor(theirs.detach().numpy()).requires_grad_()
            optimizer = getattr(nbnn.optim, name)([p])
            optimizer.load_state_dict(state)
            saved = optimizer.state_dict()
            assert saved["param_groups"][0].keys() == state["param_groups"][0].keys()
            assert saved["state"][0].keys() == state["state"][0].keys()
        grad = gradient(step, theirs.detach().numpy()).astype(np.float32)
        theirs.grad, p.grad = torch.tensor(grad), nbnn.tensor(grad)
        reference.step()
        optimizer.step()
    np.testing.assert_allclose(p.detach().numpy(), theirs.detach().numpy(), rtol=1e-5, atol=3e-6)


@pytest.mark.parity
def test_muon_is_near_to_torch():
    torch = pytest.importorskip("torch")
    theirs = torch.nn.Parameter(torch.tensor(start()))
    p = nbnn.tensor(start()).requires_grad_()
    reference, optimizer = torch.optim.Muon([theirs], lr=0.1), nbnn.optim.Muon([p], lr=0.1)
    for step in range(5):
        grad = gradient(step, theirs.detach().numpy()).astype(np.float32)
        theirs.grad, p.grad = torch.tensor(grad), nbnn.tensor(grad)
        reference.step()
        optimizer.step()
    np.testing.assert_allclose(p.detach().numpy(), theirs.detach().numpy(), atol=0.02)
    assert optimizer.state_dict()["param_groups"][0].keys() == reference.state_dict()["param_groups"][0].keys()


def network(lib, seed=7):
    """A small network with given weights, and the loss of it on given data, in nbnn or in torch."""
    rng = np.random.default_rng(seed)
    model = lib.nn.Sequential(lib.nn.Linear(4, 8), lib.nn.Tanh(), lib.nn.Linear(8, 3))
    for p in model.parameters():
        value = rng.normal(size=tuple(p.shape)).astype(np.float32) * 0.5
        p.data = lib.tensor(value)
    x, y = lib.tensor(rng.normal(size=(16, 4)).astype(np.float32)), lib.tensor(rng.integers(0, 3, size=16))
    return model, lambda: lib.nn.functional.cross_entropy(model(x), y)


TRAINED = [
    ("Adamax", {"lr": 0.02}), ("NAdam", {"lr": 0.01}), ("RAdam", {"lr": 0.01}), ("Adadelta", {}), ("ASGD", {"lr": 0.3}),
    ("Adafactor", {"lr": 0.05}), ("LBFGS", {"max_iter": 4}),
    ("LBFGS", {"max_iter": 4, "line_search_fn": "strong_wolfe"}),
]  # fmt: skip


@pytest.mark.parity
@pytest.mark.parametrize(("name", "options"), TRAINED)
def test_training_a_network_goes_as_in_torch(name, options):
    torch = pytest.importorskip("torch")
    losses = []
    for lib in (torch, nbnn):
        model, criterion = network(lib)
        optimizer = getattr(lib.optim, name)(model.parameters(), **options)
        losses.append([])

        def closure(optimizer=optimizer, criterion=criterion):
            optimizer.zero_grad()
            loss = criterion()
            loss.backward()
            return loss

        for _ in range(10 if name == "LBFGS" else 50):
            losses[-1].append(optimizer.step(closure).item())
    # the paths of a quasi-Newton method part from rounding on; both come down
    sure = 4 if name == "LBFGS" else 50
    np.testing.assert_allclose(losses[1][:sure], losses[0][:sure], rtol=2e-3 if name == "LBFGS" else 1e-4)
    assert losses[1][-1] < 0.95 * losses[1][0]


@pytest.mark.parametrize(("name", "options"), [("Rprop", {"lr": 0.01}), ("Muon", {"lr": 0.02})])
def test_training_reduces_the_loss(name, options):
    model, criterion = network(nbnn)
    matrices = [p for p in model.parameters() if p.dim() == 2]
    optimizer = getattr(nbnn.optim, name)(matrices, **options)
    first = criterion().item()
    for _ in range(30):
        optimizer.zero_grad()
        loss = criterion()
        loss.backward()
        optimizer.step()
    assert loss.item() < 0.9 * first


# -- L-BFGS ------------------------------------------------------------------------------------------------------


def rosenbrock(p):
    x, y = p[0], p[1]
    return (1 - x) ** 2 + 100 * (y - x * x) ** 2


def minimized(lib, function, begin, steps, **options):
    """Parameters after each step of L-BFGS."""
    p = lib.tensor(begin, dtype=lib.float64).requires_grad_()
    optimizer = lib.optim.LBFGS([p], **options)

    def closure():
        optimizer.zero_grad()
        loss = function(p)
        loss.backward()
        return loss

    path = []
    for step in range(steps):
        if step == steps // 2:  # a round trip in the middle
            state = copy.deepcopy(optimizer.state_dict())
            optimizer = lib.optim.LBFGS([p])
            optimizer.load_state_dict(state)
        optimizer.step(closure)
        path.append(p.detach().numpy().copy())
    return path, optimizer


def ellipse(p):
    return (p * p).sum() + 3 * p[0] * p[0] + p[0] * p[1] - p[1]


LBFGS_CASES = [
    (ellipse, [3.0, -2.0, 1.0], 50, {"lr": 0.1, "max_iter": 1, "history_size": 3}),
    (ellipse, [3.0, -2.0, 1.0], 5, {"lr": 0.5, "max_iter": 4, "max_eval": 3}),
    (rosenbrock, [-1.0, 1.5], 8, {"max_iter": 5, "line_search_fn": "strong_wolfe"}),
    (rosenbrock, [-1.0, 1.5], 30, {"max_iter": 1, "max_eval": 30, "history_size": 2, "line_search_fn": "strong_wolfe"}),
    (rosenbrock, [2.0, -3.0], 10, {"lr": 20.0, "max_iter": 2, "line_search_fn": "strong_wolfe"}),
]


@pytest.mark.parity
@pytest.mark.parametrize(("function", "begin", "steps", "options"), LBFGS_CASES)
def test_lbfgs_goes_where_torch_goes(function, begin, steps, options):
    torch = pytest.importorskip("torch")
    theirs, reference = minimized(torch, function, begin, steps, **options)
    ours, optimizer = minimized(nbnn, function, begin, steps, **options)
    np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-8)
    state, expected = optimizer.state_dict()["state"][0], reference.state_dict()["state"][0]
    assert state.keys() == expected.keys() - {"al"}  # torch's scratch
    assert (state["n_iter"], state["func_evals"]) == (expected["n_iter"], expected["func_evals"])


def test_lbfgs_finds_the_minimum():
    path, optimizer = minimized(nbnn, rosenbrock, [-1.0, 1.5], 4, line_search_fn="strong_wolfe")
    np.testing.assert_allclose(path[-1], [1.0, 1.0], atol=1e-6)
    evaluations = optimizer.state_dict()["state"][0]["func_evals"]
    p = nbnn.tensor(path[-1]).requires_grad_()
    p.grad = nbnn.zeros(2, dtype=nbnn.float64)
    still = nbnn.optim.LBFGS([p])
    still.step(lambda: 0.0)
    assert evaluations < 100
    assert still.state[p] == {"func_evals": 1, "n_iter": 0}


@pytest.mark.parity
def test_lbfgs_continues_what_torch_began():
    torch = pytest.importorskip("torch")
    path, theirs = minimized(torch, rosenbrock, [-1.0, 1.5], 4, max_iter=3, line_search_fn="strong_wolfe")
    p = nbnn.tensor(path[-1]).requires_grad_()
    optimizer = nbnn.optim.LBFGS([p])
    optimizer.load_state_dict(theirs.state_dict())

    def closure():
        optimizer.zero_grad()
        loss = rosenbrock(p)
        loss.backward()
        return loss

    optimizer.step(closure)
    expected, _ = minimized(torch, rosenbrock, [-1.0, 1.5], 5, max_iter=3, line_search_fn="strong_wolfe")
    np.testing.assert_allclose(p.detach().numpy(), expected[-1], rtol=1e-6)


# -- bookkeeping -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "options"), [case for case in CASES if case[1]])
def test_state_dict_round_trip_in_the_middle(name, options):
    straight, _ = run(name, options, steps=12)
    p, optimizer = run(name, options, steps=6)
    other = getattr(nbnn.optim, name)([q := p.detach().clone().requires_grad_()])
    other.load_state_dict(copy.deepcopy(optimizer.state_dict()))
    for step in range(6, 12):
        q.grad = nbnn.tensor(gradient(step, q.detach().numpy().astype(np.float64)), dtype=q.dtype)
        other.step()
    np.testing.assert_array_equal(q.detach().numpy(), straight.detach().numpy())


def test_adafactor_refuses_means_of_another_shape():
    p, optimizer = run("Adafactor", {}, steps=1)
    state = copy.deepcopy(optimizer.state_dict())
    state["state"][0]["row_var"] = nbnn.zeros(7, 5)
    with pytest.raises(ValueError, match=r"'row_var' of parameter 0 must have the shape \(7, 1\); got \(7, 5\)"):
        optimizer.load_state_dict(state)


@pytest.mark.parametrize("name", sorted(LAUNCHED))
def test_a_list_is_stepped_as_each_alone(name):
    shapes = [(), (3, 50000), (0,), (7, 5)]
    rng = np.random.default_rng(0)
    values = [rng.normal(size=shape).astype(np.float32) for shape in shapes]
    together, alone = ([nbnn.tensor(v).requires_grad_() for v in values] for _ in range(2))
    cls = getattr(nbnn.optim, name)
    optimizer, singles = cls(together), [cls([p]) for p in alone]
    for step in range(4):
        for p, q in zip(together, alone, strict=True):
            grad = gradient(step, p.detach().numpy()).astype(np.float32)
            p.grad, q.grad = nbnn.tensor(grad), nbnn.tensor(grad)
            q.grad = nbnn.stack([q.grad, q.grad], -1)[..., 0] if q.dim() else q.grad
        if step == 2:  # counts fall apart
            together[3].grad = alone[3].grad = None
        optimizer.step()
        for single in singles:
            single.step()
    assert optimizer._plans[0].table is not None
    for p, q in zip(together, alone, strict=True):
        np.testing.assert_array_equal(p.detach().numpy(), q.detach().numpy())


@pytest.mark.parametrize(("name", "options"), [(n, o) for n, o in CASES if not o])
def test_halves_empty_tensors_and_missing_gradients(name, options):
    shape = (2, 3) if name == "Muon" else (3,)
    half, empty, none = (nbnn.ones(s).to(k).requires_grad_() for s, k in (
        (shape, nbnn.bfloat16), ((0, 4), nbnn.float32), (shape, nbnn.float32)))  # fmt: skip
    half.grad, empty.grad = nbnn.ones(shape).to(nbnn.bfloat16), nbnn.zeros(0, 4)
    getattr(nbnn.optim, name)([half, empty, none], lr=0.25, **options).step()
    assert half.dtype is nbnn.bfloat16
    assert all(0 <= v <= 1 for v in half.detach().float().reshape(-1).tolist())
    assert none.tolist() == nbnn.ones(shape).tolist()


def test_rprop_leaves_what_has_no_direction():
    p, before, size = np.ones(3), np.array([1.0, 1e-200, 0.0]), np.full(3, 0.5)
    rprop_step_(p, np.array([np.nan, 1e-200, 0.0]), before, size)
    np.testing.assert_array_equal(p, [1.0, 0.4, 1.0])  # the product of the small ones is 0: they still agree
    np.testing.assert_array_equal(size, [0.5, 0.6, 0.5])


def test_lists_of_numbers_must_fit():
    p, g, m = nbnn.ones(2), nbnn.ones(2), nbnn.zeros(2)
    with pytest.raises(ValueError, match=r"adam_step_: `step` may be a list as long as the list `param` only; got 1"):
        adam_step_([p, p.clone()], [g, g], [m, m.clone()], [m.clone(), m.clone()], step=[1])
    with pytest.raises(ValueError, match=r"asgd_step_: `mu` may be a list"):
        asgd_step_(p, g, m, eta=0.1, mu=[1.0])
    with pytest.raises(ValueError, match=r"nadam_step_: `mu_product` \(=1.0\) must be in \[0, 1\)"):
        nadam_step_(p, g, m, m.clone(), step=1, mu_product=1.0)
    with pytest.raises(ValueError, match=r"nadam_step_: `step` \(=0\)"):
        nadam_step_(p, g, m, m.clone(), step=0, mu_product=0.5)


@pytest.mark.parametrize(
    ("name", "options", "match"),
    [
        *[
            (name, {"lr": -1}, rf"{name}: `lr` \(=-1\)")
            for name in sorted({n for n, _ in CASES} | {"LBFGS", "SparseAdam"})
        ],
        ("Adamax", {"betas": (0.9, 1.0)}, r"Adamax: `betas` \(=\(0.9, 1.0\)\) must be two numbers in \[0, 1\)"),
        ("NAdam", {"momentum_decay": -1}, r"NAdam: `momentum_decay`"),
        ("RAdam", {"eps": -1}, r"RAdam: `eps`"),
        ("Adadelta", {"rho": 1.5}, r"Adadelta: `rho` \(=1.5\) must be in \[0, 1\]"),
        ("Rprop", {"etas": (1.5, 1.2)}, r"Rprop: `etas` \(=\(1.5, 1.2\)\)"),
        ("Rprop", {"step_sizes": (1.0, 0.5)}, r"Rprop: `step_sizes` \(=\(1.0, 0.5\)\)"),
        ("ASGD", {"weight_decay": -1}, r"ASGD: `weight_decay`"),
        ("Adafactor", {"beta2_decay": 0.1}, r"Adafactor: `beta2_decay` \(=0.1\) must be at most 0"),
        ("Adafactor", {"d": 0.5}, r"Adafactor: `d` \(=0.5\) must be at least 1"),
        ("Adafactor", {"eps": (0.1, None)}, r"Adafactor: `eps` \(=\(0.1, None\)\)"),
        ("Muon", {"adjust_lr_fn": "x"}, r"Muon: `adjust_lr_fn` \(='x'\) must be one of None, 'original'"),
        ("Muon", {"ns_steps": 100}, r"Muon: `ns_steps` \(=100\) must be in \[0, 100\)"),
        ("Muon", {"ns_coefficients": (1, 2)}, r"Muon: `ns_coefficients`"),
        ("LBFGS", {"line_search_fn": "armijo"}, r"LBFGS: `line_search_fn` \(='armijo'\) must be None or"),
        ("LBFGS", {"tolerance_grad": -1}, r"LBFGS: `tolerance_grad`"),
        ("SparseAdam", {"betas": (2, 0)}, r"SparseAdam: `betas`"),
    ],
)
def test_bad_options_are_refused(name, options, match):
    with pytest.raises(ValueError, match=match):
        getattr(nbnn.optim, name)([nbnn.ones(1, 1)], **options)


def test_other_refusals():
    p, q = nbnn.ones(2).requires_grad_(), nbnn.ones(2, 2)
    with pytest.raises(ValueError, match=r"Muon: parameter 1 must be a matrix; got shape \(2,\): use AdamW"):
        nbnn.optim.Muon([q, p])
    with pytest.raises(ValueError, match="LBFGS: `params` must be one group"):
        nbnn.optim.LBFGS([{"params": [p]}, {"params": [q]}])
    with pytest.raises(TypeError, match="LBFGS: `step` needs a `closure`"):
        nbnn.optim.LBFGS([p]).step()
    sparse = nbnn.optim.SparseAdam([p])
    sparse.step()
    p.grad = nbnn.ones(2)
    with pytest.raises(RuntimeError, match="SparseAdam: gradients must be sparse; got a dense one"):
        sparse.step()
    for name in sorted(LAUNCHED):
        with pytest.raises(NotImplementedError, match=f"{name}: differentiable=True"):
            getattr(nbnn.optim, name)([p], differentiable=True)


def test_optimizers_are_pickled_and_copied():
    for name, options in CASES:
        _, optimizer = run(name, options, steps=2)
        for twin in (copy.deepcopy(optimizer), pickle.loads(pickle.dumps(optimizer))):
            (p,) = twin.param_groups[0]["params"]
            p.grad = nbnn.ones(7, 5)
            twin.step()
            assert twin.state_dict()["param_groups"] == optimizer.state_dict()["param_groups"]
