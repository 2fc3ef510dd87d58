"""Complex Tensors, which PyTorch's issues #755, #46374 and #101256 ask modules to take: against PyTorch and NumPy.

What takes them stands in TAKES; that everything else refuses them by name is tested for every function of the tables.
"""

import io
import pickle
import re
import warnings

import numpy as np
import pytest

import nbnn
import nbnn.nn as nn
import nbnn.nn.functional as F
from tests import report
from tests.case import NBNN, load_torch, tensors

KINDS = {"complex64": 2e-5, "complex128": 1e-11}  # and the tolerance
TAKES = re.findall(
    r"\w+",
    """abs absolute add addbmm addbmm_ addmm addmm_ addmv addmv_ adjoint argwhere as_strided atleast_1d atleast_2d
    atleast_3d baddbmm baddbmm_ block_diag bmm broadcast_tensors broadcast_to cartesian_prod cat chunk clone
    column_stack combinations concat concatenate conv1d conv2d conv3d conv_transpose1d conv_transpose2d
    conv_transpose3d copy_ cross diag diag_embed diagflat diagonal diff div divide dot dstack einsum eq eq_ exp
    expand flatten flip fliplr flipud ger hsplit hstack index_add index_copy index_fill index_put index_select inner
    kron linear logical_and_ logical_not logical_not_ logical_or_ logical_xor_ masked_select matmul mean meshgrid mm
    moveaxis movedim mul multi_dot multiply mv narrow ne ne_ neg negative nonzero not_equal outer permute positive
    put ravel repeat repeat_interleave reshape roll rot90 row_stack rsub select sigmoid silu split squeeze stack sub
    subtract sum swapaxes swapdims t take tanh tensor_split tensordot tile trace transpose trapezoid trapz
    true_divide true_divide_ unbind unflatten unsqueeze vsplit vstack""",
)
IGNORES = (
    "full_like",
    "getitem",
    "linspace",
    "logspace",
    "normal",
    "setitem",
    "tril_indices",
    "triu_indices",
)  # look at the shape of what they get, or at nothing


def values(*shape, kind="complex128", seed=0):
    r = np.random.default_rng([seed, *shape])
    return (r.normal(size=shape) + 1j * r.normal(size=shape)).astype(kind)


def close(got, expected, kind):
    got, expected = (v.resolve_conj() if hasattr(v, "resolve_conj") else v for v in (got, expected))
    got, expected = (v.detach().numpy() for v in (got, expected))
    assert got.shape == expected.shape and got.dtype == expected.dtype
    bound = KINDS[kind]
    np.testing.assert_allclose(got, expected, rtol=bound, atol=bound * max(1, np.abs(expected).max(initial=0)))


C, R = (lambda *shape: (shape, True)), (lambda *shape: (shape, False))  # a complex input, a real one

