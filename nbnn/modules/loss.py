"""Modules of the losses."""

from __future__ import annotations

import warnings

from nbnn import functional as F
from nbnn.functional import _check
from nbnn.modules.module import Module
from nbnn.tensor import Tensor


class _Loss(Module):
    """A reduction, also from the old arguments `size_average` and `reduce`."""

    def __init__(self, size_average: bool | None = None, reduce: bool | None = None, reduction: str = "mean") -> None:
        super().__init__()
        self.reduction = _check.reduction(type(self).__name__, reduction, size_average, reduce)


class _WeightedLoss(_Loss):
    """A loss with a weight for each class, which is a buffer."""

    weight: Tensor | None

    def __init__(
        self,
        weight: Tensor | None = None,
        size_average: bool | None = None,
        reduce: bool | None = None,
        reduction: str = "mean",
    ) -> None:
        super().__init__(size_average, reduce, reduction)
        self.register_buffer("weight", weight)


class NLLLoss(_WeightedLoss):
    r"""The negative log likelihood of the target classes.

    .. math:: \ell_n = -w_{t_n} x_{n, t_n}, \qquad
        \text{mean: } \sum_n \ell_n / \sum_n w_{t_n}, \quad \text{sum: } \sum_n \ell_n

    Parameters
    ----------
    weight : Tensor (C,), optional
        Weight :math:`w` of each class; ones unless given.
    ignore_index : int
        A target that does not count, neither in the sum nor in the mean.
    reduction : "mean", "sum" or "none"
    size_average, reduce : bool, optional
        Older spellings of `reduction`; they warn.
    all_ignored : {"nan", "zero"}
        The mean where every target is ignored.

    Shape
    -----
    input : (N, C), (C,) or (N, C, d1, ..., dK), log probabilities
    target : (N,), () or (N, d1, ..., dK), classes in [0, C)
    output : () or, without reduction, that of `target`

    Raises
    ------
    ValueError, TypeError
        If the shapes do not belong together or `reduction` is none of the three.
    IndexError
        If a target is outside [0, C) and not `ignore_index`.

    Examples
    --------
    >>> import nbnn, nbnn.nn as nn
    >>> nn.NLLLoss()(nbnn.tensor([[-0.5, -1.0], [-2.0, -0.25]]), nbnn.tensor([0, 1]))
    tensor(0.3750)
    """

    def __init__(
        self,
        weight: Tensor | None = None,
        size_average: bool | None = None,
        ignore_index: int = -100,
        reduce: bool | None = None,
        reduction: str = "mean",
        *,
        all_ignored: str = "nan",
    ) -> None:
        super().__init__(weight, size_average, reduce, reduction)
        _check.one_of(type(self).__name__, "all_ignored", all_ignored, ("nan", "zero"))
        self.all_ignored = all_ignored
        self.ignore_index = _check.integer(type(self).__name__, "ignore_index", ignore_index)

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        more = {"ignore_index": self.ignore_index, "reduction": self.reduction, "all_ignored": self.all_ignored}
        return F.nll_loss(input, target, self.weight, **more)


class CrossEntropyLoss(_WeightedLoss):
    r"""The cross entropy between the softmax of the input and the target.

    .. math:: \ell_n = -\sum_c w_c \log \frac{e^{x_{n,c}}}{\sum_j e^{x_{n,j}}} \; q_{n,c}

    where :math:`q` is one at the target class, or the target itself where it holds probabilities. The mean is over the
    weights of the target classes, and over N where the target holds probabilities.

    Parameters
    ----------
    weight : Tensor (C,), optional
        Weight :math:`w` of each class; ones unless given.
    ignore_index : int
        A target class that does not count, neither in the sum nor in the mean.
    reduction : "mean", "sum" or "none"
    label_smoothing : float
        How much of :math:`q` is spread evenly over all classes.
    size_average, reduce : bool, optional
        Older spellings of `reduction`; they warn.
    all_ignored : {"nan", "zero"}
        The mean where every target class is ignored.

    Shape
    -----
    input : (N, C), (C,) or (N, C, d1, ..., dK), unnormalised scores
    target : (N,), () or (N, d1, ..., dK) classes in [0, C), or probabilities of the input's shape
    output : () or, without reduction, that of a target of classes

    Raises
    ------
    ValueError, TypeError
        If the shapes do not belong together or an argument breaks these rules.
    IndexError
        If a target is outside [0, C) and not `ignore_index`.

    References
    ----------
    C. Szegedy et al., "Rethinking the Inception Architecture for Computer Vision", CVPR 2016 (label smoothing).

    Examples
    --------
    >>> import nbnn, nbnn.nn as nn
    >>> nn.CrossEntropyLoss()(nbnn.zeros(3, 2), nbnn.tensor([0, 1, 1]))
    tensor(0.6931)
    """

    def __init__(
        self,
        weight: Tensor | None = None,
        size_average: bool | None = None,
        ignore_index: int = -100,
        reduce: bool | None = None,
        reduction: str = "mean",
        label_smoothing: float = 0.0,
        *,
        all_ignored: str = "nan",
    ) -> None:
        super().__init__(weight, size_average, reduce, reduction)
        _check.one_of(type(self).__name__, "all_ignored", all_ignored, ("nan", "zero"))
        self.all_ignored = all_ignored
        self.ignore_index = _check.integer(type(self).__name__, "ignore_index", ignore_index)
        self.label_smoothing = _check.probability(type(self).__name__, "label_smoothing", label_smoothing)

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return F.cross_entropy(
            input,
            target,
            self.weight,
            ignore_index=self.ignore_index,
            reduction=self.reduction,
            label_smoothing=self.label_smoothing,
            all_ignored=self.all_ignored,
        )


