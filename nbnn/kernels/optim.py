"""Bodies of the optimizers' steps: every element of a parameter and of its moments is updated in place.

`sign` is -1 to maximize and 1 to minimize; `step_size` and `root` carry the bias corrections of the step.

Indices are unsigned: with Numba's test for an index from the end, a loop that reads what it writes stays scalar (Adam
on 1e6 float32, two threads: 1.6 against 0.23 ns an element; `_vecmath.natural` does not help here).
"""

from __future__ import annotations

import math

import numpy as np

from nbnn import _jit
from nbnn.kernels import _vecmath
from nbnn.kernels._cpu import arrays_at, over_ranges, over_rows
from nbnn.kernels._vecmath import multiply_add


@_jit.jit
def _penalized(param, grad, sign, weight_decay):
    """g = sign grad + weight_decay param: the gradient with the L2 penalty's; an infinite param is no NaN without it"""
    g = type(param)(sign) * grad
    return g if weight_decay == 0 else multiply_add(type(param)(weight_decay), param, g)


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
    b = multiply_add(kind(momentum), buffer[i], kind(gain) * g)
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
    v = multiply_add(kind(beta2), second[i], kind(rest2) * g * g)
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
    v = multiply_add(kind(beta2), second[i], kind(rest2) * g * g)
    first[i] = m
    second[i] = v
    if not v <= largest[i]:  # a NaN is kept
        largest[i] = v
    param[i] = kind(shrink) * param[i] - _adam_step(m, largest[i], step_size, root, eps)


@over_rows
def rmsprop(i, param, square, grad, sign, lr, weight_decay, alpha, rest, eps):
    """v = alpha v + (1 - alpha) g^2; p -= lr g / (sqrt(v) + eps)"""
    i = np.uint64(i)
    kind = type(param[i])
    g = _penalized(param[i], grad[i], sign, weight_decay)
    v = multiply_add(kind(alpha), square[i], kind(rest) * g * g)
    square[i] = v
    param[i] -= kind(lr) * g / (_vecmath.sqrt(v) + kind(eps))


@over_rows
def rmsprop_momentum(i, param, square, buffer, grad, sign, lr, weight_decay, alpha, rest, eps, momentum):
    """As `rmsprop`, with b = momentum b + g / (sqrt(v) + eps); p -= lr b"""
    i = np.uint64(i)
    kind = type(param[i])
    g = _penalized(param[i], grad[i], sign, weight_decay)
    v = multiply_add(kind(alpha), square[i], kind(rest) * g * g)
    square[i] = v
    b = kind(momentum) * buffer[i] + g / (_vecmath.sqrt(v) + kind(eps))
    buffer[i] = b
    param[i] -= kind(lr) * b


@over_rows
def rmsprop_centered(i, param, square, mean, grad, sign, lr, weight_decay, alpha, rest, eps):
    """As `rmsprop`, with m += (1 - alpha) (g - m) and v - m^2 in the place of v"""
    i = np.uint64(i)
    kind = type(param[i])
    g = _penalized(param[i], grad[i], sign, weight_decay)
    v = multiply_add(kind(alpha), square[i], kind(rest) * g * g)
    m = mean[i] + kind(rest) * (g - mean[i])
    square[i] = v
    mean[i] = m
    param[i] -= kind(lr) * g / (_vecmath.sqrt(v - m * m) + kind(eps))


@over_rows
def rmsprop_centered_momentum(i, param, square, buffer, mean, grad, sign, lr, weight_decay, alpha, rest, eps, momentum):
    """As `rmsprop_centered`, with b = momentum b + g / (sqrt(v - m^2) + eps); p -= lr b"""
    i = np.uint64(i)
    kind = type(param[i])
    g = _penalized(param[i], grad[i], sign, weight_decay)
    v = multiply_add(kind(alpha), square[i], kind(rest) * g * g)
    m = mean[i] + kind(rest) * (g - mean[i])
    square[i] = v
    mean[i] = m
    b = kind(momentum) * buffer[i] + g / (_vecmath.sqrt(v - m * m) + kind(eps))
    buffer[i] = b
    param[i] -= kind(lr) * b


