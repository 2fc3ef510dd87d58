"""An old path to `nbnn.hub`'s weights."""

from nbnn.hub import load_state_dict_from_url as load_url

__all__ = ["load_url"]
