"""``import nbnn.nn.functional as F``: the functions of `nbnn.functional` under torch's path."""

from nbnn.functional import *
from nbnn.functional import __all__ as __all__
