"""Schedulers that multiply the rate: by a function, at given epochs, or along a line or a power."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Iterable
from types import FunctionType
from typing import Any

from nbnn.functional import _check
from nbnn.optim.lr_scheduler.scheduler import LRScheduler, check_optimizer, rates
from nbnn.optim.optimizer import Optimizer


class _WithFunctions(LRScheduler):
    """A scheduler with a function of the epoch for each group."""

    def __init__(
        self,
        optimizer: Optimizer,
        lr_lambda: Callable[[int], float] | list[Callable[[int], float]],
        last_epoch: int = -1,
    ) -> None:
        name = type(self).__name__
        check_optimizer(name, optimizer)
        count = len(optimizer.param_groups)
        self.lr_lambdas = list(lr_lambda) if isinstance(lr_lambda, (list, tuple)) else [lr_lambda] * count
        if len(self.lr_lambdas) != count:
            raise ValueError(
                f"{name}: `lr_lambda` must be a function or one for each of {count} groups; got {len(self.lr_lambdas)}"
            )
        for function in self.lr_lambdas:
            if not callable(function):
                raise TypeError(f"{name}: `lr_lambda` must be a function; got {type(function).__name__}")
        super().__init__(optimizer, last_epoch)

    def state_dict(self) -> dict[str, Any]:
        """What is needed to continue; of the functions only the attributes of callable objects."""
        kept = [None if isinstance(f, FunctionType) else dict(getattr(f, "__dict__", {})) for f in self.lr_lambdas]
        return {**super().state_dict(), "lr_lambdas": kept}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Continue from what `state_dict` returned; the functions stay, callable objects get their attributes."""
        super().load_state_dict({k: v for k, v in state_dict.items() if k != "lr_lambdas"})
        for function, attributes in zip(self.lr_lambdas, state_dict["lr_lambdas"], strict=True):
            if attributes:
                vars(function).update(attributes)


class LambdaLR(_WithFunctions):
    r"""The first rate times a function of the epoch, :math:`\text{lr} = \text{lr}_0\, f(t)`.

    Parameters
    ----------
    optimizer : Optimizer
        Whose learning rates change.
    lr_lambda : callable or list of callables
        f; a list has one for each group.
    last_epoch : int
        The epoch to continue after; -1 begins.

    Raises
    ------
    TypeError, ValueError
        If `lr_lambda` is no function or no list of one for each group.

    Examples
    --------
    >>> import nbnn
    >>> optimizer = nbnn.optim.SGD([nbnn.ones(1)], lr=1.0)
    >>> scheduler = nbnn.optim.lr_scheduler.LambdaLR(optimizer, lambda epoch: 1 / (1 + epoch))
    >>> optimizer.step(), scheduler.step()
    (None, None)
    >>> scheduler.get_last_lr()
    [0.5]
    """

    def _rates(self) -> list[float]:
        return [base * f(self.last_epoch) for base, f in zip(self.base_lrs, self.lr_lambdas, strict=True)]


class MultiplicativeLR(_WithFunctions):
    r"""The rate times a function of the epoch at each step, :math:`\text{lr} \leftarrow \text{lr}\, f(t)`.

    Parameters
    ----------
    optimizer : Optimizer
        Whose learning rates change.
    lr_lambda : callable or list of callables
        f; a list has one for each group.
    last_epoch : int
        The epoch to continue after; -1 begins.

    Raises
    ------
    TypeError, ValueError
        If `lr_lambda` is no function or no list of one for each group.

    Examples
    --------
    >>> import nbnn
    >>> optimizer = nbnn.optim.SGD([nbnn.ones(1)], lr=1.0)
    >>> nbnn.optim.lr_scheduler.MultiplicativeLR(optimizer, lambda epoch: 0.5)
    MultiplicativeLR(last_epoch=0, lr=[1.0])
    """

    def _rates(self) -> list[float]:
        now = rates(self.optimizer)
        if self._is_initial:
            return now
        return [rate * f(self.last_epoch) for rate, f in zip(now, self.lr_lambdas, strict=True)]


