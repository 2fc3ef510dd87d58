"""nbnn inside a user's own ``@njit``: the eager bits, the eager arguments, the eager refusals."""

from __future__ import annotations

import doctest
import os
import subprocess
import sys
from pathlib import Path

import numba
import numpy as np
import pytest
from numba.core.errors import TypingError

import nbnn
import nbnn.nn as nn
import nbnn.nn.functional as F
from nbnn.functional import cross_entropy, relu

njit = numba.njit
DTYPES = (np.float32, np.float64)


def random(*shape, dtype=np.float32, seed=0):
    return np.random.default_rng((seed, *shape)).standard_normal(shape).astype(dtype)


def assert_same(compiled, eager):
    """Equal to the last bit: arrays, tuples of arrays, or a scalar for an eager result without axes."""
    if isinstance(eager, tuple):
        assert isinstance(compiled, tuple) and len(compiled) == len(eager)
        for a, b in zip(compiled, eager, strict=True):
            assert_same(a, b)
        return
    assert isinstance(eager, np.ndarray)
    if eager.ndim == 0:
        assert np.isscalar(compiled)
        compiled = np.array(compiled, eager.dtype)
    assert (compiled.dtype, compiled.shape) == (eager.dtype, eager.shape)
    assert compiled.tobytes() == eager.tobytes()


# -- agreement -----------------------------------------------------------------------------------------------------


def use_relu(x):
    return F.relu(x), F.relu(input=x), relu(x), nbnn.relu(x, False), nn.functional.relu(x, inplace=False)


def use_linear(x, w, b):
    return F.linear(x, w), F.linear(x, w, b), F.linear(bias=b, input=x, weight=w), F.linear(x, w[0], None)


def use_conv(x, w, b):
    return (
        F.conv2d(x, w),
        F.conv2d(x, w, b, 2, 1),
        F.conv2d(x, w, b, (2, 1), (0, 2), (1, 2)),
        F.conv2d(x, w, padding="same"),
        F.conv2d(x, w, padding="valid", stride=(2,)),
    )


def use_pool(x):
    return (
        F.max_pool2d(x, 2),
        F.max_pool2d(x, (3, 2), 2, (1, 1), 1, True),
        F.max_pool2d(x, kernel_size=3, stride=1, dilation=(2, 1)),
    )


def use_indices(x):
    return F.max_pool2d(x, 2, return_indices=True)


def use_loss(x, t, w):
    return (
        F.cross_entropy(x, t),
        cross_entropy(x, t, w, ignore_index=1),
        F.cross_entropy(x, t, weight=w, reduction="none", label_smoothing=0.1, ignore_index=2),
        F.cross_entropy(x, t, reduction="sum"),
    )


def use_soft_loss(x, t, w):
    return F.cross_entropy(x, t, w, label_smoothing=0.2), F.cross_entropy(x, t, reduction="none")


jit_relu, jit_linear, jit_conv, jit_pool, jit_indices, jit_loss, jit_soft_loss = map(
    njit, (use_relu, use_linear, use_conv, use_pool, use_indices, use_loss, use_soft_loss)
)


@pytest.mark.parametrize("dtype", DTYPES)
def test_relu_agrees(dtype):
    x = random(5, 7, dtype=dtype)
    x[0, :3] = np.nan, -0.0, -np.inf
    for a in (x, x.T, x[::-1, ::2], x[:0], np.array(-1.5, dtype)):
        assert_same(jit_relu(a), use_relu(a))
    assert_same(jit_relu(np.arange(-2, 3)), use_relu(np.arange(-2, 3)))


def test_relu_in_place_is_refused():
    with pytest.raises(TypeError, match=r"^relu: `inplace` \(=True\) must be False in compiled code"):
        njit(lambda x: F.relu(x, True))(random(3))


@pytest.mark.parametrize("dtype", DTYPES)
def test_linear_agrees(dtype):
    w, b = random(9, 6, dtype=dtype), random(9, dtype=dtype)
    for shape in ((4, 6), (6,), (2, 3, 6), (0, 6)):
        x = random(*shape, dtype=dtype)
        assert_same(jit_linear(x, w, b), use_linear(x, w, b))
    x = random(8, 12, dtype=dtype)[::2, ::2]
    assert_same(jit_linear(x, w, b), use_linear(x, w, b))


def test_linear_spreads_a_bias_of_one_element():
    x, w = random(4, 6), random(9, 6)
    for b in (np.ones(1, np.float32), np.array(2, np.float32)):
        assert_same(njit(lambda x, w, b: F.linear(x, w, b))(x, w, b), F.linear(x, w, b))


