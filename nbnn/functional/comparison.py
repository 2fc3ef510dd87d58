"""Comparison: signs, equality, the larger and the smaller, bounds, closeness."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from nbnn import dtypes
from nbnn.functional import _check
from nbnn.functional._binary import Binary
from nbnn.functional.conversion import cast
from nbnn.functional.promotion import as_number, pair
from nbnn.functional.reduction import sum_over
from nbnn.functional.shape import broadcast_to
from nbnn.kernels import array
from nbnn.kernels import comparison as K
from nbnn.op import Op, apply, apply_unary, takes_arrays
from nbnn.tensor import Tensor

# -- signs ---------------------------------------------------------------------------------------------------------


def _comparison(name: str, kernel: Any, swap: bool, doc: str) -> Callable:
    op = Binary(name, kernel, kinds=(dtypes.bool_,), takes_complex=name in ("eq", "ne"))
    with_number = Op(name, getattr(K, f"{name}_number"), dtypes=(dtypes.bool_,))

    def compare(input: Any, other: Any) -> Tensor:
        if (number := as_number(input, other)) is not None and not input._dtype.is_half:  # a half rounds the number
            return apply_unary(with_number, input, (number,))
        a, b = pair(name, input, other)
        return op(b, a) if swap else op(a, b)

    compare.__name__ = compare.__qualname__ = name
    compare.__doc__ = doc
    return takes_arrays(compare)


_COMPARE = """``input {sign} other`` element by element, broadcasting, as bools; raises as `add` does.

    Parameters
    ----------
    input, other : Tensor, array or number
        Shapes that broadcast.

    Examples
    --------
    >>> import nbnn
    >>> nbnn.{name}(nbnn.tensor([1, 2, 3]), 2)
    tensor({result})
    """

eq = _comparison("eq", array.eq, False, _COMPARE.format(sign="==", name="eq", result="[False,  True, False]"))
ne = _comparison("ne", array.ne, False, _COMPARE.format(sign="!=", name="ne", result="[ True, False,  True]"))
lt = _comparison("lt", array.lt, False, _COMPARE.format(sign="<", name="lt", result="[ True, False, False]"))
le = _comparison("le", array.le, False, _COMPARE.format(sign="<=", name="le", result="[ True,  True, False]"))
gt = _comparison("gt", array.lt, True, _COMPARE.format(sign=">", name="gt", result="[False, False,  True]"))
ge = _comparison("ge", array.le, True, _COMPARE.format(sign=">=", name="ge", result="[False,  True,  True]"))

# -- equality and closeness ----------------------------------------------------------------------------------------

CLOSE = Binary("isclose", K.isclose, kinds=(dtypes.bool_,))


@takes_arrays
def isclose(input: Any, other: Any, rtol: float = 1e-05, atol: float = 1e-08, equal_nan: bool = False) -> Tensor:
    r"""Whether :math:`|a - b| \le \mathrm{atol} + \mathrm{rtol}\,|b|`, element by element, as bools.

    Infinities of one sign are close to each other. Integers are compared in float64.

    Parameters
    ----------
    input, other : Tensor or array of one dtype, or number
        Of shapes that broadcast.
    rtol, atol : float
        At least 0.
    equal_nan : bool
        Whether NaN is close to NaN.

    Raises
    ------
    ValueError
        If the shapes do not broadcast, or a tolerance is negative.
    TypeError
        If the dtypes differ.

    Examples
    --------
    >>> import nbnn
    >>> nbnn.isclose(nbnn.tensor([1.0, 2.0]), nbnn.tensor([1.0 + 1e-6, 2.1]))
    tensor([ True, False])
    """
    return _close("isclose", input, other, rtol, atol, equal_nan)


def _close(op: str, input: Any, other: Any, rtol: float, atol: float, equal_nan: bool) -> Tensor:
    if isinstance(input, Tensor) and isinstance(other, Tensor):
        _check.same_dtype(op, input=input, other=other)
    tolerances = [_check.number(op, name, v) for name, v in (("rtol", rtol), ("atol", atol))]
    for name, v in zip(("rtol", "atol"), tolerances, strict=True):
        if not v >= 0:
            raise ValueError(f"{op}: `{name}` (={v}) must be at least 0")
    a, b = pair(op, input, other)
    _check.real(op, "input", a)
    if not a._dtype.is_floating_point:
        a, b = cast(a, dtypes.float64), cast(b, dtypes.float64)
    return CLOSE(a, b, (*tolerances, 1 if equal_nan else 0))


def _all(truths: Tensor) -> bool:
    misses = cast(eq(truths, False), dtypes.int64)
    return sum_over(misses, tuple(range(misses.dim())), ()).item() == 0


@takes_arrays
def allclose(input: Any, other: Any, rtol: float = 1e-05, atol: float = 1e-08, equal_nan: bool = False) -> bool:
    """Whether all elements are close to each other; see `isclose` for the rule, the arguments and the errors.

    Parameters
    ----------
    input, other : Tensor, array or number
    rtol, atol : float
        Tolerances, relative to `other` and absolute.
    equal_nan : bool
        Whether two NaN are close.

    Examples
    --------
    >>> import nbnn
    >>> nbnn.allclose(nbnn.tensor([1.0, 2.0]), nbnn.tensor([1.0 + 1e-6, 2.0]))
    True
    """
    return _all(_close("allclose", input, other, rtol, atol, equal_nan))


@takes_arrays
def equal(input: Tensor, other: Tensor) -> bool:
    """Whether two Tensors have one shape and equal elements; NaN equals nothing.

    Parameters
    ----------
    input, other : Tensor

    Raises
    ------
    TypeError
        If an argument is no Tensor or array.

    Examples
    --------
    >>> import nbnn
    >>> nbnn.equal(nbnn.tensor([1, 2]), nbnn.tensor([1, 2])), nbnn.equal(nbnn.tensor([1, 2]), nbnn.tensor([1]))
    (True, False)
    """
    a, b = _check.tensor("equal", "input", input), _check.tensor("equal", "other", other)
    return a._shape == b._shape and _all(eq(a, b))


# -- the larger and the smaller ------------------------------------------------------------------------------------


def _share(g: Tensor, a: Tensor, b: Tensor) -> Tensor:
    """What of the gradient belongs to `a` where the larger of a and b was taken."""
    return apply(SHARE, g, broadcast_to(a, g._shape), broadcast_to(b, g._shape))


SHARE: Op = Op(
    "share_of_larger",
    K.share_of_larger,
    saves_inputs=(1, 2),
    grad=lambda node, gg: (apply(SHARE, gg, *node.saved), None, None),
)
MAXIMUM = Binary("maximum", K.maximum, (lambda p, g, a, b: _share(g, a, b), lambda p, g, a, b: _share(g, b, a)), (0, 1))
MINIMUM = Binary("minimum", K.minimum, (lambda p, g, a, b: _share(g, b, a), lambda p, g, a, b: _share(g, a, b)), (0, 1))


@takes_arrays
def maximum(input: Any, other: Any) -> Tensor:
    """The larger of two, element by element; NaN where either is.

    Where the two are equal, each gets half of the gradient.

    Parameters
    ----------
    input, other : Tensor, array or number
        Of shapes that broadcast.

    Raises
    ------
    ValueError
        If the shapes do not broadcast.
    TypeError
        If an operand is no number, array or Tensor.

    Examples
    --------
    >>> import nbnn
    >>> nbnn.maximum(nbnn.tensor([1.0, 4.0]), nbnn.tensor([2.0, 3.0]))
    tensor([2., 4.])
    """
    return MAXIMUM(*pair("maximum", input, other))


@takes_arrays
def minimum(input: Any, other: Any) -> Tensor:
    """The smaller of two, element by element; NaN where either is. Gradients and errors are those of `maximum`.

    Parameters
    ----------
    input, other : Tensor, array or number
        Shapes that broadcast.

    Examples
    --------
    >>> import nbnn
    >>> nbnn.minimum(nbnn.tensor([1.0, 4.0]), nbnn.tensor([2.0, 3.0]))
    tensor([1., 3.])
    """
    return MINIMUM(*pair("minimum", input, other))
