"""Cases of distances, of cosine similarity and of normalisation."""

import itertools
import math

import numpy as np

import nbnn
from tests.cases import normal
from tests.engine import Bad, Case

ORDERS = (2.0, 1.0, 3.0, 1.5, 0.5, math.inf)


def norm(d, p, axis=-1, keepdims=False):
    size = np.abs(d)
    if math.isinf(p):
        return (size.max if p > 0 else size.min)(axis, keepdims=keepdims)
    if p == 0:
        return (d != 0).sum(axis, keepdims=keepdims).astype(float)
    return (size**p).sum(axis, keepdims=keepdims) ** (1 / p)


def pairwise(a, b, p=2.0, eps=1e-6, keepdim=False):
    return norm(a - b + eps, p, keepdims=keepdim)


def cosine(a, b, dim, eps):
    lengths = [np.maximum(np.sqrt((x * x).sum(dim, keepdims=True)), eps) for x in np.broadcast_arrays(a, b)]
    return (a / lengths[0] * (b / lengths[1])).sum(dim)


def pairs(a, b, p):
    return norm(a[..., :, None, :] - b[..., None, :, :], p)


def triangle(x, p):
    return pairs(x, x, p)[np.triu_indices(len(x), 1)]


def unit(x, p, dim):
    return x / np.maximum(norm(x, p, dim, True), 1e-12)


def orders():
    for p in ORDERS:
        second = p not in (0.5,)  # of tiny numbers its central differences are too rough
        yield Case(f"pairwise_distance-{p}", lambda F, a, b, p=p: F.pairwise_distance(a, b, p), normal((4, 3), (4, 3)),
                   lambda a, b, p=p: pairwise(a, b, p), grad=(0, 1), second=second, tolerance=5,
                   module=lambda nn, a, b, p=p: (nn.PairwiseDistance(p), (a, b)))  # fmt: skip
        yield Case(f"normalize-{p}", lambda F, x, p=p: F.normalize(x, p), normal((2, 3, 2)),
                   lambda x, p=p: unit(x, p, 1), second=second, tolerance=5)  # fmt: skip
        yield Case(f"cdist-{p}", lambda F, a, b, p=p: F.cdist(a, b, p), normal((4, 3), (2, 3)),
                   lambda a, b, p=p: pairs(a, b, p), grad=(0, 1), second=second, tolerance=5)  # fmt: skip
        yield Case(f"pdist-{p}", lambda F, x, p=p: F.pdist(x, p), normal((4, 3)), lambda x, p=p: triangle(x, p),
                   second=second, tolerance=5)  # fmt: skip
    for a, b, keepdim in itertools.product(((3,), (4, 3), (2, 4, 3)), ((3,), (1, 3)), (False, True)):
        yield Case(f"pairwise_distance-{a}_{b}_{keepdim}".replace(" ", ""),
                   lambda F, a, b, k=keepdim: F.pairwise_distance(a, b, keepdim=k), normal(a, b),
                   lambda a, b, k=keepdim: pairwise(a, b, keepdim=k), grad=(0, 1), halves=False,
                   module=lambda nn, a, b, k=keepdim: (nn.PairwiseDistance(keepdim=k), (a, b)))  # fmt: skip
    for dim, (a, b) in itertools.product((1, 0, -1), (((2, 3), (2, 3)), ((4, 1), (1, 3)), ((2, 3, 2), (3, 1)))):
        yield Case(f"cosine_similarity-{dim}_{a}_{b}".replace(" ", ""),
                   lambda F, a, b, dim=dim: F.cosine_similarity(a, b, dim), normal(a, b),
                   lambda a, b, dim=dim: cosine(a, b, dim, 1e-8), grad=(0, 1), tolerance=5,
                   module=lambda nn, a, b, dim=dim: (nn.CosineSimilarity(dim), (a, b)))  # fmt: skip


def into(F, x):
    out = F.zeros_like(x)
    F.normalize(x, out=out)
    return out


