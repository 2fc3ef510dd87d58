"""Complex numbers seen as pairs of real ones, and pairs as complex numbers, in the same memory."""

from __future__ import annotations

from typing import Any

import numpy as np

from nbnn import dtypes
from nbnn.functional import _check
from nbnn.op import Op, apply, takes_arrays
from nbnn.tensor import Tensor, flat, make, view


def parts(op: str, name: str, value: Any) -> Tensor:
    """`value`, which must be a Tensor of what the parts of complex numbers can be."""
    t = _check.tensor(op, name, value)
    if t._dtype not in (dtypes.float32, dtypes.float64) or t.is_cuda:
        raise TypeError(f"{op}: `{name}` must be float32 or float64 on the CPU; got {t._dtype!r} on {t.device}")
    return t


def _as_real_forward(x: Tensor, params: tuple) -> tuple[Tensor]:
    strides = None if x._strides is None else (*[2 * s for s in x._strides], 1)
    out = view(x, (*x._shape, 2), strides, 2 * x._offset)
    out._dtype = dtypes.real_of(x._dtype)
    out._data = x._data.view(out._dtype.storage)
    return (out,)


def _is_pairs(x: Tensor) -> bool:
    """Whether the last axis holds neighbours that begin at even places."""
    *steps, last = x.stride()
    if last != 1 or x._offset % 2 or x._data.size % 2:
        return False
    return all(n < 2 or s % 2 == 0 for n, s in zip(x._shape, steps, strict=False))


def _as_complex_forward(x: Tensor, params: tuple) -> tuple[Tensor]:
    kind, shape = dtypes.complex_of(x._dtype), x._shape[:-1]
    if not _is_pairs(x):
        return (make(flat(x).copy().view(kind.storage), shape, kind),)
    strides = None if x._strides is None else tuple([s // 2 for s in x._strides[:-1]])
    out = view(x, shape, strides, x._offset // 2)
    out._dtype, out._data = kind, x._data.view(kind.storage)
    return (out,)


# With dL/dRe + i dL/dIm for the gradient of a complex number, each is the gradient of the other.
AS_REAL: Op = Op(
    "view_as_real", forward=_as_real_forward, grad=lambda node, g: (apply(AS_COMPLEX, g),), takes_complex=True
)
AS_COMPLEX: Op = Op("view_as_complex", forward=_as_complex_forward, grad=lambda node, g: (apply(AS_REAL, g),))


@takes_arrays
def view_as_real(input: Tensor) -> Tensor:
    """Complex numbers as pairs (real part, imaginary part) on a new last axis, in the same memory.

    Parameters
    ----------
    input : complex Tensor of shape (...)

    Returns
    -------
    Tensor of shape (..., 2), float32 for complex64 and float64 for complex128

    Raises
    ------
    TypeError
        If `input` is no complex Tensor or array.

    Examples
    --------
    >>> import nbnn
    >>> nbnn.view_as_real(nbnn.tensor([1 + 2j]))
    tensor([[1., 2.]])
    """
    x = _check.complex_numbers("view_as_real", input)
    return apply(AS_REAL, x)


@takes_arrays
def view_as_complex(input: Tensor) -> Tensor:
    """Pairs (real part, imaginary part) on the last axis as complex numbers, in the same memory.

    Parameters
    ----------
    input : Tensor of shape (..., 2), float32 or float64
        The pairs lie side by side, and begin at even places of the memory.

    Returns
    -------
    Tensor of shape (...), complex64 or complex128

    Raises
    ------
    TypeError
        If `input` is no Tensor or array of these types, or does not lie on the CPU.
    ValueError
        If the last axis is not of size 2, or no view of the memory shows the pairs.

    Examples
    --------
    >>> import nbnn
    >>> nbnn.view_as_complex(nbnn.tensor([[1.0, 2.0]]))
    tensor([1.+2.j])
    """
    op = "view_as_complex"
    x = parts(op, "input", input)
    if not x._shape or x._shape[-1] != 2:
        raise ValueError(f"{op}: `input` must have a last axis of size 2; got shape {x._shape}")
    if not _is_pairs(x):
        raise ValueError(f"{op}: `input` with strides {x.stride()} cannot be seen as pairs; use .contiguous()")
    return apply(AS_COMPLEX, x)


def _part_forward(x: Tensor, params: tuple) -> tuple[Tensor]:
    (pairs,) = _as_real_forward(x, ())
    return (view(pairs, x._shape, pairs.stride()[:-1], pairs._offset + params[0]),)


def _part_grad(node: Any, g: Tensor) -> tuple:
    return (apply(FROM_PART, g, params=node.params),)


def _from_part_forward(g: Tensor, params: tuple) -> tuple[Tensor]:
    """Complex numbers of which one part is given, and the other is 0."""
    kind = dtypes.complex_of(g._dtype)
    pairs = np.zeros((g.numel(), 2), g._dtype.storage)
    pairs[:, params[0]] = flat(g)
    return (make(pairs.reshape(-1).view(kind.storage), g._shape, kind),)


PART = Op("part", forward=_part_forward, grad=_part_grad, takes_complex=True)
FROM_PART = Op("from_part", forward=_from_part_forward, grad=lambda node, g: (part(g, *node.params),))


def part(x: Tensor, which: int) -> Tensor:
    """The real (0) or the imaginary part (1) of complex numbers, in the same memory."""
    return apply(PART, x, params=(which,))
