"""Embedding: rows of a table picked by number, and one_hot."""

from __future__ import annotations

import math
from typing import Any

import nbnn.device as _device
from nbnn import dtypes
from nbnn.autograd import Node, is_grad_enabled
from nbnn.functional import _check
from nbnn.functional.array import cast
from nbnn.functional.extreme import argmax
from nbnn.functional.gathering import index_select
from nbnn.functional.masking import nonzero
from nbnn.functional.ordering import unique
from nbnn.kernels import embedding as K
from nbnn.op import Launch, Op, apply, takes_arrays
from nbnn.sparse import SparseTensor
from nbnn.tensor import Tensor, flat, make, store

# params: the row whose gradient is zero (-1: none), whether gradients are divided by how often an id occurs

_INT64 = dtypes.int64.storage

# The kernels with measured paths; the recorded ops below run them.
_PICK = Op("embedding", K.embedding, fast=K.embedding_fast)
_GATHER = Op("embedding_backward", K.embedding_backward, fast=K.embedding_backward_fast)


def _buckets(index: Tensor, size: int, padding: int) -> tuple[Any, Any]:
    """Positions of `index` sorted by id, where `index` lies (see `K.bucket_rows`)."""
    ids = _device.to_host(flat(index))
    ends, order = _device.empty(size, _INT64, _device.CPU), _device.empty(ids.size, _INT64, _device.CPU)
    _device.launch(K.bucket_rows, (ends, order), (ids,), (size, padding), 1)
    return _device.from_host(ends, index.device), _device.from_host(order, index.device)


def _inverse_counts(ends: Any, kind: dtypes.dtype, index: Tensor) -> Any:
    scale = _device.empty(ends.size, kind.storage, index.device)
    _device.launch(K.inverse_counts, (scale,), (ends,), (), ends.size)
    return scale


def _embedding_forward(weight: Tensor, index: Tensor, params: tuple) -> tuple[Tensor]:
    return (_picked(weight, index, None, -1),)


