"""Losses of probabilities: binary cross entropy and the Kullback-Leibler divergence."""

from __future__ import annotations

import math
import warnings
from typing import Any

import nbnn.device as _device
from nbnn import dtypes
from nbnn.functional import _check
from nbnn.functional._elementwise import from_integers
from nbnn.functional.activation import sigmoid
from nbnn.functional.array import add, cast, div, lt, mean, mul, neg, sub, sum
from nbnn.functional.creation import full as filled
from nbnn.functional.distance import FLOOR
from nbnn.functional.elementwise_loss import make_loss, pair, reduced, spread
from nbnn.functional.pointwise import exp, log
from nbnn.functional.promotion import result_type
from nbnn.functional.shape import unsqueeze
from nbnn.kernels import elementwise_loss as K
from nbnn.op import apply, takes_arrays
from nbnn.tensor import Tensor, flat

# -- second derivatives --------------------------------------------------------------------------------------------


def _binary(x: Tensor, t: Tensor, p: Any, a: float) -> tuple:
    rest = sub(1.0, x)
    by_x = add(div(t, mul(x, x)), div(sub(1.0, t), mul(rest, rest)))
    return (by_x, div(-1.0, mul(x, rest)), None)


def _logits(x: Tensor, t: Tensor, p: Any, a: float) -> tuple:
    s = sigmoid(x)
    slope = mul(s, sub(1.0, s))
    if p is None:
        return (slope, -1.0, None)
    more = sub(p, 1.0)
    return (mul(slope, add(1.0, mul(more, t))), sub(mul(more, s), p), None)


def _divergence(x: Tensor, t: Tensor, p: Any, a: float) -> tuple:
    return (None, -1.0, div(1.0, t))


def _log_divergence(x: Tensor, t: Tensor, p: Any, a: float) -> tuple:
    e = exp(t)
    return (None, neg(e), mul(e, add(sub(t, x), 2.0)))


BINARY = make_loss("binary_cross_entropy", K.BINARY, _binary)
LOGITS = make_loss("binary_cross_entropy_with_logits", K.LOGITS, _logits)
DIVERGENCE = make_loss("kl_div", K.DIVERGENCE, _divergence)
LOG_DIVERGENCE = make_loss("kl_div", K.LOG_DIVERGENCE, _log_divergence)
FAST = tuple(op for loss in (BINARY, LOGITS, DIVERGENCE, LOG_DIVERGENCE) for op in loss.ops)


def _same_shape(op: str, input: Any, target: Any) -> tuple[Tensor, Tensor]:
    _check.floating(op, "input", input)
    _check.tensor(op, "target", target)
    if input._shape != target._shape:
        raise ValueError(
            f"{op}: `target` must have the shape of `input`; got input {input._shape}, target {target._shape}"
        )
    return pair(op, input, target, False)


