"""Batch normalisation over (N, C, S), S being the product of the axes after the channels: one row is one channel.

With m the mean and r = 1 / sqrt(var + eps) of a channel, h = (x - m) * r and y = h * weight + bias. Weight and bias may
be None. `training` is 1 where m and r are functions of x (its batch statistics), 0 where they are constants.
"""

from __future__ import annotations

import math

import numpy as np

from nbnn import _jit
from nbnn.kernels._cpu import over_elements, over_rows
from nbnn.kernels._norm import plane_sums, streams, write_affine, write_gradient
from nbnn.kernels._reduce import dot_range, squares_range, sum_range
from nbnn.kernels._simd import fma, load_part, splat, store, store_part, zero
from nbnn.kernels._vecmath import natural


@_jit.jit
def _channel_stats(c, x, batch, channels, spatial):
    """Mean and biased variance (two passes) of a channel."""
    count = batch * spatial
    whole = np.float64(0)  # one float64 for a whole segment costs nothing and keeps the mean of large batches exact
    if spatial == 1:
        whole += sum_range(x, c, batch, channels)
    else:
        for n in range(batch):
            whole += sum_range(x, (n * channels + c) * spatial, spatial, 1)
    middle = type(x[0])(whole / count)
    spread = np.float64(0)
    if spatial == 1:
        spread += squares_range(x, c, batch, channels, middle)
    else:
        for n in range(batch):
            spread += squares_range(x, (n * channels + c) * spatial, spatial, 1, middle)
    return middle, spread / count


@over_rows
def batch_norm_stats(c, mean, var, rstd, x, batch, channels, spatial, eps):
    """mean[c] and the biased var[c] of a channel, and rstd[c] = 1 / sqrt(var + eps)."""
    kind = type(x[0])
    m, v = _channel_stats(c, x, batch, channels, spatial)
    mean[c] = m
    var[c] = kind(v)
    rstd[c] = kind(np.float64(1) / math.sqrt(v + eps))


@over_rows
def batch_norm_train(c, y, mean, var, rstd, x, weight, bias, batch, channels, spatial, eps):
    """`batch_norm_stats` and `batch_norm` of a channel, which then still lies in the cache."""
    kind = type(x[0])
    m, v = _channel_stats(c, x, batch, channels, spatial)
    r = kind(np.float64(1) / math.sqrt(v + eps))
    mean[c] = m
    var[c] = kind(v)
    rstd[c] = r
    scale = r if weight is None else r * weight[c]
    shift = kind(0) if bias is None else bias[c]
    for n in range(batch):
        for k in range((n * channels + c) * spatial, (n * channels + c + 1) * spatial):
            j = natural(k)
            y[j] = (x[j] - m) * scale + shift


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
    whole = np.float64(0)
    dot = np.float64(0)
    if spatial == 1:
        whole += sum_range(grad, c, batch, channels)
        dot += dot_range(grad, c, x, c, batch, channels, m)
    else:
        for n in range(batch):
            at = (n * channels + c) * spatial
            whole += sum_range(grad, at, spatial, 1)
            dot += dot_range(grad, at, x, at, spatial, 1, m)
    dbias[c] = kind(whole)
    dweight[c] = kind(dot * r)
    scale = r if weight is None else r * weight[c]
    share = np.float64(training) / (batch * spatial)
    a = kind(whole * share)
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


# CPU, S > 1: planes in explicit vectors.


@over_rows
def _train_planes(c, y, mean, var, rstd, x, weight, bias, batch, channels, spatial, eps, past):
    kind = type(x[0])
    m, v = _channel_stats(c, x, batch, channels, spatial)
    r = kind(np.float64(1) / math.sqrt(v + eps))
    mean[c] = m
    var[c] = kind(v)
    rstd[c] = r
    scale = r if weight is None else r * weight[c]
    shift = kind(0) if bias is None else bias[c]
    for n in range(batch):
        write_affine(y, x, (n * channels + c) * spatial, spatial, m, scale, shift, past)


@over_rows
def _normalize_plane(row, y, x, mean, rstd, weight, bias, channels, spatial, past):
    c = row % channels
    kind = type(x[0])
    scale = rstd[c] if weight is None else rstd[c] * weight[c]
    write_affine(y, x, row * spatial, spatial, mean[c], scale, kind(0) if bias is None else bias[c], past)


