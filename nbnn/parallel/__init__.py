"""Several replicas of a Module over shares of a batch."""

from nbnn.parallel.apply import parallel_apply
from nbnn.parallel.data_parallel import DataParallel, data_parallel
from nbnn.parallel.distributed import DistributedDataParallel
from nbnn.parallel.replicate import replicate
from nbnn.parallel.shares import gather, scatter

__all__ = [
    "DataParallel",
    "DistributedDataParallel",
    "data_parallel",
    "gather",
    "parallel_apply",
    "replicate",
    "scatter",
]
