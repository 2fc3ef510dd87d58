"""Replicas on threads of their own."""

from __future__ import annotations

import contextvars
import os
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from typing import Any

from nbnn.autograd import is_grad_enabled, set_grad_enabled
from nbnn.device import fewer_threads
from nbnn.generator import draw_from, fork_generators
from nbnn.op import add_frame
from nbnn.tensor import Tensor

# Held while replicas run. Who finds it held, a DataParallel inside a replica or on another thread of the program, runs
# its replicas one after the other: the bits are the same, and threads of threads would only wait for each other.
_running = threading.Lock()
_kept: list[ThreadPoolExecutor] = []  # the threads, at most one set of them


def _forget() -> None:
    """Begin anew in a forked child: threads do not live on there, and one of them may have held the lock."""
    global _running
    _running = threading.Lock()
    _kept.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)


def parallel_apply(
    modules: Sequence[Any],
    inputs: Sequence[Any],
    kwargs_tup: Sequence[dict[str, Any]] | None = None,
    devices: Sequence[Any] | None = None,
) -> list[Any]:
    """Call each module with inputs of its own, all at the same time, each on a thread.

    The threads share the CPU: each one's kernels use as many threads as are its part. Each has a stream of random
    numbers of its own, so that the results do not depend on who is faster.

    Parameters
    ----------
    modules : sequence of callable
    inputs : sequence
        The positional arguments of each: a tuple, or a single one.
    kwargs_tup : sequence of dict, optional
        The named arguments of each.
    devices : sequence, optional
        The names that errors give to the replicas' places; "cpu" by default.

    Returns
    -------
    list
        What the modules returned, in their order.

    Raises
    ------
    ValueError
        If the numbers of modules, inputs, `kwargs_tup` and `devices` differ.
    Exception
        The exception of the first replica that raised one, with a note that names the replica.

    Examples
    --------
    >>> import nbnn, nbnn.nn as nn
    >>> x = nbnn.tensor([-1.0, 1.0])
    >>> nbnn.parallel.parallel_apply([nn.ReLU(), nn.Tanh()], [(x,), (x,)])
    [tensor([0., 1.]), tensor([-0.7616,  0.7616])]
    """
    count = len(modules)
    named = [{}] * count if kwargs_tup is None else list(kwargs_tup)
    places = ["cpu"] * count if devices is None else list(devices)
    if not len(inputs) == len(named) == len(places) == count:
        raise ValueError(
            f"parallel_apply: got {count} modules, {len(inputs)} `inputs`, {len(named)} `kwargs_tup` and "
            f"{len(places)} `devices`; the numbers must be the same"
        )
    given = [x if isinstance(x, tuple) else (x,) for x in inputs]
    calls = [
        _Call(k, module, args, kwargs, place)
        for k, (module, args, kwargs, place) in enumerate(zip(modules, given, named, places, strict=True))
    ]
    for call, generator in zip(calls, fork_generators(count), strict=True):
        call.generator = generator
    alone = _running
    if alone.acquire(blocking=False):
        try:
            with fewer_threads(count):
                _run_together(calls)
        finally:
            alone.release()
    else:
        for call in calls:
            call.run()
    return [call.result() for call in calls]


class _Call:
    """One replica's forward: what it was called with, and what came of it."""

    generator: Any = None
    error: BaseException | None = None
    output: Any = None

    def __init__(self, number: int, module: Any, args: tuple, kwargs: dict[str, Any], place: Any) -> None:
        self.number, self.module, self.args, self.kwargs, self.place = number, module, args, kwargs, place
        self.recorded = is_grad_enabled()

    def run(self) -> None:
        """Call the module under the caller's grad mode and with random numbers of its own."""
        try:
            with set_grad_enabled(self.recorded), draw_from(self.generator):
                self.output = self.module(*self.args, **self.kwargs)
        except BaseException as error:
            self.error = error

    def result(self) -> Any:
        """The output, or the exception with the name of the replica."""
        if self.error is None:
            return self.output
        error, self.error = self.error, None
        try:
            if isinstance(error, Exception):
                shown = tuple(a for a in self.args if isinstance(a, Tensor))
                raise add_frame(error, f"replica {self.number} on {self.place}, {type(self.module).__name__}", shown)
            raise error
        finally:
            del error  # else its traceback and this frame keep each other alive


def _run_together(calls: list[_Call]) -> None:
    """The first call on this thread, the others on threads of their own; returns when all have ended."""
    threads = _threads(len(calls) - 1)
    waiting = [threads.submit(contextvars.copy_context().run, call.run) for call in calls[1:]]
    try:
        calls[0].run()
    finally:
        wait(waiting)


def _threads(count: int) -> ThreadPoolExecutor:
    """Threads that stay from call to call: to start one takes 110 microseconds, and OpenMP gives each its own team."""
    if not _kept or _kept[0]._max_workers < count:
        for small in _kept:
            small.shutdown(wait=False)
        _kept[:] = [ThreadPoolExecutor(count, thread_name_prefix="replica")]
    return _kept[0]
