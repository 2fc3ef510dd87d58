"""Modules of the convolutions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from nbnn import functional as F
from nbnn import init
from nbnn.functional import _check
from nbnn.functional import array as A
from nbnn.functional.convolution import margins
from nbnn.modules.module import Module
from nbnn.tensor import Parameter, Tensor


class _ConvNd(Module):
    """A convolution over `_axes` axes: checks, parameters and text."""

    _axes: ClassVar[int]
    _function: ClassVar[Callable[..., Tensor]]
    _padding_modes: ClassVar[tuple[str, ...]] = ("zeros", "reflect", "replicate", "circular")
    transposed: bool = False
    same_rule: str = "torch"
    bias: Parameter | None

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int | tuple[int, ...],
        stride: int | tuple[int, ...] = 1,
        padding: int | tuple[int, ...] | str = 0,
        dilation: int | tuple[int, ...] = 1,
        groups: int = 1,
        bias: bool = True,
        padding_mode: str = "zeros",
        device: Any = None,
        dtype: Any = None,
        *,
        same_rule: str = "torch",
    ) -> None:
        super().__init__()
        _check.one_of(type(self).__name__, "same_rule", same_rule, ("torch", "tf"))
        self.same_rule = same_rule
        self._set_up(
            in_channels, out_channels, kernel_size, stride, padding, dilation, 0, groups, bias, padding_mode, device,
            dtype,
        )  # fmt: skip

    def _set_up(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Any,
        stride: Any,
        padding: Any,
        dilation: Any,
        output_padding: Any,
        groups: int,
        bias: bool,
        padding_mode: str,
        device: Any,
        dtype: Any,
    ) -> None:
        op, n = type(self).__name__, self._axes
        self.in_channels = _check.integer(op, "in_channels", in_channels, 0)
        self.out_channels = _check.integer(op, "out_channels", out_channels, 0)
        self.groups = _check.integer(op, "groups", groups, 1)
        for name, channels in (("in_channels", in_channels), ("out_channels", out_channels)):
            if channels % groups:
                raise ValueError(f"{op}: `{name}` (={channels}) must be divisible by `groups` (={groups})")
        self.kernel_size = _check.ntuple(op, "kernel_size", kernel_size, n, 1)
        self.stride = _check.ntuple(op, "stride", stride, n, 1)
        self.dilation = _check.ntuple(op, "dilation", dilation, n, 1)
        self.padding = self._checked_padding(padding)
        self.output_padding = _check.ntuple(op, "output_padding", output_padding, n, 0)
        if padding_mode not in self._padding_modes:
            names = ", ".join(map(repr, self._padding_modes))
            raise ValueError(f"{op}: `padding_mode` (={padding_mode!r}) must be one of {names}")
        self.padding_mode = padding_mode
        first, second = (in_channels, out_channels) if self.transposed else (out_channels, in_channels)
        self.weight = Parameter(A.empty(first, second // groups, *self.kernel_size, dtype=dtype, device=device))
        self.register_parameter("bias", Parameter(A.empty(out_channels, dtype=dtype, device=device)) if bias else None)
        self.reset_parameters()

    def _checked_padding(self, padding: Any) -> tuple[int, ...] | str:
        op = type(self).__name__
        if self.transposed or not isinstance(padding, str):
            return _check.ntuple(op, "padding", padding, self._axes, 0)
        if padding not in ("same", "valid"):
            raise ValueError(f"{op}: `padding` (={padding!r}) must be ints, 'same' or 'valid'")
        if padding == "same" and self.same_rule == "torch" and any(step != 1 for step in self.stride):
            raise ValueError(f"{op}: `padding` (='same') needs a `stride` of 1, or `same_rule` 'tf'; got {self.stride}")
        return padding

    def reset_parameters(self) -> None:
        """Draw weight and bias anew."""
        init.affine_(self.weight, self.bias)

    def forward(self, input: Tensor) -> Tensor:
        padding = self.padding
        if self.padding_mode != "zeros":
            input, padding = F.pad(input, self._margins(input), mode=self.padding_mode), (0,) * self._axes
        if self.same_rule == "torch":
            return self._function(input, self.weight, self.bias, self.stride, padding, self.dilation, self.groups)
        return self._function(
            input, self.weight, self.bias, self.stride, padding, self.dilation, self.groups, same_rule=self.same_rule
        )

    def _margins(self, input: Tensor) -> tuple[int, ...]:
        """The padding in front of and behind each axis, the last axis first."""
        name, size = type(self).__name__, tuple(input.shape[-self._axes :])
        before, after = margins(name, self.padding, size, self.kernel_size, self.stride, self.dilation, self.same_rule)
        return tuple(m for pair in zip(reversed(before), reversed(after), strict=True) for m in pair)

    def extra_repr(self) -> str:
        text = f"{self.in_channels}, {self.out_channels}, kernel_size={self.kernel_size}, stride={self.stride}"
        none, ones = (0,) * self._axes, (1,) * self._axes
        usual = {"padding": none, "dilation": ones, "output_padding": none, "groups": 1}
        for name, value in usual.items():
            if getattr(self, name) != value:
                text += f", {name}={getattr(self, name)}"
        text += "" if self.bias is not None else ", bias=False"
        return text if self.padding_mode == "zeros" else text + f", padding_mode={self.padding_mode}"


class Conv1d(_ConvNd):
    r"""Cross-correlation over one axis.

    .. math:: y_{n,k,i} = b_k + \sum_{c,u} w_{k,c,u} \; x_{n, c, i \cdot \text{stride} + u \cdot \text{dilation}}

    over the padded input, where the channels of a group see only those of the same group. Weight and bias start uniform
    in :math:`\pm 1 / \sqrt{C_{in} / \text{groups} \cdot \prod \text{kernel\_size}}`.

    Parameters
    ----------
    in_channels, out_channels : int
        Channels of input and output; both divisible by `groups`.
    kernel_size : int or tuple
        Size of the window.
    stride : int or tuple
        Its step.
    padding : int, tuple, "valid" or "same"
        Zeros added at both ends of an axis; ``"same"`` (for stride 1) keeps the size.
    dilation : int or tuple
        Distance of the window's elements.
    groups : int
        Groups of channels that are convolved apart.
    bias : bool
        Whether there is a :math:`b`.
    padding_mode : str
        ``"zeros"``, ``"reflect"``, ``"replicate"`` or ``"circular"``: what stands outside, as in `F.pad`.
    device : device, optional
        Where the parameters lie.
    dtype : dtype, optional
        Their type.
    same_rule : str
        ``"tf"``: with ``padding="same"`` any stride is possible, and the size becomes ceil(L / stride).

    Attributes
    ----------
    weight : Parameter (out_channels, in_channels / groups, kernel_size)
    bias : Parameter (out_channels,) or None

    Shape
    -----
    input : (N, C_in, L) or (C_in, L)
    output : (N, C_out, L_out) or (C_out, L_out)
        with L_out = floor((L + 2 padding - dilation (kernel_size - 1) - 1) / stride) + 1

    Raises
    ------
    TypeError, ValueError
        If an argument breaks these rules.

    Examples
    --------
    >>> import nbnn, nbnn.nn as nn
    >>> nn.Conv1d(16, 33, 3, stride=2)(nbnn.ones(20, 16, 50)).shape
    nbnn.Size([20, 33, 24])
    """

    _axes = 1
    _function = staticmethod(F.conv1d)


class Conv2d(_ConvNd):
    r"""Cross-correlation over two axes.

    .. math:: y_{n,k,i,j} = b_k + \sum_{c,u,v} w_{k,c,u,v} \; x_{n, c, i s_0 + u d_0, j s_1 + v d_1}

    over the padded input; the parameters are those of `Conv1d`, with one int for both axes or one for each.

    Attributes
    ----------
    weight : Parameter (out_channels, in_channels / groups, kernel_size[0], kernel_size[1])
    bias : Parameter (out_channels,) or None

    Shape
    -----
    input : (N, C_in, H, W) or (C_in, H, W)
    output : (N, C_out, H_out, W_out) or (C_out, H_out, W_out)

    Raises
    ------
    TypeError, ValueError
        As `Conv1d`.

    References
    ----------
    Y. LeCun et al., "Backpropagation Applied to Handwritten Zip Code Recognition", Neural Computation 1(4), 1989.

    Examples
    --------
    >>> import nbnn, nbnn.nn as nn
    >>> nn.Conv2d(3, 8, kernel_size=3, padding=1)(nbnn.ones(1, 3, 5, 5)).shape
    nbnn.Size([1, 8, 5, 5])
    """

    _axes = 2
    _function = staticmethod(F.conv2d)


class Conv3d(_ConvNd):
    r"""Cross-correlation over three axes.

    The parameters are those of `Conv1d`, with one int for all axes or one for each.

    Attributes
    ----------
    weight : Parameter (out_channels, in_channels / groups, kernel_size[0], kernel_size[1], kernel_size[2])
    bias : Parameter (out_channels,) or None

    Shape
    -----
    input : (N, C_in, D, H, W) or (C_in, D, H, W)
    output : (N, C_out, D_out, H_out, W_out) or (C_out, D_out, H_out, W_out)

    Raises
    ------
    TypeError, ValueError
        As `Conv1d`.

    Examples
    --------
    >>> import nbnn, nbnn.nn as nn
    >>> nn.Conv3d(2, 4, (1, 3, 3))(nbnn.ones(1, 2, 4, 5, 5)).shape
    nbnn.Size([1, 4, 4, 3, 3])
    """

    _axes = 3
    _function = staticmethod(F.conv3d)


class _ConvTransposeNd(_ConvNd):
    """A transposed convolution over `_axes` axes."""

    _padding_modes: ClassVar[tuple[str, ...]] = ("zeros",)
    transposed = True

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int | tuple[int, ...],
        stride: int | tuple[int, ...] = 1,
        padding: int | tuple[int, ...] = 0,
        output_padding: int | tuple[int, ...] = 0,
        groups: int = 1,
        bias: bool = True,
        dilation: int | tuple[int, ...] = 1,
        padding_mode: str = "zeros",
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        Module.__init__(self)
        self._set_up(
            in_channels, out_channels, kernel_size, stride, padding, dilation, output_padding, groups, bias,
            padding_mode, device, dtype,
        )  # fmt: skip

    def forward(self, input: Tensor, output_size: Any = None) -> Tensor:
        more = self.output_padding if output_size is None else self._missing(input, output_size)
        return self._function(
            input, self.weight, self.bias, self.stride, self.padding, more, self.groups, self.dilation
        )

    def _missing(self, input: Tensor, output_size: Any) -> tuple[int, ...]:
        """The output padding that makes an output of `output_size`."""
        op, n = type(self).__name__, self._axes
        _check.tensor(op, "input", input)
        given = _check.sizes(op, "output_size", output_size)
        wanted = given[-n:] if len(given) == input.dim() else given
        if len(wanted) != n or input.dim() not in (n + 1, n + 2):
            raise ValueError(
                f"{op}: `output_size` (={given}) must have {n} sizes, or those of the whole output; "
                f"got input {tuple(input.shape)}"
            )
        more = []
        for k, size in enumerate(wanted):
            length = input.shape[k - n] - 1
            least = length * self.stride[k] - 2 * int(self.padding[k])
            least += self.dilation[k] * (self.kernel_size[k] - 1) + 1
            if not least <= size < least + self.stride[k]:
                raise ValueError(
                    f"{op}: `output_size` (={given}) must be between {least} and {least + self.stride[k] - 1} "
                    f"on axis {k - n}; got input {tuple(input.shape)}"
                )
            more.append(size - least)
        return tuple(more)


class ConvTranspose1d(_ConvTransposeNd):
    r"""Transposed convolution over one axis: the gradient of `Conv1d` to its input, as a layer.

    Parameters
    ----------
    in_channels, out_channels : int
        Channels of input and output; both divisible by `groups`.
    kernel_size : int or tuple
        Size of the window.
    stride : int or tuple
        Distance of the windows in the output.
    padding : int or tuple
        Positions cut off at both ends of an axis of the output.
    output_padding : int or tuple
        Positions added behind; less than `stride` or `dilation`.
    groups : int
        Groups of channels that are convolved apart.
    bias : bool
        Whether a bias is added.
    dilation : int or tuple
        Distance of the window's elements.
    padding_mode : str
        ``"zeros"``.
    device : device, optional
        Where the parameters lie.
    dtype : dtype, optional
        Their type.

    Attributes
    ----------
    weight : Parameter (in_channels, out_channels / groups, kernel_size)
    bias : Parameter (out_channels,) or None

    Shape
    -----
    input : (N, C_in, L) or (C_in, L)
    output : (N, C_out, L_out) or (C_out, L_out)
        with L_out = (L - 1) stride - 2 padding + dilation (kernel_size - 1) + output_padding + 1; called with
        `output_size` it chooses the output padding that gives this size.

    Raises
    ------
    TypeError, ValueError
        If an argument breaks these rules.

    Examples
    --------
    >>> import nbnn, nbnn.nn as nn
    >>> up = nn.ConvTranspose1d(16, 8, 3, stride=2)
    >>> up(nbnn.ones(20, 16, 50)).shape, up(nbnn.ones(20, 16, 50), output_size=(102,)).shape
    (nbnn.Size([20, 8, 101]), nbnn.Size([20, 8, 102]))
    """

    _axes = 1
    _function = staticmethod(F.conv_transpose1d)


class ConvTranspose2d(_ConvTransposeNd):
    r"""Transposed convolution over two axes: the gradient of `Conv2d` to its input, as a layer.

    The parameters are those of `ConvTranspose1d`, with one int for both axes or one for each.

    Attributes
    ----------
    weight : Parameter (in_channels, out_channels / groups, kernel_size[0], kernel_size[1])
    bias : Parameter (out_channels,) or None

    Shape
    -----
    input : (N, C_in, H, W) or (C_in, H, W)
    output : (N, C_out, H_out, W_out) or (C_out, H_out, W_out)

    Raises
    ------
    TypeError, ValueError
        As `ConvTranspose1d`.

    References
    ----------
    M. D. Zeiler et al., "Deconvolutional networks", CVPR 2010.

    Examples
    --------
    >>> import nbnn, nbnn.nn as nn
    >>> nn.ConvTranspose2d(4, 2, 4, stride=2, padding=1)(nbnn.ones(1, 4, 8, 8)).shape
    nbnn.Size([1, 2, 16, 16])
    """

    _axes = 2
    _function = staticmethod(F.conv_transpose2d)


class ConvTranspose3d(_ConvTransposeNd):
    r"""Transposed convolution over three axes: the gradient of `Conv3d` to its input, as a layer.

    The parameters are those of `ConvTranspose1d`, with one int for all axes or one for each.

    Attributes
    ----------
    weight : Parameter (in_channels, out_channels / groups, kernel_size[0], kernel_size[1], kernel_size[2])
    bias : Parameter (out_channels,) or None

    Shape
    -----
    input : (N, C_in, D, H, W) or (C_in, D, H, W)
    output : (N, C_out, D_out, H_out, W_out) or (C_out, D_out, H_out, W_out)

    Raises
    ------
    TypeError, ValueError
        As `ConvTranspose1d`.

    Examples
    --------
    >>> import nbnn, nbnn.nn as nn
    >>> nn.ConvTranspose3d(4, 2, (1, 2, 2), stride=(1, 2, 2))(nbnn.ones(1, 4, 3, 5, 5)).shape
    nbnn.Size([1, 2, 3, 10, 10])
    """

    _axes = 3
    _function = staticmethod(F.conv_transpose3d)
