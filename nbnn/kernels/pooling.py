"""Pooling over (planes, D, H, W); 1-D and 2-D enter with axes of length 1.

An axis has `size` positions and `outs` windows, of `kernel` positions `dilation` apart, which begin `stride` apart and
`padding` before the input. `kernel` 0 stands for an adaptive axis: window o is the o-th of `outs` equal parts of the
axis, with every position that it touches. An index is torch's: the flat position in the D*H*W plane of the input.
"""

from __future__ import annotations

import numpy as np

from nbnn import _jit
from nbnn.kernels._cpu import over_elements, over_outputs, over_ranges, over_rows
from nbnn.kernels._shuffle import every_second, first_equal, interleave, largest, load_else, store_positions, wins
from nbnn.kernels._simd import lanes, load, load_part, select, splat, store, store_part, total, zero
from nbnn.kernels._vecmath import natural


@_jit.jit
def _first(o, size, outs, kernel, stride, padding, dilation):
    """First input position of window `o` that is not padding."""
    if kernel == 0:
        return o * size // outs
    at = o * stride - padding
    if at < 0:
        at += (-at + dilation - 1) // dilation * dilation
    return at


@_jit.jit
def _stop(o, size, outs, kernel, stride, padding, dilation):
    """Where window `o` ends in the input."""
    if kernel == 0:
        return ((o + 1) * size + outs - 1) // outs
    return min(o * stride - padding + (kernel - 1) * dilation + 1, size)


@_jit.jit
def _span(o, size, outs, kernel, stride, padding, inclusive):
    """How many positions window `o` of an average counts: with the padding where `inclusive` is 1."""
    if inclusive != 0 and kernel != 0:
        at = o * stride - padding
        return min(at + kernel, size + padding) - at
    return _stop(o, size, outs, kernel, stride, padding, 1) - _first(o, size, outs, kernel, stride, padding, 1)


@_jit.jit
def _lowest_window(at, size, outs, kernel, stride, padding, dilation):
    """First window that reaches input position `at`."""
    if kernel == 0:
        return at * outs // size
    reach = at + padding - (kernel - 1) * dilation
    return (reach + stride - 1) // stride if reach > 0 else 0


