"""``nbnn.nn.parameter``: what a Module's members are, under torch's path."""

from nbnn.modules.parameter import Buffer as Buffer
from nbnn.modules.parameter import UninitializedBuffer as UninitializedBuffer
from nbnn.modules.parameter import UninitializedParameter as UninitializedParameter
from nbnn.modules.parameter import is_lazy as is_lazy
from nbnn.tensor import Parameter as Parameter
