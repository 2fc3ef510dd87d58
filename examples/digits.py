"""Train a small convolutional network to read handwritten digits.

    python examples/digits.py                     # scikit-learn's 1,797 digits of 8 x 8 pixels
    python examples/digits.py --data FOLDER       # MNIST: a folder of IDX files, gzipped or not

Prints the loss and the test accuracy of every epoch and writes two files: `digits.safetensors` (the trained network)
and `digits.png` (the curves, and test images with the network's answers). The first run compiles the kernels; they
are kept, so later runs start at once. The same seed gives the same losses to the last bit on any number of threads.
"""

from __future__ import annotations

import argparse
import gzip
import sys
import time
import zlib
from pathlib import Path
from typing import NamedTuple

import numpy as np

import nbnn
import nbnn.nn as nn
import nbnn.nn.functional as F

try:
    from matplotlib.figure import Figure
    from sklearn.datasets import load_digits
    from tqdm import tqdm
except ImportError as error:
    sys.exit(f"digits.py: {error.name} is missing; install what the examples need: python -m pip install '.[examples]'")


# ---- the network and its training ------------------------------------------------------------------------------------


def build_model(side: int) -> nn.Sequential:
    """Two convolutions and one linear layer for images of `side` x `side` pixels."""
    return nn.Sequential(
        nn.Conv2d(1, 16, kernel_size=3, padding=1),
        nn.BatchNorm2d(16),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(16, 32, kernel_size=3, padding=1),
        nn.BatchNorm2d(32),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Dropout(0.25),
        nn.Linear(32 * (side // 4) ** 2, 10),
    )


def train(model: nn.Module, data: Data, args: argparse.Namespace) -> tuple[list[float], list[float]]:
    """Train with Adam, the learning rate falling in a straight line; the loss and test accuracy of every epoch."""
    optimizer = nbnn.optim.Adam(model.parameters(), lr=args.lr)
    rng = np.random.default_rng(args.seed)
    count = len(data.train_labels)
    losses: list[float] = []
    accuracies: list[float] = []
    with tqdm(total=args.epochs * count, unit="image", dynamic_ncols=True) as bar:
        for epoch in range(args.epochs):
            bar.set_description(f"epoch {epoch + 1}/{args.epochs}")
            optimizer.param_groups[0]["lr"] = args.lr * (1 - epoch / args.epochs)
            model.train()
            total = 0.0
            for batch in np.array_split(rng.permutation(count), -(-count // args.batch_size)):
                images = nbnn.tensor(data.train_images[batch], device=args.device)
                labels = nbnn.tensor(data.train_labels[batch], device=args.device)
                loss = F.cross_entropy(model(images), labels)
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                total += loss.item() * len(batch)
                bar.update(len(batch))
            losses.append(total / count)
            accuracies.append(accuracy(predict(model, data.test_images, args.device), data.test_labels))
            # Nine digits tell every float32 apart: two runs that print the same line had the same loss.
            bar.write(f"epoch {epoch + 1:3d}   loss {losses[-1]:.9g}   test accuracy {accuracies[-1]:.2f} %")
    return losses, accuracies


def predict(model: nn.Module, images: np.ndarray, device: str) -> np.ndarray:
    """The digit that the model sees in each image."""
    model.eval()
    with nbnn.no_grad():
        chunks = [images[i : i + 500] for i in range(0, len(images), 500)]
        return np.concatenate([model(nbnn.tensor(c, device=device)).cpu().numpy().argmax(axis=1) for c in chunks])


def accuracy(answers: np.ndarray, labels: np.ndarray) -> float:
    """Right answers in percent."""
    return 100.0 * float(np.mean(answers == labels))


# ---- the data --------------------------------------------------------------------------------------------------------


class Data(NamedTuple):
    """Images (N, 1, H, W) in float32 from 0 to 1, labels (N,) in int64."""

    train_images: np.ndarray
    train_labels: np.ndarray
    test_images: np.ndarray
    test_labels: np.ndarray


def load_data(folder: Path | None, seed: int) -> Data:
    """The MNIST files in `folder`, or scikit-learn's digits with a fifth of them, chosen by `seed`, held out."""
    if folder is None:
        digits = load_digits()
        order = np.random.default_rng(seed).permutation(len(digits.target))
        images, labels = digits.images[order] / 16, digits.target[order]
        test = len(order) // 5
        return as_data(images[test:], labels[test:], images[:test], labels[:test])
    if not folder.is_dir():
        raise ValueError(f"--data {folder}: no such folder; give the folder that holds MNIST's IDX files")
    found = [prefix for prefix in ("train", "t10k") if list(folder.glob(f"*{prefix}-*-ubyte*"))]
    if not found:
        raise ValueError(f"--data {folder}: holds neither train-* nor t10k-* files (as in t10k-images-idx3-ubyte.gz)")
    images, labels = read_pair(folder, found[0])
    if len(found) == 2:
        return as_data(images, labels, *read_pair(folder, found[1]))
    train = len(labels) * 4 // 5  # of t10k alone: the first 8,000 to train on, the last 2,000 to test with
    return as_data(images[:train], labels[:train], images[train:], labels[train:])


def as_data(*arrays: np.ndarray) -> Data:
    """Check that each part has images, all of one square size, and give them the types that the network takes."""
    train_images, train_labels, test_images, test_labels = arrays
    if not len(train_labels) or not len(test_labels):
        raise ValueError(f"got {len(train_labels)} images to train on and {len(test_labels)} to test with; needs both")
    height, width = train_images.shape[1:]
    if height != width or height < 4 or test_images.shape[1:] != (height, width):
        raise ValueError(f"images must be square, 4 x 4 or larger; got {height} x {width} and {test_images.shape[1:]}")
    return Data(
        train_images[:, None].astype(np.float32),
        train_labels.astype(np.int64),
        test_images[:, None].astype(np.float32),
        test_labels.astype(np.int64),
    )


def read_pair(folder: Path, prefix: str) -> tuple[np.ndarray, np.ndarray]:
    """The images and labels of one of MNIST's two parts, `train` or `t10k`."""
    images = read_idx(folder, f"{prefix}-images-idx3-ubyte")
    labels = read_idx(folder, f"{prefix}-labels-idx1-ubyte")
    if len(images) != len(labels):
        raise ValueError(f"{folder}: {prefix} has {len(images)} images but {len(labels)} labels")
    if labels.size and labels.max() > 9:
        raise ValueError(f"{folder}: the labels of {prefix} must be digits 0 to 9; got {labels.max()}")
    return images / 255, labels


def read_idx(folder: Path, name: str) -> np.ndarray:
    """Read an IDX file of bytes: 0, 0, 8, the number of axes, the length of each axis (big-endian), the bytes."""
    path = next((p for end in ("", ".gz") for p in sorted(folder.glob(f"*{name}{end}"))), None)
    if path is None:
        raise ValueError(f"--data {folder}: holds no {name}, nor {name}.gz")
    try:
        content = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise ValueError(f"{path}: not a whole gzip file: {error}") from error
    axes = 3 if "idx3" in name else 1
    if content[:4] != bytes((0, 0, 8, axes)):
        raise ValueError(f"{path}: not an IDX file of bytes with {axes} axes; it starts with {content[:4]!r}")
    start = 4 + 4 * axes
    shape = tuple(np.frombuffer(content[4:start].ljust(4 * axes, b"\0"), ">u4").tolist())
    needed = start + int(np.prod(shape, dtype=object))
    if len(content) != needed:
        raise ValueError(f"{path}: truncated or damaged: shape {shape} needs {needed} bytes; got {len(content)}")
    return np.frombuffer(content, np.uint8, offset=start).reshape(shape)


# ---- the picture and the command -------------------------------------------------------------------------------------


def draw(path: Path, losses: list[float], accuracies: list[float], data: Data, answers: np.ndarray) -> None:
    """Write the curves of loss and accuracy, and a grid of test images: wrong answers first, in red."""
    left, right = Figure(figsize=(13, 5.5), layout="constrained").subfigures(1, 2, width_ratios=(2, 3))
    epochs = range(1, len(losses) + 1)
    upper, lower = left.subplots(2, 1, sharex=True)
    upper.plot(epochs, losses, marker=".")
    upper.set(ylabel="training loss", yscale="log")
    lower.plot(epochs, accuracies, marker=".", color="tab:green")
    lower.set(ylabel="test accuracy (%)", xlabel="epoch")
    wrong = answers != data.test_labels
    right.suptitle(f"{int(wrong.sum())} of {len(wrong)} test images read wrongly (red: answer / truth)")
    order = np.argsort(~wrong, kind="stable")
    for i, axes in enumerate(right.subplots(5, 8).flat):
        axes.axis("off")
        if i < len(order):
            k = order[i]
            axes.imshow(data.test_images[k, 0], cmap="gray_r")
            text = f"{answers[k]} / {data.test_labels[k]}" if wrong[k] else f"{answers[k]}"
            axes.set_title(text, fontsize=10, color="tab:red" if wrong[k] else "black")
    right.figure.savefig(path, dpi=110)


def positive(kind: type) -> object:
    """An argparse type: a finite number of this kind above zero."""

    def parse(text: str) -> float:
        value = kind(text)
        if not 0 < value < float("inf"):
            raise ValueError
        return value

    parse.__name__ = f"positive {kind.__name__}"
    return parse


def parse_args(argv: list[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, help="folder of MNIST's IDX files (default: scikit-learn's digits)")
    parser.add_argument("--epochs", type=positive(int), default=12)
    parser.add_argument("--batch-size", type=positive(int), default=32)
    parser.add_argument("--lr", type=positive(float), default=0.003, help="learning rate of the first epoch")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=positive(int), help="CPU threads (default: all)")
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument("--out", type=Path, default=Path("."), help="folder to write to")
    return parser.parse_args(argv)


def prepare(args: argparse.Namespace) -> tuple[Data, nn.Module]:
    """Everything that can be asked wrongly: the seed, the device, the folder to write to, the data."""
    nbnn.manual_seed(args.seed)
    if args.threads:
        nbnn.set_num_threads(args.threads)
    args.out.mkdir(parents=True, exist_ok=True)
    data = load_data(args.data, args.seed)
    return data, build_model(data.train_images.shape[-1]).to(args.device)


def main(argv: list[str] | None = None) -> int:
    """Load, train, save, load again, draw; bad input is one line on stderr and exit code 2."""
    args = parse_args(argv)
    try:
        data, model = prepare(args)
    except (OSError, ValueError, RuntimeError) as error:
        print(f"digits.py: {error}", file=sys.stderr)
        return 2
    side = data.train_images.shape[-1]
    print(f"{len(data.train_labels)} images of {side} x {side} to train on, {len(data.test_labels)} to test with")
    start = time.perf_counter()
    losses, accuracies = train(model, data, args)
    print(f"trained in {time.perf_counter() - start:.1f} s on {args.device}")

    checkpoint = args.out / "digits.safetensors"
    nbnn.save(model.state_dict(), checkpoint)
    fresh = build_model(side).to(args.device)
    fresh.load_state_dict(nbnn.load(checkpoint))
    answers = predict(fresh, data.test_images, args.device)
    again = accuracy(answers, data.test_labels)
    print(f"{checkpoint}: read back into a fresh model, test accuracy {again:.2f} %")
    draw(args.out / "digits.png", losses, accuracies, data, answers)
    print(f"{args.out / 'digits.png'}: curves and answers")
    return 0 if again == accuracies[-1] else 1


if __name__ == "__main__":
    sys.exit(main())