# A name, the call with (nbnn or torch, its functions), and what it is called with.
CALLS = [
    ("add", lambda L, F, a, b: a + b, C(3, 4), C(4)),
    ("add-alpha", lambda L, F, a, b: L.add(a, b, alpha=2), C(3, 4), C(3, 4)),
    ("sub-real", lambda L, F, a, b: a - b, R(3, 4), C(4)),
    ("mul", lambda L, F, a, b: a * b, C(3, 4), C(3, 4)),
    ("mul-broadcast", lambda L, F, a, b: a * b, C(3, 1), C(4)),
    ("mul-real", lambda L, F, a, b: a * b, R(3, 4), C(3, 1)),
    ("mul-number", lambda L, F, a: a * (2 - 1j) + 1j, C(3)),
    ("mul-number-of-real", lambda L, F, a: a * 2j, R(3)),
    ("div", lambda L, F, a, b: a / b, C(3, 4), C(3, 4)),
    ("div-broadcast", lambda L, F, a, b: a / b, C(3, 4), C(4)),
    ("div-number", lambda L, F, a: 2j / a + a / 3, C(5)),
    ("neg", lambda L, F, a: -a, C(5)),
    ("sum", lambda L, F, a: a.sum(1), C(3, 4, 2)),
    ("sum-all", lambda L, F, a: a.sum(), C(3, 4)),
    ("mean", lambda L, F, a: a.mean((0, 2)), C(3, 4, 2)),
    ("abs", lambda L, F, a: L.abs(a), C(3, 4)),
    ("angle", lambda L, F, a: L.angle(a), C(3, 4)),
    ("conj", lambda L, F, a: a * a.conj(), C(3, 4)),
    ("parts", lambda L, F, a: a.real * a.imag, C(3, 4)),
    ("complex", lambda L, F, a, b: L.complex(a, b), R(3, 4), R(3, 4)),
    ("view_as_real", lambda L, F, a: L.view_as_real(a)[..., 1], C(3, 4)),
    ("view_as_complex", lambda L, F, a: L.view_as_complex(a) * 2j, R(3, 2)),
    ("exp", lambda L, F, a: L.exp(a), C(3, 4)),
    ("tanh", lambda L, F, a: L.tanh(a), C(3, 4)),
    ("sigmoid", lambda L, F, a: L.sigmoid(a), C(3, 4)),
    ("silu", lambda L, F, a: F.silu(a) if L is nbnn else a * L.sigmoid(a), C(3, 4)),  # torch: no gradient
    ("matmul", lambda L, F, a, b: a @ b, C(3, 4), C(4, 5)),
    ("matmul-batches", lambda L, F, a, b: L.matmul(a, b), C(2, 3, 4), C(4, 5)),
    ("matmul-transposed", lambda L, F, a, b: L.bmm(a.transpose(1, 2), b), C(2, 4, 3), C(2, 4, 5)),
    ("mm", lambda L, F, a, b: L.mm(a, b), C(3, 4), C(4, 2)),
    ("linear", lambda L, F, a, b, c: F.linear(a, b, c), C(3, 4), C(5, 4), C(5)),
    ("linear-plain", lambda L, F, a, b: F.linear(a, b), C(2, 3, 4), C(5, 4)),
    ("conv1d", lambda L, F, a, b, c: F.conv1d(a, b, c, padding=1), C(2, 3, 7), C(4, 3, 3), C(4)),
    ("conv2d", lambda L, F, a, b, c: F.conv2d(a, b, c, stride=2, groups=2), C(2, 4, 6, 5), C(4, 2, 3, 2), C(4)),
    ("conv3d", lambda L, F, a, b: F.conv3d(a, b, dilation=2), C(1, 2, 4, 3, 4), C(3, 2, 2, 2, 2)),
    ("conv_transpose2d", lambda L, F, a, b, c: F.conv_transpose2d(a, b, c, stride=2), C(2, 3, 4, 3), C(3, 2, 2, 3),
     C(2)),
    ("views", lambda L, F, a: a.permute(1, 2, 0)[1:, ::2].reshape(-1, 3).unsqueeze(0).expand(2, -1, -1), C(3, 4, 5)),
    ("cat", lambda L, F, a, b: L.cat([a, L.stack([b, b])], 0), C(3, 4), C(4)),
    ("copies", lambda L, F, a: L.flip(L.roll(a.t(), 1, 0), (0,)).repeat(2, 1), C(5, 6)),
    ("picked", lambda L, F, a: a[:, [2, 0]], C(3, 4)),
    ("split", lambda L, F, a: L.split(a, [1, 3], 1)[1], C(3, 4)),
    ("promoted", lambda L, F, a, b: L.cat([a, b * 1j]), C(3), R(2)),
]  # fmt: skip


