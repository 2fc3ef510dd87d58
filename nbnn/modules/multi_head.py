"""The module of multi-head attention."""

from __future__ import annotations

from typing import Any

from nbnn import functional as F
from nbnn import init
from nbnn.functional import _check
from nbnn.functional import array as A
from nbnn.functional.multi_head import each_once
from nbnn.functional.shape import transpose
from nbnn.modules.linear import Linear
from nbnn.modules.module import Module
from nbnn.tensor import Parameter, Tensor


class NonDynamicallyQuantizableLinear(Linear):
    """A `Linear` under the name that torch's text has for the last one of attention.

    Examples
    --------
    >>> import nbnn.nn as nn
    >>> nn.MultiheadAttention(4, 2).out_proj
    NonDynamicallyQuantizableLinear(in_features=4, out_features=4, bias=True)
    """


class MultiheadAttention(Module):
    r"""Attention in H heads side by side, each on its own projection of query, key and value.

    .. math:: y = W_O \, [h_1, \ldots, h_H] + b_O, \quad
        h_i = \mathrm{softmax}(Q_i K_i^\mathsf{T} / \sqrt{E / H} + M) \, V_i

    A query that may see no key gets zeros from its heads, in the weights and in all gradients, in training and in
    evaluation, whether or not weights are asked for.

    Parameters
    ----------
    embed_dim : int
        E.
    num_heads : int
        H, a divisor of E.
    dropout : float
        Probability of dropping an attention weight in training.
    bias : bool
        Whether the projections have biases.
    add_bias_kv : bool
        Learn one more key and its value.
    add_zero_attn : bool
        Add a key and a value of zeros.
    kdim, vdim : int, optional
        Sizes of a key and a value; E by default.
    batch_first : bool
        Whether the batch is the first axis of inputs and output instead of the second.
    device : device, optional
        Where the parameters lie.
    dtype : dtype, optional
        Their type.

    Attributes
    ----------
    in_proj_weight : Parameter (3 E, E) or None
        Of query, key and value, one below the other; `q_proj_weight` (E, E), `k_proj_weight` (E, kdim) and
        `v_proj_weight` (E, vdim) take its place where the sizes differ. They start Xavier-uniform.
    in_proj_bias : Parameter (3 E,) or None
        Zeros at first, and so is the bias of `out_proj`.
    bias_k, bias_v : Parameter (1, 1, E) or None
        Xavier-normal at first.
    out_proj : Linear
        The last projection.

    Shape
    -----
    query : (L, N, E); (N, L, E) with `batch_first`; (L, E) without a batch
    key : (S, N, kdim), (N, S, kdim) or (S, kdim)
    value : (S, N, vdim), (N, S, vdim) or (S, vdim)
    key_padding_mask : (N, S) or (S,)
    attn_mask : (L, S) or (N H, L, S)
        In both masks True hides, and numbers are added to the scores.
    output : like query, and the weights: (N, L, S), (N, H, L, S) without `average_attn_weights`, or None without
        `need_weights`

    Raises
    ------
    ValueError
        If E is not divisible by H or shapes do not fit together.

    References
    ----------
    Vaswani et al., "Attention Is All You Need", 2017.

    Examples
    --------
    >>> import nbnn, nbnn.nn as nn
    >>> x = nbnn.ones(5, 2, 8)
    >>> output, weights = nn.MultiheadAttention(8, 2)(x, x, x)
    >>> output.shape, weights.shape
    (nbnn.Size([5, 2, 8]), nbnn.Size([2, 5, 5]))
    """

    in_proj_weight: Parameter | None
    in_proj_bias: Parameter | None
    bias_k: Parameter | None
    bias_v: Parameter | None

    def __init__(
        self,
        embed_dim: int,
        num_heads: int,
        dropout: float = 0.0,
        bias: bool = True,
        add_bias_kv: bool = False,
        add_zero_attn: bool = False,
        kdim: int | None = None,
        vdim: int | None = None,
        batch_first: bool = False,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        name = "MultiheadAttention"
        self.embed_dim = _check.integer(name, "embed_dim", embed_dim, 1)
        self.num_heads = _check.integer(name, "num_heads", num_heads, 1)
        if embed_dim % num_heads:
            raise ValueError(f"{name}: `embed_dim` (={embed_dim}) must be divisible by `num_heads` (={num_heads})")
        self.kdim = embed_dim if kdim is None else _check.integer(name, "kdim", kdim, 0)
        self.vdim = embed_dim if vdim is None else _check.integer(name, "vdim", vdim, 0)
        self._qkv_same_embed_dim = self.kdim == embed_dim and self.vdim == embed_dim
        self.dropout = _check.probability(name, "dropout", dropout)
        self.batch_first = batch_first
        self.head_dim = embed_dim // num_heads
        self.add_zero_attn = add_zero_attn
        place = {"device": device, "dtype": dtype}
        packed = ("in_proj_weight", (3 * embed_dim, embed_dim))
        widths = {"q": embed_dim, "k": self.kdim, "v": self.vdim}
        apart = tuple((f"{n}_proj_weight", (embed_dim, width)) for n, width in widths.items())
        for n, shape in (packed,) if self._qkv_same_embed_dim else apart:
            self.register_parameter(n, Parameter(A.empty(*shape, **place)))
        for n, _ in apart if self._qkv_same_embed_dim else (packed,):
            self.register_parameter(n, None)
        self.register_parameter("in_proj_bias", Parameter(A.empty(3 * embed_dim, **place)) if bias else None)
        self.out_proj = NonDynamicallyQuantizableLinear(embed_dim, embed_dim, bias, **place)
        for n in ("bias_k", "bias_v"):
            self.register_parameter(n, Parameter(A.empty(1, 1, embed_dim, **place)) if add_bias_kv else None)
        self._reset_parameters()

    def _reset_parameters(self) -> None:
        for name in ("in_proj_weight", "q_proj_weight", "k_proj_weight", "v_proj_weight"):
            if getattr(self, name) is not None:
                init.xavier_uniform_(getattr(self, name))
        for bias in (self.in_proj_bias, self.out_proj.bias):
            if bias is not None:
                init.zeros_(bias)
        for extra in (self.bias_k, self.bias_v):
            if extra is not None:
                init.xavier_normal_(extra)

    def forward(
        self,
        query: Tensor,
        key: Tensor,
        value: Tensor,
        key_padding_mask: Tensor | None = None,
        need_weights: bool = True,
        attn_mask: Tensor | None = None,
        average_attn_weights: bool = True,
        is_causal: bool = False,
    ) -> tuple[Tensor, Tensor | None]:
        _check.tensor("MultiheadAttention", "query", query)
        turned = self.batch_first and query.dim() == 3
        if turned:
            query, key, value = each_once(_turned, query, key, value)
        output, weights = F.multi_head_attention_forward(
            query, key, value, self.embed_dim, self.num_heads, self.in_proj_weight, self.in_proj_bias,
            self.bias_k, self.bias_v, self.add_zero_attn, self.dropout, self.out_proj.weight, self.out_proj.bias,
            training=self.training, key_padding_mask=key_padding_mask, need_weights=need_weights, attn_mask=attn_mask,
            use_separate_proj_weight=not self._qkv_same_embed_dim, q_proj_weight=self.q_proj_weight,
            k_proj_weight=self.k_proj_weight, v_proj_weight=self.v_proj_weight,
            average_attn_weights=average_attn_weights, is_causal=is_causal,
        )  # fmt: skip
        return (_turned(output) if turned else output), weights


def _turned(t: Any) -> Any:
    """Batch and positions in the other order; what has no such axes is refused later, by name."""
    return transpose(t, 0, 1) if isinstance(t, Tensor) and t.dim() == 3 else t
