"""The Modules of transformers: causality, padding, masks, refusals, and the same numbers, text and names as torch's."""

import copy

import numpy as np
import pytest

import nbnn
import nbnn.nn.functional as F
from nbnn import nn
from tests import engine

LAYER = (8, 2, 12, 0.0)


def normal(*shape, seed=0):
    return nbnn.from_numpy(np.random.default_rng(seed).normal(size=shape))


def values(t):
    return t.detach().numpy()


def encoder(count=2, **options):
    nbnn.manual_seed(1)
    return nn.TransformerEncoder(nn.TransformerEncoderLayer(*LAYER, dtype=nbnn.float64, **options), count)


def decoder(count=2, **options):
    nbnn.manual_seed(1)
    return nn.TransformerDecoder(nn.TransformerDecoderLayer(*LAYER, dtype=nbnn.float64, **options), count)


CAUSAL = nn.Transformer.generate_square_subsequent_mask


def test_the_causal_mask():
    assert CAUSAL(2).tolist() == [[0, -np.inf], [0, 0]]
    assert CAUSAL(3, dtype=nbnn.float64).dtype is nbnn.float64 and CAUSAL(0).shape == (0, 0)
    with pytest.raises(ValueError, match=r"generate_square_subsequent_mask: `sz` \(=-1\) must be at least 0"):
        CAUSAL(-1)


@pytest.mark.parametrize("norm_first", (False, True))
@pytest.mark.parametrize(
    "options",
    (
        {"mask": CAUSAL(6)},
        {"mask": CAUSAL(6, dtype=nbnn.float64), "is_causal": True},
        {"mask": CAUSAL(6) < 0},
        {"is_causal": True},
        {"mask": CAUSAL(6), "is_causal": False},
        {"mask": CAUSAL(6), "src_key_padding_mask": nbnn.zeros(3, 6)},
        {"mask": CAUSAL(6).expand(6, 6, 6)},
    ),
)
def test_what_comes_later_does_not_matter(options, norm_first):
    model, x = encoder(norm_first=norm_first), normal(6, 3, 8)
    whole = values(model(x, **options))
    for n in (1, 4):
        changed = x.clone()
        changed[n:] = normal(6 - n, 3, 8, seed=n)
        np.testing.assert_allclose(values(model(changed, **options))[:n], whole[:n], rtol=1e-9)
    np.testing.assert_allclose(values(model(x, CAUSAL(6)))[:6], whole, rtol=1e-9)
    assert abs(values(model(x)) - whole)[:-1].max() > 1e-3


def test_the_decoder_sees_its_past_and_the_whole_memory():
    model, x, memory = decoder(), normal(5, 3, 8), normal(4, 3, 8, seed=1)
    whole = values(model(x, memory, CAUSAL(5)))
    np.testing.assert_allclose(values(model(x, memory, tgt_is_causal=True)), whole, rtol=1e-9)
    for n in (1, 3):
        np.testing.assert_allclose(values(model(x[:n], memory, CAUSAL(n))), whole[:n], rtol=1e-9)
    memory[3] = 0.0
    assert abs(values(model(x, memory, CAUSAL(5))) - whole).min() > 0


@pytest.mark.parametrize("training", (True, False))
def test_padding_does_not_matter_in_training_nor_in_evaluation(training):
    model = encoder(batch_first=True).train(training)
    x = normal(3, 6, 8)
    lengths = (6, 4, 2)
    padding = nbnn.tensor([[k >= n for k in range(6)] for n in lengths])
    with nbnn.no_grad():
        output = values(model(x, src_key_padding_mask=padding))
        for row, n in enumerate(lengths):
            np.testing.assert_allclose(values(model(x[row, :n])), output[row, :n], rtol=1e-9)


def test_padding_of_the_memory():
    model, x, memory = decoder(), normal(5, 2, 8), normal(4, 2, 8, seed=1)
    padding = nbnn.tensor([[False, False, False, True]] * 2)
    short = values(model(x, memory[:3]))
    np.testing.assert_allclose(values(model(x, memory, memory_key_padding_mask=padding)), short, rtol=1e-9)
    mask = nbnn.tensor([[False, False, False, True]] * 5)
    np.testing.assert_allclose(values(model(x, memory, memory_mask=mask)), short, rtol=1e-9)


