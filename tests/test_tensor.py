"""What a Tensor is: how it is made, printed, shared, converted and copied."""

import copy
import importlib
import io
import math
import pickle

import numpy as np
import pytest

import nbnn
from nbnn import dtypes
from tests.engine import load_torch, same_bits

ALL = dtypes.ALL
REAL = [kind for kind in ALL if not kind.is_complex]  # complex ones: test_complexes.py
device_module = importlib.import_module("nbnn.device")  # `nbnn.device` is the class
INF, NAN = math.inf, math.nan


# -- creation ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "name"),
    [
        (1, "int64"), (1.5, "float32"), (True, "bool"), ([1, 2], "int64"), ([1, 2.5], "float32"),
        ([True, False], "bool"), ([[1.0], [2]], "float32"),
        (np.float64(1), "float64"), (np.ones(2), "float64"), (np.ones(2, np.float32), "float32"),
        (np.ones(2, np.int32), "int32"),
        (np.ones(2, np.float16), "float16"), (np.ones(2, np.uint8), "uint8"), ([], "float32"), (np.int8(3), "int8"),
    ],
)  # fmt: skip
def test_tensor_infers_its_dtype(data, name):
    t = nbnn.tensor(data)
    assert t.dtype.name == name and t.shape == np.shape(data)
    np.testing.assert_array_equal(t.numpy(), data)


@pytest.mark.parametrize("kind", ALL, ids=lambda k: k.name)
def test_every_dtype(kind):
    t = nbnn.tensor([0, 1, 2], dtype=kind)
    assert t.dtype is kind and t.itemsize == kind.itemsize == t.element_size() and t.nbytes == 3 * kind.itemsize
    assert t.tolist() == ([False, True, True] if kind is dtypes.bool_ else [0, 1, 2])
    assert t.is_floating_point() == kind.is_floating_point
    assert nbnn.zeros(2, dtype=kind).tolist() == [0, 0] and nbnn.ones(2, dtype=kind).tolist() == [1, 1]
    assert nbnn.full((2,), 1, dtype=kind).tolist() == [1, 1]
    assert nbnn.empty(2, 3, dtype=kind).shape == (2, 3)
    like = nbnn.zeros_like(t)
    assert like.dtype is kind and like.shape == (3,) and not like.numpy(force=True).any() if kind.numpy else True


def test_tensor_copies_and_as_tensor_shares():
    a = np.zeros(3, np.float32)
    copied, shared, same = nbnn.tensor(a), nbnn.as_tensor(a), nbnn.from_numpy(a)
    a[0] = 5
    assert copied.tolist() == [0, 0, 0] and shared.tolist() == same.tolist() == [5, 0, 0]
    assert nbnn.as_tensor(shared) is shared
    t = nbnn.tensor(shared)
    t[0] = 1.0
    assert shared.tolist() == [5, 0, 0]


def test_makers():
    assert nbnn.arange(4).tolist() == [0, 1, 2, 3] and nbnn.arange(1, 4).dtype is nbnn.int64
    assert nbnn.arange(0.0, 1.0, 0.25).tolist() == [0, 0.25, 0.5, 0.75]
    assert nbnn.arange(5, 0, -2).tolist() == [5, 3, 1] and nbnn.arange(3, 3).shape == (0,)
    assert nbnn.eye(2, 3).tolist() == [[1, 0, 0], [0, 1, 0]]
    assert (
        nbnn.full((2,), 7).dtype is nbnn.int64
        and nbnn.full((), 1.5).item() == 1.5
        and nbnn.full((1,), True).dtype is nbnn.bool
    )
    assert nbnn.ones_like(nbnn.zeros(2, 3)).tolist() == [[1, 1, 1]] * 2
    assert nbnn.empty_like(nbnn.zeros(2, dtype=nbnn.int64)).dtype is nbnn.int64
    assert nbnn.zeros((2, 3)).shape == nbnn.zeros(2, 3).shape == nbnn.zeros([2, 3]).shape == (2, 3)
    assert nbnn.zeros(()).shape == nbnn.zeros(0, 3).sum().shape == ()
    assert nbnn.ones(2, requires_grad=True).requires_grad and nbnn.tensor([1.0], requires_grad=True).is_leaf
    assert nbnn.Tensor(2, 3).shape == (2, 3) and nbnn.Tensor([1, 2]).dtype is nbnn.float32


