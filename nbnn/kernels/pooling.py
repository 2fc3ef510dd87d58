"""Max pooling over (planes, D, H, W); 1-D and 2-D enter with axes of length 1.

An index is torch's: the flat position in the D*H*W plane of the input.
"""

from __future__ import annotations

from nbnn import _jit
from nbnn.kernels._cpu import over_outputs, over_rows
from nbnn.kernels._vecmath import natural


@_jit.jit
def _first(o, stride, padding, dilation):  # type: ignore[no-untyped-def]
    """First input position of window `o` that is not padding."""
    at = o * stride - padding
    if at < 0:
        at += (-at + dilation - 1) // dilation * dilation
    return at


@_jit.jit
def _lowest_window(at, kernel, stride, padding, dilation):  # type: ignore[no-untyped-def]
    """First window that reaches input position `at`."""
    reach = at + padding - (kernel - 1) * dilation
    return (reach + stride - 1) // stride if reach > 0 else 0


@over_outputs(2)
def max_pool3d(i, x, d, h, w, od, oh, ow, kd, kh, kw, sd, sh, sw, pd, ph, pw, dd, dh, dw):  # type: ignore[no-untyped-def]
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
def max_pool3d_backward(i, grad, index, d, h, w, od, oh, ow, kd, kh, kw, sd, sh, sw, pd, ph, pw, dd, dh, dw):  # type: ignore[no-untyped-def]
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
def gather_planes(i, x, index, plane_in, plane_out):  # type: ignore[no-untyped-def]
    """y[p, o] = x[p, index[p, o]]: the gradient of max_pool3d_backward, and how a pooled value is looked up again."""
    return x[i // plane_out * plane_in + index[i]]


# CPU: a row of outputs at a time, one pass for each tap of the window over the outputs it reaches. No division is left in
# the inner loop, and with a stride of 1 or 2 written out LLVM vectorises it. Taps come in the body's order: same result.


@_jit.jit
def _tap(y, index, x, at, start, stop, source, position, stride):  # type: ignore[no-untyped-def]
    """Compare outputs [start, stop) of the row at `at` with x[source + o * stride], whose index is position + o * stride."""
    if stride == 1:
        for o in range(start, stop):
            v = x[natural(source + o)]
            j = natural(at + o)
            better = (v > y[j]) | (v != v)
            y[j] = v if better else y[j]
            index[j] = position + o if better else index[j]
    elif stride == 2:
        for o in range(start, stop):
            v = x[natural(source + 2 * o)]
            j = natural(at + o)
            better = (v > y[j]) | (v != v)
            y[j] = v if better else y[j]
            index[j] = position + 2 * o if better else index[j]
    else:
        for o in range(start, stop):
            v = x[natural(source + o * stride)]
            j = natural(at + o)
            better = (v > y[j]) | (v != v)
            y[j] = v if better else y[j]
            index[j] = position + o * stride if better else index[j]


@over_rows
def _max_pool_row(row, y, index, x, d, h, w, od, oh, ow, kd, kh, kw, sd, sh, sw, pd, ph, pw, dd, dh, dw):  # type: ignore[no-untyped-def]
    """`max_pool3d` for the outputs of one (plane, od, oh)."""
    oy = row % oh
    oz = row // oh % od
    plane = row // (oh * od) * d * h * w
    at = row * ow
    first_z = _first(oz, sd, pd, dd)
    first_y = _first(oy, sh, ph, dh)
    line = (first_z * h + first_y) * w
    for o in range(ow):  # the first input of each window, padding apart
        i = line + (o * sw - pw if o * sw >= pw else _first(o, sw, pw, dw))
        y[natural(at + o)] = x[natural(plane + i)]
        index[natural(at + o)] = i
    for a in range(first_z, min(oz * sd - pd + (kd - 1) * dd + 1, d), dd):
        for b in range(first_y, min(oy * sh - ph + (kh - 1) * dh + 1, h), dh):
            line = (a * h + b) * w
            for c in range(-pw, kw * dw - pw, dw):  # the input of output o is c + o * sw
                start = (-c + sw - 1) // sw if c < 0 else 0
                stop = min(ow, (w - c + sw - 1) // sw)
                _tap(y, index, x, at, start, stop, plane + line + c, line + c, sw)


@over_rows
def _max_pool_scatter(plane, dx, grad, index, inputs, outputs):  # type: ignore[no-untyped-def]
    """`max_pool3d_backward` for one plane: outputs in ascending order, as the body adds them."""
    for i in range(inputs):
        dx[natural(plane * inputs + i)] = 0
    for o in range(plane * outputs, (plane + 1) * outputs):
        dx[natural(plane * inputs + index[natural(o)])] += grad[natural(o)]


_row_cpu, _scatter_cpu = _max_pool_row.cpu, _max_pool_scatter.cpu


@_jit.jit
def max_pool3d_fast(  # type: ignore[no-untyped-def]
    y, index, x, workspace, d, h, w, od, oh, ow, kd, kh, kw, sd, sh, sw, pd, ph, pw, dd, dh, dw, pool
):
    """`max_pool3d` on the CPU."""
    args = (y, index, x, d, h, w, od, oh, ow, kd, kh, kw, sd, sh, sw, pd, ph, pw, dd, dh, dw)
    grain = max(1, 16384 // (ow * kd * kh * kw))
    _row_cpu(args, 0, y.size // ow, grain, pool)


@_jit.jit
def max_pool3d_backward_fast(  # type: ignore[no-untyped-def]
    dx, grad, index, workspace, d, h, w, od, oh, ow, kd, kh, kw, sd, sh, sw, pd, ph, pw, dd, dh, dw, pool
):
    """`max_pool3d_backward` on the CPU."""
    inputs = d * h * w
    _scatter_cpu((dx, grad, index, inputs, od * oh * ow), 0, dx.size // inputs, max(1, 16384 // inputs), pool)
