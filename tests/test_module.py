"""Module: members, walking, state, hooks, conversion, text and containers."""

from __future__ import annotations

import copy
import gc
import re
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
    assert [n for n, _ in net.named_parameters()] == [
        "scale",
        "first.weight",
        "first.bias",
        "rest.1.weight",
        "rest.1.bias",
    ]
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
    "broadcast": (
        lambda s: s.update(bias=nbnn.ones(1)), [r"'bias': the module has shape \(3,\), the state_dict has \(1,\)"],
    ),
    "scalar": (lambda s: s.update(bias=nbnn.ones(())), [r"the state_dict has \(\)"]),
    "not a tensor": (lambda s: s.update(bias="hello"), [r"'bias' must be a Tensor or an array; got str"]),
    "strings": (lambda s: s.update(bias=np.array(["x"])), [r"'bias' cannot become a Tensor"]),
    "all at once": (
        lambda s: (s.pop("bias"), s.update(weight=nbnn.ones(2, 3), z=nbnn.ones(1))),
        ["missing key: 'bias'", "unexpected key: 'z'", r"'weight': the module has shape \(3, 2\), the state_dict has"],
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
            assert re.search(message, str(caught.value))
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
    with pytest.raises(ValueError, match=r"`strict` \(='maybe'\) must be True, False, 'shapes' or 'report'"):
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
