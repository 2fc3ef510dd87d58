"""Mixed precision as torch's programs spell it: regions that change nothing here, and a scaler of losses that works."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable
from typing import Any

from nbnn.autograd import no_grad
from nbnn.functional import _check
from nbnn.functional.arithmetic import mul
from nbnn.functional.rounding import isfinite
from nbnn.tensor import Tensor

__all__ = ["GradScaler", "autocast"]


class autocast(contextlib.ContextDecorator):
    """A region, or a function, that torch would compute in a half type: nbnn keeps the types of the operands.

    So results have full precision; `set_float32_matmul_precision` is what trades it for speed.

    Parameters
    ----------
    device_type : str
        ``"cpu"`` or ``"cuda"``; a bool in its place is `enabled`, as ``torch.cuda.amp`` spells it.
    dtype : dtype, optional
    enabled, cache_enabled : bool
        Accepted: there is nothing that they could change.

    Examples
    --------
    >>> import nbnn
    >>> with nbnn.autocast("cpu", dtype=nbnn.bfloat16):
    ...     nbnn.mm(nbnn.ones(1, 2), nbnn.ones(2, 1)).dtype
    nbnn.float32
    """

    def __init__(
        self, device_type: Any = "cuda", dtype: Any = None, enabled: bool = True, cache_enabled: bool | None = None
    ) -> None:
        if not isinstance(device_type, (str, bool)):
            raise TypeError(f"autocast: `device_type` (={device_type!r}) must be a str")

    def __enter__(self) -> autocast:
        return self

    def __exit__(self, *raised: object) -> None:
        return None


class GradScaler:
    """Scales the loss, so that small gradients survive in half types, and unscales them before the step.

    A step whose gradients are not all finite is left out, and the scale made smaller; after `growth_interval` steps
    without such a one it is made larger (Micikevicius et al. 2018).

    Parameters
    ----------
    device : str
        Accepted: one scaler serves every device.
    init_scale, growth_factor, backoff_factor : float
    growth_interval : int
    enabled : bool
        False makes `scale` and `unscale_` do nothing and `step` just step.

    Raises
    ------
    ValueError
        If `init_scale` is not above 0, `growth_factor` not above 1 or `backoff_factor` not between 0 and 1.

    Examples
    --------
    >>> import nbnn
    >>> w = nbnn.ones(1, requires_grad=True)
    >>> optimizer, scaler = nbnn.optim.SGD([w], lr=0.5), nbnn.amp.GradScaler(init_scale=8.0)
    >>> scaler.scale((w * w).sum()).backward()
    >>> scaler.step(optimizer)
    >>> scaler.update()
    >>> w
    tensor([0.], requires_grad=True)
    """

    def __init__(
        self,
        device: str = "cuda",
        init_scale: float = 2.0**16,
        growth_factor: float = 2.0,
        backoff_factor: float = 0.5,
        growth_interval: int = 2000,
        enabled: bool = True,
    ) -> None:
        op = "GradScaler"
        self._scale = _check.number(op, "init_scale", init_scale)
        self._growth = _check.number(op, "growth_factor", growth_factor)
        self._backoff = _check.number(op, "backoff_factor", backoff_factor)
        if not (0 < self._scale < math.inf and self._growth > 1 and 0 < self._backoff < 1):
            raise ValueError(
                f"{op}: `init_scale` must be above 0, `growth_factor` above 1 and `backoff_factor` between 0 and 1; "
                f"got {init_scale}, {growth_factor} and {backoff_factor}"
            )
        self._interval = _check.integer(op, "growth_interval", growth_interval, 1)
        self._enabled = bool(enabled)
        self._steps = 0  # since the scale was last changed
        self._unscaled: dict[int, bool] = {}  # by optimizer: whether its gradients are finite

    def is_enabled(self) -> bool:
        """Whether it scales at all."""
        return self._enabled

    def get_scale(self) -> float:
        """The factor, 1 where it is not enabled."""
        return self._scale if self._enabled else 1.0

    def scale(self, outputs: Any) -> Any:
        """The loss, or each of a list of them, times the scale."""
        if not self._enabled:
            return outputs
        if isinstance(outputs, Tensor):
            return mul(outputs, self._scale)
        return type(outputs)(self.scale(o) for o in outputs)

    def unscale_(self, optimizer: Any) -> None:
        """Divide the gradients of the optimizer's parameters by the scale, in place: before they are clipped."""
        if not self._enabled:
            return
        if id(optimizer) in self._unscaled:
            raise RuntimeError("GradScaler.unscale_: the gradients are unscaled already; call update() after the step")
        finite = True
        with no_grad():
            for p in (p for group in optimizer.param_groups for p in group["params"] if p.grad is not None):
                held = p.grad._values() if p.grad.is_sparse else p.grad
                held.mul_(1.0 / self._scale)
                finite = finite and bool(isfinite(held).all())
        self._unscaled[id(optimizer)] = finite

    def step(self, optimizer: Any, *args: Any, **kwargs: Any) -> Any:
        """``optimizer.step()`` on unscaled gradients, unless some are not finite."""
        if self._enabled and id(optimizer) not in self._unscaled:
            self.unscale_(optimizer)
        ready: Callable = optimizer.step
        return ready(*args, **kwargs) if self._unscaled.get(id(optimizer), True) else None

    def update(self, new_scale: float | None = None) -> None:
        """Choose the scale of the next step."""
        if new_scale is not None:
            self._scale = _check.number("GradScaler.update", "new_scale", new_scale)
        elif not all(self._unscaled.values()):
            self._scale, self._steps = self._scale * self._backoff, 0
        else:
            self._steps += 1
            if self._steps == self._interval:
                self._scale, self._steps = self._scale * self._growth, 0
        self._unscaled.clear()

    def state_dict(self) -> dict[str, float]:
        """What `load_state_dict` needs to go on."""
        return {"scale": self._scale, "_growth_tracker": self._steps}

    def load_state_dict(self, state_dict: dict[str, float]) -> None:
        """Go on from a state that `state_dict` returned."""
        self._scale, self._steps = float(state_dict["scale"]), int(state_dict["_growth_tracker"])
