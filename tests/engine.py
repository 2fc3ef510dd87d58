"""The engine of the tests: a Case is data, and every check here is derived from it.

``params(CASES)`` gives one pytest parameter for each case and check; a test file of a family is

    @pytest.mark.parametrize(("check", "case"), engine.params(CASES))
    def test_case(check, case):
        check(case)

    @pytest.mark.parametrize("bad", ERRORS, ids=str)
    def test_refuses(bad):
        bad.check()
"""

from __future__ import annotations

import contextlib
import functools
import importlib
import inspect
import pkgutil
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import pytest

import nbnn
import nbnn.functional
import nbnn.nn
import nbnn.op
from nbnn.op import Op
from tests.case import (
    EPS,
    FLOATS,
    GRAD_TOL,
    Bad,
    Case,
    Names,
    as_type,
    compare,
    expected,
    floating,
    gradients,
    load_torch,
    outputs,
    same_bits,
    tensors,
    to_numpy,
    weights,
)

__all__ = ["Bad", "Case", "checks", "cuda", "load_torch", "params", "same_bits"]

# -- the checks --------------------------------------------------------------------------------------------------


def value(case: Case) -> None:
    """float64 and float32 against the oracle: numbers, shapes, dtypes; float32 stays float32, also in gradients."""
    for dtype in FLOATS:
        values = as_type(case.make(), dtype)
        label = f"{case.name} {dtype.__name__}"
        outs = outputs(case, tensors(case, values))
        wanted = expected(case, values)
        assert len(outs) == len(wanted), f"{label}: {len(outs)} outputs, expected {len(wanted)}"
        for k, (o, w) in enumerate(zip(outs, wanted, strict=True)):
            kind = np.dtype(case.out or dtype) if w.dtype.kind == "f" else w.dtype
            got = to_numpy(o)
            assert got.dtype == kind, f"{label} output {k}: dtype {got.dtype}, expected {kind}"
            compare(got, w, np.float32 if kind == np.float32 else dtype, f"{label} output {k}", case.tolerance)
        if case.grad and dtype is np.float32:
            for k, (g, wide) in enumerate(zip(gradients(case, values), gradients(case, case.make()), strict=True)):
                assert g.dtype == np.float32, f"{label} gradient {k}: dtype {g.dtype}"
                compare(g, wide, dtype, f"{label} gradient {k}", 10 * case.tolerance)


def gradient(case: Case) -> None:
    """Gradients against central differences in float64: each element if few, else three directions."""
    values = case.make()
    tracked = [o.requires_grad for o in outputs(case, tensors(case, values))]

    def total(*moved: Any) -> float:
        with nbnn.no_grad():
            outs = [o for o, t in zip(outputs(case, tensors(case, moved, False)), tracked, strict=True) if t]
        return sum(float((to_numpy(o) * to_numpy(w)).sum()) for o, w in zip(outs, weights(outs), strict=True))

    found = gradients(case, values)
    for i, g in zip(case.grad, found, strict=True):
        assert g.shape == values[i].shape, f"{case.name}: gradient of input {i} has shape {g.shape}"
        _differences(total, values, i, g, f"{case.name} gradient of input {i}", case.tolerance)


def _differences(function: Callable, values: tuple, i: int, g: np.ndarray, label: str, factor: float) -> None:
    size = values[i].size
    if size <= 24:
        directions = [d.reshape(values[i].shape) for d in np.eye(size)]
    else:
        directions = [np.random.default_rng(k).normal(size=values[i].shape) for k in range(3)]
    for k, direction in enumerate(directions):
        up, down = (
            function(*values[:i], np.asarray(values[i] + step * direction), *values[i + 1 :]) for step in (EPS, -EPS)
        )
        numeric = (up - down) / (2 * EPS)
        analytic = float((g * direction).sum())
        allowed = factor * GRAD_TOL * max(1.0, abs(numeric), float(np.abs(g).max(initial=0.0)))
        assert abs(numeric - analytic) <= allowed, (
            f"{label}, direction {k} of {len(directions)}: {analytic!r} by backward, {numeric!r} by differences, "
            f"tolerance {allowed:.3g}"
        )


