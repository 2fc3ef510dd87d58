"""What p-norms and distances share."""

from __future__ import annotations

from nbnn.kernels._vecmath import inlined, pow, sqrt


@inlined
def power(v, q):
    """v^q of v >= 0"""
    if q == 1:
        return v
    if q == 2:
        return v * v
    if q == 0.5:
        return sqrt(v)
    return pow(v, type(v)(q))
