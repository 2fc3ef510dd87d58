"""Cases of picking and setting elements: keys with arrays, gather and scatter, masks."""

import numpy as np

import nbnn
from tests.cases import normal
from tests.engine import Bad, Case

FIRST, J, K = np.array([0, 1]), np.array([[0], [-1]]), np.array([[1, -2, 2]])
TWICE, NONE = np.array([1, 0, 1]), np.zeros((0, 2), int)
ROWS, BLOCK = np.array([True, False]), np.array([[True, False, True], [False, True, True]])
INNER = np.array([[True, False, True, False], [False, False, True, True], [True, True, False, False]])
ALL = slice(None)

# NumPy puts what is picked first where an int stands between arrays or before them; torch, and nbnn, apply ints first.
KEYS = {
    "two": (FIRST, FIRST), "pairs": (J, K), "apart": (FIRST, ALL, FIRST), "last": (..., FIRST),
    "ends": (FIRST, ..., TWICE[:2]),
    "middle": (ALL, J, K), "new_axis": (None, FIRST), "new_axis_between": (FIRST, None, FIRST), "twice": (TWICE, TWICE),
    "empty": (NONE,), "sliced": (slice(0, 1), TWICE, slice(1, 3)), "step": (ALL, TWICE, slice(None, None, 2)),
    "mask": (BLOCK,), "mask_inside": (ALL, INNER), "mask_rows": (ROWS,), "mask_and_array": (ALL, INNER[:, 0], FIRST),
    "mask_between": (ROWS, ALL, FIRST), "mask_none": (~BLOCK & BLOCK,), "true": (True,), "false": (False,),
    "true_and_array": (True, FIRST), "int32": (FIRST.astype(np.int32),), "uint8": (TWICE.astype(np.uint8),),
    "0d_array": (J, np.array(1)), "reversed": (np.array([-1, -2]),),
}  # fmt: skip
INTS = {
    "int_first": (0, ALL, FIRST),
    "int_last": (FIRST, ALL, 0),
    "int_middle": (FIRST, 1, TWICE[:2]),
    "int_before": (-1, J, K),
}


def as_tensors(F, key):
    """The arrays of a key as Tensors of the library that is called."""
    return tuple(F.from_numpy(k) if isinstance(k, np.ndarray) else k for k in key)


def by_torch_rule(x, key):
    """Ints applied first, as slices of length 1 that are dropped."""
    at = [k for k, item in enumerate(key) if isinstance(item, int) and not isinstance(item, bool)]
    (at,) = at
    rest = np.take(x, key[at], at)
    return rest, (*key[:at], *key[at + 1 :])


def getting(label, key, oracle):
    return Case(f"getitem-{label}", lambda F, x: x[as_tensors(F, key)], normal((2, 3, 4)), oracle, arrays=False,
                torch="uint8" not in label)  # fmt: skip


def put(x, key, v):
    x[key] = v
    return x


def setting(label, key, shape, alone=True, **options):
    return Case(f"setitem-{label}", lambda F, x, v: put(x * 1.0, as_tensors(F, key), v), normal((2, 3, 4), shape),
                lambda x, v: put(x.copy(), key, v), grad=(0, 1), arrays=False, torch=alone, **options)  # fmt: skip