@over_rows
def adagrad(i, param, total, grad, sign, lr, weight_decay, eps):
    """s += g^2; p -= lr g / (sqrt(s) + eps)"""
    i = np.uint64(i)
    g = _penalized(param[i], grad[i], sign, weight_decay)
    s = total[i] + g * g
    total[i] = s
    param[i] -= type(g)(lr) * g / (_vecmath.sqrt(s) + type(g)(eps))


@over_rows
def adamax(i, param, first, largest, grad, sign, weight_decay, rest1, beta2, step_size, eps):
    """m += (1 - beta1) (g - m); u = max(beta2 u, |g| + eps); p -= step_size m / u"""
    i = np.uint64(i)
    kind = type(param[i])
    g = _penalized(param[i], grad[i], sign, weight_decay)
    m = first[i] + kind(rest1) * (g - first[i])
    u = kind(beta2) * largest[i]
    size = abs(g) + kind(eps)
    u = size if size > u or size != size else u  # a NaN of either is kept
    first[i] = m
    largest[i] = u
    param[i] -= kind(step_size) * m / u


@over_rows
def nadam(
    i, param, first, second, grad, sign, shrink, weight_decay, rest1, beta2, rest2, grad_step, mean_step, root, eps
):
    """m and v as for `adam`; p = shrink p - (grad_step g + mean_step m) / (sqrt(v) / root + eps)"""
    i = np.uint64(i)
    kind = type(param[i])
    g = _penalized(param[i], grad[i], sign, weight_decay)
    m = first[i] + kind(rest1) * (g - first[i])
    v = multiply_add(kind(beta2), second[i], kind(rest2) * g * g)
    first[i] = m
    second[i] = v
    move = multiply_add(kind(grad_step), g, kind(mean_step) * m)
    param[i] = kind(shrink) * param[i] - move / (_vecmath.sqrt(v) / kind(root) + kind(eps))


@over_rows
def adadelta(i, param, square, moved, grad, sign, lr, weight_decay, rho, rest, eps):
    """v = rho v + (1 - rho) g^2; d = sqrt(u + eps) / sqrt(v + eps) g; u = rho u + (1 - rho) d^2; p -= lr d"""
    i = np.uint64(i)
    kind = type(param[i])
    g = _penalized(param[i], grad[i], sign, weight_decay)
    v = multiply_add(kind(rho), square[i], kind(rest) * g * g)
    u = moved[i]
    d = _vecmath.sqrt(u + kind(eps)) / _vecmath.sqrt(v + kind(eps)) * g
    square[i] = v
    moved[i] = multiply_add(kind(rho), u, kind(rest) * d * d)
    param[i] -= kind(lr) * d


@over_rows
def rprop(i, param, before, size, grad, sign, minus, plus, low, high):
    """s = clamp(s plus) where g kept its sign, clamp(s minus) and g = 0 where it turned; p -= s sign(g)

    Signs are compared, since the product of two small gradients is 0; a NaN is neither kept nor turned, nor a move.
    """
    i = np.uint64(i)
    kind = type(param[i])
    g = kind(sign) * grad[i]
    last = before[i]
    kept = ((g > 0) & (last > 0)) | ((g < 0) & (last < 0))
    turned = ((g > 0) & (last < 0)) | ((g < 0) & (last > 0))
    s = size[i] * (kind(plus) if kept else (kind(minus) if turned else kind(1)))
    s = kind(low) if s < kind(low) else s
    s = kind(high) if s > kind(high) else s
    g = kind(0) if turned else g
    before[i] = g
    size[i] = s
    param[i] -= s if g > 0 else (-s if g < 0 else kind(0))


@over_rows
def asgd(i, param, mean, grad, sign, weight_decay, shrink, eta, mu):
    """p = shrink p - eta g; a += mu (p - a), or a = p for mu = 1"""
    i = np.uint64(i)
    kind = type(param[i])
    p = multiply_add(kind(shrink), param[i], -kind(eta) * _penalized(param[i], grad[i], sign, weight_decay))
    param[i] = p
    mean[i] = p if mu == 1 else mean[i] + kind(mu) * (p - mean[i])


