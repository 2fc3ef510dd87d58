"""Probability distributions whose parameters are Tensors: draws, log-probabilities with gradients, entropies."""

from nbnn.distributions.bernoulli import Bernoulli
from nbnn.distributions.categorical import Categorical
from nbnn.distributions.distribution import Distribution
from nbnn.distributions.divergence import kl_divergence
from nbnn.distributions.normal import Normal

__all__ = ["Bernoulli", "Categorical", "Distribution", "Normal", "kl_divergence"]
