"""Where memory lives and kernels run: host arrays, CUDA buffers, copies, launches, threads, random state.

A *storage* is a flat block of elements: a one-dimensional NumPy array on the CPU, a one-dimensional device array on
CUDA. Nothing above this room asks which of the two it has.
"""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from nbnn import _jit
from nbnn.kernels import _cpu
from nbnn.kernels import array as _array

Storage = Any


class device:
    """A place for Tensors: ``device("cpu")``, ``device("cuda")`` or ``device("cuda", 0)``.

    Raises
    ------
    ValueError
        For any other type or a negative index.

    Examples
    --------
    >>> import nbnn
    >>> nbnn.device("cuda:0").index
    0
    """

    __slots__ = ("index", "type")
    type: str
    index: int | None

    def __init__(self, type: Any, index: int | None = None) -> None:
        if isinstance(type, device):
            type, index = type.type, type.index if index is None else index
        if isinstance(type, int) and not isinstance(type, bool):
            type, index = "cuda", type
        if not isinstance(type, str):
            raise TypeError(f"device: `type` (={type!r}) must be a string such as 'cpu' or 'cuda:0'")
        name, colon, number = type.partition(":")
        if colon:
            index = int(number) if number.isdigit() else -1
        if name not in ("cpu", "cuda") or (index is not None and index < 0):
            raise ValueError(f"device: `type` (={type!r}) must be 'cpu', 'cuda' or 'cuda:<index>'")
        self.type = name
        self.index = index

    def __eq__(self, other: object) -> bool:
        return isinstance(other, device) and (self.type, self.index or 0) == (other.type, other.index or 0)

    def __hash__(self) -> int:
        return hash((self.type, self.index or 0))

    def __repr__(self) -> str:
        return f"device(type={self.type!r}" + ("" if self.index is None else f", index={self.index}") + ")"

    def __str__(self) -> str:
        return self.type if self.index is None else f"{self.type}:{self.index}"


CPU = device("cpu")
CUDA = device("cuda", 0)


def as_device(value: Any) -> device:
    """The device that `value` names; None is the CPU."""
    if value is None:
        return CPU
    return value if isinstance(value, device) else device(value)


def of(storage: Storage) -> device:
    """The device a storage lies on."""
    return CPU if isinstance(storage, np.ndarray) else CUDA


def _gpu() -> Any:
    from nbnn.kernels import _cuda

    return _cuda


def empty(size: int, dtype: np.dtype, where: device) -> Storage:
    """An uninitialised storage of `size` elements."""
    return np.empty(size, dtype) if where.type == "cpu" else _gpu().empty(size, dtype)


def full(size: int, dtype: np.dtype, where: device, value: Any) -> Storage:
    """A storage of `size` elements that all are `value`."""
    storage = empty(size, dtype, where)
    launch(_array.fill, (storage,), (), (value,), size)
    return storage


def to_host(storage: Storage) -> np.ndarray:
    """The storage as a NumPy array: itself on the CPU, a copy from CUDA."""
    return storage if isinstance(storage, np.ndarray) else _gpu().to_host(storage)


def from_host(array: np.ndarray, where: device) -> Storage:
    """A one-dimensional NumPy array as a storage on `where`: itself on the CPU, a copy on CUDA."""
    return array if where.type == "cpu" else _gpu().to_device(array)


def address(storage: Storage) -> int:
    """Where a storage begins in its device's memory."""
    return storage.ctypes.data if isinstance(storage, np.ndarray) else _gpu().address(storage)


def launch(
    kernel: _cpu.Kernel,
    outs: tuple,
    ins: tuple,
    params: tuple,
    n: int,
    work: int = 1,
    fast: Any = None,
    workspace: int = 0,
) -> None:
    """Run `kernel` over n items where its outputs lie.

    `work` is about the scalar operations of one item. On the CPU a measured path `fast` stands in for the kernel, with
    scratch memory of `workspace` elements of the first output's type.
    """
    if n == 0:
        return
    if not isinstance(outs[0], np.ndarray):
        _gpu().run(kernel, outs, ins, params, n)
    elif fast is None or outs[0].dtype.kind != "f":  # the measured paths are vectors of floating-point numbers
        _cpu.run(kernel, outs, ins, params, n, work)
    else:
        scratch = np.empty(workspace, outs[0].dtype)
        _cpu.enter_fast(fast, (*outs, *ins, scratch, *params), n * work)


def set_num_threads(num_threads: int) -> None:
    """Set how many threads CPU kernels use; at most the number Numba started with.

    The results do not depend on it, to the last bit.

    Raises
    ------
    ValueError
        If `num_threads` is less than 1.
    TypeError
        If it is no int.
    """
    if isinstance(num_threads, bool) or not hasattr(num_threads, "__index__"):
        raise TypeError(f"set_num_threads: `num_threads` (={num_threads!r}) must be an int")
    count = operator.index(num_threads)
    if count < 1:
        raise ValueError(f"set_num_threads: `num_threads` (={num_threads}) must be at least 1")
    _cpu.pool.threads = min(count, _cpu.pool.available)


def get_num_threads() -> int:
    """How many threads CPU kernels use."""
    return _cpu.pool.threads


class Generator:
    """State of the counter-based random numbers (Philox 4x32-10): a seed, and how many counters are used up.

    Parameters
    ----------
    device : str or device
        Accepted for compatibility: the numbers are the same on every device.

    Examples
    --------
    >>> import nbnn
    >>> g = nbnn.Generator().manual_seed(7)
    >>> g.initial_seed()
    7
    """

    def __init__(self, device: Any = "cpu") -> None:
        self.device = as_device(device)
        self._seed = 0
        self._offset = 0

    def manual_seed(self, seed: int) -> Generator:
        """Restart the stream that belongs to `seed` (any integer, taken modulo 2**63)."""
        self._seed = operator.index(seed) % (1 << 63)
        self._offset = 0
        return self

    def seed(self) -> int:
        """Take a seed from the operating system and return it."""
        import secrets

        self.manual_seed(secrets.randbits(63))
        return self._seed

    def initial_seed(self) -> int:
        """The seed of the stream."""
        return self._seed

    def next_offset(self, n: int) -> int:
        """Reserve n counters and return the first of them."""
        offset = self._offset
        self._offset += n
        return offset

    def get_state(self) -> tuple[int, int]:
        """The seed and the counter: enough to continue the stream elsewhere."""
        return self._seed, self._offset

    def set_state(self, state: tuple[int, int]) -> Generator:
        """Continue from a state that `get_state` returned."""
        self._seed, self._offset = int(state[0]), int(state[1])
        return self


default_generator = Generator()


def manual_seed(seed: int) -> Generator:
    """Seed the random numbers of dropout, of initialisation and of data order.

    The same seed gives the same numbers on any thread count and on CUDA.
    """
    return default_generator.manual_seed(seed)


def initial_seed() -> int:
    """The seed of the default generator."""
    return default_generator.initial_seed()


def cuda_is_available() -> bool:
    """Whether a GPU (or Numba's simulator of one) can be used."""
    return _jit.has_cuda()


def cuda_device_count() -> int:
    """How many GPUs there are; 0 where none can be used."""
    return _gpu().device_count() if cuda_is_available() else 0


def cuda_synchronize(device: Any = None) -> None:
    """Wait until the GPU has finished everything launched so far; nothing to wait for without one."""
    if cuda_is_available():
        _gpu().synchronize()
