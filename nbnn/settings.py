"""Settings that torch's programs make, and what they mean here."""

from __future__ import annotations

from typing import Any

from nbnn import dtypes
from nbnn.functional.typed import TensorType


class memory_format:
    """An order of the axes in memory. Accepted where torch takes one: nbnn's kernels work on row-major memory."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __repr__(self) -> str:
        return f"nbnn.{self.name}"


contiguous_format, preserve_format, channels_last, channels_last_3d = (
    memory_format(name) for name in ("contiguous_format", "preserve_format", "channels_last", "channels_last_3d")
)


def use_deterministic_algorithms(mode: bool, *, warn_only: bool = False) -> None:
    """Accepted: results have the same bits from run to run in any case, and for any number of threads.

    Examples
    --------
    >>> import nbnn
    >>> nbnn.use_deterministic_algorithms(True)
    """


def are_deterministic_algorithms_enabled() -> bool:
    """True: see `use_deterministic_algorithms`.

    Examples
    --------
    >>> import nbnn
    >>> nbnn.are_deterministic_algorithms_enabled()
    True
    """
    return True


def set_default_tensor_type(t: Any) -> None:
    """`set_default_dtype` by the name of a constructor, as old programs spell it.

    Parameters
    ----------
    t : TensorType or str
        ``nbnn.DoubleTensor``, or ``"torch.DoubleTensor"``.

    Raises
    ------
    TypeError
        If there is no such constructor of floating-point Tensors on the CPU.

    Examples
    --------
    >>> import nbnn
    >>> nbnn.set_default_tensor_type(nbnn.FloatTensor)
    """
    import nbnn.functional.typed as typed

    kind = getattr(typed, t.removeprefix("torch.").removeprefix("nbnn."), None) if isinstance(t, str) else t
    if not isinstance(kind, TensorType):
        raise TypeError(f"set_default_tensor_type: `t` (={t!r}) must be a constructor such as nbnn.FloatTensor")
    dtypes.set_default_dtype(kind.dtype)


def _assert(condition: Any, message: str) -> None:
    """``assert condition, message``, as functions that torch traces spell it."""
    assert condition, message


def set_num_interop_threads(num: int) -> None:
    """Accepted: operations run one after the other.

    Examples
    --------
    >>> import nbnn
    >>> nbnn.set_num_interop_threads(2)
    """


def get_num_interop_threads() -> int:
    """1: operations run one after the other.

    Examples
    --------
    >>> import nbnn
    >>> nbnn.get_num_interop_threads()
    1
    """
    return 1


def is_autocast_enabled(device_type: str | None = None) -> bool:
    """False: `autocast` changes nothing.

    Examples
    --------
    >>> import nbnn
    >>> nbnn.is_autocast_enabled()
    False
    """
    return False
