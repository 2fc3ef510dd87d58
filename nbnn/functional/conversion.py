"""Copies of Tensors: of another type, on another device, of the same."""

from __future__ import annotations

from typing import Any

import numpy as np

import nbnn.device as _device
from nbnn import dtypes
from nbnn.device import as_device
from nbnn.dtypes import as_dtype
from nbnn.functional import _check
from nbnn.kernels import array as K
from nbnn.op import Op, apply, takes_arrays
from nbnn.tensor import Tensor, flat, make


def _cast_forward(x: Tensor, params: tuple) -> tuple[Tensor]:
    kind: dtypes.dtype = params[0]
    data, source = flat(x), x._dtype
    if source.is_complex and not (kind.is_complex or kind is dtypes.bool_):
        raise TypeError(
            f"to: {source!r} cannot become {kind!r}: that would lose the imaginary part; take .real or abs()"
        )
    n = x.numel()
    where = x.device
    if source.is_half:
        wide = _device.empty(n, np.dtype(np.uint32), where)
        _device.launch(K.half_to_float if source is dtypes.float16 else K.bfloat_to_float, (wide,), (data,), (), n)
        data, source = wide.view(np.float32), dtypes.float32
    if kind.is_half:
        if source is not dtypes.float32:
            data = _cast_storage(data, n, dtypes.float32, where)
        out = _device.empty(n, kind.storage, where)
        to_half = K.float_to_half if kind is dtypes.float16 else K.float_to_bfloat
        _device.launch(to_half, (out,), (data.view(np.uint32),), (), n)
    elif source is kind and x._dtype.is_half:
        out = data
    else:
        out = _cast_storage(data, n, kind, where)
    return (make(out, x._shape, kind),)


def _cast_storage(data: Any, n: int, kind: dtypes.dtype, where: Any) -> Any:
    out = _device.empty(n, kind.storage, where)
    _device.launch(K.truth if kind is dtypes.bool_ else K.cast, (out,), (data,), (), n)
    return out


def _cast_grad(node: Any, g: Tensor) -> tuple:
    """What became complex gets the real part of the gradient: the rest of it is along numbers that it cannot become."""
    if g._dtype.is_complex and not node.params[1].is_complex:
        from nbnn.functional.complexes import real

        g = real(g)
    return (cast(g, node.params[1]),)


CAST = Op("cast", forward=_cast_forward, grad=_cast_grad, takes_complex=True)


def cast(x: Tensor, kind: dtypes.dtype) -> Tensor:
    """`x` with elements of another type; itself where it has that type."""
    return x if x._dtype is kind else apply(CAST, x, params=(kind, x._dtype))


def _clone_forward(x: Tensor, params: tuple) -> tuple[Tensor]:
    if not x.is_contiguous():
        return (make(flat(x), x._shape, x._dtype),)  # making it contiguous is the copy
    n = x.numel()
    out = make(_device.empty(n, x._dtype.storage, x.device), x._shape, x._dtype)
    _device.launch(K.cast, (out._data,), (flat(x),), (), n)
    return (out,)


CLONE = Op("clone", forward=_clone_forward, grad=lambda node, g: (g,), takes_complex=True)


@takes_arrays
def clone(input: Tensor, *, memory_format: Any = None) -> Tensor:
    """A copy of the memory that stays in the graph; row-major, with any `memory_format`.

    Parameters
    ----------
    input : Tensor

    Examples
    --------
    >>> import nbnn
    >>> nbnn.ones(2).clone()
    tensor([1., 1.])
    """
    return apply(CLONE, _check.tensor("clone", "input", input))


def _move_forward(x: Tensor, params: tuple) -> tuple[Tensor]:
    data = _device.from_host(_device.to_host(flat(x)), params[0])
    return (make(data, x._shape, x._dtype),)


MOVE: Op = Op(
    "to", forward=_move_forward, grad=lambda node, g: (apply(MOVE, g, params=node.params[::-1]),), takes_complex=True
)


def to(input: Tensor, *args: Any, device: Any = None, dtype: Any = None, copy: bool = False, **_: Any) -> Tensor:
    """`input` on another device or of another type; itself where nothing changes.

    ``x.to(nbnn.float64)``, ``x.to("cuda")``, ``x.to("cuda", nbnn.float16)`` or ``x.to(other)`` for the type and
    device of another Tensor.

    Parameters
    ----------
    input : Tensor
    *args : dtype, device or Tensor
        The type, the device, or a Tensor that has both.
    device : str or device, optional
    dtype : dtype, optional
    copy : bool
        Make a copy in any case.

    Raises
    ------
    TypeError
        If an argument names neither a device nor a dtype, or a complex Tensor would become a real one or
        leave the CPU.

    Examples
    --------
    >>> import nbnn
    >>> nbnn.ones(2).to(nbnn.int64)
    tensor([1, 1])
    """
    for a in args:
        if isinstance(a, Tensor):
            device, dtype = a.device, a._dtype
        elif isinstance(a, (dtypes.dtype, type, np.dtype)):
            dtype = a
        elif isinstance(a, bool) or a is None:
            continue
        else:
            device = a
    kind = input._dtype if dtype is None else as_dtype(dtype, "to")
    out = cast(input, kind)
    where = input.device if device is None else as_device(device)
    if where.type != input.device.type:
        out = apply(MOVE, out, params=(where, input.device))
    return clone(out) if copy and out is input else out
