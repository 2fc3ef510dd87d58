"""Adam and AdamW."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from nbnn.functional._steps import Plan
from nbnn.functional.optim import adam_step_
from nbnn.optim.optimizer import Optimizer, betas_below_one, counted, non_negative, refuse_differentiable, remembered
from nbnn.tensor import Tensor


class Adam(Optimizer):
    r"""Adam [1]_: steps along the mean gradient, scaled by the root of the mean squared gradient.

    .. math::
        m \leftarrow \beta_1 m + (1 - \beta_1)\, g, \qquad
        v \leftarrow \beta_2 v + (1 - \beta_2)\, g^2, \qquad
        p \leftarrow p - \text{lr}\, \frac{m / (1 - \beta_1^t)}{\sqrt{v / (1 - \beta_2^t)} + \epsilon}

    at step t, with :math:`g = \text{grad} + \text{weight\_decay} \cdot p`.

    Parameters
    ----------
    params : iterable
        Tensors, ``(name, Tensor)`` pairs or groups; see `Optimizer`.
    lr : float
        Learning rate.
    betas : pair of float
        Decay rates of m and v, in [0, 1).
    eps : float
        Keeps the denominator from 0.
    weight_decay : float
        Factor of the L2 penalty.
    amsgrad : bool
        Divide by the root of the largest v so far [2]_.
    foreach, capturable, fused : bool, optional
        Accepted for compatibility: every step is one fused kernel.
    maximize : bool
        Climb instead of descend.
    differentiable : bool
        Accepted as False only.
    decoupled_weight_decay : bool
        Shrink the parameters by the factor 1 - lr weight_decay instead of the L2 penalty: AdamW [3]_.

    Raises
    ------
    ValueError
        If `lr`, `eps` or `weight_decay` is negative or `betas` is not a pair in [0, 1).
    NotImplementedError
        If `differentiable` is True.

    References
    ----------
    .. [1] D. P. Kingma, J. Ba, "Adam: a method for stochastic optimization", ICLR 2015.
    .. [2] S. J. Reddi, S. Kale, S. Kumar, "On the convergence of Adam and beyond", ICLR 2018.
    .. [3] I. Loshchilov, F. Hutter, "Decoupled weight decay regularization", ICLR 2019.

    Examples
    --------
    >>> import nbnn
    >>> p = nbnn.tensor([3.0], requires_grad=True)
    >>> optimizer = nbnn.optim.Adam([p], lr=0.5)
    >>> (p * p).sum().backward()
    >>> optimizer.step()
    >>> p.tolist()
    [2.5]
    """

    def __init__(
        self,
        params: Iterable,
        lr: float = 0.001,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        amsgrad: bool = False,
        *,
        foreach: bool | None = None,
        maximize: bool = False,
        capturable: bool = False,
        differentiable: bool = False,
        fused: bool | None = None,
        decoupled_weight_decay: bool = False,
    ) -> None:
        defaults = {
            "lr": lr,
            "betas": betas,
            "eps": eps,
            "weight_decay": weight_decay,
            "amsgrad": amsgrad,
            "maximize": maximize,
            "foreach": foreach,
            "capturable": capturable,
            "differentiable": differentiable,
            "fused": fused,
            "decoupled_weight_decay": decoupled_weight_decay,
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
        adam_step_(
            params,
            grads,
            step=counted(states),
            exp_avg=remembered(states, "exp_avg", params),
            exp_avg_sq=remembered(states, "exp_avg_sq", params),
            max_exp_avg_sq=remembered(states, "max_exp_avg_sq", params) if group["amsgrad"] else None,
            lr=float(group["lr"]),
            betas=group["betas"],
            eps=group["eps"],
            weight_decay=group["weight_decay"],
            decoupled_weight_decay=group["decoupled_weight_decay"],
            maximize=group["maximize"],
            plan=plan,
        )


class AdamW(Adam):
    r"""Adam with decoupled weight decay [1]_.

    Each step first shrinks the parameters, :math:`p \leftarrow (1 - \text{lr} \cdot \text{weight\_decay})\, p`; the
    decay does not enter the moments.

    Parameters
    ----------
    params, lr, betas, eps, amsgrad, maximize, foreach, capturable, differentiable, fused
        As for `Adam`.
    weight_decay : float
        What each step takes off, in units of lr.

    Raises
    ------
    ValueError
        As for `Adam`.

    References
    ----------
    .. [1] I. Loshchilov, F. Hutter, "Decoupled weight decay regularization", ICLR 2019.

    Examples
    --------
    >>> import nbnn
    >>> p = nbnn.tensor([4.0], requires_grad=True)
    >>> optimizer = nbnn.optim.AdamW([p], lr=0.5, weight_decay=0.5)
    >>> p.sum().backward()
    >>> optimizer.step()
    >>> p.tolist()
    [2.5]
    """

    def __init__(
        self,
        params: Iterable,
        lr: float = 0.001,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.01,
        amsgrad: bool = False,
        *,
        maximize: bool = False,
        foreach: bool | None = None,
        capturable: bool = False,
        differentiable: bool = False,
        fused: bool | None = None,
    ) -> None:
        super().__init__(
            params,
            lr,
            betas,
            eps,
            weight_decay,
            amsgrad,
            foreach=foreach,
            maximize=maximize,
            capturable=capturable,
            differentiable=differentiable,
            fused=fused,
            decoupled_weight_decay=True,
        )
