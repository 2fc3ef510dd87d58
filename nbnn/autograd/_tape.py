"""The tape: grad modes, and the Nodes that record ops."""

from __future__ import annotations

import functools
import inspect
import itertools
import math
import threading
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

import nbnn.device as _device
from nbnn.tensor import Tensor, make

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
                with grad_mode(value):
                    try:
                        item = next(steps)
                    except StopIteration as stop:
                        return stop.value
                yield item

        return generate

    @functools.wraps(function)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        with grad_mode(value):
            return function(*args, **kwargs)

    return wrapped


class grad_mode:
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


class no_grad(grad_mode):
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


class enable_grad(grad_mode):
    """Record again inside a `no_grad` block (or in the decorated function)."""

    def __new__(cls, function: Callable | None = None) -> Any:
        return object.__new__(cls) if function is None else _under_mode(function, True)

    def __init__(self) -> None:
        super().__init__(True)


class inference_mode(grad_mode):
    """Like `no_grad`; ``inference_mode(False)`` switches recording on."""

    def __new__(cls, mode: Any = True) -> Any:
        return _under_mode(mode, False) if callable(mode) else object.__new__(cls)

    def __init__(self, mode: bool = True) -> None:
        super().__init__(not mode)


def is_grad_enabled() -> bool:
    """Whether ops are recorded now.

    Examples
    --------
    >>> import nbnn
    >>> with nbnn.no_grad():
    ...     nbnn.is_grad_enabled()
    False
    """
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
_numbers = itertools.count()


class Node:
    """One recorded op: where its inputs came from and what it saved. It is what `grad_fn` shows.

    Making one is part of the cost of every small op (0.9 microseconds), so the fields that most nodes never set are
    defaults on the class, and what only backward needs is worked out there.
    """

    op: Any
    number: int  # in the order of creation: a node's inputs come from nodes with lower numbers
    edges: tuple[tuple[Any, int] | None, ...]
    input_shapes: tuple
    params: tuple = ()
    conjugates = True  # whether `saved` gives the conjugates of complex numbers
    outputs: tuple = ()  # shape, dtype and device of each output, where there are several
    _saved: tuple | None = ()
    _versions: tuple = ()
    _hooks: dict[int, dict[int, Callable]] | None = None
    _retained: dict[int, Tensor] | None = None

    def __init__(self, inputs: tuple, outs: tuple) -> None:
        edges: list[tuple[Any, int] | None] = []
        shapes: list[tuple[int, ...] | None] = []
        for t in inputs:
            if t is None:
                edges.append(None)
                shapes.append(None)
                continue
            shapes.append(t._shape)
            if t._base is not None:
                edges.append(edge_of(t))
            elif t._node is not None:
                edges.append((t._node, t._slot))
            else:
                edges.append((t, 0) if t._leaf_requires_grad else None)
        self.edges = tuple(edges)
        self.input_shapes = tuple(shapes)
        self.number = next(_numbers)  # after `edge_of`, which may make a node for a view
        if len(outs) > 1:
            self.outputs = tuple([(o._shape, o._dtype, o.device) for o in outs])
        for slot, out in enumerate(outs):
            if out._dtype.is_differentiable:
                out._node = self
                if slot:
                    out._slot = slot
                if out._base is not None:
                    out._generation = out._base._generation

    @classmethod
    def record(cls, op: Op, inputs: tuple, outs: tuple, params: tuple) -> Node:
        """Make the outputs of `op` remember how they were computed."""
        node = cls(inputs, outs[: -op.hidden] if op.hidden else outs)
        node.op = op
        node.params = params
        if op.saves_outputs:
            node.keep([inputs[i] for i in op.saves_inputs], [outs[i] for i in op.saves_outputs])
        elif op.saves_inputs:
            node._saved = saved = tuple([inputs[i] for i in op.saves_inputs])
            node._versions = tuple([0 if t is None else t._version[0] for t in saved])
        return node

    @classmethod
    def record_unary(cls, op: Op, x: Tensor, y: Tensor, params: tuple) -> None:
        """`record` for one input and one fresh output: 0.6 microseconds instead of 3."""
        node = _new(cls)
        node.op = op
        node.params = params
        before = x._node
        node.edges = (((x, 0) if before is None else (before, x._slot)) if x._base is None else edge_of(x),)
        node.number = next(_numbers)
        node.input_shapes = (x._shape,)
        saved: tuple = ()
        if op.saves_inputs:
            saved = (x,)
            node._versions = (x._version[0],)
        if op.saves_outputs:
            saved += ((y._data, y._shape, y._dtype, y._version, 0),)
            node._versions += (0,)
        node._saved = saved
        y._node = node

    def keep(self, inputs: list, outs: list) -> None:
        """Save Tensors with the versions they have now.

        An output is kept as its parts, which `saved` puts together again: the node does not refer to a Tensor that
        refers to the node, so nothing waits for the garbage collector. A hidden one does not refer to it.
        """
        parts = [o if o._node is None else (o._data, o._shape, o._dtype, o._version, o._slot) for o in outs]
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
        return tuple([edge is not None for edge in self.edges])

    @property
    def saved(self) -> tuple:
        """The saved inputs, then the saved outputs; of complex ones their conjugates (see `Op`).

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
            found.append(_conjugate(t) if t is not None and t._dtype.is_complex and self.conjugates else t)
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
            grads[slot] if slot in grads else _zeros(shape, kind, where) if kind.is_differentiable else None
            for slot, (shape, kind, where) in enumerate(self.outputs)
        )

    def run(self, grads: tuple) -> tuple:
        """The gradients of the inputs, from those of the outputs."""
        return self.op.grad(self, *grads)

    def __repr__(self) -> str:
        words = self.name.split("_")
        return f"<{''.join(w[:1].upper() + w[1:] for w in words)}Backward>"


def edge_of(t: Tensor) -> tuple[Any, int] | None:
    """Where the gradient of an input goes: to the output of a node, to a leaf, or nowhere."""
    if t._base is not None and t._generation != t._base._generation:
        from nbnn.functional import inplace

        inplace.refresh_view(t)
    if t._node is not None:
        return (t._node, t._slot)
    return (t, 0) if t._leaf_requires_grad else None


def _conjugate(t: Tensor) -> Tensor:
    from nbnn.functional.complexes import conj

    return conj(t)


def _zeros(shape: tuple[int, ...], kind: Any, where: Any) -> Tensor:
    return make(_device.full(math.prod(shape), kind.storage, where, 0), shape, kind)
