"""Functions of one number: exp, log, sqrt, erf and their kin."""

from __future__ import annotations

from typing import Any

from nbnn import dtypes
from nbnn.autograd import Node
from nbnn.functional import _check
from nbnn.functional._elementwise import from_integers
from nbnn.functional.array import cast, div, mul
from nbnn.kernels import complexes
from nbnn.kernels import pointwise as K
from nbnn.op import Op, apply, apply_unary, takes_arrays
from nbnn.tensor import Tensor

_LN2, _LN10, _DENSITY = 0.6931471805599453, 2.302585092994046, 1.1283791670955126  # ln 2, ln 10, 2 / sqrt(pi)


def _op(name: str, kernel: Any, slope: Any, output: bool = False, work: int = 16, **more: Any) -> Op:
    """An op whose gradient is ``slope(g, saved)``, saved being its output or its input."""
    return Op(
        name,
        kernel,
        saves_inputs=() if output else (0,),
        saves_outputs=(0,) if output else (),
        grad=lambda node, g: (slope(g, node.saved[0]),),
        work=lambda *_: work,
        **more,
    )


def _erf_backward_grad(node: Node, gg: Tensor) -> tuple:
    """d/dx of g e^(-x^2) is -2 x times it."""
    g, x = node.saved
    first = apply(ERF_BACKWARD, gg, x)
    return first, mul(mul(mul(first, g), x), -2.0) if node.needs[1] else None


def _no_more(node: Node, g: Tensor) -> tuple:
    raise RuntimeError("digamma: a third derivative is not available")


ERF_BACKWARD = Op("erf_backward", K.erf_backward, saves_inputs=(0, 1), grad=_erf_backward_grad, work=lambda *_: 16)
EXP = _op("exp", K.exp, mul, output=True, takes_complex=complexes.exp)
EXP2 = _op("exp2", K.exp2, lambda g, y: mul(mul(g, y), _LN2), output=True)
EXPM1 = _op("expm1", K.expm1, lambda g, y: mul(g, y + 1), output=True)
LOG = _op("log", K.log, div)
LOG2 = _op("log2", K.log2, lambda g, x: div(g, mul(x, _LN2)))
LOG10 = _op("log10", K.log10, lambda g, x: div(g, mul(x, _LN10)))
LOG1P = _op("log1p", K.log1p, lambda g, x: div(g, x + 1))
SQRT = _op("sqrt", K.sqrt, lambda g, y: div(g, mul(y, 2.0)), output=True, work=4)
RSQRT = _op("rsqrt", K.rsqrt, lambda g, y: mul(mul(g, mul(y, mul(y, y))), -0.5), output=True, work=4)
SQUARE = _op("square", K.square, lambda g, x: mul(mul(g, x), 2.0), work=1)
RECIPROCAL = _op("reciprocal", K.reciprocal, lambda g, y: mul(mul(g, mul(y, y)), -1.0), output=True, work=2)
TETRAGAMMA = Op("tetragamma", K.tetragamma, grad=_no_more, work=lambda *_: 32)
TRIGAMMA = _op("trigamma", K.trigamma, lambda g, x: mul(g, apply(TETRAGAMMA, x)), work=32)
DIGAMMA = _op("digamma", K.digamma, lambda g, x: mul(g, apply(TRIGAMMA, x)), work=32)
LGAMMA = _op("lgamma", K.lgamma, lambda g, x: mul(g, apply(DIGAMMA, x)), work=32)
ERF = _op("erf", K.erf, lambda g, x: apply(ERF_BACKWARD, g, x))
ERFC = _op("erfc", K.erfc, lambda g, x: mul(apply(ERF_BACKWARD, g, x), -1.0))


@takes_arrays
def exp(input: Tensor) -> Tensor:
    """Exponential function, :math:`y = e^x`.

    Parameters
    ----------
    input : Tensor or array of any shape

    Returns
    -------
    Tensor of the shape of `input`

    Raises
    ------
    TypeError
        If `input` is no Tensor or array.

    Examples
    --------
    >>> import nbnn
    >>> nbnn.exp(nbnn.tensor([0.0, 1.0]))
    tensor([1.0000, 2.7183])
    """
    return apply_unary(EXP, from_integers(input))


