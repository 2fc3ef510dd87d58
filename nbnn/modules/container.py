"""Modules and parameters in a row or by key."""

from __future__ import annotations

import operator
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from nbnn.modules import _text
from nbnn.modules.module import Module
from nbnn.tensor import Parameter, Tensor

if TYPE_CHECKING:
    from typing_extensions import Self


def _place(owner: Module, index: Any, length: int, op: str = "index") -> int:
    """A position from 0 up for an index that may count from the end."""
    try:
        i = operator.index(index)
    except TypeError:
        raise TypeError(f"{type(owner).__name__}: `{op}` must be an int or a slice; got {index!r}") from None
    if not -length <= i < length:
        raise IndexError(f"{type(owner).__name__}: `{op}` (={i}) is out of range for {length} items")
    return i % length


def _numbered(modules: Iterable[Any]) -> list[tuple[str, Any]]:
    """The modules with their places as names."""
    return [(str(i), module) for i, module in enumerate(modules)]


class _Row(Module):
    """Modules in order: what Sequential and ModuleList have in common."""

    def _module(self, module: Any) -> Module:
        if not isinstance(module, Module):
            raise TypeError(f"{type(self).__name__}: an item must be a Module; got {type(module).__name__}")
        return module

    def _all(self, modules: Any, op: str) -> list[Module]:
        if not isinstance(modules, Iterable):
            raise TypeError(f"{type(self).__name__}.{op}: needs an iterable of Modules; got {type(modules).__name__}")
        return [self._module(module) for module in modules]

    def _part(self, members: list[tuple[str, Any]]) -> Self:
        """A row of the same class with these members, whatever the arguments of its constructor."""
        part = type(self).__new__(type(self))
        Module.__init__(part)
        part._modules.update(members)
        return part

    def _free_name(self) -> str:
        number = len(self)
        while str(number) in self._modules:
            number += 1
        return str(number)

    def __len__(self) -> int:
        return len(self._modules)

    def __iter__(self) -> Iterator[Any]:
        return iter(self._modules.values())

    def _named(self, index: Any) -> tuple[str, Any]:
        return list(self._modules.items())[_place(self, index, len(self))]

    def __setitem__(self, index: int, module: Module) -> None:
        self._modules[self._named(index)[0]] = self._module(module)

    def __delitem__(self, index: int | slice) -> None:
        members = list(self)
        del members[index if isinstance(index, slice) else _place(self, index, len(self))]
        self._modules.replace(_numbered(members))  # type: ignore[attr-defined]

    def append(self, module: Module) -> Self:
        """Add a module at the end."""
        self.add_module(self._free_name(), self._module(module))
        return self

    def extend(self, modules: Iterable[Module]) -> Self:
        """Add several modules at the end."""
        for module in self._all(modules, "extend"):
            self.append(module)
        return self

    def insert(self, index: int, module: Module) -> Self:
        """Add a module before the one at `index`; IndexError beyond the ends."""
        i = _place(self, index, len(self) + 1) if index >= 0 else _place(self, index, len(self))
        members = list(self._modules.items())
        members.insert(i, (self._free_name(), self._module(module)))
        if all(name.isdigit() for name, _ in members):  # names the user gave stay
            members = _numbered(module for _, module in members)
        self._modules.replace(members)  # type: ignore[attr-defined]
        return self

    def pop(self, index: int | slice = -1) -> Any:
        """Remove the module at `index` (or a slice of them) and return it."""
        module = self[index]  # type: ignore[index]
        del self[index]
        return module

    def __iadd__(self, modules: Iterable[Module]) -> Self:
        return self.extend(modules)


