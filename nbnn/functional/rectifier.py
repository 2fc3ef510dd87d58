"""Rectifiers with another branch below 0: leaky_relu, rrelu, prelu, elu, selu, celu."""

from __future__ import annotations

import math
from typing import Any

from nbnn.autograd import Node
from nbnn.functional import _check
from nbnn.functional._elementwise import elementwise, floating, overwritten
from nbnn.functional.array import mul, sum
from nbnn.generator import default_generator
from nbnn.kernels import rectifier as K
from nbnn.op import Op, apply, takes_arrays
from nbnn.tensor import Tensor


def _prelu_rows(params: tuple, *shapes: Any) -> int:
    channels, inner = params
    row = channels if inner == 1 else inner
    return math.prod(shapes[0]) // row if row else 0


def _prelu_work(params: tuple, *_: Any) -> int:
    channels, inner = params
    return channels if inner == 1 else inner


def _by_channel(t: Tensor, params: tuple, shape: tuple) -> Tensor:
    """The sum of `t` over all but its channels, in the shape of the weight."""
    channels, inner = params
    rows = t.numel() // max(channels * inner, 1)
    return sum(t.reshape(rows, channels, inner), (0, 2)).reshape(shape)


def _prelu_grad(node: Node, g: Tensor) -> tuple:
    x, weight = node.saved
    by_x = apply(PRELU_BACKWARD, g, x, weight, params=node.params) if node.needs[0] else None
    by_weight = _by_channel(mul(g, apply(NEGATIVE_PART, x)), node.params, weight._shape) if node.needs[1] else None
    return by_x, by_weight


def _prelu_backward_grad(node: Node, gg: Tensor) -> tuple:
    g, x, weight = node.saved
    by_g = apply(PRELU_BACKWARD, gg, x, weight, params=node.params)
    by_weight = None
    if node.needs[2]:
        by_weight = _by_channel(apply(NEGATIVE_PART_BACKWARD, mul(gg, g), x), node.params, weight._shape)
    return by_g, None, by_weight


def _random_work(*_: Any) -> int:
    return 8


ELU = elementwise("elu", K.elu, K.elu_backward, K.elu_curvature)  # selu and celu too
LEAKY_RELU = elementwise("leaky_relu", K.leaky_relu, K.leaky_relu_backward, work=1)
NEGATIVE_PART = Op(
    "negative_part",
    K.negative_part,
    saves_inputs=(0,),
    grad=lambda node, g: (apply(NEGATIVE_PART_BACKWARD, g, *node.saved),),
)
NEGATIVE_PART_BACKWARD: Op = Op(
    "negative_part_backward",
    K.negative_part_backward,
    saves_inputs=(1,),
    grad=lambda node, gg: (apply(NEGATIVE_PART_BACKWARD, gg, *node.saved), None),
)
PRELU = Op("prelu", K.prelu, count=_prelu_rows, work=_prelu_work, saves_inputs=(0, 1), grad=_prelu_grad)
PRELU_BACKWARD = Op(
    "prelu_backward",
    K.prelu_backward,
    count=_prelu_rows,
    work=_prelu_work,
    saves_inputs=(0, 1, 2),
    grad=_prelu_backward_grad,
)
RRELU = Op(
    "rrelu",
    K.rrelu,
    saves_inputs=(0,),
    grad=lambda node, g: (apply(RRELU_BACKWARD, g, *node.saved, params=node.params),),
    work=_random_work,
)
RRELU_BACKWARD: Op = Op(
    "rrelu_backward",
    K.rrelu_backward,
    saves_inputs=(1,),
    grad=lambda node, gg: (apply(RRELU_BACKWARD, gg, *node.saved, params=node.params), None),
    work=_random_work,
)
_SELU_ALPHA, _SELU_SCALE = 1.6732632423543772, 1.0507009873554805


@takes_arrays
def leaky_relu(input: Tensor, negative_slope: float = 0.01, inplace: bool = False) -> Tensor:
    """Leaky rectifier, :math:`y = x` where :math:`x > 0`, else :math:`s x`.

    Parameters
    ----------
    input : Tensor or array of any shape
    negative_slope : float
        The slope s on the negative side.
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
    Maas, Hannun and Ng, "Rectifier Nonlinearities Improve Neural Network Acoustic Models", 2013.

    Examples
    --------
    >>> import nbnn
    >>> import nbnn.nn.functional as F
    >>> F.leaky_relu(nbnn.tensor([-1.0, 2.0]), 0.5)
    tensor([-0.5000,  2.0000])
    """
    if inplace:
        return overwritten("leaky_relu", leaky_relu, input, negative_slope)
    x = floating("leaky_relu", input)
    return apply(LEAKY_RELU, x, params=(_check.number("leaky_relu", "negative_slope", negative_slope),))


