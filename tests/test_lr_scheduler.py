"""Schedulers: known rates, and PyTorch's, epoch by epoch; their state, their warnings and what they refuse."""

from __future__ import annotations

import copy
import functools
import io
import math
import warnings

import pytest

import nbnn
from nbnn.optim import SGD, Adam, lr_scheduler

EPOCHS = 50
MODE, STEPS = "triangular2", "iterations"


class Falling:
    """A callable object, whose attributes are part of a scheduler's state."""

    def __init__(self, speed):
        self.speed = speed

    def __call__(self, epoch):
        return self.speed**epoch


def tenth(epoch):
    return 1 / (10 + epoch)


CASES = [
    ("LambdaLR", {"lr_lambda": tenth}),
    ("LambdaLR", {"lr_lambda": [tenth, Falling(0.9)]}),
    ("MultiplicativeLR", {"lr_lambda": Falling(0.99)}),
    ("StepLR", {"step_size": 7}),
    ("StepLR", {"step_size": 3, "gamma": 0.9}),
    ("MultiStepLR", {"milestones": [3, 11, 11, 30]}),
    ("ConstantLR", {}),
    ("ConstantLR", {"factor": 0.25, "total_iters": 20}),
    ("LinearLR", {}),
    ("LinearLR", {"start_factor": 0.9, "end_factor": 0.0, "total_iters": 33}),
    ("ExponentialLR", {"gamma": 0.93}),
    ("PolynomialLR", {}),
    ("PolynomialLR", {"total_iters": 40, "power": 2.5}),
    ("CosineAnnealingLR", {"T_max": 8}),
    ("CosineAnnealingLR", {"T_max": 25, "eta_min": 0.01}),
    ("CosineAnnealingWarmRestarts", {"T_0": 5}),
    ("CosineAnnealingWarmRestarts", {"T_0": 3, "T_mult": 2, "eta_min": 0.001}),
    ("CyclicLR", {"base_lr": 0.01, "max_lr": 0.3, "step_size_up": 7}),
    (
        "CyclicLR",
        {"base_lr": 0.01, "max_lr": [0.3, 0.4], "step_size_up": 5, "step_size_down": 9, "mode": MODE},
    ),
    ("CyclicLR", {"base_lr": [0.01, 0.02], "max_lr": 0.3, "step_size_up": 4, "mode": "exp_range", "gamma": 0.95}),
    (
        "CyclicLR",
        {"base_lr": 0.01, "max_lr": 0.3, "step_size_up": 4, "scale_fn": Falling(0.9), "scale_mode": STEPS},
    ),
    ("CyclicLR", {"base_lr": 0.01, "max_lr": 0.3, "step_size_up": 4, "scale_fn": tenth, "cycle_momentum": False}),
    ("OneCycleLR", {"max_lr": 0.4, "total_steps": 60}),
    ("OneCycleLR", {"max_lr": [0.4, 0.2], "epochs": 5, "steps_per_epoch": 10, "anneal_strategy": "linear"}),
    ("OneCycleLR", {"max_lr": 0.4, "total_steps": 50, "three_phase": True, "pct_start": 0.25, "div_factor": 3.0}),
    ("OneCycleLR", {"max_lr": 0.4, "total_steps": 55, "pct_start": 0.0, "cycle_momentum": False}),
]
SWA = [("SWALR", {"swa_lr": 0.05}), ("SWALR", {"swa_lr": [0.3, 0.01], "anneal_epochs": 4, "anneal_strategy": "linear"}),
       ("SWALR", {"swa_lr": 0.05, "anneal_epochs": 0})]  # fmt: skip


def chained(lib, optimizer):
    s = lib.optim.lr_scheduler
    parts = [s.LinearLR(optimizer, 0.5, total_iters=4), s.StepLR(optimizer, 6, 0.5), s.CosineAnnealingLR(optimizer, 30)]
    return s.ChainedScheduler(parts)


def sequential(lib, optimizer):
    s = lib.optim.lr_scheduler
    parts = [s.LinearLR(optimizer, 0.1, total_iters=6), s.CosineAnnealingLR(optimizer, 20, eta_min=0.01),
             s.ExponentialLR(optimizer, 0.9), s.CosineAnnealingWarmRestarts(optimizer, 3)]  # fmt: skip
    return s.SequentialLR(optimizer, parts, [6, 20, 35])


