"""autograd.Function: an op whose forward and backward a user writes in Python on Tensors."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from nbnn.autograd._tape import Node, no_grad, recording, wants_grad
from nbnn.tensor import Tensor, alias


class FunctionCtx:
    """What `forward` tells `backward`. Users may set attributes of their own on it."""

    def __init__(self) -> None:
        self._to_save: tuple = ()
        self._non_differentiable: tuple = ()
        self._dirty: tuple = ()
        self._materialize = True
        self._node: _FunctionNode | None = None
        self._order: tuple[int, ...] = ()
        self.needs_input_grad: tuple[bool, ...] = ()

    def save_for_backward(self, *tensors: Tensor | None) -> None:
        """Keep Tensors (inputs or outputs) for `backward`, which finds them in `saved_tensors`."""
        for t in tensors:
            if t is not None and not isinstance(t, Tensor):
                raise TypeError(f"save_for_backward: only Tensors and None can be saved; got {type(t).__name__}")
        self._to_save = tensors

    def mark_non_differentiable(self, *tensors: Tensor) -> None:
        """Declare outputs that have no gradient."""
        self._non_differentiable = tensors

    def mark_dirty(self, *tensors: Tensor) -> None:
        """Declare inputs that `forward` changed in place and returns."""
        self._dirty = tensors

    def set_materialize_grads(self, value: bool) -> None:
        """Whether `backward` gets zeros (the default) or None for outputs that nobody differentiated."""
        self._materialize = bool(value)

    @property
    def saved_tensors(self) -> tuple:
        """The Tensors given to `save_for_backward`; checked against changes made in place since."""
        if self._node is None:
            return self._to_save
        kept = self._node.saved
        return tuple(kept[k] for k in self._order)


class _FunctionNode(Node):
    """A Node that calls a user's `backward`."""

    ctx: FunctionCtx
    conjugates = False  # a user's `backward` is written for what it saved

    @property
    def name(self) -> str:
        return self.op.__name__

    def free(self) -> None:
        self._saved = None

    def complete(self, grads: dict[int, Tensor]) -> tuple:
        if self.ctx._materialize:
            return super().complete(grads)
        return tuple(grads.get(slot) for slot in range(max(1, len(self.outputs))))

    def run(self, grads: tuple) -> tuple:
        if self._saved is None:
            _ = self.saved  # raises: the graph was freed
        results = self.op.backward(self.ctx, *grads)
        results = results if isinstance(results, tuple) else (results,)
        for i, g in enumerate(results):
            if g is not None and not isinstance(g, Tensor):
                raise TypeError(f"{self.name}: backward must return Tensors or None; result {i} is {type(g).__name__}")
        if len(results) > len(self.edges) and all(g is None for g in results[len(self.edges) :]):
            results = results[: len(self.edges)]
        return results


class Function:
    """A differentiable operation written by its user; call it as ``MyFunction.apply(...)``.

    Subclasses define two static methods: ``forward(ctx, *inputs)`` computes the outputs (nothing in it is recorded),
    and ``backward(ctx, *output_grads)`` returns one gradient or None for each input of `forward`. Alternatively
    ``forward(*inputs)`` without ctx and ``setup_context(ctx, inputs, output)``.

    Examples
    --------
    >>> import nbnn
    >>> class Exp(nbnn.autograd.Function):
    ...     @staticmethod
    ...     def forward(ctx, x):
    ...         y = x.exp()
    ...         ctx.save_for_backward(y)
    ...         return y
    ...     @staticmethod
    ...     def backward(ctx, grad):
    ...         (y,) = ctx.saved_tensors
    ...         return grad * y
    >>> x = nbnn.zeros(2, requires_grad=True)
    >>> Exp.apply(x).sum().backward()
    >>> x.grad
    tensor([1., 1.])
    """

    @staticmethod
    def forward(*args: Any, **kwargs: Any) -> Any:
        """Compute the outputs; to be defined by the subclass."""
        raise NotImplementedError("Function: a subclass must define the static method forward(ctx, *inputs)")

    @staticmethod
    def setup_context(ctx: FunctionCtx, inputs: tuple, output: Any) -> None:
        """Save for backward, when `forward` takes no ctx; to be defined by the subclass."""
        raise NotImplementedError("Function: setup_context is not defined")

    @staticmethod
    def backward(ctx: FunctionCtx, *grad_outputs: Any) -> Any:
        """The gradients of the inputs; to be defined by the subclass."""
        raise NotImplementedError("Function: a subclass must define the static method backward(ctx, *output_grads)")

    @classmethod
    def apply(cls, *args: Any, **kwargs: Any) -> Any:
        """Run forward on `args` and record backward."""
        ctx = FunctionCtx()
        inputs = tuple(a if isinstance(a, Tensor) else None for a in args)
        record = recording.enabled and wants_grad(inputs)
        ctx.needs_input_grad = tuple(t is not None and t.requires_grad for t in inputs)
        with no_grad():
            if cls.setup_context is not Function.setup_context:
                result = cls.forward(*args, **kwargs)
                cls.setup_context(ctx, args, result)
            else:
                result = cls.forward(ctx, *args, **kwargs)
        if not record:
            return result
        outs = result if isinstance(result, tuple) else (result,)
        outs = tuple(_as_output(ctx, inputs, o) for o in outs)
        _record(cls, ctx, inputs, outs)
        return outs if isinstance(result, tuple) else outs[0]