class Sequential(_Row):
    """Modules that feed one another: ``Sequential(f, g)(x) = g(f(x))``.

    Parameters
    ----------
    *args : Module, or one mapping of str to Module
        The modules in order; a mapping names them.

    Raises
    ------
    TypeError
        If an item is not a Module.
    IndexError
        If an index is beyond the ends.

    Examples
    --------
    >>> import nbnn, nbnn.nn as nn
    >>> model = nn.Sequential(nn.Flatten(), nn.Linear(6, 4), nn.ReLU())
    >>> model(nbnn.ones(5, 2, 3)).shape
    nbnn.Size([5, 4])
    >>> model[1:]  # a part keeps the names, and with them the keys of its state_dict
    Sequential(
      (1): Linear(in_features=6, out_features=4, bias=True)
      (2): ReLU()
    )
    """

    def __init__(self, *args: Any) -> None:
        super().__init__()
        named = args[0].items() if len(args) == 1 and isinstance(args[0], Mapping) else None
        for name, module in enumerate(args) if named is None else named:
            self.add_module(str(name), self._module(module))

    def forward(self, input: Any) -> Any:
        for module in self:
            input = module(input)
        return input

    def __getitem__(self, index: int | slice) -> Any:
        if not isinstance(index, slice):
            return self._named(index)[1]
        return self._part(list(self._modules.items())[index])

    def __add__(self, other: Sequential) -> Self:
        if not isinstance(other, Sequential):
            return NotImplemented
        return self._part(_numbered([*self, *other]))

    def __iadd__(self, other: Sequential) -> Self:  # type: ignore[override]
        if not isinstance(other, Sequential):
            return NotImplemented
        return self.extend(list(other))

    def _times(self, number: Any) -> list[Module]:
        if number <= 0:
            raise ValueError(f"Sequential: the factor (={number}) must be at least 1")
        return list(self) * number

    def __mul__(self, number: int) -> Self:
        if not isinstance(number, int):
            return NotImplemented
        return self._part(_numbered(self._times(number)))

    __rmul__ = __mul__

    def __imul__(self, number: int) -> Self:
        if not isinstance(number, int):
            return NotImplemented
        return self.extend(self._times(number)[len(self) :])


class ModuleList(_Row):
    """A list whose modules are registered; it has no forward of its own.

    Parameters
    ----------
    modules : iterable of Module, optional
        The modules to start with.

    Raises
    ------
    TypeError
        If an item is not a Module.
    IndexError
        If an index is beyond the ends.

    Examples
    --------
    >>> import nbnn.nn as nn
    >>> nn.ModuleList(nn.Linear(4, 4) for _ in range(3))
    ModuleList(
      (0-2): 3 x Linear(in_features=4, out_features=4, bias=True)
    )
    """

    def __init__(self, modules: Iterable[Module] | None = None) -> None:
        super().__init__()
        self.extend([] if modules is None else modules)

    def __getitem__(self, index: int | slice) -> Any:
        if isinstance(index, slice):
            return self._part(_numbered(list(self)[index]))
        return self._named(index)[1]

    def __add__(self, other: Iterable[Module]) -> ModuleList:
        return ModuleList([*self, *self._all(other, "__add__")])

    def __repr__(self) -> str:
        return _text.text_of_list(self)


class ModuleDict(Module):
    """A dictionary whose modules are registered; it has no forward of its own.

    Parameters
    ----------
    modules : mapping or iterable of pairs, optional
        The modules to start with, by name.

    Raises
    ------
    TypeError
        If a value is not a Module or a key not a string.
    KeyError
        If a key has a dot, is empty or is an attribute of the class, such as ``"forward"``.

    Examples
    --------
    >>> import nbnn.nn as nn
    >>> choice = nn.ModuleDict({"relu": nn.ReLU(), "tanh": nn.Tanh()})
    >>> choice["tanh"]
    Tanh()
    """

    def __init__(self, modules: Any = None) -> None:
        super().__init__()
        self.update({} if modules is None else modules)

    def __getitem__(self, key: str) -> Module:
        return self._modules[key]  # type: ignore[return-value]

    def __setitem__(self, key: str, module: Module) -> None:
        self.add_module(key, module)

    def __delitem__(self, key: str) -> None:
        del self._modules[key]

    def __len__(self) -> int:
        return len(self._modules)

    def __iter__(self) -> Iterator[str]:
        return iter(self._modules)

    def __contains__(self, key: object) -> bool:
        return key in self._modules

    def clear(self) -> None:
        """Remove all modules."""
        self._modules.clear()

    def pop(self, key: str) -> Any:
        """Remove a module and return it."""
        return self._modules.pop(key)

    def keys(self) -> Iterable[str]:
        """The names."""
        return self._modules.keys()

    def values(self) -> Iterable[Any]:
        """The modules."""
        return self._modules.values()

    def items(self) -> Iterable[tuple[str, Any]]:
        """The names and modules."""
        return self._modules.items()

    def update(self, modules: Any) -> None:
        """Add the modules of a mapping, or of an iterable of pairs; those of the same name are replaced."""
        for key, module in dict(modules.items() if hasattr(modules, "items") else modules).items():
            self[key] = module