class MSELoss(_Loss):
    r"""The mean squared error, :math:`\ell_n = (x_n - y_n)^2`.

    Parameters
    ----------
    reduction : "mean", "sum" or "none"
    size_average, reduce : bool, optional
        Older spellings of `reduction`; they warn.

    Shape
    -----
    input, target : (\*), any shape
    output : () or, without reduction, that of `input`

    Raises
    ------
    ValueError
        If `reduction` is none of the three.

    Examples
    --------
    >>> import nbnn, nbnn.nn as nn
    >>> nn.MSELoss()(nbnn.tensor([1.0, 2.0]), nbnn.tensor([1.0, 4.0]))
    tensor(2.)
    """

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return F.mse_loss(input, target, reduction=self.reduction)


class L1Loss(_Loss):
    r"""The mean absolute error.

    .. math:: \ell_n = |x_n - y_n|

    Parameters
    ----------
    reduction : "mean", "sum" or "none"
    size_average, reduce : bool, optional
        Older spellings of `reduction`; they warn.

    Shape
    -----
    input, target : (\*), any shape
    output : () or, without reduction, that of `input`

    Raises
    ------
    ValueError
        If `reduction` is none of the three.

    Examples
    --------
    >>> import nbnn, nbnn.nn as nn
    >>> nn.L1Loss()(nbnn.tensor([1.0, 2.0]), nbnn.tensor([1.0, 4.0]))
    tensor(1.)
    """

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return F.l1_loss(input, target, reduction=self.reduction)


class SmoothL1Loss(_Loss):
    r"""The squared error near 0 and the absolute error beyond.

    .. math:: \ell_n = \begin{cases} (x_n - y_n)^2 / (2 \beta) & |x_n - y_n| < \beta
        \\ |x_n - y_n| - \beta / 2 & \text{else} \end{cases}

    Parameters
    ----------
    beta : float
        Where the two forms meet.
    reduction : "mean", "sum" or "none"
    size_average, reduce : bool, optional
        Older spellings of `reduction`; they warn.

    Shape
    -----
    input, target : (\*), any shape
    output : () or, without reduction, that of `input`

    Raises
    ------
    ValueError
        If `beta` is negative or `reduction` is none of the three.

    Examples
    --------
    >>> import nbnn, nbnn.nn as nn
    >>> nn.SmoothL1Loss()(nbnn.tensor([1.0, 2.0]), nbnn.tensor([1.0, 4.0]))
    tensor(0.7500)
    """

    def __init__(
        self,
        size_average: bool | None = None,
        reduce: bool | None = None,
        reduction: str = "mean",
        beta: float = 1.0,
    ) -> None:
        super().__init__(size_average, reduce, reduction)
        self.beta = beta

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return F.smooth_l1_loss(input, target, reduction=self.reduction, beta=self.beta)


