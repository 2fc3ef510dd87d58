"""A small GPT that learns to write, character by character.

    python examples/gpt.py                       # a sonnet
    python examples/gpt.py --text FILE           # any text, such as all of Shakespeare

Blocks of causal self-attention and a network of one hidden layer, each on a normalised input and added to it (Radford
et al., "Language models are unsupervised multitask learners"). Prints the loss in bits a character and samples as it
learns; writes `gpt.safetensors`, `gpt.txt` (a sample) and `gpt.png` (the curve).
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np
from char_lstm import Text, keep
from digits import positive
from tqdm import tqdm

import nbnn
import nbnn.nn as nn
import nbnn.nn.functional as F
from nbnn import Tensor


class Block(nn.Module):
    """Attention over what came before, then a network for each place."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.norm_1 = nn.LayerNorm(width)
        self.qkv = nn.Linear(width, 3 * width)
        self.proj = nn.Linear(width, width)
        self.norm_2 = nn.LayerNorm(width)
        self.mlp = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width))

    def forward(self, x: Tensor) -> Tensor:
        """(batch, time, width) to the same."""
        batch, time, width = x.shape
        heads = self.qkv(self.norm_1(x)).view(batch, time, 3, self.heads, width // self.heads)
        query, key, value = heads.permute(2, 0, 3, 1, 4).unbind(0)
        seen = F.scaled_dot_product_attention(query, key, value, is_causal=True)
        x = x + self.proj(seen.transpose(1, 2).reshape(batch, time, width))
        return x + self.mlp(self.norm_2(x))


class GPT(nn.Module):
    """From characters (batch, time) to the scores of the next ones (batch, time, alphabet)."""

    def __init__(self, alphabet: int, length: int, width: int, layers: int, heads: int) -> None:
        super().__init__()
        self.length = length
        self.characters = nn.Embedding(alphabet, width)
        self.places = nn.Embedding(length, width)
        self.blocks = nn.Sequential(*(Block(width, heads) for _ in range(layers)))
        self.norm = nn.LayerNorm(width)
        self.scores = nn.Linear(width, alphabet, bias=False)

    def forward(self, characters: Tensor) -> Tensor:
        """The scores after each character."""
        x = self.characters(characters) + self.places(nbnn.arange(characters.shape[1]))
        return self.scores(self.norm(self.blocks(x)))


def train(model: GPT, text: Text, args: argparse.Namespace) -> list[float]:
    """Pieces of the text from random places; bits a character of each step."""
    rng = np.random.default_rng(args.seed)
    optimizer = nbnn.optim.AdamW(model.parameters(), lr=args.lr)
    schedule = nbnn.optim.lr_scheduler.OneCycleLR(optimizer, args.lr, total_steps=args.steps)
    steps = np.arange(args.length + 1)
    bits: list[float] = []
    with tqdm(range(args.steps), unit="step", dynamic_ncols=True) as bar:
        for step in bar:
            places = rng.integers(0, len(text.numbers) - args.length, args.batch_size)
            pieces = text.numbers[places[:, None] + steps]
            scores = model(nbnn.tensor(pieces[:, :-1]))
            loss = F.cross_entropy(scores.flatten(0, 1), nbnn.tensor(pieces[:, 1:]).flatten())
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            schedule.step()
            bits.append(loss.item() / np.log(2))
            if (step + 1) % max(1, args.steps // 8) == 0:
                bar.write(f"step {step + 1:5d}   {bits[-1]:.6g} bits a character   {write(model, text, 50)!r}")
    return bits


def write(model: GPT, text: Text, count: int, temperature: float = 0.7, seed: int = 0) -> str:
    """`count` characters, each drawn from the model's answer to those before it."""
    rng = np.random.default_rng(seed)
    numbers = [int(text.numbers[0])]
    with nbnn.no_grad():
        while len(numbers) < count:
            scores = model(nbnn.tensor([numbers[-model.length :]]))[0, -1]
            chances = F.softmax(scores.double() / temperature, dim=0).numpy()
            numbers.append(int(rng.choice(len(chances), p=chances / chances.sum())))
    return text.decode(numbers)


def parse_args(argv: list[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--text", type=Path, help="a text file in UTF-8 (default: a sonnet)")
    parser.add_argument("--steps", type=positive(int), default=300)
    parser.add_argument("--length", type=positive(int), default=64, help="characters that the model sees at once")
    parser.add_argument("--batch-size", type=positive(int), default=16)
    parser.add_argument("--width", type=positive(int), default=64)
    parser.add_argument("--layers", type=positive(int), default=2)
    parser.add_argument("--heads", type=positive(int), default=4)
    parser.add_argument("--lr", type=positive(float), default=0.005)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=Path("."), help="folder to write to")
    args = parser.parse_args(argv)
    if args.width % args.heads:
        parser.error(f"--heads {args.heads} must divide --width {args.width}")
    return args


def main(argv: list[str] | None = None) -> int:
    """Train, save, write; bad input is one line on stderr and exit code 2."""
    args = parse_args(argv)
    nbnn.manual_seed(args.seed)
    try:
        args.out.mkdir(parents=True, exist_ok=True)
        text = Text(args.text)
        if args.length >= len(text.numbers):
            raise ValueError(f"--length {args.length} must be less than the text's {len(text.numbers)} characters")
    except (OSError, ValueError) as error:
        print(f"gpt.py: {error}", file=sys.stderr)
        return 2
    model = GPT(len(text.alphabet), args.length, args.width, args.layers, args.heads)
    parameters = sum(parameter.numel() for parameter in model.parameters())
    print(f"{len(text.numbers)} characters of an alphabet of {len(text.alphabet)}; {parameters} parameters")
    bits = train(model, text, args)
    keep(args.out / "gpt", model, write(model, text, 600), bits)
    return 0


if __name__ == "__main__":
    sys.exit(main())
