"""An old path to `nbnn.func`."""

from nbnn.func import functional_call as functional_call
