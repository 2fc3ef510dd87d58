"""Modules of the normalisations."""

from __future__ import annotations

from typing import Any, ClassVar

from nbnn import functional as F
from nbnn import init
from nbnn.dtypes import int64
from nbnn.functional import _check
from nbnn.functional import array as A
from nbnn.modules.module import Module
from nbnn.tensor import Parameter, Tensor


class _NormBase(Module):
    """Scale, shift and running statistics of one number per channel."""

    weight: Parameter | None
    bias: Parameter | None
    running_mean: Tensor | None
    running_var: Tensor | None
    num_batches_tracked: Tensor | None

    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = True,
        track_running_stats: bool = True,
        device: Any = None,
        dtype: Any = None,
        *,
        bias: bool = True,
    ) -> None:
        super().__init__()
        self.num_features = _check.integer(type(self).__name__, "num_features", num_features, 0)
        self.eps, self.momentum = eps, momentum
        self.affine = affine
        self.track_running_stats = track_running_stats
        place = {"dtype": dtype, "device": device}
        _register(self, num_features, affine, affine and bias, device, dtype)
        for name in ("running_mean", "running_var"):
            self.register_buffer(name, A.empty(num_features, **place) if track_running_stats else None)
        counter = A.zeros((), dtype=int64, device=device) if track_running_stats else None
        self.register_buffer("num_batches_tracked", counter)
        self.reset_parameters()

    def reset_running_stats(self) -> None:
        """Start the running statistics anew: mean 0, variance 1, no batches."""
        for buffer, fill in (
            (self.running_mean, init.zeros_),
            (self.running_var, init.ones_),
            (self.num_batches_tracked, init.zeros_),
        ):
            if buffer is not None:
                fill(buffer)

    def reset_parameters(self) -> None:
        """Start everything anew: also weight 1 and bias 0."""
        self.reset_running_stats()
        if self.weight is not None:
            init.ones_(self.weight)
        if self.bias is not None:
            init.zeros_(self.bias)

    def extra_repr(self) -> str:
        return (
            f"{self.num_features}, eps={self.eps}, momentum={self.momentum}, affine={self.affine}, "
            f"bias={self.bias is not None}, track_running_stats={self.track_running_stats}"
        )


class _BatchNorm(_NormBase):
    """Batch normalisation of inputs of certain ranks."""

    _ranks: ClassVar[tuple[int, ...]]
    _shape: ClassVar[str]

    def _check_input_dim(self, input: Tensor) -> None:
        if input.dim() not in self._ranks:
            raise ValueError(
                f"{type(self).__name__}: `input` must have shape {self._shape}; got input {tuple(input.shape)}"
            )

    def forward(self, input: Tensor) -> Tensor:
        self._check_input_dim(input)
        batch_decides = self.training or self.running_mean is None
        keeps_track = self.track_running_stats or not self.training
        momentum = self.momentum
        if self.training and self.track_running_stats and self.num_batches_tracked is not None:
            self.num_batches_tracked.add_(1)
            if momentum is None:  # the mean over all batches so far
                momentum = 1.0 / self.num_batches_tracked.item()
        return F.batch_norm(
            input,
            self.running_mean if keeps_track else None,
            self.running_var if keeps_track else None,
            self.weight,
            self.bias,
            batch_decides,
            0.0 if momentum is None else momentum,
            self.eps,
        )


class BatchNorm1d(_BatchNorm):
    r"""Batch normalisation of (N, C) or (N, C, L) input.

    .. math:: y = \frac{x - \mathrm{E}[x]}{\sqrt{\mathrm{Var}[x] + \epsilon}} \; \gamma + \beta

    with mean and (biased) variance of each channel C over all other axes: of the batch in training, the running ones in
    evaluation. Training updates ``running = (1 - momentum) * running + momentum * batch``, with the unbiased variance.

    Parameters
    ----------
    num_features : int
        Channels C.
    eps : float
        :math:`\epsilon`, keeps the divisor from zero.
    momentum : float or None
        Weight of the newest batch; None gives all batches the same weight.
    affine : bool
        Whether there are :math:`\gamma` and :math:`\beta`; they start as 1 and 0.
    track_running_stats : bool
        Whether there are running statistics; without them the batch decides in evaluation too.
    device : device, optional
        Where parameters and buffers lie.
    dtype : dtype, optional
        Their type.
    bias : bool
        Whether there is a :math:`\beta`, given `affine`.

    Attributes
    ----------
    weight, bias : Parameter (C,) or None
        :math:`\gamma` and :math:`\beta`.
    running_mean, running_var : Tensor (C,) or None
    num_batches_tracked : Tensor () of int64 or None

    Shape
    -----
    input, output : (N, C) or (N, C, L)

    Raises
    ------
    ValueError
        If the input has another rank or other channels, or in training only one value per channel.

    References
    ----------
    S. Ioffe, C. Szegedy, "Batch Normalization", ICML 2015.

    Examples
    --------
    >>> import nbnn, nbnn.nn as nn
    >>> nn.BatchNorm1d(2, affine=False)(nbnn.tensor([[0.0, 3.0], [2.0, 3.0]]))
    tensor([[-1.0000,  0.0000],
            [ 1.0000,  0.0000]])
    """

    _ranks = (2, 3)
    _shape = "(N, C) or (N, C, L)"