def second(case: Case) -> None:
    """The gradient of the gradient, by the inputs and by the gradients of the outputs."""
    values = case.make()
    inputs = tensors(case, values)
    outs = floating(outputs(case, inputs))
    seeds = [w.requires_grad_() for w in weights(outs)]
    wrt = [inputs[i] for i in case.grad]
    first = nbnn.autograd.grad(outs, wrt, seeds, create_graph=True, allow_unused=True)
    kept = [k for k, g in enumerate(first) if g is not None and g.requires_grad]
    random = np.random.default_rng(5)
    directions = {k: random.uniform(-1, 1, tuple(first[k].shape)) for k in kept}
    found = nbnn.autograd.grad(
        [first[k] for k in kept], [*wrt, *seeds], [nbnn.from_numpy(directions[k]) for k in kept], allow_unused=True
    )
    n = len(values)

    def slope(*moved: Any) -> float:
        now = tensors(case, moved[:n])
        results = floating(outputs(case, now))
        cotangents = [nbnn.from_numpy(np.array(w)) for w in moved[n:]]
        gs = nbnn.autograd.grad(results, [now[i] for i in case.grad], cotangents, allow_unused=True)
        return sum(float((to_numpy(gs[k]) * d).sum()) for k, d in directions.items())

    everything = (*values, *(to_numpy(s) for s in seeds))
    for i, g in zip([*case.grad, *range(n, n + len(seeds))], found, strict=True):
        got = np.zeros(everything[i].shape) if g is None else to_numpy(g)
        _differences(slope, everything, i, got, f"{case.name} second gradient by {i}", 4 * case.tolerance)


def _fortran(a: np.ndarray) -> np.ndarray:
    return np.asfortranarray(a)


def _strided(a: np.ndarray) -> np.ndarray:
    room = np.zeros((*a.shape[:-1], 2 * a.shape[-1] + 1), a.dtype)
    room[..., 1::2] = a
    return room[..., 1::2]


def _reversed(a: np.ndarray) -> np.ndarray:
    return a[::-1].copy()[::-1]


def _read_only(a: np.ndarray) -> np.ndarray:
    a = a.copy()
    a.flags.writeable = False
    return a


def _misaligned(a: np.ndarray) -> np.ndarray:
    room = np.zeros(a.nbytes + 1, np.uint8)
    out = room[1:].view(a.dtype).reshape(a.shape)
    out[...] = a
    return out


def _swapped(a: np.ndarray) -> np.ndarray:
    return a.astype(a.dtype.newbyteorder())


LAYOUTS = (_fortran, _strided, _reversed, _read_only, _misaligned, _swapped)


def layouts(case: Case) -> None:
    """Inputs that do not lie row by row in memory of their own give the same values and gradients."""
    for dtype in FLOATS:
        values = as_type(case.make(), dtype)
        for layout in LAYOUTS:
            moved = tuple(layout(v) if isinstance(v, np.ndarray) and v.ndim else v for v in values)
            _same_results(case, moved, values, dtype, layout.__name__[1:])
    values = case.make()
    repeated = tuple(
        np.broadcast_to(v[:1], v.shape) if i in case.grad and v.ndim and v.size else v for i, v in enumerate(values)
    )
    if case.grad:
        plain = tuple(v.copy() if isinstance(v, np.ndarray) else v for v in repeated)
        views = list(tensors(case, values, False))
        for i in case.grad:
            if values[i].ndim and values[i].size:
                views[i] = nbnn.from_numpy(values[i][:1].copy()).expand(*values[i].shape)
        with nbnn.no_grad():
            for got, want in zip(outputs(case, tuple(views)), outputs(case, tensors(case, plain, False)), strict=True):
                compare(to_numpy(got), to_numpy(want), np.float64, f"{case.name} expanded")


def _same_results(case: Case, moved: tuple, values: tuple, dtype: type, label: str) -> None:
    label = f"{case.name} {dtype.__name__} {label}"
    for got, want in zip(outputs(case, tensors(case, moved)), outputs(case, tensors(case, values)), strict=True):
        compare(to_numpy(got), to_numpy(want), dtype, label)
    if case.grad:
        for got, want in zip(gradients(case, moved), gradients(case, values), strict=True):
            compare(got, want, dtype, f"{label} gradient")


