"""Modules that only change the shape of their input."""

from __future__ import annotations

from nbnn.functional import _check
from nbnn.modules.module import Module
from nbnn.tensor import Tensor


class Flatten(Module):
    r"""Merge a range of neighbouring axes into one.

    Parameters
    ----------
    start_dim, end_dim : int
        The first and the last of them.

    Shape
    -----
    input : (\*, S_start, ..., S_end, \*)
    output : (\*, S_start * ... * S_end, \*)

    Raises
    ------
    IndexError
        If the input has no such axis.

    Examples
    --------
    >>> import nbnn, nbnn.nn as nn
    >>> nn.Flatten()(nbnn.zeros(5, 2, 3)).shape
    nbnn.Size([5, 6])
    """

    def __init__(self, start_dim: int = 1, end_dim: int = -1) -> None:
        super().__init__()
        self.start_dim = _check.integer("Flatten", "start_dim", start_dim)
        self.end_dim = _check.integer("Flatten", "end_dim", end_dim)

    def forward(self, input: Tensor) -> Tensor:
        return input.flatten(self.start_dim, self.end_dim)

    def extra_repr(self) -> str:
        return f"start_dim={self.start_dim}, end_dim={self.end_dim}"
