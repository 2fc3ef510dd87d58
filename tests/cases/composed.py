"""Cases of functions made of others: differences, running extremes, scattering, parts and blocks, matrices."""

import itertools
import math

import numpy as np

import nbnn
from tests.cases import arrays, normal, spread, uniform
from tests.cases.linalg import regular, solved, spd, spd_oracle
from tests.cases.reductions import X, dim_refusals, integers
from tests.engine import Bad, Case

INF, NAN = math.inf, math.nan


def called(name, *args, **kwargs):
    return lambda F, *tensors: getattr(F, name)(*tensors, *args, **kwargs)


# -- differences and running ones ----------------------------------------------------------------------------------


def running(step):
    """Values and places of what leads so far along an axis, the last of equals."""

    def oracle(x, dim):
        if not x.ndim:
            return x, np.zeros((), np.int64)
        rows = np.moveaxis(x, dim, 0)
        values, places, lead, at = [], [], rows[0], np.zeros(rows.shape[1:], np.int64)
        for k, row in enumerate(rows):
            wins = step(row, lead) | np.isnan(row)
            lead, at = np.where(wins, row, lead), np.where(wins, k, at)
            values.append(lead)
            places.append(at)
        return np.moveaxis(np.array(values), 0, dim), np.moveaxis(np.array(places), 0, dim)

    return oracle


def logcumsumexp(x, dim):
    return np.logaddexp.accumulate(x, dim)


def most_frequent(dim=-1, keepdim=False):
    def oracle(x):
        if not x.ndim:
            return x, np.zeros((), np.int64)
        rows = np.moveaxis(x, dim, -1)
        values, places = np.empty(rows.shape[:-1], x.dtype), np.empty(rows.shape[:-1], np.int64)
        for at in np.ndindex(rows.shape[:-1]):
            distinct, counts = np.unique(rows[at], return_counts=True)
            values[at] = distinct[counts.argmax()]
            places[at] = np.flatnonzero(rows[at] == values[at])[-1]
        return tuple(np.expand_dims(v, dim) if keepdim else v for v in (values, places))

    return oracle


def with_dim(maker, dim):
    return lambda r: (*maker(r), dim)


SUMS = [
    Case("diff-plain", called("diff"), normal((3, 5)), np.diff),
    Case("diff-twice", called("diff", 2, 0), normal((4, 3)), lambda x: np.diff(x, 2, 0)),
    Case("diff-around", lambda F, x, y: F.diff(x, prepend=y, append=y), normal((3, 4), (3, 1)),
         lambda x, y: np.diff(x, prepend=y, append=y), grad=(0, 1)),
    Case("diff-bools", called("diff"), lambda r: (r.integers(0, 2, (3, 5)) > 0,), np.diff, grad=()),
    Case("trace", called("trace"), normal((3, 4)), np.trace),
    Case("cross-plain", called("cross"), normal((4, 3), (4, 3)), np.cross, grad=(0, 1)),
    Case("cross-dim", lambda F, a, b: F.cross(a, b, dim=0), normal((3, 2), (3, 1)),
         lambda a, b: np.cross(a, np.broadcast_to(b, a.shape), axis=0), grad=(0, 1),
         torch=lambda F, a, b: F.linalg.cross(a, b, dim=0)),
    Case("inner", called("inner"), normal((2, 4), (3, 4)), np.inner, grad=(0, 1)),
    Case("dist", called("dist"), normal((3, 4), (4,)), lambda a, b: np.asarray(np.sqrt(((a - b) ** 2).sum())),
         grad=(0, 1)),
    Case("nansum", called("nansum", 1), arrays([[1.0, NAN, 2.0], [NAN, NAN, NAN]]), lambda x: np.nansum(x, 1), grad=()),
    Case("nansum-all", called("nansum"), normal((3, 4)), np.sum),
    Case("nanmean", called("nanmean", 0), arrays([[1.0, NAN, 2.0], [3.0, NAN, NAN]]), lambda x: np.nanmean(x, 0),
         grad=()),
    Case("nanmean-all", called("nanmean"), normal((3, 4)), np.mean),
    *(Case(f"{name}-plain", called(name), normal((3, 5)), lambda y: np.trapezoid(y))
      for name in ("trapezoid", "trapz")),
    Case("cov-plain", called("cov"), normal((3, 5)), np.cov),
    Case("cov-weighted", lambda F, x, f, a: F.cov(x, correction=0, fweights=f, aweights=a),
         lambda r: (r.normal(size=(2, 5)), r.integers(1, 4, 5), r.uniform(0.5, 1, 5)),
         lambda x, f, a: np.cov(x, ddof=0, fweights=f, aweights=a), halves=False),
    Case("cov-vector", called("cov"), normal((5,)), np.cov),
    Case("corrcoef", called("corrcoef"), normal((3, 5)), np.corrcoef, tolerance=4),
    *(Case(f"mode-{label}", called("mode", *args), maker, most_frequent(*args), grad=grad)
      for label, args, maker, grad in (
          ("rows", (), lambda r: (r.integers(0, 3, (4, 7)) * 1.0,), ()), ("columns", (0, True), spread((3, 4)), (0,)),
          ("integers", (1,), integers((3, 9), low=0, high=4), ()), ("0d", (), normal(()), ()))),
    Case("trapezoid-dx", lambda F, y: F.trapezoid(y, dx=0.5, dim=0), normal((3, 5)),
         lambda y: np.trapezoid(y, dx=0.5, axis=0)),
    Case("trapezoid-x", called("trapezoid"), normal((3, 5), (5,)), lambda y, x: np.trapezoid(y, x), grad=(0, 1)),
    *(Case(f"{name}-{label}", lambda F, x, dim, name=name: getattr(F, name)(x, dim), with_dim(maker, dim),
           running(step), grad=grad)
      for name, step in (("cummax", np.greater_equal), ("cummin", np.less_equal))
      for label, maker, dim, grad in (
          ("rows", spread((3, 7)), 1, (0,)), ("columns", spread((5, 3)), 0, (0,)), ("0d", normal(()), 0, ()),
          ("special", arrays([1.0, 2.0, 2.0, NAN, 5.0, INF, -INF]), 0, ()), ("integers", integers((3, 4)), 1, ()))),
    Case("logcumsumexp", lambda F, x, dim: F.logcumsumexp(x, dim), with_dim(normal((3, 6)), 1), logcumsumexp),
]  # fmt: skip

