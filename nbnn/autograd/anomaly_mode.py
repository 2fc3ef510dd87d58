"""torch's search for what made a NaN on the way back: its spelling."""

from __future__ import annotations

from typing import Any


class detect_anomaly:
    """A block like any other: errors of the way back name their op in any case, and NaN is not looked for.

    Examples
    --------
    >>> import nbnn
    >>> with nbnn.autograd.detect_anomaly():
    ...     pass
    """

    def __init__(self, check_nan: bool = True) -> None:
        pass

    def __enter__(self) -> None:
        pass

    def __exit__(self, *raised: Any) -> None:
        pass


class set_detect_anomaly(detect_anomaly):
    """`detect_anomaly` as a function or a block."""

    def __init__(self, mode: bool, check_nan: bool = True) -> None:
        super().__init__(check_nan)
