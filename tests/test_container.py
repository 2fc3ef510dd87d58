"""Sequential, ModuleList, ModuleDict, ParameterList, ParameterDict."""

from __future__ import annotations

import copy
from collections import OrderedDict

import pytest

import nbnn
import nbnn.nn as nn


def kinds(row):
    return [type(m).__name__ for m in row]


def test_sequential_is_a_list():
    s = nn.Sequential(nn.ReLU(), nn.Tanh(), nn.Sigmoid())
    assert kinds(s[0:2]) == ["ReLU", "Tanh"] and s[-1] is s[2] and len(s) == 3
    assert list(s[1:]._modules) == ["1", "2"] and list(s[1:].append(nn.ReLU())._modules) == ["1", "2", "3"]
    assert kinds(s + nn.Sequential(nn.ReLU())) == ["ReLU", "Tanh", "Sigmoid", "ReLU"]
    assert kinds(s[:1] * 2) == kinds(2 * s[:1]) == ["ReLU", "ReLU"]
    s.insert(1, nn.Flatten()).append(nn.ReLU())
    assert kinds(s) == ["ReLU", "Flatten", "Tanh", "Sigmoid", "ReLU"] and list(s._modules) == list("01234")
    s.insert(-1, nn.Identity())
    assert kinds(s)[-2:] == ["Identity", "ReLU"]
    assert type(s.pop(-1)) is nn.ReLU
    del s[1:3]
    assert kinds(s) == ["ReLU", "Sigmoid", "Identity"] and list(s._modules) == list("012")
    s[1] = nn.Tanh()
    assert kinds(s.extend([nn.ReLU()])) == ["ReLU", "Tanh", "Identity", "ReLU"]
    s *= 2
    assert len(s) == 8
    s += nn.Sequential(nn.ReLU())
    assert len(s) == 9


def test_sequential_keeps_given_names_until_one_is_removed():
    s = nn.Sequential(OrderedDict(a=nn.ReLU(), b=nn.Tanh(), c=nn.Sigmoid()))
    assert [n for n, _ in s.named_children()] == ["a", "b", "c"] and s.b is s[1]
    s.insert(1, nn.ReLU())
    assert [n for n, _ in s[:].named_children()] == ["a", "3", "b", "c"]
    del s[1:3]  # as PyTorch does, whose state dicts have these keys
    assert [n for n, _ in s[:].named_children()] == ["0", "1"]
    s.append(nn.ReLU()).append(nn.ReLU())
    assert [n for n, _ in s.named_modules()] == ["", "0", "1", "2", "3"]


def test_a_part_of_a_subclass_needs_none_of_its_arguments():
    class Block(nn.Sequential):
        def __init__(self, size):
            super().__init__(nn.Linear(size, size), nn.ReLU(), nn.Tanh())

    assert type(Block(2)[1:]) is Block and kinds(Block(2)[1:]) == ["ReLU", "Tanh"]


def test_rows_refuse_what_is_no_module_and_places_beyond_their_ends():
    for row in (nn.Sequential(nn.ReLU()), nn.ModuleList([nn.ReLU()])):
        for act in (lambda r: r.append(3), lambda r: r.extend([3]), lambda r: r.insert(0, 3), lambda r: r.extend(3)):
            with pytest.raises(TypeError, match=type(row).__name__):
                act(row)
        for act in (lambda r: r[1], lambda r: r.pop(1), lambda r: r.insert(5, nn.ReLU()), lambda r: r[-2]):
            with pytest.raises(IndexError, match="out of range for"):
                act(row)
        with pytest.raises(TypeError, match="must be an int or a slice"):
            row["0"]
        assert len(row) == 1
    with pytest.raises(TypeError, match="Sequential"):
        nn.Sequential(nn.ReLU)
    with pytest.raises(ValueError, match="at least 1"):
        nn.Sequential(nn.ReLU()) * 0
    with pytest.raises(TypeError):
        nn.Sequential(nn.ReLU()) + 3


