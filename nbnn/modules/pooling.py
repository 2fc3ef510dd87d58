"""Modules of the pooling functions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from nbnn import functional as F
from nbnn.functional import _check
from nbnn.modules.module import Module
from nbnn.tensor import Tensor


class _MaxPoolNd(Module):
    """The maximum over windows on `_axes` axes."""

    _axes: ClassVar[int]
    _function: ClassVar[Callable[..., Any]]

    def __init__(
        self,
        kernel_size: int | tuple[int, ...],
        stride: int | tuple[int, ...] | None = None,
        padding: int | tuple[int, ...] = 0,
        dilation: int | tuple[int, ...] = 1,
        return_indices: bool = False,
        ceil_mode: bool = False,
    ) -> None:
        super().__init__()
        self.kernel_size = kernel_size
        self.stride = kernel_size if stride is None else stride
        self.padding = padding
        self.dilation = dilation
        self.return_indices = return_indices
        self.ceil_mode = ceil_mode
        for name, least in (("kernel_size", 1), ("stride", 1), ("padding", 0), ("dilation", 1)):
            _check.ntuple(type(self).__name__, name, getattr(self, name), self._axes, least)

    def forward(self, input: Tensor) -> Any:
        return self._function(
            input,
            self.kernel_size,
            self.stride,
            self.padding,
            self.dilation,
            ceil_mode=self.ceil_mode,
            return_indices=self.return_indices,
        )

    def extra_repr(self) -> str:
        names = ("kernel_size", "stride", "padding", "dilation", "ceil_mode")
        return ", ".join(f"{name}={getattr(self, name)}" for name in names)


class _AvgPoolNd(Module):
    """The average over windows on `_axes` axes."""

    _axes: ClassVar[int]
    _function: ClassVar[Callable[..., Any]]

    def __init__(
        self,
        kernel_size: int | tuple[int, ...],
        stride: int | tuple[int, ...] | None = None,
        padding: int | tuple[int, ...] = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
        divisor_override: int | None = None,
    ) -> None:
        super().__init__()
        self.kernel_size = kernel_size
        self.stride = kernel_size if stride is None else stride
        self.padding = padding
        self.ceil_mode = ceil_mode
        self.count_include_pad = count_include_pad
        self.divisor_override = divisor_override
        for name, least in (("kernel_size", 1), ("stride", 1), ("padding", 0)):
            _check.ntuple(type(self).__name__, name, getattr(self, name), self._axes, least)

    def forward(self, input: Tensor) -> Tensor:
        args = (self.kernel_size, self.stride, self.padding, self.ceil_mode, self.count_include_pad)
        return self._function(input, *args, self.divisor_override)

    def extra_repr(self) -> str:
        return f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}"


class _LPPoolNd(Module):
    """The power average over windows."""

    _function: ClassVar[Callable[..., Any]]

    def __init__(
        self,
        norm_type: float,
        kernel_size: int | tuple[int, ...],
        stride: int | tuple[int, ...] | None = None,
        ceil_mode: bool = False,
    ) -> None:
        super().__init__()
        self.norm_type = norm_type
        self.kernel_size = kernel_size
        self.stride = stride
        self.ceil_mode = ceil_mode

    def forward(self, input: Tensor) -> Tensor:
        return self._function(input, float(self.norm_type), self.kernel_size, self.stride, self.ceil_mode)

    def extra_repr(self) -> str:
        names = ("norm_type", "kernel_size", "stride", "ceil_mode")
        return ", ".join(f"{name}={getattr(self, name)}" for name in names)


class MaxPool1d(_MaxPoolNd):
    r"""The maximum over windows on one axis.

    .. math:: y_{n,c,i} = \max_u x_{n, c, i \cdot \text{stride} + u \cdot \text{dilation}}

    over the input padded with minus infinity. NaN wins over any number; the first of equal elements gets the gradient.

    Parameters
    ----------
    kernel_size : int or tuple
        Size of the window.
    stride : int or tuple, optional
        Its step; `kernel_size` unless given.
    padding : int or tuple
        How far windows reach over both ends of an axis; at most half of `kernel_size`.
    dilation : int or tuple
        Distance of the window's elements.
    return_indices : bool
        Whether the places of the maxima in the flattened axes are returned too.
    ceil_mode : bool
        Whether a last window that is not full counts.

    Shape
    -----
    input : (N, C, L) or (C, L)
    output : (N, C, L_out) or (C, L_out)
        with L_out = floor((L + 2 padding - dilation (kernel_size - 1) - 1) / stride) + 1

    Raises
    ------
    TypeError, ValueError
        If an argument breaks these rules or the output would be empty.

    Examples
    --------
    >>> import nbnn, nbnn.nn as nn
    >>> nn.MaxPool1d(2)(nbnn.tensor([[1.0, 3.0, 2.0, 0.0]]))
    tensor([[3., 2.]])
    """

    _axes = 1
    _function = staticmethod(F.max_pool1d)


class MaxPool2d(_MaxPoolNd):
    r"""The maximum over windows on two axes.

    The parameters are those of `MaxPool1d`, with one int for both axes or one for each.

    Shape
    -----
    input : (N, C, H, W) or (C, H, W)
    output : (N, C, H_out, W_out) or (C, H_out, W_out)

    Raises
    ------
    TypeError, ValueError
        As `MaxPool1d`.

    Examples
    --------
    >>> import nbnn, nbnn.nn as nn
    >>> nn.MaxPool2d(3, stride=2)(nbnn.ones(20, 16, 50, 32)).shape
    nbnn.Size([20, 16, 24, 15])
    """

    _axes = 2
    _function = staticmethod(F.max_pool2d)


class MaxPool3d(_MaxPoolNd):
    r"""The maximum over windows on three axes.

    The parameters are those of `MaxPool1d`, with one int for all axes or one for each.

    Shape
    -----
    input : (N, C, D, H, W) or (C, D, H, W)
    output : (N, C, D_out, H_out, W_out) or (C, D_out, H_out, W_out)

    Raises
    ------
    TypeError, ValueError
        As `MaxPool1d`.

    Examples
    --------
    >>> import nbnn, nbnn.nn as nn
    >>> nn.MaxPool3d(2)(nbnn.ones(1, 2, 4, 4, 4)).shape
    nbnn.Size([1, 2, 2, 2, 2])
    """

    _axes = 3
    _function = staticmethod(F.max_pool3d)


class AvgPool1d(_AvgPoolNd):
    r"""The average over windows on one axis; padding counts as zeros.

    Parameters
    ----------
    kernel_size : int or tuple
        Size of the window.
    stride : int or tuple, optional
        Its step; `kernel_size` unless given.
    padding : int or tuple
        How far windows reach over both ends of an axis; at most half of `kernel_size`.
    ceil_mode : bool
        Whether a last window that is not full counts.
    count_include_pad : bool
        Whether the padding in a window counts as elements.

    Shape
    -----
    input : (N, C, L) or (C, L)
    output : (N, C, L_out) or (C, L_out)

    Raises
    ------
    TypeError, ValueError
        If an argument breaks these rules or the output would be empty.

    Examples
    --------
    >>> import nbnn, nbnn.nn as nn
    >>> nn.AvgPool1d(2)(nbnn.ones(2, 6)).shape
    nbnn.Size([2, 3])
    """

    _axes = 1
    _function = staticmethod(F.avg_pool1d)

    def __init__(
        self,
        kernel_size: int | tuple[int, ...],
        stride: int | tuple[int, ...] | None = None,
        padding: int | tuple[int, ...] = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
    ) -> None:
        super().__init__(kernel_size, stride, padding, ceil_mode, count_include_pad)
        # kept, and printed, as tuples by this one class of torch
        self.kernel_size, self.stride, self.padding = (
            value if isinstance(value, tuple) else (value,) for value in (self.kernel_size, self.stride, self.padding)
        )

    def forward(self, input: Tensor) -> Tensor:
        args = (self.kernel_size, self.stride, self.padding, self.ceil_mode, self.count_include_pad)
        return self._function(input, *args)


class AvgPool2d(_AvgPoolNd):
    r"""The average over windows on two axes; padding counts as zeros.

    Parameters
    ----------
    kernel_size : int or tuple
        Size of the window; one int for all axes or one for each.
    stride : int or tuple, optional
        Its step; `kernel_size` unless given.
    padding : int or tuple
        How far windows reach over both ends of an axis; at most half of `kernel_size`.
    ceil_mode : bool
        Whether a last window that is not full counts.
    count_include_pad : bool
        Whether the padding in a window counts as elements.
    divisor_override : int, optional
        What sums are divided by, instead of the number of elements.

    Shape
    -----
    input : (N, C, H, W) or (C, H, W)
    output : (N, C, H_out, W_out) or (C, H_out, W_out)

    Raises
    ------
    TypeError, ValueError
        If an argument breaks these rules or the output would be empty.

    Examples
    --------
    >>> import nbnn, nbnn.nn as nn
    >>> nn.AvgPool2d(2)(nbnn.ones(2, 6, 6)).shape
    nbnn.Size([2, 3, 3])
    """

    _axes = 2
    _function = staticmethod(F.avg_pool2d)


class AvgPool3d(_AvgPoolNd):
    r"""The average over windows on three axes; padding counts as zeros.

    Parameters
    ----------
    kernel_size : int or tuple
        Size of the window; one int for all axes or one for each.
    stride : int or tuple, optional
        Its step; `kernel_size` unless given.
    padding : int or tuple
        How far windows reach over both ends of an axis; at most half of `kernel_size`.
    ceil_mode : bool
        Whether a last window that is not full counts.
    count_include_pad : bool
        Whether the padding in a window counts as elements.
    divisor_override : int, optional
        What sums are divided by, instead of the number of elements.

    Shape
    -----
    input : (N, C, D, H, W) or (C, D, H, W)
    output : (N, C, D_out, H_out, W_out) or (C, D_out, H_out, W_out)

    Raises
    ------
    TypeError, ValueError
        If an argument breaks these rules or the output would be empty.

    Examples
    --------
    >>> import nbnn, nbnn.nn as nn
    >>> nn.AvgPool3d(2)(nbnn.ones(2, 6, 6, 6)).shape
    nbnn.Size([2, 3, 3, 3])
    """

    _axes = 3
    _function = staticmethod(F.avg_pool3d)


class LPPool1d(_LPPoolNd):
    r"""The power average :math:`(\sum x^p)^{1/p}` over windows on one axis.

    Parameters
    ----------
    norm_type : float
        p.
    kernel_size : int or tuple
        Size of the window.
    stride : int or tuple, optional
        Its step; `kernel_size` unless given.
    ceil_mode : bool
        Whether a last window that is not full counts, scaled up to a full one.

    Shape
    -----
    input : (N, C, L) or (C, L)
    output : (N, C, L_out) or (C, L_out)

    Raises
    ------
    TypeError, ValueError
        If an argument breaks these rules or the output would be empty.

    Examples
    --------
    >>> import nbnn, nbnn.nn as nn
    >>> nn.LPPool1d(2, 2)(nbnn.ones(2, 6)).shape
    nbnn.Size([2, 3])
    """

    _function = staticmethod(F.lp_pool1d)


class LPPool2d(_LPPoolNd):
    r"""The power average :math:`(\sum x^p)^{1/p}` over windows on two axes.

    Parameters
    ----------
    norm_type : float
        p.
    kernel_size : int or tuple
        Size of the window.
    stride : int or tuple, optional
        Its step; `kernel_size` unless given.
    ceil_mode : bool
        Whether a last window that is not full counts, scaled up to a full one.

    Shape
    -----
    input : (N, C, H, W) or (C, H, W)
    output : (N, C, H_out, W_out) or (C, H_out, W_out)

    Raises
    ------
    TypeError, ValueError
        If an argument breaks these rules or the output would be empty.

    Examples
    --------
    >>> import nbnn, nbnn.nn as nn
    >>> nn.LPPool2d(2, 2)(nbnn.ones(2, 6, 6)).shape
    nbnn.Size([2, 3, 3])
    """

    _function = staticmethod(F.lp_pool2d)


class LPPool3d(_LPPoolNd):
    r"""The power average :math:`(\sum x^p)^{1/p}` over windows on three axes.

    Parameters
    ----------
    norm_type : float
        p.
    kernel_size : int or tuple
        Size of the window.
    stride : int or tuple, optional
        Its step; `kernel_size` unless given.
    ceil_mode : bool
        Whether a last window that is not full counts, scaled up to a full one.

    Shape
    -----
    input : (N, C, D, H, W) or (C, D, H, W)
    output : (N, C, D_out, H_out, W_out) or (C, D_out, H_out, W_out)

    Raises
    ------
    TypeError, ValueError
        If an argument breaks these rules or the output would be empty.

    Examples
    --------
    >>> import nbnn, nbnn.nn as nn
    >>> nn.LPPool3d(2, 2)(nbnn.ones(2, 6, 6, 6)).shape
    nbnn.Size([2, 3, 3, 3])
    """

    _function = staticmethod(F.lp_pool3d)
