"""The family `multi_head`: every check of the engine on every case of its table, every refusal, and the Module."""

import numpy as np
import pytest

import nbnn
from nbnn import nn
from tests import engine
from tests.cases.multi_head import CASES, ERRORS


@pytest.mark.parametrize(("check", "case"), engine.params(CASES))
def test_case(check, case):
    check(case)


@pytest.mark.parametrize("bad", ERRORS, ids=str)
def test_refuses(bad):
    bad.check()


# -- the Module --------------------------------------------------------------------------------------------------


def inputs(*shapes):
    random = np.random.default_rng(2)
    return [nbnn.from_numpy(random.normal(size=s)).requires_grad_() for s in shapes]


def layer(*args, **options):
    nbnn.manual_seed(3)
    return nn.MultiheadAttention(*args, dtype=nbnn.float64, **options)


def ran(module, tensors, seen=None, **options):
    """Output, weights or None, and the gradients of all inputs and parameters of what is `seen` of the output."""
    module.zero_grad()
    for t in tensors:
        t.grad = None
    output, weights = module(*tensors, **options)
    part = output if seen is None else output[seen]
    (part * part).sum().backward()
    grads = [t.grad.numpy() for t in tensors] + [p.grad.numpy() for p in module.parameters()]
    return output.detach().numpy(), None if weights is None else weights.detach().numpy(), grads


def both_ways(module, tensors, **options):
    """Output, weights and gradients, all finite, and the same without weights."""
    full, weights, slopes = ran(module, tensors, average_attn_weights=False, **options)
    fast, none, others = ran(module, tensors, need_weights=False, **options)
    assert none is None
    for a, b in zip([full, *slopes], [fast, *others], strict=True):
        assert np.isfinite(a).all()
        np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-12)
    assert np.isfinite(weights).all()
    return full, weights, slopes


BIAS_ONLY = "a query that sees nothing gets the bias of the last projection alone"


def test_issue_27968_a_sequence_of_padding_alone():
    module = layer(8, 2, batch_first=True)
    x = inputs((2, 3, 8), (2, 4, 8), (2, 4, 8))
    padding = nbnn.tensor([[False, False, True, True], [True, True, True, True]])
    output, weights, slopes = both_ways(module, x, key_padding_mask=padding)
    assert not weights[1].any() and (weights[0] > 0).any()
    np.testing.assert_array_equal(output[1], np.broadcast_to(module.out_proj.bias.detach().numpy(), (3, 8)), BIAS_ONLY)
    for slope in slopes[:3]:
        assert not slope[1].any() and slope[0].any()
    assert not slopes[1][0, 2:].any()


def test_issue_41508_bands_and_padding_together():
    (x,) = inputs((4, 2, 4))
    padding = nbnn.tensor([[False] * 4, [False, False, True, True]])
    inf = float("inf")
    band = nbnn.tensor([[0, -inf, -inf, -inf], [0, 0, -inf, -inf], [-inf, -inf, 0, -inf], [-inf, -inf, 0, 0]]).double()

    class OfOne(nn.Module):
        def __init__(self):
            super().__init__()
            self.attention = layer(4, 1)

        def forward(self, t, **options):
            return self.attention(t, t, t, **options)

    module = OfOne()
    _, weights, slopes = both_ways(module, [x], attn_mask=band, key_padding_mask=padding)
    assert not weights[1, :, 2:].any()
    np.testing.assert_allclose(weights.sum(-1)[0], 1)
    _, _, seen = ran(module, [x], (slice(0, 2), 1), attn_mask=band, key_padding_mask=padding)
    assert not seen[0][:, 0].any() and not seen[0][2:].any() and np.isfinite(slopes[0]).all()


def test_issue_63271_a_mask_that_hides_everything():
    module = layer(4, 2)
    x = inputs((3, 2, 4), (5, 2, 4), (5, 2, 4))
    for mask in (nbnn.ones(3, 5) > 0, nbnn.full((3, 5), -float("inf"))):
        output, weights, slopes = both_ways(module, x, attn_mask=mask)
        assert not weights.any() and not any(s.any() for s in slopes[:3])
        assert not output.any()  # the bias starts at 0


def test_issue_136816_numbers_in_a_padding_mask_are_added_to_scores():
    module = layer(1, 1, bias=False, batch_first=True)
    x = inputs((1, 2, 1), (1, 2, 1), (1, 2, 1))
    numbers = nbnn.tensor([[0.0, 1.0]])
    results = []
    for training in (True, False):
        module.train(training)
        results.append(both_ways(module, x, key_padding_mask=numbers))
        with nbnn.no_grad():
            results.append([module(*x, key_padding_mask=numbers)[0].numpy()])
    for result in results[1:]:
        np.testing.assert_allclose(result[0], results[0][0], rtol=1e-12)
    weights = results[0][1]
    np.testing.assert_allclose(weights.sum(-1), 1)
    _, plain, _ = both_ways(module, x)
    shifted = plain[0, 0] * [1, np.e]
    np.testing.assert_allclose(weights[0, 0], shifted / shifted.sum(-1, keepdims=True), rtol=1e-9)


