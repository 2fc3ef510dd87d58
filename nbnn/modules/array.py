"""Modules that only change the shape of their input."""

from __future__ import annotations

from typing import Any

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


class Unflatten(Module):
    r"""Split one axis into several.

    Parameters
    ----------
    dim : int
        The axis.
    unflattened_size : tuple of int
        Sizes in its place, one of which may be -1: what is left.

    Shape
    -----
    input : (\*, S_dim, \*)
    output : (\*, U_1, ..., U_n, \*), where the U multiply to S_dim

    Raises
    ------
    TypeError
        If `unflattened_size` is not a tuple or list of ints.
    IndexError
        If the input has no such axis.
    ValueError
        If the sizes do not multiply to that of the axis.

    Examples
    --------
    >>> import nbnn, nbnn.nn as nn
    >>> nn.Unflatten(1, (2, -1))(nbnn.zeros(5, 6)).shape
    nbnn.Size([5, 2, 3])
    """

    def __init__(self, dim: int, unflattened_size: Any) -> None:
        super().__init__()
        self.dim = _check.integer("Unflatten", "dim", dim)
        if not isinstance(unflattened_size, (tuple, list)):
            raise TypeError(
                f"Unflatten: `unflattened_size` (={unflattened_size!r}) must be a tuple of ints; "
                f"got {type(unflattened_size).__name__}"
            )
        for size in unflattened_size:
            _check.integer("Unflatten", "unflattened_size", size, -1)
        self.unflattened_size = unflattened_size

    def forward(self, input: Tensor) -> Tensor:
        return input.unflatten(self.dim, self.unflattened_size)

    def extra_repr(self) -> str:
        return f"dim={self.dim}, unflattened_size={self.unflattened_size}"