def test_default_dtype():
    nbnn.set_default_dtype(nbnn.float64)
    assert nbnn.get_default_dtype() is nbnn.float64
    assert nbnn.tensor([1.0]).dtype is nbnn.zeros(1).dtype is (nbnn.tensor([1]) / 2).dtype is nbnn.float64
    with pytest.raises(TypeError, match=r"^set_default_dtype: `d` \(=nbnn.int64\)"):
        nbnn.set_default_dtype(nbnn.int64)


@pytest.mark.parametrize(
    ("call", "error", "match"),
    [
        (lambda: nbnn.tensor("abc"), TypeError, r"^tensor: `data` must hold numbers; got str"),
        (lambda: nbnn.tensor([None]), TypeError, r"^tensor: `data` must hold numbers"),
        (lambda: nbnn.tensor(None), TypeError, r"^tensor: `data` must hold numbers; got NoneType"),
        (lambda: nbnn.tensor([[1], [1, 2]]), ValueError,
         r"^tensor: `data` must be a number, an array or evenly nested"),
        (lambda: nbnn.tensor([1.0], dtype="float8"), TypeError,
         r"^tensor: `dtype` \(='float8'\) must be one of bool, uint8"),
        (lambda: nbnn.tensor([1], dtype=nbnn.int64, requires_grad=True), RuntimeError, "only floating-point"),
        (lambda: nbnn.zeros(-1), ValueError, r"^empty: `size` \(=\(-1,\)\) must not hold negative sizes"),
        (lambda: nbnn.zeros(2.0), TypeError, r"^empty: `size` must hold ints; got 2.0"),
        (lambda: nbnn.zeros("2"), TypeError, r"^empty: `size` must hold ints"),
        (lambda: nbnn.zeros(True), TypeError, r"^empty: `size` .*bool"),
        (lambda: nbnn.zeros(None), TypeError, r"^empty: `size` must hold ints"),
        (lambda: nbnn.zeros(2**40, 2**40), ValueError, r"^empty: `size` .* more elements than memory can hold"),
        (lambda: nbnn.zeros(2, device="tpu"), ValueError, r"^device: `type` \(='tpu'\)"),
        (lambda: nbnn.zeros(2, device=1.5), TypeError, r"^device: `type` \(=1.5\)"),
        (lambda: nbnn.device("cuda:x"), ValueError, r"^device: `type`"),
        (lambda: nbnn.full((2,), "a"), TypeError, r"^full: `fill_value` \(='a'\)"),
        (lambda: nbnn.arange(0, 3, 0), ValueError, r"^arange: `step` \(=0\)"),
        (lambda: nbnn.arange(0, 3, -1), ValueError, r"^arange: `step` \(=-1\)"),
        (lambda: nbnn.arange("a"), TypeError, r"^arange: "),
        (lambda: nbnn.arange(0, INF), ValueError, r"^arange: "),
        (lambda: nbnn.arange(0, NAN), ValueError, r"^arange: "),
        (lambda: nbnn.from_numpy([1.0]), TypeError, r"^from_numpy: `ndarray` must be a NumPy array; got list"),
        (lambda: nbnn.from_numpy(np.ones(2, np.longdouble)), TypeError, r"^from_numpy: `dtype` \(="),
        (lambda: nbnn.from_numpy(np.array(["a"])), TypeError, r"^from_numpy: `dtype`"),
        (lambda: nbnn.zeros_like([1.0]), TypeError, r"^zeros_like: `input` must be a Tensor; got list"),
        (lambda: nbnn.randint(5, 5, (2,)), ValueError, r"^randint: `low` \(=5\)"),
        (lambda: nbnn.randperm(-1), ValueError, r"^randperm: `n` \(=-1\)"),
        (lambda: nbnn.zeros(2).uniform_(1.0, 0.0), ValueError, r"^uniform_: "),
        (lambda: nbnn.zeros(2).normal_(0.0, -1.0), ValueError, r"^normal_: `std` \(=-1.0\)"),
        (lambda: nbnn.zeros(2, dtype=nbnn.int64).normal_(), TypeError, r"^normal_: needs a floating-point Tensor"),
        (lambda: nbnn.zeros(2).item(), RuntimeError, r"^item: needs a Tensor of one element; got shape \(2,\)"),
        (lambda: nbnn.zeros(0).item(), RuntimeError, r"^item: needs a Tensor of one element; got shape \(0,\)"),
        (lambda: bool(nbnn.zeros(2)), RuntimeError, r"^__bool__: the truth of a Tensor of shape \(2,\) is ambiguous"),
        (lambda: len(nbnn.zeros(())), TypeError, r"^__len__: a 0-d Tensor has no length"),
        (lambda: list(nbnn.zeros(())), TypeError, r"^__iter__: a 0-d Tensor"),
        (lambda: [0][nbnn.tensor(0.0)], TypeError, r"^__index__: only an integer Tensor"),
        (lambda: nbnn.ones(1, requires_grad=True).numpy(), RuntimeError,
         r"^numpy: this Tensor requires a gradient; call .detach"),
        (lambda: nbnn.ones(1).bfloat16().numpy(), TypeError, r"^numpy: NumPy has no nbnn.bfloat16"),
        (lambda: copy.deepcopy(nbnn.ones(1, requires_grad=True) * 2), RuntimeError, r"^deepcopy: only leaf Tensors"),
        (lambda: nbnn.ones(1, requires_grad=True).__dlpack__(), BufferError,
         r"^__dlpack__: this Tensor requires a gradient"),
        (lambda: nbnn.ones(2).view(nbnn.float64), ValueError, r"^view: `dtype` \(=nbnn.float64\)"),
    ],
)  # fmt: skip
def test_refusals(call, error, match):
    with pytest.raises(error, match=match) as caught:
        call()
    assert type(caught.value) is error


