"""``nbnn.nn.utils``: what surrounds training, under torch's path."""

from nbnn.utils import *
from nbnn.utils import __all__ as __all__
