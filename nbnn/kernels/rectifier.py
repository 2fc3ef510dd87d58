"""Rectifiers with another branch below 0: leaky_relu, prelu, elu, selu, celu."""

from __future__ import annotations

from nbnn.kernels import _vecmath as vm
from nbnn.kernels._cpu import over_elements, over_outputs, over_rows
from nbnn.kernels._random import uniform32
from nbnn.kernels._vecmath import inlined, natural


@over_elements(1)
def leaky_relu(x, slope):
    """y = x where x > 0, else slope * x."""
    return x if x > 0 else type(x)(slope) * x


@over_elements(2)
def leaky_relu_backward(grad, x, slope):
    """dx = grad where x > 0, else slope * grad."""
    return grad if x > 0 else type(x)(slope) * grad


@over_elements(1)
def negative_part(x):
    """y = x where x <= 0, else 0."""
    return type(x)(0) if x > 0 else x


@over_elements(2)
def negative_part_backward(grad, x):
    """dx = grad where x <= 0, else 0."""
    return type(grad)(0) if x > 0 else grad


@over_elements(1)
def elu(x, alpha, scale, rate):
    """y = scale * x where x > 0, else alpha * (e**(rate * x) - 1): elu, selu and celu."""
    return type(x)(scale) * x if x > 0 else type(x)(alpha) * vm.expm1(x * type(x)(rate))


@over_elements(2)
def elu_backward(grad, x, alpha, scale, rate):
    """dx = grad * alpha * rate * e**(rate * x) where x <= 0, else (also at NaN) grad * scale."""
    e = type(x)(alpha * rate) * vm.exp(x * type(x)(rate))
    return grad * (e if x <= 0 else type(x)(scale))


@over_elements(1)
def elu_curvature(x, alpha, scale, rate):
    """0 where x > 0, else alpha * rate**2 * e**(rate * x)."""
    e = type(x)(alpha * rate * rate) * vm.exp(x * type(x)(rate))
    return type(x)(0) if x > 0 else e


# prelu sees its input as (outer, channels, inner). A row is one channel of one outer index or, where inner is 1, all
# channels of one outer index: the loop over neighbours is the long one, and LLVM vectorises it.


@over_rows
def prelu(row, y, x, weight, channels, inner):
    """y = x where x > 0, else weight[channel] * x."""
    if inner == 1:
        start = row * channels
        for c in range(channels):
            v = x[natural(start + c)]
            y[natural(start + c)] = v if v > 0 else weight[natural(c)] * v
    else:
        start, w = row * inner, weight[row % channels]
        for k in range(start, start + inner):
            v = x[natural(k)]
            y[natural(k)] = v if v > 0 else w * v


@over_rows
def prelu_backward(row, dx, grad, x, weight, channels, inner):
    """dx = grad where x > 0, else weight[channel] * grad."""
    if inner == 1:
        start = row * channels
        for c in range(channels):
            g = grad[natural(start + c)]
            dx[natural(start + c)] = g if x[natural(start + c)] > 0 else weight[natural(c)] * g
    else:
        start, w = row * inner, weight[row % channels]
        for k in range(start, start + inner):
            g = grad[natural(k)]
            dx[natural(k)] = g if x[natural(k)] > 0 else w * g


@inlined
def _random_slope(x, lower, upper, seed, offset, i):
    """A number between `lower` and `upper` that follows from (seed, offset, i) alone, so that the gradient draws it."""
    return type(x)(lower) + type(x)(upper - lower) * type(x)(uniform32(seed, offset, i))


@over_outputs(1)
def rrelu(i, x, lower, upper, seed, offset):
    """y = x where x > 0, else a random slope times x."""
    v = x[i]
    return v * _random_slope(v, lower, upper, seed, offset, i) if v <= 0 else v


@over_outputs(1)
def rrelu_backward(i, grad, x, lower, upper, seed, offset):
    """dx = grad where x > 0, else the same slope times grad."""
    g = grad[i]
    return g * _random_slope(g, lower, upper, seed, offset, i) if x[i] <= 0 else g
