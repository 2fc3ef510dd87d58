"""Module: members, walking, state, hooks, conversion, text and containers."""

from __future__ import annotations

import copy
import gc
import weakref
from collections import OrderedDict

import numpy as np
import pytest

import nbnn
import nbnn.nn as nn
from nbnn.modules import LoadReport


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.first = nn.Linear(2, 3)
        self.scale = nn.Parameter(nbnn.ones(1))
        self.register_buffer("seen", nbnn.zeros(2))
        self.register_buffer("scratch", nbnn.zeros(1), persistent=False)
        self.rest = nn.Sequential(nn.ReLU(), nn.Linear(3, 1))

    def forward(self, x):
        return self.rest(self.first(x)) * self.scale


def values(t):
    return t.detach().numpy().copy()


# -- members -------------------------------------------------------------------------------------------------------


def test_assignment_registers_by_kind():
    net = Net()
    assert [n for n, _ in net.named_parameters()] == ["scale", "first.weight", "first.bias", "rest.1.weight", "rest.1.bias"]
    assert [n for n, _ in net.named_buffers()] == ["seen", "scratch"]
    assert [n for n, _ in net.named_children()] == ["first", "rest"]
    assert [n for n, _ in net.named_modules()] == ["", "first", "rest", "rest.0", "rest.1"]


def test_assigning_before_init_says_what_to_do():
    class Early(nn.Module):
        def __init__(self, value):
            self.member = value

    for value in (nn.Parameter(nbnn.ones(1)), nn.ReLU()):
        with pytest.raises(AttributeError, match=r"Early: call super\(\).__init__\(\) before"):
            Early(value)


def test_names_keep_their_kind():
    net = Net()
    with pytest.raises(TypeError, match="'scale' can only be set to a Parameter or None; got Tensor"):
        net.scale = nbnn.ones(1)
    with pytest.raises(TypeError, match="'first' can only be set to a Module or None; got int"):
        net.first = 3
    with pytest.raises(TypeError, match="'seen' can only be set to a Tensor or None; got str"):
        net.seen = "x"
    net.seen = nbnn.ones(2)
    assert net.seen is dict(net.named_buffers())["seen"]
    net.scale = net.first = None
    assert net.scale is None and net.first is None
    assert [n for n, _ in net.named_parameters()] == ["rest.1.weight", "rest.1.bias"]
    net.scale = nn.Parameter(nbnn.zeros(2))
    assert "scale" in dict(net.named_parameters())


def test_an_attribute_may_become_a_member_and_change_its_kind():
    net = Net()
    net.extra = 3
    net.extra = nn.Parameter(nbnn.ones(1))
    assert "extra" in net.state_dict()
    net.extra = nn.ReLU()
    assert "extra" not in net.state_dict() and net.get_submodule("extra") is net.extra
    del net.extra
    assert not hasattr(net, "extra") and "extra" not in dict(net.named_modules())
    with pytest.raises(AttributeError):
        del net.extra


def test_registering_checks_name_and_type():
    net = Net()
    for register, value in (
        (net.register_parameter, None),
        (net.register_buffer, None),
        (net.add_module, None),
        (net.register_module, None),
    ):
        for name in ("", "a.b", "training", "forward"):
            with pytest.raises(KeyError, match="name"):
                register(name, value)
        with pytest.raises(TypeError, match="must be a string"):
            register(3, value)
    with pytest.raises(TypeError, match="must be a Parameter or None; got Tensor"):
        net.register_parameter("new", nbnn.ones(1))
    with pytest.raises(TypeError, match="must be a Tensor or None; got list"):
        net.register_buffer("new", [1])
    with pytest.raises(TypeError, match="must be a Module or None; got function"):
        net.add_module("new", values)


def test_missing_attributes_and_failing_properties_are_told_apart():
    class Odd(nn.Module):
        @property
        def wrong(self):
            return self.nothing

    with pytest.raises(AttributeError, match="'Odd' object has no attribute 'nothing'"):
        Odd().nothing  # noqa: B018
    with pytest.raises(AttributeError, match="property 'wrong' raised"):
        Odd().wrong  # noqa: B018


def test_forward_must_be_defined():
    class Empty(nn.Module):
        pass

    with pytest.raises(NotImplementedError, match=r"Empty: define forward"):
        Empty()(1)


