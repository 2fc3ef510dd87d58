"""save and load: the safetensors format, its interchange with other readers, and files that are not to be trusted."""

from __future__ import annotations

import io
import json
import math
import pickle
import struct
import zipfile
from collections import Counter, OrderedDict

import numpy as np
import pytest
import safetensors.numpy

import nbnn

KINDS = ["bool", "uint8", "int8", "int16", "int32", "int64", "float16", "bfloat16", "float32", "float64"]


def file_of(header: dict | bytes, data: bytes = b"") -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + data


def entry(shape=(1,), start=0, stop=4, dtype="F32"):
    return {"dtype": dtype, "shape": list(shape), "data_offsets": [start, stop]}


@pytest.mark.parametrize("kind", KINDS)
def test_round_trip_of_each_type(kind, tmp_path):
    kind = getattr(nbnn, kind)
    t = nbnn.tensor([[0.0, 1.0, 3.0], [1.0, 0.0, 2.0]]).to(kind)
    nbnn.save({"t": t}, tmp_path / "t.safetensors")
    loaded = nbnn.load(tmp_path / "t.safetensors")["t"]
    assert loaded.dtype is kind
    assert loaded.tolist() == t.tolist()
    assert not loaded.requires_grad


def test_shapes_layouts_and_shared_memory(tmp_path):
    base = nbnn.tensor(np.arange(12, dtype=np.float32).reshape(3, 4))
    state = OrderedDict(
        scalar=nbnn.tensor(2.5),
        empty=nbnn.zeros(0, 3),
        transposed=base.t(),
        row=base[1],
        base=base,
        parameter=nbnn.Parameter(nbnn.ones(2)),
    )
    nbnn.save(state, tmp_path / "state")
    loaded = nbnn.load(tmp_path / "state")
    assert isinstance(loaded, OrderedDict)
    assert set(loaded) == set(state)
    for name, value in state.items():
        want = value.detach().numpy()
        assert tuple(loaded[name].shape) == want.shape
        np.testing.assert_array_equal(loaded[name].numpy(), want)
    loaded["base"][0, 0] = 9.0  # memory of its own, writable
    assert loaded["row"].tolist() == [4.0, 5.0, 6.0, 7.0]


def test_file_objects_and_paths(tmp_path):
    stream = io.BytesIO()
    nbnn.save({"a": nbnn.ones(3)}, stream)
    stream.seek(0)
    assert nbnn.load(stream)["a"].tolist() == [1.0] * 3
    nbnn.save({"a": nbnn.ones(3)}, str(tmp_path / "x"))
    with open(tmp_path / "x", "rb") as f:
        assert nbnn.load(f)["a"].tolist() == [1.0] * 3
    assert nbnn.load(bytes(tmp_path / "x"), map_location="cpu")["a"].tolist() == [1.0] * 3
    with pytest.raises(TypeError, match="binary mode"):
        nbnn.load(io.StringIO("text that is long enough"))


def test_numpy_readers_and_writers_of_the_format(tmp_path):
    state = {"w": np.random.default_rng(0).normal(size=(3, 2)).astype(np.float32), "n": np.array(7)}
    nbnn.save({name: nbnn.tensor(value) for name, value in state.items()}, tmp_path / "ours", {"step": "7"})
    theirs = safetensors.numpy.load_file(tmp_path / "ours")
    safetensors.numpy.save_file(state, tmp_path / "theirs")
    ours = nbnn.load(tmp_path / "theirs")
    for name, value in state.items():
        np.testing.assert_array_equal(theirs[name], value)
        np.testing.assert_array_equal(ours[name].numpy(), value)
    with safetensors.safe_open(tmp_path / "ours", "numpy") as f:
        assert f.metadata() == {"step": "7"}