class BatchNorm2d(_BatchNorm):
    r"""Batch normalisation of (N, C, H, W) input; the rest is as in `BatchNorm1d`.

    Shape
    -----
    input, output : (N, C, H, W)

    Raises
    ------
    ValueError
        As `BatchNorm1d`.

    Examples
    --------
    >>> import nbnn, nbnn.nn as nn
    >>> nn.BatchNorm2d(3)(nbnn.ones(2, 3, 4, 4)).shape
    nbnn.Size([2, 3, 4, 4])
    """

    _ranks = (4,)
    _shape = "(N, C, H, W)"


class BatchNorm3d(_BatchNorm):
    r"""Batch normalisation of (N, C, D, H, W) input; the rest is as in `BatchNorm1d`.

    Shape
    -----
    input, output : (N, C, D, H, W)

    Raises
    ------
    ValueError
        As `BatchNorm1d`.

    Examples
    --------
    >>> import nbnn, nbnn.nn as nn
    >>> nn.BatchNorm3d(3)(nbnn.ones(2, 3, 4, 4, 4)).shape
    nbnn.Size([2, 3, 4, 4, 4])
    """

    _ranks = (5,)
    _shape = "(N, C, D, H, W)"


class _InstanceNorm(_NormBase):
    """Instance normalisation of inputs of certain ranks, with or without a batch."""

    _ranks: ClassVar[tuple[int, int]]
    _shape: ClassVar[str]

    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float = 0.1,
        affine: bool = False,
        track_running_stats: bool = False,
        device: Any = None,
        dtype: Any = None,
        *,
        bias: bool = True,
    ) -> None:
        super().__init__(num_features, eps, momentum, affine, track_running_stats, device, dtype, bias=bias)

    def forward(self, input: Tensor) -> Tensor:
        rank = input.dim()
        fixed = self.affine or self.track_running_stats  # otherwise any number of channels will do
        if rank not in self._ranks or (fixed and input.shape[rank - self._ranks[0]] != self.num_features):
            raise ValueError(
                f"{type(self).__name__}: `input` must have shape {self._shape} with C = {self.num_features}; "
                f"got input {tuple(input.shape)}"
            )
        alone = rank == self._ranks[0]
        y = F.instance_norm(
            input.unsqueeze(0) if alone else input,
            self.running_mean,
            self.running_var,
            self.weight,
            self.bias,
            self.training or not self.track_running_stats,
            0.0 if self.momentum is None else self.momentum,
            self.eps,
        )
        return y.squeeze(0) if alone else y


class InstanceNorm1d(_InstanceNorm):
    r"""Normalisation of each channel of each sequence by itself.

    .. math:: y = \frac{x - \mathrm{E}[x]}{\sqrt{\mathrm{Var}[x] + \epsilon}} \; \gamma + \beta

    with mean and (biased) variance over the axis L, also in evaluation unless running statistics are tracked.

    Parameters
    ----------
    num_features : int
        Channels C.
    eps : float
        :math:`\epsilon`, keeps the divisor from zero.
    momentum : float
        Weight of the newest batch in the running statistics.
    affine : bool
        Whether there are :math:`\gamma` and :math:`\beta`; they start as 1 and 0.
    track_running_stats : bool
        Whether there are running statistics, which evaluation then uses.
    device : device, optional
        Where parameters and buffers lie.
    dtype : dtype, optional
        Their type.
    bias : bool
        Whether there is a :math:`\beta`, given `affine`.

    Attributes
    ----------
    weight, bias : Parameter (C,) or None
    running_mean, running_var : Tensor (C,) or None
    num_batches_tracked : Tensor () of int64 or None

    Shape
    -----
    input, output : (N, C, L) or (C, L)

    Raises
    ------
    ValueError
        If the input has another rank or other channels, or a channel is a single element.

    References
    ----------
    D. Ulyanov, A. Vedaldi, V. Lempitsky, "Instance Normalization: The Missing Ingredient for Fast Stylization", 2016.

    Examples
    --------
    >>> import nbnn, nbnn.nn as nn
    >>> nn.InstanceNorm1d(2)(nbnn.tensor([[0.0, 2.0], [3.0, 1.0]]))
    tensor([[-1.0000,  1.0000],
            [ 1.0000, -1.0000]])
    """

    _ranks = (2, 3)
    _shape = "(N, C, L) or (C, L)"


