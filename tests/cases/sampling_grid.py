"""Cases of sampling at the places of a grid, and of affine grids."""

import itertools
import math

import numpy as np

import nbnn
from tests.cases.vision import cubic
from tests.engine import Bad, Case


def padded(place, size, padding, aligned):
    if padding == "reflection":
        low, high = (0.0, size - 1.0) if aligned else (-0.5, size - 0.5)
        while high > low and not low <= place <= high:
            place = 2 * low - place if place < low else 2 * high - place
    return place if padding == "zeros" else min(max(place, 0.0), size - 1.0)


def taps(v, size, mode, padding, aligned):
    """(element, weight) of one axis; only those within the image."""
    place = (v + 1) / 2 * (size - 1) if aligned else ((v + 1) * size - 1) / 2
    if mode != "bicubic":
        place = padded(place, size, padding, aligned)
    low = math.floor(place)
    if mode == "nearest":
        found = [(round(place), 1.0)]
    elif mode == "bilinear":
        found = [(low, 1 - place + low), (low + 1, place - low)]
    else:
        found = [(round(padded(k, size, padding, aligned)), cubic(place - k)) for k in range(low - 1, low + 3)]
    return [(k, w) for k, w in found if 0 <= k < size]


def sampled(x, grid, mode, padding, aligned):
    y = np.zeros((*x.shape[:2], *grid.shape[1:-1]))
    for at in np.ndindex(grid.shape[:-1]):
        axes = [taps(v, n, mode, padding, aligned) for v, n in zip(grid[at][::-1], x.shape[2:], strict=True)]
        for chosen in itertools.product(*axes):
            index = tuple(k for k, _ in chosen)
            y[(at[0], slice(None), *at[1:])] += math.prod(w for _, w in chosen) * x[(at[0], slice(None), *index)]
    return y


def sample(F, x, grid, mode, padding, aligned):
    return F.grid_sample(x, grid, mode, padding, aligned)


def images(shape, outs, *options, reach=1.6):
    """A maker of images and a grid that goes beyond them."""

    def make(r):
        return r.normal(size=shape), r.uniform(-reach, reach, (shape[0], *outs, len(shape) - 2)), *options

    return make


def combinations():
    for n, modes in ((2, ("bilinear", "nearest", "bicubic")), (3, ("bilinear", "nearest"))):
        shape, outs = ((2, 2, 4, 3), (2, 3)) if n == 2 else ((2, 2, 3, 2, 4), (1, 2, 3))
        for mode, padding, aligned in itertools.product(modes, ("zeros", "border", "reflection"), (False, True)):
            options = (mode, padding, aligned)
            yield Case(
                f"grid_sample-{n}d_{mode}_{padding}_{aligned}",
                sample,
                images(shape, outs, *options),
                sampled,
                grad=(0, 1),
                tolerance=4.0,
                second=mode != "nearest",
            )


def fixed(places, *options):
    """A maker of the image 1 to 6 and of places in it."""
    return lambda r: (np.arange(1.0, 7.0).reshape(1, 1, 2, 3), np.array(places).reshape(1, 1, -1, 2), *options)


def affine(theta, size, aligned):
    n = len(size) - 2
    grid = np.zeros((size[0], *size[2:], n))
    for at in np.ndindex(grid.shape[:-1]):
        place = [(2 * k / (m - 1) - 1 if m > 1 else 0.0) if aligned else (2 * k + 1) / m - 1
                 for k, m in zip(at[1:], size[2:], strict=True)]  # fmt: skip
        grid[at] = theta[at[0]] @ [*place[::-1], 1.0]
    return grid


def to_grid(F, theta, size, aligned):
    return F.affine_grid(theta, size, aligned)


def transformed(F, x, theta):
    return F.grid_sample(x, F.affine_grid(theta, tuple(x.shape), False), align_corners=False)


def whole(n):
    """A maker of an image, and of a map that covers it."""
    return lambda r: (r.normal(size=(2, 2, *(4, 3, 3)[:n])), np.tile(np.eye(n, n + 1), (2, 1, 1)) * 0.9 + 0.07)


NAN, INF = math.nan, math.inf
FAR = [(NAN, 0.0), (0.0, NAN), (INF, 0.0), (-INF, 0.0), (1e30, 0.0), (-1e30, 0.0)]