@takes_arrays
def exp2(input: Tensor) -> Tensor:
    """Power of two, :math:`y = 2^x`.

    Parameters
    ----------
    input : Tensor or array of any shape

    Returns
    -------
    Tensor of the shape of `input`

    Raises
    ------
    TypeError
        If `input` is no Tensor or array.

    Examples
    --------
    >>> import nbnn
    >>> nbnn.exp2(nbnn.tensor([0.0, 3.0]))
    tensor([1., 8.])
    """
    return apply_unary(EXP2, from_integers(input))


@takes_arrays
def expm1(input: Tensor) -> Tensor:
    """:math:`y = e^x - 1`, exact to the last bits near 0.

    Parameters
    ----------
    input : Tensor or array of any shape

    Returns
    -------
    Tensor of the shape of `input`

    Raises
    ------
    TypeError
        If `input` is no Tensor or array.

    Examples
    --------
    >>> import nbnn
    >>> nbnn.expm1(nbnn.tensor([0.0, 1.0]))
    tensor([0.0000, 1.7183])
    """
    return apply_unary(EXPM1, from_integers(input))


@takes_arrays
def log(input: Tensor) -> Tensor:
    r"""Natural logarithm, :math:`y = \ln x`: -inf at 0, NaN below.

    Parameters
    ----------
    input : Tensor or array of any shape

    Returns
    -------
    Tensor of the shape of `input`

    Raises
    ------
    TypeError
        If `input` is no Tensor or array.

    Examples
    --------
    >>> import nbnn
    >>> nbnn.log(nbnn.tensor([1.0, 2.0]))
    tensor([0.0000, 0.6931])
    """
    return apply_unary(LOG, from_integers(input))


@takes_arrays
def log2(input: Tensor) -> Tensor:
    r"""Logarithm to base 2, :math:`y = \log_2 x`, exact at powers of 2: -inf at 0, NaN below.

    Parameters
    ----------
    input : Tensor or array of any shape

    Returns
    -------
    Tensor of the shape of `input`

    Raises
    ------
    TypeError
        If `input` is no Tensor or array.

    Examples
    --------
    >>> import nbnn
    >>> nbnn.log2(nbnn.tensor([1.0, 8.0]))
    tensor([0., 3.])
    """
    return apply_unary(LOG2, from_integers(input))


@takes_arrays
def log10(input: Tensor) -> Tensor:
    r"""Logarithm to base 10, :math:`y = \log_{10} x`: -inf at 0, NaN below.

    Parameters
    ----------
    input : Tensor or array of any shape

    Returns
    -------
    Tensor of the shape of `input`

    Raises
    ------
    TypeError
        If `input` is no Tensor or array.

    Examples
    --------
    >>> import nbnn
    >>> nbnn.log10(nbnn.tensor([1.0, 100.0]))
    tensor([0., 2.])
    """
    return apply_unary(LOG10, from_integers(_check.tensor("log10", "input", input)))


@takes_arrays
def log1p(input: Tensor) -> Tensor:
    r""":math:`y = \ln(1 + x)`, exact to the last bits near 0: -inf at -1, NaN below.

    Parameters
    ----------
    input : Tensor or array of any shape

    Returns
    -------
    Tensor of the shape of `input`

    Raises
    ------
    TypeError
        If `input` is no Tensor or array.

    Examples
    --------
    >>> import nbnn
    >>> nbnn.log1p(nbnn.tensor([0.0, 1.0]))
    tensor([0.0000, 0.6931])
    """
    return apply_unary(LOG1P, from_integers(input))


@takes_arrays
def sqrt(input: Tensor) -> Tensor:
    r"""Square root, :math:`y = \sqrt{x}`: NaN below 0.

    Parameters
    ----------
    input : Tensor or array of any shape

    Returns
    -------
    Tensor of the shape of `input`

    Raises
    ------
    TypeError
        If `input` is no Tensor or array.

    Examples
    --------
    >>> import nbnn
    >>> nbnn.sqrt(nbnn.tensor([1.0, 2.0]))
    tensor([1.0000, 1.4142])
    """
    return apply_unary(SQRT, from_integers(input))