# -- printing ----------------------------------------------------------------------------------------------------

PRINTED = [
    lambda t: t.tensor([1.0, 2.0]), lambda t: t.tensor([0.1, -0.25]), lambda t: t.tensor([1, -20, 300]),
    lambda t: t.tensor([True, False]),
    lambda t: t.tensor(3.5), lambda t: t.tensor(7), lambda t: t.tensor([]), lambda t: t.zeros(0, 3),
    lambda t: t.zeros(2, 0, dtype=t.int64),
    lambda t: t.tensor([[1.0, 2.5], [3.0, -4.0]]), lambda t: t.tensor([NAN, INF, -INF, 1.0]),
    lambda t: t.tensor([1e10, 1.0]),
    lambda t: t.tensor([1e-8, 1.0]), lambda t: t.tensor([1e-8, 1e-9]), lambda t: t.tensor([1000.5, 1.0]),
    lambda t: t.tensor([123456.0, 1.0]),
    lambda t: t.tensor([1e8]), lambda t: t.tensor([1e7]), lambda t: t.tensor([0.0, -0.0]),
    lambda t: t.tensor([1.0, 2.0], dtype=t.float64),
    lambda t: t.tensor([1, 2], dtype=t.int32), lambda t: t.tensor([1.5], requires_grad=True),
    lambda t: t.ones(2, 2, 2), lambda t: t.ones(1, 1, 1, 1),
    lambda t: t.arange(30), lambda t: t.arange(30).reshape(3, 10) * 1.5, lambda t: t.arange(2000),
    lambda t: t.arange(4000.0).reshape(40, 100),
    lambda t: t.zeros(20, 20, 20), lambda t: t.tensor([1.0]).half(), lambda t: t.tensor([2.5]).bfloat16(),
    lambda t: t.tensor([NAN]),
    lambda t: t.tensor([1e-45, 1.0]), lambda t: t.tensor([3e38]), lambda t: t.tensor([99999999.0]),
    lambda t: t.tensor([0.00012345]),
    lambda t: t.tensor([[1, 2], [3, 4]])[:, 1], lambda t: t.ones(2).shape, lambda t: t.float32,
    lambda t: t.tensor([1.0, 1.5, 10000.0]),
]  # fmt: skip


@pytest.mark.parity
@pytest.mark.parametrize("index", range(len(PRINTED)))
def test_printed_as_in_torch(index):
    torch = load_torch()
    assert repr(PRINTED[index](nbnn)) == repr(PRINTED[index](torch)).replace("torch.", "nbnn.")


