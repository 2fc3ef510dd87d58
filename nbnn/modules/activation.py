"""Modules of the smooth activation functions, and ReLU."""

from __future__ import annotations

from nbnn import functional as F
from nbnn.modules.module import Module
from nbnn.tensor import Tensor


class ReLU(Module):
    r"""The rectified linear unit, :math:`y = \max(x, 0)`.

    Parameters
    ----------
    inplace : bool
        Whether the input's memory takes the result.

    Shape
    -----
    input, output : (\*), any shape

    References
    ----------
    V. Nair, G. E. Hinton, "Rectified Linear Units Improve Restricted Boltzmann Machines", ICML 2010.

    Examples
    --------
    >>> import nbnn, nbnn.nn as nn
    >>> nn.ReLU()(nbnn.tensor([-1.0, 2.0]))
    tensor([0., 2.])
    """

    def __init__(self, inplace: bool = False) -> None:
        super().__init__()
        self.inplace = inplace

    def forward(self, input: Tensor) -> Tensor:
        return F.relu(input, self.inplace)

    def extra_repr(self) -> str:
        return "inplace=True" if self.inplace else ""


class Tanh(Module):
    r"""The hyperbolic tangent, :math:`y = \tanh(x)`.

    Shape
    -----
    input, output : (\*), any shape

    Examples
    --------
    >>> import nbnn, nbnn.nn as nn
    >>> nn.Tanh()(nbnn.zeros(2))
    tensor([0., 0.])
    """

    def forward(self, input: Tensor) -> Tensor:
        return F.tanh(input)


class Sigmoid(Module):
    r"""The logistic function, :math:`y = 1 / (1 + e^{-x})`.

    Shape
    -----
    input, output : (\*), any shape

    Examples
    --------
    >>> import nbnn, nbnn.nn as nn
    >>> nn.Sigmoid()(nbnn.zeros(2))
    tensor([0.5000, 0.5000])
    """

    def forward(self, input: Tensor) -> Tensor:
        return F.sigmoid(input)


class GELU(Module):
    r"""The Gaussian error linear unit, :math:`y = x \, \Phi(x)`, :math:`\Phi` being the normal distribution function.

    Parameters
    ----------
    approximate : str
        "none", or "tanh" for a formula with tanh.

    Shape
    -----
    input, output : (\*), any shape

    Raises
    ------
    ValueError
        If `approximate` is neither "none" nor "tanh", when it is called.

    References
    ----------
    D. Hendrycks, K. Gimpel, "Gaussian Error Linear Units", 2016.

    Examples
    --------
    >>> import nbnn, nbnn.nn as nn
    >>> nn.GELU()(nbnn.tensor([-1.0, 2.0]))
    tensor([-0.1587,  1.9545])
    """

    def __init__(self, approximate: str = "none") -> None:
        super().__init__()
        self.approximate = approximate

    def forward(self, input: Tensor) -> Tensor:
        return F.gelu(input, self.approximate)

    def extra_repr(self) -> str:
        return f"approximate={self.approximate!r}"


class SiLU(Module):
    r"""The sigmoid linear unit (swish), :math:`y = x / (1 + e^{-x})`.

    Parameters
    ----------
    inplace : bool
        Whether the input's memory takes the result.

    Shape
    -----
    input, output : (\*), any shape

    Examples
    --------
    >>> import nbnn, nbnn.nn as nn
    >>> nn.SiLU()(nbnn.tensor([-1.0, 2.0]))
    tensor([-0.2689,  1.7616])
    """

    def __init__(self, inplace: bool = False) -> None:
        super().__init__()
        self.inplace = inplace

    def forward(self, input: Tensor) -> Tensor:
        return F.silu(input, self.inplace)

    def extra_repr(self) -> str:
        return "inplace=True" if self.inplace else ""


