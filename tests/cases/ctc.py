"""Cases of connectionist temporal classification; numbers in names are issues of PyTorch about what they test."""

import itertools
import math

import numpy as np

import nbnn
from tests.cases.loss import REDUCTIONS
from tests.cases.softmax import log_softmax
from tests.engine import Bad, Case


def merged(path, blank):
    """The target that a sequence of classes stands for."""
    return [c for c, before in zip(path, (None, *path[:-1]), strict=True) if c != before and c != blank]


def one_by_one(lp, target, blank):
    """The loss of one sample, from all sequences of classes."""
    paths = itertools.product(range(lp.shape[1]), repeat=len(lp))
    odds = [math.exp(sum(lp[t, c] for t, c in enumerate(p))) for p in paths if merged(p, blank) == list(target)]
    return -math.log(sum(odds)) if sum(odds) > 0 else math.inf


def by_states(lp, target, blank):
    """The loss of one sample by a matrix of transitions, scaled at each step."""
    states = [blank, *(c for label in target for c in (label, blank))]
    moves = np.eye(len(states)) + np.eye(len(states), k=1)
    for k in range(2, len(states)):
        moves[k - 2, k] = states[k] not in (blank, states[k - 2])
    at, scale = np.eye(1, len(states)).ravel(), 0.0
    at[1:2] = 1
    for t, row in enumerate(np.exp(lp[:, states])):
        at = (at if t == 0 else at @ moves) * row
        scale += math.log(at.sum()) if at.sum() else -math.inf
        at = at / at.sum()
    return -math.log(at[-2:].sum()) - scale


def ctc(x, targets, counts, lengths, blank, reduction, zero=False, sample=one_by_one):
    """Sample by sample; targets are (N, S) or one after another."""
    single, x = x.ndim == 2, x if x.ndim == 3 else x[:, None]
    counts, lengths = np.atleast_1d(counts), np.atleast_1d(lengths)
    ends = np.cumsum(lengths)
    losses = []
    for n, (count, length) in enumerate(zip(counts, lengths, strict=True)):
        target = targets[n, :length] if targets.ndim == 2 else targets[ends[n] - length : ends[n]]
        loss = sample(x[:count, n], target.tolist(), blank)
        losses.append(0.0 if zero and loss == math.inf else loss)
    losses = np.array(losses)
    if reduction == "mean":
        return np.mean(losses / np.maximum(lengths, 1))
    return losses.sum() if reduction == "sum" or single else losses


def call(F, x, targets, counts, lengths, blank, reduction, zero=False):
    return F.ctc_loss(F.log_softmax(x, -1), targets, counts, lengths, blank, reduction, zero)


def raw(F, x, targets, counts, lengths, blank, reduction, zero=False):
    return F.ctc_loss(x, targets, counts, lengths, blank, reduction, zero)


def built(nn, x, targets, counts, lengths, blank, reduction, zero=False):
    return nn.CTCLoss(blank, reduction, zero), (nn.functional.log_softmax(x, -1), targets, counts, lengths)


def oracle(x, *rest):
    return ctc(log_softmax(x, -1), *rest)


def by_matrix(x, *rest):
    return ctc(log_softmax(x, -1), *rest, sample=by_states)


def given(shape, targets, *rest):
    return lambda r: (r.normal(size=shape), np.array(targets, np.int64), *rest)


PADDED = [[1, 2, 0], [2, 2, 1]]  # the last of the first is never read


def table():
    for reduction, zero in itertools.product(REDUCTIONS, (False, True)):
        blank, targets = (2, [[1, 0, 0], [0, 0, 1]]) if zero else (0, PADDED)
        yield Case(f"ctc_loss-padded_{blank}_{reduction}_{zero}", call,
                   given((5, 2, 3), targets, (4, 5), (2, 3), blank, reduction, zero), oracle, module=built)  # fmt: skip
    for reduction in REDUCTIONS:
        joined = given((4, 3, 3), [1, 2, 1, 1], (4, 4, 2), (2, 2, 0), 0, reduction)
        yield Case(f"ctc_loss-joined_{reduction}", call, joined, oracle, module=built)
        single = given((4, 3), [1, 2], (4,), (2,), 0, reduction)
        yield Case(f"ctc_loss-single_{reduction}", call, single, oracle, module=built)
        yield Case(f"ctc_loss-infinite_{reduction}_14335_49046", call,
                   given((3, 3, 3), [[1, 1, 1], [1, 2, 0], [1, 2, 1]], (3, 3, 1), (3, 1, 3), 0, reduction, True),
                   oracle, module=built)  # fmt: skip
        yield Case(f"ctc_loss-empty_targets_18215_{reduction}", call,
                   given((4, 2, 3), [[1, 2], [1, 2]], (3, 4), (0, 0), 0, reduction), oracle)  # fmt: skip


def select(F, x, targets, used):
    """The losses of some samples only; that of the rest is infinite."""
    losses = F.ctc_loss(F.log_softmax(x, -1), targets, (3, 3), (3, 1), reduction="none")
    return losses[used:]


def many(r, steps, batch, classes, width):
    lengths = r.integers(0, width + 1, batch)
    return (r.normal(size=(steps, batch, classes)), r.integers(1, classes, (batch, width)),
            r.integers(2 * width, steps + 1, batch), lengths, 0, "mean", True)  # fmt: skip


