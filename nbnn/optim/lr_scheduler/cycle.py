"""Schedulers that go up and down, and the momentum against them."""

from __future__ import annotations

import math
from collections.abc import Callable
from types import FunctionType
from typing import Any

from nbnn.functional import _check
from nbnn.optim.lr_scheduler.decay import above_zero
from nbnn.optim.lr_scheduler.scheduler import LRScheduler, check_optimizer, per_group, plain, put
from nbnn.optim.optimizer import Optimizer

MODES = ("triangular", "triangular2", "exp_range")


class _WithMomentum(LRScheduler):
    """A scheduler that may move the momentum, or the first of the betas, against the rate."""

    use_beta1: bool

    def _begin_momentum(self, optimizer: Optimizer, base: Any, largest: Any, last_epoch: int) -> tuple[list, list]:
        """The bounds for each group, which the groups are told of; each begins with its largest momentum."""
        name = type(self).__name__
        if not {"momentum", "betas"} & set(optimizer.defaults):
            kind = type(optimizer).__name__
            raise ValueError(f"{name}: `cycle_momentum` needs an optimizer with `momentum` or `betas`; got {kind}")
        self.use_beta1 = "betas" in optimizer.defaults
        bases = per_group(name, "base_momentum", optimizer, base)
        largests = per_group(name, "max_momentum", optimizer, largest)
        if last_epoch == -1:
            for group, low, high in zip(optimizer.param_groups, bases, largests, strict=True):
                self._set_momentum(group, high)
                group["max_momentum"], group["base_momentum"] = high, low
        return bases, largests

    def _set_momentum(self, group: dict[str, Any], value: float) -> None:
        if self.use_beta1:
            group["betas"] = (value, *group["betas"][1:])
        else:
            group["momentum"] = value