def test_shared_members_are_counted_once():
    net = nn.Module()
    net.a = nn.Linear(2, 2)
    net.b = net.a
    net.c = nn.Linear(2, 2, bias=False)
    net.c.weight = net.a.weight
    assert [n for n, _ in net.named_parameters()] == ["a.weight", "a.bias"]
    assert [n for n, _ in net.named_parameters(remove_duplicate=False)] == [
        "a.weight", "a.bias", "b.weight", "b.bias", "c.weight",
    ]  # fmt: skip
    assert [n for n, _ in net.named_modules()] == ["", "a", "c"]
    assert len(list(net.children())) == 2
    assert list(net.state_dict()) == ["a.weight", "a.bias", "b.weight", "b.bias", "c.weight"]


def test_paths():
    net = Net()
    assert net.get_submodule("") is net
    assert net.get_submodule("rest.1") is net.rest[1]
    assert net.get_parameter("rest.1.weight") is net.rest[1].weight
    assert net.get_buffer("seen") is net.seen
    for get, path in (
        (net.get_submodule, "rest.7"),
        (net.get_submodule, "first.weight"),
        (net.get_parameter, "first.nothing"),
        (net.get_parameter, "seen"),
        (net.get_buffer, "scale"),
    ):
        with pytest.raises(AttributeError, match=path.rpartition(".")[2]):
            get(path)
    net.set_submodule("rest.0", nn.Tanh())
    assert isinstance(net.rest[0], nn.Tanh)
    net.set_submodule("rest.new", nn.Tanh())
    with pytest.raises(AttributeError, match="'other' does not exist"):
        net.set_submodule("rest.other", nn.Tanh(), strict=True)
    with pytest.raises(AttributeError, match="is not a Module"):
        net.set_submodule("first.weight", nn.Tanh())
    with pytest.raises(ValueError, match="must name"):
        net.set_submodule("", nn.Tanh())
    with pytest.raises(TypeError, match="must be a Module"):
        net.set_submodule("rest.0", 3)


def test_a_module_dies_with_its_last_reference():
    net = Net()
    alive = weakref.ref(net)
    gc.disable()
    try:
        del net
        assert alive() is None  # no cycle keeps its memory until the next collection
    finally:
        gc.enable()


def test_writing_to_the_registries_is_seen_by_the_module():
    layer = nn.Linear(2, 2)
    new = nn.Parameter(nbnn.zeros(2, 2))
    layer._parameters["weight"] = new
    assert layer.weight is new
    layer._parameters |= {"weight": None}
    assert layer.weight is None
    assert layer._parameters.pop("bias").shape == (2,)
    assert not hasattr(layer, "bias")


# -- the tree ------------------------------------------------------------------------------------------------------


def test_train_eval_apply():
    net = Net()
    assert net.eval() is net and not any(m.training for m in net.modules())
    net.train()
    assert all(m.training for m in net.modules())
    with pytest.raises(TypeError, match="`mode` must be a bool"):
        net.train(1)
    order = []
    net.apply(order.append)
    assert order == [net.first, net.rest[0], net.rest[1], net.rest, net]


def test_gradients_are_forgotten_or_zeroed():
    net = Net()
    net(nbnn.ones(4, 2)).sum().backward()
    net.zero_grad(set_to_none=False)
    assert all(not values(p.grad).any() for p in net.parameters())
    net.zero_grad()
    assert all(p.grad is None for p in net.parameters())
    assert not any(p.requires_grad for p in net.requires_grad_(False).parameters())


def test_conversion_keeps_parameters_gradients_sharing_and_integers():
    net = nn.Module()
    net.norm = nn.BatchNorm1d(2)
    net.other = nn.Module()
    net.other.register_buffer("shared", net.norm.running_mean)
    weight = net.norm.weight
    weight.grad = nbnn.ones(2)
    assert net.double() is net
    assert net.norm.weight is weight
    assert weight.dtype is weight.grad.dtype is net.norm.running_mean.dtype is nbnn.float64
    assert net.norm.num_batches_tracked.dtype is nbnn.int64
    assert net.other.shared is net.norm.running_mean
    net.half()
    assert weight.dtype is nbnn.float16
    net.bfloat16()
    assert weight.dtype is nbnn.bfloat16
    net.float()
    assert weight.dtype is nbnn.float32
    assert values(weight).tolist() == [1, 1]
    assert net.to("cpu", nbnn.float64).norm.weight.dtype is nbnn.float64
    assert net.to(nbnn.ones(1)).norm.weight.dtype is nbnn.float32
    assert net.cpu().share_memory() is net
    assert net.type(nbnn.float64).norm.num_batches_tracked.dtype is nbnn.float64
    assert net.to_empty(device="cpu").norm.weight.shape == (2,)


