"""Scaled dot-product attention."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

import nbnn.device as _device
from nbnn import dtypes
from nbnn.autograd import Node, enable_grad, grad, is_grad_enabled, no_grad
from nbnn.functional import _check
from nbnn.functional.array import cast, gt, mul, sum
from nbnn.functional.dropout import dropout
from nbnn.functional.linear import matmul
from nbnn.functional.pointwise import log
from nbnn.functional.shape import RESHAPE, broadcast_to, transpose
from nbnn.functional.softmax import softmax
from nbnn.kernels import attention as K
from nbnn.op import Op, apply, takes_arrays
from nbnn.tensor import Tensor, alias, flat, make

# inputs: Q (heads, L, E), K and V, which `repeats` heads share, mask or None, and where in it each head begins
# params: heads, L, S, E, F, repeats, steps of the mask by query and by key, scale, causal


def _shapes(params: tuple, *shapes: Any) -> tuple:
    heads, queries, _, _, wide = params[:5]
    return ((heads, queries, wide), (heads, queries, 2))


def _work(params: tuple, *shapes: Any) -> int:
    return params[2] * (params[3] + params[4] + 4)


def _grad(node: Node, g: Tensor) -> tuple:
    return (*apply(ATTENTION_BACKWARD, g, *node.saved, params=node.params), None, None)


ATTENTION = Op(
    "scaled_dot_product_attention",
    K.attention,
    shape=_shapes,
    dtypes=(None, None),
    count=lambda params, *_: params[0] * params[1],
    work=_work,
    grad=_grad,
    saves_inputs=(0, 1, 2, 3, 4),
    saves_outputs=(0, 1),
    fast=K.attention_fast,
    workspace=K.attention_workspace,
)


def _like(t: Tensor) -> Tensor:
    return make(_device.empty(t.numel(), t._dtype.storage, t.device), t._shape, t._dtype)


def _zeros_like(t: Tensor) -> Tensor:
    return make(_device.full(t.numel(), t._dtype.storage, t.device, 0), t._shape, t._dtype)


def _backward_forward(*inputs: Any) -> tuple:
    g, q, k, v, mask, mask_at, out, norms, params = inputs
    dq, dk, dv = _like(q), _like(k), _like(v)
    outs = (dq._data, dk._data, dv._data)
    ins = tuple(None if t is None else flat(t) for t in (g, q, k, v, mask, mask_at, out, norms))
    queries, keys = params[0] * params[1], params[0] // params[5] * params[2]
    if queries * params[2] == 0:
        return tuple(_zeros_like(t) for t in (q, k, v))
    fast = ATTENTION_BACKWARD.fast
    if fast is not None and q.device.type == "cpu":
        space = K.attention_backward_workspace(*params)
        work = 3 * _work(params)
        _device.launch(K.attention_backward_query, outs, ins, params, queries, work, fast, space)
    else:
        _device.launch(K.attention_backward_query, outs[:1], ins, params, queries, _work(params))
        _device.launch(K.attention_backward_key, outs[1:], ins, params, keys, queries * params[3])
    return dq, dk, dv


def _backward_grad(node: Node, *grads: Tensor) -> tuple:
    """The second gradient, by differentiating the composition of products and softmax twice.

    Raises
    ------
    RuntimeError
        If its own graph is asked for.
    """
    if is_grad_enabled():
        raise RuntimeError("attention: gradients of higher order than the second are not supported")
    g, q, k, v = (alias(t).requires_grad_() for t in node.saved[:4])
    mask, mask_at = node.saved[4:]
    with no_grad():
        added, seen = _full_mask(q, mask, mask_at, node.params)
    with enable_grad():
        out = _composed(q, k, v, added, seen, node.params, 0.0)
        first = grad(out, (q, k, v), g, create_graph=True)
        second = grad(first, (g, q, k, v), grads)
    return (*second, None, None, None, None)


ATTENTION_BACKWARD = Op(
    "scaled_dot_product_attention_backward",
    forward=_backward_forward,
    grad=_backward_grad,
    saves_inputs=(0, 1, 2, 3, 4, 5),
    fast=K.attention_backward_fast,
)


# -- the composition of other ops: with dropout, with a mask that has a gradient, and for second gradients ----------


_LOWEST = -1e30  # stands for -inf where a row of nothing but -inf would give NaN


def _finite(mask: Tensor) -> Tensor:
    """The mask without -inf; what it replaces has probability 0 in any case, and so has its gradient."""
    return apply(FINITE, mask, params=(_LOWEST,))


FINITE = Op("finite_mask", K.at_least, grad=lambda node, g: (g,))


def _full_mask(q: Tensor, mask: Tensor | None, mask_at: Tensor | None, params: tuple) -> tuple[Any, Any]:
    """What to add to the scores (heads or 1, L or 1, S), and 1 for the queries that see a key, 0 for the others."""
    _, queries, keys, *_, causal = params
    added = None
    if causal:
        late = np.triu(np.full((1, queries, keys), -np.inf, q._dtype.storage), 1)
        added = make(_device.from_host(late.reshape(-1), q.device), late.shape, q._dtype)
    if mask is not None:
        picked = mask
        if mask_at is not None and mask._shape[0] > 1:
            picked = mask[(_device.to_host(flat(mask_at)) // math.prod(mask._shape[1:])).tolist()]
        added = picked if added is None else added + picked
    return (None, None) if added is None else lowered(added, q._dtype)


def lowered(added: Tensor, kind: dtypes.dtype) -> tuple[Tensor, Tensor]:
    """The mask without -inf, and 1 for the queries that it lets see a key, 0 for the others."""
    with no_grad():
        seen = cast(gt(sum(cast(gt(added, -math.inf), kind), -1, True), 0), kind)
    return _finite(added), seen


def _composed(q: Tensor, k: Tensor, v: Tensor, added: Any, seen: Any, params: tuple, p: float) -> Tensor:
    heads, _, keys, width, wide, repeats, _, _, scale, _ = params
    if repeats > 1:
        k, v = (
            apply(RESHAPE, broadcast_to(
                apply(RESHAPE, t, params=((heads // repeats, 1, keys, n),)), (heads // repeats, repeats, keys, n)
            ), params=((heads, keys, n),))
            for t, n in ((k, width), (v, wide))
        )  # fmt: skip
    scores = matmul(mul(q, scale), transpose(k, 1, 2))
    weights = softmax(scores if added is None else scores + added, -1)
    weights = weights if seen is None else weights * seen
    return matmul(dropout(weights, p) if p else weights, v)


# -- the public function -------------------------------------------------------------------------------------------

_NAME = "scaled_dot_product_attention"


def _check_inputs(query: Any, key: Any, value: Any, grouped: bool) -> tuple[tuple, int]:
    """The leading axes of the result, and how many heads of `query` share one of `key`."""
    for name, t in (("query", query), ("key", key), ("value", value)):
        _check.floating(_NAME, name, t)
        if t.dim() < 2:
            raise ValueError(f"{_NAME}: `{name}` must have at least 2 axes; got shape {t._shape}")
    _check.same_dtype(_NAME, query=query, key=key, value=value)
    if query._shape[-1] != key._shape[-1]:
        raise ValueError(
            f"{_NAME}: `query` and `key` must have the same last size; got {query._shape} and {key._shape}"
        )
    if key._shape[-2] != value._shape[-2]:
        raise ValueError(
            f"{_NAME}: `key` and `value` must have the same number of positions; got {key._shape} and {value._shape}"
        )
    repeats = 1
    if grouped:
        if min(t.dim() for t in (query, key, value)) < 3:
            raise ValueError(f"{_NAME}: `enable_gqa` needs an axis of heads; got query {query._shape}")
        heads, shared = query._shape[-3], key._shape[-3]
        if shared == 0 or heads % shared or value._shape[-3] != shared:
            raise ValueError(
                f"{_NAME}: with `enable_gqa` the heads of `query` (={heads}) must be a multiple of those of `key` and "
                f"`value`; got {key._shape} and {value._shape}"
            )
        repeats = heads // shared
        leads = (t._shape[:-3] for t in (query, key, value))
        return (*_check.broadcast_shapes(_NAME, *leads), heads), repeats
    return _check.broadcast_shapes(_NAME, *(t._shape[:-2] for t in (query, key, value))), repeats


def _as_added(mask: Any, query: Tensor, lead: tuple, keys: int) -> tuple[Tensor, Tensor]:
    """The mask as numbers to add, of shape (M, L or 1, S or 1), and where the one of each head begins."""
    _check.tensor(_NAME, "attn_mask", mask)
    queries = query._shape[-2]
    shape = (*lead, queries, keys)
    padded = (1,) * max(0, 2 - mask.dim()) + mask._shape
    fits = len(padded) <= len(shape) and all(m in (1, n) for m, n in zip(padded[::-1], shape[::-1], strict=False))
    if not fits:
        raise ValueError(f"{_NAME}: `attn_mask` must broadcast to {shape}; got {mask._shape}")
    if mask._dtype is dtypes.bool_:
        with no_grad():
            mask = log(cast(mask, query._dtype))
    elif mask._dtype is not query._dtype:
        raise TypeError(f"{_NAME}: `attn_mask` must be of bool or {query._dtype!r}; got {mask._dtype!r}")
    own = (1,) * (len(shape) - len(padded)) + padded
    many = math.prod(own[:-2])
    at = np.broadcast_to(np.arange(many).reshape(own[:-2]), lead).reshape(-1) * math.prod(own[-2:])
    starts = np.ascontiguousarray(at, np.int64)
    mask = apply(RESHAPE, mask, params=((many, *own[-2:]),))
    return mask, make(_device.from_host(starts, query.device), starts.shape, dtypes.int64)


def _flat_heads(t: Tensor, lead: tuple) -> Tensor:
    shape = (*lead, *t._shape[-2:])
    t = t if t._shape == shape else broadcast_to(t, shape)
    return apply(RESHAPE, t, params=((math.prod(lead), *shape[-2:]),))


@takes_arrays
def scaled_dot_product_attention(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attn_mask: Tensor | None = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    scale: float | None = None,
    enable_gqa: bool = False,
) -> Tensor:
    r"""Attention, :math:`\mathrm{softmax}(s \, Q K^\mathsf{T} + M) \, V`, computed block by block.

    Neither the scores nor their softmax are ever in memory as a whole, unless dropout or a gradient of the mask asks
    for it. A query that may see no key gives zeros, in the output and in the gradients.

    Parameters
    ----------
    query : Tensor or array of shape (..., L, E)
    key : Tensor of shape (..., S, E)
    value : Tensor of shape (..., S, F)
        The leading axes broadcast.
    attn_mask : Tensor, optional
        M, which broadcasts to (..., L, S): numbers to add to the scores, or bools, where False forbids.
    dropout_p : float
        Probability of dropping an attention weight; applied whenever it is not 0.
    is_causal : bool
        Query i sees the keys 0 to i.
    scale : float, optional
        s; :math:`1 / \sqrt{E}` by default.
    enable_gqa : bool
        Let groups of neighbouring heads (the third axis from the end) of `query` share a head of `key` and `value`.

    Returns
    -------
    Tensor of shape (..., L, F)

    Raises
    ------
    ValueError
        If shapes do not fit together, or there are both `attn_mask` and `is_causal`.
    TypeError
        If the types differ or are not floating-point.

    References
    ----------
    Vaswani et al., "Attention Is All You Need", 2017; Dao et al., "FlashAttention", 2022.

    Examples
    --------
    >>> import nbnn
    >>> import nbnn.nn.functional as F
    >>> q = nbnn.tensor([[0.0], [0.0]])
    >>> F.scaled_dot_product_attention(q, q, nbnn.tensor([[1.0], [3.0]]), is_causal=True)
    tensor([[1.],
            [2.]])
    """
    is_causal, enable_gqa = (
        _check.flag(_NAME, n, v) for n, v in (("is_causal", is_causal), ("enable_gqa", enable_gqa))
    )
    lead, repeats = _check_inputs(query, key, value, enable_gqa)
    p = _check.probability(_NAME, "dropout_p", dropout_p)
    queries, width = query._shape[-2:]
    keys, wide = value._shape[-2:]
    factor = 1.0 / math.sqrt(max(width, 1)) if scale is None else _check.number(_NAME, "scale", scale)
    if is_causal and attn_mask is not None:
        raise ValueError(f"{_NAME}: `is_causal` and `attn_mask` must not be given together")
    if query._dtype.is_half:
        mask = attn_mask
        if attn_mask is not None and attn_mask._dtype.is_half:
            mask = cast(attn_mask, dtypes.float32)
        tensors = (cast(t, dtypes.float32) for t in (query, key, value))
        return cast(scaled_dot_product_attention(*tensors, mask, p, is_causal, scale, enable_gqa), query._dtype)
    mask = mask_at = None
    row = column = 0
    if attn_mask is not None:
        mask, mask_at = _as_added(attn_mask, query, lead, keys)
        row, column = (0 if mask._shape[1] == 1 else mask._shape[2]), int(mask._shape[2] > 1)
    shared = (*lead[:-1], lead[-1] // repeats) if repeats > 1 else lead
    q, k, v = _flat_heads(query, lead), _flat_heads(key, shared), _flat_heads(value, shared)
    params = (math.prod(lead), queries, keys, width, wide, repeats, row, column, factor, int(is_causal))
    if p > 0 or (mask is not None and mask.requires_grad and is_grad_enabled()):
        out = _composed(q, k, v, *_full_mask(q, mask, mask_at, params), params, p)
    else:
        out, _ = apply(ATTENTION, q, k, v, mask, mask_at, params=params)
        if out._node is not None:
            out._node.outputs = ()  # nobody sees the second output: one gradient comes, and no zeros are made
    return apply(RESHAPE, out, params=((*lead, queries, wide),))
