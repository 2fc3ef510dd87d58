"""The walk back through the tape: from the roots, node by node, to the leaves."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from heapq import heappop, heappush
from typing import Any

import nbnn.device as _device
from nbnn.autograd._tape import Node, _zeros, edge_of, recording
from nbnn.tensor import Tensor, alias, make


def backward(
    tensors: Any,
    gradients: Any = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    inputs: Any = None,
) -> None:
    """Accumulate gradients into the `.grad` of the leaves; `Tensor.backward` describes the arguments."""
    if isinstance(tensors, Tensor) and (gradients is None or isinstance(gradients, Tensor)):
        roots, seeds = (tensors,), [_seed("backward", tensors, gradients)]
    else:
        roots, seeds = _seeds("backward", tensors, gradients)
    only = None if inputs is None else _as_tuple("backward", "inputs", inputs)
    if only == ():
        raise RuntimeError("backward: `inputs` must hold at least one Tensor; leave it out for all leaves")
    retain = create_graph if retain_graph is None else retain_graph
    _walk(roots, seeds, retain, create_graph, only, accumulate=True)


def grad(
    outputs: Any,
    inputs: Any,
    grad_outputs: Any = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    only_inputs: bool = True,
    allow_unused: bool | None = None,
    is_grads_batched: bool = False,
    materialize_grads: bool = False,
) -> tuple[Tensor | None, ...]:
    """The gradients of the sum of `outputs` with respect to `inputs`, without touching any `.grad`.

    Parameters
    ----------
    outputs, inputs : Tensor or sequence of Tensor
    grad_outputs : Tensor or sequence, optional
        One for each output; may be left out for outputs of a single element.
    retain_graph, create_graph : bool
        As for `Tensor.backward`.
    only_inputs : bool
        True: gradients of nothing else are computed.
    allow_unused : bool, optional
        Give None for an input that the outputs do not depend on, instead of raising.
    is_grads_batched : bool
        False: each of `grad_outputs` is one gradient.
    materialize_grads : bool
        Give zeros in the place of None.

    Returns
    -------
    tuple of Tensor

    Raises
    ------
    RuntimeError
        If an input is not used, or requires no gradient.
    ValueError
        If `only_inputs` is not True, or `is_grads_batched` not False.

    Examples
    --------
    >>> import nbnn
    >>> x = nbnn.tensor(3.0, requires_grad=True)
    >>> (g,) = nbnn.autograd.grad(x * x * x, x, create_graph=True)
    >>> nbnn.autograd.grad(g, x)
    (tensor(18.),)
    """
    if not only_inputs or is_grads_batched:
        raise ValueError(
            f"grad: `only_inputs` (={only_inputs}) must be True and `is_grads_batched` (={is_grads_batched}) False"
        )
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
        if g is None and not (allow_unused or materialize_grads):
            raise RuntimeError(f"grad: `outputs` do not depend on `inputs`[{i}]; pass allow_unused=True to get None")
    if materialize_grads:
        found = [_zeros(t._shape, t._dtype, t.device) if g is None else g for g, t in zip(found, wanted, strict=True)]
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
    if t._node is None and not t._leaf_requires_grad:
        raise RuntimeError(f"{op}: this Tensor of shape {t._shape} does not require a gradient and has no history")
    if gradient is None:
        if t.numel() != 1:
            raise RuntimeError(
                f"{op}: `gradient` may be left out only for a Tensor of one element; got shape {t._shape}"
            )
        if t._dtype.is_complex:
            raise RuntimeError(f"{op}: `gradient` may be left out only for a real Tensor; got {t._dtype!r}")
        one = {"float16": 0x3C00, "bfloat16": 0x3F80}.get(t._dtype.name, 1)  # halves are stored as their bits
        return make(_device.full(1, t._dtype.storage, t.device, one), t._shape, t._dtype)
    if not isinstance(gradient, Tensor):
        raise TypeError(f"{op}: `gradient` must be a Tensor; got {type(gradient).__name__}")
    if gradient._shape != t._shape:
        raise RuntimeError(f"{op}: `gradient` must have the shape {t._shape} of the output; got {gradient._shape}")
    if gradient._dtype is not t._dtype:
        return gradient.to(t._dtype)
    # an alias, so that `_accumulate` sees that the caller holds this memory too
    return gradient if gradient._node is not None or gradient._leaf_requires_grad else alias(gradient)


class _Pending:
    """Gradients on their way: for nodes, which are run from the last to the first, and for leaves."""

    __slots__ = ("heap", "leaves", "of_nodes")

    def __init__(self) -> None:
        self.heap: list[tuple[int, Node]] = []  # the nodes with a gradient, the last one made first
        self.of_nodes: dict[int, dict[int, Tensor]] = {}  # by the node's number: by output
        self.leaves: dict[int, list] = {}  # [leaf, gradient] by identity

    def add(self, edge: tuple[Any, int], g: Tensor) -> None:
        """Send `g` along an edge; what arrives at one place is added up."""
        item, slot = edge
        if isinstance(item, Node):
            slots = self.of_nodes.get(item.number)
            if slots is None:
                self.of_nodes[item.number] = {slot: g}
                heappush(self.heap, (-item.number, item))
            else:
                slots[slot] = slots[slot] + g if slot in slots else g
        else:
            held = self.leaves.get(id(item))
            if held is None:
                self.leaves[id(item)] = [item, g]
            else:
                held[1] = _total(held[1], g)


def _walk(
    roots: tuple, seeds: list, retain: bool, create_graph: bool, wanted: tuple | None, accumulate: bool
) -> list[Tensor | None]:
    """Carry gradients from the roots to the leaves; returns those of the `wanted` Tensors."""
    pending = _Pending()
    for t, seed in zip(roots, seeds, strict=True):
        target = edge_of(t)
        assert target is not None
        pending.add(target, seed)
    keys = [None if (e := edge_of(t)) is None else _place(e) for t in wanted] if wanted else []
    found: dict[Any, Tensor | None] = dict.fromkeys(keys)
    del seeds[:]  # so that a gradient is nobody's but its receiver's
    heap, of_nodes = pending.heap, pending.of_nodes
    before = recording.enabled
    recording.enabled = create_graph
    try:
        while heap:
            node = heappop(heap)[1]
            _visit(node, of_nodes.pop(node.number), pending, found, create_graph)
            if not retain:
                node.free()
        _settle(pending.leaves, found, accumulate and wanted is None, create_graph)
        result = [found[key] for key in keys]
        if accumulate and wanted:
            for t, total in zip(wanted, result, strict=True):
                if total is not None:
                    _accumulate(t, total, create_graph)
    finally:
        recording.enabled = before
    return result


def _place(edge: tuple[Any, int]) -> tuple[int, int]:
    return (id(edge[0]), edge[1])


def _visit(node: Node, grads: dict[int, Tensor], pending: _Pending, found: dict, create_graph: bool) -> None:
    """Send the gradients of a node's outputs on to its inputs."""
    if node._hooks or node._retained or found:
        _observe(node, grads, found, create_graph)
    results = node.run(node.complete(grads) if node.outputs else (grads[0],))
    edges = node.edges
    if search.on:
        _refuse_nan(node, results)
    if len(results) != len(edges):
        raise RuntimeError(
            f"{node.name}: backward must give {len(edges)} gradients, one for each input; got {len(results)}"
        )
    for i, g in enumerate(results):
        edge = edges[i]
        if edge is not None and g is not None:
            if g._shape != node.input_shapes[i]:
                raise RuntimeError(
                    f"{node.name}: the gradient of input {i} must have its shape {node.input_shapes[i]}; got {g._shape}"
                )
            pending.add(edge, g)


