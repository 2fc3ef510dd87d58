"""CUDA drivers and memory: the grid-stride twins of the loops in `_cpu`, and one-dimensional device buffers.

A kernel's body is compiled for CUDA as it stands: numba-cuda calls the lazy CPU function from a kernel. A driver is a
template re-targeted to the body, as in `_cpu`; each thread starts at its own index and strides by the whole grid:

    over_elements   y[i] = body(x0[i], x1[i], ..., *params)
    over_outputs    y[i] = body(i, *args)         or y0[i], y1[i] = body(i, *args)
    over_rows       body(row, *args)              one thread a row

Where a kernel carries a tiled entry (`_tiles`) whose plan says that it pays, that is launched instead: `run` is the one
place that chooses.

In Numba's simulator of CUDA (NUMBA_ENABLE_CUDASIM=1) kernels are plain Python; `_plain` gives bodies in that form.
"""

from __future__ import annotations

import functools
import math
import types
from collections.abc import Callable
from typing import Any

import numpy as np
from numba.core.dispatcher import Dispatcher

from nbnn import _jit
from nbnn.kernels import _cuda_rows, _vecmath  # noqa: F401  (_cuda_rows: the tiled form of the shared sums)
from nbnn.kernels._cpu import Kernel
from nbnn.kernels._reduce import sum_blocks
from nbnn.kernels._tiles import Part, Tiled

Buffer = Any  # a one-dimensional numba.cuda device array

# The templates. Their globals `body` and `cuda` are bound by `_function`. They count with `while`: a strided `range`
# costs a 64-bit division on entry.
body: Any = None
cuda: Any = None


def _elements_1(y, x, params, n):  # type: ignore[no-untyped-def]
    i, step = cuda.grid(1), cuda.gridsize(1)
    while i < n:
        y[i] = body(x[i], *params)
        i += step


def _elements_2(y, a, b, params, n):  # type: ignore[no-untyped-def]
    i, step = cuda.grid(1), cuda.gridsize(1)
    while i < n:
        y[i] = body(a[i], b[i], *params)
        i += step


def _elements_3(y, a, b, c, params, n):  # type: ignore[no-untyped-def]
    i, step = cuda.grid(1), cuda.gridsize(1)
    while i < n:
        y[i] = body(a[i], b[i], c[i], *params)
        i += step


def _outputs_1(y, args, n):  # type: ignore[no-untyped-def]
    i, step = cuda.grid(1), cuda.gridsize(1)
    while i < n:
        y[i] = body(i, *args)
        i += step


def _outputs_2(y, z, args, n):  # type: ignore[no-untyped-def]
    i, step = cuda.grid(1), cuda.gridsize(1)
    while i < n:
        y[i], z[i] = body(i, *args)
        i += step


def _rows(args, n):  # type: ignore[no-untyped-def]
    r, step = cuda.grid(1), cuda.gridsize(1)
    while r < n:
        body(r, *args)
        r += step


def _watch(safe, report, slot, index, size, ignored, n):  # type: ignore[no-untyped-def]
    i, step = cuda.grid(1), cuda.gridsize(1)
    while i < n:
        v = index[i]
        bad = (v < 0 or v >= size) and v != ignored
        if bad:
            cuda.atomic.min(report, slot, i)
        safe[i] = 0 if bad else v
        i += step


_TEMPLATES: dict[tuple[str, int], Callable] = {
    ("elements", 1): _elements_1,
    ("elements", 2): _elements_2,
    ("elements", 3): _elements_3,
    ("outputs", 1): _outputs_1,
    ("outputs", 2): _outputs_2,
    ("rows", 0): _rows,
}


@functools.cache
def _api() -> Any:
    """`numba.cuda`, once it is known to have a GPU (or the simulator).

    Raises
    ------
    RuntimeError
        If numba-cuda is not installed, or finds no GPU.
    """
    api = _jit.cuda()
    if not api.is_available():
        raise RuntimeError("device: 'cuda' needs an NVIDIA GPU and its driver; numba-cuda finds none on this machine")
    return api


