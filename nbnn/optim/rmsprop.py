"""RMSprop."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from nbnn.functional._steps import Plan
from nbnn.functional.optim import rmsprop_step_
from nbnn.optim.optimizer import Optimizer, counted, non_negative, refuse_differentiable, remembered
from nbnn.tensor import Tensor


class RMSprop(Optimizer):
    r"""RMSprop [1]_: steps along the gradient, divided by the root of its mean square.

    .. math::
        v \leftarrow \alpha v + (1 - \alpha)\, g^2, \qquad
        b \leftarrow \text{momentum} \cdot b + \frac{g}{\sqrt{v} + \epsilon}, \qquad
        p \leftarrow p - \text{lr} \cdot b

    with :math:`g = \text{grad} + \text{weight\_decay} \cdot p`.

    Parameters
    ----------
    params : iterable
        Tensors, ``(name, Tensor)`` pairs or groups; see `Optimizer`.
    lr : float
        Learning rate.
    alpha : float
        Decay rate of v.
    eps : float
        Keeps the denominator from 0.
    weight_decay : float
        Factor of the L2 penalty.
    momentum : float
        What is kept of the running direction b.
    centered : bool
        Divide by the root of the variance :math:`v - m^2` instead, with the mean m of the gradients [2]_.
    capturable, foreach : bool, optional
        Accepted for compatibility: every step is one fused kernel.
    maximize : bool
        Climb instead of descend.
    differentiable : bool
        Accepted as False only.

    Raises
    ------
    ValueError
        If `lr`, `alpha`, `eps`, `weight_decay` or `momentum` is negative.
    NotImplementedError
        If `differentiable` is True.

    References
    ----------
    .. [1] G. Hinton, "Neural networks for machine learning", lecture 6, 2012.
    .. [2] A. Graves, "Generating sequences with recurrent neural networks", 2013.

    Examples
    --------
    >>> import nbnn
    >>> p = nbnn.tensor([3.0], requires_grad=True)
    >>> optimizer = nbnn.optim.RMSprop([p], lr=0.5, alpha=0.75)
    >>> (p * p).sum().backward()
    >>> optimizer.step()
    >>> p.tolist()
    [2.0]
    """

    def __init__(
        self,
        params: Iterable,
        lr: float = 0.01,
        alpha: float = 0.99,
        eps: float = 1e-8,
        weight_decay: float = 0,
        momentum: float = 0,
        centered: bool = False,
        capturable: bool = False,
        foreach: bool | None = None,
        maximize: bool = False,
        differentiable: bool = False,
    ) -> None:
        defaults = {
            "lr": lr,
            "momentum": momentum,
            "alpha": alpha,
            "eps": eps,
            "centered": centered,
            "weight_decay": weight_decay,
            "capturable": capturable,
            "foreach": foreach,
            "maximize": maximize,
            "differentiable": differentiable,
        }
        super().__init__(params, defaults)

    def check_options(self, options: dict[str, Any]) -> None:
        """Refuse options that make no sense."""
        name = type(self).__name__
        non_negative(name, options, "lr", "alpha", "eps", "weight_decay", "momentum")
        refuse_differentiable(name, options["differentiable"])

    def update_group(
        self, params: list[Tensor], grads: list[Tensor], states: list[dict], group: dict[str, Any], plan: Plan
    ) -> None:
        """Change all parameters in place, in one launch."""
        counted(states)
        rmsprop_step_(
            params,
            grads,
            remembered(states, "square_avg", params),
            remembered(states, "momentum_buffer", params) if group["momentum"] > 0 else None,
            remembered(states, "grad_avg", params) if group["centered"] else None,
            lr=float(group["lr"]),
            alpha=group["alpha"],
            eps=group["eps"],
            weight_decay=group["weight_decay"],
            momentum=group["momentum"],
            maximize=group["maximize"],
            plan=plan,
        )
