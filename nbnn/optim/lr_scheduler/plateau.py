"""ReduceLROnPlateau."""

from __future__ import annotations

import math
from typing import SupportsFloat

from nbnn.functional import _check
from nbnn.optim.lr_scheduler.scheduler import LRScheduler, check_optimizer, per_group, put, rates, warn_of_epoch
from nbnn.optim.optimizer import Optimizer


class ReduceLROnPlateau(LRScheduler):
    """The rate times `factor` once a metric has not improved for more than `patience` epochs.

    Parameters
    ----------
    optimizer : Optimizer
        Whose learning rates change.
    mode : str
        ``"min"`` for a metric that is to fall, ``"max"`` for one that is to rise.
    factor : float
        What the rate is multiplied by; below 1.
    patience : int
        How many epochs without improvement are borne.
    threshold : float
        What counts as an improvement.
    threshold_mode : str
        ``"rel"``: by a part `threshold` of the best value; ``"abs"``: by `threshold`.
    cooldown : int
        How many epochs after a change are not counted.
    min_lr : float or list of float
        Below which the rate does not fall; a list has one for each group.
    eps : float
        A smaller change of the rate is left out.

    Raises
    ------
    TypeError
        If `optimizer` is none.
    ValueError
        If `factor` is not below 1, a mode is not known or `min_lr` does not fit the groups.

    Examples
    --------
    >>> import nbnn
    >>> optimizer = nbnn.optim.SGD([nbnn.ones(1)], lr=1.0)
    >>> scheduler = nbnn.optim.lr_scheduler.ReduceLROnPlateau(optimizer, patience=1)
    >>> for loss in [1.0, 0.5, 0.5, 0.5]:
    ...     optimizer.step()
    ...     scheduler.step(loss)
    >>> scheduler.get_last_lr()
    [0.1]
    """

    def __init__(
        self,
        optimizer: Optimizer,
        mode: str = "min",
        factor: float = 0.1,
        patience: int = 10,
        threshold: float = 1e-4,
        threshold_mode: str = "rel",
        cooldown: int = 0,
        min_lr: float | list[float] = 0,
        eps: float = 1e-8,
    ) -> None:
        name = type(self).__name__
        check_optimizer(name, optimizer)
        if not _check.number(name, "factor", factor) < 1.0:
            raise ValueError(f"{name}: `factor` (={factor}) must be below 1")
        if mode not in ("min", "max"):
            raise ValueError(f"{name}: `mode` (={mode!r}) must be 'min' or 'max'")
        if threshold_mode not in ("rel", "abs"):
            raise ValueError(f"{name}: `threshold_mode` (={threshold_mode!r}) must be 'rel' or 'abs'")
        self.factor = factor
        self.optimizer = optimizer
        self.default_min_lr = None if isinstance(min_lr, (list, tuple)) else min_lr
        self.min_lrs = per_group(name, "min_lr", optimizer, min_lr)
        self.patience = patience
        self.cooldown = cooldown
        self.eps = eps
        self.last_epoch = 0
        self._last_lr = rates(optimizer)
        self.mode = mode
        self.threshold = threshold
        self.threshold_mode = threshold_mode
        self.mode_worse = math.inf if mode == "min" else -math.inf
        self._reset()

    def _reset(self) -> None:
        """Forget the metrics so far."""
        self.best = self.mode_worse
        self.cooldown_counter = 0
        self.num_bad_epochs = 0

    @property
    def in_cooldown(self) -> bool:
        """Whether epochs are not counted now."""
        return self.cooldown_counter > 0

    def step(self, metrics: SupportsFloat, epoch: int | None = None) -> None:  # type: ignore[override]
        """Go to the next epoch.

        Parameters
        ----------
        metrics : float or Tensor of one element
            The metric of the epoch.
        epoch : int, optional
            The epoch to go to instead; an old spelling.
        """
        if epoch is not None:
            warn_of_epoch(self)
        self.last_epoch = self.last_epoch + 1 if epoch is None else epoch
        value = float(metrics)
        if self._is_better(value, self.best):
            self.best, self.num_bad_epochs = value, 0
        else:
            self.num_bad_epochs += 1
        if self.in_cooldown:
            self.cooldown_counter -= 1
            self.num_bad_epochs = 0
        if self.num_bad_epochs > self.patience:
            self._reduce_lr()
            self.cooldown_counter = self.cooldown
            self.num_bad_epochs = 0
        self._last_lr = rates(self.optimizer)

    def _is_better(self, value: float, best: float) -> bool:
        """Whether `value` improves on `best` by more than the threshold."""
        sign = -1.0 if self.mode == "min" else 1.0
        bound = best * (1.0 + sign * self.threshold) if self.threshold_mode == "rel" else best + sign * self.threshold
        return sign * value > sign * bound

    def _reduce_lr(self) -> None:
        groups = self.optimizer.param_groups
        if len(groups) != len(self.min_lrs):  # a group was added
            if self.default_min_lr is None:
                raise RuntimeError(
                    f"{type(self).__name__}: `min_lr` was given for {len(self.min_lrs)} groups, and the optimizer has "
                    f"{len(groups)} now; set `min_lrs`"
                )
            self.min_lrs = [self.default_min_lr] * len(groups)
        for group, rate, least in zip(groups, rates(self.optimizer), self.min_lrs, strict=True):
            lower = max(rate * self.factor, least)
            if rate - lower > self.eps:
                put(group, "lr", lower)
