"""A device that runs nothing: it notes the kernels that are launched on it, and with which types."""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
from numba import types
from numba.np.numpy_support import from_dtype

import nbnn
import nbnn.nn.functional as F
from nbnn import _jit
from nbnn.functional.clip import scale_
from nbnn.kernels import _cpu, _cuda, _random, creation, distance, embedding_bag
from tests import report
from tests.case import as_type, floating, outputs, tensors, weights
from tests.cuda_sim.test_optim import CASES as OPTIMIZERS
from tests.cuda_sim.test_optim import trained

Notes = dict[Any, tuple]  # the argument types of each kernel

# What no case on CUDA reaches: random numbers, halves, and what is computed when no gradient is asked for.
OTHERS = (
    lambda: nbnn.rand(4, dtype=nbnn.float64),
    lambda: nbnn.randn(4),
    lambda: nbnn.randn(4, dtype=nbnn.float64),
    lambda: nbnn.randint(4, (4,)),
    lambda: nbnn.bernoulli(nbnn.full((4,), 0.5)),
    lambda: nbnn.multinomial(nbnn.from_numpy(np.ones(4, np.float32)), 2),
    lambda: nbnn.logspace(0, 1, 4),
    lambda: nbnn.ones(4, device="cuda").bfloat16().float(),
    lambda: F.max_pool3d(nbnn.zeros(1, 1, 2, 2, 2, device="cuda"), 2),
    lambda: scale_([nbnn.ones(4, device="cuda")], 0.5),
)
_X, _I, _L, _D = types.float32[::1], types.int64, types.int64[::1], types.float64
# What refuses zeros before it is launched.
BY_HAND: Notes = {
    creation.multinomial: (_L, _D[::1], _X, _I, _I, types.boolean),
    distance.cdist_backward: (_X, _X, _X, _X, _X, _I, _I, _I, _D, _I, _I),
    embedding_bag.bag_pick: (_X, _X, _L, _L, _I),
    _random.fill_bernoulli: (_X, _D, _I, _I),
}


class Memory:
    """What stands for a buffer: zeros, unless it was copied from the host."""

    def __init__(self, array: np.ndarray) -> None:
        self.array = array

    def __getattr__(self, name: str) -> Any:
        return getattr(self.array, name)

    def __getitem__(self, key: Any) -> Any:
        return Memory(self.array[key]) if isinstance(key, slice) else self.array[key]

    def view(self, dtype: Any) -> Memory:
        return Memory(self.array.view(dtype))


def _type(value: Any) -> types.Type:
    if value is None:
        return types.none
    if isinstance(value, (Memory, np.ndarray)):
        return types.Array(from_dtype(value.dtype), 1, "C")
    if isinstance(value, (bool, np.bool_)):
        return types.boolean
    return types.float64 if isinstance(value, float) else types.int64


@contextlib.contextmanager
def taken() -> Iterator[Notes]:
    """Let the library take notes of its launches instead of running them."""
    notes: Notes = dict(BY_HAND)

    def run(kernel: Any, outs: tuple, ins: tuple, params: tuple, n: int, *_: Any) -> None:
        signature = tuple(map(_type, (*outs, *ins, *params)))
        if n > 0 and (kernel not in notes or (types.float32[::1] in signature and types.none not in signature)):
            notes[kernel] = signature

    stand_ins = {
        "run": run,
        "empty": lambda size, dtype: Memory(np.zeros(size, dtype)),
        "to_device": lambda host: Memory(host.copy()),
        "to_host": lambda buffer: buffer.array.copy(),
        "copy": lambda buffer: Memory(buffer.array.copy()),
        "address": lambda buffer: buffer.ctypes.data,
        "synchronize": lambda: None,
        "watch_indices": lambda index, *_: Memory(index.array.copy()),
    }

    def run_on_host(kernel: Any, outs: tuple, *rest: Any) -> None:
        # a body that only the host launches today is to compile for CUDA too; what it would write are zeros as well
        run(kernel, outs, *rest)
        clear(*outs)

    def clear(*storages: Any) -> None:
        for storage in storages:
            if isinstance(storage, np.ndarray):
                storage.fill(0)

    kept = {name: getattr(_cuda, name) for name in stand_ins}
    host = _cpu.run, _cpu.enter_fast
    has_cuda = _jit.has_cuda
    try:
        for name, stand_in in stand_ins.items():
            setattr(_cuda, name, stand_in)
        _cpu.run, _cpu.enter_fast = run_on_host, lambda fast, args, work: clear(*args)
        _jit.has_cuda = lambda: True
        yield notes
    finally:
        for name, original in kept.items():
            setattr(_cuda, name, original)
        _cpu.run, _cpu.enter_fast = host
        _jit.has_cuda = has_cuda


def _differentiated(case: Any) -> None:
    """The values of a case, its gradients and the gradients of these."""
    inputs = tensors(case, as_type(case.make(), np.float32), device="cuda")
    outs = outputs(case, inputs)
    for _ in range(2 if case.second else 1):
        outs = floating([o for o in outs if o is not None])
        if not case.grad or not outs:
            return
        wrt = [inputs[i] for i in case.grad]
        outs = nbnn.autograd.grad(outs, wrt, weights(outs, "cuda"), create_graph=True, allow_unused=True)


def library() -> Notes:
    """Every kernel that the case tables and the optimizers launch on CUDA."""
    with taken() as notes, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for case in report.cuda_cases():
            # some functions look at numbers, which are zeros here, and refuse them: what came before is noted
            with contextlib.suppress(Exception):
                _differentiated(case)
        for name, options in OPTIMIZERS:
            trained("cuda", name, options)
        for call in OTHERS:
            with contextlib.suppress(Exception):
                call()
        parameter = nbnn.ones(3, device="cuda").requires_grad_()
        parameter.grad = nbnn.ones(3, device="cuda")
        nbnn.nn.utils.clip_grad_norm_([parameter], 0.5)
        nbnn.nn.utils.clip_grad_value_([parameter], 0.5)
        trained("cuda", "SGD", {"lr": 0.1})
    return notes
