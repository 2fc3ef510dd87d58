"""A small GPT (Radford et al., "Language models are unsupervised multitask learners")."""

from __future__ import annotations

from types import ModuleType
from typing import Any


def gpt(T: ModuleType, vocabulary: int, length: int, layers: int = 4, heads: int = 4, width: int = 128) -> Any:
    """From tokens (batch, length) to scores of the next ones (batch, length, vocabulary)."""
    nn = T.nn
    F = nn.functional

    class Attention(nn.Module):
        """Causal self-attention of `heads` heads."""

        def __init__(self) -> None:
            super().__init__()
            self.qkv = nn.Linear(width, 3 * width)
            self.proj = nn.Linear(width, width)

        def forward(self, x: Any) -> Any:
            batch, steps, _ = x.shape
            qkv = self.qkv(x).view(batch, steps, 3, heads, width // heads).permute(2, 0, 3, 1, 4)
            y = F.scaled_dot_product_attention(qkv[0], qkv[1], qkv[2], is_causal=True)
            return self.proj(y.transpose(1, 2).reshape(batch, steps, width))

    class Block(nn.Module):
        """Attention and a network of one hidden layer, each on a normalised input and added to it."""

        def __init__(self) -> None:
            super().__init__()
            self.ln_1 = nn.LayerNorm(width)
            self.attention = Attention()
            self.ln_2 = nn.LayerNorm(width)
            self.mlp = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width))

        def forward(self, x: Any) -> Any:
            x = x + self.attention(self.ln_1(x))
            return x + self.mlp(self.ln_2(x))

    class GPT(nn.Module):
        """Embeddings of tokens and places, blocks, scores."""

        def __init__(self) -> None:
            super().__init__()
            self.tokens = nn.Embedding(vocabulary, width)
            self.places = nn.Embedding(length, width)
            self.blocks = nn.Sequential(*(Block() for _ in range(layers)))
            self.norm = nn.LayerNorm(width)
            self.head = nn.Linear(width, vocabulary, bias=False)

        def forward(self, tokens: Any) -> Any:
            x = self.tokens(tokens) + self.places(T.arange(tokens.shape[1]))
            return self.head(self.norm(self.blocks(x)))

    return GPT()
