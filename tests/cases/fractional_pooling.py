"""Cases of fractional max pooling."""

import itertools
import math

import numpy as np

import nbnn
from tests.cases import distinct
from tests.engine import Bad, Case


def starts(u, size, kernel, outputs):
    if outputs == 1:
        return [size - kernel]
    alpha = (size - kernel) / (outputs - 1)
    return [*(int((o + u) * alpha) - int(u * alpha) for o in range(outputs - 1)), size - kernel]


def pooled(n):
    """The oracle: (values, positions in the plane)."""

    def oracle(x, samples, kernel, size, ratio=None, indices=False):
        if x.ndim == n + 1:
            found = oracle(x[None], samples, kernel, size, ratio, True)
            return tuple(f[0] for f in found) if indices else found[0][0]
        kernel = kernel if isinstance(kernel, tuple) else (kernel,) * n
        size = size if isinstance(size, tuple) else (size,) * n
        if ratio is not None:
            size = tuple(int(m * r) for m, r in zip(x.shape[2:], ratio, strict=True))
        y, index = np.zeros((*x.shape[:2], *size)), np.zeros((*x.shape[:2], *size), np.int64)
        for plane in np.ndindex(x.shape[:2]):
            us = samples[plane][::-1] if n == 2 else samples[plane]
            axes = [starts(*s) for s in zip(us, x.shape[2:], kernel, size, strict=True)]
            for at in np.ndindex(size):
                corner = [axes[k][o] for k, o in enumerate(at)]
                for tap in itertools.product(*map(range, kernel)):
                    place = tuple(c + t for c, t in zip(corner, tap, strict=True))
                    v = x[plane][place]
                    if not any(tap) or v > y[plane][at] or math.isnan(v):
                        y[plane][at], index[plane][at] = v, np.ravel_multi_index(place, x.shape[2:])
        return (y, index) if indices else y

    return oracle


def call(n):
    def pool(F, x, samples, kernel, size, ratio=None, indices=False):
        return getattr(F, f"fractional_max_pool{n}d")(x, kernel, size, ratio, indices, samples)

    return pool


def to_module(n):
    def build(nn, x, samples, *options):
        return getattr(nn, f"FractionalMaxPool{n}d")(*options, _random_samples=samples), (x,)

    return build


def inputs(shape, n, *options):
    def make(r):
        lead = shape[:2] if len(shape) == n + 2 else (1, shape[0])
        return distinct(r, shape), r.uniform(size=(*lead, n)), *options

    return make


def drawn(F, x):
    return F.fractional_max_pool2d(x, (2, 3), (x.shape[-2] - 1, x.shape[-1] - 2))


def dense(x):
    """All windows, whatever the samples are."""
    windows = np.lib.stride_tricks.sliding_window_view(x, (2, 3), (2, 3))
    return windows.max((-1, -2))


def odd(value):
    """Planes with a number that is not ordinary."""

    def make(r):
        x = r.normal(size=(1, 2, 4, 5))
        x[0, 0, 1, 2] = value
        x[0, 1] = -math.inf
        return x, r.uniform(size=(1, 2, 2)), 2, 3, None, True

    return make


OPTIONS = {
    2: [((2, 3, 6, 7), 2, (3, 4)), ((2, 2, 5, 6), (3, 2), (1, 3), None, True), ((3, 7, 5), 3, None, (0.6, 0.5), True),
        ((1, 1, 4, 4), 1, 4), ((1, 2, 8, 3), (2, 3), (5, 1))],
    3: [((2, 2, 4, 5, 4), 2, (2, 3, 2), None, True), ((2, 5, 4, 6), (1, 2, 3), 2),
        ((1, 1, 4, 5, 4), (2, 1, 2), None, (0.5, 0.7, 0.6))],
}  # fmt: skip

