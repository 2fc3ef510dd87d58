"""Batch normalisation over several processes."""

from __future__ import annotations

from typing import Any

from nbnn.modules.module import Module
from nbnn.modules.normalization import BatchNorm1d, BatchNorm2d, BatchNorm3d, _BatchNorm


class SyncBatchNorm(_BatchNorm):
    r"""Batch normalisation with the statistics of the batches of all processes of a group.

    nbnn runs in one process: the group is this process, and the result that of `BatchNorm1d`, `BatchNorm2d` and
    `BatchNorm3d` for any number of axes. Models that name this class run as they are.

    Parameters
    ----------
    num_features : int
        Channels C.
    eps, momentum, affine, track_running_stats, device, dtype, bias
        As for `BatchNorm1d`.
    process_group : object, optional
        Kept and not used.

    Attributes
    ----------
    weight, bias : Parameter (C,) or None
    running_mean, running_var : Tensor (C,) or None
    num_batches_tracked : Tensor () of int64 or None

    Shape
    -----
    input, output : (N, C, \*)

    Raises
    ------
    ValueError
        If the input has fewer than two axes or other channels, or in training only one value per channel.

    Examples
    --------
    >>> import nbnn, nbnn.nn as nn
    >>> nn.SyncBatchNorm(3)(nbnn.ones(2, 3, 4, 4)).shape
    nbnn.Size([2, 3, 4, 4])
    """

    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = True,
        track_running_stats: bool = True,
        process_group: Any = None,
        device: Any = None,
        dtype: Any = None,
        *,
        bias: bool = True,
    ) -> None:
        super().__init__(num_features, eps, momentum, affine, track_running_stats, device, dtype, bias=bias)
        self.process_group = process_group

    def _check_input_dim(self, input: Any) -> None:
        if input.dim() < 2:
            raise ValueError(f"SyncBatchNorm: `input` must have shape (N, C, ...); got input {tuple(input.shape)}")

    @classmethod
    def convert_sync_batchnorm(cls, module: Module, process_group: Any = None) -> Module:
        """Replace every batch normalisation in a tree of modules by this class, with its Parameters and buffers.

        Parameters
        ----------
        module : Module
            Changed in place, unless it is a batch normalisation itself.
        process_group : object, optional
            Kept and not used.

        Returns
        -------
        Module
            `module`, or what takes its place.

        Raises
        ------
        TypeError
            If `module` is not a Module.

        Examples
        --------
        >>> import nbnn.nn as nn
        >>> nn.SyncBatchNorm.convert_sync_batchnorm(nn.Sequential(nn.BatchNorm1d(3), nn.ReLU()))[0]
        SyncBatchNorm(3, eps=1e-05, momentum=0.1, affine=True, bias=True, track_running_stats=True)
        """
        if not isinstance(module, Module):
            raise TypeError(f"convert_sync_batchnorm: `module` must be a Module; got {type(module).__name__}")
        if isinstance(module, (BatchNorm1d, BatchNorm2d, BatchNorm3d)):
            bias = module.bias is not None
            twin = cls(module.num_features, module.eps, module.momentum, module.affine, module.track_running_stats,
                       process_group, bias=bias)  # fmt: skip
            twin._parameters.update(module._parameters)
            twin._buffers.update(module._buffers)
            twin.training = module.training
            return twin
        for name, child in module.named_children():
            module._modules[name] = cls.convert_sync_batchnorm(child, process_group)
        return module
