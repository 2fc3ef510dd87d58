"""The tape: grad modes, backward and grad, hooks, changes in place, memory. Function is in test_function.py."""

import gc
import threading
import weakref

import numpy as np
import pytest

import nbnn
import nbnn.nn.functional as F
from nbnn.autograd import grad, gradcheck, gradgradcheck
from tests.engine import load_torch


def leaf(*values):
    return nbnn.tensor(values, requires_grad=True)


def numbers(t):
    return t.detach().numpy().tolist()


# -- grad modes --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("off", [nbnn.no_grad, nbnn.inference_mode, lambda: nbnn.set_grad_enabled(False)])
def test_recording_is_off_inside(off):
    x = leaf(1.0)
    with off():
        assert not nbnn.is_grad_enabled()
        y = x * 2
        with nbnn.enable_grad():
            assert (x * 2).requires_grad
        with nbnn.set_grad_enabled(True):
            assert (x * 2).requires_grad
        assert not nbnn.is_grad_enabled()
    assert not y.requires_grad and y.is_leaf and nbnn.is_grad_enabled()


def test_modes_come_back_after_an_exception():
    with pytest.raises(KeyError), nbnn.no_grad():
        raise KeyError
    assert nbnn.is_grad_enabled()


@pytest.mark.parametrize(
    ("decorate", "inside"),
    [
        (nbnn.no_grad(), False), (nbnn.no_grad, False), (nbnn.inference_mode(), False),
        (nbnn.inference_mode(False), True),
        (nbnn.enable_grad(), True), (nbnn.enable_grad, True), (nbnn.inference_mode, False),
    ],
)  # fmt: skip
def test_modes_as_decorators(decorate, inside):
    @decorate
    def ask(value):
        """Kept."""
        return nbnn.is_grad_enabled(), value

    with nbnn.set_grad_enabled(not inside):
        assert ask(5) == (inside, 5)
        assert nbnn.is_grad_enabled() is not inside
    assert ask.__name__ == "ask" and ask.__doc__ == "Kept."


def test_set_grad_enabled_as_a_call_and_a_decorator():
    nbnn.set_grad_enabled(False)
    assert not nbnn.is_grad_enabled()
    nbnn.set_grad_enabled(True)

    @nbnn.set_grad_enabled(False)
    def ask():
        return nbnn.is_grad_enabled()

    assert nbnn.is_grad_enabled() and ask() is False and nbnn.is_grad_enabled()


def test_no_grad_on_a_generator():
    @nbnn.no_grad()
    def steps():
        yield nbnn.is_grad_enabled()
        yield nbnn.is_grad_enabled()

    seen = []
    for inside in steps():
        seen.append((inside, nbnn.is_grad_enabled()))
    assert seen == [(False, True), (False, True)]


def test_one_mode_object_can_be_nested():
    mode = nbnn.no_grad()
    with mode, mode:
        pass
    assert nbnn.is_grad_enabled()


def test_the_mode_belongs_to_the_thread():
    seen = []
    with nbnn.no_grad():
        worker = threading.Thread(target=lambda: seen.append(nbnn.is_grad_enabled()))
        worker.start()
        worker.join()
    assert seen == [True]


def test_threads_differentiate_at_once():
    x = leaf(*np.linspace(0, 1, 50).tolist())
    results = {}

    def work(k):
        for _ in range(20):
            (g,) = grad((x * float(k)).tanh().sum(), x)
        results[k] = numbers(g)

    workers = [threading.Thread(target=work, args=(k,)) for k in range(4)]
    for w in workers:
        w.start()
    for w in workers:
        w.join()
    for k in range(4):
        np.testing.assert_allclose(results[k], k * (1 - np.tanh(k * np.linspace(0, 1, 50)) ** 2), rtol=1e-5, atol=1e-6)


# -- backward and grad -------------------------------------------------------------------------------------------


def test_gradients_add_up():
    x = leaf(1.0, 2.0)
    (x * x).sum().backward()
    (x * 3).sum().backward()
    assert numbers(x.grad) == [5.0, 7.0]


