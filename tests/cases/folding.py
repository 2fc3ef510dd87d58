"""Cases of sliding blocks."""

import itertools
import math

import numpy as np

import nbnn
from tests.cases import arrays, one
from tests.engine import Bad, Case


def pair(value):
    return value if isinstance(value, tuple) else (value, value)


def blocks(size, kernel, dilation, padding, stride):
    """(number of blocks of each axis, for each tap and block the place in the image)"""
    counts = tuple(
        (s + 2 * p - d * (k - 1) - 1) // t + 1
        for s, k, d, p, t in zip(size, kernel, dilation, padding, stride, strict=True)
    )
    places = {}
    for tap in itertools.product(*map(range, kernel)):
        for block in itertools.product(*map(range, counts)):
            at = tuple(b * t - p + d * a for a, b, d, p, t in zip(tap, block, dilation, padding, stride, strict=True))
            if all(0 <= i < s for i, s in zip(at, size, strict=True)):
                places[tap[0] * kernel[1] + tap[1], block[0] * counts[1] + block[1]] = at
    return counts, places


def unfolded(x, kernel, dilation=1, padding=0, stride=1):
    if x.ndim == 3:
        return unfolded(x[None], kernel, dilation, padding, stride)[0]
    kernel = pair(kernel)
    counts, places = blocks(x.shape[2:], kernel, pair(dilation), pair(padding), pair(stride))
    y = np.zeros((*x.shape[:2], math.prod(kernel), math.prod(counts)))
    for (tap, block), at in places.items():
        y[:, :, tap, block] = x[:, :, at[0], at[1]]
    return y.reshape(x.shape[0], x.shape[1] * math.prod(kernel), math.prod(counts))


