"""Cases of views, of copies in another order and of joining."""

import numpy as np

import nbnn
from tests.cases import arrays, normal
from tests.engine import Bad, Case


def seen(name, call, inputs, oracle, **options):
    """A case whose result may be a view."""
    return Case(name, call, inputs, oracle, fresh=False, **options)


def of(name, shape, *args, oracle, make=seen, **options):
    """A function of a Tensor and plain arguments, called as function and (with an empty input) as method."""
    label = f"{name}-{shape}_{args}".replace(" ", "").replace("'", "")
    return make(label, lambda F, x: getattr(F, name)(x, *args), normal(shape), lambda x: oracle(x, *args), **options)


def method(name, shape, *args, oracle, **options):
    label = f"{name}-method_{shape}_{args}".replace(" ", "")
    return seen(
        label, lambda F, x: getattr(x, name)(*args), normal(shape), lambda x: oracle(x, *args), arrays=False, **options
    )


def integers(low, high, *shapes):
    return lambda r: tuple(r.integers(low, high, s) for s in shapes)


def pieces(x, sizes, axis):
    return tuple(np.split(x, np.cumsum(sizes)[:-1], axis))


def cut(x, size, axis=0):
    sizes = size if isinstance(size, (tuple, list)) else [size] * (x.shape[axis] // size) + (
        [x.shape[axis] % size] if x.shape[axis] % size else []
    )  # fmt: skip
    return pieces(x, sizes, axis)


