"""Steps of the optimizers, in place: one launch updates all parameters and everything kept for them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from nbnn.functional._steps import Plan, first_is_one, for_each, update
from nbnn.kernels import optim as K


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
        update("sgd_step_", K.sgd, {"param": param}, grad, numbers, 4, plan)
        return param
    written = {"param": param, "momentum_buffer": momentum_buffer}
    base = (sign, float(lr), float(weight_decay), float(momentum))
    each = for_each("sgd_step_", param, lambda held: (*base, 1.0 - float(held), float(nesterov)), dampening=dampening)
    update("sgd_step_", K.sgd_momentum, written, grad, each, 6, plan)
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
        first_is_one("adam_step_", count)
        return (*base, lr / (1.0 - beta1**count), math.sqrt(1.0 - beta2**count), float(eps))

    written = {"param": param, "exp_avg": exp_avg, "exp_avg_sq": exp_avg_sq}
    kernel, work = K.adam, 16
    if max_exp_avg_sq is not None:
        written["max_exp_avg_sq"] = max_exp_avg_sq
        kernel, work = K.adam_amsgrad, 18
    update("adam_step_", kernel, written, grad, for_each("adam_step_", param, numbers, step=step), work, plan)
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
    update("rmsprop_step_", kernel, written, grad, numbers, 16, plan)
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
        first_is_one("adagrad_step_", count)
        return (-1.0 if maximize else 1.0, lr / (1.0 + (count - 1) * lr_decay), float(weight_decay), float(eps))

    written = {"param": param, "state_sum": state_sum}
    update("adagrad_step_", K.adagrad, written, grad, for_each("adagrad_step_", param, numbers, step=step), 12, plan)
    return param