def run(library, functions, call, arrays, make):
    """The result, the gradients of sum(|y * w|^2 ...) and those of their own squares."""
    inputs = [make(a.copy()).requires_grad_() for a in arrays]
    y = call(library, functions, *inputs)
    loss = (library.abs(y) if y.is_complex() else y) ** 2
    loss = (loss.real if loss.is_complex() else loss).sum()
    grads = library.autograd.grad(loss, inputs, create_graph=True)
    total = sum(((library.abs(g) if g.is_complex() else g) ** 2).sum() for g in grads)
    return y, grads, library.autograd.grad(total, inputs, allow_unused=True)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("name", "call", "shapes"), [(c[0], c[1], c[2:]) for c in CALLS], ids=[c[0] for c in CALLS])
def test_755_values_and_gradients_are_those_of_torch(name, call, shapes, kind):
    torch = load_torch()
    real = "float32" if kind == "complex64" else "float64"
    arrays = [values(*s, kind=kind, seed=k) for k, (s, _) in enumerate(shapes)]
    arrays = [a if z else a.real.astype(real) for a, (_, z) in zip(arrays, shapes, strict=True)]
    got = run(nbnn, F, call, arrays, nbnn.from_numpy)
    expected = run(torch, torch.nn.functional, call, arrays, torch.from_numpy)
    close(got[0], expected[0], kind)
    for order in (1, 2):
        for g, e in zip(got[order], expected[order], strict=True):
            assert g is None or e is None or close(g, e, kind) is None


@pytest.mark.parametrize("kind", KINDS)
def test_101256_a_complex_network_learns(kind):
    nbnn.manual_seed(3)
    model = nn.Sequential(
        nn.Conv2d(1, 3, 3, padding="same", dtype=getattr(nbnn, kind)), nn.Tanh(), nn.Flatten(),
        nn.Linear(48, 2, dtype=getattr(nbnn, kind)),
    )  # fmt: skip
    assert all(p.dtype is getattr(nbnn, kind) and np.iscomplex(p.detach().numpy()).all() for p in model.parameters())
    x, target = nbnn.from_numpy(values(6, 1, 4, 4, kind=kind)), nbnn.from_numpy(values(6, 2, kind=kind))
    optimizer = nbnn.optim.Adam(model.parameters(), lr=0.01)
    losses = []
    for _ in range(60):
        optimizer.zero_grad()
        loss = ((model(x) - target).abs() ** 2).mean()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.01 * losses[0]


@pytest.mark.parametrize(
    ("name", "given"),
    [
        ("SGD", {"lr": 0.1, "momentum": 0.9, "weight_decay": 0.1}),
        ("Adam", {"lr": 0.1}),
        ("Adagrad", {"lr": 0.1, "initial_accumulator_value": 0.5}),
        ("RMSprop", {"lr": 0.1, "centered": True}),
        ("Rprop", {"lr": 0.1}),
    ],
)
def test_46374_optimizers_update_the_parts_as_torch_does(name, given):
    torch = load_torch()
    start, grads = values(3, 2), [values(3, 2, seed=k) for k in range(5)]
    mine, theirs = nbnn.Parameter(nbnn.from_numpy(start.copy())), torch.nn.Parameter(torch.from_numpy(start.copy()))
    steps = getattr(nbnn.optim, name)([mine], **given), getattr(torch.optim, name)([theirs], **given)
    for g in grads:
        mine.grad, theirs.grad = nbnn.from_numpy(g.copy()), torch.from_numpy(g.copy())
        for step in steps:
            step.step()
    close(mine, theirs, "complex128")


@pytest.mark.parametrize("name", ["Adafactor", "LBFGS", "Muon"])
def test_46374_other_optimizers_refuse(name):
    with pytest.raises(TypeError, match=rf"{name}: parameter 0 must be real; got nbnn.complex128"):
        getattr(nbnn.optim, name)([nbnn.Parameter(nbnn.from_numpy(values(3, 2)))])


def test_755_functions_of_ones_own_see_what_they_saved():
    class Square(nbnn.autograd.Function):
        @staticmethod
        def forward(ctx, z):
            ctx.save_for_backward(z)
            return z * z

        @staticmethod
        def backward(ctx, g):
            (z,) = ctx.saved_tensors
            return g * (2 * z).conj()

    z, w = nbnn.from_numpy(values(3)).requires_grad_(), nbnn.from_numpy(values(3)).requires_grad_()
    Square.apply(z).abs().sum().backward()
    (w * w).abs().sum().backward()
    close(z.grad, w.grad, "complex128")


