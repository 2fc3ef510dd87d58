"""Elementary functions for bodies: exp, log, tanh, sigmoid, erf and their kin.

Each name resolves to three things. In compiled CPU code it is a polynomial without branches and calls, which LLVM
vectorises inside the drivers' loops (a call of the C library costs 2 to 18 ns an element and keeps the loop scalar). In
CUDA code it is libdevice's function. In plain Python, which is how the simulator of CUDA runs bodies, it is NumPy's.

Every function holds to 4 ULP over its whole range (benchmarks/ulp.py measures it) and is right at zeros of both signs,
infinities, NaN and subnormal numbers, but for `normal_cdf` and `normal_density`, which hold to what an activation needs
(an absolute error of 1e-7 in float32), and the functions of `_gamma`, which lose relative accuracy near their zeros.

`_twin` is how a function gets its forms; the formulas stand in `_elementary`, `_special`, `_trigonometry`, `_arcs`,
`_power`, `_gamma`, `_rounding` and `_remainder`.
"""

from nbnn.kernels._arcs import acos, asin, atan, atan2
from nbnn.kernels._elementary import (
    cosh,
    exp,
    exp2,
    exp_down,
    expm1,
    log,
    log1p,
    log2,
    log10,
    rsqrt,
    sigmoid,
    sinh,
    softplus,
    sqrt,
    tanh,
)
from nbnn.kernels._gamma import digamma, lgamma, tetragamma, trigamma
from nbnn.kernels._power import pow
from nbnn.kernels._remainder import fmod
from nbnn.kernels._rounding import ceil, floor, rint, trunc
from nbnn.kernels._special import erf, erfc, normal_cdf, normal_density
from nbnn.kernels._trigonometry import cos, cos_near, is_near, sin, sin_near, tan, tan_near
from nbnn.kernels._twin import inlined, multiply_add, natural, register_cuda, twin

__all__ = [
    "acos",
    "asin",
    "atan",
    "atan2",
    "ceil",
    "cos",
    "cos_near",
    "cosh",
    "digamma",
    "erf",
    "erfc",
    "exp",
    "exp2",
    "exp_down",
    "expm1",
    "fmod",
    "floor",
    "inlined",
    "is_near",
    "lgamma",
    "log",
    "log10",
    "log1p",
    "log2",
    "multiply_add",
    "natural",
    "normal_cdf",
    "normal_density",
    "pow",
    "register_cuda",
    "rint",
    "rsqrt",
    "sigmoid",
    "sin",
    "sin_near",
    "sinh",
    "softplus",
    "sqrt",
    "tan",
    "tan_near",
    "tanh",
    "tetragamma",
    "trigamma",
    "trunc",
    "twin",
]