class Mish(Module):
    r"""The function :math:`y = x \tanh(\ln(1 + e^x))`.

    Parameters
    ----------
    inplace : bool
        Whether the input's memory takes the result.

    Shape
    -----
    input, output : (\*), any shape

    Examples
    --------
    >>> import nbnn, nbnn.nn as nn
    >>> nn.Mish()(nbnn.tensor([-1.0, 2.0]))
    tensor([-0.3034,  1.9440])
    """

    def __init__(self, inplace: bool = False) -> None:
        super().__init__()
        self.inplace = inplace

    def forward(self, input: Tensor) -> Tensor:
        return F.mish(input, self.inplace)

    def extra_repr(self) -> str:
        return "inplace=True" if self.inplace else ""


class Softplus(Module):
    r"""The smooth rectifier, :math:`y = \ln(1 + e^{\beta x}) / \beta`.

    Parameters
    ----------
    beta : float
        Sharpness of the bend; not 0.
    threshold : float
        Where beta * x is above it, y is x itself.

    Shape
    -----
    input, output : (\*), any shape

    Raises
    ------
    ValueError
        If `beta` is 0, when it is called.

    Examples
    --------
    >>> import nbnn, nbnn.nn as nn
    >>> nn.Softplus()(nbnn.tensor([-1.0, 2.0]))
    tensor([0.3133, 2.1269])
    """

    def __init__(self, beta: float = 1.0, threshold: float = 20.0) -> None:
        super().__init__()
        self.beta = beta
        self.threshold = threshold

    def forward(self, input: Tensor) -> Tensor:
        return F.softplus(input, self.beta, self.threshold)

    def extra_repr(self) -> str:
        return f"beta={self.beta}, threshold={self.threshold}"


class LogSigmoid(Module):
    r"""The logarithm of the sigmoid, :math:`y = -\ln(1 + e^{-x})`.

    Shape
    -----
    input, output : (\*), any shape

    Examples
    --------
    >>> import nbnn, nbnn.nn as nn
    >>> nn.LogSigmoid()(nbnn.tensor([-1.0, 2.0]))
    tensor([-1.3133, -0.1269])
    """

    def forward(self, input: Tensor) -> Tensor:
        return F.logsigmoid(input)


class Softsign(Module):
    r"""The function :math:`y = x / (1 + |x|)`.

    Shape
    -----
    input, output : (\*), any shape

    Examples
    --------
    >>> import nbnn, nbnn.nn as nn
    >>> nn.Softsign()(nbnn.tensor([-1.0, 2.0]))
    tensor([-0.5000,  0.6667])
    """

    def forward(self, input: Tensor) -> Tensor:
        return F.softsign(input)


class Tanhshrink(Module):
    r"""The function :math:`y = x - \tanh(x)`.

    Shape
    -----
    input, output : (\*), any shape

    Examples
    --------
    >>> import nbnn, nbnn.nn as nn
    >>> nn.Tanhshrink()(nbnn.tensor([-1.0, 2.0]))
    tensor([-0.2384,  1.0360])
    """

    def forward(self, input: Tensor) -> Tensor:
        return F.tanhshrink(input)


class GLU(Module):
    r"""The gated linear unit, :math:`y = a \, \sigma(b)`, a and b being the halves of the input along an axis.

    Parameters
    ----------
    dim : int
        The axis that is halved.

    Shape
    -----
    input : (\*, 2N, \*) with an even size along `dim`; output : (\*, N, \*)

    Raises
    ------
    ValueError
        If that size is odd.

    Examples
    --------
    >>> import nbnn, nbnn.nn as nn
    >>> nn.GLU()(nbnn.tensor([1.0, 2.0, 0.0, 0.0]))
    tensor([0.5000, 1.0000])
    """

    def __init__(self, dim: int = -1) -> None:
        super().__init__()
        self.dim = dim

    def forward(self, input: Tensor) -> Tensor:
        return F.glu(input, self.dim)

    def extra_repr(self) -> str:
        return f"dim={self.dim}"
