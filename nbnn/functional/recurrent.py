"""Recurrent layers (LSTM, GRU, RNN) over whole sequences."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

import nbnn.device as _device
from nbnn.autograd import Node, enable_grad, grad, is_grad_enabled, no_grad
from nbnn.dtypes import float32
from nbnn.functional import _check
from nbnn.functional._sequences import check_rows, lengths_of, sizes_of, walk
from nbnn.functional.activation import relu, sigmoid, tanh
from nbnn.functional.array import cast, sum
from nbnn.functional.dropout import dropout as drop
from nbnn.functional.indexing import narrow
from nbnn.functional.joining import cat, stack
from nbnn.functional.linear import linear, matmul
from nbnn.functional.shape import RESHAPE, transpose
from nbnn.kernels import recurrent as K
from nbnn.op import Op, apply, takes_arrays
from nbnn.tensor import Tensor, alias, flat, make

# -- one direction of one layer ------------------------------------------------------------------------------------
# inputs of the op: rows x (R, I), states h0 and c0 (N, H), weights, biases; c0 is None but for the LSTM
# params: the kernels' mode, gates, T, N, R, I, H, reverse; how many sequences each step has; whether to keep what the
# gradient needs


def _new(x: Tensor, *shape: int) -> Tensor:
    return make(_device.empty(math.prod(shape), x._dtype.storage, x.device), shape, x._dtype)


def _zeros(x: Tensor, *shape: int) -> Tensor:
    return make(_device.full(math.prod(shape), x._dtype.storage, x.device, 0), shape, x._dtype)


def _order(sizes: np.ndarray, reverse: int) -> list[tuple[int, int]]:
    """(first row, sequences) of each step in the order in which they are computed."""
    starts = (np.cumsum(sizes) - sizes).tolist()
    steps = list(zip(starts, sizes.tolist(), strict=True))
    return steps[::-1] if reverse else steps


def _forward(x: Tensor, h0: Tensor, c0: Any, w_ih: Tensor, w_hh: Tensor, b_ih: Any, b_hh: Any, params: tuple) -> tuple:
    mode, many, steps, n, rows, inputs, units, _, sizes, keep = params
    fast = _LAYERS[mode].fast is not None and x.device.type == "cpu"
    # what nobody reads again is not written: the GRU of benchmarks takes 10.5 instead of 11.0 ms
    summed = not (fast and K.step_depth(many, steps, rows, inputs, units))
    plain = mode in (K.TANH, K.RELU)
    y, hn = _new(x, rows, units), _new(x, n, units)
    gates = _new(x, rows if summed or (keep and not plain) else 0, many * units)
    cn = hn if c0 is None else _new(x, n, units)
    extra = _new(x, rows if (keep or not fast) and not plain else 0, units)
    if rows == 0:
        hn, cn = h0.clone(), cn if c0 is None else c0.clone()
    else:
        with no_grad():
            if mode != K.GRU and b_ih is not None:
                b_ih = b_ih + b_hh
            inner = b_hh if b_hh is not None else _zeros(x, many * units)
            tensors = (x, h0, h0 if c0 is None else c0, w_ih, w_hh)
            outs = (y, hn, cn, gates, extra)
            if fast:
                bias = inner if b_ih is None else b_ih  # both are zeros, or the first is given
                ins = (*map(flat, tensors), flat(bias), flat(inner), sizes)
                work = many * units * (inputs + units)
                numbers = (*params[:-2], keep)
                space = K.recurrent_workspace(*numbers)
                _device.launch(K.step, _storages(outs), ins, numbers, rows, work, _LAYERS[mode].fast, space)
            else:
                _run_steps(*outs, *tensors, b_ih, inner, params)
    return (y, hn, *(() if c0 is None else (cn,)), gates, extra)


def _storages(tensors: Sequence[Tensor]) -> tuple:
    return tuple(t._data for t in tensors)


def _run_steps(
    y: Tensor, hn: Tensor, cn: Tensor, gates: Tensor, extra: Tensor, x: Tensor, h0: Tensor, c0: Tensor,
    w_ih: Tensor, w_hh: Tensor, b_ih: Any, b_hh: Tensor, params: tuple,
) -> None:  # fmt: skip
    """The body of `recurrent`, a launch for each step."""
    mode, _, _, _, _, _, units, reverse, sizes, _ = params
    gates._data = flat(linear(x, w_ih, b_ih))
    states = [flat(h0.clone()), flat(h0.clone())]
    cell = flat(c0.clone())
    order = _order(sizes, reverse)
    for at, count in order:
        outs = (y._data, gates._data, extra._data, states[1], cell)
        _device.launch(K.step, outs, (states[0], flat(w_hh), flat(b_hh)), (mode, at, units), count * units, units)
        states.reverse()
    ends = _last_rows(sizes, reverse)
    hn._data = flat(y[ends.tolist()])
    if mode == K.LSTM:
        cn._data = cell


def _last_rows(sizes: np.ndarray, reverse: int) -> np.ndarray:
    """The row at which each sequence ends."""
    if reverse:
        return np.arange(sizes[0])
    return (np.cumsum(sizes) - sizes)[lengths_of(sizes) - 1] + np.arange(sizes[0])


def _grad(node: Node, *grads: Tensor) -> tuple:
    x, h0, c0, w_ih, w_hh, b_ih, b_hh, y, gates, extra = node.saved
    slopes = (*grads, None)[:3]
    params = (*node.params[:-1], node.needs[0])
    op = _BACKWARD[node.params[0]]
    outs = apply(op, *slopes, x, h0, c0, w_ih, w_hh, b_ih, b_hh, y, gates, extra, params=params)
    return tuple(g if needed else None for g, needed in zip(outs, node.needs, strict=True))


def _layer_op(name: str) -> Op:
    kept = tuple(range(7))
    return Op(name, forward=_forward, grad=_grad, fast=K.recurrent_fast, saves_inputs=kept, saves_outputs=(0, -2, -1))


LSTM, GRU, RNN_TANH, RNN_RELU = map(_layer_op, ("lstm", "gru", "rnn_tanh", "rnn_relu"))
_LAYERS = (LSTM, GRU, RNN_TANH, RNN_RELU)  # by mode


def _backward_forward(*inputs: Any) -> tuple:
    g, ghn, gcn, x, h0, c0, w_ih, w_hh, b_ih, b_hh, y, gates, extra, params = inputs
    mode, many, _, n, rows, _, units, _, sizes, by_input = params
    with no_grad():
        if rows == 0:
            return (*(_zeros(x, *t._shape) if t is not None else _zeros(x, 0) for t in inputs[3:10]),)
        dx, before = _new(x, rows, many * units), _new(x, rows, units)
        hidden = _new(x, rows, many * units) if mode == K.GRU else dx
        dh, dc = _new(x, n, units), _new(x, n, units) if c0 is not None else _zeros(x, 0)
        cells = (h0, ghn, dh) if c0 is None else (c0, gcn, dc)
        outs = (dx, hidden, before, dh, cells[2])
        tensors = (g, ghn, cells[1], y, gates, extra, h0, cells[0], w_hh)
        if _BACKWARD[mode].fast is not None and x.device.type == "cpu":
            ins = (*map(flat, tensors), sizes)
            space = K.recurrent_backward_workspace(*params[:-2])
            work = many * units * units
            _device.launch(K.step, _storages(outs), ins, params[:-2], rows, work, _BACKWARD[mode].fast, space)
        else:
            _run_steps_backward(*outs, *tensors, params)
        dx_t, hidden_t = transpose(dx, 0, 1), transpose(hidden, 0, 1)
        found = matmul(dx, w_ih) if by_input else _zeros(x, 0)
        by_b = _zeros(x, 0) if b_ih is None else sum(dx, 0)
        by_d = sum(hidden, 0) if b_hh is not None and mode == K.GRU else by_b
        return found, dh, dc, matmul(dx_t, x), matmul(hidden_t, before), by_b, by_d


def _run_steps_backward(
    dx: Tensor, hidden: Tensor, before: Tensor, dh: Tensor, dc: Tensor, g: Tensor, ghn: Tensor, gcn: Tensor,
    y: Tensor, gates: Tensor, extra: Tensor, h0: Tensor, c0: Tensor, w_hh: Tensor, params: tuple,
) -> None:  # fmt: skip
    """The body of `recurrent_backward`, two launches for each step."""
    mode, many, _, _, _, _, units, reverse, sizes, _ = params
    dh._data, dc._data = flat(ghn.clone()), flat(gcn.clone())
    order = _order(sizes, reverse)[::-1]
    outs = _storages((dx, hidden, before, dh, dc))
    ins = tuple(map(flat, (g, y, gates, extra, h0, c0)))
    for (at, count), old in zip(order, (*order[1:], (0, 0)), strict=True):
        _device.launch(K.step_backward, outs, ins, (mode, at, units, *old), count * units, 32)
        weights = (hidden._data, flat(w_hh))
        _device.launch(K.step_product, (dh._data,), weights, (at, units, many), count * units, many * units)


def _backward_grad(node: Node, *grads: Tensor) -> tuple:
    """The second gradient, by differentiating the unrolled layer twice.

    Raises
    ------
    RuntimeError
        If its own graph is asked for.
    """
    if is_grad_enabled():
        raise RuntimeError("recurrent: gradients of higher order than the second are not supported")
    saved = [None if t is None else alias(t).requires_grad_() for t in node.saved]
    slopes, inputs = saved[:3], saved[3:]
    with enable_grad():
        outs = _unrolled(*inputs, params=node.params)  # type: ignore[arg-type, misc]
        wrt = [t for t in inputs if t is not None]
        first = grad(outs, wrt, [s for s in slopes if s is not None], create_graph=True, allow_unused=True)
        places = [k for k, t in enumerate(inputs) if t is not None]
        pairs = [(f, grads[k]) for f, k in zip(first, places, strict=True)]
        chosen = [(f, v) for f, v in pairs if f is not None and f._shape == v._shape]
        every = [t for t in saved if t is not None]
        second = iter(
            grad([f for f, _ in chosen], every, [v for _, v in chosen], create_graph=False, allow_unused=True)
        )
    return (*(None if t is None else next(second) for t in saved), None, None, None)


def _backward_op(name: str) -> Op:
    fast, kept = K.recurrent_backward_fast, tuple(range(10))
    return Op(name, forward=_backward_forward, grad=_backward_grad, fast=fast, saves_inputs=kept)


LSTM_BACKWARD, GRU_BACKWARD, RNN_TANH_BACKWARD, RNN_RELU_BACKWARD = map(
    _backward_op, ("lstm_backward", "gru_backward", "rnn_tanh_backward", "rnn_relu_backward")
)
_BACKWARD = (LSTM_BACKWARD, GRU_BACKWARD, RNN_TANH_BACKWARD, RNN_RELU_BACKWARD)


def _unrolled(
    x: Tensor, h0: Tensor, c0: Any, w_ih: Tensor, w_hh: Tensor, b_ih: Any, b_hh: Any, params: tuple,
    w_hr: Tensor | None = None,
) -> tuple:  # fmt: skip
    """The layer as a composition of ops: for second gradients, and for the LSTM with a projection (`w_hr`)."""
    mode, reverse, sizes = params[0], params[7], params[8]

    def step(by_x: Tensor, states: Any) -> tuple[Tensor, tuple]:
        h, c = (*states, None)[:2]
        h, c = _unrolled_step(mode, by_x, h, c, linear(h, w_hh, b_hh))
        h = h if w_hr is None else matmul(h, transpose(w_hr, 0, 1))
        return h, (h,) if c is None else (h, c)

    y, last = walk(step, linear(x, w_ih, b_ih), (h0,) if c0 is None else (h0, c0), sizes, reverse)
    return (y, *last)


def _unrolled_step(mode: int, by_x: Tensor, h: Tensor, c: Any, by_h: Tensor) -> tuple[Tensor, Any]:
    """h and c after a step, from what the input and the state contribute to the gates."""
    if mode == K.GRU:
        units = h._shape[1]
        x, s = ([narrow(t, 1, k * units, units) for k in range(3)] for t in (by_x, by_h))
        reset, update = sigmoid(x[0] + s[0]), sigmoid(x[1] + s[1])
        n = tanh(x[2] + reset * s[2])
        return n + update * (h - n), None
    total = by_x + by_h
    if mode != K.LSTM:
        return tanh(total) if mode == K.TANH else relu(total), None
    units = c._shape[1]
    i, f, g, o = (narrow(total, 1, k * units, units) for k in range(4))
    c = sigmoid(f) * c + sigmoid(i) * tanh(g)
    return sigmoid(o) * tanh(c), c


# -- layers --------------------------------------------------------------------------------------------------------


def _layer(mode: int, x: Tensor, h0: Tensor, c0: Any, weights: Sequence, sizes: np.ndarray, reverse: int) -> tuple:
    """y (R, H), h_n and c_n (or None) of one direction."""
    w_ih, w_hh, b_ih, b_hh, w_hr = weights
    units = w_hh._shape[0] // K.GATES[mode]
    params = (mode, K.GATES[mode], len(sizes), h0._shape[0], x._shape[0], x._shape[1], units, reverse, sizes, 0)
    if w_hr is not None:
        return _unrolled(x, h0, c0, w_ih, w_hh, b_ih, b_hh, params, w_hr)
    tensors = (x, h0, c0, w_ih, w_hh, b_ih, b_hh)
    keep = is_grad_enabled() and any(t is not None and t.requires_grad for t in tensors)
    outs = apply(_LAYERS[mode], *tensors, params=(*params[:-1], int(keep)))
    wanted = 2 if c0 is None else 3
    if outs[0]._node is not None:
        # nobody sees what is kept for the gradient: without this, backward would make zeros for its gradients
        outs[0]._node.outputs = outs[0]._node.outputs[:wanted]
    return (*outs[:wanted], None)[:3]


def _grouped(op: str, params: Any, has_biases: bool, layers: int, mode: int) -> list[tuple]:
    """(w_ih, w_hh, b_ih, b_hh, w_hr) of each layer and direction; what it has not is None."""
    if not isinstance(params, (list, tuple)):
        raise TypeError(f"{op}: `params` must be a list of Tensors; got {type(params).__name__}")
    each = 4 if has_biases else 2
    if mode == K.LSTM and len(params) == layers * (each + 1):
        each += 1
    if layers == 0 or len(params) != layers * each:
        raise ValueError(f"{op}: `params` must hold {each} Tensors for each layer and direction; got {len(params)}")
    groups = []
    for k in range(0, len(params), each):
        own = list(params[k : k + each])
        projection = own.pop() if each % 2 else None
        groups.append((*own, *(None,) * (4 - len(own)), projection))
    return groups


_WEIGHTS = ("w_ih", "w_hh", "b_ih", "b_hh", "w_hr")


def _check_axes(op: str, groups: list[tuple]) -> None:
    """Every weight must be a Tensor of one axis (the biases, which may be None) or two."""
    for group in groups:
        for name, t, axes in zip(_WEIGHTS, group, (2, 2, 1, 1, 2), strict=True):
            if (t is not None or name in ("w_ih", "w_hh")) and _check.tensor(op, name, t).dim() != axes:
                raise ValueError(f"{op}: {name} must have {axes} axes; got shape {t._shape}")


def _check_weights(op: str, groups: list[tuple], mode: int, inputs: int, directions: int) -> tuple[int, int]:
    """Units and state size; every weight must fit them and what its layer gets."""
    many = K.GATES[mode]
    units = groups[0][1]._shape[0] // many
    state = units if groups[0][4] is None else groups[0][4]._shape[0]
    rows = many * units
    for k, weights in enumerate(groups):
        wide = inputs if k < directions else state * directions
        shapes = ((rows, wide), (rows, state), (rows,), (rows,), (state, units))
        for name, t, shape in zip(_WEIGHTS, weights, shapes, strict=True):
            if t is not None and (t._shape != shape or units == 0):
                raise ValueError(f"{op}: {name} of layer {k // directions} must have shape {shape}; got {t._shape}")
    return units, state


def _check_states(op: str, hx: Any, mode: int, layers: int, count: int, state: int, units: int) -> tuple:
    """h0 and c0 (or None), of shape (layers, N, H)."""
    if hx is None:
        return None, None
    given = hx if mode == K.LSTM else (hx,)
    if not isinstance(given, (tuple, list)) or len(given) != (2 if mode == K.LSTM else 1):
        raise TypeError(f"{op}: `hx` must be a pair of Tensors (h_0, c_0); got {type(hx).__name__}")
    for name, t, size in zip(("h_0", "c_0"), given, (state, units), strict=False):
        if _check.tensor(op, name, t)._shape != (layers, count, size):
            raise ValueError(f"{op}: {name} must have shape {(layers, count, size)}; got {t._shape}")
    return (*given, None)[:2]


def _run(
    op: str, mode: int, input: Any, hx: Any, params: Any, has_biases: bool, num_layers: int, dropout: float,
    train: bool, bidirectional: bool, batch_first: bool, batch_sizes: Any,
) -> tuple:  # fmt: skip
    """y, h_n and c_n (or None) of a stack of layers."""
    directions = 2 if bidirectional else 1
    layers = _check.integer(op, "num_layers", num_layers, 1)
    rate = _check.probability(op, "dropout", dropout)
    groups = _grouped(op, params, has_biases, layers * directions, mode)
    _check_axes(op, groups)
    check_rows(op, input, batch_sizes, groups[0][0]._shape[1])
    units, state = _check_weights(op, groups, mode, input._shape[-1], directions)
    x = transpose(input, 0, 1) if batch_first and batch_sizes is None else input
    sizes = sizes_of(op, x, batch_sizes)
    count = int(sizes[0])
    h0, c0 = _check_states(op, hx, mode, len(groups), count, state, units)
    _check.same_dtype(op, input=input, h_0=h0, c_0=c0, **{f"params[{k}]": t for k, t in enumerate(params)})
    if input._dtype.is_half:
        wide = [None if t is None else cast(t, float32) for t in (input, h0, c0)]
        states = wide[1] if mode != K.LSTM or wide[1] is None else tuple(wide[1:])
        outs = _run(op, mode, wide[0], states, [cast(t, float32) for t in params], has_biases, layers, dropout,
                    train, bidirectional, batch_first, batch_sizes)  # fmt: skip
        return tuple(None if t is None else cast(t, input._dtype) for t in outs)
    h, c = _stack_layers(mode, x, h0, c0, groups, sizes, directions, rate if train else 0.0, state)
    y = h.pop()
    if batch_sizes is None:
        y = apply(RESHAPE, y, params=((*x._shape[:2], y._shape[1]),))
        y = transpose(y, 0, 1) if batch_first else y
    return y, _stacked(h), _stacked(c) if mode == K.LSTM else None


def _stacked(states: list[Tensor]) -> Tensor:
    """Last states (N, H) of all layers and directions as (layers, N, H)."""
    if len(states) == 1:
        return apply(RESHAPE, states[0], params=((1, *states[0]._shape),))
    return stack(states)


def _stack_layers(
    mode: int, x: Tensor, h0: Any, c0: Any, groups: list[tuple], sizes: np.ndarray, directions: int, rate: float,
    state: int,
) -> tuple[list[Tensor], list[Tensor]]:  # fmt: skip
    """The last h of each layer and direction, then the rows of the last layer; and the last c."""
    rows = x if x.dim() == 2 else apply(RESHAPE, x, params=((x._shape[0] * x._shape[1], x._shape[2]),))
    h: list[Tensor] = []
    c: list[Any] = []
    units = groups[0][1]._shape[0] // K.GATES[mode]
    if h0 is None:
        first = _zeros(rows, int(sizes[0]), state)
        cell = None if mode != K.LSTM else first if state == units else _zeros(rows, int(sizes[0]), units)
    for k in range(0, len(groups), directions):
        if rate > 0 and k > 0:
            rows = drop(rows, rate)
        outs = []
        for d in range(directions):
            if h0 is not None:
                first, cell = h0[k + d], None if c0 is None else c0[k + d]
            y, hn, cn = _layer(mode, rows, first, cell, groups[k + d], sizes, d)
            outs.append(y)
            h.append(hn)
            c.append(cn)
        rows = outs[0] if directions == 1 else cat(outs, 1)
    return [*h, rows], c


@takes_arrays
def lstm(
    input: Tensor,
    hx: Any,
    params: Any,
    has_biases: bool,
    num_layers: int,
    dropout: float,
    train: bool,
    bidirectional: bool,
    batch_first: bool = False,
    batch_sizes: Any = None,
) -> tuple[Tensor, Tensor, Tensor]:
    r"""Long short-term memory over whole sequences.

    In each layer, with :math:`x_t` the input of step t,

    .. math::
        i, f, o = \sigma(W x_t + b + U h_{t-1} + d), \quad g = \tanh(W_g x_t + b_g + U_g h_{t-1} + d_g), \quad
        c_t = f c_{t-1} + i g, \quad h_t = o \tanh c_t

    and the next layer gets h. With a projection R, :math:`h_t = R (o \tanh c_t)`.

    Parameters
    ----------
    input : Tensor of shape (T, N, I), (N, T, I) with `batch_first`, or (rows, I) with `batch_sizes`
    hx : tuple of Tensor (h_0, c_0) of shape (layers * directions, N, H), or None for zeros
    params : list of Tensor
        W of shape (4 H, I), U of shape (4 H, H) with the gates i, f, g, o one after another, the biases b and d if
        `has_biases`, and R where there is one, for each layer and direction.
    has_biases : bool
    num_layers : int
    dropout : float
        Probability of zeroing an element of what one layer hands to the next, where `train`.
    train, bidirectional, batch_first : bool
    batch_sizes : Tensor of int64, optional
        How many sequences each step of a packed sequence has.

    Returns
    -------
    output : Tensor of shape (T, N, directions * H)
    h_n, c_n : Tensor of shape (layers * directions, N, H)

    Raises
    ------
    ValueError
        If shapes do not fit together.
    TypeError
        If types differ or are not floating-point.

    References
    ----------
    Hochreiter and Schmidhuber, "Long Short-Term Memory", 1997.

    Examples
    --------
    >>> import nbnn
    >>> w, u = nbnn.zeros(8, 3), nbnn.zeros(8, 2)
    >>> y, h, c = nbnn.lstm(nbnn.ones(5, 1, 3), None, [w, u], False, 1, 0.0, False, False)
    >>> y.shape, h.shape
    (nbnn.Size([5, 1, 2]), nbnn.Size([1, 1, 2]))
    """
    return _run(
        "lstm", K.LSTM, input, hx, params, has_biases, num_layers, dropout, train, bidirectional, batch_first,
        batch_sizes,
    )  # fmt: skip


def _documented(function: Any, title: str, formula: str, gates: str, rows: str, reference: str) -> Any:
    """The docstring of a layer with one state; what stands in `lstm` is not said again."""
    name = function.__name__
    many = {"": 1, "3 ": 3}[rows]
    function.__doc__ = f"""{title} over whole sequences.

    In each layer, with :math:`x_t` the input of step t,

    .. math:: {formula}

    and the next layer gets h.

    Parameters
    ----------
    input : Tensor of shape (T, N, I), (N, T, I) with `batch_first`, or (rows, I) with `batch_sizes`
    hx : Tensor of shape (layers * directions, N, H), or None for zeros
    params : list of Tensor
        W of shape ({rows}H, I), U of shape ({rows}H, H){gates}, and the biases b and d if `has_biases`, for each layer
        and direction.
    has_biases, num_layers, dropout, train, bidirectional, batch_first, batch_sizes
        As in `lstm`.

    Returns
    -------
    output : Tensor of shape (T, N, directions * H)
    h_n : Tensor of shape (layers * directions, N, H)

    Raises
    ------
    ValueError
        If shapes do not fit together.
    TypeError
        If types differ or are not floating-point.

    References
    ----------
    {reference}

    Examples
    --------
    >>> import nbnn
    >>> w, u = nbnn.zeros({2 * many}, 3), nbnn.zeros({2 * many}, 2)
    >>> y, h = nbnn.{name}(nbnn.ones(5, 1, 3), None, [w, u], False, 1, 0.0, False, False)
    >>> y.shape, h.shape
    (nbnn.Size([5, 1, 2]), nbnn.Size([1, 1, 2]))
    """
    return takes_arrays(function)


def _with_one_state(name: str, mode: int) -> Any:
    def layer(
        input: Tensor,
        hx: Any,
        params: Any,
        has_biases: bool,
        num_layers: int,
        dropout: float,
        train: bool,
        bidirectional: bool,
        batch_first: bool = False,
        batch_sizes: Any = None,
    ) -> tuple[Tensor, Tensor]:
        return _run(
            name, mode, input, hx, params, has_biases, num_layers, dropout, train, bidirectional, batch_first,
            batch_sizes,
        )[:2]  # fmt: skip

    layer.__name__ = layer.__qualname__ = name
    return layer


gru = _documented(
    _with_one_state("gru", K.GRU),
    "Gated recurrent unit",
    r"r, z = \sigma(W x_t + b + U h_{t-1} + d), \quad n = \tanh(W_n x_t + b_n + r (U_n h_{t-1} + d_n)), \quad "
    r"h_t = (1 - z) n + z h_{t-1}",
    " with the gates r, z, n one after another",
    "3 ",
    'Cho et al., "Learning Phrase Representations using RNN Encoder-Decoder for Statistical Machine Translation", '
    "2014.",
)
_PLAIN = 'Elman, "Finding Structure in Time", 1990.'
rnn_tanh = _documented(
    _with_one_state("rnn_tanh", K.TANH), "Recurrent network with tanh",
    r"h_t = \tanh(W x_t + b + U h_{t-1} + d)", "", "", _PLAIN,
)  # fmt: skip
rnn_relu = _documented(
    _with_one_state("rnn_relu", K.RELU), "Recurrent network with ReLU",
    r"h_t = \max(0, W x_t + b + U h_{t-1} + d)", "", "", _PLAIN,
)  # fmt: skip
