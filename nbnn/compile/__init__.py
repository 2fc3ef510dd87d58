"""What runs inside a user's own ``@njit``: the functions of `nbnn.functional` on arrays, with no Python in between.

Importing this room tells Numba what the functions are in compiled code; nothing is compiled before they are used.

Examples
--------
>>> import numba
>>> import numpy as np
>>> import nbnn.nn.functional as F
>>> @numba.njit
... def layer(x, weight, bias):
...     return F.relu(F.linear(x, weight, bias))
>>> layer(np.array([1.0, 2.0]), np.array([[3.0, 4.0], [-1.0, 0.0]]), np.array([0.5, 0.0]))
array([11.5,  0. ])
"""

import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any

from nbnn.compile import activation as activation
from nbnn.compile import convolution as convolution
from nbnn.compile import linear as linear
from nbnn.compile import loss as loss
from nbnn.compile import pooling as pooling


class _Callable(ModuleType):
    """The module, called as torch's programs do: ``model = torch.compile(model)``."""

    def __call__(self, model: Callable | None = None, **options: Any) -> Any:
        """`model` as it is: what it calls is compiled already; the options change nothing. A decorator without it."""
        return (lambda model: model) if model is None else model


sys.modules[__name__].__class__ = _Callable