def test_one_tensor_used_many_times():
    x = leaf(3.0)
    y = x * x + x * 2 + x
    y.backward()
    assert numbers(x.grad) == [9.0]


def test_a_diamond():
    x = leaf(2.0)
    a, b = x * 2, x * 3
    (a * b + a).backward()
    assert numbers(x.grad) == [26.0]


def test_leaf_backward():
    x = leaf(2.0)
    x.backward()
    x.backward(nbnn.tensor([3.0]))
    assert numbers(x.grad) == [4.0]


def test_backward_twice_is_an_error():
    x = leaf(1.0, 2.0)
    y = (x * x).sum()
    y.backward()
    with pytest.raises(
        RuntimeError, match=r"^backward: the graph was freed by an earlier backward through mul.*retain_graph=True"
    ):
        y.backward()


def test_retain_graph():
    x = leaf(1.0, 2.0)
    y = (x * x).sum()
    y.backward(retain_graph=True)
    y.backward()
    assert numbers(x.grad) == [4.0, 8.0]
    with pytest.raises(RuntimeError, match="freed"):
        y.backward()


def test_what_saved_nothing_can_run_twice():
    x = leaf(1.0, 2.0)
    y = (x + 1).sum()
    y.backward()
    y.backward()
    assert numbers(x.grad) == [2.0, 2.0]


def test_create_graph():
    x = leaf(2.0)
    (g,) = grad(x * x * x, x, create_graph=True)
    (gg,) = grad(g, x, create_graph=True)
    (ggg,) = grad(gg, x)
    assert [numbers(t) for t in (g, gg, ggg)] == [[12.0], [12.0], [6.0]]
    assert not ggg.requires_grad
    (x * x).sum().backward(create_graph=True)
    assert x.grad.requires_grad and numbers(x.grad) == [4.0]
    given = nbnn.ones(1)
    y = leaf(2.0)
    y.backward(given, create_graph=True)
    y.grad.add_(1.0)
    assert numbers(given) == [1.0]


def test_grad_touches_no_grad_field():
    x, w = leaf(2.0), leaf(5.0)
    assert numbers(grad(x * w, x)[0]) == [5.0]
    assert x.grad is None and w.grad is None


def test_grad_of_an_intermediate_result():
    x = leaf(2.0)
    y = x * 3
    z = y * y
    assert numbers(grad(z, y)[0]) == [12.0]


def test_grad_of_several_outputs():
    x = leaf(2.0)
    assert numbers(grad([x * 3, x * x], x, [nbnn.tensor([1.0]), nbnn.tensor([10.0])])[0]) == [43.0]


def test_backward_of_several_outputs_and_into_chosen_inputs():
    x, w = leaf(2.0), leaf(5.0)
    nbnn.autograd.backward([x * w, x * 2])
    assert numbers(x.grad) == [7.0] and numbers(w.grad) == [2.0]
    (x * w).backward(inputs=[x])
    assert numbers(x.grad) == [12.0] and numbers(w.grad) == [2.0]


def test_unused_inputs():
    x, w = leaf(2.0), leaf(5.0)
    with pytest.raises(RuntimeError, match=r"^grad: `outputs` do not depend on `inputs`\[1\]"):
        grad(x * 2, [x, w])
    assert grad(x * 2, [x, w], allow_unused=True)[1] is None


