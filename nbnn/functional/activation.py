"""Activations: relu, tanh, sigmoid, gelu, silu, mish, softplus and their kin."""

from __future__ import annotations

import math
from typing import Any

from nbnn.autograd import Node
from nbnn.dtypes import bool_
from nbnn.functional import _check
from nbnn.functional._elementwise import elementwise, floating, from_integers, overwritten
from nbnn.functional.array import add, mul, sub
from nbnn.functional.indexing import narrow
from nbnn.functional.joining import cat
from nbnn.kernels import activation as K
from nbnn.kernels import complexes
from nbnn.op import Op, apply, apply_unary, takes_arrays
from nbnn.tensor import Tensor


def _relu_grad(node: Node, g: Tensor) -> tuple:
    return (apply(RELU_BACKWARD, g, *node.saved),)


def _relu_backward_grad(node: Node, gg: Tensor) -> tuple:
    return (apply(RELU_BACKWARD, gg, *node.saved), None)


def _tanh_grad(node: Node, g: Tensor) -> tuple:
    return (apply(TANH_BACKWARD, g, *node.saved),)


def _tanh_backward_grad(node: Node, gg: Tensor) -> tuple:
    """d/dg of g (1 - y^2) is the same map; d/dy is -2 g y."""
    g, y = node.saved
    return (apply(TANH_BACKWARD, gg, y), mul(mul(mul(gg, g), y), -2.0) if node.needs[1] else None)


def _sigmoid_grad(node: Node, g: Tensor) -> tuple:
    return (apply(SIGMOID_BACKWARD, g, *node.saved),)


def _sigmoid_backward_grad(node: Node, gg: Tensor) -> tuple:
    """d/dg of g y (1 - y) is the same map; d/dy is g (1 - 2 y)."""
    g, y = node.saved
    return (apply(SIGMOID_BACKWARD, gg, y), mul(mul(gg, g), sub(1.0, mul(y, 2.0))) if node.needs[1] else None)


RELU = Op("relu", K.relu, saves_outputs=(0,), grad=_relu_grad)
RELU_BACKWARD = Op("relu_backward", K.relu_backward, saves_inputs=(1,), grad=_relu_backward_grad)
TANH = Op("tanh", K.tanh, saves_outputs=(0,), grad=_tanh_grad, work=lambda *_: 16, takes_complex=complexes.tanh)
TANH_BACKWARD = Op("tanh_backward", K.tanh_backward, saves_inputs=(0, 1), grad=_tanh_backward_grad, takes_complex=True)
SIGMOID = Op(
    "sigmoid", K.sigmoid, saves_outputs=(0,), grad=_sigmoid_grad, work=lambda *_: 16, takes_complex=complexes.sigmoid
)
SIGMOID_BACKWARD = Op(
    "sigmoid_backward", K.sigmoid_backward, saves_inputs=(0, 1), grad=_sigmoid_backward_grad, takes_complex=True
)