def _check_unit(op: str, name: str, x: Tensor) -> None:
    """The numbers of `x` must lie in [0, 1]."""
    wide = cast(x.detach(), dtypes.float32) if x._dtype.is_half else x
    n = wide.numel()
    counts = _device.empty(-(-n // K.BLOCK), dtypes.int64.storage, x.device)
    _device.launch(K.count_outside, (counts,), (flat(wide),), (0.0, 1.0), counts.size, K.BLOCK)
    bad = _device.to_host(counts).nonzero()[0]
    if bad.size:
        host = _device.to_host(flat(wide))
        start = int(bad[0]) * K.BLOCK
        first = next(i for i in range(start, n) if not 0.0 <= host[i] <= 1.0)
        at = ", ".join(map(str, _check.unravel(first, x._shape)))
        raise ValueError(f"{op}: `{name}`[{at}] (={host[first]}) must be between 0 and 1")


@takes_arrays
def binary_cross_entropy(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    r"""Cross entropy of two classes, :math:`l = -w (t \ln x + (1 - t) \ln(1 - x))`, x being a probability.

    The logarithms are at least -100, so that the loss of a certain mistake is finite.

    Parameters
    ----------
    input : Tensor of any shape
        Probabilities, between 0 and 1.
    target : Tensor of that shape
        Mostly 0 or 1.
    weight : Tensor, optional
        Multiplies each loss; it broadcasts to the shape of `input`.
    reduction : {"mean", "sum", "none"}
    size_average, reduce : bool, optional
        Old spellings of `reduction`.

    Returns
    -------
    Tensor of shape () or, without reduction, of the shape of `input`

    Raises
    ------
    ValueError
        If shapes do not fit, a number of `input` or `target` is outside [0, 1] or `reduction` is unknown.
    TypeError
        If an input is no Tensor or array of floating-point numbers.

    Examples
    --------
    >>> import nbnn
    >>> import nbnn.nn.functional as F
    >>> F.binary_cross_entropy(nbnn.tensor([0.5, 0.25]), nbnn.tensor([1.0, 0.0]))
    tensor(0.4904)
    """
    op = "binary_cross_entropy"
    reduction = _check.reduction(op, reduction, size_average, reduce)
    _check.same_dtype(op, input=input, target=target)
    x, t = _same_shape(op, input, target)
    out = reduced(BINARY, x, t, reduction, 0.0, spread(op, "weight", weight, x))
    if x.numel() and (reduction == "none" or math.isnan(out.item())):
        _check_unit(op, "input", x)  # every number outside makes the loss NaN
    _check_unit(op, "target", t)
    return out


@takes_arrays
def binary_cross_entropy_with_logits(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    pos_weight: Tensor | None = None,
) -> Tensor:
    r"""Binary cross entropy of :math:`\sigma(x)`, exact where the sigmoid is 0 or 1 in floating point.

    :math:`l = -w (p\, t \ln \sigma(x) + (1 - t) \ln(1 - \sigma(x)))`.

    Parameters
    ----------
    input : Tensor of any shape
        Unnormalised scores.
    target : Tensor of that shape
        Mostly 0 or 1.
    weight : Tensor, optional
        w, which broadcasts to the shape of `input`.
    reduction : {"mean", "sum", "none"}
    pos_weight : Tensor, optional
        p, the weight of positive targets, which broadcasts to the shape of `input`.
    size_average, reduce : bool, optional
        Old spellings of `reduction`.

    Returns
    -------
    Tensor of shape () or, without reduction, of the shape of `input`

    Raises
    ------
    ValueError
        If shapes do not fit or `reduction` is unknown.
    TypeError
        If an input is no Tensor or array of floating-point numbers.

    Examples
    --------
    >>> import nbnn
    >>> import nbnn.nn.functional as F
    >>> F.binary_cross_entropy_with_logits(nbnn.tensor([0.0, 2.0]), nbnn.tensor([1.0, 1.0]))
    tensor(0.4100)
    """
    op = "binary_cross_entropy_with_logits"
    reduction = _check.reduction(op, reduction, size_average, reduce)
    _check.floating(op, "input", input)
    _check.floating(op, "target", target)
    x, t = _same_shape(op, cast(input, target._dtype), target)  # the result has the type of the targets
    w, p = spread(op, "weight", weight, x), spread(op, "pos_weight", pos_weight, x)
    return reduced(LOGITS, x, t, reduction, 0.0, w, p)


@takes_arrays
def kl_div(
    input: Tensor,
    target: Tensor,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    log_target: bool = False,
) -> Tensor:
    r"""Kullback-Leibler divergence of log-probabilities x from probabilities t, :math:`l = t (\ln t - x)`; 0 at t = 0.

    Parameters
    ----------
    input : Tensor of any shape
        Log-probabilities.
    target : Tensor of the same shape
        Probabilities, or with `log_target` their logarithms: :math:`l = e^t (t - x)`. Shapes that differ but broadcast
        are broadcast, with a warning.
    reduction : {"mean", "batchmean", "sum", "none"}
        "batchmean" divides the sum by the first size of the broadcast shape, which is what the divergence is defined
        as; "mean" divides by the number of elements, and warns.
    log_target : bool
        Whether `target` holds logarithms.
    size_average, reduce : bool, optional
        Old spellings of `reduction`.

    Returns
    -------
    Tensor of shape () or, without reduction, of the broadcast shape

    Raises
    ------
    ValueError
        If the shapes do not broadcast or `reduction` is unknown.
    TypeError
        If an input is no Tensor or array of floating-point numbers.

    References
    ----------
    Kullback and Leibler, "On Information and Sufficiency", 1951.

    Examples
    --------
    >>> import nbnn
    >>> import nbnn.nn.functional as F
    >>> F.kl_div(nbnn.tensor([[-1.0, -0.5]]), nbnn.tensor([[0.5, 0.5]]), reduction="batchmean")
    tensor(0.0569)
    """
    op = "kl_div"
    batch = reduction == "batchmean"
    reduction = _check.reduction(op, "mean" if batch else reduction, size_average, reduce)
    log_target = _check.flag(op, "log_target", log_target)
    _check.floating(op, "input", input)
    _check.floating(op, "target", target)
    x, t = pair(op, input, target, True)
    count = None
    if batch and reduction == "mean":
        shape = _check.broadcast_shapes(op, input._shape, target._shape)
        count = float(shape[0] if shape else 1)
    elif reduction == "mean":
        warnings.warn(
            f"{op}: `reduction` 'mean' divides by the number of elements, which gives no divergence; 'batchmean' does",
            UserWarning,
            stacklevel=3,
        )
    return reduced(LOG_DIVERGENCE if log_target else DIVERGENCE, x, t, reduction, count=count)
    return reduced(LOG_DIVERGENCE if log_target else DIVERGENCE, x, t, reduction, count=count)


# -- likelihoods of other distributions: made of ops, so that every input is differentiated --------------------------


def _reduce(losses: Tensor, reduction: str) -> Tensor:
    if reduction == "none":
        return losses
    return mean(losses) if reduction == "mean" else sum(losses)


@takes_arrays
def poisson_nll_loss(
    input: Tensor,
    target: Tensor,
    log_input: bool = True,
    full: bool = False,
    size_average: bool | None = None,
    eps: float = 1e-8,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    r"""Negative log-likelihood of counts t whose rate is :math:`e^x`, :math:`l = e^x - t x`.

    Parameters
    ----------
    input, target : Tensor of one shape
        Shapes that differ but broadcast are broadcast, with a warning.
    log_input : bool
        Without it x is the rate itself: :math:`l = x - t \ln(x + \epsilon)`.
    full : bool
        Add Stirling's approximation of :math:`\ln t!`, :math:`t \ln t - t + \ln(2 \pi t) / 2`, where t > 1.
    eps : float
        :math:`\epsilon`, above 0 where it is used.
    reduction : {"mean", "sum", "none"}
    size_average, reduce : bool, optional
        Old spellings of `reduction`.

    Returns
    -------
    Tensor of shape () or, without reduction, of the broadcast shape

    Raises
    ------
    ValueError
        If the shapes do not broadcast or `reduction` is unknown.
    TypeError
        If `input` is no Tensor or array of floating-point numbers.

    Examples
    --------
    >>> import nbnn
    >>> import nbnn.nn.functional as F
    >>> F.poisson_nll_loss(nbnn.tensor([0.0, 1.0]), nbnn.tensor([1.0, 2.0]), reduction="none")
    tensor([1.0000, 0.7183])
    """
    op = "poisson_nll_loss"
    reduction = _check.reduction(op, reduction, size_average, reduce, old=False)
    shift = _check.number(op, "eps", eps)
    log_input, full = _check.flag(op, "log_input", log_input), _check.flag(op, "full", full)
    _check.numeric(op, _check.tensor(op, "input", input))
    x, t = pair(op, from_integers(input), target, True)
    _check.real(op, "target", t)
    kind = x._dtype
    if kind.is_half:
        x, t = cast(x, dtypes.float32), cast(t, dtypes.float32)
    losses = sub(exp(x), mul(t, x)) if log_input else sub(x, mul(t, log(add(x, shift))))
    if full:
        large = cast(lt(1.0, t.detach()), t._dtype)
        s = add(mul(t, large), sub(1.0, large))  # 1 where the approximation does not count
        stirling = add(sub(mul(s, log(s)), s), mul(log(mul(s, 2 * math.pi)), 0.5))
        losses = add(losses, mul(stirling, large))
    return cast(_reduce(losses, reduction), kind)


@takes_arrays
def gaussian_nll_loss(
    input: Tensor,
    target: Tensor,
    var: Tensor | float,
    full: bool = False,
    eps: float = 1e-6,
    reduction: str = "mean",
) -> Tensor:
    r"""Negative log-likelihood of a normal distribution, :math:`l = (\ln v + (x - t)^2 / v) / 2`.

    The variance v is at least `eps`; its derivative is that without this bound.

    Parameters
    ----------
    input, target : Tensor of one shape
        Shapes that differ but broadcast are broadcast, with a warning.
    var : Tensor or float
        The variance, of the shape of `input`, of that shape with one axis of 1, or without its last axis.
    full : bool
        Add the constant :math:`\ln(2 \pi) / 2`.
    eps : float
        The least variance.
    reduction : {"mean", "sum", "none"}

    Returns
    -------
    Tensor of shape () or, without reduction, of the broadcast shape

    Raises
    ------
    ValueError
        If shapes do not fit, a variance is negative or `reduction` is unknown.
    TypeError
        If an input is no Tensor or array of floating-point numbers.

    References
    ----------
    Nix and Weigend, "Estimating the mean and variance of the target probability distribution", 1994.

    Examples
    --------
    >>> import nbnn
    >>> import nbnn.nn.functional as F
    >>> F.gaussian_nll_loss(nbnn.tensor([1.0, 2.0]), nbnn.tensor([0.0, 2.0]), nbnn.tensor([1.0, 1.0]))
    tensor(0.2500)
    """
    op = "gaussian_nll_loss"
    reduction = _check.reduction(op, reduction, old=False)
    low = _check.number(op, "eps", eps)
    for name, value in (("input", input), ("target", target)):
        _check.numeric(op, _check.tensor(op, name, value))
    if not target.is_floating_point():
        input = from_integers(input)
    x, t = pair(op, input, target, True)
    kind = result_type(x, var) if isinstance(var, Tensor) else x._dtype
    wide = dtypes.float32 if kind.is_half else kind
    x, t = cast(x, wide), cast(t, wide)
    losses = _gaussian(x, t, _variance(op, var, input, x), low)
    if full:
        losses = add(losses, 0.5 * math.log(2 * math.pi))
    return cast(_reduce(losses, reduction), kind)


def _variance(op: str, var: Any, input: Tensor, x: Tensor) -> Tensor:
    """The variances as a Tensor that broadcasts with the losses."""
    if not isinstance(var, Tensor):
        if not isinstance(var, float):
            raise TypeError(f"{op}: `var` (={var!r}) must be a Tensor or a float; got {type(var).__name__}")
        number = _check.number(op, "var", var)
        if number < 0:
            raise ValueError(f"{op}: `var` (={var}) must not be negative")
        return filled((1,) * x.dim(), number, dtype=x._dtype, device=x.device)
    _check.floating(op, "var", var)
    shape = input._shape
    if var._shape == shape[:-1] and shape:
        var = unsqueeze(var, -1)
    else:
        rest = [v for v, n in zip(var._shape, shape, strict=False) if v != n]
        if len(var._shape) != len(shape) or rest not in ([], [1]):
            raise ValueError(
                f"{op}: `var` must have the shape of `input`, {shape}, or 1 for one of its axes; got {var._shape}"
            )
    if bool(sum(lt(var.detach(), 0.0)).item()):
        raise ValueError(f"{op}: `var` must not hold negative numbers")
    return cast(var, x._dtype)


def _gaussian(x: Tensor, t: Tensor, var: Tensor, low: float) -> Tensor:
    v, d = apply(FLOOR, var, params=(low,)), sub(x, t)
    return mul(add(log(v), div(mul(d, d), v)), 0.5)
