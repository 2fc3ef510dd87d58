"""Averages of a model's weights along its training: stochastic weight averaging and exponential moving averages."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Iterable
from typing import Any

from nbnn.autograd import no_grad
from nbnn.functional import _check
from nbnn.functional.creation import tensor
from nbnn.modules import Module
from nbnn.modules.normalization import _BatchNorm
from nbnn.optim.lr_scheduler.scheduler import LRScheduler, check_optimizer, per_group, rates
from nbnn.optim.optimizer import Optimizer
from nbnn.tensor import Tensor

__all__ = [
    "SWALR",
    "AveragedModel",
    "get_ema_avg_fn",
    "get_ema_multi_avg_fn",
    "get_swa_avg_fn",
    "get_swa_multi_avg_fn",
    "update_bn",
]


def get_ema_multi_avg_fn(decay: float = 0.999) -> Callable[[list[Tensor], list[Tensor], Any], None]:
    r"""A function that updates exponential moving averages in place, :math:`a \leftarrow d a + (1 - d)\, p`.

    Parameters
    ----------
    decay : float
        d, in [0, 1].

    Returns
    -------
    callable
        Of a list of averages, a list of the Tensors of now, and how many were averaged so far.

    Raises
    ------
    ValueError
        If `decay` is not in [0, 1].

    Examples
    --------
    >>> import nbnn
    >>> from nbnn.optim.swa_utils import get_ema_multi_avg_fn
    >>> average = nbnn.tensor([4.0])
    >>> get_ema_multi_avg_fn(0.75)([average], [nbnn.tensor([0.0])], 1)
    >>> average
    tensor([3.])
    """
    _check.probability("get_ema_multi_avg_fn", "decay", decay)
    return _updates(lambda count: 1.0 - decay)


def get_swa_multi_avg_fn() -> Callable[[list[Tensor], list[Tensor], Any], None]:
    r"""A function that updates means in place, :math:`a \leftarrow a + (p - a) / (n + 1)`.

    Returns
    -------
    callable
        Of a list of means, a list of the Tensors of now, and n, how many were averaged so far.

    Examples
    --------
    >>> import nbnn
    >>> from nbnn.optim.swa_utils import get_swa_multi_avg_fn
    >>> mean = nbnn.tensor([4.0])
    >>> get_swa_multi_avg_fn()([mean], [nbnn.tensor([0.0])], 1)
    >>> mean
    tensor([2.])
    """
    return _updates(lambda count: 1.0 / (int(count) + 1))


def get_ema_avg_fn(decay: float = 0.999) -> Callable[[Tensor, Tensor, Any], Tensor]:
    r"""A function that gives the next exponential moving average, :math:`d a + (1 - d)\, p`.

    Parameters
    ----------
    decay : float
        d, in [0, 1].

    Returns
    -------
    callable
        Of an average, the Tensor of now, and how many were averaged so far.

    Raises
    ------
    ValueError
        If `decay` is not in [0, 1].

    Examples
    --------
    >>> import nbnn
    >>> from nbnn.optim.swa_utils import get_ema_avg_fn
    >>> get_ema_avg_fn(0.75)(nbnn.tensor([4.0]), nbnn.tensor([0.0]), 1)
    tensor([3.])
    """
    _check.probability("get_ema_avg_fn", "decay", decay)
    return _next(lambda count: 1.0 - decay)


def get_swa_avg_fn() -> Callable[[Tensor, Tensor, Any], Tensor]:
    r"""A function that gives the next mean, :math:`a + (p - a) / (n + 1)`.

    Returns
    -------
    callable
        Of a mean, the Tensor of now, and n, how many were averaged so far.

    Examples
    --------
    >>> import nbnn
    >>> from nbnn.optim.swa_utils import get_swa_avg_fn
    >>> get_swa_avg_fn()(nbnn.tensor([4.0]), nbnn.tensor([0.0]), 1)
    tensor([2.])
    """
    return _next(lambda count: 1.0 / (int(count) + 1))


def _next(weight: Callable[[Any], float]) -> Callable[[Tensor, Tensor, Any], Tensor]:
    """The average in which what is new has a weight that depends on the count."""

    def average(averaged: Tensor, current: Tensor, num_averaged: Any) -> Tensor:
        with no_grad():
            return averaged + (current - averaged) * weight(num_averaged)

    return average


def _updates(weight: Callable[[Any], float]) -> Callable[[list[Tensor], list[Tensor], Any], None]:
    """As `_next`, written to the averages."""
    average = _next(weight)

    def update(averaged: list[Tensor], current: list[Tensor], num_averaged: Any) -> None:
        with no_grad():
            for old, new in zip(averaged, current, strict=True):
                old.copy_(average(old, new, num_averaged))

    return update


class AveragedModel(Module):
    """A copy of a model whose weights are the average of the model's at each `update_parameters`.

    Parameters
    ----------
    model : Module
        It is copied.
    device : device, optional
        Where the copy lives.
    avg_fn : callable, optional
        ``avg_fn(average, parameter, n_averaged)`` gives the next average; the mean without it.
    multi_avg_fn : callable, optional
        ``multi_avg_fn(averages, parameters, n_averaged)`` changes all averages in place; called for each device and
        dtype.
    use_buffers : bool
        Average the buffers too; otherwise they are copied.

    Attributes
    ----------
    module : Module
        The copy.
    n_averaged : Tensor of shape ()
        How many models were averaged.

    Raises
    ------
    ValueError
        If both functions are given.

    References
    ----------
    .. [1] P. Izmailov et al., "Averaging weights leads to wider optima and better generalization", UAI 2018.

    Examples
    --------
    >>> import nbnn
    >>> model = nbnn.Linear(1, 1, bias=False)
    >>> averaged = nbnn.optim.swa_utils.AveragedModel(model)
    >>> for value in (1.0, 2.0, 6.0):
    ...     model.weight.data = nbnn.tensor([[value]])
    ...     averaged.update_parameters(model)
    >>> averaged(nbnn.tensor([1.0])).tolist()
    [3.0]
    """

    n_averaged: Tensor

    def __init__(
        self,
        model: Module,
        device: Any = None,
        avg_fn: Callable[[Tensor, Tensor, Any], Tensor] | None = None,
        multi_avg_fn: Callable[[list[Tensor], list[Tensor], Any], None] | None = None,
        use_buffers: bool = False,
    ) -> None:
        super().__init__()
        if avg_fn is not None and multi_avg_fn is not None:
            raise ValueError("AveragedModel: give `avg_fn` or `multi_avg_fn`, not both")
        self.module = copy.deepcopy(model)
        if device is not None:
            self.module = self.module.to(device)
        self.register_buffer("n_averaged", tensor(0, device=device))
        self.avg_fn = avg_fn
        self.multi_avg_fn = multi_avg_fn
        self.use_buffers = use_buffers

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """What the averaged model gives."""
        return self.module(*args, **kwargs)

    def update_parameters(self, model: Module) -> None:
        """Take the weights of `model` into the average.

        Parameters
        ----------
        model : Module
            Of the same parameters and buffers as the one copied.
        """
        with no_grad():
            averages: list[Tensor] = [*self.module.parameters()]
            news: list[Tensor] = [*model.parameters()]
            if self.use_buffers:
                averages += self.module.buffers()
                news += model.buffers()
            pairs = [(old.detach(), new.detach().to(old.device)) for old, new in zip(averages, news, strict=True)]
            if self.n_averaged.item() == 0:
                for old, new in pairs:
                    old.copy_(new)
            elif self.avg_fn is not None:
                for old, new in pairs:
                    old.copy_(self.avg_fn(old, new, self.n_averaged.to(old.device)))
            else:
                self._update_groups(pairs)
            if not self.use_buffers:
                for old, new in zip(self.module.buffers(), model.buffers(), strict=True):
                    old.copy_(new.to(old.device))
            self.n_averaged += 1

    def _update_groups(self, pairs: list[tuple[Tensor, Tensor]]) -> None:
        """Call the function of lists for the Tensors of each device and dtype."""
        update = self.multi_avg_fn or get_swa_multi_avg_fn()
        groups: dict[tuple, list[tuple[Tensor, Tensor]]] = {}
        for pair in pairs:
            groups.setdefault((str(pair[0].device), pair[0].dtype), []).append(pair)
        for group in groups.values():
            update([old for old, _ in group], [new for _, new in group], self.n_averaged.to(group[0][0].device))


def update_bn(loader: Iterable[Any], model: Module, device: Any = None) -> None:
    """Compute the running statistics of all batch normalizations anew, from the batches of `loader`.

    An averaged model needs that, since no data went through its weights.

    Parameters
    ----------
    loader : iterable
        Gives batches: inputs, or tuples or lists of which the first is the input.
    model : Module
        Its other state and its mode stay.
    device : device, optional
        Where the inputs go before.

    Examples
    --------
    >>> import nbnn
    >>> model = nbnn.BatchNorm1d(1)
    >>> nbnn.optim.swa_utils.update_bn([nbnn.tensor([[1.0], [3.0]]), nbnn.tensor([[5.0], [7.0]])], model)
    >>> model.running_mean
    tensor([4.])
    """
    norms = [module for module in model.modules() if isinstance(module, _BatchNorm)]
    if not norms:
        return
    momenta, modes = [norm.momentum for norm in norms], [(module, module.training) for module in model.modules()]
    model.train()
    try:
        for norm in norms:
            norm.reset_running_stats()
            norm.momentum = None  # the mean over all batches
        with no_grad():
            for batch in loader:
                given = batch[0] if isinstance(batch, (list, tuple)) else batch
                model(given if device is None else given.to(device))
    finally:
        for norm, momentum in zip(norms, momenta, strict=True):
            norm.momentum = momentum
        for module, mode in modes:
            module.training = mode


class SWALR(LRScheduler):
    r"""The rate goes to `swa_lr` within `anneal_epochs`, and stays there.

    Parameters
    ----------
    optimizer : Optimizer
        Whose learning rates change.
    swa_lr : float or list of float
        Where to; a list has one for each group.
    anneal_epochs : int
        How long it takes.
    anneal_strategy : str
        ``"cos"``: along half a cosine; ``"linear"``: along a line.
    last_epoch : int
        The epoch to continue after; -1 begins.

    Raises
    ------
    TypeError, ValueError
        If `anneal_epochs` is no int of at least 0, `anneal_strategy` is not known or `swa_lr` does not fit the groups.

    Examples
    --------
    >>> import nbnn
    >>> optimizer = nbnn.optim.SGD([nbnn.ones(1)], lr=1.0)
    >>> scheduler = nbnn.optim.swa_utils.SWALR(optimizer, swa_lr=0.5, anneal_epochs=2, anneal_strategy="linear")
    >>> for _ in range(3):
    ...     print(scheduler.get_last_lr())
    ...     optimizer.step()
    ...     scheduler.step()
    [1.0]
    [0.75]
    [0.5]
    """

    def __init__(
        self,
        optimizer: Optimizer,
        swa_lr: float | list[float],
        anneal_epochs: int = 10,
        anneal_strategy: str = "cos",
        last_epoch: int = -1,
    ) -> None:
        name = type(self).__name__
        check_optimizer(name, optimizer)
        if anneal_strategy not in ("cos", "linear"):
            raise ValueError(f"{name}: `anneal_strategy` (={anneal_strategy!r}) must be 'cos' or 'linear'")
        self.anneal_epochs = _check.integer(name, "anneal_epochs", anneal_epochs, 0)
        self._anneal_strategy = anneal_strategy
        for group, rate in zip(optimizer.param_groups, per_group(name, "swa_lr", optimizer, swa_lr), strict=True):
            group["swa_lr"] = rate
        super().__init__(optimizer, last_epoch)

    def _way(self, step: int) -> float:
        """The part of the way to `swa_lr` after a number of steps."""
        part = max(0.0, min(1.0, step / max(1, self.anneal_epochs)))
        return part if self._anneal_strategy == "linear" else (1.0 - math.cos(math.pi * part)) / 2.0

    def _rates(self) -> list[float]:
        step = self._step_count - 1
        if self.anneal_epochs == 0:
            step = max(1, step)
        before, now = self._way(step - 1), self._way(step)
        goals = [group["swa_lr"] for group in self.optimizer.param_groups]
        if before == 1.0:
            return goals
        left = (1.0 - now) / (1.0 - before)
        return [goal + (rate - goal) * left for goal, rate in zip(goals, rates(self.optimizer), strict=True)]
