"""Losses of classes: negative log likelihood and cross entropy with their gradients, and the check of class indices.

Input is (N, C, S), S being the product of the axes after the classes; a row is one (n, s), and target is (N, S). The
forward kernels leave in `stats` what the gradient needs of each row, four blocks of N * S numbers and then one:

    mass     the sum of the q_c in loss = -sum_c q_c ln p_c
    peak     the largest score
    inverse  1 / sum_c exp(x_c - peak)
    weight   how much the row counts in the mean
    divisor  what the sum of all losses is divided by
"""

from __future__ import annotations

from nbnn import _jit
from nbnn.kernels import _vecmath as vm
from nbnn.kernels._cpu import over_outputs, over_ranges, over_rows
from nbnn.kernels._reduce import max_range, sum_range
from nbnn.kernels._vecmath import inlined, natural

WIDTH = 256  # lanes of partial sums, and columns of one strip, in the measured paths
NONE, SUM, MEAN = 0, 1, 2  # reductions


@_jit.jit
def total_loss(row, out, stats, losses, rows, at, reduction):
    """out[0] = the sum of the losses, or their mean over the weights, which stand in stats[at : at + rows]."""
    total = sum_range(losses, row, rows, 1)
    divisor = type(total)(1)
    if reduction == MEAN:
        divisor = sum_range(stats, at, rows, 1)
    stats[at + rows] = divisor
    if reduction != NONE:
        out[row] = total / divisor


reduce_losses = over_rows(total_loss.py_func)

# -- negative log likelihood ---------------------------------------------------------------------------------------


