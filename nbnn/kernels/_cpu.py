"""CPU drivers: how an index space is walked, for all families.

A *body* is the maths of one scalar, one output element or one row. A driver here is a template whose
code is bound to a body by re-targeting (see `_jit.bind`), giving one compiled function with the serial
loop over [start, stop) and, behind `pool`, the fan-out of chunks of that same loop over threads:

    over_elements   y[i] = body(x0[i], x1[i], ..., *params)
    over_outputs    y[i] = body(i, *args)         or y0[i], y1[i] = body(i, *args)
    over_rows       body(row, *args)              the body writes into the outputs among args
    over_ranges     body(start, stop, grain, *args)   CPU only, for measured fast paths

`Kernel.table` walks the elements of many arrays of one dtype in one launch, with a body of `over_rows`: the addresses
of the arrays stand in a table.

The split into chunks depends on the range and the grain alone, never on the number of threads.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Sequence
from typing import Any

import numba
from llvmlite import ir
from numba import prange, types
from numba.core import cgutils
from numba.extending import intrinsic
from numba.np.arrayobj import populate_array

from nbnn import _jit
from nbnn.kernels._simd import LANES

_I64 = ir.IntType(64)
_POINTER = ir.IntType(8).as_pointer()
_CHUNK = ir.FunctionType(ir.VoidType(), [_POINTER, _I64, _I64, _I64])


def _widen(function: Any) -> None:
    """Let LLVM vectorise to 512 bits (exp 0.38 -> 0.29 ns an element): it halves vectors for what CPUs once were."""
    if LANES == 16:
        set.add(function.attributes, '"prefer-vector-width"="512"')


@intrinsic
def full_width(typingctx):  # type: ignore[no-untyped-def]
    """Let the loops of this function use vectors of 512 bits; the drivers' own loops do."""

    def codegen(context, builder, signature, values):  # type: ignore[no-untyped-def]
        _widen(builder.function)
        return context.get_dummy_value()

    return types.void(), codegen


@intrinsic
def _fan_out(typingctx, args, start, stop, grain, pool):  # type: ignore[no-untyped-def]
    """Run the kernel being compiled, with pool=0, on chunks of [start, stop) through the driver at address `pool`.

    One compile serves the serial and the parallel entry: the chunk function created here unpacks the kernel's
    arguments from a struct on the caller's stack and calls the kernel itself. (A `parallel=True` kernel costs 0.5 s
    of compile each; this costs nothing over the serial loop's 0.1 s.)
    """

    def codegen(context, builder, signature, values):  # type: ignore[no-untyped-def]
        kernel = builder.function
        _widen(kernel)
        slot = cgutils.alloca_once_value(builder, values[0])
        chunk = ir.Function(builder.module, _CHUNK, name=kernel.name + ".chunk")
        chunk.linkage = "internal"
        inner = ir.IRBuilder(chunk.append_basic_block("entry"))
        packed, lo, hi, step = chunk.args
        items = cgutils.unpack_tuple(inner, inner.load(inner.bitcast(packed, slot.type)))
        zero = ir.Constant(_I64, 0)
        arg_types = [*signature.args[0].types, *(types.int64,) * 4]
        context.call_conv.call_function(inner, kernel, types.none, arg_types, [*items, lo, hi, step, zero])
        inner.ret_void()
        entry = builder.inttoptr(values[4], ir.FunctionType(ir.VoidType(), [_POINTER] * 2 + [_I64] * 3).as_pointer())
        pointers = [builder.bitcast(chunk, _POINTER), builder.bitcast(slot, _POINTER)]
        builder.call(entry, [*pointers, values[1], values[2], values[3]])
        return context.get_dummy_value()

    return types.void(args, start, stop, grain, pool), codegen


@intrinsic
def _call_chunk(typingctx, chunk, packed, start, stop, grain):  # type: ignore[no-untyped-def]
    def codegen(context, builder, signature, values):  # type: ignore[no-untyped-def]
        function = builder.inttoptr(values[0], _CHUNK.as_pointer())
        builder.call(function, [builder.inttoptr(values[1], _POINTER), *values[2:]])
        return context.get_dummy_value()

    return types.void(*(types.intp,) * 5), codegen


