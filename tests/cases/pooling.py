"""Cases of pooling."""

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


def avg_pool(n):
    """The oracle over the last n axes."""

    def oracle(x, kernel, stride=None, padding=0, ceil_mode=False, count_pad=True, divisor=None):
        k, p = axes(kernel, n), axes(padding, n)
        s = k if stride is None else axes(stride, n)
        size = x.shape[-n:]
        out = tuple(windows(m, a, b, c, 1, ceil_mode) for m, a, b, c in zip(size, k, s, p, strict=True))
        y = np.empty((*x.shape[:-n], *out))
        for o in np.ndindex(out):
            inner, counts = [], []
            for at, a, b, c, m in zip(o, k, s, p, size, strict=True):
                lo = at * b - c
                inner.append(slice(max(lo, 0), min(lo + a, m)))
                counts.append(min(lo + a, m + c) - lo if count_pad else inner[-1].stop - inner[-1].start)
            total = x[(..., *inner)].sum(tuple(range(-n, 0)))
            y[(..., *o)] = total / (divisor or math.prod(counts))
        return y

    return oracle


def parts(x, n, output_size):
    """(output index, the part of x) for each part of the last n axes."""
    size = x.shape[-n:]
    given = output_size if isinstance(output_size, (tuple, list)) else (output_size,) * n
    out = tuple(m if g is None else g for g, m in zip(given, size, strict=True))
    found = []
    for o in np.ndindex(out):
        cut = tuple(slice(a * m // b, -(-(a + 1) * m // b)) for a, b, m in zip(o, out, size, strict=True))
        found.append((o, cut))
    return out, found


def adaptive_avg_pool(n):
    def oracle(x, output_size):
        out, found = parts(x, n, output_size)
        y = np.empty((*x.shape[:-n], *out))
        for o, cut in found:
            y[(..., *o)] = x[(..., *cut)].mean(tuple(range(-n, 0)))
        return y

    return oracle


def adaptive_max_pool(n):
    def oracle(x, output_size, indices=False):
        out, found = parts(x, n, output_size)
        values, where = np.empty((*x.shape[:-n], *out)), np.empty((*x.shape[:-n], *out), np.int64)
        numbers = np.arange(math.prod(x.shape[-n:])).reshape(x.shape[-n:])
        for o, cut in found:
            flat = x[(..., *cut)].reshape(*x.shape[:-n], math.prod(c.stop - c.start for c in cut))
            best = flat.argmax(-1)
            values[(..., *o)] = np.take_along_axis(flat, best[..., None], -1)[..., 0]
            where[(..., *o)] = numbers[cut].reshape(-1)[best]
        return (values, where) if indices else values

    return oracle


def lp_pool(n):
    def oracle(x, p, kernel, stride=None, ceil_mode=False):
        mean = avg_pool(n)(x**p, kernel, stride, 0, ceil_mode)
        return (mean * math.prod(axes(kernel, n))) ** (1 / p)

    return oracle


def max_unpool(n):
    def oracle(x, index, kernel, stride=None, padding=0, output_size=None):
        k, p = axes(kernel, n), axes(padding, n)
        s = k if stride is None else axes(stride, n)
        out = output_size or tuple((m - 1) * b - 2 * c + a for m, a, b, c in zip(x.shape[-n:], k, s, p, strict=True))
        y = np.zeros((*x.shape[:-n], math.prod(out[-n:])))
        for lead in np.ndindex(x.shape[:-n]):
            y[lead][index[lead].reshape(-1)] = x[lead].reshape(-1)
        return y.reshape(*x.shape[:-n], *out[-n:])

    return oracle


def named(name):
    return lambda F, x, *args: getattr(F, name)(x, *args)


def as_module(name):
    return lambda nn, x, *args: (getattr(nn, name)(*args), (x,))


def unpooled(n, shape, space, *args):
    """Values at positions that all differ within a plane."""

    def maker(r):
        x = distinct(r, shape)
        planes = math.prod(shape[:-n])
        index = np.stack([r.permutation(space)[: x.size // planes] for _ in range(planes)])
        return (x, index.reshape(shape), *args)

    return maker


def unpool_module(name):
    return lambda nn, x, index, *args: (getattr(nn, name)(*args[:3]), (x, index, *args[3:]))


def positive(shape, *args):
    return lambda r: (np.abs(distinct(r, shape)) + 0.5, *args)


def largest(n):
    return lambda x, p, *args: max_pool(n)(x, *args)


def smallest(n):
    return lambda x, p, *args: -max_pool(n)(-x, *args)


def whole(shape, *args):
    return lambda r: (r.integers(-9, 9, shape), *args)


def more(n):
    size, big = {1: ((9,), (2, 40, 3001)), 2: ((6, 7), (3, 8, 45, 70)), 3: ((4, 5, 3), (2, 5, 6, 40, 35))}[n]
    avg, aavg, amax, lp, un = (
        f"{a}_pool{n}d" if a != "un" else f"max_unpool{n}d" for a in ("avg", "adaptive_avg", "adaptive_max", "lp", "un")
    )
    x = (2, 2, *size)
    grow = tuple(2 * m for m in size)
    return [
        Case(avg, named(avg), make(x, 2), avg_pool(n), module=as_module(f"AvgPool{n}d"),
             large=make(big, 2), empty=(make((0, 2, *size), 2),)),
        Case(f"{avg}-overlap", named(avg), make(x, 3, 2, 1), avg_pool(n), module=as_module(f"AvgPool{n}d"),
             large=make(big, 3, 2, 1)),
        Case(f"{avg}-unbatched", named(avg), make((2, *size), 3, 1, 1, False, False), avg_pool(n),
             module=as_module(f"AvgPool{n}d"), large=make(big[1:], 3, 1, 1, False, False)),
        Case(f"{avg}-ceil", named(avg), make(x, 3, 2, 1, True), avg_pool(n)),
        Case(f"{avg}-ceil_inside", named(avg), make(x, 2, 3, 1, True, False), avg_pool(n)),
        Case(f"{avg}-whole", named(avg), make(x, size), avg_pool(n), large=make(big, big[2:])),
        Case(f"{avg}-special", named(avg), lambda r: (r.choice([1.0, -2.0, NAN, INF], x), 2, 1), avg_pool(n), grad=()),
        *((Case(f"{avg}-divisor", named(avg), make(x, 2, 1, 0, False, True, 3), avg_pool(n),
                module=as_module(f"AvgPool{n}d")),) if n > 1 else ()),
        Case(aavg, named(aavg), make(x, 3), adaptive_avg_pool(n), module=as_module(f"AdaptiveAvgPool{n}d"),
             large=make(big, 4), empty=(make((0, 2, *size), 2), make(x, 0))),
        Case(f"{aavg}-one", named(aavg), make(x, 1), adaptive_avg_pool(n), large=make(big, 1)),
        Case(f"{aavg}-same", named(aavg), make((2, *size), (None,) * n if n > 1 else size[0]), adaptive_avg_pool(n)),
        Case(f"{aavg}-finer", named(aavg), make((1, 1, *size), 11), adaptive_avg_pool(n)),
        Case(amax, named(amax), make(x, 2, True), adaptive_max_pool(n), module=as_module(f"AdaptiveMaxPool{n}d"),
             large=make(big, 3, True), empty=(make((0, 2, *size), 2, True),)),
        Case(f"{amax}-values", named(amax), make((2, *size), 3), adaptive_max_pool(n)),
        *(Case(f"{amax}-{label}", named(amax), make((1, 2, *size), out, True), adaptive_max_pool(n))
          for label, out in (("one", 1), ("same", size if n > 1 else size[0]), ("finer", 11))),
        Case(lp, named(lp), positive(x, 2.0, 2), lp_pool(n), module=as_module(f"LPPool{n}d"), tolerance=3),
        *(Case(f"{lp}-{label}", named(lp), positive(x, p, 2), largest(n) if p > 0 else smallest(n), halves=False)
          for label, p in (("largest", INF), ("smallest", -INF))),
        Case(f"{lp}-cube", named(lp), positive(x, 3.0, 3, 2, True), lp_pool(n), tolerance=10, halves=False),
        Case(f"{lp}-one", named(lp), positive(x, 1.0, 2, 1), lp_pool(n), tolerance=3),
        Case(f"{lp}-whole", named(lp), positive(x, 2.0, size if n > 1 else size[0]), lp_pool(n), tolerance=3),
        Case(f"{lp}-unbatched", named(lp), positive((2, *size), 2.0, 2, 2, True), lp_pool(n), tolerance=3),
        Case(un, named(un), unpooled(n, x, math.prod(grow), 2), max_unpool(n), module=unpool_module(f"MaxUnpool{n}d"),
             large=unpooled(n, (20, 20, *size), math.prod(grow), 2)),
        Case(f"{un}-unbatched", named(un), unpooled(n, (2, *size), math.prod(m + 1 for m in grow), 2, 2, 0,
                                                    tuple(m + 1 for m in grow)), max_unpool(n),
             module=unpool_module(f"MaxUnpool{n}d")),
        Case(f"{un}-padding", named(un), unpooled(n, x, math.prod(2 * m - 1 for m in size), 3, 2, 1), max_unpool(n)),
        Case(f"{un}-stride", named(un), unpooled(n, (1, 2, *size), math.prod(3 * m - 1 for m in size), 2, 3),
             max_unpool(n)),
    ]  # fmt: skip


CASES += [case for n in (1, 2, 3) for case in more(n)]
CASES += [
    Case("max_pool2d-integers", call(2), whole((2, 1, 5, 4), 2, 1, 1, 1, False, True), lambda *a: tuple(
        v.astype(int) for v in max_pool(2)(*a)), grad=()),
    Case("avg_pool2d-integers", named("avg_pool2d"), whole((2, 1, 5, 4), 3, 2, 1, True, False),
         lambda *a: np.trunc(avg_pool(2)(*a) * (1 + 1e-9)).astype(int), grad=()),
    Case("adaptive_avg_pool2d-empty", named("adaptive_avg_pool2d"), lambda r: (np.ones((2, 3, 0, 4)), 1),
         lambda x, n: np.full((2, 3, 1, 1), NAN), grad=()),
    Case("adaptive_max_pool2d-no_channels", named("adaptive_max_pool2d"), lambda r: (np.ones((0, 3, 4)), 2),
         lambda x, n: np.ones((0, 2, 2)), grad=()),
    Case("avg_pool2d-mixed", named("avg_pool2d"), make((2, 1, 7, 5), (3, 2), (2, 1), (1, 0), True, False), avg_pool(2)),
    Case("adaptive_avg_pool2d-mixed", named("adaptive_avg_pool2d"), make((2, 1, 7, 5), (3, None)),
         adaptive_avg_pool(2)),
    # around the lanes of the machine
    *(Case(f"avg_pool1d-out_{o}_{k}{s}{p}", named("avg_pool1d"), make((1, 2, (o - 1) * s + k - 2 * p), k, s, p),
           avg_pool(1), second=False)
      for o in (4, 15, 16, 17, 33) for k, s, p in ((2, 2, 0), (3, 2, 1), (3, 1, 1), (2, 3, 0))),
    *(Case(f"max_pool1d-out_{o}_{k}{s}{p}", call(1), make((1, 2, (o - 1) * s + k - 2 * p), k, s, p, 1, False, True),
           max_pool(1), second=False)
      for o in (4, 15, 16, 17, 33) for k, s, p in ((2, 2, 0), (3, 2, 1), (3, 1, 1), (2, 3, 0))),
]  # fmt: skip


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
        bad("bools", r"`input` must have a floating-point dtype; got nbnn.bool", TypeError, x=x > 0),
        bad("ceil_mode", r"`ceil_mode` \(=1\) must be a bool; got int", TypeError, ceil_mode=1),
        bad("list", r"`input` must be a Tensor; got list", TypeError, x=[1.0]),
        bad("none", r"`input` must be a Tensor; got NoneType", TypeError, x=None),
    ]  # fmt: skip


ERRORS = [bad for n in (1, 2, 3) for bad in refusals(n)]


def pool_bad(name, match, *args, error=ValueError, **more):
    op = name.split("-")[0]
    return Bad(name, lambda F: getattr(F, op)(*args, **more), error, rf"^{op}: " + match)


for _n in (1, 2, 3):
    _x = nbnn.ones((1, 3, *(8,) * _n))
    _i = nbnn.zeros(_x.shape, dtype=nbnn.int64)
    _avg, _lp, _un = f"avg_pool{_n}d", f"lp_pool{_n}d", f"max_unpool{_n}d"
    ERRORS += [
        pool_bad(f"{_avg}-padding", r"`padding` .* must be at most half of `kernel_size`", _x, 3, padding=2),
        pool_bad(f"{_avg}-kernel_large", r"the kernel must not be larger than the padded input", _x, 9),
        pool_bad(f"{_avg}-kernel_0", r"`kernel_size` \(=0\) must be at least 1", _x, 0),
        pool_bad(f"{_avg}-kernel_float", r"`kernel_size` \(=2.0\) must be an int", _x, 2.0, error=TypeError),
        pool_bad(f"{_avg}-stride_0", r"`stride` \(=0\) must be at least 1", _x, 2, 0),
        pool_bad(f"{_avg}-rank", rf"`input` must have {_n + 1} axes", nbnn.ones(3), 1),
        pool_bad(f"{_avg}-empty", r"the axes of `input` that are pooled", nbnn.ones((1, 3, *(0,) * _n)), 1),
        pool_bad(f"{_avg}-integers", r"`input` must have a floating-point dtype", _x.int(), 2, error=TypeError),
        pool_bad(f"{_avg}-inclusive", r"`count_include_pad` \(=0\) must be a bool", _x, 2, count_include_pad=0,
                 error=TypeError),
        *(bad for _kind in ("avg", "max") for bad in (
            pool_bad(f"adaptive_{_kind}_pool{_n}d-float", r"`output_size` \(=2.0\) must be an int", _x, 2.0,
                     error=TypeError),
            pool_bad(f"adaptive_{_kind}_pool{_n}d-negative", r"`output_size` \(=-1\) must be at least 0", _x, -1),
            pool_bad(f"adaptive_{_kind}_pool{_n}d-length", r"`output_size` .* must be an int or", _x,
                     (1, 2, 3, 4)),
            pool_bad(f"adaptive_{_kind}_pool{_n}d-rank", rf"`input` must have {_n + 1} axes", nbnn.ones(3), 1),
            pool_bad(f"adaptive_{_kind}_pool{_n}d-empty", r"the axes of `input` that are pooled",
                     nbnn.ones((1, 3, *(0,) * _n)), 2),
            pool_bad(f"adaptive_{_kind}_pool{_n}d-integers", r"`input` must have a floating-point", _x.long(), 2,
                     error=TypeError),
        )),
        pool_bad(f"{_lp}-zero", r"`norm_type` \(=0\) must be a number other than 0", _x, 0, 2),
        pool_bad(f"{_lp}-nan", r"`norm_type` \(=nan\) must be a number other than 0", _x, NAN, 2),
        pool_bad(f"{_lp}-string", r"`norm_type` \(='2'\) must be a number", _x, "2", 2, error=TypeError),
        pool_bad(f"{_lp}-kernel", r"the kernel must not be larger", _x, 2, 9),
        pool_bad(f"{_un}-high", r"`indices`\[.*\] \(=\d+\) must be in \[0, ", _x, _i + 16**_n, 2, error=IndexError),
        pool_bad(f"{_un}-negative", r"`indices`\[.*\] \(=-1\) must be in \[0, ", _x, _i - 1, 2, error=IndexError),
        pool_bad(f"{_un}-least", r"`indices`\[.*\] \(=-9223372036854775808\)", _x, _i - 2**62 - 2**62, 2,
                 error=IndexError),
        pool_bad(f"{_un}-shape", r"`indices` must have the shape of `input`", _x, _i[:, :1], 2),
        pool_bad(f"{_un}-dtype", r"`indices` must have dtype int64; got nbnn.float32", _x, _x, 2, error=TypeError),
        pool_bad(f"{_un}-output", r"`output_size` .* must be within `stride`", _x, _i, 2, output_size=(18,) * _n),
        pool_bad(f"{_un}-output_length", r"`output_size` .* must have", _x, _i, 2, output_size=(16,) * (_n + 1)),
        pool_bad(f"{_un}-padding", r"the output must not be empty", _x, _i, 1, 1, 9),
        pool_bad(f"{_un}-rank", rf"`input` must have {_n + 1} axes", nbnn.ones(3), nbnn.ones(3).long(), 1),
    ]  # fmt: skip
ERRORS += [
    pool_bad("avg_pool3d-ceil", r"the kernel must not be larger", nbnn.ones(1, 1, 2, 3, 3), 3, 2, 1, ceil_mode=True),
    pool_bad("adaptive_avg_pool2d-none", r"`output_size` \(=None\) must be an int or 2 ints, or None for",
             nbnn.ones(1, 2, 2), None, error=TypeError),
    *(pool_bad(f"avg_pool{n}d-divisor", r"`divisor_override` \(=0\) must not be 0", nbnn.ones((1, 3, *(8,) * n)), 2,
             divisor_override=0) for n in (2, 3)),
]  # fmt: skip
