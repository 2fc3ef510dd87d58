"""LRScheduler: the base of all schedulers."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Callable
from typing import Any

from nbnn.functional import _check
from nbnn.optim.optimizer import Optimizer
from nbnn.tensor import Tensor


class LRScheduler:
    """Base of all schedulers: sets ``group["lr"]`` of every group of an optimizer, anew at each `step`.

    A scheduler is stepped after the optimizer, usually once an epoch. What a group begins with is kept in
    ``group["initial_lr"]``. Most schedulers change the rate that they find, so that several on one optimizer multiply.

    Parameters
    ----------
    optimizer : Optimizer
        Whose learning rates change.
    last_epoch : int
        The epoch to continue after; -1 begins.

    Attributes
    ----------
    last_epoch : int
        How often `step` was called.
    base_lrs : list of float
        What the groups began with.

    Raises
    ------
    TypeError
        If `optimizer` is none.
    KeyError
        If `last_epoch` is not -1 and a group has no ``"initial_lr"``.

    Examples
    --------
    A scheduler of one's own defines `get_lr`:

    >>> import nbnn
    >>> class Halved(nbnn.optim.lr_scheduler.LRScheduler):
    ...     def get_lr(self):
    ...         return [base / 2**self.last_epoch for base in self.base_lrs]
    >>> optimizer = nbnn.optim.SGD([nbnn.ones(1)], lr=1.0)
    >>> scheduler = Halved(optimizer)
    >>> for _ in range(3):
    ...     optimizer.step()
    ...     scheduler.step()
    >>> scheduler.get_last_lr()
    [0.125]
    """

    _get_lr_called_within_step = False
    _is_initial = False
    _step_count = 0

    def __init__(self, optimizer: Optimizer, last_epoch: int = -1) -> None:
        check_optimizer(type(self).__name__, optimizer)
        self.optimizer = optimizer
        for i, group in enumerate(optimizer.param_groups):
            if last_epoch == -1:
                group.setdefault("initial_lr", plain(group["lr"]))
            elif "initial_lr" not in group:
                raise KeyError(
                    f"{type(self).__name__}: `last_epoch` (={last_epoch}) continues, but group {i} of the optimizer "
                    "has no 'initial_lr'; load the optimizer's state first"
                )
        self.base_lrs = [plain(group["initial_lr"]) for group in optimizer.param_groups]
        self.last_epoch = last_epoch
        self._initial_step()

    def _initial_step(self) -> None:
        """Set the rates of the first epoch."""
        self._step_count = 0
        self._is_initial = True
        try:
            self.step()
        finally:
            self._is_initial = False

    def step(self, epoch: int | None = None) -> None:
        """Go to the next epoch, after the optimizer's step.

        Parameters
        ----------
        epoch : int, optional
            The epoch to go to instead; an old spelling.

        Warns
        -----
        UserWarning
            If the optimizer has not been stepped yet, and on `epoch`.
        """
        if self._step_count == 1 and not self.optimizer._opt_called:
            message = (
                f"{type(self).__name__}: `step()` was called before `optimizer.step()`, so that no step has the first "
                "learning rate of the schedule; call `optimizer.step()` first"
            )
            warnings.warn(message, UserWarning, stacklevel=2)
        self._step_count += 1
        if epoch is not None:
            warn_of_epoch(self)
        self._update_lr(epoch)

    def _update_lr(self, epoch: int | None = None) -> None:
        """Set the rates of the next epoch, or of any where a scheduler knows them in closed form."""
        if epoch is None:
            self.last_epoch += 1
            self._set(self.get_lr)
        else:
            self.last_epoch = epoch
            self._set(self._get_closed_form_lr)

    def _set(self, rule: Callable[[], list[float]]) -> None:
        """Set the rates that a rule gives."""
        self._get_lr_called_within_step = True
        try:
            values = rule()
        finally:
            self._get_lr_called_within_step = False
        for group, value in zip(self.optimizer.param_groups, values, strict=True):
            put(group, "lr", value)
        self._last_lr = rates(self.optimizer)

    def get_last_lr(self) -> list[float]:
        """The rates that the last step set, one for each group."""
        return self._last_lr

    def get_lr(self) -> list[float]:
        """The rates of this epoch, from those before it: for `step` to call; see `get_last_lr`."""
        if not self._get_lr_called_within_step:
            message = f"{type(self).__name__}: `get_lr` computes a next step; `get_last_lr()` gives the rates set last"
            warnings.warn(message, UserWarning, stacklevel=2)
        return self._rates()

    def _rates(self) -> list[float]:
        raise NotImplementedError(f"{type(self).__name__}: must define `get_lr`")

    def _get_closed_form_lr(self) -> list[float]:
        return self.get_lr()

    def _scaled(self, factor: float) -> list[float]:
        """The rates as they are, times `factor`."""
        return [rate * factor for rate in rates(self.optimizer)]

    def state_dict(self) -> dict[str, Any]:
        """What is needed to continue: everything but the optimizer, whose state is its own."""
        return {key: value for key, value in vars(self).items() if key != "optimizer"}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Continue from what `state_dict` returned, here or in PyTorch."""
        vars(self).update(state_dict)

    def __repr__(self) -> str:
        names = [name for name in inspect.signature(type(self).__init__).parameters if name in vars(self)]
        shown = [f"{name}={getattr(self, name)!r}" for name in names if name != "optimizer"]
        return f"{type(self).__name__}({', '.join([*shown, f'lr={self._last_lr}'])})"


def check_optimizer(name: str, optimizer: Any) -> None:
    """Refuse what is no Optimizer."""
    if not isinstance(optimizer, Optimizer):
        raise TypeError(f"{name}: `optimizer` must be an Optimizer; got {type(optimizer).__name__}")


def plain(value: Any) -> Any:
    """A rate as a number: a Tensor's may change later."""
    return value.item() if isinstance(value, Tensor) else value


def rates(optimizer: Optimizer) -> list[float]:
    """The learning rates of the groups as they are."""
    return [plain(group["lr"]) for group in optimizer.param_groups]


def put(group: dict[str, Any], key: str, value: float) -> None:
    """Set an option of a group; a Tensor keeps its place."""
    if isinstance(group[key], Tensor):
        group[key].fill_(value)
    else:
        group[key] = value


def per_group(name: str, key: str, optimizer: Optimizer, value: Any) -> list[float]:
    """`value` for each group: a list has one for each."""
    count = len(optimizer.param_groups)
    values = list(value) if isinstance(value, (list, tuple)) else [value] * count
    if len(values) != count:
        raise ValueError(f"{name}: `{key}` must be a number or one for each of {count} groups; got {len(values)}")
    values = [plain(v) for v in values]
    for v in values:
        _check.number(name, key, v)
    return values


def warn_of_epoch(scheduler: LRScheduler) -> None:
    """Say that `epoch` is an old spelling."""
    message = f"{type(scheduler).__name__}: `epoch` is an old argument of `step`; call `step()` once an epoch"
    warnings.warn(message, UserWarning, stacklevel=3)
