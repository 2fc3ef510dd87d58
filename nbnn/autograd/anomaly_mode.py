"""The search for the op that made a NaN on the way back."""

from __future__ import annotations

from typing import Any

from nbnn.autograd._backward import search


class detect_anomaly:
    """A block in which backward is an error as soon as an op gives a NaN: which op that was, the error names.

    Every gradient is read once more for it, so the block is for finding a fault, not for training.

    Parameters
    ----------
    check_nan : bool
        Whether NaN is looked for at all.

    Raises
    ------
    RuntimeError
        By ``backward`` and ``autograd.grad``: if the gradient of an input of an op holds NaN.

    Examples
    --------
    >>> import nbnn
    >>> x = nbnn.zeros(1, requires_grad=True)
    >>> y = (nbnn.sqrt(x) * 0.0).sum()
    >>> with nbnn.autograd.detect_anomaly():
    ...     y.backward()
    Traceback (most recent call last):
    RuntimeError: sqrt: its gradient of input 0, of shape (1,), holds NaN
    """

    def __init__(self, check_nan: bool = True) -> None:
        self._wanted = bool(check_nan)

    def __enter__(self) -> None:
        self._before, search.on = search.on, self._wanted

    def __exit__(self, *raised: Any) -> None:
        search.on = self._before


class set_detect_anomaly(detect_anomaly):
    """`detect_anomaly` switched on or off at once: for good, or until the end of the block that it is used for."""

    def __init__(self, mode: bool, check_nan: bool = True) -> None:
        super().__init__(check_nan)
        self._before, search.on = search.on, bool(mode) and self._wanted

    def __enter__(self) -> None:
        """It is on, or off, already."""
