"""Changes in place: versions, views and their bases, and what backward makes of them."""

import pytest

import nbnn
import nbnn.nn.functional as F


def leaf(*values):
    return nbnn.tensor(values, requires_grad=True)


def numbers(t):
    return t.detach().numpy().tolist()


@pytest.mark.parametrize(
    ("use", "op"),
    [(lambda t: t * t, "mul"), (lambda t: t.exp(), "exp"), (lambda t: t.tanh(), "tanh"),
     (lambda t: F.linear(t, t.reshape(1, 2)), "linear"),
     (lambda t: F.relu(t), "relu"), (lambda t: t.log(), "log"), (lambda t: F.softmax(t, 0), "softmax")],
)  # fmt: skip
def test_a_change_before_backward_is_an_error(use, op):
    x = leaf(1.0, 2.0)
    t = x * 1.0
    y = use(t)
    changed = y if op in ("exp", "tanh", "relu", "softmax") else t
    with nbnn.no_grad():
        changed.add_(1.0)
    with pytest.raises(
        RuntimeError,
        match=rf"^backward: {op} saved a Tensor.*changed in place before backward: it is at version 1, saved at 0",
    ):
        y.sum().backward()


def test_a_change_through_a_view_is_noticed():
    x = leaf(1.0, 2.0)
    t = x * 1.0
    y = t * t
    t.detach()[0] = 5.0
    with pytest.raises(RuntimeError, match="^backward: mul saved a Tensor"):
        y.sum().backward()


def test_a_change_of_what_was_not_saved_is_fine():
    x = leaf(1.0, 2.0)
    t = x * 3.0
    y = t + 1.0
    t.add_(100.0)
    y.sum().backward()
    assert numbers(x.grad) == [3.0, 3.0]


def test_leaves_and_their_views_refuse():
    x = leaf(1.0, 2.0)
    for change in (lambda: x.add_(1.0), lambda: x.zero_(), lambda: F.relu_(x), lambda: x.copy_(nbnn.ones(2))):
        with pytest.raises(RuntimeError, match=r"^\w+_: a leaf that requires a gradient"):
            change()
    with pytest.raises(RuntimeError, match=r"^mul_: a view of a leaf"):
        x[:1].mul_(2.0)
    with nbnn.no_grad():
        x.add_(1.0)
        x[0] = 9.0
    assert numbers(x) == [9.0, 3.0]


def test_augmented_assignment():
    x = leaf(1.0, 2.0)
    t = x * 1.0
    kept = t
    t += 1.0
    t *= x
    t -= 0.5
    t /= 2.0
    assert t is kept
    t.sum().backward()
    assert numbers(x.grad) == [1.5, 2.5]


def test_copy_and_setitem_into_a_base():
    x, v = leaf(1.0, 2.0, 3.0), leaf(10.0)
    base = x * 1.0
    base[1:2] = v
    (base * nbnn.tensor([1.0, 2.0, 4.0])).sum().backward()
    assert numbers(x.grad) == [1.0, 0.0, 4.0] and numbers(v.grad) == [2.0]


def test_views_made_before_see_the_new_history():
    x = leaf(1.0, 2.0, 3.0)
    base = x * 1.0
    view = base[1:]
    base.mul_(2.0)
    view.sum().backward()
    assert numbers(x.grad) == [0.0, 2.0, 2.0]


def test_a_changed_view_changes_its_base():
    x = leaf(1.0, 2.0, 3.0)
    base = x * 1.0
    view = base[1:]
    other = base[:2]
    view.mul_(5.0)
    other.sum().backward()
    assert numbers(x.grad) == [1.0, 5.0, 0.0]


def test_a_constant_base_gets_a_history():
    v = leaf(1.0, 2.0)
    base = nbnn.zeros(3)
    base[:2] = v * 3
    assert base.requires_grad
    (base * base).sum().backward()
    assert numbers(v.grad) == [18.0, 36.0]


def test_versions():
    t = nbnn.zeros(3)
    view, alias, start = t[1:], t.detach(), t._version[0]
    t.add_(1.0)
    view.mul_(2.0)
    alias[0] = 5.0
    assert t._version[0] == view._version[0] == alias._version[0] == start + 3
    assert t.clone()._version is not t._version


def test_overlapping_memory_is_read_before_it_is_written():
    x = nbnn.arange(6)
    x[1:] = x[:-1]
    assert x.tolist() == [0, 0, 1, 2, 3, 4]
    x[:-1].copy_(x[1:])
    assert x.tolist() == [0, 1, 2, 3, 4, 4]
