"""A module without the cost of its starting values."""

from __future__ import annotations

import inspect
from typing import Any

from nbnn import init
from nbnn.modules import Module


def skip_init(module_cls: type[Module], *args: Any, **kwargs: Any) -> Module:
    """``module_cls(*args, **kwargs)`` without drawing random starting values: those are undefined.

    Parameters
    ----------
    module_cls : type
        A subclass of Module that takes `device`.
    *args, **kwargs
        Its arguments.

    Raises
    ------
    TypeError
        If `module_cls` is not such a class.

    Examples
    --------
    >>> import nbnn.nn as nn
    >>> nn.utils.skip_init(nn.Linear, 5, 1)
    Linear(in_features=5, out_features=1, bias=True)
    """
    if not (isinstance(module_cls, type) and issubclass(module_cls, Module)):
        raise TypeError(f"skip_init: `module_cls` must be a subclass of Module; got {module_cls!r}")
    if "device" not in inspect.signature(module_cls).parameters:
        raise TypeError(f"skip_init: `module_cls` must take the argument `device`; {module_cls.__name__} does not")
    with init.skipped():
        return module_cls(*args, **kwargs)