GETS = [
    *(getting(label, key, lambda x, key=key: x[key]) for label, key in KEYS.items()),
    *(getting(label, key, lambda x, key=key: np.array(by_torch_rule(x, key)[0][by_torch_rule(x, key)[1]]))
      for label, key in INTS.items()),
    Case("getitem-list_in_tuple", lambda F, x: x[:, [0, 2]], normal((2, 3)), lambda x: x[:, [0, 2]], arrays=False),
    Case("getitem-nested_list", lambda F, x: x[[[0, 1], [1, 1]]], normal((2, 3)),
         lambda x: x[np.array([[0, 1], [1, 1]])],
         arrays=False, torch=False),
    Case("getitem-of_transpose", lambda F, x, i: F.transpose(x, 0, 2)[i, :, i],
         lambda r: (r.normal(size=(2, 3, 4)), np.array([1, 0])), lambda x, i: np.swapaxes(x, 0, 2)[i, :, i],
         arrays=False),
    Case("getitem-many", lambda F, x, i, j: x[i, :, j], lambda r: (r.normal(size=(4, 3, 5)), *r.integers(0, 4, (2, 6))),
         lambda x, i, j: x[i, :, j], arrays=False,
         large=lambda r: (r.normal(size=(40, 300, 50)), *r.integers(0, 40, (2, 99)))),
    Case("getitem-bools", lambda F, x, i: x[i], lambda r: (r.random((4, 3)) > 0.5, np.array([2, 2, 0])),
         lambda x, i: x[i], arrays=False, grad=()),
    Case("getitem-no_rows", lambda F, x, i: x[i], lambda r: (r.normal(size=(4, 3)), np.array([1])), lambda x, i: x[i],
         arrays=False, empty=(lambda r: (np.zeros((4, 0)), np.array([1])), lambda r: (np.zeros((0, 3)), FIRST[:0]))),
]  # fmt: skip
SETS = [
    *(setting(label, key, np.empty((2, 3, 4))[key].shape, label not in ("twice", "sliced", "step"))
      for label, key in KEYS.items() if label not in ("pairs", "middle", "uint8", "empty", "mask_none", "false")),
    setting("two_broadcast", (FIRST, FIRST), (4,)), setting("mask_broadcast", (BLOCK,), ()),
    setting("leading_ones", (ROWS,), (1, 1, 1, 4)), setting("rows", (TWICE[:2],), (2, 3, 4)),
    Case("setitem-number", lambda F, x: put(x * 1.0, x > 0, 7), normal((3, 4)), lambda x: np.where(x > 0, 7.0, x),
         arrays=False),
    Case("setitem-of_transpose", lambda F, x, v: put((x * 1.0).T, as_tensors(F, (FIRST, FIRST)), v),
         normal((3, 4), (2,)), lambda x, v: put(x.copy().T, (FIRST, FIRST), v), grad=(0, 1), arrays=False),
    Case("setitem-through_view", lambda F, x, v: through_view(F, x, v), normal((3, 4), (2,)),
         lambda x, v: np.stack([x[0], put(x[1].copy(), FIRST, v), x[2]]), grad=(0, 1), arrays=False),
    Case("setitem-integers", lambda F, x, i: put(x.clone(), i, 9), lambda r: (r.integers(0, 5, 6), np.array([1, -1])),
         lambda x, i: put(x.copy(), i, 9), grad=(), arrays=False),
    Case("setitem-cast", lambda F, x, v: put(x.clone(), as_tensors(F, (FIRST,)), v),
         lambda r: (r.integers(0, 5, 6), np.array([1.7, -2.7])), lambda x, v: put(x.copy(), FIRST, v), grad=(),
         arrays=False,
         torch=lambda F, x, v: put(x.clone(), as_tensors(F, (FIRST,)), v.long())),
    Case("setitem-bools", lambda F, x, i: put(x.clone(), i, True), lambda r: (r.random(6) > 0.5, np.array([1, 2])),
         lambda x, i: put(x.copy(), i, True), grad=(), arrays=False),
]  # fmt: skip


def through_view(F, x, v):
    y = x * 1.0
    put(y[1], as_tensors(F, (FIRST,)), v)
    return y


def along(shape, index, n, *rest):
    """A maker of a normal array, positions on an axis of size n, and further normal arrays."""
    return lambda r: (r.normal(size=shape), r.integers(0, n, index), *(r.normal(size=s) for s in rest))


def corner(shape, axis):
    return tuple(slice(None) if k == axis else slice(0, n) for k, n in enumerate(shape))


def gathered(x, i, dim):
    return np.take_along_axis(x[corner(i.shape, dim % x.ndim)], i, dim)


def scattered(x, i, s, dim, add):
    y = x.copy()
    for at in np.ndindex(i.shape):
        to = list(at)
        to[dim] = i[at]
        y[tuple(to)] = s[at] + (y[tuple(to)] if add else 0)
    return y


def multiplied(x, i, s):
    y = x.copy()
    for at in np.ndindex(i.shape):
        y[i[at], at[1]] *= s[at]
    return y


PLACES = [((2, 3, 4), (2, 5, 4), 1), ((2, 3, 4), (2, 3, 2), -1), ((4, 3), (6, 3), 0), ((4, 3), (2, 2), 0),
          ((5,), (7,), 0), ((3, 4, 2), (1, 4, 1), 1)]  # fmt: skip


