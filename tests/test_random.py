"""Philox and the fills: known answers, distributions, and the same bits by every route and on every thread count."""

import numpy as np
import pytest

from nbnn import _jit
from nbnn.kernels import _cpu
from nbnn.kernels import _random as R
from nbnn.kernels import dropout as D

KNOWN = [
    ([0] * 6, "6627e8d5 e169c58d bc57ac4c 9b00dbd8"),
    ([0xFFFFFFFF] * 6, "408f276d 41c83b0e a20bc7c6 6d5451fd"),
    (
        [0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344, 0xA4093822, 0x299F31D0],
        "d16cfe09 94fdcceb 5001e420 24126ea1",
    ),
]
FILLS = [
    (R.fill_uniform32, R.fill_uniform32_fast, np.float32),
    (R.fill_uniform64, R.fill_uniform64_fast, np.float64),
    (R.fill_normal32, R.fill_normal32_fast, np.float32),
    (R.fill_normal64, R.fill_normal64_fast, np.float64),
]
NONE = np.empty(0)


@_jit.jit
def compiled_philox(c0, c1, c2, c3, k0, k1):
    return R.philox(c0, c1, c2, c3, k0, k1)


@pytest.mark.parametrize("arguments, words", KNOWN)
def test_published_answers(arguments, words):
    values = [np.uint64(a) for a in arguments]
    want = [int(w, 16) for w in words.split()]
    assert [int(v) for v in R.philox(*values)] == want
    assert [int(v) for v in compiled_philox(*values)] == want


def fill(kernel, dtype, n, *params):
    y = np.empty(n, dtype)
    _cpu.run(kernel, (y,), (), params, n)
    return y


@pytest.mark.parametrize("body, fast, dtype", FILLS, ids=lambda f: getattr(f, "name", ""))
@pytest.mark.parametrize("n", [0, 1, 2, 3, 4, 5, 127, 1000])
def test_fast_path_is_the_body(body, fast, dtype, n):
    y = np.empty(n, dtype)
    fast(y, NONE, 0.5, 2.0, -7, 1 << 40, 0)
    assert np.array_equal(y, fill(body, dtype, n, 0.5, 2.0, -7, 1 << 40))


@pytest.mark.parametrize("body, fast, dtype", FILLS, ids=lambda f: getattr(f, "name", ""))
def test_plain_python_gives_the_same_numbers(body, fast, dtype):
    params = (np.float64(0.5), np.float64(2.0), 3, 5)
    plain = [body.body.py_func(i, *params) for i in range(9)]
    np.testing.assert_allclose(plain, fill(body, dtype, 9, *params), rtol=1e-5 if dtype == np.float32 else 1e-13)
    assert all(type(v) is dtype for v in plain)


@pytest.mark.parametrize("body, fast, dtype", FILLS, ids=lambda f: getattr(f, "name", ""))
def test_threads_do_not_matter(body, fast, dtype):
    n = 100_003
    _cpu.pool.start()
    serial, parallel = np.empty(n, dtype), np.empty(n, dtype)
    fast(serial, NONE, 0.0, 1.0, 1, 2, 0)
    fast(parallel, NONE, 0.0, 1.0, 1, 2, _cpu.pool.address)
    assert np.array_equal(serial, parallel)


@pytest.mark.parametrize("body, dtype", [(R.fill_uniform32, np.float32), (R.fill_uniform64, np.float64)])
def test_uniform(body, dtype):
    n = 200_000
    y = fill(body, dtype, n, -1.0, 3.0, 42, 0)
    assert y.dtype == dtype and y.min() >= -1 and y.max() < 3
    counts = np.histogram(y, 64, (-1, 3))[0]
    assert ((counts - n / 64) ** 2 / (n / 64)).sum() < 63 + 5 * np.sqrt(2 * 63)  # chi squared, five sigma
    assert abs(np.corrcoef(y[:-1], y[1:])[0, 1]) < 5 / np.sqrt(n)


@pytest.mark.parametrize("body, dtype", [(R.fill_normal32, np.float32), (R.fill_normal64, np.float64)])
def test_normal(body, dtype):
    n = 200_000
    z = (fill(body, dtype, n, 3.0, 2.0, 42, 0).astype(np.float64) - 3) / 2
    for moment, want, variance in ((1, 0, 1), (2, 1, 2), (3, 0, 15), (4, 3, 96)):
        assert abs((z**moment).mean() - want) < 5 * np.sqrt(variance / n)
    assert np.isfinite(z).all() and np.abs(z).max() < 7
    assert abs(np.corrcoef(z[::2], z[1::2])[0, 1]) < 5 / np.sqrt(n)


def test_seed_and_offset_give_other_numbers():
    draws = [
        fill(R.fill_uniform64, np.float64, 100, 0.0, 1.0, s, o) for s in (0, 1, -1, 1 << 33) for o in (0, 1, 1 << 33)
    ]
    assert len({d.tobytes() for d in draws}) == len(draws)


def test_randint_and_bernoulli():
    n = 70_000
    k = fill(R.fill_randint, np.int64, n, -3, 4, 9, 9)
    counts = np.bincount(k + 3, minlength=7)
    assert counts.size == 7 and ((counts - n / 7) ** 2 / (n / 7)).sum() < 6 + 5 * np.sqrt(12)
    assert np.array_equal(fill(R.fill_randint, np.int64, 3, 5, 6, 9, 9), [5, 5, 5])
    ones = fill(R.fill_bernoulli, np.float32, n, 0.25, 9, 9)
    assert set(ones) == {0, 1} and abs(ones.mean() - 0.25) < 5 * np.sqrt(0.1875 / n)
    assert fill(R.fill_bernoulli, np.float32, 100, 1.0, 9, 9).all()
    assert not fill(R.fill_bernoulli, np.float32, 100, 0.0, 9, 9).any()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_dropout(dtype):
    n = 50_001
    x = np.random.default_rng(0).standard_normal(n).astype(dtype)
    x[:2] = np.inf, np.nan
    masks = []
    for p in (0.0, 0.3, 1.0):
        y, z = np.empty_like(x), np.empty_like(x)
        _cpu.run(D.dropout, (y,), (x,), (p, 5, 7), n)
        D.dropout_fast(z, x, NONE, p, 5, 7, _cpu.pool.address)
        assert np.array_equal(y, z, equal_nan=True)
        kept = y != 0
        assert abs(kept.mean() - (1 - p)) <= 5 * np.sqrt(p * (1 - p) / n)
        np.testing.assert_array_equal(y[kept], x[kept] * dtype(1 / (1 - p) if p < 1 else 0))
        masks.append(kept)
    assert masks[0].all() and not masks[2].any()
