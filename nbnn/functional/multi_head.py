"""Multi-head attention: projections into heads, masks, attention, and the projection of what the heads give."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from nbnn import dtypes
from nbnn.autograd import no_grad
from nbnn.functional import _check
from nbnn.functional.array import cast, mean, mul
from nbnn.functional.attention import lowered, scaled_dot_product_attention
from nbnn.functional.comparison import equal
from nbnn.functional.creation import full, zeros
from nbnn.functional.dropout import dropout
from nbnn.functional.joining import cat
from nbnn.functional.linear import linear, matmul
from nbnn.functional.masking import masked_fill
from nbnn.functional.padding import pad
from nbnn.functional.rearrange import triu
from nbnn.functional.shape import broadcast_to, permute, reshape, squeeze, transpose, unsqueeze
from nbnn.functional.softmax import softmax
from nbnn.functional.views import split
from nbnn.op import takes_arrays
from nbnn.tensor import Tensor

_NAME = "multi_head_attention_forward"


# -- masks: True or -inf forbids a key to a query --------------------------------------------------------------------


def subsequent_mask(queries: int, keys: int, device: Any = None, dtype: Any = None) -> Tensor:
    """What hides the keys after each query: 0 where the key comes no later, -inf elsewhere."""
    return triu(full((queries, keys), -math.inf, dtype=dtype, device=device), 1)


def is_subsequent_mask(mask: Tensor) -> bool:
    """Whether a mask of bools or numbers, of shape (L, S), says just that no query sees a later key."""
    truth = mask._dtype is dtypes.bool_
    if mask.dim() != 2 or not (truth or mask._dtype.is_floating_point):
        return False
    queries, keys = mask._shape
    with no_grad():
        later = subsequent_mask(queries, keys, mask.device, dtypes.float32 if truth else mask._dtype)
        return equal(mask, later < 0 if truth else later)


def _as_added(name: str, mask: Any, like: Tensor) -> Tensor:
    """A mask as numbers to add to the scores, in their type: float32 for halves, as the scores are."""
    _check.tensor(_NAME, name, mask)
    kind = dtypes.float32 if like._dtype.is_half else like._dtype
    if mask._dtype is dtypes.bool_:
        return masked_fill(zeros(*mask._shape, dtype=kind, device=like.device), mask, -math.inf)
    if not mask._dtype.is_floating_point:
        raise TypeError(f"{_NAME}: `{name}` must be of bool or of a floating-point type; got {mask._dtype!r}")
    return cast(mask, kind)


def _attention_mask(mask: Any, q: Tensor, keys: int, single: bool) -> Tensor:
    """`attn_mask` as numbers of shape (1, 1, L, S) or (N, H, L, S)."""
    added = _as_added("attn_mask", mask, q)
    batch, heads, queries, _ = q._shape
    if added._shape == (queries, keys):
        return reshape(added, 1, 1, queries, keys)
    if added._shape == (batch * heads, queries, keys):
        return reshape(added, batch, heads, queries, keys)
    each = f"{heads} heads" if single else f"{batch * heads} of batch times heads"
    raise ValueError(
        f"{_NAME}: `attn_mask` must have shape ({queries}, {keys}), or the {each} before it; got {mask._shape}"
    )


def _padding_mask(mask: Any, q: Tensor, keys: int, single: bool) -> Tensor:
    """`key_padding_mask` as numbers of shape (N, 1, 1, S)."""
    added = _as_added("key_padding_mask", mask, q)
    batch = q._shape[0]
    wanted = (keys,) if single else (batch, keys)
    if added._shape != wanted:
        raise ValueError(f"{_NAME}: `key_padding_mask` must have shape {wanted}; got {mask._shape}")
    return reshape(added, batch, 1, 1, keys)


def _mask(
    attn_mask: Any, padding: Any, q: Tensor, keys: int, extra: int, causal: bool, need_weights: bool, single: bool
) -> tuple[Tensor | None, bool]:
    """What is to be added to the scores, and whether a plain causal mask takes its place.

    The `extra` keys at the end are seen by every query.
    """
    added = None if attn_mask is None else _attention_mask(attn_mask, q, keys, single)
    hidden = None if padding is None else _padding_mask(padding, q, keys, single)
    if causal:
        alone = not need_weights and padding is None and not extra
        if alone and (attn_mask is None or (not attn_mask.requires_grad and is_subsequent_mask(attn_mask))):
            return None, True
        if attn_mask is None:
            added = _as_added("attn_mask", subsequent_mask(q._shape[2], keys, q.device, q._dtype), q)
            added = reshape(added, 1, 1, *added._shape)
    both = [t for t in (added, hidden) if t is not None]
    total = both[0] + both[1] if len(both) == 2 else both[0] if both else None
    return (pad(total, (0, extra)) if total is not None and extra else total), False


# -- projections and heads -------------------------------------------------------------------------------------------


def _check_shape(name: str, t: Any, shape: tuple, like: Tensor) -> None:
    """`t` must be a Tensor of this shape, and of the type of the query."""
    _check.same_dtype(_NAME, query=like, **{name: _check.tensor(_NAME, name, t)})
    if t._shape != shape:
        raise ValueError(f"{_NAME}: `{name}` must have shape {shape}; got {t._shape}")


def _check_inputs(query: Any, key: Any, value: Any, width: Any, heads: Any, separate: bool) -> bool:
    """Whether there is a single sequence, without a batch."""
    for name, t in (("query", query), ("key", key), ("value", value)):
        _check.floating(_NAME, name, t)
    _check.same_dtype(_NAME, query=query, key=key, value=value)
    shapes = f"query {query._shape}, key {key._shape}, value {value._shape}"
    if query.dim() not in (2, 3) or key.dim() != query.dim() or value.dim() != query.dim():
        raise ValueError(
            f"{_NAME}: `query`, `key` and `value` must have 3 axes, or all of them 2 without a batch; got {shapes}"
        )
    width, heads = _check.integer(_NAME, "embed_dim_to_check", width, 1), _check.integer(_NAME, "num_heads", heads, 1)
    if width % heads:
        raise ValueError(f"{_NAME}: `embed_dim_to_check` (={width}) must be divisible by `num_heads` (={heads})")
    if query._shape[-1] != width:
        raise ValueError(f"{_NAME}: `query` must have a last size of {width}; got {shapes}")
    if not separate and (key._shape[-1] != width or value._shape[-1] != width):
        raise ValueError(f"{_NAME}: `key` and `value` must have a last size of {width}; got {shapes}")
    if key._shape[:-1] != value._shape[:-1] or key._shape[1:-1] != query._shape[1:-1]:
        raise ValueError(
            f"{_NAME}: `key` and `value` must have one length, and the batch size of `query`; got {shapes}"
        )
    return query.dim() == 2


def _check_output(weight: Any, bias: Any, query: Tensor) -> None:
    width = query._shape[-1]
    _check_shape("out_proj_weight", weight, (width, width), query)
    if bias is not None:
        _check_shape("out_proj_bias", bias, (width,), query)


def each_once(function: Callable[[Tensor], Tensor], *tensors: Tensor) -> tuple[Tensor, ...]:
    """The function of each; what was one Tensor stays one."""
    done = {id(t): t for t in tensors}
    done = {key: function(t) for key, t in done.items()}
    return tuple(done[id(t)] for t in tensors)


def _projected(
    query: Tensor, key: Tensor, value: Tensor, packed: Any, apart: tuple | None, bias: Any
) -> tuple[Tensor, ...]:
    """Query, key and value times weights of their own, or thirds of one: one product for what is one Tensor."""
    width = query._shape[-1]
    if bias is not None:
        _check_shape("in_proj_bias", bias, (3 * width,), query)
    if apart is not None:
        for name, t, weight in zip("qkv", (query, key, value), apart, strict=True):
            _check_shape(f"{name}_proj_weight", weight, (width, t._shape[-1]), query)
    else:
        _check_shape("in_proj_weight", packed, (3 * width, width), query)
        if query is key and key is value:
            return split(linear(query, packed, bias), width, -1)
        if key is value:
            parts = [width, 2 * width]
            (wq, wkv), (bq, bkv) = split(packed, parts), (None, None) if bias is None else split(bias, parts)
            return (linear(query, wq, bq), *split(linear(key, wkv, bkv), width, -1))
    biases = (None,) * 3 if bias is None else split(bias, width)
    return tuple(map(linear, (query, key, value), apart or split(packed, width), biases))


def _with_bias(k: Tensor, v: Tensor, bias_k: Any, bias_v: Any, static: bool) -> tuple[Tensor, Tensor]:
    """One more key and value for every sequence: the learned ones."""
    if bias_k is None and bias_v is None:
        return k, v
    if bias_k is None or bias_v is None or static:
        raise ValueError(
            f"{_NAME}: `bias_k` and `bias_v` must be given together, and not with `static_k` or `static_v`"
        )
    _, batch, width = k._shape
    _check_shape("bias_k", bias_k, (1, 1, width), k)
    _check_shape("bias_v", bias_v, (1, 1, width), v)
    row = (1, batch, width)
    return cat([k, broadcast_to(bias_k, row)]), cat([v, broadcast_to(bias_v, row)])


def _in_heads(t: Tensor, heads: int) -> Tensor:
    """(S, N, E) seen as (N, H, S, E / H)."""
    return permute(reshape(t, *t._shape[:2], heads, t._shape[2] // heads), 1, 2, 0, 3)


def _static(static_k: Any, static_v: Any, k: Tensor, v: Tensor) -> tuple[Tensor, Tensor]:
    """Keys and values in heads: those that come so, or else the projected ones."""
    batch, heads, _, size = k._shape
    found = []
    for name, given, t in (("static_k", static_k, k), ("static_v", static_v, v)):
        if given is not None:
            _check.same_dtype(_NAME, query=k, **{name: given})
            if given.dim() != 3 or given._shape[0] != batch * heads or given._shape[2] != size:
                wanted = f"({batch * heads}, S, {size}), batch times heads first"
                raise ValueError(f"{_NAME}: `{name}` must have shape {wanted}; got {given._shape}")
            t = reshape(given, batch, heads, given._shape[1], size)
        found.append(t)
    if found[0]._shape != found[1]._shape:
        got = f"{found[0]._shape[2]} and {found[1]._shape[2]}"
        raise ValueError(f"{_NAME}: `static_k` and `static_v` must make keys and values equally many; got {got}")
    return found[0], found[1]


def _attend(
    q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None, p: float, causal: bool, need_weights: bool
) -> tuple[Tensor, Tensor | None]:
    """What the heads give, and their weights where they are asked for; a query that sees no key has zeros in both."""
    if not need_weights:
        return scaled_dot_product_attention(q, k, v, mask, p, causal), None
    kind = q._dtype
    if kind.is_half:
        q, k, v = (cast(t, dtypes.float32) for t in (q, k, v))
    scores = matmul(mul(q, 1.0 / math.sqrt(q._shape[-1])), transpose(k, -2, -1))
    if mask is None:
        weights = softmax(scores, -1)
    else:
        finite, seen = lowered(mask, q._dtype)
        weights = softmax(scores + finite, -1) * seen
    weights = dropout(weights, p) if p else weights
    return cast(matmul(weights, v), kind), cast(weights, kind)


# -- the public function ---------------------------------------------------------------------------------------------


@takes_arrays
def multi_head_attention_forward(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    embed_dim_to_check: int,
    num_heads: int,
    in_proj_weight: Tensor | None,
    in_proj_bias: Tensor | None,
    bias_k: Tensor | None,
    bias_v: Tensor | None,
    add_zero_attn: bool,
    dropout_p: float,
    out_proj_weight: Tensor,
    out_proj_bias: Tensor | None,
    training: bool = True,
    key_padding_mask: Tensor | None = None,
    need_weights: bool = True,
    attn_mask: Tensor | None = None,
    use_separate_proj_weight: bool = False,
    q_proj_weight: Tensor | None = None,
    k_proj_weight: Tensor | None = None,
    v_proj_weight: Tensor | None = None,
    static_k: Tensor | None = None,
    static_v: Tensor | None = None,
    average_attn_weights: bool = True,
    is_causal: bool = False,
) -> tuple[Tensor, Tensor | None]:
    r"""Attention in H heads side by side, each on its own projection of query, key and value.

    .. math:: y = W_O \, [h_1, \ldots, h_H] + b_O, \quad
        h_i = \mathrm{softmax}(Q_i K_i^\mathsf{T} / \sqrt{E / H} + M) \, V_i

    Q, K and V being :math:`x W^\mathsf{T} + b` of query, key and value, and their columns dealt to the heads in order.
    A query that may see no key gets zeros from its heads, in the weights and in all gradients, whether or not weights
    are asked for.

    Parameters
    ----------
    query : Tensor or array of shape (L, N, E), or (L, E) without a batch
    key : Tensor of shape (S, N, Ek) or (S, Ek)
    value : Tensor of shape (S, N, Ev) or (S, Ev)
        With one weight for all three Ek and Ev are E.
    embed_dim_to_check : int
        E.
    num_heads : int
        H, a divisor of E.
    in_proj_weight : Tensor of shape (3 E, E)
        The weights of query, key and value, one below the other.
    in_proj_bias : Tensor of shape (3 E,), optional
    bias_k, bias_v : Tensor of shape (1, 1, E), optional
        One more key and its value, after the projection.
    add_zero_attn : bool
        Add a key and a value of zeros.
    dropout_p : float
        Probability of dropping an attention weight in training.
    out_proj_weight : Tensor of shape (E, E)
    out_proj_bias : Tensor of shape (E,), optional
    training : bool
        Whether weights are dropped.
    key_padding_mask : Tensor of shape (N, S) or (S,), optional
        True hides a key from all queries; numbers are added to its scores.
    need_weights : bool
        Return the attention weights too. Without them no scores are held in memory.
    attn_mask : Tensor of shape (L, S) or (N H, L, S), optional
        True hides a key from a query, where True allows it in `scaled_dot_product_attention`; numbers are added to
        the scores.
    use_separate_proj_weight : bool
        Take the next three instead of `in_proj_weight`.
    q_proj_weight, k_proj_weight, v_proj_weight : Tensor of shape (E, E), (E, Ek), (E, Ev), optional
    static_k, static_v : Tensor of shape (N H, S, E / H), optional
        Heads of keys and values as they are, instead of projected ones.
    average_attn_weights : bool
        Return the mean of the weights over the heads.
    is_causal : bool
        Query i sees the keys 0 to i. Beside an `attn_mask` it is a hint that the mask says just this, which is
        looked up: the mask decides.

    Returns
    -------
    Tensor of the shape of `query`
    Tensor of shape (N, L, S) or (L, S) for the mean of the heads, (N, H, L, S) or (H, L, S) for each; or None

    Raises
    ------
    ValueError
        If shapes do not fit together, or one of `bias_k` and `bias_v` is missing.
    TypeError
        If the types differ or are not floating-point, or a mask is of integers.

    References
    ----------
    Vaswani et al., "Attention Is All You Need", 2017.

    Examples
    --------
    >>> import nbnn
    >>> import nbnn.nn.functional as F
    >>> x, eye = nbnn.tensor([[1.0, 0.0], [0.0, 1.0]]), nbnn.eye(2)
    >>> hidden = nbnn.tensor([[False, True], [False, False]])
    >>> F.multi_head_attention_forward(
    ...     x, x, x, 2, 1, eye.tile(3, 1), None, None, None, False, 0.0, eye, None, attn_mask=hidden
    ... )[0][0]
    tensor([1., 0.])
    """
    apart = (q_proj_weight, k_proj_weight, v_proj_weight) if use_separate_proj_weight else None
    single = _check_inputs(query, key, value, embed_dim_to_check, num_heads, apart is not None)
    p = _check.probability(_NAME, "dropout_p", dropout_p)
    if single:
        query, key, value = each_once(lambda t: unsqueeze(t, 1), query, key, value)
    _check_output(out_proj_weight, out_proj_bias, query)
    q, k, v = _projected(query, key, value, in_proj_weight, apart, in_proj_bias)
    k, v = _with_bias(k, v, bias_k, bias_v, static_k is not None or static_v is not None)
    q, k, v = (_in_heads(t, num_heads) for t in (q, k, v))
    k, v = _static(static_k, static_v, k, v)
    extra = (bias_k is not None) + bool(add_zero_attn)
    if add_zero_attn:
        k, v = (pad(t, (0, 0, 0, 1)) for t in (k, v))
    mask, causal = _mask(attn_mask, key_padding_mask, q, k._shape[2] - extra, extra, is_causal, need_weights, single)
    heads, weights = _attend(q, k, v, mask, p if training else 0.0, causal, need_weights)
    output = linear(reshape(permute(heads, 2, 0, 1, 3), query._shape), out_proj_weight, out_proj_bias)
    if weights is not None and average_attn_weights:
        weights = mean(weights, 1)
    if single:
        output, weights = squeeze(output, 1), None if weights is None else squeeze(weights, 0)
    return output, weights
