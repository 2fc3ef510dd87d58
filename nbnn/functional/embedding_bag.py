"""Sums, means and maxima of bags of rows of a table."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

import nbnn.device as _device
from nbnn import dtypes
from nbnn.autograd import Node
from nbnn.functional import _check
from nbnn.functional.array import cast, mul
from nbnn.functional.embedding import _bound_norms, _buckets, _ids, _inverse_counts, _padding, rows_alone, sparse_rows
from nbnn.functional.gathering import index_select
from nbnn.functional.indexing import narrow
from nbnn.functional.shape import RESHAPE
from nbnn.kernels import embedding_bag as K
from nbnn.op import Op, apply, takes_arrays
from nbnn.tensor import Tensor, flat, make

_INT64 = dtypes.int64.storage

# Inputs of the ops: ids (K,), starts of the bags (B + 1,), the bag of each position (K,); then the factors.


def _out(shape: tuple, like: Tensor) -> Tensor:
    return make(_device.empty(math.prod(shape), like._dtype.storage, like.device), shape, like._dtype)


# -- sums: the multilinear form of `K` ---------------------------------------------------------------------------------
# params: slot, V, D, B, padding. The factors: g (B, D), W (V, D), s (K,), of which the one at `slot` is missing.


def _sum_forward(*inputs: Any) -> tuple[Tensor]:
    index, starts, bag, g, weight, scale, params = inputs
    slot, rows, length, bags, padding = params
    count = index._shape[0]
    each = 1 + 2 * length
    if slot == 0:
        out = _out((bags, length), weight)
        ins = (flat(weight), flat(scale), flat(index), flat(starts))
        work = each * (1 + count // max(bags, 1))
        _device.launch(K.bag_sum, (out._data,), ins, (length, padding), bags if length else 0, work)
    elif slot == 1:
        out = _out((rows, length), g)
        ends, order = _buckets(index, rows, padding)
        sources = (flat(g), flat(scale), flat(bag), ends, order)
        work = each * (1 + count // max(rows, 1))
        _device.launch(K.bag_table, (out._data,), sources, (length,), rows if length else 0, work)
    else:
        out = _out((count,), g)
        factors = (flat(g), flat(weight), flat(index), flat(bag))
        _device.launch(K.bag_dot, (out._data,), factors, (length, padding), count, each)
    return (out,)


def _sum_grad(node: Node, u: Tensor) -> tuple:
    """The form is linear in each factor: `u` stands in the slot, and the factor asked for is left out."""
    places, factors = node.saved[:3], list(node.saved[3:])
    factors[node.params[0]] = u
    grads: list[Any] = [None] * 6
    for k in range(3):
        if node.needs[3 + k]:
            others = [None if j == k else f for j, f in enumerate(factors)]
            grads[3 + k] = apply(BAG_SUM, *places, *others, params=(k, *node.params[1:]))
    return tuple(grads)


def _sparse_sum_grad(node: Node, u: Tensor) -> tuple:
    """As `_sum_grad`, but the gradient of a leaf W is that of the rows that were looked up, if it is not recorded."""
    if not rows_alone(node, 4):
        return _sum_grad(node, u)
    index, starts, bag, _, weight, scale = node.saved
    grads: list[Any] = [None] * 6
    values = index_select(u, 0, bag) * scale.reshape(-1, 1)
    grads[4] = sparse_rows(index.clone(), values, node.params[-1], weight._shape)
    if node.needs[5]:
        grads[5] = apply(BAG_SUM, index, starts, bag, u, weight, None, params=(2, *node.params[1:]))
    return tuple(grads)


BAG_SUM = Op("embedding_bag", forward=_sum_forward, saves_inputs=tuple(range(6)), grad=_sum_grad)
BAG_SUM_SPARSE = Op("embedding_bag", forward=_sum_forward, saves_inputs=tuple(range(6)), grad=_sparse_sum_grad)

# -- maxima: params are V and D and the padding ---------------------------------------------------------------------


def _max_forward(weight: Tensor, index: Tensor, starts: Tensor, bag: Tensor, params: tuple) -> tuple[Tensor, Tensor]:
    length, padding = params[1:]
    shape = (starts._shape[0] - 1, length)
    out, place = _out(shape, weight), _out(shape, index)
    work = 2 * (1 + index._shape[0] // max(shape[0], 1))
    ins = (flat(weight), flat(index), flat(starts))
    _device.launch(K.bag_max, (out._data, place._data), ins, (length, padding), math.prod(shape), work)
    return out, place


def _pick_forward(weight: Tensor, place: Tensor, index: Tensor, bag: Tensor, params: tuple) -> tuple[Tensor]:
    out = _out(place._shape, weight)
    ins = (flat(weight), flat(place), flat(index))
    _device.launch(K.bag_pick, (out._data,), ins, (params[1],), place.numel(), 4)
    return (out,)


def _put_forward(g: Tensor, place: Tensor, index: Tensor, bag: Tensor, params: tuple) -> tuple[Tensor]:
    rows, length, padding = params
    out = _out((rows, length), g)
    ends, order = _buckets(index, rows, padding)
    ins = (flat(g), flat(place), flat(bag), ends, order)
    work = 2 * length * (1 + index._shape[0] // max(rows, 1))
    _device.launch(K.bag_put, (out._data,), ins, (length,), rows if length else 0, work)
    return (out,)


def _max_grad(node: Node, g: Tensor) -> tuple:
    index, bag, place = node.saved
    return (apply(BAG_PUT, g, place, index, bag, params=node.params), None, None, None)


BAG_MAX = Op("embedding_bag", forward=_max_forward, saves_inputs=(1, 3), saves_outputs=(1,), grad=_max_grad, hidden=1)
BAG_PICK: Op = Op(
    "embedding_bag_pick",
    forward=_pick_forward,
    saves_inputs=(1, 2, 3),
    grad=lambda node, g: (apply(BAG_PUT, g, *node.saved, params=node.params), None, None, None),
)
BAG_PUT: Op = Op(
    "embedding_bag_put",
    forward=_put_forward,
    saves_inputs=(1, 2, 3),
    grad=lambda node, g: (apply(BAG_PICK, g, *node.saved, params=node.params), None, None, None),
)

# The table itself, whose gradient is divided by how often each row is looked up.
BY_FREQUENCY = Op(
    "embedding_bag_frequency",
    forward=lambda weight, factor, params: (make(flat(weight), weight._shape, weight._dtype),),
    saves_inputs=(1,),
    grad=lambda node, g: (mul(g, node.saved[0]), None),
)


def _starts(op: str, offsets: Any, count: int, include_last: bool) -> np.ndarray:
    """The B + 1 starts of the bags from checked offsets: the last one is where the last bag ends."""
    _check.index_dtype(op, "offsets", offsets, dtypes.int64, dtypes.int32)
    if offsets.dim() != 1:
        raise ValueError(f"{op}: `offsets` must have one axis; got shape {offsets._shape}")
    values = _device.to_host(flat(cast(offsets, dtypes.int64)))
    if not values.size:
        if include_last:
            raise ValueError(f"{op}: `offsets` must hold at least the last offset with `include_last_offset` (=True)")
        if count:
            raise ValueError(f"{op}: `offsets` is empty, but `input` has {count} ids, which lie in no bag")
    elif values[0] != 0:
        raise ValueError(f"{op}: `offsets`[0] (={values[0]}) must be 0")
    falls = np.flatnonzero(values[1:] < values[:-1])
    if falls.size:
        k = int(falls[0]) + 1
        raise ValueError(f"{op}: `offsets` must not decrease; got {values[k - 1]} and then {values[k]} at [{k}]")
    if values.size and values[-1] > count:
        k = int(np.flatnonzero(values > count)[0])
        raise ValueError(f"{op}: `offsets`[{k}] (={values[k]}) must be at most {count}, the number of ids")
    return values.copy() if include_last else np.append(values, np.int64(count))


def _check_bags(op: str, input: Any, weight: Any, mode: Any, psw: Any, by_frequency: Any, sparse: Any) -> None:
    _check.floating(op, "weight", weight)
    _check.index_dtype(op, "input", input, dtypes.int64, dtypes.int32)
    by_frequency = _check.flag(op, "scale_grad_by_freq", by_frequency)
    if weight.dim() != 2:
        raise ValueError(f"{op}: `weight` must have shape (V, D); got {weight._shape}")
    if input.dim() not in (1, 2):
        raise ValueError(f"{op}: `input` must have shape (B, L), or (K,) with `offsets`; got {input._shape}")
    if not isinstance(mode, str) or mode not in ("sum", "mean", "max"):
        raise ValueError(f"{op}: `mode` (={mode!r}) must be one of 'sum', 'mean', 'max'")
    if _check.flag(op, "sparse", sparse) and (by_frequency or mode == "max"):
        asked = "scale_grad_by_freq" if by_frequency else "mode 'max'"
        raise ValueError(f"{op}: `sparse` (={sparse}) must be False with {asked}, whose gradients are dense")
    if by_frequency and mode == "max":
        raise ValueError(f"{op}: `scale_grad_by_freq` (={by_frequency}) must be False for mode 'max'")
    if psw is not None:
        _check.same_dtype(op, weight=weight, per_sample_weights=psw)
        if mode != "sum":
            raise ValueError(f"{op}: `per_sample_weights` must be None for mode {mode!r}: they are for mode 'sum'")
        if psw._shape != input._shape:
            raise ValueError(
                f"{op}: `per_sample_weights` must have the shape of `input`; got {psw._shape} and {input._shape}"
            )


def _shares(starts: np.ndarray, ids: np.ndarray, padding: int, mean: bool, like: Tensor) -> Tensor:
    """What each position weighs without weights of its own: 1, or 1 / (positions of its bag that count)."""
    scale = np.ones(ids.size, like._dtype.storage)
    if mean:
        counting = np.concatenate(([0], np.cumsum(ids != padding)))
        counts = counting[starts[1:]] - counting[starts[:-1]]
        scale = np.repeat((1.0 / np.maximum(counts, 1)).astype(scale.dtype), np.diff(starts))
    return make(_device.from_host(scale, like.device), scale.shape, like._dtype)


def _pooled(
    table: Tensor, index: Tensor, starts: np.ndarray, padding: int, mode: str, psw: Tensor | None, sparse: bool
) -> Tensor:
    """The bags of checked ids."""
    where = index.device
    numbers = np.repeat(np.arange(starts.size - 1, dtype=_INT64), np.diff(starts))
    first, bag = (make(_device.from_host(a, where), a.shape, dtypes.int64) for a in (starts, numbers))
    rows, length = table._shape
    if mode == "max":
        return apply(BAG_MAX, table, index, first, bag, params=(rows, length, padding))
    if psw is None:
        psw = _shares(starts, _device.to_host(flat(index)), padding, mode == "mean", table)
    params = (0, rows, length, starts.size - 1, padding)
    return apply(BAG_SUM_SPARSE if sparse else BAG_SUM, index, first, bag, None, table, psw, params=params)


@takes_arrays
def embedding_bag(
    input: Tensor,
    weight: Tensor,
    offsets: Tensor | None = None,
    max_norm: float | None = None,
    norm_type: float = 2,
    scale_grad_by_freq: bool = False,
    mode: str = "mean",
    sparse: bool = False,
    per_sample_weights: Tensor | None = None,
    include_last_offset: bool = False,
    padding_idx: int | None = None,
) -> Tensor:
    r"""Sums, means or maxima of bags of rows of a table, :math:`y_b = \sum_{k \in b} s_k W_{i_k}`.

    The rows are not written anywhere in between. Gradients are summed in the order of the positions: the same bits on
    any number of threads. A bag without ids gives zeros.

    Parameters
    ----------
    input : Tensor of integers, of shape (B, L) or (K,)
        Row numbers in [0, V): B bags of L, or K of them cut into bags by `offsets`.
    weight : Tensor of shape (V, D)
        The table.
    offsets : Tensor of integers, of shape (B,), optional
        Where each bag starts in an `input` of one axis: 0 first, not decreasing, at most K.
    max_norm : float, optional
        Rows that are looked up and whose norm is above this are scaled down to it first, in place in `weight`.
    norm_type : float
        The p of that p-norm.
    scale_grad_by_freq : bool
        Divide the gradient of a row by how often it is looked up; not for mode "max".
    mode : {"mean", "sum", "max"}
    sparse : bool
        Give a leaf `weight` of float32 or float64 a gradient of the rows that were looked up, an
        `nbnn.sparse.SparseTensor`, unless the gradient itself is differentiated; not for mode "max", nor with
        `scale_grad_by_freq`.
    per_sample_weights : Tensor of the shape of `input`, optional
        The s, for mode "sum" only; otherwise 1, or 1 / (ids of the bag).
    include_last_offset : bool
        Whether `offsets` holds one more, the end of the last bag.
    padding_idx : int, optional
        Ids that do not count; a negative one counts from the end of the table.

    Returns
    -------
    Tensor of shape (B, D)

    Raises
    ------
    IndexError
        If a number is outside [0, V): names the position and the value.
    ValueError
        If shapes, offsets or modes break these rules.
    TypeError
        If `input` or `offsets` hold no integers, or `per_sample_weights` has another type than `weight`.

    Examples
    --------
    >>> import nbnn
    >>> import nbnn.nn.functional as F
    >>> table = nbnn.tensor([[0.0, 1.0], [2.0, 3.0], [4.0, 5.0]])
    >>> F.embedding_bag(nbnn.tensor([2, 0, 1]), table, nbnn.tensor([0, 2]), mode="sum")
    tensor([[4., 6.],
            [2., 3.]])
    """
    op = "embedding_bag"
    _check_bags(op, input, weight, mode, per_sample_weights, scale_grad_by_freq, sparse)
    rows = weight._shape[0]
    index = _ids(op, "input", input, rows)
    padding = _padding(op, padding_idx, rows)
    if input.dim() == 2:
        if offsets is not None:
            raise ValueError(f"{op}: `offsets` must be None for an input of two axes; got input {input._shape}")
        bags, each = input._shape
        starts = np.arange(bags + 1, dtype=_INT64) * each
        index = apply(RESHAPE, index, params=((bags * each,),))
    else:
        if offsets is None:
            raise ValueError(f"{op}: `offsets` must be given for an input of one axis; got input {input._shape}")
        starts = _starts(op, offsets, input._shape[0], _check.flag(op, "include_last_offset", include_last_offset))
    if max_norm is not None:
        _bound_norms(op, weight, index, max_norm, norm_type)
    kind = dtypes.float32 if weight._dtype.is_half else weight._dtype
    table = cast(weight, kind)
    if scale_grad_by_freq:
        factor = _inverse_counts(_buckets(index, rows, padding)[0], kind, index)
        table = apply(BY_FREQUENCY, table, make(factor, (rows, 1), kind))
    used = int(starts[-1])
    psw = per_sample_weights
    if psw is not None:
        psw = narrow(apply(RESHAPE, cast(psw, kind), params=((index._shape[0],),)), 0, 0, used)
    return cast(_pooled(table, narrow(index, 0, 0, used), starts, padding, mode, psw, bool(sparse)), weight._dtype)
