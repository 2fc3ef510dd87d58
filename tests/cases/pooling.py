"""Cases of max pooling."""

import itertools
import math

import numpy as np

import nbnn
from tests.cases import distinct
from tests.engine import Bad, Case

INF, NAN = math.inf, math.nan


def axes(value, n):
    return (value,) * n if isinstance(value, int) else tuple(value) * (n if len(value) == 1 else 1)


def windows(size, kernel, stride, padding, dilation, ceil_mode):
    """How many windows there are, by trying one after another."""
    count, last = 0, size + 2 * padding - dilation * (kernel - 1) - 1
    while count * stride <= last + (stride - 1 if ceil_mode else 0):
        count += 1
    while ceil_mode and count and (count - 1) * stride >= size + padding:
        count -= 1
    return count


def larger(value, best):
    return value > best or math.isnan(value)


def max_pool(n):
    """The oracle over the last n axes: of equal elements the first wins, of NaNs the last, as in torch."""

    def oracle(x, kernel, stride=None, padding=0, dilation=1, ceil_mode=False, indices=False):
        k, p, d = axes(kernel, n), axes(padding, n), axes(dilation, n)
        s = k if stride is None else axes(stride, n)
        size = x.shape[-n:]
        out = tuple(windows(*v, ceil_mode) for v in zip(size, k, s, p, d, strict=True))
        values, where = np.empty((*x.shape[:-n], *out)), np.empty((*x.shape[:-n], *out), np.int64)
        for lead in np.ndindex(x.shape[:-n]):
            for o in np.ndindex(out):
                best, at = None, -1
                for tap in np.ndindex(k):
                    i = tuple(a * b - c + e * f for a, b, c, e, f in zip(o, s, p, tap, d, strict=True))
                    if all(0 <= a < m for a, m in zip(i, size, strict=True)) and (
                        best is None or larger(x[lead + i], best)
                    ):
                        best, at = x[lead + i], int(np.ravel_multi_index(i, size))
                values[lead + o], where[lead + o] = best, at
        return (values, where) if indices else values

    return oracle


def call(n):
    def pool(F, x, *args):
        return getattr(F, f"max_pool{n}d")(x, *args)

    return pool


def to_module(n):
    def build(nn, x, kernel, stride=None, padding=0, dilation=1, ceil_mode=False, indices=False):
        module = getattr(nn, f"MaxPool{n}d")(
            kernel, stride, padding, dilation, return_indices=indices, ceil_mode=ceil_mode
        )
        return module, (x,)

    return build


def make(shape, *args):
    return lambda r: (distinct(r, shape), *args)


def ties(shape, *args):
    return lambda r: (r.integers(0, 3, shape) * 1.0, *args)


OPTIONS = {  # kernel, stride, padding, dilation, ceil_mode, return_indices
    "plain": (2,), "stride": (3, 2), "overlap": (3, 1), "padding": (3, 2, 1), "dilation": (2, 1, 0, 2),
           "indices": (2, None, 0, 1, False, True),
    "ceil": (2, 2, 0, 1, True), "ceil_stride": (3, 2, 0, 1, True, True), "ceil_padding": (2, 3, 1, 1, True, True),
           "all": (3, 2, 1, 2, True, True),
    "gaps": (1, 2, 0, 1, False, True), "one": (1,), "tuple": ((2,), (1,), (1,), (2,), False, True),
}  # fmt: skip
SIZES = {1: (7,), 2: (6, 5), 3: (5, 4, 5)}


def rank(n):
    name, size = f"max_pool{n}d", SIZES[n]
    big = {1: (8, 16, 4000), 2: (4, 16, 60, 60), 3: (2, 8, 20, 20, 20)}[n]
    shared = {"module": to_module(n), "tolerance": 1.0}
    cases = [
        Case(f"{name}-{label}", call(n), make((2, 2, *size) if n < 3 else (1, 2, *size), *args), max_pool(n), **shared)
        for label, args in OPTIONS.items()
    ]
    nothing = (2, None, 0, 1, False, True)
    cases += [
        Case(f"{name}-unbatched", call(n), make((2, *size), *OPTIONS["all"]), max_pool(n), **shared),
        Case(f"{name}-ties", call(n), ties((1, 2, *size), 3, 1, 1, 1, False, True), max_pool(n), grad=(), **shared),
        Case(f"{name}-all_equal", call(n), lambda r: (np.ones((1, 1, *size)), 2, None, 0, 1, False, True),
             max_pool(n), grad=()),
        Case(f"{name}-lowest", call(n), lambda r: (np.full((1, 1, *size), -INF), 2, None, 1, 1, False, True),
             max_pool(n), grad=()),
        Case(f"{name}-nan", call(n), lambda r: (np.where(r.uniform(size=(2, 1, *size)) < 0.2, NAN,
                                                         r.normal(size=(2, 1, *size))), 2, 1, 1, 1,
                                                True, True), max_pool(n), grad=()),
        Case(f"{name}-infinite", call(n), lambda r: (r.choice([-INF, INF, 0.0, NAN], (2, 1, *size)), 3, 1, 1, 1,
                                                     False, True), max_pool(n), grad=()),
        Case(f"{name}-whole", call(n), make((1, 2, *size), size), max_pool(n), **shared),
        Case(f"{name}-large", call(n), make((1, 2, *size), 2, None, 0, 1, False, True), max_pool(n),
             large=make(big, 2, None, 0, 1, False, True),
             empty=(make((0, 2, *size), *nothing),), **shared),
        Case(f"{name}-large_overlap", call(n), make((1, 2, *size), 3, 2, 1), max_pool(n), large=make(big, 3, 2, 1)),
        Case(f"{name}-keywords", lambda F, x: getattr(F, name)(input=x, kernel_size=3, stride=2, padding=1,
                                                               dilation=1, ceil_mode=True,
                                                              return_indices=True), make((1, 2, *size)),
             lambda x: max_pool(n)(x, 3, 2, 1, 1, True, True)),
    ]  # fmt: skip
    return cases


