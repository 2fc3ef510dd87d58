"""The module of the cross entropy of a linear map."""

from __future__ import annotations

import math
from typing import Any

from nbnn import functional as F
from nbnn.functional import _check
from nbnn.functional.linear_cross_entropy import LinearCrossEntropyOptions as LinearCrossEntropyOptions
from nbnn.modules.linear import Linear
from nbnn.modules.module import Module
from nbnn.tensor import Tensor


class LinearCrossEntropyLoss(Module):
    r"""A linear map to one score per class, and the cross entropy between their softmax and the target.

    The same as a `Linear` and a `CrossEntropyLoss`; with `options` it never holds the scores of the whole batch.

    Parameters
    ----------
    in_features : int
        Size of the last axis of the input.
    num_classes : int
        Classes C.
    out_features : tuple of int
        Axes (d1, ..., dK) that have C scores for each of their places.
    bias : bool
        Whether a bias is added to the scores.
    device : device, optional
        Where the parameters lie.
    dtype : dtype, optional
        Their type.
    reduction : "mean", "sum" or "none"
    weight : Tensor (C,), optional
        Weight of each class.
    ignore_index : int, optional
        A target class that does not count; -100 unless given.
    label_smoothing : float
        How much of a target is spread evenly over all classes.
    options : LinearCrossEntropyOptions, optional
        Goes through the batch in chunks.

    Attributes
    ----------
    linear : Linear
        To C d1 ... dK scores.
    weight : Tensor (C,) or None

    Shape
    -----
    input : (N, in_features) or (in_features,)
    target : classes of shape (N,), () or (N, d1, ..., dK), or probabilities (N, C, d1, ..., dK) or (C,)
    output : () or, without reduction, that of a target of classes

    Raises
    ------
    ValueError, TypeError
        If the shapes do not belong together or an argument breaks these rules.
    IndexError
        If a target is outside [0, C) and not `ignore_index`.

    Examples
    --------
    >>> import nbnn, nbnn.nn as nn
    >>> loss = nn.LinearCrossEntropyLoss(5, 10)
    >>> loss(nbnn.ones(2, 5), nbnn.tensor([1, 7])).shape
    nbnn.Size([])
    """

    weight: Tensor | None

    def __init__(
        self,
        in_features: int,
        num_classes: int,
        *,
        out_features: tuple[int, ...] = (),
        bias: bool = False,
        device: Any = None,
        dtype: Any = None,
        reduction: str = "mean",
        weight: Tensor | None = None,
        ignore_index: int | None = None,
        label_smoothing: float = 0.0,
        options: LinearCrossEntropyOptions | None = None,
    ) -> None:
        super().__init__()
        op = "LinearCrossEntropyLoss"
        self.in_features = _check.integer(op, "in_features", in_features, 0)
        self.num_classes = _check.integer(op, "num_classes", num_classes, 1)
        self.out_features = _check.sizes(op, "out_features", out_features)
        self.bias = bias
        self.reduction = _check.reduction(op, reduction)
        self.ignore_index = None if ignore_index is None else _check.integer(op, "ignore_index", ignore_index)
        self.label_smoothing = _check.probability(op, "label_smoothing", label_smoothing)
        if options is not None and not isinstance(options, LinearCrossEntropyOptions):
            raise TypeError(f"{op}: `options` must be LinearCrossEntropyOptions or None; got {type(options).__name__}")
        self.options = options
        self.register_buffer("weight", weight)
        scores = num_classes * math.prod(self.out_features)
        self.linear = Linear(in_features, scores, bias=bias, device=device, dtype=dtype)

    def reset_parameters(self) -> None:
        """Draw the linear map anew."""
        self.linear.reset_parameters()

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        shape = (self.num_classes, *self.out_features)
        bias = self.linear.bias
        return F.linear_cross_entropy(
            input,
            self.linear.weight.reshape(*shape, self.in_features),
            target,
            linear_bias=None if bias is None else bias.reshape(shape),
            weight=self.weight,
            reduction=self.reduction,
            ignore_index=self.ignore_index,
            label_smoothing=self.label_smoothing,
            options=self.options,
        )

    def extra_repr(self) -> str:
        names = ("in_features", "num_classes", "out_features", "bias", "reduction", "ignore_index", "label_smoothing")
        return ", ".join(f"{name}={getattr(self, name)}" for name in (*names, "options"))
