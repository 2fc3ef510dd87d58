"""Walking a tree of modules: children, modules, parameters and buffers, and finding one of them by its path."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any, TypeVar

from nbnn.tensor import Parameter, Tensor

if TYPE_CHECKING:
    from nbnn.modules.module import Module

T = TypeVar("T")


def _unique(pairs: Iterable[tuple[str, T | None]]) -> Iterator[tuple[str, T]]:
    """The pairs whose second item is there, each such item once."""
    seen: set[int] = set()
    for name, item in pairs:
        if item is not None and id(item) not in seen:
            seen.add(id(item))
            yield name, item


class Walk:
    """The methods of Module that read the tree."""

    _parameters: dict[str, Parameter | None]
    _buffers: dict[str, Tensor | None]
    _modules: dict[str, Module | None]

    def named_children(self) -> Iterator[tuple[str, Module]]:
        """The modules directly inside this one with their names, each module once."""
        return _unique(self._modules.items())

    def children(self) -> Iterator[Module]:
        """The modules directly inside this one, each once."""
        return (module for _, module in self.named_children())

    def named_modules(
        self, memo: set[Any] | None = None, prefix: str = "", remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Module]]:
        """The module itself and all inside it with their dotted names, parents before children.

        Parameters
        ----------
        memo : set, optional
            Modules to leave out; those that are returned are added to it.
        prefix : str
            Put before every name.
        remove_duplicate : bool
            Whether a module that occurs several times is returned once.

        Examples
        --------
        >>> import nbnn.nn as nn
        >>> [name for name, _ in nn.Sequential(nn.ReLU(), nn.Tanh()).named_modules()]
        ['', '0', '1']
        """
        memo = set() if memo is None else memo
        waiting: list[tuple[str, Any]] = [(prefix, self)]
        while waiting:
            name, module = waiting.pop()
            if module is None or (remove_duplicate and module in memo):
                continue
            memo.add(module)
            yield name, module
            dot = name + "." if name else ""
            waiting.extend((dot + child, m) for child, m in reversed(module._modules.items()))

    def modules(self, remove_duplicate: bool = True) -> Iterator[Module]:
        """The module itself and all inside it, parents before children."""
        return (module for _, module in self.named_modules(remove_duplicate=remove_duplicate))

    def _named_members(
        self, members: Callable[[Any], dict[str, T | None]], prefix: str, recurse: bool, remove_duplicate: bool
    ) -> Iterator[tuple[str, T]]:
        trees = self.named_modules(prefix=prefix, remove_duplicate=remove_duplicate) if recurse else [(prefix, self)]
        pairs = ((f"{at}.{name}" if at else name, item) for at, m in trees for name, item in members(m).items())
        return _unique(pairs) if remove_duplicate else ((name, item) for name, item in pairs if item is not None)

    def named_parameters(
        self, prefix: str = "", recurse: bool = True, remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Parameter]]:
        """The parameters with their dotted names.

        Parameters
        ----------
        prefix : str
            Put before every name.
        recurse : bool
            Whether the parameters of the modules inside count.
        remove_duplicate : bool
            Whether a parameter that several modules share is returned once, under its first name.

        Examples
        --------
        >>> import nbnn.nn as nn
        >>> [name for name, _ in nn.Sequential(nn.Linear(2, 3)).named_parameters()]
        ['0.weight', '0.bias']
        """
        return self._named_members(lambda m: m._parameters, prefix, recurse, remove_duplicate)

    def parameters(self, recurse: bool = True) -> Iterator[Parameter]:
        """The parameters, each once: what an optimizer is given."""
        return (parameter for _, parameter in self.named_parameters(recurse=recurse))

    def named_buffers(
        self, prefix: str = "", recurse: bool = True, remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Tensor]]:
        """The buffers with their dotted names; the arguments are those of `named_parameters`."""
        return self._named_members(lambda m: m._buffers, prefix, recurse, remove_duplicate)

    def buffers(self, recurse: bool = True) -> Iterator[Tensor]:
        """The buffers, each once."""
        return (buffer for _, buffer in self.named_buffers(recurse=recurse))

    def get_submodule(self, target: str) -> Module:
        """The module at a dotted path such as ``"encoder.layers.0"``; the empty path is this module.

        Raises
        ------
        AttributeError
            If the path leads nowhere or to something else; the message says at which step.
        """
        module: Any = self
        for depth, name in enumerate(target.split(".") if target else ()):
            if name not in module._modules or module._modules[name] is None:
                at = ".".join(target.split(".")[:depth])
                where = f"{type(module).__name__} at {at!r}" if at else type(module).__name__
                what = "is not a Module" if hasattr(module, name) else "does not exist"
                raise AttributeError(f"get_submodule: `target` (={target!r}): {name!r} {what} in {where}")
            module = module._modules[name]
        return module

    def _get_member(self, target: str, kind: str, registry: str) -> Any:
        path, _, name = target.rpartition(".")
        module = self.get_submodule(path)
        member = getattr(module, registry).get(name)
        if member is None:
            what = f"is not a {kind} of" if hasattr(module, name) else "does not exist in"
            raise AttributeError(f"get_{kind}: `target` (={target!r}): {name!r} {what} {type(module).__name__}")
        return member

    def get_parameter(self, target: str) -> Parameter:
        """The parameter at a dotted path such as ``"0.weight"``; AttributeError if there is none."""
        return self._get_member(target, "parameter", "_parameters")

    def get_buffer(self, target: str) -> Tensor:
        """The buffer at a dotted path such as ``"1.running_mean"``; AttributeError if there is none."""
        return self._get_member(target, "buffer", "_buffers")

    def set_submodule(self, target: str, module: Module, strict: bool = False) -> None:
        """Put `module` at a dotted path.

        Parameters
        ----------
        target : str
            Path; all but its last name must exist.
        module : Module
            What to put there.
        strict : bool
            Whether a module must stand there already.

        Raises
        ------
        ValueError
            If `target` is empty.
        TypeError
            If `module` is not a Module.
        AttributeError
            If the path does not exist, or something that is not a Module stands there.

        Examples
        --------
        >>> import nbnn.nn as nn
        >>> model = nn.Sequential(nn.Linear(2, 2), nn.ReLU())
        >>> model.set_submodule("1", nn.Tanh())
        >>> model[1]
        Tanh()
        """
        if not target:
            raise ValueError("set_submodule: `target` (='') must name a submodule")
        if not isinstance(module, Walk):
            raise TypeError(f"set_submodule: `module` must be a Module; got {type(module).__name__}")
        path, _, name = target.rpartition(".")
        parent = self.get_submodule(path)
        if strict or hasattr(parent, name):
            self.get_submodule(target)
        setattr(parent, name, module)