@over_rows
def _backward_planes(c, dx, dweight, dbias, grad, x, mean, rstd, weight, batch, channels, spatial, training, past):
    kind = type(x[0])
    m = mean[c]
    r = rstd[c]
    whole = np.float64(0)
    dot = np.float64(0)
    for n in range(batch):
        both, product = plane_sums(grad, x, (n * channels + c) * spatial, spatial, m)
        whole += both
        dot += product
    dbias[c] = kind(whole)
    dweight[c] = kind(dot * r)
    scale = r if weight is None else r * weight[c]
    share = np.float64(training) / (batch * spatial) * scale
    a = kind(whole * share)
    b = kind(dot * r * r * share)
    for n in range(batch):
        write_gradient(dx, grad, x, (n * channels + c) * spatial, spatial, m, scale, a, b, past)


# CPU, S = 1 (a matrix of N vectors): a channel is a column, and a strip of 32 columns is worked on at once. Sums run
# down the rows in groups of 32, as those of `_reduce` do. A strip of 128 rows is read again from the nearest cache.

STRIP = 32


def _strip_row(x, at, some):
    """STRIP numbers of a row; the mask of a whole strip disappears."""
    return load_part(x, at, some, STRIP)


_strip_row = _jit.jit(_strip_row, inline=True)


@_jit.jit
def _column_sums(x, k, some, batch, channels, middle, squared):
    """Sums of x - middle, or of its squares, down a strip of columns."""
    whole = part = zero(x, STRIP)
    for n in range(batch):
        at = n * channels + k
        v = (_strip_row(x, at, STRIP) if some == STRIP else _strip_row(x, at, some)) - middle
        part = fma(v, v, part) if squared else part + v
        if n % 32 == 31:
            whole += part
            part = zero(x, STRIP)
    return whole + part


@over_rows
def _train_strip(strip, y, mean, var, rstd, x, weight, bias, batch, channels, eps):
    """`batch_norm_train`; without y (None) `batch_norm_stats`."""
    kind = type(x[0])
    k = strip * STRIP
    some = min(STRIP, channels - k)
    share = splat(kind(np.float64(1) / batch), STRIP)
    nothing = zero(x, STRIP)
    middle = _column_sums(x, k, some, batch, channels, nothing, False) * share
    store_part(mean, k, middle, some)
    store_part(var, k, _column_sums(x, k, some, batch, channels, middle, True) * share, some)
    for c in range(k, k + some):
        rstd[natural(c)] = kind(np.float64(1) / math.sqrt(np.float64(var[natural(c)]) + eps))
    if y is not None:
        _normalize_strip(y, x, k, some, middle, rstd, weight, bias, 0, batch, channels)


@_jit.jit
def _normalize_strip(y, x, k, some, middle, rstd, weight, bias, start, stop, channels):
    """y of the rows [start, stop) of a strip of columns."""
    scale = _strip_row(rstd, k, some)
    shift = zero(x, STRIP)
    if weight is not None:
        scale *= _strip_row(weight, k, some)
    if bias is not None:
        shift = _strip_row(bias, k, some)
    for n in range(start, stop):
        at = n * channels + k
        if some == STRIP:
            store(y, at, fma(_strip_row(x, at, STRIP) - middle, scale, shift))
        else:
            store_part(y, at, fma(_strip_row(x, at, some) - middle, scale, shift), some)


@over_rows
def _vector_strip(strip, y, x, mean, rstd, weight, bias, batch, channels):
    """`batch_norm` for a strip of columns."""
    k = strip * STRIP
    some = min(STRIP, channels - k)
    _normalize_strip(y, x, k, some, _strip_row(mean, k, some), rstd, weight, bias, 0, batch, channels)


