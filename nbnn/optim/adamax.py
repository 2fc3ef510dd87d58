"""Adamax."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from nbnn.functional._steps import Plan
from nbnn.functional.optim_variants import adamax_step_
from nbnn.optim.optimizer import (
    Optimizer,
    betas_below_one,
    counted,
    non_negative,
    refuse_differentiable,
    remembered,
)
from nbnn.tensor import Tensor


class Adamax(Optimizer):
    r"""Adamax [1]_: Adam with a running maximum of the gradient's size in the place of its mean square.

    .. math::
        m \leftarrow \beta_1 m + (1 - \beta_1)\, g, \qquad
        u \leftarrow \max(\beta_2 u, |g| + \epsilon), \qquad
        p \leftarrow p - \frac{\text{lr}}{1 - \beta_1^t} \frac{m}{u}

    with :math:`g = \text{grad} + \text{weight\_decay} \cdot p`.

    Parameters
    ----------
    params : iterable
        Tensors, ``(name, Tensor)`` pairs or groups; see `Optimizer`.
    lr : float
        Learning rate.
    betas : pair of float
        Decay rates of m and u.
    eps : float
        Keeps u from 0.
    weight_decay : float
        Factor of the L2 penalty.
    foreach : bool, optional
        Accepted for compatibility: every step is one fused kernel.
    maximize : bool
        Climb instead of descend.
    capturable : bool
        Accepted for compatibility.
    differentiable : bool
        Accepted as False only.

    Raises
    ------
    ValueError
        If `lr`, `eps` or `weight_decay` is negative, or one of `betas` is not in [0, 1).
    NotImplementedError
        If `differentiable` is True.

    References
    ----------
    .. [1] D. P. Kingma, J. Ba, "Adam: a method for stochastic optimization", ICLR 2015, section 7.

    Examples
    --------
    >>> import nbnn
    >>> p = nbnn.tensor([3.0], requires_grad=True)
    >>> optimizer = nbnn.optim.Adamax([p], lr=0.5)
    >>> (p * p).sum().backward()
    >>> optimizer.step()
    >>> p.tolist()
    [2.5]
    """

    def __init__(
        self,
        params: Iterable,
        lr: float = 0.002,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        foreach: bool | None = None,
        *,
        maximize: bool = False,
        differentiable: bool = False,
        capturable: bool = False,
    ) -> None:
        defaults = {
            "lr": lr,
            "betas": betas,
            "eps": eps,
            "weight_decay": weight_decay,
            "foreach": foreach,
            "maximize": maximize,
            "differentiable": differentiable,
            "capturable": capturable,
        }
        super().__init__(params, defaults)

    def check_options(self, options: dict[str, Any]) -> None:
        """Refuse options that make no sense."""
        name = type(self).__name__
        non_negative(name, options, "lr", "eps", "weight_decay")
        betas_below_one(name, options)
        refuse_differentiable(name, options["differentiable"])

    def update_group(
        self, params: list[Tensor], grads: list[Tensor], states: list[dict], group: dict[str, Any], plan: Plan
    ) -> None:
        """Change all parameters in place, in one launch."""
        adamax_step_(
            params,
            grads,
            remembered(states, "exp_avg", params),
            remembered(states, "exp_inf", params),
            step=counted(states),
            lr=float(group["lr"]),
            betas=group["betas"],
            eps=group["eps"],
            weight_decay=group["weight_decay"],
            maximize=group["maximize"],
            plan=plan,
        )