def sequential_of_functions(lib, optimizer):
    s = lib.optim.lr_scheduler
    parts = [s.LambdaLR(optimizer, tenth), s.MultiplicativeLR(optimizer, Falling(0.99)), s.PolynomialLR(optimizer, 9)]
    return s.SequentialLR(optimizer, parts, milestones=[4, 30])


BUILDERS = [chained, sequential, sequential_of_functions]
EVERY = [
    *[functools.partial(lambda lib, o, name, options: _class(lib, name)(o, **options), name=n, options=opts)
      for n, opts in CASES + SWA],
    *BUILDERS,
]  # fmt: skip
NAMES = [f"{name}-{i}" for i, (name, _) in enumerate(CASES + SWA)] + [builder.__name__ for builder in BUILDERS]


def _class(lib, name):
    space = lib.optim.swa_utils if name == "SWALR" else lib.optim.lr_scheduler
    return getattr(space, name)


def optimizer_of(lib, name="SGD", lr=0.2, **options):
    """An optimizer of two groups; no gradients: its steps do nothing."""
    groups = [{"params": [lib.ones(1).requires_grad_()]}, {"params": [lib.ones(2).requires_grad_()], "lr": lr / 2}]
    return getattr(lib.optim, name)(groups, lr=lr, **({"momentum": 0.9} if name == "SGD" else {}), **options)


def seen(optimizer):
    """What a scheduler may change."""
    return [value for group in optimizer.param_groups
            for value in (group["lr"], group.get("momentum", 0.0), *group.get("betas", ()))]  # fmt: skip


def path(lib, build, name="SGD", epochs=EPOCHS):
    optimizer = optimizer_of(lib, name)
    scheduler = build(lib, optimizer)
    found = [seen(optimizer)]
    for _ in range(epochs):
        optimizer.step()
        scheduler.step()
        found.append(seen(optimizer))
        assert scheduler.get_last_lr() == [group["lr"] for group in optimizer.param_groups]
    return found, scheduler


@pytest.fixture
def torch():
    return pytest.importorskip("torch")


@pytest.mark.parity
@pytest.mark.parametrize("name", ["SGD", "Adam"])
@pytest.mark.parametrize("build", EVERY, ids=NAMES)
def test_rates_are_torchs(torch, build, name):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        ours, scheduler = path(nbnn, build, name)
        expected, theirs = path(torch, build, name)
    assert len(ours) == EPOCHS + 1
    for a, b in zip(ours, expected, strict=True):
        assert a == pytest.approx(b, rel=1e-9, abs=1e-12)
    assert scheduler.state_dict().keys() == theirs.state_dict().keys()
    if hasattr(theirs, "last_epoch"):
        assert scheduler.last_epoch == theirs.last_epoch == EPOCHS


@pytest.mark.parity
@pytest.mark.parametrize("build", EVERY, ids=NAMES)
def test_states_come_from_torch(torch, build):
    optimizer = optimizer_of(torch)
    theirs = build(torch, optimizer)
    for _ in range(9):
        optimizer.step()
        theirs.step()
    ours_optimizer = optimizer_of(nbnn)
    ours = build(nbnn, ours_optimizer)
    ours_optimizer.load_state_dict(optimizer.state_dict())
    ours.load_state_dict(copy.deepcopy(theirs.state_dict()))
    for _ in range(12):
        for o, s in ((optimizer, theirs), (ours_optimizer, ours)):
            o.step()
            s.step()
        assert seen(ours_optimizer) == pytest.approx(seen(optimizer), rel=1e-9, abs=1e-12)