@intrinsic
def _call(typingctx, function, i, args):  # type: ignore[no-untyped-def]
    """``function(i, *args)`` without counting references.

    Written out, Numba takes a reference to each array on every turn of the loop and gives it back, which keeps LLVM
    from vectorising a body of one element (Adam on 1e6 float32, two threads: 1.6 against 0.21 ns an element).
    """
    arg_types = (i, *args.types)
    inner = function.get_call_type(typingctx, arg_types, {})

    def codegen(context, builder, signature, values):  # type: ignore[no-untyped-def]
        call = context.get_function(function, inner)
        return call(builder, (values[1], *cgutils.unpack_tuple(builder, values[2])))

    return inner.return_type(function, i, args), codegen


@intrinsic
def _natural(typingctx, i):
    """`i`, promised to be >= 0: otherwise LLVM keeps the test for a negative index, and each load is a gather."""

    def codegen(context, builder, signature, values):
        function = builder.module.declare_intrinsic("llvm.assume", (), ir.FunctionType(ir.VoidType(), [ir.IntType(1)]))
        builder.call(function, [builder.icmp_signed(">=", values[0], ir.Constant(values[0].type, 0))])
        return values[0]

    return i(i), codegen


@intrinsic
def _data_address(typingctx, x):
    def codegen(context, builder, signature, values):
        return builder.ptrtoint(context.make_array(x)(context, builder, values[0]).data, _I64)

    return types.int64(x), codegen


def _address(x):
    return _data_address(x)


address_of = _jit.jit(_address)
_address_of: dict[Any, Any] = {}


def addresses(arrays: Sequence) -> list[int]:
    """Where flat arrays of one dtype begin: 0.1 microseconds for each, where `ctypes.data` takes 1."""
    if not arrays:
        return []
    entry = _address_of.get(arrays[0].dtype)
    if entry is None:
        address_of(arrays[0])
        entry = _address_of[arrays[0].dtype] = entry_point(address_of, (arrays[0],))
    return list(map(entry, arrays))


@intrinsic
def arrays_at(typingctx, addresses, row, size, likes):  # type: ignore[no-untyped-def]
    """Arrays of `size` elements, as many and of the type of the arrays `likes`.

    `addresses` holds equally long columns: array c begins at ``addresses[c * rows + row]``.
    """
    kind, columns = likes.dtype, len(likes)

    def codegen(context, builder, signature, values):  # type: ignore[no-untyped-def]
        table = context.make_array(addresses)(context, builder, values[0])
        rows = builder.sdiv(builder.extract_value(table.shape, 0), ir.Constant(_I64, columns))
        item = context.get_data_type(kind.dtype)
        itemsize = ir.Constant(_I64, context.get_abi_sizeof(item))
        arrays = []
        for c in range(columns):
            at = builder.add(builder.mul(rows, ir.Constant(_I64, c)), values[1])
            # the integer becomes a pointer once, and the loop steps from that
            data = builder.inttoptr(builder.load(builder.gep(table.data, [at])), item.as_pointer())
            array = context.make_array(kind)(context, builder)
            populate_array(array, data, [values[2]], [itemsize], itemsize, None)
            arrays.append(array._getvalue())
        return context.make_tuple(builder, signature.return_type, arrays)

    return types.UniTuple(kind, columns)(addresses, types.int64, types.int64, likes), codegen


@intrinsic
def _floats_at(typingctx, values, start, likes):  # type: ignore[no-untyped-def]
    """The numbers ``values[start:]``, as many as the floats `likes`."""

    def codegen(context, builder, signature, args):  # type: ignore[no-untyped-def]
        data = context.make_array(values)(context, builder, args[0]).data
        at = [builder.add(args[1], ir.Constant(_I64, k)) for k in range(len(likes))]
        numbers = [builder.load(builder.gep(data, [i])) for i in at]
        return context.make_tuple(builder, signature.return_type, numbers)

    return likes(values, types.int64, likes), codegen


