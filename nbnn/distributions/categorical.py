"""The categorical distribution."""

from __future__ import annotations

import math
from typing import Any

from nbnn.distributions.distribution import Distribution, either, require
from nbnn.dtypes import finfo, int64
from nbnn.functional import _check
from nbnn.functional.arithmetic import div, mul, neg
from nbnn.functional.choice import clamp, clamp_min
from nbnn.functional.creation import as_tensor
from nbnn.functional.gathering import gather
from nbnn.functional.pointwise import log
from nbnn.functional.rounding import isfinite
from nbnn.functional.sampling import multinomial
from nbnn.functional.shape import broadcast_to
from nbnn.functional.softmax import log_softmax, softmax
from nbnn.tensor import Tensor


class Categorical(Distribution):
    r"""One of K categories, category k with probability :math:`p_k`.

    Parameters
    ----------
    probs : Tensor of shape (\*, K), optional
        Weights of at least 0, in each row one above 0; divided by their sum.
    logits : Tensor of shape (\*, K), optional
        Logarithms of the weights. Either is given.
    validate_args : bool, optional
        False leaves parameters and values unchecked, but for what would be out of range.

    Raises
    ------
    ValueError
        If both or none are given, a weight is negative or not finite, or a row has none.
    TypeError
        If the Tensor does not hold floating-point numbers.

    Examples
    --------
    >>> import nbnn
    >>> c = nbnn.distributions.Categorical(nbnn.tensor([0.0, 1.0, 3.0]))
    >>> c.probs
    tensor([0.0000, 0.2500, 0.7500])
    >>> c.log_prob(nbnn.tensor([1, 2]))
    tensor([-1.3863, -0.2877])
    """

    def __init__(self, probs: Any = None, logits: Any = None, validate_args: bool | None = None) -> None:
        name, given = either("Categorical", probs, logits)
        _check.floating("Categorical", name, given)
        if given.dim() < 1 or not given._shape[-1]:
            raise ValueError(f"Categorical: `{name}` must have shape (*, K), with categories; got {given._shape}")
        plain = given.detach()
        if validate_args is not False and name == "probs":
            require((plain >= 0) & isfinite(plain), "Categorical", name, "hold finite weights of at least 0", plain)
            require(plain.sum(-1) > 0, "Categorical", name, "have a weight above 0 in each row", plain.sum(-1))
        elif validate_args is not False:
            require(plain < math.inf, "Categorical", name, "hold numbers below infinity", plain)
        if name == "probs":
            self.probs = div(given, given.sum(-1, keepdim=True))
            smallest = finfo(given.dtype).eps
            self.logits = log(clamp(self.probs, smallest, 1 - smallest))
        else:
            self.logits = log_softmax(given, -1)
            self.probs = softmax(given, -1)
        super().__init__(given._shape[:-1])

    @property
    def mode(self) -> Tensor:
        return self.probs.argmax(-1)

    def sample(self, sample_shape: Any = ()) -> Tensor:
        """Draws of shape (*sample_shape, *batch_shape): integers in [0, K)."""
        shape = self._extended(sample_shape)
        rows = self.probs.detach().reshape(-1, self.probs._shape[-1])
        count = math.prod(shape[: len(shape) - len(self.batch_shape)])
        if not count or not len(rows):
            return as_tensor([], dtype=int64, device=rows.device).reshape(shape)
        return multinomial(rows, count, replacement=True).t().reshape(shape)

    def log_prob(self, value: Any) -> Tensor:
        """The logarithm of the probability of the categories `value`, which broadcasts with the batch."""
        size = self.logits._shape[-1]
        value = as_tensor(value, device=self.logits.device)
        index = value.to(int64)
        fits = (index == value) & (index >= 0) & (index < size)
        require(fits, "Categorical.log_prob", "value", f"hold integers in [0, {size})", value)
        shape = _check.broadcast_shapes("Categorical.log_prob", index._shape, self.batch_shape)
        chosen = gather(broadcast_to(self.logits, (*shape, size)), -1, broadcast_to(index, shape).unsqueeze(-1))
        return chosen.squeeze(-1)

    def entropy(self) -> Tensor:
        r""":math:`-\sum_k p_k \log p_k` of each; an impossible category adds nothing."""
        return neg(mul(clamp_min(self.logits, finfo(self.logits.dtype).min), self.probs).sum(-1))