@takes_arrays
def rsqrt(input: Tensor) -> Tensor:
    r"""Reciprocal of the square root, :math:`y = 1 / \sqrt{x}`: inf at 0, NaN below.

    Parameters
    ----------
    input : Tensor or array of any shape

    Returns
    -------
    Tensor of the shape of `input`

    Raises
    ------
    TypeError
        If `input` is no Tensor or array.

    Examples
    --------
    >>> import nbnn
    >>> nbnn.rsqrt(nbnn.tensor([1.0, 4.0]))
    tensor([1.0000, 0.5000])
    """
    return apply_unary(RSQRT, from_integers(input))


@takes_arrays
def erf(input: Tensor) -> Tensor:
    r"""Error function, :math:`y = \frac{2}{\sqrt{\pi}} \int_0^x e^{-t^2} dt`.

    Parameters
    ----------
    input : Tensor or array of any shape

    Returns
    -------
    Tensor of the shape of `input`

    Raises
    ------
    TypeError
        If `input` is no Tensor or array.

    Examples
    --------
    >>> import nbnn
    >>> nbnn.erf(nbnn.tensor([0.0, 1.0]))
    tensor([0.0000, 0.8427])
    """
    return apply_unary(ERF, from_integers(input))


@takes_arrays
def erfc(input: Tensor) -> Tensor:
    r"""Complementary error function, :math:`y = 1 - \mathrm{erf}(x)`, exact to the last bits where it is tiny.

    Parameters
    ----------
    input : Tensor or array of any shape

    Returns
    -------
    Tensor of the shape of `input`

    Raises
    ------
    TypeError
        If `input` is no Tensor or array.

    Examples
    --------
    >>> import nbnn
    >>> nbnn.erfc(nbnn.tensor([0.0, 1.0]))
    tensor([1.0000, 0.1573])
    """
    return apply_unary(ERFC, from_integers(input))


@takes_arrays
def square(input: Tensor) -> Tensor:
    """Square, :math:`y = x^2`; integers stay integers.

    Parameters
    ----------
    input : Tensor or array of any shape

    Returns
    -------
    Tensor of the shape of `input`

    Raises
    ------
    TypeError
        If `input` is no Tensor or array.

    Examples
    --------
    >>> import nbnn
    >>> nbnn.square(nbnn.tensor([-1.5, 2.0]))
    tensor([2.2500, 4.0000])
    """
    x = _check.tensor("square", "input", input)
    if x._dtype is dtypes.bool_:
        return cast(x, dtypes.int64)
    return apply_unary(SQUARE, x)


@takes_arrays
def reciprocal(input: Tensor) -> Tensor:
    """:math:`y = 1 / x`: infinite at 0.

    Parameters
    ----------
    input : Tensor or array of any shape

    Returns
    -------
    Tensor of the shape of `input`

    Raises
    ------
    TypeError
        If `input` is no Tensor or array.

    Examples
    --------
    >>> import nbnn
    >>> nbnn.reciprocal(nbnn.tensor([-2.0, 4.0]))
    tensor([-0.5000,  0.2500])
    """
    return apply_unary(RECIPROCAL, from_integers(_check.tensor("reciprocal", "input", input)))


@takes_arrays
def lgamma(input: Tensor) -> Tensor:
    r"""Logarithm of the gamma function, :math:`y = \ln |\Gamma(x)|`: infinite at 0 and the negative integers.

    Parameters
    ----------
    input : Tensor or array of any shape

    Returns
    -------
    Tensor of the shape of `input`

    Raises
    ------
    TypeError
        If `input` is no Tensor or array.

    Examples
    --------
    >>> import nbnn
    >>> nbnn.lgamma(nbnn.tensor([0.5, 5.0]))
    tensor([0.5724, 3.1781])
    """
    return apply_unary(LGAMMA, from_integers(_check.tensor("lgamma", "input", input)))


@takes_arrays
def digamma(input: Tensor) -> Tensor:
    r"""Derivative of `lgamma`, :math:`y = \Gamma'(x) / \Gamma(x)`: infinite at 0, NaN at the negative integers.

    Parameters
    ----------
    input : Tensor or array of any shape

    Returns
    -------
    Tensor of the shape of `input`

    Raises
    ------
    TypeError
        If `input` is no Tensor or array.

    Examples
    --------
    >>> import nbnn
    >>> nbnn.digamma(nbnn.tensor([0.5, 1.0]))
    tensor([-1.9635, -0.5772])
    """
    return apply_unary(DIGAMMA, from_integers(_check.tensor("digamma", "input", input)))
