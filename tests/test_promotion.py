"""Which type an operation on several operands gives: the one rule, against PyTorch over all types."""

import itertools

import numpy as np
import pytest

import nbnn
from tests.engine import load_torch

ALL = [kind for kind in nbnn.dtypes.ALL if not kind.is_complex]  # those: test_complexes.py
NUMBERS = (True, 3, 2.5)


def theirs(torch, kind):
    return getattr(torch, kind.name)


def name(kind):
    return str(kind).rpartition(".")[2]


def operand(library, kind, axes):
    made = getattr(library, "ones")((1,) * axes)
    return made.to(getattr(library, kind.name))


@pytest.mark.parity
@pytest.mark.parametrize("first", ALL, ids=name)
def test_types_of_results_are_torchs(first):
    """Tensors with axes and without, and Python numbers."""
    torch = load_torch()
    for second in ALL:
        assert name(nbnn.promote_types(first, second)) == name(
            torch.promote_types(theirs(torch, first), theirs(torch, second))
        )
        assert nbnn.can_cast(first, second) == torch.can_cast(theirs(torch, first), theirs(torch, second))
        for axes in itertools.product((0, 1), repeat=2):
            ours = [operand(nbnn, k, n) for k, n in zip((first, second), axes, strict=True)]
            others = [operand(torch, k, n) for k, n in zip((first, second), axes, strict=True)]
            assert name(nbnn.result_type(*ours)) == name(torch.result_type(*others)), (first, second, axes)
    for number, axes in itertools.product(NUMBERS, (0, 1)):
        wanted = torch.result_type(operand(torch, first, axes), number)
        assert name(nbnn.result_type(operand(nbnn, first, axes), number)) == name(wanted), (first, number, axes)
        assert name(nbnn.result_type(number, operand(nbnn, first, axes))) == name(wanted), (first, number, axes)


@pytest.mark.parity
@pytest.mark.parametrize("call", [
    lambda a, b: a + b, lambda a, b: a * b, lambda a, b: a / b, lambda a, b: a < b, lambda a, b: a // b,
    lambda a, b: a & b, lambda a, b: a << b,
], ids=["add", "mul", "div", "lt", "floor_divide", "bitwise_and", "left_shift"])  # fmt: skip
def test_values_and_types_of_mixed_operands_are_torchs(call):
    """A selection of pairs, one of each kind: every other pair takes the same way."""
    torch = load_torch()
    pairs = [(nbnn.int32, nbnn.int64), (nbnn.bool, nbnn.int32), (nbnn.uint8, nbnn.int8), (nbnn.int8, nbnn.float16),
             (nbnn.float16, nbnn.bfloat16), (nbnn.int64, nbnn.float32), (nbnn.bfloat16, nbnn.float64)]  # fmt: skip
    for (first, second), axes in itertools.product(pairs, ((1, 1), (0, 1), (1, 0))):
        values = [np.array(3), np.array(2)] if 0 in axes else [np.array([1, 3, 6]), np.array([1, 2, 4])]
        values = [v.reshape((-1,) if n else ()) for v, n in zip(values, axes, strict=True)]
        wanted = refused(lambda: call(*(torch.tensor(v).to(theirs(torch, k)) for v, k in zip(values, (first, second)))))
        got = refused(lambda: call(*(nbnn.tensor(v).to(k) for v, k in zip(values, (first, second)))))
        assert (got is None) == (wanted is None), (first, second, axes)
        if got is not None:
            assert name(got.dtype) == name(wanted.dtype), (first, second, axes)
            assert got.double().tolist() == wanted.double().tolist(), (first, second, axes)


def refused(call):
    try:
        return call()
    except (TypeError, NotImplementedError):
        return None


def test_result_type_of_several():
    x = nbnn.ones(2, dtype=nbnn.int8)
    assert nbnn.result_type(x, nbnn.tensor(1), 2.5, True) is nbnn.float32
    assert nbnn.result_type(x, nbnn.tensor(1.0, dtype=nbnn.float64), 2.5) is nbnn.float64
    assert nbnn.result_type(1, 2) is nbnn.int64
    assert nbnn.result_type(np.ones(2, np.int16), np.float32(1)) is nbnn.float32
    nbnn.set_default_dtype(nbnn.float64)
    try:
        assert nbnn.result_type(x, 0.5) is nbnn.float64
        assert (x + 0.5).dtype is nbnn.float64
    finally:
        nbnn.set_default_dtype(nbnn.float32)


def test_results_in_place_keep_the_type_or_are_refused():
    x = nbnn.ones(2, dtype=nbnn.float16)
    assert x.add_(nbnn.ones(2, dtype=nbnn.float64)).dtype is nbnn.float16
    assert x.logical_and_(x).dtype is nbnn.float16
    for target, change in (
        (nbnn.ones(2, dtype=nbnn.int64), lambda t: t.mul_(0.5)),
        (nbnn.ones(2, dtype=nbnn.int64), lambda t: t.div_(2)),
        (nbnn.ones(2, dtype=nbnn.bool), lambda t: t.add_(1)),
        (nbnn.ones(2, dtype=nbnn.int64), lambda t: t.remainder_(2.5)),
    ):
        with pytest.raises(RuntimeError, match=r"^\w+_: a result of type nbnn\.\w+ cannot be kept in place in nbnn"):
            change(target)
        assert target.tolist() in ([1, 1], [True, True])


def test_refusals():
    with pytest.raises(TypeError, match="^result_type: operands must be Tensors, arrays or numbers; got str"):
        nbnn.result_type("a")
    with pytest.raises(TypeError, match="^result_type: at least one operand"):
        nbnn.result_type()
    with pytest.raises(TypeError, match=r"^promote_types: `dtype` \(='a'\)"):
        nbnn.promote_types("a", nbnn.int8)
    with pytest.raises(TypeError, match=r"^can_cast: `dtype` \(='float8'\)"):
        nbnn.can_cast(nbnn.int8, "float8")
    with pytest.raises(TypeError, match=r"^add: `alpha` \(=0.5\) must be an int for operands of type nbnn.int64"):
        nbnn.add(nbnn.tensor([1]), 2, alpha=0.5)
    with pytest.raises(TypeError, match=r"^sub: `alpha` \(='a'\) must be a number; got str"):
        nbnn.sub(nbnn.ones(1), nbnn.ones(1), alpha="a")


@pytest.mark.parametrize("library", ["nbnn", "torch"])
def test_all_close_and_equal(library):
    """What gives a Python bool has no case in the tables."""
    L = nbnn if library == "nbnn" else load_torch()
    x, nan = L.tensor([1.0, 2.0]), L.tensor([float("nan")])
    assert L.allclose(x, x + 1e-6) is True and L.allclose(x, x + 1) is False
    assert x.allclose(x + 1, atol=2) is True
    assert L.allclose(nan, nan) is False and L.allclose(nan, nan, equal_nan=True) is True
    assert L.equal(x, x) is True and L.equal(x, x[:1]) is False and x.equal(x + 1) is False
    assert L.equal(nan, nan) is False and L.equal(x[:0], x[:0]) is True
    assert L.equal(L.tensor([1]), L.tensor([1.0])) is True
