"""The examples from outside: what a user types, what is printed, what is written, how bad data is refused."""

from __future__ import annotations

import gzip
import importlib.util
import os
import re
import struct
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

for extra in ("sklearn", "matplotlib", "tqdm"):
    pytest.importorskip(extra)

ROOT = Path(__file__).resolve().parent.parent


def run(example: str, *args: object) -> subprocess.CompletedProcess[str]:
    """Run an example in a process of its own."""
    command = [sys.executable, str(ROOT / "examples" / f"{example}.py"), *map(str, args)]
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.run(command, capture_output=True, text=True, env=env, timeout=300, check=False)


def digits(*args: object) -> subprocess.CompletedProcess[str]:
    """Run the example of digits."""
    return run("digits", *args)


def idx(array: np.ndarray) -> bytes:
    """The array of bytes as the content of an IDX file."""
    return struct.pack(f">BBBB{array.ndim}I", 0, 0, 8, array.ndim, *array.shape) + array.astype(np.uint8).tobytes()


def write_mnist(folder: Path, prefix: str, count: int, *, zipped: bool) -> None:
    """A small part of MNIST's look: `count` images of 8 x 8 pixels, each showing its label as a bright row."""
    labels = np.arange(count) % 8
    images = np.random.default_rng(0).integers(0, 40, (count, 8, 8))
    images[np.arange(count), labels] = 255
    folder.mkdir(exist_ok=True)
    for name, array in ((f"{prefix}-images-idx3-ubyte", images), (f"{prefix}-labels-idx1-ubyte", labels)):
        content = idx(array)
        (folder / (name + ".gz" * zipped)).write_bytes(gzip.compress(content) if zipped else content)


