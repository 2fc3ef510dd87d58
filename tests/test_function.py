"""autograd.Function: torch's contract for ops that users write."""

import numpy as np
import pytest

import nbnn
from nbnn.autograd import Function, Variable, grad, gradcheck, gradgradcheck, once_differentiable


def leaf(*values, dtype=None):
    return nbnn.tensor(values, dtype=dtype, requires_grad=True)


def numbers(t):
    return t.detach().numpy().tolist()


class Product(Function):
    @staticmethod
    def forward(ctx, a, b, scale):
        ctx.save_for_backward(a, b)
        ctx.scale = scale
        return a * b * scale

    @staticmethod
    def backward(ctx, g):
        a, b = ctx.saved_tensors
        return g * b * ctx.scale, g * a * ctx.scale, None


def test_saved_inputs_and_other_arguments():
    a, b = leaf(2.0), leaf(3.0)
    y = Product.apply(a, b, 10)
    assert y.requires_grad and y.grad_fn.name == "Product"
    y.backward()
    assert numbers(a.grad) == [30.0] and numbers(b.grad) == [20.0]


def test_second_gradient_through_saved_tensors():
    a, b = leaf(2.0, dtype=nbnn.float64), leaf(3.0, dtype=nbnn.float64)
    assert gradcheck(lambda a, b: Product.apply(a, b, 2.0), (a, b))
    assert gradgradcheck(lambda a, b: Product.apply(a, b, 2.0), (a, b))


class Exp(Function):
    @staticmethod
    def forward(ctx, x):
        y = x.exp()
        ctx.save_for_backward(y)
        return y

    @staticmethod
    def backward(ctx, g):
        (y,) = ctx.saved_tensors
        return g * y


def test_saved_outputs():
    x = leaf(0.0, 1.0, dtype=nbnn.float64)
    assert gradcheck(Exp.apply, (x,)) and gradgradcheck(Exp.apply, (x,))


def test_a_changed_output_is_noticed():
    x = leaf(0.0)
    y = Exp.apply(x)
    with nbnn.no_grad():
        y.add_(1.0)
    with pytest.raises(RuntimeError, match="^backward: Exp saved a Tensor.*changed in place"):
        y.backward()


def test_backward_twice():
    y = Exp.apply(leaf(0.0))
    y.backward()
    with pytest.raises(RuntimeError, match="^backward: the graph was freed by an earlier backward through Exp"):
        y.backward()


def test_needs_input_grad():
    seen = []

    class Ask(Function):
        @staticmethod
        def forward(ctx, a, b, c):
            seen.append(ctx.needs_input_grad)
            return a + b

        @staticmethod
        def backward(ctx, g):
            seen.append(ctx.needs_input_grad)
            return g, None, None

    Ask.apply(leaf(1.0), nbnn.ones(1), 5).backward()
    assert seen == [(True, False, False)] * 2


class SortPairs(Function):
    """Two outputs; the second has no gradient."""

    @staticmethod
    def forward(ctx, x):
        value, index = x * 2, (x > 0) * 1.0
        ctx.mark_non_differentiable(index)
        return value, index

    @staticmethod
    def backward(ctx, g, g_index):
        assert g_index is None or not g_index.numpy().any()
        return g * 2


def test_mark_non_differentiable():
    x = leaf(1.0, -1.0)
    value, index = SortPairs.apply(x)
    assert value.requires_grad and not index.requires_grad
    value.sum().backward()
    assert numbers(x.grad) == [2.0, 2.0]


class Split(Function):
    @staticmethod
    def forward(ctx, x):
        return x * 2, x * 3

    @staticmethod
    def backward(ctx, a, b):
        return a * 2 + b * 3


def test_several_outputs():
    x = leaf(1.0)
    a, b = Split.apply(x)
    (a + b).backward()
    a, b = Split.apply(x)
    b.backward()  # nobody asks for a: its gradient is zeros
    assert numbers(x.grad) == [8.0]


def test_unmaterialized_gradients():
    seen = []

    class Lazy(Function):
        @staticmethod
        def forward(ctx, x):
            ctx.set_materialize_grads(False)
            return x * 2, x * 3

        @staticmethod
        def backward(ctx, a, b):
            seen.append(a)
            return b * 3

    x = leaf(1.0)
    Lazy.apply(x)[1].backward()
    assert seen == [None] and numbers(x.grad) == [3.0]


