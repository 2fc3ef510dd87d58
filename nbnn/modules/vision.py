"""Modules of image resampling and of pixels that change places."""

from __future__ import annotations

from typing import Any

from nbnn import functional as F
from nbnn.functional import _check
from nbnn.modules.module import Module
from nbnn.tensor import Tensor


class Upsample(Module):
    r"""The input resampled to another size, by `nbnn.nn.functional.interpolate`.

    Parameters
    ----------
    size : int or tuple, optional
        The sizes of the result.
    scale_factor : float or tuple, optional
        Instead of `size`: what the sizes are multiplied by.
    mode : {"nearest", "nearest-exact", "linear", "bilinear", "bicubic", "trilinear", "area"}
    align_corners : bool, optional
        Whether the first and last elements keep their places.
    recompute_scale_factor : bool, optional
        Take the step from the rounded sizes instead of from `scale_factor`.

    Shape
    -----
    input : (N, C, L), (N, C, H, W) or (N, C, D, H, W)
    output : the same axes, resampled

    Raises
    ------
    ValueError, TypeError
        When called, as `interpolate`.

    Examples
    --------
    >>> import nbnn, nbnn.nn as nn
    >>> nn.Upsample(scale_factor=2)(nbnn.tensor([[[1.0, 2.0]]]))
    tensor([[[1., 1., 2., 2.]]])
    """

    def __init__(
        self,
        size: Any = None,
        scale_factor: Any = None,
        mode: str = "nearest",
        align_corners: bool | None = None,
        recompute_scale_factor: bool | None = None,
    ) -> None:
        super().__init__()
        self.name = type(self).__name__
        self.size = size
        if isinstance(scale_factor, tuple):
            self.scale_factor: Any = tuple(float(factor) for factor in scale_factor)
        else:
            self.scale_factor = float(scale_factor) if scale_factor else None
        self.mode = mode
        self.align_corners = align_corners
        self.recompute_scale_factor = recompute_scale_factor

    def forward(self, input: Tensor) -> Tensor:
        return F.interpolate(
            input,
            self.size,
            self.scale_factor,
            self.mode,
            self.align_corners,
            recompute_scale_factor=self.recompute_scale_factor,
        )

    def extra_repr(self) -> str:
        given = f"size={self.size}" if self.scale_factor is None else f"scale_factor={self.scale_factor}"
        return f"{given}, mode={self.mode!r}"


class UpsamplingNearest2d(Upsample):
    r"""An image resampled by taking the nearest pixel.

    Parameters
    ----------
    size : int or tuple, optional
        Height and width of the result.
    scale_factor : float or tuple, optional
        Instead of `size`: what they are multiplied by.

    Shape
    -----
    input : (N, C, H, W)
    output : (N, C, OH, OW)

    Raises
    ------
    ValueError, TypeError
        When called, as `interpolate`.

    Examples
    --------
    >>> import nbnn, nbnn.nn as nn
    >>> nn.UpsamplingNearest2d(size=(1, 4))(nbnn.tensor([[[[1.0, 2.0]]]]))
    tensor([[[[1., 1., 2., 2.]]]])
    """

    def __init__(self, size: Any = None, scale_factor: Any = None) -> None:
        super().__init__(size, scale_factor, mode="nearest")


class UpsamplingBilinear2d(Upsample):
    r"""An image resampled linearly, its corners staying where they are.

    Parameters
    ----------
    size : int or tuple, optional
        Height and width of the result.
    scale_factor : float or tuple, optional
        Instead of `size`: what they are multiplied by.

    Shape
    -----
    input : (N, C, H, W)
    output : (N, C, OH, OW)

    Raises
    ------
    ValueError, TypeError
        When called, as `interpolate`.

    Examples
    --------
    >>> import nbnn, nbnn.nn as nn
    >>> nn.UpsamplingBilinear2d(size=(1, 3))(nbnn.tensor([[[[1.0, 2.0]]]]))
    tensor([[[[1.0000, 1.5000, 2.0000]]]])
    """

    def __init__(self, size: Any = None, scale_factor: Any = None) -> None:
        super().__init__(size, scale_factor, mode="bilinear", align_corners=True)


class PixelShuffle(Module):
    r"""Channels spread over a finer image.

    Parameters
    ----------
    upscale_factor : int
        r.

    Shape
    -----
    input : (\*, C r^2, H, W)
    output : (\*, C, H r, W r)

    Raises
    ------
    ValueError, TypeError
        If `upscale_factor` is not an int of at least 1; when called: if it does not fit the shape.

    Examples
    --------
    >>> import nbnn, nbnn.nn as nn
    >>> nn.PixelShuffle(2)(nbnn.ones(1, 8, 2, 3)).shape
    nbnn.Size([1, 2, 4, 6])
    """

    def __init__(self, upscale_factor: int) -> None:
        super().__init__()
        self.upscale_factor = _check.integer("PixelShuffle", "upscale_factor", upscale_factor, 1)

    def forward(self, input: Tensor) -> Tensor:
        return F.pixel_shuffle(input, self.upscale_factor)

    def extra_repr(self) -> str:
        return f"upscale_factor={self.upscale_factor}"


class PixelUnshuffle(Module):
    r"""The inverse of PixelShuffle.

    Parameters
    ----------
    downscale_factor : int
        r.

    Shape
    -----
    input : (\*, C, H r, W r)
    output : (\*, C r^2, H, W)

    Raises
    ------
    ValueError, TypeError
        If `downscale_factor` is not an int of at least 1; when called: if it does not fit the shape.

    Examples
    --------
    >>> import nbnn, nbnn.nn as nn
    >>> nn.PixelUnshuffle(2)(nbnn.ones(1, 2, 4, 6)).shape
    nbnn.Size([1, 8, 2, 3])
    """

    def __init__(self, downscale_factor: int) -> None:
        super().__init__()
        self.downscale_factor = _check.integer("PixelUnshuffle", "downscale_factor", downscale_factor, 1)

    def forward(self, input: Tensor) -> Tensor:
        return F.pixel_unshuffle(input, self.downscale_factor)

    def extra_repr(self) -> str:
        return f"downscale_factor={self.downscale_factor}"


class ChannelShuffle(Module):
    r"""The channels of groups mixed.

    Parameters
    ----------
    groups : int
        How many groups; it divides C.

    Shape
    -----
    input : (N, C, ...)
    output : the same

    Raises
    ------
    ValueError, TypeError
        If `groups` is not an int of at least 1; when called: if it does not fit the shape.

    Examples
    --------
    >>> import nbnn, nbnn.nn as nn
    >>> nn.ChannelShuffle(2)(nbnn.arange(4.0).reshape(1, 4, 1)).flatten()
    tensor([0., 2., 1., 3.])
    """

    def __init__(self, groups: int) -> None:
        super().__init__()
        self.groups = _check.integer("ChannelShuffle", "groups", groups, 1)

    def forward(self, input: Tensor) -> Tensor:
        return F.channel_shuffle(input, self.groups)

    def extra_repr(self) -> str:
        return f"groups={self.groups}"