@pytest.mark.parametrize("build", EVERY, ids=NAMES)
def test_a_round_trip_in_the_middle_continues_exactly(build):
    whole, _ = path(nbnn, build, epochs=24)
    optimizer = optimizer_of(nbnn)
    scheduler = build(nbnn, optimizer)
    for _ in range(12):
        optimizer.step()
        scheduler.step()
    other = optimizer_of(nbnn)
    continued = build(nbnn, other)
    file = io.BytesIO()
    nbnn.save([optimizer.state_dict(), scheduler.state_dict()], file)
    for part, state in zip((other, continued), nbnn.load(io.BytesIO(file.getvalue())), strict=True):
        part.load_state_dict(state)
    assert continued.get_last_lr() == scheduler.get_last_lr()
    assert repr(continued) == repr(scheduler)
    for expected in whole[13:]:
        other.step()
        continued.step()
        assert seen(other) == expected


# -- known values, without torch ---------------------------------------------------------------------------------


def rates_of(scheduler, epochs):
    found = []
    for _ in range(epochs):
        found.append(scheduler.get_last_lr()[0])
        scheduler.optimizer.step()
        scheduler.step()
    return found


def one(lr=1.0, momentum=0.9):
    return SGD([nbnn.ones(1).requires_grad_()], lr=lr, momentum=momentum)


KNOWN = [
    ("LambdaLR", {"lr_lambda": lambda e: 0.5**e}, [1, 0.5, 0.25, 0.125]),
    ("MultiplicativeLR", {"lr_lambda": lambda e: 0.5}, [1, 0.5, 0.25, 0.125]),
    ("StepLR", {"step_size": 2, "gamma": 0.5}, [1, 1, 0.5, 0.5, 0.25]),
    ("MultiStepLR", {"milestones": [1, 3, 3], "gamma": 0.5}, [1, 0.5, 0.5, 0.125]),
    ("ConstantLR", {"factor": 0.25, "total_iters": 2}, [0.25, 0.25, 1, 1]),
    ("ConstantLR", {"factor": 0.0, "total_iters": 2}, [0, 0, 1, 1]),  # torch divides by 0 here
    ("LinearLR", {"start_factor": 0.5, "total_iters": 2}, [0.5, 0.75, 1, 1]),
    ("ExponentialLR", {"gamma": 0.5}, [1, 0.5, 0.25]),
    ("PolynomialLR", {"total_iters": 4, "power": 2}, [1, 9 / 16, 4 / 16, 1 / 16, 0, 0]),
    ("CosineAnnealingLR", {"T_max": 2}, [1, 0.5, 0, 0.5, 1, 0.5]),
    ("CosineAnnealingWarmRestarts", {"T_0": 2, "T_mult": 2}, [1, 0.5, 1, 0.5 + 0.5**1.5, 0.5, 0.5 - 0.5**1.5, 1]),
    ("CyclicLR", {"base_lr": 1, "max_lr": 3, "step_size_up": 2}, [1, 2, 3, 2, 1, 2]),
    ("CyclicLR", {"base_lr": 1, "max_lr": 3, "step_size_up": 1, "mode": "triangular2"}, [1, 3, 1, 2, 1, 1.5]),
    ("CyclicLR", {"base_lr": 1, "max_lr": 3, "step_size_up": 1, "mode": "exp_range", "gamma": 0.5}, [1, 2, 1, 1.25, 1]),
    ("OneCycleLR", {"max_lr": 1, "total_steps": 5, "pct_start": 0.6, "div_factor": 2, "final_div_factor": 2,
                    "anneal_strategy": "linear"}, [0.5, 0.75, 1, 0.625, 0.25]),
    # the first phase has one step: torch divides by 0 here
    ("OneCycleLR", {"max_lr": 1, "total_steps": 10, "pct_start": 0.1, "anneal_strategy": "linear",
                    "final_div_factor": 1}, [1, 1 - 0.96 / 9, 1 - 2 * 0.96 / 9]),
]  # fmt: skip


@pytest.mark.parametrize(("name", "options", "expected"), KNOWN)
def test_known_rates(name, options, expected):
    scheduler = getattr(lr_scheduler, name)(one(), **options)
    assert rates_of(scheduler, len(expected)) == pytest.approx(expected, abs=1e-12)
    assert scheduler.last_epoch == len(expected)


