"""Adadelta."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from nbnn.functional import _check
from nbnn.functional._steps import Plan
from nbnn.functional.optim_variants import adadelta_step_
from nbnn.optim.optimizer import Optimizer, counted, non_negative, refuse_differentiable, remembered
from nbnn.tensor import Tensor


class Adadelta(Optimizer):
    r"""Adadelta [1]_: steps as long as the steps before them were, in units of the gradient's mean size.

    .. math::
        v \leftarrow \rho v + (1 - \rho)\, g^2, \qquad
        d = \frac{\sqrt{u + \epsilon}}{\sqrt{v + \epsilon}}\, g, \qquad
        u \leftarrow \rho u + (1 - \rho)\, d^2, \qquad
        p \leftarrow p - \text{lr} \cdot d

    with :math:`g = \text{grad} + \text{weight\_decay} \cdot p`.

    Parameters
    ----------
    params : iterable
        Tensors, ``(name, Tensor)`` pairs or groups; see `Optimizer`.
    lr : float
        Factor of every step.
    rho : float
        Decay rate of v and u.
    eps : float
        Begins the movement, and keeps the denominator from 0.
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
        If `lr`, `eps` or `weight_decay` is negative, or `rho` is not in [0, 1].
    NotImplementedError
        If `differentiable` is True.

    References
    ----------
    .. [1] M. D. Zeiler, "ADADELTA: an adaptive learning rate method", 2012.

    Examples
    --------
    >>> import nbnn
    >>> p = nbnn.tensor([3.0], requires_grad=True)
    >>> optimizer = nbnn.optim.Adadelta([p], rho=0.0, eps=64.0)
    >>> (p * p).sum().backward()
    >>> optimizer.step()
    >>> p
    tensor([-1.8000], requires_grad=True)
    """

    def __init__(
        self,
        params: Iterable,
        lr: float = 1.0,
        rho: float = 0.9,
        eps: float = 1e-6,
        weight_decay: float = 0,
        foreach: bool | None = None,
        *,
        capturable: bool = False,
        maximize: bool = False,
        differentiable: bool = False,
    ) -> None:
        defaults = {
            "lr": lr,
            "rho": rho,
            "eps": eps,
            "weight_decay": weight_decay,
            "maximize": maximize,
            "capturable": capturable,
            "foreach": foreach,
            "differentiable": differentiable,
        }
        super().__init__(params, defaults)

    def check_options(self, options: dict[str, Any]) -> None:
        """Refuse options that make no sense."""
        name = type(self).__name__
        non_negative(name, options, "lr", "eps", "weight_decay")
        if not 0.0 <= _check.number(name, "rho", options["rho"]) <= 1.0:
            raise ValueError(f"{name}: `rho` (={options['rho']}) must be in [0, 1]")
        refuse_differentiable(name, options["differentiable"])

    def update_group(
        self, params: list[Tensor], grads: list[Tensor], states: list[dict], group: dict[str, Any], plan: Plan
    ) -> None:
        """Change all parameters in place, in one launch."""
        counted(states)
        adadelta_step_(
            params,
            grads,
            remembered(states, "square_avg", params),
            remembered(states, "acc_delta", params),
            lr=float(group["lr"]),
            rho=group["rho"],
            eps=group["eps"],
            weight_decay=group["weight_decay"],
            maximize=group["maximize"],
            plan=plan,
        )
