"""Classes of bad input, each against every function: what must be refused by name, and what must not go wrong.

The first case of each function in the tables gives a good call; one of its inputs is then put in another's place.
Refusals compile nothing. Where the classes are tested:

====================================================  =================================================================
lengths that are negative or huge                     cases/ctc.py, test_recurrent.py (packed sequences)
positions out of range, -2**63, 2**63 - 1             test_torch_issues.py (unpooling), cases/indexing.py, embedding.py
windows of NaN and -inf; fully masked rows            test_torch_issues.py, test_multi_head.py, cases/pooling.py
axes of size 0 up to rank 20; batches of size 0       test_torch_issues_2.py, test_empty_batch.py, engine.zero_size
numbers of axes like 2**55, NaN and bools as ints     here (SIZES), test_torch_issues_2.py
kernels that do not fit, strides and groups of 0      ERRORS of cases/convolution.py, pooling.py, folding.py
classes and ids out of range, ignored ones            test_torch_issues.py, ERRORS of cases/loss.py, margin_loss.py
gradients of a wrong shape or type                    here, each function that has one
views, negative and zero strides, Fortran order,      `layouts` of the engine, each case; in place on such arrays: here
misaligned, read-only and byte-swapped arrays
aliasing: `out=` and in place on a view               test_inplace.py, cases/distance.py, engine.untouched
shapes that broadcast silently                        test_torch_issues.py, cases/margin_loss.py
gradients that are not finite, a negative max_norm    test_clip_grad.py
interpolation of one pixel, to less than one          test_torch_issues_2.py, cases/vision.py
other dtypes, mixed ones, numbers, 0-d arrays         here, test_promotion.py, `halves` of the engine
complex numbers, for each function and Tensor         test_complexes.py
wrong Python types, None, strings for modes           here, each function and each of its Tensors; ERRORS of the tables
sizes whose product overflows                         test_torch_issues_2.py
lengths that are not sorted, offsets that fall        test_torch_issues_2.py, cases/embedding_bag.py
files that are cut off, overlap or lie                test_serialization.py
eps, p and momentum at 0 and 1                        cases/normalization.py, dropout.py
Python threads that meet in a kernel                  test_jit.py
====================================================  =================================================================
"""

import re
import traceback
import warnings

import numpy as np
import pytest

import nbnn
import nbnn.nn.functional as F
from tests import report
from tests.case import NBNN, outputs, tensors

# Values that no function takes for a Tensor of numbers.
NEVER = {
    "string": "x",
    "object": object(),
    "dict": {},
    "array of objects": np.array([object()]),
    "array of text": np.array(["a"]),
    "array of dates": np.array(["2020-01-01"], "M8[D]"),
    "structured array": np.zeros(2, [("a", "f4")]),
}
# Values that some functions take: those stand below.
SELDOM = {"none": None, "list": [1.0], "number": 3, "bool": True}
TAKES_NONE = re.findall(
    r"\w+",
    """batch_norm conv1d conv2d conv3d conv_transpose1d conv_transpose2d conv_transpose3d fractional_max_pool2d
    fractional_max_pool3d group_norm gru gru_cell layer_norm linear linear_cross_entropy lstm lstm_cell
    multi_head_attention_forward rms_norm rnn_relu rnn_relu_cell rnn_tanh rnn_tanh_cell""",
)
TAKES_NUMBERS = re.findall(
    r"\w+",
    """add arctan2 atan2 bitwise_and bitwise_left_shift bitwise_or bitwise_right_shift bitwise_xor bucketize copy
    div divide eq float_power floor_divide fmod gaussian_nll_loss ge greater greater_equal gt hypot isclose isin le
    lerp less less_equal logaddexp logical_and logical_or logical_xor lt maximum minimum mul multiply ne not_equal
    pow remainder rsub scatter searchsorted sub subtract true_divide where xlogy""",
)
NO_TENSOR = {"tril_indices", "triu_indices", "setitem", "getitem"}


def first_cases():
    found = {}
    for table in report.tables():
        for case in table.CASES:
            found.setdefault(case.function, case)
    return [case for name, case in sorted(found.items()) if name not in NO_TENSOR]


CASES = first_cases()


