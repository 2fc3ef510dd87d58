"""Where memory lives and kernels run: host arrays, CUDA buffers, copies, launches, threads.

A *storage* is a flat block of elements: a one-dimensional NumPy array on the CPU, a one-dimensional device array on
CUDA. Nothing above this room asks which of the two it has.
"""

from __future__ import annotations

import contextlib
import ctypes
import functools
import itertools
import operator
import os
import threading
import weakref
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from nbnn import _jit
from nbnn.kernels import _cpu
from nbnn.kernels import array as _array

Storage = Any


class device:
    """A place for Tensors: ``device("cpu")``, ``device("cuda")`` or ``device("cuda", 0)``.

    As a context manager it is the place of what is made inside without naming one.

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

    def __enter__(self) -> device:
        _places.append(self)
        return self

    def __exit__(self, *raised: object) -> None:
        _places.pop()

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
_places = [CPU]  # the last one is where Tensors are made that name no place


def as_device(value: Any) -> device:
    """The device that `value` names; None is the CPU, or what was set by `set_default_device`."""
    if value is None:
        return _places[-1]
    return value if isinstance(value, device) else device(value)


def get_default_device() -> device:
    """Where Tensors are made that name no device.

    Examples
    --------
    >>> import nbnn
    >>> nbnn.get_default_device()
    device(type='cpu')
    """
    return _places[-1]


def set_default_device(device: Any) -> None:
    """Choose where Tensors are made that name no device; None is the CPU.

    ``with nbnn.device(...)`` does so for a block. What shares memory that lies somewhere (`from_numpy`, `as_tensor` of
    a Tensor) stays there.

    Raises
    ------
    ValueError
        If there is no such device.

    Examples
    --------
    >>> import nbnn
    >>> nbnn.set_default_device("cpu")
    """
    _places[-1] = CPU if device is None else as_device(device)


def of(storage: Storage) -> device:
    """The device a storage lies on."""
    return CPU if isinstance(storage, np.ndarray) else CUDA


def _gpu() -> Any:
    from nbnn.kernels import _cuda

    return _cuda


_SMALL = 1 << 16  # bytes: up to here the C library hands the same memory out again by itself, 1.2 us sooner
_ALIGNMENT = 64  # a cache line, and a vector of 512 bits


def _idle_limit() -> int:
    """How many bytes may lie idle: an eighth of the machine's memory, at most 2 GB."""
    try:
        memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        memory = 1 << 32
    return min(memory // 8, 1 << 31)


class _Lease(weakref.ref):
    """An array over a block; when its last view is gone, the callback puts the lease back on the shelf of its block."""

    __slots__ = ("block", "returned")
    block: tuple[Any, int, Callable]  # the memory, its key in `HostMemory.out`, the callback
    returned: int


class HostMemory:
    """Large blocks of host memory that are kept when their last array dies, and handed out again.

    A fresh block of megabytes costs a page fault for each 4 KB on its first use, as much as the kernel that fills it
    (two live results of 1 MB in turns: 590 microseconds against 140). An array of `empty` is what every view, NumPy
    array and DLPack capsule over its memory keeps alive; when it dies, the block goes back on the shelf of its size,
    eight sizes to each power of two. The most recently returned is used first.

    Blocks below 1 MB go back without a line of Python (0.9 microseconds for the round, where a locked account takes
    1.6); all of them together are a quarter of `limit` at most, and what goes beyond that is no block. While more than
    `limit` bytes of larger ones lie idle, the one that was returned longest ago is freed.
    """

    LARGE = 1 << 20  # bytes from which a return is accounted for

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.start()

    def start(self) -> None:
        """Begin with nothing idle; a forked child does so too, because another thread may have held the lock."""
        # re-entrant, because a callback can run in the middle of `empty` on the same thread
        self.lock = threading.RLock()
        self.shelves: dict[int, list[_Lease]] = {}  # what lies idle, by the bytes of a block
        self.out: dict[int, _Lease] = {}  # keeps each lease alive, for its callback
        self.small = self.idle_large = self.returns = 0

    @property
    def idle_bytes(self) -> int:
        """How many bytes lie idle."""
        return sum(room * len(shelf) for room, shelf in list(self.shelves.items()))

    def empty(self, size: int, dtype: np.dtype) -> np.ndarray:
        """An uninitialised array of `size` elements on an idle block, or on a new one."""
        nbytes = size * dtype.itemsize
        step = max(4096, 1 << (nbytes.bit_length() - 4))
        room = (nbytes + step - 1) & -step
        try:
            block = self.shelves[room].pop().block if room < self.LARGE else self._take_large(room)
        except (KeyError, IndexError):
            made = self._new(room)
            if made is None:
                return np.empty(size, dtype)
            block = made
        memory, key, put_back = block
        array = np.ndarray(size, dtype, memory)
        self.out[key] = lease = _Lease(array, put_back)
        lease.block = block
        return array

    def _take_large(self, room: int) -> tuple[Any, int, Callable]:
        with self.lock:
            lease = self.shelves[room].pop()
            self.idle_large -= room
            return lease.block

    def _new(self, room: int) -> tuple[Any, int, Callable] | None:
        with self.lock:
            shelf = self.shelves.setdefault(room, [])
            if room < self.LARGE:
                if self.small + room > self.limit // 4:
                    return None
                self.small += room
        memory = np.empty(room + _ALIGNMENT, np.uint8)
        skip = -memory.ctypes.data % _ALIGNMENT
        put_back = shelf.append if room < self.LARGE else functools.partial(self._put_back, shelf, room)
        # a ctypes array, because NumPy lets the views of an array over a memoryview refer to what is below both
        return (ctypes.c_char * room).from_buffer(memory, skip), memory.ctypes.data, put_back  # type: ignore[arg-type]

    def _put_back(self, shelf: list[_Lease], room: int, lease: _Lease) -> None:
        with self.lock:
            self.returns += 1
            lease.returned = self.returns
            shelf.append(lease)
            self.idle_large += room
            if self.idle_large > self.limit:
                self._shrink(self.limit)

    def _shrink(self, limit: int) -> None:
        """Free large blocks until no more than `limit` bytes lie idle, those that were returned first to begin with."""
        while self.idle_large > limit:
            room = min(
                (r for r, shelf in self.shelves.items() if r >= self.LARGE and shelf),
                key=lambda r: self.shelves[r][0].returned,
            )
            del self.out[self.shelves[room].pop(0).block[1]]
            self.idle_large -= room

    def clear(self) -> None:
        """Free all that lies idle."""
        with self.lock:
            self._shrink(0)
            for room, shelf in self.shelves.items():
                while shelf:
                    del self.out[shelf.pop().block[1]]
                    self.small -= room


host_memory = HostMemory(_idle_limit())
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=host_memory.start)