CASES = [
    *table(),
    Case("ctc_loss-gradient_of_any_numbers", raw, given((4, 2, 3), PADDED, (4, 4), (2, 2), 0, "sum"), ctc, torch=False),
    Case("ctc_loss-no_steps", raw, given((2, 2, 3), PADDED, (0, 0), (0, 1), 0, "none"),
         lambda *_: np.array([0, math.inf]), grad=()),
    Case("ctc_loss-lengths_as_arrays_21680", call,
         lambda r: (r.normal(size=(5, 2, 3)), np.array(PADDED), np.array([3, 5]), np.array([2, 3]), 0, "mean"), oracle),
    Case("ctc_loss-narrow_targets", lambda F, x, t: F.ctc_loss(F.log_softmax(x, -1), t, [5, 5], [2, 1]),
         lambda r: (r.normal(size=(5, 2, 3)), np.array(PADDED, np.int32)),
         lambda x, t: oracle(x, t, (5, 5), (2, 1), 0, "mean")),
    Case("ctc_loss-unused_sample_14401", select, given((3, 2, 3), [[1, 1, 1], [2, 0, 0]], 1),
         lambda x, t, used: oracle(x, t, (3, 3), (3, 1), 0, "none")[used:]),
    Case("ctc_loss-large", call, lambda r: many(r, 9, 2, 4, 3), by_matrix, large=lambda r: many(r, 60, 9, 12, 20),
         empty=(lambda r: (r.normal(size=(3, 0, 2)), np.zeros((0, 2), np.int64), (), (), 0, "sum"),)),
    Case("ctc_loss-long", call, lambda r: many(r, 300, 2, 5, 40), by_matrix, second=False, cuda=False, tolerance=5,
         grad=()),
    Case("ctc_loss-nan", raw, lambda r: (np.full((2, 1, 2), math.nan), np.array([[1]]), (2,), (1,), 0, "none"),
         lambda *_: np.array([math.nan]), grad=()),
    Case("ctc_loss-certain", raw,
         lambda r: (np.log(np.eye(3)[[1, 0, 2]][:, None] + 1e-300), np.array([[1, 2]]), (3,), (2,), 0, "sum"),
         lambda *_: 0.0, grad=()),
]  # fmt: skip

X, T = nbnn.zeros(4, 2, 3), nbnn.tensor([[1, 2], [2, 1]])
HUGE = -5570080269274466818


def refused(x=X, targets=T, counts=(4, 4), lengths=(2, 2), **options):
    return lambda F: F.ctc_loss(x, targets, counts, lengths, **options)


ERRORS = [
    *(Bad(f"ctc_loss-{name}_{value}_51732", refused(**{argument: (2, value)}), ValueError,
          rf"^ctc_loss: `{name}`\[1\] \(={value}\) must be in \[0, {most}\]")
      for name, argument, most in (("input_lengths", "counts", 4), ("target_lengths", "lengths", 2))
      for value in (HUGE, -1, 5, 1 << 62)),
    Bad("ctc_loss-length_tensor", refused(counts=nbnn.tensor([4, 9])), ValueError, r"`input_lengths`\[1\] \(=9\)"),
    Bad("ctc_loss-lengths_count", refused(counts=(4,)), ValueError, r"`input_lengths` must hold .* 2 samples; got 1"),
    Bad("ctc_loss-target_lengths_count", refused(lengths=(1, 1, 1)), ValueError, r"`target_lengths` .* got 3"),
    Bad("ctc_loss-length_float", refused(counts=(4.0, 4)), TypeError, r"`input_lengths` must hold ints; got 4.0"),
    Bad("ctc_loss-length_float_tensor", refused(counts=nbnn.ones(2)), TypeError, r"`input_lengths` must hold int"),
    Bad("ctc_loss-sum", refused(targets=nbnn.tensor([1, 2, 1])), ValueError, r"must add up to .* 3; got a sum of 4"),
    Bad("ctc_loss-targets_batch", refused(targets=nbnn.tensor([[1]])), ValueError, r"`targets` must have shape"),
    Bad("ctc_loss-targets_axes", refused(targets=nbnn.tensor([[[1]]])), ValueError, r"`targets` .* got \(1, 1, 1\)"),
    Bad("ctc_loss-targets_float", refused(targets=nbnn.ones(2, 2)), TypeError, r"`targets` must hold integers"),
    Bad("ctc_loss-targets_list", refused(targets=[[1]]), TypeError, r"`targets` must be a Tensor; got list"),
    Bad("ctc_loss-class", refused(targets=nbnn.tensor([[1, 2], [1, 3]])), IndexError,
        r"^ctc_loss: `targets`\[1, 1\] \(=3\) must be in \[0, 2\]"),
    Bad("ctc_loss-negative_class", refused(targets=nbnn.tensor([1, 2, -1, 1])), IndexError, r"`targets`\[2\] \(=-1\)"),
    Bad("ctc_loss-blank_target", refused(targets=nbnn.tensor([[1, 2], [0, 1]])), ValueError,
        r"`targets`\[1, 0\] \(=0\) must not be the `blank`"),
    Bad("ctc_loss-blank", refused(blank=3), ValueError, r"^ctc_loss: `blank` \(=3\) must be in \[0, 2\]"),
    Bad("ctc_loss-blank_bool", refused(blank=True), TypeError, r"`blank` \(=True\) must be an int"),
    Bad("ctc_loss-axes", refused(x=nbnn.zeros(4)), ValueError, r"`log_probs` must have shape \(T, N, C\)"),
    Bad("ctc_loss-no_classes", refused(x=nbnn.zeros(4, 2, 0)), ValueError, r"T and C above 0"),
    Bad("ctc_loss-integers", refused(x=X.long()), TypeError, r"`log_probs` must have a floating-point dtype"),
    Bad("ctc_loss-reduction", refused(reduction="avg"), ValueError, r"`reduction` \(='avg'\)"),
]  # fmt: skip
