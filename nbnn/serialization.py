"""Files: checkpoints in the safetensors format, which holds arrays and text and nothing that could run."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import safetensors

from nbnn import dtypes
from nbnn._structure import KEY, DamagedError, Reader, Writer, is_plain, where
from nbnn.tensor import Tensor, flat, make

_CODES = {
    "BOOL": dtypes.bool_,
    "U8": dtypes.uint8,
    "I8": dtypes.int8,
    "I16": dtypes.int16,
    "I32": dtypes.int32,
    "I64": dtypes.int64,
    "F16": dtypes.float16,
    "BF16": dtypes.bfloat16,
    "F32": dtypes.float32,
    "F64": dtypes.float64,
    "C64": dtypes.complex64,
}


_ARRAYS: dict[str, Any] = {
    "U16": np.uint16,
    "U32": np.uint32,
    "U64": np.uint64,
}  # what arrays may be beside the types of Tensors
_ARRAYS |= {code: kind.numpy for code, kind in _CODES.items() if kind is not dtypes.bfloat16}


def save(obj: Any, f: Any, metadata: Mapping[str, str] | None = None) -> None:
    """Write a state dict, or a whole checkpoint, to a file in the safetensors format.

    Of a mapping of names to Tensors, such as ``module.state_dict()``, the file holds just these, one by one, as every
    reader of the format expects. Of anything else, such as a dict with the states of an optimizer and a scheduler, it
    holds the Tensors under their paths (``model.0.weight``) and the rest as text in its metadata; Tensors that are
    the same memory are written once.

    The file is written under a temporary name, forced to the disk and then renamed: whoever opens `f` finds the old
    file or the new one, never a part.

    Parameters
    ----------
    obj : object
        Of Tensors, NumPy arrays and scalars, dicts with strings or ints as keys (also OrderedDict and Counter), lists,
        tuples, `Size`, strings, ints, floats, bools and None.
    f : str, path or binary file
        Where to write.
    metadata : mapping, optional
        Of strings to strings: kept in the header of the file.

    Raises
    ------
    TypeError
        If `obj` holds anything else, or a Tensor or array of a type that the format lacks (complex128 is one); the
        error names its path.
    ValueError
        If `obj` contains itself or is nested over 100 levels deep, or if the text exceeds the format's limit of 100 MB.
    OSError
        If the file cannot be written.

    Examples
    --------
    >>> import nbnn, io
    >>> model = nbnn.nn.Linear(2, 1)
    >>> optimizer = nbnn.optim.Adam(model.parameters())
    >>> checkpoint = {"epoch": 3, "model": model.state_dict(), "optimizer": optimizer.state_dict()}
    >>> file = io.BytesIO()
    >>> nbnn.save(checkpoint, file)
    >>> _ = file.seek(0)
    >>> loaded = nbnn.load(file)
    >>> loaded["epoch"], model.load_state_dict(loaded["model"]), optimizer.load_state_dict(loaded["optimizer"])
    (3, <All keys matched successfully>, None)
    """
    notes = _checked_metadata(metadata)
    if is_plain(obj):
        entries = {name: (where((name,)), value) for name, value in obj.items()}
    else:
        writer = Writer()
        notes[KEY] = writer.structure(obj)
        entries = writer.entries
    arrays = {name: _host_array(label, value) for name, (label, value) in entries.items()}
    specs = {
        name: safetensors.TensorSpec(dtype=kind, shape=shape, data_ptr=values.ctypes.data, data_len=values.nbytes)
        for name, (kind, shape, values) in arrays.items()
    }
    try:
        if hasattr(f, "write"):
            f.write(safetensors.serialize(specs, notes or None))
            return
        path = Path(os.fsdecode(f)).resolve()
        with _replacing(path) as temporary:
            safetensors.serialize_file(specs, temporary, notes or None)
    except safetensors.SafetensorError as error:
        raise ValueError(f"save: {error}; put long lists of numbers into Tensors") from None


def _host_array(label: str, value: Any) -> tuple[str, tuple[int, ...], np.ndarray]:
    """The dtype, the shape and the elements in row-major order of a Tensor or array, kept alive until it is written."""
    if isinstance(value, np.ndarray):
        if value.dtype.newbyteorder("=") not in _ARRAYS.values():
            raise TypeError(f"save: {label} is an array of type {value.dtype}, which the format lacks")
        values = np.array(value, value.dtype.newbyteorder("="), order="C")
        return values.dtype.name, values.shape, values.reshape(-1)
    if value.dtype not in _CODES.values():
        raise TypeError(f"save: {label} is of type {value.dtype!r}, which the format lacks; save its view_as_real")
    return value.dtype.name, tuple(value.shape), flat(value.detach().cpu())


def _checked_metadata(metadata: Mapping[str, str] | None) -> dict[str, str]:
    notes = dict(metadata or {})
    for key, value in notes.items():
        if not isinstance(key, str) or not isinstance(value, str):
            raise TypeError(f"save: `metadata` must map strings to strings; got {key!r}: {value!r}")
    if KEY in notes:
        raise ValueError(f"save: the key {KEY!r} of `metadata` is taken: the structure of a checkpoint stands there")
    return notes


@contextlib.contextmanager
def _replacing(path: Path) -> Iterator[Path]:
    """A new file beside `path` that takes its place, whole and on the disk, once it is written."""
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    temporary.open("xb").close()
    try:
        yield temporary
        with temporary.open("rb+") as written:
            os.fsync(written.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    if os.name == "posix":  # the name too has to reach the disk
        directory = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)


def load(f: Any, map_location: Any = None, *, weights_only: bool = True, mmap: bool | None = None) -> Any:
    """Read what `save` wrote, or any file in the safetensors format.

    Nothing in the file is ever run: pickles, such as the ``.pt`` files of PyTorch, are refused. Sizes, types and
    offsets are checked before any Tensor is made, and the structure of a checkpoint while it is read.

    Parameters
    ----------
    f : str, path or binary file
        What to read.
    map_location : str, device, dict or callable, optional
        Where the Tensors go; by default the CPU. A dict is asked for ``"cpu"``; a callable is called with the Tensor
        and ``"cpu"``, and gives the Tensor that takes its place, or None to leave it.
    weights_only, mmap : bool
        Accepted for compatibility: a file holds nothing but data in either case, and is read as a whole.

    Returns
    -------
    object
        What was saved; of a file without a structure, an OrderedDict of names to Tensors. No Tensor requires a
        gradient, and a Parameter comes back as a Tensor, as from a state dict.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If the file is not in the format, damaged, or holds a type that nbnn lacks.

    Examples
    --------
    >>> import nbnn, os, tempfile
    >>> path = os.path.join(tempfile.mkdtemp(), "model.safetensors")
    >>> nbnn.save({"bias": nbnn.zeros(1)}, path)
    >>> nbnn.load(path)["bias"]
    tensor([0.])
    """
    if hasattr(f, "read"):
        label = repr(getattr(f, "name", None) or f)
        content = _read(f, label)
    else:
        label = repr(os.fsdecode(f))
        with open(f, "rb") as file:
            content = _read(file, label)
    try:
        entries = dict(sorted(safetensors.deserialize(content)))
    except safetensors.SafetensorError as error:
        raise ValueError(f"load: {label} is damaged: {error}") from None
    structure = _metadata(content).get(KEY)
    for name, entry in entries.items():
        if entry["dtype"] not in _CODES and (structure is None or entry["dtype"] not in _ARRAYS):
            raise ValueError(f"load: {label} holds {name!r} of dtype {entry['dtype']}, which nbnn lacks")
    place = _placer(map_location)
    if structure is None:
        return OrderedDict((name, place(_as_tensor(entry))) for name, entry in entries.items())
    makers = {"tensor": lambda entry: place(_as_tensor(entry)), "array": _as_array, "scalar": _as_scalar}
    try:
        return Reader(entries, makers).object(structure)
    except DamagedError as error:
        raise ValueError(f"load: {label} is damaged: its structure cannot be read: {error}") from None


def _metadata(content: bytes) -> dict[str, str]:
    """The strings in the header of a file that has passed the checks of the format."""
    return json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")]).get("__metadata__") or {}


def _placer(map_location: Any) -> Callable[[Tensor], Tensor]:
    """What brings a Tensor that was read to where `map_location` wants it."""
    if isinstance(map_location, Mapping):
        map_location = map_location.get("cpu")
    if map_location is None:
        return lambda t: t
    if not callable(map_location):
        return lambda t: t.to(map_location)

    def place(t: Tensor) -> Tensor:
        placed = map_location(t, "cpu")
        return t if placed is None else placed

    return place


_LONGEST_HEADER = 100_000_000  # bytes: the limit of the format


def _read(file: BinaryIO, label: str) -> bytes:
    """The whole file, once its beginning is that of a safetensors file."""
    start = file.read(9)
    if not isinstance(start, bytes):
        raise TypeError(f"load: {label} must be opened in binary mode")
    length = int.from_bytes(start[:8], "little")
    if len(start) < 9 or length > _LONGEST_HEADER or start[8:] != b"{":
        raise ValueError(f"load: {label} {_diagnosis(start)}")
    header = file.read(length - 1)
    if len(header) < length - 1:
        raise ValueError(f"load: {label} is truncated: it ends within its header of {length} bytes")
    return start + header + file.read()


def _diagnosis(start: bytes) -> str:
    """What a file that begins with `start` is, if not safetensors."""
    if start.startswith(b"PK\x03\x04"):
        what = "is a zip archive, as torch.save writes"
    elif len(start) > 1 and start[0] == 0x80 and start[1] in range(2, 6):
        what = "is a pickle"
    elif len(start) < 9:
        return f"is empty or truncated: it has {len(start)} bytes"
    else:
        return "is not a safetensors file: it does not begin with the format's header"
    return f"{what}; nbnn reads safetensors only and never unpickles: convert it with safetensors.torch.save_file"


def _as_tensor(entry: dict[str, Any]) -> Tensor:
    kind = _CODES.get(entry["dtype"])
    if kind is None:
        raise DamagedError(f"no Tensor is of dtype {entry['dtype']}")
    if kind is dtypes.bool_:  # a byte other than 0 and 1 is no bool to compiled code
        values = np.frombuffer(entry["data"], np.uint8) != 0
    else:
        values = np.frombuffer(entry["data"], kind.storage)
    return make(values, tuple(entry["shape"]), kind)


def _as_array(entry: dict[str, Any]) -> np.ndarray:
    kind = _ARRAYS.get(entry["dtype"])
    if kind is None:
        raise DamagedError(f"no array is of dtype {entry['dtype']}")
    values = np.frombuffer(entry["data"], np.uint8) != 0 if kind == np.bool_ else np.frombuffer(entry["data"], kind)
    return values.reshape(entry["shape"])


def _as_scalar(entry: dict[str, Any]) -> Any:
    if entry["shape"]:
        raise DamagedError(f"no scalar is of shape {entry['shape']}")
    return _as_array(entry)[()]