def leaky_relu_(input: Tensor, negative_slope: float = 0.01) -> Tensor:
    """`leaky_relu` in place.

    Parameters
    ----------
    input : Tensor
    negative_slope : float

    Examples
    --------
    >>> import nbnn
    >>> import nbnn.nn.functional as F
    >>> F.leaky_relu_(nbnn.tensor([-1.0, 2.0]), 0.5)
    tensor([-0.5000,  2.0000])
    """
    return leaky_relu(input, negative_slope, inplace=True)


@takes_arrays
def prelu(input: Tensor, weight: Tensor) -> Tensor:
    r"""Leaky rectifier with learned slopes, :math:`y = x` where :math:`x > 0`, else :math:`w_c x`.

    Parameters
    ----------
    input : Tensor or array (N, C, \*), or of any shape if there is one slope
    weight : Tensor or array (C,) or with one element
        The slope of each channel, or one for all.

    Returns
    -------
    Tensor of the shape of `input`

    Raises
    ------
    TypeError
        If `input` is not of a floating-point type.
    ValueError
        If `weight` has neither one slope nor one for each channel.

    References
    ----------
    He et al., "Delving Deep into Rectifiers", 2015.

    Examples
    --------
    >>> import nbnn
    >>> import nbnn.nn.functional as F
    >>> F.prelu(nbnn.tensor([-1.0, 2.0]), nbnn.tensor([0.25]))
    tensor([-0.2500,  2.0000])
    """
    x, w = _check.tensor("prelu", "input", input), _check.tensor("prelu", "weight", weight)
    _check.floating("prelu", "input", x)
    _check.same_dtype("prelu", input=x, weight=w)
    channels = w.numel()
    if w.dim() > 1 or channels == 0:
        raise ValueError(f"prelu: `weight` must have one axis of at least one slope; got {w._shape}")
    shape = x._shape
    if channels > 1:
        if len(shape) < 2 or shape[1] != channels:
            raise ValueError(
                f"prelu: `weight` must have one slope or one for each channel of `input`; got {w._shape} for {shape}"
            )
        params = (channels, math.prod(shape[2:]))
    else:
        params = (1, math.prod(shape[1:]))
    return apply(PRELU, x, w, params=params)


@takes_arrays
def elu(input: Tensor, alpha: float = 1.0, inplace: bool = False) -> Tensor:
    r"""Exponential linear unit, :math:`y = x` where :math:`x > 0`, else :math:`\alpha (e^x - 1)`.

    Parameters
    ----------
    input : Tensor or array of any shape
    alpha : float
        The limit of -y for very negative x.
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
    Clevert, Unterthiner and Hochreiter, "Fast and Accurate Deep Network Learning by Exponential Linear Units", 2015.

    Examples
    --------
    >>> import nbnn
    >>> import nbnn.nn.functional as F
    >>> F.elu(nbnn.tensor([-1.0, 0.0, 1.0]))
    tensor([-0.6321,  0.0000,  1.0000])
    """
    if inplace:
        return overwritten("elu", elu, input, alpha)
    x = floating("elu", input)
    return apply(ELU, x, params=(_check.number("elu", "alpha", alpha), 1.0, 1.0))


@takes_arrays
def selu(input: Tensor, inplace: bool = False) -> Tensor:
    r"""Self-normalising unit, :math:`y = 1.0507 \, \mathrm{elu}(x, 1.6733)`.

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
    Klambauer et al., "Self-Normalizing Neural Networks", 2017.

    Examples
    --------
    >>> import nbnn
    >>> import nbnn.nn.functional as F
    >>> F.selu(nbnn.tensor([-1.0, 0.0, 1.0]))
    tensor([-1.1113,  0.0000,  1.0507])
    """
    if inplace:
        return overwritten("selu", selu, input)
    return apply(ELU, floating("selu", input), params=(_SELU_ALPHA * _SELU_SCALE, _SELU_SCALE, 1.0))


