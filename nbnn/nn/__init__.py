"""``import nbnn.nn as nn``: the Modules, `functional`, `init`, `utils` and `Parameter` under torch's path."""

from nbnn import init as init
from nbnn import modules as modules
from nbnn.modules import *
from nbnn.modules import __all__ as _modules
from nbnn.nn import attention as attention
from nbnn.nn import functional as functional
from nbnn.nn import parallel as parallel
from nbnn.nn import parameter as parameter
from nbnn.nn import utils as utils
from nbnn.parallel import DataParallel as DataParallel
from nbnn.tensor import Parameter as Parameter

__all__ = [
    *_modules,
    "DataParallel",
    "Parameter",
    "attention",
    "functional",
    "init",
    "modules",
    "parallel",
    "parameter",
    "utils",
]