def test_printing():
    x = nbnn.tensor([1.0], requires_grad=True)
    assert repr(x * 2) == "tensor([2.], grad_fn=<MulBackward>)"
    assert repr(nbnn.Parameter(nbnn.zeros(1))) == "Parameter containing:\ntensor([0.], requires_grad=True)"
    assert f"{nbnn.tensor(1.25):.1f}" == "1.2" and f"{nbnn.tensor([1])}" == "tensor([1])"


def test_html_folds_escapes_and_says_where_numbers_lie():
    x = nbnn.tensor([1.0], requires_grad=True)
    page = nbnn.ones(2, 2)._repr_html_()
    assert page.startswith("<details open><summary>") and page.endswith("</table></details>")
    assert "Tensor (2, 2) · float32 · cpu · 1 to 1, mean 1" in page
    assert "&lt;MulBackward&gt;" in (x * 2)._repr_html_() and "<Mul" not in (x * 2)._repr_html_()
    assert "Parameter (3,)" in nbnn.Parameter(nbnn.zeros(3))._repr_html_()
    odd = nbnn.tensor([[float("nan"), float("inf"), 3.0, -1.0]])._repr_html_()
    assert "-1 to 3, mean 1, 1 NaN, 1 inf" in odd and odd.count("<td>") == 4
    assert (
        "1 of 2 True" in nbnn.tensor([True, False])._repr_html_()
        and "2 NaN" in nbnn.full((2,), float("nan"))._repr_html_()
    )
    assert "1 to 3" in nbnn.tensor([3, 1])._repr_html_() and "<pre>" in nbnn.zeros(0, 3)._repr_html_()
    assert "… 5 more rows" in nbnn.zeros(25, 2)._repr_html_()

    class Odd(nbnn.Tensor):
        pass

    Odd.__name__ = "<i>"
    assert "<i>" not in Odd([1.0])._repr_html_()


# -- other libraries ---------------------------------------------------------------------------------------------


def test_numpy_shares_memory_both_ways():
    a = np.arange(6.0).reshape(2, 3)
    t = nbnn.from_numpy(a)
    assert np.shares_memory(t.numpy(), a) and t.data_ptr() == a.ctypes.data
    t[0, 0] = 9.0
    assert a[0, 0] == 9
    for view in (a.T, a[:, 1:], a[::1, ::2]):
        s = nbnn.from_numpy(view)
        assert np.shares_memory(s.numpy(), a) and s.stride() == tuple(n // 8 for n in view.strides)
        np.testing.assert_array_equal(s.numpy(), view)
    assert np.asarray(t).dtype == np.float64 and np.array(t, np.float32).dtype == np.float32
    assert np.sin(t).shape == (2, 3)
    with pytest.raises(ValueError, match="__array__"):
        t.__array__(np.float32, copy=False)


@pytest.mark.parametrize("spoil", [lambda a: a[::-1], lambda a: np.frombuffer(a.tobytes()), lambda a: a.astype(">f8")])
def test_what_cannot_be_shared_is_copied(spoil):
    a = spoil(np.arange(5.0))
    t = nbnn.from_numpy(a)
    np.testing.assert_array_equal(t.numpy(), a)
    t[0] = 77.0
    assert 77 not in a


@pytest.mark.parametrize(
    "kind", [k for k in ALL if k.numpy is not None and k is not dtypes.bool_], ids=lambda k: k.name
)
def test_dlpack(kind):
    a = np.arange(6).astype(kind.numpy).reshape(2, 3)
    t = nbnn.from_dlpack(a)
    assert t.dtype is kind and np.shares_memory(t.numpy(), a)
    back = np.from_dlpack(t)
    np.testing.assert_array_equal(back, a)
    assert np.shares_memory(back, a) and t.__dlpack_device__() == (1, 0)
    np.testing.assert_array_equal(np.from_dlpack(t.T), a.T)


@pytest.mark.parity
def test_dlpack_with_torch():
    torch = load_torch()
    t = nbnn.arange(6.0).reshape(2, 3)
    theirs = torch.from_dlpack(t)
    theirs[0, 0] = 42
    assert t[0, 0].item() == 42
    ours = nbnn.from_dlpack(torch.arange(3))
    assert ours.tolist() == [0, 1, 2] and ours.dtype is nbnn.int64


def test_no_cuda_interface_on_the_cpu():
    assert not hasattr(nbnn.ones(1), "__cuda_array_interface__")


# -- views -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "see",
    [lambda t: t[0], lambda t: t[:, 1:], lambda t: t.T, lambda t: t.reshape(6), lambda t: t.view(3, 2),
     lambda t: t.permute(1, 0),
     lambda t: t.unsqueeze(0), lambda t: t.expand(2, 2, 3), lambda t: t.narrow(1, 0, 2), lambda t: t.flatten(),
     lambda t: t.squeeze(),
     lambda t: t.detach(), lambda t: t.data, lambda t: t[...], lambda t: t[None]],
)  # fmt: skip
def test_views_share_memory(see):
    t = nbnn.zeros(2, 3)
    v = see(t)
    assert np.shares_memory(v.numpy(), t.numpy())
    t.fill_(4.0)
    assert set(v.flatten().tolist()) == {4.0}