@over_rows
def _backward_strip(strip, dx, dweight, dbias, grad, x, mean, rstd, weight, batch, channels, training):
    kind = type(x[0])
    k = strip * STRIP
    some = min(STRIP, channels - k)
    middle, r = _strip_row(mean, k, some), _strip_row(rstd, k, some)
    whole = dot = part = part_dot = zero(x, STRIP)
    for n in range(batch):
        at = n * channels + k
        g = _strip_row(grad, at, STRIP) if some == STRIP else _strip_row(grad, at, some)
        h = (_strip_row(x, at, STRIP) if some == STRIP else _strip_row(x, at, some)) - middle
        part += g
        part_dot = fma(g, h, part_dot)
        if n % 32 == 31:
            whole += part
            dot += part_dot
            part = part_dot = zero(x, STRIP)
    whole += part
    dot = (dot + part_dot) * r
    store_part(dbias, k, whole, some)
    store_part(dweight, k, dot, some)
    share = splat(kind(np.float64(training) / batch), STRIP)
    a, b = whole * share, dot * r * share
    scale = r if weight is None else r * _strip_row(weight, k, some)
    for n in range(batch):
        at = n * channels + k
        if some == STRIP:
            value = (_strip_row(grad, at, STRIP) - a - (_strip_row(x, at, STRIP) - middle) * b) * scale
            store(dx, at, value)
        else:
            value = (_strip_row(grad, at, some) - a - (_strip_row(x, at, some) - middle) * b) * scale
            store_part(dx, at, value, some)


_train_strip_cpu, _train_cpu = _train_strip.cpu, _train_planes.cpu
_plane_cpu, _vector_cpu = _normalize_plane.cpu, _vector_strip.cpu
_backward_cpu, _backward_strip_cpu = _backward_planes.cpu, _backward_strip.cpu


@_jit.jit
def batch_norm_stats_fast(mean, var, rstd, x, workspace, batch, channels, spatial, eps, pool):
    """`batch_norm_stats` on the CPU for S = 1."""
    args = (None, mean, var, rstd, x, None, None, batch, channels, eps)
    _train_strip_cpu(args, 0, (channels + STRIP - 1) // STRIP, 1 + 512 // batch, pool)


@_jit.jit
def batch_norm_train_vectors_fast(y, mean, var, rstd, x, weight, bias, workspace, batch, channels, spatial, eps, pool):
    """`batch_norm_train` on the CPU for S = 1."""
    args = (y, mean, var, rstd, x, weight, bias, batch, channels, eps)
    _train_strip_cpu(args, 0, (channels + STRIP - 1) // STRIP, 1 + 256 // batch, pool)


@_jit.jit
def batch_norm_vectors_fast(y, x, mean, rstd, weight, bias, workspace, channels, spatial, pool):
    """`batch_norm` on the CPU for S = 1."""
    batch = y.size // channels
    args = (y, x, mean, rstd, weight, bias, batch, channels)
    _vector_cpu(args, 0, (channels + STRIP - 1) // STRIP, 1 + 512 // batch, pool)


@_jit.jit
def batch_norm_planes_fast(y, x, mean, rstd, weight, bias, workspace, channels, spatial, pool):
    """`batch_norm` on the CPU for S > 1."""
    args = (y, x, mean, rstd, weight, bias, channels, spatial, streams(y, spatial))
    _plane_cpu(args, 0, y.size // spatial, 1 + 32768 // spatial, pool)


@_jit.jit
def batch_norm_train_fast(y, mean, var, rstd, x, weight, bias, workspace, batch, channels, spatial, eps, pool):
    """`batch_norm_train` on the CPU for S > 1."""
    args = (y, mean, var, rstd, x, weight, bias, batch, channels, spatial, eps, streams(y, spatial))
    _train_cpu(args, 0, channels, 1 + 16384 // (batch * spatial), pool)


@_jit.jit
def batch_norm_backward_vectors_fast(
    dx, dweight, dbias, grad, x, mean, rstd, weight, workspace, batch, channels, spatial, training, pool
):
    """`batch_norm_backward` on the CPU for S = 1."""
    args = (dx, dweight, dbias, grad, x, mean, rstd, weight, batch, channels, training)
    _backward_strip_cpu(args, 0, (channels + STRIP - 1) // STRIP, 1 + 256 // batch, pool)


@_jit.jit
def batch_norm_backward_planes_fast(
    dx, dweight, dbias, grad, x, mean, rstd, weight, workspace, batch, channels, spatial, training, pool
):
    """`batch_norm_backward` on the CPU for S > 1."""
    args = (dx, dweight, dbias, grad, x, mean, rstd, weight, batch, channels, spatial, training, streams(dx, spatial))
    _backward_cpu(args, 0, channels, 1 + 16384 // (batch * spatial), pool)
