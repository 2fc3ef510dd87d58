"""Sparse gradients of tables, and the optimizers that take them, beside dense gradients and PyTorch."""

import copy

import numpy as np
import pytest

import nbnn
import nbnn.nn.functional as F
from nbnn import nn
from nbnn.sparse import SparseTensor

ROWS, COLUMNS = 7, 3
TABLE = np.random.default_rng(0).standard_normal((ROWS, COLUMNS)).astype(np.float32)
IDS = [[1, 4, 1], [6, 4, 0]]
SCALE = np.random.default_rng(1).standard_normal((2, 3)).astype(np.float32)
OPTIONS = {
    "embedding": [{}, {"padding_idx": 4}],
    "embedding_bag": [
        {"mode": "sum"},
        {"mode": "mean"},
        {"mode": "mean", "padding_idx": 4},
        {"mode": "sum", "psw": SCALE},
    ],
}
LOOKUPS = [(name, options) for name, each in OPTIONS.items() for options in each]


def gradients(lib, name, options, sparse, ids=IDS):
    """The gradient of a weighted sum of what is looked up in the table, and that of the weights of the bags."""
    options = dict(options)
    table = lib.tensor(TABLE, requires_grad=True)
    scale = None
    if "psw" in options:
        scale = options["per_sample_weights"] = lib.tensor(options.pop("psw"), requires_grad=True)
    f = getattr(lib.nn.functional, name)
    y = f(lib.tensor(ids), table, sparse=sparse, **options)
    weights = np.arange(int(np.prod(y.shape)), dtype=np.float32).reshape(tuple(y.shape))
    (y * lib.tensor(weights)).sum().backward()
    return table.grad, None if scale is None else scale.grad


def array(t):
    return np.array(t.to_dense().tolist())


@pytest.mark.parametrize(("name", "options"), LOOKUPS)
def test_gradients_are_those_of_dense_tables(name, options):
    sparse, of_scale = gradients(nbnn, name, options, True)
    dense, of_scale_dense = gradients(nbnn, name, options, False)
    assert isinstance(sparse, SparseTensor) and sparse.is_sparse and not dense.is_sparse
    np.testing.assert_allclose(array(sparse), array(dense), rtol=1e-6)
    assert sparse._nnz() == 6 - 2 * ("padding_idx" in options)
    if of_scale is not None:
        assert of_scale.tolist() == of_scale_dense.tolist()


@pytest.mark.parity
@pytest.mark.parametrize(("name", "options"), LOOKUPS)
def test_gradients_are_those_of_torch(name, options):
    torch = pytest.importorskip("torch")
    ours, theirs = (gradients(lib, name, options, True)[0].coalesce() for lib in (nbnn, torch))
    assert ours.indices().tolist() == theirs.indices().tolist()
    np.testing.assert_allclose(ours.values().numpy(), theirs.values().numpy(), rtol=1e-6)


def test_frequencies_divide_sparse_gradients_too():
    options = {"scale_grad_by_freq": True, "padding_idx": 4}
    sparse, dense = (gradients(nbnn, "embedding", options, asked)[0] for asked in (True, False))
    np.testing.assert_allclose(array(sparse), array(dense), rtol=1e-6)


@pytest.mark.parametrize("name", ["embedding", "embedding_bag"])
def test_nothing_looked_up(name):
    grad, _ = gradients(nbnn, name, {}, True, ids=np.zeros((2, 0), np.int64))
    assert grad._nnz() == 0 and not array(grad).any()
    assert grad.coalesce().values().shape == (0, COLUMNS)


