"""Parametrizations: a Parameter or buffer of a module as a function of others, computed whenever it is read."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from nbnn.autograd import is_grad_enabled, no_grad
from nbnn.modules import Module, ModuleDict, ModuleList
from nbnn.tensor import Parameter, Tensor
from nbnn.utils._computed import Recipe, install, recipe_of, uninstall

__all__ = [
    "ParametrizationList",
    "cached",
    "is_parametrized",
    "register_parametrization",
    "remove_parametrizations",
    "transfer_parametrizations_and_params",
]

_cache = threading.local()  # .depth of `cached`, .values by the id of a list


@contextlib.contextmanager
def cached() -> Iterator[None]:
    """Within this context a parametrized Tensor that is read again is not computed again.

    It is where what it is computed from has changed, or gradients or the training mode were switched, in between: no
    value is ever stale.

    Examples
    --------
    >>> import nbnn, nbnn.nn as nn
    >>> from nbnn.nn.utils import parametrize, parametrizations
    >>> layer = parametrizations.weight_norm(nn.Linear(3, 3))
    >>> with parametrize.cached():
    ...     layer.weight is layer.weight
    True
    """
    _cache.depth = getattr(_cache, "depth", 0) + 1
    try:
        yield
    finally:
        _cache.depth -= 1
        if not _cache.depth:
            _cache.values = {}


def _op(name: str) -> str:
    return f"register_parametrization({name!r})"


def _inverted(modules: Iterable[Any], value: Any, strict: bool, op: str) -> Any:
    """What `modules` are to be given in order to return `value`."""
    for module in reversed(list(modules)):
        if hasattr(module, "right_inverse"):
            try:
                value = module.right_inverse(value)
                continue
            except NotImplementedError:
                if strict:
                    raise
        if strict:
            raise RuntimeError(f"{op}: {type(module).__name__} has no right_inverse, so its result cannot be assigned")
    return value


def _like(op: str, what: str, value: Any, shape: Any, dtype: Any) -> None:
    """`value` must be a Tensor of this shape (any, if None) and dtype."""
    if not isinstance(value, Tensor):
        raise ValueError(f"{op}: {what} must return a Tensor; got {type(value).__name__}")
    if value.dtype is not dtype:
        raise ValueError(f"{op}: {what} must keep the dtype {dtype!r}; got {value.dtype!r}; unsafe=True allows it")
    if shape is not None and value.shape != shape:
        raise ValueError(
            f"{op}: {what} must keep the shape {tuple(shape)}; got {tuple(value.shape)}; unsafe=True allows it"
        )


def _store(original: Tensor, value: Tensor) -> None:
    """Give a member new values; it stays the same object."""
    if original.shape == value.shape and original.dtype is value.dtype:
        original.copy_(value)
    else:
        original.data = value.detach().clone()


class ParametrizationList(ModuleList):
    """The parametrizations of one Tensor, in order, and what the first of them is applied to.

    `register_parametrization` makes it; it stands at ``module.parametrizations[name]``.

    Parameters
    ----------
    modules : sequence of Module
        The parametrizations.
    original : Parameter or Tensor
        What is parametrized.
    unsafe : bool
        Whether they may change dtype and shape.

    Attributes
    ----------
    original : Parameter or Tensor
        What the first parametrization takes; ``original0``, ``original1``, ... if it takes several.

    Raises
    ------
    ValueError
        If there is no parametrization, or dtype or shape change without `unsafe`.

    Examples
    --------
    >>> import nbnn.nn as nn
    >>> layer = nn.utils.parametrizations.weight_norm(nn.Linear(2, 3))
    >>> layer.parametrizations.weight
    ParametrizationList(
      (0): _WeightNorm()
    )
    """

    def __init__(self, modules: Sequence[Module], original: Tensor, unsafe: bool = False) -> None:
        if len(modules) == 0:
            raise ValueError("ParametrizationList: `modules` must hold at least one parametrization")
        super().__init__(modules)
        self.unsafe = unsafe
        op = "ParametrizationList"
        shape, dtype = original.shape, original.dtype
        with no_grad():
            start = _inverted(self, original, False, op)
        self.is_tensor = isinstance(start, Tensor)
        if not self.is_tensor and not isinstance(start, Sequence):
            raise ValueError(
                f"{op}: `right_inverse` must return a Tensor or a sequence of them; got {type(start).__name__}"
            )
        values = [start] if self.is_tensor else list(start)
        self.ntensors = len(values)
        for value in values:
            _like(op, "`right_inverse`", value, None, dtype if self.is_tensor else getattr(value, "dtype", None))
        if not unsafe:
            with no_grad():
                result = self._chain(values)
            _like(op, "a parametrization", result, shape, dtype)
        if self.is_tensor:
            with no_grad():
                if start is not original:
                    _store(original, start)
            values = [original]
        for name, value in zip(self._names(), values, strict=True):
            if not self.is_tensor:
                wanted = original.requires_grad and value.dtype.is_floating_point
                value = value.detach().clone()
                value = Parameter(value, wanted) if isinstance(original, Parameter) else value.requires_grad_(wanted)
            if isinstance(value, Parameter):
                self.register_parameter(name, value)
            else:
                self.register_buffer(name, value)

    def _names(self) -> list[str]:
        return ["original"] if self.is_tensor else [f"original{i}" for i in range(self.ntensors)]

    def originals(self) -> list[Tensor]:
        """What the first parametrization takes."""
        return [getattr(self, name) for name in self._names()]

    def _chain(self, values: Sequence[Any]) -> Any:
        first, *rest = self
        value = first(*values)
        for module in rest:
            value = module(value)
        return value

    def right_inverse(self, value: Tensor) -> None:
        """Set the originals so that the parametrized Tensor becomes `value`.

        Raises
        ------
        RuntimeError
            If a parametrization has no `right_inverse`.
        ValueError
            If one returns something of another type or number than the originals.
        """
        op = "ParametrizationList.right_inverse"
        if not isinstance(value, Tensor):
            raise TypeError(f"{op}: `value` must be a Tensor; got {type(value).__name__}")
        with no_grad():
            found = _inverted(self, value, True, op)
            if self.is_tensor and not isinstance(found, Tensor):
                raise ValueError(f"{op}: `right_inverse` must return a Tensor; got {type(found).__name__}")
            values = [found] if self.is_tensor else list(found)
            if len(values) != self.ntensors:
                raise ValueError(f"{op}: `right_inverse` must return {self.ntensors} Tensors; got {len(values)}")
            for original, one in zip(self.originals(), values, strict=True):
                _like(op, "`right_inverse`", one, None, original.dtype)
            for original, one in zip(self.originals(), values, strict=True):
                _store(original, one)

    def forward(self) -> Any:
        """The parametrized Tensor."""
        return self._chain(self.originals())


class _Parametrized(Recipe):
    """Read from the module's `parametrizations`."""

    shows = True

    def value(self, module: Any, name: str) -> Any:
        made = module.parametrizations[name]
        if not getattr(_cache, "depth", 0):
            return made()
        values = _cache.__dict__.setdefault("values", {})
        state = [(t, id(t._data), t._version[0]) for t in made.originals()]
        seen = (tuple(s[1:] for s in state), len(made), is_grad_enabled(), made.training)
        if id(made) not in values or values[id(made)][1] != seen:
            values[id(made)] = made, seen, made()  # the list is kept alive, and its id with it
        return values[id(made)][2]

    def assign(self, module: Any, name: str, value: Any) -> None:
        module.parametrizations[name].right_inverse(value)