def empty_cache() -> None:
    """Give idle host memory back to the system.

    Tensors of more than 64 KB leave their memory for the next Tensor of about that size, because memory that is fresh
    from the system is slow to touch. At most an eighth of the machine's memory, and at most 2 GB, is kept so; this
    frees it. It never concerns memory that a Tensor, a view or an array still uses.

    Examples
    --------
    >>> import nbnn
    >>> x = nbnn.zeros(1000, 1000)
    >>> del x
    >>> nbnn.empty_cache()
    """
    host_memory.clear()


def _gpu_for(dtype: np.dtype) -> Any:
    """The GPU, for numbers that it takes."""
    if dtype.kind == "c":
        raise TypeError(f"device: complex Tensors lie on the CPU; got {dtype} for cuda")
    return _gpu()


def empty(size: int, dtype: np.dtype, where: device) -> Storage:
    """An uninitialised storage of `size` elements."""
    return host_empty(size, dtype) if where.type == "cpu" else _gpu_for(dtype).empty(size, dtype)


def host_empty(size: int, dtype: np.dtype) -> np.ndarray:
    """An uninitialised storage of `size` elements on the CPU."""
    return np.empty(size, dtype) if size * dtype.itemsize <= _SMALL else host_memory.empty(size, dtype)


def allocator(like: np.ndarray) -> Callable[[int, np.dtype], np.ndarray]:
    """What makes an uninitialised storage of the size of `like`."""
    return np.empty if like.nbytes <= _SMALL else host_memory.empty


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
    return array if where.type == "cpu" else _gpu_for(array.dtype).to_device(array)


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
        scratch = empty(workspace, outs[0].dtype, CPU)
        _cpu.enter_fast(fast, (*outs, *ins, scratch, *params), n * work)


def launch_fast(fast: Any, outs: tuple, ins: tuple, params: tuple, work: int, workspace: int = 0) -> bool:
    """Run a measured path that does in one call what takes several kernels elsewhere.

    Returns False, having done nothing, where there is none (None) or the memory is not that of the CPU.
    """
    if fast is None or not isinstance(outs[0], np.ndarray) or outs[0].dtype.kind != "f":
        return False
    _cpu.enter_fast(fast, (*outs, *ins, empty(workspace, outs[0].dtype, CPU), *params), work)
    return True


def watch_indices(storage: Storage, size: int, ignored: int, refusal: Callable, where: tuple) -> Storage | None:
    """On CUDA a copy of int64 indices with 0 for each outside of [0, size) that is not `ignored`; None on the CPU.

    ``refusal(*where, position, value)`` of the first such index is raised when the host next waits for the device: by
    `to_host` or `cuda_synchronize`.
    """
    return None if isinstance(storage, np.ndarray) else _gpu().watch_indices(storage, size, ignored, refusal, where)