@pytest.mark.parity
def test_torch_readers_and_writers_of_the_format(tmp_path):
    torch = pytest.importorskip("torch")
    import safetensors.torch

    state = {kind: torch.arange(6).reshape(2, 3).to(getattr(torch, kind)) for kind in KINDS}
    safetensors.torch.save_file(state, tmp_path / "theirs")
    ours = nbnn.load(tmp_path / "theirs")
    nbnn.save(ours, tmp_path / "ours")
    for kind, value in safetensors.torch.load_file(tmp_path / "ours").items():
        assert ours[kind].dtype is getattr(nbnn, kind)
        assert ours[kind].tolist() == state[kind].tolist()
        assert value.dtype is state[kind].dtype
        assert torch.equal(value, state[kind])


CHECKPOINT = {
    "epoch": 3,
    "model": OrderedDict(scale=nbnn.tensor(2.5), weight=nbnn.ones(2, 3)),
    "optimizer": {"state": {0: {"step": 7, "exp_avg": nbnn.zeros(2)}, 12: {}}, "param_groups": [{"betas": (0.9, 0.8)}]},
    "numbers": [0.1, -0.0, math.inf, -math.inf, math.nan, 10**30, True, None, 5e-324],
    "arrays": [np.arange(6, dtype=np.uint32).reshape(2, 3)[:, ::-1], np.ones(()), np.zeros((0, 2), bool)],
    "scalars": [np.float32(0.1), np.int64(-3), np.bool_(True), np.float64(2.0)],
    "counts": Counter({3: 2}),
    "names": ["", "\ud800", 'a "quoted"\n\x00 name', "é"],
    "shape": nbnn.Size([2, 3]),
    "": {"__metadata__": nbnn.ones(1), "": nbnn.zeros(1), "a.b": nbnn.ones(1), "a": {"b": nbnn.zeros(1)}},
    "keys": {"\ud800": nbnn.ones(3), -1: nbnn.ones(2)},
    "empty": [{}, [], (), OrderedDict()],
}  # fmt: skip


def same(a, b):
    """Whether two objects are equal in value and kind, all the way down."""
    if type(a) is not type(b):
        return False
    if isinstance(a, dict):
        return list(a) == list(b) and all(same(a[k], b[k]) and type(k) is type(j) for k, j in zip(a, b, strict=True))
    if isinstance(a, (list, tuple)):
        return len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, nbnn.Tensor):
        return a.dtype is b.dtype and a.shape == b.shape and a.numpy().tobytes() == b.numpy().tobytes()
    if isinstance(a, (np.ndarray, np.generic)):
        return a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()
    return struct.pack("d", a) == struct.pack("d", b) if isinstance(a, float) else a == b


@pytest.mark.parametrize("name", ["whole", *CHECKPOINT])
def test_a_checkpoint_comes_back_as_it_was(name):
    obj = CHECKPOINT if name == "whole" else CHECKPOINT[name]
    stream = io.BytesIO()
    nbnn.save(obj, stream)
    stream.seek(0)
    assert same(nbnn.load(stream, map_location=lambda storage, place: storage, weights_only=False), obj)


@pytest.mark.parametrize(
    "obj", [None, 3, "text", nbnn.ones(2), np.arange(3), np.float64(2), (nbnn.ones(1), 2)], ids=str
)
def test_anything_of_these_kinds_is_saved(obj, tmp_path):
    nbnn.save(obj, tmp_path / "x")
    assert same(nbnn.load(tmp_path / "x"), obj)


def test_a_checkpoint_is_a_file_of_tensors_to_other_readers(tmp_path):
    shared = nbnn.ones(2)
    nbnn.save(
        {"a": [shared, shared.detach(), shared[:1]], "b": {1: shared}, "c": nbnn.Parameter(shared)}, tmp_path / "x"
    )
    assert list(safetensors.numpy.load_file(tmp_path / "x")) == ["a.0", "a.2"]
    loaded = nbnn.load(tmp_path / "x", {"cpu": "cpu"})
    loaded["b"][1][0] = 5
    assert loaded["a"][0].tolist() == loaded["c"].tolist() == [5.0, 1.0]
    assert loaded["a"][2].tolist() == [1.0]
    nbnn.save(OrderedDict(a=shared), tmp_path / "plain")
    assert b"nbnn" not in (tmp_path / "plain").read_bytes()


