"""Modules of recurrent networks: LSTM, GRU and RNN over sequences, and their cells for one step."""

from __future__ import annotations

import math
import warnings
from typing import Any

from nbnn import init
from nbnn.functional import _check
from nbnn.functional import array as A
from nbnn.functional import recurrent as R
from nbnn.functional import recurrent_cell as C
from nbnn.functional.shape import squeeze, unsqueeze
from nbnn.modules.module import Module
from nbnn.tensor import Parameter, Tensor

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
        name = type(self).__name__
        if mode not in _LAYERS:
            raise ValueError(f"{name}: `mode` (={mode!r}) must be one of {', '.join(map(repr, _LAYERS))}")
        self.mode = mode
        self.input_size = _check.integer(name, "input_size", input_size, 1)
        self.hidden_size = _check.integer(name, "hidden_size", hidden_size, 1)
        self.num_layers = _check.integer(name, "num_layers", num_layers, 1)
        self.bias = bias
        self.batch_first = batch_first
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
                stacklevel=3,
            )
        self._flat_weights_names: list[str] = []
        self._make_parameters({"dtype": dtype, "device": device})
        self.reset_parameters()

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

    def forward(self, input: Any, hx: Any = None) -> Any:
        if hasattr(input, "batch_sizes"):
            return self._forward_packed(input, hx)
        _check.tensor(type(self).__name__, "input", input)
        if input.dim() not in (2, 3):
            raise ValueError(
                f"{type(self).__name__}: `input` must have 3 axes, or 2 for a single sequence; got shape {input._shape}"
            )
        single = input.dim() == 2
        if single:
            input = unsqueeze(input, 0 if self.batch_first else 1)
            hx = self._each_state(hx, lambda t: unsqueeze(t, 1) if t.dim() == 2 else t)
        output, states = self._layers(input, hx)
        if single:
            output = squeeze(output, 0 if self.batch_first else 1)
            states = self._each_state(states, lambda t: squeeze(t, 1))
        return output, states

    def _layers(self, input: Tensor, hx: Any, batch_sizes: Any = None) -> tuple[Tensor, Any]:
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

    def _each_state(self, states: Any, change: Any) -> Any:
        if isinstance(states, (tuple, list)):
            return tuple(change(t) if isinstance(t, Tensor) else t for t in states)
        return change(states) if isinstance(states, Tensor) else states

    def _forward_packed(self, packed: Any, hx: Any) -> tuple[Any, Any]:
        data, sizes, sorted_indices, unsorted_indices = packed
        if sorted_indices is not None:
            hx = self._each_state(hx, lambda t: _pick(t, sorted_indices))
        output, states = self._layers(data, hx, sizes)
        if unsorted_indices is not None:
            states = self._each_state(states, lambda t: _pick(t, unsorted_indices))
        return type(packed)(output, sizes, sorted_indices, unsorted_indices), states

    def extra_repr(self) -> str:
        text = f"{self.input_size}, {self.hidden_size}"
        defaults = (
            ("proj_size", 0), ("num_layers", 1), ("bias", True), ("batch_first", False), ("dropout", 0),
            ("bidirectional", False),
        )  # fmt: skip
        return text + "".join(f", {k}={getattr(self, k)}" for k, v in defaults if getattr(self, k) != v)


def _pick(t: Tensor, order: Tensor) -> Tensor:
    """Sequences of a state (layers, N, H) in another order."""
    return t.transpose(0, 1)[order].transpose(0, 1)


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
    output : (T, N, directions * H), and the last {states} like hx

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


class RNN(RNNBase):  # noqa: D101  (see _DOC)
    __doc__ = _DOC.format(
        name="RNN", title="Recurrent network (Elman, 1990)", rows="",
        nonlinearity="\n    nonlinearity : str\n        'tanh' or 'relu', which then stands for tanh in the formula.",
        formula=r"h_t = \tanh(W x_t + b + U h_{t-1} + d)", order="", states="h", projection="",
    )  # fmt: skip

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
    ) -> None:
        if nonlinearity not in ("tanh", "relu"):
            raise ValueError(f"RNN: `nonlinearity` (={nonlinearity!r}) must be 'tanh' or 'relu'")
        mode = "RNN_" + nonlinearity.upper()
        super().__init__(
            mode, input_size, hidden_size, num_layers, bias, batch_first, dropout, bidirectional, 0, device, dtype
        )
        self.nonlinearity = nonlinearity


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
