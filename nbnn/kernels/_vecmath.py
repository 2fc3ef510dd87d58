"""Elementary functions for bodies: exp, log, tanh, sigmoid, erf and their kin.

Each name resolves to three things. In compiled CPU code it is a polynomial without branches and calls, which LLVM
vectorises inside the drivers' loops (a call of the C library costs 2 to 18 ns an element and keeps the loop scalar). In
CUDA code it is libdevice's function. In plain Python, which is how the simulator of CUDA runs bodies, it is NumPy's.

Every function holds to 4 ULP over its whole range (benchmarks/ulp.py measures it) and is right at zeros of both signs,
infinities, NaN and subnormal numbers; `normal_cdf` and `normal_density` alone hold to what an activation needs, an
absolute error of 1e-7 in float32.

`_twin` is how a function gets its forms; the formulas stand in `_elementary`, `_special`, `_trigonometry`, `_power`
and `_remainder`.
"""

from nbnn.kernels._elementary import exp, exp2, expm1, log, log1p, log2, rsqrt, sigmoid, softplus, sqrt, tanh
from nbnn.kernels._power import pow
from nbnn.kernels._remainder import fmod
from nbnn.kernels._special import erf, erfc, normal_cdf, normal_density
from nbnn.kernels._trigonometry import cos, sin
from nbnn.kernels._twin import inlined, natural, register_cuda, twin

__all__ = [
    "cos",
    "erf",
    "erfc",
    "exp",
    "exp2",
    "expm1",
    "fmod",
    "inlined",
    "log",
    "log1p",
    "log2",
    "natural",
    "normal_cdf",
    "normal_density",
    "pow",
    "register_cuda",
    "rsqrt",
    "sigmoid",
    "sin",
    "softplus",
    "sqrt",
    "tanh",
    "twin",
]
