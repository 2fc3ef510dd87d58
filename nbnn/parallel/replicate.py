"""Replicas of a Module that share its parameters."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from nbnn.autograd import Function, is_grad_enabled
from nbnn.functional.array import clone
from nbnn.modules import Module
from nbnn.modules._registry import Registry
from nbnn.tensor import Tensor, alias


class _Broadcast(Function):
    """Each Tensor once for each replica; the gradients of the replicas are added up in the order of the replicas."""

    @staticmethod
    def forward(ctx: Any, count: int, *tensors: Tensor) -> tuple[Tensor, ...]:
        ctx.count = count
        ctx.set_materialize_grads(False)
        return tuple(alias(t) for _ in range(count) for t in tensors)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor | None) -> tuple:
        each = len(gradients) // ctx.count
        sums: list[Tensor | None] = list(gradients[:each])
        for k in range(each, len(gradients)):
            g, so_far = gradients[k], sums[k % each]
            sums[k % each] = so_far if g is None else g if so_far is None else so_far + g
        return (None, *sums)


def replicate(network: Module, devices: Sequence[Any], detach: bool = False) -> list[Module]:
    """As many replicas of a Module as there are devices; their gradients arrive in its parameters.

    A replica is a copy of the tree of modules. Its parameters are those of `network`, seen through one op whose
    gradient is the sum over the replicas in their order, so that the bits do not depend on which thread was faster.
    The first replica has the buffers of `network` themselves, so that running statistics go on with the first share;
    the others have copies. Hooks are shared.

    Parameters
    ----------
    network : Module
    devices : sequence
        One entry for each replica.
    detach : bool
        Whether the replicas leave no gradients in `network`.

    Returns
    -------
    list of Module

    Examples
    --------
    >>> import nbnn, nbnn.nn as nn
    >>> layer = nn.Linear(2, 2)
    >>> first, second = nbnn.parallel.replicate(layer, ["cpu", "cpu"])
    >>> (first(nbnn.ones(1, 2)) + second(nbnn.ones(1, 2))).sum().backward()
    >>> layer.bias.grad
    tensor([2., 2.])
    """
    trained = [p for p in network.parameters() if p.requires_grad and not detach and is_grad_enabled()]
    count = len(devices)
    copies = _Broadcast.apply(count, *trained) if trained else ()
    replicas = []
    for k in range(count):
        members: dict[int, Any] = {id(p): alias(p) for p in network.parameters()}
        members |= {id(p): copies[k * len(trained) + i] for i, p in enumerate(trained)}
        members |= {id(b): b if k == 0 else clone(b.detach()) for b in network.buffers()}
        replicas.append(_copied(network, members, {}))
    return replicas


def _copied(module: Module, members: dict[int, Any], made: dict[int, Module]) -> Module:
    """The tree of modules again, with other Tensors in place of its own; what is shared stays shared."""
    if id(module) in made:
        return made[id(module)]
    replica = made[id(module)] = type(module).__new__(type(module))
    replica.__dict__.update(module.__dict__)
    for name in ("_parameters", "_buffers", "_modules"):
        registry: Any = Registry(replica)
        replica.__dict__[name] = registry
        for key, member in getattr(module, name).items():
            if isinstance(member, Module):
                registry[key] = _copied(member, members, made)
            else:
                registry[key] = member if member is None else members[id(member)]
    return replica
