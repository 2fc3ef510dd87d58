"""save and load: the safetensors format, its interchange with other readers, and files that are not to be trusted."""

from __future__ import annotations

import io
import json
import pickle
import struct
import zipfile
from collections import OrderedDict

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
        array=np.arange(3)[::-1],
        parameter=nbnn.Parameter(nbnn.ones(2)),
    )
    nbnn.save(state, tmp_path / "state")
    loaded = nbnn.load(tmp_path / "state")
    assert isinstance(loaded, OrderedDict)
    assert set(loaded) == set(state)
    for name, value in state.items():
        want = value.detach().numpy() if isinstance(value, nbnn.Tensor) else value
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


@pytest.mark.parametrize(
    ("value", "match"),
    [
        ({"nested": 1}, r"obj\['k'\] must be a Tensor or an array; got dict; only flat state dicts"),
        (1.5, "got float"),
        ([nbnn.ones(1)], "got list"),
        (None, "got NoneType"),
        (np.array([1 + 2j]), r"obj\['k'\]"),
        (np.array(["a"]), r"obj\['k'\]"),
    ],
)
def test_save_names_the_key_of_what_it_cannot_write(value, match, tmp_path):
    with pytest.raises(TypeError, match=match):
        nbnn.save({"fine": nbnn.ones(1), "k": value}, tmp_path / "x")
    assert list(tmp_path.iterdir()) == []


def test_save_refuses_what_is_no_state_dict(tmp_path):
    optimizer = nbnn.optim.SGD([nbnn.ones(1)])
    for obj, match in [
        (nbnn.ones(2), "`obj` must map names to Tensors; got Tensor"),
        (optimizer, "got SGD; pass its state_dict"),
        ({1: nbnn.ones(1)}, "keys of `obj` must be strings; got 1"),
    ]:
        with pytest.raises(TypeError, match=match):
            nbnn.save(obj, tmp_path / "x")
    with pytest.raises(ValueError, match="__metadata__"):
        nbnn.save({"__metadata__": nbnn.ones(1)}, tmp_path / "x")
    with pytest.raises(TypeError, match="`metadata` must map strings to strings"):
        nbnn.save({"a": nbnn.ones(1)}, tmp_path / "x", {"step": 7})


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
