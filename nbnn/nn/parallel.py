"""``nn.parallel``: torch's path to nbnn.parallel."""

from nbnn.parallel import DataParallel as DataParallel
from nbnn.parallel import DistributedDataParallel as DistributedDataParallel
from nbnn.parallel import data_parallel as data_parallel
from nbnn.parallel import gather as gather
from nbnn.parallel import parallel_apply as parallel_apply
from nbnn.parallel import replicate as replicate
from nbnn.parallel import scatter as scatter
