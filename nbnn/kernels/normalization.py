"""Batch normalisation over (N, C, S), S being the product of the axes after the channels: one row is one channel.

With m the mean and r = 1 / sqrt(var + eps) of a channel, h = (x - m) * r and y = h * weight + bias. Weight and bias may be
None. `training` is 1 where m and r are functions of x (its batch statistics), 0 where they are constants.
"""

from __future__ import annotations

import math

import numpy as np

from nbnn.kernels._cpu import over_elements, over_rows
from nbnn.kernels._reduce import dot_range, squares_range, sum_range
from nbnn.kernels._vecmath import natural


@over_rows
def batch_norm_stats(c, mean, var, rstd, x, batch, channels, spatial, eps):  # type: ignore[no-untyped-def]
    """mean[c] and the biased var[c] (two passes) of a channel, and rstd[c] = 1 / sqrt(var + eps)."""
    kind = type(x[0])
    count = batch * spatial
    total = np.float64(0)  # one float64 for a whole segment costs nothing and keeps the mean of large batches exact
    if spatial == 1:
        total += sum_range(x, c, batch, channels)
    else:
        for n in range(batch):
            total += sum_range(x, (n * channels + c) * spatial, spatial, 1)
    middle = kind(total / count)
    spread = np.float64(0)
    if spatial == 1:
        spread += squares_range(x, c, batch, channels, middle)
    else:
        for n in range(batch):
            spread += squares_range(x, (n * channels + c) * spatial, spatial, 1, middle)
    mean[c] = middle
    v = spread / count
    var[c] = kind(v)
    rstd[c] = kind(np.float64(1) / math.sqrt(v + eps))


@over_rows
def batch_norm(row, y, x, mean, rstd, weight, bias, channels, spatial):  # type: ignore[no-untyped-def]
    """y = (x - mean) * rstd * weight + bias; a row is one (n, c), rows are N * C."""
    c = row % channels
    kind = type(x[0])
    m = mean[c]
    scale = rstd[c] if weight is None else rstd[c] * weight[c]
    shift = kind(0) if bias is None else bias[c]
    for k in range(row * spatial, (row + 1) * spatial):
        j = natural(k)
        y[j] = (x[j] - m) * scale + shift


@over_rows
def batch_norm_backward(  # type: ignore[no-untyped-def]
    c, dx, dweight, dbias, grad, x, mean, rstd, weight, batch, channels, spatial, training
):
    """dbias = sum(grad), dweight = sum(grad * h), dx = weight * r * (grad - (dbias + h * dweight) / M).

    M = N * S; without `training` dx = weight * r * grad.
    """
    kind = type(x[0])
    m = mean[c]
    r = rstd[c]
    total = np.float64(0)
    dot = np.float64(0)
    if spatial == 1:
        total += sum_range(grad, c, batch, channels)
        dot += dot_range(grad, c, x, c, batch, channels, m)
    else:
        for n in range(batch):
            at = (n * channels + c) * spatial
            total += sum_range(grad, at, spatial, 1)
            dot += dot_range(grad, at, x, at, spatial, 1, m)
    dbias[c] = kind(total)
    dweight[c] = kind(dot * r)
    scale = r if weight is None else r * weight[c]
    share = np.float64(training) / (batch * spatial)
    a = kind(total * share)
    b = kind(dot * r * r * share)
    if spatial == 1:
        for j in range(c, batch * channels, channels):
            dx[j] = (grad[j] - a - (x[j] - m) * b) * scale
    else:
        for n in range(batch):
            for k in range((n * channels + c) * spatial, (n * channels + c + 1) * spatial):
                j = natural(k)
                dx[j] = (grad[j] - a - (x[j] - m) * b) * scale


@over_rows
def batch_norm_backward_backward(  # type: ignore[no-untyped-def]
    c, dgrad, dx, dweight, v, vw, vb, grad, x, mean, rstd, weight, batch, channels, spatial, training
):
    """Gradients of <v, dx> + vw * dweight + vb * dbias of `batch_norm_backward` for grad, x and weight.

    With G = sum(grad), D = sum(grad * h), V = sum(v), U = sum(v * h), Q = sum(v * grad) - (G * V + D * U) / M and
    centre(t) = t - mean(t) - h * mean(t * h):
    dgrad = weight * r * centre(v) + vw * h + vb, dweight = r * Q,
    dx = -weight * r**2 / M * (h * Q + D * centre(v) + U * centre(grad)) + vw * r * centre(grad).
    Without `training` every term with 1 / M falls away. `vw` and `vb` may be None.
    """
    kind = type(x[0])
    m = mean[c]
    r = rstd[c]
    sg = np.float64(0)  # second derivatives are rare: plain float64 sums in a fixed order
    sd = np.float64(0)
    sv = np.float64(0)
    su = np.float64(0)
    sk = np.float64(0)
    for n in range(batch):
        for j in range((n * channels + c) * spatial, (n * channels + c + 1) * spatial):
            h = (x[j] - m) * r
            sg += grad[j]
            sd += np.float64(grad[j]) * h
            sv += v[j]
            su += np.float64(v[j]) * h
            sk += np.float64(v[j]) * grad[j]
    share = np.float64(training) / (batch * spatial)
    q = sk - (sg * sv + sd * su) * share
    dweight[c] = kind(r * q)
    w = np.float64(1)
    if weight is not None:
        w = np.float64(weight[c])
    aw = np.float64(0)
    if vw is not None:
        aw = np.float64(vw[c])
    ab = np.float64(0)
    if vb is not None:
        ab = np.float64(vb[c])
    outer = w * r * r * share
    for n in range(batch):
        for j in range((n * channels + c) * spatial, (n * channels + c + 1) * spatial):
            h = np.float64((x[j] - m) * r)
            centred_v = v[j] - (sv + h * su) * share
            centred_g = grad[j] - (sg + h * sd) * share
            dgrad[j] = kind(w * r * centred_v + aw * h + ab)
            dx[j] = kind(aw * r * centred_g - outer * (h * q + sd * centred_v + su * centred_g))


@over_elements(2)
def running_stat(running, value, momentum, factor):  # type: ignore[no-untyped-def]
    """(1 - momentum) * running + momentum * value * factor; `factor` is M / (M - 1) for the variance, 1 for the mean."""
    kind = type(running)
    return running * kind(1.0 - momentum) + value * kind(momentum * factor)


@over_elements(1)
def reciprocal_std(var, eps):  # type: ignore[no-untyped-def]
    """1 / sqrt(var + eps)."""
    return type(var)(np.float64(1) / math.sqrt(np.float64(var) + eps))
