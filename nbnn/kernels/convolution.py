"""Convolution of (N, C, D, H, W) with (O, C / groups, KD, KH, KW): the readable bodies and their twins on the CPU.

One and two dimensions enter with axes of length 1. All kernels share their parameters, all ints:
``n, c, d, h, w, o, kd, kh, kw, od, oh, ow, sd, sh, sw, pd, ph, pw, dd, dh, dw, groups``: the sizes of input, kernel and
output, then stride, (symmetric) padding and dilation.

The gradient to the input is the transposed convolution: one body, one fast path. The fast twins are chosen here; they
stand in rooms of their own:

* a kernel that covers the image once (an image of one pixel, above all) is a plain product: `_gemm`,
* `_conv_planes`: where the numbers lie; `_conv_simd`: vectors of pixels,
* `_conv_gemm`: the matrix product that packs its panels straight from the image (forward and transposed),
* `_conv_winograd`: kernels of 3 x 3 in a quarter of the multiplications,
* `_conv_batch`, `_conv_batch_weight`: many small images, side by side,
* `_conv_few`: few output channels for each group, depthwise above all,
* `_conv_weight`: the gradients to weight and bias.
"""

from __future__ import annotations

import numpy as np

from nbnn import _jit
from nbnn.kernels._conv_batch import batch_convolve, batch_pays, batch_workspace
from nbnn.kernels._conv_batch_weight import batch_weight_gradient, batch_weight_pays, batch_weight_workspace
from nbnn.kernels._conv_few import FEW, few_convolve, few_workspace
from nbnn.kernels._conv_gemm import gemm_convolve, gemm_workspace
from nbnn.kernels._conv_weight import run_sums, weight_gradient, weight_workspace
from nbnn.kernels._conv_winograd import winograd_convolve, winograd_pays, winograd_workspace
from nbnn.kernels._cpu import over_outputs
from nbnn.kernels._cuda_conv import WORDS, channel_sum, convolve_tile, weight_tile
from nbnn.kernels._cuda_matrix import DEPTH, SLICE, blocks_of, tiles_pay
from nbnn.kernels._gemm import gemm, workspace_size
from nbnn.kernels._tiles import THREADS, cuda, slices_for, tiled

# The bodies.


@over_outputs(1)
def conv(i, x, weight, bias, n, c, d, h, w, o, kd, kh, kw, od, oh, ow, sd, sh, sw, pd, ph, pw, dd, dh, dw, groups):  # type: ignore[no-untyped-def]
    """Output element i: the bias of its channel (or None) plus the sum over the channels of its group and the taps."""
    px, py, pz = i % ow, i // ow % oh, i // (ow * oh) % od
    channel, image = i // (ow * oh * od) % o, i // (ow * oh * od * o)
    depth = c // groups
    first = channel // (o // groups) * depth
    value = x.dtype.type(0)
    if bias is not None:
        value = bias[channel]
    for k in range(depth):
        for a in range(kd):
            z = pz * sd - pd + a * dd
            for b in range(kh):
                y = py * sh - ph + b * dh
                if 0 <= z < d and 0 <= y < h:
                    row = (((image * c + first + k) * d + z) * h + y) * w
                    tap = (((channel * depth + k) * kd + a) * kh + b) * kw
                    for e in range(kw):
                        at = px * sw - pw + e * dw
                        if 0 <= at < w:
                            value += x[row + at] * weight[tap + e]
    return value