@pytest.mark.parametrize("dtype", DTYPES)
def test_conv2d_agrees(dtype):
    w, b = random(5, 3, 3, 2, dtype=dtype), random(5, dtype=dtype)
    for x in (random(2, 3, 8, 9, dtype=dtype), random(0, 3, 8, 9, dtype=dtype)):
        assert_same(jit_conv(x, w, b), use_conv(x, w, b))


def test_conv2d_of_one_image_and_of_channels_last():
    w, b = random(5, 3, 3, 2), random(5)
    for x in (random(3, 8, 9), random(2, 8, 9, 3).transpose(0, 3, 1, 2)):
        assert_same(njit(lambda x, w, b: F.conv2d(x, w, b, 2, 1))(x, w, b), F.conv2d(x, w, b, 2, 1))


def test_sizes_may_be_variables():
    @njit
    def convolve(x, w, stride, padding, groups):
        return F.conv2d(x, w, None, stride, padding, groups=groups), F.max_pool2d(x, padding + 1, ceil_mode=stride > 1)

    x, w = random(2, 4, 7, 6), random(6, 2, 3, 3)
    for stride, padding in ((1, 0), (2, 1), (3, 2)):
        eager = F.conv2d(x, w, None, stride, padding, groups=2), F.max_pool2d(x, padding + 1, ceil_mode=stride > 1)
        assert_same(convolve(x, w, stride, padding, 2), eager)


@pytest.mark.parametrize("dtype", DTYPES)
def test_max_pool2d_agrees(dtype):
    x = random(2, 3, 8, 9, dtype=dtype)
    x[0, 0, 3, 3] = np.nan
    for a in (x, x[:0]):
        assert_same(jit_pool(a), use_pool(a))
    for a in (x, x[1], x.transpose(1, 0, 3, 2)):
        assert_same(jit_indices(a), use_indices(a))


@pytest.mark.parametrize("dtype", DTYPES)
def test_cross_entropy_agrees(dtype):
    w = np.abs(random(5, dtype=dtype))
    cases = [((7, 5), (7,)), ((0, 5), (0,)), ((3000, 5), (3000,))]
    if dtype is np.float32:
        cases += [((3, 5, 2, 4), (3, 2, 4)), ((5,), ())]
    for shape, targets in cases:
        x = random(*shape, dtype=dtype)
        t = np.asarray(np.random.default_rng(1).integers(0, 5, targets))
        assert_same(jit_loss(x, t, w), use_loss(x, t, w))


def test_cross_entropy_of_small_integers_and_columns():
    x, t = random(7, 5), np.array([0, 4, 1, 1, 2, 3, 0], np.uint8)
    assert_same(njit(lambda x, t: F.cross_entropy(x, t))(np.asfortranarray(x), t), F.cross_entropy(x, t))


def test_cross_entropy_of_probabilities_agrees():
    w = np.abs(random(5))
    for shape in ((7, 5), (0, 5), (3, 5, 4)):
        x, t = random(*shape), np.abs(random(*shape, seed=1))
        assert_same(jit_soft_loss(x, t, w), use_soft_loss(x, t, w))


def test_all_targets_ignored_gives_nan_and_one_class_minus_zero():
    assert np.isnan(njit(lambda x, t: F.cross_entropy(x, t))(random(3, 5), np.full(3, -100)))
    x, t = np.ones(1, np.float32), np.array(0)
    assert_same(jit_loss(x, t, np.ones(1, np.float32)), use_loss(x, t, np.ones(1, np.float32)))


def test_read_only_arrays_and_constants():
    x, w = random(4, 6), random(9, 6)
    x.setflags(write=False)
    assert_same(njit(lambda x: F.linear(x, w))(x), F.linear(x, w))


def test_any_number_of_threads_and_any_flags_of_the_caller():
    x, w, b = random(16, 8, 32, 32), random(16, 8, 3, 3), random(16)
    v = random(64, 1024)
    t = np.random.default_rng(0).integers(0, 64, 16 * 16)

    def network(x, w, b, v, t):
        y = F.max_pool2d(F.relu(F.conv2d(x, w, b, padding=1)), 2)
        z = F.linear(y.reshape(16 * 16, 256), v[:, :256])
        return y, z, F.cross_entropy(z, t, reduction="none")

    compiled = [njit(network), njit(network, fastmath=True, error_model="numpy"), njit(network, forceinline=True)]
    threads = nbnn.get_num_threads()
    try:
        for n in (1, threads):
            nbnn.set_num_threads(n)
            eager = network(x, w, b, v, t)
            for run in compiled:
                assert_same(run(x, w, b, v, t), eager)
    finally:
        nbnn.set_num_threads(threads)


# -- inside larger programs ----------------------------------------------------------------------------------------


@njit
def network(x, w1, b1, w2, b2):
    return F.linear(F.relu(F.linear(x, w1, b1)), w2, b2)


