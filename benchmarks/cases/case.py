"""What a case of the benchmarks is, and what the families' files build theirs from.

`T` is the module `nbnn` or the module `torch`, `F` its `nn.functional`: the same lines build both sides.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import numpy as np

Run = Callable[[], list[Any]]


@dataclass(frozen=True)
class Case:
    """One line of the table: `build(T, F)` gives a function that does the work and returns what it computed.

    `reads` (bytes of the inputs), `depth` (multiply-adds of an element of the first result) and `backward` say how much
    work that is; `benchmarks.limits` holds it against the machine.
    """

    name: str
    family: str
    build: Callable[[ModuleType, ModuleType], Run]
    compare: bool = True  # False: random numbers decide the result
    reads: int = 0
    depth: float = 0.0
    backward: bool = False


def op(
    name: str,
    family: str,
    call: Callable[..., Any],
    *inputs: tuple[int, ...] | np.ndarray,
    compare: bool = True,
    backward: bool = True,
    depth: float = 0.0,
) -> Iterator[Case]:
    """A case of `call(T, F, *tensors)` alone, and one with its gradient; a shape stands for normal numbers."""
    reads = sum(x.nbytes if isinstance(x, np.ndarray) else 4 * math.prod(x) for x in inputs)

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

    yield Case(name, family, forward, compare, reads, depth)
    if backward:
        yield Case(f"{name}, backward", family, with_gradient, compare, reads, depth, backward=True)


def as_list(result: Any) -> list[Any]:
    """The tensors of a result, be it one or several."""
    return list(result) if isinstance(result, (tuple, list)) else [result]


def classes(count: int, above: int) -> np.ndarray:
    """Class targets."""
    return np.random.default_rng(2).integers(0, above, count)


def call_on(function: Callable[[Any], Any], x: Any) -> Run:
    """One call, nothing around it."""
    return lambda: [function(x)]


def same_weights(T: ModuleType, model: Any) -> Any:
    """Give both libraries the same parameters."""
    rng = np.random.default_rng(3)
    with T.no_grad():
        for parameter in model.parameters():
            shape = tuple(parameter.shape)
            parameter.copy_(T.tensor(rng.standard_normal(shape, dtype=np.float32) / np.float32(max(shape)) ** 0.5))
    return model


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
