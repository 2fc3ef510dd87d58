"""Cases of multi-head attention as a function."""

import math

import numpy as np

import nbnn
from tests.engine import Bad, Case

NAME = "multi_head_attention_forward"
FIRST = ("query", "key", "value", "embed_dim_to_check", "num_heads", "in_proj_weight", "in_proj_bias", "bias_k",
         "bias_v", "add_zero_attn", "dropout_p", "out_proj_weight", "out_proj_bias")  # fmt: skip
USUAL = {"embed_dim_to_check": 4, "num_heads": 2, "add_zero_attn": False, "dropout_p": 0.0}


def forward(F, **given):
    """The function, with its first arguments by position; `key` and `value` not given are `query`."""
    given = USUAL | given
    given.setdefault("key", given["query"])
    given.setdefault("value", given["key"])
    first = [given.pop(name, None) for name in FIRST]
    output, weights = F.multi_head_attention_forward(*first, **given)
    return output if weights is None else (output, weights)


def projected(g, name, k):
    """Query, key or value times its weight, without a batch seen as a batch of one."""
    x = g[name]
    x = x if x.ndim == 3 else x[:, None]
    width = g["embed_dim_to_check"]
    rows = slice(k * width, (k + 1) * width)
    weight = g[f"{name[0]}_proj_weight"] if g.get("use_separate_proj_weight") else g["in_proj_weight"][rows]
    y = x @ weight.T
    return y if g.get("in_proj_bias") is None else y + g["in_proj_bias"][rows]


def hidden(mask, extra):
    mask = np.where(mask, -np.inf, 0.0) if mask.dtype == bool else mask
    return np.concatenate([mask, np.zeros((*mask.shape[:-1], extra))], -1)


def oracle(**given):
    """One head of one sequence at a time."""
    g = USUAL | given
    g.setdefault("key", g["query"])
    g.setdefault("value", g["key"])
    q, k, v = (projected(g, name, n) for n, name in enumerate(("query", "key", "value")))
    (length, batch, width), heads = q.shape, g["num_heads"]
    size, extra = width // heads, 0
    outs, weights = np.zeros((length, batch, width)), []
    for n in range(batch):
        for h in range(heads):
            part = slice(h * size, (h + 1) * size)
            ks, vs = k[:, n, part], v[:, n, part]
            ks = ks if g.get("static_k") is None else g["static_k"][n * heads + h]
            vs = vs if g.get("static_v") is None else g["static_v"][n * heads + h]
            extra = 0
            if g.get("bias_k") is not None:
                ks, vs = np.vstack([ks, g["bias_k"][0, :, part]]), np.vstack([vs, g["bias_v"][0, :, part]])
                extra += 1
            if g["add_zero_attn"]:
                ks, vs = np.vstack([ks, np.zeros(size)]), np.vstack([vs, np.zeros(size)])
                extra += 1
            scores = q[:, n, part] @ ks.T / math.sqrt(size)
            mask, padding = g.get("attn_mask"), g.get("key_padding_mask")
            if mask is None and g.get("is_causal"):
                mask = np.triu(np.ones((length, len(ks) - extra), bool), 1)
            if mask is not None:
                scores = scores + hidden(mask if mask.ndim == 2 else mask[n * heads + h], extra)
            if padding is not None:
                scores = scores + hidden(padding if padding.ndim == 1 else padding[n], extra)
            top = scores.max(-1, keepdims=True, initial=-np.inf)
            powers = np.exp(scores - np.where(np.isneginf(top), 0, top))
            total = powers.sum(-1, keepdims=True)
            weights.append(powers / np.where(total == 0, 1, total))
            outs[:, n, part] = weights[-1] @ vs
    y = outs @ g["out_proj_weight"].T + (0 if g.get("out_proj_bias") is None else g["out_proj_bias"])
    w = np.stack(weights).reshape(batch, heads, *weights[0].shape) if batch else np.zeros((0, heads, length, len(k)))
    w = w.mean(1) if g.get("average_attn_weights", True) else w
    y, w = (y, w) if g["query"].ndim == 3 else (y[:, 0], w[0])
    return (y, w) if g.get("need_weights", True) else y


def bools(shape, rows=(), seed=0):
    """A mask that hides about a third, never the first key, but all of them from these rows."""
    mask = np.random.default_rng(seed).uniform(size=shape) < 0.4
    mask[..., 0] = False
    for row in rows:
        mask[..., row, :] = True
    return mask


def lowered(shape, rows=(), seed=0):
    random = np.random.default_rng(seed)
    return np.where(bools(shape, rows, seed), -np.inf, random.normal(size=shape))


PACKED = {"in_proj_weight": (12, 4), "in_proj_bias": (12,), "out_proj_weight": (4, 4), "out_proj_bias": (4,)}
SELF = {"query": (3, 2, 4), **PACKED}
CROSS = {"query": (3, 2, 4), "key": (5, 2, 4), "value": (5, 2, 4), **PACKED}
APART = {"query": (3, 2, 4), "key": (5, 2, 3), "value": (5, 2, 6), "q_proj_weight": (4, 4), "k_proj_weight": (4, 3),
         "v_proj_weight": (4, 6), "out_proj_weight": (4, 4)}  # fmt: skip