def test_dense_where_the_table_is_no_leaf_or_the_gradient_is_recorded():
    table = nbnn.tensor(TABLE, requires_grad=True)
    F.embedding(nbnn.tensor([1]), table * 2, sparse=True).sum().backward()
    assert not table.grad.is_sparse
    y = F.embedding(nbnn.tensor([1, 1]), table, sparse=True)
    (g,) = nbnn.autograd.grad((y * y).sum(), table, create_graph=True)
    assert not g.is_sparse and g.requires_grad
    (again,) = nbnn.autograd.grad(g.sum(), table)
    assert again.to_dense()[1].tolist() == [4.0] * COLUMNS
    (g,) = nbnn.autograd.grad(F.embedding(nbnn.tensor([1]), table, sparse=True).sum(), table)
    assert g.is_sparse
    half = nbnn.tensor(TABLE).half().requires_grad_()
    F.embedding(nbnn.tensor([1, 1]), half, sparse=True).sum().backward()
    assert half.grad.is_sparse and half.grad.dtype is nbnn.float16 and half.grad.to_dense()[1, 0].item() == 2.0


@pytest.mark.parametrize("order", [(True, True), (True, False), (False, True)])
@pytest.mark.parametrize("passes", [1, 2])
def test_gradients_add_up(order, passes):
    table = nbnn.tensor(TABLE, requires_grad=True)
    parts = [F.embedding(nbnn.tensor([k, 2]), table, sparse=sparse).sum() for k, sparse in enumerate(order)]
    if passes == 1:
        (parts[0] + parts[1]).backward()
    else:
        for part in parts:
            part.backward()
    assert table.grad.is_sparse == all(order)
    assert array(table.grad)[:3, 0].tolist() == [1.0, 1.0, 2.0]
    held = table.grad
    y = F.embedding(nbnn.tensor([2]), table)
    (y * y).sum().backward(create_graph=True)
    assert table.grad.requires_grad and array(table.grad.detach())[2, 0] == pytest.approx(2.0 + 2 * TABLE[2, 0])
    if all(order):
        assert held._nnz() == 4 and not held.is_coalesced()


def test_hooks_see_and_replace_the_sparse_gradient():
    table, seen = nbnn.tensor(TABLE, requires_grad=True), []
    table.register_hook(lambda g: seen.append(g))
    handle = table.register_hook(lambda g: g * 2)
    F.embedding(nbnn.tensor([1]), table, sparse=True).sum().backward()
    assert seen[0].is_sparse and array(seen[0])[1, 0] == 1.0 and array(table.grad)[1, 0] == 2.0
    handle.remove()
    table.register_hook(lambda g: g.to_dense())
    table.grad = None
    F.embedding(nbnn.tensor([1]), table, sparse=True).sum().backward()
    assert not table.grad.is_sparse and array(table.grad)[1, 0] == 1.0


def test_the_seed_is_not_the_memory_of_the_gradient():
    table, seed = nbnn.tensor(TABLE, requires_grad=True), nbnn.ones(1, COLUMNS)
    F.embedding(nbnn.tensor([1]), table, sparse=True).backward(seed)
    table.grad.mul_(3)
    assert seed.tolist() == [[1.0] * COLUMNS]


def test_what_a_sparse_tensor_is():
    s = SparseTensor(nbnn.tensor([4, 1, 4]), nbnn.ones(3, 2), (5, 2))
    assert s.shape == s.size() == (5, 2) and s.size(1) == 2 and (s.dim(), s.ndim, s.numel(), len(s)) == (2, 2, 10, 5)
    assert (s.sparse_dim(), s.dense_dim(), s._nnz(), s.requires_grad) == (1, 1, 3, False)
    assert s.dtype is nbnn.float32 and s.device.type == "cpu" and s.is_floating_point() and not s.is_complex()
    assert repr(s) == "SparseTensor(shape=(5, 2), rows=[4, 1, 4], dtype=nbnn.float32)"
    assert "rows=[0, 0, 0, 0, 0, 0, ...]" in repr(
        SparseTensor(nbnn.zeros(9, dtype=nbnn.int64), nbnn.ones(9, 2), (5, 2))
    )
    for ask in ("indices", "values"):
        with pytest.raises(RuntimeError, match=rf"{ask}: .* call .coalesce\(\) first"):
            getattr(s, ask)()
    c = s.coalesce()
    assert c.is_coalesced() and c.coalesce() is c and c.indices().tolist() == [[1, 4]] and c.values()[1, 0].item() == 2
    assert s._indices().tolist() == [[4, 1, 4]] and s._values().shape == (3, 2)
    assert array(-s)[4, 0] == -2 and array(2 * s)[4, 0] == 4 and array(s + s)[4, 0] == 4
    assert (s + nbnn.ones(5, 2))[:, 0].tolist() == [1.0, 2.0, 1.0, 1.0, 3.0]
    assert s.detach()._values() is s._values() and copy.deepcopy(s)._values() is not s._values()
    assert s.to(nbnn.float64).dtype is nbnn.float64 and s.detach_() is s
    with pytest.raises(ValueError, match=r"add: .* shape \(5, 2\) .* got shape \(4, 2\)"):
        s + nbnn.ones(4, 2)
    with pytest.raises(TypeError, match="multiplied by a number"):
        s * nbnn.ones(5, 2)
    with pytest.raises(TypeError):
        s + 1
    assert s.zero_()._nnz() == 0 and not array(s).any()


