"""Cases of nbnn.linalg."""

import numpy as np

import nbnn
from tests.cases import normal
from tests.engine import Bad, Case

INF = float("inf")


def regular(*shapes):
    """A maker of well-conditioned matrices, and of normal arrays beside the first."""

    def make(r):
        first = r.normal(size=shapes[0]) + 3 * np.eye(*shapes[0][-2:])
        return (first, *(r.normal(size=s) for s in shapes[1:]))

    return make  # fmt: skip


def solved(name, call, inputs, oracle, **options):
    """Halves are refused; a single matrix of equal rows, which `layouts` would make of it, has no inverse."""
    single = name in ("inv-2d", "solve-vector", "solve-matrix", "solve-broadcast", "solve-right")
    options.setdefault("rows_only", single)
    return Case(name, call, inputs, oracle, halves=False, tolerance=5, **options)


def spd(F, x):
    return F.matmul(x, x.mT) + F.eye(x.shape[-1], dtype=x.dtype, device=x.device)


def spd_oracle(x):
    return x @ np.swapaxes(x, -1, -2) + np.eye(x.shape[-1])


SOLVES = [
    *(solved(f"inv-{len(shape)}d", lambda F, a: F.linalg.inv(a), regular(shape), np.linalg.inv,
    empty=(normal((0, 2, 2)),))
      for shape in ((3, 3), (2, 2, 2))),
    *(solved(f"solve-{label}", lambda F, a, b: F.linalg.solve(a, b), regular(*shapes), oracle, grad=(0, 1))
      for label, shapes, oracle in (
          ("vector", ((3, 3), (3,)), lambda a, b: np.linalg.solve(a, b)),
          ("matrix", ((3, 3), (3, 2)), lambda a, b: np.linalg.solve(a, b)),
          ("batch", ((2, 2, 2), (2, 2, 3)), lambda a, b: np.linalg.solve(a, b)),
          ("batch_of_vectors", ((2, 3, 3), (2, 3)), lambda a, b: np.linalg.solve(a, b[..., None])[..., 0]),
          ("broadcast", ((2, 2), (3, 2, 1)), lambda a, b: np.linalg.solve(a, b)))),
    solved("solve-right", lambda F, a, b: F.linalg.solve(a, b, left=False), regular((3, 3), (2, 3)),
           lambda a, b: b @ np.linalg.inv(a), grad=(0, 1), fresh=False),
    *(solved(f"det-{len(shape)}d", lambda F, a: F.linalg.det(a), regular(shape), np.linalg.det)
      for shape in ((3, 3), (2, 2, 2))),
    solved("slogdet", lambda F, a: F.linalg.slogdet(a)[1], regular((2, 3, 3)), lambda a: np.linalg.slogdet(a)[1]),
    solved("slogdet-sign", lambda F, a: F.linalg.slogdet(-a)[0], regular((3, 3)), lambda a: np.linalg.slogdet(-a)[0],
           grad=()),
    *(solved(f"cholesky-{upper}_{len(shape)}d", lambda F, x, u=upper: F.linalg.cholesky(spd(F, x), upper=u),
    normal(shape),
             lambda x, u=upper: np.swapaxes(np.linalg.cholesky(spd_oracle(x)), -1, -2) if u
             else np.linalg.cholesky(spd_oracle(x)), arrays=False)
      for upper in (False, True) for shape in ((3, 3), (2, 2, 2))),
    solved("cholesky-alone", lambda F, x: F.linalg.cholesky(x), lambda r: (spd_oracle(r.normal(size=(2, 3, 3))),),
           np.linalg.cholesky, grad=()),
]  # fmt: skip


def whole(u, s, vh):
    return (u[..., : s.shape[-1]] * s[..., None, :]) @ vh[..., : s.shape[-1], :]


def factors(x, full):
    u, s, vh = np.linalg.svd(x, full_matrices=full)
    return np.abs(u), s, np.abs(vh)


def size(x):
    """The absolute value of a Tensor of either library."""
    return x.relu() + (-x).relu()


