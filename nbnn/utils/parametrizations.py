"""Parametrizations of weights: orthogonal, of given length, of spectral norm 1."""

from __future__ import annotations

from typing import Any

from nbnn import functional as F
from nbnn.functional.creation import eye, randn, zeros
from nbnn.functional.joining import cat
from nbnn.functional.rearrange import diag_embed
from nbnn.linalg import householder_product, matrix_exp, qr, solve
from nbnn.modules import Module
from nbnn.tensor import Tensor
from nbnn.utils import _norms
from nbnn.utils._householder import reflectors
from nbnn.utils.parametrize import register_parametrization

__all__ = ["orthogonal", "spectral_norm", "weight_norm"]

_MAPS = ("matrix_exp", "cayley", "householder")


def _unit(x: Tensor) -> Tensor:
    """Orthonormal columns that span those of `x`: Q of its QR decomposition with a positive diagonal of R."""
    q, r = qr(x)
    return q * _signs(r).unsqueeze(-2)


def _signs(x: Tensor) -> Tensor:
    """The signs on the diagonal, 1 where it is 0."""
    diagonal = x.detach().diagonal(0, -2, -1)
    return (diagonal >= 0).to(dtype=x.dtype) * 2 - 1


class _Orthogonal(Module):
    """Rows or columns, the fewer of the two, orthonormal."""

    base: Tensor | None

    def __init__(self, weight: Tensor, orthogonal_map: str, use_trivialization: bool) -> None:
        super().__init__()
        self.shape = tuple(weight.shape)
        self.orthogonal_map = orthogonal_map
        self.use_trivialization = use_trivialization
        if use_trivialization:
            self.register_buffer("base", None)

    def forward(self, x: Tensor) -> Tensor:
        wide = x.shape[-2] < x.shape[-1]
        x = x.mT if wide else x
        n, k = x.shape[-2:]
        if self.orthogonal_map == "householder":
            below = x.tril(-1)
            scale = 2.0 / (1.0 + (below * below).sum(-2))
            q = householder_product(below, scale) * x.detach().diagonal(0, -2, -1).trunc().unsqueeze(-2)
        else:
            x = x.tril()
            if n != k:
                x = cat([x, zeros((*x.shape[:-1], n - k), dtype=x.dtype, device=x.device)], -1)
            skew = x - x.mT
            one = eye(n, dtype=x.dtype, device=x.device)
            exponential = self.orthogonal_map == "matrix_exp"
            q = matrix_exp(skew) if exponential else solve(one - skew * 0.5, one + skew * 0.5)
            q = q[..., :k]
        if self.use_trivialization and self.base is not None:
            q = self.base.matmul(q)
        return q.mT if wide else q

    def right_inverse(self, value: Tensor) -> Tensor:
        if tuple(value.shape) != self.shape:
            raise ValueError(f"orthogonal: a value must have shape {self.shape}; got {tuple(value.shape)}")
        wide = value.shape[-2] < value.shape[-1]
        q = (value.mT if wide else value).detach()
        n, k = q.shape[-2:]
        if not self.use_trivialization:
            if self.orthogonal_map != "householder":
                raise NotImplementedError(
                    f"orthogonal: nothing can be assigned to the map {self.orthogonal_map!r} with "
                    "use_trivialization=False"
                )
            found = reflectors(q)
            return found.mT if wide else found
        if n != k:
            q = cat([_unit(q), randn(*q.shape[:-1], n - k, dtype=q.dtype, device=q.device)], -1)
        self.base = _unit(q)
        rows = zeros((*value.shape[:-2], k), dtype=value.dtype, device=value.device) - 1
        square = diag_embed(rows)
        if n == k:
            return square
        rest = zeros((*value.shape[:-2], n - k, k), dtype=value.dtype, device=value.device)
        tall = cat([square, rest], -2)
        return tall.mT if wide else tall


def orthogonal(
    module: Module, name: str = "weight", orthogonal_map: str | None = None, *, use_trivialization: bool = True
) -> Module:
    r"""Keep a matrix, or the matrices of a batch, orthogonal: :math:`Q^T Q = I`, or :math:`Q Q^T = I` if it is wide.

    With A the skew-symmetric matrix of a parameter's lower triangle, Q is :math:`\exp(A)` (``"matrix_exp"``),
    :math:`(I - A / 2)^{-1} (I + A / 2)` (``"cayley"``), or the product of the Householder reflections of the columns
    of the parameter (``"householder"``), and the first columns of these for a tall matrix.

    Parameters
    ----------
    module : Module
    name : str
        Of the parameter.
    orthogonal_map : {"matrix_exp", "cayley", "householder"}, optional
        Unless given, the first for square matrices and the last for others.
    use_trivialization : bool
        Whether Q is multiplied by a fixed orthogonal matrix, so that it starts as the present weight made orthogonal,
        and can be assigned to.

    Returns
    -------
    Module
        `module`.

    Raises
    ------
    ValueError
        If the parameter has fewer than two axes, or the map is none of the three.

    References
    ----------
    M. Lezcano-Casado, "Trivializations for gradient-based optimization on manifolds", NeurIPS 2019.

    Examples
    --------
    >>> import nbnn, nbnn.nn as nn
    >>> layer = nn.utils.parametrizations.orthogonal(nn.Linear(3, 2))
    >>> nbnn.allclose(layer.weight.matmul(layer.weight.T), nbnn.eye(2), atol=1e-6)
    True
    """
    weight = _norms.weight_of("orthogonal", module, name)
    if weight.dim() < 2:
        raise ValueError(f"orthogonal: `name` (={name!r}) must have at least 2 axes; got shape {tuple(weight.shape)}")
    if orthogonal_map is None:
        orthogonal_map = "matrix_exp" if weight.shape[-1] == weight.shape[-2] else "householder"
    if orthogonal_map not in _MAPS:
        names = ", ".join(map(repr, _MAPS))
        raise ValueError(f"orthogonal: `orthogonal_map` (={orthogonal_map!r}) must be one of {names}")
    made = _Orthogonal(weight, orthogonal_map, use_trivialization)
    return register_parametrization(module, name, made, unsafe=True)