class HuberLoss(_Loss):
    r"""The squared error near 0 and a linear one beyond.

    .. math:: \ell_n = \begin{cases} (x_n - y_n)^2 / 2 & |x_n - y_n| \le \delta
        \\ \delta (|x_n - y_n| - \delta / 2) & \text{else} \end{cases}

    Parameters
    ----------
    reduction : "mean", "sum" or "none"
    delta : float
        Where the two forms meet.

    Shape
    -----
    input, target : (\*), any shape
    output : () or, without reduction, that of `input`

    Raises
    ------
    ValueError
        If `delta` is not above 0 or `reduction` is none of the three.

    Examples
    --------
    >>> import nbnn, nbnn.nn as nn
    >>> nn.HuberLoss(delta=0.5)(nbnn.tensor([1.0, 2.0]), nbnn.tensor([1.0, 4.0]))
    tensor(0.4375)
    """

    def __init__(self, reduction: str = "mean", delta: float = 1.0) -> None:
        super().__init__(reduction=reduction)
        self.delta = delta

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return F.huber_loss(input, target, reduction=self.reduction, delta=self.delta)


class BCELoss(_WeightedLoss):
    r"""The cross entropy of two classes, from probabilities.

    .. math:: \ell_n = -w_n (y_n \ln x_n + (1 - y_n) \ln(1 - x_n))

    Parameters
    ----------
    weight : Tensor, optional
        Weight :math:`w` of each loss; it broadcasts to the shape of the input.
    reduction : "mean", "sum" or "none"
    size_average, reduce : bool, optional
        Older spellings of `reduction`; they warn.

    Shape
    -----
    input, target : (\*), any shape
    output : () or, without reduction, that of `input`

    Raises
    ------
    ValueError
        If a probability is outside [0, 1] or `reduction` is none of the three.

    Examples
    --------
    >>> import nbnn, nbnn.nn as nn
    >>> nn.BCELoss()(nbnn.tensor([0.5, 0.25]), nbnn.tensor([1.0, 0.0]))
    tensor(0.4904)
    """

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return F.binary_cross_entropy(input, target, self.weight, reduction=self.reduction)


class BCEWithLogitsLoss(_Loss):
    r"""The cross entropy of two classes, from unnormalised scores.

    .. math:: \ell_n = -w_n (p\, y_n \ln \sigma(x_n) + (1 - y_n) \ln(1 - \sigma(x_n)))

    Parameters
    ----------
    weight : Tensor, optional
        Weight :math:`w` of each loss; it broadcasts to the shape of the input.
    pos_weight : Tensor, optional
        Weight :math:`p` of positive targets; it broadcasts to the shape of the input.
    reduction : "mean", "sum" or "none"
    size_average, reduce : bool, optional
        Older spellings of `reduction`; they warn.

    Shape
    -----
    input, target : (\*), any shape
    output : () or, without reduction, that of `input`

    Raises
    ------
    ValueError
        If `reduction` is none of the three.

    Examples
    --------
    >>> import nbnn, nbnn.nn as nn
    >>> nn.BCEWithLogitsLoss()(nbnn.tensor([0.0, 2.0]), nbnn.tensor([1.0, 1.0]))
    tensor(0.4100)
    """

    weight: Tensor | None
    pos_weight: Tensor | None

    def __init__(
        self,
        weight: Tensor | None = None,
        size_average: bool | None = None,
        reduce: bool | None = None,
        reduction: str = "mean",
        pos_weight: Tensor | None = None,
    ) -> None:
        super().__init__(size_average, reduce, reduction)
        self.register_buffer("weight", weight)
        self.register_buffer("pos_weight", pos_weight)

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return F.binary_cross_entropy_with_logits(
            input, target, self.weight, pos_weight=self.pos_weight, reduction=self.reduction
        )


class KLDivLoss(_Loss):
    r"""The Kullback-Leibler divergence of log-probabilities from probabilities.

    .. math:: \ell_n = y_n (\ln y_n - x_n)

    Parameters
    ----------
    reduction : "mean", "batchmean", "sum" or "none"
        "batchmean" divides the sum by the first size of the input; "mean" by the number of elements, with a warning.
    log_target : bool
        Whether the target holds logarithms.
    size_average, reduce : bool, optional
        Older spellings of `reduction`; they warn.

    Shape
    -----
    input, target : (\*), any shape
    output : () or, without reduction, that of `input`

    Raises
    ------
    ValueError
        If `reduction` is none of the four.

    Examples
    --------
    >>> import nbnn, nbnn.nn as nn
    >>> nn.KLDivLoss(reduction="batchmean")(nbnn.tensor([[-1.0, -0.5]]), nbnn.tensor([[0.5, 0.5]]))
    tensor(0.0569)
    """

    def __init__(
        self,
        size_average: bool | None = None,
        reduce: bool | None = None,
        reduction: str = "mean",
        log_target: bool = False,
    ) -> None:
        super().__init__(size_average, reduce, "mean" if reduction == "batchmean" else reduction)
        if reduction == "batchmean" and size_average is None and reduce is None:
            self.reduction = reduction
        self.log_target = log_target

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return F.kl_div(input, target, reduction=self.reduction, log_target=self.log_target)