def test_momentum_goes_against_the_rate():
    for optimizer in (one(), Adam([nbnn.ones(1)], betas=(0.9, 0.99))):
        scheduler = lr_scheduler.CyclicLR(optimizer, 1.0, 2.0, step_size_up=2, base_momentum=0.5, max_momentum=0.7)
        found = []
        for _ in range(5):
            group = optimizer.param_groups[0]
            found.append(group["momentum"] if "momentum" in group else group["betas"][0])
            optimizer.step()
            scheduler.step()
        assert found == pytest.approx([0.7, 0.6, 0.5, 0.6, 0.7])
    assert optimizer.param_groups[0]["betas"][1] == 0.99
    optimizer = one()
    scheduler = lr_scheduler.OneCycleLR(optimizer, 1.0, total_steps=5, pct_start=0.6, anneal_strategy="linear")
    found = []
    for _ in range(5):
        found.append(optimizer.param_groups[0]["momentum"])
        optimizer.step()
        scheduler.step()
    assert found == pytest.approx([0.95, 0.9, 0.85, 0.9, 0.95])
    with pytest.raises(ValueError, match=r"OneCycleLR: step 6 is one too many; `total_steps` is 5"):
        scheduler.step()


def test_chained_schedulers_multiply():
    optimizer = one()
    parts = [lr_scheduler.ConstantLR(optimizer, 0.5, 2), lr_scheduler.ExponentialLR(optimizer, 0.5)]
    scheduler = lr_scheduler.ChainedScheduler(parts)
    assert rates_of(scheduler, 4) == [0.5, 0.25, 0.25, 0.125]


def test_a_chain_in_a_sequence_begins_again():
    optimizer = one()
    constant = lr_scheduler.ConstantLR(optimizer, 0.25, 9)
    chain = lr_scheduler.ChainedScheduler(
        [lr_scheduler.LinearLR(optimizer, 0.5, total_iters=2), lr_scheduler.ExponentialLR(optimizer, 0.5)]
    )
    scheduler = lr_scheduler.SequentialLR(optimizer, [constant, chain], [2])
    assert rates_of(scheduler, 6) == pytest.approx([0.25, 0.25, 0.5, 0.375, 0.25, 0.125])


def test_parts_of_epochs():
    scheduler = lr_scheduler.CosineAnnealingWarmRestarts(one(), T_0=2, T_mult=3)
    for epoch, at, length in [(0.5, 0.5, 2), (2, 0, 6), (7.25, 5.25, 6), (8, 0, 18), (26, 0, 54), (1, 1, 2)]:
        scheduler.step(epoch)
        assert (scheduler.T_cur, scheduler.T_i, scheduler.last_epoch) == (at, length, math.floor(epoch))
        assert scheduler.get_last_lr() == pytest.approx([(1 + math.cos(math.pi * at / length)) / 2])


# -- ReduceLROnPlateau -------------------------------------------------------------------------------------------

METRICS = [1.0, 0.9, 0.95, 0.9, 0.89999, 0.91, 0.5, 0.6, 0.6, 0.6, 0.6, 0.7, 0.2, float("nan"), 0.3, 0.3, 0.3, 0.1, 0.1]
PLATEAUS = [
    {},
    {"patience": 1},
    {"patience": 0, "cooldown": 2, "factor": 0.5},
    {"mode": "max", "patience": 2, "threshold": 0.1},
    {"patience": 1, "threshold": 0.05, "threshold_mode": "abs"},
    {"mode": "max", "patience": 1, "threshold": 0.05, "threshold_mode": "abs"},
    {"patience": 0, "min_lr": [0.01, 0.05]},
    {"patience": 0, "min_lr": 0.01, "eps": 0.05},
]


@pytest.mark.parity
@pytest.mark.parametrize("options", PLATEAUS)
def test_plateaus_are_torchs(torch, options):
    schedulers = [lib.optim.lr_scheduler.ReduceLROnPlateau(optimizer_of(lib), **options) for lib in (torch, nbnn)]
    for i, metric in enumerate(METRICS):
        if i == 9:  # a round trip in the middle, from torch
            fresh = lr_scheduler.ReduceLROnPlateau(schedulers[1].optimizer)
            fresh.load_state_dict(copy.deepcopy(schedulers[0].state_dict()))
            schedulers[1] = fresh
        for scheduler in schedulers:
            scheduler.step(metric)
        theirs, ours = schedulers
        assert ours.get_last_lr() == pytest.approx(theirs.get_last_lr())
        assert ours.state_dict() == {key: pytest.approx(value) for key, value in theirs.state_dict().items()}


