"""Module: parameters, buffers and modules by name, and a forward."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from nbnn.modules import _text
from nbnn.modules._convert import Convert
from nbnn.modules._hooks import Hooks
from nbnn.modules._registry import Registry
from nbnn.modules._state import State
from nbnn.modules._walk import Walk
from nbnn.modules.parameter import Buffer, UninitializedBuffer
from nbnn.tensor import Parameter, Tensor

if TYPE_CHECKING:
    from typing_extensions import Self

_REGISTRIES = ("_parameters", "_buffers", "_modules")


def _check_name(op: str, name: str, module: Module, registry: str) -> None:
    if "_parameters" not in module.__dict__:
        raise AttributeError(
            f"{type(module).__name__}: call super().__init__() before assigning parameters, buffers or modules; "
            f"got {name!r}"
        )
    if not isinstance(name, str):
        raise TypeError(f"{op}: `name` must be a string; got {type(name).__name__}")
    if not name or "." in name:
        raise KeyError(f"{op}: `name` (={name!r}) must be a name without dots, and not empty")
    if name not in module.__dict__[registry] and hasattr(module, name):
        raise KeyError(f"{op}: `name` (={name!r}) is already an attribute of {type(module).__name__}")


class Module(Walk, Hooks, State, Convert):
    """The base of all layers and models.

    A subclass assigns its Parameters and Modules as attributes, which registers them under these names, and defines
    ``forward``. Calling the module runs its hooks, if it has any, and `forward`.

    Attributes
    ----------
    training : bool
        Whether the module is in training mode: dropout and batch normalisation differ between the two.

    Raises
    ------
    AttributeError
        On assigning a Parameter, buffer or Module before ``super().__init__()``.
    TypeError
        On assigning something else to the name of a parameter, a buffer or a module.

    Examples
    --------
    >>> import nbnn, nbnn.nn as nn
    >>> class Net(nn.Module):
    ...     def __init__(self):
    ...         super().__init__()
    ...         self.hidden = nn.Linear(4, 8)
    ...         self.out = nn.Linear(8, 2)
    ...     def forward(self, x):
    ...         return self.out(self.hidden(x).relu())
    >>> net = Net()
    >>> net(nbnn.ones(3, 4)).shape
    nbnn.Size([3, 2])
    >>> net
    Net(
      (hidden): Linear(in_features=4, out_features=8, bias=True)
      (out): Linear(in_features=8, out_features=2, bias=True)
    )
    """

    training: bool

    def __init__(self) -> None:
        attributes = self.__dict__
        for registry in _REGISTRIES:
            if registry in attributes:  # a second call starts anew
                attributes[registry].clear()
            attributes[registry] = Registry(self)
        attributes["training"] = True
        attributes["_non_persistent_buffers_set"] = set()
        attributes["_hooks"] = {}

    def forward(self, *input: Any) -> Any:
        """What the module computes: for a subclass to define."""
        raise NotImplementedError(f"{type(self).__name__}: define forward(self, ...), the computation of this module")

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if self._hooked:
            return self._call_hooked(args, kwargs)
        return self.forward(*args, **kwargs)

    # -- members ------------------------------------------------------------------------------------------------

    def register_parameter(self, name: str, param: Parameter | None) -> None:
        """Add a parameter under a name; None keeps the name for one that is absent (such as ``bias=False``).

        Raises
        ------
        KeyError
            If the name is empty, has a dot or is taken by another attribute.
        TypeError
            If `param` is neither a Parameter nor None.
        """
        _check_name("register_parameter", name, self, "_parameters")
        if param is not None and not isinstance(param, Parameter):
            raise TypeError(f"register_parameter: `param` {name!r} must be a Parameter or None; got {_kind(param)}")
        if param is not None and not param.is_leaf:
            raise ValueError(
                f"register_parameter: `param` {name!r} must be a leaf; this one was computed by {param.grad_fn!r}: "
                "compute it in forward from a leaf instead"
            )
        self._parameters[name] = param

    def register_buffer(self, name: str, tensor: Tensor | None, persistent: bool = True) -> None:
        """Add a Tensor that is part of the state but not trained, such as a running mean.

        Parameters
        ----------
        name : str
            Its name.
        tensor : Tensor or None
            None keeps the name for one that is absent.
        persistent : bool
            Whether the state_dict holds it.

        Raises
        ------
        KeyError
            If the name is empty, has a dot or is taken by another attribute.
        TypeError
            If `tensor` is neither a Tensor nor None.
        """
        _check_name("register_buffer", name, self, "_buffers")
        if tensor is not None and not isinstance(tensor, Tensor):
            raise TypeError(f"register_buffer: `tensor` {name!r} must be a Tensor or None; got {_kind(tensor)}")
        self._buffers[name] = tensor
        (self._non_persistent_buffers_set.discard if persistent else self._non_persistent_buffers_set.add)(name)

    def register_module(self, name: str, module: Module | None) -> None:
        """Add a module under a name; the same as `add_module`."""
        self.add_module(name, module)

    def add_module(self, name: str, module: Module | None) -> None:
        """Add a module under a name; None keeps the name for one that is absent.

        Raises
        ------
        KeyError
            If the name is empty, has a dot or is taken by another attribute.
        TypeError
            If `module` is neither a Module nor None.
        """
        _check_name("add_module", name, self, "_modules")
        if module is not None and not isinstance(module, Module):
            raise TypeError(f"add_module: `module` {name!r} must be a Module or None; got {_kind(module)}")
        self._modules[name] = module

    def _forget(self, name: str) -> None:
        """Remove whatever stands under this name."""
        for registry in _REGISTRIES:
            self.__dict__.get(registry, {}).pop(name, None)
        self.__dict__.get("_non_persistent_buffers_set", set()).discard(name)
        self.__dict__.pop(name, None)

    def __setattr__(self, name: str, value: Any) -> None:
        parameters = self.__dict__.get("_parameters")
        if isinstance(value, Parameter):
            if parameters is None or name not in parameters:
                self._forget(name)
            self.register_parameter(name, value)
        elif isinstance(value, Module):
            if parameters is None or name not in self._modules:
                self._forget(name)
            self.add_module(name, value)
        elif isinstance(value, (Buffer, UninitializedBuffer)):
            if parameters is None or name not in self._buffers:
                self._forget(name)
            self.register_buffer(name, value, value.persistent)
        elif parameters is None:
            object.__setattr__(self, name, value)
        elif name in parameters:
            self._assign(parameters, name, value, (), "a Parameter")
        elif name in self._modules:
            self._assign(self._modules, name, value, (), "a Module")
        elif name in self._buffers:
            self._assign(self._buffers, name, value, Tensor, "a Tensor")
        else:
            object.__setattr__(self, name, value)

    def _assign(self, registry: dict[str, Any], name: str, value: Any, kinds: Any, wanted: str) -> None:
        if value is not None and not isinstance(value, kinds):
            raise TypeError(f"{type(self).__name__}: {name!r} can only be set to {wanted} or None; got {_kind(value)}")
        registry[name] = value

    def __delattr__(self, name: str) -> None:
        for registry in _REGISTRIES:
            if name in self.__dict__.get(registry, ()):
                self._forget(name)
                return
        object.__delattr__(self, name)

    def __getattr__(self, name: str) -> Any:
        if "_parameters" not in self.__dict__:
            raise AttributeError(
                f"{type(self).__name__!r} object has no attribute {name!r}: was super().__init__() called?"
            )
        if hasattr(type(self), name):
            raise AttributeError(f"{type(self).__name__!r} object: its property {name!r} raised an AttributeError")
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        for registry in _REGISTRIES:
            self.__dict__[registry] = Registry(self, state[registry])
        self.__dict__["_hooks"] = {kind: dict(hooks) for kind, hooks in state["_hooks"].items()}
        self.__dict__["_non_persistent_buffers_set"] = set(state["_non_persistent_buffers_set"])

    # -- the whole tree -----------------------------------------------------------------------------------------

    def apply(self, fn: Callable[[Module], None]) -> Self:
        """Call ``fn(module)`` on every module inside this one, children first, and then on this one.

        Examples
        --------
        >>> import nbnn.nn as nn
        >>> _ = nn.Sequential(nn.ReLU(), nn.Tanh()).apply(lambda module: print(type(module).__name__))
        ReLU
        Tanh
        Sequential
        """
        for module in self.children():
            module.apply(fn)
        fn(self)
        return self

    def train(self, mode: bool = True) -> Self:
        """Put this module and all inside it into training mode, or out of it.

        Raises
        ------
        TypeError
            If `mode` is not a bool.
        """
        if not isinstance(mode, bool):
            raise TypeError(f"train: `mode` must be a bool; got {_kind(mode)}")
        self.training = mode
        for module in self.children():
            module.train(mode)
        return self

    def eval(self) -> Self:
        """Put this module and all inside it into evaluation mode: the same as ``train(False)``."""
        return self.train(False)

    def requires_grad_(self, requires_grad: bool = True) -> Self:
        """Say of all parameters whether they want gradients."""
        for parameter in self.parameters():
            parameter.requires_grad_(requires_grad)
        return self

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget the gradients of all parameters, or set them to zero."""
        for parameter in self.parameters():
            if set_to_none:
                parameter.grad = None
            elif parameter.grad is not None:
                parameter.grad.detach_().zero_()

    def compile(self, *args: Any, **kwargs: Any) -> None:
        """Nothing: every kernel is compiled on its first use, with or without this call.

        Takes what torch's method takes, so that programs written for it run as they are; returns None, as it does.
        """

    # -- text ---------------------------------------------------------------------------------------------------

    def extra_repr(self) -> str:
        """What stands between the brackets of this module's text: for a subclass to define."""
        return ""

    def _get_name(self) -> str:
        return type(self).__name__

    def __repr__(self) -> str:
        return _text.text(self)

    def _repr_html_(self) -> str:
        return _text.html(self)

    def __dir__(self) -> list[str]:
        return sorted(name for name in {*super().__dir__()} if name.isidentifier())


def _kind(value: Any) -> str:
    """The type of a value, for an error."""
    return type(value).__name__
