"""Transformers: layers of attention and of two linear maps, stacks of them, and encoder and decoder together."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

from nbnn import functional as F
from nbnn import init
from nbnn.functional import _check
from nbnn.functional.multi_head import is_subsequent_mask, subsequent_mask
from nbnn.modules.container import ModuleList
from nbnn.modules.dropout import Dropout
from nbnn.modules.linear import Linear
from nbnn.modules.module import Module
from nbnn.modules.multi_head import MultiheadAttention
from nbnn.modules.normalization import LayerNorm
from nbnn.tensor import Tensor

_ACTIVATIONS: dict[str, Callable] = {"relu": F.relu, "gelu": F.gelu}


def _activation(op: str, activation: Any) -> Callable[[Tensor], Tensor]:
    """The function that a name stands for, or what is given."""
    if isinstance(activation, str):
        if activation not in _ACTIVATIONS:
            raise ValueError(f"{op}: `activation` (={activation!r}) must be 'relu', 'gelu' or a callable")
        return _ACTIVATIONS[activation]
    if not callable(activation):
        raise TypeError(f"{op}: `activation` must be 'relu', 'gelu' or a callable; got {type(activation).__name__}")
    return activation


def _copies(op: str, layer: Any, count: Any) -> ModuleList:
    """The layer as often as it is stacked: deep copies, with parameters of their own."""
    if not isinstance(layer, Module):
        raise TypeError(f"{op}: the layer must be a Module; got {type(layer).__name__}")
    count = _check.integer(op, "num_layers", count, 0)
    return ModuleList([copy.deepcopy(layer) for _ in range(count)])


def _causal(mask: Tensor | None, is_causal: bool | None) -> bool:
    """Whether layers may take the mask for a causal one; None asks the mask."""
    if is_causal is None:
        return isinstance(mask, Tensor) and is_subsequent_mask(mask)
    return is_causal


class _Layer(Module):
    """Attentions and two linear maps, with a normalisation and a dropout for each of these parts."""

    _attentions: tuple[str, ...] = ("self_attn",)
    self_attn: MultiheadAttention
    activation: Any

    def __init__(
        self,
        d_model: int,
        nhead: int,
        dim_feedforward: int = 2048,
        dropout: float = 0.1,
        activation: str | Callable[[Tensor], Tensor] = F.relu,
        layer_norm_eps: float = 1e-5,
        batch_first: bool = False,
        norm_first: bool = False,
        bias: bool = True,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        place = {"device": device, "dtype": dtype}
        for name in self._attentions:
            setattr(self, name, MultiheadAttention(d_model, nhead, dropout, bias, batch_first=batch_first, **place))
        self.linear1 = Linear(d_model, dim_feedforward, bias, **place)
        self.dropout = Dropout(dropout)
        self.linear2 = Linear(dim_feedforward, d_model, bias, **place)
        self.norm_first = norm_first
        parts = range(1, len(self._attentions) + 2)
        for k in parts:
            setattr(self, f"norm{k}", LayerNorm(d_model, layer_norm_eps, bias=bias, **place))
        for k in parts:
            setattr(self, f"dropout{k}", Dropout(dropout))
        self.activation = _activation(type(self).__name__, activation)

    def _sa_block(self, x: Tensor, mask: Any, padding: Any, is_causal: bool) -> Tensor:
        return self.dropout1(self.self_attn(x, x, x, padding, False, mask, is_causal=is_causal)[0])

    def _feed_forward(self, x: Tensor) -> Tensor:
        return self.linear2(self.dropout(self.activation(self.linear1(x))))


class TransformerEncoderLayer(_Layer):
    r"""Self-attention, then two linear maps at each position, each added to its input and normalised.

    .. math:: x \leftarrow \mathrm{norm}(x + \mathrm{attention}(x)), \quad
        y = \mathrm{norm}(x + W_2 \, \phi(W_1 x + b_1) + b_2)

    Parameters
    ----------
    d_model : int
        Size E of a position.
    nhead : int
        Number of heads, a divisor of E.
    dim_feedforward : int
        Size between the two linear maps.
    dropout : float
        Probability of zeroing an element, and an attention weight, in training.
    activation : {'relu', 'gelu'} or callable
        :math:`\phi`; a Module becomes a part of the layer.
    layer_norm_eps : float
        `eps` of the normalisations.
    batch_first : bool
        Whether the batch is the first axis instead of the second.
    norm_first : bool
        Normalise what goes into attention and linear maps instead of the sums.
    bias : bool
        Whether linear maps and normalisations have biases.
    device : device, optional
        Where the parameters lie.
    dtype : dtype, optional
        Their type.

    Shape
    -----
    src : (S, N, E); (N, S, E) with `batch_first`; (S, E) without a batch
    src_mask : (S, S) or (N nhead, S, S)
    src_key_padding_mask : (N, S) or (S,)
        In both masks True hides, and numbers are added to the scores.
    output : like src

    Raises
    ------
    ValueError
        If sizes do not fit together, or the activation has an unknown name.

    References
    ----------
    Vaswani et al., "Attention Is All You Need", 2017; Xiong et al., "On Layer Normalization in the Transformer
    Architecture", 2020 (`norm_first`).

    Examples
    --------
    >>> import nbnn, nbnn.nn as nn
    >>> nn.TransformerEncoderLayer(8, 2, dim_feedforward=16)(nbnn.ones(5, 3, 8)).shape
    nbnn.Size([5, 3, 8])
    """

    def forward(
        self,
        src: Tensor,
        src_mask: Tensor | None = None,
        src_key_padding_mask: Tensor | None = None,
        is_causal: bool = False,
    ) -> Tensor:
        x = src
        if self.norm_first:
            x = x + self._sa_block(self.norm1(x), src_mask, src_key_padding_mask, is_causal)
            return x + self._ff_block(self.norm2(x))
        x = self.norm1(x + self._sa_block(x, src_mask, src_key_padding_mask, is_causal))
        return self.norm2(x + self._ff_block(x))

    def _ff_block(self, x: Tensor) -> Tensor:
        return self.dropout2(self._feed_forward(x))


class TransformerDecoderLayer(_Layer):
    r"""Self-attention, attention to a memory, then two linear maps, each added to its input and normalised.

    .. math:: x \leftarrow \mathrm{norm}(x + \mathrm{attention}(x)), \quad
        x \leftarrow \mathrm{norm}(x + \mathrm{attention}(x, m)), \quad
        y = \mathrm{norm}(x + W_2 \, \phi(W_1 x + b_1) + b_2)

    Parameters
    ----------
    d_model, nhead, dim_feedforward, dropout, activation, layer_norm_eps, batch_first, norm_first, bias, device, dtype
        Those of `TransformerEncoderLayer`.

    Shape
    -----
    tgt : (T, N, E); (N, T, E) with `batch_first`; (T, E) without a batch
    memory : (S, N, E), (N, S, E) or (S, E)
    tgt_mask : (T, T) or (N nhead, T, T)
    memory_mask : (T, S) or (N nhead, T, S)
    tgt_key_padding_mask : (N, T) or (T,)
    memory_key_padding_mask : (N, S) or (S,)
        In all masks True hides, and numbers are added to the scores.
    output : like tgt

    Raises
    ------
    ValueError
        If sizes do not fit together, or the activation has an unknown name.

    References
    ----------
    Vaswani et al., "Attention Is All You Need", 2017.

    Examples
    --------
    >>> import nbnn, nbnn.nn as nn
    >>> nn.TransformerDecoderLayer(8, 2, dim_feedforward=16)(nbnn.ones(4, 3, 8), nbnn.ones(5, 3, 8)).shape
    nbnn.Size([4, 3, 8])
    """

    _attentions = ("self_attn", "multihead_attn")
    multihead_attn: MultiheadAttention

    def forward(
        self,
        tgt: Tensor,
        memory: Tensor,
        tgt_mask: Tensor | None = None,
        memory_mask: Tensor | None = None,
        tgt_key_padding_mask: Tensor | None = None,
        memory_key_padding_mask: Tensor | None = None,
        tgt_is_causal: bool = False,
        memory_is_causal: bool = False,
    ) -> Tensor:
        own = (tgt_mask, tgt_key_padding_mask, tgt_is_causal)
        other = (memory, memory_mask, memory_key_padding_mask, memory_is_causal)
        x = tgt
        if self.norm_first:
            x = x + self._sa_block(self.norm1(x), *own)
            x = x + self._mha_block(self.norm2(x), *other)
            return x + self._ff_block(self.norm3(x))
        x = self.norm1(x + self._sa_block(x, *own))
        x = self.norm2(x + self._mha_block(x, *other))
        return self.norm3(x + self._ff_block(x))

    def _mha_block(self, x: Tensor, memory: Tensor, mask: Any, padding: Any, is_causal: bool) -> Tensor:
        return self.dropout2(self.multihead_attn(x, memory, memory, padding, False, mask, is_causal=is_causal)[0])

    def _ff_block(self, x: Tensor) -> Tensor:
        return self.dropout3(self._feed_forward(x))


class TransformerEncoder(Module):
    r"""Encoder layers one after the other.

    Padded positions are computed like all others, in training and in evaluation.

    Parameters
    ----------
    encoder_layer : Module
        A `TransformerEncoderLayer` or what is called like it; it is copied with its values.
    num_layers : int
        How many copies there are.
    norm : Module, optional
        What the last output goes through.
    enable_nested_tensor, mask_check : bool
        For torch's spelling: they change nothing here.

    Shape
    -----
    src, mask, src_key_padding_mask, output : like those of `TransformerEncoderLayer`
    is_causal : bool, optional
        Whether `mask` hides just the later positions; None finds out.

    Raises
    ------
    TypeError
        If the layer is no Module.

    Examples
    --------
    >>> import nbnn, nbnn.nn as nn
    >>> layer = nn.TransformerEncoderLayer(8, 2, dim_feedforward=16)
    >>> nn.TransformerEncoder(layer, num_layers=2)(nbnn.ones(5, 3, 8)).shape
    nbnn.Size([5, 3, 8])
    """

    def __init__(
        self,
        encoder_layer: Module,
        num_layers: int,
        norm: Module | None = None,
        enable_nested_tensor: bool = True,
        mask_check: bool = True,
    ) -> None:
        super().__init__()
        self.layers = _copies("TransformerEncoder", encoder_layer, num_layers)
        self.num_layers = num_layers
        self.norm = norm
        self.enable_nested_tensor = enable_nested_tensor
        self.mask_check = mask_check

    def forward(
        self,
        src: Tensor,
        mask: Tensor | None = None,
        src_key_padding_mask: Tensor | None = None,
        is_causal: bool | None = None,
    ) -> Tensor:
        output, causal = src, _causal(mask, is_causal)
        for layer in self.layers:
            output = layer(output, src_mask=mask, is_causal=causal, src_key_padding_mask=src_key_padding_mask)
        return output if self.norm is None else self.norm(output)


class TransformerDecoder(Module):
    r"""Decoder layers one after the other, all on one memory.

    Parameters
    ----------
    decoder_layer : Module
        A `TransformerDecoderLayer` or what is called like it; it is copied with its values.
    num_layers : int
        How many copies there are.
    norm : Module, optional
        What the last output goes through.

    Shape
    -----
    tgt, memory, masks, output : like those of `TransformerDecoderLayer`
    tgt_is_causal : bool, optional
        Whether `tgt_mask` hides just the later positions; None finds out.

    Raises
    ------
    TypeError
        If the layer is no Module.

    Examples
    --------
    >>> import nbnn, nbnn.nn as nn
    >>> layer = nn.TransformerDecoderLayer(8, 2, dim_feedforward=16)
    >>> nn.TransformerDecoder(layer, num_layers=2)(nbnn.ones(4, 3, 8), nbnn.ones(5, 3, 8)).shape
    nbnn.Size([4, 3, 8])
    """

    def __init__(self, decoder_layer: Module, num_layers: int, norm: Module | None = None) -> None:
        super().__init__()
        self.layers = _copies("TransformerDecoder", decoder_layer, num_layers)
        self.num_layers = num_layers
        self.norm = norm

    def forward(
        self,
        tgt: Tensor,
        memory: Tensor,
        tgt_mask: Tensor | None = None,
        memory_mask: Tensor | None = None,
        tgt_key_padding_mask: Tensor | None = None,
        memory_key_padding_mask: Tensor | None = None,
        tgt_is_causal: bool | None = None,
        memory_is_causal: bool = False,
    ) -> Tensor:
        output, causal = tgt, _causal(tgt_mask, tgt_is_causal)
        for layer in self.layers:
            output = layer(
                output,
                memory,
                tgt_mask=tgt_mask,
                memory_mask=memory_mask,
                tgt_key_padding_mask=tgt_key_padding_mask,
                memory_key_padding_mask=memory_key_padding_mask,
                tgt_is_causal=causal,
                memory_is_causal=memory_is_causal,
            )
        return output if self.norm is None else self.norm(output)


class Transformer(Module):
    r"""An encoder of a source sequence and a decoder that reads it while it goes along a target sequence.

    All weights start Xavier-uniform.

    Parameters
    ----------
    d_model : int
        Size E of a position.
    nhead : int
        Number of heads, a divisor of E.
    num_encoder_layers, num_decoder_layers : int
        How many layers are stacked.
    dim_feedforward, dropout, activation, layer_norm_eps, batch_first, norm_first, bias, device, dtype
        Those of `TransformerEncoderLayer`.
    custom_encoder, custom_decoder : Module, optional
        What takes the place of encoder and decoder.

    Shape
    -----
    src : (S, N, E); (N, S, E) with `batch_first`; (S, E) without a batch
    tgt : (T, N, E), (N, T, E) or (T, E)
    src_mask, tgt_mask, memory_mask : (S, S), (T, T), (T, S), or with N nhead before them
    src_key_padding_mask, tgt_key_padding_mask, memory_key_padding_mask : (N, S), (N, T), (N, S), or without N
        In all masks True hides, and numbers are added to the scores.
    output : like tgt

    Raises
    ------
    ValueError
        If the sizes of `src` and `tgt` do not fit together.

    References
    ----------
    Vaswani et al., "Attention Is All You Need", 2017.

    Examples
    --------
    >>> import nbnn, nbnn.nn as nn
    >>> model = nn.Transformer(8, 2, 1, 1, dim_feedforward=16)
    >>> mask = nn.Transformer.generate_square_subsequent_mask(4)
    >>> model(nbnn.ones(5, 3, 8), nbnn.ones(4, 3, 8), tgt_mask=mask).shape
    nbnn.Size([4, 3, 8])
    """

    def __init__(
        self,
        d_model: int = 512,
        nhead: int = 8,
        num_encoder_layers: int = 6,
        num_decoder_layers: int = 6,
        dim_feedforward: int = 2048,
        dropout: float = 0.1,
        activation: str | Callable[[Tensor], Tensor] = F.relu,
        custom_encoder: Any = None,
        custom_decoder: Any = None,
        layer_norm_eps: float = 1e-5,
        batch_first: bool = False,
        norm_first: bool = False,
        bias: bool = True,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        place = {"device": device, "dtype": dtype}
        sizes = (d_model, nhead, dim_feedforward, dropout, activation, layer_norm_eps, batch_first, norm_first, bias)

        def norm() -> LayerNorm:
            return LayerNorm(d_model, eps=layer_norm_eps, bias=bias, **place)

        if custom_encoder is None:
            custom_encoder = TransformerEncoder(TransformerEncoderLayer(*sizes, **place), num_encoder_layers, norm())
        if custom_decoder is None:
            custom_decoder = TransformerDecoder(TransformerDecoderLayer(*sizes, **place), num_decoder_layers, norm())
        self.encoder = custom_encoder
        self.decoder = custom_decoder
        self._reset_parameters()
        self.d_model = d_model
        self.nhead = nhead
        self.batch_first = batch_first

    def _reset_parameters(self) -> None:
        for parameter in self.parameters():
            if parameter.dim() > 1:
                init.xavier_uniform_(parameter)

    def forward(
        self,
        src: Tensor,
        tgt: Tensor,
        src_mask: Tensor | None = None,
        tgt_mask: Tensor | None = None,
        memory_mask: Tensor | None = None,
        src_key_padding_mask: Tensor | None = None,
        tgt_key_padding_mask: Tensor | None = None,
        memory_key_padding_mask: Tensor | None = None,
        src_is_causal: bool | None = None,
        tgt_is_causal: bool | None = None,
        memory_is_causal: bool = False,
    ) -> Tensor:
        self._check(src, tgt)
        memory = self.encoder(
            src, mask=src_mask, src_key_padding_mask=src_key_padding_mask, is_causal=src_is_causal
        )  # fmt: skip
        return self.decoder(
            tgt,
            memory,
            tgt_mask=tgt_mask,
            memory_mask=memory_mask,
            tgt_key_padding_mask=tgt_key_padding_mask,
            memory_key_padding_mask=memory_key_padding_mask,
            tgt_is_causal=tgt_is_causal,
            memory_is_causal=memory_is_causal,
        )

    def _check(self, src: Any, tgt: Any) -> None:
        for name, t in (("src", src), ("tgt", tgt)):
            _check.tensor("Transformer", name, t)
            if t.dim() not in (2, 3) or t.shape[-1] != self.d_model:
                raise ValueError(
                    f"Transformer: `{name}` must have 3 axes, or 2 without a batch, and a last size of `d_model` "
                    f"(={self.d_model}); got {tuple(t.shape)}"
                )
        batch = 0 if self.batch_first else 1
        if src.dim() != tgt.dim() or (src.dim() == 3 and src.shape[batch] != tgt.shape[batch]):
            raise ValueError(
                f"Transformer: `src` and `tgt` must have one batch size; got {tuple(src.shape)} and {tuple(tgt.shape)}"
            )

    @staticmethod
    def generate_square_subsequent_mask(sz: int, device: Any = None, dtype: Any = None) -> Tensor:
        """A causal mask of shape (sz, sz): -inf for the keys after a query, 0 elsewhere.

        Examples
        --------
        >>> import nbnn.nn as nn
        >>> nn.Transformer.generate_square_subsequent_mask(2)
        tensor([[0., -inf],
                [0., 0.]])
        """
        size = _check.integer("generate_square_subsequent_mask", "sz", sz, 0)
        return subsequent_mask(size, size, device, dtype)
