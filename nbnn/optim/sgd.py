"""Stochastic gradient descent."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from nbnn.functional._steps import Plan
from nbnn.functional.creation import zeros_like
from nbnn.functional.optim import sgd_step_
from nbnn.optim.optimizer import Optimizer, non_negative, refuse_differentiable, refuse_weight_decay
from nbnn.sparse import SparseTensor
from nbnn.tensor import Tensor


class SGD(Optimizer):
    r"""Stochastic gradient descent, with momentum if wanted.

    .. math::
        g = \text{grad} + \text{weight\_decay} \cdot p, \qquad
        b \leftarrow \text{momentum} \cdot b + (1 - \text{dampening})\, g, \qquad
        p \leftarrow p - \text{lr} \cdot b

    At the first step b is g; with `nesterov` the step goes along :math:`g + \text{momentum} \cdot b` ([1]_). A sparse
    gradient changes the rows that it has, without momentum only those.

    Parameters
    ----------
    params : iterable
        Tensors, ``(name, Tensor)`` pairs or groups; see `Optimizer`.
    lr : float
        Learning rate.
    momentum : float
        What is kept of the running direction b.
    dampening : float
        What is held back of a gradient when it enters b.
    weight_decay : float
        Factor of the L2 penalty.
    nesterov : bool
        Look ahead along b; needs momentum and no dampening.
    maximize : bool
        Climb instead of descend.
    foreach, fused : bool, optional
        Accepted for compatibility: every step is one fused kernel.
    differentiable : bool
        Accepted as False only.

    Raises
    ------
    ValueError
        If `lr`, `momentum` or `weight_decay` is negative, or `nesterov` is given without momentum or with dampening.
    NotImplementedError
        If `differentiable` is True.
    RuntimeError
        On a step: if `weight_decay` meets a sparse gradient.

    References
    ----------
    .. [1] I. Sutskever, J. Martens, G. Dahl, G. Hinton, "On the importance of initialization and momentum in deep
       learning", ICML 2013.

    Examples
    --------
    >>> import nbnn
    >>> p = nbnn.tensor([3.0], requires_grad=True)
    >>> optimizer = nbnn.optim.SGD([p], lr=0.25)
    >>> for _ in range(2):
    ...     optimizer.zero_grad()
    ...     (p * p).sum().backward()
    ...     optimizer.step()
    >>> p.tolist()
    [0.75]
    """

    def __init__(
        self,
        params: Iterable,
        lr: float = 0.001,
        momentum: float = 0,
        dampening: float = 0,
        weight_decay: float = 0,
        nesterov: bool = False,
        *,
        maximize: bool = False,
        foreach: bool | None = None,
        differentiable: bool = False,
        fused: bool | None = None,
    ) -> None:
        defaults = {
            "lr": lr,
            "momentum": momentum,
            "dampening": dampening,
            "weight_decay": weight_decay,
            "nesterov": nesterov,
            "maximize": maximize,
            "foreach": foreach,
            "differentiable": differentiable,
            "fused": fused,
        }
        super().__init__(params, defaults)

    def check_options(self, options: dict[str, Any]) -> None:
        """Refuse options that make no sense."""
        name = type(self).__name__
        non_negative(name, options, "lr", "momentum", "weight_decay")
        if options["nesterov"] and (options["momentum"] <= 0 or options["dampening"] != 0):
            raise ValueError(
                f"{name}: nesterov=True needs `momentum` (={options['momentum']}) above 0 "
                f"and `dampening` (={options['dampening']}) 0"
            )
        refuse_differentiable(name, options["differentiable"])

    def update_sparse(self, param: Tensor, grad: SparseTensor, state: dict[str, Any], group: dict[str, Any]) -> None:
        """Change the rows that have a gradient; with momentum, which moves all that ever had one, all of them."""
        refuse_weight_decay(type(self).__name__, group)
        if group["momentum"] != 0:
            self.update_group([param], [grad.to_dense()], [state], group, Plan())
            return
        rows, rate = grad._rows, float(group["lr"])
        param[rows] = param[rows] + grad._values() * (rate if group["maximize"] else -rate)

    def update_group(
        self, params: list[Tensor], grads: list[Tensor], states: list[dict], group: dict[str, Any], plan: Plan
    ) -> None:
        """Change all parameters in place, in one launch."""
        buffers, dampening = None, group["dampening"]
        if group["momentum"] != 0:
            # b starts as g: zeros into which the first gradient enters undamped
            fresh = [state.get("momentum_buffer") is None for state in states]
            if dampening != 0 and any(fresh):
                dampening = [0.0 if new else dampening for new in fresh]
            for param, state, new in zip(params, states, fresh, strict=True):
                if new:
                    state["momentum_buffer"] = zeros_like(param)
            buffers = [state["momentum_buffer"] for state in states]
        sgd_step_(
            params,
            grads,
            buffers,
            lr=group["lr"],
            momentum=group["momentum"],
            dampening=dampening,
            weight_decay=group["weight_decay"],
            nesterov=group["nesterov"],
            maximize=group["maximize"],
            plan=plan,
        )
