"""How far one distribution is from another."""

from __future__ import annotations

import math
from typing import Any

from nbnn.distributions.bernoulli import Bernoulli
from nbnn.distributions.categorical import Categorical
from nbnn.distributions.distribution import Distribution
from nbnn.distributions.normal import Normal
from nbnn.functional.activation import softplus
from nbnn.functional.arithmetic import add, div, mul, neg, sub
from nbnn.functional.choice import where
from nbnn.functional.pointwise import log, square
from nbnn.tensor import Tensor


def kl_divergence(p: Distribution, q: Distribution) -> Tensor:
    r"""The Kullback-Leibler divergence :math:`\sum_x p(x) \log\frac{p(x)}{q(x)}` of each pair, with gradients.

    Parameters
    ----------
    p, q : Distribution
        Both Normal, both Bernoulli or both Categorical.

    Raises
    ------
    NotImplementedError
        For another pair.

    Examples
    --------
    >>> import nbnn
    >>> from nbnn.distributions import Normal, kl_divergence
    >>> kl_divergence(Normal(nbnn.ones(1), 1.0), Normal(nbnn.zeros(1), 1.0))
    tensor([0.5000])
    """
    for kind, rule in _RULES.items():
        if isinstance(p, kind) and isinstance(q, kind):
            return rule(p, q)
    raise NotImplementedError(f"kl_divergence: no rule for {type(p).__name__} and {type(q).__name__}")


def _normal(p: Any, q: Any) -> Tensor:
    ratio = square(div(p.scale, q.scale))
    shift = square(div(sub(p.loc, q.loc), q.scale))
    return mul(sub(sub(add(ratio, shift), 1), log(ratio)), 0.5)


def _possible(term: Tensor, p: Tensor, q: Tensor) -> Tensor:
    """`term` where both are possible, infinite where only `p` is, 0 where `p` is not."""
    return where(p == 0, 0.0, where(q == 0, math.inf, term))


def _bernoulli(p: Any, q: Any) -> Tensor:
    one = mul(p.probs, sub(softplus(neg(q.logits)), softplus(neg(p.logits))))
    other = sub(1, p.probs)
    zero = mul(other, sub(softplus(q.logits), softplus(p.logits)))
    return add(_possible(one, p.probs, q.probs), _possible(zero, other, sub(1, q.probs)))


def _categorical(p: Any, q: Any) -> Tensor:
    return _possible(mul(p.probs, sub(p.logits, q.logits)), p.probs, q.probs).sum(-1)


_RULES = {Normal: _normal, Bernoulli: _bernoulli, Categorical: _categorical}