@pytest.mark.parametrize(
    ("call", "error", "match"),
    [
        (lambda x: x.backward(), RuntimeError,
         r"^backward: `gradient` may be left out only .* one element; got shape \(2,\)"),
        (lambda x: x.backward(nbnn.ones(3)), RuntimeError,
         r"^backward: `gradient` must have the shape \(2,\).*got \(3,\)"),
        (lambda x: x.backward(nbnn.ones(0)), RuntimeError,
         r"^backward: `gradient` must have the shape \(2,\).*got \(0,\)"),
        (lambda x: x.backward(nbnn.ones(1, 2)), RuntimeError, r"^backward: `gradient` must have the shape"),
        (lambda x: x.backward(np.ones(2)), TypeError, r"^backward: `gradient` must be a Tensor.*; got ndarray"),
        (lambda x: x.backward(1.0), TypeError, r"^backward: `gradient` must be a Tensor.*; got float"),
        (lambda x: x.detach().sum().backward(), RuntimeError, r"^backward: this Tensor of shape \(\) does not require"),
        (lambda x: grad(x.sum(), nbnn.ones(2)), RuntimeError, r"^grad: `inputs`\[0\] of shape \(2,\) does not require"),
        (lambda x: grad(x.sum(), x, [nbnn.ones(()), nbnn.ones(())]), RuntimeError,
         r"^grad: got 1 outputs but 2 gradients"),
        (lambda x: grad(1.0, x), TypeError, r"^grad: "),
        (lambda x: grad(x.sum(), 1.0), TypeError, r"^grad: "),
        (lambda x: nbnn.autograd.backward([3.0]), TypeError, r"^backward: outputs must be Tensors; got float"),
    ],
)  # fmt: skip
def test_refusals(call, error, match):
    with pytest.raises(error, match=match) as caught:
        call(leaf(1.0, 2.0) * 1)
    assert type(caught.value) is error


def test_gradient_dtype_follows_the_leaf():
    x = leaf(1.0)
    (x.double() * 2).sum().backward()
    assert x.grad.dtype is nbnn.float32
    y = nbnn.ones(2, dtype=nbnn.float64, requires_grad=True)
    y.backward(nbnn.ones(2))
    assert y.grad.dtype is nbnn.float64


# -- whose memory ------------------------------------------------------------------------------------------------


def test_grads_share_no_memory():
    x, w = leaf(1.0, 2.0), leaf(3.0, 4.0)
    given = nbnn.ones(2)
    (x + w).backward(given)
    memories = [x.grad.detach().numpy(), w.grad.detach().numpy(), given.numpy()]
    for i, a in enumerate(memories):
        for b in memories[i + 1 :]:
            assert not np.shares_memory(a, b)
    x.grad.zero_()
    assert numbers(w.grad) == [1.0, 1.0] and numbers(given) == [1.0, 1.0]


def test_grad_of_a_leaf_is_not_the_gradient_given():
    x = leaf(1.0, 2.0)
    given = nbnn.ones(2)
    x.backward(given)
    x.backward(given)
    assert numbers(given) == [1.0, 1.0] and numbers(x.grad) == [2.0, 2.0]


@pytest.mark.parametrize(
    "make", [lambda x: x.reshape(1, 2), lambda x: x[:], lambda x: x.expand(2), lambda x: x.clone(), lambda x: x + 0]
)
def test_grad_through_views_is_its_own_memory(make):
    x = leaf(1.0, 2.0)
    y = make(x)
    given = nbnn.ones(*y.shape)
    y.backward(given)
    x.grad.mul_(5.0)
    assert numbers(given.flatten()) == [1.0, 1.0]


def test_setting_grad():
    x = leaf(1.0, 2.0)
    x.grad = nbnn.ones(2)
    (x * 2).sum().backward()
    assert numbers(x.grad) == [3.0, 3.0]
    x.grad = None
    assert x.grad is None
    for wrong, error in (
        (nbnn.ones(3), RuntimeError),
        (nbnn.ones(2, dtype=nbnn.float64), RuntimeError),
        (1.0, TypeError),
    ):
        with pytest.raises(error, match="^grad: must"):
            x.grad = wrong


# -- retain_grad, requires_grad_, detach -------------------------------------------------------------------------


def test_retain_grad():
    x = leaf(2.0)
    y = x * 3
    assert not y.retains_grad
    y.retain_grad()
    y.retain_grad()
    (y * y).backward()
    assert numbers(y.grad) == [12.0] and numbers(x.grad) == [36.0] and y.retains_grad
    with pytest.raises(RuntimeError, match="^retain_grad: this Tensor does not require"):
        nbnn.ones(1).retain_grad()