def test_conversion_refuses_integers_and_unknown_words():
    net = nn.Linear(2, 2)
    with pytest.raises(TypeError, match=r"`dtype` \(=nbnn.int64\) must be a floating-point type"):
        net.to(nbnn.int64)
    with pytest.raises(TypeError, match="cannot hold the gradients of 'weight'"):
        net.type(nbnn.int64)
    with pytest.raises(TypeError, match="unexpected"):
        net.to(colour="red")


def test_copies():
    net = Net()
    net.tied = net.first
    net.register_forward_hook(lambda module, args, output: None)
    twin = copy.deepcopy(net)
    assert twin.tied is twin.first and twin.first is not net.first
    assert twin.first.weight is not net.first.weight
    assert (values(twin.first.weight) == values(net.first.weight)).all()
    twin.first.weight = nn.Parameter(nbnn.zeros(3, 2))
    assert values(net.first.weight).any()
    shallow = copy.copy(net)
    assert shallow.first is net.first
    shallow.first = nn.ReLU()
    shallow.register_buffer("own", None)
    assert isinstance(net.first, nn.Linear) and "own" not in net._buffers


# -- state ---------------------------------------------------------------------------------------------------------


def test_state_dict_shares_memory_and_leaves_out_what_is_not_persistent():
    net = Net()
    state = net.state_dict()
    assert isinstance(state, OrderedDict)
    assert list(state) == ["scale", "seen", "first.weight", "first.bias", "rest.1.weight", "rest.1.bias"]
    assert not any(t.requires_grad for t in state.values())
    state["scale"].fill_(5)
    assert values(net.scale) == [5]
    assert net.state_dict(keep_vars=True)["scale"] is net.scale
    into = {}
    assert net.state_dict(destination=into, prefix="net.") is into and "net.scale" in into


def test_loading_copies_and_reports():
    source, target = Net(), Net()
    weight = target.first.weight
    report = target.load_state_dict(source.state_dict())
    assert target.first.weight is weight
    assert (values(weight) == values(source.first.weight)).all()
    missing, unexpected = report
    assert (missing, unexpected, report.mismatched) == ([], [], [])
    assert repr(report) == "<All keys matched successfully>"
    assert copy.deepcopy(report) == report


def test_loading_takes_arrays_and_casts():
    layer = nn.Linear(2, 1)
    layer.load_state_dict({"weight": np.array([[1.0, 2.0]]), "bias": np.array([3])})
    assert layer.weight.dtype is nbnn.float32
    assert values(layer.weight).tolist() == [[1, 2]] and values(layer.bias).tolist() == [3]


