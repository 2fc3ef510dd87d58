"""What the old and the new spelling of weight and spectral norm have in common."""

from __future__ import annotations

import math
from typing import Any

from nbnn import functional as F
from nbnn.autograd import no_grad
from nbnn.functional import _check
from nbnn.functional.creation import randn, zeros
from nbnn.linalg import vector_norm
from nbnn.modules import ConvTranspose1d, ConvTranspose2d, ConvTranspose3d, Module
from nbnn.tensor import Tensor


def weight_of(op: str, module: Any, name: str) -> Tensor:
    """The Tensor under this name in a module."""
    if not isinstance(module, Module):
        raise TypeError(f"{op}: `module` must be a Module; got {type(module).__name__}")
    weight = getattr(module, name, None)
    if not isinstance(weight, Tensor):
        raise ValueError(f"{op}: `name` (={name!r}) must name a parameter or buffer of {type(module).__name__}")
    return weight


def norm_except(v: Tensor, dim: int | None) -> Tensor:
    """The norm of `v` over all axes but one, which keeps its place; over all for None and -1."""
    if dim is None or dim == -1:
        return vector_norm(v)
    axes = tuple(k for k in range(v.dim()) if k != dim % v.dim())
    if not axes:
        return F.relu(v) + F.relu(-v)
    if v.numel() == 0:
        kept = tuple(n if k == dim % v.dim() else 1 for k, n in enumerate(v.shape))
        return zeros(kept, dtype=v.dtype, device=v.device)
    return vector_norm(v, 2, axes, keepdim=True)


def check_dim(op: str, weight: Tensor, dim: Any) -> int | None:
    """`dim` as an axis of the weight; None and -1 are all axes together."""
    if dim is not None and dim != -1:
        _check.dim(op, dim, weight.dim())
    return dim


def usual_dim(module: Module, dim: int | None) -> int:
    """The axis of the outputs, unless given."""
    if dim is not None:
        return dim
    return 1 if isinstance(module, (ConvTranspose1d, ConvTranspose2d, ConvTranspose3d)) else 0


def as_matrix(weight: Tensor, dim: int) -> Tensor:
    """The weight with axis `dim` as rows and all others as columns."""
    if dim % weight.dim():
        weight = weight.movedim(dim, 0)
    return weight.reshape(weight.shape[0], math.prod(weight.shape[1:]))


def start_vectors(matrix: Tensor, eps: float) -> tuple[Tensor, Tensor]:
    """Random directions of the rows and of the columns, near the first singular vectors.

    Without the steps, a module that is evaluated before it is trained would divide by a number far too small.
    """
    place: dict[str, Any] = {"dtype": matrix.dtype, "device": matrix.device}
    u, v = (F.normalize(randn(n, **place), dim=0, eps=eps) for n in matrix.shape)
    iterate(matrix, u, v, 15, eps)
    return u, v


def iterate(matrix: Tensor, u: Tensor, v: Tensor, n: int, eps: float) -> None:
    """Bring `u` and `v` nearer to the first singular vectors, in place."""
    with no_grad():
        matrix = matrix.detach()
        for _ in range(n):
            u.copy_(F.normalize(matrix.matmul(v), dim=0, eps=eps))
            v.copy_(F.normalize(matrix.mT.matmul(u), dim=0, eps=eps))


def check_spectral(op: str, weight: Tensor, n_power_iterations: Any, eps: Any, dim: int) -> tuple[int, float]:
    """The settings of a spectral norm."""
    if weight.numel() == 0:
        raise ValueError(f"{op}: the weight must not be empty; got shape {tuple(weight.shape)}")
    _check.dim(op, dim, weight.dim())
    return _check.integer(op, "n_power_iterations", n_power_iterations, 1), _check.number(op, "eps", eps)