class _Mixed(Module):
    """Parameters and other values by name: what ParameterList and ParameterDict have in common.

    A Tensor becomes a Parameter; what is neither is kept as it is.
    """

    def __init__(self) -> None:
        super().__init__()
        self._order: dict[str, None] = {}

    def _put(self, name: str, value: Any) -> None:
        if not isinstance(name, str):
            raise TypeError(f"{type(self).__name__}: `key` (={name!r}) must be a string; got {type(name).__name__}")
        if not name:
            raise KeyError(f"{type(self).__name__}: `key` must not be empty")
        if name not in self._order and hasattr(self, name):
            raise KeyError(f"{type(self).__name__}: `key` (={name!r}) is already an attribute of {type(self).__name__}")
        if isinstance(value, Tensor) and not isinstance(value, Parameter):
            value = Parameter(value)
        if name in self._order and not isinstance(value, Parameter):
            if value is not None and isinstance(self.__dict__[name], Parameter):
                kind = type(value).__name__
                raise TypeError(
                    f"{type(self).__name__}: {name!r} is a Parameter, which no {kind} can take the place of"
                )
            self._forget(name)
        setattr(self, name, value)
        self._order[name] = None

    def _drop(self, name: str) -> Any:
        value = self.__dict__[name]
        self._forget(name)
        del self._order[name]
        return value

    def __len__(self) -> int:
        return len(self._order)

    def extra_repr(self) -> str:
        lines = []
        for name in self._order:
            value = self.__dict__[name]
            what = f"Object of type: {type(value).__name__}"
            if isinstance(value, Tensor):
                where = f" ({value.device})" if value.is_cuda else ""
                what = f"Parameter containing: [{value.dtype!r} of size {'x'.join(map(str, value.shape))}{where}]"
            lines.append(f"  ({name}): {what}")
        return "\n".join(lines)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        raise RuntimeError(f"{type(self).__name__}: holds parameters and cannot be called")


class ParameterList(_Mixed):
    """A list whose Tensors are registered as Parameters.

    Parameters
    ----------
    values : iterable, optional
        The values to start with; Tensors become Parameters, other objects are kept as they are.

    Raises
    ------
    IndexError
        If an index is beyond the ends.

    Examples
    --------
    >>> import nbnn, nbnn.nn as nn
    >>> nn.ParameterList([nbnn.zeros(2, 3)])
    ParameterList(  (0): Parameter containing: [nbnn.float32 of size 2x3])
    """

    def __init__(self, values: Iterable[Any] | None = None) -> None:
        super().__init__()
        self.extend([] if values is None else values)

    def __getitem__(self, index: int | slice) -> Any:
        if isinstance(index, slice):
            return type(self)(list(self)[index])
        return self.__dict__[str(_place(self, index, len(self)))]

    def __setitem__(self, index: int, value: Any) -> None:
        self._put(str(_place(self, index, len(self))), value)

    def __iter__(self) -> Iterator[Any]:
        return iter([self.__dict__[name] for name in self._order])

    def append(self, value: Any) -> Self:
        """Add a value at the end."""
        self._put(str(len(self)), value)
        return self

    def extend(self, values: Iterable[Any]) -> Self:
        """Add several values at the end."""
        if not isinstance(values, Iterable) or isinstance(values, Tensor):
            raise TypeError(f"ParameterList.extend: needs an iterable, not a Tensor; got {type(values).__name__}")
        for value in values:
            self.append(value)
        return self

    def __iadd__(self, values: Iterable[Any]) -> Self:
        return self.extend(values)