BAD_STATES = {
    "missing": (lambda s: s.pop("weight"), [r"1 missing key: 'weight'"]),
    "unexpected": (lambda s: s.update(z=s["bias"], y=s["bias"]), [r"2 unexpected keys: 'z', 'y'"]),
    "broadcast": (lambda s: s.update(bias=nbnn.ones(1)), [r"'bias': the module has shape \(3,\), the state_dict has \(1,\)"]),
    "scalar": (lambda s: s.update(bias=nbnn.ones(())), [r"the state_dict has \(\)"]),
    "not a tensor": (lambda s: s.update(bias="hello"), [r"'bias' must be a Tensor or an array; got str"]),
    "strings": (lambda s: s.update(bias=np.array(["x"])), [r"'bias' cannot become a Tensor"]),
    "all at once": (
        lambda s: (s.pop("bias"), s.update(weight=nbnn.ones(2, 3), z=nbnn.ones(1))),
        ["missing key: 'bias'", "unexpected key: 'z'", r"'weight': the module has shape \(3, 2\), the state_dict has \(2, 3\)"],
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD_STATES)
def test_a_refused_load_names_everything_and_changes_nothing(case):
    spoil, messages = BAD_STATES[case]
    layer = nn.Linear(2, 3)
    before = {name: values(t) for name, t in layer.state_dict().items()}
    state = nn.Linear(2, 3).state_dict()
    spoil(state)
    given = dict(state)
    for assign in (False, True):
        with pytest.raises(RuntimeError, match="Linear cannot load this; nothing was changed") as caught:
            layer.load_state_dict(state, assign=assign)
        for message in messages:
            assert pytest.importorskip("re").search(message, str(caught.value))
    assert all((values(layer.state_dict()[name]) == before[name]).all() for name in before)
    assert state.keys() == given.keys() and all(state[name] is given[name] for name in given)


def test_strict_false_forgives_keys_but_not_shapes():
    layer = nn.Linear(2, 3)
    report = layer.load_state_dict({"weight": nbnn.zeros(3, 2), "z": nbnn.ones(1)}, strict=False)
    assert report.missing_keys == ["bias"] and report.unexpected_keys == ["z"]
    assert repr(report) == "<1 missing key: 'bias'; 1 unexpected key: 'z'>"
    assert not values(layer.weight).any()
    with pytest.raises(RuntimeError, match="mismatched 'weight'"):
        layer.load_state_dict({"weight": nbnn.zeros(2, 3)}, strict=False)


def test_strict_report_loads_what_fits():
    layer = nn.Linear(2, 3)
    weight = values(layer.weight)
    report = layer.load_state_dict({"weight": nbnn.zeros(2, 3), "bias": nbnn.zeros(3)}, strict="report")
    assert isinstance(report, LoadReport)
    assert report.mismatched == [("weight", (3, 2), (2, 3))]
    assert report.mismatched[0].expected == (3, 2) and report.mismatched[0].got == (2, 3)
    assert (values(layer.weight) == weight).all() and not values(layer.bias).any()


def test_load_refuses_other_arguments():
    with pytest.raises(TypeError, match="`state_dict` must be a mapping; got list"):
        nn.ReLU().load_state_dict([1])
    with pytest.raises(ValueError, match=r"`strict` \(='maybe'\) must be True, False or 'report'"):
        nn.ReLU().load_state_dict({}, strict="maybe")


def test_assign_puts_the_tensors_themselves_and_keeps_ties():
    net = nn.Module()
    net.a = nn.Linear(2, 2)
    net.b = nn.Linear(2, 2)
    net.b.weight = net.a.weight
    net.a.bias.requires_grad_(False)
    state = {name: t.clone() for name, t in net.state_dict().items()}
    net.load_state_dict(state, assign=True)
    assert net.a.weight is net.b.weight
    assert isinstance(net.a.weight, nn.Parameter) and net.a.weight.requires_grad and not net.a.bias.requires_grad
    state["a.bias"].fill_(7)
    assert values(net.a.bias).tolist() == [7, 7]


def test_extra_state():
    class Counter(nn.Module):
        count = 0

        def get_extra_state(self):
            return {"count": self.count}

        def set_extra_state(self, state):
            self.count = state["count"]

    source, target = nn.Sequential(Counter()), nn.Sequential(Counter())
    source[0].count = 4
    assert source.state_dict() == {"0._extra_state": {"count": 4}}
    target.load_state_dict(source.state_dict())
    assert target[0].count == 4
    with pytest.raises(RuntimeError, match="missing key: '0._extra_state'"):
        target.load_state_dict({})
    with pytest.raises(RuntimeError, match="unexpected key: '_extra_state'"):
        nn.ReLU().load_state_dict({"_extra_state": 1})


def test_state_hooks():
    layer = nn.Linear(1, 1)
    seen = []
    layer.register_state_dict_pre_hook(lambda module, prefix, keep_vars: seen.append(("pre", prefix, keep_vars)))
    layer.register_state_dict_post_hook(lambda module, state, prefix, meta: state.pop(prefix + "bias"))

    def rename(module, state, prefix, meta, strict, missing, unexpected, errors):
        if prefix + "old" in state:
            state[prefix + "bias"] = state.pop(prefix + "old")

    handle = layer.register_load_state_dict_pre_hook(rename)
    layer.register_load_state_dict_post_hook(lambda module, report: seen.append(report.missing_keys))
    state = nn.Sequential(layer).state_dict()
    assert list(state) == ["0.weight"] and seen == [("pre", "0.", False)]
    state["0.old"] = nbnn.ones(1)
    nn.Sequential(layer).load_state_dict(state)
    assert values(layer.bias) == [1] and seen[-1] == [] and "0.old" in state
    handle.remove()
    with pytest.raises(RuntimeError, match="missing"):
        nn.Sequential(layer).load_state_dict(state)


# -- hooks ---------------------------------------------------------------------------------------------------------


def test_forward_hooks_see_and_change():
    layer = nn.Identity()
    seen = []
    with layer.register_forward_pre_hook(lambda module, args: args[0] * 2):
        first = layer.register_forward_hook(lambda module, args, out: seen.append("a"))
        layer.register_forward_hook(lambda module, args, out: seen.append("b") or out + 1, prepend=True)
        assert layer(3) == 7 and seen == ["b", "a"]
    first.remove()
    first.remove()
    assert layer(3) == 4 and seen == ["b", "a", "b"]


def test_hooks_with_kwargs():
    class Add(nn.Module):
        def forward(self, x, y=0):
            return x + y

    layer = Add()
    handle = layer.register_forward_pre_hook(lambda m, args, kwargs: (args, {**kwargs, "y": 5}), with_kwargs=True)
    layer.register_forward_hook(lambda m, args, kwargs, out: out * kwargs["y"], with_kwargs=True)
    assert layer(1, y=1) == 30
    handle.remove()
    layer.register_forward_pre_hook(lambda m, args, kwargs: 3, with_kwargs=True)
    with pytest.raises(RuntimeError, match=r"must return None or \(args, kwargs\); got 3"):
        layer(1)


def test_always_called_hooks_run_once_even_on_errors():
    class Fails(nn.Module):
        def forward(self, x):
            raise ValueError("no")

    seen = []
    layer = Fails()
    layer.register_forward_hook(lambda m, args, out: seen.append("plain"))
    layer.register_forward_hook(lambda m, args, out: seen.append(out), always_call=True)
    with pytest.raises(ValueError, match="no"):
        layer(1)
    assert seen == [None]
    layer.register_forward_hook(lambda m, args, out: 1 // 0, always_call=True)
    with pytest.raises(ValueError, match="no"), pytest.warns(UserWarning, match="ZeroDivisionError"):
        layer(1)


def test_a_call_is_plain_again_when_the_hooks_are_off():
    layer = nn.Identity()
    layer.register_forward_hook(lambda m, args, out: None).remove()
    assert layer(1) == 1 and layer._hooked is False
    with pytest.raises(TypeError, match="`hook` must be callable; got int"):
        layer.register_forward_hook(3)


def test_backward_hooks_see_and_change_the_gradients():
    layer = nn.Linear(2, 1, bias=False)
    layer.weight.data.fill_(3)
    seen = []
    layer.register_full_backward_pre_hook(lambda m, grads: (grads[0] * 2,))
    layer.register_full_backward_hook(lambda m, gi, go: seen.append((values(gi[0]), values(go[0]))))
    handle = layer.register_backward_hook(lambda m, gi, go: gi[0] * 10)
    x = nbnn.ones(1, 2, requires_grad=True)
    layer(x).sum().backward()
    assert seen[0][0].tolist() == [[6, 6]] and seen[0][1].tolist() == [[2]]
    assert values(x.grad).tolist() == [[60, 60]]
    assert values(layer.weight.grad).tolist() == [[2, 2]]
    handle.remove()
    x.grad = None
    layer(x).sum().backward()
    assert values(x.grad).tolist() == [[6, 6]]


def test_backward_hooks_of_several_inputs_and_outputs():
    class Swap(nn.Module):
        def forward(self, a, n, b):
            return b * n, a

    seen = []
    layer = Swap()
    layer.register_full_backward_hook(lambda m, gi, go: seen.append((gi, go)))
    a, b = nbnn.ones(2, requires_grad=True), nbnn.ones(3, requires_grad=True)
    first, second = layer(a, 2, b)
    (first.sum() + second.sum()).backward()
    (grad_input, grad_output) = seen[0]
    assert [None if g is None else g.tolist() for g in grad_input] == [[1, 1], None, [2, 2, 2]]
    assert [g.tolist() for g in grad_output] == [[1, 1, 1], [1, 1]]
    assert b.grad.tolist() == [2, 2, 2]


def test_backward_hook_without_input_gradients_and_with_wrong_results():
    layer = nn.Linear(2, 1)
    seen = []
    handle = layer.register_full_backward_hook(lambda m, gi, go: seen.append((gi, go[0].tolist())))
    layer(nbnn.ones(1, 2)).sum().backward()
    assert seen == [((None,), [[1.0]])]
    with nbnn.no_grad():
        layer(nbnn.ones(1, 2))
    handle.remove()
    layer.register_full_backward_hook(lambda m, gi, go: (gi[0], None))
    with pytest.raises(RuntimeError, match="returned 2 gradients in place of the 1 of `grad_input`"):
        layer(nbnn.ones(1, 2, requires_grad=True)).sum().backward()


# -- containers ----------------------------------------------------------------------------------------------------


def kinds(row):
    return [type(m).__name__ for m in row]


def test_sequential_is_a_list():
    s = nn.Sequential(nn.ReLU(), nn.Tanh(), nn.Sigmoid())
    assert kinds(s[0:2]) == ["ReLU", "Tanh"] and s[-1] is s[2] and len(s) == 3
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


def test_sequential_keeps_given_names():
    s = nn.Sequential(OrderedDict(a=nn.ReLU(), b=nn.Tanh(), c=nn.Sigmoid()))
    assert [n for n, _ in s.named_children()] == ["a", "b", "c"] and s.b is s[1]
    del s[1]
    assert [n for n, _ in s[:].named_children()] == ["a", "c"]
    s.append(nn.ReLU()).append(nn.ReLU())
    assert [n for n, _ in s.named_modules()] == ["", "a", "c", "2", "3"]


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
    row[-1] = 4
    row += [nbnn.ones(1)]
    assert [n for n, _ in row.named_parameters()] == ["0", "3"] and list(row)[2] == 4
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
    d |= {"y": nbnn.ones(1)}
    d.clear()
    for act in (lambda: d["q"], lambda: d.pop("q"), d.popitem, lambda: d.update(training=1) or d.update({"training": 1})):
        with pytest.raises((KeyError, TypeError)):
            act()
    with pytest.raises(RuntimeError, match="cannot be called"):
        d(1)


# -- layers' arguments ---------------------------------------------------------------------------------------------

BAD_ARGUMENTS = [
    (lambda: nn.Conv2d(3, 4, 3, groups=2), ValueError, r"Conv2d: `in_channels` \(=3\) must be divisible by `groups` \(=2\)"),
    (lambda: nn.Conv2d(4, 3, 3, groups=2), ValueError, r"Conv2d: `out_channels` \(=3\) must be divisible"),
    (lambda: nn.Conv1d(4, 3, 3, groups=0), ValueError, r"Conv1d: `groups` \(=0\) must be at least 1"),
    (lambda: nn.Conv1d(4, 3, 0), ValueError, r"`kernel_size` \(=0\) must be at least 1"),
    (lambda: nn.Conv3d(4, 3, (1, 2)), ValueError, r"`kernel_size` \(=\(1, 2\)\) must be an int or 3 ints"),
    (lambda: nn.Conv2d(4, 3, 3, stride=0), ValueError, r"`stride` \(=0\) must be at least 1"),
    (lambda: nn.Conv2d(4, 3, 3, padding=-1), ValueError, r"`padding` \(=-1\) must be at least 0"),
    (lambda: nn.Conv2d(4, 3, 3, padding="full"), ValueError, r"`padding` \(='full'\) must be ints, 'same' or 'valid'"),
    (lambda: nn.Conv2d(4, 3, 3, padding="same", stride=2), ValueError, r"needs a `stride` of 1; got \(2, 2\)"),
    (lambda: nn.Conv2d(4, 3, 3, padding_mode="mirror"), ValueError, r"`padding_mode` \(='mirror'\) must be one of"),
    (lambda: nn.Conv2d(2.0, 3, 3), TypeError, r"`in_channels` \(=2.0\) must be an int; got float"),
    (lambda: nn.Linear(-1, 3), ValueError, r"Linear: `in_features` \(=-1\) must be at least 0"),
    (lambda: nn.Linear(True, 3), TypeError, r"`in_features` \(=True\) must be an int; got bool"),
    (lambda: nn.BatchNorm1d("3"), TypeError, r"BatchNorm1d: `num_features` \(='3'\) must be an int"),
    (lambda: nn.BatchNorm2d(3)(nbnn.ones(2, 3)), ValueError, r"must have shape \(N, C, H, W\); got input \(2, 3\)"),
    (lambda: nn.MaxPool2d(0), ValueError, r"MaxPool2d: `kernel_size` \(=0\) must be at least 1"),
    (lambda: nn.MaxPool2d(2, stride=(1, 2, 3)), ValueError, r"`stride` \(=\(1, 2, 3\)\) must be an int or 2 ints"),
    (lambda: nn.Dropout(1.5), ValueError, r"Dropout: `p` \(=1.5\) must be between 0 and 1"),
    (lambda: nn.Dropout(float("nan")), ValueError, r"`p` \(=nan\)"),
    (lambda: nn.Flatten("x"), TypeError, r"Flatten: `start_dim` \(='x'\) must be an int"),
    (lambda: nn.MSELoss(reduction="total"), ValueError, r"MSELoss: `reduction` \(='total'\) must be one of"),
    (lambda: nn.NLLLoss(weight=[1.0]), TypeError, r"must be a Tensor or None; got list"),
    (lambda: nn.CrossEntropyLoss(label_smoothing=2), ValueError, r"`label_smoothing` \(=2\) must be between 0 and 1"),
]  # fmt: skip


@pytest.mark.parametrize("case", range(len(BAD_ARGUMENTS)))
def test_constructors_refuse_bad_arguments(case):
    make, error, message = BAD_ARGUMENTS[case]
    with pytest.raises(error, match=message):
        make()


def test_old_spellings_of_reductions():
    for words, reduction in (({"size_average": False}, "sum"), ({"reduce": False}, "none"), ({"size_average": True}, "mean")):
        with pytest.warns(DeprecationWarning, match=f"reduction='{reduction}'"):
            assert nn.MSELoss(**words).reduction == reduction


def test_layers_compute():
    x = nbnn.tensor([[-1.0, 0.0, 2.0]])
    assert nn.ReLU()(x).tolist() == [[0, 0, 2]]
    np.testing.assert_allclose(values(nn.Tanh()(x)), np.tanh(values(x)), rtol=1e-6)
    np.testing.assert_allclose(values(nn.Sigmoid()(x)), 1 / (1 + np.exp(-values(x))), rtol=1e-6)
    np.testing.assert_allclose(values(nn.Softmax(1)(x)).sum(), 1, rtol=1e-6)
    np.testing.assert_allclose(values(nn.LogSoftmax(1)(x)), np.log(values(nn.Softmax(1)(x))), rtol=1e-5)
    assert nn.Flatten()(nbnn.ones(2, 3, 4)).shape == (2, 12)
    assert nn.Flatten(0, 1)(nbnn.ones(2, 3, 4)).shape == (6, 4)
    layer = nn.Linear(3, 2)
    np.testing.assert_allclose(values(layer(x)), values(x) @ values(layer.weight).T + values(layer.bias), rtol=1e-5)
    assert nn.Linear(3, 2, bias=False).bias is None
    assert nn.Conv1d(2, 4, 3, groups=2)(nbnn.ones(1, 2, 5)).shape == (1, 4, 3)
    assert nn.Conv2d(2, 4, 3, padding="same")(nbnn.ones(1, 2, 5, 6)).shape == (1, 4, 5, 6)
    assert nn.Conv3d(1, 2, 2, stride=2)(nbnn.ones(1, 1, 4, 4, 4)).shape == (1, 2, 2, 2, 2)
    assert nn.MaxPool1d(2)(nbnn.ones(1, 1, 4)).shape == (1, 1, 2)
    out, where = nn.MaxPool2d(2, return_indices=True)(nbnn.ones(1, 1, 4, 4))
    assert out.shape == where.shape == (1, 1, 2, 2) and where.dtype is nbnn.int64
    assert nn.MaxPool3d(3, 1, 1)(nbnn.ones(1, 1, 2, 2, 2)).shape == (1, 1, 2, 2, 2)
    assert nn.MSELoss(reduction="sum")(x, x + 1).item() == 3
    target = nbnn.tensor([2])
    logs = nn.LogSoftmax(1)(x)
    np.testing.assert_allclose(nn.NLLLoss()(logs, target).item(), -logs.tolist()[0][2], rtol=1e-6)
    np.testing.assert_allclose(nn.CrossEntropyLoss()(x, target).item(), -logs.tolist()[0][2], rtol=1e-6)


def test_batch_norm_tracks():
    x = nbnn.tensor([[0.0, 1.0], [2.0, 5.0]])
    norm = nn.BatchNorm1d(2)
    norm(x)
    np.testing.assert_allclose(values(norm.running_mean), [0.1, 0.3], rtol=1e-6)
    np.testing.assert_allclose(values(norm.running_var), [0.9 + 0.1 * 2, 0.9 + 0.1 * 8], rtol=1e-6)
    assert norm.num_batches_tracked.item() == 1
    average = nn.BatchNorm1d(2, momentum=None)
    average(x)
    average(x + 3)
    np.testing.assert_allclose(values(average.running_mean), [2.5, 4.5], rtol=1e-6)
    average.eval()(x)
    assert average.num_batches_tracked.item() == 2
    average.reset_running_stats()
    assert values(average.running_mean).tolist() == [0, 0] and average.num_batches_tracked.item() == 0
    plain = nn.BatchNorm1d(2, affine=False, track_running_stats=False).eval()
    np.testing.assert_allclose(values(plain(x)), [[-1, -1], [1, 1]], rtol=1e-4)
    assert nn.BatchNorm1d(2, bias=False).bias is None
    assert nn.BatchNorm2d(2)(nbnn.ones(1, 2, 2, 2)).shape == (1, 2, 2, 2)
    assert nn.BatchNorm3d(2)(nbnn.ones(1, 2, 2, 2, 2)).shape == (1, 2, 2, 2, 2)


def test_dropout_follows_the_mode():
    nbnn.manual_seed(0)
    layer = nn.Dropout(0.5)
    x = nbnn.ones(1000)
    dropped = values(layer(x))
    assert set(np.unique(dropped)) == {0, 2} and 400 < (dropped == 0).sum() < 600
    assert (values(layer.eval()(x)) == 1).all()


# -- text, and agreement with torch --------------------------------------------------------------------------------


def models(nn):
    """Models of either library."""
    return [
        nn.Sequential(nn.Conv2d(3, 8, 3, padding=1, bias=False), nn.BatchNorm2d(8), nn.ReLU(inplace=True), nn.MaxPool2d(2)),
        nn.Sequential(OrderedDict(flat=nn.Flatten(), out=nn.Linear(4, 2, bias=False), soft=nn.LogSoftmax(dim=1))),
        nn.ModuleList([nn.Linear(2, 2), nn.Linear(2, 2), nn.Dropout(0.1), nn.ModuleList(), nn.Sequential()]),
        nn.ModuleList([nn.Sequential(nn.Linear(2, 2), nn.ReLU()) for _ in range(3)]),
        nn.ModuleDict({"a": nn.Tanh(), "b": nn.ModuleDict({"c": nn.Sigmoid(), "d": nn.Softmax(1)})}),
        nn.Conv1d(4, 8, (3,), stride=2, padding=1, dilation=2, groups=2),
        nn.Conv2d(4, 8, (3, 5), padding="same"),
        nn.Conv3d(4, 8, 3, padding="valid"),
        nn.Sequential(nn.MaxPool1d(3, 2, 1, 1, True, True), nn.MaxPool2d((2, 3)), nn.MaxPool3d(2, dilation=2)),
        nn.Sequential(nn.BatchNorm1d(3, affine=False, momentum=None), nn.BatchNorm3d(3, track_running_stats=False)),
        nn.Sequential(nn.BatchNorm1d(3, bias=False), nn.Identity(3, a=1), nn.Softmax()),
        nn.ModuleList([nn.NLLLoss(), nn.CrossEntropyLoss(label_smoothing=0.1), nn.MSELoss(reduction="sum")]),
        nn.Module(),
        nn.ParameterList([3]),
        nn.ParameterList([3, "x"]),
        nn.ParameterDict({"b": 4, "c": nn.ParameterList([2])}),
    ]


@pytest.mark.parametrize("case", range(16))
def test_text_and_names_are_those_of_torch(case):
    torch = pytest.importorskip("torch")
    ours, theirs = models(nn)[case], models(torch.nn)[case]
    assert repr(ours) == repr(theirs)
    assert list(ours.state_dict()) == list(theirs.state_dict())
    for walk in ("named_parameters", "named_buffers", "named_modules", "named_children"):
        assert [n for n, _ in getattr(ours, walk)()] == [n for n, _ in getattr(theirs, walk)()]
    assert [tuple(p.shape) for p in ours.parameters()] == [tuple(p.shape) for p in theirs.parameters()]
    assert len(models(nn)) == 16


def test_text_of_parameter_containers():
    torch = pytest.importorskip("torch")
    ours = nn.ParameterList([nbnn.zeros(2, 3), nbnn.zeros(())])
    theirs = torch.nn.ParameterList([torch.zeros(2, 3), torch.zeros(())])
    assert repr(ours) == repr(theirs).replace("torch.", "nbnn.")


def test_a_state_dict_of_torch_loads():
    torch = pytest.importorskip("torch")
    theirs = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.BatchNorm1d(4))
    ours = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4))
    ours.load_state_dict(theirs.state_dict())
    assert (values(ours[0].weight) == theirs[0].weight.detach().numpy()).all()


def test_html_folds_and_escapes():
    class Odd(nn.Module):
        def extra_repr(self):
            return "<b>"

    net = nn.Sequential(nn.Linear(2, 3), nn.Sequential(Odd()))
    net[0].bias.requires_grad_(False)
    net.add_module("none", None)
    page = net._repr_html_()
    assert page.count("<details") == page.count("</details>") == 2
    assert "9 parameters, 3 frozen" in page and "&lt;b&gt;" in page and "(none): None" in page


def test_dir_lists_members_that_can_be_typed():
    names = dir(nn.Sequential(nn.ReLU()))
    assert "0" not in names and "forward" in names
    assert {"weight", "bias"} <= set(dir(nn.Linear(1, 1)))


def test_a_call_costs_little():
    import timeit

    class Nothing(nn.Module):
        def forward(self, x):
            return x

    layer = Nothing()
    call = min(timeit.repeat(lambda: layer(1), number=20000, repeat=5)) / 20000
    forward = min(timeit.repeat(lambda: layer.forward(1), number=20000, repeat=5)) / 20000
    assert call - forward < 2e-6  # 0.15 us when measured alone