class Table:
    """Storages of one dtype on the CPU in equally long columns, over which one launch of a kernel runs.

    Row r is one storage of each column, of ``sizes[r]`` elements. The columns given here stay, with the addresses of
    their storages; one more column, `moving`, is set for each launch.
    """

    PIECE = 16384  # elements: the work is split so whatever the number of threads
    _entries: dict[tuple[Any, np.dtype], Any] = {}  # the compiled code of each kernel, by the dtype of its arrays

    def __init__(self, sizes: tuple[int, ...], storages: list[np.ndarray]) -> None:
        self.storages = storages
        self.rows = len(sizes)
        self.pieces = _pieces(sizes)
        self._elements = sum(sizes)
        starts = _cpu.addresses(storages)
        self._addresses = np.array(starts + [0] * self.rows, np.int64)
        spans = sorted((start, start + s.nbytes) for start, s in zip(starts, storages, strict=True))
        # of two storages that overlap, threads could write the same element
        self.disjoint = all(a[1] <= b[0] for a, b in itertools.pairwise(spans))

    def holds(self, storages: list) -> bool:
        """Whether these are the storages that the table was made of."""
        return len(storages) == len(self.storages) and all(map(operator.is_, storages, self.storages))

    def launch(self, kernel: _cpu.Kernel, moving: list[np.ndarray], values: Sequence[float], floats: int) -> None:
        """Call ``body(i, *row, *numbers)`` of an `over_rows` kernel for each element of each row.

        `moving` is the last column; `values` are the `floats` numbers of all rows, or those of each row in turn.
        """
        step = floats if len(values) > floats else 0
        args = (*self._point(moving), np.array(values, np.float64), step, self._likes(moving), (0.0,) * floats)
        self._enter(kernel.table, args, moving[0].dtype)

    def reduce(self, kernel: _cpu.Kernel, moving: list[np.ndarray], out: np.ndarray, params: tuple) -> None:
        """Run an `over_ranges` kernel, ``body(start, stop, grain, out, addresses, pieces, likes, *params)``."""
        self._enter(kernel.cpu, (out, *self._point(moving), self._likes(moving), *params), moving[0].dtype)

    def _point(self, moving: list[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
        self._addresses[len(self.storages) :] = _cpu.addresses(moving)
        return self._addresses, self.pieces

    def _likes(self, moving: list[np.ndarray]) -> tuple[np.ndarray, ...]:
        return (moving[0],) * (self._addresses.size // self.rows)

    def _enter(self, compiled: Any, args: tuple, kind: np.dtype) -> None:
        count = self.pieces.size // 4
        if count == 0:
            return
        grain = 1 if self._elements > _cpu.TABLE_SERIAL else count
        # a dispatcher would look at each array of the tuples: 4 microseconds for Adam
        entry = self._entries.get((compiled, kind))
        _cpu.enter(compiled if entry is None else entry, (args,), count, grain)
        if entry is None:
            self._entries[compiled, kind] = _cpu.entry_point(compiled, (args, 0, count, grain, 0))


@functools.lru_cache(maxsize=256)
def _pieces(sizes: tuple[int, ...]) -> np.ndarray:
    """(row, size, start, stop) of each piece of work."""
    rows = [
        (row, size, start, min(size, start + Table.PIECE))
        for row, size in enumerate(sizes)
        for start in range(0, size, Table.PIECE)
    ]
    return np.array(rows, np.int64).reshape(-1)


def set_num_threads(num_threads: int) -> None:
    """Set how many threads CPU kernels use; at most the number Numba started with.

    The results do not depend on it, to the last bit.

    Raises
    ------
    ValueError
        If `num_threads` is less than 1.
    TypeError
        If it is no int.

    Examples
    --------
    >>> import nbnn
    >>> before = nbnn.get_num_threads()
    >>> nbnn.set_num_threads(1)
    >>> nbnn.get_num_threads()
    1
    >>> nbnn.set_num_threads(before)
    """
    if isinstance(num_threads, bool) or not hasattr(num_threads, "__index__"):
        raise TypeError(f"set_num_threads: `num_threads` (={num_threads!r}) must be an int")
    count = operator.index(num_threads)
    if count < 1:
        raise ValueError(f"set_num_threads: `num_threads` (={num_threads}) must be at least 1")
    _cpu.pool.threads = min(count, _cpu.pool.available)


def get_num_threads() -> int:
    """How many threads CPU kernels use.

    Examples
    --------
    >>> import nbnn
    >>> nbnn.get_num_threads() >= 1
    True
    """
    return _cpu.pool.threads


@contextlib.contextmanager
def fewer_threads(parts: int) -> Iterator[None]:
    """Give each kernel the part of the threads that it has while `parts` Python threads launch kernels."""
    before = _cpu.pool.threads
    _cpu.pool.threads = max(1, before // parts)
    try:
        yield
    finally:
        _cpu.pool.threads = before


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
