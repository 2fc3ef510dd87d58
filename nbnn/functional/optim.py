"""Steps of the optimizers, in place: one launch updates all parameters and everything kept for them."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from nbnn.device import Table, launch
from nbnn.functional import _check
from nbnn.kernels import optim as K
from nbnn.tensor import Tensor, flat, from_array, store


class Plan:
    """What a list of parameters has in common with the list of the step before: where its elements lie."""

    __slots__ = ("kind", "shapes", "table")

    def __init__(self) -> None:
        self.table: Table | None = None
        self.shapes: list[tuple[int, ...]] = []
        self.kind: Any = None


def sgd_step_(
    param: Any,
    grad: Any,
    momentum_buffer: Any = None,
    *,
    lr: float,
    momentum: float = 0.0,
    dampening: float | list[float] = 0.0,
    weight_decay: float = 0.0,
    nesterov: bool = False,
    maximize: bool = False,
    plan: Plan | None = None,
) -> Any:
    r"""One step of stochastic gradient descent, in place: :math:`p \leftarrow p - \text{lr} \cdot d`.

    .. math::
        g = \pm\text{grad} + \text{weight\_decay} \cdot p, \qquad
        b \leftarrow \text{momentum} \cdot b + (1 - \text{dampening})\, g, \qquad
        d = g, \; b \text{ or, with nesterov, } g + \text{momentum} \cdot b

    Parameters
    ----------
    param : Tensor, array or list of Tensors
        Changed in place. For a list, all arguments up to `lr` are lists of that length, and one launch updates all.
    grad : Tensor or array
        Its gradient, of the same shape and dtype.
    momentum_buffer : Tensor or array, optional
        b, changed in place; zeros before the first step. Without it there is no momentum.
    lr : float
        Learning rate.
    momentum, dampening : float
        What is kept of b, and what is held back of the gradient when it enters b; for a list of parameters, `dampening`
        may be a list.
    weight_decay : float
        Factor of the L2 penalty.
    nesterov : bool
        Look ahead along b, as in [1]_.
    maximize : bool
        Climb instead of descend.
    plan : Plan, optional
        Keeps, from one step of a list to the next, what is known about its memory.

    Returns
    -------
    Tensor or array
        `param`.

    Raises
    ------
    TypeError
        If a dtype is not floating-point or differs from that of `param`.
    ValueError
        If a shape differs from that of `param`, if `momentum` or `nesterov` is given without `momentum_buffer`, or if
        memory that is to be changed is read-only or overlaps itself.
    RuntimeError
        If the Tensors lie on different devices.

    References
    ----------
    .. [1] I. Sutskever, J. Martens, G. Dahl, G. Hinton, "On the importance of initialization and momentum in deep
       learning", ICML 2013.

    Examples
    --------
    >>> import nbnn
    >>> from nbnn.functional.optim import sgd_step_
    >>> sgd_step_(nbnn.tensor([1.0, 2.0]), nbnn.tensor([1.0, 1.0]), lr=0.5)
    tensor([0.5000, 1.5000])
    """
    sign = -1.0 if maximize else 1.0
    if momentum_buffer is None:
        if momentum != 0 or nesterov:
            raise ValueError(f"sgd_step_: `momentum` (={momentum}) and nesterov={nesterov} need `momentum_buffer`")
        numbers = (sign, float(lr), float(weight_decay))
        _update("sgd_step_", K.sgd, {"param": param}, grad, numbers, 4, plan)
        return param
    written = {"param": param, "momentum_buffer": momentum_buffer}
    base = (sign, float(lr), float(weight_decay), float(momentum))
    each = (
        (*base, 1.0 - float(dampening), float(nesterov))
        if not isinstance(dampening, list)
        else [(*base, 1.0 - float(d), float(nesterov)) for d in dampening]
    )
    _update("sgd_step_", K.sgd_momentum, written, grad, each, 6, plan)
    return param


def adam_step_(
    param: Any,
    grad: Any,
    exp_avg: Any,
    exp_avg_sq: Any,
    max_exp_avg_sq: Any = None,
    *,
    step: int | list[int],
    lr: float = 0.001,
    betas: Sequence[float] = (0.9, 0.999),
    eps: float = 1e-8,
    weight_decay: float = 0.0,
    decoupled_weight_decay: bool = False,
    maximize: bool = False,
    plan: Plan | None = None,
) -> Any:
    r"""One step of Adam, in place.

    .. math::
        m \leftarrow \beta_1 m + (1 - \beta_1)\, g, \qquad
        v \leftarrow \beta_2 v + (1 - \beta_2)\, g^2, \qquad
        p \leftarrow p - \text{lr}\,
            \frac{m / (1 - \beta_1^{\text{step}})}{\sqrt{v / (1 - \beta_2^{\text{step}})} + \epsilon}

    Parameters
    ----------
    param : Tensor, array or list of Tensors
        Changed in place. For a list, all arguments up to `step` are lists of that length, and one launch updates all.
    grad : Tensor or array
        Its gradient, of the same shape and dtype.
    exp_avg, exp_avg_sq : Tensor or array
        m and v, changed in place; zeros before the first step.
    max_exp_avg_sq : Tensor or array, optional
        The largest v so far, changed in place; given, it stands in the place of v (AMSGrad [2]_).
    step : int
        Number of this step, counted from 1; for a list of parameters one for all or a list.
    lr : float
        Learning rate.
    betas : pair of float
        Decay rates of m and v.
    eps : float
        Keeps the denominator from 0.
    weight_decay : float
        Factor of the L2 penalty, which enters g; with `decoupled_weight_decay` p shrinks by the factor
        1 - lr weight_decay instead (AdamW [3]_).
    maximize : bool
        Climb instead of descend.
    plan : Plan, optional
        Keeps, from one step of a list to the next, what is known about its memory.

    Returns
    -------
    Tensor or array
        `param`.

    Raises
    ------
    TypeError
        If a dtype is not floating-point or differs from that of `param`.
    ValueError
        If a shape differs from that of `param`, if `step` is less than 1, or if memory that is to be changed is
        read-only or overlaps itself.
    RuntimeError
        If the Tensors lie on different devices.

    References
    ----------
    .. [1] D. P. Kingma, J. Ba, "Adam: a method for stochastic optimization", ICLR 2015.
    .. [2] S. J. Reddi, S. Kale, S. Kumar, "On the convergence of Adam and beyond", ICLR 2018.
    .. [3] I. Loshchilov, F. Hutter, "Decoupled weight decay regularization", ICLR 2019.

    Examples
    --------
    >>> import nbnn
    >>> from nbnn.functional.optim import adam_step_
    >>> p, m, v = nbnn.tensor([1.0, 2.0]), nbnn.zeros(2), nbnn.zeros(2)
    >>> adam_step_(p, nbnn.tensor([3.0, -3.0]), m, v, step=1, lr=0.5)
    tensor([0.5000, 2.5000])
    """
    shrink, penalty = (1.0 - lr * weight_decay, 0.0) if decoupled_weight_decay else (1.0, float(weight_decay))
    sign = -1.0 if maximize else 1.0
    beta1, beta2 = betas
    base = (sign, shrink, penalty, 1.0 - beta1, float(beta2), 1.0 - beta2)

    def numbers(count: int) -> tuple[float, ...]:
        _first_is_one("adam_step_", count)
        return (*base, lr / (1.0 - beta1**count), math.sqrt(1.0 - beta2**count), float(eps))

    written = {"param": param, "exp_avg": exp_avg, "exp_avg_sq": exp_avg_sq}
    kernel, work = K.adam, 16
    if max_exp_avg_sq is not None:
        written["max_exp_avg_sq"] = max_exp_avg_sq
        kernel, work = K.adam_amsgrad, 18
    _update("adam_step_", kernel, written, grad, _for_each(step, numbers), work, plan)
    return param


def rmsprop_step_(
    param: Any,
    grad: Any,
    square_avg: Any,
    momentum_buffer: Any = None,
    grad_avg: Any = None,
    *,
    lr: float = 0.01,
    alpha: float = 0.99,
    eps: float = 1e-8,
    weight_decay: float = 0.0,
    momentum: float = 0.0,
    maximize: bool = False,
    plan: Plan | None = None,
) -> Any:
    r"""One step of RMSprop, in place.

    .. math::
        v \leftarrow \alpha v + (1 - \alpha)\, g^2, \qquad
        b \leftarrow \text{momentum} \cdot b + \frac{g}{\sqrt{v} + \epsilon}, \qquad
        p \leftarrow p - \text{lr} \cdot b

    Parameters
    ----------
    param : Tensor, array or list of Tensors
        Changed in place. For a list, all arguments up to `lr` are lists of that length, and one launch updates all.
    grad : Tensor or array
        Its gradient, of the same shape and dtype.
    square_avg : Tensor or array
        v, changed in place; zeros before the first step.
    momentum_buffer : Tensor or array, optional
        b, changed in place; zeros before the first step. Without it there is no momentum.
    grad_avg : Tensor or array, optional
        The mean m of the gradients, changed in place; given, :math:`v - m^2` stands in the place of v [1]_.
    lr : float
        Learning rate.
    alpha : float
        Decay rate of v and of m.
    eps : float
        Keeps the denominator from 0.
    weight_decay : float
        Factor of the L2 penalty, which enters g.
    momentum : float
        What is kept of b.
    maximize : bool
        Climb instead of descend.
    plan : Plan, optional
        Keeps, from one step of a list to the next, what is known about its memory.

    Returns
    -------
    Tensor or array
        `param`.

    Raises
    ------
    TypeError, ValueError, RuntimeError
        As for `adam_step_`; ValueError if `momentum` is given without `momentum_buffer`.

    References
    ----------
    .. [1] A. Graves, "Generating sequences with recurrent neural networks", 2013.

    Examples
    --------
    >>> import nbnn
    >>> from nbnn.functional.optim import rmsprop_step_
    >>> rmsprop_step_(nbnn.tensor([1.0, 2.0]), nbnn.tensor([3.0, -3.0]), nbnn.zeros(2), lr=0.5, alpha=0.75)
    tensor([0., 3.])
    """
    if momentum_buffer is None and momentum != 0:
        raise ValueError(f"rmsprop_step_: `momentum` (={momentum}) needs `momentum_buffer`")
    sign = -1.0 if maximize else 1.0
    numbers: tuple[float, ...] = (sign, float(lr), float(weight_decay), float(alpha), 1.0 - float(alpha), float(eps))
    written = {"param": param, "square_avg": square_avg}
    if momentum_buffer is not None:
        written["momentum_buffer"] = momentum_buffer
        numbers = (*numbers, float(momentum))
    if grad_avg is not None:
        written["grad_avg"] = grad_avg
    kernels = ((K.rmsprop, K.rmsprop_momentum), (K.rmsprop_centered, K.rmsprop_centered_momentum))
    kernel = kernels[grad_avg is not None][momentum_buffer is not None]
    _update("rmsprop_step_", kernel, written, grad, numbers, 16, plan)
    return param


def adagrad_step_(
    param: Any,
    grad: Any,
    state_sum: Any,
    *,
    step: int | list[int],
    lr: float = 0.01,
    lr_decay: float = 0.0,
    weight_decay: float = 0.0,
    eps: float = 1e-10,
    maximize: bool = False,
    plan: Plan | None = None,
) -> Any:
    r"""One step of Adagrad, in place.

    .. math::
        s \leftarrow s + g^2, \qquad
        p \leftarrow p - \frac{\text{lr}}{1 + (\text{step} - 1)\, \text{lr\_decay}} \frac{g}{\sqrt{s} + \epsilon}

    Parameters
    ----------
    param : Tensor, array or list of Tensors
        Changed in place. For a list, all arguments up to `step` are lists of that length, and one launch updates all.
    grad : Tensor or array
        Its gradient, of the same shape and dtype.
    state_sum : Tensor or array
        s, changed in place.
    step : int
        Number of this step, counted from 1; for a list of parameters one for all or a list.
    lr, lr_decay : float
        Learning rate, and how it falls.
    weight_decay : float
        Factor of the L2 penalty, which enters g.
    eps : float
        Keeps the denominator from 0.
    maximize : bool
        Climb instead of descend.
    plan : Plan, optional
        Keeps, from one step of a list to the next, what is known about its memory.

    Returns
    -------
    Tensor or array
        `param`.

    Raises
    ------
    TypeError, ValueError, RuntimeError
        As for `adam_step_`.

    References
    ----------
    .. [1] J. Duchi, E. Hazan, Y. Singer, "Adaptive subgradient methods for online learning and stochastic
       optimization", JMLR 2011.

    Examples
    --------
    >>> import nbnn
    >>> from nbnn.functional.optim import adagrad_step_
    >>> adagrad_step_(nbnn.tensor([1.0, 2.0]), nbnn.tensor([3.0, -3.0]), nbnn.zeros(2), step=1, lr=0.5)
    tensor([0.5000, 2.5000])
    """

    def numbers(count: int) -> tuple[float, ...]:
        _first_is_one("adagrad_step_", count)
        return (-1.0 if maximize else 1.0, lr / (1.0 + (count - 1) * lr_decay), float(weight_decay), float(eps))

    written = {"param": param, "state_sum": state_sum}
    _update("adagrad_step_", K.adagrad, written, grad, _for_each(step, numbers), 12, plan)
    return param


def _first_is_one(op: str, step: int) -> None:
    if step < 1:
        raise ValueError(f"{op}: `step` (={step}) must be at least 1")


def _for_each(step: int | list[int], numbers: Callable[[int], tuple]) -> Any:
    """The numbers of a step: one tuple for all parameters, or one for each where their counts differ."""
    if not isinstance(step, list):
        return numbers(step)
    known = {count: numbers(count) for count in set(step)}
    return known[step[0]] if len(known) == 1 else [known[count] for count in step]


def _update(op: str, kernel: Any, written: dict, grad: Any, numbers: Any, work: int, plan: Plan | None) -> None:
    """Launch `kernel` on one parameter, or once on all of a list; `numbers` is a tuple, or one for each parameter."""
    first = written["param"]
    if not isinstance(first, (list, tuple)):
        _step(op, kernel, written, grad, numbers, work)
        return
    for name, column in (*written.items(), ("grad", grad)):
        if not isinstance(column, (list, tuple)) or len(column) != len(first):
            raise ValueError(f"{op}: `{name}` must be a list as long as `param` (={len(first)})")
    if not first:
        return
    columns = list(written.values())
    if plan is None:
        plan = Plan()
        for t in (*itertools.chain(*columns), *grad):
            _check.tensor(op, "param", t)
    if _fits(plan, columns, grad):
        assert plan.table is not None
        shared = isinstance(numbers, tuple)
        values = numbers if shared else list(itertools.chain(*numbers))
        plan.table.launch(kernel, [g._data for g in grad], values, len(numbers if shared else numbers[0]))
        for column in columns:
            for t in column:
                t._version[0] += 1
        return
    for row in range(len(first)):
        each = {name: column[row] for name, column in written.items()}
        _step(op, kernel, each, grad[row], numbers if isinstance(numbers, tuple) else numbers[row], work)


def _fits(plan: Plan, columns: list[Sequence[Tensor]], grads: Sequence[Tensor]) -> bool:
    """Whether one launch can update all: whole, separate storages of one floating-point type on the CPU, all of the
    shape of their parameter; makes the plan's table where it is not the one of these storages.
    """
    tensors = list(itertools.chain(*columns))
    if any(t._strides is not None for t in itertools.chain(tensors, grads)):
        return False
    storages = [t._data for t in tensors]
    shapes = [t._shape for t in columns[0]]
    if plan.table is None or plan.shapes != shapes or not plan.table.holds(storages):
        plan.table, plan.kind, plan.shapes = None, tensors[0]._dtype, shapes
        if plan.kind.is_half or not plan.kind.is_floating_point:
            return False
        if any(type(s) is not np.ndarray for s in storages) or any(t._dtype is not plan.kind for t in tensors):
            return False
        if any(t._shape != shape for column in columns for t, shape in zip(column, shapes, strict=True)):
            return False
        plan.table = Table(tuple(map(math.prod, shapes)), storages)
    kind = plan.kind
    return (
        plan.table.disjoint
        and [g._shape for g in grads] == shapes
        and all(g._dtype is kind and type(g._data) is np.ndarray for g in grads)
    )


def _step(op: str, kernel: Any, written: dict[str, Any], grad: Any, params: tuple, work: int) -> None:
    """Check that everything matches the parameter, then launch `kernel`, which changes what is `written`."""
    targets = [_target(op, name, value) for name, value in written.items()]
    param = targets[0]
    source = from_array(grad) if isinstance(grad, np.ndarray) else _check.tensor(op, "grad", grad)
    shape, kind, place = param._shape, param._dtype, type(param._data)
    _check.floating(op, "param", param)
    for name, t in zip((*list(written)[1:], "grad"), (*targets[1:], source), strict=True):
        if t._shape != shape:
            raise ValueError(f"{op}: `{name}` must have the shape of `param` {shape}; got {t._shape}")
        if t._dtype is not kind:
            raise TypeError(f"{op}: `{name}` must have the dtype of `param` {kind!r}; got {t._dtype!r}")
        if type(t._data) is not place:
            raise RuntimeError(f"{op}: `{name}` must lie on the device of `param` {param.device}; got {t.device}")
    if kind.is_half:
        wide = {name: t.detach().float() for name, t in zip(written, targets, strict=True)}
        _step(op, kernel, wide, source.detach().float(), params, work)
        for t, w in zip(targets, wide.values(), strict=True):
            t.detach().copy_(w)
        return
    storages = tuple(map(flat, targets))
    launch(kernel, storages, (flat(source),), params, math.prod(shape), work)
    for t, values in zip(targets, storages, strict=True):
        if not t.is_contiguous():
            store(t, values)
        t._version[0] += 1


def _target(op: str, name: str, value: Any) -> Tensor:
    """`value` as a Tensor over memory that can be changed in place, element by element."""
    if isinstance(value, np.ndarray):
        t = from_array(value)
        if not np.may_share_memory(t._data, value):
            raise ValueError(f"{op}: `{name}` must be a writable, aligned array without negative strides")
        return t
    t = _check.tensor(op, name, value)
    if t._strides is not None and any(s == 0 and n > 1 for s, n in zip(t._strides, t._shape, strict=True)):
        raise ValueError(f"{op}: `{name}` must not be an expanded view, whose elements share memory; use .clone()")
    return t
