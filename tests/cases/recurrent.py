"""Cases of the recurrent layers and cells."""

import numpy as np

import nbnn
from tests.cases import loaded
from tests.engine import Bad, Case

MANY = {"lstm": 4, "gru": 3, "rnn_tanh": 1, "rnn_relu": 1}
LAYERS = tuple(MANY)


def logistic(x):
    return 1 / (1 + np.exp(-x))


def one_step(kind, by_x, by_h, h, c):
    """New h and c from what the input and the state bring."""
    if kind == "gru":
        (xr, xz, xn), (hr, hz, hn) = np.split(by_x, 3, -1), np.split(by_h, 3, -1)
        z = logistic(xz + hz)
        return (1 - z) * np.tanh(xn + logistic(xr + hr) * hn) + z * h, c
    if kind == "lstm":
        i, f, g, o = np.split(by_x + by_h, 4, -1)
        c = logistic(f) * c + logistic(i) * np.tanh(g)
        return logistic(o) * np.tanh(c), c
    total = by_x + by_h
    return (np.tanh(total) if kind == "rnn_tanh" else np.maximum(total, 0)), c


def one_direction(kind, x, h, c, weights, backwards, lengths):
    """(outputs, h, c) of one layer and direction, sequence by sequence."""
    w, u, b, d, r = weights
    steps, count = x.shape[:2]
    y = np.zeros((steps, count, h.shape[-1]))
    hs, cs = np.empty_like(h), np.empty_like(c)
    for n in range(count):
        a, e = h[n], c[n]
        times = range(lengths[n])
        for t in reversed(times) if backwards else times:
            a, e = one_step(kind, w @ x[t, n] + b, u @ a + d, a, e)
            a = a if r is None else r @ a
            y[t, n] = a
        hs[n], cs[n] = a, e
    return y, hs, cs


def stacked(kind, x, h, c, weights, layers=1, bidirectional=False, lengths=None):
    """The oracle of a whole stack on (T, N, I)."""
    directions = 2 if bidirectional else 1
    lengths = [x.shape[0]] * x.shape[1] if lengths is None else lengths
    hs, cs = [], []
    for layer in range(layers):
        sides = []
        for way in range(directions):
            k = layer * directions + way
            y, last, cell = one_direction(kind, x, h[k], c[k], weights[k], way == 1, lengths)
            sides.append(y)
            hs.append(last)
            cs.append(cell)
        x = np.concatenate(sides, -1)
    return x, np.array(hs).reshape(h.shape), np.array(cs).reshape(c.shape)


def grouped(kind, flat, biases, projection=False):
    """Flat parameters as (w, u, b, d, r) for each layer and direction."""
    each = 2 + 2 * biases + projection
    groups = []
    for k in range(0, len(flat), each):
        own = list(flat[k : k + each])
        r = own.pop() if projection else None
        groups.append((*own, *((0, 0) if not biases else ()), r))
    return groups


def shapes(kind, inputs, units, layers, directions, biases, proj=0):
    """The shapes of all parameters."""
    rows, state = MANY[kind] * units, proj or units
    found = []
    for layer in range(layers):
        for _ in range(directions):
            found += [(rows, inputs if layer == 0 else state * directions), (rows, state)]
            found += [(rows,), (rows,)] if biases else []
            found += [(proj, units)] if proj else []
    return found


def maker_of(kind, layers, directions, biases, batch_first, proj, sizes, states):
    """How the inputs of a case are made, for any sizes."""
    lstm = kind == "lstm"

    def maker(t, n, inputs, units):
        def make(r):
            x = (n, t, inputs) if batch_first else (t, n, inputs)
            x = x if sizes is None else (sum(sizes), inputs)
            state = [(layers * directions, n, proj or units), (layers * directions, n, units)][: 1 + lstm]
            wanted = [x, *(state if states else ()), *shapes(kind, inputs, units, layers, directions, biases, proj)]
            return tuple(np.asarray(r.normal(size=s)) * (1 if k < 3 else 0.5) for k, s in enumerate(wanted))

        return make

    return maker