# -- scattering ----------------------------------------------------------------------------------------------------

_MEET = {"sum": np.add, "prod": np.multiply, "mean": np.add, "amax": np.maximum, "amin": np.minimum}
_START = {"sum": 0.0, "prod": 1.0, "mean": 0.0, "amax": -INF, "amin": INF}


def scattered(kind, include):
    def oracle(x, dim, index, source):
        y, count = x.copy(), np.full(x.shape, float(include))
        hit = np.zeros(x.shape, bool)
        for at in np.ndindex(index.shape):
            to = tuple(index[at] if k == dim else n for k, n in enumerate(at))
            if not include and not hit[to]:
                y[to] = _START[kind]
            hit[to] = True
            y[to] = _MEET[kind](y[to], source[at])
            count[to] += 1
        return np.where(hit, y / count, x) if kind == "mean" else y

    return oracle


def places(*shapes, dim, size):
    """Distinct numbers, an index along `dim` and as many numbers again."""

    def make(r):
        first, second = spread(shapes[0], shapes[1])(r)
        return first, dim, r.integers(0, size, shapes[1]), second + 0.013

    return make


def _as_slices(oracle):
    def with_lines(x, dim, index, source):
        return oracle(x, dim, np.broadcast_to(index.reshape(-1, *(1,) * (x.ndim - dim - 1)), source.shape), source)

    return with_lines


def put(x, i, j, v):
    y = x.copy()
    np.add.at(y, (i, j), v)
    return y


def under(x, mask, source):
    y = np.broadcast_to(x, np.broadcast_shapes(x.shape, mask.shape)).copy()
    y[np.broadcast_to(mask, y.shape)] = source.reshape(-1)[: np.broadcast_to(mask, y.shape).sum()]
    return y