class InstanceNorm2d(_InstanceNorm):
    r"""Normalisation of each channel of each image by itself; the rest is as in `InstanceNorm1d`.

    Shape
    -----
    input, output : (N, C, H, W) or (C, H, W)

    Raises
    ------
    ValueError
        As `InstanceNorm1d`.

    Examples
    --------
    >>> import nbnn, nbnn.nn as nn
    >>> nn.InstanceNorm2d(3)(nbnn.ones(2, 3, 4, 4)).shape
    nbnn.Size([2, 3, 4, 4])
    """

    _ranks = (3, 4)
    _shape = "(N, C, H, W) or (C, H, W)"


class InstanceNorm3d(_InstanceNorm):
    r"""Normalisation of each channel of each volume by itself; the rest is as in `InstanceNorm1d`.

    Shape
    -----
    input, output : (N, C, D, H, W) or (C, D, H, W)

    Raises
    ------
    ValueError
        As `InstanceNorm1d`.

    Examples
    --------
    >>> import nbnn, nbnn.nn as nn
    >>> nn.InstanceNorm3d(3)(nbnn.ones(2, 3, 4, 4, 4)).shape
    nbnn.Size([2, 3, 4, 4, 4])
    """

    _ranks = (4, 5)
    _shape = "(N, C, D, H, W) or (C, D, H, W)"


class GroupNorm(Module):
    r"""Normalisation of groups of neighbouring channels of each image.

    .. math:: y = \frac{x - \mathrm{E}[x]}{\sqrt{\mathrm{Var}[x] + \epsilon}} \; \gamma + \beta

    with mean and (biased) variance over the C / num_groups channels of a group and all axes after them.

    Parameters
    ----------
    num_groups : int
        Must divide `num_channels`.
    num_channels : int
        Channels C.
    eps : float
        :math:`\epsilon`, keeps the divisor from zero.
    affine : bool
        Whether there are :math:`\gamma` and :math:`\beta` for each channel; they start as 1 and 0.
    device : device, optional
        Where the parameters lie.
    dtype : dtype, optional
        Their type.
    bias : bool
        Whether there is a :math:`\beta`, given `affine`.

    Attributes
    ----------
    weight, bias : Parameter (C,) or None

    Shape
    -----
    input, output : (N, C, ...)

    Raises
    ------
    ValueError
        If `num_groups` does not divide `num_channels`, or the input has other channels.

    References
    ----------
    Y. Wu, K. He, "Group Normalization", ECCV 2018.

    Examples
    --------
    >>> import nbnn, nbnn.nn as nn
    >>> nn.GroupNorm(2, 4)(nbnn.tensor([[1.0, 3.0, 4.0, 0.0]])).detach()
    tensor([[-1.0000,  1.0000,  1.0000, -1.0000]])
    """

    weight: Parameter | None
    bias: Parameter | None

    def __init__(
        self,
        num_groups: int,
        num_channels: int,
        eps: float = 1e-5,
        affine: bool = True,
        device: Any = None,
        dtype: Any = None,
        *,
        bias: bool = True,
    ) -> None:
        super().__init__()
        self.num_groups = _check.integer("GroupNorm", "num_groups", num_groups, 1)
        self.num_channels = _check.integer("GroupNorm", "num_channels", num_channels, 0)
        if num_channels % num_groups:
            raise ValueError(f"GroupNorm: `num_groups` (={num_groups}) must divide `num_channels` (={num_channels})")
        self.eps = eps
        self.affine = affine
        _register(self, num_channels, affine, affine and bias, device, dtype)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Start anew: weight 1 and bias 0."""
        _reset(self.weight, self.bias)

    def forward(self, input: Tensor) -> Tensor:
        return F.group_norm(input, self.num_groups, self.weight, self.bias, self.eps)

    def extra_repr(self) -> str:
        bias = self.bias is not None
        return f"{self.num_groups}, {self.num_channels}, eps={self.eps}, affine={self.affine}, bias={bias}"


class LayerNorm(Module):
    r"""Normalisation over the last axes.

    .. math:: y = \frac{x - \mathrm{E}[x]}{\sqrt{\mathrm{Var}[x] + \epsilon}} \; \gamma + \beta

    with mean and (biased) variance over the axes of `normalized_shape`.

    Parameters
    ----------
    normalized_shape : int or tuple of int
        The sizes of the last axes of the input, which are normalised together.
    eps : float
        :math:`\epsilon`, keeps the divisor from zero.
    elementwise_affine : bool
        Whether there are :math:`\gamma` and :math:`\beta` for each element; they start as 1 and 0.
    bias : bool
        Whether there is a :math:`\beta`, given `elementwise_affine`.
    device : device, optional
        Where the parameters lie.
    dtype : dtype, optional
        Their type.

    Attributes
    ----------
    weight, bias : Parameter of shape normalized_shape or None

    Shape
    -----
    input, output : (..., *normalized_shape)

    Raises
    ------
    ValueError
        If the input does not end in these axes.

    References
    ----------
    J. Ba, J. Kiros, G. Hinton, "Layer Normalization", 2016.

    Examples
    --------
    >>> import nbnn, nbnn.nn as nn
    >>> nn.LayerNorm(2)(nbnn.tensor([[1.0, 3.0], [4.0, 0.0]])).detach()
    tensor([[-1.0000,  1.0000],
            [ 1.0000, -1.0000]])
    """

    weight: Parameter | None
    bias: Parameter | None

    def __init__(
        self,
        normalized_shape: int | tuple[int, ...],
        eps: float = 1e-5,
        elementwise_affine: bool = True,
        bias: bool = True,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        self.normalized_shape = _check.sizes("LayerNorm", "normalized_shape", normalized_shape)
        self.eps = eps
        self.elementwise_affine = elementwise_affine
        _register(self, self.normalized_shape, elementwise_affine, elementwise_affine and bias, device, dtype)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Start anew: weight 1 and bias 0."""
        _reset(self.weight, self.bias)

    def forward(self, input: Tensor) -> Tensor:
        return F.layer_norm(input, self.normalized_shape, self.weight, self.bias, self.eps)

    def extra_repr(self) -> str:
        bias = self.bias is not None
        return f"{self.normalized_shape}, eps={self.eps}, elementwise_affine={self.elementwise_affine}, bias={bias}"


