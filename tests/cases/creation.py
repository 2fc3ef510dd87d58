"""Cases of points between ends, grids, and the refusals of random numbers (whose laws stand in test_sampling.py)."""

import itertools

import numpy as np

import nbnn
from tests.cases import normal
from tests.engine import Bad, Case


def made(name, call, value, **options):
    """A function without inputs; it is given a Tensor all the same, whose dtype it takes over."""
    return Case(
        name, lambda F, x: call(F, x), normal((2, 3)), lambda x: value, grad=(), arrays=False, cuda=False, **options
    )


ENDS = [(0, 1, 5), (3, -2, 7), (1, 1, 1), (0, 5, 0), (2, 9, 1)]
POINTS = [
    *(made(f"linspace-{a}_{b}_{n}",
    lambda F, x, a=a, b=b, n=n: F.linspace(a, b, n, dtype=x.dtype), np.linspace(a, b, n))
      for a, b, n in ENDS),
    *(made(f"logspace-{a}_{b}_{n}", lambda F, x, a=a, b=b, n=n: F.logspace(a, b, n, 2.0, dtype=x.dtype),
           np.logspace(a, b, n, base=2.0)) for a, b, n in ENDS),
    made("linspace-integers", lambda F, x: F.linspace(0, 10, 4, dtype=F.int64), np.array([0, 3, 6, 10])),
    made("linspace-default", lambda F, x: F.linspace(0, 10, 4), np.linspace(0, 10, 4), out="float32"),
    made("logspace-default", lambda F, x: F.logspace(0, 2, 3), np.array([1.0, 10.0, 100.0]), out="float32"),
    made("full_like", lambda F, x: F.full_like(x, 2.5), np.full((2, 3), 2.5)),
    made("full_like-dtype", lambda F, x: F.full_like(x, 2, dtype=F.int64), np.full((2, 3), 2)),
]  # fmt: skip
GRIDS = [
    *(Case(f"meshgrid-{indexing}_{len(shapes)}", lambda F, *xs, k=indexing: F.meshgrid(*xs, indexing=k),
    normal(*shapes),
           lambda *xs, k=indexing: tuple(np.meshgrid(*xs, indexing=k)), grad=tuple(range(len(shapes))), fresh=False)
      for indexing in ("ij", "xy") for shapes in (((2,),), ((2,), (3,)), ((2,), (3,), (2,)))),
    Case("meshgrid-list", lambda F, a, b: F.meshgrid([a, b], indexing="ij"), normal((2,), ()),
         lambda a, b: tuple(np.meshgrid(a, b, indexing="ij")), grad=(0, 1), fresh=False),
    Case("cartesian_prod", lambda F, *xs: F.cartesian_prod(*xs), normal((2,), (3,), (2,)),
         lambda *xs: np.array(list(itertools.product(*xs))), grad=(0, 1, 2)),
    Case("cartesian_prod-one", lambda F, x: F.cartesian_prod(x), normal((3,)), lambda x: x, fresh=False),
]  # fmt: skip
CERTAIN = [
    Case("bernoulli", lambda F, x: F.bernoulli(x), lambda r: (r.integers(0, 2, (3, 4)) * 1.0,), lambda x: x, grad=()),
    made("bernoulli-p", lambda F, x: F.bernoulli(x, 1.0), np.ones((2, 3))),
    made("normal", lambda F, x: F.normal(2.0, 0.0, (2, 3), dtype=x.dtype), np.full((2, 3), 2.0)),
    Case("normal-tensors", lambda F, x, y: F.normal(x, y), lambda r: (r.normal(size=(2, 3)), np.zeros((2, 3))),
         lambda x, y: x, grad=(), halves=False),
    Case("multinomial", lambda F, x: F.multinomial(x, 2, True), lambda r: (np.array([[0.0, 3.0], [1.0, 0.0]]),),
         lambda x: np.array([[1, 1], [0, 0]]), grad=()),
    Case("multinomial-all", lambda F, x: F.multinomial(x, 1), lambda r: (np.array([0.0, 0.0, 2.0]),),
         lambda x: np.array([2]), grad=()),
]  # fmt: skip

CASES = [*POINTS, *GRIDS, *CERTAIN]

_X = nbnn.ones(2, 3)


def bad(name, *args, error=ValueError, match, **options):
    return Bad(f"{name}-{match[:24]}", lambda F: getattr(F, name)(*args, **options), error, rf"^{name}: {match}")


ERRORS = [
    bad("linspace", 0, 1, -1, match=r"`steps` \(=-1\) must be at least 0"),
    bad("linspace", 0, float("inf"), 3, match=r"`end` \(=inf\) must be finite"),
    bad("linspace", "0", 1, 3, error=TypeError, match=r"`start` \(='0'\) must be a number"),
    bad("logspace", 0, 1, 2.5, error=TypeError, match=r"`steps` \(=2.5\) must be an int"),
    bad("full_like", [1.0], 2, error=TypeError, match="`input` must be a Tensor; got list"),
    bad("meshgrid", _X[0], indexing="yx", match=r"`indexing` \(='yx'\) must be 'ij' or 'xy'"),
    bad("meshgrid", _X, match=r"`tensors`\[0\] must have at most one axis; got shape \(2, 3\)"),
    bad("meshgrid", match="`tensors` must hold at least one Tensor"),
    bad("cartesian_prod", nbnn.ones(()), match=r"`tensors`\[0\] must have one axis; got shape \(\)"),
    bad("bernoulli", _X * 2, match="`input` must hold probabilities between 0 and 1"),
    bad("bernoulli", _X * float("nan"), match="`input` must hold probabilities"),
    bad("bernoulli", _X, 1.5, match=r"`p` \(=1.5\) must be between 0 and 1"),
    bad("bernoulli", _X.long(), error=TypeError, match="`input` must have a floating-point dtype"),
    Bad("bernoulli-in_place", lambda F: F.ones(3).bernoulli_(-1.0), ValueError, r"^bernoulli_: `p` \(=-1.0\)"),
    Bad("bernoulli-in_place_shape", lambda F: F.ones(3).bernoulli_(F.ones(2, 3)), ValueError,
         "^bernoulli_: `p` of shape"),
    Bad("bernoulli-exponential", lambda F: F.ones(3).exponential_(0.0), ValueError, r"^exponential_: `lambd` \(=0.0\)"),
    bad("normal", 0.0, -1.0, (2,), match=r"`std` \(=-1.0\) must be at least 0"),
    bad("normal", _X, -_X, match="`std` must be at least 0"),
    bad("normal", _X, nbnn.ones(2), match="the shapes must broadcast"),
    bad("normal", 0.0, 1.0, error=TypeError, match="needs either `size` or a Tensor"),
    bad("normal", _X, 1.0, (2,), error=TypeError, match="needs either `size` or a Tensor"),
    bad("multinomial", -_X, 1, match="`input` must hold finite weights of at least 0"),
    bad("multinomial", _X * 0, 1, match="`input` must hold finite weights"),
    bad("multinomial", _X, 4, match=r"`num_samples` \(=4\) must be at most 3, the categories with a weight"),
    bad("multinomial", _X, 0, match=r"`num_samples` \(=0\) must be at least 1"),
    bad("multinomial", nbnn.ones(2, 0), 1, match=r"`input` must have shape \(N, C\) or \(C,\)"),
    bad("multinomial", _X.long(), 1, error=TypeError, match="`input` must have a floating-point dtype"),
]  # fmt: skip
