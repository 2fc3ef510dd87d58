"""Schedulers made of schedulers."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from typing import Any

from nbnn.optim.lr_scheduler.plateau import ReduceLROnPlateau
from nbnn.optim.lr_scheduler.scheduler import LRScheduler, put, rates
from nbnn.optim.optimizer import Optimizer


class _Combined(LRScheduler):
    """A scheduler over others of one optimizer."""

    _schedulers: Sequence[LRScheduler]

    def _take(self, schedulers: Sequence[LRScheduler], optimizer: Optimizer | None) -> None:
        """Check and keep the schedulers."""
        name = type(self).__name__
        if len(schedulers) < 1:
            raise ValueError(f"{name}: `schedulers` must not be empty")
        for i, scheduler in enumerate(schedulers):
            if not isinstance(scheduler, LRScheduler):
                raise TypeError(f"{name}: `schedulers` must be LRSchedulers; got {type(scheduler).__name__} at {i}")
            if isinstance(scheduler, ReduceLROnPlateau):
                raise ValueError(f"{name}: `schedulers` must step without a metric; got ReduceLROnPlateau at {i}")
        self.optimizer = schedulers[0].optimizer if optimizer is None else optimizer
        for i, scheduler in enumerate(schedulers):
            if scheduler.optimizer is not self.optimizer:
                raise ValueError(f"{name}: `schedulers` must be of one optimizer; the one of number {i} is another")
        self._schedulers = schedulers

    def state_dict(self) -> dict[str, Any]:
        """What is needed to continue, with the states of the schedulers."""
        return {**super().state_dict(), "_schedulers": [s.state_dict() for s in self._schedulers]}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Continue from what `state_dict` returned, here or in PyTorch."""
        super().load_state_dict({k: v for k, v in state_dict.items() if k != "_schedulers"})
        for scheduler, state in zip(self._schedulers, state_dict["_schedulers"], strict=True):
            scheduler.load_state_dict(state)

    def __repr__(self) -> str:
        return f"{type(self).__name__}([{', '.join(map(repr, self._schedulers))}], lr={self._last_lr})"


class SequentialLR(_Combined):
    """One scheduler after the other: the next one takes over at each of the `milestones`.

    Parameters
    ----------
    optimizer : Optimizer
        Whose learning rates change.
    schedulers : list of LRScheduler
        Of this optimizer, in their order.
    milestones : list of int
        The epochs, in order, at which the second and the further ones begin, each from the first rates.
    last_epoch : int
        The epoch to continue after; -1 begins.

    Raises
    ------
    TypeError, ValueError
        If `schedulers` are none, are of another optimizer or need a metric, or `milestones` are not one fewer, in
        order.

    Examples
    --------
    >>> import nbnn
    >>> from nbnn.optim.lr_scheduler import ConstantLR, ExponentialLR, SequentialLR
    >>> optimizer = nbnn.optim.SGD([nbnn.ones(1)], lr=1.0)
    >>> schedulers = [ConstantLR(optimizer, factor=0.5, total_iters=9), ExponentialLR(optimizer, gamma=0.25)]
    >>> scheduler = SequentialLR(optimizer, schedulers, milestones=[2])
    >>> for _ in range(4):
    ...     print(scheduler.get_last_lr())
    ...     optimizer.step()
    ...     scheduler.step()
    [0.5]
    [0.5]
    [1.0]
    [0.25]
    """

    def __init__(
        self, optimizer: Optimizer, schedulers: list[LRScheduler], milestones: list[int], last_epoch: int = -1
    ) -> None:
        self._take(schedulers, optimizer)
        name = type(self).__name__
        if len(milestones) != len(schedulers) - 1:
            raise ValueError(
                f"{name}: `milestones` must be one fewer than the {len(schedulers)} schedulers; got {len(milestones)}"
            )
        if sorted(milestones) != list(milestones):
            raise ValueError(f"{name}: `milestones` (={milestones}) must be in order")
        self._milestones = milestones
        self.last_epoch = last_epoch + 1
        for group in self.optimizer.param_groups:
            put(group, "lr", group["initial_lr"])
        _undo(self)  # all of them have taken their first step
        first = self._schedulers[bisect_right(milestones, 0)]
        first._initial_step()
        self._last_lr = first.get_last_lr()

    def step(self) -> None:  # type: ignore[override]
        """Go to the next epoch, with the scheduler whose turn it is."""
        self.last_epoch += 1
        turn = bisect_right(self._milestones, self.last_epoch)
        scheduler = self._schedulers[turn]
        if turn > 0 and self._milestones[turn - 1] == self.last_epoch:
            scheduler._update_lr(0)
        else:
            scheduler.step()
        self._last_lr = scheduler.get_last_lr()


def _undo(scheduler: LRScheduler) -> None:
    """Take back the first step of a scheduler and of those below it."""
    if isinstance(scheduler, _Combined):
        for inner in scheduler._schedulers:
            _undo(inner)
    else:
        scheduler.last_epoch -= 1


class ChainedScheduler(_Combined):
    """Several schedulers at once: each changes the rate that the one before it left.

    Parameters
    ----------
    schedulers : sequence of LRScheduler
        Of one optimizer.
    optimizer : Optimizer, optional
        That optimizer.

    Raises
    ------
    TypeError, ValueError
        If `schedulers` are none, are of different optimizers or need a metric.

    Examples
    --------
    >>> import nbnn
    >>> from nbnn.optim.lr_scheduler import ChainedScheduler, ConstantLR, ExponentialLR
    >>> optimizer = nbnn.optim.SGD([nbnn.ones(1)], lr=1.0)
    >>> scheduler = ChainedScheduler([ConstantLR(optimizer, factor=0.5), ExponentialLR(optimizer, gamma=0.5)])
    >>> optimizer.step(), scheduler.step()
    (None, None)
    >>> scheduler.get_last_lr()
    [0.25]
    """

    def __init__(self, schedulers: Sequence[LRScheduler], optimizer: Optimizer | None = None) -> None:
        self._take(schedulers, optimizer)
        self._last_lr = rates(self.optimizer)

    def step(self) -> None:  # type: ignore[override]
        """Go to the next epoch with all schedulers."""
        for scheduler in self._schedulers:
            scheduler.step()
        self._last_lr = rates(self.optimizer)

    def _update_lr(self, epoch: int | None = None) -> None:
        """Begin again, in the place that a SequentialLR gives it."""
        for group in self.optimizer.param_groups:
            put(group, "lr", group["initial_lr"])
        for scheduler in self._schedulers:
            scheduler._initial_step()
        self._last_lr = rates(self.optimizer)
