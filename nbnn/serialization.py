"""Files: state dicts in the safetensors format, which holds arrays and nothing that could run."""

from __future__ import annotations

import contextlib
import os
import secrets
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import safetensors

from nbnn import dtypes
from nbnn.tensor import Tensor, flat, from_array, make

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


def save(obj: Mapping[str, Any], f: Any, metadata: Mapping[str, str] | None = None) -> None:
    """Write a state dict to a file in the safetensors format.

    The file is written under a temporary name, forced to the disk and then renamed: whoever opens `f` finds the old
    file or the new one, never a part. Tensors that share memory are written one by one.

    Parameters
    ----------
    obj : mapping
        Of names to Tensors or NumPy arrays, such as ``module.state_dict()``.
    f : str, path or binary file
        Where to write.
    metadata : mapping, optional
        Of strings to strings: kept in the header of the file.

    Raises
    ------
    TypeError
        If `obj` is no mapping, or an entry is no Tensor or array of a type that the format has (complex128 is none);
        the error names its key.
    OSError
        If the file cannot be written.

    Examples
    --------
    >>> import nbnn, io
    >>> file = io.BytesIO()
    >>> nbnn.save({"weight": nbnn.ones(2)}, file)
    >>> _ = file.seek(0)
    >>> nbnn.load(file)["weight"]
    tensor([1., 1.])
    """
    arrays = _host_arrays(obj)
    specs = {
        name: safetensors.TensorSpec(dtype=kind.name, shape=shape, data_ptr=values.ctypes.data, data_len=values.nbytes)
        for name, (kind, shape, values) in arrays.items()
    }
    notes = _checked_metadata(metadata)
    if hasattr(f, "write"):
        f.write(safetensors.serialize(specs, notes))
        return
    path = Path(os.fsdecode(f)).resolve()
    with _replacing(path) as temporary:
        safetensors.serialize_file(specs, temporary, notes)


def _host_arrays(obj: Any) -> dict[str, tuple[dtypes.dtype, tuple[int, ...], np.ndarray]]:
    """For each name the dtype, the shape and the elements in row-major order, kept alive until they are written."""
    if not isinstance(obj, Mapping):
        hint = "; pass its state_dict()" if hasattr(obj, "state_dict") else ""
        raise TypeError(f"save: `obj` must map names to Tensors; got {type(obj).__name__}{hint}")
    arrays = {}
    for name, value in obj.items():
        if not isinstance(name, str):
            raise TypeError(f"save: the keys of `obj` must be strings; got {name!r} ({type(name).__name__})")
        if name == "__metadata__":
            raise ValueError("save: the key '__metadata__' is the format's own; rename the Tensor")
        if isinstance(value, np.ndarray):
            try:
                value = from_array(value)
            except TypeError as error:
                raise TypeError(f"save: obj[{name!r}]: {error}") from None
        if not isinstance(value, Tensor):
            raise TypeError(
                f"save: obj[{name!r}] must be a Tensor or an array; got {type(value).__name__}; "
                "only flat state dicts can be saved"
            )
        if value.dtype not in _CODES.values():
            raise TypeError(
                f"save: obj[{name!r}] is of type {value.dtype!r}, which the format lacks; save its view_as_real"
            )
        values = flat(value.detach().cpu())
        arrays[name] = value.dtype, tuple(value.shape), values
    return arrays


def _checked_metadata(metadata: Mapping[str, str] | None) -> dict[str, str] | None:
    if metadata is None:
        return None
    for key, value in metadata.items():
        if not isinstance(key, str) or not isinstance(value, str):
            raise TypeError(f"save: `metadata` must map strings to strings; got {key!r}: {value!r}")
    return dict(metadata)


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


def load(f: Any, map_location: Any = None) -> OrderedDict[str, Tensor]:
    """Read a state dict from a file in the safetensors format.

    Nothing in the file is ever run: pickles, such as the ``.pt`` files of PyTorch, are refused. Sizes, types and
    offsets are checked before any Tensor is made.

    Parameters
    ----------
    f : str, path or binary file
        What to read.
    map_location : str or device, optional
        Where the Tensors go; by default the CPU.

    Returns
    -------
    OrderedDict
        Of names to Tensors.

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
        entries = dict(safetensors.deserialize(content))
    except safetensors.SafetensorError as error:
        raise ValueError(f"load: {label} is damaged: {error}") from None
    for name, entry in entries.items():
        if entry["dtype"] not in _CODES:
            raise ValueError(f"load: {label} holds {name!r} of dtype {entry['dtype']}, which nbnn lacks")
    loaded = ((name, _as_tensor(entry)) for name, entry in sorted(entries.items()))
    if map_location is None:
        return OrderedDict(loaded)
    return OrderedDict((name, t.to(map_location)) for name, t in loaded)


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
    kind = _CODES[entry["dtype"]]
    if kind is dtypes.bool_:  # a byte other than 0 and 1 is no bool to compiled code
        values = np.frombuffer(entry["data"], np.uint8) != 0
    else:
        values = np.frombuffer(entry["data"], kind.storage)
    return make(values, tuple(entry["shape"]), kind)
