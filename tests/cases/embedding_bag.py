"""Cases of bags of embeddings."""

import itertools
import math

import numpy as np

import nbnn
from tests.engine import Bad, Case


def bagged(ids, weight, offsets, psw, mode, last=False, padding=None):
    """The oracle: one bag after another."""
    if ids.ndim == 2:
        bags = list(ids)
        shares = [None] * len(bags) if psw is None else list(psw)
    else:
        cuts = [*offsets, *(() if last else (ids.size,))]
        bags = [ids[a:b] for a, b in itertools.pairwise(cuts)]
        shares = [None if psw is None else psw[a:b] for a, b in itertools.pairwise(cuts)]
    y = np.zeros((len(bags), weight.shape[1]))
    for b, (bag, share) in enumerate(zip(bags, shares, strict=True)):
        kept = bag != (-1 if padding is None else padding % len(weight))
        rows = weight[bag[kept]]
        if len(rows):
            factor = np.ones(len(rows)) if share is None else share[kept]
            y[b] = rows.max(0) if mode == "max" else (factor[:, None] * rows).sum(0)
            y[b] /= len(rows) if mode == "mean" else 1
    return y


def call(F, ids, weight, offsets, psw, mode, last=False, padding=None):
    return F.embedding_bag(
        ids, weight, offsets, mode=mode, per_sample_weights=psw, include_last_offset=last, padding_idx=padding
    )


def to_module(nn, ids, weight, offsets, psw, mode, last=False, padding=None):
    bag = nn.EmbeddingBag(*weight.shape, mode=mode, _weight=weight, include_last_offset=last, padding_idx=padding)
    return bag, (ids, offsets, psw)


def table(shape, rows, columns, offsets, weighted, *options):
    """A maker of ids, a table, offsets, weights of the samples, and the rest."""

    def make(r):
        return (
            np.asarray(r.integers(0, max(rows, 1), shape)),
            np.asarray(r.normal(size=(rows, columns))),
            None if offsets is None else np.array(offsets, np.int64),
            r.normal(size=shape) if weighted else None,
            *options,
        )

    return make


BAGS = [((7,), [0, 3, 3, 5]), ((3, 4), None)]


def combinations():
    for (shape, offsets), (mode, weighted), padding in itertools.product(
        BAGS, (("sum", False), ("sum", True), ("mean", False), ("max", False)), (None, 1, -1)
    ):
        yield Case(
            f"embedding_bag-{mode}_{weighted}_{padding}_{len(shape)}d",
            call,
            table(shape, 4, 3, offsets, weighted, mode, False, padding),
            bagged,
            grad=(1, 3) if weighted else (1,),
            module=to_module,
        )


def weight_gradient(F, ids, g, offsets, rows, padding, mode):
    """The gradient of a table scaled by frequencies, as a function of the gradient of the bags."""
    with F.enable_grad():
        weight = F.zeros(rows, g.shape[-1], dtype=g.dtype, device=g.device, requires_grad=True)
        out = F.embedding_bag(ids, weight, offsets, None, 2.0, True, mode, padding_idx=padding)
        return F.autograd.grad(out, weight, g, create_graph=True)[0]


def gathered(ids, g, offsets, rows, padding, mode):
    out, seen = np.zeros((rows, g.shape[1])), np.zeros(rows)
    for b, (first, stop) in enumerate(itertools.pairwise([*offsets, ids.size])):
        kept = [v for v in ids[first:stop] if v != padding]
        for v in kept:
            out[v] += g[b] / (len(kept) if mode == "mean" else 1)
            seen[v] += 1
    return out / np.maximum(seen, 1)[:, None]


def by_frequency(mode, padding, **options):
    def make(r):
        return r.integers(0, 4, 9), r.normal(size=(3, 2)), np.array([0, 2, 2]), 4, padding, mode

    # no parity: PyTorch 2.13 divides by the count of another id ([0, 0, 1] gives row 1 half of its gradient)
    name = f"embedding_bag-frequency_{mode}_{padding}"
    return Case(name, weight_gradient, make, gathered, grad=(1,), arrays=False, torch=False, **options)


