"""Cases of einsum, tensordot and kron."""

import numpy as np

import nbnn
from tests.cases import normal
from tests.engine import Bad, Case

EQUATIONS = [
    ("ij,jk->ik", (2, 3), (3, 4)), ("ij,jk", (2, 3), (3, 4)), ("ij->ji", (2, 3)), ("ba", (2, 3)), ("ii", (3, 3)),
    ("ii->i", (3, 3)), ("ij->", (2, 3)), ("ij->j", (2, 3)), ("i,j->ij", (2,), (3,)), ("i,i", (3,), (3,)),
    ("bij,bjk->bik", (2, 3, 4), (2, 4, 2)), ("bij,bkj->bki", (2, 3, 4), (2, 2, 4)), ("...ij,...jk", (2, 2, 3), (3, 2)),
    ("...i->...", (2, 3, 2)), ("i...->...i", (2, 3, 2)), ("...,...->...", (2, 1), (3,)), ("ij,ij->ij", (2, 3), (2, 3)),
    ("ij,j->i", (2, 3), (3,)), ("ijk,ilm,njm->nkl", (2, 2, 3), (2, 2, 2), (2, 2, 2)),
    ("ab,bc,cd->ad", (2, 3), (3, 2), (2, 2)),
    ("iij,j->i", (2, 2, 3), (3,)), ("aab,bcc->ac", (2, 2, 3), (3, 2, 2)), ("ij,kl->", (2, 2), (2, 3)),
    (",ij->ij", (), (2, 3)),
    ("i j, j k -> i k", (2, 3), (3, 2)), ("bhqd,bhkd->bhqk", (2, 2, 3, 2), (2, 2, 3, 2)), ("Aa,aB->BA", (2, 3), (3, 2)),
    ("iji->j", (2, 3, 2)), ("...ii->...i", (2, 3, 3)), ("ij,jk->k", (2, 3), (3, 2)),
]  # fmt: skip


def label(equation):
    return equation.replace(" ", "_").replace("->", "_to_").replace("...", "dots").replace(",", "_")


EINSUMS = [
    *(Case(f"einsum-{label(equation)}", lambda F, *xs, e=equation: F.einsum(e, *xs), normal(*shapes),
           lambda *xs, e=equation: np.einsum(e, *xs), grad=tuple(range(len(shapes))), fresh=False, tolerance=2)
      for equation, *shapes in EQUATIONS),
    Case("einsum-size_1", lambda F, a, b: F.einsum("ij,jk->ik", a, b), normal((2, 1), (3, 4)),
         lambda a, b: np.repeat(a, 3, 1) @ b, grad=(0, 1)),
    Case("einsum-lists", lambda F, a, b: F.einsum(a, [0, 1], b, [1, 2], [2, 0]), normal((2, 3), (3, 4)),
         lambda a, b: (a @ b).T, grad=(0, 1), fresh=False),
    Case("einsum-lists_dots", lambda F, a, b: F.einsum(a, [..., 0], b, [..., 0]), normal((2, 3), (3,)),
         lambda a, b: a @ b, grad=(0, 1)),
    Case("einsum-sequence", lambda F, a, b: F.einsum("ij,jk", [a, b]), normal((2, 3), (3, 4)), lambda a, b: a @ b,
         grad=(0, 1), arrays=False),
    Case("einsum-integers", lambda F, a, b: F.einsum("ij,jk->ik", a, b),
         lambda r: (r.integers(0, 9, (2, 3)), r.integers(0, 9, (3, 4))), lambda a, b: a @ b, grad=()),
    Case("einsum-large", lambda F, a, b: F.einsum("bij,bkj->bik", a, b), normal((2, 3, 4), (2, 3, 4)),
         lambda a, b: a @ np.swapaxes(b, 1, 2), grad=(0, 1), large=normal((4, 60, 80), (4, 70, 80)), tolerance=5,
         empty=(normal((0, 2, 3), (0, 2, 3)), normal((2, 0, 3), (2, 2, 3)), normal((2, 2, 0), (2, 2, 0)))),
]  # fmt: skip
OTHERS = [
    *(Case(f"tensordot-{dims}".replace(" ", ""), lambda F, a, b, d=dims: F.tensordot(a, b, d), normal(*shapes),
           lambda a, b, d=dims: np.tensordot(a, b, d), grad=(0, 1), tolerance=2)
      for dims, shapes in ((2, ((2, 3, 4), (3, 4, 2))), (0, ((2,), (3,))), (([1], [0]), ((2, 3), (3, 2))),
                           (([0, -1], [1, 0]), ((2, 3, 4), (4, 2))), (1, ((3,), (3,))))),
    *(Case(f"kron-{a}_{b}".replace(" ", ""), lambda F, x, y: F.kron(x, y), normal(a, b), np.kron, grad=(0, 1))
      for a, b in (((2,), (3,)), ((2, 3), (3, 2)), ((2, 2), (3,)), ((), (2,)))),
]  # fmt: skip

CASES = [*EINSUMS, *OTHERS]

_X = nbnn.ones(2, 3)


def bad(name, *args, error=ValueError, match):
    return Bad(f"{name}-{match[:24]}", lambda F: getattr(F, name)(*args), error, rf"^{name}: {match}")


ERRORS = [
    bad("einsum", "ij,jk", _X, match=r"`equation` \(='ij,jk'\) names 2 operands; got 1"),
    bad("einsum", "ijk", _X, match=r"subscripts 'ijk' must name the 2 axes of `operands`\[0\]; got \(2, 3\)"),
    bad("einsum", "i", _X, match="subscripts 'i' must name the 2 axes"),
    bad("einsum", "i1", _X, match="`equation` must consist of letters.*got 'i1'"),
    bad("einsum", "ij->ik", _X, match="the result of `equation` .* must name axes of the operands"),
    bad("einsum", "ij->ii", _X, match="the result of `equation` .* each once"),
    bad("einsum", "ij,jk", _X, _X, match="axis 'j' must have one size, or 1; got 3 and 2"),
    bad("einsum", "ii", _X, match="axis 'i' must have one size, or 1; got 2 and 3"),
    bad("einsum", "ii", _X[:1], match=r"axes of one name 'i' must have one size in `operands`\[0\]; got \(1, 3\)"),
    bad("einsum", "", match=r"`equation` \(=''\) needs operands"),
    bad("einsum", "ij", [1.0, 2.0], error=TypeError, match=r"`operands\[0\]` must be a Tensor; got float"),
    bad("einsum", "ij,ij", _X, _X.double(), error=TypeError, match="all inputs must have one dtype"),
    bad("einsum", _X, [0, 52], match=r"a subscript \(=52\) must be in \[0, 51\]"),
    bad("tensordot", _X, _X, 1, match=r"the axes \(1,\) of \(2, 3\) and \(0,\) of \(2, 3\) must have the same sizes"),
    bad("tensordot", _X, _X, 3, match=r"`dims` \(=3\) must be at most the axes"),
    bad("tensordot", _X, _X, ([0], [0], [0]), match="`dims` .* must be an int or two lists"),
    bad("tensordot", _X, _X.double(), error=TypeError, match="all inputs must have one dtype"),
    bad("kron", _X, 2.0, error=TypeError, match="`other` must be a Tensor; got float"),
]  # fmt: skip
