"""Schedulers along a cosine."""

from __future__ import annotations

import math

from nbnn.functional import _check
from nbnn.optim.lr_scheduler.decay import above_zero
from nbnn.optim.lr_scheduler.scheduler import LRScheduler, rates
from nbnn.optim.optimizer import Optimizer


class CosineAnnealingLR(LRScheduler):
    r"""The rate falls to `eta_min` along half a cosine of `T_max` epochs, and rises again after ([1]_).

    .. math::
        \text{lr} = \text{eta\_min} + (\text{lr}_0 - \text{eta\_min})\, \frac{1 + \cos(\pi t / T_{max})}{2}

    as long as nothing else changes the rate.

    Parameters
    ----------
    optimizer : Optimizer
        Whose learning rates change.
    T_max : int
        How many epochs the rate falls.
    eta_min : float
        What it falls to.
    last_epoch : int
        The epoch to continue after; -1 begins.

    Raises
    ------
    ValueError
        If `T_max` is not above 0.

    References
    ----------
    .. [1] I. Loshchilov, F. Hutter, "SGDR: stochastic gradient descent with warm restarts", ICLR 2017.

    Examples
    --------
    >>> import nbnn
    >>> optimizer = nbnn.optim.SGD([nbnn.ones(1)], lr=1.0)
    >>> scheduler = nbnn.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=4)
    >>> for _ in range(4):
    ...     optimizer.step()
    ...     scheduler.step()
    >>> scheduler.get_last_lr()
    [0.0]
    """

    def __init__(self, optimizer: Optimizer, T_max: int, eta_min: float = 0.0, last_epoch: int = -1) -> None:
        above_zero(type(self).__name__, "T_max", T_max)
        self.T_max = T_max
        self.eta_min = eta_min
        super().__init__(optimizer, last_epoch)

    def _height(self, epoch: float) -> float:
        return (1.0 + math.cos(math.pi * epoch / self.T_max)) / 2.0

    def _rates(self) -> list[float]:
        now = rates(self.optimizer)
        if self._is_initial:
            return now
        if (self.last_epoch - 1 - self.T_max) % (2 * self.T_max) == 0:  # up from the bottom, where a ratio is 0 / 0
            rise = 1.0 - self._height(1)
            return [rate + (base - self.eta_min) * rise for rate, base in zip(now, self.base_lrs, strict=True)]
        ratio = self._height(self.last_epoch) / self._height(self.last_epoch - 1)
        return [self.eta_min + (rate - self.eta_min) * ratio for rate in now]

    def _get_closed_form_lr(self) -> list[float]:
        return [self.eta_min + (base - self.eta_min) * self._height(self.last_epoch) for base in self.base_lrs]


class CosineAnnealingWarmRestarts(LRScheduler):
    r"""The rate falls to `eta_min` along half a cosine and begins again, each time `T_mult` times as long ([1]_).

    Parameters
    ----------
    optimizer : Optimizer
        Whose learning rates change.
    T_0 : int
        How many epochs the first fall takes.
    T_mult : int
        How many times longer each next one is.
    eta_min : float
        What the rate falls to.
    last_epoch : int
        The epoch to continue after; -1 begins.

    Raises
    ------
    TypeError, ValueError
        If `T_0` or `T_mult` is no int of at least 1.

    References
    ----------
    .. [1] I. Loshchilov, F. Hutter, "SGDR: stochastic gradient descent with warm restarts", ICLR 2017.

    Examples
    --------
    >>> import nbnn
    >>> optimizer = nbnn.optim.SGD([nbnn.ones(1)], lr=1.0)
    >>> scheduler = nbnn.optim.lr_scheduler.CosineAnnealingWarmRestarts(optimizer, T_0=2)
    >>> scheduler.step(1.5)  # parts of epochs are allowed
    >>> round(scheduler.get_last_lr()[0], 4)
    0.1464
    >>> scheduler.step(2)
    >>> scheduler.get_last_lr()
    [1.0]
    """

    def __init__(
        self,
        optimizer: Optimizer,
        T_0: int,
        T_mult: int = 1,
        eta_min: float = 0.0,
        last_epoch: int = -1,
    ) -> None:
        name = type(self).__name__
        self.T_0 = self.T_i = _check.integer(name, "T_0", T_0, 1)
        self.T_mult = _check.integer(name, "T_mult", T_mult, 1)
        self.eta_min = _check.number(name, "eta_min", eta_min)
        self.T_cur: float = last_epoch
        super().__init__(optimizer, last_epoch)

    def step(self, epoch: float | None = None) -> None:
        """Go to the next epoch, or to `epoch`, which may be a part of one: ``step(epoch + batch / batches)``.

        Raises
        ------
        ValueError
            If `epoch` is negative.
        """
        self._update_lr(epoch)

    def _update_lr(self, epoch: float | None = None) -> None:
        if epoch is None and self.last_epoch >= 0:
            self.last_epoch += 1
            self.T_cur += 1
            if self.T_cur >= self.T_i:
                self.T_cur %= self.T_i
                self.T_i *= self.T_mult
        else:
            epoch = 0 if epoch is None else epoch
            if epoch < 0:
                raise ValueError(f"{type(self).__name__}: `epoch` (={epoch}) must be at least 0")
            self.last_epoch = math.floor(epoch)
            self.T_cur, self.T_i = epoch, self.T_0
            if self.T_mult == 1:
                self.T_cur %= self.T_0
            while self.T_cur >= self.T_i:
                self.T_cur -= self.T_i
                self.T_i *= self.T_mult
        self._set(self.get_lr)

    def _rates(self) -> list[float]:
        height = (1.0 + math.cos(math.pi * self.T_cur / self.T_i)) / 2.0
        return [self.eta_min + (base - self.eta_min) * height for base in self.base_lrs]
