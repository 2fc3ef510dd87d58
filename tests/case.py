"""What a case is, how it is run, and how results are compared: the ground of tests/engine.py."""

from __future__ import annotations

import contextlib
import functools
import re
import warnings
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

import nbnn
import nbnn.functional

FLOATS = (np.float64, np.float32)
# got may differ from expected by RTOL * |expected| + ATOL * (largest |expected|, at least 1)
RTOL = {np.float64: 1e-9, np.float32: 2e-5}
ATOL = {np.float64: 1e-10, np.float32: 1e-5}
EPS = 1e-6  # step of the central differences
GRAD_TOL = 2e-6


@dataclass(frozen=True)
class Case:
    """One way to call one function; its name is ``function`` or ``function-variant``.

    Parameters
    ----------
    call : callable
        ``call(F, *inputs)``, where F has the names of nbnn.functional and nbnn (or of torch.nn.functional and torch).
    inputs : callable
        From a NumPy generator to the inputs: float64, int64 and bool arrays, numbers and None.
    oracle : callable
        ``oracle(*inputs)``: the result in NumPy, in float64, written independently.
    grad : tuple of int
        Which inputs are differentiated.
    second : bool
        Whether there is a second gradient.
    tolerance : float
        Factor of the tolerances.
    arrays : bool
        Whether arrays may take the place of Tensors.
    torch : bool or callable
        Whether torch can do the same call, or what it calls instead.
    module : callable
        ``module(nn, *inputs)`` gives a Module and the inputs to call it with.
    large : callable
        Inputs big enough to be split over threads.
    empty : tuple of callable
        Inputs with axes of size 0.
    warns : type
        The warning that the call must give.
    out : str
        The dtype of floating results, where it is not that of the inputs.
    cuda, fresh : bool
        Whether it runs on CUDA; whether the result is new memory (False: it may be a view or the input itself).
    halves : bool
        Whether it takes float16.
    rows_only : bool
        Whether it refuses inputs that do not lie row by row in memory.
    """

    name: str
    call: Callable[..., Any]
    inputs: Callable[[np.random.Generator], tuple]
    oracle: Callable[..., Any]
    grad: tuple[int, ...] = (0,)
    second: bool = True
    tolerance: float = 1.0
    arrays: bool = True
    torch: Any = True
    module: Callable[..., Any] | None = None
    large: Callable[[np.random.Generator], tuple] | None = None
    empty: tuple[Callable[[np.random.Generator], tuple], ...] = ()
    warns: type[Warning] | None = None
    out: str | None = None
    cuda: bool = True
    fresh: bool = True
    rows_only: bool = False
    halves: bool = True

    @property
    def function(self) -> str:
        return self.name.split("-")[0]

    def __str__(self) -> str:
        return self.name

    def make(self, maker: Callable | None = None) -> tuple:
        made = (maker or self.inputs)(np.random.default_rng(7))
        return tuple(np.asarray(v) if isinstance(v, np.generic) else v for v in made)


@dataclass(frozen=True)
class Bad:
    """A call that must be refused: the exact exception type, the op's name, and a regex for the rest of the message."""

    name: str
    call: Callable[[Any], Any]
    error: type[Exception]
    match: str

    @property
    def function(self) -> str:
        return self.name.split("-")[0]

    def __str__(self) -> str:
        return self.name

    def check(self) -> None:
        with pytest.raises(self.error) as caught:
            self.call(NBNN)
        assert type(caught.value) is self.error, f"{self.name}: {type(caught.value).__name__}: {caught.value}"
        assert re.search(self.match, str(caught.value)), f"{self.name}: {self.match!r} is not in: {caught.value}"


class Names:
    """Several namespaces seen as one."""

    def __init__(self, *spaces: Any) -> None:
        self._spaces = spaces

    def __getattr__(self, name: str) -> Any:
        for space in self._spaces:
            if hasattr(space, name):
                return getattr(space, name)
        raise AttributeError(name)


NBNN = Names(nbnn.functional, nbnn)


# -- running a case ----------------------------------------------------------------------------------------------


def as_type(values: tuple, dtype: type) -> tuple:
    """The float64 arrays among the values in another floating type."""
    return tuple(v.astype(dtype) if isinstance(v, np.ndarray) and v.dtype == np.float64 else v for v in values)


def tensors(case: Case, values: tuple, requires_grad: bool = True, device: str = "cpu") -> tuple:
    """The arrays among the values as Tensors, leaves where the case is differentiated."""
    made = [nbnn.from_numpy(v).to(device) if isinstance(v, np.ndarray) else v for v in values]
    if requires_grad:
        for i in case.grad:
            made[i].requires_grad_()
    return tuple(made)