def refusal(case, inputs):
    """The exception of a call, if nbnn raised it: the case itself may stumble over what is no Tensor."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            case.call(NBNN, *inputs)
    except Exception as error:
        last = traceback.extract_tb(error.__traceback__)[-1].filename
        return error, "/nbnn/" in last.replace("\\", "/")
    return None, True


def allowed(case, kind):
    name = case.function
    if kind == "none":
        return name in TAKES_NONE
    if kind == "list":
        return name == "copy_"
    return kind in SELDOM and name.rstrip("_") in TAKES_NUMBERS


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.function)
def test_wrong_types_are_refused_by_name(case):
    good = case.make()
    for place, value in enumerate(good):
        if not isinstance(value, np.ndarray):
            continue
        for kind, wrong in {**NEVER, **SELDOM}.items():
            for made in (tensors(case, good, False), good):
                inputs = (*made[:place], wrong, *made[place + 1 :])
                error, ours = refusal(case, inputs)
                label = f"{case.function}: input {place} as {kind}"
                if error is None:
                    assert allowed(case, kind), f"{label} was taken"
                elif ours:
                    assert type(error) in (TypeError, ValueError), f"{label}: {error!r}"
                    assert re.match(r"[a-z_0-9]+: ", str(error)), f"{label}: {error}"
                    assert not str(error).startswith("from_numpy"), f"{label}: {error}"


@pytest.mark.parametrize("case", [case for case in CASES if case.grad], ids=lambda case: case.function)
def test_gradients_of_a_wrong_shape_or_type_are_refused(case):
    outs = outputs(case, tensors(case, case.make()))
    y = next(o for o in outs if o.requires_grad)
    for shape in ((*y.shape, 2), (0,), (2, *y.shape)):
        seed = nbnn.zeros(*shape, dtype=y.dtype)
        if seed.shape != y.shape:
            with pytest.raises((ValueError, RuntimeError), match="shape"):
                y.backward(seed, retain_graph=True)
    for wrong in ("x", [1.0], 1.0, np.zeros(y.shape)):
        with pytest.raises(TypeError, match=r"^[a-z_]+: "):
            y.backward(wrong, retain_graph=True)


INTEGERS = {
    "nan": float("nan"), "fraction": 1.5, "bool": True, "string": "1", "none in a tuple": (None,), "huge": 2**55,
    "minimum": -(2**63), "beyond int64": 2**64,
}  # fmt: skip
X1, X2 = nbnn.ones(1, 2, 5), nbnn.ones(1, 2, 5, 5)
W2 = nbnn.ones(2, 2, 3, 3)
SIZES = {
    "conv2d stride": lambda F, v: F.conv2d(X2, W2, stride=v),
    "conv2d padding": lambda F, v: F.conv2d(X2, W2, padding=v),
    "conv2d dilation": lambda F, v: F.conv2d(X2, W2, dilation=v),
    "conv2d groups": lambda F, v: F.conv2d(X2, W2, groups=v),
    "conv_transpose2d stride": lambda F, v: F.conv_transpose2d(X2, W2, stride=v),
    "conv_transpose2d output_padding": lambda F, v: F.conv_transpose2d(X2, W2, output_padding=v),
    "max_pool2d kernel": lambda F, v: F.max_pool2d(X2, v),
    "max_pool2d stride": lambda F, v: F.max_pool2d(X2, 2, v),
    "max_pool2d padding": lambda F, v: F.max_pool2d(X2, 2, 2, v),
    "max_pool2d dilation": lambda F, v: F.max_pool2d(X2, 2, 2, 0, v),
    "avg_pool2d kernel": lambda F, v: F.avg_pool2d(X2, v),
    "avg_pool2d stride": lambda F, v: F.avg_pool2d(X2, 2, v),
    "lp_pool2d kernel": lambda F, v: F.lp_pool2d(X2, 2.0, v),
    "adaptive_avg_pool2d size": lambda F, v: F.adaptive_avg_pool2d(X2, v),
    "adaptive_max_pool2d size": lambda F, v: F.adaptive_max_pool2d(X2, v),
    "max_unpool1d kernel": lambda F, v: F.max_unpool1d(X1, nbnn.zeros(1, 2, 5, dtype=nbnn.int64), v),
    "unfold kernel": lambda F, v: F.unfold(X2, v),
    "fold size": lambda F, v: F.fold(nbnn.ones(1, 8, 4), v, 2),
    "pad": lambda F, v: F.pad(X2, (v, 1)),
    "interpolate size": lambda F, v: F.interpolate(X2, v),
    "softmax dim": lambda F, v: F.softmax(X2, v),
    "log_softmax dim": lambda F, v: F.log_softmax(X2, v),
    "glu dim": lambda F, v: F.glu(X2, v),
    "normalize dim": lambda F, v: F.normalize(X2, 2.0, v),
    "cosine_similarity dim": lambda F, v: F.cosine_similarity(X2, X2, v),
    "group_norm groups": lambda F, v: F.group_norm(X2, v),
    "layer_norm shape": lambda F, v: F.layer_norm(X2, v),
    "rms_norm shape": lambda F, v: F.rms_norm(X2, v),
    "local_response_norm size": lambda F, v: F.local_response_norm(X2, v),
    "pixel_shuffle factor": lambda F, v: F.pixel_shuffle(nbnn.ones(1, 4, 2, 2), v),
    "pixel_unshuffle factor": lambda F, v: F.pixel_unshuffle(nbnn.ones(1, 4, 2, 2), v),
    "channel_shuffle groups": lambda F, v: F.channel_shuffle(X2, v),
    "one_hot classes": lambda F, v: F.one_hot(nbnn.tensor([0]), v),
    "embedding padding_idx": lambda F, v: F.embedding(nbnn.tensor([0]), nbnn.ones(3, 2), v),
    "cross_entropy ignore_index": lambda F, v: F.cross_entropy(nbnn.ones(2, 3), nbnn.tensor([0, 1]), ignore_index=v),
    "ctc_loss blank": lambda F, v: F.ctc_loss(nbnn.zeros(4, 1, 3), nbnn.tensor([[1]]), (4,), (1,), blank=v),
    "multi_margin_loss p": lambda F, v: F.multi_margin_loss(nbnn.ones(2, 3), nbnn.tensor([0, 1]), v),
    "sum dim": lambda F, v: F.sum(X2, v),
    "cat dim": lambda F, v: F.cat([X2, X2], v),
    "topk k": lambda F, v: F.topk(X2, v),
    "flatten dim": lambda F, v: F.flatten(X2, v),
    "roll shift": lambda F, v: F.roll(X2, 1, v),
    "narrow length": lambda F, v: F.narrow(X2, 0, 0, v),
    "chunk count": lambda F, v: F.chunk(X2, v),
    "reshape size": lambda F, v: F.reshape(X2, (v,)),
    "cumsum dim": lambda F, v: F.cumsum(X2, v),
}  # fmt: skip
# What is no mistake: None keeps an adaptive axis as it is.
FINE = {("adaptive_avg_pool2d size", "none in a tuple"), ("adaptive_max_pool2d size", "none in a tuple")}


@pytest.mark.parametrize("name", SIZES)
def test_what_is_no_int_is_no_size(name):
    for kind, value in INTEGERS.items():
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                SIZES[name](NBNN, value)
        except (TypeError, ValueError, IndexError) as error:
            assert re.match(r"[a-z_0-9]+: ", str(error)), f"{name} {kind}: {error!r}"
        else:
            assert (name, kind) in FINE, f"{name}: {value!r} was taken"


STRANGE = {
    "Fortran order": lambda: np.asfortranarray(np.array([[-1.0, 2.0], [-3.0, 4.0]], np.float32)),
    "a step": lambda: np.array([-1.0, 9.0, 2.0, 9.0], np.float32)[::2],
    "backwards": lambda: np.array([2.0, -1.0], np.float32)[::-1],
    "bytes swapped": lambda: np.array([-1.0, 2.0], ">f4"),
    "misaligned": lambda: np.frombuffer(bytearray(b"\0" + np.array([-1.0, 2.0], "<f4").tobytes()), "<f4", offset=1),
}
IN_PLACE = {
    "relu_": (lambda a: F.relu_(a), lambda a: np.maximum(a, 0)),
    "relu": (lambda a: F.relu(a, inplace=True), lambda a: np.maximum(a, 0)),
    "leaky_relu_": (lambda a: F.leaky_relu_(a, 0.5), lambda a: np.where(a > 0, a, 0.5 * a)),
    "hardtanh_": (lambda a: F.hardtanh_(a), lambda a: np.clip(a, -1, 1)),
    "threshold_": (lambda a: F.threshold_(a, 0.0, 7.0), lambda a: np.where(a > 0, a, 7)),
}


@pytest.mark.parametrize("name", IN_PLACE)
def test_in_place_changes_the_array_that_was_given_however_it_lies(name):
    call, wanted = IN_PLACE[name]
    for kind, make in STRANGE.items():
        array = make()
        expected = wanted(array.astype(np.float64))
        np.testing.assert_allclose(call(array), expected, err_msg=kind)
        np.testing.assert_allclose(array, expected, err_msg=kind)
    frozen = np.array([-1.0, 2.0], np.float32)
    frozen.flags.writeable = False
    with pytest.raises(ValueError, match="an array that is changed in place must be writable; got a read-only one"):
        call(frozen)
    assert frozen.tolist() == [-1.0, 2.0]


def test_running_statistics_in_strange_arrays():
    x = np.random.default_rng(0).normal(size=(8, 2)).astype(np.float32)
    plain = np.zeros(2, np.float32)
    F.batch_norm(x, plain, np.ones(2, np.float32), training=True)
    for kind, make in {
        "a step": lambda: np.zeros(4, np.float32)[::2],
        "bytes swapped": lambda: np.zeros(2, ">f4"),
    }.items():
        mean = make()
        F.batch_norm(x, mean, np.ones(2, np.float32), training=True)
        np.testing.assert_array_equal(mean, plain, err_msg=kind)
    assert plain.any()