SCATTERS = [
    *(Case(f"scatter_reduce-{kind}_{include}",
           lambda F, x, d, i, s, kind=kind, include=include: F.scatter_reduce(x, d, i, s, kind, include_self=include),
           places((4, 3), (5, 3), dim=0, size=4), scattered(kind, include), grad=(0, 3), second=kind in ("sum", "mean"))
      for kind in _MEET for include in (True, False)),
    Case("scatter_reduce-part", lambda F, x, d, i, s: F.scatter_reduce(x, d, i, s, "amax"),
         places((3, 5), (2, 4), dim=1, size=5), scattered("amax", True), grad=(0, 3), second=False),
    Case("scatter_reduce-zeros", lambda F, x, d, i, s: F.scatter_reduce(x, d, i, s, "prod"),
         lambda r: (np.array([2.0, 0.0, 3.0]), 0, np.array([0, 0, 1, 2, 2]), np.array([0.0, 3.0, 2.0, 0.0, 0.0])),
         scattered("prod", True), grad=(0, 3), second=False),
    Case("scatter_reduce-method", lambda F, x, d, i, s: (x * 1.0).scatter_reduce_(d, i, s, "amin"),
         places((4,), (6,), dim=0, size=4), scattered("amin", True), grad=(0, 3), second=False, arrays=False),
    *(Case(f"index_reduce-{kind}",
           lambda F, x, d, i, s, kind=kind: F.index_reduce(x, d, i, s, kind, include_self=kind != "mean"),
           lambda r: (*spread((4, 3))(r), 0, np.array([1, 1, 3]), r.normal(size=(3, 3))),
           _as_slices(scattered(kind, kind != "mean")), grad=(0, 3), second=kind == "mean")
      for kind in ("prod", "mean", "amax", "amin")),
    Case("index_put-accumulate", lambda F, x, i, j, v: F.index_put(x, (i, j), v, accumulate=True),
         lambda r: (r.normal(size=(3, 4)), np.array([0, 0, 2]), np.array([1, 1, 3]), r.normal(size=3)), put,
         grad=(0, 3)),
    Case("index_put-plain", lambda F, x, i, j, v: F.index_put(x, (i, j), v),
         lambda r: (r.normal(size=(3, 4)), np.array([0, 1, 2]), np.array([1, 1, 3]), r.normal(size=3)),
         lambda x, i, j, v: put(put(x, i, j, -x[i, j]), i, j, v), grad=(0, 3)),
    Case("put-plain", called("put"), lambda r: (r.normal(size=(2, 3)), np.array([4, -6]), r.normal(size=2)),
         lambda x, i, v: np.where(np.arange(6).reshape(2, 3) == 4, v[0], np.where(
             np.arange(6).reshape(2, 3) == 0, v[1], x)), grad=(0, 2)),
    Case("put-accumulate", called("put", accumulate=True),
         lambda r: (r.normal(size=(2, 3)), np.array([[4, 4]]), r.normal(size=(1, 2))),
         lambda x, i, v: x + v.sum() * (np.arange(6).reshape(2, 3) == 4), grad=(0, 2)),
    Case("masked_scatter", called("masked_scatter"),
         lambda r: (r.normal(size=(3, 4)), r.integers(0, 2, 4) > 0, r.normal(size=(4, 4))), under, grad=(0, 2)),
]  # fmt: skip

# -- parts and blocks ----------------------------------------------------------------------------------------------

