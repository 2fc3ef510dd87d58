"""set_float32_matmul_precision: products of float32 matrices from bfloat16 numbers, against NumPy in float64."""

import numpy as np
import pytest

import nbnn
import nbnn.nn.functional as F
from nbnn.functional import _precision
from nbnn.kernels import _bfloat, linear_bf16

BOUND = {"medium": 2.0**-7.9, "high": 2.0**-15.9}  # of the sum of |a| |b|; the rest is for float32's own sums
SIZES = [
    (32, 32, 32), (33, 47, 65), (63, 33, 95), (64, 1030, 40), (37, 2100, 33), (520, 50, 70), (1100, 64, 32),
    (40, 64, 300),
]  # fmt: skip
needs_amx = pytest.mark.skipif(not _bfloat.available(), reason="this CPU has no AMX")


@pytest.fixture(autouse=True)
def _reset():
    yield
    nbnn.set_float32_matmul_precision("highest")


def numbers(seed, *shape):
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


def rounded(x):
    """To bfloat16, to nearest even, by integers."""
    bits = x.view(np.uint32).astype(np.uint64)
    return ((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16 << 16).astype(np.uint32).view(np.float32)


def assert_near(found, a, b, mode, added=0.0):
    a, b = a.astype(np.float64), b.astype(np.float64)
    bound = BOUND[mode] * (np.abs(a) @ np.abs(b)) + 1e-6 * np.abs(added)
    assert found.shape == bound.shape
    assert np.all(np.abs(found - (a @ b + added)) <= bound)


def differs(op):
    """Whether `op` gives other numbers under "medium": that the setting reached it."""
    exact = op().numpy()
    nbnn.set_float32_matmul_precision("medium")
    return not np.array_equal(exact, op().numpy())


def test_the_default_is_float32():
    assert nbnn.get_float32_matmul_precision() == "highest"
    assert _precision.state.terms == 0


@pytest.mark.parametrize("mode", ["highest", "high", "medium"])
def test_get_what_was_set(mode):
    nbnn.set_float32_matmul_precision(mode)
    assert nbnn.get_float32_matmul_precision() == mode


@pytest.mark.parametrize("wrong", ["low", "", "HIGH", None, 1, ["high"]])
def test_refusals(wrong):
    nbnn.set_float32_matmul_precision("high")
    message = r"^set_float32_matmul_precision: `precision` \(=.*\) must be one of 'highest', 'high', 'medium'"
    with pytest.raises(ValueError, match=message):
        nbnn.set_float32_matmul_precision(wrong)
    assert nbnn.get_float32_matmul_precision() == "high"


@pytest.mark.parametrize("mode", ["high", "medium"])
def test_without_the_instructions_it_is_float32(mode, monkeypatch):
    a, b = nbnn.tensor(numbers(0, 64, 64)), nbnn.tensor(numbers(1, 64, 64))
    exact = (a @ b).numpy()
    monkeypatch.setattr(linear_bf16, "available", lambda: False)
    nbnn.set_float32_matmul_precision(mode)
    assert nbnn.get_float32_matmul_precision() == mode
    np.testing.assert_array_equal((a @ b).numpy(), exact)
    np.testing.assert_array_equal(F.linear(a, b).numpy(), (a @ b.t()).numpy())


def test_detection_asks_for_every_feature():
    features = {"+avx512f", "+avx512bf16", "+amx-tile", "+amx-bf16"}
    assert _bfloat.detected(features | {"+sse2"}) is (_bfloat.LANES == 16)
    for missing in features:
        assert not _bfloat.detected(features - {missing})


@needs_amx
@pytest.mark.parametrize("mode", ["high", "medium"])
@pytest.mark.parametrize("m, k, n", SIZES)
def test_matmul(mode, m, k, n):
    a, b = numbers(0, m, k), numbers(1, k, n)
    across, down = nbnn.tensor(np.ascontiguousarray(a.T)).t(), nbnn.tensor(np.ascontiguousarray(b.T)).t()
    wide = nbnn.tensor(np.repeat(a, 2, axis=1))[:, ::2]
    nbnn.set_float32_matmul_precision(mode)
    for left in (nbnn.tensor(a), across, wide):
        for right in (nbnn.tensor(b), down):
            assert_near((left @ right).numpy(), a, b, mode)


@needs_amx
def test_medium_is_the_product_of_rounded_numbers():
    a, b = numbers(0, 45, 77), numbers(1, 77, 39)
    a[0, :4] = [1 + 2**-8, 1 + 3 * 2**-8, -1 - 2**-8, 1 + 2**-8 + 2**-20]  # ties go to even
    nbnn.set_float32_matmul_precision("medium")
    found = (nbnn.tensor(a) @ nbnn.tensor(b)).numpy()
    np.testing.assert_allclose(found, rounded(a).astype(float) @ rounded(b).astype(float), rtol=1e-5, atol=1e-5)


@needs_amx
@pytest.mark.parametrize("mode", ["high", "medium"])
@pytest.mark.parametrize("batch, m, k, n", [(3, 33, 40, 50), (20, 64, 64, 64), (2, 300, 260, 256)])
def test_batches(mode, batch, m, k, n):
    a, b = numbers(0, batch, m, k), numbers(1, batch, k, n)
    nbnn.set_float32_matmul_precision(mode)
    assert_near((nbnn.tensor(a) @ nbnn.tensor(b)).numpy(), a, b, mode)


@needs_amx
@pytest.mark.parametrize("mode", ["high", "medium"])
@pytest.mark.parametrize("n, k, m", [(32, 32, 32), (65, 100, 33), (40, 1500, 70)])
@pytest.mark.parametrize("biased", [False, True])
def test_linear_and_its_gradients(mode, n, k, m, biased):
    x, w, bias, g = numbers(0, n, k), numbers(1, m, k), 100 * numbers(2, m), numbers(3, n, m)
    tensors = [nbnn.tensor(v, requires_grad=True) for v in (x, w, bias)]
    nbnn.set_float32_matmul_precision(mode)
    out = F.linear(tensors[0], tensors[1], tensors[2] if biased else None)
    added = bias.astype(float) if biased else 0.0
    assert_near(out.detach().numpy(), x, w.T, mode, np.broadcast_to(added, (n, m)))
    out.backward(nbnn.tensor(g))
    assert_near(tensors[0].grad.numpy(), g, w, mode)
    assert_near(tensors[1].grad.numpy(), g.T, x, mode)
    if biased:
        np.testing.assert_allclose(tensors[2].grad.numpy(), g.astype(float).sum(0), rtol=1e-4, atol=1e-4)


@needs_amx
def test_gradients_follow_the_setting_at_their_own_time():
    def gradient(forward, backward):
        x, w = (nbnn.tensor(numbers(i, 40, 40), requires_grad=True) for i in range(2))
        nbnn.set_float32_matmul_precision(forward)
        out = x @ w
        nbnn.set_float32_matmul_precision(backward)
        out.backward(nbnn.tensor(numbers(2, 40, 40)))
        return out.detach().numpy(), x.grad.numpy(), w.grad.numpy()

    exact, rough = gradient("highest", "highest"), gradient("medium", "medium")
    mixed = gradient("highest", "medium")
    np.testing.assert_array_equal(mixed[0], exact[0])
    for i in (1, 2):
        np.testing.assert_array_equal(mixed[i], rough[i])
        assert not np.array_equal(mixed[i], exact[i])


@needs_amx
def test_what_the_setting_reaches():
    a, b = nbnn.tensor(numbers(0, 40, 40)), nbnn.tensor(numbers(1, 40, 40))
    assert differs(lambda: a @ b)
    nbnn.set_float32_matmul_precision("highest")
    assert differs(lambda: F.linear(a, b))
    for x, y in ((a.double(), b.double()), (a[:31], b), (a, b[:, :31])):
        nbnn.set_float32_matmul_precision("highest")
        assert not differs(lambda x=x, y=y: x @ y)


@needs_amx
@pytest.mark.parametrize("mode", ["high", "medium"])
@pytest.mark.parametrize("m, k, n", [(1, 1, 1), (5, 3, 2), (31, 200, 9), (0, 40, 40), (40, 0, 40), (40, 40, 0)])
def test_small_and_empty(mode, m, k, n):
    a, b = numbers(0, m, k), numbers(1, k, n)
    nbnn.set_float32_matmul_precision(mode)
    np.testing.assert_allclose((nbnn.tensor(a) @ nbnn.tensor(b)).numpy(), a @ b, rtol=1e-5, atol=1e-5)


@needs_amx
@pytest.mark.parametrize("m, k, n", [(1, 1, 1), (3, 31, 17), (17, 0, 5), (16, 33, 31), (0, 3, 3), (40, 1025, 35)])
@pytest.mark.parametrize("terms", [1, 3])
@pytest.mark.parametrize("by_row", [0, 1])
def test_the_kernel_at_every_edge(m, k, n, terms, by_row):
    a, b, bias = numbers(0, m, k), numbers(1, k, n), numbers(2, m if by_row else n)
    size = _bfloat.workspace_bf16(m, n, k, terms)
    work, out = np.full(size + 8, np.nan, np.float32), np.full((m + 1, n + 3), 7.0, np.float32)
    guard = work[size:].copy()
    _bfloat.gemm_bf16(out.reshape(-1), 0, a.reshape(-1), 0, b.reshape(-1), 0, bias, by_row, m, n, k, k, 1, n, 1, n + 3,
                      work, 0, 0, terms)  # fmt: skip
    added = np.broadcast_to(bias.astype(float)[:, None] if by_row else bias.astype(float), (m, n))
    assert_near(out[:m, :n], a, b, "medium" if terms == 1 else "high", added)
    assert np.all(out[m:] == 7) and np.all(out[:, n:] == 7)
    np.testing.assert_array_equal(work[size:], guard)


@needs_amx
def test_nan_and_infinity():
    a, b = np.abs(numbers(0, 40, 50)) + 0.1, np.abs(numbers(1, 50, 33)) + 0.1
    a[0, 0], a[1, 49], a[2, 0], a[2, 1], b[7, 32] = np.nan, np.inf, np.inf, -np.inf, -np.inf
    a[3, 5] = np.uint32(0x7F800001).view(np.float32)  # a NaN whose upper half alone is infinity
    with np.errstate(invalid="ignore"):
        expected = a @ b
    nbnn.set_float32_matmul_precision("medium")
    found = (nbnn.tensor(a) @ nbnn.tensor(b)).numpy()
    np.testing.assert_array_equal(np.isnan(found), np.isnan(expected))
    np.testing.assert_array_equal(found[np.isinf(expected)], expected[np.isinf(expected)])
    nbnn.set_float32_matmul_precision("high")
    found = (nbnn.tensor(a) @ nbnn.tensor(b)).numpy()
    np.testing.assert_array_equal(np.isfinite(found), np.isfinite(expected))
    np.testing.assert_array_equal(np.isnan(found), ~np.isfinite(expected))


@needs_amx
@pytest.mark.parametrize("mode", ["high", "medium"])
@pytest.mark.parametrize("shapes", [((300, 1100), (1100, 400)), ((20, 96, 64), (20, 64, 96)), ((700, 64), (64, 40))])
def test_the_same_bits_for_any_number_of_threads(mode, shapes):
    a, b = (nbnn.tensor(numbers(i, *s)) for i, s in enumerate(shapes))
    nbnn.set_float32_matmul_precision(mode)
    before, found = nbnn.get_num_threads(), []
    try:
        for count in (1, 2, before):
            nbnn.set_num_threads(count)
            found.append((a @ b).numpy())
    finally:
        nbnn.set_num_threads(before)
    for other in found[1:]:
        np.testing.assert_array_equal(found[0], other)
