"""Adafactor."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

from nbnn import dtypes
from nbnn.functional import _check
from nbnn.functional.creation import zeros, zeros_like
from nbnn.functional.norms import vector_norm
from nbnn.optim.optimizer import Optimizer, counted, non_negative
from nbnn.tensor import Tensor

PRECISION = {dtypes.float16: 2.0**-10, dtypes.bfloat16: 2.0**-7, dtypes.float32: 2.0**-23, dtypes.float64: 2.0**-52}


class Adafactor(Optimizer):
    r"""Adafactor [1]_: divides by the root of the mean square, of which it keeps only means of rows and columns.

    For a matrix, with :math:`\beta_t = 1 - t^{\text{beta2\_decay}}`,

    .. math::
        r \leftarrow \beta_t r + (1 - \beta_t) \operatorname{mean}_{cols} g^2, \qquad
        c \leftarrow \beta_t c + (1 - \beta_t) \operatorname{mean}_{rows} g^2, \qquad
        v = \frac{r c}{\max(\operatorname{mean} r, \epsilon_1)}, \qquad
        u = \frac{g}{\sqrt{\max(v, \epsilon_1^2)}}

    and v is a mean of squares itself for Tensors of fewer axes; then

    .. math::
        p \leftarrow (1 - \text{lr} \cdot \text{weight\_decay})\, p - \max(\epsilon_2, \text{rms}(p))
        \min(\text{lr}, t^{-1/2}) \frac{u}{\max(1, \text{rms}(u) / d)}

    Parameters
    ----------
    params : iterable
        Tensors, ``(name, Tensor)`` pairs or groups; see `Optimizer`.
    lr : float
        The largest relative step.
    beta2_decay : float
        How the mean comes to rest; at most 0.
    eps : pair of (float or None, float)
        :math:`\epsilon_1`, the precision of the parameter's type for None, and :math:`\epsilon_2`.
    d : float
        Where the update is clipped; at least 1.
    weight_decay : float
        What each step takes off, in units of lr.
    foreach : bool, optional
        Accepted for compatibility.
    maximize : bool
        Climb instead of descend.

    Raises
    ------
    ValueError
        If `lr`, one of `eps` or `weight_decay` is negative, `beta2_decay` is above 0 or `d` is below 1.

    References
    ----------
    .. [1] N. Shazeer, M. Stern, "Adafactor: adaptive learning rates with sublinear memory cost", ICML 2018.

    Examples
    --------
    >>> import nbnn
    >>> p = nbnn.tensor([[4.0]], requires_grad=True)
    >>> optimizer = nbnn.optim.Adafactor([p], lr=0.125)
    >>> (p * p).sum().backward()
    >>> optimizer.step()
    >>> p.tolist()
    [[3.5]]
    """

    takes_complex = False

    def __init__(
        self,
        params: Iterable,
        lr: float = 0.01,
        beta2_decay: float = -0.8,
        eps: tuple[float | None, float] = (None, 0.001),
        d: float = 1.0,
        weight_decay: float = 0.0,
        *,
        foreach: bool | None = None,
        maximize: bool = False,
    ) -> None:
        defaults = {
            "lr": lr,
            "beta2_decay": beta2_decay,
            "eps": eps,
            "d": d,
            "weight_decay": weight_decay,
            "foreach": foreach,
            "maximize": maximize,
        }
        super().__init__(params, defaults)

    def check_options(self, options: dict[str, Any]) -> None:
        """Refuse options that make no sense."""
        name = type(self).__name__
        non_negative(name, options, "lr", "weight_decay")
        eps = options["eps"]
        two = isinstance(eps, (tuple, list)) and len(eps) == 2 and eps[1] is not None
        if not two or not all(e is None or _check.number(name, "eps", e) >= 0.0 for e in eps):
            raise ValueError(
                f"{name}: `eps` (={eps}) must be two numbers of at least 0, of which the first may be None"
            )
        if not _check.number(name, "beta2_decay", options["beta2_decay"]) <= 0.0:
            raise ValueError(f"{name}: `beta2_decay` (={options['beta2_decay']}) must be at most 0")
        if not _check.number(name, "d", options["d"]) >= 1.0:
            raise ValueError(f"{name}: `d` (={options['d']}) must be at least 1")

    def state_shape(self, key: str, param: Tensor) -> tuple[int, ...] | None:
        """Means over one of the last two axes keep that axis with length 1."""
        shape = param._shape
        if key == "row_var":
            return (*shape[:-1], 1)
        return (*shape[:-2], 1, shape[-1]) if key == "col_var" else shape

    def update(self, param: Tensor, grad: Tensor, state: dict[str, Any], group: dict[str, Any]) -> None:
        """Change `param` in place."""
        (count,) = counted([state])
        if param.numel() == 0:
            return
        if group["maximize"]:
            grad = -grad
        lr, (floor, least) = float(group["lr"]), group["eps"]
        floor = PRECISION[param.dtype] if floor is None else floor
        step = max(least, _rms(param)) * min(lr, count**-0.5)
        if group["weight_decay"] != 0:
            param.mul_(1.0 - lr * group["weight_decay"])
        estimate = self._mean_square(param, grad * grad, state, count ** group["beta2_decay"], floor)
        change = grad * estimate.clamp_min(floor * floor).rsqrt_()
        param.sub_(change, alpha=step / max(1.0, _rms(change) / group["d"]))

    def _mean_square(self, param: Tensor, square: Tensor, state: dict[str, Any], new: float, floor: float) -> Tensor:
        """The mean of the squared gradient, in which this step's has the weight `new`."""
        if param.dim() < 2:
            variance = state.setdefault("variance", zeros_like(param))
            return variance.lerp_(square, new)
        means = []
        for key, axis in (("row_var", -1), ("col_var", -2)):
            shape = self.state_shape(key, param)
            if key not in state:
                state[key] = zeros(shape, dtype=param.dtype, device=param.device)
            means.append(state[key].lerp_(square.mean(axis, keepdim=True), new))
        row, column = means
        return row / row.mean(-2, keepdim=True).clamp_min(floor) * column


def _rms(t: Tensor) -> float:
    """The root of the mean square."""
    return vector_norm(t).item() / math.sqrt(t.numel())