def module_of(kind, inputs, units, layers, directions, biases, batch_first, proj, sizes, states):
    """The same layer as a Module, on the inputs of a case."""
    lstm = kind == "lstm"
    many = (1 + lstm) if states else 0

    def module(nn, x, *rest):
        name = {"lstm": "LSTM", "gru": "GRU"}.get(kind, "RNN")
        extra = {} if name != "RNN" else {"nonlinearity": kind[4:]}
        extra |= {"proj_size": proj} if proj else {}
        layer = getattr(nn, name)(inputs, units, num_layers=layers, bias=biases, batch_first=batch_first,
                                  bidirectional=directions == 2, **extra)  # fmt: skip
        loaded(layer, **dict(zip(layer._flat_weights_names, rest[many:], strict=True)))

        def run(x, given):
            if sizes is not None:
                x = nbnn.utils.rnn.PackedSequence(x, nbnn.tensor(sizes))
            y, state = layer(x, given)
            return (y if sizes is None else y.data, *(state if lstm else (state,)))

        return run, (x, hidden(kind, rest[:many]))

    return module


def hidden(kind, given):
    """The states as the functions take them."""
    return None if not given else tuple(given) if kind == "lstm" else given[0]


def layer_case(kind, label, t=4, n=3, inputs=3, units=5, layers=1, directions=1, biases=True, batch_first=False,
               proj=0, sizes=None, states=True, large=None, **more):  # fmt: skip
    """A case whose inputs are x, h, (c,) and the parameters."""
    lstm = kind == "lstm"
    lengths = None if sizes is None else [int((np.array(sizes) > k).sum()) for k in range(sizes[0])]
    count = n if sizes is None else sizes[0]

    many = (1 + lstm) if states else 0

    def call(F, x, *rest):
        args = (hidden(kind, rest[:many]), list(rest[many:]), biases, layers, 0.0, False, directions == 2)
        if sizes is None:
            return getattr(F, kind)(x, *args, batch_first)
        return getattr(F, kind)(x, *args, batch_sizes=nbnn.tensor(sizes))

    def in_torch(F, x, *rest):
        import torch

        given = rest[:many]
        if not given:
            axis = 0 if batch_first else 1
            zero = x.new_zeros(layers * directions, x.shape[axis] if sizes is None else sizes[0], proj or units)
            given = (zero, x.new_zeros(zero.shape[0], zero.shape[1], units))[: 1 + lstm]
        start = (x,) if sizes is None else (x, torch.tensor(sizes))
        end = (batch_first,) if sizes is None else ()
        args = (hidden(kind, given), list(rest[many:]), biases, layers, 0.0, False, directions == 2)
        return getattr(F, kind)(*start, *args, *end)

    def oracle(x, *rest):
        size = rest[many:][1].shape[0] // MANY[kind]
        if sizes is not None:
            padded = np.zeros((len(sizes), count, x.shape[-1]))
            for step, (at, active) in enumerate(zip(np.cumsum([0, *sizes]), sizes, strict=False)):
                padded[step, :active] = x[at : at + active]
            x = padded
        x = x.swapaxes(0, 1) if batch_first else x
        h = rest[0] if states else np.zeros((layers * directions, x.shape[1], proj or size))
        c = rest[1] if states and lstm else np.zeros((layers * directions, x.shape[1], size))
        weights = grouped(kind, rest[many:], biases, proj > 0)
        y, h, c = stacked(kind, x, h, c, weights, layers, directions == 2, lengths)
        y = y.swapaxes(0, 1) if batch_first else y
        if sizes is not None:
            y = np.concatenate([y[step, :active] for step, active in enumerate(sizes)])
        return (y, h, c) if lstm else (y, h)

    options = (layers, directions, biases, batch_first, proj, sizes, states)
    maker, module = maker_of(kind, *options), module_of(kind, inputs, units, *options)
    made = maker(t, count, inputs, units)
    differentiated = tuple(range(1 + many + len(shapes(kind, inputs, units, layers, directions, biases, proj))))
    return Case(f"{kind}-{label}", call, made, oracle, grad=differentiated, arrays=sizes is None, torch=in_torch,
                module=module, large=large and maker(*large), tolerance=4, **more)  # fmt: skip


