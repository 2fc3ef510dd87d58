"""torch.jit's names: what a model calls is compiled already, so a scripted model is the model itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from nbnn.modules import Module
from nbnn.modules import Module as ScriptModule

__all__ = [
    "Final",
    "ScriptModule",
    "annotate",
    "export",
    "ignore",
    "is_scripting",
    "is_tracing",
    "script",
    "script_method",
    "trace",
    "unused",
]


def script(obj: Any, **options: Any) -> Any:
    """The function, class or Module as it is.

    Examples
    --------
    >>> import nbnn
    >>> @nbnn.jit.script
    ... def double(x):
    ...     return x * 2
    >>> double(nbnn.ones(1))
    tensor([2.])
    """
    return obj


def trace(func: Callable | Module, example_inputs: Any = None, **options: Any) -> Any:
    """The function or Module as it is: what it does may depend on its inputs, as before."""
    return func


def ignore(drop: Any = False, **options: Any) -> Any:
    """The function as it is; a decorator with or without arguments."""
    return drop if callable(drop) else lambda function: function


def unused(function: Callable) -> Callable:
    """The function as it is."""
    return function


export = script_method = _overload = _overload_method = unused


def annotate(the_type: Any, the_value: Any) -> Any:
    """The value as it is."""
    return the_value


def is_scripting() -> bool:
    """False: Python runs the program."""
    return False


def is_tracing() -> bool:
    """False: Python runs the program."""
    return False