A, B = normal((3, 4)), normal((3, 4), (2, 3))
PARTS = [
    Case("ravel", called("ravel"), normal((2, 3)), np.ravel, fresh=False),
    Case("adjoint", called("adjoint"), normal((2, 3)), np.transpose, fresh=False),
    *(Case(f"atleast_{n}d-{len(shape)}", called(f"atleast_{n}d"), normal(shape), getattr(np, f"atleast_{n}d"),
           fresh=False) for n in (1, 2, 3) for shape in ((), (3,), (2, 3))),
    Case("atleast_2d-several", lambda F, a, b: F.atleast_2d(a, b), normal((), (2,)), lambda a, b: np.atleast_2d(a, b),
         grad=(0, 1), fresh=False),
    Case("broadcast_tensors", called("broadcast_tensors"), normal((2, 1), (3,)), lambda a, b: np.broadcast_arrays(a, b),
         grad=(0, 1), fresh=False),
    Case("tensor_split-sections", called("tensor_split", 3), normal((7, 2)), lambda x: tuple(np.array_split(x, 3)),
         fresh=False),
    Case("tensor_split-indices", called("tensor_split", (1, -1), -1), normal((2, 5)),
         lambda x: tuple(np.array_split(x, (1, -1), -1)), fresh=False),
    Case("hsplit", called("hsplit", 2), normal((2, 4)), lambda x: tuple(np.hsplit(x, 2)), fresh=False),
    Case("vsplit", called("vsplit", (1,)), normal((3, 2)), lambda x: tuple(np.vsplit(x, (1,))), fresh=False),
    Case("fliplr", called("fliplr"), A, np.fliplr), Case("flipud", called("flipud"), A, np.flipud),
    Case("column_stack", lambda F, a, b: F.column_stack((a, b)), normal((3,), (3, 2)),
         lambda a, b: np.column_stack((a, b)), grad=(0, 1)),
    Case("block_diag", called("block_diag"), normal((2, 1), (3,)), lambda a, b: np.block(
        [[a, np.zeros((2, 3))], [np.zeros((1, 1)), b[None]]]), grad=(0, 1)),
    Case("diagflat", called("diagflat", 1), normal((2, 2)), lambda x: np.diagflat(x, 1)),
    Case("combinations-plain", called("combinations"), normal((4,)), lambda x: np.array(list(
        itertools.combinations(x, 2)))),
    Case("combinations-repeating", called("combinations", 3, True), normal((3,)), lambda x: np.array(list(
        itertools.combinations_with_replacement(x, 3)))),
    Case("renorm", called("renorm", 2, 1, 1.5), normal((3, 4)), lambda x: x * np.minimum(
        1, 1.5 / (np.sqrt((x * x).sum(0)) + 1e-7))),
    Case("as_strided", called("as_strided", (3, 2), (1, 2), 1), normal((3, 4)), lambda x: x.reshape(-1)[
        1 + np.arange(3)[:, None] + 2 * np.arange(2)], fresh=False, rows_only=True, halves=False, torch=False),
    Case("isin-plain", called("isin"), lambda r: (r.integers(0, 9, (3, 4)), r.integers(0, 9, 3)), np.isin, grad=()),
    Case("isin-floats", called("isin", invert=True), arrays([1.0, NAN, 2.0, 0.5], [NAN, 2.0, 7.0]),
         lambda a, b: ~np.isin(a, b), grad=()),
    Case("isin-none", called("isin"), arrays([1.0, 2.0], np.zeros(0)), np.isin, grad=()),
    Case("histc-range", called("histc", 4, -1, 1), uniform(-2, 2, (40,)),
         lambda x: np.histogram(x, 4, (-1, 1))[0] * 1.0, grad=(), halves=False),
    Case("histc-whole", called("histc", 3), arrays([0.0, 0.5, 2.9, 3.0]), lambda x: np.histogram(x, 3)[0] * 1.0,
         grad=()),
]  # fmt: skip

# -- matrices ------------------------------------------------------------------------------------------------------


def symmetric(F, x):
    return x + x.mT


def from_parts(F, x):
    values, vectors = F.linalg.eigh(symmetric(F, x))
    return F.matmul(vectors * F.exp(values).unsqueeze(-2), vectors.mT)


def exponential(x):
    values, vectors = np.linalg.eigh(x + np.swapaxes(x, -1, -2))
    return (vectors * np.exp(values)[..., None, :]) @ np.swapaxes(vectors, -1, -2)


def power(n):
    return lambda a: np.linalg.matrix_power(a, n)


