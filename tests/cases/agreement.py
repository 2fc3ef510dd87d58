"""What a comparison with torch on broadly generated inputs found: calls, and the elements and the dtype they give.

Each entry holds once for nbnn, and once for torch where it is installed.
"""

import math

import numpy as np

from tests.engine import Bad

INF, NAN = math.inf, math.nan


def bytes_of(F, *values):
    return F.tensor(values, dtype=F.uint8)


def changed(t, method, *args):
    getattr(t, method)(*args)
    return t


def assigned(t, key, value):
    t[key] = value
    return t


def gradient(F, function, *values):
    xs = [F.tensor(v, dtype=F.float64, requires_grad=True) for v in values]
    function(*xs).sum().backward()
    return F.stack([x.grad for x in xs]) if len(xs) > 1 else xs[0].grad


# name, call, dtype, elements (the shape is theirs)
FOUND = [
    # numbers of another type than the result's
    ("div-number", lambda F: bytes_of(F, 6) / -3, "float32", [-2.0]),
    ("div-0d", lambda F: bytes_of(F, 6) / F.tensor(-3), "float32", [-2.0]),
    ("atan2-0d", lambda F: F.atan2(bytes_of(F, 0), F.tensor(-3)), "float32", [math.pi]),
    ("div-zeros", lambda F: F.stack([F.ones(2) / 0.0, F.ones(2) / -0.0]), "float32", [[INF, INF], [-INF, -INF]]),
    ("div-rounds", lambda F: F.ones(1) * 2**63, "float32", [2.0**63]),
    ("pow-bools", lambda F: F.tensor([True, False]) ** True, "bool", [True, False]),
    ("lerp-weight", lambda F: F.lerp(F.tensor([0.0]), F.tensor([2.0]), F.tensor(0.5, dtype=F.float64)), "float32", [1]),
    ("lerp-integers", lambda F: F.lerp(F.tensor([0]), F.tensor([2]), F.tensor(0.5)), "float32", [1.0]),
    ("clamp-bools", lambda F: F.clamp(F.tensor([True, False]), F.tensor(True)), "bool", [True, True]),
    ("bucketize-number", lambda F: F.bucketize(0.5, F.tensor([0, 2, 2])), "int64", 1),
    ("bucketize-types", lambda F: F.bucketize(F.tensor([0.5]), F.tensor([0, 2])), "int64", [1]),
    ("searchsorted-number", lambda F: F.searchsorted(F.tensor([0, 3]), 0.5), "int64", 1),
    # conditions, reductions
    ("where-alone", lambda F: F.where(F.tensor([[0, 2], [3, 0]]))[1], "int64", [1, 0]),
    ("where-bytes", lambda F: F.where(bytes_of(F, 0, 8), 1.0, 2.0), "float32", [2.0, 1.0]),
    ("sum-bool", lambda F: F.tensor([0, 2, -2]).sum(dtype=F.bool), "bool", True),
    ("sum-axis", lambda F: F.ones(2, 3).sum(axis=0, keepdims=True), "float32", [[2.0, 2.0, 2.0]]),
    ("any-no_axes", lambda F: F.tensor([0, 2]).any(()), "bool", [False, True]),
    ("all-no_axes", lambda F: F.tensor([0, 2]).all(()), "bool", [False, True]),
    ("var-nothing", lambda F: F.ones(0).var(correction=-1), "float32", NAN),
    ("median-nothing", lambda F: F.ones(0).median(), "float32", NAN),
    ("norm-nuclear", lambda F: F.norm(F.tensor([[3.0, 0.0], [0.0, 4.0]]), "nuc"), "float32", 7.0),
    # new Tensors
    ("arange-half", lambda F: F.arange(3, dtype=F.float16), "float16", [0.0, 1.0, 2.0]),
    ("arange-bfloat16", lambda F: F.arange(3, dtype=F.bfloat16).float(), "float32", [0.0, 1.0, 2.0]),
    ("arange-fractions", lambda F: F.arange(0.5, 3.2, 1.5, dtype=F.int64), "int64", [0, 1, 2]),
    ("arange-steps", lambda F: F.arange(2.9, 0.1, -1, dtype=F.int32), "int32", [2, 1, 0]),
    ("arange-Tensor", lambda F: F.arange(F.tensor(2)), "int64", [0, 1]),
    ("eye-half", lambda F: F.eye(2, dtype=F.float16), "float16", [[1.0, 0.0], [0.0, 1.0]]),
    ("zeros-size", lambda F: F.zeros(size=(2,)), "float32", [0.0, 0.0]),
    ("full-wraps", lambda F: F.full((1,), -1, dtype=F.uint8), "uint8", [255]),
    ("randperm-dtype", lambda F: F.randperm(3, dtype=F.int16).sort()[0], "int16", [0, 1, 2]),
    ("new_full", lambda F: F.ones(1, dtype=F.float64).new_full((2,), 3), "float64", [3.0, 3.0]),
    # places
    ("gather-empty", lambda F: F.gather(F.ones(2, 2, 3), 0, F.zeros(0, 3, 1, dtype=F.int64)), "float32",
     np.zeros((0, 3, 1))),
    ("take_along_dim-end", lambda F: F.take_along_dim(F.tensor([5, 6]), F.tensor([-1]), 0), "int64", [6]),
    ("index_fill-end", lambda F: F.index_fill(F.zeros(2), 0, F.tensor([-1]), 5), "float32", [0.0, 5.0]),
    ("index_add-bools", lambda F: F.index_add(F.tensor([False, False]), 0, F.tensor([1]), F.tensor([True]), alpha=True),
     "bool", [False, True]),
    ("scatter-multiply", lambda F: F.scatter(F.full((2, 2), 2), 0, F.tensor([[1, 0], [1, 0]]),
                                             F.tensor([[3, 4], [5, 6]]), reduce="multiply"),
     "int64", [[2, 48], [30, 2]]),
    ("setitem-ones", lambda F: assigned(F.zeros(2), slice(1, 2), F.ones(1, 1)), "float32", [0.0, 1.0]),
    ("cat-nothing", lambda F: F.cat([F.ones(0), F.ones(1, 2)]), "float32", [[1.0, 1.0]]),
    ("squeeze-no_axes", lambda F: F.ones(1, 2).squeeze(()), "float32", [[1.0, 1.0]]),
    ("cumsum-in_place", lambda F: changed(F.ones(3), "cumsum_", 0), "float32", [1.0, 2.0, 3.0]),
    *((f"{name}-history", lambda F, name=name, args=args: gradient(F, lambda x: getattr(x * 2, name)(*args), [1.0]),
       "float64", [0.0]) for name, args in (("zero_", ()), ("fill_", (3,)), ("eq_", (2,)), ("normal_", ()))),
    ("fill_-Tensor", lambda F: gradient(F, lambda y: F.zeros(2, dtype=F.float64).fill_(y), 3.0), "float64", 2.0),
    ("tril-in_place", lambda F: changed(F.ones(2, 2), "tril_"), "float32", [[1.0, 0.0], [1.0, 1.0]]),
    # layers and losses of integers and bools
    ("unfold-bools", lambda F: F.unfold(F.tensor([[[True, False, True]]]), (1, 2)), "bool",
     [[True, False], [False, True]]),
    ("fold-bools", lambda F: F.fold(F.tensor([[True, False], [True, False]]), (1, 3), (1, 2)), "bool",
     [[[True, True, False]]]),
    ("conv_tbc-integers", lambda F: F.conv_tbc(F.full((2, 1, 1), 3), F.full((1, 1, 1), 2), F.full((1,), 1)), "int64",
     [[[7]], [[7]]]),
    ("hinge-integers", lambda F: F.hinge_embedding_loss(F.tensor([1, 2, -3]), F.tensor([1, -1, -1]), 2.5,
                                                        reduction="sum"), "int64", 6),
    # nearest elements at a factor of nearly 2, of vectors and of images
    *((f"interpolate-{mode}_{axes}d", lambda F, mode=mode, axes=axes: F.interpolate(
        F.arange(3.0).reshape(1, 1, 3, *(1,) * (axes - 1)), scale_factor=(2.3, *(1.0,) * (axes - 1)), mode=mode
      ).flatten(), "float32", found)
      for mode, axes, found in (("nearest", 1, [0, 0, 0, 1, 1, 2]), ("nearest", 2, [0, 0, 1, 1, 2, 2]),
                                ("nearest", 3, [0, 0, 0, 1, 1, 2]), ("nearest-exact", 1, [0, 0, 1, 1, 1, 2]))),
    *((f"interpolate-{mode}_same", lambda F, mode=mode, shape=shape, more=more: F.interpolate(
        F.arange(3.0).reshape(shape), scale_factor=1.3, mode=mode, **more).flatten(), "float32", [0.0, 1.0, 2.0])
      for mode, shape, more in (("linear", (1, 1, 3), {}), ("bilinear", (1, 1, 1, 3), {}),
                                ("bicubic", (1, 1, 1, 3), {"antialias": True}))),
    # types and shapes of weights and targets
    ("cross_entropy-types", lambda F: F.cross_entropy(F.zeros(1, 2), F.ones(1, 2, dtype=F.bfloat16), bytes_of(F, 1, 3)),
     "float32", math.log(16)),
    ("cross_entropy-one_target", lambda F: F.cross_entropy(F.zeros(2), F.tensor([1]), reduction="none"), "float32",
     math.log(2)),
    ("binary_cross_entropy-weight", lambda F: F.binary_cross_entropy(F.full((1,), 0.5), F.ones(1), bytes_of(F, 2)),
     "float32", math.log(4)),
    ("multilabel_soft_margin-weight", lambda F: F.multilabel_soft_margin_loss(F.zeros(1), F.ones(1),
                                                                              F.ones(1, dtype=F.float64)),
     "float64", math.log(2)),
    ("gaussian_nll-types", lambda F: F.gaussian_nll_loss(F.zeros(1), F.ones(1), F.ones(1, dtype=F.float64)), "float64",
     0.5),
    *((f"cross_entropy-all_ignored_{len(shape)}", lambda F, shape=shape: gradient(
        F, lambda x: F.cross_entropy(x, F.full((2, *shape), -100)), np.zeros((2, 3, *shape))), "float64",
       np.zeros((2, 3, *shape))) for shape in ((), (5,))),
    # sums of products, matrices
    ("einsum-sum", lambda F: F.einsum("ij->j", F.ones(2, 2, dtype=F.int32)), "int64", [2, 2]),
    ("tensordot-ones", lambda F: F.tensordot(F.ones(2, 1), F.ones(1, 2)), "float32", 4.0),
    ("matrix_norm-nothing", lambda F: F.linalg.matrix_norm(F.ones(0, 0), 1), "float32", 0.0),
    ("det-zeros", lambda F: gradient(F, F.linalg.det, np.zeros((2, 2))), "float64", [[0.0, 0.0], [0.0, 0.0]]),
    ("svd-full", lambda F: gradient(F, lambda a: F.linalg.svd(a)[1], [[3.0, 0.0, 0.0], [0.0, 2.0, 0.0]]), "float64",
     [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]),
    ("atan2-origin", lambda F: gradient(F, F.atan2, [0.0, 0.0], [0.0, 2.0]), "float64", [[0.0, 0.5], [0.0, 0.0]]),
    ("tensordot-Tensor", lambda F: F.tensordot(F.ones(2, 3), F.ones(3, 2), F.tensor([[0], [1]])), "float32",
     np.full((3, 3), 2.0)),
    ("householder-few", lambda F: F.linalg.householder_product(F.zeros(2, 2), F.tensor([2.0])), "float32",
     [[-1.0, 0.0], [0.0, 1.0]]),
    ("qr-wide", lambda F: gradient(F, lambda a: F.linalg.qr(a)[1][1, 2:], [[2.0, 0.0, 3.0], [0.0, 2.0, 4.0]]).abs(),
     "float64", [[0.0, 0.0, 0.0], [1.5, 0.0, 1.0]]),
    ("vector_norm-turned", lambda F: gradient(F, lambda a: F.linalg.vector_norm(a.mT, dim=0), [[3.0, 4.0], [0.0, 2.0]]),
     "float64", [[0.6, 0.8], [0.0, 1.0]]),
]  # fmt: skip