def test_once_differentiable():
    class Once(Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x * x

        @staticmethod
        @once_differentiable
        def backward(ctx, g):
            (x,) = ctx.saved_tensors
            return g * 2 * x

    x = leaf(3.0)
    Once.apply(x).backward()
    assert numbers(x.grad) == [6.0]
    (g,) = grad(Once.apply(x), x, create_graph=True)
    with pytest.raises(RuntimeError, match="^once_differentiable: this backward .* differentiable only once"):
        g.backward()


def test_setup_context():
    class Square(Function):
        @staticmethod
        def forward(x, power):
            return x * x

        @staticmethod
        def setup_context(ctx, inputs, output):
            x, power = inputs
            assert power == 2 and output.shape == x.shape
            ctx.save_for_backward(x)

        @staticmethod
        def backward(ctx, g):
            (x,) = ctx.saved_tensors
            return 2 * x * g, None

    x = leaf(3.0, dtype=nbnn.float64)
    assert gradcheck(lambda x: Square.apply(x, 2), (x,)) and gradgradcheck(lambda x: Square.apply(x, 2), (x,))


def test_returning_an_input():
    class Straight(Function):
        @staticmethod
        def forward(ctx, x):
            return x

        @staticmethod
        def backward(ctx, g):
            return g * 5

    x = leaf(1.0)
    y = Straight.apply(x)
    assert y is not x and x.is_leaf
    y.backward()
    assert numbers(x.grad) == [5.0]
    kept = nbnn.ones(1)
    assert np.shares_memory(Straight.apply(kept).numpy(), kept.numpy())


def test_mark_dirty():
    class Double(Function):
        @staticmethod
        def forward(ctx, x):
            x.mul_(2.0)
            ctx.mark_dirty(x)
            return x

        @staticmethod
        def backward(ctx, g):
            return g * 2

    x = leaf(1.0)
    t = x * 1.0
    y = Double.apply(t)
    assert y is t
    (t * 3).backward()
    assert numbers(x.grad) == [6.0]


def test_nothing_inside_forward_is_recorded():
    modes = []

    class Ask(Function):
        @staticmethod
        def forward(ctx, x):
            modes.append(nbnn.is_grad_enabled())
            return x + 1

        @staticmethod
        def backward(ctx, g):
            modes.append(nbnn.is_grad_enabled())
            return g

    Ask.apply(leaf(1.0)).backward()
    assert modes == [False, False]
    with nbnn.no_grad():
        assert not Ask.apply(leaf(1.0)).requires_grad
    assert not Ask.apply(nbnn.ones(1)).requires_grad


def _returning(*results):
    class Returns(Function):
        @staticmethod
        def forward(ctx, x):
            return x * 2

        @staticmethod
        def backward(ctx, g):
            return results if len(results) != 1 else results[0]

    return Returns.apply(leaf(1.0, 2.0))


@pytest.mark.parametrize(
    ("results", "error", "match"),
    [
        ((nbnn.ones(2), nbnn.ones(2)), RuntimeError, r"^Returns: backward must give 1 gradients.*got 2"),
        ((), RuntimeError, r"^Returns: backward must give 1 gradients.*got 0"),
        ((nbnn.ones(3),), RuntimeError, r"^Returns: the gradient of input 0 must have its shape \(2,\); got \(3,\)"),
        ((1.0,), TypeError, r"^Returns: backward must return Tensors or None; result 0 is float"),
    ],
)
def test_wrong_results_of_backward(results, error, match):
    with pytest.raises(error, match=match):
        _returning(*results).sum().backward()


def test_none_is_no_gradient_and_more_nones_are_fine():
    _returning(None).sum().backward()
    y = _returning(nbnn.ones(2), None)
    y.sum().backward()


def test_saving_anything_but_tensors():
    class Saves(Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(3)
            return x

    with pytest.raises(TypeError, match="^save_for_backward: only Tensors and None can be saved; got int"):
        Saves.apply(leaf(1.0))


def test_missing_methods():
    class Empty(Function):
        pass

    class NoBackward(Function):
        @staticmethod
        def forward(ctx, x):
            return x * 2

    with pytest.raises(NotImplementedError, match="forward"):
        Empty.apply(leaf(1.0))
    with pytest.raises(NotImplementedError, match="backward"):
        NoBackward.apply(leaf(1.0)).backward()


def test_variable():
    x = Variable(nbnn.ones(2), requires_grad=True)
    assert isinstance(x, nbnn.Tensor) and x.requires_grad
    (x * 2).sum().backward()
    assert numbers(x.grad) == [2.0, 2.0]
    assert not Variable(nbnn.ones(2)).requires_grad
