"""Attributes of a module that are computed each time they are read, from Parameters that stand under other names.

A module gets a class derived from its own with a property for each such attribute: what is read is never older than
what it is computed from. The class is a function of the module's own class and the names alone, and never changes
after it was made, so that copies of a module do not reach into each other.
"""

from __future__ import annotations

import copyreg
import functools
from typing import Any

from nbnn.modules import Module

_STATE = "_computed"  # in the module's __dict__: the recipe of each name


class Recipe:
    """How one attribute is computed. It holds settings only; the numbers are members of the module."""

    shows = False  # whether the module's class is called Parametrized...

    def value(self, module: Any, name: str) -> Any:
        """The attribute."""
        raise NotImplementedError

    def assign(self, module: Any, name: str, value: Any) -> None:
        """Take a value for the attribute."""
        raise AttributeError(f"{type(module).__name__}: {name!r} is computed and cannot be assigned")


def recipe_of(module: Module, name: str) -> Any:
    """The recipe of an attribute, or None."""
    return module.__dict__.get(_STATE, {}).get(name)


def recipes(module: Module) -> dict[str, Any]:
    """All recipes of a module by name."""
    return dict(module.__dict__.get(_STATE, {}))


def original_class(module: Module) -> type:
    """The class without computed attributes."""
    return type(module).__dict__.get("_computed_from", type(module))


def install(module: Module, name: str, recipe: Recipe) -> None:
    """Compute `name` by this recipe from now on."""
    module.__dict__[_STATE] = {**recipes(module), name: recipe}
    _settle(module)


def uninstall(module: Module, name: str) -> None:
    """Compute `name` no longer; the attribute is then free."""
    left = recipes(module)
    del left[name]
    module.__dict__[_STATE] = left
    _settle(module)


def _settle(module: Module) -> None:
    left = recipes(module)
    base = original_class(module)
    if left:
        shows = any(recipe.shows for recipe in left.values())
        module.__class__ = _class(base, tuple(sorted(left)), shows)
    else:
        del module.__dict__[_STATE]
        module.__class__ = base


def _property(name: str) -> property:
    def get(self: Any) -> Any:
        try:
            return self.__dict__[_STATE][name].value(self, name)
        except AttributeError as error:  # which Python would take for a missing attribute
            raise RuntimeError(f"{type(self).__name__}: computing {name!r} failed: {error}") from error

    return property(get)


@functools.cache
def _class(base: Any, names: tuple[str, ...], shows: bool) -> type:
    """`base` with these names computed."""

    def assign(self: Any, name: str, value: Any) -> None:
        if name in names:
            self.__dict__[_STATE][name].assign(self, name, value)
        else:
            base.__setattr__(self, name, value)

    def reduced(self: Any, protocol: Any) -> Any:
        function, arguments, *rest = base.__reduce_ex__(self, max(2, int(protocol)))
        if function is not copyreg.__newobj__:  # type: ignore[attr-defined]
            return (function, arguments, *rest)
        return (_new, (base, names, shows, *arguments[1:]), *rest)

    members: dict[str, Any] = {name: _property(name) for name in names}
    members |= {"__setattr__": assign, "__reduce_ex__": reduced, "_computed_from": base}
    members |= {"__module__": base.__module__, "__doc__": base.__doc__}
    return type(f"Parametrized{base.__name__}" if shows else base.__name__, (base,), members)


def _new(base: type, names: tuple[str, ...], shows: bool, *arguments: Any) -> Any:
    cls = _class(base, names, shows)
    return cls.__new__(cls, *arguments)
