"""Cases of matmul and linear."""

import math

import numpy as np

import nbnn
from tests.cases import arrays, loaded, normal
from tests.engine import Bad, Case


def matmul(a, b):
    """Sums of products, written out; vectors get an axis that is dropped again."""
    row, column = a.ndim == 1, b.ndim == 1
    a = a[None] if row else a
    b = b[:, None] if column else b
    batch = np.broadcast_shapes(a.shape[:-2], b.shape[:-2])
    a = np.broadcast_to(a, (*batch, *a.shape[-2:]))
    b = np.broadcast_to(b, (*batch, *b.shape[-2:]))
    out = np.zeros((*batch, a.shape[-2], b.shape[-1]), np.result_type(a, b))
    for index in np.ndindex(out.shape):
        *k, i, j = index
        terms = (a[(*k, i)] * b[(*k, slice(None), j)]).tolist()
        out[index] = math.fsum(terms) if out.dtype.kind == "f" and all(map(math.isfinite, terms)) else sum(terms)
    out = out[..., 0] if column else out
    return (out[..., 0, :] if not column else out[..., 0]) if row else out


def linear(x, w, b=None):
    """x W^T + b."""
    y = matmul(x, w.T) if w.ndim == 2 else matmul(x, w)
    return y if b is None else y + b


PAIRS = [
    ((3,), (3,)), ((2, 3), (3,)), ((3,), (3, 2)), ((2, 3), (3, 4)), ((2, 2, 3), (3, 4)), ((2, 2, 3), (3,)),
    ((3,), (2, 3, 4)),
    ((2, 3), (2, 3, 2)), ((2, 2, 3), (2, 3, 2)), ((2, 1, 2, 3), (3, 3, 2)), ((1, 2, 3), (4, 3, 1)), ((1, 1), (1, 1)),
    ((2, 1), (1, 2)), ((17, 9), (9, 33)),
]  # fmt: skip
TRANSPOSED = [(a, b) for a in (False, True) for b in (False, True)]
EMPTY = (
    normal((0, 3), (3, 2)), normal((2, 3), (3, 0)), normal((2, 0), (0, 2)), normal((0,), (0,)),
    normal((0, 2, 3), (0, 3, 2)),
    normal((2, 2, 3), (3, 0)),
)  # fmt: skip


def product(F, a, b):
    return F.matmul(a, b)


def transposed(ta, tb):
    def call(F, a, b):
        return F.matmul(F.transpose(a, -1, -2) if ta else a, F.transpose(b, -1, -2) if tb else b)

    return call


def transposed_oracle(ta, tb):
    return lambda a, b: matmul(np.swapaxes(a, -1, -2) if ta else a, np.swapaxes(b, -1, -2) if tb else b)


def transposed_shapes(ta, tb, m, k, n, batch=()):
    return normal((*batch, *((k, m) if ta else (m, k))), (*batch, *((n, k) if tb else (k, n))))


MATMUL = [
    *(Case(f"matmul-{a}x{b}".replace(" ", ""), product, normal(a, b), matmul, grad=(0, 1)) for a, b in PAIRS),
    *(Case(f"matmul-transposed_{ta:d}{tb:d}", transposed(ta, tb), transposed_shapes(ta, tb, 3, 4, 5),
           transposed_oracle(ta, tb),
           grad=(0, 1), large=transposed_shapes(ta, tb, 130, 120, 140)) for ta, tb in TRANSPOSED),
    *(Case(f"matmul-square_{ta:d}{tb:d}", transposed(ta, tb), transposed_shapes(ta, tb, 4, 4, 4),
           transposed_oracle(ta, tb),
           grad=(0, 1)) for ta, tb in TRANSPOSED),
    *(Case(f"matmul-batch_{ta:d}{tb:d}", transposed(ta, tb), transposed_shapes(ta, tb, 2, 3, 4, (3,)),
           transposed_oracle(ta, tb),
           grad=(0, 1), large=transposed_shapes(ta, tb, 20, 30, 25, (40,))) for ta, tb in TRANSPOSED),
    *(Case(f"matmul-edge_{ta:d}{tb:d}", transposed(ta, tb), transposed_shapes(ta, tb, 1, 5, 3),
           transposed_oracle(ta, tb),
           grad=(0, 1)) for ta, tb in TRANSPOSED),
    Case("matmul-blocks", product, normal((37, 70), (70, 41)), matmul, grad=(0, 1), second=False,
         large=normal((200, 300), (300, 250))),
    Case("matmul-operator", lambda F, a, b: a @ b, normal((2, 3), (3, 4)), matmul, grad=(0, 1), arrays=False),
    Case("matmul-method", lambda F, a, b: a.matmul(b), normal((2, 3), (3, 4)), matmul, grad=(0, 1), arrays=False),
    Case("matmul-with_itself", lambda F, a: F.matmul(a, a), normal((3, 3)), lambda a: matmul(a, a)),
    Case("matmul-by_its_transpose", lambda F, a: F.matmul(a, F.transpose(a, 0, 1)), normal((3, 2)),
         lambda a: matmul(a, a.T)),
    Case("matmul-expanded", lambda F, a, b: F.matmul(a.expand(2, 3), b), normal((1, 3), (3, 2)),
         lambda a, b: matmul(np.broadcast_to(a, (2, 3)), b), grad=(0, 1), arrays=False),
    Case("matmul-empty", product, normal((2, 3), (3, 2)), matmul, grad=(0, 1), empty=EMPTY),
    Case("matmul-integers", product, lambda r: (r.integers(-9, 9, (3, 4)), r.integers(-9, 9, (4, 2))), matmul, grad=()),
    Case("matmul-special", product, arrays([[math.nan, 1.0], [math.inf, 1.0], [1.0, 2.0]], [[1.0], [2.0]]), matmul,
         grad=()),
]  # fmt: skip