PARTS = [
    *(solved(f"qr-{shape}".replace(" ", ""), lambda F, x: F.linalg.qr(x), regular(shape),
    lambda x: tuple(np.linalg.qr(x)))
      for shape in ((3, 3), (4, 2), (2, 3, 2))),
    solved("qr-complete", lambda F, x: F.linalg.qr(x, "complete"), regular((4, 2)),
    lambda x: tuple(np.linalg.qr(x, "complete")),
           grad=()),
    *(solved(f"svd-{shape}_{full}".replace(" ", ""),
             lambda F, x, f=full: tuple(map(size, F.linalg.svd(x, f)[:2])) + (size(F.linalg.svd(x, f)[2]),),
             normal(shape),
             lambda x, f=full: factors(x, f), grad=(0,), arrays=False, second=shape != (4, 2))
      for shape, full in (((3, 3), True), ((4, 2), False), ((2, 3), False), ((2, 3, 2), False))),
    solved("svd-full", lambda F, x: F.linalg.svd(x)[1], normal((4, 2)), lambda x: np.linalg.svd(x)[1], grad=()),
    solved("svdvals", lambda F, x: F.linalg.svdvals(x), normal((2, 3, 2)), lambda x: np.linalg.svd(x)[1]),
]  # fmt: skip


def exponential(x):
    total, term = np.eye(x.shape[-1]) + 0 * x, np.eye(x.shape[-1]) + 0 * x
    for k in range(1, 60):
        term = term @ x / k
        total = total + term
    return total


def reflected(x, tau):
    m, n = x.shape[-2:]
    q = np.broadcast_to(np.eye(m, n), x.shape).copy()
    for i in reversed(range(n)):
        v = np.where(np.arange(m) > i, x[..., :, i], np.arange(m) == i)[..., None]
        q = q - tau[..., i, None, None] * v @ (np.swapaxes(v, -1, -2) @ q)
    return q


FUNCTIONS = [
    *(solved(f"matrix_exp-{scale}_{len(shape)}d", lambda F, x, s=scale: F.linalg.matrix_exp(x * s), normal(shape),
             lambda x, s=scale: exponential(x * s)) for scale, shape in ((1, (3, 3)), (3, (2, 2, 2)))),
    *(solved(f"householder_product-{len(shape)}d", lambda F, x, t: F.linalg.householder_product(x, t),
             normal(shape, (*shape[:-2], shape[-1])), reflected, grad=(0, 1)) for shape in ((4, 2), (2, 3, 3))),
]  # fmt: skip
NORMS = [
    *(Case(f"vector_norm-{p}_{dim}_{keep}".replace(" ", ""),
           lambda F, x, p=p, d=dim, k=keep: F.linalg.vector_norm(x, p, d, k), normal((3, 4)),
           lambda x, p=p, d=dim, k=keep: vector_norm(x, p, d, k), tolerance=5, halves=False)
      for p, dim, keep in ((2, None, False), (1, 0, True), (3, 1, False), (2.5, (0, 1), True), (INF, -1, False),
                           (-INF, 0, False), (2, (0,), True), (1.5, None, False))),
    Case("vector_norm-count", lambda F, x: F.linalg.vector_norm(x, 0, 1),
         lambda r: (r.integers(0, 2, (3, 4)) * 1.0,), lambda x: (x != 0).sum(1) * 1.0, grad=()),
    Case("vector_norm-zero", lambda F, x: F.linalg.vector_norm(x), lambda r: (np.zeros(3),), lambda x: np.array(0.0),
         grad=()),
    Case("vector_norm-huge", lambda F, x: F.linalg.vector_norm(x * 1e30), normal((3,)),
         lambda x: np.linalg.norm(x) * 1e30, grad=(), halves=False, torch=False),
    Case("det-singular", lambda F, a: F.linalg.det(a), lambda r: (np.array([[1.0, 2.0], [2.0, 4.0]]),), np.linalg.det,
         second=False, halves=False, torch=False),
    Case("vector_norm-0d", lambda F, x: F.linalg.vector_norm(x), normal(()), np.abs),
    *(Case(f"matrix_norm-{p}", lambda F, x, p=p: F.linalg.matrix_norm(x, p), normal((2, 3, 2)),
           lambda x, p=p: np.linalg.norm(x, p, (-2, -1)), tolerance=5, halves=False)
      for p in ("fro", "nuc", 1, -1, 2, -2, INF, -INF)),
    Case("matrix_norm-dim", lambda F, x: F.linalg.matrix_norm(x, 1, (2, 0), True), normal((2, 3, 2)),
         lambda x: np.linalg.norm(x, 1, (2, 0), True), tolerance=5, halves=False),
    *(Case(f"norm-{p}_{dim}_{len(shape)}d".replace(" ", ""), lambda F, x, p=p, d=dim: F.linalg.norm(x, p, d),
    normal(shape),
           lambda x, p=p, d=dim: np.linalg.norm(x, p, d) if x.ndim < 3 or d is not None
           else np.sqrt((x * x).sum()), tolerance=5, halves=False)
      for p, dim, shape in ((None, None, (2, 3, 2)), (1, None, (2, 3)), (3, None, (4,)), (None, (0, 1), (2, 3)),
                            ("nuc", (0, 1), (2, 3)), (INF, 1, (2, 3)))),
]  # fmt: skip