class _Search:
    """Whether NaN is looked for on the way back: see `detect_anomaly`."""

    on = False


search = _Search()


def _refuse_nan(node: Node, results: tuple) -> None:
    for i, g in enumerate(results):
        if g is None or not g._dtype.is_floating_point:
            continue
        values = g.coalesce().values() if g.is_sparse else g.detach()
        if (values != values).any():
            raise RuntimeError(f"{node.name}: its gradient of input {i}, of shape {tuple(g._shape)}, holds NaN")


def _observe(node: Node, grads: dict[int, Tensor], found: dict, create_graph: bool) -> None:
    """Show the gradients of a node's outputs to their hooks, and to those who asked for them."""
    for slot in list(grads):
        if node._hooks and slot in node._hooks:
            grads[slot] = _call_hooks(node._hooks[slot], grads[slot], node.name)
        if node._retained and slot in node._retained:
            _accumulate(node._retained[slot], grads[slot], create_graph)
        if (id(node), slot) in found:
            found[id(node), slot] = grads[slot]


def _settle(leaves: dict[int, list], found: dict, accumulate: bool, create_graph: bool) -> None:
    """Bring the gradients to the leaves."""
    for place, held in leaves.items():
        leaf, g = held[0], held.pop()
        if leaf._hooks:
            g = _call_hooks(leaf._hooks, g, "a leaf")
        if (place, 0) in found:
            found[place, 0] = g
        elif not accumulate:
            continue
        elif leaf._grad is None and not create_graph and sys.getrefcount(g) <= 2 and _owns_memory(g):
            leaf._grad = g if g._base is None else make(g._data, g._shape, g._dtype)
        else:
            _accumulate(leaf, g, create_graph)


