"""What is timed, as data: each case is built once and runs on nbnn and on PyTorch alike.

`T` is the module `nbnn` or the module `torch`, `F` its `nn.functional`: the same lines build both sides.
"""

from __future__ import annotations

import functools
import importlib.util
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import numpy as np

Run = Callable[[], list[Any]]


@dataclass(frozen=True)
class Case:
    """One line of the table: `build(T, F)` gives a function that does the work and returns what it computed."""

    name: str
    family: str
    build: Callable[[ModuleType, ModuleType], Run]
    compare: bool = True  # False: random numbers decide the result


def op(
    name: str,
    family: str,
    call: Callable[..., Any],
    *inputs: tuple[int, ...] | np.ndarray,
    compare: bool = True,
    backward: bool = True,
) -> Iterator[Case]:
    """A case of `call(T, F, *tensors)` alone, and one with its gradient; a shape stands for normal numbers."""

    def arrays() -> list[np.ndarray]:
        rng = np.random.default_rng(0)
        return [x if isinstance(x, np.ndarray) else rng.standard_normal(x, dtype=np.float32) for x in inputs]

    def forward(T: ModuleType, F: ModuleType) -> Run:
        tensors = [T.tensor(array) for array in arrays()]

        def run() -> list[Any]:
            with T.no_grad():
                return as_list(call(T, F, *tensors))

        return run

    def with_gradient(T: ModuleType, F: ModuleType) -> Run:
        tensors = [T.tensor(array, requires_grad=array.dtype.kind == "f") for array in arrays()]
        leaves = [tensor for tensor in tensors if tensor.requires_grad]
        shape = tuple(as_list(call(T, F, *tensors))[0].shape)
        seed = T.tensor(np.asarray(np.random.default_rng(1).standard_normal(shape), dtype=np.float32))

        def run() -> list[Any]:
            for leaf in leaves:
                leaf.grad = None
            result = as_list(call(T, F, *tensors))
            result[0].backward(seed)
            return result + [leaf.grad for leaf in leaves]

        return run

    yield Case(name, family, forward, compare)
    if backward:
        yield Case(f"{name}, backward", family, with_gradient, compare)


def as_list(result: Any) -> list[Any]:
    """The tensors of a result, be it one or several."""
    return list(result) if isinstance(result, (tuple, list)) else [result]


def classes(count: int, above: int) -> np.ndarray:
    """Class targets."""
    return np.random.default_rng(2).integers(0, above, count)


def array_cases() -> Iterator[Case]:
    """Arithmetic, sums, matrix products and movement."""
    big, family = (1024, 1024), "array"
    yield from op("add 1024x1024", family, lambda T, F, a, b: a + b, big, big)
    yield from op("add 1024x1024 + 1024", family, lambda T, F, a, b: a + b, big, (1024,))
    yield from op("sub 1024x1024", family, lambda T, F, a, b: a - b, big, big)
    yield from op("mul 1024x1024", family, lambda T, F, a, b: a * b, big, big)
    yield from op("div 1024x1024", family, lambda T, F, a, b: a / b, big, big)
    yield from op("sum 1024x1024", family, lambda T, F, a: a.sum(), big)
    yield from op("sum 1024x1024 dim 0", family, lambda T, F, a: a.sum(0), big)
    yield from op("sum 1024x1024 dim 1", family, lambda T, F, a: a.sum(1), big)
    yield from op("mean 1024x1024", family, lambda T, F, a: a.mean(), big)
    yield from op("transpose 1024x1024, copied", family, lambda T, F, a: a.transpose(0, 1).contiguous(), big)
    yield from op("reshape 1024x1024 of a transpose", family, lambda T, F, a: a.transpose(0, 1).reshape(-1), big)
    yield from op("slice [:, ::2] 1024x1024, copied", family, lambda T, F, a: a[:, ::2].contiguous(), big)
    yield from op("cat 2 x 1024x1024 dim 1", family, lambda T, F, a, b: T.cat((a, b), 1), big, big)
    yield from op("flatten 32x512x7x7", family, lambda T, F, a: T.flatten(a, 1), (32, 512, 7, 7))


def matmul_cases() -> Iterator[Case]:
    """Matrix products and linear layers."""
    family = "matmul"
    for n in (128, 512, 1024):
        yield from op(f"matmul {n}", family, lambda T, F, a, b: T.matmul(a, b), (n, n), (n, n))
    yield from op("matmul 32x128x64 @ 32x64x128", family, lambda T, F, a, b: a @ b, (32, 128, 64), (32, 64, 128))
    yield from op("linear 128x1024 to 1024", family, linear, (128, 1024), (1024, 1024), (1024,))
    yield from op("linear 32x512 to 10", family, linear, (32, 512), (10, 512), (10,))


def linear(T: ModuleType, F: ModuleType, x: Any, weight: Any, bias: Any) -> Any:
    """F.linear on either side."""
    return F.linear(x, weight, bias)


