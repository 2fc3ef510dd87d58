"""An LSTM that reads a text character by character and writes more of it.

    python examples/char_lstm.py                       # a sonnet: seconds, and it learns it by heart
    python examples/char_lstm.py --text FILE           # any text, such as all of Shakespeare

Two LSTM layers guess the next character from all before it (Graves, "Generating sequences with recurrent neural
networks"). The state at the end of a piece of the text is where the next piece begins. Prints the loss in bits a
character and samples as it learns; writes `char_lstm.safetensors`, `char_lstm.txt` (a sample) and `char_lstm.png` (the
curve).
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np
from digits import positive
from matplotlib.figure import Figure
from tqdm import tqdm

import nbnn
import nbnn.nn as nn
import nbnn.nn.functional as F
from nbnn import Tensor

SONNET = """\
Shall I compare thee to a summer's day?
Thou art more lovely and more temperate:
Rough winds do shake the darling buds of May,
And summer's lease hath all too short a date;
Sometime too hot the eye of heaven shines,
And often is his gold complexion dimm'd;
And every fair from fair sometime declines,
By chance or nature's changing course untrimm'd;
But thy eternal summer shall not fade,
Nor lose possession of that fair thou ow'st;
Nor shall death brag thou wander'st in his shade,
When in eternal lines to time thou grow'st:
So long as men can breathe or eyes can see,
So long lives this, and this gives life to thee.
"""


class Text:
    """A text as the numbers of its characters, in the order of the alphabet that it uses."""

    def __init__(self, path: Path | None) -> None:
        content = SONNET if path is None else path.read_text(encoding="utf-8")
        if len(content) < 256:
            raise ValueError(f"--text {path}: needs 256 characters or more; got {len(content)}")
        self.alphabet = sorted(set(content))
        number = {character: k for k, character in enumerate(self.alphabet)}
        self.numbers = np.array([number[character] for character in content], dtype=np.int64)

    def decode(self, numbers: list[int]) -> str:
        """The text of these numbers."""
        return "".join(self.alphabet[k] for k in numbers)


class CharLSTM(nn.Module):
    """From characters (time, batch) to the scores of the next ones (time, batch, alphabet)."""

    def __init__(self, alphabet: int, hidden: int) -> None:
        super().__init__()
        self.embedding = nn.Embedding(alphabet, hidden // 2)
        self.lstm = nn.LSTM(hidden // 2, hidden, num_layers=2)
        self.scores = nn.Linear(hidden, alphabet)

    def forward(self, characters: Tensor, state: tuple[Tensor, Tensor] | None = None) -> tuple[Tensor, tuple]:
        """The scores, and the state after the last character."""
        hidden, state = self.lstm(self.embedding(characters), state)
        return self.scores(hidden), state


def train(model: CharLSTM, text: Text, args: argparse.Namespace) -> list[float]:
    """Read the text in `batch_size` columns side by side, `length` characters a step; bits a character of each step."""
    columns = min(args.batch_size, len(text.numbers) // 32)
    rows = (len(text.numbers) - 1) // columns
    seen = text.numbers[: columns * rows].reshape(columns, rows).T
    following = text.numbers[1 : columns * rows + 1].reshape(columns, rows).T
    optimizer = nbnn.optim.Adam(model.parameters(), lr=args.lr)
    bits: list[float] = []
    state, start = None, 0
    with tqdm(range(args.steps), unit="step", dynamic_ncols=True) as bar:
        for step in bar:
            if start >= rows:
                state, start = None, 0
            scores, state = model(nbnn.tensor(seen[start : start + args.length]), state)
            state = tuple(s.detach() for s in state)
            target = nbnn.tensor(following[start : start + args.length])
            loss = F.cross_entropy(scores.flatten(0, 1), target.flatten())
            start += args.length
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            bits.append(loss.item() / np.log(2))
            if (step + 1) % max(1, args.steps // 8) == 0:
                bar.write(f"step {step + 1:5d}   {bits[-1]:.6g} bits a character   {write(model, text, 50)!r}")
    return bits


def write(model: CharLSTM, text: Text, count: int, temperature: float = 0.7, seed: int = 0) -> str:
    """`count` characters, each drawn from the model's answer to those before it."""
    rng = np.random.default_rng(seed)
    numbers, state = [int(text.numbers[0])], None
    with nbnn.no_grad():
        while len(numbers) < count:
            scores, state = model(nbnn.tensor([[numbers[-1]]]), state)
            chances = F.softmax(scores[0, 0].double() / temperature, dim=0).numpy()
            numbers.append(int(rng.choice(len(chances), p=chances / chances.sum())))
    return text.decode(numbers)


def keep(stem: Path, model: nn.Module, sample: str, bits: list[float]) -> None:
    """Write the network, a sample and the curve of the loss to files of this name; print the sample."""
    nbnn.save(model.state_dict(), stem.with_suffix(".safetensors"))
    stem.with_suffix(".txt").write_text(sample, encoding="utf-8")
    figure = Figure(figsize=(7, 4), layout="constrained")
    axes = figure.subplots()
    axes.plot(bits, linewidth=0.8)
    axes.set(xlabel="step", ylabel="bits a character", ylim=(0, None))
    figure.savefig(stem.with_suffix(".png"), dpi=110)
    print(sample)


def parse_args(argv: list[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--text", type=Path, help="a text file in UTF-8 (default: a sonnet)")
    parser.add_argument("--steps", type=positive(int), default=400)
    parser.add_argument("--length", type=positive(int), default=64, help="characters through which gradients flow")
    parser.add_argument("--batch-size", type=positive(int), default=64)
    parser.add_argument("--hidden", type=positive(int), default=128)
    parser.add_argument("--lr", type=positive(float), default=0.005)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=Path("."), help="folder to write to")
    return parser.parse_args(argv)


def main(argv: list[str] | None = None) -> int:
    """Train, save, write; bad input is one line on stderr and exit code 2."""
    args = parse_args(argv)
    nbnn.manual_seed(args.seed)
    try:
        args.out.mkdir(parents=True, exist_ok=True)
        text = Text(args.text)
    except (OSError, ValueError) as error:
        print(f"char_lstm.py: {error}", file=sys.stderr)
        return 2
    print(f"{len(text.numbers)} characters of an alphabet of {len(text.alphabet)}")
    model = CharLSTM(len(text.alphabet), args.hidden)
    bits = train(model, text, args)
    keep(args.out / "char_lstm", model, write(model, text, 600), bits)
    return 0


if __name__ == "__main__":
    sys.exit(main())