def test_facts():
    t = nbnn.zeros(2, 3, 4)
    assert t.stride() == (12, 4, 1) and t.stride(1) == 4 and t.is_contiguous() and t.storage_offset() == 0
    assert t.size() == t.shape == (2, 3, 4) and t.size(-1) == 4 and t.shape.numel() == t.numel() == t.nelement() == 24
    v = t.transpose(0, 2)[1]
    assert not v.is_contiguous() and v.shape == (3, 2) and v.storage_offset() == 1 and v.contiguous().is_contiguous()
    assert t.device == nbnn.device("cpu") and not t.is_cuda and t.dim() == t.ndim == 3
    assert repr(t.shape) == "nbnn.Size([2, 3, 4])" and t.type() == "nbnn.float32"


def test_python_protocols():
    t = nbnn.tensor([[1, 2], [3, 4]])
    assert t.tolist() == [[1, 2], [3, 4]] and len(t) == 2 and [r.tolist() for r in t] == [[1, 2], [3, 4]]
    assert (
        nbnn.tensor(3).item() == 3
        and isinstance(nbnn.tensor(3).item(), int)
        and isinstance(nbnn.tensor(3.0).item(), float)
    )
    assert float(nbnn.tensor([2.5])) == 2.5 and int(nbnn.tensor(2.7)) == 2 and [5, 6, 7][nbnn.tensor(1)] == 6
    assert bool(nbnn.tensor([1.0])) and not bool(nbnn.tensor(0)) and nbnn.tensor(True).item() is True
    assert len({t, t, nbnn.tensor(1)}) == 2 and t in [t]
    a, b = nbnn.tensor([1.0, 2.0])
    assert (a + b).item() == 3


# -- halves ------------------------------------------------------------------------------------------------------

PATTERNS = np.arange(65536, dtype=np.uint16)


def test_every_half():
    with np.errstate(invalid="ignore"):
        wanted = PATTERNS.view(np.float16).astype(np.float32)
    t = nbnn.from_numpy(PATTERNS.view(np.float16).copy())
    got = t.float().numpy()
    np.testing.assert_array_equal(got, wanted)
    back = t.float().half()
    finite = ~np.isnan(wanted)
    same_bits(back.numpy()[finite], PATTERNS.view(np.float16)[finite], "half")
    assert np.isnan(back.numpy()[~finite]).all()


def test_every_bfloat16():
    wanted = (PATTERNS.astype(np.uint32) << 16).view(np.float32)
    t = nbnn.from_numpy(wanted.copy()).bfloat16()
    finite = ~np.isnan(wanted)
    assert (t._data[finite] == PATTERNS[finite]).all()
    same_bits(t.float().numpy()[finite], wanted[finite], "bfloat16")
    assert np.isnan(t.float().numpy()[~finite]).all()