def _parallel_for(chunk, packed, start, stop, grain):  # type: ignore[no-untyped-def]
    """The one parallel loop of the library: chunk c is [start + c * grain, start + (c + 1) * grain)."""
    for c in prange((stop - start + grain - 1) // grain):
        lo = start + c * grain
        _call_chunk(chunk, packed, lo, min(stop, lo + grain), grain)


# The templates. Their globals `body` and `_fan_out` are bound by `_Kernel.cpu`.
body: Any = None


def _elements_1(y, x, params, start, stop, grain, pool):  # type: ignore[no-untyped-def]
    if pool != 0 and stop - start > grain:
        _fan_out((y, x, params), start, stop, grain, pool)
    else:
        for k in range(start, stop):
            i = _natural(k)
            y[i] = body(x[i], *params)


def _elements_2(y, a, b, params, start, stop, grain, pool):  # type: ignore[no-untyped-def]
    if pool != 0 and stop - start > grain:
        _fan_out((y, a, b, params), start, stop, grain, pool)
    else:
        for k in range(start, stop):
            i = _natural(k)
            y[i] = body(a[i], b[i], *params)


def _elements_3(y, a, b, c, params, start, stop, grain, pool):  # type: ignore[no-untyped-def]
    if pool != 0 and stop - start > grain:
        _fan_out((y, a, b, c, params), start, stop, grain, pool)
    else:
        for k in range(start, stop):
            i = _natural(k)
            y[i] = body(a[i], b[i], c[i], *params)


def _outputs_1(y, args, start, stop, grain, pool):  # type: ignore[no-untyped-def]
    if pool != 0 and stop - start > grain:
        _fan_out((y, args), start, stop, grain, pool)
    else:
        for k in range(start, stop):
            i = _natural(k)
            y[i] = _call(body, i, args)


def _outputs_2(y, z, args, start, stop, grain, pool):  # type: ignore[no-untyped-def]
    if pool != 0 and stop - start > grain:
        _fan_out((y, z, args), start, stop, grain, pool)
    else:
        for k in range(start, stop):
            i = _natural(k)
            y[i], z[i] = _call(body, i, args)


def _rows(args, start, stop, grain, pool):  # type: ignore[no-untyped-def]
    if pool != 0 and stop - start > grain:
        _fan_out((args,), start, stop, grain, pool)
    else:
        for r in range(start, stop):
            _call(body, r, args)


def _ranges(args, start, stop, grain, pool):  # type: ignore[no-untyped-def]
    if pool != 0 and stop - start > grain:
        _fan_out((args,), start, stop, grain, pool)
    else:
        for lo in range(start, stop, grain):  # chunk by chunk also when serial: scratch space is indexed by the chunk
            body(lo, min(stop, lo + grain), grain, *args)


def _table(args, start, stop, grain, pool):  # type: ignore[no-untyped-def]
    if pool != 0 and stop - start > grain:
        _fan_out((args,), start, stop, grain, pool)
    else:
        addresses, pieces, values, step, arrays, floats = args
        for c in range(start, stop):
            k = 4 * _natural(c)
            row, size = pieces[k], pieces[k + 1]
            items = arrays_at(addresses, row, size, arrays) + _floats_at(values, step * row, floats)
            for i in range(pieces[k + 2], pieces[k + 3]):
                _call(body, i, items)


_TEMPLATES: dict[tuple[str, int], Callable] = {
    ("elements", 1): _elements_1,
    ("elements", 2): _elements_2,
    ("elements", 3): _elements_3,
    ("outputs", 1): _outputs_1,
    ("outputs", 2): _outputs_2,
    ("rows", 0): _rows,
    ("ranges", 0): _ranges,
}


class Kernel:
    """A body and the driver that walks it: `body` (the maths), `cpu` (the compiled loop), `kind` and `arity`.

    `arity` is the number of inputs for over_elements and of outputs for over_outputs.
    """

    __slots__ = ("_cpu", "_table", "arity", "body", "cuda", "fast", "inner", "kind", "name")

    def __init__(self, body: Callable, kind: str, arity: int = 0, inner: bool = False) -> None:
        self.body = _jit.jit(body, inner=inner, inline=kind == "elements")
        self.inner = inner
        self.kind = kind
        self.arity = arity
        self.name = body.__name__
        self._cpu: Any = None
        self._table: Any = None
        self.cuda: Any = None  # bound by `_cuda.bind` on the first launch there
        self.fast: dict[Any, Any] = {}  # see `find_entry`

    @property
    def cpu(self) -> Any:
        """The compiled CPU loop, made on first use."""
        if self._cpu is None:
            self._cpu = self._bound(_TEMPLATES[self.kind, self.arity])
        return self._cpu

    @property
    def table(self) -> Any:
        """The compiled loop over the elements of many arrays.

        ``body(i, *arrays, *numbers)`` is called for each element i of each row of arrays. Its arguments: the addresses
        of the arrays, column by column; (row, size, start, stop) of each piece of work; the numbers, those of row r
        from ``step * r`` on; step; an array of the type for each column; a float for each number.
        """
        if self._table is None:
            self._table = self._bound(_table)
        return self._table

    def _bound(self, template: Callable) -> Any:
        tag = f"{self.body.py_func.__module__}.{self.name}"
        return _jit.jit(_jit.bind(template, self.name, body=self.body), tag, inner=self.inner)

    def find_entry(self, key: Any, ins: tuple, params: tuple) -> None:
        """Put into `fast`, under `key`, the compiled code for inputs and params like these, if there is any yet.

        Calling it skips the dispatcher's type check (200 ns of 410): only for arguments known to be of these types.
        """
        kinds = (*map(numba.typeof, ins), numba.typeof(params))
        for signature, compiled in self.cpu.overloads.items():
            if signature[1 : 1 + len(kinds)] == kinds:
                self.fast[key] = compiled.entry_point

    def __repr__(self) -> str:
        return f"<kernel {self.name} over {self.kind}>"


def over_elements(inputs: int) -> Callable[[Callable], Kernel]:
    """Walk elements: ``y[i] = body(x0[i], ..., *params)`` with `inputs` arrays of one size."""
    return lambda body: Kernel(body, "elements", inputs)


def over_outputs(outputs: int = 1) -> Callable[[Callable], Kernel]:
    """Walk output elements: ``y[i] = body(i, *args)``; with two outputs the body returns a pair."""
    return lambda body: Kernel(body, "outputs", outputs)


def over_rows(body: Callable) -> Kernel:
    """Walk rows: ``body(row, *args)`` writes into the outputs, which stand first among the arguments."""
    return Kernel(body, "rows")


def over_ranges(body: Callable) -> Kernel:
    """Walk chunks: ``body(start, stop, grain, *args)``; for CPU fast paths that keep state over a chunk."""
    return Kernel(body, "ranges")


def inner_ranges(body: Callable) -> Kernel:
    """`over_ranges` for a kernel that only kernels run: it compiles faster, and called from Python it would crash."""
    return Kernel(body, "ranges", inner=True)


class Pool:
    """The threads behind every kernel: the address of the parallel driver and how many threads may enter it.

    `threads` is 1, and everything runs on the calling thread, in a forked child (an OpenMP runtime kills a process
    that enters it after a fork) and wherever Numba finds no threading layer.
    """

    def __init__(self) -> None:
        self.address = 0
        self.layer = ""
        self.threads = self.available = numba.config.NUMBA_NUM_THREADS
        # workqueue aborts the process when two Python threads enter it at once: whoever comes second runs serially
        self.lock: threading.Lock | None = None
        self._starting = threading.Lock()
        self._keep: Any = None

    def start(self) -> None:
        """Compile the driver and start the threading layer, once, before the first parallel run."""
        with self._starting:
            if self.address or self.threads == 1:
                return
            _start_layer()
            self._keep = _jit.native(_parallel_for, "void(intp, intp, intp, intp, intp)")
            self.layer = numba.threading_layer()
            self.lock = threading.Lock() if self.layer == "workqueue" else None
            self.address = self._keep.address

    def forbid(self) -> None:
        """Run serially from now on (a forked child)."""
        self.address, self.threads, self.lock = 0, 1, None
        self._starting = threading.Lock()


def _start_layer() -> None:
    """Start Numba's threading layer, so that its symbols exist when a cached driver is loaded.

    OpenMP's threads wait for work by spinning, by default for seconds: a machine with other work on it loses whole time
    slices to them (a training step on 2 busy cores: 640 ms). 5000 turns, a quarter of a millisecond, outlast the Python
    between two kernels on a quiet machine and bound the loss on a busy one. The runtime reads its settings once, when
    it is loaded; a user's own are left alone.
    """
    names = ("GOMP_SPINCOUNT", "OMP_WAIT_POLICY")
    ours = not any(name in os.environ for name in names)
    if ours:
        os.environ["GOMP_SPINCOUNT"] = "5000"
    try:
        numba.get_num_threads()
    finally:
        if ours:
            del os.environ["GOMP_SPINCOUNT"]


pool = Pool()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=pool.forbid)