class StepLR(LRScheduler):
    r"""The rate times `gamma` every `step_size` epochs.

    Parameters
    ----------
    optimizer : Optimizer
        Whose learning rates change.
    step_size : int
        How many epochs the rate stays.
    gamma : float
        What it is multiplied by.
    last_epoch : int
        The epoch to continue after; -1 begins.

    Raises
    ------
    ValueError
        If `step_size` is not above 0.

    Examples
    --------
    >>> import nbnn
    >>> optimizer = nbnn.optim.SGD([nbnn.ones(1)], lr=1.0)
    >>> scheduler = nbnn.optim.lr_scheduler.StepLR(optimizer, step_size=2, gamma=0.5)
    >>> for _ in range(5):
    ...     optimizer.step()
    ...     scheduler.step()
    >>> scheduler
    StepLR(step_size=2, gamma=0.5, last_epoch=5, lr=[0.25])
    """

    def __init__(self, optimizer: Optimizer, step_size: int, gamma: float = 0.1, last_epoch: int = -1) -> None:
        above_zero(type(self).__name__, "step_size", step_size)
        self.step_size = step_size
        self.gamma = gamma
        super().__init__(optimizer, last_epoch)

    def _rates(self) -> list[float]:
        due = self.last_epoch != 0 and self.last_epoch % self.step_size == 0
        return self._scaled(self.gamma) if due else rates(self.optimizer)

    def _get_closed_form_lr(self) -> list[float]:
        return [base * self.gamma ** (self.last_epoch // self.step_size) for base in self.base_lrs]


class MultiStepLR(LRScheduler):
    r"""The rate times `gamma` at each of the `milestones`.

    Parameters
    ----------
    optimizer : Optimizer
        Whose learning rates change.
    milestones : iterable of int
        Epochs; one that is given twice counts twice.
    gamma : float
        What the rate is multiplied by.
    last_epoch : int
        The epoch to continue after; -1 begins.

    Examples
    --------
    >>> import nbnn
    >>> optimizer = nbnn.optim.SGD([nbnn.ones(1)], lr=1.0)
    >>> scheduler = nbnn.optim.lr_scheduler.MultiStepLR(optimizer, milestones=[1, 3], gamma=0.5)
    >>> for _ in range(4):
    ...     optimizer.step()
    ...     scheduler.step()
    >>> scheduler.get_last_lr()
    [0.25]
    """

    def __init__(
        self, optimizer: Optimizer, milestones: Iterable[int], gamma: float = 0.1, last_epoch: int = -1
    ) -> None:
        name = type(self).__name__
        if not isinstance(milestones, Iterable):
            raise TypeError(f"{name}: `milestones` must be a list of epochs; got {type(milestones).__name__}")
        _check.number(name, "gamma", gamma)
        self.milestones = Counter(milestones)
        self.gamma = gamma
        super().__init__(optimizer, last_epoch)

    def _rates(self) -> list[float]:
        return self._scaled(self.gamma ** self.milestones[self.last_epoch])

    def _get_closed_form_lr(self) -> list[float]:
        passed = bisect_right(sorted(self.milestones.elements()), self.last_epoch)
        return [base * self.gamma**passed for base in self.base_lrs]


class ConstantLR(LRScheduler):
    r"""The rate times `factor` for the first `total_iters` epochs.

    Parameters
    ----------
    optimizer : Optimizer
        Whose learning rates change.
    factor : float
        In [0, 1].
    total_iters : int
        How long it lasts.
    last_epoch : int
        The epoch to continue after; -1 begins.

    Raises
    ------
    ValueError
        If `factor` is not in [0, 1].

    Examples
    --------
    >>> import nbnn
    >>> optimizer = nbnn.optim.SGD([nbnn.ones(1)], lr=1.0)
    >>> nbnn.optim.lr_scheduler.ConstantLR(optimizer, factor=0.25)
    ConstantLR(factor=0.25, total_iters=5, last_epoch=0, lr=[0.25])
    """

    def __init__(self, optimizer: Optimizer, factor: float = 1 / 3, total_iters: int = 5, last_epoch: int = -1) -> None:
        name = type(self).__name__
        if not 0.0 <= _check.number(name, "factor", factor) <= 1.0:
            raise ValueError(f"{name}: `factor` (={factor}) must be in [0, 1]")
        self.factor = factor
        self.total_iters = total_iters
        super().__init__(optimizer, last_epoch)

    def _rates(self) -> list[float]:
        if self.last_epoch == 0:
            return self._scaled(self.factor)
        if self.last_epoch != self.total_iters:
            return rates(self.optimizer)
        return self._scaled(1.0 / self.factor) if self.factor != 0 else list(self.base_lrs)

    def _get_closed_form_lr(self) -> list[float]:
        factor = 1.0 if self.last_epoch >= self.total_iters else self.factor
        return [base * factor for base in self.base_lrs]


class LinearLR(LRScheduler):
    r"""The rate times a factor that goes from `start_factor` to `end_factor` along a line of `total_iters` epochs.

    Parameters
    ----------
    optimizer : Optimizer
        Whose learning rates change.
    start_factor : float
        In (0, 1].
    end_factor : float
        In [0, 1].
    total_iters : int
        How long it takes.
    last_epoch : int
        The epoch to continue after; -1 begins.

    Raises
    ------
    ValueError
        If a factor is out of its range or `total_iters` is not above 0.

    Examples
    --------
    >>> import nbnn
    >>> optimizer = nbnn.optim.SGD([nbnn.ones(1)], lr=1.0)
    >>> scheduler = nbnn.optim.lr_scheduler.LinearLR(optimizer, start_factor=0.5, total_iters=4)
    >>> optimizer.step(), scheduler.step()
    (None, None)
    >>> scheduler.get_last_lr()
    [0.625]
    """

    def __init__(
        self,
        optimizer: Optimizer,
        start_factor: float = 1 / 3,
        end_factor: float = 1.0,
        total_iters: int = 5,
        last_epoch: int = -1,
    ) -> None:
        name = type(self).__name__
        if not 0.0 < _check.number(name, "start_factor", start_factor) <= 1.0:
            raise ValueError(f"{name}: `start_factor` (={start_factor}) must be in (0, 1]")
        if not 0.0 <= _check.number(name, "end_factor", end_factor) <= 1.0:
            raise ValueError(f"{name}: `end_factor` (={end_factor}) must be in [0, 1]")
        above_zero(name, "total_iters", total_iters)
        self.start_factor = start_factor
        self.end_factor = end_factor
        self.total_iters = total_iters
        super().__init__(optimizer, last_epoch)

    def _factor(self, epoch: int) -> float:
        return self.start_factor + (self.end_factor - self.start_factor) * min(epoch / self.total_iters, 1.0)

    def _rates(self) -> list[float]:
        if self.last_epoch == 0:
            return self._scaled(self.start_factor)
        if self._is_initial or self.last_epoch > self.total_iters:
            return rates(self.optimizer)
        return self._scaled(self._factor(self.last_epoch) / self._factor(self.last_epoch - 1))

    def _get_closed_form_lr(self) -> list[float]:
        return [base * self._factor(self.last_epoch) for base in self.base_lrs]


class ExponentialLR(LRScheduler):
    r"""The rate times `gamma` every epoch.

    Parameters
    ----------
    optimizer : Optimizer
        Whose learning rates change.
    gamma : float
        What the rate is multiplied by.
    last_epoch : int
        The epoch to continue after; -1 begins.

    Examples
    --------
    >>> import nbnn
    >>> optimizer = nbnn.optim.SGD([nbnn.ones(1)], lr=1.0)
    >>> scheduler = nbnn.optim.lr_scheduler.ExponentialLR(optimizer, gamma=0.5)
    >>> for _ in range(3):
    ...     optimizer.step()
    ...     scheduler.step()
    >>> scheduler.get_last_lr()
    [0.125]
    """

    def __init__(self, optimizer: Optimizer, gamma: float, last_epoch: int = -1) -> None:
        _check.number(type(self).__name__, "gamma", gamma)
        self.gamma = gamma
        super().__init__(optimizer, last_epoch)

    def _rates(self) -> list[float]:
        return self._scaled(1.0 if self._is_initial else self.gamma)

    def _get_closed_form_lr(self) -> list[float]:
        return [base * self.gamma**self.last_epoch for base in self.base_lrs]


class PolynomialLR(LRScheduler):
    r"""The first rate times :math:`(1 - t / \text{total\_iters})^{\text{power}}`, then 0.

    Parameters
    ----------
    optimizer : Optimizer
        Whose learning rates change.
    total_iters : int
        After how many epochs the rate is 0.
    power : float
        1 is a line.
    last_epoch : int
        The epoch to continue after; -1 begins.

    Raises
    ------
    ValueError
        If `total_iters` is not above 0.

    Examples
    --------
    >>> import nbnn
    >>> optimizer = nbnn.optim.SGD([nbnn.ones(1)], lr=1.0)
    >>> scheduler = nbnn.optim.lr_scheduler.PolynomialLR(optimizer, total_iters=4, power=2.0)
    >>> optimizer.step(), scheduler.step()
    (None, None)
    >>> scheduler.get_last_lr()
    [0.5625]
    """

    def __init__(self, optimizer: Optimizer, total_iters: int = 5, power: float = 1.0, last_epoch: int = -1) -> None:
        above_zero(type(self).__name__, "total_iters", total_iters)
        self.total_iters = total_iters
        self.power = power
        super().__init__(optimizer, last_epoch)

    def _left(self, epoch: int) -> float:
        return 1.0 - min(epoch / self.total_iters, 1.0)

    def _rates(self) -> list[float]:
        if self._is_initial or self.last_epoch > self.total_iters:
            return rates(self.optimizer)
        return self._scaled((self._left(self.last_epoch) / self._left(self.last_epoch - 1)) ** self.power)

    def _get_closed_form_lr(self) -> list[float]:
        return [base * self._left(self.last_epoch) ** self.power for base in self.base_lrs]


def above_zero(name: str, key: str, value: float) -> None:
    """Refuse a number of epochs that is not above 0."""
    if not _check.number(name, key, value) > 0:
        raise ValueError(f"{name}: `{key}` (={value}) must be above 0")