class ParameterDict(_Mixed):
    """A dictionary whose Tensors are registered as Parameters.

    Parameters
    ----------
    parameters : mapping or iterable of pairs, optional
        The values to start with, by name; Tensors become Parameters, other objects are kept as they are.

    Raises
    ------
    KeyError
        If a key is an attribute of the class, such as ``"training"``.

    Examples
    --------
    >>> import nbnn, nbnn.nn as nn
    >>> weights = nn.ParameterDict({"left": nbnn.zeros(2), "right": nbnn.ones(2)})
    >>> [name for name, _ in weights.named_parameters()]
    ['left', 'right']
    """

    def __init__(self, parameters: Any = None) -> None:
        super().__init__()
        self.update({} if parameters is None else parameters)

    def __getitem__(self, key: str) -> Any:
        if key not in self._order:
            raise KeyError(key)
        return self.__dict__[key]

    def __setitem__(self, key: str, value: Any) -> None:
        self._put(key, value)

    def __delitem__(self, key: str) -> None:
        self.pop(key)

    def __iter__(self) -> Iterator[str]:
        return iter(self._order)

    def __reversed__(self) -> Iterator[str]:
        return reversed(self._order)

    def __contains__(self, key: object) -> bool:
        return key in self._order

    def __or__(self, other: ParameterDict) -> ParameterDict:
        made = self.copy()
        made.update(other)
        return made

    def __ror__(self, other: dict[str, Any]) -> dict[str, Any]:
        return {**other, **dict(self.items())}

    def __ior__(self, other: ParameterDict) -> Self:
        self.update(other)
        return self

    def keys(self) -> Iterable[str]:
        """The names."""
        return self._order.keys()

    def values(self) -> Iterable[Any]:
        """The values."""
        return [self[key] for key in self]

    def items(self) -> Iterable[tuple[str, Any]]:
        """The names and values."""
        return [(key, self[key]) for key in self]

    def get(self, key: str, default: Any = None) -> Any:
        """The value of a key, or `default`."""
        return self.__dict__[key] if key in self._order else default

    def setdefault(self, key: str, default: Any = None) -> Any:
        """The value of a key, which is set to `default` if it is not there."""
        if key not in self:
            self[key] = default
        return self[key]

    def pop(self, key: str) -> Any:
        """Remove a value and return it."""
        if key not in self._order:
            raise KeyError(key)
        return self._drop(key)

    def popitem(self) -> tuple[str, Any]:
        """Remove the last name and value and return them."""
        if not self._order:
            raise KeyError("ParameterDict: popitem of an empty dictionary")
        key = next(reversed(self._order))
        return key, self._drop(key)

    def clear(self) -> None:
        """Remove all values."""
        for key in list(self._order):
            self._drop(key)

    def copy(self) -> ParameterDict:
        """A dictionary with the same values."""
        return ParameterDict(self.items())

    def fromkeys(self, keys: Iterable[str], default: Any = None) -> ParameterDict:
        """A dictionary with these keys, all with the value `default`."""
        return ParameterDict([(key, default) for key in keys])

    def update(self, parameters: Any) -> None:
        """Set the values of a mapping, or of an iterable of pairs.

        The keys of a plain dict are taken in alphabetical order, as in PyTorch, so that parameters have the same order
        for an optimizer's state; those of an OrderedDict, a ParameterDict and of pairs in their own.
        """
        pairs = dict(parameters.items() if hasattr(parameters, "items") else parameters)
        ordered = not isinstance(parameters, Mapping) or isinstance(parameters, OrderedDict)
        for key in pairs if ordered else sorted(pairs):
            self[key] = pairs[key]
