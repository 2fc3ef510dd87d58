"""Losses of numbers against numbers: values, sums and slopes, each loss given by its value and its two derivatives.

A loss is f(x, t, p, a) of an input, a target, the weight p of positive targets (1 in most) and one parameter a. The
kernels of all losses are the templates below, bound to f and its slopes.

A sum over n elements is that of LANES partial sums for each BLOCK elements: lane l of block b adds up the elements
b * BLOCK + l, b * BLOCK + l + LANES, ... in this order, on any number of threads and on CUDA.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from nbnn import _jit
from nbnn.kernels import _vecmath as vm
from nbnn.kernels._cpu import over_outputs, over_rows
from nbnn.kernels._reduce import sum_range
from nbnn.kernels._vecmath import inlined, natural

LANES = 256
BLOCK = 16384

# The templates: their global names `value` and `slope` are bound to a loss.
value: Any = None
slope: Any = None
block_cpu: Any = None


@inlined
def _weighted(v, w, j):
    return v if w is None else v * w[natural(j)]


@inlined
def _positive(x, p, j):
    return type(x[0])(1) if p is None else p[natural(j)]


def _values(i, x, t, w, p, a):
    """y = w f(x, t)"""
    return _weighted(value(x[i], t[i], _positive(x, p, i), type(x[0])(a)), w, i)


def _lanes(i, x, t, w, p, a):
    """out[b, l] = the sum of w f(x, t) over the elements of lane l of block b."""
    total = type(x[0])(0)
    block = i // LANES * BLOCK
    for j in range(block + i % LANES, min(block + BLOCK, x.size), LANES):
        total += _weighted(value(x[j], t[j], _positive(x, p, j), type(x[0])(a)), w, j)
    return total


def _block(b, out, x, t, w, p, a):
    """`_lanes` for one block, all lanes at once."""
    own = b * LANES
    for k in range(LANES):
        out[natural(own + k)] = 0
    at, stop = b * BLOCK, min(b * BLOCK + BLOCK, x.size)
    parameter = type(x[0])(a)
    while at < stop:
        for k in range(min(LANES, stop - at)):
            j = at + k
            v = value(x[natural(j)], t[natural(j)], _positive(x, p, j), parameter)
            out[natural(own + k)] += _weighted(v, w, j)
        at += LANES


def _total(out, lanes, x, t, w, p, workspace, a, divisor, pool):
    """The sum of the lanes, over the divisor of the mean."""
    block_cpu((lanes, x, t, w, p, a), 0, lanes.size // LANES, 2, pool)
    total = sum_range(lanes, 0, lanes.size, 1)
    out[0] = total / type(total)(divisor)


def _slopes(i, g, x, t, w, p, a, step, scale):
    """dx = g scale w f'(x, t); g is one number if step is 0."""
    v = slope(x[i], t[i], _positive(x, p, i), type(x[0])(a))
    return g[i * step] * type(x[0])(scale) * _weighted(v, w, i)


def _slope_block(b, dx, g, x, t, w, p, a, step, scale):
    """`_slopes` for one block."""
    factor, parameter = type(x[0])(scale), type(x[0])(a)
    start, stop = b * BLOCK, min(b * BLOCK + BLOCK, x.size)
    if step == 0:
        factor = g[0] * factor
        for j in range(start, stop):
            v = slope(x[natural(j)], t[natural(j)], _positive(x, p, j), parameter)
            dx[natural(j)] = factor * _weighted(v, w, j)
    else:
        for j in range(start, stop):
            v = slope(x[natural(j)], t[natural(j)], _positive(x, p, j), parameter)
            dx[natural(j)] = g[natural(j)] * factor * _weighted(v, w, j)