def to_module(nn, x, w, b=None):
    module = nn.Linear(w.shape[1], w.shape[0], bias=b is not None)
    return loaded(module, weight=w, bias=b), (x,)


def affine(F, x, w, b=None):
    return F.linear(x, w, b)


LINEAR = [
    Case("linear", affine, normal((3, 4), (5, 4), (5,)), linear, grad=(0, 1, 2), module=to_module,
         large=normal((150, 130), (140, 130), (140,)),
         empty=(normal((0, 4), (5, 4), (5,)), normal((3, 0), (5, 0), (5,)), normal((3, 4), (0, 4), (0,)),
                normal((0, 2, 4), (5, 4), (5,)))),
    Case("linear-no_bias", affine, normal((3, 4), (5, 4)), linear, grad=(0, 1), module=to_module,
         large=normal((150, 130), (140, 130))),
    Case("linear-1d", affine, normal((4,), (5, 4), (5,)), linear, grad=(0, 1, 2), module=to_module),
    Case("linear-3d", affine, normal((2, 3, 4), (5, 4), (5,)), linear, grad=(0, 1, 2), module=to_module),
    Case("linear-4d", affine, normal((2, 1, 3, 4), (2, 4)), linear, grad=(0, 1), module=to_module),
    Case("linear-weight_1d", affine, normal((3, 4), (4,)), linear, grad=(0, 1)),
    Case("linear-row", affine, normal((1, 64), (32, 64), (32,)), linear, grad=(0, 1, 2), module=to_module,
         second=False),
    Case("linear-one_feature", affine, normal((3, 1), (1, 1), (1,)), linear, grad=(0, 1, 2), module=to_module),
    Case("linear-blocks", affine, normal((19, 33), (35, 33), (35,)), linear, grad=(0, 1, 2), second=False),
    Case("linear-transposed_weight", lambda F, x, w, b: F.linear(x, F.transpose(w, 0, 1), b),
         normal((3, 4), (4, 5), (5,)),
         lambda x, w, b: linear(x, w.T, b), grad=(0, 1, 2)),
    Case("linear-shared_weight", lambda F, x, w: F.linear(F.linear(x, w), w), normal((2, 3), (3, 3)),
         lambda x, w: linear(linear(x, w), w), grad=(0, 1)),
    Case("linear-special", affine, arrays([[math.nan, 0.0], [math.inf, 1.0], [1.0, 1.0]], [[1.0, 2.0]], [0.5]),
         linear, grad=()),
    Case("linear-keywords", lambda F, x, w, b: F.linear(input=x, weight=w, bias=b), normal((3, 4), (5, 4), (5,)),
         linear,
         grad=(0, 1, 2)),
]  # fmt: skip


def form(a, b, w, bias=None):
    y = np.einsum("...i,kij,...j->...k", a, w, b)
    return y if bias is None else y + bias


def bilinear_module(nn, a, b, w, bias=None):
    layer = nn.Bilinear(w.shape[1], w.shape[2], w.shape[0], bias is not None)
    return loaded(layer, weight=w, bias=bias), (a, b)


BILINEAR = [
    Case(f"bilinear-{lead}_{bool(bias)}".replace(" ", ""), lambda F, *v: F.bilinear(*v),
         normal((*lead, 2), (*lead, 4), (3, 2, 4), *bias), form, grad=tuple(range(3 + len(bias))), tolerance=3,
         module=bilinear_module, large=normal((*lead, 40), (*lead, 30), (20, 40, 30), *([(20,)] if bias else [])),
         empty=(normal((0, 2), (0, 4), (3, 2, 4), *bias),))
    for lead in ((5,), (), (2, 3)) for bias in ((), ((3,),))
]  # fmt: skip


def whole(*shapes):
    return lambda r: tuple(r.integers(-9, 9, s) for s in shapes)


CASES = [
    *MATMUL, *LINEAR, *BILINEAR,
    Case("linear-bias_rows", affine, lambda r: (r.normal(size=(2, 3)), r.normal(size=(4, 3)), r.normal(size=(2, 4))),
         linear, grad=(0, 1, 2)),
    Case("linear-integers", affine, whole((2, 3), (4, 3), (4,)), linear, grad=()),
    Case("bilinear-integers", lambda F, *v: F.bilinear(*v), whole((2, 3), (2, 2), (4, 3, 2), (4,)),
         lambda a, b, w, c: np.einsum("ni,kij,nj->nk", a, w, b) + c, grad=()),
]  # fmt: skip


