"""SparseAdam."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

from nbnn.functional._steps import Plan
from nbnn.optim.optimizer import Optimizer, betas_below_one, counted, non_negative, remembered
from nbnn.sparse import SparseTensor
from nbnn.tensor import Tensor


class SparseAdam(Optimizer):
    r"""Adam [1]_ for sparse gradients: moments and parameters change in the rows that have a gradient, and only there.

    .. math::
        m \leftarrow \beta_1 m + (1 - \beta_1)\, g, \qquad
        v \leftarrow \beta_2 v + (1 - \beta_2)\, g^2, \qquad
        p \leftarrow p - \text{lr}\, \frac{\sqrt{1 - \beta_2^t}}{1 - \beta_1^t}\, \frac{m}{\sqrt{v} + \epsilon}

    for these rows, at step t of the parameter. The moments of the other rows do not decay, so that steps differ from
    those of `Adam`, and :math:`\epsilon` is added before the bias is corrected.

    Parameters
    ----------
    params : iterable
        Tensors, ``(name, Tensor)`` pairs or groups; see `Optimizer`.
    lr : float
        Learning rate.
    betas : pair of float
        Decay rates of the moments.
    eps : float
        Keeps the denominator from 0.
    maximize : bool
        Climb instead of descend.

    Raises
    ------
    ValueError
        If `lr` or `eps` is negative, or one of `betas` is not in [0, 1).
    RuntimeError
        On a step with a dense gradient.

    References
    ----------
    .. [1] D. P. Kingma, J. Ba, "Adam: A Method for Stochastic Optimization", ICLR 2015.

    Examples
    --------
    >>> import nbnn
    >>> table = nbnn.zeros(4, 2, requires_grad=True)
    >>> optimizer = nbnn.optim.SparseAdam([table], lr=0.5)
    >>> nbnn.nn.functional.embedding(nbnn.tensor([1, 3]), table, sparse=True).sum().backward()
    >>> optimizer.step()
    >>> table.detach()
    tensor([[ 0.0000,  0.0000],
            [-0.5000, -0.5000],
            [ 0.0000,  0.0000],
            [-0.5000, -0.5000]])
    """

    def __init__(
        self,
        params: Iterable,
        lr: float = 0.001,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        maximize: bool = False,
    ) -> None:
        super().__init__(params, {"lr": lr, "betas": betas, "eps": eps, "maximize": maximize})

    def check_options(self, options: dict[str, Any]) -> None:
        """Refuse options that make no sense."""
        name = type(self).__name__
        non_negative(name, options, "lr", "eps")
        betas_below_one(name, options)

    def update_sparse(self, param: Tensor, grad: SparseTensor, state: dict[str, Any], group: dict[str, Any]) -> None:
        """Change the rows that have a gradient."""
        (step,) = counted([state])
        (mean,), (square,) = (remembered([state], key, [param]) for key in ("exp_avg", "exp_avg_sq"))
        rows, g = grad._rows, grad._values()
        if g.numel() == 0:
            return
        if group["maximize"]:
            g = -g
        beta1, beta2 = (float(beta) for beta in group["betas"])
        m, v = mean[rows], square[rows]
        m = m + (g - m) * (1 - beta1)
        v = v + (g * g - v) * (1 - beta2)
        mean[rows], square[rows] = m, v
        rate = float(group["lr"]) * math.sqrt(1 - beta2**step) / (1 - beta1**step)
        param[rows] = param[rows] - m / (v.sqrt() + group["eps"]) * rate

    def update_group(
        self, params: list[Tensor], grads: list[Tensor], states: list[dict], group: dict[str, Any], plan: Plan
    ) -> None:
        """Refuse dense gradients."""
        raise RuntimeError("SparseAdam: gradients must be sparse; got a dense one: use Adam, or sparse=True")
