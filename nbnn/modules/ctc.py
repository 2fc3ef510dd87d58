"""The Module of connectionist temporal classification."""

from __future__ import annotations

from typing import Any

from nbnn import functional as F
from nbnn.functional import _check
from nbnn.modules.module import Module
from nbnn.tensor import Tensor


class CTCLoss(Module):
    r"""The loss of a sequence whose alignment with its target is unknown.

    .. math:: \ell_n = -\ln \sum_\pi \prod_t p_{t, n}(\pi_t)

    over all sequences of classes :math:`\pi` that become the target when repeats are merged and then blanks removed.

    Parameters
    ----------
    blank : int
        The class that stands for nothing.
    reduction : "mean", "sum" or "none"
        The mean is over the samples, each loss being divided by the length of its target.
    zero_infinity : bool
        Whether infinite losses and their gradients become 0.

    Shape
    -----
    log_probs : (T, N, C) or (T, C)
    targets : (N, S) or (sum of lengths,), classes
    input_lengths, target_lengths : (N,) or ()
    output : () or, without reduction, (N,)

    Raises
    ------
    ValueError, TypeError, IndexError
        If shapes do not belong together, or a length, a class or an argument breaks these rules.

    References
    ----------
    Graves et al., "Connectionist Temporal Classification", ICML 2006.

    Examples
    --------
    >>> import nbnn, nbnn.nn as nn
    >>> lp = nn.functional.log_softmax(nbnn.zeros(3, 1, 2), -1)
    >>> nn.CTCLoss()(lp, nbnn.tensor([[1]]), (3,), (1,))
    tensor(0.2877)
    """

    def __init__(self, blank: int = 0, reduction: str = "mean", zero_infinity: bool = False) -> None:
        super().__init__()
        self.reduction = _check.reduction("CTCLoss", reduction)
        self.blank = _check.integer("CTCLoss", "blank", blank)
        self.zero_infinity = zero_infinity

    def forward(self, log_probs: Tensor, targets: Tensor, input_lengths: Any, target_lengths: Any) -> Tensor:
        return F.ctc_loss(
            log_probs, targets, input_lengths, target_lengths, self.blank, self.reduction, self.zero_infinity
        )
