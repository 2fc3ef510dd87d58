"""Margin losses of classes: each row of scores against its class, or against all its classes."""

from __future__ import annotations

from nbnn.kernels._cpu import over_outputs, over_rows
from nbnn.kernels._vecmath import inlined

# A target of several classes is a row of them that ends with its first negative number.


@inlined
def _listed(target, own, classes, c):
    """Whether c is among the classes of a row."""
    for k in range(classes):
        if target[own + k] < 0:
            return False
        if target[own + k] == c:
            return True
    return False


@over_outputs(1)
def multi_margin_loss(i, x, target, weight, p, margin, classes):
    """y = w_t / C * the sum over c != t of max(0, margin - x_t + x_c)**p"""
    own, t = i * classes, target[i]
    total = type(x[0])(0)
    for c in range(classes):
        z = type(x[0])(margin) - x[own + t] + x[own + c]
        if c != t and not z <= 0:
            total += z if p == 1 else z * z
    return (total if weight is None else total * weight[t]) / type(total)(classes)


@over_rows
def multi_margin_loss_backward(row, dx, g, x, target, weight, v, p, margin, classes, step):
    """dx = g dy/dx, g being one number if step is 0; given v, g times the derivative of dy/dx along v, for p = 2."""
    own, t = row * classes, target[row]
    factor = (g[row * step] if weight is None else g[row * step] * weight[t]) / type(x[0])(classes)
    total = type(x[0])(0)
    for c in range(classes):
        z = type(x[0])(margin) - x[own + t] + x[own + c]
        slope = type(z)(0)
        if c != t and not z <= 0:
            slope = type(z)(1)
            if v is not None:
                slope = type(z)(2) * (v[own + c] - v[own + t])
            elif p == 2:
                slope = type(z)(2) * z
        dx[own + c] = factor * slope
        total += slope
    dx[own + t] = -factor * total


@over_outputs(1)
def multilabel_margin_loss(i, x, target, classes):
    """y = the sum over t in the row's classes and c not in them of max(0, 1 - x_t + x_c), / C"""
    own = i * classes
    total = type(x[0])(0)
    for c in range(classes):
        if not _listed(target, own, classes, c):
            for k in range(classes):
                if target[own + k] < 0:
                    break
                z = type(x[0])(1) - x[own + target[own + k]] + x[own + c]
                total += type(z)(0) if z <= 0 else z
    return total / type(total)(classes)


@over_rows
def multilabel_margin_loss_backward(row, dx, g, x, target, classes, step):
    """dx = g dy/dx, g being one number if step is 0."""
    own = row * classes
    factor = g[row * step] / type(x[0])(classes)
    for c in range(classes):
        dx[own + c] = 0
    for c in range(classes):
        if not _listed(target, own, classes, c):
            for k in range(classes):
                t = target[own + k]
                if t < 0:
                    break
                if not type(x[0])(1) - x[own + t] + x[own + c] <= 0:
                    dx[own + c] += factor
                    dx[own + t] -= factor
