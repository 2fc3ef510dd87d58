"""What a checkpoint looks like around its Tensors: JSON beside them in the file, written and read without pickle.

Lists, strings, bools, None and finite numbers are those of JSON. All else is an object of one key, its kind:
``{"dict": [[key, value], ...]}``, ``ordered`` and ``counter`` likewise, ``{"tuple": [...]}``, ``{"size": [...]}``,
``{"float": "nan"}``, and ``{"tensor": name}``, ``{"array": name}``, ``{"scalar": name}`` for an entry of the file.
"""

from __future__ import annotations

import json
import math
from collections import Counter, OrderedDict
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from nbnn.tensor import Size, Tensor

KEY = "nbnn.structure"  # under which the text stands in the metadata of a file
_DEEPEST = 100  # levels: far above what programs nest, far below Python's limit of recursion
_MAPPINGS: dict[str, type] = {"dict": dict, "ordered": OrderedDict, "counter": Counter}
_FLOATS = {"nan": math.nan, "inf": math.inf, "-inf": -math.inf}


def is_plain(obj: Any) -> bool:
    """Whether `obj` maps strings to Tensors and nothing else: what the format holds without a structure."""
    return isinstance(obj, Mapping) and all(
        isinstance(k, str) and k != "__metadata__" and isinstance(v, Tensor) for k, v in obj.items()
    )


class Writer:
    """Takes an object apart: into its structure, and the Tensors and arrays, with their places, by their names."""

    def __init__(self) -> None:
        self.entries: dict[str, tuple[str, Any]] = {}
        self._names: dict[tuple, str] = {}

    def structure(self, obj: Any) -> str:
        """The structure of `obj`; its Tensors and arrays are added to the entries."""
        return json.dumps(self._encoded(obj, ()), separators=(",", ":"))

    def _encoded(self, value: Any, path: tuple[str | int, ...]) -> Any:
        if len(path) > _DEEPEST:
            raise ValueError(f"save: {where(path[:3])}... is nested over {_DEEPEST} levels deep, or contains itself")
        kind = type(value)
        if value is None or kind in (bool, int, str):
            return value
        if kind is float:
            return value if math.isfinite(value) else {"float": str(value)}
        if kind is list:
            return [self._encoded(item, (*path, i)) for i, item in enumerate(value)]
        if kind is tuple or kind is Size:
            items = [self._encoded(item, (*path, i)) for i, item in enumerate(value)]
            return {"tuple" if kind is tuple else "size": items}
        for name, mapping in _MAPPINGS.items():
            if kind is mapping:
                return {name: [[self._key(k, path), self._encoded(v, (*path, k))] for k, v in value.items()]}
        if isinstance(value, Tensor):
            return {"tensor": self._entry(value, path)}
        if isinstance(value, np.generic):
            return {"scalar": self._entry(np.asarray(value), path)}
        if isinstance(value, np.ndarray) and not isinstance(value, np.ma.MaskedArray):
            return {"array": self._entry(value, path)}
        hint = "; save its state_dict()" if hasattr(value, "state_dict") else ""
        raise TypeError(
            f"save: {where(path)} must be a Tensor, an array, a dict, list or tuple, a number, a string or None; "
            f"got {kind.__name__}{hint}"
        )

    def _key(self, key: Any, path: tuple[str | int, ...]) -> str | int:
        if type(key) not in (str, int):
            kind = type(key).__name__
            raise TypeError(f"save: the keys of {where(path)} must be strings or ints; got {key!r} ({kind})")
        return key

    def _entry(self, value: Any, path: tuple[str | int, ...]) -> str:
        """The name of a Tensor or array in the file; what is the same memory, read the same way, is one entry."""
        same: tuple = (id(value),)
        if isinstance(value, Tensor):
            same = (id(value._data), value._offset, value._shape, value.stride(), value._dtype)
        if same not in self._names:
            wanted = ".".join(map(str, path)).encode(errors="replace").decode()  # lone surrogates are no UTF-8
            name, number = wanted, 1
            while name in self.entries or name in ("", "__metadata__"):
                name, number = f"{wanted or 'tensor'}#{number}", number + 1
            self._names[same] = name
            self.entries[name] = where(path), value
        return self._names[same]


def where(path: tuple[str | int, ...]) -> str:
    """A place in the object, as Python would write it."""
    return f"obj{''.join(f'[{key!r}]' for key in path)}" if path else "`obj`"


class DamagedError(Exception):
    """A structure that `Writer` did not make."""


class Reader:
    """Puts an object together from its structure and what the file holds under each name.

    Whoever wrote the text may have meant harm: every part of it is checked, and a part that is not as `Writer` makes
    it is `DamagedError`.
    """

    def __init__(self, entries: Mapping[str, Any], makers: Mapping[str, Callable[[Any], Any]]) -> None:
        self._entries, self._makers = entries, makers
        self._made: dict[str, tuple[str, Any]] = {}  # by name: of which kind, and the object itself

    def object(self, text: str) -> Any:
        """The object that `text` describes."""
        try:
            parsed = json.loads(text, parse_constant=_refused)
        except (ValueError, RecursionError) as error:
            raise DamagedError(str(error)) from None
        found = self._decoded(parsed, 0)
        if left := sorted(set(self._entries) - set(self._made)):
            raise DamagedError(f"it does not name {left[0]!r}")
        return found

    def _decoded(self, value: Any, depth: int) -> Any:
        if depth > _DEEPEST:
            raise DamagedError("it is nested too deep")
        if isinstance(value, list):
            return [self._decoded(item, depth + 1) for item in value]
        if not isinstance(value, dict):
            return value
        if len(value) != 1:
            raise DamagedError(f"an object of the keys {list(value)}")
        [(kind, content)] = value.items()
        if kind in self._makers and isinstance(content, str) and content in self._entries:
            return self._leaf(kind, content)
        if kind == "float" and isinstance(content, str) and content in _FLOATS:
            return _FLOATS[content]
        if kind == "tuple" and isinstance(content, list):
            return tuple(self._decoded(item, depth + 1) for item in content)
        if kind == "size" and isinstance(content, list) and all(type(n) is int for n in content):
            return Size(content)
        if kind in _MAPPINGS and isinstance(content, list):
            return self._mapping(_MAPPINGS[kind], content, depth)
        raise DamagedError(f"no {kind!r} can be made of {str(content)[:40]!r}")

    def _mapping(self, kind: type, pairs: list, depth: int) -> Any:
        made = kind()
        for pair in pairs:
            if not (isinstance(pair, list) and len(pair) == 2 and type(pair[0]) in (str, int) and pair[0] not in made):
                raise DamagedError(f"no key and value is {str(pair)[:40]!r}")
            made[pair[0]] = self._decoded(pair[1], depth + 1)
        return made

    def _leaf(self, kind: str, name: str) -> Any:
        if name not in self._made:
            self._made[name] = kind, self._makers[kind](self._entries[name])
        if self._made[name][0] != kind:
            raise DamagedError(f"{name!r} is of two kinds")
        return self._made[name][1]


def _refused(constant: str) -> Any:
    raise ValueError(f"{constant} is no JSON")