def vector_norm(x, p, dim, keepdim):
    size = np.abs(x)
    if np.isinf(p):
        return (size.max if p > 0 else size.min)(axis=dim, keepdims=keepdim)
    return np.asarray((size**p).sum(axis=dim, keepdims=keepdim) ** (1 / p))


CASES = [*SOLVES, *PARTS, *FUNCTIONS, *NORMS]

_X, _SINGULAR = nbnn.ones(2, 3), nbnn.ones(2, 2)


def bad(name, *args, error=ValueError, match, **options):
    return Bad(
        f"{name}-{match[:24]}", lambda F: getattr(nbnn.linalg, name)(*args, **options), error, rf"^{name}: {match}"
    )


ERRORS = [
    *(bad(name, _X, *rest, match=r"`A` must have shape \(..., n, n\); got \(2, 3\)")
      for name, rest in (("inv", ()), ("solve", (_X,)), ("det", ()), ("slogdet", ()), ("cholesky", ()),
                         ("matrix_exp", ()))),
    bad("householder_product", _X, nbnn.ones(3), match=r"`input` must have shape \(..., m, n\) with m >= n"),
    *(bad(name, nbnn.ones(2), match=r"`A` must have shape \(..., m, n\); got \(2,\)") for name in ("qr", "svd",
    "svdvals")),
    *(bad(name, _X.long(), error=TypeError, match="`A` must have dtype float32 or float64; got nbnn.int64")
      for name in ("inv", "qr", "svd", "svdvals", "det", "cholesky", "slogdet")),
    bad("inv", _SINGULAR, match="every matrix of `A` must be invertible"),
    bad("solve", _SINGULAR, _X, match="every matrix of `A` must be invertible"),
    bad("cholesky", -nbnn.eye(2), match="every matrix of `A` must be positive definite"),
    bad("solve", nbnn.eye(2), nbnn.ones(3), match=r"`B` must have 2 rows like `A`; got \(3,\) for \(2, 2\)"),
    bad("solve", nbnn.eye(2), nbnn.ones(2), left=False, match="`B` must hold matrices for left=False"),
    bad("solve", nbnn.eye(2), _X.double(), error=TypeError, match="all inputs must have one dtype"),
    bad("qr", _X, "x", match=r"`mode` \(='x'\) must be 'reduced', 'complete' or 'r'"),
    bad("vector_norm", _X.long(), error=TypeError, match="`x` must have a floating-point dtype"),
    bad("vector_norm", _X, "fro", error=TypeError, match=r"`ord` \(='fro'\) must be a number"),
    bad("vector_norm", nbnn.ones(0), INF, match="a norm of order inf needs at least one number"),
    bad("vector_norm", _X, 2, 2, error=IndexError, match=r"`dim` \(=2\)"),
    bad("matrix_norm", _X, 3, match=r"`ord` \(=3\) must be 'fro', 'nuc'"),
    bad("matrix_norm", _X, "fro", (0,), match=r"`dim` \(=\(0,\)\) must name two axes"),
    bad("norm", nbnn.ones(1, 2, 3), 2, match=r"`ord` \(=2\) without `dim` needs a vector or a matrix"),
]  # fmt: skip
