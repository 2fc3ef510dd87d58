"""Sums of products over named axes: einsum and its kin, as permutations, reshapes and batches of matrix products."""

from __future__ import annotations

import math
from typing import Any

from nbnn.functional import _check
from nbnn.functional.arithmetic import mul
from nbnn.functional.array import sum as total
from nbnn.functional.linear import matmul
from nbnn.functional.shape import permute, reshape
from nbnn.functional.views import diagonal
from nbnn.op import takes_arrays
from nbnn.tensor import Tensor

Labels = list[str]  # the name of each axis; those of an ellipsis are ".0", ".1", ... from the last one


def _names(text: str, t: Tensor | None, k: int) -> Labels:
    """One name for each axis of an operand."""
    text = text.replace(" ", "")
    before, dots, after = text.partition("...")
    letters = before + after
    if not all(c.isascii() and c.isalpha() for c in letters):
        raise ValueError(f"einsum: `equation` must consist of letters, '...', ',' and '->'; got {text!r}")
    if t is None:
        return [*before, *(["..."] if dots else []), *after]
    wide = t.dim() - len(letters)
    if wide < 0 or (wide and not dots):
        raise ValueError(f"einsum: subscripts {text!r} must name the {t.dim()} axes of `operands`[{k}]; got {t._shape}")
    return [*before, *(f".{n}" for n in reversed(range(wide))), *after]


def _parse(equation: str, operands: tuple) -> tuple[list[Labels], Labels]:
    """The names of the axes of each operand and of the result."""
    left, arrow, right = equation.partition("->")
    parts = left.split(",")
    if len(parts) != len(operands):
        raise ValueError(f"einsum: `equation` (={equation!r}) names {len(parts)} operands; got {len(operands)}")
    names = [_names(text, t, k) for k, (text, t) in enumerate(zip(parts, operands, strict=True))]
    every = [n for labels in names for n in labels]
    dots = sorted({n for n in every if n[0] == "."}, key=lambda n: -int(n[1:]))
    if not arrow:
        return names, [*dots, *sorted(n for n in set(every) if n[0] != "." and every.count(n) == 1)]
    out: Labels = []
    for n in _names(right, None, -1):
        out += dots if n == "..." else [n]
    if len(set(out)) != len(out) or not set(out) <= set(every):
        raise ValueError(f"einsum: the result of `equation` (={equation!r}) must name axes of the operands, each once")
    return names, out


def _single(t: Tensor, names: Labels, sizes: dict[str, int], k: int) -> tuple[Tensor, Labels]:
    """An operand whose axes have different names, without those of size 1 that stand for longer ones."""
    names = list(names)
    while len(set(names)) != len(names):
        n = next(n for n in names if names.count(n) > 1)
        first = names.index(n)
        second = names.index(n, first + 1)
        if t._shape[first] != t._shape[second]:
            raise ValueError(f"einsum: axes of one name {n!r} must have one size in `operands`[{k}]; got {t._shape}")
        t = diagonal(t, 0, first, second)
        names = [m for i, m in enumerate(names) if i not in (first, second)] + [n]
    kept = [i for i, n in enumerate(names) if not (t._shape[i] == 1 and sizes[n] != 1)]
    shape = tuple(t._shape[i] for i in kept)
    return (t if shape == t._shape else reshape(t, shape)), [names[i] for i in kept]


def _sizes(operands: tuple, names: list[Labels]) -> dict[str, int]:
    sizes: dict[str, int] = {}
    for t, labels in zip(operands, names, strict=True):
        for n, size in zip(labels, t._shape, strict=True):
            if sizes.get(n, 1) != 1 and size not in (1, sizes[n]):
                raise ValueError(f"einsum: axis {n!r} must have one size, or 1; got {sizes[n]} and {size}")
            sizes[n] = size if sizes.get(n, 1) == 1 else sizes[n]
    return sizes


def _without(t: Tensor, names: Labels, needed: set[str]) -> tuple[Tensor, Labels]:
    """Summed over the axes that nothing else names."""
    gone = tuple(i for i, n in enumerate(names) if n not in needed)
    return (total(t, gone, dtype=t._dtype) if gone else t), [n for n in names if n in needed]


