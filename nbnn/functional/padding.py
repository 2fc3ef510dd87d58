"""Padding of any axes with a constant, by reflection, by replication, and around a circle."""

from __future__ import annotations

import math
from typing import Any

import nbnn.device as _device
from nbnn.autograd import Node
from nbnn.functional import _check
from nbnn.functional.array import clone
from nbnn.functional.shape import RESHAPE
from nbnn.kernels import padding as K
from nbnn.op import Op, apply, takes_arrays
from nbnn.tensor import Tensor, make

_MODES = {"constant": K.CONSTANT, "reflect": K.REFLECT, "replicate": K.REPLICATE, "circular": K.CIRCULAR}

# params: D, H, W, OD, OH, OW, the three front pads, mode, value; Tensors are (planes, D, H, W)


def _pad_grad(node: Node, g: Tensor) -> tuple:
    *sizes, mode, _ = node.params
    if mode == K.CONSTANT:  # cutting off what was added, adding zeros for what was cut off
        before, after, fronts = sizes[:3], sizes[3:6], sizes[6:]
        return (_padded(g, (*after, *before, *(-f for f in fronts), mode, 0.0)),)
    return (apply(PAD_BACKWARD, g, params=(*sizes, mode)),)


def _pad_backward_grad(node: Node, gg: Tensor) -> tuple:
    return (apply(PAD, gg, params=(*node.params, 0.0)),)


PAD = Op(
    "pad",
    K.pad,
    shape=lambda params, x: ((x[0], *params[3:6]),),
    work=lambda *_: 2,
    fast=K.pad_fast,
    grad=_pad_grad,
)
PAD_BACKWARD = Op(
    "pad_backward",
    K.pad_backward,
    shape=lambda params, g: ((g[0], *params[:3]),),
    work=lambda *_: 4,
    fast=K.pad_backward_fast,
    grad=_pad_backward_grad,
)


def _fill_forward(x: Tensor, params: tuple) -> tuple[Tensor]:
    shape, value = params
    data = _device.full(math.prod(shape), x._dtype.storage, x.device, 0 if x._dtype.is_half else value)
    out = make(data, shape, x._dtype)
    if x._dtype.is_half and value != 0.0:
        out.fill_(value)
    return (out,)


def _fill_grad(node: Node, g: Tensor) -> tuple:
    return (apply(FILL, g, params=(node.input_shapes[0], 0.0)),)


FILL = Op("pad", forward=_fill_forward, grad=_fill_grad)


def _padded(x: Tensor, params: tuple) -> Tensor:
    """PAD where there is anything to pad from, else the value alone."""
    shape = (x._shape[0], *params[3:6])
    if x.numel() == 0 or min(f + n for f, n in zip(params[6:9], params[:3], strict=True)) <= 0:
        return apply(FILL, x, params=(shape, params[-1]))
    return apply(PAD, x, params=params)


def _groups(shape: tuple[int, ...], pads: list[tuple[int, int]]) -> list[tuple[int, int, int]]:
    """(size, front, back) of each axis; neighbours that are not padded are one."""
    merged: list[tuple[int, int, int]] = []
    for n, (front, back) in zip(shape, pads, strict=True):
        if merged and (front, back) == (0, 0) and merged[-1][1:] == (0, 0):
            merged[-1] = (merged[-1][0] * n, 0, 0)
        else:
            merged.append((n, front, back))
    return merged


def _pad_axes(x: Tensor, pads: list[tuple[int, int]], mode: int, value: float) -> Tensor:
    """Pad axis by axis pair: three at a time, the last ones first."""
    shape = x._shape
    final = tuple(n + front + back for n, (front, back) in zip(shape, pads, strict=True))
    groups = _groups(shape, pads)
    inner: list[int] = []  # sizes of the axes that are done
    while any(front or back for _, front, back in groups):
        while not (groups[-1][1] or groups[-1][2]):
            inner.append(groups.pop()[0])
        room = 2 if inner else 3
        chosen = groups[-room:]
        groups = groups[:-room]
        if inner:
            chosen = [*chosen, (math.prod(inner), 0, 0)]
        chosen = [(1, 0, 0)] * (3 - len(chosen)) + chosen
        sizes, fronts = tuple(n for n, _, _ in chosen), tuple(front for _, front, _ in chosen)
        outs = tuple(n + front + back for n, front, back in chosen)
        planes = math.prod(n for n, _, _ in groups)
        x = _padded(apply(RESHAPE, x, params=((planes, *sizes),)), (*sizes, *outs, *fronts, mode, value))
        inner = [math.prod(outs)]
        groups = groups or [(1, 0, 0)]
    return apply(RESHAPE, x, params=(final,))


