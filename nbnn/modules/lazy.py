"""Lazy Modules: they learn a size from their first input, and then are the ordinary ones."""

from __future__ import annotations

from typing import Any, ClassVar

from nbnn.autograd import no_grad
from nbnn.functional import _check
from nbnn.modules.convolution import Conv1d, Conv2d, Conv3d, ConvTranspose1d, ConvTranspose2d, ConvTranspose3d
from nbnn.modules.linear import Linear
from nbnn.modules.module import Module
from nbnn.modules.normalization import (
    BatchNorm1d,
    BatchNorm2d,
    BatchNorm3d,
    InstanceNorm1d,
    InstanceNorm2d,
    InstanceNorm3d,
)
from nbnn.modules.parameter import UninitializedBuffer, UninitializedParameter, is_lazy
from nbnn.tensor import Tensor


class LazyModuleMixin(Module):
    """The first call of a lazy Module: make the members, become the ordinary class, and be called as that.

    A subclass names the class to become, the attribute that holds the size, and the shapes of its members.
    """

    cls_to_become: ClassVar[type[Module]]
    _size: ClassVar[str]  # the attribute that the first input decides

    def _wait(self, device: Any, dtype: Any) -> None:
        """Forget the members that depend on the size, made with a size of 0, until it is known."""
        for name, parameter in self._parameters.items():
            if parameter is not None:
                self._parameters[name] = UninitializedParameter(device=device, dtype=dtype)
        for name, buffer in self._buffers.items():
            if buffer is not None and buffer.dim():  # the counter of batches stays
                self._buffers[name] = UninitializedBuffer(device=device, dtype=dtype)

    def has_uninitialized_params(self) -> bool:
        """Whether a parameter or buffer of this module has no shape yet."""
        return any(map(is_lazy, [*self._parameters.values(), *self._buffers.values()]))

    def reset_parameters(self) -> None:
        """Start everything anew, once there is something to start."""
        if not self.has_uninitialized_params():
            super().reset_parameters()  # type: ignore[misc]

    def _measured(self, *args: Any, **kwargs: Any) -> int:
        """The size, from the arguments of a call."""
        raise NotImplementedError

    def _shapes(self, size: int) -> dict[str, tuple[int, ...]]:
        """The shapes of the members for this size."""
        raise NotImplementedError

    def initialize_parameters(self, *args: Any, **kwargs: Any) -> None:
        """Make the members for these arguments of forward; what a state_dict has filled stays.

        Raises
        ------
        ValueError
            If the input has a wrong number of axes, or another size than the state_dict that was loaded.
        """
        size = self._measured(*args, **kwargs)
        shapes = self._shapes(size)
        members: dict[str, Any] = {
            name: m for name, m in {**self._parameters, **self._buffers}.items() if m is not None and name in shapes
        }
        loaded = {name: m for name, m in members.items() if not is_lazy(m)}
        for name, member in loaded.items():
            if member.shape != shapes[name]:
                raise ValueError(
                    f"{type(self).__name__}: `{name}` was loaded with shape {tuple(member.shape)}; "
                    f"an input with {size} needs {shapes[name]}"
                )
        setattr(self, self._size, size)
        if len(loaded) == len(members) and members:
            return
        with no_grad():
            values = {name: member.clone() for name, member in loaded.items()}
            counter = self._buffers.get("num_batches_tracked")
            for name, member in members.items():
                if is_lazy(member):
                    member.materialize(shapes[name])
            count = None if counter is None else counter.clone()
            self.reset_parameters()
            for name, value in values.items():
                members[name].copy_(value)
            if counter is not None:
                counter.copy_(count)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        self.initialize_parameters(*args, **kwargs)
        self.__class__ = self.cls_to_become  # type: ignore[assignment]
        return self(*args, **kwargs)


class LazyLinear(LazyModuleMixin, Linear):
    r"""A `Linear` whose `in_features` is the last size of its first input.

    Until then its weight and bias are of type `UninitializedParameter`: make one call before an optimizer reads their
    shapes. After it this module is a `Linear`. A state_dict may be loaded before.

    Parameters
    ----------
    out_features : int
        Size of the last axis of the output.
    bias : bool
        Whether there is a bias.
    device : device, optional
        Where the parameters lie.
    dtype : dtype, optional
        Their type.

    Attributes
    ----------
    weight : UninitializedParameter, then Parameter (out_features, in_features)
    bias : UninitializedParameter, then Parameter (out_features,), or None

    Shape
    -----
    input : (\*, in_features)
    output : (\*, out_features)

    Raises
    ------
    TypeError, ValueError
        If a size is not an int or negative, or the input has no axis.

    Examples
    --------
    >>> import nbnn, nbnn.nn as nn
    >>> layer = nn.LazyLinear(30)
    >>> layer
    LazyLinear(in_features=0, out_features=30, bias=True)
    >>> _ = layer(nbnn.ones(128, 20))
    >>> layer
    Linear(in_features=20, out_features=30, bias=True)
    """

    cls_to_become = Linear
    _size = "in_features"

    def __init__(self, out_features: int, bias: bool = True, device: Any = None, dtype: Any = None) -> None:
        super().__init__(0, _check.integer("LazyLinear", "out_features", out_features, 0), bias, device, dtype)
        self._wait(device, dtype)

    def _measured(self, input: Tensor) -> int:  # type: ignore[override]
        if not _check.tensor("LazyLinear", "input", input).dim():
            raise ValueError("LazyLinear: `input` must have at least 1 axis; got a Tensor without")
        return input.shape[-1]

    def _shapes(self, size: int) -> dict[str, tuple[int, ...]]:
        return {"weight": (self.out_features, size), "bias": (self.out_features,)}


