"""Layer, group, instance and RMS normalisation, which are one kernel, `row_norm`.

What is normalised together is a row: `channels` neighbouring channels of `spatial` elements each. An image is `groups`
rows, and has groups * channels weights. With m the mean and r = 1 / sqrt(var + eps) of a row, h = (x - m) * r and
y = h * weight + bias. For `centred` = 0 (RMS) m is 0. Weight and bias may be None.
"""

from __future__ import annotations

import math

import numpy as np

from nbnn import _jit
from nbnn.kernels._cpu import over_ranges, over_rows
from nbnn.kernels._cuda_rows import fold_sum, rows_grid
from nbnn.kernels._norm import plane_sums, streams, write_affine, write_gradient
from nbnn.kernels._reduce import dot_range, squares_range, sum_range
from nbnn.kernels._shuffle import first_lanes, stream
from nbnn.kernels._simd import fma, lanes, load, load_part, splat, store, store_part, total, zero
from nbnn.kernels._tiles import MOST_BLOCKS, SIDE, THREADS, cuda, part, tiled
from nbnn.kernels._vecmath import natural


@over_rows
def row_norm(row, y, mean, rstd, x, weight, bias, groups, channels, spatial, eps, centred):
    """Mean and 1 / sqrt(variance + eps) of a row (two passes, so a large mean cancels nothing), and its y."""
    kind = type(x[0])
    length = channels * spatial
    at = row * length
    m = kind(0)
    if centred != 0:
        m = kind(np.float64(sum_range(x, at, length, 1)) / length)
    v = np.float64(squares_range(x, at, length, 1, m)) / length
    r = kind(np.float64(1) / math.sqrt(v + eps))
    mean[row] = m
    rstd[row] = r
    first = row % groups * channels
    if spatial == 1:
        for c in range(channels):
            w = natural(first + c)
            scale = r if weight is None else r * weight[w]
            j = natural(at + c)
            y[j] = (x[j] - m) * scale + (kind(0) if bias is None else bias[w])
    else:
        for c in range(channels):
            w = natural(first + c)
            scale = r if weight is None else r * weight[w]
            shift = kind(0) if bias is None else bias[w]
            for k in range(at + c * spatial, at + (c + 1) * spatial):
                j = natural(k)
                y[j] = (x[j] - m) * scale + shift