# -- optimizers ----------------------------------------------------------------------------------------------------

STEPS = 20


def trained(lib, name, options, sparse=True):
    """The table after steps of which each looks up other rows, also twice, and its optimizer."""
    table = lib.tensor(TABLE, requires_grad=True)
    optimizer = getattr(lib.optim, name)([table], **options)
    f = lib.nn.functional.embedding
    for k in range(STEPS):
        optimizer.zero_grad()
        y = f(lib.tensor([k % 5, (3 * k) % 7, k % 5]), table, sparse=sparse)
        (y * y * (1.0 + k % 3)).sum().backward()
        optimizer.step()
    return table, optimizer


STEPPED = [
    ("SparseAdam", {"lr": 0.05}),
    ("SparseAdam", {"lr": 0.01, "betas": (0.8, 0.9), "eps": 1e-3, "maximize": True}),
    ("SGD", {"lr": 0.02}),
    ("SGD", {"lr": 0.001, "maximize": True}),
    ("SGD", {"lr": 0.01, "momentum": 0.9, "dampening": 0.1}),
    ("SGD", {"lr": 0.01, "momentum": 0.9, "nesterov": True}),
    ("Adagrad", {"lr": 0.1}),
    ("Adagrad", {"lr": 0.1, "lr_decay": 0.1, "initial_accumulator_value": 0.5, "maximize": True}),
]


@pytest.mark.parametrize(("name", "options"), STEPPED)
def test_steps_are_those_of_dense_gradients(name, options):
    ours, optimizer = trained(nbnn, name, options)
    if name != "SparseAdam":
        dense, _ = trained(nbnn, name, options, sparse=False)
        np.testing.assert_allclose(ours.detach().numpy(), dense.detach().numpy(), rtol=2e-5, atol=1e-6)
    assert type(optimizer)([ours], **options).load_state_dict(optimizer.state_dict()) is None


@pytest.mark.parity
@pytest.mark.filterwarnings("ignore:Sparse invariant checks")  # of PyTorch's Adagrad
@pytest.mark.parametrize(("name", "options"), STEPPED)
def test_steps_are_those_of_torch(name, options):
    ours, theirs = (trained(lib, name, options)[0] for lib in (nbnn, pytest.importorskip("torch")))
    np.testing.assert_allclose(ours.detach().numpy(), theirs.detach().numpy(), rtol=2e-5, atol=1e-6)


def looked_up(*rows, table=None):
    table = nbnn.tensor(TABLE, requires_grad=True) if table is None else table
    F.embedding(nbnn.tensor(rows), table, sparse=True).sum().backward()
    return table


def test_sparse_adam_leaves_other_rows_alone():
    table = looked_up(2)
    optimizer = nbnn.optim.SparseAdam([table], lr=0.5)
    optimizer.step()
    changed = (table.detach().numpy() != TABLE).any(1)
    assert changed.tolist() == [k == 2 for k in range(ROWS)]
    optimizer.zero_grad(set_to_none=False)
    assert table.grad._nnz() == 0
    optimizer.step()
    assert optimizer.state[table]["step"] == 2 and optimizer.state[table]["exp_avg"][2, 0].item() != 0
    table.grad = nbnn.ones(ROWS, COLUMNS)
    with pytest.raises(RuntimeError, match="SparseAdam: gradients must be sparse; got a dense one"):
        optimizer.step()


