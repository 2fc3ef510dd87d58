"""Functions of one or two elements that are made of others: inverse hyperbolic ones, logit, xlogy, angles, no NaN."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from nbnn import dtypes
from nbnn.functional import _check
from nbnn.functional._elementwise import from_integers
from nbnn.functional.arithmetic import add, div, mul, neg, sub
from nbnn.functional.choice import clamp, where
from nbnn.functional.comparison import eq, gt, le, maximum, ne
from nbnn.functional.complexes import complex
from nbnn.functional.conversion import cast, clone
from nbnn.functional.creation import zeros_like
from nbnn.functional.logic import logical_and, logical_not, logical_or
from nbnn.functional.pointwise import erf, erfc, exp, log, log1p, reciprocal, rsqrt, sqrt, square
from nbnn.functional.power import pow as power
from nbnn.functional.promotion import promoted
from nbnn.functional.rounding import abs as absolute
from nbnn.functional.rounding import isinf, isnan, sign
from nbnn.functional.trigonometry import cos, sin
from nbnn.op import Op, apply, takes_arrays
from nbnn.tensor import Tensor


def _made(name: str, function: Callable[[Tensor], Tensor], slope: Callable[[Tensor], Tensor]) -> Op:
    """An op that is a function of others, with a gradient of its own: theirs would be 0 or NaN in places."""
    return Op(
        name,
        forward=lambda x, params: (function(x.detach()),),
        saves_inputs=(0,),
        grad=lambda node, g: (mul(g, slope(node.saved[0])),),
    )


def _asinh(x: Tensor) -> Tensor:
    """sign(x) log(1 + a + a^2 / (1 + sqrt(1 + a^2))) for a = |x|, with nothing squared that is large."""
    a = absolute(x)
    r = reciprocal(a)
    return mul(sign(x), log1p(add(a, div(a, add(r, sqrt(add(square(r), 1.0)))))))


def _acosh(x: Tensor) -> Tensor:
    t = sub(x, 1.0)
    return log1p(add(t, mul(sqrt(t), sqrt(add(t, 2.0)))))


def _atanh(x: Tensor) -> Tensor:
    a = absolute(x)
    return mul(mul(sign(x), 0.5), log1p(div(mul(a, 2.0), sub(1.0, a))))


def _erfinv(x: Tensor) -> Tensor:
    """Winitzki's closed form, wrong by 2e-3, and three of Halley's steps; in float64, from the nearer end."""
    a = absolute(cast(x, dtypes.float64))
    tail = sub(1.0, a)
    low = log(mul(tail, add(a, 1.0)))
    half = add(mul(low, 0.5), 2.0 / (math.pi * 0.147))
    y = sqrt(sub(sqrt(sub(square(half), mul(low, 1.0 / 0.147))), half))
    for _ in range(3):
        off = where(gt(a, 0.5), sub(tail, erfc(y)), sub(erf(y), a))
        step = mul(mul(off, exp(square(y))), math.sqrt(math.pi) / 2)
        y = sub(y, div(step, add(mul(step, y), 1.0)))
    y = where(eq(a, 1.0), math.inf, y)
    return cast(mul(sign(cast(x, dtypes.float64)), y), x._dtype)


def _two(op: str, floating: bool = True, **given: Any) -> tuple[Tensor, Tensor]:
    """Two operands as real Tensors of one type, integers become floats where asked, of shapes that broadcast."""
    made = promoted(op, *given.values(), real=floating)
    a, b = (_check.real(op, name, t) for name, t in zip(given, made, strict=True))
    _check.broadcast_shapes(op, a._shape, b._shape)
    return a, b


ASINH = _made("asinh", _asinh, lambda x: rsqrt(add(square(x), 1.0)))
ACOSH = _made("acosh", _acosh, lambda x: mul(rsqrt(sub(x, 1.0)), rsqrt(add(x, 1.0))))
ATANH = _made("atanh", _atanh, lambda x: reciprocal(sub(1.0, square(x))))
LOGIT = _made("logit", lambda z: log(div(z, sub(1.0, z))), lambda z: reciprocal(mul(z, sub(1.0, z))))
ERFINV: Op = _made("erfinv", _erfinv, lambda x: mul(exp(square(apply(ERFINV, x))), math.sqrt(math.pi) / 2))


@takes_arrays
def asinh(input: Tensor) -> Tensor:
    r"""Inverse hyperbolic sine, :math:`\log(x + \sqrt{x^2 + 1})`.

    Raises
    ------
    TypeError
        If `input` is no Tensor or array.

    Examples
    --------
    >>> import nbnn
    >>> nbnn.asinh(nbnn.tensor([0.0, 1.0]))
    tensor([0.0000, 0.8814])
    """
    return apply(ASINH, from_integers(_check.tensor("asinh", "input", input)))


@takes_arrays
def acosh(input: Tensor) -> Tensor:
    r"""Inverse hyperbolic cosine, :math:`\log(x + \sqrt{x^2 - 1})`; NaN below 1.

    Raises
    ------
    TypeError
        If `input` is no Tensor or array.

    Examples
    --------
    >>> import nbnn
    >>> nbnn.acosh(nbnn.tensor([1.0, 2.0]))
    tensor([0.0000, 1.3170])
    """
    return apply(ACOSH, from_integers(_check.tensor("acosh", "input", input)))


@takes_arrays
def atanh(input: Tensor) -> Tensor:
    r"""Inverse hyperbolic tangent, :math:`\frac{1}{2} \log \frac{1 + x}{1 - x}`; NaN beyond -1 and 1.

    Raises
    ------
    TypeError
        If `input` is no Tensor or array.

    Examples
    --------
    >>> import nbnn
    >>> nbnn.atanh(nbnn.tensor([0.0, 0.5, 1.0]))
    tensor([0.0000, 0.5493,    inf])
    """
    return apply(ATANH, from_integers(_check.tensor("atanh", "input", input)))


@takes_arrays
def erfinv(input: Tensor) -> Tensor:
    r"""The inverse of `erf`: the :math:`y` with :math:`\mathrm{erf}(y) = x`; infinite at -1 and 1, NaN beyond.

    Raises
    ------
    TypeError
        If `input` is no Tensor or array.

    References
    ----------
    S. Winitzki, "A handy approximation for the error function and its inverse", 2008: where the search begins.

    Examples
    --------
    >>> import nbnn
    >>> nbnn.erfinv(nbnn.tensor([0.0, 0.5, -1.0]))
    tensor([0.0000, 0.4769,   -inf])
    """
    return apply(ERFINV, from_integers(_check.tensor("erfinv", "input", input)))


@takes_arrays
def logit(input: Tensor, eps: float | None = None) -> Tensor:
    r"""The inverse of `sigmoid`, :math:`\log \frac{z}{1 - z}`.

    Parameters
    ----------
    input : Tensor
        Probabilities; NaN comes of what is none.
    eps : float, optional
        Bring them into [eps, 1 - eps] first.

    Raises
    ------
    TypeError
        If `input` is no Tensor or array, or `eps` no number.

    Examples
    --------
    >>> import nbnn
    >>> nbnn.logit(nbnn.tensor([0.5, 0.9, 1.0]), eps=1e-3)
    tensor([0.0000, 2.1972, 6.9068])
    """
    z = from_integers(_check.real("logit", "input", input))
    if eps is not None:
        low = _check.number("logit", "eps", eps)
        z = clamp(z, low, 1.0 - low)
    return apply(LOGIT, z)


@takes_arrays
def xlogy(input: Any, other: Any) -> Tensor:
    r"""``input * log(other)``, which is 0 where `input` is, also where `other` is 0; NaN stays.

    Raises
    ------
    ValueError
        If the shapes do not broadcast.
    TypeError
        If an operand is no number, array or Tensor.

    Examples
    --------
    >>> import nbnn
    >>> nbnn.xlogy(nbnn.tensor([0.0, 2.0]), nbnn.tensor([0.0, 1.0]))
    tensor([0., 0.])
    """
    x, y = _two("xlogy", input=input, other=other)
    unseen = logical_and(eq(x, 0), logical_or(le(y, 0), isinf(y)))
    return mul(x, log(where(unseen, 1.0, y)))


@takes_arrays
def logaddexp(input: Any, other: Any) -> Tensor:
    r""":math:`\log(e^a + e^b)` without overflow.

    Raises
    ------
    ValueError
        If the shapes do not broadcast.
    TypeError
        If an operand is no number, array or Tensor.

    Examples
    --------
    >>> import nbnn
    >>> nbnn.logaddexp(nbnn.tensor([0.0, 100.0]), nbnn.tensor([0.0, 0.0]))
    tensor([  0.6931, 100.0000])
    """
    a, b = _two("logaddexp", input=input, other=other)
    apart = sub(a, b)
    apart = where(eq(a, b), zeros_like(apart), apart)  # two infinities of one sign are at one place
    return add(maximum(a, b), log1p(exp(neg(absolute(apart)))))


@takes_arrays
def sinc(input: Tensor) -> Tensor:
    r""":math:`\sin(\pi x) / (\pi x)`, 1 at 0.

    Raises
    ------
    TypeError
        If `input` is no Tensor or array.

    Examples
    --------
    >>> import nbnn
    >>> nbnn.sinc(nbnn.tensor([0.0, 0.5]))
    tensor([1.0000, 0.6366])
    """
    angle = mul(from_integers(_check.real("sinc", "input", input)), math.pi)
    centre = eq(angle, 0)
    angle = where(centre, 1.0, angle)
    return where(centre, 1.0, div(sin(angle), angle))


@takes_arrays
def deg2rad(input: Tensor) -> Tensor:
    """Degrees in radians.

    Raises
    ------
    TypeError
        If `input` is no Tensor or array.

    Examples
    --------
    >>> import nbnn
    >>> nbnn.deg2rad(nbnn.tensor([180.0]))
    tensor([3.1416])
    """
    return mul(from_integers(_check.real("deg2rad", "input", input)), math.pi / 180.0)


@takes_arrays
def rad2deg(input: Tensor) -> Tensor:
    """Radians in degrees.

    Raises
    ------
    TypeError
        If `input` is no Tensor or array.

    Examples
    --------
    >>> import nbnn
    >>> nbnn.rad2deg(nbnn.tensor([nbnn.pi]))
    tensor([180.])
    """
    return mul(from_integers(_check.real("rad2deg", "input", input)), 180.0 / math.pi)


@takes_arrays
def nan_to_num(
    input: Tensor, nan: float | None = None, posinf: float | None = None, neginf: float | None = None
) -> Tensor:
    """A copy with numbers in the place of NaN and infinities, which get no gradient.

    Parameters
    ----------
    input : Tensor
    nan : float, optional
        In the place of NaN, 0 by default.
    posinf, neginf : float, optional
        In the place of the infinities: the largest and the least number of the type by default.

    Raises
    ------
    TypeError
        If `input` is no Tensor or array, or a replacement no number.

    Examples
    --------
    >>> import nbnn
    >>> nbnn.nan_to_num(nbnn.tensor([nbnn.nan, nbnn.inf, 1.0]), posinf=9.0)
    tensor([0., 9., 1.])
    """
    op = "nan_to_num"
    x = _check.real(op, "input", input)
    if not x._dtype.is_floating_point:
        return clone(x)
    most = dtypes.finfo(x._dtype).max
    given = (("nan", nan, 0.0), ("posinf", posinf, most), ("neginf", neginf, -most))
    zero, high, low = (default if value is None else _check.number(op, name, value) for name, value, default in given)
    y = where(isnan(x), zero, x)
    infinite = isinf(x)
    y = where(logical_and(infinite, gt(x, 0)), high, y)
    return where(logical_and(infinite, logical_not(gt(x, 0))), low, y)


@takes_arrays
def isposinf(input: Tensor) -> Tensor:
    """Whether elements are +inf, as bools.

    Raises
    ------
    TypeError
        If `input` is no Tensor or array.

    Examples
    --------
    >>> import nbnn
    >>> nbnn.isposinf(nbnn.tensor([nbnn.inf, -nbnn.inf]))
    tensor([ True, False])
    """
    x = _check.real("isposinf", "input", input)
    return logical_and(isinf(x), gt(x, 0))


@takes_arrays
def isneginf(input: Tensor) -> Tensor:
    """Whether elements are -inf, as bools.

    Raises
    ------
    TypeError
        If `input` is no Tensor or array.

    Examples
    --------
    >>> import nbnn
    >>> nbnn.isneginf(nbnn.tensor([nbnn.inf, -nbnn.inf]))
    tensor([False,  True])
    """
    x = _check.real("isneginf", "input", input)
    return logical_and(isinf(x), ne(gt(x, 0), True))


@takes_arrays
def hypot(input: Any, other: Any) -> Tensor:
    r""":math:`\sqrt{a^2 + b^2}` without overflow.

    Raises
    ------
    ValueError
        If the shapes do not broadcast.
    TypeError
        If an operand is no number, array or Tensor.

    Examples
    --------
    >>> import nbnn
    >>> nbnn.hypot(nbnn.tensor([3.0]), nbnn.tensor([4.0]))
    tensor([5.])
    """
    a, b = _two("hypot", input=input, other=other)
    size = maximum(absolute(a.detach()), absolute(b.detach()))
    size = where(logical_or(eq(size, 0), logical_or(isinf(size), isnan(size))), 1.0, size)
    return mul(size, sqrt(add(square(div(a, size)), square(div(b, size)))))


@takes_arrays
def float_power(input: Any, exponent: Any) -> Tensor:
    """``input ** exponent``, computed in float64.

    Raises
    ------
    ValueError
        If the shapes do not broadcast.
    TypeError
        If an operand is no number, array or Tensor, or complex.

    Examples
    --------
    >>> import nbnn
    >>> nbnn.float_power(nbnn.tensor([2, 3]), 2)
    tensor([4., 9.], dtype=nbnn.float64)
    """
    a, b = _two("float_power", False, input=input, exponent=exponent)
    return power(cast(a, dtypes.float64), cast(b, dtypes.float64))


@takes_arrays
def polar(abs: Tensor, angle: Tensor) -> Tensor:
    r"""The complex numbers :math:`r \cos\varphi + i r \sin\varphi`.

    Parameters
    ----------
    abs, angle : Tensor
        Of one dtype, float32 or float64, and of shapes that broadcast.

    Raises
    ------
    ValueError
        If the shapes do not broadcast.
    TypeError
        If an operand is no Tensor or array of these types, or the dtypes differ.

    Examples
    --------
    >>> import nbnn
    >>> nbnn.polar(nbnn.tensor([2.0]), nbnn.tensor([0.0]))
    tensor([2.+0.j])
    """
    for name, value in (("abs", abs), ("angle", angle)):
        _check.floating("polar", name, value)
    _check.same_dtype("polar", abs=abs, angle=angle)
    _check.broadcast_shapes("polar", abs._shape, angle._shape)
    return complex(mul(abs, cos(angle)), mul(abs, sin(angle)))


arcsinh, arccosh, arctanh = asinh, acosh, atanh
