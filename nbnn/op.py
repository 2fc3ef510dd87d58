"""Op: what ties a kernel to its shape rule and its gradient; apply(): the one place that runs and records it."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

import nbnn.device as _device
from nbnn._arrays import takes_arrays as takes_arrays  # functions import it beside `apply`
from nbnn._arrays import to_numpy, to_tensors
from nbnn.autograd._tape import Node, recording, wants_grad
from nbnn.device import allocator, empty, host_empty
from nbnn.kernels._cpu import CHUNK_WORK, Kernel, enter_fast, entry_point, pool, prepare
from nbnn.tensor import Tensor, flat, make


class Launch(NamedTuple):
    """One launch, of a measured path or a Kernel, that does on the CPU what the `forward` of an op does elsewhere."""

    fast: Any
    shapes: tuple[tuple[int, ...], ...]  # of the outputs
    params: tuple
    work: int  # scalar operations in all; of one item for a Kernel
    workspace: int = 0
    items: int = 1  # how many a Kernel walks
    kinds: tuple = ()  # the dtypes of the outputs, None for that of the first input; all that where it is empty
    scratch: tuple[tuple[int, Any], ...] = ()  # (size, dtype) of what a Kernel writes besides, after the outputs


class Op:
    """A differentiable operation.

    Parameters
    ----------
    name : str
        Stands in errors and in `grad_fn`.
    kernel : Kernel
        Called with output storages, input storages, then the params.
    grad : callable, optional
        ``grad(node, *output_grads)`` gives one gradient or None for each input, computed with ops.
    shape : callable, optional
        ``shape(params, *input_shapes)`` gives the tuple of output shapes; by default one output like the first input.
    dtypes : tuple, optional
        The dtype of each output; None is the dtype of the first input.
    count : callable, optional
        ``count(params, *input_shapes)``: how many items the driver walks; by default the elements of the first output.
    work : callable, optional
        ``work(params, *input_shapes)``: scalar operations of one item; by default 1.
    saves_inputs, saves_outputs : tuple of int
        Which inputs and outputs `grad` will find in ``node.saved``, in this order.
    fast : compiled function, optional
        The measured CPU path ``fast(*outputs, *inputs, workspace, *params, pool)``.
    workspace : callable, optional
        ``workspace(*params)``: how many elements of scratch memory `fast` needs.
    forward : callable, optional
        Instead of a kernel: ``forward(*inputs, params)`` returns the output Tensors (views, and copies through them).
    plan : callable, optional
        ``plan(params, *input_shapes)`` gives the `Launch` that replaces `forward` for floating-point numbers on the
        CPU, or None where there is none. It is asked once for inputs of given shapes, none of them empty.
    strided : bool
        Whether `forward` reads a strided first input where it lies, and the plan would have to copy it.
    hidden : int
        How many of the last outputs are there for `grad` only.
    takes_complex : bool or Kernel
        Whether the inputs may be complex; they are refused otherwise. The kernel is compiled for them as it is, or
        the one given here stands in for it. The op has to be holomorphic, and real for real inputs: the gradient
        ``g * conj(df/dx)``, which is PyTorch's, is then what `grad` computes from the conjugates of what was saved, and
        it is those that ``node.saved`` gives.

    Examples
    --------
    An op of two bodies, in a file of your own:

    >>> import nbnn
    >>> from nbnn.kernels._cpu import over_elements
    >>> from nbnn.op import Op, apply
    >>> @over_elements(1)
    ... def cube(x):
    ...     return x * x * x
    >>> @over_elements(2)
    ... def cube_backward(grad, x):
    ...     return type(x)(3) * x * x * grad
    >>> CUBE_BACKWARD = Op("cube_backward", cube_backward)
    >>> CUBE = Op("cube", cube, saves_inputs=(0,), grad=lambda node, g: (apply(CUBE_BACKWARD, g, *node.saved),))
    >>> x = nbnn.tensor([2.0], requires_grad=True)
    >>> apply(CUBE, x).sum().backward()
    >>> x.grad
    tensor([12.])
    """

    __slots__ = (
        "count",
        "dtypes",
        "fast",
        "forward",
        "grad",
        "hidden",
        "kernel",
        "name",
        "plan",
        "plans",
        "saves_inputs",
        "saves_outputs",
        "shape",
        "small",
        "strided",
        "takes_complex",
        "work",
        "workspace",
    )

    def __init__(
        self,
        name: str,
        kernel: Kernel | None = None,
        *,
        grad: Callable | None = None,
        shape: Callable | None = None,
        dtypes: tuple | None = None,
        count: Callable | None = None,
        work: Callable | None = None,
        saves_inputs: tuple[int, ...] = (),
        saves_outputs: tuple[int, ...] = (),
        fast: Any = None,
        workspace: Callable | None = None,
        forward: Callable | None = None,
        plan: Callable | None = None,
        strided: bool = False,
        hidden: int = 0,
        takes_complex: Any = False,
    ) -> None:
        self.name = name
        self.kernel: Any = kernel
        self.grad = grad
        self.shape = shape
        self.dtypes = dtypes
        self.count = count
        self.work = work
        self.saves_inputs = saves_inputs
        self.saves_outputs = saves_outputs
        self.fast = fast
        self.workspace = workspace
        self.forward = forward
        self.plan = plan
        self.strided = strided
        self.hidden = hidden
        elementwise = kernel is not None and kernel.kind == "elements" and fast is None
        self.small = elementwise and shape is None and count is None  # see `_run_small`
        self.takes_complex = takes_complex
        self.plans = _Plans()

    def __repr__(self) -> str:
        return f"<op {self.name}>"


class _Plans(dict[tuple, Any]):
    """The plans of an op by its params, and the shapes and dtypes of its inputs; by these alone those of `Shortcut`."""

    room = 1024  # after so many different ones (a random state among the params) no more are made

    def add(self, key: tuple, plan: Any) -> None:
        """Keep a plan, and no more than 256 of them at a time."""
        if self.room:
            self.room -= 1
            if len(self) == 256:
                self.clear()
            self[key] = plan


class _Plan:
    """All that `_run` works out for inputs of given shapes on the CPU: the outputs' memory, and the launch.

    Making it runs the op.
    """

    __slots__ = ("launch", "outs", "scratch")

    def __init__(
        self,
        kernel: Any,
        fast: Any,
        outs: tuple,
        ins: list,
        params: tuple,
        n: int,
        work: int,
        workspace: int,
        scratch: tuple = (),
    ) -> None:
        self.outs = [(allocator(o._data), o._data.size, o._data.dtype, o._shape, o._dtype) for o in outs]
        self.scratch = scratch
        kind = outs[0]._data.dtype
        data = (*[o._data for o in outs], *[host_empty(size, k) for size, k in scratch])
        self.launch: Any = None
        if n:
            nothing = np.empty(0, kind)
            memory = (lambda: host_empty(workspace, kind)) if workspace else (lambda: nothing)
            self.launch = prepare(kernel, fast, data, tuple(ins), params, n, work, memory)

    def run(self, ins: list) -> tuple[Tensor, ...]:
        """Allocate and launch."""
        outs = []
        data = []
        for empty_array, size, kind, shape, dtype in self.outs:
            storage = empty_array(size, kind)
            data.append(storage)
            outs.append(make(storage, shape, dtype))
        for size, kind in self.scratch:
            data.append(host_empty(size, kind))
        if self.launch is not None:
            self.launch(data, ins)
        return tuple(outs)


def apply(op: Op, *inputs: Any, params: tuple = ()) -> Any:
    """Run `op` on Tensors: allocate the outputs, launch the kernel, and record a Node if a gradient may be asked for.

    NumPy arrays among the inputs (and no Tensor) give NumPy arrays. Inputs of a half type are computed in float32.

    Raises
    ------
    TypeError
        If an input is neither Tensor nor array.
    RuntimeError
        If the inputs lie on different devices.
    """
    outs: tuple[Tensor, ...]
    try:
        if op.small and (out := _run_small(op, inputs, params)) is not None:
            outs = (out,)
        elif op.forward is None or (
            op.plan is not None
            and (inputs[0]._strides is None or not op.strided)
            and type(inputs[0]._data) is _array_type
        ):
            outs = _run(op, inputs, params)
        else:
            if not op.takes_complex:
                _refuse_complex(op, inputs)
            outs = op.forward(*inputs, params)
    except _NeedsTensorsError:
        return _apply_to_arrays(op, inputs, params)
    except Exception as error:
        raise add_frame(error, op.name, inputs)  # noqa: B904  (the same exception, with a note)
    if recording.enabled and op.grad is not None and wants_grad(inputs):
        Node.record(op, inputs, outs, params)
    if op.hidden:
        outs = outs[: -op.hidden]
    return outs[0] if len(outs) == 1 else outs


def apply_unary(op: Op, x: Any, params: tuple = ()) -> Any:
    """`apply` for an elementwise op of one input, made for small Tensors; `params` have the same types at every call.

    Up to 32768 elements on the CPU go straight into the compiled code: 0.9 microseconds for a relu of 8 elements, where
    the general path takes 2.4.
    """
    if type(x) is Tensor and x._strides is None:
        data = x._data
        entry = op.kernel.fast.get(x._dtype)
        if entry is not None and type(data) is _array_type:
            n = data.size
            if n <= _SMALL:
                kind = x._dtype if op.dtypes is None else op.dtypes[0]
                out = (_np_empty if n <= _BLOCK else host_empty)(n, kind.storage)
                entry(out, data, params, 0, n, n, 0)
                y = make(out, x._shape, kind)
                if (x._node is not None or x._leaf_requires_grad) and recording.enabled and op.grad is not None:
                    Node.record_unary(op, x, y, params)
                return y
        elif entry is None and type(data) is _array_type and not (x._dtype.is_half or x._dtype.is_complex):
            op.kernel.find_entry(x._dtype, (data,), params)
    return apply(op, x, params=params)


def apply_binary(op: Op, a: Tensor, b: Tensor, params: tuple = ()) -> Any:
    """`apply_unary` for two Tensors of one type that lie row by row in memory: 1.2 microseconds, and not 2.1."""
    if a._shape == b._shape:
        x, y, kind = a._data, b._data, a._dtype
        entry = op.kernel.fast.get(kind)
        if entry is not None and type(x) is _array_type is type(y):
            n = x.size
            if n <= _SMALL:
                if op.dtypes is not None:
                    kind = op.dtypes[0]
                out = (_np_empty if n <= _BLOCK else host_empty)(n, kind.storage)
                entry(out, x, y, params, 0, n, n, 0)
                z = make(out, a._shape, kind)
                if recording.enabled and op.grad is not None and wants_grad((a, b)):
                    Node.record(op, (a, b), (z,), params)
                return z
        elif entry is None and type(x) is _array_type is type(y) and not (kind.is_half or kind.is_complex):
            op.kernel.find_entry(kind, (x, y), params)
    return apply(op, a, b, params=params)


def _run_small(op: Op, inputs: tuple, params: tuple) -> Tensor | None:
    """What `apply_binary` does, for any elementwise op of any number of inputs; None where it does not apply.

    1.4 microseconds for three inputs of 8 elements, where a plan takes 2.4.
    """
    first = inputs[0]
    data = []
    key: list[Any] = []
    for t in inputs:
        if not isinstance(t, Tensor) or t._strides is not None or t._shape != first._shape:
            return None
        storage = t._data
        if type(storage) is not _array_type:
            return None
        data.append(storage)
        key.append(t._dtype)
    n = data[0].size
    if n > (_SMALL if op.work is None else _SMALL_WORK):
        return None
    kind = key[0]
    if params:
        key += map(type, params)
    known = tuple(key)
    entry = op.kernel.fast.get(known)
    if entry is None:
        if not (kind.is_half or any(t._dtype.is_complex for t in inputs)):
            op.kernel.find_entry(known, tuple(data), params)
        return None
    if op.dtypes is not None:
        kind = op.dtypes[0] or kind
    out = (_np_empty if n <= _BLOCK else host_empty)(n, kind.storage)
    entry(out, *data, params, 0, n, n, 0)
    return make(out, first._shape, kind)


_SMALL = 32768  # elements: the grain of the threads, see `_cpu.CHUNK_WORK`
_SMALL_WORK = 2048  # of ops that count several operations for an element
_BLOCK = 8192  # elements of 8 bytes that are no block of `HostMemory`
_np_empty = np.empty
_array_type = np.ndarray


class Shortcut:
    """The way past `apply` for an op of one output with a measured path, open to inputs like those it has seen.

    Contiguous Tensors on the CPU enter the compiled code after one look-up: a product of 2 x 2 matrices takes 1.9
    microseconds, where `apply` takes 2.6 and the choice of its params 1.7. The ways are kept among the op's plans.
    """

    __slots__ = ("op",)

    def __init__(self, op: Op) -> None:
        self.op = op

    def take(self, *inputs: Any) -> Tensor | None:
        """The result of the op, or None where no inputs of these shapes and dtypes were learned."""
        key: list[Any] = []
        storages: list[Any] = []
        for t in inputs:
            if t is None:
                storages.append(None)
                key.append(None)
            elif isinstance(t, Tensor) and t._strides is None and type(t._data) is _array_type:
                storages.append(t._data)
                key.append(t._shape)
                key.append(t._dtype)
            else:
                return None
        way: Any = self.op.plans.get(tuple(key))
        return None if way is None else way(inputs, storages)

    def learn(self, inputs: tuple, params: tuple) -> None:
        """Open the way for inputs like these, on which `apply` has run with `params`."""
        op, kind = self.op, inputs[0]._dtype
        given = [t for t in inputs if t is not None]
        if op.fast is None or not op.plans.room or kind.is_half or not kind.is_floating_point:
            return
        if any(t._strides is not None or type(t._data) is not _array_type or not t._data.size for t in given):
            return
        shapes = [None if t is None else t._shape for t in inputs]
        (shape,) = op.shape(params, *shapes)  # type: ignore[misc]
        size, room = math.prod(shape), op.workspace(*params)  # type: ignore[misc]
        threaded = size * op.work(params, *shapes) > CHUNK_WORK  # type: ignore[misc]
        storages = [None if t is None else t._data for t in inputs]
        store, tail = kind.storage, (*params, 0)
        out, space = host_empty(size, store), host_empty(room, store)
        entry = entry_point(op.fast, (out, *storages, space, *tail))
        fresh, scratch = allocator(out), allocator(space) if room else lambda size, kind: space

        def way(inputs: tuple, storages: list) -> Tensor | None:
            data = fresh(size, store)
            if threaded and pool.threads > 1:
                enter_fast(entry, (data, *storages, scratch(room, store), *params), CHUNK_WORK + 1)
            else:
                entry(data, *storages, scratch(room, store), *tail)
            y = make(data, shape, kind)
            if recording.enabled and wants_grad(inputs):
                Node.record(op, inputs, (y,), params)
            return y

        key: list[Any] = []
        for t in inputs:
            key += (None,) if t is None else (t._shape, t._dtype)
        op.plans.add(tuple(key), way)


class _NeedsTensorsError(Exception):
    """An input is not a Tensor: leave the fast path."""


def _run(op: Op, inputs: tuple, params: tuple) -> tuple[Tensor, ...]:
    storages: list[Any] = []
    key: list[Any] = [params]
    on_host = True
    if inputs[0] is None:
        raise _NeedsTensorsError
    for t in inputs:
        if t is None:
            storages.append(None)
            key.append(None)
        elif isinstance(t, Tensor):
            storage = t._data if t._strides is None else flat(t)
            on_host = on_host and type(storage) is _array_type
            storages.append(storage)
            key += (t._shape, t._dtype)
        else:
            raise _NeedsTensorsError
    if on_host:
        known = tuple(key)
        plan = op.plans.get(known)
        if plan is not None:
            return plan.run(storages)
    return _run_new(op, inputs, storages, params, known if on_host else None)


def _run_new(op: Op, inputs: tuple, storages: list, params: tuple, key: tuple | None) -> tuple[Tensor, ...]:
    """`_run` without a plan; made for the next time where all lies on the host (and there is a key)."""
    shapes = [None if t is None else t._shape for t in inputs]
    kind, kernel = inputs[0]._dtype, op.kernel
    if not op.takes_complex:
        _refuse_complex(op, inputs)
    elif kind.is_complex and isinstance(op.takes_complex, Kernel):
        kernel = op.takes_complex
    if op.forward is not None:
        return _run_planned(op, inputs, storages, params, shapes, key)
    if kind.is_half:
        return _run_half(op, inputs, params)
    on_host = isinstance(storages[0], np.ndarray)
    for s in storages:
        if s is not None and isinstance(s, np.ndarray) is not on_host:
            places = ", ".join(str(t.device) for t in inputs if t is not None)
            raise RuntimeError(f"{op.name}: all Tensors must lie on one device; got {places}")
    out_shapes: Any = (shapes[0],) if op.shape is None else op.shape(params, *shapes)
    where = _device.CPU if on_host else _device.CUDA
    outs = tuple(
        [
            make(empty(math.prod(shape), (k or kind).storage, where), shape, k or kind)
            for shape, k in zip(out_shapes, op.dtypes or _SAME, strict=True)
        ]
    )
    data = tuple([o._data for o in outs])
    work = 1 if op.work is None else op.work(params, *shapes)
    n = data[0].size if op.count is None else op.count(params, *shapes)
    workspace = 0 if op.workspace is None else op.workspace(*params)
    if key is not None:
        fast = op.fast if data[0].dtype.kind == "f" else None  # the measured paths are vectors of such numbers
        op.plans.add(key, _Plan(kernel, fast, outs, storages, params, n, work, workspace))
    else:
        _device.launch(kernel, data, tuple(storages), params, n, work, op.fast, workspace)
    return outs


def _refuse_complex(op: Op, inputs: tuple) -> None:
    """The one gate for complex numbers: no plan is made, and no `forward` runs, for an op that does not take them."""
    for t in inputs:
        if isinstance(t, Tensor) and t._dtype.is_complex:
            raise TypeError(f"{op.name}: `input` must be real; got {t._dtype!r}; take .real, .imag or abs()")


def _run_planned(op: Op, inputs: tuple, storages: list, params: tuple, shapes: list, key: tuple | None) -> Any:
    """Run the measured path that stands in for `forward`, where there is one for these inputs."""
    kind, found = inputs[0]._dtype, None
    if key is not None and kind.is_floating_point and not kind.is_half and all(s is None or s.size for s in storages):
        found = op.plan(params, *shapes) if op.plan is not None else None
    if found is None:
        return op.forward(*inputs, params)  # type: ignore[misc]
    kinds = [k or kind for k in found.kinds or _SAME * len(found.shapes)]
    outs = tuple([make(host_empty(math.prod(s), k.storage), s, k) for s, k in zip(found.shapes, kinds, strict=True)])
    kernel, fast = (found.fast, None) if isinstance(found.fast, Kernel) else (None, found.fast)
    rest = (found.params, found.items, found.work, found.workspace, found.scratch)
    plan = _Plan(kernel, fast, outs, storages, *rest)
    op.plans.add(key, plan)  # type: ignore[arg-type]
    return outs


_SAME = (None,)  # one output, of the type of the first input


def _run_half(op: Op, inputs: tuple, params: tuple) -> tuple[Tensor, ...]:
    """Compute an op on halves in float32; each output that takes its type from the inputs becomes a half again."""
    kind = inputs[0]._dtype
    wide = tuple(t.float() if t is not None and t._dtype.is_half else t for t in inputs)
    outs = _run(op, tuple(None if t is None else t.detach() for t in wide), params)
    kinds = op.dtypes or _SAME
    return tuple(o if k is not None else o.to(kind) for o, k in zip(outs, kinds, strict=True))


def _apply_to_arrays(op: Op, inputs: tuple, params: tuple) -> Any:
    tensors, as_numpy = to_tensors(op.name, inputs)
    outs = apply(op, *tensors, params=params)
    if not as_numpy:
        return outs
    return tuple(map(to_numpy, outs)) if isinstance(outs, tuple) else to_numpy(outs)


def add_frame(error: Exception, name: str, inputs: tuple, where: str = "in") -> Exception:
    """Note the op and the shapes of its inputs on an exception that passes through."""
    shapes = ", ".join(
        f"{tuple(t.shape)} {getattr(t.dtype, 'name', t.dtype)}" if hasattr(t, "shape") else repr(t) for t in inputs
    )
    note = f"{where} {name}({shapes})"
    if hasattr(error, "add_note"):
        error.add_note(note)
    elif len(error.args) == 1 and isinstance(error.args[0], str):  # Python 3.10 has no notes
        error.args = (f"{error.args[0]} [{note}]",)
    return error