def spread_gradient(case: Case) -> None:
    """A gradient that is one number repeated (what sum() sends back) counts as one of full size."""
    values = case.make()
    inputs = tensors(case, values)
    outs = floating(outputs(case, inputs))
    wrt = [inputs[i] for i in case.grad]
    full = [nbnn.ones_like(o) for o in outs]
    spread = [nbnn.ones((), dtype=o.dtype).expand(*o.shape) for o in outs]
    wanted = nbnn.autograd.grad(outs, wrt, full, retain_graph=True, allow_unused=True)
    for got, want in zip(nbnn.autograd.grad(outs, wrt, spread, allow_unused=True), wanted, strict=True):
        if want is not None:
            compare(to_numpy(got), to_numpy(want), np.float64, f"{case.name} repeated gradient")


def zero_size(case: Case) -> None:
    """Axes of size 0: the oracle's shapes and numbers, and gradients of the inputs' shapes."""
    for maker in case.empty:
        for dtype in FLOATS:
            values = as_type(case.make(maker), dtype)
            label = f"{case.name} empty {[v.shape for v in values if isinstance(v, np.ndarray)]}"
            inputs = tensors(case, values)
            outs = outputs(case, inputs)
            for o, w in zip(outs, expected(case, values), strict=True):
                compare(to_numpy(o), w, dtype, label)
            if case.grad and floating(outs):
                for i, g in zip(case.grad, gradients(case, values), strict=True):
                    assert g.shape == values[i].shape, f"{label}: gradient of shape {g.shape}"
                    assert np.isfinite(g).all() or not np.isfinite(to_numpy(outs[0])).all(), label


def arrays(case: Case) -> None:
    """NumPy arrays give NumPy arrays, with the bits that Tensors give."""
    for dtype in FLOATS:
        values = as_type(case.make(), dtype)
        wanted = outputs(case, tensors(case, values, False))
        for k, (got, want) in enumerate(zip(outputs(case, values), wanted, strict=True)):
            assert isinstance(got, np.ndarray), f"{case.name}: arrays in, {type(got).__name__} out"
            same_bits(got, to_numpy(want), f"{case.name} arrays, output {k}")


def untouched(case: Case) -> None:
    """Forward and backward leave the inputs, and the gradients passed in, as they were."""
    values = case.make()
    before = [v.tobytes() if isinstance(v, np.ndarray) else v for v in values]
    inputs = tensors(case, values)
    outs = outputs(case, inputs)
    if case.grad:
        leaves = floating(outs)
        seeds = weights(leaves)
        kept = [to_numpy(s).tobytes() for s in seeds]
        nbnn.autograd.grad(leaves, [inputs[i] for i in case.grad], seeds, allow_unused=True)
        assert [to_numpy(s).tobytes() for s in seeds] == kept, f"{case.name}: backward changed the gradient given to it"
    for i, (v, b) in enumerate(zip(values, before, strict=True)):
        assert (v.tobytes() if isinstance(v, np.ndarray) else v) == b, f"{case.name}: input {i} was changed"
    if case.fresh:
        for o in outs:
            for v in values:
                if isinstance(v, np.ndarray):
                    assert not np.shares_memory(to_numpy(o), v), f"{case.name}: the output shares memory with an input"


@contextlib.contextmanager
def dirty_memory() -> Iterable[None]:
    """Fresh memory is full of NaN (of huge integers), instead of the zeros that it often happens to hold."""
    original = np.empty

    def empty(shape: Any, dtype: Any = float, *args: Any, **kwargs: Any) -> np.ndarray:
        out = original(shape, dtype, *args, **kwargs)
        if out.dtype.kind == "f":
            out.fill(np.nan)
        elif out.dtype.kind in "iu":
            out.fill(np.iinfo(out.dtype).max)
        elif out.dtype.kind == "b":
            out.fill(True)
        return out

    np.empty = nbnn.op._np_empty = empty
    try:
        yield
    finally:
        np.empty = nbnn.op._np_empty = original


def fully_written(case: Case) -> None:
    """No result depends on what memory held before."""
    for dtype in FLOATS:
        values = as_type(case.make(), dtype)
        clean = [to_numpy(o).copy() for o in outputs(case, tensors(case, values))]
        slopes = gradients(case, values) if case.grad else []  # compiled before the memory is dirty
        with dirty_memory():
            dirty = [to_numpy(o).copy() for o in outputs(case, tensors(case, values))]
            dirty_slopes = gradients(case, values) if case.grad else []
        for got, want in zip([*dirty, *dirty_slopes], [*clean, *slopes], strict=True):
            same_bits(got, want, f"{case.name} {dtype.__name__} on dirty memory")