def activation_cases() -> Iterator[Case]:
    """One number at a time, and rows."""
    big, family = (1024, 1024), "activation"
    yield from op("relu 1024x1024", family, lambda T, F, x: F.relu(x), big)
    yield from op("tanh 1024x1024", family, lambda T, F, x: T.tanh(x), big)
    yield from op("sigmoid 1024x1024", family, lambda T, F, x: T.sigmoid(x), big)
    yield from op("exp 1024x1024", family, lambda T, F, x: T.exp(x), big)
    positive = np.random.default_rng(0).uniform(0.1, 3, big).astype(np.float32)
    yield from op("log 1024x1024", family, lambda T, F, x: T.log(x), positive)
    yield from op("softmax 1024x1024", family, lambda T, F, x: F.softmax(x, dim=1), big)
    yield from op("softmax 32x50000", family, lambda T, F, x: F.softmax(x, dim=-1), (32, 50000))
    yield from op("softmax 1024x1024 dim 0", family, lambda T, F, x: F.softmax(x, dim=0), big)
    yield from op("log_softmax 1024x1024", family, lambda T, F, x: F.log_softmax(x, dim=1), big)
    yield from op("dropout 1024x1024", "dropout", lambda T, F, x: F.dropout(x, 0.5), big, compare=False)


# Name, input, weight, stride, padding, groups: the layers of ResNet, MobileNet and the digits example.
CONVOLUTIONS = [
    ("7x7 s2 4x3x224x224 to 64", (4, 3, 224, 224), (64, 3, 7, 7), 2, 3, 1),
    ("3x3 8x64x56x56 to 64", (8, 64, 56, 56), (64, 64, 3, 3), 1, 1, 1),
    ("3x3 s2 8x64x56x56 to 128", (8, 64, 56, 56), (128, 64, 3, 3), 2, 1, 1),
    ("3x3 8x128x28x28 to 128", (8, 128, 28, 28), (128, 128, 3, 3), 1, 1, 1),
    ("3x3 8x256x14x14 to 256", (8, 256, 14, 14), (256, 256, 3, 3), 1, 1, 1),
    ("3x3 8x512x7x7 to 512", (8, 512, 7, 7), (512, 512, 3, 3), 1, 1, 1),
    ("1x1 8x256x56x56 to 64", (8, 256, 56, 56), (64, 256, 1, 1), 1, 0, 1),
    ("3x3 depthwise 8x144x56x56", (8, 144, 56, 56), (144, 1, 3, 3), 1, 1, 144),
    ("3x3 32x1x28x28 to 16", (32, 1, 28, 28), (16, 1, 3, 3), 1, 1, 1),
    ("3x3 32x16x14x14 to 32", (32, 16, 14, 14), (32, 16, 3, 3), 1, 1, 1),
]


def image_cases() -> Iterator[Case]:
    """Convolution, pooling and normalisation."""
    for name, image, weight, stride, padding, groups in CONVOLUTIONS:

        def conv(T: Any, F: Any, x: Any, w: Any, b: Any, s: int = stride, p: int = padding, g: int = groups) -> Any:
            return F.conv2d(x, w, b, stride=s, padding=p, groups=g)

        yield from op(f"conv2d {name}", "convolution", conv, image, weight, weight[:1])
    pool = "pooling"
    yield from op("max_pool2d 2 32x64x56x56", pool, lambda T, F, x: F.max_pool2d(x, 2), (32, 64, 56, 56))
    yield from op("max_pool2d 3 s2 8x64x112x112", pool, lambda T, F, x: F.max_pool2d(x, 3, 2, 1), (8, 64, 112, 112))
    yield from op(
        "max_pool2d 2 32x64x56x56, indices",
        pool,
        lambda T, F, x: F.max_pool2d(x, 2, return_indices=True),
        (32, 64, 56, 56),
    )
    for mode, training in (("train", True), ("eval", False)):

        def norm(T: Any, F: Any, x: Any, weight: Any, bias: Any, training: bool = training) -> Any:
            return F.batch_norm(x, T.zeros(64), T.ones(64), weight, bias, training)

        yield from op(f"batch_norm {mode} 32x64x56x56", "normalization", norm, (32, 64, 56, 56), (64,), (64,))


def loss_cases() -> Iterator[Case]:
    """Losses."""
    size, family = (4096, 1000), "loss"
    targets = classes(4096, 1000)
    yield from op("cross_entropy 4096x1000", family, lambda T, F, x, t: F.cross_entropy(x, t), size, targets)
    yield from op("nll_loss 4096x1000", family, lambda T, F, x, t: F.nll_loss(x, t), size, targets)
    yield from op("cross_entropy 32x10", family, lambda T, F, x, t: F.cross_entropy(x, t), (32, 10), classes(32, 10))
    yield from op("mse_loss 1024x1024", family, lambda T, F, x, y: F.mse_loss(x, y), (1024, 1024), (1024, 1024))