@over_rows
def scale(i, x, factor):
    """x *= factor"""
    i = np.uint64(i)
    x[i] *= type(x[i])(factor)


@over_rows
def clamp(i, x, low, high):
    """x = low where x < low, high where x > high; a NaN stays"""
    i = np.uint64(i)
    v = x[i]
    v = type(v)(low) if v < low else v
    x[i] = type(v)(high) if v > high else v


# The norm of many arrays as one vector: float64 sums in lanes for each piece, then over the pieces in their order.

LANES = 64  # partial sums of a piece: as many as the CPU can add at once, wherever it runs


@_jit.jit
def _magnitude(x):
    """|x| in float64, in which the square of no float32 overflows"""
    return abs(np.float64(x))


@_jit.jit
def _sum_squares(x, start, stop, sums, at):
    """sums[at + lane] += x^2"""
    full = stop - (stop - start) % LANES
    for i in range(start, full, LANES):
        for j in range(LANES):
            v = np.float64(x[np.uint64(i + j)])
            sums[np.uint64(at + j)] += v * v
    for i in range(full, stop):
        v = np.float64(x[i])
        sums[at + i - full] += v * v


@_jit.jit
def _sum_magnitudes(x, start, stop, sums, at, most, sign):
    """sums[at + lane] += |x|; most[at + lane] becomes the largest sign |x|, passing over NaN"""
    full = stop - (stop - start) % LANES
    for i in range(start, full, LANES):
        for j in range(LANES):
            v = _magnitude(x[np.uint64(i + j)])
            k = np.uint64(at + j)
            sums[k] += v
            most[k] = sign * v if sign * v > most[k] else most[k]
    for i in range(full, stop):
        v = _magnitude(x[i])
        k = at + i - full
        sums[k] += v
        most[k] = sign * v if sign * v > most[k] else most[k]


@_jit.jit
def _sum_powers(x, start, stop, sums, at, power):
    """sums[at] += |x|^p; the number of elements that are not 0 for p = 0"""
    total = 0.0
    for i in range(start, stop):
        v = _magnitude(x[i])
        total += (1.0 if v != 0.0 else 0.0) if power == 0.0 else v**power
    sums[at] = total


@over_ranges
def partial_norms(start, stop, grain, partial, addresses, pieces, likes, power, most):
    """What each piece adds to the norm of order `power`, in `partial` and, for the infinite orders, in `most`"""
    for c in range(start, stop):
        k = 4 * c
        x = arrays_at(addresses, pieces[k], pieces[k + 1], likes)[0]
        lo, hi, at = pieces[k + 2], pieces[k + 3], c * LANES
        for j in range(at, at + LANES):
            partial[j] = 0.0
            most[j] = -np.inf
        if power == 2.0:
            _sum_squares(x, lo, hi, partial, at)
        elif power == 1.0 or abs(power) == np.inf:
            _sum_magnitudes(x, lo, hi, partial, at, most, 1.0 if power > 0.0 else -1.0)
        else:
            _sum_powers(x, lo, hi, partial, at, power)


@over_rows
def norm(i, out, partial, most, pieces, power):
    """The norm: (sum |x|^p)^(1/p), the largest or smallest |x| for infinite p, for 0 how many arrays are not all 0"""
    total, largest, count, last = 0.0, -np.inf, 0.0, -1
    for c in range(pieces.size // 4):
        part = 0.0
        for j in range(c * LANES, (c + 1) * LANES):
            part += partial[j]
            largest = max(largest, most[j])
        total += part
        if part != 0.0 and pieces[4 * c] != last:
            count, last = count + 1.0, pieces[4 * c]
    if power == 0.0:
        out[i] = count
    elif abs(power) == np.inf:
        out[i] = total if total != total else abs(largest)
    elif power == 2.0:
        out[i] = math.sqrt(total)
    else:
        out[i] = total ** (1.0 / power)