class _LazyConv(LazyModuleMixin):
    """The lazy convolutions: the channels of the input are on the axis before the windows."""

    _size = "in_channels"

    def _measured(self, input: Tensor, *_: Any, **__: Any) -> int:  # type: ignore[override]
        name, n = type(self).__name__, self._axes  # type: ignore[attr-defined]
        rank = _check.tensor(name, "input", input).dim()
        if rank not in (n + 1, n + 2):
            raise ValueError(f"{name}: `input` must have {n + 1} or {n + 2} axes; got input {tuple(input.shape)}")
        channels, groups = input.shape[-n - 1], self.groups  # type: ignore[attr-defined]
        if channels % groups:
            raise ValueError(f"{name}: the channels of `input` (={channels}) must be divisible by `groups` (={groups})")
        return channels

    def _shapes(self, size: int) -> dict[str, tuple[int, ...]]:
        out, groups = self.out_channels, self.groups  # type: ignore[attr-defined]
        two = (size, out // groups) if self.transposed else (out, size // groups)  # type: ignore[attr-defined]
        return {"weight": (*two, *self.kernel_size), "bias": (out,)}  # type: ignore[attr-defined]

    def __init__(
        self,
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
    ) -> None:
        super().__init__(
            0, out_channels, kernel_size, stride, padding, dilation, groups, bias, padding_mode, device, dtype
        )  # type: ignore[call-arg]
        self._wait(device, dtype)


class LazyConv1d(_LazyConv, Conv1d):
    r"""A `Conv1d` whose `in_channels` are those of its first input; what `LazyLinear` is to `Linear`.

    The parameters are those of `Conv1d` without `in_channels`.

    Shape
    -----
    input : (N, C_in, L) or (C_in, L)
    output : (N, C_out, L_out) or (C_out, L_out)

    Raises
    ------
    TypeError, ValueError
        As `Conv1d`; for the first input also if its channels are not divisible by `groups`.

    Examples
    --------
    >>> import nbnn, nbnn.nn as nn
    >>> layer = nn.LazyConv1d(8, 3)
    >>> layer(nbnn.ones(2, 4, 5)).shape, layer.in_channels
    (nbnn.Size([2, 8, 3]), 4)
    """

    cls_to_become = Conv1d


class LazyConv2d(_LazyConv, Conv2d):
    r"""A `Conv2d` whose `in_channels` are those of its first input; what `LazyLinear` is to `Linear`.

    The parameters are those of `Conv2d` without `in_channels`.

    Shape
    -----
    input : (N, C_in, H, W) or (C_in, H, W)
    output : (N, C_out, H_out, W_out) or (C_out, H_out, W_out)

    Raises
    ------
    TypeError, ValueError
        As `Conv2d`; for the first input also if its channels are not divisible by `groups`.

    Examples
    --------
    >>> import nbnn, nbnn.nn as nn
    >>> layer = nn.LazyConv2d(8, 3)
    >>> layer(nbnn.ones(2, 4, 5, 5)).shape, layer.in_channels
    (nbnn.Size([2, 8, 3, 3]), 4)
    """

    cls_to_become = Conv2d


class LazyConv3d(_LazyConv, Conv3d):
    r"""A `Conv3d` whose `in_channels` are those of its first input; what `LazyLinear` is to `Linear`.

    The parameters are those of `Conv3d` without `in_channels`.

    Shape
    -----
    input : (N, C_in, D, H, W) or (C_in, D, H, W)
    output : (N, C_out, D_out, H_out, W_out) or (C_out, D_out, H_out, W_out)

    Raises
    ------
    TypeError, ValueError
        As `Conv3d`; for the first input also if its channels are not divisible by `groups`.

    Examples
    --------
    >>> import nbnn, nbnn.nn as nn
    >>> layer = nn.LazyConv3d(8, 3)
    >>> layer(nbnn.ones(2, 4, 5, 5, 5)).shape, layer.in_channels
    (nbnn.Size([2, 8, 3, 3, 3]), 4)
    """

    cls_to_become = Conv3d


class _LazyConvTranspose(_LazyConv):
    """The lazy transposed convolutions."""

    def __init__(
        self,
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
        super(_LazyConv, self).__init__(
            0, out_channels, kernel_size, stride, padding, output_padding, groups, bias, dilation, padding_mode, device,
            dtype,
        )  # type: ignore[call-arg]  # fmt: skip
        self._wait(device, dtype)


class LazyConvTranspose1d(_LazyConvTranspose, ConvTranspose1d):
    r"""A `ConvTranspose1d` whose `in_channels` are those of its first input; what `LazyLinear` is to `Linear`.

    The parameters are those of `ConvTranspose1d` without `in_channels`.

    Shape
    -----
    input : (N, C_in, L) or (C_in, L)
    output : (N, C_out, L_out) or (C_out, L_out)

    Raises
    ------
    TypeError, ValueError
        As `ConvTranspose1d`; for the first input also if its channels are not divisible by `groups`.

    Examples
    --------
    >>> import nbnn, nbnn.nn as nn
    >>> layer = nn.LazyConvTranspose1d(8, 3)
    >>> layer(nbnn.ones(2, 4, 5)).shape, layer.in_channels
    (nbnn.Size([2, 8, 7]), 4)
    """

    cls_to_become = ConvTranspose1d


class LazyConvTranspose2d(_LazyConvTranspose, ConvTranspose2d):
    r"""A `ConvTranspose2d` whose `in_channels` are those of its first input; what `LazyLinear` is to `Linear`.

    The parameters are those of `ConvTranspose2d` without `in_channels`.

    Shape
    -----
    input : (N, C_in, H, W) or (C_in, H, W)
    output : (N, C_out, H_out, W_out) or (C_out, H_out, W_out)

    Raises
    ------
    TypeError, ValueError
        As `ConvTranspose2d`; for the first input also if its channels are not divisible by `groups`.

    Examples
    --------
    >>> import nbnn, nbnn.nn as nn
    >>> layer = nn.LazyConvTranspose2d(8, 3)
    >>> layer(nbnn.ones(2, 4, 5, 5)).shape, layer.in_channels
    (nbnn.Size([2, 8, 7, 7]), 4)
    """

    cls_to_become = ConvTranspose2d


class LazyConvTranspose3d(_LazyConvTranspose, ConvTranspose3d):
    r"""A `ConvTranspose3d` whose `in_channels` are those of its first input; what `LazyLinear` is to `Linear`.

    The parameters are those of `ConvTranspose3d` without `in_channels`.

    Shape
    -----
    input : (N, C_in, D, H, W) or (C_in, D, H, W)
    output : (N, C_out, D_out, H_out, W_out) or (C_out, D_out, H_out, W_out)

    Raises
    ------
    TypeError, ValueError
        As `ConvTranspose3d`; for the first input also if its channels are not divisible by `groups`.

    Examples
    --------
    >>> import nbnn, nbnn.nn as nn
    >>> layer = nn.LazyConvTranspose3d(8, 3)
    >>> layer(nbnn.ones(2, 4, 5, 5, 5)).shape, layer.in_channels
    (nbnn.Size([2, 8, 7, 7, 7]), 4)
    """

    cls_to_become = ConvTranspose3d


class _LazyNorm(LazyModuleMixin):
    """The lazy normalisations, affine and with running statistics unless told otherwise."""

    _size = "num_features"

    def __init__(
        self,
        eps: float = 1e-5,
        momentum: float = 0.1,
        affine: bool = True,
        track_running_stats: bool = True,
        device: Any = None,
        dtype: Any = None,
        *,
        bias: bool = True,
    ) -> None:
        super().__init__(0, eps, momentum, affine, track_running_stats, device, dtype, bias=bias)  # type: ignore[call-arg]
        self._wait(device, dtype)

    def _measured(self, input: Tensor) -> int:  # type: ignore[override]
        ranks: tuple[int, ...] = self._ranks  # type: ignore[attr-defined]
        name, rank = type(self).__name__, _check.tensor(type(self).__name__, "input", input).dim()
        if rank not in ranks:
            shape = self._shape  # type: ignore[attr-defined]
            raise ValueError(f"{name}: `input` must have shape {shape}; got input {tuple(input.shape)}")
        return input.shape[1 if isinstance(self, _BATCH) else rank - ranks[0]]

    def _shapes(self, size: int) -> dict[str, tuple[int, ...]]:
        return dict.fromkeys(("weight", "bias", "running_mean", "running_var"), (size,))


_BATCH = (BatchNorm1d, BatchNorm2d, BatchNorm3d)


class LazyBatchNorm1d(_LazyNorm, BatchNorm1d):
    r"""A `BatchNorm1d` whose `num_features` is that of the channels of its first input; see `LazyLinear`.

    The parameters are those of `BatchNorm1d` without `num_features`.

    Shape
    -----
    input : (N, C) or (N, C, L)
    output : as the input

    Raises
    ------
    TypeError, ValueError
        As `BatchNorm1d`.

    Examples
    --------
    >>> import nbnn, nbnn.nn as nn
    >>> layer = nn.LazyBatchNorm1d()
    >>> layer(nbnn.ones(2, 4, 5)).shape, layer.num_features
    (nbnn.Size([2, 4, 5]), 4)
    """

    cls_to_become = BatchNorm1d


class LazyBatchNorm2d(_LazyNorm, BatchNorm2d):
    r"""A `BatchNorm2d` whose `num_features` is that of the channels of its first input; see `LazyLinear`.

    The parameters are those of `BatchNorm2d` without `num_features`.

    Shape
    -----
    input : (N, C, H, W)
    output : as the input

    Raises
    ------
    TypeError, ValueError
        As `BatchNorm2d`.

    Examples
    --------
    >>> import nbnn, nbnn.nn as nn
    >>> layer = nn.LazyBatchNorm2d()
    >>> layer(nbnn.ones(2, 4, 5, 5)).shape, layer.num_features
    (nbnn.Size([2, 4, 5, 5]), 4)
    """

    cls_to_become = BatchNorm2d


class LazyBatchNorm3d(_LazyNorm, BatchNorm3d):
    r"""A `BatchNorm3d` whose `num_features` is that of the channels of its first input; see `LazyLinear`.

    The parameters are those of `BatchNorm3d` without `num_features`.

    Shape
    -----
    input : (N, C, D, H, W)
    output : as the input

    Raises
    ------
    TypeError, ValueError
        As `BatchNorm3d`.

    Examples
    --------
    >>> import nbnn, nbnn.nn as nn
    >>> layer = nn.LazyBatchNorm3d()
    >>> layer(nbnn.ones(2, 4, 5, 5, 5)).shape, layer.num_features
    (nbnn.Size([2, 4, 5, 5, 5]), 4)
    """

    cls_to_become = BatchNorm3d


class LazyInstanceNorm1d(_LazyNorm, InstanceNorm1d):
    r"""An `InstanceNorm1d` whose `num_features` is that of the channels of its first input; see `LazyLinear`.

    The parameters are those of `InstanceNorm1d` without `num_features`;
    `affine` and `track_running_stats` are True by default.

    Shape
    -----
    input : (N, C, L) or (C, L)
    output : as the input

    Raises
    ------
    TypeError, ValueError
        As `InstanceNorm1d`.

    Examples
    --------
    >>> import nbnn, nbnn.nn as nn
    >>> layer = nn.LazyInstanceNorm1d()
    >>> layer(nbnn.ones(2, 4, 5)).shape, layer.num_features
    (nbnn.Size([2, 4, 5]), 4)
    """

    cls_to_become = InstanceNorm1d


class LazyInstanceNorm2d(_LazyNorm, InstanceNorm2d):
    r"""An `InstanceNorm2d` whose `num_features` is that of the channels of its first input; see `LazyLinear`.

    The parameters are those of `InstanceNorm2d` without `num_features`;
    `affine` and `track_running_stats` are True by default.

    Shape
    -----
    input : (N, C, H, W) or (C, H, W)
    output : as the input

    Raises
    ------
    TypeError, ValueError
        As `InstanceNorm2d`.

    Examples
    --------
    >>> import nbnn, nbnn.nn as nn
    >>> layer = nn.LazyInstanceNorm2d()
    >>> layer(nbnn.ones(2, 4, 5, 5)).shape, layer.num_features
    (nbnn.Size([2, 4, 5, 5]), 4)
    """

    cls_to_become = InstanceNorm2d


class LazyInstanceNorm3d(_LazyNorm, InstanceNorm3d):
    r"""An `InstanceNorm3d` whose `num_features` is that of the channels of its first input; see `LazyLinear`.

    The parameters are those of `InstanceNorm3d` without `num_features`;
    `affine` and `track_running_stats` are True by default.

    Shape
    -----
    input : (N, C, D, H, W) or (C, D, H, W)
    output : as the input

    Raises
    ------
    TypeError, ValueError
        As `InstanceNorm3d`.

    Examples
    --------
    >>> import nbnn, nbnn.nn as nn
    >>> layer = nn.LazyInstanceNorm3d()
    >>> layer(nbnn.ones(2, 4, 5, 5, 5)).shape, layer.num_features
    (nbnn.Size([2, 4, 5, 5, 5]), 4)
    """

    cls_to_become = InstanceNorm3d