CIRCLE: list = []
CIRCLE.append([CIRCLE])


@pytest.mark.parametrize(
    ("obj", "error", "match"),
    [
        ({"a": [1, {"b": {1, 2}}]}, TypeError, r"save: obj\['a'\]\[1\]\['b'\] must be .*; got set"),
        ({"a": {2: print}}, TypeError, r"obj\['a'\]\[2\] .*; got builtin_function_or_method"),
        ({"m": nbnn.nn.ReLU()}, TypeError, r"obj\['m'\] .*; got ReLU; save its state_dict\(\)"),
        (nbnn.nn.ReLU(), TypeError, r"save: `obj` must be .*; got ReLU; save its state_dict\(\)"),
        ({"a": {(1, 2): 3}}, TypeError, r"keys of obj\['a'\] must be strings or ints; got \(1, 2\) \(tuple\)"),
        ({True: 3}, TypeError, r"keys of `obj` must be strings or ints; got True \(bool\)"),
        ({"a": [np.array([1 + 2j])]}, TypeError, r"obj\['a'\]\[0\] is an array of type complex128, which the format"),
        ({"a": np.array(["a"])}, TypeError, r"obj\['a'\] is an array of type <U1"),
        ({"a": np.ma.zeros(2)}, TypeError, "got MaskedArray"),
        ({"a": nbnn.ones(1, dtype=nbnn.complex128)}, TypeError, r"obj\['a'\] is of type nbnn.complex128.*view_as_real"),
        ({"a": 1j}, TypeError, "got complex"),
        ({"a": CIRCLE}, ValueError, r"obj\['a'\]\[0\]\[0\]... is nested over 100 levels deep, or contains itself"),
    ],
)  # fmt: skip
def test_save_names_the_place_of_what_it_cannot_write(obj, error, match, tmp_path):
    with pytest.raises(error, match=match):
        nbnn.save(obj, tmp_path / "x")
    assert list(tmp_path.iterdir()) == []


def test_metadata_is_checked(tmp_path):
    with pytest.raises(TypeError, match="`metadata` must map strings to strings"):
        nbnn.save({"a": nbnn.ones(1)}, tmp_path / "x", {"step": 7})
    with pytest.raises(ValueError, match="'nbnn.structure' of `metadata` is taken"):
        nbnn.save({"a": nbnn.ones(1)}, tmp_path / "x", {"nbnn.structure": "[]"})
    nbnn.save({"a": 1}, tmp_path / "x", {"step": "7"})
    assert json.loads((tmp_path / "x").read_bytes()[8:])["__metadata__"] == {
        "step": "7",
        "nbnn.structure": '{"dict":[["a",1]]}',
    }


@pytest.mark.parametrize(
    ("structure", "match"),
    [
        ("", "Expecting value"),
        ("[" * 200 + "]" * 200, "nested too deep"),
        ("[" * 100_000, ""),
        ("NaN", "NaN is no JSON"),
        ("{}", r"an object of the keys \[\]"),
        ('{"tensor":"a","array":"a"}', "keys"),
        ('{"tensor":"b"}', "no 'tensor' can be made of 'b'"),
        ('{"tensor":["a"]}', "no 'tensor'"),
        ('[{"tensor":"a"},{"array":"a"}]', "'a' is of two kinds"),
        ('{"scalar":"a"}', r"no scalar is of shape \[2\]"),
        ("[]", "does not name 'a'"),
        ('{"float":"1"}', "no 'float' can be made of '1'"),
        ('{"size":3}', "no 'size'"),
        ('{"size":["a"]}', "no 'size'"),
        ('{"dict":[["a"]]}', "no key and value"),
        ('{"dict":[["a",1],["a",2]]}', "no key and value"),
        ('{"dict":[[true,1]]}', "no key and value"),
        ('{"dict":[[["a"],1]]}', "no key and value"),
        ('{"eval":"print()"}', "no 'eval'"),
    ],
)
def test_structures_that_are_not_to_be_trusted(structure, match):
    header = {"__metadata__": {"nbnn.structure": structure}, "a": entry((2,), 0, 8)}
    with pytest.raises(ValueError, match="^load: .* is damaged: its structure cannot be read: .*" + match):
        nbnn.load(io.BytesIO(file_of(header, b"12345678")))