@njit
def total_loss(x, t, w1, b1, w2, b2):
    total = 0.0
    for i in range(0, len(x), 8):
        total += F.cross_entropy(network(x[i : i + 8], w1, b1, w2, b2), t[i : i + 8])
    return total


def test_a_network_called_from_another_function():
    x, t = random(20, 6), np.random.default_rng(0).integers(0, 4, 20)
    weights = random(10, 6), random(10), random(4, 10), random(4)
    eager = total_loss.py_func(x, t, *weights)
    assert total_loss(x, t, *weights) == pytest.approx(float(eager), rel=1e-6)
    assert_same(network(x, *weights), network.py_func(x, *weights))


def test_in_a_parallel_loop():
    @njit(parallel=True)
    def sums(x, w, b):
        out = np.zeros(len(x), x.dtype)
        for i in numba.prange(len(x)):
            out[i] = F.max_pool2d(F.relu(F.conv2d(x[i], w, b)), 2).sum()
        return out

    @njit
    def one(x, w, b):
        return F.max_pool2d(F.relu(F.conv2d(x, w, b)), 2).sum()

    x, w, b = random(50, 3, 8, 8), random(4, 3, 3, 3), random(4)
    for _ in range(3):
        assert_same(sums(x, w, b), np.array([one(a, w, b) for a in x], np.float32))


def test_a_refusal_can_be_caught():
    @njit
    def fits(x, w):
        try:
            F.linear(x, w)
        except Exception:  # noqa: BLE001  (the only form that Numba has)
            return False
        return True

    assert fits(random(2, 3), random(4, 3))
    assert not fits(random(2, 3), random(4, 5))


USER = """
import numba, numpy as np
import nbnn.nn.functional as F

@numba.njit(cache=True)
def layer(x, w):
    return F.relu(F.linear(x, w))

@numba.njit(cache=True)
def loss(x, w, t):
    return F.cross_entropy(layer(x, w), t)

if __name__ == "__main__":
    from nbnn import _jit
    x, w, t = np.ones((2, 3), np.float32), np.full((4, 3), 0.5, np.float32), np.array([0, 3])
    value = loss(x, w, t)
    assert value == float(F.cross_entropy(F.relu(F.linear(x, w)), t))
    print(sum(loss.stats.cache_hits.values()), end=" ")
    try:
        loss(x, w, np.array([0, 4]))
    except IndexError as error:
        print(error)
"""


def test_cached_functions_are_loaded_and_never_stale(tmp_path: Path):
    script = tmp_path / "user.py"
    script.write_text(USER)
    refusal = "cross_entropy: `target`[1] (=4) must be in [0, 3]\n"

    def start(setup="pass"):
        code = f"{setup}\nimport runpy; runpy.run_path('user.py', run_name='__main__')"
        where = {**os.environ, "PYTHONPATH": str(Path(nbnn.__file__).parents[1])}
        done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, env=where)
        assert done.returncode == 0, done.stderr
        return done.stdout

    assert start() == "0 " + refusal
    assert start() == "1 " + refusal
    # another version of what is compiled into the user's function: Numba compiles it again
    assert start("import nbnn.compile._link as link; link.source_digest = lambda: 'other'") == "0 " + refusal


# -- refusals ------------------------------------------------------------------------------------------------------

X, W = random(2, 4, 6, 6), random(6, 4, 3, 3)
SCORES, TARGETS = random(3, 5), np.array([0, 4, 2])