def register_parametrization(
    module: Module, tensor_name: str, parametrization: Module, *, unsafe: bool = False
) -> Module:
    """Make a Parameter or buffer of `module` the result of ``parametrization(original)``, computed whenever it is read.

    What it is computed from stands in ``module.parametrizations[tensor_name].original``, and under this name in the
    state_dict and among the Parameters. A second parametrization is applied to the result of the first. A
    parametrization may define ``right_inverse(value)``: then ``module.name = value`` works, and `original` starts as
    the inverse of the present value; where it returns several Tensors the parametrization takes as many.

    Parameters
    ----------
    module : Module
        Its class becomes one derived from it, named Parametrized...; copies, pickles and state_dicts work as before.
    tensor_name : str
        Of its Parameter or buffer.
    parametrization : Module
    unsafe : bool
        Whether dtype and shape may change.

    Returns
    -------
    Module
        `module`.

    Raises
    ------
    ValueError
        If `module` has no such member, or dtype or shape change without `unsafe`.
    TypeError
        If `module` or `parametrization` is not a Module.

    Examples
    --------
    >>> import nbnn, nbnn.nn as nn
    >>> class Symmetric(nn.Module):
    ...     def forward(self, x):
    ...         return x.triu() + x.triu(1).T
    >>> layer = nn.Linear(3, 3)
    >>> _ = nn.utils.parametrize.register_parametrization(layer, "weight", Symmetric())
    >>> nbnn.equal(layer.weight, layer.weight.T)
    True
    """
    op = _op(tensor_name)
    for name, value in (("module", module), ("parametrization", parametrization)):
        if not isinstance(value, Module):
            raise TypeError(f"register_parametrization: `{name}` must be a Module; got {type(value).__name__}")
    parametrization.train(module.training)
    if is_parametrized(module, tensor_name):
        made: Any = module.parametrizations[tensor_name]  # type: ignore[attr-defined]
        if not unsafe:
            with no_grad():
                present = getattr(module, tensor_name)
                result = parametrization(present)
                _like(op, "a parametrization", result, present.shape, present.dtype)
                if hasattr(parametrization, "right_inverse"):
                    with contextlib.suppress(NotImplementedError):
                        back = parametrization.right_inverse(result)
                        _like(op, "`right_inverse`", back, present.shape, present.dtype)
        made.append(parametrization)
        made.unsafe = made.unsafe or unsafe
        return module
    original: Any = module._parameters.get(tensor_name)
    original = module._buffers.get(tensor_name) if original is None else original
    if original is None:
        known = [n for kind in (module._parameters, module._buffers) for n, value in kind.items() if value is not None]
        raise ValueError(f"{op}: {type(module).__name__} has no such parameter or buffer; it has {known}")
    made = ParametrizationList([parametrization], original, unsafe)
    made.train(module.training)
    delattr(module, tensor_name)
    if not is_parametrized(module):
        module.register_module("parametrizations", ModuleDict())
    module.parametrizations[tensor_name] = made  # type: ignore[attr-defined]
    install(module, tensor_name, _Parametrized())
    return module


