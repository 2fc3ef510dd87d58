"""What the tables of reductions share."""

import nbnn
from tests.engine import Bad

X = nbnn.ones(2, 3)


def integers(*shapes, low=-9, high=9):
    """A maker of int64 arrays."""
    return lambda r: tuple(r.integers(low, high, s) for s in shapes)


def dim_refusals(name, **others):
    """What every function of (input, dim) refuses."""

    def call(x, dim):
        return lambda F: getattr(F, name)(x, dim, **others)

    return [
        Bad(f"{name}-dim", call(X, 2), IndexError, rf"^{name}: `dim` \(=2\)"),
        Bad(f"{name}-dim_negative", call(X, -3), IndexError, rf"^{name}: `dim` \(=-3\)"),
        Bad(f"{name}-dim_string", call(X, "a"), TypeError, rf"^{name}: `dim` \(='a'\) must be an int"),
        Bad(f"{name}-dim_float", call(X, 1.0), TypeError, rf"^{name}: `dim` \(=1.0\) must be an int"),
        Bad(f"{name}-dim_huge", call(X, 2**55), IndexError, rf"^{name}: `dim` \(=36028797018963968\)"),
        Bad(f"{name}-list", call([1.0], 0), TypeError, rf"^{name}: `input` must be a Tensor; got list"),
        Bad(f"{name}-none", call(None, 0), TypeError, rf"^{name}: `input` must be a Tensor; got NoneType"),
    ]