def test_requires_grad():
    x = nbnn.ones(2)
    assert x.requires_grad_() is x and x.requires_grad and x.is_leaf
    y = x * 2
    assert y.requires_grad and not y.is_leaf and y.grad_fn is not None
    with pytest.raises(RuntimeError, match=r"^requires_grad_: .* leaf Tensors; this one was computed by mul"):
        y.requires_grad_(False)
    x.requires_grad = False
    assert not x.requires_grad
    with pytest.raises(RuntimeError, match=r"^requires_grad_: only floating-point.*nbnn.int64"):
        nbnn.ones(2, dtype=nbnn.int64).requires_grad_()


def test_detach():
    x = leaf(2.0)
    y = x * 3
    d = y.detach()
    assert not d.requires_grad and d.is_leaf and np.shares_memory(d.numpy(), y.detach().numpy())
    (y * d).backward()
    assert numbers(x.grad) == [18.0]
    y.detach_()
    assert y.is_leaf and not y.requires_grad


def test_data_is_unseen():
    x = leaf(1.0, 2.0)
    y = x * x
    x.data.mul_(10.0)
    y.sum().backward()  # no error: changes through .data are not noticed
    assert numbers(x) == [10.0, 20.0]
    x.data = nbnn.tensor([7.0])
    assert numbers(x) == [7.0] and x.requires_grad


# -- hooks -------------------------------------------------------------------------------------------------------


def test_hook_on_a_leaf():
    x = leaf(1.0, 2.0)
    seen = []
    handle = x.register_hook(lambda g: seen.append(numbers(g)))
    (x * 3).sum().backward()
    handle.remove()
    handle.remove()
    (x * 3).sum().backward()
    assert seen == [[3.0, 3.0]]


def test_hook_on_a_leaf_sees_the_whole_gradient_once():
    x = leaf(1.0)
    seen = []
    x.register_hook(lambda g: seen.append(numbers(g)))
    (x * 2 + x * 3).backward()
    assert seen == [[5.0]]


def test_hooks_replace_the_gradient_in_order():
    x = leaf(2.0)
    y = x * 3
    y.register_hook(lambda g: g * 10)
    y.register_hook(lambda g: g + 1)
    x.register_hook(lambda g: g * 2)
    (y * 1).backward()
    assert numbers(x.grad) == [66.0]


def test_hook_and_retain_grad():
    x = leaf(2.0)
    y = x * 3
    y.register_hook(lambda g: g * 10)
    y.retain_grad()
    (y * 1).backward()
    assert numbers(y.grad) == [10.0]


def test_hook_as_context():
    x = leaf(2.0)
    with x.register_hook(lambda g: g * 0):
        (x * 3).backward()
    (x * 3).backward()
    assert numbers(x.grad) == [3.0]


def test_a_gradient_that_a_hook_kept_stays_as_it_was():
    x = leaf(1.0, 2.0)
    kept = []
    x.register_hook(kept.append)
    (x * 3).sum().backward()
    (x * 3).sum().backward()
    assert numbers(kept[0]) == [3.0, 3.0] and numbers(x.grad) == [6.0, 6.0]


@pytest.mark.parametrize("wrong", [lambda g: g.sum(), lambda g: 3.0, lambda g: nbnn.ones(3)])
def test_hooks_must_keep_the_shape(wrong):
    x = leaf(1.0, 2.0)
    x.register_hook(wrong)
    with pytest.raises(
        RuntimeError, match=r"^register_hook: a hook on .* must return None or a Tensor of shape \(2,\)"
    ):
        (x * 3).sum().backward()


def test_hooks_need_a_gradient():
    with pytest.raises(RuntimeError, match="^register_hook: this Tensor does not require"):
        nbnn.ones(2).register_hook(print)


# -- graphs ------------------------------------------------------------------------------------------------------


def test_deep_graphs():
    x = leaf(1.0)
    y = x
    for _ in range(5000):
        y = y * 1.0
    y.backward()
    assert numbers(x.grad) == [1.0]
    for _ in range(5000):
        y = y + 1.0
    del y  # freeing a chain is no recursion either


