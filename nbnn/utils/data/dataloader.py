"""DataLoader: batches of a dataset, made here or in worker processes."""

from __future__ import annotations

import copy
import itertools
import math
import multiprocessing
import os
import pickle
import signal
import time
import weakref
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from multiprocessing.connection import wait
from typing import Any

import numpy as np

from nbnn.functional import _check
from nbnn.generator import Generator, default_generator
from nbnn.utils.data import worker as _worker
from nbnn.utils.data.collate import default_collate, default_convert
from nbnn.utils.data.dataset import IterableDataset
from nbnn.utils.data.sampler import BatchSampler, RandomSampler, SequentialSampler


class DataLoader:
    """An iterable over the batches of a dataset.

    Parameters
    ----------
    dataset : Dataset
        Anything with ``__getitem__`` and ``__len__``, or an `IterableDataset`.
    batch_size : int or None
        Samples in a batch; None gives single samples.
    shuffle : bool, optional
        Visit the samples in a new random order in each epoch; the same orders after the same `nbnn.manual_seed`, for
        any number of workers.
    sampler : Sampler or iterable, optional
        Gives the indices, instead of `shuffle`.
    batch_sampler : Sampler or iterable, optional
        Gives lists of indices, instead of `batch_size`, `shuffle`, `sampler` and `drop_last`.
    num_workers : int
        How many processes make batches ahead of time; 0 makes them here. Batches come in the same order. A worker runs
        kernels on one thread.
    collate_fn : callable, optional
        Makes a batch of a list of samples; by default `default_collate`.
    pin_memory : bool
        Accepted for compatibility, without effect.
    drop_last : bool
        Leave out a last batch that is not full.
    timeout : float
        Seconds to wait for a batch of a worker; 0 waits as long as the worker lives.
    worker_init_fn : callable, optional
        Called with the number of the worker in each of them, after seeding.
    multiprocessing_context : str or context, optional
        How processes start ("fork", "spawn", "forkserver"); by default as Python does on this system.
    generator : Generator, optional
        Source of the order and of the seeds of the workers; by default the one that `nbnn.manual_seed` seeds.
    prefetch_factor : int, optional
        How many batches each worker makes ahead; 2 by default.
    persistent_workers : bool
        Keep the processes from one epoch to the next.
    pin_memory_device : str
        Accepted for compatibility, without effect.
    in_order : bool
        Whether batches must come in the order of their indices; they do in any case.

    Raises
    ------
    ValueError
        If a number is out of its range, or arguments contradict each other.
    TypeError
        If an argument is of the wrong type.

    Examples
    --------
    >>> import nbnn
    >>> x, y = nbnn.arange(6).reshape(3, 2), nbnn.tensor([0, 1, 0])
    >>> loader = nbnn.utils.data.DataLoader(nbnn.utils.data.TensorDataset(x, y), batch_size=2)
    >>> len(loader)
    2
    >>> for inputs, targets in loader:
    ...     print(inputs.tolist(), targets.tolist())
    [[0, 1], [2, 3]] [0, 1]
    [[4, 5]] [0]
    """

    def __init__(
        self,
        dataset: Any,
        batch_size: int | None = 1,
        shuffle: bool | None = None,
        sampler: Iterable | None = None,
        batch_sampler: Iterable | None = None,
        num_workers: int = 0,
        collate_fn: Callable[[Any], Any] | None = None,
        pin_memory: bool = False,
        drop_last: bool = False,
        timeout: float = 0,
        worker_init_fn: Callable[[int], None] | None = None,
        multiprocessing_context: Any = None,
        generator: Generator | None = None,
        *,
        prefetch_factor: int | None = None,
        persistent_workers: bool = False,
        pin_memory_device: str = "",
        in_order: bool = True,
    ) -> None:
        self.dataset = dataset
        self.num_workers = _check.integer("DataLoader", "num_workers", num_workers, 0)
        self.timeout = _check.number("DataLoader", "timeout", timeout)
        self.worker_init_fn = worker_init_fn
        self.generator = generator
        self.pin_memory = pin_memory
        self.pin_memory_device = pin_memory_device
        self.in_order = in_order
        self.persistent_workers = persistent_workers
        self._choose_workers(prefetch_factor, multiprocessing_context)
        self._choose_order(batch_size, shuffle, sampler, batch_sampler, drop_last)
        if collate_fn is None:
            collate_fn = default_convert if self._index_sampler is not self.batch_sampler else default_collate
        self.collate_fn = collate_fn
        self._pool: _Workers | None = None

    def _choose_workers(self, prefetch_factor: int | None, context: Any) -> None:
        if self.timeout < 0:
            raise ValueError(f"DataLoader: `timeout` (={self.timeout}) must be at least 0")
        if self.num_workers == 0 and (prefetch_factor is not None or self.persistent_workers):
            raise ValueError(
                f"DataLoader: prefetch_factor={prefetch_factor} and persistent_workers={self.persistent_workers} "
                "need `num_workers` (=0) above 0"
            )
        if self.num_workers > 0 and prefetch_factor is None:
            prefetch_factor = 2
        if prefetch_factor is not None:
            _check.integer("DataLoader", "prefetch_factor", prefetch_factor, 1)
        self.prefetch_factor = prefetch_factor
        if context is None or isinstance(context, str):
            if context is not None and context not in (known := multiprocessing.get_all_start_methods()):
                raise ValueError(f"DataLoader: `multiprocessing_context` (={context!r}) must be one of {known}")
            context = multiprocessing.get_context(context)
        self.multiprocessing_context = context

    def _choose_order(
        self, batch_size: int | None, shuffle: bool | None, sampler: Any, batch_sampler: Any, drop_last: bool
    ) -> None:
        stream = isinstance(self.dataset, IterableDataset)
        if stream and (shuffle or sampler is not None or batch_sampler is not None):
            raise ValueError(
                "DataLoader: an IterableDataset has its own order: no `shuffle`, `sampler`, `batch_sampler`"
            )
        if sampler is not None and shuffle:
            raise ValueError("DataLoader: `sampler` and shuffle=True exclude each other")
        if batch_sampler is not None:
            if batch_size not in (1, None) or shuffle or sampler is not None or drop_last:
                raise ValueError(
                    "DataLoader: `batch_sampler` excludes `batch_size`, `shuffle`, `sampler` and `drop_last`"
                )
            batch_size = None
        elif batch_size is None and drop_last:
            raise ValueError("DataLoader: batch_size=None excludes drop_last=True")
        if not stream and sampler is None:
            if shuffle:
                sampler = RandomSampler(self.dataset, generator=self.generator)
            else:
                sampler = SequentialSampler(self.dataset)
        if batch_size is not None:
            if stream:
                _check.integer("DataLoader", "batch_size", batch_size, 1)
                batch_sampler = itertools.repeat(batch_size)
            else:
                batch_sampler = BatchSampler(sampler, batch_size, drop_last)
        self.batch_size, self.drop_last = batch_size, drop_last
        self.sampler, self.batch_sampler = sampler, batch_sampler
        single = itertools.repeat(None) if stream else sampler
        self._index_sampler = single if batch_sampler is None else batch_sampler

    def __len__(self) -> int:
        if not isinstance(self.dataset, IterableDataset):
            return len(self._index_sampler)  # type: ignore[arg-type]
        samples = len(self.dataset)  # type: ignore[arg-type]
        if self.batch_size is None:
            return samples
        return samples // self.batch_size if self.drop_last else math.ceil(samples / self.batch_size)

    def __iter__(self) -> Iterator[Any]:
        generator = default_generator if self.generator is None else self.generator
        # drawn with and without workers, so that the order that is drawn next does not depend on their number
        sequence = np.random.SeedSequence([generator.initial_seed(), generator.next_offset(1)])
        seed = int(sequence.generate_state(1, np.uint64)[0] >> np.uint64(2))
        if self.num_workers == 0:
            return _Here(self)
        pool = self._pool if self._pool is not None and self._pool.alive else _Workers(self)
        if self.persistent_workers:
            self._pool = pool
        pool.begin(seed)
        return pool

    def _fetcher(self) -> _worker.Fetcher:
        batched = self._index_sampler is self.batch_sampler
        whole = batched and self.collate_fn is default_collate
        return _worker.Fetcher(self.dataset, self.collate_fn, batched, self.drop_last, whole)

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_pool": None}  # a copy starts processes of its own