def folded(x, size, kernel, dilation=1, padding=0, stride=1):
    if x.ndim == 2:
        return folded(x[None], size, kernel, dilation, padding, stride)[0]
    size, kernel = pair(size), pair(kernel)
    _, places = blocks(size, kernel, pair(dilation), pair(padding), pair(stride))
    x = x.reshape(x.shape[0], x.shape[1] // math.prod(kernel), math.prod(kernel), x.shape[2])
    y = np.zeros((*x.shape[:2], *size))
    for (tap, block), at in places.items():
        y[:, :, at[0], at[1]] += x[:, :, tap, block]
    return y


def unfold(F, x, *options):
    return F.unfold(x, *options)


def fold(F, x, *options):
    return F.fold(x, *options)


def to_unfold(nn, x, *options):
    return nn.Unfold(*options), (x,)


def to_fold(nn, x, *options):
    return nn.Fold(*options), (x,)


OPTIONS = [  # kernel, dilation, padding, stride
    (2,), (3, 1, 1), (2, 1, 0, 2), (2, 2, 1, 3), ((1, 3),), ((3, 2), (1, 2), (2, 1), (3, 1)), (1, 1, 0, 3),
    ((2, 1), 3, (2, 3), 4), (5, 1, 4, 1),
]  # fmt: skip
SIZE = (5, 6)


def columns(shape, size, options):
    """The shape of the columns of an image of this shape and size."""
    kernel, *rest = options
    counts, _ = blocks(size, pair(kernel), *(pair(v) for v in (*rest, *(1, 0, 1)[len(rest) :])))
    return (*shape[:-1], shape[-1] * math.prod(pair(kernel)), math.prod(counts))


CASES = [
    *(Case(f"unfold-{o}".replace(" ", ""), unfold, one((2, 3, *SIZE), *o), unfolded, module=to_unfold)
      for o in OPTIONS),
    *(Case(f"fold-{o}".replace(" ", ""), fold, one(columns((2, 3), SIZE, o), SIZE, *o), folded, module=to_fold)
      for o in OPTIONS),
    Case("unfold-alone", unfold, one((2, 3, 4), 2), unfolded, large=one((3, 8, 40, 33), 3, 1, 1, 2),
         empty=(one((0, 2, 3, 4), 2),)),
    Case("fold-alone", fold, one((8, 6), (3, 4), 2), folded, large=one((3, 8 * 9, 20 * 17), (40, 33), 3, 1, 1, 2),
         empty=(one((0, 8, 6), (3, 4), 2),)),
    Case("unfold-infinite", unfold, arrays([[[math.nan, math.inf], [-math.inf, 1.0]]], 2, 1, 1), unfolded, grad=()),
    Case("fold-infinite", fold, arrays([[math.nan, 1.0, math.inf]] * 2, (1, 4), (1, 2)), folded, grad=()),
]  # fmt: skip

X, Y = nbnn.ones(1, 2, 4, 5), nbnn.ones(1, 8, 12)


def refused(name, error, match, *args):
    function = name.split("-")[0]
    return Bad(name, lambda F: getattr(F, function)(*args), error, f"^{function}: {match}")


ERRORS = [
    refused("unfold-kernel", ValueError, r"the blocks must fit into the padded image; got size \(4, 5\), `kernel_size` "
            r"\(=\(6, 6\)\), `dilation` \(=\(1, 1\)\), `padding` \(=\(0, 0\)\), `stride` \(=\(1, 1\)\), which make "
            r"\(-1, 0\) blocks", X, 6),
    refused("unfold-dilated", ValueError, r"the blocks must fit .* \(-1, 0\) blocks", X, 2, 5),
    refused("unfold-zero", ValueError, r"`kernel_size` \(=0\) must be at least 1", X, 0),
    refused("unfold-dilation", ValueError, r"`dilation` \(=0\) must be at least 1", X, 2, 0),
    refused("unfold-padding", ValueError, r"`padding` \(=-1\) must be at least 0", X, 2, 1, -1),
    refused("unfold-stride", ValueError, r"`stride` \(=0\) must be at least 1", X, 2, 1, 0, 0),
    refused("unfold-three", ValueError, r"`kernel_size` \(=\(1, 2, 3\)\) must be an int or 2 ints", X, (1, 2, 3)),
    refused("unfold-float", TypeError, r"`kernel_size` \(=2.0\) must be an int", X, 2.0),
    refused("unfold-rank", ValueError, r"`input` must have shape \(N, C, H, W\) or \(C, H, W\); got \(5,\)",
            nbnn.ones(5), 2),
    refused("unfold-empty", ValueError, r"`input` must have no empty axis behind the batch", nbnn.ones(1, 0, 4, 4), 2),
    refused("unfold-integers", TypeError, r"`input` must have a floating-point dtype", X.long(), 2),
    refused("unfold-list", TypeError, r"`input` must be a Tensor; got list", [1.0], 2),
    refused("fold-rows", ValueError, r"the rows of `input` must be a multiple of 6, the product of `kernel_size` "
            r"\(=\(2, 3\)\); got 8", Y, (4, 5), (2, 3)),
    refused("fold-columns", ValueError, r"`input` must have as many columns as there are blocks, 3 \* 3 = 9 for "
            r"`output_size` \(=\(4, 4\)\), `kernel_size` \(=\(2, 2\)\), .*; got 12", Y, 4, 2),
    refused("fold-size", ValueError, r"the blocks must fit into the padded image; got size \(1, 4\)", Y, (1, 4), 2),
    refused("fold-zero", ValueError, r"`output_size` \(=0\) must be at least 1", Y, 0, 2),
    refused("fold-rank", ValueError, r"`input` must have shape \(N, C KH KW, L\)", X, (4, 5), 2),
    refused("fold-empty", ValueError, r"`input` must have no empty axis", nbnn.ones(1, 8, 0), (4, 5), 2),
    refused("fold-integers", TypeError, r"`input` must have a floating-point dtype", Y.long(), (4, 5), 2),
]  # fmt: skip
