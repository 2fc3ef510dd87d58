"""Cases of the embeddings."""

import math

import numpy as np

import nbnn
from tests.engine import Bad, Case


def table(ids_shape, rows, columns, *rest):
    """A maker of ids, a table, and the rest."""

    def make(r):
        return np.asarray(r.integers(0, max(rows, 1), ids_shape)), np.asarray(r.normal(size=(rows, columns))), *rest

    return make


def embedding(ids, weight, *rest):
    out = np.empty((*ids.shape, weight.shape[1]), weight.dtype)
    for at in np.ndindex(ids.shape):
        out[at] = weight[ids[at]]
    return out


def call(F, ids, weight, *options):
    return F.embedding(ids, weight, *options)


def bounded(ids, weight, max_norm, p):
    """Rows that are looked up, with norms of at most `max_norm`."""
    weight = weight.copy()
    for v in set(ids.ravel().tolist()):
        row = np.abs(weight[v])
        norm = row.max() if p == math.inf else (row**p).sum() ** (1 / p)
        if norm > max_norm:
            weight[v] *= max_norm / (norm + 1e-7)
    return embedding(ids, weight)


def to_module(nn, ids, weight, *options):
    names = ("padding_idx", "max_norm", "norm_type", "scale_grad_by_freq")
    return nn.Embedding(*weight.shape, _weight=weight, **dict(zip(names, options, strict=False))), (ids,)


def bounding(F, ids, weight, max_norm, p):
    return F.embedding(ids, weight * 1.0, None, max_norm, p)


def one_hot(t, classes):
    count = t.max() + 1 if classes == -1 else classes
    return (t[..., None] == np.arange(count)).astype(np.int64)


def hot(F, t, classes):
    return F.one_hot(t, classes)


def weight_gradient(F, ids, g, rows, padding, by_frequency):
    """The gradient of a table, as a function of the gradient of what was looked up."""
    with F.enable_grad():
        weight = F.zeros(rows, g.shape[-1], dtype=g.dtype, device=g.device, requires_grad=True)
        out = F.embedding(ids, weight, padding, None, 2.0, by_frequency)
        return F.autograd.grad(out, weight, g, create_graph=True)[0]


def gathered(ids, g, rows, padding, by_frequency):
    out = np.zeros((rows, g.shape[-1]))
    for at in np.ndindex(ids.shape):
        out[ids[at]] += g[at]
    if padding is not None:
        out[padding] = 0
    return out / np.maximum(np.bincount(ids.ravel(), minlength=rows), 1)[:, None] if by_frequency else out


def gradient_case(name, ids_shape, rows, columns, padding, by_frequency, **options):
    def make(r):
        ids = np.asarray(r.integers(0, rows, ids_shape))
        return ids, np.asarray(r.normal(size=(*ids.shape, columns))), rows, padding, by_frequency

    return Case(
        f"embedding-gradient_{name}",
        weight_gradient,
        make,
        gathered,
        grad=(1,),
        arrays=False,
        torch=not by_frequency,
        **options,
    )


SHAPES = [((), 3, 2), ((4,), 5, 1), ((2, 3), 4, 15), ((3, 1, 2), 7, 16), ((9,), 2, 17), ((2, 2), 6, 33)]

CASES = [
    *(Case(f"embedding-{shape}_{rows}x{columns}".replace(" ", ""), call, table(shape, rows, columns), embedding,
           grad=(1,), module=to_module)
      for shape, rows, columns in SHAPES),
    Case("embedding-large", call, table((7,), 5, 3), embedding, grad=(1,), large=table((60, 50), 400, 24),
         empty=(table((0,), 4, 3), table((2, 0), 4, 3), table((3,), 4, 0), table((0,), 0, 3))),
    Case("embedding-large_few_rows", call, table((7,), 2, 3), embedding, grad=(1,), large=table((9000,), 3, 40)),
    Case("embedding-infinite", call, lambda r: (np.array([1, 0, 1]), np.array([[math.nan, -0.0], [math.inf, 1.0]])),
         embedding, grad=()),
    Case("embedding-int32", lambda F, i, w: F.embedding(i.int(), w), table((2, 3), 4, 5), embedding, grad=(1,),
         arrays=False),
    Case("embedding-integers", lambda F, i, w: F.embedding(i, w),
         lambda r: (np.array([1, 0, 1]), np.array([[1, 2], [3, 4]])), embedding, grad=(), halves=False),
    gradient_case("padding", (2, 3), 4, 5, 2, False),
    gradient_case("padding_negative", (9,), 3, 4, -1, False),
    gradient_case("frequency", (9,), 4, 5, None, True),
    gradient_case("frequency_padding", (4, 3), 4, 3, 1, True, large=lambda r: (
        r.integers(0, 50, (40, 60)), r.normal(size=(40, 60, 33)), 50, 1, True)),
    *(Case(f"embedding-max_norm_{p}", bounding, table((3, 2), 5, 4, 1.2, p), bounded, grad=(), tolerance=10,
           large=table((300,), 400, 24, 1.2, p))
      for p in (1.0, 2.0, 3.0, math.inf)),
    Case("embedding-max_norm_empty", bounding, table((3, 2), 5, 4, 9.0, 2.0), bounded, grad=(),
         empty=(table((0,), 5, 4, 1.0, 2.0), table((2,), 5, 0, 1.0, 2.0))),
    Case("one_hot", hot, lambda r: (np.array([[0, 2], [3, 1]]), 5), one_hot, grad=(),
         large=lambda r: (r.integers(0, 30, 4000), 30), empty=(lambda r: (np.zeros((0, 2), np.int64), 3),)),
    Case("one_hot-counted", lambda F, t: F.one_hot(t), lambda r: (np.array([0, 2, 1]),), lambda t: one_hot(t, -1),
         grad=()),
    Case("one_hot-scalar", hot, lambda r: (np.array(1), 3), one_hot, grad=()),
]  # fmt: skip

