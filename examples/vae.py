"""Learn to draw handwritten digits with a variational autoencoder.

    python examples/vae.py                     # scikit-learn's 1,797 digits of 8 x 8 pixels
    python examples/vae.py --data FOLDER       # MNIST: a folder of IDX files, gzipped or not

An encoder maps an image to a normal distribution over two numbers, a decoder maps two numbers to an image; both learn
to make the image likely while the distributions stay near the standard one (Kingma and Welling, "Auto-encoding
variational Bayes"). Prints the loss of every epoch and writes `vae.safetensors` and `vae.png`: test images above what
is left of them after two numbers, and the plane of all that the decoder can draw.
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


class VAE(nn.Module):
    """An encoder to the mean and log-variance of `latent` numbers, and a decoder from them to pixels' log-odds."""

    def __init__(self, pixels: int, hidden: int = 128, latent: int = 2) -> None:
        super().__init__()
        self.encoder = nn.Sequential(
            nn.Flatten(), nn.Linear(pixels, hidden), nn.ReLU(), nn.Linear(hidden, hidden), nn.ReLU()
        )
        self.mean = nn.Linear(hidden, latent)
        self.log_variance = nn.Linear(hidden, latent)
        self.decoder = nn.Sequential(
            *(nn.Linear(latent, hidden), nn.ReLU(), nn.Linear(hidden, hidden), nn.ReLU(), nn.Linear(hidden, pixels))
        )

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """The log-odds of every pixel from a point drawn from each image's distribution, and that distribution."""
        seen = self.encoder(images)
        mean, log_variance = self.mean(seen), self.log_variance(seen)
        point = mean + nbnn.randn_like(mean) * (0.5 * log_variance).exp()
        return self.decoder(point), mean, log_variance


def negative_elbo(images: Tensor, log_odds: Tensor, mean: Tensor, log_variance: Tensor) -> Tensor:
    """What an image costs: its pixels given the point, and the distance of its distribution from the standard one."""
    pixels = F.binary_cross_entropy_with_logits(log_odds, images.flatten(1), reduction="sum")
    divergence = -0.5 * (1 + log_variance - mean.square() - log_variance.exp()).sum()
    return (pixels + divergence) / len(images)


def train(model: VAE, images: np.ndarray, args: argparse.Namespace) -> list[float]:
    """The mean loss of each epoch."""
    optimizer = nbnn.optim.Adam(model.parameters(), lr=args.lr)
    rng = np.random.default_rng(args.seed)
    losses = []
    with tqdm(range(args.epochs), unit="epoch", dynamic_ncols=True) as bar:
        for epoch in bar:
            total = 0.0
            for batch in np.array_split(rng.permutation(len(images)), -(-len(images) // args.batch_size)):
                x = nbnn.tensor(images[batch])
                loss = negative_elbo(x, *model(x))
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                total += loss.item() * len(batch)
            losses.append(total / len(images))
            bar.write(f"epoch {epoch + 1:3d}   loss {losses[-1]:.6g}")
    return losses


def draw(path: Path, model: VAE, images: np.ndarray) -> None:
    """Ten images above their reconstructions, and what the decoder makes of the points of a plane."""
    side, steps = images.shape[-1], 14
    axis = np.linspace(-2.2, 2.2, steps, dtype=np.float32)
    plane = np.stack(np.meshgrid(axis, axis), axis=-1).reshape(-1, 2)
    shown = images[:10]
    with nbnn.no_grad():
        means = model.mean(model.encoder(nbnn.tensor(shown)))
        again = model.decoder(means).sigmoid().numpy().reshape(-1, side, side)
        drawn = model.decoder(nbnn.tensor(plane)).sigmoid().numpy().reshape(steps, steps, side, side)
    upper, lower = Figure(figsize=(8, 9.5), layout="constrained").subfigures(2, 1, height_ratios=(1, 4))
    upper.suptitle("test images, and what two numbers keep of them")
    for k, column in enumerate(upper.subplots(2, 10).T[: len(shown)]):
        for axes, image in zip(column, (shown[k, 0], again[k]), strict=True):
            axes.imshow(image, cmap="gray_r")
            axes.axis("off")
    axes = lower.subplots()
    axes.imshow(drawn.transpose(0, 2, 1, 3).reshape(steps * side, steps * side), cmap="gray_r")
    axes.set(title="the plane of all digits", xticks=[], yticks=[])
    lower.figure.savefig(path, dpi=100)


def parse_args(argv: list[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, help="folder of MNIST's IDX files (default: scikit-learn's digits)")
    parser.add_argument("--epochs", type=positive(int), default=60)
    parser.add_argument("--batch-size", type=positive(int), default=64)
    parser.add_argument("--lr", type=positive(float), default=0.002)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=Path("."), help="folder to write to")
    return parser.parse_args(argv)


def main(argv: list[str] | None = None) -> int:
    """Train, save, draw; bad input is one line on stderr and exit code 2."""
    args = parse_args(argv)
    nbnn.manual_seed(args.seed)
    try:
        args.out.mkdir(parents=True, exist_ok=True)
        data = load_data(args.data, args.seed)
    except (OSError, ValueError) as error:
        print(f"vae.py: {error}", file=sys.stderr)
        return 2
    model = VAE(data.train_images[0].size)
    train(model, data.train_images, args)
    nbnn.save(model.state_dict(), args.out / "vae.safetensors")
    draw(args.out / "vae.png", model, data.test_images)
    print(f"{args.out / 'vae.png'}: reconstructions, and the plane of digits")
    return 0


if __name__ == "__main__":
    sys.exit(main())