@pytest.mark.parametrize(("kind", "dtype", "data"), [("tensor", "U32", b"1234"), ("array", "BF16", b"12")])
def test_types_that_a_kind_lacks(kind, dtype, data):
    header = {"__metadata__": {"nbnn.structure": json.dumps({kind: "a"})}, "a": entry((1,), 0, len(data), dtype)}
    with pytest.raises(ValueError, match=f"(?i)no {kind} is of dtype {dtype}"):
        nbnn.load(io.BytesIO(file_of(header, data)))


def test_a_location_that_does_not_exist_is_not_a_damaged_file(tmp_path):
    nbnn.save({"a": [nbnn.ones(1)]}, tmp_path / "x")
    with pytest.raises(ValueError, match="nowhere") as raised:
        nbnn.load(tmp_path / "x", map_location="nowhere")
    assert "damaged" not in str(raised.value)


def test_save_replaces_whole_files_only(tmp_path, monkeypatch):
    path = tmp_path / "model"
    nbnn.save({"a": nbnn.ones(1)}, path)

    def fail(*args):
        raise OSError("the disk is full")

    monkeypatch.setattr("nbnn.serialization.safetensors.serialize_file", fail)
    with pytest.raises(OSError, match="the disk is full"):
        nbnn.save({"a": nbnn.zeros(1)}, path)
    assert [p.name for p in tmp_path.iterdir()] == ["model"]
    assert nbnn.load(path)["a"].tolist() == [1.0]
    with pytest.raises(FileNotFoundError):
        nbnn.save({"a": nbnn.ones(1)}, tmp_path / "nowhere" / "model")


def test_load_of_nothing(tmp_path):
    with pytest.raises(FileNotFoundError):
        nbnn.load(tmp_path / "missing")
    nbnn.save({}, tmp_path / "empty")
    assert nbnn.load(tmp_path / "empty") == OrderedDict()


def zipped() -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as z:
        z.writestr("archive/data.pkl", b"\x80\x02}q\x00.")
    return stream.getvalue()


GOOD = file_of({"a": entry((2,), 0, 8)}, b"12345678")
OVERLAP = file_of({"a": entry(), "b": entry(start=2, stop=6)}, b"123456")


@pytest.mark.parametrize(
    ("content", "match"),
    [
        (b"", "empty or truncated: it has 0 bytes"),
        (GOOD[:5], "empty or truncated: it has 5 bytes"),
        (GOOD[:30], "truncated: it ends within its header"),
        (GOOD[:-1], "damaged"),
        (GOOD + b"more", "damaged"),
        (zipped(), "zip archive, as torch.save writes; nbnn reads safetensors only and never unpickles"),
        (pickle.dumps({"a": 1}), "is a pickle; nbnn reads safetensors only"),
        (pickle.dumps([1] * 99, 2), "is a pickle"),
        (b"just some text, and more of it", "not a safetensors file"),
        (struct.pack("<Q", 1 << 62) + b"{" + b" " * 99, "not a safetensors file"),
        (struct.pack("<Q", 99_000_000) + b"{}", "truncated: it ends within its header of 99000000 bytes"),
        (OVERLAP, "damaged: .*offset"),
        (file_of({"a": entry((1 << 62, 8))}, b"1234"), "damaged"),
        (file_of({"a": entry((3,))}, b"1234"), "damaged"),
        (file_of({"a": entry((-1,))}, b"1234"), "damaged"),
        (file_of({"a": entry(start=4, stop=0)}, b"1234"), "damaged"),
        (file_of({"a": entry(dtype="F99")}, b"1234"), "damaged"),
        (file_of({"a": entry(dtype="U32")}, b"1234"), "holds 'a' of dtype U32, which nbnn lacks"),
        (file_of(b'{"a":', b"1234"), "damaged"),
        (file_of(b'{"a":' + b"[" * 5000 + b"]" * 5000 + b"}"), "damaged"),
        (file_of({"a": [1, 2]}, b"1234"), "damaged"),
    ],
)
def test_files_that_are_not_to_be_trusted(content, match, tmp_path):
    path = tmp_path / "foreign.pt"
    path.write_bytes(content)
    with pytest.raises(ValueError, match="^load: .*foreign.pt' .*" + match):
        nbnn.load(path)


