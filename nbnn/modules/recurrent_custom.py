"""The Module RNN: the plain recurrent network, or layers of a cell of one's own."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from nbnn.functional import _sequences as S
from nbnn.functional._array_cell import ArrayCell
from nbnn.functional.shape import reshape, transpose
from nbnn.modules.container import ModuleList
from nbnn.modules.module import Module
from nbnn.modules.recurrent import _DOC, RNNBase, RNNCellBase
from nbnn.tensor import Tensor

_CELL_DOC = """
    cell : callable, optional
        ``cell(input_size, hidden_size)`` makes the Module that each layer and direction runs step by step, instead of
        the formula: a class such as `nn.LSTMCell`, or one of your own. It is called as ``state = module(x, state)``
        with x (n, I) and the state of the same n sequences, a Tensor or a tuple of Tensors with n rows, the first of
        which, h (n, H), is the output. The first state is None unless hx is given. Of the other arguments, `bias`,
        `nonlinearity`, `device` and `dtype` are handed to `cell` where they are not the defaults. The Modules are
        ``cells[layer * directions + direction]``; there are no weights besides theirs.

        A function compiled by ``numba.njit`` is a cell too, and so is a pair ``(forward, backward)`` of them, which
        has gradients. They get NumPy arrays: ``forward(x, h, weight_ih, weight_hh, bias_ih, bias_hh)`` returns the
        next h (n, H), ``backward(grad, y, x, h, weight_ih, weight_hh, bias_ih, bias_hh)`` the gradients of all but the
        first two, of their shapes; y is what `forward` returned. The weights are those of `nn.RNNCell`, without
        biases where `bias` is False; the first h is zero. No array may be changed."""

_CELL_EXAMPLE = """
    A layer-normalised LSTM (Ba et al., 2016), in two layers that read both ways:

    >>> class LayerNormLSTMCell(nn.Module):
    ...     def __init__(self, input_size, hidden_size):
    ...         super().__init__()
    ...         self.by_x = nn.Linear(input_size, 4 * hidden_size, bias=False)
    ...         self.by_h = nn.Linear(hidden_size, 4 * hidden_size, bias=False)
    ...         self.norm_x, self.norm_h = nn.LayerNorm(4 * hidden_size), nn.LayerNorm(4 * hidden_size, bias=False)
    ...         self.norm_c = nn.LayerNorm(hidden_size)
    ...
    ...     def forward(self, x, state):
    ...         gates = self.norm_x(self.by_x(x))
    ...         if state is None:
    ...             h = c = nbnn.zeros(len(x), gates.shape[1] // 4)
    ...         else:
    ...             h, c = state
    ...         i, f, g, o = (gates + self.norm_h(self.by_h(h))).chunk(4, 1)
    ...         c = f.sigmoid() * c + i.sigmoid() * g.tanh()
    ...         return o.sigmoid() * self.norm_c(c).tanh(), c
    >>> rnn = nn.RNN(10, 20, num_layers=2, bidirectional=True, cell=LayerNormLSTMCell)
    >>> output, (h, c) = rnn(nbnn.ones(5, 3, 10), lengths=[5, 0, 2])
    >>> output.shape, h.shape, c.shape
    (nbnn.Size([5, 3, 40]), nbnn.Size([4, 3, 20]), nbnn.Size([4, 3, 20]))

    The plain cell, h' = tanh(W x + U h), and its gradients, compiled by Numba:

    >>> import numba, numpy as np
    >>> @numba.njit
    ... def forward(x, h, w, u):
    ...     y = np.empty_like(h)
    ...     for n in range(len(x)):
    ...         for i in range(len(w)):
    ...             y[n, i] = np.tanh((w[i] * x[n]).sum() + (u[i] * h[n]).sum())
    ...     return y
    >>> @numba.njit
    ... def backward(grad, y, x, h, w, u):
    ...     dx, dh, dw, du = np.zeros_like(x), np.zeros_like(h), np.zeros_like(w), np.zeros_like(u)
    ...     for n in range(len(x)):
    ...         for i in range(len(w)):
    ...             g = grad[n, i] * (1 - y[n, i] ** 2)
    ...             dx[n] += g * w[i]
    ...             dh[n] += g * u[i]
    ...             dw[i] += g * x[n]
    ...             du[i] += g * h[n]
    ...     return dx, dh, dw, du
    >>> rnn = nn.RNN(10, 20, bias=False, cell=(forward, backward))
    >>> output, h = rnn(nbnn.ones(5, 3, 10))
    >>> output.sum().backward()
    >>> output.shape, rnn.cells[0].weight_ih.grad.shape
    (nbnn.Size([5, 3, 20]), nbnn.Size([20, 10]))
    """


class _ArrayCell(RNNCellBase):
    """The weights of a cell that is a compiled function, or a pair of them."""

    def __init__(self, functions: tuple, input_size: int, hidden_size: int, bias: bool = True, **place: Any) -> None:
        super().__init__(input_size, hidden_size, bias, 1, **place)
        self.functions = functions

    def forward(self, input: Tensor, hx: Tensor | None = None) -> Tensor:
        weights = [w for w in self._weights() if w is not None]
        return ArrayCell.apply(self.functions, input, self._zeros(input) if hx is None else hx, *weights)

    def _get_name(self) -> str:
        return self.functions[0].py_func.__name__


def _maker(cell: Any) -> Any:
    """What makes the Modules of `cell`: itself, unless it is what `numba.njit` returned, or a pair of such."""
    pair = cell if isinstance(cell, tuple) else (cell, None)
    if len(pair) == 2 and all(hasattr(f, "py_func") or (f is None and i) for i, f in enumerate(pair)):
        return functools.partial(_ArrayCell, pair)
    return cell


class RNN(RNNBase):  # noqa: D101  (see _DOC)
    __doc__ = _DOC.format(
        name="RNN", title="Recurrent network (Elman, 1990), or one of any cell,", rows="",
        nonlinearity="\n    nonlinearity : str\n        'tanh' or 'relu', which then stands for tanh in the formula.",
        formula=r"h_t = \tanh(W x_t + b + U h_{t-1} + d)", order="", states="h", projection="",
    ).replace("        Their type.\n", f"        Their type.{_CELL_DOC}\n", 1) + _CELL_EXAMPLE  # fmt: skip

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        nonlinearity: str = "tanh",
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        device: Any = None,
        dtype: Any = None,
        *,
        cell: Callable[..., Any] | tuple[Callable[..., Any], Callable[..., Any]] | None = None,
    ) -> None:
        if nonlinearity not in ("tanh", "relu"):
            raise ValueError(f"RNN: `nonlinearity` (={nonlinearity!r}) must be 'tanh' or 'relu'")
        if cell is None:
            mode = "RNN_" + nonlinearity.upper()
            super().__init__(
                mode, input_size, hidden_size, num_layers, bias, batch_first, dropout, bidirectional, 0, device, dtype
            )
        else:
            Module.__init__(self)
            self._settle("CELL", input_size, hidden_size, num_layers, bias, batch_first, dropout, bidirectional)
            options = {"bias": (bias, True), "nonlinearity": (nonlinearity, "tanh")}
            options |= {"device": (device, None), "dtype": (dtype, None)}
            self._make_cells(cell, {name: value for name, (value, usual) in options.items() if value != usual})
        self.nonlinearity = nonlinearity

    def _make_cells(self, cell: Any, options: dict[str, Any]) -> None:
        cell = _maker(cell)
        if not callable(cell) or isinstance(cell, Module):
            raise TypeError(
                "RNN: `cell` must be a class or function that makes a Module for each layer and direction from "
                f"input_size and hidden_size, or one or two functions compiled by numba.njit; got {cell!r}"
            )
        directions = 2 if self.bidirectional else 1
        self.cells = ModuleList()
        for layer in range(self.num_layers):
            wide = self.input_size if layer == 0 else self.hidden_size * directions
            for _ in range(directions):
                made = cell(wide, self.hidden_size, **options)
                if not isinstance(made, Module):
                    raise TypeError(f"RNN: `cell` must make a Module; got {type(made).__name__}")
                self.cells.append(made)

    def reset_parameters(self) -> None:
        """Draw all parameters anew, as in `RNNBase`; a cell of one's own does so by its method of this name."""
        if self.mode != "CELL":
            super().reset_parameters()
            return
        for cell in self.cells:
            if hasattr(cell, "reset_parameters"):
                cell.reset_parameters()

    def _layers(self, input: Tensor, hx: Any, batch_sizes: Any = None) -> tuple[Tensor, Any]:
        if self.mode != "CELL":
            return super()._layers(input, hx, batch_sizes)
        S.check_rows("RNN", input, batch_sizes, self.input_size)
        x = transpose(input, 0, 1) if self.batch_first and batch_sizes is None else input
        sizes = S.sizes_of("RNN", x, batch_sizes)
        rows = x if x.dim() == 2 else reshape(x, (x._shape[0] * x._shape[1], self.input_size))
        rate = self.dropout if self.training else 0.0
        y, states = S.through_cells("RNN", list(self.cells), rows, hx, sizes, 2 if self.bidirectional else 1, rate)
        if batch_sizes is None:
            y = reshape(y, (*x._shape[:2], y._shape[1]))
            y = transpose(y, 0, 1) if self.batch_first else y
        return y, states