def bounding(F, ids, weight, offsets, p):
    return F.embedding_bag(ids, weight * 1.0, offsets, 1.2, p, mode="sum")


def bounded(ids, weight, offsets, p):
    weight = weight.copy()
    for v in set(ids.tolist()):
        norm = (np.abs(weight[v]) ** p).sum() ** (1 / p)
        weight[v] *= 1.2 / (norm + 1e-7) if norm > 1.2 else 1.0
    return bagged(ids, weight, offsets, None, "sum")


def whole(sizes, length):
    """Offsets of bags of these sizes, again and again."""
    return np.concatenate(([0], np.cumsum(np.resize(sizes, length)))).tolist()


NAN, INF = math.nan, math.inf
STRANGE = np.array([[1.0, NAN], [INF, -INF], [2.0, 3.0], [-INF, -1.0]])

CASES = [
    *combinations(),
    *(Case(f"embedding_bag-last_{mode}", call, table((6,), 4, 3, [0, 2, 2, 6], False, mode, True), bagged, grad=(1,),
           module=to_module) for mode in ("sum", "mean", "max")),
    *(Case(f"embedding_bag-large_{mode}", call, table((5,), 4, 3, [0, 2], mode == "sum", mode), bagged,
           grad=(1, 3) if mode == "sum" else (1,),
           large=table((6000,), 300, 33, whole((3, 0, 7), 600)[:-1], mode == "sum", mode, False, 5),
           empty=(table((0,), 4, 3, [0, 0], mode == "sum", mode), table((0,), 4, 3, [], mode == "sum", mode),
                  table((0, 2), 4, 3, None, mode == "sum", mode), table((2, 0), 4, 3, None, mode == "sum", mode),
                  table((3,), 4, 0, [0, 1], mode == "sum", mode), table((0,), 0, 3, [0], mode == "sum", mode)))
      for mode in ("sum", "mean", "max")),
    *(by_frequency(mode, padding) for mode in ("sum", "mean") for padding in (None, 2)),
    *(Case(f"embedding_bag-max_norm_{p}", bounding,
           lambda r, p=p: (r.integers(0, 4, 5), r.normal(size=(4, 3)), np.array([0, 2]), p), bounded, grad=(),
           tolerance=10) for p in (1.0, 2.0, 3.0)),
    Case("embedding_bag-int32", lambda F, i, w, o: F.embedding_bag(i.int(), w, o.int()),
         lambda r: (r.integers(0, 4, 5), r.normal(size=(4, 3)), np.array([0, 2])),
         lambda i, w, o: bagged(i, w, o, None, "mean"), grad=(1,), arrays=False),
    *(Case(f"embedding_bag-infinite_{mode}", call,
           lambda r, mode=mode: (np.array([3, 1, 0, 2, 2, 0]), STRANGE, np.array([0, 1, 2, 4]), None, mode, False, 0),
           bagged, grad=()) for mode in ("sum", "mean", "max")),
    # a NaN is larger than all numbers; PyTorch's answer depends on where in the bag it stands
    Case("embedding_bag-nan", call,
         lambda r: (np.array([0, 2, 2, 0, 3]), STRANGE, np.array([0, 2, 4]), None, "max"), bagged, grad=(),
         torch=False),
    Case("embedding_bag-unread", lambda F, i, w, o: F.embedding_bag(i, w, o, mode="sum", include_last_offset=True),
         lambda r: (r.integers(0, 4, 6), r.normal(size=(4, 3)), np.array([0, 2, 4])),
         lambda i, w, o: bagged(i[:4], w, o, None, "sum", True), grad=(1,), torch=False),
]  # fmt: skip

IDS, W = nbnn.tensor([0, 2, 1, 0]), nbnn.ones(3, 4)
OFF = nbnn.tensor([0, 2])


def refused(name, error, match, *args, **options):
    return Bad(f"embedding_bag-{name}", lambda F: F.embedding_bag(*args, **options), error, f"^embedding_bag: {match}")


