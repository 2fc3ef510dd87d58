"""Over many Tensors at once: their norm as one vector, and scaling and clamping them in place."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

import nbnn.device as _device
from nbnn.device import Table
from nbnn.kernels import optim as K
from nbnn.tensor import Tensor, flat, store


def norm_value(tensors: Sequence[Tensor], norm_type: float = 2.0) -> float:
    r"""The norm of the norms of Tensors, :math:`(\sum_i |x_i|^p)^{1/p}` over all their elements.

    The sums are in float64, as is the result, and in an order that does not depend on the threads. What lies on CUDA is
    copied to the host.

    Parameters
    ----------
    tensors : sequence of Tensor
        Of floating-point types.
    norm_type : float
        p; infinite for the largest absolute value, -infinite for the smallest, 0 for the number of Tensors that are not
        all zero.

    Raises
    ------
    TypeError
        If a Tensor is not of a floating-point type.

    Examples
    --------
    >>> import nbnn
    >>> from nbnn.functional.clip import norm_value
    >>> norm_value([nbnn.tensor([3.0]), nbnn.tensor([[4.0]])])
    5.0
    """
    groups: dict[np.dtype, list[np.ndarray]] = {}
    for i, t in enumerate(tensors):
        if not isinstance(t, Tensor) or not t._dtype.is_floating_point:
            got = t._dtype if isinstance(t, Tensor) else type(t).__name__
            raise TypeError(f"norm_value: `tensors`[{i}] must be a Tensor of a floating-point type; got {got!r}")
        host = t._data
        if t._strides is not None or type(host) is not np.ndarray or t._dtype.is_half:
            host = _device.to_host(flat(t.detach().float() if t._dtype.is_half else t))
        groups.setdefault(host.dtype, []).append(host)
    partials, mosts, pieces, rows = [], [], [], 0
    for storages in groups.values():
        table = Table(tuple([s.size for s in storages]), [])
        count = table.pieces.size // 4
        partial, most = np.empty(count * K.LANES), np.empty(count * K.LANES)
        table.reduce(K.partial_norms, storages, partial, (float(norm_type), most))
        partials.append(partial)
        mosts.append(most)
        pieces.append(table.pieces + (np.arange(count * 4) % 4 == 0) * rows if rows else table.pieces)
        rows += len(storages)
    joined = [c[0] if len(c) == 1 else np.concatenate(c) for c in (partials, mosts, pieces)]
    out = np.empty(1)
    _device.launch(K.norm, (out,), tuple(joined), (float(norm_type),), 1)
    return float(out[0])


def scale_(tensors: Sequence[Tensor], factor: float) -> None:
    """Multiply every element of the Tensors by `factor`, in place and unrecorded.

    Parameters
    ----------
    tensors : sequence of Tensor
    factor : float

    Examples
    --------
    >>> import nbnn
    >>> from nbnn.functional.clip import scale_
    >>> x = nbnn.tensor([1.0, 2.0])
    >>> scale_([x], 3.0)
    >>> x
    tensor([3., 6.])
    """
    _change(tensors, K.scale, (float(factor),))


def clamp_(tensors: Sequence[Tensor], low: float, high: float) -> None:
    """Bring every element of the Tensors into [low, high], in place and unrecorded; a NaN stays.

    Parameters
    ----------
    tensors : sequence of Tensor
    low, high : float

    Examples
    --------
    >>> import nbnn
    >>> from nbnn.functional.clip import clamp_
    >>> x = nbnn.tensor([-3.0, 0.5, 3.0])
    >>> clamp_([x], -1.0, 1.0)
    >>> x
    tensor([-1.0000,  0.5000,  1.0000])
    """
    _change(tensors, K.clamp, (float(low), float(high)))


def _change(tensors: Sequence[Tensor], kernel: Any, numbers: tuple[float, ...]) -> None:
    """Run a kernel of one array over all elements: in one launch for each dtype, where they are whole storages."""
    groups: dict[Any, list[Tensor]] = {}
    for t in tensors:
        whole = t._strides is None and type(t._data) is np.ndarray and not t._dtype.is_half
        groups.setdefault(t._dtype if whole else None, []).append(t)
    for kind, group in groups.items():
        storages = [t._data for t in group]
        if kind is None or len(set(map(id, storages))) < len(storages):
            for t in group:
                _change_one(t, kernel, numbers)
            continue
        Table(tuple([s.size for s in storages]), []).launch(kernel, storages, numbers, len(numbers))
        for t in group:
            t._version[0] += 1


def _change_one(t: Tensor, kernel: Any, numbers: tuple[float, ...]) -> None:
    if t._dtype.is_half:
        wide = t.detach().float()
        _change_one(wide, kernel, numbers)
        t.detach().copy_(wide)
        return
    data = flat(t)
    _device.launch(kernel, (data,), (), numbers, math.prod(t._shape), 2)
    if not t.is_contiguous():
        store(t, data)
    t._version[0] += 1
