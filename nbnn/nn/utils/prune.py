"""``nbnn.nn.utils.prune``: parameters with elements masked out, under torch's path."""

from nbnn.utils.prune import BasePruningMethod as BasePruningMethod
from nbnn.utils.prune import CustomFromMask as CustomFromMask
from nbnn.utils.prune import Identity as Identity
from nbnn.utils.prune import L1Unstructured as L1Unstructured
from nbnn.utils.prune import LnStructured as LnStructured
from nbnn.utils.prune import PruningContainer as PruningContainer
from nbnn.utils.prune import RandomStructured as RandomStructured
from nbnn.utils.prune import RandomUnstructured as RandomUnstructured
from nbnn.utils.prune import __all__ as __all__
from nbnn.utils.prune import custom_from_mask as custom_from_mask
from nbnn.utils.prune import global_unstructured as global_unstructured
from nbnn.utils.prune import identity as identity
from nbnn.utils.prune import is_pruned as is_pruned
from nbnn.utils.prune import l1_unstructured as l1_unstructured
from nbnn.utils.prune import ln_structured as ln_structured
from nbnn.utils.prune import random_structured as random_structured
from nbnn.utils.prune import random_unstructured as random_unstructured
from nbnn.utils.prune import remove as remove