CASES = [
    *orders(),
    Case("pairwise_distance-count", lambda F, a, b: F.pairwise_distance(a, b, 0.0, 0.0),
         lambda r: (np.array([[1.0, 2, 3]]), np.array([[1.0, 0, 3]])), lambda a, b: np.array([1.0]), grad=()),
    Case("pairwise_distance-smallest", lambda F, a, b: F.pairwise_distance(a, b, -math.inf), normal((4, 3), (4, 3)),
         lambda a, b: pairwise(a, b, -math.inf), grad=(0, 1)),
    Case("pairwise_distance-negative", lambda F, a, b: F.pairwise_distance(a, b, -1.5), normal((4, 3), (4, 3)),
         lambda a, b: pairwise(a, b, -1.5), grad=(0, 1), tolerance=5),
    *(Case(f"pairwise_distance-equal_{p}", lambda F, a, b, p=p: F.pairwise_distance(a, b, p, 0.0),
           lambda r: (np.ones((2, 3)), np.ones((2, 3))), lambda a, b: np.zeros(2), grad=()) for p in ORDERS),
    Case("pairwise_distance-large", lambda F, a, b: F.pairwise_distance(a, b), normal((3, 4), (3, 4)), pairwise,
         grad=(0, 1), large=normal((700, 33), (700, 33)), empty=(normal((0, 3), (0, 3)), normal((2, 0), (2, 0)))),
    Case("pairwise_distance-nan", lambda F, a, b: F.pairwise_distance(a, b),
         lambda r: (np.array([[math.nan, 1], [math.inf, 0]]), np.zeros((2, 2))),
         lambda a, b: np.array([math.nan, math.inf]), grad=()),
    Case("cosine_similarity-zero", lambda F, a, b: F.cosine_similarity(a, b),
         lambda r: (np.zeros((2, 3)), r.normal(size=(2, 3))), lambda a, b: cosine(a, b, 1, 1e-8), grad=(1,),
         second=False, empty=(normal((0, 3), (0, 3)),)),
    Case("normalize-zero", lambda F, x: F.normalize(x), lambda r: (np.zeros((2, 3)),), lambda x: x, grad=(),
         empty=(normal((0, 3)), normal((2, 0)))),
    Case("normalize-axes", lambda F, x: F.normalize(x, 2.0, (0, 2)), normal((2, 3, 2)),
         lambda x: unit(x, 2.0, (0, 2)), large=normal((70, 9, 40))),
    Case("normalize-axes_inf", lambda F, x: F.normalize(x, math.inf, (0, 2)), normal((2, 3, 2)),
         lambda x: unit(x, math.inf, (0, 2)), torch=False),
    Case("normalize-out", into, normal((2, 3)), lambda x: unit(x, 2.0, 1), grad=(), arrays=False),
    Case("cdist-batch", lambda F, a, b: F.cdist(a, b), normal((2, 1, 4, 3), (3, 2, 3)),
         lambda a, b: pairs(a, b, 2.0), grad=(0, 1), large=normal((2, 1, 90, 9), (3, 70, 9)),
         empty=(normal((0, 3), (2, 3)), normal((2, 3), (0, 3)), normal((2, 0), (3, 0)))),
    Case("cdist-count", lambda F, a, b: F.cdist(a, b, 0.0), lambda r: (np.eye(3), np.ones((2, 3))),
         lambda a, b: pairs(a, b, 0.0), grad=()),
    *(Case(f"cdist-equal_{p}", lambda F, a, b, p=p: F.cdist(a, b, p, "donot_use_mm_for_euclid_dist"),
           lambda r: (np.ones((2, 3)), np.ones((2, 3))), lambda a, b, p=p: pairs(a, b, p), grad=()) for p in ORDERS),
    Case("pdist-large", lambda F, x: F.pdist(x), normal((3, 2)), lambda x: triangle(x, 2.0), large=normal((90, 9)),
         empty=(normal((0, 3)), normal((1, 3)))),
]  # fmt: skip

