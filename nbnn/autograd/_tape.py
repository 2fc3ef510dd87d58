"""The tape: grad modes, the Nodes that record ops, and the walk back through them."""

from __future__ import annotations

import functools
import inspect
import math
import sys
import threading
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

import nbnn.device as _device
from nbnn.tensor import Tensor, alias, make

if TYPE_CHECKING:
    from nbnn.op import Op


class _Mode(threading.local):
    enabled = True


recording = _Mode()


class set_grad_enabled:
    """Switch the recording of gradients on or off, for a block or, used as a decorator, for a function.

    Parameters
    ----------
    mode : bool
        Whether ops are recorded.

    Examples
    --------
    >>> import nbnn
    >>> x = nbnn.ones(2, requires_grad=True)
    >>> with nbnn.set_grad_enabled(False):
    ...     y = x * 2
    >>> y.requires_grad
    False
    """

    def __init__(self, mode: bool) -> None:
        self._before = recording.enabled
        self._value = bool(mode)
        recording.enabled = self._value

    def __enter__(self) -> None:
        recording.enabled = self._value

    def __exit__(self, *exc: Any) -> None:
        recording.enabled = self._before

    def __call__(self, function: Callable) -> Callable:
        recording.enabled = self._before  # a decorator changes nothing by being applied
        return _under_mode(function, self._value)


def _under_mode(function: Callable, value: bool) -> Callable:
    if inspect.isgeneratorfunction(function):

        @functools.wraps(function)
        def generate(*args: Any, **kwargs: Any) -> Any:
            steps = function(*args, **kwargs)
            while True:
                with _Switch(value):
                    try:
                        item = next(steps)
                    except StopIteration as stop:
                        return stop.value
                yield item

        return generate

    @functools.wraps(function)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        with _Switch(value):
            return function(*args, **kwargs)

    return wrapped


class _Switch:
    """Set the grad mode inside a block; re-entrant, usable as a decorator with or without parentheses."""

    _value = True

    def __init__(self, value: bool) -> None:
        self._value = value
        self._before: list[bool] = []

    def __enter__(self) -> None:
        self._before.append(recording.enabled)
        recording.enabled = self._value

    def __exit__(self, *exc: Any) -> None:
        recording.enabled = self._before.pop()

    def __call__(self, function: Callable) -> Callable:
        return _under_mode(function, self._value)


class no_grad(_Switch):
    """Record nothing inside the block (or the decorated function): results have no gradient.

    Examples
    --------
    >>> import nbnn
    >>> x = nbnn.ones(2, requires_grad=True)
    >>> with nbnn.no_grad():
    ...     y = x * 2
    >>> y.requires_grad
    False
    """

    def __new__(cls, function: Callable | None = None) -> Any:
        return object.__new__(cls) if function is None else _under_mode(function, False)

    def __init__(self) -> None:
        super().__init__(False)


class enable_grad(_Switch):
    """Record again inside a `no_grad` block (or in the decorated function)."""

    def __new__(cls, function: Callable | None = None) -> Any:
        return object.__new__(cls) if function is None else _under_mode(function, True)

    def __init__(self) -> None:
        super().__init__(True)


class inference_mode(_Switch):
    """Like `no_grad`; ``inference_mode(False)`` switches recording on."""

    def __new__(cls, mode: Any = True) -> Any:
        return _under_mode(mode, False) if callable(mode) else object.__new__(cls)

    def __init__(self, mode: bool = True) -> None:
        super().__init__(not mode)


def is_grad_enabled() -> bool:
    """Whether ops are recorded now."""
    return recording.enabled


def wants_grad(inputs: Iterable[Any]) -> bool:
    """Whether any of the inputs leads to a leaf that requires a gradient."""
    for t in inputs:
        if t is not None and (t._leaf_requires_grad or t._node is not None):
            return True
    return False


