"""Activations made of straight pieces: hardtanh, hardsigmoid, hardswish, hardshrink, softshrink, threshold."""

from __future__ import annotations

from nbnn.kernels._cpu import over_elements

# NaN fails every comparison here: where it must pass, it takes the last branch.


@over_elements(1)
def hardtanh(x, low, high):
    """y = x, at least `low` and at most `high`; NaN stays NaN."""
    x = type(x)(low) if x < type(x)(low) else x
    return type(x)(high) if x > type(x)(high) else x


@over_elements(2)
def hardtanh_backward(grad, x, low, high):
    """dx = grad between the bounds, 0 on and beyond them."""
    dx = type(grad)(0) if x <= type(x)(low) else grad
    return type(grad)(0) if x >= type(x)(high) else dx


@over_elements(1)
def hardsigmoid(x):
    """y = (x + 3) / 6, at least 0 and at most 1."""
    y = x * type(x)(1 / 6) + type(x)(0.5)
    y = type(x)(0) if x <= -3 else y
    return type(x)(1) if x >= 3 else y


@over_elements(2)
def hardsigmoid_backward(grad, x):
    """dx = grad / 6 where -3 < x < 3, else 0."""
    dx = type(grad)(0) if x <= -3 else grad * type(grad)(1 / 6)
    return type(grad)(0) if x >= 3 else dx


@over_elements(1)
def hardswish(x):
    """y = x * (x + 3) / 6 where -3 < x < 3; 0 below, x above."""
    y = x * (x * type(x)(1 / 6) + type(x)(0.5))
    y = type(x)(0) if x <= -3 else y
    return x if x >= 3 else y


@over_elements(2)
def hardswish_backward(grad, x):
    """dx = grad * (x / 3 + 1 / 2) where -3 < x < 3; 0 below, grad above."""
    dx = grad * (x * type(x)(1 / 3) + type(x)(0.5))
    dx = type(grad)(0) if x <= -3 else dx
    return grad if x >= 3 else dx


@over_elements(1)
def hardswish_curvature(x):
    """1 / 3 where -3 < x < 3, else 0."""
    y = type(x)(0) if x <= -3 else type(x)(1 / 3)
    return type(x)(0) if x >= 3 else y


@over_elements(1)
def hardshrink(x, bound):
    """y = 0 where -bound <= x <= bound, else x."""
    return type(x)(0) if abs(x) <= type(x)(bound) else x


@over_elements(2)
def hardshrink_backward(grad, x, bound):
    """dx = 0 where -bound <= x <= bound, else grad."""
    return type(grad)(0) if abs(x) <= type(x)(bound) else grad


@over_elements(1)
def softshrink(x, bound):
    """y = x - bound above, x + bound below, 0 where -bound <= x <= bound."""
    y = x + type(x)(bound) if x < 0 else x - type(x)(bound)
    return type(x)(0) if abs(x) <= type(x)(bound) else y


@over_elements(1)
def threshold(x, bound, value):
    """y = value where x <= bound, else x."""
    return type(x)(value) if x <= type(x)(bound) else x


@over_elements(2)
def threshold_backward(grad, x, bound):
    """dx = 0 where x <= bound, else grad."""
    return type(grad)(0) if x <= type(x)(bound) else grad