# In the plain form of a body every compiled function it reaches is plain too: the simulator hands over arrays that
# compiled code does not take. Memoised by function, which also ends recursion.
_plain_forms: dict[Callable, Callable] = {}


class _PlainModule:
    """A module of kernels whose compiled functions are seen in their plain form."""

    def __init__(self, module: types.ModuleType) -> None:
        self._module = module

    def __getattr__(self, name: str) -> Any:
        return _plain(getattr(self._module, name))


def _plain(value: Any) -> Any:
    """The plain Python form of a compiled function or of a module of kernels; any other value as it is."""
    if isinstance(value, types.ModuleType) and value.__name__.startswith("nbnn."):
        return _PlainModule(value)
    if not isinstance(value, Dispatcher):
        return value
    func = value.py_func
    if func not in _plain_forms:
        scope = dict(func.__globals__)
        copy = types.FunctionType(func.__code__, scope, func.__name__, func.__defaults__, func.__closure__)
        _plain_forms[func] = copy
        scope.update({name: _plain(scope[name]) for name in func.__code__.co_names if name in scope})
    return _plain_forms[func]


def _quiet(func: Callable) -> Callable:
    """`func`, switching off NumPy's warnings in the simulator's thread it runs in: compiled code gives none."""

    def quiet(*args: Any) -> Any:
        np.seterr(all="ignore")  # for good: the thread lives for one launch, and the driver's store may warn as well
        return func(*args)

    return quiet


class _NoneArgument:
    """Launch extension: numba-cuda types and compiles an argument None, as one unused word, but cannot pass it."""

    def __init__(self, word: Any) -> None:
        self._word = word

    def prepare_args(self, ty: Any, val: Any, **context: Any) -> tuple[Any, Any]:
        return (self._word, 0) if val is None else (ty, val)


@functools.cache
def _register_math() -> None:
    """Teach numba-cuda the functions of `_vecmath`, once, before the first kernel is typed."""
    _vecmath.register_cuda()


def _function(kernel: Kernel) -> Callable:
    """The Python function of a CUDA kernel: the template of its kind with its body.

    Raises
    ------
    RuntimeError
        If the kernel walks ranges: fast paths are for the CPU.
    """
    template = _TEMPLATES.get((kernel.kind, kernel.arity))
    if template is None:
        raise RuntimeError(f"device: kernel `{kernel.name}` over {kernel.kind} runs on the CPU only, not on 'cuda'")
    if _jit.simulated():
        return _jit.bind(template, kernel.name, body=_quiet(_plain(kernel.body)), cuda=_jit.cuda())
    _register_math()
    return _jit.bind(template, kernel.name, body=kernel.body, cuda=_jit.cuda())


class _Current:
    """What the simulator puts in the place of `cuda` for a launch, for the parts of that launch.

    It does so in the globals of the kernel alone. A part as a device function of the simulator would have its own, at
    the price of a lock and a search for each call.
    """

    module: Any = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self.module, name)


_current = _Current()


def _simulated(*args):  # type: ignore[no-untyped-def]
    np.seterr(all="ignore")  # as in `_quiet`
    _current.module = cuda
    body(*args)


def _bind_device(function: Callable, names: dict[str, Any]) -> Callable:
    """`function` with `cuda` and `names` among its globals, and what it calls in the form it has on the device."""
    api = _current if _jit.simulated() else _jit.cuda()
    bound = _jit.bind(function, function.__name__, cuda=api, **names)
    scope = bound.__globals__
    for name in function.__code__.co_names:
        if isinstance(scope.get(name), Part):
            scope[name] = _device_part(scope[name])
        elif _jit.simulated() and name in scope and name != "cuda":
            scope[name] = _plain(scope[name])
    return bound


def _device_part(part: Part) -> Any:
    """The device function of a part, made once; inlined, or the sums that it is handed would leave the registers."""
    if part.device is None:
        bound = _bind_device(part.function, {})
        part.device = bound if _jit.simulated() else _jit.cuda().jit(bound, device=True, forceinline=True)
    return part.device