class HookHandle:
    """What registering a hook returns: `remove()` takes the hook off; also a context manager."""

    _next_key = 0

    def __init__(self, hooks: dict[int, Callable], hook: Callable) -> None:
        HookHandle._next_key += 1
        self._key = HookHandle._next_key
        self._hooks = hooks
        hooks[self._key] = hook

    def remove(self) -> None:
        """Take the hook off; a second call does nothing."""
        self._hooks.pop(self._key, None)

    def __enter__(self) -> HookHandle:
        return self

    def __exit__(self, *exc: Any) -> None:
        self.remove()


_new = object.__new__


class Node:
    """One recorded op: where its inputs came from and what it saved. It is what `grad_fn` shows.

    Making one is part of the cost of every small op (0.9 microseconds), so the fields that most nodes never set are
    defaults on the class, and what only backward needs is worked out there.
    """

    op: Any
    edges: tuple[tuple[Any, int] | None, ...]
    input_shapes: tuple
    params: tuple = ()
    outputs: tuple = ()  # shape, dtype and device of each output, where there are several
    _saved: tuple | None = ()
    _versions: tuple = ()
    _hooks: dict[int, dict[int, Callable]] | None = None
    _retained: dict[int, Tensor] | None = None

    def __init__(self, inputs: tuple, outs: tuple) -> None:
        self.edges = tuple([None if t is None else _edge(t) for t in inputs])
        self.input_shapes = tuple([None if t is None else t._shape for t in inputs])
        if len(outs) > 1:
            self.outputs = tuple((o._shape, o._dtype, o.device) for o in outs)
        for slot, out in enumerate(outs):
            if out._dtype.is_floating_point:
                out._node = self
                if slot:
                    out._slot = slot
                if out._base is not None:
                    out._generation = out._base._generation

    @classmethod
    def record(cls, op: Op, inputs: tuple, outs: tuple, params: tuple) -> Node:
        """Make the outputs of `op` remember how they were computed."""
        node = cls(inputs, outs)
        node.op = op
        node.params = params
        if op.saves_inputs or op.saves_outputs:
            node.keep([inputs[i] for i in op.saves_inputs], [outs[i] for i in op.saves_outputs])
        return node

    @classmethod
    def record_unary(cls, op: Op, x: Tensor, y: Tensor) -> None:
        """`record` for one input without params and one fresh output: 0.6 microseconds instead of 3."""
        node = _new(cls)
        node.op = op
        before = x._node
        node.edges = (((x, 0) if before is None else (before, x._slot)) if x._base is None else _edge(x),)
        node.input_shapes = (x._shape,)
        if op.saves_outputs:
            node._saved = ((y._data, y._shape, y._dtype, y._version, 0),)
            node._versions = (0,)
        else:
            node._saved = (x,)
            node._versions = (x._version[0],)
        y._node = node

    def keep(self, inputs: list, outs: list) -> None:
        """Save Tensors with the versions they have now.

        An output is kept as its parts, which `saved` puts together again: the node does not refer to a Tensor that
        refers to the node, so nothing waits for the garbage collector.
        """
        parts = [(o._data, o._shape, o._dtype, o._version, o._slot) for o in outs]
        self._saved = (*inputs, *parts)
        self._versions = (
            *[0 if t is None else t._version[0] for t in inputs],
            *[o._version[0] for o in outs],
        )

    @property
    def name(self) -> str:
        """The op's name."""
        return self.op.name

    @property
    def needs(self) -> tuple[bool, ...]:
        """Which inputs want a gradient."""
        return tuple(edge is not None for edge in self.edges)

    @property
    def saved(self) -> tuple:
        """The saved inputs, then the saved outputs.

        Raises
        ------
        RuntimeError
            If they were freed by an earlier backward, or one was changed in place since.
        """
        if self._saved is None:
            raise RuntimeError(
                f"backward: the graph was freed by an earlier backward through {self.name}; "
                "call the first backward with retain_graph=True"
            )
        found = []
        for position, (item, version) in enumerate(zip(self._saved, self._versions, strict=True)):
            t = self._again(*item) if type(item) is tuple else item
            if t is not None and t._version[0] != version:
                raise RuntimeError(
                    f"backward: {self.name} saved a Tensor of shape {t._shape} (saved Tensor {position}) that was "
                    f"changed in place before backward: it is at version {t._version[0]}, saved at {version}"
                )
            found.append(t)
        return tuple(found)

    def _again(self, data: Any, shape: tuple, dtype: Any, version: list[int], slot: int) -> Tensor:
        t = make(data, shape, dtype)
        t._version, t._node, t._slot = version, self, slot
        return t

    def free(self) -> None:
        """Forget what was saved."""
        if self._saved:
            self._saved = None

    @property
    def next_functions(self) -> tuple:
        """The nodes of the inputs, with the output of each that was used."""
        return tuple(
            (e[0] if e is not None and isinstance(e[0], Node) else None, 0 if e is None else e[1]) for e in self.edges
        )

    def hooks_of(self, slot: int) -> dict[int, Callable]:
        """The hooks on the gradient of one output."""
        self._hooks = {} if self._hooks is None else self._hooks
        return self._hooks.setdefault(slot, {})

    def retain(self, slot: int, t: Tensor) -> None:
        """Put the gradient of one output into the `.grad` of `t`."""
        self._retained = {} if self._retained is None else self._retained
        self._retained[slot] = t

    def complete(self, grads: dict[int, Tensor]) -> tuple:
        """The gradients of all outputs, zeros standing for those that nobody asked for."""
        if not self.outputs:
            return (grads[0],)
        return tuple(
            grads[slot] if slot in grads else _zeros(shape, kind, where) if kind.is_floating_point else None
            for slot, (shape, kind, where) in enumerate(self.outputs)
        )

    def run(self, grads: tuple) -> tuple:
        """The gradients of the inputs, from those of the outputs."""
        return self.op.grad(self, *grads)

    def __repr__(self) -> str:
        words = self.name.split("_")
        return f"<{''.join(w[:1].upper() + w[1:] for w in words)}Backward>"


