"""Weight norm and spectral norm in their older spelling: the parts stand in the module itself."""

from __future__ import annotations

from typing import Any

from nbnn.autograd import no_grad
from nbnn.modules import Module
from nbnn.tensor import Parameter, Tensor
from nbnn.utils import _norms
from nbnn.utils._computed import Recipe, install, recipe_of, uninstall


def _split(op: str, module: Module, name: str) -> Tensor:
    """The Parameter under this name, which is taken away from the module."""
    if recipe_of(module, name) is not None:
        raise ValueError(f"{op}: `name` (={name!r}) is computed already in {type(module).__name__}")
    weight = _norms.weight_of(op, module, name)
    if name not in module._parameters:
        raise ValueError(f"{op}: `name` (={name!r}) must name a parameter of {type(module).__name__}")
    return weight


def _join(op: str, kind: type, module: Module, name: str) -> Any:
    """The recipe of this name, which must be of this kind."""
    recipe = recipe_of(module, name) if isinstance(module, Module) else None
    if not isinstance(recipe, kind):
        raise ValueError(f"{op}: `name` (={name!r}) has no {op.removeprefix('remove_')} in {type(module).__name__}")
    return recipe


class WeightNorm(Recipe):
    """g v / |v| of ``name_g`` and ``name_v``."""

    def __init__(self, dim: int | None) -> None:
        self.dim = dim

    def value(self, module: Any, name: str) -> Tensor:
        g, v = module._parameters[name + "_g"], module._parameters[name + "_v"]
        return v * (g / _norms.norm_except(v, self.dim))

    def assign(self, module: Any, name: str, value: Any) -> None:
        with no_grad():
            module._parameters[name + "_g"].copy_(_norms.norm_except(value.detach(), self.dim))
            module._parameters[name + "_v"].copy_(value.detach())


def weight_norm(module: Module, name: str = "weight", dim: int | None = 0) -> Module:
    r"""Separate a weight into length and direction, :math:`w = g v / \lVert v \rVert`: ``weight_g`` and ``weight_v``.

    The older spelling of `nbnn.utils.parametrizations.weight_norm`, for its names of Parameters. The weight is computed
    whenever it is read: it is never older than its parts, and copies, pickles and state_dicts hold the parts alone.

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
        If there is no such parameter, or it is computed already.
    IndexError
        If it has no such axis.

    References
    ----------
    T. Salimans, D. Kingma, "Weight Normalization", NIPS 2016.

    Examples
    --------
    >>> import nbnn.nn as nn
    >>> layer = nn.utils.weight_norm(nn.Linear(20, 40))
    >>> layer, layer.weight_g.shape, layer.weight_v.shape
    (Linear(in_features=20, out_features=40, bias=True), nbnn.Size([40, 1]), nbnn.Size([40, 20]))
    """
    weight = _split("weight_norm", module, name)
    recipe = WeightNorm(_norms.check_dim("weight_norm", weight, dim))
    with no_grad():
        length = _norms.norm_except(weight.detach(), dim)
    delattr(module, name)
    module.register_parameter(name + "_g", Parameter(length, weight.requires_grad))
    module.register_parameter(name + "_v", Parameter(weight.detach(), weight.requires_grad))
    install(module, name, recipe)
    return module


def remove_weight_norm(module: Module, name: str = "weight") -> Module:
    """Make a weight an ordinary Parameter again, with its present values.

    Raises
    ------
    ValueError
        If it has no weight norm.

    Examples
    --------
    >>> import nbnn.nn as nn
    >>> list(nn.utils.remove_weight_norm(nn.utils.weight_norm(nn.Linear(2, 3))).state_dict())
    ['bias', 'weight']
    """
    _join("remove_weight_norm", WeightNorm, module, name)
    v = module._parameters[name + "_v"]
    with no_grad():
        weight = Parameter(getattr(module, name).detach(), v.requires_grad)  # type: ignore[union-attr]
    uninstall(module, name)
    for part in ("_g", "_v"):
        delattr(module, name + part)
    module.register_parameter(name, weight)
    return module


