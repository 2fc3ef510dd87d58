"""Losses: negative log likelihood with its gradient, mean squared error, and the check of class indices.

Input is (N, C, S), S being the product of the axes after the classes; target is (N, S).
"""

from __future__ import annotations

from nbnn import _jit
from nbnn.kernels._cpu import over_elements, over_outputs, over_ranges, over_rows
from nbnn.kernels._vecmath import natural


@over_outputs(2)
def nll_loss(i, x, target, weight, classes, spatial, ignore_index):
    """loss[n, s] = -w[t] * x[n, t, s] and w[t], with t = target[n, s]; both 0 where t is `ignore_index`."""
    t = target[i]
    zero = type(x[0])(0)
    if t == ignore_index:
        return zero, zero
    w = type(zero)(1) if weight is None else weight[t]
    v = x[(i // spatial * classes + t) * spatial + i % spatial]
    return -w * v, w


@over_outputs(1)
def nll_loss_backward(i, grad, target, weight, classes, spatial, ignore_index):
    """dx[n, c, s] = -w[c] * grad[n, s] where target[n, s] is c, else 0; grad is one per element of the target."""
    c = i // spatial % classes
    at = i // (spatial * classes) * spatial + i % spatial
    t = target[at]
    zero = type(grad[0])(0)
    if t != c or t == ignore_index:
        return zero
    return -grad[at] if weight is None else -weight[c] * grad[at]


@over_rows
def _nll_loss_scatter(n, dx, grad, target, weight, classes, spatial, ignore_index):
    """`nll_loss_backward` for one sample: zeros, then one number for each target."""
    first = n * classes * spatial
    for j in range(classes * spatial):
        dx[natural(first + j)] = 0
    for i in range(n * spatial, (n + 1) * spatial):
        t = target[natural(i)]
        if t != ignore_index:
            g = grad[natural(i)]
            dx[natural(first + t * spatial + i - n * spatial)] = -g if weight is None else -weight[natural(t)] * g


_scatter_cpu = _nll_loss_scatter.cpu


@_jit.jit
def nll_loss_backward_fast(dx, grad, target, weight, workspace, classes, spatial, ignore_index, pool):
    """`nll_loss_backward` on the CPU: 0.06 ns an element of dx, where asking each whether it is a target costs 8.7."""
    args = (dx, grad, target, weight, classes, spatial, ignore_index)
    n = classes * spatial
    _scatter_cpu(args, 0, dx.size // n, 1 + 32768 // n, pool)


@over_elements(2)
def mse(a, b):
    """(a - b)**2."""
    return (a - b) * (a - b)


@over_elements(3)
def mse_backward(grad, a, b):
    """d/da = 2 * (a - b) * grad; d/db is its negative."""
    return type(a)(2) * (a - b) * grad


@over_ranges
def find_bad_index(start, stop, grain, out, index, low, high, ignore_index):
    """out[start // grain] = first position whose index is outside [low, high) and not `ignore_index`, or -1."""
    bad = 0
    for i in range(start, stop):  # counted without a branch, so that it vectorises: indices are nearly always good
        v = index[natural(i)]
        bad += ((v < low) | (v >= high)) & (v != ignore_index)
    found = -1
    if bad > 0:
        i = start
        while found < 0:
            v = index[i]
            if (v < low or v >= high) and v != ignore_index:
                found = i
            i += 1
    out[start // grain] = found