IDS, W = nbnn.tensor([[0, 2], [1, 0]]), nbnn.ones(3, 4)


def refused(name, error, match, *args, **options):
    return Bad(f"embedding-{name}", lambda F: F.embedding(*args, **options), error, f"^embedding: {match}")


def not_hot(name, error, match, *args):
    return Bad(f"one_hot-{name}", lambda F: F.one_hot(*args), error, f"^one_hot: {match}")


ERRORS = [
    refused("high", IndexError, r"`input`\[1\] \(=3\) must be in \[0, 2\]", nbnn.tensor([0, 3]), W),
    refused("negative", IndexError, r"`input`\[1, 0\] \(=-1\) must be in \[0, 2\]", nbnn.tensor([[0, 1], [-1, 5]]), W),
    refused("min", IndexError, r"`input`\[0\] \(=-9223372036854775808\)", nbnn.tensor([-(2**63)]), W),
    refused("max", IndexError, r"`input`\[0\] \(=9223372036854775807\)", nbnn.tensor([2**63 - 1]), W),
    refused("no_rows", IndexError, r"`input`\[0\] \(=0\)", nbnn.tensor([0]), nbnn.ones(0, 4)),
    refused("late", IndexError, r"`input`\[69999\] \(=3\)", nbnn.tensor([0] * 69999 + [3]), W),
    refused(
        "floats",
        TypeError,
        r"`input` must hold integers of type nbnn.int64 or nbnn.int32; got nbnn.float32",
        nbnn.ones(2),
        W,
    ),
    refused("bools", TypeError, r"`input` must hold integers .*; got nbnn.bool", IDS > 0, W),
    refused("list", TypeError, r"`input` must be a Tensor; got list", [0, 1], W),
    refused("weight_none", TypeError, r"`weight` must be a Tensor; got NoneType", IDS, None),
    refused("weight_rank", ValueError, r"`weight` must have shape \(V, D\); got \(4,\)", IDS, nbnn.ones(4)),
    refused("padding_high", ValueError, r"`padding_idx` \(=3\) must be in \[-3, 2\]", IDS, W, 3),
    refused("padding_low", ValueError, r"`padding_idx` \(=-4\) must be in", IDS, W, -4),
    refused("padding_float", TypeError, r"`padding_idx` \(=1.0\) must be an int", IDS, W, 1.0),
    refused("max_norm", ValueError, r"`max_norm` \(=-1.0\) must be at least 0", IDS, W, max_norm=-1.0),
    refused("max_norm_nan", ValueError, r"`max_norm` \(=nan\)", IDS, W, max_norm=math.nan),
    refused("norm_type", ValueError, r"`norm_type` \(=0\) must be above 0", IDS, W, max_norm=1.0, norm_type=0),
    refused("norm_type_string", TypeError, r"`norm_type` \(='2'\) must be a number", IDS, W, max_norm=1, norm_type="2"),
    refused("sparse", TypeError, r"`sparse` \(=1.0\) must be", IDS, W, sparse=1.0),
    not_hot("high", IndexError, r"`tensor`\[0, 1\] \(=2\) must be in \[0, 1\]", IDS, 2),
    not_hot("negative", IndexError, r"`tensor`\[0\] \(=-1\)", nbnn.tensor([-1])),
    not_hot("floats", TypeError, r"`tensor` must hold integers", W),
    not_hot("classes", ValueError, r"`num_classes` \(=0\) must be at least 1, or -1", IDS, 0),
    not_hot("empty", ValueError, r"`num_classes` \(=-1\) cannot be counted", nbnn.zeros(0, dtype=nbnn.int64)),
    not_hot("list", TypeError, r"`tensor` must be a Tensor; got list", [0]),
]
