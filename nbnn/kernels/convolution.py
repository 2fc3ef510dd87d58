"""Convolution of (N, C, D, H, W) with (O, C / groups, KD, KH, KW): the readable bodies and their twins on the CPU.

One and two dimensions enter with axes of length 1. All kernels share their parameters, all ints:
``n, c, d, h, w, o, kd, kh, kw, od, oh, ow, sd, sh, sw, pd, ph, pw, dd, dh, dw, groups``: the sizes of input, kernel and
output, then stride, (symmetric) padding and dilation.

The gradient to the input is the transposed convolution: one body, one fast path. The fast twins are chosen here; they
stand in rooms of their own:

* `_conv_planes`: where the numbers lie; `_conv_simd`: vectors of pixels,
* `_conv_gemm`: the matrix product that packs its panels straight from the image (forward and transposed),
* `_conv_winograd`: kernels of 3 x 3 in a quarter of the multiplications,
* `_conv_few`: few output channels for each group, depthwise above all,
* `_conv_weight`: the gradients to weight and bias.
"""

from __future__ import annotations

from nbnn import _jit
from nbnn.kernels._conv_few import FEW, few_convolve, few_workspace
from nbnn.kernels._conv_gemm import gemm_convolve, gemm_workspace
from nbnn.kernels._conv_weight import run_sums, weight_gradient, weight_workspace
from nbnn.kernels._conv_winograd import winograd_convolve, winograd_pays, winograd_workspace
from nbnn.kernels._cpu import over_outputs

# The bodies.


@over_outputs(1)
def conv(i, x, weight, bias, n, c, d, h, w, o, kd, kh, kw, od, oh, ow, sd, sh, sw, pd, ph, pw, dd, dh, dw, groups):  # type: ignore[no-untyped-def]
    """Output element i: the bias of its channel (or None) plus the sum over the channels of its group and the taps."""
    px, py, pz = i % ow, i // ow % oh, i // (ow * oh) % od
    channel, image = i // (ow * oh * od) % o, i // (ow * oh * od * o)
    depth = c // groups
    first = channel // (o // groups) * depth
    value = type(x[0])(0)
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
    value = type(grad[0])(0)
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
    total = type(x[0])(0)
    for image in range(n):
        for pz in range(od):
            z = pz * sd - pd + a * dd
            for py in range(oh):
                y = py * sh - ph + b * dh
                if 0 <= z < d and 0 <= y < h:
                    row = (((image * c + source) * d + z) * h + y) * w
                    out = (((image * o + channel) * od + pz) * oh + py) * ow
                    value = type(x[0])(0)
                    for px in range(ow):
                        at = px * sw - pw + e * dw
                        if 0 <= at < w:
                            value += grad[out + px] * x[row + at]
                    total += value
    return total


@over_outputs(1)
def conv_grad_bias(i, grad, n, channels, rows, length):  # type: ignore[no-untyped-def]
    """Bias element i: the sum of the gradient over images and pixels; rows, then images, so that no sum is long."""
    total = type(grad[0])(0)
    for image in range(n):
        plane = type(grad[0])(0)
        for row in range(rows):
            at = ((image * channels + i) * rows + row) * length
            value = type(grad[0])(0)
            for px in range(length):
                value += grad[at + px]
            plane += value
        total += plane
    return total


# The fast twins. Python chooses among compiled functions, so that a program compiles only those that it uses; nopython
# code may call the same lines.


@_jit.shared
def _convolve(out, x, weight, added, lead, w, n, groups, cs, m, flipped, sizes, pool):  # type: ignore[no-untyped-def]
    done = False
    if m <= FEW:
        few_convolve(out, x, weight, added, lead, w, n, groups, cs, m, flipped, sizes, pool)
        done = True
    elif w.itemsize == 4 and winograd_pays(n, groups, cs, m, flipped, sizes):
        done = winograd_convolve(out, x, weight, added, lead, w, n, cs, m, flipped, sizes, pool)
    if not done:
        gemm_convolve(out, x, weight, added, lead, w, n, groups, cs, m, flipped, sizes, pool)


@_jit.shared
def _workspace(n, groups, cs, m, flipped, sizes):  # type: ignore[no-untyped-def]
    if m <= FEW:
        return few_workspace(flipped, sizes)
    size = gemm_workspace(n, groups, cs, m, flipped, sizes)
    if winograd_pays(n, groups, cs, m, flipped, sizes):
        size = max(size, winograd_workspace(n, cs, m, flipped, sizes))
    return size


@_jit.shared
def conv_workspace(n, c, d, h, w, o, kd, kh, kw, od, oh, ow, sd, sh, sw, pd, ph, pw, dd, dh, dw, groups):  # type: ignore[no-untyped-def]
    """Numbers of scratch space of `conv_fast`."""
    sizes = (d, h, w, kd, kh, kw, od, oh, ow, sd, sh, sw, pd, ph, pw, dd, dh, dw)
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
    sizes = (d, h, w, kd, kh, kw, od, oh, ow, sd, sh, sw, pd, ph, pw, dd, dh, dw)
    _convolve(out, x, weight, added, lead, workspace, n, groups, c // groups, o // groups, False, sizes, pool)


@_jit.shared
def conv_transpose_workspace(n, c, d, h, w, o, kd, kh, kw, od, oh, ow, sd, sh, sw, pd, ph, pw, dd, dh, dw, groups):  # type: ignore[no-untyped-def]
    """Numbers of scratch space of `conv_transpose_fast`."""
    sizes = (d, h, w, kd, kh, kw, od, oh, ow, sd, sh, sw, pd, ph, pw, dd, dh, dw)
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
    sizes = (d, h, w, kd, kh, kw, od, oh, ow, sd, sh, sw, pd, ph, pw, dd, dh, dw)
    _convolve(out, grad, weight, added, lead, workspace, n, groups, o // groups, c // groups, True, sizes, pool)


@_jit.shared
def conv_grad_weight_workspace(n, c, d, h, w, o, kd, kh, kw, od, oh, ow, sd, sh, sw, pd, ph, pw, dd, dh, dw, groups):  # type: ignore[no-untyped-def]
    """Numbers of scratch space of `conv_grad_weight_fast`."""
    sizes = (d, h, w, kd, kh, kw, od, oh, ow, sd, sh, sw, pd, ph, pw, dd, dh, dw)
    return weight_workspace(n, groups, c // groups, o // groups, sizes)


@_jit.shared
def conv_grad_weight_fast(
    out, grad, x, workspace,
    n, c, d, h, w, o, kd, kh, kw, od, oh, ow, sd, sh, sw, pd, ph, pw, dd, dh, dw, groups, pool,
):  # fmt: skip  # type: ignore[no-untyped-def]
    """`conv_grad_weight` by the way that is fastest for these sizes."""
    sizes = (d, h, w, kd, kh, kw, od, oh, ow, sd, sh, sw, pd, ph, pw, dd, dh, dw)
    weight_gradient(out, grad, x, workspace, n, groups, c // groups, o // groups, sizes, pool)


@_jit.jit
def conv_grad_bias_fast(out, grad, workspace, n, channels, rows, length, pool):  # type: ignore[no-untyped-def]
    """`conv_grad_bias` on vectors."""
    size = rows * length
    run_sums((out, grad, n, channels, size), 0, channels, max(1, 32768 // max(1, n * size)), pool)