CASES = [
    *(Case(f"fractional_max_pool{n}d-{shape}_{o}".replace(" ", ""), call(n), inputs(shape, n, *o), pooled(n),
           module=to_module(n))
      for n, table in OPTIONS.items() for shape, *o in table),
    Case("fractional_max_pool2d-large", call(2), inputs((1, 1, 4, 4), 2, 2, 2), pooled(2),
         large=inputs((3, 5, 60, 50), 2, (3, 2), (31, 27)), empty=(inputs((0, 2, 4, 4), 2, 2, 2),)),
    Case("fractional_max_pool3d-large", call(3), inputs((1, 1, 4, 4, 4), 3, 2, 2), pooled(3),
         large=inputs((2, 3, 20, 18, 16), 3, 2, (9, 10, 11)), empty=(inputs((0, 2, 4, 4, 4), 3, 2, 2),)),
    Case("fractional_max_pool2d-drawn", drawn, lambda r: (distinct(r, (2, 3, 5, 6)),), dense, torch=False),
    *(Case(f"fractional_max_pool2d-{v}", call(2), odd(v), pooled(2), grad=()) for v in (math.nan, math.inf)),
]  # fmt: skip

X, U = nbnn.ones(1, 2, 6, 5), nbnn.zeros(1, 2, 2)


def refused(name, error, match, *args, **options):
    function = name.split("-")[0]
    return Bad(name, lambda F: getattr(F, function)(*args, **options), error, f"^{function}: {match}")


ERRORS = [
    # windows that fill an axis are refused in three dimensions, though not in two, as in PyTorch
    refused("fractional_max_pool3d-full", ValueError, r"`kernel_size` .* must fit: output \+ kernel is at most the",
            nbnn.ones(1, 1, 4, 4, 3), 2, (3, 2, 2)),
    refused("fractional_max_pool2d-nothing", ValueError,
            r"`output_size` or `output_ratio` must be given", X, 2),
    refused("fractional_max_pool2d-large_window", ValueError,
            r"`kernel_size` \(=\(3, 3\)\) and the output \(4, 4\) must fit: .*; got \(6, 5\)", X, 3, 4),
    refused("fractional_max_pool2d-ratio", ValueError, r"`output_ratio` \(=1.0\) must be between 0 and 1", X, 2, None,
            1.0),
    refused("fractional_max_pool2d-ratio_nan", ValueError, r"`output_ratio` \(=nan\)", X, 2, None, math.nan),
    refused("fractional_max_pool2d-ratios", ValueError, r"`output_ratio` \(=\(0.1, 0.2, 0.3\)\) must be a number or 2",
            X, 2, None, (0.1, 0.2, 0.3)),
    refused("fractional_max_pool2d-tiny", ValueError, r"`output_ratio` \(=0.1\) leaves no output", X, 2, None, 0.1),
    refused("fractional_max_pool2d-ratio_string", TypeError, r"`output_ratio` \(='a'\) must be a number", X, 2, None,
            "a"),
    refused("fractional_max_pool2d-kernel", ValueError, r"`kernel_size` \(=0\) must be at least 1", X, 0, 2),
    refused("fractional_max_pool2d-size", TypeError, r"`output_size` \(=2.0\) must be an int", X, 2, 2.0),
    refused("fractional_max_pool2d-rank", ValueError, r"`input` must have 3 axes, or 4 with a batch", X[0, 0], 2, 2),
    refused("fractional_max_pool2d-empty", ValueError, r"`input` must have no empty axis", nbnn.ones(1, 0, 4, 4), 2, 2),
    refused("fractional_max_pool2d-integers", TypeError, r"`input` must have a floating-point dtype", X.long(), 2, 2),
    refused("fractional_max_pool2d-samples", ValueError, r"`_random_samples` must have shape \(1, 2, 2\); got \(2, 2\)",
            X, 2, 2, _random_samples=U[0]),
    refused("fractional_max_pool2d-sample", ValueError,
            r"`_random_samples`\[0, 1, 0\] \(=1.5\) must be between 0 and 1", X, 2, 2,
            _random_samples=nbnn.tensor([[[0.0, 1.0], [1.5, 0.0]]])),
    refused("fractional_max_pool2d-sample_nan", ValueError, r"`_random_samples`\[0, 0, 0\] \(=nan\)", X, 2, 2,
            _random_samples=U * math.nan),
    refused("fractional_max_pool2d-sample_type", TypeError, r"all inputs must have one dtype", X, 2, 2,
            _random_samples=U.double()),
    refused("fractional_max_pool3d-rank", ValueError, r"`input` must have 4 axes, or 5 with a batch", X[0], 2, 2),
    refused("fractional_max_pool3d-large_window", ValueError, r"`kernel_size` \(=\(2, 2, 2\)\) and the output", X, 2,
            2),
]  # fmt: skip