MATRICES = [
    solved("eigh", from_parts, normal((2, 3, 3)), exponential, arrays=False),
    solved("eigh-values", lambda F, x: F.linalg.eigh(symmetric(F, x), "U")[0], normal((3, 3)),
           lambda x: np.linalg.eigvalsh(x + x.T), arrays=False),
    solved("eigvalsh", lambda F, x: F.linalg.eigvalsh(symmetric(F, x)), normal((2, 3, 3)),
           lambda x: np.linalg.eigvalsh(x + np.swapaxes(x, -1, -2)), arrays=False),
    *(solved(f"{name}-alone", call, lambda r: (spd_oracle(r.normal(size=(3, 3))),), oracle, grad=(), rows_only=True)
      for name, call, oracle in (
          ("eigh", lambda F, x: F.linalg.eigh(x)[0], np.linalg.eigvalsh),
          ("eigvalsh", lambda F, x: F.linalg.eigvalsh(x), np.linalg.eigvalsh),
          ("logdet", lambda F, x: F.logdet(x), lambda a: np.linalg.slogdet(a)[1]))),
    *(solved(f"{name}-{m}x{n}", call, normal((m, n)), np.linalg.pinv)
      for name, call in (("pinv", lambda F, a: F.linalg.pinv(a)), ("pinverse", lambda F, a: F.pinverse(a)))
      for m, n in ((4, 2), (2, 4))),
    solved("lstsq", lambda F, a, b: F.linalg.lstsq(a, b)[0], normal((5, 2), (5, 3)),
           lambda a, b: np.linalg.lstsq(a, b, rcond=None)[0], grad=(0, 1)),
    *(solved(f"matrix_power-{n}", lambda F, a, n=n: F.linalg.matrix_power(a, n), regular((2, 2, 2)), power(n),
             rows_only=n < 0, grad=(0,) if n else ()) for n in (0, 1, 3, -2)),
    solved("matrix_rank", lambda F, a: F.linalg.matrix_rank(a), arrays([[1.0, 2.0], [2.0, 4.0]]),
           lambda a: np.linalg.matrix_rank(a), grad=()),
    solved("multi_dot", lambda F, a, b, c: F.linalg.multi_dot([a, b, c]), normal((2, 3), (3, 4), (4,)),
           lambda a, b, c: a @ b @ c, grad=(0, 1, 2)),
    *(solved(f"solve_triangular-{upper}_{ones}",
             lambda F, a, b, u=upper, o=ones: F.linalg.solve_triangular(a, b, upper=u, unitriangular=o),
             regular((3, 3), (3, 2)), lambda a, b, u=upper, o=ones: np.linalg.solve(
                 (np.triu if u else np.tril)(a) * (1 - o * np.eye(3)) + o * np.eye(3), b), grad=(0, 1), rows_only=True)
      for upper in (True, False) for ones in (True, False)),
    solved("svd", lambda F, x: F.svd(x)[1], normal((3, 2)), lambda x: np.linalg.svd(x)[1]),
    solved("svd-product", lambda F, x: (lambda u, s, v: F.matmul(u * s, v.mT))(*F.svd(x)), normal((3, 2)),
           lambda x: x, arrays=False),
    solved("qr", lambda F, x: F.matmul(*F.qr(x)), normal((3, 2)), lambda x: x),
    solved("inverse", lambda F, a: F.inverse(a), regular((3, 3)), np.linalg.inv, rows_only=True),
    solved("logdet", lambda F, a: F.logdet(spd(F, a)), normal((3, 3)), lambda a: np.linalg.slogdet(spd_oracle(a))[1],
           arrays=False),
]  # fmt: skip

# -- other names ---------------------------------------------------------------------------------------------------

NAMES = [
    *(Case(f"{name}", called(name), normal((3, 4), (4,)), oracle, grad=(0, 1) if smooth else ())
      for name, oracle, smooth in (
          ("multiply", np.multiply, True), ("subtract", np.subtract, True), ("not_equal", np.not_equal, False),
          ("greater", np.greater, False), ("greater_equal", np.greater_equal, False), ("less", np.less, False),
          ("less_equal", np.less_equal, False))),
    Case("divide", called("divide"), uniform(1, 2, (3, 4), (4,)), np.divide, grad=(0, 1)),
    Case("swapdims", called("swapdims", 0, 1), A, np.transpose, fresh=False),
    Case("row_stack", lambda F, a, b: F.row_stack((a, b)), normal((3,), (2, 3)), lambda a, b: np.vstack((a, b)),
         grad=(0, 1), torch=lambda F, a, b: F.vstack((a, b))),
    Case("argwhere", called("argwhere"), arrays([[0.0, 1.0], [2.0, 0.0]]), np.argwhere, grad=()),
    Case("ger", called("ger"), normal((3,), (4,)), np.outer, grad=(0, 1)),
]  # fmt: skip

CASES = [*SUMS, *SCATTERS, *PARTS, *MATRICES, *NAMES]

