"""Sliding blocks of an image as columns (im2col), and columns added up to an image again (col2im).

An image is (planes, H, W); its columns are (planes, KH, KW, OH, OW): element (a, b) of each block stands together.
"""

from __future__ import annotations

from nbnn.kernels._cpu import over_rows
from nbnn.kernels._vecmath import natural


@over_rows
def unfold(row, y, x, h, w, oh, ow, kh, kw, dh, dw, ph, pw, sh, sw):
    """y[p, a, b, oy, ox] = x[p, oy sh - ph + a dh, ox sw - pw + b dw], 0 in the padding; one row is one (p, a, b)."""
    b, a = row % kw, row // kw % kh
    plane = row // (kw * kh)
    zero = type(x[0])(0)
    left = b * dw - pw
    # the columns ox that lie in the image are one range: no test for each element
    first = min(max(0, -(left // sw)), ow)
    stop = max(first, min(ow, (w - 1 - left) // sw + 1))
    for oy in range(oh):
        at = (row * oh + oy) * ow
        line = oy * sh - ph + a * dh
        if line < 0 or line >= h:
            for ox in range(ow):
                y[natural(at + ox)] = zero
        else:
            base = (plane * h + line) * w + left
            for ox in range(first):
                y[natural(at + ox)] = zero
            for ox in range(first, stop):
                y[natural(at + ox)] = x[natural(base + ox * sw)]
            for ox in range(stop, ow):
                y[natural(at + ox)] = zero


@over_rows
def fold(row, y, x, h, w, oh, ow, kh, kw, dh, dw, ph, pw, sh, sw):
    """The adjoint of `unfold` for one line (p, line) of the image: blocks are added in the order of (a, b)."""
    plane, line = row // h, row % h
    at = row * w
    for j in range(w):
        y[natural(at + j)] = 0
    for a in range(kh):
        down = line + ph - a * dh
        oy = down // sh
        if down >= 0 and oy * sh == down and oy < oh:
            for b in range(kw):
                left = b * dw - pw
                first = min(max(0, -(left // sw)), ow)
                stop = max(first, min(ow, (w - 1 - left) // sw + 1))
                base = (((plane * kh + a) * kw + b) * oh + oy) * ow
                for ox in range(first, stop):
                    y[natural(at + left + ox * sw)] += x[natural(base + ox)]
