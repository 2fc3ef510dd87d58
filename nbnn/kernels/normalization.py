"""Batch normalisation over (N, C, S), S being the product of the axes after the channels: one row is one channel.

With m the mean and r = 1 / sqrt(var + eps) of a channel, h = (x - m) * r and y = h * weight + bias. Weight and bias may
be None. `training` is 1 where m and r are functions of x (its batch statistics), 0 where they are constants.
"""

from __future__ import annotations

import math

import numpy as np

from nbnn import _jit
from nbnn.kernels._cpu import over_elements, over_rows
from nbnn.kernels._reduce import (
    dot_range,
    lane_count,
    lanes_add,
    lanes_multiply,
    lanes_of,
    lanes_some,
    lanes_store,
    lanes_subtract,
    squares_range,
    sum_range,
)
from nbnn.kernels._vecmath import natural


@over_rows
def batch_norm_stats(c, mean, var, rstd, x, batch, channels, spatial, eps):
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
def batch_norm(row, y, x, mean, rstd, weight, bias, channels, spatial):
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
def batch_norm_backward(c, dx, dweight, dbias, grad, x, mean, rstd, weight, batch, channels, spatial, training):
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
def batch_norm_backward_backward(
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
def running_stat(running, value, momentum, factor):
    """(1 - momentum) * running + momentum * value * factor; `factor`: M / (M - 1) for the variance, 1 for the mean."""
    kind = type(running)
    return running * kind(1.0 - momentum) + value * kind(momentum * factor)


@over_elements(1)
def reciprocal_std(var, eps):
    """1 / sqrt(var + eps)."""
    return type(var)(np.float64(1) / math.sqrt(np.float64(var) + eps))


# CPU, S = 1 (a matrix of N vectors): a channel is a column, and a strip of columns is worked on at once, in lanes. Sums
# run down the rows in groups of 32, as those of `_reduce` do. At (256, 512) statistics take 16 us so, 430 by channel.


@over_rows
def _stats_strip(strip, mean, var, rstd, x, batch, channels, eps):
    width = lane_count(x)
    zero = lanes_of(x, 0)
    k = strip * width
    some = width if channels - k > width else channels - k
    share = lanes_of(x, np.float64(1) / batch)
    middle = zero
    for twice in range(2):  # first the mean (of x - 0), then the variance
        total = zero
        part = zero
        for n in range(batch):
            v = lanes_subtract(lanes_some(x, n * channels + k, some, zero), middle)
            part = lanes_add(part, v if twice == 0 else lanes_multiply(v, v))
            if n % 32 == 31:
                total = lanes_add(total, part)
                part = zero
        result = lanes_multiply(lanes_add(total, part), share)
        if twice == 0:
            middle = result
            lanes_store(mean, k, some, result)
        else:
            lanes_store(var, k, some, result)
    for c in range(k, k + some):
        rstd[natural(c)] = type(x[0])(np.float64(1) / math.sqrt(np.float64(var[natural(c)]) + eps))


@over_rows
def _normalize_vector(n, y, x, mean, rstd, weight, bias, channels):
    for c in range(channels):
        j = natural(n * channels + c)
        scale = rstd[c] if weight is None else rstd[c] * weight[c]
        y[j] = (x[j] - mean[c]) * scale + (type(x[0])(0) if bias is None else bias[c])


@over_rows
def _backward_strip(strip, dx, dweight, dbias, grad, x, mean, rstd, weight, batch, channels, training):
    width = lane_count(x)
    zero = lanes_of(x, 0)
    k = strip * width
    some = width if channels - k > width else channels - k
    middle = lanes_some(mean, k, some, zero)
    r = lanes_some(rstd, k, some, zero)
    total = dot = part = part_dot = zero
    for n in range(batch):
        g = lanes_some(grad, n * channels + k, some, zero)
        h = lanes_subtract(lanes_some(x, n * channels + k, some, zero), middle)
        part = lanes_add(part, g)
        part_dot = lanes_add(part_dot, lanes_multiply(g, h))
        if n % 32 == 31:
            total = lanes_add(total, part)
            dot = lanes_add(dot, part_dot)
            part = part_dot = zero
    total = lanes_add(total, part)
    dot = lanes_multiply(lanes_add(dot, part_dot), r)
    lanes_store(dbias, k, some, total)
    lanes_store(dweight, k, some, dot)
    share = lanes_of(x, np.float64(training) / batch)
    a = lanes_multiply(total, share)
    b = lanes_multiply(lanes_multiply(dot, r), share)
    scale = r if weight is None else lanes_multiply(r, lanes_some(weight, k, some, zero))
    for n in range(batch):
        at = n * channels + k
        h = lanes_subtract(lanes_some(x, at, some, zero), middle)
        g = lanes_subtract(lanes_some(grad, at, some, zero), a)
        lanes_store(dx, at, some, lanes_multiply(lanes_subtract(g, lanes_multiply(h, b)), scale))


_stats_cpu, _stats_strip_cpu = batch_norm_stats.cpu, _stats_strip.cpu
_plane_cpu, _vector_cpu = batch_norm.cpu, _normalize_vector.cpu
_backward_cpu, _backward_strip_cpu = batch_norm_backward.cpu, _backward_strip.cpu


@_jit.jit
def batch_norm_stats_fast(mean, var, rstd, x, workspace, batch, channels, spatial, eps, pool):
    """`batch_norm_stats` on the CPU."""
    if spatial == 1:
        width = lane_count(x)
        args = (mean, var, rstd, x, batch, channels, eps)
        _stats_strip_cpu(args, 0, (channels + width - 1) // width, 1 + 256 // batch, pool)
    else:
        grain = 1 + 32768 // (batch * spatial)
        _stats_cpu((mean, var, rstd, x, batch, channels, spatial, eps), 0, channels, grain, pool)


@_jit.jit
def batch_norm_fast(y, x, mean, rstd, weight, bias, workspace, channels, spatial, pool):
    """`batch_norm` on the CPU."""
    if spatial == 1:
        grain = 1 + 32768 // channels
        _vector_cpu((y, x, mean, rstd, weight, bias, channels), 0, y.size // channels, grain, pool)
    else:
        grain = 1 + 32768 // spatial
        _plane_cpu((y, x, mean, rstd, weight, bias, channels, spatial), 0, y.size // spatial, grain, pool)


@_jit.jit
def batch_norm_backward_fast(
    dx, dweight, dbias, grad, x, mean, rstd, weight, workspace, batch, channels, spatial, training, pool
):
    """`batch_norm_backward` on the CPU."""
    if spatial == 1:
        width = lane_count(x)
        args = (dx, dweight, dbias, grad, x, mean, rstd, weight, batch, channels, training)
        _backward_strip_cpu(args, 0, (channels + width - 1) // width, 1 + 128 // batch, pool)
    else:
        args = (dx, dweight, dbias, grad, x, mean, rstd, weight, batch, channels, spatial, training)
        _backward_cpu(args, 0, channels, 1 + 16384 // (batch * spatial), pool)
