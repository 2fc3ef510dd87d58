"""The adaptive softmax: frequent classes at once, rare ones in clusters behind narrower maps."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from nbnn import dtypes
from nbnn.functional import _check
from nbnn.functional.arithmetic import add, sub
from nbnn.functional.array import mean, neg
from nbnn.functional.choice import where
from nbnn.functional.comparison import ge, lt
from nbnn.functional.conversion import cast
from nbnn.functional.creation import zeros
from nbnn.functional.extreme import argmax
from nbnn.functional.gathering import gather, index_add, index_copy, index_select
from nbnn.functional.joining import cat
from nbnn.functional.linear import linear
from nbnn.functional.logic import logical_and
from nbnn.functional.masking import nonzero
from nbnn.functional.shape import reshape, unsqueeze
from nbnn.functional.softmax import log_softmax
from nbnn.tensor import Tensor

Head = tuple[Tensor, Tensor | None]  # weight (shortlist + clusters, in), bias
Tails = Sequence[tuple[Tensor, Tensor]]  # of each cluster: weight (narrow, in), weight (its classes, narrow)
_OP = "AdaptiveLogSoftmaxWithLoss"


def _rows(mask: Tensor) -> Tensor:
    """The places where a mask of one axis is true."""
    return reshape(nonzero(mask), (-1,))


def _tail(x: Tensor, tail: tuple[Tensor, Tensor]) -> Tensor:
    """Log probabilities of the classes of a cluster, given the cluster."""
    return log_softmax(linear(linear(x, tail[0]), tail[1]), 1)


def check_input(input: Any, features: int, ranks: tuple[int, ...] = (1, 2)) -> Tensor:
    """The input, which must be (N, in_features) or, where `ranks` allows it, (in_features,)."""
    x = _check.tensor(_OP, "input", input)
    if x.dim() not in ranks or x.shape[-1] != features:
        shapes = " or ".join(("(in_features,)", "(N, in_features)")[r - 1] for r in ranks)
        raise ValueError(f"{_OP}: `input` must have shape {shapes} with in_features = {features}; got {x._shape}")
    return x


def log_likelihood(input: Any, target: Any, head: Head, tails: Tails, cutoffs: Sequence[int]) -> tuple[Tensor, Tensor]:
    """The log probability of each target, of the shape of `target`, and the mean of their negatives."""
    x = check_input(input, head[0].shape[1])
    t = _check.tensor(_OP, "target", target)
    if t.shape != x.shape[:-1]:
        raise ValueError(f"{_OP}: `target` must have shape {tuple(x.shape[:-1])} for input {x._shape}; got {t._shape}")
    if t.dtype is not dtypes.int64:
        raise TypeError(f"{_OP}: `target` must have dtype int64; got {t.dtype!r}")
    t = _check.indices(_OP, "target", t, cutoffs[-1])
    alone = t.dim() == 0
    x, t = (unsqueeze(x, 0), unsqueeze(t, 0)) if alone else (x, t)
    place, scores = where(lt(t, cutoffs[0]), t, 0), log_softmax(linear(x, *head), 1)
    found = None
    for i, tail in enumerate(tails):
        low, high = cutoffs[i], cutoffs[i + 1]
        inside = logical_and(ge(t, low), lt(t, high))
        place = where(inside, cutoffs[0] + i, place)
        rows = _rows(inside)
        if rows.numel():
            within = sub(index_select(t, 0, rows), low)
            chosen = gather(_tail(index_select(x, 0, rows), tail), 1, unsqueeze(within, 1))
            start = zeros(t.shape[0], dtype=x.dtype, device=x.device) if found is None else found
            found = index_add(start, 0, rows, reshape(chosen, (-1,)))
    output = reshape(gather(scores, 1, unsqueeze(place, 1)), (-1,))
    output = output if found is None else add(output, found)
    loss = neg(mean(output))
    return (reshape(output, ()) if alone else output), loss


def log_prob(input: Any, head: Head, tails: Tails, cutoffs: Sequence[int]) -> Tensor:
    """Log probabilities of all classes, (N, n_classes)."""
    x = check_input(input, head[0].shape[1], (2,))
    scores = log_softmax(linear(x, *head), 1)
    short = cutoffs[0]
    parts = [scores[:, :short]]
    parts += [add(_tail(x, tail), scores[:, short + i : short + i + 1]) for i, tail in enumerate(tails)]
    return cat(parts, 1)


def predict(input: Any, head: Head, tails: Tails, cutoffs: Sequence[int]) -> Tensor:
    """The most probable class of each row; the clusters are computed only for rows whose head names one."""
    x = check_input(input, head[0].shape[1], (2,)).detach()
    first = cast(argmax(linear(x, *head).detach(), 1), dtypes.int64)
    rows = _rows(ge(first, cutoffs[0]))
    if not rows.numel():
        return first
    return index_copy(first, 0, rows, argmax(log_prob(index_select(x, 0, rows), head, tails, cutoffs).detach(), 1))
