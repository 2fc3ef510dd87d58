"""L-BFGS."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from nbnn.autograd import enable_grad, no_grad
from nbnn.functional.creation import zeros_like
from nbnn.functional.joining import cat
from nbnn.functional.norms import vector_norm
from nbnn.optim.line_search import Point, strong_wolfe
from nbnn.optim.optimizer import Optimizer, non_negative
from nbnn.tensor import Tensor

CURVED = 1e-10  # y s must be above: only then does a pair of steps and changes describe a convex function


class LBFGS(Optimizer):
    r"""L-BFGS [1]_: steps along :math:`-H g`, with an inverse Hessian H made of the last steps and gradients.

    A step here is up to `max_iter` iterations, for which the loss is computed again and again, by the closure:

    .. code-block:: python

        def closure():
            optimizer.zero_grad()
            loss = criterion(model(x), target)
            loss.backward()
            return loss

        optimizer.step(closure)

    Parameters
    ----------
    params : iterable
        Tensors or ``(name, Tensor)`` pairs, in one group.
    lr : float
        Length of a step, or the first one the line search tries.
    max_iter : int
        The most iterations of a step.
    max_eval : int, optional
        The most evaluations of the closure in a step; 1.25 `max_iter` for None.
    tolerance_grad : float
        A step ends where no element of the gradient is larger.
    tolerance_change : float
        A step ends where neither the loss nor a parameter changes by more.
    history_size : int
        How many steps and gradients H is made of; each costs the memory of two copies of the parameters.
    line_search_fn : str, optional
        ``"strong_wolfe"`` searches the length of each iteration.

    Raises
    ------
    ValueError
        If there is more than one group, `lr`, a tolerance or a number is negative, or `line_search_fn` is not known.

    References
    ----------
    .. [1] D. C. Liu, J. Nocedal, "On the limited memory BFGS method for large scale optimization", Mathematical
       Programming 1989.

    Examples
    --------
    >>> import nbnn
    >>> p = nbnn.tensor([3.0, -2.0], requires_grad=True)
    >>> optimizer = nbnn.optim.LBFGS([p], line_search_fn="strong_wolfe")
    >>> def closure():
    ...     optimizer.zero_grad()
    ...     loss = ((p - 1) ** 2).sum()
    ...     loss.backward()
    ...     return loss
    >>> optimizer.step(closure).item()  # the loss before the step
    13.0
    >>> p
    tensor([1.0000, 1.0000], requires_grad=True)
    """

    takes_complex = False

    def __init__(
        self,
        params: Iterable,
        lr: float = 1,
        max_iter: int = 20,
        max_eval: int | None = None,
        tolerance_grad: float = 1e-7,
        tolerance_change: float = 1e-9,
        history_size: int = 100,
        line_search_fn: str | None = None,
    ) -> None:
        defaults = {
            "lr": lr,
            "max_iter": max_iter,
            "max_eval": max_iter * 5 // 4 if max_eval is None else max_eval,
            "tolerance_grad": tolerance_grad,
            "tolerance_change": tolerance_change,
            "history_size": history_size,
            "line_search_fn": line_search_fn,
        }
        super().__init__(params, defaults)

    def check_options(self, options: dict[str, Any]) -> None:
        """Refuse options that make no sense."""
        name = type(self).__name__
        non_negative(name, options, "lr", "max_iter", "max_eval", "tolerance_grad", "tolerance_change", "history_size")
        if options["line_search_fn"] not in (None, "strong_wolfe"):
            raise ValueError(
                f"{name}: `line_search_fn` (={options['line_search_fn']!r}) must be None or 'strong_wolfe'"
            )

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        """Add the one group that there may be."""
        if self.param_groups:
            raise ValueError(f"{type(self).__name__}: `params` must be one group: H joins all parameters")
        super().add_param_group(param_group)

    def state_shape(self, key: str, param: Tensor) -> tuple[int, ...] | None:
        """What is remembered joins all parameters: a vector."""
        if key in ("d", "prev_flat_grad", "old_dirs", "old_stps"):
            return (sum(p.numel() for p in self.param_groups[0]["params"]),)
        return None

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Iterate from the parameters as they are.

        Parameters
        ----------
        closure : callable
            Computes the loss and its gradients again; called with gradients enabled.

        Returns
        -------
        object
            What `closure` returned first.

        Raises
        ------
        TypeError
            Without a closure.
        """
        if not callable(closure):
            raise TypeError(f"{type(self).__name__}: `step` needs a `closure` that computes the loss and its gradients")
        group = self.param_groups[0]
        state = self.state[group["params"][0]]
        state.setdefault("func_evals", 0)
        state.setdefault("n_iter", 0)
        with no_grad():
            before, loss, grad = _evaluated(closure, group["params"])
            state["func_evals"] += 1
            if _largest(grad) > group["tolerance_grad"]:
                _iterate(closure, group, state, loss, grad)
        return before


