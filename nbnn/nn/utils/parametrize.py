"""``nbnn.nn.utils.parametrize``: parameters computed from others, under torch's path."""

from nbnn.utils.parametrize import ParametrizationList as ParametrizationList
from nbnn.utils.parametrize import __all__ as __all__
from nbnn.utils.parametrize import cached as cached
from nbnn.utils.parametrize import is_parametrized as is_parametrized
from nbnn.utils.parametrize import register_parametrization as register_parametrization
from nbnn.utils.parametrize import remove_parametrizations as remove_parametrizations
from nbnn.utils.parametrize import transfer_parametrizations_and_params as transfer_parametrizations_and_params
