"""Which types the functions take, mix and return, against PyTorch: every pair of a table, refusals included."""

import warnings

import numpy as np
import pytest

import nbnn
from tests.engine import load_torch

PAIRS = [("float32", "float64"), ("float64", "float32"), ("float16", "float32"), ("float32", "bfloat16"),
         ("float16", "bfloat16"), ("float32", "int64"), ("float16", "int32"), ("int64", "float32"), ("int64", "int64"),
         ("uint8", "int64")]  # fmt: skip


def alone(name):
    return lambda F, x, y, r: getattr(F, name)(x, y, reduction=r)


LOSSES = {
    **{name: alone(name) for name in (
        "l1_loss", "mse_loss", "smooth_l1_loss", "huber_loss", "soft_margin_loss", "kl_div", "poisson_nll_loss",
        "binary_cross_entropy", "binary_cross_entropy_with_logits", "multilabel_soft_margin_loss")},
    "gaussian_nll_loss": lambda F, x, y, r: F.gaussian_nll_loss(x, y, 1.0, reduction=r),
    "margin_ranking_loss": lambda F, x, y, r: F.margin_ranking_loss(x, x, y, reduction=r),
    "cosine_embedding_loss": lambda F, x, y, r: F.cosine_embedding_loss(x[None], x[None], y[:1], reduction=r),
    "triplet_margin_loss": lambda F, x, y, r: F.triplet_margin_loss(x, y, x, reduction=r),
    "pairwise_distance": lambda F, x, y, r: F.pairwise_distance(x, y),
    "cosine_similarity": lambda F, x, y, r: F.cosine_similarity(x, y, 0),
}  # fmt: skip


def of_one(name, *args):
    return lambda F, x: getattr(F, name)(x, *args)


SINGLE = {  # shapes, and the call
    **{name: ((3,), of_one(name)) for name in (
        "relu6", "tanhshrink", "softsign", "leaky_relu", "elu", "gelu", "silu", "hardshrink", "softplus")},
    "hardtanh": ((3,), of_one("hardtanh", 0, 2)), "threshold": ((3,), of_one("threshold", 1.5, 2.5)),
    "dropout": ((3,), of_one("dropout", 0.5, False)), "pad": ((2, 3), of_one("pad", (1, 0))),
    "max_pool2d": ((1, 4, 4), of_one("max_pool2d", 2)), "avg_pool1d": ((1, 4), of_one("avg_pool1d", 2)),
    "adaptive_avg_pool2d": ((1, 4, 4), of_one("adaptive_avg_pool2d", 2)),
    "lp_pool1d": ((1, 4), of_one("lp_pool1d", 1.5, 2)), "pixel_shuffle": ((4, 1, 1), of_one("pixel_shuffle", 2)),
    "linear": ((2, 2), lambda F, x: F.linear(x, x)), "conv1d": ((1, 1, 4), lambda F, x: F.conv1d(x, x[..., :2])),
    "bilinear": ((2, 2), lambda F, x: F.bilinear(x, x, x[None])),
    "interpolate": ((1, 1, 2, 2), lambda F, x: F.interpolate(x, scale_factor=2)),
    "normalize": ((2, 2), of_one("normalize")), "softmax": ((3,), of_one("softmax", 0)),
}  # fmt: skip


def outcome(call, *args):
    """The type and numbers of a result, or that it was refused."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            y = call(*args)
        except (TypeError, ValueError, RuntimeError, NotImplementedError):
            return "refused", None
    return str(y.dtype).rpartition(".")[2], np.asarray(y.double().numpy())


def agree(label, ours, theirs):
    assert ours[0] == theirs[0], f"{label}: {ours[0]}, but {theirs[0]} in PyTorch"
    if theirs[1] is not None:
        np.testing.assert_allclose(ours[1], theirs[1], rtol=0.02, atol=0.02, err_msg=label)


@pytest.mark.parity
@pytest.mark.parametrize("name", LOSSES)
def test_pairs_of_types(name):
    torch = load_torch()
    for pair in PAIRS:
        for reduction in ("none", "mean"):
            ours, theirs = (
                outcome(LOSSES[name], library.nn.functional,
                        *(library.tensor(v).to(getattr(library, k)) for v, k in zip(([0.25, 1.0], [1.0, 0.0]), pair,
                                                                                   strict=True)), reduction)
                for library in (nbnn, torch)
            )  # fmt: skip
            agree(f"{name} {pair} {reduction}", ours, theirs)


@pytest.mark.parity
@pytest.mark.parametrize("name", SINGLE)
def test_integers_and_bools(name):
    torch = load_torch()
    shape, call = SINGLE[name]
    values = np.arange(np.prod(shape)).reshape(shape) % 5
    for kind in ("int64", "uint8", "bool"):
        ours, theirs = (
            outcome(call, library.nn.functional, library.from_numpy(values).to(getattr(library, kind)))
            for library in (nbnn, torch)
        )
        agree(f"{name} {kind}", ours, theirs)