def test_plateau_known_values():
    scheduler = lr_scheduler.ReduceLROnPlateau(one(), factor=0.5, patience=1, cooldown=1)
    found = []
    for loss in [1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 0.1, nbnn.tensor(0.05)]:
        scheduler.step(loss)
        found.append(scheduler.get_last_lr()[0])
    assert found == [1.0, 1.0, 0.5, 0.5, 0.5, 0.25, 0.25, 0.25]
    assert repr(scheduler).startswith("ReduceLROnPlateau(mode='min', factor=0.5, patience=1, threshold=0.0001")
    scheduler.optimizer.add_param_group({"params": [nbnn.ones(1)]})
    for loss in [1.0, 1.0, 1.0]:
        scheduler.step(loss)
    assert scheduler.get_last_lr() == [0.125, 0.5]
    listed = lr_scheduler.ReduceLROnPlateau(one(), patience=0, min_lr=[0.1])
    listed.optimizer.add_param_group({"params": [nbnn.ones(1)]})
    listed.step(1.0)
    with pytest.raises(RuntimeError, match="`min_lr` was given for 1 groups, and the optimizer has 2 now"):
        listed.step(1.0)


# -- warnings, state, refusals -----------------------------------------------------------------------------------


def test_the_order_of_steps_is_watched():
    optimizer = one()
    scheduler = lr_scheduler.ExponentialLR(optimizer, 0.5)
    with pytest.warns(UserWarning, match=r"ExponentialLR: `step\(\)` was called before `optimizer.step\(\)`"):
        scheduler.step()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        scheduler.step()  # once is enough
        own = OwnStep([nbnn.ones(1)], {"lr": 1.0})
        second = lr_scheduler.ExponentialLR(own, 0.5)
        own.step()
        second.step()


class OwnStep(nbnn.optim.Optimizer):
    """An optimizer that overrides `step`, without the one of its base."""

    def step(self, closure=None):
        return closure


def test_old_arguments_and_calls_are_warned_of():
    optimizer = one()
    scheduler = lr_scheduler.StepLR(optimizer, 2, 0.5)
    optimizer.step()
    with pytest.warns(UserWarning, match="`epoch` is an old argument of `step`"):
        scheduler.step(5)
    assert scheduler.get_last_lr() == [0.25]
    with pytest.warns(UserWarning, match="`get_lr` computes a next step"):
        scheduler.get_lr()
    with pytest.raises(NotImplementedError, match="LRScheduler: must define `get_lr`"):
        lr_scheduler.LRScheduler(one())


def test_the_first_rate_is_kept_and_continued_from():
    optimizer = one(lr=0.5)
    lr_scheduler.ExponentialLR(optimizer, 0.1)
    assert optimizer.param_groups[0]["initial_lr"] == 0.5
    assert optimizer.state_dict()["param_groups"][0]["initial_lr"] == 0.5
    continued = lr_scheduler.LambdaLR(optimizer, lambda e: 0.5**e, last_epoch=2)
    assert continued.get_last_lr() == [0.0625]
    with pytest.raises(KeyError, match=r"`last_epoch` \(=2\) continues, but group 0 .* has no 'initial_lr'"):
        lr_scheduler.ExponentialLR(one(), 0.1, last_epoch=2)


def test_a_rate_may_be_a_tensor():
    rate = nbnn.tensor(1.0, dtype=nbnn.float64)
    optimizer = one(lr=rate)
    scheduler = lr_scheduler.ExponentialLR(optimizer, 0.5)
    assert rates_of(scheduler, 3) == [1.0, 0.5, 0.25]
    assert optimizer.param_groups[0]["lr"] is rate
    assert rate.item() == 0.125
    assert scheduler.base_lrs == [1.0]