def layers_of(kind):
    big = (3, 20, 40, 100)
    return [
        layer_case(kind, "plain", large=big),
        layer_case(kind, "zeros", states=False),
        layer_case(kind, "no_bias", biases=False),
        layer_case(kind, "deep", layers=2, t=3, n=2),
        layer_case(kind, "both_ways", directions=2, layers=2, t=3, n=2, units=3, second=False),
        layer_case(kind, "batch_first", batch_first=True),
        layer_case(kind, "packed", sizes=[3, 2, 2, 1]),
        layer_case(kind, "packed_both_ways", sizes=[3, 3, 1], directions=2, units=2),
        layer_case(kind, "one_step", t=1, n=1, inputs=1, units=1),
        layer_case(kind, "tails", t=2, n=13, inputs=2, units=33, second=False, cuda=False),
        layer_case(kind, "lanes", t=2, n=9, inputs=5, units=16, second=False, cuda=False),
        layer_case(kind, "wide", t=2, n=4, inputs=3, units=65, second=False, cuda=False, states=False),
    ]


def cell_case(kind, label, lead=(3,), biases=True, units=4, **more):
    lstm = kind == "lstm"
    rows = MANY[kind] * units

    def make(r):
        wanted = [(*lead, 3), *[(*lead, units)] * (1 + lstm), (rows, 3), (rows, units), *[(rows,)] * (2 * biases)]
        return tuple(np.asarray(r.normal(size=s)) for s in wanted)

    def call(F, x, *rest):
        hx = tuple(rest[:2]) if lstm else rest[0]
        return getattr(F, f"{kind}_cell")(x, hx, *rest[1 + lstm :])

    def oracle(x, *rest):
        w, u, *b = rest[1 + lstm :]
        b = b or (0, 0)
        h, c = one_step(kind, x @ w.T + b[0], rest[0] @ u.T + b[1], rest[0], rest[1] if lstm else None)
        return (h, c) if lstm else h

    def module(nn, x, *rest):
        name = {"lstm": "LSTMCell", "gru": "GRUCell"}.get(kind, "RNNCell")
        extra = {} if name != "RNNCell" else {"nonlinearity": kind[4:]}
        cell = getattr(nn, name)(3, units, bias=biases, **extra)
        names = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
        loaded(cell, **dict(zip(names, rest[1 + lstm :], strict=False)))
        return cell, (x, tuple(rest[:2]) if lstm else rest[0])

    grad = tuple(range(4 + lstm + 2 * biases))
    return Case(f"{kind}_cell-{label}", call, make, oracle, grad=grad, module=module, tolerance=4, **more)


CASES = [
    *(case for kind in LAYERS for case in layers_of(kind)),
    layer_case("lstm", "projected", proj=2, layers=2, t=3, n=2),
    layer_case("lstm", "projected_both_ways", proj=2, directions=2, sizes=[3, 2], second=False),
    *(cell_case(kind, label, **options) for kind in LAYERS for label, options in (
        ("plain", {}), ("no_bias", {"biases": False}), ("single", {"lead": (), "torch": False})
    )),
]  # fmt: skip