@pytest.mark.parametrize("norm_first", (False, True))
def test_a_sequence_of_padding_alone_spoils_nothing(norm_first):
    model = nn.Transformer(8, 2, 2, 2, 12, 0.0, norm_first=norm_first, dtype=nbnn.float64)
    source, target = normal(4, 2, 8).requires_grad_(), normal(3, 2, 8).requires_grad_()
    padding = nbnn.tensor([[False] * 4, [True] * 4])
    kinds = {"src_key_padding_mask": padding, "memory_key_padding_mask": padding}
    y = model(source, target, tgt_mask=CAUSAL(3), **kinds)
    y[:, 0].square().sum().backward()
    alone = values(model(source[:, :1], target[:, :1], tgt_mask=CAUSAL(3)))
    np.testing.assert_allclose(values(y)[:, :1], alone, rtol=1e-9)
    assert np.isfinite(values(y)).all()
    for t in (source, target, *model.parameters()):
        assert np.isfinite(t.grad.numpy()).all()
    assert not source.grad.numpy()[:, 1].any() and source.grad.numpy()[:, 0].any()


def test_order_does_not_matter_without_a_mask():
    model, x = encoder(), normal(6, 3, 8)
    order = nbnn.randperm(6)
    np.testing.assert_allclose(values(model(x[order])), values(model(x)[order]), rtol=1e-8)


def test_layers_of_a_stack_have_parameters_of_their_own():
    model = encoder(3)
    first, second, _ = model.layers
    assert first is not second
    engine.same_bits(values(first.linear1.weight), values(second.linear1.weight), "copies")
    assert len(set(map(id, model.parameters()))) == 3 * 12
    twin = copy.deepcopy(model)
    engine.same_bits(values(twin(normal(2, 1, 8))), values(model(normal(2, 1, 8))), "copy")


def test_activations():
    x = normal(4, 2, 8)
    results = []
    for activation in ("gelu", F.gelu, nn.GELU(), lambda t: F.gelu(t)):
        nbnn.manual_seed(1)
        layer = nn.TransformerEncoderLayer(*LAYER, activation=activation, dtype=nbnn.float64)
        results.append(values(layer(x)))
    for result in results[1:]:
        engine.same_bits(result, results[0], "activation")


def test_copies_keep_an_activation_that_is_a_module():
    """A copy of torch's decoder layer falls back to relu."""
    layer = nn.TransformerDecoderLayer(*LAYER, activation=nn.Tanh(), dtype=nbnn.float64)
    x, memory = normal(4, 2, 8), normal(3, 2, 8)
    engine.same_bits(values(nn.TransformerDecoder(layer, 1)(x, memory)), values(layer(x, memory)), "copy")


def test_dropout_follows_the_mode():
    layer, x = nn.TransformerEncoderLayer(8, 2, 12, 0.5), nbnn.randn(4, 2, 8)
    assert (values(layer(x)) != values(layer(x))).any()
    layer.eval()
    engine.same_bits(values(layer(x)), values(layer(x)), "evaluation")


def test_parts_of_ones_own():
    class Twice(nn.Module):
        def forward(self, src, **masks):
            return 2 * src

    class Sum(nn.Module):
        def forward(self, tgt, memory, **masks):
            return tgt + memory.sum()

    model = nn.Transformer(8, 2, custom_encoder=Twice(), custom_decoder=Sum())
    np.testing.assert_allclose(values(model(nbnn.ones(3, 8), nbnn.ones(2, 8))), 49)
    stack = nn.TransformerEncoder(nn.TransformerEncoderLayer(*LAYER), 0, nn.LayerNorm(8), False, False)
    assert abs(float(stack(nbnn.randn(3, 8)).mean())) < 1e-5


