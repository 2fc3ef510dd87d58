"""``nbnn.nn.utils.parametrizations``: orthogonal and normed weights, under torch's path."""

from nbnn.utils.parametrizations import __all__ as __all__
from nbnn.utils.parametrizations import orthogonal as orthogonal
from nbnn.utils.parametrizations import spectral_norm as spectral_norm
from nbnn.utils.parametrizations import weight_norm as weight_norm