def first_cases():
    found = {}
    for table in report.tables():
        for case in table.CASES:
            found.setdefault(case.function, case)
    return [case for name, case in sorted(found.items()) if name not in (*TAKES, *IGNORES)]


@pytest.mark.parametrize("case", first_cases(), ids=lambda case: case.function)
def test_755_functions_that_cannot_take_complex_numbers_refuse_them_by_name(case):
    good = tensors(case, case.make(), False)
    places = [k for k, t in enumerate(good) if isinstance(t, nbnn.Tensor) and t.is_floating_point()]
    for changed in (places, *([k] for k in places)) if len(places) > 1 else ([k] for k in places):
        inputs = [t.detach().to(nbnn.complex64) if k in changed else t for k, t in enumerate(good)]
        with warnings.catch_warnings(), pytest.raises((TypeError, ValueError, RuntimeError)) as refused:
            warnings.simplefilter("ignore")
            case.call(NBNN, *inputs)
        assert re.match(r"[a-z_0-9]+: .*complex(64|128)", str(refused.value)), str(refused.value)


@pytest.mark.parametrize(
    "layer", [nn.BatchNorm1d, nn.LayerNorm, nn.RMSNorm, lambda n, dtype: nn.GroupNorm(2, n, dtype=dtype)]
)
def test_46374_norms_refuse(layer):
    with pytest.raises(TypeError, match=r"_norm: `input` must have a floating-point dtype; got nbnn.complex64"):
        layer(4, dtype=nbnn.complex64)(nbnn.zeros(3, 4, dtype=nbnn.complex64))


# -- types ---------------------------------------------------------------------------------------------------------


def test_types_are_promoted_as_torch_does():
    torch = load_torch()
    names = [t.name for t in nbnn.dtypes.ALL]
    for a in names:
        for b in ("complex64", "complex128"):
            both = [
                t(getattr(L, a), getattr(L, b)) for L, t in ((nbnn, nbnn.promote_types), (torch, torch.promote_types))
            ]
            assert both[0].name == str(both[1]).split(".")[1].replace("complex32", "complex64"), (a, b)
        if a in ("float16", "bfloat16"):
            continue  # torch has a complex half
        for b in (1j, "complex64", "complex128"):
            made = [
                L.ones(2, dtype=getattr(L, a)) * (b if b == 1j else L.ones((), dtype=getattr(L, b)))
                for L in (nbnn, torch)
            ]
            assert made[0].dtype.name == str(made[1].dtype).split(".")[1], (a, b)


def test_what_complex_types_are():
    z = nbnn.tensor([1 + 2j, 3])
    assert z.dtype is nbnn.complex64 is nbnn.cfloat and z.is_complex() and not z.is_floating_point() and z.itemsize == 8
    assert (
        nbnn.is_complex(z) and nbnn.complex128.is_complex and nbnn.complex128.is_signed and not nbnn.float32.is_complex
    )
    assert nbnn.tensor(1j, dtype=nbnn.complex128).item() == 1j == complex(nbnn.tensor(1j))
    assert z.cdouble().dtype is nbnn.complex128 and z.to(nbnn.complex128).tolist() == [1 + 2j, 3]
    assert nbnn.real(z).tolist() == [1, 3] and nbnn.imag(z).tolist() == [2, 0] and z.bool().tolist() == [True, True]
    assert nbnn.conj(nbnn.ones(1)).tolist() == nbnn.real(nbnn.ones(1)).tolist() == [1]
    x = nbnn.ones(2)
    assert (
        nbnn.view_as_complex(nbnn.view_as_real(z)).data_ptr() == z.data_ptr()
        and nbnn.complex(x, x).tolist() == [1 + 1j] * 2
    )
    nbnn.set_default_dtype(nbnn.float64)
    assert nbnn.tensor(1j).dtype is nbnn.complex128 is nbnn.full((1,), 1j).dtype


