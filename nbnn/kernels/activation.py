"""Activations: relu, tanh, sigmoid, exp, log, softmax and log_softmax, with their gradients."""

from __future__ import annotations

from nbnn.kernels import _vecmath as vm
from nbnn.kernels._cpu import over_elements, over_rows
from nbnn.kernels._reduce import dot_range, max_range, sum_range
from nbnn.kernels._vecmath import natural


@over_elements(1)
def relu(x):
    """y = max(x, 0); NaN stays NaN and -0.0 becomes 0.0."""
    return type(x)(0) if x <= 0 else x


@over_elements(2)
def relu_backward(grad, x):
    """dx = grad where x > 0, else 0 (the derivative at 0 is chosen to be 0); where x is NaN, grad passes."""
    return type(grad)(0) if x <= 0 else grad


@over_elements(1)
def tanh(x):
    """y = tanh(x)."""
    return vm.tanh(x)


@over_elements(2)
def tanh_backward(grad, y):
    """dx = grad * (1 - y**2), with y = tanh(x)."""
    return grad * (type(y)(1) - y * y)


@over_elements(1)
def sigmoid(x):
    """y = 1 / (1 + exp(-x))."""
    return vm.sigmoid(x)


@over_elements(2)
def sigmoid_backward(grad, y):
    """dx = grad * y * (1 - y), with y = sigmoid(x)."""
    return grad * ((type(y)(1) - y) * y)


@over_elements(1)
def exp(x):
    """y = e**x."""
    return vm.exp(x)


@over_elements(1)
def log(x):
    """y = ln x: -inf at 0, NaN below."""
    return vm.log(x)


# softmax and its kin see an array as (outer, length, inner); row r = o * inner + k begins at o * length * inner + k and
# its elements are `inner` apart.


@over_rows
def softmax(row, y, x, length, inner):
    """y_j = exp(x_j - max x) / sum_k exp(x_k - max x) along the axis; all -inf or any NaN gives NaN, as in torch."""
    start = row // inner * length * inner + row % inner
    peak = max_range(x, start, length, inner)
    if inner == 1:  # a loop of its own, so that LLVM sees unit steps and vectorises exp
        for k in range(start, start + length):
            j = natural(k)
            y[j] = vm.exp(x[j] - peak)
    else:
        for j in range(length):
            y[start + j * inner] = vm.exp(x[start + j * inner] - peak)
    scale = type(peak)(1) / sum_range(y, start, length, inner)
    if inner == 1:
        for k in range(start, start + length):
            j = natural(k)
            y[j] *= scale
    else:
        for j in range(length):
            y[start + j * inner] *= scale


@over_rows
def log_softmax(row, y, x, length, inner):
    """y_j = x_j - max x - log(sum_k exp(x_k - max x)) along the axis; y is scratch space in between."""
    start = row // inner * length * inner + row % inner
    peak = max_range(x, start, length, inner)
    if inner == 1:
        for k in range(start, start + length):
            j = natural(k)
            y[j] = vm.exp(x[j] - peak)
    else:
        for j in range(length):
            y[start + j * inner] = vm.exp(x[start + j * inner] - peak)
    rest = vm.log(sum_range(y, start, length, inner))
    if inner == 1:
        for k in range(start, start + length):
            j = natural(k)
            y[j] = (x[j] - peak) - rest
    else:
        for j in range(length):
            y[start + j * inner] = (x[start + j * inner] - peak) - rest


@over_rows
def softmax_backward(row, dx, grad, y, length, inner):
    """dx_j = y_j * (grad_j - sum_k grad_k * y_k), with y = softmax(x)."""
    start = row // inner * length * inner + row % inner
    dot = dot_range(grad, start, y, start, length, inner, type(grad[0])(0))
    if inner == 1:
        for k in range(start, start + length):
            j = natural(k)
            dx[j] = y[j] * (grad[j] - dot)
    else:
        for j in range(start, start + length * inner, inner):
            dx[j] = y[j] * (grad[j] - dot)


@over_rows
def log_softmax_backward(row, dx, grad, y, length, inner):
    """dx_j = grad_j - exp(y_j) * sum_k grad_k, with y = log_softmax(x)."""
    start = row // inner * length * inner + row % inner
    total = sum_range(grad, start, length, inner)
    if inner == 1:
        for k in range(start, start + length):
            j = natural(k)
            dx[j] = grad[j] - vm.exp(y[j]) * total
    else:
        for j in range(start, start + length * inner, inner):
            dx[j] = grad[j] - vm.exp(y[j]) * total
