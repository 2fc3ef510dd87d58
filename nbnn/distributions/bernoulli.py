"""The Bernoulli distribution."""

from __future__ import annotations

from typing import Any

from nbnn.distributions.distribution import Distribution, either, parameters, require
from nbnn.dtypes import finfo
from nbnn.functional import _check
from nbnn.functional.activation import sigmoid
from nbnn.functional.arithmetic import mul, neg, sub
from nbnn.functional.choice import clamp
from nbnn.functional.creation import as_tensor
from nbnn.functional.pointwise import log, log1p
from nbnn.functional.probability_loss import binary_cross_entropy_with_logits
from nbnn.functional.sampling import bernoulli
from nbnn.functional.shape import broadcast_to
from nbnn.tensor import Tensor


class Bernoulli(Distribution):
    """1 with probability `probs`, else 0.

    Parameters
    ----------
    probs : float or Tensor, optional
        Between 0 and 1.
    logits : float or Tensor, optional
        ``log(probs / (1 - probs))``. Either is given.
    validate_args : bool, optional
        False leaves parameters and values unchecked.

    Raises
    ------
    ValueError
        If both or none are given, or a probability is not between 0 and 1.
    TypeError
        If a Tensor does not hold floating-point numbers.

    Examples
    --------
    >>> import nbnn
    >>> b = nbnn.distributions.Bernoulli(nbnn.tensor([0.5, 0.75]))
    >>> b.log_prob(nbnn.ones(2))
    tensor([-0.6931, -0.2877])
    """

    def __init__(self, probs: Any = None, logits: Any = None, validate_args: bool | None = None) -> None:
        name, given = either("Bernoulli", probs, logits)
        (given,) = parameters("Bernoulli", **{name: given})
        self._validates = validate_args is not False
        if self._validates:
            plain = given.detach()
            fits, rule = plain == plain, "be a number"
            if name == "probs":
                fits, rule = (plain >= 0) & (plain <= 1), "be between 0 and 1"
            require(fits, "Bernoulli", name, rule, plain)
        if name == "probs":
            self.probs = given
            smallest = finfo(given.dtype).eps
            inside = clamp(given, smallest, 1 - smallest)
            self.logits = sub(log(inside), log1p(neg(inside)))
        else:
            self.logits = given
            self.probs = sigmoid(given)
        super().__init__(given._shape)

    @property
    def mean(self) -> Tensor:
        return self.probs

    @property
    def variance(self) -> Tensor:
        return mul(self.probs, sub(1, self.probs))

    def sample(self, sample_shape: Any = ()) -> Tensor:
        """Draws of shape (*sample_shape, *batch_shape): zeros and ones in the dtype of the parameter."""
        return bernoulli(broadcast_to(self.probs.detach(), self._extended(sample_shape)))

    def log_prob(self, value: Any) -> Tensor:
        """The logarithm of the probability of `value` (0 or 1), which broadcasts with the batch."""
        value = as_tensor(value, dtype=self.logits.dtype, device=self.logits.device)
        if self._validates:
            require((value == 0) | (value == 1), "Bernoulli.log_prob", "value", "be 0 or 1", value)
        shape = _check.broadcast_shapes("Bernoulli.log_prob", value._shape, self.batch_shape)
        logits, value = broadcast_to(self.logits, shape), broadcast_to(value, shape)
        return neg(binary_cross_entropy_with_logits(logits, value, reduction="none"))

    def entropy(self) -> Tensor:
        r""":math:`-p\log p - (1 - p)\log(1 - p)` of each."""
        return binary_cross_entropy_with_logits(self.logits, self.probs, reduction="none")