def test_bools_are_zero_or_one(tmp_path):
    (tmp_path / "x").write_bytes(file_of({"a": entry((3,), 0, 3, "BOOL")}, b"\x00\x02\xff"))
    assert nbnn.load(tmp_path / "x")["a"].numpy().view(np.uint8).tolist() == [0, 1, 1]


OPTIMIZERS = [
    ("SGD", {"lr": 0.1, "momentum": 0.9}),
    ("Adam", {"amsgrad": True}),
    ("AdamW", {}),
    ("RMSprop", {"centered": True, "momentum": 0.5}),
    ("Adagrad", {"lr_decay": 0.1}),
    ("Adadelta", {}),
    ("Adamax", {}),
    ("ASGD", {"t0": 1}),
    ("NAdam", {}),
    ("RAdam", {}),
    ("Rprop", {}),
    ("Adafactor", {}),
    ("Muon", {}),
    ("LBFGS", {"max_iter": 2, "line_search_fn": "strong_wolfe"}),
    ("SparseAdam", {}),
]


def training(name, options):
    """A model, its optimizer and scheduler, and a function that makes n steps."""
    nbnn.manual_seed(1)
    model = nbnn.nn.Sequential(
        nbnn.nn.Embedding(5, 4, sparse=name == "SparseAdam"), nbnn.nn.Dropout(0.3), nbnn.nn.Linear(4, 3, bias=False)
    )
    trained = model[0] if name == "SparseAdam" else model
    optimizer = getattr(nbnn.optim, name)(trained.parameters(), **options)
    scheduler = nbnn.optim.lr_scheduler.MultiStepLR(optimizer, [2, 4], gamma=0.3)

    def closure():
        optimizer.zero_grad()
        loss = model(nbnn.randint(0, 5, (6,))).square().mean()
        loss.backward()
        return loss

    def run(n):
        for _ in range(n):
            optimizer.step(closure)
            scheduler.step()

    return model, optimizer, scheduler, run


@pytest.mark.parametrize(("name", "options"), OPTIMIZERS, ids=[name for name, _ in OPTIMIZERS])
def test_training_goes_on_from_a_file_as_if_it_had_not_stopped(name, options, tmp_path):
    model, optimizer, scheduler, run = training(name, options)
    run(3)
    parts = {"model": model, "optimizer": optimizer, "scheduler": scheduler}
    states = {key: part.state_dict() for key, part in parts.items()} | {"random": nbnn.get_rng_state()}
    nbnn.save(states, tmp_path / "checkpoint")
    run(3)
    *parts, run = training(name, {})
    loaded = nbnn.load(tmp_path / "checkpoint")
    assert list(loaded["optimizer"]["state"]) == list(range(len(loaded["optimizer"]["state"])))
    for part, key in zip(parts, states, strict=False):
        part.load_state_dict(loaded[key])
    nbnn.set_rng_state(loaded["random"])
    run(3)
    assert same(parts[0].state_dict(), model.state_dict())
    assert same(parts[2].state_dict(), scheduler.state_dict())