def test_issue_152028_masks_and_dropout():
    module = layer(8, 2, dropout=0.5, batch_first=True, bias=False)
    x = inputs((2, 3, 8), (2, 4, 8), (2, 4, 8))
    mask = nbnn.zeros(3, 4).masked_fill(nbnn.tensor([[True], [False], [False]]), -float("inf"))
    for need in (True, False):
        output, weights, slopes = ran(module, x, attn_mask=mask, need_weights=need)
        assert not output[:, 0].any() and output[:, 1:].any()
        assert all(np.isfinite(s).all() for s in slopes) and not slopes[0][:, 0].any()
        assert weights is None or (not weights[:, 0].any() and np.isfinite(weights).all())


def test_issue_160064_heads_that_see_nothing():
    module = layer(3, 3, batch_first=True)
    x = inputs((1, 5, 3), (1, 5, 3), (1, 5, 3))
    mask = nbnn.tensor([False, False, True]).view(-1, 1, 1).expand(-1, 5, 5)
    _, weights, _ = both_ways(module, x, attn_mask=mask)
    assert not weights[0, 2].any()
    np.testing.assert_allclose(weights[0, :2].sum(-1), 1)


def test_order_of_keys_does_not_matter_and_order_of_queries_comes_out():
    module = layer(8, 4)
    query, key, value = (t.detach() for t in inputs((5, 2, 8), (6, 2, 8), (6, 2, 8)))
    keys, queries = nbnn.randperm(6), nbnn.randperm(5)
    output, weights = module(query, key, value)
    moved, moved_weights = module(query[queries], key[keys], value[keys])
    np.testing.assert_allclose(moved.detach().numpy(), output[queries].detach().numpy(), rtol=1e-9, atol=1e-12)
    expected = weights[:, queries][:, :, keys].detach().numpy()
    np.testing.assert_allclose(moved_weights.detach().numpy(), expected, rtol=1e-9)


def test_hidden_keys_do_not_matter():
    module = layer(8, 4)
    query, key, value = (t.detach() for t in inputs((5, 2, 8), (6, 2, 8), (6, 2, 8)))
    padding = nbnn.tensor([[False] * 4 + [True] * 2] * 2)
    for need in (True, False):
        output, _ = module(query, key, value, padding, need)
        short, _ = module(query, key[:4], value[:4], None, need)
        np.testing.assert_allclose(output.detach().numpy(), short.detach().numpy(), rtol=1e-9, atol=1e-12)


def test_a_causal_hint_that_the_mask_denies_is_not_followed():
    module = layer(4, 2)
    (x,) = (t.detach() for t in inputs((4, 2, 4)))
    mask = nbnn.tensor([[False, False, True, True]] * 4)
    for need in (True, False):
        hinted, plain = (module(x, x, x, None, need, mask, is_causal=hint)[0] for hint in (True, False))
        engine.same_bits(hinted.detach().numpy(), plain.detach().numpy(), "hint")


def test_masks_of_another_floating_type():
    module = layer(4, 2)
    (x,) = (t.detach() for t in inputs((4, 2, 4)))
    mask = nn.Transformer.generate_square_subsequent_mask(4)
    assert mask.dtype is nbnn.float32
    for need in (True, False):
        a, b = (module(x, x, x, None, need, m)[0].detach().numpy() for m in (mask, mask.double()))
        engine.same_bits(a, b, "mask")


def test_starts_like_torchs():
    module = nn.MultiheadAttention(64, 4, add_bias_kv=True)
    assert not module.in_proj_bias.detach().numpy().any() and not module.out_proj.bias.detach().numpy().any()
    weight = module.in_proj_weight.detach().numpy()
    bound = np.sqrt(6 / (192 + 64))
    assert 0.95 * bound < abs(weight).max() <= bound
    assert module.bias_k.shape == (1, 1, 64) and 0.05 < module.bias_k.detach().numpy().std() < 0.3
    assert module.head_dim == 16 and module.q_proj_weight is None


