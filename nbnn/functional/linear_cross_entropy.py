"""Cross entropy of scores that are a linear map of the input, without keeping all of the scores."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

from nbnn import dtypes
from nbnn.autograd import Function, enable_grad, grad, is_grad_enabled, once_differentiable
from nbnn.functional import _check
from nbnn.functional.arithmetic import add, div, mul
from nbnn.functional.array import sum as total
from nbnn.functional.comparison import eq
from nbnn.functional.conversion import cast
from nbnn.functional.creation import ones
from nbnn.functional.gathering import index_select
from nbnn.functional.joining import cat
from nbnn.functional.linear import linear
from nbnn.functional.loss import cross_entropy
from nbnn.functional.masking import masked_fill
from nbnn.functional.shape import reshape
from nbnn.op import takes_arrays
from nbnn.tensor import Tensor

_POLICIES = ("auto", "accurate", "balanced", "compact")


@dataclasses.dataclass(frozen=True)
class LinearCrossEntropyOptions:
    """How `linear_cross_entropy` goes through the batch in chunks, of which one at a time has its scores in memory.

    Attributes
    ----------
    allow_retain_graph : bool
        Accepted for compatibility: the gradients are kept, so that backward may always run again.
    batch_chunk_size : int, optional
        Rows of the input in a chunk.
    chunking_method : str, optional
        ``"aspect_ratio:k"`` chooses the rows so that the scores of a chunk are no more numbers than the input, or k
        times fewer; ``"auto"`` is `batch_chunk_size`, or ``"aspect_ratio:2"`` without one; None is `batch_chunk_size`,
        or one chunk.
    acc_policy : {"auto", "accurate", "balanced", "compact"}
        In which type the gradients of the parameters are summed over chunks: the input's for ``"compact"``, else
        `acc_dtype`.
    acc_dtype : dtype, optional
        Unless given, float32 for halves and the input's type otherwise.

    Raises
    ------
    ValueError, TypeError
        If a value is none of these.

    Examples
    --------
    >>> import nbnn.nn as nn
    >>> nn.LinearCrossEntropyOptions(batch_chunk_size=64).batch_chunk_size
    64
    """

    allow_retain_graph: bool = False
    batch_chunk_size: int | None = None
    chunking_method: str | None = "auto"
    acc_policy: str = "auto"
    acc_dtype: Any = None

    def __post_init__(self) -> None:
        op = "LinearCrossEntropyOptions"
        if self.acc_policy not in _POLICIES:
            names = ", ".join(map(repr, _POLICIES))
            raise ValueError(f"{op}: `acc_policy` (={self.acc_policy!r}) must be one of {names}")
        if self.batch_chunk_size is not None:
            _check.integer(op, "batch_chunk_size", self.batch_chunk_size, 1)
        name, _, factor = (self.chunking_method or "auto").partition(":")
        if name not in ("auto", "aspect_ratio") or (factor and not (factor.isdigit() and int(factor))):
            raise ValueError(
                f"{op}: `chunking_method` (={self.chunking_method!r}) must be None, 'auto' or 'aspect_ratio:k'"
            )
        if self.acc_dtype is not None and not dtypes.as_dtype(self.acc_dtype, op).is_floating_point:
            raise ValueError(f"{op}: `acc_dtype` (={self.acc_dtype!r}) must be a floating-point type")

    def rows(self, batch: int, features: int, classes: int) -> int:
        """Rows of the input in a chunk."""
        method = self.chunking_method
        if method is None or (method == "auto" and self.batch_chunk_size is not None):
            return min(self.batch_chunk_size or batch, batch)
        factor = 2 if method == "auto" else int(method.partition(":")[2] or 1)
        fitting = -(-batch // max(1, -(-classes // max(1, features))))
        return max(1, min((1 << (fitting - 1).bit_length()) // factor, batch))


class _Chunked(Function):
    """The sum of the losses of all chunks over `divisor`; its gradients are computed with it, chunk by chunk."""

    @staticmethod
    def forward(ctx: Any, plan: tuple, x: Tensor, linear_weight: Tensor, linear_bias: Tensor | None) -> Tensor:
        rows, target, divisor, sum_dtype, options = plan
        wanted = [i for i, t in enumerate((x, linear_weight, linear_bias)) if t is not None and t.requires_grad]
        loss: Any = None
        gradients: dict[int, Any] = {1: None, 2: None}
        parts = []
        for start in range(0, x.shape[0], rows):
            inputs = [None if t is None else t.detach() for t in (x[start : start + rows], linear_weight, linear_bias)]
            with enable_grad():
                for i in wanted:
                    inputs[i].requires_grad_()  # type: ignore[union-attr]
                scores = linear(*inputs)  # type: ignore[arg-type]
                one = cross_entropy(scores, target[start : start + rows], reduction="sum", **options)
                found: Any = grad(div(one, divisor), [inputs[i] for i in wanted]) if wanted else ()  # type: ignore[misc]
            one = cast(one.detach(), sum_dtype)
            loss = one if loss is None else add(loss, one)
            for i, g in zip(wanted, found, strict=True):
                if i == 0:
                    parts.append(g)
                else:
                    g = cast(g, sum_dtype)
                    gradients[i] = g if gradients[i] is None else add(gradients[i], g)
        ctx.gradients = (
            cat(parts) if parts else None,
            *(None if g is None else cast(g, x.dtype) for g in gradients.values()),
        )
        return cast(div(loss, cast(divisor, sum_dtype)), x.dtype)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, g: Tensor) -> tuple:
        return (None, *(None if found is None else mul(found, g) for found in ctx.gradients))


def _divisor(x: Tensor, target: Tensor, weight: Tensor | None, ignore_index: int, reduction: str) -> Tensor:
    """What the sum of the losses is divided by: 1, the rows, or the weights of the targets that count."""
    place: dict[str, Any] = {"dtype": x.dtype, "device": x.device}
    one = ones((), **place)
    if reduction == "sum":
        return one
    if target.is_floating_point():
        return mul(one, x.shape[0])
    ignored = eq(target, ignore_index)
    safe = masked_fill(target, ignored, 0)
    counts = ones(target.shape[0], **place) if weight is None else index_select(weight.detach(), 0, safe)
    return total(masked_fill(counts, ignored, 0))


def _reference(x: Tensor, w: Tensor, bias: Tensor | None, target: Tensor, options: dict[str, Any]) -> Tensor:
    """All scores at once, (N, C, d1, ..., dK)."""
    outputs = w.shape[:-1]
    flat_bias = None if bias is None else reshape(bias, (math.prod(outputs),))
    scores = linear(x, reshape(w, (math.prod(outputs), w.shape[-1])), flat_bias)
    return cross_entropy(reshape(scores, (*x.shape[:-1], *outputs)), target, **options)


@takes_arrays
def linear_cross_entropy(
    input: Tensor,
    linear_weight: Tensor,
    target: Tensor,
    *,
    linear_bias: Tensor | None = None,
    weight: Tensor | None = None,
    reduction: str = "mean",
    ignore_index: int | None = None,
    label_smoothing: float = 0.0,
    options: LinearCrossEntropyOptions | None = None,
) -> Tensor:
    r"""The `cross_entropy` of the scores :math:`x W^T + b`.

    With `options` the batch is walked in chunks: the scores of one chunk are in memory at a time, and their gradients
    are computed with them. The values are those of one step up to the order of sums. That way has no second
    derivative; it is for "mean" and "sum", scores without more axes and two axes of input; otherwise all is one step.

    Parameters
    ----------
    input : Tensor or array of shape (N, in_features) or (in_features,)
    linear_weight : Tensor of shape (C, in_features) or (C, d1, ..., dK, in_features)
    target : Tensor
        Classes in [0, C) of shape (N,), () or (N, d1, ..., dK), or probabilities of the shape of the scores.
    linear_bias : Tensor of shape (C,) or (C, d1, ..., dK), optional
    weight : Tensor of shape (C,), optional
        Of each class.
    reduction : {"mean", "sum", "none"}
    ignore_index : int, optional
        A class that does not count; -100 unless given.
    label_smoothing : float
    options : LinearCrossEntropyOptions, optional

    Raises
    ------
    ValueError
        If the shapes do not belong together.
    TypeError
        If an argument is of a wrong type.
    IndexError
        If a target is outside [0, C).

    Examples
    --------
    >>> import nbnn
    >>> import nbnn.nn.functional as F
    >>> F.linear_cross_entropy(nbnn.ones(2, 3), nbnn.zeros(4, 3), nbnn.tensor([0, 3]))
    tensor(1.3863)
    """
    op = "linear_cross_entropy"
    _check.floating(op, "input", input)
    _check.floating(op, "linear_weight", linear_weight)
    _check.tensor(op, "target", target)
    if options is not None and not isinstance(options, LinearCrossEntropyOptions):
        raise TypeError(f"{op}: `options` must be LinearCrossEntropyOptions or None; got {type(options).__name__}")
    x, w, outputs = input, linear_weight, linear_weight.shape[:-1]
    if x.dim() not in (1, 2) or w.dim() < 2 or x.shape[-1] != w.shape[-1] or (x.dim() == 1 and w.dim() > 2):
        raise ValueError(
            f"{op}: `input` (N, in_features) and `linear_weight` (C, ..., in_features) must belong together; "
            f"got {tuple(x.shape)} and {tuple(w.shape)}"
        )
    if linear_bias is not None and _check.tensor(op, "linear_bias", linear_bias).shape != outputs:
        raise ValueError(f"{op}: `linear_bias` must have shape {tuple(outputs)}; got {tuple(linear_bias.shape)}")
    reduction = _check.reduction(op, reduction)
    ignored = -100 if ignore_index is None else _check.integer(op, "ignore_index", ignore_index)
    given = {"weight": weight, "ignore_index": ignored, "label_smoothing": label_smoothing}
    whole = options is None or reduction == "none" or x.dim() != 2 or w.dim() != 2 or x.shape[0] == 0
    if options is None or whole or target.shape[:1] != x.shape[:1] or target.dim() > 2:
        return _reference(x, w, linear_bias, target, {**given, "reduction": reduction})
    divisor = _divisor(x, target, weight, ignored, reduction)
    wide = dtypes.float32 if x.dtype.is_half else x.dtype
    chosen = wide if options.acc_dtype is None else dtypes.as_dtype(options.acc_dtype, op)
    plan = (
        options.rows(x.shape[0], x.shape[1], w.shape[0]),
        target,
        divisor,
        x.dtype if options.acc_policy == "compact" else chosen,
        given,
    )
    if not is_grad_enabled():
        x, w = x.detach(), w.detach()
        linear_bias = None if linear_bias is None else linear_bias.detach()
    return _Chunked.apply(plan, x, w, linear_bias)
