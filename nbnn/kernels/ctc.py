"""Connectionist temporal classification: sums over all alignments of a target, in float64 logarithms.

A target l_1 .. l_S becomes the states blank_0, label_1, blank_1, .., label_S, blank_S. A row is one sample. Its alphas
are, for each step, S + 1 numbers of the blanks, then one that stays -inf, then S of the labels (`plane` = the largest
S of the batch + 1 for each half), so that a loop over neighbours reads neighbours. `meta` holds of each sample its
number of steps, its target's length and where its target starts.
"""

from __future__ import annotations

import math

from nbnn.kernels import _vecmath as vm
from nbnn.kernels._cpu import over_rows
from nbnn.kernels._vecmath import inlined

DEAD = -math.inf  # the logarithm of probability 0


@inlined
def _both(a, b):
    """ln(e**a + e**b)"""
    high = a if a > b else b
    return high if high == DEAD else high + vm.log(vm.exp(a - high) + vm.exp(b - high))


@inlined
def _all(a, b, c):
    """ln(e**a + e**b + e**c)"""
    high = a if a > b else b
    high = high if high > c else c
    return high if high == DEAD else high + vm.log(vm.exp(a - high) + vm.exp(b - high) + vm.exp(c - high))


@inlined
def _share(a, total):
    """e**(a - total), 0 where a is dead"""
    return 0.0 if a == DEAD else vm.exp(a - total)


@inlined
def _repeats(targets, start, s):
    """Whether label s is the label before it: then the blank between them cannot be left out."""
    return s == 0 or targets[start + s] == targets[start + s - 1]


@inlined
def _log_total(alphas, last, plane, length):
    """The logarithm of the target's probability: it ends with its last label or with a blank."""
    return _both(alphas[last + length], alphas[last + plane + length]) if length > 0 else alphas[last]


@over_rows
def ctc_loss(row, losses, alphas, lp, targets, meta, batch, steps, classes, plane, blank, zero_infinity):
    """losses[row] = -ln P(target | lp); alphas[row, t, s] = ln of the paths that are in state s at step t."""
    count, length, start = meta[3 * row], meta[3 * row + 1], meta[3 * row + 2]
    total = DEAD if length > 0 else 0.0
    base = row * steps * 2 * plane
    for t in range(count):
        here, p = base + t * 2 * plane, (t * batch + row) * classes
        back, labels = here - 2 * plane, here + plane + 1
        alphas[labels - 1] = DEAD
        stay = lp[p + blank]
        if t == 0:
            alphas[here] = stay
            for s in range(length):
                alphas[here + s + 1] = DEAD
                alphas[labels + s] = lp[p + targets[start]] if s == 0 else DEAD
        else:
            for s in range(length + 1):
                alphas[here + s] = stay + _both(alphas[back + s], alphas[back + plane + s])
            for s in range(length):
                own, gap = alphas[labels - 2 * plane + s], alphas[back + s]
                skip = DEAD if _repeats(targets, start, s) else alphas[back + plane + s]
                alphas[labels + s] = lp[p + targets[start + s]] + _all(own, gap, skip)
    if count > 0:
        total = _log_total(alphas, base + (count - 1) * 2 * plane, plane, length)
    losses[row] = 0.0 if zero_infinity and total == DEAD else -total


@inlined
def _start(row, dx, g, total, count, batch, steps, classes, zero_infinity):
    """Clear dx[:, row], to NaN where the loss is infinite; returns how many steps have a gradient."""
    silent = g[row] == 0 or (zero_infinity and total == DEAD)
    for t in range(steps):
        for c in range(classes):
            dx[(t * batch + row) * classes + c] = math.nan if total == DEAD and t < count and not silent else 0.0
    return 0 if silent else count


@over_rows
def ctc_loss_backward(row, dx, ahead, g, lp, targets, meta, alphas, batch, steps, classes, plane, blank, zero_infinity):
    """dx[t, row, c] = -g P(class c at step t | target); 0 where g is, and where an infinite loss was made 0.

    ahead[row, s] = ln of the paths that go on from state s, with its own emission; the states are held as alphas are.
    """
    count, length, start = meta[3 * row], meta[3 * row + 1], meta[3 * row + 2]
    base, e = row * steps * 2 * plane, row * 2 * plane
    total = _log_total(alphas, base + (count - 1) * 2 * plane, plane, length) if count > 0 else DEAD
    count = _start(row, dx, g, total, count, batch, steps, classes, zero_infinity)
    for k in range(count):
        t = count - 1 - k
        here, p = base + t * 2 * plane, (t * batch + row) * classes
        for s in range(length + 1):
            stay = ahead[e + s]
            label = ahead[e + plane + s + 1] if s < length else DEAD
            follow = DEAD if s + 1 >= length or _repeats(targets, start, s + 1) else ahead[e + plane + s + 2]
            blank_on = (0.0 if s == length else DEAD) if k == 0 else _both(stay, label) if s < length else stay
            if s < length:
                on = (0.0 if s + 1 == length else DEAD) if k == 0 else _all(label, ahead[e + s + 1], follow)
                c = targets[start + s]
                dx[p + c] -= g[row] * vm.exp(alphas[here + plane + s + 1] + on - total)
                ahead[e + plane + s + 1] = on + lp[p + c]
            dx[p + blank] -= g[row] * vm.exp(alphas[here + s] + blank_on - total)
            ahead[e + s] = blank_on + lp[p + blank]