def _iterate(
    closure: Callable[[], Any], group: dict[str, Any], state: dict[str, Any], loss: float, grad: Tensor
) -> None:
    """The iterations of one step; `state` goes with them."""
    params, lr, still = group["params"], float(group["lr"]), group["tolerance_change"]
    evaluations = 1
    for iteration in range(1, group["max_iter"] + 1):
        state["n_iter"] += 1
        _remember(state, grad, group["history_size"])
        direction = state["d"] = _direction(state, grad)
        state["prev_flat_grad"], state["prev_loss"] = grad, loss
        state["t"] = lr * (min(1.0, 1.0 / vector_norm(grad, 1).item()) if state["n_iter"] == 1 else 1.0)
        slope = grad.dot(direction).item()
        if slope > -still:
            return
        start = Point(0.0, loss, grad, slope)
        reach = _largest(direction)
        if group["line_search_fn"] is not None:
            found, tried = strong_wolfe(
                _line(closure, params, direction), start, state["t"], reach, group["max_eval"] - evaluations
            )
            state["t"], loss, grad = found.t, found.loss, found.grad
            _move(params, direction, state["t"])
        else:
            _move(params, direction, state["t"])
            if iteration == group["max_iter"]:
                return  # the next step evaluates here, perhaps of another batch
            _, loss, grad = _evaluated(closure, params)
            tried = 1
        evaluations += tried
        state["func_evals"] += tried
        if (
            evaluations >= group["max_eval"]
            or _largest(grad) <= group["tolerance_grad"]
            or reach * abs(state["t"]) <= still
            or abs(loss - state["prev_loss"]) < still
        ):
            return


def _remember(state: dict[str, Any], grad: Tensor, size: int) -> None:
    """Keep the last step s and the change y of the gradient along it, if the function curves up there."""
    if state["n_iter"] == 1:
        state.update(old_dirs=[], old_stps=[], ro=[], H_diag=1.0)
        return
    change, step = grad - state["prev_flat_grad"], state["d"] * float(state["t"])
    product = change.dot(step).item()
    if product > CURVED and size > 0:
        for key, value in (("old_dirs", change), ("old_stps", step), ("ro", 1.0 / product)):
            state[key] = [*state[key], value][-size:]
        state["H_diag"] = product / change.dot(change).item()


def _direction(state: dict[str, Any], grad: Tensor) -> Tensor:
    """-H g, by two passes over what is remembered ([1], algorithm 7.4 of Nocedal and Wright)."""
    pairs = [(y, s, float(r)) for y, s, r in zip(state["old_dirs"], state["old_stps"], state["ro"], strict=True)]
    result, weights = -grad, []
    for y, s, r in reversed(pairs):
        weights.append(r * s.dot(result).item())
        result.sub_(y, alpha=weights[-1])
    result.mul_(float(state["H_diag"]))
    for (y, s, r), weight in zip(pairs, reversed(weights), strict=True):
        result.add_(s, alpha=weight - r * y.dot(result).item())
    return result


def _line(closure: Callable[[], Any], params: list[Tensor], direction: Tensor) -> Callable[[float], Point]:
    """Points on the line through the parameters as they are now, which stay so."""
    origin = [p.clone() for p in params]

    def at(t: float) -> Point:
        _move(params, direction, t)
        _, loss, grad = _evaluated(closure, params)
        for p, value in zip(params, origin, strict=True):
            p.copy_(value)
        return Point(t, loss, grad, grad.dot(direction).item())

    return at


def _evaluated(closure: Callable[[], Any], params: list[Tensor]) -> tuple[Any, float, Tensor]:
    """What the closure returned, the loss as a number, and the gradient of all parameters as one vector."""
    with enable_grad():
        result = closure()
    if any(p.grad is not None and p.grad.is_sparse for p in params):
        raise RuntimeError("LBFGS: gradients must be dense; got a sparse one: use SparseAdam, SGD or Adagrad")
    grads = [zeros_like(p) if p.grad is None else p.grad.detach() for p in params]
    return result, float(result), cat([g.reshape(-1) for g in grads])


def _move(params: list[Tensor], direction: Tensor, t: float) -> None:
    """Add t times the direction to the parameters."""
    start = 0
    for p in params:
        p.add_(direction[start : start + p.numel()].reshape(p.shape), alpha=t)
        start += p.numel()


def _largest(vector: Tensor) -> float:
    """The largest absolute value."""
    return vector_norm(vector, float("inf")).item() if vector.numel() else 0.0