def test_rounding_to_halves():
    random = np.random.default_rng(0)
    bits = np.concatenate([random.integers(0, 2**32, 200000, np.uint32),
                           np.arange(0x38000000, 0x38000000 + 70000, dtype=np.uint32),
                           np.arange(0x33000000, 0x33000000 + 70000, 7, dtype=np.uint32)])  # fmt: skip
    values = bits.view(np.float32)
    values = values[~np.isnan(values)]
    with np.errstate(over="ignore"):
        same_bits(nbnn.from_numpy(values).half().numpy(), values.astype(np.float16), "float32 to half")
    low, high = (values.view(np.uint32) & 0xFFFF0000), (values.view(np.uint32) & 0xFFFF0000) + np.uint32(0x10000)
    rest = values.view(np.uint32) & 0xFFFF
    up = (rest > 0x8000) | ((rest == 0x8000) & ((low >> 16) & 1 == 1))
    assert (nbnn.from_numpy(values).bfloat16()._data == np.where(up, high, low) >> 16).all()


def test_arithmetic_of_halves():
    x = nbnn.tensor([1.0, 2.0, 3.0]).half().requires_grad_()
    y = (x * x + 1).sum()
    assert y.dtype is nbnn.float16 and y.item() == 17
    y.backward()
    assert x.grad.dtype is nbnn.float16 and x.grad.tolist() == [2, 4, 6]
    assert (nbnn.tensor([1.0]).bfloat16() + nbnn.tensor([1.0]).half()).dtype is nbnn.float32


# -- copies ------------------------------------------------------------------------------------------------------


def test_deepcopy():
    t = nbnn.tensor([1.0, 2.0], requires_grad=True)
    t.grad = nbnn.ones(2)
    twin = copy.deepcopy(t)
    assert twin.requires_grad and twin.tolist() == [1, 2] and twin.grad.tolist() == [1, 1]
    assert not np.shares_memory(twin.detach().numpy(), t.detach().numpy()) and not np.shares_memory(
        twin.grad.numpy(), t.grad.numpy()
    )
    pair = copy.deepcopy([t, t])
    assert pair[0] is pair[1]
    assert isinstance(copy.deepcopy(nbnn.Parameter(t)), nbnn.Parameter)
    assert copy.deepcopy(nbnn.ones(2, 3).T).shape == (3, 2)


@pytest.mark.parametrize("kind", ALL, ids=lambda k: k.name)
def test_pickling_in_memory(kind):
    t = nbnn.tensor([[0, 1], [2, 3]], dtype=kind)[:, 1]
    file = io.BytesIO()
    pickle.dump(t, file)
    file.seek(0)
    again = pickle.load(file)
    assert again.dtype is kind and again.tolist() == t.tolist()


def test_pickling_keeps_class_and_flag():
    p = pickle.loads(pickle.dumps(nbnn.Parameter(nbnn.ones(2), requires_grad=False)))
    assert isinstance(p, nbnn.Parameter) and not p.requires_grad
    assert pickle.loads(pickle.dumps(nbnn.ones(2, requires_grad=True))).requires_grad


# -- types -------------------------------------------------------------------------------------------------------


@pytest.mark.parity
@pytest.mark.parametrize("a", REAL, ids=lambda k: k.name)
def test_promotion_is_torchs(a):
    torch = load_torch()
    for b in REAL:
        for left, right in (((2,), (2,)), ((2,), ()), ((), (2,))):
            ours = nbnn.ones(left, dtype=a) * nbnn.ones(right, dtype=b)
            theirs = torch.ones(left, dtype=getattr(torch, a.name)) * torch.ones(right, dtype=getattr(torch, b.name))
            assert ours.dtype.name == str(theirs.dtype)[6:], (
                f"{a} {left} * {b} {right}: {ours.dtype}, torch {theirs.dtype}"
            )
    for number in (True, 2, 2.5):
        ours, theirs = nbnn.ones(2, dtype=a) * number, torch.ones(2, dtype=getattr(torch, a.name)) * number
        assert ours.dtype.name == str(theirs.dtype)[6:], f"{a} * {number!r}: {ours.dtype}, torch {theirs.dtype}"


@pytest.mark.parametrize("source", REAL, ids=lambda k: k.name)
def test_every_conversion(source):
    for target in REAL:
        values = [0, 1, 1, 0, 1] if dtypes.bool_ in (source, target) else [0, 1, 2, 100, 7]
        assert nbnn.tensor(values, dtype=source).to(target).tolist() == values, f"{source} to {target}"
    t = nbnn.tensor([1, 0], dtype=source)
    assert t.to(source) is t and t.to(source, copy=True) is not t
    for method, kind in (("float", nbnn.float32), ("double", nbnn.float64), ("half", nbnn.float16),
                         ("bfloat16", nbnn.bfloat16),
                         ("long", nbnn.int64), ("int", nbnn.int32), ("bool", nbnn.bool)):  # fmt: skip
        assert getattr(t, method)().dtype is kind and t.type(kind).dtype is kind