def _edge(t: Tensor) -> tuple[Any, int] | None:
    """Where the gradient of an input goes: to the output of a node, to a leaf, or nowhere."""
    if t._base is not None and t._generation != t._base._generation:
        from nbnn.functional import inplace

        inplace.refresh_view(t)
    if t._node is not None:
        return (t._node, t._slot)
    return (t, 0) if t._leaf_requires_grad else None


def backward(
    tensors: Any,
    gradients: Any = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    inputs: Any = None,
) -> None:
    """Accumulate gradients into the `.grad` of the leaves; `Tensor.backward` describes the arguments."""
    roots, seeds = _seeds("backward", tensors, gradients)
    only = None if inputs is None else _as_tuple("backward", "inputs", inputs)
    retain = create_graph if retain_graph is None else retain_graph
    _walk(roots, seeds, retain, create_graph, only, accumulate=True)


def grad(
    outputs: Any,
    inputs: Any,
    grad_outputs: Any = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    allow_unused: bool | None = None,
) -> tuple[Tensor | None, ...]:
    """The gradients of the sum of `outputs` with respect to `inputs`, without touching any `.grad`.

    Parameters
    ----------
    outputs, inputs : Tensor or sequence of Tensor
    grad_outputs : Tensor or sequence, optional
        One for each output; may be left out for outputs of a single element.
    retain_graph, create_graph : bool
        As for `Tensor.backward`.
    allow_unused : bool, optional
        Give None for an input that the outputs do not depend on, instead of raising.

    Returns
    -------
    tuple of Tensor

    Raises
    ------
    RuntimeError
        If an input is not used, or requires no gradient.

    Examples
    --------
    >>> import nbnn
    >>> x = nbnn.tensor(3.0, requires_grad=True)
    >>> (g,) = nbnn.autograd.grad(x * x * x, x, create_graph=True)
    >>> nbnn.autograd.grad(g, x)
    (tensor(18.),)
    """
    roots, seeds = _seeds("grad", outputs, grad_outputs)
    wanted = _as_tuple("grad", "inputs", inputs)
    for i, t in enumerate(wanted):
        if not isinstance(t, Tensor):
            raise TypeError(f"grad: `inputs`[{i}] must be a Tensor; got {type(t).__name__}")
        if not t.requires_grad:
            raise RuntimeError(f"grad: `inputs`[{i}] of shape {t._shape} does not require a gradient")
    retain = create_graph if retain_graph is None else retain_graph
    found = _walk(roots, seeds, retain, create_graph, wanted, accumulate=False)
    for i, g in enumerate(found):
        if g is None and not allow_unused:
            raise RuntimeError(f"grad: `outputs` do not depend on `inputs`[{i}]; pass allow_unused=True to get None")
    return tuple(found)


