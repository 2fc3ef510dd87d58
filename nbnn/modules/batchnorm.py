"""torch's path to batch normalization."""

from nbnn.modules.normalization import BatchNorm1d as BatchNorm1d
from nbnn.modules.normalization import BatchNorm2d as BatchNorm2d
from nbnn.modules.normalization import BatchNorm3d as BatchNorm3d
from nbnn.modules.normalization import _BatchNorm as _BatchNorm
from nbnn.modules.normalization import _NormBase as _NormBase
from nbnn.modules.sync_batch_norm import SyncBatchNorm as SyncBatchNorm