def test_a_group_of_dense_and_sparse_gradients():
    table, bias = looked_up(2), nbnn.zeros(2, requires_grad=True)
    bias.grad = nbnn.ones(2)
    nbnn.optim.SGD([table, bias], lr=0.5).step()
    assert bias.tolist() == [-0.5, -0.5] and table[2, 0].item() == pytest.approx(TABLE[2, 0] - 0.5)


@pytest.mark.parametrize("name", ["Adam", "AdamW", "RMSprop", "Adadelta", "NAdam", "Muon", "Adafactor"])
def test_other_optimizers_refuse_sparse_gradients(name):
    with pytest.raises(RuntimeError, match=rf"{name}: gradients must be dense; got a sparse one .* SparseAdam"):
        getattr(nbnn.optim, name)([looked_up(1)]).step()


def test_refusals():
    table = looked_up(1)
    with pytest.raises(RuntimeError, match="LBFGS: gradients must be dense"):
        nbnn.optim.LBFGS([table]).step(lambda: 1.0)
    for name in ("SGD", "Adagrad"):
        with pytest.raises(RuntimeError, match=rf"{name}: `weight_decay` \(=0.1\) must be 0 for a sparse gradient"):
            getattr(nbnn.optim, name)([table], weight_decay=0.1).step()
    utils = nn.utils
    for clip in (utils.clip_grad_norm_, utils.clip_grad_value_):
        with pytest.raises(RuntimeError, match=rf"{clip.__name__}: gradients must be dense; got a sparse one"):
            clip([table], 1.0)
    with pytest.raises(RuntimeError, match="clip_grads_with_norm_: gradients must be dense"):
        utils.clip_grads_with_norm_([table], 1.0, nbnn.tensor(5.0))
    with pytest.raises(RuntimeError, match="get_total_norm: gradients must be dense"):
        utils.get_total_norm([table.grad])
    with pytest.raises(RuntimeError, match="grad: must have the Tensor's shape"):
        table.grad = SparseTensor(nbnn.tensor([0]), nbnn.ones(1, 2), (4, 2))


def test_modules():
    for layer in (nn.Embedding(ROWS, COLUMNS, sparse=True), nn.EmbeddingBag(ROWS, COLUMNS, mode="sum", sparse=True)):
        layer(nbnn.tensor(IDS)).sum().backward()
        assert layer.sparse and layer.weight.grad.is_sparse
        assert copy.deepcopy(layer).weight.grad.is_sparse
        layer.double()
        assert layer.weight.grad.dtype is nbnn.float64
        layer.zero_grad(set_to_none=False)
        assert layer.weight.grad._nnz() == 0
    assert "sparse=True" in repr(nn.Embedding(2, 2, sparse=True))
    for options in ({"mode": "max"}, {"scale_grad_by_freq": True}):
        with pytest.raises(ValueError, match=r"EmbeddingBag: `sparse` \(=True\) must be False with"):
            nn.EmbeddingBag(2, 2, sparse=True, **options)


def test_scaled_gradients_are_unscaled():
    table = nbnn.tensor(TABLE, requires_grad=True)
    scaler, optimizer = nbnn.amp.GradScaler(init_scale=4.0), nbnn.optim.SGD([table], lr=1.0)
    scaler.scale(F.embedding(nbnn.tensor([1]), table, sparse=True).sum()).backward()
    scaler.step(optimizer)
    assert table[1, 0].item() == pytest.approx(TABLE[1, 0] - 1.0)


def test_a_dense_gradient_stays_the_same_tensor():
    table = nbnn.tensor(TABLE, requires_grad=True)
    table.grad = held = nbnn.ones(ROWS, COLUMNS)
    assert looked_up(2, table=table).grad is held and held[:, 0].tolist() == [1.0, 1.0, 2.0, 1.0, 1.0, 1.0, 1.0]