BIASES = {"bias_k": (1, 1, 4), "bias_v": (1, 1, 4)}


def maker(shapes, masks):
    return lambda r: (*(r.normal(size=s) for s in shapes.values()), *masks.values())


def case(label, shapes, masks=None, empty=(), options=None, grad_masks=(), **more):
    """A case whose inputs are normal arrays of these shapes and the masks."""
    masks, options = masks or {}, options or {}
    names = (*shapes, *masks)
    usual = {"cuda": False, "second": False, "tolerance": 4, "torch": True}

    def by_name(values):
        return dict(zip(names, values, strict=True)) | options

    infinite = any(m.dtype != bool and not np.isfinite(m).all() for m in masks.values())
    return Case(
        f"{NAME}-{label}", lambda F, *values: forward(F, **by_name(values)), maker(shapes, masks),
        lambda *values: oracle(**by_name(values)), grad=(*range(len(shapes)), *map(names.index, grad_masks)),
        empty=tuple(maker({**shapes, **e}, {}) for e in empty), **({"halves": not infinite} | usual | more),
    )  # fmt: skip


FAST = {"need_weights": False}
EACH = {"average_attn_weights": False}
NONE = ({"query": (0, 2, 4)}, {"query": (3, 0, 4), "key": (5, 0, 4), "value": (5, 0, 4)},
        {"key": (0, 2, 4), "value": (0, 2, 4)})  # fmt: skip
LATER = np.triu(np.ones((3, 3), bool), 1)
HALF = {"attn_mask": bools((3, 5), (1,)), "key_padding_mask": bools((2, 5))}
CASES = [
    case("self", SELF, second=True),
    case("self_fast", SELF, options=FAST, second=True),
    case("cross", CROSS, options=EACH, empty=NONE),
    case("cross_fast", CROSS, options=FAST, empty=NONE),
    case("memory", {"query": (3, 2, 4), "key": (5, 2, 4), **PACKED}),
    case("memory_no_bias", {"query": (3, 2, 4), "key": (5, 2, 4), "in_proj_weight": (12, 4), "out_proj_weight": (4, 4)},
         options=FAST),
    case("apart", APART, options={"use_separate_proj_weight": True}),
    case("apart_biases", {**APART, "in_proj_bias": (12,), "out_proj_bias": (4,), **BIASES},
         options={"use_separate_proj_weight": True, "add_zero_attn": True} | FAST),
    case("single", {**CROSS, "query": (3, 4), "key": (5, 4), "value": (5, 4)},
         {"attn_mask": bools((2, 3, 5)), "key_padding_mask": bools((5,))}, options=EACH),
    case("single_fast", {**CROSS, "query": (3, 4), "key": (5, 4), "value": (5, 4)}, {"attn_mask": lowered((3, 5))},
         options=FAST),
    case("bias_kv", {**CROSS, **BIASES}, {"attn_mask": bools((3, 5), (1,)), "key_padding_mask": bools((2, 5))}),
    case("zero_attn", {**CROSS, **BIASES}, {"attn_mask": lowered((4, 3, 5), (0,))},
         options={"add_zero_attn": True, **EACH}),
    case("static", {**CROSS, "static_k": (4, 6, 2), "static_v": (4, 6, 2)}, {"key_padding_mask": bools((2, 6))},
         options={"add_zero_attn": True}),
    case("hidden_rows", CROSS, HALF, torch=False, second=True, cuda=True),
    case("hidden_rows_fast", CROSS, HALF, options=FAST, torch=False, second=True, cuda=True),
    case("hidden_heads", CROSS, {"attn_mask": bools((4, 3, 5), (2,))}, options=EACH, torch=False),
    case("numbers", CROSS, {"attn_mask": lowered((3, 5)), "key_padding_mask": lowered((2, 5), seed=1)}),
    case("numbers_rows", CROSS, {"attn_mask": lowered((3, 5), (1,))}, torch=False),
    case("numbers_rows_fast", CROSS, {"attn_mask": lowered((3, 5), (1,))}, options=FAST, torch=False),
    case("mask_gradient", CROSS, {"attn_mask": bools((4, 3, 5)) * 0.7}, grad_masks=("attn_mask",)),
    case("mask_gradient_fast", CROSS, {"key_padding_mask": bools((2, 5)) * 0.7}, options=FAST,
         grad_masks=("key_padding_mask",)),
    case("causal", SELF, {"attn_mask": LATER}, options={"is_causal": True}),
    case("causal_fast", SELF, {"attn_mask": np.where(LATER, -np.inf, 0.0)}, options={"is_causal": True} | FAST),
    case("causal_alone", SELF, options={"is_causal": True}, torch=False),
    case("causal_alone_fast", SELF, options={"is_causal": True} | FAST, torch=False),
    case("causal_biases", {**SELF, **BIASES}, options={"is_causal": True} | FAST, torch=False),
    case("causal_wrongly", CROSS, {"attn_mask": bools((3, 5))}, options={"is_causal": True} | FAST, torch=False),
    case("evaluation", SELF, options={"dropout_p": 0.9, "training": False}),
]  # fmt: skip