def unique(shape, dim):
    """A permutation along the axis: no two elements go to one place."""
    return lambda r: (r.normal(size=shape), np.argsort(r.normal(size=shape), dim), r.normal(size=shape))


GATHERS = [
    *(Case(f"gather-{shape}_{index}_{dim}".replace(" ", ""), lambda F, x, i, dim=dim: F.gather(x, dim, i),
           along(shape, index, shape[dim]), lambda x, i, dim=dim: gathered(x, i, dim)) for shape, index, dim in PLACES),
    Case("gather-large", lambda F, x, i: F.gather(x, 1, i), along((3, 4), (3, 5), 4), lambda x, i: gathered(x, i, 1),
         large=along((300, 90), (300, 200), 90),
         empty=(lambda r: (np.zeros((3, 0)), np.zeros((3, 0), int)),
         lambda r: (np.zeros((3, 4)), np.zeros((0, 4), int)))),
    Case("gather-0d", lambda F, x, i: F.gather(x, 0, i), lambda r: (np.array(2.5), np.array(0)), lambda x, i: x),
    Case("gather-integers", lambda F, x, i: F.gather(x, -1, i),
         lambda r: (r.integers(0, 9, (2, 3)), np.array([[2], [0]])),
         lambda x, i: gathered(x, i, 1), grad=()),
    Case("gather-bools", lambda F, x, i: F.gather(x, 0, i), lambda r: (r.random((2, 3)) > 0.5, np.array([[1, 0, 1]])),
         lambda x, i: gathered(x, i, 0), grad=()),
    Case("gather-int32", lambda F, x, i: F.gather(x, 0, i), lambda r: (r.normal(size=4), np.array([3, 1], np.int32)),
         lambda x, i: x[i], torch=False),
    Case("gather-method", lambda F, x, i: x.gather(dim=0, index=i), along((4,), (3,), 4), lambda x, i: x[i],
         arrays=False),
    *(Case(f"take_along_dim-{shape}_{index}_{dim}".replace(" ", ""),
           lambda F, x, i, dim=dim: F.take_along_dim(x, i, dim), along(shape, index, shape[dim]),
           lambda x, i, dim=dim: np.take_along_axis(x, i, dim))
      for shape, index, dim in (((2, 3), (2, 4), 1), ((2, 3), (1, 3), 0), ((1, 3), (2, 2), -1))),
    Case("take_along_dim-flat", lambda F, x, i: F.take_along_dim(x, i), along((2, 3), (2, 2), 6),
         lambda x, i: x.reshape(-1)[i.reshape(-1)]),
    Case("take", lambda F, x, i: F.take(x, i), along((2, 3), (2, 2), 6), lambda x, i: x.reshape(-1)[i]),
    Case("take-negative", lambda F, x, i: F.take(x, i - 6), along((2, 3), (4,), 6), lambda x, i: x.reshape(-1)[i]),
]  # fmt: skip
SCATTERS = [
    *(Case(f"scatter_add-{shape}_{index}_{dim}".replace(" ", ""),
    lambda F, x, i, s, dim=dim: F.scatter_add(x, dim, i, s),
           along(shape, index, shape[dim], index), lambda x, i, s, dim=dim: scattered(x, i, s, dim, True), grad=(0, 2))
      for shape, index, dim in PLACES),
    *(Case(f"scatter-{shape}_{dim}".replace(" ", ""), lambda F, x, i, s, dim=dim: F.scatter(x, dim, i, s),
           unique(shape, dim), lambda x, i, s, dim=dim: scattered(x, i, s, dim, False), grad=(0, 2))
      for shape, dim in (((2, 3, 4), 1), ((4, 3), 0), ((5,), 0), ((2, 3), -1))),
    *(Case(f"scatter-twice_{shape}_{index}_{dim}".replace(" ", ""), lambda F, x, i, s, dim=dim: F.scatter(x, dim, i, s),
           along(shape, index, shape[dim], index), lambda x, i, s, dim=dim: scattered(x, i, s, dim, False), grad=(0, 2),
           torch=False) for shape, index, dim in PLACES),
    Case("scatter-number", lambda F, x, i: F.scatter(x, 1, i, 2.5), along((2, 4), (2, 2), 4),
         lambda x, i: scattered(x, i, np.full(i.shape, 2.5), 1, False)),
    Case("scatter-value", lambda F, x, i: F.scatter(x, 1, i, value=2.5), along((2, 4), (2, 2), 4),
         lambda x, i: scattered(x, i, np.full(i.shape, 2.5), 1, False)),
    Case("scatter-add", lambda F, x, i, s: F.scatter(x, 0, i, s, reduce="add"), along((4, 2), (3, 2), 4, (3, 2)),
         lambda x, i, s: scattered(x, i, s, 0, True), grad=(), halves=False),
    Case("scatter-multiply", lambda F, x, i, s: F.scatter(x, 0, i, s, reduce="multiply"),
         along((4, 2), (3, 2), 4, (3, 2)), multiplied, grad=(), halves=False),
    Case("scatter-longer_source", lambda F, x, i, s: F.scatter_add(x, 0, i, s), along((4, 2), (2, 2), 4, (3, 3)),
         lambda x, i, s: scattered(x, i, s, 0, True), grad=(0, 2), torch=False),
    Case("scatter-0d", lambda F, x, i: F.scatter(x, 0, i, 3.0), lambda r: (np.array(2.5), np.array(0)),
         lambda x, i: np.array(3.0)),
    Case("scatter-in_place", lambda F, x, i, s: (x * 1.0).scatter_(1, i, s), unique((2, 3), 1),
         lambda x, i, s: scattered(x, i, s, 1, False), grad=(0, 2), arrays=False),
    Case("scatter_add-in_place", lambda F, x, i, s: (x * 1.0).scatter_add_(0, i, s), along((4, 2), (3, 2), 4, (3, 2)),
         lambda x, i, s: scattered(x, i, s, 0, True), grad=(0, 2), arrays=False),
    Case("scatter_add-large", lambda F, x, i, s: F.scatter_add(x, 0, i, s), along((4, 2), (3, 2), 4, (3, 2)),
         lambda x, i, s: scattered(x, i, s, 0, True), grad=(0, 2), large=along((40, 200), (300, 200), 40, (300, 200)),
         empty=(lambda r: (np.zeros((2, 3)), np.zeros((0, 3), int), np.zeros((0, 3))),)),
    Case("scatter_add-integers", lambda F, x, i, s: F.scatter_add(x, 0, i, s),
         lambda r: (r.integers(0, 9, (3, 2)), r.integers(0, 3, (4, 2)), r.integers(0, 9, (4, 2))),
         lambda x, i, s: scattered(x, i, s, 0, True), grad=()),
    Case("scatter-integers", lambda F, x, i: F.scatter(x, 1, i, 1),
         lambda r: (np.zeros((3, 4), int), r.integers(0, 4, (3, 1))),
         lambda x, i: scattered(x, i, np.ones(i.shape, int), 1, False), grad=()),
]  # fmt: skip


