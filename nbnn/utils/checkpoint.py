"""torch.utils.checkpoint's names: right gradients, with nothing computed twice."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from nbnn.modules import Sequential

__all__ = ["checkpoint", "checkpoint_sequential"]


def checkpoint(function: Callable, *args: Any, use_reentrant: bool | None = None, **kwargs: Any) -> Any:
    """``function(*args, **kwargs)``, with its gradients.

    PyTorch forgets what the function saved and computes it again on the way back, which takes time to save memory
    (Chen et al. 2016). Here it is kept: values and gradients are the same.

    Parameters
    ----------
    function : callable
    *args, **kwargs
        What it is called with.
    use_reentrant, preserve_rng_state, context_fn, determinism_check, debug, early_stop
        Accepted: there is nothing that they could change.

    Examples
    --------
    >>> import nbnn
    >>> from nbnn.utils.checkpoint import checkpoint
    >>> checkpoint(nbnn.exp, nbnn.zeros(1), use_reentrant=False)
    tensor([1.])
    """
    for name in ("preserve_rng_state", "context_fn", "determinism_check", "debug", "early_stop"):
        kwargs.pop(name, None)
    return function(*args, **kwargs)


def checkpoint_sequential(functions: Any, segments: int, input: Any, **options: Any) -> Any:
    """The functions of a Sequential, or of a list, one after the other: see `checkpoint`."""
    for function in functions.children() if isinstance(functions, Sequential) else functions:
        input = function(input)
    return input
