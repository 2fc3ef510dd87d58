"""Adagrad."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from nbnn.functional._steps import Plan
from nbnn.functional.optim import adagrad_step_
from nbnn.optim.optimizer import (
    Optimizer,
    counted,
    filled_like,
    non_negative,
    refuse_differentiable,
    refuse_weight_decay,
)
from nbnn.sparse import SparseTensor
from nbnn.tensor import Tensor


class Adagrad(Optimizer):
    r"""Adagrad [1]_: steps along the gradient, divided by the root of the sum of its squares so far.

    .. math::
        s \leftarrow s + g^2, \qquad
        p \leftarrow p - \frac{\text{lr}}{1 + (t - 1)\, \text{lr\_decay}} \frac{g}{\sqrt{s} + \epsilon}

    at step t, with :math:`g = \text{grad} + \text{weight\_decay} \cdot p`. A sparse gradient changes
    the rows that it has, and only those.

    Parameters
    ----------
    params : iterable
        Tensors, ``(name, Tensor)`` pairs or groups; see `Optimizer`.
    lr : float
        Learning rate.
    lr_decay : float
        How fast it falls.
    weight_decay : float
        Factor of the L2 penalty.
    initial_accumulator_value : float
        What s begins with.
    eps : float
        Keeps the denominator from 0.
    foreach, fused : bool, optional
        Accepted for compatibility: every step is one fused kernel.
    maximize : bool
        Climb instead of descend.
    differentiable : bool
        Accepted as False only.

    Raises
    ------
    ValueError
        If `lr`, `lr_decay`, `weight_decay`, `initial_accumulator_value` or `eps` is negative.
    NotImplementedError
        If `differentiable` is True.
    RuntimeError
        On a step: if `weight_decay` meets a sparse gradient.

    References
    ----------
    .. [1] J. Duchi, E. Hazan, Y. Singer, "Adaptive subgradient methods for online learning and stochastic
       optimization", JMLR 2011.

    Examples
    --------
    >>> import nbnn
    >>> p = nbnn.tensor([3.0], requires_grad=True)
    >>> optimizer = nbnn.optim.Adagrad([p], lr=0.5)
    >>> (p * p).sum().backward()
    >>> optimizer.step()
    >>> p.tolist()
    [2.5]
    """

    def __init__(
        self,
        params: Iterable,
        lr: float = 0.01,
        lr_decay: float = 0,
        weight_decay: float = 0,
        initial_accumulator_value: float = 0,
        eps: float = 1e-10,
        foreach: bool | None = None,
        *,
        maximize: bool = False,
        differentiable: bool = False,
        fused: bool | None = None,
    ) -> None:
        defaults = {
            "lr": lr,
            "lr_decay": lr_decay,
            "eps": eps,
            "weight_decay": weight_decay,
            "initial_accumulator_value": initial_accumulator_value,
            "foreach": foreach,
            "maximize": maximize,
            "differentiable": differentiable,
            "fused": fused,
        }
        super().__init__(params, defaults)

    def check_options(self, options: dict[str, Any]) -> None:
        """Refuse options that make no sense."""
        name = type(self).__name__
        non_negative(name, options, "lr", "lr_decay", "weight_decay", "initial_accumulator_value", "eps")
        refuse_differentiable(name, options["differentiable"])

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        """Add parameters; what is remembered for them begins here."""
        super().add_param_group(param_group)
        group = self.param_groups[-1]
        for param in group["params"]:
            start = filled_like(param, group["initial_accumulator_value"])
            self.state[param] = {"step": 0, "sum": start}

    def update_sparse(self, param: Tensor, grad: SparseTensor, state: dict[str, Any], group: dict[str, Any]) -> None:
        """Change the rows that have a gradient."""
        refuse_weight_decay(type(self).__name__, group)
        (step,) = counted([state])
        rows, g, total = grad._rows, grad._values(), state["sum"]
        squares = total[rows] + g * g
        total[rows] = squares
        rate = float(group["lr"]) / (1 + (step - 1) * group["lr_decay"])
        move = g / (squares.sqrt() + group["eps"])
        param[rows] = param[rows] + move * (rate if group["maximize"] else -rate)

    def update_group(
        self, params: list[Tensor], grads: list[Tensor], states: list[dict], group: dict[str, Any], plan: Plan
    ) -> None:
        """Change all parameters in place, in one launch."""
        adagrad_step_(
            params,
            grads,
            [state["sum"] for state in states],
            step=counted(states),
            lr=float(group["lr"]),
            lr_decay=group["lr_decay"],
            weight_decay=group["weight_decay"],
            eps=group["eps"],
            maximize=group["maximize"],
            plan=plan,
        )
