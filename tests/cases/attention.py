"""Cases of scaled dot-product attention."""

import math

import numpy as np

import nbnn
from tests.engine import Bad, Case

NAME = "scaled_dot_product_attention"


def attention(q, k, v, mask=None, p=0.0, causal=False, scale=None, grouped=False):
    """The oracle: all scores at once."""
    if grouped:
        k, v = (np.repeat(t, q.shape[-3] // t.shape[-3], -3) for t in (k, v))
    scores = q @ np.swapaxes(k, -1, -2) * (1 / math.sqrt(max(q.shape[-1], 1)) if scale is None else scale)
    if mask is not None:
        scores = scores + (np.where(mask, 0.0, -np.inf) if mask.dtype == bool else mask)
    if causal:
        scores = np.where(np.tri(*scores.shape[-2:], dtype=bool), scores, -np.inf)
    top = scores.max(-1, keepdims=True, initial=-np.inf)
    weights = np.exp(scores - np.where(np.isneginf(top), 0, top))
    total = weights.sum(-1, keepdims=True)
    return weights / np.where(total == 0, 1, total) @ v


def call(F, *args):
    return F.scaled_dot_product_attention(*args)


def in_torch(F, q, k, v, mask=None, p=0.0, causal=False, scale=None, grouped=False):
    return F.scaled_dot_product_attention(q, k, v, mask, p, causal, scale=scale, enable_gqa=grouped)


def make(q, k, v, *rest):
    """A maker of query, key and value of these shapes; what else is called makes a mask."""

    def maker(r):
        made = tuple(r.normal(size=s) for s in (q, k, v))
        return (*made, *(x(r) if callable(x) else x for x in rest))

    return maker


def bools(shape, hidden=()):
    def maker(r):
        mask = r.uniform(size=shape) < 0.6
        mask[..., 0] = True
        for row in hidden:
            mask[..., row, :] = False
        return mask

    return maker


def numbers(shape):
    return lambda r: r.normal(size=shape)


def lowered(r):
    """A mask of numbers with some -inf, and a whole row of them."""
    mask = np.where(r.uniform(size=(5, 7)) < 0.4, -np.inf, r.normal(size=(5, 7)))
    mask[:, 0] = 0
    mask[2] = -np.inf
    return mask


def case(label, maker, **more):
    more.setdefault("grad", (0, 1, 2))
    more.setdefault("tolerance", 4)
    more.setdefault("torch", in_torch)
    return Case(f"{NAME}-{label}", call, maker, attention, **more)


def block(label, queries, keys, width, wide, *rest, **more):
    return case(label, make((2, queries, width), (2, keys, width), (2, keys, wide), *rest), second=False, cuda=False,
                **more)  # fmt: skip


SMALL = ((2, 3, 5, 4), (2, 3, 7, 4), (2, 3, 7, 6))
BIG = make((3, 4, 150, 32), (3, 4, 200, 32), (3, 4, 200, 40))
CASES = [
    case("plain", make(*SMALL), large=BIG, empty=(
        make((0, 2, 5, 4), (0, 2, 7, 4), (0, 2, 7, 6)), make((2, 0, 4), (2, 7, 4), (2, 7, 6)),
        make((2, 5, 4), (2, 0, 4), (2, 0, 6)), make((2, 5, 4), (2, 7, 4), (2, 7, 0)),
    )),
    case("matrices", make((5, 4), (7, 4), (7, 6))),
    case("three_axes", make((2, 5, 4), (2, 7, 4), (2, 7, 6))),
    case("five_axes", make((1, 2, 2, 3, 4), (1, 2, 2, 5, 4), (1, 2, 2, 5, 2)), second=False),
    case("one", make((1, 1), (1, 1), (1, 1))),
    case("scale", make(*SMALL, None, 0.0, False, 0.3)),
    case("scale_0", make(*SMALL, None, 0.0, False, 0.0)),
    case("broadcast", make((2, 3, 5, 4), (3, 7, 4), (1, 3, 7, 6)), second=False),
    case("causal", make((2, 5, 4), (2, 5, 4), (2, 5, 3), None, 0.0, True),
         large=make((6, 150, 32), (6, 150, 32), (6, 150, 32), None, 0.0, True)),
    case("causal_long", make((2, 3, 4), (2, 6, 4), (2, 6, 3), None, 0.0, True)),
    case("causal_short", make((2, 6, 4), (2, 3, 4), (2, 3, 3), None, 0.0, True)),
    case("bools", make(*SMALL, bools((2, 3, 5, 7)))),
    case("bools_broadcast", make(*SMALL, bools((2, 1, 1, 7)))),
    case("bools_hidden_row", make(*SMALL, bools((5, 7), (1, 4)))),
    case("bools_column", make(*SMALL, lambda r: np.array([[True], [False], [True], [True], [False]]))),
    case("numbers", make(*SMALL, numbers((3, 5, 7)))),
    case("numbers_row", make(*SMALL, numbers((7,))), torch=False),
    case("numbers_infinite", make(*SMALL, lowered), halves=False),
    case("numbers_lowest", make(*SMALL, lambda r: np.full((5, 7), -1e30)), grad=(), halves=False),
    case("mask_gradient", make(*SMALL, numbers((3, 5, 7))), grad=(0, 1, 2, 3)),
    case("mask_gradient_broadcast", make(*SMALL, numbers((2, 1, 5, 1))), grad=(0, 1, 2, 3)),
    case("grouped", make((2, 4, 5, 4), (2, 2, 7, 4), (2, 2, 7, 6), None, 0.0, False, None, True)),
    case("grouped_mask", make((4, 5, 4), (2, 7, 4), (2, 7, 6), bools((4, 5, 7)), 0.0, False, None, True)),
    case("nan", lambda r: (np.where(np.arange(40).reshape(2, 5, 4) == 13, np.nan, 1.0) * r.normal(size=(2, 5, 4)),
                           r.normal(size=(2, 7, 4)), r.normal(size=(2, 7, 6))), grad=()),
    case("large_scores", lambda r: (300 * r.normal(size=(2, 5, 4)), r.normal(size=(2, 7, 4)),
                                    r.normal(size=(2, 7, 6))), grad=(), tolerance=40, halves=False),
    block("tails", 9, 17, 7, 5),
    block("vectors", 8, 16, 16, 16),
    block("past_vectors", 33, 33, 33, 33),
    block("blocks", 64, 128, 32, 32),
    block("past_blocks", 65, 129, 31, 64),
    block("past_blocks_causal", 129, 129, 8, 20, None, 0.0, True),
    block("causal_two_blocks", 200, 260, 8, 8, None, 0.0, True),
    block("past_blocks_mask", 65, 140, 8, 8, bools((65, 140), (3,))),
    block("later_keys_only", 10, 140, 8, 8, lambda r: np.broadcast_to(np.arange(140) > 130, (10, 140)).copy()),
]  # fmt: skip


def bad(label, match, error=ValueError, q=(2, 5, 4), k=(2, 7, 4), v=(2, 7, 6), **more):
    def run(F):
        return F.scaled_dot_product_attention(*(nbnn.ones(s) if isinstance(s, tuple) else s for s in (q, k, v)), **more)

    return Bad(f"{NAME}-{label}", run, error, rf"^{NAME}: " + match)


ERRORS = [
    bad("width", r"`query` and `key` must have the same last size; got \(2, 5, 4\) and \(2, 7, 3\)", k=(2, 7, 3)),
    bad("positions", r"`key` and `value` must have the same number of positions", v=(2, 6, 6)),
    bad("leading", r"the shapes must broadcast", k=(3, 7, 4)),
    bad("one_axis", r"`query` must have at least 2 axes; got shape \(4,\)", q=(4,)),
    bad("integers", r"`key` must have a floating-point dtype", TypeError, k=nbnn.ones(2, 7, 4).long()),
    bad("types", r"all inputs must have one dtype", TypeError, v=nbnn.ones(2, 7, 6).double()),
    bad("list", r"`query` must be a Tensor; got list", TypeError, q=[[1.0]]),
    bad("none", r"`value` must be a Tensor; got NoneType", TypeError, v=None),
    bad("mask_shape", r"`attn_mask` must broadcast to \(2, 5, 7\); got \(5, 6\)", attn_mask=nbnn.ones(5, 6)),
    bad("mask_axes", r"`attn_mask` must broadcast to", attn_mask=nbnn.ones(1, 2, 5, 7)),
    bad(
        "mask_type",
        r"`attn_mask` must be of bool or nbnn.float32; got nbnn.int64",
        TypeError,
        attn_mask=nbnn.ones(5, 7).long(),
    ),
    bad("mask_list", r"`attn_mask` must be a Tensor; got list", TypeError, attn_mask=[[True]]),
    bad("both", r"`is_causal` and `attn_mask` must not be given together", attn_mask=nbnn.ones(5, 7), is_causal=True),
    bad("dropout", r"`dropout_p` \(=1.5\) must be between 0 and 1", dropout_p=1.5),
    bad("dropout_nan", r"`dropout_p` \(=nan\) must be between 0 and 1", dropout_p=math.nan),
    bad("scale", r"`scale` \(='1'\) must be a number; got str", TypeError, scale="1"),
    bad("grouped", r"with `enable_gqa` the heads of `query` \(=3\) must be a multiple", q=(3, 5, 4), enable_gqa=True),
    bad("grouped_axes", r"`enable_gqa` needs an axis of heads", q=(5, 4), k=(7, 4), v=(7, 6), enable_gqa=True),
    bad("grouped_none", r"with `enable_gqa` the heads of `query`", k=(0, 7, 4), v=(0, 7, 6), enable_gqa=True),
]
