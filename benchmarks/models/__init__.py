"""Whole networks, each written once for nbnn and PyTorch alike: `T` is the module `nbnn` or the module `torch`."""
