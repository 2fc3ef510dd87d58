"""The normal distribution."""

from __future__ import annotations

import math
from typing import Any

from nbnn.distributions.distribution import Distribution, parameters, require
from nbnn.functional.arithmetic import add, div, mul, sub
from nbnn.functional.creation import as_tensor
from nbnn.functional.pointwise import erf, log, square
from nbnn.functional.sampling import randn
from nbnn.tensor import Tensor


class Normal(Distribution):
    r"""The normal distribution with mean `loc` and standard deviation `scale`.

    .. math:: p(x) = \frac{1}{\sigma\sqrt{2\pi}} \exp\left(-\frac{(x - \mu)^2}{2\sigma^2}\right)

    Parameters
    ----------
    loc, scale : float or Tensor
        They broadcast.
    validate_args : bool, optional
        False leaves `scale` unchecked.

    Raises
    ------
    ValueError
        If a `scale` is not above 0.
    TypeError
        If a Tensor does not hold floating-point numbers.

    Examples
    --------
    >>> import nbnn
    >>> n = nbnn.distributions.Normal(nbnn.zeros(2), 1.0)
    >>> n.sample((3,)).shape
    nbnn.Size([3, 2])
    >>> n.log_prob(nbnn.zeros(2))
    tensor([-0.9189, -0.9189])
    """

    has_rsample = True

    def __init__(self, loc: Any, scale: Any, validate_args: bool | None = None) -> None:
        self.loc, self.scale = parameters("Normal", loc=loc, scale=scale)
        if validate_args is not False:
            require(self.scale.detach() > 0, "Normal", "scale", "be above 0", self.scale)
        super().__init__(self.loc._shape)

    @property
    def mean(self) -> Tensor:
        return self.loc

    @property
    def mode(self) -> Tensor:
        return self.loc

    @property
    def stddev(self) -> Tensor:
        return self.scale

    @property
    def variance(self) -> Tensor:
        return square(self.scale)

    def rsample(self, sample_shape: Any = ()) -> Tensor:
        """``loc + scale * noise``: gradients flow to both (Kingma and Welling 2014)."""
        noise = randn(self._extended(sample_shape), dtype=self.loc.dtype, device=self.loc.device)
        return add(self.loc, mul(self.scale, noise))

    def _standardised(self, value: Any) -> Tensor:
        return div(sub(as_tensor(value, dtype=self.loc.dtype, device=self.loc.device), self.loc), self.scale)

    def log_prob(self, value: Any) -> Tensor:
        """The logarithm of the density at `value`, which broadcasts with the parameters."""
        exponent = mul(square(self._standardised(value)), -0.5)
        return sub(sub(exponent, log(self.scale)), 0.5 * math.log(2 * math.pi))

    def cdf(self, value: Any) -> Tensor:
        """The probability of a draw of at most `value`."""
        return mul(add(erf(mul(self._standardised(value), math.sqrt(0.5))), 1), 0.5)

    def entropy(self) -> Tensor:
        r""":math:`\log\sigma + \frac{1}{2}\log(2\pi e)` of each."""
        return add(log(self.scale), 0.5 + 0.5 * math.log(2 * math.pi))
