"""Constructors as methods: Tensors of the dtype and on the device of another."""

from __future__ import annotations

from typing import Any

from nbnn.functional import creation
from nbnn.functional.conversion import to
from nbnn.tensor import Tensor


def _kind(input: Tensor, dtype: Any, device: Any, requires_grad: bool) -> dict[str, Any]:
    return {
        "dtype": input._dtype if dtype is None else dtype,
        "device": input.device if device is None else device,
        "requires_grad": requires_grad,
    }


def new_empty(input: Tensor, *size: Any, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """Uninitialised memory of the given shape, with the dtype and device of `input`."""
    return creation.empty(*size, **_kind(input, dtype, device, requires_grad))


def new_zeros(input: Tensor, *size: Any, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """Zeros of the given shape, with the dtype and device of `input`.

    Parameters
    ----------
    input : Tensor
    *size : int, or one sequence of them
    dtype : dtype, optional
        That of `input` unless given.
    device : str or device, optional
    requires_grad : bool

    Examples
    --------
    >>> import nbnn
    >>> nbnn.tensor([1, 2]).new_zeros(3)
    tensor([0, 0, 0])
    """
    return creation.zeros(*size, **_kind(input, dtype, device, requires_grad))


def new_ones(input: Tensor, *size: Any, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """Ones of the given shape, with the dtype and device of `input`."""
    return creation.ones(*size, **_kind(input, dtype, device, requires_grad))


def new_full(
    input: Tensor,
    size: Any,
    fill_value: Any,
    *,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """One number everywhere, of the given shape, with the dtype and device of `input`."""
    return creation.full(size, fill_value, **_kind(input, dtype, device, requires_grad))


def new_tensor(
    input: Tensor, data: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool = False
) -> Tensor:
    """A copy of `data`, with the dtype and device of `input`."""
    return creation.tensor(data, **_kind(input, dtype, device, requires_grad))


def type_as(input: Tensor, other: Tensor) -> Tensor:
    """`input` in the dtype and on the device of `other`: itself where they agree.

    Parameters
    ----------
    input, other : Tensor

    Examples
    --------
    >>> import nbnn
    >>> nbnn.tensor([1, 2]).type_as(nbnn.zeros(1))
    tensor([1., 2.])
    """
    return to(input, other)