def prepare(kernel: Kernel, fast: Any, outs: tuple, ins: tuple, params: tuple, n: int, work: int, scratch: Any) -> Any:
    """Launch a kernel, or its fast path, and return ``again(outs, ins)``, which launches it on others of these types.

    `again` calls the compiled code at its entry point: without the dispatcher, which looks at the type of every
    argument (55 ns an array, 20 ns an int). ``scratch()`` allocates the workspace of the fast path.
    """
    if fast is not None:
        arguments = _fast_arguments(params, scratch)
        compiled, threaded = fast, n * work > CHUNK_WORK
    else:
        grain = grain_of(kernel, work)
        arguments = _ARGUMENTS[kernel.kind](params, n, grain)
        compiled, threaded = kernel.cpu, n > grain
    args = arguments(outs, ins)
    if threaded and pool.threads > 1:
        _with_threads(compiled, args)
    else:
        compiled(*args, 0)
    call = entry_point(compiled, (*args, 0))
    if not threaded:
        return lambda outs, ins: call(*arguments(outs, ins), 0)

    def again(outs: tuple, ins: Sequence) -> None:
        if pool.threads == 1:
            call(*arguments(outs, ins), 0)
        else:
            _with_threads(call, arguments(outs, ins))

    return again


def _fast_arguments(params: tuple, scratch: Any) -> Callable[[tuple, Sequence], tuple]:
    return lambda outs, ins: (*outs, *ins, scratch(), *params)


