"""Copies in another order: repeated, reversed, shifted, cut to a triangle, put on a diagonal."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np

import nbnn.device as _device
from nbnn import _layout, dtypes
from nbnn.functional import _check
from nbnn.functional.conversion import clone
from nbnn.functional.indexing import INDEX
from nbnn.functional.shape import EXPAND, RESHAPE, unsqueeze
from nbnn.functional.views import DIAGONAL_BACKWARD, diagonal, swapaxes
from nbnn.kernels import indexing as K
from nbnn.op import Op, apply, takes_arrays
from nbnn.tensor import Tensor, flat, from_array, make

# -- repeated ------------------------------------------------------------------------------------------------------


def _repeated(op: str, x: Tensor, name: str, repeats: tuple) -> Tensor:
    """Axis k of the result is that of `x`, from the last, `repeats[k]` times after itself."""
    times = tuple(_check.integer(op, name, r, 0) for r in repeats)
    shape = (1,) * (len(times) - x.dim()) + x._shape
    pairs = tuple(itertools.chain.from_iterable((1, n) for n in shape))
    spread = tuple(itertools.chain.from_iterable((r, n) for r, n in zip(times, shape, strict=True)))
    size = _check.sizes(op, name, tuple(r * n for r, n in zip(times, shape, strict=True)))
    if not size:
        return clone(x)
    wide = apply(EXPAND, apply(RESHAPE, x, params=(pairs,)), params=(spread,))
    out = apply(RESHAPE, wide, params=(size,))
    return clone(out) if out._data is x._data else out  # never a view, also where nothing repeats


@takes_arrays
def repeat(input: Tensor, *repeats: Any) -> Tensor:
    """The elements tiled `repeats` times along each axis; more numbers than axes add axes in front (`Tensor.repeat`).

    Parameters
    ----------
    input : Tensor or array
    *repeats : int, or one sequence of them

    Raises
    ------
    ValueError
        If there are fewer numbers than axes, or a negative one.

    Examples
    --------
    >>> import nbnn
    >>> nbnn.arange(2).repeat(2, 3)
    tensor([[0, 1, 0, 1, 0, 1],
            [0, 1, 0, 1, 0, 1]])
    """
    x = _check.tensor("repeat", "input", input)
    times = tuple(repeats[0]) if len(repeats) == 1 and isinstance(repeats[0], (tuple, list)) else repeats
    if len(times) < x.dim():
        raise ValueError(f"repeat: `repeats` (={times}) must have a number for each axis of shape {x._shape}")
    return _repeated("repeat", x, "repeats", times)


@takes_arrays
def tile(input: Tensor, *dims: Any) -> Tensor:
    """`Tensor.repeat`, where numbers that are missing in front are 1.

    Parameters
    ----------
    input : Tensor or array
    *dims : int, or one sequence of them

    Raises
    ------
    ValueError
        If a number is negative.

    Examples
    --------
    >>> import nbnn
    >>> nbnn.tile(nbnn.tensor([[1, 2]]), (2,))
    tensor([[1, 2, 1, 2]])
    """
    x = _check.tensor("tile", "input", input)
    times = tuple(dims[0]) if len(dims) == 1 and isinstance(dims[0], (tuple, list)) else dims
    return _repeated("tile", x, "dims", (1,) * (x.dim() - len(times)) + times)


@takes_arrays
def repeat_interleave(input: Tensor, repeats: Any, dim: int | None = None, *, output_size: int | None = None) -> Tensor:
    """Each element along an axis (of the flattened Tensor without `dim`) so many times after itself.

    Parameters
    ----------
    input : Tensor
    repeats : int, or Tensor of integers
        One number for all, or one for each position.
    dim : int, optional
    output_size : int, optional
        The sum of `repeats`; checked where given.

    Raises
    ------
    ValueError
        If `repeats` has another length than the axis, or a negative number.
    TypeError
        If `repeats` does not hold integers.

    Examples
    --------
    >>> import nbnn
    >>> nbnn.repeat_interleave(nbnn.tensor([5, 6]), nbnn.tensor([1, 2]))
    tensor([5, 6, 6])
    """
    op = "repeat_interleave"
    x = _check.tensor(op, "input", input)
    x = apply(RESHAPE, x, params=((x.numel(),),)) if dim is None or not x._shape else x
    axis = _check.dim(op, 0 if dim is None else dim, x.dim())
    n = x._shape[axis]
    if not isinstance(repeats, (Tensor, tuple, list)):
        times = _check.integer(op, "repeats", repeats, 0)
        total = n * times
        shape = (*x._shape[:axis], total, *x._shape[axis + 1 :])
        wide = unsqueeze(x, axis + 1)
        wide = apply(EXPAND, wide, params=((*x._shape[: axis + 1], times, *x._shape[axis + 1 :]),))
        out = apply(RESHAPE, wide, params=(shape,))
        out = clone(out) if out._data is x._data else out
    else:
        counts = _counts(op, repeats, n, axis)
        where = from_array(np.repeat(np.arange(n, dtype=np.int64), counts)).to(x.device)
        total = where.numel()
        out = apply(INDEX, x, where, params=(axis, 1))
    if output_size is not None and _check.integer(op, "output_size", output_size) != total:
        raise ValueError(f"{op}: `output_size` (={output_size}) must be the sum {total} of `repeats`")
    return out


def _counts(op: str, repeats: Any, n: int, axis: int) -> np.ndarray:
    counts = np.asarray(repeats.tolist() if isinstance(repeats, Tensor) else repeats)
    if counts.dtype.kind not in "iu":
        raise TypeError(f"{op}: `repeats` must hold integers; got {counts.dtype}")
    if counts.ndim > 1 or counts.size not in (1, n):
        raise ValueError(f"{op}: `repeats` of shape {counts.shape} must have the size {n} of axis {axis}")
    if counts.size and counts.min() < 0:
        raise ValueError(f"{op}: `repeats` (={counts.min()}) must be at least 0")
    return np.broadcast_to(counts.reshape(-1), (n,))


# -- reversed and shifted ------------------------------------------------------------------------------------------


def _flip_forward(x: Tensor, params: tuple) -> tuple[Tensor]:
    (axes,) = params
    shape, strides = x._shape, x.stride()
    out = _device.empty(math.prod(shape), x._dtype.storage, x.device)
    steps = tuple([-s if k in axes else s for k, s in enumerate(strides)])
    last = x._offset + sum((shape[k] - 1) * strides[k] for k in axes)
    _layout.copy(shape, out, _layout.row_major(shape), 0, x._data, steps, last)
    return (make(out, shape, x._dtype),)


FLIP: Op = Op(
    "flip", forward=_flip_forward, grad=lambda node, g: (apply(FLIP, g, params=node.params),), takes_complex=True
)


@takes_arrays
def flip(input: Tensor, *dims: Any) -> Tensor:
    """A copy in which the order along the given axes is reversed.

    Parameters
    ----------
    input : Tensor or array
    *dims : int, or one sequence of them

    Raises
    ------
    IndexError
        If an axis does not exist.
    ValueError
        If one is named twice.

    Examples
    --------
    >>> import nbnn
    >>> nbnn.flip(nbnn.arange(4).reshape(2, 2), (1,))
    tensor([[1, 0],
            [3, 2]])
    """
    x = _check.tensor("flip", "input", input)
    given = tuple(dims[0]) if len(dims) == 1 and isinstance(dims[0], (tuple, list)) else dims
    axes = _check.dims("flip", given, x.dim(), "dims") if given else ()
    return apply(FLIP, x, params=(axes if x._shape else (),))


def _roll_forward(x: Tensor, params: tuple) -> tuple[Tensor]:
    """Each axis falls into two parts that change places: one copy for every choice of parts."""
    (moves,) = params
    shape, strides = x._shape, x.stride()
    steps = _layout.row_major(shape)
    out = _device.empty(math.prod(shape), x._dtype.storage, x.device)
    halves = [
        ((0, n - by, by), (n - by, n, by - n)) if by else ((0, n, 0),) for n, by in zip(shape, moves, strict=True)
    ]
    for block in itertools.product(*halves):  # (start, stop, way to go) of each axis
        sizes = tuple([stop - start for start, stop, _ in block])
        to = sum((start + way) * t for (start, _, way), t in zip(block, steps, strict=True))
        source = x._offset + sum(start * s for (start, _, _), s in zip(block, strides, strict=True))
        _layout.copy(sizes, out, steps, to, x._data, strides, source)
    return (make(out, shape, x._dtype),)


def _roll_grad(node: Any, grad: Tensor) -> tuple:
    back = tuple([(-by) % n if n else 0 for n, by in zip(grad._shape, node.params[0], strict=True)])
    return (apply(ROLL, grad, params=(back,)),)


ROLL = Op("roll", forward=_roll_forward, grad=_roll_grad, takes_complex=True)


@takes_arrays
def roll(input: Tensor, shifts: Any, dims: Any = None) -> Tensor:
    """A copy in which elements move `shifts` places along axes; those that leave at the end come in at the start.

    Parameters
    ----------
    input : Tensor
    shifts : int or tuple of int
    dims : int or tuple of int, optional
        An axis for each shift; None moves along the flattened Tensor.

    Raises
    ------
    ValueError
        If there are not as many `shifts` as `dims`.
    IndexError
        If an axis does not exist.

    Examples
    --------
    >>> import nbnn
    >>> nbnn.roll(nbnn.arange(4), 1)
    tensor([3, 0, 1, 2])
    """
    x = _check.tensor("roll", "input", input)
    ways = tuple(shifts) if isinstance(shifts, (tuple, list)) else (shifts,)
    ways = tuple(_check.integer("roll", "shifts", s) for s in ways)
    if dims is None or dims == ():
        if len(ways) != 1:
            raise ValueError(f"roll: `shifts` (={ways}) must be one number where `dims` is None")
        line = apply(RESHAPE, x, params=((x.numel(),),))
        moved = apply(ROLL, line, params=((ways[0] % max(x.numel(), 1),),))
        return apply(RESHAPE, moved, params=(x._shape,))
    axes = tuple(dims) if isinstance(dims, (tuple, list)) else (dims,)
    if len(axes) != len(ways):
        raise ValueError(f"roll: `shifts` (={ways}) and `dims` (={axes}) must have one length")
    moves = [0] * x.dim()
    for axis, by in zip(axes, ways, strict=True):
        k = _check.dim("roll", axis, x.dim(), "dims")
        if x._shape:
            moves[k] = (moves[k] + by) % max(x._shape[k], 1)
    return apply(ROLL, x, params=(tuple(moves),))


@takes_arrays
def rot90(input: Tensor, k: int = 1, dims: Any = (0, 1)) -> Tensor:
    """A copy turned `k` quarters in the plane of two axes, from the first towards the second.

    Parameters
    ----------
    input : Tensor or array
    k : int
    dims : pair of int

    Raises
    ------
    ValueError
        If `dims` does not name two different axes.

    Examples
    --------
    >>> import nbnn
    >>> nbnn.rot90(nbnn.arange(4).reshape(2, 2))
    tensor([[1, 3],
            [0, 2]])
    """
    x = _check.tensor("rot90", "input", input)
    axes = _check.dims("rot90", tuple(dims), x.dim(), "dims")
    if len(tuple(dims)) != 2 or len(axes) != 2:
        raise ValueError(f"rot90: `dims` (={tuple(dims)}) must name two axes of shape {x._shape}")
    quarters = _check.integer("rot90", "k", k) % 4
    reverse = {0: (), 1: axes[1:], 2: axes, 3: axes[:1]}[quarters]
    turned = apply(FLIP, x, params=(reverse,))
    return swapaxes(turned, *axes) if quarters % 2 else turned


# -- triangles and diagonals ---------------------------------------------------------------------------------------


def _triangle_forward(x: Tensor, params: tuple) -> tuple[Tensor]:
    rows, columns = x._shape[-2:]
    out = _device.empty(x.numel(), x._dtype.storage, x.device)
    if out.size:
        ins = (_layout.words(flat(x)),)
        _device.launch(K.triangle, (_layout.words(out),), ins, (rows, columns, *params), out.size, 4)
    return (make(out, x._shape, x._dtype),)


TRIANGLE: Op = Op("triangle", forward=_triangle_forward, grad=lambda node, g: (apply(TRIANGLE, g, params=node.params),))


def _triangle(op: str, input: Any, diagonal: Any, sign: int) -> Tensor:
    x = _check.matrices(op, input)
    return apply(TRIANGLE, x, params=(_check.integer(op, "diagonal", diagonal), sign))


@takes_arrays
def tril(input: Tensor, diagonal: int = 0) -> Tensor:
    """The lower triangle of matrices: zeros where the column is above row + `diagonal`.

    Parameters
    ----------
    input : Tensor or array
        Of shape (..., n, m).
    diagonal : int

    Raises
    ------
    ValueError
        If there are fewer than two axes.

    Examples
    --------
    >>> import nbnn
    >>> nbnn.tril(nbnn.ones(2, 2))
    tensor([[1., 0.],
            [1., 1.]])
    """
    return _triangle("tril", input, diagonal, 1)


@takes_arrays
def triu(input: Tensor, diagonal: int = 0) -> Tensor:
    """The upper triangle of matrices: zeros where the column is below row + `diagonal`.

    Parameters
    ----------
    input : Tensor or array
        Of shape (..., n, m).
    diagonal : int

    Raises
    ------
    ValueError
        If there are fewer than two axes.

    Examples
    --------
    >>> import nbnn
    >>> nbnn.triu(nbnn.ones(2, 2), 1)
    tensor([[0., 1.],
            [0., 0.]])
    """
    return _triangle("triu", input, diagonal, -1)


@takes_arrays
def diag(input: Tensor, diagonal: int = 0) -> Tensor:
    """A vector on a diagonal of a square matrix of zeros; of a matrix, a copy of that diagonal.

    Parameters
    ----------
    input : Tensor or array
        Of one axis or two.
    diagonal : int

    Raises
    ------
    ValueError
        If `input` has neither one nor two axes.

    Examples
    --------
    >>> import nbnn
    >>> nbnn.diag(nbnn.tensor([1, 2]))
    tensor([[1, 0],
            [0, 2]])
    """
    x = _check.tensor("diag", "input", input)
    offset = _check.integer("diag", "diagonal", diagonal)
    if x.dim() not in (1, 2):
        raise ValueError(f"diag: `input` must have 1 or 2 axes; got shape {x._shape}")
    return clone(_diagonal(x, offset)) if x.dim() == 2 else diag_embed(x, offset)


_diagonal = diagonal  # `diag` has an argument of this name


@takes_arrays
def diag_embed(input: Tensor, offset: int = 0, dim1: int = -2, dim2: int = -1) -> Tensor:
    """The last axis put on a diagonal of square matrices of zeros, whose axes are `dim1` and `dim2`.

    Parameters
    ----------
    input : Tensor or array
    offset : int
        Which diagonal: 0 the main one, above it if positive.
    dim1, dim2 : int

    Raises
    ------
    ValueError
        If `dim1` and `dim2` are the same axis, or `input` has none.

    Examples
    --------
    >>> import nbnn
    >>> nbnn.diag_embed(nbnn.ones(3, 2)).shape
    nbnn.Size([3, 2, 2])
    """
    x = _check.tensor("diag_embed", "input", input)
    if not x._shape:
        raise ValueError("diag_embed: `input` must have at least one axis; got shape ()")
    a = _check.dim("diag_embed", dim1, x.dim() + 1, "dim1")
    b = _check.dim("diag_embed", dim2, x.dim() + 1, "dim2")
    if a == b:
        raise ValueError(f"diag_embed: `dim1` (={dim1}) and `dim2` (={dim2}) must be different axes")
    shift = _check.integer("diag_embed", "offset", offset)
    n = x._shape[-1] + abs(shift)
    rest = iter(x._shape[:-1])
    shape = tuple([n if k in (a, b) else next(rest) for k in range(x.dim() + 1)])
    return apply(DIAGONAL_BACKWARD, x, params=(shift, a, b, shape))


def tril_indices(row: int, col: int, offset: int = 0, *, dtype: Any = dtypes.int64, device: Any = None) -> Tensor:
    """The rows and columns of the lower triangle of a matrix, as a Tensor of shape (2, N).

    Parameters
    ----------
    row, col : int
        Sizes of the matrix.
    offset : int
        Which diagonal bounds the triangle.
    dtype : dtype
    device : str or device, optional

    Raises
    ------
    ValueError
        If a size is negative.

    Examples
    --------
    >>> import nbnn
    >>> nbnn.tril_indices(2, 2)
    tensor([[0, 1, 1],
            [0, 0, 1]])
    """
    return _triangle_indices("tril_indices", np.tril, row, col, offset, dtype, device)


def triu_indices(row: int, col: int, offset: int = 0, *, dtype: Any = dtypes.int64, device: Any = None) -> Tensor:
    """The rows and columns of the upper triangle of a matrix, as a Tensor of shape (2, N).

    Parameters
    ----------
    row, col : int
        Sizes of the matrix.
    offset : int
        Which diagonal bounds the triangle.
    dtype : dtype
    device : str or device, optional

    Raises
    ------
    ValueError
        If a size is negative.

    Examples
    --------
    >>> import nbnn
    >>> nbnn.triu_indices(2, 2)
    tensor([[0, 0, 1],
            [0, 1, 1]])
    """
    return _triangle_indices("triu_indices", np.triu, row, col, offset, dtype, device)


def _triangle_indices(op: str, cut: Any, row: Any, col: Any, offset: Any, dtype: Any, device: Any) -> Tensor:
    shape = _check.integer(op, "row", row, 0), _check.integer(op, "col", col, 0)
    found = np.nonzero(cut(np.ones(shape, bool), _check.integer(op, "offset", offset)))
    return from_array(np.stack(found).astype(np.int64)).to(device=device, dtype=dtype)