class _WeightNorm(Module):
    """Length and direction."""

    def __init__(self, dim: int | None = 0) -> None:
        super().__init__()
        self.dim = dim

    def forward(self, g: Tensor, v: Tensor) -> Tensor:
        return v * (g / _norms.norm_except(v, self.dim))

    def right_inverse(self, weight: Tensor) -> tuple[Tensor, Tensor]:
        return _norms.norm_except(weight, self.dim), weight


class _OldKeys:
    """Rename the keys of a state_dict that was written with the older `weight_norm`."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __call__(self, module: Any, state: dict[str, Any], prefix: str, *_: Any) -> None:
        for old, new in (("_g", "original0"), ("_v", "original1")):
            if prefix + self.name + old in state:
                state[f"{prefix}parametrizations.{self.name}.{new}"] = state.pop(prefix + self.name + old)


def weight_norm(module: Module, name: str = "weight", dim: int | None = 0) -> Module:
    r"""Separate length and direction of a weight, :math:`w = g \; v / \lVert v \rVert`.

    The norm is taken over all axes but `dim`. g stands in ``parametrizations.weight.original0`` and v in
    ``original1``; state_dicts of the older `nbnn.utils.weight_norm` are taken too.

    Parameters
    ----------
    module : Module
    name : str
        Of the parameter.
    dim : int, optional
        The axis that has a length for each of its places; None or -1 is one length for all.

    Returns
    -------
    Module
        `module`.

    Raises
    ------
    ValueError
        If there is no such parameter.
    IndexError
        If it has no such axis.

    References
    ----------
    T. Salimans, D. Kingma, "Weight Normalization", NIPS 2016.

    Examples
    --------
    >>> import nbnn.nn as nn
    >>> layer = nn.utils.parametrizations.weight_norm(nn.Linear(20, 40))
    >>> layer.parametrizations.weight.original0.shape, layer.parametrizations.weight.original1.shape
    (nbnn.Size([40, 1]), nbnn.Size([40, 20]))
    """
    weight = _norms.weight_of("weight_norm", module, name)
    made = _WeightNorm(_norms.check_dim("weight_norm", weight, dim))
    register_parametrization(module, name, made, unsafe=True)
    module.register_load_state_dict_pre_hook(_OldKeys(name))
    return module


class _SpectralNorm(Module):
    """Divided by an estimate of the first singular value."""

    _u: Tensor
    _v: Tensor

    def __init__(self, weight: Tensor, n_power_iterations: int = 1, dim: int = 0, eps: float = 1e-12) -> None:
        super().__init__()
        self.n_power_iterations, self.eps = _norms.check_spectral("spectral_norm", weight, n_power_iterations, eps, dim)
        self.dim = dim
        if weight.dim() > 1:
            matrix = _norms.as_matrix(weight.detach(), dim)
            u, v = _norms.start_vectors(matrix, self.eps)
            self.register_buffer("_u", u)
            self.register_buffer("_v", v)

    def forward(self, weight: Tensor) -> Tensor:
        if weight.dim() == 1:
            return F.normalize(weight, dim=0, eps=self.eps)
        matrix = _norms.as_matrix(weight, self.dim)
        if self.training:
            _norms.iterate(matrix, self._u, self._v, self.n_power_iterations, self.eps)
        u, v = self._u.clone(), self._v.clone()  # the next call changes them before a backward of this one
        return weight / (u * matrix.matmul(v)).sum()

    def right_inverse(self, value: Tensor) -> Tensor:
        return value


def spectral_norm(
    module: Module, name: str = "weight", n_power_iterations: int = 1, eps: float = 1e-12, dim: int | None = None
) -> Module:
    r"""Divide a weight, seen as a matrix of axis `dim` by all others, by its largest singular value :math:`\sigma`.

    :math:`\sigma = u^T W v` with vectors that each reading of the weight in training brings nearer to the singular
    ones; in evaluation they stay. A weight of one axis is divided by its length.

    Parameters
    ----------
    module : Module
    name : str
        Of the parameter.
    n_power_iterations : int
        Steps of each reading.
    eps : float
        Keeps divisors from zero.
    dim : int, optional
        0, or 1 for transposed convolutions, unless given.

    Returns
    -------
    Module
        `module`.

    Raises
    ------
    ValueError
        If there is no such parameter, or it is empty.
    IndexError
        If it has no such axis.

    References
    ----------
    T. Miyato et al., "Spectral Normalization for Generative Adversarial Networks", ICLR 2018.

    Examples
    --------
    >>> import nbnn, nbnn.nn as nn
    >>> layer = nn.utils.parametrizations.spectral_norm(nn.Linear(20, 40), n_power_iterations=50)
    >>> abs(nbnn.linalg.matrix_norm(layer.weight.detach(), 2).item() - 1) < 1e-2
    True
    """
    weight = _norms.weight_of("spectral_norm", module, name)
    made = _SpectralNorm(weight, n_power_iterations, _norms.usual_dim(module, dim), eps)
    return register_parametrization(module, name, made)
