"""Pruning: parameters of which some elements are masked out, computed from the whole one and a mask.

``module.name`` is then the product of the Parameter ``name_orig`` and the buffer ``name_mask``, computed whenever it is
read; copies, pickles and state_dicts hold these two.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

from nbnn.functional import _check
from nbnn.functional.creation import ones_like
from nbnn.functional.joining import cat
from nbnn.modules import Module
from nbnn.tensor import Tensor
from nbnn.utils._computed import recipe_of, recipes
from nbnn.utils._pruning import (
    BasePruningMethod,
    CustomFromMask,
    Identity,
    L1Unstructured,
    LnStructured,
    PruningContainer,
    RandomStructured,
    RandomUnstructured,
)

__all__ = [
    "BasePruningMethod",
    "CustomFromMask",
    "Identity",
    "L1Unstructured",
    "LnStructured",
    "PruningContainer",
    "RandomStructured",
    "RandomUnstructured",
    "custom_from_mask",
    "global_unstructured",
    "identity",
    "is_pruned",
    "l1_unstructured",
    "ln_structured",
    "random_structured",
    "random_unstructured",
    "remove",
]


def identity(module: Module, name: str) -> Module:
    """Prune nothing: only make ``name_orig`` and ``name_mask``, all ones.

    Parameters
    ----------
    module : Module
    name : str
        Of its parameter.

    Returns
    -------
    Module
        `module`.

    Raises
    ------
    ValueError, TypeError, IndexError
        If there is no such parameter, or an argument breaks these rules.

    Examples
    --------
    >>> import nbnn, nbnn.nn as nn
    >>> list(nn.utils.prune.identity(nn.Linear(2, 3), "bias").state_dict())
    ['weight', 'bias_orig', 'bias_mask']
    """
    Identity.apply(module, name)
    return module


def random_unstructured(module: Module, name: str, amount: int | float) -> Module:
    """Prune elements of a parameter at random.

    Parameters
    ----------
    module : Module
    name : str
        Of its parameter.
    amount : int or float
        How many, or which fraction.

    Returns
    -------
    Module
        `module`.

    Raises
    ------
    ValueError, TypeError, IndexError
        If there is no such parameter, or an argument breaks these rules.

    Examples
    --------
    >>> import nbnn, nbnn.nn as nn
    >>> nn.utils.prune.random_unstructured(nn.Linear(2, 3), "weight", 2).weight_mask.sum()
    tensor(4.)
    """
    RandomUnstructured.apply(module, name, amount)
    return module


def l1_unstructured(module: Module, name: str, amount: int | float, importance_scores: Tensor | None = None) -> Module:
    """Prune the elements of a parameter with the smallest absolute values.

    Parameters
    ----------
    module : Module
    name : str
        Of its parameter.
    amount : int or float
        How many, or which fraction.
    importance_scores : Tensor, optional
        Ranks the elements instead of the parameter.

    Returns
    -------
    Module
        `module`.

    Raises
    ------
    ValueError, TypeError, IndexError
        If there is no such parameter, or an argument breaks these rules.

    Examples
    --------
    >>> import nbnn, nbnn.nn as nn
    >>> nn.utils.prune.l1_unstructured(nn.Linear(2, 3), "weight", 0.5).weight_mask.sum()
    tensor(3.)
    """
    L1Unstructured.apply(module, name, amount, importance_scores=importance_scores)
    return module


def random_structured(module: Module, name: str, amount: int | float, dim: int) -> Module:
    """Prune slices of a parameter along an axis at random.

    Parameters
    ----------
    module : Module
    name : str
        Of its parameter.
    amount : int or float
        How many, or which fraction.
    dim : int
        The axis.

    Returns
    -------
    Module
        `module`.

    Raises
    ------
    ValueError, TypeError, IndexError
        If there is no such parameter, or an argument breaks these rules.

    Examples
    --------
    >>> import nbnn, nbnn.nn as nn
    >>> nn.utils.prune.random_structured(nn.Linear(2, 3), "weight", 1, 0).weight_mask.sum()
    tensor(4.)
    """
    RandomStructured.apply(module, name, amount, dim)
    return module


def ln_structured(
    module: Module,
    name: str,
    amount: int | float,
    n: int | float | str,
    dim: int,
    importance_scores: Tensor | None = None,
) -> Module:
    """Prune the slices of a parameter along an axis that have the smallest norm.

    Parameters
    ----------
    module : Module
    name : str
        Of its parameter.
    amount : int or float
        How many, or which fraction.
    n : int, float, inf, -inf, "fro" or "nuc"
        Which norm.
    dim : int
        The axis.
    importance_scores : Tensor, optional
        Ranks the elements instead of the parameter.

    Returns
    -------
    Module
        `module`.

    Raises
    ------
    ValueError, TypeError, IndexError
        If there is no such parameter, or an argument breaks these rules.

    Examples
    --------
    >>> import nbnn, nbnn.nn as nn
    >>> nn.utils.prune.ln_structured(nn.Linear(2, 3), "weight", 1, 2, 0).weight_mask.sum()
    tensor(4.)
    """
    LnStructured.apply(module, name, amount, n, dim, importance_scores=importance_scores)
    return module


def custom_from_mask(module: Module, name: str, mask: Tensor) -> Module:
    """Prune a parameter where a mask is zero.

    Parameters
    ----------
    module : Module
    name : str
        Of its parameter.
    mask : Tensor
        Of the parameter's shape.

    Returns
    -------
    Module
        `module`.

    Raises
    ------
    ValueError, TypeError, IndexError
        If there is no such parameter, or an argument breaks these rules.

    Examples
    --------
    >>> import nbnn, nbnn.nn as nn
    >>> layer = nn.utils.prune.custom_from_mask(nn.Linear(2, 3), "bias", nbnn.tensor([0, 1, 0]))
    >>> layer.bias_mask
    tensor([0., 1., 0.])
    """
    CustomFromMask.apply(module, name, mask)
    return module


def global_unstructured(
    parameters: Iterable[tuple[Module, str]],
    pruning_method: type[BasePruningMethod],
    importance_scores: dict[tuple[Module, str], Tensor] | None = None,
    **kwargs: Any,
) -> None:
    """Prune several parameters as if they were one vector.

    Parameters
    ----------
    parameters : iterable of (Module, str)
        Modules and names.
    pruning_method : type
        An unstructured one.
    importance_scores : dict of (Module, str) to Tensor, optional
        Ranks the elements instead of the parameters.
    **kwargs
        Of its constructor.

    Raises
    ------
    TypeError
        If the arguments are of other types, or the method is not unstructured.
    ValueError
        If a score is not of the shape of its parameter.

    Examples
    --------
    >>> import nbnn, nbnn.nn as nn
    >>> a, b = nn.Linear(2, 3), nn.Linear(3, 2)
    >>> prune = nn.utils.prune
    >>> prune.global_unstructured([(a, "weight"), (b, "weight")], prune.L1Unstructured, amount=4)
    >>> a.weight_mask.sum() + b.weight_mask.sum()
    tensor(8.)
    """
    op = "global_unstructured"
    if not isinstance(parameters, Iterable):
        raise TypeError(f"{op}: `parameters` must be an iterable of (module, name); got {type(parameters).__name__}")
    if importance_scores is not None and not isinstance(importance_scores, dict):
        raise TypeError(f"{op}: `importance_scores` must be a dict; got {type(importance_scores).__name__}")
    places = [(module, name) for module, name in parameters]
    if not places:
        return
    values = [getattr(module, name).detach() for module, name in places]
    given = importance_scores or {}
    scores = [_check.tensor(op, "importance_scores", given.get(p, v)) for p, v in zip(places, values, strict=True)]
    for score, value in zip(scores, values, strict=True):
        if score.shape != value.shape:
            raise ValueError(
                f"{op}: `importance_scores` must have shape {tuple(value.shape)}; got {tuple(score.shape)}"
            )
    masks = [getattr(m, n + "_mask", None) for m, n in places]
    defaults = [
        ones_like(v).reshape(-1) if mask is None else mask.reshape(-1) for v, mask in zip(values, masks, strict=True)
    ]
    container = PruningContainer()
    container._tensor_name = "all"
    method = pruning_method(**kwargs)
    method._tensor_name = "all"
    container.add_pruning_method(method)
    if method.PRUNING_TYPE != "unstructured":
        raise TypeError(
            f"{op}: `pruning_method` must be unstructured; {pruning_method.__name__} is {method.PRUNING_TYPE}"
        )
    mask = container.compute_mask(cat([s.reshape(-1).detach() for s in scores]), cat(defaults))
    start = 0
    for (module, name), value in zip(places, values, strict=True):
        size = math.prod(value.shape)
        custom_from_mask(module, name, mask[start : start + size].reshape(value.shape))
        start += size


def remove(module: Module, name: str) -> Module:
    """Make a pruned parameter an ordinary one with its present values: what was pruned is zero, and may be trained.

    Raises
    ------
    ValueError
        If it is not pruned.

    Examples
    --------
    >>> import nbnn.nn as nn
    >>> layer = nn.utils.prune.random_unstructured(nn.Linear(2, 3), "weight", 2)
    >>> list(nn.utils.prune.remove(layer, "weight").state_dict())
    ['bias', 'weight']
    """
    recipe = recipe_of(module, name)
    if not isinstance(recipe, BasePruningMethod):
        raise ValueError(f"remove: `name` (={name!r}) is not pruned in {type(module).__name__}")
    recipe.remove(module)
    return module


def is_pruned(module: Module) -> bool:
    """Whether a parameter of the module, or of one inside it, is pruned.

    Examples
    --------
    >>> import nbnn.nn as nn
    >>> nn.utils.prune.is_pruned(nn.Linear(2, 3))
    False
    """
    return any(isinstance(r, BasePruningMethod) for _, m in module.named_modules() for r in recipes(m).values())