def test_dropout_follows_the_mode():
    module = nn.MultiheadAttention(4, 2, dropout=0.5)
    x = nbnn.randn(6, 2, 4)
    nbnn.manual_seed(0)
    a, weights = module(x, x, x, average_attn_weights=False)
    assert (weights.detach().numpy() == 0).any()
    nbnn.manual_seed(0)
    engine.same_bits(module(x, x, x)[0].detach().numpy(), a.detach().numpy(), "same seed")
    module.eval()
    engine.same_bits(module(x, x, x)[0].detach().numpy(), module(x, x, x)[0].detach().numpy(), "evaluation")


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"embed_dim": 5}, r"MultiheadAttention: `embed_dim` \(=5\) must be divisible by `num_heads` \(=2\)"),
        ({"embed_dim": 0}, r"MultiheadAttention: `embed_dim` \(=0\) must be at least 1"),
        ({"num_heads": 0}, r"`num_heads` \(=0\) must be at least 1"),
        ({"dropout": 2}, r"`dropout` \(=2\) must be between 0 and 1"),
        ({"kdim": -1}, r"`kdim` \(=-1\) must be at least 0"),
    ],
)
def test_the_module_refuses(options, match):
    with pytest.raises(ValueError, match=match):
        nn.MultiheadAttention(**{"embed_dim": 4, "num_heads": 2, **options})
    with pytest.raises(TypeError, match="MultiheadAttention: `query` must be a Tensor; got list"):
        nn.MultiheadAttention(4, 2)([1.0], None, None)


# -- beside torch ------------------------------------------------------------------------------------------------

MASKS = {
    "none": {},
    "bools": {"attn_mask": lambda n, h, q, k: np.triu(np.ones((q, k), bool), 1)},
    "numbers": {"attn_mask": lambda n, h, q, k: np.where(np.tri(q, k), 0.5, -np.inf)},
    "heads": {"attn_mask": lambda n, h, q, k: np.arange(n * h * q * k).reshape(n * h, q, k) % 3 == 2},
    "padding": {"key_padding_mask": lambda n, h, q, k: np.arange(k) >= np.array([[k], [k - 2]])[:n]},
    "padding_numbers": {"key_padding_mask": lambda n, h, q, k: np.where(np.arange(k) > k - 2, -np.inf, [[0.3], [2]])},
}
MASKS["both"] = MASKS["heads"] | MASKS["padding"]
SIZES = [{}, {"add_bias_kv": True}, {"add_zero_attn": True, "bias": False}, {"kdim": 3, "vdim": 6},
         {"kdim": 3, "vdim": 6, "add_bias_kv": True, "add_zero_attn": True, "batch_first": True}]  # fmt: skip


def _with_both(torch, options, mask, need, training):
    """Results and gradients of nbnn's module and of torch's, from one state."""
    torch.manual_seed(0)
    theirs = torch.nn.MultiheadAttention(8, 2, **options).train(training)
    ours = nn.MultiheadAttention(8, 2, **options).train(training)
    ours.load_state_dict(theirs.state_dict())
    assert repr(ours) == repr(theirs) and list(ours.state_dict()) == list(theirs.state_dict())
    theirs.load_state_dict({k: torch.from_numpy(v.numpy()) for k, v in ours.state_dict().items()})
    random = np.random.default_rng(1)
    shapes = [(3, 2, 8), (5, 2, options.get("kdim", 8)), (5, 2, options.get("vdim", 8))]
    arrays = [random.normal(size=s).astype(np.float32) for s in shapes]
    if options.get("batch_first"):
        arrays = [a.swapaxes(0, 1).copy() for a in arrays]
    masks = {name: np.asarray(make(2, 2, 3, 5)) for name, make in MASKS[mask].items()}
    masks = {name: m if m.dtype == bool else m.astype(np.float32) for name, m in masks.items()}
    for library, module in ((nbnn, ours), (torch, theirs)):
        tensors = [library.from_numpy(a.copy()).requires_grad_() for a in arrays]
        given = {name: library.from_numpy(m) for name, m in masks.items()}
        outputs = module(*tensors, need_weights=need, average_attn_weights=training, **given)
        loss = sum((k + 1) * (o * o).sum() for k, o in enumerate(outputs) if o is not None)
        loss.backward()
        found = [*(o for o in outputs if o is not None), *(t.grad for t in (*tensors, *module.parameters()))]
        yield [t.detach().numpy() for t in found]


@pytest.mark.parity
@pytest.mark.filterwarnings("ignore:Support for mismatched")
@pytest.mark.parametrize("mask", MASKS)
@pytest.mark.parametrize("options", SIZES, ids=str)
def test_torch_gives_the_same(options, mask):
    torch = engine.load_torch()
    for need, training in ((True, True), (False, True), (True, False)):
        ours, theirs = _with_both(torch, options, mask, need, training)
        for k, (mine, wanted) in enumerate(zip(ours, theirs, strict=True)):
            assert mine.dtype == wanted.dtype
            np.testing.assert_allclose(mine, wanted, rtol=2e-4, atol=3e-5, err_msg=f"{k}, {need=}, {training=}")
