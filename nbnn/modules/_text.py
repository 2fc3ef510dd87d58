"""A tree of modules as text and as HTML."""

from __future__ import annotations

from html import escape
from typing import Any

from nbnn.modules.parameter import is_lazy


def _indent(text: str) -> str:
    """`text` with all lines but the first moved in by two."""
    return text.replace("\n", "\n  ")


def frame(name: str, extra: str, lines: list[str]) -> str:
    """``name(extra)`` on one line where there are no `lines`, or with everything on lines of its own."""
    first = extra.split("\n") if extra else []
    if not lines and len(first) <= 1:
        return f"{name}({extra})"
    return f"{name}(\n  " + "\n  ".join([*first, *lines]) + "\n)"


def text(module: Any) -> str:
    """The module, its own description and its submodules."""
    lines = [f"({name}): {_indent(repr(child))}" for name, child in module._modules.items()]
    return frame(module._get_name(), module.extra_repr(), lines)


def text_of_list(module: Any) -> str:
    """Like `text`, with neighbours of equal text as one line: ``(0-2): 3 x Linear(...)``."""
    groups: list[list[Any]] = []
    for i, child in enumerate(map(repr, module)):
        if groups and groups[-1][2] == child:
            groups[-1][1] = i
        else:
            groups.append([i, i, child])
    lines = [
        f"({a}): {_indent(child)}" if a == b else f"({a}-{b}): {b - a + 1} x {_indent(child)}" for a, b, child in groups
    ]
    return frame(module._get_name(), "", lines)


def _count(module: Any) -> str:
    known = [p for p in module.parameters() if not is_lazy(p)]
    total = sum(p.numel() for p in known)
    frozen = sum(p.numel() for p in known if not p.requires_grad)
    lazy = sum(map(is_lazy, module.parameters()))
    text = f"{total:,} parameters" + (f", {frozen:,} frozen" if frozen else "")
    return text + (f", {lazy:,} not yet of a shape" if lazy else "")


def _entry(name: str, module: Any) -> str:
    label = f"({escape(name)}): " if name else ""
    if module is None:
        return f"<div>{label}None</div>"
    head = f"{label}<b>{escape(module._get_name())}</b>({escape(module.extra_repr())}) <small>{_count(module)}</small>"
    if not module._modules:
        return f"<div>{head}</div>"
    inside = "".join(_entry(child, m) for child, m in module._modules.items())
    opened = "" if name else " open"
    return f'<details{opened}><summary>{head}</summary><div style="margin-left: 1.5em">{inside}</div></details>'


def html(module: Any) -> str:
    """The module as a tree that folds, with the number of parameters at each step."""
    return f'<div style="font-family: monospace">{_entry("", module)}</div>'