def mm(*shapes):
    return lambda F: F.matmul(*(nbnn.ones(s) for s in shapes))


def lin(*shapes):
    return lambda F: F.linear(*(nbnn.ones(s) for s in shapes))


X, W = nbnn.ones(2, 3), nbnn.ones(4, 3)


def bil(*shapes):
    return lambda F: F.bilinear(*map(nbnn.ones, shapes))


ERRORS = [
    Bad("bilinear-features", bil((2, 3), (2, 4), (5, 3, 3)), ValueError, r"^bilinear: .*\(\*, 3\) and \(\*, 3\)"),
    Bad("bilinear-batch", bil((2, 3), (1, 4), (5, 3, 4)), ValueError, r"^bilinear: `input1` and `input2` must have"),
    Bad("bilinear-weight", bil((2, 3), (2, 4), (3, 4)), ValueError, r"^bilinear: `weight` must have shape \(K, I, J\)"),
    Bad("bilinear-bias", bil((2, 3), (2, 4), (5, 3, 4), (4,)), ValueError, r"^bilinear: `bias` must have shape \(5,\)"),
    Bad("bilinear-scalar", bil((), (), (5, 1, 1)), ValueError, r"^bilinear: `input1` and `input2`"),
    Bad("bilinear-dtype", lambda F: F.bilinear(nbnn.ones(3), nbnn.ones(3).double(), nbnn.ones(1, 3, 3)), TypeError,
        r"^bilinear: .*one dtype"),
    Bad("matmul-inner", mm((2, 3), (2, 3)), ValueError,
        r"^matmul: .*`input` \(=3\).*`other` \(=2\).*\(2, 3\) and \(2, 3\)"),
    Bad("matmul-vectors", mm((2,), (3,)), ValueError, r"^matmul: .*`input` \(=2\).*`other` \(=3\).*\(2,\) and \(3,\)"),
    Bad("matmul-0d_left", mm((), (3,)), ValueError,
        r"^matmul: operands must have at least one axis; got shapes \(\) and \(3,\)"),
    Bad("matmul-0d_right", mm((3,), ()), ValueError, r"^matmul: operands must have at least one axis"),
    Bad("matmul-batch", mm((2, 2, 3), (3, 3, 2)), ValueError, r"^matmul: the shapes must broadcast.*\(2,\) and \(3,\)"),
    Bad("matmul-none", lambda F: F.matmul(X, None), TypeError, r"^matmul: .*got NoneType"),
    Bad("matmul-string", lambda F: F.matmul("a", X), TypeError, r"^matmul: .*got str"),
    Bad("matmul-number", lambda F: F.matmul(X, 2.0), (ValueError), r"^matmul: operands must have at least one axis"),
    Bad("linear-features", lin((2, 3), (4, 2)), ValueError,
        r"^linear: .*`in_features`.*input \(2, 3\), weight \(4, 2\)"),
    Bad("linear-weight_3d", lin((2, 3), (1, 4, 3)), ValueError,
        r"^linear: `weight` must have 1 or 2 axes.*weight \(1, 4, 3\)"),
    Bad("linear-weight_0d", lin((2, 3), ()), ValueError, r"^linear: `weight` must have 1 or 2 axes.*weight \(\)"),
    Bad("linear-input_0d", lin((), (4, 3)), ValueError, r"^linear: .*`input` at least 1; got input \(\)"),
    Bad("linear-bias", lin((2, 3), (4, 3), (3,)), ValueError,
        r"^linear: `bias` must have shape \(out_features,\); got bias \(3,\)"),
    Bad("linear-bias_vector", lin((2, 3), (3,), ()), ValueError, r"^linear: where `weight` has 1 axis, `bias` must be"),
    Bad("linear-dtypes", lambda F: F.linear(X, W.double()), TypeError,
        r"^linear: .*one dtype.*`input` nbnn.float32, `weight` nbnn.float64"),
    Bad("linear-bias_dtype", lambda F: F.linear(X, W, F.ones(4).double()), TypeError,
        r"^linear: .*`bias` nbnn.float64"),
    Bad("linear-bools", lambda F: F.linear(X > 0, W > 0), TypeError, r"^linear: operands must be numbers"),
    Bad("linear-weight_none", lambda F: F.linear(X, None), TypeError,
        r"^linear: `weight` must be a Tensor; got NoneType"),
    Bad("linear-weight_list", lambda F: F.linear(X, [[1.0]]), TypeError,
        r"^linear: `weight` must be a Tensor; got list"),
    Bad("linear-input_list", lambda F: F.linear([[1.0]], W), TypeError, r"^linear: `input` must be a Tensor; got list"),
    Bad("linear-bias_number", lambda F: F.linear(X, W, 1.0), TypeError, r"^linear: `bias` must be a Tensor; got float"),
]  # fmt: skip
