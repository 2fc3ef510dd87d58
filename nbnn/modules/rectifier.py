"""Modules of the rectifiers with another branch below 0."""

from __future__ import annotations

from typing import Any

from nbnn import functional as F
from nbnn import init as _init
from nbnn.functional import _check
from nbnn.functional.creation import empty
from nbnn.modules.module import Module
from nbnn.tensor import Parameter, Tensor


class LeakyReLU(Module):
    r"""The leaky rectifier, :math:`y = x` where :math:`x > 0`, else :math:`s x`.

    Parameters
    ----------
    negative_slope : float
        The slope s on the negative side.
    inplace : bool
        Whether the input's memory takes the result.

    Shape
    -----
    input, output : (\*), any shape

    Examples
    --------
    >>> import nbnn, nbnn.nn as nn
    >>> nn.LeakyReLU(0.5)(nbnn.tensor([-1.0, 2.0]))
    tensor([-0.5000,  2.0000])
    """

    def __init__(self, negative_slope: float = 0.01, inplace: bool = False) -> None:
        super().__init__()
        self.negative_slope = negative_slope
        self.inplace = inplace

    def forward(self, input: Tensor) -> Tensor:
        return F.leaky_relu(input, self.negative_slope, self.inplace)

    def extra_repr(self) -> str:
        return f"negative_slope={self.negative_slope}" + (", inplace=True" if self.inplace else "")


class ELU(Module):
    r"""The exponential linear unit, :math:`y = x` where :math:`x > 0`, else :math:`\alpha (e^x - 1)`.

    Parameters
    ----------
    alpha : float
        The limit of -y for very negative x.
    inplace : bool
        Whether the input's memory takes the result.

    Shape
    -----
    input, output : (\*), any shape

    Examples
    --------
    >>> import nbnn, nbnn.nn as nn
    >>> nn.ELU()(nbnn.tensor([-1.0, 2.0]))
    tensor([-0.6321,  2.0000])
    """

    def __init__(self, alpha: float = 1.0, inplace: bool = False) -> None:
        super().__init__()
        self.alpha = alpha
        self.inplace = inplace

    def forward(self, input: Tensor) -> Tensor:
        return F.elu(input, self.alpha, self.inplace)

    def extra_repr(self) -> str:
        return f"alpha={self.alpha}" + (", inplace=True" if self.inplace else "")


class SELU(Module):
    r"""The self-normalising unit, :math:`y = 1.0507 \, \mathrm{elu}(x, 1.6733)`.

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
    >>> nn.SELU()(nbnn.tensor([-1.0, 2.0]))
    tensor([-1.1113,  2.1014])
    """

    def __init__(self, inplace: bool = False) -> None:
        super().__init__()
        self.inplace = inplace

    def forward(self, input: Tensor) -> Tensor:
        return F.selu(input, self.inplace)

    def extra_repr(self) -> str:
        return "inplace=True" if self.inplace else ""


class CELU(Module):
    r"""The smooth exponential linear unit, :math:`y = x` where :math:`x > 0`, else :math:`\alpha (e^{x / \alpha} - 1)`.

    Parameters
    ----------
    alpha : float
        The limit of -y for very negative x; not 0.
    inplace : bool
        Whether the input's memory takes the result.

    Shape
    -----
    input, output : (\*), any shape

    Raises
    ------
    ValueError
        If `alpha` is 0, when it is called.

    Examples
    --------
    >>> import nbnn, nbnn.nn as nn
    >>> nn.CELU(2.0)(nbnn.tensor([-1.0, 2.0]))
    tensor([-0.7869,  2.0000])
    """

    def __init__(self, alpha: float = 1.0, inplace: bool = False) -> None:
        super().__init__()
        self.alpha = alpha
        self.inplace = inplace

    def forward(self, input: Tensor) -> Tensor:
        return F.celu(input, self.alpha, self.inplace)

    def extra_repr(self) -> str:
        return f"alpha={self.alpha}" + (", inplace=True" if self.inplace else "")


class PReLU(Module):
    r"""The leaky rectifier with learned slopes, :math:`y = x` where :math:`x > 0`, else :math:`w_c x`.

    Parameters
    ----------
    num_parameters : int
        1, or the number of channels.
    init : float
        The slopes to begin with.
    device, dtype
        Where the slopes lie and their type.

    Attributes
    ----------
    weight : Parameter (num_parameters,)

    Shape
    -----
    input, output : (N, C, \*), or any shape if there is one slope

    Raises
    ------
    ValueError
        If `num_parameters` is less than 1, or is not the number of channels of an input.

    References
    ----------
    K. He et al., "Delving Deep into Rectifiers", 2015.

    Examples
    --------
    >>> import nbnn, nbnn.nn as nn
    >>> nn.PReLU()(nbnn.tensor([-1.0, 2.0])).detach()
    tensor([-0.2500,  2.0000])
    """

    def __init__(self, num_parameters: int = 1, init: float = 0.25, device: Any = None, dtype: Any = None) -> None:
        super().__init__()
        self.num_parameters = _check.integer("PReLU", "num_parameters", num_parameters, 1)
        self.init = init
        self.weight = Parameter(empty(self.num_parameters, device=device, dtype=dtype))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Set all slopes to `init`."""
        _init.constant_(self.weight, self.init)

    def forward(self, input: Tensor) -> Tensor:
        return F.prelu(input, self.weight)

    def extra_repr(self) -> str:
        return f"num_parameters={self.num_parameters}"


class RReLU(Module):
    r"""The leaky rectifier with a random slope, :math:`y = x` where :math:`x > 0`, else :math:`a x`.

    In training each element has its own a; in evaluation a is the middle of `lower` and `upper`.

    Parameters
    ----------
    lower, upper : float
        Between which a is uniform.
    inplace : bool
        Whether the input's memory takes the result.

    Shape
    -----
    input, output : (\*), any shape

    References
    ----------
    Xu et al., "Empirical Evaluation of Rectified Activations in Convolutional Network", arXiv:1505.00853, 2015.

    Examples
    --------
    >>> import nbnn, nbnn.nn as nn
    >>> nn.RReLU(0.25, 0.75).eval()(nbnn.tensor([-1.0, 2.0]))
    tensor([-0.5000,  2.0000])
    """

    def __init__(self, lower: float = 0.125, upper: float = 0.3333333333333333, inplace: bool = False) -> None:
        super().__init__()
        self.lower = lower
        self.upper = upper
        self.inplace = inplace

    def forward(self, input: Tensor) -> Tensor:
        return F.rrelu(input, self.lower, self.upper, self.training, self.inplace)

    def extra_repr(self) -> str:
        return f"lower={self.lower}, upper={self.upper}" + (", inplace=True" if self.inplace else "")