@over_outputs(1)
def conv_transpose(
    i, grad, weight, bias, n, c, d, h, w, o, kd, kh, kw, od, oh, ow, sd, sh, sw, pd, ph, pw, dd, dh, dw, groups
):  # type: ignore[no-untyped-def]
    """Input element i of the convolution gathers the outputs it took part in, plus the bias of its channel, if any."""
    x, y, z = i % w, i // w % h, i // (w * h) % d
    channel, image = i // (w * h * d) % c, i // (w * h * d * c)
    depth, width = c // groups, o // groups
    group, k = channel // depth, channel % depth
    value = grad.dtype.type(0)
    if bias is not None:
        value = bias[channel]
    for j in range(group * width, group * width + width):
        for a in range(kd):
            z_at = z + pd - a * dd
            for b in range(kh):
                y_at = y + ph - b * dh
                if (
                    z_at >= 0
                    and z_at % sd == 0
                    and z_at // sd < od
                    and y_at >= 0
                    and y_at % sh == 0
                    and y_at // sh < oh
                ):
                    row = (((image * o + j) * od + z_at // sd) * oh + y_at // sh) * ow
                    tap = (((j * depth + k) * kd + a) * kh + b) * kw
                    for e in range(kw):
                        x_at = x + pw - e * dw
                        if x_at >= 0 and x_at % sw == 0 and x_at // sw < ow:
                            value += grad[row + x_at // sw] * weight[tap + e]
    return value


@over_outputs(1)
def conv_grad_weight(i, grad, x, n, c, d, h, w, o, kd, kh, kw, od, oh, ow, sd, sh, sw, pd, ph, pw, dd, dh, dw, groups):  # type: ignore[no-untyped-def]
    """Weight element i: over images and rows of the output, the sum of each row's sum of gradient times input."""
    e, b, a = i % kw, i // kw % kh, i // (kw * kh) % kd
    depth = c // groups
    k, channel = i // (kw * kh * kd) % depth, i // (kw * kh * kd * depth)
    source = channel // (o // groups) * depth + k
    total = x.dtype.type(0)
    for image in range(n):
        for pz in range(od):
            z = pz * sd - pd + a * dd
            for py in range(oh):
                y = py * sh - ph + b * dh
                if 0 <= z < d and 0 <= y < h:
                    row = (((image * c + source) * d + z) * h + y) * w
                    out = (((image * o + channel) * od + pz) * oh + py) * ow
                    value = x.dtype.type(0)
                    for px in range(ow):
                        at = px * sw - pw + e * dw
                        if 0 <= at < w:
                            value += grad[out + px] * x[row + at]
                    total += value
    return total


@over_outputs(1)
def conv_grad_bias(i, grad, n, channels, rows, length):  # type: ignore[no-untyped-def]
    """Bias element i: the sum of the gradient over images and pixels; rows, then images, so that no sum is long."""
    total = grad.dtype.type(0)
    for image in range(n):
        plane = grad.dtype.type(0)
        for row in range(rows):
            at = ((image * channels + i) * rows + row) * length
            value = grad.dtype.type(0)
            for px in range(length):
                value += grad[at + px]
            plane += value
        total += plane
    return total


# On CUDA, in tiles of shared memory.


def _conv_tiles(
    out, x, weight, bias,
    n, c, d, h, w, o, kd, kh, kw, od, oh, ow, sd, sh, sw, pd, ph, pw, dd, dh, dw, groups,
):  # fmt: skip  # type: ignore[no-untyped-def]
    left = cuda.shared.array(SLICE, x.dtype)
    right = cuda.shared.array(SLICE, x.dtype)
    table = cuda.shared.array(WORDS, np.int64)
    cs, m, taps = c // groups, o // groups, kd * kh * kw
    source, kernel, result = (d, h, w), (kd, kh, kw), (od, oh, ow)
    convolve_tile(
        out, x, weight, bias, n, groups, cs, m, source, kernel, result, (sd, sh, sw), (-pd, -ph, -pw), (dd, dh, dw),
        (1, 1, 1), cs * taps, taps, left, right, table,
    )  # fmt: skip


def _conv_transpose_tiles(
    out, grad, weight, bias,
    n, c, d, h, w, o, kd, kh, kw, od, oh, ow, sd, sh, sw, pd, ph, pw, dd, dh, dw, groups,
):  # fmt: skip  # type: ignore[no-untyped-def]
    left = cuda.shared.array(SLICE, grad.dtype)
    right = cuda.shared.array(SLICE, grad.dtype)
    table = cuda.shared.array(WORDS, np.int64)
    cs, m, taps = o // groups, c // groups, kd * kh * kw
    source, kernel, result = (od, oh, ow), (kd, kh, kw), (d, h, w)
    convolve_tile(
        out, grad, weight, bias, n, groups, cs, m, source, kernel, result, (1, 1, 1), (pd, ph, pw), (-dd, -dh, -dw),
        (sd, sh, sw), taps, m * taps, left, right, table,
    )  # fmt: skip


def _conv_grad_weight_tiles(
    out, grad, x,
    n, c, d, h, w, o, kd, kh, kw, od, oh, ow, sd, sh, sw, pd, ph, pw, dd, dh, dw, groups,
):  # fmt: skip  # type: ignore[no-untyped-def]
    left = cuda.shared.array(SLICE, x.dtype)
    right = cuda.shared.array(SLICE, x.dtype)
    table = cuda.shared.array(WORDS, np.int64)
    source, kernel, result = (d, h, w), (kd, kh, kw), (od, oh, ow)
    weight_tile(
        out, grad, x, n, groups, c // groups, o // groups, source, kernel, result, (sd, sh, sw), (-pd, -ph, -pw),
        (dd, dh, dw), left, right, table,
    )  # fmt: skip


def _conv_grad_bias_tiles(out, grad, n, channels, rows, length):  # type: ignore[no-untyped-def]
    shared = cuda.shared.array(THREADS, grad.dtype)
    channel_sum(out, grad, n, channels, rows * length, cuda.blockIdx.x, shared)


def _tiles_plan(m, depth, pixels, groups, slices):  # type: ignore[no-untyped-def]
    tiles = groups * blocks_of(m, pixels)
    return (
        ((tiles, slices_for(tiles, depth // DEPTH) if slices else 1), THREADS) if tiles_pay(m, depth, pixels) else None
    )


def _conv_plan(items, n, c, d, h, w, o, kd, kh, kw, od, oh, ow, sd, sh, sw, pd, ph, pw, dd, dh, dw, groups):  # type: ignore[no-untyped-def]
    return _tiles_plan(o // groups, c // groups * kd * kh * kw, n * od * oh * ow, groups, False)


def _conv_transpose_plan(items, n, c, d, h, w, o, kd, kh, kw, od, oh, ow, sd, sh, sw, pd, ph, pw, dd, dh, dw, groups):  # type: ignore[no-untyped-def]
    return _tiles_plan(c // groups, o // groups * kd * kh * kw, n * d * h * w, groups, False)


def _conv_grad_weight_plan(items, n, c, d, h, w, o, kd, kh, kw, od, oh, ow, sd, sh, sw, pd, ph, pw, dd, dh, dw, groups):  # type: ignore[no-untyped-def]
    return _tiles_plan(o // groups, n * od * oh * ow, c // groups * kd * kh * kw, groups, True)


def _conv_grad_bias_plan(items, n, channels, rows, length):  # type: ignore[no-untyped-def]
    return (channels, THREADS) if n * rows * length >= THREADS else None


conv.cuda = tiled(_conv_tiles, _conv_plan)
conv_transpose.cuda = tiled(_conv_transpose_tiles, _conv_transpose_plan)
conv_grad_weight.cuda = tiled(_conv_grad_weight_tiles, _conv_grad_weight_plan)
conv_grad_bias.cuda = tiled(_conv_grad_bias_tiles, _conv_grad_bias_plan)

# The fast twins. Python chooses among compiled functions, so that a program compiles only those that it uses; nopython
# code may call the same lines.


@_jit.shared
def _is_product(n, c, o, groups, sizes):  # type: ignore[no-untyped-def]
    """Whether the kernel covers the image just once, so that the convolution is a plain matrix product."""
    whole = sizes[0] == sizes[3] and sizes[1] == sizes[4] and sizes[2] == sizes[5]
    once = sizes[6] * sizes[7] * sizes[8] == 1 and sizes[12] == 0 and sizes[13] == 0 and sizes[14] == 0
    return whole and once and groups == 1 and n * c * o > 0


@_jit.jit
def _each_tap(w, bias, kernel):  # type: ignore[no-untyped-def]
    """The bias of each channel, once for each tap."""
    for i in range(bias.size * kernel):
        w[i] = bias[i // kernel]


@_jit.shared
def _convolve(out, x, weight, added, lead, w, n, groups, cs, m, flipped, sizes, pool):  # type: ignore[no-untyped-def]
    done = False
    batch = batch_pays(n, groups, cs, m, flipped, sizes)
    if m <= FEW and not batch:
        few_convolve(out, x, weight, added, lead, w, n, groups, cs, m, flipped, sizes, pool)
        done = True
    elif w.itemsize == 4 and winograd_pays(n, groups, cs, m, flipped, sizes, batch):
        done = winograd_convolve(out, x, weight, added, lead, w, n, cs, m, flipped, sizes, pool)
    elif batch:
        batch_convolve(out, x, weight, added, lead, w, n, cs, m, flipped, sizes, pool)
        done = True
    if not done:
        gemm_convolve(out, x, weight, added, lead, w, n, groups, cs, m, flipped, sizes, pool)


@_jit.shared
def _workspace(n, groups, cs, m, flipped, sizes):  # type: ignore[no-untyped-def]
    batch = batch_pays(n, groups, cs, m, flipped, sizes)
    if m <= FEW and not batch:
        return few_workspace(flipped, sizes)
    size = gemm_workspace(n, groups, cs, m, flipped, sizes)
    if batch:
        size = max(size, batch_workspace(n, cs, m, flipped, sizes))
    if winograd_pays(n, groups, cs, m, flipped, sizes, batch):
        size = max(size, winograd_workspace(n, cs, m, flipped, sizes))
    return size


@_jit.shared
def conv_workspace(n, c, d, h, w, o, kd, kh, kw, od, oh, ow, sd, sh, sw, pd, ph, pw, dd, dh, dw, groups):  # type: ignore[no-untyped-def]
    """Numbers of scratch space of `conv_fast`."""
    sizes = (d, h, w, kd, kh, kw, od, oh, ow, sd, sh, sw, pd, ph, pw, dd, dh, dw)
    if _is_product(n, c, o, groups, sizes):
        return workspace_size(n, o, c * kd * kh * kw)
    return _workspace(n, groups, c // groups, o // groups, False, sizes)


@_jit.shared
def conv_fast(
    out, x, weight, bias, workspace,
    n, c, d, h, w, o, kd, kh, kw, od, oh, ow, sd, sh, sw, pd, ph, pw, dd, dh, dw, groups, pool,
):  # fmt: skip  # type: ignore[no-untyped-def]
    """`conv` by the way that is fastest for these sizes."""
    lead, added = 0, weight  # an array in any case: the kernels compile once for with and without bias
    if bias is not None:
        lead, added = 1, bias
    sizes, k = (d, h, w, kd, kh, kw, od, oh, ow, sd, sh, sw, pd, ph, pw, dd, dh, dw), c * kd * kh * kw
    if _is_product(n, c, o, groups, sizes):
        gemm(out, 0, x, 0, weight, 0, bias, 0, n, o, k, k, 1, 1, k, o, workspace, 0, pool)
    else:
        _convolve(out, x, weight, added, lead, workspace, n, groups, c // groups, o // groups, False, sizes, pool)


@_jit.shared
def conv_transpose_workspace(n, c, d, h, w, o, kd, kh, kw, od, oh, ow, sd, sh, sw, pd, ph, pw, dd, dh, dw, groups):  # type: ignore[no-untyped-def]
    """Numbers of scratch space of `conv_transpose_fast`."""
    sizes = (d, h, w, kd, kh, kw, od, oh, ow, sd, sh, sw, pd, ph, pw, dd, dh, dw)
    if _is_product(n, c, o, groups, sizes):
        return workspace_size(n, c * kd * kh * kw, o) + c * kd * kh * kw
    return _workspace(n, groups, o // groups, c // groups, True, sizes)


@_jit.shared
def conv_transpose_fast(
    out, grad, weight, bias, workspace,
    n, c, d, h, w, o, kd, kh, kw, od, oh, ow, sd, sh, sw, pd, ph, pw, dd, dh, dw, groups, pool,
):  # fmt: skip  # type: ignore[no-untyped-def]
    """`conv_transpose` by the way that is fastest for these sizes."""
    lead, added = 0, weight
    if bias is not None:
        lead, added = 1, bias
    sizes, k = (d, h, w, kd, kh, kw, od, oh, ow, sd, sh, sw, pd, ph, pw, dd, dh, dw), c * kd * kh * kw
    if not _is_product(n, c, o, groups, sizes):
        _convolve(out, grad, weight, added, lead, workspace, n, groups, o // groups, c // groups, True, sizes, pool)
    elif bias is None:
        gemm(out, 0, grad, 0, weight, 0, None, 0, n, k, o, o, 1, k, 1, k, workspace, k, pool)
    else:
        _each_tap(workspace, bias, kd * kh * kw)
        gemm(out, 0, grad, 0, weight, 0, workspace, 0, n, k, o, o, 1, k, 1, k, workspace, k, pool)


@_jit.shared
def conv_grad_weight_workspace(n, c, d, h, w, o, kd, kh, kw, od, oh, ow, sd, sh, sw, pd, ph, pw, dd, dh, dw, groups):  # type: ignore[no-untyped-def]
    """Numbers of scratch space of `conv_grad_weight_fast`."""
    sizes = (d, h, w, kd, kh, kw, od, oh, ow, sd, sh, sw, pd, ph, pw, dd, dh, dw)
    if _is_product(n, c, o, groups, sizes):
        return workspace_size(o, c * kd * kh * kw, n)
    if batch_weight_pays(n, groups, c // groups, o // groups, sizes):
        return batch_weight_workspace(n, c, o, sizes)
    return weight_workspace(n, groups, c // groups, o // groups, sizes)


@_jit.shared
def conv_grad_weight_fast(
    out, grad, x, workspace,
    n, c, d, h, w, o, kd, kh, kw, od, oh, ow, sd, sh, sw, pd, ph, pw, dd, dh, dw, groups, pool,
):  # fmt: skip  # type: ignore[no-untyped-def]
    """`conv_grad_weight` by the way that is fastest for these sizes."""
    sizes, k = (d, h, w, kd, kh, kw, od, oh, ow, sd, sh, sw, pd, ph, pw, dd, dh, dw), c * kd * kh * kw
    if _is_product(n, c, o, groups, sizes):
        gemm(out, 0, grad, 0, x, 0, None, 0, o, k, n, 1, o, k, 1, k, workspace, 0, pool)
    elif batch_weight_pays(n, groups, c // groups, o // groups, sizes):
        batch_weight_gradient(out, grad, x, workspace, n, c, o, sizes, pool)
    else:
        weight_gradient(out, grad, x, workspace, n, groups, c // groups, o // groups, sizes, pool)


@_jit.jit
def conv_grad_bias_fast(out, grad, workspace, n, channels, rows, length, pool):  # type: ignore[no-untyped-def]
    """`conv_grad_bias` on vectors."""
    size = rows * length
    run_sums((out, grad, n, channels, size), 0, channels, max(1, 32768 // max(1, n * size)), pool)
