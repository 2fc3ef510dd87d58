"""Modules of sliding blocks."""

from __future__ import annotations

from typing import Any

from nbnn import functional as F
from nbnn.modules.module import Module
from nbnn.tensor import Tensor


class Unfold(Module):
    r"""The sliding blocks of an image as columns (im2col).

    Parameters
    ----------
    kernel_size, dilation, padding, stride : int or (int, int)
        Of the blocks, as in a convolution.

    Shape
    -----
    input : (N, C, H, W) or (C, H, W)
    output : (N, C KH KW, L) or (C KH KW, L)
        L is the number of blocks

    Raises
    ------
    ValueError, TypeError
        When called: if no block fits, or an argument breaks the rules of `unfold`.

    Examples
    --------
    >>> import nbnn, nbnn.nn as nn
    >>> nn.Unfold(2)(nbnn.ones(1, 3, 4, 4)).shape
    nbnn.Size([1, 12, 9])
    """

    def __init__(self, kernel_size: Any, dilation: Any = 1, padding: Any = 0, stride: Any = 1) -> None:
        super().__init__()
        self.kernel_size = kernel_size
        self.dilation = dilation
        self.padding = padding
        self.stride = stride

    def forward(self, input: Tensor) -> Tensor:
        return F.unfold(input, self.kernel_size, self.dilation, self.padding, self.stride)

    def extra_repr(self) -> str:
        return f"kernel_size={self.kernel_size}, dilation={self.dilation}, padding={self.padding}, stride={self.stride}"


class Fold(Module):
    r"""Columns of blocks added up to an image (col2im): the adjoint of `Unfold`.

    Parameters
    ----------
    output_size : int or (int, int)
        H and W of the image.
    kernel_size, dilation, padding, stride : int or (int, int)
        Of the blocks, as in a convolution.

    Shape
    -----
    input : (N, C KH KW, L) or (C KH KW, L)
        L is the number of blocks
    output : (N, C, H, W) or (C, H, W)

    Raises
    ------
    ValueError, TypeError
        When called: if the columns are not those of such blocks.

    Examples
    --------
    >>> import nbnn, nbnn.nn as nn
    >>> nn.Fold((4, 4), 2)(nbnn.ones(1, 12, 9)).shape
    nbnn.Size([1, 3, 4, 4])
    """

    def __init__(
        self, output_size: Any, kernel_size: Any, dilation: Any = 1, padding: Any = 0, stride: Any = 1
    ) -> None:
        super().__init__()
        self.output_size = output_size
        self.kernel_size = kernel_size
        self.dilation = dilation
        self.padding = padding
        self.stride = stride

    def forward(self, input: Tensor) -> Tensor:
        return F.fold(input, self.output_size, self.kernel_size, self.dilation, self.padding, self.stride)

    def extra_repr(self) -> str:
        return (
            f"output_size={self.output_size}, kernel_size={self.kernel_size}, dilation={self.dilation}, "
            f"padding={self.padding}, stride={self.stride}"
        )