def refusals(kind):
    many = MANY[kind]
    x, w, u, b = nbnn.ones(4, 2, 3), nbnn.ones(many * 5, 3), nbnn.ones(many * 5, 5), nbnn.ones(many * 5)
    good = [w, u, b, b]

    def bad(label, match, error=ValueError, x=x, hx=None, params=good, biases=True, layers=1, dropout=0.0, **more):
        def call(F):
            return getattr(F, kind)(x, hx, params, biases, layers, dropout, True, False, **more)

        return Bad(f"{kind}-{label}", call, error, rf"^{kind}: " + match)

    def bad_cell(label, match, error=ValueError, x=x[0], hx=None, params=good):
        zero = nbnn.zeros(2, 5)
        hx = ((zero, zero) if kind == "lstm" else zero) if hx is None else hx
        call = lambda F: getattr(F, f"{kind}_cell")(x, hx, *params)  # noqa: E731
        return Bad(f"{kind}_cell-{label}", call, error, rf"^{kind}_cell: " + match)

    state = nbnn.ones(1, 2, 4)
    pair = (state, state) if kind == "lstm" else state
    return [
        bad("rank", r"`input` must have shape \(T, N, I\).*got \(3,\)", x=nbnn.ones(3)),
        bad("size", r"the last size of `input` must be the input size 3 of the weights; got \(4, 2, 7\)",
            x=nbnn.ones(4, 2, 7)),
        bad("no_steps", r"`input` must have at least one step", x=nbnn.ones(0, 2, 3)),
        bad("integers", r"`input` must have a floating-point dtype", TypeError, x=x.long()),
        bad("list", r"`input` must be a Tensor; got list", TypeError, x=[1.0]),
        bad("types", r"all inputs must have one dtype", TypeError, x=x.double()),
        bad("params", r"`params` must hold 4 Tensors for each layer and direction; got 3", params=good[:3]),
        bad("params_type", r"`params` must be a list of Tensors; got int", TypeError, params=3),
        bad("params_none", r"`w_hh` must be a Tensor", TypeError, params=[w, None, b, b]),
        bad("layers", r"`params` must hold 4 Tensors", layers=2),
        bad("layers_0", r"`num_layers` \(=0\) must be at least 1", layers=0),
        bad("dropout", r"`dropout` \(=2.0\) must be between 0 and 1", dropout=2.0),
        bad("w_ih", r"w_ih of layer 0 must have shape", params=[nbnn.ones(many * 5 + 1, 3), u, b, b]),
        bad("w_hh", r"w_hh of layer 0 must have shape", params=[w, nbnn.ones(many * 5, 4), b, b]),
        bad("bias", r"b_hh of layer 0 must have shape", params=[w, u, b, nbnn.ones(3)]),
        bad("bias_rank", r"b_ih must have 1 axes", params=[w, u, x, b]),
        bad("states", r"h_0 must have shape \(1, 2, 5\); got \(1, 2, 4\)", hx=pair),
        bad("states_type", r"`h", TypeError, hx=(3,) if kind == "lstm" else 3),
        bad("sizes_grow", r"`batch_sizes` \(=\[1, 2\]\) must be positive ints that never grow and add up to the 3 rows",
            x=x[0, :1].expand(3, 3), batch_sizes=nbnn.tensor([1, 2])),
        bad("sizes_sum", r"`batch_sizes` \(=\[2, 2\]\)", x=x[0, :1].expand(3, 3), batch_sizes=nbnn.tensor([2, 2])),
        bad("sizes_0", r"`batch_sizes` \(=\[3, 0\]\)", x=x[0, :1].expand(3, 3), batch_sizes=nbnn.tensor([3, 0])),
        bad("sizes_negative", r"`batch_sizes` \(=\[4, -1\]\)", x=x[0, :1].expand(3, 3),
            batch_sizes=nbnn.tensor([4, -1])),
        bad_cell("rank", r"`input` must have shape \(N, I\) or \(I,\); got \(4, 2, 3\)", x=x),
        bad_cell("state", r"`h` must have shape \(2, 5\); got \(1, 2, 4\)", hx=pair),
        bad_cell("integers", r"`input` must have a floating-point dtype", TypeError, x=x[0].long()),
        bad_cell("types", r"all inputs must have one dtype", TypeError, x=x[0].double()),
        bad_cell("w_hh", r"w_hh of layer 0 must have shape", params=[w, nbnn.ones(many * 5, 4), b, b]),
        bad_cell("none", r"`input` must be a Tensor; got NoneType", TypeError, x=None),
    ]  # fmt: skip


ERRORS = [bad for kind in LAYERS for bad in refusals(kind)]