def test_functions_stay_and_objects_get_their_attributes():
    scheduler = lr_scheduler.LambdaLR(one(), Falling(0.5))
    assert scheduler.state_dict()["lr_lambdas"] == [{"speed": 0.5}]
    other = lr_scheduler.LambdaLR(one(), Falling(0.9))
    other.load_state_dict(scheduler.state_dict())
    assert other.lr_lambdas[0].speed == 0.5
    assert lr_scheduler.LambdaLR(one(), lambda e: 1.0).state_dict()["lr_lambdas"] == [None]


def test_representations():
    optimizer = one()
    assert repr(lr_scheduler.StepLR(optimizer, 3)) == "StepLR(step_size=3, gamma=0.1, last_epoch=0, lr=[1.0])"
    text = repr(lr_scheduler.ChainedScheduler([lr_scheduler.ExponentialLR(optimizer, 0.5)]))
    assert text == "ChainedScheduler([ExponentialLR(gamma=0.5, last_epoch=0, lr=[1.0])], lr=[1.0])"


def _plateau():
    return lr_scheduler.ReduceLROnPlateau(one())


REFUSED = [
    ("StepLR", {"step_size": 0}, r"StepLR: `step_size` \(=0\) must be above 0"),
    ("ConstantLR", {"factor": 1.5}, r"ConstantLR: `factor` \(=1.5\) must be in \[0, 1\]"),
    ("LinearLR", {"start_factor": 0.0}, r"LinearLR: `start_factor` \(=0.0\) must be in \(0, 1\]"),
    ("LinearLR", {"end_factor": -1}, r"LinearLR: `end_factor` \(=-1\)"),
    ("LinearLR", {"total_iters": 0}, r"LinearLR: `total_iters` \(=0\)"),
    ("PolynomialLR", {"total_iters": 0}, r"PolynomialLR: `total_iters` \(=0\)"),
    ("CosineAnnealingLR", {"T_max": 0}, r"CosineAnnealingLR: `T_max` \(=0\)"),
    ("CosineAnnealingWarmRestarts", {"T_0": 0}, r"`T_0` \(=0\) must be at least 1"),
    ("CosineAnnealingWarmRestarts", {"T_0": 1, "T_mult": 1.5}, r"`T_mult` \(=1.5\) must be an int"),
    ("LambdaLR", {"lr_lambda": [tenth, tenth]}, r"LambdaLR: `lr_lambda` must be a function or one for each"),
    ("MultiplicativeLR", {"lr_lambda": 0.5}, r"MultiplicativeLR: `lr_lambda` must be a function; got float"),
    ("ReduceLROnPlateau", {"factor": 1.0}, r"ReduceLROnPlateau: `factor` \(=1.0\) must be below 1"),
    ("ReduceLROnPlateau", {"mode": "low"}, r"`mode` \(='low'\) must be 'min' or 'max'"),
    ("ReduceLROnPlateau", {"threshold_mode": "x"}, r"`threshold_mode` \(='x'\) must be 'rel' or 'abs'"),
    ("ReduceLROnPlateau", {"min_lr": [0, 0]}, r"`min_lr` must be a number or one for each of 1 groups; got 2"),
    ("CyclicLR", {"base_lr": 1, "max_lr": [1, 2]}, r"CyclicLR: `max_lr` must be a number or one for each of 1 groups"),
    ("CyclicLR", {"base_lr": 1, "max_lr": 2, "mode": "square"}, r"CyclicLR: `mode` \(='square'\) must be one of"),
    ("CyclicLR", {"base_lr": 1, "max_lr": 2, "scale_mode": "x"}, r"CyclicLR: `scale_mode` \(='x'\)"),
    ("CyclicLR", {"base_lr": 1, "max_lr": 2, "step_size_up": 0}, r"CyclicLR: `step_size_up` \(=0\)"),
    ("CyclicLR", {"base_lr": 1, "max_lr": 2, "step_size_down": -1}, r"CyclicLR: `step_size_down` \(=-1\)"),
    ("OneCycleLR", {"max_lr": 1}, r"OneCycleLR: give `total_steps`, or `epochs` and `steps_per_epoch`"),
    ("OneCycleLR", {"max_lr": 1, "total_steps": 0}, r"`total_steps` \(=0\) must be at least 1"),
    ("OneCycleLR", {"max_lr": 1, "total_steps": 5, "pct_start": 1.5}, r"`pct_start` \(=1.5\) must be between 0 and 1"),
    ("OneCycleLR", {"max_lr": 1, "total_steps": 5, "anneal_strategy": "x"}, r"`anneal_strategy` \(='x'\) must be"),
    ("SWALR", {"swa_lr": 1, "anneal_strategy": "x"}, r"SWALR: `anneal_strategy` \(='x'\)"),
    ("SWALR", {"swa_lr": 1, "anneal_epochs": -1}, r"SWALR: `anneal_epochs` \(=-1\)"),
    ("StepLR", {"step_size": "x"}, r"StepLR: `step_size` \(='x'\) must be a number; got str"),
    ("MultiStepLR", {"milestones": 3}, r"MultiStepLR: `milestones` must be a list of epochs; got int"),
    ("MultiStepLR", {"milestones": [3], "gamma": None}, r"MultiStepLR: `gamma` \(=None\) must be a number"),
    ("ExponentialLR", {"gamma": []}, r"ExponentialLR: `gamma`"),
    ("ConstantLR", {"factor": None}, r"ConstantLR: `factor`"),
    ("LinearLR", {"start_factor": "x"}, r"LinearLR: `start_factor`"),
    ("CyclicLR", {"base_lr": "x", "max_lr": 2}, r"CyclicLR: `base_lr`"),
    ("CyclicLR", {"base_lr": 1, "max_lr": 2, "scale_fn": 3}, r"CyclicLR: `scale_fn` must be a function; got int"),
    ("OneCycleLR", {"max_lr": 1, "total_steps": 5, "div_factor": 0}, r"OneCycleLR: `div_factor` \(=0\) must be above"),
    ("OneCycleLR", {"max_lr": 1, "total_steps": 5, "max_momentum": "x"}, r"OneCycleLR: `max_momentum`"),
    ("ReduceLROnPlateau", {"factor": "x"}, r"ReduceLROnPlateau: `factor`"),
    ("SWALR", {"swa_lr": [1, 2]}, r"SWALR: `swa_lr` must be a number or one for each of 1 groups"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "options", "match"), REFUSED)