def threads(case: Case) -> None:
    """One and two threads give the same bits, on inputs that are big enough to be split."""
    before = nbnn.get_num_threads()
    for dtype in FLOATS:
        values = as_type(case.make(case.large), dtype)
        results = []
        try:
            for count in (1, 2):
                nbnn.set_num_threads(count)
                outs = [to_numpy(o).copy() for o in outputs(case, tensors(case, values))]
                results.append([*outs, *(gradients(case, values) if case.grad else [])])
        finally:
            nbnn.set_num_threads(before)
        for k, (one, two) in enumerate(zip(*results, strict=True)):
            same_bits(two, one, f"{case.name} {dtype.__name__} on 2 threads, result {k}")


@functools.cache
def fast_ops() -> tuple[Op, ...]:
    """Every op that has a measured fast path beside its body, of its own or in its plan."""
    found = {}
    for info in pkgutil.iter_modules(nbnn.functional.__path__):
        module = importlib.import_module(f"nbnn.functional.{info.name}")
        ops = [op for _, op in inspect.getmembers(module, lambda m: isinstance(m, Op))]
        found |= {id(op): op for op in (*ops, *getattr(module, "FAST", ())) if op.fast or op.plan}
    return tuple(found.values())


@contextlib.contextmanager
def bodies_only() -> Iterable[list]:
    """Ops run their bodies; yields the ops that would have taken a fast path."""
    kept = [(op, op.fast, op.plan, op.plans) for op in fast_ops()]
    for op, _, _, plans in kept:
        op.fast, op.plan, op.plans = None, None, type(plans)()  # a plan would go on with the fast path
    try:
        yield []
    finally:
        for op, fast, plan, plans in kept:
            op.fast, op.plan, op.plans = fast, plan, plans


def fast_path(case: Case) -> None:
    """The measured path gives what the readable body gives."""
    for dtype in FLOATS:
        for maker in filter(None, (case.inputs, case.large if case.grad else None)):
            values = as_type(case.make(maker), dtype)
            fast = [
                *map(to_numpy, outputs(case, tensors(case, values))),
                *(gradients(case, values) if case.grad else []),
            ]
            with bodies_only():
                body = [*map(to_numpy, outputs(case, tensors(case, values)))]
                body += gradients(case, values) if case.grad else []
            for k, (got, want) in enumerate(zip(fast, body, strict=True)):
                compare(got, want, dtype, f"{case.name} {dtype.__name__} fast path, result {k}", 10)


def halves(case: Case) -> None:
    """float16 in, float16 out: computed in float32, values and gradients."""
    with np.errstate(over="ignore"):
        values = tuple(
            v.astype(np.float16).astype(np.float32) if isinstance(v, np.ndarray) and v.dtype == np.float64 else v
            for v in case.make()
        )
    results = []
    for kind in (nbnn.float32, nbnn.float16):
        inputs = tuple(
            t.to(kind) if isinstance(t, nbnn.Tensor) and t.is_floating_point() else t
            for t in tensors(case, values, False)
        )
        for i in case.grad:
            inputs[i].detach_().requires_grad_()
        outs = outputs(case, inputs)
        seeds = [w.to(kind) for w in weights(floating(outs))]
        wrt = [inputs[i] for i in case.grad]
        slopes = nbnn.autograd.grad(floating(outs), wrt, seeds, allow_unused=True) if wrt else ()
        results.append([*outs, *slopes])
    for k, (wide, half) in enumerate(zip(*results, strict=True)):
        if wide is None:
            assert half is None
            continue
        kind = nbnn.float16 if wide.dtype is nbnn.float32 else wide.dtype
        assert half.dtype is kind, f"{case.name} halves: result {k} has dtype {half.dtype}, expected {kind}"
        if kind is nbnn.float16:
            factor = 1000 * case.tolerance
            rounded = wide.half().float()  # what overflows a half is infinite there
            compare(to_numpy(half.float()), to_numpy(rounded), np.float32, f"{case.name} halves, result {k}", factor)


