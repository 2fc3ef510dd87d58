"""#12013, #38114, #38115: every function of nbnn.nn.functional takes a batch of size 0, forward and backward."""

import numpy as np
import pytest

import nbnn
import nbnn.nn.functional as F

NONE = np.zeros(0, np.int64)


def ints(*shape):
    return nbnn.zeros(*shape, dtype=nbnn.int64)


def pooled(name, n):
    size = (0, 2, *(4,) * n)
    if "unpool" in name:
        return lambda x: getattr(F, name)(x, ints(*size), 2), size
    if "adaptive" in name or "fractional" in name:
        more = (2, 2) if "fractional" in name else (2,)
        return lambda x: getattr(F, name)(x, *more), size
    return lambda x: getattr(F, name)(x, *((2.0, 2) if "lp" in name else (2,))), size


def of(name, *args, shape=(0, 3), **options):
    """A call with these arguments after the input."""
    return lambda x: getattr(F, name)(x, *args, **options), shape


CALLS = {
    **{f"{kind}{n}d": pooled(f"{kind}{n}d", n) for n in (1, 2, 3) for kind in
       ("adaptive_avg_pool", "adaptive_max_pool", "avg_pool", "lp_pool", "max_pool", "max_unpool")},
    **{f"fractional_max_pool{n}d": pooled(f"fractional_max_pool{n}d", n) for n in (2, 3)},
    **{f"conv{n}d": of(f"conv{n}d", nbnn.ones(3, 2, *(2,) * n), shape=(0, 2, *(4,) * n)) for n in (1, 2, 3)},
    **{f"conv_transpose{n}d": of(f"conv_transpose{n}d", nbnn.ones(2, 3, *(2,) * n), shape=(0, 2, *(4,) * n))
       for n in (1, 2, 3)},
    **{f"dropout{n}d": of(f"dropout{n}d", shape=(0, 2, *(4,) * n)) for n in (1, 2, 3)},
    **{name: of(name, nbnn.ones(0, 3)) for name in
       ("mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss", "soft_margin_loss", "hinge_embedding_loss",
        "poisson_nll_loss", "binary_cross_entropy", "binary_cross_entropy_with_logits", "cosine_similarity",
        "pairwise_distance", "multilabel_soft_margin_loss")},
    **{name: of(name, 0) for name in ("softmax", "log_softmax", "softmin")},
    "affine_grid": of("affine_grid", (0, 1, 2, 2), False, shape=(0, 2, 3)),
    "batch_norm": of("batch_norm", nbnn.zeros(3), nbnn.ones(3)),
    "bilinear": of("bilinear", nbnn.ones(0, 2), nbnn.ones(4, 3, 2)),
    "channel_shuffle": of("channel_shuffle", 2, shape=(0, 4, 3)),
    "conv_tbc": of("conv_tbc", nbnn.ones(2, 3, 4), nbnn.ones(4), shape=(5, 0, 3)),
    "cosine_embedding_loss": of("cosine_embedding_loss", nbnn.ones(0, 3), nbnn.ones(0)),
    "cross_entropy": of("cross_entropy", ints(0)),
    "ctc_loss": of("ctc_loss", ints(0, 2), ints(0), ints(0), shape=(4, 0, 3)),
    "embedding": (lambda x: F.embedding(ints(0, 2), x), (4, 3)),
    "embedding_bag": (lambda x: F.embedding_bag(ints(0, 2), x), (4, 3)),
    "fold": of("fold", (3, 3), (2, 2), shape=(0, 4, 4)),
    "gaussian_nll_loss": of("gaussian_nll_loss", nbnn.ones(0, 3), nbnn.ones(0, 3)),
    "glu": of("glu", shape=(0, 4)),
    "grid_sample": of("grid_sample", nbnn.zeros(0, 2, 2, 2), align_corners=False, shape=(0, 1, 3, 3)),
    "group_norm": of("group_norm", 3),
    "gumbel_softmax": of("gumbel_softmax"),
    "instance_norm": of("instance_norm", shape=(0, 2, 3)),
    "interpolate": of("interpolate", 5, shape=(0, 2, 3)),
    "kl_div": of("kl_div", nbnn.ones(0, 3), reduction="sum"),
    "layer_norm": of("layer_norm", (3,)),
    "linear": of("linear", nbnn.ones(2, 3)),
    "linear_cross_entropy": of("linear_cross_entropy", nbnn.ones(4, 3), ints(0)),
    "local_response_norm": of("local_response_norm", 2, shape=(0, 2, 3)),
    "margin_ranking_loss": of("margin_ranking_loss", nbnn.ones(0, 3), nbnn.ones(0, 3)),
    "matmul": of("matmul", nbnn.ones(3, 2)),
    "multi_head_attention_forward": (
        lambda x: F.multi_head_attention_forward(
            x, x, x, 4, 2, nbnn.ones(12, 4), nbnn.ones(12), None, None, False, 0.0, nbnn.ones(4, 4), nbnn.ones(4))[0],
        (3, 0, 4)),
    "multi_margin_loss": of("multi_margin_loss", ints(0)),
    "multilabel_margin_loss": of("multilabel_margin_loss", ints(0, 3)),
    "nll_loss": of("nll_loss", ints(0)),
    "normalize": of("normalize"),
    "pad": of("pad", (1, 1), shape=(0, 2, 3)),
    "pdist": of("pdist"),
    "pixel_shuffle": of("pixel_shuffle", 2, shape=(0, 4, 2, 2)),
    "pixel_unshuffle": of("pixel_unshuffle", 2, shape=(0, 1, 2, 2)),
    "prelu": of("prelu", nbnn.ones(3)),
    "rms_norm": of("rms_norm", (3,)),
    "scaled_dot_product_attention": (lambda x: F.scaled_dot_product_attention(x, x, x), (0, 2, 3, 4)),
    "threshold": of("threshold", 0.1, 1.0),
    "threshold_": (lambda x: F.threshold_(x * 1, 0.1, 1.0), (0, 3)),
    "triplet_margin_loss": of("triplet_margin_loss", nbnn.ones(0, 3), nbnn.ones(0, 3)),
    "triplet_margin_with_distance_loss": of("triplet_margin_with_distance_loss", nbnn.ones(0, 3), nbnn.ones(0, 3)),
    "unfold": of("unfold", 2, shape=(0, 2, 3, 3)),
}  # fmt: skip
# The old spellings of interpolate warn; one_hot gives integers.
APART = {"one_hot", "upsample", "upsample_bilinear", "upsample_nearest"}


def call_of(name):
    if name in CALLS:
        return CALLS[name]
    if name.endswith("_"):
        return lambda x: getattr(F, name)(x * 1), (0, 3)
    return of(name)


@pytest.mark.parametrize("name", sorted(set(F.__all__) - APART))
def test_12013_38114_38115_a_batch_of_nothing(name):
    call, shape = call_of(name)
    x = nbnn.zeros(*shape, requires_grad=True)
    y = call(x)
    y = y[0] if isinstance(y, tuple) else y
    (g,) = nbnn.autograd.grad(y.sum(), x, allow_unused=True)
    assert g is None or tuple(g.shape) == shape
    assert 0 in y.shape or y.dim() == 0
    if g is not None:
        assert not g.numpy().any()


def test_38115_the_rest():
    assert F.one_hot(ints(0), 3).shape == (0, 3)
    for name, more in (("upsample", (5,)), ("upsample_nearest", (5,)), ("upsample_bilinear", (5,))):
        with pytest.warns(UserWarning):
            y = getattr(F, name)(nbnn.zeros(0, 2, 3, 3), *more)
        assert y.shape == (0, 2, 5, 5)