class RMSNorm(Module):
    r"""Division by the root of the mean square over the last axes.

    .. math:: y = \frac{x}{\sqrt{\mathrm{mean}(x^2) + \epsilon}} \; \gamma

    Parameters
    ----------
    normalized_shape : int or tuple of int
        The sizes of the last axes of the input, which are normalised together.
    eps : float, optional
        :math:`\epsilon`; by default the distance from 1 to the next number of the input's type.
    elementwise_affine : bool
        Whether there is a :math:`\gamma` for each element; it starts as 1.
    device : device, optional
        Where the parameter lies.
    dtype : dtype, optional
        Its type.

    Attributes
    ----------
    weight : Parameter of shape normalized_shape or None

    Shape
    -----
    input, output : (..., *normalized_shape)

    Raises
    ------
    ValueError
        If the input does not end in these axes.

    References
    ----------
    B. Zhang, R. Sennrich, "Root Mean Square Layer Normalization", NeurIPS 2019.

    Examples
    --------
    >>> import nbnn, nbnn.nn as nn
    >>> nn.RMSNorm(2)(nbnn.tensor([3.0, -3.0])).detach()
    tensor([ 1., -1.])
    """

    weight: Parameter | None

    def __init__(
        self,
        normalized_shape: int | tuple[int, ...],
        eps: float | None = None,
        elementwise_affine: bool = True,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        self.normalized_shape = _check.sizes("RMSNorm", "normalized_shape", normalized_shape)
        self.eps = eps
        self.elementwise_affine = elementwise_affine
        empty = Parameter(A.empty(self.normalized_shape, dtype=dtype, device=device)) if elementwise_affine else None
        self.register_parameter("weight", empty)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Start anew: weight 1."""
        _reset(self.weight, None)

    def forward(self, input: Tensor) -> Tensor:
        return F.rms_norm(input, self.normalized_shape, self.weight, self.eps)

    def extra_repr(self) -> str:
        return f"{self.normalized_shape}, eps={self.eps}, elementwise_affine={self.elementwise_affine}"


def _register(module: Module, shape: Any, weight: bool, bias: bool, device: Any, dtype: Any) -> None:
    for name, there in (("weight", weight), ("bias", bias)):
        module.register_parameter(name, Parameter(A.empty(shape, dtype=dtype, device=device)) if there else None)


def _reset(weight: Parameter | None, bias: Parameter | None) -> None:
    if weight is not None:
        init.ones_(weight)
    if bias is not None:
        init.zeros_(bias)
