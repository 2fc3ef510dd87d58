"""`as_torch`: programs written for ``import torch`` get nbnn."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Sequence
from contextlib import AbstractContextManager
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType


class _Finder(MetaPathFinder, Loader):
    """Finds ``torch.a.b`` in `nbnn.a.b`, which stays one module under its two names."""

    def __init__(self) -> None:
        self.specs: dict[str, ModuleSpec | None] = {}
        self.before: dict[str, ModuleType] = {}

    def __enter__(self) -> ModuleType:
        self.before = _taken_out()
        sys.meta_path.insert(0, self)
        return importlib.import_module("torch")

    def __exit__(self, *raised: object) -> None:
        sys.meta_path.remove(self)
        _taken_out()
        sys.modules.update(self.before)

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        return ModuleSpec(fullname, self) if _is_torch(fullname) else None

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        parent, _, leaf = spec.name.rpartition(".")
        module = getattr(sys.modules[parent], leaf, None) if parent else importlib.import_module("nbnn")
        if not isinstance(module, ModuleType):
            ours = f"{sys.modules[parent].__name__}.{leaf}"
            try:
                module = importlib.import_module(ours)
            except ModuleNotFoundError as error:
                if error.name != ours:
                    raise
                raise ModuleNotFoundError(
                    f"No module named {spec.name!r}: nbnn has no {ours}", name=spec.name
                ) from None
        self.specs[spec.name] = module.__spec__
        return module

    def exec_module(self, module: ModuleType) -> None:
        """Give the module its own spec back, which the import has just overwritten."""
        assert module.__spec__ is not None
        module.__spec__ = self.specs.pop(module.__spec__.name)


def _is_torch(name: str) -> bool:
    return name == "torch" or name.startswith("torch.")


def _taken_out() -> dict[str, ModuleType]:
    """All that is imported as torch, which is imported no more."""
    return {name: sys.modules.pop(name) for name in list(sys.modules) if _is_torch(name)}


def as_torch() -> AbstractContextManager[ModuleType]:
    """Let ``import torch`` and its submodules mean nbnn while the context lasts.

    What was imported under those names before, such as PyTorch itself, is back afterwards. ``python -m nbnn run
    program.py`` runs a program so.

    Returns
    -------
    context manager
        Gives the module `nbnn`.

    Examples
    --------
    >>> import nbnn
    >>> with nbnn.as_torch():
    ...     import torch
    ...     from torch.nn import functional as F
    >>> torch is nbnn, F.relu(torch.tensor([-1.0, 2.0]))
    (True, tensor([0., 2.]))
    """
    return _Finder()