# How the drivers take their arguments, all but the last.
_ARGUMENTS: dict[str, Callable[[tuple, int, int], Callable[[tuple, Sequence], tuple]]] = {
    "elements": lambda params, n, grain: lambda outs, ins: (*outs, *ins, params, 0, n, grain),
    "outputs": lambda params, n, grain: lambda outs, ins: (*outs, (*ins, *params), 0, n, grain),
    "rows": lambda params, n, grain: lambda outs, ins: ((*outs, *ins, *params), 0, n, grain),
    "ranges": lambda params, n, grain: lambda outs, ins: ((*outs, *ins, *params), 0, n, grain),
}


def entry_point(compiled: Any, args: tuple) -> Any:
    """The compiled code for arguments of exactly these types, or `compiled` where it would convert them."""
    signature = tuple(map(numba.typeof, args))
    found = getattr(compiled, "overloads", {}).get(signature)
    return compiled if found is None else found.entry_point


def grain_of(kernel: Kernel, work: int) -> int:
    """How many items of `work` scalar operations one chunk has."""
    grain = max(1, CHUNK_WORK // work)
    # vectors, and so bits, are the same in chunks as in one serial run
    return max(64, grain - grain % 64) if kernel.kind in ("elements", "outputs") else grain


def run(kernel: Kernel, outs: tuple, ins: tuple, params: tuple, n: int, work: int = 1) -> None:
    """Run `kernel` over n items on the CPU; `work` is roughly the cost of one item in scalar operations."""
    grain = grain_of(kernel, work)
    enter(kernel.cpu, _ARGUMENTS[kernel.kind](params, n, grain)(outs, ins)[:-3], n, grain)


# Up to here a step of Adam takes less than the threads gain.
TABLE_SERIAL = 32768

# 32 k scalar operations take 5 to 30 microseconds: enough to hide the 2 microseconds of entering the threads.
CHUNK_WORK = 32768


def enter(compiled: Any, args: tuple, n: int, grain: int) -> None:
    """Call a compiled driver over [0, n): serially, or in chunks of `grain` where there are at least two."""
    if n <= grain or pool.threads == 1:
        compiled(*args, 0, n, grain, 0)
    else:
        _with_threads(compiled, (*args, 0, n, grain))


def enter_fast(compiled: Any, args: tuple, work: int) -> None:
    """Call a fast path, whose last argument is the address of the parallel driver, or 0 where it is not worth it."""
    if work <= CHUNK_WORK or pool.threads == 1:
        compiled(*args, 0)
    else:
        _with_threads(compiled, args)


def _with_threads(compiled: Any, args: tuple) -> None:
    if not pool.address:
        pool.start()
    if pool.lock is not None and not pool.lock.acquire(blocking=False):
        compiled(*args, 0)
        return
    # Asking Numba for its number costs 1.4 microseconds: only a number below its largest needs to be set.
    fewer = pool.threads < pool.available
    before = numba.get_num_threads() if fewer else 0
    try:
        if fewer:
            numba.set_num_threads(pool.threads)
        compiled(*args, pool.address)
    finally:
        if fewer:
            numba.set_num_threads(before)
        if pool.lock is not None:
            pool.lock.release()
