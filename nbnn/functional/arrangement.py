"""Shapes made of other changes of shape: axes added, parts, blocks side by side; and a Tensor's own axes changed."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np

from nbnn.autograd._tape import recording
from nbnn.functional import _check
from nbnn.functional.arithmetic import add, div, mul
from nbnn.functional.choice import where
from nbnn.functional.comparison import gt
from nbnn.functional.creation import arange, zeros
from nbnn.functional.inplace import setitem
from nbnn.functional.joining import cat, hstack
from nbnn.functional.promotion import result_type
from nbnn.functional.rearrange import diag_embed, flip
from nbnn.functional.shape import broadcast_to, reshape, squeeze, t, transpose, unsqueeze
from nbnn.functional.statistics import norm
from nbnn.functional.views import matrix_transpose, split, swapaxes
from nbnn.op import takes_arrays
from nbnn.tensor import Size, Tensor, from_array, view

# -- views ---------------------------------------------------------------------------------------------------------


@takes_arrays
def ravel(input: Tensor) -> Tensor:
    """The elements in row-major order as a vector: a view where that is possible.

    Raises
    ------
    TypeError
        If `input` is no Tensor or array.

    Examples
    --------
    >>> import nbnn
    >>> nbnn.ravel(nbnn.tensor([[1, 2], [3, 4]]))
    tensor([1, 2, 3, 4])
    """
    return reshape(_check.tensor("ravel", "input", input), (-1,))


@takes_arrays
def adjoint(input: Tensor) -> Tensor:
    """The last two axes exchanged, complex numbers conjugated.

    Raises
    ------
    ValueError
        If there are fewer than two axes.

    Examples
    --------
    >>> import nbnn
    >>> nbnn.adjoint(nbnn.tensor([[1.0, 2.0]])).shape
    nbnn.Size([2, 1])
    """
    x = _check.matrices("adjoint", input)
    turned = matrix_transpose(x)
    return turned.conj() if x._dtype.is_complex else turned


def _each(op: str, tensors: tuple, change: Callable[[Tensor], Tensor]) -> Any:
    """`change` of one Tensor, or of each of several, as a tuple."""
    many = len(tensors) != 1 or isinstance(tensors[0], (tuple, list))
    given = tensors[0] if len(tensors) == 1 and many else tensors
    changed = tuple([change(_check.tensor(op, "tensors", x)) for x in given])
    return changed if many else changed[0]


@takes_arrays
def atleast_1d(*tensors: Any) -> Any:
    """A Tensor, or each of several, with an axis where it has none.

    Raises
    ------
    TypeError
        If one is no Tensor or array.

    Examples
    --------
    >>> import nbnn
    >>> nbnn.atleast_1d(nbnn.tensor(2.0))
    tensor([2.])
    """
    return _each("atleast_1d", tensors, lambda x: x if x._shape else reshape(x, (1,)))


@takes_arrays
def atleast_2d(*tensors: Any) -> Any:
    """A Tensor, or each of several, as a matrix where it has fewer axes: a vector is one row.

    Raises
    ------
    TypeError
        If one is no Tensor or array.

    Examples
    --------
    >>> import nbnn
    >>> nbnn.atleast_2d(nbnn.tensor([1, 2]))
    tensor([[1, 2]])
    """
    return _each("atleast_2d", tensors, lambda x: x if x.dim() > 1 else reshape(x, (1, -1)))


@takes_arrays
def atleast_3d(*tensors: Any) -> Any:
    """A Tensor, or each of several, with three axes where it has fewer: a vector becomes (1, n, 1), a matrix (m, n, 1).

    Raises
    ------
    TypeError
        If one is no Tensor or array.

    Examples
    --------
    >>> import nbnn
    >>> nbnn.atleast_3d(nbnn.ones(2)).shape
    nbnn.Size([1, 2, 1])
    """
    return _each(
        "atleast_3d", tensors,
        lambda x: x if x.dim() > 2 else unsqueeze(x, -1) if x.dim() == 2 else reshape(x, (1, -1, 1)),
    )  # fmt: skip


def broadcast_shapes(*shapes: Any) -> Size:
    """The shape that all `shapes` broadcast to.

    Raises
    ------
    ValueError
        If they do not.

    Examples
    --------
    >>> import nbnn
    >>> nbnn.broadcast_shapes((2, 1), (3,))
    nbnn.Size([2, 3])
    """
    op = "broadcast_shapes"
    return Size(_check.broadcast_shapes(op, *[_check.sizes(op, "shapes", shape) for shape in shapes]))


@takes_arrays
def broadcast_tensors(*tensors: Any) -> tuple[Tensor, ...]:
    """Views of all `tensors` in the shape to which they broadcast.

    Raises
    ------
    ValueError
        If they do not.
    TypeError
        If one is no Tensor or array.

    Examples
    --------
    >>> import nbnn
    >>> a, b = nbnn.broadcast_tensors(nbnn.ones(2, 1), nbnn.ones(3))
    >>> a.shape, b.shape
    (nbnn.Size([2, 3]), nbnn.Size([2, 3]))
    """
    given = tensors[0] if len(tensors) == 1 and isinstance(tensors[0], (tuple, list)) else tensors
    shape = broadcast_shapes(*[_check.tensor("broadcast_tensors", "tensors", x)._shape for x in given])
    return tuple([broadcast_to(x, shape) for x in given])


def _cut(op: str, input: Tensor, where_to: Any, dim: int) -> tuple[Tensor, ...]:
    """Parts of nearly one size, the first ones larger by one; or those between positions."""
    x = _check.tensor(op, "input", input)
    axis = _check.dim(op, dim, x.dim())
    if not x._shape:
        raise ValueError(f"{op}: `input` must have an axis {dim}; got shape ()")
    n = x._shape[axis]
    if isinstance(where_to, Tensor):
        where_to = where_to.tolist()
    if isinstance(where_to, (tuple, list)):
        ends = [slice(None, _check.integer(op, "indices", v)).indices(n)[1] for v in where_to]
        starts, ends = [0, *ends], [*ends, n]
        return tuple([x.narrow(axis, a, max(b - a, 0)) for a, b in zip(starts, ends, strict=True)])
    count = _check.integer(op, "sections", where_to, 1)
    return split(x, [n // count + (k < n % count) for k in range(count)], axis)


@takes_arrays
def tensor_split(input: Tensor, indices_or_sections: Any, dim: int = 0) -> tuple[Tensor, ...]:
    """Views of parts along an axis: so many of nearly one size, or those between positions.

    Raises
    ------
    ValueError
        If there are less than one.
    IndexError
        If the axis does not exist.

    Examples
    --------
    >>> import nbnn
    >>> nbnn.tensor_split(nbnn.arange(5), 2), nbnn.tensor_split(nbnn.arange(5), (1, 4))
    ((tensor([0, 1, 2]), tensor([3, 4])), (tensor([0]), tensor([1, 2, 3]), tensor([4])))
    """
    return _cut("tensor_split", input, indices_or_sections, dim)


def _even(op: str, input: Tensor, where_to: Any, dim: int) -> tuple[Tensor, ...]:
    x = _check.tensor(op, "input", input)
    if isinstance(where_to, int) and x.dim() > max(dim, 0) and where_to > 0 and x._shape[dim] % where_to:
        raise ValueError(
            f"{op}: `indices_or_sections` (={where_to}) must divide the size {x._shape[dim]} of axis {dim}"
        )
    return _cut(op, x, where_to, dim)


@takes_arrays
def hsplit(input: Tensor, indices_or_sections: Any) -> tuple[Tensor, ...]:
    """`tensor_split` along the columns (of a vector, along its elements), into equal parts.

    Raises
    ------
    ValueError
        If the parts would not be equal.

    Examples
    --------
    >>> import nbnn
    >>> nbnn.hsplit(nbnn.arange(4), 2)
    (tensor([0, 1]), tensor([2, 3]))
    """
    return _even("hsplit", input, indices_or_sections, 0 if isinstance(input, Tensor) and input.dim() == 1 else 1)


@takes_arrays
def vsplit(input: Tensor, indices_or_sections: Any) -> tuple[Tensor, ...]:
    """`tensor_split` along the rows of a matrix, into equal parts.

    Raises
    ------
    ValueError
        If the parts would not be equal.

    Examples
    --------
    >>> import nbnn
    >>> nbnn.vsplit(nbnn.arange(4).reshape(2, 2), 2)
    (tensor([[0, 1]]), tensor([[2, 3]]))
    """
    return _even("vsplit", input, indices_or_sections, 0)


# -- copies --------------------------------------------------------------------------------------------------------


@takes_arrays
def fliplr(input: Tensor) -> Tensor:
    """A copy with the columns in reverse order.

    Raises
    ------
    ValueError
        If there are fewer than two axes.

    Examples
    --------
    >>> import nbnn
    >>> nbnn.fliplr(nbnn.tensor([[1, 2], [3, 4]]))
    tensor([[2, 1],
            [4, 3]])
    """
    return flip(_check.matrices("fliplr", input), 1)


@takes_arrays
def flipud(input: Tensor) -> Tensor:
    """A copy with the rows in reverse order.

    Raises
    ------
    ValueError
        If there is no axis.

    Examples
    --------
    >>> import nbnn
    >>> nbnn.flipud(nbnn.tensor([[1, 2], [3, 4]]))
    tensor([[3, 4],
            [1, 2]])
    """
    if _check.tensor("flipud", "input", input).dim() < 1:
        raise ValueError("flipud: `input` must have at least one axis; got shape ()")
    return flip(input, 0)


@takes_arrays
def column_stack(tensors: Any) -> Tensor:
    """Vectors as the columns of a matrix, beside matrices.

    Raises
    ------
    ValueError
        If the numbers of rows differ.

    Examples
    --------
    >>> import nbnn
    >>> nbnn.column_stack((nbnn.tensor([1, 2]), nbnn.tensor([3, 4])))
    tensor([[1, 3],
            [2, 4]])
    """
    given = [_check.tensor("column_stack", "tensors", x) for x in tensors]
    rows = {x._shape[0] if x._shape else 1 for x in given}
    if len(rows) > 1:
        raise ValueError(f"column_stack: `tensors` must have one number of rows; got {sorted(rows)}")
    return hstack([x if x.dim() > 1 else reshape(x, (-1, 1)) for x in given])


@takes_arrays
def block_diag(*tensors: Any) -> Tensor:
    """Matrices one after the other on the diagonal of a matrix of zeros; vectors are rows.

    Raises
    ------
    ValueError
        If one has more than two axes.

    Examples
    --------
    >>> import nbnn
    >>> nbnn.block_diag(nbnn.tensor([[1, 2]]), nbnn.tensor([[3]]))
    tensor([[1, 2, 0],
            [0, 0, 3]])
    """
    blocks = atleast_2d([_check.tensor("block_diag", "tensors", x) for x in tensors])
    if any(b.dim() > 2 for b in blocks):
        raise ValueError(f"block_diag: `tensors` must have at most 2 axes; got {[b._shape for b in blocks]}")
    kind, width = result_type(*blocks), sum(b._shape[1] for b in blocks)
    rows, at = [], 0
    for b in blocks:
        high, wide = b._shape
        sides = [zeros(high, n, dtype=kind, device=b.device) for n in (at, width - at - wide)]
        rows.append(cat([sides[0], b.to(kind), sides[1]], 1))
        at += wide
    return cat(rows, 0)


@takes_arrays
def diagflat(input: Tensor, offset: int = 0) -> Tensor:
    """All elements on a diagonal of a square matrix of zeros.

    Raises
    ------
    TypeError
        If `input` is no Tensor or array, or `offset` no int.

    Examples
    --------
    >>> import nbnn
    >>> nbnn.diagflat(nbnn.tensor([1, 2]))
    tensor([[1, 0],
            [0, 2]])
    """
    return diag_embed(reshape(_check.tensor("diagflat", "input", input), (-1,)), offset)


@takes_arrays
def combinations(input: Tensor, r: int = 2, with_replacement: bool = False) -> Tensor:
    """The choices of `r` elements of a vector, a row for each, in the order of the elements.

    Raises
    ------
    ValueError
        If `input` is no vector, or `r` negative.

    Examples
    --------
    >>> import nbnn
    >>> nbnn.combinations(nbnn.tensor([5, 6, 7]))
    tensor([[5, 6],
            [5, 7],
            [6, 7]])
    """
    x, size = _check.tensor("combinations", "input", input), _check.integer("combinations", "r", r, 0)
    if x.dim() != 1:
        raise ValueError(f"combinations: `input` must have one axis; got shape {x._shape}")
    choose = itertools.combinations_with_replacement if with_replacement else itertools.combinations
    rows = np.array(list(choose(range(x._shape[0]), size)), np.int64).reshape(-1, size)
    return x[from_array(rows).to(x.device)]


@takes_arrays
def renorm(input: Tensor, p: float, dim: int, maxnorm: float) -> Tensor:
    """A copy whose slices along an axis are scaled down to the p-norm `maxnorm` where theirs is larger.

    Raises
    ------
    IndexError
        If the axis does not exist.
    ValueError
        If `p` is not above 0, `maxnorm` negative, or there are fewer than two axes.

    Examples
    --------
    >>> import nbnn
    >>> nbnn.renorm(nbnn.tensor([[3.0, 4.0], [0.0, 1.0]]), 2, 0, 2.5)
    tensor([[1.5000, 2.0000],
            [0.0000, 1.0000]])
    """
    x, axis = input, _check.dim("renorm", dim, _check.tensor("renorm", "input", input).dim())
    _check.floating("renorm", "input", x)
    order, most = _check.number("renorm", "p", p), _check.number("renorm", "maxnorm", maxnorm)
    if x.dim() < 2 or not order > 0 or not most >= 0:
        raise ValueError(
            f"renorm: `p` (={p}) must be above 0, `maxnorm` (={maxnorm}) at least 0, and `input` have at least 2 axes; "
            f"got shape {x._shape}"
        )
    sizes = norm(x, order, tuple(k for k in range(x.dim()) if k != axis), True)
    return mul(x, where(gt(sizes, most), div(most, add(sizes, 1e-7)), 1.0))


@takes_arrays
def as_strided(input: Tensor, size: Any, stride: Any, storage_offset: int | None = None) -> Tensor:
    """The storage of `input` seen with a shape and strides of one's own.

    That is a view where no gradient is wanted, else a copy.

    Parameters
    ----------
    input : Tensor
    size, stride : sequence of int
        How many elements each axis has, and how far apart they lie; elements may be seen more than once.
    storage_offset : int, optional
        Where the first element lies; by default where that of `input` does.

    Raises
    ------
    ValueError
        If `size` and `stride` differ in length, a stride is negative, elements beyond the storage would be seen, or a
        gradient is wanted through an `input` that is itself a strided view.

    Examples
    --------
    >>> import nbnn
    >>> nbnn.as_strided(nbnn.arange(4), (3, 2), (1, 1))
    tensor([[0, 1],
            [1, 2],
            [2, 3]])
    """
    op = "as_strided"
    x, shape = _check.tensor(op, "input", input), _check.sizes(op, "size", size)
    steps = tuple(_check.integer(op, "stride", s, 0) for s in stride)
    start = x._offset if storage_offset is None else _check.integer(op, "storage_offset", storage_offset, 0)
    last = start + sum((n - 1) * s for n, s in zip(shape, steps, strict=False))
    if len(steps) != len(shape) or (0 not in shape and last >= x._data.size):
        raise ValueError(f"{op}: `size` (={shape}) and `stride` (={steps}) from {start} leave {x._data.size} elements")
    if not (recording.enabled and x.requires_grad):
        return view(x, shape, steps, start)
    if not x.is_contiguous() or x._offset or x.numel() != x._data.size:
        raise ValueError(f"{op}: a gradient through a strided `input` is not available; use .clone() first")
    places = np.full(shape, start, np.int64)
    for axis, (n, step) in enumerate(zip(shape, steps, strict=True)):
        places += (np.arange(n) * step).reshape(-1, *(1,) * (len(shape) - axis - 1))
    return reshape(x, (-1,))[from_array(places).to(x.device)]


# -- of a Tensor itself --------------------------------------------------------------------------------------------


def _turned(function: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """The in-place form of a view: the Tensor itself shows its memory with other axes."""
    name = f"{function.__name__}_"

    def changed(self: Tensor, *args: Any, **kwargs: Any) -> Tensor:
        if recording.enabled and self._leaf_requires_grad:
            raise RuntimeError(
                f"{name}: a leaf that requires a gradient cannot be changed in place; use no_grad() or .detach()"
            )
        seen = function(self, *args, **kwargs)
        self._shape, self._strides, self._offset = seen._shape, seen._strides, seen._offset
        self._node, self._slot, self._generation = seen._node, seen._slot, seen._generation
        self._version[0] += 1
        return self

    changed.__name__ = changed.__qualname__ = name
    changed.__doc__ = f"`{function.__name__}` of the Tensor itself."
    return changed


def fill_diagonal_(input: Tensor, value: float, wrap: bool = False) -> Tensor:
    """Set the diagonal of a matrix to a number; with `wrap` it begins anew below the square that it ends in.

    Raises
    ------
    ValueError
        If `input` is no matrix.
    """
    op = "fill_diagonal_"
    x = _check.tensor(op, "input", input)
    if x.dim() != 2:
        raise ValueError(f"{op}: `input` must have 2 axes; got shape {x._shape}")
    rows, columns = x._shape
    places = arange(0, x.numel() if wrap else min(rows, columns) * columns, columns + 1)
    setitem(x, (places // columns, places % columns), _check.number(op, "value", value))
    return x


IN_PLACE = {
    **{f"{function.__name__}_": _turned(function) for function in (squeeze, unsqueeze, transpose, t, swapaxes)},
    "fill_diagonal_": fill_diagonal_,
}