_I, _M, _L = nbnn.tensor([0, 1]), nbnn.ones(2, 2), nbnn.linalg
ERRORS = [
    *(bad for name in ("diff", "cummax", "cummin", "logcumsumexp", "nansum", "nanmean") for bad in dim_refusals(name)
      if name != "diff" and (name != "nanmean" or "dim" in bad.name) and not bad.name.endswith("logcumsumexp")),
    Bad("diff-dim", lambda F: F.diff(X, dim=2), IndexError, r"^diff: `dim` \(=2\)"),
    Bad("diff-0d", lambda F: F.diff(nbnn.tensor(1.0)), ValueError, r"^diff: `input` must have at least one axis"),
    Bad("diff-n", lambda F: F.diff(X, -1), ValueError, r"^diff: `n` \(=-1\)"),
    Bad("trace-axes", lambda F: F.trace(nbnn.ones(3)), ValueError, r"^trace: `input` must have 2 axes"),
    Bad("cross-size", lambda F: F.cross(_M, _M), ValueError, r"^cross: an axis must have size 3"),
    Bad("cross-list", lambda F: F.cross([1], _M), TypeError, r"^cross: `input` must be a Tensor"),
    Bad("inner-size", lambda F: F.inner(_M, X), ValueError, r"^inner: the last axes must have one size"),
    Bad("dist-shapes", lambda F: F.dist(_M, X), ValueError, r"^dist: the shapes must broadcast"),
    *(Bad(f"{name}-both", lambda F, name=name: getattr(F, name)(X, X, dx=1.0), ValueError, r"^trapezoid: `x` and `dx`")
      for name in ("trapezoid", "trapz")),
    Bad("trapezoid-x", lambda F: F.trapezoid(X, _I), ValueError, r"^trapezoid: `x` of shape \(2,\)"),
    Bad("scatter_reduce-reduce", lambda F: F.scatter_reduce(X, 0, _I, X, "max"), ValueError, r"`reduce` \(='max'\)"),
    Bad("scatter_reduce-index", lambda F: F.scatter_reduce(nbnn.ones(1), 0, _I, nbnn.ones(2), "sum"), IndexError,
        r"^scatter_reduce: `index`\[1\] \(=1\)"),
    Bad("scatter_reduce-src", lambda F: F.scatter_reduce(nbnn.ones(2), 0, _I, nbnn.ones(1), "sum"), ValueError,
        r"^scatter_reduce: `index` must not be longer than `src`"),
    Bad("scatter_reduce-dtype", lambda F: F.scatter_reduce(nbnn.ones(2), 0, _I, _I, "sum"), TypeError, "one dtype"),
    Bad("index_reduce-reduce", lambda F: F.index_reduce(X, 0, _I, X, "sum"), ValueError, r"`reduce` \(='sum'\)"),
    Bad("index_reduce-source", lambda F: F.index_reduce(X, 0, _I, _M, "amax"), ValueError,
        r"^index_reduce: `source` must have the shape \(2, 3\)"),
    Bad("index_put-values", lambda F: F.index_put(X, (_I,), 1.0), TypeError, r"^index_put: `values` must be a Tensor"),
    Bad("index_put-shape", lambda F: F.index_put(X, (_I,), nbnn.ones(2), True), ValueError, r"^index_put: the sh"),
    Bad("index_put-range", lambda F: F.index_put(X, (_I + 5,), nbnn.ones(3), True), IndexError, r"5"),
    Bad("masked_scatter-mask", lambda F: F.masked_scatter(X, _I, X), TypeError, r"`mask` must be a bool Tensor"),
    Bad("masked_scatter-few", lambda F: F.masked_scatter(X, X > 0, nbnn.ones(2)), ValueError,
        r"`source` must have 6 elements"),
    Bad("mode-dim", lambda F: F.mode(X, 2), IndexError, r"^mode: `dim` \(=2\)"),
    Bad("mode-empty", lambda F: F.mode(nbnn.ones(2, 0)), ValueError, r"^mode: `input` must not be empty"),
    Bad("cov-axes", lambda F: F.cov(nbnn.ones(1, 2, 3)), ValueError, r"^cov: `input` must have at most 2 axes"),
    Bad("corrcoef-axes", lambda F: F.corrcoef(nbnn.ones(1, 2, 3)), ValueError, r"^corrcoef: `input` must have at most"),
    Bad("put-size", lambda F: F.put(X, _I, nbnn.ones(3)), ValueError, r"^put: `index` and `source` must have one size"),
    Bad("put-range", lambda F: F.put(X, _I + 5, nbnn.ones(2)), IndexError, "6"),
    Bad("combinations-axes", lambda F: F.combinations(X), ValueError, r"^combinations: `input` must have one axis"),
    Bad("renorm-p", lambda F: F.renorm(X, 0, 0, 1), ValueError, r"^renorm: `p` \(=0\) must be above 0"),
    Bad("as_strided-beyond", lambda F: F.as_strided(X, (3, 3), (1, 3)), ValueError, r"^as_strided: .*leave 6 "),
    Bad("svd-vector", lambda F: F.svd(nbnn.ones(2)), ValueError, r"^svd: "),
    Bad("qr-vector", lambda F: F.qr(nbnn.ones(2)), ValueError, r"^qr: "),
    Bad("ravel-list", lambda F: F.ravel([1]), TypeError, r"^ravel: `input` must be a Tensor"),
    Bad("adjoint-axes", lambda F: F.adjoint(nbnn.ones(2)), ValueError, r"^adjoint: `input` must have at least 2 axes"),
    *(Bad(f"atleast_{n}d-number", lambda F, n=n: getattr(F, f"atleast_{n}d")(1.0), TypeError,
          rf"^atleast_{n}d: `tensors` must be a Tensor; got float") for n in (1, 2, 3)),
    Bad("broadcast_tensors-shapes", lambda F: F.broadcast_tensors(X, nbnn.ones(2)), ValueError, "must broadcast"),
    Bad("tensor_split-none", lambda F: F.tensor_split(X, 0), ValueError, r"^tensor_split: `sections` \(=0\)"),
    Bad("tensor_split-dim", lambda F: F.tensor_split(X, 1, 2), IndexError, r"^tensor_split: `dim` \(=2\)"),
    Bad("hsplit-uneven", lambda F: F.hsplit(X, 2), ValueError, r"^hsplit: .*must divide the size 3"),
    Bad("vsplit-uneven", lambda F: F.vsplit(X, 3), ValueError, r"^vsplit: .*must divide the size 2"),
    Bad("fliplr-axes", lambda F: F.fliplr(nbnn.ones(2)), ValueError, r"^fliplr: `input` must have at least 2 axes"),
    Bad("flipud-axes", lambda F: F.flipud(nbnn.tensor(1.0)), ValueError, r"^flipud: `input` must have at least one"),
    Bad("column_stack-rows", lambda F: F.column_stack((X, _M[:1])), ValueError, r"^column_stack: .*number of rows"),
    Bad("block_diag-axes", lambda F: F.block_diag(nbnn.ones(1, 1, 1)), ValueError, r"^block_diag: .*at most 2 axes"),
    Bad("diagflat-offset", lambda F: F.diagflat(X, 1.0), TypeError, r"`offset` \(=1.0\)"),
    Bad("isin-numbers", lambda F: F.isin(1, 2), TypeError, r"^isin: .*must be a Tensor"),
    Bad("histc-integers", lambda F: F.histc(_I), TypeError, r"^histc: `input` must have a floating-point dtype"),
    Bad("histc-bins", lambda F: F.histc(X, 0), ValueError, r"^histc: `bins` \(=0\)"),
    Bad("histc-range", lambda F: F.histc(X, 2, 1, 0), ValueError, r"^histc: `max` \(=0\) must be at least"),
    *(Bad(f"{name}-square", lambda F, call=call: call(X), ValueError, rf"^{name}: .*\(\.\.\., n, n\)")
      for name, call in (("eigh", _L.eigh), ("eigvalsh", _L.eigvalsh),
                         ("matrix_power", lambda x: _L.matrix_power(x, 2)),
                         ("solve_triangular", lambda x: _L.solve_triangular(x, x, upper=True)),
                         ("inverse", nbnn.inverse), ("logdet", nbnn.logdet))),
    *(Bad(f"{name}-vector", lambda F, call=call: call(nbnn.ones(2)), ValueError, rf"^{name}: ")
      for name, call in (("pinv", _L.pinv), ("pinverse", nbnn.pinverse), ("matrix_rank", _L.matrix_rank),
                         ("multi_dot", lambda x: _L.multi_dot([x])))),
    Bad("eigh-UPLO", lambda F: F.linalg.eigh(_M, "X"), ValueError, r"^eigh: `UPLO` \(='X'\)"),
    Bad("lstsq-rows", lambda F: F.linalg.lstsq(_M, nbnn.ones(3, 1)), ValueError, r"^lstsq: `B` must have the 2 rows"),
    *(Bad(f"{name}-list", lambda F, name=name: getattr(F, name)(_M, [1.0]), TypeError, "got list")
      for name in ("multiply", "subtract", "divide", "not_equal", "greater", "greater_equal", "less", "less_equal")),
    Bad("swapdims-axis", lambda F: F.swapdims(_M, 0, 2), IndexError, r"2"),
    Bad("row_stack-widths", lambda F: F.row_stack((_M, nbnn.ones(3))), ValueError, "stack|cat"),
    Bad("argwhere-list", lambda F: F.argwhere([1]), TypeError, "must be a Tensor"),
    Bad("ger-axes", lambda F: F.ger(_M, _M), ValueError, "outer"),
]  # fmt: skip