class PoissonNLLLoss(_Loss):
    r"""The negative log-likelihood of counts t whose rate is :math:`e^x`, :math:`e^x - t x`.

    Parameters
    ----------
    log_input : bool
        Without it x is the rate itself: :math:`x - t \ln(x + \epsilon)`.
    full : bool
        Whether Stirling's approximation of :math:`\ln t!` is added.
    eps : float
        :math:`\epsilon`.
    reduction : "mean", "sum" or "none"
    size_average, reduce : bool, optional
        Older spellings of `reduction`; they warn.

    Shape
    -----
    input, target : (\*), any shape
    output : () or, without reduction, that of `input`

    Raises
    ------
    ValueError
        If `reduction` is none of the three.

    Examples
    --------
    >>> import nbnn, nbnn.nn as nn
    >>> nn.PoissonNLLLoss()(nbnn.tensor([0.0, 1.0]), nbnn.tensor([1.0, 2.0]))
    tensor(0.8591)
    """

    def __init__(
        self,
        log_input: bool = True,
        full: bool = False,
        size_average: bool | None = None,
        eps: float = 1e-08,
        reduce: bool | None = None,
        reduction: str = "mean",
    ) -> None:
        super().__init__(size_average, reduce, reduction)
        self.log_input = log_input
        self.full = full
        self.eps = eps

    def forward(self, log_input: Tensor, target: Tensor) -> Tensor:
        return F.poisson_nll_loss(
            log_input, target, log_input=self.log_input, full=self.full, eps=self.eps, reduction=self.reduction
        )


class GaussianNLLLoss(_Loss):
    r"""The negative log-likelihood of a normal distribution, :math:`(\ln v + (x - t)^2 / v) / 2`.

    Parameters
    ----------
    full : bool
        Whether the constant :math:`\ln(2 \pi) / 2` is added.
    eps : float
        The least variance v.
    reduction : "mean", "sum" or "none"

    Shape
    -----
    input, target : (\*), any shape
    var : that shape, with a last axis of 1 or without it, or a float
    output : () or, without reduction, that of `input`

    Raises
    ------
    ValueError
        If `reduction` is none of the three.

    Examples
    --------
    >>> import nbnn, nbnn.nn as nn
    >>> nn.GaussianNLLLoss()(nbnn.tensor([1.0, 2.0]), nbnn.tensor([0.0, 2.0]), nbnn.tensor([1.0, 1.0]))
    tensor(0.2500)
    """

    def __init__(self, *, full: bool = False, eps: float = 1e-06, reduction: str = "mean") -> None:
        super().__init__(reduction=reduction)
        self.full = full
        self.eps = eps

    def forward(self, input: Tensor, target: Tensor, var: Tensor | float) -> Tensor:
        return F.gaussian_nll_loss(input, target, var, full=self.full, eps=self.eps, reduction=self.reduction)


class NLLLoss2d(NLLLoss):
    r"""The old name of `NLLLoss`; it warns.

    Parameters
    ----------
    weight, size_average, ignore_index, reduce, reduction
        See `NLLLoss`.

    Examples
    --------
    >>> import nbnn, nbnn.nn as nn
    >>> import warnings
    >>> with warnings.catch_warnings():
    ...     warnings.simplefilter("ignore")
    ...     loss = nn.NLLLoss2d()
    >>> loss(nbnn.tensor([[[[-0.5]], [[-1.0]]]]), nbnn.tensor([[[1]]]))
    tensor(1.)
    """

    def __init__(
        self,
        weight: Tensor | None = None,
        size_average: bool | None = None,
        ignore_index: int = -100,
        reduce: bool | None = None,
        reduction: str = "mean",
    ) -> None:
        warnings.warn("NLLLoss2d: an old name; use NLLLoss", FutureWarning, stacklevel=2)
        super().__init__(weight, size_average, ignore_index, reduce, reduction)
