"""Max pooling over (planes, D, H, W); 1-D and 2-D enter with axes of length 1.

An index is torch's: the flat position in the D*H*W plane of the input.
"""

from __future__ import annotations

from nbnn import _jit
from nbnn.kernels._cpu import over_outputs


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