def _glu_shape(params: tuple, x: tuple) -> tuple:
    axis = params[2]
    return ((*x[:axis], x[axis] // 2, *x[axis + 1 :]),)


def _glu_rows(params: tuple, *shapes: Any) -> int:
    size, blocks, _ = params
    return math.prod(shapes[-1]) // (2 * size) * blocks if size else 0


def _glu_work(params: tuple, *_: Any) -> int:
    return 16 * min(params[0], K.GLU_PIECE)


def _glu_grad(node: Node, g: Tensor) -> tuple:
    return (apply(GLU_BACKWARD, g, *node.saved, params=node.params),)


def _glu_backward_grad(node: Node, gg: Tensor) -> tuple:
    """For da = g s and db = g a d, d = s (1 - s): by g, by a and by b."""
    g, x = node.saved
    axis = node.params[2]
    half = x._shape[axis] // 2
    a, b, gga, ggb = (narrow(t, axis, k, half) for t in (x, gg) for k in (0, half))
    s = sigmoid(b)
    d = mul(s, sub(1.0, s))
    by_g = add(mul(gga, s), mul(ggb, mul(a, d)))
    if not node.needs[1]:
        return by_g, None
    gd = mul(g, d)
    by_b = mul(gd, add(gga, mul(mul(ggb, a), sub(1.0, mul(s, 2.0)))))
    return by_g, cat([mul(ggb, gd), by_b], axis)


GELU = elementwise("gelu", K.gelu, K.gelu_backward, K.gelu_curvature)
GELU_TANH = elementwise("gelu_tanh", K.gelu_tanh, K.gelu_tanh_backward, K.gelu_tanh_curvature)
SILU = elementwise("silu", K.silu, K.silu_backward, K.silu_curvature)
MISH = elementwise("mish", K.mish, K.mish_backward, K.mish_curvature)
SOFTPLUS = elementwise("softplus", K.softplus, K.softplus_backward, K.softplus_curvature)
LOGSIGMOID = elementwise("logsigmoid", K.logsigmoid, K.logsigmoid_backward, K.logsigmoid_curvature)
SOFTSIGN = elementwise("softsign", K.softsign, K.softsign_backward, K.softsign_curvature, work=4)
TANHSHRINK = elementwise("tanhshrink", K.tanhshrink, K.tanhshrink_backward, K.tanhshrink_curvature)
GLU = Op("glu", K.glu, shape=_glu_shape, count=_glu_rows, work=_glu_work, saves_inputs=(0,), grad=_glu_grad)
GLU_BACKWARD = Op(
    "glu_backward",
    K.glu_backward,
    shape=lambda params, g, x: (x,),
    count=_glu_rows,
    work=_glu_work,
    saves_inputs=(0, 1),
    grad=_glu_backward_grad,
)


def _float(op: str, input: Tensor) -> Tensor:
    """Integers as floating-point numbers; bools are refused."""
    _check.numeric(op, _check.tensor(op, "input", input))
    return from_integers(input)


def relu(input: Tensor, inplace: bool = False) -> Tensor:
    r"""Rectified linear unit, :math:`y = \max(x, 0)`; NaN stays NaN.

    The derivative at 0 is chosen to be 0.

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
        If `input` is no Tensor or array, or holds bools.

    References
    ----------
    Nair and Hinton, "Rectified Linear Units Improve Restricted Boltzmann Machines", 2010.

    Examples
    --------
    >>> import nbnn
    >>> import nbnn.nn.functional as F
    >>> F.relu(nbnn.tensor([-1.0, 0.0, 2.0]))
    tensor([0., 0., 2.])
    """
    if getattr(input, "_dtype", None) is bool_:
        _check.numeric("relu", input)
    if inplace:
        return _relu_in_place(input)
    return apply_unary(RELU, input)


@takes_arrays
def _relu_in_place(input: Tensor) -> Tensor:
    return _in_place("relu", relu, input)


def _in_place(name: str, function: Any, input: Tensor) -> Tensor:
    from nbnn.functional.inplace import write

    return write(f"{name}_", _check.tensor(name, "input", input), function(input))


@takes_arrays
def tanh(input: Tensor) -> Tensor:
    r"""Hyperbolic tangent, :math:`y = \frac{e^x - e^{-x}}{e^x + e^{-x}}`.

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
    >>> nbnn.tanh(nbnn.tensor([0.0, 1.0]))
    tensor([0.0000, 0.7616])
    """
    return apply_unary(TANH, from_integers(input))


@takes_arrays
def sigmoid(input: Tensor) -> Tensor:
    r"""Logistic sigmoid, :math:`y = \frac{1}{1 + e^{-x}}`.

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
    >>> nbnn.sigmoid(nbnn.tensor([0.0, 2.0]))
    tensor([0.5000, 0.8808])
    """
    return apply_unary(SIGMOID, from_integers(input))


@takes_arrays
def gelu(input: Tensor, approximate: str = "none") -> Tensor:
    r"""Gaussian error linear unit, :math:`y = x \, \Phi(x)`, :math:`\Phi` being the normal distribution function.

    Parameters
    ----------
    input : Tensor or array of any shape
    approximate : str
        "tanh" computes :math:`\frac{x}{2} (1 + \tanh(\sqrt{2 / \pi} (x + 0.044715 x^3)))` instead.

    Returns
    -------
    Tensor of the shape of `input`

    Raises
    ------
    TypeError
        If `input` is not of a floating-point type.
    ValueError
        If `approximate` is neither "none" nor "tanh".

    References
    ----------
    Hendrycks and Gimpel, "Gaussian Error Linear Units", 2016.

    Examples
    --------
    >>> import nbnn
    >>> import nbnn.nn.functional as F
    >>> F.gelu(nbnn.tensor([-1.0, 0.0, 1.0]))
    tensor([-0.1587,  0.0000,  0.8413])
    """
    if approximate == "none":
        return apply_unary(GELU, floating("gelu", input))
    if approximate != "tanh":
        raise ValueError(f"gelu: `approximate` (={approximate!r}) must be 'none' or 'tanh'")
    return apply_unary(GELU_TANH, floating("gelu", input))


@takes_arrays
def silu(input: Tensor, inplace: bool = False) -> Tensor:
    """Sigmoid linear unit (swish), :math:`y = x / (1 + e^{-x})`.

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
    Elfwing, Uchibe and Doya, "Sigmoid-Weighted Linear Units for Neural Network Function Approximation", 2017.

    Examples
    --------
    >>> import nbnn
    >>> import nbnn.nn.functional as F
    >>> F.silu(nbnn.tensor([-1.0, 0.0, 1.0]))
    tensor([-0.2689,  0.0000,  0.7311])
    """
    if inplace:
        return overwritten("silu", silu, input)
    if isinstance(input, Tensor) and input._dtype.is_complex:
        return mul(input, sigmoid(input))
    return apply_unary(SILU, floating("silu", input))


@takes_arrays
def mish(input: Tensor, inplace: bool = False) -> Tensor:
    r""":math:`y = x \tanh(\ln(1 + e^x))`.

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
    Misra, "Mish: A Self Regularized Non-Monotonic Activation Function", 2019.

    Examples
    --------
    >>> import nbnn
    >>> import nbnn.nn.functional as F
    >>> F.mish(nbnn.tensor([-1.0, 0.0, 1.0]))
    tensor([-0.3034,  0.0000,  0.8651])
    """
    if inplace:
        return overwritten("mish", mish, input)
    return apply_unary(MISH, floating("mish", input))


@takes_arrays
def softplus(input: Tensor, beta: float = 1, threshold: float = 20) -> Tensor:
    r"""Smooth rectifier, :math:`y = \ln(1 + e^{\beta x}) / \beta`.

    Parameters
    ----------
    input : Tensor or array of any shape
    beta : float
        Sharpness of the bend; not 0.
    threshold : float
        Where beta * x is above it, y is x itself.

    Returns
    -------
    Tensor of the shape of `input`

    Raises
    ------
    TypeError
        If `input` is not of a floating-point type.
    ValueError
        If `beta` is 0.

    Examples
    --------
    >>> import nbnn
    >>> import nbnn.nn.functional as F
    >>> F.softplus(nbnn.tensor([-1.0, 0.0, 1.0]))
    tensor([0.3133, 0.6931, 1.3133])
    """
    x = floating("softplus", input)
    slope = _check.number("softplus", "beta", beta)
    if slope == 0:
        raise ValueError(f"softplus: `beta` (={beta}) must not be 0")
    return apply(SOFTPLUS, x, params=(slope, _check.number("softplus", "threshold", threshold)))


@takes_arrays
def logsigmoid(input: Tensor) -> Tensor:
    r"""Logarithm of the sigmoid, :math:`y = -\ln(1 + e^{-x})`, exact where the sigmoid underflows.

    Parameters
    ----------
    input : Tensor or array of any shape

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
    >>> F.logsigmoid(nbnn.tensor([-1.0, 0.0, 1.0]))
    tensor([-1.3133, -0.6931, -0.3133])
    """
    return apply_unary(LOGSIGMOID, floating("logsigmoid", input))


@takes_arrays
def softsign(input: Tensor) -> Tensor:
    """:math:`y = x / (1 + |x|)`.

    Parameters
    ----------
    input : Tensor or array of any shape

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
    >>> F.softsign(nbnn.tensor([-1.0, 0.0, 1.0]))
    tensor([-0.5000,  0.0000,  0.5000])
    """
    return apply_unary(SOFTSIGN, _float("softsign", input))


@takes_arrays
def tanhshrink(input: Tensor) -> Tensor:
    r""":math:`y = x - \tanh(x)`.

    Parameters
    ----------
    input : Tensor or array of any shape

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
    >>> F.tanhshrink(nbnn.tensor([-1.0, 0.0, 1.0]))
    tensor([-0.2384,  0.0000,  0.2384])
    """
    return apply_unary(TANHSHRINK, _float("tanhshrink", input))


@takes_arrays
def glu(input: Tensor, dim: int = -1) -> Tensor:
    r"""Gated linear unit: :math:`y = a \, \sigma(b)`, a and b being the halves of the input along an axis.

    Parameters
    ----------
    input : Tensor or array, of even size along `dim`
    dim : int
        The axis that is halved.

    Returns
    -------
    Tensor of the shape of `input`, half as long along `dim`

    Raises
    ------
    TypeError
        If `input` is not of a floating-point type.
    ValueError
        If the size along `dim` is odd.
    IndexError
        If the axis does not exist.

    References
    ----------
    Dauphin et al., "Language Modeling with Gated Convolutional Networks", 2016.

    Examples
    --------
    >>> import nbnn
    >>> import nbnn.nn.functional as F
    >>> F.glu(nbnn.tensor([1.0, 2.0, 0.0, 0.0]))
    tensor([0.5000, 1.0000])
    """
    x = _check.tensor("glu", "input", input)
    _check.floating("glu", "input", x)
    if not x._shape:
        raise ValueError("glu: `input` must have at least one axis; got ()")
    axis = _check.dim("glu", dim, x.dim())
    if x._shape[axis] % 2:
        raise ValueError(f"glu: `input` must have an even size along `dim` (={dim}); got {x._shape}")
    size = math.prod(x._shape[axis:]) // 2
    return apply(GLU, x, params=(size, -(-size // K.GLU_PIECE), axis))