def bad(label, match, error=ValueError, shapes=None, **more):
    def run(F):
        made = {n: nbnn.ones(s) for n, s in {**(shapes or CROSS), **more.pop("given", {})}.items()}
        return forward(F, **(made | more))

    return Bad(f"{NAME}-{label}", run, error, rf"^{NAME}: .*" + match)


ONES = nbnn.ones
ERRORS = [
    bad("axes", r"`query`, `key` and `value` must have 3 axes, or all of them 2 .*; got query \(4,\)", query=ONES(4)),
    bad("mixed_axes", r"must have 3 axes, or all of them 2 without a batch", query=ONES(3, 4)),
    bad("width", r"`query` must have a last size of 4; got query \(3, 2, 5\)", query=ONES(3, 2, 5)),
    bad("key_width", r"`key` and `value` must have a last size of 4", key=ONES(5, 2, 3)),
    bad("heads", r"`embed_dim_to_check` \(=4\) must be divisible by `num_heads` \(=3\)", num_heads=3),
    bad("no_heads", r"`num_heads` \(=0\) must be at least 1", num_heads=0),
    bad("lengths", r"`key` and `value` must have one length, and the batch size of `query`", value=ONES(6, 2, 4)),
    bad("batch", r"and the batch size of `query`; got query \(3, 3, 4\)", query=ONES(3, 3, 4)),
    bad("types", r"all inputs must have one dtype", TypeError, value=ONES(5, 2, 4).double()),
    bad("integers", r"`key` must have a floating-point dtype", TypeError, key=ONES(5, 2, 4).long()),
    bad("list", r"`query` must be a Tensor; got list", TypeError, query=[1.0], key=ONES(5, 2, 4)),
    bad("weight", r"`in_proj_weight` must have shape \(12, 4\); got \(12, 3\)", in_proj_weight=ONES(12, 3)),
    bad("weight_none", r"`in_proj_weight` must be a Tensor; got NoneType", TypeError, in_proj_weight=None),
    bad("weight_type", r"all inputs must have one dtype", TypeError, in_proj_weight=ONES(12, 4).double()),
    bad("bias", r"`in_proj_bias` must have shape \(12,\); got \(4,\)", in_proj_bias=ONES(4)),
    bad("apart_none", r"`q_proj_weight` must be a Tensor; got NoneType", TypeError, use_separate_proj_weight=True),
    bad("apart", r"`k_proj_weight` must have shape \(4, 3\); got \(4, 4\)", shapes=APART,
        use_separate_proj_weight=True, k_proj_weight=ONES(4, 4)),
    bad("out", r"`out_proj_weight` must have shape \(4, 4\); got \(4, 5\)", out_proj_weight=ONES(4, 5)),
    bad("out_none", r"`out_proj_weight` must be a Tensor; got NoneType", TypeError, out_proj_weight=None),
    bad("out_bias", r"`out_proj_bias` must have shape \(4,\); got \(1,\)", out_proj_bias=ONES(1)),
    bad("bias_k", r"`bias_k` and `bias_v` must be given together", bias_k=ONES(1, 1, 4)),
    bad("bias_v", r"`bias_v` must have shape \(1, 1, 4\); got \(4,\)", bias_k=ONES(1, 1, 4), bias_v=ONES(4)),
    bad("bias_static", r"and not with `static_k` or `static_v`", given=BIASES, static_k=ONES(4, 5, 2)),
    bad("static", r"`static_k` must have shape \(4, S, 2\), batch times heads first; got \(2, 5, 2\)",
        static_k=ONES(2, 5, 2)),
    bad("static_lengths", r"must make keys and values equally many; got 6 and 5", static_k=ONES(4, 6, 2)),
    bad("mask_shape", r"`attn_mask` must have shape \(3, 5\), or the 4 of batch times heads before it; got \(3, 6\)",
        attn_mask=ONES(3, 6)),
    bad("mask_batch", r"`attn_mask` must have shape .*; got \(2, 3, 5\)", attn_mask=ONES(2, 3, 5)),
    bad("mask_integers", r"`attn_mask` must be of bool or of a floating-point type; got nbnn.int64", TypeError,
        attn_mask=ONES(3, 5).long()),
    bad("mask_list", r"`attn_mask` must be a Tensor; got list", TypeError, attn_mask=[[True]]),
    bad("padding_shape", r"`key_padding_mask` must have shape \(2, 5\); got \(5, 2\)", key_padding_mask=ONES(5, 2)),
    bad("padding_integers", r"`key_padding_mask` must be of bool or", TypeError, key_padding_mask=ONES(2, 5).long()),
    bad("dropout", r"`dropout_p` \(=1.5\) must be between 0 and 1", dropout_p=1.5),
    bad("dropout_none", r"`dropout_p` \(=None\) must be a number", TypeError, dropout_p=None),
]  # fmt: skip