def _product(a: Tensor, names: Labels, b: Tensor, others: Labels, needed: set[str]) -> tuple[Tensor, Labels]:
    """Two operands as one, summed over what they share and nothing else needs."""
    a, names = _without(a, names, needed | set(others))
    b, others = _without(b, others, needed | set(names))
    both = [n for n in names if n in others]
    batch, inner = [n for n in both if n in needed], [n for n in both if n not in needed]
    rows, columns = [n for n in names if n not in both], [n for n in others if n not in both]
    a = permute(a, tuple(names.index(n) for n in (*batch, *rows, *inner)))
    b = permute(b, tuple(others.index(n) for n in (*batch, *inner, *columns)))
    group, high, wide = len(batch), len(rows), len(columns)
    shape = (*a._shape[: group + high], *b._shape[b.dim() - wide :])
    if inner and a._dtype.is_floating_point:
        depth = math.prod(b._shape[group : b.dim() - wide])
        batches, m, n = (
            math.prod(part) for part in (shape[:group], shape[group : group + high], shape[group + high :])
        )
        out = reshape(matmul(reshape(a, (batches, m, depth)), reshape(b, (batches, depth, n))), shape)
    else:
        a = reshape(a, (*a._shape[: group + high], *(1,) * wide, *a._shape[group + high :]))
        b = permute(b, (*range(group), *range(b.dim() - wide, b.dim()), *range(group, b.dim() - wide)))
        b = reshape(b, (*b._shape[:group], *(1,) * high, *b._shape[group:]))
        out = mul(a, b)
        if inner:
            out = total(out, tuple(range(len(shape), out.dim())), dtype=out._dtype)
    return out, [*batch, *rows, *columns]


def _from_lists(operands: tuple) -> tuple[str, tuple]:
    """``einsum(a, [0, 1], b, [1, 2], [0, 2])`` as an equation and its operands."""

    def text(labels: Any) -> str:
        found = []
        for n in labels:
            if n is not Ellipsis and not 0 <= _check.integer("einsum", "operands", n) < 52:
                raise ValueError(f"einsum: a subscript (={n}) must be in [0, 51]")
            found.append("..." if n is Ellipsis else chr((65 if n < 26 else 71) + n))
        return "".join(found)

    pairs = len(operands) // 2
    equation = ",".join(text(operands[2 * k + 1]) for k in range(pairs))
    if len(operands) % 2:
        equation += "->" + text(operands[-1])
    return equation, operands[0 : 2 * pairs : 2]


@takes_arrays
def einsum(equation: Any, *operands: Any) -> Tensor:
    r"""Sums of products over axes named by letters: ``"ij,jk->ik"`` is :math:`y_{ik} = \sum_j a_{ij} b_{jk}`.

    The operands are joined from the left to the right, each pair by one batch of matrix products.

    Parameters
    ----------
    equation : str
        The names of the axes of each operand, and after ``->`` those of the result; without it the result has the
        letters that occur once, in alphabetical order. A letter that occurs twice in one operand is its diagonal;
        ``...`` stands for further axes, which broadcast.
    operands : Tensor
        Or, without an equation, each Tensor followed by a list of numbers that name its axes, and perhaps a last list
        for the result.

    Raises
    ------
    ValueError
        If the equation and the operands do not fit.
    TypeError
        If an operand is not a Tensor, or their types differ.

    Examples
    --------
    >>> import nbnn
    >>> x = nbnn.tensor([[1.0, 2.0], [3.0, 4.0]])
    >>> nbnn.einsum("ij,kj->ik", x, x)
    tensor([[ 5., 11.],
            [11., 25.]])
    >>> nbnn.einsum("ii", x)
    tensor(5.)
    """
    if not isinstance(equation, str):
        equation, operands = _from_lists((equation, *operands))
    elif len(operands) == 1 and isinstance(operands[0], (tuple, list)):
        operands = tuple(operands[0])
    if not operands:
        raise ValueError(f"einsum: `equation` (={equation!r}) needs operands; got none")
    for k, t in enumerate(operands):
        _check.tensor("einsum", f"operands[{k}]", t)
    _check.same_dtype("einsum", **{f"operands[{k}]": t for k, t in enumerate(operands)})
    names, out = _parse(equation, operands)
    sizes = _sizes(operands, names)
    singles = [_single(t, labels, sizes, k) for k, (t, labels) in enumerate(zip(operands, names, strict=True))]
    result, found = singles[0]
    for k, (t, labels) in enumerate(singles[1:], 1):
        needed = set(out).union(*(later for _, later in singles[k + 1 :]))
        result, found = _product(result, found, t, labels, needed)
    if len(operands) == 1 and set(found) - set(out):  # a sum alone is of the type of sums
        gone = tuple(i for i, n in enumerate(found) if n not in out)
        result, found = total(result, gone), [n for n in found if n in out]
    result, found = _without(result, found, set(out))
    return permute(result, tuple(found.index(n) for n in out))


