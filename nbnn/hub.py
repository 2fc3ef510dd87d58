"""Weights from elsewhere."""

from __future__ import annotations

import io
import urllib.request
from collections import OrderedDict
from pathlib import Path
from typing import Any

from nbnn.serialization import load
from nbnn.tensor import Tensor

__all__ = ["load_state_dict_from_url"]


def load_state_dict_from_url(
    url: str,
    model_dir: str | Path | None = None,
    map_location: Any = None,
    progress: bool = True,
    check_hash: bool = False,
    file_name: str | None = None,
) -> OrderedDict[str, Tensor]:
    """Download a state dict in the safetensors format.

    Parameters
    ----------
    url : str
        Where the file is.
    model_dir : str or path, optional
        A folder that keeps the file for the next time; without it nothing is kept.
    map_location : str or device, optional
        Where the Tensors go.
    progress, check_hash : bool
        Accepted: nothing is shown, and names hold no hash.
    file_name : str, optional
        The file's name in `model_dir`; by default the last part of the URL.

    Raises
    ------
    ValueError
        If the file is not in the format: pickles, such as ``.pth`` files, are never run.
    OSError
        If it cannot be had.

    Examples
    --------
    >>> import nbnn, pathlib, tempfile
    >>> file = pathlib.Path(tempfile.mkdtemp(), "model.safetensors")
    >>> nbnn.save({"bias": nbnn.zeros(1)}, file)
    >>> nbnn.hub.load_state_dict_from_url(file.as_uri())["bias"]
    tensor([0.])
    """
    kept = None if model_dir is None else Path(model_dir, file_name or url.rpartition("/")[2])
    if kept is not None and kept.exists():
        return load(kept, map_location)
    with urllib.request.urlopen(url) as answer:
        content = answer.read()
    found = load(io.BytesIO(content), map_location)  # before it is kept: what is no state dict is not
    if kept is not None:
        kept.parent.mkdir(parents=True, exist_ok=True)
        kept.write_bytes(content)
    return found