@inlined
def _tangents(row, tangents, v, lp, targets, start, count, length, alphas, base, batch, classes, plane, blank):
    """tangents[row] = the derivative of the alphas where lp moves along v; returns that of ln P(target | lp)."""
    for t in range(count):
        here, p = base + t * 2 * plane, (t * batch + row) * classes
        back, labels = here - 2 * plane, here + plane + 1
        for s in range(length + 1):
            tangents[here + s] = v[p + blank]
            if t > 0:
                r, a, b = alphas[here + s] - lp[p + blank], back + s, back + plane + s
                tangents[here + s] += _share(alphas[a], r) * tangents[a]
                tangents[here + s] += _share(alphas[b], r) * tangents[b] if s > 0 else 0.0
        for s in range(length):
            c = targets[start + s]
            tangents[labels + s] = v[p + c]
            if t > 0:
                r, a, b = alphas[labels + s] - lp[p + c], labels - 2 * plane + s, back + s
                tangents[labels + s] += _share(alphas[a], r) * tangents[a] + _share(alphas[b], r) * tangents[b]
                if not _repeats(targets, start, s):
                    tangents[labels + s] += _share(alphas[a - 1], r) * tangents[a - 1]
    a, b = base + (count - 1) * 2 * plane + length, base + (count - 1) * 2 * plane + plane + length
    if length == 0:
        return tangents[a]
    r = _both(alphas[a], alphas[b])
    return _share(alphas[a], r) * tangents[a] + _share(alphas[b], r) * tangents[b]


@over_rows
def ctc_loss_curvature(
    row, dx, tangents, ahead, g, v, lp, targets, meta, alphas, batch, steps, classes, plane, blank, zero_infinity
):
    """dx = the derivative of what `ctc_loss_backward` gives, where lp moves along v.

    ahead[row] holds the logarithms of that function and then their derivatives.
    """
    count, length, start = meta[3 * row], meta[3 * row + 1], meta[3 * row + 2]
    base, e, d = row * steps * 2 * plane, row * 4 * plane, row * 4 * plane + 2 * plane
    total = _log_total(alphas, base + (count - 1) * 2 * plane, plane, length) if count > 0 else DEAD
    count = _start(row, dx, g, total, count, batch, steps, classes, zero_infinity)
    lift = 0.0
    if count > 0:
        lift = _tangents(
            row, tangents, v, lp, targets, start, count, length, alphas, base, batch, classes, plane, blank
        )
    for k in range(count):
        t = count - 1 - k
        here, p = base + t * 2 * plane, (t * batch + row) * classes
        for s in range(length + 1):
            last, end = k == 0, s == length
            stay, d_stay = DEAD if last else ahead[e + s], 0.0 if last else ahead[d + s]
            label = DEAD if last or end else ahead[e + plane + s + 1]
            d_label = 0.0 if last or end else ahead[d + plane + s + 1]
            on = (0.0 if end else DEAD) if last else _both(stay, label)
            d_on = _share(stay, on) * d_stay + _share(label, on) * d_label
            dx[p + blank] -= g[row] * _share(alphas[here + s] + on, total) * (tangents[here + s] + d_on - lift)
            ahead[e + s], ahead[d + s] = on + lp[p + blank], d_on + v[p + blank]
            if not end:
                jump = not (last or s + 1 >= length or _repeats(targets, start, s + 1))
                follow, d_follow = ahead[e + plane + s + 2] if jump else DEAD, ahead[d + plane + s + 2] if jump else 0.0
                blank_on, d_blank = DEAD if last else ahead[e + s + 1], 0.0 if last else ahead[d + s + 1]
                on = (0.0 if s + 1 == length else DEAD) if last else _all(label, blank_on, follow)
                d_on = _share(label, on) * d_label + _share(blank_on, on) * d_blank + _share(follow, on) * d_follow
                c, at = targets[start + s], here + plane + s + 1
                dx[p + c] -= g[row] * _share(alphas[at] + on, total) * (tangents[at] + d_on - lift)
                ahead[e + plane + s + 1], ahead[d + plane + s + 1] = on + lp[p + c], d_on + v[p + c]