@takes_arrays
def tensordot(a: Tensor, b: Tensor, dims: Any = 2) -> Tensor:
    """The sum of products over several axes at once.

    Parameters
    ----------
    a, b : Tensor
    dims : int, or two sequences of int
        How many of the last axes of `a` meet the first of `b`; or which axes of `a` meet which of `b`.

    Returns
    -------
    Tensor with the other axes of `a`, then those of `b`

    Raises
    ------
    ValueError
        If the axes that meet differ in number, or in size where neither is 1.

    Examples
    --------
    >>> import nbnn
    >>> nbnn.tensordot(nbnn.ones(2, 3, 4), nbnn.ones(4, 3, 5), dims=([1, 2], [1, 0])).shape
    nbnn.Size([2, 5])
    """
    op = "tensordot"
    x, y = _check.tensor(op, "a", a), _check.tensor(op, "b", b)
    _check.same_dtype(op, a=x, b=y)
    if isinstance(dims, Tensor) and dims.dim():
        dims = dims.tolist() if dims.numel() > 1 else dims.item()
    if isinstance(dims, (tuple, list)):
        if len(dims) != 2:
            raise ValueError(f"{op}: `dims` (={dims}) must be an int or two lists of axes")
        given = [tuple(d) if isinstance(d, (tuple, list)) else (d,) for d in dims]
        mine, theirs = (_check.dims(op, d, t.dim(), "dims") if d else () for d, t in zip(given, (x, y), strict=True))
    else:
        count = _check.integer(op, "dims", dims, 0)
        if count > min(x.dim(), y.dim()):
            raise ValueError(f"{op}: `dims` (={dims}) must be at most the axes of {x._shape} and {y._shape}")
        mine, theirs = tuple(range(x.dim() - count, x.dim())), tuple(range(count))
    pairs = list(zip(mine, theirs, strict=False))
    if len(mine) != len(theirs) or any(
        x._shape[i] != y._shape[j] and x._shape[i] != 1 != y._shape[j] for i, j in pairs
    ):
        raise ValueError(
            f"{op}: the axes {mine} of {x._shape} and {theirs} of {y._shape} must have the same sizes, or 1"
        )
    for i, j in pairs:  # what one repeats is summed in the other
        if x._shape[i] != y._shape[j]:
            x, y = (total(t, k, True, dtype=t._dtype) if t._shape[k] != 1 else t for t, k in ((x, i), (y, j)))
    left, right = [f"a{k}" for k in range(x.dim())], [f"b{k}" for k in range(y.dim())]
    for i, j in pairs:
        right[j] = left[i]
    kept = [n for k, n in enumerate(left) if k not in mine] + [n for k, n in enumerate(right) if k not in theirs]
    return _product(x, left, y, right, set(kept))[0]


@takes_arrays
def kron(input: Tensor, other: Tensor) -> Tensor:
    """The Kronecker product: every element of `input` times the whole of `other`.

    Parameters
    ----------
    input, other : Tensor or array

    Raises
    ------
    TypeError
        If an operand is not a Tensor.

    Examples
    --------
    >>> import nbnn
    >>> nbnn.kron(nbnn.tensor([1, 2]), nbnn.tensor([1, 10]))
    tensor([ 1, 10,  2, 20])
    """
    x, y = _check.tensor("kron", "input", input), _check.tensor("kron", "other", other)
    axes = max(x.dim(), y.dim())
    a, b = ((1,) * (axes - t.dim()) + t._shape for t in (x, y))
    wide = reshape(x, tuple(n for size in a for n in (size, 1)))
    near = reshape(y, tuple(n for size in b for n in (1, size)))
    return reshape(mul(wide, near), tuple(n * m for n, m in zip(a, b, strict=True)))
