"""Modules that undo maximum pooling."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from nbnn import functional as F
from nbnn.functional import _check
from nbnn.modules.module import Module
from nbnn.tensor import Tensor


class _MaxUnpoolNd(Module):
    """Values of a maximum pooling put back to their positions."""

    _axes: ClassVar[int]
    _function: ClassVar[Callable[..., Any]]

    def __init__(
        self,
        kernel_size: int | tuple[int, ...],
        stride: int | tuple[int, ...] | None = None,
        padding: int | tuple[int, ...] = 0,
    ) -> None:
        super().__init__()
        kind = type(self).__name__
        self.kernel_size = _check.ntuple(kind, "kernel_size", kernel_size, self._axes, 1)
        self.stride = _check.ntuple(kind, "stride", kernel_size if stride is None else stride, self._axes, 1)
        self.padding = _check.ntuple(kind, "padding", padding, self._axes, 0)

    def forward(self, input: Tensor, indices: Tensor, output_size: Any = None) -> Tensor:
        return self._function(input, indices, self.kernel_size, self.stride, self.padding, output_size)

    def extra_repr(self) -> str:
        return f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}"


class MaxUnpool1d(_MaxUnpoolNd):
    r"""The values of `MaxPool1d` put back to their positions on one axis; zeros elsewhere.

    Parameters
    ----------
    kernel_size, stride, padding : int or tuple
        Those of the pooling.

    Shape
    -----
    input, indices : (N, C, L) or (C, L)
    output : (N, C, L_out) or (C, L_out)
        of `output_size`, an optional argument of the call

    Raises
    ------
    IndexError, TypeError, ValueError
        If an index lies outside the output, or an argument breaks these rules.

    Examples
    --------
    >>> import nbnn, nbnn.nn as nn
    >>> y, indices = nn.MaxPool1d(2, return_indices=True)(nbnn.ones(2, 6))
    >>> nn.MaxUnpool1d(2)(y, indices).shape
    nbnn.Size([2, 6])
    """

    _axes = 1
    _function = staticmethod(F.max_unpool1d)


class MaxUnpool2d(_MaxUnpoolNd):
    r"""The values of `MaxPool2d` put back to their positions on two axes; zeros elsewhere.

    Parameters
    ----------
    kernel_size, stride, padding : int or tuple
        Those of the pooling.

    Shape
    -----
    input, indices : (N, C, H, W) or (C, H, W)
    output : (N, C, H_out, W_out) or (C, H_out, W_out)
        of `output_size`, an optional argument of the call

    Raises
    ------
    IndexError, TypeError, ValueError
        If an index lies outside the output, or an argument breaks these rules.

    Examples
    --------
    >>> import nbnn, nbnn.nn as nn
    >>> y, indices = nn.MaxPool2d(2, return_indices=True)(nbnn.ones(2, 6, 6))
    >>> nn.MaxUnpool2d(2)(y, indices).shape
    nbnn.Size([2, 6, 6])
    """

    _axes = 2
    _function = staticmethod(F.max_unpool2d)


class MaxUnpool3d(_MaxUnpoolNd):
    r"""The values of `MaxPool3d` put back to their positions on three axes; zeros elsewhere.

    Parameters
    ----------
    kernel_size, stride, padding : int or tuple
        Those of the pooling.

    Shape
    -----
    input, indices : (N, C, D, H, W) or (C, D, H, W)
    output : (N, C, D_out, H_out, W_out) or (C, D_out, H_out, W_out)
        of `output_size`, an optional argument of the call

    Raises
    ------
    IndexError, TypeError, ValueError
        If an index lies outside the output, or an argument breaks these rules.

    Examples
    --------
    >>> import nbnn, nbnn.nn as nn
    >>> y, indices = nn.MaxPool3d(2, return_indices=True)(nbnn.ones(2, 6, 6, 6))
    >>> nn.MaxUnpool3d(2)(y, indices).shape
    nbnn.Size([2, 6, 6, 6])
    """

    _axes = 3
    _function = staticmethod(F.max_unpool3d)