@over_rows
def row_norm_backward(i, dx, dweight, dbias, grad, x, mean, rstd, weight, rows, groups, channels, spatial, centred):
    """The first `rows` items are rows, the others channels.

    With a = grad * weight: dx = r * (a - mean(a) - h * mean(a * h)) (RMS: without mean(a)), dweight = sum(grad * h),
    dbias = sum(grad).
    """
    kind = type(x[0])
    length = channels * spatial
    whole = np.float64(0)
    dot = np.float64(0)
    if i < rows:
        m = mean[i]
        r = rstd[i]
        first = i % groups * channels
        for c in range(channels):
            at = i * length + c * spatial
            w = kind(1) if weight is None else weight[first + c]
            whole += np.float64(sum_range(grad, at, spatial, 1)) * w
            dot += np.float64(dot_range(grad, at, x, at, spatial, 1, m)) * w
        a = kind(whole / length * centred)
        b = kind(dot * r * r / length)
        for c in range(channels):
            w = kind(1) if weight is None else weight[first + c]
            for k in range(i * length + c * spatial, i * length + (c + 1) * spatial):
                dx[k] = (grad[k] * w - a - (x[k] - m) * b) * r
    else:
        c = i - rows
        for n in range(rows // groups):
            row = n * groups + c // channels
            at = row * length + c % channels * spatial
            whole += sum_range(grad, at, spatial, 1)
            dot += np.float64(dot_range(grad, at, x, at, spatial, 1, mean[row])) * rstd[row]
        dweight[c] = kind(dot)
        dbias[c] = kind(whole)


@over_rows
def row_norm_backward_backward(
    row, dgrad, dx, product, v, vw, vb, grad, x, mean, rstd, weight, groups, channels, spatial, centred
):
    """Gradients of <v, dx> + <vw, dweight> + <vb, dbias> of `row_norm_backward` for grad, x and weight.

    With a = grad * weight, centre(t) = t - mean(t) - h * mean(t * h), D = sum(a * h), U = sum(v * h) and
    Q = sum(v * centre(a)): dgrad = weight * r * centre(v) + vw * h + vb, product = grad * r * centre(v), whose sums are
    dweight, and dx = r * centre(vw * grad) - r**2 / M * (h * Q + D * centre(v) + U * centre(a)).
    """
    kind = type(x[0])
    length = channels * spatial
    at = row * length
    first = row % groups * channels
    m = mean[row]
    r = np.float64(rstd[row])
    sa = np.float64(0)  # second derivatives are rare: plain float64 sums in a fixed order
    sd = np.float64(0)
    sv = np.float64(0)
    su = np.float64(0)
    sp = np.float64(0)
    sq = np.float64(0)
    sk = np.float64(0)
    for j in range(length):
        c = first + j // spatial
        a = np.float64(grad[at + j]) * (kind(1) if weight is None else weight[c])
        p = np.float64(grad[at + j]) * vw[c]
        h = (x[at + j] - m) * r
        sa += a
        sd += a * h
        sv += v[at + j]
        su += v[at + j] * h
        sp += p
        sq += p * h
        sk += a * v[at + j]
    share = np.float64(1) / length
    q = sk - (sa * sv * centred + sd * su) * share
    for j in range(length):
        c = first + j // spatial
        w = np.float64(1)
        if weight is not None:
            w = np.float64(weight[c])
        h = (x[at + j] - m) * r
        g = np.float64(grad[at + j])
        centred_v = v[at + j] - (sv * centred + h * su) * share
        centred_a = g * w - (sa * centred + h * sd) * share
        centred_p = g * vw[c] - (sp * centred + h * sq) * share
        dgrad[at + j] = kind(w * r * centred_v + vw[c] * h + vb[c])
        product[at + j] = kind(g * r * centred_v)
        dx[at + j] = kind(r * centred_p - r * r * share * (h * q + sd * centred_v + su * centred_a))


# CUDA: a block works on a row, and on the gradients of a channel (where S = 1 of SIDE neighbouring channels).


def _row_norm_tiles(y, mean, rstd, x, weight, bias, groups, channels, spatial, eps, centred):
    kind = type(x[0])
    shared = cuda.shared.array(THREADS, np.float64)
    t, threads, length = cuda.threadIdx.x, cuda.blockDim.x, channels * spatial
    for row in range(cuda.blockIdx.x, mean.size, cuda.gridDim.x):
        at, stop, first = row * length, (row + 1) * length, row % groups * channels
        m, value = kind(0), kind(0)
        if centred != 0:
            for j in range(at + t, stop, threads):
                value += x[j]
            m = kind(fold_sum(shared, np.float64(value)) / length)
        value = kind(0)
        for j in range(at + t, stop, threads):
            value += (x[j] - m) * (x[j] - m)
        r = kind(np.float64(1) / math.sqrt(fold_sum(shared, np.float64(value)) / length + eps))
        if t == 0:
            mean[row] = m
            rstd[row] = r
        for j in range(at + t, stop, threads):
            c = first + (j - at) // spatial
            value = (x[j] - m) * (r if weight is None else r * weight[c])
            if bias is not None:
                value += bias[c]
            y[j] = value


@part
def _norm_row_gradient(dx, grad, x, mean, rstd, weight, i, groups, channels, spatial, centred, shared):
    """dx of row i."""
    kind = type(x[0])
    t, threads, length = cuda.threadIdx.x, cuda.blockDim.x, channels * spatial
    at, stop, first = i * length, (i + 1) * length, i % groups * channels
    m, r, whole, dot = mean[i], rstd[i], kind(0), kind(0)
    for j in range(at + t, stop, threads):
        g = grad[j]
        if weight is not None:
            g *= weight[first + (j - at) // spatial]
        whole += g
        dot += g * (x[j] - m)
    a = kind(fold_sum(shared, np.float64(whole)) / length * centred)
    b = kind(fold_sum(shared, np.float64(dot)) * r * r / length)
    for j in range(at + t, stop, threads):
        g = grad[j]
        if weight is not None:
            g *= weight[first + (j - at) // spatial]
        dx[j] = (g - a - (x[j] - m) * b) * r


@part
def _norm_channel_gradients(dweight, dbias, grad, x, mean, rstd, strip, rows, groups, channels, spatial, shared):
    """dweight and dbias of the SIDE channels of a strip; a thread sums every (threads / SIDE)-th element of one."""
    t = cuda.threadIdx.x
    lanes, c = cuda.blockDim.x // SIDE, strip * SIDE + t % SIDE
    whole, dot = np.float64(0), np.float64(0)
    if c < groups * channels:
        images, length = rows // groups, channels * spatial
        for j in range(t // SIDE, images * spatial, lanes):
            row = j // spatial * groups + c // channels
            at = row * length + c % channels * spatial + j % spatial
            whole += grad[at]
            dot += np.float64(grad[at] * (x[at] - mean[row])) * rstd[row]
    for k in range(2):
        shared[t] = whole if k == 0 else dot
        cuda.syncthreads()
        half = lanes // 2
        while half > 0:
            if t < half * SIDE:
                shared[t] += shared[t + half * SIDE]
            cuda.syncthreads()
            half //= 2
        if t < SIDE and c < groups * channels:
            if k == 0:
                dbias[c] = shared[t]
            else:
                dweight[c] = shared[t]
        cuda.syncthreads()


def _row_norm_backward_tiles(dx, dweight, dbias, grad, x, mean, rstd, weight, rows, groups, channels, spatial, centred):
    shared = cuda.shared.array(THREADS, np.float64)
    for i in range(cuda.blockIdx.x, rows + (groups * channels + SIDE - 1) // SIDE, cuda.gridDim.x):
        if i < rows:
            _norm_row_gradient(dx, grad, x, mean, rstd, weight, i, groups, channels, spatial, centred, shared)
        else:
            strip = i - rows
            _norm_channel_gradients(dweight, dbias, grad, x, mean, rstd, strip, rows, groups, channels, spatial, shared)


def _row_norm_plan(rows, groups, channels, spatial, eps, centred):
    return rows_grid(rows, channels * spatial)


def _row_norm_backward_plan(items, rows, groups, channels, spatial, centred):
    blocks = min(rows + -(-groups * channels // SIDE), MOST_BLOCKS)
    return None if rows_grid(rows, channels * spatial) is None else (blocks, THREADS)


row_norm.cuda = tiled(_row_norm_tiles, _row_norm_plan)
row_norm_backward.cuda = tiled(_row_norm_backward_tiles, _row_norm_backward_plan)

# CPU: a row is read from memory once and then from the cache, in explicit vectors.


@over_rows
def _vector_row(row, y, mean, rstd, x, weight, bias, groups, channels, eps, centred, past):
    """`row_norm` for S = 1."""
    kind = type(x[0])
    wide = lanes(x)
    at = row * channels
    m = kind(0)
    if centred != 0:
        m = _shifted_sum(x, at, channels, kind(0), 0) / kind(channels)
    v = _shifted_sum(x, at, channels, m, 1) / kind(channels)
    r = kind(np.float64(1) / math.sqrt(np.float64(v) + eps))
    mean[natural(row)] = m
    rstd[natural(row)] = r
    first = row % groups * channels
    middle, scale = splat(m), splat(r)
    full = channels - channels % wide
    if past:
        for j in range(0, full, wide):
            stream(y, at + j, _affine_some(x, middle, scale, weight, bias, at + j, first + j, wide))
    else:
        for j in range(0, full, wide):
            store(y, at + j, _affine_some(x, middle, scale, weight, bias, at + j, first + j, wide))
    if full < channels:
        j, some = full, channels - full
        store_part(y, at + j, _affine_some(x, middle, scale, weight, bias, at + j, first + j, some), some)


def _affine_lanes(x, middle, scale, weight, bias, at, w, some):
    value = (load_part(x, at, some) - middle) * scale
    if weight is not None:
        value *= load_part(weight, w, some)
    if bias is not None:
        value += load_part(bias, w, some)
    return value


_affine_some = _jit.jit(_affine_lanes, inline=True)


@_jit.jit
def _shifted_sum(x, at, length, shift, squared):
    """Sum of x - shift, or of its squares, over a row; blocks of 4096 are added with their rounding errors."""
    wide = lanes(x)
    middle = splat(shift)
    whole = error = type(x[0])(0)
    stop = at + length
    while at < stop:
        end = min(stop, at + 4096)
        a = b = c = d = zero(x)
        if squared != 0:
            while at + 4 * wide <= end:
                p, q = load(x, at) - middle, load(x, at + wide) - middle
                s, t = load(x, at + 2 * wide) - middle, load(x, at + 3 * wide) - middle
                a, b, c, d = fma(p, p, a), fma(q, q, b), fma(s, s, c), fma(t, t, d)
                at += 4 * wide
        else:
            while at + 4 * wide <= end:
                a += load(x, at) - middle
                b += load(x, at + wide) - middle
                c += load(x, at + 2 * wide) - middle
                d += load(x, at + 3 * wide) - middle
                at += 4 * wide
        while at < end:
            p = load_part(x, at, end - at) - middle
            p = first_lanes(p, end - at)
            a = fma(p, p, a) if squared != 0 else a + p
            at += wide
        at = end
        part = total((a + b) + (c + d))
        s = whole + part
        t = s - whole
        lost = (whole - (s - t)) + (part - t)
        error += lost if lost == lost else type(part)(0)  # infinity - infinity is no error of rounding
        whole = s
    return whole + error


@over_rows
def _plane_row(row, y, mean, rstd, x, weight, bias, groups, channels, spatial, eps, centred, past):
    """`row_norm` for planes."""
    kind = type(x[0])
    length = channels * spatial
    at = row * length
    m = kind(0)
    if centred != 0:
        m = _shifted_sum(x, at, length, kind(0), 0) / kind(length)
    v = _shifted_sum(x, at, length, m, 1) / kind(length)
    r = kind(np.float64(1) / math.sqrt(np.float64(v) + eps))
    mean[natural(row)] = m
    rstd[natural(row)] = r
    first = row % groups * channels
    for c in range(channels):
        scale = r if weight is None else r * weight[natural(first + c)]
        shift = kind(0) if bias is None else bias[natural(first + c)]
        write_affine(y, x, at + c * spatial, spatial, m, scale, shift, past)


_vector_row_cpu, _plane_row_cpu = _vector_row.cpu, _plane_row.cpu


@_jit.jit
def row_norm_fast(y, mean, rstd, x, weight, bias, workspace, groups, channels, spatial, eps, centred, pool):
    """`row_norm` on the CPU."""
    grain = 1 + 16384 // (channels * spatial)
    if spatial == 1:
        args = (y, mean, rstd, x, weight, bias, groups, channels, eps, centred, streams(y, channels))
        _vector_row_cpu(args, 0, mean.size, grain, pool)
    else:
        args = (y, mean, rstd, x, weight, bias, groups, channels, spatial, eps, centred, streams(y, spatial))
        _plane_row_cpu(args, 0, mean.size, grain, pool)


# The backward pass reads a row twice, the second time from the cache, and both gradients of the weights come along:
# those of a block of images (S = 1) or of one image (planes) stand in the workspace, and are added up by channel.

IMAGES = 256  # images of one block at most


@_jit.shared
def row_norm_blocks(images, channels, spatial):
    """(how many blocks, images of a block) of the sums over images; `channels` is all of an image."""
    if spatial != 1:
        return images, 1
    some = max(1, min(IMAGES, max(16384 // channels, (images + 31) // 32)))
    return (images + some - 1) // some, some


def _sum_lanes(sums, grad, x, middle, weight, at, w, some):
    """Add `some` elements of a and of a * (x - m) to two vectors of sums, with a = grad * weight."""
    a = load_part(grad, at, some)
    if weight is not None:
        a *= load_part(weight, w, some)
    return sums[0] + a, fma(a, load_part(x, at, some) - middle, sums[1])


def _gradient_lanes(dx, part, grad, x, middle, scale, share, slope, weight, at, w, p, count, some, past):
    """dx of `some` elements, and what they add to the sums for bias (from part[p] on) and weight (`count` further)."""
    g = load_part(grad, at, some)
    h = load_part(x, at, some) - middle
    store_part(part, p, load_part(part, p, some) + g, some)
    store_part(part, p + count, fma(g, h * scale, load_part(part, p + count, some)), some)
    if weight is not None:
        g *= load_part(weight, w, some)
    if past:
        stream(dx, at, (g - share - h * slope) * scale)
    else:
        store_part(dx, at, (g - share - h * slope) * scale, some)


# inlined, so that the masks of whole vectors disappear
_sum_some, _gradient_some = _jit.jit(_sum_lanes, inline=True), _jit.jit(_gradient_lanes, inline=True)


@over_ranges
def _vector_rows_backward(
    start, stop, grain, dx, part, grad, x, mean, rstd, weight, images, some, groups, channels, centred, past
):
    """`row_norm_backward` for S = 1; a chunk is one block of images, with sums of its own in `part`."""
    count = groups * channels
    wide = lanes(x)
    full = channels - channels % wide
    full2 = channels - channels % (2 * wide)
    for block in range(start, stop):
        for j in range(2 * block * count, 2 * (block + 1) * count):
            part[natural(j)] = 0
        for row in range(block * some * groups, min((block + 1) * some, images) * groups):
            w = row % groups * channels
            at = row * channels
            middle, r = splat(mean[natural(row)]), rstd[natural(row)]
            sums = (zero(x), zero(x))
            others = (zero(x), zero(x))
            for j in range(0, full2, 2 * wide):
                sums = _sum_some(sums, grad, x, middle, weight, at + j, w + j, wide)
                others = _sum_some(others, grad, x, middle, weight, at + j + wide, w + j + wide, wide)
            for j in range(full2, channels, wide):
                sums = _sum_some(sums, grad, x, middle, weight, at + j, w + j, min(channels - j, wide))
            kind = type(r)
            a = splat(total(sums[0] + others[0]) / kind(channels) * kind(centred))
            b = splat(total(sums[1] + others[1]) * r * r / kind(channels))
            scale = splat(r)
            p = 2 * block * count + w
            if past:
                for j in range(0, channels, wide):
                    k = at + j
                    _gradient_some(dx, part, grad, x, middle, scale, a, b, weight, k, w + j, p + j, count, wide, True)
            else:
                for j in range(0, full, wide):
                    k = at + j
                    _gradient_some(dx, part, grad, x, middle, scale, a, b, weight, k, w + j, p + j, count, wide, False)
                for j in range(full, channels, wide):
                    k, some_left = at + j, channels - j
                    _gradient_some(
                        dx, part, grad, x, middle, scale, a, b, weight, k, w + j, p + j, count, some_left, False
                    )


@over_rows
def _plane_rows_backward(row, dx, part, grad, x, mean, rstd, weight, groups, channels, spatial, centred, past):
    """`row_norm_backward` for planes; part[n] holds the sums of image n for bias and weight."""
    kind = type(x[0])
    m = mean[natural(row)]
    r = rstd[natural(row)]
    first = row % groups * channels
    count = groups * channels
    p = 2 * (row // groups) * count + first
    whole = np.float64(0)
    dots = np.float64(0)
    for c in range(channels):
        both, dot = plane_sums(grad, x, (row * channels + c) * spatial, spatial, m)
        part[natural(p + c)] = kind(both)
        part[natural(p + c + count)] = kind(dot * r)
        w = kind(1) if weight is None else weight[natural(first + c)]
        whole += both * w
        dots += dot * w
    length = channels * spatial
    a = kind(whole / length * centred * r)
    b = kind(dots * r * r / length * r)
    for c in range(channels):
        scale = r if weight is None else r * weight[natural(first + c)]
        write_gradient(dx, grad, x, (row * channels + c) * spatial, spatial, m, scale, a, b, past)


@over_rows
def _add_up(strip, dweight, dbias, part, blocks, count):
    """The sums of all blocks, for a vector of channels; they join the total in groups of 32."""
    wide = lanes(part)
    c = strip * wide
    some = min(count - c, wide)
    for k in range(2):
        whole = zero(part)
        group = zero(part)
        for block in range(blocks):
            group += load_part(part, (2 * block + k) * count + c, some)
            if block % 32 == 31:
                whole += group
                group = zero(part)
        if k == 0:
            store_part(dbias, c, whole + group, some)
        else:
            store_part(dweight, c, whole + group, some)


_vector_rows_cpu, _plane_rows_cpu, _add_up_cpu = _vector_rows_backward.cpu, _plane_rows_backward.cpu, _add_up.cpu


@_jit.jit
def row_norm_backward_fast(
    dx, dweight, dbias, grad, x, mean, rstd, weight, part, rows, groups, channels, spatial, centred, pool
):
    """`row_norm_backward` on the CPU."""
    images = rows // groups
    count = groups * channels
    blocks, some = row_norm_blocks(images, count, spatial)
    if spatial == 1:
        args = (dx, part, grad, x, mean, rstd, weight, images, some, groups, channels, centred, streams(dx, channels))
        _vector_rows_cpu(args, 0, blocks, 1, pool)
    else:
        args = (dx, part, grad, x, mean, rstd, weight, groups, channels, spatial, centred, streams(dx, spatial))
        _plane_rows_cpu(args, 0, rows, 1 + 16384 // (channels * spatial), pool)
    wide = lanes(part)
    _add_up_cpu((dweight, dbias, part, blocks, count), 0, (count + wide - 1) // wide, 1 + 4096 // blocks, pool)