class CyclicLR(_WithMomentum):
    r"""The rate goes up and down between `base_lr` and `max_lr`, batch by batch [1]_.

    Parameters
    ----------
    optimizer : Optimizer
        Whose learning rates change.
    base_lr, max_lr : float or list of float
        The bounds; a list has one for each group.
    step_size_up, step_size_down : int
        How many steps it goes up, and down; as many down as up for None.
    mode : str
        ``"triangular"``: all cycles are alike; ``"triangular2"``: each is half as high as the one before;
        ``"exp_range"``: the height is multiplied by `gamma` at each step.
    gamma : float
        Of ``"exp_range"``.
    scale_fn : callable, optional
        What the height is multiplied by, in the place of `mode`.
    scale_mode : str
        What `scale_fn` is a function of: ``"cycle"``, counted from 1, or ``"iterations"``.
    cycle_momentum : bool
        Whether the momentum, or the first of the betas, goes down while the rate goes up.
    base_momentum, max_momentum : float or list of float
        Its bounds.
    last_epoch : int
        The step to continue after; -1 begins.

    Raises
    ------
    ValueError
        If `mode` is not known, `step_size_up` is not above 0, a list does not fit the groups, or the optimizer has no
        momentum to cycle.

    References
    ----------
    .. [1] L. N. Smith, "Cyclical learning rates for training neural networks", WACV 2017.

    Examples
    --------
    >>> import nbnn
    >>> optimizer = nbnn.optim.SGD([nbnn.ones(1)], lr=1.0, momentum=0.9)
    >>> scheduler = nbnn.optim.lr_scheduler.CyclicLR(optimizer, base_lr=1.0, max_lr=3.0, step_size_up=2)
    >>> for _ in range(5):
    ...     print(scheduler.get_last_lr(), round(optimizer.param_groups[0]["momentum"], 2))
    ...     optimizer.step()
    ...     scheduler.step()
    [1.0] 0.9
    [2.0] 0.85
    [3.0] 0.8
    [2.0] 0.85
    [1.0] 0.9
    """

    def __init__(
        self,
        optimizer: Optimizer,
        base_lr: float | list[float],
        max_lr: float | list[float],
        step_size_up: int = 2000,
        step_size_down: int | None = None,
        mode: str = "triangular",
        gamma: float = 1.0,
        scale_fn: Callable[[float], float] | None = None,
        scale_mode: str = "cycle",
        cycle_momentum: bool = True,
        base_momentum: float = 0.8,
        max_momentum: float = 0.9,
        last_epoch: int = -1,
    ) -> None:
        name = type(self).__name__
        check_optimizer(name, optimizer)
        base_lrs = per_group(name, "base_lr", optimizer, base_lr)
        self.max_lrs = per_group(name, "max_lr", optimizer, max_lr)
        down = step_size_up if step_size_down is None else step_size_down
        above_zero(name, "step_size_up", step_size_up)
        if not _check.number(name, "step_size_down", down) >= 0:
            raise ValueError(f"{name}: `step_size_down` (={down}) must be at least 0")
        if not (scale_fn is None or callable(scale_fn)):
            raise TypeError(f"{name}: `scale_fn` must be a function; got {type(scale_fn).__name__}")
        if mode not in MODES and scale_fn is None:
            raise ValueError(
                f"{name}: `mode` (={mode!r}) must be one of {', '.join(map(repr, MODES))}, or `scale_fn` given"
            )
        if scale_mode not in ("cycle", "iterations"):
            raise ValueError(f"{name}: `scale_mode` (={scale_mode!r}) must be 'cycle' or 'iterations'")
        self.total_size = float(step_size_up + down)
        self.step_ratio = step_size_up / self.total_size
        self.mode = mode
        self.gamma = gamma
        self._scale_fn_custom = scale_fn
        self.scale_mode = scale_mode if scale_fn is not None else "iterations" if mode == "exp_range" else "cycle"
        self.cycle_momentum = cycle_momentum
        if cycle_momentum:
            bounds = self._begin_momentum(optimizer, base_momentum, max_momentum, last_epoch)
            self.base_momentums, self.max_momentums = bounds
        if last_epoch == -1:
            for group, rate in zip(optimizer.param_groups, base_lrs, strict=True):
                put(group, "lr", rate)
        super().__init__(optimizer, last_epoch)
        self.base_lrs = base_lrs

    def scale_fn(self, x: float) -> float:
        """What the height of a cycle is multiplied by, in the cycle or at the step x."""
        if self._scale_fn_custom is not None:
            return self._scale_fn_custom(x)
        if self.mode == "exp_range":
            return self.gamma**x
        return 1.0 if self.mode == "triangular" else 0.5 ** (x - 1)

    def _rates(self) -> list[float]:
        turns = self.last_epoch / self.total_size
        cycle = math.floor(1 + turns)
        part = 1.0 + turns - cycle
        height = part / self.step_ratio if part <= self.step_ratio else (1.0 - part) / (1.0 - self.step_ratio)
        height *= self.scale_fn(cycle if self.scale_mode == "cycle" else self.last_epoch)
        if self.cycle_momentum:
            bounds = zip(self.optimizer.param_groups, self.base_momentums, self.max_momentums, strict=True)
            for group, low, high in bounds:
                self._set_momentum(group, high - (high - low) * height)
        return [low + (high - low) * height for low, high in zip(self.base_lrs, self.max_lrs, strict=True)]

    def state_dict(self) -> dict[str, Any]:
        """What is needed to continue; of `scale_fn` only the attributes of a callable object."""
        function = self._scale_fn_custom
        kept = None if function is None or isinstance(function, FunctionType) else dict(vars(function))
        return {**super().state_dict(), "_scale_fn_custom": kept}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Continue from what `state_dict` returned; `scale_fn` stays, a callable object gets its attributes."""
        super().load_state_dict({k: v for k, v in state_dict.items() if k != "_scale_fn_custom"})
        if state_dict["_scale_fn_custom"]:
            vars(self._scale_fn_custom).update(state_dict["_scale_fn_custom"])


PHASE = ("end_step", "start_lr", "end_lr", "start_momentum", "end_momentum")


class OneCycleLR(_WithMomentum):
    r"""The rate goes up once to `max_lr` and then down to almost 0, in a number of steps known before [1]_.

    It begins with `max_lr` / `div_factor` and ends with that / `final_div_factor`.

    Parameters
    ----------
    optimizer : Optimizer
        Whose learning rates change.
    max_lr : float or list of float
        The highest rate; a list has one for each group.
    total_steps : int, optional
        How many steps there are, or
    epochs, steps_per_epoch : int, optional
        of which product.
    pct_start : float
        The part of the steps in which it rises, in [0, 1].
    anneal_strategy : str
        ``"cos"``: along half a cosine; ``"linear"``: along a line.
    cycle_momentum : bool
        Whether the momentum, or the first of the betas, goes down while the rate goes up, and up again after.
    base_momentum, max_momentum : float or list of float
        Its bounds.
    div_factor, final_div_factor : float
        See above.
    three_phase : bool
        Fall as long as it rose, back to the first rate, and then on to the last; otherwise fall in one piece.
    last_epoch : int
        The step to continue after; -1 begins.

    Raises
    ------
    ValueError
        If the number of steps is not known or not above 0, `pct_start` is not in [0, 1], `anneal_strategy` is not
        known, a list does not fit the groups, or the optimizer has no momentum to cycle; and on a step too many.

    References
    ----------
    .. [1] L. N. Smith, N. Topin, "Super-convergence: very fast training of neural networks using large learning rates",
       2018.

    Examples
    --------
    >>> import nbnn
    >>> optimizer = nbnn.optim.SGD([nbnn.ones(1)], lr=1.0, momentum=0.9)
    >>> scheduler = nbnn.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=1.0, total_steps=10)
    >>> for _ in range(2):
    ...     optimizer.step()
    ...     scheduler.step()
    >>> scheduler.get_last_lr(), optimizer.param_groups[0]["momentum"]
    ([1.0], 0.85)
    """

    def __init__(
        self,
        optimizer: Optimizer,
        max_lr: float | list[float],
        total_steps: int | None = None,
        epochs: int | None = None,
        steps_per_epoch: int | None = None,
        pct_start: float = 0.3,
        anneal_strategy: str = "cos",
        cycle_momentum: bool = True,
        base_momentum: float | list[float] = 0.85,
        max_momentum: float | list[float] = 0.95,
        div_factor: float = 25.0,
        final_div_factor: float = 10000.0,
        three_phase: bool = False,
        last_epoch: int = -1,
    ) -> None:
        name = type(self).__name__
        check_optimizer(name, optimizer)
        self.total_steps = _total(name, total_steps, epochs, steps_per_epoch)
        _check.probability(name, "pct_start", pct_start)
        if anneal_strategy not in ("cos", "linear"):
            raise ValueError(f"{name}: `anneal_strategy` (={anneal_strategy!r}) must be 'cos' or 'linear'")
        above_zero(name, "div_factor", div_factor)
        above_zero(name, "final_div_factor", final_div_factor)
        self._schedule_phases = _phases(self.total_steps, pct_start, three_phase)
        self._anneal_func_type = anneal_strategy
        highest = per_group(name, "max_lr", optimizer, max_lr)
        self.cycle_momentum = cycle_momentum
        if cycle_momentum:
            self._begin_momentum(optimizer, base_momentum, max_momentum, last_epoch)
        if last_epoch == -1:
            for group, rate in zip(optimizer.param_groups, highest, strict=True):
                group["initial_lr"] = rate / div_factor
                group["max_lr"] = rate
                group["min_lr"] = group["initial_lr"] / final_div_factor
        super().__init__(optimizer, last_epoch)

    def _rates(self) -> list[float]:
        step = self.last_epoch
        if step > self.total_steps:
            raise ValueError(f"{type(self).__name__}: step {step} is one too many; `total_steps` is {self.total_steps}")
        begin = 0.0
        for phase in self._schedule_phases:
            if step <= phase["end_step"] or phase is self._schedule_phases[-1]:
                break
            begin = phase["end_step"]
        length = phase["end_step"] - begin
        part = (step - begin) / length if length else 1.0
        if self.cycle_momentum:
            for group in self.optimizer.param_groups:
                self._set_momentum(group, self._between(group, phase["start_momentum"], phase["end_momentum"], part))
        return [self._between(g, phase["start_lr"], phase["end_lr"], part) for g in self.optimizer.param_groups]

    def _between(self, group: dict[str, Any], start: str, end: str, part: float) -> float:
        """Between two options of a group, at a part of the way."""
        a, b = plain(group[start]), plain(group[end])
        if self._anneal_func_type == "linear":
            return a + (b - a) * part
        return b + (a - b) * (1.0 + math.cos(math.pi * part)) / 2.0


def _total(name: str, total_steps: int | None, epochs: int | None, steps_per_epoch: int | None) -> int:
    """The number of steps."""
    if total_steps is not None:
        return _check.integer(name, "total_steps", total_steps, 1)
    if epochs is None or steps_per_epoch is None:
        raise ValueError(f"{name}: give `total_steps`, or `epochs` and `steps_per_epoch`")
    return _check.integer(name, "epochs", epochs, 1) * _check.integer(name, "steps_per_epoch", steps_per_epoch, 1)


def _phases(total: int, rising: float, three: bool) -> list[dict[str, Any]]:
    """The last step of each phase, and between which options of a group it goes."""
    up = float(rising * total) - 1
    rows: list[tuple] = [(up, "initial_lr", "max_lr", "max_momentum", "base_momentum")]
    if three:
        rows.append((2 * up, "max_lr", "initial_lr", "base_momentum", "max_momentum"))
        rows.append((total - 1, "initial_lr", "min_lr", "max_momentum", "max_momentum"))
    else:
        rows.append((total - 1, "max_lr", "min_lr", "base_momentum", "max_momentum"))
    return [dict(zip(PHASE, row, strict=True)) for row in rows]
