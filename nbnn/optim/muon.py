"""Muon."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

from nbnn.functional import _check
from nbnn.functional.creation import zeros_like
from nbnn.functional.norms import vector_norm
from nbnn.optim.optimizer import Optimizer, non_negative, numbers
from nbnn.tensor import Tensor

# How a step is scaled for a matrix of (rows, columns).
ADJUSTMENTS = {
    None: lambda rows, columns: math.sqrt(max(1.0, rows / columns)),
    "original": lambda rows, columns: math.sqrt(max(1.0, rows / columns)),
    "match_rms_adamw": lambda rows, columns: 0.2 * math.sqrt(max(rows, columns)),
}


class Muon(Optimizer):
    r"""Muon [1]_: steps along the orthogonal matrix that is nearest to the momentum of the gradients.

    .. math::
        b \leftarrow \mu b + (1 - \mu)\, g, \qquad
        p \leftarrow (1 - \text{lr} \cdot \text{weight\_decay})\, p - \gamma\, \text{lr} \cdot \text{orth}(b)

    or, with `nesterov`, of :math:`\mu b + (1 - \mu)\, g`; :math:`\gamma` is :math:`\sqrt{\max(1, R / C)}` for a matrix
    of R rows and C columns, or :math:`0.2 \sqrt{\max(R, C)}` [2]_. orth is `orthogonalized`.

    Parameters
    ----------
    params : iterable
        Matrices: Tensors of two axes, ``(name, Tensor)`` pairs or groups; see `Optimizer`.
    lr : float
        Learning rate.
    weight_decay : float
        What each step takes off, in units of lr.
    momentum : float
        :math:`\mu`.
    nesterov : bool
        Look ahead along b.
    ns_coefficients : three floats
        Of the polynomial that `orthogonalized` iterates.
    eps : float
        Keeps its denominator from 0.
    ns_steps : int
        How often it is iterated; below 100.
    adjust_lr_fn : str, optional
        ``"original"`` (also for None) or ``"match_rms_adamw"``, the two :math:`\gamma` above.

    Raises
    ------
    ValueError
        If a parameter is no matrix, `lr`, `weight_decay`, `momentum` or `eps` is negative, `ns_coefficients` are not
        three, `ns_steps` is not in [0, 100) or `adjust_lr_fn` is not known.

    Notes
    -----
    torch iterates in bfloat16; nbnn in the type of the parameter, float32 for halves. The steps differ by about 1%.

    References
    ----------
    .. [1] K. Jordan et al., "Muon: an optimizer for hidden layers in neural networks", 2024.
    .. [2] J. Liu et al., "Muon is scalable for LLM training", 2025.

    Examples
    --------
    >>> import nbnn
    >>> p = nbnn.tensor([[3.0, 0.0], [0.0, 1.0]], requires_grad=True)
    >>> optimizer = nbnn.optim.Muon([p], lr=0.5, weight_decay=0.0, ns_coefficients=(1.5, -0.5, 0.0), ns_steps=20)
    >>> (p * p).sum().backward()
    >>> optimizer.step()
    >>> p
    tensor([[2.5000, 0.0000],
            [0.0000, 0.5000]], requires_grad=True)
    """

    takes_complex = False

    def __init__(
        self,
        params: Iterable,
        lr: float = 0.001,
        weight_decay: float = 0.1,
        momentum: float = 0.95,
        nesterov: bool = True,
        ns_coefficients: tuple[float, float, float] = (3.4445, -4.775, 2.0315),
        eps: float = 1e-7,
        ns_steps: int = 5,
        adjust_lr_fn: str | None = None,
    ) -> None:
        defaults = {
            "lr": lr,
            "weight_decay": weight_decay,
            "momentum": momentum,
            "nesterov": nesterov,
            "ns_coefficients": ns_coefficients,
            "eps": eps,
            "ns_steps": ns_steps,
            "adjust_lr_fn": adjust_lr_fn,
        }
        super().__init__(params, defaults)

    def check_options(self, options: dict[str, Any]) -> None:
        """Refuse options that make no sense."""
        name = type(self).__name__
        non_negative(name, options, "lr", "weight_decay", "momentum", "eps")
        numbers(name, "ns_coefficients", options["ns_coefficients"], 3)
        if not 0 <= _check.integer(name, "ns_steps", options["ns_steps"]) < 100:
            raise ValueError(f"{name}: `ns_steps` (={options['ns_steps']}) must be in [0, 100)")
        if options["adjust_lr_fn"] not in list(ADJUSTMENTS):
            known = ", ".join(map(repr, ADJUSTMENTS))
            raise ValueError(f"{name}: `adjust_lr_fn` (={options['adjust_lr_fn']!r}) must be one of {known}")

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        """Add matrices."""
        super().add_param_group(param_group)
        for i, param in enumerate(self.param_groups[-1]["params"]):
            if param.dim() != 2:
                self.param_groups.pop()
                raise ValueError(
                    f"{type(self).__name__}: parameter {i} must be a matrix; got shape {param._shape}: "
                    "use AdamW for biases, embeddings and the like"
                )

    def update(self, param: Tensor, grad: Tensor, state: dict[str, Any], group: dict[str, Any]) -> None:
        """Change `param` in place."""
        lr, momentum = float(group["lr"]), group["momentum"]
        buffer = state.setdefault("momentum_buffer", zeros_like(param))
        buffer.lerp_(grad, 1.0 - momentum)
        direction = grad.lerp(buffer, momentum) if group["nesterov"] else buffer
        turned = orthogonalized(direction, group["ns_coefficients"], group["ns_steps"], group["eps"])
        if group["weight_decay"] != 0:
            param.mul_(1.0 - lr * group["weight_decay"])
        rows, columns = param._shape
        if param.numel():
            param.sub_(turned, alpha=lr * ADJUSTMENTS[group["adjust_lr_fn"]](rows, columns))


def orthogonalized(
    matrix: Tensor, coefficients: Sequence[float] = (3.4445, -4.775, 2.0315), steps: int = 5, eps: float = 1e-7
) -> Tensor:
    r"""The matrix with its singular values moved towards 1, by iterations of Newton and Schulz.

    From :math:`x = m / \max(|m|, \epsilon)`, with the wider side last,

    .. math::
        x \leftarrow a x + (b\, x x^T + c\, (x x^T)^2)\, x

    Parameters
    ----------
    matrix : Tensor of shape (R, C)
        m.
    coefficients : three floats
        a, b and c. Those of Muon take small singular values near to 1 fast, and leave them between 0.7 and 1.2;
        (1.5, -0.5, 0) converge to 1.
    steps : int
        How many iterations.
    eps : float
        Keeps the denominator from 0.

    Returns
    -------
    Tensor of shape (R, C)

    Examples
    --------
    >>> import nbnn
    >>> from nbnn.optim.muon import orthogonalized
    >>> orthogonalized(nbnn.tensor([[0.0, 2.0], [-1.0, 0.0]]), (1.5, -0.5, 0.0), steps=20)
    tensor([[ 0.,  1.],
            [-1.,  0.]])
    """
    a, b, c = coefficients
    x = matrix.float() if matrix.dtype.is_half else matrix
    tall = matrix._shape[0] > matrix._shape[1]
    x = x.t() if tall else x
    x = x / max(vector_norm(x).item(), eps)
    for _ in range(steps):
        gram = x @ x.t()
        x = a * x + (b * gram + c * (gram @ gram)) @ x
    return (x.t() if tall else x).to(matrix.dtype)
