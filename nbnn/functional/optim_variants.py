"""Steps of the rarer optimizers, in place: kin of Adam, and those with a step size of their own for each element."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from nbnn.functional._steps import Plan, first_is_one, for_each, update
from nbnn.kernels import optim as K


def adamax_step_(
    param: Any,
    grad: Any,
    exp_avg: Any,
    exp_inf: Any,
    *,
    step: int | list[int],
    lr: float = 0.002,
    betas: Sequence[float] = (0.9, 0.999),
    eps: float = 1e-8,
    weight_decay: float = 0.0,
    maximize: bool = False,
    plan: Plan | None = None,
) -> Any:
    r"""One step of Adamax [1]_, in place.

    .. math::
        m \leftarrow \beta_1 m + (1 - \beta_1)\, g, \qquad
        u \leftarrow \max(\beta_2 u, |g| + \epsilon), \qquad
        p \leftarrow p - \frac{\text{lr}}{1 - \beta_1^{\text{step}}} \frac{m}{u}

    Parameters
    ----------
    param : Tensor, array or list of Tensors
        Changed in place. For a list, all arguments up to `step` are lists of that length, and one launch updates all.
    grad : Tensor or array
        Its gradient, of the same shape and dtype.
    exp_avg, exp_inf : Tensor or array
        m and u, changed in place; zeros before the first step.
    step : int
        Number of this step, counted from 1; for a list of parameters one for all or a list.
    lr : float
        Learning rate.
    betas : pair of float
        Decay rates of m and u.
    eps : float
        Keeps u from 0.
    weight_decay : float
        Factor of the L2 penalty, which enters g.
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
    .. [1] D. P. Kingma, J. Ba, "Adam: a method for stochastic optimization", ICLR 2015, section 7.

    Examples
    --------
    >>> import nbnn
    >>> from nbnn.functional.optim_variants import adamax_step_
    >>> adamax_step_(nbnn.tensor([1.0, 2.0]), nbnn.tensor([3.0, -3.0]), nbnn.zeros(2), nbnn.zeros(2), step=1, lr=0.5)
    tensor([0.5000, 2.5000])
    """
    beta1, beta2 = betas
    base = (-1.0 if maximize else 1.0, float(weight_decay), 1.0 - beta1, float(beta2))

    def numbers(count: int) -> tuple[float, ...]:
        first_is_one("adamax_step_", count)
        return (*base, lr / (1.0 - beta1**count), float(eps))

    written = {"param": param, "exp_avg": exp_avg, "exp_inf": exp_inf}
    each = for_each("adamax_step_", param, numbers, step=step)
    update("adamax_step_", K.adamax, written, grad, each, 14, plan)
    return param


def nadam_momentum(step: int, beta1: float = 0.9, momentum_decay: float = 0.004) -> float:
    r"""The momentum of one step of NAdam, :math:`\mu_t = \beta_1 (1 - 0.96^{t\,\text{momentum\_decay}} / 2)`.

    Parameters
    ----------
    step : int
        t, counted from 1.
    beta1 : float
        What it tends to.
    momentum_decay : float
        How fast.

    Returns
    -------
    float

    Examples
    --------
    >>> from nbnn.functional.optim_variants import nadam_momentum
    >>> nadam_momentum(1, momentum_decay=0.0)
    0.45
    """
    return beta1 * (1.0 - 0.5 * 0.96 ** (step * momentum_decay))


def nadam_step_(
    param: Any,
    grad: Any,
    exp_avg: Any,
    exp_avg_sq: Any,
    *,
    step: int | list[int],
    mu_product: float | list[float],
    lr: float = 0.002,
    betas: Sequence[float] = (0.9, 0.999),
    eps: float = 1e-8,
    weight_decay: float = 0.0,
    momentum_decay: float = 0.004,
    decoupled_weight_decay: bool = False,
    maximize: bool = False,
    plan: Plan | None = None,
) -> Any:
    r"""One step of NAdam [1]_, in place: Adam with Nesterov's look ahead.

    With m and v as in `adam_step_`, :math:`\mu_t` of `nadam_momentum` and :math:`\pi_t = \mu_1 \cdots \mu_t`,

    .. math::
        p \leftarrow p - \text{lr}\, \left(
            \frac{1 - \mu_t}{1 - \pi_t}\, g + \frac{\mu_{t + 1}}{1 - \pi_t \mu_{t + 1}}\, m
        \right) \Big/ \left( \sqrt{v / (1 - \beta_2^t)} + \epsilon \right)

    Parameters
    ----------
    param, grad, exp_avg, exp_avg_sq, step, betas, eps, weight_decay, decoupled_weight_decay, maximize, plan
        As for `adam_step_`.
    mu_product : float
        :math:`\pi_t`, the momentum of this step included; for a list of parameters one for all or a list.
    lr : float
        Learning rate.
    momentum_decay : float
        How fast the momentum comes to its end value.

    Returns
    -------
    Tensor or array
        `param`.

    Raises
    ------
    TypeError, ValueError, RuntimeError
        As for `adam_step_`; ValueError if `mu_product` is not in [0, 1).

    References
    ----------
    .. [1] T. Dozat, "Incorporating Nesterov momentum into Adam", ICLR workshop 2016.

    Examples
    --------
    >>> import nbnn
    >>> from nbnn.functional.optim_variants import nadam_momentum, nadam_step_
    >>> p, m, v = nbnn.tensor([1.0, 2.0]), nbnn.zeros(2), nbnn.zeros(2)
    >>> nadam_step_(p, nbnn.tensor([3.0, -3.0]), m, v, step=1, mu_product=nadam_momentum(1), lr=0.5)
    tensor([0.4718, 2.5282])
    """
    shrink, penalty = (1.0 - lr * weight_decay, 0.0) if decoupled_weight_decay else (1.0, float(weight_decay))
    beta1, beta2 = betas
    base = (-1.0 if maximize else 1.0, shrink, penalty, 1.0 - beta1, float(beta2), 1.0 - beta2)

    def numbers(count: int, product: float) -> tuple[float, ...]:
        first_is_one("nadam_step_", count)
        if not 0.0 <= product < 1.0:
            raise ValueError(f"nadam_step_: `mu_product` (={product}) must be in [0, 1)")
        now = nadam_momentum(count, beta1, momentum_decay)
        ahead = nadam_momentum(count + 1, beta1, momentum_decay)
        grad_step, mean_step = lr * (1.0 - now) / (1.0 - product), lr * ahead / (1.0 - product * ahead)
        return (*base, grad_step, mean_step, math.sqrt(1.0 - beta2**count), float(eps))

    written = {"param": param, "exp_avg": exp_avg, "exp_avg_sq": exp_avg_sq}
    each = for_each("nadam_step_", param, numbers, step=step, mu_product=mu_product)
    update("nadam_step_", K.nadam, written, grad, each, 18, plan)
    return param


def radam_step_(
    param: Any,
    grad: Any,
    exp_avg: Any,
    exp_avg_sq: Any,
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
    r"""One step of RAdam [1]_, in place: Adam that trusts v only once it has seen enough gradients.

    With m and v as in `adam_step_`, :math:`\rho_\infty = 2 / (1 - \beta_2) - 1` and
    :math:`\rho_t = \rho_\infty - 2 t \beta_2^t / (1 - \beta_2^t)`,

    .. math::
        p \leftarrow p - \frac{\text{lr}\; m}{1 - \beta_1^t}
        \begin{cases}
            \sqrt{\frac{(\rho_t - 4) (\rho_t - 2) \rho_\infty}{(\rho_\infty - 4) (\rho_\infty - 2) \rho_t}}
            \, \frac{\sqrt{1 - \beta_2^t}}{\sqrt{v} + \epsilon} & \rho_t > 5 \\
            1 & \text{otherwise}
        \end{cases}

    Parameters
    ----------
    param, grad, exp_avg, exp_avg_sq, step, betas, eps, weight_decay, decoupled_weight_decay, maximize, plan
        As for `adam_step_`.
    lr : float
        Learning rate.

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
    .. [1] L. Liu et al., "On the variance of the adaptive learning rate and beyond", ICLR 2020.

    Examples
    --------
    >>> import nbnn
    >>> from nbnn.functional.optim_variants import radam_step_
    >>> p, m, v = nbnn.tensor([1.0, 2.0]), nbnn.zeros(2), nbnn.zeros(2)
    >>> radam_step_(p, nbnn.tensor([3.0, -3.0]), m, v, step=1, lr=0.5)
    tensor([-0.5000,  3.5000])
    """
    shrink, penalty = (1.0 - lr * weight_decay, 0.0) if decoupled_weight_decay else (1.0, float(weight_decay))
    beta1, beta2 = betas
    base = (-1.0 if maximize else 1.0, shrink, penalty, 1.0 - beta1, float(beta2), 1.0 - beta2)
    longest = 2.0 / (1.0 - beta2) - 1.0

    def numbers(count: int) -> tuple[float, ...]:
        first_is_one("radam_step_", count)
        left = 1.0 - beta2**count
        length = longest - 2.0 * count * beta2**count / left
        step_size = lr / (1.0 - beta1**count)
        if length <= 5.0:  # sqrt(v) / inf + 1: Adam's kernel divides by 1
            return (*base, step_size, math.inf, 1.0)
        trust = (length - 4.0) * (length - 2.0) * longest / ((longest - 4.0) * (longest - 2.0) * length)
        return (*base, step_size * math.sqrt(trust * left), 1.0, float(eps))

    written = {"param": param, "exp_avg": exp_avg, "exp_avg_sq": exp_avg_sq}
    update("radam_step_", K.adam, written, grad, for_each("radam_step_", param, numbers, step=step), 16, plan)
    return param


def adadelta_step_(
    param: Any,
    grad: Any,
    square_avg: Any,
    acc_delta: Any,
    *,
    lr: float = 1.0,
    rho: float = 0.9,
    eps: float = 1e-6,
    weight_decay: float = 0.0,
    maximize: bool = False,
    plan: Plan | None = None,
) -> Any:
    r"""One step of Adadelta [1]_, in place.

    .. math::
        v \leftarrow \rho v + (1 - \rho)\, g^2, \qquad
        d = \frac{\sqrt{u + \epsilon}}{\sqrt{v + \epsilon}}\, g, \qquad
        u \leftarrow \rho u + (1 - \rho)\, d^2, \qquad
        p \leftarrow p - \text{lr} \cdot d

    Parameters
    ----------
    param : Tensor, array or list of Tensors
        Changed in place. For a list, all arguments up to `lr` are lists of that length, and one launch updates all.
    grad : Tensor or array
        Its gradient, of the same shape and dtype.
    square_avg, acc_delta : Tensor or array
        v and u, changed in place; zeros before the first step.
    lr : float
        Factor of every step.
    rho : float
        Decay rate of v and u.
    eps : float
        Begins the movement, and keeps the denominator from 0.
    weight_decay : float
        Factor of the L2 penalty, which enters g.
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
    .. [1] M. D. Zeiler, "ADADELTA: an adaptive learning rate method", 2012.

    Examples
    --------
    >>> import nbnn
    >>> from nbnn.functional.optim_variants import adadelta_step_
    >>> p, v, u = nbnn.tensor([1.0, 2.0]), nbnn.zeros(2), nbnn.zeros(2)
    >>> adadelta_step_(p, nbnn.tensor([2.0, -2.0]), v, u, rho=0.75, eps=0.0625)
    tensor([0.5149, 2.4851])
    """
    sign = -1.0 if maximize else 1.0
    numbers = (sign, float(lr), float(weight_decay), float(rho), 1.0 - float(rho), float(eps))
    written = {"param": param, "square_avg": square_avg, "acc_delta": acc_delta}
    update("adadelta_step_", K.adadelta, written, grad, numbers, 24, plan)
    return param


def rprop_step_(
    param: Any,
    grad: Any,
    prev: Any,
    step_size: Any,
    *,
    etas: Sequence[float] = (0.5, 1.2),
    step_sizes: Sequence[float] = (1e-6, 50),
    maximize: bool = False,
    plan: Plan | None = None,
) -> Any:
    r"""One step of resilient backpropagation [1]_, in place: only the signs of the gradient count.

    Every element has its own step size s. Where the gradient has the sign of the one before, s grows by the factor
    :math:`\eta_+`; where it has turned, s shrinks by :math:`\eta_-` and this step is left out; then

    .. math::
        s \leftarrow \min(\max(s, s_{\min}), s_{\max}), \qquad p \leftarrow p - s \cdot \text{sign}(g)

    A gradient that is 0 or NaN moves nothing.

    Parameters
    ----------
    param : Tensor, array or list of Tensors
        Changed in place. For a list, all arguments up to `step_size` are lists of that length, and one launch updates
        all.
    grad : Tensor or array
        Its gradient, of the same shape and dtype.
    prev : Tensor or array
        The gradient of the step before, changed in place; zeros before the first step.
    step_size : Tensor or array
        s, changed in place.
    etas : pair of float
        :math:`\eta_-` and :math:`\eta_+`.
    step_sizes : pair of float
        The smallest and the largest s.
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
    .. [1] M. Riedmiller, H. Braun, "A direct adaptive method for faster backpropagation learning: the RPROP
       algorithm", ICNN 1993.

    Examples
    --------
    >>> import nbnn
    >>> from nbnn.functional.optim_variants import rprop_step_
    >>> p, before, s = nbnn.tensor([1.0, 2.0]), nbnn.tensor([5.0, 5.0]), nbnn.full((2,), 0.5)
    >>> rprop_step_(p, nbnn.tensor([3.0, -3.0]), before, s)
    tensor([0.4000, 2.0000])
    """
    minus, plus = map(float, etas)
    low, high = map(float, step_sizes)
    written = {"param": param, "prev": prev, "step_size": step_size}
    update("rprop_step_", K.rprop, written, grad, (-1.0 if maximize else 1.0, minus, plus, low, high), 12, plan)
    return param


def asgd_step_(
    param: Any,
    grad: Any,
    ax: Any,
    *,
    eta: float | list[float],
    mu: float | list[float],
    lambd: float = 1e-4,
    weight_decay: float = 0.0,
    maximize: bool = False,
    plan: Plan | None = None,
) -> Any:
    r"""One step of averaged stochastic gradient descent [1]_, in place.

    .. math::
        p \leftarrow (1 - \lambda \eta)\, p - \eta g, \qquad a \leftarrow a + \mu\, (p - a)

    Parameters
    ----------
    param : Tensor, array or list of Tensors
        Changed in place. For a list, `grad` and `ax` are lists of that length, and one launch updates all.
    grad : Tensor or array
        Its gradient, of the same shape and dtype.
    ax : Tensor or array
        a, the mean of the parameter, changed in place.
    eta : float
        Learning rate of this step; for a list of parameters one for all or a list.
    mu : float
        Weight of this step in the mean; with 1 the mean begins again. For a list one for all or a list.
    lambd : float
        :math:`\lambda`, what each step takes off, in units of `eta`.
    weight_decay : float
        Factor of the L2 penalty, which enters g.
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
    .. [1] B. T. Polyak, A. B. Juditsky, "Acceleration of stochastic approximation by averaging", SIAM J. Control
       Optim. 1992.

    Examples
    --------
    >>> import nbnn
    >>> from nbnn.functional.optim_variants import asgd_step_
    >>> p, a = nbnn.tensor([1.0, 2.0]), nbnn.zeros(2)
    >>> asgd_step_(p, nbnn.tensor([2.0, -2.0]), a, eta=0.25, mu=0.5, lambd=0.0)
    tensor([0.5000, 2.5000])
    >>> a
    tensor([0.2500, 1.2500])
    """
    sign = -1.0 if maximize else 1.0

    def numbers(rate: float, weight: float) -> tuple[float, ...]:
        return (sign, float(weight_decay), 1.0 - lambd * rate, float(rate), float(weight))

    each = for_each("asgd_step_", param, numbers, eta=eta, mu=mu)
    update("asgd_step_", K.asgd, {"param": param, "ax": ax}, grad, each, 8, plan)
    return param
