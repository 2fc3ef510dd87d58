"""torch's path to `Function`."""

from nbnn.autograd._function import Function as Function
from nbnn.autograd._function import FunctionCtx as FunctionCtx
from nbnn.autograd._function import once_differentiable as once_differentiable
