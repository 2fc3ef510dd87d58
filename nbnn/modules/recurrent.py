"""Modules of recurrent networks: LSTM and GRU over sequences, what they share, and cells for one step."""

from __future__ import annotations

import math
import warnings
from typing import Any

import numpy as np

from nbnn import init
from nbnn.functional import _check
from nbnn.functional import _sequences as S
from nbnn.functional import array as A
from nbnn.functional import recurrent as R
from nbnn.functional import recurrent_cell as C
from nbnn.functional.gathering import index_select
from nbnn.functional.indexing import narrow
from nbnn.functional.joining import cat
from nbnn.functional.shape import squeeze, transpose, unsqueeze
from nbnn.modules.module import Module
from nbnn.tensor import Parameter, Tensor, from_array

_LAYERS = {"LSTM": R.lstm, "GRU": R.gru, "RNN_TANH": R.rnn_tanh, "RNN_RELU": R.rnn_relu}
_MANY = {"LSTM": 4, "GRU": 3, "RNN_TANH": 1, "RNN_RELU": 1}


class RNNBase(Module):
    """Weights and sequence handling of `LSTM`, `GRU` and `RNN`.

    Parameters
    ----------
    mode : str
        'LSTM', 'GRU', 'RNN_TANH' or 'RNN_RELU'; the others are described there.

    Examples
    --------
    >>> import nbnn, nbnn.nn as nn
    >>> nn.RNNBase("GRU", 3, 2).weight_ih_l0.shape
    nbnn.Size([6, 3])
    """

    def __init__(
        self,
        mode: str,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        proj_size: int = 0,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        if mode not in _LAYERS:
            raise ValueError(
                f"{type(self).__name__}: `mode` (={mode!r}) must be one of {', '.join(map(repr, _LAYERS))}"
            )
        self._settle(mode, input_size, hidden_size, num_layers, bias, batch_first, dropout, bidirectional, proj_size)
        self._make_parameters({"dtype": dtype, "device": device})
        self.reset_parameters()

    def _settle(
        self, mode: str, input_size: int, hidden_size: int, num_layers: int, bias: bool, batch_first: bool,
        dropout: float, bidirectional: bool, proj_size: int = 0,
    ) -> None:  # fmt: skip
        """Check the sizes and options, and keep them."""
        name = type(self).__name__
        self.mode = mode
        self.input_size = _check.integer(name, "input_size", input_size, 1)
        self.hidden_size = _check.integer(name, "hidden_size", hidden_size, 1)
        self.num_layers = _check.integer(name, "num_layers", num_layers, 1)
        self.bias = _check.flag(name, "bias", bias)
        self.batch_first = batch_first
        if isinstance(dropout, bool):
            raise ValueError(f"{name}: `dropout` (={dropout}) must be a number")
        self.dropout = _check.probability(name, "dropout", dropout)
        self.bidirectional = bidirectional
        self.proj_size = _check.integer(name, "proj_size", proj_size, 0)
        if proj_size >= hidden_size:
            raise ValueError(f"{name}: `proj_size` (={proj_size}) must be less than `hidden_size` (={hidden_size})")
        if proj_size and mode != "LSTM":
            raise ValueError(f"{name}: `proj_size` (={proj_size}) is for LSTM only")
        if dropout > 0 and num_layers == 1:
            warnings.warn(
                f"{name}: `dropout` (={dropout}) acts between layers, and `num_layers` is 1: nothing is dropped",
                stacklevel=4,
            )
        self._flat_weights_names: list[str] = []

    def _make_parameters(self, place: dict[str, Any]) -> None:
        directions = 2 if self.bidirectional else 1
        rows, state = _MANY[self.mode] * self.hidden_size, self.proj_size or self.hidden_size
        for layer in range(self.num_layers):
            for suffix in ("", "_reverse")[:directions]:
                wide = self.input_size if layer == 0 else state * directions
                shapes: dict[str, tuple[int, ...]] = {"weight_ih": (rows, wide), "weight_hh": (rows, state)}
                if self.bias:
                    shapes |= {"bias_ih": (rows,), "bias_hh": (rows,)}
                if self.proj_size:
                    shapes["weight_hr"] = (self.proj_size, self.hidden_size)
                for kind, shape in shapes.items():
                    name = f"{kind}_l{layer}{suffix}"
                    setattr(self, name, Parameter(A.empty(*shape, **place)))
                    self._flat_weights_names.append(name)

    @property
    def _flat_weights(self) -> list[Tensor]:
        return [getattr(self, name) for name in self._flat_weights_names]

    @property
    def all_weights(self) -> list[list[Tensor]]:
        """The parameters of each layer and direction."""
        each = (4 if self.bias else 2) + (self.proj_size > 0)
        weights = self._flat_weights
        return [weights[k : k + each] for k in range(0, len(weights), each)]

    def flatten_parameters(self) -> None:
        """Nothing to do: the kernels take the parameters from where they are."""

    def reset_parameters(self) -> None:
        r"""Draw all parameters anew, uniform in :math:`\pm 1 / \sqrt{\text{hidden\_size}}`."""
        bound = 1.0 / math.sqrt(self.hidden_size)
        for weight in self.parameters():
            init.uniform_(weight, -bound, bound)

    def forward(self, input: Any, hx: Any = None, lengths: Any = None) -> Any:
        name = type(self).__name__
        if hasattr(input, "batch_sizes"):
            if lengths is not None:
                raise ValueError(f"{name}: `lengths` is for a padded `input`; a PackedSequence has its own")
            return self._forward_packed(input, hx)
        _check.tensor(name, "input", input)
        if input.dim() not in (2, 3):
            raise ValueError(f"{name}: `input` must have 3 axes, or 2 for a single sequence; got shape {input._shape}")
        single = input.dim() == 2
        if single:
            input = unsqueeze(input, 0 if self.batch_first else 1)
            hx = _each(hx, lambda t: unsqueeze(t, 1) if t.dim() == 2 else t)
            lengths = [lengths] if isinstance(lengths, int) else lengths
        output, states = self._layers(input, hx) if lengths is None else self._forward_padded(input, hx, lengths)
        if single:
            output = squeeze(output, 0 if self.batch_first else 1)
            states = _each(states, lambda t: squeeze(t, 1))
        return output, states

    def _layers(self, input: Tensor, hx: Any, batch_sizes: Any = None) -> tuple[Tensor, Any]:
        """Output and last states of padded input or, with `batch_sizes`, of packed rows."""
        output, *states = _LAYERS[self.mode](
            input,
            hx,
            self._flat_weights,
            self.bias,
            self.num_layers,
            self.dropout,
            self.training,
            self.bidirectional,
            self.batch_first,
            batch_sizes,
        )
        return output, tuple(states) if self.mode == "LSTM" else states[0]

    def _forward_padded(self, input: Tensor, hx: Any, given: Any) -> tuple[Tensor, Any]:
        x = transpose(input, 0, 1) if self.batch_first else input
        steps, count = x._shape[:2]
        lengths = S.check_lengths(type(self).__name__, given, count, steps)
        if steps and (lengths == steps).all():
            return self._layers(input, hx)
        order = S.longest_first(lengths)
        data, sizes = S.packed(x, lengths[order], order)
        places = (from_array(k).to(input.device) for k in (order, np.argsort(order)))
        output, states = self._forward_rows(data, sizes, hx, *places)
        output = S.padded(output, sizes, order, steps)
        return transpose(output, 0, 1) if self.batch_first else output, states

    def _forward_packed(self, packed: Any, hx: Any) -> tuple[Any, Any]:
        data, sizes, order, back = packed
        output, states = self._forward_rows(data, sizes, hx, order, back)
        return type(packed)(output, sizes, order, back), states

    def _forward_rows(self, data: Tensor, sizes: Any, hx: Any, order: Any, back: Any) -> tuple[Tensor, Any]:
        """The same for packed rows; `order` is that of the sequences by length, `back` the way back to theirs.

        Sequences without rows come last in this order: their states stay what they were.
        """
        if order is None:
            return self._layers(data, hx, sizes)
        count, active = len(order), int(sizes[0]) if len(sizes) else 0
        for t in hx if isinstance(hx, (tuple, list)) else (hx,):
            if isinstance(t, Tensor) and (t.dim() < 2 or t._shape[1] != count):
                raise ValueError(
                    f"{type(self).__name__}: `hx` must have the states of {count} sequences on its axis 1; "
                    f"got shape {t._shape}"
                )
        hx = _each(hx, lambda t: index_select(t, 1, order))
        states: Any
        firsts: Any
        output, states = self._layers(data, _each(hx, lambda t: narrow(t, 1, 0, active)), sizes)
        if active < count:
            ends = states if isinstance(states, tuple) else (states,)
            if hx is None:
                firsts = [A.zeros(len(e), count, *e._shape[2:], dtype=e.dtype, device=e.device) for e in ends]
            else:
                firsts = hx if isinstance(hx, tuple) else (hx,)
            ends = tuple(cat([e, narrow(f, 1, active, count - active)], 1) for e, f in zip(ends, firsts, strict=True))
            states = ends if isinstance(states, tuple) else ends[0]
        return output, _each(states, lambda t: index_select(t, 1, back))

    def extra_repr(self) -> str:
        text = f"{self.input_size}, {self.hidden_size}"
        defaults = (
            ("proj_size", 0), ("num_layers", 1), ("bias", True), ("batch_first", False), ("dropout", 0),
            ("bidirectional", False),
        )  # fmt: skip
        return text + "".join(f", {k}={getattr(self, k)}" for k, v in defaults if getattr(self, k) != v)


def _each(states: Any, change: Any) -> Any:
    """A state, or each state of a tuple, changed."""
    if isinstance(states, (tuple, list)):
        return tuple(change(t) if isinstance(t, Tensor) else t for t in states)
    return change(states) if isinstance(states, Tensor) else states


_DOC = r"""{title} over sequences.

    .. math:: {formula}

    in each layer, the next one taking h for its x.

    Parameters
    ----------
    input_size : int
        Size I of an element of the sequence.
    hidden_size : int
        Size H of the state.
    num_layers : int
        How many layers are stacked.{nonlinearity}
    bias : bool
        Whether there are b and d.
    batch_first : bool
        Whether the batch is the first axis of input and output instead of the second (not of the states).
    dropout : float
        Probability of zeroing an element between layers, in training.
    bidirectional : bool
        Whether a second set of weights reads the sequence backwards; the outputs stand side by side.{projection}
    device : device, optional
        Where the parameters lie.
    dtype : dtype, optional
        Their type.

    Attributes
    ----------
    weight_ih_l[k], weight_hh_l[k], bias_ih_l[k], bias_hh_l[k] : Parameter
        W ({rows}H, I), U ({rows}H, H), b and d ({rows}H,) of layer k{order}, with the suffix ``_reverse`` for the way
        back. They start uniform in :math:`\pm 1 / \sqrt{{H}}`.

    Shape
    -----
    input : (T, N, I), (T, I), or a `PackedSequence`
    hx : {states} of (layers * directions, N, H), by default zeros
    lengths : N ints from 0 to T in any order, by default T; a sequence of length 0 leaves its states as they were
    output : (T, N, directions * H), 0 after the end of a sequence; and the last {states} like hx

    Raises
    ------
    ValueError
        If sizes do not fit together.

    Examples
    --------
    >>> import nbnn, nbnn.nn as nn
    >>> output, _ = nn.{name}(10, 20, 2)(nbnn.ones(5, 3, 10))
    >>> output.shape
    nbnn.Size([5, 3, 20])
    """


class LSTM(RNNBase):  # noqa: D101  (see _DOC)
    __doc__ = _DOC.format(
        name="LSTM", title="Long short-term memory (Hochreiter and Schmidhuber, 1997)", rows="4 ", nonlinearity="",
        formula=r"i, f, o = \sigma(W x_t + b + U h_{t-1} + d), \; g = \tanh(W_g x_t + b_g + U_g h_{t-1} + d_g), \;"
                r" c_t = f c_{t-1} + i g, \; h_t = o \tanh c_t",
        order=" with the gates i, f, g, o in order", states="h and c, a pair",
        projection="\n    proj_size : int\n        Size of h where it is a projection of o tanh c; 0 for none.",
    )  # fmt: skip

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        proj_size: int = 0,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(
            "LSTM", input_size, hidden_size, num_layers, bias, batch_first, dropout, bidirectional, proj_size, device,
            dtype,
        )  # fmt: skip


class GRU(RNNBase):  # noqa: D101  (see _DOC)
    __doc__ = _DOC.format(
        name="GRU", title="Gated recurrent unit (Cho et al., 2014)", rows="3 ", nonlinearity="",
        formula=r"r, z = \sigma(W x_t + b + U h_{t-1} + d), \; n = \tanh(W_n x_t + b_n + r (U_n h_{t-1} + d_n)), \;"
                r" h_t = (1 - z) n + z h_{t-1}",
        order=" with the gates r, z, n in order", states="h", projection="",
    )  # fmt: skip

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(
            "GRU", input_size, hidden_size, num_layers, bias, batch_first, dropout, bidirectional, 0, device, dtype
        )


class RNNCellBase(Module):
    """Weights of `LSTMCell`, `GRUCell` and `RNNCell`.

    Parameters
    ----------
    input_size, hidden_size : int
    bias : bool
    num_chunks : int
        How many gates there are.
    device, dtype : optional

    Examples
    --------
    >>> import nbnn, nbnn.nn as nn
    >>> nn.RNNCellBase(3, 2, True, 4).weight_ih.shape
    nbnn.Size([8, 3])
    """

    bias_ih: Parameter | None
    bias_hh: Parameter | None

    def __init__(
        self, input_size: int, hidden_size: int, bias: bool, num_chunks: int, device: Any = None, dtype: Any = None
    ) -> None:
        super().__init__()
        name = type(self).__name__
        self.input_size = _check.integer(name, "input_size", input_size, 1)
        self.hidden_size = _check.integer(name, "hidden_size", hidden_size, 1)
        self.bias = bias
        rows = _check.integer(name, "num_chunks", num_chunks, 1) * hidden_size
        place = {"dtype": dtype, "device": device}
        self.weight_ih = Parameter(A.empty(rows, input_size, **place))
        self.weight_hh = Parameter(A.empty(rows, hidden_size, **place))
        for side in ("bias_ih", "bias_hh"):
            self.register_parameter(side, Parameter(A.empty(rows, **place)) if bias else None)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        r"""Draw all parameters anew, uniform in :math:`\pm 1 / \sqrt{\text{hidden\_size}}`."""
        bound = 1.0 / math.sqrt(self.hidden_size)
        for weight in self.parameters():
            init.uniform_(weight, -bound, bound)

    def _zeros(self, input: Tensor) -> Tensor:
        return A.zeros(*input.shape[:-1], self.hidden_size, dtype=input.dtype, device=input.device)

    def _weights(self) -> tuple:
        return self.weight_ih, self.weight_hh, self.bias_ih, self.bias_hh

    def extra_repr(self) -> str:
        text = f"{self.input_size}, {self.hidden_size}" + ("" if self.bias else f", bias={self.bias}")
        nonlinearity = getattr(self, "nonlinearity", "tanh")
        return text if nonlinearity == "tanh" else f"{text}, nonlinearity={nonlinearity}"


_CELL_DOC = r"""One step of {article} `{layer}` layer.

    Parameters
    ----------
    input_size, hidden_size : int
        Sizes I and H of input and state.
    bias : bool
        Whether there are biases.{nonlinearity}
    device : device, optional
        Where the parameters lie.
    dtype : dtype, optional
        Their type.

    Attributes
    ----------
    weight_ih, weight_hh : Parameter ({rows}H, I) and ({rows}H, H)
    bias_ih, bias_hh : Parameter ({rows}H,) or None

    Shape
    -----
    input : (N, I) or (I,)
    hx : {states} of (N, H) or (H,), by default zeros
    output : {states} of (N, H) or (H,)

    Raises
    ------
    ValueError
        If sizes do not fit together.

    Examples
    --------
    >>> import nbnn, nbnn.nn as nn
    >>> h = nn.{layer}Cell(10, 20)(nbnn.ones(3, 10)){pick}
    >>> h.shape
    nbnn.Size([3, 20])
    """


class LSTMCell(RNNCellBase):  # noqa: D101  (see _CELL_DOC)
    __doc__ = _CELL_DOC.format(article="an", layer="LSTM", rows="4 ", nonlinearity="", states="(h, c)", pick="[0]")

    def __init__(
        self, input_size: int, hidden_size: int, bias: bool = True, device: Any = None, dtype: Any = None
    ) -> None:
        super().__init__(input_size, hidden_size, bias, 4, device, dtype)

    def forward(self, input: Tensor, hx: Any = None) -> tuple[Tensor, Tensor]:
        if hx is None:
            hx = (self._zeros(input), self._zeros(input))
        return C.lstm_cell(input, hx, *self._weights())


class GRUCell(RNNCellBase):  # noqa: D101  (see _CELL_DOC)
    __doc__ = _CELL_DOC.format(article="a", layer="GRU", rows="3 ", nonlinearity="", states="h", pick="")

    def __init__(
        self, input_size: int, hidden_size: int, bias: bool = True, device: Any = None, dtype: Any = None
    ) -> None:
        super().__init__(input_size, hidden_size, bias, 3, device, dtype)

    def forward(self, input: Tensor, hx: Tensor | None = None) -> Tensor:
        return C.gru_cell(input, self._zeros(input) if hx is None else hx, *self._weights())


class RNNCell(RNNCellBase):  # noqa: D101  (see _CELL_DOC)
    __doc__ = _CELL_DOC.format(
        article="an", layer="RNN", rows="", states="h", pick="",
        nonlinearity="\n    nonlinearity : str\n        'tanh' or 'relu'.",
    )  # fmt: skip

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool = True,
        nonlinearity: str = "tanh",
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        if nonlinearity not in ("tanh", "relu"):
            raise ValueError(f"RNNCell: `nonlinearity` (={nonlinearity!r}) must be 'tanh' or 'relu'")
        super().__init__(input_size, hidden_size, bias, 1, device, dtype)
        self.nonlinearity = nonlinearity

    def forward(self, input: Tensor, hx: Tensor | None = None) -> Tensor:
        cell = C.rnn_tanh_cell if self.nonlinearity == "tanh" else C.rnn_relu_cell
        return cell(input, self._zeros(input) if hx is None else hx, *self._weights())