class SpectralNorm(Recipe):
    """``name_orig`` over its largest singular value; as a forward pre-hook, a step of power iteration."""

    def __init__(self, name: str, n_power_iterations: int, dim: int, eps: float) -> None:
        self.name, self.n_power_iterations, self.dim, self.eps = name, n_power_iterations, dim, eps

    def _matrix(self, module: Any) -> Tensor:
        return _norms.as_matrix(module._parameters[self.name + "_orig"], self.dim)

    def value(self, module: Any, name: str) -> Tensor:
        u, v = (module._buffers[name + part].clone() for part in ("_u", "_v"))
        return module._parameters[name + "_orig"] / (u * self._matrix(module).matmul(v)).sum()

    def assign(self, module: Any, name: str, value: Any) -> None:
        with no_grad():
            module._parameters[name + "_orig"].copy_(value.detach())

    def __call__(self, module: Any, args: tuple) -> None:
        if module.training:
            u, v = (module._buffers[self.name + part] for part in ("_u", "_v"))
            _norms.iterate(self._matrix(module).mT, v, u, self.n_power_iterations, self.eps)


def spectral_norm(
    module: Module, name: str = "weight", n_power_iterations: int = 1, eps: float = 1e-12, dim: int | None = None
) -> Module:
    r"""Divide a weight, seen as a matrix of axis `dim` by all others, by its largest singular value :math:`\sigma`.

    The older spelling of `nbnn.utils.parametrizations.spectral_norm`, for its names: the weight as it was is
    ``weight_orig``, and :math:`\sigma = u^T W v` with the buffers ``weight_u`` and ``weight_v``, which each call of the
    module in training brings nearer to the singular vectors. Reading the weight changes nothing.

    Parameters
    ----------
    module : Module
    name : str
        Of the parameter.
    n_power_iterations : int
        Steps of each call.
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
        If there is no such parameter, it is empty, or computed already.
    IndexError
        If it has no such axis.

    References
    ----------
    T. Miyato et al., "Spectral Normalization for Generative Adversarial Networks", ICLR 2018.

    Examples
    --------
    >>> import nbnn.nn as nn
    >>> list(nn.utils.spectral_norm(nn.Linear(20, 40)).state_dict())
    ['bias', 'weight_orig', 'weight_u', 'weight_v']
    """
    weight = _split("spectral_norm", module, name)
    axis = _norms.usual_dim(module, dim)
    steps, eps = _norms.check_spectral("spectral_norm", weight, n_power_iterations, eps, axis)
    u, v = _norms.start_vectors(_norms.as_matrix(weight.detach(), axis), eps)
    delattr(module, name)
    module.register_parameter(name + "_orig", weight)  # type: ignore[arg-type]
    module.register_buffer(name + "_u", u)
    module.register_buffer(name + "_v", v)
    recipe = SpectralNorm(name, steps, axis, eps)
    install(module, name, recipe)
    module.register_forward_pre_hook(recipe)
    return module


def remove_spectral_norm(module: Module, name: str = "weight") -> Module:
    """Make a weight an ordinary Parameter again, with its present values.

    Raises
    ------
    ValueError
        If it has no spectral norm.

    Examples
    --------
    >>> import nbnn.nn as nn
    >>> list(nn.utils.remove_spectral_norm(nn.utils.spectral_norm(nn.Linear(2, 3))).state_dict())
    ['bias', 'weight']
    """
    _join("remove_spectral_norm", SpectralNorm, module, name)
    with no_grad():
        weight = getattr(module, name).detach()
    original: Any = module._parameters[name + "_orig"]
    uninstall(module, name)
    hooks = module._hooks.get("forward_pre", {})
    for key in [k for k, hook in hooks.items() if isinstance(hook.call, SpectralNorm) and hook.call.name == name]:
        del hooks[key]
    for part in ("_orig", "_u", "_v"):
        delattr(module, name + part)
    with no_grad():
        original.copy_(weight)
    module.register_parameter(name, original)
    return module