def _tiled_function(kernel: Kernel) -> Callable:
    """The Python function of a kernel's tiled entry."""
    function = _bind_device(kernel.cuda.function, kernel.cuda.names)
    if _jit.simulated():
        return _jit.bind(_simulated, kernel.name, body=function, cuda=_jit.cuda())
    _register_math()
    return function


def bind(kernel: Kernel, tiles: bool = False) -> Any:
    """The launchable CUDA kernel of `kernel`, made once and kept in `kernel.cuda`; compiled for each signature."""
    form = kernel.cuda
    if form is None:
        form = kernel.cuda = Tiled(None, None, {})
    found = form.shared if tiles else form.plain
    if found is None:
        api = _api()
        options = {} if _jit.simulated() else {"extensions": [_NoneArgument(api.types.int64)]}
        found = api.jit(_tiled_function(kernel) if tiles else _function(kernel), **options)
        if tiles:
            form.shared = found
        else:
            form.plain = found
    return found


def _group(kernel: Kernel, args: tuple) -> tuple:
    """(*outputs, *inputs, *params), or their types, as the arguments of the kernel's template before `n`."""
    single = {"elements": 1 + kernel.arity, "outputs": kernel.arity}.get(kernel.kind, 0)
    return (*args[:single], args[single:])


def _grid(n: int) -> tuple[int, int]:
    """Blocks and threads a block for n items. The simulator, with 0.1 ms for each thread, gets two blocks of 8."""
    block, most = (8, 2) if _jit.simulated() else (256, 4096)
    return min((n + block - 1) // block, most), block


def tiling(kernel: Kernel, n: int, params: tuple) -> tuple | None:
    """The grid of the kernel's tiled entry for these sizes, or None where its body is launched instead.

    In the simulator, where threads that wait for each other cost milliseconds, it is None above 6 blocks.
    """
    form = kernel.cuda
    if form is None or form.plan is None:
        return None
    grid = form.plan(n, *params)
    if grid is None or (_jit.simulated() and math.prod(grid[0] if isinstance(grid[0], tuple) else grid[:1]) > 6):
        return None
    return grid


def run(kernel: Kernel, outs: tuple, ins: tuple, params: tuple, n: int) -> None:
    """Launch `kernel` over n items on device buffers; returns before the GPU is done.

    Raises
    ------
    RuntimeError
        If there is no CUDA device, or the kernel runs on the CPU only.
    """
    _api()
    if n <= 0:
        return
    if _jit.simulated():  # compiled code sees floats as float64, whose rules np.float64 has and float has not
        params = tuple(np.float64(p) if isinstance(p, float) else p for p in params)
    grid = tiling(kernel, n, params)
    if grid is None:
        bind(kernel)[_grid(n)](*_group(kernel, (*outs, *ins, *params)), n)
        return
    slices = grid[0][1] if isinstance(grid[0], tuple) else 1
    if slices == 1:
        bind(kernel, tiles=True)[grid](*outs, *ins, *params)
        return
    (out,) = outs
    parts = empty(slices * out.size, out.dtype)
    bind(kernel, tiles=True)[grid](parts, *ins, *params)
    run(sum_blocks, outs, (parts,), (slices, out.size), out.size)


def empty(size: int, dtype: np.dtype) -> Buffer:
    """An uninitialised buffer of `size` elements."""
    return _api().device_array(size, dtype)


def to_device(host: np.ndarray) -> Buffer:
    """A copy, on the device, of a one-dimensional contiguous NumPy array."""
    return _api().to_device(host)


def to_host(buffer: Buffer) -> np.ndarray:
    """A copy of a buffer as a NumPy array; waits for the kernels that write it, and refuses bad indices (`Watch`)."""
    host = buffer.copy_to_host()
    _watch_list.settle()
    return host


def copy(buffer: Buffer) -> Buffer:
    """A copy of a buffer on the device."""
    fresh = empty(buffer.size, buffer.dtype)
    fresh.copy_to_device(buffer)
    return fresh


def address(buffer: Buffer) -> int:
    """The address of a buffer's first element: in device memory, or the host's in the simulator; 0 if it is empty."""
    if buffer.size == 0:
        return 0
    if _jit.simulated():
        return buffer.ctypes.data
    return buffer.__cuda_array_interface__["data"][0]


def synchronize() -> None:
    """Wait until the device has run every kernel launched so far; refuses bad indices (`Watch`)."""
    _api().synchronize()
    _watch_list.settle()


class Watch:
    """Indices that were given to kernels and whose check has not been read yet.

    A kernel with an index out of range would write or read anywhere, and a GPU that faults is lost to the process. So
    kernels get a copy of the indices, made safe, and the copying leaves the first bad position in a slot of a report on
    the device. Reading it would make the host wait, for each lookup: it is read when the host waits anyway.
    """

    SLOTS = 64
    GOOD = np.iinfo(np.int64).max  # no bad position

    def __init__(self) -> None:
        self.waiting: list[tuple[Buffer, Callable, tuple]] = []
        self.report: Buffer = None
        self.kernel: Any = None

    def add(self, index: Buffer, size: int, ignored: int, refusal: Callable, where: tuple) -> Buffer:
        """The safe copy; ``refusal(*where, position, value)`` is what `settle` raises if there is a bad index."""
        if len(self.waiting) == self.SLOTS:
            self.settle()
        if self.report is None:
            self.report = to_device(np.full(self.SLOTS, self.GOOD))
            self.kernel = _api().jit(_jit.bind(_watch, "watch_indices", cuda=_api()))
        safe = empty(index.size, index.dtype)
        if index.size:
            args = (safe, self.report, len(self.waiting), index, size, ignored, index.size)
            self.kernel[_grid(index.size)](*args)
            self.waiting.append((index, refusal, where))
        return safe

    def settle(self) -> None:
        """Raise the refusal of the first bad index since the last time; afterwards none is remembered."""
        if not self.waiting:
            return
        found, waiting = self.report.copy_to_host(), self.waiting
        self.waiting = []
        for position, (index, refusal, where) in zip(found.tolist(), waiting, strict=False):
            if position != self.GOOD:
                self.report.copy_to_device(np.full(self.SLOTS, self.GOOD))
                raise refusal(*where, position, int(index.copy_to_host()[position]))


_watch_list = Watch()
watch_indices = _watch_list.add


def device_count() -> int:
    """How many CUDA devices there are; 0, never an exception, without numba-cuda or a GPU."""
    return len(_jit.cuda().gpus) if _jit.has_cuda() else 0


def compile_ptx(kernel: Kernel, argument_types: tuple, cc: tuple[int, int] = (9, 0), tiles: bool = False) -> str:
    """Compile `kernel` to PTX; needs numba-cuda and the CUDA toolkit's packages, and no GPU.

    Parameters
    ----------
    kernel : Kernel
        The kernel, over elements, outputs or rows.
    argument_types : tuple of Numba types
        The types of (*outputs, *inputs, *params).
    cc : tuple of int
        Compute capability of the GPU to compile for.
    tiles : bool
        Whether to compile the tiled entry.
    """
    function = _tiled_function(kernel) if tiles else _function(kernel)
    from numba.core import types as nb
    from numba.cuda import dispatcher

    *single, rest = _group(kernel, argument_types)
    signature = argument_types if tiles else (*single, nb.Tuple(rest), nb.int64)
    # The body is compiled for the current GPU; without one numba-cuda has to be told which that is.
    current = dispatcher.get_current_device
    dispatcher.get_current_device = lambda: types.SimpleNamespace(compute_capability=cc)
    try:
        ptx, _ = _jit.cuda().compile_ptx(function, signature, cc=cc)
    finally:
        dispatcher.get_current_device = current
    return ptx