def _as_tuple(op: str, name: str, value: Any) -> tuple:
    if isinstance(value, Tensor):
        return (value,)
    if not isinstance(value, Iterable) or hasattr(value, "__array__"):
        raise TypeError(f"{op}: `{name}` must be a Tensor or a sequence of Tensors; got {type(value).__name__}")
    return tuple(value)


def _seeds(op: str, tensors: Any, gradients: Any) -> tuple[tuple, list]:
    roots = _as_tuple(op, "outputs", tensors)
    given = (None,) * len(roots) if gradients is None else _as_tuple(op, "gradient", gradients)
    if len(given) != len(roots):
        raise RuntimeError(f"{op}: got {len(roots)} outputs but {len(given)} gradients")
    return roots, [_seed(op, t, g) for t, g in zip(roots, given, strict=True)]


def _seed(op: str, t: Tensor, gradient: Any) -> Tensor:
    if not isinstance(t, Tensor):
        raise TypeError(f"{op}: outputs must be Tensors; got {type(t).__name__}")
    if not t.requires_grad:
        raise RuntimeError(f"{op}: this Tensor of shape {t._shape} does not require a gradient and has no history")
    if gradient is None:
        if t.numel() != 1:
            raise RuntimeError(
                f"{op}: `gradient` may be left out only for a Tensor of one element; got shape {t._shape}"
            )
        one = {"float16": 0x3C00, "bfloat16": 0x3F80}.get(t._dtype.name, 1)  # halves are stored as their bits
        return make(_device.full(1, t._dtype.storage, t.device, one), t._shape, t._dtype)
    if not isinstance(gradient, Tensor):
        raise TypeError(f"{op}: `gradient` must be a Tensor; got {type(gradient).__name__}")
    if gradient._shape != t._shape:
        raise RuntimeError(f"{op}: `gradient` must have the shape {t._shape} of the output; got {gradient._shape}")
    if gradient._dtype is not t._dtype:
        return gradient.to(t._dtype)
    # an alias, so that `_accumulate` sees that the caller holds this memory too
    return gradient if gradient.requires_grad else alias(gradient)


def _order(roots: Iterable[Any]) -> list:
    """Nodes and leaves so that each stands after everything that sends it a gradient."""
    done: set[int] = set()
    post: list = []
    for root in roots:
        stack: list[tuple[Any, bool]] = [(root, False)]
        while stack:
            item, leave = stack.pop()
            if leave:
                post.append(item)
            elif id(item) not in done:
                done.add(id(item))
                stack.append((item, True))
                if isinstance(item, Node):
                    stack.extend((edge[0], False) for edge in item.edges if edge is not None)
    post.reverse()
    return post