# values that are not Tensors
PLAIN = [
    ("format", lambda F: (f"{F.tensor(3)}", f"{F.tensor(2.5):.1f}", f"{F.tensor(True)}"), ("3", "2.5", "True")),
    ("contains", lambda F: (2 in F.tensor([1, 2]), 5 in F.tensor([1, 2])), (True, False)),
    ("compare", lambda F: (F.ones(1) == None, F.ones(1) != "a"), (False, True)),  # noqa: E711
    ("Size", lambda F: [isinstance(s, F.Size) for s in (F.Size((2, 3)) + (1,), F.Size((2, 3))[:1], F.Size((2,)) * 2)],
     [True] * 3),
    ("random_", lambda F: [int(F.zeros(1, dtype=k).random_() >= 0) for k in (F.int32, F.int64)], [1, 1]),
]  # fmt: skip


def _leaf(method, *args):
    return lambda F: getattr(F.ones(2, requires_grad=True), method)(*args)


ERRORS = [
    *(Bad(f"sub-{k}", call, TypeError, "^sub: bools cannot be subtracted")
      for k, call in enumerate([lambda F: F.ones(1) - F.tensor([True]), lambda F: F.ones(1) - True,
                                lambda F: 1 - F.tensor([True])])),
    Bad("neg-bool", lambda F: -F.tensor([True]), TypeError, "^neg: operands must be numbers"),
    Bad("add-alpha", lambda F: F.add(F.ones(1), 1, alpha=True), TypeError, r"^add: `alpha` \(=True\) must be a number"),
    *(Bad(f"full-{kind}-{number}", lambda F, kind=kind, number=number: F.full((1,), number, dtype=getattr(F, kind)),
          ValueError, f"does not fit in nbnn.{kind}")
      for kind, number in (("uint8", 300), ("uint8", -256), ("int8", -129), ("int64", 2**63), ("int32", NAN),
                           ("float16", 1e6), ("float32", 1e300), ("uint8", -0.5))),
    Bad("setitem-nan", lambda F: assigned(F.zeros(2, dtype=F.int32), 0, NAN), ValueError, "does not fit in nbnn.int32"),
    Bad("arange-int_step", lambda F: F.arange(0, 3, 0.5, dtype=F.int64), ValueError, "^arange: `step` must be at"),
    *(Bad(f"{m}-leaf", _leaf(m, *args), RuntimeError, f"^{m}: a leaf that requires")
      for m, args in (("normal_", ()), ("uniform_", ()), ("bernoulli_", ()), ("exponential_", ()), ("random_", (5,)))),
    Bad("randint-dtype", lambda F: F.randint(300, (2,), dtype=F.uint8), ValueError, "^randint: .* within the numbers"),
    Bad("random_-empty", lambda F: F.ones(2).random_(0), ValueError, r"^random_: `low` \(=0\) must be less than"),
    Bad("randn-generator", lambda F: F.randn(2, generator=3), TypeError, "`generator` must be a Generator; got int"),
    Bad("backward-inputs", lambda F: F.ones(1, requires_grad=True).sum().backward(inputs=[]), RuntimeError,
        "^backward: `inputs` must hold at least one"),
    Bad("scatter-multiply", lambda F: F.scatter(F.ones(2, requires_grad=True), 0, F.tensor([0]), 2.0,
                                                reduce="multiply").sum().backward(), RuntimeError, "has no gradient"),
    Bad("vector_norm-negative", lambda F: F.linalg.vector_norm(F.ones(0), -1), ValueError, "^vector_norm: a norm of"),
    Bad("tensordot-sizes", lambda F: F.tensordot(F.ones(2, 3), F.ones(2, 3), 1), ValueError, "must have"),
    *(Bad(f"conv{n}d-same_kernel_0", lambda F, n=n: getattr(F, f"conv{n}d")(F.ones(2, 2, *(4,) * n),
          F.ones(2, 2, *(1,) * (n - 1), 0), padding="same"), ValueError, f"^conv{n}d: the kernel must have no axis of")
      for n in (1, 2, 3)),
    Bad("conv1d-empty_image", lambda F: F.conv1d(F.ones(1, 1, 0), F.ones(1, 1, 1), padding=1), ValueError,
        "^conv1d: the axes of `input` that are convolved must not be empty"),
    Bad("unfold-one_size", lambda F: F.unfold(F.ones(1, 2, 2), 1, padding=(1,)), ValueError, "an int or 2 ints"),
    Bad("fill_-axes", lambda F: F.ones(2).fill_(F.ones(1)), ValueError, "^fill_: `value` must be a number, or"),
    Bad("relu-bools", lambda F: F.relu(F.tensor([True])), TypeError, "^relu: operands must be numbers"),
    Bad("max_unpool-empty", lambda F: F.max_unpool1d(F.ones(1, 0, 2), F.zeros(1, 0, 2, dtype=F.int64), 2), ValueError,
        "no empty axis behind the first"),
    *(Bad(f"unique-empty_{dim}", lambda F, dim=dim, shape=shape: F.unique(F.ones(shape), dim=dim), ValueError,
          "no empty axis beside") for dim, shape in ((0, (2, 0)), (0, (0, 0)))),
    Bad("where-one", lambda F: F.where(F.tensor([True]), 1.0), TypeError, "^where: operands must be Tensors"),
]  # fmt: skip
