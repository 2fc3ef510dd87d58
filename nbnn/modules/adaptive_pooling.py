"""Modules that pool equal parts of the axes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from nbnn import functional as F
from nbnn.modules.module import Module
from nbnn.tensor import Tensor


class _AdaptivePoolNd(Module):
    """Pooling over equal parts of the axes."""

    _function: ClassVar[Callable[..., Any]]

    def __init__(self, output_size: Any) -> None:
        super().__init__()
        self.output_size = output_size

    def forward(self, input: Tensor) -> Any:
        return self._function(input, self.output_size)

    def extra_repr(self) -> str:
        return f"output_size={self.output_size}"


class _AdaptiveMaxPoolNd(_AdaptivePoolNd):
    """The maximum of equal parts of the axes."""

    def __init__(self, output_size: Any, return_indices: bool = False) -> None:
        super().__init__(output_size)
        self.return_indices = return_indices

    def forward(self, input: Tensor) -> Any:
        return self._function(input, self.output_size, self.return_indices)


class AdaptiveAvgPool1d(_AdaptivePoolNd):
    r"""The average of each of `output_size` equal parts of one axis.

    Parameters
    ----------
    output_size : int, None or tuple
        How many parts, for all axes or for each; None is one for each position.

    Shape
    -----
    input : (N, C, L) or (C, L)
    output : (N, C, L_out) or (C, L_out)

    Raises
    ------
    TypeError, ValueError
        If the input has another rank or an empty axis.

    Examples
    --------
    >>> import nbnn, nbnn.nn as nn
    >>> nn.AdaptiveAvgPool1d(3)(nbnn.ones(2, 6)).shape
    nbnn.Size([2, 3])
    """

    _function = staticmethod(F.adaptive_avg_pool1d)


class AdaptiveAvgPool2d(_AdaptivePoolNd):
    r"""The average of each of `output_size` equal parts of two axes.

    Parameters
    ----------
    output_size : int, None or tuple
        How many parts, for all axes or for each; None is one for each position.

    Shape
    -----
    input : (N, C, H, W) or (C, H, W)
    output : (N, C, H_out, W_out) or (C, H_out, W_out)

    Raises
    ------
    TypeError, ValueError
        If the input has another rank or an empty axis.

    Examples
    --------
    >>> import nbnn, nbnn.nn as nn
    >>> nn.AdaptiveAvgPool2d(3)(nbnn.ones(2, 6, 6)).shape
    nbnn.Size([2, 3, 3])
    """

    _function = staticmethod(F.adaptive_avg_pool2d)


class AdaptiveAvgPool3d(_AdaptivePoolNd):
    r"""The average of each of `output_size` equal parts of three axes.

    Parameters
    ----------
    output_size : int, None or tuple
        How many parts, for all axes or for each; None is one for each position.

    Shape
    -----
    input : (N, C, D, H, W) or (C, D, H, W)
    output : (N, C, D_out, H_out, W_out) or (C, D_out, H_out, W_out)

    Raises
    ------
    TypeError, ValueError
        If the input has another rank or an empty axis.

    Examples
    --------
    >>> import nbnn, nbnn.nn as nn
    >>> nn.AdaptiveAvgPool3d(3)(nbnn.ones(2, 6, 6, 6)).shape
    nbnn.Size([2, 3, 3, 3])
    """

    _function = staticmethod(F.adaptive_avg_pool3d)


class AdaptiveMaxPool1d(_AdaptiveMaxPoolNd):
    r"""The maximum of each of `output_size` equal parts of one axis.

    Parameters
    ----------
    output_size : int, None or tuple
        How many parts, for all axes or for each; None is one for each position.
    return_indices : bool
        Whether the places of the maxima in the flattened axes are returned too.

    Shape
    -----
    input : (N, C, L) or (C, L)
    output : (N, C, L_out) or (C, L_out)

    Raises
    ------
    TypeError, ValueError
        If the input has another rank or an empty axis.

    Examples
    --------
    >>> import nbnn, nbnn.nn as nn
    >>> nn.AdaptiveMaxPool1d(3)(nbnn.ones(2, 6)).shape
    nbnn.Size([2, 3])
    """

    _function = staticmethod(F.adaptive_max_pool1d)


class AdaptiveMaxPool2d(_AdaptiveMaxPoolNd):
    r"""The maximum of each of `output_size` equal parts of two axes.

    Parameters
    ----------
    output_size : int, None or tuple
        How many parts, for all axes or for each; None is one for each position.
    return_indices : bool
        Whether the places of the maxima in the flattened axes are returned too.

    Shape
    -----
    input : (N, C, H, W) or (C, H, W)
    output : (N, C, H_out, W_out) or (C, H_out, W_out)

    Raises
    ------
    TypeError, ValueError
        If the input has another rank or an empty axis.

    Examples
    --------
    >>> import nbnn, nbnn.nn as nn
    >>> nn.AdaptiveMaxPool2d(3)(nbnn.ones(2, 6, 6)).shape
    nbnn.Size([2, 3, 3])
    """

    _function = staticmethod(F.adaptive_max_pool2d)


class AdaptiveMaxPool3d(_AdaptiveMaxPoolNd):
    r"""The maximum of each of `output_size` equal parts of three axes.

    Parameters
    ----------
    output_size : int, None or tuple
        How many parts, for all axes or for each; None is one for each position.
    return_indices : bool
        Whether the places of the maxima in the flattened axes are returned too.

    Shape
    -----
    input : (N, C, D, H, W) or (C, D, H, W)
    output : (N, C, D_out, H_out, W_out) or (C, D_out, H_out, W_out)

    Raises
    ------
    TypeError, ValueError
        If the input has another rank or an empty axis.

    Examples
    --------
    >>> import nbnn, nbnn.nn as nn
    >>> nn.AdaptiveMaxPool3d(3)(nbnn.ones(2, 6, 6, 6)).shape
    nbnn.Size([2, 3, 3, 3])
    """

    _function = staticmethod(F.adaptive_max_pool3d)
