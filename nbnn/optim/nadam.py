"""NAdam."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from nbnn.functional._steps import Plan
from nbnn.functional.optim_variants import nadam_momentum, nadam_step_
from nbnn.optim.optimizer import (
    Optimizer,
    betas_below_one,
    counted,
    non_negative,
    refuse_differentiable,
    remembered,
)
from nbnn.tensor import Tensor


class NAdam(Optimizer):
    r"""NAdam [1]_: Adam that looks ahead along its momentum, as Nesterov's method does.

    With m and v as in `Adam`, :math:`\mu_t = \beta_1 (1 - 0.96^{t\, \text{momentum\_decay}} / 2)` and
    :math:`\pi_t = \mu_1 \cdots \mu_t`,

    .. math::
        p \leftarrow p - \text{lr}\, \left(
            \frac{1 - \mu_t}{1 - \pi_t}\, g + \frac{\mu_{t + 1}}{1 - \pi_t \mu_{t + 1}}\, m
        \right) \Big/ \left( \sqrt{v / (1 - \beta_2^t)} + \epsilon \right)

    Parameters
    ----------
    params : iterable
        Tensors, ``(name, Tensor)`` pairs or groups; see `Optimizer`.
    lr : float
        Learning rate.
    betas : pair of float
        Decay rates of m and v.
    eps : float
        Keeps the denominator from 0.
    weight_decay : float
        Factor of the L2 penalty.
    momentum_decay : float
        How fast the momentum comes to its end value.
    decoupled_weight_decay : bool
        Shrink the parameters instead, as `AdamW` does.
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
        If `lr`, `eps`, `weight_decay` or `momentum_decay` is negative, or one of `betas` is not in [0, 1).
    NotImplementedError
        If `differentiable` is True.

    References
    ----------
    .. [1] T. Dozat, "Incorporating Nesterov momentum into Adam", ICLR workshop 2016.

    Examples
    --------
    >>> import nbnn
    >>> p = nbnn.tensor([3.0], requires_grad=True)
    >>> optimizer = nbnn.optim.NAdam([p], lr=0.5, momentum_decay=0.0, betas=(0.0, 0.5), eps=0.0)
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
        momentum_decay: float = 0.004,
        decoupled_weight_decay: bool = False,
        *,
        foreach: bool | None = None,
        maximize: bool = False,
        capturable: bool = False,
        differentiable: bool = False,
    ) -> None:
        defaults = {
            "lr": lr,
            "betas": betas,
            "eps": eps,
            "weight_decay": weight_decay,
            "momentum_decay": momentum_decay,
            "decoupled_weight_decay": decoupled_weight_decay,
            "maximize": maximize,
            "foreach": foreach,
            "capturable": capturable,
            "differentiable": differentiable,
        }
        super().__init__(params, defaults)

    def check_options(self, options: dict[str, Any]) -> None:
        """Refuse options that make no sense."""
        name = type(self).__name__
        non_negative(name, options, "lr", "eps", "weight_decay", "momentum_decay")
        betas_below_one(name, options)
        refuse_differentiable(name, options["differentiable"])

    def update_group(
        self, params: list[Tensor], grads: list[Tensor], states: list[dict], group: dict[str, Any], plan: Plan
    ) -> None:
        """Change all parameters in place, in one launch."""
        counts = counted(states)
        beta1, momentum_decay = group["betas"][0], group["momentum_decay"]
        for state, count in zip(states, counts, strict=True):
            mu = nadam_momentum(count, beta1, momentum_decay)
            state["mu_product"] = float(state.get("mu_product", 1.0)) * mu
        nadam_step_(
            params,
            grads,
            remembered(states, "exp_avg", params),
            remembered(states, "exp_avg_sq", params),
            step=counts,
            mu_product=[state["mu_product"] for state in states],
            lr=float(group["lr"]),
            betas=group["betas"],
            eps=group["eps"],
            weight_decay=group["weight_decay"],
            momentum_decay=momentum_decay,
            decoupled_weight_decay=group["decoupled_weight_decay"],
            maximize=group["maximize"],
            plan=plan,
        )
