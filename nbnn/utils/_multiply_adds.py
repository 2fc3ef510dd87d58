"""How many multiply-adds a layer's forward takes, by its type and the shapes it met."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from nbnn import modules as M
from nbnn.tensor import Tensor


def count(module: M.Module, args: tuple, kwargs: dict[str, Any], output: Any) -> int:
    """The multiply-adds of the module's own computation, without the modules inside; 0 for a type without a rule."""
    for kind in type(module).__mro__:
        if kind in _RULES:
            return _RULES[kind](module, _first(args, kwargs), output, args, kwargs)
    return 0


def _first(args: tuple, kwargs: dict[str, Any]) -> Any:
    """The first argument, as data: that of a PackedSequence too."""
    value: Any = args[0] if args else next(iter(kwargs.values()), None)
    return value.data if hasattr(value, "batch_sizes") else value


def _linear(m: Any, x: Tensor, y: Tensor, *_: Any) -> int:
    return y.numel() * m.in_features


def _bilinear(m: Any, x: Tensor, y: Tensor, *_: Any) -> int:
    return y.numel() * m.in1_features * m.in2_features


def _convolution(m: Any, x: Tensor, y: Tensor, *_: Any) -> int:
    """Each output pixel is a product over the kernel; of a transposed convolution, each input pixel."""
    if m.transposed:
        return x.numel() * (m.out_channels // m.groups) * math.prod(m.kernel_size)
    return y.numel() * (m.in_channels // m.groups) * math.prod(m.kernel_size)


def _recurrent(m: Any, x: Tensor, *_: Any) -> int:
    """Every weight once for each step of each sequence."""
    steps = x.numel() // max(1, x.shape[-1])
    return steps * sum(p.numel() for p in m.parameters(recurse=False) if p.dim() == 2)


def _attention(m: Any, query: Tensor, _y: Any, args: tuple, kwargs: dict[str, Any]) -> int:
    """The four projections, the scores, and the sum of the values by them."""
    names = ("query", "key", "value")
    given = {**dict(zip(names, args, strict=False)), **kwargs}
    key, value = given["key"], given["value"]
    extra = (m.bias_k is not None) + m.add_zero_attn
    targets = query.numel() // m.embed_dim
    sources = key.shape[1 if m.batch_first and key.dim() == 3 else 0] + extra
    projections = 2 * query.numel() * m.embed_dim + (key.numel() + value.numel()) * m.embed_dim
    return projections + 2 * targets * sources * m.embed_dim


def _each_element(m: Any, x: Tensor, y: Tensor, *_: Any) -> int:
    return y.numel()


def _response_norm(m: Any, x: Tensor, y: Tensor, *_: Any) -> int:
    return y.numel() * m.size


def _bags(m: Any, x: Tensor, *_: Any) -> int:
    return x.numel() * m.embedding_dim


_CONVOLUTIONS = (M.Conv1d, M.Conv2d, M.Conv3d, M.ConvTranspose1d, M.ConvTranspose2d, M.ConvTranspose3d)
_NORMS = (
    *(M.BatchNorm1d, M.BatchNorm2d, M.BatchNorm3d, M.SyncBatchNorm, M.LayerNorm, M.GroupNorm, M.RMSNorm),
    *(M.InstanceNorm1d, M.InstanceNorm2d, M.InstanceNorm3d),
)
_RULES: dict[type, Callable[..., int]] = {
    M.Linear: _linear,
    M.Bilinear: _bilinear,
    M.RNNBase: _recurrent,
    M.RNNCellBase: _recurrent,
    M.MultiheadAttention: _attention,
    M.LocalResponseNorm: _response_norm,
    M.EmbeddingBag: _bags,
    **dict.fromkeys(_CONVOLUTIONS, _convolution),
    **dict.fromkeys(_NORMS, _each_element),
}
