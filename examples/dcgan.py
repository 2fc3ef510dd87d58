"""Two networks at play: one draws digits, the other learns to tell them from real ones.

    python examples/dcgan.py                     # scikit-learn's 1,797 digits of 8 x 8 pixels
    python examples/dcgan.py --data FOLDER       # MNIST: a folder of IDX files, gzipped or not

A generator of transposed convolutions turns noise into images, a discriminator of strided convolutions judges them
(Radford, Metz and Chintala, "Unsupervised representation learning with deep convolutional generative adversarial
networks"). Prints both losses of every epoch and writes `dcgan.safetensors` (the generator) and `dcgan.png` (its
drawings of the same noise, epoch by epoch).
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np
from digits import load_data, positive
from matplotlib.figure import Figure
from tqdm import tqdm

import nbnn
import nbnn.nn as nn
import nbnn.nn.functional as F
from nbnn import Tensor

NOISE = 32
SHOWN = 12  # drawings of each epoch in the picture


def build_generator(side: int, width: int) -> nn.Sequential:
    """From noise (N, NOISE, 1, 1) to images (N, 1, side, side) in -1 to 1; each upsampling doubles the size."""
    return nn.Sequential(
        *(nn.ConvTranspose2d(NOISE, 2 * width, side // 4, bias=False), nn.BatchNorm2d(2 * width), nn.ReLU()),
        *(nn.ConvTranspose2d(2 * width, width, 4, 2, 1, bias=False), nn.BatchNorm2d(width), nn.ReLU()),
        *(nn.ConvTranspose2d(width, 1, 4, 2, 1), nn.Tanh()),
    )


def build_discriminator(side: int, width: int) -> nn.Sequential:
    """From images to the log-odds (N,) that each is real."""
    return nn.Sequential(
        *(nn.Conv2d(1, width, 4, 2, 1), nn.LeakyReLU(0.2)),
        *(nn.Conv2d(width, 2 * width, 4, 2, 1, bias=False), nn.BatchNorm2d(2 * width), nn.LeakyReLU(0.2)),
        *(nn.Conv2d(2 * width, 1, side // 4), nn.Flatten(0)),
    )


class Player:
    """A network with its optimizer."""

    def __init__(self, network: nn.Module, lr: float) -> None:
        for parameter in network.parameters():
            if parameter.dim() > 1:
                nn.init.normal_(parameter, 0.0, 0.02)
        self.network = network
        self.optimizer = nbnn.optim.Adam(network.parameters(), lr=lr, betas=(0.5, 0.999))

    def step(self, loss: Tensor) -> float:
        """One step down the loss, with fresh gradients."""
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        return loss.item()


def judged(discriminator: nn.Module, images: Tensor, real: float) -> Tensor:
    """The loss of the discriminator's answers where the right one is `real`."""
    answers = discriminator(images)
    return F.binary_cross_entropy_with_logits(answers, nbnn.full_like(answers, real))


def train(generator: Player, discriminator: Player, images: np.ndarray, args: argparse.Namespace) -> list[np.ndarray]:
    """Let the two play; the drawings of the same noise after each epoch."""
    rng = np.random.default_rng(args.seed)
    shown = nbnn.randn(SHOWN, NOISE, 1, 1)
    drawings = []
    batches = -(-len(images) // args.batch_size)
    with tqdm(total=args.epochs * batches, unit="batch", dynamic_ncols=True) as bar:
        for epoch in range(args.epochs):
            losses = np.zeros(2)
            for batch in np.array_split(rng.permutation(len(images)), batches):
                real = nbnn.tensor(images[batch] * 2 - 1)
                drawn = generator.network(nbnn.randn(len(batch), NOISE, 1, 1))
                wrong = judged(discriminator.network, drawn.detach(), 0.0)
                losses[0] += discriminator.step(judged(discriminator.network, real, 0.9) + wrong)
                losses[1] += generator.step(judged(discriminator.network, drawn, 1.0))
                bar.update()
            generator.network.eval()
            with nbnn.no_grad():
                drawings.append(generator.network(shown).numpy()[:, 0])
            generator.network.train()
            judge, artist = losses / batches
            bar.write(f"epoch {epoch + 1:3d}   discriminator {judge:.6g}   generator {artist:.6g}")
    return drawings


def draw(path: Path, drawings: list[np.ndarray]) -> None:
    """A row of drawings for each of at most twelve epochs, the last one at the bottom."""
    epochs = np.unique(np.linspace(0, len(drawings) - 1, min(12, len(drawings))).round().astype(int))
    figure = Figure(figsize=(8, 0.7 * len(epochs) + 0.5), layout="constrained")
    for row, epoch in zip(figure.subplots(len(epochs), SHOWN, squeeze=False), epochs, strict=True):
        for axes, image in zip(row, drawings[epoch], strict=True):
            axes.imshow(image, cmap="gray_r", vmin=-1, vmax=1)
            axes.axis("off")
        row[0].set_title(f"epoch {epoch + 1}", fontsize=8, loc="left")
    figure.savefig(path, dpi=110)


def parse_args(argv: list[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, help="folder of MNIST's IDX files (default: scikit-learn's digits)")
    parser.add_argument("--epochs", type=positive(int), default=40)
    parser.add_argument("--batch-size", type=positive(int), default=64)
    parser.add_argument("--width", type=positive(int), default=32, help="channels of the widest images")
    parser.add_argument("--lr", type=positive(float), default=0.001)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=Path("."), help="folder to write to")
    return parser.parse_args(argv)


def main(argv: list[str] | None = None) -> int:
    """Train, save, draw; bad input is one line on stderr and exit code 2."""
    args = parse_args(argv)
    nbnn.manual_seed(args.seed)
    try:
        args.out.mkdir(parents=True, exist_ok=True)
        images = load_data(args.data, args.seed).train_images
        if images.shape[-1] % 4:
            raise ValueError(f"images must have a side that 4 divides; got {images.shape[-1]}")
    except (OSError, ValueError) as error:
        print(f"dcgan.py: {error}", file=sys.stderr)
        return 2
    side = images.shape[-1]
    generator = Player(build_generator(side, args.width), args.lr)
    discriminator = Player(build_discriminator(side, args.width), args.lr)
    drawings = train(generator, discriminator, images, args)
    nbnn.save(generator.network.state_dict(), args.out / "dcgan.safetensors")
    draw(args.out / "dcgan.png", drawings)
    print(f"{args.out / 'dcgan.png'}: drawings, epoch by epoch")
    return 0


if __name__ == "__main__":
    sys.exit(main())
