"""The fast twins of convolution against their bodies and against the definition, in float64."""

import itertools

import numpy as np
import pytest

from nbnn.kernels import convolution as C
from tests.test_gemm import DTYPES, empty, numbers, run, two_threads


def convolve(x, weight, bias, out, stride, padding, dilation, groups):
    """The definition: for each tap, a slice of the padded input times one number of each weight."""
    n, o = x.shape[0], weight.shape[0]
    depth, width = weight.shape[1], o // groups
    padded = np.pad(x.astype(float), ((0, 0), (0, 0), *((p, p) for p in padding)))
    y = np.zeros((n, o, *out))
    for tap in itertools.product(*map(range, weight.shape[2:])):
        cut = tuple(slice(t * d, t * d + (q - 1) * s + 1, s) for t, d, q, s in zip(tap, dilation, out, stride))
        for group in range(groups):
            pixels = padded[(slice(None), slice(group * depth, (group + 1) * depth), *cut)]
            part = weight[(slice(group * width, (group + 1) * width), slice(None), *tap)].astype(float)
            y[:, group * width : (group + 1) * width] += np.einsum("ncxyz,oc->noxyz", pixels, part)
    return y if bias is None else y + bias[:, None, None, None]


class Case:
    """One convolution: its arrays, its parameters and the gradients by the adjoint of the definition."""

    def __init__(self, n, c, size, o, kernel, stride, padding, dilation, groups, dtype=np.float32):
        axes = zip(size, kernel, stride, padding, dilation)
        out = tuple((s + 2 * p - d * (k - 1) - 1) // t + 1 for s, k, t, p, d in axes)
        self.params = (n, c, *size, o, *kernel, *out, *stride, *padding, *dilation, groups)
        self.x, self.weight = numbers(dtype, (n, c, *size)), numbers(dtype, (o, c // groups, *kernel), 1)
        self.bias, self.grad = numbers(dtype, (o,), 2), numbers(dtype, (n, o, *out), 3)
        self.dtype = dtype
        self.options = (out, stride, padding, dilation, groups)

    def forward(self, biased):
        return convolve(self.x, self.weight, self.bias if biased else None, *self.options)

    def fast(self, name, size, *arrays, threads=1):
        out = empty(size, self.dtype)
        w = empty(getattr(C, f"{name}_workspace")(*self.params), self.dtype)
        arrays = tuple(None if a is None else a.ravel() for a in arrays)
        run(getattr(C, f"{name}_fast"), out, *arrays, w, *self.params, threads=threads)
        return out

    def body(self, name, size, *arrays):
        out = empty(size, self.dtype)
        arrays = tuple(None if a is None else a.ravel() for a in arrays)
        getattr(C, name).cpu(out, (*arrays, *self.params), 0, size, 1000, 0)
        return out

    def calls(self):
        """(name, size of the result, inputs) of the four kernels."""
        yield "conv", self.grad.size, (self.x, self.weight, self.bias)
        yield "conv_transpose", self.x.size, (self.grad, self.weight, None)
        yield "conv_grad_weight", self.weight.size, (self.grad, self.x)


def grid():
    for size, kernel in (
        ((1, 9, 11), (1, 3, 3)),
        ((1, 1, 40), (1, 1, 5)),
        ((5, 6, 7), (3, 2, 3)),
        ((1, 7, 7), (1, 1, 1)),
    ):
        for step, pad, gap in ((1, 0, 1), (1, 1, 1), (2, 1, 1), (2, 0, 2), (3, 2, 1), (1, 2, 2)):
            on = [k > 1 for k in kernel]
            strides = tuple(step if s > 1 else 1 for s in size)
            yield size, kernel, strides, tuple(pad * v for v in on), tuple(gap if v else 1 for v in on)


GROUPS = ((4, 6, 1), (4, 6, 2), (4, 4, 4), (1, 9, 1), (3, 1, 1))


@pytest.mark.parametrize("dtype", DTYPES)
def test_convolution_against_its_definition(dtype):
    for i, (options, (c, o, groups)) in enumerate(itertools.product(grid(), GROUPS)):
        size, kernel, stride, padding, dilation = options
        if dtype == np.float64 and i % 5:
            continue
        case = Case(2, c, size, o, kernel, stride, padding, dilation, groups, dtype)
        scale = 100 * np.finfo(dtype).eps
        for biased in (True, False):
            got = case.fast("conv", case.grad.size, case.x, case.weight, case.bias if biased else None)
            np.testing.assert_allclose(
                got, case.forward(biased).ravel(), rtol=scale, atol=scale * 5, err_msg=f"{case.params}"
            )
        for name, count, arrays in case.calls():
            fast, body = case.fast(name, count, *arrays), case.body(name, count, *arrays)
            np.testing.assert_allclose(fast, body, rtol=scale, atol=scale * 10, err_msg=f"{name} {case.params}")


BATCHES = [  # many small images: c, size, o, kernel, stride, padding, dilation
    (6, (1, 7, 9), 10, (1, 5, 5), (1, 1, 1), (0, 0, 0), (1, 1, 1)),
    (32, (1, 4, 4), 90, (1, 4, 4), (1, 2, 2), (0, 1, 1), (1, 1, 1)),
    (15, (3, 6, 5), 60, (2, 3, 3), (2, 1, 3), (1, 2, 0), (1, 2, 1)),
    (2, (1, 9, 20), 12, (1, 5, 4), (1, 1, 1), (0, 2, 1), (1, 1, 1)),
    (9, (1, 1, 40), 6, (1, 1, 5), (1, 1, 2), (0, 0, 3), (1, 1, 3)),
    (8, (1, 9, 8), 30, (1, 3, 2), (1, 4, 3), (0, 3, 2), (1, 2, 2)),
]


@pytest.mark.parametrize("dtype", DTYPES)
def test_many_small_images(dtype):
    for n, (c, *options) in itertools.product((32, 61), BATCHES):
        case = Case(n, c, *options, 1, dtype)
        scale = 100 * np.finfo(dtype).eps
        for biased in (True, False):
            got = case.fast("conv", case.grad.size, case.x, case.weight, case.bias if biased else None)
            np.testing.assert_allclose(
                got, case.forward(biased).ravel(), rtol=scale, atol=scale * 10, err_msg=f"{case.params}"
            )
        for name, count, arrays in case.calls():
            fast, body = case.fast(name, count, *arrays), case.body(name, count, *arrays)
            np.testing.assert_allclose(fast, body, rtol=scale, atol=scale * 20, err_msg=f"{name} {case.params}")


def test_more_images_than_are_turned_at_once():
    case = Case(93, 16, (1, 40, 40), 30, (1, 1, 2), (1, 1, 1), (0, 0, 1), (1, 1, 1), 1)
    for name, count, arrays in case.calls():
        fast, body = case.fast(name, count, *arrays), case.body(name, count, *arrays)
        np.testing.assert_allclose(fast, body, rtol=1e-4, atol=1e-3, err_msg=name)


@pytest.mark.parametrize("n, o", [(2, 3), (2, 6), (2, 40), (40, 32)])  # dot products, of rows, outer products, batch
@pytest.mark.parametrize("place", ["image", "gradient"])
def test_an_infinity_reaches_the_same_weights_as_in_the_body(place, n, o):
    padding, array = ((0, 1, 1), "x") if place == "image" else ((0, 0, 0), "grad")
    case = Case(n, 8, (1, 7, 8), o, (1, 3, 3), (1, 1, 1), padding, (1, 1, 1), 1)
    array = getattr(case, array)
    for at, value in (((1, 2, 0, 0, 1), np.inf), ((1, 1, 0, 4, 5), -np.inf), ((0, 1, 0, 3, 2), np.nan)):
        array[at] = value
    fast, body = (f("conv_grad_weight", case.weight.size, case.grad, case.x) for f in (case.fast, case.body))
    assert 0 < np.isfinite(body).sum() < body.size
    np.testing.assert_array_equal(np.isposinf(fast), np.isposinf(body))
    np.testing.assert_array_equal(np.isneginf(fast), np.isneginf(body))
    np.testing.assert_allclose(fast, body, rtol=1e-4, atol=1e-4)


def test_many_small_images_transposed_with_a_bias():
    for c, *options in BATCHES:
        case = Case(32, c, *options, 1)
        bias = numbers(np.float32, (c,), 4)
        fast, body = (f("conv_transpose", case.x.size, case.grad, case.weight, bias) for f in (case.fast, case.body))
        np.testing.assert_allclose(fast, body, rtol=1e-5, atol=1e-4, err_msg=f"{case.params}")


@pytest.mark.parametrize("groups", [1, 2])
def test_gradients_are_the_adjoints(groups):
    """<grad, conv(x, w)> = <grad_input, x> = <grad_weight, w> = and the bias gradient is the plain sum."""
    case = Case(3, 4, (3, 8, 9), 6, (2, 3, 3), (1, 2, 2), (1, 1, 0), (1, 1, 2), groups, np.float64)
    value = (case.grad * case.forward(False)).sum()
    for name, count, arrays in list(case.calls())[1:]:
        other = case.x if name == "conv_transpose" else case.weight
        np.testing.assert_allclose((case.body(name, count, *arrays) * other.ravel()).sum(), value, rtol=1e-10)
        np.testing.assert_allclose((case.fast(name, count, *arrays) * other.ravel()).sum(), value, rtol=1e-10)
    n, channels, depth, height, width = case.grad.shape
    bias, grad = empty(channels, np.float64), case.grad.ravel()
    C.conv_grad_bias.cpu(bias, (grad, n, channels, depth * height, width), 0, channels, 1000, 0)
    np.testing.assert_allclose(bias, case.grad.sum((0, 2, 3, 4)), rtol=1e-12)


ZEROS = [
    (0, 3, (1, 5, 5), 4, 1),
    (2, 0, (1, 5, 5), 4, 1),
    (2, 3, (1, 5, 5), 0, 1),
    (2, 3, (1, 5, 2), 4, 1),  # no output column
    (40, 8, (1, 5, 2), 32, 1),
]


@pytest.mark.parametrize("n, c, size, o, groups", ZEROS)
def test_nothing_to_convolve(n, c, size, o, groups):
    case = Case(n, c, size, o, (1, 3, 3), (1, 1, 1), (0, 0, 0), (1, 1, 1), groups)
    for name, count, arrays in case.calls():
        np.testing.assert_array_equal(case.fast(name, count, *arrays), case.body(name, count, *arrays))


@two_threads
@pytest.mark.parametrize(
    "n, c, size, o, kernel, stride, groups",
    [
        (70, 3, (1, 28, 28), 16, (1, 3, 3), (1, 1, 1), 1),
        (3, 70, (1, 30, 31), 40, (1, 3, 3), (1, 2, 2), 1),
        (9, 32, (1, 30, 30), 32, (1, 3, 3), (1, 1, 1), 32),
        (2, 300, (1, 9, 9), 24, (1, 3, 3), (1, 1, 1), 1),
        (95, 16, (1, 9, 9), 72, (1, 3, 3), (1, 2, 2), 1),
        (40, 2, (1, 40, 37), 12, (1, 5, 5), (1, 1, 1), 1),
        (1, 128, (1, 45, 45), 128, (1, 3, 3), (1, 1, 1), 1),  # tiles in two blocks, the last panel half full
    ],
)
def test_convolution_has_the_same_bits_for_any_number_of_threads(n, c, size, o, kernel, stride, groups):
    case = Case(n, c, size, o, kernel, stride, (0, 1, 1), (1, 1, 1), groups)
    for name, count, arrays in case.calls():
        one, two = (case.fast(name, count, *arrays, threads=t) for t in (1, 2))
        assert (one == two).all(), name
    want = case.forward(True).ravel()
    got = case.fast("conv", case.grad.size, case.x, case.weight, case.bias)
    np.testing.assert_allclose(got, want, rtol=1e-3, atol=1e-3)
