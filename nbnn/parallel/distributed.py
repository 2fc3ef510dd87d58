"""DistributedDataParallel in the one process that there is."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

from nbnn.modules import Module


class DistributedDataParallel(Module):
    """A module that calls its `module`: with one process there are no gradients of others to wait for.

    Programs that train in one or many processes run so; parameters have the prefix ``module.`` in the state_dict.

    Parameters
    ----------
    module : Module
    **options
        Accepted: `device_ids`, `output_device`, `find_unused_parameters` and the others change nothing.

    Raises
    ------
    TypeError
        If `module` is no Module.

    Examples
    --------
    >>> import nbnn
    >>> model = nbnn.nn.parallel.DistributedDataParallel(nbnn.nn.ReLU())
    >>> model(nbnn.tensor([-1.0, 2.0]))
    tensor([0., 2.])
    """

    def __init__(self, module: Module, device_ids: Any = None, output_device: Any = None, **options: Any) -> None:
        super().__init__()
        if not isinstance(module, Module):
            raise TypeError(f"DistributedDataParallel: `module` must be a Module; got {type(module).__name__}")
        self.module = module

    def forward(self, *inputs: Any, **kwargs: Any) -> Any:
        return self.module(*inputs, **kwargs)

    @contextlib.contextmanager
    def no_sync(self) -> Iterator[None]:
        """A block like any other."""
        yield
