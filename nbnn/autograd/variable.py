"""An old path to `Variable`."""

from nbnn.autograd._function import Variable as Variable
