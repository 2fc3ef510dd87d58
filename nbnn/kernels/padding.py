"""Padding of (planes, D, H, W) on the last three axes; fewer enter with axes of length 1, more in several steps.

`front` is how far the first element moves; it is negative where elements are cut off. Beyond the ends stand a constant,
the last element again (replicate), the elements backwards (reflect), or those of the other end (circular).
"""

from __future__ import annotations

from nbnn import _jit
from nbnn.kernels._cpu import over_outputs, over_ranges, over_rows
from nbnn.kernels._vecmath import inlined, natural

CONSTANT, REFLECT, REPLICATE, CIRCULAR = 0, 1, 2, 3


@inlined
def _source(o, front, size, mode):
    """Which element stands at position `o` of the padded axis; -1 for the constant."""
    j = o - front
    if j >= 0 and j < size:
        return j
    if mode == REFLECT:
        return -j if j < 0 else 2 * (size - 1) - j
    if mode == REPLICATE:
        return 0 if j < 0 else size - 1
    if mode == CIRCULAR:
        return j + size if j < 0 else j - size
    return -1


@inlined
def _reach(j, front, size, padded, mode):
    """How many candidates for positions that show element `j` there are (see `_position`)."""
    if mode == REPLICATE:
        first = 0 if j == 0 else max(j + front, 0)
        last = padded - 1 if j == size - 1 else min(j + front, padded - 1)
        return max(last - first + 1, 0)
    return 3


@inlined
def _position(j, k, front, size, padded, mode):
    """The k-th position that shows element `j`, or -1."""
    o = j + front
    if mode == REPLICATE:
        return k + (0 if j == 0 else max(o, 0))
    if mode == REFLECT:
        if k == 1:
            o = front - j if j > 0 else -1
        if k == 2:
            o = front + 2 * (size - 1) - j if j < size - 1 else -1
    else:
        o += size if k == 1 else (-size if k == 2 else 0)
    return o if o >= 0 and o < padded else -1


@over_outputs(1)
def pad(i, x, d, h, w, od, oh, ow, fd, fh, fw, mode, value):
    """y[p, o] = x[p, source(o)], or the value."""
    z = _source(i // (oh * ow) % od, fd, d, mode)
    y = _source(i // ow % oh, fh, h, mode)
    c = _source(i % ow, fw, w, mode)
    if z < 0 or y < 0 or c < 0:
        return type(x[0])(value)
    return x[((i // (od * oh * ow) * d + z) * h + y) * w + c]


@over_ranges
def _pad_lines(start, stop, grain, out, x, d, h, w, od, oh, ow, fd, fh, fw, mode, value):
    """`pad` for lines of outputs, whose numbers are counted on without divisions."""
    oy, oz, plane = start % oh, start // oh % od, start // (oh * od)
    fill = type(x[0])(value)
    first, last = min(max(fw, 0), ow), max(min(fw + w, ow), 0)
    for row in range(start, stop):
        z = _source(oz, fd, d, mode)
        y = _source(oy, fh, h, mode)
        at = row * ow
        if z < 0 or y < 0:
            for o in range(ow):
                out[natural(at + o)] = fill
        else:
            base = ((plane * d + z) * h + y) * w
            skipped = base - fw
            for o in range(first, last):
                out[natural(at + o)] = x[natural(skipped + o)]
            for o in range(first):
                out[natural(at + o)] = fill if mode == CONSTANT else x[natural(base + _source(o, fw, w, mode))]
            for o in range(max(last, first), ow):
                out[natural(at + o)] = fill if mode == CONSTANT else x[natural(base + _source(o, fw, w, mode))]
        oy += 1
        if oy == oh:
            oy = 0
            oz += 1
            if oz == od:
                oz = 0
                plane += 1


_pad_cpu = _pad_lines.cpu


@_jit.jit
def pad_fast(out, x, workspace, d, h, w, od, oh, ow, fd, fh, fw, mode, value, pool):
    """`pad` on the CPU."""
    _pad_cpu((out, x, d, h, w, od, oh, ow, fd, fh, fw, mode, value), 0, out.size // ow, 1 + 16384 // ow, pool)


@over_outputs(1)
def pad_backward(i, grad, d, h, w, od, oh, ow, fd, fh, fw, mode):
    """dx[p, j] = the sum of grad over the positions that show element j."""
    z = i // (h * w) % d
    y = i // w % h
    c = i % w
    base = i // (d * h * w) * od
    total = type(grad[0])(0)
    for a in range(_reach(z, fd, d, od, mode)):
        oz = _position(z, a, fd, d, od, mode)
        for b in range(_reach(y, fh, h, oh, mode)):
            oy = _position(y, b, fh, h, oh, mode)
            if oz >= 0 and oy >= 0:
                for e in range(_reach(c, fw, w, ow, mode)):
                    o = _position(c, e, fw, w, ow, mode)
                    if o >= 0:
                        total += grad[((base + oz) * oh + oy) * ow + o]
    return total


@over_rows
def _pad_backward_row(row, dx, grad, d, h, w, od, oh, ow, fd, fh, fw, mode):
    """`pad_backward` for one line of the input."""
    z = row // h % d
    y = row % h
    at = row * w
    for j in range(w):
        dx[natural(at + j)] = 0
    first, last = min(max(fw, 0), ow), max(min(fw + w, ow), 0)
    for a in range(_reach(z, fd, d, od, mode)):
        oz = _position(z, a, fd, d, od, mode)
        for b in range(_reach(y, fh, h, oh, mode)):
            oy = _position(y, b, fh, h, oh, mode)
            if oz >= 0 and oy >= 0:
                base = ((row // (d * h) * od + oz) * oh + oy) * ow
                for o in range(first, last):
                    dx[natural(at - fw + o)] += grad[natural(base + o)]
                for o in range(first):
                    dx[natural(at + _source(o, fw, w, mode))] += grad[natural(base + o)]
                for o in range(max(last, first), ow):
                    dx[natural(at + _source(o, fw, w, mode))] += grad[natural(base + o)]


_backward_cpu = _pad_backward_row.cpu


@_jit.jit
def pad_backward_fast(dx, grad, workspace, d, h, w, od, oh, ow, fd, fh, fw, mode, pool):
    """`pad_backward` on the CPU."""
    args = (dx, grad, d, h, w, od, oh, ow, fd, fh, fw, mode)
    _backward_cpu(args, 0, dx.size // w, 1 + 16384 // w, pool)