def test_the_parts_share_the_memory():
    z = nbnn.zeros(2, 3, dtype=nbnn.complex64)
    z.real[0] = 1
    z.t().imag[1] = 2
    assert z.tolist() == [[1, 1 + 2j, 1], [0, 2j, 0]]
    w = z.clone().requires_grad_() * 1
    with pytest.raises(RuntimeError, match=r"shows a nbnn.complex64 Tensor as nbnn.float32; use .clone\(\)"):
        w.real.mul_(2)


@pytest.mark.parametrize("kind", KINDS)
def test_copies_of_every_layout(kind):
    a = values(3, 40, 50, kind=kind)
    t = nbnn.from_numpy(a)
    for order in ((2, 1, 0), (0, 2, 1), (1, 0, 2)):
        np.testing.assert_array_equal(t.permute(*order).contiguous().numpy(), a.transpose(order))
    b = a.copy()
    u = nbnn.from_numpy(b)
    u[:, ::3] = t[:, 1:2]
    b2 = a.copy()
    b2[:, ::3] = a[:, 1:2]
    np.testing.assert_array_equal(u.numpy(), b2)


def test_random_numbers_have_the_variance_they_should():
    nbnn.manual_seed(0)
    z = nbnn.randn(20000, dtype=nbnn.complex64).numpy()
    assert abs((np.abs(z) ** 2).mean() - 1) < 0.05 and abs(z.real.var() - 0.5) < 0.03 and abs(z.mean()) < 0.03
    shifted = nbnn.zeros(20000, dtype=nbnn.complex128)
    shifted.normal_(3.0, 2.0)
    assert abs(shifted.numpy().mean() - 3) < 0.1 and abs(shifted.numpy().imag.var() - 2) < 0.2


def test_functions_at_extreme_numbers():
    with np.errstate(all="ignore"):
        for kind in KINDS:
            z = nbnn.tensor([200 + 1j, -200 + 1j, 0j, -0.5j], dtype=getattr(nbnn, kind))
            assert nbnn.tanh(z).abs().tolist()[:3] == [1, 1, 0] and nbnn.sigmoid(z).abs().numpy()[0] == 1
            assert nbnn.sigmoid(z).abs().numpy()[1].item() < 1e-80 and not np.isnan(nbnn.sigmoid(z).abs().numpy()).any()
            assert np.isinf((z / nbnn.tensor(0j)).real.numpy()[:2]).all()  # where Numba's own division raises
            big = nbnn.tensor([3e30 + 4e30j], dtype=getattr(nbnn, kind))
            np.testing.assert_allclose((big / big).numpy(), 1)
            np.testing.assert_allclose(big.abs().numpy(), 5e30, rtol=1e-6)
    zero = nbnn.tensor([0j], requires_grad=True)
    zero.abs().sum().backward()
    assert zero.grad.tolist() == [0]


def test_arrays_go_in_and_come_out():
    a = values(3, 4)
    out = F.linear(a, a)
    assert type(out) is np.ndarray
    np.testing.assert_allclose(out, a @ a.T)
    np.testing.assert_allclose(nbnn.real(a), a.real)


# -- files and pictures --------------------------------------------------------------------------------------------


def test_printing_is_that_of_torch():
    torch = load_torch()
    for data in ([1 + 2j, -3.5 - 1j], [[1e-6 + 1j], [1j]], 2j, []):
        a = np.array(data, np.complex64)
        assert str(nbnn.from_numpy(a)) == str(torch.from_numpy(a)).replace("torch.", "nbnn.")
    assert "sizes: 1 to 5" in nbnn.tensor([[1 + 0j, 3 + 4j]])._repr_html_()
    assert "dtype=nbnn.complex128" in str(nbnn.tensor([1j], dtype=nbnn.complex128))