@_jit.jit
def _windows_stop(at, size, outs, kernel, stride, padding):
    """One beyond the last window that begins at or before input position `at`."""
    if kernel == 0:
        return ((at + 1) * outs + size - 1) // size
    return min((at + padding) // stride + 1, outs)


@_jit.jit
def _largest(i, x, d, h, w, od, oh, ow, kd, kh, kw, sd, sh, sw, pd, ph, pw, dd, dh, dw):
    """Largest value of the window and its index; the first one wins, a NaN wins over everything."""
    oz = i // (oh * ow) % od
    oy = i // ow % oh
    ox = i % ow
    plane = i // (od * oh * ow) * d * h * w
    first_z = _first(oz, d, od, kd, sd, pd, dd)
    first_y = _first(oy, h, oh, kh, sh, ph, dh)
    first_x = _first(ox, w, ow, kw, sw, pw, dw)
    index = (first_z * h + first_y) * w + first_x
    best = x[plane + index]
    for a in range(first_z, _stop(oz, d, od, kd, sd, pd, dd), dd):
        for b in range(first_y, _stop(oy, h, oh, kh, sh, ph, dh), dh):
            for c in range(first_x, _stop(ox, w, ow, kw, sw, pw, dw), dw):
                v = x[plane + (a * h + b) * w + c]
                if v > best or v != v:
                    best = v
                    index = (a * h + b) * w + c
    return best, index


@over_outputs(2)
def max_pool3d(i, x, d, h, w, od, oh, ow, kd, kh, kw, sd, sh, sw, pd, ph, pw, dd, dh, dw):
    """Largest value of each window, and its index."""
    return _largest(i, x, d, h, w, od, oh, ow, kd, kh, kw, sd, sh, sw, pd, ph, pw, dd, dh, dw)


@over_outputs(1)
def max_pool3d_values(i, x, d, h, w, od, oh, ow, kd, kh, kw, sd, sh, sw, pd, ph, pw, dd, dh, dw):
    """`max_pool3d` without the indices."""
    best, _ = _largest(i, x, d, h, w, od, oh, ow, kd, kh, kw, sd, sh, sw, pd, ph, pw, dd, dh, dw)
    return best


@over_outputs(1)
def max_pool3d_backward(i, grad, index, d, h, w, od, oh, ow, kd, kh, kw, sd, sh, sw, pd, ph, pw, dd, dh, dw):
    """dx[p] = sum of grad over the windows whose index is p, in the order of the windows."""
    at = i % (d * h * w)
    plane = i // (d * h * w) * od * oh * ow
    az = at // (h * w)
    ay = at // w % h
    ax = at % w
    total = grad.dtype.type(0)
    for a in range(_lowest_window(az, d, od, kd, sd, pd, dd), _windows_stop(az, d, od, kd, sd, pd)):
        for b in range(_lowest_window(ay, h, oh, kh, sh, ph, dh), _windows_stop(ay, h, oh, kh, sh, ph)):
            for c in range(_lowest_window(ax, w, ow, kw, sw, pw, dw), _windows_stop(ax, w, ow, kw, sw, pw)):
                o = plane + (a * oh + b) * ow + c
                if index[o] == at:
                    total += grad[o]
    return total


@over_outputs(1)
def gather_planes(i, x, index, plane_in, plane_out):
    """y[p, o] = x[p, index[p, o]]: the gradient of max_pool3d_backward, and how a pooled value is looked up again."""
    return x[i // plane_out * plane_in + index[i]]


@over_rows
def scatter_planes(plane, y, x, index, plane_in, plane_out, adds):
    """y[p, index[p, i]] = x[p, i], elsewhere 0; at equal indices the last one stays, or where `adds` is 1 their sum."""
    for o in range(plane * plane_out, (plane + 1) * plane_out):
        y[o] = 0
    for i in range(plane * plane_in, (plane + 1) * plane_in):
        o = plane * plane_out + index[i]
        y[o] = y[o] + x[i] if adds != 0 else x[i]


@over_outputs(1)
def avg_pool3d(i, x, d, h, w, od, oh, ow, kd, kh, kw, sd, sh, sw, pd, ph, pw, inclusive, divisor):
    """Sum of the window over `divisor` or, where that is 0, over its positions (`inclusive`: those of padding too)."""
    oz = i // (oh * ow) % od
    oy = i // ow % oh
    ox = i % ow
    plane = i // (od * oh * ow) * d * h * w
    first_x = _first(ox, w, ow, kw, sw, pw, 1)
    stop_x = _stop(ox, w, ow, kw, sw, pw, 1)
    total = type(x[0])(0)
    for a in range(_first(oz, d, od, kd, sd, pd, 1), _stop(oz, d, od, kd, sd, pd, 1)):
        for b in range(_first(oy, h, oh, kh, sh, ph, 1), _stop(oy, h, oh, kh, sh, ph, 1)):
            row = type(x[0])(0)
            for c in range(first_x, stop_x):
                row += x[plane + (a * h + b) * w + c]
            total += row
    count = divisor
    if count == 0:
        count = _span(oz, d, od, kd, sd, pd, inclusive) * _span(oy, h, oh, kh, sh, ph, inclusive)
        count *= _span(ox, w, ow, kw, sw, pw, inclusive)
    return total / type(total)(count)


@over_outputs(1)
def avg_pool3d_backward(i, grad, d, h, w, od, oh, ow, kd, kh, kw, sd, sh, sw, pd, ph, pw, inclusive, divisor):
    """dx[p] = sum of grad / count over the windows with position p."""
    at = i % (d * h * w)
    plane = i // (d * h * w) * od * oh * ow
    az = at // (h * w)
    ay = at // w % h
    ax = at % w
    total = grad.dtype.type(0)
    for a in range(_lowest_window(az, d, od, kd, sd, pd, 1), _windows_stop(az, d, od, kd, sd, pd)):
        for b in range(_lowest_window(ay, h, oh, kh, sh, ph, 1), _windows_stop(ay, h, oh, kh, sh, ph)):
            for c in range(_lowest_window(ax, w, ow, kw, sw, pw, 1), _windows_stop(ax, w, ow, kw, sw, pw)):
                count = divisor
                if count == 0:
                    count = _span(a, d, od, kd, sd, pd, inclusive) * _span(b, h, oh, kh, sh, ph, inclusive)
                    count *= _span(c, w, ow, kw, sw, pw, inclusive)
                total += grad[plane + (a * oh + b) * ow + c] / type(total)(count)
    return total


@over_elements(1)
def power(x, exponent):
    """x ** exponent."""
    if exponent == 1.0:
        return x
    if exponent == 2.0:
        return x * x
    return x ** type(x)(exponent)


# CPU: a row of outputs at a time, the divisions once a row. Where windows lie inside the row and begin 1 or 2 positions
# apart, a vector of neighbouring outputs takes its taps in the body's order; elsewhere one window after another.


def _taps(x, at, stride, some):
    """The vector x[at], x[at + stride], ... of `some` elements, for a stride of 1 or 2."""
    if stride == 1:
        return load_part(x, at, some)
    wide = lanes(x)
    return every_second(load_part(x, at, 2 * some - 1), load_part(x, at + wide, 2 * some - 1 - wide))


_taps = _jit.jit(_taps, inline=True)


@_jit.jit
def _inside(w, ow, kw, sw, pw, dw):
    """The windows [lo, hi) of a row that have no padding, if vectors can take them; else none."""
    if kw == 0 or sw > 2:
        return 0, 0
    lo = min(ow, (pw + sw - 1) // sw)
    return lo, max(lo, min(ow, (w - (kw - 1) * dw - 1 + pw) // sw + 1))


@_jit.jit
def _max_pool_wide(out, y, index, x, plane, h, w, first_z, stop_z, first_y, stop_y, first_x, stop_x):
    """One window without gaps: its maximum, by vectors, then where that stands first. False if it is NaN."""
    wide = lanes(x)
    lowest = splat(type(x[0])(-np.inf))
    best = lowest
    for a in range(first_z, stop_z):
        for b in range(first_y, stop_y):
            at = plane + (a * h + b) * w
            for c in range(first_x, stop_x, wide):
                v = load_else(x, at + c, stop_x - c, lowest)
                best = select(wins(v, best), v, best)
    most = largest(best)
    if index is None:
        y[natural(out)] = most
        return True
    wanted = splat(most)
    for a in range(first_z, stop_z):
        for b in range(first_y, stop_y):
            at = (a * h + b) * w
            for c in range(first_x, stop_x, wide):
                lane = first_equal(load_else(x, plane + at + c, stop_x - c, lowest), wanted)
                if lane < wide:
                    y[natural(out)] = most
                    index[natural(out)] = at + c + lane
                    return True
    return False


@_jit.jit
def _max_pool_one(out, y, index, x, plane, h, w, first_z, stop_z, first_y, stop_y, first_x, stop_x, dd, dh, dw):
    """One window of `max_pool3d`."""
    where = (first_z * h + first_y) * w + first_x
    best = x[natural(plane + where)]
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
    y[natural(out)] = best
    if index is not None:
        index[natural(out)] = where


@over_rows
def _max_pool_row(row, y, index, x, d, h, w, od, oh, ow, kd, kh, kw, sd, sh, sw, pd, ph, pw, dd, dh, dw):
    """`max_pool3d` for the outputs of one (plane, od, oh); `index` may be None."""
    oy = row % oh
    oz = row // oh % od
    plane = row // (oh * od) * d * h * w
    first_z = _first(oz, d, od, kd, sd, pd, dd)
    first_y = _first(oy, h, oh, kh, sh, ph, dh)
    stop_z = _stop(oz, d, od, kd, sd, pd, dd)
    stop_y = _stop(oy, h, oh, kh, sh, ph, dh)
    wide = lanes(x)
    kind = type(x[0])
    lo, hi = _inside(w, ow, kw, sw, pw, dw)
    if d * h * w > 1 << 24:  # positions are counted in float32 lanes
        hi = lo
    for o in range(lo, hi, wide):
        some = min(hi - o, wide)
        at = plane + o * sw - pw
        start = (first_z * h + first_y) * w
        best = _taps(x, at + start, sw, some)
        where = splat(kind(start + at - plane))
        a = first_z
        while a < stop_z:
            b = first_y
            while b < stop_y:
                c = (a * h + b) * w
                for _ in range(kw):
                    v = _taps(x, at + c, sw, some)
                    better = wins(v, best)
                    best = select(better, v, best)
                    if index is not None:
                        where = select(better, splat(kind(c + at - plane)), where)
                    c += dw
                b += dh
            a += dd
        store_part(y, row * ow + o, best, some)
        if index is not None:
            store_positions(index, row * ow + o, where, sw, some)
    for k in range(ow - (hi - lo)):
        o = k if k < lo else k + hi - lo
        first_x = _first(o, w, ow, kw, sw, pw, dw)
        stop_x = _stop(o, w, ow, kw, sw, pw, dw)
        out = row * ow + o
        done = False
        if stop_x - first_x > 3 and dd * dh * dw == 1:  # below, one element after another is as fast
            done = _max_pool_wide(out, y, index, x, plane, h, w, first_z, stop_z, first_y, stop_y, first_x, stop_x)
        if not done:
            _max_pool_one(out, y, index, x, plane, h, w, first_z, stop_z, first_y, stop_y, first_x, stop_x, dd, dh, dw)


@over_rows
def _max_pool_scatter(plane, dx, grad, index, inputs, outputs):
    """`max_pool3d_backward` for one plane: outputs in ascending order, as the body adds them."""
    for i in range(inputs):
        dx[natural(plane * inputs + i)] = 0
    for o in range(plane * outputs, (plane + 1) * outputs):
        dx[natural(plane * inputs + index[natural(o)])] += grad[natural(o)]


@over_rows
def _avg_pool_row(row, y, x, d, h, w, od, oh, ow, kd, kh, kw, sd, sh, sw, pd, ph, pw, inclusive, divisor):
    """`avg_pool3d` for the outputs of one (plane, od, oh)."""
    oy = row % oh
    oz = row // oh % od
    plane = row // (oh * od) * d * h * w
    first_z = _first(oz, d, od, kd, sd, pd, 1)
    first_y = _first(oy, h, oh, kh, sh, ph, 1)
    stop_z = _stop(oz, d, od, kd, sd, pd, 1)
    stop_y = _stop(oy, h, oh, kh, sh, ph, 1)
    spans = _span(oz, d, od, kd, sd, pd, inclusive) * _span(oy, h, oh, kh, sh, ph, inclusive)
    wide = lanes(x)
    kind = type(x[0])
    lo, hi = _inside(w, ow, kw, sw, pw, 1)
    count = splat(kind(divisor if divisor != 0 else spans * kw))
    for o in range(lo, hi, wide):
        some = min(hi - o, wide)
        at = plane + o * sw - pw
        whole = zero(x)
        for a in range(first_z, stop_z):
            for b in range(first_y, stop_y):
                c = at + (a * h + b) * w
                for tap in range(kw):
                    whole += _taps(x, c + tap, sw, some)
        store_part(y, row * ow + o, whole / count, some)
    for k in range(ow - (hi - lo)):
        o = k if k < lo else k + hi - lo
        first_x = _first(o, w, ow, kw, sw, pw, 1)
        stop_x = _stop(o, w, ow, kw, sw, pw, 1)
        whole = zero(x)
        for a in range(first_z, stop_z):
            for b in range(first_y, stop_y):
                at = plane + (a * h + b) * w
                for c in range(first_x, stop_x, wide):
                    whole += load_part(x, at + c, stop_x - c)
        n = divisor if divisor != 0 else spans * _span(o, w, ow, kw, sw, pw, inclusive)
        y[natural(row * ow + o)] = total(whole) / kind(n)


@_jit.jit
def _add_to(x, at, value, some):
    """x[at + lane] += value for the first `some` lanes."""
    store_part(x, at, load_part(x, at, some) + value, some)


@_jit.jit
def _spread_row(dx, at, grad, g, w, ow, kw, sw, pw, inclusive, divisor, spans):
    """Add the shares of a row of windows, with gradients from grad[g] on, to the row of inputs from dx[at] on."""
    kind = grad.dtype.type
    wide = lanes(grad)
    lo, hi = _inside(w, ow, kw, sw, pw, 1)
    count = splat(kind(divisor if divisor != 0 else spans * kw))
    for o in range(lo, hi, wide):
        some = min(hi - o, wide)
        share = load_part(grad, g + o, some) / count
        to = at + o * sw - pw
        if sw == 1:
            for tap in range(kw):
                _add_to(dx, to + tap, share, some)
        else:
            for tap in range(0, kw, 2):
                low, high = interleave(share, share if tap + 1 < kw else zero(grad))
                _add_to(dx, to + tap, low, 2 * some if tap + 1 < kw else 2 * some - 1)
                if 2 * some > wide:
                    _add_to(dx, to + tap + wide, high, (2 * some if tap + 1 < kw else 2 * some - 1) - wide)
    for k in range(ow - (hi - lo)):
        o = k if k < lo else k + hi - lo
        n = divisor if divisor != 0 else spans * _span(o, w, ow, kw, sw, pw, inclusive)
        share = splat(grad[natural(g + o)] / kind(n))
        stop_x = _stop(o, w, ow, kw, sw, pw, 1)
        for c in range(_first(o, w, ow, kw, sw, pw, 1), stop_x, wide):
            _add_to(dx, at + c, share, stop_x - c)


@over_ranges
def _avg_pool_rows_backward(
    start, stop, grain, dx, grad, d, h, w, od, oh, ow, kd, kh, kw, sd, sh, sw, pd, ph, pw, inclusive, divisor
):
    """`avg_pool3d_backward` for rows (plane, d, h) of the input; a row like the one above is copied from it."""
    before = (-1, 0)
    for row in range(start, stop):
        ay = row % h
        az = row // h % d
        rows = row // (h * d) * od
        windows = (
            _lowest_window(ay, h, oh, kh, sh, ph, 1),
            _windows_stop(ay, h, oh, kh, sh, ph),
        )
        at = row * w
        if ay != 0 and windows == before:
            for i in range(at, at + w):
                dx[natural(i)] = dx[natural(i - w)]
            continue
        before = windows
        for i in range(at, at + w):
            dx[natural(i)] = 0
        for a in range(_lowest_window(az, d, od, kd, sd, pd, 1), _windows_stop(az, d, od, kd, sd, pd)):
            span = _span(a, d, od, kd, sd, pd, inclusive)
            for b in range(windows[0], windows[1]):
                spans = span * _span(b, h, oh, kh, sh, ph, inclusive)
                g = ((rows + a) * oh + b) * ow
                _spread_row(dx, at, grad, g, w, ow, kw, sw, pw, inclusive, divisor, spans)


@over_rows
def _plane_mean(plane, y, x, size, count):
    """`avg_pool3d` where the one window is the plane."""
    wide = lanes(x)
    at = plane * size
    whole = other = zero(x)
    while at + 2 * wide <= (plane + 1) * size:
        whole += load(x, at)
        other += load(x, at + wide)
        at += 2 * wide
    while at < (plane + 1) * size:
        whole += load_part(x, at, (plane + 1) * size - at)
        at += wide
    y[natural(plane)] = total(whole + other) / count


@over_rows
def _plane_share(plane, dx, grad, size, count):
    """`avg_pool3d_backward` where the one window is the plane."""
    wide = lanes(dx)
    share = splat(grad[natural(plane)] / count)
    stop = (plane + 1) * size
    full = stop - size % wide
    for at in range(plane * size, full, wide):
        store(dx, at, share)
    if full < stop:
        store_part(dx, full, share, stop - full)


_row_cpu, _scatter_cpu = _max_pool_row.cpu, _max_pool_scatter.cpu
_avg_row_cpu, _avg_back_cpu = _avg_pool_row.cpu, _avg_pool_rows_backward.cpu
_mean_cpu, _share_cpu = _plane_mean.cpu, _plane_share.cpu


@_jit.jit
def _grain(d, h, w, od, oh, ow, kd, kh, kw):
    """How many rows of outputs make a chunk."""
    window = kd * kh * kw
    if kd == 0:
        window = (d // od + 1) * (h // oh + 1) * (w // ow + 1)
    return max(1, 65536 // (ow * (window + 4)))


@_jit.jit
def max_pool3d_fast(y, index, x, workspace, d, h, w, od, oh, ow, kd, kh, kw, sd, sh, sw, pd, ph, pw, dd, dh, dw, pool):
    """`max_pool3d` on the CPU."""
    args = (y, index, x, d, h, w, od, oh, ow, kd, kh, kw, sd, sh, sw, pd, ph, pw, dd, dh, dw)
    _row_cpu(args, 0, y.size // ow, _grain(d, h, w, od, oh, ow, kd, kh, kw), pool)


@_jit.jit
def max_pool3d_values_fast(y, x, workspace, d, h, w, od, oh, ow, kd, kh, kw, sd, sh, sw, pd, ph, pw, dd, dh, dw, pool):
    """`max_pool3d_values` on the CPU."""
    args = (y, None, x, d, h, w, od, oh, ow, kd, kh, kw, sd, sh, sw, pd, ph, pw, dd, dh, dw)
    _row_cpu(args, 0, y.size // ow, _grain(d, h, w, od, oh, ow, kd, kh, kw), pool)


@_jit.jit
def max_pool3d_backward_fast(
    dx, grad, index, workspace, d, h, w, od, oh, ow, kd, kh, kw, sd, sh, sw, pd, ph, pw, dd, dh, dw, pool
):
    """`max_pool3d_backward` on the CPU."""
    inputs = d * h * w
    _scatter_cpu((dx, grad, index, inputs, od * oh * ow), 0, dx.size // inputs, max(1, 16384 // inputs), pool)


@_jit.jit
def avg_pool3d_fast(y, x, workspace, d, h, w, od, oh, ow, kd, kh, kw, sd, sh, sw, pd, ph, pw, inclusive, divisor, pool):
    """`avg_pool3d` on the CPU."""
    if od * oh * ow == 1 and kd == d and kh == h and kw == w and pd + ph + pw == 0:
        n = d * h * w
        _mean_cpu((y, x, n, type(x[0])(divisor if divisor != 0 else n)), 0, y.size, 1 + 32768 // n, pool)
    else:
        args = (y, x, d, h, w, od, oh, ow, kd, kh, kw, sd, sh, sw, pd, ph, pw, inclusive, divisor)
        _avg_row_cpu(args, 0, y.size // ow, _grain(d, h, w, od, oh, ow, kd, kh, kw), pool)


@_jit.jit
def avg_pool3d_backward_fast(
    dx, grad, workspace, d, h, w, od, oh, ow, kd, kh, kw, sd, sh, sw, pd, ph, pw, inclusive, divisor, pool
):
    """`avg_pool3d_backward` on the CPU."""
    if od * oh * ow == 1 and kd == d and kh == h and kw == w and pd + ph + pw == 0:
        n = d * h * w
        count = grad.dtype.type(divisor if divisor != 0 else n)
        _share_cpu((dx, grad, n, count), 0, grad.size, 1 + 32768 // n, pool)
    else:
        args = (dx, grad, d, h, w, od, oh, ow, kd, kh, kw, sd, sh, sw, pd, ph, pw, inclusive, divisor)
        grain = max(1, 32768 // (w * h * d)) * h * d  # whole planes: rows are copied within
        _avg_back_cpu(args, 0, dx.size // w, grain, pool)
