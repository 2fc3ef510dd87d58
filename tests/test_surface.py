"""Every name of torch.nn's surface exists, with the same arguments and defaults: `surface.txt` lists them."""

from __future__ import annotations

import ast
import importlib
import inspect
from pathlib import Path
from typing import Any

import pytest

import nbnn
import nbnn.nn.functional as F
import nbnn.optim

SPACES = {"functional": F, "Module classes": nbnn.nn, "Module methods": nbnn.nn.Module, "Tensor": nbnn.Tensor}

# What is still to come, a line for each. A name that exists must not stand there.
WAITING = set((Path(__file__).parent / "surface_waiting.txt").read_text().splitlines())


def _space(section: str) -> Any:
    if section in SPACES:
        return SPACES[section]
    try:
        return importlib.import_module(
            ("nbnn." if section == "init" or section.startswith("optim") else "nbnn.nn.") + section
        )
    except ImportError:
        return None


def _lines() -> list[tuple[str, str, str | None]]:
    """(section, name, arguments) of each line of the list; no arguments for a plain name."""
    found = []
    for line in (Path(__file__).parent / "surface.txt").read_text().splitlines():
        if line.startswith("["):
            section = line.strip("[]")
        elif line and not line.startswith("#"):
            name, bracket, rest = line.partition("(")
            found.append((section, name, rest[:-1] if bracket else None))
    return found


LINES = _lines()
# Arguments by keyword that torch does not have.
BEYOND = {(f"{kind}{n}d", "same_rule") for kind in ("conv", "Conv") for n in (1, 2, 3)}
BEYOND |= {(name, "all_ignored") for name in ("nll_loss", "cross_entropy", "NLLLoss", "CrossEntropyLoss")}


def _lookup(section: str, name: str) -> Any:
    places = [_space(section)] + ([nbnn] if section == "Tensor" else [])
    for value in places:
        for part in name.split("."):
            value = getattr(value, part, None)
        if value is not None:
            return value
    return None


def _listed(arguments: str) -> list[tuple[str, str, Any]]:
    """Name, kind and default of each argument, from its spelling."""
    node = ast.parse(f"def f({arguments}): pass").body[0].args  # type: ignore[attr-defined]
    fill = [inspect.Parameter.empty] * (len(node.args) - len(node.defaults))
    defaults = [*fill, *(eval(ast.unparse(d), {"F": F}) for d in node.defaults)]
    found = [(a.arg, "any", d) for a, d in zip(node.args, defaults, strict=True)]
    if node.vararg:
        found.append((node.vararg.arg, "*", inspect.Parameter.empty))
    for a, d in zip(node.kwonlyargs, node.kw_defaults, strict=True):
        found.append((a.arg, "keyword", inspect.Parameter.empty if d is None else eval(ast.unparse(d))))
    if node.kwarg:
        found.append((node.kwarg.arg, "**", inspect.Parameter.empty))
    return found


def _actual(function: Any) -> list[tuple[str, str, Any]]:
    kinds = {"POSITIONAL_ONLY": "any", "POSITIONAL_OR_KEYWORD": "any", "VAR_POSITIONAL": "*", "KEYWORD_ONLY": "keyword"}
    parameters = inspect.signature(function).parameters.values()
    return [(p.name, kinds.get(p.kind.name, "**"), p.default) for p in parameters if p.name != "self"]


def test_every_name_exists():
    missing = {f"{section}.{name}" for section, name, _ in LINES if _lookup(section, name) is None}
    assert missing == WAITING


WITH_ARGUMENTS = [line for line in LINES if line[2] is not None and f"{line[0]}.{line[1]}" not in WAITING]


@pytest.mark.parametrize("section,name,arguments", WITH_ARGUMENTS, ids=[f"{s}.{n}" for s, n, _ in WITH_ARGUMENTS])
def test_arguments_and_defaults(section, name, arguments):
    listed = _listed(arguments)
    actual = [a for a in _actual(_lookup(section, name)) if (name, a[0]) not in BEYOND]
    if [kind for _, kind, _ in listed] == ["*", "**"]:
        return  # written for any arguments: a class without, or an old spelling of a function that names its own
    assert [a[:2] for a in actual] == [a[:2] for a in listed]
    for (argument, _, default), (_, _, wanted) in zip(actual, listed, strict=True):
        assert type(default) is type(wanted) or {type(default), type(wanted)} <= {int, float}, argument
        assert default == wanted, argument