def added(x, i, s, dim):
    y = np.moveaxis(x.copy(), dim, 0)
    np.add.at(y, i, np.moveaxis(s, dim, 0))
    return np.moveaxis(y, 0, dim)


def replaced(x, i, s, dim):
    y = np.moveaxis(x.copy(), dim, 0)
    for k, to in enumerate(i):
        y[to] = np.moveaxis(s, dim, 0)[k]
    return np.moveaxis(y, 0, dim)


SLICES = [
    *(Case(f"index_select-{dim}", lambda F, x, i, dim=dim: F.index_select(x, dim, i), along((3, 3, 3), (4,), 3),
           lambda x, i, dim=dim: np.take(x, i, dim)) for dim in (0, 1, -1)),
    Case("index_select-0d", lambda F, x, i: F.index_select(x, 0, i), lambda r: (np.array(2.5), np.array([0])),
         lambda x, i: x),
    Case("index_select-large", lambda F, x, i: F.index_select(x, 1, i), along((3, 3), (4,), 3),
         lambda x, i: np.take(x, i, 1), large=along((200, 300), (500,), 300),
         empty=(lambda r: (np.zeros((2, 3)), FIRST[:0]), lambda r: (np.zeros((0, 3)), FIRST))),
    *(Case(f"index_add-{dim}", lambda F, x, i, s, dim=dim: F.index_add(x, dim, i, s, alpha=2.0),
           along((3, 3), (3,), 3, (3, 3)), lambda x, i, s, dim=dim: added(x, i, 2 * s, dim),
           grad=(0, 2)) for dim in (0, 1)),
    Case("index_add-in_place", lambda F, x, i, s: (x * 1.0).index_add_(0, i, s), along((3, 2), (4,), 3, (4, 2)),
         lambda x, i, s: added(x, i, s, 0), grad=(0, 2), arrays=False),
    *(Case(f"index_copy-{dim}", lambda F, x, i, s, dim=dim: F.index_copy(x, dim, i, s), along((3, 3), (3,), 3, (3, 3)),
           lambda x, i, s, dim=dim: replaced(x, i, s, dim), grad=(0, 2), torch=False) for dim in (0, 1)),
    Case("index_copy-in_place", lambda F, x, i, s: (x * 1.0).index_copy_(0, i, s),
         lambda r: (r.normal(size=(3, 2)), np.array([2, 0]), r.normal(size=(2, 2))),
         lambda x, i, s: replaced(x, i, s, 0),
         grad=(0, 2), arrays=False),
    Case("index_fill", lambda F, x, i: F.index_fill(x, 1, i, 4), along((2, 3), (2,), 3),
         lambda x, i: put(x.copy(), (ALL, i), 4)),
    Case("index_fill-in_place", lambda F, x, i: (x * 1.0).index_fill_(0, i, 4.5), along((3,), (2,), 3),
         lambda x, i: put(x.copy(), i, 4.5), arrays=False),
]  # fmt: skip


