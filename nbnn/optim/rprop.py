"""Rprop."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from nbnn.functional._steps import Plan
from nbnn.functional.optim_variants import rprop_step_
from nbnn.optim.optimizer import (
    Optimizer,
    counted,
    filled_like,
    non_negative,
    numbers,
    refuse_differentiable,
    remembered,
)
from nbnn.tensor import Tensor


class Rprop(Optimizer):
    r"""Resilient backpropagation [1]_: every element has a step size of its own, and only the gradient's sign counts.

    Where the gradient has the sign of the one before, the step size s grows by the factor :math:`\eta_+`; where it has
    turned, s shrinks by :math:`\eta_-` and the element stays where it is this time; otherwise

    .. math::
        p \leftarrow p - s \cdot \text{sign}(g)

    A gradient that is 0 or NaN moves nothing.

    Parameters
    ----------
    params : iterable
        Tensors, ``(name, Tensor)`` pairs or groups; see `Optimizer`.
    lr : float
        What all step sizes begin with.
    etas : pair of float
        :math:`\eta_-` and :math:`\eta_+`.
    step_sizes : pair of float
        The smallest and the largest step size.
    capturable : bool
        Accepted for compatibility.
    foreach : bool, optional
        Accepted for compatibility: every step is one fused kernel.
    maximize : bool
        Climb instead of descend.
    differentiable : bool
        Accepted as False only.

    Raises
    ------
    ValueError
        If `lr` is negative, `etas` are not in (0, 1) and above 1, or `step_sizes` are not in order.
    NotImplementedError
        If `differentiable` is True.

    References
    ----------
    .. [1] M. Riedmiller, H. Braun, "A direct adaptive method for faster backpropagation learning: the RPROP
       algorithm", ICNN 1993.

    Examples
    --------
    >>> import nbnn
    >>> p = nbnn.tensor([3.0], requires_grad=True)
    >>> optimizer = nbnn.optim.Rprop([p], lr=0.5)
    >>> (p * p).sum().backward()
    >>> optimizer.step()
    >>> p.tolist()
    [2.5]
    """

    def __init__(
        self,
        params: Iterable,
        lr: float = 0.01,
        etas: tuple[float, float] = (0.5, 1.2),
        step_sizes: tuple[float, float] = (1e-6, 50),
        *,
        capturable: bool = False,
        foreach: bool | None = None,
        maximize: bool = False,
        differentiable: bool = False,
    ) -> None:
        defaults = {
            "lr": lr,
            "etas": etas,
            "step_sizes": step_sizes,
            "foreach": foreach,
            "maximize": maximize,
            "differentiable": differentiable,
            "capturable": capturable,
        }
        super().__init__(params, defaults)

    def check_options(self, options: dict[str, Any]) -> None:
        """Refuse options that make no sense."""
        name = type(self).__name__
        non_negative(name, options, "lr")
        etas, sizes = (numbers(name, key, options[key], 2) for key in ("etas", "step_sizes"))
        if not 0.0 < etas[0] < 1.0 < etas[1]:
            raise ValueError(f"{name}: `etas` (={options['etas']}) must be a number in (0, 1) and one above 1")
        if not 0.0 <= sizes[0] <= sizes[1]:
            raise ValueError(
                f"{name}: `step_sizes` (={options['step_sizes']}) must be the smallest and the largest, at least 0"
            )
        refuse_differentiable(name, options["differentiable"])

    def update_group(
        self, params: list[Tensor], grads: list[Tensor], states: list[dict], group: dict[str, Any], plan: Plan
    ) -> None:
        """Change all parameters in place, in one launch."""
        counted(states)
        for param, state in zip(params, states, strict=True):
            if "step_size" not in state:
                state["step_size"] = filled_like(param, float(group["lr"]))
        rprop_step_(
            params,
            grads,
            remembered(states, "prev", params),
            [state["step_size"] for state in states],
            etas=group["etas"],
            step_sizes=group["step_sizes"],
            maximize=group["maximize"],
            plan=plan,
        )