def test_module_list():
    row = nn.ModuleList([nn.ReLU(), nn.Tanh()])
    row.insert(1, nn.Flatten())
    row += [nn.Sigmoid()]
    assert kinds(row) == ["ReLU", "Flatten", "Tanh", "Sigmoid"]
    assert type(row[1:]) is nn.ModuleList and kinds(row[1:] + [nn.ReLU()])[-1] == "ReLU"
    assert type(row.pop()) is nn.Sigmoid and len(row) == 3
    with pytest.raises(NotImplementedError, match="ModuleList: define forward"):
        row(1)


def test_module_dict():
    d = nn.ModuleDict([("a", nn.ReLU())])
    d["b"] = nn.Tanh()
    d.update({"a": nn.Sigmoid()})
    assert list(d) == list(d.keys()) == ["a", "b"] and "a" in d and len(d) == 2
    assert kinds(d.values()) == ["Sigmoid", "Tanh"] and dict(d.items())["b"] is d["b"]
    assert type(d.pop("a")) is nn.Sigmoid
    del d["b"]
    d["c"] = nn.ReLU()
    d.clear()
    assert len(d) == 0
    for key in ("forward", "a.b", ""):
        with pytest.raises(KeyError):
            d[key] = nn.ReLU()
    with pytest.raises(KeyError):
        d["nothing"]
    with pytest.raises(TypeError, match="must be a Module or None; got int"):
        d["x"] = 3


def test_parameter_list():
    row = nn.ParameterList([nbnn.ones(2), "text", nn.Parameter(nbnn.zeros(1))])
    assert isinstance(row[0], nn.Parameter) and row[1] == "text" and len(row) == 3
    assert [n for n, _ in row.named_parameters()] == ["0", "2"]
    row[0] = nbnn.zeros(3)
    row[1] = 4
    row += [nbnn.ones(1)]
    assert [n for n, _ in row.named_parameters()] == ["0", "2", "3"] and list(row)[1] == 4
    with pytest.raises(TypeError, match="'2' is a Parameter, which no int can take the place of"):
        row[2] = 5
    assert type(row[:2]) is nn.ParameterList and len(row[:2]) == 2
    assert copy.deepcopy(row)[3].shape == (1,)
    with pytest.raises(IndexError):
        row[9]
    with pytest.raises(TypeError, match="not a Tensor; got Tensor"):
        nn.ParameterList(nbnn.ones(2))


def test_parameter_dict():
    d = nn.ParameterDict({"a": nbnn.ones(2), "b": 3})
    assert isinstance(d["a"], nn.Parameter) and d.get("z", 5) == 5 and d.setdefault("b", 9) == 3
    assert [n for n, _ in (d | nn.ParameterDict({"c": nbnn.ones(1)})).named_parameters()] == ["a", "c"]
    assert list(reversed(d)) == ["b", "a"] and dict(d.items())["b"] == 3 and len(d.copy()) == 2
    assert d.popitem() == ("b", 3) and d.pop("a").shape == (2,) and len(d) == 0
    assert not hasattr(d, "a")
    assert list(d.fromkeys(["x"], 1).values()) == [1]
    assert list(nn.ParameterDict({"b": 1, "a": 2})) == ["a", "b"]  # as in PyTorch: a plain dict is sorted
    assert list(nn.ParameterDict(OrderedDict(b=1, a=2)) | OrderedDict(d=1, c=2)) == ["b", "a", "d", "c"]
    assert {"c": 5, "b": 0} | nn.ParameterDict([("b", 1), ("a", 2)]) == {"c": 5, "b": 1, "a": 2}
    d |= {"y": nbnn.ones(1)}
    d.clear()
    for act in (
        lambda: d["q"],
        lambda: d.pop("q"),
        d.popitem,
        lambda: d.update({"": nbnn.ones(1)}),
        lambda: d.update(training=1) or d.update({"training": 1}),
    ):
        with pytest.raises((KeyError, TypeError)):
            act()
    with pytest.raises(RuntimeError, match="cannot be called"):
        d(1)
