"""Bodies of the optimizers' steps: every element of a parameter and of its moments is updated in place.

`sign` is -1 to maximize and 1 to minimize; `step_size` and `root` carry the bias corrections of the step.

Indices are unsigned: with Numba's test for an index from the end, a loop that reads what it writes stays scalar (Adam
on 1e6 float32, two threads: 1.6 against 0.23 ns an element; `_vecmath.natural` does not help here).
"""

from __future__ import annotations

import numpy as np

from nbnn import _jit
from nbnn.kernels import _vecmath
from nbnn.kernels._cpu import over_rows


@_jit.jit
def _penalized(param, grad, sign, weight_decay):
    """g = sign grad + weight_decay param: the gradient with the L2 penalty's; an infinite param is no NaN without it"""
    g = type(param)(sign) * grad
    if weight_decay != 0:
        g += type(param)(weight_decay) * param
    return g


@_jit.jit
def _adam_step(first, second, step_size, root, eps):
    """step_size m / (sqrt(v) / root + eps)"""
    kind = type(first)
    return kind(step_size) * first / (_vecmath.sqrt(second) / kind(root) + kind(eps))


@over_rows
def sgd(i, param, grad, sign, lr, weight_decay):
    """p -= lr g"""
    i = np.uint64(i)
    param[i] -= type(param[i])(lr) * _penalized(param[i], grad[i], sign, weight_decay)


@over_rows
def sgd_momentum(i, param, buffer, grad, sign, lr, weight_decay, momentum, gain, nesterov):
    """b = momentum b + gain g; p -= lr (b, or g + momentum b with Nesterov's rule)"""
    i = np.uint64(i)
    kind = type(param[i])
    g = _penalized(param[i], grad[i], sign, weight_decay)
    b = kind(momentum) * buffer[i] + kind(gain) * g
    buffer[i] = b
    if nesterov != 0:
        b = g + kind(momentum) * b
    param[i] -= kind(lr) * b


@over_rows
def adam(i, param, first, second, grad, sign, shrink, weight_decay, rest1, beta2, rest2, step_size, root, eps):
    """m += (1 - beta1) (g - m); v = beta2 v + (1 - beta2) g^2; p = shrink p - step_size m / (sqrt(v) / root + eps)"""
    i = np.uint64(i)
    kind = type(param[i])
    g = _penalized(param[i], grad[i], sign, weight_decay)
    m = first[i] + kind(rest1) * (g - first[i])
    v = kind(beta2) * second[i] + kind(rest2) * g * g
    first[i] = m
    second[i] = v
    param[i] = kind(shrink) * param[i] - _adam_step(m, v, step_size, root, eps)


@over_rows
def adam_amsgrad(
    i, param, first, second, largest, grad, sign, shrink, weight_decay, rest1, beta2, rest2, step_size, root, eps
):
    """As `adam`, with the largest v so far in the place of v"""
    i = np.uint64(i)
    kind = type(param[i])
    g = _penalized(param[i], grad[i], sign, weight_decay)
    m = first[i] + kind(rest1) * (g - first[i])
    v = kind(beta2) * second[i] + kind(rest2) * g * g
    first[i] = m
    second[i] = v
    if not v <= largest[i]:  # a NaN is kept
        largest[i] = v
    param[i] = kind(shrink) * param[i] - _adam_step(m, largest[i], step_size, root, eps)