def has_fast_path(case: Case) -> bool:
    """Whether the case runs an op with a fast path: by the family's word for it, so that nothing runs on import."""
    names = {op.name.split("_backward")[0].split("_grad")[0] for op in fast_ops()}
    return any(case.function.startswith(name) for name in names)


def module(case: Case) -> None:
    """The Module gives the bits of the function."""
    values = as_type(case.make(), np.float32)
    inputs = tensors(case, values, False)
    assert case.module is not None
    wanted = [to_numpy(o) for o in outputs(case, inputs)]
    built, args = case.module(nbnn.nn, *tensors(case, as_type(case.make(), np.float32), False))
    nbnn.manual_seed(11)
    with pytest.warns(case.warns) if case.warns else contextlib.nullcontext():
        result = built(*args)
    for got, want in zip(result if isinstance(result, tuple) else (result,), wanted, strict=True):
        same_bits(to_numpy(got), want, f"{case.name} as a Module")


def parity(case: Case) -> None:
    """PyTorch's values, dtypes, shapes and gradients."""
    torch = load_torch()
    call = case.call if case.torch is True else case.torch
    space = Names(torch.nn.functional, torch)
    for dtype in FLOATS:
        label = f"{case.name} {dtype.__name__} against torch"
        values = as_type(case.make(), dtype)
        theirs = [torch.from_numpy(v.copy()) if isinstance(v, np.ndarray) else v for v in values]
        for i in case.grad:
            theirs[i].requires_grad_()
        wanted = outputs(case, tuple(theirs), space, call)
        outs = outputs(case, tensors(case, values))
        for got, want in zip(outs, wanted, strict=True):
            name = str(want.dtype).removeprefix("torch.")
            assert got.dtype.name == name, f"{label}: dtype {got.dtype.name}, expected {name}"
            kind = np.float32 if got.dtype.name == "float32" else dtype
            compare(to_numpy(got), want.detach().numpy(), kind, label, 10 * case.tolerance)
        if case.grad:
            seeds = [torch.from_numpy(to_numpy(w)) for w in weights(floating(outs))]
            differentiable = [w for w in wanted if w.requires_grad]
            slopes = torch.autograd.grad(differentiable, [theirs[i] for i in case.grad], seeds, allow_unused=True)
            for i, (got, want) in enumerate(zip(gradients(case, values), slopes, strict=True)):
                want = np.zeros_like(got) if want is None else want.numpy()
                compare(got, want, dtype, f"{label}, gradient {i}", 20 * case.tolerance)


def cuda(case: Case) -> None:
    """CUDA (or its simulator) gives what the CPU gives: values and gradients. Runs in tests/cuda_sim."""
    values = as_type(case.make(), np.float32)
    wanted = outputs(case, tensors(case, values))
    for k, (got, want) in enumerate(zip(outputs(case, tensors(case, values, device="cuda")), wanted, strict=True)):
        assert got.is_cuda, f"{case.name}: the result lies on {got.device}"
        assert got.dtype is want.dtype, f"{case.name}: dtype {got.dtype} on CUDA"
        compare(to_numpy(got), to_numpy(want), np.float32, f"{case.name} CUDA output {k}", 10 * case.tolerance)
    if case.grad:
        for got, want in zip(gradients(case, values, "cuda"), gradients(case, values), strict=True):
            compare(got, want, np.float32, f"{case.name} CUDA gradient", 20 * case.tolerance)


# -- which checks a case gets ------------------------------------------------------------------------------------


def checks(case: Case) -> list[Callable[[Case], None]]:
    """The checks that can be derived from a case, but for `cuda`, which runs elsewhere."""
    found = [value, untouched, fully_written]
    found += [] if case.rows_only else [layouts]
    found += [gradient, spread_gradient] if case.grad else []
    found += [second] if case.grad and case.second else []
    found += [zero_size] if case.empty else []
    found += [arrays] if case.arrays else []
    found += [halves] if case.halves and not case.out else []
    found += [threads] if case.large else []
    found += [fast_path] if has_fast_path(case) else []
    found += [module] if case.module else []
    found += [parity] if case.torch else []
    return found


def params(cases: Iterable[Case]) -> list:
    """One pytest parameter for each check of each case."""
    marks = {parity: (pytest.mark.parity,)}
    return [
        pytest.param(check, case, id=f"{case.name}-{check.__name__}", marks=marks.get(check, ()))
        for case in cases
        for check in checks(case)
    ]