@takes_arrays
def celu(input: Tensor, alpha: float = 1.0, inplace: bool = False) -> Tensor:
    r"""Smooth exponential linear unit, :math:`y = x` where :math:`x > 0`, else :math:`\alpha (e^{x / \alpha} - 1)`.

    Parameters
    ----------
    input : Tensor or array of any shape
    alpha : float
        The limit of -y for very negative x; not 0.
    inplace : bool
        Overwrite `input` with the result.

    Returns
    -------
    Tensor of the shape of `input`

    Raises
    ------
    TypeError
        If `input` is not of a floating-point type.
    ValueError
        If `alpha` is 0.

    References
    ----------
    Barron, "Continuously Differentiable Exponential Linear Units", 2017.

    Examples
    --------
    >>> import nbnn
    >>> import nbnn.nn.functional as F
    >>> F.celu(nbnn.tensor([-1.0, 0.0, 1.0]), alpha=2.0)
    tensor([-0.7869,  0.0000,  1.0000])
    """
    if inplace:
        return overwritten("celu", celu, input, alpha)
    x, a = floating("celu", input), _check.number("celu", "alpha", alpha)
    if a == 0:
        raise ValueError(f"celu: `alpha` (={alpha}) must not be 0")
    return apply(ELU, x, params=(a, 1.0, 1 / a))


def elu_(input: Tensor, alpha: float = 1.0) -> Tensor:
    """`elu` in place.

    Parameters
    ----------
    input : Tensor
    alpha : float

    Examples
    --------
    >>> import nbnn
    >>> import nbnn.nn.functional as F
    >>> F.elu_(nbnn.tensor([-1.0, 0.0, 1.0]))
    tensor([-0.6321,  0.0000,  1.0000])
    """
    return elu(input, alpha, inplace=True)


def selu_(input: Tensor) -> Tensor:
    """`selu` in place.

    Parameters
    ----------
    input : Tensor

    Examples
    --------
    >>> import nbnn
    >>> import nbnn.nn.functional as F
    >>> F.selu_(nbnn.tensor([-1.0, 0.0, 1.0]))
    tensor([-1.1113,  0.0000,  1.0507])
    """
    return selu(input, inplace=True)


def celu_(input: Tensor, alpha: float = 1.0) -> Tensor:
    """`celu` in place.

    Parameters
    ----------
    input : Tensor
    alpha : float

    Examples
    --------
    >>> import nbnn
    >>> import nbnn.nn.functional as F
    >>> F.celu_(nbnn.tensor([-1.0, 0.0, 1.0]))
    tensor([-0.6321,  0.0000,  1.0000])
    """
    return celu(input, alpha, inplace=True)


@takes_arrays
def rrelu(
    input: Tensor, lower: float = 1.0 / 8, upper: float = 1.0 / 3, training: bool = False, inplace: bool = False
) -> Tensor:
    r"""The leaky rectifier with a random slope, :math:`y = x` where :math:`x > 0`, else :math:`a x`.

    In training each element has its own a, uniform between `lower` and `upper`, from the counter-based generator: the
    same seed gives the same slopes on any number of threads and on CUDA. Otherwise a is the middle of the two.

    Parameters
    ----------
    input : Tensor or array of any shape
    lower, upper : float
        Finite, with lower <= upper.
    training : bool
        Whether the slopes are random.
    inplace : bool
        Overwrite `input` with the result.

    Returns
    -------
    Tensor of the shape of `input`

    Raises
    ------
    ValueError
        If `lower` is above `upper` or one is not finite.
    TypeError
        If `input` is not of a floating-point type.

    References
    ----------
    Xu et al., "Empirical Evaluation of Rectified Activations in Convolutional Network", 2015.

    Examples
    --------
    >>> import nbnn
    >>> import nbnn.nn.functional as F
    >>> F.rrelu(nbnn.tensor([-1.0, 2.0]), 0.25, 0.75)
    tensor([-0.5000,  2.0000])
    """
    op = "rrelu"
    low, high = _check.number(op, "lower", lower), _check.number(op, "upper", upper)
    if not (math.isfinite(low) and math.isfinite(high) and low <= high):
        raise ValueError(f"{op}: `lower` (={lower}) must be at most `upper` (={upper}), both finite")
    if inplace:
        return overwritten(op, rrelu, floating(op, input), low, high, training)
    if not training:
        return apply(LEAKY_RELU, floating(op, input), params=((low + high) / 2,))
    seed, offset = default_generator.initial_seed(), default_generator.next_offset(1)
    return apply(RRELU, floating(op, input), params=(low, high, seed, offset))


def rrelu_(input: Tensor, lower: float = 1.0 / 8, upper: float = 1.0 / 3, training: bool = False) -> Tensor:
    """`rrelu` that overwrites its input.

    Parameters
    ----------
    input : Tensor
    lower, upper : float
        Between which the slope is drawn.
    training : bool

    Examples
    --------
    >>> import nbnn
    >>> x = nbnn.tensor([-1.0, 2.0])
    >>> nbnn.functional.rrelu_(x, 0.25, 0.75)
    tensor([-0.5000,  2.0000])
    """
    return rrelu(input, lower, upper, training, True)
