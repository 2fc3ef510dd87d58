"""torch's path to instance normalization."""

from nbnn.modules.normalization import InstanceNorm1d as InstanceNorm1d
from nbnn.modules.normalization import InstanceNorm2d as InstanceNorm2d
from nbnn.modules.normalization import InstanceNorm3d as InstanceNorm3d
from nbnn.modules.normalization import _InstanceNorm as _InstanceNorm