class _Here:
    """The batches of one epoch, made in this process."""

    def __init__(self, loader: DataLoader) -> None:
        self._loader = loader
        self._fetch = loader._fetcher().start()
        self._tasks = iter(loader._index_sampler)

    def __iter__(self) -> _Here:
        return self

    def __len__(self) -> int:
        return len(self._loader)

    def __next__(self) -> Any:
        return self._fetch(next(self._tasks))


class _Workers:
    """The batches of an epoch, made in worker processes."""

    def __init__(self, loader: DataLoader) -> None:
        self._loader = copy.copy(loader)  # not the loader itself, which keeps a persistent pool: both would stay alive
        self._epoch = -1
        self._seed = 0
        self._tasks: Iterator[Any] = iter(())
        self._owed: deque[int] = deque()  # which worker makes the next batch, the one after it, ...
        self._processes: list[Any] = []
        self._send: list[Any] = []
        self._receive: list[Any] = []
        ends = (self._processes, self._send, self._receive)
        self._close = weakref.finalize(self, _shut_down, os.getpid(), *ends)
        try:
            for i in range(loader.num_workers):
                self._start(i)
        except BaseException:
            self._close()
            raise

    @property
    def alive(self) -> bool:
        """Whether the processes can be used for another epoch."""
        return self._close.alive and all(process.is_alive() for process in self._processes)

    def _start(self, i: int) -> None:
        loader = self._loader
        context = loader.multiprocessing_context
        tasks, send = context.Pipe(duplex=False)
        receive, results = context.Pipe(duplex=False)
        _worker.parent_ends.update((send, receive))
        self._send.append(send)
        self._receive.append(receive)
        args = (loader._fetcher(), tasks, results, i, loader.num_workers, loader.worker_init_fn)
        process = context.Process(target=_worker.run, args=args, daemon=True)
        try:
            process.start()
        except (AttributeError, TypeError, pickle.PicklingError) as error:
            raise RuntimeError(
                f"DataLoader: cannot send the dataset, `collate_fn` or `worker_init_fn` to worker {i}: {error}; "
                "with the start method 'spawn' or 'forkserver' they must be defined in an importable module"
            ) from error
        finally:
            tasks.close()
            results.close()
        self._processes.append(process)

    def begin(self, seed: int) -> None:
        """Start an epoch. Replies that are still on their way carry the number of theirs and are dropped."""
        self._epoch += 1
        self._seed = seed
        self._tasks = iter(self._loader._index_sampler)
        self._owed.clear()
        for _ in range(self._loader.prefetch_factor or 1):
            for i in range(len(self._processes)):
                self._give(i)

    def _give(self, i: int) -> None:
        """Give worker `i` the next task, if there is one."""
        for task in itertools.islice(self._tasks, 1):
            try:
                self._send[i].send((self._epoch, self._seed + i, task))
            except OSError:
                raise self._dead(i) from None
            self._owed.append(i)

    def __iter__(self) -> _Workers:
        return self

    def __len__(self) -> int:
        return len(self._loader)

    def __next__(self) -> Any:
        while self._owed:
            i = self._owed.popleft()
            kind, payload = self._reply(i)
            if kind == _worker.END:
                continue
            self._give(i)
            if kind == _worker.ERROR:
                _worker.raise_reply(*payload)
            return payload
        if not self._loader.persistent_workers:
            self._close()
        raise StopIteration

    def _reply(self, i: int) -> tuple[str, Any]:
        """The next reply of worker `i` in this epoch."""
        end = time.monotonic() + self._loader.timeout if self._loader.timeout else None
        pipe, process = self._receive[i], self._processes[i]
        while True:
            ready = wait([pipe, process.sentinel], None if end is None else max(0.0, end - time.monotonic()))
            if not ready:
                self._fail()
                raise RuntimeError(
                    f"DataLoader: worker {i} gave no batch within `timeout` (={self._loader.timeout:g}) seconds"
                )
            try:
                if pipe not in ready and not pipe.poll():
                    raise EOFError
                epoch, kind, payload = _worker.receive(pipe)
            except (EOFError, OSError):
                raise self._dead(i) from None
            if epoch == self._epoch:
                return kind, payload

    def _dead(self, i: int) -> RuntimeError:
        process = self._processes[i]
        process.join(1)
        code = process.exitcode
        if code is not None and code < 0:
            cause = f"was killed by {signal.Signals(-code).name}"
            cause += " (out of memory?)" if -code == getattr(signal, "SIGKILL", 9) else ""
        else:
            cause = f"exited unexpectedly with code {code}"
        self._fail()
        return RuntimeError(f"DataLoader: worker {i} (pid {process.pid}) {cause}; num_workers=0 shows where")

    def _fail(self) -> None:
        self._owed.clear()
        self._close()


_GRACE = 2.0  # seconds that a worker may take to finish its batch when nobody wants it any more


def _shut_down(owner: int, processes: list[Any], send: list[Any], receive: list[Any]) -> None:
    """End the workers: they stop when their pipes close, and are terminated where they do not."""
    if os.getpid() != owner:  # a forked child has copies of the lists, not of the processes
        return
    for connection in (*send, *receive):
        connection.close()
    end = time.monotonic() + _GRACE
    for process in processes:
        process.join(max(0.0, end - time.monotonic()))
    for process in processes:
        if process.is_alive():
            process.terminate()
            process.join(_GRACE)
        if process.is_alive():
            process.kill()
            process.join()
