"""Worker processes of a DataLoader: what runs in them, and how batches travel.

Each worker has two pipes of its own, one for tasks and one for results, and answers every task with exactly one reply,
in order. No lock or queue is shared between workers, so one that is killed takes nothing with it.
"""

from __future__ import annotations

import io
import itertools
import os
import pickle
import queue
import random
import signal
import struct
import threading
import traceback
import weakref
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from multiprocessing import parent_process
from multiprocessing.connection import Connection, wait
from multiprocessing.reduction import ForkingPickler
from typing import Any

import numpy as np

from nbnn.device import set_num_threads
from nbnn.generator import manual_seed
from nbnn.utils.data.dataset import IterableDataset, fetch_all, fetch_one, rows_reader

# The kinds of a reply.
BATCH, END, ERROR = "batch", "end", "error"


@dataclass(frozen=True)
class WorkerInfo:
    """What `get_worker_info` tells: which worker this is, of how many, its seed and its copy of the dataset."""

    id: int
    num_workers: int
    seed: int
    dataset: Any


_info: WorkerInfo | None = None


def get_worker_info() -> WorkerInfo | None:
    """In a worker process of a DataLoader, which one it is; None in the main process.

    Examples
    --------
    A stream that every worker reads a part of:

    >>> import nbnn
    >>> from itertools import islice
    >>> class Lines(nbnn.utils.data.IterableDataset):
    ...     def __iter__(self):
    ...         info = nbnn.utils.data.get_worker_info()
    ...         first, step = (0, 1) if info is None else (info.id, info.num_workers)
    ...         return islice(range(6), first, None, step)
    >>> [batch.tolist() for batch in nbnn.utils.data.DataLoader(Lines(), batch_size=3)]
    [[0, 1, 2], [3, 4, 5]]
    """
    return _info


# -- fetching -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Fetcher:
    """How samples of a dataset are fetched and collated.

    Attributes
    ----------
    batched : bool
        Whether a task is a list of indices, or a number of samples of a stream; otherwise it is a single one.
    whole : bool
        Whether batches of rows of Tensors may be taken at once, without `collate_fn`.
    """

    dataset: Any
    collate_fn: Callable[[Any], Any]
    batched: bool
    drop_last: bool
    whole: bool

    def start(self) -> Callable[[Any], Any]:
        """A function of a task that returns its batch, and raises StopIteration at the end of a stream."""
        if isinstance(self.dataset, IterableDataset):
            stream = iter(self.dataset)
            return lambda size: self._from_stream(stream, size)
        read = rows_reader(self.dataset) if self.whole else None
        return self._by_index if read is None else read

    def _from_stream(self, stream: Iterator[Any], size: Any) -> Any:
        if not self.batched:
            return self.collate_fn(next(stream))
        samples = list(itertools.islice(stream, size))
        if not samples or (self.drop_last and len(samples) < size):
            raise StopIteration
        return self.collate_fn(samples)

    def _by_index(self, task: Any) -> Any:
        try:
            if not self.batched:
                return self.collate_fn(fetch_one(self.dataset, task))
            return self.collate_fn(fetch_all(self.dataset, task))
        except StopIteration as error:  # it would end the loop over the batches without a word
            raise RuntimeError("DataLoader: the dataset raised StopIteration for an index") from error


# -- transport ------------------------------------------------------------------------------------------------------

_SMALL = 16384  # bytes: larger buffers travel by themselves, uncopied by pickle


def pack(value: Any) -> list[bytes]:
    """`value` as messages: a table of sizes, the pickled structure, then the memory of large arrays."""
    buffers: list[bytes] = []

    def keep_apart(buffer: pickle.PickleBuffer) -> bool:
        raw = buffer.raw()
        if raw.nbytes < _SMALL:
            return True
        buffers.append(bytes(raw))  # a copy: the dataset may write the next sample into the same array
        return False

    stream = io.BytesIO()
    ForkingPickler(stream, 5, True, keep_apart).dump(value)  # type: ignore[call-arg]
    sizes = struct.pack(f"<{len(buffers)}Q", *map(len, buffers))
    return [sizes, stream.getvalue(), *buffers]


def receive(connection: Connection) -> Any:
    """The next value that was packed and sent through `connection`, in fresh writable memory."""
    sizes = connection.recv_bytes()
    structure = connection.recv_bytes()
    buffers = []
    for (size,) in struct.iter_unpack("<Q", sizes):
        buffers.append(np.empty(size, np.uint8))
        connection.recv_bytes_into(buffers[-1])
    return pickle.loads(structure, buffers=buffers)


