"""Max pooling over (planes, D, H, W); 1-D and 2-D enter with axes of length 1.

An index is torch's: the flat position in the D*H*W plane of the input.
"""

from __future__ import annotations

from nbnn import _jit
from nbnn.kernels._cpu import over_outputs, over_rows
from nbnn.kernels._vecmath import natural


@_jit.jit
def _first(o, stride, padding, dilation):
    """First input position of window `o` that is not padding."""
    at = o * stride - padding
    if at < 0:
        at += (-at + dilation - 1) // dilation * dilation
    return at


@_jit.jit
def _lowest_window(at, kernel, stride, padding, dilation):
    """First window that reaches input position `at`."""
    reach = at + padding - (kernel - 1) * dilation
    return (reach + stride - 1) // stride if reach > 0 else 0


@over_outputs(2)
def max_pool3d(i, x, d, h, w, od, oh, ow, kd, kh, kw, sd, sh, sw, pd, ph, pw, dd, dh, dw):
    """Largest value of the window and its index; the first one wins, a NaN wins over everything."""
    z0 = i // (oh * ow) % od * sd - pd
    y0 = i // ow % oh * sh - ph
    x0 = i % ow * sw - pw
    plane = i // (od * oh * ow) * d * h * w
    first_z = _first(i // (oh * ow) % od, sd, pd, dd)
    first_y = _first(i // ow % oh, sh, ph, dh)
    first_x = _first(i % ow, sw, pw, dw)
    index = (first_z * h + first_y) * w + first_x
    best = x[plane + index]
    for a in range(first_z, min(z0 + (kd - 1) * dd + 1, d), dd):
        for b in range(first_y, min(y0 + (kh - 1) * dh + 1, h), dh):
            for c in range(first_x, min(x0 + (kw - 1) * dw + 1, w), dw):
                v = x[plane + (a * h + b) * w + c]
                if v > best or v != v:
                    best = v
                    index = (a * h + b) * w + c
    return best, index


@over_outputs(1)
def max_pool3d_backward(i, grad, index, d, h, w, od, oh, ow, kd, kh, kw, sd, sh, sw, pd, ph, pw, dd, dh, dw):
    """dx[p] = sum of grad over the windows whose index is p, in the order of the windows."""
    at = i % (d * h * w)
    plane = i // (d * h * w) * od * oh * ow
    az = at // (h * w)
    ay = at // w % h
    ax = at % w
    total = type(grad[0])(0)
    for a in range(_lowest_window(az, kd, sd, pd, dd), min((az + pd) // sd + 1, od)):
        for b in range(_lowest_window(ay, kh, sh, ph, dh), min((ay + ph) // sh + 1, oh)):
            for c in range(_lowest_window(ax, kw, sw, pw, dw), min((ax + pw) // sw + 1, ow)):
                o = plane + (a * oh + b) * ow + c
                if index[o] == at:
                    total += grad[o]
    return total


@over_outputs(1)
def gather_planes(i, x, index, plane_in, plane_out):
    """y[p, o] = x[p, index[p, o]]: the gradient of max_pool3d_backward, and how a pooled value is looked up again."""
    return x[i // plane_out * plane_in + index[i]]


# CPU: a row of outputs at a time. The body's divisions, which cost five times the comparisons, are done once a row; the
# taps come in the body's order, so the result is the same. (One vectorised pass for each tap was slower on rows of 14.)


@over_rows
def _max_pool_row(row, y, index, x, d, h, w, od, oh, ow, kd, kh, kw, sd, sh, sw, pd, ph, pw, dd, dh, dw):
    """`max_pool3d` for the outputs of one (plane, od, oh)."""
    oy = row % oh
    oz = row // oh % od
    plane = row // (oh * od) * d * h * w
    first_z = _first(oz, sd, pd, dd)
    first_y = _first(oy, sh, ph, dh)
    stop_z = min(oz * sd - pd + (kd - 1) * dd + 1, d)
    stop_y = min(oy * sh - ph + (kh - 1) * dh + 1, h)
    for o in range(ow):
        first_x = o * sw - pw if o * sw >= pw else _first(o, sw, pw, dw)
        stop_x = min(o * sw - pw + (kw - 1) * dw + 1, w)
        best = x[natural(plane + (first_z * h + first_y) * w + first_x)]
        where = (first_z * h + first_y) * w + first_x
        a = first_z
        while a < stop_z:  # `while`: a range with a step costs a division on entry
            b = first_y
            while b < stop_y:
                i = (a * h + b) * w + first_x
                stop = i - first_x + stop_x
                while i < stop:
                    v = x[natural(plane + i)]
                    better = (v > best) | (v != v)
                    best = v if better else best
                    where = i if better else where
                    i += dw
                b += dh
            a += dd
        y[natural(row * ow + o)] = best
        index[natural(row * ow + o)] = where


@over_rows
def _max_pool_scatter(plane, dx, grad, index, inputs, outputs):
    """`max_pool3d_backward` for one plane: outputs in ascending order, as the body adds them."""
    for i in range(inputs):
        dx[natural(plane * inputs + i)] = 0
    for o in range(plane * outputs, (plane + 1) * outputs):
        dx[natural(plane * inputs + index[natural(o)])] += grad[natural(o)]


_row_cpu, _scatter_cpu = _max_pool_row.cpu, _max_pool_scatter.cpu


@_jit.jit
def max_pool3d_fast(y, index, x, workspace, d, h, w, od, oh, ow, kd, kh, kw, sd, sh, sw, pd, ph, pw, dd, dh, dw, pool):
    """`max_pool3d` on the CPU."""
    args = (y, index, x, d, h, w, od, oh, ow, kd, kh, kw, sd, sh, sw, pd, ph, pw, dd, dh, dw)
    grain = max(1, 16384 // (ow * kd * kh * kw))
    _row_cpu(args, 0, y.size // ow, grain, pool)


@_jit.jit
def max_pool3d_backward_fast(
    dx, grad, index, workspace, d, h, w, od, oh, ow, kd, kh, kw, sd, sh, sw, pd, ph, pw, dd, dh, dw, pool
):
    """`max_pool3d_backward` on the CPU."""
    inputs = d * h * w
    _scatter_cpu((dx, grad, index, inputs, od * oh * ow), 0, dx.size // inputs, max(1, 16384 // inputs), pool)