AT_RUN_TIME = [
    (lambda x, w: F.linear(x, w), (random(2, 3), random(4, 5))),
    (lambda x, w, b: F.linear(x, w, b), (random(2, 3), random(4, 3), random(3))),
    (lambda x, w: F.conv2d(x, w), (random(2, 3, 6, 6), W)),
    (lambda x, w, b: F.conv2d(x, w, b), (X, W, random(5))),
    (lambda x, w: F.conv2d(x, w), (random(4, 2, 2), W)),
    (lambda x, w: F.conv2d(x, w, dilation=(1, 3)), (X, W)),
    (lambda x, w: F.conv2d(x, w), (X, random(6, 4, 0, 3))),
    (lambda x, w: F.conv2d(x, w, groups=3), (random(1, 12, 6, 6), random(7, 4, 3, 3))),
    (lambda x, w: F.conv2d(x, w, groups=0), (X, W)),
    (lambda x, w: F.conv2d(x, w, stride=0), (X, W)),
    (lambda x, w: F.conv2d(x, w, stride=(1, -2)), (X, W)),
    (lambda x, w: F.conv2d(x, w, padding=-1), (X, W)),
    (lambda x, w: F.conv2d(x, w, dilation=1 << 40), (X, W)),
    (lambda x, w: F.conv2d(x, w, padding="same", stride=2), (X, W)),
    (lambda x: F.max_pool2d(x, 3, padding=2), (X,)),
    (lambda x: F.max_pool2d(x, 7), (X,)),
    (lambda x: F.max_pool2d(x, 0), (X,)),
    (lambda x: F.max_pool2d(x, 2, stride=0), (X,)),
    (lambda x: F.max_pool2d(x, 2), (X[:, :, :0],)),
    (lambda x, t: F.cross_entropy(x, t), (SCORES, np.array([0, 5, 2]))),
    (lambda x, t: F.cross_entropy(x, t), (random(2, 5, 3), np.array([[0, 1, 2], [0, -1, 2]]))),
    (lambda x, t: F.cross_entropy(x, t), (SCORES, np.array([0, 1]))),
    (lambda x, t, w: F.cross_entropy(x, t, w), (SCORES, TARGETS, random(4))),
    (lambda x, t: F.cross_entropy(x, t, label_smoothing=1.5), (SCORES, TARGETS)),
    (lambda x, t: F.cross_entropy(x, t, ignore_index=1 << 40), (SCORES, TARGETS)),
    (lambda x, t: F.cross_entropy(x, t), (SCORES, random(3, 4))),
    (lambda x, t, w: F.cross_entropy(x, t, w), (SCORES, SCORES, random(4))),
]


@pytest.mark.parametrize(("call", "arrays"), AT_RUN_TIME)
def test_values_are_refused_as_eagerly(call, arrays):
    with pytest.raises((ValueError, IndexError, TypeError)) as eager:
        call(*arrays)
    with pytest.raises(eager.type) as compiled:
        njit(call)(*arrays)
    assert str(compiled.value) == str(eager.value)


WHILE_COMPILING = [
    (lambda x: F.relu(x), (1.5,), "relu: `input` must be an array; got float64"),
    (lambda x: F.relu(x), (np.ones(2, np.uint16),), "from_numpy: `dtype` (=dtype('uint16')) must be one of"),
    (lambda x: F.relu(x), (np.ones(2, np.float16),), "relu: `input` of nbnn.float16 must be converted to float32"),
    (lambda x, w: F.linear(x, w), (np.ones((2, 3), int), random(4, 3)), "linear: `input` must have a floating-point"),
    (
        lambda x, w: F.linear(x, w),
        (random(2, 3), random(4, 3, dtype=np.float64)),
        "linear: all inputs must have one dtype; got `input` nbnn.float32, `weight` nbnn.float64",
    ),
    (lambda x, w: F.linear(x, w), (random(2, 3), random(4, 3, 1)), "linear: `weight` must have 1 or 2 axes"),
    (lambda x, w: F.conv2d(x, w), (X, random(4, 3)), "conv2d: `weight` must have 4 axes"),
    (lambda x, w: F.conv2d(x, w), (random(6, 6), W), "conv2d: `input` must have 3 axes, or 4 with a batch"),
    (lambda x, w: F.conv2d(x, w, stride=1.5), (X, W), "conv2d: `stride` (=1.5) must be an int; got float"),
    (lambda x, w: F.conv2d(x, w, stride=(1, 2, 3)), (X, W), "conv2d: `stride` must be an int or 2 ints"),
    (lambda x, w: F.conv2d(x, w, padding="full"), (X, W), "conv2d: `padding` (='full') must be 'valid', 'same'"),
    (lambda x: F.max_pool2d(x, True), (X,), "max_pool2d: `kernel_size` (=True) must be an int; got bool"),
    (lambda x, i: F.max_pool2d(x, 2, return_indices=i), (X, True), "max_pool2d: `return_indices` must be a constant"),
    (lambda x, t: F.cross_entropy(x, t), (SCORES, TARGETS[None]), "cross_entropy: `target` must have the shape"),
    (lambda x, t: F.cross_entropy(x, t), (SCORES, TARGETS > 0), "cross_entropy: `target` must hold integers"),
    (lambda x, t: F.cross_entropy(x, t, reduction="avg"), (SCORES, TARGETS), "`reduction` (='avg') must be one of"),
]


@pytest.mark.parametrize(("call", "arguments", "text"), WHILE_COMPILING)
def test_types_are_refused_while_compiling(call, arguments, text):
    with pytest.raises(TypingError) as refusal:
        njit(call)(*arguments)
    assert text in str(refusal.value)


def test_examples_of_the_page():
    page = Path(__file__).parent.parent / "docs" / "njit.md"
    options = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS
    assert doctest.testfile(str(page), module_relative=False, optionflags=options).failed == 0


def test_import_compiles_nothing():
    code = "import nbnn; from nbnn import _jit; print(_jit.stats.compiled, _jit.stats.loaded)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "0 0\n"
