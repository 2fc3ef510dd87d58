"""SparseAdam."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from nbnn.functional._steps import Plan
from nbnn.optim.optimizer import Optimizer, betas_below_one, non_negative
from nbnn.tensor import Tensor


class SparseAdam(Optimizer):
    r"""Adam for sparse gradients, which nbnn does not have: constructed as in torch, it refuses to step.

    For the dense gradients of nbnn use `Adam`.

    Parameters
    ----------
    params : iterable
        Tensors, ``(name, Tensor)`` pairs or groups; see `Optimizer`.
    lr : float
        Learning rate.
    betas : pair of float
        Decay rates of the moments.
    eps : float
        Keeps the denominator from 0.
    maximize : bool
        Climb instead of descend.

    Raises
    ------
    ValueError
        If `lr` or `eps` is negative, or one of `betas` is not in [0, 1).
    RuntimeError
        On a step with a gradient.

    Examples
    --------
    >>> import nbnn
    >>> p = nbnn.tensor([3.0], requires_grad=True)
    >>> p.sum().backward()
    >>> nbnn.optim.SparseAdam([p]).step()
    Traceback (most recent call last):
    RuntimeError: SparseAdam: gradients must be sparse; got dense ones, and nbnn has no others: use Adam
    """

    def __init__(
        self,
        params: Iterable,
        lr: float = 0.001,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        maximize: bool = False,
    ) -> None:
        super().__init__(params, {"lr": lr, "betas": betas, "eps": eps, "maximize": maximize})

    def check_options(self, options: dict[str, Any]) -> None:
        """Refuse options that make no sense."""
        name = type(self).__name__
        non_negative(name, options, "lr", "eps")
        betas_below_one(name, options)

    def update_group(
        self, params: list[Tensor], grads: list[Tensor], states: list[dict], group: dict[str, Any], plan: Plan
    ) -> None:
        """Refuse dense gradients."""
        raise RuntimeError("SparseAdam: gradients must be sparse; got dense ones, and nbnn has no others: use Adam")