def small_cases() -> Iterator[Case]:
    """What a call costs when there is next to nothing to compute."""
    yield Case("relu on 8 elements", "small", lambda T, F: call_on(F.relu, T.tensor(np.ones(8, np.float32))))
    yield Case(
        "relu on 8 elements, recorded",
        "small",
        lambda T, F: call_on(F.relu, T.tensor(np.ones(8, np.float32), requires_grad=True)),
    )
    yield from list(op("relu on 8 elements", "small", lambda T, F, x: F.relu(x), (8,)))[1:]
    yield Case("Linear(64, 64) on 1x64, recorded", "small", linear_module)
    yield from op("linear on 1x64", "small", linear, (1, 64), (64, 64), (64,))
    yield Case("training step 8-64-64-4, batch 32", "step", mlp_step)
    yield Case("training step of the digits example, 32x1x8x8", "step", lambda T, F: digits_step(T, F, 8), False)
    yield Case("training step of the digits example, 32x1x28x28", "step", lambda T, F: digits_step(T, F, 28), False)


def call_on(function: Callable[[Any], Any], x: Any) -> Run:
    """One call, nothing around it."""
    return lambda: [function(x)]


def linear_module(T: ModuleType, F: ModuleType) -> Run:
    """A Module's call."""
    return call_on(same_weights(T, T.nn.Linear(64, 64)), T.tensor(np.ones((1, 64), np.float32)))


def same_weights(T: ModuleType, model: Any) -> Any:
    """Give both libraries the same parameters."""
    rng = np.random.default_rng(3)
    with T.no_grad():
        for parameter in model.parameters():
            shape = tuple(parameter.shape)
            parameter.copy_(T.tensor(rng.standard_normal(shape, dtype=np.float32) / np.float32(max(shape)) ** 0.5))
    return model


def mlp_step(T: ModuleType, F: ModuleType) -> Run:
    """Forward, backward and Adam of a small network."""
    nn = T.nn
    model = nn.Sequential(nn.Linear(8, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 4))
    x = np.random.default_rng(0).standard_normal((32, 8), dtype=np.float32)
    return training_step(T, F, same_weights(T, model), x, classes(32, 4))


def digits_step(T: ModuleType, F: ModuleType, side: int) -> Run:
    """One step of examples/digits.py."""
    nn = T.nn
    model = nn.Sequential(
        *(nn.Conv2d(1, 16, 3, padding=1), nn.BatchNorm2d(16), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Conv2d(16, 32, 3, padding=1), nn.BatchNorm2d(32), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Flatten(), nn.Dropout(0.25), nn.Linear(32 * (side // 4) ** 2, 10)),
    )
    x = np.random.default_rng(0).standard_normal((32, 1, side, side), dtype=np.float32)
    return training_step(T, F, model, x, classes(32, 10))


def training_step(T: ModuleType, F: ModuleType, model: Any, x: np.ndarray, target: np.ndarray) -> Run:
    """A function that trains one step further each time."""
    optimizer = T.optim.Adam(model.parameters(), lr=1e-3)
    inputs, targets = T.tensor(x), T.tensor(target)

    def run() -> list[Any]:
        loss = F.cross_entropy(model(inputs), targets)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return [loss]

    return run


def table_cases() -> Iterator[Case]:
    """The cases of the tests' own tables that have inputs of some size, on the same inputs in float32."""
    if importlib.util.find_spec("pytest") is None:  # the tables stand on pytest; everything else here does not
        return
    for family in ("activation", "array", "convolution", "linear", "loss", "normalization", "pooling"):
        for case in importlib.import_module(f"tests.cases.{family}").CASES:
            if case.large is not None and case.torch is not False:
                yield Case(f"test {case.name}", "tables", functools.partial(table_run, case))


def table_run(case: Any, T: ModuleType, F: ModuleType) -> Run:
    """A test case forward and, where it is differentiable, backward."""
    names = importlib.import_module("tests.case").Names(F, T)
    call = case.torch if callable(case.torch) and T.__name__ == "torch" else case.call
    values = []
    for position, value in enumerate(case.large(np.random.default_rng(7))):
        if isinstance(value, np.ndarray) and value.dtype.kind == "f":
            tensor = T.tensor(value.astype(np.float32))
            values.append(tensor.requires_grad_() if position in case.grad else tensor)
        else:
            values.append(T.tensor(value) if isinstance(value, np.ndarray) else value)
    leaves = [values[position] for position in case.grad if hasattr(values[position], "grad")]
    shape = tuple(as_list(call(names, *values))[0].shape)
    seed = T.tensor(np.asarray(np.random.default_rng(1).standard_normal(shape), dtype=np.float32))

    def run() -> list[Any]:
        for leaf in leaves:
            leaf.grad = None
        results = as_list(call(names, *values))
        if results[0].requires_grad:
            results[0].backward(seed)
        return [results[0], *(leaf.grad for leaf in leaves if leaf.grad is not None)]

    return run


def all_cases() -> list[Case]:
    """Every case, in the order of the table."""
    tables = (small_cases, array_cases, matmul_cases, activation_cases, image_cases, loss_cases, table_cases)
    return [case for table in tables for case in table()]