def is_parametrized(module: Module, tensor_name: str | None = None) -> bool:
    """Whether a module has a parametrized member, or one of this name.

    Examples
    --------
    >>> import nbnn.nn as nn
    >>> nn.utils.parametrize.is_parametrized(nn.Linear(2, 2))
    False
    """
    made = getattr(module, "parametrizations", None)
    if not isinstance(made, ModuleDict):
        return False
    if tensor_name is None:
        return len(made) > 0
    return isinstance(recipe_of(module, tensor_name), _Parametrized)


def remove_parametrizations(module: Module, tensor_name: str, leave_parametrized: bool = True) -> Module:
    """Make a parametrized member an ordinary Parameter or buffer again.

    Parameters
    ----------
    module : Module
    tensor_name : str
    leave_parametrized : bool
        Whether it keeps its present value; otherwise it becomes `original`.

    Returns
    -------
    Module
        `module`.

    Raises
    ------
    ValueError
        If it is not parametrized, or `leave_parametrized` is False and there are several originals.

    Examples
    --------
    >>> import nbnn.nn as nn
    >>> layer = nn.utils.parametrizations.weight_norm(nn.Linear(2, 3))
    >>> nn.utils.parametrize.remove_parametrizations(layer, "weight")
    Linear(in_features=2, out_features=3, bias=True)
    """
    op = f"remove_parametrizations({tensor_name!r})"
    if not is_parametrized(module, tensor_name):
        raise ValueError(f"{op}: {type(module).__name__} has no parametrization on it")
    made: Any = module.parametrizations[tensor_name]  # type: ignore[attr-defined]
    member = made.originals()[0]
    if not leave_parametrized and not made.is_tensor:
        raise ValueError(f"{op}: leave_parametrized=False needs one original; there are {made.ntensors}")
    if leave_parametrized:
        with no_grad():
            value = getattr(module, tensor_name).detach().clone()
        if made.is_tensor:
            member.data = value
        else:
            wanted = any(t.requires_grad for t in made.originals()) and value.dtype.is_floating_point
            member = Parameter(value, wanted) if isinstance(member, Parameter) else value
    uninstall(module, tensor_name)
    del module.parametrizations[tensor_name]  # type: ignore[attr-defined]
    if not len(module.parametrizations):  # type: ignore[arg-type]
        del module.parametrizations
    if isinstance(member, Parameter):
        module.register_parameter(tensor_name, member)
    else:
        module.register_buffer(tensor_name, member)
    return module


def transfer_parametrizations_and_params(
    from_module: Module, to_module: Module, tensor_name: str | None = None
) -> Module:
    """Give `to_module` the parametrizations of `from_module`, and what they are applied to: both then share them.

    Parameters
    ----------
    from_module, to_module : Module
    tensor_name : str, optional
        Only those of this member.

    Returns
    -------
    Module
        `to_module`.

    Raises
    ------
    TypeError
        If an argument is not a Module.

    Examples
    --------
    >>> import nbnn, nbnn.nn as nn
    >>> a, b = nn.utils.parametrizations.weight_norm(nn.Linear(2, 3)), nn.Linear(2, 3)
    >>> _ = nn.utils.parametrize.transfer_parametrizations_and_params(a, b)
    >>> nbnn.equal(a.weight, b.weight)
    True
    """
    for name, value in (("from_module", from_module), ("to_module", to_module)):
        if not isinstance(value, Module):
            raise TypeError(
                f"transfer_parametrizations_and_params: `{name}` must be a Module; got {type(value).__name__}"
            )
    if not is_parametrized(from_module):
        return to_module
    source: Any = from_module.parametrizations  # type: ignore[attr-defined]
    for name in [n for n in source if tensor_name in (None, n)]:
        if not hasattr(to_module, name):
            with no_grad():
                to_module.register_parameter(name, Parameter(getattr(from_module, name).detach().clone()))
        for parametrization in source[name]:
            register_parametrization(to_module, name, parametrization, unsafe=source[name].unsafe)
        made: Any = to_module.parametrizations[name]  # type: ignore[attr-defined]
        for key in source[name]._names():
            setattr(made, key, getattr(source[name], key))
    return to_module