MODEL = nn.Transformer(8, 2, 1, 1, 12)
BAD = [
    (lambda: nn.TransformerEncoderLayer(8, 3), ValueError, r"`embed_dim` \(=8\) must be divisible by `num_heads` \(=3"),
    (lambda: nn.TransformerEncoderLayer(8, 2, activation="tanh"), ValueError,
     r"TransformerEncoderLayer: `activation` \(='tanh'\) must be 'relu', 'gelu' or a callable"),
    (lambda: nn.TransformerDecoderLayer(8, 2, activation=3), TypeError,
     r"TransformerDecoderLayer: `activation` must be 'relu', 'gelu' or a callable; got int"),
    (lambda: nn.TransformerEncoderLayer(8, 2, -1), ValueError, r"`out_features` \(=-1\) must be at least 0"),
    (lambda: nn.TransformerEncoderLayer(8, 2, dropout=2), ValueError, r"`dropout` \(=2\) must be between 0 and 1"),
    (lambda: nn.TransformerEncoder("layer", 2), TypeError, r"TransformerEncoder: the layer must be a Module; got str"),
    (lambda: nn.TransformerDecoder(MODEL, -1), ValueError, r"TransformerDecoder: `num_layers` \(=-1\) must be at leas"),
    (lambda: MODEL(nbnn.ones(3, 2, 7), nbnn.ones(3, 2, 8)), ValueError,
     r"Transformer: `src` must have 3 axes, .* a last size of `d_model` \(=8\); got \(3, 2, 7\)"),
    (lambda: MODEL(nbnn.ones(3, 2, 8), nbnn.ones(8)), ValueError, r"`tgt` must have 3 axes.*; got \(8,\)"),
    (lambda: MODEL(nbnn.ones(3, 2, 8), nbnn.ones(3, 1, 8)), ValueError, r"one batch size; got \(3, 2, 8\) and \(3, 1"),
    (lambda: MODEL(nbnn.ones(3, 2, 8), nbnn.ones(3, 8)), ValueError, r"must have one batch size"),
    (lambda: MODEL([1.0], nbnn.ones(3, 8)), TypeError, r"Transformer: `src` must be a Tensor; got list"),
    (lambda: MODEL(nbnn.ones(3, 2, 8), nbnn.ones(4, 2, 8), tgt_mask=CAUSAL(3)), ValueError,
     r"`attn_mask` must have shape \(4, 4\)"),
    (lambda: MODEL(nbnn.ones(3, 2, 8), nbnn.ones(4, 2, 8), nbnn.ones(3, 3).long()), TypeError,
     r"`attn_mask` must be of bool or of a floating-point type; got nbnn.int64"),
    (lambda: MODEL(nbnn.ones(3, 2, 8), nbnn.ones(4, 2, 8), src_key_padding_mask=CAUSAL(3)), ValueError,
     r"`key_padding_mask` must have shape \(2, 3\); got \(3, 3\)"),
]  # fmt: skip


@pytest.mark.parametrize("case", range(len(BAD)))
def test_refuses(case):
    make, error, match = BAD[case]
    with pytest.raises(error, match=match):
        make()


# -- beside torch ------------------------------------------------------------------------------------------------


def models(nn, F):
    """Models of either library, and whether they take a target."""
    layer = nn.TransformerEncoderLayer
    return [
        (nn.TransformerEncoder(layer(*LAYER), 2), False),
        (nn.TransformerEncoder(layer(*LAYER, activation=F.gelu, bias=False), 3, nn.LayerNorm(8)), False),
        (nn.TransformerEncoder(layer(*LAYER, activation=nn.SiLU(), norm_first=True), 1), False),
        (nn.TransformerDecoder(nn.TransformerDecoderLayer(*LAYER), 2, nn.LayerNorm(8)), True),
        (nn.TransformerDecoder(nn.TransformerDecoderLayer(*LAYER, activation=F.silu, bias=False), 1), True),
        (nn.Transformer(8, 4, 2, 1, 12, 0.0, "gelu"), True),
        (nn.Transformer(8, 2, 1, 2, 12, 0.0, norm_first=True, bias=False), True),
    ]


def bools(*rows):
    return np.array(rows, bool)


