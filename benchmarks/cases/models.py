"""Whole models: training steps of LeNet, a character LSTM and a GPT, inference of ResNet-18."""

from __future__ import annotations

import functools
import os
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from benchmarks.cases.case import Case, Run, classes, training_step
from benchmarks.models.char_lstm import char_lstm
from benchmarks.models.gpt import gpt
from benchmarks.models.lenet import lenet
from benchmarks.models.resnet import resnet18

# Where tinyshakespeare.txt lies; without it the text of this package stands in.
DATA = Path(os.environ.get("NBNN_DATA", Path(__file__).resolve().parents[3] / "shared" / "data"))


def cases() -> Iterator[Case]:
    """Whole models."""
    family = "models"
    yield Case("LeNet training step, 64x1x28x28", family, lenet_step)
    for batch in (1, 8):
        yield Case(f"ResNet-18 inference, {batch}x3x224x224", family, functools.partial(resnet_inference, batch))
    yield Case("character LSTM training step, 64x32", family, char_lstm_step)
    yield Case("GPT training step, 12x64", family, gpt_step)


def initialise(T: ModuleType, model: Any) -> Any:
    """The same weights for both libraries, such that signals keep their size from layer to layer."""
    rng = np.random.default_rng(3)
    with T.no_grad():
        for name, parameter in model.named_parameters():
            shape = tuple(parameter.shape)
            if len(shape) > 1:
                fan_in = max(1, int(np.prod(shape[1:])))
                parameter.copy_(T.tensor(rng.standard_normal(shape, dtype=np.float32) / np.float32(fan_in) ** 0.5))
            elif "bias" in name:
                parameter.copy_(T.tensor(rng.standard_normal(shape, dtype=np.float32) / 10))
    return model


def lenet_step(T: ModuleType, F: ModuleType) -> Run:
    """Forward, backward and Adam on a batch of 64 images."""
    x = np.random.default_rng(0).standard_normal((64, 1, 28, 28), dtype=np.float32)
    return training_step(T, F, initialise(T, lenet(T)), x, classes(64, 10))


def resnet_inference(batch: int, T: ModuleType, F: ModuleType) -> Run:
    """Scores of a batch of images."""
    model = initialise(T, resnet18(T)).eval()
    x = T.tensor(np.random.default_rng(0).standard_normal((batch, 3, 224, 224), dtype=np.float32))

    def run() -> list[Any]:
        with T.no_grad():
            return [model(x)]

    return run


@functools.cache
def text() -> tuple[np.ndarray, int]:
    """A text as numbers of characters, and how many different ones there are."""
    path = DATA / "tinyshakespeare.txt"
    if path.exists():
        written = path.read_text()[:100_000]
    else:
        written = "".join(file.read_text() for file in sorted(Path(__file__).parent.glob("*.py")))
    found, numbers = np.unique(np.array(list(written)), return_inverse=True)
    return numbers.astype(np.int64), len(found)


def passages(count: int, length: int) -> tuple[np.ndarray, np.ndarray]:
    """Passages (count, length) of the text, and the characters that follow each of theirs."""
    numbers, _ = text()
    starts = np.random.default_rng(0).integers(0, len(numbers) - length - 1, count)
    picked = numbers[starts[:, None] + np.arange(length + 1)]
    return np.ascontiguousarray(picked[:, :-1]), np.ascontiguousarray(picked[:, 1:])


def language_step(T: ModuleType, F: ModuleType, model: Any, inputs: np.ndarray, targets: np.ndarray) -> Run:
    """A function that trains a language model one step further each time."""
    optimizer = T.optim.AdamW(model.parameters(), lr=1e-3)
    x, y = T.tensor(inputs), T.tensor(targets.reshape(-1))

    def run() -> list[Any]:
        scores = model(x)
        loss = F.cross_entropy(scores.reshape(-1, scores.shape[-1]), y)
        optimizer.zero_grad()
        loss.backward()
        T.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        return [loss]

    return run


def char_lstm_step(T: ModuleType, F: ModuleType) -> Run:
    """32 passages of 64 characters through two layers of 256."""
    inputs, targets = passages(32, 64)
    model = initialise(T, char_lstm(T, text()[1]))
    return language_step(T, F, model, np.ascontiguousarray(inputs.T), np.ascontiguousarray(targets.T))


def gpt_step(T: ModuleType, F: ModuleType) -> Run:
    """12 passages of 64 characters through four layers of 128."""
    inputs, targets = passages(12, 64)
    return language_step(T, F, initialise(T, gpt(T, text()[1], 64)), inputs, targets)
