"""Recurrent cells: one step of an LSTM, GRU or RNN."""

from __future__ import annotations

from typing import Any

from nbnn.functional import _check
from nbnn.functional.linear import linear
from nbnn.functional.recurrent import _check_axes, _check_weights, _unrolled_step
from nbnn.functional.shape import RESHAPE
from nbnn.kernels import recurrent as K
from nbnn.op import apply, takes_arrays
from nbnn.tensor import Tensor


def _cell(
    op: str, mode: int, input: Any, h: Any, c: Any, w_ih: Any, w_hh: Any, b_ih: Any, b_hh: Any
) -> tuple[Tensor, Any]:
    """The state after one step of a batch (N, I) or of a single input (I,)."""
    _check.floating(op, "input", input)
    if input.dim() not in (1, 2):
        raise ValueError(f"{op}: `input` must have shape (N, I) or (I,); got {input._shape}")
    groups = [(w_ih, w_hh, b_ih, b_hh, None)]
    _check_axes(op, groups)
    units, _ = _check_weights(op, groups, mode, input._shape[-1], 1)
    for name, t in (("h", h), *((("c", c),) if mode == K.LSTM else ())):
        if _check.tensor(op, name, t)._shape != (*input._shape[:-1], units):
            raise ValueError(f"{op}: `{name}` must have shape {(*input._shape[:-1], units)}; got {t._shape}")
    _check.same_dtype(op, input=input, h=h, c=c, w_ih=w_ih, w_hh=w_hh, b_ih=b_ih, b_hh=b_hh)
    if input.dim() == 1:
        x, h, c = (t if t is None else apply(RESHAPE, t, params=((1, *t._shape),)) for t in (input, h, c))
        h, c = _unrolled_step(mode, linear(x, w_ih, b_ih), h, c, linear(h, w_hh, b_hh))
        return tuple(t if t is None else apply(RESHAPE, t, params=((units,),)) for t in (h, c))  # type: ignore[return-value]
    return _unrolled_step(mode, linear(input, w_ih, b_ih), h, c, linear(h, w_hh, b_hh))


@takes_arrays
def lstm_cell(
    input: Tensor, hx: Any, w_ih: Tensor, w_hh: Tensor, b_ih: Tensor | None = None, b_hh: Tensor | None = None
) -> tuple[Tensor, Tensor]:
    """One step of an LSTM; `lstm` has the formula.

    Parameters
    ----------
    input : Tensor of shape (N, I) or (I,)
    hx : tuple of Tensor (h, c) of shape (N, H) or (H,)
    w_ih : Tensor of shape (4 H, I)
    w_hh : Tensor of shape (4 H, H)
    b_ih, b_hh : Tensor of shape (4 H,), optional

    Returns
    -------
    h, c : Tensor of shape (N, H) or (H,)

    Raises
    ------
    ValueError
        If shapes do not fit together.
    TypeError
        If types differ or are not floating-point.

    Examples
    --------
    >>> import nbnn
    >>> zero = nbnn.zeros(1)
    >>> h, c = nbnn.lstm_cell(nbnn.ones(2), (zero, zero), nbnn.ones(4, 2), nbnn.ones(4, 1))
    >>> c
    tensor([0.8491])
    """
    if not isinstance(hx, (tuple, list)) or len(hx) != 2:
        raise TypeError(f"lstm_cell: `hx` must be a pair of Tensors (h, c); got {type(hx).__name__}")
    return _cell("lstm_cell", K.LSTM, input, hx[0], hx[1], w_ih, w_hh, b_ih, b_hh)


def _cell_with_one_state(name: str, layer: str, mode: int, rows: str, example: str) -> Any:
    def cell(
        input: Tensor, hx: Tensor, w_ih: Tensor, w_hh: Tensor, b_ih: Tensor | None = None, b_hh: Tensor | None = None
    ) -> Tensor:
        return _cell(name, mode, input, hx, None, w_ih, w_hh, b_ih, b_hh)[0]

    many = K.GATES[mode]
    cell.__name__ = cell.__qualname__ = name
    cell.__doc__ = f"""One step of a recurrent network; `{layer}` has the formula.

    Parameters
    ----------
    input : Tensor of shape (N, I) or (I,)
    hx : Tensor of shape (N, H) or (H,)
    w_ih : Tensor of shape ({rows}H, I)
    w_hh : Tensor of shape ({rows}H, H)
    b_ih, b_hh : Tensor of shape ({rows}H,), optional

    Returns
    -------
    Tensor of shape (N, H) or (H,)

    Raises
    ------
    ValueError
        If shapes do not fit together.
    TypeError
        If types differ or are not floating-point.

    Examples
    --------
    >>> import nbnn
    >>> nbnn.{name}(nbnn.ones(2), nbnn.zeros(1), nbnn.ones({many}, 2), nbnn.ones({many}, 1))
    tensor([{example}])
    """
    return takes_arrays(cell)


gru_cell = _cell_with_one_state("gru_cell", "gru", K.GRU, "3 ", "0.1149")
rnn_tanh_cell = _cell_with_one_state("rnn_tanh_cell", "rnn_tanh", K.TANH, "", "0.9640")
rnn_relu_cell = _cell_with_one_state("rnn_relu_cell", "rnn_relu", K.RELU, "", "2.")