def error_reply(error: BaseException, worker_id: int) -> tuple[type, str]:
    """The type of an exception, and a text with where it happened and the traceback."""
    trace = "".join(traceback.format_exception(type(error), error, error.__traceback__))
    return type(error), f"{type(error).__name__} in worker {worker_id} of a DataLoader; there:\n{trace}"


class _Text(str):
    """A message that KeyError, which shows the repr of its argument, shows with its line breaks."""

    __slots__ = ()

    def __repr__(self) -> str:
        return str(self)


def raise_reply(kind: type[BaseException], text: str) -> None:
    """Raise the exception of a worker here, with the same type where that takes a message."""
    if issubclass(kind, StopIteration):
        kind = RuntimeError
    error: BaseException
    try:
        error = kind(_Text(text))
    except Exception:  # a constructor that wants something else
        error = RuntimeError(text)
    try:
        raise error from None
    finally:
        del error  # else its traceback and this frame keep each other, and the iterator's processes, alive


# -- the process ----------------------------------------------------------------------------------------------------

# The ends of pipes that this process keeps, of all loaders. A forked child inherits them and closes them, so that a
# worker sees the end of its tasks when the main process closes or dies.
parent_ends: weakref.WeakSet[Connection] = weakref.WeakSet()


def run(
    fetcher: Fetcher,
    tasks: Connection,
    results: Connection,
    worker_id: int,
    num_workers: int,
    init_fn: Callable[[int], None] | None,
) -> None:
    """Answer ``(epoch, seed, task)`` with ``(epoch, kind, payload)`` until the pipe of tasks closes."""
    for connection in list(parent_ends):
        connection.close()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # an interrupt is for the main process, which ends the workers
    set_num_threads(1)
    replies: queue.SimpleQueue[list[bytes] | None] = queue.SimpleQueue()
    sender = threading.Thread(target=_send_all, args=(results, replies), daemon=True)
    sender.start()
    worker = _Worker(fetcher, worker_id, num_workers, init_fn)
    main = parent_process()
    while True:
        ready = wait([tasks] if main is None else [tasks, main.sentinel])
        if tasks not in ready:
            os._exit(1)  # the main process died
        try:
            epoch, seed, task = tasks.recv()
        except (EOFError, OSError):
            break
        kind, payload = worker.answer(epoch, seed, task)
        try:
            message = pack((epoch, kind, payload))
        except Exception as error:  # the batch, or the type of an exception, cannot be pickled
            text = payload[1] if kind == ERROR else error_reply(error, worker_id)[1]
            message = pack((epoch, ERROR, (RuntimeError, text)))
        replies.put(message)
    replies.put(None)
    sender.join()


def _send_all(results: Connection, replies: queue.SimpleQueue) -> None:
    """Send replies while the next batch is being made."""
    try:
        while (message := replies.get()) is not None:
            for part in message:
                results.send_bytes(part)
    except OSError:  # nobody listens any more
        pass


class _Worker:
    """What a worker process keeps from task to task."""

    def __init__(
        self, fetcher: Fetcher, worker_id: int, num_workers: int, init_fn: Callable[[int], None] | None
    ) -> None:
        self._fetcher = fetcher
        self._id = worker_id
        self._num_workers = num_workers
        self._init_fn = init_fn
        self._epoch = -1
        self._fetch: Callable[[Any], Any] | None = None

    def answer(self, epoch: int, seed: int, task: Any) -> tuple[str, Any]:
        """The kind of the reply and its payload."""
        try:
            if epoch != self._epoch:
                self._epoch, self._fetch = epoch, None
                self._fetch = self._begin(seed)
            return (END, None) if self._fetch is None else (BATCH, self._fetch(task))
        except StopIteration:
            self._fetch = None
            return END, None
        except Exception as error:
            return ERROR, error_reply(error, self._id)

    def _begin(self, seed: int) -> Callable[[Any], Any]:
        """Seed every source of random numbers and start over in the dataset."""
        global _info
        first, _info = _info is None, WorkerInfo(self._id, self._num_workers, seed, self._fetcher.dataset)
        random.seed(seed)
        np.random.seed(seed % (1 << 32))  # noqa: NPY002  (for the legacy calls of users' datasets)
        manual_seed(seed)
        if first and self._init_fn is not None:
            self._init_fn(self._id)
        return self._fetcher.start()