def _pairs(op: str, pad: Any, ndim: int) -> list[tuple[int, int]]:
    """(front, back) of each axis, the first axis first."""
    if isinstance(pad, (str, bytes)) or not hasattr(pad, "__iter__"):
        raise TypeError(f"{op}: `pad` (={pad!r}) must be a sequence of ints; got {type(pad).__name__}")
    values = [_check.integer(op, "pad", v) for v in pad]
    if len(values) % 2:
        raise ValueError(f"{op}: `pad` (={tuple(values)}) must hold two ints for each axis")
    if len(values) > 2 * ndim:
        raise ValueError(f"{op}: `pad` (={tuple(values)}) is for {len(values) // 2} axes; `input` has {ndim}")
    found = [(values[k], values[k + 1]) for k in range(0, len(values), 2)]
    return [(0, 0)] * (ndim - len(found)) + found[::-1]


def _check_sizes(op: str, shape: tuple, pads: list[tuple[int, int]], mode: str) -> None:
    for axis, (n, (front, back)) in enumerate(zip(shape, pads, strict=True)):
        if not front and not back:
            continue
        got = f"got `pad` ({front}, {back}) for axis {axis} of input {shape}"
        if n + front + back < 0 or (mode != "constant" and n + front + back < 1):
            raise ValueError(f"{op}: an axis must not become {'negative' if mode == 'constant' else 'empty'}; {got}")
        if mode == "reflect" and max(front, back) >= max(n, 1):
            raise ValueError(f"{op}: reflection must be less than the size of the axis; {got}")
        if mode == "circular" and max(front, back) > n + min(front, 0) + min(back, 0):
            raise ValueError(f"{op}: circular padding must be at most the size of the axis; {got}")
        if mode == "replicate" and n == 0:
            raise ValueError(f"{op}: an empty axis has nothing to replicate; {got}")
        if mode != "constant" and min(front, back) + n < 1:
            raise ValueError(f"{op}: negative padding must leave an element of the axis; {got}")


@takes_arrays
def pad(input: Tensor, pad: Any, mode: str = "constant", value: float | None = None) -> Tensor:
    """Add elements before and after each axis, or cut them off where the padding is negative.

    Parameters
    ----------
    input : Tensor of any shape
    pad : sequence of ints
        (front, back) of the last axis, then of the one before it, and so on.
    mode : {"constant", "reflect", "replicate", "circular"}
        What is added: `value`; the elements next to the end in reverse, without the end itself; the end again; the
        elements of the other end. All but "constant" pad the last 1, 2 or 3 axes behind a channel axis.
    value : float, optional
        The constant; 0 unless given.

    Returns
    -------
    Tensor whose axes have grown by front + back

    Raises
    ------
    ValueError
        If the padding does not fit the shape, `mode` is unknown or does not take a `value`.
    TypeError
        If `pad` does not hold ints.

    Examples
    --------
    >>> import nbnn
    >>> import nbnn.nn.functional as F
    >>> F.pad(nbnn.tensor([[1.0, 2.0, 3.0]]), (2, 1), mode="reflect")
    tensor([[3., 2., 1., 2., 3., 2.]])
    """
    op = "pad"
    x = _check.tensor(op, "input", input)
    if not isinstance(mode, str) or mode not in _MODES:
        raise ValueError(f"{op}: `mode` (={mode!r}) must be one of {', '.join(map(repr, _MODES))}")
    pads = _pairs(op, pad, x.dim())
    if mode == "constant":
        number = 0.0 if value is None else _check.number(op, "value", value)
    else:
        number = 0.0
        _check.floating(op, "input", x)
        if value not in (None, 0, 0.0):
            raise ValueError(f"{op}: `value` (={value}) must be None for mode {mode!r}")
        axes = len(pad) // 2
        if axes not in (1, 2, 3) or x.dim() not in (axes + 1, axes + 2):
            raise ValueError(
                f"{op}: mode {mode!r} pads the last 1, 2 or 3 of 2 to 5 axes, a channel axis before them; "
                f"got {axes} axes of input {x._shape}"
            )
    _check_sizes(op, x._shape, pads, mode)
    if not any(front or back for front, back in pads):
        return clone(x)
    if mode == "circular" and any(front < 0 or back < 0 for front, back in pads):  # around what is left
        x = _pad_axes(x, [(min(front, 0), min(back, 0)) for front, back in pads], K.CONSTANT, 0.0)
        pads = [(max(front, 0), max(back, 0)) for front, back in pads]
    return _pad_axes(x, pads, _MODES[mode], number)
