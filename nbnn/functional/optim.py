"""Steps of the optimizers, in place: one launch updates a parameter and everything kept for it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from nbnn.device import launch
from nbnn.functional import _check
from nbnn.kernels import optim as K
from nbnn.tensor import Tensor, flat, from_array, store


def sgd_step_(
    param: Any,
    grad: Any,
    momentum_buffer: Any = None,
    *,
    lr: float,
    momentum: float = 0.0,
    dampening: float = 0.0,
    weight_decay: float = 0.0,
    nesterov: bool = False,
    maximize: bool = False,
) -> Any:
    r"""One step of stochastic gradient descent, in place: :math:`p \leftarrow p - \text{lr} \cdot d`.

    .. math::
        g = \pm\text{grad} + \text{weight\_decay} \cdot p, \qquad
        b \leftarrow \text{momentum} \cdot b + (1 - \text{dampening})\, g, \qquad
        d = g, \; b \text{ or, with nesterov, } g + \text{momentum} \cdot b

    Parameters
    ----------
    param : Tensor or array
        Changed in place.
    grad : Tensor or array
        Its gradient, of the same shape and dtype.
    momentum_buffer : Tensor or array, optional
        b, changed in place; zeros before the first step. Without it there is no momentum.
    lr : float
        Learning rate.
    momentum, dampening : float
        What is kept of b, and what is held back of the gradient when it enters b.
    weight_decay : float
        Factor of the L2 penalty.
    nesterov : bool
        Look ahead along b, as in [1]_.
    maximize : bool
        Climb instead of descend.

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
        _step("sgd_step_", K.sgd, {"param": param}, grad, (sign, float(lr), float(weight_decay)), 4)
        return param
    params = (sign, float(lr), float(weight_decay), float(momentum), 1.0 - float(dampening), int(nesterov))
    _step("sgd_step_", K.sgd_momentum, {"param": param, "momentum_buffer": momentum_buffer}, grad, params, 6)
    return param


def adam_step_(
    param: Any,
    grad: Any,
    exp_avg: Any,
    exp_avg_sq: Any,
    max_exp_avg_sq: Any = None,
    *,
    step: int,
    lr: float = 0.001,
    betas: Sequence[float] = (0.9, 0.999),
    eps: float = 1e-8,
    weight_decay: float = 0.0,
    decoupled_weight_decay: bool = False,
    maximize: bool = False,
) -> Any:
    r"""One step of Adam, in place.

    .. math::
        m \leftarrow \beta_1 m + (1 - \beta_1)\, g, \qquad
        v \leftarrow \beta_2 v + (1 - \beta_2)\, g^2, \qquad
        p \leftarrow p - \text{lr}\,
            \frac{m / (1 - \beta_1^{\text{step}})}{\sqrt{v / (1 - \beta_2^{\text{step}})} + \epsilon}

    Parameters
    ----------
    param : Tensor or array
        Changed in place.
    grad : Tensor or array
        Its gradient, of the same shape and dtype.
    exp_avg, exp_avg_sq : Tensor or array
        m and v, changed in place; zeros before the first step.
    max_exp_avg_sq : Tensor or array, optional
        The largest v so far, changed in place; given, it stands in the place of v (AMSGrad [2]_).
    step : int
        Number of this step, counted from 1.
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
    if step < 1:
        raise ValueError(f"adam_step_: `step` (={step}) must be at least 1")
    beta1, beta2 = betas
    step_size = lr / (1.0 - beta1**step)
    root = math.sqrt(1.0 - beta2**step)
    shrink, penalty = (1.0 - lr * weight_decay, 0.0) if decoupled_weight_decay else (1.0, float(weight_decay))
    sign = -1.0 if maximize else 1.0
    params = (sign, shrink, penalty, 1.0 - beta1, float(beta2), 1.0 - beta2, step_size, root, float(eps))
    written = {"param": param, "exp_avg": exp_avg, "exp_avg_sq": exp_avg_sq}
    if max_exp_avg_sq is None:
        _step("adam_step_", K.adam, written, grad, params, 16)
    else:
        written["max_exp_avg_sq"] = max_exp_avg_sq
        _step("adam_step_", K.adam_amsgrad, written, grad, params, 18)
    return param


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
