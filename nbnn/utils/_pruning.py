"""Ways to choose what is pruned, and the masks they make."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, ClassVar

import numpy as np

from nbnn.autograd import no_grad
from nbnn.functional import _check
from nbnn.functional.creation import as_tensor, ones_like, rand
from nbnn.linalg import matrix_norm, vector_norm
from nbnn.modules import Module
from nbnn.tensor import Tensor
from nbnn.utils._computed import Recipe, install, recipe_of, uninstall


def _amount(op: str, amount: Any) -> int | float:
    """A number of elements, or a fraction of them."""
    if isinstance(amount, float):
        return _check.probability(op, "amount", amount)
    return _check.integer(op, "amount", amount, 0)


def _count(op: str, amount: int | float, size: int) -> int:
    """How many of `size` are pruned."""
    if isinstance(amount, float):
        return round(amount * size)
    if amount > size:
        raise ValueError(f"{op}: `amount` (={amount}) must be at most the number of elements to prune, {size}")
    return amount


def _numbers(t: Tensor) -> np.ndarray:
    return np.array(t.detach().cpu().double().numpy())


def _mask_like(t: Tensor, values: np.ndarray) -> Tensor:
    return as_tensor(np.ascontiguousarray(values)).to(device=t.device, dtype=t.dtype)


class BasePruningMethod(Recipe):
    """A way to choose which elements of a parameter are masked out.

    A subclass defines ``compute_mask(t, default_mask)`` and `PRUNING_TYPE`, and is used by its class method `apply`.
    In the module ``name_orig`` is then the Parameter and ``name_mask`` the mask, a buffer, and the attribute `name` is
    their product, computed whenever it is read.

    Attributes
    ----------
    PRUNING_TYPE : str
        ``"unstructured"``: single elements; ``"structured"``: whole slices; ``"global"``: anything.

    Examples
    --------
    >>> import nbnn, nbnn.nn as nn
    >>> class Every2nd(nn.utils.prune.BasePruningMethod):
    ...     PRUNING_TYPE = "unstructured"
    ...     def compute_mask(self, t, default_mask):
    ...         mask = default_mask.clone()
    ...         mask.view(-1)[::2] = 0
    ...         return mask
    >>> layer = Every2nd.apply(nn.Linear(3, 1), "bias") and None
    """

    PRUNING_TYPE: ClassVar[str | None] = None
    _tensor_name: str

    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        """The mask: like `default_mask` with more zeros. `t` ranks the elements by importance."""
        raise NotImplementedError(f"{type(self).__name__}: define compute_mask(self, t, default_mask)")

    def value(self, module: Any, name: str) -> Tensor:
        return module._parameters[name + "_orig"] * module._buffers[name + "_mask"]

    def assign(self, module: Any, name: str, value: Any) -> None:
        with no_grad():
            module._parameters[name + "_orig"].copy_(value.detach())

    def apply_mask(self, module: Module) -> Tensor:
        """The pruned parameter of `module`: the product of the whole one and the mask."""
        if not hasattr(self, "_tensor_name"):
            raise RuntimeError(f"{type(self).__name__}.apply_mask: it was not applied to a module yet")
        return self.value(module, self._tensor_name)

    @classmethod
    def apply(
        cls, module: Module, name: str, *args: Any, importance_scores: Tensor | None = None, **kwargs: Any
    ) -> BasePruningMethod:
        """Prune a parameter of `module` by ``cls(*args, **kwargs)``; what was pruned before stays so.

        Parameters
        ----------
        module : Module
        name : str
            Of the parameter.
        *args, **kwargs
            Of the constructor.
        importance_scores : Tensor, optional
            Ranks the elements instead of the parameter; of its shape.

        Returns
        -------
        BasePruningMethod
            The method, or the PruningContainer of all that were applied.

        Raises
        ------
        ValueError
            If there is no such parameter, or the scores are of another shape.
        """
        op = cls.__name__
        method = cls(*args, **kwargs)
        method._tensor_name = name
        earlier = recipe_of(module, name)
        free = earlier is None and module._parameters.get(name) is not None
        if not free and not isinstance(earlier, BasePruningMethod):
            raise ValueError(f"{op}: `name` (={name!r}) must name a parameter of {type(module).__name__}")
        pruned = earlier is not None
        whole: Any = module._parameters[name + "_orig"] if pruned else module._parameters[name]
        present: Tensor = getattr(module, name)  # where it is pruned already, zeros
        scores = present if importance_scores is None else _check.tensor(op, "importance_scores", importance_scores)
        if scores.shape != whole.shape:
            raise ValueError(
                f"{op}: `importance_scores` must have shape {tuple(whole.shape)}; got {tuple(scores.shape)}"
            )
        with no_grad():
            default: Any = module._buffers[name + "_mask"] if pruned else ones_like(whole.detach())
            chosen: BasePruningMethod = method
            if pruned:
                chosen = PruningContainer(*(earlier if isinstance(earlier, PruningContainer) else (earlier,)), method)
            mask = chosen.compute_mask(scores.detach(), default.clone()).to(dtype=whole.dtype)
        if pruned:
            module._buffers[name + "_mask"] = mask
        else:
            delattr(module, name)
            module.register_parameter(name + "_orig", whole)
            module.register_buffer(name + "_mask", mask)
        install(module, name, chosen)
        return chosen

    def prune(self, t: Tensor, default_mask: Tensor | None = None, importance_scores: Tensor | None = None) -> Tensor:
        """A pruned copy of a Tensor, by the mask of this method on top of `default_mask`."""
        scores = t if importance_scores is None else importance_scores
        if scores.shape != t.shape:
            raise ValueError(
                f"{type(self).__name__}.prune: `importance_scores` must have shape {tuple(t.shape)}; "
                f"got {tuple(scores.shape)}"
            )
        with no_grad():
            default = ones_like(t.detach()) if default_mask is None else default_mask
            mask = self.compute_mask(scores.detach(), default.clone()).to(dtype=t.dtype)
        return t * mask

    def remove(self, module: Module) -> None:
        """Make the parameter an ordinary one with its present values: what was pruned is zero, and may be trained."""
        name = self._tensor_name
        if not isinstance(recipe_of(module, name), BasePruningMethod):
            raise ValueError(f"remove: `name` (={name!r}) is not pruned in {type(module).__name__}")
        with no_grad():
            value = getattr(module, name).detach()
            original: Any = module._parameters[name + "_orig"]
            original.copy_(value)
        uninstall(module, name)
        delattr(module, name + "_orig")
        delattr(module, name + "_mask")
        module.register_parameter(name, original)


class PruningContainer(BasePruningMethod):
    """Several methods that prune one parameter one after the other, each among what the earlier ones left.

    Parameters
    ----------
    *args : BasePruningMethod
        Of one parameter.

    Raises
    ------
    TypeError
        If one is not a pruning method.
    ValueError
        If they are for parameters of different names.

    Examples
    --------
    >>> import nbnn.nn as nn
    >>> layer = nn.Linear(4, 4)
    >>> for _ in range(2):
    ...     layer = nn.utils.prune.l1_unstructured(layer, "weight", 4)
    >>> layer.weight_mask.sum()
    tensor(8.)
    """

    def __init__(self, *args: Any) -> None:
        self._pruning_methods: tuple = ()
        methods = args[0] if len(args) == 1 and isinstance(args[0], Iterable) else args
        for method in methods:
            self.add_pruning_method(method)

    def add_pruning_method(self, method: Any) -> None:
        """Add one more."""
        if method is None:
            return
        if not isinstance(method, BasePruningMethod):
            raise TypeError(f"PruningContainer: a method must be a BasePruningMethod; got {type(method).__name__}")
        name = getattr(method, "_tensor_name", None)
        if self._pruning_methods and name != self._tensor_name:
            raise ValueError(f"PruningContainer: all methods must prune {self._tensor_name!r}; got one for {name!r}")
        if name is not None:
            self._tensor_name = name
        self._pruning_methods = (*self._pruning_methods, method)

    def __len__(self) -> int:
        return len(self._pruning_methods)

    def __iter__(self) -> Iterator[BasePruningMethod]:
        return iter(self._pruning_methods)

    def __getitem__(self, idx: Any) -> Any:
        return self._pruning_methods[idx]

    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        """The mask of the newest method, among the elements that `default_mask` has left."""
        method = self._pruning_methods[-1]
        left = _numbers(default_mask) != 0
        if method.PRUNING_TYPE == "unstructured":
            values = _numbers(t)
            part = _mask_like(t, values[left])
            found = _numbers(method.compute_mask(part, ones_like(part)))
            mask = np.zeros(left.shape)
            mask[left] = found
            return _mask_like(default_mask, mask)
        if method.PRUNING_TYPE == "structured":
            dim = method.dim % t.dim()
            kept = np.flatnonzero(left.any(tuple(k for k in range(t.dim()) if k != dim)))
            values, before = np.take(_numbers(t), kept, dim), np.take(_numbers(default_mask), kept, dim)
            found = _numbers(method.compute_mask(_mask_like(t, values), _mask_like(default_mask, before)))
            mask = _numbers(default_mask)
            mask[(slice(None),) * dim + (kept,)] = found
            return _mask_like(default_mask, mask)
        if method.PRUNING_TYPE == "global":
            return method.compute_mask(t, default_mask)
        raise ValueError(
            f"PruningContainer: PRUNING_TYPE (={method.PRUNING_TYPE!r}) must be 'unstructured', 'structured' or "
            "'global'"
        )


class Identity(BasePruningMethod):
    """Prunes nothing: makes the mask, all ones.

    Examples
    --------
    >>> import nbnn, nbnn.nn as nn
    >>> nn.utils.prune.Identity().prune(nbnn.ones(2))
    tensor([1., 1.])
    """

    PRUNING_TYPE = "unstructured"

    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        return default_mask


class _Unstructured(BasePruningMethod):
    """Of a number or fraction of elements, those that `_order` puts first."""

    PRUNING_TYPE = "unstructured"

    def __init__(self, amount: int | float) -> None:
        self.amount = _amount(type(self).__name__, amount)

    def _order(self, t: Tensor) -> np.ndarray:
        raise NotImplementedError

    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        count = _count(type(self).__name__, self.amount, t.numel())
        mask = _numbers(default_mask).reshape(-1)
        mask[self._order(t)[:count]] = 0
        return _mask_like(default_mask, mask.reshape(tuple(default_mask.shape)))


class RandomUnstructured(_Unstructured):
    """Prunes elements at random.

    Parameters
    ----------
    amount : int or float
        How many, or which fraction.

    Raises
    ------
    ValueError, TypeError
        If it is neither a count from 0 up nor a fraction in [0, 1].

    Examples
    --------
    >>> import nbnn, nbnn.nn as nn
    >>> nn.utils.prune.RandomUnstructured(0.5).prune(nbnn.ones(4)).sum()
    tensor(2.)
    """

    def _order(self, t: Tensor) -> np.ndarray:
        return np.argsort(_numbers(rand(t.numel())))


class L1Unstructured(_Unstructured):
    """Prunes the elements of the smallest absolute values; of equal ones the first.

    Parameters
    ----------
    amount : int or float
        How many, or which fraction.

    Raises
    ------
    ValueError, TypeError
        If it is neither a count from 0 up nor a fraction in [0, 1].

    Examples
    --------
    >>> import nbnn, nbnn.nn as nn
    >>> nn.utils.prune.L1Unstructured(2).prune(nbnn.tensor([3.0, -1.0, 2.0]))
    tensor([3., -0., 0.])
    """

    def _order(self, t: Tensor) -> np.ndarray:
        return np.argsort(np.abs(_numbers(t)).reshape(-1), kind="stable")


class _Structured(BasePruningMethod):
    """Of a number or fraction of slices along an axis, those that `_order` puts first."""

    PRUNING_TYPE = "structured"
    dim: int
    amount: int | float

    def _order(self, t: Tensor, dim: int) -> np.ndarray:
        raise NotImplementedError

    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        op = type(self).__name__
        if t.dim() < 2:
            raise ValueError(f"{op}: slices need a parameter of at least 2 axes; got shape {tuple(t.shape)}")
        dim = _check.dim(op, self.dim, t.dim())
        count = _count(op, self.amount, t.shape[dim])
        mask = _numbers(default_mask)
        mask[(slice(None),) * dim + (self._order(t, dim)[:count],)] = 0
        return _mask_like(default_mask, mask)


class RandomStructured(_Structured):
    """Prunes slices along an axis at random.

    Parameters
    ----------
    amount : int or float
        How many, or which fraction.
    dim : int
        The axis.

    Raises
    ------
    ValueError, TypeError
        If `amount` is neither a count from 0 up nor a fraction in [0, 1].

    Examples
    --------
    >>> import nbnn, nbnn.nn as nn
    >>> nn.utils.prune.RandomStructured(1, 0).prune(nbnn.ones(2, 3)).sum()
    tensor(3.)
    """

    def __init__(self, amount: int | float, dim: int = -1) -> None:
        self.amount = _amount(type(self).__name__, amount)
        self.dim = _check.integer(type(self).__name__, "dim", dim)

    def _order(self, t: Tensor, dim: int) -> np.ndarray:
        return np.argsort(_numbers(rand(t.shape[dim])))


class LnStructured(_Structured):
    """Prunes the slices along an axis that have the smallest norm.

    Parameters
    ----------
    amount : int or float
        How many, or which fraction.
    n : int, float, inf, -inf, "fro" or "nuc"
        Which norm; the last two for slices that are matrices.
    dim : int
        The axis.

    Raises
    ------
    ValueError, TypeError
        If `amount` is neither a count from 0 up nor a fraction in [0, 1].

    Examples
    --------
    >>> import nbnn, nbnn.nn as nn
    >>> nn.utils.prune.LnStructured(1, 2, 0).prune(nbnn.tensor([[1.0, 2.0], [0.0, 3.0]]))
    tensor([[0., 0.],
            [0., 3.]])
    """

    def __init__(self, amount: int | float, n: int | float | str, dim: int = -1) -> None:
        self.amount = _amount(type(self).__name__, amount)
        self.n = n
        self.dim = _check.integer(type(self).__name__, "dim", dim)

    def _order(self, t: Tensor, dim: int) -> np.ndarray:
        rest = tuple(k for k in range(t.dim()) if k != dim)
        order = self.n if self.n != "fro" or len(rest) == 2 else 2
        norms = matrix_norm(t, order, rest) if isinstance(order, str) else vector_norm(t, order, rest)
        return np.argsort(_numbers(norms), kind="stable")


class CustomFromMask(BasePruningMethod):
    """Prunes where a mask is zero.

    Parameters
    ----------
    mask : Tensor
        Of the parameter's shape.

    Examples
    --------
    >>> import nbnn, nbnn.nn as nn
    >>> nn.utils.prune.CustomFromMask(nbnn.tensor([1, 0])).prune(nbnn.ones(2))
    tensor([1., 0.])
    """

    PRUNING_TYPE = "global"

    def __init__(self, mask: Tensor) -> None:
        self.mask = _check.tensor("CustomFromMask", "mask", mask)

    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        if self.mask.shape != default_mask.shape:
            raise ValueError(
                f"CustomFromMask: `mask` must have shape {tuple(default_mask.shape)}; got {tuple(self.mask.shape)}"
            )
        return default_mask * self.mask.to(device=default_mask.device, dtype=default_mask.dtype)
