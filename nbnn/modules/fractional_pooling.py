"""Modules of fractional max pooling."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from nbnn import functional as F
from nbnn.functional import _check
from nbnn.functional.fractional_pooling import checked_ratios
from nbnn.modules.module import Module
from nbnn.tensor import Tensor


class _FractionalMaxPoolNd(Module):
    """The largest elements of windows at pseudo-random places."""

    _axes: ClassVar[int]
    _function: ClassVar[Callable[..., Any]]

    def __init__(
        self,
        kernel_size: Any,
        output_size: Any = None,
        output_ratio: Any = None,
        return_indices: bool = False,
        _random_samples: Tensor | None = None,
    ) -> None:
        super().__init__()
        kind = type(self).__name__
        if (output_size is None) == (output_ratio is None):
            raise ValueError(f"{kind}: give one of `output_size` (={output_size}) and `output_ratio` (={output_ratio})")
        self.kernel_size = _check.ntuple(kind, "kernel_size", kernel_size, self._axes, 1)
        self.return_indices = return_indices
        self.register_buffer("_random_samples", _random_samples)
        self.output_size = (
            None if output_size is None else _check.ntuple(kind, "output_size", output_size, self._axes, 1)
        )
        self.output_ratio = None if output_ratio is None else checked_ratios(kind, output_ratio, self._axes)

    def forward(self, input: Tensor) -> Any:
        return self._function(
            input,
            self.kernel_size,
            self.output_size,
            self.output_ratio,
            self.return_indices,
            self._random_samples,
        )

    def extra_repr(self) -> str:
        size = f"output_size={self.output_size}" if self.output_ratio is None else f"output_ratio={self.output_ratio}"
        return f"kernel_size={self.kernel_size}, {size}"


class FractionalMaxPool2d(_FractionalMaxPoolNd):
    r"""The largest elements of windows at pseudo-random places, on two axes.

    Parameters
    ----------
    kernel_size : int or tuple
        Sizes of the windows.
    output_size : int or tuple, optional
        Sizes of the result.
    output_ratio : float or tuple, optional
        Instead of `output_size`: what the sizes are multiplied by, between 0 and 1.
    return_indices : bool
        Return the positions too, as `MaxUnpool2d` takes them.
    _random_samples : Tensor of shape (N, C, 2), optional
        The random numbers that the places come from.

    Shape
    -----
    input : (N, C, H, W) or (C, H, W)
    output : (N, C, OH, OW) or (C, OH, OW)

    Raises
    ------
    ValueError, TypeError
        If not one of `output_size` and `output_ratio` is given; when called, if the windows do not fit.

    Examples
    --------
    >>> import nbnn, nbnn.nn as nn
    >>> nn.FractionalMaxPool2d(3, output_ratio=0.5)(nbnn.ones(1, 2, 9, 8)).shape
    nbnn.Size([1, 2, 4, 4])
    """

    _axes = 2
    _function = staticmethod(F.fractional_max_pool2d)


class FractionalMaxPool3d(_FractionalMaxPoolNd):
    r"""The largest elements of windows at pseudo-random places, on three axes.

    Parameters
    ----------
    kernel_size : int or tuple
        Sizes of the windows.
    output_size : int or tuple, optional
        Sizes of the result.
    output_ratio : float or tuple, optional
        Instead of `output_size`: what the sizes are multiplied by, between 0 and 1.
    return_indices : bool
        Return the positions too, as `MaxUnpool3d` takes them.
    _random_samples : Tensor of shape (N, C, 3), optional
        The random numbers that the places come from.

    Shape
    -----
    input : (N, C, D, H, W) or (C, D, H, W)
    output : (N, C, OD, OH, OW) or (C, OD, OH, OW)

    Raises
    ------
    ValueError, TypeError
        If not one of `output_size` and `output_ratio` is given; when called, if the windows do not fit.

    Examples
    --------
    >>> import nbnn, nbnn.nn as nn
    >>> nn.FractionalMaxPool3d(2, output_size=(2, 3, 4))(nbnn.ones(1, 2, 5, 6, 7)).shape
    nbnn.Size([1, 2, 2, 3, 4])
    """

    _axes = 3
    _function = staticmethod(F.fractional_max_pool3d)
