"""Cases of products of given rank, and of those added to something."""

import numpy as np

import nbnn
from tests.cases import arrays, normal
from tests.cases.operands import NAN, called, integers, method, once_on_cuda
from tests.engine import Bad, Case


def summed(a, b):
    return np.einsum("bnm,bmp->np", a, b)


PRODUCTS = {
    "mm": (((3, 4), (4, 5)), np.matmul),
    "mv": (((3, 4), (4,)), np.matmul),
    "bmm": (((2, 3, 4), (2, 4, 5)), np.matmul),
    "dot": (((5,), (5,)), np.dot),
    "outer": (((3,), (4,)), np.outer),
}
SUMS = {
    "addmm": (((3, 5), (3, 4), (4, 5)), np.matmul),
    "addmv": (((3,), (3, 4), (4,)), np.matmul),
    "addbmm": (((3, 5), (2, 3, 4), (2, 4, 5)), summed),
    "baddbmm": (((2, 3, 5), (2, 3, 4), (2, 4, 5)), np.matmul),
}
NONE = {
    "mm": ((0, 4), (4, 5)),
    "mv": ((3, 0), (0,)),
    "bmm": ((0, 3, 4), (0, 4, 5)),
    "dot": ((0,), (0,)),
    "outer": ((0,), (4,)),
    "addmm": ((1,), (0, 4), (4, 5)),
    "addmv": ((1,), (3, 0), (0,)),
    "addbmm": ((3, 5), (0, 3, 4), (0, 4, 5)),
    "baddbmm": ((1,), (2, 0, 4), (2, 4, 5)),
}

CASES = once_on_cuda([
    *(Case(name, called(name), normal(*shapes), oracle, grad=(0, 1), empty=(normal(*NONE[name]),))
      for name, (shapes, oracle) in PRODUCTS.items()),
    *(Case(f"{name}-method", method(name), normal(*shapes), oracle, grad=(0, 1), arrays=False)
      for name, (shapes, oracle) in PRODUCTS.items()),
    *(Case(f"{name}-integers", called(name), integers(-9, 9, *shapes), oracle, grad=())
      for name, (shapes, oracle) in PRODUCTS.items()),
    *(Case(name, called(name), normal(*shapes), lambda x, a, b, o=oracle: x + o(a, b), grad=(0, 1, 2),
           empty=(normal(*NONE[name]),)) for name, (shapes, oracle) in SUMS.items()),
    *(Case(f"{name}-scaled", called(name, beta=0.5, alpha=-2), normal(*shapes),
           lambda x, a, b, o=oracle: 0.5 * x - 2 * o(a, b), grad=(0, 1, 2))
      for name, (shapes, oracle) in SUMS.items()),
    *(Case(f"{name}-broadcast", called(name), normal((1,), *shapes[1:]), lambda x, a, b, o=oracle: x + o(a, b),
           grad=(0, 1, 2)) for name, (shapes, oracle) in SUMS.items()),
    *(Case(f"{name}_-in_place", method(f"{name}_", alpha=2), normal(*shapes),
           lambda x, a, b, o=oracle: x + 2 * o(a, b), grad=(0, 1, 2), arrays=False)
      for name, (shapes, oracle) in SUMS.items()),
    Case("addmm-beta_0", called("addmm", beta=0), arrays([NAN, NAN], [[1.0, 2.0]], [[3.0, 4.0], [5.0, 6.0]]),
         lambda x, a, b: a @ b, grad=()),
    Case("addmm-integers", called("addmm", beta=2, alpha=3), integers(-9, 9, (5,), (3, 4), (4, 5)),
         lambda x, a, b: 2 * x + 3 * (a @ b), grad=()),
    Case("mm-transposed", lambda F, a, b: F.mm(a.T, b), normal((4, 3), (4, 5)), lambda a, b: a.T @ b, grad=(0, 1)),
    Case("outer-mixed", called("outer"), lambda r: (r.integers(0, 9, 3), r.normal(size=4)), np.outer, grad=(1,)),
])  # fmt: skip

_M, _V, _T = nbnn.ones(2, 2), nbnn.ones(2), nbnn.ones(2, 2, 2)
_I, _B = nbnn.ones(2, 2, dtype=nbnn.int64), nbnn.ones(2, 2) > 0


def _sizes(*shapes):
    return tuple(nbnn.ones(*s) for s in shapes)


ERRORS = [
    *(Bad(f"{name}-list", lambda F, name=name: getattr(F, name)([1.0], _M), TypeError,
          rf"^{name}: `input` must be a Tensor; got list") for name in PRODUCTS),
    *(Bad(f"{name}-axes", lambda F, name=name: getattr(F, name)(nbnn.ones(2, 2, 2, 2), _M), ValueError,
          rf"^{name}: `input` must have \d ax[ei]s; got shape \(2, 2, 2, 2\)") for name in PRODUCTS),
    *(Bad(f"{name}-none", lambda F, name=name, rest=rest: getattr(F, name)(None, *rest), TypeError,
          rf"^{name}: `input` must be a Tensor; got NoneType")
      for name, rest in (("addmm", (_M, _M)), ("addmv", (_M, _V)), ("addbmm", (_T, _T)), ("baddbmm", (_T, _T)))),
    Bad("mm-sizes", lambda F: F.mm(*_sizes((2, 3), (2, 3))), ValueError, r"^mm: the last size of `input` \(=3\)"),
    Bad("mv-sizes", lambda F: F.mv(*_sizes((2, 3), (2,))), ValueError, r"^mv: the last size of `input` \(=3\)"),
    Bad("dot-sizes", lambda F: F.dot(*_sizes((3,), (2,))), ValueError, r"^dot: the last size of `input` \(=3\)"),
    Bad("bmm-batch", lambda F: F.bmm(*_sizes((2, 3, 1), (3, 1, 3))), ValueError, r"^bmm: .*hold as many matrices"),
    Bad("mm-types", lambda F: F.mm(_M, _I), TypeError, r"^mm: all inputs must have one dtype"),
    Bad("mm-bools", lambda F: F.mm(_B, _B), TypeError, r"^mm: .*nbnn.bool"),
    Bad("addmm-types", lambda F: F.addmm(_I, _M, _M), TypeError, r"^addmm: all operands must have one dtype"),
    Bad("addmm-shape", lambda F: F.addmm(F.ones(3), _M, _M), ValueError, r"^addmm: the shapes must broadcast"),
    Bad("addmm-more_axes", lambda F: F.addmm(_T, _M, _M), ValueError,
        r"^addmm: `input` of shape \(2, 2, 2\) does not broadcast to \(2, 2\)"),
    Bad("addmm-beta", lambda F: F.addmm(_M, _M, _M, beta="a"), TypeError, r"^addmm: `beta` \(='a'\)"),
    Bad("addmm-alpha", lambda F: F.addmm(_I, _I, _I, alpha=0.5), TypeError, r"^addmm: `alpha` \(=0.5\) must be an int"),
    Bad("addmm_-shape", lambda F: F.ones(1).addmm_(_M, _M), ValueError, r"^addmm_: the result has shape \(2, 2\)"),
]  # fmt: skip