def _embedding_plan(params: tuple, weight: tuple[int, ...], index: tuple[int, ...]) -> Launch:
    shape = (*index, weight[1])
    return Launch(K.embedding_rows, (shape,), (weight[1],), math.prod(shape) // 8)


def _picked(weight: Tensor, index: Tensor, scale: Any, padding: int) -> Tensor:
    length = weight._shape[1]
    n = math.prod(index._shape) * length
    out = make(_device.empty(n, weight._dtype.storage, weight.device), (*index._shape, length), weight._dtype)
    if n == 0:
        return out
    ins = (flat(weight), flat(index), scale)
    if not _device.launch_fast(_PICK.fast, (out._data,), ins, (length, padding), n // 8):
        _device.launch(K.embedding, (out._data,), ins, (length, padding), n)
    return out


def _embedding_grad(node: Node, g: Tensor) -> tuple:
    (index,) = node.saved
    kind = g._dtype
    wide = cast(g, dtypes.float32) if kind.is_half else g  # rows that are picked twice are summed
    return (cast(apply(EMBEDDING_BACKWARD, wide, index, params=(*node.params, node.input_shapes[0])), kind), None)


def rows_alone(node: Node, place: int) -> bool:
    """Whether the gradient of the input at `place` may be sparse: that of a leaf, which is not recorded."""
    edge = node.edges[place]
    return edge is not None and isinstance(edge[0], Tensor) and not is_grad_enabled()


def sparse_rows(rows: Tensor, values: Tensor, padding: int, shape: tuple[int, ...]) -> SparseTensor:
    """The gradient of a table of which these rows were looked up, without those of the padding."""
    if padding >= 0:
        kept = nonzero(rows != padding).reshape(-1)
        rows, values = index_select(rows, 0, kept), index_select(values, 0, kept)
    return SparseTensor(rows, values, shape)


def _embedding_sparse_grad(node: Node, g: Tensor) -> tuple:
    (index,) = node.saved
    padding, by_frequency = node.params
    if not rows_alone(node, 0):
        return _embedding_grad(node, g)
    rows = index.reshape(-1)
    values = g.reshape(rows._shape[0], node.input_shapes[0][1])
    if by_frequency and rows._shape[0]:
        _, place, counts = unique(rows, return_inverse=True, return_counts=True)
        values = cast(values / cast(counts, values._dtype)[place].reshape(-1, 1), values._dtype)
    # copies: nobody else may hold the memory of a sparse gradient
    return (sparse_rows(rows.clone(), values.clone(), padding, node.input_shapes[0]), None)


def _embedding_backward_forward(g: Tensor, index: Tensor, params: tuple) -> tuple[Tensor]:
    padding, by_frequency, shape = params
    size, length = shape
    n = size * length
    if index.numel() == 0 or n == 0:
        return (make(_device.full(n, g._dtype.storage, g.device, 0), shape, g._dtype),)
    ends, order = _buckets(index, size, padding)
    scale = _inverse_counts(ends, g._dtype, index) if by_frequency else None
    out = make(_device.empty(n, g._dtype.storage, g.device), shape, g._dtype)
    ins = (flat(g), ends, order, scale)
    work = 1 + order.size // size
    _device.launch(K.embedding_backward, (out._data,), ins, (length,), n, work, _GATHER.fast)
    return (out,)


def _embedding_backward_grad(node: Node, gg: Tensor) -> tuple:
    (index,) = node.saved
    return (apply(EMBEDDING_AGAIN, gg, index, params=node.params), None)


def _again_forward(gg: Tensor, index: Tensor, params: tuple) -> tuple[Tensor]:
    """The rows of `gg` as they weigh in the gradient: zeros for the padding, divided by frequencies."""
    padding, by_frequency, _ = params
    scale = None
    if by_frequency and index.numel():
        scale = _inverse_counts(_buckets(index, gg._shape[0], padding)[0], gg._dtype, index)
    return (_picked(gg, index, scale, padding),)


def _again_grad(node: Node, g: Tensor) -> tuple:
    (index,) = node.saved
    return (apply(EMBEDDING_BACKWARD, g, index, params=node.params), None)


EMBEDDING = Op("embedding", forward=_embedding_forward, plan=_embedding_plan, saves_inputs=(1,), grad=_embedding_grad)
# The same for a table that is to have a sparse gradient: where it is no leaf, or the gradient is recorded, a dense one.
EMBEDDING_SPARSE = Op(
    "embedding",
    forward=_embedding_forward,
    plan=_embedding_plan,
    saves_inputs=(1,),
    grad=_embedding_sparse_grad,
)
EMBEDDING_BACKWARD = Op(
    "embedding_backward", forward=_embedding_backward_forward, saves_inputs=(1,), grad=_embedding_backward_grad
)
EMBEDDING_AGAIN = Op("embedding_again", forward=_again_forward, saves_inputs=(1,), grad=_again_grad)


def _ids(op: str, name: str, input: Any, size: int) -> Tensor:
    """Checked ids in int64."""
    _check.index_dtype(op, name, input, dtypes.int64, dtypes.int32)
    return _check.indices(op, name, cast(input, dtypes.int64), size)


def _padding(op: str, value: Any, size: int) -> int:
    """The row that is padding, in [0, size), or -1."""
    if value is None:
        return -1
    row = _check.integer(op, "padding_idx", value)
    if not -size <= row < size:
        raise ValueError(f"{op}: `padding_idx` (={value}) must be in [{-size}, {size - 1}] for {size} embeddings")
    return row % size


def _bound_norms(op: str, weight: Tensor, index: Tensor, max_norm: Any, norm_type: Any) -> None:
    """Scale, in place, the rows of `weight` that `index` names and whose norm is above `max_norm`."""
    bound = _check.number(op, "max_norm", max_norm)
    p = _check.number(op, "norm_type", norm_type)
    if not bound >= 0.0:
        raise ValueError(f"{op}: `max_norm` (={max_norm}) must be at least 0")
    if not p > 0.0:
        raise ValueError(f"{op}: `norm_type` (={norm_type}) must be above 0")
    size, length = weight._shape
    if index.numel() == 0 or length == 0:
        return
    order = _device.to_host(_buckets(index, size, -1)[1])
    ids = _device.to_host(flat(index))[order]
    rows = ids[[True, *(ids[1:] != ids[:-1])]]
    values = flat(cast(weight.detach(), dtypes.float32) if weight._dtype.is_half else weight)
    where = _device.from_host(rows, weight.device)
    _device.launch(K.bound_norm, (values,), (where,), (length, bound, p), rows.size, 4 * length)
    if values is not weight._data:
        kept = make(values, weight._shape, dtypes.float32 if weight._dtype.is_half else weight._dtype)
        store(weight, flat(cast(kept, weight._dtype)))
    weight._version[0] += 1


@takes_arrays
def embedding(
    input: Tensor,
    weight: Tensor,
    padding_idx: int | None = None,
    max_norm: float | None = None,
    norm_type: float = 2.0,
    scale_grad_by_freq: bool = False,
    sparse: bool = False,
) -> Tensor:
    r"""Rows of a table by number, :math:`y_k = W_{i_k}`.

    The gradient of row v is the sum of the gradients of all positions that hold v, added in the order of the positions:
    the same bits on any number of threads.

    Parameters
    ----------
    input : Tensor of integers, of any shape (\*)
        Row numbers in [0, V).
    weight : Tensor of shape (V, D)
        The table.
    padding_idx : int, optional
        A row that gets no gradient; a negative one counts from the end.
    max_norm : float, optional
        Rows that are looked up and whose norm is above this are scaled down to it first, in place in `weight`.
    norm_type : float
        The p of that p-norm.
    scale_grad_by_freq : bool
        Divide the gradient of a row by how often it is looked up.
    sparse : bool
        Give a leaf `weight` a gradient of the rows that were looked up, an `nbnn.sparse.SparseTensor`, unless the
        gradient itself is differentiated.

    Returns
    -------
    Tensor of shape (\*, D)

    Raises
    ------
    IndexError
        If a number is outside [0, V): names the position and the value.
    ValueError
        If `weight` has not two axes, or an argument is out of range.
    TypeError
        If `input` holds no integers.

    Examples
    --------
    >>> import nbnn
    >>> import nbnn.nn.functional as F
    >>> F.embedding(nbnn.tensor([2, 0]), nbnn.tensor([[0.0, 1.0], [2.0, 3.0], [4.0, 5.0]]))
    tensor([[4., 5.],
            [0., 1.]])
    """
    op = "embedding"
    by_frequency = _check.flag(op, "scale_grad_by_freq", scale_grad_by_freq)
    if _check.tensor(op, "weight", weight).dim() != 2:
        raise ValueError(f"{op}: `weight` must have shape (V, D); got {weight._shape}")
    index = _ids(op, "input", input, weight._shape[0])
    padding = _padding(op, padding_idx, weight._shape[0])
    if max_norm is not None:
        _check.floating(op, "weight", weight)
        _bound_norms(op, weight, index, max_norm, norm_type)
    table = EMBEDDING_SPARSE if _check.flag(op, "sparse", sparse) else EMBEDDING
    return apply(table, weight, index, params=(padding, by_frequency))


ONE_HOT = Op(
    "one_hot",
    K.one_hot,
    shape=lambda params, index: ((*index, params[0]),),
    dtypes=(dtypes.int64,),
)


@takes_arrays
def one_hot(tensor: Tensor, num_classes: int = -1) -> Tensor:
    r"""Classes as rows of a unit matrix, :math:`y_{k,c} = 1` if :math:`t_k = c`, else 0.

    Parameters
    ----------
    tensor : Tensor of int64, of any shape (\*)
        Classes in [0, C).
    num_classes : int
        C; with -1 one more than the largest class.

    Returns
    -------
    Tensor of int64, of shape (\*, C)

    Raises
    ------
    IndexError
        If a class is outside [0, C): names the position and the value.
    ValueError
        If `num_classes` is neither positive nor -1, or is -1 where there are no classes to count.
    TypeError
        If `tensor` does not hold numbers of type int64.

    Examples
    --------
    >>> import nbnn
    >>> import nbnn.nn.functional as F
    >>> F.one_hot(nbnn.tensor([0, 2]), num_classes=3)
    tensor([[1, 0, 0],
            [0, 0, 1]])
    """
    op = "one_hot"
    count = _check.integer(op, "num_classes", num_classes)
    _check.index_dtype(op, "tensor", tensor, dtypes.int64)
    t: Tensor = tensor
    if count == -1:
        if t.numel() == 0:
            raise ValueError(f"{op}: `num_classes` (=-1) cannot be counted in a Tensor without elements")
        seen = cast(t.detach(), dtypes.int64).reshape(-1)
        count = max(1, int(seen[int(argmax(seen).item())].item()) + 1)
    elif count < 1:
        raise ValueError(f"{op}: `num_classes` (={num_classes}) must be at least 1, or -1")
    return apply(ONE_HOT, _ids(op, "tensor", t, count), params=(count,))