def _walk(
    roots: tuple, seeds: list, retain: bool, create_graph: bool, wanted: tuple | None, accumulate: bool
) -> list[Tensor | None]:
    """Carry gradients from the roots to the leaves; returns those of the `wanted` Tensors."""
    targets = [_edge(t) for t in roots]
    pending: dict[int, dict[int, Tensor]] = {}
    for target, seed in zip(targets, seeds, strict=True):
        assert target is not None
        _add(pending, target, seed)
    keys = [None if (e := _edge(t)) is None else (id(e[0]), e[1]) for t in wanted or ()]
    found: dict[Any, Tensor | None] = dict.fromkeys(keys)
    with _Switch(create_graph):
        for item in _order(target[0] for target in targets if target is not None):
            grads = pending.pop(id(item), None)
            if grads is None:
                continue
            if isinstance(item, Tensor):
                g = _call_hooks(item._hooks, grads[0], "a leaf") if item._hooks else grads[0]
                if (id(item), 0) in found:
                    found[id(item), 0] = g
                elif accumulate and wanted is None:
                    _accumulate(item, g, create_graph)
                continue
            _visit(item, grads, pending, found, create_graph)
            if not retain:
                item.free()
        result = [found[key] for key in keys]
        if accumulate:
            for t, total in zip(wanted or (), result, strict=True):
                if total is not None:
                    _accumulate(t, total, create_graph)
    return result


def _visit(node: Node, grads: dict[int, Tensor], pending: dict, found: dict, create_graph: bool) -> None:
    """Send the gradients of a node's outputs on to its inputs."""
    for slot in list(grads):
        if node._hooks and slot in node._hooks:
            grads[slot] = _call_hooks(node._hooks[slot], grads[slot], node.name)
        if node._retained and slot in node._retained:
            _accumulate(node._retained[slot], grads[slot], create_graph)
        if (id(node), slot) in found:
            found[id(node), slot] = grads[slot]
    results = node.run(node.complete(grads))
    if len(results) != len(node.edges):
        raise RuntimeError(
            f"{node.name}: backward must give {len(node.edges)} gradients, one for each input; got {len(results)}"
        )
    for i, (edge, g) in enumerate(zip(node.edges, results, strict=True)):
        if edge is not None and g is not None:
            if g._shape != node.input_shapes[i]:
                raise RuntimeError(
                    f"{node.name}: the gradient of input {i} must have its shape {node.input_shapes[i]}; got {g._shape}"
                )
            _add(pending, edge, g)


def _zeros(shape: tuple[int, ...], kind: Any, where: Any) -> Tensor:
    return make(_device.full(math.prod(shape), kind.storage, where, 0), shape, kind)


def _add(pending: dict[int, dict[int, Tensor]], edge: tuple[Any, int], g: Tensor) -> None:
    slots = pending.setdefault(id(edge[0]), {})
    slots[edge[1]] = slots[edge[1]] + g if edge[1] in slots else g


def _call_hooks(hooks: dict[int, Callable], g: Tensor, name: str) -> Tensor:
    for hook in list(hooks.values()):
        replaced = hook(g)
        if replaced is not None:
            if not isinstance(replaced, Tensor) or replaced._shape != g._shape:
                got = replaced._shape if isinstance(replaced, Tensor) else type(replaced).__name__
                raise RuntimeError(
                    f"register_hook: a hook on {name} must return None or a Tensor of shape {g._shape}; got {got}"
                )
            g = replaced
    return g if recording.enabled else alias(g)  # a hook may have kept its gradient


def _accumulate(t: Tensor, g: Tensor, create_graph: bool) -> None:
    """t.grad += g. A gradient whose memory nobody else holds is taken over instead of copied."""
    if t._grad is not None:
        if create_graph:
            t._grad = t._grad + g
        else:
            t._grad.add_(g)
    elif create_graph:
        t._grad = g.clone()
    elif g._strides is None and not g.requires_grad and sys.getrefcount(g._data) == 2:
        t._grad = alias(g)
    else:
        t._grad = g.detach().clone()
