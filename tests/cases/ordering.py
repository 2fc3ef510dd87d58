"""Cases of sort, topk, kthvalue, median, quantile, unique, bincount and searchsorted."""

import math

import numpy as np

import nbnn
from tests.cases import arrays, normal, spread
from tests.cases.reductions import X, dim_refusals, integers
from tests.engine import Bad, Case

INF, NAN = math.inf, math.nan
MIXED = [[1.0, NAN, -INF, 0.0, -0.0, INF, NAN, -2.0], [3.0, 3.0, 1.0, 3.0, 1.0, 0.0, -0.0, 3.0]]
DIMS = [((5,), 0), ((3, 4), 0), ((3, 4), -1), ((2, 3, 4), 1), ((2, 50), 1), ((), 0), ((), -1), ((1, 3), 0)]


def order(x, dim, descending=False):
    """Stable places in the order of size, NaN largest: by insertion."""
    lines = np.moveaxis(x, dim, -1) if x.ndim else x.reshape(1)
    out = np.zeros(lines.shape, np.int64)
    for at in np.ndindex(lines.shape[:-1]):
        keys = [(INF, 1) if v != v else (v, 0) for v in lines[at].tolist()]
        if descending:
            keys = [(-v, -n) for v, n in keys]
        out[at] = sorted(range(len(keys)), key=keys.__getitem__)
    return np.moveaxis(out, -1, dim) if x.ndim else np.array(0)


def ordered(x, dim, descending=False):
    places = order(x, dim, descending)
    return (np.take_along_axis(x, places, dim) if x.ndim else x), places


def first(x, k, dim, largest=True):
    return tuple(np.take(v, range(k), dim) if x.ndim else v for v in ordered(x, dim, largest))


def kth(x, k, dim):
    return tuple(np.take(v, k - 1, dim) if x.ndim else v for v in ordered(x, dim))