def masked(shape, mask, *rest):
    return lambda r: (r.normal(size=shape), r.random(mask) > 0.5, *(np.asarray(r.normal(size=s)) for s in rest))


MASKS = [
    Case("masked_fill", lambda F, x, m: F.masked_fill(x, m, -1.5), masked((3, 4), (3, 4)),
         lambda x, m: np.where(m, -1.5, x),
         large=masked((300, 400), (300, 400)), empty=(masked((0, 3), (3,)),)),
    Case("masked_fill-infinite", lambda F, x, m: F.masked_fill(x, m, float("-inf")), masked((3, 4), (4,)),
         lambda x, m: np.where(m, -np.inf, x), torch=True, grad=()),
    Case("masked_fill-broadcast", lambda F, x, m: F.masked_fill(x, m, 2), masked((4,), (3, 1)),
         lambda x, m: np.where(m, 2.0, x)),
    Case("masked_fill-tensor", lambda F, x, m, v: F.masked_fill(x, m, v), masked((3, 4), (3, 1), ()),
         lambda x, m, v: np.where(m, v, x), grad=(0, 2)),
    Case("masked_fill-in_place", lambda F, x, m: (x * 1.0).masked_fill_(m, 0.5), masked((3, 4), (4,)),
         lambda x, m: np.where(m, 0.5, x), arrays=False),
    Case("masked_fill-integers", lambda F, x, m: F.masked_fill(x, m, 7),
         lambda r: (np.arange(6), np.arange(6) % 2 == 0),
         lambda x, m: np.where(m, 7, x), grad=()),
    Case("masked_fill-bools", lambda F, x, m: F.masked_fill(x, m, True),
         lambda r: (r.random(6) > 0.5, np.arange(6) > 3),
         lambda x, m: m | x, grad=()),
    Case("masked_select", lambda F, x, m: F.masked_select(x, m), masked((3, 4), (3, 4)), lambda x, m: x[m],
         empty=(masked((0, 3), (0, 3)),)),
    Case("masked_select-broadcast", lambda F, x, m: F.masked_select(x, m), masked((4,), (3, 1)),
         lambda x, m: np.broadcast_to(x, (3, 4))[np.broadcast_to(m, (3, 4))]),
    Case("masked_select-0d", lambda F, x, m: F.masked_select(x, m), lambda r: (np.array(2.0), np.array(True)),
         lambda x, m: x.reshape(1)),
    *(Case(f"nonzero-{label}", lambda F, x: F.nonzero(x), make, lambda x: np.argwhere(x), grad=(), torch=label != "0d")
      for label, make in {"floats": lambda r: (r.integers(0, 2, (3, 4)) * 1.0,),
      "bools": lambda r: (r.random(5) > 0.5,),
                          "integers": lambda r: (r.integers(0, 2, (2, 3, 2)),), "none": lambda r: (np.zeros((2, 2)),),
                          "0d": lambda r: (np.array(3.0),)}.items()),
    Case("nonzero-tuple", lambda F, x: F.nonzero(x, as_tuple=True),
         lambda r: (r.integers(0, 2, (3, 4)) * 1.0,), np.nonzero,
         grad=(), empty=(normal((0, 3)),)),
]  # fmt: skip