def _as_output(ctx: FunctionCtx, inputs: tuple, out: Any) -> Any:
    """An output that can carry a node: an input that comes back unchanged is seen through an alias."""
    if isinstance(out, Tensor) and any(out is t for t in inputs) and not any(out is t for t in ctx._dirty):
        return alias(out)
    return out


def _record(cls: type[Function], ctx: FunctionCtx, inputs: tuple, outs: tuple) -> None:
    tensors = tuple(o for o in outs if isinstance(o, Tensor))
    node = _FunctionNode(inputs, tensors)
    node.op, node.ctx = cls, ctx
    for o in ctx._non_differentiable:
        o._node = None
    ours = [t is not None and t._node is node for t in ctx._to_save]
    node.keep(
        [t for t, own in zip(ctx._to_save, ours, strict=True) if not own],
        [t for t, own in zip(ctx._to_save, ours, strict=True) if own],
    )
    ctx._order = _interleaved(ours)
    ctx._to_save = ()
    ctx._node = node


def _interleaved(ours: list[bool]) -> tuple[int, ...]:
    """Where each saved Tensor stands, the inputs being kept before the outputs."""
    inputs, outs = iter(range(ours.count(False))), iter(range(ours.count(False), len(ours)))
    return tuple(next(outs if own else inputs) for own in ours)


def once_differentiable(backward: Callable) -> Callable:
    """Mark a Function's `backward` as not differentiable itself: a second derivative through it is an error.

    Used between ``@staticmethod`` and ``def backward``.
    """

    @functools.wraps(backward)
    def wrapped(ctx: FunctionCtx, *grads: Any) -> Any:
        with no_grad():
            results = backward(ctx, *grads)
        if not recording.enabled:
            return results
        tracked = tuple(g for g in (*grads, *ctx.saved_tensors) if isinstance(g, Tensor))
        if not wants_grad(tracked):
            return results
        many = results if isinstance(results, tuple) else (results,)
        marked = tuple(None if r is None else _refuse_second(r, tracked) for r in many)
        return marked if isinstance(results, tuple) else marked[0]

    return wrapped


def _refuse_second(result: Tensor, tracked: tuple) -> Tensor:
    out = alias(result)
    node = _FunctionNode(tracked, (out,))
    node.op, node.ctx = _Refuse, FunctionCtx()
    return out


class _Refuse(Function):
    @staticmethod
    def backward(ctx: FunctionCtx, *grad_outputs: Any) -> Any:
        raise RuntimeError(
            "once_differentiable: this backward is differentiable only once, and a second derivative was asked for"
        )


def Variable(data: Tensor, requires_grad: bool = False) -> Tensor:
    """The old name for a Tensor with a gradient: returns `data`'s memory as a leaf."""
    out = alias(data)
    return out.requires_grad_(requires_grad)