CASES = [
    *combinations(),
    *(Case(f"grid_sample-large_{mode}", sample, images((2, 2, 3, 3), (2, 2), mode, "zeros", False), sampled,
           grad=(0, 1), tolerance=4.0, second=False,
           large=images((2, 3, 40, 37), (60, 50), mode, "reflection", True),
           empty=(images((0, 2, 3, 3), (2, 2), mode, "zeros", False),
                  images((2, 2, 3, 3), (0, 2), mode, "border", True),
                  images((2, 0, 3, 3), (2, 2), mode, "zeros", False)))
      for mode in ("bilinear", "nearest", "bicubic")),
    Case("grid_sample-large_3d", sample, images((1, 1, 2, 2, 2), (1, 2, 2), "bilinear", "zeros", False), sampled,
         grad=(0, 1), second=False, large=images((2, 3, 9, 12, 10), (8, 11, 12), "bilinear", "border", False),
         empty=(images((0, 2, 3, 3, 2), (2, 2, 1), "bilinear", "zeros", False),)),
    *(Case(f"grid_sample-one_{mode}_{padding}_{aligned}", sample, images((1, 2, 1, 1), (2, 2), mode, padding, aligned),
           sampled, grad=(0,)) for mode in ("bilinear", "nearest", "bicubic")
      for padding in ("zeros", "border", "reflection") for aligned in (False, True)),
    *(Case(f"grid_sample-far_{mode}_reflection", sample,
           images((1, 1, 4, 3), (3, 3), mode, "reflection", False, reach=40.0), sampled, tolerance=20)
      for mode in ("bilinear", "nearest", "bicubic")),
    *(Case(f"grid_sample-nan_{mode}_{padding}", sample, fixed(FAR, mode, padding, False),
           lambda *_, values=values: np.reshape(values, (1, 1, 1, 6)), grad=(), torch=False, halves=False)
      for mode in ("bilinear", "nearest", "bicubic")
      for padding, values in (("zeros", (NAN, NAN, 0.0, 0.0, 0.0, 0.0)),
                              *((("border", (NAN, NAN, 4.5, 2.5, 4.5, 2.5)),) if mode == "bilinear" else ()))),
    Case("grid_sample-nan_reflection", sample, fixed(FAR[:4], "bilinear", "reflection", True),
         lambda *_: np.full((1, 1, 1, 4), NAN), grad=(), torch=False),
    Case("grid_sample-infinite", sample,
         lambda r: (np.array([[[[1.0, INF, 3.0]]]]), np.array([[[[-1.0, 0.0], [0.9, 0.0]]]]), "nearest", "zeros", True),
         sampled, grad=()),
    *(Case(f"affine_grid-{size}_{aligned}".replace(" ", ""), to_grid,
           lambda r, size=size, aligned=aligned: (
               r.normal(size=(size[0], len(size) - 2, len(size) - 1)), size, aligned), affine)
      for size in ((2, 3, 3, 4), (1, 1, 2, 1), (2, 1, 2, 3, 4), (1, 2, 1, 1, 3)) for aligned in (False, True)),
    Case("affine_grid-large", to_grid, lambda r: (r.normal(size=(1, 2, 3)), (1, 1, 2, 2), False), affine,
         large=lambda r: (r.normal(size=(3, 2, 3)), (3, 1, 70, 80), True),
         empty=(lambda r: (np.zeros((0, 2, 3)), (0, 1, 2, 2), False),)),
    *(Case(f"affine_grid-sampled_{n}d", transformed, whole(n),
           lambda x, theta: sampled(x, affine(theta, x.shape, False), "bilinear", "zeros", False), grad=(0, 1),
           halves=False)
      for n in (2, 3)),
]  # fmt: skip

X, G = nbnn.ones(2, 1, 4, 5), nbnn.zeros(2, 3, 3, 2)
X3, T = nbnn.ones(2, 1, 4, 5, 6), nbnn.ones(2, 2, 3)


def refused(name, error, match, *args, **options):
    function = name.split("-")[0]
    return Bad(name, lambda F: getattr(F, function)(*args, **options), error, f"^{function}: {match}")


ERRORS = [
    refused("grid_sample-mode", ValueError, r"`mode` \(='linear'\) must be one of 'bilinear'", X, G, "linear"),
    refused("grid_sample-mode_none", ValueError, r"`mode` \(=None\) must be one of", X, G, None),
    refused("grid_sample-padding", ValueError, r"`padding_mode` \(='same'\) must be one of 'zeros'", X, G, "nearest",
            "same"),
    refused("grid_sample-bicubic", ValueError, r"`mode` \(='bicubic'\) needs an input of 4 axes", X3,
            nbnn.zeros(2, 1, 1, 1, 3), "bicubic"),
    refused("grid_sample-rank", ValueError, r"`input` must have shape \(N, C, H, W\)", X[0], G),
    refused("grid_sample-grid_rank", ValueError, r"`grid` must have shape \(2, OD, OH, OW, 3\)", X3, G),
    refused("grid_sample-places", ValueError, r"`grid` must have shape \(2, OH, OW, 2\) .*; got \(2, 3, 3, 3\)", X,
            nbnn.zeros(2, 3, 3, 3)),
    refused("grid_sample-batch", ValueError, r"`grid` must have shape \(2, OH, OW, 2\) .*; got \(1, 3, 3, 2\)", X,
            G[:1]),
    refused("grid_sample-empty", ValueError, r"`input` must have no empty axis", nbnn.ones(2, 1, 0, 3), G),
    refused("grid_sample-dtypes", TypeError, r"all inputs must have one dtype", X, G.double()),
    refused("grid_sample-integers", TypeError, r"`input` must have a floating-point dtype", X.long(), G.long()),
    refused("grid_sample-list", TypeError, r"`grid` must be a Tensor; got list", X, [0.0]),
    refused("affine_grid-size", ValueError, r"`size` \(=\(2, 1, 4\)\) must be \(N, C, H, W\)", T, (2, 1, 4)),
    refused("affine_grid-zero", ValueError, r"`size` \(=\(2, 1, 0, 4\)\) must be positive", T, (2, 1, 0, 4)),
    refused("affine_grid-negative", ValueError, r"`size` .* must not hold negative sizes", T, (2, 1, -1, 4)),
    refused("affine_grid-floats", TypeError, r"`size` must hold ints", T, (2, 1, 2.0, 4)),
    refused("affine_grid-theta", ValueError, r"`theta` must have shape \(2, 3, 4\) .*; got \(2, 2, 3\)", T,
            (2, 1, 4, 4, 4)),
    refused("affine_grid-batch", ValueError, r"`theta` must have shape \(3, 2, 3\)", T, (3, 1, 4, 4)),
    refused("affine_grid-integers", TypeError, r"`theta` must have a floating-point dtype", T.long(), (2, 1, 4, 4)),
]  # fmt: skip
