"""Modules as functions of their parameters, under torch's path ``torch.func``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from nbnn.modules import Module
from nbnn.tensor import Tensor

__all__ = ["functional_call"]


def functional_call(
    module: Module, parameter_and_buffer_dicts: Any, args: Any = None, kwargs: dict[str, Any] | None = None, **_: Any
) -> Any:
    """The Module called with other Tensors in the place of parameters and buffers, for this call alone.

    Gradients flow to these Tensors, so that a step of learning can be differentiated (Finn et al. 2017).

    Parameters
    ----------
    module : Module
    parameter_and_buffer_dicts : dict, or sequence of dict
        Names, as `named_parameters` gives them, and Tensors; the others stay as they are.
    args : tuple, or one argument
    kwargs : dict, optional

    Raises
    ------
    KeyError
        If there is no parameter or buffer of a name.

    Examples
    --------
    >>> import nbnn
    >>> layer = nbnn.nn.Linear(1, 1, bias=False)
    >>> nbnn.func.functional_call(layer, {"weight": nbnn.tensor([[3.0]])}, nbnn.tensor([2.0]))
    tensor([6.])
    """
    many = isinstance(parameter_and_buffer_dicts, (tuple, list))
    given: dict[str, Tensor] = {}
    for part in parameter_and_buffer_dicts if many else (parameter_and_buffer_dicts,):
        given.update(part)
    inputs = () if args is None else args if isinstance(args, tuple) else (args,)
    with _replaced(module, given):
        return module(*inputs, **(kwargs or {}))


@contextmanager
def _replaced(module: Module, given: Mapping[str, Tensor]) -> Iterator[None]:
    """Tensors in the place of parameters and buffers: in the tables in which the Modules keep them."""
    before: list[tuple[Any, str, Any]] = []
    try:
        for name, new in given.items():
            path, _, leaf = name.rpartition(".")
            owner = module.get_submodule(path)
            table: Any = owner._parameters if leaf in owner._parameters else owner._buffers
            if leaf not in table:
                raise KeyError(f"functional_call: {type(module).__name__} has no parameter or buffer {name!r}")
            before.append((table, leaf, table[leaf]))
            table[leaf] = new
        yield
    finally:
        for table, leaf, value in reversed(before):
            table[leaf] = value
