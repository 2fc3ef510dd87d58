"""gradcheck: analytical gradients against central differences."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from nbnn.autograd._backward import grad
from nbnn.autograd._tape import enable_grad, no_grad
from nbnn.tensor import Tensor, from_array, host_view


def gradcheck(
    func: Callable,
    inputs: Any,
    *,
    eps: float = 1e-6,
    atol: float = 1e-5,
    rtol: float = 1e-3,
    raise_exception: bool = True,
    nondet_tol: float = 0.0,
    fast_mode: bool = False,
) -> bool:
    r"""Compare the gradients of `func` with central differences, element by element.

    For each input element :math:`x_j` and output element :math:`y_i` it compares :math:`\partial y_i/\partial x_j` with
    :math:`(y_i(x_j+\epsilon) - y_i(x_j-\epsilon)) / 2\epsilon`.

    Parameters
    ----------
    func : callable
        From Tensors to a Tensor or a tuple of Tensors; it must be deterministic.
    inputs : Tensor or tuple
        float64 Tensors where gradients are required; everything else is passed on as it is.
    eps : float
        The step of the differences.
    atol, rtol : float
        |analytical - numerical| may be at most ``atol + rtol * |numerical|``.
    raise_exception : bool
        Raise instead of returning False.
    nondet_tol : float
        By how much two analytical runs may differ.
    fast_mode : bool
        Accepted for compatibility: every element is checked all the same.

    Returns
    -------
    bool

    Raises
    ------
    RuntimeError
        If the gradients differ: names input, output, both indices and both numbers.
    ValueError
        If no input requires a gradient, or one that does is not float64.

    Examples
    --------
    >>> import nbnn
    >>> x = nbnn.tensor([0.3, -1.2], dtype=nbnn.float64, requires_grad=True)
    >>> nbnn.autograd.gradcheck(nbnn.tanh, (x,))
    True
    """
    args = (inputs,) if isinstance(inputs, Tensor) else tuple(inputs)
    checked = [i for i, a in enumerate(args) if isinstance(a, Tensor) and a.requires_grad]
    if not checked:
        raise ValueError("gradcheck: at least one of `inputs` must require a gradient")
    for i in checked:
        if args[i].dtype.name != "float64":
            raise ValueError(
                f"gradcheck: `inputs`[{i}] must be float64 for differences to mean anything; got {args[i].dtype!r}"
            )
    try:
        for slot, out in enumerate(_outputs(func, args)):
            if out.dtype.is_floating_point and out.requires_grad:
                _check_output(func, args, checked, slot, eps, atol, rtol, nondet_tol)
    except RuntimeError:
        if raise_exception:
            raise
        return False
    return True


def _outputs(func: Callable, args: tuple) -> tuple:
    result = func(*args)
    return result if isinstance(result, tuple) else (result,)


def _check_output(
    func: Callable, args: tuple, checked: list[int], slot: int, eps: float, atol: float, rtol: float, tol: float
) -> None:
    analytical = _jacobians(func, args, checked, slot)
    again = _jacobians(func, args, checked, slot)
    for i, jacobian, repeat in zip(checked, analytical, again, strict=True):
        if np.abs(jacobian - repeat).max(initial=0.0) > tol:
            raise RuntimeError(f"gradcheck: two runs give different gradients of output {slot} for input {i}")
        numerical = _differences(func, args, i, slot, eps)
        wrong = np.abs(jacobian - numerical) > atol + rtol * np.abs(numerical)
        if wrong.any():
            k, j = map(int, np.argwhere(wrong)[0])
            raise RuntimeError(
                f"gradcheck: d output {slot}[{k}] / d input {i}[{j}] is {jacobian[k, j]:.9g} by backward, "
                f"{numerical[k, j]:.9g} by central differences ({int(wrong.sum())} of {wrong.size} elements differ)"
            )


def _jacobians(func: Callable, args: tuple, checked: list[int], slot: int) -> list[np.ndarray]:
    out = _outputs(func, args)[slot]
    rows: list[list[np.ndarray]] = [[] for _ in checked]
    for k in range(out.numel()):
        seed = np.zeros(out.numel())
        seed[k] = 1.0
        seed_tensor = from_array(seed.reshape(out.shape))
        found = grad(out, [args[i] for i in checked], seed_tensor, retain_graph=True, allow_unused=True)
        for row, i, g in zip(rows, checked, found, strict=True):
            row.append(np.zeros(args[i].numel()) if g is None else host_view(g).reshape(-1).copy())
    return [np.array(row).reshape(out.numel(), args[i].numel()) for row, i in zip(rows, checked, strict=True)]


def _differences(func: Callable, args: tuple, i: int, slot: int, eps: float) -> np.ndarray:
    base = host_view(args[i]).copy()
    columns = []
    with no_grad():
        for j in range(base.size):
            values = []
            for step in (eps, -eps):
                moved = base.copy().reshape(-1)
                moved[j] += step
                shifted = (*args[:i], from_array(moved.reshape(base.shape)), *args[i + 1 :])
                values.append(host_view(_outputs(func, shifted)[slot]).reshape(-1).copy())
            columns.append((values[0] - values[1]) / (2 * eps))
    n = columns[0].size if columns else 0
    return np.array(columns).reshape(base.size, n).T


def gradgradcheck(
    func: Callable,
    inputs: Any,
    grad_outputs: Any = None,
    *,
    eps: float = 1e-6,
    atol: float = 1e-5,
    rtol: float = 1e-3,
    raise_exception: bool = True,
    nondet_tol: float = 0.0,
) -> bool:
    """Compare second derivatives with central differences of the first: `gradcheck` of the gradient of `func`.

    Parameters
    ----------
    grad_outputs : Tensor or tuple, optional
        The gradients of the outputs at which it is checked; by default fixed numbers between -1 and 1.

    The other arguments are those of `gradcheck`.

    Raises
    ------
    RuntimeError
        If the second derivatives differ.

    Examples
    --------
    >>> import nbnn
    >>> x = nbnn.tensor([0.3, -1.2], dtype=nbnn.float64, requires_grad=True)
    >>> nbnn.autograd.gradgradcheck(lambda x: x * x * x, (x,))
    True
    """
    args = (inputs,) if isinstance(inputs, Tensor) else tuple(inputs)
    checked = [i for i, a in enumerate(args) if isinstance(a, Tensor) and a.requires_grad]
    outs = [o for o in _outputs(func, args) if o.requires_grad]
    if grad_outputs is None:
        random = np.random.default_rng(0)
        seeds = tuple(from_array(random.uniform(-1, 1, o.shape)).requires_grad_() for o in outs)
    else:
        seeds = (grad_outputs,) if isinstance(grad_outputs, Tensor) else tuple(grad_outputs)

    def first(*moved: Any) -> tuple:
        replaced = list(args)
        for i, t in zip(checked, moved, strict=False):
            replaced[i] = t if t.requires_grad else t.detach().requires_grad_()
        with enable_grad():
            ys = [o for o in _outputs(func, tuple(replaced)) if o.requires_grad]
            wrt = [replaced[i] for i in checked]
            found = grad(ys, wrt, moved[len(checked) :], create_graph=True, allow_unused=True)
        return tuple(g for g in found if g is not None)

    return gradcheck(
        first,
        (*(args[i] for i in checked), *seeds),
        eps=eps,
        atol=atol,
        rtol=rtol,
        raise_exception=raise_exception,
        nondet_tol=nondet_tol,
    )
