"""Averaged stochastic gradient descent."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from nbnn.functional._steps import Plan
from nbnn.functional.optim_variants import asgd_step_
from nbnn.optim.optimizer import Optimizer, counted, non_negative, refuse_differentiable, remembered
from nbnn.tensor import Tensor


class ASGD(Optimizer):
    r"""Averaged stochastic gradient descent [1]_: keeps the mean of the parameters, from step `t0` on.

    .. math::
        p \leftarrow (1 - \lambda \eta)\, p - \eta g, \qquad a \leftarrow a + \mu\, (p - a)

    with :math:`g = \text{grad} + \text{weight\_decay} \cdot p`; after step t,
    :math:`\eta = \text{lr} / (1 + \lambda\, \text{lr}\, t)^\alpha` and :math:`\mu = 1 / \max(1, t - t_0)`.
    The mean is ``optimizer.state[p]["ax"]``.

    Parameters
    ----------
    params : iterable
        Tensors, ``(name, Tensor)`` pairs or groups; see `Optimizer`.
    lr : float
        Learning rate.
    lambd : float
        :math:`\lambda`, what each step takes off, in units of :math:`\eta`.
    alpha : float
        How fast :math:`\eta` falls.
    t0 : float
        When averaging begins.
    weight_decay : float
        Factor of the L2 penalty.
    foreach : bool, optional
        Accepted for compatibility: every step is one fused kernel.
    maximize : bool
        Climb instead of descend.
    differentiable : bool
        Accepted as False only.
    capturable : bool
        Accepted for compatibility.

    Raises
    ------
    ValueError
        If `lr`, `lambd`, `alpha`, `t0` or `weight_decay` is negative.
    NotImplementedError
        If `differentiable` is True.

    References
    ----------
    .. [1] B. T. Polyak, A. B. Juditsky, "Acceleration of stochastic approximation by averaging", SIAM J. Control
       Optim. 1992.

    Examples
    --------
    >>> import nbnn
    >>> p = nbnn.tensor([4.0], requires_grad=True)
    >>> optimizer = nbnn.optim.ASGD([p], lr=0.25, lambd=0.0, t0=0)
    >>> for _ in range(2):
    ...     optimizer.zero_grad()
    ...     (p * p).sum().backward()
    ...     optimizer.step()
    >>> p.tolist(), optimizer.state[p]["ax"].tolist()
    ([1.0], [1.0])
    """

    def __init__(
        self,
        params: Iterable,
        lr: float = 0.01,
        lambd: float = 1e-4,
        alpha: float = 0.75,
        t0: float = 1e6,
        weight_decay: float = 0,
        foreach: bool | None = None,
        maximize: bool = False,
        differentiable: bool = False,
        capturable: bool = False,
    ) -> None:
        defaults = {
            "lr": lr,
            "lambd": lambd,
            "alpha": alpha,
            "t0": t0,
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
        non_negative(name, options, "lr", "lambd", "alpha", "t0", "weight_decay")
        refuse_differentiable(name, options["differentiable"])

    def update_group(
        self, params: list[Tensor], grads: list[Tensor], states: list[dict], group: dict[str, Any], plan: Plan
    ) -> None:
        """Change all parameters in place, in one launch."""
        lr, lambd = float(group["lr"]), group["lambd"]
        asgd_step_(
            params,
            grads,
            remembered(states, "ax", params),
            eta=[float(state.get("eta", lr)) for state in states],
            mu=[float(state.get("mu", 1.0)) for state in states],
            lambd=lambd,
            weight_decay=group["weight_decay"],
            maximize=group["maximize"],
            plan=plan,
        )
        for state, count in zip(states, counted(states), strict=True):
            state["eta"] = lr / (1.0 + lambd * lr * count) ** group["alpha"]
            state["mu"] = 1.0 / max(1.0, count - group["t0"])