def median(x, dim):
    if not x.ndim:
        return x, np.array(0)
    values, places = ordered(x, dim)
    middle = np.full(np.delete(x.shape, dim), (x.shape[dim] - 1) // 2)
    spoiled = np.isnan(x).any(dim)
    at = np.expand_dims(np.where(spoiled, (~np.isnan(values)).sum(dim), middle), dim)
    return tuple(np.take_along_axis(v, at, dim).squeeze(dim) for v in (values, places))


def with_rest(maker, *rest):
    return lambda r: (*maker(r), *rest)


def sorting():
    def sort(F, x, dim, descending):
        return F.sort(x, dim, descending)

    def argsort(F, x, dim, descending):
        return F.argsort(x, dim=dim, descending=descending, stable=True)

    def stable(F, x, dim, descending):
        return F.sort(x, dim=dim, descending=descending, stable=True)

    cases = []
    for shape, dim in DIMS:
        for descending in (False, True):
            label = f"{shape}_{dim}_{descending}".replace(" ", "")
            inputs = with_rest(spread(shape), dim, descending)
            cases.append(Case(f"sort-{label}", sort, inputs, ordered, cuda=not descending))
            cases.append(Case(f"argsort-{label}", argsort, inputs, order, grad=(), cuda=descending and dim < 0))
    for descending in (False, True):
        cases += [
            Case(f"sort-special_{descending}", stable, arrays(MIXED, 1, descending), ordered, grad=(), torch=True),
            Case(f"sort-special_long_{descending}", stable, arrays([m * 9 for m in MIXED], 1, descending), ordered,
                 grad=()),
            Case(f"sort-integers_{descending}", stable, with_rest(integers((3, 60)), 1, descending), ordered, grad=()),
            Case(f"sort-integer_limits_{descending}", stable,
                 arrays([[2**63 - 1, -(2**63), 0, -1, 1, 2**40] * 9], 1, descending), ordered, grad=()),
            Case(f"sort-bools_{descending}", stable, lambda r, d=descending: (r.integers(0, 2, (3, 50)) > 0, 1, d),
                 ordered, grad=()),
        ]  # fmt: skip
    return [
        *cases,
        Case("sort-rows", sort, with_rest(spread((3, 70)), 1, False), ordered,
             large=with_rest(normal((300, 200)), 1, False),
             empty=(with_rest(normal((0, 3)), 1, False), with_rest(normal((3, 0)), 1, False),
                    with_rest(normal((3, 0)), 0, True))),
        Case("sort-method", lambda F, x: x.sort().values, spread((2, 3)), lambda x: np.sort(x), arrays=False),
        Case("argsort-method", lambda F, x: x.argsort(0), spread((2, 3)), lambda x: order(x, 0), grad=(),
             arrays=False),
    ]  # fmt: skip


def selecting():
    def topk(F, x, k, dim, largest):
        return F.topk(x, k, dim, largest)

    cases = [
        Case(f"topk-{shape}_{k}_{dim}_{largest}".replace(" ", ""), topk, with_rest(spread(shape), k, dim, largest),
             first)
        for shape, k, dim in (((5,), 2, 0), ((3, 4), 3, 0), ((3, 4), 4, -1), ((2, 30, 2), 3, 1), ((2, 80), 40, 1),
                              ((), 1, 0))
        for largest in (True, False)
    ]  # fmt: skip
    cases += [
        Case(f"kthvalue-{shape}_{k}_{dim}".replace(" ", ""), lambda F, x, k, dim: F.kthvalue(x, k, dim),
             with_rest(spread(shape), k, dim), kth)
        for shape, k, dim in (((5,), 2, 0), ((3, 4), 3, 0), ((3, 4), 4, -1), ((2, 50), 7, 1), ((), 1, 0))
    ]  # fmt: skip
    cases += [
        Case(f"median-{shape}_{dim}".replace(" ", ""), lambda F, x, dim: F.median(x, dim),
             with_rest(spread(shape), dim), median)
        for shape, dim in DIMS
    ]  # fmt: skip
    special = [m * 3 for m in MIXED]
    return [
        *cases,
        Case("topk-rows", topk, with_rest(spread((3, 70)), 5, 1, True), first,
             large=with_rest(normal((300, 200)), 5, 1, True), empty=(with_rest(normal((0, 9)), 2, 1, True),)),
        Case("topk-none", lambda F, x: F.topk(x, 0), normal((2, 3)), lambda x: (x[:, :0], np.zeros((2, 0), np.int64)),
             grad=()),
        Case("topk-special", topk, arrays(special, 6, 1, True), first, grad=(), torch=False),
        Case("topk-special_values", lambda F, x: F.topk(x, 6)[0] + 0.0, arrays(special), lambda x: first(x, 6, 1)[0],
             grad=()),
        Case("topk-integers", lambda F, x: F.topk(x, 3)[0], integers((2, 30)), lambda x: first(x, 3, 1)[0], grad=()),
        Case("kthvalue-keepdim", lambda F, x: F.kthvalue(x, 2, keepdim=True), spread((2, 3)),
             lambda x: tuple(v[:, None] for v in kth(x, 2, 1))),
        Case("kthvalue-special", lambda F, x: F.kthvalue(x, 7, 1)[0], arrays(MIXED), lambda x: kth(x, 7, 1)[0],
             grad=()),
        Case("median-keepdim", lambda F, x: F.median(x, 0, True), spread((4, 3)),
             lambda x: tuple(v[None] for v in median(x, 0))),
        Case("median-all", lambda F, x: F.median(x), spread((3, 4)), lambda x: median(x.reshape(-1), 0)[0],
             large=normal((300, 200))),
        Case("median-all_0d", lambda F, x: F.median(x), normal(()), lambda x: x),
        Case("median-special", lambda F, x: F.median(x, 1)[0] + 0.0, arrays(MIXED), lambda x: median(x, 1)[0],
             grad=()),
        Case("median-special_place", lambda F, x: F.median(x, 1), arrays(MIXED), lambda x: median(x, 1), grad=(),
             torch=False),
        Case("median-special_all", lambda F, x: F.median(x), arrays(MIXED), lambda x: np.array(NAN), grad=()),
        Case("median-integers", lambda F, x: F.median(x, 1)[0], integers((3, 8)), lambda x: median(x, 1)[0], grad=()),
    ]  # fmt: skip


def quantiles():
    cases = []
    for method in ("linear", "lower", "higher", "midpoint", "nearest"):
        for q in (0.0, 0.3, 0.5, 1.0):
            cases.append(
                Case(f"quantile-{method}_{q}", lambda F, x, q, m=method: F.quantile(x, q, 1, interpolation=m),
                     with_rest(spread((2, 4)), q),
                     lambda x, q, m=method: np.quantile(x, q, axis=1, method=m), cuda=q == 0.3)
            )  # fmt: skip
    return [
        *cases,
        Case("quantile-all", lambda F, x: F.quantile(x, 0.7), spread((3, 5)), lambda x: np.quantile(x, 0.7),
             large=normal((200, 300))),
        Case("quantile-keepdim", lambda F, x: F.quantile(x, 0.7, 0, True), spread((3, 5)),
             lambda x: np.quantile(x, 0.7, 0, keepdims=True), empty=(normal((3, 0)),)),
        Case("quantile-keepdim_all", lambda F, x: F.quantile(x, 0.7, keepdim=True), spread((3, 5)),
             lambda x: np.quantile(x, 0.7, keepdims=True)),
        Case("quantile-several", lambda F, x, q: F.quantile(x, q, -2), lambda r: (*spread((3, 2))(r), np.array([0.25,
             0.5, 0.9])), lambda x, q: np.quantile(x, q, 0), grad=(0,)),
        Case("quantile-special", lambda F, x: F.quantile(x, 0.5, 1), arrays([[1.0, NAN, 2.0], [INF, 1.0, -INF]]),
             lambda x: np.array([NAN, 1.0]), grad=()),
        Case("quantile-0d", lambda F, x: F.quantile(x, 0.5), normal(()), lambda x: x),
    ]  # fmt: skip


def distinct_rows(x, dim):
    values, inverse, counts = np.unique(x, return_inverse=True, return_counts=True, axis=dim)
    return values, inverse.reshape(x.shape if dim is None else -1), counts


def runs(x):
    starts = [j for j in range(len(x)) if j == 0 or x[j] != x[j - 1]]
    groups = np.cumsum([j in starts for j in range(len(x))]) - 1
    return x[starts], groups, np.diff([*starts, len(x)])


def grouping():
    def all_of(F, x, dim):
        return F.unique(x, return_inverse=True, return_counts=True, dim=dim)

    few = integers((3, 20), low=-3, high=3)
    return [
        Case("unique-flat", all_of, with_rest(few, None), distinct_rows, grad=(),
             empty=(with_rest(normal((0,)), None), with_rest(normal((0, 3)), None))),
        Case("unique-rows", all_of, with_rest(integers((20, 2), low=0, high=2), 0), distinct_rows, grad=()),
        Case("unique-columns", all_of, with_rest(integers((2, 20), low=0, high=2), -1), distinct_rows, grad=()),
        Case("unique-3d", all_of, with_rest(integers((2, 9, 2), low=0, high=2), 1), distinct_rows, grad=()),
        Case("unique-floats", lambda F, x: F.unique(x), arrays([3.0, -0.0, INF, 0.0, 3.0, -INF]),
             lambda x: np.array([-INF, 0.0, 3.0, INF]), grad=()),
        Case("unique-nan", lambda F, x: F.unique(x), arrays([NAN, 1.0, NAN]), lambda x: np.array([1.0, NAN, NAN]),
             grad=()),
        Case("unique-0d", lambda F, x: F.unique(x, True, True), integers(()),
             lambda x: (x.reshape(1), np.array(0)), grad=()),
        Case("unique-bools", lambda F, x: F.unique(x, return_counts=True), lambda r: (r.integers(0, 2, (9,)) > 0,),
             lambda x: np.unique(x, return_counts=True), grad=()),
        Case("unique_consecutive-flat", lambda F, x: F.unique_consecutive(x, True, True),
             integers((30,), low=0, high=2), runs, grad=()),
        Case("unique_consecutive-rows", lambda F, x: F.unique_consecutive(x, dim=0),
             arrays([[1, 2], [1, 2], [1, 3], [1, 2]]), lambda x: x[[0, 2, 3]], grad=()),
        Case("bincount-plain", lambda F, x: F.bincount(x), integers((30,), low=0, high=7), np.bincount, grad=()),
        Case("bincount-minlength", lambda F, x: F.bincount(x, minlength=9), integers((30,), low=0, high=7),
             lambda x: np.bincount(x, minlength=9), grad=()),
        Case("bincount-weights", lambda F, x, w: F.bincount(x, w), lambda r: (r.integers(0, 7, 30), r.normal(size=30)),
             lambda x, w: np.bincount(x, w), grad=(), halves=False),
        Case("bincount-empty", lambda F, x: F.bincount(x), lambda r: (np.zeros(0, np.int64),),
             lambda x: np.zeros(0, np.int64), grad=()),
    ]  # fmt: skip


def binning():
    def edges(r, *rows):
        return np.sort(np.round(r.normal(size=(*rows, 9)), 1))

    cases = []
    for side in ("left", "right"):

        def each(e, x, side=side):
            return np.searchsorted(e, x, side)

        def rows(e, x, side=side):
            return np.stack([np.searchsorted(a, b, side) for a, b in zip(e, x, strict=True)])

        cases += [
            Case(f"searchsorted-{side}", lambda F, e, x, s=side: F.searchsorted(e, x, side=s),
                 lambda r: (edges(r), np.round(r.normal(size=(3, 20)), 1)), each, grad=()),
            Case(f"searchsorted-{side}_rows", lambda F, e, x, s=side: F.searchsorted(e, x, right=s == "right"),
                 lambda r: (edges(r, 3), np.round(r.normal(size=(3, 20)), 1)), rows, grad=()),
            Case(f"bucketize-{side}", lambda F, x, e, s=side: F.bucketize(x, e, right=s == "right"),
                 lambda r: (np.round(r.normal(size=(3, 20)), 1), edges(r)), lambda x, e, f=each: f(e, x), grad=()),
        ]  # fmt: skip
    return [
        *cases,
        Case("searchsorted-special", lambda F, e, x: F.searchsorted(e, x), arrays([-INF, 0.0, 1.0], [NAN, INF, -INF]),
             lambda e, x: np.array([3, 3, 0]), grad=()),
        Case("searchsorted-int32", lambda F, e, x: F.searchsorted(e, x, out_int32=True), arrays([1, 3, 5], [3, 9]),
             lambda e, x: np.array([1, 3], np.int32), grad=()),
    ]  # fmt: skip


CASES = [*sorting(), *selecting(), *quantiles(), *grouping(), *binning()]

_I = nbnn.tensor([1, 0, 2])
ERRORS = [
    *(bad for name in ("sort", "argsort", "median") for bad in dim_refusals(name)),
    *(bad for name in ("unique", "unique_consecutive") for bad in [
        Bad(f"{name}-dim", lambda F, name=name: getattr(F, name)(X, dim=2), IndexError, rf"^{name}: `dim` \(=2\)"),
        Bad(f"{name}-none", lambda F, name=name: getattr(F, name)(None), TypeError, rf"^{name}: `input`"),
    ]),
    Bad("sort-descending", lambda F: F.sort(X, 0, 1), TypeError, r"^sort: `descending` \(=1\) must be a bool"),
    Bad("topk-k", lambda F: F.topk(X, 4), ValueError, r"^topk: `k` \(=4\) must be at most the size of the axis, 3"),
    Bad("topk-negative", lambda F: F.topk(X, -1), ValueError, r"^topk: `k` \(=-1\) must be at least 0"),
    Bad("topk-float", lambda F: F.topk(X, 1.0), TypeError, r"^topk: `k` \(=1.0\) must be an int"),
    Bad("topk-dim", lambda F: F.topk(X, 1, 2), IndexError, r"^topk: `dim` \(=2\)"),
    Bad("topk-none", lambda F: F.topk(None, 1), TypeError, r"^topk: `input` must be a Tensor"),
    Bad("kthvalue-k", lambda F: F.kthvalue(X, 4), ValueError, r"^kthvalue: `k` \(=4\)"),
    Bad("kthvalue-zero", lambda F: F.kthvalue(X, 0), ValueError, r"^kthvalue: `k` \(=0\) must be at least 1"),
    Bad("kthvalue-dim", lambda F: F.kthvalue(X, 1, 2), IndexError, r"^kthvalue: `dim` \(=2\)"),
    Bad("median-empty", lambda F: F.median(F.ones(2, 0), 1), ValueError, r"^median: `input` must not be empty"),
    Bad("median-empty_all", lambda F: F.median(F.ones(0).long()), ValueError, r"^median: `input` must not be empty"),
    Bad("quantile-q", lambda F: F.quantile(X, 1.5), ValueError, r"^quantile: `q` \(=1.5\) must be between 0 and 1"),
    Bad("quantile-nan", lambda F: F.quantile(X, math.nan), ValueError, r"^quantile: `q` \(=nan\)"),
    Bad("quantile-matrix", lambda F: F.quantile(X, X), ValueError, r"^quantile: `q` must be a number"),
    Bad("quantile-method", lambda F: F.quantile(X, 0.5, interpolation="x"), ValueError, r"^quantile: `interpolation`"),
    Bad("quantile-integers", lambda F: F.quantile(_I, 0.5), TypeError, r"^quantile: `input` must have a floating"),
    Bad("quantile-empty", lambda F: F.quantile(F.ones(0), 0.5), ValueError, r"^quantile: `input` must not be empty"),
    Bad("quantile-dim", lambda F: F.quantile(X, 0.5, 2), IndexError, r"^quantile: `dim` \(=2\)"),
    Bad("bincount-negative", lambda F: F.bincount(_I - 1), ValueError, r"^bincount: `input` must hold no negative"),
    Bad("bincount-floats", lambda F: F.bincount(X), TypeError, r"^bincount: `input` must have an integer dtype"),
    Bad("bincount-axes", lambda F: F.bincount(F.ones(2, 2, dtype=F.int64)), ValueError, r"^bincount: .* one axis"),
    Bad("bincount-weights", lambda F: F.bincount(_I, F.ones(2)), ValueError, r"^bincount: `weights` must have"),
    Bad("bincount-huge", lambda F: F.bincount(F.tensor([2**62])), ValueError, r"^bincount: `input`"),
    Bad("bincount-minlength", lambda F: F.bincount(_I, minlength=-1), ValueError, r"^bincount: `minlength`"),
    Bad("searchsorted-types", lambda F: F.searchsorted(_I, X), TypeError, r"^searchsorted: .* one dtype"),
    Bad("searchsorted-shapes", lambda F: F.searchsorted(F.ones(3, 3), X), ValueError, r"^searchsorted: .*one axis"),
    Bad("searchsorted-side", lambda F: F.searchsorted(X, X, side="x"), ValueError, r"^searchsorted: `side`"),
    Bad("searchsorted-both", lambda F: F.searchsorted(X, X, side="left", right=True), ValueError, r"contradicts"),
    Bad("searchsorted-0d", lambda F: F.searchsorted(F.ones(()), X), ValueError, r"^searchsorted: .*one axis"),
    Bad("bucketize-axes", lambda F: F.bucketize(X, X), ValueError, r"^bucketize: `boundaries` must have one axis"),
]  # fmt: skip
