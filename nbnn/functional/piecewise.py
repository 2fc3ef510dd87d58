"""Activations made of straight pieces: hardtanh, relu6, hardsigmoid, hardswish, hardshrink, softshrink, threshold."""

from __future__ import annotations

from nbnn.autograd import Node
from nbnn.functional import _check
from nbnn.functional._elementwise import bound, elementwise, floating, numbers, overwritten
from nbnn.kernels import piecewise as K
from nbnn.op import Op, apply, apply_unary, takes_arrays
from nbnn.tensor import Tensor


def _threshold_grad(node: Node, g: Tensor) -> tuple:
    return (apply(THRESHOLD_BACKWARD, g, *node.saved, params=node.params[:1]),)


HARDTANH = elementwise("hardtanh", K.hardtanh, K.hardtanh_backward, work=1)
HARDSIGMOID = elementwise("hardsigmoid", K.hardsigmoid, K.hardsigmoid_backward, work=1)
HARDSWISH = elementwise("hardswish", K.hardswish, K.hardswish_backward, K.hardswish_curvature, work=1)
HARDSHRINK = elementwise("hardshrink", K.hardshrink, K.hardshrink_backward, work=1)
SOFTSHRINK = elementwise("softshrink", K.softshrink, K.hardshrink_backward, work=1)
THRESHOLD = Op("threshold", K.threshold, saves_inputs=(0,), grad=_threshold_grad)
THRESHOLD_BACKWARD: Op = Op(
    "threshold_backward",
    K.threshold_backward,
    saves_inputs=(1,),
    grad=lambda node, gg: (apply(THRESHOLD_BACKWARD, gg, *node.saved, params=node.params), None),
)


@takes_arrays
def hardtanh(input: Tensor, min_val: float = -1.0, max_val: float = 1.0, inplace: bool = False) -> Tensor:
    r""":math:`y = \min(\max(x, a), b)`; NaN stays NaN.

    The derivative on the bounds is chosen to be 0.

    Parameters
    ----------
    input : Tensor or array of any shape
    min_val, max_val : float
        The bounds a and b.
    inplace : bool
        Overwrite `input` with the result.

    Returns
    -------
    Tensor of the shape of `input`

    Raises
    ------
    TypeError
        If `input` is no Tensor or array of numbers.
    ValueError
        If `min_val` is above `max_val`.

    Examples
    --------
    >>> import nbnn
    >>> import nbnn.nn.functional as F
    >>> F.hardtanh(nbnn.tensor([-4.0, -1.0, 2.0, 7.0]))
    tensor([-1., -1.,  1.,  1.])
    """
    if inplace:
        return overwritten("hardtanh", hardtanh, input, min_val, max_val)
    low, high = _check.number("hardtanh", "min_val", min_val), _check.number("hardtanh", "max_val", max_val)
    if low > high:
        raise ValueError(f"hardtanh: `min_val` (={min_val}) must be at most `max_val` (={max_val})")
    return _clipped("hardtanh", input, low, high)


def _clipped(op: str, input: Tensor, low: float, high: float) -> Tensor:
    low, high = bound(op, "min_val", low, input), bound(op, "max_val", high, input)
    whole = numbers(op, input, lambda x: apply(HARDTANH, x, params=(low, high)))
    return apply(HARDTANH, input, params=(low, high)) if whole is None else whole


@takes_arrays
def hardtanh_(input: Tensor, min_val: float = -1.0, max_val: float = 1.0) -> Tensor:
    """`hardtanh` in place.

    Parameters
    ----------
    input : Tensor
    min_val, max_val : float

    Examples
    --------
    >>> import nbnn
    >>> import nbnn.nn.functional as F
    >>> F.hardtanh_(nbnn.tensor([-4.0, -1.0, 2.0, 7.0]))
    tensor([-1., -1.,  1.,  1.])
    """
    low, high = _check.number("hardtanh", "min_val", min_val), _check.number("hardtanh", "max_val", max_val)
    return overwritten("hardtanh", lambda x: _clipped("hardtanh", x, low, high), input)


@takes_arrays
def relu6(input: Tensor, inplace: bool = False) -> Tensor:
    r""":math:`y = \min(\max(x, 0), 6)`; NaN stays NaN.

    The derivative at 0 and at 6 is chosen to be 0.

    Parameters
    ----------
    input : Tensor or array of any shape
    inplace : bool
        Overwrite `input` with the result.

    Returns
    -------
    Tensor of the shape of `input`

    Raises
    ------
    TypeError
        If `input` is no Tensor or array of numbers.

    Examples
    --------
    >>> import nbnn
    >>> import nbnn.nn.functional as F
    >>> F.relu6(nbnn.tensor([-4.0, -1.0, 2.0, 7.0]))
    tensor([0., 0., 2., 6.])
    """
    if inplace:
        return overwritten("relu6", relu6, input)
    return _clipped("relu6", input, 0.0, 6.0)