ERRORS = [
    refused("high", IndexError, r"`input`\[1\] \(=3\) must be in \[0, 2\]", nbnn.tensor([0, 3]), W, OFF),
    refused("negative", IndexError, r"`input`\[0, 1\] \(=-1\) must be in \[0, 2\]", nbnn.tensor([[0, -1]]), W),
    refused("first", ValueError, r"`offsets`\[0\] \(=1\) must be 0", IDS, W, nbnn.tensor([1, 2])),
    refused("first_negative", ValueError, r"`offsets`\[0\] \(=-1\) must be 0", IDS, W, nbnn.tensor([-1, 2])),
    refused("falling", ValueError, r"`offsets` must not decrease; got 3 and then 2 at \[2\]", IDS, W,
            nbnn.tensor([0, 3, 2])),
    refused("far", ValueError, r"`offsets`\[1\] \(=5\) must be at most 4, the number of ids", IDS, W,
            nbnn.tensor([0, 5])),
    refused("far_last", ValueError, r"`offsets`\[2\] \(=5\) must be at most 4", IDS, W, nbnn.tensor([0, 2, 5]),
            include_last_offset=True),
    refused("no_offsets", ValueError, r"`offsets` must be given for an input of one axis", IDS, W),
    refused("empty_offsets", ValueError, r"`offsets` is empty, but `input` has 4 ids", IDS, W, OFF[:0]),
    refused("no_last", ValueError, r"`offsets` must hold at least the last offset", IDS, W, OFF[:0],
            include_last_offset=True),
    refused("offsets_rank", ValueError, r"`offsets` must have one axis; got shape \(1, 2\)", IDS, W, OFF[None]),
    refused("offsets_floats", TypeError, r"`offsets` must hold integers", IDS, W, OFF.float()),
    refused("offsets_too_many", ValueError, r"`offsets` must be None for an input of two axes", IDS[None], W, OFF),
    refused("rank", ValueError, r"`input` must have shape \(B, L\), or \(K,\)", IDS[None, None], W),
    refused("floats", TypeError, r"`input` must hold integers", IDS.float(), W, OFF),
    refused("list", TypeError, r"`input` must be a Tensor; got list", [0, 1], W, OFF),
    refused("weight", ValueError, r"`weight` must have shape \(V, D\); got \(4,\)", IDS, W[0], OFF),
    refused("weight_integers", TypeError, r"`weight` must have a floating-point dtype", IDS, W.long(), OFF),
    refused("mode", ValueError, r"`mode` \(='min'\) must be one of 'sum', 'mean', 'max'", IDS, W, OFF, mode="min"),
    refused("weighted_mean", ValueError, r"`per_sample_weights` must be None for mode 'mean'", IDS, W, OFF,
            per_sample_weights=nbnn.ones(4)),
    refused("weights_shape", ValueError, r"`per_sample_weights` must have the shape of `input`; got \(3,\) and \(4,\)",
            IDS, W, OFF, mode="sum", per_sample_weights=nbnn.ones(3)),
    refused("weights_type", TypeError, r"all inputs must have one dtype", IDS, W, OFF, mode="sum",
            per_sample_weights=nbnn.ones(4).double()),
    refused("frequency", ValueError, r"`scale_grad_by_freq` \(=True\) must be False for mode 'max'", IDS, W, OFF,
            mode="max", scale_grad_by_freq=True),
    refused("padding", ValueError, r"`padding_idx` \(=3\) must be in \[-3, 2\]", IDS, W, OFF, padding_idx=3),
    refused("max_norm", ValueError, r"`max_norm` \(=-1.0\) must be at least 0", IDS, W, OFF, max_norm=-1.0),
    refused("sparse", ValueError, r"`sparse` \(=True\) must be False with mode", IDS, W, OFF, mode="max", sparse=True),
    refused(
        "sparse_frequency",
        ValueError,
        r"`sparse` \(=True\) must be False with scale_grad_by_freq",
        IDS,
        W,
        OFF,
        scale_grad_by_freq=True,
        sparse=True,
    ),
]  # fmt: skip