def test_deep_graphs_differentiate_twice():
    x = leaf(1.0)
    y = x
    for _ in range(1500):
        y = y * 1.0
    (g,) = grad(y * y, x, create_graph=True)
    g.backward()
    assert numbers(x.grad) == [2.0]


@pytest.mark.parametrize(
    "use",
    [lambda x: x.exp(), lambda x: F.softmax(x, 0), lambda x: (x * x).sum(), lambda x: F.dropout(x),
     lambda x: x.reshape(2, 2)[0],
     lambda x: F.max_pool1d(x.reshape(1, 4), 2), lambda x: x.tanh().tanh()],
)  # fmt: skip
@pytest.mark.parametrize("run_backward", [False, True])
def test_graphs_are_freed_without_the_collector(use, run_backward):
    gc.collect()
    gc.disable()
    try:
        x = leaf(1.0, 2.0, 3.0, 4.0)
        y = use(x)
        node, tensor = weakref.ref(y._node), weakref.ref(y)
        if run_backward:
            y.sum().backward()
        del y
        assert tensor() is None and node() is None
    finally:
        gc.enable()


def test_backward_frees_what_was_saved():
    x = leaf(1.0, 2.0)
    big = x * 1.0
    y = big * big
    memory = weakref.ref(big)
    del big
    assert memory() is not None
    y.sum().backward()
    assert memory() is None


def test_grad_fn_names_the_op():
    y = F.relu(leaf(1.0))
    assert repr(y.grad_fn) == "<ReluBackward>" and y.grad_fn.name == "relu"
    assert (y * 2).grad_fn.next_functions[0][0] is y.grad_fn


# -- gradcheck ---------------------------------------------------------------------------------------------------


class _Wrong(nbnn.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return x * x

    @staticmethod
    def backward(ctx, g):
        return g


def double(*values):
    return nbnn.tensor(values, dtype=nbnn.float64, requires_grad=True)


def test_gradcheck_catches_a_wrong_gradient():
    with pytest.raises(RuntimeError, match=r"^gradcheck: d output 0\[0\] / d input 0\[0\] is 1 by backward, 0\.6"):
        gradcheck(_Wrong.apply, (double(0.3, 0.7),))
    assert gradcheck(_Wrong.apply, (double(0.3),), raise_exception=False) is False
    assert gradcheck(lambda x: x * x, (double(0.3, 0.7),)) is True


def test_gradgradcheck_catches_a_wrong_second_gradient():
    class Half(nbnn.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x * x * x

        @staticmethod
        def backward(ctx, g):
            (x,) = ctx.saved_tensors
            return g * 3 * (x * x).detach()

    x = double(0.3, 0.7)
    assert gradcheck(Half.apply, (x,))
    with pytest.raises(RuntimeError, match="gradcheck"):
        gradgradcheck(Half.apply, (x,))
    assert gradgradcheck(lambda x: x * x * x, (x,))


def test_gradcheck_refuses():
    with pytest.raises(ValueError, match="must be float64"):
        gradcheck(lambda x: x * 2, (leaf(1.0),))
    with pytest.raises(ValueError, match="at least one of `inputs`"):
        gradcheck(lambda x: x * 2, (nbnn.ones(2),))


@pytest.mark.parity
def test_like_torch():
    torch = load_torch()

    def program(lib):
        x = lib.tensor([[1.0, -2.0], [3.0, 0.5]], requires_grad=True)
        w = lib.tensor([[0.5, 1.0], [2.0, -1.0]], requires_grad=True)
        h = lib.relu(x @ w)
        h = h * 1.0
        h[0] = h[1] * 2
        h.add_(x)
        view = h.reshape(-1)[1:]
        view.mul_(3.0)
        y = (h * h).sum() + lib.tanh(view).sum()
        gx, gw = lib.autograd.grad(y, [x, w], create_graph=True)
        (gx * gw).sum().backward()
        return [t.detach().numpy() for t in (y, gx, gw, x.grad, w.grad)]

    for got, want in zip(program(nbnn), program(torch), strict=True):
        np.testing.assert_allclose(got, want, rtol=1e-4, atol=1e-5)