@takes_arrays
def hardsigmoid(input: Tensor, inplace: bool = False) -> Tensor:
    r""":math:`y = \min(\max(x + 3, 0), 6) / 6`.

    The derivative at -3 and at 3 is chosen to be 0.

    Parameters
    ----------
    input : Tensor or array of any shape
    inplace : bool
        Overwrite `input` with the result.

    Returns
    -------
    Tensor of the shape of `input`

    Raises
    ------
    TypeError
        If `input` is not of a floating-point type.

    Examples
    --------
    >>> import nbnn
    >>> import nbnn.nn.functional as F
    >>> F.hardsigmoid(nbnn.tensor([-4.0, -1.0, 2.0, 7.0]))
    tensor([0.0000, 0.3333, 0.8333, 1.0000])
    """
    if inplace:
        return overwritten("hardsigmoid", hardsigmoid, input)
    return apply_unary(HARDSIGMOID, floating("hardsigmoid", input))


@takes_arrays
def hardswish(input: Tensor, inplace: bool = False) -> Tensor:
    r""":math:`y = x \min(\max(x + 3, 0), 6) / 6`.

    The derivative at -3 is chosen to be 0, at 3 to be 1.

    Parameters
    ----------
    input : Tensor or array of any shape
    inplace : bool
        Overwrite `input` with the result.

    Returns
    -------
    Tensor of the shape of `input`

    Raises
    ------
    TypeError
        If `input` is not of a floating-point type.

    References
    ----------
    Howard et al., "Searching for MobileNetV3", 2019.

    Examples
    --------
    >>> import nbnn
    >>> import nbnn.nn.functional as F
    >>> F.hardswish(nbnn.tensor([-4.0, -1.0, 2.0, 7.0]))
    tensor([ 0.0000, -0.3333,  1.6667,  7.0000])
    """
    if inplace:
        return overwritten("hardswish", hardswish, input)
    return apply_unary(HARDSWISH, floating("hardswish", input))


@takes_arrays
def hardshrink(input: Tensor, lambd: float = 0.5) -> Tensor:
    r""":math:`y = 0` where :math:`|x| \le \lambda`, else :math:`x`.

    Parameters
    ----------
    input : Tensor or array of any shape
    lambd : float
        Half the width of the gap.

    Returns
    -------
    Tensor of the shape of `input`

    Raises
    ------
    TypeError
        If `input` is not of a floating-point type.

    Examples
    --------
    >>> import nbnn
    >>> import nbnn.nn.functional as F
    >>> F.hardshrink(nbnn.tensor([-1.0, 0.2, 2.0]))
    tensor([-1.,  0.,  2.])
    """
    x = floating("hardshrink", input)
    return apply(HARDSHRINK, x, params=(_check.number("hardshrink", "lambd", lambd),))


@takes_arrays
def softshrink(input: Tensor, lambd: float = 0.5) -> Tensor:
    r""":math:`y = \mathrm{sign}(x) \max(|x| - \lambda, 0)`.

    Parameters
    ----------
    input : Tensor or array of any shape
    lambd : float
        How much closer to 0; at least 0.

    Returns
    -------
    Tensor of the shape of `input`

    Raises
    ------
    TypeError
        If `input` is not of a floating-point type.
    ValueError
        If `lambd` is negative.

    Examples
    --------
    >>> import nbnn
    >>> import nbnn.nn.functional as F
    >>> F.softshrink(nbnn.tensor([-1.0, 0.2, 2.0]))
    tensor([-0.5000,  0.0000,  1.5000])
    """
    x, width = floating("softshrink", input), _check.number("softshrink", "lambd", lambd)
    if not width >= 0:
        raise ValueError(f"softshrink: `lambd` (={lambd}) must be at least 0")
    return apply(SOFTSHRINK, x, params=(width,))


@takes_arrays
def threshold(input: Tensor, threshold: float, value: float, inplace: bool = False) -> Tensor:
    """:math:`y = x` where :math:`x > t`, else :math:`v`.

    Parameters
    ----------
    input : Tensor or array of any shape
    threshold : float
        The bound t.
    value : float
        The value v up to the bound.
    inplace : bool
        Overwrite `input` with the result.

    Returns
    -------
    Tensor of the shape of `input`

    Raises
    ------
    TypeError
        If `input` is no Tensor or array of numbers.

    Examples
    --------
    >>> import nbnn
    >>> import nbnn.nn.functional as F
    >>> F.threshold(nbnn.tensor([0.5, 2.0]), 1.0, -1.0)
    tensor([-1.,  2.])
    """
    if inplace:
        return overwritten("threshold", _threshold, input, threshold, value)
    return _threshold(input, threshold, value)


@takes_arrays
def threshold_(input: Tensor, threshold: float, value: float) -> Tensor:
    """`threshold` in place.

    Parameters
    ----------
    input : Tensor
    threshold, value : float

    Examples
    --------
    >>> import nbnn
    >>> import nbnn.nn.functional as F
    >>> F.threshold_(nbnn.tensor([0.5, 2.0]), 1.0, -1.0)
    tensor([-1.,  2.])
    """
    return overwritten("threshold", _threshold, input, threshold, value)


def _threshold(input: Tensor, threshold: float, value: float) -> Tensor:
    low, other = bound("threshold", "threshold", threshold, input), bound("threshold", "value", value, input)
    whole = numbers("threshold", input, lambda x: apply(THRESHOLD, x, params=(low, other)))
    return apply(THRESHOLD, input, params=(low, other)) if whole is None else whole