CASES = [*GETS, *SETS, *GATHERS, *SCATTERS, *SLICES, *MASKS]

_X = nbnn.ones(2, 3)
_0 = nbnn.tensor([0, 1])


def bad(name, *args, error=ValueError, match, **options):
    return Bad(f"{name}-{match[:24]}", lambda F: getattr(F, name)(*args, **options), error, rf"^{name}: {match}")


RANGE = r"`index`\[1, 0\] \(=3\) must be in \[0, 2\] for axis 1"
_FAR = nbnn.tensor([[0], [3]])
ERRORS = [
    Bad("getitem-arrays", lambda F: _X[_0, F.tensor([0, 1, 2])], IndexError,
        r"^index: arrays of indices must broadcast; got shapes \(2,\), \(3,\)"),
    Bad("getitem-second", lambda F: _X[_0, F.tensor([0, 3])], IndexError,
        r"^index: position 1 is 3, out of range for axis 1 of size 3: \[-3, 2\]"),
    Bad("getitem-2d", lambda F: _X[:, F.tensor([[0, 1], [-4, 0]])], IndexError,
        r"^index: position \(1, 0\) is -4, out of range for axis 1 of size 3"),
    Bad("getitem-mask_second", lambda F: _X[:, F.tensor([True, False])], IndexError,
        r"^index: a mask must have the shape \(3,\) of the axes from 1; got \(2,\)"),
    Bad("getitem-mask_large", lambda F: _X[F.ones(2, 2, dtype=F.bool)], IndexError,
        r"^index: a mask must have the shape \(2, 3\) of the axes from 0; got \(2, 2\)"),
    Bad("getitem-mask_ranks", lambda F: _X[F.ones(2, 3, 1, dtype=F.bool)], IndexError,
         "^index: 3 indices for a Tensor"),
    Bad("getitem-arrays_many", lambda F: _X[_0, _0, _0], IndexError, "^index: 3 indices for a Tensor"),
    Bad("getitem-floats", lambda F: _X[:, F.ones(1)], TypeError,
         "^index: rows are picked by arrays of integers or bools"),
    Bad("getitem-min", lambda F: _X[F.tensor([[-(2**63)]])], IndexError, r"^index: position \(0, 0\) is -92233"),
    Bad("getitem-no_rows", lambda F: F.ones(0, 2)[F.tensor([0])], IndexError, "^index: position 0 is 0, out of range"),
    Bad("setitem-range", lambda F: put(F.ones(3), F.tensor([3]), 0), IndexError,
         "^index: position 0 is 3, out of range"),
    Bad("setitem-value", lambda F: put(F.ones(3), F.tensor([0, 1]), F.ones(3)), ValueError,
         "^index_put_: the shapes must"),
    Bad("setitem-value_wide", lambda F: put(F.ones(3), F.tensor([0]), F.ones(2)), ValueError,
        r"^index_put_: a value of shape \(2,\) does not broadcast to \(1,\)"),
    Bad("setitem-leaf", lambda F: put(F.ones(3, requires_grad=True), F.tensor([0]), 0), RuntimeError,
        "^index_put_: a leaf that requires"),
    Bad("setitem-expanded", lambda F: put(F.ones(1).expand(3), F.tensor([0]), 0), RuntimeError,
         "^index_put_: .*more than"),
    *(bad(name, _X, 1, _FAR, *rest, error=IndexError, match=RANGE)
      for name, rest in (("gather", ()), ("scatter", (1.0,)), ("scatter_add", (nbnn.ones(2, 1),)))),
    *(bad(name, _X, 2, _FAR, *rest, error=IndexError, match=r"`dim` \(=2\)")
      for name, rest in (("gather", ()), ("scatter", (1.0,)), ("scatter_add", (nbnn.ones(2, 1),)))),
    *(bad(name, _X, 0, nbnn.ones(2, 1), *rest, error=TypeError, match="`index` must hold integers; got nbnn.float32")
      for name, rest in (("gather", ()), ("scatter", (1.0,)), ("scatter_add", (nbnn.ones(2, 1),)))),
    bad("gather", _X, 1, nbnn.tensor([[-1]]), error=IndexError, match=r"`index`\[0, 0\] \(=-1\) must be in \[0, 2\]"),
    bad("gather", _X, 1, _0, match=r"`index` must have as many axes as `input`; got \(2,\) for \(2, 3\)"),
    bad("gather", _X, 1, nbnn.zeros(3, 1, dtype=nbnn.int64),
         match=r"`index` must not be longer than `input` but along axis 1"),
    bad("gather", [1.0], 0, _0, error=TypeError, match="`input` must be a Tensor; got list"),
    bad("scatter", _X, 0, _FAR, error=TypeError, match="needs either `src` or `value`"),
    bad("scatter", _X, 0, _FAR, 1.0, match=r"`reduce` \(='mean'\) must be None, 'add' or 'multiply'", reduce="mean"),
    bad("scatter", _X, 1, nbnn.tensor([[0, 1]]), nbnn.ones(1, 1), match=r"`index` must not be longer than `src`"),
    bad("scatter", _X, 1, nbnn.tensor([[0]]), nbnn.ones(1, 1, dtype=nbnn.float64), error=TypeError,
         match="`src` must have"),
    bad("scatter", _X, 1, nbnn.tensor([[0]]), "1", error=TypeError, match=r"`src` \(='1'\) must be a number"),
    bad("scatter_add", _X, 1, nbnn.tensor([[0]]), 1.0, error=TypeError, match="`src` must be a Tensor; got float"),
    bad("take_along_dim", _X, _FAR, 1, error=IndexError,
         match=r"position \(1, 0\) is 3, out of range for axis 1"),
    bad("take_along_dim", _X, _0, 1, match=r"`indices` must have the axes of `input`"),
    Bad("take_along_dim-flat", lambda F: F.take_along_dim(_X, F.tensor([6])), IndexError, "^take: position 0 is 6"),
    bad("take", _X, nbnn.tensor([0, -7]), error=IndexError, match="position 1 is -7, out of range"),
    bad("take", _X, nbnn.ones(1), error=TypeError, match="`index` must hold integers"),
    *(bad(name, _X, 0, nbnn.tensor([0, 2]), *rest, error=IndexError,
    match=r"`index`\[1\] \(=2\) must be in \[0, 1\] for axis 0")
      for name, rest in (("index_select", ()), ("index_add", (_X,)), ("index_copy", (_X,)))),
    bad("index_fill", _X, 0, nbnn.tensor([0, 2]), 0.0, error=IndexError, match="position 1 is 2, out of range"),
    bad("index_select", _X, 0, _FAR, match=r"`index` must have one axis; got shape \(2, 1\)"),
    bad("index_select", _X, 0, _X[0], error=TypeError, match="`index` must hold integers"),
    bad("index_add", _X, 0, _0, nbnn.ones(2, 2), match=r"`source` must have the shape \(2, 3\); got \(2, 2\)"),
    bad("index_copy", _X, 0, _0, nbnn.ones(2, 3, dtype=nbnn.int64), error=TypeError,
         match="`source` must have the dtype"),
    bad("index_fill", _X, 0, _0, nbnn.ones(2), match=r"`value` must be a number or a 0-d Tensor; got shape \(2,\)"),
    bad("masked_fill", _X, _0, 0, error=TypeError, match="`mask` must be a bool Tensor; got nbnn.int64"),
    bad("masked_fill", _X, nbnn.ones(2, dtype=nbnn.bool), 0, match="the shapes must broadcast"),
    bad("masked_fill", _X, _X > 0, "0", error=TypeError, match=r"`value` \(='0'\) must be a number"),
    bad("masked_select", _X, _X, error=TypeError, match="`mask` must be a bool Tensor; got nbnn.float32"),
    bad("masked_select", _X, nbnn.ones(2, dtype=nbnn.bool), match="the shapes must broadcast"),
    bad("nonzero", [1.0], error=TypeError, match="`input` must be a Tensor; got list"),
]  # fmt: skip
