"""Cases of local response normalisation."""

import numpy as np

import nbnn
from tests.cases import normal
from tests.engine import Bad, Case


def divided(x, before, after, size, alpha, beta, k):
    y = np.empty_like(x)
    for c in range(x.shape[1]):
        energy = (x[:, max(0, c - before) : c + after + 1] ** 2).sum(1)
        y[:, c] = x[:, c] / (k + alpha / size * energy) ** beta
    return y


def local(x, size, alpha=1e-4, beta=0.75, k=1.0):
    return divided(x, size // 2, (size - 1) // 2, size, alpha, beta, k)


def cases():
    for shape, size in (((2, 4, 3), 1), ((2, 4, 3), 2), ((2, 5, 2, 2), 3), ((1, 3, 2, 1, 2), 9)):
        for options in ((), (0.5, 0.6, 2.0)):
            yield Case(f"local_response_norm-{shape}_{size}_{len(options)}".replace(" ", ""),
                       lambda F, x, a=(size, *options): F.local_response_norm(x, *a), normal(shape),
                       lambda x, a=(size, *options): local(x, *a), tolerance=3,
                       module=lambda nn, x, a=(size, *options): (nn.LocalResponseNorm(*a), (x,)),
                       empty=(normal((0, 3, 2)), normal((2, 0, 2))))  # fmt: skip
    for size in (1, 2, 3, 4):
        side = (size - 1) // 2
        yield Case(f"cross_map_lrn2d-{size}",
                   lambda F, x, size=size: nbnn.CrossMapLRN2d(size, 0.5, 0.6, 2.0)(x),
                   normal((2, 5, 2, 2)),
                   lambda x, size=size, side=side: divided(x, side, side, size, 0.5, 0.6, 2.0),
                   arrays=False, tolerance=3, torch=False)  # fmt: skip


CASES = [
    *cases(),
    Case("local_response_norm-large", lambda F, x: F.local_response_norm(x, 5, 0.1), normal((1, 6, 2)),
         lambda x: local(x, 5, 0.1), large=normal((3, 17, 30, 31)), tolerance=3),
]  # fmt: skip

X = nbnn.ones(1, 2, 3)
ERRORS = [
    Bad("local_response_norm-axes", lambda F: F.local_response_norm(X[0], 2), ValueError, r"at least 3 axes"),
    Bad("local_response_norm-size", lambda F: F.local_response_norm(X, 0), ValueError, r"`size` \(=0\) must be at lea"),
    Bad("local_response_norm-size_float", lambda F: F.local_response_norm(X, 2.5), TypeError, r"`size` .* must be an"),
    Bad("local_response_norm-integers", lambda F: F.local_response_norm(X.long(), 2), TypeError, r"floating-point"),
    Bad("cross_map_lrn2d-axes", lambda F: nbnn.CrossMapLRN2d(2)(X), ValueError, r"^cross_map_lrn2d: `input` must"),
    Bad("cross_map_lrn2d-size", lambda F: nbnn.CrossMapLRN2d(0), ValueError, r"`size` \(=0\) must be at least 1"),
]  # fmt: skip