MIXED = [
    Case("max_pool2d-mixed", call(2), make((2, 2, 7, 5), (3, 2), (2, 1), (1, 0), (1, 2), False, True), max_pool(2),
         module=to_module(2)),
    Case("max_pool2d-list", call(2), make((1, 1, 6, 6), [2, 3], [1, 2]), max_pool(2), module=to_module(2)),
    Case("max_pool3d-mixed", call(3), make((1, 2, 5, 4, 6), (1, 2, 3), (2, 1, 2), (0, 1, 1), (2, 1, 1), True, True),
         max_pool(3), module=to_module(3)),
    Case("max_pool1d-wide", call(1), make((1, 2, 40), 3, 1, 1), max_pool(1)),
    Case("max_pool2d-wide", call(2), make((1, 1, 3, 40), (2, 3), 1, (0, 1)), max_pool(2), second=False),
    *(Case(f"max_pool2d-grid_{k}{s}{p}{d}{c:d}", call(2), make((1, 1, 6, 5), k, s, p, d, c, True), max_pool(2))
      for k, s, p, d, c in itertools.product((2, 3), (1, 3), (0, 1), (1, 2), (False, True))),
]  # fmt: skip

CASES = [*(case for n in (1, 2, 3) for case in rank(n)), *MIXED]


def refusals(n):
    name = f"max_pool{n}d"
    shape = (1, 3, *(8,) * n)
    x = nbnn.ones(shape)

    def bad(label, match, error=ValueError, x=x, kernel_size=3, **more):
        return Bad(f"{name}-{label}", lambda F: getattr(F, name)(x, kernel_size, **more), error, rf"^{name}: " + match)

    return [
        bad("padding", r"`padding` \(=\(2,.*\) must be at most half of `kernel_size` \(=\(3,.*got input \(1, 3, 8",
            padding=2),
        bad("padding_negative", r"`padding` \(=-1\) must be at least 0", padding=-1),
        bad("kernel_0", r"`kernel_size` \(=0\) must be at least 1", kernel_size=0),
        bad("kernel_negative", r"`kernel_size` \(=-2\) must be at least 1", kernel_size=-2),
        bad("kernel_large", r"the dilated kernel must not be larger.*`kernel_size` \(=\(9,.*got input \(1, 3, 8",
            kernel_size=9),
        bad("dilation_large", r"the dilated kernel must not be larger.*`dilation` \(=\(4,", dilation=4),
        bad("dilation_huge", r"`dilation` \(=\d+\) must be less than 2\*\*31", dilation=2**62),
        bad("dilation_overflow", r"the dilated kernel must not be larger", dilation=2**31 - 1, kernel_size=2),
        bad("stride_0", r"`stride` \(=0\) must be at least 1", stride=0),
        bad("stride_negative", r"`stride` \(=-1\) must be at least 1", stride=-1),
        bad("dilation_0", r"`dilation` \(=0\) must be at least 1", dilation=0),
        bad("kernel_float", r"`kernel_size` \(=2.0\) must be an int; got float", TypeError, kernel_size=2.0),
        bad("kernel_nan", r"`kernel_size` \(=nan\) must be an int", TypeError, kernel_size=NAN),
        bad("kernel_bool", r"`kernel_size` \(=True\) must be an int; got bool", TypeError, kernel_size=True),
        bad("kernel_string", r"`kernel_size` \(='3'\) must be an int; got str", TypeError, kernel_size="3"),
        bad("kernel_none", r"`kernel_size` \(=None\) must be an int", TypeError, kernel_size=None),
        bad("kernel_length", rf"`kernel_size` \(=\(2, 2, 2, 2\)\) must be an int or {n} ints",
            kernel_size=(2, 2, 2, 2)),
        bad("kernel_empty", r"`kernel_size` \(=\(\)\) must be an int or", kernel_size=()),
        bad("rank_low", rf"`input` must have {n + 1} axes, or {n + 2} with a batch; got shape \(3,\)", x=nbnn.ones(3)),
        bad("rank_high", rf"`input` must have {n + 1} axes", x=nbnn.ones((1,) * (n + 3))),
        bad("rank_20", rf"`input` must have {n + 1} axes", x=nbnn.ones((1,) * 20)),
        bad("empty_axis", r"the axes of `input` that are pooled, and its channels, must not be empty",
            x=nbnn.ones((1, 3, *(0,) * n))),
        bad("no_channels", r"the axes of `input` that are pooled, and its channels, must not be empty",
            x=nbnn.ones((1, 0, *(8,) * n))),
        bad("integers", r"`input` must have a floating-point dtype; got nbnn.int64", TypeError, x=x.long()),
        bad("list", r"`input` must be a Tensor; got list", TypeError, x=[1.0]),
        bad("none", r"`input` must be a Tensor; got NoneType", TypeError, x=None),
    ]  # fmt: skip


ERRORS = [bad for n in (1, 2, 3) for bad in refusals(n)]