def outputs(case: Case, inputs: tuple, space: Any = NBNN, call: Callable | None = None) -> tuple:
    """The results of the call as a tuple; the warning that the case expects must come."""
    nbnn.manual_seed(11)
    expected = pytest.warns(case.warns) if case.warns and space is NBNN else contextlib.nullcontext()
    with expected, warnings.catch_warnings():
        if space is not NBNN:
            warnings.simplefilter("ignore")
        result = (call or case.call)(space, *inputs)
    return tuple(result) if isinstance(result, (tuple, list)) else (result,)


def to_numpy(t: Any) -> np.ndarray:
    return t if isinstance(t, np.ndarray) else t.detach().cpu().numpy()


def expected(case: Case, values: tuple) -> tuple:
    """The oracle's results."""
    wide = as_type(
        tuple(v.astype(np.float64) if isinstance(v, np.ndarray) and v.dtype.kind == "f" else v for v in values),
        np.float64,
    )
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        result = case.oracle(*(np.asarray(w) if isinstance(w, np.generic) else w for w in wide))
    return tuple(map(np.asarray, result if isinstance(result, tuple) else (result,)))


def weights(outs: Iterable, device: str = "cpu") -> list:
    """Fixed numbers between -1 and 1: the gradients at which a case is differentiated."""
    random = np.random.default_rng(3)
    made = []
    for o in outs:
        values = random.uniform(-1, 1, tuple(o.shape)).astype(o.dtype.name.replace("float16", "float32"))
        made.append(nbnn.from_numpy(values).to(device))
    return made


def floating(outs: Iterable) -> list:
    return [o for o in outs if o.requires_grad]


def gradients(case: Case, values: tuple, device: str = "cpu") -> list[np.ndarray]:
    """The gradients of the weighted sum of the outputs."""
    inputs = tensors(case, values, device=device)
    outs = floating(outputs(case, inputs))
    found = nbnn.autograd.grad(outs, [inputs[i] for i in case.grad], weights(outs, device), allow_unused=True)
    return [np.zeros_like(values[i]) if g is None else to_numpy(g) for i, g in zip(case.grad, found, strict=True)]


def compare(got: Any, wanted: Any, dtype: type, label: str, factor: float = 1.0) -> None:
    """Within the tolerance of `dtype`; NaN equals NaN. The message names the worst element."""
    got, wanted = np.asarray(got), np.asarray(wanted)
    assert got.shape == wanted.shape, f"{label}: shape {got.shape}, expected {wanted.shape}"
    if got.size == 0:
        return
    finite = np.abs(wanted[np.isfinite(wanted)]).max(initial=1.0) if wanted.dtype.kind == "f" else 1.0
    with np.errstate(all="ignore"):
        gap = np.abs(got.astype(np.float64) - wanted)
        allowed = factor * (RTOL[dtype] * np.abs(wanted) + ATOL[dtype] * finite)
        same = (got == wanted) | (np.isnan(got) & np.isnan(wanted)) if wanted.dtype.kind == "f" else got == wanted
        excess = np.where(same, 0, np.where(np.isnan(gap), np.inf, gap) / allowed)
    if (excess > 1).any():
        at = np.unravel_index(int(np.argmax(excess)), excess.shape)
        raise AssertionError(
            f"{label}: {int((excess > 1).sum())} of {got.size} elements differ; the worst at {tuple(map(int, at))}: "
            f"got {got[at]!r}, expected {wanted[at]!r}, tolerance {np.broadcast_to(allowed, got.shape)[at]:.3g}"
        )


def same_bits(got: Any, wanted: Any, label: str) -> None:
    got, wanted = np.ascontiguousarray(got), np.ascontiguousarray(wanted)
    assert got.dtype == wanted.dtype, f"{label}: dtype {got.dtype}, expected {wanted.dtype}"
    assert got.shape == wanted.shape, f"{label}: shape {got.shape}, expected {wanted.shape}"
    if got.tobytes() != wanted.tobytes():
        differ = np.flatnonzero(got.reshape(-1).view(np.uint8) != wanted.reshape(-1).view(np.uint8)) // got.itemsize
        at = int(differ[0])
        raise AssertionError(
            f"{label}: element {at} is {got.reshape(-1)[at]!r}, expected the bits of "
            f"{wanted.reshape(-1)[at]!r} ({len(set(differ))} of {got.size} elements differ)"
        )


@functools.cache
def load_torch() -> Any:
    """PyTorch; skips the test where it is not installed."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return pytest.importorskip("torch")
