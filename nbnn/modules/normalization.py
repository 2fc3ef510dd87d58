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
        self.eps = eps
        self.momentum = momentum
        self.affine = affine
        self.track_running_stats = track_running_stats
        place = {"dtype": dtype, "device": device}
        for name, there in (("weight", affine), ("bias", affine and bias)):
            self.register_parameter(name, Parameter(A.empty(num_features, **place)) if there else None)
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
    S. Ioffe, C. Szegedy, "Batch Normalization: Accelerating Deep Network Training by Reducing Internal Covariate
    Shift", ICML 2015.

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