def test_to():
    t = nbnn.ones(2)
    assert t.to("cpu") is t and t.to(nbnn.device("cpu"), nbnn.float64).dtype is nbnn.float64
    assert t.to(nbnn.ones(1, dtype=nbnn.int64)).dtype is nbnn.int64 and t.to(dtype=np.float64).dtype is nbnn.float64
    assert t.cpu() is t and t.to(float).dtype is nbnn.float64


def test_dtype_objects():
    assert (
        repr(nbnn.float32) == "nbnn.float32"
        and nbnn.float is nbnn.float32
        and nbnn.long is nbnn.int64
        and nbnn.double is nbnn.float64
    )
    assert pickle.loads(pickle.dumps(nbnn.bfloat16)) is nbnn.bfloat16 and copy.deepcopy(nbnn.int8) is nbnn.int8
    assert pickle.loads(pickle.dumps(nbnn.bool)) is nbnn.bool
    assert not nbnn.float32.is_complex and nbnn.float32.is_signed and not nbnn.uint8.is_signed


# -- random numbers ----------------------------------------------------------------------------------------------


def draws():
    return [
        nbnn.rand(1000),
        nbnn.randn(1001),
        nbnn.randint(0, 9, (1002,)),
        nbnn.randperm(100),
        nbnn.rand(7, dtype=nbnn.float64),
    ]


def test_random_numbers_follow_the_seed():
    nbnn.manual_seed(5)
    assert nbnn.initial_seed() == 5
    first = draws()
    nbnn.manual_seed(5)
    for a, b in zip(first, draws(), strict=True):
        same_bits(a.numpy(), b.numpy(), "the same seed")
    for a, b in zip(first[:3], draws()[:3], strict=True):
        assert (a != b).any().item()
    nbnn.manual_seed(6)
    assert (nbnn.rand(1000) != first[0]).any().item()


def test_generators_are_apart():
    g = nbnn.Generator().manual_seed(3)
    before = nbnn.randn(5, generator=g)
    state = g.get_state()
    one = nbnn.rand(5, generator=g)
    nbnn.rand(100)
    assert (nbnn.rand(5, generator=g.set_state(state)) == one).all().item()
    assert (nbnn.randn(5, generator=nbnn.Generator().manual_seed(3)) == before).all().item()
    assert isinstance(g.seed(), int)


def test_random_numbers_on_threads():
    results = []
    for count in (1, 2):
        nbnn.set_num_threads(count)
        nbnn.manual_seed(1)
        results.append(
            [nbnn.rand(200000).numpy(), nbnn.randn(200001).numpy(), nbnn.randint(0, 1000, (200002,)).numpy()]
        )
    for one, two in zip(*results, strict=True):
        same_bits(one, two, "random numbers on 1 and 2 threads")


def test_distributions():
    nbnn.manual_seed(0)
    u, z, k = nbnn.rand(200000).numpy(), nbnn.randn(200000).numpy(), nbnn.randint(-2, 3, (200000,)).numpy()
    assert 0 <= u.min() < 1e-4 and 0.9999 < u.max() < 1 and abs(u.mean() - 0.5) < 3e-3
    assert abs(z.mean()) < 0.01 and abs(z.std() - 1) < 0.01 and 4 < np.abs(z).max() < 7
    assert set(k.tolist()) == {-2, -1, 0, 1, 2} and abs(k.mean()) < 0.02
    assert sorted(nbnn.randperm(500).tolist()) == list(range(500)) and nbnn.randperm(0).shape == (0,)
    t = nbnn.zeros(3, 4).T.uniform_(2.0, 3.0)
    assert (t >= 2).all().item() and (t < 3).all().item()
    assert nbnn.rand(5, dtype=nbnn.float16).dtype is nbnn.float16 and nbnn.randn(2, requires_grad=True).requires_grad