@pytest.fixture(scope="module")
def example() -> ModuleType:
    """The example as a module."""
    spec = importlib.util.spec_from_file_location("digits_example", ROOT / "examples" / "digits.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[str, Path]]:
    """Standard output and folder of one run on 1 thread and one on 2."""
    results = []
    for threads in (1, 2):
        out = tmp_path_factory.mktemp(f"threads{threads}")
        done = digits("--epochs", 1, "--threads", threads, "--out", out)
        assert done.returncode == 0, done.stderr
        results.append((done.stdout, out))
    return results


def test_one_epoch_learns_and_writes_its_files(runs: list[tuple[str, Path]]) -> None:
    text, out = runs[0]
    learned = re.search(r"epoch +1 +loss (\S+) +test accuracy (\S+) %", text)
    assert learned is not None, text
    assert 0 < float(learned[1]) < 2.0
    assert float(learned[2]) > 80.0
    assert f"read back into a fresh model, test accuracy {learned[2]} %" in text
    assert (out / "digits.png").read_bytes().startswith(b"\x89PNG")
    assert (out / "digits.safetensors").stat().st_size > 4 * 16 * 32 * 9


def test_one_and_two_threads_agree_to_the_last_bit(runs: list[tuple[str, Path]]) -> None:
    lines = [[line for line in text.splitlines() if line.startswith("epoch")] for text, _ in runs]
    assert lines[0] == lines[1]
    first, second = ((out / "digits.safetensors").read_bytes() for _, out in runs)
    assert first == second


def test_mnist_is_trained_on(tmp_path: Path) -> None:
    write_mnist(tmp_path, "t10k", 200, zipped=True)
    done = digits("--data", tmp_path, "--epochs", 1, "--out", tmp_path / "out")
    assert done.returncode == 0, done.stderr
    assert "160 images of 8 x 8 to train on, 40 to test with" in done.stdout
    assert len(list((tmp_path / "out").iterdir())) == 2


@pytest.mark.parametrize("zipped", [False, True])
def test_idx_files_are_read(tmp_path: Path, example: ModuleType, zipped: bool) -> None:
    write_mnist(tmp_path, "t10k", 50, zipped=zipped)
    alone = example.load_data(tmp_path, 0)
    assert [part.shape for part in alone] == [(40, 1, 8, 8), (40,), (10, 1, 8, 8), (10,)]
    assert [part.dtype for part in alone] == [np.float32, np.int64, np.float32, np.int64]
    assert alone.train_images.max() == 1.0
    np.testing.assert_array_equal(alone.train_images[:, 0].max(axis=2).argmax(axis=1), alone.train_labels)
    write_mnist(tmp_path, "train", 96, zipped=not zipped)
    assert [len(part) for part in example.load_data(tmp_path, 0)] == [96, 96, 50, 50]


def test_bad_data_is_one_clear_line(tmp_path: Path, example: ModuleType) -> None:
    images, labels = "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"
    good = idx(np.zeros((10, 8, 8)))
    cases: dict[str, tuple[dict[str, bytes], str]] = {
        "empty": ({}, "holds neither train-* nor t10k-* files"),
        "no-labels": ({images: good}, f"holds no {labels}"),
        "truncated": ({images: good[:-1]}, "truncated or damaged: shape (10, 8, 8) needs 656 bytes; got 655"),
        "header": ({images: good[:7]}, "truncated or damaged"),
        "too-long": ({images: good + b"x"}, "needs 656 bytes; got 657"),
        "truncated-gz": ({images + ".gz": gzip.compress(good)[:-9]}, "not a whole gzip file"),
        "not-gz": ({images + ".gz": good}, "not a whole gzip file"),
        "foreign": ({images: b"\x89PNG\r\n"}, "not an IDX file of bytes with 3 axes; it starts with"),
        "swapped": ({images: idx(np.zeros(10))}, "not an IDX file of bytes with 3 axes"),
        "lengths": ({images: good, labels: idx(np.zeros(9))}, "has 10 images but 9 labels"),
        "labels": ({images: good, labels: idx(np.full(10, 10))}, "labels of t10k must be digits 0 to 9; got 10"),
        "oblong": ({images: idx(np.zeros((10, 8, 9))), labels: idx(np.zeros(10))}, "images must be square"),
    }
    for name, (files, message) in cases.items():
        folder = tmp_path / name
        folder.mkdir()
        for file, content in files.items():
            (folder / file).write_bytes(content)
        with pytest.raises(ValueError) as refusal:
            example.load_data(folder, 0)
        assert message in str(refusal.value)
    done = digits("--data", tmp_path / "truncated", "--out", tmp_path / "out")
    assert done.returncode == 2
    assert len(done.stderr.strip().splitlines()) == 1, done.stderr
    assert "truncated or damaged" in done.stderr
    assert not list((tmp_path / "out").iterdir())


def test_missing_folder_and_bad_options(
    tmp_path: Path, example: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    assert example.main(["--data", str(tmp_path / "nowhere"), "--out", str(tmp_path)]) == 2
    assert capsys.readouterr().err.endswith("no such folder; give the folder that holds MNIST's IDX files\n")
    file = tmp_path / "file"
    file.write_text("")
    assert example.main(["--out", str(file)]) == 2
    assert str(file) in capsys.readouterr().err
    bad = {"--epochs": "0", "--batch-size": "-1", "--lr": "nan", "--threads": "0", "--seed": "x", "--device": "tpu"}
    for option, value in bad.items():
        with pytest.raises(SystemExit, match="2"):
            example.main([option, value])
        assert option in capsys.readouterr().err


# Each example on a run of seconds: its options, what it prints, and the files that it writes.
SHORT = {
    "vae": (("--epochs", 3), r"epoch   3   loss (\S+)", {"vae.safetensors", "vae.png"}),
    "dcgan": (
        ("--epochs", 1, "--width", 8, "--batch-size", 360),
        r"epoch   1   discriminator (\S+)   generator \S+",
        {"dcgan.safetensors", "dcgan.png"},
    ),
    "char_lstm": (
        ("--steps", 24, "--hidden", 32),
        r"step    24   (\S+) bits a character",
        {"char_lstm.safetensors", "char_lstm.txt", "char_lstm.png"},
    ),
    "gpt": (
        ("--steps", 24, "--width", 32, "--layers", 1, "--length", 32),
        r"step    24   (\S+) bits a character",
        {"gpt.safetensors", "gpt.txt", "gpt.png"},
    ),
    "cartpole": (
        ("--rounds", 8, "--episodes", 8),
        r"round    8   the pole stands for (\S+) ticks of 500",
        {"cartpole.safetensors", "cartpole.png"},
    ),
}
# What the number of the last line must stay below (losses) or above (ticks) after so little training.
LEARNED = {"vae": (0, 30), "dcgan": (0, 2), "char_lstm": (0, 4.7), "gpt": (0, 4.5), "cartpole": (20, 500)}


@pytest.mark.parametrize("name", SHORT)
def test_example_learns_and_writes_its_files(name: str, tmp_path: Path) -> None:
    options, line, files = SHORT[name]
    done = run(name, *options, "--out", tmp_path)
    assert done.returncode == 0, done.stderr
    found = re.search(line, done.stdout)
    assert found is not None, done.stdout
    low, high = LEARNED[name]
    assert low < float(found[1]) < high
    assert {path.name for path in tmp_path.iterdir()} == files
    assert all(path.stat().st_size > 100 for path in tmp_path.iterdir())


@pytest.mark.parametrize("name", [name for name in SHORT if name != "cartpole"])
def test_example_refuses_missing_data_in_one_line(name: str, tmp_path: Path) -> None:
    option = "--text" if name in ("char_lstm", "gpt") else "--data"
    done = run(name, option, tmp_path / "nowhere", "--out", tmp_path / "out")
    assert done.returncode == 2
    assert len(done.stderr.strip().splitlines()) == 1, done.stderr
    assert "nowhere" in done.stderr
