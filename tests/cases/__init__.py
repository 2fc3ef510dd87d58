"""Tables of cases, one for each family, and what makes their inputs."""

import numpy as np


def normal(*shapes):
    """A maker of normal float64 arrays of these shapes."""
    return lambda r: tuple(np.asarray(r.normal(size=s)) for s in shapes)


def one(shape, *rest):
    """A maker of one normal array; the rest is passed on."""
    return lambda r: (np.asarray(r.normal(size=shape)), *rest)


def uniform(low, high, *shapes):
    """A maker of uniform float64 arrays."""
    return lambda r: tuple(np.asarray(r.uniform(low, high, s)) for s in shapes)


def distinct(r, shape):
    """Numbers that all differ by at least 0.1 and stay 0.05 from 0: no kink within reach of a difference."""
    n = int(np.prod(shape))
    return ((r.permutation(n) - n // 2) * 0.1 + 0.05).reshape(shape)


def spread(*shapes):
    """A maker of arrays of `distinct` numbers."""
    return lambda r: tuple(distinct(r, s) for s in shapes)


def arrays(*values):
    """A maker of exactly these arrays (floats in float64)."""
    return lambda r: tuple(np.array(v) if isinstance(v, (list, np.ndarray)) else v for v in values)


def loaded(module, **tensors):
    """The module with these values in its parameters and buffers."""
    for name, t in tensors.items():
        if t is not None:
            getattr(module, name).detach().copy_(t)
    return module


def away(*shapes):
    """A maker of numbers between 0.5 and 2 of either sign: nothing to divide by zero."""

    def make(r):
        return tuple(np.asarray(r.uniform(0.5, 2, s) * r.choice([-1.0, 1.0], s)) for s in shapes)

    return make
