"""What is it: functions that look at a Tensor and compute nothing."""

from __future__ import annotations

from typing import Any

from nbnn.functional import _check
from nbnn.tensor import Tensor


def is_tensor(obj: Any) -> bool:
    """Whether `obj` is a Tensor.

    Parameters
    ----------
    obj : object

    Examples
    --------
    >>> import nbnn
    >>> nbnn.is_tensor(nbnn.ones(2)), nbnn.is_tensor([1.0, 1.0])
    (True, False)
    """
    return isinstance(obj, Tensor)


def is_floating_point(input: Tensor) -> bool:
    """Whether the elements are floating-point numbers.

    Parameters
    ----------
    input : Tensor

    Examples
    --------
    >>> import nbnn
    >>> nbnn.is_floating_point(nbnn.ones(1)), nbnn.is_floating_point(nbnn.arange(1))
    (True, False)
    """
    return _check.tensor("is_floating_point", "input", input)._dtype.is_floating_point


def numel(input: Tensor) -> int:
    """The number of elements.

    Parameters
    ----------
    input : Tensor

    Examples
    --------
    >>> import nbnn
    >>> nbnn.numel(nbnn.zeros(2, 3))
    6
    """
    return _check.tensor("numel", "input", input).numel()


def is_nonzero(input: Tensor) -> bool:
    """Whether the one element is not 0.

    Examples
    --------
    >>> import nbnn
    >>> nbnn.is_nonzero(nbnn.tensor(3.0))
    True
    """
    return bool(_check.tensor("is_nonzero", "input", input))
