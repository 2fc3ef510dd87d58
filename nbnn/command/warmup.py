"""Compile a model's kernels ahead of time, into the cache that later programs load them from.

Examples:
  python -m nbnn warmup package.module:Net --input 32x1x28x28
  python -m nbnn warmup "examples/digits.py:build_model(28)" --input 32x1x28x28 --train
  python -m nbnn warmup model.py:make --input 8x35:int64 --train --optimizer AdamW --loss sum

The model runs once on made-up inputs: zeros of integers, random numbers otherwise. One compile serves every shape of
a rank, so the sizes may be small; but large layers use paths of their own, so they should be the real ones.
"""

from __future__ import annotations

import argparse
import ast
import importlib
import importlib.util
import inspect
import re
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import nbnn
from nbnn import _jit
from nbnn import functional as F
from nbnn.functional.creation import rand
from nbnn.generator import Generator
from nbnn.kernels import _cpu
from nbnn.modules import Module
from nbnn.tensor import Tensor


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of the command."""
    parser.add_argument(
        "model",
        metavar="MODULE:FACTORY",
        help="a Module, or what makes one, in a module or a .py file; literal arguments in brackets may follow",
    )
    parser.add_argument(
        "--input",
        action="append",
        required=True,
        metavar="SHAPE[:DTYPE]",
        help="shape of an input such as 32x1x28x28 or 8x35:int64; once for each input",
    )
    parser.add_argument("--train", action="store_true", help="also backward and a step of an optimizer")
    parser.add_argument("--optimizer", default="Adam", help="class of nbnn.optim (default: Adam)")
    parser.add_argument(
        "--loss",
        choices=("sum", "cross_entropy", "mse_loss"),
        default="cross_entropy",
        help="what is trained (default: cross_entropy; of an output without classes the sum)",
    )


def run(args: argparse.Namespace) -> int:
    """Run the model once and say what was compiled."""
    inputs = [_made_up(text) for text in args.input]
    optimizer_class = getattr(nbnn.optim, args.optimizer, None)
    if not inspect.isclass(optimizer_class):
        raise ValueError(f"--optimizer {args.optimizer}: nbnn.optim has no such class")
    if _jit._cache_dir() is None:
        raise ValueError("there is no cache to compile into (see python -m nbnn info)")
    model = load(args.model)
    _cpu.pool.start()  # the driver of the threads is compiled too
    start, before, loaded = time.perf_counter(), _jit.stats.compiled, _jit.stats.loaded
    leaves = [m for m in model.modules() if not m._modules]
    with _Bar(len(leaves) + 2 * args.train) as bar:
        handles = [m.register_forward_hook(lambda m, *_: bar.step(type(m).__name__)) for m in leaves]
        try:
            _once(model, inputs, args, optimizer_class, bar)
        finally:
            for handle in handles:
                handle.remove()
    made = _jit.stats.compiled - before
    print(
        f"{time.perf_counter() - start:.1f} s: {made} functions compiled, {_jit.stats.loaded - loaded} loaded from "
        f"{_jit._cache_dir()}"
    )
    return 0


def _once(model: Module, inputs: list[Tensor], args: argparse.Namespace, optimizer_class: Any, bar: _Bar) -> None:
    """A forward, or a whole step."""
    if not args.train:
        with nbnn.no_grad():
            model.eval()(*inputs)
        return
    loss = _loss(model.train()(*inputs), args.loss)
    parameters = [p for p in model.parameters() if p.requires_grad]
    if loss.requires_grad:
        loss.backward()
    bar.step("backward")
    if parameters:
        optimizer_class(parameters).step()
    bar.step(args.optimizer)


def _loss(output: Any, kind: str) -> Tensor:
    """A number to differentiate."""
    outputs = [t for t in _tensors(output) if t.dtype.is_floating_point]
    if not outputs:
        raise TypeError("the model returns no Tensor of floating-point numbers to train")
    first = outputs[0]
    if kind == "cross_entropy" and first.dim() > 1:
        return F.cross_entropy(first, nbnn.zeros(first.shape[0], *first.shape[2:], dtype=nbnn.int64))
    if kind == "mse_loss":
        return F.mse_loss(first, nbnn.zeros_like(first))
    return nbnn.stack([t.sum() for t in outputs]).sum() if len(outputs) > 1 else first.sum()


def _tensors(value: Any) -> Iterator[Tensor]:
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, (tuple, list, dict)):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _tensors(item)


def _made_up(text: str) -> Tensor:
    """The input that ``32x1x28x28`` or ``8x35:int64`` stands for."""
    sizes, _, name = text.partition(":")
    kind = getattr(nbnn, name or "float32", None)
    if not isinstance(kind, nbnn.dtype) or not all(n.isdigit() for n in sizes.split("x")):
        raise ValueError(f"--input {text}: must be sizes such as 32x1x28x28, and perhaps a dtype: 8x35:int64")
    shape = tuple(map(int, sizes.split("x")))
    if kind.is_floating_point:
        return rand(shape, generator=Generator().manual_seed(0)).to(kind)
    return nbnn.zeros(shape, dtype=kind)


def load(target: str) -> Module:
    """The Module that ``package.module:name`` or ``file.py:name(arguments)`` names.

    Raises
    ------
    ValueError
        If the text is of another form, or a file or name does not exist.
    TypeError
        If no Module comes of it.
    """
    match = re.fullmatch(r"(.+):([^\W\d]\w*)(\(.*\))?", target)
    if match is None:
        raise ValueError(f"{target}: must be MODULE:FACTORY or FILE.py:FACTORY, perhaps with arguments (28, 'a')")
    place, name, arguments = match.groups()
    found = getattr(_module(place), name, None)
    if found is None:
        raise ValueError(f"{target}: {place} has no {name}")
    model = found if isinstance(found, Module) else _called(found, target, arguments or "()")
    if not isinstance(model, Module):
        raise TypeError(f"{target}: must give a Module; got {type(model).__name__}")
    return model


def _called(factory: Callable, target: str, arguments: str) -> Any:
    call = ast.parse(f"f{arguments}", mode="eval").body
    assert isinstance(call, ast.Call)
    try:
        given = [ast.literal_eval(a) for a in call.args]
        named = {k.arg: ast.literal_eval(k.value) for k in call.keywords if k.arg}
    except ValueError:
        raise ValueError(f"{target}: arguments must be literals such as 28, 'a' or (1, 2)") from None
    return factory(*given, **named)


def _module(place: str) -> Any:
    if not place.endswith(".py"):
        return importlib.import_module(place)
    if not Path(place).is_file():
        raise ValueError(f"{place}: no such file")
    spec = importlib.util.spec_from_file_location(Path(place).stem, place)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules.setdefault(spec.name, module)
    sys.path.insert(0, str(Path(place).parent))
    spec.loader.exec_module(module)
    return module


class _Bar:
    """A progress bar where tqdm is installed, lines where it is not."""

    def __init__(self, total: int) -> None:
        self._total, self._done = total, 0
        self._bar: Any = None
        try:
            tqdm = importlib.import_module("tqdm").tqdm
        except ImportError:
            return
        self._bar = tqdm(total=total, unit="layer", dynamic_ncols=True, desc="compiling")

    def step(self, name: str) -> None:
        """One more thing is done."""
        self._done += 1
        if self._bar is not None:
            self._bar.set_postfix_str(name, refresh=False)
            self._bar.update(1)
        else:
            print(f"[{self._done}/{self._total}] {name}", file=sys.stderr)

    def __enter__(self) -> _Bar:
        return self

    def __exit__(self, *exc: Any) -> None:
        if self._bar is not None:
            self._bar.close()
