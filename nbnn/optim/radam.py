"""RAdam."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from nbnn.functional._steps import Plan
from nbnn.functional.optim_variants import radam_step_
from nbnn.optim.optimizer import (
    Optimizer,
    betas_below_one,
    counted,
    non_negative,
    refuse_differentiable,
    remembered,
)
from nbnn.tensor import Tensor


class RAdam(Optimizer):
    r"""RAdam [1]_: Adam that divides by the root of v only once v has seen enough gradients.

    Before, while :math:`\rho_t \le 5`, it steps along m alone; after, Adam's step is scaled by what v may be trusted.
    With :math:`\rho_\infty = 2 / (1 - \beta_2) - 1` and :math:`\rho_t = \rho_\infty - 2 t \beta_2^t / (1 - \beta_2^t)`,

    .. math::
        p \leftarrow p - \frac{\text{lr}\; m}{1 - \beta_1^t}
        \begin{cases}
            \sqrt{\frac{(\rho_t - 4) (\rho_t - 2) \rho_\infty}{(\rho_\infty - 4) (\rho_\infty - 2) \rho_t}}
            \, \frac{\sqrt{1 - \beta_2^t}}{\sqrt{v} + \epsilon} & \rho_t > 5 \\
            1 & \text{otherwise}
        \end{cases}

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
        If `lr`, `eps` or `weight_decay` is negative, or one of `betas` is not in [0, 1).
    NotImplementedError
        If `differentiable` is True.

    References
    ----------
    .. [1] L. Liu et al., "On the variance of the adaptive learning rate and beyond", ICLR 2020.

    Examples
    --------
    >>> import nbnn
    >>> p = nbnn.tensor([3.0], requires_grad=True)
    >>> optimizer = nbnn.optim.RAdam([p], lr=0.25)
    >>> (p * p).sum().backward()
    >>> optimizer.step()
    >>> p.tolist()
    [1.5]
    """

    def __init__(
        self,
        params: Iterable,
        lr: float = 0.001,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
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
            "maximize": maximize,
            "foreach": foreach,
            "capturable": capturable,
            "decoupled_weight_decay": decoupled_weight_decay,
            "differentiable": differentiable,
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
        radam_step_(
            params,
            grads,
            remembered(states, "exp_avg", params),
            remembered(states, "exp_avg_sq", params),
            step=counted(states),
            lr=float(group["lr"]),
            betas=group["betas"],
            eps=group["eps"],
            weight_decay=group["weight_decay"],
            decoupled_weight_decay=group["decoupled_weight_decay"],
            maximize=group["maximize"],
            plan=plan,
        )