@over_outputs(2)
def nll_loss(i, x, target, weight, classes, spatial, ignore_index):
    """loss[n, s] = -w[t] * x[n, t, s] and w[t], with t = target[n, s]; both 0 where t is `ignore_index`."""
    t = target[i]
    zero = type(x[0])(0)
    if t == ignore_index:
        return zero, zero
    w = type(zero)(1) if weight is None else weight[t]
    v = x[(i // spatial * classes + t) * spatial + i % spatial]
    return -w * v, w


_nll_cpu = nll_loss.cpu


@_jit.jit
def nll_loss_fast(out, losses, stats, x, target, weight, workspace, classes, spatial, ignore_index, reduction, pool):
    """`nll_loss` and `reduce_losses` on the CPU; `losses` is `out` where nothing is reduced."""
    args = (x, target, weight, classes, spatial, ignore_index)
    _nll_cpu(losses, stats, args, 0, target.size, 4096, pool)
    if reduction != NONE:
        total_loss(0, out, stats, losses, target.size, 0, reduction)


@over_outputs(1)
def nll_loss_backward(i, grad, target, weight, divisor, classes, spatial, ignore_index, step):
    """dx[n, c, s] = -w[c] * grad[n, s] / divisor where target[n, s] is c, else 0; grad is one number if step is 0."""
    c = i // spatial % classes
    at = i // (spatial * classes) * spatial + i % spatial
    t = target[at]
    zero = type(grad[0])(0)
    if t != c or t == ignore_index:
        return zero
    g = grad[at * step]
    if divisor is not None:
        g /= divisor[0]
    return -g if weight is None else -weight[c] * g


@over_rows
def _nll_loss_scatter(n, dx, grad, target, weight, divisor, classes, spatial, ignore_index, step):
    """`nll_loss_backward` for one sample: zeros, then one number for each target."""
    first = n * classes * spatial
    for j in range(classes * spatial):
        dx[natural(first + j)] = 0
    for i in range(n * spatial, (n + 1) * spatial):
        t = target[natural(i)]
        if t != ignore_index:
            g = grad[natural(i * step)]
            if divisor is not None:
                g /= divisor[0]
            dx[natural(first + t * spatial + i - n * spatial)] = -g if weight is None else -weight[natural(t)] * g


_scatter_cpu = _nll_loss_scatter.cpu


@_jit.jit
def nll_loss_backward_fast(dx, grad, target, weight, divisor, workspace, classes, spatial, ignore_index, step, pool):
    """`nll_loss_backward` on the CPU: 0.06 ns an element of dx, where asking each whether it is a target costs 8.7."""
    args = (dx, grad, target, weight, divisor, classes, spatial, ignore_index, step)
    n = classes * spatial
    _scatter_cpu(args, 0, dx.size // n, 1 + 32768 // n, pool)


# -- cross entropy with class indices ------------------------------------------------------------------------------
# q_c = (1 - smoothing) w_t [c = t] + smoothing / C w_c, all 0 where t is ignored.


@inlined
def _finish_row(i, rows, losses, stats, peak, total, at, shifted, t, weight, weights, classes, ignore_index, smoothing):
    """The loss and the stats of row i: x_t - peak is `at`, and `shifted` is sum_c w_c (x_c - peak)."""
    zero = type(peak)(0)
    log_total = vm.log(total)
    w = mass = loss = zero
    if t != ignore_index:
        w = type(peak)(1) if weight is None else weight[natural(t)]
        mass = w
        loss = -w * (at - log_total)
        if smoothing > 0.0:
            hard, soft = type(peak)(1.0 - smoothing), type(peak)(smoothing / classes)
            mass = hard * w + soft * weights
            loss = hard * loss - soft * (shifted - weights * log_total)
    losses[natural(i)] = loss
    stats[natural(i)] = mass
    stats[natural(rows + i)] = peak
    stats[natural(2 * rows + i)] = type(peak)(1) / total
    stats[natural(3 * rows + i)] = w


@inlined
def _weight_sum(x, weight, classes):
    """sum_c w_c."""
    return type(x[0])(classes) if weight is None else sum_range(weight, 0, classes, 1)


@over_rows
def cross_entropy(row, losses, stats, x, target, weight, classes, spatial, ignore_index, smoothing):
    """loss = -sum_c q_c (x_c - peak - ln sum_k exp(x_k - peak)) of one row, and its stats."""
    start = row // spatial * classes * spatial + row % spatial
    peak = max_range(x, start, classes, spatial)
    total = type(peak)(0)
    shifted = type(peak)(0)
    for c in range(classes):
        v = x[start + c * spatial] - peak
        total += vm.exp(v)
        shifted += v if weight is None else v * weight[c]
    t = target[row]
    at = type(peak)(0)
    if t != ignore_index:
        at = x[start + t * spatial] - peak
    weights = _weight_sum(x, weight, classes)
    rows = target.size
    _finish_row(
        row, rows, losses, stats, peak, total, at, shifted, t, weight, weights, classes, ignore_index, smoothing
    )


@_jit.jit
def _shifted_sum(x, weight, base, classes, peak, scratch, own):
    """sum_c w_c (x_c - peak) of a row of neighbours, in WIDTH lanes of scratch space."""
    for k in range(min(WIDTH, classes)):
        v = x[natural(base + k)] - peak
        scratch[natural(own + k)] = v if weight is None else v * weight[natural(k)]
    for j in range(WIDTH, classes, WIDTH):
        for k in range(min(WIDTH, classes - j)):
            v = x[natural(base + j + k)] - peak
            scratch[natural(own + k)] += v if weight is None else v * weight[natural(j + k)]
    return sum_range(scratch, own, min(WIDTH, classes), 1)


@over_ranges
def _cross_entropy_rows(
    start, stop, grain, losses, stats, x, target, weight, scratch, classes, ignore_index, smoothing
):
    """`cross_entropy` of rows of neighbours (S = 1): exponentials are added up in WIDTH lanes, which vectorises."""
    own = start // grain * WIDTH
    width = min(WIDTH, classes)
    weights = _weight_sum(x, weight, classes)
    rows = target.size
    for row in range(start, stop):
        base = row * classes
        peak = max_range(x, base, classes, 1)
        for k in range(width):
            scratch[natural(own + k)] = vm.exp(x[natural(base + k)] - peak)
        for j in range(WIDTH, classes, WIDTH):
            for k in range(min(WIDTH, classes - j)):
                scratch[natural(own + k)] += vm.exp(x[natural(base + j + k)] - peak)
        total = sum_range(scratch, own, width, 1)
        shifted = type(peak)(0)
        if smoothing > 0.0:
            shifted = _shifted_sum(x, weight, base, classes, peak, scratch, own)
        t = target[natural(row)]
        at = x[natural(base + (t if t != ignore_index else 0))] - peak
        _finish_row(
            row, rows, losses, stats, peak, total, at, shifted, t, weight, weights, classes, ignore_index, smoothing
        )


@over_rows
def _cross_entropy_strip(item, losses, stats, x, target, weight, classes, spatial, ignore_index, smoothing):
    """`cross_entropy` of up to WIDTH neighbouring rows of one sample (S > 1), all at once; `stats` is scratch space."""
    strips = (spatial + WIDTH - 1) // WIDTH
    first = item % strips * WIDTH
    count = min(WIDTH, spatial - first)
    row = item // strips * spatial + first
    rows = target.size
    at = item // strips * classes * spatial + first
    peaks, totals, sums = rows + row, 2 * rows + row, 3 * rows + row
    for k in range(count):
        stats[natural(peaks + k)] = x[natural(at + k)]
        stats[natural(totals + k)] = 0
        stats[natural(sums + k)] = 0
    for c in range(1, classes):
        for k in range(count):
            v = x[natural(at + c * spatial + k)]
            best = stats[natural(peaks + k)]
            stats[natural(peaks + k)] = v if v > best else best
    for c in range(classes):
        for k in range(count):
            v = x[natural(at + c * spatial + k)] - stats[natural(peaks + k)]
            stats[natural(totals + k)] += vm.exp(v)
        if smoothing > 0.0:
            w = type(x[0])(1) if weight is None else weight[natural(c)]
            for k in range(count):
                stats[natural(sums + k)] += w * (x[natural(at + c * spatial + k)] - stats[natural(peaks + k)])
    weights = _weight_sum(x, weight, classes)
    for k in range(count):
        i = row + k
        t = target[natural(i)]
        peak = stats[natural(peaks + k)]
        total, shifted = stats[natural(totals + k)], stats[natural(sums + k)]
        v = x[natural(at + (t if t != ignore_index else 0) * spatial + k)] - peak
        _finish_row(
            i, rows, losses, stats, peak, total, v, shifted, t, weight, weights, classes, ignore_index, smoothing
        )


_rows_cpu, _strip_cpu = _cross_entropy_rows.cpu, _cross_entropy_strip.cpu


@_jit.shared
def row_grain(classes):
    """How many rows of neighbours make a chunk."""
    return max(1, 8192 // max(classes, 1))


@_jit.shared
def row_scratch(rows, classes, spatial):
    """The scratch space that the measured path needs."""
    grain = row_grain(classes)
    return WIDTH * ((rows + grain - 1) // grain) if spatial == 1 else 0


@_jit.jit
def cross_entropy_fast(
    out, losses, stats, x, target, weight, workspace, classes, spatial, ignore_index, smoothing, reduction, pool
):
    """`cross_entropy` and `reduce_losses` on the CPU; `losses` is `out` where nothing is reduced."""
    rows = target.size
    if spatial == 1:
        args = (losses, stats, x, target, weight, workspace, classes, ignore_index, smoothing)
        _rows_cpu(args, 0, rows, row_grain(classes), pool)
    else:
        args2 = (losses, stats, x, target, weight, classes, spatial, ignore_index, smoothing)
        strips = (spatial + WIDTH - 1) // WIDTH
        _strip_cpu(args2, 0, rows // spatial * strips, 1 + 8192 // (classes * min(spatial, WIDTH)), pool)
    if reduction != NONE:
        total_loss(0, out, stats, losses, rows, 3 * rows, reduction)


@over_outputs(1)
def cross_entropy_backward(i, grad, x, target, weight, stats, classes, spatial, ignore_index, smoothing, step, mean):
    """dx_c = grad (p_c sum_k q_k - q_c), divided by the divisor for the mean; grad is one number if step is 0."""
    c = i // spatial % classes
    row = i // (spatial * classes) * spatial + i % spatial
    rows = target.size
    mass = stats[row]
    zero = type(mass)(0)
    if target[row] == ignore_index:  # also where all are, and g is divided by 0
        return zero
    g = grad[row * step]
    if mean:
        g /= stats[4 * rows]
    slope = g * mass * stats[2 * rows + row]
    v = zero if slope == zero else slope * vm.exp(x[i] - stats[rows + row])
    w = type(mass)(1) if weight is None else weight[c]
    if smoothing > 0.0:
        v -= g * type(mass)(smoothing / classes) * w
    if target[row] == c:
        v -= g * type(mass)(1.0 - smoothing) * w
    return v


@over_rows
def _backward_row(row, dx, grad, x, target, weight, stats, classes, ignore_index, smoothing, step, mean):
    """`cross_entropy_backward` for a row of neighbours (S = 1)."""
    rows = target.size
    base = row * classes
    peak = stats[natural(rows + row)]
    g = grad[natural(row * step)]
    if mean:
        g /= stats[natural(4 * rows)]
    slope = g * stats[natural(row)] * stats[natural(2 * rows + row)]
    t = target[natural(row)]
    if t == ignore_index or slope == type(g)(0):
        for j in range(base, base + classes):
            dx[natural(j)] = 0
    else:
        for j in range(base, base + classes):
            dx[natural(j)] = slope * vm.exp(x[natural(j)] - peak)
    if t != ignore_index:
        if smoothing > 0.0:
            share = g * type(g)(smoothing / classes)
            for c in range(classes):
                dx[natural(base + c)] -= share if weight is None else share * weight[natural(c)]
        hard = g * type(g)(1.0 - smoothing)
        dx[natural(base + t)] -= hard if weight is None else hard * weight[natural(t)]


@over_ranges
def _backward_strips(
    start,
    stop,
    grain,
    dx,
    grad,
    x,
    target,
    weight,
    stats,
    scratch,
    classes,
    spatial,
    ignore_index,
    smoothing,
    step,
    mean,
):
    """`cross_entropy_backward` for strips of up to WIDTH neighbouring rows (S > 1)."""
    rows = target.size
    strips = (spatial + WIDTH - 1) // WIDTH
    own = start // grain * WIDTH
    one = type(x[0])(1)
    divisor = stats[natural(4 * rows)] if mean else one
    every = grad[0] / divisor  # one number for all rows where step is 0
    for item in range(start, stop):
        first = item % strips * WIDTH
        count = min(WIDTH, spatial - first)
        row = item // strips * spatial + first
        at = item // strips * classes * spatial + first
        for k in range(count):
            scratch[natural(own + k)] = every if step == 0 else grad[natural(row + k)] / divisor
        for k in range(count):
            scratch[natural(own + k)] *= stats[natural(row + k)] * stats[natural(2 * rows + row + k)]
            if target[natural(row + k)] == ignore_index:
                scratch[natural(own + k)] = 0
        for c in range(classes):
            for k in range(count):
                j = at + c * spatial + k
                slope = scratch[natural(own + k)]
                v = slope * vm.exp(x[natural(j)] - stats[natural(rows + row + k)])
                dx[natural(j)] = v if slope != type(v)(0) else type(v)(0)
        for k in range(count):
            t = target[natural(row + k)]
            if t != ignore_index:
                g = every if step == 0 else grad[natural(row + k)] / divisor
                if smoothing > 0.0:
                    for c in range(classes):
                        w = one if weight is None else weight[natural(c)]
                        dx[natural(at + c * spatial + k)] -= g * type(g)(smoothing / classes) * w
                w = one if weight is None else weight[natural(t)]
                dx[natural(at + t * spatial + k)] -= g * type(g)(1.0 - smoothing) * w


_back_row_cpu, _back_strips_cpu = _backward_row.cpu, _backward_strips.cpu


@_jit.shared
def strip_grain(classes, spatial):
    """How many strips make a chunk."""
    return 1 + 8192 // max(classes * min(spatial, WIDTH), 1)


def strip_scratch(rows, classes, spatial):
    """The scratch space that the measured gradient needs."""
    if spatial == 1 or rows == 0:
        return 0
    strips = rows // spatial * ((spatial + WIDTH - 1) // WIDTH)
    return WIDTH * -(-strips // strip_grain(classes, spatial))


@_jit.jit
def cross_entropy_backward_fast(
    dx, grad, x, target, weight, stats, workspace, classes, spatial, ignore_index, smoothing, step, mean, pool
):
    """`cross_entropy_backward` on the CPU."""
    if spatial == 1:
        args = (dx, grad, x, target, weight, stats, classes, ignore_index, smoothing, step, mean)
        _back_row_cpu(args, 0, target.size, row_grain(classes), pool)
    else:
        args2 = (
            *(dx, grad, x, target, weight, stats, workspace),
            *(classes, spatial, ignore_index, smoothing, step, mean),
        )
        strips = target.size // spatial * ((spatial + WIDTH - 1) // WIDTH)
        _back_strips_cpu(args2, 0, strips, strip_grain(classes, spatial), pool)


# -- cross entropy with probabilities ------------------------------------------------------------------------------
# q_c = w_c ((1 - smoothing) t_c + smoothing / C)


@inlined
def _probability(target, weight, at, c, classes, smoothing):
    """q_c of the probability target[at]."""
    q = target[natural(at)] * type(target[0])(1.0 - smoothing) + type(target[0])(smoothing / classes)
    return q if weight is None else q * weight[natural(c)]


@over_rows
def soft_cross_entropy(row, losses, stats, x, target, weight, classes, spatial, smoothing):
    """loss = -sum_c q_c (x_c - peak - ln sum_k exp(x_k - peak)) of one row, and its stats."""
    start = row // spatial * classes * spatial + row % spatial
    peak = max_range(x, start, classes, spatial)
    total = type(peak)(0)
    for c in range(classes):
        total += vm.exp(x[natural(start + c * spatial)] - peak)
    log_total = vm.log(total)
    mass = loss = type(peak)(0)
    for c in range(classes):
        q = _probability(target, weight, start + c * spatial, c, classes, smoothing)
        mass += q
        loss -= q * ((x[natural(start + c * spatial)] - peak) - log_total)
    rows = losses.size
    losses[row] = loss
    stats[row] = mass
    stats[rows + row] = peak
    stats[2 * rows + row] = type(peak)(1) / total
    stats[3 * rows + row] = type(peak)(1)


_soft_cpu = soft_cross_entropy.cpu


@_jit.jit
def soft_cross_entropy_fast(
    out, losses, stats, x, target, weight, workspace, classes, spatial, smoothing, reduction, pool
):
    """`soft_cross_entropy` and `reduce_losses` on the CPU; `losses` is `out` where nothing is reduced."""
    rows = losses.size
    args = (losses, stats, x, target, weight, classes, spatial, smoothing)
    _soft_cpu(args, 0, rows, 1 + 2048 // classes, pool)
    if reduction != NONE:
        total_loss(0, out, stats, losses, rows, 3 * rows, reduction)


@over_outputs(1)
def soft_cross_entropy_backward(i, grad, x, target, weight, stats, rows, classes, spatial, smoothing, step, mean):
    """dx_c = grad (p_c sum_k q_k - q_c), divided by the divisor for the mean; grad is one number if step is 0."""
    row = i // (spatial * classes) * spatial + i % spatial
    g = grad[row * step]
    if mean:
        g /= stats[4 * rows]
    p = vm.exp(x[i] - stats[rows + row]) * stats[2 * rows + row]
    return g * (p * stats[row] - _probability(target, weight, i, i // spatial % classes, classes, smoothing))


@over_outputs(1)
def soft_cross_entropy_target(i, grad, x, target, weight, stats, rows, classes, spatial, smoothing, step, mean):
    """dt_c = -grad (1 - smoothing) w_c ln p_c, divided by the divisor for the mean."""
    row = i // (spatial * classes) * spatial + i % spatial
    g = grad[row * step] * type(grad[0])(1.0 - smoothing)
    if mean:
        g /= stats[4 * rows]
    if weight is not None:
        g *= weight[i // spatial % classes]
    return -g * ((x[i] - stats[rows + row]) + vm.log(stats[2 * rows + row]))


# -- class indices -------------------------------------------------------------------------------------------------


@_jit.jit
def first_bad_index(index, start, stop, size, ignore_index):
    """First position in [start, stop) whose index is outside [0, size) and not `ignore_index`, or -1."""
    bad = 0
    for i in range(start, stop):  # counted without a branch, so that it vectorises: indices are nearly always good
        v = index[natural(i)]
        bad += ((v < 0) | (v >= size)) & (v != ignore_index)
    if bad == 0:
        return -1
    i = start
    while True:
        v = index[i]
        if (v < 0 or v >= size) and v != ignore_index:
            return i
        i += 1


@over_ranges
def find_bad_index(start, stop, grain, out, index, size, ignore_index):
    """out[start // grain] = `first_bad_index` of [start, stop)."""
    out[start // grain] = first_bad_index(index, start, stop, size, ignore_index)