def _slopes_fast(dx, g, x, t, w, p, workspace, a, step, scale, pool):
    """`_slopes` on the CPU."""
    block_cpu((dx, g, x, t, w, p, a, step, scale), 0, (x.size + BLOCK - 1) // BLOCK, 2, pool)


class Slope(NamedTuple):
    """One derivative: its kernel and the measured path."""

    kernel: Any
    fast: Any


class Loss(NamedTuple):
    """The kernels of one loss; without a slope by the target it is minus that by the input."""

    values: Any
    lanes: Any
    total: Any
    by_input: Slope
    by_target: Slope | None


def _slope_kernels(name: str, function: Callable) -> Slope:
    found = inlined(function)
    block = over_rows(_jit.bind(_slope_block, f"{name}_slope_block", slope=found))
    fast = _jit.bind(_slopes_fast, f"{name}_slopes_fast", block_cpu=block.cpu)
    return Slope(over_outputs(1)(_jit.bind(_slopes, f"{name}_slopes", slope=found)), _jit.jit(fast, name))


def _loss(name: str, function: Callable, by_input: Callable, by_target: Callable | None = None) -> Loss:
    found = inlined(function)
    block = over_rows(_jit.bind(_block, f"{name}_block", value=found))
    return Loss(
        over_outputs(1)(_jit.bind(_values, name, value=found)),
        over_outputs(1)(_jit.bind(_lanes, f"{name}_lanes", value=found)),
        _jit.jit(_jit.bind(_total, f"{name}_total", block_cpu=block.cpu), name),
        _slope_kernels(f"{name}_input", by_input),
        None if by_target is None else _slope_kernels(f"{name}_target", by_target),
    )


def _squared(x, t, p, a):
    """(x - t)**2"""
    return (x - t) * (x - t)


def _squared_slope(x, t, p, a):
    return type(x)(2) * (x - t)


def _absolute(x, t, p, a):
    """|x - t|"""
    return abs(x - t)


def _absolute_slope(x, t, p, a):
    d = x - t
    return type(x)(1) if d > 0 else (type(x)(-1) if d < 0 else d)


def _smooth(x, t, p, a):
    """(x - t)**2 / (2 a) where |x - t| < a, else |x - t| - a / 2"""
    d = abs(x - t)
    return type(x)(0.5) * d * d / a if d < a else d - type(x)(0.5) * a


def _smooth_slope(x, t, p, a):
    d = x - t
    return d / a if abs(d) < a else (type(x)(1) if d > 0 else (type(x)(-1) if d < 0 else d))


def _huber(x, t, p, a):
    """(x - t)**2 / 2 where |x - t| <= a, else a (|x - t| - a / 2)"""
    d = abs(x - t)
    return type(x)(0.5) * d * d if d <= a else a * (d - type(x)(0.5) * a)


def _huber_slope(x, t, p, a):
    d = x - t
    return d if abs(d) <= a else (a if d > 0 else (-a if d < 0 else d))


@inlined
def _bounded_log(v):
    """ln v that is at least -100, given as ln v; NaN stays."""
    return type(v)(-100) if v < type(v)(-100) else v


def _binary(x, t, p, a):
    """-(t ln x + (1 - t) ln(1 - x)), the logarithms being at least -100; NaN outside [0, 1]"""
    return (t - type(x)(1)) * _bounded_log(vm.log1p(-x)) - t * _bounded_log(vm.log(x))


def _binary_slope(x, t, p, a):
    both = x * (type(x)(1) - x)
    tiny = type(x)(1e-12)
    return (x - t) / (tiny if both < tiny else both)


def _binary_slope_target(x, t, p, a):
    return _bounded_log(vm.log1p(-x)) - _bounded_log(vm.log(x))


@inlined
def _softplus_negative(x):
    """ln(1 + exp(-x)), without overflow"""
    return vm.log1p(vm.exp(-abs(x))) + (-x if x < 0 else type(x)(0))


def _logits(x, t, p, a):
    """(1 - t) x + (1 + (p - 1) t) ln(1 + exp(-x))"""
    one = type(x)(1)
    return (one - t) * x + (one + (p - one) * t) * _softplus_negative(x)


def _logits_slope(x, t, p, a):
    one = type(x)(1)
    return (one + (p - one) * t) * vm.sigmoid(x) - p * t


def _logits_slope_target(x, t, p, a):
    return (p - type(x)(1)) * _softplus_negative(x) - x


def _divergence(x, t, p, a):
    """t (ln t - x), 0 at t = 0"""
    return (t * vm.log(t) if t != 0 else t) - t * x


def _divergence_slope(x, t, p, a):
    return -t


def _divergence_slope_target(x, t, p, a):
    return vm.log(t) + type(x)(1) - x


def _log_divergence(x, t, p, a):
    """exp(t) (t - x)"""
    return vm.exp(t) * (t - x)


def _log_divergence_slope(x, t, p, a):
    return -vm.exp(t)


def _log_divergence_slope_target(x, t, p, a):
    return vm.exp(t) * (t - x + type(x)(1))


@inlined
def _clamped(v):
    """v, or 0 where it is negative; NaN stays"""
    return type(v)(0) if v < 0 else v


def _hinge(x, t, p, a):
    """x where t = 1, max(0, a - x) where t = -1; the sum of both for any other t"""
    return (x if t != -1 else type(x)(0)) + (_clamped(a - x) if t != 1 else type(x)(0))


def _hinge_slope(x, t, p, a):
    return (type(x)(1) if t != -1 else type(x)(0)) - (type(x)(1) if t != 1 and a >= x else type(x)(0))


def _ranking(x, t, p, a):
    """max(0, a - t x)"""
    return _clamped(a - t * x)


def _ranking_slope(x, t, p, a):
    return type(x)(0) if a < t * x else -t


def _ranking_slope_target(x, t, p, a):
    return type(x)(0) if a < t * x else -x


def _soft_margin(x, t, p, a):
    """ln(1 + exp(-t x))"""
    return _softplus_negative(t * x)


def _soft_margin_slope(x, t, p, a):
    return -t * vm.sigmoid(-t * x)


def _soft_margin_slope_target(x, t, p, a):
    return -x * vm.sigmoid(-t * x)


def _cosine(x, t, p, a):
    """1 - x where t = 1, max(0, x - a) where t = -1, else 0"""
    return type(x)(1) - x if t == 1 else (_clamped(x - a) if t == -1 else type(x)(0))


def _cosine_slope(x, t, p, a):
    return type(x)(-1) if t == 1 else (type(x)(1) if t == -1 and x >= a else type(x)(0))


MSE = _loss("mse_loss", _squared, _squared_slope)
L1 = _loss("l1_loss", _absolute, _absolute_slope)
SMOOTH_L1 = _loss("smooth_l1_loss", _smooth, _smooth_slope)
HUBER = _loss("huber_loss", _huber, _huber_slope)
BINARY = _loss("binary_cross_entropy", _binary, _binary_slope, _binary_slope_target)
LOGITS = _loss("binary_cross_entropy_with_logits", _logits, _logits_slope, _logits_slope_target)
DIVERGENCE = _loss("kl_div", _divergence, _divergence_slope, _divergence_slope_target)
LOG_DIVERGENCE = _loss("kl_div_log", _log_divergence, _log_divergence_slope, _log_divergence_slope_target)
HINGE = _loss("hinge_embedding_loss", _hinge, _hinge_slope)
RANKING = _loss("margin_ranking_loss", _ranking, _ranking_slope, _ranking_slope_target)
SOFT_MARGIN = _loss("soft_margin_loss", _soft_margin, _soft_margin_slope, _soft_margin_slope_target)
COSINE = _loss("cosine_embedding_loss", _cosine, _cosine_slope)


@over_rows
def count_outside(row, out, x, low, high):
    """out[row] = how many of the row's BLOCK elements are not in [low, high]; NaN is not."""
    bad = 0
    for j in range(row * BLOCK, min(row * BLOCK + BLOCK, x.size)):
        v = x[natural(j)]
        bad += 1 - ((v >= low) & (v <= high))
    out[row] = bad