X = nbnn.ones(4, 3)


def equal_gradients(F, name, p):
    """Distances of 0 have gradients of 0."""
    x = nbnn.ones(2, 3).requires_grad_()
    y = F.pairwise_distance(x, nbnn.ones(2, 3), p, 0.0) if name == "pairwise_distance" else getattr(F, name)(x, x, p)
    (g,) = nbnn.autograd.grad(y.sum(), x)
    if (g == 0).all():
        raise ValueError(f"{name}: zero")  # what a Bad looks for


ERRORS = [
    *(Bad(f"{name}-zero_gradient_{p}", lambda F, name=name, p=p: equal_gradients(F, name, p), ValueError, "zero")
      for name in ("pairwise_distance", "cdist") for p in ORDERS),
    *(Bad(f"{name}-shapes", lambda F, name=name: getattr(F, name)(X, nbnn.ones(2, 2)), ValueError, rf"^{name}: ")
      for name in ("pairwise_distance", "cosine_similarity", "cdist")),
    *(Bad(f"{name}-integers", lambda F, name=name, n=n: getattr(F, name)(*(X.long(),) * n), TypeError,
          rf"^{name}: `\w+` must have a floating-point dtype")
      for name, n in (("cosine_similarity", 2), ("cdist", 2), ("pdist", 1), ("normalize", 1))),
    Bad("pairwise_distance-bools", lambda F: F.pairwise_distance(X > 0, X > 0), TypeError, r"^pairwise_distance: oper"),
    *(Bad(f"{name}-none", lambda F, name=name: getattr(F, name)(X, None), TypeError, rf"^{name}: `x2` must be a Tensor")
      for name in ("pairwise_distance", "cosine_similarity", "cdist")),
    *(Bad(f"{name}-p_{p}", lambda F, name=name, n=n, p=p: getattr(F, name)(*(X,) * n, p=p), ValueError, f"^{name}: `p`")
      for name, n, p in (("pairwise_distance", 2, math.nan), ("cdist", 2, -1.0), ("pdist", 1, -1.0),
                         ("normalize", 1, math.nan))),
    Bad("pairwise_distance-axes", lambda F: F.pairwise_distance(nbnn.tensor(1.0), nbnn.tensor(1.0)), ValueError,
        r"^pairwise_distance: `x1` must have at least 1 axis"),
    Bad("pairwise_distance-p_text", lambda F: F.pairwise_distance(X, X, "2"), TypeError, r"`p` \(='2'\) must be a num"),
    Bad("pairwise_distance-empty_inf", lambda F: F.pairwise_distance(nbnn.ones(2, 0), nbnn.ones(2, 0), math.inf),
        ValueError, r"a norm of order inf needs at least one number"),
    Bad("cosine_similarity-dim", lambda F: F.cosine_similarity(X, X, 2), IndexError, r"^cosine_similarity: `dim`"),
    Bad("normalize-dim", lambda F: F.normalize(X, dim=5), IndexError, r"^normalize: `dim` \(=5\)"),
    Bad("normalize-out_shape", lambda F: F.normalize(X, out=nbnn.ones(3)), ValueError, r"^normalize: `out` must have"),
    Bad("normalize-out_dtype", lambda F: F.normalize(X, out=X.double()), TypeError, r"^normalize: .*one dtype"),
    Bad("cdist-axes", lambda F: F.cdist(nbnn.ones(3), X), ValueError, r"^cdist: `x1` must have at least 2 axes"),
    Bad("cdist-dtypes", lambda F: F.cdist(X, X.double()), TypeError, r"^cdist: .*one dtype"),
    Bad("cdist-mode", lambda F: F.cdist(X, X, 2.0, "mm"), ValueError, r"^cdist: `compute_mode` \(='mm'\)"),
    Bad("pdist-axes", lambda F: F.pdist(nbnn.ones(3)), ValueError, r"^pdist: `input` must have shape \(N, D\)"),
]  # fmt: skip