LATER = {n: np.triu(np.ones((n, n), bool), 1) for n in (4, 5)}
HEADS = np.arange(3 * 2 * 5 * 5).reshape(6, 5, 5) % 4 == 3
PADS = {n: np.arange(n) >= np.array([[n], [n - 1], [2]]) for n in (4, 5)}
# by the names of the encoder, the decoder and both
MASKS = [
    ({}, {}, {}),
    ({"mask": LATER[5]}, {"tgt_mask": LATER[4]}, {"src_mask": LATER[5], "tgt_mask": LATER[4]}),
    (
        {"mask": np.where(LATER[5], -np.inf, 0)},
        {"tgt_mask": np.where(LATER[4], -np.inf, 0), "memory_mask": np.arange(20).reshape(4, 5) / 9},
        {"tgt_mask": np.where(LATER[4], -np.inf, 0)},
    ),
    (
        {"src_key_padding_mask": PADS[5]},
        {"tgt_key_padding_mask": PADS[4], "memory_key_padding_mask": PADS[5]},
        {f"{k}_key_padding_mask": PADS[4 if k == "tgt" else 5] for k in ("src", "tgt", "memory")},
    ),
    (
        {"mask": LATER[5], "src_key_padding_mask": PADS[5]},
        {"tgt_mask": LATER[4], "memory_mask": np.zeros((4, 5)), "tgt_key_padding_mask": PADS[4]},
        {"src_mask": np.eye(5) * 0.7, "memory_mask": ~LATER[5][:4]},
    ),
]


def _run(library, model, masks, arrays):
    def given(a):
        return library.from_numpy(a.astype(np.float32 if a.dtype.kind == "f" else a.dtype))

    inputs = [given(a).requires_grad_() for a in arrays]
    model.zero_grad()
    y = model(*inputs, **{name: given(m) for name, m in masks.items()})
    (y * y * y).sum().backward()
    return [values(y), *(t.grad.numpy() for t in (*inputs, *model.parameters()))]


@pytest.mark.parity
@pytest.mark.filterwarnings("ignore:enable_nested_tensor")
@pytest.mark.filterwarnings("ignore:Support for mismatched")
@pytest.mark.parametrize("case", range(len(models(nn, F))))
def test_torch_gives_the_same(case):
    torch = engine.load_torch()
    torch.manual_seed(2)
    (ours, two), (theirs, _) = models(nn, F)[case], models(torch.nn, torch.nn.functional)[case]
    assert repr(ours) == repr(theirs)
    assert list(ours.state_dict()) == list(theirs.state_dict())
    assert [n for n, _ in ours.named_parameters()] == [n for n, _ in theirs.named_parameters()]
    theirs.load_state_dict({k: torch.from_numpy(v.numpy()) for k, v in ours.state_dict().items()})
    for p in theirs.parameters():
        torch.nn.init.normal_(p, std=0.3)
    ours.load_state_dict(theirs.state_dict())
    arrays = [np.random.default_rng(k).normal(size=s) for k, s in enumerate(((5, 3, 8), (4, 3, 8)))]
    arrays = arrays[:1] if not two else arrays if isinstance(ours, nn.Transformer) else arrays[::-1]
    kind = 2 if isinstance(ours, nn.Transformer) else int(two)
    for training in (True, False):
        ours.train(training)
        theirs.train(training)
        for number, masks in enumerate(MASKS):
            results = (_run(library, model, masks[kind], arrays) for library, model in ((nbnn, ours), (torch, theirs)))
            for k, (mine, wanted) in enumerate(zip(*results, strict=True)):
                scale = max(1.0, float(np.abs(wanted).max()))
                np.testing.assert_allclose(
                    mine, wanted, rtol=1e-3, atol=5e-5 * scale, err_msg=f"{k}, masks {number}, {training=}"
                )


@pytest.mark.parity
@pytest.mark.filterwarnings("ignore:enable_nested_tensor")
@pytest.mark.filterwarnings("ignore:The PyTorch API of nested tensors")
@pytest.mark.parametrize("need_grad", (True, False))
def test_where_torch_takes_its_short_cut(need_grad):
    """Without gradients torch runs other code in evaluation, and gives zeros for padded positions."""
    torch = engine.load_torch()
    theirs = torch.nn.TransformerEncoder(torch.nn.TransformerEncoderLayer(*LAYER, batch_first=True), 2).eval()
    ours = nn.TransformerEncoder(nn.TransformerEncoderLayer(*LAYER, batch_first=True), 2).eval()
    ours.load_state_dict(theirs.state_dict())
    x = np.random.default_rng(0).normal(size=(3, 5, 8)).astype(np.float32)
    results = []
    for library, model in ((nbnn, ours), (torch, theirs)):
        with library.set_grad_enabled(need_grad):
            y = model(library.from_numpy(x), src_key_padding_mask=library.from_numpy(PADS[5]))
        results.append(values(y)[~PADS[5][:, : y.shape[1]]])
    np.testing.assert_allclose(*results, rtol=1e-3, atol=1e-4)