def _call_hooks(hooks: dict[int, Callable], g: Tensor, name: str) -> Tensor:
    for hook in list(hooks.values()):
        replaced = hook(g)
        if replaced is not None:
            if not isinstance(replaced, (Tensor, type(g))) or replaced._shape != g._shape:
                got = replaced._shape if isinstance(replaced, Tensor) else type(replaced).__name__
                raise RuntimeError(
                    f"register_hook: a hook on {name} must return None or a Tensor of shape {g._shape}; got {got}"
                )
            g = replaced
    if g.is_sparse:
        return g.clone()
    return g if recording.enabled else alias(g)  # a hook may have kept its gradient


def _owns_memory(g: Tensor) -> bool:
    """Whether `g` is outside the graph, fills its memory in order, and that is nobody else's."""
    if g.is_sparse:
        return False
    base = g._base
    if g.requires_grad or (base is not None and sys.getrefcount(base) > 3):  # of `g`, of `base` here, of the call
        return False
    if g._strides is not None and (g._offset or not g.is_contiguous() or g._data.size != g.numel()):
        return False
    return sys.getrefcount(g._data) <= (2 if base is None else 3)


def _accumulate(t: Tensor, g: Tensor, create_graph: bool) -> None:
    """t.grad += g. A gradient whose memory nobody else holds is taken over instead of copied."""
    if g.is_sparse or (t._grad is not None and t._grad.is_sparse):
        t._grad = _with_rows(t._grad, g)
    elif t._grad is not None:
        if create_graph:
            t._grad = t._grad + g
        else:
            t._grad.add_(g)
    elif create_graph:
        t._grad = g.clone()
    elif _owns_memory(g):
        t._grad = alias(g)  # `g` may go on to other places: one version for both
        t._grad._strides = None
    else:
        t._grad = g.detach().clone()


def _with_rows(held: Any, g: Any) -> Any:
    """What `.grad` is to be after `held`, where one of the two at least is a SparseTensor; nobody else holds `g`."""
    if held is None:
        return g
    return held + g if held.is_sparse else held.copy_(g + held)


def _total(a: Any, b: Any) -> Any:
    """The sum of two gradients; of a dense one and a sparse one it is the sparse one that knows it."""
    return b + a if b.is_sparse and not a.is_sparse else a + b