def test_bad_arguments_are_refused(name, options, match):
    with pytest.raises((ValueError, TypeError), match=match):
        _class(nbnn, name)(one(), **options)


def test_bad_optimizers_and_combinations_are_refused():
    for name, options in [CASES[0], CASES[3], ("ReduceLROnPlateau", {}), CASES[17], CASES[22], SWA[0]]:
        with pytest.raises(TypeError, match=f"{name}: `optimizer` must be an Optimizer; got list"):
            _class(nbnn, name)([], **options)
    for name, options in (CASES[17], CASES[22]):
        plain = nbnn.optim.Adagrad([nbnn.ones(1)])
        with pytest.raises(ValueError, match=f"{name}: `cycle_momentum` needs an optimizer with `momentum` or `betas`"):
            _class(nbnn, name)(plain, **options)
    optimizer = one()
    good, other = lr_scheduler.StepLR(optimizer, 3), lr_scheduler.StepLR(one(), 3)
    for cls, rest in (
        (lr_scheduler.ChainedScheduler, ()),
        (functools.partial(lr_scheduler.SequentialLR, optimizer), ([2],)),
    ):
        with pytest.raises(ValueError, match="`schedulers` must not be empty"):
            cls([], *rest)
        with pytest.raises(TypeError, match="`schedulers` must be LRSchedulers; got int at 1"):
            cls([good, 3], *rest)
        with pytest.raises(ValueError, match="must step without a metric; got ReduceLROnPlateau at 1"):
            cls([good, _plateau()], *rest)
        with pytest.raises(ValueError, match="must be of one optimizer; the one of number 1 is another"):
            cls([good, other], *rest)
    with pytest.raises(ValueError, match="`milestones` must be one fewer than the 1 schedulers; got 1"):
        lr_scheduler.SequentialLR(optimizer, [good], [2])
    with pytest.raises(ValueError, match=r"`milestones` \(=\[3, 1\]\) must be in order"):
        lr_scheduler.SequentialLR(optimizer, [good, good, good], [3, 1])