def chunks(x, count, axis=0):
    return cut(x, -(-x.shape[axis] // count), axis)


def along(x, axis=0):
    return tuple(np.moveaxis(x, axis, 0))


def windows(x, axis, size, step):
    view = np.lib.stride_tricks.sliding_window_view(x, size, axis)
    return view[(slice(None),) * (axis % x.ndim) + (slice(None, None, step),)]


VIEWS = [
    of("movedim", (2, 3, 4), 0, -1, oracle=np.moveaxis), of("movedim", (2, 3, 4), (0, 1), (2, 0), oracle=np.moveaxis),
    of("moveaxis", (2, 3, 4), -1, 0, oracle=np.moveaxis), of("swapaxes", (2, 3, 4), 0, -1, oracle=np.swapaxes),
    seen("movedim-0d", lambda F, x: F.movedim(x, 0, 0), normal(()), lambda x: x),
    seen("movedim-mT", lambda F, x: x.mT, normal((2, 3, 4)), lambda x: np.swapaxes(x, 1, 2), arrays=False),
    seen("movedim-T", lambda F, x: x.T, normal((2, 3, 4)), np.transpose, arrays=False, torch=False),
    seen("unflatten", lambda F, x: F.unflatten(x, 1, (2, -1)), normal((3, 6)), lambda x: x.reshape(3, 2, 3),
         torch=lambda F, x: x.unflatten(1, (2, -1))),
    method("unflatten", (6, 2), 0, (3, 2), oracle=lambda x, *_: x.reshape(3, 2, 2)),
    of("broadcast_to", (2, 1), (4, 2, 3), oracle=np.broadcast_to),
    of("broadcast_to", (), (2,), oracle=np.broadcast_to),
    method("broadcast_to", (3,), (2, 3), oracle=np.broadcast_to),
    seen("broadcast_to-expand_as", lambda F, x, y: x.expand_as(y), normal((1, 3), (2, 3)),
         lambda x, y: np.broadcast_to(x, (2, 3)), arrays=False),
    seen("unflatten-view_as", lambda F, x, y: (x * 1).view_as(y), normal((6,), (2, 3)), lambda x, y: x.reshape(2, 3),
         arrays=False),
    seen("unflatten-reshape_as", lambda F, x, y: x.reshape_as(y), normal((6,), (2, 3)), lambda x, y: x.reshape(2, 3),
         arrays=False),
    of("select", (2, 3, 4), 1, -1, oracle=lambda x, d, i: np.take(x, i, d)),
    of("select", (5,), 0, 2, oracle=lambda x, d, i: x[i]),
    method("select", (2, 3), -1, 0, oracle=lambda x, d, i: np.take(x, i, d)),
    of("split", (5, 2), 2, oracle=cut), of("split", (2, 5), (1, 4), 1, oracle=cut), of("split", (4,), 9, oracle=cut),
    of("split", (3, 4), (0, 3), oracle=cut), method("split", (2, 6), 3, -1, oracle=cut),
    seen("split-uneven_use", lambda F, x: F.split(x, 2)[1] * 2.0, normal((6, 2)), lambda x: x[2:4] * 2),
    of("chunk", (5, 2), 2, oracle=chunks), of("chunk", (2, 6), 4, 1, oracle=chunks),
    of("chunk", (3,), 5, oracle=chunks),
    of("unbind", (3, 2), oracle=along), of("unbind", (2, 3), 1, oracle=along), of("unbind", (1, 3), oracle=along),
    of("diagonal", (3, 4), oracle=np.diagonal), of("diagonal", (3, 4), 2, oracle=np.diagonal),
    of("diagonal", (4, 2, 3), -1, 0, 2, oracle=np.diagonal), of("diagonal", (3, 3), 5, oracle=np.diagonal),
    method("diagonal", (2, 3, 3), 1, -2, -1, oracle=np.diagonal),
    method("unfold", (5,), 0, 3, 1, oracle=windows), method("unfold", (2, 7, 2), 1, 3, 2, oracle=windows),
    method("unfold", (3, 6), -1, 2, 2, oracle=windows), method("unfold", (4,), 0, 2, 3, oracle=windows),
    seen("unfold-0d", lambda F, x: x.unfold(0, 1, 1), normal(()), lambda x: x.reshape(1), arrays=False),
    seen("squeeze-dims", lambda F, x: F.squeeze(x, (0, 2)), normal((1, 3, 1, 2)), lambda x: x[0, :, 0]),
    seen("select-integers", lambda F, x: F.select(x, 0, 1), integers(0, 9, (3, 2)), lambda x: x[1], grad=()),
    seen("split-empty", lambda F, x: F.split(x, 2, 0), normal((2, 3)), lambda x: (x,),
         empty=(normal((0, 3)), normal((2, 0)))),
    seen("unbind-empty", lambda F, x: F.unbind(x, 0), normal((2, 3)), along, empty=(normal((2, 0)),)),
]  # fmt: skip


def tiles(x, *times):
    return np.tile(x, times[0] if isinstance(times[0], tuple) else times)


ORDER = [
    method("repeat", (2, 3), 2, 1, oracle=tiles), method("repeat", (3,), 2, 2, oracle=tiles),
    method("repeat", (2, 1), (1, 1), oracle=tiles), method("repeat", (2,), 0, oracle=tiles),
    method("repeat", (), 3, oracle=tiles), method("repeat", (), oracle=lambda x: x, torch=False),
    of("tile", (2, 3), (2,), oracle=tiles, make=Case), of("tile", (3,), (2, 2), oracle=tiles, make=Case),
    of("tile", (2,), (1,), oracle=tiles, make=Case),
    of("repeat_interleave", (2, 3), 2, 1, oracle=np.repeat, make=Case),
    of("repeat_interleave", (2, 3), 3, oracle=np.repeat, make=Case),
    of("repeat_interleave", (2, 3), 1, 0, oracle=np.repeat, make=Case),
    Case("repeat_interleave-counts", lambda F, x, n: F.repeat_interleave(x, n, 0),
         lambda r: (r.normal(size=(3, 2)), np.array([2, 0, 3])), lambda x, n: np.repeat(x, n, 0)),
    Case("repeat_interleave-one_count", lambda F, x, n: F.repeat_interleave(x, n, -1, output_size=6),
         lambda r: (r.normal(size=(1, 3)), np.array([2])), lambda x, n: np.repeat(x, 2, -1)),
    of("flip", (2, 3, 4), (0, 2), oracle=np.flip, make=Case), of("flip", (5,), (-1,), oracle=np.flip, make=Case),
    Case("flip-large", lambda F, x: F.flip(x, (0, 1)), normal((3, 4)), lambda x: x[::-1, ::-1],
         large=normal((300, 200)), empty=(normal((0, 3)),)),
    Case("flip-bools", lambda F, x: F.flip(x, (0,)), lambda r: (r.random((3, 2)) > 0.5,), lambda x: x[::-1], grad=()),
    Case("flip-method", lambda F, x: x.flip(0, 1), normal((2, 3)), np.flip, arrays=False),
    Case("flip-none", lambda F, x: F.flip(x, ()), normal((2, 3)), lambda x: x),
    of("roll", (5,), 2, oracle=np.roll, make=Case), of("roll", (2, 3), -1, oracle=np.roll, make=Case),
    of("roll", (3, 4), (1, -6), (0, 1), oracle=np.roll, make=Case),
    of("roll", (3, 4), 1, -1, oracle=np.roll, make=Case),
    of("roll", (3,), (1, 1), (0, 0), oracle=np.roll, make=Case),
    Case("roll-large", lambda F, x: F.roll(x, (7, 3), (0, 1)), normal((3, 4)), lambda x: np.roll(x, (7, 3), (0, 1)),
         large=normal((300, 200)), empty=(normal((0, 3)),)),
    *(of("rot90", (2, 3), k, oracle=np.rot90, make=seen) for k in (0, 1, 2, 3, -1)),
    of("rot90", (2, 3, 2), 1, (2, 1), oracle=np.rot90),
    *(of(name, shape, k, oracle=getattr(np, name), make=Case)
      for name in ("tril", "triu")
      for shape, k in (((3, 3), 0), ((3, 4), 1), ((2, 4, 3), -1), ((2, 2), 5), ((2, 2), -5))),
    *(Case(f"{name}-integers", lambda F, x, name=name: getattr(F, name)(x), integers(1, 9, (3, 3)), getattr(np, name),
           grad=()) for name in ("tril", "triu")),
    Case("tril-large", lambda F, x: F.tril(x), normal((3, 3)), np.tril, large=normal((300, 300)),
         empty=(normal((0, 3)), normal((0, 2, 2)))),
    Case("triu-nan", lambda F, x: F.triu(x), arrays([[np.nan, 1.0], [np.nan, np.inf]]), np.triu, grad=()),
    of("diag", (3,), 0, oracle=np.diag, make=Case), of("diag", (2,), -1, oracle=np.diag, make=Case),
    of("diag", (3, 4), 1, oracle=np.diag, make=Case), of("diag", (2, 2), 3, oracle=np.diag, make=Case),
    Case("diag_embed", lambda F, x: F.diag_embed(x, 1), normal((2, 3)),
         lambda x: np.stack([np.diag(row, 1) for row in x])),
    Case("diag_embed-axes", lambda F, x: F.diag_embed(x, 0, 0, -2), normal((2, 3)),
         lambda x: np.moveaxis(np.stack([np.diag(row) for row in x]), (1, 2), (0, 1))),
]  # fmt: skip

JOINS = [
    *(Case(name, lambda F, *xs, name=name: getattr(F, name)(xs, 1), normal((2, 3), (2, 1)),
           lambda *xs: np.concatenate(xs, 1), grad=(0, 1)) for name in ("concat", "concatenate")),
    *(Case(f"{name}-{'_'.join(map(str, shapes))}".replace(" ", ""),
           lambda F, *xs, name=name: getattr(F, name)(xs), normal(*shapes),
           lambda *xs, name=name: getattr(np, name)(xs), grad=tuple(range(len(shapes))))
      for name, all_shapes in {
          "hstack": (((2,), (3,)), ((), ()), ((2, 1), (2, 3)), ((2, 1, 2), (2, 2, 2))),
          "vstack": (((3,), (3,)), ((), ()), ((1, 3), (3,)), ((1, 2, 2), (2, 2, 2))),
          "dstack": (((3,), (3,)), ((), ()), ((2, 3), (2, 3)), ((2, 2, 1), (2, 2))),
      }.items() for shapes in all_shapes),
]  # fmt: skip

INDICES = [
    Case(f"{name}-{rows}_{columns}_{k}", lambda F, x, name=name, a=(rows, columns, k): getattr(F, name)(*a),
         normal((1,)), lambda x, name=name, a=(rows, columns, k): np.stack(getattr(np, name)(a[0], a[2], a[1])),
         grad=(), arrays=False, cuda=False, halves=False)
    for name in ("tril_indices", "triu_indices") for rows, columns, k in ((3, 3, 0), (2, 4, 1), (4, 2, -1), (0, 2, 0))
]  # fmt: skip

CASES = [*VIEWS, *ORDER, *JOINS, *INDICES]

_X = nbnn.ones(2, 3)


def bad(name, *args, error=ValueError, match, label="", **options):
    return Bad(
        f"{name}-{label or match[:20]}", lambda F: getattr(F, name)(*args, **options), error, rf"^{name}: {match}"
    )


ERRORS = [
    *(bad(name, [1.0], *rest, error=TypeError, match="`input` must be a Tensor; got list", label="list")
      for name, rest in (("movedim", (0, 1)), ("moveaxis", (0, 1)), ("swapaxes", (0, 1)), ("select", (0, 0)),
                         ("chunk", (2,)), ("unbind", ()), ("diagonal", ()), ("tile", (2,)), ("flip", ((0,),)),
                         ("roll", (1,)), ("tril", ()), ("triu", ()), ("diag", ()), ("diag_embed", ()), ("rot90", ()),
                         ("repeat_interleave", (2,)), ("unflatten", (0, (1,))), ("broadcast_to", ((2,),)))
      if name != "moveaxis"),
    Bad("moveaxis-list", lambda F: F.moveaxis([1.0], 0, 1), TypeError, "^movedim: `input` must be a Tensor"),
    bad("split", [1.0], 2, error=TypeError, match="`tensor` must be a Tensor; got list"),
    bad("movedim", _X, (0, 1), 0, match=r"`source` \(=\(0, 1\)\) and `destination` \(=0\) must name as many"),
    bad("movedim", _X, (0, 0), (0, 1), match=r"`source` \(=\(0, 0\)\) must not name an axis twice"),
    bad("movedim", _X, 2, 0, error=IndexError, match=r"`source` \(=2\)"),
    bad("swapaxes", _X, 0, 2, error=IndexError, match=r"`axis1` \(=2\)"),
    Bad("movedim-mT", lambda F: F.ones(2).mT, ValueError, r"^mT: needs a Tensor of at least 2 axes; got shape \(2,\)"),
    bad("unflatten", _X, 1, (2, 2), match=r"`sizes` \(=\(2, 2\)\) has 4 elements; the input has 3"),
    bad("unflatten", _X, 1, (2, -1), match=r"`sizes` \(=\(2, -1\)\) does not divide"),
    bad("unflatten", _X, 1, 3, error=TypeError, match=r"`sizes` \(=3\) must be a tuple"),
    bad("unflatten", nbnn.ones(()), 0, (1,), error=IndexError, match=r"`dim` \(=0\) does not exist"),
    bad("broadcast_to", _X, (3, 3), match=r"`size` \(=\(3, 3\)\) cannot be reached from shape \(2, 3\)"),
    bad("broadcast_to", _X, 3, match=r"`size` \(=\(3,\)\) cannot be reached"),
    Bad("broadcast_to-expand_as", lambda F: _X.expand_as(3), TypeError, "^expand_as: `other` must be a Tensor"),
    bad("select", _X, 1, 3, error=IndexError,
         match=r"`index` \(=3\) must be in \[-3, 2\] for axis 1 of shape \(2, 3\)"),
    bad("select", _X, 2, 0, error=IndexError, match=r"`dim` \(=2\)"),
    bad("select", nbnn.ones(()), 0, 0, error=IndexError, match=r"`dim` \(=0\) does not exist"),
    bad("select", _X, 0, 0.5, error=TypeError, match=r"`index` \(=0.5\) must be an int"),
    bad("split", _X, 0, match=r"`split_size_or_sections` \(=0\) must be at least 1"),
    bad("split", _X, -1, match=r"`split_size_or_sections` \(=-1\) must be at least 0"),
    bad("split", _X, [1, 2], match=r"`split_size_or_sections` \(=\(1, 2\)\) must add up to the size 2 of axis 0"),
    bad("split", _X, [3, -1], match="`split_size_or_sections`.* must not hold negative"),
    bad("split", _X, 1, 2, error=IndexError, match=r"`dim` \(=2\)"),
    bad("chunk", _X, 0, match=r"`chunks` \(=0\) must be at least 1"),
    bad("chunk", _X, 1, 2, error=IndexError, match=r"`dim` \(=2\)"),
    bad("unbind", _X, 2, error=IndexError, match=r"`dim` \(=2\)"),
    bad("unbind", nbnn.ones(()), error=IndexError, match=r"`dim` \(=0\) does not exist"),
    bad("diagonal", _X, 0, 1, 1, match=r"`dim1` \(=1\) and `dim2` \(=1\) must be different axes"),
    bad("diagonal", nbnn.ones(2), match=r"`input` must have at least 2 axes; got shape \(2,\)"),
    bad("diagonal", _X, 0, 0, 2, error=IndexError, match=r"`dim2` \(=2\)"),
    Bad("unfold-size", lambda F: _X.unfold(1, 4, 1), ValueError, r"^unfold: `size` \(=4\) must be at most the size 3"),
    Bad("unfold-step", lambda F: _X.unfold(1, 2, 0), ValueError, r"^unfold: `step` \(=0\) must be at least 1"),
    Bad("unfold-dim", lambda F: _X.unfold(2, 2, 1), IndexError, r"^unfold: `dimension` \(=2\)"),
    Bad("repeat-few", lambda F: _X.repeat(2), ValueError,
         r"^repeat: `repeats` \(=\(2,\)\) must have a number for each"),
    Bad("repeat-negative", lambda F: _X.repeat(2, -1), ValueError, r"^repeat: `repeats` \(=-1\) must be at least 0"),
    Bad("repeat-huge", lambda F: _X.repeat(2**30, 2**30), ValueError,
         r"^repeat: `repeats` .*more elements than memory"),
    bad("tile", _X, (1.5,), error=TypeError, match=r"`dims` \(=1.5\) must be an int"),
    bad("repeat_interleave", _X, nbnn.tensor([1, 2]), 1,
         match=r"`repeats` of shape \(2,\) must have the size 3 of axis 1"),
    bad("repeat_interleave", _X, nbnn.tensor([1, -2]), 0, match=r"`repeats` \(=-2\) must be at least 0"),
    bad("repeat_interleave", _X, nbnn.tensor([1.0, 2.0]), 0, error=TypeError, match="`repeats` must hold integers"),
    bad("repeat_interleave", _X, 2, 0, match=r"`output_size` \(=5\) must be the sum 4", output_size=5),
    bad("flip", _X, (0, 0), match=r"`dims` \(=\(0, 0\)\) must not name an axis twice"),
    bad("flip", _X, (2,), error=IndexError, match=r"`dims` \(=2\)"),
    bad("roll", _X, (1, 2), match=r"`shifts` \(=\(1, 2\)\) must be one number"),
    bad("roll", _X, (1, 2), 0, match=r"`shifts` \(=\(1, 2\)\) and `dims` \(=\(0,\)\) must have one length"),
    bad("roll", _X, 1, 2, error=IndexError, match=r"`dims` \(=2\)"),
    bad("rot90", _X, 1, (0,), match=r"`dims` \(=\(0,\)\) must name two axes"),
    bad("tril", nbnn.ones(2), match=r"`input` must have at least 2 axes"),
    bad("triu", _X, 0.5, error=TypeError, match=r"`diagonal` \(=0.5\) must be an int"),
    bad("diag", nbnn.ones(1, 1, 1), match=r"`input` must have 1 or 2 axes; got shape \(1, 1, 1\)"),
    bad("diag_embed", nbnn.ones(()), match="`input` must have at least one axis"),
    bad("diag_embed", _X, 0, 1, 1, match=r"`dim1` \(=1\) and `dim2` \(=1\) must be different axes"),
    bad("tril_indices", -1, 2, match=r"`row` \(=-1\) must be at least 0"),
    bad("triu_indices", 1, 2.5, error=TypeError, match=r"`col` \(=2.5\) must be an int"),
    bad("hstack", [_X, nbnn.ones(3, 3)], match=r"`tensors`\[1\] must have the first shape \(2, 3\) but for axis 1"),
    bad("hstack", [], match="`tensors` must hold at least one Tensor"),
    bad("vstack", [_X, nbnn.ones(2)], match=r"`tensors`\[1\] must have the first shape \(2, 3\) but for axis 0"),
    bad("dstack", [1.0], error=TypeError, match=r"`tensors\[0\]` must be a Tensor; got float"),
    Bad("concat-none", lambda F: F.concat([]), ValueError, "^cat: `tensors` must hold at least one"),
    Bad("concatenate-none", lambda F: F.concatenate(None), TypeError, "^cat: `tensors` must be a list"),
]  # fmt: skip
