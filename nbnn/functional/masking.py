"""Elements chosen by truth values: filled, selected, counted off."""

from __future__ import annotations

from typing import Any

import numpy as np

import nbnn.device as _device
from nbnn import _layout, dtypes
from nbnn.functional import _check
from nbnn.functional.choice import FILL_NUMBER, chosen
from nbnn.functional.comparison import eq
from nbnn.functional.conversion import cast
from nbnn.functional.creation import full
from nbnn.functional.indexing import getitem
from nbnn.functional.shape import broadcast_to
from nbnn.kernels import indexing as K
from nbnn.op import Op, apply, takes_arrays, to_numpy
from nbnn.tensor import Tensor, flat, from_array, make


def _masked_fill_forward(x: Tensor, mask: Tensor, value: Tensor, params: tuple) -> tuple[Tensor]:
    out = _device.empty(x.numel(), x._dtype.storage, x.device)
    ins = (_layout.words(flat(x)), flat(mask), _layout.words(flat(value)))
    _device.launch(K.masked_fill, (_layout.words(out),), ins, (), out.size)
    return (make(out, x._shape, x._dtype),)


def _masked_fill_grad(node: Any, grad: Tensor) -> tuple:
    (mask,) = node.saved
    zero = full((), 0, dtype=grad._dtype, device=grad.device)
    dx = apply(MASKED_FILL, grad, mask, zero) if node.needs[0] else None
    dvalue = apply(MASKED_FILL, grad, eq(mask, False), zero).sum() if node.needs[2] else None
    return dx, None, dvalue


MASKED_FILL = Op("masked_fill", forward=_masked_fill_forward, grad=_masked_fill_grad, saves_inputs=(1,))


def _mask(op: str, x: Tensor, mask: Any) -> Tensor:
    m = _check.tensor(op, "mask", mask)
    if m._dtype is not dtypes.bool_:
        raise TypeError(f"{op}: `mask` must be a bool Tensor; got {m._dtype!r}")
    return m.to(x.device)


def filler(op: str, x: Tensor, value: Any) -> Tensor:
    """A number, or a Tensor of one, as a 0-d Tensor of the dtype of `x`."""
    if isinstance(value, Tensor):
        if value.dim():
            raise ValueError(f"{op}: `value` must be a number or a 0-d Tensor; got shape {value._shape}")
        return cast(value.to(x.device), x._dtype)
    number = value.item() if isinstance(value, np.generic) else value
    _check.number(op, "value", number)
    return full((), number, dtype=x._dtype, device=x.device)


@takes_arrays
def masked_fill(input: Tensor, mask: Tensor, value: Any) -> Tensor:
    """A copy of `input` with `value` where `mask` is True; the two broadcast.

    Parameters
    ----------
    input : Tensor
    mask : Tensor of bool
    value : number or 0-d Tensor
        The gradient of a Tensor is the sum over what it fills.

    Raises
    ------
    TypeError
        If `mask` is not of type bool or `value` no number.
    ValueError
        If the shapes do not broadcast.

    Examples
    --------
    >>> import nbnn
    >>> nbnn.masked_fill(nbnn.tensor([1, 2, 3]), nbnn.tensor([True, False, True]), 0)
    tensor([0, 2, 0])
    """
    x = _check.tensor("masked_fill", "input", input)
    m = _mask("masked_fill", x, mask)
    if (filled := chosen(FILL_NUMBER, x, m, 0, value)) is not None:
        return filled
    shape = _check.broadcast_shapes("masked_fill", x._shape, m._shape)
    return apply(MASKED_FILL, broadcast_to(x, shape), broadcast_to(m, shape), filler("masked_fill", x, value))


@takes_arrays
def masked_select(input: Tensor, mask: Tensor) -> Tensor:
    """The elements where `mask` is True, in row-major order, as a vector; the two broadcast.

    Parameters
    ----------
    input : Tensor or array
    mask : Tensor of bools

    Raises
    ------
    TypeError
        If `mask` is not of type bool.
    ValueError
        If the shapes do not broadcast.

    Examples
    --------
    >>> import nbnn
    >>> x = nbnn.tensor([1.0, -2.0, 3.0])
    >>> nbnn.masked_select(x, x > 0)
    tensor([1., 3.])
    """
    x = _check.tensor("masked_select", "input", input)
    m = _mask("masked_select", x, mask)
    shape = _check.broadcast_shapes("masked_select", x._shape, m._shape)
    return getitem(broadcast_to(x, shape), broadcast_to(m, shape)) if shape else getitem(x, m).reshape(-1)


def nonzero(input: Tensor, *, as_tuple: bool = False) -> Any:
    """The positions of the elements other than zero.

    Parameters
    ----------
    input : Tensor or array
    as_tuple : bool
        A vector for each axis instead of a row for each element.

    Returns
    -------
    Tensor of int64, of shape (N, axes): a row for each, in row-major order; with `as_tuple` its columns, which index
    ``input`` as they are (a 0-d input counts as a vector then).

    Raises
    ------
    TypeError
        If `input` is not a Tensor.

    Examples
    --------
    >>> import nbnn
    >>> nbnn.nonzero(nbnn.tensor([[0, 1], [2, 0]]))
    tensor([[0, 1],
            [1, 0]])
    """
    if isinstance(input, np.ndarray):
        return to_numpy(nonzero(from_array(input, "nonzero"), as_tuple=as_tuple))
    x = _check.tensor("nonzero", "input", input)
    truth = _device.to_host(flat(cast(x.detach(), dtypes.bool_))).view(np.bool_).reshape(x._shape)
    if as_tuple:
        return tuple([from_array(part).to(x.device) for part in np.nonzero(np.atleast_1d(truth))])
    return from_array(np.argwhere(truth).astype(np.int64, order="C")).to(x.device)