def test_files_and_pickles():
    z = nbnn.tensor([1 + 2j])
    file = io.BytesIO()
    nbnn.save({"z": z}, file)
    file.seek(0)
    assert (
        nbnn.load(file)["z"].tolist() == [1 + 2j]
        and nbnn.load(io.BytesIO(file.getvalue()))["z"].dtype is nbnn.complex64
    )
    with pytest.raises(TypeError, match=r"save: obj\['z'\] is of type nbnn.complex128"):
        nbnn.save({"z": z.cdouble()}, io.BytesIO())
    assert pickle.loads(pickle.dumps(z)).tolist() == z.tolist()


def test_modules_become_complex_and_stay_so():
    layer = nn.Linear(2, 3).to(nbnn.complex64)
    assert layer.weight.dtype is nbnn.complex64 and layer.double().weight.dtype is nbnn.complex64
    assert layer.to(nbnn.complex128).weight.dtype is nbnn.complex128


Z = nbnn.tensor([1j])


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: Z.to(nbnn.float32), TypeError, r"to: nbnn.complex64 cannot become nbnn.float32"),
        (lambda: Z < 1, TypeError, r"lt: `input` must be real; got nbnn.complex64"),
        (lambda: Z.sort(), TypeError, r"sort: `input` must be real"),
        (lambda: nbnn.tensor(1j, dtype=nbnn.float32), TypeError, r"tensor: `data` holds complex numbers"),
        (lambda: nbnn.zeros(1).fill_(1j), TypeError, r"fill_: `value` \(=1j\) cannot be kept in nbnn.float32"),
        (lambda: nbnn.zeros(1).add_(1j), RuntimeError, r"add_: a result of type nbnn.complex64 cannot be kept"),
        (lambda: (Z.requires_grad_() * 1).sum().backward(), RuntimeError, r"backward: .* only for a real Tensor"),
        (lambda: nbnn.imag(nbnn.ones(1)), TypeError, r"imag: `input` must be complex; got nbnn.float32"),
        (lambda: nbnn.angle(nbnn.ones(1)), TypeError, r"angle: `input` must be complex"),
        (lambda: nbnn.conj("x"), TypeError, r"conj: `input` must be a Tensor"),
        (lambda: nbnn.real("x"), TypeError, r"real: `input` must be a Tensor"),
        (lambda: nbnn.is_complex("x"), TypeError, r"is_complex: `input` must be a Tensor"),
        (lambda: nbnn.view_as_real(nbnn.ones(2)), TypeError, r"view_as_real: `input` must be complex"),
        (lambda: nbnn.view_as_complex(nbnn.ones(3)), ValueError, r"view_as_complex: .* a last axis of size 2"),
        (lambda: nbnn.view_as_complex(nbnn.ones(2, 3).t()), ValueError, r"view_as_complex: .* use .contiguous\(\)"),
        (lambda: nbnn.view_as_complex(nbnn.ones(2).long()), TypeError, r"view_as_complex: `input` must be float32"),
        (lambda: nbnn.complex(nbnn.ones(1), nbnn.ones(1).double()), TypeError, r"complex: .* one dtype"),
        (lambda: nbnn.complex(nbnn.ones(2), nbnn.ones(3)), ValueError, r"complex: the shapes must broadcast"),
        (lambda: nbnn.complex(Z, Z), TypeError, r"complex: `real` must be float32 or float64"),
        (lambda: nbnn.utils.clip_grad_norm_([_graded()], 1.0), TypeError, r"floating-point type; got nbnn.complex64"),
        (lambda: nbnn.autograd.gradcheck(lambda z: z, (Z.requires_grad_(),)), ValueError, r"gradcheck: .*complex64"),
    ],
)  # fmt: skip
def test_refuses(call, error, message):
    with pytest.raises(error, match=message):
        call()


def _graded():
    p = nbnn.Parameter(nbnn.ones(1, dtype=nbnn.complex64))
    p.grad = nbnn.ones(1, dtype=nbnn.complex64)
    return p
